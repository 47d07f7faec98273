//! File, environment and flags to the settings of the server, every mistake told at once.
//!
//! Floor 7. Each part owns the settings that it needs; here they are gathered, and nothing below imports this. Every
//! setting is a row of the table in `table/`. A later giver wins: default, file, variable, flag.

mod access;
mod audit;
mod build;
mod environment;
mod file;
mod flags;
mod inputs;
pub mod keys;
mod kind;
#[cfg(test)]
mod markdown;
mod nearest;
mod origin;
mod row;
mod schema;
mod secrets;
mod show;
mod spring;
mod structure;
mod table;
mod webhooks;

use std::fmt;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::audit::AuditSettings;
use crate::config::secret_string::SecretString;
use crate::config::select::SearchPaths;
use crate::schema::Mode;
use crate::snapshot::own::Fixed;
use crate::source::{private, regular};
use crate::{format, http, telemetry};

use inputs::Inputs;

pub use crate::config::semantics::Semantics;
pub use access::AccessSettings;
pub use environment::Environment;
pub use flags::Flags;
pub use origin::{Mistake, Origin, Refusal};
pub use schema::schema;
pub use secrets::{KeyPlace, KeySettings, PhrasePlace, SecretSettings, SpringSettings};
pub use webhooks::{SecretPlace, WebhookSettings};

/// The settings of a server.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Settings {
    /// How layers are ordered and values read.
    pub semantics: Semantics,
    /// Where configuration comes from, in the order in which sources are tried; none only if they were loaded to be shown.
    pub sources: Vec<SourceSettings>,
    /// The keys of sealed values, and what happens to a value that does not open.
    pub secrets: SecretSettings,
    /// Who may do what; without identities there is no authentication.
    pub access: AccessSettings,
    /// The secrets of webhooks.
    pub webhooks: Vec<WebhookSettings>,
    /// The audit log, if there is one.
    pub audit: Option<AuditSettings>,
    /// How the server listens, with the limits of requests.
    pub http: http::Settings,
    /// What the users' files and the answers may cost.
    pub limits: Limits,
    /// What is logged, and how.
    pub telemetry: telemetry::Settings,
    /// How Spring's clients are answered.
    pub spring: http::spring::Settings,
    /// The folder where mirrors live.
    pub state: PathBuf,
    /// The file that the settings were read from, if there is one. It is never served.
    pub file: Option<PathBuf>,
}

/// What the users' files and the answers may cost.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Limits {
    /// What one configuration file may cost.
    pub format: format::Limits,
    /// Files in one commit.
    pub files: usize,
    /// Bytes of spelled answers kept.
    pub answers: u64,
    /// Commits kept in memory.
    pub snapshots: usize,
    /// Requests that read Git at once.
    pub cold: usize,
}

/// One source.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SourceSettings {
    /// Its name in metrics and logs: up to 64 letters, digits, `.`, `_` and `-`.
    pub name: String,
    /// Where it is.
    pub place: Place,
    /// The label that answers when none is asked for.
    pub label: Option<String>,
    /// Globs for the branches and tags that may be asked for.
    pub labels: Vec<String>,
    /// The sub-folder that is the root, empty for the whole repository.
    pub path: String,
    /// The folders that are searched.
    pub search_paths: SearchPaths,
    /// The folders that are searched, as written.
    pub search_paths_written: Vec<String>,
    /// The same under Spring's semantics, with its placeholders and wildcards.
    pub locations: Vec<String>,
    /// Nothing outside of those locations is served, not even the root.
    pub locations_only: bool,
    /// Globs for paths that are not configuration.
    pub ignore: Vec<String>,
    /// What of this its repository cannot change, because somebody has set it here.
    pub fixed: Fixed,
    /// Patterns of the addresses that it answers, `application` or `application/profile`.
    pub matches: Vec<String>,
    /// The source behind it takes part in its answers, below it.
    pub joins_next: bool,
    /// What the schemas of the repository are worth.
    pub schemas: Mode,
    /// How often it is asked for changes.
    pub refresh: Duration,
    /// How many commits of each label are fetched; `None` for all.
    pub depth: Option<u32>,
    /// How long one fetch may take.
    pub fetch_time: Duration,
    /// Bytes that one fetch may receive, and that the mirror may have on disk.
    pub fetch_size: u64,
    /// What it is read with.
    pub credentials: CredentialSettings,
}

/// Where a source is. Its debug text has stars for the user and password of a URL.
#[derive(Clone, PartialEq, Eq)]
pub enum Place {
    /// The URL or absolute path of a Git repository. It may hold a user and a password.
    Git(String),
    /// A folder of this machine.
    Dir(PathBuf),
}

impl Default for Place {
    fn default() -> Self {
        Self::Dir(PathBuf::new())
    }
}

