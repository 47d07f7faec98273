//! Who reads dotenv files, and which names and quoted texts each of them reads back as they were.
//!
//! Each rule was found in the reader's source and is held against the reader itself by `tests/clients/dotenv`: versions
//! python-dotenv 1.2.4, Node 20, compose-go 2.16, godotenv 1.5.1, dash and bash. A rule may leave out a text that a
//! reader would read well; it never takes one in that it would not.

use std::fmt;
use std::ops::{BitAnd, BitOr, Sub};

/// A set of programs that read dotenv files.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Readers(u8);

/// Each reader with its name in `readers=` and the name that people know it by.
const NAMED: [(Readers, &str, &str); 5] = [
    (Readers::SHELL, "sh", "a shell"),
    (Readers::PYTHON, "python", "python-dotenv"),
    (Readers::NODE, "node", "node --env-file"),
    (Readers::COMPOSE, "compose", "Docker Compose"),
    (Readers::GO, "go", "godotenv"),
];

impl Readers {
    /// Nobody.
    pub const NONE: Self = Self(0);
    /// A POSIX shell that sources the file (`set -a; . ./.env`).
    pub const SHELL: Self = Self(1);
    /// python-dotenv with its defaults, so with placeholders filled in.
    pub const PYTHON: Self = Self(2);
    /// `node --env-file`.
    pub const NODE: Self = Self(4);
    /// Docker Compose: `.env` and `env_file`.
    pub const COMPOSE: Self = Self(8);
    /// `github.com/joho/godotenv`.
    pub const GO: Self = Self(16);
    /// All of them.
    pub const ALL: Self = Self(31);
    /// Those for whom a file is written if nobody is named.
    pub const USUAL: Self = Self(9);
    /// The libraries, without the shell.
    pub const LIBRARIES: Self = Self(30);

    /// The names that [`Self::parse`] knows.
    pub const KNOWN: &'static str = "a list of sh, python, node, compose, go, or all";

    /// A list of names, separated by commas; `None` if one of them is not known or there is none.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let one = |name: &str| match name {
            "all" => Some(Self::ALL),
            name => NAMED.iter().find(|(_, known, _)| *known == name).map(|(reader, ..)| *reader),
        };
        text.split(',').map(str::trim).try_fold(Self::NONE, |all, name| Some(all | one(name)?))
    }

    pub(super) const fn holds(self, others: Self) -> bool {
        self.0 & others.0 == others.0
    }

    pub(super) const fn is_empty(self) -> bool {
        self.0 == 0
    }

    pub(super) const fn count(self) -> u32 {
        self.0.count_ones()
    }

    fn without(self, others: Self, when: bool) -> Self {
        if when { self - others } else { self }
    }
}

impl BitOr for Readers {
    type Output = Self;

