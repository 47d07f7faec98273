//! What is announced when a source begins to serve another commit: which label moved, and for whoever asks, what that does
//! to the answer of an address.
//!
//! A [`Change`] is announced after the table was swapped, so who hears of it reads at least as new a configuration. What it
//! does to an address is found out by need, from the two snapshots that it holds; if nobody listens, nothing is.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use tokio::sync::broadcast;
use tokio::sync::broadcast::error::RecvError;

use crate::answer::compare;
use crate::answer::{self, AnswerError, Selection};
use crate::config::address::Address;
use crate::config::diff::KeyChanges;
use crate::config::tree::CommitId;
use crate::snapshot::Snapshot;
use crate::source::Labels;

use super::table::{Loaded, Table};
use super::{Entry, Place, Store};

/// How many changes may wait for a subscriber. Each holds two snapshots, which share all that did not change; a
/// subscriber that is further behind is told that everything may have changed.
const CAPACITY: usize = 256;

/// An index leaves room for so many changes in each second since the start, as a power of two: far more than fetches can
/// bring, and little enough for the index to stay below 2^53, which is as far as JSON readers count.
const CHANGES_PER_SECOND: u32 = 20;

/// Announces the changes of all sources of a server, under one growing index.
///
/// The index is never 0 and never goes backwards, also not over a restart: it begins with the second of the start, or
/// the one after the last fetch of an earlier run if the clock says less, and grows by one with each change. A restart
/// raises it although nothing may have changed, because nobody can tell what changed meanwhile.
#[derive(Debug)]
pub struct Feed {
    sender: broadcast::Sender<Notice>,
    /// Held from taking an index until the change is sent, so that changes arrive in the order of their indexes.
    order: Mutex<()>,
    /// The index of the last change. Changed only under `order`.
    last: AtomicU64,
}

/// Receives what a [`Feed`] announces.
#[derive(Debug)]
pub struct Subscription {
    receiver: broadcast::Receiver<Notice>,
    feed: Weak<Feed>,
}

/// What a subscriber hears.
#[derive(Debug, Clone)]
pub enum Notice {
    /// One label serves another commit.
    Change(Arc<Change>),
    /// Anything may have changed: the keys did, or the subscriber was too far behind to be told one by one. With the index
    /// up to which that holds.
    Everything(u64),
}

/// A label that serves another commit than before.
#[derive(Debug)]
pub struct Change {
    /// Grows with each change of any source of the server.
    pub index: u64,
    /// The name of the source.
    pub source: Arc<str>,
    /// The label; `None`: another label became the default.
    pub label: Option<Arc<str>>,
    /// The commit that was served; `None`: the label was not there.
    pub from: Option<CommitId>,
    /// The commit that is served; `None`: the label is gone.
    pub to: Option<CommitId>,
    /// The label answers requests that name none.
    is_default: bool,
    before: Option<State>,
    after: Option<State>,
    /// The labels that the source has now.
    labels: Arc<Labels>,
}

/// What a change does to the answer of an address.
#[derive(Debug, Clone, PartialEq)]
pub enum Effect {
    /// Nothing: the merged configuration is the same.
    None,
    /// Other keys or values.
    Keys(KeyChanges),
    /// It cannot be said key by key: one side has no answer, or is not in memory.
    Unknown,
}

/// An address is answered from what changed.
struct Concern {
    /// Other sources take part in the answer.
    is_joined: bool,
}

/// The layers that answer an address, or why there are none.
type Answering = Result<Selection, AnswerError>;

/// A label whose snapshot was in memory.
#[derive(Debug)]
struct State {
    label: Arc<str>,
    loaded: Loaded,
}

impl Store {
    /// Where it is told that a source serves other commits than before.
    #[must_use]
    pub fn feed(&self) -> &Arc<Feed> {
        &self.feed
    }

    /// What a change does to the merged answer of an address; nothing if the address is not answered from what changed.
    /// Blocks for as long as merging takes.
    #[must_use]
    pub fn effect(&self, change: &Change, address: &Address) -> Effect {
        match self.concerned(change, address) {
            Some(Concern { is_joined }) => change.effect(address, is_joined),
            None => Effect::None,
        }
    }

