//! Spells a value as YAML in block style that readers of YAML 1.1 and of 1.2 understand alike.
//!
//! How one scalar is spelled, and when it needs quotes, is decided in `quote.rs`.

use crate::config::value::{Map, Value};

use super::quote;

/// A key of more characters than YAML allows before its `:`, with a margin, is marked with `?`.
const LONGEST_SIMPLE_KEY: usize = 1000;

/// Spells a value, two spaces per level, with an end of line.
pub(in crate::format) fn write(value: &Value) -> String {
    let mut out = String::new();
    match value {
        Value::Map(map) if !map.is_empty() => put_map(&mut out, map, 0, false),
        Value::List(items) if !items.is_empty() => put_list(&mut out, items, 0, false),
        _ => {
            quote::put(&mut out, value, 2);
            out.push('\n');
        }
    }
    out
}

/// Puts the lines of a map; the first lacks its indent if it follows a dash.
fn put_map(out: &mut String, map: &Map, indent: usize, after_dash: bool) {
    for (index, (key, value)) in map.iter().enumerate() {
        if index > 0 || !after_dash {
            put_indent(out, indent);
        }
        let spelled = quote::quote(key);
        if spelled.len() > LONGEST_SIMPLE_KEY {
            out.push_str("? ");
            out.push_str(&spelled);
            out.push('\n');
            put_indent(out, indent);
        } else {
            out.push_str(&spelled);
        }
        out.push(':');
        match value {
            Value::Map(inner) if !inner.is_empty() => {
                out.push('\n');
                put_map(out, inner, indent + 2, false);
            }
            Value::List(items) if !items.is_empty() => {
                out.push('\n');
                put_list(out, items, indent + 2, false);
            }
            _ => {
                out.push(' ');
                quote::put(out, value, indent + 2);
                out.push('\n');
            }
        }
    }
}

/// Puts the lines of a list; the first lacks its indent if it follows a dash.
fn put_list(out: &mut String, items: &[Value], indent: usize, after_dash: bool) {
    for (index, item) in items.iter().enumerate() {
        if index > 0 || !after_dash {
            put_indent(out, indent);
        }
        out.push_str("- ");
        match item {
            Value::Map(inner) if !inner.is_empty() => put_map(out, inner, indent + 2, true),
            Value::List(inner) if !inner.is_empty() => put_list(out, inner, indent + 2, true),
            _ => {
                quote::put(out, item, indent + 2);
                out.push('\n');
            }
        }
    }
}

fn put_indent(out: &mut String, indent: usize) {
    out.extend(std::iter::repeat_n(' ', indent));
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::config::value::Number;
    use crate::format::samples;

    fn written(json: &str) -> String {
        write(&samples::value(json))
    }

    fn of_yaml(value: &serde_yaml::Value) -> Value {
        match value {
            serde_yaml::Value::Null => Value::Null,
            serde_yaml::Value::Bool(value) => Value::Bool(*value),
            serde_yaml::Value::Number(number) => Value::Number(match number.as_i64() {
                Some(value) => Number::Integer(value),
                None => Number::Float(number.as_f64().unwrap()),
            }),
            serde_yaml::Value::String(text) => Value::from(text.as_str()),
            serde_yaml::Value::Sequence(items) => Value::List(items.iter().map(of_yaml).collect()),
            serde_yaml::Value::Mapping(map) => {
                Value::Map(map.iter().map(|(key, value)| (key.as_str().unwrap().into(), of_yaml(value))).collect())
            }
            serde_yaml::Value::Tagged(tagged) => panic!("{tagged:?} was written without a tag"),
        }
    }

    #[test]
    fn maps_and_lists_are_blocks() {
        let json = r#"{"b":{"k":1,"x":[true,{"m":null,"l":[1]},[2,[3]],{}]},"a":[],"map[a.b]":{"[c.d]":"t"},"text":"one\ntwo\n"}"#;
        let expected = "\
b:
  k: 1
  x:
    - true
    - m: null
      l:
        - 1
    - - 2
      - - 3
    - {}
a: []
map[a.b]:
  '[c.d]': t
text: |
  one
  two
";
        assert_eq!(written(json), expected);
    }

    #[test]
    fn a_value_alone_is_a_document() {
        let alone = ["[1,\"a\"]", "\"no\"", "null", "{}", "[]", "1.5", "\"a\\nb\"", "\"--- a\""].map(written);
        assert_eq!(alone, ["- 1\n- a\n", "'no'\n", "null\n", "{}\n", "[]\n", "1.5\n", "|-\n  a\n  b\n", "'--- a'\n"]);
    }

    #[test]
    fn a_key_of_any_length_is_read_back() {
        let key = "k".repeat(1500);
        let value = samples::value(&format!(r#"{{"{key}":{{"{key}":[{{"{key}":"a\nb"}}]}},"z":1}}"#));
        let text = write(&value);
        assert!(text.starts_with(&format!(
            "? {key}\n:\n  ? {key}\n  :\n    - ? {key}\n      : |-\n        a\n        b\nz: 1"
        )));
        assert_eq!(of_yaml(&serde_yaml::from_str(&text).unwrap()), value);
    }

    proptest! {
        #[test]
        fn another_reader_finds_the_same_value(value in samples::values_with(samples::texts().boxed(), any::<f64>().boxed())) {
            let text = write(&value);
            let read = serde_yaml::from_str(&text).map_err(|error| TestCaseError::fail(format!("{error}\n{text}")))?;
            prop_assert_eq!(of_yaml(&read), value, "{}", text);
        }
    }
}
