//! What files, variables and flags gave, gathered: a later one wins, and every mistake is kept.

use std::any::{Any, TypeId};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::path::Path;

use crate::config::layer::Data;

use super::Environment;
use super::origin::{Mistake, Origin};
use super::row::{Assignment, Row};
use super::table;

/// A setting by its name, with the index of the item that it belongs to.
#[derive(Clone, Copy)]
pub(super) struct Name {
    pub(super) row: &'static Row,
    /// Always 0 for settings that belong to no item of a list.
    pub(super) index: usize,
}

impl fmt::Display for Name {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&at(self.row.name, self.index))
    }
}

/// The name of a table row or group for one item of its list.
pub(super) fn at(name: &str, index: usize) -> String {
    name.replacen("[]", &format!("[{index}]"), 1)
}

/// A value and where it was given.
#[derive(Debug, Clone)]
pub(super) struct Given {
    pub(super) value: Assignment,
    pub(super) origin: Origin,
}

/// Everything that was given so far.
#[derive(Debug, Default)]
pub(super) struct Inputs {
    values: BTreeMap<(usize, &'static str), Given>,
    /// Where each item of a list was first spoken of, by list and index.
    items: BTreeMap<(&'static str, usize), Origin>,
    /// What was given but cannot be used.
    refused: BTreeSet<(usize, &'static str)>,
    /// The lists of which the settings file may say more, which could not be read.
    unread: BTreeSet<&'static str>,
    /// The parts that were built, so that a test can tell whether any row sets a member of something else.
    built: BTreeSet<TypeId>,
    pub(super) mistakes: Vec<Mistake>,
    pub(super) warnings: Vec<Mistake>,
}

impl Inputs {
    /// Takes a value in the place of an earlier one; nothing, if that is what is given.
    pub(super) fn give(&mut self, name: Name, data: &Data, base: &Path, origin: &Origin) {
        if name.row.is_nothing(data) {
            return;
        }
        if let Some(list) = name.row.list() {
            self.begin(list, name.index, origin);
        }
        let key = (name.index, name.row.name);
        match name.row.read(data, base) {
            Ok(value) => {
                self.values.insert(key, Given { value, origin: origin.clone() });
            }
            Err(reason) => {
                self.refused.insert(key);
                let origin = match (origin, reason.at) {
                    (Origin::File(file, _), Some(at)) => Origin::File(file.clone(), at),
                    _ => origin.clone(),
                };
                let message = format!("`{name}` {}", reason.message);
                self.mistakes.push(Mistake { origin: Some(origin), message, hint: reason.hint });
            }
        }
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

    /// Notes that items of all lists may be missing.
    pub(super) fn lose_all(&mut self) {
        self.unread.extend(table::lists());
    }

    /// Notes that items of a list may be missing, so that nothing is said about their absence.
    pub(super) fn lose(&mut self, list: &'static str) {
        self.unread.insert(list);
    }

    /// True if items of the list may be missing.
    pub(super) fn is_unread(&self, list: &'static str) -> bool {
        self.unread.contains(list)
    }

    /// Forgets what was given for all items of a list.
    pub(super) fn forget_all(&mut self, list: &'static str) {
        self.values.retain(|(_, name), _| table::find(name).and_then(Row::list) != Some(list));
        self.items.retain(|(other, _), _| *other != list);
    }

    fn forget(&mut self, name: &'static str, index: usize) {
        self.values.remove(&(index, name));
    }

    /// The value of a setting, if it was given or has a default.
    pub(super) fn get(&self, name: &'static str, index: usize) -> Option<&Given> {
        self.values.get(&(index, name))
    }

    /// Where the value of a setting was given, if it was.
    pub(super) fn origin(&self, name: &'static str, index: usize) -> Option<&Origin> {
        self.get(name, index).map(|given| &given.origin).filter(|origin| **origin != Origin::Default)
    }

    /// The first secret that stands in the settings file itself: the name of its setting, and its place.
    pub(super) fn secret_of_file(&self) -> Option<(String, &Origin)> {
        let in_file = |given: &&Given| matches!(given.origin, Origin::File(..)) && given.value.holds_secret;
        let secrets = self.values.iter().filter(|(_, given)| in_file(given));
        let first = secrets.min_by(|(_, one), (_, other)| one.origin.cmp(&other.origin));
        first.map(|((index, name), given)| (at(name, *index), &given.origin))
    }

    /// True if the setting was given something that cannot be used.
    pub(super) fn is_refused(&self, name: &'static str, index: usize) -> bool {
        self.refused.contains(&(index, name))
    }

    /// Gives every setting that nobody gave its default; those of lists to the items spoken of.
    pub(super) fn fill(&mut self, environment: &Environment) {
        for row in table::rows() {
            let Some(value) = row.default_on(environment) else { continue };
            for index in row.list().map_or_else(|| vec![0], |list| self.indexes(list)) {
                let given = || Given { value: value.clone(), origin: Origin::Default };
                self.values.entry((index, row.name)).or_insert_with(given);
            }
        }
    }

    /// Of several settings of one item that exclude one another, the one given later; the others are forgotten. Two
    /// that were given in the same way are a mistake.
    pub(super) fn choose_latest(&mut self, index: usize, names: &[&'static str]) -> Option<&'static str> {
        let origin = |name: &&'static str| self.get(name, index).map(|given| (*name, given.origin.clone()));
        let mut given: Vec<_> = names.iter().filter_map(origin).collect();
        given.sort_by(|(_, one), (_, other)| one.cmp(other));
        let (name, last) = given.pop()?;
        for (other, earlier) in given {
            if earlier.is_level_with(&last) {
                let message = format!("`{}` is given beside `{}` ({earlier})", at(name, index), at(other, index));
                self.mistake(Mistake::new(&last, message).with_hint("keep one of the two"));
            }
            self.forget(other, index);
        }
        Some(name)
    }

    /// The part of that type, of the item with that index, with all values that are there.
    pub(super) fn build<P: Any + Default>(&mut self, index: usize) -> P {
        let mut part = P::default();
        let is_member = |row: &&'static Row| row.part() == TypeId::of::<P>();
        for row in table::rows().filter(is_member) {
            if let Some(given) = self.get(row.name, index) {
                given.value.apply(&mut part);
            }
        }
        self.built.insert(TypeId::of::<P>());
        part
    }

    /// True if the part that a row sets a member of was built.
    #[cfg(test)]
    pub(super) fn has_built(&self, row: &Row) -> bool {
        self.built.contains(&row.part())
    }

    pub(super) fn mistake(&mut self, mistake: Mistake) {
        self.mistakes.push(mistake);
    }
}
