//! `layerd explain`: where every value comes from and what it hides, from a server or a repository.

use std::fmt::{self, Write as _};
use std::time::Duration;

use clap::ValueEnum;
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::config::interpolate::Resolve;
use crate::http::native;
use crate::snapshot::OnFailure;
use crate::store::Chosen;

use super::client::{Server, ServerArg};
use super::console::{Console, Exit, Failure, plain};
use super::get;
use super::keys::KeyArgs;
use super::question::Question;
use super::repo::{failure, names, read};
use super::show_secrets::ShowSecrets;

const TIME: Duration = Duration::from_secs(30);

/// Tell where every value comes from and what it hides
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  layerd explain user-service production
  layerd explain user-service production --key server.port
  layerd explain user-service production --repo . --label next
  layerd explain user-service production --format json")]
pub(super) struct Args {
    #[command(flatten)]
    pub(super) question: Question,
    /// Only this key and those below it, such as `server.port`
    #[arg(long, value_name = "KEY")]
    pub(super) key: Option<String>,
    /// Refuse an application or profile that nothing in the repository names
    #[arg(long)]
    strict: bool,
    /// For people, or as the server answers
    #[arg(long, value_enum, default_value = "human")]
    pub(super) format: Format,
    /// Read this folder, Git working tree or URL instead of asking a server
    #[arg(long, value_name = "DIR-or-URL", conflicts_with = "server")]
    pub(super) repo: Option<String>,
    #[command(flatten)]
    secrets: ShowSecrets,
    #[command(flatten)]
    server: ServerArg,
    #[command(flatten)]
    keys: KeyArgs,
}

/// How an explanation is spelled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Format {
    Human,
    Json,
}

/// What `GET /api/v1/explain` answers, values as written there.
#[derive(Debug, Deserialize)]
struct Report<'a> {
    application: String,
    profiles: Vec<String>,
    label: Option<String>,
    version: Option<String>,
    #[serde(borrow)]
    keys: Vec<Key<'a>>,
}

#[derive(Debug, Deserialize)]
struct Key<'a> {
    key: String,
    #[serde(borrow)]
    value: &'a RawValue,
    #[serde(borrow)]
    written: Option<&'a RawValue>,
    file: String,
    line: u32,
    column: u32,
    #[serde(borrow, default)]
    hides: Vec<Hidden<'a>>,
}

#[derive(Debug, Deserialize)]
struct Hidden<'a> {
    #[serde(borrow)]
    value: &'a RawValue,
    file: String,
    line: u32,
    column: u32,
}

impl Args {
    pub(super) fn run(&self, console: &mut Console<'_>) -> Result<Exit, Failure> {
        if let Some(repo) = &self.repo {
            let reveal = self.secrets.asked(console)?;
            let json = self.explain(repo, reveal, console)?;
            return self.show(json.as_bytes(), console);
        }
        self.secrets.refuse_for_server()?;
        if !self.keys.is_empty() {
            let message = "keys are for what is read from a repository";
            return Err(Failure::new(Exit::Usage, message).with_hint("name it with --repo; a server has its own keys"));
        }
        let server = Server::new(self.server.server.as_deref(), console.environment)?;
        let mut query = self.question.query();
        query.extend(self.strict.then_some(("strict", "true")));
        query.extend(self.key.iter().map(|key| ("key", key.as_str())));
        let body = server.get(&self.question.path("explain")?, &query, TIME)?.body_for("explain {}", console)?;
        self.show(&body, console)
    }

    /// The JSON that the server would answer, from a repository.
    fn explain(&self, repo: &str, reveal: bool, console: &mut Console<'_>) -> Result<String, Failure> {
        let (address, environment) = (self.question.address()?, console.environment);
        // What does not open is told like what does: as stars, with its place.
        let reading = self.keys.reading(OnFailure::Leave, environment)?;
        let read = read(repo, &address, reading, environment)?;
        names(&read, &address, self.strict, "explain {}", console)?;
        let chosen = Chosen::alone(read.label, read.snapshot);
        native::explanation(&address, &chosen, Resolve::Known, self.key.as_deref(), reveal)
            .map_err(|error| failure(&error))
    }

    /// Prints an explanation, given as the JSON of the server.
    fn show(&self, json: &[u8], console: &mut Console<'_>) -> Result<Exit, Failure> {
        if self.format == Format::Json {
            return get::print(json, console);
        }
        let report: Report<'_> = serde_json::from_slice(json).map_err(|error| {
            Failure::new(Exit::Unreachable, format!("the answer is no explanation: {error}"))
                .with_hint("is the server a layerd of another version?")
        })?;
        if let (Some(key), []) = (&self.key, report.keys.as_slice()) {
            return Err(Failure::new(Exit::No, format!("`{}` has no value", plain(key))));
        }
        let dim = if console.is_coloured(true) { ("\u{1b}[2m", "\u{1b}[0m") } else { ("", "") };
        console.print(&human(&report, dim))?;
        Ok(Exit::Done)
    }
}

