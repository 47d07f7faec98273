//! What `validate` looks at: a folder as it is on disk, or a commit of a repository, with the bytes of its files.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::check::policy;
use crate::check::{Report, Texts};
use crate::config::tree::BlobId;
use crate::format::Format;
use crate::settings::Environment;
use crate::snapshot::{Bodies, Rules, Snapshot, own};
use crate::source::local::Local;
use crate::source::{ReadError, Reader as _, dir};
use crate::store::live::Live;

use super::commits::files;
use super::{Repository, no_revision, unknown, unreachable};
use crate::cli::console::{Exit, Failure, plain};
use crate::cli::keys::ReadBy;

/// Folders whose path is longer are not looked into.
const LONGEST_PATH: usize = 1024;

/// A commit, or a folder, with the bytes of its files.
pub(in crate::cli) struct Material {
    pub(in crate::cli) snapshot: Arc<Snapshot>,
    pub(in crate::cli) texts: Texts,
    /// Files of the folder that its snapshot does not list.
    pub(in crate::cli) others: Vec<Arc<str>>,
    /// Files that Git stores through a filter, each with its name.
    pub(in crate::cli) filtered: Vec<(Arc<str>, String)>,
    /// The folder that the repository itself makes the root, empty for what the command reads.
    root: String,
}

/// Where material comes from.
pub(in crate::cli) struct Origin {
    /// Holds the mirror of a repository elsewhere.
    repository: Repository,
    /// The folder, if it is one on this machine.
    folder: Option<PathBuf>,
    /// True if the files of the folder are the configuration; false for a bare repository.
    is_plain: bool,
}

impl Origin {
    /// Opens a folder or a repository; one elsewhere is fetched.
    pub(in crate::cli) fn open(repo: &str, reading: ReadBy, environment: &Environment) -> Result<Self, Failure> {
        let path = environment.directory.join(repo);
        let is_plain = path.is_dir() && !dir::is_bare_repository(&path);
        let repository = Repository::open(repo, is_plain, reading, environment)?;
        repository.live.source.fetch().map_err(|error| unreachable(&error))?;
        let folder = path.is_dir().then_some(path);
        Ok(Self { repository, folder, is_plain })
    }

    /// The folder of the repository that is the root of the configuration, empty for the whole of it.
    pub(in crate::cli) fn root(&self) -> &str {
        &self.repository.path
    }

    fn live(&self) -> &Live {
        &self.repository.live
    }

    /// The Git repository that the folder is in.
    fn local(&self, folder: &Path) -> Result<Option<Local>, Failure> {
        let Repository { path, max_files, .. } = &self.repository;
        Local::discover(folder, path, *max_files).map_err(|error| unreachable(&error))
    }

    /// The files of a label, or those of the folder as they are. In a repository on this machine a label is whatever Git
    /// takes for a revision.
    pub(in crate::cli) fn material(&self, label: Option<&str>) -> Result<Material, Failure> {
        match (&self.folder, label) {
            (Some(folder), Some(label)) => self.committed(folder, label),
            (Some(folder), None) if !self.is_plain => self.committed(folder, "HEAD"),
            (Some(folder), None) => self.on_disk(folder),
            (None, _) => self.labelled(label),
        }
    }

    /// The files of a folder as Git would take them into a commit, if it is in a repository: without those that it ignores.
    fn on_disk(&self, folder: &Path) -> Result<Material, Failure> {
        let local = self.local(folder)?;
        let (local, live) = (local.as_ref(), self.live());
        let secrets = live.settings.secrets.load();
        let built = files((&*live.source, local), (self.rules(), &**secrets), &mut Bodies::default());
        let snapshot = Arc::new(built.map_err(|error| unreachable(&error))?);
        let mut reader = live.source.open().map_err(|error| unreachable(&error))?;
        let mut material = with_texts(snapshot, |blob| reader.blob(blob))?;
        material.others = others(&folder.join(self.root()).join(&material.root), self.repository.max_files);
        if let Some(local) = local {
            let root = if material.root.is_empty() { String::new() } else { format!("{}/", material.root) };
            material.others.retain(|path| !local.ignores(&format!("{root}{path}")));
            let paths = material.snapshot.selectable().map(|file| &file.path);
            let filtered =
                paths.filter_map(|path| Some((Arc::clone(path), local.filter_of(&format!("{root}{path}"))?)));
            material.filtered = filtered.collect();
        }
        Ok(material)
    }

    fn rules(&self) -> &Rules {
        &self.live().settings.rules
    }

