//! The kinds of settings: how a value of each is read from a file, a variable or a flag, how it is shown, and its schema.
//!
//! A kind is a type, and so is what it reads: a row of the table passes that on to its setter. Whether values go together
//! is for `build/`.

mod list;
mod number;
mod path;
mod secret;
mod structure;
mod text;
pub(super) mod unit;

use std::path::Path;

use serde_json::Value as Json;

use crate::config::foreign;
use crate::config::layer::Data;
use crate::config::problem::Position;

use super::origin::shown;

pub(super) use list::{globs, patterns, search_paths};
pub(super) use number::{DAY, GIB, HOUR, MIB, SECOND, count, size, time};
pub(super) use path::{GitUrl, LocalPath, address_shown};
pub(super) use secret::{Credential, KeyText};
pub(super) use structure::Structure;
pub(super) use text::{Choice, ListenAddress, Switch, Text, free, key_id, parsed, prefix, salt, source_name, within};

/// What a setting takes.
pub(super) trait Kind: Send + Sync + 'static {
    /// What is read.
    type Value: Clone + Send + Sync + 'static;

    /// True if the value is a list, which a variable gives with commas or item by item.
    const IS_LIST: bool = false;

    /// Reads a value. Relative paths are relative to `base`.
    fn read(&self, data: &Data, base: &Path) -> Result<ReadValue<Self::Value>, Reason>;

    /// The JSON Schema of the value in a settings file.
    fn schema(&self) -> Json;

    /// True if an empty text counts as nothing given.
    fn takes_empty_for_nothing(&self) -> bool {
        false
    }
}

/// A value that was read.
pub(super) struct ReadValue<V> {
    pub(super) value: V,
    /// The value as a settings file would have it, on one line; secrets and passwords in URLs as stars.
    pub(super) shown: String,
    /// True if it is a secret, or a URL that holds one.
    pub(super) holds_secret: bool,
}

impl<V> ReadValue<V> {
    fn new(value: V, shown: String) -> Self {
        Self { value, shown, holds_secret: false }
    }

    /// A text, or what was read of one.
    fn of_text(value: V, text: &str) -> Self {
        Self::new(value, scalar(&foreign::without_logins(text)))
    }

    fn secret(value: V) -> Self {
        Self { value, shown: r#""***""#.to_owned(), holds_secret: true }
    }
}

/// Why a value cannot be used, as what follows the name of its setting.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Reason {
    pub(super) message: String,
    pub(super) hint: Option<String>,
    /// The place of the item at fault, if it is one of a list.
    pub(super) at: Option<Position>,
}

impl<T: Into<String>> From<T> for Reason {
    fn from(message: T) -> Self {
        Self { message: message.into(), hint: None, at: None }
    }
}

impl Reason {
    pub(super) fn with_hint(self, hint: impl Into<String>) -> Self {
        Self { hint: Some(hint.into()), ..self }
    }

    /// For a value of another kind, or beyond what the kind allows.
    fn unlike(data: &Data, expected: &str) -> Self {
        format!("is {}, but takes {expected}", describe(data)).into()
    }
}

/// The text of one line that a value must be.
fn line(data: &Data) -> Result<&str, Reason> {
    match data {
        Data::Text(text) if text.contains(char::is_control) => {
            Err(Reason::from("holds a control character").with_hint("is there a line end too many?"))
        }
        Data::Text(text) => Ok(text),
        Data::Number(_) | Data::Bool(_) => Err(Reason::unlike(data, "text").with_hint("put it in quotes")),
        _ => Err(Reason::unlike(data, "text")),
    }
}

/// The value as part of a sentence.
fn describe(data: &Data) -> String {
    match data {
        Data::Null => "empty".to_owned(),
        Data::Bool(value) => value.to_string(),
        Data::Number(number) => shown(&number.to_string()),
        Data::Text(text) => format!("`{}`", shown(text)),
        Data::List(_) => "a list".to_owned(),
        Data::Map(_) => "a map".to_owned(),
        Data::Secret(_) => "a secret".to_owned(),
        Data::Foreign(_) => "bytes or a time".to_owned(),
    }
}

/// The text as a YAML scalar of one line.
fn scalar(text: &str) -> String {
    match serde_yaml::to_string(text) {
        Ok(plain) if !plain.trim_end().contains(foreign::is_hidden) => plain.trim_end().to_owned(),
        _ => quoted(text),
    }
}

fn quoted(text: &str) -> String {
    foreign::json(&Json::from(text).to_string()).into_owned()
}

#[cfg(test)]
mod tests;
