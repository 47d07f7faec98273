//! The environments and flat formats that a real Spring Cloud Config Server answered, compared with ours. Test only.
//!
//! Repositories are made in memory, so commit ids are left out; headers, statuses and the ways through HTTP are the
//! business of the replay in `tests/it`.

use std::collections::{BTreeMap, HashMap};
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use indexmap::IndexMap;
use percent_encoding::percent_decode_str;
use serde::Deserialize;
use serde_json::Value as Json;
use serde_json::value::RawValue;
use sha1::{Digest as _, Sha1};

use super::{
    Environment, Flat, FlatError, FlatSpelling, OVERRIDES, PropertySource, Question, SourcesSpelling, environment,
    spell_flat, spell_sources,
};
use crate::config::locations::Locations;
use crate::config::semantics::Semantics;
use crate::config::tree::{BlobId, CommitId, File, Tree};
use crate::secret::keyring::Keyring;
use crate::secret::spring::SpringKey;
use crate::snapshot::{Bodies, OnFailure, Rules, Secrets, Snapshot};

/// The cases whose answers come of one repository and at most a pass phrase.
const CASES: [&str; 24] = [
    "01-basic",
    "02-order",
    "03-search-paths",
    "04-search-paths-wild",
    "05-extensions",
    "06-documents",
    "07-include-group-import",
    "08-yaml-scalars",
    "09-yaml-shapes",
    "10-properties",
    "11-flat-formats",
    "12-dump-style",
    "13-placeholders",
    "14-overrides",
    "23-names",
    "25-encrypt-symmetric",
    "28-encrypt-off",
    "29-encrypt-no-key",
    "30-encrypt-raw-invalid",
    "39-broken-files",
    "43-strip-document",
    "44-strip-document-default",
    "45-broken-other-labels",
    "46-broken-beside-master",
];

type Files = BTreeMap<String, Vec<u8>>;

/// The branches of the one repository of a case.
#[derive(Default)]
struct Repository {
    branches: HashMap<String, Files>,
}

impl Repository {
    fn commit(&mut self, commit: &Json) {
        let branch = commit["branch"].as_str().unwrap_or("main");
        if let Some(from) = commit["from"].as_str() {
            let files = self.branches[from].clone();
            self.branches.insert(branch.to_owned(), files);
        }
        let files = self.branches.entry(branch.to_owned()).or_default();
        for (path, text) in commit["put"].as_object().into_iter().flatten() {
            files.insert(path.clone(), text.as_str().unwrap().as_bytes().to_vec());
        }
        for (path, text) in commit["put_base64"].as_object().into_iter().flatten() {
            files.insert(path.clone(), STANDARD.decode(text.as_str().unwrap()).unwrap());
        }
    }

    fn snapshot(&self, label: &str, server: &Server) -> Option<Snapshot> {
        let files = self.branches.get(label)?;
        let blob = |bytes: &[u8]| BlobId(Sha1::digest(bytes).into());
        let blobs: HashMap<BlobId, &Vec<u8>> = files.values().map(|bytes| (blob(bytes), bytes)).collect();
        let file = |bytes: &Vec<u8>| File { blob: blob(bytes), size: bytes.len() as u64 };
        let files = files.iter().map(|(path, bytes)| (Arc::from(path.as_str()), file(bytes))).collect();
        let tree = Tree { files, ..Tree::default() };
        let rules = Rules { semantics: Semantics::Spring, locations: server.locations.clone(), ..Rules::default() };
        let read = |id: BlobId| Ok::<_, ()>(blobs[&id].clone());
        let commit = (CommitId([0; 20]), 0);
        Some(Snapshot::build(commit, tree, (&rules, &server.secrets), &mut Bodies::default(), read).unwrap())
    }
}

/// The settings of a case that matter here.
struct Server {
    locations: Locations,
    default_label: String,
    overrides: Option<PropertySource>,
    strips_document: bool,
    secrets: Secrets,
}

impl Server {
    fn of(settings: &Json) -> Self {
        let server = &settings["spring"]["cloud"]["config"]["server"];
        let paths = &server["git"]["search-paths"];
        let paths: Vec<&str> = paths.as_array().into_iter().flatten().chain([paths]).filter_map(Json::as_str).collect();
        let mut overrides = Vec::new();
        flatten(&server["overrides"], "", &mut overrides);
        let entries = overrides.iter().map(|(key, text)| (key.as_str(), text.as_str()));
        Self {
            locations: Locations::new(&paths),
            default_label: server["git"]["default-label"].as_str().unwrap_or("main").to_owned(),
            overrides: (!overrides.is_empty()).then(|| PropertySource::overrides(entries)),
            secrets: secrets(&settings["encrypt"]["key"], &server["encrypt"]),
            strips_document: server["strip-document-from-yaml"].as_bool().unwrap_or(true),
        }
    }

