//! A model test of what is announced: random histories with rewrites, deletions, broken files and damaged commits, heard
//! by a subscriber that is slow at times, against what requests would have got.

use std::collections::BTreeMap;
use std::sync::Arc;

use proptest::prelude::*;

use super::change::{Effect, Feed, Notice, Subscription, first_index};
use super::fake::Fake;
use super::live::Live;
use super::table::{Loaded, Lookup, Table};
use crate::answer::{self, Spelling};
use crate::config::address::Address;
use crate::config::tree::CommitId;

/// So few that the subscriber is often behind, and enough for one fetch.
const CAPACITY: usize = 4;

const LABELS: [&str; 3] = ["main", "side", "v1"];

const FILES: [&str; 4] = ["application.yml", "user.yml", "user-dev.yml", "order.yml"];

const ASKED: [(&str, &str); 3] = [("user", "dev"), ("order", "dev"), ("nobody", "default")];

/// What happens in the repository or in the server.
#[derive(Debug, Clone)]
enum Step {
    /// A commit on a branch, on top of it or of any earlier commit; with a file that is whole, broken, or gone.
    Commit {
        branch: usize,
        onto: Option<usize>,
        file: usize,
        text: &'static str,
    },
    Delete(usize),
    Tag(usize),
    Damage(usize, bool),
    /// Somebody asks for a label, so that it is in memory.
    Ask(usize),
    Fetch,
    /// The subscriber hears what was announced.
    Hear,
    Restart,
}

fn step() -> impl Strategy<Value = Step> {
    let text = prop_oneof![Just("n: 1"), Just("n: 2"), Just("# again\nn: 2"), Just("m: 1"), Just("n: ["), Just("")];
    let commit = (0..2_usize, prop::option::weighted(0.2, 0..40_usize), 0..FILES.len(), text);
    prop_oneof![
        8 => commit.prop_map(|(branch, onto, file, text)| Step::Commit { branch, onto, file, text }),
        1 => (0..3_usize).prop_map(Step::Delete),
        1 => (0..40_usize).prop_map(Step::Tag),
        1 => (0..40_usize, any::<bool>()).prop_map(|(commit, damaged)| Step::Damage(commit, damaged)),
        2 => (0..3_usize).prop_map(Step::Ask),
        8 => Just(Step::Fetch),
        4 => Just(Step::Hear),
        1 => Just(Step::Restart),
    ]
}

/// A server, a subscriber, and what the subscriber believes.
struct World {
    fake: Fake,
    commits: Vec<CommitId>,
    live: Arc<Live>,
    feed: Arc<Feed>,
    subscription: Subscription,
    second: i64,
    heard: u64,
    /// By what is asked for, `None` for no label, the commit that answers.
    believed: BTreeMap<Option<Arc<str>>, CommitId>,
    /// Hears of every fetch at once.
    attentive: Subscription,
}

fn asked_labels() -> impl Iterator<Item = Option<Arc<str>>> {
    std::iter::once(None).chain(LABELS.map(|label| Some(Arc::from(label))))
}

/// The commit that a request for a label gets.
fn served(table: &Table, label: Option<&str>) -> Option<CommitId> {
    match table.find(label, 0) {
        Lookup::Ready(_, loaded) => Some(loaded.snapshot.commit),
        Lookup::Cold(_, commit) => Some(commit),
        Lookup::Id(..) | Lookup::Stuck(..) | Lookup::Unknown | Lookup::Empty => None,
    }
}

/// What a label answers to an address, and whether its own commit does; the outer `None`: the label is not in memory.
type Side = Option<Option<(serde_json::Value, bool)>>;

fn body(side: &Side) -> Option<&serde_json::Value> {
    side.as_ref()?.as_ref().map(|(body, _)| body)
}

fn answered(live: &Live, label: &str, loaded: &Loaded, address: &Address) -> Option<(serde_json::Value, bool)> {
    let spelled = |selection| {
        let spelled = answer::spell(&selection, &Spelling::default()).unwrap();
        serde_json::from_slice(&spelled.body).unwrap()
    };
    if let Ok(selection) = answer::whole(&loaded.snapshot, address) {
        return Some((spelled(selection), true));
    }
    let pin = live.pin(label, loaded, address).unwrap()?;
    Some((spelled(answer::whole(&pin.snapshot, address).unwrap()), false))
}

impl World {
    fn new() -> Self {
        let (fake, feed) = (Fake::new(), Arc::new(Feed::new(1, CAPACITY)));
        let live = fake.announcing("config", &feed);
        let [subscription, attentive] = [feed.subscribe(), feed.subscribe()];
        let (commits, believed) = (Vec::new(), BTreeMap::new());
        Self { fake, commits, live, feed, subscription, second: 0, heard: 1, believed, attentive }
    }

