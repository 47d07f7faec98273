//! What one source serves at one moment: its labels, and the snapshots of those that somebody asked for.
//!
//! A table is never changed, only replaced whole, so that a request that holds one sees one moment from start to end.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::config::address::Address;
use crate::config::tree::CommitId;
use crate::snapshot::{Own, Snapshot};
use crate::source::Labels;

use super::pin::Pins;

/// The labels and snapshots of a source at one moment.
#[derive(Debug, Clone, Default)]
pub struct Table {
    /// The labels that may be asked for.
    pub labels: Arc<Labels>,
    /// Those, and the ones that the default label says may not be.
    pub found: Arc<Labels>,
    /// The label that answers when none is asked for.
    pub default: Option<Arc<str>>,
    /// Labels that cannot follow the source, and why; those of them that are in `labels` stay where they were.
    pub stuck: BTreeMap<Arc<str>, Arc<str>>,
    /// The default label is gone from the source; its last snapshot goes on being served.
    pub default_vanished: bool,
    /// The snapshots of labels that were asked for.
    pub loaded: HashMap<Arc<str>, Loaded>,
    /// The snapshots of commit ids that were asked for and found reachable from the labels of this table.
    pub commits: HashMap<CommitId, Loaded>,
}

/// A snapshot in memory.
#[derive(Debug, Clone)]
pub struct Loaded {
    /// The snapshot.
    pub snapshot: Arc<Snapshot>,
    /// What answers the addresses that it has no answer to.
    pub pins: Arc<Pins>,
    used: Arc<AtomicU64>,
}

/// Where a label leads.
#[derive(Debug)]
pub enum Lookup {
    /// To a snapshot in memory.
    Ready(Arc<str>, Loaded),
    /// To a label with a commit whose snapshot is not in memory.
    Cold(Arc<str>, CommitId),
    /// To a commit whose snapshot is not in memory, if that is reachable from a label.
    Id(Arc<str>, CommitId),
    /// To a label of which nothing was ever whole, and why.
    Stuck(Arc<str>, Arc<str>),
    /// Nowhere.
    Unknown,
    /// There is nothing yet: the default label was never read.
    Empty,
}

impl Loaded {
    /// A snapshot that was just asked for.
    #[must_use]
    pub fn new(snapshot: Arc<Snapshot>, pins: Arc<Pins>, turn: u64) -> Self {
        Self { snapshot, pins, used: Arc::new(AtomicU64::new(turn)) }
    }

    /// The same place in the order of use with another snapshot.
    #[must_use]
    pub fn moved_to(&self, snapshot: Arc<Snapshot>, pins: Arc<Pins>) -> Self {
        Self { snapshot, pins, used: Arc::clone(&self.used) }
    }

    /// What its commit says about how it is read, or the older one that stands in where that is broken.
    #[must_use]
    pub fn own(&self) -> Arc<Own> {
        let snapshot = self.pins.whole().map_or(&self.snapshot, |pin| &pin.snapshot);
        Arc::clone(&snapshot.own)
    }

    /// The snapshot that answers an address: its own, or the older one that the address is pinned to.
    #[must_use]
    pub fn for_address(&self, address: &Address) -> Arc<Snapshot> {
        let pin = if self.pins.is_empty() { None } else { self.pins.get(address).flatten() };
        pin.map_or_else(|| Arc::clone(&self.snapshot), |pin| pin.snapshot)
    }

    fn touch(&self, turn: u64) {
        // A plain store only when the turn changed: the line stays shared between cores while nothing happens.
        if self.used.load(Ordering::Relaxed) != turn {
            self.used.store(turn, Ordering::Relaxed);
        }
    }
}

impl Table {
    /// Has a label served, and if it is the default, allows the labels that its commit allows.
    pub fn insert(&mut self, label: Arc<str>, loaded: Loaded, before: &Self) {
        let own = loaded.own();
        let is_default = self.default.as_ref() == Some(&label);
        self.loaded.insert(label, loaded);
        if is_default {
            self.restrict(&own, before);
        }
    }

    /// Takes away the labels that may not be asked for by what the commit of the default label says; that label stays.
    fn restrict(&mut self, own: &Own, before: &Self) {
        let Some(allowed) = &own.labels else { return };
        let mut labels = Labels::clone(&self.labels);
        let is_allowed = |label: &str| self.default.as_deref() == Some(label) || allowed.is_match(label);
        labels.tips.retain(|label, _| is_allowed(label));
        labels.stuck.retain(|label, _| is_allowed(label));
        self.stuck.retain(|label, _| is_allowed(label));
        if labels.tips != before.labels.tips {
            // What is reachable was found out for other labels.
            self.commits = HashMap::new();
        }
        self.labels = Arc::new(labels);
    }

