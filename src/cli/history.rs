//! `layerd history`: the commits that changed the value of a key for an application, from a server or a repository.

use std::fmt::Write as _;
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

use crate::answer;
use crate::config::address::Address;
use crate::config::nearest;
use crate::http::native::diff::{CHANGES, history_json};
use crate::settings::Environment;
use crate::snapshot::OnFailure;
use crate::store::history::{Bounds, history};

use super::client::{Server, ServerArg};
use super::console::{Console, Exit, Failure, plain};
use super::explain::Format;
use super::get;
use super::keys::KeyArgs;
use super::question::Question;
use super::repo::commits::{Commits, Tip};
use super::repo::{read, unreachable};
use super::show_secrets::ShowSecrets;

/// How long a server is waited for, and how long a repository is read.
const TIME: Duration = Duration::from_secs(60);

/// How many characters of a commit id are shown, and of a value.
const SHORT: usize = 7;
const VALUE: usize = 200;

/// List the commits that changed a value
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  layerd history user-service production datasource.pool.size
  layerd history user-service production datasource --repo . --limit 5
  layerd history user-service default server.port --label next --format json

Follows the first parent of each commit. Ends with 1 if no commit ever set the key.")]
pub(super) struct Args {
    /// The application (service)
    application: String,
    /// Profiles, separated by commas
    profiles: String,
    /// The key, such as `server.port`; of a map, everything below it
    key: String,
    /// Branch, tag or commit whose history is followed [default: that of the source]
    #[arg(long)]
    label: Option<String>,
    /// For people, or as the server answers
    #[arg(long, value_enum, default_value = "human")]
    format: Format,
    /// How many changes to list, the newest first
    #[arg(long, value_name = "N", default_value_t = CHANGES, value_parser = parse_limit)]
    limit: usize,
    /// Read this Git working tree or URL instead of asking a server
    #[arg(long, value_name = "DIR-or-URL", conflicts_with = "server")]
    repo: Option<String>,
    #[command(flatten)]
    secrets: ShowSecrets,
    #[command(flatten)]
    server: ServerArg,
    #[command(flatten)]
    keys: KeyArgs,
}

/// What `GET /api/v1/history` answers, values as written there.
#[derive(Debug, Deserialize)]
struct Report<'a> {
    application: String,
    profiles: Vec<String>,
    label: String,
    key: String,
    #[serde(default)]
    nearest: Vec<String>,
    #[serde(borrow)]
    commits: Vec<Commit<'a>>,
    complete: bool,
}

#[derive(Debug, Deserialize)]
struct Commit<'a> {
    id: String,
    time: Option<String>,
    author: String,
    subject: String,
    #[serde(borrow, default, deserialize_with = "given")]
    from: Option<&'a RawValue>,
    #[serde(borrow, default, deserialize_with = "given")]
    to: Option<&'a RawValue>,
}

impl Args {
    pub(super) fn run(&self, console: &mut Console<'_>) -> Result<Exit, Failure> {
        let question = Question {
            application: self.application.clone(),
            profiles: self.profiles.clone(),
            label: self.label.clone(),
        };
        let json = match &self.repo {
            Some(repo) => {
                let reveal = self.secrets.asked(console)?;
                self.read(repo, &question, reveal, console.environment)?.into_bytes()
            }
            None => {
                self.secrets.refuse_for_server()?;
                let server = Server::new(self.server.server.as_deref(), console.environment)?;
                let limit = self.limit.to_string();
                let mut query = question.query();
                query.extend([("key", self.key.as_str()), ("limit", limit.as_str())]);
                let command = format!("history {{}} {}", self.key);
                server.get(&question.path("history")?, &query, TIME)?.body_for(&command, console)?
            }
        };
        let report: Report<'_> = serde_json::from_slice(&json).map_err(|error| {
            Failure::new(Exit::Unreachable, format!("the answer is no history: {error}"))
                .with_hint("is the server a layerd of another version?")
        })?;
        let exit = if report.commits.is_empty() && report.complete { Exit::No } else { Exit::Done };
        match self.format {
            Format::Json => drop(get::print(&json, console)?),
            Format::Human => console.print(&human(&report))?,
        }
        if let Some(hint) = nearest::hint(&report.nearest) {
            console.say(&format!("hint: {hint}\n"));
        }
        Ok(exit)
    }

    /// The JSON that the server would answer, from a repository.
    fn read(
        &self,
        repo: &str,
        question: &Question,
        reveal: bool,
        environment: &Environment,
    ) -> Result<String, Failure> {
        let address = question.address()?;
        let mut commits = Commits::open(repo, self.keys.reading(OnFailure::Tell, environment)?, environment)?;
        let Tip { label, commit, mut reader } = commits.tip(question.label.as_deref())?;
        let bounds = Bounds { changes: self.limit, commits: usize::MAX, deadline: Instant::now() + TIME };
        let (rules, secrets) = commits.rules();
        let found = history(&mut *reader, (rules, &secrets), commit, (&address, &self.key), bounds);
        let found = found.map_err(|error| unreachable(&error))?.ok_or_else(|| {
            Failure::new(Exit::No, "the folder has no history").with_hint("name a Git repository with --repo")
        })?;
        let near = match found.turns.as_slice() {
            [] => self.near_keys(repo, &address, environment),
            _ => Vec::new(),
        };
        let found = if reveal { found.revealed() } else { found };
        Ok(history_json(&address, (&label, commit), (&self.key, near), &found))
    }

    /// The keys that were probably meant, of what is there now.
    fn near_keys(&self, repo: &str, address: &Address, environment: &Environment) -> Vec<Arc<str>> {
        let reading = self.keys.reading(OnFailure::Tell, environment);
        let read = reading.and_then(|reading| read(repo, address, reading, environment));
        let selection = read.ok().and_then(|read| answer::select(&read.snapshot, address).ok());
        selection.map(|selection| answer::near_keys(&selection, &self.key)).unwrap_or_default()
    }
}

