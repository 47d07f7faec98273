//! `/encrypt`, `/decrypt` and `/key`, as scripts written for Spring Cloud Config Server call them with curl.
//!
//! With keys of layerd's own, `/encrypt` gives its own form; with nothing but Spring's pass phrase, Spring's. Bodies are
//! read with that server's allowances for curl, and appear in no log.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use percent_encoding::percent_decode_str;
use serde::Serialize;

use crate::config::address::Address;
use crate::http::App;
use crate::http::native::seal::random;
use crate::http::spring::asked::Asked;
use crate::http::spring::error;
use crate::secret::error::SealError;
use crate::secret::keyring::Keyring;
use crate::secret::place::{Context, Place};
use crate::secret::sealed::{PREFIX, Sealed};

pub(super) async fn encrypt(State(app): State<Arc<App>>, asked: Asked, body: Bytes) -> Response {
    answer(&asked, &body, |text| seal(&app.store.secrets().ring, text, None))
}

pub(super) async fn encrypt_for(
    State(app): State<Arc<App>>,
    Path((name, profiles)): Path<(String, String)>,
    asked: Asked,
    body: Bytes,
) -> Response {
    answer(&asked, &body, |text| {
        let address = Address::parse(&name, Some(&profiles), None).map_err(|_| Failure::BAD_NAME)?;
        seal(&app.store.secrets().ring, text, Some(&address.application))
    })
}

pub(super) async fn decrypt(State(app): State<Arc<App>>, asked: Asked, body: Bytes) -> Response {
    answer(&asked, &body, |text| open(&app, text, None))
}

pub(super) async fn decrypt_for(
    State(app): State<Arc<App>>,
    Path((name, profiles)): Path<(String, String)>,
    asked: Asked,
    body: Bytes,
) -> Response {
    answer(&asked, &body, |text| {
        let address = Address::parse(&name, Some(&profiles), None).map_err(|_| Failure::BAD_NAME)?;
        open(&app, text, Some(&address.application))
    })
}

/// What becomes of the text in a body. A request without one is refused as Boot does, in another shape than the rest.
fn answer(asked: &Asked, body: &Bytes, work: impl FnOnce(&str) -> Result<Response, Failure>) -> Response {
    match read(&asked.headers, body) {
        Some(text) => work(&text).into_response(),
        None => asked.refuse(&error::Failure::bad("a body of UTF-8 text and a Content-Type are required")),
    }
}

pub(super) async fn get_status(State(app): State<Arc<App>>) -> Result<Response, Failure> {
    match app.store.secrets().ring.is_empty() {
        true => Err(Failure::NO_KEY),
        false => Ok(axum::Json(Status { status: "OK" }).into_response()),
    }
}

/// A key that seals and opens alike is shown to nobody.
pub(super) async fn get_key() -> Failure {
    Failure::NO_PUBLIC_KEY
}

fn seal(ring: &Keyring, text: &str, application: Option<&str>) -> Result<Response, Failure> {
    let (prefixes, text) = split_prefixes(text);
    let sealed = match ring.encrypts_with() {
        Some(_) => {
            // The place is not known here; `layerd encrypt` and the native route bind to it.
            let context = if application.is_some() { Context::App } else { Context::Any };
            let place = Place { rank: "", application, key: "" };
            ring.seal(text, context, &place, random().map_err(|_| Failure::INTERNAL)?)
        }
        None => ring.seal_for_spring(text, random().map_err(|_| Failure::INTERNAL)?),
    };
    let sealed = sealed.map_err(|error| match error {
        SealError::NoKey => Failure::NO_KEY,
        SealError::TooLong { .. } => Failure::TOO_LONG,
        SealError::NoApplication => Failure::BAD_NAME,
    })?;
    let sealed = sealed.strip_prefix(PREFIX).unwrap_or(&sealed);
    Ok(plain_text(if ring.encrypts_with().is_some() { sealed.to_owned() } else { format!("{prefixes}{sealed}") }))
}

fn open(app: &App, text: &str, application: Option<&str>) -> Result<Response, Failure> {
    if !app.may_decrypt {
        return Err(Failure::DECRYPT_IS_OFF);
    }
    let text = text.replace(' ', "+");
    let ring = &app.store.secrets().ring;
    if ring.is_empty() {
        return Err(Failure::NO_KEY);
    }
    let place = Place { rank: "", application, key: "" };
    let try_open = |text: &str| {
        let sealed = Sealed::parse(&format!("{PREFIX}{text}"))?.ok()?;
        ring.open(&sealed, &place).ok()
    };
    // curl's `-d` adds a `=` where it takes the body for a form.
    let opened = try_open(&text).or_else(|| try_open(text.strip_suffix('=')?));
    opened.map(|plain| plain_text(plain.expose().to_owned())).ok_or(Failure::NOT_OURS)
}

