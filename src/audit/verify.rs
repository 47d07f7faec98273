//! Whether files of an audit log are whole: every line names the hash of the one before.

use std::io::{self, BufRead, Read as _};

use jiff::Timestamp;

use super::chain::{Chained, LineHash};

/// The most bytes of a line.
const LONGEST_LINE: u64 = 1 << 20;

/// What was found in files that were read one after the other.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Verified {
    /// Lines in the chain.
    pub lines: u64,
    /// Lines that were cut off when a disk was full or a server was killed; the chain goes past them.
    pub torn: u64,
    /// Where the chain breaks.
    pub gaps: Vec<Gap>,
    /// The hash that the first line names; zeros if it begins a log.
    pub first: Option<String>,
    /// The hash of the last line.
    pub last: Option<String>,
    /// The times of the first and the last line.
    pub times: Option<(Timestamp, Timestamp)>,
}

/// A line that does not follow from the one before it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Gap {
    /// The file.
    pub file: String,
    /// The number of the line, from 1.
    pub line: u64,
}

impl Verified {
    /// Reads a file that follows on what was read so far.
    ///
    /// # Errors
    /// If it cannot be read.
    pub fn read(&mut self, file: &str, mut lines: impl BufRead) -> io::Result<()> {
        let mut number = 0;
        loop {
            let mut line = Vec::new();
            let length = lines.by_ref().take(LONGEST_LINE).read_until(b'\n', &mut line)?;
            if length == 0 {
                return Ok(());
            }
            number += 1;
            let is_ended = line.pop_if(|byte| *byte == b'\n').is_some();
            if line.is_empty() {
                continue;
            }
            match serde_json::from_slice::<Chained>(&line) {
                Ok(chained) if is_ended => self.add(file, number, &line, chained),
                _ => self.torn += 1,
            }
        }
    }

    fn add(&mut self, file: &str, number: u64, line: &[u8], Chained { time, prev }: Chained) {
        match &self.last {
            None => self.first = Some(prev.0),
            Some(last) if *last == prev.0 => {}
            // A log may begin anew only at the beginning of a file, where somebody can see it.
            Some(_) => self.gaps.push(Gap { file: file.to_owned(), line: number }),
        }
        self.last = Some(LineHash::of(line).0);
        self.lines += 1;
        self.times = Some((self.times.map_or(time, |(first, _)| first), time));
    }

    /// True if the first line begins a log, rather than going on from a file that is not here.
    #[must_use]
    pub fn begins(&self) -> bool {
        self.first.as_deref() == Some(&*LineHash::none().0)
    }
}

#[cfg(test)]
mod tests {
    use super::super::chain::{Chain, Counted};
    use super::super::entry::{AuditEntry, AuditEvent};
    use super::*;

    /// A log of three lines.
    fn log() -> Vec<String> {
        let mut chain = Chain { last: LineHash::none() };
        let at: Timestamp = "2026-11-30T12:00:00Z".parse().unwrap();
        let mut lines = Vec::new();
        for event in [AuditEvent::Started, AuditEvent::TokensChanged, AuditEvent::Stopped] {
            let counted = Counted { at, count: 1, since: None, request_id: None };
            let (line, next) = chain.line(&AuditEntry::of(event), counted);
            lines.push(line + "\n");
            chain = next;
        }
        lines
    }

    fn verified(text: &str) -> Verified {
        let mut verified = Verified::default();
        verified.read("audit.jsonl", text.as_bytes()).unwrap();
        verified
    }

    fn gaps(text: &str) -> Vec<u64> {
        verified(text).gaps.iter().map(|gap| gap.line).collect()
    }

    #[test]
    fn a_log_that_nobody_touched_is_whole_also_over_several_files() {
        let log = log();
        let whole = verified(&log.concat());
        assert_eq!((whole.lines, whole.torn, whole.gaps.len(), whole.begins()), (3, 0, 0, true));
        let mut parts = Verified::default();
        parts.read("audit.jsonl.1", log[0].as_bytes()).unwrap();
        parts.read("audit.jsonl", log[1..].concat().as_bytes()).unwrap();
        assert_eq!(parts, whole);
        let rest = verified(&log[1..].concat());
        assert!(!rest.begins() && rest.gaps.is_empty());
        assert_eq!(rest.last, whole.last);
    }

    #[test]
    fn every_change_of_a_line_or_of_their_order_is_a_gap() {
        let log = log();
        assert_eq!(gaps(&[&*log[0], &log[2]].concat()), [2], "a line taken out");
        assert_eq!(gaps(&[&*log[0], &log[2], &log[1]].concat()), [2, 3], "lines exchanged");
        assert_eq!(gaps(&log.concat().replace("tokens-changed", "keys-changed")), [3], "a line changed");
        assert_eq!(gaps(&log.concat().replacen("\"count\":1", "\"count\":2", 1)), [2]);
        let garbled = log.concat().replace("\"event\":\"tokens-changed\"", "");
        assert_eq!(gaps(&garbled), [3], "a line spoiled: {garbled}");
        assert_eq!(gaps(&[&*log[0], &log[0]].concat()), [2], "a line twice");
    }

    #[test]
    fn a_line_that_was_cut_off_breaks_no_chain() {
        let log = log();
        let text = [&log[0], &log[1][..20], "\n", &log[1], &log[2]].concat();
        let found = verified(&text);
        assert_eq!((found.lines, found.torn, found.gaps.len()), (3, 1, 0));
        assert_eq!(verified(log[0].trim_end()).torn, 1, "without its line end it may be cut off");
        assert_eq!(verified("").lines, 0);
    }
}
