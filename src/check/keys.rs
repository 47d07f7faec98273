//! Keys that do not do what they look like: slips in the keys of a profile, `!unset` of nothing, conditions that are
//! misspelt or never hold, and names of environment variables.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use crate::config::condition::Condition;
use crate::config::key;
use crate::config::layer::{Data, Document, Entry, Tag};
use crate::config::problem::{Fault, Position, Problem};
use crate::config::semantics::Semantics;

use super::Input;
use super::profiles::{files_by_profile, is_slip};
use super::walk::{Step, shown};

/// So many neighbours of a key are compared with it.
const NEIGHBOURS: usize = 64;

/// Names and paths of more bytes are not looked through for slips.
const LONGEST: usize = 128;

/// First words of variables that frameworks read from the environment alone.
const OF_ENVIRONMENT: [&str; 5] = ["SPRING_", "SERVER_", "LOGGING_", "MANAGEMENT_", "QUARKUS_"];

/// A key of some file: a step below another key. Steps are kept and compared one by one, for a whole path would be as long
/// as all names around it.
struct Node {
    parent: usize,
    step: Arc<str>,
    /// The keys directly below.
    children: Vec<usize>,
    /// How many files have the key.
    files: usize,
    /// The number of the file that was counted last.
    counted: usize,
    is_leaf: bool,
}

/// All keys of a repository.
struct Keys {
    nodes: Vec<Node>,
    numbers: HashMap<(usize, Arc<str>), usize>,
}

/// The entries of a file with the number of the key of each.
type Own<'a> = Vec<(usize, &'a Entry)>;

const ROOT: usize = 0;

impl Keys {
    fn new() -> Self {
        let mut keys = Self { nodes: Vec::new(), numbers: HashMap::new() };
        keys.push(ROOT, &Arc::from(""));
        keys
    }

    fn push(&mut self, parent: usize, step: &Arc<str>) -> usize {
        let step = Arc::clone(step);
        self.nodes.push(Node { parent, step, children: Vec::new(), files: 0, counted: 0, is_leaf: false });
        self.nodes.len() - 1
    }

    fn child(&mut self, parent: usize, step: &Arc<str>) -> usize {
        if let Some(known) = self.numbers.get(&(parent, Arc::clone(step))) {
            return *known;
        }
        let number = self.push(parent, step);
        self.nodes[parent].children.push(number);
        self.numbers.insert((parent, Arc::clone(step)), number);
        number
    }

    fn entries<'a>(&mut self, entries: &'a [Entry], parent: usize, file: usize, own: &mut Own<'a>) {
        for entry in entries {
            let counts = entry.node.tag != Some(Tag::Unset);
            let mut at = parent;
            for step in entry.key.steps() {
                at = self.child(at, step);
                let node = &mut self.nodes[at];
                if counts && node.counted != file {
                    (node.counted, node.files) = (file, node.files + 1);
                }
            }
            self.nodes[at].is_leaf |= counts && !matches!(entry.node.data, Data::Map(_));
            own.push((at, entry));
            self.below(&entry.node.data, at, file, own);
        }
    }

    fn below<'a>(&mut self, data: &'a Data, at: usize, file: usize, own: &mut Own<'a>) {
        match data {
            Data::Map(inner) => self.entries(inner, at, file, own),
            Data::List(items) => {
                for (index, item) in items.iter().enumerate() {
                    if matches!(item.data, Data::Map(_) | Data::List(_)) {
                        let item_at = self.child(at, &Arc::from(index.to_string()));
                        self.below(&item.data, item_at, file, own);
                    }
                }
            }
            _ => {}
        }
    }

    /// The beginning of a key as users write it.
    fn shown(&self, number: usize) -> String {
        let upwards = std::iter::successors(Some(number), |number| Some(self.nodes[*number].parent));
        let mut steps: Vec<&str> = upwards.take_while(|at| *at != ROOT).map(|at| &*self.nodes[at].step).collect();
        steps.reverse();
        key::beginning(&steps)
    }
}

/// Adds the keys that are not what they look like.
pub(super) fn check(input: &Input<'_>, problems: &mut Vec<Problem>) {
    if input.snapshot.semantics == Semantics::Spring {
        return;
    }
    let (keys, owned) = all_keys(input);
    let by_profile = files_by_profile(input.snapshot);
    let profile_of: HashMap<&Arc<str>, &Arc<str>> =
        by_profile.iter().flat_map(|(profile, files)| files.iter().map(move |file| (*file, profile))).collect();
    for (file, own) in input.snapshot.selectable().zip(&owned) {
        let profile = profile_of.get(&file.path).copied();
        for document in &file.body.documents {
            of_document(document, profile, &mut |fault| problems.push(fault.in_file(&file.path)));
        }
        of_file(own, profile.is_some(), &keys, &mut |fault| problems.push(fault.in_file(&file.path)));
    }
}

