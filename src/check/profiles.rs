//! Profiles that look like a slip in the name of another one: used once, one letter away from one that is used often; and
//! profiles of documents that no file is for.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use crate::config::catalogue::candidate;
use crate::config::condition::Condition;
use crate::config::problem::{Fault, Position, Problem, Severity};
use crate::snapshot::Snapshot;

use super::Input;

/// A profile that so many files are for is no slip.
const COMMON: usize = 3;

/// Shorter names are too close to one another to tell slips from names.
const SHORTEST: usize = 4;

/// Longer names are left alone; comparing them would cost more than they are worth.
const LONGEST: usize = 64;

/// So many neighbours of one name are looked at.
const NEIGHBOURS: usize = 16;

/// With so many profiles in the names of files, one that is in a condition alone is an exception.
const PROFILES_IN_FILES: usize = 3;

/// Adds the files whose profile looks like a slip.
pub(super) fn check(input: &Input<'_>, problems: &mut Vec<Problem>) {
    let files = files_by_profile(input.snapshot);
    of_documents(input.snapshot, &files, problems);
    let mut near: HashMap<String, Vec<&str>> = HashMap::new();
    for (profile, files) in &files {
        if files.len() >= COMMON {
            for variant in variants(profile) {
                near.entry(variant).or_default().push(profile);
            }
        }
    }
    for (profile, files) in &files {
        let [file] = files[..] else { continue };
        let variants = variants(profile);
        let neighbours = variants.iter().filter_map(|variant| near.get(variant)).flatten().take(NEIGHBOURS);
        let Some(meant) = neighbours.filter(|common| is_slip(profile, common)).min() else { continue };
        let message = format!("the profile `{profile}` has this file alone and is one letter away from `{meant}`");
        let hint = format!("rename the file if `{meant}` is meant");
        problems.push(Fault::warning("profile-typo", Position::new(1, 1), message).with_hint(hint).in_file(file));
    }
}

/// The profiles that one document alone is for, and no file.
fn of_documents(snapshot: &Snapshot, files: &HashMap<Arc<str>, Vec<&Arc<str>>>, problems: &mut Vec<Problem>) {
    let mut named: HashMap<&Arc<str>, Vec<(&Arc<str>, Position)>> = HashMap::new();
    for file in snapshot.selectable() {
        for document in &file.body.documents {
            let at = document.root.first().map_or(Position::new(1, 1), |entry| entry.at);
            let profiles: HashSet<&Arc<str>> = document.condition.iter().flat_map(Condition::profiles).collect();
            for profile in profiles {
                named.entry(profile).or_default().push((&file.path, at));
            }
        }
    }
    for (profile, places) in named {
        let [(file, at)] = places[..] else { continue };
        if files.contains_key(profile) || profile.len() > LONGEST || **profile == *"default" {
            continue;
        }
        let meant = files.keys().filter(|known| is_slip(profile, known)).min();
        let fault = match meant {
            Some(meant) => {
                let message =
                    format!("the profile `{profile}` is in this condition alone and is one letter away from `{meant}`");
                let hint = format!("write `{meant}` if that is meant");
                Fault::warning("profile-typo", at, message).with_hint(hint)
            }
            // Where profiles have no files, conditions are how they are told apart.
            None if files.len() >= PROFILES_IN_FILES => {
                let message = format!("no file is for the profile `{profile}`, and no other document names it");
                let hint = "requests may name it all the same; else look for a slip in the name";
                let severity = Severity::Info;
                Fault { severity, ..Fault::warning("unknown-profile", at, message) }.with_hint(hint)
            }
            None => continue,
        };
        problems.push(fault.in_file(file));
    }
}

