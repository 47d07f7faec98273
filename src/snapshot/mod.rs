//! A commit made ready: every file that can be selected parsed into a body, and the problems found in them.
//!
//! Floor 2. Bytes come in through a function; nothing here knows where from. A body is parsed once for all paths and
//! commits that have equal bytes: [`Bodies`] finds it again by blob id.

mod bodies;
mod listing;
mod open;
pub mod own;
mod rules;
mod schemas;

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use crate::config::address::Address;
use crate::config::catalogue::{Candidate, Catalogue};
use crate::config::layer::{Body, Document};
use crate::config::locations::{Locations, Names};
use crate::config::problem::{Problem, Severity};
use crate::config::select::{self, Rank, SearchPaths};
use crate::config::semantics::Semantics;
use crate::config::tree::{BlobId, CommitId, File, Tree};
use crate::format::spring::xml::NO_PROPERTIES;
use crate::format::{self, Limits};
use crate::schema::Mode;

pub use bodies::Bodies;
pub use own::Own;
pub use rules::Rules;
pub use schemas::Schemas;

use listing::{closed, folders, in_order, left_out, of_stem};
use rules::{candidate_of, format_of, rank_of};

pub use open::{OnFailure, Opening, Secrets, Stamp, Unopened, is_about_keys, is_of_settings};

