//! Who is there: the identity behind a request, and whether it may use the route and read the address it names.
//!
//! One layer stands before every route that needs a scope; it takes the identity from the request's headers and leaves it
//! for the handler. A handler that reads configuration asks `Caller::permit` for the address, because
//! [`crate::store::Store::snapshot`] takes no other. What is decided, and how, is in [`crate::access`].

use std::sync::Arc;

use arc_swap::ArcSwap;
use axum::extract::{FromRequestParts, Request, State};
use axum::http::header::AUTHORIZATION;
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::registry::Registry;
use tracing::debug;

use crate::access::token::{TokenFault, Tokens};
use crate::access::{Action, Decision, Denial, Grants, Identity, IdentityKind, Permitted, Verb};
use crate::config::address::Address;
use crate::store::Store;
use crate::store::refresh::now;

use super::error::Refusal;

/// Headers that carry a token besides `Authorization`.
const TOKEN_HEADERS: [HeaderName; 2] =
    [HeaderName::from_static("x-config-token"), HeaderName::from_static("x-consul-token")];

/// The ways to show an identity, as a client is told of them.
const CHALLENGE: &str = "Bearer realm=\"layerd\", Basic realm=\"layerd\", charset=\"UTF-8\"";

/// What requests are checked against. Tokens are replaced whole when their file changes.
#[derive(Debug)]
pub struct Access {
    /// What a request without an identity may do.
    anonymous: Identity,
    /// The tokens; `None`: the server knows no identities, and every request is anonymous.
    tokens: Option<ArcSwap<Tokens>>,
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
        Self { anonymous: Identity::anonymous(Arc::new(grants)), tokens: None, failures: Family::default() }
    }

    /// A server that asks for a token; without one, nothing but health is answered.
    #[must_use]
    pub fn with_tokens(tokens: Tokens) -> Self {
        let anonymous = Identity::anonymous(Arc::default());
        Self { anonymous, tokens: Some(ArcSwap::from_pointee(tokens)), failures: Family::default() }
    }

    /// Takes other tokens from now on.
    pub fn reload(&self, tokens: Tokens) {
        if let Some(known) = &self.tokens {
            known.store(Arc::new(tokens));
        }
    }

    /// Adds the counters to a registry.
    pub fn register(&self, registry: &mut Registry) {
        let help = "Requests that were refused for their identity or scope, by reason";
        registry.register("layerd_access_denied", help, self.failures.clone());
    }

    /// The identity that a request shows.
    fn identify(&self, headers: &HeaderMap, now: i64) -> Result<Identity, Refusal> {
        let Some(tokens) = &self.tokens else { return Ok(self.anonymous.clone()) };
        let mut shown = shown(headers).map_err(|reason| self.unauthorized(reason))?;
        let Some(text) = shown.pop() else { return Ok(self.anonymous.clone()) };
        // One request speaks for one identity; two would leave open which of them a proxy has checked.
        if shown.iter().any(|other| *other != text) {
            return Err(self.unauthorized("several-tokens"));
        }
        let bearer = tokens.load().find(&text, now).map_err(|fault: TokenFault| self.unauthorized(fault.as_str()))?;
        Ok(Identity { name: bearer.name, kind: IdentityKind::Token, grants: bearer.grants })
    }

    /// 401 for what is shown, or 403 for what it may do; the same text whatever exists.
    fn refuse(&self, identity: &Identity, denial: &Denial) -> Refusal {
        debug!(identity = &*identity.name, ?denial, "a request was denied");
        if identity.kind == IdentityKind::Anonymous && self.tokens.is_some() {
            return self.unauthorized("no-identity");
        }
        self.count("forbidden");
        Refusal::new(StatusCode::FORBIDDEN, "forbidden", "this identity may not do that").hint(
            "ask for a token with the scope that the request needs; docs/security.md lists the scopes of the routes",
        )
    }

    fn unauthorized(&self, reason: &'static str) -> Refusal {
        self.count(reason);
        Refusal::new(StatusCode::UNAUTHORIZED, "unauthorized", "the request does not carry a token that is accepted")
            .hint("send `Authorization: Bearer TOKEN`, or the token as the password of Basic authentication")
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
#[derive(Debug, Clone)]
pub(super) struct Gate {
    /// Who may do what.
    pub(super) access: Arc<Access>,
    /// The verb of the scopes that open the route.
    pub(super) verb: Verb,
}

/// The layer before a route: whoever may not use it with any address gets no further.
pub(super) async fn check(State(gate): State<Gate>, mut request: Request, next: Next) -> Response {
    let Gate { access, verb } = gate;
    let identity = match access.identify(request.headers(), now()) {
        Ok(identity) => identity,
        Err(refusal) => return refusal.into_response(),
    };
    // Without identities only opening sealed values can be off, and its routes word that themselves.
    let decision = if access.tokens.is_some() { identity.grants.decide(Action::Any(verb)) } else { Decision::Allowed };
    if let Decision::Denied(denial) = decision {
        return access.refuse(&identity, &denial).into_response();
    }
    request.extensions_mut().insert(Caller(identity));
    next.run(request).await
}

/// The tokens that a request shows, as `Bearer`, as the password of `Basic`, or in a header of their own.
fn shown(headers: &HeaderMap) -> Result<Vec<String>, &'static str> {
    let text = |value: &HeaderValue| value.to_str().map(str::to_owned).map_err(|_| "malformed");
    let mut shown = Vec::new();
    for value in headers.get_all(AUTHORIZATION) {
        let value = text(value)?;
        let (scheme, rest) = value.split_once(' ').unwrap_or((&value, ""));
        if scheme.eq_ignore_ascii_case("bearer") {
            shown.push(rest.trim().to_owned());
        } else if scheme.eq_ignore_ascii_case("basic") {
            shown.push(password(rest.trim()).ok_or("malformed")?);
        } else {
            return Err("unknown-scheme");
        }
    }
    for name in &TOKEN_HEADERS {
        for value in headers.get_all(name) {
            shown.push(text(value)?);
        }
    }
    // Clients without a password send an empty one all the same.
    shown.retain(|text| !text.is_empty());
    Ok(shown)
}

