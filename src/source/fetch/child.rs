//! The other side of `worker.rs`: this program as the process that fetches, told what to do on its standard input.
//!
//! It gives itself limits before it looks at anything that comes from outside, and it ends when its parent does, however
//! that came about. What the two say to one another is defined here.

use std::io::{self, BufRead as _, Read as _, Write as _};
use std::path::PathBuf;
use std::time::Duration;

use rustix::process::{Resource, Rlimit, Signal, getpgrp, getpid, kill_current_process_group, setrlimit};
use serde::{Deserialize, Serialize};

use super::{Fetched, Limits, Pace, Request};
use crate::config::secret_string::SecretString;
use crate::source::remote::credentials::Login;
use crate::source::remote::tls_files::Files;
use crate::source::{FetchError, REASONS};

/// The name of the hidden command.
pub const COMMAND: &str = "fetch-child";

/// The longest request, in bytes: names of labels take most of it.
const MAX_REQUEST: u64 = 16 << 20;

/// Memory for everything but the packs, which libgit2 maps whole.
const MEMORY: u64 = 1 << 30;

/// A request in one line of JSON. It holds the secret of the login, which is why it goes through a pipe.
#[derive(Debug, Serialize, Deserialize)]
struct WireRequest {
    remote: String,
    mirror: PathBuf,
    login: Option<(String, String)>,
    files: Files,
    labels: Vec<String>,
    root: Vec<String>,
    depth: Option<u32>,
    time_ms: u64,
    bytes: u64,
    pace_bytes: u64,
    pace_over_ms: u64,
}

/// An answer in one line of JSON.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum WireAnswer {
    Fetched(Fetched),
    Failed { reason: String, message: String, retry_after_s: Option<u64> },
}

