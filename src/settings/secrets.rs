//! The settings of sealed values: which keys there are and where each is kept, and what happens where one does not open.
//!
//! Keys that stand in the settings are checked when they are read; files are opened by whoever needs them, in `keys/`.

use std::path::PathBuf;

use crate::config::secret_string::SecretString;
use crate::secret::key::{Key, KeyId};
use crate::snapshot::OnFailure;

/// The keys of sealed values, and what happens to a value that does not open.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SecretSettings {
    /// The keys; no two have one id.
    pub keys: Vec<KeySettings>,
    /// The key that seals, which is one of them; `None`: the first.
    pub encrypt_with: Option<KeyId>,
    /// What is served where a value does not open.
    pub on_failure: OnFailure,
    /// Whether `/decrypt` answers.
    pub decrypt: bool,
    /// What opens values in Spring's form.
    pub spring: Option<SpringSettings>,
}

/// One key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeySettings {
    /// Its index in `secrets.keys`, by which users find it.
    pub index: usize,
    /// Its name in sealed values.
    pub id: KeyId,
    /// Where it is kept.
    pub place: KeyPlace,
}

/// Where a key is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KeyPlace {
    /// In a file that holds its text.
    File(PathBuf),
    /// In the settings themselves.
    Value(Key),
    /// It is made of the pass phrase in this file.
    PassPhraseFile(PathBuf),
}

/// Spring's symmetric key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SpringSettings {
    /// The pass phrase, `encrypt.key` of Spring.
    pub phrase: PhrasePlace,
    /// The salt, an even number of hexadecimal digits.
    pub salt: String,
}

/// Where a pass phrase is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PhrasePlace {
    /// In the settings themselves.
    Value(SecretString),
    /// In a file.
    File(PathBuf),
}

impl SecretSettings {
    /// True if there is no key of any form.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.keys.is_empty() && self.spring.is_none()
    }
}

/// One key as far as it is given.
#[derive(Debug, Default)]
pub(super) struct KeyDraft {
    /// Its name in sealed values.
    pub(super) id: Option<KeyId>,
    /// Where it is kept.
    pub(super) place: Option<KeyPlace>,
}

/// Spring's symmetric key as far as it is given.
#[derive(Debug, Default)]
pub(super) struct SpringDraft {
    /// The pass phrase.
    pub(super) phrase: Option<PhrasePlace>,
    /// The salt.
    pub(super) salt: String,
}
