//! What clients of Spring Cloud Config Server ask, answered as they know it.
//!
//! Errors have Spring's shapes here, not those of layerd's own protocol. How the paths are read is in `asked.rs`, which
//! commits answer in `labels.rs`; each kind of answer has a file of its own.

mod accept;
mod asked;
mod charset;
mod download;
mod encrypt;
mod environment;
mod error;
mod flat;
mod health;
mod labels;
mod layers;
mod monitor;
mod resource;
mod settings;
mod written;

use std::sync::Arc;

use axum::http::header;
use axum::response::{IntoResponse as _, Response};
use axum::routing::{MethodFilter, MethodRouter, get, post};

use super::{App, Route, Scope, webhook};
use crate::access::Verb;
pub(super) use asked::Asked;
use error::Failure;

pub use settings::{Health, Settings};

/// The routes of this protocol. Layerd's own paths, which are literal, win over the placeholders here.
pub(super) fn routes() -> Vec<Route> {
    let mut routes = vec![
        Route::post(webhook::MONITOR, Scope::Needs(Verb::Refresh), monitor::fetch).takes_anything(),
        matches("/{file}", get(flat::get_file)),
        matches("/{name}/{profiles}", get(environment::get_pair)),
        reads("/{name}/{profiles}/{label}", Scope::Needs(Verb::Read), get(environment::get_triple)),
        reads("/{name}/{profiles}/{label}/{*path}", Scope::Needs(Verb::Plain), get(resource::get_resource)),
        reads("/encrypt/status", Scope::Needs(Verb::Status), get(encrypt::get_status)),
        reads("/key", Scope::Needs(Verb::Status), get(encrypt::get_key)),
        reads("/key/{name}/{profiles}", Scope::Needs(Verb::Status), get(encrypt::get_key)),
        changes("/encrypt", Scope::Needs(Verb::Encrypt), post(encrypt::encrypt)),
        changes("/decrypt", Scope::Needs(Verb::Decrypt), post(encrypt::decrypt)),
        both("/encrypt/{name}/{profiles}", Scope::Needs(Verb::Encrypt), post(encrypt::encrypt_for)),
        both("/decrypt/{name}/{profiles}", Scope::Needs(Verb::Decrypt), post(encrypt::decrypt_for)),
        // Applications of these names have labels as well.
        Route::get("/encrypt/{name}/{profiles}", Scope::Needs(Verb::Read), environment::get_triple).takes_anything(),
        Route::get("/decrypt/{name}/{profiles}", Scope::Needs(Verb::Read), environment::get_triple).takes_anything(),
    ];
    routes.extend(health_routes());
    routes
}

/// The routes of health, which Spring keeps at the root also when everything else has a prefix.
pub(super) fn health_routes() -> Vec<Route> {
    vec![
        reads("/actuator", Scope::Open, get(health::list_links)),
        reads("/actuator/health", Scope::Open, get(health::get_health)),
        reads("/actuator/health/{component}", Scope::Open, get(health::get_component)),
    ]
}

/// A route that answers GET, and other methods as Spring does.
fn reads(path: &'static str, scope: Scope, handler: MethodRouter<Arc<App>>) -> Route {
    let handler = handler.options(async || allow("GET,HEAD,OPTIONS")).fallback(refuse_all_but_get);
    Route { verb: "GET", path, scope, takes: None, handler }
}

/// A route that answers POST, and other methods as Spring does.
fn changes(path: &'static str, scope: Scope, handler: MethodRouter<Arc<App>>) -> Route {
    let handler = handler.options(async || allow("POST,OPTIONS")).fallback(refuse_all_but_post);
    Route { verb: "POST", path, scope, takes: None, handler }
}

/// A route that answers GET where its last segment is one that Spring's patterns match, and other methods alike.
fn matches(path: &'static str, handler: MethodRouter<Arc<App>>) -> Route {
    let others = MethodFilter::POST.or(MethodFilter::PUT).or(MethodFilter::DELETE).or(MethodFilter::PATCH);
    // No fallback: one would be given an `Allow`, also where there is no route.
    let handler = handler.options(async |asked: Asked| answer_options(&asked)).on(others, refuse_unless_matched);
    Route { verb: "GET", path, scope: Scope::Needs(Verb::Read), takes: None, handler }
}

fn answer_options(asked: &Asked) -> Response {
    if flat::is_matched(&asked.raw) { allow("GET,HEAD,OPTIONS") } else { asked.refuse(&Failure::no_path()) }
}

async fn refuse_unless_matched(asked: Asked) -> Response {
    asked.refuse(&if flat::is_matched(&asked.raw) { Failure::wrong_method("GET") } else { Failure::no_path() })
}

/// A route that answers POST on a path that another one answers to GET.
fn both(path: &'static str, scope: Scope, handler: MethodRouter<Arc<App>>) -> Route {
    let handler = handler
        .options(async || allow("GET,HEAD,POST,OPTIONS"))
        .fallback(async |asked: Asked| asked.refuse(&Failure::wrong_method("GET, POST")));
    Route { verb: "POST", path, scope, takes: None, handler }
}

fn allow(methods: &'static str) -> Response {
    [(header::ALLOW, methods)].into_response()
}

async fn refuse_all_but_get(asked: Asked) -> Response {
    asked.refuse(&Failure::wrong_method("GET"))
}

async fn refuse_all_but_post(asked: Asked) -> Response {
    asked.refuse(&Failure::wrong_method("POST"))
}

/// The answer where no route is: as Spring's, with an empty body where it would have looked for a file.
pub(super) fn refuse_path(asked: &Asked) -> Response {
    match asked.raw.as_slice() {
        [name, profile, label, _, ..] if ![name, profile, label].iter().any(|segment| segment.is_empty()) => {
            asked.refuse(&Failure::no_file())
        }
        _ => asked.refuse(&Failure::no_path()),
    }
}