    /// True if a change makes another answer possible for an address under some protocol or spelling.
    #[must_use]
    pub fn is_touched(&self, change: &Change, address: &Address) -> bool {
        self.concerned(change, address).is_some_and(|Concern { is_joined }| change.touches(address, is_joined))
    }

    fn concerned(&self, change: &Change, address: &Address) -> Option<Concern> {
        let parts: Vec<&Entry> = self.answering(address).map(|index| &self.entries[index]).collect();
        let is_joined = parts.len() > 1;
        let is_answered = parts.iter().any(|entry| entry.leads_to(address, &change.source));
        (is_answered && change.concerns(address.label.as_ref(), is_joined)).then_some(Concern { is_joined })
    }
}

impl Entry {
    /// True if an address that the entry answers is answered from the source of a name.
    fn leads_to(&self, address: &Address, source: &str) -> bool {
        match &self.place {
            Place::One(served) => *served.live.settings.name == *source,
            Place::Found(found) => found.name_of(address).is_some_and(|name| *name == *source),
        }
    }
}

impl Feed {
    /// A feed of a server that starts at a time, in seconds since 1970.
    #[must_use]
    pub fn starting_at(seconds: i64) -> Self {
        Self::new(first_index(seconds), CAPACITY)
    }

    pub(super) fn new(index: u64, capacity: usize) -> Self {
        Self { sender: broadcast::Sender::new(capacity), order: Mutex::default(), last: AtomicU64::new(index) }
    }

    /// The index of the last change. Read it before the configuration that is told with it: the configuration is then at
    /// least as new, and a change that comes between is told again, not missed.
    #[must_use]
    pub fn index(&self) -> u64 {
        // Pairs with the release in `advance`: who sees an index sees the table that was stored before it.
        self.last.load(Ordering::Acquire)
    }

    /// Hears of all changes from now on.
    #[must_use]
    pub fn subscribe(self: &Arc<Self>) -> Subscription {
        Subscription { receiver: self.sender.subscribe(), feed: Arc::downgrade(self) }
    }

    /// Keeps the index above those of an earlier run, whose last fetch ended at a time in seconds since 1970.
    pub(super) fn follow(&self, fetched_at: i64) {
        let _order = self.order();
        let last = self.last.load(Ordering::Relaxed);
        // That run began with the second of its last fetch at the latest, and changes of this second may have followed.
        self.last.store(last.max(first_index(fetched_at.saturating_add(1))), Ordering::Release);
    }

    /// Announces what differs between two tables of a source, the second of which is served already.
    pub(super) fn announce(&self, source: &Arc<str>, before: &Table, after: &Table) {
        let labels = moved(before, after);
        if labels.is_empty() {
            return;
        }
        let _order = self.order();
        let is_heard = self.sender.receiver_count() > 0;
        for label in labels {
            let index = self.advance();
            if is_heard {
                let change = Change::new(index, source, label, before, after);
                // The last subscriber may have gone meanwhile.
                drop(self.sender.send(Notice::Change(Arc::new(change))));
            }
        }
    }

    /// Announces that anything may have changed.
    pub(super) fn announce_everything(&self) {
        let _order = self.order();
        let index = self.advance();
        // An error says that nobody listens.
        drop(self.sender.send(Notice::Everything(index)));
    }

    /// The next index; `order` is held.
    fn advance(&self) -> u64 {
        let index = self.last.load(Ordering::Relaxed) + 1;
        self.last.store(index, Ordering::Release);
        index
    }

    fn order(&self) -> MutexGuard<'_, ()> {
        // Nothing is left half done by a panic: the index is one number.
        self.order.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Default for Feed {
    fn default() -> Self {
        Self::new(1, CAPACITY)
    }
}

/// The index that is above all those of runs which ended before a second.
pub(super) fn first_index(seconds: i64) -> u64 {
    // One more, so that it is not 0 if there is no clock.
    let seconds = u64::try_from(seconds).unwrap_or(0).saturating_add(1);
    seconds.saturating_mul(1 << CHANGES_PER_SECOND)
}

impl Subscription {
    /// What was announced and not heard so far.
    #[cfg(test)]
    pub(super) fn pending(&mut self) -> Vec<Notice> {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let mut notices = Vec::new();
        while !self.receiver.is_empty() {
            notices.extend(runtime.block_on(self.next()));
        }
        notices
    }

