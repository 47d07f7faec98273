//! What files, variables and flags gave, gathered: a later one wins, and every mistake is kept.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::path::Path;

use crate::config::layer::Data;

use super::known::{self, KNOWN, Known};
use super::origin::{Mistake, Origin};
use super::value::{Kind, Value};

/// A setting by its name, with the index of the item that it belongs to.
#[derive(Debug, Clone, Copy)]
pub(super) struct Name {
    pub(super) known: &'static Known,
    /// Always 0 for settings that belong to no item of a list.
    pub(super) index: usize,
}

impl fmt::Display for Name {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&at(self.known.name, self.index))
    }
}

/// The name of a table row or group for one item of its list.
pub(super) fn at(name: &str, index: usize) -> String {
    name.replacen("[]", &format!("[{index}]"), 1)
}

/// A value and where it was given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Given {
    /// The value.
    pub value: Value,
    /// Where it was given.
    pub origin: Origin,
}

/// Everything that was given so far.
#[derive(Debug, Default)]
pub(super) struct Found {
    values: BTreeMap<(usize, &'static str), Given>,
    /// Where each item of a list was first spoken of, by list and index.
    items: BTreeMap<(&'static str, usize), Origin>,
    /// What was given but cannot be used.
    refused: BTreeSet<(usize, &'static str)>,
    /// The lists of which the settings file may say more, which could not be read.
    unread: BTreeSet<&'static str>,
    pub(super) mistakes: Vec<Mistake>,
    pub(super) warnings: Vec<Mistake>,
}

impl Found {
    /// Takes a value in the place of an earlier one; nothing, if that is what is given.
    pub(super) fn give(&mut self, name: Name, data: &Data, base: &Path, origin: &Origin) {
        let is_nothing = match data {
            Data::Null => true,
            Data::Text(text) => {
                text.is_empty() && matches!(name.known.kind, Kind::Text | Kind::Credential | Kind::KeyText)
            }
            _ => false,
        };
        if is_nothing {
            return;
        }
        if let Some(list) = known::list_of(name.known.name) {
            self.begin(list, name.index, origin);
        }
        match name.known.kind.read(data, base) {
            Ok(value) => self.put(name, value, origin),
            Err(reason) => {
                self.refused.insert((name.index, name.known.name));
                let origin = match (origin, reason.at) {
                    (Origin::File(file, _), Some(at)) => Origin::File(file.clone(), at),
                    _ => origin.clone(),
                };
                let message = format!("`{name}` {}", reason.message);
                self.mistakes.push(Mistake { origin: Some(origin), message, hint: reason.hint });
            }
        }
    }

    fn put(&mut self, name: Name, value: Value, origin: &Origin) {
        let given = Given { value, origin: origin.clone() };
        self.values.insert((name.index, name.known.name), given);
    }

    /// Notes that a list has an item, if nobody has spoken of it before.
    pub(super) fn begin(&mut self, list: &'static str, index: usize, origin: &Origin) {
        self.items.entry((list, index)).or_insert_with(|| origin.clone());
    }

    /// The indexes of the items of a list; those of variables may leave some out.
    pub(super) fn indexes(&self, list: &'static str) -> Vec<usize> {
        self.items.range((list, 0)..=(list, usize::MAX)).map(|((_, index), _)| *index).collect()
    }

    /// Where an item of a list was first spoken of.
    pub(super) fn begun(&self, list: &'static str, index: usize) -> Option<&Origin> {
        self.items.get(&(list, index))
    }

    /// Notes that items of a list may be missing, so that nothing is said about their absence.
    pub(super) fn lose(&mut self, lists: &[&'static str]) {
        self.unread.extend(lists);
    }

    /// True if items of the list may be missing.
    pub(super) fn is_unread(&self, list: &'static str) -> bool {
        self.unread.contains(list)
    }

    /// Forgets what was given for all items of a list.
    pub(super) fn forget_all(&mut self, list: &'static str) {
        self.values.retain(|(_, name), _| known::list_of(name) != Some(list));
        self.items.retain(|(other, _), _| *other != list);
    }

    pub(super) fn forget(&mut self, name: &'static str, index: usize) {
        self.values.remove(&(index, name));
    }

    /// The value of a setting, if it was given or has a default.
    pub(super) fn get(&self, name: &'static str, index: usize) -> Option<&Given> {
        self.values.get(&(index, name))
    }

    /// The first secret that stands in the settings file itself: the name of its setting, and its place.
    pub(super) fn secret_of_file(&self) -> Option<(String, &Origin)> {
        let in_file = |given: &&Given| matches!(given.origin, Origin::File(..)) && given.value.holds_secret();
        let secrets = self.values.iter().filter(|(_, given)| in_file(given));
        let first = secrets.min_by(|(_, one), (_, other)| one.origin.cmp(&other.origin));
        first.map(|((index, name), given)| (at(name, *index), &given.origin))
    }

    /// True if the setting was given something that cannot be used.
    pub(super) fn is_refused(&self, name: &'static str, index: usize) -> bool {
        self.refused.contains(&(index, name))
    }

    /// Gives every setting that nobody gave its default; those of lists to the items spoken of.
    pub(super) fn fill(&mut self, state: &Value) {
        for known in KNOWN {
            let default = known::default_of(known).or_else(|| (known.name == "state").then(|| state.clone()));
            let Some(value) = default else { continue };
            for index in known::list_of(known.name).map_or_else(|| vec![0], |list| self.indexes(list)) {
                let given = || Given { value: value.clone(), origin: Origin::Default };
                self.values.entry((index, known.name)).or_insert_with(given);
            }
        }
    }

    pub(super) fn mistake(&mut self, mistake: Mistake) {
        self.mistakes.push(mistake);
    }
}
