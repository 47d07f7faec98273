//! A repository opened for commands that look at several of its commits: one of this machine where it is, with Git's own
//! names, or a remote by its labels.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::config::locations::Locations;
use crate::config::semantics::Semantics;
use crate::config::tree::{BlobId, CommitId, File};
use crate::settings::Environment;
use crate::snapshot::own::Fixed;
use crate::snapshot::{Bodies, Rules, Secrets, Snapshot};
use crate::source::local::Local;
use crate::source::{ReadError, Reader, Source};

use super::{Read, Repository, no_revision, unreachable};
use crate::cli::console::{Exit, Failure, plain};
use crate::cli::keys::ReadBy;

/// Stands for the bytes of what the repository says about itself above the folder that is read.
const ABOVE: BlobId = BlobId([0xff; 20]);

/// How what stands on disk is called.
const FILES: &str = "the working tree";

/// Where a history begins.
pub(in crate::cli) struct Tip {
    pub(in crate::cli) label: Arc<str>,
    pub(in crate::cli) commit: CommitId,
    /// Reads the commit and those before it.
    pub(in crate::cli) reader: Box<dyn Reader>,
}

/// The commits of a repository.
pub(in crate::cli) struct Commits {
    repository: Repository,
    /// The same, if it is one of this machine.
    local: Option<Local>,
    /// Whether files stand beside the commits, or instead of them.
    has_files: bool,
    bodies: Bodies,
}

impl Commits {
    /// Opens a folder, working tree, bare repository or URL.
    pub(in crate::cli) fn open(repo: &str, reading: ReadBy, environment: &Environment) -> Result<Self, Failure> {
        let path = environment.directory.join(repo);
        let is_here = path.is_dir();
        let mut repository = Repository::open(repo, is_here, reading, environment)?;
        let local = match is_here {
            true => {
                Local::discover(&path, &repository.path, repository.max_files).map_err(|error| unreachable(&error))?
            }
            false => None,
        };
        let has_files = is_here && local.as_ref().is_none_or(Local::has_work_tree);
        if !is_here {
            repository.fetch()?;
        }
        Ok(Self { repository, local, has_files, bodies: Bodies::default() })
    }

    /// The snapshot that a name stands for; without a name the files as they are, else the default.
    pub(in crate::cli) fn read(&mut self, name: Option<&str>) -> Result<Read, Failure> {
        let Self { repository, local, has_files, bodies } = self;
        let live = &repository.live;
        let secrets = live.settings.secrets.load();
        let rules = (&live.settings.rules, &**secrets);
        let built = match (name, local) {
            (None, local) if *has_files => {
                files((&*live.source, local.as_ref()), rules, bodies).map(|snapshot| (Arc::from(FILES), snapshot))
            }
            (Some(name), None) if *has_files => return Err(no_history(name)),
            (name, None) => {
                let labels = || repository.live.labels();
                return repository.find(name)?.ok_or_else(|| unknown(name.unwrap_or("HEAD"), false, &labels()));
            }
            (name, Some(local)) => {
                let (label, commit) = found(local, name)?;
                build(local, commit, rules, bodies).map(|snapshot| (label, snapshot))
            }
        };
        let (label, snapshot) = built.map_err(|error| unreachable(&error))?;
        Ok(Read { label, snapshot: Arc::new(snapshot) })
    }

    /// The same commit or files, read by other rules.
    pub(in crate::cli) fn under(&mut self, read: &Read, semantics: Semantics) -> Result<Read, Failure> {
        let Self { repository, local, bodies, .. } = self;
        let live = &repository.live;
        // The same folders for both, so that nothing but the semantics differs.
        let search_paths = read.snapshot.search_paths.clone();
        let locations = Locations::new(&search_paths.entries());
        let fixed = Fixed { semantics: true, search_paths: true, ..live.settings.rules.fixed };
        let rules = Rules { semantics, search_paths, locations, fixed, ..live.settings.rules.clone() };
        let secrets = live.settings.secrets.load();
        let (rules, commit) = ((&rules, &**secrets), read.snapshot.commit);
        let built = match local {
            _ if *read.label == *FILES => files((&*live.source, local.as_ref()), rules, bodies),
            Some(local) => build(local, commit, rules, bodies),
            None => live.source.open().and_then(|mut reader| build(&mut *reader, commit, rules, bodies)),
        };
        let snapshot = Arc::new(built.map_err(|error| unreachable(&error))?);
        let label = Arc::from(if semantics == Semantics::Spring { "spring" } else { "native" });
        Ok(Read { label, snapshot })
    }

