//! A configuration value as every format spells it: null, bool, number, string, list or ordered map.
//!
//! Numbers keep integers of any size exactly. Positions do not live here: a value with its place in a file is a
//! [`Node`](super::layer::Node).

use std::fmt;
use std::sync::Arc;

use indexmap::IndexMap;

use super::secret_string::SecretString;

/// An ordered map from key, as written, to value.
pub type Map = IndexMap<Arc<str>, Value>;

/// One configuration value.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// Nothing, given on purpose.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// An integer of any size or a finite double.
    Number(Number),
    /// Text.
    String(Arc<str>),
    /// Values in order.
    List(Vec<Self>),
    /// Values by key, in the order in which the keys first appeared.
    Map(Map),
    /// An opened secret. Writers write stars for it, unless it was revealed before.
    Secret(Opened),
    /// A value of YAML 1.1 that other formats have no type for.
    Foreign(Foreign),
}

/// A value that only YAML 1.1 has, as text of the form that other formats give it. Found under `semantics: spring` only.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Foreign {
    /// Bytes (`!!binary`), in base64.
    Bytes(Arc<str>),
    /// A time (`!!timestamp`) in UTC, with milliseconds.
    Time(Arc<str>),
}

impl Foreign {
    /// The text.
    #[must_use]
    pub const fn text(&self) -> &Arc<str> {
        match self {
            Self::Bytes(text) | Self::Time(text) => text,
        }
    }
}

/// An opened secret, and what stands for it where nobody may see it. Equal if the secrets are, however they are sealed.
#[derive(Debug, Clone)]
pub struct Opened {
    /// The text with every opened value in it as it is sealed in the repository.
    pub sealed: Arc<str>,
    /// The text itself.
    pub plain: SecretString,
}

impl PartialEq for Opened {
    fn eq(&self, other: &Self) -> bool {
        self.plain == other.plain
    }
}

/// What is shown in the place of a secret.
pub const STARS: &str = "***";

impl Value {
    /// True if a secret is in it.
    #[must_use]
    pub fn has_secret(&self) -> bool {
        match self {
            Self::Secret(_) => true,
            Self::List(items) => items.iter().any(Self::has_secret),
            Self::Map(map) => map.values().any(Self::has_secret),
            Self::Null | Self::Bool(_) | Self::Number(_) | Self::String(_) | Self::Foreign(_) => false,
        }
    }

    /// The value with its secrets as plain text: for those who may read them, and for nobody else.
    #[must_use]
    pub fn revealed(&self) -> Self {
        self.with_secrets(&|secret| Arc::from(secret.plain.expose()))
    }

    /// The value with its secrets as they are sealed in the repository.
    #[must_use]
    pub fn sealed(&self) -> Self {
        self.with_secrets(&|secret| Arc::clone(&secret.sealed))
    }

    fn with_secrets(&self, text: &dyn Fn(&Opened) -> Arc<str>) -> Self {
        match self {
            Self::Secret(secret) => Self::String(text(secret)),
            Self::List(items) => Self::List(items.iter().map(|item| item.with_secrets(text)).collect()),
            Self::Map(map) => {
                Self::Map(map.iter().map(|(key, value)| (Arc::clone(key), value.with_secrets(text))).collect())
            }
            Self::Null | Self::Bool(_) | Self::Number(_) | Self::String(_) | Self::Foreign(_) => self.clone(),
        }
    }
}

/// A number whose integers are exact and whose floats are finite.
#[derive(Debug, Clone, PartialEq)]
pub enum Number {
    /// An integer of 64 bits with sign.
    Integer(i64),
    /// The decimal digits, with a leading `-` if negative, of an integer beyond 64 bits.
    Big(Arc<str>),
    /// A double; finite, but for `.inf` and `.nan` under `semantics: spring`.
    Float(f64),
}

impl Number {
    /// The integer written as decimal `digits` (an optional sign, then ASCII digits); `None` for anything else.
    ///
    /// Leading zeros and a plus sign are dropped, so that equal numbers are equal values.
    #[must_use]
    pub fn integer(digits: &str) -> Option<Self> {
        let (negative, magnitude) = match digits.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, digits.strip_prefix('+').unwrap_or(digits)),
        };
        if magnitude.is_empty() || !magnitude.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        let trimmed = magnitude.trim_start_matches('0');
        let text = if negative && !trimmed.is_empty() { format!("-{trimmed}") } else { trimmed.to_owned() };
        Some(match text.as_str() {
            "" => Self::Integer(0),
            text => text.parse().map_or_else(|_| Self::Big(Arc::from(text)), Self::Integer),
        })
    }

    /// A double; `None` if it is infinite or not a number, which no format of ours can spell.
    #[must_use]
    pub fn float(value: f64) -> Option<Self> {
        value.is_finite().then_some(Self::Float(value))
    }
}

/// The spelling that JSON gives the number.
impl fmt::Display for Number {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Integer(value) => value.fmt(out),
            Self::Big(digits) => out.write_str(digits),
            Self::Float(value) => match serde_json::Number::from_f64(*value) {
                Some(number) => number.fmt(out),
                None => out.write_str("null"),
            },
        }
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::String(Arc::from(text))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn integers_of_any_size_are_exact() {
        assert_eq!(Number::integer("18446744073709551616").unwrap().to_string(), "18446744073709551616");
        assert_eq!(Number::integer("-0042"), Some(Number::Integer(-42)));
        assert_eq!(Number::integer("-0"), Some(Number::Integer(0)));
        assert_eq!(Number::integer("-9223372036854775808"), Some(Number::Integer(i64::MIN)));
        assert_eq!(Number::integer("-9223372036854775809").unwrap().to_string(), "-9223372036854775809");
        assert_eq!(Number::integer("1x"), None);
        assert_eq!(Number::integer("+"), None);
    }

    #[test]
    fn floats_are_spelled_as_json_spells_them() {
        let spelled: Vec<_> = [1.0, 0.1, 1e300, -2.5].map(|value| Number::float(value).unwrap().to_string()).into();
        assert_eq!(spelled, ["1.0", "0.1", "1e+300", "-2.5"].map(str::to_owned));
        assert_eq!(Number::float(f64::INFINITY), None);
        assert_eq!(Number::float(f64::NAN), None);
    }
}
