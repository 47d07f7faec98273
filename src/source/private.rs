//! Reading a file that holds a secret: refused, with the exact reason, if anybody else could read or exchange it.
//!
//! The one reader of keys, pass phrases, passwords, tokens and certificates' keys. Links are followed, because Kubernetes
//! mounts secrets as links, and the file that they lead to is judged. It is judged after it was opened, so that it cannot be
//! another one by the time it is read.

use std::fs::{File, Metadata};
use std::io::{self, ErrorKind, Read as _};
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use rustix::process::{getegid, geteuid, getgroups};
use zeroize::Zeroizing;

use super::{FetchError, regular};
use crate::config::secret_string::SecretString;

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

impl Unfit {
    /// Why a fetch cannot log in; `what` says what the file is for.
    pub(in crate::source) fn of(&self, what: &str) -> FetchError {
        let error = FetchError::new("auth", format!("{what} {}", self.message));
        match self.hint {
            Some(hint) => error.with_hint(hint),
            None => error,
        }
    }
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

/// The text of a private file of at most `most` bytes.
///
/// # Errors
/// As [`read_bytes`], and if it is no text.
pub fn read(path: &Path, most: usize) -> Result<SecretString, Unfit> {
    let bytes = read_bytes(path, most)?;
    let text = str::from_utf8(&bytes).map_err(|_| unfit(path, "is not UTF-8 text", None))?;
    Ok(SecretString::new(text))
}

/// The first line of a private file, for secrets to which the line end does not belong.
///
/// # Errors
/// As [`read`].
pub fn read_line(path: &Path, most: usize) -> Result<SecretString, Unfit> {
    let text = read(path, most)?;
    let line = text.expose().strip_suffix('\n').unwrap_or(text.expose());
    Ok(SecretString::new(line.strip_suffix('\r').unwrap_or(line)))
}

/// The bytes of a private file of at most `most` bytes.
///
/// # Errors
/// If it cannot be read, is not a regular file or too long, belongs to somebody else, or can be read or changed by others. No part of
/// what it holds is told.
pub fn read_bytes(path: &Path, most: usize) -> Result<Zeroizing<Vec<u8>>, Unfit> {
    let bytes = contents(open(path)?, most).map_err(|error| unreadable(path, &error))?;
    if bytes.len() > most {
        return Err(unfit(path, &format!("has more than the {most} bytes that it may have"), None));
    }
    Ok(bytes)
}

/// Refuses a file that is not private, for those that another program reads.
///
/// # Errors
/// As [`read_bytes`].
pub fn check(path: &Path) -> Result<(), Unfit> {
    open(path).map(drop)
}

fn open(path: &Path) -> Result<File, Unfit> {
    // A pipe without a writer must not hold up the start.
    let file = regular::open_without_waiting(path).map_err(|error| unreadable(path, &error))?;
    let facts = Facts::of(&file.metadata().map_err(|error| unreadable(path, &error))?);
    judge(facts, &Process::this()).map_err(|(what, hint)| unfit(path, &what, hint))?;
    Ok(file)
}

fn unfit(path: &Path, what: &str, hint: Option<&'static str>) -> Unfit {
    Unfit { message: format!("`{}` {what}", path.display()), hint }
}

fn unreadable(path: &Path, error: &io::Error) -> Unfit {
    let hint = (error.kind() == ErrorKind::PermissionDenied).then_some(PRIVATE);
    unfit(path, &format!("cannot be read: {error}"), hint)
}

/// Up to one byte more than `most`, into memory that does not grow: growing would leave copies behind.
fn contents(mut file: File, most: usize) -> io::Result<Zeroizing<Vec<u8>>> {
    let mut bytes = Zeroizing::new(vec![0; most + 1]);
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
        return Err(("is not a regular file".to_owned(), None));
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

    const LONGEST: usize = 4096;

    fn refused(path: &Path) -> String {
        let unfit = read(path, LONGEST).unwrap_err();
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
            assert_eq!(read(&folder.path().join("key"), LONGEST).unwrap().expose(), "text\r\n\n");
        }
        write(&path, b"text", 0o604);
        assert_eq!(refused(&folder.path().join("key")), "`FILE` can be read by others (mode 0604)");
    }

    #[test]
    fn a_line_end_is_no_part_of_a_secret_line() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key");
        for (content, expected) in
            [("one\n", "one"), ("two\r\n", "two"), (" three ", " three "), ("four\n\n", "four\n")]
        {
            write(&path, content.as_bytes(), 0o600);
            assert_eq!(read_line(&path, LONGEST).unwrap().expose(), expected);
        }
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
        assert_eq!(read(&path, LONGEST).unwrap_err().hint, Some(PRIVATE));
    }

    #[test]
    fn what_is_no_file_of_text_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key");
        assert_eq!(refused(&path), "`FILE` cannot be read: No such file or directory (os error 2)");
        symlink("nowhere", &path).unwrap();
        assert_eq!(refused(&path), "`FILE` cannot be read: No such file or directory (os error 2)");
        assert_eq!(refused(folder.path()), "`FILE` is not a regular file");
        assert_eq!(refused(Path::new("/dev/null")), "`FILE` is not a regular file");
        let pipe = folder.path().join("pipe");
        rustix::fs::mknodat(rustix::fs::CWD, &pipe, rustix::fs::FileType::Fifo, rustix::fs::Mode::RUSR, 0).unwrap();
        assert_eq!(refused(&pipe), "`FILE` is not a regular file");
        let long = folder.path().join("long");
        write(&long, &vec![b'x'; LONGEST + 1], 0o600);
        assert_eq!(refused(&long), "`FILE` has more than the 4096 bytes that it may have");
        write(&long, &vec![b'x'; LONGEST], 0o600);
        assert_eq!(read_bytes(&long, LONGEST).unwrap().len(), LONGEST);
        write(&long, &[0xc3; 32], 0o600);
        assert_eq!(refused(&long), "`FILE` is not UTF-8 text");
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
