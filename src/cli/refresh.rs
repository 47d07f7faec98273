//! `layerd refresh`: asks a running server to fetch now, and tells what that changed.

use std::fmt::Write as _;
use std::time::Duration;

use serde::Deserialize;

use super::client::{Server, ServerArg};
use super::console::{Console, Exit, Failure, plain};

/// Longer than the server lets a fetch take, and one that is under way before it.
const TIME: Duration = Duration::from_secs(150);

/// How many characters of a commit id are shown.
const SHORT: usize = 7;

/// Ask a running server to fetch now, and tell what changed
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  layerd refresh
  layerd refresh --label main --server https://config.example.org

Ends with 3 if the server or its repository cannot be reached.")]
pub(super) struct Args {
    /// Tell of this label only
    #[arg(long)]
    label: Option<String>,
    #[command(flatten)]
    server: ServerArg,
}

/// What `POST /api/v1/refresh` answers.
#[derive(Debug, Deserialize)]
struct Report {
    labels: Vec<Label>,
}

#[derive(Debug, Deserialize)]
struct Label {
    label: String,
    from: Option<String>,
    to: Option<String>,
    #[serde(default)]
    files: Vec<String>,
    #[serde(default)]
    applications: Vec<Application>,
    #[serde(default)]
    problems: Vec<Problem>,
    error: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Application {
    application: String,
    profiles: Vec<String>,
}

#[derive(Debug, Deserialize)]
struct Problem {
    severity: Option<String>,
    file: String,
    line: u32,
    column: u32,
    message: String,
    hint: Option<String>,
}

impl Args {
    pub(super) fn run(&self, console: &mut Console<'_>) -> Result<Exit, Failure> {
        let server = Server::new(self.server.server.as_deref(), console.environment)?;
        let query: Vec<_> = self.label.iter().map(|label| ("label", label.as_str())).collect();
        let body = server.post(&["api", "v1", "refresh"], &query, TIME)?.body()?;
        let report: Report = serde_json::from_slice(&body).map_err(|error| {
            Failure::new(Exit::Unreachable, format!("the answer is no report of a refresh: {error}"))
                .with_hint("is the server a layerd of another version?")
        })?;
        for label in report.labels.iter().filter(|label| self.label.as_ref().is_none_or(|only| *only == label.label)) {
            console.print(&label.told())?;
            for problem in &label.problems {
                console.say(&problem.told());
            }
            if let Some(error) = &label.error {
                console.say(&plain(&format!("warning: the label `{}` stays where it was: {error}\n", label.label)));
            }
        }
        Ok(Exit::Done)
    }
}

impl Label {
    fn told(&self) -> String {
        let mut out = match (&self.from, &self.to) {
            (Some(from), Some(to)) if from == to => format!("{} {} unchanged\n", self.label, short(to)),
            (None, None) if self.error.is_some() => format!("{} cannot be read\n", self.label),
            (from, to) => {
                let from = from.as_deref().map_or("new", short);
                format!("{} {from} -> {}\n", self.label, to.as_deref().map_or("gone", short))
            }
        };
        for file in &self.files {
            let _infallible = writeln!(out, "  file {file}");
        }
        for Application { application, profiles } in &self.applications {
            let _infallible = writeln!(out, "  application {application} ({})", profiles.join(", "));
        }
        plain(&out)
    }
}

impl Problem {
    fn told(&self) -> String {
        let Self { severity, file, line, column, message, hint } = self;
        let hint = hint.as_ref().map(|hint| format!("hint: {hint}\n")).unwrap_or_default();
        let severity = severity.as_deref().unwrap_or("problem");
        plain(&format!("{severity}: {file}:{line}:{column}: {message}\n{hint}"))
    }
}

fn short(id: &str) -> &str {
    id.char_indices().nth(SHORT).map_or(id, |(end, _)| &id[..end])
}

#[cfg(test)]
mod tests {
    use crate::cli::testing::{Stub, answer, run, silent_url};

    const REPORT: &str = r#"{"labels":[
        {"source":"config","label":"main","from":"1a2b3c4d5e6f","to":"5d6e7f8a9b0c","files":["application.yml","user/application.yml"],
         "applications":[{"application":"user","profiles":["default","production"]}],
         "problems":[{"code":"duplicate-key","severity":"error","file":"user/application.yml","line":3,"column":1,"message":"twice","hint":"keep one"}]},
        {"source":"config","label":"next","from":null,"to":"5d6e7f8a9b0c","files":[],"applications":[],"problems":[]},
        {"source":"config","label":"old","from":"1a2b3c4d5e6f","to":null,"files":[],"applications":[],"problems":[]},
        {"source":"config","label":"v1","from":"1a2b3c4d5e6f","to":"1a2b3c4d5e6f","files":[],"applications":[],"problems":[]}]}"#;

    #[test]
    fn every_label_is_told_with_what_changed() {
        let stub = Stub::new(answer("200 OK", "application/json", REPORT));
        let ran = run(&["refresh", "--server", &stub.url], &[]);
        let expected = "\
main 1a2b3c4 -> 5d6e7f8
  file application.yml
  file user/application.yml
  application user (default, production)
next new -> 5d6e7f8
old 1a2b3c4 -> gone
v1 1a2b3c4 unchanged
";
        assert_eq!((ran.code, ran.out.as_str()), (0, expected));
        assert_eq!(ran.err, "error: user/application.yml:3:1: twice\nhint: keep one\n");
        let request = stub.request().to_lowercase();
        assert!(request.starts_with("post /api/v1/refresh http/1.1\r\n"), "{request}");
        assert!(!request.contains("\r\norigin:"), "{request}");
    }

    #[test]
    fn one_label_is_told_alone() {
        let stub = Stub::new(answer("200 OK", "application/json", REPORT));
        assert_eq!(run(&["refresh", "--label", "v1", "--server", &stub.url], &[]).out, "v1 1a2b3c4 unchanged\n");
        assert!(stub.request().starts_with("POST /api/v1/refresh?label=v1 "));
    }

    #[test]
    fn a_repository_that_is_not_reached_ends_with_three() {
        let problem = r#"{"title":"Bad Gateway","status":502,"detail":"https://h/x cannot be reached","labels":[]}"#;
        let stub = Stub::new(answer("502 Bad Gateway", "application/problem+json", problem));
        let ran = run(&["refresh", "--server", &stub.url], &[]);
        assert_eq!((ran.code, ran.out.as_str(), ran.err.as_str()), (3, "", "error: https://h/x cannot be reached\n"));
        assert_eq!(run(&["refresh", "--server", &silent_url()], &[]).code, 3);
    }
}