    /// Waits for what comes next; `None` if the server is gone.
    pub async fn next(&mut self) -> Option<Notice> {
        match self.receiver.recv().await {
            Ok(notice) => Some(notice),
            Err(RecvError::Closed) => None,
            Err(RecvError::Lagged(_)) => {
                let feed = self.feed.upgrade()?;
                // What still waits is part of everything. Under the lock, so that no index after this one is passed over.
                let _order = feed.order();
                self.receiver = feed.sender.subscribe();
                Some(Notice::Everything(feed.index()))
            }
        }
    }
}

impl Change {
    fn new(index: u64, source: &Arc<str>, label: Option<Arc<str>>, before: &Table, after: &Table) -> Self {
        let state = |table: &Table| {
            let label = label.as_ref().or(table.default.as_ref())?;
            let loaded = table.loaded.get(label)?.clone();
            Some(State { label: Arc::clone(label), loaded })
        };
        let is_default = label.is_none() || (before.default == after.default && label == after.default);
        Self {
            index,
            source: Arc::clone(source),
            from: served(before, label.as_ref()),
            to: served(after, label.as_ref()),
            is_default,
            before: state(before),
            after: state(after),
            labels: Arc::clone(&after.labels),
            label,
        }
    }

    /// True if requests for a label, `None` for the default one, are answered from what changed. A source that is joined to
    /// others answers with its default where it does not have the label.
    #[must_use]
    pub fn concerns(&self, label: Option<&Arc<str>>, is_joined: bool) -> bool {
        let Some(label) = label else { return self.is_default };
        self.label.as_ref() == Some(label) || is_joined && self.is_default && !self.labels.tips.contains_key(label)
    }

    /// What the change does to the merged answer of an address that it concerns. Costs what merging the layers of the
    /// address twice costs, or less if they are the same; how large the repository is plays no part. Where sources are
    /// joined this is about one of them alone, and a stronger one may hide the difference.
    #[must_use]
    pub fn effect(&self, address: &Address, is_joined: bool) -> Effect {
        match self.selections(address, is_joined) {
            Some((Ok(from), Ok(to))) => match compare::change(&from, &to) {
                Ok(change) if change.is_empty() => Effect::None,
                Ok(change) => Effect::Keys(change),
                Err(_) => Effect::Unknown,
            },
            Some((Err(from), Err(to))) if from == to => Effect::None,
            _ => Effect::Unknown,
        }
    }

    /// True if another answer is possible for an address that it concerns under some protocol or spelling: other layers, not
    /// only other merged values. Merges nothing but what an enforced schema has to see.
    #[must_use]
    pub fn touches(&self, address: &Address, is_joined: bool) -> bool {
        match self.selections(address, is_joined) {
            Some((Ok(from), Ok(to))) => from.fingerprint != to.fingerprint,
            Some((Err(from), Err(to))) => from != to,
            _ => true,
        }
    }

