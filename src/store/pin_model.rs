//! A model test of pins: random histories of one source and of two that are joined, against a reference that looks at
//! every commit.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use proptest::prelude::*;

use super::fake::Fake;
use super::live::Live;
use super::patterns::Patterns;
use super::refresh::{Metrics, Refresher};
use super::{Entry, Limits, Place, Served, Store};
use crate::access::Grants;
use crate::answer::{self, AnswerError, Spelling};
use crate::config::address::Address;
use crate::config::tree::CommitId;
use crate::snapshot::Snapshot;

/// A commit: what it does to some files; on top of which earlier commit.
#[derive(Debug, Clone)]
struct Step {
    files: Vec<(usize, Edit)>,
    onto: Onto,
}

#[derive(Debug, Clone, Copy)]
enum Edit {
    Whole,
    Broken,
    Gone,
}

#[derive(Debug, Clone, Copy)]
enum Onto {
    /// The tip.
    Tip,
    /// A merge of an earlier commit into the tip.
    Merge(usize),
    /// An earlier commit: the branch is rewritten.
    Earlier(usize),
    /// Nothing: the branch is rewritten from its root, and a folder has no history at all.
    Nothing,
}

const FILES: [&str; 8] = [
    "application.yml",
    "application-dev.yml",
    "user.yml",
    "user.yaml",
    "user-dev.yml",
    "order.yml",
    "order/application.yml",
    "order/application-dev.yml",
];

const ASKED: [(&str, &str); 4] = [("user", "dev"), ("user", "x"), ("order", "dev"), ("nobody", "default")];

fn step() -> impl Strategy<Value = Step> {
    let onto = prop_oneof![
        12 => Just(Onto::Tip),
        4 => (0..40_usize).prop_map(Onto::Merge),
        2 => (0..40_usize).prop_map(Onto::Earlier),
        1 => Just(Onto::Nothing),
    ];
    let edit = prop_oneof![5 => Just(Edit::Whole), 3 => Just(Edit::Broken), 2 => Just(Edit::Gone)];
    (prop::collection::vec((0..FILES.len(), edit), 0..3), onto).prop_map(|(files, onto)| Step { files, onto })
}

/// What a commit has: the text of each file, and the commit that it follows.
struct Commit {
    id: CommitId,
    files: BTreeMap<&'static str, String>,
    parent: Option<usize>,
}

/// A source with its history, served without a break.
struct World {
    fake: Fake,
    live: Arc<Live>,
    commits: Vec<Commit>,
}

/// The files of a commit that answer an address.
fn selected<'a>(commit: &'a Commit, (application, profile): (&str, &str)) -> BTreeMap<&'static str, &'a String> {
    let names = ["application".to_owned(), format!("application-{profile}")];
    let own = [application.to_owned(), format!("{application}-{profile}")];
    let below = names.clone().map(|name| format!("{application}/{name}"));
    let stems: Vec<String> = names.into_iter().chain(own).chain(below).collect();
    let is_selected = |path: &str| stems.iter().any(|stem| path.rsplit_once('.').is_some_and(|(name, _)| name == stem));
    commit.files.iter().filter(|(path, _)| is_selected(path)).map(|(path, text)| (*path, text)).collect()
}

impl World {
    fn new() -> Self {
        let fake = Fake::new();
        Self { live: fake.live(None, 64), fake, commits: Vec::new() }
    }

    fn take(&mut self, number: usize, step: &Step) {
        let tip = self.commits.len().checked_sub(1);
        let parent = match step.onto {
            Onto::Earlier(index) => tip.map(|_| index % self.commits.len()),
            Onto::Nothing => None,
            Onto::Tip | Onto::Merge(_) => tip,
        };
        let below = if matches!(step.onto, Onto::Nothing) { tip } else { parent };
        let mut files = below.map(|index| self.commits[index].files.clone()).unwrap_or_default();
        if let (Onto::Merge(index), Some(_)) = (step.onto, tip) {
            // The other side wins, as if its changes were merged in.
            files.extend(self.commits[index % self.commits.len()].files.clone());
        }
        for (file, edit) in &step.files {
            match edit {
                Edit::Whole => drop(files.insert(FILES[*file], format!("n: {number}"))),
                Edit::Broken => drop(files.insert(FILES[*file], format!("n: [{number}"))),
                Edit::Gone => drop(files.remove(FILES[*file])),
            }
        }
        let id = self.fake.commit_on("main", parent.map(|index| self.commits[index].id), &files);
        self.commits.push(Commit { id, files, parent });
        self.live.advance().unwrap();
    }

    /// The commits from the tip along first parents.
    fn history(&self) -> impl Iterator<Item = &Commit> {
        std::iter::successors(self.commits.last(), |commit| commit.parent.map(|parent| &self.commits[parent]))
    }

    /// The newest commit, the tip included, at which the files of an address are whole; none from before one came that
    /// the tip has.
    fn expected(&self, asked: (&str, &str)) -> Option<CommitId> {
        let tip = self.commits.last()?;
        let wanted: BTreeSet<_> = selected(tip, asked).into_keys().collect();
        let mut since = self.history().take_while(|commit| wanted.iter().all(|path| commit.files.contains_key(path)));
        since.find(|commit| selected(commit, asked).values().all(|text| !text.contains('['))).map(|commit| commit.id)
    }

