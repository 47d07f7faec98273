//! The formats in which Spring merges all sources into one document: `.properties`, `.yml` and `.json`.
//!
//! Keys stand where the weakest source has them and have the value of the strongest. A list is never merged: all keys with
//! one name before the bracket come from one source.

use std::collections::HashSet;
use std::sync::Arc;

use bytes::Bytes;
use indexmap::IndexMap;

use crate::answer::{Spelled, etag};
use crate::config::growth::{Form, Growth, TooLarge};
use crate::config::layer::Data;
use crate::config::value::{Map, Number, Value};
use crate::format::spring::{dump, json};
use crate::format::{Format, java};

use super::placeholder::{self, Placeholders};
use super::{Environment, Property, nest};

/// A format that merges all sources.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Flat {
    /// `key: value` lines without any escapes.
    Properties,
    /// A document as SnakeYAML writes it.
    Yaml,
    /// Compact JSON.
    Json,
}

/// How a merged answer is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct FlatSpelling {
    /// The format.
    pub format: Flat,
    /// Placeholders are filled in.
    pub resolve: bool,
    /// A YAML answer whose only key is `document` is the value of that key alone.
    pub strip_document: bool,
}

/// Why there is no merged answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FlatError {
    /// A key that Spring refuses to nest: its 400.
    #[error("`{0}` cannot be split into names and indexes")]
    Key(String),
    /// Placeholders lead back to themselves: its 400.
    #[error("the placeholder `${{{0}}}` leads back to itself")]
    Circle(String),
    /// Sources disagree about what a key holds: its 500.
    #[error("`{0}` is a list in one place and something else in another")]
    Clash(String),
    /// The answer grows beyond its limit.
    #[error(transparent)]
    Grown(#[from] TooLarge),
    /// Placeholders or indexes would make more than is allowed.
    #[error("the answer would grow too large")]
    TooLarge,
}

/// The key that makes a document of a list or a single value.
const DOCUMENT: &str = "document";

/// The key that the server itself takes out.
const PROFILES: &str = "spring.profiles";

/// The sources merged: keys of lists come last, a list whole from the strongest source that has it.
#[must_use]
pub fn combined(environment: &Environment) -> IndexMap<Arc<str>, Value> {
    let mut plain: IndexMap<Arc<str>, &Data> = IndexMap::new();
    let mut groups: IndexMap<&str, Vec<Property<'_>>> = IndexMap::new();
    for source in environment.sources.iter().rev() {
        let mut begun: HashSet<&str> = HashSet::new();
        for property in source.properties() {
            let Some((name, _)) = property.key.split_once('[') else {
                plain.insert(Arc::clone(property.key), property.data);
                continue;
            };
            let group = groups.entry(name).or_default();
            if begun.insert(name) {
                group.clear();
            }
            group.push(property);
        }
    }
    plain.shift_remove(PROFILES);
    let lists = groups.into_values().flatten().map(|property| (Arc::clone(property.key), property.value()));
    plain.into_iter().map(|(key, data)| (key, data.to_value())).chain(lists).collect()
}

/// Merges an environment and writes it as wanted.
///
/// # Errors
/// All that [`FlatError`] says.
pub fn spell_flat(environment: &Environment, spelling: FlatSpelling) -> Result<Spelled, FlatError> {
    let mut placeholders = Placeholders::new(environment);
    let is_yaml = spelling.format == Flat::Yaml;
    let mut filled = |value| if spelling.resolve { fill(&mut placeholders, value, is_yaml) } else { Ok(value) };
    let flat = combined(environment);
    let value = match spelling.format {
        Flat::Properties => {
            let filled = flat
                .into_iter()
                .map(|(key, value)| Ok::<_, FlatError>((key_of(&filled(Value::String(key))?), filled(value)?)));
            Value::Map(filled.collect::<Result<Map, _>>()?)
        }
        Flat::Yaml | Flat::Json => filled(Value::Map(nest::nest(flat)?))?,
    };
    Growth::new(environment.limit).value(&value, Form::Nested)?;
    let (format, write): (_, &dyn Fn(&Value) -> String) = match spelling.format {
        Flat::Properties => (Format::Properties, &properties),
        Flat::Yaml => (Format::Yaml, &|value: &Value| yaml(value, spelling.strip_document)),
        Flat::Json => (Format::Json, &json::write),
    };
    if !value.has_secret() {
        let body = write(&value);
        return Ok(Spelled { etag: etag(format, &body), body: Bytes::from(body), is_secret: false, warning: None });
    }
    let etag = etag(format, &write(&value.sealed()));
    Ok(Spelled { etag, body: Bytes::from(write(&value.revealed())), is_secret: true, warning: None })
}

/// Fills in the placeholders of all keys and values. `numbers`: a default that is the whole value, and a whole number, is
/// one, as in `${PORT:8080}`; it is written in YAML as Spring has always written it.
fn fill(placeholders: &mut Placeholders<'_>, value: Value, numbers: bool) -> Result<Value, FlatError> {
    Ok(match value {
        Value::String(text) => match placeholders.fill(&text)? {
            Value::String(filled) if numbers && placeholder::whole_default(&text) == Some(&*filled) => {
                let number = filled.parse::<i64>().ok().filter(|number| *number.to_string() == *filled);
                number.map_or(Value::String(filled), |number| Value::Number(Number::Integer(number)))
            }
            filled => filled,
        },
        Value::Secret(secret) => placeholders.fill_secret(&secret)?,
        Value::List(items) => {
            Value::List(items.into_iter().map(|item| fill(placeholders, item, numbers)).collect::<Result<_, _>>()?)
        }
        Value::Map(map) => {
            let entries = map.into_iter().map(|(key, value)| {
                let key = key_of(&placeholders.fill(&key)?);
                Ok::<_, FlatError>((key, fill(placeholders, value, numbers)?))
            });
            Value::Map(entries.collect::<Result<_, _>>()?)
        }
        other => other,
    })
}

/// A key that was filled in; a secret stays sealed there.
fn key_of(filled: &Value) -> Arc<str> {
    match filled {
        Value::String(text) => Arc::clone(text),
        Value::Secret(secret) => Arc::clone(&secret.sealed),
        _ => Arc::from(""),
    }
}

fn properties(value: &Value) -> String {
    let Value::Map(map) = value else { return String::new() };
    let line = |(key, value): (&Arc<str>, &Value)| match value {
        Value::Number(number) => format!("{key}: {}", java::number(number)),
        Value::Foreign(foreign) => format!("{key}: {}", foreign.text()),
        other => format!("{key}: {}", dump::plain(other).unwrap_or_default()),
    };
    map.iter().map(line).collect::<Vec<_>>().join("\n")
}

fn yaml(value: &Value, strips_document: bool) -> String {
    let Value::Map(map) = value else { return dump::write(value) };
    let document = map.get(DOCUMENT).filter(|_| strips_document && map.len() == 1);
    match document {
        None => dump::write(value),
        Some(inner @ (Value::List(_) | Value::Map(_) | Value::String(_))) => dump::write(inner),
        // A single value is written as text, whatever it is.
        Some(scalar) => dump::write(&Value::from(dump::plain(scalar).unwrap_or_default().as_str())),
    }
}
