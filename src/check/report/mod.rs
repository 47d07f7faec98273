//! A report spelled for people and for programs, one file per format. Nothing here decides what is found.

pub mod github;
pub mod human;
pub mod json;
pub mod junit;
pub mod markdown;
pub mod sarif;

use crate::config::problem::{Position, Severity};

use super::Report;
use super::rules::name;

/// How many findings there are of each severity.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Count {
    /// Errors.
    pub errors: usize,
    /// Warnings.
    pub warnings: usize,
    /// What is only worth knowing.
    pub infos: usize,
}

impl Count {
    /// Counts the findings of a report.
    #[must_use]
    pub fn of(report: &Report) -> Self {
        let count = |severity| report.findings.iter().filter(|finding| finding.severity == severity).count();
        Self { errors: count(Severity::Error), warnings: count(Severity::Warning), infos: count(Severity::Info) }
    }
}

/// The column behind the word that begins at a place; `None` if there is no such place.
pub(super) fn end_column(bytes: &[u8], at: Position) -> Option<u32> {
    let line = bytes.split(|byte| *byte == b'\n').nth(at.line.checked_sub(1)? as usize)?;
    let line = String::from_utf8_lossy(line);
    let rest = line.trim_end().chars().skip(at.column.checked_sub(1)? as usize);
    let length = rest.take_while(|letter| !matches!(letter, ' ' | ',' | ']' | '}')).count().max(1);
    at.column.checked_add(u32::try_from(length).ok()?)
}

/// A message without the numbers of lines in it, which change without anything having changed.
pub(super) fn without_lines(message: &str) -> String {
    let mut parts = message.split("line ");
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |text, part| text + "line " + part.trim_start_matches(|digit: char| digit.is_ascii_digit()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_of_lines_are_left_out() {
        assert_eq!(without_lines("line 12 is, line 3, 4 on a line"), "line  is, line , 4 on a line");
    }
}
