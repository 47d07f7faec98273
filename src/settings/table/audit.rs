//! The rows of `audit`: what is written down of who did what.

use crate::audit::OnAuditFailure;
use crate::settings::audit::AuditDraft;
use crate::settings::kind::{Choice, LocalPath, Switch};
use crate::settings::row::{Row, optional, row};

pub(super) const ROWS: &[Row] = &[
    optional!(
        "audit.file",
        LocalPath,
        "The file of the audit log ([security.md](security.md#audit-log)): one JSON line for each denied request, each response that holds an opened secret, and each refresh, encryption, decryption and change of tokens or keys. SIGHUP opens it anew.",
        |s: &mut AuditDraft, v| s.file = Some(v),
    ),
    row!(
        "audit.stdout",
        Switch,
        "false",
        "Writes these lines to standard output instead, for collectors of containers.",
        |s: &mut AuditDraft, v| s.stdout = v,
    ),
    row!(
        "audit.on-failure",
        Choice(&[("alert", OnAuditFailure::Alert), ("refuse", OnAuditFailure::Refuse)]),
        "alert",
        "What happens to reads of secrets while a line cannot be written. `alert`: they go on, and the log and `layerd_audit_failing` say so, because a full disk must not take all services down. `refuse`: they are 503. What opens values or changes something is refused in any case.",
        |s: &mut AuditDraft, v| s.on_failure = v,
    ),
];
