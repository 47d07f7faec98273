//! `layerd serve`: the flags of a server, and from there to the running server.

use std::io::{self, Write as _};
use std::net::SocketAddr;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use tracing::warn;

use crate::serve;
use crate::settings::{self, Flags, Loaded, Purpose};
use crate::store::Store;
use crate::store::status::{LabelStatus, SourceStatus};
use crate::telemetry;

use super::console::{Console, Exit, Failure};

/// Serve a folder, a Git repository, or what the settings name
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  layerd serve config-repo
  layerd serve --git https://git.example.org/team/config.git --label main
  layerd serve --settings layerd.yaml --listen 127.0.0.1:0

Settings come from the file, then variables (LAYERD_HTTP__LISTEN), then flags; later ones win. Ends with 78 if they are
refused. SIGTERM finishes the requests under way; SIGHUP fetches now, and reads the key files.")]
pub(super) struct Args {
    #[command(flatten)]
    settings: Flags,
}

impl Args {
    pub(super) fn run(&self, console: &mut Console<'_>) -> Result<Exit, Failure> {
        let loaded = load(&self.settings, Purpose::Serve, console)?;
        serve(loaded, console)
    }
}

/// Loads the settings and tells what is probably not meant.
pub(super) fn load(flags: &Flags, purpose: Purpose, console: &mut Console<'_>) -> Result<Loaded, Failure> {
    let loaded = settings::load(flags, console.environment, purpose).map_err(Failure::Refused)?;
    for warning in &loaded.warnings {
        console.say(&format!("warning: {warning}\n"));
    }
    Ok(loaded)
}

/// Serves until a signal ends it.
fn serve(loaded: Loaded, console: &mut Console<'_>) -> Result<Exit, Failure> {
    let refused = |error: &dyn std::fmt::Display| Failure::new(Exit::Settings, error.to_string());
    let telemetry = telemetry::init(&loaded.settings.telemetry, console.err_is_terminal, console.has_no_color())
        .map_err(|error| refused(&error))?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().map_err(|error| refused(&error))?;
    let is_terminal = console.is_terminal;
    let listening = |address: SocketAddr, store: &Store| announce(greeting(address, store, is_terminal));
    let served = runtime.block_on(serve::serve(loaded.settings, &telemetry, listening));
    // A fetch that hangs holds a thread that nothing can end; the process ends without it.
    runtime.shutdown_timeout(Duration::from_millis(100));
    // Everything that was logged stands above what the console says.
    drop(telemetry);
    served.map(|()| Exit::Done).map_err(|error| refused(&error))
}

/// Prints the first lines. Whether and when anybody takes them is nothing to the server.
fn announce(text: String) {
    let (done, is_done) = mpsc::channel();
    let print = move || {
        let mut out = io::stdout();
        if let Err(error) = out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
            warn!("the first line cannot be written to standard output: {error}");
        }
        drop(done);
    };
    if thread::Builder::new().name("first line".to_owned()).spawn(print).is_ok() {
        // Usually it is there before anything else is said.
        let _: Result<(), _> = is_done.recv_timeout(Duration::from_millis(200));
    }
}

/// The line that programs wait for and, for people, what there is and how to ask for it.
fn greeting(address: SocketAddr, store: &Store, is_terminal: bool) -> String {
    let line = format!("listening on http://{address}\n");
    let labels: Vec<_> = store.status().iter().filter_map(SourceStatus::default).collect();
    let mut names = labels.iter().flat_map(LabelStatus::applications);
    let (true, Some(first)) = (is_terminal, names.next()) else { return line };
    let others = names.map(|name| format!(", {name}")).collect::<String>();
    format!(
        "{line}serving {first}{others}\n\n\
         try: curl http://{address}/api/v1/config/{first}/production\n     \
         curl http://{address}/api/v1/explain/{first}/production\n"
    )
}

#[cfg(test)]
mod tests {
    use crate::cli::testing::run;

    #[test]
    fn settings_that_are_refused_end_with_78_and_a_line_for_each_mistake() {
        let ran = run(&["serve", "--listen", "0.0.0.0:1"], &[("LAYERD_LIMITS__COLD", "x"), ("LAYERD_LABL", "main")]);
        let expected = "\
warning: LAYERD_LABL: `LAYERD_LABL` is no setting; it has no effect
hint: did you mean `LAYERD_LABEL`?
error: LAYERD_LIMITS__COLD: `limits.cold` is `x`, but takes a number from 1 to 256
error: there is no source to serve
hint: run `layerd serve DIR` or `layerd serve --git URL`, or name one under `sources` in the settings file
error: --listen: `http.listen` is 0.0.0.0:1, which others can reach, without authentication and TLS
hint: if they may read everything, add `http: { insecure-open: true }` to the settings file, or `--insecure-open`
";
        assert_eq!((ran.code, ran.out.as_str(), ran.err.as_str()), (78, "", expected));
    }
}
