//! Where each value of a `.properties` file stands in its bytes, and the spelling of one that takes its place.
//!
//! The grammar is the reader's; what the keys mean is not looked at here.

use crate::config::problem::Fault;
use crate::format::token::{Kind, Token, Tokens};

use super::read::{Cursor, Property, Start};
use super::write::put_value;

/// The values of a file that the reader takes, by place.
///
/// # Errors
/// Those of the reader.
pub(in crate::format) fn locate(text: &str) -> Result<Tokens, Fault> {
    let mut tokens = Tokens::new();
    let mut lines = Cursor::of(text);
    while let Some(start) = lines.next_line() {
        if start == Start::Split {
            continue;
        }
        let Property { at, key_end, mut range, .. } = lines.property()?;
        let lead = if key_end == range.start && range.is_empty() { "=" } else { "" };
        if range.is_empty() && range.end == text.len() && continues_nothing(text) {
            range.start -= 1;
        }
        tokens.insert(at, Token { lead, ..Token::new(range, Kind::Property) });
    }
    Ok(tokens)
}

/// True if the text ends with a backslash that is no escaped one: it would escape what is put behind it.
fn continues_nothing(text: &str) -> bool {
    (text.len() - text.trim_end_matches('\\').len()) % 2 == 1
}

/// The text as a value on one line. Where only a blank separates it from its key, a value that begins with `=` or `:`
/// would lose it.
pub(in crate::format) fn spell(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    if text.starts_with(['=', ':']) {
        out.push('\\');
    }
    put_value(&mut out, text);
    out
}
