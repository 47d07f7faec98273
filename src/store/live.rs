//! One source while it is being served: its table, the snapshots it builds, and how fresh it is.
//!
//! Reads take the table and wait for nothing. What must read the local copy for a request goes through `pool.rs`; when
//! to fetch is decided in `refresh.rs`.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use arc_swap::ArcSwap;

use crate::config::address::Address;
use crate::config::tree::CommitId;
use crate::snapshot::{Bodies, Rules, Secrets, Snapshot};
use crate::source::{LabelKind, Labels, ReadError, Source};

use super::change::Feed;
use super::freshness::Freshness;
use super::past::Past;
use super::pin::{Before, Pin, Pins, Search};
use super::table::{Loaded, Lookup, Table, default_label};

/// What the store needs to know of a source besides how to read it.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Its name in answers and logs.
    pub name: Arc<str>,
    /// The name of its entry in the settings, which sources that are found at run time share; its name in metrics.
    pub entry: Arc<str>,
    /// Where it is, as answers may tell it: without user and password, and without a slash at its end.
    pub uri: Arc<str>,
    /// The label that answers when none is asked for.
    pub label: Option<Arc<str>>,
    /// What its files mean.
    pub rules: Rules,
    /// What sealed values are opened with; all sources share it.
    pub secrets: Arc<ArcSwap<Secrets>>,
    /// How many snapshots stay in memory.
    pub snapshots: usize,
    /// Where it is told that other commits are served; all sources share it.
    pub feed: Arc<Feed>,
}

/// A source being served.
pub struct Live {
    /// What the settings say of it.
    pub settings: Settings,
    /// Where its trees come from.
    pub source: Arc<dyn Source>,
    table: ArcSwap<Table>,
    /// Grows with each table.
    turn: AtomicU64,
    /// Held while snapshots are built and tables replaced; never by a request that finds its snapshot in memory.
    workshop: Mutex<Bodies>,
    /// How fresh it is.
    pub freshness: Freshness,
}

impl fmt::Debug for Live {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Live").field("source", &self.settings.name).finish_non_exhaustive()
    }
}

/// A label and its snapshot.
pub type Labelled = (Arc<str>, Arc<Snapshot>);

/// A table before and after a refresh.
pub struct Moved {
    /// The table that was served.
    pub before: Arc<Table>,
    /// The table that is served now.
    pub after: Arc<Table>,
    /// The labels whose new commit cannot be read, and why; the commit before goes on being served for them.
    pub stuck: Vec<(Arc<str>, ReadError)>,
}

impl Live {
    /// A source that serves nothing yet.
    #[must_use]
    pub fn new(settings: Settings, source: Arc<dyn Source>) -> Self {
        Self {
            settings,
            source,
            table: ArcSwap::default(),
            turn: AtomicU64::new(0),
            workshop: Mutex::default(),
            freshness: Freshness::default(),
        }
    }

    /// Takes over when the source was last fetched, in seconds since 1970, from an earlier run.
    pub fn start_at(&self, fetched_at: Option<i64>) {
        fetched_at.into_iter().for_each(|at| self.settings.feed.follow(at));
        self.freshness.update(|fresh| fresh.fetched_at = fetched_at);
    }

    /// What is served now.
    #[must_use]
    pub fn table(&self) -> Arc<Table> {
        self.table.load_full()
    }

    /// What is served now, for the length of a look-up.
    pub(super) fn look(&self, label: Option<&str>) -> Lookup {
        self.table.load().find(label, self.turn.load(Ordering::Relaxed))
    }

    /// The label that answers when none is asked for.
    #[must_use]
    pub fn default_label(&self) -> Option<Arc<str>> {
        self.table.load().default.clone()
    }

    /// Every label, in memory or not.
    #[must_use]
    pub fn labels(&self) -> BTreeSet<Arc<str>> {
        self.table().labels.tips.keys().cloned().collect()
    }

    /// True if the default label can be answered.
    #[must_use]
    pub fn is_ready(&self) -> bool {
        matches!(self.look(None), Lookup::Ready(..))
    }

