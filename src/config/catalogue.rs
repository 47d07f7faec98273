//! Which applications and profiles a repository names, and which of its files can be selected at all.
//!
//! For listing, for saying who is touched by a change, and to know what to parse ahead. Selection itself never asks:
//! an application that no file names gets the shared layers all the same.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::address::DEFAULT_PROFILE;
use super::locations::Locations;
use super::select::{EXTENSIONS, SHARED, SPRING_EXTENSIONS, SearchPaths};

/// Names of files that belong to other tools, wherever they stand.
const OF_OTHER_TOOLS: [&str; 14] = [
    "appveyor.yml",
    "azure-pipelines.yml",
    "bitbucket-pipelines.yml",
    "cloudbuild.yaml",
    "codecov.yml",
    "docker-compose.yaml",
    "docker-compose.yml",
    "mkdocs.yml",
    "package-lock.json",
    "package.json",
    "pnpm-lock.yaml",
    "renovate.json",
    "tsconfig.json",
    "wercker.yml",
];

/// The applications of a repository with their profiles.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Catalogue {
    /// Application to the profiles that have a file of the application's own.
    pub applications: BTreeMap<Arc<str>, BTreeSet<Arc<str>>>,
    /// The profiles that have a file for everyone.
    pub shared: BTreeSet<Arc<str>>,
    /// Every profile that a file or a document names, for whomever.
    pub named: BTreeSet<Arc<str>>,
}

/// A file that can be selected: its path split at folder and extension.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Candidate<'a> {
    /// The folder, empty for the root.
    pub folder: &'a str,
    /// The name without extension.
    pub name: &'a str,
    /// The path without extension.
    pub stem: &'a str,
    /// Index into [`EXTENSIONS`].
    pub extension: usize,
}

/// The file at `path`, if any address can select it.
#[must_use]
pub fn candidate<'a>(path: &'a str, paths: &SearchPaths) -> Option<Candidate<'a>> {
    let (folder, file) = path.rsplit_once('/').unwrap_or(("", path));
    let (name, extension) = file.rsplit_once('.')?;
    let extension = EXTENSIONS.iter().position(|known| *known == extension)?;
    let hidden = path.starts_with('.') || path.contains("/.");
    if hidden || name.is_empty() || file.ends_with(".schema.json") || OF_OTHER_TOOLS.contains(&file) {
        return None;
    }
    let selectable = paths.shared().any(|shared| shared == folder)
        || paths.service_of(folder).is_some_and(|service| is_or_extends(name, SHARED) || is_or_extends(name, service));
    selectable.then(|| Candidate {
        folder,
        name,
        stem: &path[..path.len() - EXTENSIONS[extension].len() - 1],
        extension,
    })
}

/// The file at `path`, if Spring can take it as a property source under some name: every file of a known extension that
/// is not hidden, for a name may hold a slash and an import may lead anywhere.
#[must_use]
pub fn spring_candidate<'a>(path: &'a str, locations: &Locations) -> Option<Candidate<'a>> {
    let (folder, file) = path.rsplit_once('/').unwrap_or(("", path));
    let (name, extension) = file.rsplit_once('.')?;
    let extension = SPRING_EXTENSIONS.iter().position(|known| *known == extension)?;
    let stem = &path[..path.len() - SPRING_EXTENSIONS[extension].len() - 1];
    (!locations.is_hidden(path) && !name.is_empty()).then_some(Candidate { folder, name, stem, extension })
}

fn is_or_extends(name: &str, base: &str) -> bool {
    name.strip_prefix(base).is_some_and(|rest| rest.is_empty() || rest.starts_with('-'))
}

