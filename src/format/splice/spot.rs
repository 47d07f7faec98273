//! A scalar with its key, its value and its bytes: what a reader found at a place, joined with what stands there.
//!
//! Keys and documents are told from what was read, never from the syntax, so they are those of the answers.

use std::collections::HashMap;
use std::fmt;
use std::ops::Range;

use crate::config::key;
use crate::config::layer::{Data, Document, Entry, Node};
use crate::config::problem::Position;
use crate::format::flat;
use crate::format::token::{Kind, Token, Tokens};

/// A scalar that a file writes out. Its `Debug` form leaves the text out, which may be a secret.
#[derive(Clone, PartialEq, Eq)]
pub struct Spot {
    /// Number of the document among those of its file that are not empty, from 0.
    pub document: u32,
    /// The path of its key, such as `servers[0].name` or `map[a.b]`.
    pub key: String,
    /// Where it begins; of an empty value, where its key does.
    pub at: Position,
    /// Its bytes in the file with quotes, without tag, anchor and comment; empty at the place of a value that is absent.
    pub range: Range<usize>,
    /// The value as text: what it says, without quotes and escapes; numbers as JSON spells them, null as nothing.
    pub text: String,
    /// True if the value is a text; false for null, a bool or a number.
    pub is_text: bool,
    /// How it is written.
    pub kind: Kind,
    /// The anchor, on it or around it, by which aliases repeat it: they change with it.
    pub anchor: Option<String>,
    /// What has to stand before a value that is put where there was none.
    pub(super) lead: &'static str,
    /// Bytes inside the range that stay, behind the value.
    pub(super) keep: Range<usize>,
}

impl fmt::Debug for Spot {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { document, key, at, range, kind, anchor, .. } = self;
        write!(out, "{document} {}:{} {key} {range:?} {kind:?} {anchor:?}", at.line, at.column)
    }
}

/// The scalars of a file.
#[derive(Default)]
pub(super) struct Scalars {
    /// Those that are written out.
    pub(super) spots: Vec<Spot>,
    /// Keys that have the value of one of them through an alias or a merge key, with its index.
    pub(super) repeated: Vec<(String, usize)>,
    /// Keys whose value is the text of a key, through an alias.
    pub(super) of_keys: Vec<String>,
}

impl Scalars {
    /// Joins documents with tokens; `shift`: the bytes of the file before the text that the tokens count in.
    pub(super) fn of(documents: &[Document], tokens: Tokens, shift: usize) -> Self {
        let mut scalars = Self::default();
        let mut tokens = tokens;
        let mut taken: HashMap<Position, usize> = HashMap::new();
        visit(documents, &mut |document, path, node| {
            if matches!(node.data, Data::List(_) | Data::Map(_)) {
                return;
            }
            if let Some(token) = tokens.remove(&node.at) {
                taken.insert(node.at, scalars.spots.len());
                scalars.spots.push(spot(document, path, node, token, shift));
            } else if let Some(original) = taken.get(&node.at) {
                scalars.repeated.push((path.to_owned(), *original));
            } else {
                scalars.of_keys.push(path.to_owned());
            }
        });
        scalars
    }
}

fn spot(document: u32, path: &str, node: &Node, token: Token, shift: usize) -> Spot {
    let shifted = |range: Range<usize>| range.start + shift..range.end + shift;
    Spot {
        document,
        key: path.to_owned(),
        at: node.at,
        range: shifted(token.range),
        text: flat::text(&node.data.to_value()),
        is_text: matches!(node.data, Data::Text(_)),
        kind: token.kind,
        anchor: token.anchor,
        lead: token.lead,
        keep: shifted(token.keep),
    }
}

/// True if a map or list stands at a path that is `wanted`.
pub(super) fn is_collection(documents: &[Document], wanted: &dyn Fn(&str) -> bool) -> bool {
    let mut found = false;
    visit(documents, &mut |_, path, node| {
        found = found || (matches!(node.data, Data::List(_) | Data::Map(_)) && wanted(path));
    });
    found
}

/// Calls `see` with every node of some documents: number of the document, path, node.
fn visit(documents: &[Document], see: &mut dyn FnMut(u32, &str, &Node)) {
    for document in documents {
        visit_entries(&document.root, "", &mut |path, node| see(document.number, path, node));
    }
}

fn visit_entries(entries: &[Entry], parent: &str, see: &mut dyn FnMut(&str, &Node)) {
    for entry in entries {
        visit_node(&entry.node, &key::append(parent.to_owned(), entry.key.canonical()), see);
    }
}

fn visit_node(node: &Node, path: &str, see: &mut dyn FnMut(&str, &Node)) {
    see(path, node);
    match &node.data {
        Data::Map(entries) => visit_entries(entries, path, see),
        Data::List(items) => {
            for (index, item) in items.iter().enumerate() {
                visit_node(item, &key::append_index(path.to_owned(), index), see);
            }
        }
        _ => {}
    }
}
