//! Text in double quotes with the escapes that TOML and YAML have in common.

use std::fmt::Write as _;

/// The text in double quotes; every character that is not `plain` is escaped.
pub(super) fn double_quoted(text: &str, plain: impl Fn(char) -> bool) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for character in text.chars() {
        match character {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            _ if plain(character) => out.push(character),
            _ => write!(out, "\\u{:04X}", u32::from(character)).expect("writing to a string cannot fail"),
        }
    }
    out.push('"');
    out
}
