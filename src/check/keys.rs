//! Keys that do not do what they look like: slips in the keys of a profile, `!unset` of nothing, conditions that are
//! misspelt or never hold, and names of environment variables.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use crate::config::condition::Condition;
use crate::config::key;
use crate::config::layer::{Data, Document, Entry, Tag};
use crate::config::problem::{Fault, Position, Problem};
use crate::config::semantics::Semantics;
use crate::snapshot::Parsed;

use super::Input;
use super::profiles::{files_by_profile, is_slip};
use super::walk::{Step, shown, walk};

/// So many neighbours of a key are compared with it.
const NEIGHBOURS: usize = 64;

/// First words of variables that frameworks read from the environment alone.
const OF_ENVIRONMENT: [&str; 5] = ["SPRING_", "SERVER_", "LOGGING_", "MANAGEMENT_", "QUARKUS_"];

/// What one file has at a key.
struct Seen {
    /// How many files have the key.
    files: usize,
    is_leaf: bool,
}

/// All keys of a repository: by parent, the last steps with what is known of them.
type Keys = HashMap<String, HashMap<String, Seen>>;

/// Adds the keys that are not what they look like.
pub(super) fn check(input: &Input<'_>, problems: &mut Vec<Problem>) {
    if input.snapshot.semantics == Semantics::Spring {
        return;
    }
    let keys = all_keys(input);
    let by_profile = files_by_profile(input.snapshot);
    let profile_of: HashMap<&Arc<str>, &Arc<str>> =
        by_profile.iter().flat_map(|(profile, files)| files.iter().map(move |file| (*file, profile))).collect();
    for file in input.snapshot.selectable() {
        let profile = profile_of.get(&file.path).copied();
        for document in &file.body.documents {
            of_document(document, profile, &mut |fault| problems.push(fault.in_file(&file.path)));
        }
        of_file(file, profile.is_some(), &keys, &mut |fault| problems.push(fault.in_file(&file.path)));
    }
}

fn all_keys(input: &Input<'_>) -> Keys {
    let mut keys = Keys::new();
    for file in input.snapshot.selectable() {
        let mut own = HashSet::new();
        walk(&file.body, &mut |path, step| {
            let Step::Key(entry) = step else { return };
            let is_leaf = !matches!(entry.node.data, Data::Map(_)) && entry.node.tag != Some(Tag::Unset);
            let Some(steps) = key::split(path).filter(|_| entry.node.tag != Some(Tag::Unset)) else { return };
            for end in 1..=steps.len() {
                let (parent, last) = (key::join(&steps[..end - 1]), steps[end - 1].to_string());
                if own.insert((parent.clone(), last.clone())) {
                    let seen = keys.entry(parent).or_default().entry(last).or_insert(Seen { files: 0, is_leaf: false });
                    seen.files += 1;
                    seen.is_leaf |= is_leaf && end == steps.len();
                }
            }
        });
    }
    keys
}

fn of_file(file: &Parsed, is_of_profile: bool, keys: &Keys, tell: &mut dyn FnMut(Fault)) {
    let mut own: HashSet<String> = HashSet::new();
    let mut found: Vec<(String, Position, bool)> = Vec::new();
    walk(&file.body, &mut |path, step| {
        if let Step::Key(entry) = step {
            own.insert(path.to_owned());
            if entry.node.tag == Some(Tag::Unset) {
                found.push((path.to_owned(), entry.at, true));
            } else if is_of_profile && !matches!(entry.node.data, Data::Map(_)) {
                found.push((path.to_owned(), entry.at, false));
            }
            if let Some(fault) = of_environment(entry, path) {
                tell(fault);
            }
        }
    });
    for (path, at, is_unset) in found {
        let Some(steps) = key::split(&path) else { continue };
        let Some((last, parent)) = steps.split_last() else { continue };
        let siblings = keys.get(&key::join(parent));
        let seen = siblings.and_then(|siblings| siblings.get(&**last));
        if is_unset && seen.is_none() {
            let message = format!("`!unset` takes away nothing: no file has `{}`", shown(&path));
            tell(
                Fault::warning("unset-nothing", at, message)
                    .with_hint("look for a slip in the key, or delete the line"),
            );
        }
        if is_unset || seen.is_none_or(|seen| seen.files > 1) {
            continue;
        }
        let is_meant = |(other, seen): &(&String, &Seen)| {
            seen.is_leaf && !own.contains(&join(parent, other)) && is_near(last, other)
        };
        let near = siblings.into_iter().flatten().take(NEIGHBOURS).filter(is_meant).map(|(other, _)| other).min();
        if let Some(meant) = near {
            let (path, meant) = (shown(&path), shown(&join(parent, meant)));
            let message = format!("`{path}` overrides nothing and is almost `{meant}`, which other files have");
            tell(Fault::warning("key-typo", at, message).with_hint(format!("write `{meant}` if that is meant")));
        }
    }
}

