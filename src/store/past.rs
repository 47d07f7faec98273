//! Older commits, of which only the files are read that a question is about.
//!
//! Which files those are is decided by what each commit says about how it is read.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use crate::config::address::Address;
use crate::config::select::{self, EXTENSIONS};
use crate::config::semantics::Semantics;
use crate::config::tree::{BlobId, CommitId, File, Tree};
use crate::schema::Mode;
use crate::snapshot::{Bodies, Own, Rules, Secrets, Snapshot, own};
use crate::source::{ReadError, Reader};

/// So many paths are looked up one by one; for more, the whole tree is listed.
const FEW_PATHS: usize = 500;

/// Some files of a commit, by path from the root of the source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Files {
    files: BTreeMap<Arc<str>, File>,
    /// What the repository says about itself above that root.
    top: Option<File>,
    /// The folder that the commit makes the root of its configuration, empty or with a slash at its end.
    root: String,
}

impl Files {
    /// True if there is a file at a path from the root of the configuration.
    pub(super) fn has(&self, path: &str) -> bool {
        match self.root.is_empty() {
            true => self.files.contains_key(path),
            false => self.files.contains_key(format!("{}{path}", self.root).as_str()),
        }
    }
}

/// Addresses whose files are looked for in many commits.
pub(super) struct SoughtFiles {
    addresses: Vec<Address>,
    /// Every path that could answer one of them, by what a commit says about itself.
    paths: HashMap<Option<BlobId>, Arc<BTreeSet<String>>>,
}

impl SoughtFiles {
    pub(super) fn new<'a>(addresses: impl Iterator<Item = &'a Address>) -> Self {
        Self { addresses: addresses.cloned().collect(), paths: HashMap::new() }
    }

    fn paths(&mut self, own: &Reads) -> Arc<BTreeSet<String>> {
        let Self { addresses, paths } = self;
        let found = paths.entry(own.blob).or_insert_with(|| {
            let stems = addresses.iter().flat_map(|address| select::stems(address, &own.rules.search_paths));
            let root = root_of(&own.own);
            let paths = stems.flat_map(|stem| EXTENSIONS.map(|extension| format!("{root}{stem}.{extension}")));
            Arc::new(paths.collect())
        });
        Arc::clone(found)
    }
}

/// What a commit says about itself: in the root of the source, and above it.
type OwnFiles = (Option<File>, Option<File>);

/// How a commit is read.
#[derive(Clone)]
struct Reads {
    blob: Option<BlobId>,
    own: Arc<Own>,
    rules: Arc<Rules>,
}

/// Reads older commits of one source.
pub(super) struct Past<'a> {
    /// Reads the commits.
    pub(super) reader: &'a mut dyn Reader,
    /// What their files mean, as far as the settings of the server say.
    pub(super) meaning: (&'a Rules, &'a Secrets),
    /// Bodies to share.
    pub(super) bodies: &'a mut Bodies,
    /// What commits say about themselves, by the bytes that say it and where they are.
    known: HashMap<(Option<BlobId>, bool), Reads>,
}

impl<'a> Past<'a> {
    pub(super) fn new(reader: &'a mut dyn Reader, meaning: (&'a Rules, &'a Secrets), bodies: &'a mut Bodies) -> Self {
        Self { reader, meaning, bodies, known: HashMap::new() }
    }

