//! Reads the commits of a mirror: trees, blobs, ancestry. What cannot be read is told, and noted as damage of the mirror.

use std::sync::Arc;

use git2::{ErrorClass, ErrorCode, Oid, Repository};

use super::generations::Held;
use super::history::{self, About};
use super::tree::{WalkError, Walker, oid};
use crate::config::tree::{BlobId, CommitId, File, Tree};
use crate::source::{ReadError, Reader};

/// Reads one generation of a mirror, which stays on disk as long as this lives.
pub(in crate::source) struct MirrorReader {
    pub(in crate::source) name: String,
    pub(in crate::source) repository: Repository,
    pub(in crate::source) root: Vec<Arc<str>>,
    pub(in crate::source) walker: Walker,
    pub(in crate::source) held: Held,
}

impl MirrorReader {
    fn failed(&self, what: impl std::fmt::Display, error: &git2::Error) -> ReadError {
        self.note_damage(error);
        ReadError(format!("{what} of `{}` cannot be read: {}", self.name, error.message()))
    }

    fn commit(&self, commit: CommitId) -> Result<git2::Commit<'_>, ReadError> {
        let found = self.repository.find_commit(oid(commit.0));
        found.map_err(|error| self.failed(format_args!("commit {commit}"), &error))
    }

    /// Objects that are whole but make no sense were sent like this, so that another copy would not help.
    fn note_damage(&self, error: &git2::Error) {
        if !matches!(error.class(), ErrorClass::Tree | ErrorClass::Object) {
            self.held.note_damage();
        }
    }

    fn has_holes(&self, tips: &[CommitId]) -> bool {
        let has = |tip: &CommitId| self.repository.find_commit(oid(tip.0)).is_ok();
        self.held.is_damaged() || !tips.iter().all(has)
    }
}

impl Reader for MirrorReader {
    fn tree(&mut self, commit: CommitId) -> Result<Tree, ReadError> {
        let top = self.commit(commit)?.tree_id();
        let walked = self.walker.walk(&self.repository, top, &self.root);
        walked.map_err(|error| {
            if let WalkError::Damaged(error) = &error {
                self.note_damage(error);
            }
            ReadError(format!("commit {commit} of `{}` {error}", self.name))
        })
    }

    fn blob(&mut self, blob: BlobId) -> Result<Vec<u8>, ReadError> {
        let found = self.repository.find_blob(oid(blob.0));
        let found = found.map_err(|error| self.failed(format_args!("blob {blob}"), &error))?;
        Ok(found.content().to_vec())
    }

    fn committed_at(&mut self, commit: CommitId) -> Result<i64, ReadError> {
        Ok(self.commit(commit)?.time().seconds())
    }

    fn is_reachable(&mut self, commit: CommitId, tips: &[CommitId]) -> Result<bool, ReadError> {
        if tips.contains(&commit) {
            return Ok(true);
        }
        match self.repository.find_commit(oid(commit.0)) {
            // A mirror with holes cannot tell what does not exist.
            Err(error) if error.code() == ErrorCode::NotFound && !self.has_holes(tips) => return Ok(false),
            Err(error) => return Err(self.failed(format_args!("commit {commit}"), &error)),
            Ok(_) => {}
        }
        // One walk for all tips: a commit is behind some of them if it is its own best common ancestor with them all.
        let question: Vec<Oid> = std::iter::once(&commit).chain(tips).map(|id| oid(id.0)).collect();
        match self.repository.merge_base_many(&question) {
            Ok(base) => Ok(base == question[0]),
            Err(_) if tips.is_empty() => Ok(false),
            Err(error) if error.class() == ErrorClass::Merge && error.code() == ErrorCode::NotFound => Ok(false),
            Err(error) => Err(self.failed("the history", &error)),
        }
    }

    fn about(&mut self, commit: CommitId) -> Result<Option<About>, ReadError> {
        Ok(Some(history::about(&self.repository, &self.commit(commit)?)))
    }

    fn top(&mut self, commit: CommitId) -> Result<Option<File>, ReadError> {
        let top = self.commit(commit)?.tree_id();
        history::top(&self.repository, top, &self.root)
            .map_err(|error| self.failed(format_args!("commit {commit}"), &error))
    }

    fn glance(&mut self, commit: CommitId, paths: &[String]) -> Result<Option<Vec<Option<File>>>, ReadError> {
        let top = self.commit(commit)?.tree_id();
        let found = history::glance(&self.repository, top, &self.root, paths);
        found.map_err(|error| self.failed(format_args!("commit {commit}"), &error))
    }
}
