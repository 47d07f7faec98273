//! What the log says of the refreshes of one source: every change of state once, not every fetch.
//!
//! Nothing is decided here. What a caller of `POST /api/v1/refresh` is told is in `report.rs`.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tracing::{info, warn};

use crate::config::problem::Severity;
use crate::config::tree::CommitId;
use crate::source::FetchError;

use super::live::Live;
use super::report::{LabelChange, Outcome};

/// How many problems of one commit are logged one by one.
const LOGGED_PROBLEMS: usize = 10;

/// How many labels that cannot follow are logged one by one.
const LOGGED_STUCK: usize = 10;

/// How long a failure may last until it is told again, so that it is found in logs that are kept for a day only.
const REMINDER: Duration = Duration::from_secs(60 * 60);

/// How long a failure must have lasted to be told again because its words have changed.
const OTHER_WORDS: Duration = Duration::from_secs(60);

/// The state of one source as the log last told it.
#[derive(Debug, Default)]
pub(super) struct Journal {
    /// The failure, and when it was told.
    failure: Option<(FetchError, Instant)>,
    default_vanished: bool,
    /// The labels that cannot follow, and why, as they were told.
    stuck: BTreeMap<Arc<str>, Arc<str>>,
}

impl Journal {
    /// Tells what is new about a source after a refresh.
    pub(super) fn tell(&mut self, live: &Live, outcome: &Outcome) {
        let source = &*live.settings.name;
        for change in outcome.labels.iter().filter(|change| change.from != change.to) {
            tell_change(source, change);
        }
        self.tell_default(live);
        self.tell_stuck(live);
        match (&outcome.error, &self.failure) {
            (Some(error), Some(told)) if is_known(error, told) => {}
            (Some(error), _) => {
                tell_failure(live, error);
                self.failure = Some((error.clone(), Instant::now()));
            }
            (None, Some(_)) => {
                info!(source, "fetching works again");
                self.failure = None;
            }
            (None, None) => {}
        }
    }

    fn tell_stuck(&mut self, live: &Live) {
        let (source, now) = (&*live.settings.name, live.table().stuck.clone());
        let new = now.iter().filter(|(label, reason)| self.stuck.get(*label) != Some(*reason));
        for (label, reason) in new.clone().take(LOGGED_STUCK) {
            let label = &**label;
            warn!(source, label, "the label stays where it was, and holds up no other: {reason}");
        }
        let more = new.count().saturating_sub(LOGGED_STUCK);
        if more > 0 {
            warn!(source, more, "more labels cannot follow; GET /api/v1/status lists them");
        }
        for label in self.stuck.keys().filter(|label| !now.contains_key(*label)) {
            info!(source, label = &**label, "the label follows the source again, or is gone");
        }
        self.stuck = now;
    }

    fn tell_default(&mut self, live: &Live) {
        let source = &*live.settings.name;
        let table = live.table();
        let label = table.default.as_deref().unwrap_or_default();
        match (self.default_vanished, table.default_vanished) {
            (false, true) => {
                warn!(source, label, "the default label is gone from the source; its last commit goes on being served");
            }
            (true, false) => info!(source, label, "the default label is there again"),
            (true, true) | (false, false) => {}
        }
        self.default_vanished = table.default_vanished;
    }
}

/// True if nothing is new about a failure. Some servers never fail twice with the same words.
fn is_known(error: &FetchError, (told, at): &(FetchError, Instant)) -> bool {
    error.reason == told.reason && at.elapsed() < if error.message == told.message { REMINDER } else { OTHER_WORDS }
}

fn tell_failure(live: &Live, error: &FetchError) {
    let (source, reason) = (&*live.settings.name, error.reason);
    let table = live.table();
    let default = table.default.as_ref().and_then(|label| table.snapshot(label));
    match default {
        Some(_) => warn!(source, reason, "fetch failed, what was fetched before goes on being served: {error}"),
        None => warn!(source, reason, "fetch failed, there is nothing to serve until one succeeds: {error}"),
    }
}

fn tell_change(source: &str, change: &LabelChange) {
    let label = &*change.label;
    let id = |id: Option<CommitId>| id.map_or_else(|| "-".to_owned(), |id| id.to_string());
    if change.to.is_none() && change.error.is_some() {
        return;
    }
    if change.to.is_none() {
        warn!(source, label, from = id(change.from), "the label is gone from the source; it is 404 from now on");
        return;
    }
    let (files, applications) = (change.files.len(), change.applications.len());
    info!(source, label, from = id(change.from), to = id(change.to), files, applications, "serving a new commit");
    if change.pinned > 0 {
        let pinned = change.pinned;
        warn!(
            source,
            label, pinned, "addresses are answered by an older commit, because the new one breaks their files"
        );
    }
    for problem in change.problems.iter().filter(|problem| problem.code == "setting-overridden") {
        info!(source, label, "the settings of the server override those of the repository: {problem}");
    }
    let errors = change.problems.iter().filter(|problem| problem.severity == Severity::Error);
    for problem in errors.clone().take(LOGGED_PROBLEMS) {
        warn!(source, label, code = problem.code, "a file cannot be served: {problem}");
    }
    let more = errors.count().saturating_sub(LOGGED_PROBLEMS);
    if more > 0 {
        warn!(source, label, more, "more files cannot be served; GET /api/v1/problems lists them");
    }
}
