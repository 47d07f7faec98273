//! What a schema says about configurations: where, in which words, and what it leaves alone.

use super::samples::{breaches, broken, set};
use crate::config::tree::{BlobId, File, Tree};

const NONE: [&str; 0] = [];

#[test]
fn a_breach_is_told_where_the_value_was_set() {
    let schema = r#"{"properties": {"server": {"type": "object", "additionalProperties": false,
      "properties": {"port": {"type": "integer", "maximum": 65535}, "host": {"type": "string", "format": "ipv4"}}},
      "mode": {"enum": ["fast", "safe"]}, "names": {"items": {"pattern": "^[a-z]+$"}}, "old": false}}"#;
    let layers = [
        "server:\n  port: 80\n  host: 127.0.0.1\nmode: safe\n",
        "server:\n  port: http\n  prot: 1\nmode: slow\nnames: [a, B]\nold: 1\n",
    ];
    assert_eq!(
        breaches(schema, &layers),
        [
            "schema-violation 1.yml:2:9 `server.port` is a text, not an integer",
            "schema-violation 1.yml:3:9 `server.prot` is a key that the schema does not know",
            "schema-violation 1.yml:4:7 `mode` is none of \"fast\", \"safe\"",
            "schema-violation 1.yml:5:12 `names[1]` does not match `^[a-z]+$`",
            "schema-violation 1.yml:6:6 `old` must not be there",
        ]
    );
    assert_eq!(breaches(schema, &layers[..1]), NONE);
    assert_eq!(
        breaches(schema, &[layers[0], "server.host: 1.2.3.400"]),
        ["schema-violation 1.yml:1:14 `server.host` has not the form `ipv4`"]
    );
}

#[test]
fn a_map_in_the_place_of_a_value_is_told_at_its_key() {
    let schema = r#"{"properties": {"a": {"properties": {"b": {"type": ["string", "null"]}}}}}"#;
    assert_eq!(
        breaches(schema, &["a:\n  b:\n    c: 1\n"]),
        ["schema-violation 0.yml:2:3 `a.b` is a map, not null or a text"]
    );
    assert_eq!(breaches(schema, &["a: {b: {}}\n"]), ["schema-violation 0.yml:1:5 `a.b` is a map, not null or a text"]);
}

#[test]
fn a_missing_key_is_told_where_its_map_was_made() {
    let schema =
        r#"{"required": ["name"], "properties": {"db": {"required": ["url"]}, "l": {"items": {"required": ["x"]}}}}"#;
    assert_eq!(
        breaches(schema, &["# first\nother: 1\ndb:\n  user: u\n", "db:\n  pool: 1\nl:\n  - y: 1\n"]),
        [
            "schema-missing-key 0.yml:2:1 `name` is missing",
            "schema-missing-key 0.yml:3:1 `db.url` is missing",
            "schema-missing-key 1.yml:4:5 `l[0].x` is missing",
        ]
    );
    assert_eq!(breaches(schema, &[]), ["schema-missing-key a.schema.json:1:14 `name` is missing"]);
}

#[test]
fn keys_with_dots_are_one_member_as_in_the_answer() {
    let schema =
        r#"{"properties": {"level": {"additionalProperties": {"enum": ["INFO"]}}, "a.b": {"type": "integer"}}}"#;
    assert_eq!(
        breaches(schema, &["level:\n  org.x: INFO\n  org.y: LOUD\na.b: x\n"]),
        [
            "schema-violation 0.yml:3:10 `level.org.y` is none of \"INFO\"",
            "schema-violation 0.yml:4:6 `a.b` is a text, not an integer",
        ]
    );
}

#[test]
fn what_the_client_fills_in_is_left_alone() {
    let port = r#"{"properties": {"port": {"type": "integer", "minimum": 1}, "host": {"type": "string"}}}"#;
    assert_eq!(breaches(port, &["port: ${PORT:8080}\nhost: ${HOST}\n"]), NONE);
    assert_eq!(
        breaches(port, &["port: ${host}\nhost: h\n"]),
        ["schema-violation 0.yml:1:7 `port` is a text, not an integer"]
    );
    let either = r#"{"oneOf": [{"properties": {"kind": {"const": 1}}, "required": ["a"]},
      {"properties": {"kind": {"const": 2}}, "required": ["b"]}], "not": {"properties": {"kind": {"const": ""}}}}"#;
    assert_eq!(breaches(either, &["kind: ${KIND}\na: 1\n"]), NONE);
    assert_eq!(
        breaches(either, &["kind: ${KIND}\nc: 1\n"]),
        ["schema-violation 0.yml:1:1 the configuration fits none of the 2 alternatives of the schema"]
    );
    let list = r#"{"properties": {"l": {"uniqueItems": true, "contains": {"const": "x"}, "minItems": 3}}}"#;
    assert_eq!(
        breaches(list, &["l: [\"${A}\", \"${B}\"]\n"]),
        ["schema-violation 0.yml:1:4 `l` has fewer than 3 items"]
    );
    let present = r#"{"properties": {"p": false}}"#;
    assert_eq!(breaches(present, &["p: ${P}\n"]), ["schema-violation 0.yml:1:4 `p` must not be there"]);
}

