//! `NAME=text` lines for `docker run --env-file`: everything behind the first `=` is the value, to the end of the line.
//!
//! The rules are those of `pkg/kvfile` in docker/cli.

use super::super::unwritable::Unwritable;
use super::{NUL, Variable};

const NOTATION: &str = "a line for docker run --env-file";

/// The most bytes of a line: what Go's `bufio.Scanner` takes, less the end of the line.
const LONGEST: usize = (64 << 10) - 2;

pub(super) fn line(Variable { name, key, text, .. }: &Variable) -> Result<String, Unwritable> {
    if name.starts_with(['#', '\u{feff}']) || name.contains(|sign: char| sign == '=' || sign.is_whitespace()) {
        return Err(Unwritable::name(key, name, "docker takes no name with blanks, `=` or a `#` at its beginning"));
    }
    let reason = match () {
        () if name.contains('\0') || text.contains('\0') => NUL,
        () if text.contains(['\n', '\r']) => "it has a line break, and this file has no quotes",
        () if name.len() + 1 + text.len() > LONGEST => "the line has more than 64 KiB",
        () => return Ok(format!("{name}={text}")),
    };
    Err(Unwritable::value(key, NOTATION, reason))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(name: &str, text: &str) -> String {
        let variable = Variable { name: name.into(), key: "a.b".into(), text: text.into(), is_secret: false };
        line(&variable).unwrap_or_else(|error| error.to_string())
    }

    #[test]
    fn values_stand_bare() {
        assert_eq!(told("A", " it's \"x\" # $HOME "), "A= it's \"x\" # $HOME ");
        assert_eq!(told("a.b[0]", ""), "a.b[0]=");
    }

    #[test]
    fn what_a_line_cannot_hold_is_refused_by_key() {
        let told_of = |text: &str| told("A", text);
        assert!(told_of("x\ny").ends_with("`a.b` cannot be written as a line for docker run --env-file: it has a line break, and this file has no quotes"));
        assert!(told_of("x\r").contains("line break"));
        assert!(told_of("\0").contains("NUL"));
        assert!(told_of(&"x".repeat(LONGEST)).contains("64 KiB"));
        for name in ["a b", "#a", "a\u{a0}b"] {
            assert!(told(name, "x").starts_with("`a.b` cannot be named"), "{name}");
        }
    }
}