/// Spells a request as one line.
pub(super) fn spell(request: &Request) -> Result<Vec<u8>, FetchError> {
    let Request { remote, mirror, login, files, labels, root, depth, limits } = request;
    let wire = WireRequest {
        remote: remote.to_string(),
        mirror: mirror.clone(),
        login: login.as_ref().map(|login| (login.username.clone(), login.password.expose().to_owned())),
        files: files.clone(),
        labels: labels.clone(),
        root: root.clone(),
        depth: *depth,
        time_ms: millis(limits.time),
        bytes: limits.bytes,
        pace_bytes: limits.pace.bytes,
        pace_over_ms: millis(limits.pace.over),
    };
    let mut line = serde_json::to_vec(&wire)
        .map_err(|error| FetchError::new("internal", format!("the path of the mirror cannot be told: {error}")))?;
    line.push(b'\n');
    Ok(line)
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

/// Reads an answer; `None` if it is not a whole one.
pub(super) fn read_answer(text: &[u8]) -> Option<Result<Fetched, FetchError>> {
    let text = text.strip_suffix(b"\n")?;
    Some(match serde_json::from_slice(text).ok()? {
        WireAnswer::Fetched(fetched) => Ok(fetched),
        WireAnswer::Failed { reason, message, retry_after_s } => {
            let reason = REASONS.into_iter().find(|known| *known == reason).unwrap_or("internal");
            Err(FetchError { reason, message, retry_after: retry_after_s.map(Duration::from_secs) })
        }
    })
}

/// Carries out the request on standard input and answers on standard output.
///
/// # Errors
/// If it was not started as [`super::worker::Worker`] does, or cannot answer.
pub fn run() -> io::Result<()> {
    // The end of the parent ends the whole group, which must therefore be our own.
    if getpgrp() != getpid() {
        return Err(io::Error::other("this command is for the server itself"));
    }
    _ = rustix::thread::set_name(c"layerd-fetch");
    let mut line = Vec::new();
    io::stdin().lock().take(MAX_REQUEST).read_until(b'\n', &mut line)?;
    let request = parse(&line).ok_or_else(|| io::Error::other("this is no request"))?;
    limit(&request.limits);
    end_with_parent()?;
    let answer = match super::fetch(&request) {
        Ok(fetched) => WireAnswer::Fetched(fetched),
        Err(FetchError { reason, message, retry_after }) => {
            let retry_after_s = retry_after.map(|wait| wait.as_secs());
            WireAnswer::Failed { reason: reason.to_owned(), message, retry_after_s }
        }
    };
    let mut line = serde_json::to_vec(&answer)?;
    line.push(b'\n');
    let mut out = io::stdout().lock();
    out.write_all(&line)?;
    out.flush()
}

fn parse(line: &[u8]) -> Option<Request> {
    let wire: WireRequest = serde_json::from_slice(line).ok()?;
    let login = wire.login.map(|(username, password)| Login { username, password: SecretString::new(password) });
    let pace = Pace { bytes: wire.pace_bytes, over: Duration::from_millis(wire.pace_over_ms) };
    let limits = Limits { time: Duration::from_millis(wire.time_ms), bytes: wire.bytes, pace };
    let WireRequest { mirror, files, labels, root, depth, .. } = wire;
    Some(Request { remote: wire.remote.parse().ok()?, mirror, login, files, labels, root, depth, limits })
}

/// Limits that hold whatever goes wrong in here. Where one cannot be set, the parent's still hold.
fn limit(limits: &Limits) {
    let seconds = limits.time.as_secs().saturating_mul(2).saturating_add(5);
    let bounds = [
        (Resource::Core, 0),
        (Resource::As, limits.bytes.saturating_add(MEMORY)),
        (Resource::Fsize, limits.bytes),
        (Resource::Cpu, seconds),
    ];
    for (resource, most) in bounds {
        _ = setrlimit(resource, Rlimit { current: Some(most), maximum: Some(most) });
    }
    // If memory runs out, a fetch is the first thing to do without.
    drop(std::fs::write("/proc/self/oom_score_adj", "1000"));
}

/// Ends this process and all that it has started as soon as the parent has closed its end of the pipe, or died.
fn end_with_parent() -> io::Result<()> {
    std::thread::Builder::new().name("parent".to_owned()).spawn(|| {
        drop(io::copy(&mut io::stdin().lock(), &mut io::sink()));
        _ = kill_current_process_group(Signal::KILL);
    })?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_survives_the_pipe() {
        let request = Request {
            login: Some(Login { username: "me".to_owned(), password: SecretString::new("s\n\"") }),
            files: Files { ssh_key: Some("/k".into()), ..Files::default() },
            labels: vec!["main".to_owned(), "v*".to_owned()],
            depth: Some(1),
            limits: Limits {
                time: Duration::from_millis(1500),
                bytes: 7,
                pace: Pace { bytes: 8, over: Duration::from_millis(9) },
            },
            ..Request::new("git@host:a b".parse().unwrap(), "/state/gen-1".into())
        };
        let line = spell(&request).unwrap();
        assert_eq!(line.iter().filter(|byte| **byte == b'\n').count(), 1);
        assert_eq!(format!("{:?}", parse(&line).unwrap()), format!("{request:?}"));
        assert_eq!(parse(&line).unwrap().login, request.login);
        assert!(parse(b"{}\n").is_none());
    }

    #[test]
    fn an_answer_counts_only_if_it_is_whole() {
        let fetched = br#"{"fetched":{"changed":true,"received":7}}"#;
        assert!(read_answer(fetched).is_none());
        let answer = read_answer(&[fetched, &b"\n"[..]].concat()).unwrap();
        assert_eq!(answer, Ok(Fetched { changed: true, received: 7, ..Fetched::default() }));
        let failed = |reason: &str| {
            let rest = "\"message\":\"no\",\"retry_after_s\":90";
            let text = format!("{{\"failed\":{{\"reason\":\"{reason}\",{rest}}}}}\n");
            let error = read_answer(text.as_bytes()).unwrap().unwrap_err();
            (error.reason, error.retry_after.unwrap().as_secs())
        };
        assert_eq!((failed("auth"), failed("made up")), (("auth", 90), ("internal", 90)));
        assert!(read_answer(b"thread panicked\n").is_none());
    }

    #[test]
    fn a_process_that_shares_its_group_refuses_to_be_a_worker() {
        // The runner of the tests may lead a group, as under a terminal; then there is nothing to be seen here.
        if getpgrp() != getpid() {
            assert_eq!(run().unwrap_err().to_string(), "this command is for the server itself");
        }
    }
}
