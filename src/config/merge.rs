//! How layers become one tree: the merge laws of the native semantics.
//!
//! Layers are folded from the lowest to the highest, each leaf by leaf. A leaf's identity is its path; its spelling and
//! its place among its neighbours are those of the lowest layer that has it. Which layers take part is in `select.rs`.

use std::sync::Arc;

use super::effective::{Branch, Effective, Found, Held, Hidden, Item, MAX_STEPS, Place, Slot, Way};
use super::key::{self, Key};
use super::layer::{Data, Entry, Layer, Node, Tag};
use super::problem::Fault;
use super::value::Value;

/// Merges a selection, lowest layer first.
#[must_use]
pub fn merge(layers: &[Layer]) -> Effective {
    let mut merger = Merger { layers, ..Merger::default() };
    for (index, layer) in layers.iter().enumerate() {
        merger.layer = index;
        merger.entries(&layer.document().root);
    }
    if merger.removed {
        restore_order(&mut merger.effective.root);
    }
    merger.effective
}

#[derive(Default)]
struct Merger<'a> {
    layers: &'a [Layer],
    /// Index of the layer being merged.
    layer: usize,
    /// The path being merged, and the written keys that spell it.
    steps: Vec<Arc<str>>,
    chain: Vec<&'a Key>,
    next: u64,
    removed: bool,
    effective: Effective,
}

impl<'a> Merger<'a> {
    fn entries(&mut self, entries: &'a [Entry]) {
        for entry in entries {
            let depth = self.steps.len();
            self.steps.extend_from_slice(entry.key.steps());
            self.chain.push(&entry.key);
            self.node(&entry.node);
            self.chain.pop();
            self.steps.truncate(depth);
        }
    }

    fn node(&mut self, node: &'a Node) {
        match (&node.data, node.tag) {
            (_, Some(Tag::Unset)) => self.unset(),
            (Data::Map(entries), tag) => self.map(node, entries, tag == Some(Tag::Replace)),
            (Data::List(items), Some(tag @ (Tag::Append | Tag::Prepend))) => self.extend(node, items, tag),
            (Data::List(items), _) => self.leaf(node, Held::List(self.items(items))),
            (Data::Null, _) => self.null(node),
            (scalar, _) => self.leaf(node, Held::Scalar(scalar.clone())),
        }
    }

    /// Everything but null, an extended list and a map: replaces whatever stands at its path.
    fn leaf(&mut self, node: &Node, held: Held) {
        let found = self.find();
        let Some((first, others)) = found.exact.split_first() else {
            return self.insert(found.deepest, node, held);
        };
        let place = self.place(node);
        slot_mut(&mut self.effective.root, first).replace(held, place);
        self.remove(others);
    }

    fn null(&mut self, node: &Node) {
        let is_map = |way: &Way| matches!(self.effective.root.slot(way).held, Held::Map(_));
        if self.find().exact.iter().any(is_map) {
            let message = format!("`{}` is null here and a map below; the map is kept", key::join(&self.steps));
            let hint = "write `!unset` to take the map away, `!replace {}` to empty it, or delete the line";
            return self.warn("null-over-map", node, message, hint);
        }
        self.leaf(node, Held::Scalar(Data::Null));
    }

    fn extend(&mut self, node: &Node, items: &[Node], tag: Tag) {
        let found = self.find();
        let place = self.place(node);
        let mut items = self.items(items);
        if let Some(way) = found.exact.first() {
            let slot = slot_mut(&mut self.effective.root, way);
            if let Held::List(inherited) = &mut slot.held {
                if tag == Tag::Prepend {
                    std::mem::swap(inherited, &mut items);
                }
                inherited.append(&mut items);
                slot.place = place;
                return;
            }
            let message =
                format!("`{}` extends a list, but what it inherits is none; it is replaced", key::join(&self.steps));
            self.warn("extend-non-list", node, message, "drop the tag, or make the inherited value a list");
        }
        self.leaf(node, Held::List(items));
    }

