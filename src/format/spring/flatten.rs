//! Nested documents to flat keys, as Spring's YAML loader does it: names joined by dots, items by their index.

use std::sync::Arc;

use indexmap::IndexMap;

use crate::config::key::{Key, append_index};
use crate::config::layer::{Data, Entry, Node};
use crate::config::problem::{Fault, Position};
use crate::format::Limits;

/// The key of a document that is a list or a single value.
const DOCUMENT: &str = "document";

/// Bytes that flat keys may have, for each byte that a file may have: long names that have much below them repeat.
const KEY_BYTES_PER_BYTE: usize = 64;

/// The flat entries of each document that is not empty.
///
/// # Errors
/// `keys-too-long`.
pub(super) fn documents(roots: Vec<Node>, limits: &Limits) -> Result<Vec<Vec<Entry>>, Fault> {
    let mut left = limits.file.saturating_mul(KEY_BYTES_PER_BYTE);
    let flat = roots.into_iter().filter(|root| !is_empty(&root.data)).map(|root| {
        let mut flat = Flat { entries: IndexMap::new(), left };
        let at = root.at;
        match root.data {
            Data::Map(_) => flat.add("", at, root)?,
            _ => flat.add(DOCUMENT, at, root)?,
        }
        left = flat.left;
        Ok(flat.entries.into_values().collect())
    });
    flat.collect()
}

fn is_empty(root: &Data) -> bool {
    match root {
        Data::Null => true,
        Data::List(items) => items.is_empty(),
        _ => false,
    }
}

struct Flat {
    /// A key that comes again keeps its place and takes the new value.
    entries: IndexMap<Arc<str>, Entry>,
    /// Bytes that keys may still have.
    left: usize,
}

impl Flat {
    /// `at` is the place of the key.
    fn add(&mut self, path: &str, at: Position, node: Node) -> Result<(), Fault> {
        match node.data {
            Data::Map(entries) => {
                for entry in entries {
                    let path = join(path, entry.key.written());
                    self.charge(&path, entry.at)?;
                    self.add(&path, entry.at, entry.node)?;
                }
            }
            Data::List(items) if !items.is_empty() => {
                for (index, item) in items.into_iter().enumerate() {
                    let path = append_index(path.to_owned(), index);
                    self.charge(&path, item.at)?;
                    self.add(&path, at, item)?;
                }
            }
            Data::List(_) | Data::Null => self.put(path, at, Data::Text(Arc::from("")), node.at),
            data => self.put(path, at, data, node.at),
        }
        Ok(())
    }

    fn put(&mut self, path: &str, at: Position, data: Data, value_at: Position) {
        let path: Arc<str> = Arc::from(path);
        let entry = Entry { key: Key::whole(Arc::clone(&path)), at, node: Node { data, at: value_at, tag: None } };
        self.entries.insert(path, entry);
    }

    fn charge(&mut self, path: &str, at: Position) -> Result<(), Fault> {
        self.left = self.left.checked_sub(path.len()).ok_or_else(|| {
            Fault::error("keys-too-long", at, "the flat keys of this file have too many bytes in all")
                .with_hint("nest less below long names")
        })?;
        Ok(())
    }
}

/// A name of white space alone is no parent to Spring.
fn join(path: &str, key: &str) -> String {
    if path.trim().is_empty() {
        key.to_owned()
    } else if key.starts_with('[') {
        format!("{path}{key}")
    } else {
        format!("{path}.{key}")
    }
}
