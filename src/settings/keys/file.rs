//! Reading a file that holds a secret: refused, with the exact reason, if anybody else could read or exchange it.
//!
//! Links are followed, because Kubernetes mounts secrets as links, and the file that they lead to is judged. It is judged
//! after it was opened, so that it cannot be another one by the time it is read.

use std::fs::{File, Metadata};
use std::io::{self, ErrorKind, Read as _};
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use rustix::process::{getegid, geteuid, getgroups};
use zeroize::Zeroizing;

use crate::source::regular;

/// The most bytes of a key or a pass phrase with all that belongs to its file.
const LONGEST: usize = 4096;

/// The user and the group that own the machine.
const ROOT: u32 = 0;

const PRIVATE: &str =
    "`chmod 600` makes it private; in Kubernetes set `defaultMode: 0400` and, for a server that is not root, `fsGroup`";

/// Why a file is not read, as a sentence that names it, and what to do about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unfit {
    /// What is wrong.
    pub message: String,
    /// What to do about it, if there is one thing.
    pub hint: Option<&'static str>,
}

/// Who is asking.
struct Process {
    user: u32,
    groups: Vec<u32>,
}

/// What decides whether a file is private.
#[derive(Clone, Copy)]
struct Facts {
    is_file: bool,
    owner: u32,
    group: u32,
    /// The permission bits.
    mode: u32,
}

/// The text of a private file.
///
/// # Errors
/// If it cannot be read, is no file, too long or no text, belongs to somebody else, or can be read or changed by others.
/// No part of what it holds is told.
pub fn read(path: &Path) -> Result<Zeroizing<String>, Unfit> {
    let unfit = |(what, hint): (String, Option<&'static str>)| {
        let message = format!("`{}` {what}", path.display());
        Unfit { message, hint }
    };
    let unreadable = |error: io::Error| {
        let hint = (error.kind() == ErrorKind::PermissionDenied).then_some(PRIVATE);
        unfit((format!("cannot be read: {error}"), hint))
    };
    // A pipe without a writer must not hold up the start.
    let file = regular::open_without_waiting(path).map_err(unreadable)?;
    let facts = Facts::of(&file.metadata().map_err(unreadable)?);
    judge(facts, &Process::this()).map_err(unfit)?;
    let bytes = contents(file).map_err(unreadable)?;
    if bytes.len() > LONGEST {
        return Err(unfit((format!("has more than {LONGEST} bytes, which no key has"), None)));
    }
    let text = str::from_utf8(&bytes).map_err(|_| unfit(("is no text".to_owned(), None)))?;
    Ok(Zeroizing::new(text.to_owned()))
}

