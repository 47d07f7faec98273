//! Fetches by the real program in a process of its own, without a server around it, and stand-ins for programs.
//!
//! For what a server makes of it see `server.rs`.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use layerd::source::fetch::worker::Worker;
use layerd::source::fetch::{Limits, Request};
use layerd::source::git::{GitSource, Settings};
use layerd::source::remote::credentials::Credentials;
use layerd::source::remote::tls_files::Files;
use layerd::source::{FetchError, Labels, Source as _};
use tempfile::TempDir;

use super::eventually;

/// A folder with programs that take the place of those of the system, and with what they write down.
pub(crate) struct StandIns {
    folder: TempDir,
}

impl StandIns {
    pub(crate) fn new() -> Self {
        Self { folder: tempfile::tempdir().expect("a temporary folder can be made") }
    }

    /// A shell script of this name; it finds the folder in `$here`.
    pub(crate) fn script(&self, name: &str, text: &str) -> PathBuf {
        let path = self.folder.path().join(name);
        let here = self.folder.path().display();
        // Written by another process: a program that this one has open for writing, or has handed down so to one that it
        // is just starting, cannot be run.
        let written = Command::new("sh")
            .args(["-c", "printf '%s' \"$2\" > \"$1\" && chmod 755 \"$1\"", "sh"])
            .arg(&path)
            .arg(format!("#!/bin/sh\nhere='{here}'\n{text}\n"))
            .status();
        assert!(written.expect("sh can be run").success(), "{} cannot be written", path.display());
        path
    }

    /// An `ssh` that writes down its arguments and environment and runs what it is asked to on this machine.
    pub(crate) fn ssh(&self) -> PathBuf {
        self.script(
            "ssh",
            "for word in \"$@\"; do printf '%s\\n' \"$word\"; done > $here/arguments\n\
             env > $here/environment\n\
             for command; do :; done\n\
             exec sh -c \"$command\"",
        )
    }

    /// The variables of a process that finds these programs first.
    pub(crate) fn variables(&self) -> Vec<(OsString, OsString)> {
        vec![("PATH".into(), self.path_variable().into()), ("HOME".into(), self.folder.path().into())]
    }

    /// The value of `PATH` with these programs in front.
    pub(crate) fn path_variable(&self) -> String {
        let path = std::env::var_os("PATH").unwrap_or_default();
        format!("{}:{}", self.folder.path().display(), path.to_string_lossy())
    }

    /// Where a file of the folder is.
    pub(crate) fn at(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// What a program wrote down; empty if it has not yet.
    pub(crate) fn read(&self, name: &str) -> String {
        fs::read_to_string(self.at(name)).unwrap_or_default()
    }

    /// Waits until a program has written a whole line with its number.
    pub(crate) fn process(&self, name: &str) -> u32 {
        eventually(&format!("{name} is written"), || self.read(name).ends_with('\n'));
        self.read(name).trim().parse().expect("a script writes its number")
    }
}

/// True while a process is there and not only waited for.
pub(crate) fn is_alive(process: u32) -> bool {
    let stat = fs::read_to_string(format!("/proc/{process}/stat")).unwrap_or_default();
    stat.rsplit_once(") ").is_some_and(|(_, state)| !state.starts_with(['Z', 'X']))
}

/// The worker that runs the real program.
pub(crate) fn worker(variables: Vec<(OsString, OsString)>) -> Worker {
    Worker::new(PathBuf::from(env!("CARGO_BIN_EXE_layerd")), variables)
}

/// A mirror and what is fetched into it.
pub(crate) struct Fetches {
    folder: TempDir,
    worker: Worker,
    url: String,
    /// Keys and certificates.
    pub(crate) files: Files,
    /// Limits of each fetch.
    pub(crate) limits: Limits,
}

impl Fetches {
    /// Fetches from `url` with a worker.
    pub(crate) fn new(url: &str, worker: Worker) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder can be made");
        let limits = Limits { time: Duration::from_secs(30), ..Limits::default() };
        Self { folder, worker, url: url.to_owned(), files: Files::default(), limits }
    }

    /// One fetch into a folder, which is the mirror itself.
    pub(crate) fn request(&self) -> Request {
        let remote = self.url.parse().expect("a test gives a good address");
        let (files, limits) = (self.files.clone(), self.limits);
        Request { files, limits, ..Request::new(remote, self.mirror()) }
    }

    /// Where [`Fetches::request`] has its mirror.
    pub(crate) fn mirror(&self) -> PathBuf {
        self.folder.path().join("gen-1")
    }

    /// Fetches once, and says how it went, with `URL` for the address.
    pub(crate) fn told(&self) -> String {
        told(&self.url, self.worker.fetch(&self.request()).map(drop))
    }

    /// The source around such a mirror.
    pub(crate) fn source(&self, labels: &[&str], depth: Option<u32>) -> GitSource {
        self.source_in(&self.folder.path().join("state"), labels, depth)
    }

    fn source_in(&self, state: &Path, labels: &[&str], depth: Option<u32>) -> GitSource {
        let source = GitSource::new(Settings {
            name: "config".to_owned(),
            url: self.url.parse().expect("a test gives a good address"),
            label: None,
            labels: labels.iter().map(|label| (*label).to_owned()).collect(),
            path: String::new(),
            credentials: Credentials::None,
            files: self.files.clone(),
            depth,
            worker: Some(self.worker.clone()),
            state: state.to_owned(),
            max_files: 100_000,
            limits: self.limits,
        });
        source.expect("a test gives settings that can be used")
    }
}

/// How a fetch went, in one text.
pub(crate) fn told(url: &str, fetched: Result<(), FetchError>) -> String {
    match fetched {
        Ok(()) => "fetched".to_owned(),
        Err(error) => format!("{}: {}", error.reason, error.message.replace(url, "URL")),
    }
}

/// The names of labels, in order.
pub(crate) fn names(labels: &Labels) -> Vec<String> {
    let mut names: Vec<String> = labels.tips.keys().map(ToString::to_string).collect();
    names.sort();
    names
}

/// Fetches a source once, and says how it went.
pub(crate) fn fetch(source: &GitSource) -> String {
    told(&source.settings().url.to_string(), source.fetch())
}
