//! A source in memory, for the tests of this room: what it has, and which of it cannot be read, is set by the test.

use std::collections::hash_map::DefaultHasher;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::hash::{Hash, Hasher};
use std::sync::{Arc, Mutex, MutexGuard};

use arc_swap::ArcSwap;

use crate::config::tree::{BlobId, CommitId, File, Tree};
use crate::schema::Mode;
use crate::snapshot::{Rules, Secrets, Snapshot};
use crate::source::mirror::history::{About, Parent};
use crate::source::{FetchError, LabelKind, Labels, ReadError, Reader, Source, Tip};

use super::change::Feed;
use super::live::{Live, Settings};

/// A source in memory. Clones share what they hold.
#[derive(Clone, Default)]
pub(super) struct Fake(Arc<Mutex<Held>>);

#[derive(Default)]
struct Held {
    labels: Labels,
    commits: HashMap<CommitId, BTreeMap<String, String>>,
    /// Commits and what they follow.
    parents: HashMap<CommitId, CommitId>,
    unreadable: HashSet<CommitId>,
    failure: Option<FetchError>,
    hangs: bool,
    panics: bool,
    /// Called once when reachability is asked for, as if a refresh came between.
    between: Option<Box<dyn FnOnce() + Send>>,
    fetches: usize,
    /// What was last remembered of labels.
    good: HashMap<String, CommitId>,
}

impl Fake {
    /// A source that has nothing yet.
    pub(super) fn new() -> Self {
        Self::default()
    }

    /// The source being served with at most `snapshots` in memory.
    pub(super) fn live(&self, label: Option<&str>, snapshots: usize) -> Arc<Live> {
        self.live_with(label, snapshots, Arc::default())
    }

    /// What a branch has, with its schemas enforced.
    pub(super) fn enforcing(&self, branch: &str) -> Arc<Snapshot> {
        let rules = Rules { schemas: Mode::Enforce, ..Rules::default() };
        let live = Live::new(Settings { rules, ..Self::settings(Some(branch), 4) }, Arc::new(self.clone()));
        live.advance().unwrap();
        Arc::clone(&live.table().loaded[branch].snapshot)
    }

    /// [`Self::live`], announcing under a name what changes.
    pub(super) fn announcing(&self, name: &str, feed: &Arc<Feed>) -> Arc<Live> {
        let (name, feed) = (Arc::from(name), Arc::clone(feed));
        Arc::new(Live::new(Settings { name, feed, ..Self::settings(None, 64) }, Arc::new(self.clone())))
    }

    /// [`Self::live`], opening sealed values with these secrets.
    pub(super) fn live_with(&self, label: Option<&str>, snapshots: usize, secrets: Arc<ArcSwap<Secrets>>) -> Arc<Live> {
        Arc::new(Live::new(Settings { secrets, ..Self::settings(label, snapshots) }, Arc::new(self.clone())))
    }

    fn settings(label: Option<&str>, snapshots: usize) -> Settings {
        let (name, label): (Arc<str>, _) = (Arc::from("config"), label.map(Arc::from));
        let (entry, uri) = (Arc::clone(&name), Arc::clone(&name));
        let (rules, secrets, feed) = (Rules::default(), Arc::default(), Arc::default());
        Settings { entry, uri, name, label, rules, secrets, snapshots, feed }
    }

    /// Puts files into a new commit on a branch, on top of what is there.
    pub(super) fn commit(&self, branch: &str, files: &[(&str, &str)]) -> CommitId {
        let held = self.held();
        let parent = held.labels.tips.get(branch).map(|tip| tip.commit);
        drop(held);
        let commit = self.made(parent, files);
        self.point(branch, commit);
        commit
    }

    /// Makes a commit that follows nothing, and leaves the branches alone.
    pub(super) fn orphan(&self, files: &[(&str, &str)]) -> CommitId {
        self.made(None, files)
    }

    /// Sets a branch to a new commit of exactly these files, on top of any other.
    pub(super) fn commit_on(
        &self,
        branch: &str,
        parent: Option<CommitId>,
        files: &BTreeMap<&'static str, String>,
    ) -> CommitId {
        let commit = self.made(None, &files.iter().map(|(path, text)| (*path, text.as_str())).collect::<Vec<_>>());
        self.held().parents.extend(parent.map(|parent| (commit, parent)));
        self.point(branch, commit);
        commit
    }

    fn made(&self, parent: Option<CommitId>, files: &[(&str, &str)]) -> CommitId {
        let mut held = self.held();
        let mut content = parent.and_then(|parent| held.commits.get(&parent).cloned()).unwrap_or_default();
        for (path, text) in files {
            match text.is_empty() {
                true => drop(content.remove(*path)),
                false => drop(content.insert((*path).to_owned(), (*text).to_owned())),
            }
        }
        let number = u8::try_from(held.commits.len() + 1).unwrap();
        let commit = CommitId([number; 20]);
        held.commits.insert(commit, content);
        held.parents.extend(parent.map(|parent| (commit, parent)));
        commit
    }

