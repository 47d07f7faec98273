//! Spells a value as TOML 1.0: the values of a table first, then its tables. Nothing reads TOML here.
//!
//! What TOML cannot say is left out, or becomes text, under a comment that names the key.

use crate::config::key;
use crate::config::value::{Map, Number, STARS, Value};

use super::escape::double_quoted;
use super::flat;

/// Spells a value. Null, `{}` and `[]` are left out, integers beyond 64 bits become text.
pub(super) fn write(value: &Value) -> String {
    let Value::Map(map) = value else { return flat::bare(value) };
    let mut out = String::new();
    put_table(&mut out, map, "", "");
    out
}

/// Puts the content of the table whose name is `header`, empty for the whole document. Here and below, `path` is the
/// same place as the rest of the server names it.
fn put_table(out: &mut String, map: &Map, header: &str, path: &str) {
    for (name, value) in map.iter().filter(|(_, value)| !has_header(value)) {
        put_value(out, name, value, &child_path(path, name));
    }
    for (name, value) in map.iter().filter(|(_, value)| has_header(value)) {
        let header = if header.is_empty() { spell_key(name) } else { format!("{header}.{}", spell_key(name)) };
        let path = child_path(path, name);
        match value {
            Value::Map(inner) => {
                if !inner.values().all(has_header) {
                    put_header(out, &format!("[{header}]"));
                }
                put_table(out, inner, &header, &path);
            }
            Value::List(items) => {
                for (index, item) in items.iter().enumerate() {
                    let Value::Map(inner) = item else { continue };
                    put_header(out, &format!("[[{header}]]"));
                    put_table(out, inner, &header, &key::append_index(path.clone(), index));
                }
            }
            _ => {}
        }
    }
}

/// True for a value that becomes one or several tables with a header of their own.
fn has_header(value: &Value) -> bool {
    match value {
        Value::Map(map) => !map.is_empty(),
        Value::List(items) => !items.is_empty() && items.iter().all(|item| matches!(item, Value::Map(_))),
        _ => false,
    }
}

fn put_header(out: &mut String, header: &str) {
    if !out.is_empty() {
        out.push('\n');
    }
    out.push_str(header);
    out.push('\n');
}

fn put_value(out: &mut String, name: &str, value: &Value, path: &str) {
    let mut notes = Vec::new();
    let line = if let Some(kind) = unspellable(value) {
        notes.push(note(path, kind));
        String::new()
    } else {
        format!("{} = {}\n", spell_key(name), inline(value, path, &mut notes))
    };
    for note in notes {
        out.push_str("# ");
        out.push_str(&note);
        out.push('\n');
    }
    out.push_str(&line);
}

/// What a value is that has no line.
fn unspellable(value: &Value) -> Option<&'static str> {
    match value {
        Value::Null => Some("null"),
        Value::Map(map) if map.is_empty() => Some("{}"),
        Value::List(items) if items.is_empty() => Some("[]"),
        _ => None,
    }
}

fn note(path: &str, what: &str) -> String {
    format!("{} is {what}", flat::shown(path))
}

/// The value within one line; what has to be said about it goes to `notes`.
fn inline(value: &Value, path: &str, notes: &mut Vec<String>) -> String {
    match value {
        Value::Null => String::new(),
        Value::Bool(value) => value.to_string(),
        Value::Number(Number::Big(digits)) => {
            notes.push(note(path, "an integer of more than 64 bits, here as text"));
            format!("\"{digits}\"")
        }
        Value::Number(number) => number.to_string(),
        Value::String(text) => spell_text(text),
        Value::Secret(_) => spell_text(STARS),
        Value::Foreign(foreign) => spell_text(foreign.text()),
        Value::List(items) => inline_list(items, path, notes),
        Value::Map(map) => inline_map(map, path, notes),
    }
}

/// Only null is left out of a list: `{}` and `[]` are items that TOML knows, and hold the places of others.
fn inline_list(items: &[Value], path: &str, notes: &mut Vec<String>) -> String {
    let mut spelled = Vec::new();
    for (index, item) in items.iter().enumerate() {
        let path = key::append_index(path.to_owned(), index);
        match item {
            Value::Null => notes.push(note(&path, "null")),
            _ => spelled.push(inline(item, &path, notes)),
        }
    }
    format!("[{}]", spelled.join(", "))
}

fn inline_map(map: &Map, path: &str, notes: &mut Vec<String>) -> String {
    let mut spelled = Vec::new();
    for (name, value) in map {
        let path = child_path(path, name);
        match unspellable(value) {
            Some(kind) => notes.push(note(&path, kind)),
            None => spelled.push(format!("{} = {}", spell_key(name), inline(value, &path, notes))),
        }
    }
    if spelled.is_empty() { "{}".to_owned() } else { format!("{{ {} }}", spelled.join(", ")) }
}