    /// Reads the labels of the local copy and moves every label that is loaded to the commit that it names now; the
    /// default label is loaded in any case. The new table replaces the old one whole. A label whose commit cannot be read
    /// stays where it is and holds up no other.
    ///
    /// # Errors
    /// If the labels cannot be read; nothing changes then.
    pub fn advance(&self) -> Result<Moved, ReadError> {
        let mut bodies = self.workshop();
        let before = self.table();
        let labels = self.source.labels()?;
        let mut table = next_table(&before, labels, self.settings.label.as_ref());
        let mut stuck = Vec::new();
        for label in wanted(&before, &table) {
            let Some(tip) = table.labels.tips.get(&label).copied() else { continue };
            let held = before.loaded.get(&label);
            match self.snapshot(tip.commit, [&before, &table], &mut bodies) {
                Ok(snapshot) => {
                    let pins = self.pins(&label, tip.kind, &snapshot, held, &mut bodies);
                    let loaded = match held {
                        Some(held) => held.moved_to(snapshot, pins),
                        None => Loaded::new(snapshot, pins, 0),
                    };
                    table.insert(label, loaded, &before);
                }
                Err(error) => {
                    let loaded = held.cloned().or_else(|| self.last_good(&label, tip.kind, &mut bodies));
                    table.loaded.extend(loaded.map(|loaded| (Arc::clone(&label), loaded)));
                    table.stuck.insert(Arc::clone(&label), Arc::from(error.to_string().replace("\nhint: ", "; ")));
                    stuck.push((label, error));
                }
            }
        }
        if table.default.as_ref().is_some_and(|label| !table.loaded.contains_key(label)) {
            // Another label became the default and cannot be read: the one before is better than none.
            table.default = before.default.clone().or(table.default);
        }
        let after = self.publish(table);
        bodies.forget_unused();
        Ok(Moved { before, after, stuck })
    }

    /// The snapshot of a label, `None` for the default one, with the label's name; `None` if there is no such label. Blocks
    /// if it is not in memory.
    ///
    /// # Errors
    /// If the local copy cannot be read.
    pub fn labelled(&self, label: Option<&str>) -> Result<Option<Labelled>, ReadError> {
        let (label, loaded) = match self.look(label) {
            Lookup::Ready(label, loaded) => (label, Some(loaded)),
            Lookup::Cold(label, _) | Lookup::Id(label, _) => (Arc::clone(&label), self.load(&label)?),
            Lookup::Stuck(_, reason) => return Err(ReadError(reason.to_string())),
            Lookup::Unknown | Lookup::Empty => return Ok(None),
        };
        Ok(loaded.map(|loaded| (label, loaded.snapshot)))
    }

    /// Loads the snapshot of a label or commit id that is not in memory; `None` if the label is gone meanwhile or the
    /// commit is not reachable from a label. Blocks.
    ///
    /// # Errors
    /// If the local copy cannot be read.
    pub fn load(&self, label: &Arc<str>) -> Result<Option<Loaded>, ReadError> {
        let asked = self.table();
        match asked.find(Some(label), self.turn.load(Ordering::Relaxed)) {
            // Somebody else has loaded it while this request waited for its place.
            Lookup::Ready(_, loaded) => return Ok(Some(loaded)),
            // Found out before the workshop is entered, because it may take a walk through the whole history.
            Lookup::Id(_, commit) if !self.is_reachable(commit, &asked)? => return Ok(None),
            Lookup::Id(..) | Lookup::Cold(..) | Lookup::Stuck(..) | Lookup::Unknown | Lookup::Empty => {}
        }
        let mut bodies = self.workshop();
        let table = self.table();
        let unmoved = Arc::ptr_eq(&asked.labels, &table.labels);
        let commit = match table.find(Some(label), self.turn.load(Ordering::Relaxed)) {
            Lookup::Ready(_, loaded) => return Ok(Some(loaded)),
            Lookup::Cold(_, commit) => commit,
            // A refresh that came between may have left the commit without a label that leads to it.
            Lookup::Id(_, commit) if unmoved || self.is_reachable(commit, &table)? => commit,
            Lookup::Stuck(_, reason) => return Err(ReadError(reason.to_string())),
            Lookup::Id(..) | Lookup::Unknown => return Ok(None),
            Lookup::Empty => return Err(ReadError("there is nothing to serve yet".to_owned())),
        };
        let snapshot = self.snapshot(commit, [&table, &table], &mut bodies)?;
        let mut table = Table::clone(&table);
        let tip = table.labels.tips.get(label).copied();
        let pins = tip.map(|tip| self.pins(label, tip.kind, &snapshot, None, &mut bodies)).unwrap_or_default();
        let loaded = Loaded::new(snapshot, pins, self.turn.load(Ordering::Relaxed) + 1);
        match tip {
            Some(_) => drop(table.loaded.insert(Arc::clone(label), loaded.clone())),
            None => drop(table.commits.insert(commit, loaded.clone())),
        }
        self.publish(table);
        Ok(Some(loaded))
    }

