//! A map that is still open: its keys, which stand once each, and its merge key.
//!
//! The text of a key is its identity here; that `a.b` may also be written nested is looked at when the document is done.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use indexmap::IndexMap;

use crate::config::key::Key;
use crate::config::layer::{Data, Entry, Node};
use crate::config::problem::{Fault, Position};
use crate::config::semantics::Semantics;

/// Maps with more keys than this look keys up by hash.
const SCANNED_KEYS: usize = 16;

/// The entries of a map so far.
#[derive(Default)]
pub(super) struct OpenMap {
    entries: Vec<Entry>,
    /// Place of each key, once there are more than [`SCANNED_KEYS`].
    places: HashMap<Arc<str>, Position>,
    /// The key whose value comes next.
    pub(super) pending: Option<Pending>,
    merge: Option<Merge>,
}

/// What the next value is for.
pub(super) enum Pending {
    Key(Key, Position),
    Merge(Position),
}

/// A merge key with its value.
struct Merge {
    at: Position,
    /// Entries that stood before it.
    index: usize,
    /// The entries of its sources, first source first.
    entries: Vec<Entry>,
}

impl OpenMap {
    /// Where the merge key stands, if there is one already.
    pub(super) fn merge_place(&self) -> Option<Position> {
        self.merge.as_ref().map(|merge| merge.at)
    }

    /// The value of the key that waits for one.
    ///
    /// # Errors
    /// `merge-key`.
    pub(super) fn value(&mut self, node: Node) -> Result<(), Fault> {
        match self.pending.take() {
            Some(Pending::Key(key, at)) => self.push(Entry { key, at, node }),
            Some(Pending::Merge(at)) => {
                self.merge = Some(Merge { at, index: self.entries.len(), entries: to_merge(node, at)? });
            }
            None => {}
        }
        Ok(())
    }

    /// Where a key stands, if the map has it already.
    pub(super) fn place(&self, written: &Arc<str>) -> Option<Position> {
        if self.entries.len() > SCANNED_KEYS {
            return self.places.get(written).copied();
        }
        self.entries.iter().find(|entry| entry.key.written() == written).map(|entry| entry.at)
    }

    fn push(&mut self, entry: Entry) {
        self.entries.push(entry);
        let unknown = if self.places.is_empty() { 0 } else { self.entries.len() - 1 };
        if self.entries.len() > SCANNED_KEYS {
            self.places.extend(self.entries[unknown..].iter().map(|entry| (Arc::clone(entry.key.written()), entry.at)));
        }
    }

    /// The entries with the merged ones where the merge key stood. Own keys win, then the first source.
    pub(super) fn finish(mut self, semantics: Semantics) -> Vec<Entry> {
        let Some(Merge { index, entries: mut merged, .. }) = self.merge.take() else { return self.entries };
        if semantics == Semantics::Spring {
            return merge_in_place(self.entries, index, merged);
        }
        let mut taken: HashSet<Arc<str>> = self.entries.iter().map(|entry| Arc::clone(entry.key.written())).collect();
        merged.retain(|entry| taken.insert(Arc::clone(entry.key.written())));
        self.entries.splice(index..index, merged);
        self.entries
    }
}

/// The entries as SnakeYAML has them: what follows the merge key takes the place of the merged entry that it replaces.
fn merge_in_place(mut own: Vec<Entry>, index: usize, merged: Vec<Entry>) -> Vec<Entry> {
    let after = own.split_off(index.min(own.len()));
    let mut all: IndexMap<Arc<str>, Entry> = IndexMap::new();
    for entry in own.into_iter().chain(merged) {
        all.entry(Arc::clone(entry.key.written())).or_insert(entry);
    }
    all.extend(after.into_iter().map(|entry| (Arc::clone(entry.key.written()), entry)));
    all.into_values().collect()
}

/// The entries that the value of a merge key brings, first source first.
fn to_merge(value: Node, at: Position) -> Result<Vec<Entry>, Fault> {
    let refused = || {
        Fault::error("merge-key", at, "`<<` takes a map or a list of maps")
            .with_hint("write `<<: *anchor`, or quote the key if it is not to merge")
    };
    match value.data {
        Data::Map(entries) => Ok(entries),
        Data::List(sources) => sources.into_iter().try_fold(Vec::new(), |mut all, source| {
            let Data::Map(entries) = source.data else { return Err(refused()) };
            all.extend(entries);
            Ok(all)
        }),
        _ => Err(refused()),
    }
}