    /// Sets a tag to a commit.
    pub(super) fn tag(&self, name: &str, commit: CommitId) {
        self.held().labels.tips.insert(Arc::from(name), Tip { commit, kind: LabelKind::Tag });
    }

    /// Sets a branch to a commit.
    pub(super) fn point(&self, branch: &str, commit: CommitId) {
        self.held().labels.tips.insert(Arc::from(branch), Tip { commit, kind: LabelKind::Branch });
    }

    /// Deletes a branch.
    pub(super) fn delete(&self, branch: &str) {
        self.held().labels.tips.remove(branch);
    }

    /// Sets what the remote calls its default.
    pub(super) fn head(&self, branch: Option<&str>) {
        self.held().labels.head = branch.map(Arc::from);
    }

    /// Makes a commit unreadable, or readable again.
    pub(super) fn damage(&self, commit: CommitId, damaged: bool) {
        match damaged {
            true => self.held().unreadable.insert(commit),
            false => self.held().unreadable.remove(&commit),
        };
    }

    /// Lets fetches fail like this, or succeed again.
    pub(super) fn fail(&self, failure: Option<FetchError>) {
        self.held().failure = failure;
    }

    /// Lets fetches never end.
    pub(super) fn hang(&self) {
        self.held().hangs = true;
    }

    /// Lets the next fetch panic.
    pub(super) fn panic_once(&self) {
        self.held().panics = true;
    }

    /// Does this once while a request finds out whether a commit is reachable.
    pub(super) fn meanwhile(&self, between: impl FnOnce() + Send + 'static) {
        self.held().between = Some(Box::new(between));
    }

    /// How many fetches there were.
    pub(super) fn fetches(&self) -> usize {
        self.held().fetches
    }

    fn held(&self) -> MutexGuard<'_, Held> {
        self.0.lock().unwrap()
    }
}

impl Source for Fake {
    fn fetch(&self) -> Result<(), FetchError> {
        let mut held = self.held();
        held.fetches += 1;
        if held.hangs {
            drop(held);
            loop {
                std::thread::park();
            }
        }
        if std::mem::take(&mut held.panics) {
            drop(held);
            panic!("as the test wants");
        }
        held.failure.clone().map_or(Ok(()), Err)
    }

    fn labels(&self) -> Result<Labels, ReadError> {
        Ok(self.held().labels.clone())
    }

    fn open(&self) -> Result<Box<dyn Reader>, ReadError> {
        Ok(Box::new(self.clone()))
    }

    fn remember(&self, label: &str, commit: CommitId) {
        self.held().good.insert(label.to_owned(), commit);
    }

    fn remembered(&self, label: &str) -> Option<CommitId> {
        self.held().good.get(label).copied()
    }
}

impl Reader for Fake {
    fn tree(&mut self, commit: CommitId) -> Result<Tree, ReadError> {
        let held = self.held();
        if held.unreadable.contains(&commit) {
            return Err(ReadError(format!("commit {} is damaged", commit.0[0])));
        }
        let file = |(path, text): (&String, &String)| {
            (Arc::from(path.as_str()), File { blob: blob(text), size: text.len() as u64 })
        };
        Ok(Tree { files: held.commits[&commit].iter().map(file).collect(), ..Tree::default() })
    }

    fn blob(&mut self, id: BlobId) -> Result<Vec<u8>, ReadError> {
        let held = self.held();
        let texts = held.commits.values().flat_map(BTreeMap::values);
        Ok(texts.into_iter().find(|text| blob(text) == id).expect("trees name only blobs that exist").clone().into())
    }

    fn committed_at(&mut self, commit: CommitId) -> Result<i64, ReadError> {
        Ok(i64::from(commit.0[0]))
    }

    fn is_reachable(&mut self, commit: CommitId, tips: &[CommitId]) -> Result<bool, ReadError> {
        let between = self.held().between.take();
        between.into_iter().for_each(|between| between());
        let held = self.held();
        let reaches = |tip: &CommitId| {
            std::iter::successors(Some(*tip), |commit| held.parents.get(commit).copied()).any(|id| id == commit)
        };
        Ok(tips.iter().any(reaches))
    }

    fn about(&mut self, commit: CommitId) -> Result<Option<About>, ReadError> {
        let held = self.held();
        let parent = held.parents.get(&commit).copied().map_or(Parent::Nothing, Parent::Commit);
        let (author, subject) = ("somebody".to_owned(), format!("commit {}", commit.0[0]));
        Ok(Some(About { author, committed_at: i64::from(commit.0[0]), subject, parent }))
    }
}

fn blob(text: &str) -> BlobId {
    let mut hasher = DefaultHasher::new();
    text.hash(&mut hasher);
    let mut id = [0; 20];
    id[..8].copy_from_slice(&hasher.finish().to_be_bytes());
    BlobId(id)
}
