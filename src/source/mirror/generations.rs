//! The folder of one source: its mirror in numbered generations, of which the newest complete one is in use.
//!
//! A new generation takes the place of one that is damaged or has grown fat, in one step, when it is complete. An old one
//! is removed when nobody reads it any more. One process at a time owns the folder.

use std::collections::BTreeMap;
use std::fs::{self, File, TryLockError};
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::{Mirror, create_private};
use crate::source::SetupError;

/// The generations of one source's mirror.
#[derive(Debug)]
pub(in crate::source) struct Generations {
    folder: PathBuf,
    /// How many readers each generation has. Held while it is decided which one is in use and which ones may go.
    readers: Arc<Mutex<BTreeMap<u32, usize>>>,
    /// The generation in which something is missing or spoilt; 0 if none is.
    damaged: Arc<AtomicU32>,
    /// The generation that was read through; 0 if none was.
    read: Arc<AtomicU32>,
    /// Locked while this lives.
    lock: File,
}

/// A generation that stays on disk while this lives.
#[derive(Debug)]
pub(in crate::source) struct Held {
    /// Its number.
    pub(in crate::source) number: u32,
    /// Its mirror.
    pub(in crate::source) mirror: Mirror,
    readers: Arc<Mutex<BTreeMap<u32, usize>>>,
    damaged: Arc<AtomicU32>,
    read: Arc<AtomicU32>,
}

impl Held {
    /// Makes sure, once in the life of the process, that the disk gives back what it was given.
    ///
    /// # Errors
    /// If it does not.
    pub(in crate::source) fn read_through(&self) -> io::Result<()> {
        if self.read.load(Ordering::Relaxed) != self.number {
            self.mirror.read_through()?;
            self.read.store(self.number, Ordering::Relaxed);
        }
        Ok(())
    }

    /// Notes that something in this generation is missing or spoilt.
    pub(in crate::source) fn note_damage(&self) {
        // A reader of an older one may be late to notice.
        self.damaged.fetch_max(self.number, Ordering::Relaxed);
    }

    /// True if something in this generation is known to be missing or spoilt.
    pub(in crate::source) fn is_damaged(&self) -> bool {
        self.damaged.load(Ordering::Relaxed) == self.number
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        let mut readers = locked(&self.readers);
        if let Some(count) = readers.get_mut(&self.number) {
            *count -= 1;
        }
        readers.retain(|_, count| *count > 0);
    }
}

impl Generations {
    /// Takes possession of the folder, which is made if it is missing.
    ///
    /// # Errors
    /// If it cannot be used, others may enter it, or another process uses it.
    pub(in crate::source) fn open(folder: PathBuf) -> Result<Self, SetupError> {
        let lock = own(&folder)?;
        let (readers, damaged, read) = (Arc::default(), Arc::default(), Arc::default());
        let generations = Self { folder, readers, damaged, read, lock };
        generations.sweep();
        Ok(generations)
    }

    /// The folder of all generations.
    pub(in crate::source) fn folder(&self) -> &Path {
        &self.folder
    }

    /// The generation in use: the newest that was ever completed, else the first.
    pub(in crate::source) fn hold(&self) -> Held {
        let mut readers = locked(&self.readers);
        let number = self.current();
        *readers.entry(number).or_default() += 1;
        let (readers, damaged, read) = (Arc::clone(&self.readers), Arc::clone(&self.damaged), Arc::clone(&self.read));
        Held { number, mirror: self.mirror(number), readers, damaged, read }
    }

    /// The place for the next generation, with nothing in it.
    pub(in crate::source) fn next(&self) -> Mirror {
        let number = self.current().saturating_add(1);
        drop(fs::remove_dir_all(self.place(number)));
        self.mirror(number)
    }

    /// Removes generations that were replaced and that nobody reads. What stays behind because it cannot be removed is
    /// taken for what it is: an older generation.
    pub(in crate::source) fn sweep(&self) {
        let readers = locked(&self.readers);
        let current = self.current();
        let mut gone: Vec<PathBuf> =
            self.entries("gone-").map(|number| self.folder.join(format!("gone-{number}"))).collect();
        for number in self.entries("gen-").filter(|number| *number < current && !readers.contains_key(number)) {
            let place = self.folder.join(format!("gone-{number}"));
            // In two steps, because the second takes its time and nobody shall wait for it.
            if fs::rename(self.place(number), &place).is_ok() {
                gone.push(place);
            }
        }
        drop(readers);
        gone.iter().for_each(|place| drop(fs::remove_dir_all(place)));
    }

    fn current(&self) -> u32 {
        self.entries("gen-").filter(|number| self.mirror(*number).is_complete()).max().unwrap_or(1)
    }

    fn entries(&self, prefix: &'static str) -> impl Iterator<Item = u32> + use<> {
        let entries = fs::read_dir(&self.folder).into_iter().flatten().flatten();
        entries.filter_map(move |entry| entry.file_name().to_str()?.strip_prefix(prefix)?.parse().ok())
    }

    fn place(&self, number: u32) -> PathBuf {
        self.folder.join(format!("gen-{number}"))
    }

    fn mirror(&self, number: u32) -> Mirror {
        Mirror::new(self.place(number))
    }
}

