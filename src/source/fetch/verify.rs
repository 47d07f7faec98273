//! Whether everything that labels lead to has arrived: commits, folders and files of their tips.
//!
//! A server, or a connection that was cut in the wrong place, may leave out what it has promised, and nothing else would
//! notice before somebody asks. After a fetch only this is looked at. When a mirror is under suspicion, all of it is.

use std::collections::{BTreeMap, HashSet};
use std::time::Instant;

use git2::{ErrorClass, ErrorCode, ObjectType, Odb, Oid, Repository};

use crate::source::FetchError;
use crate::source::transport::failure::{explain, out_of_time, printable};

/// The bits of a mode that tell the kind, and the kind of a submodule, whose commit is in another repository.
const KIND: i32 = 0o170_000;
const SUBMODULE: i32 = 0o160_000;

/// How many objects are looked at between two looks at the clock.
const STRIDE: usize = 256;

/// Checks tips one after the other, and remembers what it has seen.
pub(super) struct Verifier<'a> {
    repository: &'a Repository,
    /// The folders that lead to the configuration. What makes no sense beside them is nobody's loss.
    root: &'a [String],
    seen: HashSet<Oid>,
    /// What is known to be a file, and not only to be there.
    files: HashSet<Oid>,
    deadline: Instant,
}

impl<'a> Verifier<'a> {
    pub(super) fn new(repository: &'a Repository, root: &'a [String], deadline: Instant) -> Self {
        Self { repository, root, seen: HashSet::new(), files: HashSet::new(), deadline }
    }

    /// Checks a tip, given with the name that it is known by.
    ///
    /// # Errors
    /// Reason `timeout` if there was no time to do so; else of this tip something is missing, malformed or unreadable.
    pub(super) fn check(&mut self, name: &str, tip: Oid) -> Result<(), FetchError> {
        self.look(tip).map_err(|fault| match fault {
            Fault::Time => out_of_time(),
            Fault::Object(error) if error.code() == ErrorCode::NotFound => {
                FetchError::new("protocol", format!("the server has not sent all of `{name}`"))
            }
            Fault::Object(error) if makes_no_sense(&error) => FetchError::new(
                "protocol",
                format!("an object of `{name}` is malformed: {}", printable(error.message())),
            ),
            Fault::Object(error) => explain(&error),
        })
    }
}

