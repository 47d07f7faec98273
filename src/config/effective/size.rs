//! How large a merged configuration is when every leaf is written with its whole path, counted without writing it.

use std::sync::Arc;

use crate::config::growth::{self, Growth, TooLarge};
use crate::config::key;
use crate::config::layer::{Data, Layer, Node};
use crate::config::problem::Position;

use super::{Branch, Effective, Held, Item, Place, Slot};

impl Effective {
    /// The beginning of the key of what stands at a place.
    #[must_use]
    pub fn key_at(&self, place: Place) -> Option<String> {
        self.root.key_at(place, "")
    }

    /// Counts every leaf with its whole path.
    ///
    /// # Errors
    /// If that is beyond the limit.
    pub fn count_paths(&self, layers: &[Layer], growth: &mut Growth) -> Result<(), TooLarge> {
        self.root.count_paths(layers, 0, growth)
    }
}

impl Branch {
    fn key_at(&self, place: Place, above: &str) -> Option<String> {
        self.slots.values().find_map(|slot| {
            let path = || growth::cut(&key::append(above.to_owned(), growth::cut(slot.key.written()))).to_owned();
            match &slot.held {
                Held::Map(inner) if !inner.slots.is_empty() => inner.key_at(place, &path()),
                Held::List(items) => {
                    let has_it = |item: &Item| item.layer == place.layer && has_place(&item.node, place.at);
                    items.iter().any(has_it).then(path)
                }
                _ => (slot.place == place).then(path),
            }
        })
    }

    fn count_paths(&self, layers: &[Layer], above: usize, growth: &mut Growth) -> Result<(), TooLarge> {
        self.slots.values().try_for_each(|slot| {
            let length = above + slot.key.written().len() + 1;
            match &slot.held {
                Held::Map(inner) if !inner.slots.is_empty() => inner.count_paths(layers, length, growth),
                Held::List(items) => items.iter().try_for_each(|item| {
                    let place = item.place(&item.node);
                    count_node(&item.node, length + 3, &mut |bytes| slot.count(bytes, place, layers, growth))
                }),
                Held::Scalar(data) => slot.count(length + data_bytes(data), slot.place, layers, growth),
                Held::Map(_) => slot.count(length, slot.place, layers, growth),
            }
        })
    }
}

impl Slot {
    fn count(&self, bytes: usize, place: Place, layers: &[Layer], growth: &mut Growth) -> Result<(), TooLarge> {
        let key = || growth::cut(self.key.written()).to_owned();
        let file = |error| TooLarge {
            place: layers.get(place.layer).map(|layer| (Arc::clone(&layer.path), place.at)),
            ..error
        };
        growth.add(bytes, key).map_err(file)
    }
}

fn has_place(node: &Node, at: Position) -> bool {
    node.at == at
        || match &node.data {
            Data::List(items) => items.iter().any(|item| has_place(item, at)),
            Data::Map(entries) => entries.iter().any(|entry| has_place(&entry.node, at)),
            _ => false,
        }
}

fn data_bytes(data: &Data) -> usize {
    if let Data::Text(text) = data { text.len() } else { 4 }
}

fn count_node(
    node: &Node,
    length: usize,
    count: &mut impl FnMut(usize) -> Result<(), TooLarge>,
) -> Result<(), TooLarge> {
    match &node.data {
        Data::List(items) => items.iter().try_for_each(|item| count_node(item, length + 3, count)),
        Data::Map(entries) => {
            entries.iter().try_for_each(|entry| count_node(&entry.node, length + entry.key.written().len() + 1, count))
        }
        data => count(length + data_bytes(data)),
    }
}
