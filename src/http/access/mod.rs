//! Who is there: the identity behind a request, and whether it may use the route and read the address it names.
//!
//! One layer stands before every route that needs a scope; it takes the identity from the request's headers and leaves it
//! for the handler. A handler that reads configuration asks `Caller::permit` for the address, because
//! [`crate::store::Store::snapshot`] takes no other. What is decided, and how, is in [`crate::access`].

mod login;
mod shown;
mod trail;

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
use crate::audit::{AuditEntry, AuditEvent, AuditLog};
use crate::config::address::Address;
use crate::config::secret_string::SecretString;
use crate::store::Store;
use crate::store::refresh::now;

use super::error::Refusal;
use login::{LoginFault, Logins};
use shown::Shown;
use trail::{Head, Trail};

pub(super) use trail::HoldsSecret;

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
    audit: Option<AuditLog>,
}

/// Why a request shows no identity that is accepted.
#[derive(Debug)]
struct Rejected {
    /// The word for it in metrics and in the audit log.
    reason: &'static str,
    refusal: Refusal,
}

/// Why requests were refused.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Failure {
    reason: &'static str,
}

/// The identity behind a request, for handlers.
#[derive(Debug, Clone)]
pub(super) struct Caller {
    identity: Identity,
    /// What the audit log is told of the request; `None`: there is none.
    trail: Option<Arc<Trail>>,
}

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
            audit: None,
        }
    }

    /// The same with an audit log.
    #[must_use]
    pub fn audited(self, audit: Option<AuditLog>) -> Self {
        Self { audit, ..self }
    }

    /// Takes other tokens from now on.
    pub fn reload(&self, tokens: Tokens) {
        let before = self.tokens.swap(Arc::new(tokens));
        if let Some(log) = &self.audit {
            let now = self.tokens.load();
            let entry = AuditEntry {
                added: now.ids().filter(|id| !before.has(id)).map(str::to_owned).collect(),
                removed: before.ids().filter(|id| !now.has(id)).map(str::to_owned).collect(),
                ..AuditEntry::of(AuditEvent::TokensChanged)
            };
            log.note(entry, None);
        }
    }

    /// Adds the counters to a registry.
    pub fn register(&self, registry: &mut Registry) {
        let help = "Requests that were refused for their identity or scope, by reason";
        registry.register("layerd_access_denied", help, self.failures.clone());
    }

    /// The identity that a request shows.
    async fn identify(&self, headers: &HeaderMap, now: i64) -> Result<Identity, Rejected> {
        if !self.asks {
            return Ok(self.anonymous.clone());
        }
        match shown::credential(headers).map_err(|fault| self.unauthorized(fault.as_str()))? {
            None => Ok(self.anonymous.clone()),
            Some(Shown::Token(text)) => self.of_token(&text, now),
            Some(Shown::Login(name, password)) => self.of_login(&name, &password, now).await,
        }
    }

    fn of_token(&self, text: &SecretString, now: i64) -> Result<Identity, Rejected> {
        let found = self.tokens.load().find(text.expose(), now);
        let bearer = found.map_err(|fault: TokenFault| self.unauthorized(fault.as_str()))?;
        Ok(Identity { name: bearer.name, kind: IdentityKind::Token, grants: bearer.grants })
    }

    async fn of_login(&self, name: &str, password: &SecretString, now: i64) -> Result<Identity, Rejected> {
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
                let refusal = Refusal::new(StatusCode::SERVICE_UNAVAILABLE, "busy", detail).retry_after(BUSY);
                Rejected { reason: "busy", refusal }
            }
        })
    }

    /// 401 for no identity, or 403 for what it may not do; the same text whatever exists.
    fn refuse(&self, identity: &Identity, denial: &Denial) -> Refusal {
        debug!(identity = &*identity.name, %denial, "a request was denied");
        if identity.kind == IdentityKind::Anonymous && self.asks {
            return self.unauthorized("no-identity").refusal;
        }
        self.count("forbidden");
        Refusal::new(StatusCode::FORBIDDEN, "forbidden", "this identity may not do that").hint(
            "ask for a token with the scope that the request needs; docs/security.md lists the scopes of the routes",
        )
    }

    fn unauthorized(&self, reason: &'static str) -> Rejected {
        self.count(reason);
        let detail = "the request does not carry an identity that is accepted";
        let hint = "send `Authorization: Bearer TOKEN`, or name and password, or the token as the password, as Basic";
        let refusal = Refusal::new(StatusCode::UNAUTHORIZED, "unauthorized", detail).hint(hint).challenge(CHALLENGE);
        Rejected { reason, refusal }
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
        self.note(|trail| trail.reads(&address, label.as_ref()));
        let permitted = self.identity.grants.permit(address, label.as_deref().unwrap_or_default());
        permitted.map_err(|denial| self.refused(access, &denial))
    }

    /// The address of a file that is served as it is, if this identity may read that file.
    pub(super) fn permit_plain(
        &self,
        access: &Access,
        address: Address,
        path: &str,
    ) -> Result<Permitted<Address>, Refusal> {
        self.note(|trail| trail.reads(&address, address.label.as_ref()));
        self.identity.grants.permit_plain(address, path).map_err(|denial| self.refused(access, &denial))
    }

    /// Refuses what this identity may not do.
    pub(super) fn check(&self, access: &Access, action: Action<'_>) -> Result<(), Refusal> {
        self.note(|trail| trail.acts(action));
        match self.identity.grants.decide(action) {
            Decision::Allowed => Ok(()),
            Decision::Denied(denial) => Err(self.refused(access, &denial)),
        }
    }

    fn refused(&self, access: &Access, denial: &Denial) -> Refusal {
        self.note(|trail| trail.denied(denial));
        access.refuse(&self.identity, denial)
    }

    fn note(&self, note: impl FnOnce(&Trail)) {
        if let Some(trail) = &self.trail {
            note(trail);
        }
    }

    /// Who shows these headers, for requests that are held so long that an identity may be revoked meanwhile.
    pub(super) async fn of(access: &Access, headers: &HeaderMap) -> Result<Self, Refusal> {
        let identified = access.identify(headers, now()).await;
        let identity = identified.map_err(|rejected| rejected.refusal)?;
        Ok(Self { identity, trail: None })
    }

    /// The server itself, which asks for what its own settings name.
    pub(super) fn server() -> Self {
        let grants = Arc::new(Grants::everything());
        Self { identity: Identity { name: Arc::from("layerd"), ..Identity::anonymous(grants) }, trail: None }
    }

    /// Whether this identity may read an application in a profile from a label, for answers that list several.
    pub(super) fn sees(&self, application: &Arc<str>, profile: &Arc<str>, label: &str) -> bool {
        let (application, profiles) = (Arc::clone(application), vec![Arc::clone(profile)]);
        self.identity.grants.may(Action::Read { address: &Address { application, profiles, label: None }, label })
    }

    /// What the identity may do, for answers that show a part of something.
    pub(super) fn grants(&self) -> &Grants {
        &self.identity.grants
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
    let audit = access.audit.as_ref().map(|log| (log, Head::of(&request)));
    let identity = match access.identify(request.headers(), now()).await {
        Ok(identity) => identity,
        Err(Rejected { reason, refusal }) => {
            if let Some((log, head)) = &audit {
                head.denied(log, trail::of(&access.anonymous), reason.to_owned(), refusal.status());
            }
            return refusal.into_response();
        }
    };
    // Without identities only opening sealed values can be off, and its routes word that themselves.
    let decision = if access.asks { identity.grants.decide(Action::Any(verb)) } else { Decision::Allowed };
    if let Decision::Denied(denial) = decision {
        let refusal = access.refuse(&identity, &denial);
        if let Some((log, head)) = &audit {
            head.denied(log, trail::of(&identity), denial.to_string(), refusal.status());
        }
        return refusal.into_response();
    }
    let Some((log, head)) = audit else {
        request.extensions_mut().insert(Caller { identity, trail: None });
        return next.run(request).await;
    };
    if trail::changes(verb)
        && let Err(refusal) = head.begin(log, &identity).await
    {
        return refusal.into_response();
    }
    let trail = Arc::new(Trail::default());
    request.extensions_mut().insert(Caller { identity: identity.clone(), trail: Some(Arc::clone(&trail)) });
    let response = next.run(request).await;
    head.end(log, (&identity, verb), &trail, response).await
}

#[cfg(test)]
mod tests;
