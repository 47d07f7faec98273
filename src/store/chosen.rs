//! What the store chose for a request, or why it has nothing for it.

use std::sync::Arc;

use crate::answer::{self, AnswerError, Selection};
use crate::config::address::Address;
use crate::snapshot::Snapshot;

use super::discovered::FindError;
use super::live::Live;
use super::pin::{Asked, Pin};
use super::pool::ColdError;

/// The name and the place of a source, of a snapshot that no store chose.
const NO_SOURCE: &str = "config";

/// What was chosen for a request: one snapshot, or those of several sources that are joined.
#[derive(Debug, Clone)]
pub struct Chosen {
    /// The strongest part.
    pub first: Part,
    /// The others, strong to weak.
    pub others: Vec<Part>,
}

/// A snapshot chosen for a request.
#[derive(Debug, Clone)]
pub struct Part {
    /// Index of the entry that it came from. All sources of one entry read a commit in the same way.
    pub entry: usize,
    /// The label that was asked for or stands in for none.
    pub label: Arc<str>,
    /// The snapshot.
    pub snapshot: Arc<Snapshot>,
    /// That of the newest commit of the label, which is another one only if an older commit stands in. It says what there is.
    pub newest: Arc<Snapshot>,
    /// Why it is that of an older commit, if it is.
    pub pinned: Option<Arc<str>>,
    /// Its source; `None`: no store chose it.
    pub(super) live: Option<Arc<Live>>,
}

/// An address that an older commit answers.
#[derive(Debug, Clone)]
pub struct Pinned {
    /// The name of its source.
    pub source: Arc<str>,
    /// The application and its profiles.
    pub asked: Asked,
    /// The commit, and why.
    pub pin: Pin,
}

/// Why there is no snapshot for a request.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ChooseError {
    /// The settings name no source for the address.
    #[error("no source is there for this application and these profiles")]
    NoSource,
    /// No commit was ever fetched.
    #[error("there is no configuration yet: the source `{0}` was not read so far")]
    NotReady(Arc<str>),
    /// The label does not exist, or the settings do not let it be asked for.
    #[error("there is no label `{0}`")]
    UnknownLabel(Arc<str>),
    /// The label exists, and nothing of it could ever be read.
    #[error("the label `{0}` cannot be read: {1}")]
    Stuck(Arc<str>, Arc<str>),
    /// The local copy is busy or cannot be read.
    #[error(transparent)]
    Cold(#[from] ColdError),
    /// A source that is found at run time is not there.
    #[error(transparent)]
    Find(#[from] FindError),
}

/// Why other keys are not taken: a value that is open would not be any more.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{key}` in `{file}` of the source `{name}` is open now and would not be with these keys")]
pub struct WouldClose {
    pub(super) name: Arc<str>,
    pub(super) file: Arc<str>,
    pub(super) key: String,
}

impl Chosen {
    /// One snapshot that no store chose.
    #[must_use]
    pub fn alone(label: Arc<str>, snapshot: Arc<Snapshot>) -> Self {
        let newest = Arc::clone(&snapshot);
        Self { first: Part { entry: 0, label, snapshot, newest, pinned: None, live: None }, others: Vec::new() }
    }

    /// The commits, strong to weak, separated by commas.
    #[must_use]
    pub fn version(&self) -> String {
        let commits: Vec<_> = self.parts().map(|part| part.snapshot.commit.to_string()).collect();
        commits.join(",")
    }

    /// The layers that answer an address, if nothing is wrong with what they make together.
    ///
    /// # Errors
    /// As [`Self::select`], and with what they break of the schemas of any part that enforces its own.
    pub fn whole(&self, address: &Address) -> Result<Selection, AnswerError> {
        let selection = self.select(address)?;
        let faults: Vec<_> =
            self.parts().flat_map(|part| answer::faults(&part.snapshot, address, &selection)).collect();
        if faults.is_empty() { Ok(selection) } else { Err(AnswerError::Broken(faults)) }
    }

    /// Why parts are those of older commits, on one line of printable ASCII; `None` if none is.
    #[must_use]
    pub fn pinned(&self) -> Option<String> {
        let reasons: Vec<&str> = self.parts().filter_map(|part| part.pinned.as_deref()).collect();
        let plain =
            |reason: &str| reason.chars().map(|c| if c == ' ' || c.is_ascii_graphic() { c } else { '?' }).collect();
        (!reasons.is_empty()).then(|| plain(&reasons.join("; ")))
    }

    /// Seconds since the last fetch that succeeded of the part that is the least fresh.
    #[must_use]
    pub fn age(&self, now: i64) -> Option<u64> {
        self.parts().filter_map(|part| part.live.as_ref()?.freshness.age(now)).max()
    }

    /// The parts, strong to weak.
    pub fn parts(&self) -> impl DoubleEndedIterator<Item = &Part> {
        std::iter::once(&self.first).chain(&self.others)
    }

    /// The layers of all parts that answer an address, those of stronger parts above those of weaker ones.
    ///
    /// # Errors
    /// As [`crate::answer::select`], for the parts together.
    pub fn select(&self, address: &Address) -> Result<Selection, AnswerError> {
        answer::join(self.parts().rev().map(|part| {
            let snapshot = &part.snapshot;
            answer::select(snapshot, &snapshot.semantics.address(address, &part.label))
        }))
    }

    /// True if several sources take part.
    #[must_use]
    pub fn is_joined(&self) -> bool {
        !self.others.is_empty()
    }
}

impl Part {
    /// The part that a source contributes.
    pub(super) fn of(entry: usize, live: &Arc<Live>, label: Arc<str>, snapshot: Arc<Snapshot>) -> Self {
        let newest = Arc::clone(&snapshot);
        Self { entry, label, snapshot, newest, pinned: None, live: Some(Arc::clone(live)) }
    }

    /// The name of its source.
    #[must_use]
    pub fn source(&self) -> &str {
        self.live.as_ref().map_or(NO_SOURCE, |live| &live.settings.name)
    }

    /// Where the source is, as answers may tell it: without user and password, and without a slash at its end.
    #[must_use]
    pub fn uri(&self) -> &str {
        self.live.as_ref().map_or(NO_SOURCE, |live| &live.settings.uri)
    }

    /// True if the source has, or ever had, a branch or tag called `master`.
    #[must_use]
    pub fn had_master(&self) -> bool {
        self.live.as_ref().is_some_and(|live| live.table().labels.had_master)
    }
}
