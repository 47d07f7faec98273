//! What goes wrong, as the native protocol tells it: problem details as of RFC 9457, and the status of every failure.
//!
//! Only this file knows which failure has which status there; the other protocols have their own shapes in their own
//! files. A refusal says what the client may know; causes that only the operator may know go to the log.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::sync::Arc;

use axum::body::{Body, HttpBody as _};
use axum::http::header::{ALLOW, CACHE_CONTROL, CONTENT_LENGTH, CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use serde::Serialize;
use tracing::error;

use crate::answer::AnswerError;
use crate::config::address::AddressError;
use crate::config::foreign;
use crate::config::growth;
use crate::config::nearest;
use crate::config::problem::{Position, Problem};
use crate::format::wish::Misasked;
use crate::push::Full;
use crate::snapshot::is_about_keys;
use crate::store::ChooseError;
use crate::store::discovered::FindError;
use crate::store::pool::ColdError;

/// The most characters of a client's input that an answer or a log repeats.
pub const ECHO: usize = 200;

/// The most characters of a detail; longer than [`ECHO`], so that a sentence around an input stays whole.
const DETAIL: usize = 2 * ECHO;

/// Seconds until a client may ask again while nothing was fetched yet.
const NOT_READY: u32 = 5;

/// Seconds until a client may ask again after the server was busy.
const BUSY: u32 = 1;

/// A request that is not answered as asked, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal(Box<Inner>);

#[derive(Debug, Clone, PartialEq, Eq)]
struct Inner {
    status: StatusCode,
    code: &'static str,
    detail: String,
    hint: Option<String>,
    place: Option<(Arc<str>, Position)>,
    problems: Vec<Problem>,
    retry_after: Option<u32>,
    allow: Option<&'static str>,
    challenge: Option<&'static str>,
    extra: serde_json::Map<String, serde_json::Value>,
}

/// The members of a problem details object, in the order in which they are written.
#[derive(Serialize)]
struct Members<'a> {
    /// `about:blank`, which RFC 9457 has for problems whose title is that of their status; `code` tells them apart.
    #[serde(rename = "type")]
    kind: &'static str,
    title: &'a str,
    status: u16,
    detail: &'a str,
    code: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    file: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    line: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    column: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    hint: Option<&'a str>,
    #[serde(skip_serializing_if = "<[Problem]>::is_empty")]
    problems: &'a [Problem],
    #[serde(flatten)]
    extra: &'a serde_json::Map<String, serde_json::Value>,
}

/// The body of a response that does not carry the id of its request yet.
#[derive(Debug, Clone)]
struct Unsigned(Bytes);

impl Refusal {
    /// A refusal with a stable kebab-case code and one lower-case sentence. A `hint:` line at the end of the sentence
    /// becomes the hint. Characters that cannot be told apart in a log are escaped, and a very long text is cut.
    #[must_use]
    pub fn new(status: StatusCode, code: &'static str, detail: impl Into<String>) -> Self {
        let detail = detail.into();
        let (detail, hint) = match detail.split_once("\nhint: ") {
            Some((detail, hint)) => (detail, Some(visible(hint, DETAIL).into_owned())),
            None => (&*detail, None),
        };
        let detail = visible(detail, DETAIL).into_owned();
        let (place, problems, retry_after, allow, challenge) = (None, Vec::new(), None, None, None);
        Self(Box::new(Inner {
            status,
            code,
            detail,
            hint,
            place,
            problems,
            retry_after,
            allow,
            challenge,
            extra: serde_json::Map::new(),
        }))
    }

