//! What the listener counts: requests by route, their time, connections, and what ran into a limit.
//!
//! Counters are looked up once for each route and then kept beside it, because looking up and spelling labels costs
//! more than counting. The route is known inside the router only, so a layer notes it where the listener finds it.

use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::extract::{MatchedPath, Request};
use axum::http::StatusCode;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;
use tower::{Layer, Service};

use super::RequestId;

/// Upper bounds of the time to a response's head, in seconds: a hit in memory takes some 50 µs under load, a long poll
/// half a minute.
const BOUNDS: [f64; 15] = [5e-5, 1e-4, 2e-4, 5e-4, 1e-3, 2e-3, 5e-3, 0.01, 0.02, 0.05, 0.1, 0.5, 1.0, 5.0, 30.0];

/// The classes of status, as labels. Informational ones are never final.
const CLASSES: [&str; 4] = ["2xx", "3xx", "4xx", "5xx"];

/// The route of requests that no route matches.
const OTHER: &str = "other";

/// Counts of the listener. Clones count together.
#[derive(Debug, Clone, Default)]
pub struct ListenMetrics(Arc<Books>);

#[derive(Debug)]
struct Books {
    requests: Family<OfClass, Counter>,
    durations: Family<OfRoute, Histogram, fn() -> Histogram>,
    connections: Gauge,
    in_flight: Gauge,
    rejections: Family<OfLimit, Counter>,
    other: OnceLock<Arc<Route>>,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OfClass {
    route: Arc<str>,
    status: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OfRoute {
    route: Arc<str>,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OfLimit {
    limit: &'static str,
}

/// The counters of one route.
#[derive(Debug)]
pub(super) struct Route {
    by_class: [Counter; CLASSES.len()],
    duration: Histogram,
}

impl ListenMetrics {
    /// Adds the counts to a registry.
    pub fn register(&self, registry: &mut Registry) {
        let books = &self.0;
        registry.register("layerd_http_requests", "Requests answered, by route", books.requests.clone());
        let help = "Seconds from the head of a request to the head of its response, by route";
        registry.register("layerd_http_request_duration_seconds", help, books.durations.clone());
        registry.register("layerd_http_requests_in_flight", "Requests being answered", books.in_flight.clone());
        registry.register("layerd_http_connections", "Open connections", books.connections.clone());
        registry.register("layerd_limit_rejections", "What a limit turned away", books.rejections.clone());
    }

    /// Counts what a limit turned away; `limit` is the name of the setting.
    pub(super) fn reject(&self, limit: &'static str) {
        self.0.rejections.get_or_create(&OfLimit { limit }).inc();
    }

    /// The gauge of open connections.
    pub(super) fn connections(&self) -> &Gauge {
        &self.0.connections
    }

    /// The gauge of requests being answered.
    pub(super) fn in_flight(&self) -> &Gauge {
        &self.0.in_flight
    }

    /// The counters of requests that no route matches.
    pub(super) fn other(&self) -> &Arc<Route> {
        self.0.other.get_or_init(|| self.route(OTHER))
    }

    fn route(&self, route: &str) -> Arc<Route> {
        let route: Arc<str> = Arc::from(route);
        let of_class = |status| OfClass { route: Arc::clone(&route), status };
        let by_class = CLASSES.map(|status| self.0.requests.get_or_create_owned(&of_class(status)));
        Arc::new(Route { by_class, duration: self.0.durations.get_or_create_owned(&OfRoute { route }) })
    }
}

impl Route {
    /// Counts one request.
    pub(super) fn count(&self, status: StatusCode, took: Duration) {
        let class = usize::from(status.as_u16() / 100).saturating_sub(2).min(CLASSES.len() - 1);
        self.by_class[class].inc();
        self.duration.observe(took.as_secs_f64());
    }
}

impl Default for Books {
    fn default() -> Self {
        Self {
            requests: Family::default(),
            durations: Family::new_with_constructor(|| Histogram::new(BOUNDS)),
            connections: Gauge::default(),
            in_flight: Gauge::default(),
            rejections: Family::default(),
            other: OnceLock::new(),
        }
    }
}

/// A layer that notes on a request's [`RequestId`] which route it took.
#[derive(Debug, Clone)]
pub(super) struct NoteRoute(pub(super) ListenMetrics);

/// An endpoint with the counters of its route.
#[derive(Debug, Clone)]
pub(super) struct Noted<S> {
    inner: S,
    note: Arc<Note>,
}

#[derive(Debug)]
struct Note {
    metrics: ListenMetrics,
    /// Known from the first request on: a layer is wrapped around each endpoint before it is told its path.
    route: OnceLock<Arc<Route>>,
}

impl<S> Layer<S> for NoteRoute {
    type Service = Noted<S>;

    fn layer(&self, inner: S) -> Noted<S> {
        Noted { inner, note: Arc::new(Note { metrics: self.0.clone(), route: OnceLock::new() }) }
    }
}

impl<S: Service<Request>> Service<Request> for Noted<S> {
    type Response = S::Response;
    type Error = S::Error;
    type Future = S::Future;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: Request) -> Self::Future {
        let extensions = request.extensions();
        if let (Some(id), Some(path)) = (extensions.get::<RequestId>(), extensions.get::<MatchedPath>()) {
            id.note(self.note.route.get_or_init(|| self.note.metrics.route(path.as_str())));
        }
        self.inner.call(request)
    }
}
