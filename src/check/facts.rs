//! What a comparison of layers needs to know of each document, found out once for all addresses.
//!
//! Paths become numbers. Of each document only the keys are kept that can matter: those that some document of the
//! repository has as a map and another one as a single value, those that have values of two types or one value twice,
//! those that have a neighbour of almost the same name, and those that take something away. Most documents have few, and
//! most selections are done with that.

use std::collections::{HashMap, HashSet};
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::sync::Arc;

use crate::config::interpolate::MAX_TEXT;
use crate::config::layer::{Body, Data, Document, Entry, Layer, Tag};
use crate::config::problem::Position;
use crate::secret::sealed::is_sealed;
use crate::snapshot::Snapshot;

/// The keys that matter, by body and document.
#[derive(Debug, Default)]
pub(super) struct Facts {
    documents: HashMap<(usize, usize), DocumentFacts>,
    nodes: Vec<Node>,
    /// Children of one node whose names differ in spelling at most.
    groups: Vec<Vec<usize>>,
}

/// What is known of one document.
#[derive(Debug, Default)]
pub(super) struct DocumentFacts {
    /// The keys that matter, in the order of the file.
    pub(super) keys: Vec<Fact>,
    /// True if merging it may raise a problem of its own.
    pub(super) steers: bool,
    /// True if a text in it holds `${`.
    pub(super) has_placeholders: bool,
    /// The most bytes that can come of its leaves, each with all names around it.
    pub(super) bytes: usize,
}

/// A key of a document.
#[derive(Debug, Clone, Copy)]
pub(super) struct Fact {
    /// The number of its path.
    pub(super) node: usize,
    pub(super) kind: Kind,
    /// The single value, as far as values are compared.
    pub(super) scalar: Option<Scalar>,
    /// True if the key is written with dots.
    pub(super) is_dotted: bool,
    /// Where the key stands.
    pub(super) at: Position,
}

/// What is kept of a single value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Scalar {
    pub(super) class: Class,
    /// Equal for equal values.
    digest: u64,
}

/// The type of a single value, as far as it can be told from what is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Class {
    Boolean,
    Number,
    /// A text that begins with a digit, such as `5s`: numbers are often overridden by such ones, and the other way round.
    Quantity,
    Text,
}

impl Class {
    /// Its name in messages.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Boolean => "a boolean",
            Self::Number => "a number",
            Self::Quantity | Self::Text => "a text",
        }
    }

    /// True if programs that read one of the two can be expected to read the other.
    pub(super) const fn fits(self, other: Self) -> bool {
        use Class::{Boolean, Number, Quantity, Text};
        match self {
            Boolean => matches!(other, Boolean),
            Number => matches!(other, Number | Quantity),
            Quantity => matches!(other, Number | Quantity | Text),
            Text => matches!(other, Quantity | Text),
        }
    }
}

/// What a key does to its path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// A longer key leads through here; nothing stands here.
    Passed,
    Null,
    Scalar,
    List,
    Map,
    /// A map that forgets what is below.
    NewMap,
    Unset,
}

/// A path.
#[derive(Debug)]
struct Node {
    parent: usize,
    step: Arc<str>,
    group: usize,
    /// Some document has a map here, and some document a single value.
    as_map: bool,
    as_value: bool,
    /// The type of the first single value here.
    class: Option<Class>,
    /// Two documents have the same single value here, or values whose types do not fit.
    is_compared: bool,
}

const ROOT: usize = 0;

/// So many spellings of one name are looked for; nobody has more, unless to keep us busy.
const LOOKALIKES: usize = 16;

impl Facts {
    /// Reads every document of a snapshot.
    pub(super) fn read(snapshot: &Snapshot) -> Self {
        let mut reader = Reader::new();
        for file in snapshot.selectable() {
            reader.body(&file.body);
        }
        reader.facts.forget_what_cannot_matter();
        reader.facts
    }

    /// What is known of the document that is a layer.
    pub(super) fn of(&self, layer: &Layer) -> Option<&DocumentFacts> {
        self.documents.get(&(address_of(&layer.body), layer.index))
    }

