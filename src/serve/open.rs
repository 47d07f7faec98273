//! Sources as the settings describe them, opened: mirrors locked, folders found, nothing fetched yet.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use globset::{GlobBuilder, GlobSet, GlobSetBuilder};

use crate::config::foreign;
use crate::config::locations::Locations;
use crate::config::secret_string::SecretString;
use crate::config::semantics::Semantics;
use crate::settings::{CredentialSettings, Place, Settings, SourceSettings};
use crate::snapshot::own::{self, Fixed};
use crate::snapshot::{Rules, Secrets};
use crate::source::dir::{self, DirSource};
use crate::source::fetch::worker::Worker;
use crate::source::git::{self, GitSource};
use crate::source::remote::credentials::Credentials;
use crate::source::remote::template::Template;
use crate::source::remote::tls_files::Files;
use crate::source::remote::{Remote, RemoteError};
use crate::source::{self, ReadError, SetupError, fetch};
use crate::store::change::Feed;
use crate::store::discovered::Opener;
use crate::store::live::{self, Live};
use crate::store::patterns::Patterns;

use super::keys;

/// Why a server did not start.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// A source cannot be opened as the settings describe it.
    #[error("source `{name}`: {error}")]
    Source {
        /// The name of the source.
        name: String,
        /// What is wrong.
        error: SetupError,
    },
    /// The folder to serve cannot be read.
    #[error(
        "source `{name}`: {error}\nhint: name the folder that holds `application.yml`, `SERVICE.yml` or \
         `SERVICE/application.yml`"
    )]
    Folder {
        /// The name of the source.
        name: String,
        /// What is wrong.
        error: ReadError,
    },
    /// Keys of the settings cannot be used.
    #[error(transparent)]
    Keys(#[from] crate::settings::keys::LoadError),
    /// The audit log cannot be opened.
    #[error("the audit log {0}\nhint: it needs a file that the server may write, and that no other server writes")]
    Audit(std::io::Error),
    /// The tokens of the settings cannot be used.
    #[error("{0}")]
    Tokens(String),
    /// A secret of a webhook cannot be used.
    #[error("a secret of `webhooks.secrets` {0}")]
    Webhooks(String),
    /// The address cannot be listened on, or signals cannot be waited for.
    #[error(transparent)]
    System(#[from] std::io::Error),
}

/// What every source is opened with.
#[derive(Debug, Clone)]
pub struct Means {
    /// The settings of the server.
    pub settings: Arc<Settings>,
    /// What sealed values are opened with.
    pub secrets: Arc<ArcSwap<Secrets>>,
    /// Where it is told that other commits are served.
    pub feed: Arc<Feed>,
    /// Who fetches in a process of its own; `None` to fetch on the calling thread.
    pub worker: Option<Worker>,
}

/// An opened source that serves nothing yet.
pub struct Opened {
    /// The source.
    pub live: Arc<Live>,
    /// The same source, if it is a folder that can be watched.
    pub folder: Option<Arc<DirSource>>,
    /// How often it is asked for changes.
    pub period: Duration,
}

/// An entry of the settings' list of sources, made ready.
pub(super) enum Source {
    /// One source.
    One(Opened),
    /// Those that an address with placeholders leads to, each opened when it is asked for.
    Found {
        /// The address.
        template: Template,
        /// What stands for the label that a request does not name.
        label: Option<Arc<str>>,
        /// Opens one of them.
        open: Opener,
    },
}

impl Source {
    /// Opens the entry of that index.
    pub(super) fn open(index: usize, means: &Means) -> Result<Self, ServeError> {
        let source = &means.settings.sources[index];
        let template = match &source.place {
            Place::Git(url) => Template::parse(url)
                .map_err(|error| ServeError::Source { name: source.name.clone(), error: refused_url(&error) })?,
            Place::Dir(_) => None,
        };
        let Some(template) = template else { return open(source, means).map(Self::One) };
        // What would be wrong with every one of them is said now.
        rules(source, &means.settings).map_err(|error| ServeError::Source { name: source.name.clone(), error })?;
        let label = source.label.as_deref().map(Arc::from);
        let means = means.clone();
        let open = Box::new(move |remote, name| {
            let source = &means.settings.sources[index];
            open_found(source, remote, name, &means).map_err(|error| error.to_string())
        });
        Ok(Self::Found { template, label, open })
    }
}

/// The addresses that a source answers.
pub(super) fn matches(source: &SourceSettings) -> Result<Patterns, ServeError> {
    Patterns::parse(&source.matches).map_err(|error| {
        let error = SetupError { setting: "match", message: error.to_string() };
        ServeError::Source { name: source.name.clone(), error }
    })
}

fn open_found(source: &SourceSettings, remote: Remote, name: Arc<str>, means: &Means) -> Result<Arc<Live>, SetupError> {
    let uri = remote.to_string();
    let git = open_git(source, remote, means)?;
    Ok(Arc::new(live((name, &uri), source, means, Arc::new(git))?))
}

fn live(
    (name, uri): (Arc<str>, &str),
    source: &SourceSettings,
    means: &Means,
    opened: Arc<dyn source::Source>,
) -> Result<Live, SetupError> {
    let live = live::Settings {
        name,
        entry: Arc::from(source.name.as_str()),
        uri: Arc::from(uri.trim_end_matches('/')),
        label: source.label.as_deref().map(Arc::from),
        rules: rules(source, &means.settings)?,
        secrets: Arc::clone(&means.secrets),
        feed: Arc::clone(&means.feed),
        snapshots: means.settings.limits.snapshots,
    };
    Ok(Live::new(live, opened))
}

fn refused_url(error: &RemoteError) -> SetupError {
    SetupError { setting: "git", message: error.to_string() }
}

/// Opens a source. A Git source keeps its mirror locked for this process until it is dropped.
///
/// # Errors
/// If the settings of the source cannot mean anything, or another process uses its mirror.
pub fn open(source: &SourceSettings, means: &Means) -> Result<Opened, ServeError> {
    let refuse = |error| ServeError::Source { name: source.name.clone(), error };
    let (opened, folder, period): (Arc<dyn source::Source>, _, _) = match &source.place {
        Place::Git(url) => {
            let remote = url.parse().map_err(|error| refuse(refused_url(&error)))?;
            (Arc::new(open_git(source, remote, means).map_err(refuse)?), None, source.refresh)
        }
        Place::Dir(path) => {
            let folder = Arc::new(open_dir(source, path, &means.settings).map_err(refuse)?);
            (Arc::<DirSource>::clone(&folder), Some(folder), super::FOLDER_PERIOD)
        }
    };
    let name = Arc::from(source.name.as_str());
    let live = live((name, &uri(&source.place)), source, means, opened).map_err(refuse)?;
    Ok(Opened { live: Arc::new(live), folder, period })
}

/// Where a source is, as the settings say it but for user and password.
fn uri(place: &Place) -> String {
    let url = match place {
        Place::Git(url) => url,
        Place::Dir(path) => return format!("file:{}", path.display()),
    };
    let Some((scheme, rest)) = url.split_once("://") else { return foreign::without_logins(url).into_owned() };
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let url = rest[..end].rfind('@').map_or_else(|| url.clone(), |at| format!("{scheme}://{}", &rest[at + 1..]));
    foreign::without_logins(&url).into_owned()
}

fn open_dir(source: &SourceSettings, path: &Path, settings: &Settings) -> Result<DirSource, SetupError> {
    let opened = DirSource::new(dir::Settings {
        name: source.name.clone(),
        path: path.to_owned(),
        root: source.path.clone(),
        label: source.label.clone(),
        max_files: settings.limits.files,
        all_files: settings.semantics == Semantics::Spring,
        max_file_size: settings.limits.format.file as u64,
        locations: locations(source),
        own_files: own_files(settings),
        quiet: dir::QUIET,
    });
    // The repository may be read by Spring's rules because it says so itself.
    opened.map(|opened| if source.fixed.semantics { opened } else { opened.asking(own::wants_all_files) })
}

/// Where configuration is looked for under Spring's semantics.
fn locations(source: &SourceSettings) -> Locations {
    match source.locations_only {
        true => Locations::only(&source.locations),
        false => Locations::new(&source.locations),
    }
}

/// The files of the server itself, its settings and what they name: nobody means them to be served.
fn own_files(settings: &Settings) -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> = settings.file.iter().cloned().collect();
    files.extend(keys::Loader::new(settings.secrets.clone()).files().map(Path::to_owned));
    files.extend(settings.access.tokens_file.clone());
    files.extend(settings.audit.iter().filter_map(|audit| audit.file().map(Path::to_owned)));
    for credentials in settings.sources.iter().map(|source| &source.credentials) {
        let named = [&credentials.password_file, &credentials.token_file, &credentials.ssh_key_file];
        files.extend(named.into_iter().chain([&credentials.client_key_file]).flatten().cloned());
    }
    files
}

