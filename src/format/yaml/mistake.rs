//! What people commonly get wrong in YAML, told in their words: the parser knows what it expected, not what was meant.
//!
//! No message holds text of the file. Where the syntax is broken, nobody can tell a key from a secret.

use granit_parser::{ErrorKind, ScanError};

use crate::config::problem::{Fault, Position};
use crate::format::{NEST_LESS, scan};

const QUOTE_CIPHER: &str = "quote it: '{cipher}...'";
const QUOTE_TEMPLATE: &str = "quote the whole value: '{{ ... }}'";
const QUOTE_VALUE: &str = "quote the value";

/// The fault of a text that the parser refuses.
pub(super) fn syntax(text: &str, error: &ScanError) -> Fault {
    let marker = error.marker();
    let line_index = marker.line().saturating_sub(1);
    let at = scan::at(line_index, marker.col());
    match error.kind() {
        ErrorKind::RecursionLimitExceeded => {
            return Fault::error("too-deep", at, "maps and lists are nested deeper than `limits.depth` allows")
                .with_hint(NEST_LESS);
        }
        ErrorKind::UnknownAnchor => {
            return Fault::error(
                "unknown-alias",
                at,
                "an alias names an anchor that nothing above it in the document has",
            )
            .with_hint("define it with `&name` further up, or quote a value that begins with `*`");
        }
        _ => {}
    }
    // The parser counts lines as `lines` does, for a CR never stands alone.
    let mut lines = text.lines().enumerate().skip(line_index);
    let line = lines.next().map_or("", |(_, line)| line);
    if is_tab(error.kind()) || tab_in_indentation(line).is_some() {
        let below = lines.find_map(|(number, line)| Some((number, tab_in_indentation(line)?)));
        let found = tab_in_indentation(line).map(|column| (line_index, column)).or(below);
        return tab(found.map_or(at, |(number, column)| scan::at(number, column)));
    }
    if let Some(column) = unquoted(line, "{cipher}") {
        return cipher(scan::at(line_index, column));
    }
    if let Some(column) = unquoted(line, "{{") {
        return template(scan::at(line_index, column));
    }
    let (message, hint) = explain(error.kind());
    let fault = Fault::error("syntax", at, message);
    if hint.is_empty() { fault } else { fault.with_hint(hint) }
}

/// Refuses a `{` at `offset` that begins `{cipher}` or a template: valid YAML for a map, and never meant as one.
pub(super) fn refuse_unquoted(text: &str, offset: usize, at: Position) -> Result<(), Fault> {
    match &text[offset..] {
        rest if rest.starts_with("{cipher}") => Err(cipher(at)),
        rest if rest.starts_with("{{") => Err(template(at)),
        _ => Ok(()),
    }
}

/// Refuses a block list or map at `offset` if its line is indented with a tab, which the parser lets pass at the root.
pub(super) fn refuse_tab_before(text: &str, offset: usize, at: Position) -> Result<(), Fault> {
    let head = &text[..offset];
    let blanks = &head[head.trim_end_matches([' ', '\t']).len()..];
    let begins_line = head.len() == blanks.len() || head[..head.len() - blanks.len()].ends_with('\n');
    match blanks.find('\t') {
        Some(column) if begins_line => Err(tab(Position::new(at.line, scan::at(0, column).column))),
        _ => Ok(()),
    }
}

fn cipher(at: Position) -> Fault {
    Fault::error("unquoted-cipher", at, "an unquoted `{cipher}` begins a map, not a sealed value")
        .with_hint(QUOTE_CIPHER)
}

fn template(at: Position) -> Fault {
    Fault::error("unquoted-template", at, "an unquoted `{{` begins a map, not a text").with_hint(QUOTE_TEMPLATE)
}

fn tab(at: Position) -> Fault {
    Fault::error("tab-indentation", at, "the line is indented with a tab").with_hint("indent with spaces")
}

fn is_tab(kind: &ErrorKind) -> bool {
    matches!(
        kind,
        ErrorKind::TabNotAllowed
            | ErrorKind::TabInBlockIndentation
            | ErrorKind::TabAtBlockScalarStart
            | ErrorKind::TabInIndentation
            | ErrorKind::TabInPlainScalar
    )
}

