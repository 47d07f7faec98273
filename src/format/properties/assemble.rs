//! Makes nested maps and lists of the dotted keys of a `.properties` document, and refuses keys that contradict each
//! other: `a` beside `a.b`, `a[0]` beside `a.b`, a list with gaps. Knows nothing of lines and escapes.

use std::collections::BTreeMap;
use std::mem;
use std::sync::Arc;

use indexmap::IndexMap;

use crate::config::key::{self, Key};
use crate::config::layer::{Data, Entry, Node};
use crate::config::problem::{Fault, Position};
use crate::format::{Limits, document};

/// The document that is being assembled, and how much of the limits its file has used.
pub(super) struct Assembly<'a> {
    limits: &'a Limits,
    nodes: usize,
    root: Slot,
}

/// What stands at a path.
enum Slot {
    Value(Arc<str>),
    Map(IndexMap<Arc<str>, Child>),
    List(BTreeMap<usize, Child>),
}

struct Child {
    /// As a map of ours would write it; of a list item, nothing.
    key: Key,
    /// Where the first key that leads here begins.
    at: Position,
    /// Where the value begins, if it is one.
    value_at: Position,
    slot: Slot,
}

/// One step of a key, with the part of the key that ends with it.
struct Step<'k> {
    kind: Kind,
    path: &'k str,
}

enum Kind {
    Name(Key),
    Index(usize),
}

impl<'a> Assembly<'a> {
    /// An empty document, the first of its file.
    pub(super) fn new(limits: &'a Limits) -> Self {
        Self { limits, nodes: 0, root: Slot::Map(IndexMap::new()) }
    }

    /// Puts a value at a key as written, without escapes.
    ///
    /// # Errors
    /// `duplicate-key`, `value-and-children`, `list-and-map`, each at the second key; `too-deep`, `too-many-nodes`,
    /// and `list-gap` for an index that no list within the limits can have.
    pub(super) fn add(&mut self, written: &str, at: Position, value: &str, value_at: Position) -> Result<(), Fault> {
        let steps = self.steps(written, at)?;
        let mut slot = &mut self.root;
        let mut first = at;
        for (index, step) in steps.iter().enumerate() {
            let below = steps.get(index + 1).map(|next| &next.kind);
            let mut is_new = false;
            let new_child = || {
                is_new = true;
                Child { key: step.key(), at, value_at, slot: Slot::new(below, value) }
            };
            let child = match (slot, &step.kind) {
                (Slot::Map(entries), Kind::Name(key)) => {
                    entries.entry(Arc::clone(&key.steps()[0])).or_insert_with(new_child)
                }
                (Slot::List(items), Kind::Index(index)) => items.entry(*index).or_insert_with(new_child),
                _ => return Err(list_and_map(steps[index.saturating_sub(1)].path, at, first)),
            };
            if is_new {
                self.nodes += 1;
            } else {
                match (&child.slot, below) {
                    (Slot::Value(_), None) => return Err(document::given_twice(written, at, child.at)),
                    (Slot::Value(_), Some(_)) | (_, None) => return Err(value_and_children(step.path, at, child.at)),
                    _ => {}
                }
            }
            first = child.at;
            slot = &mut child.slot;
        }
        if self.nodes > self.limits.nodes { Err(too_many_values(at, self.limits)) } else { Ok(()) }
    }

    /// Hands over the document and begins the next; `None` if nothing was added.
    ///
    /// # Errors
    /// `list-gap`, at the first item after a gap.
    pub(super) fn take(&mut self) -> Result<Option<Vec<Entry>>, Fault> {
        match mem::replace(&mut self.root, Slot::Map(IndexMap::new())) {
            Slot::Map(children) if !children.is_empty() => entries(children, &mut String::new()).map(Some),
            _ => Ok(None),
        }
    }

    /// The steps of a key; the first is always a name, for a document is a map.
    fn steps<'k>(&self, written: &'k str, at: Position) -> Result<Vec<Step<'k>>, Fault> {
        let Some(texts) = key::split(written) else {
            return Ok(vec![Step { kind: Kind::Name(Key::new(written)), path: written }]);
        };
        if texts.len() > self.limits.depth {
            return Err(too_deep(at, self.limits));
        }
        let mut end = 0;
        let mut steps = Vec::with_capacity(texts.len());
        for text in &texts {
            end += usize::from(written[end..].starts_with('.') && end > 0);
            let is_bracket = written[end..].starts_with('[');
            end += text.len() + if is_bracket { 2 } else { 0 };
            let path = &written[..end];
            let is_index = is_bracket && !steps.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
            let kind = if is_index {
                Kind::Index(self.index(text).ok_or_else(|| index_too_large(path, at))?)
            } else {
                Kind::Name(Key::literal(text))
            };
            steps.push(Step { kind, path });
        }
        Ok(steps)
    }

    fn index(&self, digits: &str) -> Option<usize> {
        digits.parse().ok().filter(|index| *index <= self.limits.nodes)
    }
}

