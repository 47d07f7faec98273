//! What cannot be seen in an editor: byte order marks, line ends of two kinds, and tabs where YAML counts columns.

use crate::config::problem::{Fault, Position, Severity};
use crate::format::Format;

use super::Text;

const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// Adds what is found in the bytes of a file.
pub(super) fn check(text: &Text<'_>, faults: &mut Vec<Fault>) {
    let bytes = text.bytes.strip_prefix(BYTE_ORDER_MARK).unwrap_or(text.bytes);
    if bytes.len() < text.bytes.len() {
        let message = "the file begins with a byte order mark, which other readers take for a part of the first key";
        faults.push(
            info("byte-order-mark", Position::new(1, 1), message).with_hint("save the file as UTF-8 without BOM"),
        );
    }
    line_ends(bytes, faults);
    if text.format == Format::Yaml && bytes.contains(&b'\t') {
        tabs(bytes, faults);
    }
}

fn info(code: &'static str, at: Position, message: impl Into<String>) -> Fault {
    Fault { severity: Severity::Info, ..Fault::warning(code, at, message) }
}

/// Told at the first line whose end differs from that of the first one.
fn line_ends(bytes: &[u8], faults: &mut Vec<Fault>) {
    if !bytes.contains(&b'\r') {
        return;
    }
    let mut ends = lines(bytes).map(|line| line.ends_with(b"\r\n"));
    let Some(first) = ends.next() else { return };
    match ends.position(|end| end != first) {
        Some(other) => {
            let (one, two) = if first { ("CR LF", "LF") } else { ("LF", "CR LF") };
            let message = format!("this line ends with {two}, those before it with {one}");
            let hint = "end all lines alike; `* text=auto` in `.gitattributes` keeps it so";
            faults.push(Fault::warning("mixed-line-ends", place(other + 1, 0), message).with_hint(hint));
        }
        None if first => {
            let message = "all lines end with CR LF; texts of several lines are served with LF";
            let hint = "`* text=auto eol=lf` in `.gitattributes` stores files with LF";
            faults.push(info("crlf-line-ends", Position::new(1, 1), message).with_hint(hint));
        }
        None => {}
    }
}

/// The lines that have an end, with it.
fn lines(bytes: &[u8]) -> impl Iterator<Item = &[u8]> {
    bytes.split_inclusive(|byte| *byte == b'\n').filter(|line| line.ends_with(b"\n"))
}

/// The reader refuses tabs that indent a key; in the text of a block or between brackets they go through.
fn tabs(bytes: &[u8], faults: &mut Vec<Fault>) {
    let indentation = |line: &[u8]| line.iter().position(|byte| !matches!(byte, b' ' | b'\t')).unwrap_or(0);
    let found = lines(bytes).enumerate().find_map(|(number, line)| {
        let column = line[..indentation(line)].iter().position(|byte| *byte == b'\t')?;
        (!matches!(line[indentation(line)], b'\r' | b'\n' | b'#')).then(|| place(number, column))
    });
    let message = "this line is indented with a tab, which becomes a part of the text or counts as no column";
    faults.extend(found.map(|at| info("tab", at, message).with_hint("indent with spaces")));
}

fn place(line: usize, column: usize) -> Position {
    let count = |from_zero: usize| u32::try_from(from_zero).unwrap_or(u32::MAX).saturating_add(1);
    Position::new(count(line), count(column))
}

#[cfg(test)]
mod tests {
    use crate::check::samples::lines;

    fn found(text: &str) -> Vec<String> {
        lines(&[("user.yml", text)]).iter().map(|line| line.split(" user.yml:").collect::<Vec<_>>().join(" ")).collect()
    }

    fn codes(text: &str) -> Vec<String> {
        found(text).iter().map(|line| line.split(' ').take(2).collect::<Vec<_>>().join(" ")).collect()
    }

    #[test]
    fn what_an_editor_does_not_show_is_told_once_a_file() {
        assert_eq!(
            found("a: 1\nb: 2\r\nc: 3\r\n"),
            ["mixed-line-ends 2:1 this line ends with CR LF, those before it with LF (user default)"]
        );
        assert_eq!(codes("a: 1\r\nb: 2\nc: 3\n"), ["mixed-line-ends 2:1"]);
        assert_eq!(codes("\u{feff}a: 1\r\n"), ["byte-order-mark 1:1", "crlf-line-ends 1:1"]);
        assert_eq!(codes("a: |\n  x\n  \ty\n"), ["tab 3:3"]);
        assert_eq!(codes("a: [\n  1,\n  \t2]\n"), ["tab 3:3"]);
    }

    #[test]
    fn files_as_most_are_have_no_finding() {
        for text in ["a: 1\nb: 2", "a: 1", "# none", "a: \"x\\ty\" # \t\n\t\n \t# c\n", "a: 'x\ty'\n"] {
            assert_eq!(found(text), [""; 0], "{text:?}");
        }
    }
}
