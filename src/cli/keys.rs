//! `--keys` and `--settings`: with what a local command opens and seals, and how it tells that something does not open.

use std::sync::Arc;

use crate::secret::error::OpenError;
use crate::secret::key::{Key, KeyError, KeyId};
use crate::secret::keyring::Keyring;
use crate::secret::spring::{DEFAULT_SALT, SpringKey};
use crate::settings::keys::{LONGEST_FILE, Loader};
use crate::settings::{self, Environment, Flags, Purpose, SecretSettings};
use crate::snapshot::{OnFailure, Secrets};
use crate::source::private::{self, Unfit};

use super::console::{Exit, Failure, plain};
use super::settings_file::SettingsArgs;

/// What to do where keys are missing.
pub(super) const NAME_KEYS: &str =
    "name the keys with --keys ID=FILE, or the settings that name them with --settings FILE";

/// Where keys come from.
#[derive(Debug, clap::Args)]
pub(super) struct KeyArgs {
    /// A key: its id and the file that holds it; may be repeated, and the first one seals
    #[arg(long, help_heading = "Keys", value_name = "ID=FILE")]
    keys: Vec<String>,
    /// The file with the pass phrase of values in Spring's form (`encrypt.key`)
    #[arg(long, help_heading = "Keys", value_name = "FILE")]
    spring_key_file: Option<String>,
    /// The salt that goes with it (`encrypt.salt`) [default: deadbeef]
    #[arg(long, help_heading = "Keys", value_name = "HEX", requires = "spring_key_file")]
    spring_salt: Option<String>,
    /// Its keys are taken where none are named here.
    #[command(flatten)]
    pub(super) settings: SettingsArgs,
}

/// How a command reads a repository.
#[derive(Clone)]
pub(super) struct ReadBy {
    /// What opens sealed values.
    pub(super) secrets: Secrets,
    /// The settings that it is read by.
    pub(super) settings: SettingsArgs,
}

impl KeyArgs {
    /// True if no key was named.
    pub(super) const fn is_empty(&self) -> bool {
        self.keys.is_empty() && self.settings.settings.is_none() && self.spring_key_file.is_none()
    }

    /// How a command that serves nobody reads a repository.
    pub(super) fn secrets(&self, environment: &Environment) -> Result<ReadBy, Failure> {
        self.reading(OnFailure::Tell, environment)
    }

    /// How a repository is read, with what is done about values that do not open.
    pub(super) fn reading(&self, on_failure: OnFailure, environment: &Environment) -> Result<ReadBy, Failure> {
        let ring = match self.ring(None, environment) {
            // Where a repository is checked are not always the keys of the server.
            Err(_) if self.lacks_keys(environment)? => Keyring::default(),
            ring => ring?,
        };
        Ok(ReadBy { secrets: Secrets { ring: Arc::new(ring), on_failure }, settings: self.settings.clone() })
    }

    /// True if the settings name keys, and none of their files is on this machine.
    fn lacks_keys(&self, environment: &Environment) -> Result<bool, Failure> {
        if !self.keys.is_empty() || self.spring_key_file.is_some() {
            return Ok(false);
        }
        let Some(settings) = self.settings.load(environment)? else { return Ok(false) };
        let loader = Loader::new(settings.secrets);
        let mut files = loader.files().peekable();
        Ok(files.peek().is_some() && files.all(|file| !file.exists()))
    }

    /// The keys, of which `seals` seals, or else the first.
    pub(super) fn ring(&self, seals: Option<&KeyId>, environment: &Environment) -> Result<Keyring, Failure> {
        if self.keys.is_empty() && self.spring_key_file.is_none() {
            return self.ring_of_settings(seals, environment);
        }
        let read = |text: &String| read_key(text, environment);
        let keys = self.keys.iter().map(read).collect::<Result<Vec<_>, _>>()?;
        let ring = Keyring::new(keys, seals, self.spring(environment)?);
        ring.map_err(|error| Failure::new(Exit::Usage, error.to_string()).with_hint(NAME_KEYS))
    }