impl Catalogue {
    /// Reads the names out of the files that can be selected.
    #[must_use]
    pub fn read<'a>(candidates: impl Iterator<Item = Candidate<'a>>, paths: &SearchPaths) -> Self {
        let mut catalogue = Self::default();
        let mut stems: Vec<&str> = Vec::new();
        for candidate in candidates {
            match paths.service_of(candidate.folder) {
                Some(service) => catalogue.add_of_folder(service, candidate.name),
                None => stems.push(candidate.name),
            }
        }
        catalogue.add_stems(stems);
        catalogue.name_profiles();
        catalogue
    }

    /// Reads the names out of files that Spring can select: a name of a file is that of an application and maybe a profile,
    /// whatever the folder, unless the folder is that of one application.
    #[must_use]
    pub fn read_spring<'a>(candidates: impl Iterator<Item = Candidate<'a>>, locations: &Locations) -> Self {
        let mut catalogue = Self::default();
        let mut stems = Vec::new();
        for candidate in candidates {
            match locations.service_of(candidate.folder) {
                // Files of other names in it are selected for nobody.
                Some(service) if [SHARED, service].iter().any(|base| is_or_extends(candidate.name, base)) => {
                    catalogue.add_of_folder(service, candidate.name);
                }
                Some(_) => {}
                None => stems.push(candidate.name),
            }
        }
        catalogue.add_stems(stems);
        catalogue.name_profiles();
        catalogue
    }

    fn name_profiles(&mut self) {
        self.named.extend(self.applications.values().flatten().chain(&self.shared).cloned());
    }

    /// Adds profiles that documents name, in their conditions or groups.
    pub fn add_profiles<'a>(&mut self, names: impl Iterator<Item = &'a Arc<str>>) {
        self.named.extend(names.cloned());
    }

    fn add_of_folder(&mut self, service: &str, name: &str) {
        let profiles = self.applications.entry(Arc::from(service)).or_default();
        let own = |base: &&str| name.strip_prefix(*base)?.strip_prefix('-').filter(|profile| !profile.is_empty());
        profiles.extend([service, SHARED].iter().find_map(own).map(Arc::from));
    }

    fn add_stems(&mut self, mut stems: Vec<&str>) {
        // Shorter names first, so that `user` is known before `user-production` is split.
        stems.sort_unstable_by_key(|stem| (stem.len(), *stem));
        for stem in stems {
            self.add_stem(stem);
        }
    }

    fn add_stem(&mut self, stem: &str) {
        if stem == SHARED {
            return;
        }
        let split =
            stem.match_indices('-').rev().map(|(at, _)| (&stem[..at], &stem[at + 1..])).find(|(base, profile)| {
                !profile.is_empty() && (*base == SHARED || self.applications.contains_key(*base))
            });
        match split {
            Some((SHARED, profile)) => _ = self.shared.insert(Arc::from(profile)),
            Some((service, profile)) => {
                let profiles = self.applications.get_mut(service);
                _ = profiles.expect("it was found above").insert(Arc::from(profile));
            }
            None => _ = self.applications.entry(Arc::from(stem)).or_default(),
        }
    }

    /// The profiles that an application is known to have: `default`, those of files for everyone and those of its own.
    #[must_use]
    pub fn profiles(&self, application: &str) -> BTreeSet<Arc<str>> {
        let own = self.applications.get(application).into_iter().flatten();
        own.chain(&self.shared).cloned().chain([Arc::from(DEFAULT_PROFILE)]).collect()
    }

    /// True if something in the repository names the application.
    #[must_use]
    pub fn names(&self, application: &str) -> bool {
        self.applications.contains_key(application)
    }

    /// True if something in the repository names the profile, or if it is the one that stands for none.
    #[must_use]
    pub fn names_profile(&self, profile: &str) -> bool {
        profile == DEFAULT_PROFILE || self.named.contains(profile)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn listed(files: &[&str], paths: &[&str]) -> Vec<String> {
        let paths = SearchPaths::parse(paths).unwrap();
        let catalogue = Catalogue::read(files.iter().filter_map(|file| candidate(file, &paths)), &paths);
        let profiles = |name: &str| Vec::from_iter(catalogue.profiles(name)).join(",");
        catalogue.applications.keys().map(|name| format!("{name}: {}", profiles(name))).collect()
    }

    #[test]
    fn services_are_folders_and_stems() {
        let files = ["application.yml", "application-staging.yml", "user/application-production.yml", "order.yml"];
        assert_eq!(listed(&files, &[]), ["order: default,staging", "user: default,production,staging"]);
    }

    #[test]
    fn a_service_whose_name_begins_the_word_application_has_its_profiles() {
        let files = ["app/application-dev.yml", "app/app-test.yml", "a/application-prod.yml"];
        assert_eq!(listed(&files, &[]), ["a: default,prod", "app: default,dev,test"]);
    }

    #[test]
    fn a_stem_splits_at_its_longest_known_prefix() {
        let files =
            ["user.yml", "user-eu.yml", "user-eu-dev.yml", "user-us-dev.yml", "user-us/application.yml", "x-y.yml"];
        assert_eq!(listed(&files, &[]), ["user: default,eu,eu-dev", "user-us: default,dev", "x-y: default"]);
    }

    #[test]
    fn a_shared_search_path_is_no_service() {
        let files = ["shared/application.yml", "shared/shared.yml", "shared/user-dev.yml", "user/user.yml"];
        assert_eq!(listed(&files, &["shared"]), ["shared: default", "user: default,dev"]);
        assert_eq!(listed(&files[..1], &["shared"]), [""; 0]);
    }

    #[test]
    fn what_no_address_selects_is_no_candidate() {
        let paths = SearchPaths::default();
        let none = [
            ".github/application.yml",
            ".application.yml",
            "user/other.yml",
            "a/b/application.yml",
            "docker-compose.yml",
            "user/application.schema.json",
            "readme.md",
            "application.YML",
            ".yml",
        ];
        for path in none {
            assert_eq!(candidate(path, &paths), None, "{path}");
        }
        assert!(candidate("user/application-x.json", &paths).is_some());
        assert!(candidate("user/user.properties", &paths).is_some());
    }

    #[test]
    fn spring_may_take_every_file_of_its_extensions_that_is_not_hidden() {
        let spring_candidate = |path| spring_candidate(path, &Locations::default());
        let taken = ["application.yml", "a/b/other.yaml", "docker-compose.yml", "x.xml", "a.b.properties"];
        assert!(taken.iter().all(|path| spring_candidate(path).is_some()));
        let left = [".github/x.yml", "a/.x.yml", ".yml", "a/.properties", "x.json", "x.YML", "yml", "x.yml.bak"];
        assert!(left.iter().all(|path| spring_candidate(path).is_none()));
        let files = ["application-dev.yml", "a/order.xml", "b/order-eu.yml"];
        let files = files.iter().filter_map(|file| spring_candidate(file));
        let catalogue = Catalogue::read_spring(files, &Locations::default());
        assert_eq!(Vec::from_iter(catalogue.profiles("order")).join(","), "default,dev,eu");
        assert!(catalogue.names("order") && !catalogue.names("a"));
    }
}
