//! Clones that left objects with their remote (`git clone --filter`): Git fetches those when it needs them, layerd does not.

use git2::{ErrorCode, Repository};

/// How the rest of a partial clone is fetched.
pub(super) const HINT: &str =
    "`git fetch --refetch --no-filter` in it brings the rest; or name a full clone or its URL";

/// True if an error means that an object is missing which a partial clone may lack.
pub(super) fn explains(repository: &Repository, error: &git2::Error) -> bool {
    error.code() == ErrorCode::NotFound && is_partial(repository)
}

fn is_partial(repository: &Repository) -> bool {
    let Ok(config) = repository.config().and_then(|mut config| config.snapshot()) else { return false };
    if config.get_str("extensions.partialclone").is_ok() {
        return true;
    }
    let remotes = repository.remotes();
    let is_promisor = |name: &str| config.get_bool(&format!("remote.{name}.promisor")).unwrap_or(false);
    remotes.is_ok_and(|remotes| {
        (0..remotes.len()).any(|index| matches!(remotes.get(index), Ok(Some(name)) if is_promisor(name)))
    })
}
