//! The rows of `webhooks`: the secrets that deliveries of Git hosts are signed with.

use crate::http::webhook::host::Host;
use crate::settings::kind::{Choice, Credential, LocalPath};
use crate::settings::row::{Row, optional};
use crate::settings::webhooks::{SecretDraft, SecretPlace};

pub(super) const ROWS: &[Row] = &[
    optional!(
        "webhooks.secrets[].kind",
        Choice(&Host::ALL),
        "Which host signs with it: its deliveries go to `/api/v1/webhooks/KIND` ([webhooks.md](webhooks.md)). A kind may have several secrets, so that one can be replaced without losing a delivery.",
        |secret: &mut SecretDraft, host| secret.host = Some(host),
    ),
    optional!(
        "webhooks.secrets[].secret-file",
        LocalPath,
        "The file with the secret; nobody else may read it. Read again on SIGHUP.",
        |secret: &mut SecretDraft, path| secret.place = Some(SecretPlace::File(path)),
    ),
    optional!(
        "webhooks.secrets[].secret",
        Credential,
        "The secret itself. For the environment; in a file that people read, `secret-file` is the better place.",
        |secret: &mut SecretDraft, text| secret.place = Some(SecretPlace::Value(text)),
    ),
];
