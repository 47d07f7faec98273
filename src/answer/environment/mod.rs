//! What a Spring client is told: the property sources of applications, profiles and a label, strongest first.
//!
//! The order comes from `config/select.rs`; here profiles are added as files ask for it, documents are chosen by profile
//! and imports are followed. The flat formats merge these sources in `flat.rs`.

mod flat;
mod nest;
mod placeholder;
#[cfg(test)]
mod recorded;
mod sources;
#[cfg(test)]
mod testing;
mod walk;

use std::collections::BTreeSet;
use std::sync::Arc;

use sha2::{Digest, Sha256};

use crate::config::address::Address;
use crate::config::growth::DEFAULT_LIMIT;
use crate::config::key::Key;
use crate::config::layer::{Body, Data, Document, Entry, Layer, Node};
use crate::config::problem::Position;
use crate::config::semantics::Semantics;
use crate::config::steering::Steering;
use crate::config::value::{Map, Value};
use crate::snapshot::Snapshot;

use super::{AnswerError, Fingerprint, Selection, shorten};
use walk::Walk;

pub use flat::{Flat, FlatError, FlatSpelling, combined, spell_flat};
pub use placeholder::Placeholders;
pub use sources::{SourcesSpelling, spell_sources};

/// What a client of Spring's asks: lists of names, a label, and no checks. Names are compared exactly, so that one that
/// looks like a path finds nothing.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Question {
    /// The applications in the order asked, `(_)` replaced; a name may hold slashes.
    pub applications: Vec<Arc<str>>,
    /// The profiles in the order asked.
    pub profiles: Vec<Arc<str>>,
    /// The label that is read, for `{label}` in search paths.
    pub label: Arc<str>,
}

/// The property sources that answer a question, strongest first.
#[derive(Debug, Clone)]
pub struct Environment {
    /// The sources.
    pub sources: Vec<PropertySource>,
    /// Equal for environments with equal sources.
    pub fingerprint: Fingerprint,
    /// Bytes that an answer may have.
    pub limit: usize,
}

/// One document of one file.
#[derive(Debug, Clone)]
pub struct PropertySource {
    /// Path from the root of the repository; for overrides, `overrides`.
    pub file: Arc<str>,
    /// Which document of the file it is, if the file has several.
    pub document: Option<u32>,
    layer: Layer,
}

/// One flat key with its value.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Property<'a> {
    /// The key as Spring flattens it.
    pub key: &'a Arc<str>,
    /// The value, never a list or a map.
    pub data: &'a Data,
    /// Where the value stands; `None` if it was opened, or comes from the settings. The column is 0 for an empty value in
    /// `.properties`.
    pub at: Option<Position>,
}

/// The name of the source of overrides.
pub const OVERRIDES: &str = "overrides";

/// The property sources that answer a question; none if all its applications or all its profiles have empty names.
///
/// # Errors
/// [`AnswerError::Broken`] with what is wrong with the files that take part, if any of them cannot be read.
pub fn environment(snapshot: &Snapshot, question: &Question) -> Result<Environment, AnswerError> {
    let is_empty = |names: &[Arc<str>]| names.iter().all(|name| name.is_empty());
    if is_empty(&question.applications) || is_empty(&question.profiles) {
        return Ok(Environment::of(Vec::new()));
    }
    if snapshot.own.is_broken() {
        return Err(AnswerError::Broken(snapshot.own.faults()));
    }
    let taken = Walk::new(snapshot, question).taken()?;
    let mut digest = Sha256::new();
    // The same layers mean something else under the other semantics.
    digest.update("spring");
    let sources = taken.iter().rev().map(|(file, index)| {
        let document = &file.body.documents[*index];
        for part in [file.path.as_bytes(), &[0], &file.blob.0, &document.number.to_be_bytes()] {
            digest.update(part);
        }
        // Sealed values open differently with different keys.
        digest.update(file.opening.as_ref().map_or([0; 16], |opening| opening.stamp));
        PropertySource {
            file: Arc::clone(&file.path),
            document: (file.body.documents.len() > 1).then_some(document.number),
            layer: Layer { path: Arc::clone(&file.path), body: Arc::clone(&file.body), index: *index },
        }
    });
    let sources = sources.collect();
    Ok(Environment { sources, fingerprint: shorten(&digest.finalize()), limit: snapshot.answer_limit })
}