/// A value that is there, null included: only a member that is left out is none.
fn given<'de, D: Deserializer<'de>>(member: D) -> Result<Option<&'de RawValue>, D::Error> {
    Deserialize::deserialize(member).map(Some)
}

fn parse_limit(text: &str) -> Result<usize, String> {
    let limit = text.parse().ok().filter(|limit| (1..=200).contains(limit));
    limit.ok_or_else(|| "a number from 1 to 200".to_owned())
}

/// A line that says what was asked, then each commit with the value before and since.
fn human(report: &Report<'_>) -> String {
    let Report { application, profiles, label, key, commits, complete, .. } = report;
    let mut out = format!("# {application} {}, label {label}: {key}\n", profiles.join(","));
    for Commit { id, time, author, subject, from, to } in commits {
        let id = id.get(..SHORT).unwrap_or(id);
        let value = |value: &Option<&RawValue>| {
            value.map_or_else(|| "(none)".to_owned(), |value| super::diff::shortened(value.get(), VALUE))
        };
        let _infallible = writeln!(out, "{id} {} {author}\n  {subject}", time.as_deref().unwrap_or("-"));
        let _infallible = writeln!(out, "  {} -> {}", value(from), value(to));
    }
    out.push_str(match (commits.is_empty(), complete) {
        (true, true) => "no commit has set this key\n",
        (_, true) => "",
        (_, false) => "older commits were not looked at\n",
    });
    plain(&out)
}

#[cfg(test)]
mod tests {
    use crate::cli::testing::{Stub, answer, run};

    const REPORT: &str = r#"{"application":"user","profiles":["eu"],"label":"main","version":"1a2b3c4d","key":"a.b","commits":[
        {"id":"1a2b3c4d5e6f","time":"2026-01-01T00:01:00Z","author":"A <a@h>","subject":"more","from":1,"to":18446744073709551616},
        {"id":"2a2b3c4d5e6f","time":null,"author":"B\u001b <b@h>","subject":"less","to":null},
        {"id":"3a","time":null,"author":"B","subject":"","from":"x"}],"complete":false}"#;

    #[test]
    fn every_commit_is_told_with_the_value_before_and_since() {
        let stub = Stub::new(answer("200 OK", "application/json", REPORT));
        let ran = run(&["history", "user", "eu", "a.b", "--label", "main", "--limit", "3", "--server", &stub.url], &[]);
        let expected = "\
# user eu, label main: a.b
1a2b3c4 2026-01-01T00:01:00Z A <a@h>
  more
  1 -> 18446744073709551616
2a2b3c4 - B\\u{1b} <b@h>
  less
  (none) -> null
3a - B
  
  \"x\" -> (none)
older commits were not looked at
";
        assert_eq!((ran.code, ran.out.as_str(), ran.err.as_str()), (0, expected, ""));
        let line = "GET /api/v1/history/user/eu?label=main&key=a.b&limit=3 HTTP/1.1\r\n";
        assert!(stub.request().starts_with(line));
    }

    #[test]
    fn a_key_that_nobody_ever_set_is_a_no() {
        let none = r#"{"application":"a","profiles":["b"],"label":"main","key":"c","commits":[],"complete":true}"#;
        let stub = Stub::new(answer("200 OK", "application/json", none));
        let ran = run(&["history", "a", "b", "c", "--format", "json", "--server", &stub.url], &[]);
        assert_eq!((ran.code, ran.out), (1, format!("{none}\n")));
        let stub = Stub::new(answer("200 OK", "text/html", "<html>"));
        assert_eq!(run(&["history", "a", "b", "c", "--server", &stub.url], &[]).code, 3);
    }

    #[test]
    fn wrong_usage_ends_with_two() {
        for args in
            [&["a", "b"][..], &["a", "b", "c", "--limit", "0"], &["a", "b", "c", "--repo", ".", "--server", "x"]]
        {
            assert_eq!(run(&[&["history"], args].concat(), &[]).code, 2, "{args:?}");
        }
    }
}
