//! A Git repository of this machine, read where it is and with Git's own names for commits.
//!
//! For commands alone: `origin/main` and `HEAD~1` mean to whoever types them what they mean to Git. Nothing here serves a
//! label, and nothing is written.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use git2::{AttrCheckFlags, AttrValue, ErrorCode, Repository};

use super::mirror::history::{self, About};
use super::mirror::tree::{WalkError, Walker, bytes, oid};
use super::{ReadError, Reader, name, partial, regular};
use crate::config::tree::{BlobId, CommitId, File, Tree};

/// The kinds of name that count before Git's own rules: the whole name of a branch, a tag, a branch of a remote.
const NAMES: [&str; 3] = ["refs/heads/", "refs/tags/", "refs/remotes/"];

/// The most names that are listed.
const LISTED: usize = 1_000;

/// A repository of this machine, opened.
pub struct Local {
    repository: Repository,
    /// The folders that lead from the top of a commit to the configuration.
    root: Vec<Arc<str>>,
    walker: Walker,
}

impl Local {
    /// Opens the repository that a folder is, or is in. The folder's place in the work tree, and `path` below it, is the
    /// root of the configuration. `None` if it is in none.
    ///
    /// # Errors
    /// If there is a repository and it cannot be opened.
    pub fn discover(folder: &Path, path: &str, max_files: usize) -> Result<Option<Self>, ReadError> {
        let repository = match Repository::discover(folder) {
            Ok(repository) => repository,
            Err(error) if error.code() == ErrorCode::NotFound => return Ok(None),
            Err(error) if error.code() == ErrorCode::Owner => {
                let (folder, hint) = (folder.display(), "git config --global --add safe.directory FOLDER");
                return Err(ReadError(format!("`{folder}` belongs to another user\nhint: if you trust it: {hint}")));
            }
            Err(error) => return Err(unreadable(&folder.display(), &error)),
        };
        let top = repository.workdir().and_then(|top| top.canonicalize().ok());
        let below = top.and_then(|top| Some(folder.canonicalize().ok()?.strip_prefix(top).ok()?.to_owned()));
        let below = below.unwrap_or_default().join(path);
        let root = name::parse_root(&below.to_string_lossy()).map_err(|error| ReadError(error.to_string()))?;
        Ok(Some(Self { repository, root, walker: Walker::new(max_files) }))
    }

    /// True if files are checked out beside the repository.
    #[must_use]
    pub fn has_work_tree(&self) -> bool {
        !self.repository.is_bare()
    }

    /// The commit of a branch, a tag, a branch of a remote, or whatever Git understands by the name; `None` if nothing.
    #[must_use]
    pub fn resolve(&self, name: &str) -> Option<CommitId> {
        let named = |kind: &str| self.repository.find_reference(&format!("{kind}{name}")).ok()?.peel_to_commit().ok();
        let found = NAMES.into_iter().find_map(named);
        let found = found.or_else(|| self.repository.revparse_single(name).ok()?.peel_to_commit().ok());
        found.map(|commit| CommitId(bytes(commit.id())))
    }

