//! A text that is put together from texts and values, as both kinds of placeholder do it.

use std::borrow::Cow;
use std::sync::Arc;

use zeroize::Zeroizing;

use super::secret_string::SecretString;
use super::value::{Opened, Value};

/// A text while it is put together. A secret in it makes all of it secret.
#[derive(Default)]
pub(crate) struct Joined {
    text: Zeroizing<String>,
    /// The text with secrets as they are sealed, from the first one on.
    sealed: Option<String>,
}

impl Joined {
    /// How many bytes the text has, secrets opened.
    pub(crate) fn len(&self) -> usize {
        self.text.len()
    }

    pub(crate) fn push_text(&mut self, text: &str) {
        self.text.push_str(text);
        self.sealed.iter_mut().for_each(|sealed| sealed.push_str(text));
    }

    /// Adds a value; `spelled` says how one that is no secret is spelled inside text.
    pub(crate) fn push(&mut self, value: &Value, spelled: impl FnOnce(&Value) -> Cow<'_, str>) {
        let Value::Secret(secret) = value else { return self.push_text(&spelled(value)) };
        self.push_sealed(&secret.sealed);
        self.push_hidden(secret.plain.expose());
    }

    /// Says that a secret follows, with its sealed form; [`Self::push_hidden`] adds the secret.
    pub(crate) fn push_sealed(&mut self, sealed: &str) {
        self.sealed.get_or_insert_with(|| self.text.to_string()).push_str(sealed);
    }

    /// Adds a part of a secret of which the sealed form has been added.
    pub(crate) fn push_hidden(&mut self, text: &str) {
        self.text.push_str(text);
    }

    pub(crate) fn into_value(mut self) -> Value {
        match self.sealed {
            None => Value::from(self.text.as_str()),
            Some(sealed) => Value::Secret(Opened {
                sealed: Arc::from(sealed),
                plain: SecretString::new(std::mem::take(&mut *self.text)),
            }),
        }
    }
}
