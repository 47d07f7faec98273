//! The settings of the audit log as they are given.

use std::path::PathBuf;

use crate::audit::OnAuditFailure;

/// Where the log goes, and what happens if it cannot be written.
#[derive(Debug, Clone, Default)]
pub(super) struct AuditDraft {
    pub(super) file: Option<PathBuf>,
    pub(super) stdout: bool,
    pub(super) on_failure: OnAuditFailure,
}