    /// The names of its branches and tags, and of the branches of remotes, at most 1,000.
    #[must_use]
    pub fn labels(&self) -> BTreeSet<Arc<str>> {
        let references = self.repository.references().into_iter().flatten().flatten();
        let short = |reference: git2::Reference<'_>| {
            let name = reference.name().ok()?;
            NAMES.iter().find_map(|kind| name.strip_prefix(kind)).filter(|name| !name.ends_with("/HEAD")).map(Arc::from)
        };
        references.filter_map(short).take(LISTED).collect()
    }

    /// True if Git ignores a file beside the repository and does not have it, so that no commit will hold it. The path
    /// begins at the root of the configuration.
    #[must_use]
    pub fn ignores(&self, path: &str) -> bool {
        let path = self.in_repository(path);
        let is_ignored = self.repository.is_path_ignored(&path).unwrap_or(false);
        is_ignored && !self.repository.index().is_ok_and(|index| index.get_path(Path::new(&path), 0).is_some())
    }

    /// The bytes of what the repository says about itself at its top, if the root of the configuration is a folder below
    /// that and files are checked out.
    #[must_use]
    pub fn top_on_disk(&self, most: u64) -> Option<Vec<u8>> {
        if self.root.is_empty() || self.repository.is_path_ignored(name::OWN_FILE).unwrap_or(false) {
            return None;
        }
        regular::read_plain(&self.repository.workdir()?.join(name::OWN_FILE), most)
    }

    /// The filter through which Git stores a file, if attributes name one.
    #[must_use]
    pub fn filter_of(&self, path: &str) -> Option<String> {
        let path = self.in_repository(path);
        let flags = AttrCheckFlags::FILE_THEN_INDEX;
        match AttrValue::from_string(self.repository.get_attr(Path::new(&path), "filter", flags).ok()?) {
            AttrValue::String(name) => Some(name.to_owned()),
            _ => None,
        }
    }

    fn in_repository(&self, path: &str) -> String {
        self.root.iter().map(|step| &**step).chain([path]).collect::<Vec<_>>().join("/")
    }

    /// True if the repository lacks older commits that exist elsewhere.
    #[must_use]
    pub fn is_shallow(&self) -> bool {
        self.repository.is_shallow()
    }

    fn unreadable(&self, what: &dyn std::fmt::Display, error: &git2::Error) -> ReadError {
        if !partial::explains(&self.repository, error) {
            return unreadable(what, error);
        }
        ReadError(format!(
            "{what} is not whole here, because the repository is a partial clone\nhint: {}",
            partial::HINT
        ))
    }

    fn commit(&self, commit: CommitId) -> Result<git2::Commit<'_>, ReadError> {
        self.repository
            .find_commit(oid(commit.0))
            .map_err(|error| self.unreadable(&format_args!("commit {commit}"), &error))
    }
}

impl Reader for Local {
    fn tree(&mut self, commit: CommitId) -> Result<Tree, ReadError> {
        let top = self.commit(commit)?.tree_id();
        self.walker.walk(&self.repository, top, &self.root).or_else(|error| match error {
            // Before the folder was there, nothing was in it.
            WalkError::NoFolder(_) => Ok(Tree::default()),
            WalkError::Damaged(error) if partial::explains(&self.repository, &error) => {
                Err(self.unreadable(&format_args!("commit {commit}"), &error))
            }
            error => Err(ReadError(format!("commit {commit} {error}"))),
        })
    }

    fn blob(&mut self, blob: BlobId) -> Result<Vec<u8>, ReadError> {
        let found = self.repository.find_blob(oid(blob.0));
        Ok(found.map_err(|error| self.unreadable(&format_args!("blob {blob}"), &error))?.content().to_vec())
    }

    fn committed_at(&mut self, commit: CommitId) -> Result<i64, ReadError> {
        Ok(self.commit(commit)?.time().seconds())
    }

    fn is_reachable(&mut self, commit: CommitId, tips: &[CommitId]) -> Result<bool, ReadError> {
        let leads = |tip: &CommitId| {
            *tip == commit || self.repository.graph_descendant_of(oid(tip.0), oid(commit.0)).unwrap_or(false)
        };
        Ok(tips.iter().any(leads))
    }

    fn about(&mut self, commit: CommitId) -> Result<Option<About>, ReadError> {
        Ok(Some(history::about(&self.repository, &self.commit(commit)?)))
    }

    fn top(&mut self, commit: CommitId) -> Result<Option<File>, ReadError> {
        let top = self.commit(commit)?.tree_id();
        history::top(&self.repository, top, &self.root)
            .map_err(|error| self.unreadable(&format_args!("commit {commit}"), &error))
    }

