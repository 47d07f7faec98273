//! `layerd decrypt`: a sealed value from standard input or from a file is printed, or opened where it stands.

use zeroize::Zeroizing;

use std::path::Path;

use crate::config::secret_string::SecretString;
use crate::format::splice::Spot;
use crate::secret::error::OpenError;
use crate::secret::keyring::Keyring;
use crate::secret::place::{Context, Place};
use crate::secret::sealed::Sealed;

use super::console::{Console, Exit, Failure, plain};
use super::input;
use super::keys::{KeyArgs, told};
use super::place::PlaceArgs;
use super::secrets::file::{ConfigFile, Edit};
use super::secrets::root::RulesArgs;

/// Open a sealed value, or values of a file where they stand
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  layerd decrypt user-service/application-production.yml datasource.password --keys prod-2026a=prod.key
  layerd decrypt --application user-service --profile production --key datasource.password --keys prod-2026a=prod.key
  layerd decrypt --in-place user-service/application.yml datasource.password --settings layerd.yaml

Without FILE the sealed value comes from standard input, with or without quotes.")]
pub(super) struct Args {
    #[command(flatten)]
    place: PlaceArgs,
    /// Write the plain values into FILE instead of printing one; comments and layout stay
    #[arg(long, requires = "names")]
    in_place: bool,
    /// The file and the key of a sealed value in it; several keys with --in-place
    #[arg(value_names = ["FILE", "KEY"], num_args = 2.., conflicts_with_all = ["application", "profile", "key", "file"])]
    names: Vec<String>,
    /// The root of the configuration [default: the Git repository that FILE is in]
    #[arg(long, value_name = "DIR", requires = "names")]
    root: Option<String>,
    #[command(flatten)]
    rules: RulesArgs,
    #[command(flatten)]
    keys: KeyArgs,
}

impl Args {
    pub(super) fn run(&self, console: &mut Console<'_>) -> Result<Exit, Failure> {
        if let Some((file, keys)) = self.names.split_first() {
            let ring = self.keys.ring(None, console.environment)?;
            let rules = |root: &Path| self.rules.rules(&self.keys.settings, root, console.environment);
            let file = ConfigFile::named(file, self.root.as_deref(), rules, console.environment)?;
            return match (self.in_place, keys) {
                (true, keys) => in_place(&file, keys, &ring, console),
                (false, [key]) => print_one(&file, key, &ring, console),
                (false, _) => Err(Failure::new(Exit::Usage, "one value is printed at a time")
                    .with_hint("name one KEY, or write all of them into the file with --in-place")),
            };
        }
        let text = input::secret(console, "sealed value")?;
        let sealed = parse(unquoted(&text))?;
        let environment = console.environment;
        let rules = self.rules.rules(&self.keys.settings, &environment.directory, environment)?;
        let spot = self.place.spot(sealed.context().unwrap_or(Context::Any), |path| rules.rank(path))?;
        let ring = self.keys.ring(None, console.environment)?;
        print(&open(&sealed, &spot.place(), &ring)?, console)
    }
}

fn print_one(file: &ConfigFile, key: &str, ring: &Keyring, console: &mut Console<'_>) -> Result<Exit, Failure> {
    let spots = sealed_spots(file, key)?;
    let [(_, sealed)] = spots.as_slice() else {
        let message = format!("{}: `{key}` stands in {} documents of the file", file.path, spots.len());
        return Err(Failure::new(Exit::No, plain(&message)).with_hint("see what is served with `layerd render`"));
    };
    print(&open(sealed, &file.place(&spots[0].0.key), ring)?, console)
}

fn in_place(file: &ConfigFile, keys: &[String], ring: &Keyring, console: &mut Console<'_>) -> Result<Exit, Failure> {
    let mut edits: Vec<Edit> = Vec::new();
    for key in keys {
        for (spot, sealed) in sealed_spots(file, key)? {
            if edits.iter().any(|edit| edit.spot.range == spot.range) {
                continue;
            }
            let text = open(&sealed, &file.place(&spot.key), ring)?.expose().to_owned();
            edits.push(Edit { spot, text, context: None });
        }
    }
    file.rewrite(&edits)?;
    for Edit { spot, .. } in &edits {
        console.print(&plain(&format!("{}:{} {} is plain text\n", file.path, spot.at.line, spot.key)))?;
    }
    Ok(Exit::Done)
}

/// The sealed values at a key.
fn sealed_spots(file: &ConfigFile, key: &str) -> Result<Vec<(Spot, Sealed)>, Failure> {
    let mut sealed = Vec::new();
    for spot in file.find(key)? {
        if let Some(parsed) = Sealed::parse(&spot.text) {
            sealed.push((spot, parsed.map_err(|error| failure(&error))?));
        }
    }
    match sealed.is_empty() {
        true => Err(Failure::new(Exit::No, plain(&format!("{}: `{key}` is not sealed", file.path)))),
        false => Ok(sealed),
    }
}

fn parse(text: &str) -> Result<Sealed, Failure> {
    let parsed = Sealed::parse(text).unwrap_or(Err(OpenError::Malformed { reason: "it does not begin with {cipher}" }));
    parsed.map_err(|error| failure(&error))
}

fn open(sealed: &Sealed, place: &Place<'_>, ring: &Keyring) -> Result<SecretString, Failure> {
    ring.open(sealed, place).map_err(|error| failure(&error))
}

fn failure(error: &OpenError) -> Failure {
    let (message, hint) = told(error);
    Failure::new(Exit::No, message).with_hint(hint)
}

fn print(value: &SecretString, console: &mut Console<'_>) -> Result<Exit, Failure> {
    let mut line = Zeroizing::new(String::with_capacity(value.expose().len() + 1)); // no growth leaves plain text behind
    line.push_str(value.expose());
    line.push('\n');
    console.print(&line)?;
    Ok(Exit::Done)
}

/// A value as it was copied out of a file.
fn unquoted(text: &str) -> &str {
    let text = text.trim();
    let inside = |quote| text.strip_prefix(quote).and_then(|text| text.strip_suffix(quote));
    inside('\'').or_else(|| inside('"')).unwrap_or(text)
}
