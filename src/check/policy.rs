//! What a repository says about the rules, in `.layerd.yaml` or `.layerd-check.yaml`: severities by code, and places that are
//! silenced, each with a reason. Its policies are in `policies.rs`.
//!
//! ```yaml
//! severities:
//!   unanswered-placeholder: off
//! silence:
//!   - code: yaml-1-1
//!     files: legacy/**
//!     key: opening.hours     # optional, as is `line`
//!     reason: read by layerd alone
//! ```

use std::collections::HashMap;
use std::sync::Arc;

use globset::{GlobBuilder, GlobMatcher};

use crate::config::key;
use crate::config::layer::{Body, Data, Entry, Node};
use crate::config::problem::{Fault, Position, Problem, Severity};
use crate::config::value::Number;
use crate::format::{self, Format, Limits};
use crate::snapshot::{Parsed, Snapshot, own};

use super::Finding;
use super::policies::{self, Demand};
use super::rules::{self, Rule};

/// The file that holds nothing else, in the root of the configuration.
pub const FILE: &str = ".layerd-check.yaml";

/// The most silences that are heeded: each is compared with each finding.
const MOST: usize = 1_000;

/// What a repository says about the rules.
#[derive(Debug, Default)]
pub struct Policy {
    /// What is wrong with the file itself.
    pub problems: Vec<Problem>,
    /// The severity of a code; `None`: the rule is off.
    severities: HashMap<&'static str, Option<Severity>>,
    silences: Vec<Silence>,
    /// What its values must be like.
    pub(super) demands: Vec<Demand>,
}

/// A place that is silenced.
#[derive(Debug)]
struct Silence {
    code: &'static str,
    files: GlobMatcher,
    key: Option<Arc<str>>,
    line: Option<u32>,
    /// Where it stands.
    file: Arc<str>,
    at: Position,
}

impl Policy {
    /// Reads the file. What is wrong in it is left out and told in the problems.
    #[must_use]
    pub fn read(bytes: &[u8]) -> Self {
        let body = format::read(Format::Yaml, bytes, &Limits::default());
        let mut reader = Reader::of(FILE);
        reader.faults.extend(body.faults.iter().filter(|fault| fault.severity == Severity::Error).cloned());
        reader.read(&body)
    }

    /// Reads what `.layerd.yaml` says about the rules. What else is in it, and whether it is whole, is told by the snapshot.
    #[must_use]
    pub fn of_repository(bytes: &[u8]) -> Self {
        let reader = Reader { has_others: true, ..Reader::of(own::FILE) };
        reader.read(&format::read(Format::Yaml, bytes, &Limits::default()))
    }

    /// Both together; for a code that both give a severity, that of this one counts.
    #[must_use]
    pub fn and(mut self, other: Self) -> Self {
        self.problems.extend(other.problems);
        for (code, severity) in other.severities {
            self.severities.entry(code).or_insert(severity);
        }
        self.silences.extend(other.silences);
        self.demands.extend(other.demands);
        self
    }

    /// The policy of a file that is too large to be read: none, and that is told.
    #[must_use]
    pub fn too_large(size: u64, limits: &Limits) -> Self {
        Self { problems: vec![format::too_large(size, limits).in_file(&Arc::from(FILE))], ..Self::default() }
    }

    /// The findings with their severities, without those that are off or silenced, and with one for each silence that
    /// silences nothing.
    pub(super) fn apply(&self, findings: Vec<Finding>, snapshot: &Snapshot) -> Vec<Finding> {
        let mut used = vec![false; self.silences.len()];
        let bodies: HashMap<&str, &Parsed> = match self.silences.iter().any(|silence| silence.key.is_some()) {
            true => snapshot.selectable().map(|file| (&*file.path, file)).collect(),
            false => HashMap::new(),
        };
        let mut kept = Vec::new();
        for finding in findings {
            let mut is_silenced = false;
            for (silence, used) in self.silences.iter().zip(&mut used) {
                if silence.fits(&finding, &bodies) {
                    (is_silenced, *used) = (true, true);
                }
            }
            if !is_silenced {
                kept.extend(self.judged(finding));
            }
        }
        let unused = self.silences.iter().zip(used).filter(|(_, used)| !used);
        kept.extend(unused.filter_map(|(silence, _)| self.judged(silence.is_unused())));
        kept
    }

    fn judged(&self, finding: Finding) -> Option<Finding> {
        let severity = self.severities.get(finding.code).copied().unwrap_or_else(|| {
            // What a server only warns of may be an error to whoever is about to merge it.
            // A policy has a severity of its own.
            let rule = rules::find(finding.code).filter(|rule| rule.code != "policy");
            Some(rule.map_or(finding.severity, |rule| rule.severity))
        })?;
        Some(Finding { severity, ..finding })
    }
}

impl Silence {
    fn fits(&self, finding: &Finding, bodies: &HashMap<&str, &Parsed>) -> bool {
        self.code == finding.code
            && self.line.is_none_or(|line| line == finding.at.line)
            && self.files.is_match(&*finding.file)
            && self.key.as_ref().is_none_or(|key| {
                bodies.get(&*finding.file).and_then(|file| key_at(&file.body, finding.at)).is_some_and(|at| at == **key)
            })
    }

