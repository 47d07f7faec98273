//! How fresh a source is: when it was fetched, and what came of the last fetches.

use std::sync::{Mutex, MutexGuard, PoisonError};

/// How fresh a source is.
#[derive(Debug, Default)]
pub struct Freshness {
    inner: Mutex<Fresh>,
}

/// The state behind [`Freshness`].
#[derive(Debug, Clone, Default)]
pub struct Fresh {
    /// When the last fetch that succeeded ended, in seconds since 1970.
    pub fetched_at: Option<i64>,
    /// When the next fetch is due, in seconds since 1970.
    pub next_at: Option<i64>,
    /// Why the last fetch failed, if it did.
    pub error: Option<String>,
    /// How many fetches have failed since the last one that succeeded.
    pub failures: u32,
}

impl Freshness {
    /// The state now.
    #[must_use]
    pub fn get(&self) -> Fresh {
        self.lock().clone()
    }

    /// Seconds since the last fetch that succeeded, at `now`; `None` if there was none.
    #[must_use]
    pub fn age(&self, now: i64) -> Option<u64> {
        self.lock().fetched_at.map(|at| u64::try_from(now - at).unwrap_or(0))
    }

    /// True if a fetch has ended, well or not.
    #[must_use]
    pub fn was_tried(&self) -> bool {
        self.lock().next_at.is_some()
    }

    pub(super) fn update(&self, change: impl FnOnce(&mut Fresh)) {
        change(&mut self.lock());
    }

    fn lock(&self) -> MutexGuard<'_, Fresh> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