    /// What answers the addresses that a new snapshot of a label names and has no answer to. Tags never fall back.
    fn pins(
        &self,
        label: &str,
        kind: LabelKind,
        snapshot: &Arc<Snapshot>,
        held: Option<&Loaded>,
        bodies: &mut Bodies,
    ) -> Arc<Pins> {
        if let Some(held) = held.filter(|held| Arc::ptr_eq(&held.snapshot, snapshot)) {
            return Arc::clone(&held.pins);
        }
        if kind == LabelKind::Tag {
            return Arc::default();
        }
        if snapshot.is_clean() {
            self.source.remember(label, snapshot.commit);
            return Arc::default();
        }
        let Ok(mut reader) = self.source.open() else { return Arc::default() };
        let secrets = self.settings.secrets.load();
        let before = held.map(|held| Before { snapshot: &held.snapshot, held: &held.snapshot, pins: &held.pins });
        let meaning = (&self.settings.rules, &**secrets);
        let good = self.source.remembered(label);
        let pins = Search { past: Past::new(&mut *reader, meaning, bodies), before, good }.known(snapshot);
        if pins.is_empty() {
            self.source.remember(label, snapshot.commit);
        }
        Arc::new(pins)
    }

    /// What answers an address that a snapshot has no answer to and does not name; `None` if nothing does. Blocks.
    ///
    /// # Errors
    /// If the local copy cannot be read.
    pub fn pin(&self, label: &str, loaded: &Loaded, address: &Address) -> Result<Option<Pin>, ReadError> {
        if let Some(known) = loaded.pins.get(address) {
            return Ok(known);
        }
        let kind = self.table().labels.tips.get(label).map(|tip| tip.kind);
        if kind != Some(LabelKind::Branch) {
            return Ok(None);
        }
        let mut reader = self.source.open()?;
        let (secrets, good) = (self.settings.secrets.load(), self.source.remembered(label));
        let (meaning, mut bodies) = ((&self.settings.rules, &**secrets), Bodies::default());
        let mut search = Search { past: Past::new(&mut *reader, meaning, &mut bodies), before: None, good };
        let pin = search.one(&loaded.snapshot, address);
        loaded.pins.add(address, pin.clone());
        Ok(pin)
    }

    /// The commit of a branch that was last whole, also if that was in an earlier run, as long as it can be read.
    fn last_good(&self, label: &str, kind: LabelKind, bodies: &mut Bodies) -> Option<Loaded> {
        let commit = self.source.remembered(label).filter(|_| kind == LabelKind::Branch)?;
        Some(Loaded::new(self.build(commit, bodies).ok()?, Arc::default(), 0))
    }

    fn is_reachable(&self, commit: CommitId, table: &Table) -> Result<bool, ReadError> {
        let tips: Vec<CommitId> = table.labels.tips.values().map(|tip| tip.commit).collect();
        self.source.open()?.is_reachable(commit, &tips)
    }

    /// The snapshot of a commit: that of one of the tables, or a new one.
    fn snapshot(&self, commit: CommitId, tables: [&Table; 2], bodies: &mut Bodies) -> Result<Arc<Snapshot>, ReadError> {
        match tables.into_iter().find_map(|table| table.of_commit(commit)) {
            Some(snapshot) => Ok(snapshot),
            None => self.build(commit, bodies),
        }
    }

    fn build(&self, commit: CommitId, bodies: &mut Bodies) -> Result<Arc<Snapshot>, ReadError> {
        let mut reader = self.source.open()?;
        let committed_at = reader.committed_at(commit)?;
        let tree = reader.tree(commit)?;
        let (rules, secrets) = (&self.settings.rules, self.settings.secrets.load());
        let read = |blob| reader.blob(blob);
        Ok(Arc::new(Snapshot::build((commit, committed_at), tree, (rules, &secrets), bodies, read)?))
    }

