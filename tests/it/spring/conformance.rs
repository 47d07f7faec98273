//! The exchanges that were recorded from a real Spring Cloud Config Server, replayed against ours.
//!
//! Each case brings its own settings, which go in through `--from-spring`, and its repositories, served by Git's own HTTP
//! backend. The rules of comparison are those of `tests/conformance/README.md`; they are in `compare.rs`. Cases named in
//! `pending` need what is not there yet; those in `unfinished` are tried and have to fail.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::thread;

use super::case::{Case, Running};

/// Cases at once: one for each core of a small machine.
const AT_ONCE: usize = 3;

/// What came of a case.
struct Outcome {
    name: String,
    exchanges: usize,
    faults: Vec<String>,
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/conformance")
}

/// The cases of a list, each with the reason why it is there.
fn listed(name: &str) -> BTreeMap<String, String> {
    let text = fs::read_to_string(folder().join(name)).unwrap();
    let lines = text.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
    let entry = |line: &str| line.split_once(": ").map(|(case, reason)| (case.to_owned(), reason.to_owned()));
    lines.map(|line| entry(line).unwrap_or_else(|| panic!("`{line}` gives no reason"))).collect()
}

fn replay(folder: &Path) -> Outcome {
    let case = Case::read(folder);
    let mut running = Running::start(&case);
    let (mut exchanges, mut faults) = (0, Vec::new());
    for (step, recorded) in case.walk() {
        let Some(recorded) = recorded else {
            running.commit(step);
            continue;
        };
        exchanges += 1;
        let answer = running.ask(step);
        faults.extend(super::compare::difference(step, recorded, &answer, &running.masks()));
    }
    Outcome { name: case.name, exchanges, faults }
}

#[test]
fn a_real_spring_cloud_config_server_answers_alike() {
    let (pending, unfinished) = (listed("pending"), listed("unfinished"));
    let cases = fs::read_dir(folder().join("cases")).unwrap().map(|entry| entry.unwrap().path());
    let is_pending = |path: &PathBuf| pending.contains_key(path.file_name().unwrap().to_str().unwrap());
    let (skipped, mut cases): (Vec<_>, Vec<_>) = cases.partition(is_pending);
    assert_eq!(skipped.len(), pending.len(), "`pending` names cases that are not there");
    cases.sort_by(|one, other| other.cmp(one));
    let (queue, outcomes) = (Mutex::new(cases), Mutex::new(Vec::new()));
    thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            scope.spawn(|| {
                loop {
                    let Some(next) = queue.lock().unwrap().pop() else { break };
                    let outcome = replay(&next);
                    outcomes.lock().unwrap().push(outcome);
                }
            });
        }
    });
    let outcomes = outcomes.into_inner().unwrap();
    let failed = outcomes.iter().filter(|outcome| !outcome.faults.is_empty());
    let (known, news): (Vec<_>, Vec<_>) = failed.partition(|outcome| unfinished.contains_key(&outcome.name));
    let told: Vec<_> = news.iter().map(|news| format!("{}\n{}", news.name, news.faults.join("\n"))).collect();
    assert!(news.is_empty(), "{}", told.join("\n"));
    assert_eq!(known.len(), unfinished.len(), "a case of `unfinished` passes: take it off the list");
    let counts = (outcomes.len(), outcomes.iter().map(|outcome| outcome.exchanges).sum::<usize>());
    assert_eq!(counts, (COUNTS.0, COUNTS.1), "cases and exchanges");
}

/// The cases that are replayed, and the exchanges in them.
const COUNTS: (usize, usize) = (56, 981);
