//! What is served at one moment, as operators and listings see it: sources, their labels, and how each stands.
//!
//! A view of one table, taken once: what is read off it belongs together. Figures that cost something are methods.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::config::problem::{Problem, Severity};
use crate::config::select::Rank;
use crate::config::tree::CommitId;
use crate::snapshot::{Own, Snapshot};

use super::Store;
use super::freshness::Fresh;
use super::live::Live;
use super::refresh::{Pending, RefreshError};
use super::table::{Loaded, Table};

/// One source at one moment.
#[derive(Debug, Clone)]
pub struct SourceStatus {
    /// The name of the source.
    pub source: Arc<str>,
    /// The name of its entry in the settings, which sources that are found at run time share.
    pub entry: Arc<str>,
    /// When it was fetched, and what came of it.
    pub freshness: Fresh,
    table: Arc<Table>,
}

/// One label that is in memory.
#[derive(Debug, Clone)]
pub struct LabelStatus {
    /// The label.
    pub label: Arc<str>,
    loaded: Loaded,
}

/// How many sealed values there are.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct SealedValues {
    /// Those that are open.
    pub open: usize,
    /// Those that no key opens.
    pub closed: usize,
}

impl Store {
    /// Every source that is being served now, those of one entry by name.
    #[must_use]
    pub fn status(&self) -> Vec<SourceStatus> {
        self.served().iter().map(|(_, served)| served.live.status()).collect()
    }

    /// Every label of every source, in memory or not.
    #[must_use]
    pub fn labels(&self) -> BTreeSet<Arc<str>> {
        self.status().iter().flat_map(|source| source.table.labels.tips.keys().cloned()).collect()
    }

    /// Has every source fetched soon, without waiting.
    ///
    /// # Errors
    /// If the server is stopping.
    pub fn poke(&self) -> Result<(), RefreshError> {
        self.served().iter().try_for_each(|(_, served)| served.refresh.poke())
    }

    /// Has every source fetched, all at once. What came of it can be waited for.
    ///
    /// # Errors
    /// If too many wait already or the server is stopping.
    pub fn begin_refresh(&self) -> Result<Vec<Pending>, RefreshError> {
        self.served().iter().map(|(_, served)| served.refresh.begin()).collect()
    }

    /// What a file at a path would be for, whether or not there is one, in every source; `None` where no application is
    /// answered from it.
    #[must_use]
    pub fn ranks(&self, path: &str) -> Vec<Option<Rank>> {
        self.served().iter().map(|(_, served)| served.live.rank(path)).collect()
    }

    /// True if a source is read by Spring's rules.
    #[must_use]
    pub fn reads_as_spring(&self) -> bool {
        self.served().iter().any(|(_, served)| served.live.reads_as_spring())
    }

    /// The label that a request means, if the source of a name was read and does not have it.
    #[must_use]
    pub fn missing_label(&self, source: &str, asked: Option<&str>) -> Option<Arc<str>> {
        let served = self.served();
        let (_, served) = served.iter().find(|(_, served)| *served.live.settings.name == *source)?;
        served.live.missing_label(asked)
    }
}

impl Live {
    /// How the source stands now.
    #[must_use]
    pub fn status(&self) -> SourceStatus {
        SourceStatus {
            source: Arc::clone(&self.settings.name),
            entry: Arc::clone(&self.settings.entry),
            freshness: self.freshness.get(),
            table: self.table(),
        }
    }

    /// What a file at a path would be for at the default label, which says itself how it is read.
    fn rank(&self, path: &str) -> Option<Rank> {
        match self.in_use() {
            Some(snapshot) => snapshot.rank(path),
            None => self.settings.rules.rank(path),
        }
    }

    fn reads_as_spring(&self) -> bool {
        self.in_use().map_or(self.settings.rules.semantics, |snapshot| snapshot.semantics).is_spring()
    }

    /// The snapshot that answers at the default label.
    fn in_use(&self) -> Option<Arc<Snapshot>> {
        let table = self.table();
        let loaded = table.loaded.get(table.default.as_ref()?)?;
        Some(loaded.pins.whole().map_or_else(|| Arc::clone(&loaded.snapshot), |pin| Arc::clone(&pin.snapshot)))
    }

    /// The label that a request means, if the source was read and does not have it: the one asked for, or the default
    /// one of the settings.
    #[must_use]
    fn missing_label(&self, asked: Option<&str>) -> Option<Arc<str>> {
        let label = asked.or(self.settings.label.as_deref())?;
        let table = self.table();
        let tips = &table.labels.tips;
        (!tips.is_empty() && !tips.contains_key(label)).then(|| Arc::from(label))
    }
}

impl SourceStatus {
    /// The label that answers when none is asked for.
    #[must_use]
    pub fn default_label(&self) -> Option<&Arc<str>> {
        self.table.default.as_ref()
    }