/// The value in a body; `None` if there is none, or nothing says of which type it is. Bodies that curl has taken for a form
/// end with `=` and are escaped.
fn read(headers: &HeaderMap, body: &Bytes) -> Option<String> {
    let kind = headers.get(header::CONTENT_TYPE)?.as_bytes();
    let text = std::str::from_utf8(body).ok().filter(|text| !text.is_empty())?;
    match text.strip_suffix('=') {
        Some(form) if kind != b"text/plain" => {
            let form = form.replace('+', " ");
            percent_decode_str(&form).decode_utf8().ok().map(Into::into)
        }
        _ => Some(text.to_owned()),
    }
}

/// The longest run of `{name:value}` at the beginning, and the rest; `{plain}` ends the run.
fn split_prefixes(text: &str) -> (&str, &str) {
    let mut end = 0;
    while let Some(inside) =
        text[end..].strip_prefix('{').and_then(|rest| rest.split_once('}')).map(|(inside, _)| inside)
    {
        if inside == "plain" {
            return (&text[..end], &text[end + "{plain}".len()..]);
        }
        if !inside.contains(':') {
            break;
        }
        end += inside.len() + 2;
    }
    text.split_at(end)
}

fn plain_text(text: String) -> Response {
    let kind = [(header::CONTENT_TYPE, "text/plain;charset=UTF-8"), (header::CACHE_CONTROL, "private, no-store")];
    (kind, text).into_response()
}

/// A failure in the shape that Spring gives it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Failure {
    code: StatusCode,
    status: &'static str,
    description: &'static str,
}

impl Failure {
    const NO_KEY: Self = Self::new(StatusCode::NOT_FOUND, "NO_KEY", "No key was installed for encryption service");
    const NO_PUBLIC_KEY: Self = Self::new(StatusCode::NOT_FOUND, "NOT_FOUND", "No public key available");
    const NOT_OURS: Self = Self::new(StatusCode::BAD_REQUEST, "INVALID", "Text not encrypted with this key");
    const DECRYPT_IS_OFF: Self =
        Self::new(StatusCode::FORBIDDEN, "FORBIDDEN", "Server-side decryption is off; set secrets.decrypt to allow it");
    const BAD_NAME: Self =
        Self::new(StatusCode::BAD_REQUEST, "BAD_REQUEST", "The name or the profiles cannot be those of an application");
    const TOO_LONG: Self = Self::new(StatusCode::PAYLOAD_TOO_LARGE, "INVALID", "The value is too long to be sealed");
    const INTERNAL: Self =
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "ERROR", "The system gave no random bytes to seal with");

    const fn new(code: StatusCode, status: &'static str, description: &'static str) -> Self {
        Self { code, status, description }
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        let Self { code, status, description } = self;
        let caching = [(header::CACHE_CONTROL, "no-store")];
        (code, caching, axum::Json(Described { description, status })).into_response()
    }
}

// ── what goes over the wire ──

#[derive(Serialize)]
struct Status {
    status: &'static str,
}

#[derive(Serialize)]
struct Described {
    description: &'static str,
    status: &'static str,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prefixes_are_a_run_of_pairs() {
        let cases = [
            ("x", ("", "x")),
            ("{key:abc}x", ("{key:abc}", "x")),
            ("{key:a}{secret:b}x{c:d}", ("{key:a}{secret:b}", "x{c:d}")),
            ("{plain}{key:abc}x", ("", "{key:abc}x")),
            ("{key:a}{plain}{x:y}", ("{key:a}", "{x:y}")),
            ("{nothing}x", ("", "{nothing}x")),
            ("{\"a\": 1}", ("{\"a\": 1}", "")),
            ("{open", ("", "{open")),
        ];
        for (text, expected) in cases {
            assert_eq!(split_prefixes(text), expected, "{text}");
        }
    }

    #[test]
    fn a_body_that_curl_took_for_a_form_is_read_as_it_was_meant() {
        let read = |kind: &str, body: &'static str| {
            let headers = HeaderMap::from_iter([(header::CONTENT_TYPE, kind.parse().unwrap())]);
            read(&headers, &Bytes::from_static(body.as_bytes()))
        };
        let form = "application/x-www-form-urlencoded";
        assert_eq!(read(form, "my+secret%21=").as_deref(), Some("my secret!"));
        assert_eq!(read(form, "my+secret").as_deref(), Some("my+secret"));
        assert_eq!(read("text/plain", "a%21=").as_deref(), Some("a%21="));
        assert_eq!(read("text/plain", ""), None);
        assert_eq!(read(form, "%ff="), None);
    }
}