/// The paths of the files that have a say in the answer to a question, whether they can be read or not.
#[must_use]
pub fn paths(snapshot: &Snapshot, question: &Question) -> BTreeSet<Arc<str>> {
    Walk::new(snapshot, question).paths()
}

impl Environment {
    fn of(sources: Vec<PropertySource>) -> Self {
        Self { sources, fingerprint: Fingerprint::default(), limit: DEFAULT_LIMIT }
    }

    /// Some documents of one file, the last of which is the strongest, below other values.
    #[must_use]
    pub fn of_file(path: &Arc<str>, body: &Arc<Body>, documents: &[usize], above: Vec<(String, &str)>) -> Self {
        let source = |layer: Layer| PropertySource { file: Arc::clone(path), document: None, layer };
        let layer = |body: &Arc<Body>, index| Layer { path: Arc::clone(path), body: Arc::clone(body), index };
        let at = Position::default();
        let entry = |(name, text): (String, &str)| {
            let node = Node { data: Data::Text(Arc::from(text)), at, tag: None };
            Entry { key: Key::whole(Arc::from(name)), at, node }
        };
        let root = above.into_iter().map(entry).collect();
        let document = Document { number: 0, root, condition: None, steering: Steering::default() };
        let above = Arc::new(Body { documents: vec![document], faults: Vec::new() });
        let below = documents.iter().rev().map(|index| layer(body, *index));
        Self::of(std::iter::once(layer(&above, 0)).chain(below).map(source).collect())
    }

    /// The environment with a stronger source on top, whose own digest is part of the new fingerprint.
    #[must_use]
    pub fn with_overrides(mut self, overrides: &PropertySource) -> Self {
        let mut digest = Sha256::new();
        digest.update(self.fingerprint);
        for property in overrides.properties() {
            let value = property.value();
            digest.update(format!("{:?}={value:?};", property.key));
        }
        self.sources.insert(0, overrides.clone());
        Self { fingerprint: shorten(&digest.finalize()), ..self }
    }

    /// Environments of several labels as one, strongest first.
    #[must_use]
    pub fn join(parts: impl IntoIterator<Item = Self>) -> Self {
        let mut digest = Sha256::new();
        let (mut sources, mut limit) = (Vec::new(), None);
        for part in parts {
            limit = Some(limit.map_or(part.limit, |limit: usize| limit.min(part.limit)));
            digest.update(part.fingerprint);
            digest.update((part.sources.len() as u64).to_be_bytes());
            sources.extend(part.sources);
        }
        Self { sources, fingerprint: shorten(&digest.finalize()), limit: limit.unwrap_or(DEFAULT_LIMIT) }
    }
}

impl Environment {
    /// The same as layers, for protocols that merge them.
    #[must_use]
    pub fn selection(&self) -> Selection {
        let layers: Vec<Layer> = self.sources.iter().rev().map(|source| source.layer.clone()).collect();
        let (semantics, parts, fingerprint) = (Semantics::Spring, vec![layers.len()], self.fingerprint);
        Selection { semantics, layers, parts, fingerprint, limit: self.limit }
    }
}

