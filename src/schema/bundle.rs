//! A schema and all that it refers to as one document without outside references, so that whoever compiles it has nothing
//! left to look for, and a graph of it, by which its cost is known beforehand.

use std::collections::HashMap;
use std::sync::Arc;

use serde_json::{Map, Value};

use crate::config::layer::{Data, Entry};
use crate::config::problem::{Fault, Position, Problem};

use super::document::{Document, Library, child};
use super::instance::to_json;
use super::keywords::{self, Reach, Shape};
use super::reference::{self, Target};
use super::{BROKEN, DIALECT, envelope};

/// The most files that one schema reaches.
const MAX_FILES: usize = 100;

/// The most schemas, one inside the other or beside it, that one schema is made of.
const MAX_SCHEMAS: usize = 20_000;

/// The most regular expressions of one schema; each is a machine of its own.
const MAX_PATTERNS: usize = 500;

/// The most bytes of the places of one schema's schemas: each holds the names of all around it.
const MAX_POINTERS: usize = 16 << 20;

/// A regular expression costs as much as so many schemas.
const PATTERN: usize = 20;

/// A schema with everything that it refers to. The schema itself is the first.
#[derive(Debug, Default)]
pub(super) struct Bundle {
    documents: Vec<Arc<Document>>,
    /// The schemas in all documents. The whole is the first.
    pub(super) subs: Vec<Sub>,
    edits: Vec<Edit>,
    patterns: usize,
    /// Bytes of the places of all schemas.
    pointers: usize,
}

/// A schema in a schema, and those that are applied when it is.
#[derive(Debug, Default)]
pub(super) struct Sub {
    document: usize,
    pointer: String,
    /// Those that look at the same value.
    pub(super) same: Vec<usize>,
    /// Those that look at the member of a name.
    pub(super) named: Vec<(Arc<str>, usize)>,
    /// Those that may look at any member or item.
    pub(super) every: Vec<usize>,
    /// How many keywords ask those that look at the same value a second time, for what they have looked at.
    pub(super) unevaluated: usize,
    /// Those that stand in it and are compiled with it.
    pub(super) parts: Vec<Part>,
    /// The one that its reference leads to.
    pub(super) refers: Option<usize>,
    /// How many keywords it has.
    pub(super) keywords: usize,
    /// Bytes of its values that the compiler copies.
    pub(super) weight: usize,
}

/// A schema that stands in another one.
#[derive(Debug)]
pub(super) struct Part {
    pub(super) sub: usize,
    /// Bytes of the way to it.
    pub(super) length: usize,
    /// True if it looks at the same value.
    pub(super) is_same: bool,
}

/// What is changed in a document to make it a part of the whole.
#[derive(Debug)]
struct Edit {
    document: usize,
    /// Where the schema stands.
    pointer: String,
    keyword: Arc<str>,
    /// The new value; `None`: the keyword goes.
    value: Option<String>,
}

impl Bundle {
    /// Reads the schema at a path and what it refers to.
    pub(super) fn read(path: &Arc<str>, library: &mut Library<'_>) -> Result<Self, Vec<Problem>> {
        let mut reader = Reader { library, whole: Self::default(), numbers: HashMap::new(), problems: vec![] };
        match reader.library.find(path) {
            Some(Ok(document)) => reader.whole.documents.push(document),
            Some(Err(fault)) => return Err(vec![unread(&fault, path)]),
            None => return Err(Vec::new()),
        }
        reader.sub(0, String::new());
        let mut next = 0;
        while next < reader.whole.subs.len() {
            reader.visit(next);
            next += 1;
            if reader.whole.is_too_much() {
                let message = format!(
                    "it is made of more than {MAX_SCHEMAS} schemas or {MAX_PATTERNS} patterns, or the names around them \
                     are too long, those that it refers to included"
                );
                reader.problems = vec![Fault::warning(BROKEN, Position::new(1, 1), message).in_file(path)];
                break;
            }
        }
        if reader.problems.is_empty() { Ok(reader.whole) } else { Err(reader.problems) }
    }

    fn is_too_much(&self) -> bool {
        self.subs.len() > MAX_SCHEMAS || self.patterns > MAX_PATTERNS || self.pointers > MAX_POINTERS
    }

    /// Bytes of the files that it is made of.
    pub(super) fn weight(&self) -> usize {
        self.documents.iter().map(|document| weight(&document.root.data)).fold(0, usize::saturating_add)
    }

    /// About what compiling takes, in schemas inside of this one.
    pub(super) fn cost(&self) -> usize {
        self.subs.len() + self.patterns * PATTERN
    }

    /// The one document.
    pub(super) fn value(&self) -> Value {
        let mut values: Vec<Value> = self.documents.iter().map(|document| to_json(&document.root.data)).collect();
        for Edit { document, pointer, keyword, value } in &self.edits {
            let Some(Value::Object(map)) = values[*document].pointer_mut(pointer) else { continue };
            match value {
                Some(value) => drop(map.insert(keyword.to_string(), Value::from(&**value))),
                None => drop(map.shift_remove(&**keyword)),
            }
        }
        let definitions = values.into_iter().enumerate().map(|(number, value)| (number.to_string(), value));
        envelope(definitions.collect::<Map<_, _>>())
    }

