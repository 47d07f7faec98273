//! The folders that Spring's search paths lead to: `{application}`, `{profile}`, `{label}`, `*` and `**`.
//!
//! A name that is put in for a placeholder stays a name: a wildcard in it matches nothing. Which files are looked for in
//! a folder, and which folder is stronger, is said in `select.rs`.

use std::collections::HashSet;
use std::sync::Arc;

/// The search paths of a repository, whose root is always the first; or the only folders of a machine that are served.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Locations {
    /// Without `.`, `..` and empty segments.
    entries: Vec<String>,
    /// Nothing outside the entries exists, the root included.
    is_closed: bool,
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

const PLACEHOLDERS: [&str; 3] = ["{application}", "{profile}", "{label}"];

/// Where a wildcard stands for any number of folders.
const DEEP: &str = "**";

impl Locations {
    /// Takes the entries of `search-paths`, each of which may be a comma list. Every text is a search path: one that leads
    /// out of the repository finds nothing.
    #[must_use]
    pub fn new<S: AsRef<str>>(entries: &[S]) -> Self {
        let entries = entries.iter().flat_map(|entry| entry.as_ref().split(','));
        let entries = entries.map(str::trim).filter(|entry| !entry.is_empty());
        Self { entries: entries.filter_map(fold).collect(), is_closed: false }
    }

