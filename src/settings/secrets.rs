//! The settings of sealed values: which keys there are and where each is kept, and what happens where one does not open.
//!
//! Keys that stand in the settings are checked here; files are opened by whoever needs them, in `keys/`.

use std::path::PathBuf;

use crate::config::secret_string::SecretString;
use crate::secret::key::{Key, KeyId};
use crate::snapshot::OnFailure;

use super::inputs::{Found, at};
use super::known::KEYS;
use super::origin::{Mistake, Origin};
use super::value::Value;
use super::values::{Values, latest};

const ID: &str = "secrets.keys[].id";
const ENCRYPT_WITH: &str = "secrets.encrypt-with";
const SALT: &str = "secrets.spring.salt";

/// Where a key may be kept, each of them in one place.
const PLACES: [&str; 3] = ["secrets.keys[].file", "secrets.keys[].value", "secrets.keys[].pass-phrase-file"];

/// Where Spring's pass phrase may be kept.
const PHRASES: [&str; 2] = ["secrets.spring.key", "secrets.spring.key-file"];

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

/// Builds the settings; `None` if a mistake leaves something without a value.
pub(super) fn build(found: &mut Found) -> Option<SecretSettings> {
    let indexes = found.indexes(KEYS);
    let mut keys = Vec::with_capacity(indexes.len());
    for (position, index) in indexes.iter().enumerate() {
        keys.extend(key(found, *index));
        refuse_twin(found, &indexes[..position], *index);
    }
    let spring = spring(found);
    refuse_unknown(found, &indexes);
    let values = Values { found, index: 0 };
    let on_failure = match values.text("secrets.on-failure")?.as_str() {
        "invalid" => OnFailure::Invalid,
        "leave" => OnFailure::Leave,
        _ => OnFailure::Pin,
    };
    let encrypt_with = values.text(ENCRYPT_WITH).and_then(|id| KeyId::new(&id).ok());
    Some(SecretSettings { keys, encrypt_with, on_failure, decrypt: values.switch("secrets.decrypt")?, spring })
}

fn key(found: &mut Found, index: usize) -> Option<KeySettings> {
    let id = Values { found, index }.text(ID);
    if id.is_none() && !found.is_refused(ID, index) {
        lacks(found, index, "no `id`", "add `id:`, such as `prod-2026a`; sealed values name their key by it");
    }
    let place = match latest(found, index, &PLACES) {
        // The other places are forgotten now.
        Some(Value::Path(path)) if found.get(PLACES[0], index).is_some() => Some(KeyPlace::File(path)),
        Some(Value::Path(path)) => Some(KeyPlace::PassPhraseFile(path)),
        Some(Value::Key(key)) => Some(KeyPlace::Value(key)),
        _ => None,
    };
    if place.is_none() && !PLACES.iter().any(|name| found.is_refused(name, index)) {
        let hint = "add `file:` with the path of a key that `layerd keygen --out` has made";
        lacks(found, index, "none of `file`, `value` and `pass-phrase-file`", hint);
    }
    Some(KeySettings { index, id: KeyId::new(&id?).ok()?, place: place? })
}

fn lacks(found: &mut Found, index: usize, what: &str, hint: &str) {
    let begun = found.begun(KEYS, index).filter(|_| !found.is_unread(KEYS)).cloned();
    if let Some(origin) = begun {
        found.mistake(Mistake::new(&origin, format!("`{}` has {what}", at(KEYS, index))).with_hint(hint));
    }
}

/// Two keys of one id could not be told apart; one key under two ids would hide which of them a value needs.
fn refuse_twin(found: &mut Found, earlier: &[usize], index: usize) {
    for (name, hint) in [
        (ID, "give each key an id of its own"),
        (PLACES[0], "give each id a key of its own"),
        (PLACES[1], "give each id a key of its own"),
    ] {
        let Some(given) = found.get(name, index) else { continue };
        let is_twin = |other: &&usize| found.get(name, **other).is_some_and(|other| other.value == given.value);
        if let Some(twin) = earlier.iter().find(is_twin) {
            let message = format!("`{}` is the same as `{}`", at(name, index), at(name, *twin));
            let mistake = Mistake::new(&given.origin, message).with_hint(hint);
            found.mistake(mistake);
        }
    }
}

/// The key that seals must be one of the keys; nothing is said where not all of them are known.
fn refuse_unknown(found: &mut Found, indexes: &[usize]) {
    let text = |name, index| Values { found, index }.text(name);
    let ids: Option<Vec<String>> = indexes.iter().map(|index| text(ID, *index)).collect();
    let (Some(wanted), Some(ids), false) = (text(ENCRYPT_WITH, 0), ids, found.is_unread(KEYS)) else { return };
    let Some(given) = found.get(ENCRYPT_WITH, 0).filter(|_| !ids.contains(&wanted)) else { return };
    let message = format!("`{ENCRYPT_WITH}` is `{wanted}`, which is the `id` of no key");
    let hint = match ids.as_slice() {
        [] => "add the key to `secrets.keys`".to_owned(),
        ids => format!("the keys are `{}`", ids.join("`, `")),
    };
    let mistake = Mistake::new(&given.origin, message).with_hint(hint);
    found.mistake(mistake);
}

fn spring(found: &mut Found) -> Option<SpringSettings> {
    let phrase = match latest(found, 0, &PHRASES) {
        Some(Value::Secret(phrase)) => Some(PhrasePlace::Value(phrase)),
        Some(Value::Path(path)) => Some(PhrasePlace::File(path)),
        _ => None,
    };
    let salt = found.get(SALT, 0).filter(|given| given.origin != Origin::Default);
    if let (None, Some(salt)) = (&phrase, salt)
        && !PHRASES.iter().any(|name| found.is_refused(name, 0))
    {
        let warning = Mistake::new(&salt.origin, format!("`{SALT}` has no effect without `secrets.spring.key`"));
        found.warnings.push(warning);
    }
    Some(SpringSettings { phrase: phrase?, salt: Values { found, index: 0 }.text(SALT)? })
}
