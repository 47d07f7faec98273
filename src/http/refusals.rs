//! The refusals that routes have in common, each in one place so that its wording is the same everywhere.
//!
//! How a refusal is sent, and those that come out of errors of other rooms, are in `error.rs`.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use axum::http::StatusCode;
use tracing::error;

use crate::config::nearest::{among, hint, nearest};
use crate::source::FetchError;
use crate::store::meant::UnknownNames;
use crate::store::refresh::RefreshError;

use super::error::{ECHO, Refusal, visible};

impl Refusal {
    /// 404: no route has this path.
    pub(super) fn no_route() -> Self {
        Self::new(StatusCode::NOT_FOUND, "not-found", "nothing is at this path")
            .hint("configuration is at /api/v1/config/{application}/{profiles}")
    }

    /// 400: a name in the path is empty.
    pub(super) fn empty_segment() -> Self {
        let detail = "the path holds an empty segment: a double slash, or one at its end";
        Self::new(StatusCode::BAD_REQUEST, "invalid-path", detail)
    }

    /// 405: the route does not know this method.
    pub(super) fn wrong_method() -> Self {
        Self::new(StatusCode::METHOD_NOT_ALLOWED, "method-not-allowed", "this path does not know that method")
    }

    /// 404: nothing in the repository names the application or a profile, and the client wants to know.
    pub(super) fn unknown_names(unknown: &UnknownNames) -> Self {
        let code = if unknown.application.is_some() { "unknown-application" } else { "unknown-profile" };
        let refusal = Self::new(StatusCode::NOT_FOUND, code, unknown.to_string());
        match unknown.hint.as_ref().or(unknown.others.as_ref()) {
            Some(hint) => refusal.hint(hint),
            None => refusal,
        }
    }

    /// 404: there is no such label; these are there.
    pub(super) fn unknown_label(label: &str, labels: &BTreeSet<Arc<str>>) -> Self {
        let hint = among(label, labels, "labels");
        let hint =
            hint.unwrap_or_else(|| "a label is the whole name of a branch or tag, or a full commit id".to_owned());
        let detail = format!("there is no label `{}`", visible(label, ECHO));
        Self::new(StatusCode::NOT_FOUND, "unknown-label", detail).hint(hint)
    }

    /// 400: the query has a parameter that the route does not take.
    pub(super) fn unknown_parameter(name: &str, known: &[&str]) -> Self {
        let detail = format!("the parameter `{}` is not known here", visible(name, ECHO));
        let near = nearest(name, known.iter().copied());
        let hint = match (hint(&near[..near.len().min(1)]), known) {
            (Some(hint), _) => hint,
            (None, []) => "this path takes no parameters".to_owned(),
            (None, [only]) => format!("the parameter here is `{only}`"),
            (None, [others @ .., last]) => format!("the parameters here are `{}` and `{last}`", others.join("`, `")),
        };
        Self::new(StatusCode::BAD_REQUEST, "unknown-parameter", detail).hint(hint)
    }

    /// 400: a parameter of the query has a value that means nothing.
    pub(super) fn parameter(name: &str, value: &str, known: &str) -> Self {
        let detail = format!("the parameter `{name}` cannot be `{}`", visible(value, ECHO));
        Self::new(StatusCode::BAD_REQUEST, "invalid-parameter", detail).hint(format!("it is {known}"))
    }

    /// 400: a parameter that the route cannot do without is not there.
    pub(super) fn missing(name: &str, what: &str) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "missing-parameter", format!("the parameter `{name}` is missing"))
            .hint(format!("it is {what}, as in `?{name}=`"))
    }

    /// 404: the source keeps no commits.
    pub(super) fn no_history() -> Self {
        Self::new(StatusCode::NOT_FOUND, "no-history", "the configuration comes from a folder, which has no history")
            .hint("serve a Git repository to see which commits changed a key")
    }

    /// 400: the query cannot be read.
    pub(super) fn query(cause: &str) -> Self {
        Self::new(
            StatusCode::BAD_REQUEST,
            "invalid-query",
            format!("the query cannot be read: {}", visible(cause, ECHO)),
        )
    }

    /// 406: the client accepts no format that we have.
    pub(super) fn not_acceptable() -> Self {
        Self::new(StatusCode::NOT_ACCEPTABLE, "not-acceptable", "the `Accept` header leaves no format")
            .hint("there are application/json, application/yaml, application/toml and text/plain (properties)")
    }

    /// 500: something that should not happen.
    pub(super) fn internal() -> Self {
        Self::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "internal",
            "the answer could not be made; this is a bug in layerd",
        )
    }

    /// 503: the server is stopping.
    pub(super) fn draining() -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "stopping", "the server is stopping").retry_after(1)
    }

    /// 504: the refresh goes on, but nobody should wait for it any longer.
    pub(super) fn refresh_is_slow(waited: Duration) -> Self {
        let detail = format!("the fetch has not ended after {} s; it goes on", waited.as_secs());
        Self::new(StatusCode::GATEWAY_TIMEOUT, "fetch-slow", detail)
            .hint("GET /api/v1/status says when it has; what was fetched before is being served")
    }

    /// 502: the fetch failed; what was fetched before goes on being served.
    pub(super) fn fetch_failed(error: &FetchError) -> Self {
        Self::new(StatusCode::BAD_GATEWAY, "fetch-failed", error.to_string())
    }

    /// The refusal, told to the log as well because it is ours to mend.
    pub(super) fn logged(self, cause: &dyn std::fmt::Display) -> Self {
        error!(code = self.code(), "a request could not be answered: {cause}");
        self
    }
}

impl From<RefreshError> for Refusal {
    fn from(error: RefreshError) -> Self {
        match error {
            RefreshError::Busy => {
                Self::new(StatusCode::TOO_MANY_REQUESTS, "too-many-refreshes", error.to_string()).retry_after(1)
            }
            RefreshError::Stopping => Self::draining(),
        }
    }
}
