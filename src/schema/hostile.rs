//! Schemas that mean harm: none of them reaches out of the repository, takes the stack or takes long.

use super::samples::{breaches, broken, set};

fn told(schema: &str) -> Vec<String> {
    broken(&[("a.schema.json", schema)])
}

#[test]
fn nothing_outside_of_the_repository_is_referred_to() {
    for text in ["http://127.0.0.1:9/x", "file:///etc/passwd", "ftp://h/x", "//host/x", "/etc/passwd"] {
        assert_eq!(
            told(&format!("{{\"properties\": {{\"a\": {{\"$ref\": \"{text}\"}}}}}}")),
            [format!(
                "a.schema.json:1:31: the reference `{text}` leaves the repository: only files of the repository are read, by \
                 a relative path"
            )]
        );
    }
    assert_eq!(
        told(r#"{"$ref": "x/../../b.json"}"#),
        ["a.schema.json:1:10: the reference `x/../../b.json` leaves the root of the repository"]
    );
    assert_eq!(
        told(r#"{"$ref": "b.json"}"#),
        ["a.schema.json:1:10: the reference `b.json` leads to nothing: there is no file `b.json`"]
    );
    assert_eq!(
        told(r##"{"$ref": "#/$defs/b"}"##),
        ["a.schema.json:1:10: the reference `#/$defs/b` leads to nothing: `a.schema.json` has no such place"]
    );
    let inner = r#"{"$defs": {"a": {"$id": "http://127.0.0.1/x", "$ref": "y"}}}"#;
    assert_eq!(
        told(inner)[0].split(" | ").next(),
        Some("a.schema.json:1:25: `$id` is read at the top of a file alone")
    );
    assert_eq!(told(r#"{"$schema": "http://127.0.0.1:9/meta"}"#).len(), 1);
}

#[test]
fn what_a_reference_leads_to_is_read_as_strictly() {
    let files = [("a.schema.json", r#"{"$ref": "b.json"}"#), ("b.json", "{\"$ref\":\n  \"https://x.org/\"}")];
    assert_eq!(
        broken(&files),
        [
            "b.json:2:3: the reference `https://x.org/` leaves the repository: only files of the repository are read, by a \
         relative path"
        ]
    );
    let files = [("a.schema.json", r#"{"$ref": "b.json"}"#), ("b.json", "[]")];
    assert_eq!(broken(&files).len(), 2);
}

#[test]
fn schemas_that_lead_to_themselves_end() {
    let circle = "a.schema.json:1:1: the schema leads to itself without a step to a member or an item";
    assert_eq!(told(r##"{"$ref": "#"}"##), [circle]);
    assert_eq!(told(r##"{"allOf": [{"anyOf": [{"$ref": "#"}]}]}"##).len(), 1);
    assert_eq!(
        told(r##"{"$defs": {"a": {"not": {"$ref": "#/$defs/b"}}, "b": {"if": {"$ref": "#/$defs/a"}}}}"##).len(),
        1
    );
    let loops = told(r##"{"$dynamicAnchor": "n", "properties": {"a": {"$dynamicRef": "#n"}}}"##);
    assert!(loops[0].starts_with("a.schema.json:1:61: `$dynamicRef` is not followed"), "{loops:?}");
    let tree = r##"{"type": "object", "properties": {"left": {"$ref": "#"}, "right": {"$ref": "#"}}}"##;
    assert_eq!(
        breaches(tree, &["left: {left: {right: {}}, right: 7}\n"]),
        ["schema-violation 0.yml:1:34 `left.right` is a number, not a map"]
    );
}

#[test]
fn long_chains_of_references_are_refused() {
    let chain = |length: usize| {
        let links: Vec<String> =
            (0..length).map(|at| format!("\"d{at}\": {{\"$ref\": \"#/$defs/d{}\"}}", at + 1)).collect();
        format!("{{\"$ref\": \"#/$defs/d0\", \"$defs\": {{{}, \"d{length}\": true}}}}", links.join(", "))
    };
    assert_eq!(told(&chain(90)), [""; 0]);
    let long = told(&chain(19_000));
    assert!(long[0].ends_with("more than 100 schemas refer to one another from here on"), "{long:?}");
    assert!(told(&chain(21_000))[0].contains("it is made of more than 20000 schemas"));
}

#[test]
fn schemas_that_multiply_are_not_applied() {
    let doubled: Vec<String> = (0..40)
        .map(|at| {
            format!(
                "\"d{at}\": {{\"allOf\": [{{\"$ref\": \"#/$defs/d{0}\"}}, {{\"$ref\": \"#/$defs/d{0}\"}}]}}",
                at + 1
            )
        })
        .collect();
    let wide = format!(
        "{{\"$ref\": \"#/$defs/d0\", \"$defs\": {{{}, \"d40\": {{\"type\": \"object\"}}}}}}",
        doubled.join(", ")
    );
    let refused = ["schema-broken a.schema.json:1:1 applying this schema takes too many steps; it is not applied"];
    let told =
        if self::told(&wide).is_empty() { breaches(&wide, &["a: 1\n"]) } else { Vec::from(refused.map(str::to_owned)) };
    assert_eq!(told, refused);
    let deep = r##"{"allOf": [{"additionalProperties": {"$ref": "#"}}, {"additionalProperties": {"$ref": "#"}}]}"##;
    let nested = format!("{}1{}", "{a: ".repeat(40), "}".repeat(40));
    assert_eq!(breaches(deep, &[&nested]), refused);
    let again = format!("{}true{}", r#"{"unevaluatedProperties": true, "allOf": ["#.repeat(20), "]}".repeat(20));
    assert_eq!(breaches(&again, &["a: 1\n"]), refused);
}

#[test]
fn patterns_take_time_in_proportion_to_the_text() {
    let schema = r#"{"properties": {"a": {"pattern": "(a+)+$"}}}"#;
    let text = format!("a: {}!\n", "a".repeat(100_000));
    assert_eq!(breaches(schema, &[&text]), ["schema-violation 0.yml:1:4 `a` does not match `(a+)+$`"]);
    assert_eq!(told(r#"{"pattern": "((a{1000}){1000}){1000}"}"#).len(), 1);
    let many: Vec<String> = (0..501).map(|at| format!("\"p{at}\": {{\"pattern\": \"x{{{at}}}\"}}")).collect();
    assert!(told(&format!("{{\"properties\": {{{}}}}}", many.join(",")))[0].contains("500 patterns"));
}

#[test]
fn a_schema_that_nests_too_deep_or_holds_too_much_is_refused() {
    let deep = format!("{}true{}", r#"{"not": "#.repeat(70), "}".repeat(70));
    assert_eq!(told(&deep).len(), 1);
    let large = format!("{{\"description\": \"{}\"}}", "x".repeat(10 << 20));
    assert!(told(&large)[0].starts_with("a.schema.json:1:1: the file has "));
    let wide = set(&[("a.schema.json", &format!("{{\"enum\": [{}0]}}", "0, ".repeat(600_000)))]);
    assert_eq!(wide.problems.len(), 1);
}

#[test]
fn many_schemas_cost_no_more_than_all_may() {
    let reads = |path: &str| {
        let text = if path == "common.json" { r#"{"allOf": [true, true]}"# } else { r#"{"$ref": "common.json"}"# };
        Some(crate::format::json_map(text.as_bytes(), &crate::format::Limits::default()))
    };
    let roots = (0..5).map(|at| format!("s{at}.schema.json").into()).collect();
    let set = super::Set::build_within(12, roots, &crate::config::tree::Tree::default(), reads);
    let told: Vec<String> = set.problems.iter().map(ToString::to_string).collect();
    let message =
        "the schemas of the repository are too many; this one is not applied\nhint: let schemas refer to less";
    assert_eq!(told, [format!("s3.schema.json:1:1: {message}"), format!("s4.schema.json:1:1: {message}")]);
}

/// Schemas of which each applies the next one twice, below a keyword that asks what they have looked at.
fn doubled(levels: usize, asks: &str, applies: impl Fn(&str) -> String) -> String {
    let definitions: Vec<String> = (0..levels)
        .map(|at| format!("\"d{at}\": {{{}}}", applies(&format!("{{\"$ref\": \"#/$defs/d{}\"}}", at + 1))))
        .collect();
    format!("{{\"$ref\": \"#/$defs/d0\", {asks}, \"$defs\": {{{}, \"d{levels}\": {{}}}}}}", definitions.join(", "))
}

#[test]
fn compiling_costs_no_more_than_its_budget() {
    let asks = [r#""unevaluatedProperties": false"#, r#""unevaluatedItems": false"#];
    let keywords = ["anyOf", "allOf", "oneOf"].map(|name| format!("\"{name}\": [X, X]")).into_iter().chain([
        r#""if": X, "then": X, "else": X"#.to_owned(),
        r#""dependentSchemas": {"a": X, "b": X}"#.to_owned(),
        r#""not": X, "$ref": Y, "allOf": [X]"#.to_owned(),
    ]);
    for keywords in keywords {
        for asks in asks {
            let applies = |next: &str| {
                let reference = next.trim_start_matches("{\"$ref\": ").trim_end_matches('}');
                keywords.replace('X', next).replace('Y', reference)
            };
            for levels in [24, 30] {
                let told = told(&doubled(levels, asks, applies));
                let line = told[0].split(" | ").next().unwrap();
                assert!(line.starts_with("a.schema.json:1:"), "{line}");
                assert!(
                    line.ends_with("compiling the schema takes more than 64 MiB from here on"),
                    "{keywords}: {line}"
                );
            }
            assert_eq!(told(&doubled(4, asks, applies)), [""; 0], "{keywords}");
        }
    }
    let large = format!("\"anyOf\": [X, X], \"default\": \"{}\"", "x".repeat(50_000));
    assert_eq!(told(&doubled(12, asks[0], |next| large.replace('X', next))).len(), 1);
}

#[test]
fn what_is_written_out_too_deep_is_refused_before_it_takes_the_stack() {
    let chain = |length: usize| {
        let next = |at| format!("\"allOf\": [{{\"$ref\": \"#/$defs/s{at}\"}}], \"unevaluatedProperties\": false");
        let links: Vec<String> =
            (0..length).map(|at| format!("\"s{at}\": {{\"additionalProperties\": {{{}}}}}", next(at + 1))).collect();
        format!("{{{}, \"$defs\": {{{}, \"s{length}\": {{}}}}}}", next(0), links.join(", "))
    };
    assert_eq!(told(&chain(40)), [""; 0]);
    assert!(told(&chain(1_000))[0].contains("more than 200 schemas stand inside one another"));
}

#[test]
fn long_names_around_many_schemas_are_refused() {
    let around = |inner: String| format!("{{\"properties\": {{\"{}\": {inner}}}}}", "n".repeat(200_000));
    let keys = |text: &str| (0..4_000).map(|at| format!("\"k{at}\": {text}")).collect::<Vec<_>>().join(", ");
    let told = told(&around(format!("{{\"properties\": {{{}}}}}", keys("true"))));
    assert!(told[0].contains("the names around them are too long"), "{told:?}");
    let anchors = keys(r#"{"$anchor": "x"}"#);
    assert_eq!(self::told(&around(format!("{{\"default\": {{{anchors}}}}}"))), [""; 0]);
}
