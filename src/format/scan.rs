//! What every file of text must be before a format looks at it: UTF-8, without control characters, resolved by Git.
//!
//! Formats differ in what they do with stray bytes (some readers end the file at a NUL, without a word), so none of
//! them gets to see any. Nothing here knows the grammar of a format.

use std::borrow::Cow;

use crate::config::problem::{Fault, Position};

const BYTE_ORDER_MARK: char = '\u{feff}';

/// First line of what Git LFS commits instead of a file.
const LFS_POINTER: &str = "version https://git-lfs.github.com/spec/v1";

/// What Git writes to the start of a line for the two sides of a conflict.
const CONFLICT_MARKERS: [&str; 3] = ["<<<<<<<", "=======", ">>>>>>>"];

/// The text of a file, without a byte order mark. Its lines end in LF or CR LF.
///
/// # Errors
/// The first of these that applies: `not-utf8`, `control-character` (a CR without LF is one), `lfs-pointer`,
/// `merge-conflict`.
pub(super) fn text(bytes: &[u8]) -> Result<&str, Fault> {
    let text = std::str::from_utf8(bytes).map_err(|error| not_utf8(bytes, error.valid_up_to()))?;
    let text = text.strip_prefix(BYTE_ORDER_MARK).unwrap_or(text);
    refuse_control_characters(text)?;
    refuse_leftovers(text)?;
    Ok(text)
}

/// The text of a file whose lines may end in CR alone as well; line ends of that kind become LF.
///
/// # Errors
/// As [`text`], a CR aside.
pub(super) fn text_of_any_breaks(bytes: &[u8]) -> Result<Cow<'_, str>, Fault> {
    let is_lone = |at: usize| bytes[at] == b'\r' && bytes.get(at + 1) != Some(&b'\n');
    if !(0..bytes.len()).any(is_lone) {
        return text(bytes).map(Cow::Borrowed);
    }
    let bytes: Vec<u8> = (0..bytes.len()).map(|at| if is_lone(at) { b'\n' } else { bytes[at] }).collect();
    text(&bytes).map(|text| Cow::Owned(text.to_owned()))
}

/// Refuses what the merges of Git and its large files leave in the place of a file's own text.
///
/// # Errors
/// `lfs-pointer`, `merge-conflict`.
pub(super) fn refuse_leftovers(text: &str) -> Result<(), Fault> {
    if text.starts_with(LFS_POINTER) {
        let message = "the file is a Git LFS pointer, not the content that it stands for";
        return Err(Fault::error("lfs-pointer", Position::new(1, 1), message)
            .with_hint("take configuration files out of Git LFS (`git lfs untrack`, then commit them again)"));
    }
    refuse_conflict_markers(text)
}

/// The place of the character that begins at byte `offset` of a text; its end, for an offset beyond it.
pub(super) fn position(text: &str, offset: usize) -> Position {
    let before = &text.as_bytes()[..offset.min(text.len())];
    let start = before.iter().rposition(|byte| *byte == b'\n').map_or(0, |newline| newline + 1);
    let line = before.iter().filter(|byte| **byte == b'\n').count();
    let column = before[start..].iter().filter(|byte| !is_continuation(**byte)).count();
    at(line, column)
}

/// The position of a line and a column that were counted from 0.
pub(super) fn at(line: usize, column: usize) -> Position {
    let count = |from_zero: usize| u32::try_from(from_zero).unwrap_or(u32::MAX).saturating_add(1);
    Position::new(count(line), count(column))
}

/// True for the second and later bytes of a character in UTF-8.
fn is_continuation(byte: u8) -> bool {
    byte & 0xc0 == 0x80
}

fn not_utf8(bytes: &[u8], valid: usize) -> Fault {
    if bytes.starts_with(b"\xff\xfe") || bytes.starts_with(b"\xfe\xff") {
        return Fault::error("not-utf8", Position::new(1, 1), "the file is UTF-16, not UTF-8")
            .with_hint("save the file as UTF-8");
    }
    let before = String::from_utf8_lossy(&bytes[..valid]);
    let before = before.strip_prefix(BYTE_ORDER_MARK).unwrap_or(&before);
    let message = format!("byte {} of the file is not UTF-8", valid + 1);
    Fault::error("not-utf8", position(before, before.len()), message).with_hint("save the file as UTF-8")
}