    fn glance(&mut self, commit: CommitId, paths: &[String]) -> Result<Option<Vec<Option<File>>>, ReadError> {
        let top = self.commit(commit)?.tree_id();
        history::glance(&self.repository, top, &self.root, paths)
            .map_err(|error| self.unreadable(&format_args!("commit {commit}"), &error))
    }
}

/// The top folder of the work tree that a folder is in; `None` if it is in none.
#[must_use]
pub fn top(folder: &Path) -> Option<PathBuf> {
    Repository::discover(folder).ok()?.workdir()?.canonicalize().ok()
}

/// The addresses of the remotes of the repository that a folder is in.
#[must_use]
pub fn remotes(folder: &Path) -> Vec<String> {
    let Ok(repository) = Repository::discover(folder) else { return Vec::new() };
    let Ok(names) = repository.remotes() else { return Vec::new() };
    let url = |name: &str| Some(repository.find_remote(name).ok()?.url().ok()?.to_owned());
    names.iter().flatten().flatten().filter_map(url).collect()
}

/// True if two addresses lead to one repository, whatever way they take: over HTTPS or SSH, with a user or without.
#[must_use]
pub fn is_same_remote(one: &str, other: &str) -> bool {
    place_of(one) == place_of(other)
}

/// Host and path of an address.
fn place_of(url: &str) -> String {
    let url = url.trim_end_matches('/');
    let url = url.strip_suffix(".git").unwrap_or(url);
    let (rest, is_url) = url.split_once("://").map_or((url, false), |(_, rest)| (rest, true));
    let end = rest.find('/').unwrap_or(rest.len());
    let (host, path) = rest.split_at(end);
    let host = host.rsplit_once('@').map_or(host, |(_, host)| host).to_ascii_lowercase();
    match host.split_once(':') {
        // `git@host:team/config`
        Some((host, first)) if !is_url => format!("{host}/{first}{path}"),
        Some((host, _port)) => format!("{host}{path}"),
        None => format!("{host}{path}"),
    }
}

