//! The thread that writes, and the handle by which everybody else hands it entries.
//!
//! The queue is bounded: an entry that finds it full counts as not written. Whoever must not go on without its line waits
//! for it, for a few seconds at most.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::time::Duration;

use jiff::Timestamp;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;
use tokio::sync::oneshot;
use tracing::{error, info};

use super::chain::{Chain, Counted, LineHash};
use super::entry::{AuditEntry, AuditEvent};
use super::repeats::{AuditRepeats, Repeated};
use super::sink::AuditSink;
use super::{AuditSettings, OnAuditFailure};

/// Entries that may wait to be written.
const QUEUE: usize = 1024;

/// How long somebody waits for a line that he must not go on without.
const PATIENCE: Duration = Duration::from_secs(5);

/// How often the thread looks for counts that are due.
const TICK: Duration = Duration::from_secs(1);

/// A line was not written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the audit log cannot be written")]
pub struct AuditError;

/// The handle of the audit log.
#[derive(Debug, Clone)]
pub struct AuditLog {
    queue: SyncSender<Message>,
    on_failure: OnAuditFailure,
    state: Arc<State>,
}

#[derive(Debug, Default)]
struct State {
    is_failing: AtomicBool,
    failing: Gauge,
    lost: Counter,
}

#[derive(Debug)]
enum Message {
    Write(Box<Queued>),
    Reopen,
    Stop,
}

#[derive(Debug)]
struct Queued {
    entry: AuditEntry,
    request_id: Option<String>,
    at: Timestamp,
    /// Others like it within a minute become a count.
    repeats: bool,
    written: Option<oneshot::Sender<bool>>,
}

/// What the thread does: [`AuditWriter::run`].
#[derive(Debug)]
pub struct AuditWriter {
    queue: Receiver<Message>,
    sink: AuditSink,
    chain: Chain,
    repeats: AuditRepeats,
    state: Arc<State>,
}

impl AuditLog {
    /// Opens the place of the log. Lines are written as soon as the writer runs.
    ///
    /// # Errors
    /// If it cannot be opened, holds something else, or is written by another process.
    pub fn open(settings: &AuditSettings) -> io::Result<(Self, AuditWriter)> {
        let (sink, chain) = AuditSink::open(&settings.place)?;
        let (sender, queue) = sync_channel(QUEUE);
        let state = Arc::new(State::default());
        let chain = chain.unwrap_or(Chain { last: LineHash::none() });
        let repeats = AuditRepeats::default();
        let writer = AuditWriter { queue, sink, chain, repeats, state: Arc::clone(&state) };
        Ok((Self { queue: sender, on_failure: settings.on_failure, state }, writer))
    }

    /// Adds the metrics to a registry.
    pub fn register(&self, registry: &mut Registry) {
        let help = "1 while the audit log cannot be written";
        registry.register("layerd_audit_failing", help, self.state.failing.clone());
        registry.register(
            "layerd_audit_lines_lost",
            "Lines of the audit log that were not written",
            self.state.lost.clone(),
        );
    }

    /// Hands an entry in and goes on. Entries like it within a minute become one line with a count.
    pub fn note(&self, entry: AuditEntry, request_id: Option<&str>) {
        self.send(entry, request_id, true, None);
    }

    /// Hands an entry in and waits until its line is written.
    ///
    /// # Errors
    /// If it was not.
    pub async fn write(&self, entry: AuditEntry, request_id: Option<&str>) -> Result<(), AuditError> {
        self.wait(entry, request_id, false).await
    }

    /// The same for a read: entries like it within a minute become one line with a count, and that a line cannot be written
    /// is an error only if the settings say that reads are refused then.
    ///
    /// # Errors
    /// If a read must not go on.
    pub async fn read(&self, entry: AuditEntry, request_id: Option<&str>) -> Result<(), AuditError> {
        match self.on_failure {
            OnAuditFailure::Refuse => self.wait(entry, request_id, true).await,
            OnAuditFailure::Alert => {
                self.note(entry, request_id);
                Ok(())
            }
        }
    }