/// Up to one byte more than the longest, into memory that does not grow: growing would leave copies behind.
fn contents(mut file: File) -> io::Result<Zeroizing<Vec<u8>>> {
    let mut bytes = Zeroizing::new(vec![0; LONGEST + 1]);
    let mut filled = 0;
    loop {
        match file.read(&mut bytes[filled..]) {
            Ok(0) => break,
            Ok(count) => filled += count,
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    bytes.truncate(filled);
    Ok(bytes)
}

/// Refuses a file that others could read or exchange.
///
/// A file of root's may be readable for its group, if this server is in it or it is root's own: so do Kubernetes
/// (`fsGroup`) and systemd (an access list, which shows as rights of the group) hand a secret to a user.
fn judge(facts: Facts, process: &Process) -> Result<(), (String, Option<&'static str>)> {
    let Facts { is_file, owner, group, mode } = facts;
    if !is_file {
        return Err(("is no file".to_owned(), None));
    }
    if owner != process.user && owner != ROOT {
        let message = format!("belongs to user {owner}, who is neither root nor user {} of this server", process.user);
        return Err((message, Some("change its owner with `chown`, for an owner can exchange it at any time")));
    }
    let may_group_read = owner == ROOT && (group == ROOT || process.groups.contains(&group));
    let forbidden = if may_group_read { 0o026 } else { 0o066 };
    match mode & forbidden {
        0 => Ok(()),
        rights if rights & 0o022 != 0 => Err((format!("can be changed by others (mode {mode:04o})"), Some(PRIVATE))),
        _ => Err((format!("can be read by others (mode {mode:04o})"), Some(PRIVATE))),
    }
}

impl Process {
    fn this() -> Self {
        let mut groups: Vec<u32> = getgroups().unwrap_or_default().iter().map(|group| group.as_raw()).collect();
        groups.push(getegid().as_raw());
        Self { user: geteuid().as_raw(), groups }
    }
}

impl Facts {
    fn of(metadata: &Metadata) -> Self {
        Self {
            is_file: metadata.is_file(),
            owner: metadata.uid(),
            group: metadata.gid(),
            mode: metadata.mode() & 0o7777,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::{PermissionsExt as _, symlink};

    use super::*;

    fn refused(path: &Path) -> String {
        let unfit = read(path).unwrap_err();
        unfit.message.replace(&path.display().to_string(), "FILE")
    }

    fn write(path: &Path, content: &[u8], mode: u32) {
        fs::write(path, content).unwrap();
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    }

    #[test]
    fn a_private_file_is_read_as_it_is_also_through_links() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("..2026/key");
        fs::create_dir(folder.path().join("..2026")).unwrap();
        symlink("..2026", folder.path().join("..data")).unwrap();
        symlink("..data/key", folder.path().join("key")).unwrap();
        for mode in [0o600, 0o400] {
            write(&path, b"text\r\n\n", mode);
            assert_eq!(read(&folder.path().join("key")).unwrap().as_str(), "text\r\n\n");
        }
        write(&path, b"text", 0o604);
        assert_eq!(refused(&folder.path().join("key")), "`FILE` can be read by others (mode 0604)");
    }

    #[test]
    fn a_file_that_others_can_read_or_change_is_refused_with_its_mode() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key");
        for (mode, what) in
            [(0o644, "read"), (0o666, "changed"), (0o622, "changed"), (0o604, "read"), (0o602, "changed")]
        {
            write(&path, b"text", mode);
            assert_eq!(refused(&path), format!("`FILE` can be {what} by others (mode {mode:04o})"));
        }
        assert_eq!(read(&path).unwrap_err().hint, Some(PRIVATE));
    }

    #[test]
    fn what_is_no_file_of_text_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key");
        assert_eq!(refused(&path), "`FILE` cannot be read: No such file or directory (os error 2)");
        symlink("nowhere", &path).unwrap();
        assert_eq!(refused(&path), "`FILE` cannot be read: No such file or directory (os error 2)");
        assert_eq!(refused(folder.path()), "`FILE` is no file");
        assert_eq!(refused(Path::new("/dev/null")), "`FILE` is no file");
        let pipe = folder.path().join("pipe");
        rustix::fs::mknodat(rustix::fs::CWD, &pipe, rustix::fs::FileType::Fifo, rustix::fs::Mode::RUSR, 0).unwrap();
        assert_eq!(refused(&pipe), "`FILE` is no file");
        let long = folder.path().join("long");
        write(&long, &vec![b'x'; LONGEST + 1], 0o600);
        assert_eq!(refused(&long), "`FILE` has more than 4096 bytes, which no key has");
        write(&long, &vec![b'x'; LONGEST], 0o600);
        assert_eq!(read(&long).unwrap().len(), LONGEST);
        write(&long, &[0xc3; 32], 0o600);
        assert_eq!(refused(&long), "`FILE` is no text");
    }

    /// Owner, group and mode of a file, and what a server of user 7 in the groups 7 and 70 says of it.
    #[test]
    fn the_owner_and_the_group_decide_what_is_private() {
        let process = Process { user: 7, groups: vec![7, 70] };
        let told = |(owner, group, mode)| {
            let judged = judge(Facts { is_file: true, owner, group, mode }, &process);
            judged.map_or_else(|(what, _)| what, |()| "fine".to_owned())
        };
        let files = [(7, 7, 0o600), (7, 7, 0o640), (0, 0, 0o400), (0, 70, 0o440), (0, 0, 0o440), (0, 8, 0o440)];
        let expected =
            ["fine", "can be read by others (mode 0640)", "fine", "fine", "fine", "can be read by others (mode 0440)"];
        assert_eq!(files.map(told), expected);
        let files = [(0, 70, 0o460), (0, 70, 0o444), (7, 7, 0o711), (8, 7, 0o600)];
        let expected = [
            "can be changed by others (mode 0460)",
            "can be read by others (mode 0444)",
            "fine",
            "belongs to user 8, who is neither root nor user 7 of this server",
        ];
        assert_eq!(files.map(told), expected);
    }

    #[test]
    fn this_process_may_read_its_own_files() {
        let folder = tempfile::tempdir().unwrap();
        let owner = Facts::of(&fs::metadata(folder.path()).unwrap()).owner;
        assert_eq!(Process::this().user, owner);
    }
}
