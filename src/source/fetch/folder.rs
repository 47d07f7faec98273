//! A Git repository in a folder of this machine as a remote: its refs are listed and its objects copied here.
//!
//! libgit2's own transport for folders ends at the first ref or object that makes no sense, and the `git2` crate panics at
//! names that are not UTF-8. Here each label is taken or left by itself.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::io::Write as _;
use std::path::Path;

use git2::{ErrorCode, ObjectType, Oid, Repository, RepositoryOpenFlags};

use super::refs::{Advertised, MAX_PEELS};
use crate::source::transport::failure::storage;
use crate::source::transport::ref_list::{Wanted, other_hash};
use crate::source::{FetchError, partial};

/// A repository in a folder.
pub(super) struct Folder(Repository);

impl Folder {
    /// Opens the repository.
    ///
    /// # Errors
    /// In plainer words than those of libgit2.
    pub(super) fn open(path: &Path) -> Result<Self, FetchError> {
        if !path.is_dir() {
            return Err(FetchError::new("not-found", "there is no such folder"));
        }
        let opened = Repository::open_ext(path, RepositoryOpenFlags::NO_SEARCH, std::iter::empty::<&OsStr>());
        opened.map(Self).map_err(|error| match error.code() {
            ErrorCode::NotFound => FetchError::new("not-found", "this folder is not a Git repository"),
            ErrorCode::Owner => FetchError::new("auth", "this folder belongs to another user").with_hint(
                "give it to the user that layerd runs as, or list it in that user's Git setting safe.directory",
            ),
            _ if error.message().contains("objectformat") || error.message().contains("object format") => {
                other_hash("sha256")
            }
            _ => storage(error.message()),
        })
    }

    /// Its branches and tags that are wanted. Refs that lead nowhere or whose names are no text are left out, as Git does.
    pub(super) fn list(&self, wanted: &Wanted) -> Result<Advertised, git2::Error> {
        let mut refs = BTreeMap::new();
        for reference in self.0.references()?.flatten() {
            let Some(name) = std::str::from_utf8(reference.name_bytes()).ok().filter(|name| wanted.has(name)) else {
                continue;
            };
            let target = reference.resolve().ok().and_then(|resolved| resolved.target());
            refs.extend(target.map(|target| (name.to_owned(), target)));
        }
        let head = self.0.find_reference("HEAD").ok();
        let head = head.as_ref().and_then(|head| head.symbolic_target_bytes());
        let head = head.and_then(|name| std::str::from_utf8(name).ok()).map(str::to_owned);
        Ok(Advertised::new(refs, head, None))
    }

    /// The failure that a partial clone is the reason for.
    pub(super) fn of_partial(&self, error: &git2::Error) -> Option<FetchError> {
        // In one line, because it may become what is told of one label.
        partial::explains(&self.0, error).then(|| {
            let text = format!("it is a partial clone and objects are missing: {}", partial::HINT);
            FetchError::new("protocol", text)
        })
    }

    /// Copies what these ids lead to and what `mirror` does not have yet, given what it has.
    pub(super) fn copy(
        &self,
        ids: &[Oid],
        has: &BTreeMap<String, Oid>,
        mirror: &Repository,
        allows: &dyn Fn(u64) -> bool,
    ) -> Result<(), git2::Error> {
        let mut builder = self.0.packbuilder()?;
        let mut history = self.0.revwalk()?;
        let mut is_empty = true;
        for id in ids {
            let (rest, last) = self.tags(*id, &mut builder)?;
            match last {
                Some(ObjectType::Commit) => history.push(rest)?,
                _ => builder.insert_recursive(rest, None)?,
            }
            is_empty &= last != Some(ObjectType::Commit);
        }
        // What is not here cannot be hidden, and need not be.
        has.values().for_each(|tip| drop(history.hide(*tip)));
        if !is_empty {
            builder.insert_walk(&mut history)?;
        }
        let stopped = || git2::Error::from_str("the fetch was stopped");
        if !allows(0) {
            return Err(stopped());
        }
        if builder.object_count() == 0 {
            return Ok(());
        }
        let objects = mirror.odb()?;
        let mut writer = objects.packwriter()?;
        let (mut received, mut failure) = (0_u64, None);
        let built = builder.foreach(|bytes| {
            received = received.saturating_add(u64::try_from(bytes.len()).unwrap_or(u64::MAX));
            let written =
                if allows(received) { writer.write_all(bytes).map_err(|error| told(&error)) } else { Err(stopped()) };
            written.map_err(|error| failure = Some(error)).is_ok()
        });
        failure.map_or(built, Err)?;
        writer.commit()?;
        Ok(())
    }

    /// Takes tag objects along; the first thing that is none, and its kind.
    fn tags(&self, mut id: Oid, builder: &mut git2::PackBuilder<'_>) -> Result<(Oid, Option<ObjectType>), git2::Error> {
        let objects = self.0.odb()?;
        for _ in 0..=MAX_PEELS {
            match objects.read_header(id)?.1 {
                ObjectType::Tag => {
                    builder.insert_object(id, None)?;
                    id = self.0.find_tag(id)?.target_id();
                }
                kind => return Ok((id, Some(kind))),
            }
        }
        Ok((id, Some(ObjectType::Tag)))
    }
}

fn told(error: &std::io::Error) -> git2::Error {
    let kind = error.raw_os_error().map_or(git2::ErrorClass::Indexer, |_| git2::ErrorClass::Os);
    git2::Error::new(ErrorCode::GenericError, kind, error.to_string())
}
