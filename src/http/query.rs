//! The query of a request: which parameters a route takes, and how they are read.

use axum::extract::{FromRequestParts, Query, Request, State};
use axum::http::request::Parts;
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use serde::de::DeserializeOwned;

use super::error::Refusal;

/// The parameters of a query. One that is given twice is refused; those that the route does not take, before.
pub(super) struct Asking<T>(pub(super) T);

impl<T: DeserializeOwned, S: Sync> FromRequestParts<S> for Asking<T> {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Refusal> {
        let Query(parameters) = Query::try_from_uri(&parts.uri).map_err(|cause| Refusal::query(&cause.body_text()))?;
        Ok(Self(parameters))
    }
}

/// The layer before a route that takes these parameters and no others: a typing error in the name of one must not be
/// answered as if it had not been sent.
pub(super) async fn check(State(known): State<&'static [&'static str]>, request: Request, next: Next) -> Response {
    match unknown(&request, known) {
        Some(refusal) => refusal.into_response(),
        None => next.run(request).await,
    }
}

fn unknown(request: &Request, known: &[&str]) -> Option<Refusal> {
    request.uri().query().filter(|query| !query.is_empty())?;
    match Query::<Vec<(String, String)>>::try_from_uri(request.uri()) {
        Ok(Query(sent)) => {
            let unknown = sent.iter().find(|(name, _)| !known.contains(&name.as_str()));
            unknown.map(|(name, _)| Refusal::unknown_parameter(name, known))
        }
        Err(cause) => Some(Refusal::query(&cause.body_text())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The first sentence and the hint about a query.
    fn told(query: &str, known: &[&str]) -> Option<(String, String)> {
        let request = Request::builder().uri(format!("/a?{query}")).body(axum::body::Body::empty()).unwrap();
        unknown(&request, known).map(|refusal| (refusal.detail().to_owned(), refusal.advice().to_owned()))
    }

    #[test]
    fn a_parameter_that_the_route_does_not_take_is_refused_with_the_nearest_name() {
        let known = ["label", "key", "format"];
        let of = |name: &str, hint: &str| Some((format!("the parameter `{name}` is not known here"), hint.to_owned()));
        assert_eq!(told("lable=main", &known), of("lable", "did you mean `label`?"));
        assert_eq!(told("key=a&Format=yaml", &known), of("Format", "did you mean `format`?"));
        assert_eq!(told("verbose", &known), of("verbose", "the parameters here are `label`, `key` and `format`"));
        assert_eq!(told("%6Bez=1", &["key"]), of("kez", "did you mean `key`?"));
        assert_eq!(told("=1", &["key"]), of("", "the parameter here is `key`"));
        assert_eq!(told("x", &[]), of("x", "this path takes no parameters"));
    }

    #[test]
    fn what_the_route_takes_and_nothing_at_all_pass() {
        for query in ["", "&", "&&", "label=", "label=a&key=b", "format&key"] {
            assert_eq!(told(query, &["label", "key", "format"]), None, "{query}");
        }
        assert_eq!(told("", &[]), None);
    }
}
