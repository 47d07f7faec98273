//! A temporary folder of files, as `layerd serve DIR` watches it.
//!
//! For what lives in Git there is `repo.rs`.

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};

use tempfile::TempDir;

/// A folder that is deleted with the value.
pub(crate) struct Folder {
    root: TempDir,
}

impl Folder {
    /// An empty folder.
    pub(crate) fn new() -> Self {
        Self { root: tempfile::tempdir().expect("a temporary folder can be made") }
    }

    /// A copy of a folder of this repository, such as `config-repo-example`, that a test may change.
    pub(crate) fn copy_of(path: &str) -> Self {
        let folder = Self::new();
        copy(&original(path), folder.path());
        folder
    }

    /// Puts a copy of a folder of this repository below its own name.
    pub(crate) fn copy_in(&self, path: &str) -> &Self {
        copy(&original(path), &self.path().join(path));
        self
    }

    /// Writes a text file, and the folders above it.
    pub(crate) fn file(&self, path: &str, text: &str) -> &Self {
        self.bytes(path, text.as_bytes())
    }

    /// Writes a file of any bytes, and the folders above it.
    pub(crate) fn bytes(&self, path: &str, bytes: &[u8]) -> &Self {
        fs::write(self.prepare(path), bytes).expect("a file in a temporary folder can be written");
        self
    }

    /// Writes a file that holds a secret: nobody else may read it.
    pub(crate) fn private(&self, path: &str, text: &str) -> &Self {
        let file = self.file(path, text).path().join(path);
        fs::set_permissions(file, fs::Permissions::from_mode(0o600)).expect("a file of ours can be made private");
        self
    }

    /// Sets who may read a file or a folder, and touches nothing else of it.
    pub(crate) fn permit(&self, path: &str, mode: u32) -> &Self {
        let permissions = fs::Permissions::from_mode(mode);
        fs::set_permissions(self.path().join(path), permissions).expect("permissions of ours can be set");
        self
    }

    /// Makes a symbolic link. An existing link is replaced in one step, as Kubernetes swaps `..data`.
    pub(crate) fn symlink(&self, path: &str, target: &str) -> &Self {
        let link = self.prepare(path);
        let fresh = self.prepare(&format!("{path}.fresh"));
        symlink(target, &fresh).expect("a link in a temporary folder can be made");
        fs::rename(fresh, link).expect("a link in a temporary folder can be renamed");
        self
    }

    /// Deletes a file, a link or a folder with all that is in it.
    pub(crate) fn delete(&self, path: &str) -> &Self {
        let path = self.path().join(path);
        let is_folder = path.symlink_metadata().is_ok_and(|found| found.is_dir());
        let deleted = if is_folder { fs::remove_dir_all(&path) } else { fs::remove_file(&path) };
        deleted.expect("a test deletes only what it made");
        self
    }

    /// The text of a file.
    pub(crate) fn read(&self, path: &str) -> String {
        fs::read_to_string(self.path().join(path)).expect("a test reads only what is there")
    }

    /// Where the folder is.
    pub(crate) fn path(&self) -> &Path {
        self.root.path()
    }

    /// Where the folder is, as an argument.
    pub(crate) fn arg(&self) -> &str {
        self.path().to_str().expect("temporary folders have UTF-8 names")
    }

    fn prepare(&self, path: &str) -> PathBuf {
        let path = self.path().join(path);
        let parent = path.parent().expect("a joined path has a parent");
        fs::create_dir_all(parent).expect("a folder in a temporary folder can be made");
        path
    }
}

fn original(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("a folder in a temporary folder can be made");
    for entry in fs::read_dir(from).expect("a folder of this repository can be listed") {
        let entry = entry.expect("a folder of this repository can be listed");
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).expect("a file of this repository can be copied");
        }
    }
}

#[test]
fn a_folder_holds_what_was_put_into_it() {
    let folder = Folder::new();
    folder.file("a/b.yml", "x: 1").bytes("raw", b"\xff").symlink("link", "a").symlink("link", "raw");
    assert_eq!(folder.read("a/b.yml"), "x: 1");
    assert_eq!(fs::read(folder.path().join("link")).unwrap(), b"\xff");
    folder.delete("a").delete("link");
    assert_eq!(fs::read_dir(folder.arg()).unwrap().count(), 1);
}

#[test]
fn a_copy_can_be_changed_without_touching_the_original() {
    let copy = Folder::copy_of("tests");
    copy.file("it/main.rs", "changed");
    assert_ne!(Folder::new().copy_in("tests").read("tests/it/main.rs"), "changed");
}