/// The column, from 0, of the first tab before the first other character of a line that has one.
fn tab_in_indentation(line: &str) -> Option<usize> {
    let indentation = line.len() - line.trim_start_matches([' ', '\t']).len();
    line[..indentation].find('\t').filter(|_| indentation < line.len())
}

/// The column, from 0, at which a value of the line begins with `start`.
fn unquoted(line: &str, start: &str) -> Option<usize> {
    let begins_value = |offset: usize| {
        let before = line[..offset].trim_end();
        before.is_empty() || before.ends_with([':', '-', '[', ','])
    };
    let (offset, _) = line.match_indices(start).find(|(offset, _)| begins_value(*offset))?;
    Some(line[..offset].chars().count())
}

/// Message and hint for what the parser found; the hint is empty if there is none.
fn explain(kind: &ErrorKind) -> (String, &'static str) {
    use ErrorKind as Kind;
    let (message, hint) = match kind {
        Kind::UnexpectedCharacter { character: '%' | '@' | '`' | '|' | '>' }
        | Kind::PlainScalarStartsWithDashFlowIndicator => {
            ("a value without quotes cannot begin with this character", QUOTE_VALUE)
        }
        Kind::ExpectedDocumentStart => {
            ("expected `---` after a line that begins with `%`", "quote a key that begins with `%`")
        }
        Kind::BomInsideDocument => ("a byte order mark stands inside of the text", "remove it"),
        Kind::UnexpectedCharacter { .. } => ("a character that YAML does not allow", "write it as an escape"),
        Kind::MappingValueNotAllowed | Kind::InvalidColonPlacement => (
            "a `:` stands where no key can end",
            "quote a value that contains `: `, and check the indentation and the line above",
        ),
        Kind::ExpectedBlockMappingKey => {
            ("expected a key of the map that is being read", "check the indentation, and the end of the value before")
        }
        Kind::ExpectedBlockSequenceEntry => {
            ("expected the `-` of a list item", "check the indentation, and the end of the item before")
        }
        Kind::SimpleKeyExpected | Kind::InvalidSimpleKey => {
            ("a line without a `:` where a key was expected", "write `key: value`; a key fits on one line")
        }
        Kind::InvalidQuotedScalarIndent => {
            ("a quoted value goes on at the indentation of its key", "check that the quote before this line is closed")
        }
        Kind::UnclosedQuotedScalar => ("a quote is not closed", ""),
        Kind::InvalidTrailingSingleQuotedScalar => {
            ("text follows a closing quote", "double a `'` inside single quotes: 'it''s'")
        }
        Kind::InvalidTrailingDoubleQuotedScalar => {
            ("text follows a closing quote", "write `\\\"` for a quote inside double quotes")
        }
        Kind::UnknownQuotedScalarEscape => {
            ("an unknown escape inside double quotes", "write `\\\\` for a backslash, or use single quotes")
        }
        Kind::UnclosedFlowCollection { .. } => ("a bracket is not closed", ""),
        Kind::UnexpectedEofImplicitFlowMapping => ("expected a value between the brackets", ""),
        Kind::BlockSequenceEntryNotAllowed => ("a list cannot begin here", "begin it on a line of its own"),
        Kind::MissingAnchorOrAliasName => ("`&` or `*` without a name", QUOTE_VALUE),
        Kind::UndeclaredTagHandle => ("a tag with an unknown prefix", "quote a value that begins with `!`"),
        Kind::Custom(_) => ("the text is not YAML", ""),
        kind => return (kind.to_string().replace("EOF", "end of file").replace('`', "'"), ""),
    };
    (message.to_owned(), hint)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_value_that_begins_with_it_is_an_unquoted_cipher() {
        assert_eq!(unquoted("é: {cipher}AQ", "{cipher}"), Some(3));
        assert_eq!(unquoted("- {cipher}AQ", "{cipher}"), Some(2));
        assert_eq!(unquoted("a: [{cipher}AQ]", "{cipher}"), Some(4));
        assert_eq!(unquoted("a: '{cipher}AQ'", "{cipher}"), None);
        assert_eq!(unquoted("a: x {cipher}AQ", "{cipher}"), None);
    }

    #[test]
    fn a_tab_after_text_is_no_indentation() {
        assert_eq!(tab_in_indentation("  \ta"), Some(2));
        assert_eq!(tab_in_indentation("a:\t1"), None);
        assert_eq!(tab_in_indentation(" \t"), None);
    }
}
