//! `.layerd.yaml` read: its members, what each takes, and what is wrong with it.

use std::collections::BTreeMap;

use globset::{GlobBuilder, GlobSet, GlobSetBuilder};

use crate::config::layer::{Data, Entry, Node};
use crate::config::locations::fold;
use crate::config::nearest;
use crate::config::problem::{Fault, Position};
use crate::config::select::SearchPaths;
use crate::config::semantics::Semantics;
use crate::config::value::Number;
use crate::format::{self, Format, Limits};
use crate::schema::Mode;

/// The members that say how the repository is read.
const MEMBERS: [&str; 7] = ["path", "search-paths", "ignore", "semantics", "schemas", "labels", "limits"];

/// The members that say what `validate` demands; they are read in `check/policy.rs`.
const RULES: [&str; 3] = ["severities", "silence", "policies"];

/// Limits that a repository may lower.
pub(super) const LIMITS: [&str; 6] = ["file", "depth", "nodes", "documents", "answer", "files"];

/// Settings that belong to the server alone.
const OF_THE_SERVER: [&str; 15] = [
    "sources",
    "http",
    "access",
    "secrets",
    "telemetry",
    "state",
    "name",
    "git",
    "dir",
    "label",
    "match",
    "join",
    "refresh",
    "credentials",
    "depth",
];

/// What a repository says about how it is read.
#[derive(Debug, Clone, Default)]
pub(super) struct Wishes {
    /// The sub-folder that is the root.
    pub(super) path: Option<String>,
    /// The folders that are searched, as written.
    pub(super) search_paths: Option<Vec<String>>,
    /// Globs of paths that are not configuration, as written.
    pub(super) ignore: Option<(Vec<String>, GlobSet)>,
    pub(super) semantics: Option<Semantics>,
    pub(super) schemas: Option<Mode>,
    /// Globs of the labels that may be asked for.
    pub(super) labels: Option<GlobSet>,
    /// Limits by their names.
    pub(super) limits: BTreeMap<&'static str, usize>,
    /// Where each member stands.
    pub(super) at: BTreeMap<&'static str, Position>,
}

/// Reads the file. Faults of severity error make all of it void.
pub(super) fn read(bytes: &[u8], limits: &Limits) -> (Wishes, Vec<Fault>) {
    let mut reader = Reader::default();
    if bytes.len() > limits.file {
        return (Wishes::default(), vec![format::too_large(bytes.len() as u64, limits)]);
    }
    let body = format::read(Format::Yaml, bytes, &Limits::default());
    reader.faults.extend(body.faults.iter().cloned());
    if let [_, second, ..] = body.documents.as_slice() {
        let at = second.root.first().map_or_else(Position::default, |entry| entry.at);
        reader.invalid(at, "the file holds more than one document", "write all of it in one document");
    }
    for entry in body.documents.iter().flat_map(|document| &document.root) {
        reader.member(entry);
    }
    (reader.wishes, reader.faults)
}

#[derive(Default)]
struct Reader {
    wishes: Wishes,
    faults: Vec<Fault>,
}

impl Reader {
    fn member(&mut self, entry: &Entry) {
        let (name, node) = (&**entry.key.written(), &entry.node);
        let Some(member) = MEMBERS.iter().find(|member| **member == name) else { return self.other(name, entry) };
        if node.data == Data::Null {
            return;
        }
        self.wishes.at.insert(member, entry.at);
        match *member {
            "path" => self.wishes.path = self.folder(node),
            "search-paths" => self.wishes.search_paths = self.search_paths(node),
            "ignore" => self.wishes.ignore = self.globs("ignore", node, true),
            "labels" => self.wishes.labels = self.globs("labels", node, false).map(|(_, globs)| globs),
            "semantics" => {
                let words = [("native", Semantics::Native), ("spring", Semantics::Spring)];
                self.wishes.semantics = self.word(member, node, &words);
            }
            "schemas" => {
                let words = [("off", Mode::Off), ("warn", Mode::Warn), ("enforce", Mode::Enforce)];
                self.wishes.schemas = self.word(member, node, &words);
            }
            _ => self.limits(node),
        }
    }