    fn map(&mut self, node: &'a Node, entries: &'a [Entry], replace: bool) {
        let place = self.place(node);
        let found = self.find();
        let root = &mut self.effective.root;
        let map = found.exact.iter().find(|way| matches!(root.slot(way).held, Held::Map(_)));
        if let Some(way) = map {
            if replace {
                slot_mut(root, way).replace(Held::Map(Branch::default()), place);
            }
        } else if let Some(way) = found.exact.iter().find(|way| !root.slot(way).key.is_dotted()) {
            if entries.is_empty() || places_something(entries) {
                slot_mut(root, way).replace(Held::Map(Branch::default()), place);
            }
        } else if entries.is_empty() && found.exact.is_empty() {
            self.insert(found.deepest, node, Held::Map(Branch::default()));
        }
        self.entries(entries);
    }

    fn unset(&mut self) {
        let found = self.find();
        self.remove(&found.exact);
    }

    /// Takes slots away, the longest ways first and within a map the last ones, so that no index moves before its turn.
    fn remove(&mut self, ways: &[Way]) {
        let mut ways: Vec<&Way> = ways.iter().collect();
        ways.sort_by_key(|way| std::cmp::Reverse((way.len(), way.last().copied())));
        for way in ways {
            let (last, parents) = way.split_last().expect("a way has at least one step");
            branch_mut(&mut self.effective.root, parents).slots.swap_remove_index(*last);
            self.removed = true;
        }
    }

    /// Puts a new leaf into the deepest map that earlier layers have on its path, the rest of the path as written. What
    /// the same layer wrote elsewhere does not attract it: a single document is served as it stands.
    fn insert(&mut self, (way, depth): (Way, usize), node: &Node, held: Held) {
        let place = self.place(node);
        let mut keys = std::collections::VecDeque::from(self.rest(depth));
        let mut branch = branch_mut(&mut self.effective.root, &way);
        let last = keys.pop_back().expect("a new leaf has a key of its own");
        while let Some(key) = keys.pop_front() {
            self.next += 1;
            let slot = Slot {
                key,
                held: Held::Map(Branch::default()),
                place,
                hides: Vec::new(),
                order: self.next,
                since: self.layer,
            };
            match branch.open(slot) {
                Ok(inner) => branch = inner,
                Err((outer, key)) => {
                    // A scalar has this key, dots and all, and no map may replace it: the rest becomes one key.
                    let rest: Vec<_> =
                        std::iter::once(&key).chain(&keys).chain([&last]).flat_map(Key::steps).cloned().collect();
                    let slot = Slot {
                        key: Key::new(&key::join(&rest)),
                        held,
                        place,
                        hides: Vec::new(),
                        order: self.next,
                        since: self.layer,
                    };
                    return outer.put(slot);
                }
            }
        }
        self.next += 1;
        branch.put(Slot { key: last, held, place, hides: Vec::new(), order: self.next, since: self.layer });
    }

    /// The keys that spell the path behind its first `depth` steps.
    fn rest(&self, depth: usize) -> Vec<Key> {
        let mut passed = 0;
        let mut keys = Vec::new();
        for key in &self.chain {
            let steps = key.steps();
            if passed >= depth {
                keys.push((*key).clone());
            } else if passed + steps.len() > depth {
                keys.push(Key::new(&key::join(&steps[depth - passed..])));
            }
            passed += steps.len();
        }
        keys
    }

    fn find(&self) -> Found {
        self.effective.root.find(&self.steps, self.layer)
    }

    fn items(&self, nodes: &[Node]) -> Vec<Item> {
        nodes.iter().map(|node| Item { node: node.clone(), layer: self.layer }).collect()
    }

    fn place(&self, node: &Node) -> Place {
        Place { layer: self.layer, at: node.at }
    }

    fn warn(&mut self, code: &'static str, node: &Node, message: String, hint: &str) {
        let fault = Fault::warning(code, node.at, message).with_hint(hint);
        self.effective.problems.push(fault.in_file(&self.layers[self.layer].path));
    }
}

/// True if merging the entries into nothing would leave something.
fn places_something(entries: &[Entry]) -> bool {
    entries.iter().any(|entry| match (&entry.node.data, entry.node.tag) {
        (_, Some(Tag::Unset)) => false,
        (Data::Map(inner), _) => inner.is_empty() || places_something(inner),
        _ => true,
    })
}

fn slot_mut<'a>(branch: &'a mut Branch, way: &[usize]) -> &'a mut Slot {
    let (last, parents) = way.split_last().expect("a way has at least one step");
    &mut branch_mut(branch, parents).slots[*last]
}

