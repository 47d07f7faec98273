//! The JSON of property sources: an array of names with flat keys, and on demand the place of each value.

use std::fmt::Write as _;
use std::sync::Arc;

use crate::config::growth::{self, Growth, TooLarge};
use crate::config::value::Value;
use crate::format::spring::json;

use super::{Environment, OVERRIDES, PropertySource};

/// What stands for a place in the source of overrides.
const OF_SETTINGS: &str = "Config server overrides";

/// How property sources are wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SourcesSpelling {
    /// Each value with its place in the file (v2 of the media type).
    pub origins: bool,
    /// Secrets as plain text, for those who may read them; else as they are sealed.
    pub reveal: bool,
}

/// The array `propertySources`, strongest first; `name` names a source.
///
/// # Errors
/// If it grows beyond the limit of the environment.
pub fn spell_sources(
    environment: &Environment,
    spelling: SourcesSpelling,
    name: impl Fn(&PropertySource) -> String,
) -> Result<String, TooLarge> {
    let mut growth = Growth::new(environment.limit);
    let mut out = "[".to_owned();
    for (index, source) in environment.sources.iter().enumerate() {
        out.push_str(if index > 0 { ",{\"name\":" } else { "{\"name\":" });
        json::put_text(&mut out, &name(source));
        out.push_str(",\"source\":{");
        for (index, property) in source.properties().enumerate() {
            if index > 0 {
                out.push(',');
            }
            let written = out.len();
            json::put_text(&mut out, property.key);
            out.push(':');
            let value = property.value();
            let value = match (&value, spelling.reveal) {
                (Value::Secret(_), true) => value.revealed(),
                (Value::Secret(_), false) => value.sealed(),
                _ => value,
            };
            let origin = match property.at {
                _ if !spelling.origins => None,
                Some(at) => Some(format!("{}:{}", at.line, at.column)),
                None => (*source.file == *OVERRIDES).then(|| OF_SETTINGS.to_owned()),
            };
            match origin {
                None => json::put(&mut out, &value),
                Some(origin) => {
                    out.push_str("{\"value\":");
                    json::put(&mut out, &value);
                    write!(out, ",\"origin\":\"{origin}\"}}").expect("writing to a string cannot fail");
                }
            }
            let place = || Some((Arc::clone(&source.file), property.at?));
            let key = || growth::cut(property.key).to_owned();
            growth.add(out.len() - written, key).map_err(|error| TooLarge { place: place(), ..error })?;
        }
        out.push_str("}}");
    }
    out.push(']');
    Ok(out)
}

impl Environment {
    /// True if an opened secret is among the values.
    #[must_use]
    pub fn has_secret(&self) -> bool {
        self.sources.iter().any(PropertySource::has_secret)
    }
}
