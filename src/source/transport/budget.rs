//! What a fetch that is under way may still use up: time, bytes, and patience with a remote that is slow.
//!
//! Everything that works for the fetch in this process shares one. The parent
//! process, which trusts this one with nothing, watches over time and size once more.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::failure::{out_of_time, too_large};
use crate::source::FetchError;

/// The longest time that a fetch may be given, so that every deadline can be reckoned.
const MAX_TIME: Duration = Duration::from_secs(24 * 60 * 60);

/// What one fetch may use up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// From start to end.
    pub time: Duration,
    /// Bytes received, and bytes of the mirror on disk.
    pub bytes: u64,
    /// How slow the remote may be.
    pub pace: Pace,
}

/// The least that a remote must send while it is waited for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pace {
    /// So many bytes…
    pub bytes: u64,
    /// … in this time.
    pub over: Duration,
}

impl Default for Limits {
    /// One minute, because a fetch that takes longer is hanging more often than working; and 2 GiB, because that is a
    /// hundred times the largest repository of configuration that we know. One kilobyte a second, because nothing that
    /// is slower ever brings a repository, and time may have been set to an hour for one that is large.
    fn default() -> Self {
        let pace = Pace { bytes: 20_000, over: Duration::from_secs(20) };
        Self { time: Duration::from_secs(60), bytes: 2 << 30, pace }
    }
}

/// What one fetch may still use up.
pub(in crate::source) struct Allowance {
    /// When the fetch must have ended.
    pub(in crate::source) deadline: Instant,
    limits: Limits,
    spent: Mutex<Spent>,
}

/// What was received, and the stretch of waiting in which the next part of it is due.
#[derive(Default)]
struct Spent {
    received: u64,
    /// Since when the remote is being waited for; `None` while this side is at work.
    waiting: Option<Instant>,
    /// How long it was waited for before that, in this stretch.
    waited: Duration,
    /// What was received in this stretch.
    part: u64,
}

impl Spent {
    fn waited(&self) -> Duration {
        self.waited + self.waiting.map_or(Duration::ZERO, |since| since.elapsed())
    }
}

impl Allowance {
    /// The whole of it, from now on.
    pub(in crate::source) fn new(limits: Limits) -> Arc<Self> {
        let deadline = Instant::now() + limits.time.min(MAX_TIME);
        Arc::new(Self { deadline, limits, spent: Mutex::default() })
    }

    /// Bytes received so far.
    pub(in crate::source) fn received(&self) -> u64 {
        self.spent().received
    }

    /// Time until the deadline.
    pub(super) fn time_left(&self) -> Duration {
        self.deadline.saturating_duration_since(Instant::now())
    }

    /// How much longer the remote may be waited for before it must have sent more.
    pub(super) fn patience(&self) -> Duration {
        self.time_left().min(self.limits.pace.over.saturating_sub(self.spent().waited()))
    }

    /// Says that from now on nothing happens here until the remote has sent something.
    pub(super) fn waits(&self) {
        self.spent().waiting = Some(Instant::now());
    }

    /// Says that the remote is doing what it can, though not by sending much.
    pub(in crate::source) fn is_patient_again(&self) {
        let mut spent = self.spent();
        *spent = Spent { received: spent.received, ..Spent::default() };
    }

    /// Counts bytes that have come, which ends the wait.
    ///
    /// # Errors
    /// If they are too many, or have come too late.
    pub(super) fn got(&self, bytes: usize) -> Result<(), FetchError> {
        let bytes = u64::try_from(bytes).unwrap_or(u64::MAX);
        let mut spent = self.spent();
        let (received, part) = (spent.received.saturating_add(bytes), spent.part.saturating_add(bytes));
        let waited = spent.waited();
        *spent = match part >= self.limits.pace.bytes {
            true => Spent { received, ..Spent::default() },
            false => Spent { received, waiting: None, waited, part },
        };
        if received > self.limits.bytes {
            return Err(too_large(self.limits.bytes));
        }
        self.judge(&spent)
    }

