//! The settings that a command reads a repository by: those of the source that a settings file has for it, with the place
//! that the command line names.

use std::path::{Path, PathBuf};

use crate::settings::{self, CredentialSettings, Environment, Flags, Purpose, Settings, SourceSettings};
use crate::settings::{Loaded, Place};
use crate::source::local;

use super::console::{Exit, Failure, plain};

/// With which settings a repository is read.
#[derive(Debug, Clone, Default, clap::Args)]
pub(super) struct SettingsArgs {
    /// The settings file of a server: its keys, and how it reads this repository
    #[arg(long, help_heading = "Settings", value_name = "FILE")]
    pub(super) settings: Option<String>,
    /// Which source of the settings file this repository is [default: the one with this address]
    #[arg(long, help_heading = "Settings", value_name = "NAME", requires = "settings")]
    pub(super) source: Option<String>,
}

impl SettingsArgs {
    /// All that the settings file says, if one was named.
    pub(super) fn load(&self, environment: &Environment) -> Result<Option<Settings>, Failure> {
        let Some(file) = &self.settings else { return Ok(None) };
        let flags = Flags { settings: Some(file.clone()), ..Flags::default() };
        let loaded = settings::load(&flags, environment, Purpose::Show).map_err(Failure::Refused)?;
        Ok(Some(loaded.settings))
    }

    /// The settings of a server whose one source is the repository, a folder or what Git fetches. Nothing is written but
    /// below `state`.
    pub(super) fn of(
        &self,
        repo: &str,
        as_folder: bool,
        state: &Path,
        environment: &Environment,
    ) -> Result<Settings, Failure> {
        let path = environment.directory.join(repo);
        let named = if path.exists() { path.to_string_lossy().into_owned() } else { repo.to_owned() };
        let place = if as_folder { "sources[].dir" } else { "sources[].git" };
        let flags = Flags::default().with(place, named).with("state", state.to_string_lossy());
        let Loaded { settings: alone, .. } =
            settings::load(&flags, environment, Purpose::Serve).map_err(Failure::Refused)?;
        let Some(mut whole) = self.load(environment)? else { return Ok(alone) };
        let place = alone.sources.first().map(|source| source.place.clone());
        whole.state = alone.state;
        let chosen = match &place {
            Some(place) => self.choose(&whole.sources, place, &path)?.map(|source| at(source, place, &path)),
            None => None,
        };
        whole.sources = chosen.map_or(alone.sources, |source| vec![source]);
        Ok(whole)
    }

    /// The source of the settings that a folder of this machine is; the first if none is more likely than another.
    pub(super) fn for_folder(&self, settings: &Settings, folder: &Path) -> Result<Option<SourceSettings>, Failure> {
        let place = Place::Dir(folder.to_owned());
        Ok(self.choose(&settings.sources, &place, folder)?.map(|source| at(source, &place, folder)))
    }

    /// The source that the repository is; `None` if the settings name none at all.
    fn choose<'a>(
        &self,
        sources: &'a [SourceSettings],
        place: &Place,
        path: &Path,
    ) -> Result<Option<&'a SourceSettings>, Failure> {
        if let Some(name) = &self.source {
            let found = sources.iter().find(|source| source.name == *name);
            return found.map(Some).ok_or_else(|| {
                Failure::new(Exit::Usage, format!("the settings have no source `{}`", plain(name)))
                    .with_hint(format!("the sources are {}", names(sources)))
            });
        }
        let same: Vec<_> = sources.iter().filter(|source| is_same(&source.place, place, path)).collect();
        let candidates = if same.is_empty() { sources.iter().collect() } else { same };
        let Some((first, others)) = candidates.split_first() else { return Ok(None) };
        if others.iter().all(|other| reads_alike(first, other)) {
            return Ok(Some(first));
        }
        let message = "the settings read their sources in different ways, and it is not clear which one this is";
        Err(Failure::new(Exit::Usage, message)
            .with_hint(format!("name it with --source; the sources are {}", names(sources))))
    }
}

fn names(sources: &[SourceSettings]) -> String {
    sources.iter().map(|source| format!("`{}`", plain(&source.name))).collect::<Vec<_>>().join(", ")
}

/// The same settings for another place. What a source is fetched with goes to no other address than its own.
fn at(source: &SourceSettings, place: &Place, path: &Path) -> SourceSettings {
    let mut source = source.clone();
    if !is_same_address(&source.place, place) {
        source.credentials = CredentialSettings::default();
        source.depth = None;
    }
    if matches!(place, Place::Dir(_)) && is_root_already(&source, path) {
        source.path = String::new();
    }
    source.place = place.clone();
    source.joins_next = false;
    source
}

/// True if the folder is itself the sub-folder that is the root.
fn is_root_already(source: &SourceSettings, folder: &Path) -> bool {
    let Ok(folder) = folder.canonicalize() else { return false };
    let top = match &source.place {
        Place::Dir(dir) if dir.canonicalize().is_ok_and(|dir| folder.starts_with(dir)) => dir.canonicalize().ok(),
        Place::Dir(_) | Place::Git(_) => local::top(&folder),
    };
    !source.path.is_empty() && top.is_some_and(|top| clean(&top.join(&source.path)) == folder)
}

/// The path without `.` segments and slashes too many.
fn clean(path: &Path) -> PathBuf {
    path.components().collect()
}

fn reads_alike(one: &SourceSettings, other: &SourceSettings) -> bool {
    let reading = |source: &SourceSettings| {
        let SourceSettings { path, search_paths_written, locations, locations_only, ignore, schemas, .. } = source;
        (path.clone(), search_paths_written.clone(), locations.clone(), *locations_only, ignore.clone(), *schemas)
    };
    reading(one) == reading(other)
}

fn is_same_address(one: &Place, other: &Place) -> bool {
    match (one, other) {
        (Place::Git(one), Place::Git(other)) => one.trim_end_matches('/') == other.trim_end_matches('/'),
        (Place::Dir(one), Place::Dir(other)) => one == other,
        (Place::Git(_), Place::Dir(_)) | (Place::Dir(_), Place::Git(_)) => false,
    }
}

/// True if a source of the settings is the repository at a place: the same address, or a clone of it.
fn is_same(source: &Place, place: &Place, path: &Path) -> bool {
    let real = |path: &Path| path.canonicalize().ok();
    match (source, place) {
        (Place::Git(url), Place::Git(other)) => local::is_same_remote(url, other),
        (Place::Dir(dir), _) => real(dir).is_some_and(|dir| real(path).is_some_and(|path| path.starts_with(dir))),
        (Place::Git(url), Place::Dir(_)) => {
            real(Path::new(url)).is_some_and(|url| real(path) == Some(url))
                || local::remotes(path).iter().any(|remote| local::is_same_remote(remote, url))
        }
    }
}
