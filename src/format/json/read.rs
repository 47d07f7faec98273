//! One document with positions out of the bytes of a JSON file.
//!
//! `serde_json` says first whether the text is JSON, strictly; the scanner below then only finds where each value of a
//! valid text stands, so it checks nothing twice and cannot disagree.

use std::borrow::Cow;
use std::sync::Arc;

use serde::de::IgnoredAny;

use crate::config::layer::Data;
use crate::config::problem::{Fault, Position};
use crate::config::semantics::Semantics;
use crate::config::value::Number;
use crate::format::build::Builder;
use crate::format::{Limits, Raw, number, scan};

/// The document of a JSON file; none if the file is empty or `null`.
///
/// # Errors
/// The first fault of the file; nothing of it is served then.
pub(in crate::format) fn read(bytes: &[u8], limits: &Limits) -> Result<Vec<Raw>, Fault> {
    let text = scan::text(bytes)?;
    if text.bytes().all(|byte| byte.is_ascii_whitespace()) {
        return Ok(Vec::new());
    }
    // This check keeps no stack of its own that a deep nesting could overflow.
    serde_json::from_str::<IgnoredAny>(text).map_err(|error| syntax(text, &error))?;
    let mut build = Builder::new(limits, Semantics::Native);
    let mut tokens = Tokens::of(text);
    while let Some((token, at)) = tokens.next() {
        put(&mut build, token, at)?;
    }
    Ok(build.finish()?.map(|root| (0, root)).into_iter().collect())
}

fn put(build: &mut Builder<'_>, token: &str, at: Position) -> Result<(), Fault> {
    match token {
        "{" => build.open_map(at, None),
        "[" => build.open_list(at, None),
        "}" | "]" => build.close(),
        "null" => build.leaf(Data::Null, at, None),
        "true" => build.leaf(Data::Bool(true), at, None),
        "false" => build.leaf(Data::Bool(false), at, None),
        quoted if quoted.starts_with('"') => {
            let text = unquote(quoted, at)?;
            if build.expects_key() { build.key(&text, at) } else { build.leaf(Data::Text(Arc::from(text)), at, None) }
        }
        literal => build.leaf(Data::Number(to_number(literal, at)?), at, None),
    }
}

/// The text of a quoted string; the check above does not look at surrogates.
fn unquote(quoted: &str, at: Position) -> Result<Cow<'_, str>, Fault> {
    if !quoted.contains('\\') {
        return Ok(Cow::Borrowed(quoted.trim_matches('"')));
    }
    serde_json::from_str(quoted).map(Cow::Owned).map_err(|_| {
        Fault::error("syntax", at, "an escape in the string stands for no character")
            .with_hint("write surrogates in pairs, or the character itself")
    })
}

fn to_number(literal: &str, at: Position) -> Result<Number, Fault> {
    if literal.contains(['.', 'e', 'E']) { number::float(literal, at) } else { number::integer(literal, at) }
}

/// The fault of a text that is not JSON, in our words for the errors that people make most.
fn syntax(text: &str, error: &serde_json::Error) -> Fault {
    let line_start = match error.line() {
        0 | 1 => 0,
        line => text.match_indices('\n').nth(line - 2).map_or(text.len(), |(newline, _)| newline + 1),
    };
    // The column counts bytes from 1, and is 0 for the break before the line.
    let offset = line_start + error.column().saturating_sub(1);
    let at = scan::position(text, offset);
    let full = error.to_string();
    let message = full.rsplit_once(" at line ").map_or(full.as_str(), |(message, _)| message);
    let fault = Fault::error("syntax", at, message.replace("EOF", "end of file"));
    match text.as_bytes().get(offset) {
        Some(b'}' | b']') if text[..offset].trim_end().ends_with(',') => {
            fault.with_hint("remove the comma before the closing bracket")
        }
        Some(b'/' | b'#') => fault.with_hint("JSON has no comments; a `.yml` file has"),
        Some(b'\'') => fault.with_hint("use double quotes"),
        Some(b'N' | b'I') => fault.with_hint("JSON has neither NaN nor Infinity"),
        _ => fault,
    }
}

/// The tokens of a valid JSON text, without commas and colons.
pub(super) struct Tokens<'a> {
    text: &'a str,
    /// Where the token that was last handed out ends.
    pub(super) offset: usize,
    line: usize,
    column: usize,
}

impl<'a> Tokens<'a> {
    pub(super) fn of(text: &'a str) -> Self {
        Self { text, offset: 0, line: 0, column: 0 }
    }

    pub(super) fn next(&mut self) -> Option<(&'a str, Position)> {
        loop {
            let rest = &self.text[self.offset..];
            let length = token_length(rest)?;
            let at = scan::at(self.line, self.column);
            let token = &rest[..length];
            self.offset += length;
            self.column += token.chars().count();
            match token {
                "\n" => (self.line, self.column) = (self.line + 1, 0),
                " " | "\t" | "\r" | "," | ":" => {}
                _ => return Some((token, at)),
            }
        }
    }
}

/// The bytes of the first token of a valid JSON text; white space counts as tokens. `None` at its end.
fn token_length(rest: &str) -> Option<usize> {
    let bytes = rest.as_bytes();
    let length = match bytes.first()? {
        b'"' => {
            let mut end = 1;
            while bytes.get(end).is_some_and(|byte| *byte != b'"') {
                end += if bytes[end] == b'\\' { 2 } else { 1 };
            }
            end + 1
        }
        byte if is_literal(*byte) => bytes.iter().take_while(|byte| is_literal(**byte)).count(),
        _ => 1,
    };
    Some(length.min(rest.len()))
}

fn is_literal(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'.')
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::fixtures;

    #[test]
    fn every_fixture_reads_as_expected() {
        fixtures::check("json", "json", read);
    }
}
