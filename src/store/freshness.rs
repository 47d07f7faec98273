//! How fresh a source is: when it was fetched, and what came of the last fetches. Can be read at any time, and waited for.

use tokio::sync::watch;

/// How fresh a source is.
#[derive(Debug, Default)]
pub struct Freshness {
    /// A channel without a receiver of its own, so that who waits is woken and nobody has to look again and again.
    state: watch::Sender<Fresh>,
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
        self.state.borrow().clone()
    }

    /// Seconds since the last fetch that succeeded, at `now`; `None` if there was none.
    #[must_use]
    pub fn age(&self, now: i64) -> Option<u64> {
        self.state.borrow().age(now)
    }

    /// True if a fetch has ended, well or not.
    #[must_use]
    pub fn was_tried(&self) -> bool {
        self.state.borrow().was_tried()
    }

    /// Waits until a fetch has ended, well or not.
    pub async fn tried(&self) {
        // The sender is `self`, so that the channel cannot close meanwhile.
        drop(self.state.subscribe().wait_for(Fresh::was_tried).await);
    }

    pub(super) fn update(&self, change: impl FnOnce(&mut Fresh)) {
        self.state.send_modify(change);
    }
}

impl Fresh {
    /// Seconds since the last fetch that succeeded, at `now`; `None` if there was none.
    #[must_use]
    pub fn age(&self, now: i64) -> Option<u64> {
        self.fetched_at.map(|at| u64::try_from(now - at).unwrap_or(0))
    }

    fn was_tried(&self) -> bool {
        // Set at the end of every fetch, and only there.
        self.next_at.is_some()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use tokio_util::task::TaskTracker;

    use super::*;

    #[tokio::test]
    async fn all_who_wait_for_the_first_fetch_are_woken_by_its_end_and_by_nothing_before() {
        let freshness = Arc::new(Freshness::default());
        let wait = || {
            let freshness = Arc::clone(&freshness);
            TaskTracker::new().spawn(async move { freshness.tried().await })
        };
        let waiting = [wait(), wait()];
        freshness.update(|fresh| fresh.fetched_at = Some(1));
        tokio::task::yield_now().await;
        assert!(waiting.iter().all(|waiting| !waiting.is_finished()), "an earlier run has fetched, this one has not");
        freshness.update(|fresh| fresh.next_at = Some(2));
        for waiting in waiting {
            waiting.await.unwrap();
        }
        freshness.tried().await;
        assert_eq!((freshness.was_tried(), freshness.age(5)), (true, Some(4)));
    }
}
