//! Words and texts of one line, most of them of a form that is checked.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;

use serde_json::{Value as Json, json};

use crate::config::layer::Data;
use crate::secret::key::KeyId;

use super::{Kind, ReadValue, Reason, line, shown};

/// One of these words, each with what it means.
pub(in crate::settings) struct Choice<T: 'static>(pub(in crate::settings) &'static [(&'static str, T)]);

impl<T: Copy + Send + Sync + 'static> Kind for Choice<T> {
    type Value = T;

    fn read(&self, data: &Data, _: &Path) -> Result<ReadValue<T>, Reason> {
        let word = if let Data::Text(_) = data { Some(line(data)?) } else { None };
        let chosen = self.0.iter().find(|(known, _)| Some(*known) == word);
        chosen
            .map(|(word, value)| ReadValue::of_text(*value, word))
            .ok_or_else(|| Reason::unlike(data, &self.expected()))
    }

    fn schema(&self) -> Json {
        json!({ "enum": self.0.iter().map(|(word, _)| word).collect::<Vec<_>>() })
    }
}

impl<T> Choice<T> {
    fn expected(&self) -> String {
        let quoted: Vec<_> = self.0.iter().map(|(word, _)| format!("`{word}`")).collect();
        match quoted.split_last() {
            Some((last, rest)) if !rest.is_empty() => format!("{} or {last}", rest.join(", ")),
            _ => quoted.concat(),
        }
    }
}

/// `true` or `false`.
pub(in crate::settings) struct Switch;

impl Kind for Switch {
    type Value = bool;

    fn read(&self, data: &Data, _: &Path) -> Result<ReadValue<bool>, Reason> {
        let value = match data {
            Data::Bool(value) => *value,
            Data::Text(text) if matches!(&**text, "true" | "1") => true,
            Data::Text(text) if matches!(&**text, "false" | "0") => false,
            _ => return Err(Reason::unlike(data, "`true` or `false`")),
        };
        Ok(ReadValue::new(value, value.to_string()))
    }

    fn schema(&self) -> Json {
        json!({ "type": "boolean" })
    }
}

/// A text of one line that a function reads.
pub(in crate::settings) struct Text<T> {
    parse: fn(&str) -> Result<T, Reason>,
    /// The regular expression of its schema.
    pattern: Option<&'static str>,
    takes_empty_for_nothing: bool,
}

impl<T: Clone + Send + Sync + 'static> Kind for Text<T> {
    type Value = T;

    fn read(&self, data: &Data, _: &Path) -> Result<ReadValue<T>, Reason> {
        let text = line(data)?;
        Ok(ReadValue::of_text((self.parse)(text)?, text))
    }

    fn schema(&self) -> Json {
        match self.pattern {
            Some(pattern) => json!({ "type": "string", "pattern": pattern }),
            None => json!({ "type": "string" }),
        }
    }

    fn takes_empty_for_nothing(&self) -> bool {
        self.takes_empty_for_nothing
    }
}

/// Any text of one line; an empty one is nothing.
pub(in crate::settings) const fn free() -> Text<String> {
    Text { takes_empty_for_nothing: true, ..parsed(|text| Ok(text.to_owned())) }
}

/// A text of one line that `parse` reads.
pub(in crate::settings) const fn parsed<T>(parse: fn(&str) -> Result<T, Reason>) -> Text<T> {
    Text { parse, pattern: None, takes_empty_for_nothing: false }
}

/// A text as it is, of which `is_fine` holds.
fn checked(text: &str, is_fine: bool, rule: &str) -> Result<String, Reason> {
    if is_fine { Ok(text.to_owned()) } else { Err(format!("is `{}`, {rule}", shown(text)).into()) }
}

/// The name of a source, which becomes part of a folder's name.
pub(in crate::settings) const fn source_name() -> Text<String> {
    parsed(|text| {
        let is_usual = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
        let is_fine = (1..=64).contains(&text.len()) && text.bytes().all(is_usual);
        checked(text, is_fine, "but takes up to 64 letters, digits, `.`, `_` and `-`")
    })
}

/// A folder in a repository.
pub(in crate::settings) const fn within() -> Text<String> {
    parsed(|text| {
        let is_down = |segment: &str| !matches!(segment, "." | "..");
        let is_fine = !text.starts_with('/') && !text.contains('\\') && text.split('/').all(is_down);
        checked(text, is_fine, "which is not a folder below the root of the repository")
    })
}

/// A path in front of all routes.
pub(in crate::settings) const fn prefix() -> Text<String> {
    parsed(|text| {
        let is_usual = |byte: u8| byte.is_ascii_alphanumeric() || b"._~-".contains(&byte);
        let is_segment =
            |segment: &str| !segment.is_empty() && segment != "." && segment != ".." && segment.bytes().all(is_usual);
        let is_fine = text.is_empty() || text.strip_prefix('/').is_some_and(|rest| rest.split('/').all(is_segment));
        checked(text, is_fine, "which is no path in front of others")
            .map_err(|reason| reason.with_hint("write it as `/config`: a `/` before every name, none at the end"))
    })
}

/// The name of a key.
pub(in crate::settings) const fn key_id() -> Text<KeyId> {
    let parse = |text: &str| {
        let refuse = |_| format!("is `{}`, but takes up to 32 of `a`-`z`, `0`-`9` and `-`", shown(text)).into();
        KeyId::new(text).map_err(refuse)
    };
    Text { pattern: Some("^[a-z0-9-]{1,32}$"), ..parsed(parse) }
}

/// Hexadecimal digits.
pub(in crate::settings) const fn salt() -> Text<String> {
    let parse = |text: &str| {
        let is_hex = text.bytes().all(|byte| byte.is_ascii_hexdigit());
        let is_fine = !text.is_empty() && text.len().is_multiple_of(2) && is_hex;
        checked(text, is_fine, "but takes an even number of hexadecimal digits")
            .map_err(|reason| reason.with_hint("it is what Spring calls `encrypt.salt`"))
    };
    Text { pattern: Some("^([0-9A-Fa-f]{2})+$"), ..parsed(parse) }
}

/// An IP address and a port. `localhost` is taken for the loopback address, so that no name has to be looked up.
pub(in crate::settings) struct ListenAddress;

impl Kind for ListenAddress {
    type Value = SocketAddr;

    fn read(&self, data: &Data, _: &Path) -> Result<ReadValue<SocketAddr>, Reason> {
        let text = if let Data::Text(_) = data { line(data)? } else { "" };
        let port = || text.strip_prefix("localhost:")?.parse().ok();
        let address = text.parse().ok().or_else(|| Some((Ipv4Addr::LOCALHOST, port()?).into()));
        address.map(|address: SocketAddr| ReadValue::of_text(address, &address.to_string())).ok_or_else(|| {
            Reason::unlike(data, "an address and a port").with_hint("write it as `127.0.0.1:8888` or `[::1]:8888`")
        })
    }

    fn schema(&self) -> Json {
        json!({ "type": "string" })
    }
}
