//! What is live now: the sources being served, their snapshots, and the answers made of them.
//!
//! Floor 4. A request asks [`Store::snapshot`] once and works on that snapshot to its end. This room knows no protocol.

pub mod cold;
#[cfg(test)]
mod fake;
mod journal;
pub mod live;
pub mod memo;
pub mod refresh;
pub mod report;
pub mod table;

use std::sync::Arc;

use crate::answer::{AnswerError, Spelled, Spelling};
use crate::config::address::Address;
use crate::snapshot::Snapshot;

use cold::{Cold, ColdError};
use live::Live;
use memo::Memo;
use table::Lookup;

/// The sources being served.
pub struct Store {
    /// The sources in the order of the settings.
    pub sources: Vec<Arc<Live>>,
    memo: Memo,
    cold: Cold,
}

/// What the store needs to know of the settings.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Bytes of spelled answers kept.
    pub answers: u64,
    /// Requests that read Git at once.
    pub cold: usize,
}

/// A snapshot chosen for a request.
#[derive(Debug, Clone)]
pub struct Chosen {
    /// The label that was asked for or stands in for none.
    pub label: Arc<str>,
    /// The snapshot.
    pub snapshot: Arc<Snapshot>,
    /// Index of the source.
    pub source: usize,
}

/// Why there is no snapshot for a request.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ChooseError {
    /// No commit was ever fetched.
    #[error("there is no configuration yet: the source `{0}` was not read so far")]
    NotReady(Arc<str>),
    /// The label does not exist, or the settings do not let it be asked for.
    #[error("there is no label `{0}`")]
    UnknownLabel(Arc<str>),
    /// The local copy is busy or cannot be read.
    #[error(transparent)]
    Cold(#[from] ColdError),
}

impl Store {
    /// A store of sources that serve nothing yet.
    #[must_use]
    pub fn new(sources: Vec<Arc<Live>>, limits: Limits) -> Self {
        Self { sources, memo: Memo::new(limits.answers), cold: Cold::new(limits.cold) }
    }

    /// The snapshot that answers an address now. Waits only if the label is not in memory, and never for a fetch.
    ///
    /// # Errors
    /// If there is no such label, nothing was fetched so far, or the local copy cannot be read.
    pub async fn snapshot(&self, address: &Address) -> Result<Chosen, ChooseError> {
        self.by_label(address.label.as_deref()).await
    }

    /// The snapshot of a label, `None` for the default one, of the first source.
    ///
    /// # Errors
    /// As [`Store::snapshot`].
    pub async fn by_label(&self, label: Option<&str>) -> Result<Chosen, ChooseError> {
        let source = 0;
        let live = &self.sources[source];
        let (label, snapshot) = match live.look(label) {
            Lookup::Ready(label, snapshot) => (label, Some(snapshot)),
            Lookup::Cold(label, _) | Lookup::Id(label, _) => (Arc::clone(&label), self.cold.load(live, label).await?),
            Lookup::Unknown => (Arc::from(label.unwrap_or_default()), None),
            Lookup::Empty => return Err(ChooseError::NotReady(Arc::clone(&live.settings.name))),
        };
        match snapshot {
            Some(snapshot) => Ok(Chosen { label, snapshot, source }),
            None => Err(ChooseError::UnknownLabel(label)),
        }
    }

    /// The answer of a chosen snapshot, from memory if it was spelled before.
    ///
    /// # Errors
    /// As [`crate::answer::select`] and [`crate::answer::spell`].
    pub fn answer(&self, chosen: &Chosen, address: &Address, spelling: &Spelling) -> Result<Arc<Spelled>, AnswerError> {
        self.memo.answer(chosen, address, spelling)
    }

    /// True if every source has a snapshot of its default label.
    #[must_use]
    pub fn is_ready(&self) -> bool {
        self.sources.iter().all(|live| matches!(live.look(None), Lookup::Ready(..)))
    }

    /// Bytes of answers kept.
    #[must_use]
    pub fn memo_weight(&self) -> u64 {
        self.memo.weight()
    }
}

#[cfg(test)]
mod tests {
    use super::fake::Fake;
    use super::*;

    #[tokio::test]
    async fn a_label_leads_to_a_snapshot_or_to_the_reason_why_not() {
        let fake = Fake::new();
        let live = fake.live(None, 64);
        let store = Store::new(vec![Arc::clone(&live)], Limits { answers: 1 << 20, cold: 4 });
        let told = async |label: Option<&str>| match store.by_label(label).await {
            Ok(chosen) => format!("{} {}", chosen.label, chosen.snapshot.commit.0[0]),
            Err(error) => error.to_string(),
        };
        let nothing = "there is no configuration yet: the source `config` was not read so far";
        assert_eq!((told(None).await, told(Some("x")).await), (nothing.to_owned(), nothing.to_owned()));
        assert!(!store.is_ready());
        let first = fake.commit("main", &[("a.yml", "a: 1")]).to_string();
        fake.commit("main", &[("a.yml", "a: 2")]);
        fake.commit("side", &[("a.yml", "a: 3")]);
        live.advance().unwrap();
        assert!(store.is_ready());
        assert_eq!(told(None).await, "main 2");
        assert_eq!(told(Some("side")).await, "side 3");
        assert_eq!(told(Some(&first)).await, format!("{first} 1"));
        for unknown in ["HEAD", "main~1", "refs/heads/main", &first[..12], &"0".repeat(40)] {
            assert_eq!(told(Some(unknown)).await, format!("there is no label `{unknown}`"));
        }
    }
}
