//! `layerd watch`: prints each change of a configuration as it arrives, and goes on through restarts of the server.

use std::io::{BufRead as _, BufReader, Read};
use std::thread;
use std::time::Duration;

use clap::ValueEnum;
use serde::Deserialize;

use super::client::{Server, ServerArg};
use super::console::{Console, Exit, Failure, plain};
use super::question::Question;

/// A stream that is silent for so long is taken for dead; the server sends a comment every 15 seconds.
const SILENCE: Duration = Duration::from_secs(50);

/// The pauses before the server is asked again, doubled from the first to the last.
const PAUSES: (Duration, Duration) = (Duration::from_millis(500), Duration::from_secs(15));

/// The longest line of a stream, in bytes.
const LONGEST_LINE: u64 = 64 << 20;

/// How many characters of a commit id are shown.
const SHORT: usize = 7;

/// Print each change of a configuration as it arrives
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  layerd watch user-service production
  layerd watch user-service production --once && systemctl restart user-service
  layerd watch user-service --format json | jq .changed

Keys are printed with + (added), ~ (changed) and - (removed), never with their values. Reconnects until it is stopped.")]
pub(super) struct WatchArgs {
    #[command(flatten)]
    question: Question,
    /// How changes are printed
    #[arg(long, value_enum, default_value = "human")]
    format: Format,
    /// Stop after the first change
    #[arg(long)]
    once: bool,
    #[command(flatten)]
    server: ServerArg,
}

/// How changes are printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// A line for each change
    Human,
    /// The event of the server, a JSON object on each line
    Json,
}

/// What the server sends.
#[derive(Debug, Deserialize)]
struct WatchEvent {
    label: String,
    version: String,
    etag: String,
    added: Option<Vec<String>>,
    #[serde(default)]
    changed: Vec<String>,
    #[serde(default)]
    removed: Vec<String>,
}

/// One event of a stream.
#[derive(Debug, Default, PartialEq, Eq)]
struct Sent {
    name: String,
    data: String,
    /// When to reconnect, if the server says.
    retry: Option<Duration>,
}

/// Why a stream ended.
enum Ended {
    /// The change that was waited for has come.
    Done,
    /// The connection is gone; to be opened again after a pause, if the server named one.
    Lost(Option<Duration>),
}

impl WatchArgs {
    pub(super) fn run(&self, console: &mut Console<'_>) -> Result<Exit, Failure> {
        let server = Server::new(self.server.server.as_deref(), console.environment)?;
        let path = self.question.path("watch")?;
        let mut has: Option<String> = None;
        let mut pause = PAUSES.0;
        loop {
            match server.events(&path, &self.question.query(), has.as_deref(), SILENCE) {
                Ok(stream) => {
                    pause = PAUSES.0;
                    match self.follow(stream, &mut has, console)? {
                        Ended::Done => return Ok(Exit::Done),
                        Ended::Lost(Some(retry)) => thread::sleep(retry.min(PAUSES.1)),
                        Ended::Lost(None) => thread::sleep(PAUSES.0),
                    }
                }
                // A server that was never reached is more likely a mistake than a restart.
                Err(failure) if has.is_some() && failure.is_unreachable() => {
                    if pause == PAUSES.0 {
                        console.say("the server cannot be reached; trying again\n");
                    }
                    thread::sleep(pause);
                    pause = (pause * 2).min(PAUSES.1);
                }
                Err(failure) => return Err(failure),
            }
        }
    }

    /// Prints what a stream brings until it ends.
    fn follow(&self, stream: impl Read, has: &mut Option<String>, console: &mut Console<'_>) -> Result<Ended, Failure> {
        let mut lines = BufReader::new(stream);
        let mut retry = None;
        while let Some(sent) = next(&mut lines) {
            retry = sent.retry.or(retry);
            let Ok(event) = serde_json::from_str::<WatchEvent>(&sent.data) else { continue };
            let is_first = has.replace(event.etag.clone()).is_none();
            if is_first {
                let (application, profiles) = (plain(&self.question.application), plain(&self.question.profiles));
                let commit: String = event.version.chars().take(SHORT).collect();
                console.say(&format!("watching {application} ({profiles}) at {commit}\n"));
                continue;
            }
            match self.format {
                Format::Json => console.print_json(&sent.data)?,
                Format::Human => console.print(&event.line())?,
            }
            if self.once {
                return Ok(Ended::Done);
            }
        }
        Ok(Ended::Lost(retry))
    }
}