/// A selection merged as Spring merges it, nested as far as it can be, as one layer: its values have no places.
#[must_use]
pub fn nested(selection: &Selection) -> Vec<Layer> {
    let source = |layer: &Layer| PropertySource { file: Arc::clone(&layer.path), document: None, layer: layer.clone() };
    let flat = combined(&Environment::of(selection.layers.iter().rev().map(source).collect()));
    // Where sources disagree about what a key holds, its flat form is all that there is.
    let map = nest::nest(flat.clone()).unwrap_or_else(|_| flat.into_iter().collect());
    let document = Document { number: 0, root: entries(map), condition: None, steering: Steering::default() };
    let body = Arc::new(Body { documents: vec![document], faults: Vec::new() });
    vec![Layer { path: Arc::from(""), body, index: 0 }]
}

fn entries(map: Map) -> Vec<Entry> {
    let at = Position::default();
    map.into_iter().map(|(step, value)| Entry { key: Key::literal(&step), at, node: node(value) }).collect()
}

fn node(value: Value) -> Node {
    let data = match value {
        Value::Null => Data::Null,
        Value::Bool(value) => Data::Bool(value),
        Value::Number(value) => Data::Number(value),
        Value::String(text) => Data::Text(text),
        Value::Secret(secret) => Data::Secret(secret),
        Value::Foreign(value) => Data::Foreign(value),
        Value::List(items) => Data::List(items.into_iter().map(node).collect()),
        Value::Map(map) => Data::Map(entries(map)),
    };
    Node { data, at: Position::default(), tag: None }
}

impl Question {
    /// What an address asks under Spring's semantics: a name that is a comma list names several applications.
    #[must_use]
    pub fn of(address: &Address) -> Self {
        let names: Vec<Arc<str>> =
            address.application.split(',').filter(|name| !name.is_empty()).map(Arc::from).collect();
        let applications = if names.is_empty() { vec![Arc::clone(&address.application)] } else { names };
        let label = address.label.clone().unwrap_or_else(|| Arc::from("main"));
        Self { applications, profiles: address.profiles.clone(), label }
    }
}

impl PropertySource {
    /// The source `overrides`: texts of the settings by flat key. `\{` becomes `{`, by which settings write a placeholder
    /// that is meant for the client.
    #[must_use]
    pub fn overrides<'a>(settings: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        let entry = |(key, text): (&str, &str)| {
            let data = Data::Text(Arc::from(text.replace("\\{", "{").replace("\\${", "${")));
            let at = Position::default();
            Entry { key: Key::whole(Arc::from(key)), at, node: Node { data, at, tag: None } }
        };
        let root = settings.into_iter().map(entry).collect();
        let document = Document { number: 0, root, condition: None, steering: Steering::default() };
        let (path, body): (Arc<str>, _) =
            (Arc::from(OVERRIDES), Body { documents: vec![document], faults: Vec::new() });
        Self { file: Arc::clone(&path), document: None, layer: Layer { path, body: Arc::new(body), index: 0 } }
    }

    pub(super) fn has_secret(&self) -> bool {
        self.properties().any(|property| matches!(property.data, Data::Secret(_)))
    }

    /// The properties in the order of the file; opened ones are last.
    pub fn properties(&self) -> impl Iterator<Item = Property<'_>> {
        self.layer.document().root.iter().map(|entry| Property {
            key: entry.key.written(),
            data: &entry.node.data,
            at: Some(entry.node.at).filter(|at| *at != Position::default()),
        })
    }
}

impl Property<'_> {
    /// The value.
    #[must_use]
    pub fn value(&self) -> Value {
        self.data.to_value()
    }
}

#[cfg(test)]
mod tests {
    use super::testing::{ask, snapshot, sources};
    use super::*;

    fn answer(snapshot: &Snapshot, application: &str) -> Environment {
        ask(snapshot, application, "dev").unwrap()
    }

    #[test]
    fn a_question_without_names_has_no_sources() {
        let snapshot = snapshot(&[("application.yml", "a: 1"), ("x.yml", "b: 1")], &[]);
        assert_eq!((sources(&snapshot, "", "dev"), sources(&snapshot, "x", "")), (String::new(), String::new()));
        assert_eq!(sources(&snapshot, ",x", "dev"), "x.yml application.yml");
    }

