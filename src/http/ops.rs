//! What operators and machines ask: refresh, status, health, metrics.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;
use serde::{Deserialize, Serialize};

use crate::config::problem::{Problem, Severity};
use crate::snapshot::Own;
use crate::store::Store;
use crate::store::freshness::Fresh;
use crate::store::refresh::now;
use crate::store::report::LabelChange;
use crate::store::report::Outcome;
use crate::store::status::{LabelStatus, SourceStatus};

use super::access::Caller;
use super::error::Refusal;
use super::query::Asking;
use super::{App, REFRESH, Route, Scope};
use crate::access::Verb;

/// How long a refresh is waited for. The fetch goes on behind it.
const PATIENCE: Duration = Duration::from_secs(30);

/// The routes of this protocol.
pub(super) fn routes() -> Vec<Route> {
    vec![
        Route::post(REFRESH[0], Scope::Needs(Verb::Refresh), refresh).takes(&["wait", "label"]),
        Route::post(REFRESH[1], Scope::Needs(Verb::Refresh), refresh).takes_anything(),
        Route::post(REFRESH[2], Scope::Needs(Verb::Refresh), refresh).takes_anything(),
        Route::get("/api/v1/status", Scope::Needs(Verb::Status), get_status),
        Route::get("/health/live", Scope::Open, get_live).takes_anything(),
        Route::get("/health/ready", Scope::Open, get_ready).takes_anything(),
        Route::get("/healthz", Scope::Open, get_live).takes_anything(),
        Route::get("/metrics", Scope::Needs(Verb::Metrics), get_metrics).takes_anything(),
    ]
}

async fn refresh(
    State(app): State<Arc<App>>,
    caller: Caller,
    Asking(parameters): Asking<Wait>,
) -> Result<Response, Refusal> {
    if !parameters.wait()? {
        app.store.poke()?;
        return Ok((StatusCode::ACCEPTED, uncached(), axum::Json(Refreshed::default())).into_response());
    }
    // All of them fetch at once; the answer waits for the slowest.
    let begun = app.store.begin_refresh()?;
    let deadline = tokio::time::Instant::now() + PATIENCE;
    let mut refreshed = Refreshed::default();
    let mut failed = None;
    for pending in begun {
        let waited = tokio::time::timeout_at(deadline, pending.outcome()).await;
        let outcome = waited.map_err(|_| Refusal::refresh_is_slow(PATIENCE))??;
        let is_asked = |change: &&LabelChange| parameters.label.as_ref().is_none_or(|only| **only == *change.label);
        let labels = outcome.labels.iter().filter(is_asked);
        refreshed.labels.extend(labels.map(|change| RefreshedLabel::new(change, &caller)));
        failed = failed.or_else(|| failure(&outcome));
    }
    Ok(match failed {
        None => (uncached(), axum::Json(refreshed)).into_response(),
        Some(refusal) => refusal.with("labels", serde_json::json!(refreshed.labels)).into_response(),
    })
}

async fn get_status(State(app): State<Arc<App>>) -> Response {
    let now = now();
    let sources = app.store.status().iter().map(|source| SourceBody::new(source, now)).collect();
    let status = Status { version: env!("CARGO_PKG_VERSION"), ready: app.store.readiness().is_ok(), sources };
    (uncached(), axum::Json(status)).into_response()
}

async fn get_live() -> Response {
    (uncached(), axum::Json(Health { status: "up" })).into_response()
}

async fn get_ready(State(app): State<Arc<App>>) -> Result<Response, Refusal> {
    if app.draining.is_cancelled() {
        return Err(Refusal::draining());
    }
    app.store.readiness()?;
    Ok((uncached(), axum::Json(Health { status: "ready" })).into_response())
}

async fn get_metrics(State(app): State<Arc<App>>) -> Result<Response, Refusal> {
    let text = app.metrics.text(&app.store).map_err(|_| Refusal::internal())?;
    let media_type = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    Ok(([(header::CONTENT_TYPE, media_type)], uncached(), text).into_response())
}

fn failure(outcome: &Outcome) -> Option<Refusal> {
    outcome.error.as_ref().map(Refusal::fetch_failed)
}

