//! `layerd encrypt`: a value from standard input becomes a sealed one, or values of a file are sealed where they stand.

use std::path::Path;

use crate::format::splice::{Kind, Spot};
use crate::secret::keyring::Keyring;
use crate::secret::place;
use crate::secret::sealed::is_sealed;

use super::console::{Console, Exit, Failure, plain};
use super::input;
use super::keys::KeyArgs;
use super::place::{Context, PlaceArgs};
use super::sealing::seal;
use super::secrets::file::{ConfigFile, Edit};
use super::secrets::root::RulesArgs;

/// Seal a value, or values of a file where they stand
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  layerd encrypt --application user-service --profile production --key datasource.password --keys prod-2026a=prod.key
  layerd encrypt --in-place user-service/application-production.yml datasource.password --keys prod-2026a=prod.key
  pass show db | layerd encrypt --application user-service --key datasource.password --settings layerd.yaml

The value comes from standard input, without one final line end, or is typed at the terminal. In YAML the sealed value
stands in quotes: password: '{cipher}...'. It opens only under its key and in files of that application and profile. A file
whose name can be read in two ways, such as user-service.yml in the root, has to be named: --file user-service.yml.")]
pub(super) struct Args {
    #[command(flatten)]
    place: PlaceArgs,
    /// What the value is bound to
    #[arg(long, value_enum, default_value = "prop")]
    context: Context,
    /// Seal what stands in FILE under each KEY now; comments and layout stay
    #[arg(long, requires = "names", conflicts_with_all = ["application", "profile", "key", "file"])]
    in_place: bool,
    /// The file and its keys
    #[arg(value_names = ["FILE", "KEY"], num_args = 2.., requires = "in_place")]
    names: Vec<String>,
    /// The root of the configuration [default: the Git repository that FILE is in]
    #[arg(long, value_name = "DIR", requires = "in_place")]
    root: Option<String>,
    #[command(flatten)]
    rules: RulesArgs,
    #[command(flatten)]
    keys: KeyArgs,
}

impl Args {
    pub(super) fn run(&self, console: &mut Console<'_>) -> Result<Exit, Failure> {
        let context = self.context.to_context();
        if let Some((file, keys)) = self.names.split_first() {
            return self.in_place(file, keys, context, console);
        }
        let environment = console.environment;
        let rules = self.rules.rules(&self.keys.settings, &environment.directory, environment)?;
        let spot = self.place.spot(context, |path| rules.rank(path))?;
        let ring = self.keys.ring(None, console.environment)?;
        let value = input::secret(console, "value")?;
        let sealed = seal(&ring, &value, context, &spot.place())?;
        console.print(&format!("{sealed}\n"))?;
        Ok(Exit::Done)
    }

    fn in_place(
        &self,
        name: &str,
        keys: &[String],
        context: place::Context,
        console: &mut Console<'_>,
    ) -> Result<Exit, Failure> {
        let ring = self.keys.ring(None, console.environment)?;
        let rules = |root: &Path| self.rules.rules(&self.keys.settings, root, console.environment);
        let file = ConfigFile::named(name, self.root.as_deref(), rules, console.environment)?;
        if context == place::Context::App && file.is_shared() {
            return Err(Failure::new(Exit::Usage, format!("`{}` is for all applications", plain(&file.path)))
                .with_hint("leave --context out, so that the value is bound to its key"));
        }
        let mut edits: Vec<Edit> = Vec::new();
        for key in keys {
            for spot in unsealed(&file, key)? {
                if edits.iter().all(|edit| edit.spot.range != spot.range) {
                    edits.push(sealed(&file, spot, context, &ring)?);
                }
            }
        }
        file.rewrite(&edits)?;
        for Edit { spot, .. } in &edits {
            console.print(&plain(&format!("{}:{} {} is sealed\n", file.path, spot.at.line, spot.key)))?;
            warn(&file, spot, console);
        }
        Ok(Exit::Done)
    }
}

/// The values at a key that are not sealed.
fn unsealed(file: &ConfigFile, key: &str) -> Result<Vec<Spot>, Failure> {
    let mut spots = file.find(key)?;
    spots.retain(|spot| !is_sealed(&spot.text));
    if spots.is_empty() {
        let message = format!("{}: `{key}` is sealed already", file.path);
        return Err(Failure::new(Exit::No, plain(&message))
            .with_hint("nothing was changed; leave the key out, or open it first with `layerd decrypt --in-place`"));
    }
    match spots.iter().find(|spot| spot.kind == Kind::Absent || (!spot.is_text && spot.text.is_empty())) {
        Some(empty) => {
            let message = format!("{}:{}: `{key}` has no value that could be sealed", file.path, empty.at.line);
            Err(Failure::new(Exit::No, plain(&message)))
        }
        None => Ok(spots),
    }
}

fn sealed(file: &ConfigFile, spot: Spot, context: place::Context, ring: &Keyring) -> Result<Edit, Failure> {
    let text = seal(ring, &file.written(&spot), context, &file.place(&spot.key))?;
    Ok(Edit { spot, text, context: Some(context) })
}

/// Says what of a value changes with its seal.
fn warn(file: &ConfigFile, spot: &Spot, console: &mut Console<'_>) {
    if !spot.is_text && file.written(spot) != spot.text {
        console.say(&plain(&format!(
            "note: `{}` was read as another value than it is written, and is served as it is written from now on, as text\n",
            spot.key
        )));
    } else if !spot.is_text {
        console.say(&plain(&format!("note: `{}` was no text, and is served as text from now on\n", spot.key)));
    }
    if spot.text.contains("${") {
        console.say(&plain(&format!("note: the placeholder in `{}` is not filled in any more\n", spot.key)));
    }
}
