//! Who is there: the identity behind a request, and whether it may use the route and read the address it names.
//!
//! One layer stands before every route that needs a scope; it takes the identity from the request's headers and leaves it
//! for the handler. A handler that reads configuration asks `Caller::permit` for the address, because
//! [`crate::store::Store::snapshot`] takes no other. What is decided, and how, is in [`crate::access`].

mod login;
mod shown;

use std::sync::Arc;

use arc_swap::ArcSwap;
use axum::extract::{FromRequestParts, Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::registry::Registry;
use tracing::debug;

use crate::access::token::{TokenFault, Tokens};
use crate::access::user::{User, Users};
use crate::access::{Action, Decision, Denial, Grants, Identity, IdentityKind, Permitted, Verb};
use crate::config::address::Address;
use crate::config::secret_string::SecretString;
use crate::store::Store;
use crate::store::refresh::now;

use super::error::Refusal;
use login::{LoginFault, Logins};
use shown::Shown;

/// The ways to show an identity, as a client is told of them.
const CHALLENGE: &str = "Bearer realm=\"layerd\", Basic realm=\"layerd\", charset=\"UTF-8\"";

/// Who a server knows.
#[derive(Debug, Clone, Default)]
pub struct Identities {
    /// The tokens of a file, which are replaced whole when it changes.
    pub tokens: Tokens,
    /// The users.
    pub users: Vec<User>,
}

/// Seconds until a password is sent again that could not be verified.
const BUSY: u32 = 1;

/// What requests are checked against.
pub struct Access {
    /// What a request without an identity may do.
    anonymous: Identity,
    /// Whether requests need an identity; if not, every request is anonymous.
    asks: bool,
    tokens: ArcSwap<Tokens>,
    logins: Logins,
    failures: Family<Failure, Counter>,
}

/// Why requests were refused.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Failure {
    reason: &'static str,
}

/// The identity behind a request, for handlers.
#[derive(Debug, Clone)]
pub(super) struct Caller(Identity);

impl Access {
    /// A server without identities: whoever reaches it may do everything, but open sealed values only if `may_decrypt`.
    #[must_use]
    pub fn open(may_decrypt: bool) -> Self {
        let grants = if may_decrypt { Grants::everything() } else { Grants::everything().without(Verb::Decrypt) };
        Self::new(grants, false, Identities::default(), [0; 32])
    }

    /// A server that asks for an identity; without one, nothing but health is answered. `key` is random.
    #[must_use]
    pub fn asking(identities: Identities, key: [u8; 32]) -> Self {
        Self::new(Grants::default(), true, identities, key)
    }

    fn new(anonymous: Grants, asks: bool, identities: Identities, key: [u8; 32]) -> Self {
        let Identities { tokens, users } = identities;
        Self {
            anonymous: Identity::anonymous(Arc::new(anonymous)),
            asks,
            tokens: ArcSwap::from_pointee(tokens),
            logins: Logins::new(Users::new(users), key),
            failures: Family::default(),
        }
    }

    /// Takes other tokens from now on.
    pub fn reload(&self, tokens: Tokens) {
        self.tokens.store(Arc::new(tokens));
    }

    /// Adds the counters to a registry.
    pub fn register(&self, registry: &mut Registry) {
        let help = "Requests that were refused for their identity or scope, by reason";
        registry.register("layerd_access_denied", help, self.failures.clone());
    }

    /// The identity that a request shows.
    async fn identify(&self, headers: &HeaderMap, now: i64) -> Result<Identity, Refusal> {
        if !self.asks {
            return Ok(self.anonymous.clone());
        }
        match shown::credential(headers).map_err(|fault| self.unauthorized(fault.as_str()))? {
            None => Ok(self.anonymous.clone()),
            Some(Shown::Token(text)) => self.of_token(&text, now),
            Some(Shown::Login(name, password)) => self.of_login(&name, &password, now).await,
        }
    }

    fn of_token(&self, text: &SecretString, now: i64) -> Result<Identity, Refusal> {
        let found = self.tokens.load().find(text.expose(), now);
        let bearer = found.map_err(|fault: TokenFault| self.unauthorized(fault.as_str()))?;
        Ok(Identity { name: bearer.name, kind: IdentityKind::Token, grants: bearer.grants })
    }

    async fn of_login(&self, name: &str, password: &SecretString, now: i64) -> Result<Identity, Refusal> {
        if self.logins.is_empty() {
            return Err(self.unauthorized("unknown"));
        }
        if let Some(identity) = self.logins.remembered(name, password, now) {
            return Ok(identity);
        }
        self.logins.verify(name, password, now).await.map_err(|fault| match fault {
            LoginFault::Wrong => self.unauthorized("wrong-password"),
            LoginFault::Busy => {
                self.count("busy");
                let detail = "too many passwords are being verified";
                Refusal::new(StatusCode::SERVICE_UNAVAILABLE, "busy", detail).retry_after(BUSY)
            }
        })
    }

