//! What is wrong with the users' files, told so that they can mend it: where, what, and what to do.
//!
//! A [`Fault`] is found in the bytes of one file and knows no path, because equal bytes under two paths are read once.
//! A [`Problem`] is a fault that has been told which file it is in.

use std::sync::Arc;

use serde::Serialize;

use super::foreign;

/// How much a problem matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Worth knowing; nothing is wrong.
    Info,
    /// Served, but probably not what was meant.
    Warning,
    /// The file cannot be served.
    Error,
}

/// A place in a file: line and column, both counted from 1, the column in characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize)]
pub struct Position {
    /// Line, from 1.
    pub line: u32,
    /// Column in characters, from 1.
    pub column: u32,
}

impl Position {
    /// The place at `line` and `column`, both from 1.
    #[must_use]
    pub const fn new(line: u32, column: u32) -> Self {
        Self { line, column }
    }
}

/// Something wrong in the bytes of one file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// Stable kebab-case name, such as `duplicate-key`.
    pub code: &'static str,
    /// How much it matters.
    pub severity: Severity,
    /// Where the offending token begins.
    pub at: Position,
    /// One lower-case sentence without a final dot.
    pub message: String,
    /// What to do about it.
    pub hint: Option<String>,
}

impl Fault {
    /// A fault that makes its file unservable.
    #[must_use]
    pub fn error(code: &'static str, at: Position, message: impl Into<String>) -> Self {
        Self { code, severity: Severity::Error, at, message: message.into(), hint: None }
    }

    /// A fault that does not keep its file from being served.
    #[must_use]
    pub fn warning(code: &'static str, at: Position, message: impl Into<String>) -> Self {
        Self { severity: Severity::Warning, ..Self::error(code, at, message) }
    }

    /// The same fault with advice.
    #[must_use]
    pub fn with_hint(self, hint: impl Into<String>) -> Self {
        Self { hint: Some(hint.into()), ..self }
    }

    /// The fault as a problem of the file at `path`.
    #[must_use]
    pub fn in_file(&self, path: &Arc<str>) -> Problem {
        Problem {
            code: self.code,
            severity: self.severity,
            file: Arc::clone(path),
            at: self.at,
            // Keys, names and values of the file are repeated in it.
            message: foreign::lines(&self.message),
            hint: self.hint.as_deref().map(foreign::lines),
        }
    }
}

/// A fault with the path of its file, relative to the root of the repository.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Problem {
    /// Stable kebab-case name, such as `duplicate-key`.
    pub code: &'static str,
    /// How much it matters.
    pub severity: Severity,
    /// Path from the root of the repository.
    pub file: Arc<str>,
    /// Where the offending token begins.
    #[serde(flatten)]
    pub at: Position,
    /// One lower-case sentence without a final dot.
    pub message: String,
    /// What to do about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
}

impl std::fmt::Display for Problem {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "{}:{}:{}: {}", foreign::lines(&self.file), self.at.line, self.at.column, self.message)?;
        self.hint.as_ref().map_or(Ok(()), |hint| write!(out, "\nhint: {hint}"))
    }
}
