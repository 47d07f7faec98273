//! From single values to the settings of each part, with the checks that need more than one value.

mod access;
mod audit;
mod secrets;
mod sources;
mod webhooks;

use super::inputs::Inputs;
use super::origin::Mistake;
use super::{Purpose, Settings};

/// Builds the settings. They mean something only if there are no mistakes.
pub(super) fn settings(inputs: &mut Inputs, purpose: Purpose) -> Settings {
    let sources = sources::build(inputs, purpose);
    let secrets = secrets::build(inputs);
    let access = access::build(inputs);
    let webhooks = webhooks::build(inputs);
    let audit = audit::build(inputs);
    let settings = Settings {
        sources,
        secrets,
        access,
        webhooks,
        audit,
        http: inputs.build(0),
        limits: inputs.build(0),
        telemetry: inputs.build(0),
        ..inputs.build(0)
    };
    check_open(&settings, inputs);
    settings
}

/// Nothing asks yet who is there, so that listening beyond loopback must be meant.
fn check_open(settings: &Settings, inputs: &mut Inputs) {
    let address = settings.http.listen;
    let Some(given) = inputs.get("http.listen", 0) else { return };
    if !settings.http.insecure_open && !address.ip().to_canonical().is_loopback() {
        let message = format!("`http.listen` is {address}, which others can reach, without authentication and TLS");
        let hint = "if they may read everything, add `http: { insecure-open: true }` to the settings file, or `--insecure-open`";
        let mistake = Mistake::new(&given.origin, message).with_hint(hint);
        inputs.mistake(mistake);
    }
}