fn branch_mut<'a>(branch: &'a mut Branch, way: &[usize]) -> &'a mut Branch {
    way.iter().fold(branch, |branch, index| match &mut branch.slots[*index].held {
        Held::Map(inner) => inner,
        Held::Scalar(_) | Held::List(_) => unreachable!("only maps are passed on a way"),
    })
}

impl Branch {
    fn put(&mut self, slot: Slot) {
        self.lengths |= 1 << (slot.key.steps().len() - 1).min(MAX_STEPS - 1);
        self.slots.insert(Arc::clone(slot.key.canonical()), slot);
    }

    /// The map at a slot's key, the slot's own if there is none yet; this map and the key if something else is there.
    fn open(&mut self, slot: Slot) -> Result<&mut Self, (&mut Self, Key)> {
        let canonical = Arc::clone(slot.key.canonical());
        let known = self.index_of(&canonical);
        match known.map(|index| &self.slots[index].held) {
            Some(Held::Scalar(_) | Held::List(_)) => return Err((self, slot.key)),
            Some(Held::Map(_)) => {}
            None => self.put(slot),
        }
        let index = known.unwrap_or(self.slots.len() - 1);
        match &mut self.slots[index].held {
            Held::Map(inner) => Ok(inner),
            Held::Scalar(_) | Held::List(_) => unreachable!("it was looked at above"),
        }
    }
}

impl Slot {
    fn replace(&mut self, held: Held, place: Place) {
        let value = self.value(&mut |text, _| Value::String(Arc::clone(text)));
        self.hides.push(Hidden { place: self.place, value });
        self.held = held;
        self.place = place;
    }
}