/// Stands for every application that a repository does not name.
pub const OTHERS: &str = "any other application";

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
    /// What it says about how it is read.
    pub own: Arc<Own>,
    /// How its files are read and ordered.
    pub semantics: Semantics,
    /// The folders that are searched, under native semantics.
    pub search_paths: SearchPaths,
    locations: Locations,
    /// The folders that there are, sorted; under `semantics: spring` only.
    folders: Vec<Arc<str>>,
    /// What its files say about what answers must be like.
    pub schemas: Schemas,
    /// What could not be taken into the tree at all, and schemas that cannot be applied.
    left_out: Vec<Problem>,
    /// What one file may cost.
    pub limits: Limits,
    /// Bytes that an answer may have.
    pub answer_limit: usize,
    /// The files that can be selected, by stem, in the order of their extensions.
    stems: HashMap<Arc<str>, Vec<Parsed>>,
    /// Folders that could not be looked into, each as a broken file: it stands for any that may be in there.
    closed: Vec<Parsed>,
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
        let (own, rules) = own::of(&tree, rules, &mut read)?;
        let (tree, own, rules) = (own.rooted(tree), Arc::new(own), &rules);
        let mut stems: HashMap<Arc<str>, Vec<(usize, Parsed)>> = HashMap::new();
        let selectable: Vec<_> = selectable(&tree, rules).collect();
        for (path, file, candidate) in &selectable {
            let (body, is_sealed) = match tree.unreadable.get(&***path) {
                Some(reason) => (Arc::new(Body::broken(format::unreadable(reason))), false),
                None => body(*file, candidate.extension, rules, bodies, &mut read)?,
            };
            let mut parsed = Parsed { path: Arc::clone(path), blob: file.blob, body, opening: None };
            if is_sealed {
                parsed.open(*candidate, (rules.semantics, rules.limits), &rules.search_paths, secrets, bodies);
            }
            stems.entry(Arc::from(candidate.stem)).or_default().push((candidate.extension, parsed));
        }
        let schemas = Schemas::build(&tree, rules, bodies, &mut read)?;
        let (stems, mut left_out) = (in_order(stems), left_out(&tree, rules));
        left_out.extend_from_slice(&schemas.set.problems);
        let mut catalogue = catalogue(selectable.iter().map(|(_, _, candidate)| *candidate), rules);
        let documents = stems.values().flatten().flat_map(|parsed: &Parsed| &parsed.body.documents);
        catalogue.add_profiles(documents.flat_map(Document::profiles));
        let folders = if rules.semantics == Semantics::Spring { folders(&tree) } else { Vec::new() };
        let snapshot = Self {
            commit,
            committed_at,
            stamp: secrets.stamp(),
            problems: Vec::new(),
            catalogue,
            own,
            limits: rules.limits,
            semantics: rules.semantics,
            search_paths: rules.search_paths.clone(),
            locations: rules.locations.clone(),
            folders,
            schemas,
            left_out,
            answer_limit: rules.limits.answer,
            stems,
            closed: closed(&tree, rules),
            tree,
        };
        Ok(Self { problems: snapshot.found_problems(), ..snapshot })
    }

    /// The same commit with its sealed values opened by other keys.
    #[must_use]
    pub fn reopened(&self, secrets: &Secrets, bodies: &mut Bodies) -> Self {
        let mut stems = self.stems.clone();
        for parsed in stems.values_mut().flatten().filter(|parsed| parsed.opening.is_some()) {
            let path = Arc::clone(&parsed.path);
            if let Some(candidate) = candidate_of(&path, self.semantics, (&self.search_paths, &self.locations)) {
                parsed.open(candidate, (self.semantics, self.limits), &self.search_paths, secrets, bodies);
            }
        }
        let snapshot = Self {
            commit: self.commit,
            committed_at: self.committed_at,
            stamp: secrets.stamp(),
            problems: Vec::new(),
            catalogue: self.catalogue.clone(),
            tree: self.tree.clone(),
            own: Arc::clone(&self.own),
            limits: self.limits,
            semantics: self.semantics,
            search_paths: self.search_paths.clone(),
            schemas: self.schemas.clone(),
            locations: self.locations.clone(),
            folders: self.folders.clone(),
            left_out: self.left_out.clone(),
            answer_limit: self.answer_limit,
            stems,
            closed: self.closed.clone(),
        };
        Self { problems: snapshot.found_problems(), ..snapshot }
    }

    /// What is wrong with the files; under `semantics: spring` of those that search paths lead to.
    fn found_problems(&self) -> Vec<Problem> {
        let is_reached = |path: &str| {
            self.semantics == Semantics::Native
                || self.locations.reach(path.rsplit_once('/').map_or("", |(folder, _)| folder))
        };
        let stems = self.stems.iter().filter(|(stem, _)| is_reached(stem));
        let mut problems: Vec<Problem> = stems.flat_map(|(_, files)| of_stem(files, self.semantics)).collect();
        problems.retain(|problem| problem.code != NO_PROPERTIES);
        let faults =
            |folder: &Parsed| folder.body.faults.iter().map(|fault| fault.in_file(&folder.path)).collect::<Vec<_>>();
        problems.extend(self.closed.iter().flat_map(faults));
        problems.extend_from_slice(&self.own.problems);
        problems.extend(self.left_out.iter().filter(|problem| is_reached(&problem.file)).cloned());
        problems.sort_by(|one, other| (&one.file, one.at, one.code).cmp(&(&other.file, other.at, other.code)));
        problems
    }

    /// The files of a stem, weakest first; the folder in their place if it could not be looked into.
    #[must_use]
    pub fn of_stem(&self, stem: &str) -> &[Parsed] {
        let is_below = |folder: &&Parsed| {
            folder.path.is_empty() || stem.strip_prefix(&*folder.path).is_some_and(|rest| rest.starts_with('/'))
        };
        match self.stems.get(stem) {
            Some(files) => files,
            None => self.closed.iter().find(is_below).map_or(&[], std::slice::from_ref),
        }
    }

    /// Why a file at this path cannot be read, if it is there, or may be: its folder could not be looked into.
    #[must_use]
    pub fn unread(&self, path: &str) -> Option<Problem> {
        if let Some(fault) = self.own.faults().into_iter().next() {
            return Some(fault);
        }
        let is_outer =
            |folder: &str| path.strip_prefix(folder).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
        let mut all = self.tree.unreadable.iter().chain(&self.tree.closed);
        let (path, reason) = all.find(|(folder, _)| is_outer(folder))?;
        Some(format::unreadable(reason).in_file(path))
    }

    /// What the file at a path is for, whether or not there is one; `None` if no application is answered from it.
    #[must_use]
    pub fn rank(&self, path: &str) -> Option<Rank> {
        let candidate = candidate_of(path, self.semantics, (&self.search_paths, &self.locations))?;
        Some(rank_of(candidate, self.semantics, &self.search_paths))
    }

    /// The file at a path, if it can be selected.
    #[must_use]
    pub fn at_path(&self, path: &str) -> Option<&Parsed> {
        let (stem, _) = path.rsplit_once('.')?;
        self.of_stem(stem).iter().find(|parsed| *parsed.path == *path)
    }

    /// The folders that Spring's search paths lead to, weakest first.
    #[must_use]
    pub fn folders(&self, names: Names<'_>) -> Vec<Arc<str>> {
        self.locations.folders(names, &self.folders)
    }

    /// What became of sealed values: by file, for those files that have any.
    pub fn openings(&self) -> impl Iterator<Item = (&Arc<str>, &Opening)> {
        let files = self.stems.values().flatten();
        files.filter_map(|parsed| Some((&parsed.path, parsed.opening.as_deref()?)))
    }

    /// The files that answer an address, lowest precedence first, whatever documents in them take part.
    pub fn files(&self, address: &Address) -> impl Iterator<Item = &Parsed> {
        let mut seen: HashSet<&str> = HashSet::new();
        let files = self.stems(address).into_iter().flat_map(|stem| self.of_stem(&stem));
        // One folder may stand for several stems.
        files.filter(move |file| self.closed.is_empty() || seen.insert(&file.path))
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

    /// The addresses of every application that the repository does not name: with no profile, and with each that has a file
    /// for everyone. They are called [`OTHERS`].
    pub fn other_addresses(&self) -> impl Iterator<Item = Address> {
        let profiles = self.catalogue.profiles(OTHERS);
        profiles.into_iter().map(|profile| Address {
            application: Arc::from(OTHERS),
            profiles: vec![profile],
            label: None,
        })
    }

    /// True if nothing can keep an address from being answered: no fault of a file, and no schema that is enforced.
    #[must_use]
    pub fn is_clean(&self) -> bool {
        // Under Spring's semantics some faults show only when files come together.
        let may_be_refused =
            self.semantics == Semantics::Spring || self.schemas.mode == Mode::Enforce && !self.schemas.set.is_empty();
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
    fn open(
        &mut self,
        candidate: Candidate<'_>,
        (semantics, limits): (Semantics, Limits),
        paths: &SearchPaths,
        secrets: &Secrets,
        bodies: &mut Bodies,
    ) {
        let sealed =
            self.opening.as_ref().map_or_else(|| Arc::clone(&self.body), |opening| Arc::clone(&opening.sealed));
        let reading = (self.blob, format_of(candidate.extension, semantics), semantics, limits);
        let key = (reading, rank_of(candidate, semantics, paths));
        let opening = bodies.open(key, sealed, secrets);
        self.body = Arc::clone(&opening.body);
        self.opening = Some(opening);
    }
}

fn catalogue<'a>(candidates: impl Iterator<Item = Candidate<'a>>, rules: &Rules) -> Catalogue {
    match rules.semantics {
        Semantics::Native => Catalogue::read(candidates, &rules.search_paths),
        Semantics::Spring => {
            let reached = candidates.filter(|candidate| rules.locations.reach(candidate.folder));
            Catalogue::read_spring(reached, &rules.locations)
        }
    }
}