#[test]
fn of_a_secret_nothing_is_asked_but_to_be_text() {
    let schema = r#"{"properties": {"p": {"type": "string", "pattern": "^x$", "maxLength": 3, "enum": ["x"]},
      "n": {"type": "integer"}, "u": {"pattern": "^http"}}}"#;
    let sealed = "p: '{cipher}abcdef'\nu: 'x{cipher}abc'\n";
    assert_eq!(breaches(schema, &[sealed]), NONE);
    assert_eq!(
        breaches(schema, &["n: '{cipher}abcdef'\n"]),
        ["schema-violation 0.yml:1:4 `n` is a secret, not an integer"]
    );
}

#[test]
fn no_value_is_in_the_words() {
    let schema = r#"{"properties": {"a": {"type": "integer"}, "b": {"const": 1}, "c": {"pattern": "^x$"}, "d": {"format": "uri"},
      "e": {"maxLength": 1}, "f": {"minimum": 9000}, "g": {"multipleOf": 7}, "h": {"anyOf": [{"type": "null"}, {"enum": [1]}]},
      "i": {"not": {"type": "string"}}, "j": {"uniqueItems": true}, "k": {"contains": {"type": "null"}}, "l": {"minLength": 99}}}"#;
    let names = ["a", "b", "c", "d", "e", "h", "i", "l"];
    let mut text: String = names.iter().map(|name| format!("{name}: hunter2\n")).collect();
    text.push_str("f: 4243\ng: 4243\nj: [hunter2, hunter2]\nk: [hunter2]\n");
    let told = breaches(schema, &[&text]);
    assert_eq!(told.len(), 12, "{told:#?}");
    assert!(told.iter().all(|line| !line.contains("hunter2") && !line.contains("4243")), "{told:#?}");
}

#[test]
fn references_reach_other_files() {
    let files = [
        (
            "u/schema.json",
            r##"{"$id": "https://x.org/u", "properties": {"a": {"$ref": "../common.json#/$defs/a%20b"},
          "b": {"$ref": "../common.json#port"}, "c": {"$ref": "https://x.org/u#/properties/a"}}}"##,
        ),
        (
            "common.json",
            r##"{"$defs": {"a b": {"type": "integer"}, "p": {"$anchor": "port", "$ref": "#/$defs/a~1b"},
          "a/b": {"maximum": 5, "$dynamicAnchor": "port2"}}}"##,
        ),
    ];
    let built = set(&files);
    assert_eq!(built.problems, []);
    let check = |text: &str| {
        let body = crate::format::read(crate::format::Format::Yaml, text.as_bytes(), &crate::format::Limits::default());
        let layers = [crate::config::layer::Layer { path: "x.yml".into(), body: body.into(), index: 0 }];
        let instance = super::instance::Instance::of(&layers, crate::config::merge::merge(&layers));
        let found =
            built.of(&["u/schema.json".to_owned()]).flat_map(|schema| schema.check(&instance)).collect::<Vec<_>>();
        found.iter().map(|problem| problem.to_string().replace("\nhint: ", " | ")).collect::<Vec<_>>()
    };
    assert_eq!(
        check("a: x\nb: 7\nc: 1\n"),
        [
            "x.yml:1:4: `a` is a text, not an integer | `common.json` asks for it on line 1",
            "x.yml:2:4: `b` is more than 5 | `common.json` asks for it on line 2",
        ]
    );
}

#[test]
fn a_schema_is_compiled_again_if_a_file_of_it_changes() {
    let built = set(&[("a.schema.json", r#"{"$ref": "b.json"}"#), ("b.json", "{}"), ("c.json", "{}")]);
    let roots = ["a.schema.json".into()];
    let tree = |blobs: [u8; 3]| {
        let files = ["a.schema.json", "b.json", "c.json"].into_iter().zip(blobs);
        let files = files.map(|(path, blob)| (path.into(), File { blob: BlobId([blob; 20]), size: 2 })).collect();
        Tree { files, ..Tree::default() }
    };
    assert!(built.is_of(&roots, &tree([0, 1, 2])) && built.is_of(&roots, &tree([0, 1, 9])));
    assert!(!built.is_of(&roots, &tree([0, 9, 2])) && !built.is_of(&[], &tree([0, 1, 2])));
    assert!(built.reads("b.json") && !built.reads("c.json"));
}

#[test]
fn a_broken_schema_is_told_with_its_place() {
    assert_eq!(
        broken(&[("a.schema.json", "{\"properties\": {\"a\": {\n  \"type\": \"strng\"}}}")]),
        ["a.schema.json:2:11: this is no schema: `type` cannot have this value | patterns have no \
         look-around and no back-references; the rest is JSON Schema 2020-12"]
    );
    assert_eq!(
        broken(&[("a.schema.json", "{\"pattern\": \"(?=x)\"}")]),
        ["a.schema.json:1:13: this is no regular expression that is read | patterns have no look-around and no \
         back-references; the rest is JSON Schema 2020-12"]
    );
    assert_eq!(
        broken(&[("a.schema.json", "{\"a\": 1,}")]),
        ["a.schema.json:1:9: key must be a string | remove the comma before the closing bracket"]
    );
    assert_eq!(broken(&[("a.schema.json", "")]), ["a.schema.json:1:1: there is nothing in the file"]);
    let dialect = "{\"$schema\": \"http://json-schema.org/draft-07/schema#\"}";
    assert_eq!(
        broken(&[("a.schema.json", dialect)]),
        ["a.schema.json:1:13: the schema is written for another dialect than 2020-12 | write it for \
         `https://json-schema.org/draft/2020-12/schema`"]
    );
}
