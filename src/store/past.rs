//! Older commits, of which only the files are read that a question is about.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::config::address::Address;
use crate::config::select::{self, EXTENSIONS};
use crate::config::semantics::Semantics;
use crate::config::tree::{CommitId, File, Tree};
use crate::schema::Mode;
use crate::snapshot::{Bodies, Rules, Secrets, Snapshot};
use crate::source::{ReadError, Reader};

/// So many paths are looked up one by one; for more, the whole tree is listed.
const FEW_PATHS: usize = 500;

/// Some files of a commit, by path.
pub(super) type Files = BTreeMap<Arc<str>, File>;

/// Reads older commits of one source.
pub(super) struct Past<'a> {
    /// Reads the commits.
    pub(super) reader: &'a mut dyn Reader,
    /// What their files mean.
    pub(super) meaning: (&'a Rules, &'a Secrets),
    /// Bodies to share.
    pub(super) bodies: &'a mut Bodies,
}

impl Past<'_> {
    /// The files of a commit at these paths.
    pub(super) fn files(&mut self, commit: CommitId, paths: &BTreeSet<String>) -> Result<Files, ReadError> {
        let Rules { schemas, semantics, .. } = self.meaning.0;
        if *schemas == Mode::Enforce || *semantics == Semantics::Spring {
            // A schema may refer to any file of its commit, and Spring's files may import any.
            return Ok(self.reader.tree(commit)?.files);
        }
        if paths.len() <= FEW_PATHS {
            let paths: Vec<String> = paths.iter().cloned().collect();
            if let Some(files) = self.reader.glance(commit, &paths)? {
                let named = paths.iter().zip(files);
                return Ok(named.filter_map(|(path, file)| Some((Arc::from(path.as_str()), file?))).collect());
            }
        }
        let Tree { files, .. } = self.reader.tree(commit)?;
        Ok(files.into_iter().filter(|(path, _)| paths.contains(&**path)).collect())
    }

    /// A snapshot of nothing but these files.
    pub(super) fn snapshot(&mut self, commit: CommitId, files: &Files) -> Result<Arc<Snapshot>, ReadError> {
        let made = (commit, self.reader.committed_at(commit)?);
        let tree = Tree { files: files.clone(), ..Tree::default() };
        let read = |blob| self.reader.blob(blob);
        Ok(Arc::new(Snapshot::build(made, tree, self.meaning, self.bodies, read)?))
    }
}

/// Every path that could answer one of the addresses.
pub(super) fn paths<'a>(addresses: impl Iterator<Item = &'a Address>, rules: &Rules) -> BTreeSet<String> {
    let stems = addresses.flat_map(|address| select::stems(address, &rules.search_paths));
    stems.flat_map(|stem| EXTENSIONS.map(|extension| format!("{stem}.{extension}"))).collect()
}
