//! Waiting for changes: a request that is held until the configuration differs, and a stream of events.
//!
//! Both are one loop: look what the answer is now; if the client has it already, sleep until the hub wakes or the time is
//! over, and look again. So every client sees the last state, none an event without a difference, and a client that
//! reconnects to another replica goes on from the entity tag that it has.

use std::convert::Infallible;
use std::hash::{BuildHasher as _, RandomState};
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::{Path, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, header};
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse as _, Response};
use futures_util::stream;
use serde::{Deserialize, Serialize};
use tokio::time::{Instant, sleep, sleep_until};

use crate::access::Verb;
use crate::answer::{Spelled, Spelling};
use crate::config::address::Address;
use crate::config::diff::KeyChanges;
use crate::format::{self, Format};
use crate::push::{Listener, Topic};

use super::super::access::{Caller, HoldsSecret};
use super::super::error::Refusal;
use super::super::etag::client_has;
use super::super::query::Asking;
use super::super::wait::Wait;
use super::super::{App, Route, Scope};
use super::basis::Basis;
use super::{Spelt, flag};

/// How often a stream sends a comment when nothing happens: proxies cut connections that are silent for 30 to 60 seconds.
const HEARTBEAT: Duration = Duration::from_secs(15);

/// How long a long poll is held if the client does not say.
const DEFAULT_WAIT: Duration = Duration::from_secs(30);

/// A stream ends after this time plus up to half as much, so that clients spread over replicas and show their identity
/// again. They reconnect without missing anything.
const STREAM_LIFE: Duration = Duration::from_secs(60 * 60);

/// Within this time clients are asked to come back when the server stops.
const RETURN_WITHIN: Duration = Duration::from_secs(3);

/// What `EventSource` sends when it reconnects.
const LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");

/// The routes of this file.
pub(in crate::http) fn routes() -> Vec<Route> {
    vec![
        Route::get("/api/v1/watch/{application}/{profiles}", Scope::Needs(Verb::Read), watch_config)
            .takes(&["label", "wait", "values"]),
    ]
}

#[derive(Debug, Default, Deserialize)]
struct Parameters {
    label: Option<String>,
    wait: Option<String>,
    values: Option<String>,
}

/// What is watched, by whom, and how they want it.
pub(super) struct WatchRequest {
    pub(super) app: Arc<App>,
    pub(super) caller: Caller,
    pub(super) headers: HeaderMap,
    pub(super) address: Address,
    pub(super) spelling: Spelling,
    /// Names that nothing in the repository has are refused.
    pub(super) is_strict: bool,
}

/// The answer at one moment.
pub(super) struct Seen {
    pub(super) basis: Basis,
    pub(super) spelled: Arc<Spelled>,
}

async fn watch_config(
    Path((application, profiles)): Path<(String, String)>,
    State(app): State<Arc<App>>,
    caller: Caller,
    Asking(parameters): Asking<Parameters>,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    let address = Address::parse(&application, Some(&profiles), parameters.label.as_deref())?;
    let values = flag("values", parameters.values.as_ref())?;
    let wait = Wait::of(parameters.wait.as_deref(), &headers)?;
    let is_stream = wants_events(&headers);
    let watch = WatchRequest { app, caller, headers, address, spelling: Spelling::default(), is_strict: false };
    let listener = watch.app.hub.listen(&watch.address)?;
    if is_stream { stream(watch, listener, values).await } else { poll(&watch, listener, wait, values).await }
}

/// True if a client asks for a stream of events.
fn wants_events(headers: &HeaderMap) -> bool {
    let ranges = headers.get_all(header::ACCEPT).iter().filter_map(|value| value.to_str().ok());
    ranges.flat_map(|value| value.split(',')).any(|range| {
        let media = range.split(';').next().unwrap_or_default().trim();
        media.eq_ignore_ascii_case("text/event-stream")
    })
}

impl WatchRequest {
    /// The one loop of this file: looks until the client does not have what is there, the time is over, or the server
    /// stops. Without a listener it looks once.
    pub(super) async fn changed(&self, listener: Option<&mut Listener>, time: Duration) -> Result<Seen, Refusal> {
        let topic = listener.as_ref().map(|listener| Arc::clone(listener.topic()));
        let mut seen = self.look(&self.caller, topic.as_deref()).await?;
        let Some(listener) = listener else { return Ok(seen) };
        let mut over = pin!(sleep(time));
        while client_has(&self.headers, &seen.spelled.etag) {
            tokio::select! {
                () = listener.woken() => {}
                () = &mut over => break,
                () = self.app.draining.cancelled() => break,
            }
            seen = self.look_again(listener.topic()).await?;
        }
        Ok(seen)
    }

