//! A commit made ready: every file that can be selected parsed into a body, and the problems found in them.
//!
//! Floor 2. Bytes come in through a function; nothing here knows where from. A body is parsed once for all paths and
//! commits that have equal bytes: [`Bodies`] finds it again by blob id.

mod open;
mod schemas;

use std::collections::HashMap;
use std::sync::{Arc, Weak};

use globset::GlobSet;

use crate::config::address::Address;
use crate::config::catalogue::{Candidate, Catalogue, candidate};
use crate::config::layer::Body;
use crate::config::problem::{Fault, Position, Problem, Severity};
use crate::config::select::{self, EXTENSIONS, Rank, SearchPaths};
use crate::config::tree::{BlobId, CommitId, File, Skipped, Tree};
use crate::format::{self, Format, Limits};
use crate::schema::{Mode, Set};

use open::is_sealed;

pub use schemas::Schemas;

pub use open::{OnFailure, Opening, Secrets, Stamp, Unopened, is_about_keys, is_of_settings};

/// How a repository is read: the part of a source's settings that decides what its files mean.
#[derive(Debug, Clone, Default)]
pub struct Rules {
    /// The folders that are searched.
    pub search_paths: SearchPaths,
    /// Paths that are not configuration.
    pub ignore: GlobSet,
    /// What one file may cost.
    pub limits: Limits,
    /// What schemas are worth.
    pub schemas: Mode,
}

/// A commit made ready to answer.
#[derive(Debug)]
pub struct Snapshot {
    /// The commit.
    pub commit: CommitId,
    /// When it was made, in seconds since 1970.
    pub committed_at: i64,
    /// Equal for snapshots whose sealed values were opened alike.
    pub stamp: Stamp,
    /// What is wrong with its files, by path.
    pub problems: Vec<Problem>,
    /// The applications and profiles that it names.
    pub catalogue: Catalogue,
    /// The blob of every file in the tree, parsed or not.
    pub tree: Tree,
    /// The folders that are searched.
    pub search_paths: SearchPaths,
    /// What its files say about what answers must be like.
    pub schemas: Schemas,
    /// What could not be taken into the tree at all, and schemas that cannot be applied.
    left_out: Vec<Problem>,
    /// The files that can be selected, by stem, in the order of their extensions.
    stems: HashMap<Arc<str>, Vec<Parsed>>,
}

/// A file that can be selected.
#[derive(Debug, Clone)]
pub struct Parsed {
    /// Path from the root of the repository.
    pub path: Arc<str>,
    /// The id of its bytes.
    pub blob: BlobId,
    /// What its bytes say, sealed values opened.
    pub body: Arc<Body>,
    /// What became of the sealed values in it; `None` if there are none.
    pub opening: Option<Arc<Opening>>,
}

/// The bodies that are in use somewhere, by the bytes that they were parsed from.
#[derive(Debug, Default)]
pub struct Bodies {
    known: HashMap<(BlobId, Format), Known>,
    /// What was opened with the keys of [`Bodies::stamp`].
    openings: HashMap<(BlobId, Format, Rank), Weak<Opening>>,
    stamp: Stamp,
    /// The schemas of the commits that were made ready last.
    schemas: Vec<Weak<Set>>,
    /// How many bodies were parsed since the start.
    pub parsed: u64,
    /// How many sealed values were tried since the start.
    pub tried: u64,
}

#[derive(Debug)]
struct Known {
    body: Weak<Body>,
    is_sealed: bool,
}

impl Bodies {
    /// The body of these bytes, and whether there are sealed values in it.
    fn find(&self, blob: BlobId, format: Format) -> Option<(Arc<Body>, bool)> {
        let known = self.known.get(&(blob, format))?;
        Some((known.body.upgrade()?, known.is_sealed))
    }

    fn add(&mut self, blob: BlobId, format: Format, body: Body) -> (Arc<Body>, bool) {
        self.parsed += 1;
        let (is_sealed, body) = (is_sealed(&body), Arc::new(body));
        self.known.insert((blob, format), Known { body: Arc::downgrade(&body), is_sealed });
        (body, is_sealed)
    }

    /// The body with its sealed values opened for a place, from memory if that was done before with the same keys.
    fn open(&mut self, key: (BlobId, Format, Rank), body: Arc<Body>, secrets: &Secrets) -> Arc<Opening> {
        let stamp = secrets.stamp();
        if self.stamp != stamp {
            self.openings.clear();
            self.stamp = stamp;
        }
        if let Some(opening) = self.openings.get(&key).and_then(Weak::upgrade) {
            return opening;
        }
        let opening = Arc::new(Opening::new(body, &key.2, secrets));
        self.tried += opening.tried() as u64;
        self.openings.insert(key, Arc::downgrade(&opening));
        opening
    }

