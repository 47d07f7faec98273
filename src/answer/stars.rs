//! Which values nobody is shown: those that `validate` takes for secrets in plain text, those that are sealed, and every
//! text that a placeholder brings one of them into.
//!
//! A value that is hidden is a [`Value::Secret`], which writers write as stars. What differs is found before anything is
//! hidden, so that a secret that changes is a change.

use std::sync::Arc;

use crate::config::diff::{Given, KeyChanges};
use crate::config::key::{append, append_index};
use crate::config::secret_string::SecretString;
use crate::config::value::{Opened, STARS, Value};
use crate::secret::sealed::is_sealed;
use crate::secret::suspicion::suspicion;

/// True if a text at a key path is or holds a secret.
pub(super) fn is_secret(path: &str, text: &str) -> bool {
    is_sealed(text) || suspicion(path, text).is_some()
}

/// A value at a key path with everything in it hidden that is a secret.
#[must_use]
pub fn starred(path: &str, value: Value) -> Value {
    match value {
        Value::String(text) => hidden(path, &text).unwrap_or(Value::String(text)),
        Value::Number(number) => hidden(path, &number.to_string()).unwrap_or(Value::Number(number)),
        Value::Foreign(foreign) => hidden(path, foreign.text()).unwrap_or(Value::Foreign(foreign)),
        Value::List(items) => {
            let item = |(index, item)| starred(&append_index(path.to_owned(), index), item);
            Value::List(items.into_iter().enumerate().map(item).collect())
        }
        Value::Map(map) => {
            let entry = |(key, value): (Arc<str>, Value)| {
                let value = starred(&append(path.to_owned(), &key), value);
                (key, value)
            };
            Value::Map(map.into_iter().map(entry).collect())
        }
        other @ (Value::Null | Value::Bool(_) | Value::Secret(_)) => other,
    }
}

fn hidden(path: &str, text: &str) -> Option<Value> {
    let sealed = if is_sealed(text) { Arc::from(text) } else { Arc::from(STARS) };
    is_secret(path, text).then(|| Value::Secret(Opened { sealed, plain: SecretString::new(text) }))
}

/// The changes with every secret in them hidden.
pub(super) fn starred_changes(change: KeyChanges) -> KeyChanges {
    let given = |key: &Arc<str>, given: Given| Given { value: starred(key, given.value), ..given };
    let one = |(key, value): (Arc<str>, Given)| {
        let value = given(&key, value);
        (key, value)
    };
    let two = |(key, (from, to)): (Arc<str>, (Given, Given))| {
        let pair = (given(&key, from), given(&key, to));
        (key, pair)
    };
    KeyChanges {
        added: change.added.into_iter().map(one).collect(),
        removed: change.removed.into_iter().map(one).collect(),
        changed: change.changed.into_iter().map(two).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::value::{Map, Number};
    use crate::format::{self, Format};

    #[test]
    fn secrets_are_hidden_wherever_they_are() {
        let user = Map::from_iter([("name".into(), "ann".into()), ("password".into(), "hunter2".into())]);
        let value = Value::Map(Map::from_iter([
            ("db".into(), Value::Map(user)),
            ("pins".into(), Value::List(vec!["a".into(), "postgres://u:hunter2@h/db".into()])),
            ("password".into(), Value::Number(Number::Integer(1234))),
            ("sealed".into(), "{cipher}{key:one}x".into()),
            ("port".into(), Value::Number(Number::Integer(8080))),
        ]));
        let shown = format::write(Format::Json, &starred("", value.clone()), false);
        let expected =
            r#"{"db":{"name":"ann","password":"***"},"pins":["a","***"],"password":"***","sealed":"***","port":8080}"#;
        assert_eq!(shown, expected);
        let plain = format::write(Format::Json, &starred("", value).revealed(), false);
        assert!(plain.contains("hunter2") && plain.contains("1234") && plain.contains("{cipher}{key:one}x"), "{plain}");
    }

    #[test]
    fn the_path_above_counts() {
        assert!(starred("db.password", "x".into()).has_secret());
        assert!(starred("passwords", Value::List(vec!["x".into()])).has_secret());
        assert!(!starred("db.user", "x".into()).has_secret());
    }
}
