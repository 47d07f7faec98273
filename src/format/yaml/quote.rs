//! Spells one YAML scalar: plain where every reader takes it for what it is, else in quotes, or as a block of lines.
//!
//! Text is plain only if it is known to be safe; what looks like a number or a date to some reader is quoted even if
//! most would take it for text.

use crate::config::value::{Number, STARS, Value};
use crate::format::escape::double_quoted;

/// Text that YAML 1.1 or 1.2 reads as a bool or null, in any case.
const WORDS: [&str; 9] = ["null", "true", "false", "yes", "no", "on", "off", "y", "n"];

/// Puts a value that is not a map or list with something in it. Lines of a block are indented by `indent`.
pub(super) fn put(out: &mut String, value: &Value, indent: usize) {
    match value {
        Value::Null => out.push_str("null"),
        Value::Bool(value) => out.push_str(if *value { "true" } else { "false" }),
        Value::Number(number) => out.push_str(&spell(number)),
        Value::String(text) if is_block(text) => put_block(out, text, indent),
        Value::String(text) => out.push_str(&quote(text)),
        Value::Secret(_) => out.push_str(&quote(STARS)),
        Value::Foreign(foreign) => out.push_str(&quote(foreign.text())),
        Value::List(_) => out.push_str("[]"),
        Value::Map(_) => out.push_str("{}"),
    }
}

/// YAML 1.1 takes only a number with a dot for a float.
fn spell(number: &Number) -> String {
    let text = number.to_string();
    match (number, text.split_once('e')) {
        (Number::Float(_), Some((digits, exponent))) if !digits.contains('.') => format!("{digits}.0e{exponent}"),
        _ => text,
    }
}

/// The text on one line: plain, in single quotes or, if a character needs an escape, in double quotes.
pub(super) fn quote(text: &str) -> String {
    if is_plain(text) { text.to_owned() } else { in_quotes(text) }
}

/// The text on one line, in quotes even where it could do without.
pub(super) fn in_quotes(text: &str) -> String {
    if text.chars().all(is_printable) {
        format!("'{}'", text.replace('\'', "''"))
    } else {
        double_quoted(text, is_printable)
    }
}

fn is_plain(text: &str) -> bool {
    let mut characters = text.chars();
    let (Some(first), second) = (characters.next(), characters.next()) else { return false };
    let begins = match first {
        '.' => second.is_some_and(|second| second.is_alphabetic() || second == '/'),
        '/' | '_' | '$' | '(' | '\\' => true,
        _ => first.is_alphanumeric(),
    };
    begins
        && text.chars().all(is_printable)
        && !text.ends_with([' ', ':'])
        && ![": ", " #"].iter().any(|mark| text.contains(mark))
        && !WORDS.iter().any(|word| text.eq_ignore_ascii_case(word))
        && !resembles_number(text)
}

/// True for all that some reader takes for a number, a time or a date, and for some text that no reader does.
fn resembles_number(text: &str) -> bool {
    if [".inf", ".nan"].iter().any(|word| text.eq_ignore_ascii_case(word)) {
        return true;
    }
    let is_part = |byte: u8| byte.is_ascii_hexdigit() || b"_.,:+- xXoOtTzZ".contains(&byte);
    text.starts_with(|first: char| first.is_ascii_digit() || first == '.') && text.bytes().all(is_part)
}