    /// A member that is none of those that are read here.
    fn other(&mut self, name: &str, entry: &Entry) {
        if RULES.contains(&name) {
            return;
        }
        let shown: String = name.chars().take(100).collect();
        let (message, hint) = if OF_THE_SERVER.contains(&name) {
            let message = format!("`{shown}` is a setting of the server, which a repository cannot set");
            (message, "set it in the settings file of the server".to_owned())
        } else {
            let known = MEMBERS.iter().chain(&RULES).copied();
            let members = || format!("the members are `{}`", [&MEMBERS[..], &RULES].concat().join("`, `"));
            let hint = nearest::hint(&nearest::nearest(name, known)).unwrap_or_else(members);
            (format!("`{shown}` is not a setting of a repository"), hint)
        };
        self.faults.push(Fault::error("repository-settings", entry.at, message).with_hint(hint));
    }

    fn folder(&mut self, node: &Node) -> Option<String> {
        let text = self.text("path", node)?;
        let folded = fold(&text).filter(|_| !text.starts_with('/') && !text.contains(['\\', '\0']));
        let is_clean = |path: &String| !path.split('/').any(|step| step.eq_ignore_ascii_case(".git"));
        if folded.as_ref().filter(|path| is_clean(path)).is_none() {
            self.invalid(
                node.at,
                "`path` leads out of the repository",
                "write the path of a folder in it, such as `config`",
            );
            return None;
        }
        folded
    }

    fn search_paths(&mut self, node: &Node) -> Option<Vec<String>> {
        let texts = self.texts("search-paths", node)?;
        if let Err(error) = SearchPaths::parse(&texts) {
            self.invalid(
                node.at,
                &format!("`search-paths` holds no search path: {error}"),
                "name folders of the repository",
            );
            return None;
        }
        Some(texts)
    }

    fn globs(&mut self, name: &str, node: &Node, slashes_count: bool) -> Option<(Vec<String>, GlobSet)> {
        let texts = self.texts(name, node)?;
        let mut set = GlobSetBuilder::new();
        for text in &texts {
            match GlobBuilder::new(text).literal_separator(slashes_count).build() {
                Ok(glob) if !text.is_empty() => _ = set.add(glob),
                _ => {
                    self.invalid(
                        node.at,
                        &format!("`{name}` takes a list of globs"),
                        "write them as `[one, \"two*\"]`",
                    );
                    return None;
                }
            }
        }
        Some((texts, set.build().ok()?))
    }

    fn limits(&mut self, node: &Node) {
        let Data::Map(entries) = &node.data else {
            return self.invalid(node.at, "`limits` takes a map", "write it as `limits: { file: 256KiB }`");
        };
        for entry in entries {
            let name = &**entry.key.written();
            let Some(known) = LIMITS.iter().find(|known| **known == name) else {
                let shown: String = name.chars().take(100).collect();
                let hint = format!("a repository can lower `{}`", LIMITS.join("`, `"));
                self.invalid(entry.at, &format!("`limits.{shown}` is not a limit of a repository"), &hint);
                continue;
            };
            match limit(&entry.node.data) {
                Some(limit) => _ = self.wishes.limits.insert(known, limit),
                None => self.invalid(
                    entry.node.at,
                    &format!("`limits.{known}` takes a number from 1"),
                    "bytes may be written as 256KiB or 1MiB",
                ),
            }
        }
    }

    fn word<T: Copy>(&mut self, name: &str, node: &Node, words: &[(&str, T)]) -> Option<T> {
        let text = if let Data::Text(text) = &node.data { &**text } else { "" };
        let found = words.iter().find(|(word, _)| *word == text);
        if found.is_none() {
            let known: Vec<_> = words.iter().map(|(word, _)| format!("`{word}`")).collect();
            self.invalid(node.at, &format!("`{name}` takes {}", known.join(" or ")), "see docs/settings.md");
        }
        found.map(|(_, value)| *value)
    }

    fn text(&mut self, name: &str, node: &Node) -> Option<String> {
        match &node.data {
            Data::Text(text) => Some(text.to_string()),
            _ => {
                self.invalid(node.at, &format!("`{name}` takes a text"), "put it in quotes");
                None
            }
        }
    }