    /// The keys of the settings file, or of variables such as `LAYERD_SECRETS__KEYS__0__FILE`.
    fn ring_of_settings(&self, seals: Option<&KeyId>, environment: &Environment) -> Result<Keyring, Failure> {
        let is_set = environment.variables.keys().any(|name| name.starts_with("LAYERD_SECRETS__"));
        let secrets = match self.settings.load(environment)? {
            Some(settings) => settings.secrets,
            None if is_set => {
                let loaded = settings::load(&Flags::default(), environment, Purpose::Show);
                loaded.map_err(Failure::Refused)?.settings.secrets
            }
            None => SecretSettings::default(),
        };
        let encrypt_with = seals.cloned().or(secrets.encrypt_with);
        let is_absent = |wanted: &&KeyId| secrets.keys.iter().all(|key| key.id != **wanted);
        if let Some(absent) = encrypt_with.as_ref().filter(is_absent) {
            return Err(
                Failure::new(Exit::Usage, format!("there is no key `{absent}` to encrypt with")).with_hint(NAME_KEYS)
            );
        }
        let ring = Loader::new(SecretSettings { encrypt_with, ..secrets }).load();
        ring.map_err(|error| Failure::new(Exit::Settings, error.to_string()))
    }

    fn spring(&self, environment: &Environment) -> Result<Option<SpringKey>, Failure> {
        let Some(name) = &self.spring_key_file else { return Ok(None) };
        let phrase = private::read_line(&environment.directory.join(name), LONGEST_FILE);
        let phrase = phrase.map_err(|unfit| unfit_file(&unfit))?;
        let salt = self.spring_salt.as_deref().unwrap_or(DEFAULT_SALT);
        let refuse = |error: KeyError| match error {
            KeyError::Salt => Failure::new(Exit::Usage, format!("--spring-salt: {error}")),
            _ => Failure::new(Exit::Usage, format!("`{}`: {error}", plain(name))),
        };
        SpringKey::new(phrase.expose(), salt).map(Some).map_err(refuse)
    }
}

/// A key id as an argument.
pub(super) fn key_id(text: &str) -> Result<KeyId, Failure> {
    KeyId::new(text).map_err(|error| Failure::new(Exit::Usage, format!("`{}`: {error}", plain(text))))
}

/// Why a value does not open, and what to do about it, in words for the command line.
pub(super) fn told(error: &OpenError) -> (String, &'static str) {
    let message = match error {
        OpenError::NoKey { id: Some(id) } => format!("the value is sealed with key `{id}`, and no key was named"),
        OpenError::NoKey { id: None } => {
            "the value is sealed in Spring's form, and no pass phrase was named".to_owned()
        }
        other => other.to_string(),
    };
    let hint = match error {
        OpenError::NoKey { id: None } => "name the file with the pass phrase with --spring-key-file FILE",
        OpenError::NoKey { id: Some(_) } | OpenError::UnknownKey { .. } => NAME_KEYS,
        other => other.hint(),
    };
    (message, hint)
}

fn read_key(text: &str, environment: &Environment) -> Result<(KeyId, Key), Failure> {
    let named = text.split_once('=').filter(|(_, name)| !name.is_empty());
    let (id, name) = named.ok_or_else(|| {
        Failure::new(Exit::Usage, format!("--keys: `{}` is not ID=FILE", plain(text)))
            .with_hint("for example --keys prod-2026a=prod-2026a.key")
    })?;
    let text = private::read(&environment.directory.join(name), LONGEST_FILE).map_err(|unfit| unfit_file(&unfit))?;
    let key = Key::from_text(text.expose());
    let refuse = |error: KeyError| {
        Failure::new(Exit::Usage, format!("`{}`: {error}", plain(name)))
            .with_hint("the file holds the one line that `layerd keygen` has printed")
    };
    Ok((key_id(id)?, key.map_err(refuse)?))
}

/// Why the file of a key is not read.
fn unfit_file(unfit: &Unfit) -> Failure {
    let failure = Failure::new(Exit::Usage, plain(&unfit.message));
    match unfit.hint {
        Some(hint) => failure.with_hint(hint),
        None => failure,
    }
}
