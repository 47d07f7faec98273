//! How an answer is written: as a document, as variables, as a manifest, or as one bare value.

use crate::config::value::Value;

use super::manifest::Manifest;
use super::unwritable::Unwritable;
use super::variables::{self, Dialect, Naming, Reveal, Writing};
use super::{Format, flat, write};

/// How an answer is written.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Notation {
    /// A document in a format that holds every value.
    Document(Format),
    /// Variables of an environment.
    Variables(Dialect, Naming),
    /// A manifest for Kubernetes.
    Manifest(Manifest),
    /// The text of one value and nothing else.
    Raw,
}

impl From<Format> for Notation {
    fn from(format: Format) -> Self {
        Self::Document(format)
    }
}

impl Notation {
    /// The media type of an answer.
    #[must_use]
    pub const fn media_type(&self) -> &'static str {
        match self {
            Self::Document(format) => format.media_type(),
            Self::Variables(..) | Self::Raw => "text/plain;charset=UTF-8",
            Self::Manifest(_) => Format::Yaml.media_type(),
        }
    }

    /// True if every leaf is written with its whole path.
    #[must_use]
    pub const fn is_flat(&self) -> bool {
        !matches!(self, Self::Document(Format::Json | Format::Yaml) | Self::Raw)
    }

    /// Writes a value that was found at `key`. `pretty` asks for line breaks where there is a compact form as well (JSON).
    ///
    /// # Errors
    /// If a key or a value is none that this notation can carry.
    pub fn write(&self, value: &Value, key: Option<&str>, pretty: bool, reveal: Reveal) -> Result<Writing, Unwritable> {
        let text = match self {
            Self::Document(format) => write(*format, &opened(value, reveal), pretty),
            Self::Variables(dialect, naming) => {
                return variables::write(*dialect, &variables::variables(value, key, naming, reveal)?);
            }
            Self::Manifest(manifest) => manifest.write(value, key, reveal)?,
            Self::Raw => match value {
                Value::List(_) | Value::Map(_) => {
                    let key = key.map_or("the whole configuration".to_owned(), |key| format!("`{}`", flat::shown(key)));
                    let message = format!("{key} is not one value, so it cannot be written raw");
                    return Err(Unwritable::new(message, "name the key of one value, or ask for a format instead"));
                }
                value => flat::text(&opened(value, reveal)),
            },
        };
        Ok(Writing { text, warning: None })
    }
}

fn opened(value: &Value, reveal: Reveal) -> Value {
    match reveal {
        Reveal::Plain => value.revealed(),
        Reveal::Sealed => value.sealed(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::value::Map;

    #[test]
    fn a_raw_value_is_its_text_and_nothing_else() {
        let raw = |value: &Value| match Notation::Raw.write(value, Some("a.b"), false, Reveal::Plain) {
            Ok(written) => written.text,
            Err(error) => error.to_string(),
        };
        assert_eq!(raw(&"it's \"x\"\n".into()), "it's \"x\"\n");
        assert_eq!((raw(&Value::Bool(true)), raw(&Value::Null)), ("true".to_owned(), String::new()));
        assert_eq!(raw(&Value::List(vec![])), "`a.b` is not one value, so it cannot be written raw");
        assert_eq!(raw(&Value::Map(Map::new())), "`a.b` is not one value, so it cannot be written raw");
    }
}
