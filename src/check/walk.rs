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
    below(found, &mut parent.to_owned(), visit);
}

/// One buffer holds the path of all: a path of its own for each key would be long as often as there are keys.
fn below<'a>(found: &'a [Entry], path: &mut String, visit: &mut impl FnMut(&str, Step<'a>)) {
    let length = path.len();
    for entry in found {
        *path = append(std::mem::take(path), entry.key.canonical());
        visit(path, Step::Key(entry));
        node(&entry.node, path, visit);
        path.truncate(length);
    }
}

fn node<'a>(found: &'a Node, path: &mut String, visit: &mut impl FnMut(&str, Step<'a>)) {
    match &found.data {
        Data::Map(inner) => below(inner, path, visit),
        Data::List(items) => {
            let length = path.len();
            for (index, item) in items.iter().enumerate() {
                *path = append_index(std::mem::take(path), index);
                node(item, path, visit);
                path.truncate(length);
            }
        }
        _ => visit(path, Step::Leaf(found)),
    }
}

/// At most 200 characters of a key or a value, for a message.
pub(super) fn shown(text: &str) -> String {
    text.chars().take(200).collect()
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn many_keys_below_a_long_name_share_the_memory_of_their_path() {
        let keys: String = (0..1_000).map(|at| format!("  k{at}: x\n")).collect();
        let text = format!("? {}\n:\n{keys}", "n".repeat(10_000));
        let (snapshot, _) = crate::check::samples::snapshot(&[("long.yml", &text)]);
        let body = &snapshot.selectable().next().unwrap().body;
        let mut places = HashSet::new();
        let mut count = 0;
        walk(body, &mut |path, _| {
            count += 1;
            places.insert(path.as_ptr() as usize);
        });
        assert_eq!(count, 2_001);
        assert!(places.len() < 5, "{}", places.len());
    }
}
