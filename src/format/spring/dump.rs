//! A value as SnakeYAML's default dumper writes it: block style, two blanks per level, folded beyond 80 columns.
//!
//! The layout of collections is here, that of scalars in `scalar.rs`. Both follow the state of SnakeYAML's emitter step by
//! step, because clients compare its output byte for byte.

use crate::config::value::{Foreign, STARS, Value};
use crate::format::java;

use super::pen::Pen;
use super::style::{self, Style};

/// The longest key that stands on one line with its value, in UTF-16 units, its tag counted.
const MAX_SIMPLE_KEY: usize = 128;

/// What SnakeYAML counts for the tag of a key.
const TAG: usize = "!!str".len();

/// Spells a value as a document.
#[must_use]
pub(crate) fn write(value: &Value) -> String {
    let mut pen = Pen::default();
    put(&mut pen, value, false);
    pen.end()
}

/// The text of a scalar in YAML without quotes; `None` for lists and maps.
pub(crate) fn plain(value: &Value) -> Option<String> {
    Some(match value {
        Value::Null => "null".to_owned(),
        Value::Bool(value) => value.to_string(),
        Value::Number(number) => match java::number(number).as_str() {
            "NaN" => ".NaN".to_owned(),
            "Infinity" => ".inf".to_owned(),
            "-Infinity" => "-.inf".to_owned(),
            text => text.to_owned(),
        },
        Value::String(text) => text.as_ref().to_owned(),
        Value::Secret(_) => STARS.to_owned(),
        Value::Foreign(Foreign::Bytes(text)) => text.as_ref().to_owned(),
        Value::Foreign(Foreign::Time(text)) => text.replace(".000Z", "Z"),
        Value::List(_) | Value::Map(_) => return None,
    })
}

/// `of_key`: the value stands behind a key, where a list need not be indented.
fn put(pen: &mut Pen, value: &Value, of_key: bool) {
    match value {
        Value::List(items) if items.is_empty() => pen.indicator("[]", true, false, false),
        Value::Map(map) if map.is_empty() => pen.indicator("{}", true, false, false),
        Value::List(items) => {
            let outer = pen.indent_more(of_key && !pen.is_indented());
            for item in items {
                pen.indent();
                pen.indicator("-", true, false, true);
                put(pen, item, false);
            }
            pen.indent_back(outer);
        }
        Value::Map(map) => {
            let outer = pen.indent_more(false);
            for (key, value) in map {
                pen.indent();
                put_key(pen, key);
                put(pen, value, true);
            }
            pen.indent_back(outer);
        }
        Value::String(text) => put_text(pen, text, false),
        Value::Foreign(Foreign::Bytes(text)) => put_bytes(pen, text),
        scalar => pen.scalar(&plain(scalar).unwrap_or_default(), Style::Plain, false),
    }
}

fn put_key(pen: &mut Pen, key: &str) {
    let length: usize = key.encode_utf16().count() + TAG;
    if style::is_printable(key) && length < MAX_SIMPLE_KEY && !key.is_empty() && !key.contains(style::is_break) {
        put_text(pen, key, true);
        pen.indicator(":", false, false, false);
    } else {
        pen.indicator("?", true, false, true);
        put_text(pen, key, false);
        pen.indent();
        pen.indicator(":", true, false, true);
    }
}

fn put_text(pen: &mut Pen, text: &str, is_key: bool) {
    match style::is_printable(text) {
        true => pen.scalar(text, style::of_text(text), is_key),
        false => put_bytes(pen, &style::base64(text)),
    }
}