    /// The other paths that differ from this one only in how their last step is spelled.
    pub(super) fn lookalikes(&self, node: usize) -> impl Iterator<Item = usize> {
        let others = self.nodes.get(node).map(|found| self.groups[found.group].as_slice()).unwrap_or_default();
        others.iter().copied().filter(move |other| *other != node).take(LOOKALIKES)
    }

    /// The path and those above it.
    pub(super) fn upwards(&self, node: usize) -> impl Iterator<Item = usize> {
        std::iter::successors(Some(node), |node| Some(self.nodes[*node].parent)).take_while(|node| *node != ROOT)
    }

    /// The last step of a path.
    pub(super) fn name(&self, node: usize) -> &str {
        &self.nodes[node].step
    }

    /// The beginning of a path as users write it.
    pub(super) fn path(&self, node: usize) -> String {
        let mut steps: Vec<&str> = self.upwards(node).map(|node| self.name(node)).collect();
        steps.reverse();
        crate::config::key::beginning(&steps)
    }

    fn forget_what_cannot_matter(&mut self) {
        let (nodes, groups) = (&self.nodes, &self.groups);
        for document in self.documents.values_mut() {
            document.keys.retain(|fact| {
                let node = &nodes[fact.node];
                let takes_away = matches!(fact.kind, Kind::Unset | Kind::NewMap);
                takes_away || (node.as_map && node.as_value) || node.is_compared || groups[node.group].len() > 1
            });
            document.keys.shrink_to_fit();
        }
    }
}

impl Node {
    fn new(parent: usize, step: Arc<str>, group: usize) -> Self {
        Self { parent, step, group, as_map: false, as_value: false, class: None, is_compared: false }
    }
}

struct Reader {
    facts: Facts,
    children: HashMap<(usize, Arc<str>), usize>,
    spellings: HashMap<(usize, String), usize>,
    /// The single values that were met at a path.
    values: HashSet<(usize, Scalar)>,
}

impl Reader {
    fn new() -> Self {
        let root = Node::new(ROOT, Arc::from(""), 0);
        let facts = Facts { nodes: vec![root], groups: vec![vec![ROOT]], ..Facts::default() };
        Self { facts, children: HashMap::new(), spellings: HashMap::new(), values: HashSet::new() }
    }

    fn body(&mut self, body: &Arc<Body>) {
        let address = address_of(body);
        for (index, document) in body.documents.iter().enumerate() {
            if !self.facts.documents.contains_key(&(address, index)) {
                let found = self.document(document);
                self.facts.documents.insert((address, index), found);
            }
        }
    }

    fn document(&mut self, document: &Document) -> DocumentFacts {
        let mut found = DocumentFacts::default();
        self.entries(&document.root, (ROOT, 0), &mut found);
        found
    }

    fn entries(&mut self, entries: &[Entry], (parent, above): (usize, usize), found: &mut DocumentFacts) {
        for entry in entries {
            let is_dotted = entry.key.is_dotted();
            let steps = entry.key.steps();
            let mut node = parent;
            let length = above.saturating_add(entry.key.written().len() + 1);
            for (number, step) in steps.iter().enumerate() {
                node = self.child(node, step);
                let (kind, scalar) =
                    if number + 1 == steps.len() { (kind(entry), scalar(entry)) } else { (Kind::Passed, None) };
                self.note(node, kind);
                self.note_scalar(node, scalar);
                found.keys.push(Fact { node, kind, scalar, is_dotted, at: entry.at });
            }
            found.steers |= matches!(entry.node.data, Data::Null) || entry.node.tag.is_some();
            match &entry.node.data {
                Data::Map(inner) => self.entries(inner, (node, length), found),
                data => {
                    found.has_placeholders |= has_placeholders(data);
                    found.bytes = found.bytes.saturating_add(bytes(data, length));
                }
            }
        }
    }

    fn note(&mut self, node: usize, kind: Kind) {
        let node = &mut self.facts.nodes[node];
        node.as_map |= matches!(kind, Kind::Map | Kind::NewMap);
        node.as_value |= matches!(kind, Kind::Scalar | Kind::List);
    }

