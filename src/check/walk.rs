//! Walks through what a file says: every key and every value of its documents, with the path of each.

use crate::config::key::{append, append_index};
use crate::config::layer::{Body, Data, Entry, Node};

/// What a walk comes by.
pub(super) enum Step<'a> {
    /// A key, before its value.
    Key(&'a Entry),
    /// A value that is neither a list nor a map.
    Leaf(&'a Node),
}

/// Calls `visit` for everything in a body, in the order of the file, with the path of the key.
pub(super) fn walk<'a>(body: &'a Body, visit: &mut impl FnMut(&str, Step<'a>)) {
    for document in &body.documents {
        entries(&document.root, "", visit);
    }
}

/// Calls `visit` for every text of a body, with the path of its key.
pub(super) fn texts<'a>(body: &'a Body, mut visit: impl FnMut(&str, &'a str, &'a Node)) {
    walk(body, &mut |path, step| {
        if let Step::Leaf(node) = step
            && let Data::Text(text) = &node.data
        {
            visit(path, text, node);
        }
    });
}

/// Calls `visit` for entries and what is below them.
pub(super) fn entries<'a>(found: &'a [Entry], parent: &str, visit: &mut impl FnMut(&str, Step<'a>)) {
    for entry in found {
        let path = append(parent.to_owned(), entry.key.canonical());
        visit(&path, Step::Key(entry));
        node(&entry.node, &path, visit);
    }
}

fn node<'a>(found: &'a Node, path: &str, visit: &mut impl FnMut(&str, Step<'a>)) {
    match &found.data {
        Data::Map(inner) => entries(inner, path, visit),
        Data::List(items) => {
            for (index, item) in items.iter().enumerate() {
                node(item, &append_index(path.to_owned(), index), visit);
            }
        }
        _ => visit(path, Step::Leaf(found)),
    }
}

/// At most 200 characters of a key or a value, for a message.
pub(super) fn shown(text: &str) -> String {
    text.chars().take(200).collect()
}
