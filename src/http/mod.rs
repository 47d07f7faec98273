//! The way in: connections that others hold to us, and the protocols spoken on them.
//!
//! Floor 6. A request passes, in this order: the accept loop (`server`: time-outs, sizes), the guard (`guard.rs`:
//! path, host, origin), the router below, one handler of one protocol. Every route states its scope; a test prints them
//! all, so that none comes in unseen.

pub mod access;
pub mod error;
pub mod etag;
pub mod guard;
pub mod native;
pub mod ops;
pub mod peer;
mod query;
mod refusals;
mod sealing_body;
pub mod server;
pub mod spring;
mod wait;
pub mod webhook;

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::middleware::from_fn_with_state;
use axum::response::{IntoResponse as _, Response};
use axum::routing::MethodRouter;

use tokio_util::sync::CancellationToken;

use crate::access::{Action, Permitted, Verb};
use crate::config::address::Address;
use crate::push::Hub;
use crate::store::Store;

use access::{Access, Caller, Gate};
use error::Refusal;

/// The paths of a refresh, which takes no notice of a body.
const REFRESH: [&str; 3] = ["/api/v1/refresh", "/refresh", "/actuator/refresh"];

/// What handlers share.
pub struct App {
    /// What is served.
    pub store: Arc<Store>,
    /// Who waits for changes.
    pub hub: Arc<Hub>,
    /// What `GET /metrics` shows.
    pub metrics: ops::Metrics,
    /// Who may do what.
    pub access: Arc<Access>,
    /// Which deliveries of Git hosts are believed.
    pub webhooks: Arc<webhook::Webhooks>,
    /// How Spring's clients are answered.
    pub spring: spring::Settings,
    /// The server is stopping: not ready any more, so that balancers send nobody here.
    pub draining: CancellationToken,
}

impl App {
    /// The address, if the caller may read it.
    fn permit(&self, caller: &Caller, address: Address) -> Result<Permitted<Address>, Refusal> {
        caller.permit(&self.access, &self.store, address)
    }

    /// Refuses what the caller may not do.
    fn check(&self, caller: &Caller, action: Action<'_>) -> Result<(), Refusal> {
        caller.check(&self.access, action)
    }
}

/// A route with what a caller must be allowed to do.
pub struct Route {
    #[cfg_attr(not(test), expect(dead_code, reason = "the test reads it, and access control will"))]
    verb: &'static str,
    path: &'static str,
    scope: Scope,
    /// The parameters that its query may have; `None`: any, and those that mean nothing are ignored.
    takes: Option<&'static [&'static str]>,
    handler: MethodRouter<Arc<App>>,
}

/// What a caller of a route must be allowed to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// Nothing: health.
    Open,
    /// What scopes of this verb allow.
    Needs(Verb),
}

impl Route {
    fn get<H, T>(path: &'static str, scope: Scope, handler: H) -> Self
    where
        H: axum::handler::Handler<T, Arc<App>>,
        T: 'static,
    {
        Self { verb: "GET", path, scope, takes: Some(&[]), handler: axum::routing::get(handler) }
    }

    fn post<H, T>(path: &'static str, scope: Scope, handler: H) -> Self
    where
        H: axum::handler::Handler<T, Arc<App>>,
        T: 'static,
    {
        Self { verb: "POST", path, scope, takes: Some(&[]), handler: axum::routing::post(handler) }
    }

    /// The same with parameters, and with no others.
    fn takes(self, parameters: &'static [&'static str]) -> Self {
        Self { takes: Some(parameters), ..self }
    }

    /// The same with whatever parameters a client sends: of other protocols, and of probes, which have their own habits.
    fn takes_anything(self) -> Self {
        Self { takes: None, ..self }
    }

    /// The handler behind the question who is there, and behind that what is asked.
    fn guarded(self, access: &Arc<Access>) -> MethodRouter<Arc<App>> {
        let handler = match self.takes {
            Some(known) => self.handler.layer(from_fn_with_state(known, query::check)),
            None => self.handler,
        };
        match self.scope {
            Scope::Open => handler,
            Scope::Needs(verb) => {
                let gate = Gate { access: Arc::clone(access), verb };
                handler.layer(from_fn_with_state(gate, access::check))
            }
        }
    }
}

/// Every route of every protocol.
fn routes() -> Vec<Route> {
    let mut routes = native::routes();
    routes.extend(native::listing::routes());
    routes.extend(native::diff::routes());
    routes.extend(native::watch::routes());
    routes.extend(ops::routes());
    routes.extend(native::seal::routes());
    routes.extend(webhook::routes());
    routes.extend(spring::routes());
    routes
}

/// The router of all protocols below a prefix.
pub fn router(app: Arc<App>, prefix: &str) -> Router {
    let access = Arc::clone(&app.access);
    let add = |router: Router<Arc<App>>, route: Route| router.route(route.path, route.guarded(&access));
    let own = OWN.into_iter().fold(Router::new(), |router, path| router.route(path, axum::routing::any(refuse)));
    let routes = routes().into_iter().fold(own, add);
    let below = match prefix.trim_matches('/') {
        "" => routes,
        prefix => {
            let nested = Router::new().nest(&format!("/{prefix}"), routes);
            spring::health_routes().into_iter().fold(nested, add)
        }
    };
    below.method_not_allowed_fallback(async || Refusal::wrong_method()).fallback(refuse).with_state(app)
}

async fn refuse(asked: spring::Asked) -> Response {
    refuse_path(&asked)
}

/// The paths that are layerd's own, so that Spring's placeholders, which would take them for applications, do not.
const OWN: [&str; 2] = ["/api/v1", "/api/v1/{*rest}"];

/// The answer to a path that no route has, in the shape of the protocol that the client probably speaks.
fn refuse_path(asked: &spring::Asked) -> Response {
    let named: Vec<_> = asked.raw.iter().map(String::as_str).filter(|segment| !segment.is_empty()).collect();
    match named.as_slice() {
        ["api", "v1", ..] | ["health", "live" | "ready"] | ["healthz" | "metrics" | "refresh"] => {
            let refusal = if named.len() == asked.raw.len() { Refusal::no_route() } else { Refusal::empty_segment() };
            refusal.into_response()
        }
        _ => spring::refuse_path(asked),
    }
}

/// How the server listens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// Where to listen. Loopback by default, because there is no authentication by default.
    pub listen: SocketAddr,
    /// A path before every route, for servers behind a proxy that does not strip one.
    pub prefix: String,
    /// Listen beyond loopback although there is no authentication.
    pub insecure_open: bool,
    /// What a connection and a request may cost.
    pub limits: Limits,
}

