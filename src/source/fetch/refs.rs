//! What a remote has: its branches and tags, the commits that they lead to, and its default branch.
//!
//! For remotes behind a network the list has been sifted in `advertisement.rs`; that of a folder is sifted here.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::path::Path;

use git2::{ErrorCode, ObjectType, Oid, Repository, RepositoryOpenFlags};

use crate::source::FetchError;
use crate::source::mirror::digest;
use crate::source::transport::failure::{explain, storage};
use crate::source::transport::ref_list::{Wanted, other_hash};

/// The most tags of tags that are followed to a commit.
const MAX_PEELS: usize = 8;

/// What a remote has.
pub(super) struct Advertised {
    /// Full names to what they name, which may be a tag object.
    pub(super) refs: BTreeMap<String, Oid>,
    /// Full name of the default branch.
    pub(super) head: Option<String>,
    /// Changes if any of the above does, or what is asked of it.
    pub(super) digest: String,
}

impl Advertised {
    pub(super) fn read(
        connection: &git2::RemoteConnection<'_, '_, '_>,
        wanted: &Wanted,
        depth: Option<u32>,
    ) -> Result<Self, git2::Error> {
        let mut refs = BTreeMap::new();
        let mut head = None;
        for entry in connection.list()? {
            if entry.name() == "HEAD" {
                head = entry.symref_target().map(str::to_owned);
            } else if wanted.has(entry.name()) {
                refs.insert(entry.name().to_owned(), entry.oid());
            }
        }
        // Servers that do not say which branch HEAD is are asked for the branch with the commit of HEAD.
        let head = head.or_else(|| connection.default_branch().ok()?.as_str().ok().map(str::to_owned));
        let head = head.filter(|head| refs.contains_key(head));
        let list: String = refs.iter().map(|(name, id)| format!("{id} {name}\n")).collect();
        let depth = depth.map(|depth| format!("depth {depth}\n")).unwrap_or_default();
        let digest = digest(&format!("{depth}{}\n{list}", head.as_deref().unwrap_or_default()));
        Ok(Self { refs, head, digest })
    }
}

/// The commits that the refs lead to; refs that lead to none are left out.
pub(super) fn peel(repository: &Repository, refs: &BTreeMap<String, Oid>) -> Result<BTreeMap<String, Oid>, FetchError> {
    let mut tips = BTreeMap::new();
    for (name, id) in refs {
        let commit = peel_one(repository, *id).map_err(|error| match error.code() {
            ErrorCode::NotFound => FetchError::new("protocol", format!("the server has not sent `{name}`")),
            _ => explain(&error),
        })?;
        tips.extend(commit.map(|commit| (name.clone(), commit)));
    }
    Ok(tips)
}

fn peel_one(repository: &Repository, mut id: Oid) -> Result<Option<Oid>, git2::Error> {
    let objects = repository.odb()?;
    for _ in 0..=MAX_PEELS {
        match objects.read_header(id)?.1 {
            ObjectType::Commit => return Ok(Some(id)),
            ObjectType::Tag => id = repository.find_tag(id)?.target_id(),
            _ => return Ok(None),
        }
    }
    Ok(None)
}

/// Looks at a folder before libgit2 does, whose own words for what is wrong mislead, and at whose odd refs the `git2`
/// crate panics.
pub(super) fn check_folder(path: &Path) -> Result<(), FetchError> {
    if !path.is_dir() {
        return Err(FetchError::new("not-found", "there is no such folder"));
    }
    let opened = Repository::open_ext(path, RepositoryOpenFlags::NO_SEARCH, std::iter::empty::<&OsStr>());
    let repository = opened.map_err(|error| match error.code() {
        ErrorCode::NotFound => FetchError::new("not-found", "this folder is not a Git repository"),
        ErrorCode::Owner => FetchError::new("auth", "this folder belongs to another user")
            .with_hint("give it to the user that layerd runs as, or list it in that user's Git setting safe.directory"),
        _ if error.message().contains("objectformat") || error.message().contains("object format") => {
            other_hash("sha256")
        }
        _ => storage(error.message()),
    })?;
    let references = repository.references().map_err(|error| storage(error.message()))?;
    match references.flatten().any(|reference| std::str::from_utf8(reference.name_bytes()).is_err()) {
        true => Err(FetchError::new("protocol", "it has a branch or tag whose name is not UTF-8")),
        false => Ok(()),
    }
}