    /// 401 for what is shown, or 403 for what it may do; the same text whatever exists.
    fn refuse(&self, identity: &Identity, denial: &Denial) -> Refusal {
        debug!(identity = &*identity.name, ?denial, "a request was denied");
        if identity.kind == IdentityKind::Anonymous && self.asks {
            return self.unauthorized("no-identity");
        }
        self.count("forbidden");
        Refusal::new(StatusCode::FORBIDDEN, "forbidden", "this identity may not do that").hint(
            "ask for a token with the scope that the request needs; docs/security.md lists the scopes of the routes",
        )
    }

    fn unauthorized(&self, reason: &'static str) -> Refusal {
        self.count(reason);
        Refusal::new(
            StatusCode::UNAUTHORIZED,
            "unauthorized",
            "the request does not carry an identity that is accepted",
        )
        .hint("send `Authorization: Bearer TOKEN`, or name and password, or the token as the password, as Basic")
        .challenge(CHALLENGE)
    }

    fn count(&self, reason: &'static str) {
        self.failures.get_or_create(&Failure { reason }).inc();
    }
}

impl Caller {
    /// The address, if this identity may read it.
    pub(super) fn permit(
        &self,
        access: &Access,
        store: &Store,
        address: Address,
    ) -> Result<Permitted<Address>, Refusal> {
        let label = store.label_of(&address);
        let permitted = self.0.grants.permit(address, label.as_deref().unwrap_or_default());
        permitted.map_err(|denial| access.refuse(&self.0, &denial))
    }

    /// The address of a file that is served as it is, if this identity may read that file.
    pub(super) fn permit_plain(
        &self,
        access: &Access,
        address: Address,
        path: &str,
    ) -> Result<Permitted<Address>, Refusal> {
        self.0.grants.permit_plain(address, path).map_err(|denial| access.refuse(&self.0, &denial))
    }

    /// Refuses what this identity may not do.
    pub(super) fn check(&self, access: &Access, action: Action<'_>) -> Result<(), Refusal> {
        match self.0.grants.decide(action) {
            Decision::Allowed => Ok(()),
            Decision::Denied(denial) => Err(access.refuse(&self.0, &denial)),
        }
    }

    /// Who shows these headers, for requests that are held so long that an identity may be revoked meanwhile.
    pub(super) async fn of(access: &Access, headers: &HeaderMap) -> Result<Self, Refusal> {
        access.identify(headers, now()).await.map(Self)
    }

    /// The server itself, which asks for what its own settings name.
    pub(super) fn server() -> Self {
        let grants = Arc::new(Grants::everything());
        Self(Identity { name: Arc::from("layerd"), ..Identity::anonymous(grants) })
    }

    /// Whether this identity may read an application in a profile from a label, for answers that list several.
    pub(super) fn sees(&self, application: &Arc<str>, profile: &Arc<str>, label: &str) -> bool {
        let (application, profiles) = (Arc::clone(application), vec![Arc::clone(profile)]);
        self.0.grants.may(Action::Read { address: &Address { application, profiles, label: None }, label })
    }

    /// What the identity may do, for answers that show a part of something.
    pub(super) fn grants(&self) -> &Grants {
        &self.0.grants
    }
}

impl<S: Sync> FromRequestParts<S> for Caller {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Refusal> {
        // A route whose scope is open has no caller; a handler that asks for one is refused rather than let through.
        parts.extensions.get::<Self>().cloned().ok_or_else(Refusal::internal)
    }
}

/// What stands before a route.
#[derive(Clone)]
pub(super) struct Gate {
    /// Who may do what.
    pub(super) access: Arc<Access>,
    /// The verb of the scopes that open the route.
    pub(super) verb: Verb,
}

/// The layer before a route: whoever may not use it with any address gets no further.
pub(super) async fn check(State(gate): State<Gate>, mut request: Request, next: Next) -> Response {
    let Gate { access, verb } = gate;
    let identity = match access.identify(request.headers(), now()).await {
        Ok(identity) => identity,
        Err(refusal) => return refusal.into_response(),
    };
    // Without identities only opening sealed values can be off, and its routes word that themselves.
    let decision = if access.asks { identity.grants.decide(Action::Any(verb)) } else { Decision::Allowed };
    if let Decision::Denied(denial) = decision {
        return access.refuse(&identity, &denial).into_response();
    }
    request.extensions_mut().insert(Caller(identity));
    next.run(request).await
}

#[cfg(test)]
mod tests;