    async fn wait(&self, entry: AuditEntry, request_id: Option<&str>, repeats: bool) -> Result<(), AuditError> {
        let (sender, written) = oneshot::channel();
        self.send(entry, request_id, repeats, Some(sender));
        match tokio::time::timeout(PATIENCE, written).await {
            Ok(Ok(true)) => Ok(()),
            _ => Err(AuditError),
        }
    }

    fn send(&self, entry: AuditEntry, id: Option<&str>, repeats: bool, written: Option<oneshot::Sender<bool>>) {
        let request_id = id.map(str::to_owned);
        let queued = Queued { entry, request_id, at: Timestamp::now(), repeats, written };
        if self.queue.try_send(Message::Write(Box::new(queued))).is_err() {
            self.state.lose("too many lines wait to be written");
        }
    }

    /// Opens the file anew, after it was moved away.
    pub fn reopen(&self) {
        // If the queue is full, there is nothing to hurry for: the next signal asks again.
        drop(self.queue.try_send(Message::Reopen));
    }

    /// Has the thread write what it has counted, and end.
    pub fn stop(&self) {
        drop(self.queue.send(Message::Stop));
    }
}

impl State {
    fn lose(&self, reason: &str) {
        self.lost.inc();
        if !self.is_failing.swap(true, Ordering::Relaxed) {
            self.failing.set(1);
            error!("the audit log cannot be written: {reason}; what opens values or changes something is refused");
        }
    }

    fn recover(&self) {
        if self.is_failing.swap(false, Ordering::Relaxed) {
            self.failing.set(0);
            info!("the audit log can be written again");
        }
    }
}

impl AuditWriter {
    /// Writes what is handed in until it is told to stop.
    pub fn run(mut self) {
        self.tell(&AuditEntry::of(AuditEvent::Started), Counted::once());
        loop {
            match self.queue.recv_timeout(TICK) {
                Ok(Message::Write(queued)) => self.take(*queued),
                Ok(Message::Reopen) => match self.sink.reopen() {
                    Ok(()) => info!("the audit log is opened anew"),
                    Err(error) => error!("the audit log stays where it is: {error}"),
                },
                Ok(Message::Stop) | Err(RecvTimeoutError::Disconnected) => break,
                Err(RecvTimeoutError::Timeout) => {}
            }
            if !self.repeats.is_empty() {
                self.write_due(Some(Timestamp::now()));
            }
        }
        self.write_due(None);
        self.tell(&AuditEntry::of(AuditEvent::Stopped), Counted::once());
    }

    fn take(&mut self, queued: Queued) {
        let Queued { entry, request_id, at, repeats, written } = queued;
        // While nothing can be written, each tries anew.
        let can_count = repeats && !self.state.is_failing.load(Ordering::Relaxed);
        let is_counted = can_count && self.repeats.counts(&entry, at);
        let counted = Counted { at, count: 1, since: None, request_id: request_id.as_deref() };
        let is_done = is_counted || self.tell(&entry, counted);
        if let Some(written) = written {
            // Nobody may wait any more.
            _ = written.send(is_done);
        }
        if repeats && is_done && !is_counted {
            let gone = self.repeats.begin(entry, at);
            gone.into_iter().for_each(|repeated| self.write_repeated(&repeated));
        }
    }

    fn write_due(&mut self, now: Option<Timestamp>) {
        for repeated in self.repeats.due(now) {
            self.write_repeated(&repeated);
        }
    }

    fn write_repeated(&mut self, repeated: &Repeated) {
        let Repeated { entry, since, until, count } = repeated;
        let counted = Counted { at: *until, count: *count, since: Some(*since), request_id: None };
        self.tell(entry, counted);
    }

    /// Writes a line and says whether that worked.
    fn tell(&mut self, entry: &AuditEntry, counted: Counted<'_>) -> bool {
        match self.put(entry, counted) {
            Ok(()) => {
                self.state.recover();
                true
            }
            Err(error) => {
                self.state.lose(&error.to_string());
                false
            }
        }
    }

