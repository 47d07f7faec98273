//! Labels that a fetch has moved to a history which has nothing in common with the one before.
//!
//! Somebody may have done that on purpose, to be rid of a secret for example, or another repository answers at the URL.
//! Nothing tells the two apart, so it is served, and told.

use std::collections::{BTreeMap, HashMap, VecDeque};

use git2::{Oid, Repository};
use serde::{Deserialize, Serialize};

/// How many such labels are told by name.
const TOLD: usize = 10;

/// How many commits are looked at in one fetch; enough for years of either history, a fraction of a second.
const MAX_LOOKS: usize = 50_000;

/// The labels of one fetch.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rewritten {
    /// The first of them.
    pub labels: Vec<Moved>,
    /// How many more there are.
    pub more: usize,
    /// True if no label that was there before is related to what it was.
    pub all: bool,
}

/// A label that has moved.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Moved {
    /// Its full name.
    pub name: String,
    /// The commit that it led to.
    pub from: String,
    /// The commit that it leads to now.
    pub to: String,
}

/// Compares what full names led to with what they lead to now.
pub(super) fn rewritten(
    repository: &Repository,
    before: &BTreeMap<String, Oid>,
    after: &BTreeMap<String, Oid>,
) -> Rewritten {
    let mut rewritten = Rewritten::default();
    if repository.is_shallow() {
        return rewritten; // where histories end is no beginning there
    }
    let mut looks = MAX_LOOKS;
    let stayed = before.iter().filter_map(|(name, from)| Some((name, *from, *after.get(name)?)));
    let mut related = 0;
    for (name, from, to) in stayed {
        if from == to || !are_unrelated(repository, from, to, &mut looks) {
            related += 1;
        } else if rewritten.labels.len() < TOLD {
            rewritten.labels.push(Moved { name: name.clone(), from: from.to_string(), to: to.to_string() });
        } else {
            rewritten.more += 1;
        }
    }
    rewritten.all = related == 0 && !rewritten.labels.is_empty();
    rewritten
}

/// True if the histories of two commits were read to their ends and meet nowhere. A step in one, a step in the other: a
/// branch that has grown is recognised after as many steps as it has grown.
fn are_unrelated(repository: &Repository, one: Oid, other: Oid, looks: &mut usize) -> bool {
    let mut sides = HashMap::from([(one, false), (other, true)]);
    let mut queues = [VecDeque::from([one]), VecDeque::from([other])];
    while queues.iter().any(|queue| !queue.is_empty()) {
        for (side, queue) in [false, true].into_iter().zip(&mut queues) {
            let Some(id) = queue.pop_front() else { continue };
            let (Some(left), Ok(commit)) = (looks.checked_sub(1), repository.find_commit(id)) else { return false };
            *looks = left;
            for parent in commit.parent_ids() {
                match sides.insert(parent, side) {
                    Some(seen) if seen != side => return false,
                    Some(_) => {}
                    None => queue.push_back(parent),
                }
            }
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::tests::{Origin, oid};

    /// What is told of `main`, and of `side` if there is one, that were at `before` and are at `after`.
    fn told(origin: &Origin, before: &[Oid], after: &[Oid]) -> String {
        let names = ["refs/heads/main", "refs/heads/side"].map(str::to_owned);
        let tips = |ids: &[Oid]| names.iter().cloned().zip(ids.iter().copied()).collect::<BTreeMap<_, _>>();
        let Rewritten { labels, more, all } = rewritten(&origin.repository, &tips(before), &tips(after));
        assert_eq!(more, 0);
        let label = |moved: &Moved| {
            assert_ne!(moved.from, moved.to);
            moved.name.replace("refs/heads/", "")
        };
        format!("{}{}", labels.iter().map(label).collect::<Vec<_>>().join(" "), if all { " all" } else { "" })
    }

    #[test]
    fn bad_f09_a_history_without_anything_in_common_is_told_and_every_other_move_is_not() {
        let origin = Origin::new();
        let first = oid(origin.commit("main", "a.yml", "a: 1"));
        let second = oid(origin.commit("main", "a.yml", "a: 2"));
        origin.point("refs/heads/main", first);
        let aside = oid(origin.commit("main", "a.yml", "a: 3"));
        let elsewhere = oid(origin.commit("elsewhere", "a.yml", "a: 4"));
        let further = oid(origin.commit("elsewhere", "a.yml", "a: 5"));
        for (from, to) in [(first, first), (first, second), (second, first), (second, aside), (elsewhere, further)] {
            assert_eq!(told(&origin, &[from], &[to]), "");
        }
        assert_eq!(told(&origin, &[second], &[further]), "main all");
        assert_eq!(told(&origin, &[further], &[first]), "main all");
        assert_eq!(told(&origin, &[second, first], &[further, aside]), "main");
        assert_eq!(told(&origin, &[second, first], &[further, elsewhere]), "main side all");
        assert_eq!(told(&origin, &[second, first], &[further]), "main all");
        assert_eq!(told(&origin, &[], &[first]), "");
    }

    #[test]
    fn what_cannot_be_known_is_not_told() {
        let origin = Origin::new();
        let first = oid(origin.commit("main", "a.yml", "a: 1"));
        let other = oid(origin.commit("other", "a.yml", "a: 2"));
        assert!(are_unrelated(&origin.repository, first, other, &mut 2));
        assert!(!are_unrelated(&origin.repository, first, other, &mut 1), "too long a history");
        let missing = Oid::from_bytes(&[7; 20]).unwrap();
        assert_eq!(told(&origin, &[missing], &[first]), "");
        std::fs::write(origin.path().join("shallow"), format!("{first}\n")).unwrap();
        assert_eq!(told(&origin, &[first], &[other]), "");
    }

    #[test]
    fn of_many_labels_a_few_are_told_by_name() {
        let origin = Origin::new();
        let ids = [origin.commit("main", "a.yml", "a: 1"), origin.commit("other", "a.yml", "a: 2")].map(oid);
        let [before, after] = ids.map(|id| (0..25).map(|number| (format!("refs/heads/{number:02}"), id)).collect());
        let Rewritten { labels, more, all } = rewritten(&origin.repository, &before, &after);
        assert_eq!((labels.len(), more, all), (10, 15, true));
        assert_eq!(labels[9].name, "refs/heads/09");
    }
}