    fn note_scalar(&mut self, number: usize, scalar: Option<Scalar>) {
        let Some(scalar) = scalar else { return };
        let node = &mut self.facts.nodes[number];
        let first = *node.class.get_or_insert(scalar.class);
        node.is_compared |= !first.fits(scalar.class) || !self.values.insert((number, scalar));
    }

    fn child(&mut self, parent: usize, step: &Arc<str>) -> usize {
        if let Some(known) = self.children.get(&(parent, Arc::clone(step))) {
            return *known;
        }
        let number = self.facts.nodes.len();
        let groups = &mut self.facts.groups;
        let group = *self.spellings.entry((parent, relaxed(step))).or_insert_with(|| {
            groups.push(Vec::new());
            groups.len() - 1
        });
        groups[group].push(number);
        self.facts.nodes.push(Node::new(parent, Arc::clone(step), group));
        self.children.insert((parent, Arc::clone(step)), number);
        number
    }
}

/// The address of a body stands for it while its snapshot lives.
fn address_of(body: &Arc<Body>) -> usize {
    Arc::as_ptr(body) as usize
}

fn kind(entry: &Entry) -> Kind {
    match (&entry.node.data, entry.node.tag) {
        (_, Some(Tag::Unset)) => Kind::Unset,
        (Data::Map(_), Some(Tag::Replace)) => Kind::NewMap,
        (Data::Map(_), _) => Kind::Map,
        (Data::List(_), _) => Kind::List,
        (Data::Null, _) => Kind::Null,
        (Data::Bool(_) | Data::Number(_) | Data::Text(_) | Data::Secret(_) | Data::Foreign(_), _) => Kind::Scalar,
    }
}

/// A single value that can be compared: not a secret, and not filled in later.
fn scalar(entry: &Entry) -> Option<Scalar> {
    if entry.node.tag.is_some() {
        return None;
    }
    let mut hasher = DefaultHasher::new();
    let class = match &entry.node.data {
        Data::Bool(value) => {
            value.hash(&mut hasher);
            Class::Boolean
        }
        Data::Number(number) => {
            number.to_string().hash(&mut hasher);
            Class::Number
        }
        Data::Text(text) if text.contains("${") || text.is_empty() || is_sealed(text) => return None,
        Data::Text(text) => {
            text.hash(&mut hasher);
            if text.starts_with(|first: char| first.is_ascii_digit()) { Class::Quantity } else { Class::Text }
        }
        _ => return None,
    };
    Some(Scalar { class, digest: hasher.finish() })
}

fn bytes(data: &Data, length: usize) -> usize {
    match data {
        Data::Text(text) if text.contains("${") => length + MAX_TEXT,
        Data::Text(text) => length + text.len(),
        Data::List(items) => items.iter().map(|item| bytes(&item.data, length + 3)).fold(0, usize::saturating_add),
        Data::Map(entries) => {
            let inner = |entry: &Entry| bytes(&entry.node.data, length + entry.key.written().len() + 1);
            entries.iter().map(inner).fold(0, usize::saturating_add)
        }
        _ => length + 4,
    }
}

fn has_placeholders(data: &Data) -> bool {
    match data {
        Data::Text(text) => text.contains("${"),
        Data::List(items) => items.iter().any(|item| has_placeholders(&item.data)),
        Data::Map(entries) => entries.iter().any(|entry| has_placeholders(&entry.node.data)),
        // What is in a secret is no placeholder.
        Data::Null | Data::Bool(_) | Data::Number(_) | Data::Secret(_) | Data::Foreign(_) => false,
    }
}

/// A name as frameworks with relaxed binding compare it. One in capitals stays as it is: `HTTP_PROXY` beside `http_proxy`
/// is meant, for environments have both.
fn relaxed(step: &str) -> String {
    if step.chars().any(char::is_uppercase) && !step.chars().any(char::is_lowercase) {
        return step.to_owned();
    }
    step.chars().filter(|character| !matches!(character, '-' | '_')).flat_map(char::to_lowercase).collect()
}