/// True for a character that stands for itself in every style and never ends a line.
fn is_printable(character: char) -> bool {
    matches!(character, ' '..='~' | '\u{a0}'..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'..)
        && !matches!(character, '\u{2028}' | '\u{2029}' | '\u{feff}')
}

/// True for several lines that need neither escapes nor an indentation indicator, and end with at most one newline.
fn is_block(text: &str) -> bool {
    let body = text.strip_suffix('\n').unwrap_or(text);
    let is_line =
        |line: &str| line.chars().all(is_printable) && (line.is_empty() || !line.trim_matches(' ').is_empty());
    text.contains('\n')
        && !body.starts_with([' ', '\n'])
        && !body.is_empty()
        && !body.ends_with('\n')
        && body.split('\n').all(is_line)
}

fn put_block(out: &mut String, text: &str, indent: usize) {
    let (mark, body) = text.strip_suffix('\n').map_or(("|-", text), |body| ("|", body));
    out.push_str(mark);
    for line in body.split('\n') {
        out.push('\n');
        if !line.is_empty() {
            out.extend(std::iter::repeat_n(' ', indent));
            out.push_str(line);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spelled(value: &Value) -> String {
        let mut out = String::new();
        put(&mut out, value, 2);
        out
    }

    #[test]
    fn text_that_some_reader_takes_for_something_else_is_quoted() {
        let words = "null Null NULL ~ true TRUE tRuE False yes No ON off y N = <<";
        let numbers =
            "0 -1 +1 012 0o17 0x1F 0b101 1_000 1,000 1. .5 1e3 1E-3 +.5 -.5e1 6.02e+23 1e 0xdead_beef 089 1.2.3";
        let special =
            ".inf -.INF +.Inf .NaN .nan 12:30:45 22:22 1:1.5 2001-12-14 2001-12-14T21:59:43.10-05:00 10.0.0.1 ._ 7d";
        for text in [words, numbers, special].iter().flat_map(|texts| texts.split(' ')) {
            assert_eq!(quote(text), format!("'{text}'"));
        }
        assert_eq!(quote("2001-12-14 21:59:43.10 -5"), "'2001-12-14 21:59:43.10 -5'");
    }

    #[test]
    fn text_that_the_syntax_would_cut_or_refuse_is_quoted() {
        let texts = [
            "",
            " ",
            " a",
            "a ",
            "- a",
            "-",
            "-a",
            "? a",
            "?",
            ": a",
            ":",
            ":a",
            "a: b",
            "a:",
            "a #b",
            "#a",
            ",a",
            "[a]",
            "{a}",
            "&a",
            "*a",
            "!a",
            "|",
            ">",
            "%a",
            "@a",
            "`a`",
            "\"a\"",
            "---",
            "--- a",
            "...",
            "... a",
            "{cipher}AQB",
            "<a",
            "+a",
            "=a",
        ];
        for text in texts {
            assert_eq!(quote(text), format!("'{text}'"));
        }
        assert_eq!(quote("'it's'"), "'''it''s'''");
    }

    #[test]
    fn text_that_no_reader_mistakes_is_plain() {
        let texts = [
            "a",
            "it's",
            "a b",
            "jdbc:postgresql://db:5432/x?a=b&c=d",
            "${DB_HOST:localhost}",
            "30s",
            "10MB",
            "/etc/x",
            "./x",
            ".env",
            "a#b",
            "a, b",
            "grün",
            "日本語",
            "a😀",
            "nope",
            "none",
            "infinity",
            "v1.2.3",
            "a[0]",
            "x{y}",
            "C:\\x",
            "é",
            "(a)",
            "_",
        ];
        for text in texts {
            assert_eq!(quote(text), text);
        }
    }

    #[test]
    fn characters_that_need_escapes_are_in_double_quotes() {
        assert_eq!(quote("a\tb\r\0\u{7f}"), r#""a\tb\r\u0000\u007F""#);
        assert_eq!(quote("\u{85}\u{2028}\u{feff}\u{ffff}\"\\é"), r#""\u0085\u2028\uFEFF\uFFFF\"\\é""#);
    }

    #[test]
    fn lines_are_a_block_only_where_nothing_can_be_lost() {
        let blocks =
            [("a\nb", "|-\n  a\n  b"), ("# a\n\n  b: 1\n", "|\n  # a\n\n    b: 1"), ("---\n...\n", "|\n  ---\n  ...")];
        for (text, expected) in blocks {
            assert_eq!(spelled(&Value::from(text)), expected);
        }
        for text in ["\n", "a\n\n", "\na", " a\nb", "a\n \nb", "a\r\nb", "a\n\tb", "a\u{2028}\nb"] {
            let escaped =
                text.replace('\n', "\\n").replace('\r', "\\r").replace('\t', "\\t").replace('\u{2028}', "\\u2028");
            assert_eq!(spelled(&Value::from(text)), format!("\"{escaped}\""));
        }
    }

    #[test]
    fn floats_are_floats_to_every_reader_and_integers_exact() {
        let floats =
            [1.0, 0.1, 1e300, -2.5, 1e-7, 1.5e-7, -0.0].map(|value| spelled(&Value::Number(Number::Float(value))));
        assert_eq!(floats, ["1.0", "0.1", "1.0e+300", "-2.5", "1.0e-7", "1.5e-7", "-0.0"]);
        let big = Number::integer("123456789012345678901234567890").unwrap();
        assert_eq!(spelled(&Value::Number(big)), "123456789012345678901234567890");
    }
}