    /// What answered an address and what answers it now; `None` if that cannot be said without reading commits.
    fn selections(&self, address: &Address, is_joined: bool) -> Option<(Answering, Answering)> {
        let (before, after) = (self.before.as_ref()?, self.after.as_ref()?);
        Some((before.answering(address, is_joined)?, after.answering(address, is_joined)?))
    }
}

impl State {
    /// The layers that answer an address, those of an older commit if it is pinned; `None` if the address is broken and
    /// nobody has looked for an older commit so far.
    fn answering(&self, address: &Address, is_joined: bool) -> Option<Answering> {
        // What a schema misses in one part another one may have.
        let select = if is_joined { answer::select } else { answer::whole };
        let of = |snapshot: &Snapshot| select(snapshot, &snapshot.semantics.address(address, &self.label));
        match of(&self.loaded.snapshot) {
            Ok(selection) => Some(Ok(selection)),
            Err(error) => Some(self.loaded.pins.get(address)?.map_or(Err(error), |pin| of(&pin.snapshot))),
        }
    }
}

/// The labels that lead to other commits in a second table than in the first; `None` among them if another is the default.
fn moved(before: &Table, after: &Table) -> Vec<Option<Arc<str>>> {
    let is_moved = |label: &&Arc<str>| served(before, Some(label)) != served(after, Some(label));
    let in_memory = before.loaded.keys().chain(after.loaded.keys());
    // Equal labels are one list: only what is in memory can lead elsewhere then.
    let is_same = Arc::ptr_eq(&before.labels, &after.labels);
    let tips = before.labels.tips.keys().chain(after.labels.tips.keys()).filter(|_| !is_same);
    let moved: BTreeSet<&Arc<str>> = in_memory.chain(tips).filter(is_moved).collect();
    let other_default = before.default != after.default && served(before, None) != served(after, None);
    let default = other_default.then_some(None);
    default.into_iter().chain(moved.into_iter().map(|label| Some(Arc::clone(label)))).collect()
}

/// The commit that answers requests for a label, `None` for the default one.
fn served(table: &Table, label: Option<&Arc<str>>) -> Option<CommitId> {
    let label = label.or(table.default.as_ref())?;
    let loaded = table.loaded.get(label).map(|loaded| loaded.snapshot.commit);
    loaded.or_else(|| table.labels.tips.get(label).map(|tip| tip.commit))
}

#[cfg(test)]
mod tests {
    use super::super::fake::Fake;
    use super::super::live::Live;
    use super::*;

    /// A source being served, and who hears of its changes.
    fn heard(fake: &Fake, capacity: usize) -> (Arc<Live>, Arc<Feed>, Subscription) {
        let feed = Arc::new(Feed::new(1, capacity));
        let subscription = feed.subscribe();
        (fake.announcing("config", &feed), feed, subscription)
    }

    fn shown(notices: &[Notice]) -> String {
        let id = |id: Option<CommitId>| id.map_or("-".to_owned(), |id| id.0[0].to_string());
        let notice = |notice: &Notice| match notice {
            Notice::Everything(index) => format!("{index} everything"),
            Notice::Change(change) => {
                let label = change.label.as_deref().unwrap_or("default");
                format!("{} {label} {}->{}", change.index, id(change.from), id(change.to))
            }
        };
        notices.iter().map(notice).collect::<Vec<_>>().join(", ")
    }

    fn address(application: &str, profiles: &str) -> Address {
        Address::parse(application, Some(profiles), None).unwrap()
    }

    /// Keys that are new, other and gone.
    fn effect(change: &Change, application: &str, profiles: &str) -> String {
        let keys = |sign: &str, keys: Vec<&Arc<str>>| keys.iter().map(|key| format!("{sign}{key}")).collect::<Vec<_>>();
        match change.effect(&address(application, profiles), false) {
            Effect::None => "none".to_owned(),
            Effect::Unknown => "unknown".to_owned(),
            Effect::Keys(change) => {
                let added = keys("+", change.added.keys().collect());
                let changed = keys("~", change.changed.keys().collect());
                [added, changed, keys("-", change.removed.keys().collect())].concat().join(" ")
            }
        }
    }

    /// The change of `main` by a commit on top of another.
    fn change(base: &[(&str, &str)], files: &[(&str, &str)]) -> Arc<Change> {
        let fake = Fake::new();
        fake.commit("main", base);
        let (live, _feed, mut subscription) = heard(&fake, 16);
        live.advance().unwrap();
        fake.commit("main", files);
        live.advance().unwrap();
        let Some(Notice::Change(change)) = subscription.pending().pop() else { panic!("the commit is announced") };
        change
    }