fn put_bytes(pen: &mut Pen, base64: &str) {
    pen.indicator("!!binary", true, false, false);
    let style = if base64.is_empty() { Style::Single } else { Style::Literal };
    pen.scalar(base64, style, false);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::value::{Map, Number};
    use crate::format::samples;

    fn dumped(json: &str) -> String {
        write(&samples::value(json))
    }

    #[test]
    fn lists_are_not_indented_below_their_key() {
        assert_eq!(
            dumped(r#"{"a":[1,[2,[3]],{"b":[{"c":true}],"d":null}],"e":{},"f":[]}"#),
            "a:\n- 1\n- - 2\n  - - 3\n- b:\n  - c: true\n  d: null\ne: {}\nf: []\n"
        );
        assert_eq!((dumped("{}"), dumped("[]"), dumped("[[]]")), ("{}\n".into(), "[]\n".into(), "- []\n".into()));
    }

    #[test]
    fn a_document_may_be_a_single_value() {
        assert_eq!(dumped(r#""just text""#), "just text\n");
        assert_eq!(dumped(r#""42""#), "'42'\n");
        assert_eq!(dumped(r#""one\ntwo\n""#), "|\n  one\n  two\n");
    }

    #[test]
    fn keys_that_are_empty_long_or_of_several_lines_stand_apart() {
        let (short, long) = ("k".repeat(122), "k".repeat(123));
        assert_eq!(dumped(&format!(r#"{{"{short}":1,"{long}":2}}"#)), format!("{short}: 1\n? {long}\n: 2\n"));
        assert_eq!(
            dumped(r#"{"":1,"a\nb":[2],"c":{"true":3}}"#),
            "? ''\n: 1\n? |-\n  a\n  b\n: - 2\nc:\n  'true': 3\n"
        );
    }

    #[test]
    fn numbers_bytes_and_times_have_their_own_spelling() {
        let float = |value| Value::Number(Number::Float(value));
        let (bytes, time) = (Foreign::Bytes("aGVsbG8=".into()), Foreign::Time("2024-02-29T00:00:00.000Z".into()));
        let list =
            [float(1e10), float(f64::NAN), float(f64::NEG_INFINITY), Value::Foreign(bytes), Value::Foreign(time)];
        let map: Map = [("l".into(), Value::List(list.into()))].into_iter().collect();
        assert_eq!(
            write(&Value::Map(map)),
            "l:\n- 1.0E10\n- .NaN\n- -.inf\n- !!binary |-\n  aGVsbG8=\n- 2024-02-29T00:00:00Z\n"
        );
        assert_eq!(dumped(r#"{"bell":"a\u0007"}"#), "bell: !!binary |-\n  YQc=\n");
    }

    #[test]
    fn texts_are_quoted_where_they_would_read_as_something_else() {
        let plain = ["y", "089a", "0o17", "a:b", "a#b", "-x", ":x", "?x", "it's", "a{b", "é", "😀", "NaN", "="];
        for text in plain {
            assert_eq!(write(&Value::from(text)), format!("{text}\n"));
        }
        let quoted = ["yes", "~", "null", "12", "089", "0x1F", "1:30", "1e3", ".5", "<<", "2020-01-01", "a: b", "a #b"];
        for text in quoted.into_iter().chain(["#x", "- x", "? x", "x:", "[x", "%x", " x", "x ", "---", ".inf", "'"]) {
            assert_eq!(write(&Value::from(text)), format!("'{}'\n", text.replace('\'', "''")));
        }
    }

    #[test]
    fn several_lines_are_literal_unless_a_blank_ends_one() {
        assert_eq!(
            dumped(r#"["a\nb","a\n","a\n\n"," a\nb","\n"]"#),
            "- |-\n  a\n  b\n- |\n  a\n- |+\n  a\n\n- |2-\n   a\n  b\n- |2+\n\n"
        );
        assert_eq!(
            dumped(r#"["a \nb","a\nb ","tab\t\"\\\u00a0"]"#),
            "- \"a \\nb\"\n- \"a\\nb \"\n- \"tab\\t\\\"\\\\\\_\"\n"
        );
    }

    #[test]
    fn lines_are_folded_at_single_blanks_beyond_the_width() {
        let (eight, nine) = ("aaaaaaaaa ".repeat(8), "aaaaaaaaa ".repeat(9));
        let eight = eight.trim_end();
        assert_eq!(dumped(&format!(r#"{{"k":"{nine}b  c d"}}"#)), format!("k: {eight}\n  aaaaaaaaa b  c d\n"));
        assert_eq!(dumped(&format!(r##"{{"k":"#{nine}it's"}}"##)), format!("k: '#{eight}\n  aaaaaaaaa it''s'\n"));
        assert_eq!(dumped(&format!(r#"{{"k":"\t{nine}b"}}"#)), format!("k: \"\\t{eight}\\\n  \\ aaaaaaaaa b\"\n"));
        assert_eq!(dumped(&format!("[\"{}\"]", "x".repeat(200))), format!("- {}\n", "x".repeat(200)));
    }
}
