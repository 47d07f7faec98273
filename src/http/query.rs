//! The query of a request, read into the parameters of its route.

use axum::extract::{FromRequestParts, Query};
use axum::http::request::Parts;
use serde::de::DeserializeOwned;

use super::error::Refusal;

/// The parameters of a query. One that is given twice is refused; one that the route does not know is ignored.
pub(super) struct Asking<T>(pub(super) T);

impl<T: DeserializeOwned, S: Sync> FromRequestParts<S> for Asking<T> {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Refusal> {
        let Query(parameters) = Query::try_from_uri(&parts.uri).map_err(|cause| Refusal::query(&cause.body_text()))?;
        Ok(Self(parameters))
    }
}
