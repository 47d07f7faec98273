//! Which documents take part, as Spring's loader finds them: first the files without profile, which may add profiles,
//! then those of profiles; what a document imports stands right above it.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use indexmap::IndexSet;

use crate::answer::{AnswerError, errors};
use crate::config::address::DEFAULT_PROFILE;
use crate::config::layer::Document;
use crate::config::locations::{Names, fold};
use crate::config::problem::{Fault, Position, Problem};
use crate::config::select::spring_stems;
use crate::config::steering::Steering;
use crate::snapshot::{Parsed, Snapshot};

use super::Question;

/// A document that takes part: its file and its index there.
pub(super) type Taken<'a> = (&'a Parsed, usize);

/// Imports within imports.
const MAX_IMPORTS: usize = 64;

/// The profiles that may take part, those that files add among them.
const MAX_PROFILES: usize = 256;

/// One pass over the files of a question.
pub(super) struct Walk<'a> {
    snapshot: &'a Snapshot,
    question: &'a Question,
    folders: Vec<Arc<str>>,
    /// The profiles that take part; `None` as long as they are not known.
    profiles: Option<Vec<Arc<str>>>,
    /// The documents, weakest first.
    taken: Vec<Taken<'a>>,
    /// The paths that have been read: a file takes part once.
    seen: HashSet<&'a str>,
    /// What the documents of files for all profiles say about groups, whether or not they take part.
    steerings: Vec<&'a Steering>,
    /// A document was passed over because the profiles are not known.
    has_waiting: bool,
    /// The files that were imported, which may have files of profiles beside them.
    imported: Vec<&'a str>,
    broken: Vec<Problem>,
}

impl<'a> Walk<'a> {
    pub(super) fn new(snapshot: &'a Snapshot, question: &'a Question) -> Self {
        let Question { applications, profiles, label } = question;
        let folders = snapshot.folders(Names { applications, profiles, label });
        Self {
            snapshot,
            question,
            folders,
            profiles: None,
            taken: Vec::new(),
            seen: HashSet::new(),
            steerings: Vec::new(),
            has_waiting: false,
            imported: Vec::new(),
            broken: Vec::new(),
        }
    }