    fn committed(&self, folder: &Path, label: &str) -> Result<Material, Failure> {
        let mut local = self
            .local(folder)?
            .ok_or_else(|| unreachable(&format_args!("`{}` is no part of a Git repository", folder.display())))?;
        let commit = local.resolve(label).ok_or_else(|| refuse(label, &local.labels()))?;
        let made = local.committed_at(commit).map_err(|error| unreachable(&error))?;
        let tree = local.tree(commit).map_err(|error| unreachable(&error))?;
        let rules = (self.rules(), &**self.live().settings.secrets.load());
        let built = Snapshot::build((commit, made), tree, rules, &mut Bodies::default(), |blob| local.blob(blob));
        with_texts(Arc::new(built.map_err(|error| unreachable(&error))?), |blob| local.blob(blob))
    }

    fn labelled(&self, label: Option<&str>) -> Result<Material, Failure> {
        let live = self.live();
        live.advance().map_err(|error| unreachable(&error))?;
        let found = live.labelled(label).map_err(|error| unreachable(&error))?;
        let (_, snapshot) = found.ok_or_else(|| {
            let labels = live.labels();
            label.map_or_else(|| unknown(None, &labels), |label| refuse(label, &labels))
        })?;
        let mut reader = live.source.open().map_err(|error| unreachable(&error))?;
        with_texts(snapshot, |blob| reader.blob(blob))
    }
}

impl Material {
    /// The report with paths from the folder that the command reads, in which the root may be a folder.
    pub(in crate::cli) fn told_from_top(&self, mut report: Report) -> Report {
        if self.root.is_empty() {
            return report;
        }
        for finding in report.findings.iter_mut().filter(|finding| *finding.file != *own::FILE && *finding.file != *".")
        {
            finding.file = Arc::from(format!("{}/{}", self.root, finding.file));
        }
        report
    }

    /// The bytes of a file, whose path may begin with the root.
    pub(in crate::cli) fn text(&self, path: &str) -> Option<&[u8]> {
        if path == own::FILE {
            return self.snapshot.own.bytes.as_deref();
        }
        let below = path.strip_prefix(self.root.as_str()).and_then(|rest| rest.strip_prefix('/'));
        let path = below.filter(|_| !self.root.is_empty()).unwrap_or(path);
        self.texts.get(&self.snapshot.tree.files.get(path)?.blob).map(Vec::as_slice)
    }
}

fn with_texts(
    snapshot: Arc<Snapshot>,
    mut read: impl FnMut(BlobId) -> Result<Vec<u8>, ReadError>,
) -> Result<Material, Failure> {
    let (limits, root) = (snapshot.limits, snapshot.own.root.clone());
    let mut texts = Texts::new();
    let paths = snapshot.selectable().map(|file| &*file.path).chain([policy::FILE]);
    let paths = paths.chain(snapshot.schemas.set.files().map(|path| &**path));
    for file in paths.filter_map(|path| snapshot.tree.files.get(path)) {
        if file.size <= limits.file as u64 && !texts.contains_key(&file.blob) {
            texts.insert(file.blob, read(file.blob).map_err(|error| unreachable(&error))?);
        }
    }
    Ok(Material { snapshot, texts, others: Vec::new(), filtered: Vec::new(), root })
}

/// Files of a folder that a source does not list, because their extensions are none of ours. Links are not followed, and
/// what cannot be read is left out: it concerns names alone.
fn others(folder: &Path, most: usize) -> Vec<Arc<str>> {
    let mut found = Vec::new();
    let mut open = vec![(folder.to_owned(), String::new())];
    let mut seen = 0;
    while let Some((folder, path)) = open.pop() {
        for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
            seen += 1;
            let (Ok(name), Ok(kind)) = (entry.file_name().into_string(), entry.file_type()) else { continue };
            if seen > most || name.starts_with('.') {
                continue;
            }
            let path = if path.is_empty() { name } else { format!("{path}/{name}") };
            if kind.is_dir() && path.len() <= LONGEST_PATH {
                open.push((entry.path(), path));
            } else if kind.is_file()
                && path.rsplit_once('.').is_some_and(|(_, end)| Format::of_extension(end).is_none())
            {
                found.push(Arc::from(path));
            }
        }
    }
    found
}

fn refuse(label: &str, labels: &BTreeSet<Arc<str>>) -> Failure {
    let general = "name a branch, tag or commit; a shallow clone holds few (`fetch-depth: 0` fetches all)";
    Failure::new(Exit::Unreachable, format!("the repository has no revision `{}`", plain(label)))
        .with_hint(no_revision(label, labels, general))
}
