//! The files of this repository as the checks see them: path from its root and text.
//!
//! Found by walking, not by asking Git, so that the checks also run from a source archive.

use std::fs;
use std::path::{Path, PathBuf};

/// A text file.
pub(super) struct File {
    /// Path from the root of the repository.
    pub(super) path: String,
    /// All of it.
    pub(super) text: String,
}

/// The root of the repository.
pub(super) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The text files below a folder, by path; none if there is no such folder.
pub(super) fn below(folder: &str) -> Vec<File> {
    let mut files = Vec::new();
    walk(&root().join(folder), &mut files);
    files.sort_by(|left, right| left.path.cmp(&right.path));
    files
}

fn walk(folder: &Path, files: &mut Vec<File>) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    for path in entries.filter_map(|entry| Some(entry.ok()?.path())) {
        if is_skipped(&path) {
            continue;
        }
        if path.is_dir() {
            walk(&path, files);
        } else {
            files.extend(read(&path));
        }
    }
}

/// Build results, and what tools keep for themselves. In a linked work tree `.git` is a file.
fn is_skipped(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    name == "target" || name == ".git" || (name.starts_with('.') && name != ".ci" && path.is_dir())
}

/// `None` for what is no text.
fn read(path: &PathBuf) -> Option<File> {
    let text = fs::read_to_string(path).ok()?;
    Some(File { path: path.strip_prefix(root()).ok()?.to_str()?.to_owned(), text })
}

#[test]
fn the_walk_finds_this_file_and_skips_build_results() {
    let paths: Vec<String> = below("").into_iter().map(|file| file.path).collect();
    assert!(paths.iter().any(|path| path == "tests/it/house/tidy/files.rs"));
    assert!(!paths.iter().any(|path| path.starts_with("target/") || path.starts_with(".git/")));
}
