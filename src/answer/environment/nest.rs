//! Flat keys to nested maps and lists, as Spring's server does it for `.yml` and `.json`, oddities included.

use std::sync::Arc;

use indexmap::map::Entry as Place;

use crate::config::value::{Map, Value};

use super::FlatError;

/// The most steps of one key.
const MAX_STEPS: usize = 256;

/// The most empty places that indexes may leave in the lists of one answer.
const MAX_GAPS: usize = 100_000;

/// One step of a key.
#[derive(Debug, PartialEq)]
enum Step<'k> {
    Name(&'k str),
    Index(usize),
}

/// Nests properties, which come weakest first and may hide what came before.
///
/// # Errors
/// [`FlatError::Key`] for a key that cannot be split, [`FlatError::Clash`] where a list meets something else.
pub(super) fn nest(flat: impl IntoIterator<Item = (Arc<str>, Value)>) -> Result<Map, FlatError> {
    let mut root = Map::new();
    let mut gaps = MAX_GAPS;
    for (key, value) in flat {
        let steps =
            steps(&key).filter(|steps| steps.len() <= MAX_STEPS).ok_or_else(|| FlatError::Key(key.to_string()))?;
        put(&mut root, &steps, value, &mut gaps).map_err(|clash| match clash {
            Clash::Kinds => FlatError::Clash(key.to_string()),
            Clash::Gaps => FlatError::TooLarge,
        })?;
    }
    Ok(root)
}

enum Clash {
    Kinds,
    Gaps,
}

fn put(root: &mut Map, steps: &[Step<'_>], value: Value, gaps: &mut usize) -> Result<(), Clash> {
    let (mut map, mut prefix, mut at) = (root, String::new(), 0);
    loop {
        let Some(Step::Name(name)) = steps.get(at) else { return Err(Clash::Kinds) };
        at += 1;
        match steps.get(at) {
            None => {
                map.insert(Arc::from(format!("{prefix}{name}")), value);
                return Ok(());
            }
            // Beside a scalar, what would be below it gets a compound name. Spring keeps one such name at a time.
            Some(Step::Name(_)) => match map.get(*name) {
                Some(Value::Map(_) | Value::Null) | None => map = map_at(map, name)?,
                Some(_) => prefix = format!("{name}."),
            },
            Some(Step::Index(_)) => {
                let mut slot = map.entry(Arc::from(*name)).or_insert_with(|| Value::List(Vec::new()));
                while let Some(Step::Index(index)) = steps.get(at) {
                    at += 1;
                    slot = item(slot, *index, gaps)?;
                }
                if at == steps.len() {
                    *slot = value;
                    return Ok(());
                }
                if *slot == Value::Null {
                    *slot = Value::Map(Map::new());
                }
                let Value::Map(inner) = slot else { return Err(Clash::Kinds) };
                map = inner;
            }
        }
    }
}

fn map_at<'m>(map: &'m mut Map, name: &str) -> Result<&'m mut Map, Clash> {
    let slot = match map.entry(Arc::from(name)) {
        Place::Occupied(slot) => slot.into_mut(),
        Place::Vacant(slot) => slot.insert(Value::Null),
    };
    if *slot == Value::Null {
        *slot = Value::Map(Map::new());
    }
    match slot {
        Value::Map(inner) => Ok(inner),
        _ => Err(Clash::Kinds),
    }
}

/// The item of a list, which grows as far as that takes.
fn item<'v>(slot: &'v mut Value, index: usize, gaps: &mut usize) -> Result<&'v mut Value, Clash> {
    if *slot == Value::Null {
        *slot = Value::List(Vec::new());
    }
    let Value::List(items) = slot else { return Err(Clash::Kinds) };
    if index >= items.len() {
        *gaps = gaps.checked_sub(index - items.len()).ok_or(Clash::Gaps)?;
        items.resize(index + 1, Value::Null);
    }
    Ok(&mut items[index])
}

