//! The audit log: who was refused, who read secrets, who changed something, one line each, and a chain of hashes through
//! all of them.
//!
//! Floor 5. Callers hand in what happened as an [`AuditEntry`]; which requests that are is decided in `http`. Lines are written
//! by a thread of their own (`log.rs`), so that no request waits for a disk unless it must not go on without its line.

mod chain;
mod entry;
mod log;
mod repeats;
mod sink;
pub mod verify;

use std::path::{Path, PathBuf};

pub use entry::{AuditDecision, AuditEntry, AuditEvent, AuditRead};
pub use log::{AuditError, AuditLog, AuditWriter};

/// Where the audit log goes, and what happens if it cannot be written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditSettings {
    /// Where lines go.
    pub place: AuditPlace,
    /// What happens to reads if a line cannot be written.
    pub on_failure: OnAuditFailure,
}

/// Where the lines of the audit log go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AuditPlace {
    /// To a file, behind what is in it.
    File(PathBuf),
    /// To standard output.
    Stdout,
}

/// What happens to reads if the audit log cannot be written. What opens values or changes something is refused in any case.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum OnAuditFailure {
    /// They go on; the log and the metrics say so.
    #[default]
    Alert,
    /// Reads whose response holds a secret are refused too.
    Refuse,
}

impl AuditSettings {
    /// The file, if it is one.
    #[must_use]
    pub fn file(&self) -> Option<&Path> {
        match &self.place {
            AuditPlace::File(path) => Some(path),
            AuditPlace::Stdout => None,
        }
    }
}
