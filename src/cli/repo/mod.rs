//! A folder or repository read once, for commands that need no server.

pub(super) mod commits;
pub(super) mod files;

use std::collections::BTreeSet;
use std::sync::Arc;

use arc_swap::ArcSwap;
use tempfile::TempDir;

use crate::answer::AnswerError;
use crate::config::address::Address;
use crate::config::nearest;
use crate::serve::{self, Means, Opened, ServeError};
use crate::settings::Environment;
use crate::snapshot::{Snapshot, is_about_keys};
use crate::store::Chosen;
use crate::store::live::Live;
use crate::store::meant::Sight;

use super::client::as_command;
use super::console::{Console, Exit, Failure, plain};
use super::keys::{NAME_KEYS, ReadBy};

/// A snapshot and the label that it is of.
#[derive(Clone)]
pub(super) struct Read {
    pub(super) label: Arc<str>,
    pub(super) snapshot: Arc<Snapshot>,
}

/// Reads what answers an address: the files of a folder as they are, or the commit of a label if `repo` is a URL or a
/// label is asked for.
pub(super) fn read(repo: &str, address: &Address, reading: ReadBy, environment: &Environment) -> Result<Read, Failure> {
    let path = environment.directory.join(repo);
    let as_folder = path.is_dir() && address.label.is_none() && !crate::source::dir::is_bare_repository(&path);
    let mut opened = Repository::open(repo, as_folder, reading, environment)?;
    opened.fetch()?;
    let label = address.label.as_deref();
    opened.find(label)?.ok_or_else(|| unknown(label, &opened.live.labels()))
}

/// Tells of names in an address that nothing in the repository names, or refuses them.
pub(super) fn names(
    read: &Read,
    address: &Address,
    is_strict: bool,
    command: &str,
    console: &mut Console<'_>,
) -> Result<(), Failure> {
    let chosen = Chosen::alone(Arc::clone(&read.label), Arc::clone(&read.snapshot));
    let Some(unknown) = chosen.unknown(address, Sight::Whole) else { return Ok(()) };
    let hint = unknown.hint.as_ref().map(|hint| as_command(hint, command));
    if is_strict {
        return Err(Failure::new(Exit::No, unknown.to_string()).advised(hint.or(unknown.others)));
    }
    let hint = hint.map(|hint| format!("; {hint}")).unwrap_or_default();
    console.warn(&format!("{unknown}{hint}"));
    Ok(())
}

/// A folder or repository opened for a command; its mirror goes with it.
pub(super) struct Repository {
    pub(super) live: Arc<Live>,
    /// The sub-folder that is the root, and the most files of one commit.
    pub(super) path: String,
    pub(super) max_files: usize,
    _mirror: TempDir,
}

impl Repository {
    /// Opens a folder, or a repository to be fetched from, with the settings around it; reads nothing yet.
    pub(super) fn open(
        repo: &str,
        as_folder: bool,
        reading: ReadBy,
        environment: &Environment,
    ) -> Result<Self, Failure> {
        let mirror = tempfile::tempdir().map_err(|error| unreachable(&error))?;
        let settings = reading.settings.of(repo, as_folder, mirror.path(), environment)?;
        let secrets = Arc::new(ArcSwap::from_pointee(reading.secrets));
        let means = Means { settings: Arc::new(settings), secrets, feed: Arc::default(), worker: None };
        let source = means.settings.sources.first().ok_or_else(|| unreachable(&"there is no source"))?;
        let Opened { live, .. } = serve::open(source, &means).map_err(|error| refused(&error))?;
        Ok(Self { live, path: source.path.clone(), max_files: means.settings.limits.files, _mirror: mirror })
    }

    /// Brings what is there now.
    pub(super) fn fetch(&mut self) -> Result<(), Failure> {
        self.live.source.fetch().map_err(|error| unreachable(&error))?;
        self.live.advance().map_err(|error| unreachable(&error))?;
        Ok(())
    }

    /// The snapshot of a label, `None` for the default one; none if there is no such label.
    pub(super) fn find(&self, label: Option<&str>) -> Result<Option<Read>, Failure> {
        let found = self.live.labelled(label).map_err(|error| unreachable(&error))?;
        Ok(found.map(|(label, snapshot)| Read { label, snapshot }))
    }
}

/// An answer that cannot be made, told as commands tell it.
pub(super) fn failure(error: &AnswerError) -> Failure {
    let problems = match error {
        AnswerError::Broken(problems) => problems,
        AnswerError::Unwritable(error) => return Failure::new(Exit::No, error.to_string()).with_hint(error.hint()),
        AnswerError::NoKey { near, .. } => {
            return Failure::new(Exit::No, error.to_string()).advised(nearest::hint(near));
        }
        AnswerError::TooLarge(_) => return Failure::new(Exit::No, error.to_string()),
    };
    let is_all_about_keys = !problems.is_empty() && problems.iter().all(|problem| is_about_keys(problem.code));
    if !is_all_about_keys {
        return Failure::new(Exit::No, error.to_string());
    }
    // What a server is told to do about its keys is not what a command can do.
    let lines: Vec<_> = problems
        .iter()
        .map(|problem| format!("{}:{}:{}: {}", problem.file, problem.at.line, problem.at.column, problem.message))
        .collect();
    let about_keys = lines.join("\n").replace("and this server has no keys", "and no key was named");
    Failure::new(Exit::No, about_keys).with_hint(NAME_KEYS)
}

/// What to say about a revision that is not there: what there is, or in `general` how revisions are named.
pub(super) fn no_revision(name: &str, labels: &BTreeSet<Arc<str>>, general: &str) -> String {
    let is_name = !name.contains(['~', '^', ':', '@']) && name != "HEAD";
    let there_are = nearest::among(name, labels, "branches and tags").filter(|_| is_name);
    there_are.unwrap_or_else(|| general.to_owned())
}

/// A source that cannot be opened.
pub(super) fn refused(error: &ServeError) -> Failure {
    Failure::new(Exit::Usage, error.to_string())
}

/// What could not be read, told with its hint on a line of its own.
pub(super) fn unreachable(error: &dyn std::fmt::Display) -> Failure {
    let text = error.to_string();
    match text.split_once("\nhint: ") {
        Some((message, hint)) => Failure::new(Exit::Unreachable, message).with_hint(hint),
        None => Failure::new(Exit::Unreachable, text),
    }
}

/// A label that there is not, beside those that there are.
pub(super) fn unknown(label: Option<&str>, labels: &BTreeSet<Arc<str>>) -> Failure {
    match label {
        Some(label) => {
            let general = || "a label is the whole name of a branch or tag, or a full commit id".to_owned();
            let hint = nearest::among(label, labels, "labels").unwrap_or_else(general);
            Failure::new(Exit::No, format!("there is no label `{}`", plain(label))).with_hint(hint)
        }
        None => Failure::new(Exit::No, "the repository has no `main`, no `master` and no default branch")
            .with_hint("name the branch with --label"),
    }
}
