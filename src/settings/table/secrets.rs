//! The rows of `secrets`: the keys of sealed values, and what happens to a value that does not open.

use crate::settings::kind::{Choice, Credential, KeyText, LocalPath, Switch, key_id, salt};
use crate::settings::row::{Row, optional, row};
use crate::settings::secrets::{KeyDraft, KeyPlace, PhrasePlace, SecretSettings, SpringDraft};
use crate::snapshot::OnFailure;

pub(super) const ROWS: &[Row] = &[
    optional!(
        "secrets.keys[].id",
        key_id(),
        "The name of the key in sealed values: up to 32 of `a`-`z`, `0`-`9` and `-`, such as `prod-2026a`. Exactly the key that a value names is tried, so that an id is never used for another key.",
        |key: &mut KeyDraft, id| key.id = Some(id),
    ),
    optional!(
        "secrets.keys[].file",
        LocalPath,
        "The file with the key, as `layerd keygen --out` makes it; nobody else may read it ([security.md](security.md#keys)). A file, because it can be exchanged while the server runs and shows up in no process list. This, `value` or `pass-phrase-file`.",
        |key: &mut KeyDraft, path| key.place = Some(KeyPlace::File(path)),
    ),
    optional!(
        "secrets.keys[].value",
        KeyText,
        "The key itself, `layerdkey_` and 48 characters. For the environment; in a file that people read, `file` is the better place.",
        |key: &mut KeyDraft, text| key.place = Some(KeyPlace::Value(text)),
    ),
    optional!(
        "secrets.keys[].pass-phrase-file",
        LocalPath,
        "The file with a pass phrase of at least 16 characters, of which argon2id makes the key. For people who must remember it; a random key is stronger.",
        |key: &mut KeyDraft, path| key.place = Some(KeyPlace::PassPhraseFile(path)),
    ),
    optional!(
        "secrets.encrypt-with",
        key_id(),
        "The id of the key that seals new values; the others only open. Without it the first key.",
        |s: &mut SecretSettings, v| s.encrypt_with = Some(v),
    ),
    row!(
        "secrets.on-failure",
        Choice(&[("pin", OnFailure::Pin), ("invalid", OnFailure::Invalid), ("leave", OnFailure::Leave)]),
        "pin",
        "What is served where a sealed value does not open. `pin`: the services that hold it stay at the last commit at which it opened, because a weaker layer's password would otherwise win silently. `invalid`: `invalid.<key>` in its place, as Spring does. `leave`: the sealed text, for clients that open it themselves.",
        |s: &mut SecretSettings, v| s.on_failure = v,
    ),
    row!(
        "secrets.decrypt",
        Switch,
        "false",
        "Lets `/decrypt` answer. Off, because whoever may ask it can read every secret of the repository; `layerd decrypt` opens values where the key is.",
        |s: &mut SecretSettings, v| s.decrypt = v,
    ),
    optional!(
        "secrets.spring.key",
        Credential,
        "The pass phrase that Spring calls `encrypt.key`, to open what Spring sealed. For the environment; in a file that people read, `key-file` is the better place.",
        |s: &mut SpringDraft, v| s.phrase = Some(PhrasePlace::Value(v)),
    ),
    optional!(
        "secrets.spring.key-file",
        LocalPath,
        "The file with that pass phrase; nobody else may read it.",
        |s: &mut SpringDraft, v| s.phrase = Some(PhrasePlace::File(v)),
    ),
    row!(
        "secrets.spring.salt",
        salt(),
        "deadbeef",
        "What Spring calls `encrypt.salt`, an even number of hexadecimal digits. The default is Spring's, so that what it sealed opens here.",
        |s: &mut SpringDraft, v| s.salt = v,
    ),
];
