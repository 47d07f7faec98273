//! Which names of files and folders can be configuration, for every kind of source alike.
//!
//! A name that fails here could mislead a reader of a log or a resolver of paths. Whether a file's content is
//! configuration is not decided here.

use std::sync::Arc;

use super::SetupError;

/// The longest path that is listed, in bytes. Longer ones do not occur in configuration, and each is kept in memory.
pub(super) const MAX_PATH: usize = 1024;

/// The most folders inside one another.
pub(super) const MAX_DEPTH: usize = 64;

/// The most links followed to reach one file, and the most linked folders inside one another.
pub(super) const MAX_HOPS: usize = 8;

/// What a repository says about itself, in the root, and the rules of `validate`, in the folder that it makes the root: the
/// only dot files that are listed.
pub(super) const OWN_FILE: &str = ".layerd.yaml";
const RULES_FILE: &str = ".layerd-check.yaml";

/// The name as text.
///
/// # Errors
/// The reason why nothing with this name is listed.
pub(super) fn check(name: &[u8]) -> Result<&str, &'static str> {
    let Ok(name) = std::str::from_utf8(name) else { return Err("its name is not UTF-8") };
    match name {
        "" => Err("its name is empty"),
        "." | ".." => Err("its name is a relative path"),
        name if name.eq_ignore_ascii_case(".git") => Err("nothing called .git is configuration"),
        name if name.contains(['/', '\\']) => Err("its name holds a slash or a backslash"),
        name if name.contains(char::is_control) => Err("its name holds a control character"),
        name => Ok(name),
    }
}

/// The folders that lead to the root of a source, as its setting `path` names them.
///
/// # Errors
/// If the path leads somewhere else than down.
pub(super) fn parse_root(path: &str) -> Result<Vec<Arc<str>>, SetupError> {
    let segments = path.split('/').filter(|segment| !matches!(*segment, "" | "."));
    let checked = segments.map(|segment| check(segment.as_bytes()).map(Arc::from));
    checked.collect::<Result<_, _>>().map_err(|reason| SetupError::new("path", format!("{path:?} cannot be: {reason}")))
}

/// True for dot files and dot folders, of which nothing is listed. `folder` is the path of the folder, empty for the root.
pub(super) fn is_hidden(folder: &str, name: &str) -> bool {
    name.starts_with('.') && !(name == RULES_FILE || folder.is_empty() && name == OWN_FILE)
}

/// True for dot files and dot folders that nobody means to be served; all others may be asked for as plain files.
pub(super) fn is_private(name: &str) -> bool {
    name == ".ssh" || name.starts_with(".env")
}

/// `name` in `folder`, which is empty for the root.
pub(super) fn join(folder: &str, name: &str) -> String {
    if folder.is_empty() { name.to_owned() } else { format!("{folder}/{name}") }
}

/// True if the folder `outer` is `inner` or holds it; both are paths from the root, which is empty.
pub(super) fn encloses(outer: &str, inner: &str) -> bool {
    inner.strip_prefix(outer).is_some_and(|rest| outer.is_empty() || rest.is_empty() || rest.starts_with('/'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_could_mislead_are_refused_with_their_reason() {
        assert_eq!(check(b"application.yml"), Ok("application.yml"));
        assert_eq!(check("größe.yml".as_bytes()), Ok("größe.yml"));
        assert_eq!(check(b"caf\xe9.yml"), Err("its name is not UTF-8"));
        assert_eq!(check(b""), Err("its name is empty"));
        assert_eq!(check(b".."), Err("its name is a relative path"));
        assert_eq!(check(b".GiT"), Err("nothing called .git is configuration"));
        assert_eq!(check(b"a/b"), Err("its name holds a slash or a backslash"));
        assert_eq!(check(b"a\\b"), Err("its name holds a slash or a backslash"));
        assert_eq!(check(b"a\nb"), Err("its name holds a control character"));
    }

    #[test]
    fn of_the_dot_files_only_those_about_the_repository_are_seen() {
        assert!(is_hidden("", ".github"));
        assert!(!is_hidden("", ".layerd-check.yaml") && !is_hidden("a", ".layerd-check.yaml"));
        assert!(!is_hidden("", ".layerd.yaml") && is_hidden("a", ".layerd.yaml"));
    }

    #[test]
    fn a_folder_encloses_itself_and_what_is_below_but_no_namesake() {
        assert!(encloses("", "a/b") && encloses("a", "a") && encloses("a", "a/b"));
        assert!(!encloses("a", "ab") && !encloses("a/b", "a"));
    }
}
