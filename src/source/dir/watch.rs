//! Being told when something in a folder has changed, once the folder is quiet again.
//!
//! For folders of configuration and for those that hold key files. It may be told without need, and network file systems
//! may tell nothing at all: whoever watches looks now and then as well.

use std::path::{Path, PathBuf};
use std::time::Duration;

use notify::event::{AccessKind, AccessMode};
use notify::{EventKind, RecommendedWatcher, RecursiveMode};
use notify_debouncer_full::{DebounceEventResult, Debouncer, NoCache, new_debouncer_opt};

use super::scan::unreadable;
use crate::source::ReadError;

/// How long a folder must have been quiet before a change is told, because editors write in several steps.
pub(super) const QUIET: Duration = Duration::from_millis(200);

/// While it lives, changes are told.
#[derive(Debug)]
pub struct Watch {
    /// Held for the thread that it stops when it is dropped.
    _debouncer: Debouncer<RecommendedWatcher, NoCache>,
}

/// How far below a folder changes count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Depth {
    /// Its own entries.
    Entries,
    /// Everything below it.
    All,
}

/// Calls `changed` on a thread of its own whenever something in one of the folders has changed, until the guard is
/// dropped. A folder that takes the place of one of them takes a new watch.
///
/// # Errors
/// If a folder cannot be watched, for example because the system's limit of watches is used up.
pub fn watch(folders: &[PathBuf], depth: Depth, changed: impl Fn() + Send + 'static) -> Result<Watch, ReadError> {
    let told = move |result: DebounceEventResult| {
        // Errors stand for lost events, so they are a reason to look as well.
        if result.map_or(true, |events| events.iter().any(|event| is_change(event.kind))) {
            changed();
        }
    };
    // Links are not followed: what they may lead to is below the folder and watched anyway.
    let config = notify::Config::default().with_follow_symlinks(false);
    let any = folders.first().map_or(Path::new(""), PathBuf::as_path);
    let mut debouncer =
        new_debouncer_opt(QUIET, None, told, NoCache::new(), config).map_err(|error| unwatched(any, &error))?;
    let mode = if depth == Depth::All { RecursiveMode::Recursive } else { RecursiveMode::NonRecursive };
    for folder in folders {
        let real = std::fs::canonicalize(folder).map_err(|error| unreadable(folder, &error))?;
        debouncer.watch(real, mode).map_err(|error| unwatched(folder, &error))?;
    }
    Ok(Watch { _debouncer: debouncer })
}

fn unwatched(folder: &Path, error: &notify::Error) -> ReadError {
    ReadError(format!("`{}` cannot be watched: {error}", folder.display()))
}

/// Reading is an event too, and whoever is told reads: only what writes counts.
fn is_change(kind: EventKind) -> bool {
    !matches!(kind, EventKind::Access(access) if !matches!(access, AccessKind::Close(AccessMode::Write)))
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::sync::mpsc::channel;

    use super::*;

    const PATIENCE: Duration = Duration::from_secs(20);

    #[test]
    fn a_change_in_any_of_the_folders_is_told() {
        let folders = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
        let paths = folders.each_ref().map(|folder| folder.path().to_owned());
        for path in &paths {
            let (sender, told) = channel();
            let _watch = watch(&paths, Depth::Entries, move || sender.send(()).unwrap_or_default()).unwrap();
            fs::write(path.join("key"), "text").unwrap();
            told.recv_timeout(PATIENCE).unwrap();
        }
    }

    #[test]
    fn a_folder_that_is_not_there_is_no_folder_to_watch() {
        let path = PathBuf::from("/nonexistent/folder");
        let told = watch(&[path], Depth::All, || {}).unwrap_err().to_string();
        assert_eq!(told, "`/nonexistent/folder` cannot be read: No such file or directory (os error 2)");
    }
}
