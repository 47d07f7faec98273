//! The settings of webhooks: which secrets there are, and where.

use std::path::PathBuf;

use crate::config::secret_string::SecretString;
use crate::http::webhook::WebhookSecret;
use crate::http::webhook::host::Host;
use crate::source::private::{self, Unfit};

/// The longest secret, in bytes.
const LONGEST: usize = 4 << 10;

/// A secret of the settings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WebhookSettings {
    /// The host that signs with it.
    pub host: Host,
    /// Where it is.
    pub place: SecretPlace,
}

/// Where a secret is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SecretPlace {
    /// In a file.
    File(PathBuf),
    /// In the settings themselves.
    Value(SecretString),
}

/// The same as it is given.
#[derive(Debug, Clone, Default)]
pub(super) struct SecretDraft {
    pub(super) host: Option<Host>,
    pub(super) place: Option<SecretPlace>,
}

impl WebhookSettings {
    /// The secret, read from its file if it is in one.
    ///
    /// # Errors
    /// If the file cannot be read, or others can.
    pub fn load(&self) -> Result<WebhookSecret, Unfit> {
        let secret = match &self.place {
            SecretPlace::File(path) => private::read_line(path, LONGEST)?,
            SecretPlace::Value(text) => text.clone(),
        };
        Ok(WebhookSecret { host: self.host, secret })
    }
}