impl WatchEvent {
    /// The change on one line.
    fn line(&self) -> String {
        let commit: String = self.version.chars().take(SHORT).collect();
        let Some(added) = &self.added else {
            return format!("{} {commit}: replaced, which keys differ is not known\n", plain(&self.label));
        };
        let signed = |sign: char, keys: &[String]| -> Vec<String> {
            keys.iter().map(|key| format!(" {sign}{}", plain(key))).collect()
        };
        let keys = [signed('+', added), signed('~', &self.changed), signed('-', &self.removed)].concat().concat();
        format!("{} {commit}:{keys}\n", plain(&self.label))
    }
}

/// The next event of a stream; `None` at its end, or when it is silent for too long.
fn next(lines: &mut impl std::io::BufRead) -> Option<Sent> {
    let mut sent = Sent::default();
    loop {
        let mut line = Vec::new();
        let read = lines.by_ref().take(LONGEST_LINE).read_until(b'\n', &mut line).ok()?;
        if read == 0 || line.pop() != Some(b'\n') {
            return None;
        }
        let line = String::from_utf8_lossy(&line);
        let line = line.trim_end_matches('\r');
        if line.is_empty() {
            if sent != Sent::default() {
                return Some(sent);
            }
            continue;
        }
        let (field, value) = line.split_once(':').unwrap_or((line, ""));
        let value = value.strip_prefix(' ').unwrap_or(value);
        match field {
            "event" => value.clone_into(&mut sent.name),
            "data" if sent.data.is_empty() => value.clone_into(&mut sent.data),
            "data" => sent.data = format!("{}\n{value}", sent.data),
            "retry" => sent.retry = value.parse().ok().map(Duration::from_millis),
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::cli::testing::{Stub, answer, run, silent_url};

    use super::*;

    const FIRST: &str = "id: \"a\"\nevent: current\ndata: {\"application\":\"user\",\"profiles\":[\"default\"],\
                         \"label\":\"main\",\"version\":\"0123456789\",\"etag\":\"\\\"a\\\"\"}\n\n";
    const SECOND: &str = ": \n\nid: \"b\"\nevent: change\ndata: {\"application\":\"user\",\"profiles\":[\"default\"],\
                          \"label\":\"main\",\"version\":\"abcdef0123\",\"etag\":\"\\\"b\\\"\",\"added\":[\"x\"],\
                          \"changed\":[\"a.b\",\"c\"],\"removed\":[\"\\u001b[2J\"]}\n\n";

    #[test]
    fn a_change_is_a_line_with_its_keys_and_once_ends_with_it() {
        let stub = Stub::new(answer("200 OK", "text/event-stream", &format!("{FIRST}{SECOND}")));
        let ran = run(&["watch", "user", "--once", "--label", "main", "--server", &stub.url], &[]);
        let told = "watching user (default) at 0123456\n";
        let line = "main abcdef0: +x ~a.b ~c -\\u{1b}[2J\n";
        assert_eq!((ran.code, ran.out.as_str(), ran.err.as_str()), (0, line, told));
        let request = stub.request().to_lowercase();
        assert!(request.starts_with("get /api/v1/watch/user/default?label=main http/1.1\r\n"), "{request}");
        assert!(request.contains("\r\naccept: text/event-stream\r\n"), "{request}");
    }

    #[test]
    fn json_is_the_event_of_the_server() {
        let stub = Stub::new(answer("200 OK", "text/event-stream", &format!("{FIRST}{SECOND}")));
        let ran = run(&["watch", "user", "--once", "--format", "json", "--server", &stub.url], &[]);
        assert!(ran.out.starts_with(r#"{"application":"user","#) && ran.out.ends_with("}\n"), "{}", ran.out);
        assert_eq!(ran.out.lines().count(), 1);
    }

    #[test]
    fn a_server_that_refuses_or_was_never_there_ends_the_command() {
        let stub = Stub::new(answer("404 Not Found", "application/problem+json", r#"{"detail":"there is no label"}"#));
        let ran = run(&["watch", "user", "--server", &stub.url], &[]);
        assert_eq!((ran.code, ran.err.as_str()), (1, "error: there is no label\n"));
        assert_eq!(run(&["watch", "user", "--server", &silent_url()], &[]).code, 3);
    }

    #[test]
    fn events_are_read_as_the_standard_has_it() {
        let mut text: &[u8] = b": heart\r\n\r\nretry: 20\r\nevent:bye\r\ndata\r\ndata: x\n\ndata: cut";
        let sent = next(&mut text).unwrap();
        assert_eq!((sent.name.as_str(), sent.data.as_str(), sent.retry), ("bye", "x", Some(Duration::from_millis(20))));
        assert_eq!(next(&mut text), None);
    }
}
