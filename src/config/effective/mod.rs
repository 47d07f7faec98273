//! The merged configuration: a tree whose every leaf knows its layer, its place and what it hides.
//!
//! A map of the tree may hold keys of several steps (`org.hibernate` written with dots), so a path can be reached in
//! more than one way; `Branch::find` knows them all. How the tree comes about is in `merge.rs`.

mod size;

use std::sync::Arc;

use indexmap::IndexMap;

use crate::config::key::{self, Key};
use crate::config::layer::{Data, Layer, Node, Origin};
use crate::config::problem::{Position, Problem};
use crate::config::value::{Map, Value};

/// The merged layers of one address.
#[derive(Debug, Clone, Default)]
pub struct Effective {
    /// The top-level map.
    pub root: Branch,
    /// What was found doubtful while merging.
    pub problems: Vec<Problem>,
}

/// A map of the tree.
#[derive(Debug, Clone, Default)]
pub struct Branch {
    /// Slots by the canonical text of their keys.
    pub(super) slots: IndexMap<Arc<str>, Slot>,
    /// Bit `n` is set if a key of `n + 1` steps was ever put in.
    pub(super) lengths: u128,
}

/// A key of a map with its value.
#[derive(Debug, Clone)]
pub struct Slot {
    /// The key in the spelling of the lowest layer that has it.
    pub key: Key,
    /// What it holds.
    pub held: Held,
    /// Who set it last; for a map that is not empty, who made it.
    pub place: Place,
    /// What lower layers had here, lowest first.
    pub hides: Vec<Hidden>,
    /// Keys stand in the order of this number.
    pub(super) order: u64,
    /// Index of the layer that brought the key, however often its value was replaced since.
    pub(super) since: usize,
}

/// What a slot holds.
#[derive(Debug, Clone)]
pub enum Held {
    /// Null, bool, number or text.
    Scalar(Data),
    /// A list.
    List(Vec<Item>),
    /// A map.
    Map(Branch),
}

/// An item of a list. The items of one list come from several layers if one of them appends.
#[derive(Debug, Clone)]
pub struct Item {
    /// The item as parsed.
    pub node: Node,
    /// Index of its layer in the selection.
    pub layer: usize,
}

/// A place in a layer of the selection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// Index of the layer in the selection.
    pub layer: usize,
    /// Line and column.
    pub at: Position,
}

/// A value that another one hides.
#[derive(Debug, Clone)]
pub struct Hidden {
    /// Where it stands.
    pub place: Place,
    /// The value.
    pub value: Value,
}

/// One leaf of the tree: a scalar, or a list or map without anything in it.
#[derive(Debug)]
pub struct Leaf<'a> {
    /// Dotted path with list indexes, in the spelling of the tree.
    pub path: String,
    /// The value.
    pub data: &'a Data,
    /// Where it stands.
    pub place: Place,
    /// What the key that holds it hides; empty for all items of a list but the first.
    pub hides: &'a [Hidden],
}

/// The most steps of a path. Readers refuse longer ones.
pub const MAX_STEPS: usize = 128;

/// The way to a slot: an index for each map passed.
pub(super) type Way = Vec<usize>;

/// What is found along the steps of a path.
#[derive(Debug, Default)]
pub(super) struct Found {
    /// Ways to the slots at exactly that path, the oldest first.
    pub(super) exact: Vec<Way>,
    /// The way to the deepest map on the path whose key an earlier layer brought, and how many steps lead there.
    pub(super) deepest: (Way, usize),
}

impl Place {
    /// The place as an origin, given the selection it points into.
    #[must_use]
    pub fn origin(&self, layers: &[Layer]) -> Origin {
        layers[self.layer].origin(self.at)
    }
}