    /// A value of the snapshots in memory that is open now and would not be with other keys: its file and key.
    #[must_use]
    pub fn closed_by(&self, secrets: &Secrets) -> Option<(Arc<str>, String)> {
        let table = self.table();
        // Kept apart from those of the workshop, which hold what is open now.
        let mut bodies = Bodies::default();
        table.loaded.values().chain(table.commits.values()).find_map(|loaded| {
            let reopened = loaded.snapshot.reopened(secrets, &mut bodies);
            let is_open: HashMap<_, _> = loaded.snapshot.openings().collect();
            reopened.openings().find_map(|(file, opening)| {
                let before = is_open.get(file)?;
                let closed_before: HashSet<_> = before.unopened.iter().map(|closed| (&closed.key, closed.at)).collect();
                let mut closed_now = opening.unopened.iter();
                let closed = closed_now.find(|closed| !closed_before.contains(&(&closed.key, closed.at)))?;
                Some((Arc::clone(file), closed.key.clone()))
            })
        })
    }

    /// Opens the sealed values of all snapshots in memory again, with the keys that are there now.
    pub fn reopen(&self) {
        let mut bodies = self.workshop();
        let secrets = self.settings.secrets.load();
        let mut table = Table::clone(&self.table());
        for (label, loaded) in &mut table.loaded {
            let snapshot = Arc::new(loaded.snapshot.reopened(&secrets, &mut bodies));
            let kind = table.labels.tips.get(label).map_or(LabelKind::Tag, |tip| tip.kind);
            let pins = self.pins(label, kind, &snapshot, Some(loaded), &mut bodies);
            *loaded = loaded.moved_to(snapshot, pins);
        }
        for loaded in table.commits.values_mut() {
            *loaded = loaded.moved_to(Arc::new(loaded.snapshot.reopened(&secrets, &mut bodies)), Arc::default());
        }
        self.publish(table);
        bodies.forget_unused();
    }

    /// Serves another table and announces what that changes.
    fn publish(&self, mut table: Table) -> Arc<Table> {
        table.evict(self.settings.snapshots);
        let table = Arc::new(table);
        // First swapped, then told: who hears of it reads what it is about. The workshop is held, so that of two tables
        // the later one is told later.
        let before = self.table.swap(Arc::clone(&table));
        self.settings.feed.announce(&self.settings.name, &before, &table);
        // By two, so that what was loaded comes between what was asked for before it and what is asked for after it.
        self.turn.fetch_add(2, Ordering::Relaxed);
        table
    }

    /// The snapshot of any commit.
    #[cfg(test)]
    pub(super) fn whole(&self, commit: CommitId) -> Arc<Snapshot> {
        self.build(commit, &mut Bodies::default()).unwrap()
    }

    /// How many bodies were parsed since the start.
    #[must_use]
    pub fn parsed(&self) -> u64 {
        self.workshop().parsed
    }

    fn workshop(&self) -> MutexGuard<'_, Bodies> {
        // A panic while building leaves nothing half done in it: at worst a body is parsed again.
        self.workshop.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The table of new labels without snapshots, but for those that nothing can move.
fn next_table(before: &Table, mut labels: Labels, configured: Option<&Arc<str>>) -> Table {
    // A default that is gone is kept: nobody has asked for the configuration of another label.
    let gone = before.default.as_ref().filter(|label| !labels.tips.contains_key(*label));
    if let Some((label, tip)) = gone.and_then(|label| before.labels.tips.get_key_value(label)) {
        labels.tips.insert(Arc::clone(label), *tip);
    }
    let default = match gone {
        Some(label) => Some(Arc::clone(label)),
        None => default_label(configured, &labels).or_else(|| before.default.clone()),
    };
    let unchanged = labels.tips == before.found.tips;
    let labels = Arc::new(labels);
    Table {
        stuck: labels.stuck.clone(),
        default_vanished: gone.is_some(),
        default,
        found: Arc::clone(&labels),
        labels,
        loaded: HashMap::new(),
        // What is reachable was found out for the old labels.
        commits: if unchanged { before.commits.clone() } else { HashMap::new() },
    }
}

/// The labels to move, the default first.
fn wanted(before: &Table, table: &Table) -> Vec<Arc<str>> {
    let mut wanted: Vec<_> = table.default.iter().cloned().collect();
    wanted.extend(before.loaded.keys().filter(|label| table.default.as_ref() != Some(*label)).cloned());
    wanted
}

#[cfg(test)]
mod tests {
    use super::super::fake::Fake;
    use super::*;

