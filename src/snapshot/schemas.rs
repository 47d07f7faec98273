//! The schemas of a commit, compiled once for all commits that have the same ones.

use std::cell::Cell;
use std::sync::Arc;

use crate::config::tree::{BlobId, Tree};
use crate::format;
use crate::schema::{Contents, Mode, Schema, Set};

use super::{Bodies, Rules};

/// What schemas a commit has, and what they are worth.
#[derive(Debug, Clone, Default)]
pub struct Schemas {
    /// What they are worth.
    pub mode: Mode,
    /// The schemas; none if they are worth nothing.
    pub set: Arc<Set>,
}

impl Schemas {
    pub(super) fn build<E>(
        tree: &Tree,
        rules: &Rules,
        bodies: &mut Bodies,
        read: &mut impl FnMut(BlobId) -> Result<Vec<u8>, E>,
    ) -> Result<Self, E> {
        let mode = rules.schemas;
        let is_schema = |path: &&Arc<str>| rules.search_paths.is_schema(path) && !rules.ignore.is_match(&***path);
        let roots: Vec<Arc<str>> = match mode {
            Mode::Off => Vec::new(),
            Mode::Warn | Mode::Enforce => tree.files.keys().filter(is_schema).cloned().collect(),
        };
        if roots.is_empty() {
            return Ok(Self { mode, set: Arc::default() });
        }
        let mut known = bodies.schemas.iter().filter_map(std::sync::Weak::upgrade);
        if let Some(set) = known.find(|set| set.is_of(&roots, tree)) {
            return Ok(Self { mode, set });
        }
        let failure = Cell::new(None);
        let set = Set::build(roots, tree, |path| contents(path, tree, rules, &failure, read));
        if let Some(error) = failure.into_inner() {
            return Err(error);
        }
        let set = Arc::new(set);
        bodies.schemas.push(Arc::downgrade(&set));
        Ok(Self { mode, set })
    }

    /// Those that answers of an application keep to.
    pub fn of<'a>(&'a self, paths: &'a [String]) -> impl Iterator<Item = &'a Schema> {
        self.set.of(paths)
    }
}

fn contents<E>(
    path: &str,
    tree: &Tree,
    rules: &Rules,
    failure: &Cell<Option<E>>,
    read: &mut impl FnMut(BlobId) -> Result<Vec<u8>, E>,
) -> Contents {
    let file = tree.files.get(path)?;
    if let Some(reason) = tree.unreadable.get(path) {
        return Some(Err(format::unreadable(reason)));
    }
    if file.size > rules.limits.file as u64 {
        return Some(Err(format::too_large(file.size, &rules.limits)));
    }
    match read(file.blob) {
        Ok(bytes) => Some(format::json_map(&bytes, &rules.limits)),
        Err(error) => {
            failure.set(Some(error));
            None
        }
    }
}