fn child_path(path: &str, name: &str) -> String {
    key::append(path.to_owned(), name)
}

fn spell_key(name: &str) -> String {
    let is_bare = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    if !name.is_empty() && name.bytes().all(is_bare) { name.to_owned() } else { spell_text(name) }
}

fn spell_text(text: &str) -> String {
    double_quoted(text, |character| !character.is_control())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::format::samples;

    fn written(json: &str) -> String {
        write(&samples::value(json))
    }

    #[test]
    fn values_come_before_tables() {
        let json = r#"{"b":{"y":{"z":1},"x":"t"},"a":true,"deep":{"er":{"est":0.5}},"list":[1,"2",[]],"c d":-7}"#;
        let expected = r#"a = true
list = [1, "2", []]
"c d" = -7

[b]
x = "t"

[b.y]
z = 1

[deep.er]
est = 0.5
"#;
        assert_eq!(written(json), expected);
    }

    #[test]
    fn a_list_of_maps_is_an_array_of_tables() {
        let json = r#"{"s":[{"n":"a","tags":[{"k":1}]},{},{"in":{"x":2}}],"mixed":[{"a":{"b c":1}},2]}"#;
        let expected = r#"mixed = [{ a = { "b c" = 1 } }, 2]

[[s]]
n = "a"

[[s.tags]]
k = 1

[[s]]

[[s]]

[s.in]
x = 2
"#;
        assert_eq!(written(json), expected);
    }

    #[test]
    fn what_toml_cannot_say_is_named_in_a_comment() {
        let json =
            r#"{"n":null,"a.b":{"m":{},"l":[],"o":{"x":null}},"i":[null,{"k":null,"v":{"e":[]}},1],"t\nu":null}"#;
        let expected = "\
# n is null
# i[0] is null
# i[1].k is null
# i[1].v.e is []
i = [{ v = {} }, 1]
# t\\u000Au is null

[\"a.b\"]
# a.b.m is {}
# a.b.l is []

[\"a.b\".o]
# a.b.o.x is null
";
        assert_eq!(written(json), expected);
    }

    #[test]
    fn an_integer_beyond_64_bits_is_text() {
        let big = Value::Number(Number::integer("18446744073709551616").unwrap());
        let value =
            Value::Map(Map::from_iter([("big".into(), big), ("max".into(), samples::value("9223372036854775807"))]));
        let expected = "# big is an integer of more than 64 bits, here as text\nbig = \"18446744073709551616\"\n\
                        max = 9223372036854775807\n";
        assert_eq!(write(&value), expected);
    }

    #[test]
    fn a_value_without_key_is_its_text() {
        assert_eq!(written("[{\"a\":null}]"), "[{\"a\":null}]\n");
        assert_eq!(written("1e300"), "1e+300\n");
        assert_eq!(written("{}"), "");
    }

    /// The value as TOML can have it: without nulls, and without empty maps and lists that are values of a key.
    fn spellable(value: &Value) -> Value {
        match value {
            Value::Map(map) => Value::Map(
                map.iter()
                    .filter(|(_, value)| unspellable(value).is_none())
                    .map(|(key, value)| (key.clone(), spellable(value)))
                    .collect(),
            ),
            Value::List(items) => {
                Value::List(items.iter().filter(|item| **item != Value::Null).map(spellable).collect())
            }
            other => other.clone(),
        }
    }

    fn of_toml(value: &toml::Value) -> Value {
        match value {
            toml::Value::String(text) => Value::from(text.as_str()),
            toml::Value::Integer(value) => Value::Number(Number::Integer(*value)),
            toml::Value::Float(value) => Value::Number(Number::Float(*value)),
            toml::Value::Boolean(value) => Value::Bool(*value),
            toml::Value::Datetime(value) => panic!("{value} was written as text"),
            toml::Value::Array(items) => Value::List(items.iter().map(of_toml).collect()),
            toml::Value::Table(table) => {
                Value::Map(table.iter().map(|(key, value)| (key.as_str().into(), of_toml(value))).collect())
            }
        }
    }

    proptest! {
        #[test]
        fn another_reader_finds_the_same_values(map in samples::maps_with(samples::texts().boxed())) {
            let text = write(&map);
            let read: toml::Value = toml::from_str(&text).map_err(|error| TestCaseError::fail(format!("{error}\n{text}")))?;
            prop_assert_eq!(of_toml(&read), spellable(&map), "{}", text);
        }
    }
}