fn unreadable(what: &dyn std::fmt::Display, error: &git2::Error) -> ReadError {
    ReadError(format!("{what} cannot be read: {}", error.message()))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::source::mirror::history::Parent;
    use crate::source::tests::{FILE, FOLDER, LINK, Origin, id};

    /// A clone with files beside it, as CI makes one.
    fn clone(origin: &Origin) -> (tempfile::TempDir, Local) {
        let folder = tempfile::tempdir().unwrap();
        Repository::clone(origin.path().to_str().unwrap(), folder.path()).unwrap();
        let local = Local::discover(folder.path(), "", 1000).unwrap().unwrap();
        (folder, local)
    }

    #[test]
    fn one_repository_is_known_by_every_way_to_it() {
        let url = "https://git.example.org/team/config.git";
        for other in [
            "git@git.example.org:team/config.git",
            "ssh://git@Git.Example.org:22/team/config",
            "https://u:p@git.example.org/team/config/",
        ] {
            assert!(is_same_remote(url, other), "{other}");
        }
        for other in ["https://git.example.org/team/config2", "https://git.example.com/team/config", "/team/config"] {
            assert!(!is_same_remote(url, other), "{other}");
        }
    }

    #[test]
    fn names_mean_what_they_mean_to_git_but_a_branch_beats_a_tag() {
        let origin = Origin::new();
        let first = origin.commit("main", "a.yml", "a: 1");
        let second = origin.commit("main", "a.yml", "a: 2");
        origin.point("refs/tags/v1", crate::source::tests::oid(first));
        origin.point("refs/tags/main", crate::source::tests::oid(first));
        let (_folder, local) = clone(&origin);
        for name in ["main", "origin/main", "HEAD", "v1^{}~0", &second.to_string()[..10]] {
            let expected = if name.starts_with("v1") { first } else { second };
            assert_eq!(local.resolve(name), Some(expected), "{name}");
        }
        assert_eq!((local.resolve("HEAD~1"), local.resolve("v1")), (Some(first), Some(first)));
        for name in ["", "nope", "HEAD~9", "..", "refs/heads/", "main:a.yml", "@{u", &"0".repeat(40)] {
            assert_eq!(local.resolve(name), None, "{name}");
        }
    }

    #[test]
    fn a_folder_of_a_work_tree_is_the_root() {
        let origin = Origin::new();
        let before = origin.commit("main", "a.yml", "a: 1");
        let inner = origin.tree(&[(FILE, b"user.yml", origin.blob("u: 1"))]);
        let top = origin.tree(&[(FILE, b"a.yml", origin.blob("a: 1")), (FOLDER, b"config", inner)]);
        let tip = origin.commit_tree(top, &[before]);
        origin.point("refs/heads/main", crate::source::tests::oid(tip));
        let (folder, local) = clone(&origin);
        assert!(local.has_work_tree() && !local.is_shallow());
        let mut local = Local::discover(&folder.path().join("config"), "", 1000).unwrap().unwrap();
        let paths = |tree: Tree| tree.files.keys().map(ToString::to_string).collect::<Vec<_>>();
        assert_eq!(paths(local.tree(tip).unwrap()), ["user.yml"]);
        assert_eq!(paths(local.tree(before).unwrap()), [""; 0], "the folder came later");
        assert!(local.is_reachable(before, &[tip]).unwrap() && !local.is_reachable(tip, &[before]).unwrap());
        let glanced = local.glance(tip, &["user.yml".to_owned(), "a.yml".to_owned()]).unwrap().unwrap();
        assert_eq!(glanced.iter().map(|file| file.map(|file| file.size)).collect::<Vec<_>>(), [Some(4), None]);
        assert_eq!(local.glance(before, &["user.yml".to_owned()]).unwrap(), Some(vec![None]));
    }

    #[test]
    fn a_folder_outside_of_any_repository_is_none() {
        let folder = tempfile::tempdir().unwrap();
        assert!(Local::discover(folder.path(), "", 1000).unwrap().is_none());
        fs::write(folder.path().join(".git"), "nonsense").unwrap();
        assert!(Local::discover(folder.path(), "", 1000).is_err());
    }

    #[test]
    fn a_commit_says_who_made_it_and_what_came_before() {
        let origin = Origin::new();
        let first = origin.commit("main", "a.yml", "a: 1");
        let second = origin.commit("main", "a.yml", "a: 2");
        let (_folder, mut local) = clone(&origin);
        let mut about = |commit| local.about(commit).unwrap().unwrap();
        let (old, new) = (about(first), about(second));
        assert_eq!(
            (old.author.as_str(), old.committed_at, old.subject.as_str()),
            ("A <a@example.org>", 1_700_000_000, "x")
        );
        assert_eq!((old.parent, new.parent), (Parent::Nothing, Parent::Commit(first)));
        assert!(local.about(id(git2::Oid::ZERO_SHA1)).is_err());
    }

    #[test]
    fn behind_a_link_only_the_whole_list_can_tell() {
        let origin = Origin::new();
        let inner = origin.tree(&[(FILE, b"application.yml", origin.blob("u: 1"))]);
        let top = [(LINK, b"linked".as_slice(), origin.blob("user")), (FOLDER, b"user", inner)];
        let tip = origin.commit_tree(origin.tree(&top), &[]);
        origin.point("refs/heads/main", crate::source::tests::oid(tip));
        let (_folder, mut local) = clone(&origin);
        let mut glance = |path: &str| local.glance(tip, &[path.to_owned()]).unwrap();
        assert_eq!((glance("linked"), glance("linked/application.yml")), (None, None));
        assert_eq!((glance("user"), glance("user/application.yml/x")), (Some(vec![None]), Some(vec![None])));
        assert!(glance("user/application.yml").unwrap()[0].is_some());
    }
}
