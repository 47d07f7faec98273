//! `layerd health`: is a server ready? For the health checks of containers, so that its image needs no curl.

use std::time::Duration;

use super::client::Server;
use super::console::{Console, Exit, Failure};

/// Orchestrators give a check a few seconds; a word in time is better than being killed.
const TIME: Duration = Duration::from_millis(2500);

/// Ask a server whether it is ready: exit code 0 if so, else 1
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  layerd health
  layerd health http://127.0.0.1:8888")]
pub(super) struct Args {
    /// The server to ask [default: LAYERD_URL, else http://127.0.0.1:8888]
    url: Option<String>,
}

impl Args {
    pub(super) fn run(&self, console: &mut Console<'_>) -> Result<Exit, Failure> {
        let server = Server::new(self.url.as_deref(), console.environment)?;
        match server.get(&["health", "ready"], &[], TIME).and_then(super::client::Reply::body) {
            Ok(_) => console.print("ready\n")?,
            Err(failure) => {
                // To a probe, no server and one that is not ready are the same.
                console.fail(&failure);
                return Ok(Exit::No);
            }
        }
        Ok(Exit::Done)
    }
}

#[cfg(test)]
mod tests {
    use crate::cli::testing::{Stub, answer, run, silent_url};

    #[test]
    fn a_ready_server_is_a_yes() {
        let stub = Stub::new(answer("200 OK", "application/json", "{}"));
        let ran = run(&["health", &stub.url], &[]);
        assert_eq!((ran.code, ran.out.as_str(), ran.err.as_str()), (0, "ready\n", ""));
        assert!(stub.request().starts_with("GET /health/ready HTTP/1.1\r\n"));
    }

    #[test]
    fn a_server_that_is_not_ready_or_not_there_is_a_no_with_a_word() {
        let problem = r#"{"detail":"the source `config` was not read so far"}"#;
        let stub = Stub::new(answer("503 Service Unavailable", "application/problem+json", problem));
        let ran = run(&["health"], &[("LAYERD_URL", &stub.url)]);
        let told = "error: the source `config` was not read so far\n";
        assert_eq!((ran.code, ran.out.as_str(), ran.err.as_str()), (1, "", told));
        let ran = run(&["health", &silent_url()], &[]);
        assert_eq!((ran.code, ran.out.as_str()), (1, ""));
        assert!(ran.err.contains("cannot be reached: Connection refused"), "{}", ran.err);
    }

    #[test]
    fn a_url_that_is_none_is_wrong_usage() {
        assert_eq!(run(&["health", "localhost"], &[]).code, 2);
    }
}
