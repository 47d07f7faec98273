//! What differs between two labels for an application, and which commits changed one of its keys.
//!
//! Part of the native protocol; the command line prints the same JSON from a repository.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::extract::{Path, State};
use axum::http::HeaderMap;
use axum::response::Response;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::answer::{self, compare, history};
use crate::config::address::Address;
use crate::config::diff::{Given, KeyChanges};
use crate::config::tree::CommitId;
use crate::config::value::Value;
use crate::store::ChooseError;
use crate::store::history::{Bounds, Commit, History};

use crate::access::{Action, Verb};
use crate::http::access::Caller;
use crate::http::error::Refusal;
use crate::http::native;
use crate::http::native::basis::Basis;
use crate::http::query::Asking;
use crate::http::{App, Route, Scope};

/// How many changes a history tells if nobody says, and at most.
pub const CHANGES: usize = 20;
const MOST_CHANGES: usize = 200;

/// How many commits a request looks at, and for how long; both well within what a request on the cold pool may take.
const COMMITS: usize = 5_000;
const TIME: Duration = Duration::from_secs(3);

/// The routes of this file.
pub(in crate::http) fn routes() -> Vec<Route> {
    vec![
        Route::get("/api/v1/diff/{application}/{profiles}", Scope::Needs(Verb::Read), diff_labels)
            .takes(&["from", "to"]),
        Route::get("/api/v1/history/{application}/{profiles}", Scope::Needs(Verb::History), list_history)
            .takes(&["label", "key", "limit"]),
    ]
}

#[derive(Debug, Default, Deserialize)]
struct Labels {
    from: Option<String>,
    to: Option<String>,
}

async fn diff_labels(
    Path((application, profiles)): Path<(String, String)>,
    (State(app), caller, Asking(labels), headers): (State<Arc<App>>, Caller, Asking<Labels>, HeaderMap),
) -> Result<Response, Refusal> {
    let from = labels.from.filter(|from| !from.is_empty()).ok_or_else(|| Refusal::missing("from", "a label"))?;
    let base = app.permit(&caller, Address::parse(&application, Some(&profiles), Some(&from))?)?;
    let head = app.permit(&caller, Address::parse(&application, Some(&profiles), labels.to.as_deref())?)?;
    let (before, after) = (app.find(&caller, &base).await?, app.find(&caller, &head).await?);
    // What one of the two labels names is no slip.
    let after = Basis { unknown: after.unknown.filter(|_| before.unknown.is_some()), ..after };
    let (from, to) = (&before.chosen, &after.chosen);
    let change = compare::change(&from.select(&base)?, &to.select(&head)?)?;
    let body = Difference {
        application: &application,
        profiles: &head.profiles,
        base: from.version(),
        head: to.version(),
        keys: Keys::new(&change),
    };
    Ok(native::json(&after, &body, &headers))
}

#[derive(Debug, Default, Deserialize)]
struct Asked {
    label: Option<String>,
    key: Option<String>,
    limit: Option<String>,
}

async fn list_history(
    Path((application, profiles)): Path<(String, String)>,
    (State(app), caller, Asking(asked), headers): (State<Arc<App>>, Caller, Asking<Asked>, HeaderMap),
) -> Result<Response, Refusal> {
    let address = app.permit(&caller, Address::parse(&application, Some(&profiles), asked.label.as_deref())?)?;
    app.check(&caller, Action::About(Verb::History, &address.application))?;
    let changes = limit(asked.limit.as_deref())?;
    let key = asked.key.filter(|key| !key.is_empty()).ok_or_else(|| Refusal::missing("key", "a dotted path"))?;
    let basis = app.find(&caller, &address).await?;
    let chosen = &basis.chosen;
    let bounds = Bounds { changes, commits: COMMITS, deadline: Instant::now() + TIME };
    let history = app.store.history(chosen, &address, &key, bounds).await.map_err(ChooseError::Cold)?;
    let history = history.ok_or_else(Refusal::no_history)?;
    let near = if history.turns.is_empty() { answer::near_keys(&chosen.select(&address)?, &key) } else { Vec::new() };
    let body = Told::new(&address, (&chosen.first.label, chosen.first.snapshot.commit), (&key, near), &history);
    Ok(native::json(&basis, &body, &headers))
}

