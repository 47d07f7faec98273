//! Spells a value as JSON: keys in their order, integers of any size exact.
//!
//! Written by hand around the escaping of `serde_json`, whose own numbers end at 64 bits.

use std::io::Write as _;

use crate::config::value::{STARS, Value};

/// Never fails: the bytes go to memory, and text and numbers are always JSON.
const TO_MEMORY: &str = "writing to memory cannot fail";

/// Spells a value, without an end of line: on one line without blanks, or `pretty` with two spaces per level.
pub(in crate::format) fn write(value: &Value, pretty: bool) -> String {
    let mut out = Vec::new();
    put(&mut out, value, pretty.then_some(0));
    String::from_utf8(out).expect("only text was written")
}

/// `level` is the nesting of the value in pretty output, `None` in compact output.
fn put(out: &mut Vec<u8>, value: &Value, level: Option<usize>) {
    match value {
        Value::Null => out.extend_from_slice(b"null"),
        Value::Bool(value) => write!(out, "{value}").expect(TO_MEMORY),
        Value::Number(number) => write!(out, "{number}").expect(TO_MEMORY),
        Value::String(text) => put_text(out, text),
        Value::Secret(_) => put_text(out, STARS),
        Value::Foreign(foreign) => put_text(out, foreign.text()),
        Value::List(items) => {
            out.push(b'[');
            for (index, item) in items.iter().enumerate() {
                begin_member(out, index, level);
                put(out, item, level.map(|level| level + 1));
            }
            end_members(out, items.is_empty(), level);
            out.push(b']');
        }
        Value::Map(map) => {
            out.push(b'{');
            for (index, (key, inner)) in map.iter().enumerate() {
                begin_member(out, index, level);
                put_text(out, key);
                out.extend_from_slice(if level.is_some() { b": " } else { b":" });
                put(out, inner, level.map(|level| level + 1));
            }
            end_members(out, map.is_empty(), level);
            out.push(b'}');
        }
    }
}

fn put_text(out: &mut Vec<u8>, text: &str) {
    serde_json::to_writer(out, text).expect(TO_MEMORY);
}

fn begin_member(out: &mut Vec<u8>, index: usize, level: Option<usize>) {
    if index > 0 {
        out.push(b',');
    }
    if let Some(level) = level {
        new_line(out, level + 1);
    }
}

fn end_members(out: &mut Vec<u8>, is_empty: bool, level: Option<usize>) {
    if let Some(level) = level.filter(|_| !is_empty) {
        new_line(out, level);
    }
}

fn new_line(out: &mut Vec<u8>, level: usize) {
    out.push(b'\n');
    out.resize(out.len() + 2 * level, b' ');
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::config::value::{Map, Number};
    use crate::format::samples;

    #[test]
    fn compact_output_has_no_blanks_and_keeps_the_order() {
        let json = r#"{"b":[1,-2.5,true,null,[],{}],"a":"\"\\\n\u0001é😀","":{"x":{}}}"#;
        assert_eq!(write(&samples::value(json), false), json);
    }

    #[test]
    fn pretty_output_indents_by_two() {
        let expected = r#"{
  "a": [
    1,
    {
      "b": null
    }
  ],
  "c": [],
  "d": {}
}"#;
        assert_eq!(write(&samples::value(r#"{"a":[1,{"b":null}],"c":[],"d":{}}"#), true), expected);
        assert_eq!(write(&Value::Map(Map::new()), true), "{}");
    }

    #[test]
    fn integers_of_any_size_are_exact() {
        let digits = "-123456789012345678901234567890";
        assert_eq!(write(&Value::Number(Number::integer(digits).unwrap()), false), digits);
    }

    /// Floats of so few digits that `serde_json`, which may err in the last one, reads them exactly.
    fn floats() -> BoxedStrategy<f64> {
        (any::<i32>(), 0..20).prop_map(|(digits, exponent)| f64::from(digits) / 8.0 * 10f64.powi(exponent)).boxed()
    }

    proptest! {
        #[test]
        fn another_reader_finds_the_same_value(
            value in samples::values_with(samples::texts().boxed(), floats()),
            pretty: bool,
        ) {
            let read = serde_json::from_str(&write(&value, pretty)).unwrap();
            prop_assert_eq!(samples::of_json(&read), value);
        }
    }
}
