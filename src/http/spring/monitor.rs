//! The path of Spring Cloud Config's monitor, to which Git hosts and scripts post what has changed.
//!
//! Whatever is posted means that there is something to fetch. Its senders sign nothing, so it needs what a refresh needs.

use std::sync::Arc;

use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse as _, Response};

use super::Asked;
use crate::http::error::Refusal;
use crate::http::{App, refuse_path};

/// Fetches. The answer is empty, as Spring's is where no application is concerned. A Spring server without its monitor has no
/// such path, so under its semantics there is one only where webhooks are set up.
pub(super) async fn fetch(State(app): State<Arc<App>>, asked: Asked) -> Result<Response, Refusal> {
    if app.store.reads_as_spring() && !app.webhooks.is_set_up() {
        return Ok(refuse_path(&asked));
    }
    app.store.poke()?;
    Ok(([(header::CONTENT_TYPE, "application/json")], "[]").into_response())
}
