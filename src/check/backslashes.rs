//! Backslashes and blanks that properties files treat otherwise than their authors, and Windows paths in any format whose
//! backslashes were read as escapes.

use crate::config::problem::Fault;
use crate::format::{Format, splice};

use super::Text;
use super::walk::{shown, texts};

/// Adds values that lost a backslash or kept a blank.
pub(super) fn check(text: &Text<'_>, faults: &mut Vec<Fault>) {
    let has_backslashes = text.bytes.contains(&b'\\');
    if has_backslashes {
        texts(text.body, |path, value, node| {
            if is_escaped_path(value) {
                let message = format!("the backslashes in the value of `{}` are read as escapes", shown(path));
                let hint = "write `\\\\` for each backslash, or `/`";
                faults.push(Fault::warning("backslash-escape", node.at, message).with_hint(hint));
            }
        });
    }
    if text.format == Format::Properties && (has_backslashes || has_blank_at_end(text.bytes)) {
        of_properties(text, faults);
    }
}

/// `C:` and a character that `\t`, `\n` and the like stand for.
fn is_escaped_path(value: &str) -> bool {
    let mut letters = value.chars();
    letters.next().is_some_and(|drive| drive.is_ascii_alphabetic())
        && letters.next() == Some(':')
        && letters.next().is_some_and(|letter| letter.is_control())
}

fn has_blank_at_end(bytes: &[u8]) -> bool {
    bytes
        .split(|byte| *byte == b'\n')
        .any(|line| line.trim_ascii_end().len() < line.strip_suffix(b"\r").unwrap_or(line).len())
}

fn of_properties(text: &Text<'_>, faults: &mut Vec<Fault>) {
    let Ok(spots) = splice::scalars(text.format, text.bytes, text.limits) else { return };
    for spot in spots {
        let raw = String::from_utf8_lossy(text.bytes.get(spot.range.clone()).unwrap_or_default());
        let key = shown(&spot.key);
        if let Some(letter) = dropped(&raw) {
            let message = format!("the backslash before `{letter}` in the value of `{key}` is dropped");
            let hint = "write `\\\\` for a backslash that is meant";
            faults.push(Fault::warning("backslash-dropped", spot.at, message).with_hint(hint));
        }
        let text = spot.text.trim_end_matches([' ', '\t']);
        if !text.is_empty() && text.len() < spot.text.len() && raw.ends_with([' ', '\t']) {
            let message = format!("the blanks at the end of the line are a part of the value of `{key}`");
            let hint = "remove them; if they are meant, write the last one as `\\u0020`";
            faults.push(Fault::warning("blank-at-end", spot.at, message).with_hint(hint));
        }
    }
}

/// The first letter or digit behind a backslash that makes nothing of it.
fn dropped(raw: &str) -> Option<char> {
    let mut letters = raw.chars();
    while let Some(letter) = letters.next() {
        if letter == '\\' {
            let escaped = letters.next()?;
            if escaped.is_alphanumeric() && !matches!(escaped, 't' | 'n' | 'r' | 'f' | 'u') {
                return Some(escaped);
            }
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use crate::check::samples::lines;

    fn found(path: &str, text: &str) -> Vec<String> {
        let code = |line: &String| line.split(' ').take(2).collect::<Vec<_>>().join(" ");
        lines(&[(path, text)]).iter().map(code).collect()
    }

    #[test]
    fn backslashes_and_blanks_of_properties_are_reported() {
        for (text, expected) in [
            ("path=C:\\temp\\new\n", "backslash-escape user.properties:1:6"),
            ("path=D:\\data\n", "backslash-dropped user.properties:1:6"),
            ("user=bob   \n", "blank-at-end user.properties:1:6"),
        ] {
            assert_eq!(found("user.properties", text), [expected], "{text}");
        }
        assert_eq!(found("user.yml", "path: \"C:\\temp\"\n"), ["backslash-escape user.yml:1:7"]);
        assert_eq!(found("user.json", "{\"path\": \"C:\\temp\"}\n"), ["backslash-escape user.json:1:10"]);
    }

    #[test]
    fn escapes_that_are_meant_are_left_alone() {
        for text in [
            "a=x\\ty\\u00e9\\n\n",
            "a=C:\\\\temp\n",
            "a=x \\\n  y\n",
            "a\\ b=c\\:d\n",
            "a=\n",
            "a=x\\u0020\n",
            "a=b\r\n",
        ] {
            let found: Vec<String> = found("user.properties", text);
            assert!(found.iter().all(|line| line.starts_with("crlf")), "{text}: {found:?}");
        }
    }
}