    /// The files of a commit that could answer the addresses.
    pub(super) fn files(&mut self, commit: CommitId, wanted: &mut SoughtFiles) -> Result<Files, ReadError> {
        let Some((inner, top)) = self.own_files(commit)? else {
            let Tree { files, top, .. } = self.reader.tree(commit)?;
            let reads = self.reads((files.get(own::FILE).copied(), top))?;
            return Ok(chosen(files, top, &reads, wanted));
        };
        let reads = self.reads((inner, top))?;
        let paths = wanted.paths(&reads);
        if !needs_all(&reads.rules) && paths.len() <= FEW_PATHS {
            let paths: Vec<String> = paths.iter().cloned().collect();
            if let Some(files) = self.reader.glance(commit, &paths)? {
                let named = paths.iter().zip(files);
                let mut files: BTreeMap<Arc<str>, File> =
                    named.filter_map(|(path, file)| Some((Arc::from(path.as_str()), file?))).collect();
                files.extend(inner.map(|file| (Arc::from(own::FILE), file)));
                return Ok(Files { files, top, root: root_of(&reads.own) });
            }
        }
        let Tree { files, top, .. } = self.reader.tree(commit)?;
        Ok(chosen(files, top, &reads, wanted))
    }

    /// What a commit says about itself: in the root of the source, and above it. `None` if only the whole list can tell.
    fn own_files(&mut self, commit: CommitId) -> Result<Option<OwnFiles>, ReadError> {
        let found = self.reader.glance(commit, &[own::FILE.to_owned()])?;
        let Some(inner) = found.map(|files| files.into_iter().next().flatten()) else { return Ok(None) };
        Ok(Some((inner, self.reader.top(commit)?)))
    }

    fn reads(&mut self, (inner, top): OwnFiles) -> Result<Reads, ReadError> {
        let file = inner.or(top);
        let (rules, key) = (self.meaning.0, (file.map(|file| file.blob), inner.is_some()));
        if let Some(known) = self.known.get(&key) {
            return Ok(known.clone());
        }
        let (own, rules) = match file.filter(|file| file.size <= rules.limits.file as u64) {
            Some(file) => Own::read(&self.reader.blob(file.blob)?, inner.is_none(), rules),
            None => (Own::default(), rules.clone()),
        };
        let reads = Reads { blob: key.0, own: Arc::new(own), rules: Arc::new(rules) };
        self.known.insert(key, reads.clone());
        Ok(reads)
    }

    /// True if what a commit says about itself can be read, or if it says nothing.
    pub(super) fn is_readable(&mut self, commit: CommitId) -> Result<bool, ReadError> {
        let files = match self.own_files(commit)? {
            Some(files) => files,
            None => {
                let Tree { files, top, .. } = self.reader.tree(commit)?;
                (files.get(own::FILE).copied(), top)
            }
        };
        Ok(!self.reads(files)?.own.is_broken())
    }

    /// A snapshot of nothing but these files.
    pub(super) fn snapshot(&mut self, commit: CommitId, files: &Files) -> Result<Arc<Snapshot>, ReadError> {
        let tree = Tree { files: files.files.clone(), top: files.top, ..Tree::default() };
        self.build(commit, tree)
    }

    /// The snapshot of all files of a commit.
    pub(super) fn whole(&mut self, commit: CommitId) -> Result<Arc<Snapshot>, ReadError> {
        let tree = self.reader.tree(commit)?;
        self.build(commit, tree)
    }

    fn build(&mut self, commit: CommitId, tree: Tree) -> Result<Arc<Snapshot>, ReadError> {
        let made = (commit, self.reader.committed_at(commit)?);
        let read = |blob| self.reader.blob(blob);
        Ok(Arc::new(Snapshot::build(made, tree, self.meaning, self.bodies, read)?))
    }
}

fn chosen(mut files: BTreeMap<Arc<str>, File>, top: Option<File>, reads: &Reads, wanted: &mut SoughtFiles) -> Files {
    // A schema may refer to any file of its commit, and Spring's files may import any.
    if !needs_all(&reads.rules) {
        let paths = wanted.paths(reads);
        files.retain(|path, _| paths.contains(&**path) || **path == *own::FILE);
    }
    Files { files, top, root: root_of(&reads.own) }
}

fn needs_all(rules: &Rules) -> bool {
    rules.schemas == Mode::Enforce || rules.semantics == Semantics::Spring
}

fn root_of(own: &Own) -> String {
    if own.root.is_empty() { String::new() } else { format!("{}/", own.root) }
}
