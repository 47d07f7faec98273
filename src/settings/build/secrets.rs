//! The keys of sealed values: each with an id and in one place, no two alike, and the one that seals among them.

use crate::settings::inputs::{Inputs, at};
use crate::settings::origin::Mistake;
use crate::settings::secrets::{KeyDraft, KeyPlace, KeySettings, SecretSettings, SpringDraft, SpringSettings};
use crate::settings::table::KEYS;

const ID: &str = "secrets.keys[].id";
const ENCRYPT_WITH: &str = "secrets.encrypt-with";
const SALT: &str = "secrets.spring.salt";

/// Where a key may be kept, each of them in one place.
const PLACES: [&str; 3] = ["secrets.keys[].file", "secrets.keys[].value", "secrets.keys[].pass-phrase-file"];

/// Where Spring's pass phrase may be kept.
const PHRASES: [&str; 2] = ["secrets.spring.key", "secrets.spring.key-file"];

pub(super) fn build(inputs: &mut Inputs) -> SecretSettings {
    let mut keys: Vec<(usize, KeyDraft)> = Vec::new();
    for index in inputs.indexes(KEYS) {
        let key = key(inputs, index);
        refuse_twins(inputs, &keys, (index, &key));
        keys.push((index, key));
    }
    let spring = spring(inputs);
    let settings: SecretSettings = inputs.build(0);
    refuse_unknown(inputs, &settings, &keys);
    let whole = |(index, key): (usize, KeyDraft)| Some(KeySettings { index, id: key.id?, place: key.place? });
    SecretSettings { keys: keys.into_iter().filter_map(whole).collect(), spring, ..settings }
}

fn key(inputs: &mut Inputs, index: usize) -> KeyDraft {
    inputs.choose_latest(index, &PLACES);
    let key: KeyDraft = inputs.build(index);
    if key.id.is_none() && !inputs.is_refused(ID, index) {
        lacks(inputs, index, "no `id`", "add `id:`, such as `prod-2026a`; sealed values name their key by it");
    }
    if key.place.is_none() && !PLACES.iter().any(|name| inputs.is_refused(name, index)) {
        let hint = "add `file:` with the path of a key that `layerd keygen --out` has made";
        lacks(inputs, index, "none of `file`, `value` and `pass-phrase-file`", hint);
    }
    key
}

fn lacks(inputs: &mut Inputs, index: usize, what: &str, hint: &str) {
    let begun = inputs.begun(KEYS, index).filter(|_| !inputs.is_unread(KEYS)).cloned();
    if let Some(origin) = begun {
        inputs.mistake(Mistake::new(&origin, format!("`{}` has {what}", at(KEYS, index))).with_hint(hint));
    }
}

/// Two keys of one id could not be told apart; one key under two ids would hide which of them a value needs.
fn refuse_twins(inputs: &mut Inputs, earlier: &[(usize, KeyDraft)], (index, key): (usize, &KeyDraft)) {
    let mut refuse = |name, hint, is_twin: &dyn Fn(&KeyDraft) -> bool| {
        let twin = earlier.iter().find(|(_, other)| is_twin(other));
        if let (Some((twin, _)), Some(origin)) = (twin, inputs.origin(name, index).cloned()) {
            let message = format!("`{}` is the same as `{}`", at(name, index), at(name, *twin));
            inputs.mistake(Mistake::new(&origin, message).with_hint(hint));
        }
    };
    if key.id.is_some() {
        refuse(ID, "give each key an id of its own", &|other| other.id == key.id);
    }
    let name = match key.place {
        Some(KeyPlace::File(_)) => PLACES[0],
        Some(KeyPlace::Value(_)) => PLACES[1],
        // One phrase in one file makes another key for each id.
        Some(KeyPlace::PassPhraseFile(_)) | None => return,
    };
    refuse(name, "give each id a key of its own", &|other| other.place == key.place);
}

/// The key that seals must be one of the keys; nothing is said where not all of them are known.
fn refuse_unknown(inputs: &mut Inputs, settings: &SecretSettings, keys: &[(usize, KeyDraft)]) {
    let ids: Option<Vec<&str>> = keys.iter().map(|(_, key)| Some(key.id.as_ref()?.as_str())).collect();
    let (Some(wanted), Some(ids), false) = (&settings.encrypt_with, ids, inputs.is_unread(KEYS)) else { return };
    let Some(origin) = inputs.origin(ENCRYPT_WITH, 0).filter(|_| !ids.contains(&wanted.as_str())) else { return };
    let message = format!("`{ENCRYPT_WITH}` is `{wanted}`, which is the `id` of no key");
    let hint = match ids.as_slice() {
        [] => "add the key to `secrets.keys`".to_owned(),
        ids => format!("the keys are `{}`", ids.join("`, `")),
    };
    let mistake = Mistake::new(origin, message).with_hint(hint);
    inputs.mistake(mistake);
}

fn spring(inputs: &mut Inputs) -> Option<SpringSettings> {
    inputs.choose_latest(0, &PHRASES);
    let SpringDraft { phrase, salt } = inputs.build(0);
    if let (None, Some(given)) = (&phrase, inputs.origin(SALT, 0))
        && !PHRASES.iter().any(|name| inputs.is_refused(name, 0))
    {
        let warning = Mistake::new(given, format!("`{SALT}` has no effect without `secrets.spring.key`"));
        inputs.warnings.push(warning);
    }
    Some(SpringSettings { phrase: phrase?, salt })
}
