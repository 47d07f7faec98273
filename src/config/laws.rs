//! Laws that hold for merging whatever the documents are, dots and brackets in keys included.

use std::sync::Arc;

use proptest::prelude::*;

use super::effective::Effective;
use super::interpolate::Resolve;
use super::layer::Layer;
use super::merge::merge;
use super::value::{Map, Number, Value};
use crate::answer::{Selection, explain};
use crate::format::{self, Format, Limits};

/// Texts as layers of one file each, lowest first; `None` if one of them gives a path twice.
fn layers(texts: &[&Value]) -> Option<Vec<Layer>> {
    let layer = |(index, value): (usize, &&Value)| {
        let text = format::write(Format::Json, value, false);
        let body = format::read(Format::Json, text.as_bytes(), &Limits::default());
        (!body.is_broken()).then(|| Layer { path: Arc::from(format!("{index}.json")), body: Arc::new(body), index: 0 })
    };
    texts.iter().enumerate().map(layer).collect()
}

fn plain(effective: &Effective) -> Value {
    effective.to_value(|text, _| Value::String(Arc::clone(text)))
}

fn merged(texts: &[&Value]) -> Option<String> {
    layers(texts).map(|layers| format::write(Format::Json, &plain(&merge(&layers)), false))
}

fn json(value: &Value) -> String {
    format::write(Format::Json, value, false)
}

fn document() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        (0_i64..9).prop_map(|number| Value::Number(Number::Integer(number))),
        "[a-c]{0,2}".prop_map(|text| Value::from(text.as_str())),
        prop::collection::vec((0_i64..3).prop_map(|number| Value::Number(Number::Integer(number))), 0..3)
            .prop_map(Value::List),
    ];
    let key = prop_oneof![4 => "[a-c]", 2 => r"[a-c]\.[a-c]", 1 => r"[a-c]\.[a-c]\.[a-c]", 1 => r"\[[a-c]\.[a-c]\]"];
    let map = move |inner: BoxedStrategy<Value>| {
        prop::collection::btree_map(key.clone(), inner, 0..4)
            .prop_map(|map| Value::Map(map.into_iter().map(|(key, value)| (Arc::from(key), value)).collect::<Map>()))
    };
    leaf.prop_recursive(3, 16, 4, map.clone()).prop_flat_map(move |value| match value {
        Value::Map(_) => Just(value).boxed(),
        other => map(Just(other).boxed()).boxed(),
    })
}

proptest! {
    #[test]
    fn a_document_alone_is_served_as_it_stands(one in document()) {
        if let Some(alone) = merged(&[&one]) {
            prop_assert_eq!(alone, json(&one));
        }
    }

    #[test]
    fn an_empty_document_changes_nothing(one in document(), two in document()) {
        let empty = Value::Map(Map::new());
        if let Some(both) = merged(&[&one, &two]) {
            prop_assert_eq!(merged(&[&empty, &one, &empty, &two, &empty]), Some(both));
        }
    }

    #[test]
    fn a_document_over_itself_changes_nothing(one in document(), two in document()) {
        if let Some(both) = merged(&[&one, &two]) {
            prop_assert_eq!(merged(&[&one, &two, &two]), Some(both));
        }
    }

    #[test]
    fn every_explained_key_is_found_again(one in document(), two in document()) {
        let Some(layers) = layers(&[&one, &two]) else { return Ok(()) };
        let effective = merge(&layers);
        let selection = Selection { semantics: crate::config::semantics::Semantics::Native, parts: vec![layers.len()], layers, fingerprint: [0; 16], limit: 16 << 20 };
        for key in explain(&selection, Resolve::Nothing, None).unwrap() {
            let found = effective.get(&key.key, |text, _| Value::String(Arc::clone(text)));
            let is_empty = matches!(&key.value, Value::Map(map) if map.is_empty());
            prop_assert!(is_empty || found.as_ref() == Some(&key.value), "{}: {:?} is not {:?}", key.key, found, key.value);
        }
    }
}
