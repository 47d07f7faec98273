//! The merged whole as one JSON object of flat keys, as clients that know nothing of layers and nesting want it.
//!
//! Placeholders stay untouched: those clients resolve them.

use crate::config::effective::Leaf;
use crate::config::growth::Growth;
use crate::config::value::{Map, Value};
use crate::format::{self, Format};

use super::{AnswerError, Selection, Spelled, etag, seal};

/// The flat keys of a selection, each with its value or, `with_origins`, with that and the place of the value.
///
/// # Errors
/// [`AnswerError::TooLarge`].
pub fn flat_json(selection: &Selection, with_origins: bool) -> Result<Spelled, AnswerError> {
    let effective = selection.effective();
    effective.count_paths(&selection.layers, &mut Growth::new(selection.limit))?;
    let leaves = effective.leaves();
    let entry = |leaf: &Leaf<'_>| {
        let value = value(leaf);
        let told = if with_origins { located(leaf, value) } else { value };
        (leaf.path.as_str().into(), told)
    };
    let flat = Value::Map(leaves.iter().map(entry).collect());
    let write = |value: &Value| format::write(Format::Json, value, false);
    if !flat.has_secret() {
        return Ok(seal(Format::Json, write(&flat)));
    }
    let etag = etag(Format::Json, &write(&flat.sealed()));
    Ok(Spelled { etag, body: write(&flat.revealed()).into(), is_secret: true, warning: None })
}

/// Null, `{}` and `[]` are empty texts, which is how clients know a key without a value.
fn value(leaf: &Leaf<'_>) -> Value {
    match leaf.data.to_value() {
        Value::Null | Value::List(_) | Value::Map(_) => Value::from(""),
        value => value,
    }
}

fn located(leaf: &Leaf<'_>, value: Value) -> Value {
    let at = leaf.place.at;
    let origin = Value::from(format!("{}:{}", at.line, at.column).as_str());
    Value::Map(Map::from_iter([("value".into(), value), ("origin".into(), origin)]))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::config::layer::Layer;
    use crate::format::Limits;

    fn told(texts: &[&str], with_origins: bool) -> String {
        let layer = |text: &&str| {
            let body = Arc::new(format::read(Format::Yaml, text.as_bytes(), &Limits::default()));
            Layer { path: Arc::from("a.yml"), body, index: 0 }
        };
        let layers: Vec<_> = texts.iter().map(layer).collect();
        let parts = vec![layers.len()];
        let selection = Selection {
            semantics: crate::config::semantics::Semantics::Native,
            layers,
            parts,
            limit: 16 << 20,
            fingerprint: super::super::Fingerprint::default(),
        };
        String::from_utf8_lossy(&flat_json(&selection, with_origins).unwrap().body).into_owned()
    }

    #[test]
    fn keys_are_flat_values_keep_their_types_and_placeholders_stay() {
        let texts = ["a: {b: 1, c: [x, {y: true}]}\nn: ~\ne: {}", "a.b: ${n}"];
        assert_eq!(told(&texts, false), r#"{"a.b":"${n}","a.c[0]":"x","a.c[1].y":true,"n":"","e":""}"#);
        assert_eq!(told(&["a:\n  b: 1"], true), r#"{"a.b":{"value":1,"origin":"2:6"}}"#);
        assert_eq!(told(&[], false), "{}");
    }
}