    /// The file and the place that a pointer of the one document means.
    pub(super) fn place(&self, pointer: &str) -> (&Arc<str>, Position) {
        let rest = pointer.strip_prefix("/$defs/").unwrap_or_default();
        let (number, pointer) = rest.find('/').map_or((rest, ""), |at| rest.split_at(at));
        let document = number.parse().ok().and_then(|number: usize| self.documents.get(number));
        let document = document.unwrap_or(&self.documents[0]);
        (&document.path, document.position(pointer))
    }

    /// The file and the place of a schema in it.
    pub(super) fn place_of(&self, sub: usize) -> (&Arc<str>, Position) {
        let Sub { document, pointer, .. } = &self.subs[sub];
        let document = &self.documents[*document];
        (&document.path, document.position(pointer))
    }
}

impl Sub {
    /// Bytes of the place where it stands.
    pub(super) fn pointer_length(&self) -> usize {
        self.pointer.len() + "/$defs/0".len()
    }
}

/// About how many bytes a value takes.
fn weight(data: &Data) -> usize {
    const VALUE: usize = 64;
    let inner = match data {
        Data::Null | Data::Bool(_) | Data::Number(_) => 0,
        Data::Text(text) => text.len(),
        Data::List(items) => items.iter().map(|item| weight(&item.data)).sum(),
        Data::Map(entries) => entries.iter().map(|entry| entry.key.written().len() + weight(&entry.node.data)).sum(),
        Data::Secret(_) | Data::Foreign(_) => 0,
    };
    VALUE + inner
}

struct Reader<'a, 'b> {
    library: &'a mut Library<'b>,
    whole: Bundle,
    /// The schemas that are known, by document and pointer.
    numbers: HashMap<(usize, String), usize>,
    problems: Vec<Problem>,
}

impl Reader<'_, '_> {
    /// The number of the schema at a place.
    fn sub(&mut self, document: usize, pointer: String) -> usize {
        let subs = &mut self.whole.subs;
        *self.numbers.entry((document, pointer)).or_insert_with_key(|(document, pointer)| {
            subs.push(Sub { document: *document, pointer: pointer.clone(), ..Sub::default() });
            self.whole.pointers += pointer.len();
            subs.len() - 1
        })
    }

    fn visit(&mut self, sub: usize) {
        let Sub { document: number, pointer, .. } = &self.whole.subs[sub];
        let (number, pointer) = (*number, pointer.clone());
        let document = Arc::clone(&self.whole.documents[number]);
        let Some(node) = document.find(&pointer) else { return };
        match &node.data {
            Data::Bool(_) => {}
            Data::Map(entries) => entries.iter().for_each(|entry| self.keyword(sub, &document, &pointer, entry)),
            _ => self.refuse(&document, node.at, "a schema is a map, `true` or `false`", None),
        }
    }

    fn keyword(&mut self, sub: usize, document: &Arc<Document>, pointer: &str, entry: &Entry) {
        let (name, at) = (&**entry.key.written(), entry.node.at);
        self.whole.subs[sub].keywords += 1;
        match (name, &entry.node.data) {
            ("$ref", Data::Text(text)) => self.reference(sub, document, entry, text),
            ("$dynamicRef" | "$recursiveRef", _) => {
                let message = format!("`{name}` is not followed: where it leads is known only when it is used");
                self.refuse(document, at, &message, Some("use `$ref`"));
            }
            ("$id", _) if !pointer.is_empty() => {
                let hint = "drop it, and refer to the place by `#/…`, or to a file";
                self.refuse(document, at, "`$id` is read at the top of a file alone", Some(hint));
            }
            ("$schema", Data::Text(text)) if text.trim_end_matches('#') != DIALECT => {
                let hint = format!("write it for `{DIALECT}`");
                self.refuse(document, at, "the schema is written for another dialect than 2020-12", Some(&hint));
            }
            ("$id" | "$schema" | "$anchor" | "$dynamicAnchor" | "$recursiveAnchor" | "$vocabulary", _) => {
                self.edit(sub, entry, None);
            }
            ("pattern", data) => {
                self.whole.patterns += 1;
                self.whole.subs[sub].weight += weight(data);
            }
            _ => self.schemas_of(sub, pointer, entry),
        }
    }

