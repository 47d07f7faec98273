//! The commits of labels with which nothing was wrong, remembered beyond a restart in a file beside the mirror.
//!
//! A hint and no more: the file may be lost, or name commits whose objects are gone.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use crate::config::tree::CommitId;

const NAME: &str = "good";

/// What is remembered, by label, from a file that may be anything.
pub(in crate::source) fn read(folder: &Path) -> BTreeMap<String, CommitId> {
    let text = fs::read_to_string(folder.join(NAME)).unwrap_or_default();
    let line = |line: &str| line.split_once(' ').and_then(|(id, label)| Some((label.to_owned(), CommitId::parse(id)?)));
    text.lines().filter_map(line).collect()
}

/// Remembers a commit of a label. Lost if the disk is full: an address then has one commit less to fall back to.
pub(in crate::source) fn remember(folder: &Path, label: &str, commit: CommitId) {
    let mut good = read(folder);
    if good.insert(label.to_owned(), commit) == Some(commit) {
        return;
    }
    let text: String = good.iter().map(|(label, commit)| format!("{commit} {label}\n")).collect();
    let new = folder.join("good.new");
    drop(fs::write(&new, text).and_then(|()| fs::rename(new, folder.join(NAME))));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_commit_of_each_label_is_remembered_whatever_else_is_in_the_file() {
        let folder = tempfile::tempdir().unwrap();
        let commit = |byte| CommitId([byte; 20]);
        assert!(read(folder.path()).is_empty());
        remember(folder.path(), "main", commit(1));
        remember(folder.path(), "feature/x", commit(2));
        remember(folder.path(), "main", commit(3));
        let all = BTreeMap::from([("feature/x".to_owned(), commit(2)), ("main".to_owned(), commit(3))]);
        assert_eq!(read(folder.path()), all);
        fs::write(folder.path().join(NAME), b"\xff\n").unwrap();
        assert!(read(folder.path()).is_empty());
        fs::write(folder.path().join(NAME), format!("x y\n{} main\n{}", commit(4), commit(5))).unwrap();
        assert_eq!(read(folder.path()), BTreeMap::from([("main".to_owned(), commit(4))]));
        remember(Path::new("/nonexistent"), "main", commit(1));
    }
}
