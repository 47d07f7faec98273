//! A merged configuration as schemas see it: JSON without the text of any secret, with the place of every value.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::{Map, Number};

use crate::config::effective::{Effective, Place};
use crate::config::interpolate::{Resolve, interpolate};
use crate::config::key::{self, Key};
use crate::config::layer::{Data, Entry, Layer};
use crate::config::problem::Position;
use crate::config::value::{self, Value};

use super::document::{child, unescape};

/// How a sealed value begins.
const SEALED: &str = "{cipher}";

/// A configuration to be checked.
#[derive(Debug)]
pub struct Instance<'a> {
    layers: &'a [Layer],
    effective: Effective,
    value: serde_json::Value,
    unknown: BTreeMap<String, Unknown>,
}

/// Why the text of a value is not known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unknown {
    /// A placeholder has stayed in it: the client says what it will be.
    Open,
    /// It is a secret: some text.
    Secret,
}

impl<'a> Instance<'a> {
    /// The configuration that layers make, as it is served by default.
    #[must_use]
    pub fn of(layers: &'a [Layer], effective: Effective) -> Self {
        let (value, _) = interpolate(&effective, layers, Resolve::Known);
        let mut unknown = BTreeMap::new();
        let value = shown(&value, "", &mut unknown);
        Self { layers, effective, value, unknown }
    }

    pub(super) fn value(&self) -> &serde_json::Value {
        &self.value
    }

    /// Why the text at a pointer is not known, if it is not.
    pub(super) fn unknown(&self, pointer: &str) -> Option<Unknown> {
        self.unknown.get(pointer).copied()
    }

    /// True if the text of a value below a pointer is not known.
    pub(super) fn has_unknown_below(&self, pointer: &str) -> bool {
        let below = format!("{pointer}/");
        self.unknown.range(below.clone()..).next().is_some_and(|(found, _)| found.starts_with(&below))
    }

    /// The dotted path that a pointer means; empty for the whole.
    pub(super) fn path(&self, pointer: &str) -> String {
        let mut value = Some(&self.value);
        steps(pointer).fold(String::new(), |path, step| {
            let is_list = value.is_some_and(serde_json::Value::is_array);
            value = value.and_then(|value| value.pointer(&child("", &step)));
            match step.parse() {
                Ok(index) if is_list => key::append_index(path, index),
                _ => key::append(path, &step),
            }
        })
    }

    /// The file and the place of what a pointer means: of a map the key, of the whole the first key of the lowest layer.
    /// `None`: nothing in the files.
    pub(super) fn place(&self, pointer: &str) -> Option<(&Arc<str>, Position)> {
        if pointer.is_empty() {
            let layer = self.layers.first()?;
            let at = layer.document().root.first().map_or(Position::new(1, 1), |entry| entry.at);
            return Some((&layer.path, at));
        }
        let steps: Vec<String> = steps(pointer).collect();
        let Place { layer, at } = self.effective.place_of(&steps)?;
        let layer = &self.layers[layer];
        let is_map = self.value.pointer(pointer).is_some_and(serde_json::Value::is_object);
        let steps: Vec<Arc<str>> = steps.iter().flat_map(|step| Key::new(step).steps().to_vec()).collect();
        let key = if is_map { key_at(&layer.document().root, &steps) } else { None };
        Some((&layer.path, key.unwrap_or(at)))
    }
}

fn steps(pointer: &str) -> impl Iterator<Item = String> {
    pointer.split('/').skip(1).map(unescape)
}

/// Where the first key stands that makes the map at these steps, whatever way it is spelled.
fn key_at(entries: &[Entry], steps: &[Arc<str>]) -> Option<Position> {
    entries.iter().find_map(|entry| match (steps.strip_prefix(entry.key.steps()), &entry.node.data) {
        (Some([]), _) => Some(entry.at),
        (Some(rest), Data::Map(inner)) => key_at(inner, rest),
        (Some(_), _) => None,
        (None, _) => entry.key.steps().starts_with(steps).then_some(entry.at),
    })
}

fn shown(value: &Value, pointer: &str, unknown: &mut BTreeMap<String, Unknown>) -> serde_json::Value {
    match value {
        Value::List(items) => {
            let items = items.iter().enumerate();
            items.map(|(index, item)| shown(item, &child(pointer, &index.to_string()), unknown)).collect()
        }
        Value::Map(map) => {
            let members = map.iter().map(|(key, value)| (key.to_string(), shown(value, &child(pointer, key), unknown)));
            serde_json::Value::Object(members.collect::<Map<_, _>>())
        }
        Value::String(text) => {
            let why = match text {
                text if text.contains("${") => Some(Unknown::Open),
                text if text.contains(SEALED) => Some(Unknown::Secret),
                _ => None,
            };
            let text = if why.is_some() { "" } else { text };
            unknown.extend(why.map(|why| (pointer.to_owned(), why)));
            text.into()
        }
        Value::Secret(secret) => {
            let why = if secret.sealed.contains("${") { Unknown::Open } else { Unknown::Secret };
            unknown.insert(pointer.to_owned(), why);
            "".into()
        }
        Value::Foreign(value) => (&**value.text()).into(),
        Value::Null => serde_json::Value::Null,
        Value::Bool(value) => (*value).into(),
        Value::Number(number) => json_number(number),
    }
}

/// The JSON of a value in a file of JSON.
pub(super) fn to_json(data: &Data) -> serde_json::Value {
    match data {
        Data::Null => serde_json::Value::Null,
        Data::Bool(value) => (*value).into(),
        Data::Number(number) => json_number(number),
        Data::Text(text) => (&**text).into(),
        Data::Secret(secret) => (&*secret.sealed).into(),
        Data::Foreign(value) => (&**value.text()).into(),
        Data::List(items) => items.iter().map(|item| to_json(&item.data)).collect(),
        Data::Map(entries) => {
            let members = entries.iter().map(|entry| (entry.key.written().to_string(), to_json(&entry.node.data)));
            serde_json::Value::Object(members.collect::<Map<_, _>>())
        }
    }
}

/// Integers beyond 64 bits are the doubles next to them.
fn json_number(number: &value::Number) -> serde_json::Value {
    let float = |value: f64| Number::from_f64(value).map_or(serde_json::Value::Null, serde_json::Value::Number);
    match number {
        value::Number::Integer(value) => (*value).into(),
        value::Number::Float(value) => float(*value),
        value::Number::Big(digits) => digits
            .parse::<u64>()
            .map_or_else(|_| float(digits.parse().unwrap_or(f64::MAX).clamp(f64::MIN, f64::MAX)), Into::into),
    }
}

/// Shortens what a message quotes.
pub(super) fn short(text: &str) -> Cow<'_, str> {
    const MOST: usize = 200;
    match text.char_indices().nth(MOST) {
        Some((end, _)) => format!("{}…", &text[..end]).into(),
        None => text.into(),
    }
}
