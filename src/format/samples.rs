//! Values for the tests of the writers: out of JSON, and at random with every kind of awkward text.

use proptest::prelude::*;

use crate::config::value::{Map, Number, Value};

/// The value that a JSON text spells; integers have 64 bits.
pub(super) fn value(json: &str) -> Value {
    of_json(&serde_json::from_str(json).unwrap())
}

/// The value of a tree of `serde_json`.
pub(super) fn of_json(value: &serde_json::Value) -> Value {
    match value {
        serde_json::Value::Null => Value::Null,
        serde_json::Value::Bool(value) => Value::Bool(*value),
        serde_json::Value::Number(number) => Value::Number(match number.as_i64() {
            Some(value) => Number::Integer(value),
            None => Number::Float(number.as_f64().unwrap()),
        }),
        serde_json::Value::String(text) => Value::from(text.as_str()),
        serde_json::Value::Array(items) => Value::List(items.iter().map(of_json).collect()),
        serde_json::Value::Object(map) => {
            Value::Map(map.iter().map(|(key, value)| (key.as_str().into(), of_json(value))).collect())
        }
    }
}

/// Texts that formats like to misread, and any others.
pub(super) fn texts() -> impl Strategy<Value = String> {
    let awkward = proptest::string::string_regex(
        "([a-z0-9]|[ \t\n\r\\\\'\"#:=!,&*?|<>%@`~{}\\[\\]().+_-]|[\u{0}-\u{1f}\u{7f}-\u{a0}\u{2028}\u{feff}\u{fffe}é€😀]){0,12}",
    );
    let numeric = proptest::string::string_regex("[-+.]?[0-9]{1,3}[0-9_.:eExob,+-]{0,4}[0-9]{0,2}");
    let words =
        ["true", "No", "ON", "y", "~", "null", "NULL", ".inf", "-.INF", ".nan", "=", "<<", "---", "...", "2001-12-14"];
    let lines = proptest::string::string_regex("([a-z#:'\"-]{0,3} ?[a-z]{0,3}\n{0,2}){0,4}");
    prop_oneof![
        awkward.unwrap(),
        numeric.unwrap(),
        lines.unwrap(),
        prop::sample::select(words.to_vec()).prop_map(str::to_owned),
        any::<String>(),
    ]
}

/// Maps of anything, with these keys.
pub(super) fn maps_with(keys: BoxedStrategy<String>) -> impl Strategy<Value = Value> {
    values_with(keys, any::<f64>().boxed()).prop_map(|value| match value {
        Value::Map(_) => value,
        other => Value::Map(Map::from_iter([("value".into(), other)])),
    })
}

/// Anything, with these keys and floats.
pub(super) fn values_with(keys: BoxedStrategy<String>, floats: BoxedStrategy<f64>) -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        1 => Just(Value::Null),
        1 => any::<bool>().prop_map(Value::Bool),
        2 => any::<i64>().prop_map(|value| Value::Number(Number::Integer(value))),
        2 => floats.prop_filter_map("finite", Number::float).prop_map(Value::Number),
        4 => texts().prop_map(|text| Value::from(text.as_str())),
    ];
    leaf.prop_recursive(4, 24, 5, move |inner| {
        let list = prop::collection::vec(inner.clone(), 0..4).prop_map(Value::List);
        let map = prop::collection::vec((keys.clone(), inner), 0..5).prop_map(|entries| {
            Value::Map(entries.into_iter().map(|(key, value)| (key.as_str().into(), value)).collect::<Map>())
        });
        prop_oneof![1 => list, 2 => map]
    })
}
