//! Webhooks of Git hosts: a push arrived, so the sources are fetched now instead of at their next turn.
//!
//! A delivery is believed if it is signed with one of the secrets of the settings, and answered at once. It never says what
//! changed: that is found out from what is fetched. Repeated deliveries and bursts cost one fetch.

pub mod host;
mod payload;

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use arc_swap::ArcSwap;
use axum::extract::{DefaultBodyLimit, Path, State};
use axum::handler::Handler as _;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use bytes::Bytes;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::registry::Registry;
use serde::{Deserialize, Serialize};
use tracing::{debug, info};

use crate::config::foreign;
use crate::config::secret_string::SecretString;
use crate::store::refresh::now;

use super::error::Refusal;
use super::query::Asking;
use super::{App, Route, Scope};

use host::{Host, SignatureError};
use payload::Delivery;

pub use payload::sample;

/// The path of deliveries, before the name of the host.
pub(super) const PATH: &str = "/api/v1/webhooks/";

/// The path that Spring Cloud Config's monitor has.
pub(super) const MONITOR: &str = "/monitor";

/// The largest delivery, which is what GitHub sends at most.
pub(super) const LARGEST: usize = 25 << 20;

/// How many deliveries are remembered, so that a repeated one does nothing.
const REMEMBERED: usize = 1_024;

/// The longest id of a delivery that is remembered.
const LONGEST_ID: usize = 128;

/// A secret that deliveries of a host are signed with. A host may have several while one is replaced.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WebhookSecret {
    /// The host.
    pub host: Host,
    /// The secret.
    pub secret: SecretString,
}

/// What deliveries are checked against, and which were seen.
#[derive(Debug, Default)]
pub struct Webhooks {
    secrets: ArcSwap<Vec<WebhookSecret>>,
    seen: Mutex<VecDeque<(Host, Box<str>)>>,
    deliveries: Family<Outcome, Counter>,
}

/// What became of deliveries.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Outcome {
    host: &'static str,
    result: &'static str,
}

impl Webhooks {
    /// Deliveries signed with these secrets are believed from now on, and no others.
    pub fn set(&self, secrets: Vec<WebhookSecret>) {
        self.secrets.store(Arc::new(secrets));
    }

    /// Adds the counters to a registry.
    pub fn register(&self, registry: &mut Registry) {
        let help = "Webhook deliveries, by what became of them";
        registry.register("layerd_webhook_deliveries", help, self.deliveries.clone());
    }

    /// True if there are secrets, without which nothing is believed.
    pub(super) fn is_set_up(&self) -> bool {
        !self.secrets.load().is_empty()
    }

    fn count(&self, host: Host, result: &'static str) {
        self.deliveries.get_or_create(&Outcome { host: host.name(), result }).inc();
    }

    fn verify(&self, host: Host, headers: &HeaderMap, token: Option<&str>, body: &[u8]) -> Result<(), SignatureError> {
        let secrets = self.secrets.load();
        let secrets = secrets.iter().filter(|known| known.host == host).map(|known| known.secret.clone());
        host.verify((headers, token), body, &secrets.collect::<Vec<_>>(), now())
    }

    /// True if a delivery was seen before. One without an id is always new.
    fn is_repeated(&self, host: Host, headers: &HeaderMap) -> bool {
        let id = host.delivery_headers().iter().find_map(|name| headers.get(*name)?.to_str().ok());
        let Some(id) = id.filter(|id| (1..=LONGEST_ID).contains(&id.len())) else { return false };
        // Each change of the list is one step.
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        if seen.iter().any(|(known, seen)| *known == host && **seen == *id) {
            return true;
        }
        if seen.len() == REMEMBERED {
            seen.pop_front();
        }
        seen.push_back((host, Box::from(id)));
        false
    }
}

/// The route of this protocol. A delivery proves itself, so it has no scope.
pub(super) fn routes() -> Vec<Route> {
    vec![
        // Bodies are bounded before any route is chosen.
        Route::post("/api/v1/webhooks/{host}", Scope::Open, receive.layer(DefaultBodyLimit::disable()))
            .takes(&["token"]),
    ]
}

#[derive(Debug, Default, Deserialize)]
struct Parameters {
    token: Option<String>,
}

async fn receive(
    State(app): State<Arc<App>>,
    Path(host): Path<String>,
    Asking(parameters): Asking<Parameters>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, Refusal> {
    let host = Host::of_name(&host).ok_or_else(unbelieved)?;
    if let Err(error) = app.webhooks.verify(host, &headers, parameters.token.as_deref(), &body) {
        app.webhooks.count(host, error.as_str());
        debug!(host = host.name(), reason = error.as_str(), "a webhook delivery is not believed");
        return Err(unbelieved());
    }
    if app.webhooks.is_repeated(host, &headers) {
        app.webhooks.count(host, "repeated");
        return Ok(accepted(&[]));
    }
    match Delivery::of(host, &headers, &body) {
        Delivery::Other => {
            app.webhooks.count(host, "other-event");
            Ok(accepted(&[]))
        }
        Delivery::Push(labels) => {
            let labels: Vec<_> = labels.into_iter().collect();
            info!(host = host.name(), labels = &*foreign::line(&labels.join(","), 200), "a webhook announces a push");
            app.store.poke()?;
            app.webhooks.count(host, "fetched");
            Ok(accepted(&labels))
        }
    }
}

/// The same for all that is not believed, so that nobody learns which hosts and secrets there are.
fn unbelieved() -> Refusal {
    Refusal::new(
        StatusCode::UNAUTHORIZED,
        "unauthorized",
        "the delivery is not signed by a host that this server knows",
    )
    .hint("name the secret of the webhook in `webhooks.secrets`")
}

fn accepted(labels: &[String]) -> Response {
    (StatusCode::ACCEPTED, [(header::CACHE_CONTROL, "no-store")], axum::Json(Accepted { labels })).into_response()
}

/// What a sender is answered.
#[derive(Serialize)]
struct Accepted<'a> {
    /// The branches and tags that are fetched; none if the delivery is about something else, or was seen before.
    labels: &'a [String],
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_delivery_is_new_once_and_the_memory_is_bounded() {
        let webhooks = Webhooks::default();
        let is_repeated = |id: &str, host| {
            let headers = [("x-github-delivery".parse().unwrap(), id.parse().unwrap())];
            webhooks.is_repeated(host, &headers.into_iter().collect())
        };
        assert!(!is_repeated("1", Host::GitHub));
        assert!(is_repeated("1", Host::GitHub));
        assert!(!is_repeated("1", Host::Gitea), "another host has other ids, and this one has none here");
        assert!(!webhooks.is_repeated(Host::GitHub, &HeaderMap::new()));
        (0..2 * REMEMBERED).for_each(|number| assert!(!is_repeated(&format!("n{number}"), Host::GitHub)));
        assert_eq!(webhooks.seen.lock().unwrap().len(), REMEMBERED);
        assert!(!is_repeated("1", Host::GitHub), "forgotten");
    }
}
