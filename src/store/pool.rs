//! Requests that must read the local copy: a label or commit that is not in memory. Bounded, so that no flood of them
//! reaches the disk.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::sync::Semaphore;

use crate::config::tree::BlobId;
use crate::source::ReadError;

use super::live::Live;
use super::table::Loaded;

/// How many requests may wait for a place, besides those that have one.
const WAITING: usize = 32;

/// How long a request waits, for a place and for its work together.
const PATIENCE: Duration = Duration::from_secs(5);

/// The bounded way to the local copy.
#[derive(Debug)]
pub struct Cold {
    places: Arc<Semaphore>,
    waiting: AtomicUsize,
    /// At work and waiting together.
    most: usize,
}

/// Why a request did not get through.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ColdError {
    /// Too many requests wait already, or this one waited too long.
    #[error("too many requests for labels that are not in memory; try again")]
    Busy,
    /// The local copy is damaged or gone.
    #[error("the local copy cannot be read: {0}")]
    Unreadable(String),
}

impl Cold {
    /// Lets `places` requests read at once.
    #[must_use]
    pub fn new(places: usize) -> Self {
        let places = places.clamp(1, Semaphore::MAX_PERMITS);
        Self { places: Arc::new(Semaphore::new(places)), waiting: AtomicUsize::new(0), most: places + WAITING }
    }

    /// Loads the snapshot of a label or commit id; `None` if it is gone meanwhile or not reachable from a label.
    ///
    /// # Errors
    /// If no place came free in time or the local copy cannot be read.
    pub async fn load(&self, live: &Arc<Live>, label: Arc<str>) -> Result<Option<Loaded>, ColdError> {
        let live = Arc::clone(live);
        self.run(move || live.load(&label)).await
    }

    /// The bytes of a file.
    ///
    /// # Errors
    /// If no place came free in time or the local copy cannot be read.
    pub async fn read(&self, live: &Arc<Live>, blob: BlobId) -> Result<Vec<u8>, ColdError> {
        let live = Arc::clone(live);
        self.run(move || live.source.open()?.blob(blob)).await
    }

    /// Does work that reads the local copy.
    ///
    /// # Errors
    /// If no place came free in time, or the work took too long, or the local copy cannot be read.
    pub async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> Result<T, ReadError> + Send + 'static,
    ) -> Result<T, ColdError> {
        let _waiting = Waiting::enter(&self.waiting, self.most)?;
        let places = Arc::clone(&self.places);
        let working = async move {
            let place = places.acquire_owned().await.map_err(|_| ColdError::Busy)?;
            let done = tokio::task::spawn_blocking(move || {
                let done = work();
                drop(place); // held until the work ends, also when the request has given up
                done
            });
            match done.await {
                Ok(Ok(done)) => Ok(done),
                Ok(Err(error)) => Err(ColdError::Unreadable(error.to_string())),
                Err(_) => Err(ColdError::Unreadable("reading it failed unexpectedly".to_owned())),
            }
        };
        tokio::time::timeout(PATIENCE, working).await.unwrap_or(Err(ColdError::Busy))
    }
}

/// A place in the queue, given back when the request ends, however it ends.
struct Waiting<'a>(&'a AtomicUsize);

impl<'a> Waiting<'a> {
    fn enter(waiting: &'a AtomicUsize, most: usize) -> Result<Self, ColdError> {
        let place = Self(waiting);
        if waiting.fetch_add(1, Ordering::Relaxed) >= most {
            return Err(ColdError::Busy);
        }
        Ok(place)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::channel;

    use tokio_util::task::TaskTracker;

    use super::super::fake::Fake;
    use super::*;

    #[tokio::test]
    async fn requests_beyond_those_that_may_wait_are_turned_away_and_the_others_served() {
        let fake = Fake::new();
        let old: Arc<str> = fake.commit("main", &[("a.yml", "a: 1")]).to_string().into();
        fake.commit("main", &[("a.yml", "a: 2")]);
        let live = fake.live(None, 64);
        live.advance().unwrap();
        let (release, held) = channel::<()>();
        fake.meanwhile(move || held.recv().unwrap_or_default());
        let cold = Arc::new(Cold::new(1));
        let load = || {
            let (cold, live, old) = (Arc::clone(&cold), Arc::clone(&live), Arc::clone(&old));
            TaskTracker::new().spawn(async move { cold.load(&live, old).await.map(|snapshot| snapshot.is_some()) })
        };
        let waiting: Vec<_> = (0..=WAITING).map(|_| load()).collect();
        while cold.waiting.load(Ordering::Relaxed) <= WAITING {
            tokio::task::yield_now().await;
        }
        assert_eq!(load().await.unwrap(), Err(ColdError::Busy));
        drop(release);
        for waiting in waiting {
            assert_eq!(waiting.await.unwrap(), Ok(true));
        }
        assert_eq!(cold.waiting.load(Ordering::Relaxed), 0);
    }

    #[tokio::test]
    async fn a_copy_that_cannot_be_read_is_told_apart_from_a_label_that_is_not_there() {
        let fake = Fake::new();
        fake.commit("main", &[("a.yml", "a: 1")]);
        fake.damage(fake.commit("side", &[("a.yml", "a: 2")]), true);
        let live = fake.live(None, 64);
        live.advance().unwrap();
        let cold = Cold::new(4);
        let load = async |label: &str| cold.load(&live, Arc::from(label)).await.map(|snapshot| snapshot.is_some());
        assert_eq!(load("side").await, Err(ColdError::Unreadable("commit 2 is damaged".to_owned())));
        assert_eq!(load("none").await, Ok(false));
    }
}