    fn texts(&mut self, name: &str, node: &Node) -> Option<Vec<String>> {
        let text = |node: &Node| if let Data::Text(text) = &node.data { Some(text.to_string()) } else { None };
        let texts = match &node.data {
            Data::List(items) => items.iter().map(text).collect(),
            _ => None,
        };
        if texts.is_none() {
            self.invalid(node.at, &format!("`{name}` takes a list of texts"), "write it as `[one, \"two\"]`");
        }
        texts
    }

    fn invalid(&mut self, at: Position, message: &str, hint: &str) {
        self.faults.push(Fault::error("repository-settings", at, message).with_hint(hint));
    }
}

/// A number, or bytes with a unit.
fn limit(data: &Data) -> Option<usize> {
    let number = match data {
        Data::Number(Number::Integer(number)) => usize::try_from(*number).ok()?,
        Data::Text(text) => {
            let units = [("KiB", 1 << 10), ("MiB", 1 << 20), ("GiB", 1 << 30)];
            let (digits, factor) =
                units.iter().find_map(|(unit, factor)| Some((text.strip_suffix(unit)?, *factor))).unwrap_or((text, 1));
            digits.trim_end().parse::<usize>().ok()?.checked_mul(factor)?
        }
        _ => return None,
    };
    (number > 0).then_some(number)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(text: &str) -> Vec<String> {
        let (_, faults) = read(text.as_bytes(), &Limits::default());
        faults.iter().map(|fault| format!("{}:{} {}", fault.at.line, fault.at.column, fault.message)).collect()
    }

    #[test]
    fn every_member_is_read() {
        let text = "path: ./deploy//config/\nsearch-paths: [shared]\nignore: [\"charts/**\"]\nsemantics: spring\nschemas: enforce\n\
                    labels: [main, \"v*\"]\nlimits: { file: 2KiB, files: 10 }\nseverities: { policy: off }\nsilence:\n";
        let (wishes, faults) = read(text.as_bytes(), &Limits::default());
        assert_eq!(faults, []);
        assert_eq!(wishes.path.as_deref(), Some("deploy/config"));
        assert_eq!(wishes.search_paths, Some(vec!["shared".to_owned()]));
        assert!(wishes.ignore.unwrap().1.is_match("charts/a/b.yml"));
        assert_eq!((wishes.semantics, wishes.schemas), (Some(Semantics::Spring), Some(Mode::Enforce)));
        let labels = wishes.labels.unwrap();
        assert!(labels.is_match("v1/2") && labels.is_match("main") && !labels.is_match("next"));
        assert_eq!(wishes.limits, BTreeMap::from([("file", 2048), ("files", 10)]));
        assert_eq!(wishes.at["semantics"], Position::new(4, 1));
    }

    #[test]
    fn what_cannot_be_is_told_with_its_place() {
        assert_eq!(told("serch-paths: [a]\n"), ["1:1 `serch-paths` is not a setting of a repository"]);
        assert_eq!(
            told("credentials: {}\n"),
            ["1:1 `credentials` is a setting of the server, which a repository cannot set"]
        );
        for path in ["../x", "/etc", "a/../../b", "x/.git", "a\\\\b"] {
            assert_eq!(
                told(&format!("a: 1\npath: \"{path}\"\n"))[1],
                "2:7 `path` leads out of the repository",
                "{path}"
            );
        }
        assert!(told("search-paths: [../x]\n")[0].starts_with("1:15 `search-paths` holds no search path: `../x`"));
        assert_eq!(told("semantics: boot\n"), ["1:12 `semantics` takes `native` or `spring`"]);
        assert_eq!(told("limits: { file: 0, http: 1 }\n").len(), 2);
        assert_eq!(told("ignore: x\nlabels: [\"[\"]\n").len(), 2);
        assert_eq!(told("path: [\n").len(), 1);
        assert_eq!(told("path: a\n---\npath: b\n"), ["3:1 the file holds more than one document"]);
        assert_eq!(told(""), [""; 0]);
    }
}