    /// What stands in for a branch without an answer: a commit of a history that was replaced, whole and with all files.
    fn may_stand_in(&self, id: CommitId, asked: (&str, &str)) -> bool {
        let (Some(tip), Some(commit)) = (self.commits.last(), self.commits.iter().find(|commit| commit.id == id))
        else {
            return false;
        };
        let files = selected(commit, asked);
        let has_all = selected(tip, asked).keys().all(|path| files.contains_key(path));
        let is_whole = files.values().all(|text| !text.contains('['));
        has_all && is_whole && self.history().all(|older| older.id != id)
    }
}

/// What answers an address, if anything does.
fn answering(live: &Live, address: &Address) -> Option<Arc<Snapshot>> {
    let loaded = live.table().loaded["main"].clone();
    match answer::whole(&loaded.snapshot, address) {
        Ok(_) => Some(Arc::clone(&loaded.snapshot)),
        Err(_) => live.pin("main", &loaded, address).unwrap().map(|pin| pin.snapshot),
    }
}

fn entry(live: &Arc<Live>, joins_next: bool) -> Entry {
    let (_, refresh) = Refresher::new(Arc::clone(live), Duration::from_secs(600), Metrics::default());
    let place = Place::One(Served { live: Arc::clone(live), refresh });
    Entry { matches: Patterns::parse::<&str>(&[]).unwrap(), joins_next, place }
}

fn cases(most: u32) -> ProptestConfig {
    ProptestConfig::with_cases(if cfg!(debug_assertions) { most } else { 2_000 })
}

proptest! {
    #![proptest_config(cases(60))]

    #[test]
    fn an_answer_is_from_the_newest_whole_commit_and_a_restart_decides_alike(steps in prop::collection::vec(step(), 1..40)) {
        let mut world = World::new();
        for (number, step) in steps.iter().enumerate() {
            world.take(number, step);
            let restarted = world.fake.live(None, 64);
            restarted.advance().unwrap();
            for asked in ASKED {
                let address = Address::parse(asked.0, Some(asked.1), None).unwrap();
                let (running, fresh) = (answering(&world.live, &address), answering(&restarted, &address));
                for snapshot in running.iter().chain(&fresh) {
                    prop_assert!(answer::whole(snapshot, &address).is_ok(), "an answer is never from a commit that is broken for it");
                }
                let commit = |snapshot: &Option<Arc<Snapshot>>| snapshot.as_ref().map(|snapshot| snapshot.commit);
                let Some(expected) = world.expected(asked) else {
                    for other in commit(&running).into_iter().chain(commit(&fresh)) {
                        prop_assert!(world.may_stand_in(other, asked), "{:?} is answered by {}", asked, other.0[0]);
                    }
                    continue;
                };
                prop_assert_eq!(commit(&running), Some(expected));
                prop_assert_eq!(commit(&fresh), Some(expected), "a restart decides alike");
                // The mini snapshot answers as the whole commit does.
                let whole = world.live.whole(expected);
                let spelled = |snapshot: &Snapshot| {
                    let selection = answer::whole(snapshot, &address).unwrap();
                    answer::spell(&selection, &Spelling::default()).unwrap().body
                };
                prop_assert_eq!(spelled(&whole), spelled(running.as_ref().unwrap()));
            }
        }
    }
}

proptest! {
    #![proptest_config(cases(30))]

    #[test]
    fn joined_sources_answer_whole_or_not_at_all(steps in prop::collection::vec((any::<bool>(), step()), 1..30)) {
        let mut worlds = [World::new(), World::new()];
        for (number, world) in worlds.iter_mut().enumerate() {
            world.take(number, &Step { files: vec![(0, Edit::Whole)], onto: Onto::Tip });
        }
        let entries = vec![entry(&worlds[0].live, true), entry(&worlds[1].live, false)];
        let store = Store::new(entries, Arc::default(), Arc::default(), Limits { answers: 1 << 20, cold: 4 });
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        for (number, (second, step)) in steps.iter().enumerate() {
            worlds[usize::from(*second)].take(number, step);
            for asked in ASKED {
                let address = Address::parse(asked.0, Some(asked.1), None).unwrap();
                let chosen = runtime.block_on(store.snapshot(&Grants::everything().permit(address.clone(), "").unwrap())).unwrap();
                let mut is_whole = true;
                for (part, world) in chosen.parts().zip(&worlds) {
                    match world.expected(asked) {
                        Some(expected) => prop_assert_eq!(part.snapshot.commit, expected),
                        None if world.may_stand_in(part.snapshot.commit, asked) => {}
                        // It shows what is wrong with it.
                        None => {
                            prop_assert_eq!(part.snapshot.commit, world.commits.last().unwrap().id);
                            prop_assert!(part.pinned.is_none());
                            is_whole = false;
                        }
                    }
                }
                match store.answer(&chosen, &address, &Spelling::default()) {
                    Ok(_) => prop_assert!(is_whole, "half an answer looks whole"),
                    Err(error) => prop_assert!(!is_whole && matches!(error, AnswerError::Broken(_)), "{}", error),
                }
            }
        }
    }
}
