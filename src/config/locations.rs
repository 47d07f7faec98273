//! The folders that Spring's search paths lead to: `{application}`, `{profile}`, `{label}`, `*` and `**`.
//!
//! A name that is put in for a placeholder stays a name: a wildcard in it matches nothing. Which files are looked for in
//! a folder, and which folder is stronger, is said in `select.rs`.

use std::collections::HashSet;
use std::sync::Arc;

/// The search paths of a repository; the root is always the first.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Locations {
    entries: Vec<String>,
}

/// The names that take the place of placeholders.
#[derive(Debug, Clone, Copy)]
pub struct Names<'a> {
    /// The applications in the order asked.
    pub applications: &'a [Arc<str>],
    /// The profiles in the order asked.
    pub profiles: &'a [Arc<str>],
    /// The label that is read.
    pub label: &'a str,
}

/// Where a wildcard stands for any number of folders.
const DEEP: &str = "**";

impl Locations {
    /// Takes the entries of `search-paths`, each of which may be a comma list. Every text is a search path: one that leads
    /// out of the repository finds nothing.
    #[must_use]
    pub fn new<S: AsRef<str>>(entries: &[S]) -> Self {
        let entries = entries.iter().flat_map(|entry| entry.as_ref().split(','));
        Self { entries: entries.map(str::trim).filter(|entry| !entry.is_empty()).map(str::to_owned).collect() }
    }

    /// The folders to search, weakest first, each once at its first place. `known` are the folders that there are, sorted.
    #[must_use]
    pub fn folders(&self, names: Names<'_>, known: &[Arc<str>]) -> Vec<Arc<str>> {
        let mut seen: HashSet<Arc<str>> = HashSet::new();
        let mut folders: Vec<Arc<str>> = Vec::new();
        let mut add = |folder: Arc<str>| {
            if seen.insert(Arc::clone(&folder)) {
                folders.push(folder);
            }
        };
        add(Arc::from(""));
        for pattern in self.entries.iter().flat_map(|entry| patterns(entry, names)) {
            match has_wildcard(&pattern) {
                false => add(Arc::from(pattern)),
                true => known.iter().filter(|folder| matches(&pattern, folder)).cloned().for_each(&mut add),
            }
        }
        folders
    }

    /// True if some question leads to the folder.
    #[must_use]
    pub fn reach(&self, folder: &str) -> bool {
        folder.is_empty()
            || self.entries.iter().any(|entry| {
                let open =
                    ["{application}", "{profile}", "{label}"].iter().fold(entry.clone(), |entry, placeholder| {
                        entry.replace(placeholder, if *placeholder == "{label}" { DEEP } else { "*" })
                    });
                fold(&open).is_some_and(|pattern| pattern == folder || matches(&pattern, folder))
            })
    }
}

/// The path with `.` and `..` worked out; `None` if it leaves the repository.
#[must_use]
pub fn fold(path: &str) -> Option<String> {
    let mut folded: Vec<&str> = Vec::new();
    for segment in path.split('/') {
        match segment {
            "" | "." => {}
            ".." => drop(folded.pop()?),
            segment => folded.push(segment),
        }
    }
    Some(folded.join("/"))
}

/// An entry with its placeholders filled in: for each profile, each application.
fn patterns(entry: &str, names: Names<'_>) -> Vec<String> {
    let none = [Arc::from("")];
    let or_none = |placeholder, names| if entry.contains(placeholder) { names } else { &none[..] };
    // Of a list, which only labels that are folders come in, the first is strongest.
    let labels: Vec<Arc<str>> = names.label.split(',').rev().map(Arc::from).collect();
    let mut patterns = Vec::new();
    for profile in or_none("{profile}", names.profiles) {
        for application in or_none("{application}", names.applications) {
            for label in or_none("{label}", &labels) {
                if [label, profile, application].iter().any(|name| has_wildcard(name)) {
                    continue;
                }
                let filled =
                    entry.replace("{application}", application).replace("{profile}", profile).replace("{label}", label);
                patterns.extend(fold(&filled));
            }
        }
    }
    patterns
}

