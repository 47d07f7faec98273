//! For the tests of rules: a repository out of strings, checked, with its findings as lines.

use std::sync::Arc;

use sha2::{Digest as _, Sha256};

use crate::config::tree::{BlobId, CommitId, File, Tree};
use crate::format::Limits;
use crate::snapshot::{Bodies, OnFailure, Rules, Secrets, Snapshot};

use super::policy::{self, Policy};
use super::{Input, Report, Texts, check};

/// The snapshot of files, with their bytes.
pub(super) fn snapshot(files: &[(&str, &str)]) -> (Snapshot, Texts) {
    let (mut tree, mut texts) = (Tree::default(), Texts::new());
    for (index, (path, text)) in files.iter().enumerate() {
        let digest = Sha256::digest(text.as_bytes());
        // Equal texts in two files are kept apart; a text that changes is another blob.
        let blob = BlobId(std::array::from_fn(|at| if at == 0 { u8::try_from(index).unwrap() } else { digest[at] }));
        texts.insert(blob, text.as_bytes().to_vec());
        tree.files.insert(Arc::from(*path), File { blob, size: text.len() as u64 });
    }
    let read = |blob| Ok::<_, ()>(texts[&blob].clone());
    let id = (CommitId([0; 20]), 1_767_225_600);
    let secrets = Secrets { on_failure: OnFailure::Tell, ..Secrets::default() };
    let rules = (&Rules::default(), &secrets);
    let snapshot = Snapshot::build(id, tree, rules, &mut Bodies::default(), read).unwrap();
    (snapshot, texts)
}

/// What is found in files; `.layerd-check.yaml` among them is the policy.
pub(super) fn report(files: &[(&str, &str)]) -> Report {
    report_since(files, None)
}

/// What is found in files after others were there.
pub(super) fn report_since(files: &[(&str, &str)], before: Option<&Snapshot>) -> Report {
    let (snapshot, texts) = snapshot(files);
    let text = files.iter().find(|(path, _)| *path == policy::FILE);
    let policy = text.map(|(_, text)| Policy::read(text.as_bytes())).unwrap_or_default();
    check(Input {
        snapshot: &snapshot,
        texts: &texts,
        others: &[],
        filtered: &[],
        limits: &Limits::default(),
        policy: &policy,
        before,
    })
}

/// The findings as `code file:line:column message (whom it reaches)`.
pub(super) fn lines(files: &[(&str, &str)]) -> Vec<String> {
    let line = |finding: &super::Finding| {
        let reach = |reach: &super::Reach| format!("{} {}", reach.application, reach.profiles.join("+"));
        let reached: Vec<String> = finding.applications.iter().map(reach).collect();
        let (file, at) = (&finding.file, finding.at);
        format!("{} {file}:{}:{} {} ({})", finding.code, at.line, at.column, finding.message, reached.join(", "))
    };
    report(files).findings.iter().map(line).collect()
}
