//! Laws that hold for the readers of all formats, tried on generated input: nothing panics, and a JSON text is one
//! document to whichever reader it is given.

use proptest::prelude::*;
use serde_json::Value as Json;

use super::{Format, Limits, json, read, yaml};

/// What YAML, JSON and `.properties` are made of.
const SCRAPS: [&str; 48] = [
    "a",
    "b: ",
    "key",
    ": ",
    ":",
    "- ",
    "-",
    "? ",
    "\n",
    "\n",
    "\n  ",
    "\n    ",
    " ",
    "\t",
    "\r\n",
    "[",
    "]",
    "{",
    "}",
    ", ",
    "'",
    "\"",
    "\\",
    "\\u00e9",
    "\\ud800",
    "é",
    "\u{feff}",
    "# ",
    "|",
    ">-\n",
    "&a ",
    "*a",
    "<<: ",
    "!append ",
    "!unset",
    "!!int ",
    "! ",
    "%YAML 1.2\n",
    "---\n",
    "...\n",
    "~",
    "0x",
    "1e9",
    ".inf",
    "{cipher}",
    "{{",
    "#---\n",
    "=",
];

fn simple_json() -> impl Strategy<Value = Json> {
    let text = "[ -~é€😀\n\t]{0,12}";
    let leaf = prop_oneof![
        Just(Json::Null),
        any::<bool>().prop_map(Json::from),
        any::<i64>().prop_map(Json::from),
        any::<u64>().prop_map(Json::from),
        prop::num::f64::NORMAL.prop_map(Json::from),
        text.prop_map(Json::from),
    ];
    let value = leaf.prop_recursive(5, 40, 6, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Json::from),
            prop::collection::btree_map(text, inner, 0..6).prop_map(|map| map.into_iter().collect::<Json>()),
        ]
    });
    prop::collection::btree_map(text, value, 0..6).prop_map(|map| map.into_iter().collect::<Json>())
}

proptest! {
    #[test]
    fn no_bytes_make_a_reader_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        for format in [Format::Yaml, Format::Json, Format::Properties] {
            let body = read(format, &bytes, &Limits::default());
            prop_assert!(body.documents.is_empty() || !body.is_broken());
        }
    }

    #[test]
    fn no_text_makes_a_reader_panic(scraps in prop::collection::vec(prop::sample::select(&SCRAPS[..]), 0..60)) {
        let text = scraps.concat();
        for format in [Format::Yaml, Format::Json, Format::Properties] {
            let body = read(format, text.as_bytes(), &Limits::default());
            prop_assert!(body.documents.is_empty() || !body.is_broken());
        }
    }

    #[test]
    fn json_is_the_same_document_in_yaml_down_to_its_places(value in simple_json(), pretty in any::<bool>()) {
        let text = if pretty { serde_json::to_string_pretty(&value) } else { serde_json::to_string(&value) }.unwrap();
        let limits = Limits::default();
        prop_assert_eq!(json::read(text.as_bytes(), &limits), yaml::read(text.as_bytes(), &limits));
    }
}
