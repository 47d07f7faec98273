//! What a tree says before any file is read: its folders, what could not be taken, and the files of one stem in their order.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use crate::config::layer::Body;
use crate::config::problem::{Fault, Position, Problem};
use crate::config::semantics::Semantics;
use crate::config::tree::{BlobId, Skipped, Tree};
use crate::format;

use super::{Parsed, Rules};

pub(super) fn closed(tree: &Tree, rules: &Rules) -> Vec<Parsed> {
    let closed = tree.closed.iter().filter(|(path, _)| !rules.ignore.is_match(&***path));
    let broken = |(path, reason): (&Arc<str>, &Arc<str>)| Parsed {
        path: Arc::clone(path),
        blob: BlobId([0; 20]),
        body: Arc::new(Body::broken(format::unreadable(reason))),
        opening: None,
    };
    closed.map(broken).collect()
}

pub(super) fn in_order(stems: HashMap<Arc<str>, Vec<(usize, Parsed)>>) -> HashMap<Arc<str>, Vec<Parsed>> {
    let order = |(stem, mut files): (Arc<str>, Vec<(usize, Parsed)>)| {
        files.sort_by_key(|(extension, _)| *extension);
        (stem, files.into_iter().map(|(_, parsed)| parsed).collect())
    };
    stems.into_iter().map(order).collect()
}

pub(super) fn left_out(tree: &Tree, rules: &Rules) -> Vec<Problem> {
    let is_candidate = |skipped: &&Skipped| rules.candidate(&skipped.path).is_some();
    let skipped = tree.skipped.iter().filter(is_candidate);
    let problem = |skipped: &Skipped| {
        let message = format!("it is left out: {}", skipped.reason);
        Fault::warning("left-out", Position::new(1, 1), message).in_file(&skipped.path)
    };
    skipped.map(problem).collect()
}

/// Every folder that has something in it, sorted.
pub(super) fn folders(tree: &Tree) -> Vec<Arc<str>> {
    let mut folders: BTreeSet<&str> = BTreeSet::new();
    for path in tree.files.keys() {
        let mut path: &str = path;
        while let Some((folder, _)) = path.rsplit_once('/') {
            if !folders.insert(folder) {
                break;
            }
            path = folder;
        }
    }
    folders.into_iter().map(Arc::from).collect()
}

/// The faults of the files of one stem, and that there are several of them.
pub(super) fn of_stem(files: &[Parsed], semantics: Semantics) -> impl Iterator<Item = Problem> {
    let faults = files.iter().flat_map(|file| file.body.faults.iter().map(|fault| fault.in_file(&file.path)));
    // Spring's users have files of several formats beside each other, and no fault is found in it.
    let twins = files.windows(2).filter(move |_| semantics == Semantics::Native).map(|pair| {
        let message = format!("`{}` stands beside it and has lower precedence", pair[0].path);
        Fault::warning("two-files-of-one-stem", Position::new(1, 1), message)
            .with_hint("move the keys into one of the two files")
            .in_file(&pair[1].path)
    });
    faults.chain(twins)
}