    /// Labels and commit ids in memory with their commits, the default starred.
    fn shown(live: &Live) -> String {
        let table = live.table();
        let commit = |loaded: &Loaded| loaded.snapshot.commit.0[0];
        let mark = |label: &Arc<str>| if table.default.as_ref() == Some(label) { "*" } else { "" };
        let labels = table.loaded.iter().map(|(label, loaded)| format!("{label}{}={}", mark(label), commit(loaded)));
        let mut shown: Vec<_> = labels.chain(table.commits.keys().map(|id| format!("#{}", id.0[0]))).collect();
        shown.sort();
        shown.join(" ")
    }

    fn advance(live: &Live) -> String {
        live.advance().unwrap();
        shown(live)
    }

    fn load(live: &Live, label: &str) -> Option<u8> {
        live.load(&Arc::from(label)).unwrap().map(|loaded| loaded.snapshot.commit.0[0])
    }

    #[test]
    fn a_label_is_read_when_it_is_asked_for_and_follows_from_then_on() {
        let fake = Fake::new();
        fake.commit("main", &[("a.yml", "a: 1")]);
        fake.commit("side", &[("a.yml", "a: 2")]);
        let live = fake.live(None, 64);
        assert_eq!(advance(&live), "main*=1");
        assert_eq!(load(&live, "side"), Some(2));
        fake.commit("side", &[("a.yml", "a: 3")]);
        fake.commit("other", &[("a.yml", "a: 4")]);
        assert_eq!(advance(&live), "main*=1 side=3");
        fake.delete("side");
        assert_eq!(advance(&live), "main*=1");
        assert_eq!(load(&live, "side"), None, "a label that is gone was loaded");
    }

    #[test]
    fn a_change_of_one_file_parses_one_file() {
        let fake = Fake::new();
        let files: Vec<_> = (0..20).map(|number| (format!("s{number}.yml"), format!("a: {number}"))).collect();
        let files: Vec<_> = files.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect();
        fake.commit("main", &files);
        let live = fake.live(None, 64);
        live.advance().unwrap();
        assert_eq!(live.parsed(), 20);
        fake.commit("main", &[("s7.yml", "a: changed"), ("README.md", "no configuration")]);
        live.advance().unwrap();
        assert_eq!(live.parsed(), 21);
        fake.commit("side", &files);
        live.advance().unwrap();
        assert_eq!(load(&live, "side"), Some(3));
        assert_eq!(live.parsed(), 22, "only the bytes that no snapshot holds any more are parsed again");
        live.advance().unwrap();
        assert_eq!(live.parsed(), 22);
    }

    #[test]
    fn equal_commits_are_one_snapshot() {
        let fake = Fake::new();
        let commit = fake.commit("main", &[("a.yml", "a: 1")]);
        fake.point("release", commit);
        let live = fake.live(None, 64);
        live.advance().unwrap();
        load(&live, "release");
        load(&live, &commit.to_string());
        let next = fake.commit("main", &[("a.yml", "a: 2")]);
        fake.point("release", next);
        live.advance().unwrap();
        let table = live.table();
        assert!(Arc::ptr_eq(&table.loaded["main"].snapshot, &table.loaded["release"].snapshot));
    }

    #[test]
    fn a_label_whose_commit_cannot_be_read_stays_and_holds_up_no_other() {
        let fake = Fake::new();
        fake.commit("main", &[("a.yml", "a: 1")]);
        fake.commit("side", &[("a.yml", "a: 2")]);
        let live = fake.live(None, 64);
        live.advance().unwrap();
        load(&live, "side");
        let damaged = fake.commit("side", &[("a.yml", "a: 3")]);
        fake.commit("main", &[("a.yml", "a: 4")]);
        fake.damage(damaged, true);
        let moved = live.advance().unwrap();
        assert_eq!(moved.stuck, [(Arc::from("side"), ReadError("commit 3 is damaged".to_owned()))]);
        assert_eq!(shown(&live), "main*=4 side=2");
        fake.damage(damaged, false);
        assert_eq!(advance(&live), "main*=4 side=3");
    }

    #[test]
    fn without_its_default_label_a_source_knows_no_label_that_does_not_exist() {
        let fake = Fake::new();
        let live = fake.live(None, 64);
        assert_eq!(advance(&live), "");
        assert!(matches!(live.look(None), Lookup::Empty));
        let commit = fake.commit("main", &[("a.yml", "a: 1")]);
        fake.damage(commit, true);
        assert_eq!(live.advance().unwrap().stuck.len(), 1);
        assert!(matches!(live.look(None), Lookup::Cold(..)));
        assert!(matches!(live.look(Some("none")), Lookup::Empty));
        assert!(matches!(live.look(Some(&commit.to_string())), Lookup::Empty));
        assert!(live.load(&Arc::from("main")).is_err());
    }