/// All keys, and the entries of each file.
fn all_keys<'a>(input: &Input<'a>) -> (Keys, Vec<Own<'a>>) {
    let mut keys = Keys::new();
    let mut owned = Vec::new();
    for (index, file) in input.snapshot.selectable().enumerate() {
        let mut own = Own::new();
        for document in &file.body.documents {
            keys.entries(&document.root, ROOT, index + 1, &mut own);
        }
        owned.push(own);
    }
    (keys, owned)
}

fn of_file(entries: &Own<'_>, is_of_profile: bool, keys: &Keys, tell: &mut dyn FnMut(Fault)) {
    let own: HashSet<usize> = entries.iter().map(|(number, _)| *number).collect();
    for (_, entry) in entries.iter().filter(|(number, _)| keys.nodes[*number].parent == ROOT) {
        if let Some(fault) = of_environment(entry) {
            tell(fault);
        }
    }
    for (number, entry) in entries {
        let node = &keys.nodes[*number];
        if entry.node.tag == Some(Tag::Unset) {
            if node.files == 0 {
                let message = format!("`!unset` takes away nothing: no file has `{}`", keys.shown(*number));
                let hint = "look for a slip in the key, or delete the line";
                tell(Fault::warning("unset-nothing", entry.at, message).with_hint(hint));
            }
            continue;
        }
        if !is_of_profile || matches!(entry.node.data, Data::Map(_)) || node.files != 1 {
            continue;
        }
        let is_meant = |other: &&usize| {
            let meant = &keys.nodes[**other];
            meant.files > 0 && meant.is_leaf && !own.contains(*other) && is_near(&node.step, &meant.step)
        };
        let siblings = keys.nodes[node.parent].children.iter().take(NEIGHBOURS);
        if let Some(meant) = siblings.filter(is_meant).min_by_key(|other| &keys.nodes[**other].step) {
            let (path, meant) = (keys.shown(*number), keys.shown(*meant));
            let message = format!("`{path}` overrides nothing and is almost `{meant}`, which other files have");
            tell(Fault::warning("key-typo", entry.at, message).with_hint(format!("write `{meant}` if that is meant")));
        }
    }
}

/// One letter apart, or in long names two: left out, put in, replaced, or swapped. Digits tell names apart on purpose.
fn is_near(one: &str, other: &str) -> bool {
    if one.len().max(other.len()) > LONGEST {
        return false;
    }
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

fn of_environment(entry: &Entry) -> Option<Fault> {
    let written = entry.key.written();
    let is_variable = written.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_');
    let is_known = is_variable && OF_ENVIRONMENT.iter().any(|start| written.starts_with(start));
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
            && path.len() <= LONGEST
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
    use super::*;
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
        for text in ["db: {timeout: 2}\n", "db: {timeouts: 2, timeout: 3}\n", "port2: 1\n", "db: {url: x}\n", "d: 1\n"]
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
    fn steps_are_kept_once_however_long_the_names_around_them() {
        let keys: String = (0..1_000).map(|at| format!("  k{at}: x\n")).collect();
        let text = format!("? {}\n:\n{keys}", "n".repeat(10_000));
        let (snapshot, _) = crate::check::samples::snapshot(&[("a.yml", &text), ("b.yml", &text)]);
        let mut keys = Keys::new();
        for (index, file) in snapshot.selectable().enumerate() {
            keys.entries(&file.body.documents[0].root, ROOT, index + 1, &mut Own::new());
        }
        assert_eq!(keys.nodes.len(), 1_002);
        assert!(keys.nodes.iter().map(|node| node.step.len()).sum::<usize>() < 15_000);
        assert!(keys.nodes[1..].iter().all(|node| node.files == 2));
        assert_eq!(keys.shown(1_000).len(), 200);
    }

    #[test]
    fn names_of_variables_set_nothing() {
        assert_eq!(found(&[("shop.yml", "LOGGING_LEVEL_ROOT: debug\n")]), ["environment-key shop.yml:1:1"]);
        assert_eq!(found(&[("shop.yml", "HTTP_PROXY: x\nenv: {SERVER_PORT: 1}\n")]), [""; 0]);
    }
}
