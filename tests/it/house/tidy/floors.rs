//! The floors of the design as data, and who uses whom: a module uses lower floors only, and nothing goes in circles.
//!
//! A reference is `crate::name…` (also in braces), `super::…` that leads up to the root, and in `main.rs`
//! `layerd::name…`. Tests may reach anywhere.

use std::collections::{BTreeMap, BTreeSet};

use super::rust::{Source, words};

/// Every top-level module and its floor. `main` and `lib` are the roof: they may see everything.
const FLOORS: [(&str, u32); 21] = [
    ("main", 9),
    ("lib", 9),
    ("cli", 8),
    ("settings", 7),
    ("serve", 7),
    ("telemetry", 7),
    ("http", 6),
    ("client", 6),
    ("push", 5),
    ("audit", 5),
    ("store", 4),
    ("check", 4),
    ("source", 3),
    ("answer", 3),
    ("snapshot", 2),
    ("access", 1),
    ("format", 1),
    ("secret", 1),
    ("schema", 1),
    ("flag", 1),
    ("config", 0),
];

/// Who may use a neighbour on its own floor.
const SIDEWAYS: [(&str, &str); 3] = [("serve", "settings"), ("serve", "telemetry"), ("settings", "telemetry")];

/// The deciding half: values in, values out.
const DECIDING: [&str; 9] = ["access", "config", "format", "secret", "schema", "flag", "snapshot", "answer", "check"];

/// What the deciding half never touches.
const OUTSIDE: [&str; 14] = [
    "std::fs",
    "std::net",
    "std::env",
    "std::process",
    "std::thread",
    "SystemTime",
    "Instant",
    "tokio::",
    "tracing::",
    "git2::",
    "notify::",
    "reqwest::",
    "hyper::",
    "axum::",
];

/// Crates that belong to certain modules alone.
const OWNED: [(&str, &[&str]); 4] = [
    ("git2::", &["source"]),
    ("notify::", &["source"]),
    ("axum::", &["http", "serve"]),
    ("clap::", &["cli", "settings", "main"]),
];

/// A use of one top-level module by another.
struct Reference {
    from: String,
    to: String,
    place: String,
}

/// Uses of modules that are not below the user, and of crates that are not for it.
pub(super) fn breaches(sources: &[Source]) -> Vec<String> {
    let up = references(sources).into_iter().filter_map(|reference| judge(&reference));
    up.chain(sources.iter().flat_map(foreign)).collect()
}

fn judge(Reference { from, to, place }: &Reference) -> Option<String> {
    let is_listed = SIDEWAYS.contains(&(from, to));
    match (floor(from), floor(to)) {
        (Some(_), Some(_)) if from == to || is_listed => None,
        (Some(user), Some(used)) if user > used => None,
        (Some(user), Some(used)) => Some(format!("{place}: `{from}` (floor {user}) uses `{to}` (floor {used})")),
        (None, _) => Some(format!("{place}: `{from}` is on no floor")),
        (_, None) => Some(format!("{place}: `{to}` is on no floor")),
    }
}

fn floor(module: &str) -> Option<u32> {
    FLOORS.iter().find(|(name, _)| *name == module).map(|(_, floor)| *floor)
}

/// Outside things in the deciding half, and crates outside the modules that own them.
fn foreign(source: &Source) -> Vec<String> {
    let module = source.module();
    let outside = OUTSIDE.iter().filter(|_| DECIDING.contains(&module));
    let owned = OWNED.iter().filter(|(_, owners)| !owners.contains(&module)).map(|(name, _)| name);
    let found = outside.chain(owned).flat_map(|name| words(&source.code, name).map(move |at| (at, name)));
    let live: BTreeSet<(usize, &&str)> = found.filter(|(at, _)| !source.is_test(*at)).collect();
    live.into_iter().map(|(at, name)| format!("{}: `{name}` is not for `{module}`", source.place(at))).collect()
}

/// Circles among top-level modules, each told once.
pub(super) fn cycles(sources: &[Source]) -> Vec<String> {
    let mut uses: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for Reference { from, to, .. } in references(sources) {
        if from != to {
            uses.entry(from).or_default().insert(to);
        }
    }
    let on_circle = uses.keys().filter(|module| reachable(&uses, module).contains(*module));
    on_circle.map(|module| format!("`{module}` uses itself by way of others")).collect()
}

pub(super) fn reachable(uses: &BTreeMap<String, BTreeSet<String>>, from: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let mut open = vec![from.to_owned()];
    while let Some(module) = open.pop() {
        let next = uses.get(&module).into_iter().flatten();
        open.extend(next.filter(|name| found.insert((*name).clone())).cloned());
    }
    found
}

fn references(sources: &[Source]) -> Vec<Reference> {
    sources.iter().flat_map(references_of).collect()
}

fn references_of(source: &Source) -> Vec<Reference> {
    let root = if source.module() == "main" { "layerd" } else { "crate" };
    let rooted = words(&source.code, root).map(|at| (at, at + root.len()));
    let risen = words(&source.code, "super").filter_map(|at| Some((at, climb(source, at)?)));
    let live = rooted.chain(risen).filter(|(at, _)| !source.is_test(*at));
    live.flat_map(|(at, end)| {
        let reference = move |to| Reference { from: source.module().to_owned(), to, place: source.place(at) };
        named(&source.code[end..]).into_iter().map(reference)
    })
    .collect()
}

