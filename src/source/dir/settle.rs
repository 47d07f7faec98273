//! When a file that has changed may be read: once nobody is writing it any more.
//!
//! A name that was moved into place is whole at once. What is written in place is left alone until it has been quiet for a
//! while, by what the watch heard of it and by its own times; a writer that has not closed it gets longer. Nothing here
//! waits or reads: whoever reads asks, and asks again.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use notify::event::{AccessKind, AccessMode, Event, EventKind, ModifyKind, RenameMode};

use super::scan::{Found, Stamp};

/// How long a file that was written in place must have been quiet before it is read.
pub const QUIET: Duration = Duration::from_millis(500);

/// The same, in multiples of it, for a file that its writer has not closed.
const OPEN: u32 = 4;

/// Since when a file must have changed to be called one that changes all the time, in multiples of its quiet time.
const RESTLESS: u32 = 4;

/// The most names of which is known what was heard.
const MAX_HEARD: usize = 10_000;

/// What was last done to a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Deed {
    /// Bytes were written.
    Written,
    /// A writer closed it, or it was made.
    Closed,
    /// It was put in place whole.
    Moved,
}

/// What is known of files that change.
#[derive(Debug, Default)]
pub(super) struct Settling {
    /// How long a file must have been quiet; no time at all to take every file as it is.
    quiet: Duration,
    heard: Mutex<HashMap<PathBuf, (Deed, Instant)>>,
    restless: Mutex<HashMap<String, Restless>>,
}

/// A file that was not quiet when it was looked at.
#[derive(Debug, Clone, Copy)]
struct Restless {
    stamp: Stamp,
    /// Since when it has this stamp, as far as is known.
    since: Instant,
    /// Since when it was never quiet.
    first: Instant,
}

impl Settling {
    pub(super) fn new(quiet: Duration) -> Self {
        Self { quiet, ..Self::default() }
    }

    /// Takes note of what a watch tells.
    pub(super) fn hear(&self, event: &Event) {
        let (deed, path) = match event.kind {
            EventKind::Modify(ModifyKind::Name(RenameMode::To)) => (Deed::Moved, event.paths.first()),
            EventKind::Modify(ModifyKind::Name(RenameMode::Both)) => (Deed::Moved, event.paths.last()),
            EventKind::Modify(ModifyKind::Data(_) | ModifyKind::Any) => (Deed::Written, event.paths.first()),
            EventKind::Create(_) | EventKind::Access(AccessKind::Close(AccessMode::Write)) => {
                (Deed::Closed, event.paths.first())
            }
            _ => return,
        };
        let Some(path) = path else { return };
        let (now, mut heard) = (Instant::now(), lock(&self.heard));
        if heard.len() >= MAX_HEARD {
            let longest = self.quiet * OPEN;
            heard.retain(|_, (_, at)| now.duration_since(*at) < longest);
            if heard.len() >= MAX_HEARD {
                heard.clear();
            }
        }
        // What was whole when it was moved does not become less so when its writer closes it.
        let is_known = deed == Deed::Closed && heard.get(path).is_some_and(|(before, _)| *before == Deed::Moved);
        if !is_known {
            heard.insert(path.clone(), (deed, now));
        }
    }

    /// True if a file may be read. `known` is the file that was read last at its path, `now` the time in nanoseconds since
    /// 1970.
    pub(super) fn is_settled(&self, found: &Found, known: Option<&Found>, now: i128) -> bool {
        if self.quiet.is_zero() || known == Some(found) {
            return true;
        }
        let seen = self.seen(found);
        let heard = self.heard_of(&found.real);
        let times = [found.stamp.modified, found.stamp.changed];
        let latest =
            times.into_iter().map(|(seconds, rest)| i128::from(seconds) * 1_000_000_000 + i128::from(rest)).max();
        // A time to come is no help, as clocks of other machines have it.
        let old = latest.and_then(|latest| u64::try_from(now - latest).ok()).map(Duration::from_nanos);
        let mut quiet = seen.max(old.unwrap_or_default());
        let is_linked_anew = known.is_some_and(|known| known.real != found.real);
        let needed = match heard {
            Some((Deed::Moved, _)) => Duration::ZERO,
            Some((Deed::Written, _)) => self.quiet * OPEN,
            Some((Deed::Closed, _)) | None if is_linked_anew => Duration::ZERO,
            Some((Deed::Closed, _)) | None => self.quiet,
        };
        if let Some((_, at)) = heard {
            quiet = quiet.min(at.elapsed());
        }
        let is_settled = quiet >= needed;
        if is_settled {
            lock(&self.restless).remove(&found.path);
        }
        is_settled
    }

    /// True if a file has not been quiet for so long that it should be said.
    pub(super) fn is_restless(&self, path: &str) -> bool {
        lock(&self.restless).get(path).is_some_and(|restless| restless.first.elapsed() > self.quiet * RESTLESS)
    }

    /// Forgets files that are gone.
    pub(super) fn keep(&self, held: impl Fn(&str) -> bool) {
        lock(&self.restless).retain(|path, _| held(path));
    }