    fn is_unused(&self) -> Finding {
        Finding {
            code: "unused-silence",
            severity: Severity::Info,
            file: Arc::clone(&self.file),
            at: self.at,
            message: format!("nothing of the code `{}` is found there any more", self.code),
            hint: Some("delete the entry".to_owned()),
            applications: Arc::from([]),
            secret_from: None,
        }
    }
}

/// The path of the last key that begins at or before a place.
fn key_at(body: &Body, at: Position) -> Option<String> {
    let mut last = None;
    for document in &body.documents {
        visit(&document.root, "", at, &mut last);
    }
    last.map(|(_, path)| path)
}

fn visit(entries: &[Entry], parent: &str, at: Position, last: &mut Option<(Position, String)>) {
    for entry in entries.iter().filter(|entry| entry.at <= at) {
        let path = key::append(parent.to_owned(), entry.key.canonical());
        if let Data::Map(inner) = &entry.node.data {
            visit(inner, &path, at, last);
        }
        if last.as_ref().is_none_or(|(place, _)| *place < entry.at) {
            *last = Some((entry.at, path));
        }
    }
}

struct Reader {
    file: Arc<str>,
    /// The file has members of another kind as well.
    has_others: bool,
    policy: Policy,
    faults: Vec<Fault>,
}

impl Reader {
    fn of(file: &str) -> Self {
        Self { file: Arc::from(file), has_others: false, policy: Policy::default(), faults: Vec::new() }
    }

    fn read(mut self, body: &Body) -> Policy {
        for document in &body.documents {
            self.document(&document.root);
        }
        let problems = self.faults.iter().map(|fault| fault.in_file(&self.file)).collect();
        Policy { problems, ..self.policy }
    }

    fn document(&mut self, root: &[Entry]) {
        for entry in root {
            match (&**entry.key.written(), &entry.node.data) {
                ("severities", Data::Map(entries)) => entries.iter().for_each(|entry| self.severity(entry)),
                ("silence", Data::List(items)) => items.iter().for_each(|item| self.silence(item)),
                ("policies", Data::List(items)) => {
                    self.policy.demands.append(&mut policies::read(items, &mut self.faults));
                }
                ("severities" | "silence" | "policies", Data::Null) => {}
                ("policies", _) => self.invalid(entry.node.at, "`policies` takes a list of policies", None),
                ("severities", _) => self.invalid(entry.node.at, "`severities` takes a map of codes", None),
                ("silence", _) => self.invalid(entry.node.at, "`silence` takes a list of places", None),
                _ if self.has_others => {}
                _ => self.unknown_member(entry, "`severities`, `silence` and `policies`"),
            }
        }
    }

    fn severity(&mut self, entry: &Entry) {
        let Some(rule) = self.rule(entry.key.written(), entry.at) else { return };
        let severity = match &entry.node.data {
            Data::Text(text) => match &**text {
                "error" => Some(Severity::Error),
                "warning" => Some(Severity::Warning),
                "info" => Some(Severity::Info),
                "off" => None,
                _ => return self.no_severity(entry),
            },
            _ => return self.no_severity(entry),
        };
        self.policy.severities.insert(rule.code, severity);
    }

    fn no_severity(&mut self, entry: &Entry) {
        self.invalid(entry.node.at, "this is no severity", Some("write `error`, `warning`, `info` or `off`"));
    }

    fn silence(&mut self, item: &Node) {
        let Data::Map(entries) = &item.data else {
            return self.invalid(item.at, "a silence is a map", Some("write `code`, `files` and `reason`"));
        };
        for entry in entries {
            if !["code", "files", "key", "line", "reason"].contains(&&**entry.key.written()) {
                self.unknown_member(entry, "`code`, `files`, `key`, `line` and `reason`");
            }
        }
        let member = |name: &str| entries.iter().find(|entry| **entry.key.written() == *name).map(|entry| &entry.node);
        let text = |name: &str| match member(name).map(|node| (&node.data, node.at)) {
            Some((Data::Text(text), at)) if !text.trim().is_empty() => Some((Arc::clone(text), at)),
            _ => None,
        };
        let has_reason = text("reason").is_some();
        if !has_reason {
            let fault = Fault::error("check-no-reason", item.at, "this silence gives no `reason`");
            self.faults.push(fault.with_hint("say in a sentence why what is found here is right"));
        }
        let Some((code, code_at)) = text("code") else {
            return self.invalid(item.at, "this silence names no `code`", None);
        };
        let Some((files, files_at)) = text("files") else {
            return self.invalid(item.at, "this silence names no `files`", Some("`**` stands for all"));
        };
        let line = match member("line").map(|node| (&node.data, node.at)) {
            None => None,
            Some((Data::Number(Number::Integer(line)), _)) if *line > 0 => u32::try_from(*line).ok(),
            Some((_, at)) => return self.invalid(at, "`line` takes a number from 1", None),
        };
        let key = match (member("key"), text("key")) {
            (Some(node), None) => return self.invalid(node.at, "`key` takes a path such as `server.port`", None),
            (_, found) => found.map(|(key, _)| canonical(&key)),
        };
        let Some(rule) = self.rule(&code, code_at) else { return };
        let Ok(glob) = GlobBuilder::new(&files).literal_separator(true).build() else {
            return self.invalid(files_at, "`files` takes a glob such as `legacy/**`", None);
        };
        if self.policy.silences.len() == MOST {
            return self.invalid(item.at, "there are too many silences", Some("mend some, or set severities"));
        }
        if has_reason {
            let files = glob.compile_matcher();
            let file = Arc::clone(&self.file);
            self.policy.silences.push(Silence { code: rule.code, files, key, line, file, at: item.at });
        }
    }

