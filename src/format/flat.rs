//! What the formats without nesting share: values as paths with leaves, and the text of a leaf.
//!
//! The spelling of paths and texts is each format's own.

use std::fmt::Write as _;

use crate::config::foreign;
use crate::config::key;
use crate::config::value::{STARS, Value};

use super::json;

/// The leaves of a value in order, each with its path: keys as written, list items as `[n]`.
///
/// Null, `{}` and `[]` are leaves. A value that is itself a leaf has the empty path.
pub(crate) fn flatten(value: &Value) -> Vec<(String, &Value)> {
    let mut leaves = Vec::new();
    walk(String::new(), value, &mut leaves);
    leaves
}

fn walk<'a>(path: String, value: &'a Value, leaves: &mut Vec<(String, &'a Value)>) {
    match value {
        Value::Map(map) if !map.is_empty() => {
            for (key, inner) in map {
                walk(key::append(path.clone(), key), inner, leaves);
            }
        }
        Value::List(items) if !items.is_empty() => {
            for (index, item) in items.iter().enumerate() {
                walk(key::append_index(path.clone(), index), item, leaves);
            }
        }
        _ => leaves.push((path, value)),
    }
}

/// The text of a leaf; null, `{}` and `[]` have none.
pub(crate) fn text(leaf: &Value) -> String {
    match leaf {
        Value::Bool(value) => value.to_string(),
        Value::Number(number) => number.to_string(),
        Value::String(text) => text.as_ref().to_owned(),
        Value::Secret(_) => STARS.to_owned(),
        Value::Foreign(foreign) => foreign.text().as_ref().to_owned(),
        Value::Null | Value::List(_) | Value::Map(_) => String::new(),
    }
}

/// A value that is no map, as the whole of an answer: the text alone, a list as JSON, and the end of the line.
pub(super) fn bare(value: &Value) -> String {
    let mut out = if matches!(value, Value::List(_)) { json::write(value, false) } else { text(value) };
    out.push('\n');
    out
}

/// A path as a comment can show it, on one line whatever is in it.
pub(super) fn shown(path: &str) -> String {
    path.chars().fold(String::new(), |mut shown, character| {
        if foreign::is_hidden(character) {
            write!(shown, "\\u{:04X}", u32::from(character)).expect("writing to a string cannot fail");
        } else {
            shown.push(character);
        }
        shown
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::value::{Map, Number};

    #[test]
    fn every_leaf_has_a_path() {
        let inner = Map::from_iter([("[x.y]".into(), Value::Null), ("list".into(), Value::List(vec![]))]);
        let value = Value::Map(Map::from_iter([
            ("b.c".into(), Value::List(vec![Value::Bool(true), Value::Map(inner)])),
            ("a".into(), Value::Map(Map::new())),
            ("n".into(), Value::Number(Number::Integer(7))),
        ]));
        let lines: Vec<_> = flatten(&value).iter().map(|(path, leaf)| format!("{path}={}", text(leaf))).collect();
        assert_eq!(lines, ["b.c[0]=true", "b.c[1][x.y]=", "b.c[1].list=", "a=", "n=7"]);
        assert_eq!(flatten(&Value::from("x")), [(String::new(), &Value::from("x"))]);
    }

    #[test]
    fn a_value_without_key_is_its_text() {
        assert_eq!(bare(&Value::from("it's\n1")), "it's\n1\n");
        assert_eq!(bare(&Value::List(vec![Value::from("a"), Value::Null])), "[\"a\",null]\n");
        assert_eq!(bare(&Value::Null), "\n");
    }

    #[test]
    fn a_comment_cannot_be_left() {
        assert_eq!(shown("a\nb\u{2028}é"), "a\\u000Ab\\u2028é");
    }
}