fn join(parent: &[Arc<str>], last: &str) -> String {
    let mut steps = parent.to_vec();
    steps.push(Arc::from(last));
    key::join(&steps)
}

/// One letter apart, or in long names two: left out, put in, replaced, or swapped. Digits tell names apart on purpose.
fn is_near(one: &str, other: &str) -> bool {
    if is_slip(one, other) {
        return true;
    }
    let shorter = one.chars().count().min(other.chars().count());
    let has_digits = |text: &str| text.bytes().any(|byte| byte.is_ascii_digit());
    shorter >= 9
        && one.len().max(other.len()) <= 64
        && !has_digits(one)
        && !has_digits(other)
        && distance(one, other) == 2
}

/// The number of letters to put in, leave out or replace.
fn distance(one: &str, other: &str) -> usize {
    let other: Vec<char> = other.chars().collect();
    let mut row: Vec<usize> = (0..=other.len()).collect();
    for (line, letter) in one.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = line + 1;
        for (column, with) in other.iter().enumerate() {
            let replaced = diagonal + usize::from(letter != *with);
            diagonal = row[column + 1];
            row[column + 1] = replaced.min(row[column] + 1).min(diagonal + 1);
        }
    }
    row[other.len()]
}

fn of_environment(entry: &Entry, path: &str) -> Option<Fault> {
    let written = entry.key.written();
    let is_variable = written.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_');
    let is_known = is_variable && **written == *path && OF_ENVIRONMENT.iter().any(|start| written.starts_with(start));
    is_known.then(|| {
        let meant = written.to_lowercase().replace('_', ".");
        let message =
            format!("`{}` is the name of an environment variable; as a key of a file it sets nothing", shown(written));
        Fault::warning("environment-key", entry.at, message).with_hint(format!("write `{}`", shown(&meant)))
    })
}

fn of_document(document: &Document, profile: Option<&Arc<str>>, tell: &mut dyn FnMut(Fault)) {
    super::walk::entries(&document.root, "", &mut |path, step| {
        if let Step::Key(entry) = step
            && is_misspelt_condition(path)
        {
            let message = format!("`{}` is no condition, so the document counts for all profiles", shown(path));
            let hint = "write `spring.config.activate.on-profile`";
            tell(Fault::warning("condition-typo", entry.at, message).with_hint(hint));
        }
    });
    let (Some(profile), Some(condition)) = (profile, &document.condition) else { return };
    if contradicts(condition, profile) {
        let at = document.root.first().map_or(Position::new(1, 1), |entry| entry.at);
        let message = format!("this document is for other profiles than `{profile}`, which its file is for");
        let hint = "move it to a file without a profile, or correct `on-profile`";
        tell(Fault::warning("condition-contradiction", at, message).with_hint(hint));
    }
}

/// `spring.config.activate.onProfile` and the like.
fn is_misspelt_condition(path: &str) -> bool {
    let plain: String =
        path.chars().filter(|letter| letter.is_ascii_alphabetic() || *letter == '.').collect::<String>().to_lowercase();
    let Some(rest) = plain.strip_prefix("spring.config.") else { return false };
    let (group, last) = rest.split_once('.').unwrap_or(("activate", rest));
    let is_group = ["activate", "active", "activated", "activation"].contains(&group) || is_slip(group, "activate");
    is_group && (["onprofile", "onprofiles", "profile", "profiles"].contains(&last) || is_slip(last, "onprofile"))
}