/// The steps of a key; `None` if Spring refuses it: an empty name, or an index with something behind it.
fn steps(key: &str) -> Option<Vec<Step<'_>>> {
    let mut steps = Vec::new();
    let mut rest = key;
    loop {
        let end = name_end(rest);
        let (name, after) = rest.split_at(end.unwrap_or(rest.len()));
        if name.is_empty() && end.is_some() {
            return None;
        }
        steps.push(Step::Name(name));
        rest = after;
        while let Some(inside) = rest.strip_prefix('[') {
            let (digits, after) = inside.split_once(']')?;
            let is_index = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
            steps.push(Step::Index(digits.parse().ok().filter(|_| is_index)?));
            rest = after;
        }
        rest = match rest.strip_prefix('.') {
            Some(after) => after,
            None => return rest.is_empty().then_some(steps),
        };
    }
}

/// Where a name ends: at a point, or at a bracket that has an integer in it. Brackets around anything else belong to it.
fn name_end(text: &str) -> Option<usize> {
    let is_integer = |at: usize| {
        // No longer text is an integer, and a long one is not searched through for each of its brackets.
        let inside = &text.as_bytes()[at + 1..text.len().min(at + 13)];
        let end = inside.iter().position(|byte| *byte == b']');
        end.and_then(|end| std::str::from_utf8(&inside[..end]).ok()).is_some_and(|text| text.parse::<i32>().is_ok())
    };
    text.bytes().enumerate().find(|(at, byte)| *byte == b'.' || (*byte == b'[' && is_integer(*at))).map(|(at, _)| at)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::spring::json;

    fn nested(keys: &[&str]) -> String {
        let value = |index: usize| Value::Number(crate::config::value::Number::Integer(i64::try_from(index).unwrap()));
        let flat = keys.iter().enumerate().map(|(index, key)| (Arc::from(*key), value(index + 1)));
        match nest(flat) {
            Ok(map) => json::write(&Value::Map(map)),
            Err(error) => error.to_string(),
        }
    }

    #[test]
    fn points_and_indexes_nest() {
        assert_eq!(nested(&["a.b", "a.c[1].d", "a.c[0][1]"]), r#"{"a":{"b":1,"c":[[null,3],{"d":2}]}}"#);
        assert_eq!(nested(&["", "a."]), r#"{"":1,"a":{"":2}}"#);
    }

    #[test]
    fn brackets_without_an_integer_belong_to_the_name_but_points_split() {
        assert_eq!(
            nested(&["h[x]", "a[]", "b[x", "l[com.ex].y"]),
            r#"{"h[x]":1,"a[]":2,"b[x":3,"l[com":{"ex]":{"y":4}}}"#
        );
    }

    #[test]
    fn what_is_below_a_scalar_gets_a_compound_name() {
        let keys = ["l.level", "l.level.root", "l.level.com.example"];
        assert_eq!(nested(&keys), r#"{"l":{"level":1,"level.root":2,"com":{"level.example":3}}}"#);
        assert_eq!(nested(&["a.b", "a"]), r#"{"a":2}"#);
    }

    #[test]
    fn lists_that_meet_something_else_clash() {
        assert_eq!(nested(&["a", "a[0]"]), "`a[0]` is a list in one place and something else in another");
        assert_eq!(nested(&["a[0]", "a[0].b"]), "`a[0].b` is a list in one place and something else in another");
    }

    #[test]
    fn keys_that_spring_refuses_are_refused() {
        for key in ["a..b", ".a", "[1]", "a[-1]", "a[0]b", "a[0][x]", "a.[0]"] {
            assert_eq!(nested(&[key]), format!("`{key}` cannot be split into names and indexes"));
        }
        assert!(nested(&[&"a.".repeat(100_000)]).ends_with("cannot be split into names and indexes"));
        assert_eq!(nested(&["a[2000000000]"]), "the answer would grow too large");
    }
}
