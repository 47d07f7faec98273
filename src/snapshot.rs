//! A commit made ready: every file that can be selected parsed into a body, and the problems found in them.
//!
//! Floor 2. Bytes come in through a function; nothing here knows where from. A body is parsed once for all paths and
//! commits that have equal bytes: [`Bodies`] finds it again by blob id.

use std::collections::HashMap;
use std::sync::{Arc, Weak};

use globset::GlobSet;

use crate::config::address::Address;
use crate::config::catalogue::{Candidate, Catalogue, candidate};
use crate::config::layer::Body;
use crate::config::problem::{Fault, Position, Problem};
use crate::config::select::{self, EXTENSIONS, SearchPaths};
use crate::config::tree::{BlobId, CommitId, File, Tree};
use crate::format::{self, Format, Limits};

/// How a repository is read: the part of a source's settings that decides what its files mean.
#[derive(Debug, Clone, Default)]
pub struct Rules {
    /// The folders that are searched.
    pub search_paths: SearchPaths,
    /// Paths that are not configuration.
    pub ignore: GlobSet,
    /// What one file may cost.
    pub limits: Limits,
}

/// A commit made ready to answer.
#[derive(Debug)]
pub struct Snapshot {
    /// The commit.
    pub commit: CommitId,
    /// When it was made, in seconds since 1970.
    pub committed_at: i64,
    /// What is wrong with its files, by path.
    pub problems: Vec<Problem>,
    /// The applications and profiles that it names.
    pub catalogue: Catalogue,
    /// The blob of every file in the tree, parsed or not.
    pub tree: Tree,
    search_paths: SearchPaths,
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
    /// What its bytes say.
    pub body: Arc<Body>,
}

/// The bodies that are in use somewhere, by the bytes that they were parsed from.
#[derive(Debug, Default)]
pub struct Bodies {
    known: HashMap<(BlobId, Format), Weak<Body>>,
    /// How many bodies were parsed since the start.
    pub parsed: u64,
}

impl Bodies {
    fn find(&self, blob: BlobId, format: Format) -> Option<Arc<Body>> {
        self.known.get(&(blob, format)).and_then(Weak::upgrade)
    }

    fn add(&mut self, blob: BlobId, format: Format, body: Body) -> Arc<Body> {
        self.parsed += 1;
        let body = Arc::new(body);
        self.known.insert((blob, format), Arc::downgrade(&body));
        body
    }

    /// Forgets bodies that no snapshot holds any more.
    pub fn forget_unused(&mut self) {
        self.known.retain(|_, body| body.strong_count() > 0);
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
        rules: &Rules,
        bodies: &mut Bodies,
        mut read: impl FnMut(BlobId) -> Result<Vec<u8>, E>,
    ) -> Result<Self, E> {
        let mut stems: HashMap<Arc<str>, Vec<(usize, Parsed)>> = HashMap::new();
        let selectable: Vec<_> = selectable(&tree, rules).collect();
        for (path, file, candidate) in &selectable {
            let body = body(*file, candidate.extension, &rules.limits, bodies, &mut read)?;
            let parsed = Parsed { path: Arc::clone(path), blob: file.blob, body };
            stems.entry(Arc::from(candidate.stem)).or_default().push((candidate.extension, parsed));
        }
        let stems = in_order(stems);
        Ok(Self {
            commit,
            committed_at,
            problems: problems(&stems, &tree, rules),
            catalogue: Catalogue::read(selectable.iter().map(|(_, _, candidate)| *candidate), &rules.search_paths),
            search_paths: rules.search_paths.clone(),
            stems,
            tree,
        })
    }

    /// The files that answer an address, lowest precedence first, whatever documents in them take part.
    pub fn files(&self, address: &Address) -> impl Iterator<Item = &Parsed> {
        select::stems(address, &self.search_paths).into_iter().flat_map(|stem| self.stems.get(stem.as_str())).flatten()
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
) -> Result<Arc<Body>, E> {
    let format = Format::of_extension(EXTENSIONS[extension]).expect("every listed extension has a format");
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

fn problems(stems: &HashMap<Arc<str>, Vec<Parsed>>, tree: &Tree, rules: &Rules) -> Vec<Problem> {
    let mut problems: Vec<Problem> = stems.values().flat_map(|files| of_stem(files)).collect();
    for skipped in &tree.skipped {
        if candidate(&skipped.path, &rules.search_paths).is_some() {
            let message = format!("it is left out: {}", skipped.reason);
            problems.push(Fault::warning("left-out", Position::new(1, 1), message).in_file(&skipped.path));
        }
    }
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
    use crate::config::tree::Skipped;

    #[test]
    fn what_is_left_out_is_told_if_it_could_have_been_selected() {
        let skipped = |path: &str, reason| Skipped { path: Arc::from(path), reason };
        let skipped = vec![skipped("notes", "the link is absolute"), skipped("user.yml", "the link leaves the root")];
        let tree = Tree { skipped, ..Tree::default() };
        let read = |_| Err("nothing is read");
        let commit = (CommitId([0; 20]), 0);
        let built = Snapshot::build(commit, tree, &Rules::default(), &mut Bodies::default(), read).unwrap();
        let told: Vec<_> = built.problems.iter().map(ToString::to_string).collect();
        assert_eq!(told, ["user.yml:1:1: it is left out: the link leaves the root"]);
    }
}