/// True if the condition does not hold for the profile alone and does not ask for it beside others either.
fn contradicts(condition: &Condition, profile: &Arc<str>) -> bool {
    if condition.holds(std::slice::from_ref(profile)) {
        return false;
    }
    let all: Vec<Arc<str>> = condition.profiles().cloned().chain([Arc::clone(profile)]).collect();
    let without: Vec<Arc<str>> = all.iter().filter(|name| *name != profile).cloned().collect();
    // Together with others it may be what is asked for.
    !condition.holds(&all) || condition.holds(&without)
}

#[cfg(test)]
mod tests {
    use crate::check::samples::lines;

    fn found(files: &[(&str, &str)]) -> Vec<String> {
        lines(files).iter().map(|line| line.split(' ').take(2).collect::<Vec<_>>().join(" ")).collect()
    }

    const BASE: (&str, &str) = ("shop.yml", "db: {timeout: 1, pool: {maximum-size: 5}}\nhosts: [a]\nport1: 1\n");

    #[test]
    fn a_key_of_a_profile_that_is_almost_another_is_reported() {
        for (text, expected) in [
            ("db: {timeuot: 2}\n", "key-typo shop-dev.yml:1:6"),
            ("db.timeot: 2\n", "key-typo shop-dev.yml:1:1"),
            ("db: {pool: {maxmum-sise: 2}}\n", "key-typo shop-dev.yml:1:13"),
            ("host: [b]\n", "key-typo shop-dev.yml:1:1"),
        ] {
            assert_eq!(found(&[BASE, ("shop-dev.yml", text)]), [expected], "{text}");
        }
        for text in ["db: {timeout: 2}\n", "db: {timeouts: 2, timeout: 1}\n", "port2: 1\n", "db: {url: x}\n", "d: 1\n"]
        {
            assert_eq!(found(&[BASE, ("shop-dev.yml", text)]), [""; 0], "{text}");
        }
        assert_eq!(found(&[BASE, ("mail.yml", "host: [b]\n")]), [""; 0], "a file without a profile overrides nothing");
    }

    #[test]
    fn what_is_taken_away_must_be_there() {
        assert_eq!(found(&[BASE, ("shop-dev.yml", "db: {timeuot: !unset }\n")]), ["unset-nothing shop-dev.yml:1:6"]);
        assert_eq!(found(&[BASE, ("shop-dev.yml", "db: !unset\n")]), [""; 0]);
    }

    #[test]
    fn conditions_are_spelt_and_fit_their_file() {
        for key in ["onProfile", "on-profiles", "on_profile", "onprofile", "profiles", "on-profle"] {
            let text = format!("spring.config.activate.{key}: dev\n");
            assert_eq!(found(&[("shop.yml", &text)]), ["condition-typo shop.yml:1:1"], "{key}");
        }
        assert_eq!(found(&[("shop.yml", "spring.config.active.on-profile: dev\n")]), ["condition-typo shop.yml:1:1"]);
        let on = |condition: &str| {
            let text = format!("spring.config.activate.on-profile: '{condition}'\na: 1\n");
            found(&[("shop.yml", "a: 0\n"), ("shop-prod.yml", &text)])
        };
        for condition in ["dev", "!prod", "dev | test"] {
            assert_eq!(on(condition), ["condition-contradiction shop-prod.yml:2:1"], "{condition}");
        }
        for condition in ["prod", "prod & eu", "!dev", "dev | prod"] {
            assert_eq!(on(condition), [""; 0], "{condition}");
        }
    }

    #[test]
    fn names_of_variables_set_nothing() {
        assert_eq!(found(&[("shop.yml", "LOGGING_LEVEL_ROOT: debug\n")]), ["environment-key shop.yml:1:1"]);
        assert_eq!(found(&[("shop.yml", "HTTP_PROXY: x\nenv: {SERVER_PORT: 1}\n")]), [""; 0]);
    }
}
