//! The JSON Schema of the settings file, for editors, made of the table of settings.

use serde_json::{Map, Value, json};

use super::known::{self, KNOWN, Known};
use super::unit;
use super::value::{self, Kind, Span};

/// A JSON Schema (draft 2020-12) of the settings file.
#[must_use]
pub fn schema() -> Value {
    let mut root = json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "settings of layerd",
    });
    close(&mut root);
    for known in KNOWN {
        let steps: Vec<&str> = known.name.split('.').collect();
        if let Some((last, groups)) = steps.split_last() {
            let group = groups.iter().fold(&mut root, |group, step| descend(group, step));
            properties(group).insert((*last).to_owned(), describe(known));
        }
    }
    root
}

/// The schema of the group called `step`, made if it is new.
fn descend<'a>(group: &'a mut Value, step: &str) -> &'a mut Value {
    let name = step.trim_end_matches("[]");
    let is_new = !properties(group).contains_key(name);
    let inner = properties(group).entry(name).or_insert_with(|| json!({}));
    let inner = match step == name {
        true => inner,
        false => {
            inner["type"] = json!("array");
            &mut inner["items"]
        }
    };
    if is_new {
        *inner = json!({});
        close(inner);
    }
    inner
}

fn close(group: &mut Value) {
    group["type"] = json!("object");
    group["additionalProperties"] = json!(false);
    group["properties"] = json!({});
}

fn properties(group: &mut Value) -> &mut Map<String, Value> {
    group["properties"].as_object_mut().expect("a closed group has properties")
}

fn describe(known: &Known) -> Value {
    let mut schema = of_kind(known.kind);
    schema["description"] = json!(known.because);
    if let Some(value) = known::default_of(known) {
        schema["default"] = to_json(&value);
    }
    schema
}

fn of_kind(kind: Kind) -> Value {
    match kind {
        Kind::Choice(words, _) => json!({ "enum": words }),
        Kind::Switch => json!({ "type": "boolean" }),
        Kind::Number(Span { least, most }) => json!({ "type": "integer", "minimum": least, "maximum": most }),
        Kind::Size(Span { least, most }) => json!({
            "type": ["integer", "string"],
            "minimum": least,
            "maximum": most,
            "pattern": "^[0-9]+(B|KiB|MiB|GiB)?$",
        }),
        Kind::Time(_) => {
            json!({ "type": "string", "pattern": "^([0-9]+d)?([0-9]+h)?([0-9]+m)?([0-9]+s)?([0-9]+ms)?$", "minLength": 2 })
        }
        Kind::KeyId => json!({ "type": "string", "pattern": "^[a-z0-9-]{1,32}$" }),
        Kind::Salt => json!({ "type": "string", "pattern": "^([0-9A-Fa-f]{2})+$" }),
        Kind::Globs | Kind::Folders | Kind::Patterns => json!({ "type": "array", "items": { "type": "string" } }),
        _ => json!({ "type": "string" }),
    }
}

fn to_json(value: &value::Value) -> Value {
    match value {
        value::Value::Text(text) => json!(text),
        value::Value::Texts(texts) => json!(texts),
        value::Value::Switch(value) => json!(value),
        value::Value::Number(number) => json!(number),
        value::Value::Size(bytes) => json!(unit::spell_size(*bytes)),
        value::Value::Time(time) => json!(unit::spell_time(*time)),
        value::Value::Address(address) => json!(address.to_string()),
        // Nobody's URL, path or secret is a default.
        value::Value::Git(_) | value::Value::Path(_) | value::Value::Secret(_) | value::Value::Key(_) => Value::Null,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_setting_has_a_place_with_its_default() {
        let schema = schema();
        assert_eq!(
            schema["properties"]["http"]["properties"]["listen"],
            json!({
                "type": "string",
                "description": known::find("http.listen").unwrap().because,
                "default": "127.0.0.1:8888",
            })
        );
        let source = &schema["properties"]["sources"]["items"];
        assert_eq!(source["additionalProperties"], json!(false));
        let keys = &schema["properties"]["secrets"]["properties"]["keys"];
        assert_eq!(keys["type"], json!("array"));
        assert_eq!(keys["items"]["properties"]["id"]["pattern"], json!("^[a-z0-9-]{1,32}$"));
        assert_eq!(source["properties"]["search-paths"]["default"], json!(["{application}"]));
        assert_eq!(source["properties"]["credentials"]["properties"]["token"]["type"], json!("string"));
        assert_eq!(schema["properties"]["limits"]["properties"]["depth"]["maximum"], json!(128));
    }

    #[test]
    fn groups_are_closed_and_what_is_not_available_is_in_none() {
        let text = schema().to_string();
        for absent in known::NOT_AVAILABLE {
            let last = absent.rsplit('.').next().unwrap();
            assert!(!text.contains(&format!("\"{last}\":")), "{absent}");
        }
        assert_eq!(text.matches(r#""additionalProperties":false"#).count(), text.matches(r#""properties":{"#).count());
    }
}
