//! `--keys` and `--settings`: with what a local command opens and seals, and how it tells that something does not open.

use std::sync::Arc;

use crate::secret::error::OpenError;
use crate::secret::key::{Key, KeyError, KeyId};
use crate::secret::keyring::Keyring;
use crate::secret::spring::{DEFAULT_SALT, SpringKey};
use crate::settings::keys::{LONGEST_FILE, Loader};
use crate::settings::{self, Environment, Flags, Purpose, SecretSettings, Settings};
use crate::snapshot::{OnFailure, Secrets};
use crate::source::private::{self, Unfit};

use super::console::{Exit, Failure, plain};

/// What to do where keys are missing.
pub(super) const NAME_KEYS: &str =
    "name the keys with --keys ID=FILE, or the settings that name them with --settings FILE";

/// Where keys come from.
#[derive(Debug, clap::Args)]
pub(super) struct KeyArgs {
    /// A key: its id and the file that holds it; may be repeated, and the first one seals
    #[arg(long, help_heading = "Keys", value_name = "ID=FILE")]
    keys: Vec<String>,
    /// The settings file of a server, whose keys are taken where none are named here
    #[arg(long, help_heading = "Keys", value_name = "FILE")]
    settings: Option<String>,
    /// The file with the pass phrase of values in Spring's form (`encrypt.key`)
    #[arg(long, help_heading = "Keys", value_name = "FILE")]
    spring_key_file: Option<String>,
    /// The salt that goes with it (`encrypt.salt`) [default: deadbeef]
    #[arg(long, help_heading = "Keys", value_name = "HEX", requires = "spring_key_file")]
    spring_salt: Option<String>,
}

impl KeyArgs {
    /// True if no key was named.
    pub(super) const fn is_empty(&self) -> bool {
        self.keys.is_empty() && self.settings.is_none() && self.spring_key_file.is_none()
    }

    /// What opens sealed values for a command that serves nobody.
    pub(super) fn secrets(&self, environment: &Environment) -> Result<Secrets, Failure> {
        Ok(Secrets { ring: Arc::new(self.ring(None, environment)?), on_failure: OnFailure::Tell })
    }

    /// The keys, of which `seals` seals, or else the first.
    pub(super) fn ring(&self, seals: Option<&KeyId>, environment: &Environment) -> Result<Keyring, Failure> {
        if self.settings.is_some() && (!self.keys.is_empty() || self.spring_key_file.is_some()) {
            return Err(Failure::new(Exit::Usage, "keys come from --settings or from the command line, not from both"));
        }
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
        let secrets = match self.settings.is_some() || is_set {
            true => self.load(environment)?.secrets,
            false => SecretSettings::default(),
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

    /// The settings of the server, if a file was named.
    pub(super) fn settings(&self, environment: &Environment) -> Result<Option<Settings>, Failure> {
        self.settings.as_ref().map(|_| self.load(environment)).transpose()
    }

    fn load(&self, environment: &Environment) -> Result<Settings, Failure> {
        let flags = Flags { settings: self.settings.clone(), ..Flags::default() };
        let loaded = settings::load(&flags, environment, Purpose::Show);
        Ok(loaded.map_err(Failure::Refused)?.settings)
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
