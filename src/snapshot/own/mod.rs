//! `.layerd.yaml`: what a repository says, in the commit in question, about how it is read.
//!
//! It stands in the root of the configuration, or else at the top of the repository. What the settings of the server say
//! wins, limits go down only, and nothing in it leads out of the repository. A commit whose file is broken has no answers.

mod read;

use std::collections::BTreeMap;
use std::sync::Arc;

use globset::GlobSet;

use crate::config::locations::{Locations, fold};
use crate::config::problem::{Fault, Position, Problem, Severity};
use crate::config::select::SearchPaths;
use crate::config::semantics::Semantics;
use crate::config::tree::{BlobId, File, Skipped, Tree};
use crate::format::{self, Limits};

use super::Rules;
use read::Wishes;

/// Its name.
pub const FILE: &str = ".layerd.yaml";

/// What the settings of the server say of a source, which its repository cannot change.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Fixed {
    /// `path`.
    pub path: bool,
    /// `search-paths`.
    pub search_paths: bool,
    /// `ignore`.
    pub ignore: bool,
    /// `semantics`.
    pub semantics: bool,
    /// `schemas`.
    pub schemas: bool,
}

/// What a commit says about how it is read.
#[derive(Debug, Clone, Default)]
pub struct Own {
    /// Its bytes; `None` if there is no such file.
    pub bytes: Option<Arc<[u8]>>,
    /// The folder that it makes the root, empty for the root of the source.
    pub root: String,
    /// The members that are in force.
    pub in_force: Vec<&'static str>,
    /// The members that the settings of the server override.
    pub overridden: Vec<&'static str>,
    /// What is wrong with it.
    pub problems: Vec<Problem>,
    /// Labels that may be asked for.
    pub labels: Option<GlobSet>,
    /// True if it stands above the root of the configuration.
    pub is_above: bool,
}

impl Own {
    /// The file of a commit.
    #[must_use]
    pub fn file(tree: &Tree) -> Option<File> {
        tree.files.get(FILE).copied().or(tree.top)
    }

    /// What the file says, and how the commit is read by it. `above` is true if the file is not in the root of the source
    /// but at the top of its repository.
    #[must_use]
    pub fn read(bytes: &[u8], is_above: bool, rules: &Rules) -> (Self, Rules) {
        let (wishes, faults) = read::read(bytes, &rules.limits);
        let path: Arc<str> = Arc::from(FILE);
        let problems: Vec<Problem> = faults.iter().map(|fault| fault.in_file(&path)).collect();
        let own = Self { bytes: Some(Arc::from(bytes)), problems, is_above, ..Self::default() };
        if own.is_broken() {
            return (own, rules.clone());
        }
        own.applied(wishes, rules)
    }

    /// A file that cannot be read.
    #[must_use]
    pub fn unreadable(fault: &Fault) -> Self {
        Self { bytes: Some(Arc::default()), problems: vec![fault.in_file(&Arc::from(FILE))], ..Self::default() }
    }

    /// True if the commit has no answers because of it.
    #[must_use]
    pub fn is_broken(&self) -> bool {
        self.problems.iter().any(|problem| problem.severity == Severity::Error)
    }

    /// What is wrong, if that keeps the commit from answering.
    #[must_use]
    pub fn faults(&self) -> Vec<Problem> {
        self.problems.iter().filter(|problem| problem.severity == Severity::Error).cloned().collect()
    }

    fn applied(mut self, wishes: Wishes, rules: &Rules) -> (Self, Rules) {
        let (mut applied, fixed) = (rules.clone(), rules.fixed);
        let Wishes { path, search_paths, ignore, semantics, schemas, labels, limits, at } = wishes;
        if let Some(path) = path {
            let is_other = fixed.path && fold(&rules.path).as_ref() != Some(&path);
            let is_fixed = fixed.path || self.is_above;
            if !is_fixed {
                self.is_above = !path.is_empty();
                self.root = path;
            }
            // A folder that the command line names is not reported.
            self.note("path", !is_fixed, is_other);
        }
        if let Some(search_paths) = search_paths {
            let is_other = search_paths != rules.search_paths_written;
            if !fixed.search_paths {
                applied.search_paths = SearchPaths::parse(&search_paths).unwrap_or_default();
                applied.locations = Locations::new(&search_paths);
                applied.search_paths_written = search_paths;
            }
            self.note("search-paths", !fixed.search_paths, is_other);
        }
        if let Some((written, globs)) = ignore {
            let is_other = written != rules.ignore_written;
            if !fixed.ignore {
                (applied.ignore, applied.ignore_written) = (globs, written);
            }
            self.note("ignore", !fixed.ignore, is_other);
        }
        if let Some(semantics) = semantics {
            applied.semantics = if fixed.semantics { rules.semantics } else { semantics };
            self.note("semantics", !fixed.semantics, semantics != rules.semantics);
        }
        if let Some(schemas) = schemas {
            applied.schemas = if fixed.schemas { rules.schemas } else { schemas };
            self.note("schemas", !fixed.schemas, schemas != rules.schemas);
        }
        if labels.is_some() {
            self.note("labels", true, false);
        }
        self.labels = labels;
        self.lower(&limits, &mut applied);
        self.tell_overridden(&at);
        (self, applied)
    }