    /// The answer now, which the topic remembers from then on.
    async fn look(&self, caller: &Caller, topic: Option<&Topic>) -> Result<Seen, Refusal> {
        let address = self.app.permit(caller, self.address.clone())?;
        let basis = self.app.find(caller, &address).await?.strictly(self.is_strict)?;
        let spelled = self.app.store.answer(&basis.chosen, &address, &self.spelling)?;
        if let Some(topic) = topic.filter(|_| self.spelling == Spelling::default()) {
            topic.remember(&spelled.etag, || basis.chosen.whole(&address).ok());
        }
        Ok(Seen { basis, spelled })
    }

    /// The same after some time, in which the token may have been revoked.
    async fn look_again(&self, topic: &Topic) -> Result<Seen, Refusal> {
        let caller = Caller::of(&self.app.access, &self.headers).await?;
        self.look(&caller, Some(topic)).await
    }

    /// What differs from a version that the client has.
    async fn event(&self, topic: &Topic, from: Option<&str>, seen: &Seen, with_values: bool) -> WatchEvent {
        let keys = match from {
            Some(from) => topic.difference(from, &seen.spelled.etag).await,
            None => None,
        };
        let Address { application, profiles, .. } = &self.address;
        let names = |keys: &KeyChanges| ChangedKeys {
            added: keys.added.keys().cloned().collect(),
            changed: keys.changed.keys().cloned().collect(),
            removed: keys.removed.keys().cloned().collect(),
        };
        WatchEvent {
            application: Arc::clone(application),
            profiles: profiles.clone(),
            label: Arc::clone(&seen.basis.chosen.first.label),
            version: seen.basis.chosen.version(),
            etag: Arc::clone(&seen.spelled.etag),
            values: keys.as_deref().filter(|_| with_values).map(values),
            keys: keys.as_deref().map(names),
        }
    }
}

/// The new values by key, secrets as the configuration itself has them.
fn values(keys: &KeyChanges) -> serde_json::Map<String, serde_json::Value> {
    let changed = keys.changed.iter().map(|(key, (_, given))| (key, given));
    let values = keys.added.iter().chain(changed).map(|(key, given)| {
        let text = format::write(Format::Json, &given.value.revealed(), false);
        (key.to_string(), serde_json::from_str(&text).unwrap_or_default())
    });
    values.collect()
}

/// One event when the configuration differs from what the client has, or 304 at the end of the wait.
async fn poll(watch: &WatchRequest, mut listener: Listener, wait: Wait, values: bool) -> Result<Response, Refusal> {
    let seen = watch.changed(Some(&mut listener), wait.time.unwrap_or(DEFAULT_WAIT)).await?;
    let known = watch.headers.get(header::IF_NONE_MATCH).and_then(|value| value.to_str().ok());
    let from = known.and_then(|value| value.split(',').map(str::trim).find(|tag| *tag != "*"));
    let from = from.map(|tag| tag.strip_prefix("W/").unwrap_or(tag));
    let event = watch.event(listener.topic(), from, &seen, values).await;
    let body = serde_json::to_string(&event).map_err(|error| Refusal::internal().logged(&error))?;
    let Spelled { etag, is_secret, .. } = &*seen.spelled;
    let spelled = Spelled { body: body.into(), etag: Arc::clone(etag), is_secret: *is_secret, warning: None };
    let spelt = Spelt { basis: &seen.basis, media_type: "application/json" };
    let mut response = spelt.answer(&spelled, &watch.headers);
    wait.confirm(response.headers_mut());
    Ok(response)
}

/// What a stream knows between two events.
struct Streaming {
    watch: WatchRequest,
    listener: Listener,
    /// Events carry values.
    values: bool,
    /// The tag of what the client has.
    has: Option<Arc<str>>,
    next: Next,
    ends: Instant,
}

enum Next {
    /// Look what there is now.
    Look,
    /// Sleep until something may have changed.
    Sleep,
    /// Nothing more.
    End,
}

