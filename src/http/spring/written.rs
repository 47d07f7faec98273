//! The headers that answers of Spring's protocol have in common, and the answer that the client has it already.

use axum::body::{Body, Bytes};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse as _, Response};

use crate::http::access::HoldsSecret;
use crate::http::etag::client_has;

use super::asked::Asked;

/// What the headers of an answer are made of.
pub(super) struct Written<'a> {
    /// The type of the body.
    pub(super) media_type: &'a str,
    /// Its tag.
    pub(super) etag: Option<&'a str>,
    /// There are opened secrets in it.
    pub(super) is_secret: bool,
}

/// The answer with this body, or that the client has it already.
pub(super) fn answered(asked: &Asked, body: Bytes, written: &Written<'_>) -> Response {
    let mut response = match written.etag.is_some_and(|etag| client_has(&asked.headers, etag)) {
        true => StatusCode::NOT_MODIFIED.into_response(),
        false => Response::new(Body::from(body)),
    };
    if written.is_secret && response.status() != StatusCode::NOT_MODIFIED {
        response.extensions_mut().insert(HoldsSecret::default());
    }
    let headers = response.headers_mut();
    let mut put = |name, value: &str| drop(HeaderValue::from_str(value).map(|value| headers.insert(name, value)));
    put(header::CONTENT_TYPE, written.media_type);
    written.etag.into_iter().for_each(|etag| put(header::ETAG, etag));
    put(header::CACHE_CONTROL, if written.is_secret { "private, no-store" } else { "private, no-cache" });
    put(header::VARY, "Authorization, Accept, Accept-Encoding");
    response
}