/// A line that says what was asked, then for every key its value, its place and what it hides.
fn human(report: &Report<'_>, dim: (&str, &str)) -> String {
    let mut out = format!("{} {}", report.application, report.profiles.join(","));
    for (word, value) in [("label", &report.label), ("version", &report.version)] {
        if let Some(value) = value {
            out.extend([", ", word, " ", value]);
        }
    }
    let mut out = format!("{}# {}{}\n", dim.0, plain(&out), dim.1);
    for key in &report.keys {
        let place = Shown { file: &key.file, line: key.line, column: key.column, dim };
        let _infallible = writeln!(out, "{} = {}\n  {place}", plain(&key.key), plain(key.value.get()));
        if let Some(written) = key.written {
            let _infallible = writeln!(out, "  written as {}", plain(written.get()));
        }
        for Hidden { value, file, line, column } in &key.hides {
            let place = Shown { file, line: *line, column: *column, dim };
            let _infallible = writeln!(out, "  hides {} {place}", plain(value.get()));
        }
    }
    out
}

/// A place in a file.
struct Shown<'a> {
    file: &'a str,
    line: u32,
    column: u32,
    /// What stands before and after it.
    dim: (&'a str, &'a str),
}

impl fmt::Display for Shown<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}{}:{}:{}{}", self.dim.0, plain(self.file), self.line, self.column, self.dim.1)
    }
}

#[cfg(test)]
mod tests {
    use crate::cli::testing::{Stub, answer, run, run_on_terminal};

    const REPORT: &str = r#"{"application":"user","profiles":["production"],"label":"main","version":"1a2b3c4d","keys":[
        {"key":"server.port","value":8081,"file":"user/application.yml","line":3,"column":9,"document":0,"commit":"1a2b3c4d",
         "hides":[{"value":8080,"file":"application.yml","line":2,"column":9}]},
        {"key":"big","value":123456789012345678901234567890,"file":"application.yml","line":5,"column":1,"commit":"1a2b3c4d","hides":[]},
        {"key":"url","value":"http://h:8081","written":"http://h:${server.port}","file":"a\u001b.yml","line":6,"column":6,"commit":"x","hides":[]}]}"#;

    #[test]
    fn every_key_is_told_with_its_place_and_what_it_hides() {
        let stub = Stub::new(answer("200 OK", "application/json", REPORT));
        let ran =
            run(&["explain", "user", "production", "--key", "a.b", "--label", "main", "--server", &stub.url], &[]);
        let expected = "\
# user production, label main, version 1a2b3c4d
server.port = 8081
  user/application.yml:3:9
  hides 8080 application.yml:2:9
big = 123456789012345678901234567890
  application.yml:5:1
url = \"http://h:8081\"
  a\\u{1b}.yml:6:6
  written as \"http://h:${server.port}\"
";
        assert_eq!((ran.code, ran.out.as_str(), ran.err.as_str()), (0, expected, ""));
        assert!(stub.request().starts_with("GET /api/v1/explain/user/production?label=main&key=a.b HTTP/1.1\r\n"));
    }

    #[test]
    fn places_are_dim_on_a_terminal_only() {
        let stub = Stub::new(answer("200 OK", "application/json", REPORT));
        let ran = run_on_terminal(&["explain", "user", "--server", &stub.url], &[]);
        assert!(ran.out.contains("server.port = 8081\n  \u{1b}[2muser/application.yml:3:9\u{1b}[0m\n"), "{}", ran.out);
        let stub = Stub::new(answer("200 OK", "application/json", REPORT));
        let ran = run_on_terminal(&["explain", "user", "--server", &stub.url], &[("NO_COLOR", "1")]);
        assert!(!ran.out.contains('\u{1b}'), "{}", ran.out);
    }

    #[test]
    fn json_is_printed_as_received() {
        let stub = Stub::new(answer("200 OK", "application/json", REPORT));
        let ran = run(&["explain", "user", "--format", "json", "--server", &stub.url], &[]);
        assert_eq!(ran.out, format!("{REPORT}\n"));
    }

    #[test]
    fn a_key_without_value_is_a_no_and_another_answer_is_none() {
        let empty = r#"{"application":"user","profiles":["default"],"label":null,"version":null,"keys":[]}"#;
        let stub = Stub::new(answer("200 OK", "application/json", empty));
        let ran = run(&["explain", "user", "--key", "a", "--server", &stub.url], &[]);
        assert_eq!((ran.code, ran.err.as_str()), (1, "error: `a` has no value\n"));
        let stub = Stub::new(answer("200 OK", "text/html", "<html>"));
        let ran = run(&["explain", "user", "--server", &stub.url], &[]);
        assert_eq!(ran.code, 3);
        assert!(ran.err.starts_with("error: the answer is no explanation: "), "{}", ran.err);
    }

    #[test]
    fn a_repository_and_a_server_exclude_each_other() {
        let ran = run(&["explain", "user", "--repo", ".", "--server", "http://h"], &[]);
        assert_eq!(ran.code, 2);
    }
}
