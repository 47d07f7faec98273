//! What a plain folder holds at one moment: which files there would be read, without reading one.
//!
//! Nothing is recursive and everything is bounded. Links are followed where their real target stays below the folder,
//! because that is how Kubernetes mounts a ConfigMap: `app.yml` is a link into `..data`, itself a link to a folder
//! that is swapped as a whole. No file is opened, so a pipe cannot block. One entry that cannot be looked at is noted and
//! keeps no other from being found.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs::{self, DirEntry, Metadata};
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustix::io::Errno;

use crate::config::locations::Locations;
use crate::config::tree::Skipped;
use crate::format::Format;
use crate::source::ReadError;
use crate::source::name::{self, MAX_DEPTH, MAX_HOPS, MAX_PATH};

/// Where is looked, and for what.
#[derive(Debug)]
pub(super) struct Scope<'a> {
    /// The folder that paths are told from.
    pub(super) root: &'a Path,
    /// What exists in it.
    pub(super) locations: &'a Locations,
    /// The most files and folders in it.
    pub(super) max_entries: usize,
    /// Files that are no configuration are found as well.
    pub(super) all_files: bool,
    /// Files that are never found, by whatever name.
    pub(super) own_files: &'a [PathBuf],
}

/// The files of a folder, by path. Two surveys are equal if nothing was changed between them.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Survey {
    pub(super) found: Vec<Found>,
    pub(super) skipped: Vec<Skipped>,
    /// Files that cannot be looked at, and why.
    pub(super) unreadable: BTreeMap<Arc<str>, Arc<str>>,
    /// Folders that cannot be looked into, and why.
    pub(super) closed: BTreeMap<Arc<str>, Arc<str>>,
}

/// A configuration file that was seen.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Found {
    /// Path from the root.
    pub(super) path: String,
    /// Where its bytes are, links resolved.
    pub(super) real: PathBuf,
    pub(super) stamp: Stamp,
}

/// Changes whenever the bytes of a file do, or another file takes its place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Stamp {
    pub(super) size: u64,
    /// Seconds since 1970, and nanoseconds.
    pub(super) modified: (i64, i64),
    /// The same for the last change of anything, the name among it.
    pub(super) changed: (i64, i64),
    /// Tells a file apart from one that took its place.
    pub(super) inode: (u64, u64),
}

impl Stamp {
    pub(super) fn of(metadata: &Metadata) -> Self {
        Self {
            size: metadata.size(),
            modified: (metadata.mtime(), metadata.mtime_nsec()),
            changed: (metadata.ctime(), metadata.ctime_nsec()),
            inode: (metadata.dev(), metadata.ino()),
        }
    }
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
    Unreadable(String, io::Error),
}

/// Looks through the folders of the scope; for configuration, or for all files.
///
/// # Errors
/// If there is nothing that could be looked into, or there are more entries than the scope allows.
pub(super) fn survey(scope: &Scope<'_>) -> Result<Survey, ReadError> {
    let mut survey = Survey::default();
    let (roots, mut pending) = roots(scope, &mut survey)?;
    let own = scope.own_files.iter().filter_map(|file| Some(Stamp::of(&fs::metadata(file).ok()?).inode)).collect();
    let look = Look { scope, roots, own };
    let mut seen = 0;
    while let Some(folder) = pending.pop() {
        let entries = match fs::read_dir(&folder.real) {
            Ok(entries) => entries,
            Err(error) if folder.path.is_empty() => return Err(unreadable(&folder.real, &error)),
            Err(error) => {
                survey.close(&folder.path, &error);
                continue;
            }
        };
        for entry in entries {
            seen += 1;
            if seen > scope.max_entries {
                return Err(too_many(scope));
            }
            match entry {
                Ok(entry) => survey.add(look.at(&folder, &entry), &mut pending, scope),
                Err(error) => survey.close(&folder.path, &error),
            }
        }
    }
    survey.found.sort();
    survey.skipped.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(survey)
}

/// A folder that is looked into, and its path as the tree has it.
type Root = (PathBuf, String);

/// The real folders to begin in with their paths, twice: to compare with, and to look into.
fn roots(scope: &Scope<'_>, survey: &mut Survey) -> Result<(Vec<Root>, Vec<Pending>), ReadError> {
    let (mut roots, mut first) = (Vec::new(), None);
    for path in scope.locations.starts() {
        let folder = if path.is_empty() { scope.root.to_owned() } else { scope.root.join(&path) };
        match fs::canonicalize(&folder) {
            Ok(real) => roots.push((real, path)),
            Err(error) => {
                // One of several may be made later.
                if error.kind() != io::ErrorKind::NotFound {
                    survey.close(&path, &error);
                }
                first.get_or_insert_with(|| unreadable(&folder, &error));
            }
        }
    }
    let pending = |(real, path): &(PathBuf, String)| Pending {
        real: real.clone(),
        path: path.clone(),
        depth: 0,
        crossed: Vec::new(),
    };
    let pending: Vec<_> = roots.iter().map(pending).collect();
    match first.filter(|_| roots.is_empty()) {
        Some(error) => Err(error),
        None => Ok((roots, pending)),
    }
}

