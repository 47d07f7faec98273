//! One address that somebody listens to: its last versions, and which keys differ between them.
//!
//! A version is held as the layers that were selected for it, which share their files with the snapshot that is served;
//! what differs between two is found out once, however many ask.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use tokio::sync::{OnceCell, watch};

use crate::answer::{Selection, compare};
use crate::config::diff::KeyChanges;

/// How many versions back it can be said which keys differ.
const VERSIONS: usize = 8;

/// An address that somebody listens to.
#[derive(Debug)]
pub struct Topic {
    sender: watch::Sender<()>,
    history: Mutex<History>,
}

#[derive(Debug, Default)]
struct History {
    /// The last versions, oldest first.
    versions: VecDeque<Version>,
    differences: VecDeque<Difference>,
    left_at: Option<Instant>,
}

#[derive(Debug, Clone)]
struct Version {
    etag: Arc<str>,
    selection: Arc<Selection>,
}

#[derive(Debug, Clone)]
struct Difference {
    from: Arc<str>,
    to: Arc<str>,
    keys: Arc<OnceCell<Option<Arc<KeyChanges>>>>,
}

impl Default for Topic {
    fn default() -> Self {
        Self { sender: watch::Sender::new(()), history: Mutex::default() }
    }
}

impl Topic {
    /// Remembers a version, given how its layers are selected.
    pub fn remember(&self, etag: &Arc<str>, select: impl FnOnce() -> Option<Selection>) {
        if self.history().versions.back().is_some_and(|last| last.etag == *etag) {
            return;
        }
        let Some(selection) = select() else { return };
        let mut history = self.history();
        // Somebody else may have been quicker.
        if history.versions.back().is_none_or(|last| last.etag != *etag) {
            history.versions.push_back(Version { etag: Arc::clone(etag), selection: Arc::new(selection) });
            if history.versions.len() > VERSIONS {
                history.versions.pop_front();
            }
        }
    }

    /// Which keys differ between two versions; `None` if one of them is not remembered, or is too large to be merged.
    pub async fn difference(&self, from: &str, to: &str) -> Option<Arc<KeyChanges>> {
        let (keys, from, to) = {
            let mut history = self.history();
            let from = history.version(from)?;
            let to = history.version(to)?;
            (history.difference(&from.etag, &to.etag), from.selection, to.selection)
        };
        let found = keys.get_or_init(|| async {
            // Merging blocks, and a large document takes a while.
            let merged = tokio::task::spawn_blocking(move || compare::change(&from, &to).ok().map(Arc::new));
            merged.await.ok().flatten()
        });
        found.await.clone()
    }

    pub(super) fn subscribe(&self) -> watch::Receiver<()> {
        self.sender.subscribe()
    }

    pub(super) fn wake(&self) {
        self.sender.send_replace(());
    }

    pub(super) fn is_heard(&self) -> bool {
        self.sender.receiver_count() > 0
    }

    pub(super) fn leave(&self) {
        self.history().left_at = Some(Instant::now());
    }

    pub(super) fn left_at(&self) -> Option<Instant> {
        self.history().left_at
    }

    fn history(&self) -> MutexGuard<'_, History> {
        // Each change of the lists is one step.
        self.history.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl History {
    fn version(&self, etag: &str) -> Option<Version> {
        self.versions.iter().rev().find(|version| *version.etag == *etag).cloned()
    }

    /// What differs between two versions, yet to be found out if nobody has asked.
    fn difference(&mut self, from: &Arc<str>, to: &Arc<str>) -> Arc<OnceCell<Option<Arc<KeyChanges>>>> {
        if let Some(known) = self.differences.iter().find(|known| known.from == *from && known.to == *to) {
            return Arc::clone(&known.keys);
        }
        let keys = Arc::default();
        if self.differences.len() == VERSIONS {
            self.differences.pop_front();
        }
        self.differences.push_back(Difference { from: Arc::clone(from), to: Arc::clone(to), keys: Arc::clone(&keys) });
        keys
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use crate::config::address::Address;
    use crate::config::tree::{BlobId, CommitId, File, Tree};
    use crate::snapshot::{Bodies, Rules, Secrets, Snapshot};

    use super::*;

    /// The layers of a file with this text.
    fn selection(text: &str) -> Selection {
        let mut tree = Tree::default();
        let blob = BlobId(std::array::from_fn(|at| text.as_bytes().get(at).copied().unwrap_or(0)));
        tree.files.insert(Arc::from("user.yml"), File { blob, size: text.len() as u64 });
        let read = |_| Ok::<_, ()>(text.as_bytes().to_vec());
        let rules = (&Rules::default(), &Secrets::default());
        let snapshot = Snapshot::build((CommitId([0; 20]), 0), tree, rules, &mut Bodies::default(), read).unwrap();
        crate::answer::select(&snapshot, &Address::parse("user", None, None).unwrap()).unwrap()
    }

    fn keys(changes: &KeyChanges) -> Vec<&str> {
        let names = changes.added.keys().chain(changes.changed.keys()).chain(changes.removed.keys());
        names.map(|key| &**key).collect()
    }

    fn remember(topic: &Topic, etag: &str, text: &str) {
        topic.remember(&Arc::from(etag), || Some(selection(text)));
    }

    #[tokio::test]
    async fn what_differs_is_known_between_any_two_of_the_last_versions() {
        let topic = Topic::default();
        for (etag, text) in [("1", "a: 1"), ("2", "a: 2"), ("3", "b: 2")] {
            remember(&topic, etag, text);
        }
        assert_eq!(keys(&topic.difference("1", "2").await.unwrap()), ["a"]);
        assert_eq!(keys(&topic.difference("1", "3").await.unwrap()), ["b", "a"]);
        assert_eq!(keys(&topic.difference("3", "3").await.unwrap()), [""; 0]);
        assert_eq!(topic.difference("0", "3").await, None);
        for number in 4..4 + VERSIONS {
            remember(&topic, &number.to_string(), &format!("a: {number}"));
        }
        assert_eq!(topic.difference("3", "11").await, None, "it is bounded");
        assert_eq!(keys(&topic.difference("4", "11").await.unwrap()), ["a"]);
    }

    #[tokio::test]
    async fn a_version_is_selected_once_and_a_difference_merged_once() {
        let (topic, selected) = (Topic::default(), AtomicUsize::new(0));
        for _ in 0..3 {
            topic.remember(&Arc::from("1"), || {
                selected.fetch_add(1, Ordering::Relaxed);
                Some(selection("a: 1"))
            });
        }
        assert_eq!(selected.load(Ordering::Relaxed), 1);
        remember(&topic, "2", "a: 2");
        let (first, second) = (topic.difference("1", "2").await.unwrap(), topic.difference("1", "2").await.unwrap());
        assert!(Arc::ptr_eq(&first, &second));
    }
}
