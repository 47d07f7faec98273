//! What a commit says of itself, and a look at a few of its files without listing all of them.

use std::collections::HashMap;
use std::sync::Arc;

use git2::{Commit, Oid, Repository, Tree};

use super::tree::bytes;
use crate::config::tree::{BlobId, CommitId, File};
use crate::source::name::OWN_FILE;

/// What a commit says of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct About {
    /// Who wrote it, as `Name <address>`; bytes that are not UTF-8 are replaced.
    pub author: String,
    /// When it was made, in seconds since 1970.
    pub committed_at: i64,
    /// The first line of its message; bytes that are not UTF-8 are replaced.
    pub subject: String,
    /// The commit that it follows; of a merge, the one on whose branch it was made.
    pub parent: Parent,
}

/// What comes before a commit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Parent {
    /// This commit.
    Commit(CommitId),
    /// Nothing: it is the first one.
    Nothing,
    /// Something that was not fetched.
    Unknown,
}

const KIND: i32 = 0o170_000;
const FILE: i32 = 0o100_000;
const FOLDER: i32 = 0o040_000;
const LINK: i32 = 0o120_000;

/// What a commit says of itself.
pub(in crate::source) fn about(repository: &Repository, commit: &Commit<'_>) -> About {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let author = commit.author();
    let subject = commit.message_bytes().split(|byte| *byte == b'\n').find(|line| !line.is_empty());
    let parent = match commit.parent_ids().next() {
        Some(id) if repository.find_commit(id).is_ok() => Parent::Commit(CommitId(bytes(id))),
        Some(_) => Parent::Unknown,
        None if repository.is_shallow() => Parent::Unknown,
        None => Parent::Nothing,
    };
    About {
        author: format!("{} <{}>", text(author.name_bytes()), text(author.email_bytes())),
        committed_at: commit.time().seconds(),
        subject: text(subject.unwrap_or_default()),
        parent,
    }
}

/// The files at these paths below the folder `root` of the tree `top`; `None` if a link is on the way to one of them, for
/// which the whole commit must be listed.
pub(in crate::source) fn glance(
    repository: &Repository,
    top: Oid,
    root: &[Arc<str>],
    paths: &[String],
) -> Result<Option<Vec<Option<File>>>, git2::Error> {
    let objects = repository.odb()?;
    let mut folders = Folders { repository, known: HashMap::new() };
    let mut files = Vec::with_capacity(paths.len());
    let root: String = root.iter().flat_map(|segment| [&**segment, "/"]).collect();
    for path in paths {
        files.push(match folders.find(top, &format!("{root}{path}"))? {
            Found::Link => return Ok(None),
            Found::File(id) => Some(File { blob: BlobId(bytes(id)), size: objects.read_header(id)?.0 as u64 }),
            Found::Nothing | Found::Folder(_) => None,
        });
    }
    Ok(Some(files))
}

/// What the repository says about itself at the top of the tree, if the root is a folder below that.
pub(in crate::source) fn top(
    repository: &Repository,
    top: Oid,
    root: &[Arc<str>],
) -> Result<Option<File>, git2::Error> {
    if root.is_empty() {
        return Ok(None);
    }
    let found = glance(repository, top, &[], &[OWN_FILE.to_owned()])?;
    Ok(found.and_then(|files| files.into_iter().next().flatten()))
}

/// The folders of a commit, each read once.
struct Folders<'a> {
    repository: &'a Repository,
    /// By path.
    known: HashMap<String, Tree<'a>>,
}

enum Found {
    File(Oid),
    Folder(Oid),
    Link,
    Nothing,
}

impl Folders<'_> {
    /// What is at a path. No deeper than paths of configuration are.
    fn find(&mut self, top: Oid, path: &str) -> Result<Found, git2::Error> {
        let mut found = Found::Folder(top);
        let mut end = 0;
        for name in path.split('/') {
            found = match found {
                Found::Folder(id) => self.entry(id, &path[..end], name)?,
                Found::Link => return Ok(Found::Link),
                Found::File(_) | Found::Nothing => return Ok(Found::Nothing),
            };
            end += name.len() + 1;
        }
        Ok(found)
    }

    fn entry(&mut self, folder: Oid, path: &str, name: &str) -> Result<Found, git2::Error> {
        if !self.known.contains_key(path) {
            self.known.insert(path.to_owned(), self.repository.find_tree(folder)?);
        }
        let Some(entry) = self.known.get(path).and_then(|tree| tree.get_name(name)) else { return Ok(Found::Nothing) };
        Ok(match entry.filemode_raw() & KIND {
            FILE => Found::File(entry.id()),
            FOLDER => Found::Folder(entry.id()),
            LINK => Found::Link,
            _ => Found::Nothing,
        })
    }
}
