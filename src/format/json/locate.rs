//! Where each scalar of a JSON file stands in its bytes, and the spelling of a string that takes its place.

use std::fmt::Write as _;

use crate::format::token::{Kind, Token, Tokens};

use super::read;

/// The scalars of a file that the reader takes, keys among them, by place.
pub(in crate::format) fn locate(text: &str) -> Tokens {
    let mut found = Tokens::new();
    let mut tokens = read::Tokens::of(text);
    while let Some((token, at)) = tokens.next() {
        let kind = match token {
            "{" | "}" | "[" | "]" => continue,
            quoted if quoted.starts_with('"') => Kind::JsonString,
            _ => Kind::JsonLiteral,
        };
        found.insert(at, Token::new(tokens.offset - token.len()..tokens.offset, kind));
    }
    found
}

/// The text as a JSON string, without the control characters that JSON allows and no file of ours may hold.
pub(in crate::format) fn spell(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    for character in serde_json::Value::from(text).to_string().chars() {
        if character.is_control() {
            write!(out, "\\u{:04x}", u32::from(character)).expect("writing to a string cannot fail");
        } else {
            out.push(character);
        }
    }
    out
}
