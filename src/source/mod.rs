//! Where trees come from: a bare mirror of a Git repository, or a plain folder.
//!
//! Floor 3. Everything here blocks and is called from threads that may. Nothing here parses a configuration file: a
//! source knows labels, commits, trees and bytes.

pub mod dir;
pub mod fetch;
pub mod git;
pub mod local;
pub mod mirror;
mod name;
mod partial;
pub mod private;
pub mod regular;
pub mod remote;
pub mod transport;

#[cfg(test)]
#[path = "../../tests/it/harness/git_http.rs"]
mod git_http;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Duration;

use crate::config::tree::{BlobId, CommitId, File, Tree};

use mirror::history::About;

/// A place that configuration comes from.
pub trait Source: Send + Sync {
    /// Brings the local copy up to date with the place itself, and makes it anew if it has proved damaged. A failure
    /// leaves the local copy as it was.
    ///
    /// # Errors
    /// Why the place could not be read; the previous labels go on being answered.
    fn fetch(&self) -> Result<(), FetchError>;

    /// The labels that the local copy has now and the settings allow; none if there is no copy yet.
    ///
    /// # Errors
    /// If the local copy is damaged.
    fn labels(&self) -> Result<Labels, ReadError>;

    /// Opens the local copy for reading; one reader per thread.
    ///
    /// # Errors
    /// If the local copy is missing or damaged.
    fn open(&self) -> Result<Box<dyn Reader>, ReadError>;

    /// When the last fetch that succeeded ended, in seconds since 1970, also if that was in an earlier run; `None` if it
    /// is not known, or if there is no copy that could grow old.
    fn fetched_at(&self) -> Option<i64> {
        None
    }

    /// Remembers, also beyond this run, that a label had a commit with nothing wrong in it. Lost if it cannot be written.
    fn remember(&self, _label: &str, _commit: CommitId) {}

    /// The commit of a label that was last remembered; its objects may be gone.
    fn remembered(&self, _label: &str) -> Option<CommitId> {
        None
    }

    /// Removes the local copy, because nobody will ask for it any more. What cannot be removed stays.
    fn discard(&self) {}
}

/// Reads commits of a local copy.
pub trait Reader {
    /// The files of a commit below the configured root.
    ///
    /// # Errors
    /// If there is no such commit or it cannot be read.
    fn tree(&mut self, commit: CommitId) -> Result<Tree, ReadError>;

    /// The bytes of a file. Its size is in the tree, so that callers can leave large ones alone.
    ///
    /// # Errors
    /// If there is no such blob or it cannot be read.
    fn blob(&mut self, blob: BlobId) -> Result<Vec<u8>, ReadError>;

    /// When the commit was made, in seconds since 1970.
    ///
    /// # Errors
    /// If there is no such commit.
    fn committed_at(&mut self, commit: CommitId) -> Result<i64, ReadError>;

    /// True if `commit` is one of `tips` or an ancestor of one.
    ///
    /// # Errors
    /// If the history cannot be read. A commit that does not exist is not reachable, which is no error.
    fn is_reachable(&mut self, commit: CommitId, tips: &[CommitId]) -> Result<bool, ReadError>;

    /// What a commit says of itself, and what it follows; `None` if the source keeps no history.
    ///
    /// # Errors
    /// If there is no such commit.
    fn about(&mut self, _commit: CommitId) -> Result<Option<About>, ReadError> {
        Ok(None)
    }

    /// What the repository says about itself at its top, if the root of the source is a folder below that.
    ///
    /// # Errors
    /// If there is no such commit or it cannot be read.
    fn top(&mut self, commit: CommitId) -> Result<Option<File>, ReadError> {
        Ok(self.tree(commit)?.top)
    }

    /// The files at these paths of a commit without a list of all of them; `None` if only [`Reader::tree`] can tell.
    ///
    /// # Errors
    /// If there is no such commit or it cannot be read.
    fn glance(&mut self, _commit: CommitId, _paths: &[String]) -> Result<Option<Vec<Option<File>>>, ReadError> {
        Ok(None)
    }
}

/// The labels of a source at one moment.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Labels {
    /// Branch or tag name to what it names. A branch hides a tag of the same name.
    pub tips: HashMap<Arc<str>, Tip>,
    /// The branch that the remote calls its default, if it says.
    pub head: Option<Arc<str>>,
    /// Labels that cannot follow the remote, and why: what it has for them is malformed or not whole. What they were before
    /// is in `tips`, if they were anything.
    pub stuck: BTreeMap<Arc<str>, Arc<str>>,
    /// There is a label `master`, or there was one once: the name then stands for nothing else.
    pub had_master: bool,
}

/// What a label names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tip {
    /// The commit, annotated tags peeled.
    pub commit: CommitId,
    /// Branch or tag.
    pub kind: LabelKind,
}

/// The kinds of label.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LabelKind {
    /// A branch.
    Branch,
    /// A tag.
    Tag,
}

/// Why a fetch failed. The reason is a short stable word for metrics, the message a sentence without secrets.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct FetchError {
    /// One of [`REASONS`].
    pub reason: &'static str,
    /// A lower-case sentence that names the remote (never its user or password), with a `hint:` line if there is help.
    pub message: String,
    /// How long the remote asks to be left alone, as it says.
    pub retry_after: Option<Duration>,
}

/// Why fetches fail: the remote cannot be reached, says that it cannot serve now or was asked too often, does not answer
/// in time, refuses the login, has no such repository or nothing in it, says what makes no sense; the mirror cannot be
/// written; the process that fetched died; something of this machine or program is at fault.
pub const REASONS: [&str; 11] = [
    "unreachable",
    "unavailable",
    "rate-limited",
    "timeout",
    "auth",
    "not-found",
    "empty",
    "protocol",
    "storage",
    "crashed",
    "internal",
];

impl FetchError {
    pub(crate) fn new(reason: &'static str, message: impl Into<String>) -> Self {
        Self { reason, message: message.into(), retry_after: None }
    }

    pub(crate) fn with_hint(mut self, hint: &str) -> Self {
        self.message.push_str("\nhint: ");
        self.message.push_str(hint);
        self
    }
}

/// Why a source cannot be built from its settings.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{setting}: {message}")]
pub struct SetupError {
    /// The member of the source's settings that is at fault, such as `labels`.
    pub setting: &'static str,
    /// A lower-case sentence, with a `hint:` line if there is help.
    pub message: String,
}

impl SetupError {
    pub(crate) fn new(setting: &'static str, message: impl Into<String>) -> Self {
        Self { setting, message: message.into() }
    }
}

/// Why the local copy could not be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct ReadError(pub String);