    /// True if there is a file that was not quiet.
    pub(super) fn is_waiting(&self) -> bool {
        !lock(&self.restless).is_empty()
    }

    /// How long a file has had the stamp that it has now, as far as is known.
    fn seen(&self, found: &Found) -> Duration {
        let (stamp, now) = (found.stamp, Instant::now());
        let mut restless = lock(&self.restless);
        let seen = restless.entry(found.path.clone()).or_insert(Restless { stamp, since: now, first: now });
        if seen.stamp != stamp {
            (seen.stamp, seen.since) = (stamp, now);
        }
        seen.since.elapsed()
    }

    /// What was last heard of a file or of a folder that it is in.
    fn heard_of(&self, real: &Path) -> Option<(Deed, Instant)> {
        let heard = lock(&self.heard);
        let own = heard.get(real).copied();
        let moved = real.ancestors().skip(1).filter_map(|folder| heard.get(folder).copied());
        let moved = moved.filter(|(deed, at)| *deed == Deed::Moved && own.is_none_or(|(_, own)| own < *at));
        moved.max_by_key(|(_, at)| *at).or(own)
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use notify::event::{CreateKind, DataChange};

    use super::*;

    const SECOND: i128 = 1_000_000_000;
    const WRITE: EventKind = EventKind::Modify(ModifyKind::Data(DataChange::Any));
    const CLOSE: EventKind = EventKind::Access(AccessKind::Close(AccessMode::Write));
    const MOVE: EventKind = EventKind::Modify(ModifyKind::Name(RenameMode::To));

    fn found(size: u64, seconds: i64) -> Found {
        let stamp = Stamp { size, modified: (seconds, 0), changed: (seconds, 0), inode: (1, 1) };
        Found { path: "a.yml".to_owned(), real: PathBuf::from("/f/a.yml"), stamp }
    }

    fn settling(events: &[EventKind], path: &str) -> Settling {
        let settling = Settling::new(Duration::from_secs(60));
        for kind in events {
            settling.hear(&Event::new(*kind).add_path(PathBuf::from(path)));
        }
        settling
    }

    #[test]
    fn a_file_is_read_when_its_times_are_old_or_it_is_the_one_that_was_read() {
        let settling = settling(&[], "");
        assert!(!settling.is_settled(&found(1, 1000), None, 1059 * SECOND));
        assert!(settling.is_waiting());
        assert!(settling.is_settled(&found(1, 1000), None, 1060 * SECOND));
        assert!(!settling.is_waiting());
        assert!(settling.is_settled(&found(1, 1000), Some(&found(1, 1000)), 1000 * SECOND));
        assert!(!settling.is_settled(&found(2, 1000), Some(&found(1, 1000)), 1000 * SECOND));
        assert!(!settling.is_settled(&found(1, 9000), None, 1000 * SECOND), "its time is to come");
        assert!(Settling::new(Duration::ZERO).is_settled(&found(1, 1000), None, 1000 * SECOND));
    }

    #[test]
    fn what_was_moved_into_place_is_whole_until_it_is_written_again() {
        let is_settled =
            |events: &[EventKind], path| settling(events, path).is_settled(&found(1, 1000), None, 1000 * SECOND);
        assert!(is_settled(&[CLOSE, MOVE], "/f/a.yml"));
        assert!(is_settled(&[MOVE, CLOSE], "/f/a.yml"), "a writer may close it after it has moved it");
        assert!(is_settled(&[MOVE], "/f"), "with the folder that it is in");
        assert!(!is_settled(&[MOVE, WRITE], "/f/a.yml"));
        assert!(!is_settled(&[MOVE, WRITE, CLOSE], "/f/a.yml"));
        assert!(!is_settled(&[EventKind::Create(CreateKind::File)], "/f/a.yml"));
        assert!(!is_settled(&[MOVE], "/f/b.yml"));
    }

    #[test]
    fn what_is_heard_counts_more_than_old_times() {
        assert!(!settling(&[WRITE], "/f/a.yml").is_settled(&found(1, 1000), None, 9000 * SECOND));
        assert!(settling(&[], "").is_settled(&found(1, 1000), None, 9000 * SECOND));
    }

    #[test]
    fn a_file_behind_a_link_that_was_swapped_is_whole() {
        let known = Found { real: PathBuf::from("/f/..v1/a.yml"), ..found(1, 1000) };
        assert!(settling(&[CLOSE], "/f/a.yml").is_settled(&found(2, 1000), Some(&known), 1000 * SECOND));
        assert!(!settling(&[WRITE], "/f/a.yml").is_settled(&found(2, 1000), Some(&known), 1000 * SECOND));
    }

    #[test]
    fn what_is_remembered_is_bounded() {
        let settling = settling(&[], "");
        for number in 0..=MAX_HEARD {
            settling.hear(&Event::new(CLOSE).add_path(PathBuf::from(format!("/f/{number}"))));
        }
        assert!(lock(&settling.heard).len() <= MAX_HEARD);
        settling.is_settled(&found(1, 1000), None, 1000 * SECOND);
        settling.keep(|_| false);
        assert!(!settling.is_waiting());
    }
}
