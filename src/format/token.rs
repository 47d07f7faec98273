//! What the syntax of a format says about a scalar: where it stands in the text, and how it is written.

use std::collections::HashMap;
use std::ops::Range;

use crate::config::problem::Position;

/// How a scalar is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// YAML without quotes.
    Plain,
    /// YAML in single quotes.
    SingleQuoted,
    /// YAML in double quotes.
    DoubleQuoted,
    /// A block of lines after `|`.
    Literal,
    /// A block of lines after `>`.
    Folded,
    /// A key or an item of YAML without any value.
    Absent,
    /// A string of JSON.
    JsonString,
    /// A number, bool or null of JSON.
    JsonLiteral,
    /// What follows the separator in `.properties`.
    Property,
}

/// What the syntax says about a scalar; places as in [`super::splice::Spot`], but counted in the text without a byte order mark.
pub(in crate::format) struct Token {
    pub(in crate::format) range: Range<usize>,
    pub(in crate::format) kind: Kind,
    pub(in crate::format) anchor: Option<String>,
    pub(in crate::format) lead: &'static str,
    pub(in crate::format) keep: Range<usize>,
}

/// The scalars of a file by the place that its reader gives them.
pub(in crate::format) type Tokens = HashMap<Position, Token>;

impl Token {
    pub(in crate::format) fn new(range: Range<usize>, kind: Kind) -> Self {
        let keep = range.end..range.end;
        Self { range, kind, anchor: None, lead: "", keep }
    }
}
