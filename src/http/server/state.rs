//! What a connection is doing, and until when it may go on doing that.
//!
//! The wire tells of bytes, the service of requests, and whoever drives the connection asks for the deadline. All three
//! run in one task, so relaxed atomics are enough. For a usual request, whose head comes whole, nothing here reads a
//! clock or sets a timer.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, Ordering::Relaxed};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;
use uuid::Uuid;

use crate::http::Limits;
use crate::http::peer::Peer;

use super::Server;

/// How long the rest of what a client sends is read and thrown away after it was refused. Closing at once would reset
/// the connection, and the client could lose the answer that tells it why.
pub(super) const LINGER: Duration = Duration::from_secs(1);

/// A head has begun, and nobody has asked yet until when it may go on.
const UNKNOWN: u64 = u64::MAX;

/// The phases of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Phase {
    /// Nothing was received yet.
    Fresh,
    /// A part of a request's head was received.
    Head,
    /// A request is being answered.
    Busy,
    /// Between two requests.
    Idle,
    /// What is still coming is thrown away.
    Linger,
}

const PHASES: [Phase; 5] = [Phase::Fresh, Phase::Head, Phase::Busy, Phase::Idle, Phase::Linger];

/// The state of one connection.
#[derive(Debug)]
pub(super) struct Pulse {
    born: Instant,
    /// The id of the connection, from which those of its requests are made.
    seed: Uuid,
    requests: AtomicU64,
    phase: AtomicU8,
    /// Microseconds from `born` to the last progress that counts in this phase, or [`UNKNOWN`].
    since: AtomicU64,
    /// The client does not take what we write.
    blocked: AtomicBool,
    /// A request was refused before all of its body was read.
    unread: AtomicBool,
    /// The line of a request is longer than any target may be.
    long_line: AtomicBool,
    /// The bytes of the head being received, unless it is that of a GET or HEAD.
    head: Mutex<Vec<u8>>,
    /// There are any.
    has_head: AtomicBool,
}

impl Pulse {
    /// The state of a connection that was accepted just now.
    pub(super) fn new() -> Self {
        Self {
            born: Instant::now(),
            seed: Uuid::now_v7(),
            requests: AtomicU64::new(0),
            phase: AtomicU8::new(Phase::Fresh as u8),
            since: AtomicU64::new(0),
            blocked: AtomicBool::new(false),
            unread: AtomicBool::new(false),
            long_line: AtomicBool::new(false),
            head: Mutex::default(),
            has_head: AtomicBool::new(false),
        }
    }

    /// What the connection is doing.
    pub(super) fn phase(&self) -> Phase {
        PHASES[usize::from(self.phase.load(Relaxed))]
    }

    fn enter(&self, phase: Phase) {
        self.phase.store(phase as u8, Relaxed);
    }

    /// Progress was made at `now`.
    pub(super) fn touch(&self, now: Instant) {
        let micros = now.saturating_duration_since(self.born).as_micros();
        self.since.store(u64::try_from(micros).unwrap_or(UNKNOWN), Relaxed);
    }

    /// Until when the connection may go on as it is; `None`: for as long as the handler takes.
    pub(super) fn deadline(&self, limits: &Limits) -> Option<Instant> {
        let patience = match self.phase() {
            Phase::Fresh | Phase::Head => limits.header_time,
            Phase::Busy if !self.blocked.load(Relaxed) => return None,
            Phase::Busy | Phase::Idle => limits.idle_time,
            Phase::Linger => LINGER,
        };
        if self.since.load(Relaxed) == UNKNOWN {
            self.touch(Instant::now());
        }
        Some(self.born + Duration::from_micros(self.since.load(Relaxed)) + patience)
    }

    /// True if the bytes that arrive now begin the head of a request.
    pub(super) fn begins_head(&self) -> bool {
        let begins = matches!(self.phase(), Phase::Fresh | Phase::Idle);
        if begins {
            self.enter(Phase::Head);
            self.since.store(UNKNOWN, Relaxed);
        }
        begins
    }

    /// The answering of a request begins.
    pub(super) fn begin(&self) {
        self.enter(Phase::Busy);
    }

    /// The response was handed over whole; it may not be written yet.
    pub(super) fn end(&self) {
        self.enter(Phase::Idle);
        if self.has_head.swap(false, Relaxed) {
            self.lock_head().clear();
        }
    }

    /// The client took something of what we write, or nothing at all.
    pub(super) fn wrote(&self, something: bool) {
        if something != self.blocked.load(Relaxed) {
            return;
        }
        self.blocked.store(!something, Relaxed);
        self.touch(Instant::now());
    }

    /// Keeps a piece of a head that may turn out to say two lengths.
    pub(super) fn keep_head(&self, piece: &[u8]) {
        self.has_head.store(true, Relaxed);
        self.lock_head().extend_from_slice(piece);
    }