    fn put(&mut self, entry: &AuditEntry, counted: Counted<'_>) -> io::Result<()> {
        let (line, next) = self.chain.line(entry, counted);
        self.sink.write(&line)?;
        self.chain = next;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::super::AuditPlace;
    use super::super::verify::Verified;
    use super::*;

    fn settings(folder: &tempfile::TempDir, on_failure: OnAuditFailure) -> AuditSettings {
        AuditSettings { place: AuditPlace::File(folder.path().join("audit.jsonl")), on_failure }
    }

    fn entry(name: &str) -> AuditEntry {
        AuditEntry { identity: Some(name.into()), ..AuditEntry::of(AuditEvent::Request) }
    }

    /// Event, identity and count of each line, after the chain was verified.
    fn lines(text: &str) -> Vec<String> {
        let mut verified = Verified::default();
        verified.read("log", text.as_bytes()).unwrap();
        assert_eq!((verified.gaps.len(), verified.torn), (0, 0), "{text}");
        let line = |line: &str| {
            let line: serde_json::Value = serde_json::from_str(line).unwrap();
            format!("{} {} {}", line["event"], line["identity"], line["count"]).replace('"', "")
        };
        text.lines().filter(|text| !text.is_empty()).map(line).collect()
    }

    #[tokio::test]
    async fn lines_follow_one_another_over_restarts_and_rotation() {
        let folder = tempfile::tempdir().unwrap();
        let settings = settings(&folder, OnAuditFailure::Alert);
        let file = folder.path().join("audit.jsonl");
        for round in 0..2 {
            let (log, writer) = AuditLog::open(&settings).unwrap();
            assert!(AuditLog::open(&settings).is_err(), "two servers write one log");
            let thread = std::thread::spawn(|| writer.run());
            log.write(entry("a"), None).await.unwrap();
            (0..4).for_each(|_| log.note(entry("b"), None));
            if round == 1 {
                log.write(entry("c"), None).await.unwrap();
                fs::rename(&file, folder.path().join("audit.jsonl.1")).unwrap();
                log.reopen();
                log.write(entry("d"), None).await.unwrap();
            }
            log.stop();
            thread.join().unwrap();
        }
        let [old, new] =
            ["audit.jsonl.1", "audit.jsonl"].map(|name| fs::read_to_string(folder.path().join(name)).unwrap());
        let first = ["started null 1", "request a 1", "request b 1", "request b 3", "stopped null 1"];
        let second = ["started null 1", "request a 1", "request b 1", "request c 1"];
        assert_eq!(lines(&old), [&first[..], &second].concat());
        assert_eq!(lines(&new), ["request d 1", "request b 3", "stopped null 1"]);
        assert_eq!(lines(&(old + &new)).len(), 12);
    }

    #[tokio::test]
    async fn a_line_that_cannot_be_written_is_an_error_for_those_who_need_it() {
        for (on_failure, reads) in [(OnAuditFailure::Alert, Ok(())), (OnAuditFailure::Refuse, Err(AuditError))] {
            let folder = tempfile::tempdir().unwrap();
            let settings = settings(&folder, on_failure);
            let (log, mut writer) = AuditLog::open(&settings).unwrap();
            writer.sink.spoil();
            let thread = std::thread::spawn(|| writer.run());
            assert_eq!(log.write(entry("a"), None).await, Err(AuditError));
            for _ in 0..2 {
                assert_eq!(log.read(entry("b"), None).await, reads);
            }
            log.stop();
            thread.join().unwrap();
            assert!(log.state.is_failing.load(Ordering::Relaxed) && log.state.lost.get() >= 3);
        }
    }

    #[test]
    fn a_file_of_something_else_is_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("audit.jsonl"), "precious: data\n").unwrap();
        let error = AuditLog::open(&settings(&folder, OnAuditFailure::Alert)).unwrap_err().to_string();
        assert!(error.contains("holds something that is not an audit log"), "{error}");
    }
}