fn uncached() -> [(header::HeaderName, &'static str); 1] {
    [(header::CACHE_CONTROL, "no-store")]
}

/// What `GET /metrics` shows: what other rooms registered, and what is read off the store at each request.
pub struct Metrics {
    registry: Registry,
    ages: Family<OfSource, Gauge>,
    problems: Family<OfSource, Gauge>,
    pinned: Family<OfSource, Gauge>,
    stuck: Family<OfSource, Gauge>,
    sealed: Family<OfOpening, Gauge>,
    ready: Gauge,
    answers: Gauge,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OfSource {
    source: String,
}

impl Metrics {
    /// The metrics of a registry in which the other rooms have put theirs.
    #[must_use]
    pub fn new(mut registry: Registry) -> Self {
        let (ages, problems, pinned) = (Family::default(), Family::default(), Family::default());
        let (stuck, sealed) = (Family::default(), Family::default());
        let (ready, answers) = (Gauge::default(), Gauge::default());
        registry.register(
            "layerd_snapshot_age_seconds",
            "Time since the last fetch that succeeded",
            Family::clone(&ages),
        );
        registry.register(
            "layerd_problems",
            "Files of the default label that cannot be served",
            Family::clone(&problems),
        );
        let help = "Addresses of the default label that an older commit answers";
        registry.register("layerd_pinned_addresses", help, Family::clone(&pinned));
        let help = "Labels that cannot follow their source, and stay where they were";
        registry.register("layerd_stuck_labels", help, Family::clone(&stuck));
        let help = "Sealed values of the default label, by whether they are open";
        registry.register("layerd_sealed_values", help, Family::clone(&sealed));
        registry.register("layerd_ready", "1 if there is something to serve", Gauge::clone(&ready));
        registry.register("layerd_answers_bytes", "Spelled answers kept in memory", Gauge::clone(&answers));
        Self { registry, ages, problems, pinned, stuck, sealed, ready, answers }
    }

    fn text(&self, store: &Store) -> Result<String, std::fmt::Error> {
        let now = now();
        let signed = |count: u64| i64::try_from(count).unwrap_or(i64::MAX);
        // Sources that are found at run time share the name of their entry: there the oldest and the sum are shown.
        let mut figures: BTreeMap<Arc<str>, Figures> = BTreeMap::new();
        for source in store.status() {
            figures.entry(Arc::clone(&source.entry)).or_default().add(&source, now);
        }
        for (entry, figures) in figures {
            let source = entry.to_string();
            for (state, values) in [("open", figures.opened), ("closed", figures.unopened)] {
                let labels = OfOpening { source: source.clone(), state };
                self.sealed.get_or_create(&labels).set(signed(values));
            }
            let labels = OfSource { source };
            self.problems.get_or_create(&labels).set(signed(figures.errors));
            self.pinned.get_or_create(&labels).set(signed(figures.pinned));
            self.stuck.get_or_create(&labels).set(signed(figures.stuck));
            if let Some(age) = figures.age {
                self.ages.get_or_create(&labels).set(signed(age));
            }
        }
        self.ready.set(i64::from(store.readiness().is_ok()));
        self.answers.set(i64::try_from(store.memo_weight()).unwrap_or(i64::MAX));
        let mut text = String::new();
        prometheus_client::encoding::text::encode(&mut text, &self.registry)?;
        Ok(text)
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OfOpening {
    source: String,
    state: &'static str,
}

/// What is shown of the default labels of an entry.
#[derive(Default)]
struct Figures {
    age: Option<u64>,
    errors: u64,
    pinned: u64,
    stuck: u64,
    opened: u64,
    unopened: u64,
}

impl Figures {
    fn add(&mut self, source: &SourceStatus, now: i64) {
        self.age = self.age.max(source.freshness.age(now));
        self.stuck += source.stuck().len() as u64;
        let Some(label) = source.default() else { return };
        let sealed = label.sealed();
        self.errors += label.count(Severity::Error) as u64;
        self.pinned += label.pinned() as u64;
        self.opened += sealed.open as u64;
        self.unopened += sealed.closed as u64;
    }
}

#[derive(Debug, Default, Deserialize)]
struct Wait {
    wait: Option<String>,
    /// The one label that the response is about. Fetched are all of them: Git brings them together.
    label: Option<String>,
}

impl Wait {
    fn wait(&self) -> Result<bool, Refusal> {
        match self.wait.as_deref() {
            None | Some("" | "true") => Ok(true),
            Some("false") => Ok(false),
            Some(other) => Err(Refusal::parameter("wait", other, "true or false")),
        }
    }
}

// ── what goes over the wire ──

#[derive(Serialize)]
struct Health {
    status: &'static str,
}

#[derive(Default, Serialize)]
struct Refreshed {
    labels: Vec<RefreshedLabel>,
}

#[derive(Serialize)]
struct RefreshedLabel {
    source: Arc<str>,
    label: Arc<str>,
    from: Option<String>,
    to: Option<String>,
    files: Vec<Arc<str>>,
    applications: Vec<ChangedApplication>,
    problems: Vec<Problem>,
    /// Why the label cannot follow its source; it stays where it was.
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<Arc<str>>,
}

#[derive(Serialize)]
struct ChangedApplication {
    application: Arc<str>,
    profiles: Vec<Arc<str>>,
}

#[derive(Serialize)]
struct Status {
    version: &'static str,
    ready: bool,
    sources: Vec<SourceBody>,
}

/// One source. Times are RFC 3339 in UTC, durations seconds.
#[derive(Serialize)]
struct SourceBody {
    source: Arc<str>,
    fetched_at: Option<String>,
    age: Option<u64>,
    last_error: Option<String>,
    failures: u32,
    next_fetch: Option<String>,
    default_label: Option<Arc<str>>,
    /// The default label is gone from the source and its last commit goes on being served.
    default_label_vanished: bool,
    labels: Vec<LabelBody>,
    /// Labels that cannot follow the source; those that were served before go on being served as they were.
    stuck: Vec<StuckLabel>,
}

#[derive(Serialize)]
struct StuckLabel {
    label: Arc<str>,
    error: Arc<str>,
}

#[derive(Serialize)]
struct LabelBody {
    label: Arc<str>,
    commit: String,
    committed_at: Option<String>,
    /// Configuration files.
    files: usize,
    /// Bytes of all files of the commit.
    size: u64,
    applications: usize,
    problems: usize,
    errors: usize,
    warnings: usize,
    /// Addresses that an older commit answers.
    pinned: usize,
    /// What its `.layerd.yaml` sets, if it has one.
    #[serde(skip_serializing_if = "Option::is_none")]
    settings: Option<OwnSettings>,
}

/// What a repository says about how it is read, by the names of the settings.
#[derive(Debug, Serialize)]
struct OwnSettings {
    in_force: Vec<&'static str>,
    /// The settings of the server say something else.
    overridden: Vec<&'static str>,
}

impl OwnSettings {
    fn of(own: &Own) -> Option<Self> {
        own.bytes.as_ref()?;
        Some(Self { in_force: own.in_force.clone(), overridden: own.overridden.clone() })
    }
}

impl RefreshedLabel {
    /// Whoever may not read everything is not told of files and problems, which may be those of others.
    fn new(change: &LabelChange, caller: &Caller) -> Self {
        let sees_all = caller.grants().reads_everything();
        let application = |(application, profiles): &(Arc<str>, Vec<Arc<str>>)| ChangedApplication {
            application: Arc::clone(application),
            profiles: profiles
                .iter()
                .filter(|profile| caller.sees(application, profile, &change.label))
                .cloned()
                .collect(),
        };
        let applications = change.applications.iter().map(application);
        Self {
            source: Arc::clone(&change.source),
            label: Arc::clone(&change.label),
            from: change.from.map(|id| id.to_string()),
            to: change.to.map(|id| id.to_string()),
            files: if sees_all { change.files.clone() } else { Vec::new() },
            applications: applications.filter(|changed| !changed.profiles.is_empty()).collect(),
            problems: if sees_all { change.problems.clone() } else { Vec::new() },
            error: change.error.clone(),
        }
    }
}

impl SourceBody {
    fn new(source: &SourceStatus, now: i64) -> Self {
        let Fresh { fetched_at, next_at, error, failures } = source.freshness.clone();
        let stuck = source.stuck().iter();
        Self {
            source: Arc::clone(&source.source),
            fetched_at: fetched_at.and_then(time),
            age: source.freshness.age(now),
            last_error: error,
            failures,
            next_fetch: next_at.and_then(time),
            default_label: source.default_label().cloned(),
            default_label_vanished: source.default_vanished(),
            labels: source.labels().iter().map(LabelBody::new).collect(),
            stuck: stuck.map(|(label, error)| StuckLabel { label: label.clone(), error: error.clone() }).collect(),
        }
    }
}

impl LabelBody {
    fn new(label: &LabelStatus) -> Self {
        Self {
            label: Arc::clone(&label.label),
            commit: label.commit().to_string(),
            committed_at: time(label.committed_at()),
            files: label.files(),
            size: label.size(),
            problems: label.problems().len(),
            applications: label.applications().len(),
            errors: label.count(Severity::Error),
            warnings: label.count(Severity::Warning),
            pinned: label.pinned(),
            settings: OwnSettings::of(&label.own()),
        }
    }
}

fn time(seconds: i64) -> Option<String> {
    jiff::Timestamp::from_second(seconds).ok().map(|time| time.to_string())
}
