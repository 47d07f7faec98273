//! `/encrypt`, `/decrypt` and `/key`, as scripts written for Spring Cloud Config Server call them with curl.
//!
//! With keys of layerd's own, `/encrypt` gives its own form and seals a body as it is meant or not at all; with nothing but
//! Spring's pass phrase, it gives Spring's and takes `{name:value}` in front as Spring does. Bodies appear in no log.

use std::borrow::Cow;
use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use percent_encoding::percent_decode_str;
use serde::Serialize;
use zeroize::Zeroizing;

use crate::access::{Action, Verb};
use crate::config::address::Address;
use crate::config::select::Rank;
use crate::http::App;
use crate::http::access::Caller;
use crate::http::native::seal::random;
use crate::http::sealing_body::{self, Unclear};
use crate::http::spring::asked::Asked;
use crate::http::spring::error;
use crate::secret::error::SealError;
use crate::secret::keyring::Keyring;
use crate::secret::place::{Context, Place};
use crate::secret::sealed::{PREFIX, Sealed};

const NO_BODY: &str = "a body of UTF-8 text and a Content-Type are required";

pub(super) async fn encrypt(State(app): State<Arc<App>>, asked: Asked, body: Bytes) -> Response {
    seal_body(&app, &asked, &body, || Ok(None))
}

pub(super) async fn encrypt_for(
    State(app): State<Arc<App>>,
    Path((name, profiles)): Path<(String, String)>,
    asked: Asked,
    body: Bytes,
) -> Response {
    seal_body(&app, &asked, &body, || {
        let address = Address::parse(&name, Some(&profiles), None).map_err(|_| Failure::BAD_NAME)?;
        Ok(Some(address.application))
    })
}

pub(super) async fn decrypt(State(app): State<Arc<App>>, asked: Asked, body: Bytes) -> Response {
    answer(&asked, &body, |text| open(&app, asked.caller.as_ref(), text, None))
}

pub(super) async fn decrypt_for(
    State(app): State<Arc<App>>,
    Path((name, profiles)): Path<(String, String)>,
    asked: Asked,
    body: Bytes,
) -> Response {
    answer(&asked, &body, |text| {
        let address = Address::parse(&name, Some(&profiles), None).map_err(|_| Failure::BAD_NAME)?;
        open(&app, asked.caller.as_ref(), text, Some(&address.application))
    })
}

/// The text of a body, sealed for the application that it is for, if it is for one.
fn seal_body(
    app: &App,
    asked: &Asked,
    body: &Bytes,
    application: impl FnOnce() -> Result<Option<Arc<str>>, Failure>,
) -> Response {
    if body.is_empty() || !asked.headers.contains_key(header::CONTENT_TYPE) {
        return asked.refuse(&error::Failure::bad(NO_BODY));
    }
    let ring = &app.store.secrets().ring;
    let sealed = application().and_then(|application| {
        let (prefixes, text) = meant(&asked.headers, body, ring.encrypts_with().is_some())?;
        let rank = application.map(|name| rank_of(app, &name));
        seal(ring, &prefixes, &Zeroizing::new(text), rank.as_ref())
    });
    sealed.into_response()
}