    fn rule(&mut self, code: &str, at: Position) -> Option<&'static Rule> {
        let found = rules::find(code);
        if found.is_none() {
            let shown: String = code.chars().take(100).collect();
            let fault = Fault::error("check-unknown-code", at, format!("there is no code `{shown}`"));
            self.faults.push(fault.with_hint("the codes are listed in docs/problems.md"));
        }
        found
    }

    fn unknown_member(&mut self, entry: &Entry, known: &str) {
        let shown: String = entry.key.written().chars().take(100).collect();
        let fault = Fault::error("check-unknown-member", entry.at, format!("there is no member `{shown}` here"));
        self.faults.push(fault.with_hint(format!("the members are {known}")));
    }

    fn invalid(&mut self, at: Position, message: &str, hint: Option<&str>) {
        let fault = Fault::error("check-invalid", at, message);
        self.faults.push(Fault { hint: hint.map(str::to_owned), ..fault });
    }
}

fn canonical(path: &str) -> Arc<str> {
    Arc::from(key::split(path).map_or_else(|| path.to_owned(), |steps| key::join(&steps)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::samples::lines;

    const HOURS: (&str, &str) = ("user.yml", "shop:\n  opening: 12:30\n  closing: 20:30\n");

    fn left(policy: &str) -> Vec<String> {
        let lines = lines(&[HOURS, (FILE, policy)]);
        lines.iter().map(|line| line.split(' ').take(2).collect::<Vec<_>>().join(" ")).collect()
    }

    #[test]
    fn severities_are_set_and_rules_switched_off() {
        assert_eq!(left("severities: {yaml-1-1: off}\n"), [""; 0]);
        let report = crate::check::samples::report(&[HOURS, (FILE, "severities: {yaml-1-1: error}\n")]);
        assert!(report.findings.iter().all(|finding| finding.severity == Severity::Error));
    }

    #[test]
    fn a_place_is_silenced_by_file_key_and_line() {
        let silence = |more: &str| left(&format!("silence:\n- code: yaml-1-1\n  reason: it is so\n  {more}\n"));
        let (opening, closing) = ("yaml-1-1 user.yml:2:12", "yaml-1-1 user.yml:3:12");
        let unused = ".layerd-check.yaml:2:3";
        assert_eq!(silence("files: '*.yml'"), [""; 0]);
        assert_eq!(silence("files: user.yml\n  line: 2"), [closing]);
        assert_eq!(silence("files: '**'\n  key: shop.closing"), [opening]);
        assert_eq!(silence("files: '**'\n  key: shop"), [&format!("unused-silence {unused}"), opening, closing]);
        assert_eq!(silence("files: other/*"), [&format!("unused-silence {unused}"), opening, closing]);
    }

    #[test]
    fn every_mistake_in_the_file_is_told_with_its_place() {
        let policy = "severities:\n  nonsense: off\n  tab: loud\n  syntax: [error]\nsilences: []\nsilence:\n- code: tab\n  \
                      files: '**'\n- just: text\n- 5\n- code: tab\n  files: '['\n  reason: r\n- code: tab\n  files: a\n  \
                      reason: r\n  line: x\n";
        let expected = [
            "check-unknown-code 2:3: there is no code `nonsense`",
            "check-invalid 3:8: this is no severity",
            "check-invalid 4:11: this is no severity",
            "check-unknown-member 5:1: there is no member `silences` here",
            "check-no-reason 7:3: this silence gives no `reason`",
            "check-unknown-member 9:3: there is no member `just` here",
            "check-no-reason 9:3: this silence gives no `reason`",
            "check-invalid 9:3: this silence names no `code`",
            "check-invalid 10:3: a silence is a map",
            "check-invalid 12:10: `files` takes a glob such as `legacy/**`",
            "check-invalid 17:9: `line` takes a number from 1",
        ];
        let told: Vec<String> = Policy::read(policy.as_bytes())
            .problems
            .iter()
            .map(|problem| format!("{} {}:{}: {}", problem.code, problem.at.line, problem.at.column, problem.message))
            .collect();
        assert_eq!(told, expected);
        assert_eq!(Policy::read(b"a: [").problems[0].code, "syntax");
        assert_eq!(Policy::read(b"").problems, []);
        assert_eq!(Policy::too_large(9, &Limits { file: 8, ..Limits::default() }).problems[0].code, "file-too-large");
    }
}