    /// Whether the fetch may go on, of which `received` bytes have been made use of.
    ///
    /// # Errors
    /// What it has used up.
    pub(in crate::source) fn check(&self, received: u64) -> Result<(), FetchError> {
        match received > self.limits.bytes {
            true => Err(too_large(self.limits.bytes)),
            false => self.judge(&self.spent()),
        }
    }

    /// What has just been used up, when a wait for as long as there was patience has ended.
    pub(super) fn exhausted(&self) -> FetchError {
        if self.time_left().is_zero() { out_of_time() } else { self.too_slow(&self.spent()) }
    }

    fn judge(&self, spent: &Spent) -> Result<(), FetchError> {
        if self.time_left().is_zero() {
            return Err(out_of_time());
        }
        if spent.waited() < self.limits.pace.over { Ok(()) } else { Err(self.too_slow(spent)) }
    }

    fn too_slow(&self, spent: &Spent) -> FetchError {
        let (over, least) = (self.limits.pace.over, self.limits.pace.bytes);
        FetchError::new(
            "timeout",
            match spent.part {
                0 => format!("the remote was silent for {over:?}"),
                part => format!("the remote is too slow: it sent {part} bytes in {over:?}, and {least} are the least"),
            },
        )
    }

    fn spent(&self) -> MutexGuard<'_, Spent> {
        self.spent.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn allowance(over: Duration) -> Arc<Allowance> {
        Allowance::new(Limits { time: Duration::from_secs(60), bytes: 1000, pace: Pace { bytes: 100, over } })
    }

    /// As if the remote had been waited for so long.
    fn after(allowance: &Allowance, waited: Duration) {
        allowance.spent().waited += waited;
    }

    fn told(result: Result<(), FetchError>) -> String {
        result.map_or_else(|error| format!("{}: {}", error.reason, error.message), |()| "goes on".to_owned())
    }

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn bad_g02_a_part_that_is_not_complete_in_time_ends_the_fetch() {
        let allowance = allowance(20 * SECOND);
        allowance.waits();
        after(&allowance, 19 * SECOND);
        assert_eq!(told(allowance.got(99)), "goes on");
        assert!(allowance.patience() <= SECOND);
        after(&allowance, SECOND);
        let slow = "timeout: the remote is too slow: it sent 99 bytes in 20s, and 100 are the least";
        assert_eq!(told(allowance.check(0)), slow);
        assert_eq!(told(Err(allowance.exhausted())), slow);
    }

    #[test]
    fn each_part_that_is_complete_begins_another_stretch() {
        let allowance = allowance(20 * SECOND);
        for _ in 0..9 {
            after(&allowance, 19 * SECOND);
            assert_eq!(told(allowance.got(60)), "goes on");
            assert_eq!(told(allowance.got(40)), "goes on");
        }
        after(&allowance, 20 * SECOND);
        assert_eq!(told(allowance.check(0)), "timeout: the remote was silent for 20s");
        assert_eq!((allowance.received(), allowance.patience()), (900, Duration::ZERO));
        allowance.is_patient_again();
        assert_eq!((told(allowance.check(0)), allowance.received()), ("goes on".to_owned(), 900));
    }

    #[test]
    fn only_time_that_the_remote_was_waited_for_counts() {
        let allowance = allowance(20 * SECOND);
        allowance.spent().waiting = Instant::now().checked_sub(15 * SECOND);
        allowance.got(1).unwrap();
        let left = allowance.patience();
        assert!(left <= 5 * SECOND && left > 4 * SECOND, "{left:?}");
        assert_eq!(allowance.spent().waiting, None, "patience is not used up by work on this side");
    }

    #[test]
    fn bytes_beyond_the_limit_and_time_beyond_the_deadline_come_first() {
        let large = "storage: the fetch is larger than the limit of 1000 bytes";
        assert_eq!(told(allowance(SECOND).got(1001)), large);
        assert_eq!(told(allowance(SECOND).check(1001)), large);
        let limits = Limits { time: Duration::ZERO, ..Limits::default() };
        let late = "timeout: the fetch took longer than its limit";
        assert_eq!(told(Allowance::new(limits).check(0)), late);
        assert_eq!(told(Err(Allowance::new(limits).exhausted())), late);
    }
}