    /// Where a label leads; `None` asks for the default. `turn` grows with each table, for the order of use.
    #[must_use]
    pub fn find(&self, label: Option<&str>, turn: u64) -> Lookup {
        let Some(label) = label.or(self.default.as_deref()) else { return Lookup::Empty };
        if let Some((name, loaded)) = self.loaded.get_key_value(label) {
            loaded.touch(turn);
            return Lookup::Ready(Arc::clone(name), loaded.clone());
        }
        if let Some((name, tip)) = self.labels.tips.get_key_value(label) {
            return Lookup::Cold(Arc::clone(name), tip.commit);
        }
        if self.default.as_ref().is_none_or(|default| !self.loaded.contains_key(default)) {
            // Clients take "unknown" for "no configuration", which cannot be said before there was any.
            return Lookup::Empty;
        }
        if let Some((name, reason)) = self.labels.stuck.get_key_value(label) {
            return Lookup::Stuck(Arc::clone(name), Arc::clone(reason));
        }
        let Some(commit) = CommitId::parse(label) else { return Lookup::Unknown };
        match self.commits.get(&commit) {
            Some(loaded) => {
                loaded.touch(turn);
                Lookup::Ready(Arc::from(label), loaded.clone())
            }
            None => Lookup::Id(Arc::from(label), commit),
        }
    }

    /// The snapshot of a label, if it is in memory.
    #[must_use]
    pub fn snapshot(&self, label: &str) -> Option<&Snapshot> {
        self.loaded.get(label).map(|held| &*held.snapshot)
    }

    /// The snapshot of a commit, if it is in memory under any name.
    #[must_use]
    pub fn of_commit(&self, commit: CommitId) -> Option<Arc<Snapshot>> {
        let mut held = self.loaded.values().chain(self.commits.values());
        held.find(|held| held.snapshot.commit == commit).map(|held| Arc::clone(&held.snapshot))
    }

    /// Drops the snapshots that were not used for the longest time until at most `most` are left; the default stays.
    pub fn evict(&mut self, most: usize) {
        while self.loaded.len() + self.commits.len() > most.max(1) {
            let used = |loaded: &Loaded| loaded.used.load(Ordering::Relaxed);
            let labels = self.loaded.iter().filter(|(label, _)| Some(*label) != self.default.as_ref());
            let label = labels.map(|(label, loaded)| (used(loaded), Arc::clone(label))).min();
            let commit = self.commits.iter().map(|(id, loaded)| (used(loaded), *id)).min_by_key(|(used, _)| *used);
            match (label, commit) {
                (Some((of_label, label)), Some((of_commit, _))) if of_label < of_commit => {
                    drop(self.loaded.remove(&label));
                }
                (_, Some((_, commit))) => drop(self.commits.remove(&commit)),
                (Some((_, label)), None) => drop(self.loaded.remove(&label)),
                (None, None) => return,
            }
        }
    }
}

/// The label that answers when none is asked for: the one that the settings name, else `main`, else `master`, else the
/// remote's own default branch.
#[must_use]
pub fn default_label(configured: Option<&Arc<str>>, labels: &Labels) -> Option<Arc<str>> {
    let exists = |label: &str| labels.tips.get_key_value(label).map(|(label, _)| Arc::clone(label));
    match configured {
        Some(label) => exists(label),
        None => exists("main").or_else(|| exists("master")).or_else(|| exists(labels.head.as_deref()?)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::{LabelKind, Tip};

    fn default(configured: Option<&str>, labels: &[&str], head: Option<&str>) -> Option<String> {
        let tip = Tip { commit: CommitId([1; 20]), kind: LabelKind::Branch };
        let tips = labels.iter().map(|label| (Arc::from(*label), tip)).collect();
        let labels = Labels { tips, head: head.map(Arc::from), ..Labels::default() };
        default_label(configured.map(Arc::from).as_ref(), &labels).map(|label| label.to_string())
    }

    #[test]
    fn the_default_is_the_one_that_is_set_or_the_first_usual_name_or_what_the_remote_says() {
        let all = ["develop", "main", "master", "v1"];
        assert_eq!(default(Some("v1"), &all, Some("develop")).as_deref(), Some("v1"));
        assert_eq!(default(None, &all, Some("develop")).as_deref(), Some("main"));
        assert_eq!(default(None, &["develop", "master"], Some("develop")).as_deref(), Some("master"));
        assert_eq!(default(None, &["develop", "other"], Some("develop")).as_deref(), Some("develop"));
        assert_eq!(default(None, &["develop"], None), None);
        assert_eq!(default(Some("gone"), &all, Some("develop")), None, "a label that was set has no stand-in");
    }
}
