//! Sources that are found at run time: the repositories that an address with placeholders leads to, opened when they are
//! first asked for.
//!
//! The first requests of such a source wait for its first fetch, all for the same one. How many there may be, how many
//! are opened at once, and how long a failure is remembered is bounded, because it is requests that name them.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{Semaphore, watch};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::{info, warn};

use crate::config::address::Address;
use crate::source::remote::Remote;
use crate::source::remote::template::{Names, Template};

use super::Served;
use super::live::Live;
use super::refresh::{Metrics, Refresher, now};

/// How many are opened at once.
const AT_ONCE: usize = 4;

/// What requests may cost that name sources.
#[derive(Debug, Clone, Copy)]
pub struct Bounds {
    /// How many are served at once; and how many more may be opening or have failed lately.
    pub most: usize,
    /// How long a request waits for the first fetch.
    pub patience: Duration,
    /// How long a source that could not be opened is not tried again.
    pub memory: Duration,
}

impl Default for Bounds {
    fn default() -> Self {
        Self { most: 100, patience: Duration::from_secs(30), memory: Duration::from_secs(60) }
    }
}

/// Opens a repository under a name; fetches nothing. Blocks.
pub type Opener = Box<dyn Fn(Remote, Arc<str>) -> Result<Arc<Live>, String> + Send + Sync>;

/// What the loops of found sources need.
pub struct Loops {
    /// How often each is asked for changes.
    pub period: Duration,
    /// Counts of their fetches, all under the name of the entry.
    pub metrics: Metrics,
    /// Who waits for them when the server ends.
    pub tasks: TaskTracker,
    /// Ends them.
    pub shutdown: CancellationToken,
}

/// The sources that one address with placeholders leads to.
pub struct Found {
    /// The name of the entry in the settings.
    name: Arc<str>,
    template: Template,
    /// What stands for `{label}` if a request names none.
    label: Arc<str>,
    open: Opener,
    loops: Loops,
    bounds: Bounds,
    places: Semaphore,
    slots: Mutex<Slots>,
}

/// Why there is no source for a request.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FindError {
    /// There is no such repository, or its name cannot be one.
    #[error("{0}")]
    None(String),
    /// It could not be fetched; not tried again for so many seconds.
    #[error("{0}")]
    Failed(String, u32),
    /// Its first fetch has not ended yet.
    #[error("the first fetch of the source `{0}` has not ended yet")]
    Slow(Arc<str>),
    /// Too many are being opened.
    #[error("too many sources are being opened; try again")]
    Busy,
}

#[derive(Default)]
struct Slots {
    /// By the address of the repository.
    slots: HashMap<String, Slot>,
    /// Counts look-ups, for the order of use.
    turn: u64,
}

struct Slot {
    state: watch::Receiver<State>,
    used: u64,
    /// Ends its loop.
    end: CancellationToken,
}

#[derive(Clone)]
enum State {
    Opening,
    Ready(Served),
    Failed(Failure),
}

#[derive(Clone)]
struct Failure {
    at: Instant,
    /// The remote says that there is no such repository.
    is_absent: bool,
    message: String,
}

impl Found {
    /// The sources of the entry `name`, none of them open.
    #[must_use]
    pub fn new(
        name: Arc<str>,
        (template, label): (Template, Option<Arc<str>>),
        open: Opener,
        loops: Loops,
        bounds: Bounds,
    ) -> Arc<Self> {
        let label = label.unwrap_or_else(|| Arc::from("main"));
        let (places, slots) = (Semaphore::new(AT_ONCE), Mutex::default());
        Arc::new(Self { name, template, label, open, loops, bounds, places, slots })
    }

    /// The source of an address. Opens it if nobody did so far, and waits for its first fetch.
    ///
    /// # Errors
    /// If there is none, or it could not be fetched or not yet.
    pub async fn find(self: &Arc<Self>, address: &Address) -> Result<Served, FindError> {
        let nameless = || FindError::None(format!("the source `{}` has no repository of that name", self.name));
        let remote = self.remote_of(address).ok_or_else(nameless)?;
        let name = self.name_at(&remote);
        let mut state = self.slot(remote, &name)?;
        let settled = state.wait_for(|state| !matches!(state, State::Opening));
        match tokio::time::timeout(self.bounds.patience, settled)
            .await
            .map(|settled| settled.map(|state| state.clone()))
        {
            Ok(Ok(State::Ready(served))) => Ok(served),
            Ok(Ok(State::Failed(failure))) => Err(failure.told(&name, self.bounds.memory)),
            Ok(Ok(State::Opening) | Err(_)) | Err(_) => Err(FindError::Slow(name)),
        }
    }

