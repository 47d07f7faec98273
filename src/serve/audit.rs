//! The audit log of a running server: opened at the start, written by a thread of its own, and ended after the last request.

use std::io;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use prometheus_client::registry::Registry;

use crate::audit::{AuditEntry, AuditEvent, AuditLog, AuditWriter};
use crate::settings::Settings;

use super::ServeError;

/// How long the last lines may take.
const LAST_LINES: Duration = Duration::from_secs(5);

/// The audit log, if the settings name one.
pub(super) struct Audit(Option<Running>);

struct Running {
    log: AuditLog,
    writer: Option<AuditWriter>,
    thread: Option<JoinHandle<()>>,
}

impl Audit {
    /// Opens the log that the settings name.
    ///
    /// # Errors
    /// If it cannot be opened.
    pub(super) fn open(settings: &Settings) -> Result<Self, ServeError> {
        let opened = settings.audit.as_ref().map(AuditLog::open).transpose().map_err(ServeError::Audit)?;
        Ok(Self(opened.map(|(log, writer)| Running { log, writer: Some(writer), thread: None })))
    }

    /// The handle, for who has something to write down.
    pub(super) fn log(&self) -> Option<AuditLog> {
        self.0.as_ref().map(|running| running.log.clone())
    }

    /// Adds the metrics to a registry.
    pub(super) fn register(&self, registry: &mut Registry) {
        if let Some(running) = &self.0 {
            running.log.register(registry);
        }
    }

    /// Begins to write. The first line of standard output is written by then.
    pub(super) fn start(&mut self) -> io::Result<()> {
        if let Some(running) = &mut self.0 {
            let writer = running.writer.take();
            let thread = writer.map(|writer| thread::Builder::new().name("audit".to_owned()).spawn(|| writer.run()));
            running.thread = thread.transpose()?;
        }
        Ok(())
    }

    /// Opens the file anew, after a signal.
    pub(super) fn reopen(&self) {
        if let Some(running) = &self.0 {
            running.log.reopen();
        }
    }

    /// Has the last lines written, if that can be done in a few seconds.
    pub(super) async fn end(self) {
        let Some(Running { log, thread: Some(thread), .. }) = self.0 else { return };
        let stop = tokio::task::spawn_blocking(move || {
            log.stop();
            thread.join()
        });
        drop(tokio::time::timeout(LAST_LINES, stop).await);
    }
}

/// Writes down that other keys are in force.
pub(super) fn keys_changed(log: Option<&AuditLog>) {
    if let Some(log) = log {
        log.note(AuditEntry::of(AuditEvent::KeysChanged), None);
    }
}
