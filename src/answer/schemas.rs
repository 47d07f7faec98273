//! What the schemas of a snapshot say about an answer, and whether it is given all the same.

use crate::config::address::Address;
use crate::config::problem::{Problem, Severity};
use crate::schema::instance::Instance;
use crate::schema::{MISSING_KEY, Mode};
use crate::snapshot::Snapshot;

use super::Selection;

/// What keeps the answer of a selection to an address from being given: what it breaks of the schemas of the snapshot, if
/// they are enforced. The selection may hold layers of other snapshots as well.
#[must_use]
pub fn faults(snapshot: &Snapshot, address: &Address, selection: &Selection) -> Vec<Problem> {
    if snapshot.schemas.mode != Mode::Enforce {
        return Vec::new();
    }
    let mut found = violations(snapshot, &address.application, selection);
    found.retain(|problem| problem.severity == Severity::Error);
    for problem in found.iter_mut().filter(|problem| problem.code == MISSING_KEY) {
        problem.message = format!("{} for {}", problem.message, profiles(address.profiles.iter().map(|name| &**name)));
    }
    found
}

/// What a selection breaks of the schemas that an application's answers keep to, whatever they are worth. Errors, and
/// warnings of schemas that cost too much to be applied.
#[must_use]
pub fn violations(snapshot: &Snapshot, application: &str, selection: &Selection) -> Vec<Problem> {
    if snapshot.schemas.set.is_empty() {
        return Vec::new();
    }
    let paths = snapshot.search_paths.schemas(application);
    let mut schemas = snapshot.schemas.of(&paths).peekable();
    if schemas.peek().is_none() {
        return Vec::new();
    }
    let instance = Instance::of(&selection.layers, selection.effective());
    schemas.flat_map(|schema| schema.check(&instance)).collect()
}

/// The profiles as words: `the profile x`, or `the profiles x, y`.
pub fn profiles<'a>(names: impl Iterator<Item = &'a str>) -> String {
    let names: Vec<String> = names.map(|name| format!("`{name}`")).collect();
    format!("the profile{} {}", if names.len() == 1 { "" } else { "s" }, names.join(", "))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::answer::{self, AnswerError};
    use crate::config::tree::{BlobId, CommitId, File, Tree};
    use crate::snapshot::{Bodies, Rules, Secrets};

    const FILES: [(&str, &str); 4] = [
        ("application.schema.json", r#"{"required": ["url"], "properties": {"a": {"type": "integer"}}}"#),
        ("application.yml", "a: x\n"),
        ("user.yml", "url: u\na: 1\n"),
        ("order.yml", "b: 1\n"),
    ];

    fn snapshot(files: &[(&str, &str)], schemas: Mode) -> Snapshot {
        let blob = |number: usize| BlobId([u8::try_from(number).unwrap(); 20]);
        let file = |(number, (path, text)): (usize, &(&str, &str))| {
            (Arc::from(*path), File { blob: blob(number), size: text.len() as u64 })
        };
        let tree = Tree { files: files.iter().enumerate().map(file).collect(), ..Tree::default() };
        let read = |id| Ok::<_, ()>(files[(0..).find(|number| blob(*number) == id).unwrap()].1.as_bytes().to_vec());
        let rules = Rules { schemas, ..Rules::default() };
        let commit = (CommitId([1; 20]), 0);
        Snapshot::build(commit, tree, (&rules, &Secrets::default()), &mut Bodies::default(), read).unwrap()
    }

    fn told(snapshot: &Snapshot, application: &str) -> String {
        let address = Address::parse(application, Some("dev,eu"), None).unwrap();
        match answer::whole(snapshot, &address) {
            Ok(selection) => format!("{} layers", selection.layers.len()),
            Err(AnswerError::Broken(problems)) => problems
                .iter()
                .map(|problem| format!("{} {}", problem.file, problem.message))
                .collect::<Vec<_>>()
                .join("; "),
            Err(other) => other.to_string(),
        }
    }

    #[test]
    fn only_what_is_enforced_keeps_an_answer_back() {
        let enforced = snapshot(&FILES, Mode::Enforce);
        assert_eq!(told(&enforced, "user"), "2 layers");
        assert_eq!(
            told(&enforced, "order"),
            "application.yml `url` is missing for the profiles `dev`, `eu`; application.yml `a` is a text, not an integer"
        );
        assert_eq!(told(&snapshot(&FILES, Mode::Warn), "order"), "2 layers");
        assert_eq!(told(&snapshot(&FILES, Mode::Off), "order"), "2 layers");
    }

    #[test]
    fn problems_are_warnings_unless_they_keep_an_answer_back() {
        let severities = |mode| {
            let problems = answer::all_problems(&snapshot(&FILES, mode));
            problems.iter().map(|problem| format!("{:?} {}", problem.severity, problem.code)).collect::<Vec<_>>()
        };
        assert_eq!(severities(Mode::Warn), ["Warning schema-missing-key", "Warning schema-violation"]);
        assert_eq!(severities(Mode::Enforce), ["Error schema-missing-key", "Error schema-violation"]);
        assert_eq!(severities(Mode::Off), [""; 0]);
    }

    #[test]
    fn a_broken_schema_takes_nobody_down() {
        let mut files = FILES;
        files[0].1 = r#"{"required": "url", "properties": {"a": false}}"#;
        let enforced = snapshot(&files, Mode::Enforce);
        assert_eq!(told(&enforced, "order"), "2 layers");
        let told: Vec<_> = enforced.problems.iter().map(|problem| (problem.code, problem.severity)).collect();
        assert_eq!(told, [("schema-broken", Severity::Warning)]);
    }

    #[test]
    fn the_schemas_of_two_equal_commits_are_compiled_once() {
        let mut bodies = Bodies::default();
        let mut build = |text: &str| {
            let file = |blob| File { blob: BlobId([blob; 20]), size: 2 };
            let files =
                [(Arc::from("application.schema.json"), file(1)), (Arc::from("a.yml"), file(text.as_bytes()[0]))];
            let tree = Tree { files: files.into_iter().collect(), ..Tree::default() };
            let read = |id| Ok::<_, ()>(if id == BlobId([1; 20]) { b"{}".to_vec() } else { text.as_bytes().to_vec() });
            let rules = (&Rules::default(), &Secrets::default());
            Snapshot::build((CommitId([1; 20]), 0), tree, rules, &mut bodies, read).unwrap()
        };
        let (one, two) = (build("a: 1"), build("b: 1"));
        assert!(Arc::ptr_eq(&one.schemas.set, &two.schemas.set));
    }
}
