//! The only loop: fetch, build, swap, tell. Timer, requests and back-off meet here, one loop for each source. What the
//! log says of it is in `journal.rs`, what callers are told in `report.rs`.
//!
//! Requests that come while a fetch is under way wait for the next one, because the running one may have begun before
//! the push that they are about; all that wait share it.

use std::hash::{BuildHasher, Hasher, RandomState};
use std::sync::Arc;
use std::time::Duration;

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::registry::Registry;
use tokio::sync::{mpsc, oneshot};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::source::{FetchError, ReadError};

use super::journal::Journal;
use super::live::{self, Live, Moved};
use super::report::{Outcome, changes};
use super::table::Table;

/// How many requests may wait for the next fetch.
const WAITING: usize = 100;

/// The longest pause after failures, and the shortest after a refused password, so that no account is locked.
const LONG_PAUSE: Duration = Duration::from_secs(60);

/// The longest pause that a remote may ask for.
const LONGEST_WISH: Duration = Duration::from_secs(10 * 60);

/// Asks one source to fetch.
#[derive(Debug, Clone)]
pub struct Handle {
    requests: mpsc::Sender<Option<oneshot::Sender<Arc<Outcome>>>>,
}

/// A fetch that was asked for.
#[derive(Debug)]
pub struct Pending(oneshot::Receiver<Arc<Outcome>>);

/// Why a refresh was not carried out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum RefreshError {
    /// Too many requests wait already.
    #[error("too many refreshes wait already")]
    Busy,
    /// The server is stopping.
    #[error("the server is stopping")]
    Stopping,
}

