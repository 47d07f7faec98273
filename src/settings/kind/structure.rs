//! Settings that are maps and lists of their own. How one is taken apart is for `build/`, which can tell of every mistake in it.

use std::path::Path;

use serde_json::{Value as Json, json};

use crate::config::layer::Data;
use crate::settings::structure::Structured;

use super::{Kind, ReadValue, Reason};

/// The settings that are structures.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::settings) enum Structure {
    /// Lists of scopes by the name of the role.
    Roles,
    /// A list of users.
    Users,
}

impl Kind for Structure {
    type Value = Structured;

    fn read(&self, data: &Data, _: &Path) -> Result<ReadValue<Structured>, Reason> {
        let value = Structured::read(data)?;
        let shown = value.shown();
        Ok(ReadValue::new(value, shown))
    }

    fn schema(&self) -> Json {
        let texts = json!({ "type": ["array", "string"], "items": { "type": "string" } });
        match self {
            Self::Roles => json!({ "type": "object", "additionalProperties": texts }),
            Self::Users => json!({ "type": "array", "items": {
                "type": "object",
                "additionalProperties": false,
                "required": ["name", "password-hash", "roles"],
                "properties": {
                    "name": { "type": "string" },
                    "password-hash": { "type": "string", "pattern": "^\\$argon2id\\$" },
                    "roles": texts,
                },
            } }),
        }
    }
}