    /// True if the default label is gone from the source, and its last commit goes on being served.
    #[must_use]
    pub fn default_vanished(&self) -> bool {
        self.table.default_vanished
    }

    /// The labels that cannot follow the source, and why. Those that were served before go on being served as they were.
    #[must_use]
    pub fn stuck(&self) -> &BTreeMap<Arc<str>, Arc<str>> {
        &self.table.stuck
    }

    /// The labels that are in memory, sorted.
    #[must_use]
    pub fn labels(&self) -> Vec<LabelStatus> {
        let of =
            |(label, loaded): (&Arc<str>, &Loaded)| LabelStatus { label: Arc::clone(label), loaded: loaded.clone() };
        let mut labels: Vec<_> = self.table.loaded.iter().map(of).collect();
        labels.sort_by(|one, other| one.label.cmp(&other.label));
        labels
    }

    /// The default label, if it is in memory.
    #[must_use]
    pub fn default(&self) -> Option<LabelStatus> {
        let label = Arc::clone(self.table.default.as_ref()?);
        let loaded = self.table.loaded.get(&label)?.clone();
        Some(LabelStatus { label, loaded })
    }
}

impl LabelStatus {
    /// The commit that is served.
    #[must_use]
    pub fn commit(&self) -> CommitId {
        self.loaded.snapshot.commit
    }

    /// When the commit was made, in seconds since 1970.
    #[must_use]
    pub fn committed_at(&self) -> i64 {
        self.loaded.snapshot.committed_at
    }

    /// How many configuration files it has.
    #[must_use]
    pub fn files(&self) -> usize {
        self.loaded.snapshot.len()
    }

    /// Bytes of all its files.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.loaded.snapshot.tree.files.values().map(|file| file.size).sum()
    }

    /// The applications that it names, sorted.
    pub fn applications(&self) -> impl ExactSizeIterator<Item = &Arc<str>> {
        self.loaded.snapshot.catalogue.applications.keys()
    }

    /// What it says about how it is read.
    #[must_use]
    pub fn own(&self) -> Arc<Own> {
        self.loaded.own()
    }

    /// What is wrong with its files.
    #[must_use]
    pub fn problems(&self) -> &[Problem] {
        &self.loaded.snapshot.problems
    }

    /// How many problems of a severity its files have.
    #[must_use]
    pub fn count(&self, severity: Severity) -> usize {
        self.problems().iter().filter(|problem| problem.severity == severity).count()
    }

    /// How many addresses that it names an older commit answers.
    #[must_use]
    pub fn pinned(&self) -> usize {
        self.loaded.pins.known().count()
    }

    /// How many sealed values it has.
    #[must_use]
    pub fn sealed(&self) -> SealedValues {
        self.loaded.snapshot.openings().fold(SealedValues::default(), |sum, (_, opening)| SealedValues {
            open: sum.open + opening.opened,
            closed: sum.closed + opening.unopened.len(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::fake::Fake;
    use super::*;

    #[test]
    fn a_status_is_of_one_moment_and_lists_what_is_in_memory() {
        let fake = Fake::new();
        fake.commit("main", &[("user.yml", "a: 1"), ("order.yml", "a: ["), ("README.md", "12345")]);
        fake.commit("side", &[("user.yml", "a: 2")]);
        let live = fake.live(None, 64);
        let nothing = live.status();
        assert_eq!((nothing.default_label(), nothing.labels().len(), live.missing_label(Some("x"))), (None, 0, None));
        live.advance().unwrap();
        let status = live.status();
        fake.commit("main", &[("order.yml", "a: 1")]);
        fake.damage(fake.commit("side", &[("user.yml", "a: 3")]), true);
        live.load(&Arc::from("side")).unwrap();
        live.advance().unwrap();
        let main = status.default().unwrap();
        let applications: Vec<_> = main.applications().map(|name| &**name).collect();
        assert_eq!((&*main.label, main.commit().0[0], main.files(), main.size()), ("main", 1, 2, 13));
        assert_eq!((applications, main.count(Severity::Error), main.pinned()), (vec!["order", "user"], 1, 0));
        let labels =
            |status: &SourceStatus| status.labels().iter().map(|label| label.label.to_string()).collect::<Vec<_>>();
        assert_eq!((labels(&status), status.stuck().len()), (vec!["main".to_owned()], 0));
        let now = live.status();
        assert_eq!((labels(&now), now.stuck().len()), (vec!["main".to_owned(), "side".to_owned()], 1));
        assert_eq!(live.missing_label(Some("gone")).as_deref(), Some("gone"));
        assert_eq!((live.missing_label(Some("side")), live.missing_label(None)), (None, None));
    }
}
