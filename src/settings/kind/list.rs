//! Lists of texts: every item is checked, and a mistake is told at the place of its item.

use std::path::Path;

use serde_json::{Value as Json, json};

use crate::config::foreign;
use crate::config::layer::Data;
use crate::config::select::SearchPaths;
use crate::store::patterns::Patterns;

use super::{Kind, ReadValue, Reason, describe, quoted, shown};

/// A list of texts, of which a function tells what is wrong with one.
pub(in crate::settings) struct TextList {
    fault: fn(&str) -> Option<String>,
}

impl Kind for TextList {
    type Value = Vec<String>;

    const IS_LIST: bool = true;

    fn read(&self, data: &Data, _: &Path) -> Result<ReadValue<Vec<String>>, Reason> {
        let Data::List(items) = data else {
            return Err(Reason::unlike(data, "a list").with_hint("write it as `[one, two]`"));
        };
        let mut texts = Vec::with_capacity(items.len());
        for item in items {
            let fault = match &item.data {
                Data::Text(text) => {
                    texts.push(text.to_string());
                    (self.fault)(text)
                }
                other => Some(format!("holds {}, but takes texts", describe(other))),
            };
            if let Some(message) = fault {
                return Err(Reason { at: Some(item.at), ..message.into() });
            }
        }
        let shown: Vec<_> = texts.iter().map(|text| quoted(&foreign::without_logins(text))).collect();
        let shown = format!("[{}]", shown.join(", "));
        Ok(ReadValue::new(texts, shown))
    }

    fn schema(&self) -> Json {
        json!({ "type": "array", "items": { "type": "string" } })
    }
}

fn empty(text: &str) -> Option<String> {
    text.is_empty().then(|| "holds an empty text".to_owned())
}

/// Globs.
pub(in crate::settings) const fn globs() -> TextList {
    TextList {
        fault: |text| {
            let invalid = || globset::Glob::new(text).err();
            empty(text).or_else(|| invalid().map(|error| format!("holds no glob: {}", shown(&error.to_string()))))
        },
    }
}

/// Patterns of addresses.
pub(in crate::settings) const fn patterns() -> TextList {
    TextList {
        fault: |text| {
            let invalid = || Patterns::parse(&[text]).err();
            empty(text).or_else(|| invalid().map(|error| format!("holds {}", shown(&error.to_string()))))
        },
    }
}

/// Search paths.
pub(in crate::settings) const fn search_paths() -> TextList {
    TextList { fault: |text| SearchPaths::parse(&[text]).err().map(|error| format!("holds no search path: {error}")) }
}
