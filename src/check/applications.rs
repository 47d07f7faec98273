//! Names of applications that look like a slip, files that hold nothing, and one service in two places.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use crate::config::catalogue::candidate;
use crate::config::layer::Data;
use crate::config::problem::{Fault, Position, Problem};
use crate::config::select::SHARED;
use crate::config::semantics::Semantics;
use crate::snapshot::Parsed;

use super::Input;
use super::profiles::is_slip;
use super::walk::{Step, shown, walk};

/// An application that so many files are for is no slip.
const COMMON: usize = 3;

/// The files of one application: those of its folder and those beside it.
#[derive(Default)]
struct Files<'a> {
    in_folder: Vec<&'a Parsed>,
    beside: Vec<&'a Parsed>,
}

/// Adds what names of files, and empty files, may have been meant as.
pub(super) fn check(input: &Input<'_>, problems: &mut Vec<Problem>) {
    let snapshot = input.snapshot;
    for file in snapshot.selectable() {
        let is_blank = |bytes: &Vec<u8>| bytes.iter().all(u8::is_ascii_whitespace);
        if input.texts.get(&file.blob).is_some_and(is_blank) {
            let fault = Fault::warning("empty-file", FIRST, "there is nothing in this file");
            problems.push(fault.with_hint("delete it, or say in a comment why it is empty").in_file(&file.path));
        }
    }
    if snapshot.semantics == Semantics::Spring {
        return;
    }
    let applications = files(input);
    let profiles = common_profiles(input);
    for (name, files) in &applications {
        let all: Vec<&Parsed> = files.in_folder.iter().chain(&files.beside).copied().collect();
        let Some(first) = all.iter().min_by_key(|file| &file.path) else { continue };
        if let Some(fault) = joined(name, &applications, &profiles).or_else(|| slip(name, all.len(), &applications)) {
            problems.push(fault.in_file(&first.path));
        }
        problems.extend(in_two_places(name, files));
    }
}

const FIRST: Position = Position::new(1, 1);

fn files<'a>(input: &Input<'a>) -> BTreeMap<Arc<str>, Files<'a>> {
    let snapshot = input.snapshot;
    let mut applications: BTreeMap<Arc<str>, Files<'a>> = BTreeMap::new();
    for file in snapshot.selectable() {
        let Some(found) = candidate(&file.path, &snapshot.search_paths) else { continue };
        if let Some(service) = snapshot.search_paths.service_of(found.folder) {
            applications.entry(Arc::from(service)).or_default().in_folder.push(file);
            continue;
        }
        let ends =
            std::iter::once(found.name).chain(found.name.match_indices('-').rev().map(|(at, _)| &found.name[..at]));
        if let Some(name) = ends.into_iter().find(|name| snapshot.catalogue.applications.contains_key(*name)) {
            applications.entry(Arc::from(name)).or_default().beside.push(file);
        }
    }
    applications
}

/// The profiles that files for everyone are for, or files of two applications.
fn common_profiles(input: &Input<'_>) -> BTreeSet<Arc<str>> {
    let catalogue = &input.snapshot.catalogue;
    let mut counts: HashMap<&Arc<str>, usize> = HashMap::new();
    catalogue.applications.values().flatten().for_each(|profile| *counts.entry(profile).or_default() += 1);
    let often = counts.into_iter().filter(|(_, count)| *count > 1).map(|(profile, _)| Arc::clone(profile));
    catalogue.shared.iter().cloned().chain(often).collect()
}

/// An application whose name is made of another one, or of a slip, and a profile.
fn joined(name: &str, known: &BTreeMap<Arc<str>, Files<'_>>, profiles: &BTreeSet<Arc<str>>) -> Option<Fault> {
    let splits = name.match_indices(['-', '_', '.']).map(|(at, _)| (&name[..at], &name[at + 1..]));
    for (front, back) in splits {
        let (service, profile) = match (profiles.contains(back), profiles.contains(front)) {
            (true, _) => (front, back),
            (_, true) if known.contains_key(back) => (back, front),
            _ => continue,
        };
        let message = format!("`{name}` is taken for an application of this name");
        if known.contains_key(service) || service == SHARED {
            let hint = format!("if it is for `{service}` with the profile `{profile}`, call it `{service}-{profile}`");
            return Some(Fault::warning("application-and-profile", FIRST, message).with_hint(hint));
        }
        let meant = known.keys().find(|other| is_slip(service, other));
        let hint = match meant {
            Some(meant) => format!("if `{meant}` is meant, call it `{meant}-{profile}`"),
            None => format!(
                "if it is for `{service}` with the profile `{profile}`, add `{service}.yml` or a folder `{service}`"
            ),
        };
        let message = format!("{message}: there is no `{service}`, and `{profile}` is a profile");
        return Some(Fault::warning("only-profile-files", FIRST, message).with_hint(hint));
    }
    None
}