fn restore_order(branch: &mut Branch) {
    branch.slots.sort_by(|_, one, _, other| one.order.cmp(&other.order));
    for slot in branch.slots.values_mut() {
        if let Held::Map(inner) = &mut slot.held {
            restore_order(inner);
        }
    }
}
#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::interpolate::{Resolve, interpolate};
    use crate::config::layer::Body;
    use crate::format::{self, Format, Limits};

    /// Files of one selection, lowest first: a name with its extension, and the text.
    fn selection(files: &[(&str, &str)]) -> Vec<Layer> {
        let read = |(name, text): &(&str, &str)| {
            let format = Format::of_extension(name.rsplit_once('.').unwrap().1).unwrap();
            let body = format::read(format, text.as_bytes(), &Limits::default());
            assert!(!body.is_broken(), "{:?}", body.faults);
            (Arc::from(*name), Arc::new(body))
        };
        files.iter().map(read).map(|(path, body): (Arc<str>, Arc<Body>)| Layer { path, body, index: 0 }).collect()
    }

    fn merged(files: &[(&str, &str)]) -> String {
        let layers = selection(files);
        let (value, _) = interpolate(&merge(&layers), &layers, Resolve::Nothing);
        format::write(Format::Json, &value, false)
    }

    fn yaml(layers: &[&str]) -> String {
        merged(&layers.iter().map(|text| ("x.yml", *text)).collect::<Vec<_>>())
    }

    fn warnings(layers: &[&str]) -> Vec<String> {
        let layers = selection(&layers.iter().map(|text| ("x.yml", *text)).collect::<Vec<_>>());
        merge(&layers).problems.iter().map(|problem| format!("{} {}", problem.at.line, problem.code)).collect()
    }

    #[test]
    fn the_map_that_was_opened_last_is_found_without_reading_its_name() {
        let layers = selection(&[("a.yml", "b: 1\nlong: {c: 1, d: 2}\n")]);
        let root = merge(&layers).root;
        let entries = &layers[0].document().root;
        assert_eq!(root.newest(&entries[1].key.steps()[0]), Some(1), "by its address");
        assert_eq!((root.newest(&Arc::from("long")), root.newest(&entries[0].key.steps()[0])), (None, None));
        assert_eq!(root.find(&[Arc::from("long"), Arc::from("d")], usize::MAX).exact, [[1, 1]]);
    }

    #[test]
    fn maps_merge_and_everything_else_replaces() {
        assert_eq!(yaml(&["a: {b: 1, c: [1, 2]}", "a: {c: [3], d: x}"]), r#"{"a":{"b":1,"c":[3],"d":"x"}}"#);
        assert_eq!(yaml(&["a: {b: 1}", "a: 2"]), r#"{"a":2}"#);
        assert_eq!(yaml(&["a: {b: 1}", "a: 2", "a: {c: 3}"]), r#"{"a":{"c":3}}"#);
        assert_eq!(yaml(&["a: [1]", "a: {b: 1}"]), r#"{"a":{"b":1}}"#);
        assert_eq!(yaml(&["a: 1\nb: 2", "c: 3\na: 4"]), r#"{"a":4,"b":2,"c":3}"#);
    }

    #[test]
    fn null_replaces_scalars_and_lists_but_not_maps() {
        assert_eq!(yaml(&["a: 1\nb: [1]\nc: {d: 1}", "a:\nb: ~\nc:"]), r#"{"a":null,"b":null,"c":{"d":1}}"#);
        assert_eq!(warnings(&["a: 1\nb: [1]\nc: {d: 1}", "a:\nb: ~\nc:"]), ["3 null-over-map"]);
    }

    #[test]
    fn a_key_is_its_path_however_it_is_spelled() {
        assert_eq!(
            yaml(&["logging.level.root: INFO", "logging: {level: {root: WARN}}"]),
            r#"{"logging.level.root":"WARN"}"#
        );
        assert_eq!(
            yaml(&["logging: {level: {root: INFO}}", "logging.level.root: WARN"]),
            r#"{"logging":{"level":{"root":"WARN"}}}"#
        );
        assert_eq!(yaml(&["a: {b.c: 1}", "a.b: {c: 2}"]), r#"{"a":{"b.c":2}}"#);
        assert_eq!(merged(&[("x.yml", "a.b: 1"), ("x.properties", "a.b=2\na.c=3")]), r#"{"a.b":"2","a":{"c":"3"}}"#);
        assert_eq!(yaml(&["a: {b: {}}", "\"[a]\": {b: {c: 1}}"]), r#"{"a":{"b":{"c":1}}}"#);
    }

    #[test]
    fn a_new_key_goes_into_the_deepest_map_on_its_path() {
        assert_eq!(yaml(&["a: {b: {c: 1}}", "a.b.d: 2\na.e.f: 3"]), r#"{"a":{"b":{"c":1,"d":2},"e.f":3}}"#);
        assert_eq!(yaml(&["a.b: {c: 1}", "a: {b: {d: 2}}"]), r#"{"a.b":{"c":1,"d":2}}"#);
        assert_eq!(yaml(&["a: {x: 1}", "a.b.c: {d.e: 1}"]), r#"{"a":{"x":1,"b.c":{"d.e":1}}}"#);
    }

    #[test]
    fn a_single_document_is_served_as_it_stands() {
        let text =
            r#"{"server":{"name":"x"},"server.port":1,"server.ssl.on":true,"a.b":{"c":1},"a":{"d":2},"a.b.e":3}"#;
        assert_eq!(yaml(&[text]), text);
        assert_eq!(yaml(&["x: 1", text]), format!("{{\"x\":1,{}", &text[1..]));
    }

    #[test]
    fn a_dotted_key_makes_no_map() {
        let lower = "org.hibernate.SQL: DEBUG";
        assert_eq!(yaml(&[lower, "org.hibernate: WARN"]), r#"{"org.hibernate.SQL":"DEBUG","org.hibernate":"WARN"}"#);
        assert_eq!(yaml(&["org: {hibernate: {SQL: DEBUG}}", "org.hibernate: WARN"]), r#"{"org":{"hibernate":"WARN"}}"#);
        assert_eq!(yaml(&["server.port: 1", "server: !unset"]), r#"{"server.port":1}"#);
        assert_eq!(yaml(&["server.port: 1", "server:"]), r#"{"server.port":1,"server":null}"#);
        assert_eq!(yaml(&["server.port: 1", "server: {}"]), r#"{"server.port":1,"server":{}}"#);
        assert_eq!(
            yaml(&["server.port: 1", "server: !replace {name: x}"]),
            r#"{"server.port":1,"server":{"name":"x"}}"#
        );
    }

    #[test]
    fn a_map_never_replaces_a_scalar_spelled_with_dots() {
        assert_eq!(yaml(&["a.b: 1", "a: {b: {c: 2}}"]), r#"{"a.b":1,"a":{"b":{"c":2}}}"#);
        assert_eq!(yaml(&["a.b: 1", "a.b: {c: 2}"]), r#"{"a.b":1,"a.b.c":2}"#);
        assert_eq!(yaml(&["a.b: 1", "a: {b: {c: 2}}", "a.b: 3"]), r#"{"a.b":3,"a":{}}"#);
    }

    #[test]
    fn lists_grow_at_either_end_when_they_say_so() {
        assert_eq!(yaml(&["a: [1]", "a: !append [2]", "a: !prepend [0]"]), r#"{"a":[0,1,2]}"#);
        assert_eq!(yaml(&["a: !append [2]"]), r#"{"a":[2]}"#);
        assert_eq!(yaml(&["a: x", "a: !append [2]"]), r#"{"a":[2]}"#);
        assert_eq!(warnings(&["a: x", "a: !append [2]"]), ["1 extend-non-list"]);
    }

    #[test]
    fn replace_forgets_the_inherited_map_but_keeps_its_place() {
        assert_eq!(yaml(&["a: {b: 1}\nc: 2", "a: !replace {d: 3}"]), r#"{"a":{"d":3},"c":2}"#);
        assert_eq!(yaml(&["a: {b: 1}", "a: !replace {}"]), r#"{"a":{}}"#);
        assert_eq!(yaml(&["a: 1", "a: !replace {d: 3}"]), r#"{"a":{"d":3}}"#);
    }

    #[test]
    fn unset_takes_a_key_away_and_leaves_its_map() {
        assert_eq!(yaml(&["a: {b: 1, c: 2, d: 3}", "a: {b: !unset}"]), r#"{"a":{"c":2,"d":3}}"#);
        assert_eq!(yaml(&["a: {b: 1}", "a.b: !unset"]), r#"{"a":{}}"#);
        assert_eq!(yaml(&["a: 1", "b: !unset\nc: {d: !unset}"]), r#"{"a":1}"#);
        assert_eq!(yaml(&["a: 5", "a: {b: !unset}"]), r#"{"a":5}"#);
    }

    #[test]
    fn a_key_taken_away_that_comes_back_is_new() {
        assert_eq!(yaml(&["a.b: 1\nc: 2", "a.b: !unset", "a: {b: 3}"]), r#"{"c":2,"a":{"b":3}}"#);
    }

    #[test]
    fn literal_steps_are_spelled_with_brackets() {
        assert_eq!(yaml(&["map: {\"[a.b]\": 1}", "map[a.b]: 2"]), r#"{"map":{"[a.b]":2}}"#);
        assert_eq!(merged(&[("x.properties", "map[a.b]=1")]), r#"{"map":{"[a.b]":"1"}}"#);
        let layers = selection(&[("x.yml", "map: {\"[a.b]\": {c: [{d: 7}]}}")]);
        let effective = merge(&layers);
        let get = |path| effective.get(path, |text, _| Value::String(Arc::clone(text)));
        assert_eq!(format::write(Format::Json, &get("map[a.b].c[0].d").unwrap(), false), "7");
        assert_eq!(get("map[a.b].c[1]"), None);
        assert_eq!(get("map.a.b"), None);
    }

    #[test]
    fn a_sub_tree_holds_the_keys_that_are_spelled_with_dots_across_it() {
        let layers = selection(&[("x.yml", "server.port: 1\nserver: {name: x}\nserver.ssl.on: true")]);
        let server = merge(&layers).get("server", |text, _| Value::String(Arc::clone(text))).unwrap();
        assert_eq!(format::write(Format::Json, &server, false), r#"{"name":"x","port":1,"ssl.on":true}"#);
    }

    #[test]
    fn every_leaf_knows_where_it_stands_and_what_it_hides() {
        let layers = selection(&[("low.yml", "a: {b: 1}\nl: [x]"), ("high.yml", "\na.b: 2\nl: !append [y]")]);
        let effective = merge(&layers);
        let told: Vec<_> = effective
            .leaves()
            .iter()
            .map(|leaf| {
                let origin = leaf.place.origin(&layers);
                format!(
                    "{} {}:{}:{} hides {}",
                    leaf.path,
                    origin.file,
                    origin.at.line,
                    origin.at.column,
                    leaf.hides.len()
                )
            })
            .collect();
        assert_eq!(told, ["a.b high.yml:2:6 hides 1", "l[0] low.yml:2:5 hides 0", "l[1] high.yml:3:13 hides 0"]);
    }
}