/// Spring knows `?` as well, and then finds nothing with it.
fn has_wildcard(pattern: &str) -> bool {
    pattern.contains(['*', '?'])
}

/// True if a folder is meant by a pattern. Segments that are passed over by `**` are not tried again for an earlier one,
/// which bounds the time by the product of the two lengths.
fn matches(pattern: &str, folder: &str) -> bool {
    if pattern.contains('?') {
        return false;
    }
    let (pattern, folder): (Vec<_>, Vec<_>) = (pattern.split('/').collect(), folder.split('/').collect());
    wild(&pattern, &folder, |segment| *segment == DEEP, |pattern, name| segment_matches(pattern, name))
        && !(pattern.last() == Some(&DEEP) && pattern.len() > folder.len())
}

fn segment_matches(pattern: &str, name: &str) -> bool {
    let (pattern, name): (Vec<_>, Vec<_>) = (pattern.chars().collect(), name.chars().collect());
    wild(&pattern, &name, |character| *character == '*', |pattern, character| pattern == character)
}

/// The usual matching of a text with stars, going back to the last star only.
fn wild<T>(pattern: &[T], text: &[T], is_star: impl Fn(&T) -> bool, equal: impl Fn(&T, &T) -> bool) -> bool {
    let (mut at, mut next) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    while next < text.len() {
        match pattern.get(at) {
            Some(wanted) if is_star(wanted) => {
                star = Some((at + 1, next));
                at += 1;
            }
            Some(wanted) if equal(wanted, &text[next]) => (at, next) = (at + 1, next + 1),
            _ => {
                let Some((after, taken)) = star else { return false };
                star = Some((after, taken + 1));
                (at, next) = (after, taken + 1);
            }
        }
    }
    pattern[at..].iter().all(is_star)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(entries: &[&str], profiles: &[&str], applications: &[&str], known: &[&str]) -> Vec<String> {
        let arcs = |names: &[&str]| names.iter().map(|name| Arc::from(*name)).collect::<Vec<Arc<str>>>();
        let (profiles, applications) = (arcs(profiles), arcs(applications));
        let names = Names { applications: &applications, profiles: &profiles, label: "feature/x" };
        Locations::new(entries).folders(names, &arcs(known)).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn placeholders_are_filled_in_by_entry_then_profile_then_application() {
        assert_eq!(
            found(&["{application}, envs/{profile}/{application}/", "labels/{label}"], &["p", "q"], &["a", "b"], &[]),
            ["", "a", "b", "envs/p/a", "envs/p/b", "envs/q/a", "envs/q/b", "labels/feature/x"]
        );
    }

    #[test]
    fn wildcards_find_the_folders_that_there_are() {
        let known = ["apps", "apps/a", "apps/a-b", "apps/a/deep", "apps/b", "team-1", "x/a/conf"];
        assert_eq!(found(&["apps/**"], &["p"], &["a"], &known), ["", "apps/a", "apps/a-b", "apps/a/deep", "apps/b"]);
        assert_eq!(found(&["apps/*"], &["p"], &["a"], &known), ["", "apps/a", "apps/a-b", "apps/b"]);
        assert_eq!(found(&["*/{application}/conf"], &["p"], &["a"], &known), ["", "x/a/conf"]);
        assert_eq!(found(&["team-?", "t*-?"], &["p"], &["a"], &known), [""]);
        assert_eq!(found(&["**/deep", "**"], &["p"], &["a"], &["a", "a/deep"]), ["", "a/deep", "a"]);
    }

    #[test]
    fn nothing_leads_out_of_the_repository() {
        let entries = ["shared/../common", "../x", "{application}/y"];
        assert_eq!(found(&entries, &["p"], &["..", "*", "b"], &["a/y"]), ["", "common", "b/y"]);
    }

    #[test]
    fn what_a_search_path_can_lead_to_is_known() {
        let locations = Locations::new(&["{application}", "envs/{profile}/x", "l/{label}"]);
        let reached = ["", "a", "envs/p/x", "l/feature/x"];
        assert!(reached.iter().all(|folder| locations.reach(folder)));
        assert!(!["a/b", "envs/p", "envs/p/q/x"].iter().any(|folder| locations.reach(folder)));
    }
}