    /// Takes note of the schemas that a keyword holds. What has another form is for the compiler to refuse.
    fn schemas_of(&mut self, sub: usize, pointer: &str, entry: &Entry) {
        let name = entry.key.written();
        let known = keywords::find(name);
        if known.is_none() || &**name == "definitions" {
            // What the compiler does not know it copies.
            self.whole.subs[sub].weight += weight(&entry.node.data);
        }
        let Some((shape, reach)) = known else { return };
        let document = self.whole.subs[sub].document;
        let is_schema = |data: &Data| matches!(data, Data::Bool(_) | Data::Map(_));
        // Each with the name that it has for those who look for it.
        let found: Vec<(Arc<str>, Option<String>)> = match (shape, &entry.node.data) {
            (Shape::One, data) if is_schema(data) => vec![(Arc::clone(name), None)],
            (Shape::List, Data::List(items)) => {
                (0..items.len()).map(|index| (Arc::clone(name), Some(index.to_string()))).collect()
            }
            (Shape::Map, Data::Map(entries)) => {
                let keys = entries.iter().map(|entry| entry.key.written());
                keys.map(|key| (Arc::clone(key), Some(key.to_string()))).collect()
            }
            _ => Vec::new(),
        };
        if &**name == "patternProperties" {
            self.whole.patterns += found.len();
        }
        let around = child(pointer, name);
        for (key, step) in found {
            if self.whole.is_too_much() {
                return;
            }
            let pointer = step.map_or_else(|| around.clone(), |step| child(&around, &step));
            let inner = self.sub(document, pointer);
            let sub = &mut self.whole.subs[sub];
            if reach != Reach::Nothing {
                let length = name.len() + 1 + key.len();
                sub.weight += key.len();
                sub.parts.push(Part { sub: inner, length, is_same: reach == Reach::Same });
            }
            match reach {
                Reach::Same => sub.same.push(inner),
                Reach::Named => sub.named.push((key, inner)),
                Reach::Every => sub.every.push(inner),
                Reach::Nothing => {}
            }
            sub.unevaluated += usize::from(name.starts_with("unevaluated"));
        }
    }

    fn reference(&mut self, sub: usize, document: &Arc<Document>, entry: &Entry, text: &str) {
        match self.target(document, self.whole.subs[sub].document, text) {
            Ok((number, pointer)) => {
                let value = reference::spell(number, &pointer);
                let target = self.sub(number, pointer);
                self.whole.subs[sub].same.push(target);
                self.whole.subs[sub].refers = Some(target);
                self.edit(sub, entry, Some(value));
            }
            Err((message, hint)) => self.refuse(document, entry.node.at, &message, hint.as_deref()),
        }
    }

    fn target(
        &mut self,
        from: &Arc<Document>,
        number: usize,
        text: &str,
    ) -> Result<(usize, String), (String, Option<String>)> {
        let shown: String = text.chars().take(200).collect();
        let refuse = |reason: &str| (format!("the reference `{shown}` {reason}"), None);
        let Target { path, fragment } = reference::parse(text, &from.path, from.id.as_deref()).map_err(refuse)?;
        let number = match path {
            None => number,
            Some(path) => self.document(&path).map_err(|reason| refuse(&reason))?,
        };
        let document = &self.whole.documents[number];
        let pointer = match fragment.strip_prefix('/') {
            _ if fragment.is_empty() => Some(String::new()),
            Some(_) => document.find(&fragment).map(|_| fragment.clone()),
            None => document.anchor(&fragment).map(str::to_owned),
        };
        let nothing = || refuse(&format!("leads to nothing: `{}` has no such place", document.path));
        pointer.map(|pointer| (number, pointer)).ok_or_else(nothing)
    }

    /// The number of the document at a path, read if it is new.
    fn document(&mut self, path: &str) -> Result<usize, String> {
        if let Some(known) = self.whole.documents.iter().position(|document| *document.path == *path) {
            return Ok(known);
        }
        if self.whole.documents.len() == MAX_FILES {
            return Err(format!("leads to one file more than the {MAX_FILES} that a schema may reach"));
        }
        match self.library.find(path) {
            None => Err(format!("leads to nothing: there is no file `{path}`")),
            Some(Err(fault)) => {
                self.problems.push(unread(&fault, &Arc::from(path)));
                Err(format!("leads to `{path}`, which cannot be read"))
            }
            Some(Ok(document)) => {
                self.whole.documents.push(document);
                Ok(self.whole.documents.len() - 1)
            }
        }
    }

    fn edit(&mut self, sub: usize, entry: &Entry, value: Option<String>) {
        let Sub { document, pointer, .. } = &self.whole.subs[sub];
        let (document, pointer, keyword) = (*document, pointer.clone(), Arc::clone(entry.key.written()));
        self.whole.edits.push(Edit { document, pointer, keyword, value });
    }

    fn refuse(&mut self, document: &Document, at: Position, message: &str, hint: Option<&str>) {
        let fault = Fault::warning(BROKEN, at, message);
        let fault = hint.map(|hint| fault.clone().with_hint(hint)).unwrap_or(fault);
        self.problems.push(fault.in_file(&document.path));
    }
}

/// A file that is no JSON is a broken schema, and nothing worse.
fn unread(fault: &Fault, path: &Arc<str>) -> Problem {
    let told = Fault { hint: fault.hint.clone(), ..Fault::warning(BROKEN, fault.at, fault.message.clone()) };
    told.in_file(path)
}