    /// The same with what to do about it.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.0.hint = Some(hint.into());
        self
    }

    /// The same with the file, line and column of a problem, and its hint if it has one.
    #[must_use]
    pub fn at(mut self, problem: &Problem) -> Self {
        self.0.place = Some((Arc::clone(&problem.file), problem.at));
        self.0.hint = problem.hint.clone().or(self.0.hint);
        self
    }

    /// The same at the first of these problems, with all of them if there are several.
    #[must_use]
    pub fn problems(self, problems: &[Problem]) -> Self {
        let Some(first) = problems.first() else { return self };
        let mut refusal = self.at(first);
        if problems.len() > 1 {
            refusal.0.problems = problems.to_vec();
        }
        refusal
    }

    /// The same with the ways in which a client may show who it is.
    #[must_use]
    pub fn challenge(mut self, challenge: &'static str) -> Self {
        self.0.challenge = Some(challenge);
        self
    }

    /// The same with the seconds after which it is worth to ask again.
    #[must_use]
    pub fn retry_after(mut self, seconds: u32) -> Self {
        self.0.retry_after = Some(seconds);
        self
    }

    /// The same with the methods that the resource knows, as a comma list.
    #[must_use]
    pub fn allow(mut self, methods: &'static str) -> Self {
        self.0.allow = Some(methods);
        self
    }

    /// The same with a member of the route's own.
    #[must_use]
    pub fn with(mut self, name: &str, value: serde_json::Value) -> Self {
        self.0.extra.insert(name.to_owned(), value);
        self
    }

    /// The status of the answer.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        self.0.status
    }

    /// The sentence.
    #[must_use]
    pub fn detail(&self) -> &str {
        &self.0.detail
    }

    /// What to do about it; empty if there is nothing to say.
    #[must_use]
    pub fn advice(&self) -> &str {
        self.0.hint.as_deref().unwrap_or_default()
    }

    /// The seconds after which it is worth to ask again.
    #[must_use]
    pub fn seconds(&self) -> Option<u32> {
        self.0.retry_after
    }

    /// The stable name of the failure.
    #[must_use]
    pub fn code(&self) -> &'static str {
        self.0.code
    }

    /// The whole answer as bytes, for a connection that is closed before a request was read from it.
    pub(super) fn to_wire(&self) -> Vec<u8> {
        let (status, body) = (self.0.status, self.body());
        let mut head = format!("HTTP/1.1 {} {}\r\n", status.as_str(), status.canonical_reason().unwrap_or_default());
        head += "content-type: application/problem+json\r\ncache-control: no-store\r\nconnection: close\r\n";
        if let Some(seconds) = self.0.retry_after {
            write!(head, "retry-after: {seconds}\r\n").expect("writing to a string cannot fail");
        }
        write!(head, "content-length: {}\r\n\r\n", body.len()).expect("writing to a string cannot fail");
        [head.into_bytes(), body].concat()
    }

    fn body(&self) -> Vec<u8> {
        let Inner { status, code, detail, hint, place, problems, extra, .. } = &*self.0;
        let members = Members {
            kind: "about:blank",
            title: status.canonical_reason().unwrap_or_default(),
            status: status.as_u16(),
            detail,
            code,
            file: place.as_ref().map(|(file, _)| &**file),
            line: place.as_ref().map(|(_, at)| at.line),
            column: place.as_ref().map(|(_, at)| at.column),
            hint: hint.as_deref(),
            problems,
            extra,
        };
        serde_json::to_vec(&members).expect("the members are texts and numbers, which JSON can always spell")
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let body = Bytes::from(self.body());
        let mut response = Response::new(Body::from(body.clone()));
        *response.status_mut() = self.0.status;
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if let Some(seconds) = self.0.retry_after {
            headers.insert(RETRY_AFTER, HeaderValue::from(seconds));
        }
        if let Some(methods) = self.0.allow {
            headers.insert(ALLOW, HeaderValue::from_static(methods));
        }
        if let Some(challenge) = self.0.challenge {
            headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static(challenge));
        }
        response.extensions_mut().insert(Unsigned(body));
        response
    }
}

impl From<AddressError> for Refusal {
    fn from(error: AddressError) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "invalid-address", error.to_string())
    }
}

impl From<ChooseError> for Refusal {
    fn from(error: ChooseError) -> Self {
        let unavailable = |code, detail: &str| Self::new(StatusCode::SERVICE_UNAVAILABLE, code, detail);
        match &error {
            ChooseError::NotReady(_) => unavailable("not-ready", &error.to_string()).retry_after(NOT_READY),
            ChooseError::UnknownLabel(label) => Self::unknown_label(label, &BTreeSet::new()),
            ChooseError::Stuck(..) => unavailable("label-unreadable", &error.to_string())
                .hint("the branch or tag holds something that Git would not write; the others are not touched")
                .retry_after(NOT_READY),
            ChooseError::NoSource => Self::new(StatusCode::NOT_FOUND, "no-source", error.to_string())
                .hint("the setting `sources[].match` says which source answers for which application"),
            ChooseError::Find(FindError::None(_)) => Self::new(StatusCode::NOT_FOUND, "no-source", error.to_string()),
            ChooseError::Find(FindError::Failed(_, seconds)) => {
                unavailable("source-unavailable", &error.to_string()).retry_after(*seconds)
            }
            ChooseError::Find(FindError::Slow(_)) => {
                unavailable("not-ready", &error.to_string()).retry_after(NOT_READY)
            }
            ChooseError::Cold(ColdError::Busy) | ChooseError::Find(FindError::Busy) => {
                unavailable("busy", &error.to_string()).retry_after(BUSY)
            }
            ChooseError::Cold(ColdError::Unreadable(cause)) => {
                error!(cause, "the local copy cannot be read");
                unavailable("storage", "the local copy of the configuration cannot be read")
                    .hint("the log of the server has the cause")
                    .retry_after(NOT_READY)
            }
        }
    }
}

