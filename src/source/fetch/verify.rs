//! Whether everything that labels lead to has arrived: commits, folders and files of their tips.
//!
//! A server, or a connection that was cut in the wrong place, may leave out what it has promised, and nothing else would
//! notice before somebody asks. After a fetch only this is looked at. When a mirror is under suspicion, all of it is.

use std::collections::{BTreeMap, HashSet};
use std::time::Instant;

use git2::{ErrorClass, ErrorCode, ObjectType, Oid, Repository};

use crate::source::FetchError;
use crate::source::transport::failure::{explain, out_of_time};

/// The bits of a mode that tell the kind, and the kind of a submodule, whose commit is in another repository.
const KIND: i32 = 0o170_000;
const SUBMODULE: i32 = 0o160_000;

/// How many objects are looked at between two looks at the clock.
const STRIDE: usize = 256;

/// Checks the tips, given with the names that they are known by.
///
/// # Errors
/// Names the first label of which something is missing or cannot be read.
pub(super) fn verify<'a>(
    repository: &Repository,
    tips: impl Iterator<Item = (&'a str, Oid)>,
    deadline: Instant,
) -> Result<(), FetchError> {
    let mut seen = HashSet::new();
    for (name, tip) in tips {
        verify_one(repository, tip, &mut seen, deadline).map_err(|fault| match fault {
            Fault::Time => out_of_time(),
            Fault::Object(error) if error.code() == ErrorCode::NotFound => {
                FetchError::new("protocol", format!("the server has not sent all of `{name}`"))
            }
            Fault::Object(error) => explain(&error),
        })?;
    }
    Ok(())
}

/// Whether everything in a mirror can be read: the tips, the history behind them, and whatever else there is, for a fetch
/// may build upon any of it. Reads it all, so this is for when there is a reason to. What could not be looked at in time
/// counts as whole.
pub(in crate::source) fn is_whole(repository: &Repository, tips: &BTreeMap<String, Oid>, deadline: Instant) -> bool {
    let names = tips.iter().map(|(name, tip)| (&**name, *tip));
    match verify(repository, names, deadline) {
        Err(error) if error.reason == "timeout" => return true,
        Err(_) => return false,
        Ok(()) => {}
    }
    read_all(repository, tips, deadline).is_ok()
}

fn read_all(repository: &Repository, tips: &BTreeMap<String, Oid>, deadline: Instant) -> Result<(), git2::Error> {
    let in_time = |count: usize| !count.is_multiple_of(STRIDE) || Instant::now() < deadline;
    let mut history = repository.revwalk()?;
    tips.values().try_for_each(|tip| history.push(*tip))?;
    for (count, commit) in history.enumerate().take_while(|(count, _)| in_time(*count)) {
        commit.map(|_| count)?;
    }
    let objects = repository.odb()?;
    let mut all = Vec::new();
    objects.foreach(|id| {
        all.push(*id);
        true
    })?;
    for (_, id) in all.iter().enumerate().take_while(|(count, _)| in_time(*count)) {
        objects.read(*id)?;
    }
    Ok(())
}

enum Fault {
    Object(git2::Error),
    Time,
}

impl From<git2::Error> for Fault {
    fn from(error: git2::Error) -> Self {
        Self::Object(error)
    }
}

/// Looks at everything that is not yet in `seen`; files are not inflated, only found.
fn verify_one(repository: &Repository, tip: Oid, seen: &mut HashSet<Oid>, deadline: Instant) -> Result<(), Fault> {
    let objects = repository.odb()?;
    let mut folders = match repository.find_commit(tip) {
        Ok(commit) => vec![commit.tree_id()],
        Err(error) if makes_no_sense(&error) => return Ok(()),
        Err(error) => return Err(error.into()),
    };
    while let Some(folder) = folders.pop() {
        if !seen.insert(folder) {
            continue;
        }
        if seen.len().is_multiple_of(STRIDE) && Instant::now() >= deadline {
            return Err(Fault::Time);
        }
        let entries = match repository.find_tree(folder) {
            Ok(entries) => entries,
            Err(error) if makes_no_sense(&error) => continue,
            Err(error) => return Err(error.into()),
        };
        for entry in &entries {
            match entry.kind() {
                Some(ObjectType::Tree) => folders.push(entry.id()),
                _ if entry.filemode_raw() & KIND == SUBMODULE => {}
                _ if !seen.insert(entry.id()) || objects.exists(entry.id()) => {}
                _ => return Err(git2::Error::new(ErrorCode::NotFound, ErrorClass::Odb, "a file is missing").into()),
            }
        }
    }
    Ok(())
}

/// True for objects that are whole and yet nothing that Git would write. They have arrived as they are on the other side;
/// who reads them tells what is wrong, for the label concerned alone.
fn makes_no_sense(error: &git2::Error) -> bool {
    error.code() != ErrorCode::NotFound && matches!(error.class(), ErrorClass::Tree | ErrorClass::Object)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::source::tests::{FILE, FOLDER, Origin, SUBMODULE, oid};

    fn told(origin: &Origin, tip: Oid, time: Duration) -> String {
        let told = verify(&origin.repository, [("refs/heads/main", tip)].into_iter(), Instant::now() + time);
        told.map_or_else(|error| format!("{}: {}", error.reason, error.message), |()| "whole".to_owned())
    }

    #[test]
    fn what_is_missing_below_a_tip_is_noticed_wherever_it_is() {
        let origin = Origin::new();
        let none = Oid::from_bytes(&[7; 20]).unwrap();
        let minute = Duration::from_secs(60);
        let file = origin.blob("a: 1");
        let inner = origin.tree(&[(FILE, b"a.yml", file), (SUBMODULE, b"module", none)]);
        let whole = origin.tree(&[(FOLDER, b"inner", inner), (FILE, b"x.yml", file)]);
        let no_file = origin.tree(&[(FOLDER, b"inner", origin.tree(&[(FILE, b"a.yml", none)]))]);
        let no_folder = origin.tree(&[(FOLDER, b"inner", none)]);
        assert_eq!(told(&origin, oid(origin.commit_tree(whole, &[])), minute), "whole");
        for tree in [no_file, no_folder] {
            let tip = oid(origin.commit_tree(tree, &[]));
            assert_eq!(told(&origin, tip, minute), "protocol: the server has not sent all of `refs/heads/main`");
        }
        assert_eq!(told(&origin, none, minute), "protocol: the server has not sent all of `refs/heads/main`");
    }

    #[test]
    fn under_suspicion_history_and_objects_that_no_label_leads_to_are_read_as_well() {
        let origin = Origin::new();
        let old = origin.commit("main", "a.yml", "a: 1");
        let tip = oid(origin.commit("main", "a.yml", "a: 2"));
        let stray = origin.blob("stray");
        let tips = BTreeMap::from([("refs/heads/main".to_owned(), tip)]);
        let whole = || {
            let fresh = Repository::open(origin.path()).unwrap();
            is_whole(&fresh, &tips, Instant::now() + Duration::from_secs(60))
        };
        assert!(whole());
        for id in [stray, oid(old)] {
            let digits = id.to_string();
            let object = origin.path().join("objects").join(&digits[..2]).join(&digits[2..]);
            let aside = object.with_extension("aside");
            std::fs::rename(&object, &aside).unwrap();
            std::fs::write(&object, "spoilt").unwrap();
            assert!(!whole(), "{id}");
            std::fs::rename(&aside, &object).unwrap();
        }
        assert!(whole());
    }
}
