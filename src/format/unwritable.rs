//! Why a configuration cannot be written in the notation that was asked for.
//!
//! A message names the key and never holds a part of its value.

use super::flat;

/// The most characters of a key or a name that a message repeats.
const SHOWN: usize = 120;

/// A configuration that cannot be written in the notation that was asked for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Unwritable {
    message: String,
    hint: String,
}

impl Unwritable {
    pub(super) fn new(message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self { message: message.into(), hint: hint.into() }
    }

    /// A key whose value the notation cannot carry.
    pub(super) fn value(key: &str, notation: &str, reason: &str) -> Self {
        let message = format!("the value of `{}` cannot be written as {notation}: {reason}", key_shown(key));
        Self::new(message, "ask for the format json, yaml or secret, or change the value")
    }

    /// A key whose name the notation cannot carry.
    pub(super) fn name(key: &str, name: &str, reason: &str) -> Self {
        let message = format!("`{}` cannot be named `{}`: {reason}", key_shown(key), key_shown(name));
        Self::new(message, "choose other names (`names` or `prefix`), or rename the key")
    }

    /// The same with other advice.
    pub(super) fn with_hint(self, hint: impl Into<String>) -> Self {
        Self { hint: hint.into(), ..self }
    }

    /// The same, and how many more keys have a fault.
    pub(super) fn and(mut self, more: usize) -> Self {
        if more > 0 {
            self.message.push_str(&format!(" (and {more} more)"));
        }
        self
    }

    /// What to do about it.
    #[must_use]
    pub fn hint(&self) -> &str {
        &self.hint
    }
}

/// The beginning of a key, on one line whatever is in it.
pub(super) fn key_shown(key: &str) -> String {
    match key.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{}…", flat::shown(&key[..end])),
        None => flat::shown(key),
    }
}
