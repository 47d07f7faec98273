//! From single values to the settings of each part, with the checks that need more than one value.

use crate::config::select::SearchPaths;
use crate::schema::Mode;
use crate::{format, http, telemetry};

use super::inputs::{Found, Given};
use super::known;
use super::origin::{Mistake, Origin};
use super::secrets;
use super::value::Value;
use super::values::{Values, latest};
use super::{CredentialSettings, Limits, Place, Purpose, Semantics, Settings, SourceSettings};

/// The four places of a secret, of which a source has one.
const SECRETS: [&str; 4] = [
    "sources[].credentials.password",
    "sources[].credentials.password-file",
    "sources[].credentials.token",
    "sources[].credentials.token-file",
];

/// Builds the settings; `None` if a mistake leaves something without a value.
pub(super) fn settings(found: &mut Found, purpose: Purpose) -> Option<Settings> {
    let sources = sources(found, purpose);
    let secrets = secrets::build(found);
    check_open(found);
    let values = Values { found, index: 0 };
    let semantics = match values.text("semantics")?.as_str() {
        "spring" => Semantics::Spring,
        _ => Semantics::Native,
    };
    Some(Settings {
        semantics,
        sources,
        secrets: secrets?,
        tokens_file: values.path("access.tokens-file"),
        http: values.http()?,
        limits: values.limits()?,
        telemetry: values.telemetry()?,
        spring: http::spring::Settings::default(),
        state: values.path("state")?,
        file: None,
    })
}

fn sources(found: &mut Found, purpose: Purpose) -> Vec<SourceSettings> {
    let mut indexes = found.indexes(known::SOURCES);
    if indexes.is_empty() {
        // A first one that nobody speaks of is looked for all the same, so that it is said to be missing.
        indexes.push(0);
    }
    let mut sources = Vec::with_capacity(indexes.len());
    for (position, index) in indexes.iter().enumerate() {
        let place = place(found, *index, purpose);
        latest(found, *index, &SECRETS);
        unlike_others(found, &indexes[..position], *index);
        sources.extend(place.and_then(|place| Values { found, index: *index }.source(place)));
    }
    joins(found, &indexes);
    sources
}

/// The place of a source: of `git` and `dir` the one given later.
fn place(found: &mut Found, index: usize, purpose: Purpose) -> Option<Place> {
    match latest(found, index, &["sources[].git", "sources[].dir"]) {
        Some(Value::Git(url)) => return Some(Place::Git(url)),
        Some(Value::Path(path)) => return Some(Place::Dir(path)),
        _ if ["sources[].git", "sources[].dir"].iter().any(|name| found.is_refused(name, index)) => return None,
        _ if found.is_unread(known::SOURCES) => return None,
        _ => {}
    }
    let begun = found.begun(known::SOURCES, index);
    match begun.filter(|origin| index > 0 || matches!(origin, Origin::File(..))).cloned() {
        Some(origin) => found.mistake(
            Mistake::new(&origin, format!("`sources[{index}]` has neither `git` nor `dir`"))
                .with_hint("add `git:` with the URL of a repository, or `dir:` with a folder"),
        ),
        None if purpose == Purpose::Serve => found.mistake(no_source()),
        None => {}
    }
    None
}

/// Two sources of one name could not be told apart.
fn unlike_others(found: &mut Found, earlier: &[usize], index: usize) {
    let name = "sources[].name";
    let Some(given) = found.get(name, index) else { return };
    let twin = earlier.iter().find(|other| found.get(name, **other).is_some_and(|other| other.value == given.value));
    let Some(twin) = twin else { return };
    let begun = if given.origin == Origin::Default { found.begun(known::SOURCES, index) } else { None };
    let origin = begun.unwrap_or(&given.origin).clone();
    let message = format!("`sources[{index}]` is called `{}`, as `sources[{twin}]` is", given.value);
    found.mistake(Mistake::new(&origin, message).with_hint("give each source a `name` of its own"));
}

/// The last source has none behind it to join.
fn joins(found: &mut Found, indexes: &[usize]) {
    let last = indexes.last().and_then(|last| Some((last, found.get("sources[].join", *last)?)));
    if let Some((last, given)) = last {
        let mistake = Mistake::new(&given.origin, format!("`sources[{last}].join` has no source behind it to join"));
        found.mistake(mistake);
    }
}

