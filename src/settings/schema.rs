//! The JSON Schema of the settings file, for editors, made of the table of settings.

use serde_json::{Map, Value, json};

use super::row::Row;
use super::table::rows;

/// A JSON Schema (draft 2020-12) of the settings file.
#[must_use]
pub fn schema() -> Value {
    let mut root = json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "settings of layerd",
    });
    close(&mut root);
    for row in rows() {
        let steps: Vec<&str> = row.name.split('.').collect();
        if let Some((last, groups)) = steps.split_last() {
            let group = groups.iter().fold(&mut root, |group, step| descend(group, step));
            properties(group).insert((*last).to_owned(), describe(row));
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

fn describe(row: &Row) -> Value {
    let mut schema = row.schema();
    schema["description"] = json!(row.because);
    // A default is spelled as a settings file would.
    if let Some(value) = row.default.and_then(|text| serde_yaml::from_str(text).ok()) {
        schema["default"] = value;
    }
    schema
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::table;

    #[test]
    fn every_setting_has_a_place_with_its_default() {
        let schema = schema();
        assert_eq!(
            schema["properties"]["http"]["properties"]["listen"],
            json!({
                "type": "string",
                "description": table::find("http.listen").unwrap().because,
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
        for absent in table::NOT_AVAILABLE {
            let last = absent.rsplit('.').next().unwrap();
            assert!(!text.contains(&format!("\"{last}\":")), "{absent}");
        }
        assert_eq!(text.matches(r#""additionalProperties":false"#).count(), text.matches(r#""properties":{"#).count());
    }
}