fn too_many(scope: &Scope<'_>) -> ReadError {
    let (root, max_entries) = (scope.root.display(), scope.max_entries);
    let hint = "raise limits.files, or serve a folder of its own";
    ReadError(format!("`{root}` holds more than {max_entries} files and folders\nhint: {hint}"))
}

impl Survey {
    fn add(&mut self, seen: Seen, pending: &mut Vec<Pending>, scope: &Scope<'_>) {
        let is_wanted = |path: &str| scope.locations.has_file(path) && (scope.all_files || is_configuration(path));
        match seen {
            Seen::Nothing => {}
            Seen::File(found) => self.found.extend(is_wanted(&found.path).then_some(found)),
            Seen::Folder(inner) if inner.depth > MAX_DEPTH => {
                let reason = format!("it is below more than {MAX_DEPTH} folders");
                self.closed.insert(inner.path.into(), reason.into());
            }
            Seen::Folder(inner) => pending.push(inner),
            Seen::Skipped(path, reason) if scope.locations.has_file(&path) => {
                self.skipped.push(Skipped { path: path.into(), reason });
            }
            Seen::Skipped(..) => {}
            Seen::Unreadable(path, error) if is_wanted(&path) => {
                self.unreadable.insert(path.into(), reason(&error));
            }
            Seen::Unreadable(..) => {}
        }
    }

    /// Notes a folder that cannot be looked into, unless it is gone meanwhile.
    fn close(&mut self, path: &str, error: &io::Error) {
        if error.kind() != io::ErrorKind::NotFound {
            self.closed.insert(path.into(), reason(error));
        }
    }
}

/// Why something could not be read.
pub(super) fn reason(error: &io::Error) -> Arc<str> {
    format!("it cannot be read: {error}").into()
}

/// What every entry is looked at with.
struct Look<'a> {
    scope: &'a Scope<'a>,
    roots: Vec<(PathBuf, String)>,
    own: Vec<(u64, u64)>,
}

impl Look<'_> {
    fn at(&self, folder: &Pending, entry: &DirEntry) -> Seen {
        let all_files = self.scope.all_files;
        let name = entry.file_name();
        let is_hidden =
            |text: &str| if all_files { name::is_private(text) } else { name::is_hidden(&folder.path, text) };
        let text = match name::check(name.as_bytes()) {
            Ok(text) if is_hidden(text) || is_disk_repair(folder, text) => return Seen::Nothing,
            Ok(text) => text,
            // The folder of a clone is no mistake, unlike in a commit.
            Err(_) if name.eq_ignore_ascii_case(".git") => return Seen::Nothing,
            Err(reason) => return Seen::Skipped(name::join(&folder.path, &name.to_string_lossy()), reason),
        };
        let path = name::join(&folder.path, text);
        if path.len() > MAX_PATH {
            return Seen::Skipped(path.chars().take(80).collect(), "its path is longer than 1024 bytes");
        }
        self.kind(folder, path, &name, entry)
    }

    fn kind(&self, folder: &Pending, path: String, name: &OsStr, entry: &DirEntry) -> Seen {
        let real = folder.real.join(name);
        let kind = match entry.file_type() {
            Ok(kind) => kind,
            Err(error) => return unseen(path, error),
        };
        if kind.is_symlink() {
            self.follow(folder, path, &real)
        } else if kind.is_dir() {
            Seen::Folder(Pending { real, path, depth: folder.depth + 1, crossed: folder.crossed.clone() })
        } else if kind.is_file() {
            match fs::symlink_metadata(&real) {
                Ok(metadata) => self.file(path, real, &metadata),
                Err(error) => unseen(path, error),
            }
        } else {
            Seen::Skipped(path, "it is no regular file")
        }
    }

    fn follow(&self, folder: &Pending, path: String, link: &Path) -> Seen {
        let resolved = fs::canonicalize(link).and_then(|real| Ok((fs::symlink_metadata(&real)?, real)));
        let (metadata, real) = match resolved {
            Ok(resolved) => resolved,
            Err(error) if leads_nowhere(&error) => return Seen::Skipped(path, "the link leads to nothing"),
            Err(error) => return Seen::Unreadable(path, error),
        };
        let mut targets = self.roots.iter().filter_map(|(root, start)| Some((real.strip_prefix(root).ok()?, start)));
        if targets.clone().next().is_none() {
            return Seen::Skipped(path, "the link leaves the root");
        }
        if targets.clone().any(|(below, _)| below.iter().any(|step| step.eq_ignore_ascii_case(".git"))) {
            return Seen::Skipped(path, "nothing called .git is configuration");
        }
        let is_dir = metadata.is_dir();
        let exists = |(below, start): (&Path, &String)| {
            let target = below.to_string_lossy();
            let target = if target.is_empty() { start.clone() } else { name::join(start, &target) };
            let locations = self.scope.locations;
            if is_dir { locations.has_folder(&target) } else { locations.has_file(&target) }
        };
        if !targets.any(exists) {
            return Seen::Skipped(path, "the link leaves the search locations");
        }
        if metadata.is_file() {
            return self.file(path, real, &metadata);
        }
        if !is_dir {
            return Seen::Skipped(path, "it is no regular file");
        }
        let mut crossed = folder.crossed.clone();
        crossed.push(folder.real.clone());
        if crossed.len() > MAX_HOPS || crossed.iter().any(|inner| inner.starts_with(&real)) {
            return Seen::Skipped(path, "the link leads back to a folder that it is in, or through too many links");
        }
        Seen::Folder(Pending { real, path, depth: folder.depth + 1, crossed })
    }

    fn file(&self, path: String, real: PathBuf, metadata: &Metadata) -> Seen {
        let stamp = Stamp::of(metadata);
        match self.own.contains(&stamp.inode) {
            true => Seen::Skipped(path, "it belongs to the server itself: its settings, or a file that they name"),
            false => Seen::File(Found { path, real, stamp }),
        }
    }
}