    fn environment(&self, repository: &Repository, names: (&str, &str), label: &str) -> Option<Environment> {
        let decoded = |name: &str| percent_decode_str(name).decode_utf8_lossy().replace("(_)", "/");
        let list = |names: &str| decoded(names).split(',').map(Arc::from).collect();
        let label = decoded(label);
        let snapshot = repository.snapshot(&label, self)?;
        let question =
            Question { applications: list(names.0), profiles: list(names.1), label: Arc::from(label.as_str()) };
        let environment = environment(&snapshot, &question).ok()?;
        Some(match &self.overrides {
            None => environment,
            Some(overrides) => environment.with_overrides(overrides),
        })
    }
}

fn secrets(key: &Json, settings: &Json) -> Secrets {
    let is_enabled = settings["enabled"].as_bool().unwrap_or(true);
    let key = key.as_str().filter(|_| is_enabled).map(|phrase| SpringKey::new(phrase, "deadbeef").unwrap());
    let on_failure = match settings["prefix-invalid-properties"].as_bool() {
        _ if !is_enabled => OnFailure::Leave,
        Some(false) => OnFailure::Bare,
        _ => OnFailure::Invalid,
    };
    Secrets { ring: Arc::new(Keyring::new(Vec::new(), None, key).unwrap()), on_failure }
}

fn flatten(value: &Json, path: &str, into: &mut Vec<(String, String)>) {
    match value {
        Json::Object(entries) => {
            for (key, value) in entries {
                let path = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
                flatten(value, &path, into);
            }
        }
        Json::Null => {}
        Json::String(text) => into.push((path.to_owned(), text.clone())),
        other => into.push((path.to_owned(), other.to_string())),
    }
}

/// What a request of a case asks for.
struct Asked<'a> {
    names: (&'a str, &'a str),
    label: &'a str,
    /// `None`: the environment.
    flat: Option<FlatSpelling>,
    origins: bool,
}

impl<'a> Asked<'a> {
    /// `None` for what is not of environments and flat formats.
    fn parse(request: &'a str, accept: Option<&str>, server: &'a Server) -> Option<Self> {
        let request = request
            .strip_prefix("GET /")
            .filter(|path| !["encrypt/", "key"].iter().any(|own| path.starts_with(own)))?;
        let (path, query) = request.split_once('?').unwrap_or((request, ""));
        let resolve = match query {
            "" | "resolvePlaceholders" | "resolvePlaceholders=true" => true,
            "resolvePlaceholders=false" | "resolvePlaceholders=no" => false,
            _ => return None,
        };
        let segments: Vec<&str> = path.split('/').collect();
        let spelling = |format| Some(FlatSpelling { format, resolve, strip_document: server.strips_document });
        let flat = match path.rsplit('.').next()? {
            "properties" => spelling(Flat::Properties),
            "yml" | "yaml" => spelling(Flat::Yaml),
            "json" => spelling(Flat::Json),
            _ => None,
        };
        let origins = accept.is_some_and(|accept| accept.contains("v2+json"));
        let default = server.default_label.as_str();
        match (flat, &segments[..]) {
            (Some(_), [.., file]) if segments.len() < 3 => {
                let names = file.rsplit_once('.')?.0.rsplit_once('-')?;
                let label = if segments.len() == 2 { segments[0] } else { default };
                Some(Self { names, label, flat, origins })
            }
            (None, [application, profiles]) => {
                Some(Self { names: (application, profiles), label: default, flat, origins })
            }
            (None, [application, profiles, label]) => {
                Some(Self { names: (application, profiles), label, flat, origins })
            }
            _ => None,
        }
    }

    /// The body that is answered; an error is told by its status.
    fn answer(&self, server: &Server, repository: &Repository) -> Result<String, u16> {
        let parts: Option<Vec<Environment>> =
            self.label.split(',').rev().map(|label| server.environment(repository, self.names, label)).collect();
        let environment = Environment::join(parts.ok_or(404_u16)?);
        if let Some(spelling) = self.flat {
            return match spell_flat(&environment, spelling) {
                Ok(spelled) => Ok(String::from_utf8(spelled.body.to_vec()).unwrap()),
                Err(FlatError::Key(_) | FlatError::Circle(_)) => Err(400),
                Err(FlatError::Clash(_) | FlatError::Grown(_) | FlatError::TooLarge) => Err(500),
            };
        }
        let spelling = SourcesSpelling { origins: self.origins, reveal: true };
        Ok(spell_sources(&environment, spelling, |source| match source.document {
            _ if *source.file == *OVERRIDES => OVERRIDES.to_owned(),
            None => format!("{{{{repo:config}}}}/{}", source.file),
            Some(number) => format!("{{{{repo:config}}}}/{} (document #{number})", source.file),
        })
        .unwrap())
    }
}