impl Step<'_> {
    fn key(&self) -> Key {
        match &self.kind {
            Kind::Name(key) => key.clone(),
            Kind::Index(_) => Key::new(""),
        }
    }
}

impl Slot {
    /// What a key puts at a step of its path, by the kind of the step below.
    fn new(below: Option<&Kind>, value: &str) -> Self {
        match below {
            None => Self::Value(Arc::from(value)),
            Some(Kind::Name(_)) => Self::Map(IndexMap::new()),
            Some(Kind::Index(_)) => Self::List(BTreeMap::new()),
        }
    }
}

fn entries(children: IndexMap<Arc<str>, Child>, path: &mut String) -> Result<Vec<Entry>, Fault> {
    let mut entries = Vec::with_capacity(children.len());
    for child in children.into_values() {
        let (key, at, length) = (child.key.clone(), child.at, path.len());
        *path = key::append(mem::take(path), key.written());
        entries.push(Entry { key, at, node: node(child, path)? });
        path.truncate(length);
    }
    Ok(entries)
}

fn items(children: BTreeMap<usize, Child>, path: &mut String) -> Result<Vec<Node>, Fault> {
    let mut items = Vec::with_capacity(children.len());
    for (index, child) in children {
        if index != items.len() {
            return Err(list_gap(path, index, items.len(), child.at));
        }
        let length = path.len();
        *path = key::append_index(mem::take(path), index);
        items.push(node(child, path)?);
        path.truncate(length);
    }
    Ok(items)
}

fn node(child: Child, path: &mut String) -> Result<Node, Fault> {
    let (at, data) = match child.slot {
        Slot::Value(text) => (child.value_at, Data::Text(text)),
        Slot::Map(children) => (child.at, Data::Map(entries(children, path)?)),
        Slot::List(children) => (child.at, Data::List(items(children, path)?)),
    };
    Ok(Node { data, at, tag: None })
}

fn value_and_children(path: &str, at: Position, first: Position) -> Fault {
    let message = format!("`{}` has a value and also keys below it, first on line {}", shown(path), first.line);
    Fault::error("value-and-children", at, message).with_hint("give the value a key of its own, or remove it")
}

fn list_and_map(path: &str, at: Position, first: Position) -> Fault {
    let message = format!("`{}` is a list and also a map, first on line {}", shown(path), first.line);
    Fault::error("list-and-map", at, message).with_hint("use either indexes or names below it")
}

fn list_gap(path: &str, index: usize, missing: usize, at: Position) -> Fault {
    let message = format!("the list `{}` has an item {index} but no item {missing}", shown(path));
    Fault::error("list-gap", at, message).with_hint("number the items from 0, leaving none out")
}

fn index_too_large(path: &str, at: Position) -> Fault {
    Fault::error("list-gap", at, format!("the index at the end of `{}` is larger than any list may be", shown(path)))
        .with_hint("number the items from 0, leaving none out")
}

fn too_deep(at: Position, limits: &Limits) -> Fault {
    Fault::error("too-deep", at, format!("the key has more than the {} levels that are allowed", limits.depth))
        .with_hint("shorten the key, or put a literal part into brackets: `map[a.b.c]`")
}

fn too_many_values(at: Position, limits: &Limits) -> Fault {
    Fault::error("too-many-nodes", at, format!("the file holds more than the {} values allowed", limits.nodes))
        .with_hint("split the file, or raise `limits.nodes` in the settings of the server")
}