    fn take(&mut self, step: &Step) -> Result<(), TestCaseError> {
        let nth = |commits: &[CommitId], index: usize| commits.get(index % commits.len().max(1)).copied();
        match step {
            Step::Commit { branch, onto, file, text } => {
                if let Some(onto) = onto.and_then(|index| nth(&self.commits, index)) {
                    self.fake.point(LABELS[*branch], onto);
                }
                self.commits.push(self.fake.commit(LABELS[*branch], &[(FILES[*file], text)]));
            }
            Step::Delete(label) => self.fake.delete(LABELS[*label]),
            Step::Tag(index) => {
                nth(&self.commits, *index).into_iter().for_each(|commit| self.fake.tag(LABELS[2], commit));
            }
            Step::Damage(index, damaged) => {
                nth(&self.commits, *index).into_iter().for_each(|commit| self.fake.damage(commit, *damaged));
            }
            // What cannot be read is not in memory.
            Step::Ask(label) => drop(self.live.load(&Arc::from(LABELS[*label]))),
            Step::Fetch => self.fetch()?,
            Step::Hear => self.hear()?,
            Step::Restart => self.restart()?,
        }
        Ok(())
    }

    fn fetch(&mut self) -> Result<(), TestCaseError> {
        let before = self.live.table();
        self.live.advance().unwrap();
        let after = self.live.table();
        for notice in self.attentive.pending() {
            let Notice::Change(change) = notice else { return Err(TestCaseError::fail("it was heard at once")) };
            for (application, profiles) in ASKED {
                let address = Address::parse(application, Some(profiles), None).unwrap();
                let (effect, touches) = (change.effect(&address, false), change.touches(&address, false));
                let [before, after] = [&before, &after].map(|table| {
                    let label = change.label.as_ref().or(table.default.as_ref())?;
                    Some(answered(&self.live, label, table.loaded.get(label)?, &address))
                });
                match effect {
                    Effect::None => prop_assert_eq!(body(&before), body(&after), "{:?}", address),
                    Effect::Keys(_) => prop_assert_ne!(body(&before), body(&after), "{:?}", address),
                    Effect::Unknown => {
                        let is_whole = |side: &Side| matches!(side, Some(Some((_, true))));
                        prop_assert!(!is_whole(&before) || !is_whole(&after), "both can be compared: {:?}", address);
                    }
                }
                prop_assert!(touches || effect == Effect::None, "{:?}", address);
            }
        }
        Ok(())
    }

    fn restart(&mut self) -> Result<(), TestCaseError> {
        self.hear()?;
        self.second += 1;
        let feed = Arc::new(Feed::new(first_index(self.second), CAPACITY));
        prop_assert!(feed.index() > self.heard, "{} after {}", feed.index(), self.heard);
        self.heard = feed.index();
        self.live = self.fake.announcing("config", &feed);
        (self.subscription, self.attentive, self.feed) = (feed.subscribe(), feed.subscribe(), feed);
        self.believed.clear();
        self.fetch()
    }

    /// Hears all that waits. What is believed then is what is served.
    fn hear(&mut self) -> Result<(), TestCaseError> {
        for notice in self.subscription.pending() {
            match notice {
                Notice::Everything(index) => {
                    prop_assert!(index > self.heard);
                    self.heard = index;
                    self.believed = self.actual();
                }
                Notice::Change(change) => {
                    prop_assert_eq!(change.index, self.heard + 1);
                    prop_assert_ne!(change.from, change.to, "nothing is told that makes no difference");
                    self.heard = change.index;
                    for label in asked_labels().filter(|label| change.concerns(label.as_ref(), false)) {
                        prop_assert_eq!(self.believed.get(&label).copied(), change.from, "{:?}", label);
                        match change.to {
                            Some(commit) => drop(self.believed.insert(label, commit)),
                            None => drop(self.believed.remove(&label)),
                        }
                    }
                }
            }
        }
        prop_assert_eq!(&self.believed, &self.actual(), "the final state was announced");
        prop_assert_eq!(self.heard, self.feed.index());
        Ok(())
    }

    fn actual(&self) -> BTreeMap<Option<Arc<str>>, CommitId> {
        let table = self.live.table();
        asked_labels().filter_map(|label| Some((label.clone(), served(&table, label.as_deref())?))).collect()
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(if cfg!(debug_assertions) { 150 } else { 3_000 }))]

    #[test]
    fn every_history_is_told_in_order_without_repetition_and_to_its_end(steps in prop::collection::vec(step(), 1..60)) {
        let mut world = World::new();
        for step in &steps {
            world.take(step)?;
        }
        world.fetch()?;
        world.hear()?;
    }
}