/// What becomes of the text in a body. A request without one is refused as Boot does, in another shape than the rest.
fn answer(asked: &Asked, body: &Bytes, work: impl FnOnce(&str) -> Result<Response, Failure>) -> Response {
    match read(&asked.headers, body) {
        Some(text) => work(&text).into_response(),
        None => asked.refuse(&error::Failure::bad(NO_BODY)),
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

/// The prefixes to repeat before the sealed text, and the text to seal.
fn meant(headers: &HeaderMap, body: &[u8], has_own_keys: bool) -> Result<(String, String), Failure> {
    let mut text = sealing_body::text(headers, body).map_err(Failure::unclear)?;
    let (prefixes, rest) = split_prefixes(&text);
    let is_plain = text[prefixes.len()..].starts_with("{plain}");
    let owned = |(prefixes, text): (&str, &str)| (prefixes.to_owned(), text.to_owned());
    if has_own_keys {
        // The keys are named by the server, so a prefix says nothing; and JSON is not one.
        return match prefixes {
            "" if rest.is_empty() => Err(Failure::unclear(Unclear("the body is empty, and should be the value"))),
            "" => Ok(owned(("", rest))),
            _ if are_prefixes(prefixes) => Err(Failure::unclear(Unclear(
                "the body begins with {name:value}, which may or may not be part of the value; {plain} before it seals all of it",
            ))),
            _ => Ok((String::new(), text)),
        };
    }
    match (are_prefixes(prefixes), rest) {
        (true, "") => Err(Failure::unclear(Unclear("there is no value in the body"))),
        (false, rest) if !rest.is_empty() && !is_plain => Err(Failure::unclear(Unclear(
            "the body begins with braces that Spring takes for a prefix; {plain} before them seals all of it",
        ))),
        _ if prefixes.is_empty() && !is_plain && loses_its_end(headers, &text) => {
            text.pop();
            if text.contains(['%', '+']) {
                return Err(Failure::unclear(Unclear(
                    "Spring takes a body that ends with = for a form unless its type is text/plain",
                )));
            }
            Ok((String::new(), text))
        }
        _ => Ok(owned((prefixes, rest))),
    }
}

/// True if every group of a run is one that Spring gives a meaning to or that looks like it; those of JSON do not.
fn are_prefixes(run: &str) -> bool {
    run.split_inclusive('}').all(|group| {
        let inside = group.strip_prefix('{').and_then(|group| group.strip_suffix('}'));
        let name = inside.and_then(|inside| inside.split_once(':')).map(|(name, _)| name);
        name.is_some_and(|name| !name.contains(['"', '\'', '{']) && !name.contains(char::is_whitespace))
    })
}

/// True for a text whose final `=` Spring takes for that of a form, because the type has a parameter behind it.
fn loses_its_end(headers: &HeaderMap, text: &str) -> bool {
    let is_bare = headers.get(header::CONTENT_TYPE).is_some_and(|kind| kind.as_bytes() == b"text/plain");
    !is_bare && sealing_body::media_type(headers) == "text/plain" && text.ends_with('=')
}

fn seal(ring: &Keyring, prefixes: &str, text: &str, rank: Option<&Rank>) -> Result<Response, Failure> {
    let sealed = match ring.encrypts_with() {
        Some(_) => {
            // The place is not known here; `layerd encrypt` and the native route bind to it.
            let context = if rank.is_some() { Context::App } else { Context::Any };
            ring.seal(text, context, &place(rank), random().map_err(|_| Failure::INTERNAL)?)
        }
        None => ring.seal_for_spring(text, random().map_err(|_| Failure::INTERNAL)?),
    };
    let sealed = sealed.map_err(|error| match error {
        SealError::NoKey => Failure::NO_KEY,
        SealError::TooLong { .. } => Failure::TOO_LONG,
        SealError::NoApplication | SealError::LongKey { .. } => Failure::BAD_NAME,
    })?;
    let sealed = sealed.strip_prefix(PREFIX).unwrap_or(&sealed);
    Ok(plain_text(if ring.encrypts_with().is_some() { sealed.to_owned() } else { format!("{prefixes}{sealed}") }))
}

/// The files that a value of an application is for when nothing says which. Spring's repositories keep `user-service.yml`
/// and no folder for it.
fn rank_of(app: &App, name: &str) -> Rank {
    if app.store.reads_as_spring() { Rank::for_spring("", name) } else { Rank::named(name, None) }
}

fn place(rank: Option<&Rank>) -> Place<'_> {
    rank.map_or(Place { rank: "", application: None, target: None, key: "" }, |rank| Place::of(rank, ""))
}

fn open(app: &App, caller: Option<&Caller>, text: &str, application: Option<&str>) -> Result<Response, Failure> {
    if !caller.is_some_and(|caller| caller.grants().may(Action::Any(Verb::Decrypt))) {
        return Err(Failure::DECRYPT_IS_OFF);
    }
    let text = text.replace(' ', "+");
    let ring = &app.store.secrets().ring;
    if ring.is_empty() {
        return Err(Failure::NO_KEY);
    }
    let rank = application.map(|name| rank_of(app, name));
    let place = place(rank.as_ref());
    let try_open = |text: &str| {
        let sealed = Sealed::parse(&format!("{PREFIX}{text}"))?.ok()?;
        ring.open(&sealed, &place).ok()
    };
    // curl's `-d` adds a `=` where it takes the body for a form.
    let opened = try_open(&text).or_else(|| try_open(text.strip_suffix('=')?));
    opened.map(|plain| plain_text(plain.expose().to_owned())).ok_or(Failure::NOT_OURS)
}

/// The sealed text in a body; `None` if there is none, or nothing says of which type it is. A form is decoded; no sealed
/// text holds a `%`.
fn read(headers: &HeaderMap, body: &Bytes) -> Option<String> {
    let kind = headers.get(header::CONTENT_TYPE)?.as_bytes();
    let text = std::str::from_utf8(body).ok().filter(|text| !text.is_empty())?;
    let text = text.strip_suffix('=').filter(|_| kind != b"text/plain").unwrap_or(text);
    match sealing_body::is_form(&sealing_body::media_type(headers)) {
        true => percent_decode_str(text).decode_utf8().ok().map(Into::into),
        false => Some(text.to_owned()),
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
#[derive(Debug, Clone)]
pub(super) struct Failure {
    code: StatusCode,
    status: &'static str,
    description: Cow<'static, str>,
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
        Self { code, status, description: Cow::Borrowed(description) }
    }

    fn unclear(Unclear(why): Unclear) -> Self {
        let description = Cow::Owned(format!("{why}; {}", sealing_body::HINT));
        Self { code: StatusCode::BAD_REQUEST, status: "INVALID", description }
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
    description: Cow<'static, str>,
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

    fn headers(kind: &str) -> HeaderMap {
        HeaderMap::from_iter([(header::CONTENT_TYPE, kind.parse().unwrap())])
    }

    const FORM: &str = "application/x-www-form-urlencoded";

    #[test]
    fn with_keys_of_our_own_a_body_is_sealed_as_it_is_or_not_at_all() {
        let meant = |text: &str| meant(&headers("text/plain;charset=UTF-8"), text.as_bytes(), true);
        for text in [
            "{\"a\": 1}",
            "{\"a\":{\"b\":1}}",
            "{\"key\":\"x\"}tail",
            "{}",
            "{open",
            "{nothing}x",
            "x{key:a}",
            "ends=",
            "0042",
        ] {
            assert_eq!(meant(text).unwrap(), (String::new(), text.to_owned()), "{text}");
        }
        for (text, value) in
            [("{plain}{key:a}x", "{key:a}x"), ("{plain}{plain}", "{plain}"), ("{plain}{\"a\":1}", "{\"a\":1}")]
        {
            assert_eq!(meant(text).unwrap(), (String::new(), value.to_owned()), "{text}");
        }
        for text in ["{key:a}x", "{name:shop}{profiles:dev}x", "{a:1}", "{plain}", "{key:}x", "{key:a}{plain}x"] {
            let refused = meant(text).unwrap_err();
            assert_eq!((refused.code, refused.status), (StatusCode::BAD_REQUEST, "INVALID"), "{text}");
        }
    }

    #[test]
    fn with_springs_pass_phrase_prefixes_are_repeated_and_json_is_not_cut() {
        let meant = |kind: &str, text: &str| {
            meant(&headers(kind), text.as_bytes(), false).map_err(|failure| failure.code.as_u16())
        };
        let pair = |prefixes: &str, text: &str| Ok((prefixes.to_owned(), text.to_owned()));
        assert_eq!(meant("text/plain", "{key:any}x"), pair("{key:any}", "x"));
        assert_eq!(meant("text/plain", "{plain}{key:any}x"), pair("", "{key:any}x"));
        assert_eq!(meant("text/plain", "ends="), pair("", "ends="));
        assert_eq!(meant("text/plain;charset=UTF-8", "ends="), pair("", "ends"), "as Spring does");
        assert_eq!(meant("text/plain;charset=UTF-8", "a+b="), Err(400));
        assert_eq!(meant("application/octet-stream", "YWJj="), pair("", "YWJj="));
        assert_eq!(meant("application/json", "{\"a\": 1}"), pair("{\"a\": 1}", ""), "as Spring does");
        assert_eq!(meant("application/json", "{\"a\":{\"b\":1}}"), Err(400));
        assert_eq!(meant("text/plain", "{key:any}"), Err(400));
        assert_eq!(meant(FORM, "a%20b="), pair("", "a b"));
    }

    #[test]
    fn a_sealed_text_that_was_sent_as_a_form_is_read() {
        let read = |kind: &str, body: &'static str| read(&headers(kind), &Bytes::from_static(body.as_bytes()));
        assert_eq!(read(FORM, "%7Bv%3A1%7Dab=").as_deref(), Some("{v:1}ab"));
        assert_eq!(read(FORM, "{key:a}ab+c").as_deref(), Some("{key:a}ab+c"));
        assert_eq!(read("text/plain", "ab=").as_deref(), Some("ab="));
        assert_eq!(read("text/plain", ""), None);
        assert_eq!(read(FORM, "%ff="), None);
    }
}
