//! What the repositories hold as a whole: applications, labels, problems, and who is answered by an older commit.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use serde::Serialize;

use crate::answer;
use crate::config::problem::Problem;
use crate::store::status::SourceStatus;
use crate::store::{Part, Pinned};

use super::{Asked, json};
use crate::access::Verb;
use crate::http::access::Caller;
use crate::http::error::Refusal;
use crate::http::query::Asking;
use crate::http::{Route, Scope};

/// The routes of this file.
pub(in crate::http) fn routes() -> Vec<Route> {
    vec![
        Route::get("/api/v1/applications", Scope::Needs(Verb::Status), list_applications).takes(&["label"]),
        Route::get("/api/v1/problems", Scope::Needs(Verb::Status), list_problems).takes(&["label"]),
    ]
}

async fn list_applications((State(app), caller, Asking(parameters), headers): Asked) -> Result<Response, Refusal> {
    let chosen = app.store.everywhere(parameters.label()?.as_deref()).await?;
    let mut applications: BTreeMap<Arc<str>, BTreeSet<Arc<str>>> = BTreeMap::new();
    for part in chosen.parts() {
        let catalogue = &part.snapshot.catalogue;
        for name in catalogue.applications.keys() {
            let profiles = catalogue.profiles(name);
            let profiles = profiles.into_iter().filter(|profile| app.store.answers_for(part, name, profile));
            let profiles = profiles.filter(|profile| caller.sees(name, profile, &part.label));
            let profiles: Vec<_> = profiles.collect();
            if !profiles.is_empty() {
                applications.entry(Arc::clone(name)).or_default().extend(profiles);
            }
        }
    }
    let applications =
        applications.into_iter().map(|(application, profiles)| Application { application, profiles }).collect();
    let (label, labels) = (&*chosen.first.label, app.store.labels());
    let listed = Applications { label, version: chosen.version(), applications, labels };
    Ok(json(&chosen.clone().into(), &listed, &headers))
}

async fn list_problems((State(app), caller, Asking(parameters), headers): Asked) -> Result<Response, Refusal> {
    let chosen = app.store.everywhere(parameters.label()?.as_deref()).await?;
    let (parts, several) = (chosen.clone(), chosen.is_joined());
    // Merging every known address is too much work for a thread that serves others as well.
    let sees = caller.clone();
    let find = move || {
        let of_part = |part: &Part| {
            let source = several.then(|| Arc::from(part.source()));
            let problems = visible(answer::all_problems(&part.snapshot), part, &sees).into_iter();
            problems.map(move |problem| ListedProblem { source: source.clone(), problem }).collect::<Vec<_>>()
        };
        parts.parts().flat_map(of_part).collect::<Vec<_>>()
    };
    let problems = tokio::task::spawn_blocking(find).await.unwrap_or_default();
    let pinned = app.store.pinned(&chosen);
    let is_visible = |pinned: &&Pinned| {
        let (application, profiles) = &pinned.asked;
        profiles.iter().all(|profile| caller.sees(application, profile, &chosen.first.label))
    };
    let pinned = pinned.iter().filter(is_visible).map(PinnedAddress::new).collect();
    let stuck = app.store.status().iter().flat_map(HeldLabel::of).collect();
    let listed = Problems { label: &chosen.first.label, version: chosen.version(), problems, pinned, stuck };
    Ok(json(&chosen.clone().into(), &listed, &headers))
}

/// The problems of files that take part in something that the caller may read.
fn visible(problems: Vec<Problem>, part: &Part, caller: &Caller) -> Vec<Problem> {
    if caller.grants().reads_everything() {
        return problems;
    }
    let addresses = part.snapshot.known_addresses();
    let addresses = addresses.filter(|address| caller.sees(&address.application, &address.profiles[0], &part.label));
    let files: HashSet<Arc<str>> = addresses
        .flat_map(|address| part.snapshot.files(&address).map(|file| Arc::clone(&file.path)).collect::<Vec<_>>())
        .collect();
    problems.into_iter().filter(|problem| files.contains(&problem.file)).collect()
}

// ── what goes over the wire ──

#[derive(Serialize)]
struct Applications<'a> {
    label: &'a str,
    version: String,
    applications: Vec<Application>,
    labels: BTreeSet<Arc<str>>,
}

#[derive(Serialize)]
struct Application {
    application: Arc<str>,
    profiles: BTreeSet<Arc<str>>,
}

#[derive(Serialize)]
struct Problems<'a> {
    label: &'a str,
    version: String,
    problems: Vec<ListedProblem>,
    /// The addresses that the repository names and that an older commit answers.
    pinned: Vec<PinnedAddress>,
    /// The labels of all sources that cannot follow them.
    stuck: Vec<HeldLabel>,
}

#[derive(Serialize)]
struct PinnedAddress {
    source: Arc<str>,
    application: Arc<str>,
    profiles: Vec<Arc<str>>,
    commit: String,
    reason: Arc<str>,
}

#[derive(Serialize)]
struct HeldLabel {
    source: Arc<str>,
    label: Arc<str>,
    error: Arc<str>,
}

#[derive(Serialize)]
struct ListedProblem {
    /// Named if there are several.
    #[serde(skip_serializing_if = "Option::is_none")]
    source: Option<Arc<str>>,
    #[serde(flatten)]
    problem: Problem,
}

impl HeldLabel {
    fn of(status: &SourceStatus) -> Vec<Self> {
        let held = |(label, error): (&Arc<str>, &Arc<str>)| {
            let source = Arc::clone(&status.source);
            Self { source, label: Arc::clone(label), error: Arc::clone(error) }
        };
        status.stuck().iter().map(held).collect()
    }
}

impl PinnedAddress {
    fn new(pinned: &Pinned) -> Self {
        let Pinned { source, asked: (application, profiles), pin } = pinned;
        let (source, application) = (Arc::clone(source), Arc::clone(application));
        let (commit, reason) = (pin.snapshot.commit.to_string(), Arc::clone(&pin.reason));
        Self { source, application, profiles: profiles.clone(), commit, reason }
    }
}