    /// Takes folders below a common parent, each an entry of its own. The parent is served only if it is one of them.
    #[must_use]
    pub fn only<S: AsRef<str>>(entries: &[S]) -> Self {
        Self { entries: entries.iter().filter_map(|entry| fold(entry.as_ref())).collect(), is_closed: true }
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
        if !self.is_closed {
            add(Arc::from(""));
        }
        for pattern in self.entries.iter().flat_map(|entry| patterns(entry, names)) {
            if self.is_closed && !self.has_folder(&pattern) {
                continue;
            }
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
        folder.is_empty() && !self.is_closed
            || self.entries.iter().any(|entry| {
                let open = PLACEHOLDERS.iter().fold(entry.clone(), |entry, placeholder| {
                    entry.replace(placeholder, if *placeholder == "{label}" { DEEP } else { "*" })
                });
                open == folder || !folder.is_empty() && matches(&open, folder)
            })
    }

    /// The application whose folder this is: one that an entry leads to by the application's name alone.
    #[must_use]
    pub fn service_of<'a>(&self, folder: &'a str) -> Option<&'a str> {
        let (of_service, others): (Vec<_>, Vec<_>) =
            self.entries.iter().partition(|entry| entry.contains("{application}"));
        if others.iter().any(|entry| can_be(entry, folder)) {
            return None;
        }
        of_service.iter().find_map(|entry| service(entry, folder))
    }

    /// True if the file at a path exists: it is below one of the folders, or everything is.
    #[must_use]
    pub fn has_file(&self, path: &str) -> bool {
        !self.is_closed || self.has_folder(path.rsplit_once('/').map_or("", |(folder, _)| folder))
    }

    /// True if a folder is one of those that are served, or below one, whatever the names in a request.
    #[must_use]
    pub fn has_folder(&self, folder: &str) -> bool {
        let above = folder.match_indices('/').map(|(at, _)| &folder[..at]);
        let mut above = ["", folder].into_iter().chain(above);
        !self.is_closed || above.any(|outer| self.entries.iter().any(|entry| can_be(entry, outer)))
    }

    /// True if a dot file or a dot folder is on the way to a file, but for those that the entries name themselves: who
    /// lists `/srv/.app/config` wants it served, and a root above it is nothing that anybody wrote.
    #[must_use]
    pub fn is_hidden(&self, path: &str) -> bool {
        let has_dot = |path: &str| path.starts_with('.') || path.contains("/.");
        let below = |start: &str| path.strip_prefix(start).and_then(|rest| rest.strip_prefix('/'));
        has_dot(path) && !self.entries.iter().any(|entry| below(plain(entry)).is_some_and(|rest| !has_dot(rest)))
    }

    /// The folders without placeholders that hold all that is served, none within another; the root if all of it is.
    #[must_use]
    pub fn starts(&self) -> Vec<String> {
        if !self.is_closed {
            return vec![String::new()];
        }
        let mut starts: Vec<String> = self.entries.iter().map(|entry| plain(entry).to_owned()).collect();
        starts.sort_by_key(String::len);
        let mut apart: Vec<String> = Vec::new();
        for start in starts {
            let is_within = |outer: &String| {
                start
                    .strip_prefix(outer.as_str())
                    .is_some_and(|rest| outer.is_empty() || rest.is_empty() || rest.starts_with('/'))
            };
            if !apart.iter().any(is_within) {
                apart.push(start);
            }
        }
        apart
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

/// The part of an entry before the first segment that names or wildcards decide.
fn plain(entry: &str) -> &str {
    let Some(open) = entry.find(['{', '*', '?']) else { return entry };
    entry[..open].rfind('/').map_or("", |end| &entry[..end])
}

/// True if some names make the entry this folder. A name may hold slashes, and is never empty.
fn can_be(entry: &str, folder: &str) -> bool {
    let segments: Vec<_> = entry.split('/').collect();
    let last = segments.len() - 1;
    let open = segments.iter().enumerate().map(|(at, segment)| match *segment {
        // What is below the folder counts as well, so that one segment is enough at the end.
        "{application}" | "{profile}" | "{label}" if at < last => "*/**".to_owned(),
        segment => PLACEHOLDERS.iter().fold(segment.to_owned(), |segment, name| segment.replace(name, "*")),
    });
    let open = open.collect::<Vec<_>>().join("/");
    open == folder || !folder.is_empty() && matches(&open, folder)
}

/// The name that makes the entry this folder, segment by segment.
fn service<'a>(entry: &str, folder: &'a str) -> Option<&'a str> {
    let (entry, folder): (Vec<_>, Vec<_>) = (entry.split('/').collect(), folder.split('/').collect());
    if entry.len() != folder.len() {
        return None;
    }
    let mut service = None;
    for (pattern, name) in entry.into_iter().zip(folder) {
        let Some((before, after)) = pattern.split_once("{application}") else {
            if !can_be(pattern, name) {
                return None;
            }
            continue;
        };
        let found = name.strip_prefix(before)?.strip_suffix(after).filter(|name| !name.is_empty())?;
        if service.is_some_and(|known| known != found) {
            return None;
        }
        service = Some(found);
    }
    service
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
                // A name that leads upwards is no name.
                if !filled.split('/').any(|segment| matches!(segment, "." | "..")) {
                    patterns.extend(fold(&filled));
                }
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
    fn a_folder_is_of_the_application_that_alone_leads_to_it() {
        let entries = ["shared", "{application}", "envs/{profile}/{application}-conf", "all/*"];
        let locations = Locations::new(&entries);
        let service = |folder| locations.service_of(folder).unwrap_or("-");
        assert_eq!(["shop", "shared", "", "a/b"].map(service), ["shop", "-", "-", "-"]);
        assert_eq!(["envs/p/a-conf", "envs/p/-conf", "envs/p/a", "all/x"].map(service), ["a", "-", "-", "-"]);
        assert_eq!(Locations::new(&["{application}/{application}"]).service_of("a/b"), None);
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

    fn closed(entries: &[&str], application: &str, label: &str, known: &[&str]) -> Vec<String> {
        let arcs = |names: &[&str]| names.iter().map(|name| Arc::from(*name)).collect::<Vec<Arc<str>>>();
        let (profiles, applications) = (arcs(&["p"]), arcs(&[application]));
        let names = Names { applications: &applications, profiles: &profiles, label };
        Locations::only(entries).folders(names, &arcs(known)).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn of_locations_nothing_else_exists_whatever_the_names() {
        let entries = ["config/{application}", "config/{application}/x", "base", "base/{label}", "{label}/conf"];
        assert_eq!(closed(&entries, "a", "m", &[]), ["config/a", "config/a/x", "base", "base/m", "m/conf"]);
        for name in ["..", ".", "../private", "a/../../private", "*", "**"] {
            let found = closed(&entries, name, name, &["private", "config", "base"]);
            assert_eq!(found, ["base"], "{name}");
        }
        assert_eq!(closed(&entries, "a", "", &[]), ["config/a", "config/a/x", "base"]);
        assert_eq!(closed(&["{profile}{application}"], ".", "m", &[]), ["p."]);
        let locations = Locations::only(&entries);
        let inside = ["config/a/y.yml", "config/a/b/c.key", "base/y", "base/z/y", "m/conf/y", "m/n/conf/deep/y"];
        assert!(inside.iter().all(|path| locations.has_file(path)));
        let outside = ["y.yml", "config/y.yml", "private/y", "conf/y.yml", "based/y", "m/y", "m/con/y", "bas/e/y"];
        for path in outside {
            assert!(!locations.has_file(path), "{path}");
        }
        assert!(!locations.reach("") && Locations::only(&[""]).reach("") && Locations::only(&[""]).has_file("a/b"));
    }

    #[test]
    fn what_is_looked_into_begins_where_no_name_decides() {
        let starts = |entries: &[&str]| Locations::only(entries).starts();
        assert_eq!(
            starts(&["base", "base/{label}", "basement", "c/{application}/x", "c/d"]),
            ["c", "base", "basement"]
        );
        assert_eq!(starts(&["a", "{application}"]), [""]);
        assert_eq!(Locations::new(&["a"]).starts(), [""]);
    }

    #[test]
    fn dot_folders_are_hidden_but_for_those_that_an_entry_names() {
        let entries = ["a/.x/conf", "a/.x/conf/{label}", ".y", "b/{application}/.z", ".w*"];
        for locations in [Locations::only(&entries), Locations::new(&entries)] {
            let seen = ["a/.x/conf/s.yml", "a/.x/conf/t/s.yml", ".y/s.yml", "b/c/s.yml"];
            assert!(!seen.iter().any(|path| locations.is_hidden(path)));
            let hidden =
                ["a/.x/s.yml", "a/.x/conf/.s.yml", "a/.x/conf/.t/s.yml", "a/.x/config/s.yml", ".s.yml", ".w/s.yml"];
            assert!(hidden.iter().all(|path| locations.is_hidden(path)));
        }
        assert!(Locations::only(&[""]).is_hidden(".x/s.yml") && !Locations::only(&[""]).is_hidden("x/s.yml"));
    }

    #[test]
    fn what_a_search_path_can_lead_to_is_known() {
        let locations = Locations::new(&["{application}", "envs/{profile}/x", "l/{label}"]);
        let reached = ["", "a", "envs/p/x", "l/feature/x"];
        assert!(reached.iter().all(|folder| locations.reach(folder)));
        assert!(!["a/b", "envs/p", "envs/p/q/x"].iter().any(|folder| locations.reach(folder)));
    }
}
