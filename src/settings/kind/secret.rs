//! Secrets that stand in the settings themselves. They are never shown, and no mistake repeats them.

use std::path::Path;

use serde_json::{Value as Json, json};

use crate::config::layer::Data;
use crate::config::secret_string::SecretString;
use crate::secret::key::Key;

use super::{Kind, ReadValue, Reason, line};

/// A password or token.
pub(in crate::settings) struct Credential;

impl Kind for Credential {
    type Value = SecretString;

    fn read(&self, data: &Data, _: &Path) -> Result<ReadValue<SecretString>, Reason> {
        hidden(data).map(|text| ReadValue::secret(SecretString::new(text)))
    }

    fn schema(&self) -> Json {
        json!({ "type": "string" })
    }

    fn takes_empty_for_nothing(&self) -> bool {
        true
    }
}

/// The text of a key.
pub(in crate::settings) struct KeyText;

impl Kind for KeyText {
    type Value = Key;

    fn read(&self, data: &Data, _: &Path) -> Result<ReadValue<Key>, Reason> {
        Key::from_text(hidden(data)?).map(ReadValue::secret).map_err(|error| {
            Reason::from(format!("cannot be used: {error}")).with_hint("make a key with `layerd keygen`")
        })
    }

    fn schema(&self) -> Json {
        json!({ "type": "string" })
    }

    fn takes_empty_for_nothing(&self) -> bool {
        true
    }
}

/// The text of a secret.
fn hidden(data: &Data) -> Result<&str, Reason> {
    line(data).map_err(|reason| match data {
        Data::Text(_) => reason,
        _ => Reason { message: "is something else, but takes text".to_owned(), ..reason },
    })
}
