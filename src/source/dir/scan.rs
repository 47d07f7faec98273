//! What a plain folder holds at one moment: which files there would be read, without reading one.
//!
//! Nothing is recursive and everything is bounded. Links are followed where their real target stays below the folder,
//! because that is how Kubernetes mounts a ConfigMap: `app.yml` is a link into `..data`, itself a link to a folder
//! that is swapped as a whole. No file is opened, so a pipe cannot block.

use std::ffi::OsStr;
use std::fs::{self, FileType, Metadata};
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use crate::config::tree::Skipped;
use crate::format::Format;
use crate::source::ReadError;
use crate::source::name::{self, MAX_DEPTH, MAX_HOPS, MAX_PATH};

/// The files of a folder, by path. Two surveys are equal if nothing was changed between them.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Survey {
    pub(super) found: Vec<Found>,
    pub(super) skipped: Vec<Skipped>,
}

/// A configuration file that was seen.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Found {
    /// Path from the root.
    pub(super) path: String,
    /// Where its bytes are, links resolved.
    pub(super) real: PathBuf,
    pub(super) size: u64,
    /// Seconds since 1970, and nanoseconds.
    pub(super) modified: (i64, i64),
    /// Tells a file apart from one that took its place.
    inode: (u64, u64),
}

/// A folder that is still to be looked into.
struct Pending {
    real: PathBuf,
    path: String,
    depth: usize,
    /// The real folders whose links were followed to come here.
    crossed: Vec<PathBuf>,
}

/// What an entry turned out to be.
enum Seen {
    Nothing,
    File(Found),
    Folder(Pending),
    Skipped(String, &'static str),
}

/// Looks through the folder at `root`; for configuration, or for `all_files`.
///
/// # Errors
/// If a folder or file cannot be looked at, or there are more than `max_entries` entries.
pub(super) fn survey(root: &Path, max_entries: usize, all_files: bool) -> Result<Survey, ReadError> {
    let root = fs::canonicalize(root).map_err(|error| unreadable(root, &error))?;
    let mut survey = Survey::default();
    let mut pending = vec![Pending { real: root.clone(), path: String::new(), depth: 0, crossed: Vec::new() }];
    let mut seen = 0;
    while let Some(folder) = pending.pop() {
        for entry in fs::read_dir(&folder.real).map_err(|error| unreadable(&folder.real, &error))? {
            let entry = entry.map_err(|error| unreadable(&folder.real, &error))?;
            seen += 1;
            if seen > max_entries {
                let hint = "raise limits.files, or serve a folder of its own";
                let root = root.display();
                return Err(ReadError(format!(
                    "`{root}` holds more than {max_entries} files and folders\nhint: {hint}"
                )));
            }
            let kind = entry.file_type().map_err(|error| unreadable(&entry.path(), &error))?;
            match look((&root, all_files), &folder, &entry.file_name(), kind)? {
                Seen::Nothing => {}
                Seen::File(found) if !all_files && !is_configuration(&found.path) => {}
                Seen::File(found) => survey.found.push(found),
                Seen::Folder(inner) if inner.depth > MAX_DEPTH => {
                    let inner = inner.real.display();
                    return Err(ReadError(format!("`{inner}` is below more than {MAX_DEPTH} folders")));
                }
                Seen::Folder(inner) => pending.push(inner),
                Seen::Skipped(path, reason) => survey.skipped.push(Skipped { path: path.into(), reason }),
            }
        }
    }
    survey.found.sort();
    survey.skipped.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(survey)
}

fn look((root, all_files): (&Path, bool), folder: &Pending, name: &OsStr, kind: FileType) -> Result<Seen, ReadError> {
    let is_hidden = |text: &str| if all_files { name::is_private(text) } else { name::is_hidden(&folder.path, text) };
    let text = match name::check(name.as_bytes()) {
        Ok(text) if is_hidden(text) || is_disk_repair(folder, text) => return Ok(Seen::Nothing),
        Ok(text) => text,
        // The folder of a clone is no mistake, unlike in a commit.
        Err(_) if name.eq_ignore_ascii_case(".git") => return Ok(Seen::Nothing),
        Err(reason) => return Ok(Seen::Skipped(name::join(&folder.path, &name.to_string_lossy()), reason)),
    };
    let path = name::join(&folder.path, text);
    if path.len() > MAX_PATH {
        return Ok(Seen::Skipped(path.chars().take(80).collect(), "its path is longer than 1024 bytes"));
    }
    let real = folder.real.join(name);
    if kind.is_symlink() {
        follow(root, folder, path, &real)
    } else if kind.is_dir() {
        Ok(Seen::Folder(Pending { real, path, depth: folder.depth + 1, crossed: folder.crossed.clone() }))
    } else if kind.is_file() {
        match fs::symlink_metadata(&real) {
            Ok(metadata) => Ok(file(path, real, &metadata)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Seen::Nothing),
            Err(error) => Err(unreadable(&real, &error)),
        }
    } else {
        Ok(Seen::Skipped(path, "it is no regular file"))
    }
}

fn follow(root: &Path, folder: &Pending, path: String, link: &Path) -> Result<Seen, ReadError> {
    let resolved = fs::canonicalize(link).and_then(|real| Ok((fs::symlink_metadata(&real)?, real)));
    let (metadata, real) = match resolved {
        Ok(resolved) => resolved,
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => return Err(unreadable(link, &error)),
        Err(_) => return Ok(Seen::Skipped(path, "the link leads to nothing")),
    };
    let Ok(below) = real.strip_prefix(root) else { return Ok(Seen::Skipped(path, "the link leaves the root")) };
    if below.iter().any(|step| step.eq_ignore_ascii_case(".git")) {
        return Ok(Seen::Skipped(path, "nothing called .git is configuration"));
    }
    if metadata.is_file() {
        return Ok(file(path, real, &metadata));
    }
    if !metadata.is_dir() {
        return Ok(Seen::Skipped(path, "it is no regular file"));
    }
    let mut crossed = folder.crossed.clone();
    crossed.push(folder.real.clone());
    if crossed.len() > MAX_HOPS || crossed.iter().any(|inner| inner.starts_with(&real)) {
        return Ok(Seen::Skipped(path, "the link leads back to a folder that it is in, or through too many links"));
    }
    Ok(Seen::Folder(Pending { real, path, depth: folder.depth + 1, crossed }))
}

/// True for a file of a format that can be read.
fn is_configuration(path: &str) -> bool {
    path.rsplit_once('.').and_then(|(_, extension)| Format::of_extension(extension)).is_some()
}

fn file(path: String, real: PathBuf, metadata: &Metadata) -> Seen {
    Seen::File(Found {
        path,
        real,
        size: metadata.size(),
        modified: (metadata.mtime(), metadata.mtime_nsec()),
        inode: (metadata.dev(), metadata.ino()),
    })
}

/// The folder at the top of many a mounted disk that only its owner may enter.
fn is_disk_repair(folder: &Pending, name: &str) -> bool {
    folder.depth == 0 && name == "lost+found"
}

pub(super) fn unreadable(path: &Path, error: &io::Error) -> ReadError {
    ReadError(format!("`{}` cannot be read: {error}", path.display()))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;
    use std::os::unix::net::UnixListener;

    use super::*;

    fn shown(root: &Path, max_entries: usize) -> String {
        match survey(root, max_entries, false) {
            Ok(survey) => {
                let found = survey.found.iter().map(|found| format!("{} {}\n", found.path, found.size));
                let skipped = survey.skipped.iter().map(|skipped| format!("- {}: {}\n", skipped.path, skipped.reason));
                found.chain(skipped).collect()
            }
            Err(error) => error.0.replace(root.to_str().unwrap(), "ROOT"),
        }
    }

    fn folder(files: &[&str]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for file in files {
            let path = folder.path().join(file);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "a: 1").unwrap();
        }
        folder
    }

