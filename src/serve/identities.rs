//! Who may do what, as the settings say; and the file of access tokens, read at the start, and again when it changes or a
//! signal asks for it.
//!
//! A file that cannot be read, or that holds something that is not understood, ends the start. While the server runs it
//! changes nothing: the tokens in force stay, and that is logged once and counted.

use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use prometheus_client::metrics::counter::Counter;
use prometheus_client::registry::Registry;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::{error, info};

use crate::access::token::{LARGEST_FILE, TokenFile, Tokens};
use crate::audit::AuditLog;
use crate::http::access::{Access, Identities};
use crate::settings::Settings;
use crate::source::private;

use super::ServeError;

/// How often the file is looked at. A token that was taken out of it ends within this time, so it is short; a look is one
/// question to the file system.
const PERIOD: Duration = Duration::from_secs(2);

/// What changes when a file is written anew.
type Stamp = (u64, u64, i64, i64);

/// Who may do what, as the settings say.
///
/// # Errors
/// If there is a file of tokens that cannot be used, or the system gives no random bytes.
pub(super) fn access(settings: &Settings, audit: Option<AuditLog>) -> Result<Opened, ServeError> {
    if !settings.access.has_identities() {
        let access = Access::open(settings.secrets.decrypt).audited(audit);
        return Ok(Opened { access: Arc::new(access), file: None });
    }
    // Before it is read, so that a change that comes in between is seen at the first look.
    let file = settings.access.tokens_file.as_ref().map(|path| (path.clone(), stamp(path)));
    let tokens = file.as_ref().map(|(path, _)| load(path)).transpose().map_err(ServeError::Tokens)?;
    let identities = Identities { tokens: tokens.unwrap_or_default(), users: settings.access.users.clone() };
    let mut key = [0; 32];
    getrandom::fill(&mut key).map_err(std::io::Error::other)?;
    Ok(Opened { access: Arc::new(Access::asking(identities, key).audited(audit)), file })
}

/// Who may do what, and the file that it was read from with how that looked.
pub(super) struct Opened {
    /// Who may do what.
    pub(super) access: Arc<Access>,
    file: Option<(PathBuf, Option<Stamp>)>,
}

/// Registers what is counted, and follows the file of tokens if there is one. The handle asks for a look at it at once.
pub(super) fn start(
    opened: Opened,
    registry: &mut Registry,
    tasks: &TaskTracker,
    shutdown: &CancellationToken,
) -> Arc<Notify> {
    let Opened { access, file } = opened;
    access.register(registry);
    let asked = Arc::new(Notify::new());
    if let Some((path, seen)) = file {
        let failures = Counter::default();
        let help = "Reloads of the token file that failed; the tokens in force stay";
        registry.register("layerd_token_reload_failures", help, failures.clone());
        let (asked, shutdown) = (Arc::clone(&asked), shutdown.clone());
        tasks.spawn(async move { shutdown.run_until_cancelled(follow((path, seen), access, asked, failures)).await });
    }
    asked
}

/// Reads the tokens of a file. It holds no token, but whoever can change it can let himself in.
///
/// # Errors
/// Everything that is wrong with it, a line each, with its name.
fn load(path: &Path) -> Result<Tokens, String> {
    let name = path.display();
    let text = private::read(path, LARGEST_FILE).map_err(|unfit| {
        let hint = unfit.hint.map(|hint| format!("\nhint: {hint}")).unwrap_or_default();
        format!("the token file {}{hint}", unfit.message)
    })?;
    let file = TokenFile::parse(text.expose()).map_err(|error| format!("`{name}` is not a file of tokens: {error}"))?;
    Tokens::new(&file).map_err(|errors| {
        let told = errors.iter().map(|error| format!("{name}: {error}\nhint: {}", error.hint));
        told.collect::<Vec<_>>().join("\n")
    })
}

/// Takes over the tokens of the file whenever it changes, until the task is ended.
async fn follow(file: (PathBuf, Option<Stamp>), access: Arc<Access>, asked: Arc<Notify>, failures: Counter) {
    let (path, mut seen) = file;
    loop {
        // Whether it was asked for or is due makes no difference: what has not changed is not read.
        drop(tokio::time::timeout(PERIOD, asked.notified()).await);
        let now = stamp(&path);
        if now == seen {
            continue;
        }
        seen = now;
        match load(&path) {
            Ok(tokens) => {
                info!(tokens = tokens.len(), "access tokens are reloaded");
                access.reload(tokens);
            }
            Err(reason) => {
                failures.inc();
                error!("the access tokens in force stay: {reason}");
            }
        }
    }
}

/// How the file looks now; `None` if it cannot be seen.
fn stamp(path: &Path) -> Option<Stamp> {
    let found = fs::metadata(path).ok()?;
    Some((found.ino(), found.len(), found.mtime(), found.mtime_nsec()))
}