fn open_git(source: &SourceSettings, url: Remote, means: &Means) -> Result<GitSource, SetupError> {
    let settings = &means.settings;
    let given = &source.credentials;
    GitSource::new(git::Settings {
        name: source.name.clone(),
        url,
        label: source.label.clone(),
        labels: source.labels.clone(),
        path: source.path.clone(),
        credentials: credentials(given),
        files: Files {
            ssh_key: given.ssh_key_file.clone(),
            known_hosts: given.known_hosts_file.clone(),
            ca: given.ca_file.clone(),
            client_cert: given.client_cert_file.clone(),
            client_key: given.client_key_file.clone(),
        },
        depth: source.depth,
        worker: means.worker.clone(),
        state: settings.state.clone(),
        max_files: settings.limits.files,
        limits: fetch::Limits { time: source.fetch_time, bytes: source.fetch_size, ..fetch::Limits::default() },
    })
}

fn credentials(given: &CredentialSettings) -> Credentials {
    let username = given.username.clone();
    let file = |path: &PathBuf| Credentials::File { username: username.clone(), path: path.clone() };
    let value = |secret: &SecretString| Credentials::Value { username: username.clone(), password: secret.clone() };
    let files = given.password_file.as_ref().or(given.token_file.as_ref());
    let values = given.password.as_ref().or(given.token.as_ref());
    files.map(file).or_else(|| values.map(value)).unwrap_or_default()
}

/// What the settings say about the files of a source.
///
/// # Errors
/// If they cannot mean anything.
pub fn rules(source: &SourceSettings, settings: &Settings) -> Result<Rules, SetupError> {
    let refuse = |error: globset::Error| SetupError { setting: "ignore", message: format!("{error}") };
    let mut ignore = GlobSetBuilder::new();
    for glob in &source.ignore {
        ignore.add(GlobBuilder::new(glob).literal_separator(true).build().map_err(refuse)?);
    }
    let ignore: GlobSet = ignore.build().map_err(refuse)?;
    let search_paths = source.search_paths.clone();
    // What Spring's settings say is in force whatever they leave out.
    let fixed = Fixed { semantics: source.fixed.semantics || settings.semantics.is_spring(), ..source.fixed };
    Ok(Rules {
        semantics: settings.semantics,
        search_paths,
        locations: locations(source),
        path: source.path.clone(),
        search_paths_written: source.search_paths_written.clone(),
        ignore,
        ignore_written: source.ignore.clone(),
        limits: settings.limits.format,
        files: settings.limits.files,
        schemas: source.schemas,
        fixed,
    })
}