impl Branch {
    /// Finds the slots at a path, whatever way their keys are spelled, for a layer.
    pub(super) fn find(&self, steps: &[Arc<str>], layer: usize) -> Found {
        let mut found = Found::default();
        self.search(steps, 0, layer, &mut Vec::new(), &mut found);
        found.exact.sort_by_key(|way| self.slot(way).order);
        found
    }

    fn search(&self, steps: &[Arc<str>], from: usize, layer: usize, way: &mut Way, found: &mut Found) {
        let lengths = (1..=MAX_STEPS.min(steps.len() - from)).filter(|count| self.lengths >> (count - 1) & 1 == 1);
        for count in lengths {
            let index = match count {
                1 => self.newest(&steps[from]).or_else(|| self.slots.get_index_of(&*canonical_step(&steps[from]))),
                _ => self.slots.get_index_of(key::join(&steps[from..from + count]).as_str()),
            };
            let Some(index) = index else { continue };
            let (slot, passed) = (&self.slots[index], from + count);
            way.push(index);
            if passed == steps.len() {
                found.exact.push(way.clone());
            } else if let Held::Map(inner) = &slot.held {
                if slot.since < layer && passed > found.deepest.1 {
                    found.deepest = (way.clone(), passed);
                }
                inner.search(steps, passed, layer, way, found);
            }
            way.pop();
        }
    }

    /// The slot that was put in last, if its key is this very step. What is merged leaf by leaf passes it again and again,
    /// and so a long name is not hashed for every key below it.
    pub(super) fn newest(&self, step: &Arc<str>) -> Option<usize> {
        let (canonical, _) = self.slots.last()?;
        let is_it = Arc::ptr_eq(canonical, step) && !is_bracketed(step);
        is_it.then(|| self.slots.len() - 1)
    }

    /// The index of a slot by the canonical text of its key.
    pub(super) fn index_of(&self, canonical: &Arc<str>) -> Option<usize> {
        let is_last = self.slots.last().is_some_and(|(last, _)| Arc::ptr_eq(last, canonical));
        if is_last { Some(self.slots.len() - 1) } else { self.slots.get_index_of(canonical) }
    }

    /// The slot at the end of a way.
    pub(super) fn slot(&self, way: &[usize]) -> &Slot {
        let slot = &self.slots[way[0]];
        match &slot.held {
            Held::Map(inner) if way.len() > 1 => inner.slot(&way[1..]),
            _ => slot,
        }
    }

    /// The value of the map, keys in order.
    fn to_map(&self, text: &mut dyn FnMut(&Arc<str>, Place) -> Value) -> Map {
        self.slots.values().map(|slot| (Arc::clone(slot.key.written()), slot.value(text))).collect()
    }

    fn place_of(&self, steps: &[String]) -> Option<Place> {
        let (step, rest) = steps.split_first()?;
        let slot = self.slots.get(&**Key::new(step).canonical())?;
        match &slot.held {
            Held::Map(inner) if !rest.is_empty() => inner.place_of(rest),
            Held::List(items) if !rest.is_empty() => {
                let item = items.get(rest[0].parse::<usize>().ok()?)?;
                Some(item.place(node_at(&item.node, &rest[1..])?))
            }
            _ => Some(slot.place),
        }
    }

    fn leaves<'a>(&'a self, path: &str, leaves: &mut Vec<Leaf<'a>>) {
        for slot in self.slots.values() {
            let path = key::append(path.to_owned(), slot.key.written());
            match &slot.held {
                Held::Map(inner) if !inner.slots.is_empty() => inner.leaves(&path, leaves),
                _ => slot.leaves(path, leaves),
            }
        }
    }

    /// Every key below `path` that is spelled with dots across it, with the steps that are left.
    fn below(&self, steps: &[Arc<str>], values: &mut Map, text: &mut dyn FnMut(&Arc<str>, Place) -> Value) {
        for slot in self.slots.values() {
            let own = slot.key.steps();
            let shared = own.iter().zip(steps).take_while(|(own, wanted)| own == wanted).count();
            if shared == steps.len() && own.len() > shared {
                values.insert(Arc::from(key::join(&own[shared..])), slot.value(text));
            } else if let (Held::Map(inner), true) = (&slot.held, shared == own.len() && shared < steps.len()) {
                inner.below(&steps[shared..], values, text);
            }
        }
    }
}