    #[test]
    fn labels_are_announced_when_they_come_move_and_go_whether_or_not_they_are_in_memory() {
        let fake = Fake::new();
        fake.commit("main", &[("a.yml", "a: 1")]);
        fake.commit("side", &[("a.yml", "a: 2")]);
        let (live, feed, mut subscription) = heard(&fake, 16);
        let mut next = || {
            live.advance().unwrap();
            shown(&subscription.pending())
        };
        assert_eq!(next(), "2 default -->1, 3 main -->1, 4 side -->2");
        assert_eq!(next(), "", "a fetch that brings nothing is not told");
        fake.commit("side", &[("a.yml", "a: 3")]);
        assert_eq!(next(), "5 side 2->3");
        live.load(&Arc::from("side")).unwrap();
        assert_eq!(next(), "", "it was read into memory, and answers as before");
        fake.commit("side", &[("a.yml", "a: 4")]);
        fake.commit("main", &[("a.yml", "a: 5")]);
        assert_eq!(next(), "6 main 1->5, 7 side 3->4");
        fake.point("main", CommitId([1; 20]));
        fake.delete("side");
        assert_eq!(next(), "8 main 5->1, 9 side 4->-", "history was rewritten, and the index grows nevertheless");
        assert_eq!(feed.index(), 9);
    }

    #[test]
    fn a_label_that_cannot_be_read_has_not_changed_until_it_can() {
        let fake = Fake::new();
        fake.commit("main", &[("a.yml", "a: 1")]);
        let (live, _feed, mut subscription) = heard(&fake, 16);
        live.advance().unwrap();
        subscription.pending();
        let damaged = fake.commit("main", &[("a.yml", "a: 2")]);
        fake.damage(damaged, true);
        live.advance().unwrap();
        assert_eq!(shown(&subscription.pending()), "");
        fake.damage(damaged, false);
        live.advance().unwrap();
        assert_eq!(shown(&subscription.pending()), "4 main 1->2");
    }

    #[test]
    fn another_default_label_is_a_change_for_those_who_name_none() {
        let fake = Fake::new();
        fake.commit("develop", &[("a.yml", "a: 1")]);
        fake.head(Some("develop"));
        let (live, _feed, mut subscription) = heard(&fake, 16);
        live.advance().unwrap();
        subscription.pending();
        fake.commit("main", &[("a.yml", "a: 2\nb: 1")]);
        live.advance().unwrap();
        let notices = subscription.pending();
        assert_eq!(shown(&notices), "4 default 1->2, 5 main -->2");
        let [Notice::Change(default), Notice::Change(main)] = &notices[..] else { panic!() };
        let (named, other) = (Arc::from("main"), Arc::from("develop"));
        let concerned = |change: &Change| [None, Some(&named), Some(&other)].map(|label| change.concerns(label, false));
        assert_eq!((concerned(default), concerned(main)), ([true, false, false], [false, true, false]));
        assert_eq!(effect(default, "a", "x"), "+b ~a");
        assert_eq!(effect(main, "a", "x"), "unknown", "there was no such label");
    }

    #[test]
    fn a_joined_source_concerns_those_whose_label_it_does_not_have_by_its_default() {
        let change = change(&[("a.yml", "a: 1")], &[("a.yml", "a: 2")]);
        let concerns = |label: Option<&str>, is_joined| change.concerns(label.map(Arc::from).as_ref(), is_joined);
        assert!(concerns(None, false) && concerns(Some("main"), false));
        assert!(!concerns(Some("side"), false) && concerns(Some("side"), true));
    }

    #[test]
    fn those_are_told_their_keys_whose_answer_differs() {
        let base = [
            ("application.yml", "shared: 1\nboth: 1"),
            ("user.yml", "own: {a: 1, b: 2}\nboth: 2"),
            ("user-dev.yml", "dev: 1"),
            ("order.yml", "broken: ["),
        ];
        let change =
            change(&base, &[("user.yml", "own:\n  b: 3\n  c: ${shared}\nboth: 2"), ("user-dev.yml", "# dev\ndev: 1")]);
        assert_eq!(effect(&change, "user", "prod"), "+own.c ~own.b -own.a");
        assert_eq!(effect(&change, "user", "dev"), "+own.c ~own.b -own.a");
        assert_eq!(effect(&change, "pay", "dev"), "none");
        assert_eq!(effect(&change, "order", "default"), "none", "it is broken as before");
        let asked = [("user", "dev"), ("pay", "dev"), ("order", "default"), ("order", "dev")];
        let touched = asked.map(|(application, profile)| change.touches(&address(application, profile), false));
        assert_eq!(touched, [true, false, false, true], "for the last one nobody has looked for an older commit");
    }