    /// The name of the source of an address, open or not; `None` if no repository can have that name.
    #[must_use]
    pub fn name_of(&self, address: &Address) -> Option<Arc<str>> {
        self.remote_of(address).map(|remote| self.name_at(&remote))
    }

    fn remote_of(&self, address: &Address) -> Option<Remote> {
        let profile = address.profile_list();
        let label = address.label.as_ref().unwrap_or(&self.label);
        self.template.expand(Names { application: &address.application, profile: &profile, label })
    }

    fn name_at(&self, remote: &Remote) -> Arc<str> {
        format!("{}:{}", self.name, Template::path(remote)).into()
    }

    /// The sources that are being served, by name.
    #[must_use]
    pub fn served(&self) -> Vec<Served> {
        let ready = |slot: &Slot| slot.ready();
        let mut served: Vec<_> = self.slots().slots.values().filter_map(ready).collect();
        served.sort_by(|one, other| one.live.settings.name.cmp(&other.live.settings.name));
        served
    }

    /// The state of a repository, which is opened if it is not known or has failed a while ago.
    fn slot(self: &Arc<Self>, remote: Remote, name: &Arc<str>) -> Result<watch::Receiver<State>, FindError> {
        let mut slots = self.slots();
        slots.turn += 1;
        let (turn, key) = (slots.turn, remote.to_string());
        if let Some(slot) = slots.slots.get_mut(&key).filter(|slot| !slot.is_forgotten(self.bounds.memory)) {
            slot.used = turn;
            return Ok(slot.state.clone());
        }
        slots.slots.remove(&key);
        slots.make_room(self.bounds.most)?;
        let (sender, state) = watch::channel(State::Opening);
        let end = self.loops.shutdown.child_token();
        slots.slots.insert(key, Slot { state: state.clone(), used: turn, end: end.clone() });
        drop(slots);
        let (found, name) = (Arc::clone(self), Arc::clone(name));
        let opening = async move {
            let state = found.loops.shutdown.run_until_cancelled(found.open(remote, &name, &end)).await;
            if let Some(state) = state {
                sender.send_replace(state);
                found.retire();
            }
        };
        self.loops.tasks.spawn(opening);
        Ok(state)
    }

    async fn open(self: &Arc<Self>, remote: Remote, name: &Arc<str>, end: &CancellationToken) -> State {
        let failed = |is_absent, message: String| {
            warn!(source = &**name, "the source cannot be opened: {message}");
            State::Failed(Failure { at: Instant::now(), is_absent, message })
        };
        let Ok(_place) = self.places.acquire().await else { return State::Opening };
        let (found, opened_as) = (Arc::clone(self), Arc::clone(name));
        let opened = tokio::task::spawn_blocking(move || {
            let live = (found.open)(remote, opened_as)?;
            live.start_at(live.source.fetched_at());
            // That the mirror of an earlier run cannot be read is no reason not to fetch.
            drop(live.advance());
            Ok(live)
        });
        let live = match opened.await {
            Ok(Ok(live)) => live,
            Ok(Err(message)) => return failed(false, message),
            Err(_) => return failed(false, "opening it failed unexpectedly; this is a bug in layerd".to_owned()),
        };
        let (refresher, refresh) = Refresher::new(Arc::clone(&live), self.loops.period, self.loops.metrics.clone());
        // Asked before the loop runs, so that it is the loop's own first fetch that answers.
        let first = refresh.begin();
        self.loops.tasks.spawn(refresher.run(end.clone()));
        let served = Served { live, refresh };
        if served.live.is_ready() {
            info!(source = &**name, age_seconds = served.live.freshness.age(now()), "serving what is there already");
            return State::Ready(served);
        }
        let outcome = match first {
            Ok(pending) => pending.outcome().await,
            Err(error) => Err(error),
        };
        let error = outcome.map_or_else(
            |error| Some((false, error.to_string())),
            |outcome| outcome.error.as_ref().map(|error| (error.reason == "not-found", error.to_string())),
        );
        match error {
            Some((is_absent, message)) if !served.live.is_ready() => {
                end.cancel();
                discard(served.live);
                failed(is_absent, message)
            }
            _ => State::Ready(served),
        }
    }

