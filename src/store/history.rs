//! The commits behind a label, newest first along first parents, read only as far as a question needs.
//!
//! Of each commit only the files that the address selects are looked up; where they are those of the commit after it,
//! nothing is parsed. Which commits count as a change is decided in `answer/history.rs`.

use std::sync::Arc;
use std::time::Instant;

use crate::answer::history::{Turn, Turns, state};
use crate::config::address::Address;
use crate::config::tree::CommitId;
use crate::snapshot::{Bodies, Rules, Secrets, Snapshot};
use crate::source::mirror::history::{About, Parent};
use crate::source::{ReadError, Reader};

use super::past::{Files, Past, SoughtFiles};
use super::pool::ColdError;
use super::{Chosen, Store};

/// How far a history is followed.
#[derive(Debug, Clone, Copy)]
pub struct Bounds {
    /// The most changes that are told.
    pub changes: usize,
    /// The most commits that are looked at.
    pub commits: usize,
    /// When to stop.
    pub deadline: Instant,
}

/// A commit and what it says of itself.
#[derive(Debug, Clone)]
pub struct Commit {
    /// Its id.
    pub id: CommitId,
    /// What it says of itself.
    pub about: About,
}

/// The commits that changed a value, the newest first.
#[derive(Debug)]
pub struct History {
    /// The commits, each with the value before and since.
    pub turns: Vec<Turn<Commit>>,
    /// True if no older commit can have changed it; else the bounds ended the walk, or older commits were not fetched.
    pub complete: bool,
}

/// The commits that changed the value of a key, from `tip` backwards; `None` if the source keeps no history.
///
/// # Errors
/// If a commit cannot be read.
pub fn history(
    reader: &mut dyn Reader,
    meaning: (&Rules, &Secrets),
    tip: CommitId,
    (address, key): (&Address, &str),
    bounds: Bounds,
) -> Result<Option<History>, ReadError> {
    let (mut wanted, mut bodies) = (SoughtFiles::new(std::iter::once(address)), Bodies::default());
    let mut past = Past::new(reader, meaning, &mut bodies);
    let mut turns = Turns::default();
    let mut found = Vec::new();
    // The snapshot is kept, so that the next one parses only the files that differ.
    let mut newer: Option<(Files, Arc<Snapshot>)> = None;
    let mut next = tip;
    for _ in 0..bounds.commits {
        let Some(about) = past.reader.about(next)? else { return Ok(None) };
        let parent = about.parent;
        let commit = Commit { id: next, about };
        let files = past.files(next, &mut wanted)?;
        match &newer {
            Some((known, _)) if *known == files => turns.see_same(commit),
            _ => {
                let snapshot = past.snapshot(next, &files)?;
                found.extend(turns.see(commit, state(&snapshot, address, key)));
                newer = Some((files, snapshot));
            }
        }
        match parent {
            Parent::Commit(id) if found.len() < bounds.changes && Instant::now() < bounds.deadline => next = id,
            Parent::Nothing => {
                if found.len() < bounds.changes {
                    found.extend(turns.end());
                    return Ok(Some(History::new(found, key, true)));
                }
                break;
            }
            Parent::Commit(_) | Parent::Unknown => break,
        }
    }
    Ok(Some(History::new(found, key, false)))
}

impl History {
    fn new(turns: Vec<Turn<Commit>>, key: &str, complete: bool) -> Self {
        Self { turns: turns.into_iter().map(|turn| turn.starred(key)).collect(), complete }
    }

    /// The same with its secrets as plain text.
    #[must_use]
    pub fn revealed(self) -> Self {
        Self { turns: self.turns.into_iter().map(Turn::revealed).collect(), ..self }
    }
}

impl Store {
    /// The commits behind a chosen snapshot that changed the value of a key; `None` if the source keeps no history.
    ///
    /// # Errors
    /// If no place for reading came free in time, or the local copy cannot be read.
    pub async fn history(
        &self,
        chosen: &Chosen,
        address: &Address,
        key: &str,
        bounds: Bounds,
    ) -> Result<Option<History>, ColdError> {
        // Of joined sources the strongest: commits of several have no common order.
        let Some(live) = chosen.first.live.clone() else { return Ok(None) };
        let tip = chosen.first.snapshot.commit;
        let (address, key) = (address.clone(), key.to_owned());
        let work = move || {
            let mut reader = live.source.open()?;
            let meaning = (&live.settings.rules, &**live.settings.secrets.load());
            history(&mut *reader, meaning, tip, (&address, &key), bounds)
        };
        self.cold.run(work).await
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::super::fake::Fake;
    use super::*;
    use crate::answer::compare::shown;
    use crate::config::value::Value;

    /// The changes of `a` for `user` in `eu` among these commits: `commit:from>to`, the newest first.
    fn told(commits: &[&[(&str, &str)]], bounds: (usize, usize)) -> String {
        let mut fake = Fake::new();
        let made: Vec<_> = commits.iter().map(|files| fake.commit("main", files)).collect();
        let tip = *made.last().unwrap();
        let address = Address::parse("user", Some("eu"), None).unwrap();
        let bounds =
            Bounds { changes: bounds.0, commits: bounds.1, deadline: Instant::now() + Duration::from_secs(60) };
        let found = history(&mut fake, (&Rules::default(), &Secrets::default()), tip, (&address, "a"), bounds)
            .unwrap()
            .unwrap();
        let value = |value: &Option<Value>| value.as_ref().map_or_else(|| "-".to_owned(), shown);
        let turn = |turn: &Turn<Commit>| format!("{}:{}>{}", turn.commit.id.0[0], value(&turn.from), value(&turn.to));
        let turns: Vec<_> = found.turns.iter().map(turn).collect();
        format!("{} {}", turns.join(" "), if found.complete { "all" } else { "more" })
    }

    const ALL: (usize, usize) = (10, 100);

    #[test]
    fn those_commits_are_told_that_changed_what_the_service_gets() {
        let commits: [&[(&str, &str)]; 7] = [
            &[("application.yml", "b: 1"), ("other.yml", "a: 9")],
            &[("application.yml", "a: 1")],
            &[("other.yml", "a: 8")],
            &[("application-eu.yml", "a: 2"), ("application-us.yml", "a: 3")],
            &[("application.yml", "a: 5")],
            &[("user.yml", "a: ${b}\nb: 7")],
            &[("user.yml", ""), ("application-eu.yml", "")],
        ];
        assert_eq!(told(&commits, ALL), "7:7>5 6:2>7 4:1>2 2:->1 all");
    }

    #[test]
    fn a_commit_that_was_never_served_changes_nothing() {
        let commits: [&[(&str, &str)]; 4] =
            [&[("user.yml", "a: 1")], &[("user.yml", "a: [")], &[("x.yml", "a: 1")], &[("user.yml", "a: 2")]];
        assert_eq!(told(&commits, ALL), "4:1>2 1:->1 all");
        assert_eq!(told(&commits[..3], ALL), "1:->1 all");
    }

    #[test]
    fn the_bounds_end_the_walk_and_it_says_so() {
        let commits: [&[(&str, &str)]; 3] = [&[("user.yml", "a: 1")], &[("user.yml", "a: 2")], &[("user.yml", "a: 3")]];
        assert_eq!(told(&commits, (2, 100)), "3:2>3 2:1>2 more");
        assert_eq!(told(&commits, (1, 100)), "3:2>3 more");
        assert_eq!(told(&commits, (10, 2)), "3:2>3 more");
        assert_eq!(told(&commits, (3, 3)), "3:2>3 2:1>2 1:->1 all");
    }
}
