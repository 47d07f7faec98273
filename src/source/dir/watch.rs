//! Being told when something in a folder has changed, once the folder is quiet again.
//!
//! For folders of configuration and for those that hold key files. It may be told without need, and network file systems
//! may tell nothing at all: whoever watches looks now and then as well.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use notify::event::{AccessKind, AccessMode};
use notify::{ErrorKind, Event, EventKind, RecommendedWatcher, RecursiveMode, Watcher as _};

use super::scan::unreadable;
use crate::source::ReadError;

/// How long a folder must have been quiet before a change is told, because editors write in several steps.
pub(super) const QUIET: Duration = Duration::from_millis(200);

/// How long one that is never quiet is waited for.
const LONGEST: Duration = Duration::from_millis(500);

/// While it lives, changes are told.
#[derive(Debug)]
pub struct Watch {
    /// Held for the threads that end when it is dropped.
    _watcher: RecommendedWatcher,
    is_whole: bool,
}

impl Watch {
    /// True if all folders are watched; else some below them could not be looked into, and folders that are made are not
    /// watched either, until there is a new watch.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        self.is_whole
    }
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
    watch_closely(folders, depth, |_| (), changed)
}

/// The same, with each event told to `heard` as it comes, from yet another thread.
///
/// # Errors
/// If a folder cannot be watched.
pub(super) fn watch_closely(
    folders: &[PathBuf],
    depth: Depth,
    heard: impl Fn(&Event) + Send + 'static,
    changed: impl Fn() + Send + 'static,
) -> Result<Watch, ReadError> {
    let (sender, receiver) = channel();
    let told = move |result: notify::Result<Event>| {
        // Errors stand for lost events, so they are a reason to look as well.
        if result.map_or(true, |event| is_change(event.kind).then(|| heard(&event)).is_some()) {
            sender.send(()).unwrap_or_default();
        }
    };
    // Links are not followed: what they may lead to is below the folder and watched anyway.
    let config = notify::Config::default().with_follow_symlinks(false);
    let any = folders.first().map_or(Path::new(""), PathBuf::as_path);
    let mut watcher = RecommendedWatcher::new(told, config).map_err(|error| unwatched(any, &error))?;
    let mode = if depth == Depth::All { RecursiveMode::Recursive } else { RecursiveMode::NonRecursive };
    let mut is_whole = true;
    for folder in folders {
        let real = std::fs::canonicalize(folder).map_err(|error| unreadable(folder, &error))?;
        is_whole &= add(&mut watcher, &real, mode).map_err(|error| unwatched(folder, &error))?;
    }
    // It ends by itself, with the watcher.
    let waiting = std::thread::Builder::new().name("watch".to_owned()).spawn(move || tell(&receiver, changed));
    waiting.map_err(|error| ReadError(format!("`{}` cannot be watched: {error}", any.display())))?;
    Ok(Watch { _watcher: watcher, is_whole })
}

/// Watches a folder; false if something below it cannot be looked into, which keeps the rest from being watched as a whole.
fn add(watcher: &mut RecommendedWatcher, folder: &Path, mode: RecursiveMode) -> notify::Result<bool> {
    match watcher.watch(folder, mode) {
        Err(error) if mode == RecursiveMode::Recursive && is_closed(&error) => {}
        watched => return watched.map(|()| true),
    }
    watcher.watch(folder, RecursiveMode::NonRecursive)?;
    let mut pending = vec![folder.to_owned()];
    while let Some(folder) = pending.pop() {
        for entry in std::fs::read_dir(&folder).into_iter().flatten().flatten() {
            let path = entry.path();
            if !entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                continue;
            }
            match watcher.watch(&path, RecursiveMode::NonRecursive) {
                Ok(()) => pending.push(path),
                Err(error) if is_closed(&error) || matches!(error.kind, ErrorKind::PathNotFound) => {}
                Err(error) => return Err(error),
            }
        }
    }
    Ok(false)
}

fn is_closed(error: &notify::Error) -> bool {
    matches!(&error.kind, ErrorKind::Io(error) if error.kind() == io::ErrorKind::PermissionDenied)
}

/// Tells of changes once they have been quiet, or have gone on for long, until no more can come.
fn tell(events: &Receiver<()>, changed: impl Fn()) {
    while events.recv().is_ok() {
        let began = Instant::now();
        loop {
            match events.recv_timeout(QUIET) {
                Ok(()) if began.elapsed() < LONGEST => {}
                Ok(()) | Err(RecvTimeoutError::Timeout) => break,
                Err(RecvTimeoutError::Disconnected) => return,
            }
        }
        changed();
    }
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