impl From<Full> for Refusal {
    fn from(error: Full) -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "too-many-watchers", error.to_string())
            .hint("ask again without waiting, or raise `limits.watchers`")
            .retry_after(NOT_READY)
    }
}

impl From<Misasked> for Refusal {
    fn from(error: Misasked) -> Self {
        let Misasked { parameter, value, expected } = error;
        match value {
            Some(value) => Self::parameter(parameter, &value, &expected),
            None => Self::new(
                StatusCode::BAD_REQUEST,
                "invalid-parameter",
                format!("the parameter `{parameter}` is {expected}"),
            ),
        }
    }
}

impl From<AnswerError> for Refusal {
    fn from(error: AnswerError) -> Self {
        match error {
            AnswerError::Broken(problems) => {
                let first = problems.first().map_or("a file cannot be read", |problem| &*problem.message);
                if !problems.is_empty() && problems.iter().all(|problem| is_about_keys(problem.code)) {
                    // No commit is at fault, and clients should not take it for one that is.
                    let refusal = Self::new(StatusCode::SERVICE_UNAVAILABLE, "keys-unavailable", first);
                    return refusal.problems(&problems).retry_after(NOT_READY);
                }
                let code = "broken-configuration";
                let hint = "mend the file and commit it; answers that do not need the file are not touched";
                Self::new(StatusCode::INTERNAL_SERVER_ERROR, code, first).hint(hint).problems(&problems)
            }
            AnswerError::TooLarge(error) => {
                let problem = error.problem(&Arc::from(""));
                let refusal = Self::new(StatusCode::INTERNAL_SERVER_ERROR, growth::TOO_LARGE, error.to_string());
                let refusal = refusal.hint(growth::HINT).with("key", error.key.into());
                if error.place.is_some() { refusal.at(&problem) } else { refusal }
            }
            AnswerError::Unwritable(error) => {
                Self::new(StatusCode::UNPROCESSABLE_ENTITY, "unwritable", error.to_string()).hint(error.hint())
            }
            AnswerError::NoKey { key, near } => {
                let detail = format!("there is no key `{}`", visible(&key, ECHO));
                let refusal = Self::new(StatusCode::NOT_FOUND, "unknown-key", detail);
                match nearest::hint(&near) {
                    Some(hint) => refusal.hint(visible(&hint, DETAIL)),
                    None => refusal,
                }
            }
        }
    }
}

/// Adds the id of its request to a response that a [`Refusal`] made; leaves others alone. The id must need no escapes.
pub(super) fn sign(response: &mut Response, request_id: &str) {
    let Some(Unsigned(body)) = response.extensions_mut().remove::<Unsigned>() else { return };
    let Some(open) = body.strip_suffix(b"}") else { return };
    let signed = [open, b",\"request_id\":\"", request_id.as_bytes(), b"\"}"].concat();
    if let Some(length) = response.headers_mut().get_mut(CONTENT_LENGTH) {
        *length = HeaderValue::from(signed.len());
    }
    // The body is empty already if the request was a HEAD.
    if !response.body().is_end_stream() {
        *response.body_mut() = Body::from(signed);
    }
}

