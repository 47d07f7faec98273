//! The small language that integration tests speak: a `Repo`, a `Folder`, a `Server`, an `Exchange`.
//!
//! Everything lives in temporary folders and on loopback ports picked by the system, so tests run side by side. Nothing
//! here sleeps for a fixed time: what must come about is asked for until it does or a deadline passes.

mod ask;
pub(crate) mod exchange;
pub(crate) mod faults;
pub(crate) mod folder;
pub(crate) mod git_http;
pub(crate) mod hostile;
pub(crate) mod repo;
pub(crate) mod server;
pub(crate) mod sshd;
pub(crate) mod worker;

use std::thread;
use std::time::{Duration, Instant};

/// How long anything may take before a test gives up on it. Generous, for it is only ever spent by a failing test.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// Asks until the answer is yes.
///
/// # Panics
/// If it is still no when the patience is spent; `what` says what did not come about.
pub(crate) fn eventually(what: &str, mut holds: impl FnMut() -> bool) {
    assert!(becomes(PATIENCE, &mut holds), "still waiting after {} s: {what}", PATIENCE.as_secs());
}

/// Asks until the answer is yes (true) or the time is up (false).
pub(crate) fn becomes(patience: Duration, holds: &mut impl FnMut() -> bool) -> bool {
    let deadline = Instant::now() + patience;
    while !holds() {
        if Instant::now() >= deadline {
            return false;
        }
        thread::sleep(Duration::from_millis(5));
    }
    true
}

#[test]
fn waiting_ends_with_the_first_yes() {
    let mut asked = 0;
    eventually("the third question", || {
        asked += 1;
        asked == 3
    });
    assert_eq!(asked, 3);
}

#[test]
fn waiting_ends_with_the_deadline() {
    assert!(!becomes(Duration::from_millis(20), &mut || false));
}