/// The password of `Basic`'s credentials.
fn password(encoded: &str) -> Option<String> {
    let decoded = STANDARD.decode(encoded).ok()?;
    let text = String::from_utf8(decoded).ok()?;
    text.split_once(':').map(|(_, password)| password.to_owned())
}

#[cfg(test)]
mod tests {
    use axum::http::header::WWW_AUTHENTICATE;

    use super::*;
    use crate::access::token::{ID, NewToken, SECRET, TokenFile};

    fn token(seed: u8) -> NewToken {
        NewToken::from_bytes([seed; ID], [seed; SECRET])
    }

    fn access(scopes: &[&str]) -> Access {
        let scopes = scopes.iter().map(|scope| (*scope).to_owned()).collect();
        let made = "2026-01-01T00:00:00Z".parse().unwrap();
        let expires = Some("2027-01-01T00:00:00Z".parse().unwrap());
        let record = token(1).record("user-service", scopes, made, expires);
        Access::with_tokens(Tokens::new(&TokenFile { tokens: vec![record] }).unwrap())
    }

    const NOW: i64 = 1_780_000_000;

    /// The name of the identity behind a header, or the status and the reason that was counted.
    fn identified(headers: &[(&str, &str)]) -> String {
        let access = access(&["status"]);
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(HeaderName::from_bytes(name.as_bytes()).unwrap(), HeaderValue::from_str(value).unwrap());
        }
        match access.identify(&map, NOW) {
            Ok(identity) => identity.name.to_string(),
            Err(refusal) => {
                let response = refusal.into_response();
                assert_eq!(response.headers()[WWW_AUTHENTICATE], CHALLENGE);
                let mut registry = Registry::default();
                access.register(&mut registry);
                let mut text = String::new();
                prometheus_client::encoding::text::encode(&mut text, &registry).unwrap();
                let reason = text.lines().find_map(|line| line.split("reason=\"").nth(1)?.split('"').next());
                format!("{} {}", response.status().as_u16(), reason.unwrap())
            }
        }
    }

    #[test]
    fn one_token_is_taken_in_every_way_that_clients_send_it() {
        let text = token(1).text.expose().to_owned();
        let basic = |user: &str| format!("Basic {}", STANDARD.encode(format!("{user}:{text}")));
        for (name, value) in [
            ("authorization", format!("Bearer {text}")),
            ("authorization", format!("bearer {text}")),
            ("authorization", basic("")),
            ("authorization", basic("user")),
            ("x-config-token", text.clone()),
            ("x-consul-token", text.clone()),
        ] {
            assert_eq!(identified(&[(name, &value)]), "user-service", "{name}: {value}");
        }
        assert_eq!(identified(&[("authorization", &basic("x")), ("x-config-token", &text)]), "user-service");
    }

    #[test]
    fn everything_else_is_401_with_its_reason_counted() {
        let (known, other) = (token(1).text.expose().to_owned(), token(2).text.expose().to_owned());
        let cases: [(&[(&str, &str)], &str); 7] = [
            (&[("authorization", &format!("Bearer {other}"))], "401 unknown"),
            (&[("x-config-token", "guess")], "401 malformed"),
            (&[("authorization", "Digest x")], "401 unknown-scheme"),
            (&[("authorization", "Basic ???")], "401 malformed"),
            (&[("x-config-token", &known), ("x-consul-token", &other)], "401 several-tokens"),
            (&[("authorization", "Basic Og==")], "anonymous"),
            (&[], "anonymous"),
        ];
        for (headers, expected) in cases {
            assert_eq!(identified(headers), expected, "{headers:?}");
        }
    }

    #[test]
    fn a_token_that_has_ended_is_401() {
        let access = access(&["status"]);
        let mut headers = HeaderMap::new();
        headers.insert("x-config-token", HeaderValue::from_str(token(1).text.expose()).unwrap());
        let late = "2027-01-01T00:00:00Z".parse::<jiff::Timestamp>().unwrap().as_second();
        assert!(access.identify(&headers, late - 1).is_ok());
        assert_eq!(access.identify(&headers, late).unwrap_err().into_response().status(), StatusCode::UNAUTHORIZED);
    }

    #[test]
    fn an_open_server_asks_nobody_and_opens_sealed_values_only_if_it_was_told_to() {
        for may_decrypt in [false, true] {
            let access = Access::open(may_decrypt);
            let mut headers = HeaderMap::new();
            headers.insert(AUTHORIZATION, HeaderValue::from_static("Bearer whatever"));
            let identity = access.identify(&headers, NOW).unwrap();
            assert!(identity.grants.may(Action::Any(Verb::Read)));
            assert_eq!(identity.grants.may(Action::WithKey(Verb::Decrypt, "a")), may_decrypt);
        }
    }
}