    /// Forgets bodies that no snapshot holds any more.
    pub fn forget_unused(&mut self) {
        self.known.retain(|_, known| known.body.strong_count() > 0);
        self.openings.retain(|_, opening| opening.strong_count() > 0);
        self.schemas.retain(|schemas| schemas.strong_count() > 0);
    }
}

impl Snapshot {
    /// Makes a commit ready. `read` gives the bytes of a blob; it is asked only for files that can be selected, are not
    /// too large and are not among the bodies in use.
    ///
    /// # Errors
    /// The first error of `read`. What is wrong with the files themselves is no error but a problem.
    pub fn build<E>(
        (commit, committed_at): (CommitId, i64),
        tree: Tree,
        (rules, secrets): (&Rules, &Secrets),
        bodies: &mut Bodies,
        mut read: impl FnMut(BlobId) -> Result<Vec<u8>, E>,
    ) -> Result<Self, E> {
        let mut stems: HashMap<Arc<str>, Vec<(usize, Parsed)>> = HashMap::new();
        let selectable: Vec<_> = selectable(&tree, rules).collect();
        for (path, file, candidate) in &selectable {
            let (body, is_sealed) = body(*file, candidate.extension, &rules.limits, bodies, &mut read)?;
            let mut parsed = Parsed { path: Arc::clone(path), blob: file.blob, body, opening: None };
            if is_sealed {
                parsed.open(*candidate, &rules.search_paths, secrets, bodies);
            }
            stems.entry(Arc::from(candidate.stem)).or_default().push((candidate.extension, parsed));
        }
        let schemas = Schemas::build(&tree, rules, bodies, &mut read)?;
        let (stems, mut left_out) = (in_order(stems), left_out(&tree, rules));
        left_out.extend_from_slice(&schemas.set.problems);
        Ok(Self {
            commit,
            committed_at,
            stamp: secrets.stamp(),
            problems: problems(&stems, &left_out),
            catalogue: Catalogue::read(selectable.iter().map(|(_, _, candidate)| *candidate), &rules.search_paths),
            search_paths: rules.search_paths.clone(),
            schemas,
            left_out,
            stems,
            tree,
        })
    }

    /// The same commit with its sealed values opened by other keys.
    #[must_use]
    pub fn reopened(&self, secrets: &Secrets, bodies: &mut Bodies) -> Self {
        let mut stems = self.stems.clone();
        for parsed in stems.values_mut().flatten().filter(|parsed| parsed.opening.is_some()) {
            let path = Arc::clone(&parsed.path);
            if let Some(candidate) = candidate(&path, &self.search_paths) {
                parsed.open(candidate, &self.search_paths, secrets, bodies);
            }
        }
        Self {
            commit: self.commit,
            committed_at: self.committed_at,
            stamp: secrets.stamp(),
            problems: problems(&stems, &self.left_out),
            catalogue: self.catalogue.clone(),
            tree: self.tree.clone(),
            search_paths: self.search_paths.clone(),
            schemas: self.schemas.clone(),
            left_out: self.left_out.clone(),
            stems,
        }
    }

    /// What became of sealed values: by file, for those files that have any.
    pub fn openings(&self) -> impl Iterator<Item = (&Arc<str>, &Opening)> {
        let files = self.stems.values().flatten();
        files.filter_map(|parsed| Some((&parsed.path, parsed.opening.as_deref()?)))
    }

    /// The files that answer an address, lowest precedence first, whatever documents in them take part.
    pub fn files(&self, address: &Address) -> impl Iterator<Item = &Parsed> {
        self.stems(address).into_iter().flat_map(|stem| self.stems.get(stem.as_str())).flatten()
    }

    /// The stems that an address looks for, lowest precedence first, whether or not they are there.
    #[must_use]
    pub fn stems(&self, address: &Address) -> Vec<String> {
        select::stems(address, &self.search_paths)
    }

    /// Every file that can be selected, in no order.
    pub fn selectable(&self) -> impl Iterator<Item = &Parsed> {
        self.stems.values().flatten()
    }

    /// Every application that the repository names with every profile that it is known to have, one profile at a time.
    pub fn known_addresses(&self) -> impl Iterator<Item = Address> {
        self.catalogue.applications.keys().flat_map(|application| {
            let profiles = self.catalogue.profiles(application);
            profiles.into_iter().map(|profile| Address {
                application: Arc::clone(application),
                profiles: vec![profile],
                label: None,
            })
        })
    }

    /// True if nothing can keep an address from being answered: no fault of a file, and no schema that is enforced.
    #[must_use]
    pub fn is_clean(&self) -> bool {
        let may_be_refused = self.schemas.mode == Mode::Enforce && !self.schemas.set.is_empty();
        !may_be_refused && !self.problems.iter().any(|problem| problem.severity == Severity::Error)
    }