/// The end of a chain of `super` that begins at `at` and leads to the root; `None` if it ends below or begins earlier.
fn climb(source: &Source, at: usize) -> Option<usize> {
    let steps = source.path.split('/').count() - 1 - usize::from(source.path.ends_with("/mod.rs"));
    let chain = ["super"].repeat(steps).join("::");
    let is_first = !source.code[..at].ends_with("::");
    (is_first && source.code[at..].starts_with(&chain)).then_some(at + chain.len())
}

/// The first names after `::`, one or a group in braces.
fn named(rest: &str) -> Vec<String> {
    let Some(rest) = rest.strip_prefix("::") else { return Vec::new() };
    let Some(group) = rest.strip_prefix('{') else { return name(rest).into_iter().collect() };
    members(group).iter().filter_map(|member| name(member)).collect()
}

/// The members of a group in braces, from behind its first brace.
pub(super) fn members(group: &str) -> Vec<String> {
    let mut depth = 1;
    let mut members = vec![String::new()];
    for letter in group.chars() {
        match letter {
            '{' => depth += 1,
            '}' => depth -= 1,
            ',' if depth == 1 => members.push(String::new()),
            _ => {}
        }
        match members.last_mut() {
            _ if depth == 0 => break,
            Some(member) => member.push(letter),
            None => {}
        }
    }
    members.iter().map(|member| member.trim_start_matches([',', ' ', '\n']).to_owned()).collect()
}

fn name(text: &str) -> Option<String> {
    let name: String = text.chars().take_while(|letter| letter.is_alphanumeric() || *letter == '_').collect();
    (!name.is_empty() && name != "super").then_some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(path: &str, text: &str) -> Vec<String> {
        breaches(&[Source::parse(path, text)])
    }

    #[test]
    fn a_use_of_a_higher_floor_is_told_with_its_place() {
        assert_eq!(
            check("src/config/key.rs", "use super::value::Value;\nuse crate::format::Format;\n"),
            ["src/config/key.rs:2: `config` (floor 0) uses `format` (floor 1)"]
        );
        assert_eq!(
            check("src/format/yaml.rs", "use crate::{config::key::{Key, Step}, store};"),
            ["src/format/yaml.rs:1: `format` (floor 1) uses `store` (floor 4)"]
        );
        assert_eq!(
            check("src/config/key.rs", "fn a() { super::super::cli::run() }"),
            ["src/config/key.rs:1: `config` (floor 0) uses `cli` (floor 8)"]
        );
        assert_eq!(check("src/config/mod.rs", "use super::format;").len(), 1);
        assert_eq!(check("src/snapshot.rs", "use super::answer::Answer;").len(), 1);
    }

    #[test]
    fn neighbours_are_out_of_reach_unless_listed() {
        assert_eq!(check("src/store/answers.rs", "use crate::check;").len(), 1);
        assert_eq!(check("src/settings.rs", "use crate::serve;").len(), 1);
        assert!(check("src/serve.rs", "use crate::settings::Settings;\nuse crate::http;").is_empty());
    }

    #[test]
    fn a_module_without_a_floor_is_told() {
        assert_eq!(check("src/util.rs", "use crate::config;"), ["src/util.rs:1: `util` is on no floor"]);
        assert_eq!(
            check("src/main.rs", "fn main() { layerd::helpers::run() }"),
            ["src/main.rs:1: `helpers` is on no floor"]
        );
    }

    #[test]
    fn lower_floors_tests_and_comments_may_be_named() {
        let text = "//! See crate::cli.\nuse crate::config::key::Key;\npub(crate) fn a() {}\n\
                    #[cfg(test)]\nmod tests {\n    use crate::http;\n    use super::super::super::x;\n}\n";
        assert!(check("src/format/yaml.rs", text).is_empty());
    }

    #[test]
    fn the_deciding_half_touches_nothing_outside() {
        assert_eq!(
            check("src/config/tree.rs", "fn a() {\n    std::fs::read(\"x\");\n}"),
            ["src/config/tree.rs:2: `std::fs` is not for `config`"]
        );
        assert_eq!(check("src/store/mod.rs", "use git2::Oid;"), ["src/store/mod.rs:1: `git2::` is not for `store`"]);
        assert!(check("src/source/git.rs", "use git2::Oid;").is_empty());
    }

    #[test]
    fn circles_are_told() {
        let sources = [
            Source::parse("src/serve.rs", "use crate::settings;"),
            Source::parse("src/settings.rs", "use crate::http;"),
            Source::parse("src/http/mod.rs", "use crate::serve;\nuse crate::config;"),
            Source::parse("src/cli/mod.rs", "use crate::serve;"),
        ];
        assert_eq!(
            cycles(&sources),
            [
                "`http` uses itself by way of others",
                "`serve` uses itself by way of others",
                "`settings` uses itself by way of others"
            ]
        );
        assert!(cycles(&sources[..2]).is_empty());
    }
}
