//! One request from its head to its response: its id, what the guard says, its body, the router, and the books.
//!
//! The order in [`answer`] is the order for every request. Nothing here knows a route; a handler that panics costs its
//! own request and no other.

use std::any::Any;
use std::convert::Infallible;
use std::future::poll_fn;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::{Pin, pin};
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, HttpBody};
use axum::http::header::{CONNECTION, HeaderName, TRANSFER_ENCODING, X_CONTENT_TYPE_OPTIONS};
use axum::http::request::Parts;
use axum::http::uri::PathAndQuery;
use axum::http::{HeaderMap, HeaderValue, Method, Request, StatusCode};
use axum::response::{IntoResponse as _, Response};
use bytes::Bytes;
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use hyper::body::{Frame, Incoming, SizeHint};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, timeout};
use tower::Service as _;
use tracing::{debug, error, warn};
use uuid::Uuid;

use crate::http::error::{Refusal, sign, visible};
use crate::http::guard;
use crate::http::webhook;

use super::metrics::Route;
use super::state::Link;

/// The header that carries the id of a request, in both directions.
const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// The longest id that is taken from a client.
const LONGEST_ID: usize = 64;

/// KiB from which an answer is a large one.
const LARGE: u32 = 256;

/// The most bytes of a body that is read and thrown away: a large push event fits, and nobody streams for ever.
const THROWN_AWAY: usize = 64 << 20;

/// The most characters of a path in the log.
const LOGGED_PATH: usize = 256;

/// The id of a request: the client's own, or a UUID. Handlers find it among the request's extensions.
#[derive(Debug, Clone)]
pub struct RequestId(Arc<Tag>);

#[derive(Debug)]
struct Tag {
    id: HeaderValue,
    /// The counters of the route that the router chose.
    route: OnceLock<Arc<Route>>,
}

impl RequestId {
    fn new(headers: &HeaderMap, new: impl FnOnce() -> Uuid) -> Self {
        let is_safe = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-');
        let is_id = |id: &&HeaderValue| matches!(id.len(), 1..=LONGEST_ID) && id.as_bytes().iter().all(is_safe);
        let id = headers.get(&X_REQUEST_ID).filter(is_id).cloned().unwrap_or_else(|| {
            let mut text = [0; uuid::fmt::Hyphenated::LENGTH];
            new().hyphenated().encode_lower(&mut text);
            HeaderValue::from_maybe_shared(Bytes::from_owner(text)).expect("digits and hyphens are a header's value")
        });
        Self(Arc::new(Tag { id, route: OnceLock::new() }))
    }

    /// The id, of letters, digits, dots, hyphens and underscores.
    #[must_use]
    pub fn as_str(&self) -> &str {
        self.0.id.to_str().unwrap_or_default()
    }

    /// Notes the route that the request takes; the first one counts.
    pub(super) fn note(&self, route: &Arc<Route>) {
        self.0.route.get_or_init(|| Arc::clone(route));
    }
}

/// Answers one request of a connection.
pub(super) async fn answer(link: Arc<Link>, request: Request<Incoming>) -> Result<Response<Watched>, Infallible> {
    let began = Instant::now();
    let flight = Flight::begin(link);
    let link = &*flight.link;
    let (parts, body) = request.into_parts();
    let id = RequestId::new(&parts.headers, || link.pulse.request_id(began));
    let line = (parts.method.clone(), parts.uri.path_and_query().cloned());
    let mut response = respond(link, parts, body, &id).await;
    let held = match hold(&link.server.sending, &response) {
        Ok(held) => held,
        Err(refusal) => {
            response = refusal.into_response();
            None
        }
    };

    sign(&mut response, id.as_str());
    let headers = response.headers_mut();
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(X_REQUEST_ID, id.0.id.clone());
    let ended = Instant::now();
    link.pulse.touch(ended);
    let took = ended.saturating_duration_since(began);
    id.0.route.get().unwrap_or_else(|| link.server.metrics.other()).count(response.status(), took);
    log(&id, &line, response.status(), took);
    Ok(response.map(|body| Watched { body, flight, _held: held }))
}