fn no_source() -> Mistake {
    let hint = "run `layerd serve DIR` or `layerd serve --git URL`, or name one under `sources` in the settings file";
    Mistake { origin: None, message: "there is no source to serve".to_owned(), hint: Some(hint.to_owned()) }
}

/// Nothing asks yet who is there, so that listening beyond loopback must be meant.
fn check_open(found: &mut Found) {
    let open = found.get("http.insecure-open", 0).is_some_and(|given| given.value == Value::Switch(true));
    let Some(given) = found.get("http.listen", 0) else { return };
    let Value::Address(address) = given.value else { return };
    if !open && !address.ip().to_canonical().is_loopback() {
        let message = format!("`http.listen` is {address}, which others can reach, without authentication and TLS");
        let hint = "if they may read everything, add `http: { insecure-open: true }` to the settings file, or `--insecure-open`";
        let mistake = Mistake::new(&given.origin, message).with_hint(hint);
        found.mistake(mistake);
    }
}

impl Values<'_> {
    fn source(self, place: Place) -> Option<SourceSettings> {
        let search_paths_written = self.texts("sources[].search-paths")?;
        // Spring searches the root alone where nothing else is said.
        let is_said = |given: &Given| given.origin != Origin::Default;
        let is_said = self.found.get("sources[].search-paths", self.index).is_some_and(is_said);
        let locations = if is_said { search_paths_written.clone() } else { Vec::new() };
        Some(SourceSettings {
            name: self.text("sources[].name")?,
            place,
            label: self.text("sources[].label"),
            labels: self.texts("sources[].labels")?,
            path: self.text("sources[].path")?,
            search_paths: SearchPaths::parse(&search_paths_written).ok()?,
            locations,
            locations_only: false,
            search_paths_written,
            ignore: self.texts("sources[].ignore")?,
            matches: self.texts("sources[].match")?,
            schemas: match &*self.text("sources[].schemas")? {
                "off" => Mode::Off,
                "enforce" => Mode::Enforce,
                _ => Mode::Warn,
            },
            joins_next: self.value("sources[].join").is_some(),
            refresh: self.time("sources[].refresh")?,
            depth: self.number("sources[].depth").and_then(|depth| u32::try_from(depth).ok()),
            fetch_time: self.time("sources[].fetch-time")?,
            fetch_size: self.number("sources[].fetch-size")?,
            credentials: CredentialSettings {
                username: self.text("sources[].credentials.username"),
                password: self.secret("sources[].credentials.password"),
                password_file: self.path("sources[].credentials.password-file"),
                token: self.secret("sources[].credentials.token"),
                token_file: self.path("sources[].credentials.token-file"),
                ssh_key_file: self.path("sources[].credentials.ssh-key-file"),
                known_hosts_file: self.path("sources[].credentials.known-hosts-file"),
                ca_file: self.path("sources[].credentials.ca-file"),
                client_cert_file: self.path("sources[].credentials.client-cert-file"),
                client_key_file: self.path("sources[].credentials.client-key-file"),
            },
        })
    }

    fn http(self) -> Option<http::Settings> {
        Some(http::Settings {
            listen: self.address("http.listen")?,
            prefix: self.text("http.prefix")?,
            insecure_open: self.switch("http.insecure-open")?,
            limits: http::Limits {
                body: self.count("limits.body")?,
                path: self.count("limits.path")?,
                headers: self.count("limits.headers")?,
                header_time: self.time("limits.header-time")?,
                idle_time: self.time("limits.idle-time")?,
                connections: self.count("limits.connections")?,
            },
        })
    }

    fn limits(self) -> Option<Limits> {
        Some(Limits {
            format: format::Limits {
                file: self.count("limits.file")?,
                depth: self.count("limits.depth")?,
                nodes: self.count("limits.nodes")?,
                documents: self.count("limits.documents")?,
                answer: self.count("limits.answer")?,
            },
            files: self.count("limits.files")?,
            answers: self.number("limits.answers")?,
            snapshots: self.count("limits.snapshots")?,
            cold: self.count("limits.cold")?,
        })
    }

    fn telemetry(self) -> Option<telemetry::Settings> {
        let format = match self.text("telemetry.format")?.as_str() {
            "human" => telemetry::Format::Human,
            "json" => telemetry::Format::Json,
            _ => telemetry::Format::Auto,
        };
        Some(telemetry::Settings { log: self.text("telemetry.log")?, format })
    }
}
