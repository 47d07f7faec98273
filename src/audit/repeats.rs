//! What happens again and again: the first time is a line at once, the other times within a minute one line with their count.

use std::collections::HashMap;
use std::time::Duration;

use jiff::Timestamp;

use super::entry::AuditEntry;

/// For how long repeats are counted before their line is written.
pub(super) const PERIOD: Duration = Duration::from_secs(60);

/// Entries that are counted at once. Beyond them the oldest is written before its time.
const MOST: usize = 4096;

/// The entries of the last minute.
#[derive(Debug, Default)]
pub(super) struct AuditRepeats {
    seen: HashMap<AuditEntry, Seen>,
}

#[derive(Debug, Clone, Copy)]
struct Seen {
    /// When its line was written.
    first: Timestamp,
    /// When it came last.
    last: Timestamp,
    /// How often it came after that.
    more: u64,
}

/// An entry that came again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Repeated {
    pub(super) entry: AuditEntry,
    pub(super) since: Timestamp,
    pub(super) until: Timestamp,
    pub(super) count: u64,
}

impl AuditRepeats {
    /// True if an entry came within the last minute, which counts it.
    pub(super) fn counts(&mut self, entry: &AuditEntry, now: Timestamp) -> bool {
        let Some(seen) = self.seen.get_mut(entry) else { return false };
        (seen.more, seen.last) = (seen.more + 1, now);
        true
    }

    /// Remembers an entry whose line was written. The one that has to give way for it may be left to write.
    pub(super) fn begin(&mut self, entry: AuditEntry, now: Timestamp) -> Option<Repeated> {
        let oldest = match self.seen.len() < MOST || self.seen.contains_key(&entry) {
            true => None,
            false => self.seen.iter().min_by_key(|(_, seen)| seen.first).map(|(entry, _)| entry.clone()),
        };
        let gone = oldest.and_then(|oldest| self.seen.remove_entry(&oldest)).and_then(repeated);
        self.seen.entry(entry).or_insert(Seen { first: now, last: now, more: 0 });
        gone
    }

    /// Takes out the entries whose minute is over, or all of them.
    pub(super) fn due(&mut self, now: Option<Timestamp>) -> Vec<Repeated> {
        let is_over = |seen: &Seen| now.is_none_or(|now| now.duration_since(seen.first).unsigned_abs() >= PERIOD);
        let mut due: Vec<_> = self.seen.extract_if(|_, seen| is_over(seen)).filter_map(repeated).collect();
        due.sort_by_key(|repeated| repeated.until);
        due
    }

    /// True if nothing is counted.
    pub(super) fn is_empty(&self) -> bool {
        self.seen.is_empty()
    }
}

fn repeated((entry, seen): (AuditEntry, Seen)) -> Option<Repeated> {
    (seen.more > 0).then_some(Repeated { entry, since: seen.first, until: seen.last, count: seen.more })
}

#[cfg(test)]
mod tests {
    use super::super::entry::AuditEvent;
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(1_780_000_000 + second).unwrap()
    }

    fn entry(name: &str) -> AuditEntry {
        AuditEntry { identity: Some(name.into()), ..AuditEntry::of(AuditEvent::Request) }
    }

    #[test]
    fn repeats_of_a_minute_are_one_count() {
        let mut repeats = AuditRepeats::default();
        assert!(!repeats.counts(&entry("a"), at(0)));
        assert_eq!(repeats.begin(entry("a"), at(0)), None);
        assert_eq!(repeats.begin(entry("b"), at(1)), None);
        for second in [1, 2, 59] {
            assert!(repeats.counts(&entry("a"), at(second)));
        }
        assert_eq!(repeats.due(Some(at(59))), []);
        let expected = Repeated { entry: entry("a"), since: at(0), until: at(59), count: 3 };
        assert_eq!(repeats.due(Some(at(61))), [expected], "that of b came once only");
        assert!(repeats.is_empty());
    }

    #[test]
    fn a_flood_of_different_entries_takes_bounded_memory_and_loses_no_count() {
        let mut repeats = AuditRepeats::default();
        repeats.begin(entry("first"), at(0));
        assert!(repeats.counts(&entry("first"), at(0)));
        let flood = (0..MOST).filter_map(|index| repeats.begin(entry(&index.to_string()), at(1)));
        assert_eq!(flood.map(|gone| gone.count).collect::<Vec<_>>(), [1]);
        assert_eq!(repeats.seen.len(), MOST);
        assert_eq!(repeats.due(None), []);
    }
}
