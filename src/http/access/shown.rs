//! What the headers of a request show of an identity: tokens, and a name with a password.
//!
//! Only the shapes are read here; who is meant, and whether it is true, is for the other files. Nothing is ever taken from
//! a query, because queries end up in logs.

use axum::http::header::AUTHORIZATION;
use axum::http::{HeaderMap, HeaderName, HeaderValue};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::access::token::PREFIX;
use crate::config::secret_string::SecretString;

/// Headers that carry a token besides `Authorization`.
const TOKEN_HEADERS: [HeaderName; 2] =
    [HeaderName::from_static("x-config-token"), HeaderName::from_static("x-consul-token")];

/// What a request shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Shown {
    /// A token of any kind.
    Token(SecretString),
    /// A name and a password.
    Login(String, SecretString),
}

/// Why headers show nothing that can be checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ShownFault {
    /// A header is not what its scheme has.
    Malformed,
    /// `Authorization` has another scheme than `Bearer` and `Basic`.
    UnknownScheme,
    /// Two headers show different things.
    Several,
}

impl ShownFault {
    /// The word for it in metrics.
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Malformed => "malformed",
            Self::UnknownScheme => "unknown-scheme",
            Self::Several => "several-tokens",
        }
    }
}

/// The one thing that a request shows, if it shows any. One request speaks for one identity; two would leave open which of
/// them a proxy has checked.
pub(super) fn credential(headers: &HeaderMap) -> Result<Option<Shown>, ShownFault> {
    let mut shown = None;
    for value in headers.get_all(AUTHORIZATION) {
        one(&mut shown, of_authorization(text(value)?)?)?;
    }
    for name in &TOKEN_HEADERS {
        for value in headers.get_all(name) {
            one(&mut shown, token(text(value)?))?;
        }
    }
    Ok(shown)
}

fn text(value: &HeaderValue) -> Result<&str, ShownFault> {
    value.to_str().map_err(|_| ShownFault::Malformed)
}

fn one(shown: &mut Option<Shown>, other: Option<Shown>) -> Result<(), ShownFault> {
    if let (Some(one), Some(other)) = (&shown, &other)
        && one != other
    {
        return Err(ShownFault::Several);
    }
    if other.is_some() {
        *shown = other;
    }
    Ok(())
}

fn of_authorization(value: &str) -> Result<Option<Shown>, ShownFault> {
    let (scheme, rest) = value.split_once(' ').unwrap_or((value, ""));
    let rest = rest.trim();
    if scheme.eq_ignore_ascii_case("bearer") {
        Ok(token(rest))
    } else if scheme.eq_ignore_ascii_case("basic") {
        let decoded = STANDARD.decode(rest).map_err(|_| ShownFault::Malformed)?;
        let decoded = String::from_utf8(decoded).map_err(|_| ShownFault::Malformed)?;
        let (name, password) = decoded.split_once(':').ok_or(ShownFault::Malformed)?;
        // Clients without a password send an empty one all the same; a token may come under any name.
        Ok(match (name, password) {
            ("", password) => token(password),
            (_, password) if is_token(password) => token(password),
            (_, "") => None,
            (name, password) => Some(Shown::Login(name.to_owned(), SecretString::new(password))),
        })
    } else {
        Err(ShownFault::UnknownScheme)
    }
}

fn token(text: &str) -> Option<Shown> {
    (!text.is_empty()).then(|| Shown::Token(SecretString::new(text)))
}

/// True if a password is a token by its form: one of our own, or a JSON Web Token.
fn is_token(password: &str) -> bool {
    password.starts_with(PREFIX) || password.starts_with("eyJ") && password.split('.').count() == 3
}