fn refuse_control_characters(text: &str) -> Result<(), Fault> {
    let bytes = text.as_bytes();
    let refused = |offset: usize, character: char| match character {
        '\t' | '\n' => false,
        '\r' => bytes.get(offset + 1) != Some(&b'\n'),
        _ => character.is_control(),
    };
    let Some((offset, character)) = text.char_indices().find(|(offset, character)| refused(*offset, *character)) else {
        return Ok(());
    };
    let (what, hint) = match character {
        '\r' => ("a carriage return without a line feed".to_owned(), "end lines with LF or CR LF"),
        '\0' => ("a NUL character".to_owned(), "save the file as UTF-8 text"),
        _ => (format!("the control character U+{:04X}", u32::from(character)), "remove it, or write it as an escape"),
    };
    Err(Fault::error("control-character", position(text, offset), format!("the file holds {what}")).with_hint(hint))
}

fn refuse_conflict_markers(text: &str) -> Result<(), Fault> {
    let marked = |line: &str| {
        let rest = CONFLICT_MARKERS.iter().find_map(|marker| line.strip_prefix(marker));
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(' '))
    };
    let Some(number) = text.lines().position(marked) else { return Ok(()) };
    Err(Fault::error("merge-conflict", at(number, 0), format!("line {} is a merge conflict marker", number + 1))
        .with_hint("resolve the conflict and commit the result"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(bytes: &[u8]) -> String {
        let fault = text(bytes).unwrap_err();
        let hint = fault.hint.unwrap();
        format!("{}:{} {}: {} | {hint}", fault.at.line, fault.at.column, fault.code, fault.message)
    }

    #[test]
    fn a_byte_order_mark_is_no_part_of_the_text() {
        assert_eq!(text(b"\xef\xbb\xbfa: 1\r\n\tb"), Ok("a: 1\r\n\tb"));
        assert_eq!(text(b""), Ok(""));
    }

    #[test]
    fn bytes_that_are_not_utf8_are_placed() {
        assert_eq!(
            refused(b"a: 1\n\xc3\xa9: \xfc"),
            "2:4 not-utf8: byte 10 of the file is not UTF-8 | save the file as UTF-8"
        );
        assert_eq!(refused(b"\xff\xfea\0"), "1:1 not-utf8: the file is UTF-16, not UTF-8 | save the file as UTF-8");
    }

    #[test]
    fn control_characters_are_refused() {
        assert_eq!(
            refused(b"a: 1\nb: x\0y"),
            "2:5 control-character: the file holds a NUL character | save the file as UTF-8 text"
        );
        assert_eq!(
            refused("a: \u{85}".as_bytes()),
            "1:4 control-character: the file holds the control character U+0085 | remove it, or write it as an escape"
        );
        assert_eq!(
            refused(b"a: 1\rb: 2"),
            "1:5 control-character: the file holds a carriage return without a line feed | end lines with LF or CR LF"
        );
    }

    #[test]
    fn conflict_markers_are_refused_and_lookalikes_are_not() {
        for marker in ["<<<<<<< HEAD", "=======", ">>>>>>> topic\r"] {
            assert_eq!(
                refused(format!("a: 1\n{marker}\nb: 2\n").as_bytes()),
                "2:1 merge-conflict: line 2 is a merge conflict marker | resolve the conflict and commit the result"
            );
        }
        for harmless in [" =======", "<<<<<<<<", "#=======", "======", "<<: *a"] {
            assert_eq!(text(harmless.as_bytes()), Ok(harmless));
        }
    }

    #[test]
    fn a_pointer_of_git_lfs_is_refused() {
        assert_eq!(
            refused(b"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12\n"),
            "1:1 lfs-pointer: the file is a Git LFS pointer, not the content that it stands for | take configuration \
             files out of Git LFS (`git lfs untrack`, then commit them again)"
        );
    }

    #[test]
    fn columns_count_characters() {
        assert_eq!(position("ab\nü€x", 3 + 5), Position::new(2, 3));
        assert_eq!(position("ab\n", 99), Position::new(2, 1));
    }
}
