//! `layerd rotate`: every value of a repository that one key has sealed is sealed with another one.

use super::console::{Console, Exit, Failure};
use super::keys::{KeyArgs, key_id};
use super::sealing::seal;
use super::secrets::folder::FolderArgs;
use super::secrets::reseal::{Fate, reseal};

/// Seal with a new key what an old one has sealed
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  layerd rotate prod-2025 prod-2026a --keys prod-2025=old.key --keys prod-2026a=new.key
  layerd rotate prod-2025 prod-2026a config-repo --settings layerd.yaml

Give the server both keys before the new values are committed, and take the old one away only when no branch, tag or
commit that is still served holds a value of it. Values that do not open are told and left; run it again after mending.")]
pub(super) struct Args {
    /// The id of the key to get rid of
    #[arg(value_name = "OLD")]
    old: String,
    /// The id of the key to seal with
    #[arg(value_name = "NEW")]
    new: String,
    #[command(flatten)]
    folder: FolderArgs,
    #[command(flatten)]
    keys: KeyArgs,
}

impl Args {
    pub(super) fn run(&self, console: &mut Console<'_>) -> Result<Exit, Failure> {
        let (old, new) = (key_id(&self.old)?, key_id(&self.new)?);
        if old == new {
            return Err(Failure::new(Exit::Usage, "the old and the new key are the same"));
        }
        let ring = self.keys.ring(Some(&new), console.environment)?;
        if !ring.ids().any(|id| *id == old) {
            return Err(Failure::new(Exit::Usage, format!("there is no key `{old}` to open with"))
                .with_hint("name both keys, each with --keys ID=FILE"));
        }
        let mut folder = self.folder.open(&self.keys.settings, console)?;
        let tally = reseal(&mut folder, console, false, &mut |file, spot, sealed| {
            let Some(context) = sealed.context().filter(|_| sealed.id() == Some(&old)) else { return Ok(Fate::Stays) };
            let place = file.place(&spot.key);
            match ring.open(sealed, &place) {
                Ok(plain) => Ok(Fate::Anew(seal(&ring, plain.expose(), context, &place)?, context)),
                Err(error) => Ok(Fate::Shut(error)),
            }
        })?;
        Ok(tally.end(&folder, console))
    }
}