    /// How many files can be selected.
    #[must_use]
    pub fn len(&self) -> usize {
        self.stems.values().map(Vec::len).sum()
    }

    /// True if no file can be selected.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.stems.is_empty()
    }
}

impl Parsed {
    fn open(&mut self, candidate: Candidate<'_>, paths: &SearchPaths, secrets: &Secrets, bodies: &mut Bodies) {
        let sealed =
            self.opening.as_ref().map_or_else(|| Arc::clone(&self.body), |opening| Arc::clone(&opening.sealed));
        let key = (self.blob, format_of(candidate.extension), paths.rank(candidate.folder, candidate.name));
        let opening = bodies.open(key, sealed, secrets);
        self.body = Arc::clone(&opening.body);
        self.opening = Some(opening);
    }
}

fn format_of(extension: usize) -> Format {
    Format::of_extension(EXTENSIONS[extension]).expect("every listed extension has a format")
}

fn selectable<'a>(tree: &'a Tree, rules: &Rules) -> impl Iterator<Item = (&'a Arc<str>, File, Candidate<'a>)> {
    tree.files
        .iter()
        .filter(|(path, _)| !rules.ignore.is_match(&***path))
        .filter_map(|(path, file)| candidate(path, &rules.search_paths).map(|candidate| (path, *file, candidate)))
}

fn body<E>(
    file: File,
    extension: usize,
    limits: &Limits,
    bodies: &mut Bodies,
    read: &mut impl FnMut(BlobId) -> Result<Vec<u8>, E>,
) -> Result<(Arc<Body>, bool), E> {
    let format = format_of(extension);
    if let Some(known) = bodies.find(file.blob, format) {
        return Ok(known);
    }
    let body = match usize::try_from(file.size) {
        Ok(size) if size <= limits.file => format::read(format, &read(file.blob)?, limits),
        _ => Body::broken(format::too_large(file.size, limits)),
    };
    Ok(bodies.add(file.blob, format, body))
}

fn in_order(stems: HashMap<Arc<str>, Vec<(usize, Parsed)>>) -> HashMap<Arc<str>, Vec<Parsed>> {
    let order = |(stem, mut files): (Arc<str>, Vec<(usize, Parsed)>)| {
        files.sort_by_key(|(extension, _)| *extension);
        (stem, files.into_iter().map(|(_, parsed)| parsed).collect())
    };
    stems.into_iter().map(order).collect()
}

fn left_out(tree: &Tree, rules: &Rules) -> Vec<Problem> {
    let skipped = tree.skipped.iter().filter(|skipped| candidate(&skipped.path, &rules.search_paths).is_some());
    let problem = |skipped: &Skipped| {
        let message = format!("it is left out: {}", skipped.reason);
        Fault::warning("left-out", Position::new(1, 1), message).in_file(&skipped.path)
    };
    skipped.map(problem).collect()
}

fn problems(stems: &HashMap<Arc<str>, Vec<Parsed>>, left_out: &[Problem]) -> Vec<Problem> {
    let mut problems: Vec<Problem> = stems.values().flat_map(|files| of_stem(files)).collect();
    problems.extend_from_slice(left_out);
    problems.sort_by(|one, other| (&one.file, one.at, one.code).cmp(&(&other.file, other.at, other.code)));
    problems
}

/// The faults of the files of one stem, and that there are several of them.
fn of_stem(files: &[Parsed]) -> impl Iterator<Item = Problem> {
    let faults = files.iter().flat_map(|file| file.body.faults.iter().map(|fault| fault.in_file(&file.path)));
    let twins = files.windows(2).map(|pair| {
        let message = format!("`{}` stands beside it and has lower precedence", pair[0].path);
        Fault::warning("two-files-of-one-stem", Position::new(1, 1), message)
            .with_hint("move the keys into one of the two files")
            .in_file(&pair[1].path)
    });
    faults.chain(twins)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_out_is_told_if_it_could_have_been_selected() {
        let skipped = |path: &str, reason| Skipped { path: Arc::from(path), reason };
        let skipped = vec![skipped("notes", "the link is absolute"), skipped("user.yml", "the link leaves the root")];
        let tree = Tree { skipped, ..Tree::default() };
        let read = |_| Err("nothing is read");
        let commit = (CommitId([0; 20]), 0);
        let built =
            Snapshot::build(commit, tree, (&Rules::default(), &Secrets::default()), &mut Bodies::default(), read)
                .unwrap();
        let told: Vec<_> = built.problems.iter().map(ToString::to_string).collect();
        assert_eq!(told, ["user.yml:1:1: it is left out: the link leaves the root"]);
    }
}