    /// Takes limits over that are lower than those of the server.
    fn lower(&mut self, limits: &BTreeMap<&'static str, usize>, rules: &mut Rules) {
        let Rules { limits: Limits { file, depth, nodes, documents, answer }, files, .. } = rules;
        let known = [file, depth, nodes, documents, answer, files];
        let (mut is_lower, mut is_higher) = (false, false);
        for (name, limit) in read::LIMITS.into_iter().zip(known) {
            let Some(wanted) = limits.get(name) else { continue };
            (is_lower, is_higher) = (is_lower || wanted < limit, is_higher || wanted > limit);
            *limit = (*limit).min(*wanted);
        }
        if is_lower {
            self.in_force.push("limits");
        }
        if is_higher {
            self.overridden.push("limits");
        }
    }

    fn note(&mut self, member: &'static str, is_in_force: bool, is_other: bool) {
        if is_in_force {
            self.in_force.push(member);
        } else if is_other {
            self.overridden.push(member);
        }
    }

    fn tell_overridden(&mut self, at: &BTreeMap<&'static str, Position>) {
        let path: Arc<str> = Arc::from(FILE);
        for member in &self.overridden {
            let message = match *member {
                "limits" => "`limits` has one above that of the server, which stays in force".to_owned(),
                member => format!("`{member}` is set by the server as well, in another way, and the server wins"),
            };
            let at = at.get(member).copied().unwrap_or_default();
            let fault = Fault { severity: Severity::Info, ..Fault::error("setting-overridden", at, message) };
            let hint = "take it out here, or out of the settings of the server, so that both say the same";
            self.problems.push(fault.with_hint(hint).in_file(&path));
        }
    }

    /// The files below the folder that it makes the root.
    #[must_use]
    pub(super) fn rooted(&self, tree: Tree) -> Tree {
        if self.root.is_empty() {
            return tree;
        }
        let below = |path: &Arc<str>| -> Option<Arc<str>> {
            Some(Arc::from(path.strip_prefix(self.root.as_str())?.strip_prefix('/')?))
        };
        let rename = |map: BTreeMap<Arc<str>, Arc<str>>| {
            map.into_iter().filter_map(|(path, reason)| Some((below(&path)?, reason))).collect()
        };
        let skipped = tree.skipped.into_iter();
        // A folder above that could not be looked into may hold anything.
        let is_closed = |path: &str| self.root == path || self.root.starts_with(&format!("{path}/"));
        let closed_above = tree.closed.iter().find(|(path, _)| is_closed(path)).map(|(_, reason)| Arc::clone(reason));
        let mut closed: BTreeMap<Arc<str>, Arc<str>> = rename(tree.closed);
        closed.extend(closed_above.map(|reason| (Arc::from(""), reason)));
        Tree {
            files: tree.files.iter().filter_map(|(path, file)| Some((below(path)?, *file))).collect(),
            skipped: skipped.filter_map(|skipped| Some(Skipped { path: below(&skipped.path)?, ..skipped })).collect(),
            unreadable: rename(tree.unreadable),
            closed,
            top: tree.top,
        }
    }

    /// Refuses a commit with more files than the repository allows itself.
    pub(super) fn count(&mut self, tree: &Tree, rules: &Rules) {
        let most = rules.files;
        if tree.files.len() > most && !self.is_broken() {
            let message = format!("the repository has more than {most} files, which its own `limits.files` allows");
            let fault = Fault::error("repository-settings", Position::new(1, 1), message);
            self.problems.push(fault.with_hint("raise the limit, or set `path`").in_file(&Arc::from(FILE)));
        }
    }
}

/// True if files that are no configuration are served by what a file says.
#[must_use]
pub fn wants_all_files(bytes: &[u8]) -> bool {
    read::read(bytes, &Limits::default()).0.semantics == Some(Semantics::Spring)
}

/// What a commit says about how it is read, and how it is read.
pub(super) fn of<E>(
    tree: &Tree,
    rules: &Rules,
    read: &mut impl FnMut(BlobId) -> Result<Vec<u8>, E>,
) -> Result<(Own, Rules), E> {
    let Some(file) = Own::file(tree) else { return Ok((Own::default(), rules.clone())) };
    let is_above = !tree.files.contains_key(FILE);
    if let Some(reason) = tree.unreadable.get(FILE) {
        return Ok((Own::unreadable(&format::unreadable(reason)), rules.clone()));
    }
    if file.size > rules.limits.file as u64 {
        return Ok((Own::unreadable(&format::too_large(file.size, &rules.limits)), rules.clone()));
    }
    let (mut own, applied) = Own::read(&read(file.blob)?, is_above, rules);
    own.count(tree, &applied);
    Ok((own, applied))
}