async fn stream(watch: WatchRequest, listener: Listener, values: bool) -> Result<Response, Refusal> {
    // What cannot be read is refused before the stream begins: clients read a status, and no event would tell them.
    let seen = watch.look(&watch.caller, Some(listener.topic())).await?;
    let has = watch.headers.get(LAST_EVENT_ID).and_then(|value| value.to_str().ok()).and_then(quoted);
    let ends = Instant::now() + STREAM_LIFE.mul_f64(1.0 + 0.5 * random());
    let streaming = Streaming { watch, listener, values, has, next: Next::Look, ends };
    let events = stream::unfold(streaming, |mut streaming| async {
        let event = streaming.next().await?;
        Some((Ok::<_, Infallible>(event), streaming))
    });
    let mut response = Sse::new(events).keep_alive(KeepAlive::new().interval(HEARTBEAT)).into_response();
    if values && seen.spelled.is_secret {
        // The line of the whole stream: its events are no requests.
        response.extensions_mut().insert(HoldsSecret::of(std::iter::once(&seen.basis.chosen)));
    }
    let headers = response.headers_mut();
    let caching = if seen.spelled.is_secret { "private, no-store" } else { "private, no-cache" };
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(caching));
    // nginx would hold events back.
    headers.insert(HeaderName::from_static("x-accel-buffering"), HeaderValue::from_static("no"));
    Ok(response)
}

impl Streaming {
    /// The next event; `None`: the stream ends, and the client comes back.
    async fn next(&mut self) -> Option<Event> {
        loop {
            match self.next {
                Next::End => return None,
                Next::Look => {}
                Next::Sleep => {
                    let draining = self.watch.app.draining.clone();
                    tokio::select! {
                        () = self.listener.woken() => {}
                        () = sleep_until(self.ends) => return None,
                        () = draining.cancelled() => {
                            self.next = Next::End;
                            return Some(bye());
                        }
                    }
                }
            }
            self.next = Next::Sleep;
            let seen = match self.watch.look_again(self.listener.topic()).await {
                Ok(seen) => seen,
                // Who may not read it any more, or asks for a label that is gone, learns it by reconnecting.
                Err(refusal) if refusal.status().is_client_error() => return None,
                // Anything else passes, and the client keeps what it has.
                Err(_) => continue,
            };
            let etag = Arc::clone(&seen.spelled.etag);
            if self.has.as_deref() == Some(&*etag) {
                continue;
            }
            let from = self.has.replace(Arc::clone(&etag));
            let event = self.watch.event(self.listener.topic(), from.as_deref(), &seen, self.values).await;
            if event.keys.as_ref().is_some_and(ChangedKeys::is_empty) {
                // Sealed anew, or other bytes with the same values: not a change for anybody.
                continue;
            }
            let name = if event.keys.is_some() { "change" } else { "current" };
            let sent = Event::default().event(name).id(&*etag).json_data(&event);
            return sent.ok();
        }
    }
}

/// Tells a client to come back, each at another time.
fn bye() -> Event {
    let retry = Duration::from_millis(500) + RETURN_WITHIN.mul_f64(random());
    Event::default().event("bye").retry(retry).data("{}")
}

/// A number from 0 to 1, good enough to spread clients over time.
fn random() -> f64 {
    let hash = RandomState::new().hash_one(());
    f64::from(u32::try_from(hash >> 32).unwrap_or(0)) / f64::from(u32::MAX)
}

/// An entity tag as a client may have kept it, with or without its quotes; `None` if it is empty.
fn quoted(tag: &str) -> Option<Arc<str>> {
    let tag = tag.strip_prefix("W/").unwrap_or(tag);
    let quoted = if tag.starts_with('"') { Arc::from(tag) } else { Arc::from(format!("\"{tag}\"")) };
    (!tag.is_empty()).then_some(quoted)
}

// ── what goes over the wire ──

/// An event. Without `added`, `changed` and `removed`, the server does not know what the client had: it takes the whole
/// configuration.
#[derive(Debug, Serialize)]
struct WatchEvent {
    application: Arc<str>,
    profiles: Vec<Arc<str>>,
    label: Arc<str>,
    version: String,
    etag: Arc<str>,
    #[serde(flatten)]
    keys: Option<ChangedKeys>,
    #[serde(skip_serializing_if = "Option::is_none")]
    values: Option<serde_json::Map<String, serde_json::Value>>,
}

#[derive(Debug, Serialize)]
struct ChangedKeys {
    added: Vec<Arc<str>>,
    changed: Vec<Arc<str>>,
    removed: Vec<Arc<str>>,
}

impl ChangedKeys {
    const fn is_empty(&self) -> bool {
        self.added.is_empty() && self.changed.is_empty() && self.removed.is_empty()
    }
}