    fn bitor(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

impl BitAnd for Readers {
    type Output = Self;

    fn bitand(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }
}

impl Sub for Readers {
    type Output = Self;

    fn sub(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }
}

impl fmt::Display for Readers {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let named: Vec<_> = NAMED.iter().filter(|(reader, ..)| self.holds(*reader)).map(|(.., name)| *name).collect();
        match named.split_last() {
            Some((last, [])) => out.write_str(last),
            Some((last, others)) => write!(out, "{} and {last}", others.join(", ")),
            None => Ok(()),
        }
    }
}

/// Names that a shell sets, keeps for itself, or finds programs and code by.
const OF_SHELL: [&str; 27] = [
    "_",
    "BASHOPTS",
    "BASHPID",
    "BASH_ENV",
    "CDPATH",
    "DIRSTACK",
    "EPOCHREALTIME",
    "EPOCHSECONDS",
    "EUID",
    "FUNCNAME",
    "GROUPS",
    "HISTCMD",
    "IFS",
    "LD_AUDIT",
    "LD_LIBRARY_PATH",
    "LD_PRELOAD",
    "LINENO",
    "OPTIND",
    "PATH",
    "PPID",
    "PROMPT_COMMAND",
    "PS4",
    "RANDOM",
    "SECONDS",
    "SHELLOPTS",
    "SRANDOM",
    "UID",
];

/// True for a name that means something to the shell itself, so that setting it has other effects.
pub(super) fn is_of_shell(name: &str) -> bool {
    OF_SHELL.contains(&name)
}

/// True for a name that every shell takes.
pub(super) fn is_identifier(name: &str) -> bool {
    !name.starts_with(|first: char| first.is_ascii_digit())
        && !name.is_empty()
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

/// Who takes a name for what it is.
pub(super) fn of_name(name: &str) -> Readers {
    if is_identifier(name) {
        return Readers::ALL.without(Readers::SHELL, is_of_shell(name));
    }
    let has_odd = name.contains(|sign: char| "=#'\"\\:".contains(sign) || sign.is_whitespace() || sign.is_control());
    if name.is_empty() || has_odd {
        return Readers::NONE;
    }
    let all = |is_fine: fn(char) -> bool| name.chars().all(is_fine);
    Readers::LIBRARIES
        // JavaScript takes it for an index.
        .without(Readers::NODE, all(|sign| sign.is_ascii_digit()))
        .without(Readers::COMPOSE, !all(|sign| sign.is_ascii_alphanumeric() || "_.-[]".contains(sign)))
        .without(Readers::GO, !all(|sign| sign.is_ascii_alphanumeric() || "_.".contains(sign)))
}

/// Who reads a text without quotes.
pub(super) fn of_bare(text: &str) -> Readers {
    if text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_./:@%+,=-".contains(&byte)) {
        return Readers::ALL;
    }
    let is_trimmed = text.trim() == text;
    let has_odd = text.contains(|sign: char| sign.is_control() || "#$".contains(sign));
    if !is_trimmed || has_odd || text.starts_with(['\'', '"', '`', '\u{feff}']) {
        Readers::NONE
    } else {
        Readers::LIBRARIES
    }
}

/// Who reads a text in single quotes, written as it is.
pub(super) fn of_single(text: &str) -> Readers {
    if text.contains(['\'', '\0']) {
        return Readers::NONE;
    }
    Readers::ALL
        // Python's files have one kind of line end, Node removes the other.
        .without(Readers::LIBRARIES, text.contains('\r'))
        .without(Readers::PYTHON | Readers::COMPOSE | Readers::GO, text.ends_with('\\'))
        .without(Readers::PYTHON, text.contains(r"\\") || has_variable(text))
}

/// A text in double quotes, with the escapes that a shell asks for, and who reads it.
pub(super) fn in_double(text: &str) -> (String, Readers) {
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('"');
    for sign in text.chars() {
        if matches!(sign, '\\' | '"' | '$' | '`') {
            quoted.push('\\');
        }
        quoted.push(sign);
    }
    quoted.push('"');
    if text.contains('\0') {
        return (quoted, Readers::NONE);
    }
    let readers = Readers::ALL
        .without(Readers::LIBRARIES, text.contains('\r'))
        .without(Readers::NODE, quoted.len() > text.len() + 2)
        .without(Readers::PYTHON, text.contains(['$', '`']) || text.ends_with('\\'))
        .without(Readers::COMPOSE, text.contains('`'))
        // It looks for `\"` from the end of the value as well.
        .without(Readers::GO, text.ends_with(['"', '\\']));
    (quoted, readers)
}

/// True if python-dotenv finds something to fill in: `${NAME}` or `${NAME:-default}`, in quotes too.
fn has_variable(text: &str) -> bool {
    let mut inside = text.match_indices("${").map(|(at, open)| &text[at + open.len()..]);
    inside.any(|inside| {
        let end = inside.find([':', '}']).map(|at| &inside[at..]);
        end.is_some_and(|end| end.starts_with('}') || (end.starts_with(":-") && end.contains('}')))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn readers_have_names() {
        assert_eq!(Readers::parse("sh, go"), Some(Readers::SHELL | Readers::GO));
        assert_eq!(Readers::parse("all"), Some(Readers::ALL));
        assert_eq!((Readers::parse(""), Readers::parse("sh,ruby")), (None, None));
        assert_eq!(Readers::LIBRARIES.to_string(), "python-dotenv, node --env-file, Docker Compose and godotenv");
        assert_eq!(Readers::SHELL.to_string(), "a shell");
    }

    #[test]
    fn names_are_taken_by_those_who_know_their_signs() {
        assert_eq!(of_name("A_1"), Readers::ALL);
        assert_eq!(of_name("PATH"), Readers::LIBRARIES);
        assert_eq!(of_name("a.b"), Readers::LIBRARIES);
        assert_eq!(of_name("a-b[0]"), Readers::PYTHON | Readers::NODE | Readers::COMPOSE);
        assert_eq!(of_name("größe"), Readers::PYTHON | Readers::NODE);
        for name in ["", "a b", "a=b", "#a", "a:b", "a\nb", "'a'"] {
            assert_eq!(of_name(name), Readers::NONE, "{name}");
        }
    }

    #[test]
    fn python_fills_in_what_looks_like_a_variable() {
        for text in ["${A}", "x${}y", "${A:-b}", "${a b}", "${A:x${B}", "${A:-x${B:y}"] {
            assert!(has_variable(text), "{text}");
        }
        for text in ["$A", "${A", "${A:b}", "${A:?b}", "$${", "}${"] {
            assert!(!has_variable(text), "{text}");
        }
    }
}