/// An application with one file beside one of almost the same name with many.
fn slip(name: &str, count: usize, known: &BTreeMap<Arc<str>, Files<'_>>) -> Option<Fault> {
    if count > 1 {
        return None;
    }
    let is_meant = |(other, files): &(&Arc<str>, &Files<'_>)| {
        files.in_folder.len() + files.beside.len() >= COMMON && is_slip(name, other)
    };
    let (meant, _) = known.iter().find(is_meant)?;
    let message = format!("the application `{name}` has this file alone and is one letter away from `{meant}`");
    let hint = format!("rename the file if `{meant}` is meant");
    Some(Fault::warning("application-typo", FIRST, message).with_hint(hint))
}

/// Keys that a service has in a file of its name and in its folder, for the same profiles.
fn in_two_places(name: &str, files: &Files<'_>) -> Option<Problem> {
    if files.in_folder.is_empty() || files.beside.is_empty() {
        return None;
    }
    let profile = |file: &Parsed| {
        let stem = file.path.rsplit('/').next()?.rsplit_once('.')?.0.to_owned();
        [name, SHARED].iter().find_map(|base| stem.strip_prefix(base).map(str::to_owned))
    };
    for beside in &files.beside {
        let keys = keys(beside);
        for inside in files.in_folder.iter().filter(|inside| profile(inside) == profile(beside)) {
            let both: Vec<(String, Position)> =
                self::keys(inside).into_iter().filter(|(key, _)| keys.contains_key(key)).collect();
            let Some((key, at)) = both.iter().min_by_key(|(_, at)| *at) else { continue };
            let more = if both.len() > 1 { format!(" and {} more", both.len() - 1) } else { String::new() };
            let line = keys[key].line;
            let message = format!(
                "`{}`{more} stands here and in `{}` on line {line}: both are files of `{name}`",
                shown(key),
                beside.path
            );
            let hint = "keep the keys of a service in one of the two places";
            return Some(Fault::warning("two-places", *at, message).with_hint(hint).in_file(&inside.path));
        }
    }
    None
}

/// The keys of the documents that always take part.
fn keys(file: &Parsed) -> HashMap<String, Position> {
    let mut keys = HashMap::new();
    if file.body.documents.iter().any(|document| document.condition.is_some()) {
        return keys;
    }
    walk(&file.body, &mut |path, step| {
        if let Step::Key(entry) = step
            && !matches!(entry.node.data, Data::Map(_))
        {
            keys.insert(path.to_owned(), entry.at);
        }
    });
    keys
}

#[cfg(test)]
mod tests {
    use crate::check::samples::lines;

    fn found(files: &[(&str, &str)]) -> Vec<String> {
        lines(files).iter().map(|line| line.split(' ').take(2).collect::<Vec<_>>().join(" ")).collect()
    }

    #[test]
    fn names_that_look_like_a_slip_are_reported() {
        let base = [
            ("application-production.yml", "a: 1\n"),
            ("catalog.yml", "b: 1\n"),
            ("catalog-production.yml", "b: 2\n"),
            ("catalog-dev.yml", "b: 3\n"),
        ];
        for (path, expected) in [
            ("catalog_production.yml", "application-and-profile"),
            ("catalog.production.yml", "application-and-profile"),
            ("production-catalog.yml", "application-and-profile"),
            ("catalgo-production.yml", "only-profile-files"),
            ("catalgo.yml", "application-typo"),
            ("mail-production.yml", "only-profile-files"),
        ] {
            let files = [&base[..], &[(path, "c: 1\n")]].concat();
            assert_eq!(found(&files), [format!("{expected} {path}:1:1")], "{path}");
        }
        for path in ["orders.yml", "catalog-production-eu.yml", "catalog/application-eu.yml", "my-mail.yml"] {
            let files = [&base[..], &[(path, "c: 1\n")]].concat();
            assert_eq!(found(&files), [""; 0], "{path}");
        }
    }

    #[test]
    fn one_service_in_two_places_is_reported_if_a_key_is_in_both() {
        let files = [("shop.yml", "a: 1\nb: {c: 2}\n"), ("shop/application.yml", "x: 1\nb.c: 3\n")];
        assert_eq!(
            lines(&files),
            [
                "two-places shop/application.yml:2:1 `b.c` stands here and in `shop.yml` on line 2: both are files of `shop` \
              (shop default)"
            ]
        );
        assert_eq!(found(&[("shop.yml", "a: 1\n"), ("shop/application.yml", "x: 1\n")]), [""; 0]);
        assert_eq!(found(&[("shop.yml", "a: 1\n"), ("shop/application-dev.yml", "a: 2\n")]), [""; 0]);
    }

    #[test]
    fn empty_files_are_reported_and_comments_are_something() {
        assert_eq!(found(&[("a.yml", " \n"), ("b.yml", "# nothing yet\n")]), ["empty-file a.yml:1:1"]);
    }
}
