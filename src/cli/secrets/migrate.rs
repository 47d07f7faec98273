//! `layerd secrets migrate`: values in Spring's form become values of our own, where they stand.

use crate::secret::place;

use super::super::console::{Console, Exit, Failure};
use super::super::keys::{KeyArgs, NAME_KEYS};
use super::super::place::Context;
use super::super::sealing::seal;
use super::folder::FolderArgs;
use super::reseal::{Fate, reseal};

/// Seal anew what Spring Cloud Config has sealed, so that it opens in its place alone
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  layerd secrets migrate --spring-key-file encrypt.key --keys prod-2026a=prod.key
  layerd secrets migrate config-repo --spring-key-file encrypt.key --spring-salt 5c0744940b5c369b --keys prod-2026a=prod.key

Only Spring's symmetric form is read. Its servers cannot read ours: migrate when the last of them is gone. The pass
phrase stays compromised by whoever had it; change the passwords themselves as well.")]
pub(in crate::cli) struct Args {
    #[command(flatten)]
    folder: FolderArgs,
    /// What the values are bound to from now on; values for all applications are bound to their keys in any case
    #[arg(long, value_enum, default_value = "prop")]
    context: Context,
    #[command(flatten)]
    keys: KeyArgs,
}

impl Args {
    pub(in crate::cli) fn run(&self, console: &mut Console<'_>) -> Result<Exit, Failure> {
        let ring = self.keys.ring(None, console.environment)?;
        if ring.spring().is_none() {
            return Err(Failure::new(Exit::Usage, "there is no pass phrase to open Spring's form with")
                .with_hint("name the file that holds it with --spring-key-file FILE"));
        }
        if ring.encrypts_with().is_none() {
            return Err(Failure::new(Exit::Usage, "there is no key to seal with").with_hint(NAME_KEYS));
        }
        let mut folder = self.folder.open(&self.keys.settings, console)?;
        let tally = reseal(&mut folder, console, false, &mut |file, spot, sealed| {
            if sealed.context().is_some() {
                return Ok(Fate::Stays);
            }
            let context = match self.context.to_context() {
                place::Context::App if file.is_shared() => place::Context::Prop,
                context => context,
            };
            let place = file.place(&spot.key);
            match ring.open(sealed, &place) {
                Ok(plain) => Ok(Fate::Anew(seal(&ring, plain.expose(), context, &place)?, context)),
                Err(error) => Ok(Fate::Shut(error)),
            }
        })?;
        Ok(tally.end(&folder, console))
    }
}