    #[test]
    fn a_commit_id_is_answered_as_long_as_a_label_leads_to_it() {
        let fake = Fake::new();
        let first = fake.commit("main", &[("a.yml", "a: 1")]);
        let second = fake.commit("main", &[("a.yml", "a: 2")]);
        let live = fake.live(None, 64);
        live.advance().unwrap();
        assert_eq!(load(&live, &first.to_string()), Some(1));
        assert_eq!(advance(&live), "#1 main*=2", "nothing has moved, so it is still reachable");
        fake.point("main", first);
        assert_eq!(advance(&live), "main*=1");
        assert_eq!(load(&live, &second.to_string()), None);
    }

    #[test]
    fn a_commit_that_loses_its_label_while_it_is_looked_for_is_not_served() {
        let fake = Fake::new();
        let first = fake.commit("main", &[("a.yml", "a: 1")]);
        let second = fake.commit("main", &[("a.yml", "a: 2")]);
        let live = fake.live(None, 64);
        live.advance().unwrap();
        let (pushed, refreshed) = (fake.clone(), Arc::clone(&live));
        fake.meanwhile(move || {
            // After the tips were taken, as a forced push and a refresh would.
            pushed.point("side", first);
            pushed.point("main", first);
            refreshed.advance().unwrap();
        });
        assert_eq!(load(&live, &second.to_string()), None);
        assert_eq!(shown(&live), "main*=1");
    }

    #[test]
    fn a_default_that_is_gone_is_kept_with_a_mark_until_it_is_back() {
        let fake = Fake::new();
        fake.commit("main", &[("a.yml", "a: 1")]);
        fake.commit("master", &[("a.yml", "a: 2")]);
        let live = fake.live(None, 64);
        live.advance().unwrap();
        fake.delete("main");
        assert_eq!(advance(&live), "main*=1");
        assert_eq!(advance(&live), "main*=1");
        assert!(live.table().default_vanished);
        fake.commit("main", &[("a.yml", "a: 3")]);
        assert_eq!(advance(&live), "main*=3");
        assert!(!live.table().default_vanished);
    }

    #[test]
    fn the_default_is_what_it_would_be_after_a_restart() {
        let fake = Fake::new();
        fake.commit("trunk", &[("a.yml", "a: 1")]);
        fake.head(Some("trunk"));
        let live = fake.live(None, 64);
        assert_eq!(advance(&live), "trunk*=1");
        fake.head(None);
        assert_eq!(advance(&live), "trunk*=1", "a remote that says nothing takes nothing away");
        let damaged = fake.commit("main", &[("a.yml", "a: 2")]);
        fake.damage(damaged, true);
        assert_eq!(advance(&live), "trunk*=1", "one that cannot be read is no better");
        fake.damage(damaged, false);
        assert_eq!(advance(&live), "main*=2 trunk=1");
        assert_eq!(advance(&fake.live(None, 64)), "main*=2");
        assert_eq!(advance(&fake.live(Some("trunk"), 64)), "trunk*=1");
    }

    #[test]
    fn what_was_not_asked_for_the_longest_time_makes_room() {
        let fake = Fake::new();
        let first = fake.commit("main", &[("a.yml", "a: 1")]);
        fake.commit("main", &[("a.yml", "a: 2")]);
        for label in ["x", "y", "z"] {
            fake.commit(label, &[("a.yml", label)]);
        }
        let live = fake.live(None, 3);
        live.advance().unwrap();
        load(&live, "x");
        load(&live, "y");
        live.look(Some("x"));
        load(&live, "z");
        assert_eq!(shown(&live), "main*=2 x=3 z=5");
        load(&live, &first.to_string());
        assert_eq!(shown(&live), "#1 main*=2 z=5");
        load(&live, "x");
        load(&live, "y");
        assert_eq!(shown(&live), "main*=2 x=3 y=4");
        let least = fake.live(None, 0);
        least.advance().unwrap();
        assert_eq!(load(&least, "x"), Some(3));
        assert_eq!(shown(&least), "main*=2");
    }
}