/// The files that are for each profile, as far as names tell.
pub(super) fn files_by_profile(snapshot: &Snapshot) -> HashMap<Arc<str>, Vec<&Arc<str>>> {
    let catalogue = &snapshot.catalogue;
    let mut files: HashMap<Arc<str>, Vec<&Arc<str>>> = HashMap::new();
    for file in snapshot.selectable() {
        let Some(found) = candidate(&file.path, &snapshot.search_paths) else { continue };
        let own =
            snapshot.search_paths.service_of(found.folder).and_then(|service| catalogue.applications.get(service));
        let ends = found.name.match_indices('-').map(|(at, _)| (&found.name[..at], &found.name[at + 1..]));
        let is_known = |(base, end): &(&str, &str)| match own {
            Some(profiles) => profiles.contains(*end),
            None if *base == "application" => catalogue.shared.contains(*end),
            None => catalogue.applications.get(*base).is_some_and(|profiles| profiles.contains(*end)),
        };
        if let Some((_, profile)) = ends.into_iter().find(is_known).filter(|(_, profile)| profile.len() <= LONGEST) {
            files.entry(Arc::from(profile)).or_default().push(&file.path);
        }
    }
    files
}

/// The name itself and the name without each of its letters. Names one letter apart have one in common.
fn variants(name: &str) -> Vec<String> {
    let without = |at: usize, letter: char| format!("{}{}", &name[..at], &name[at + letter.len_utf8()..]);
    std::iter::once(name.to_owned()).chain(name.char_indices().map(|(at, letter)| without(at, letter))).collect()
}

/// True if one letter was left out, put in, replaced, or swapped with its neighbour. Digits tell names apart on purpose.
pub(super) fn is_slip(one: &str, other: &str) -> bool {
    let digits = |name: &str| name.chars().filter(char::is_ascii_digit).collect::<String>();
    let is_long = one.chars().count().max(other.chars().count()) >= SHORTEST;
    is_long && digits(one) == digits(other) && strsim::osa_distance(one, other) == 1
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::samples::lines;

    #[test]
    fn a_rare_profile_beside_a_common_one_is_told() {
        let files = [
            ("a/application-production.yml", "x: 1\n"),
            ("b/application-production.yml", "x: 2\n"),
            ("c-production.yml", "x: 3\n"),
            ("c.yml", "x: 4\n"),
            ("d/application-prodution.yml", "x: 5\n"),
        ];
        assert_eq!(
            lines(&files),
            [
                "profile-typo d/application-prodution.yml:1:1 the profile `prodution` has this file alone and is one letter \
              away from `production` (d prodution)"
            ]
        );
        assert_eq!(lines(&files[1..]), [""; 0]);
    }

    #[test]
    fn a_profile_that_one_condition_alone_names_is_reported() {
        let found = |condition: &str| {
            let text = format!("spring.config.activate.on-profile: {condition}\na: 1\n");
            let files = [
                ("a-production.yml", "x: 1\n"),
                ("a-staging.yml", "x: 2\n"),
                ("a-qa.yml", "x: 3\n"),
                ("a.yml", &*text),
            ];
            let code = |line: &String| line.split_whitespace().take(2).collect::<Vec<_>>().join(" ");
            let lines = lines(&files);
            lines.iter().map(code).filter(|line| line.contains("profile")).collect::<Vec<_>>()
        };
        assert_eq!(found("stagng"), ["profile-typo a.yml:2:1"]);
        assert_eq!(found("'staging & europe'"), ["unknown-profile a.yml:2:1"]);
        for known in ["staging", "'!production'", "default"] {
            assert_eq!(found(known), [""; 0], "{known}");
        }
    }

    #[test]
    fn slips_are_told_from_names() {
        for (one, other) in [("prd", "prod"), ("stagign", "staging"), ("tests", "test"), ("prüd", "prud")] {
            assert!(is_slip(one, other), "{one} {other}");
            assert!(variants(one).iter().any(|variant| variants(other).contains(variant)), "{one} {other}");
        }
        for (one, other) in [("eu-1", "eu-2"), ("prod", "prod2"), ("dev", "qev"), ("prod", "prod"), ("abcd", "badc")] {
            assert!(!is_slip(one, other), "{one} {other}");
        }
    }
}