fn selectable<'a>(tree: &'a Tree, rules: &Rules) -> impl Iterator<Item = (&'a Arc<str>, File, Candidate<'a>)> {
    tree.files
        .iter()
        .filter(|(path, _)| !rules.ignore.is_match(&***path))
        .filter_map(|(path, file)| Some((path, *file, rules.candidate(path)?)))
}

fn body<E>(
    file: File,
    extension: usize,
    rules: &Rules,
    bodies: &mut Bodies,
    read: &mut impl FnMut(BlobId) -> Result<Vec<u8>, E>,
) -> Result<(Arc<Body>, bool), E> {
    let (format, limits) = (format_of(extension, rules.semantics), &rules.limits);
    let reading = (file.blob, format, rules.semantics, rules.limits);
    if let Some(known) = bodies.find(reading) {
        return Ok(known);
    }
    let body = match (usize::try_from(file.size), rules.semantics) {
        (Ok(size), Semantics::Native) if size <= limits.file => format::read(format, &read(file.blob)?, limits),
        (Ok(size), Semantics::Spring) if size <= limits.file => format::read_spring(format, &read(file.blob)?, limits),
        _ => Body::broken(format::too_large(file.size, limits)),
    };
    Ok(bodies.add(reading, body))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::layer::entries_to_map;
    use crate::config::tree::Skipped;
    use crate::config::value::Value;

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

    #[test]
    fn equal_bytes_are_read_apart_under_the_two_semantics() {
        let (blob, text) = (BlobId([1; 20]), "a: yes");
        let tree = || {
            let file = File { blob, size: text.len() as u64 };
            Tree { files: [(Arc::from("application.yml"), file)].into_iter().collect(), ..Tree::default() }
        };
        let mut bodies = Bodies::default();
        let mut read = |semantics| {
            let rules = Rules { semantics, ..Rules::default() };
            let secrets = Secrets::default();
            let read = |_| Ok::<_, ()>(text.as_bytes().to_vec());
            let built = Snapshot::build((CommitId([0; 20]), 0), tree(), (&rules, &secrets), &mut bodies, read).unwrap();
            (entries_to_map(&built.of_stem("application")[0].body.documents[0].root)["a"].clone(), built)
        };
        let (native, spring) = (read(Semantics::Native), read(Semantics::Spring));
        assert_eq!((native.0, spring.0), (Value::from("yes"), Value::Bool(true)));
        assert_eq!(spring.1.at_path("application.yml").map(|parsed| parsed.blob), Some(blob));
        assert!(spring.1.at_path("application.yaml").is_none() && spring.1.of_stem("other").is_empty());
        assert_eq!(bodies.parsed, 2);
    }

    #[test]
    fn folders_are_known_with_those_above_them() {
        let file = File { blob: BlobId([0; 20]), size: 0 };
        let paths = ["a/b/c/x.txt", "a-b/y.yml", "z.yml"];
        let files = paths.iter().map(|path| (Arc::from(*path), file)).collect();
        assert_eq!(folders(&Tree { files, ..Tree::default() }).join(" "), "a a-b a/b a/b/c");
    }
}
