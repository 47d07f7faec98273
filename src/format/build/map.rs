//! A map that is still open: its keys, which stand once each, and its merge keys.
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
    merges: Vec<Merge>,
}

/// What the next value is for.
pub(super) enum Pending {
    Key(Key, Position),
    Merge(Position),
}

/// What of a value an alias has brought, as far as merge keys ask.
#[derive(Default)]
pub(super) struct Aliases {
    /// All of it.
    pub(super) whole: bool,
    /// These items of a list.
    pub(super) items: HashSet<usize>,
}

/// A merge key with its value.
struct Merge {
    at: Position,
    /// Entries that stood before it.
    index: usize,
    /// The entries of its sources, first source first; true: they are written out here, not named by an alias.
    entries: Vec<(Entry, bool)>,
}

impl OpenMap {
    /// Where the merge key stands, if there is one already.
    pub(super) fn merge_place(&self) -> Option<Position> {
        self.merges.first().map(|merge| merge.at)
    }

    /// The value of the key that waits for one.
    ///
    /// # Errors
    /// `merge-key`.
    pub(super) fn value(&mut self, node: Node, aliases: &Aliases) -> Result<(), Fault> {
        match self.pending.take() {
            Some(Pending::Key(key, at)) => self.push(Entry { key, at, node }),
            Some(Pending::Merge(at)) => {
                self.merges.push(Merge { at, index: self.entries.len(), entries: to_merge(node, aliases, at)? });
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
        if self.merges.is_empty() {
            return self.entries;
        }
        if semantics == Semantics::Spring {
            return merge_in_place(self.entries, self.merges);
        }
        let mut taken: HashSet<Arc<str>> = self.entries.iter().map(|entry| Arc::clone(entry.key.written())).collect();
        for merge in self.merges.into_iter().rev() {
            let merged = merge.entries.into_iter().map(|(entry, _)| entry);
            let merged: Vec<_> = merged.filter(|entry| taken.insert(Arc::clone(entry.key.written()))).collect();
            self.entries.splice(merge.index..merge.index, merged);
        }
        self.entries
    }
}

/// The entries as SnakeYAML and Spring Boot have them, in the order of the file: an own key takes the place of the merged
/// one that it replaces, and of what is merged the first counts. Keys of a map that is written out as the value of a
/// merge key are not yet the same as others when that is decided, so they win over all that stand before them.
fn merge_in_place(own: Vec<Entry>, merges: Vec<Merge>) -> Vec<Entry> {
    let mut all: IndexMap<(Arc<str>, bool), Entry> = IndexMap::new();
    let mut merges = merges.into_iter().peekable();
    let add = |merge: Merge, all: &mut IndexMap<(Arc<str>, bool), Entry>| {
        for (entry, is_written_out) in merge.entries {
            all.entry((Arc::clone(entry.key.written()), is_written_out)).or_insert(entry);
        }
    };
    for (index, entry) in own.into_iter().enumerate() {
        while let Some(merge) = merges.next_if(|merge| merge.index <= index) {
            add(merge, &mut all);
        }
        all.insert((Arc::clone(entry.key.written()), false), entry);
    }
    merges.for_each(|merge| add(merge, &mut all));
    let entries = all.into_iter().map(|((key, _), entry)| (key, entry));
    entries.collect::<IndexMap<_, _>>().into_values().collect()
}

/// The entries that the value of a merge key brings, first source first.
fn to_merge(value: Node, aliases: &Aliases, at: Position) -> Result<Vec<(Entry, bool)>, Fault> {
    let refused = || {
        Fault::error("merge-key", at, "`<<` takes a map or a list of maps")
            .with_hint("write `<<: *anchor`, or quote the key if it is not to merge")
    };
    let marked = |entries: Vec<Entry>, written| entries.into_iter().map(move |entry| (entry, written));
    match value.data {
        Data::Map(entries) => Ok(marked(entries, !aliases.whole).collect()),
        Data::List(sources) => {
            let mut all = Vec::new();
            for (index, source) in sources.into_iter().enumerate() {
                let Data::Map(entries) = source.data else { return Err(refused()) };
                let written = !aliases.whole && !aliases.items.contains(&index);
                all.extend(marked(entries, written));
            }
            Ok(all)
        }
        _ => Err(refused()),
    }
}
