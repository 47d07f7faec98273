//! The rows of `access`: who may do what.

use crate::settings::access::AccessDraft;
use crate::settings::kind::{LocalPath, Structure};
use crate::settings::row::{Row, optional};

pub(super) const ROWS: &[Row] = &[
    optional!(
        "access.tokens-file",
        LocalPath,
        "The file of access tokens, as `layerd token new` makes it; nobody else may read or change it ([security.md](security.md#access-tokens)). With it every request but those for health needs a token with a fitting scope; changes to the file are taken over within seconds.",
        |s: &mut AccessDraft, v| s.tokens_file = Some(v),
    ),
    optional!(
        "access.roles",
        Structure::Roles,
        "Scopes under a name: `{ operator: [refresh, status], pay: [\"read:pay-*/*@main\"] }`; several roles add up, and a scope that begins with `deny` beats all others ([security.md](security.md#scopes)). A structure is one setting: a variable gives it as a whole, in YAML or JSON.",
        |s: &mut AccessDraft, v| s.roles = Some(v),
    ),
    optional!(
        "access.users",
        Structure::Users,
        "Users for Basic authentication: a list of `{ name, password-hash, roles }`, with the argon2id hash that `layerd user hash` prints ([security.md](security.md#users)). For people, and for Spring's clients that send a user's password; programs are better served with tokens, which end and can be revoked.",
        |s: &mut AccessDraft, v| s.users = Some(v),
    ),
];
