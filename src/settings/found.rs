//! What files, variables and flags gave, gathered: a later one wins, and every mistake is kept.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::path::Path;

use crate::config::layer::Data;

use super::known::{self, KNOWN, Known};
use super::origin::{Mistake, Origin};
use super::value::{Kind, Value};

/// A setting by its name, with the index of its source.
#[derive(Debug, Clone, Copy)]
pub(super) struct Name {
    pub(super) known: &'static Known,
    /// Always 0 for settings that belong to no source.
    pub(super) source: usize,
}

impl fmt::Display for Name {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&at(self.known.name, self.source))
    }
}

/// The name of a table row or group for a source.
pub(super) fn at(name: &str, source: usize) -> String {
    name.replacen("[]", &format!("[{source}]"), 1)
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
    /// Where each source was first spoken of, by its index.
    pub(super) sources: BTreeMap<usize, Origin>,
    /// What was given but cannot be used.
    refused: BTreeSet<(usize, &'static str)>,
    /// True if sources of the settings file may be missing because it could not be read.
    pub(super) is_unread: bool,
    pub(super) mistakes: Vec<Mistake>,
    pub(super) warnings: Vec<Mistake>,
}

impl Found {
    /// Takes a value in the place of an earlier one; nothing, if that is what is given.
    pub(super) fn give(&mut self, name: Name, data: &Data, base: &Path, origin: &Origin) {
        let is_nothing = match data {
            Data::Null => true,
            Data::Text(text) => text.is_empty() && matches!(name.known.kind, Kind::Text | Kind::Credential),
            _ => false,
        };
        if is_nothing {
            return;
        }
        if name.known.name.starts_with("sources[]") {
            self.sources.entry(name.source).or_insert_with(|| origin.clone());
        }
        match name.known.kind.read(data, base) {
            Ok(value) => self.put(name, value, origin),
            Err(reason) => {
                self.refused.insert((name.source, name.known.name));
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
        self.values.insert((name.source, name.known.name), given);
    }

    /// Forgets what was given for all sources.
    pub(super) fn forget_sources(&mut self) {
        self.values.retain(|(_, name), _| !name.starts_with("sources[]"));
        self.sources.clear();
    }

    pub(super) fn forget(&mut self, name: &'static str, source: usize) {
        self.values.remove(&(source, name));
    }

    /// The value of a setting, if it was given or has a default.
    pub(super) fn get(&self, name: &'static str, source: usize) -> Option<&Given> {
        self.values.get(&(source, name))
    }

    /// True if the setting was given something that cannot be used.
    pub(super) fn is_refused(&self, name: &'static str, source: usize) -> bool {
        self.refused.contains(&(source, name))
    }

    /// Gives every setting that nobody gave its default; those of sources to the sources spoken of.
    pub(super) fn fill(&mut self, state: &Value) {
        let indexes: Vec<usize> = self.sources.keys().copied().collect();
        for known in KNOWN {
            let default = known::default_of(known).or_else(|| (known.name == "state").then(|| state.clone()));
            let Some(value) = default else { continue };
            let all: &[usize] = if known.name.starts_with("sources[]") { &indexes } else { &[0] };
            for source in all {
                let given = || Given { value: value.clone(), origin: Origin::Default };
                self.values.entry((*source, known.name)).or_insert_with(given);
            }
        }
    }

    pub(super) fn mistake(&mut self, mistake: Mistake) {
        self.mistakes.push(mistake);
    }
}