    #[test]
    fn configuration_files_are_found_and_dot_files_are_not() {
        let folder = folder(&[
            ".git/config.yml",
            ".layerd-check.yaml",
            ".x.yml",
            "README.md",
            "app/a.properties",
            "app/b.json",
            "lost+found/x.yml",
            "z.yml",
        ]);
        assert_eq!(shown(folder.path(), 100), ".layerd-check.yaml 4\napp/a.properties 4\napp/b.json 4\nz.yml 4\n");
    }

    #[test]
    fn a_mounted_config_map_is_read_through_its_links() {
        let folder = folder(&["..2026_01/app.yml", "..2026_01/sub/x.yml"]);
        symlink("..2026_01", folder.path().join("..data")).unwrap();
        symlink("..data/app.yml", folder.path().join("app.yml")).unwrap();
        symlink("..data/sub", folder.path().join("sub")).unwrap();
        assert_eq!(shown(folder.path(), 100), "app.yml 4\nsub/x.yml 4\n");
    }

    #[test]
    fn what_is_no_file_below_the_root_is_left_out_with_a_reason() {
        let outside = folder(&["secret.yml"]);
        let folder = folder(&["a/x.yml", ".git/config"]);
        let at = |name: &str| folder.path().join(name);
        symlink(outside.path().join("secret.yml"), at("absolute.yml")).unwrap();
        symlink(outside.path(), at("away")).unwrap();
        symlink("../a", at("a/again")).unwrap();
        symlink("none.yml", at("dangling.yml")).unwrap();
        symlink(".git/config", at("git.yml")).unwrap();
        symlink("self.yml", at("self.yml")).unwrap();
        symlink("socket.yml", at("to-socket.yml")).unwrap();
        let _listener = UnixListener::bind(at("socket.yml")).unwrap();
        assert!(std::process::Command::new("mkfifo").arg(at("pipe.yml")).status().unwrap().success());
        fs::write(folder.path().join(OsStr::from_bytes(b"caf\xe9.yml")), "").unwrap();
        assert_eq!(
            shown(folder.path(), 100),
            "a/x.yml 4\n\
             - a/again: the link leads back to a folder that it is in, or through too many links\n\
             - absolute.yml: the link leaves the root\n\
             - away: the link leaves the root\n\
             - caf\u{fffd}.yml: its name is not UTF-8\n\
             - dangling.yml: the link leads to nothing\n\
             - git.yml: nothing called .git is configuration\n\
             - pipe.yml: it is no regular file\n\
             - self.yml: the link leads to nothing\n\
             - socket.yml: it is no regular file\n\
             - to-socket.yml: it is no regular file\n"
        );
    }

    #[test]
    fn a_missing_folder_and_one_over_the_limits_are_errors() {
        let folder = folder(&["a.yml", "b.yml", "c.yml"]);
        assert_eq!(
            shown(folder.path(), 2),
            "`ROOT` holds more than 2 files and folders\nhint: raise limits.files, or serve a folder of its own"
        );
        assert_eq!(
            shown(&folder.path().join("none"), 2),
            "`ROOT` cannot be read: No such file or directory (os error 2)"
        );
        let deep = folder.path().join(["d"; 65].join("/"));
        fs::create_dir_all(&deep).unwrap();
        assert_eq!(shown(folder.path(), 100), format!("`ROOT/{}` is below more than 64 folders", ["d"; 65].join("/")));
    }
}
