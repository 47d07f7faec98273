//! One parsed document of one file, every leaf with its place, and the layer that it becomes under a path.
//!
//! A [`Body`] is what a reader in `format/` makes of bytes: it knows no path, so equal bytes are parsed once. A
//! [`Layer`] is one document of a body together with the path at which a commit has it. Merging lives in `merge.rs`.

use std::sync::Arc;

use super::condition::Condition;
use super::key::Key;
use super::problem::{Fault, Position, Severity};
use super::steering::Steering;
use super::value::{Foreign, Map, Number, Opened, Value};

/// A value at its place in a file.
#[derive(Debug, Clone, PartialEq)]
pub struct Node {
    /// The value itself.
    pub data: Data,
    /// Where it begins; for an empty value, where its key begins.
    pub at: Position,
    /// What it does to the value that it finds below it.
    pub tag: Option<Tag>,
}

/// The kinds of value that a document can hold.
#[derive(Debug, Clone, PartialEq)]
pub enum Data {
    /// Null.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A number.
    Number(Number),
    /// Text.
    Text(Arc<str>),
    /// A list, taken or replaced as a whole unless tagged.
    List(Vec<Node>),
    /// A map in the order of its file.
    Map(Vec<Entry>),
    /// Text that is sealed in the file and has been opened.
    Secret(Opened),
    /// A value of YAML 1.1 that other formats have no type for.
    Foreign(Foreign),
}

/// One key of a map with its value.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    /// The key as written.
    pub key: Key,
    /// Where the key begins.
    pub at: Position,
    /// Its value.
    pub node: Node,
}

/// The four tags that steer a merge; without one, maps merge and everything else replaces.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tag {
    /// `!append`: put this list behind the inherited one.
    Append,
    /// `!prepend`: put this list before the inherited one.
    Prepend,
    /// `!replace`: forget the inherited map.
    Replace,
    /// `!unset`: take the inherited key away.
    Unset,
}

/// One document of a file.
#[derive(Debug, Clone, PartialEq)]
pub struct Document {
    /// Its number among the documents of its file that are not empty, from 0.
    pub number: u32,
    /// The top-level map. The activation key and the parents that it would leave empty are not in it.
    pub root: Vec<Entry>,
    /// For which profiles the document takes part; `None`: always.
    pub condition: Option<Condition>,
    /// What it says to Spring's loader; nothing under `semantics: native`.
    pub steering: Steering,
}

impl Document {
    /// The profiles that it names: in its condition, and as groups and their members.
    pub fn profiles(&self) -> impl Iterator<Item = &Arc<str>> {
        let groups = self.steering.groups.iter().flat_map(|(name, members)| std::iter::once(name).chain(members));
        self.condition.iter().flat_map(Condition::profiles).chain(&self.steering.include).chain(groups)
    }
}

/// What a reader makes of the bytes of one file.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Body {
    /// The documents that are not empty, in the order of the file; none if there is a fault of severity error.
    pub documents: Vec<Document>,
    /// What is wrong with the file.
    pub faults: Vec<Fault>,
}

impl Body {
    /// A body that cannot be served because of `fault`.
    #[must_use]
    pub fn broken(fault: Fault) -> Self {
        Self { documents: Vec::new(), faults: vec![fault] }
    }

    /// True if a fault keeps the file from being served.
    #[must_use]
    pub fn is_broken(&self) -> bool {
        self.faults.iter().any(|fault| fault.severity == Severity::Error)
    }
}

/// A document of the file at a path.
#[derive(Debug, Clone)]
pub struct Layer {
    /// Path from the root of the repository.
    pub path: Arc<str>,
    /// The parsed file, shared by every path and commit with equal bytes.
    pub body: Arc<Body>,
    /// Index into `body.documents`.
    pub index: usize,
}

impl Layer {
    /// The document that this layer is.
    #[must_use]
    pub fn document(&self) -> &Document {
        &self.body.documents[self.index]
    }

    /// The origin of a node of this layer.
    #[must_use]
    pub fn origin(&self, at: Position) -> Origin {
        Origin { file: Arc::clone(&self.path), at, document: self.document().number }
    }
}

/// Where a value came from.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Origin {
    /// Path from the root of the repository.
    pub file: Arc<str>,
    /// Line and column, from 1.
    #[serde(flatten)]
    pub at: Position,
    /// Number of the document in its file, from 0.
    pub document: u32,
}

impl Data {
    /// The plain value, without places and tags.
    #[must_use]
    pub fn to_value(&self) -> Value {
        match self {
            Self::Null => Value::Null,
            Self::Bool(value) => Value::Bool(*value),
            Self::Number(number) => Value::Number(number.clone()),
            Self::Text(text) => Value::String(Arc::clone(text)),
            Self::List(items) => Value::List(items.iter().map(|item| item.data.to_value()).collect()),
            Self::Map(entries) => Value::Map(entries_to_map(entries)),
            Self::Secret(secret) => Value::Secret(secret.clone()),
            Self::Foreign(foreign) => Value::Foreign(foreign.clone()),
        }
    }
}

/// The plain map of a document's entries, keys as written.
#[must_use]
pub fn entries_to_map(entries: &[Entry]) -> Map {
    entries.iter().map(|entry| (Arc::clone(entry.key.written()), entry.node.data.to_value())).collect()
}