fn canonical_step(step: &Arc<str>) -> std::borrow::Cow<'_, str> {
    if is_bracketed(step) { key::join(std::slice::from_ref(step)).into() } else { (&**step).into() }
}

/// True for a step that is written in brackets. Two searches for one letter each are faster than one for both.
fn is_bracketed(step: &str) -> bool {
    step.contains('.') || step.contains('[')
}

impl Slot {
    /// The plain value; each text is what `text` makes of it.
    pub(super) fn value(&self, text: &mut dyn FnMut(&Arc<str>, Place) -> Value) -> Value {
        match &self.held {
            Held::Scalar(data) => data_value(data, self.place, text),
            Held::List(items) => Value::List(
                items.iter().map(|item| data_value(&item.node.data, item.place(&item.node), text)).collect(),
            ),
            Held::Map(inner) => Value::Map(inner.to_map(text)),
        }
    }

    fn leaves<'a>(&'a self, path: String, leaves: &mut Vec<Leaf<'a>>) {
        const EMPTY_LIST: &Data = &Data::List(Vec::new());
        const EMPTY_MAP: &Data = &Data::Map(Vec::new());
        let first = leaves.len();
        match &self.held {
            Held::Scalar(data) => leaves.push(Leaf { path, data, place: self.place, hides: &[] }),
            Held::Map(_) => leaves.push(Leaf { path, data: EMPTY_MAP, place: self.place, hides: &[] }),
            Held::List(items) if items.is_empty() => {
                leaves.push(Leaf { path, data: EMPTY_LIST, place: self.place, hides: &[] });
            }
            Held::List(items) => {
                for (index, item) in items.iter().enumerate() {
                    node_leaves(key::append_index(path.clone(), index), &item.node, item.layer, leaves);
                }
            }
        }
        if let Some(leaf) = leaves.get_mut(first) {
            leaf.hides = &self.hides;
        }
    }
}

impl Item {
    fn place(&self, node: &Node) -> Place {
        Place { layer: self.layer, at: node.at }
    }
}

fn node_leaves<'a>(path: String, node: &'a Node, layer: usize, leaves: &mut Vec<Leaf<'a>>) {
    match &node.data {
        Data::List(items) if !items.is_empty() => {
            for (index, item) in items.iter().enumerate() {
                node_leaves(key::append_index(path.clone(), index), item, layer, leaves);
            }
        }
        Data::Map(entries) if !entries.is_empty() => {
            for entry in entries {
                node_leaves(key::append(path.clone(), entry.key.written()), &entry.node, layer, leaves);
            }
        }
        data => leaves.push(Leaf { path, data, place: Place { layer, at: node.at }, hides: &[] }),
    }
}

fn data_value(data: &Data, place: Place, text: &mut dyn FnMut(&Arc<str>, Place) -> Value) -> Value {
    match data {
        Data::Text(found) => text(found, place),
        Data::List(items) => Value::List(items.iter().map(|item| nested(item, place, text)).collect()),
        Data::Map(entries) => Value::Map(
            entries.iter().map(|entry| (Arc::clone(entry.key.written()), nested(&entry.node, place, text))).collect(),
        ),
        plain => plain.to_value(),
    }
}

fn nested(node: &Node, place: Place, text: &mut dyn FnMut(&Arc<str>, Place) -> Value) -> Value {
    data_value(&node.data, Place { at: node.at, ..place }, text)
}

impl Effective {
    /// The merged document; each text is what `text` makes of it, given where it stands.
    pub fn to_value(&self, mut text: impl FnMut(&Arc<str>, Place) -> Value) -> Value {
        Value::Map(self.root.to_map(&mut text))
    }

