//! `/actuator/health`: whether the addresses that the settings name can be answered.
//!
//! Layerd's own `/health/ready` asks less and is for balancers; this is for what watches a Spring Cloud Config Server.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::{Path, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use serde::Serialize;
use tokio::time::timeout;

use crate::http::App;
use crate::http::access::Caller;

use super::asked::{Asked, Named};
use super::environment;
use super::error::Failure;
use super::labels::May;

/// The parts of health that have an address of their own, for Kubernetes.
const GROUPS: [&str; 2] = ["liveness", "readiness"];

/// How long health waits for the first fetch, as Spring's, which fetches itself, does.
const PATIENCE: Duration = Duration::from_secs(10);

/// `/actuator`.
pub(super) async fn list_links(asked: Asked) -> Response {
    let link = |href: &'static str, templated| Link { href, templated };
    let links = Links { health: link("/actuator/health", false), component: link("/actuator/health/{*path}", true) };
    told(&asked, StatusCode::OK, &Index { links })
}

/// `/actuator/health`.
pub(super) async fn get_health(State(app): State<Arc<App>>, asked: Asked) -> Response {
    let server = look(&app).await;
    let (code, status) = server.status();
    let components = app.spring.health_details.then_some(Components { config_server: server });
    told(&asked, code, &Whole { components, groups: &GROUPS, status })
}

/// `/actuator/health/{component}`.
pub(super) async fn get_component(
    State(app): State<Arc<App>>,
    Path(component): Path<String>,
    asked: Asked,
) -> Response {
    let status = |status| Whole { components: None, groups: &[], status };
    match component.as_str() {
        "configServer" if app.spring.health_details => {
            let server = look(&app).await;
            told(&asked, server.status().0, &server)
        }
        "liveness" => told(&asked, StatusCode::OK, &status("UP")),
        "readiness" => match app.store.readiness() {
            Ok(()) => told(&asked, StatusCode::OK, &status("UP")),
            Err(_) => told(&asked, StatusCode::SERVICE_UNAVAILABLE, &status("OUT_OF_SERVICE")),
        },
        _ => asked.refuse(&Failure::no_file()),
    }
}

async fn look(app: &App) -> Component {
    // If the first fetch takes longer, what there is decides.
    _ = timeout(PATIENCE, app.store.settled()).await;
    let mut repositories = Vec::new();
    for health in &app.spring.health {
        let found = match Named::parse(&health.name, &health.profiles, health.label.as_deref()) {
            Ok(named) => environment::find(app, &May::Read(&Caller::server()), &named, false).await,
            Err(failure) => Err(failure),
        };
        let profiles = health.profiles.split(',').map(str::to_owned).collect();
        match found {
            Ok(found) => {
                let (sources, name) = (found.names(), Arc::clone(&health.name));
                repositories.push(Repository { sources, name, profiles, label: health.label.clone() });
            }
            Err(failure) => {
                let repository =
                    Unanswered { application: Arc::clone(&health.name), profiles: Arc::clone(&health.profiles) };
                let error = failure.message().to_owned();
                return Component { details: Details::Down { repository, error }, status: "DOWN" };
            }
        }
    }
    Component { details: Details::Up { repositories }, status: "UP" }
}

impl Component {
    fn status(&self) -> (StatusCode, &'static str) {
        let code = if self.status == "UP" { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
        (code, self.status)
    }
}

fn told(asked: &Asked, code: StatusCode, body: &impl Serialize) -> Response {
    let Some(media_type) = asked.accept.health() else { return asked.refuse(&Failure::not_acceptable()) };
    let head = [(header::CONTENT_TYPE, media_type.as_str()), (header::CACHE_CONTROL, "no-store")];
    (code, head, serde_json::to_string(body).unwrap_or_default()).into_response()
}

// ── what goes over the wire ──

#[derive(Serialize)]
struct Whole {
    #[serde(skip_serializing_if = "Option::is_none")]
    components: Option<Components>,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    groups: &'static [&'static str],
    status: &'static str,
}

#[derive(Serialize)]
struct Components {
    #[serde(rename = "configServer")]
    config_server: Component,
}

#[derive(Serialize)]
struct Component {
    details: Details,
    status: &'static str,
}

#[derive(Serialize)]
#[serde(untagged)]
enum Details {
    Up { repositories: Vec<Repository> },
    Down { repository: Unanswered, error: String },
}

#[derive(Serialize)]
struct Repository {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    sources: Vec<String>,
    name: Arc<str>,
    profiles: Vec<String>,
    label: Option<Arc<str>>,
}

#[derive(Serialize)]
struct Unanswered {
    application: Arc<str>,
    profiles: Arc<str>,
}

#[derive(Serialize)]
struct Index {
    #[serde(rename = "_links")]
    links: Links,
}

#[derive(Serialize)]
struct Links {
    health: Link,
    #[serde(rename = "health-path")]
    component: Link,
}

#[derive(Serialize)]
struct Link {
    href: &'static str,
    templated: bool,
}