impl Drop for Generations {
    fn drop(&mut self) {
        // Said, and not left to the closing of the file: a process that is just being started has a copy of it.
        drop(self.lock.unlock());
    }
}

fn locked(readers: &Mutex<BTreeMap<u32, usize>>) -> MutexGuard<'_, BTreeMap<u32, usize>> {
    readers.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Makes the folder and locks it against other processes.
fn own(folder: &Path) -> Result<File, SetupError> {
    let refuse = |what: String| SetupError::new("state", format!("the folder `{}` {what}", folder.display()));
    let unusable = |error: io::Error| refuse(format!("cannot be used: {error}"));
    create_private(folder).map_err(unusable)?;
    let metadata = fs::metadata(folder).map_err(unusable)?;
    if metadata.uid() != rustix::process::geteuid().as_raw() {
        return Err(refuse("belongs to another user\nhint: give it to the user that layerd runs as".to_owned()));
    }
    // Groups may, since that is how orchestrators give a volume to a container.
    if metadata.mode() & 0o007 != 0 {
        let mode = metadata.mode() & 0o777;
        return Err(refuse(format!("can be entered by everybody (mode {mode:03o})\nhint: chmod 700 makes it private")));
    }
    let lock = folder.join("lock");
    let file = File::create(&lock).or_else(|error| match error.kind() {
        // What is there can be served from a disk that has become read-only.
        io::ErrorKind::ReadOnlyFilesystem => File::open(&lock),
        _ => Err(error),
    });
    let file = file.map_err(unusable)?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::Error(error)) => Err(unusable(error)),
        Err(TryLockError::WouldBlock) => {
            let message = format!("another layerd uses the folder `{}`", folder.display());
            Err(SetupError::new("state", message + "\nhint: stop it, or give each server a state folder of its own"))
        }
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;
    use crate::source::mirror::Record;

    fn complete(mirror: &Mirror) {
        drop(mirror.prepare().unwrap());
        mirror.commit(&Record::default()).unwrap();
    }

    fn names(folder: &Path) -> Vec<String> {
        let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
        let mut names: Vec<String> = entries.filter(|name| name != "lock").collect();
        names.sort();
        names
    }

    #[test]
    fn an_old_generation_goes_when_its_last_reader_does() {
        let folder = tempfile::tempdir().unwrap();
        let place = folder.path().join("x");
        let generations = Generations::open(place.clone()).unwrap();
        let first = generations.hold();
        complete(&first.mirror);
        let again = generations.hold();
        complete(&generations.next());
        assert_eq!((first.number, again.number, generations.hold().number), (1, 1, 2));
        drop(first);
        generations.sweep();
        assert_eq!(names(&place), ["gen-1", "gen-2"]);
        drop(again);
        generations.sweep();
        assert_eq!(names(&place), ["gen-2"]);
    }

    #[test]
    fn what_a_killed_process_left_is_not_taken_for_a_mirror() {
        let folder = tempfile::tempdir().unwrap();
        let place = folder.path().join("x");
        let generations = Generations::open(place.clone()).unwrap();
        complete(&generations.hold().mirror);
        fs::create_dir_all(place.join("gen-2/objects")).unwrap();
        fs::create_dir_all(place.join("gone-0/objects")).unwrap();
        assert_eq!(generations.hold().number, 1);
        drop(generations);
        let generations = Generations::open(place.clone()).unwrap();
        assert_eq!(names(&place), ["gen-1", "gen-2"]);
        generations.next();
        assert_eq!(names(&place), ["gen-1"]);
    }

    #[test]
    fn damage_of_one_generation_is_none_of_the_next() {
        let folder = tempfile::tempdir().unwrap();
        let generations = Generations::open(folder.path().join("x")).unwrap();
        let first = generations.hold();
        first.note_damage();
        assert!(generations.hold().is_damaged());
        complete(&generations.next());
        assert!(!generations.hold().is_damaged());
    }

    #[test]
    fn bad_g21_a_folder_that_everybody_may_enter_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let place = folder.path().join("x");
        fs::create_dir(&place).unwrap();
        fs::set_permissions(&place, fs::Permissions::from_mode(0o755)).unwrap();
        let told = Generations::open(place.clone()).unwrap_err().to_string();
        assert_eq!(
            told.replace(place.to_str().unwrap(), "X"),
            "state: the folder `X` can be entered by everybody (mode 755)\nhint: chmod 700 makes it private"
        );
        fs::set_permissions(&place, fs::Permissions::from_mode(0o750)).unwrap();
        Generations::open(place).unwrap();
    }

    #[test]
    fn bad_g12_a_folder_has_one_owner_and_a_lock_without_one_is_no_obstacle() {
        let folder = tempfile::tempdir().unwrap();
        let place = folder.path().join("x");
        create_private(&place).unwrap();
        fs::write(place.join("lock"), "of a dead process").unwrap();
        let first = Generations::open(place.clone()).unwrap();
        let told = Generations::open(place.clone()).unwrap_err().to_string();
        assert_eq!(
            told.replace(place.to_str().unwrap(), "X"),
            "state: another layerd uses the folder `X`\nhint: stop it, or give each server a state folder of its own"
        );
        drop(first);
        Generations::open(place).unwrap();
    }
}
