//! The secrets of webhooks: each with a host, and in one place.

use crate::settings::inputs::{Inputs, at};
use crate::settings::origin::Mistake;
use crate::settings::table::WEBHOOKS;
use crate::settings::webhooks::{SecretDraft, WebhookSettings};

const KIND: &str = "webhooks.secrets[].kind";

/// Where a secret may be kept.
const PLACES: [&str; 2] = ["webhooks.secrets[].secret-file", "webhooks.secrets[].secret"];

pub(super) fn build(inputs: &mut Inputs) -> Vec<WebhookSettings> {
    let secrets = inputs.indexes(WEBHOOKS).into_iter().filter_map(|index| secret(inputs, index));
    secrets.collect()
}

fn secret(inputs: &mut Inputs, index: usize) -> Option<WebhookSettings> {
    inputs.choose_latest(index, &PLACES);
    let SecretDraft { host, place } = inputs.build(index);
    if host.is_none() && !inputs.is_refused(KIND, index) {
        lacks(inputs, index, "no `kind`", "add `kind:` with the name of the Git host, such as `github`");
    }
    if place.is_none() && !PLACES.iter().any(|name| inputs.is_refused(name, index)) {
        lacks(inputs, index, "no `secret-file`", "add `secret-file:` with the path of a file that holds the secret");
    }
    Some(WebhookSettings { host: host?, place: place? })
}

fn lacks(inputs: &mut Inputs, index: usize, what: &str, hint: &str) {
    let begun = inputs.begun(WEBHOOKS, index).filter(|_| !inputs.is_unread(WEBHOOKS)).cloned();
    if let Some(origin) = begun {
        inputs.mistake(Mistake::new(&origin, format!("`{}` has {what}", at(WEBHOOKS, index))).with_hint(hint));
    }
}