/// A text that may be shown: at most so many characters of it, the unprintable ones escaped.
#[must_use]
pub fn visible(text: &str, most: usize) -> Cow<'_, str> {
    foreign::line(text, most)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problem(line: u32, hint: Option<&str>) -> Problem {
        Problem {
            code: "duplicate-key",
            severity: crate::config::problem::Severity::Error,
            file: Arc::from("user-service/application.yml"),
            at: Position::new(line, 3),
            message: format!("the key `a` is given twice, first in line {line}"),
            hint: hint.map(str::to_owned),
        }
    }

    async fn text(refusal: impl Into<Refusal>, request_id: Option<&str>) -> String {
        let mut response = refusal.into().into_response();
        if let Some(id) = request_id {
            sign(&mut response, id);
        }
        let mut text = response.status().as_str().to_owned();
        for (name, value) in response.headers() {
            write!(text, "\n{name}: {}", value.to_str().unwrap()).unwrap();
        }
        let body = axum::body::to_bytes(response.into_body(), usize::MAX).await.unwrap();
        format!("{text}\n\n{}", std::str::from_utf8(&body).unwrap())
    }

    #[tokio::test]
    async fn a_refusal_is_told_as_problem_details_with_the_id_of_its_request() {
        let refusal = Refusal::new(StatusCode::METHOD_NOT_ALLOWED, "no-method", "no PATCH here").allow("GET, HEAD");
        assert_eq!(
            text(refusal.hint("use GET").retry_after(7), Some("abc")).await,
            "405\ncontent-type: application/problem+json\ncache-control: no-store\nretry-after: 7\nallow: GET, HEAD\n\n\
             {\"type\":\"about:blank\",\"title\":\"Method Not Allowed\",\"status\":405,\"detail\":\"no PATCH here\",\
             \"code\":\"no-method\",\"hint\":\"use GET\",\"request_id\":\"abc\"}"
        );
    }

    #[tokio::test]
    async fn broken_files_are_named_with_their_place() {
        let one = text(AnswerError::Broken(vec![problem(2, Some("remove one"))]), None).await;
        assert!(
            one.starts_with("500\n")
                && one.ends_with(
                    "\"detail\":\"the key `a` is given twice, first in line 2\",\"code\":\"broken-configuration\",\
                 \"file\":\"user-service/application.yml\",\"line\":2,\"column\":3,\"hint\":\"remove one\"}"
                ),
            "{one}"
        );
        let two = text(AnswerError::Broken(vec![problem(2, None), problem(5, None)]), None).await;
        assert!(
            two.ends_with(
                "\"line\":2,\"column\":3,\"hint\":\"mend the file and commit it; answers that do not need the file are not \
                 touched\",\"problems\":[\
                 {\"code\":\"duplicate-key\",\"severity\":\"error\",\"file\":\"user-service/application.yml\",\
                 \"line\":2,\"column\":3,\"message\":\"the key `a` is given twice, first in line 2\"},\
                 {\"code\":\"duplicate-key\",\"severity\":\"error\",\"file\":\"user-service/application.yml\",\
                 \"line\":5,\"column\":3,\"message\":\"the key `a` is given twice, first in line 5\"}]}"
            ),
            "{two}"
        );
    }

    #[test]
    fn every_failure_has_its_status_code_and_time_to_retry() {
        let told = |refusal: Refusal| {
            format!("{} {} {:?} {}", refusal.status().as_str(), refusal.code(), refusal.0.retry_after, refusal.0.detail)
        };
        let cases: [(Refusal, &str); 7] = [
            (AddressError { part: "label", reason: "is odd" }.into(), "400 invalid-address None label is odd"),
            (ChooseError::UnknownLabel(Arc::from("x")).into(), "404 unknown-label None there is no label `x`"),
            (
                AnswerError::NoKey { key: Arc::from("a.b"), near: Vec::new() }.into(),
                "404 unknown-key None there is no key `a.b`",
            ),
            (AnswerError::Broken(Vec::new()).into(), "500 broken-configuration None a file cannot be read"),
            (
                ChooseError::NotReady(Arc::from("config")).into(),
                "503 not-ready Some(5) there is no configuration yet: the source `config` was not read so far",
            ),
            (
                ChooseError::Cold(ColdError::Busy).into(),
                "503 busy Some(1) too many requests for labels that are not in memory; try again",
            ),
            (
                ChooseError::Cold(ColdError::Unreadable("/var/lib/secret-path".to_owned())).into(),
                "503 storage Some(5) the local copy of the configuration cannot be read",
            ),
        ];
        for (refusal, expected) in cases {
            assert_eq!(told(refusal), expected);
        }
    }

    #[test]
    fn input_is_repeated_cut_and_with_its_tricks_made_visible() {
        assert_eq!(visible("größe", 5), "größe");
        assert_eq!(visible("größe", 4), "größ…");
        assert_eq!(visible("a\r\n\u{1b}[31m\u{202e}b", 20), "a\\r\\n\\u{1b}[31m\\u{202e}b");
        let refusal = Refusal::from(ChooseError::UnknownLabel(Arc::from("x".repeat(512))));
        assert_eq!(refusal.0.detail, format!("there is no label `{}…`", "x".repeat(200)));
    }

    #[test]
    fn a_hint_line_in_a_message_becomes_the_hint() {
        let refusal = Refusal::new(StatusCode::BAD_GATEWAY, "fetch-failed", "no route to host\nhint: check the URL");
        assert_eq!((&*refusal.0.detail, refusal.0.hint.as_deref()), ("no route to host", Some("check the URL")));
    }

    #[test]
    fn a_refusal_without_a_request_is_a_whole_response() {
        let refusal = Refusal::new(StatusCode::SERVICE_UNAVAILABLE, "busy", "too many").retry_after(1);
        assert_eq!(
            String::from_utf8(refusal.to_wire()).unwrap(),
            "HTTP/1.1 503 Service Unavailable\r\ncontent-type: application/problem+json\r\ncache-control: no-store\r\n\
             connection: close\r\nretry-after: 1\r\ncontent-length: 99\r\n\r\n\
             {\"type\":\"about:blank\",\"title\":\"Service Unavailable\",\"status\":503,\"detail\":\"too many\",\"code\":\"busy\"}"
        );
    }
}
