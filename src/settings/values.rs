//! The values of one part of the settings by name, each as the type that its row says.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use super::inputs::{Found, at};
use super::origin::Mistake;
use super::value::Value;
use crate::config::secret_string::SecretString;

/// The values of one item of a list, or of none in particular, by the type that their kind promises.
#[derive(Clone, Copy)]
pub(super) struct Values<'a> {
    pub(super) found: &'a Found,
    pub(super) index: usize,
}

impl Values<'_> {
    pub(super) fn value(self, name: &'static str) -> Option<Value> {
        self.found.get(name, self.index).map(|given| given.value.clone())
    }

    pub(super) fn text(self, name: &'static str) -> Option<String> {
        if let Value::Text(text) = self.value(name)? { Some(text) } else { None }
    }

    pub(super) fn texts(self, name: &'static str) -> Option<Vec<String>> {
        if let Value::Texts(texts) = self.value(name)? { Some(texts) } else { None }
    }

    pub(super) fn secret(self, name: &'static str) -> Option<SecretString> {
        if let Value::Secret(secret) = self.value(name)? { Some(secret) } else { None }
    }

    pub(super) fn path(self, name: &'static str) -> Option<PathBuf> {
        if let Value::Path(path) = self.value(name)? { Some(path) } else { None }
    }

    pub(super) fn address(self, name: &'static str) -> Option<SocketAddr> {
        if let Value::Address(address) = self.value(name)? { Some(address) } else { None }
    }

    pub(super) fn switch(self, name: &'static str) -> Option<bool> {
        if let Value::Switch(switch) = self.value(name)? { Some(switch) } else { None }
    }

    pub(super) fn time(self, name: &'static str) -> Option<Duration> {
        if let Value::Time(time) = self.value(name)? { Some(time) } else { None }
    }

    pub(super) fn number(self, name: &'static str) -> Option<u64> {
        if let Value::Number(number) | Value::Size(number) = self.value(name)? { Some(number) } else { None }
    }

    pub(super) fn count(self, name: &'static str) -> Option<usize> {
        usize::try_from(self.number(name)?).ok()
    }
}

/// Of several settings of one item that exclude one another, the one given later; the others are forgotten. Two
/// that were given in the same way are a mistake.
pub(super) fn latest(found: &mut Found, index: usize, names: &[&'static str]) -> Option<Value> {
    let mut given: Vec<_> =
        names.iter().filter_map(|name| found.get(name, index).map(|given| (*name, given.clone()))).collect();
    given.sort_by(|(_, one), (_, other)| one.origin.cmp(&other.origin));
    let (name, last) = given.pop()?;
    for (other, earlier) in given {
        if earlier.origin.is_level_with(&last.origin) {
            let [name, other] = [name, other].map(|name| at(name, index));
            let message = format!("`{name}` is given beside `{other}` ({})", earlier.origin);
            found.mistake(Mistake::new(&last.origin, message).with_hint("keep one of the two"));
        }
        found.forget(other, index);
    }
    Some(last.value)
}