async fn respond(link: &Link, mut parts: Parts, body: Incoming, id: &RequestId) -> Response {
    if let Err(refusal) = guard::check(&parts, &link.server.rules) {
        return refuse(link, refusal, body.is_end_stream());
    }
    if let Some(peer) = link.peer {
        parts.extensions.insert(peer);
    }
    if body.is_end_stream() {
        parts.extensions.insert(id.clone());
        return route(&link.server.router, Request::from_parts(parts, Body::empty()), id).await;
    }
    let is_chunked = parts.headers.contains_key(TRANSFER_ENCODING);
    let body = match receive(link, &parts, body).await {
        Ok((body, share)) => {
            // The share of the memory is given back with the request.
            parts.extensions.insert(share);
            body
        }
        Err(refusal) => return refuse(link, refusal, false),
    };
    parts.extensions.insert(id.clone());
    let mut response = route(&link.server.router, Request::from_parts(parts, body), id).await;
    if is_chunked {
        // A proxy before us may have read another length in the same head; what follows is not believed (RFC 9112 6.1).
        response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    }
    response
}

/// Takes the share of a large answer in the memory for all of them, so that slow clients cannot make it all the memory
/// there is. Small ones have none.
fn hold(sending: &Arc<Semaphore>, response: &Response) -> Result<Option<OwnedSemaphorePermit>, Refusal> {
    let kibibytes = u32::try_from(response.body().size_hint().lower() >> 10).unwrap_or(u32::MAX);
    if kibibytes < LARGE {
        return Ok(None);
    }
    // One that is larger than all may be has the whole, not none.
    let wanted = kibibytes.min(u32::try_from(super::SENDING).unwrap_or(u32::MAX));
    Arc::clone(sending).try_acquire_many_owned(wanted).map(Some).map_err(|_| {
        let detail = "large answers to other clients hold all the memory that there is for them";
        Refusal::new(StatusCode::SERVICE_UNAVAILABLE, "busy", detail).retry_after(1)
    })
}

/// Reads a body whole, so that no handler has to think of its limits. One that means nothing is read and thrown away.
async fn receive(link: &Link, parts: &Parts, body: Incoming) -> Result<(Body, Share), Refusal> {
    let limits = &link.server.limits;
    check_framing(link, parts)?;
    let (path, is_post) = (parts.uri.path(), parts.method == Method::POST);
    let is_kept = !(is_post && link.server.bodiless.iter().any(|bodiless| bodiless == path));
    let is_webhook = is_post && path.starts_with(&link.server.webhooks);
    let most = match (is_kept, is_webhook) {
        (false, _) => limits.body.max(THROWN_AWAY),
        (true, true) => limits.body.max(webhook::LARGEST),
        (true, false) => limits.body,
    };
    let too_large = || {
        let which = match (is_kept, is_webhook) {
            (false, _) => ", even for one that is not kept",
            (true, true) => " that a webhook may have",
            (true, false) => " of `limits.body`",
        };
        let detail = format!("the body has more than the {most} bytes{which}");
        Refusal::new(StatusCode::PAYLOAD_TOO_LARGE, "body-too-large", detail)
    };
    if body.size_hint().lower() > most as u64 {
        return Err(too_large());
    }
    // Without a length, any body may be one of the largest.
    let expected = body.size_hint().upper().unwrap_or(most as u64);
    let share = if is_webhook && expected > limits.body as u64 { Some(share(link, expected)?) } else { None };
    let mut body = Limited::new(body, most);
    let read = async {
        if is_kept {
            return body.collect().await.map(|body| Body::from(body.to_bytes()));
        }
        while let Some(frame) = body.frame().await {
            frame?;
        }
        Ok(Body::empty())
    };
    match timeout(limits.header_time, read).await {
        Ok(Ok(body)) => Ok((body, Share(share.map(Arc::new)))),
        Ok(Err(error)) if error.is::<LengthLimitError>() => Err(too_large()),
        Ok(Err(_)) => {
            Err(Refusal::new(StatusCode::BAD_REQUEST, "invalid-body", "the body does not end as its head says"))
        }
        Err(_) => {
            let detail = format!("the body did not come whole within {} s", limits.header_time.as_secs_f32());
            Err(Refusal::new(StatusCode::REQUEST_TIMEOUT, "body-timeout", detail))
        }
    }
}

