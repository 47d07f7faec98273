//! The audit log: in one place, or none.

use crate::audit::{AuditPlace, AuditSettings};
use crate::settings::audit::AuditDraft;
use crate::settings::inputs::Inputs;
use crate::settings::origin::Mistake;

pub(super) fn build(inputs: &mut Inputs) -> Option<AuditSettings> {
    let AuditDraft { file, stdout, on_failure } = inputs.build(0);
    if file.is_some()
        && stdout
        && let Some(origin) = inputs.origin("audit.stdout", 0).cloned()
    {
        let mistake = Mistake::new(&origin, "`audit.stdout` is given beside `audit.file`");
        inputs.mistake(mistake.with_hint("keep one of the two"));
    }
    let place = file.map(AuditPlace::File).or_else(|| stdout.then_some(AuditPlace::Stdout))?;
    Some(AuditSettings { place, on_failure })
}