    #[test]
    fn layerds_own_protocol_merges_in_the_order_of_spring() {
        let snapshot =
            snapshot(&[("application.yml", "a: 1"), ("application-dev.yml", "a: 2"), ("x.yml", "a: 3")], &[]);
        let address = Address::parse("x", Some("dev"), None).unwrap();
        let layers = super::super::select(&snapshot, &address).unwrap().layers;
        let paths: Vec<_> = layers.iter().map(|layer| &*layer.path).collect();
        assert_eq!(paths, ["application.yml", "x.yml", "application-dev.yml"]);
    }

    #[test]
    fn a_name_finds_files_and_never_a_path() {
        let files = [("application.yml", "a: 1"), ("team/shop.yml", "b: 1"), (".x/y.yml", "c: 1")];
        let snapshot = snapshot(&files, &["{application}"]);
        assert_eq!(sources(&snapshot, "team/shop", "dev"), "team/shop.yml application.yml");
        for name in ["../team/shop", "/team/shop", "team/../team/shop", "team//shop", ".x/y", "*", "team/shop.yml"] {
            assert_eq!(sources(&snapshot, name, "dev"), "application.yml", "{name}");
        }
    }

    #[test]
    fn equal_sources_have_equal_fingerprints() {
        let files = [("application.yml", "a: 1"), ("x.yml", "b: 1"), ("y.yml", "b: 1")];
        let snapshot = snapshot(&files, &[]);
        let fingerprint = |application| answer(&snapshot, application).fingerprint;
        assert_eq!(fingerprint("nobody"), fingerprint("application"));
        assert_ne!(fingerprint("x"), fingerprint("y"));
        let with = |text| answer(&snapshot, "x").with_overrides(&PropertySource::overrides([("k", text)])).fingerprint;
        assert_eq!(with("1"), with("1"));
        assert_ne!(with("1"), with("2"));
        let joined = |parts: &[&str]| Environment::join(parts.iter().map(|part| answer(&snapshot, part))).fingerprint;
        assert_ne!(joined(&["x", "y"]), joined(&["y", "x"]));
    }

    #[test]
    fn a_faulty_file_fails_those_who_select_it_and_nobody_else() {
        let files = [("application.yml", "a: 1"), ("x.yml", "b: [1"), ("x-eu.yml", "c: 1\nc: 2"), ("y.yml", "d: 1")];
        let snapshot = snapshot(&files, &[]);
        assert_eq!(sources(&snapshot, "y", "dev"), "y.yml application.yml");
        let told = sources(&snapshot, "y,x", "eu");
        let places: Vec<_> = told.lines().filter(|line| !line.starts_with("hint")).map(|line| &line[..10]).collect();
        assert_eq!(places, ["x.yml:1:4:", "x-eu.yml:2"]);
        assert_eq!(snapshot.problems.len(), 2);
    }

    #[test]
    fn files_that_no_search_path_leads_to_are_no_problem_until_they_are_asked_for() {
        let files = [("deploy/chart.yml", "{{ x }}: ["), ("pom.xml", "<project/>"), ("application.yml", "a: 1")];
        let snapshot = snapshot(&files, &["conf"]);
        assert_eq!(snapshot.problems, []);
        assert!(sources(&snapshot, "deploy/chart", "dev").starts_with("deploy/chart.yml:1:"));
        assert!(sources(&snapshot, "pom", "dev").starts_with("pom.xml:1:1: the root element is not `properties`"));
    }

    #[test]
    fn a_backslash_in_overrides_keeps_a_placeholder_for_the_client() {
        let overrides = PropertySource::overrides([("a", "$\\{x}"), ("b", "\\${y}"), ("c", "\\{z")]);
        let values: Vec<_> = overrides.properties().map(|property| (property.value(), property.at)).collect();
        assert_eq!(values, ["${x}", "${y}", "{z"].map(|text| (Value::from(text), None)));
    }
}
