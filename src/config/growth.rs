//! How large an answer becomes, counted while it is made: placeholders and long names can make gigabytes of a small file.

use std::sync::Arc;

use super::key;
use super::problem::{Fault, Position, Problem};
use super::value::Value;

/// The code of the finding.
pub const TOO_LARGE: &str = "answer-too-large";

/// Bytes that an answer may have if nothing else is set.
pub const DEFAULT_LIMIT: usize = 16 << 20;

/// The most characters of a key that are told.
const SHOWN: usize = 200;

/// An answer that grows too large.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the answer grows beyond the {limit} bytes that `limits.answer` allows; most of it comes from `{key}`")]
pub struct TooLarge {
    /// The key with the most bytes of what was counted, cut if it is long.
    pub key: String,
    /// How many bytes there may be.
    pub limit: usize,
    /// Where the key stands, if that is known.
    pub place: Option<(Arc<str>, Position)>,
}

/// What to do about it.
pub const HINT: &str =
    "refer to large values less often, shorten names that have much below them, or raise `limits.answer` of the server";

impl TooLarge {
    /// The same as a problem of the file where the key stands; of `file` if that is not known.
    #[must_use]
    pub fn problem(&self, file: &Arc<str>) -> Problem {
        let (file, at) = self.place.as_ref().map_or((file, Position::new(1, 1)), |(file, at)| (file, *at));
        Fault::error(TOO_LARGE, at, self.to_string()).with_hint(HINT).in_file(file)
    }
}

/// Bytes counted against a limit.
#[derive(Debug, Clone)]
pub struct Growth {
    limit: usize,
    left: usize,
    most: usize,
    key: String,
}

/// In which form a value is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// Each name once.
    Nested,
    /// Each leaf with all names around it.
    Flat,
}

impl Growth {
    /// Nothing yet.
    #[must_use]
    pub const fn new(limit: usize) -> Self {
        Self { limit, left: limit, most: 0, key: String::new() }
    }

    /// Counts the bytes of a key.
    ///
    /// # Errors
    /// If that is beyond the limit.
    pub fn add(&mut self, bytes: usize, key: impl FnOnce() -> String) -> Result<(), TooLarge> {
        if bytes > self.most {
            (self.most, self.key) = (bytes, key());
        }
        let left = self.left.checked_sub(bytes);
        self.left =
            left.ok_or_else(|| TooLarge { key: std::mem::take(&mut self.key), limit: self.limit, place: None })?;
        Ok(())
    }

    /// Counts a value.
    ///
    /// # Errors
    /// If that is beyond the limit.
    pub fn value(&mut self, value: &Value, form: Form) -> Result<(), TooLarge> {
        self.walk(value, form, &mut Vec::new(), 0)
    }

    fn walk<'a>(
        &mut self,
        value: &'a Value,
        form: Form,
        steps: &mut Vec<Step<'a>>,
        length: usize,
    ) -> Result<(), TooLarge> {
        // A name, its separators and its quotes.
        let around = if form == Form::Flat { length } else { steps.last().map_or(0, |step| step.length()) };
        match value {
            Value::Map(map) if !map.is_empty() => {
                if form == Form::Nested {
                    self.add(around, || shown(steps))?;
                }
                for (name, inner) in map {
                    steps.push(Step::Name(name));
                    self.walk(inner, form, steps, length + name.len() + 1)?;
                    steps.pop();
                }
                Ok(())
            }
            Value::List(items) if !items.is_empty() => {
                if form == Form::Nested {
                    self.add(around, || shown(steps))?;
                }
                for (index, item) in items.iter().enumerate() {
                    steps.push(Step::Index(index));
                    self.walk(item, form, steps, length + 3)?;
                    steps.pop();
                }
                Ok(())
            }
            leaf => self.add(around + bytes(leaf), || shown(steps)),
        }
    }
}

/// A step on the way to a value.
#[derive(Debug, Clone, Copy)]
enum Step<'a> {
    Name(&'a str),
    Index(usize),
}

impl Step<'_> {
    fn length(&self) -> usize {
        match self {
            Self::Name(name) => name.len() + 4,
            Self::Index(_) => 1,
        }
    }
}

/// Bytes of a leaf's text.
pub(super) fn bytes(leaf: &Value) -> usize {
    match leaf {
        Value::String(text) => text.len() + 2,
        Value::Secret(secret) => secret.sealed.len().max(secret.plain.expose().len()) + 2,
        Value::Foreign(foreign) => foreign.text().len() + 2,
        Value::Number(super::value::Number::Big(digits)) => digits.len(),
        _ => 4,
    }
}

fn shown(steps: &[Step<'_>]) -> String {
    let mut path = String::new();
    for step in steps {
        path = match step {
            Step::Name(name) => key::append(path, cut(name)),
            Step::Index(index) => key::append_index(path, *index),
        };
        if path.len() > SHOWN {
            break;
        }
    }
    cut(&path).to_owned()
}

/// The beginning of a key.
pub(crate) fn cut(key: &str) -> &str {
    key.char_indices().nth(SHOWN).map_or(key, |(end, _)| &key[..end])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::value::Map;

    fn long() -> Value {
        let inner: Map = (0..100).map(|at| (Arc::from(format!("k{at}")), Value::Null)).collect();
        let wide = (Arc::from("n".repeat(1000)), Value::Map(inner));
        Value::Map(Map::from_iter([(Arc::from("a"), Value::from("b")), wide]))
    }

    #[test]
    fn a_long_name_counts_once_or_for_all_below_it() {
        assert_eq!(Growth::new(10_000).value(&long(), Form::Nested), Ok(()));
        let error = Growth::new(10_000).value(&long(), Form::Flat).unwrap_err();
        assert_eq!((error.key, error.limit), ("n".repeat(200), 10_000));
        assert_eq!(Growth::new(200_000).value(&long(), Form::Flat), Ok(()));
    }

    #[test]
    fn the_largest_key_is_told() {
        let map = [("a", 10), ("b", 500), ("c", 20)].map(|(key, size)| (key.into(), Value::from(&*"x".repeat(size))));
        let error = Growth::new(520).value(&Value::Map(map.into_iter().collect()), Form::Nested).unwrap_err();
        assert_eq!(error.key, "b");
    }
}