    /// The documents that take part, weakest first.
    pub(super) fn taken(mut self) -> Result<Vec<Taken<'a>>, AnswerError> {
        self.read();
        if self.broken.is_empty() { Ok(self.taken) } else { Err(AnswerError::Broken(self.broken)) }
    }

    fn read(&mut self) {
        self.shared();
        let profiles = self.expanded();
        if let Some((file, _)) = self.taken.last().filter(|_| profiles.len() > MAX_PROFILES) {
            let message = format!("the files of this application add up to more than {MAX_PROFILES} profiles");
            let fault = Fault::error("too-many-profiles", Position::new(1, 1), message)
                .with_hint("look for `spring.profiles.include` and `spring.profiles.group`");
            self.broken = vec![fault.in_file(&file.path)];
            return;
        }
        self.profiles = Some(profiles.clone());
        if self.has_waiting {
            (self.taken, self.seen, self.imported, self.broken) = Default::default();
            self.shared();
        }
        for stem in spring_stems(Some(&profiles), &self.folders, &self.question.applications) {
            self.stem(&stem, true);
        }
        for imported in std::mem::take(&mut self.imported) {
            let Some((stem, extension)) = imported.rsplit_once('.') else { continue };
            for profile in &profiles {
                if let Some(file) = self.snapshot.at_path(&format!("{stem}-{profile}.{extension}")) {
                    self.file(file, true, 0);
                }
            }
        }
    }

    /// The paths of the files that are read, also of those in which nothing takes part or that are broken.
    pub(super) fn paths(mut self) -> BTreeSet<Arc<str>> {
        self.read();
        self.seen.into_iter().map(Arc::from).collect()
    }

    fn shared(&mut self) {
        let stems = spring_stems(None, &self.folders, &self.question.applications);
        for stem in &stems {
            self.stem(stem, false);
        }
    }

    fn stem(&mut self, stem: &str, of_profile: bool) {
        for file in self.snapshot.of_stem(stem) {
            self.file(file, of_profile, 0);
        }
    }

    fn file(&mut self, file: &'a Parsed, of_profile: bool, depth: usize) {
        if !self.seen.insert(&file.path) {
            return;
        }
        if file.body.is_broken() {
            self.broken.extend(errors(file));
        }
        for (index, document) in file.body.documents.iter().enumerate() {
            if !of_profile && !document.steering.groups.is_empty() {
                self.steerings.push(&document.steering);
            }
            if !self.holds(document) {
                self.has_waiting |= self.profiles.is_none();
                continue;
            }
            if of_profile || document.condition.as_ref().is_some_and(|condition| !condition.is_empty()) {
                self.refuse_profiles(file, document);
            }
            self.taken.push((file, index));
            for import in &document.steering.imports {
                self.import(&file.path, import, of_profile, depth + 1);
            }
        }
    }

    fn holds(&self, document: &Document) -> bool {
        let condition = document.condition.as_ref();
        let holds = condition.is_none_or(|condition| match &self.profiles {
            None => condition.is_empty(),
            Some(profiles) => condition.holds(profiles),
        });
        holds && !document.steering.is_elsewhere
    }

    /// What depends on a profile cannot say which profiles there are, unless nobody listens to it.
    fn refuse_profiles(&mut self, file: &Parsed, document: &Document) {
        let Some((key, at)) = document.steering.forbidden.as_ref().filter(|_| !self.ignores_profiles()) else { return };
        let message = format!("`{key}` stands where a profile is needed for it to be read");
        let fault = Fault::error("profiles-in-profile", *at, message)
            .with_hint("move the key into a document that is read for every profile");
        self.broken.push(fault.in_file(&file.path));
    }

    /// A place in the repository is found from the folder of the file that names it; any other is passed over.
    fn import(&mut self, from: &str, import: &str, of_profile: bool, depth: usize) {
        for location in import.split(';') {
            let location = location.trim();
            let location = location.strip_prefix("optional:").unwrap_or(location);
            if depth > MAX_IMPORTS || location.starts_with('/') || location.contains([':', '\\']) {
                continue;
            }
            let folder = from.rsplit_once('/').map_or("", |(folder, _)| folder);
            let Some(path) = fold(&format!("{folder}/{location}")) else { continue };
            if location.ends_with('/') {
                for stem in spring_stems(None, &[Arc::from(path)], &self.question.applications) {
                    for file in self.snapshot.of_stem(&stem) {
                        self.imported_file(file, of_profile, depth);
                    }
                }
            } else if let Some(file) = self.snapshot.at_path(&path) {
                self.imported_file(file, of_profile, depth);
            }
        }
    }

    fn imported_file(&mut self, file: &'a Parsed, of_profile: bool, depth: usize) {
        self.imported.push(&file.path);
        self.file(file, of_profile, depth);
    }

    /// True if files cannot add profiles: a client that asks for `default` first is to ask again.
    fn ignores_profiles(&self) -> bool {
        self.question.profiles.first().is_some_and(|profile| **profile == *DEFAULT_PROFILE)
    }

    /// The profiles asked for and those that the documents taken so far include, each followed by its group.
    fn expanded(&self) -> Vec<Arc<str>> {
        let mut wanted: Vec<&Arc<str>> = self.question.profiles.iter().collect();
        let mut expanded: IndexSet<Arc<str>> = IndexSet::new();
        if self.ignores_profiles() {
            expanded.extend(wanted.into_iter().cloned());
            return expanded.into_iter().collect();
        }
        let mut groups: HashMap<&Arc<str>, &[Arc<str>]> = HashMap::new();
        for steering in self.taken.iter().rev().map(|(file, index)| &file.body.documents[*index].steering) {
            wanted.extend(&steering.include);
        }
        for steering in self.steerings.iter().rev() {
            for (name, members) in &steering.groups {
                groups.entry(name).or_insert(members);
            }
        }
        let mut waiting: Vec<&Arc<str>> = wanted.into_iter().rev().collect();
        while let Some(profile) = waiting.pop().filter(|_| expanded.len() <= MAX_PROFILES) {
            if expanded.insert(Arc::clone(profile)) {
                waiting.extend(groups.get(profile).into_iter().flat_map(|members| members.iter().rev()));
            }
        }
        expanded.into_iter().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{snapshot, sources};

    /// The sources of `x` for a profile.
    fn asked(files: &[(&str, &str)], profiles: &str) -> String {
        sources(&snapshot(files, &[]), "x", profiles)
    }

    #[test]
    fn an_import_stands_right_above_the_document_that_names_it() {
        let files = [
            ("x.yml", "a: 1\nspring.config.import: [one.yml, 'optional:sub/two.yml;sub/three.yml']\n---\nb: 2"),
            ("one.yml", "c: 1"),
            ("sub/two.yml", "spring.config.import: ../one.yml, four.yml"),
            ("sub/three.yml", "d: 1"),
            ("sub/four.yml", "e: 1"),
        ];
        assert_eq!(asked(&files, "dev"), "x.yml#1 sub/three.yml sub/four.yml sub/two.yml one.yml x.yml#0");
    }

    #[test]
    fn imports_end_in_a_circle_and_at_the_edge_of_the_repository() {
        let files = [("x.yml", "spring.config.import: y.yml"), ("y.yml", "spring.config.import: [x.yml, y.yml]")];
        assert_eq!(asked(&files, "dev"), "y.yml x.yml");
        for outside in ["/etc/passwd", "file:y.yml", "../y.yml", "classpath:y.yml", "C:\\y.yml", "", ";;"] {
            let import = format!("spring.config.import: '{outside}'");
            assert_eq!(asked(&[("x.yml", &import), ("y.yml", "a: 1")], "dev"), "x.yml", "{outside}");
        }
    }

    #[test]
    fn a_chain_of_imports_is_followed_so_far() {
        let names: Vec<String> = (0..200).map(|number| format!("f{number}.yml")).collect();
        let texts: Vec<String> = (1..=200).map(|number| format!("spring.config.import: f{number}.yml")).collect();
        let mut files: Vec<(&str, &str)> =
            names.iter().zip(&texts).map(|(name, text)| (name.as_str(), text.as_str())).collect();
        files.push(("x.yml", "spring.config.import: f0.yml"));
        assert_eq!(asked(&files, "dev").split(' ').count(), 65);
    }

    #[test]
    fn a_folder_is_imported_by_the_names_that_are_asked() {
        let files = [
            ("x.yml", "spring.config.import: more/"),
            ("more/x.yml", "a: 1"),
            ("more/application.properties", "b=1"),
            ("more/y.yml", "c: 1"),
        ];
        assert_eq!(asked(&files, "dev"), "more/x.yml more/application.properties x.yml");
    }

    #[test]
    fn a_file_of_a_profile_beside_an_imported_one_takes_part() {
        let files = [
            ("x.yml", "spring.config.import: sub/y.yml"),
            ("x-dev.yml", "a: 1"),
            ("sub/y.yml", "a: 2"),
            ("sub/y-dev.yml", "a: 3"),
            ("sub/y-eu.yml", "a: 4"),
        ];
        assert_eq!(asked(&files, "dev"), "sub/y-dev.yml x-dev.yml sub/y.yml x.yml");
    }

    #[test]
    fn profiles_may_be_included_in_circles() {
        let files = [
            ("application.yml", "spring.profiles.group: {dev: [eu, dev], eu: dev}"),
            ("x.yml", "spring.profiles.include: [eu, more]"),
            ("x-more.yml", "a: 1"),
            ("x-eu.yml", "a: 1"),
        ];
        assert_eq!(asked(&files, "dev"), "x-more.yml x-eu.yml x.yml application.yml");
        assert_eq!(asked(&files, "default,dev"), "x.yml application.yml");
    }

    #[test]
    fn groups_count_wherever_a_file_for_all_profiles_names_them() {
        let files = [
            ("x.yml", "a: 1\n---\nspring.config.activate.on-profile: prod\nspring.profiles.group.dev: eu"),
            ("x-eu.yml", "b: 1"),
            ("x-us.yml", "b: 2"),
            ("x-prod.yml", "spring.profiles.group.prod: us"),
        ];
        assert_eq!(asked(&files, "dev"), "x-eu.yml x.yml#0");
        assert_eq!(asked(&files, "prod"), "x-prod.yml x.yml#1 x.yml#0");
        let cloud = "spring.config.activate.on-cloud-platform: kubernetes\nspring.profiles.group.dev: us";
        assert_eq!(asked(&[("x.yml", cloud), ("x-us.yml", "b: 2")], "dev"), "x-us.yml");
    }

    #[test]
    fn profiles_without_end_are_refused() {
        let include = format!("spring.profiles.include: [{}]", (0..300).map(|n| format!("p{n},")).collect::<String>());
        assert!(asked(&[("x.yml", &include)], "dev").starts_with("x.yml:1:1: the files of this application add up to"));
    }

    #[test]
    fn what_depends_on_a_profile_cannot_name_profiles() {
        let told = "`spring.profiles.active` stands where a profile is needed for it to be read\nhint: move the key into \
                    a document that is read for every profile";
        let files = [("x-dev.yml", "a: 1\nspring.profiles.active: eu"), ("x.yml", "b: 1")];
        assert_eq!(asked(&files, "dev"), format!("x-dev.yml:2:1: {told}"));
        assert_eq!(asked(&files, "eu"), "x.yml");
        let document = "spring.config.activate.on-profile: dev\nspring.profiles.active: eu";
        assert_eq!(asked(&[("x.yml", document)], "dev"), format!("x.yml:2:1: {told}"));
        assert_eq!(asked(&[("x.yml", document)], "eu"), "");
    }
}