impl fmt::Debug for Place {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Git(url) => out.debug_tuple("Git").field(&kind::address_shown(url)).finish(),
            Self::Dir(path) => out.debug_tuple("Dir").field(path).finish(),
        }
    }
}

/// What a source is read with. At most one of the four secrets is there.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct CredentialSettings {
    /// The user.
    pub username: Option<String>,
    /// The password of the user.
    pub password: Option<SecretString>,
    /// The file that holds the password.
    pub password_file: Option<PathBuf>,
    /// A token.
    pub token: Option<SecretString>,
    /// The file that holds the token.
    pub token_file: Option<PathBuf>,
    /// The private key for SSH.
    pub ssh_key_file: Option<PathBuf>,
    /// The host keys that SSH accepts.
    pub known_hosts_file: Option<PathBuf>,
    /// The authorities that may vouch for an https remote.
    pub ca_file: Option<PathBuf>,
    /// The certificate that is shown to an https remote.
    pub client_cert_file: Option<PathBuf>,
    /// The key of that certificate.
    pub client_key_file: Option<PathBuf>,
}

/// What settings are loaded for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// To serve, for which there must be a source.
    Serve,
    /// To be shown.
    Show,
}

/// Settings and how they came about.
#[derive(Debug)]
pub struct Loaded {
    /// The settings.
    pub settings: Settings,
    /// What is probably not meant.
    pub warnings: Vec<Mistake>,
    inputs: Inputs,
}

impl Loaded {
    /// The settings as a settings file, with the origin of each value as a comment and stars for secrets.
    #[must_use]
    pub fn to_yaml(&self) -> String {
        show::yaml(&self.inputs)
    }
}

/// Loads the settings, opening the file that the flags name.
///
/// # Errors
/// Everything that is wrong with them.
pub fn load(flags: &Flags, environment: &Environment, purpose: Purpose) -> Result<Loaded, Refusal> {
    let file = flags.file();
    let opened = file.map(|(name, flag)| open(name, flag, environment)).transpose();
    let (bytes, mistake) = match opened {
        Ok(bytes) => (bytes, None),
        Err(mistake) => (None, Some(mistake)),
    };
    let mut inputs = Inputs::default();
    if mistake.is_some() {
        inputs.lose_all();
    }
    inputs.mistakes.extend(mistake);
    let mut loaded = resolve(flags, bytes.as_deref(), environment, purpose, inputs)?;
    loaded.settings.file = file.map(|(name, _)| environment.directory.join(name));
    loaded.warnings.extend(loaded.settings.file.as_deref().and_then(|path| open_to_others(path, &loaded.inputs)));
    Ok(loaded)
}

/// A file that holds a secret and that others can read: a warning only, for it is read once and may hold nothing of worth.
fn open_to_others(path: &Path, inputs: &Inputs) -> Option<Mistake> {
    let (name, origin) = inputs.secret_of_file()?;
    let unfit = private::check(path).err()?;
    let warning = Mistake::new(origin, format!("`{name}` holds a secret, and the file {}", unfit.message));
    Some(Mistake { hint: unfit.hint.map(str::to_owned), ..warning })
}

fn open(name: &str, flag: &'static str, environment: &Environment) -> Result<Vec<u8>, Mistake> {
    let mut bytes = Vec::new();
    // One byte more than the reader takes, so that it can say that this is too much.
    let most = format::Limits::default().file as u64 + 1;
    let read =
        regular::open(&environment.directory.join(name)).and_then(|file| file.take(most).read_to_end(&mut bytes));
    let refuse = |error| Mistake::new(&Origin::Flag(flag), format!("`{name}` cannot be read: {error}"));
    read.map(|_| bytes).map_err(refuse)
}

fn resolve(
    flags: &Flags,
    file: Option<&[u8]>,
    environment: &Environment,
    purpose: Purpose,
    mut inputs: Inputs,
) -> Result<Loaded, Refusal> {
    if let (Some(name), Some(bytes)) = (&flags.settings, file) {
        let base = environment.directory.join(name);
        file::read(name, bytes, base.parent().unwrap_or(Path::new("")), &mut inputs);
    }
    let taken = match (&flags.from_spring, file) {
        (Some(name), Some(bytes)) => Some(spring::Taken::read(name, bytes, environment, &mut inputs)),
        _ => None,
    };
    if flags.name_a_source() {
        inputs.forget_all(table::SOURCES);
    }
    environment::read(environment, &mut inputs);
    flags.read(environment, &mut inputs);
    inputs.fill(environment);
    let mut settings = build::settings(&mut inputs, purpose);
    if let Some(taken) = taken {
        taken.put_into(&mut settings);
    }
    let warnings = std::mem::take(&mut inputs.warnings);
    if inputs.mistakes.is_empty() {
        Ok(Loaded { settings, warnings, inputs })
    } else {
        Err(Refusal { mistakes: inputs.mistakes, warnings })
    }
}

#[cfg(test)]
mod tests;