    /// The value at a dotted path such as `servers[0].name`: a scalar, a list, or the map of all keys below it. `None`
    /// if nothing is there.
    pub fn get(&self, path: &str, mut text: impl FnMut(&Arc<str>, Place) -> Value) -> Option<Value> {
        let steps = key::split(path).unwrap_or_else(|| vec![Arc::from(path)]);
        let exact = self.root.find(&steps, usize::MAX).exact;
        let slots = || exact.iter().map(|way| self.root.slot(way));
        if let Some(slot) = slots().find(|slot| !matches!(slot.held, Held::Map(_))) {
            return Some(slot.value(&mut text));
        }
        let mut below = Map::new();
        let is_map = slots().next().is_some();
        for slot in slots() {
            if let Held::Map(inner) = &slot.held {
                below.extend(inner.to_map(&mut text));
            }
        }
        self.root.below(&steps, &mut below, &mut text);
        if is_map || !below.is_empty() {
            return Some(Value::Map(below));
        }
        let (data, place) = self.inside_list(&steps)?;
        Some(data_value(data, place, &mut text))
    }

    /// The scalar at a path, if there is one: what a placeholder may name.
    #[must_use]
    pub fn scalar(&self, path: &str) -> Option<(&Data, Place)> {
        let steps = key::split(path).unwrap_or_else(|| vec![Arc::from(path)]);
        let scalar = self.root.find(&steps, usize::MAX).exact.iter().find_map(|way| {
            let slot = self.root.slot(way);
            match &slot.held {
                Held::Scalar(data) => Some((data, slot.place)),
                Held::List(_) | Held::Map(_) => None,
            }
        });
        scalar.or_else(|| self.inside_list(&steps)).filter(|(data, _)| !matches!(data, Data::List(_) | Data::Map(_)))
    }

    /// Where the value stands that is reached by keys as the answer spells them and list indexes; of a map, where who made
    /// it stands.
    #[must_use]
    pub fn place_of(&self, steps: &[String]) -> Option<Place> {
        self.root.place_of(steps)
    }

    /// Every leaf in order.
    #[must_use]
    pub fn leaves(&self) -> Vec<Leaf<'_>> {
        let mut leaves = Vec::new();
        self.root.leaves("", &mut leaves);
        leaves
    }

    /// What stands at a path that leads into a list.
    fn inside_list(&self, steps: &[Arc<str>]) -> Option<(&Data, Place)> {
        (1..steps.len()).rev().find_map(|split| {
            self.root.find(&steps[..split], usize::MAX).exact.iter().find_map(|way| {
                let Held::List(items) = &self.root.slot(way).held else { return None };
                let item = items.get(steps[split].parse::<usize>().ok()?)?;
                let node = descend(&item.node, &steps[split + 1..])?;
                Some((&node.data, item.place(node)))
            })
        })
    }
}

/// What stands in a node at keys as written and list indexes.
fn node_at<'a>(node: &'a Node, steps: &[String]) -> Option<&'a Node> {
    steps.iter().try_fold(node, |node, step| match &node.data {
        Data::List(items) => items.get(step.parse::<usize>().ok()?),
        Data::Map(entries) => entries.iter().find(|entry| **entry.key.written() == **step).map(|entry| &entry.node),
        _ => None,
    })
}

fn descend<'a>(node: &'a Node, steps: &[Arc<str>]) -> Option<&'a Node> {
    if steps.is_empty() {
        return Some(node);
    }
    match &node.data {
        Data::List(items) => descend(items.get(steps[0].parse::<usize>().ok()?)?, &steps[1..]),
        Data::Map(entries) => entries
            .iter()
            .find_map(|entry| steps.strip_prefix(entry.key.steps()).and_then(|rest| descend(&entry.node, rest))),
        _ => None,
    }
}
