//! A repository, or a folder of one, in which nothing is configuration: a check that looked at nothing is not green.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::config::catalogue::candidate;
use crate::config::problem::{Fault, Position, Problem};
use crate::config::select::{EXTENSIONS, SHARED, SearchPaths};

use super::Input;

/// What stands for the folder as a whole in a finding.
const HERE: &str = ".";

/// So many folders are named.
const NAMED: usize = 3;

/// Adds a problem if no file can be selected.
pub(super) fn check(input: &Input<'_>, problems: &mut Vec<Problem>) {
    // Of a repository that does not say how it is read, nobody knows.
    if !input.snapshot.is_empty() || input.snapshot.own.is_broken() {
        return;
    }
    let paths = input.snapshot.tree.files.keys().map(|path| &**path);
    let (message, hint) = told(paths, &input.snapshot.search_paths, "validate");
    let fault = Fault::error("no-configuration", Position::new(1, 1), message).with_hint(hint);
    problems.push(fault.in_file(&Arc::from(HERE)));
}

/// What is said where none of the files is configuration: where some was found, and with what `command` to look there.
#[must_use]
pub fn told<'a>(paths: impl Iterator<Item = &'a str>, search_paths: &SearchPaths, command: &str) -> (String, String) {
    let paths: Vec<&str> = paths.filter(|path| is_format(path)).collect();
    let found = elsewhere(&paths, search_paths);
    let Some((folder, _)) = found.first() else {
        let hint = format!("name the folder that holds `{SHARED}.yml` and the files of services");
        return ("no file here is configuration".to_owned(), hint);
    };
    let places: Vec<String> = found
        .iter()
        .take(NAMED)
        .map(|(folder, count)| format!("{count} {} below `{folder}`", if *count == 1 { "file" } else { "files" }))
        .collect();
    let more = found.len().saturating_sub(NAMED);
    let more = if more == 0 { String::new() } else { format!(" and in {more} more folders") };
    let message = format!("no file here is configuration; there are {}{more}", places.join(", "));
    (message, format!("name that folder: `layerd {command} {folder}`; for a server, set `path: {folder}`"))
}

/// The folders below that would be roots of a configuration, with the number of files that could be selected there;
/// those with the most first.
fn elsewhere(paths: &[&str], search_paths: &SearchPaths) -> Vec<(String, usize)> {
    let folders: BTreeSet<&str> = paths.iter().filter(|path| is_shared(path)).map(|path| folder(path)).collect();
    let has_siblings = |parent: &str| folders.iter().filter(|other| folder(other) == parent).count() > 1;
    let mut roots: BTreeMap<String, usize> = BTreeMap::new();
    for found in &folders {
        let mut root = *found;
        let mut above = *found;
        while !above.is_empty() {
            above = folder(above);
            if folders.contains(above) || (above == folder(root) && !above.is_empty() && has_siblings(above)) {
                root = above;
            }
        }
        roots.entry(root.to_owned()).or_default();
    }
    for path in paths {
        for (root, count) in &mut roots {
            let inside = path.strip_prefix(root.as_str()).and_then(|rest| rest.strip_prefix('/'));
            *count += usize::from(inside.is_some_and(|inside| candidate(inside, search_paths).is_some()));
        }
    }
    let mut found: Vec<(String, usize)> = roots.into_iter().filter(|(_, count)| *count > 0).collect();
    found.sort_by(|(one, few), (other, many)| many.cmp(few).then_with(|| one.cmp(other)));
    found
}

fn folder(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(folder, _)| folder)
}

fn is_format(path: &str) -> bool {
    path.rsplit_once('.').is_some_and(|(_, extension)| EXTENSIONS.contains(&extension))
}

fn is_shared(path: &str) -> bool {
    let name = path.rsplit('/').next().and_then(|file| file.rsplit_once('.')).map_or("", |(name, _)| name);
    name.strip_prefix(SHARED).is_some_and(|rest| rest.is_empty() || rest.starts_with('-'))
}

#[cfg(test)]
mod tests {
    use crate::check::samples::lines;

    #[test]
    fn nothing_to_check_is_an_error_that_leads_to_the_configuration() {
        assert_eq!(lines(&[]), ["no-configuration .:1:1 no file here is configuration ()"]);
        assert_eq!(lines(&[("docs/guide/values.yaml", "x: 1\n")]), lines(&[]));
        let below = "no-configuration .:1:1 no file here is configuration; there are";
        let deploy = [
            ("deploy/config/application.yml", "a: 1\n"),
            ("deploy/config/shop/application.yml", "a: 1\n"),
            ("deploy/config/mail.yml", "a: 1\n"),
        ];
        assert_eq!(lines(&deploy), [format!("{below} 3 files below `deploy/config` ()")]);
        let folders = [
            ("a/b/shop/application.yml", "a: 1\n"),
            ("a/b/mail/application-prod.yml", "a: 1\n"),
            ("x/y/application.yml", ""),
        ];
        assert_eq!(lines(&folders), [format!("{below} 2 files below `a/b`, 1 file below `x/y` ()")]);
    }
}