/// As much of a path as a message should hold.
fn shown(path: &str) -> String {
    path.chars().take(200).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::config::layer::entries_to_map;
    use crate::config::value::Value;
    use crate::format::{Format, write};

    /// Assembles `keys`, one per line, each with its number as value.
    fn assemble(keys: &[&str], limits: &Limits) -> Result<Vec<Entry>, Fault> {
        let mut assembly = Assembly::new(limits);
        for (index, key) in keys.iter().enumerate() {
            let line = u32::try_from(index).unwrap() + 1;
            assembly.add(key, Position::new(line, 1), &line.to_string(), Position::new(line, 20))?;
        }
        Ok(assembly.take()?.unwrap_or_default())
    }

    fn json(keys: &[&str]) -> String {
        let entries = assemble(keys, &Limits::default()).unwrap();
        write(Format::Json, &Value::Map(entries_to_map(&entries)), false)
    }

    fn refused(keys: &[&str], limits: &Limits) -> String {
        let fault = assemble(keys, limits).unwrap_err();
        format!("{}:{} {}: {}", fault.at.line, fault.at.column, fault.code, fault.message)
    }

    #[test]
    fn dots_make_maps_in_the_order_of_first_appearance() {
        assert_eq!(json(&["b.x", "a", "b.a", "c.d.e"]), r#"{"b":{"x":"1","a":"3"},"a":"2","c":{"d":{"e":"4"}}}"#);
    }

    #[test]
    fn numbers_in_brackets_make_lists_in_any_order() {
        assert_eq!(json(&["a[1]", "a[0]"]), r#"{"a":["2","1"]}"#);
        assert_eq!(json(&["a[0].x", "a[0].y", "a[1][0]"]), r#"{"a":[{"x":"1","y":"2"},["3"]]}"#);
        assert_eq!(json(&["[0]", "a.0"]), r#"{"0":"1","a":{"0":"2"}}"#);
    }

    #[test]
    fn text_in_brackets_is_one_literal_step() {
        assert_eq!(
            json(&["map[a.b]", "map[c].d", "[x.y].z"]),
            r#"{"map":{"[a.b]":"1","c":{"d":"2"}},"[x.y]":{"z":"3"}}"#
        );
    }

    #[test]
    fn a_key_that_does_not_split_is_one_step() {
        assert_eq!(json(&["a..b", ".a", "a[b", "a[]", ""]), r#"{"a..b":"1",".a":"2","a[b":"3","a[]":"4","":"5"}"#);
    }

    #[test]
    fn contradictions_are_refused_at_the_second_key() {
        let limits = Limits::default();
        let cases: [(&[&str], &str); 9] = [
            (&["a", "b", "a"], "3:1 duplicate-key: the key `a` is given twice, first on line 1"),
            (&["a.b", "[a].b"], "2:1 duplicate-key: the key `[a].b` is given twice, first on line 1"),
            (&["a[1]", "a[01]"], "2:1 duplicate-key: the key `a[01]` is given twice, first on line 1"),
            (&["x.a", "x.a.b"], "2:1 value-and-children: `x.a` has a value and also keys below it, first on line 1"),
            (&["x.a.b.c", "x.a"], "2:1 value-and-children: `x.a` has a value and also keys below it, first on line 1"),
            (&["a", "a[0]"], "2:1 value-and-children: `a` has a value and also keys below it, first on line 1"),
            (&["x.a[0]", "x.a.b"], "2:1 list-and-map: `x.a` is a list and also a map, first on line 1"),
            (&["a.0", "a[0]"], "2:1 list-and-map: `a` is a list and also a map, first on line 1"),
            (&["x.a[0].b", "x.a[3]", "x.a[1]"], "2:1 list-gap: the list `x.a` has an item 3 but no item 2"),
        ];
        for (keys, expected) in cases {
            assert_eq!(refused(keys, &limits), expected);
        }
    }

    #[test]
    fn limits_are_held() {
        let limits = Limits { depth: 3, nodes: 5, ..Limits::default() };
        assert!(assemble(&["a.b.c", "x", "y"], &limits).is_ok());
        let levels = vec!["a"; 10_000].join(".");
        assert_eq!(refused(&[&levels], &limits), "1:1 too-deep: the key has more than the 3 levels that are allowed");
        assert_eq!(
            refused(&["a.b.c", "a.b.d", "a.b.e", "f", "g"], &limits),
            "4:1 too-many-nodes: the file holds more than the 5 values allowed"
        );
        for index in ["a[6]", "a[99999999999999999999999]"] {
            assert_eq!(
                refused(&[index], &limits),
                format!("1:1 list-gap: the index at the end of `{index}` is larger than any list may be")
            );
        }
    }

    proptest! {
        #[test]
        fn a_key_has_the_steps_that_it_has_everywhere(written in r"[a0.\[\]é]{0,8}") {
            let entries = assemble(&[&written], &Limits::default());
            prop_assume!(entries.is_ok());
            let mut steps = Vec::new();
            let mut data = Data::Map(entries.unwrap());
            loop {
                data = match data {
                    Data::Map(mut entries) => {
                        let entry = entries.remove(0);
                        prop_assert_eq!(entry.key.steps().len(), 1);
                        steps.push(Arc::clone(&entry.key.steps()[0]));
                        entry.node.data
                    }
                    Data::List(mut items) => {
                        steps.push(Arc::from("0"));
                        items.remove(0).data
                    }
                    _ => break,
                }
            }
            let wanted = Key::new(&written).steps().to_vec();
            prop_assume!(!wanted.iter().any(|step| step.starts_with("00")));
            prop_assert_eq!(steps, wanted);
        }
    }
}
