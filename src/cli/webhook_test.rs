//! `layerd webhook-test`: a signed push, sent to a running server as a Git host would send it.

use std::path::PathBuf;
use std::time::Duration;

use crate::http::webhook::host::Host;
use crate::http::webhook::sample;
use crate::source::private;

use super::client::{Server, ServerArg};
use super::console::{Console, Exit, Failure, plain};

const TIME: Duration = Duration::from_secs(30);

/// The longest secret, in bytes.
const LONGEST: usize = 4 << 10;

/// Send a signed sample of a webhook to a running server
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  layerd webhook-test github --secret-file /run/secrets/github-webhook
  layerd webhook-test gitlab --secret-file secret --branch release --server https://config.example.org

The server fetches at once if its `webhooks.secrets` holds the same secret. Ends with 2 if it does not believe the delivery.")]
pub(super) struct WebhookTestArgs {
    /// The Git host: github, gitlab, gitea, forgejo, gogs, bitbucket, azure, gitee or generic
    #[arg(value_name = "KIND", value_parser = host)]
    host: Host,
    /// The file with the secret that the webhook is signed with
    #[arg(long, value_name = "FILE")]
    secret_file: PathBuf,
    /// The branch that the sample says was pushed
    #[arg(long, default_value = "main")]
    branch: String,
    #[command(flatten)]
    server: ServerArg,
}

fn host(name: &str) -> Result<Host, String> {
    Host::of_name(name).ok_or_else(|| {
        let names: Vec<_> = Host::ALL.iter().map(|(name, _)| *name).collect();
        format!("the kinds are {}", names.join(", "))
    })
}

impl WebhookTestArgs {
    pub(super) fn run(&self, console: &mut Console<'_>) -> Result<Exit, Failure> {
        let server = Server::new(self.server.server.as_deref(), console.environment)?;
        let path = console.environment.directory.join(&self.secret_file);
        let secret = private::read_line(&path, LONGEST).map_err(|unfit| {
            let failure = Failure::new(Exit::Usage, format!("the secret {}", unfit.message));
            unfit.hint.map_or_else(|| Failure::new(Exit::Usage, unfit.message.clone()), |hint| failure.with_hint(hint))
        })?;
        let (event, body) = sample(self.host, &self.branch);
        let event = event.into_iter().map(|(name, value)| (name, value.to_owned()));
        let headers: Vec<_> = event.chain(self.host.sign(body.as_bytes(), &secret)).collect();
        server.deliver(&["api", "v1", "webhooks", self.host.name()], &headers, body, TIME)?.body()?;
        console.print(&format!("accepted: the server fetches `{}` now\n", plain(&self.branch)))?;
        Ok(Exit::Done)
    }
}

#[cfg(test)]
mod tests {
    use crate::cli::testing::run;

    #[test]
    fn an_unknown_kind_and_a_missing_secret_are_wrong_usage() {
        let ran = run(&["webhook-test", "sourceforge", "--secret-file", "x"], &[]);
        assert!(ran.code == 2 && ran.err.contains("the kinds are github, gitlab,"), "{}", ran.err);
        let ran = run(&["webhook-test", "github", "--secret-file", "/nowhere/at/all"], &[]);
        assert!(ran.code == 2 && ran.err.contains("/nowhere/at/all"), "{}", ran.err);
    }
}
