//! A setting that is a structure, walked part by part: every part has the name and the place that a mistake in it is told with.

use std::sync::Arc;

use serde_json::Value as Json;

use crate::config::layer::{Data, Entry};
use crate::config::problem::{Position, Severity};
use crate::format::{self, Format, Limits};

use super::origin::{Mistake, Origin, shown};

/// What the settings give as one structure.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Structured(pub(super) Data);

/// Numbers that are not equal to themselves are in no settings file: `.nan` is a fault there.
impl Eq for Structured {}

impl Structured {
    /// The structure of a setting's data; a text, as variables give it, is read as YAML.
    ///
    /// # Errors
    /// Why the text is no structure.
    pub(super) fn read(data: &Data) -> Result<Self, String> {
        let Data::Text(text) = data else { return Ok(Self(data.clone())) };
        let body = format::read(Format::Yaml, format!("value: {text}").as_bytes(), &Limits::default());
        if let Some(fault) = body.faults.iter().find(|fault| fault.severity == Severity::Error) {
            return Err(format!("cannot be read as YAML or JSON: {}", fault.message));
        }
        let root = body.documents.into_iter().next().map(|document| document.root).unwrap_or_default();
        let value = root.into_iter().next().map(|entry| entry.node.data);
        value.map(Self).ok_or_else(|| "is empty".to_owned())
    }

    /// The structure on one line, with stars for hashes of passwords.
    pub(super) fn shown(&self) -> String {
        spell(&self.0).to_string()
    }
}

fn spell(data: &Data) -> Json {
    let member = |entry: &Entry| {
        let value = match &**entry.key.written() {
            "password-hash" => Json::from("***"),
            _ => spell(&entry.node.data),
        };
        (entry.key.written().to_string(), value)
    };
    match data {
        Data::Bool(value) => (*value).into(),
        Data::Number(number) => number.to_string().into(),
        Data::Text(text) => (**text).into(),
        Data::List(items) => items.iter().map(|item| spell(&item.data)).collect(),
        Data::Map(entries) => Json::Object(entries.iter().map(member).collect()),
        Data::Null | Data::Secret(_) | Data::Foreign(_) => Json::Null,
    }
}

/// A part of a structure.
#[derive(Debug, Clone)]
pub(super) struct Piece<'a> {
    /// Its dotted name, such as `access.users[0].roles`.
    pub(super) name: String,
    /// What stands there.
    pub(super) data: &'a Data,
    /// Where it stands.
    pub(super) origin: Origin,
}

/// Mistakes as they are found.
pub(super) type Mistakes = Vec<Mistake>;

impl<'a> Piece<'a> {
    /// A mistake about this part; the message is what follows its name.
    pub(super) fn mistake(&self, message: &str) -> Mistake {
        Mistake::new(&self.origin, format!("`{}` {message}", shown(&self.name)))
    }

    fn below(&self, name: String, data: &'a Data, at: Position) -> Self {
        let origin = match &self.origin {
            Origin::File(file, _) => Origin::File(Arc::clone(file), at),
            other => other.clone(),
        };
        Piece { name, data, origin }
    }

    /// The items of a list.
    pub(super) fn items(&self, mistakes: &mut Mistakes) -> Vec<Self> {
        let Data::List(items) = self.data else {
            mistakes.push(self.mistake("takes a list").with_hint("put `- ` before each item"));
            return Vec::new();
        };
        let item = |(index, item): (usize, &'a crate::config::layer::Node)| {
            self.below(format!("{}[{index}]", self.name), &item.data, item.at)
        };
        items.iter().enumerate().map(item).collect()
    }

    /// The entries of a map with their keys; `None` if it is not one.
    pub(super) fn entries(&self, mistakes: &mut Mistakes) -> Option<Vec<(&'a str, Self)>> {
        let Data::Map(entries) = self.data else {
            mistakes.push(self.mistake("takes a map"));
            return None;
        };
        let entry = |entry: &'a Entry| {
            let key: &str = entry.key.written();
            (key, self.below(format!("{}.{key}", self.name), &entry.node.data, entry.node.at))
        };
        Some(entries.iter().map(entry).collect())
    }

    /// The members of a map that has no others than `known`; in the order of `known`, each if it is there and not empty.
    pub(super) fn members<const N: usize>(&self, known: [&str; N], mistakes: &mut Mistakes) -> [Option<Self>; N] {
        let mut members = [const { None }; N];
        for (key, part) in self.entries(mistakes).unwrap_or_default() {
            match known.iter().position(|known| *known == key) {
                Some(_) if *part.data == Data::Null => {}
                Some(index) => members[index] = Some(part),
                None => {
                    let hint = format!("it takes `{}`", known.join("`, `"));
                    mistakes.push(part.mistake("is not a setting").with_hint(hint));
                }
            }
        }
        members
    }

    /// The text.
    pub(super) fn text(&self, mistakes: &mut Mistakes) -> Option<&'a str> {
        match self.data {
            Data::Text(text) if text.is_empty() => mistakes.push(self.mistake("is empty")),
            Data::Text(text) if text.contains(char::is_control) => {
                mistakes.push(self.mistake("holds a control character").with_hint("is there a line end too many?"));
            }
            Data::Text(text) => return Some(text),
            Data::Number(_) | Data::Bool(_) => {
                mistakes.push(self.mistake("takes a text").with_hint("put it in quotes"));
            }
            _ => mistakes.push(self.mistake("takes a text")),
        }
        None
    }

    /// The texts of a list, or the one text that stands in its place.
    pub(super) fn texts(&self, mistakes: &mut Mistakes) -> Vec<(&'a str, Self)> {
        let parts = if matches!(self.data, Data::Text(_)) { vec![self.clone()] } else { self.items(mistakes) };
        parts.into_iter().filter_map(|part| Some((part.text(mistakes)?, part))).collect()
    }
}
