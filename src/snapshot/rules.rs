//! What the files of a source mean: the rules that a snapshot is built by, and what the path of a file says under them.

use globset::GlobSet;

use crate::config::catalogue::{Candidate, candidate, spring_candidate};
use crate::config::locations::Locations;
use crate::config::select::{EXTENSIONS, Rank, SPRING_EXTENSIONS, SearchPaths};
use crate::config::semantics::Semantics;
use crate::format::{Format, Limits};
use crate::schema::Mode;

use super::own::Fixed;

/// How a repository is read: the part of a source's settings that decides what its files mean.
#[derive(Debug, Clone)]
pub struct Rules {
    /// How its files are read and ordered.
    pub semantics: Semantics,
    /// The sub-folder that is the root, as written; empty for the whole repository.
    pub path: String,
    /// The folders that are searched under `semantics: native`.
    pub search_paths: SearchPaths,
    /// The folders that are searched under `semantics: spring`.
    pub locations: Locations,
    /// The folders that are searched, as written.
    pub search_paths_written: Vec<String>,
    /// Paths that are not configuration.
    pub ignore: GlobSet,
    /// The same, as written.
    pub ignore_written: Vec<String>,
    /// What one file may cost.
    pub limits: Limits,
    /// Files in one commit.
    pub files: usize,
    /// What schemas are worth.
    pub schemas: Mode,
    /// What the repository itself cannot change.
    pub fixed: Fixed,
}

impl Default for Rules {
    fn default() -> Self {
        Self {
            semantics: Semantics::default(),
            path: String::new(),
            search_paths: SearchPaths::default(),
            locations: Locations::default(),
            search_paths_written: Vec::new(),
            ignore: GlobSet::default(),
            ignore_written: Vec::new(),
            limits: Limits::default(),
            files: usize::MAX,
            schemas: Mode::default(),
            fixed: Fixed::default(),
        }
    }
}

impl Rules {
    /// What the file at a path is for, whether or not there is one; `None` if no application is answered from it.
    #[must_use]
    pub fn rank(&self, path: &str) -> Option<Rank> {
        Some(rank_of(self.candidate(path)?, self.semantics, &self.search_paths))
    }

    /// What the file at a path is for, and in which format; `None` if no application is answered from it.
    #[must_use]
    pub fn reading(&self, path: &str) -> Option<(Rank, Format)> {
        if self.ignore.is_match(path) {
            return None;
        }
        let candidate = self.candidate(path)?;
        let rank = rank_of(candidate, self.semantics, &self.search_paths);
        Some((rank, format_of(candidate.extension, self.semantics)))
    }

    /// The file at a path, if any question can select it.
    pub(super) fn candidate<'a>(&self, path: &'a str) -> Option<Candidate<'a>> {
        candidate_of(path, self.semantics, (&self.search_paths, &self.locations))
    }
}

pub(super) fn rank_of(candidate: Candidate<'_>, semantics: Semantics, paths: &SearchPaths) -> Rank {
    match semantics {
        Semantics::Native => paths.rank(candidate.folder, candidate.name),
        Semantics::Spring => Rank::for_spring(candidate.folder, candidate.name),
    }
}

pub(super) fn format_of(extension: usize, semantics: Semantics) -> Format {
    let extension = match semantics {
        Semantics::Native => EXTENSIONS[extension],
        Semantics::Spring => SPRING_EXTENSIONS[extension],
    };
    Format::of_extension(extension).expect("every listed extension has a format")
}

/// The file at a path, if any question can select it.
pub(super) fn candidate_of<'a>(
    path: &'a str,
    semantics: Semantics,
    (paths, locations): (&SearchPaths, &Locations),
) -> Option<Candidate<'a>> {
    match semantics {
        Semantics::Native => candidate(path, paths),
        Semantics::Spring => spring_candidate(path, locations),
    }
}