    /// Ends the sources that were not asked for the longest while there are too many. Their mirrors go as well, so that
    /// requests cannot fill the disk.
    fn retire(&self) {
        let mut slots = self.slots();
        let ready = |slots: &Slots| slots.slots.values().filter(|slot| slot.ready().is_some()).count();
        for _ in self.bounds.most..ready(&slots) {
            let unused =
                slots.slots.iter().filter(|(_, slot)| slot.ready().is_some()).min_by_key(|(_, slot)| slot.used);
            let Some(slot) = unused.map(|(key, _)| key.clone()).and_then(|key| slots.slots.remove(&key)) else {
                return;
            };
            slot.end.cancel();
            if let Some(served) = slot.ready() {
                info!(source = &*served.live.settings.name, "the source was not asked for in a long while, closing it");
                discard(served.live);
            }
        }
    }

    fn slots(&self) -> MutexGuard<'_, Slots> {
        self.slots.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Removes the local copy of a source that is served no longer, on a thread that may wait for the disk.
fn discard(live: Arc<Live>) {
    drop(tokio::task::spawn_blocking(move || live.source.discard()));
}

impl Slots {
    /// Forgets the oldest failure if there are many, so that no flood of names that lead nowhere fills the memory.
    fn make_room(&mut self, most: usize) -> Result<(), FindError> {
        let idle = self.slots.values().filter(|slot| slot.ready().is_none()).count();
        if idle < most {
            return Ok(());
        }
        let failed = self.slots.iter().filter(|(_, slot)| slot.failure().is_some());
        let oldest = failed.min_by_key(|(_, slot)| slot.used).map(|(key, _)| key.clone());
        let key = oldest.ok_or(FindError::Busy)?;
        self.slots.remove(&key);
        Ok(())
    }
}

impl Slot {
    fn ready(&self) -> Option<Served> {
        if let State::Ready(served) = &*self.state.borrow() { Some(served.clone()) } else { None }
    }

    fn failure(&self) -> Option<Failure> {
        if let State::Failed(failure) = &*self.state.borrow() { Some(failure.clone()) } else { None }
    }

