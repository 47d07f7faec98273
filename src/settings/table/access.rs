//! The rows of `access`: who may do what.

use crate::settings::Settings;
use crate::settings::kind::LocalPath;
use crate::settings::row::{Row, optional};

pub(super) const ROWS: &[Row] = &[optional!(
    "access.tokens-file",
    LocalPath,
    "The file of access tokens, as `layerd token new` makes it; nobody else may read or change it ([security.md](security.md#access-tokens)). With it every request but those for health needs a token with a fitting scope; changes to the file are taken over within seconds.",
    |s: &mut Settings, v| s.tokens_file = Some(v),
)];
