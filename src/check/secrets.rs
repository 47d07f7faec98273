//! Values that look like secrets in plain text, and what is said of sealed ones where there are no keys.
//!
//! A value that looks like a secret is in no message, and no finding shows the line on which it stands.

use std::collections::HashMap;
use std::sync::Arc;

use crate::config::key::{append, append_index};
use crate::config::layer::{Data, Node};
use crate::config::problem::{Fault, Position};
use crate::format::{Format, splice};
use crate::secret::error::OpenError;
use crate::secret::suspicion::{is_silenced, suspicion};
use crate::snapshot::Snapshot;

use super::{Finding, Text};

const CODE: &str = "plain-secret";

/// Adds a fault for each value that looks like a secret and is not sealed.
pub(super) fn check(text: &Text<'_>, faults: &mut Vec<Fault>) {
    // Few files have any, and finding out where a value is written costs another reading.
    let mut documents = text.body.documents.iter().flat_map(|document| &document.root);
    if !documents.any(|entry| is_suspect(&entry.node, &mut entry.key.written().to_string())) {
        return;
    }
    let Ok(spots) = splice::scalars(text.format, text.bytes, text.limits) else { return };
    let source = String::from_utf8_lossy(text.bytes);
    for spot in spots {
        let Some(why) = suspicion(&spot.key, &spot.text) else { continue };
        if !is_silenced(&source, spot.at.line) {
            let shown: String = spot.key.chars().take(200).collect();
            let message = format!("`{shown}` looks like a secret in plain text: {why}");
            faults.push(Fault::warning(CODE, spot.at, message).with_hint(hint(text.format)));
        }
    }
}

fn hint(format: Format) -> &'static str {
    match format {
        Format::Json => "seal it with `layerd encrypt` and change it where it is used; if it is none, silence it",
        _ => {
            "seal it with `layerd encrypt` and change it where it is used; if it is none, write `# layerd: not a secret` \
             behind it"
        }
    }
}

fn is_suspect(node: &Node, path: &mut String) -> bool {
    let length = path.len();
    match &node.data {
        Data::Text(text) => suspicion(path, text).is_some(),
        Data::Number(number) => suspicion(path, &number.to_string()).is_some(),
        Data::List(items) => items.iter().enumerate().any(|(index, item)| {
            *path = append_index(std::mem::take(path), index);
            let found = is_suspect(item, path);
            path.truncate(length);
            found
        }),
        Data::Map(entries) => entries.iter().any(|entry| {
            *path = append(std::mem::take(path), entry.key.written());
            let found = is_suspect(&entry.node, path);
            path.truncate(length);
            found
        }),
        Data::Null | Data::Bool(_) | Data::Secret(_) | Data::Foreign(_) => false,
    }
}

/// Takes plain secrets out of what other findings say and show.
pub(super) fn hide(findings: &mut [Finding]) {
    let mut secrets: HashMap<(Arc<str>, u32), Vec<u32>> = HashMap::new();
    for finding in findings.iter().filter(|finding| finding.code == CODE) {
        secrets.entry((Arc::clone(&finding.file), finding.at.line)).or_default().push(finding.at.column);
    }
    if secrets.is_empty() {
        return;
    }
    for finding in findings {
        let Position { line, column } = finding.at;
        let Some(columns) = secrets.get(&(Arc::clone(&finding.file), line)) else { continue };
        finding.secret_from = columns.iter().min().copied();
        if finding.code == "yaml-1-1" && columns.contains(&column) {
            "YAML 1.1 and 1.2 read this value differently".clone_into(&mut finding.message);
            finding.hint = Some("quote it if it is a text, or spell it so that both agree".to_owned());
        }
    }
}

/// False if nothing shows that there was any key to open values with.
pub(super) fn are_keys_given(snapshot: &Snapshot) -> bool {
    snapshot.openings().any(|(_, opening)| {
        let needs_key = |error: &OpenError| {
            matches!(error, OpenError::NoKey { .. } | OpenError::Malformed { .. } | OpenError::Unsupported { .. })
        };
        opening.opened > 0 || opening.unopened.iter().any(|unopened| !needs_key(&unopened.error))
    })
}

#[cfg(test)]
mod tests {
    use crate::check::report::human;
    use crate::check::samples::{lines, report};

    fn found(text: &str) -> Vec<String> {
        lines(&[("user.yml", text)])
    }

    #[test]
    fn a_plain_secret_is_told_without_itself() {
        assert_eq!(
            found("db:\n  password: hunter2hunter2\n"),
            ["plain-secret user.yml:2:13 `db.password` looks like a secret in plain text: its name says password \
              (user default)"]
        );
    }

    #[test]
    fn what_is_sealed_referred_to_or_declared_harmless_is_no_finding() {
        let sealed = "password: '{cipher}{v:1}{key:k}{ctx:prop}x'\n";
        for text in ["password: ${a}\na: b\n", "password: hunter2hunter2 # layerd: not a secret\n", "user: hunter2\n"] {
            assert_eq!(found(text), [""; 0], "{text}");
        }
        assert!(
            found(sealed).iter().all(|line| line.starts_with("cipher-malformed user.yml:1:11 ")),
            "{:?}",
            found(sealed)
        );
    }

    #[test]
    fn no_finding_shows_a_plain_secret() {
        let text = "m: {a: on, password: 012345678901, b: off}\n";
        let report = report(&[("user.yml", text)]);
        let shown = human::write(&report, "", false, |_| Some(text.as_bytes()));
        assert!(!shown.contains("0123") && !shown.contains("off}"), "{shown}");
        assert_eq!(shown.matches("1 | m: {a: on, password: ***\n").count(), 3, "{shown}");
        let told = format!("{:?}", report.findings);
        assert!(!told.contains("0123"), "{told}");
    }
}