/// An entry that could not be looked at; nothing if it is gone meanwhile.
fn unseen(path: String, error: io::Error) -> Seen {
    match error.kind() {
        io::ErrorKind::NotFound => Seen::Nothing,
        _ => Seen::Unreadable(path, error),
    }
}

/// True if there is nothing at the end of a link; any other failure may pass.
fn leads_nowhere(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory)
        || error.raw_os_error() == Some(Errno::LOOP.raw_os_error())
}

/// True for a file of a format that can be read.
pub(super) fn is_configuration(path: &str) -> bool {
    path.rsplit_once('.').and_then(|(_, extension)| Format::of_extension(extension)).is_some()
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
        let locations = Locations::default();
        looked(&Scope { root, locations: &locations, max_entries, all_files: false, own_files: &[] })
    }

    fn looked(scope: &Scope<'_>) -> String {
        match survey(scope) {
            Ok(survey) => {
                let found = survey.found.iter().map(|found| format!("{} {}\n", found.path, found.stamp.size));
                let skipped = survey.skipped.iter().map(|skipped| format!("- {}: {}\n", skipped.path, skipped.reason));
                let closed = survey.closed.iter().map(|(path, reason)| format!("! {path}: {reason}\n"));
                found.chain(skipped).chain(closed).collect()
            }
            Err(error) => error.0.replace(scope.root.to_str().unwrap(), "ROOT"),
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
        let told = format!("a.yml 4\nb.yml 4\nc.yml 4\n! {}: it is below more than 64 folders\n", ["d"; 65].join("/"));
        assert_eq!(shown(folder.path(), 100), told, "the files beside it are found all the same");
    }

    #[test]
    fn of_search_locations_nothing_beside_them_is_found() {
        let folder = folder(&[
            "application.yml",
            "base/a.yml",
            "base/deep/key.pem",
            "base/own.yml",
            "config/application.yml",
            "config/shop/b.yml",
            "private/tls.pem",
        ]);
        let at = |name: &str| folder.path().join(name);
        symlink("../application.yml", at("base/up.yml")).unwrap();
        symlink("../private", at("base/private")).unwrap();
        symlink("../../config/application.yml", at("config/shop/beside.yml")).unwrap();
        symlink("..", at("config/shop/all")).unwrap();
        symlink("../config/shop", at("base/shop")).unwrap();
        let locations = Locations::only(&["config/{application}", "base", "later/{profile}"]);
        let own_files = [at("base/../base/own.yml"), at("none")];
        let scope = Scope {
            root: folder.path(),
            locations: &locations,
            max_entries: 100,
            all_files: true,
            own_files: &own_files,
        };
        assert_eq!(
            looked(&scope),
            "base/a.yml 4\n\
             base/deep/key.pem 4\n\
             base/shop/b.yml 4\n\
             config/shop/b.yml 4\n\
             - base/own.yml: it belongs to the server itself: its settings, or a file that they name\n\
             - base/private: the link leaves the root\n\
             - base/shop/all: the link leaves the search locations\n\
             - base/shop/beside.yml: the link leaves the search locations\n\
             - base/up.yml: the link leaves the root\n\
             - config/shop/all: the link leaves the search locations\n\
             - config/shop/beside.yml: the link leaves the search locations\n"
        );
    }
}
