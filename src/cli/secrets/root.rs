//! Which folder is the root of a repository, and which folders of it are searched: what the place of a file hangs on.

use std::path::{Path, PathBuf};

use crate::config::locations::Locations;
use crate::config::select::{Rank, SearchPaths};
use crate::serve;
use crate::settings::Environment;
use crate::snapshot::{self, Own, own};
use crate::source::{SetupError, local, regular};

use super::super::console::{Exit, Failure, plain};
use super::super::settings_file::SettingsArgs;

/// How a repository is read.
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct RulesArgs {
    /// A folder that is searched, as under `search-paths` in the settings; may be repeated [default: as in --settings]
    #[arg(long, help_heading = "Repository", value_name = "DIR")]
    search_paths: Vec<String>,
}

/// How a repository is read.
pub(in crate::cli) struct Rules {
    /// What its files mean.
    pub(super) files: snapshot::Rules,
    /// The folder that is the root of the configuration, empty for the whole repository.
    pub(super) path: String,
}

impl Rules {
    /// What the file at a path from the root is for, whether or not it is there.
    pub(in crate::cli) fn rank(&self, path: &str) -> Result<Rank, Failure> {
        self.files.rank(path).ok_or_else(|| {
            Failure::new(Exit::Usage, format!("--file: no application is answered from `{}`", plain(path)))
                .with_hint("write the path from the root of the configuration, such as `user-service/application.yml`")
        })
    }
}

impl Rules {
    /// Takes over what the repository says about itself: in its root, or at the top of the work tree that it is in.
    fn apply_own(&mut self, folder: &Path) -> Result<(), Failure> {
        let root = folder.join(&self.path);
        let top = local::top(folder).filter(|top| *top != root);
        let read = |folder: &Path| regular::read_plain(&folder.join(own::FILE), self.files.limits.file as u64);
        let above = || top.as_deref().and_then(read).or_else(|| read(folder).filter(|_| root != folder));
        let Some((bytes, is_above)) = read(&root).map(|bytes| (bytes, false)).or_else(|| Some((above()?, true))) else {
            return Ok(());
        };
        let (own, applied) = Own::read(&bytes, is_above, &self.files);
        if let Some(fault) = own.faults().first() {
            return Err(Failure::new(Exit::No, plain(&fault.to_string())));
        }
        self.files = applied;
        if !own.root.is_empty() {
            self.path = own.root;
        }
        Ok(())
    }
}

impl RulesArgs {
    /// What the command line says, or else what the settings say about a folder.
    pub(in crate::cli) fn rules(
        &self,
        args: &SettingsArgs,
        folder: &Path,
        environment: &Environment,
    ) -> Result<Rules, Failure> {
        let mut rules = Rules { files: snapshot::Rules::default(), path: String::new() };
        if let Some(settings) = args.load(environment)? {
            rules.files.limits = settings.limits.format;
            rules.files.semantics = settings.semantics;
            // Whoever names the folders need not say which of the sources this is.
            let source = args.for_folder(&settings, folder);
            let source = if self.search_paths.is_empty() { source? } else { source.ok().flatten() };
            if let Some(source) = source {
                let refuse = |error: SetupError| Failure::new(Exit::Settings, error.to_string());
                rules.files = serve::rules(&source, &settings).map_err(refuse)?;
                rules.path = source.path;
            }
        }
        rules.apply_own(folder)?;
        if !self.search_paths.is_empty() {
            let refuse = |error| Failure::new(Exit::Usage, format!("--search-paths: {error}"));
            rules.files.search_paths = SearchPaths::parse(&self.search_paths).map_err(refuse)?;
            rules.files.locations = Locations::new(&self.search_paths);
        }
        Ok(rules)
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
    let within = within(&root, name, environment)?;
    Ok((root, within))
}

/// The path of a file from the root that it is in.
pub(super) fn within(root: &Path, name: &str, environment: &Environment) -> Result<String, Failure> {
    let refuse =
        || Failure::new(Exit::Usage, format!("`{}` is not in `{}`", plain(name), plain(&root.to_string_lossy())));
    let path = environment.directory.join(name).canonicalize().map_err(|_| refuse())?;
    let root = root.canonicalize().map_err(|_| refuse())?;
    path.strip_prefix(&root).ok().and_then(Path::to_str).map(str::to_owned).ok_or_else(refuse)
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
