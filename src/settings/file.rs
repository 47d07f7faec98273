//! The settings file: YAML read by the reader of users' files, so that every mistake has its line and column.

use std::path::Path;
use std::sync::Arc;

use crate::config::layer::{Data, Entry, Node};
use crate::config::problem::{Position, Severity};
use crate::format::{self, Format, Limits};

use super::inputs::{Inputs, Name, at};
use super::nearest::near_name;
use super::origin::{Mistake, Origin, shown};
use super::table;

/// A file opened by its name.
struct File<'a> {
    name: Arc<str>,
    base: &'a Path,
    inputs: &'a mut Inputs,
}

/// Reads the settings of a file. Relative paths in it are relative to `base`.
pub(super) fn read(name: &str, bytes: &[u8], base: &Path, inputs: &mut Inputs) {
    let body = format::read(Format::Yaml, bytes, &Limits::default());
    if body.is_broken() {
        inputs.lose_all();
    }
    let mut file = File { name: Arc::from(name), base, inputs };
    for fault in body.faults.iter().filter(|fault| fault.severity == Severity::Error) {
        let mistake = Mistake { hint: fault.hint.clone(), ..file.mistake(fault.at, &fault.message) };
        file.inputs.mistake(mistake);
    }
    match body.documents.as_slice() {
        [] => {}
        [document] => file.group(&document.root, "", 0),
        [_, second, ..] => {
            file.inputs.lose_all();
            let at = second.root.first().map_or_else(Position::default, |entry| entry.at);
            file.tell(at, "a settings file holds one document; a second one begins here");
        }
    }
}

impl File<'_> {
    /// Reads the settings whose names begin with `prefix`.
    fn group(&mut self, entries: &[Entry], prefix: &str, index: usize) {
        for entry in entries {
            let steps = entry.key.steps().join(".");
            let name = if prefix.is_empty() { steps } else { format!("{prefix}.{steps}") };
            if entry.node.tag.is_some() {
                self.tell(entry.node.at, format!("`{}` has a tag, which means nothing in settings", shown(&name)));
            }
            self.entry(entry, &name, index);
        }
    }

    fn entry(&mut self, entry: &Entry, name: &str, index: usize) {
        if let Some(row) = table::find(name) {
            let origin = self.origin(entry.node.at);
            self.inputs.give(Name { row, index }, &entry.node.data, self.base, &origin);
        } else if table::not_available(name).is_some() {
            self.tell(entry.at, format!("`{}` is not available in this version", shown(&at(name, index))));
        } else if let Some(list) = table::list(name) {
            self.list(list, &entry.node);
        } else if table::is_group(name) {
            match &entry.node.data {
                Data::Null => {}
                Data::Map(inner) => self.group(inner, name, index),
                _ => self.tell(entry.node.at, format!("`{}` takes a map of settings", at(name, index))),
            }
        } else {
            let message = format!("`{}` is no setting", shown(&at(name, index)));
            let hint = near_name(name).map(|near| format!("did you mean `{}`?", at(near, index)));
            let mistake = Mistake { hint, ..self.mistake(entry.at, message) };
            self.inputs.mistake(mistake);
        }
    }

    fn list(&mut self, list: &'static str, node: &Node) {
        let items = match &node.data {
            Data::Null => return,
            Data::List(items) => items.as_slice(),
            _ => {
                self.inputs.lose(list);
                let mistake = self.mistake(node.at, format!("`{}` takes a list", list.trim_end_matches("[]")));
                return self.inputs.mistake(mistake.with_hint("put `- ` before the first key of each item"));
            }
        };
        for (index, item) in items.iter().enumerate() {
            let origin = self.origin(item.at);
            self.inputs.begin(list, index, &origin);
            match &item.data {
                Data::Map(inner) => self.group(inner, list, index),
                _ => {
                    self.inputs.lose(list);
                    self.tell(item.at, format!("`{}` takes a map of settings", at(list, index)));
                }
            }
        }
    }

    fn origin(&self, at: Position) -> Origin {
        Origin::File(Arc::clone(&self.name), at)
    }

    fn mistake(&self, at: Position, message: impl Into<String>) -> Mistake {
        Mistake::new(&self.origin(at), message)
    }

    fn tell(&mut self, at: Position, message: impl Into<String>) {
        let mistake = self.mistake(at, message);
        self.inputs.mistake(mistake);
    }
}
