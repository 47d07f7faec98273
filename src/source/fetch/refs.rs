//! What a remote has: its branches and tags, the commits that they lead to, and its default branch.
//!
//! For remotes behind a network the list has been sifted in `ref_list.rs`; that of a folder in
//! `folder.rs`.

use std::collections::BTreeMap;

use git2::{ErrorClass, ErrorCode, ObjectType, Oid, Repository};

use crate::source::FetchError;
use crate::source::mirror::digest;
use crate::source::transport::failure::explain;
use crate::source::transport::ref_list::Wanted;

/// The most tags of tags that are followed to a commit.
pub(super) const MAX_PEELS: usize = 8;

/// What full names of branches begin with.
const BRANCHES: &str = "refs/heads/";

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
        let guessed = || connection.default_branch().ok()?.as_str().ok().map(str::to_owned);
        // Servers that do not say which branch HEAD is are asked for the branch with the commit of HEAD.
        Ok(Self::new(refs, head.or_else(guessed), depth))
    }

    /// What was advertised, of which only what is wanted is left.
    pub(super) fn new(refs: BTreeMap<String, Oid>, head: Option<String>, depth: Option<u32>) -> Self {
        let head = head.filter(|head| refs.contains_key(head));
        let list: String = refs.iter().map(|(name, id)| format!("{id} {name}\n")).collect();
        let depth = depth.map(|depth| format!("depth {depth}\n")).unwrap_or_default();
        let digest = digest(&format!("{depth}{}\n{list}", head.as_deref().unwrap_or_default()));
        Self { refs, head, digest }
    }
}

/// The commit that a ref leads to; `None` for a tag of something else. A branch always leads to one.
pub(super) fn peel(repository: &Repository, name: &str, id: Oid) -> Result<Option<Oid>, FetchError> {
    match peel_one(repository, id) {
        Ok(None) if name.starts_with(BRANCHES) => {
            Err(FetchError::new("protocol", format!("`{name}` leads to something that is not a commit")))
        }
        Ok(tip) => Ok(tip),
        Err(error) if error.code() == ErrorCode::NotFound => {
            Err(FetchError::new("protocol", format!("the server has not sent `{name}`")))
        }
        Err(error) => Err(explain(&error)),
    }
}

fn peel_one(repository: &Repository, mut id: Oid) -> Result<Option<Oid>, git2::Error> {
    let objects = repository.odb()?;
    for _ in 0..=MAX_PEELS {
        match objects.read_header(id)?.1 {
            ObjectType::Commit => return Ok(Some(id)),
            ObjectType::Tag => {
                let tag = repository.find_tag(id)?;
                id = tag.target_id();
                if Some(objects.read_header(id)?.1) != tag.target_type() {
                    return Err(git2::Error::new(
                        ErrorCode::Invalid,
                        ErrorClass::Tag,
                        "a tag is wrong about its target",
                    ));
                }
            }
            _ => return Ok(None),
        }
    }
    Ok(None)
}
