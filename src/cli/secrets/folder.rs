//! Every configuration file of a repository folder, in the order of their paths.
//!
//! Links are not followed: the file that one leads to is dealt with where it stands. What cannot be read is told, and
//! the others go on.

use std::fs;
use std::path::{Path, PathBuf};

use crate::check::nothing;
use crate::config::select::Rank;

use super::super::console::{Console, Exit, Failure, plain};
use super::super::settings_file::SettingsArgs;
use super::file::ConfigFile;
use super::root::{self, Rules, RulesArgs};

/// Folders in one another that are looked into.
const DEPTH: usize = 64;

/// Which folder.
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct FolderArgs {
    /// The root of the configuration [default: the Git repository that this is run in, or else this folder]
    #[arg(value_name = "DIR")]
    dir: Option<String>,
    #[command(flatten)]
    rules: RulesArgs,
}

/// A folder of configuration.
pub(in crate::cli) struct Folder {
    root: PathBuf,
    rules: Rules,
    /// True if something in it could not be read.
    pub(super) is_partial: bool,
}

impl FolderArgs {
    /// The folder, which is there.
    pub(in crate::cli) fn open(&self, settings: &SettingsArgs, console: &Console<'_>) -> Result<Folder, Failure> {
        let root = match &self.dir {
            Some(dir) => root::folder(dir, console.environment)?,
            None => {
                let here = root::folder(".", console.environment)?;
                root::nearest_repository(&here).unwrap_or(here)
            }
        };
        let rules = self.rules.rules(settings, &root, console.environment)?;
        Ok(Folder { root: root.join(&rules.path), rules, is_partial: false })
    }
}

impl Folder {
    /// Calls `see` with every file; a failure of it is told, and the next file is its turn. That there is no file at all is
    /// a failure, for nothing was looked at.
    pub(in crate::cli) fn each(
        &mut self,
        console: &mut Console<'_>,
        see: &mut dyn FnMut(&ConfigFile, &mut Console<'_>) -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        let mut paths = Vec::new();
        self.list(&self.root, "", 0, &mut paths).map_err(|(path, error)| {
            Failure::new(Exit::Unreachable, format!("`{}` cannot be read: {error}", plain(&path)))
        })?;
        paths.sort_unstable();
        let mut is_empty = true;
        for path in &paths {
            let seen = match ConfigFile::read(&self.root, path, &self.rules) {
                None => continue,
                Some(file) => {
                    is_empty = false;
                    file.map(|file| see(&file, console))
                }
            };
            let seen = match seen {
                Ok(seen) => seen,
                Err(error) => Err(Failure::new(Exit::No, plain(&format!("{path}: it cannot be read: {error}")))),
            };
            match seen {
                Err(failure @ Failure::Output(_)) => return Err(failure),
                Err(failure) => {
                    console.fail(&failure);
                    self.is_partial = true;
                }
                Ok(()) => {}
            }
        }
        if is_empty {
            let paths = paths.iter().map(String::as_str);
            let (message, hint) = nothing::told(paths, &self.rules.files.search_paths, "secrets audit");
            return Err(Failure::new(Exit::No, plain(&message)).with_hint(plain(&hint)));
        }
        Ok(())
    }

    /// The rank and the place of a file that may no longer be there; `None` if no application is answered from it.
    pub(super) fn place_of(&self, path: &str) -> Option<Rank> {
        self.rules.files.rank(path)
    }

    fn list(
        &self,
        folder: &Path,
        path: &str,
        depth: usize,
        paths: &mut Vec<String>,
    ) -> Result<(), (String, std::io::Error)> {
        let refuse = |error| (folder.display().to_string(), error);
        for entry in fs::read_dir(folder).map_err(refuse)? {
            let entry = entry.map_err(refuse)?;
            // A name that is no text is in no answer either.
            let Ok(name) = entry.file_name().into_string() else { continue };
            let path = if path.is_empty() { name.clone() } else { format!("{path}/{name}") };
            let kind = entry.file_type().map_err(refuse)?;
            if name.starts_with('.') {
                continue;
            }
            if kind.is_dir() && depth < DEPTH {
                self.list(&entry.path(), &path, depth + 1, paths)?;
            } else if kind.is_file() {
                paths.push(path);
            }
        }
        Ok(())
    }
}
