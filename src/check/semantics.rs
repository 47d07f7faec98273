//! Keys that another file would win under Spring's order: what is said about all services in a profile, and about one
//! service in all profiles.
//!
//! The two orders differ in nothing else: native lets the service win, Spring the profile.

use std::collections::HashMap;
use std::sync::Arc;

use crate::config::key;
use crate::config::layer::{Data, Entry, Layer};
use crate::config::problem::{Fault, Position, Problem, Severity};
use crate::config::select::SHARED;
use crate::config::semantics::Semantics;

use super::Case;

/// What a layer is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    Shared,
    SharedProfile,
    Service,
    ServiceProfile,
}

/// Adds one problem for each file of a service that wins keys only by the native order.
pub(super) fn check(case: &Case<'_>, problems: &mut Vec<Problem>) {
    if case.snapshot.semantics == Semantics::Spring {
        return;
    }
    let parts: Vec<(Part, &Layer)> =
        case.selection.layers.iter().filter_map(|layer| Some((part(case, layer)?, layer))).collect();
    let has = |wanted: Part| parts.iter().any(|(part, _)| *part == wanted);
    if !has(Part::SharedProfile) || !has(Part::Service) {
        return;
    }
    let keys = |wanted: Part| {
        let mut keys: HashMap<String, (&Layer, Position)> = HashMap::new();
        for (_, layer) in parts.iter().filter(|(part, _)| *part == wanted) {
            leaves(&layer.document().root, "", &mut |path, at| {
                keys.insert(path, (layer, at));
            });
        }
        keys
    };
    let (profile, strongest) = (keys(Part::SharedProfile), keys(Part::ServiceProfile));
    let mut won: HashMap<Arc<str>, Vec<(Position, String, &Layer)>> = HashMap::new();
    for (path, (layer, at)) in keys(Part::Service) {
        if let Some((other, _)) = profile.get(&path).filter(|_| !strongest.contains_key(&path)) {
            won.entry(Arc::clone(&layer.path)).or_default().push((at, path, other));
        }
    }
    for (file, mut keys) in won {
        keys.sort_unstable_by_key(|(at, ..)| *at);
        let (at, path, other) = &keys[0];
        let message = match keys.len() {
            1 => format!("`{path}` wins over `{}` here, and would not under `semantics: spring`", other.path),
            count => format!(
                "{count} keys, such as `{path}`, win over `{}` here, and would not under `semantics: spring`",
                other.path
            ),
        };
        let fault = Fault { severity: Severity::Info, ..Fault::warning("other-winner", *at, message) };
        problems.push(fault.with_hint("put the value into the file of the service and the profile").in_file(&file));
    }
}

fn part(case: &Case<'_>, layer: &Layer) -> Option<Part> {
    let (folder, file) = layer.path.rsplit_once('/').unwrap_or(("", &layer.path));
    let rank = case.snapshot.search_paths.rank(folder, file.rsplit_once('.')?.0);
    let is_shared = rank.name.strip_prefix(SHARED).is_some_and(|rest| rest.is_empty() || rest.starts_with('-'));
    Some(match is_shared && case.application != SHARED {
        true if rank.name == SHARED => Part::Shared,
        true => Part::SharedProfile,
        false if rank.name == case.application => Part::Service,
        false => Part::ServiceProfile,
    })
}

fn leaves(entries: &[Entry], above: &str, found: &mut impl FnMut(String, Position)) {
    for entry in entries {
        let path = key::append(above.to_owned(), entry.key.canonical());
        match &entry.node.data {
            Data::Map(inner) if !inner.is_empty() => leaves(inner, &path, found),
            // Spring knows no tags, so that there is nothing to compare with.
            _ if entry.node.tag.is_some() => {}
            _ => found(path, entry.at),
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::check::samples::lines;

    #[test]
    fn a_key_of_a_service_that_a_shared_profile_sets_too_is_told() {
        let found = lines(&[
            ("application-dev.yml", "a: {b: 1, c: 1}\nd: 1\ne: 1"),
            ("user.yml", "a.b: 2\nd: 2\ne: 2"),
            ("user-dev.yml", "e: 3"),
            ("order.yml", "f: 1"),
        ]);
        let found: Vec<_> = found.iter().filter(|line| line.starts_with("other-winner")).collect();
        let expected = "other-winner user.yml:1:1 2 keys, such as `a.b`, win over `application-dev.yml` here, and would \
                        not under `semantics: spring` (user dev)";
        assert_eq!(found, [expected]);
    }
}
