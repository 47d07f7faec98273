//! Schema files as they are read: each once for all schemas of a commit, with the place of everything in it.
//!
//! A place inside a file is a JSON pointer, spelled in one way: `/properties/a~1b/items`.

use std::collections::HashMap;
use std::sync::Arc;

use crate::config::layer::{Data, Entry, Node};
use crate::config::problem::{Fault, Position};

use super::Contents;

/// A schema file.
#[derive(Debug)]
pub(super) struct Document {
    /// Path from the root of the repository.
    pub(super) path: Arc<str>,
    /// The map that the file is.
    pub(super) root: Node,
    /// The `$id` of the file, without an empty fragment.
    pub(super) id: Option<Arc<str>>,
    /// Pointers by the names that `$anchor` and `$dynamicAnchor` give.
    anchors: HashMap<Arc<str>, String>,
    /// Of large maps, by where their entries are kept, which entry has a key: all references may lead into one of them.
    indexes: HashMap<usize, HashMap<Arc<str>, usize>>,
}

/// Maps of more entries have an index.
const LARGE: usize = 16;

/// The files that were asked for so far.
pub(super) struct Library<'a> {
    read: &'a mut dyn FnMut(&str) -> Contents,
    known: HashMap<Arc<str>, Option<Result<Arc<Document>, Fault>>>,
}

impl<'a> Library<'a> {
    pub(super) fn new(read: &'a mut dyn FnMut(&str) -> Contents) -> Self {
        Self { read, known: HashMap::new() }
    }

    /// The file at a path.
    pub(super) fn find(&mut self, path: &str) -> Option<Result<Arc<Document>, Fault>> {
        if let Some(known) = self.known.get(path) {
            return known.clone();
        }
        let path: Arc<str> = Arc::from(path);
        let found = (self.read)(&path);
        let found = found.map(|read| read.map(|entries| Arc::new(Document::new(&path, entries))));
        self.known.entry(path).or_insert(found).clone()
    }

    /// The paths that were asked for, whether or not there is such a file.
    pub(super) fn asked(&self) -> impl Iterator<Item = Arc<str>> {
        self.known.keys().cloned()
    }
}

/// The most bytes of the pointers of a document's anchors; what lies beyond is not found.
const MAX_ANCHORS: usize = 4 << 20;

impl Document {
    fn new(path: &Arc<str>, entries: Vec<Entry>) -> Self {
        let text = |name: &str| {
            let found = entries.iter().find(|entry| **entry.key.written() == *name)?;
            if let Data::Text(text) = &found.node.data { Some(Arc::clone(text)) } else { None }
        };
        let id = text("$id").map(|id| Arc::from(id.trim_end_matches('#')));
        let root = Node { data: Data::Map(entries), at: Position::new(1, 1), tag: None };
        let mut document = Self { path: Arc::clone(path), root, id, anchors: HashMap::new(), indexes: HashMap::new() };
        let mut found = Found { steps: vec![], anchors: HashMap::new(), indexes: HashMap::new(), left: MAX_ANCHORS };
        found.collect(&document.root);
        (document.anchors, document.indexes) = (found.anchors, found.indexes);
        document
    }

    /// What stands at a pointer.
    pub(super) fn find(&self, pointer: &str) -> Option<&Node> {
        self.walk(pointer).ok()
    }

    /// Where that stands, or the nearest thing around it that there is.
    pub(super) fn position(&self, pointer: &str) -> Position {
        self.walk(pointer).unwrap_or_else(|nearest| nearest).at
    }

    /// The pointer of an anchor.
    pub(super) fn anchor(&self, name: &str) -> Option<&str> {
        self.anchors.get(name).map(String::as_str)
    }

    fn inside<'a>(&self, node: &'a Node, step: &str) -> Option<&'a Node> {
        match &node.data {
            Data::Map(entries) => {
                let entry = match self.indexes.get(&place_of(entries)) {
                    Some(index) => entries.get(*index.get(step)?),
                    None => entries.iter().find(|entry| **entry.key.written() == *step),
                };
                entry.map(|entry| &entry.node)
            }
            Data::List(items) => items.get(step.parse::<usize>().ok().filter(|index| index.to_string() == step)?),
            _ => None,
        }
    }

    fn walk(&self, pointer: &str) -> Result<&Node, &Node> {
        pointer.split('/').skip(1).try_fold(&self.root, |node, step| self.inside(node, &unescape(step)).ok_or(node))
    }
}

fn place_of(entries: &[Entry]) -> usize {
    entries.as_ptr() as usize
}

/// A pointer with one step more.
pub(super) fn child(pointer: &str, step: &str) -> String {
    format!("{pointer}/{}", step.replace('~', "~0").replace('/', "~1"))
}

pub(super) fn unescape(step: &str) -> String {
    step.replace("~1", "/").replace("~0", "~")
}

/// What is found on a walk through a document.
struct Found<'a> {
    /// The way to where the walk is.
    steps: Vec<std::borrow::Cow<'a, str>>,
    anchors: HashMap<Arc<str>, String>,
    indexes: HashMap<usize, HashMap<Arc<str>, usize>>,
    /// Bytes that the pointers of anchors may still take.
    left: usize,
}

impl<'a> Found<'a> {
    fn collect(&mut self, node: &'a Node) {
        match &node.data {
            Data::Map(entries) => {
                if entries.len() > LARGE {
                    let names = entries.iter().enumerate().map(|(at, entry)| (Arc::clone(entry.key.written()), at));
                    self.indexes.insert(place_of(entries), names.collect());
                }
                for entry in entries {
                    let name = entry.key.written();
                    if let (Data::Text(anchor), "$anchor" | "$dynamicAnchor") = (&entry.node.data, &**name) {
                        self.anchor(anchor);
                    }
                    self.steps.push(name.as_ref().into());
                    self.collect(&entry.node);
                    self.steps.pop();
                }
            }
            Data::List(items) => {
                for (at, item) in items.iter().enumerate() {
                    self.steps.push(at.to_string().into());
                    self.collect(item);
                    self.steps.pop();
                }
            }
            _ => {}
        }
    }

    fn anchor(&mut self, anchor: &Arc<str>) {
        let length: usize = self.steps.iter().map(|step| step.len() + 1).sum();
        if let Some(left) = self.left.checked_sub(length) {
            self.left = left;
            let pointer = || self.steps.iter().fold(String::new(), |pointer, step| child(&pointer, step));
            self.anchors.entry(Arc::clone(anchor)).or_insert_with(pointer);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schema::samples::entries;

    #[test]
    fn a_pointer_leads_where_it_says_or_as_near_as_it_can() {
        let document =
            Document::new(&Arc::from("a.json"), entries(r#"{"a/b": [true, {"~": 1}], "m": {"$anchor": "x"}}"#));
        assert_eq!(child("/m", "a/~b"), "/m/a~1~0b");
        assert_eq!(document.position("/a~1b/1/~0").column, 22);
        assert_eq!(document.position("/a~1b/7/x").column, 9);
        assert!(document.find("/a~1b/01").is_none() && document.find("/").is_none());
        assert_eq!((document.anchor("x"), document.anchor("y")), (Some("/m"), None));
    }
}