fn limit(text: Option<&str>) -> Result<usize, Refusal> {
    let Some(text) = text else { return Ok(CHANGES) };
    let limit = text.parse().ok().filter(|limit| (1..=MOST_CHANGES).contains(limit));
    limit.ok_or_else(|| Refusal::parameter("limit", text, "a number from 1 to 200"))
}

/// The JSON of a history; the command line prints the same. `near` are the keys that were probably meant by one that nobody
/// ever set.
#[must_use]
pub fn history_json(
    address: &Address,
    of: (&str, CommitId),
    (key, near): (&str, Vec<Arc<str>>),
    history: &History,
) -> String {
    let told = Told::new(address, of, (key, near), history);
    serde_json::to_string(&told).expect("texts, numbers and JSON are always JSON")
}

// ── what goes over the wire ──

#[derive(Serialize)]
struct Difference<'a> {
    application: &'a str,
    profiles: &'a [Arc<str>],
    base: String,
    head: String,
    #[serde(flatten)]
    keys: Keys<'a>,
}

/// The keys of a change with their values and, of new ones, their places.
#[derive(Serialize)]
pub struct Keys<'a> {
    added: BTreeMap<&'a str, Added<'a>>,
    removed: BTreeMap<&'a str, Removed>,
    changed: BTreeMap<&'a str, Changed<'a>>,
}

#[derive(Serialize)]
struct Added<'a> {
    to: Box<RawValue>,
    file: &'a str,
    line: u32,
}

#[derive(Serialize)]
struct Removed {
    from: Box<RawValue>,
}

#[derive(Serialize)]
struct Changed<'a> {
    from: Box<RawValue>,
    #[serde(flatten)]
    now: Added<'a>,
}

#[derive(Serialize)]
struct Told<'a> {
    application: &'a str,
    profiles: &'a [Arc<str>],
    label: &'a str,
    version: String,
    key: &'a str,
    /// Keys that were probably meant, if nobody ever set this one.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    nearest: Vec<Arc<str>>,
    /// The newest first.
    commits: Vec<Turn<'a>>,
    /// False if older commits were not looked at, or are not there.
    complete: bool,
}

#[derive(Serialize)]
struct Turn<'a> {
    id: String,
    time: Option<String>,
    author: &'a str,
    subject: &'a str,
    /// Left out if the key was not there.
    #[serde(skip_serializing_if = "Option::is_none")]
    from: Option<Box<RawValue>>,
    /// Left out if the key is gone.
    #[serde(skip_serializing_if = "Option::is_none")]
    to: Option<Box<RawValue>>,
}

impl<'a> Keys<'a> {
    /// The keys of a change.
    #[must_use]
    pub fn new(change: &'a KeyChanges) -> Self {
        let changed = change.changed.iter();
        let changed =
            changed.map(|(key, (from, to))| (&**key, Changed { from: raw(&from.value), now: Added::new(to) }));
        Self {
            added: change.added.iter().map(|(key, to)| (&**key, Added::new(to))).collect(),
            removed: change.removed.iter().map(|(key, from)| (&**key, Removed { from: raw(&from.value) })).collect(),
            changed: changed.collect(),
        }
    }
}

impl<'a> Added<'a> {
    fn new(to: &'a Given) -> Self {
        Self { to: raw(&to.value), file: &to.origin.file, line: to.origin.at.line }
    }
}

impl<'a> Told<'a> {
    fn new(
        address: &'a Address,
        (label, version): (&'a str, CommitId),
        (key, nearest): (&'a str, Vec<Arc<str>>),
        history: &'a History,
    ) -> Self {
        Self {
            application: &address.application,
            profiles: &address.profiles,
            label,
            version: version.to_string(),
            key,
            nearest,
            commits: history.turns.iter().map(Turn::new).collect(),
            complete: history.complete,
        }
    }
}

impl<'a> Turn<'a> {
    fn new(turn: &'a history::Turn<Commit>) -> Self {
        let Commit { id, about } = &turn.commit;
        let time = jiff::Timestamp::from_second(about.committed_at).ok();
        Self {
            id: id.to_string(),
            time: time.map(|time| time.to_string()),
            author: &about.author,
            subject: &about.subject,
            from: turn.from.as_ref().map(raw),
            to: turn.to.as_ref().map(raw),
        }
    }
}

fn raw(value: &Value) -> Box<RawValue> {
    RawValue::from_string(compare::shown(value)).unwrap_or_default()
}
