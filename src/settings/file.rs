//! The settings file: YAML read by the reader of users' files, so that every mistake has its line and column.

use std::path::Path;
use std::sync::Arc;

use crate::config::layer::{Data, Entry, Node};
use crate::config::problem::{Position, Severity};
use crate::format::{self, Format, Limits};

use super::found::{Found, Name, at};
use super::known;
use super::nearest::near_name;
use super::origin::{Mistake, Origin, shown};

/// A file opened by its name.
struct File<'a> {
    name: Arc<str>,
    base: &'a Path,
    found: &'a mut Found,
}

/// Reads the settings of a file. Relative paths in it are relative to `base`.
pub(super) fn read(name: &str, bytes: &[u8], base: &Path, found: &mut Found) {
    let body = format::read(Format::Yaml, bytes, &Limits::default());
    found.is_unread = body.is_broken();
    let mut file = File { name: Arc::from(name), base, found };
    for fault in body.faults.iter().filter(|fault| fault.severity == Severity::Error) {
        let mistake = Mistake { hint: fault.hint.clone(), ..file.mistake(fault.at, &fault.message) };
        file.found.mistake(mistake);
    }
    match body.documents.as_slice() {
        [] => {}
        [document] => file.group(&document.root, "", 0),
        [_, second, ..] => {
            file.found.is_unread = true;
            let at = second.root.first().map_or_else(Position::default, |entry| entry.at);
            file.tell(at, "a settings file holds one document; a second one begins here");
        }
    }
}

impl File<'_> {
    /// Reads the settings whose names begin with `prefix`.
    fn group(&mut self, entries: &[Entry], prefix: &str, source: usize) {
        for entry in entries {
            let steps = entry.key.steps().join(".");
            let name = if prefix.is_empty() { steps } else { format!("{prefix}.{steps}") };
            if entry.node.tag.is_some() {
                self.tell(entry.node.at, format!("`{}` has a tag, which means nothing in settings", shown(&name)));
            }
            self.entry(entry, &name, source);
        }
    }

    fn entry(&mut self, entry: &Entry, name: &str, source: usize) {
        if let Some(known) = known::find(name) {
            let origin = self.origin(entry.node.at);
            self.found.give(Name { known, source }, &entry.node.data, self.base, &origin);
        } else if known::not_available(name).is_some() {
            self.tell(entry.at, format!("`{}` is not available in this version", shown(&at(name, source))));
        } else if name == "sources" {
            self.sources(&entry.node);
        } else if known::is_group(name) {
            match &entry.node.data {
                Data::Null => {}
                Data::Map(inner) => self.group(inner, name, source),
                _ => self.tell(entry.node.at, format!("`{}` takes a map of settings", at(name, source))),
            }
        } else {
            let message = format!("`{}` is no setting", shown(&at(name, source)));
            let hint = near_name(name).map(|near| format!("did you mean `{}`?", at(near, source)));
            let mistake = Mistake { hint, ..self.mistake(entry.at, message) };
            self.found.mistake(mistake);
        }
    }

    fn sources(&mut self, node: &Node) {
        let items = match &node.data {
            Data::Null => return,
            Data::List(items) => items.as_slice(),
            _ => {
                self.found.is_unread = true;
                let mistake = self.mistake(node.at, "`sources` takes a list");
                return self.found.mistake(mistake.with_hint("put `- ` before the first key of the source"));
            }
        };
        for (index, item) in items.iter().enumerate() {
            let origin = self.origin(item.at);
            self.found.sources.entry(index).or_insert(origin);
            match &item.data {
                Data::Map(inner) => self.group(inner, "sources[]", index),
                _ => {
                    self.found.is_unread = true;
                    self.tell(item.at, format!("`sources[{index}]` takes a map of settings"));
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
        self.found.mistake(mistake);
    }
}
