//! The settings of access control: which identities there are. The types of the identities are those of [`crate::access`].

use std::path::PathBuf;

use crate::access::user::User;

use super::structure::Structured;

/// The settings of access control.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AccessSettings {
    /// The file of access tokens.
    pub tokens_file: Option<PathBuf>,
    /// The users, of which no two have one name.
    pub users: Vec<User>,
}

impl AccessSettings {
    /// True if requests are asked for an identity.
    #[must_use]
    pub fn has_identities(&self) -> bool {
        self.tokens_file.is_some() || !self.users.is_empty()
    }
}

/// The same as it is given, with structures that are not taken apart yet.
#[derive(Debug, Clone, Default)]
pub(super) struct AccessDraft {
    pub(super) tokens_file: Option<PathBuf>,
    pub(super) roles: Option<Structured>,
    pub(super) users: Option<Structured>,
}
