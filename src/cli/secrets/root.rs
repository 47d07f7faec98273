//! Which folder is the root of a repository, and which folders of it are searched: what the place of a file hangs on.

use std::path::{Path, PathBuf};

use crate::config::catalogue::candidate;
use crate::config::select::{Rank, SearchPaths};
use crate::format::Limits;
use crate::settings::{Environment, Settings};

use super::super::console::{Exit, Failure, plain};

/// How a repository is read.
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct RulesArgs {
    /// A folder that is searched, as under `search-paths` in the settings; may be repeated [default: as in --settings]
    #[arg(long, help_heading = "Repository", value_name = "DIR")]
    search_paths: Vec<String>,
}

/// How a repository is read.
pub(in crate::cli) struct Rules {
    pub(super) search_paths: SearchPaths,
    pub(super) limits: Limits,
}

impl Rules {
    /// What the file at a path from the root is for, whether or not it is there.
    pub(in crate::cli) fn rank(&self, path: &str) -> Result<Rank, Failure> {
        let found = candidate(path, &self.search_paths).ok_or_else(|| {
            Failure::new(Exit::Usage, format!("--file: no application is answered from `{}`", plain(path)))
                .with_hint("write the path from the root of the configuration, such as `user-service/application.yml`")
        })?;
        Ok(self.search_paths.rank(found.folder, found.name))
    }
}

impl RulesArgs {
    /// What the command line says, or else the settings of the server.
    pub(in crate::cli) fn rules(&self, settings: Option<&Settings>) -> Result<Rules, Failure> {
        let limits = settings.map_or_else(Limits::default, |settings| settings.limits.format);
        let sources = settings.map_or(&[][..], |settings| settings.sources.as_slice());
        let Some((first, others)) = sources.split_first().filter(|_| self.search_paths.is_empty()) else {
            let search_paths = SearchPaths::parse(&self.search_paths)
                .map_err(|error| Failure::new(Exit::Usage, format!("--search-paths: {error}")))?;
            return Ok(Rules { search_paths, limits });
        };
        if others.iter().any(|other| other.search_paths != first.search_paths) {
            return Err(Failure::new(Exit::Usage, "the sources of the settings have different `search-paths`")
                .with_hint("repeat those of this repository with --search-paths"));
        }
        Ok(Rules { search_paths: first.search_paths.clone(), limits })
    }
}

/// The root of a file's repository and the path of the file in it: the nearest folder above with a `.git`, unless `root`
/// names it.
pub(super) fn of_file(name: &str, root: Option<&str>, environment: &Environment) -> Result<(PathBuf, String), Failure> {
    let named = environment.directory.join(name);
    let refuse =
        |error: std::io::Error| Failure::new(Exit::Usage, format!("`{}` cannot be read: {error}", plain(name)));
    if named.symlink_metadata().map_err(refuse)?.is_symlink() {
        let hint = "name the file that it leads to: what a value is bound to is where that file stands";
        return Err(Failure::new(Exit::Usage, format!("`{}` is a symbolic link", plain(name))).with_hint(hint));
    }
    let path = named.canonicalize().map_err(refuse)?;
    let root = match root {
        Some(root) => folder(root, environment)?,
        None => nearest_repository(&path).ok_or_else(|| {
            Failure::new(Exit::Usage, format!("no folder above `{}` is a Git repository", plain(name)))
                .with_hint("name the root of the configuration with --root DIR")
        })?,
    };
    let within = path.strip_prefix(&root).ok().and_then(Path::to_str).ok_or_else(|| {
        Failure::new(Exit::Usage, format!("`{}` is not in `{}`", plain(name), plain(&root.to_string_lossy())))
    })?;
    let within = within.to_owned();
    Ok((root, within))
}

/// The folder that is the root of a configuration.
pub(super) fn folder(name: &str, environment: &Environment) -> Result<PathBuf, Failure> {
    let path = environment.directory.join(name).canonicalize();
    let path = path.and_then(|path| match path.is_dir() {
        true => Ok(path),
        false => Err(std::io::Error::other("it is not a folder")),
    });
    path.map_err(|error| Failure::new(Exit::Unreachable, format!("`{}` cannot be read: {error}", plain(name))))
}

/// The nearest folder above (or at) a path that a Git repository is checked out in.
pub(super) fn nearest_repository(path: &Path) -> Option<PathBuf> {
    path.ancestors().find(|folder| folder.join(".git").exists()).map(Path::to_path_buf)
}
