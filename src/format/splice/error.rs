//! Why a scalar cannot be found or replaced. No message holds a value.

use std::ops::Range;

use thiserror::Error;

use crate::config::problem::{Fault, Position};

/// Why a file was not edited.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum SpliceError {
    /// The file cannot be read as it is.
    #[error("line {}, column {}: {}{}", .0.at.line, .0.at.column, .0.message, hint(.0))]
    Unreadable(Fault),
    /// No document of the file has the key.
    #[error("the file has no key `{key}`\nhint: name it with all its parents, such as `spring.datasource.password`")]
    NoSuchKey {
        /// The key as asked for.
        key: String,
    },
    /// A map or a list stands at the key.
    #[error("`{key}` is a map or a list\nhint: name one value below it, such as `{key}.name` or `{key}[0]`")]
    NotScalar {
        /// The key as asked for.
        key: String,
    },
    /// An alias or a merge key brings the value, so that an edit of it would be one of other keys too.
    #[error(
        "`{key}` has its value through an alias of `&{anchor}`: it is written at `{written}`, line {}\n\
         hint: edit `{written}`, which changes both, or write a value of its own at `{key}`", .at.line
    )]
    Elsewhere {
        /// The key as asked for.
        key: String,
        /// The key at which the value is written.
        written: String,
        /// The anchor, without its `&`.
        anchor: String,
        /// Where the value is written.
        at: Position,
    },
    /// An alias at the key names the anchor of another key, whose text is its value.
    #[error("`{key}` repeats the text of a key through an alias\nhint: write a value of its own at `{key}`")]
    OfKey {
        /// The key as asked for.
        key: String,
    },
    /// A range is not that of a scalar of these bytes, or was given twice.
    #[error("bytes {} to {} of the file are no scalar of it that can be edited, or one that is edited already", .range.start, .range.end)]
    NoSpot {
        /// The range as given, in bytes.
        range: Range<usize>,
    },
    /// The edited file could not be read, or more than the value would have changed.
    #[error("{} cannot be replaced in place: {}{}", named(.key.as_deref()), .fault.message, hint(.fault))]
    Refused {
        /// The key that was edited, if it was one.
        key: Option<String>,
        /// What would be wrong, with its place in the edited file.
        fault: Fault,
    },
}

fn named(key: Option<&str>) -> String {
    key.map_or_else(|| "the values".to_owned(), |key| format!("the value of `{key}`"))
}

fn hint(fault: &Fault) -> String {
    fault.hint.as_ref().map_or_else(String::new, |hint| format!("\nhint: {hint}"))
}
