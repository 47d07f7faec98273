//! What goes wrong, as Spring Boot tells it: its members, its types, its empty bodies; the message is ours.
//!
//! The status of each failure on Spring's routes is decided here. Layerd's own protocol has its shapes in
//! `http/error.rs`.

use axum::http::StatusCode;
use axum::http::header::{self, HeaderValue};
use axum::response::{IntoResponse as _, Response};
use serde::Serialize;

use crate::answer::AnswerError;
use crate::answer::environment::FlatError;
use crate::config::problem::Problem;
use crate::http::error::{ECHO, Refusal, visible};
use crate::store::ChooseError;

use super::accept::ErrorShape;

/// A request of Spring's protocol that is not answered as asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Failure {
    status: StatusCode,
    message: String,
    retry_after: Option<u32>,
    allow: Option<&'static str>,
    /// Spring answers with no body at all.
    is_silent: bool,
}

impl Failure {
    fn new(status: StatusCode, message: impl Into<String>) -> Self {
        Self { status, message: message.into(), retry_after: None, allow: None, is_silent: false }
    }

    /// 403: whoever asks may not do that, whether it exists or not.
    pub(super) fn forbidden() -> Self {
        Self::new(StatusCode::FORBIDDEN, "this identity may not do that")
    }

    /// 400: a name or parameter cannot mean anything.
    pub(super) fn bad(message: &str) -> Self {
        Self::new(StatusCode::BAD_REQUEST, message)
    }

    /// 404: no route is there.
    pub(super) fn no_path() -> Self {
        Self::new(
            StatusCode::NOT_FOUND,
            "nothing is at this path; configuration is at /{application}/{profiles}[/{label}]",
        )
    }

    /// 404 without a body: there is no such file.
    pub(super) fn no_file() -> Self {
        Self { is_silent: true, ..Self::new(StatusCode::NOT_FOUND, "there is no such file") }
    }

    /// 404: no file answers, and the settings do not accept that.
    pub(super) fn nothing_found() -> Self {
        Self::new(StatusCode::NOT_FOUND, "no file answers for this application, and `accept-empty` is false")
    }

    /// 405: the route knows only this method.
    pub(super) fn wrong_method(known: &'static str) -> Self {
        let message = format!("this path answers {known}");
        Self { allow: Some(known), ..Self::new(StatusCode::METHOD_NOT_ALLOWED, message) }
    }

    /// 406: the client takes none of the types that an environment has.
    pub(super) fn not_acceptable() -> Self {
        Self::new(StatusCode::NOT_ACCEPTABLE, "an environment is application/json, with or without origins")
    }

    /// 404: there is no such label.
    pub(super) fn unknown_label(label: &str) -> Self {
        let label = visible(label, ECHO);
        let message =
            format!("there is no label `{label}`; a label is the name of a branch or tag, or a full commit id");
        Self::new(StatusCode::NOT_FOUND, message)
    }

    /// The failure as it is told where a file was asked for: what is not there has no body.
    #[must_use]
    pub(super) fn of_file(mut self) -> Self {
        self.is_silent |= self.status == StatusCode::NOT_FOUND;
        self
    }

    /// True if a label is unknown, or something else is not there.
    pub(super) fn is_absence(&self) -> bool {
        self.status == StatusCode::NOT_FOUND
    }

    /// The sentence.
    pub(super) fn message(&self) -> &str {
        &self.message
    }

    /// The response in a shape; `path` is that of the request as sent.
    pub(super) fn respond(&self, shape: &ErrorShape, path: &str) -> Response {
        let mut response = match shape {
            _ if self.is_silent => self.status.into_response(),
            ErrorShape::Empty => self.status.into_response(),
            ErrorShape::Json(kind) => {
                let kind = HeaderValue::from_str(kind).unwrap_or(HeaderValue::from_static("application/json"));
                (self.status, [(header::CONTENT_TYPE, kind)], self.json(path)).into_response()
            }
            ErrorShape::Page => {
                let kind = [(header::CONTENT_TYPE, "text/html;charset=UTF-8")];
                (self.status, kind, self.page()).into_response()
            }
        };
        let headers = response.headers_mut();
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        headers.extend(self.retry_after.map(|seconds| (header::RETRY_AFTER, HeaderValue::from(seconds))));
        headers.extend(self.allow.map(|methods| (header::ALLOW, HeaderValue::from_static(methods))));
        response
    }