/// Whether everything in a mirror can be read: the tips, the history behind them, and whatever else there is, for a fetch
/// may build upon any of it. Reads it all, so this is for when there is a reason to. What could not be looked at in time
/// counts as whole.
pub(in crate::source) fn is_whole(repository: &Repository, tips: &BTreeMap<String, Oid>, deadline: Instant) -> bool {
    let mut verifier = Verifier::new(repository, &[], deadline);
    for tip in tips.values() {
        match verifier.look(*tip) {
            Ok(()) => {}
            Err(Fault::Time) => return true,
            // As it was sent.
            Err(Fault::Object(error)) if makes_no_sense(&error) => {}
            Err(Fault::Object(_)) => return false,
        }
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

impl Verifier<'_> {
    /// Looks at everything that was not seen yet; files are not inflated, only found.
    fn look(&mut self, tip: Oid) -> Result<(), Fault> {
        let objects = self.repository.odb()?;
        // Each with how many steps of the root lead there; `None` beside the root.
        let mut folders = vec![(self.repository.find_commit(tip)?.tree_id(), Some(0))];
        let mut entered = Vec::new();
        let looked = self.look_into(&objects, &mut folders, &mut entered);
        if looked.is_err() {
            // Another label may lead to the same folder, and must not pass for whole because of that.
            entered.iter().for_each(|id| {
                self.seen.remove(id);
            });
        }
        looked
    }

    fn look_into(
        &mut self,
        objects: &Odb<'_>,
        folders: &mut Vec<(Oid, Option<usize>)>,
        entered: &mut Vec<Oid>,
    ) -> Result<(), Fault> {
        while let Some((folder, steps)) = folders.pop() {
            if !self.seen.insert(folder) {
                continue;
            }
            entered.push(folder);
            if self.seen.len().is_multiple_of(STRIDE) && Instant::now() >= self.deadline {
                return Err(Fault::Time);
            }
            let entries = match self.repository.find_tree(folder) {
                Ok(entries) => entries,
                Err(error) if makes_no_sense(&error) && steps.is_none() => {
                    self.seen.remove(&folder);
                    continue;
                }
                Err(error) if error.code() == ErrorCode::NotFound && objects.exists(folder) => {
                    return Err(git2::Error::new(ErrorCode::Invalid, ErrorClass::Tree, "a folder is no tree").into());
                }
                Err(error) => return Err(error.into()),
            };
            for entry in &entries {
                match entry.kind() {
                    Some(ObjectType::Tree) => folders.push((entry.id(), self.step(steps, entry.name_bytes()))),
                    _ if entry.filemode_raw() & KIND == SUBMODULE => {}
                    _ => self.look_at_file(objects, entry.id(), steps == Some(self.root.len()))?,
                }
            }
        }
        Ok(())
    }

    /// Looks whether a file is there, and below the root whether it is one: a service would be answered without it.
    fn look_at_file(&mut self, objects: &Odb<'_>, id: Oid, is_below: bool) -> Result<(), git2::Error> {
        if self.files.contains(&id) || (!is_below && self.seen.contains(&id)) {
            return Ok(());
        }
        if !objects.exists(id) {
            return Err(git2::Error::new(ErrorCode::NotFound, ErrorClass::Odb, "a file is missing"));
        }
        if !is_below {
            self.seen.insert(id);
        } else if objects.read_header(id)?.1 == ObjectType::Blob {
            self.files.insert(id);
        } else {
            return Err(git2::Error::new(ErrorCode::Invalid, ErrorClass::Tree, "a file is something else"));
        }
        Ok(())
    }

    /// How many steps of the root lead into a folder called `name`.
    fn step(&self, steps: Option<usize>, name: &[u8]) -> Option<usize> {
        match steps {
            Some(steps) if steps == self.root.len() => Some(steps),
            Some(steps) if self.root[steps].as_bytes() == name => Some(steps + 1),
            _ => None,
        }
    }
}

/// True for objects that are whole and yet nothing that Git would write. They have arrived as they are on the other side,
/// so that another copy would not help.
fn makes_no_sense(error: &git2::Error) -> bool {
    error.code() != ErrorCode::NotFound && matches!(error.class(), ErrorClass::Tree | ErrorClass::Object)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::source::tests::{FILE, FOLDER, Origin, SUBMODULE, oid};

    fn told(origin: &Origin, tip: Oid, time: Duration) -> String {
        let root = ["inner".to_owned()];
        let told = Verifier::new(&origin.repository, &root, Instant::now() + time).check("refs/heads/main", tip);
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
    fn what_is_malformed_counts_below_the_root_alone_and_for_every_label_that_leads_there() {
        let origin = Origin::new();
        let minute = Duration::from_secs(60);
        let file = origin.blob("a: 1");
        let bad = origin.tree(&[(FILE, b"", file)]);
        let good = origin.tree(&[(FILE, b"a.yml", file)]);
        let malformed = "protocol: an object of `refs/heads/main` is malformed: ";
        for (inner, other, is_malformed) in [(good, good, false), (good, bad, false), (bad, good, true)] {
            let tree = origin.tree(&[(FOLDER, b"inner", inner), (FOLDER, b"other", other)]);
            let told = told(&origin, oid(origin.commit_tree(tree, &[])), minute);
            assert_eq!(told.starts_with(malformed), is_malformed, "{told}");
        }
        let wrong = origin.tree(&[(FOLDER, b"inner", file)]);
        let told = told(&origin, oid(origin.commit_tree(wrong, &[])), minute);
        assert_eq!(told, format!("{malformed}a folder is no tree"));
        for root in [true, false] {
            let inner = origin.tree(&[(FILE, b"a.yml", good)]);
            let name: &[u8] = if root { b"inner" } else { b"other" };
            let tree = origin.tree(&[(FOLDER, b"first", good), (FOLDER, name, inner)]);
            let told = self::told(&origin, oid(origin.commit_tree(tree, &[])), minute);
            assert_eq!(told, if root { format!("{malformed}a file is something else") } else { "whole".to_owned() });
        }
        let tips = [1, 2].map(|_| oid(origin.commit_tree(origin.tree(&[(FOLDER, b"inner", bad)]), &[])));
        let root = ["inner".to_owned()];
        let mut verifier = Verifier::new(&origin.repository, &root, Instant::now() + minute);
        assert!(tips.iter().all(|tip| verifier.check("refs/heads/x", *tip).is_err()));
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