/// What a connection and a request may cost.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of a request body.
    pub body: usize,
    /// Bytes of a request target.
    pub path: usize,
    /// Bytes of all request headers together.
    pub headers: usize,
    /// From the first byte of a request to the end of its headers, as much again for its body, and from accepting to the
    /// first byte.
    pub header_time: Duration,
    /// How long a connection may rest between requests.
    pub idle_time: Duration,
    /// Connections at once.
    pub connections: usize,
    /// Clients that wait for changes at once.
    pub watchers: usize,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 8888)),
            prefix: String::new(),
            insecure_open: false,
            limits: Limits::default(),
        }
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            body: 64 << 10,
            path: 4 << 10,
            headers: 16 << 10,
            header_time: Duration::from_secs(10),
            idle_time: Duration::from_secs(75),
            connections: 20_000,
            watchers: 20_000,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn word(scope: Scope) -> String {
        match scope {
            Scope::Open => "Open".to_owned(),
            Scope::Needs(verb) => format!("{verb:?}"),
        }
    }

    #[test]
    fn every_route_states_its_verb_its_scope_and_its_parameters() {
        let line = |Route { verb, path, scope, takes, .. }: &Route| {
            let parameters = takes.map_or_else(|| "*".to_owned(), |takes| takes.join("&"));
            format!("{verb} {path}?{parameters} {}", word(*scope))
        };
        let routes: Vec<_> = routes().iter().map(line).collect();
        let expected = "\
            GET /api/v1/config/{application}?label&key&format&raw&resolve&strict&pretty&wait&names&prefix&readers&name&file&only Read
            GET /api/v1/config/{application}/{profiles}?label&key&format&raw&resolve&strict&pretty&wait&names&prefix&readers&name&file&only Read
            GET /api/v1/explain/{application}/{profiles}?label&key&resolve&strict Read
            GET /api/v1/sources/{application}/{profiles}?label&strict Read
            GET /api/v1/applications?label Status
            GET /api/v1/problems?label Status
            GET /api/v1/diff/{application}/{profiles}?from&to Read
            GET /api/v1/history/{application}/{profiles}?label&key&limit History
            GET /api/v1/watch/{application}/{profiles}?label&wait&values Read
            POST /api/v1/refresh?wait&label Refresh
            POST /refresh?* Refresh
            POST /actuator/refresh?* Refresh
            GET /api/v1/status? Status
            GET /health/live?* Open
            GET /health/ready?* Open
            GET /healthz?* Open
            GET /metrics?* Metrics
            POST /api/v1/encrypt?application&profile&key&file&context Encrypt
            POST /api/v1/decrypt?application&profile&key&file&context Decrypt
            POST /api/v1/webhooks/{host}?token Open
            POST /monitor?* Refresh
            GET /{file}?* Read
            GET /{name}/{profiles}?* Read
            GET /{name}/{profiles}/{label}?* Read
            GET /{name}/{profiles}/{label}/{*path}?* Plain
            GET /encrypt/status?* Status
            GET /key?* Status
            GET /key/{name}/{profiles}?* Status
            POST /encrypt?* Encrypt
            POST /decrypt?* Decrypt
            POST /encrypt/{name}/{profiles}?* Encrypt
            POST /decrypt/{name}/{profiles}?* Decrypt
            GET /encrypt/{name}/{profiles}?* Read
            GET /decrypt/{name}/{profiles}?* Read
            GET /actuator?* Open
            GET /actuator/health?* Open
            GET /actuator/health/{component}?* Open";
        assert_eq!(routes, expected.lines().map(str::trim).collect::<Vec<_>>());
    }
}