    fn is_forgotten(&self, memory: Duration) -> bool {
        // Without a sender the opening was given up.
        let is_given_up = matches!(&*self.state.borrow(), State::Opening) && self.state.has_changed().is_err();
        is_given_up || self.failure().is_some_and(|failure| failure.at.elapsed() >= memory)
    }
}

impl Failure {
    fn told(self, name: &str, memory: Duration) -> FindError {
        let message = format!("the source `{name}` cannot be fetched: {}", self.message);
        let left = memory.saturating_sub(self.at.elapsed()).as_secs() + 1;
        match self.is_absent {
            true => FindError::None(message),
            false => FindError::Failed(message, u32::try_from(left).unwrap_or(1)),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::super::fake::Fake;
    use super::*;
    use crate::source::FetchError;

    /// Sources that all show one in memory; how often one was opened is counted.
    struct Bench {
        found: Arc<Found>,
        fake: Fake,
        opened: Arc<AtomicUsize>,
    }

    impl Bench {
        fn new() -> Self {
            Self::within(Bounds { most: 5, ..Bounds::default() })
        }

        fn within(bounds: Bounds) -> Self {
            let (fake, opened) = (Fake::new(), Arc::new(AtomicUsize::new(0)));
            let (shown, count) = (fake.clone(), Arc::clone(&opened));
            let open: Opener = Box::new(move |remote, _| {
                count.fetch_add(1, Ordering::Relaxed);
                match remote.to_string().contains("locked") {
                    true => Err("another process uses it".to_owned()),
                    false => Ok(shown.live(None, 64)),
                }
            });
            let (tasks, shutdown) = (TaskTracker::new(), CancellationToken::new());
            let loops = Loops { period: Duration::from_secs(600), metrics: Metrics::default(), tasks, shutdown };
            let template = Template::parse("https://h/{application}").unwrap().unwrap();
            Self { found: Found::new(Arc::from("teams"), (template, None), open, loops, bounds), fake, opened }
        }

        async fn find(&self, application: &str) -> String {
            let address = Address::parse(application, None, None).unwrap();
            match self.found.find(&address).await {
                Ok(served) => format!("{}", served.live.is_ready()),
                Err(error) => error.to_string(),
            }
        }

        fn opened(&self) -> usize {
            self.opened.load(Ordering::Relaxed)
        }
    }

    #[tokio::test]
    async fn requests_for_one_source_share_its_first_fetch() {
        let bench = Bench::new();
        bench.fake.commit("main", &[("a.yml", "a: 1")]);
        let (one, two, other) = tokio::join!(bench.find("user"), bench.find("user"), bench.find("order"));
        assert_eq!((&*one, &*two, &*other, bench.opened()), ("true", "true", "true", 2));
        assert_eq!((bench.find("user").await.as_str(), bench.opened()), ("true", 2));
        assert_eq!(bench.found.served().len(), 2);
    }

    #[tokio::test]
    async fn a_failure_is_remembered_for_a_while_and_then_tried_again() {
        for (memory, later) in [(Duration::from_secs(600), "failed"), (Duration::ZERO, "true")] {
            let bench = Bench::within(Bounds { memory, ..Bounds::default() });
            bench.fake.fail(Some(FetchError::new("unreachable", "nobody is there")));
            let told = "the source `teams:user` cannot be fetched: nobody is there";
            assert_eq!(bench.find("user").await, told);
            bench.fake.fail(None);
            bench.fake.commit("main", &[("a.yml", "a: 1")]);
            assert_eq!(bench.find("user").await.replace(told, "failed"), later);
            assert_eq!(bench.opened(), if later == "true" { 2 } else { 1 });
        }
    }

    #[tokio::test]
    async fn a_repository_that_does_not_exist_is_no_source() {
        let bench = Bench::new();
        bench.fake.fail(Some(FetchError::new("not-found", "there is no such repository")));
        let find = async |name| bench.found.find(&Address::parse(name, None, None).unwrap()).await.map(drop);
        let message = "the source `teams:user` cannot be fetched: there is no such repository";
        assert_eq!(find("user").await, Err(FindError::None(message.to_owned())));
        let message = "the source `teams:locked` cannot be fetched: another process uses it";
        assert_eq!(find("locked").await, Err(FindError::Failed(message.to_owned(), 60)));
        let message = "the source `teams` has no repository of that name";
        assert_eq!(find(&"x".repeat(256)).await, Err(FindError::None(message.to_owned())));
    }

    #[tokio::test]
    async fn nobody_waits_for_a_first_fetch_that_hangs() {
        let bench = Bench::within(Bounds { patience: Duration::from_millis(20), ..Bounds::default() });
        bench.fake.hang();
        assert_eq!(bench.find("user").await, "the first fetch of the source `teams:user` has not ended yet");
    }

    #[tokio::test]
    async fn the_source_that_was_not_asked_for_the_longest_makes_room() {
        let bench = Bench::new();
        bench.fake.commit("main", &[("a.yml", "a: 1")]);
        for number in 0..=5 {
            assert_eq!(bench.find(&format!("user-{number}")).await, "true");
            assert_eq!(bench.find("user-0").await, "true");
        }
        while bench.found.served().len() > 5 {
            tokio::task::yield_now().await;
        }
        let opened = bench.opened();
        assert_eq!((bench.find("user-0").await.as_str(), bench.opened()), ("true", opened));
        assert_eq!((bench.find("user-1").await.as_str(), bench.opened()), ("true", opened + 1));
    }

    #[tokio::test]
    async fn names_that_lead_nowhere_do_not_pile_up() {
        let bench = Bench::new();
        bench.fake.fail(Some(FetchError::new("not-found", "there is no such repository")));
        for number in 0..20 {
            bench.find(&format!("user-{number}")).await;
        }
        assert_eq!(bench.found.slots().slots.len(), 5);
    }
}