/// Counts of fetches.
#[derive(Debug, Clone, Default)]
pub struct Metrics {
    fetches: Family<OfSource, Counter>,
    failures: Family<Failure, Counter>,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OfSource {
    source: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Failure {
    source: String,
    reason: String,
}

/// The loop of one source.
pub struct Refresher {
    live: Arc<Live>,
    requests: mpsc::Receiver<Option<oneshot::Sender<Arc<Outcome>>>>,
    period: Duration,
    metrics: Metrics,
    journal: Journal,
}

impl Metrics {
    /// Adds the counts to a registry.
    pub fn register(&self, registry: &mut Registry) {
        registry.register("layerd_fetches", "Fetches begun", self.fetches.clone());
        registry.register("layerd_fetch_failures", "Fetches that failed, by reason", self.failures.clone());
    }
}

impl Handle {
    /// Fetches and waits for what it did.
    ///
    /// # Errors
    /// If too many wait already or the server is stopping.
    pub async fn refresh(&self) -> Result<Arc<Outcome>, RefreshError> {
        self.begin()?.outcome().await
    }

    /// Asks for a fetch, which can be waited for later.
    ///
    /// # Errors
    /// If too many wait already or the server is stopping.
    pub fn begin(&self) -> Result<Pending, RefreshError> {
        let (reply, outcome) = oneshot::channel();
        self.send(Some(reply))?;
        Ok(Pending(outcome))
    }

    /// Fetches soon, without waiting. If many wait already, their fetch will do.
    ///
    /// # Errors
    /// If the server is stopping.
    pub fn poke(&self) -> Result<(), RefreshError> {
        match self.send(None) {
            Err(RefreshError::Busy) => Ok(()),
            sent => sent,
        }
    }

    fn send(&self, reply: Option<oneshot::Sender<Arc<Outcome>>>) -> Result<(), RefreshError> {
        self.requests.try_send(reply).map_err(|error| match error {
            mpsc::error::TrySendError::Full(_) => RefreshError::Busy,
            mpsc::error::TrySendError::Closed(_) => RefreshError::Stopping,
        })
    }
}

impl Pending {
    /// Waits for what the fetch did.
    ///
    /// # Errors
    /// If the server is stopping.
    pub async fn outcome(self) -> Result<Arc<Outcome>, RefreshError> {
        self.0.await.map_err(|_| RefreshError::Stopping)
    }
}

impl Refresher {
    /// A loop for `live` that fetches every `period`, and the handle that asks it to fetch at once.
    #[must_use]
    pub fn new(live: Arc<Live>, period: Duration, metrics: Metrics) -> (Self, Handle) {
        let (sender, requests) = mpsc::channel(WAITING);
        let journal = Journal::default();
        (Self { live, requests, period, metrics, journal }, Handle { requests: sender })
    }

    /// Runs until `shutdown`, fetching at once and then on its timer or on request. A fetch that is under way then is
    /// left to itself.
    pub async fn run(mut self, shutdown: CancellationToken) {
        let mut due = Instant::now();
        loop {
            let mut replies = tokio::select! {
                () = shutdown.cancelled() => return,
                () = tokio::time::sleep_until(due) => Vec::new(),
                request = self.requests.recv() => match request {
                    Some(reply) => Vec::from_iter(reply),
                    None => return,
                },
            };
            while let Ok(reply) = self.requests.try_recv() {
                replies.extend(reply);
            }
            let Some(outcome) = shutdown.run_until_cancelled(self.fetch()).await else { return };
            let outcome = Arc::new(outcome);
            due = Instant::now() + self.settle(&outcome);
            for reply in replies {
                // Who has stopped waiting needs no answer.
                drop(reply.send(Arc::clone(&outcome)));
            }
        }
    }

    async fn fetch(&self) -> Outcome {
        let live::Settings { name, entry, .. } = &self.live.settings;
        self.metrics.fetches.get_or_create(&OfSource { source: entry.to_string() }).inc();
        let live = Arc::clone(&self.live);
        let (done, outcome) = oneshot::channel();
        // A thread of its own, which nobody waits for when the server stops: a fetch may hang for a minute.
        let thread = std::thread::Builder::new().name(format!("fetch {name}"));
        let spawned = thread.spawn(move || drop(done.send(refresh(&live))));
        let message = match (spawned, outcome.await) {
            (Ok(_), Ok(outcome)) => return outcome,
            (Ok(_), Err(_)) => "the fetch failed unexpectedly; this is a bug in layerd".to_owned(),
            (Err(error), _) => format!("no thread can be started to fetch: {error}"),
        };
        failed(&self.live, FetchError::new("internal", message))
    }

    /// Books the outcome and says how long to wait until the next fetch.
    fn settle(&mut self, outcome: &Outcome) -> Duration {
        self.journal.tell(&self.live, outcome);
        if let Some(error) = &outcome.error {
            let labels = Failure { source: self.live.settings.entry.to_string(), reason: error.reason.to_owned() };
            self.metrics.failures.get_or_create(&labels).inc();
        }
        let failures = if outcome.is_fresh { 0 } else { self.live.freshness.get().failures.saturating_add(1) };
        let pause = pause(self.period, failures, outcome.error.as_ref(), random());
        let now = now();
        self.live.freshness.update(|fresh| {
            fresh.failures = failures;
            fresh.error = outcome.error.as_ref().map(ToString::to_string);
            fresh.next_at = Some(now.saturating_add(i64::try_from(pause.as_secs()).unwrap_or(i64::MAX)));
            if outcome.is_fresh {
                fresh.fetched_at = Some(now);
            }
        });
        pause
    }
}

/// Fetches and serves what came. Blocks.
fn refresh(live: &Live) -> Outcome {
    let first = match fetch_and_advance(live) {
        Ok(Ok(moved)) if moved.stuck.is_empty() => return outcome(live, &moved),
        Ok(first) => first,
        Err(error) => return failed(live, error),
    };
    // A source that finds its copy damaged makes a new one at the next fetch. If that is not it, little is lost: where
    // nothing is new, a fetch is one question.
    match (first, fetch_and_advance(live)) {
        (Ok(first), Ok(Ok(second))) => outcome(live, &Moved { before: first.before, ..second }),
        (Err(_), Ok(Ok(moved))) | (Ok(moved), _) => outcome(live, &moved),
        (Err(error), _) => failed(live, FetchError::new("storage", error.to_string())),
    }
}

fn fetch_and_advance(live: &Live) -> Result<Result<Moved, ReadError>, FetchError> {
    live.source.fetch().map(|()| live.advance())
}

fn outcome(live: &Live, moved: &Moved) -> Outcome {
    let default = moved.after.default.as_ref();
    // Other labels that cannot be read are told one by one, and are no failure of the fetch.
    let stuck = default.and_then(|label| moved.after.stuck.get_key_value(label));
    let is_unreadable = |label: &Arc<str>| moved.stuck.iter().any(|(stuck, _)| stuck == label);
    let error = match stuck {
        _ if default.is_none() => Some(no_default(live, &moved.after)),
        Some((label, error)) => {
            let reason = if is_unreadable(label) { "storage" } else { "protocol" };
            Some(FetchError::new(reason, format!("the label `{label}` cannot be read: {error}")))
        }
        None => None,
    };
    let is_fresh = error.is_none();
    Outcome { labels: changes(&live.settings.name, &moved.before, &moved.after), error, is_fresh }
}

/// The failure of a fetch that went well and has brought no label to answer with.
fn no_default(live: &Live, table: &Table) -> FetchError {
    let name = &live.settings.name;
    let message = match &live.settings.label {
        Some(label) => format!("the source `{name}` has no label `{label}`, or the setting labels does not allow it"),
        None if table.labels.tips.is_empty() => {
            format!("the source `{name}` has no label that the setting labels allows")
        }
        None => format!("the source `{name}` has neither `main` nor `master` nor a default branch"),
    };
    FetchError::new("not-found", message).with_hint("set the label that answers when none is asked for")
}

fn failed(live: &Live, error: FetchError) -> Outcome {
    let table = live.table();
    Outcome { labels: changes(&live.settings.name, &table, &table), error: Some(error), is_fresh: false }
}

/// The time until the next fetch: the period, or after failures 1 s, 2 s, 4 s … up to a minute or the period, whichever
/// is longer; always somewhere between half of it and all of it, so that many servers do not ask at once. A remote that
/// asks for a longer pause gets it, and up to a tenth more for the same reason.
fn pause(period: Duration, failures: u32, error: Option<&FetchError>, random: f64) -> Duration {
    let longest = period.max(LONG_PAUSE);
    let whole = match failures {
        0 => return period.mul_f64(0.9 + 0.2 * random),
        _ if error.is_some_and(|error| error.reason == "auth") => longest * 2,
        failures => longest.min(Duration::from_secs(1 << (failures - 1).min(12))),
    };
    let wish = error.and_then(|error| error.retry_after).unwrap_or_default().min(LONGEST_WISH);
    whole.mul_f64(0.5 + 0.5 * random).max(wish.mul_f64(1.0 + 0.1 * random))
}

/// A number from 0 up to 1, good enough to keep servers from marching in step.
fn random() -> f64 {
    let bits = u32::try_from(RandomState::new().build_hasher().finish() >> 32).unwrap_or(0);
    f64::from(bits) / f64::from(u32::MAX)
}

/// The wall clock, in seconds since 1970; only shown, never used to decide when to fetch.
#[must_use]
pub fn now() -> i64 {
    jiff::Timestamp::now().as_second()
}

#[cfg(test)]
mod tests {
    use tokio_util::task::TaskTracker;

    use super::super::fake::Fake;
    use super::*;
    use crate::store::report::LabelChange;

    fn pauses(reason: &'static str, period: u64) -> Vec<u64> {
        let error = FetchError::new(reason, "");
        let pause = |failures| pause(Duration::from_secs(period), failures, Some(&error), 1.0).as_secs();
        (1..=8).map(pause).collect()
    }

    #[test]
    fn failures_are_met_with_growing_pauses() {
        assert_eq!(pauses("unreachable", 30), [1, 2, 4, 8, 16, 32, 60, 60]);
        assert_eq!(pauses("unreachable", 300), [1, 2, 4, 8, 16, 32, 64, 128]);
    }

    #[test]
    fn a_refused_password_is_not_tried_again_within_a_minute() {
        let error = FetchError::new("auth", "");
        assert_eq!(pause(Duration::from_secs(5), 1, Some(&error), 0.0).as_secs(), 60);
        assert_eq!(pauses("auth", 30), [120; 8]);
    }

    #[test]
    fn bad_g05_a_remote_that_asks_for_a_pause_gets_it_within_reason() {
        let asked = |seconds, failures, random| {
            let retry_after = Some(Duration::from_secs(seconds));
            let error = FetchError { retry_after, ..FetchError::new("rate-limited", "") };
            pause(Duration::from_secs(30), failures, Some(&error), random).as_secs()
        };
        assert_eq!((asked(100, 1, 0.0), asked(100, 1, 1.0)), (100, 110), "never earlier than asked");
        assert_eq!((asked(0, 5, 1.0), asked(3, 5, 1.0)), (16, 16), "never earlier than without the wish");
        assert_eq!((asked(3600, 1, 0.0), asked(u64::MAX, 1, 0.0)), (600, 600), "at most ten minutes");
    }

    #[test]
    fn the_period_is_jittered_around_itself() {
        let period = Duration::from_secs(30);
        assert_eq!(pause(period, 0, None, 0.0), Duration::from_secs(27));
        assert_eq!(pause(period, 0, None, 1.0), Duration::from_secs(33));
    }

    fn failure(reason: &'static str) -> FetchError {
        FetchError::new(reason, format!("it is {reason}"))
    }

    /// Labels as they are served with their commits, then the error.
    fn shown(outcome: &Outcome) -> String {
        let id = |id: Option<crate::config::tree::CommitId>| id.map_or("-".to_owned(), |id| id.0[0].to_string());
        let label = |change: &LabelChange| {
            let error = change.error.as_ref().map(|error| format!(" ({error})")).unwrap_or_default();
            format!("{} {}->{}{error}", change.label, id(change.from), id(change.to))
        };
        let labels: Vec<_> = outcome.labels.iter().map(label).collect();
        let error = outcome.error.as_ref().map(|error| format!("; {}: {error}", error.reason)).unwrap_or_default();
        format!("{}{error}{}", labels.join(", "), if outcome.is_fresh { "" } else { "; stale" })
    }

    #[test]
    fn a_failed_fetch_tells_the_labels_as_they_still_are() {
        let fake = Fake::new();
        let live = fake.live(None, 64);
        fake.fail(Some(failure("unreachable")));
        assert_eq!(shown(&refresh(&live)), "; unreachable: it is unreachable; stale");
        fake.fail(None);
        fake.commit("main", &[("a.yml", "a: 1")]);
        assert_eq!(shown(&refresh(&live)), "main -->1");
        fake.fail(Some(failure("timeout")));
        fake.commit("main", &[("a.yml", "a: 2")]);
        assert_eq!(shown(&refresh(&live)), "main 1->1; timeout: it is timeout; stale");
        fake.fail(None);
        assert_eq!(shown(&refresh(&live)), "main 1->2");
    }

    #[test]
    fn a_label_that_cannot_be_read_is_named_and_only_the_default_is_a_failure_of_the_fetch() {
        let fake = Fake::new();
        fake.commit("main", &[("a.yml", "a: 1")]);
        fake.commit("side", &[("a.yml", "a: 2")]);
        let live = fake.live(None, 64);
        refresh(&live);
        live.load(&Arc::from("side")).unwrap();
        fake.commit("main", &[("a.yml", "a: 3")]);
        fake.damage(fake.commit("side", &[("a.yml", "a: 4")]), true);
        let before = fake.fetches();
        assert_eq!(shown(&refresh(&live)), "main 1->3, side 2->2 (commit 4 is damaged)");
        assert_eq!(fake.fetches() - before, 2, "the source is given the chance to mend its copy at once");
        fake.damage(fake.commit("main", &[("a.yml", "a: 5")]), true);
        assert_eq!(
            shown(&refresh(&live)),
            "main 3->3 (commit 5 is damaged), side 2->2 (commit 4 is damaged); storage: the label `main` cannot be read: \
             commit 5 is damaged; stale"
        );
    }

    #[test]
    fn a_source_without_its_default_label_says_what_is_missing() {
        let fake = Fake::new();
        let hint = "\nhint: set the label that answers when none is asked for";
        let told = |label| shown(&refresh(&fake.live(label, 64))).replace(hint, "");
        assert_eq!(told(None), "; not-found: the source `config` has no label that the setting labels allows; stale");
        fake.commit("trunk", &[("a.yml", "a: 1")]);
        assert_eq!(
            told(None),
            "; not-found: the source `config` has neither `main` nor `master` nor a default branch; stale"
        );
        assert_eq!(
            told(Some("main")),
            "; not-found: the source `config` has no label `main`, or the setting labels does not allow it; stale"
        );
    }

    #[tokio::test]
    async fn requests_that_wait_share_one_fetch() {
        let fake = Fake::new();
        fake.commit("main", &[("a.yml", "a: 1")]);
        let (refresher, handle) = Refresher::new(fake.live(None, 64), Duration::from_secs(600), Metrics::default());
        let asked: Vec<_> = (0..30)
            .map(|_| {
                let handle = handle.clone();
                TaskTracker::new().spawn(async move { handle.refresh().await.map(|outcome| shown(&outcome)) })
            })
            .collect();
        tokio::task::yield_now().await;
        let shutdown = CancellationToken::new();
        let running = TaskTracker::new().spawn(refresher.run(shutdown.clone()));
        for asked in asked {
            assert!(asked.await.unwrap().unwrap().starts_with("main "));
        }
        assert!(fake.fetches() <= 2, "{} fetches", fake.fetches());
        shutdown.cancel();
        running.await.unwrap();
        assert_eq!(handle.refresh().await.unwrap_err(), RefreshError::Stopping);
        assert_eq!(handle.poke(), Err(RefreshError::Stopping));
    }

    #[tokio::test]
    async fn a_fetch_that_hangs_does_not_hold_up_the_end() {
        let fake = Fake::new();
        fake.hang();
        let (refresher, handle) = Refresher::new(fake.live(None, 64), Duration::from_secs(600), Metrics::default());
        let shutdown = CancellationToken::new();
        let running = TaskTracker::new().spawn(refresher.run(shutdown.clone()));
        let asked = TaskTracker::new().spawn(async move { handle.refresh().await.map(|outcome| shown(&outcome)) });
        while fake.fetches() == 0 {
            tokio::task::yield_now().await;
        }
        shutdown.cancel();
        running.await.unwrap();
        assert_eq!(asked.await.unwrap(), Err(RefreshError::Stopping));
    }

    #[tokio::test]
    async fn a_panic_in_a_fetch_is_a_failure_and_the_loop_goes_on() {
        let fake = Fake::new();
        fake.panic_once();
        let live = fake.live(None, 64);
        let (refresher, handle) = Refresher::new(Arc::clone(&live), Duration::from_secs(600), Metrics::default());
        let running = TaskTracker::new().spawn(refresher.run(CancellationToken::new()));
        while live.freshness.get().error.is_none() {
            tokio::task::yield_now().await;
        }
        assert_eq!(
            live.freshness.get().error.as_deref(),
            Some("the fetch failed unexpectedly; this is a bug in layerd")
        );
        fake.commit("main", &[("a.yml", "a: 1")]);
        assert_eq!(shown(&handle.refresh().await.unwrap()), "main -->1");
        let fresh = live.freshness.get();
        assert_eq!((fresh.error, fresh.failures), (None, 0));
        running.abort();
    }
}
