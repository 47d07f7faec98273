//! `layerd secrets rebind`: values are sealed for where they stand now: after a key was renamed or a file moved, and those of
//! version 1 in version 2.
//!
//! That a value opens in its own place only keeps whoever may write to the repository from reading it under another key.
//! This command moves values, so it is told the way of each move, and takes nothing that has not gone exactly that way.

use crate::config::key;
use crate::config::select::Rank;
use crate::secret::envelope::Version;
use crate::secret::keyring::Keyring;
use crate::secret::place::{Place, bound_key};

use super::super::console::{Console, Exit, Failure, plain};
use super::super::keys::KeyArgs;
use super::super::sealing::seal;
use super::file::ConfigFile;
use super::folder::{Folder, FolderArgs};
use super::reseal::{Fate, reseal};

/// Seal values for where they stand: after a key was renamed or a file moved, or in version 2
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  layerd secrets rebind --key datasource=spring.datasource --keys prod-2026a=prod.key
  layerd secrets rebind --file user-service/application.yml=account-service/application.yml --settings layerd.yaml
  layerd secrets rebind --keys prod-2026a=prod.key
  layerd secrets rebind config-repo --file user.yml=account.yml --key db=datasource --keys prod-2026a=prod.key

Without --key and --file it renews every value of version 1 that opens where it stands; look first whether it belongs there,
for a copy becomes at home with it. Version 2 is bound to application, profile and key as separate parts.

With them, run it after the edit. Touched are only values that do not open where they stand, and do open where the flags say that
they have come from; each is told, so that a review can see which. Whoever asks you to rebind a password asks you to show
it under another key: look at who may read that one. A file that keeps its application and profile needs no rebind.")]
pub(in crate::cli) struct Args {
    #[command(flatten)]
    folder: FolderArgs,
    /// The key, or the parent of keys, that was renamed
    #[arg(long, value_name = "OLD=NEW")]
    key: Option<String>,
    /// The file that was moved, by its paths from the root; the old one need not be there
    #[arg(long, value_name = "OLD=NEW")]
    file: Option<String>,
    #[command(flatten)]
    keys: KeyArgs,
}

/// The way that values have gone.
struct Move {
    /// The rank that their file had, and its path now; `None`: it is where it was.
    file: Option<(Rank, String)>,
    /// Their keys before and now; `None`: the same.
    key: Option<(String, String)>,
}

impl Args {
    pub(in crate::cli) fn run(&self, console: &mut Console<'_>) -> Result<Exit, Failure> {
        let ring = self.keys.ring(None, console.environment)?;
        let mut folder = self.folder.open(&self.keys.settings, console)?;
        if self.key.is_none() && self.file.is_none() {
            return renew(&mut folder, &ring, console);
        }
        let moved = self.moved(&folder)?;
        let tally = reseal(&mut folder, console, true, &mut |file, spot, sealed| {
            let place = file.place(&spot.key);
            let (Some(context), Err(error)) = (sealed.context(), ring.open(sealed, &place)) else {
                return Ok(Fate::Stays);
            };
            let Some(before) = moved.before(file, &spot.key) else { return Ok(Fate::Stays) };
            match ring.open(sealed, &before.place()) {
                Ok(plain) => Ok(Fate::Anew(seal(&ring, plain.expose(), context, &place)?, context)),
                Err(_) => Ok(Fate::Shut(error)),
            }
        })?;
        Ok(tally.end(&folder, console))
    }

    fn moved(&self, folder: &Folder) -> Result<Move, Failure> {
        let key = self.key.as_deref().map(|text| pair("--key", text)).transpose()?;
        let file = self.file.as_deref().map(|text| pair("--file", text)).transpose()?;
        let file = file.map(|(old, new)| match (folder.place_of(&old), folder.place_of(&new)) {
            (Some(rank), Some(_)) => Ok((rank, new)),
            (rank, _) => {
                let path = if rank.is_none() { old } else { new };
                Err(Failure::new(Exit::Usage, format!("--file: no application is answered from `{}`", plain(&path)))
                    .with_hint(
                        "write paths from the root of the configuration, such as `user-service/application.yml`",
                    ))
            }
        });
        Ok(Move { file: file.transpose()?, key })
    }
}

/// Seals what is of version 1 anew where it stands.
fn renew(folder: &mut Folder, ring: &Keyring, console: &mut Console<'_>) -> Result<Exit, Failure> {
    let tally = reseal(folder, console, true, &mut |file, spot, sealed| {
        let Some(context) = sealed.context().filter(|_| sealed.version() == Some(Version::One)) else {
            return Ok(Fate::Stays);
        };
        let place = file.place(&spot.key);
        match ring.open(sealed, &place) {
            Ok(plain) => Ok(Fate::Anew(seal(ring, plain.expose(), context, &place)?, context)),
            Err(error) => Ok(Fate::Shut(error)),
        }
    })?;
    Ok(tally.end(folder, console))
}

/// Where a value stood.
struct Before {
    rank: Rank,
    key: String,
}

impl Before {
    fn place(&self) -> Place<'_> {
        Place::of(&self.rank, &self.key)
    }
}

impl Move {
    /// Where the value at a key of a file stood; `None` if it has not gone this way.
    fn before(&self, file: &ConfigFile, key: &str) -> Option<Before> {
        let rank = match &self.file {
            Some((rank, path)) => (*path == file.path).then(|| rank.clone())?,
            None => file.rank().clone(),
        };
        let key = match &self.key {
            Some((old, new)) => renamed(key, new, old)?,
            None => key.to_owned(),
        };
        Some(Before { rank, key })
    }
}

/// The key with `from`, at which or below which it is, replaced by `to`.
fn renamed(key: &str, from: &str, to: &str) -> Option<String> {
    let (key, from) = (bound_key(key), bound_key(from));
    let rest = key.strip_prefix(from.as_str())?;
    match rest.strip_prefix('.') {
        Some(below) => Some(key::append(to.to_owned(), below)),
        None if rest.is_empty() || rest.starts_with('[') => Some(format!("{to}{rest}")),
        None => None,
    }
}

fn pair(flag: &str, text: &str) -> Result<(String, String), Failure> {
    let pair = text.split_once('=').filter(|(old, new)| !old.is_empty() && !new.is_empty());
    let pair = pair.map(|(old, new)| (old.to_owned(), new.to_owned()));
    pair.ok_or_else(|| Failure::new(Exit::Usage, format!("{flag}: `{}` is not OLD=NEW", plain(text))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_renamed_with_all_below_it_and_nothing_beside_it() {
        let renamed = |key| renamed(key, "spring.datasource", "db").unwrap_or_default();
        assert_eq!(renamed("spring.datasource"), "db");
        assert_eq!(renamed("spring.datasource.password"), "db.password");
        assert_eq!(renamed("spring.datasource[0].password"), "db[].password");
        assert_eq!(renamed("spring.datasource[x.y]"), "db[x.y]");
        for other in ["spring.datasources.password", "spring", "datasource.password", "a.spring.datasource"] {
            assert_eq!(renamed(other), "", "{other}");
        }
    }
}