/// A share in the memory for large bodies, held as long as its request.
#[derive(Debug, Clone)]
struct Share(#[expect(dead_code, reason = "it is held")] Option<Arc<OwnedSemaphorePermit>>);

fn share(link: &Link, bytes: u64) -> Result<OwnedSemaphorePermit, Refusal> {
    let kibibytes = u32::try_from(bytes.div_ceil(1 << 10)).unwrap_or(u32::MAX);
    let kibibytes = kibibytes.min(u32::try_from(super::RECEIVING).unwrap_or(u32::MAX));
    Arc::clone(&link.server.receiving).try_acquire_many_owned(kibibytes).map_err(|_| {
        let detail = "other large bodies are being received";
        Refusal::new(StatusCode::SERVICE_UNAVAILABLE, "busy", detail).retry_after(1)
    })
}

/// Refuses a body whose length proxies may read in different ways.
fn check_framing(link: &Link, parts: &Parts) -> Result<(), Refusal> {
    let mut encodings = parts.headers.get_all(TRANSFER_ENCODING).iter();
    let Some(encoding) = encodings.next() else { return Ok(()) };
    let detail = if encodings.next().is_some() || !encoding.as_bytes().eq_ignore_ascii_case(b"chunked") {
        "the only transfer encoding that this server knows is `chunked`, once"
    } else if matches!(parts.method, Method::GET | Method::HEAD) {
        "a chunked body means nothing here"
    } else if link.pulse.head_has_length() {
        "the request has both a `Content-Length` and a `Transfer-Encoding`"
    } else {
        return Ok(());
    };
    Err(Refusal::new(StatusCode::BAD_REQUEST, "invalid-framing", detail))
}

/// The response to a request that no route sees. If its body was not read, nothing else on its connection can be.
fn refuse(link: &Link, refusal: Refusal, is_read: bool) -> Response {
    match refusal.status() {
        StatusCode::URI_TOO_LONG => link.server.metrics.reject("path"),
        StatusCode::PAYLOAD_TOO_LARGE => link.server.metrics.reject("body"),
        StatusCode::REQUEST_TIMEOUT => link.server.metrics.reject("header-time"),
        _ => {}
    }
    let mut response = refusal.into_response();
    if !is_read {
        link.pulse.leave_unread();
        response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    }
    response
}

async fn route(router: &Router, request: Request<Body>, id: &RequestId) -> Response {
    let mut router = router.clone();
    let mut work = pin!(async move { router.call(request).await });
    poll_fn(|context| match catch_unwind(AssertUnwindSafe(|| work.as_mut().poll(context))) {
        Ok(polled) => polled.map(|Ok(response)| response),
        Err(panic) => Poll::Ready(recover(&*panic, id)),
    })
    .await
}

fn recover(panic: &(dyn Any + Send), id: &RequestId) -> Response {
    let text = panic.downcast_ref::<&str>().copied().or_else(|| panic.downcast_ref::<String>().map(|text| &**text));
    error!(request_id = id.as_str(), panic = text.unwrap_or_default(), "a handler failed; this is a bug in layerd");
    Refusal::new(StatusCode::INTERNAL_SERVER_ERROR, "internal-error", "the server failed; this is a bug in layerd")
        .hint("report it with the request's id and what the log of the server says about it")
        .into_response()
}

/// One line for each request. The query stays out of it, because people put secrets there.
fn log(id: &RequestId, (method, target): &(Method, Option<PathAndQuery>), status: StatusCode, took: Duration) {
    let path = || visible(target.as_ref().map_or("", PathAndQuery::path), LOGGED_PATH);
    let (request_id, method) = (id.as_str(), || visible(method.as_str(), LOGGED_PATH));
    let (number, duration_us) = (status.as_u16(), took.as_micros());
    // "Not ready" and "busy" are what probes and retrying clients hear many times; the log of the source has the cause.
    if status.is_server_error() && status != StatusCode::SERVICE_UNAVAILABLE {
        warn!(request_id, method = &*method(), path = &*path(), status = number, duration_us, "request failed");
    } else {
        debug!(request_id, method = &*method(), path = &*path(), status = number, duration_us, "request");
    }
}

/// A request being answered, to the last byte of its response or until its client has gone.
#[derive(Debug)]
struct Flight {
    link: Arc<Link>,
    waited: bool,
}

impl Flight {
    fn begin(link: Arc<Link>) -> Self {
        link.pulse.begin();
        link.server.metrics.in_flight().inc();
        Self { link, waited: false }
    }
}

impl Drop for Flight {
    fn drop(&mut self) {
        self.link.server.metrics.in_flight().dec();
        self.link.pulse.end();
        if self.waited {
            self.link.pulse.touch(Instant::now());
        }
    }
}

/// The body of a response, which ends the flight of its request when it was written or given up.
#[derive(Debug)]
pub(super) struct Watched {
    body: Body,
    flight: Flight,
    /// The share of the memory for large answers that this one has.
    _held: Option<OwnedSemaphorePermit>,
}

impl HttpBody for Watched {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let frame = Pin::new(&mut self.body).poll_frame(context);
        self.flight.waited |= frame.is_pending();
        frame
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
