//! Who may do what: scopes, the grants made of them, the tokens that stand for them, and the one function that decides.
//!
//! Floor 1, pure: identities and requests come in as typed values, a decision with its reason goes out. How an identity
//! travels over HTTP is in `http`; which files and users exist is in the settings. Nothing is granted by default, and a
//! scope that denies beats every scope that allows.

mod grants;
pub mod password;
mod pattern;
mod role;
mod scope;
pub mod token;
pub mod user;

use std::sync::Arc;

pub use grants::{Action, Decision, Denial, Grants, Permitted};
pub use pattern::Pattern;
pub use role::{Roles, is_name};
pub use scope::{Scope, ScopeError, Verb};

/// Who sends a request, and what that identity may do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// The name in logs and in the audit log, such as `user-service` or `anonymous`.
    pub name: Arc<str>,
    /// How the identity was shown.
    pub kind: IdentityKind,
    /// What it may do.
    pub grants: Arc<Grants>,
}

/// How an identity was shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IdentityKind {
    /// It was not: the server has no identities, or the request carries none.
    Anonymous,
    /// By a token of [`token`].
    Token,
    /// By the name and password of a user.
    User,
    /// By a JSON Web Token of a trusted issuer.
    Jwt,
    /// By a client certificate.
    Certificate,
}

impl Identity {
    /// Whoever sends a request to a server without identities: everything is permitted but what `grants` leaves out.
    #[must_use]
    pub fn anonymous(grants: Arc<Grants>) -> Self {
        Self { name: Arc::from("anonymous"), kind: IdentityKind::Anonymous, grants }
    }
}

impl IdentityKind {
    /// The word for it in logs and metrics.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Anonymous => "anonymous",
            Self::Token => "token",
            Self::User => "user",
            Self::Jwt => "jwt",
            Self::Certificate => "certificate",
        }
    }
}
