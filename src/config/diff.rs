//! Effective × Effective → [`KeyChanges`]: which keys come, which go, and which get another value.
//!
//! A key is its canonical path, however the files spell it. A list is one value of its key, because layers replace lists
//! whole: an item put in front would otherwise change every item behind it. An empty map is a value, so that a key that
//! is served as `{}` is not taken for one that is gone. Values are compared as they are served, placeholders filled in.

use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::sync::Arc;

use super::effective::{Branch, Effective, Held, Slot};
use super::interpolate::Resolver;
use super::key;
use super::layer::{Layer, Origin};
use super::value::Value;

/// A value and where it comes from.
#[derive(Debug, Clone, PartialEq)]
pub struct Given {
    /// The value as it is served.
    pub value: Value,
    /// Where it stands; for a list that several layers extend, the last of them.
    pub origin: Origin,
}

/// What differs between two merged configurations, by key.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct KeyChanges {
    /// The keys that only the second one has.
    pub added: BTreeMap<Arc<str>, Given>,
    /// The keys that only the first one has.
    pub removed: BTreeMap<Arc<str>, Given>,
    /// The keys whose values differ, before and after.
    pub changed: BTreeMap<Arc<str>, (Given, Given)>,
}

/// A merged configuration as a flat list of keys, sorted.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Flat {
    entries: Vec<(Arc<str>, Given)>,
}

impl Flat {
    /// A configuration of these keys; of two that are spelled alike the first one counts.
    #[must_use]
    pub fn of(mut entries: Vec<(Arc<str>, Given)>) -> Self {
        entries.sort_by(|(one, _), (other, _)| one.cmp(other));
        entries.dedup_by(|(one, _), (other, _)| one == other);
        Self { entries }
    }
}

impl KeyChanges {
    /// True if nothing differs.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How many keys differ.
    #[must_use]
    pub fn len(&self) -> usize {
        self.added.len() + self.removed.len() + self.changed.len()
    }
}

/// What differs between two configurations.
#[must_use]
pub fn diff(base: &Flat, head: &Flat) -> KeyChanges {
    let mut change = KeyChanges::default();
    let (mut olds, mut news) = (base.entries.iter().peekable(), head.entries.iter().peekable());
    loop {
        let order = match (olds.peek(), news.peek()) {
            (Some((old, _)), Some((new, _))) => old.cmp(new),
            (Some(_), None) => Ordering::Less,
            (None, Some(_)) => Ordering::Greater,
            (None, None) => return change,
        };
        let old = if order.is_le() { olds.next() } else { None };
        let new = if order.is_ge() { news.next() } else { None };
        match (old, new) {
            (Some((_, from)), Some((_, to))) if from.value == to.value => {}
            (Some((key, from)), Some((_, to))) => {
                change.changed.insert(Arc::clone(key), (from.clone(), to.clone()));
            }
            (Some((key, from)), None) => drop(change.removed.insert(Arc::clone(key), from.clone())),
            (None, Some((key, to))) => drop(change.added.insert(Arc::clone(key), to.clone())),
            (None, None) => {}
        }
    }
}

/// The keys of a merged configuration with their values, given the selection that it was merged from.
#[must_use]
pub fn flatten(effective: &Effective, layers: &[Layer], mut resolver: Resolver<'_>) -> Flat {
    let mut entries: Vec<(Arc<str>, Given)> = Vec::new();
    let mut take = |path: String, slot: &Slot| {
        let value = slot.value(&mut |text, place| resolver.value(text, place));
        entries.push((Arc::from(path), Given { value, origin: slot.place.origin(layers) }));
    };
    walk(&effective.root, "", &mut take);
    Flat::of(entries)
}