    #[test]
    fn what_makes_no_difference_to_the_merged_answer_may_still_make_one_to_the_layers() {
        let base = [("application.yml", "a: 1"), ("user.yml", "a: 2")];
        let change = change(&base, &[("application.yml", "a: 3")]);
        assert_eq!((effect(&change, "user", "x"), effect(&change, "pay", "x")), ("none".to_owned(), "~a".to_owned()));
        assert!(change.touches(&address("user", "x"), false));
    }

    #[test]
    fn a_file_that_breaks_changes_nothing_while_an_older_commit_answers_and_its_repair_does() {
        let change_of = |files| change(&[("application.yml", "a: 1"), ("user.yml", "b: 1")], files);
        assert_eq!(effect(&change_of(&[("user.yml", "b: [")]), "user", "default"), "none");
        let both = change_of(&[("user.yml", "b: ["), ("application.yml", "a: 2")]);
        assert_eq!(effect(&both, "user", "default"), "none", "the older commit answers whole");
        assert_eq!(effect(&both, "pay", "default"), "~a");
        let repaired = change(&[("user.yml", "b: [")], &[("user.yml", "b: 1")]);
        assert_eq!(effect(&repaired, "user", "default"), "unknown", "nothing answered before");
    }

    #[test]
    fn who_is_too_far_behind_hears_that_everything_may_have_changed_and_goes_on_from_there() {
        let fake = Fake::new();
        let (live, feed, mut slow) = heard(&fake, 2);
        for number in 1..=9 {
            fake.commit("main", &[("a.yml", &format!("a: {number}"))]);
            live.advance().unwrap();
        }
        let latest = feed.index();
        assert_eq!(shown(&slow.pending()), format!("{latest} everything"));
        fake.commit("main", &[("a.yml", "a: 10")]);
        live.advance().unwrap();
        assert_eq!(shown(&slow.pending()), format!("{} main 9->10", latest + 1));
    }

    #[test]
    fn nothing_is_held_for_nobody_and_the_index_grows_nevertheless() {
        let fake = Fake::new();
        let feed = Arc::new(Feed::default());
        let live = fake.announcing("config", &feed);
        fake.commit("main", &[("a.yml", "a: 1")]);
        live.advance().unwrap();
        let old = Arc::downgrade(&live.table().loaded["main"].snapshot);
        fake.commit("main", &[("a.yml", "a: 2")]);
        live.advance().unwrap();
        assert_eq!((feed.index(), old.upgrade().is_none()), (4, true));
    }

    #[tokio::test]
    async fn the_end_of_the_server_ends_the_subscription() {
        let feed = Arc::new(Feed::default());
        let mut subscription = feed.subscribe();
        feed.announce_everything();
        drop(feed);
        assert!(matches!(subscription.next().await, Some(Notice::Everything(2))));
        assert!(subscription.next().await.is_none());
    }

    #[test]
    fn the_index_is_never_zero_and_no_restart_lets_it_go_backwards() {
        assert_eq!(Feed::default().index(), 1);
        assert!(Feed::starting_at(-5).index() > 0 && Feed::starting_at(i64::MAX).index() > 0);
        let start = 1_800_000_000;
        let first = Feed::starting_at(start);
        for _ in 0..1000 {
            first.announce_everything();
        }
        assert!(Feed::starting_at(start + 1).index() > first.index());
        assert!(first.index() < 1 << 53, "it is exact in JSON");
        // The clock of the second run is an hour behind. The first one has fetched, and written down when.
        let second = Feed::starting_at(start - 3600);
        second.follow(start);
        assert!(second.index() > first.index());
        second.follow(start - 10);
        assert!(second.index() > first.index(), "an older copy does not lower it");
    }
}