    /// True if the head that was kept has a `Content-Length`.
    pub(super) fn head_has_length(&self) -> bool {
        let name = b"content-length";
        let is_length = |line: &[u8]| line.get(..name.len()).is_some_and(|start| start.eq_ignore_ascii_case(name));
        let head = self.lock_head();
        let mut lines = head.split(|byte| *byte == b'\n');
        lines.by_ref().take_while(|line| !matches!(line, [] | [b'\r'])).any(is_length)
    }

    fn lock_head(&self) -> std::sync::MutexGuard<'_, Vec<u8>> {
        self.head.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A request is refused while its body still comes.
    pub(super) fn leave_unread(&self) {
        self.unread.store(true, Relaxed);
    }

    /// Nothing more will be written. True if what still comes should be read and thrown away.
    pub(super) fn begins_linger(&self) -> bool {
        let lingers = self.unread.load(Relaxed) || self.phase() == Phase::Head;
        if lingers {
            self.enter(Phase::Linger);
            self.touch(Instant::now());
        }
        lingers
    }

    /// The line of the request goes on and on.
    pub(super) fn set_long_line(&self) {
        self.long_line.store(true, Relaxed);
    }

    /// True if the line of the request went on and on.
    pub(super) fn has_long_line(&self) -> bool {
        self.long_line.load(Relaxed)
    }

    /// A new UUID of version 7 for a request that arrives at `now`: time-ordered, and unlike others by the random bits
    /// of the connection, stirred with the number of the request. Asking the system for new ones would cost a call.
    pub(super) fn request_id(&self, now: Instant) -> Uuid {
        let number = self.requests.fetch_add(1, Relaxed);
        let seed = self.seed.as_u128();
        let since = u64::try_from(now.saturating_duration_since(self.born).as_millis()).unwrap_or(0);
        let millis = u64::try_from(seed >> 80).unwrap_or(0).wrapping_add(since);
        let mut random = [0; 10];
        random[..8].copy_from_slice(&stir(low(seed).wrapping_add(number)).to_be_bytes());
        random[8..].copy_from_slice(&stir(low(seed >> 16).wrapping_sub(number)).to_be_bytes()[..2]);
        uuid::Builder::from_unix_timestamp_millis(millis, &random).into_uuid()
    }
}

fn low(bits: u128) -> u64 {
    u64::try_from(bits & u128::from(u64::MAX)).unwrap_or(0)
}

/// The finalizer of SplitMix64 (Steele, Lea and Flood 2014): a permutation, so the numbers of a connection do not meet.
fn stir(number: u64) -> u64 {
    let mut z = number.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// What the parts of a connection share.
#[derive(Debug)]
pub(super) struct Link {
    /// What all connections share.
    pub(super) server: Arc<Server>,
    /// The state of this one.
    pub(super) pulse: Pulse,
    /// Who is at its other end; `None` if the system does not say.
    pub(super) peer: Option<Peer>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_phase_has_its_own_patience() {
        let limits =
            Limits { header_time: Duration::from_secs(10), idle_time: Duration::from_secs(75), ..Limits::default() };
        let pulse = Pulse::new();
        let after = |seconds| Some(pulse.born + Duration::from_secs(seconds));
        assert_eq!(pulse.deadline(&limits), after(10), "nothing was sent");
        pulse.begin();
        assert_eq!(pulse.deadline(&limits), None, "a handler takes its time");
        pulse.touch(pulse.born + Duration::from_secs(5));
        pulse.end();
        assert_eq!(pulse.deadline(&limits), after(80), "idle from the response on");
        assert!(pulse.begins_head());
        let late = pulse.deadline(&limits);
        assert!(late > after(10) && late < after(75), "a head has its time from its first byte on");
        assert!(!pulse.begins_head());
        assert_eq!(pulse.deadline(&limits), late, "more bytes of a head win no more time");
        pulse.begin();
        pulse.wrote(false);
        assert!(pulse.deadline(&limits).is_some(), "a client that does not read is not waited for");
        pulse.wrote(true);
        assert_eq!(pulse.deadline(&limits), None);
    }

    #[test]
    fn a_length_is_found_in_the_head_only() {
        let found = |text: &[&str]| {
            let pulse = Pulse::new();
            text.iter().for_each(|piece| pulse.keep_head(piece.as_bytes()));
            pulse.head_has_length()
        };
        assert!(found(&["POST / HTTP/1.1\r\nHost: a\r\nCONTENT-", "length: 5\r\n\r\n"]));
        assert!(found(&["POST / HTTP/1.1\nContent-Length : 5\n\n"]));
        assert!(!found(&["POST / HTTP/1.1\r\nX: content-length\r\n\r\ncontent-length: 5\r\n"]));
    }

    #[test]
    fn request_ids_are_ordered_by_time_and_all_different() {
        let pulse = Pulse::new();
        let ids: Vec<_> =
            (0..1000).map(|number| pulse.request_id(pulse.born + Duration::from_millis(number / 10 * 10))).collect();
        let unique: std::collections::HashSet<_> = ids.iter().collect();
        assert_eq!(unique.len(), ids.len());
        assert!(ids.iter().all(|id| id.get_version_num() == 7));
        assert!(ids[0] < ids[10] && ids[10] < ids[999]);
    }
}