fn walk(branch: &Branch, above: &str, take: &mut impl FnMut(String, &Slot)) {
    for slot in branch.slots.values() {
        // An empty step leaves no trace in a path, which would make two keys one.
        let canonical = if slot.key.canonical().is_empty() { "[]" } else { slot.key.canonical() };
        let path = key::append(above.to_owned(), canonical);
        match &slot.held {
            Held::Map(inner) if !inner.slots.is_empty() => walk(inner, &path, take),
            _ => take(path, slot),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::config::interpolate::Resolve;
    use crate::config::merge::merge;
    use crate::config::problem::Position;
    use crate::config::value::Number;
    use crate::format::{self, Format, Limits};

    fn flat(texts: &[&str]) -> Flat {
        let layer = |(index, text): (usize, &&str)| {
            let body = format::read(Format::Yaml, text.as_bytes(), &Limits::default());
            assert!(!body.is_broken(), "{:?}", body.faults);
            Layer { path: Arc::from(format!("{index}.yml")), body: Arc::new(body), index: 0 }
        };
        let layers: Vec<Layer> = texts.iter().enumerate().map(layer).collect();
        let effective = merge(&layers);
        flatten(&effective, &layers, Resolver::new(&effective, &layers, Resolve::Known))
    }

    fn spelled(given: &Given) -> String {
        let Origin { file, at, .. } = &given.origin;
        format!("{} {file}:{}", format::write(Format::Json, &given.value, false), at.line)
    }

    fn told(base: &[&str], head: &[&str]) -> String {
        let KeyChanges { added, removed, changed } = diff(&flat(base), &flat(head));
        let added = added.iter().map(|(key, to)| format!("+ {key} {}\n", spelled(to)));
        let removed = removed.iter().map(|(key, from)| format!("- {key} {}\n", spelled(from)));
        let changed = changed.iter().map(|(key, (from, to))| format!("~ {key} {} -> {}\n", spelled(from), spelled(to)));
        added.chain(removed).chain(changed).collect()
    }

    #[test]
    fn keys_are_told_with_their_values_and_places() {
        let base = "a: 1\nb: {c: 2, d: 3}\n";
        let head = "b:\n  c: 2\n  d: 4\ne: [x]\n";
        assert_eq!(told(&[base], &[head]), "+ e [\"x\"] 0.yml:4\n- a 1 0.yml:1\n~ b.d 3 0.yml:2 -> 4 0.yml:3\n");
    }

    #[test]
    fn another_spelling_of_a_key_is_no_change() {
        let base = "server: {port: 1, ssl: {on: true}}\n\"[x.y]\": 1\n";
        let head = "server.port: 1\nserver: {ssl.on: true}\n\"[x.y]\": 1\n";
        assert_eq!(told(&[base], &[head]), "");
        assert_eq!(told(&["a: 1", "a: 2"], &["a: 2"]), "", "another layer that says the same is no change");
    }

    #[test]
    fn a_list_is_one_value_of_its_key() {
        assert_eq!(
            told(&["l: [a, b]"], &["l: [z, a, b]"]),
            "~ l [\"a\",\"b\"] 0.yml:1 -> [\"z\",\"a\",\"b\"] 0.yml:1\n"
        );
        assert_eq!(told(&["l: [a]"], &["l: [a]", "l: !append [b]"]), "~ l [\"a\"] 0.yml:1 -> [\"a\",\"b\"] 1.yml:1\n");
    }

    #[test]
    fn an_empty_map_null_and_nothing_are_three_things() {
        assert_eq!(told(&["a: {}\nb:"], &["c: {}"]), "+ c {} 0.yml:1\n- a {} 0.yml:1\n- b null 0.yml:2\n");
        assert_eq!(told(&["a: {}"], &["a:"]), "~ a {} 0.yml:1 -> null 0.yml:1\n");
        assert_eq!(told(&["a: {}"], &["a: {b: 1}"]), "+ a.b 1 0.yml:1\n- a {} 0.yml:1\n");
        assert_eq!(told(&["a: 1"], &["a: '1'"]), "~ a 1 0.yml:1 -> \"1\" 0.yml:1\n");
    }

    #[test]
    fn what_a_placeholder_brings_along_is_a_change_too() {
        let base = "host: a\nurl: http://${host}/\nown: ${DB:x}\n";
        assert_eq!(
            told(&[base], &[&base.replace(": a", ": b")]),
            "~ host \"a\" 0.yml:1 -> \"b\" 0.yml:1\n~ url \"http://a/\" 0.yml:2 -> \"http://b/\" 0.yml:2\n"
        );
    }

    #[test]
    fn odd_keys_stay_apart() {
        assert_eq!(told(&["a: 1"], &["'': {a: 1}\na: 1"]), "+ [].a 1 0.yml:1\n");
        assert_eq!(told(&["'a..b': 1"], &["'a..b': 2"]), "~ [a..b] 1 0.yml:1 -> 2 0.yml:1\n");
    }

    fn flats() -> impl Strategy<Value = Flat> {
        let value = prop_oneof![
            Just(Value::Null),
            Just(Value::Map(crate::config::value::Map::new())),
            (0_i64..3).prop_map(|number| Value::Number(Number::Integer(number))),
            prop::collection::vec((0_i64..2).prop_map(|number| Value::Number(Number::Integer(number))), 0..3)
                .prop_map(Value::List),
        ];
        let given = (value, 1_u32..4).prop_map(|(value, line)| Given {
            value,
            origin: Origin { file: Arc::from("a.yml"), at: Position::new(line, 1), document: 0 },
        });
        prop::collection::btree_map(r"[a-d](\.[a-c])?", given, 0..8)
            .prop_map(|map| Flat { entries: map.into_iter().map(|(key, given)| (Arc::from(key), given)).collect() })
    }

    fn values(flat: &Flat) -> BTreeMap<Arc<str>, Value> {
        flat.entries.iter().map(|(key, given)| (Arc::clone(key), given.value.clone())).collect()
    }

    proptest! {
        #[test]
        fn nothing_differs_from_itself(a in flats()) {
            prop_assert!(diff(&a, &a).is_empty());
        }

        #[test]
        fn a_change_leads_from_the_one_to_the_other(a in flats(), b in flats()) {
            let change = diff(&a, &b);
            let mut applied = values(&a);
            for key in change.removed.keys() {
                prop_assert!(applied.remove(key).is_some());
            }
            for (key, to) in change.added {
                prop_assert!(applied.insert(key, to.value).is_none());
            }
            for (key, (from, to)) in change.changed {
                prop_assert_ne!(&from.value, &to.value);
                prop_assert_eq!(applied.insert(key, to.value), Some(from.value));
            }
            prop_assert_eq!(applied, values(&b));
        }

        #[test]
        fn the_way_back_is_the_mirror_of_the_way_there(a in flats(), b in flats()) {
            let (there, back) = (diff(&a, &b), diff(&b, &a));
            prop_assert_eq!(there.len(), back.len());
            let changed = back.changed.into_iter().map(|(key, (from, to))| (key, (to, from))).collect();
            prop_assert_eq!(there, KeyChanges { added: back.removed, removed: back.added, changed });
        }
    }
}
