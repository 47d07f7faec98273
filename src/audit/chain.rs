//! The chain: each line ends with the hash of the line before, so that none can be changed or taken out unseen.
//!
//! Whoever can write the file can also write a new chain: what makes it evidence is a copy of lines, or of the last hash,
//! that is kept elsewhere.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::config::foreign;

use super::entry::AuditEntry;

/// The hash of a line, in hexadecimal digits.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub(super) struct LineHash(pub(super) String);

impl LineHash {
    /// What the first line of all names in the place of one before.
    pub(super) fn none() -> Self {
        Self("0".repeat(64))
    }

    /// The hash of a line without its end.
    pub(super) fn of(line: &[u8]) -> Self {
        Self(Sha256::digest(line).iter().map(|byte| format!("{byte:02x}")).collect())
    }
}

/// A line as it is written.
#[derive(Serialize)]
struct Line<'a> {
    time: Timestamp,
    #[serde(flatten)]
    entry: &'a AuditEntry,
    #[serde(skip_serializing_if = "Option::is_none")]
    request_id: Option<&'a str>,
    count: u64,
    /// Since when the requests came that a count is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    since: Option<Timestamp>,
    prev: &'a LineHash,
}

/// What verifying needs of a line.
#[derive(Debug, Deserialize)]
pub(super) struct Chained {
    pub(super) time: Timestamp,
    pub(super) prev: LineHash,
}

/// The end of a chain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Chain {
    pub(super) last: LineHash,
}

/// How often something happened, and when.
#[derive(Debug, Clone, Copy)]
pub(super) struct Counted<'a> {
    pub(super) at: Timestamp,
    pub(super) count: u64,
    /// For a count of more than one: since when.
    pub(super) since: Option<Timestamp>,
    pub(super) request_id: Option<&'a str>,
}

impl Counted<'_> {
    /// Once, now.
    pub(super) fn once() -> Self {
        Self { at: Timestamp::now(), count: 1, since: None, request_id: None }
    }
}

impl Chain {
    /// A line without its end, and the chain behind it.
    pub(super) fn line(&self, entry: &AuditEntry, counted: Counted<'_>) -> (String, Self) {
        let Counted { at, count, since, request_id } = counted;
        let line = Line { time: at, entry, request_id, count, since, prev: &self.last };
        let text = serde_json::to_string(&line).expect("texts and numbers are always JSON");
        let text = foreign::json(&text).into_owned();
        let last = LineHash::of(text.as_bytes());
        (text, Self { last })
    }

    /// The chain behind the last whole line of these bytes; `None` if there is no whole line.
    pub(super) fn behind(tail: &[u8]) -> Option<Self> {
        let is_whole = |line: &&[u8]| serde_json::from_slice::<Chained>(line).is_ok();
        // What stands behind the last line end was cut off.
        let whole = tail.rsplit(|byte| *byte == b'\n').skip(1).find(is_whole);
        whole.map(|line| Self { last: LineHash::of(line) })
    }
}