    fn json(&self, path: &str) -> String {
        let members = Members {
            timestamp: jiff::Timestamp::now().strftime("%Y-%m-%dT%H:%M:%S.%3fZ").to_string(),
            status: self.status.as_u16(),
            error: self.status.canonical_reason().unwrap_or_default(),
            message: &self.message,
            path,
        };
        serde_json::to_string(&members).expect("texts and a number are always JSON")
    }

    fn page(&self) -> String {
        let escape = |text: &str| text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
        let title = format!("{} {}", self.status.as_u16(), self.status.canonical_reason().unwrap_or_default());
        format!("<!doctype html><title>{title}</title><h1>{title}</h1><p>{}</p>\n", escape(&self.message))
    }
}

impl From<ChooseError> for Failure {
    fn from(error: ChooseError) -> Self {
        match &error {
            ChooseError::UnknownLabel(label) => Self::unknown_label(label),
            _ => Refusal::from(error).into(),
        }
    }
}

impl From<AnswerError> for Failure {
    fn from(error: AnswerError) -> Self {
        let places = match &error {
            AnswerError::Broken(problems) => problems.iter().map(Problem::to_string).collect::<Vec<_>>().join("\n"),
            AnswerError::TooLarge(_) | AnswerError::NoKey { .. } | AnswerError::Unwritable(_) => String::new(),
        };
        let mut failure = Self::from(Refusal::from(error));
        if !places.is_empty() {
            failure.message = places;
        }
        failure
    }
}

impl From<FlatError> for Failure {
    fn from(error: FlatError) -> Self {
        let status = match error {
            FlatError::Key(_) | FlatError::Circle(_) => StatusCode::BAD_REQUEST,
            FlatError::Clash(_) | FlatError::Grown(_) | FlatError::TooLarge => StatusCode::INTERNAL_SERVER_ERROR,
        };
        Self::new(status, error.to_string())
    }
}

impl From<Refusal> for Failure {
    fn from(refusal: Refusal) -> Self {
        let retry_after = refusal.seconds();
        Self { retry_after, ..Self::new(refusal.status(), refusal.detail()) }
    }
}

// ── what goes over the wire ──

#[derive(Serialize)]
struct Members<'a> {
    timestamp: String,
    status: u16,
    error: &'static str,
    message: &'a str,
    path: &'a str,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::pool::ColdError;

    async fn told(failure: &Failure, shape: &ErrorShape) -> String {
        let response = failure.respond(shape, "/a/%C3%A4");
        let head = response.headers().iter().map(|(name, value)| format!("{name}: {}\n", value.to_str().unwrap()));
        let head = format!("{}\n{}\n", response.status().as_str(), head.collect::<String>());
        let body = axum::body::to_bytes(response.into_body(), usize::MAX).await.unwrap();
        let body = String::from_utf8(body.to_vec()).unwrap();
        let stamp = body.split("\"timestamp\":\"").nth(1).and_then(|rest| rest.split('"').next()).unwrap_or("none");
        head + &body.replace(stamp, "TIME")
    }

    #[tokio::test]
    async fn a_failure_has_the_members_of_spring_boot_and_a_useful_message() {
        let json = ErrorShape::Json("application/json".to_owned());
        assert_eq!(
            told(&Failure::unknown_label("x"), &json).await,
            "404\ncontent-type: application/json\ncache-control: no-store\n\n\
             {\"timestamp\":\"TIME\",\"status\":404,\"error\":\"Not Found\",\"message\":\"there is no label `x`; a label is \
             the name of a branch or tag, or a full commit id\",\"path\":\"/a/%C3%A4\"}"
        );
        assert_eq!(
            told(&Failure::bad("<b> & c"), &ErrorShape::Page).await,
            "400\ncontent-type: text/html;charset=UTF-8\ncache-control: no-store\n\n<!doctype html>\
             <title>400 Bad Request</title><h1>400 Bad Request</h1><p>&lt;b&gt; &amp; c</p>\n"
        );
        assert_eq!(told(&Failure::no_file(), &json).await, "404\ncache-control: no-store\n\n");
        let wrong = told(&Failure::wrong_method("GET"), &ErrorShape::Empty).await;
        assert_eq!(wrong, "405\ncache-control: no-store\nallow: GET\n\n");
        let busy = Failure::from(ChooseError::Cold(ColdError::Busy));
        assert_eq!(told(&busy, &ErrorShape::Empty).await, "503\ncache-control: no-store\nretry-after: 1\n\n");
    }
}
