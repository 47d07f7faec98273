//! A value as Spring's JSON has it: compact, doubles as Java spells them, those that are not finite as text.

use std::fmt::Write as _;

use crate::config::value::{Number, STARS, Value};
use crate::format::java;

const TO_MEMORY: &str = "writing to a string cannot fail";

/// Spells a value, without an end of line.
#[must_use]
pub(crate) fn write(value: &Value) -> String {
    let mut out = String::new();
    put(&mut out, value);
    out
}

/// Appends a value to a text.
pub(crate) fn put(out: &mut String, value: &Value) {
    match value {
        Value::Null => out.push_str("null"),
        Value::Bool(value) => out.push_str(if *value { "true" } else { "false" }),
        Value::Number(Number::Float(value)) if !value.is_finite() => put_text(out, &java::double(*value)),
        Value::Number(number) => out.push_str(&java::number(number)),
        Value::String(text) => put_text(out, text),
        Value::Secret(_) => put_text(out, STARS),
        Value::Foreign(foreign) => put_text(out, foreign.text()),
        Value::List(items) => {
            out.push('[');
            for (index, item) in items.iter().enumerate() {
                if index > 0 {
                    out.push(',');
                }
                put(out, item);
            }
            out.push(']');
        }
        Value::Map(map) => {
            out.push('{');
            for (index, (key, inner)) in map.iter().enumerate() {
                if index > 0 {
                    out.push(',');
                }
                put_text(out, key);
                out.push(':');
                put(out, inner);
            }
            out.push('}');
        }
    }
}

/// Appends a text in quotes.
pub(crate) fn put_text(out: &mut String, text: &str) {
    out.push('"');
    for character in text.chars() {
        match character {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\u{8}' => out.push_str("\\b"),
            '\u{c}' => out.push_str("\\f"),
            '\0'..'\u{20}' => write!(out, "\\u{:04X}", u32::from(character)).expect(TO_MEMORY),
            _ => out.push(character),
        }
    }
    out.push('"');
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::value::Map;

    #[test]
    fn numbers_and_control_characters_are_spelled_as_by_java() {
        let float = |value| Value::Number(Number::Float(value));
        let list = vec![float(1e8), float(f64::INFINITY), Value::Null, Value::Bool(true), Value::from("a\"\u{1b}\n/é")];
        let map: Map = [("k".into(), Value::List(list)), ("m".into(), Value::Map(Map::new()))].into_iter().collect();
        assert_eq!(write(&Value::Map(map)), r#"{"k":[1.0E8,"Infinity",null,true,"a\"\u001B\n/é"],"m":{}}"#);
    }
}