/// A body so that equal ones are equal: JSON as a tree with its keys in order, but for tables in Java's order of hashes.
fn canonical(body: &str, is_environment: bool) -> String {
    if !is_environment {
        return body.to_owned();
    }
    let whole: Result<Recorded, _> = serde_json::from_str(body);
    let sources = whole.map_or_else(|_| serde_json::from_str(body).unwrap(), |whole| whole.sources);
    let mut out = String::new();
    for Source { name, source } in sources {
        let name = name.replace("Config resource 'file [{{clone}}/repo/", "");
        let (before, after) = name.split_once("' via location '").unwrap_or((&name, ""));
        let number = after.split_once("' ").map_or(String::new(), |(_, number)| format!(" {number}"));
        writeln!(out, "{before}{number}").unwrap();
        let mut lines: Vec<String> =
            source.iter().map(|(key, value)| format!("  {key} = {}", spelled(value))).collect();
        if before == OVERRIDES || before.ends_with(".xml") {
            lines.sort();
        }
        lines.iter().for_each(|line| writeln!(out, "{line}").unwrap());
    }
    out
}

/// A value whose numbers stand as they were written.
fn spelled(value: &RawValue) -> String {
    match value.get() {
        text if text.starts_with('"') => format!("{:?}", serde_json::from_str::<String>(text).unwrap()),
        text if text.starts_with('{') => {
            let members: IndexMap<String, Box<RawValue>> = serde_json::from_str(text).unwrap();
            members.iter().map(|(key, value)| format!("{key} {} ", spelled(value))).collect()
        }
        text => text.to_owned(),
    }
}

#[derive(Deserialize)]
struct Recorded {
    #[serde(rename = "propertySources")]
    sources: Vec<Source>,
}

#[derive(Deserialize)]
struct Source {
    name: String,
    source: IndexMap<String, Box<RawValue>>,
}

/// Replays a case; tells how many exchanges were compared, and what is not as recorded.
fn replay(folder: &Path) -> (usize, Vec<String>) {
    let read = |name: &str| fs::read_to_string(folder.join(name)).unwrap();
    let case: Json = serde_yaml::from_str(&read("case.yml")).unwrap();
    let expected: Vec<Json> = serde_json::from_str(&read("expected.json")).unwrap();
    let server = Server::of(&case["settings"]);
    let mut repository = Repository::default();
    case["repos"]["config"].as_array().unwrap().iter().for_each(|commit| repository.commit(commit));
    let (mut expected, mut compared, mut failures) = (expected.iter(), 0, Vec::new());
    for step in case["steps"].as_array().unwrap() {
        if !step["commit"].is_null() {
            repository.commit(&step["commit"]);
            continue;
        }
        let expected = expected.next().unwrap();
        let request = step.as_str().or_else(|| step["request"].as_str()).unwrap();
        let Some(asked) = Asked::parse(request, step["headers"]["Accept"].as_str(), &server) else { continue };
        let answer = asked.answer(&server, &repository);
        compared += 1;
        if let Some(problem) = judge(step, expected, &asked, &answer) {
            failures.push(format!("{request}: {problem}"));
        }
    }
    (compared, failures)
}

fn judge(step: &Json, expected: &Json, asked: &Asked<'_>, answer: &Result<String, u16>) -> Option<String> {
    if !step["differs"].is_null() {
        // Whole earlier versions are found in the store.
        let contained = step["contains"].as_str().map(|text| text.replace("\"propertySources\":", ""));
        let is_kept = step["differs"].as_str().is_some_and(|why| why.contains("last whole version"));
        let body = answer.as_ref().ok().filter(|_| !is_kept)?;
        return contained.filter(|text| !body.contains(text)).map(|text| format!("`{text}` is not in\n{body}"));
    }
    let status = expected["status"].as_u64().unwrap();
    match answer {
        Err(told) if status == u64::from(*told) => None,
        Err(told) => Some(format!("{told} in place of {status}")),
        Ok(body) if status != 200 => Some(format!("no {status} but\n{body}")),
        Ok(body) => {
            let (ours, theirs) = (
                canonical(body, asked.flat.is_none()),
                canonical(expected["body"].as_str().unwrap(), asked.flat.is_none()),
            );
            (ours != theirs).then(|| format!("is\n{ours}\nand not\n{theirs}"))
        }
    }
}

#[test]
fn every_recorded_environment_and_flat_format_is_answered_alike() {
    let cases = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/conformance/cases");
    let (mut compared, mut report) = (0, String::new());
    for case in CASES {
        let (exchanges, failures) = replay(&cases.join(case));
        compared += exchanges;
        for failure in failures {
            writeln!(report, "{case}: {failure}").unwrap();
        }
    }
    assert!(report.is_empty(), "{report}");
    assert_eq!(compared, 414, "exchanges");
}