    /// The address of the root of the configuration below that of the repository.
    pub(in crate::cli) fn link(&self, base: &str, root: &str) -> String {
        let folders = [self.repository.path.as_str(), root].into_iter().filter(|folder| !folder.is_empty());
        folders.fold(base.to_owned(), |base, folder| format!("{}/{folder}", base.trim_end_matches('/')))
    }

    /// The commit that a name stands for, `None` for the default.
    pub(in crate::cli) fn tip(&mut self, name: Option<&str>) -> Result<Tip, Failure> {
        if let Some(local) = self.local.take() {
            let (label, commit) = found(&local, name)?;
            return Ok(Tip { label, commit, reader: Box::new(local) });
        }
        if self.has_files {
            return Err(no_history(name.unwrap_or("HEAD")));
        }
        let Read { label, snapshot } = self.repository.find(name)?.ok_or_else(|| {
            let labels = self.repository.live.labels();
            unknown(name.unwrap_or("HEAD"), false, &labels)
        })?;
        let reader = self.repository.live.source.open().map_err(|error| unreachable(&error))?;
        Ok(Tip { label, commit: snapshot.commit, reader })
    }

    /// What the files of this repository mean, and what opens the sealed values in them.
    pub(in crate::cli) fn rules(&self) -> (&Rules, Arc<Secrets>) {
        let settings = &self.repository.live.settings;
        (&settings.rules, settings.secrets.load_full())
    }
}

/// The files as they stand on disk, but for those that Git ignores.
pub(super) fn files(
    (folder, local): (&dyn Source, Option<&Local>),
    rules: (&Rules, &Secrets),
    bodies: &mut Bodies,
) -> Result<Snapshot, ReadError> {
    let labels = folder.labels()?;
    let tip = labels.tips.values().next().ok_or_else(|| ReadError("the folder has no label".to_owned()))?;
    let mut reader = folder.open()?;
    let about = (tip.commit, reader.committed_at(tip.commit)?);
    let mut tree = reader.tree(tip.commit)?;
    let mut above = None;
    if let Some(local) = local {
        tree.files.retain(|path, _| !local.ignores(path));
        above = local.top_on_disk(rules.0.limits.file as u64);
        tree.top = above.as_ref().map(|bytes| File { blob: ABOVE, size: bytes.len() as u64 }).or(tree.top);
    }
    Snapshot::build(about, tree, rules, bodies, |blob| match &above {
        Some(bytes) if blob == ABOVE => Ok(bytes.clone()),
        _ => reader.blob(blob),
    })
}

fn build(
    reader: &mut dyn Reader,
    commit: CommitId,
    rules: (&Rules, &Secrets),
    bodies: &mut Bodies,
) -> Result<Snapshot, ReadError> {
    let about = (commit, reader.committed_at(commit)?);
    let tree = reader.tree(commit)?;
    Snapshot::build(about, tree, rules, bodies, |blob| reader.blob(blob))
}

fn found(local: &Local, name: Option<&str>) -> Result<(Arc<str>, CommitId), Failure> {
    let name = name.unwrap_or("HEAD");
    let commit = local.resolve(name).ok_or_else(|| unknown(name, local.is_shallow(), &local.labels()))?;
    Ok((Arc::from(name), commit))
}

fn unknown(name: &str, is_shallow: bool, labels: &BTreeSet<Arc<str>>) -> Failure {
    let failure = Failure::new(Exit::Usage, format!("there is no commit `{}` in the repository", plain(name)));
    let general = match is_shallow {
        true => "only a part of the history was fetched: fetch the rest with `git fetch --unshallow`",
        false => "name a branch, a tag, `origin/BRANCH`, `HEAD~1` or a commit id; `git fetch` brings what is missing",
    };
    failure.with_hint(no_revision(name, labels, general))
}

fn no_history(name: &str) -> Failure {
    Failure::new(Exit::Usage, format!("there is no commit `{}`: the folder is in no Git repository", plain(name)))
        .with_hint("name a Git working tree or a URL with --repo")
}
