//! A folder at one moment: the bytes of its files with a digest for a commit id.
//!
//! A file is taken as it is only if it did not change while it was read. Of one that does, or that is still being written,
//! the bytes that were taken last are taken again; one that cannot be read is in the tree with the reason.

use std::collections::{HashMap, HashSet};
use std::fmt::Write as _;
use std::fs::{File, OpenOptions};
use std::io::{self, Read};
use std::os::unix::fs::OpenOptionsExt as _;
use std::sync::Arc;

use git2::{ObjectType, Oid};
use rustix::fs::OFlags;

use super::scan::{Found, Stamp, Survey, is_configuration, reason};
use crate::config::tree::{self, BlobId, CommitId, Skipped, Tree};

/// The most bytes of one capture. All of them are held in memory.
const MAX_BYTES: u64 = 256 << 20;

/// Why the content of a file is not the newest.
const RESTLESS: &str = "it is being written all the time, so that its last content is served";

/// The folder at one moment.
#[derive(Debug)]
pub(super) struct Capture {
    pub(super) id: CommitId,
    pub(super) tree: Tree,
    pub(super) blobs: HashMap<BlobId, Arc<[u8]>>,
    /// The time of the newest file, in seconds since 1970.
    pub(super) newest: i64,
    /// What the files were when they were taken.
    pub(super) taken: HashMap<String, Found>,
    /// The files that changed while they were read.
    pub(super) torn: Vec<String>,
}

/// What a capture is made from besides the survey.
#[derive(Debug, Clone, Copy)]
pub(super) struct Means<'a> {
    /// The capture before.
    pub(super) known: Option<&'a Capture>,
    /// The files that are being written.
    pub(super) held: &'a HashSet<String>,
    /// Of these, the ones that have been for long.
    pub(super) restless: &'a HashSet<String>,
    pub(super) max_file_size: u64,
    /// What the repository says about itself above the root.
    pub(super) top: Option<&'a [u8]>,
}

/// What reading a file came to.
enum Reading {
    Whole(Vec<u8>),
    Changed,
    Failed(Arc<str>),
}

impl Capture {
    /// Reads the files that were found. Bytes that the capture before has too are shared with it.
    pub(super) fn take(survey: &Survey, means: Means<'_>) -> Self {
        let tree = Tree { skipped: survey.skipped.clone(), closed: survey.closed.clone(), ..Tree::default() };
        let (blobs, taken) = (HashMap::new(), HashMap::new());
        let mut capture = Self { id: CommitId([0; 20]), tree, blobs, newest: 0, taken, torn: Vec::new() };
        let mut total = 0;
        // Configuration comes first, so that no other file uses up what there is room for.
        for wants_configuration in [true, false] {
            let found = survey.found.iter().filter(|found| is_configuration(&found.path) == wants_configuration);
            for found in found {
                capture.add(found, means, &mut total);
            }
        }
        for (path, reason) in &survey.unreadable {
            capture.fail(path, 0, reason);
        }
        capture.close(means);
        if let Some(bytes) = means.top {
            let blob = BlobId(blob_id(bytes));
            capture.blobs.insert(blob, Arc::from(bytes));
            capture.tree.top = Some(tree::File { blob, size: bytes.len() as u64 });
        }
        capture.newest = capture.taken.values().map(|found| found.stamp.modified.0).max().unwrap_or_default();
        capture.id = CommitId(blob_id(capture.list().as_bytes()));
        capture
    }

    fn add(&mut self, found: &Found, means: Means<'_>, total: &mut u64) {
        if means.held.contains(&found.path) {
            return self.keep(&found.path, means, total);
        }
        let size = found.stamp.size;
        if size > means.max_file_size {
            self.put(found, unread_id(&found.path, size, &format!("{:?}", found.stamp.modified)), size);
            return;
        }
        if *total + size > MAX_BYTES {
            let reason = format!("the files of the folder have more than {MAX_BYTES} bytes together");
            return self.fail(&found.path, size, &reason.into());
        }
        match read(found, means.max_file_size) {
            Reading::Whole(bytes) => {
                let size = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
                *total += size;
                let blob = BlobId(blob_id(&bytes));
                let shared = means.known.and_then(|known| known.blobs.get(&blob)).cloned();
                self.blobs.insert(blob, shared.unwrap_or_else(|| Arc::from(bytes)));
                self.put(found, blob, size);
            }
            Reading::Changed => {
                self.torn.push(found.path.clone());
                self.keep(&found.path, means, total);
            }
            Reading::Failed(reason) => self.fail(&found.path, size, &reason),
        }
    }

    fn put(&mut self, found: &Found, blob: BlobId, size: u64) {
        self.tree.files.insert(Arc::from(found.path.as_str()), tree::File { blob, size });
        self.taken.insert(found.path.clone(), found.clone());
    }

    /// Takes again what was taken last. A file that nothing was taken of is not there yet; with the first capture, and
    /// after a while, it is one that cannot be read, because an answer without it would look whole.
    fn keep(&mut self, path: &str, means: Means<'_>, total: &mut u64) {
        let is_restless = means.restless.contains(path);
        let known = means.known.and_then(|known| Some((known, *known.tree.files.get(path)?)));
        let Some((known, file)) = known else {
            if means.known.is_none() || is_restless {
                self.fail(path, 0, &"it is being written: it has not been left alone long enough to be read".into());
            }
            return;
        };
        let path: Arc<str> = Arc::from(path);
        self.tree.files.insert(Arc::clone(&path), file);
        self.tree
            .unreadable
            .extend(known.tree.unreadable.get(&path).map(|reason| (Arc::clone(&path), Arc::clone(reason))));
        self.taken.extend(known.taken.get(&*path).map(|found| (path.to_string(), found.clone())));
        if let Some(bytes) = known.blobs.get(&file.blob) {
            *total += file.size;
            self.blobs.insert(file.blob, Arc::clone(bytes));
        }
        if is_restless {
            self.tree.skipped.push(Skipped { path, reason: RESTLESS });
        }
    }

    /// A file that is there and cannot be read.
    fn fail(&mut self, path: &str, size: u64, reason: &Arc<str>) {
        let path: Arc<str> = Arc::from(path);
        let blob = unread_id(&path, size, reason);
        self.tree.files.insert(Arc::clone(&path), tree::File { blob, size });
        self.tree.unreadable.insert(path, Arc::clone(reason));
    }

    /// The files that were last seen in folders that cannot be looked into are still there, as far as is known.
    fn close(&mut self, means: Means<'_>) {
        let Some(known) = means.known else { return };
        for (folder, reason) in &self.tree.closed.clone() {
            let is_below = |path: &&Arc<str>| path.strip_prefix(&**folder).is_some_and(|rest| rest.starts_with('/'));
            for path in known.tree.files.keys().filter(is_below) {
                if !self.tree.files.contains_key(path) {
                    self.fail(path, 0, reason);
                }
            }
        }
    }

    /// All that makes two captures different.
    fn list(&self) -> String {
        let mut list = String::new();
        let mut line = |line: std::fmt::Arguments<'_>| {
            list.write_fmt(line).expect("writing to a string cannot fail");
            list.push('\n');
        };
        for (path, file) in &self.tree.files {
            line(format_args!("{} {path}", file.blob));
        }
        for skipped in &self.tree.skipped {
            line(format_args!("- {} {}", skipped.path, skipped.reason));
        }
        for (path, reason) in &self.tree.closed {
            line(format_args!("! {path} {reason}"));
        }
        if let Some(top) = &self.tree.top {
            line(format_args!("^ {}", top.blob));
        }
        list
    }

    /// Why the bytes with this id cannot be had, if it is one of a file that could not be read.
    pub(super) fn why_unread(&self, blob: BlobId) -> Option<String> {
        let (path, _) = self.tree.files.iter().find(|(_, file)| file.blob == blob)?;
        Some(format!("`{path}` is not served: {}", self.tree.unreadable.get(path)?))
    }

    /// True if a survey has nothing new but files that are held.
    pub(super) fn has_all_of(&self, survey: &Survey, held: &HashSet<String>) -> bool {
        let is_taken = |found: &Found| held.contains(&found.path) || self.taken.get(&found.path) == Some(found);
        let there: HashSet<&str> = survey.found.iter().map(|found| found.path.as_str()).collect();
        let skipped = self.tree.skipped.iter().filter(|skipped| skipped.reason != RESTLESS);
        survey.found.iter().all(is_taken)
            && self.taken.keys().all(|path| there.contains(path.as_str()))
            && survey.unreadable.iter().all(|(path, reason)| self.tree.unreadable.get(path) == Some(reason))
            && survey.skipped.iter().eq(skipped)
            && survey.closed == self.tree.closed
    }
}

fn blob_id(bytes: &[u8]) -> [u8; 20] {
    let id = Oid::hash_object(ObjectType::Blob, bytes).expect("hashing bytes in memory cannot fail");
    crate::source::mirror::tree::bytes(id)
}

/// Stands for the bytes of a file that are not read; another one after each change.
fn unread_id(path: &str, size: u64, reason: &str) -> BlobId {
    BlobId(blob_id(format!("unread {path} {size} {reason}").as_bytes()))
}

/// At most one byte more than `limit`. Whatever took the place of the file meanwhile is not waited for: opening a pipe or a
/// device does not block.
fn read(found: &Found, limit: u64) -> Reading {
    let flags = OFlags::NONBLOCK | OFlags::NOFOLLOW | OFlags::NOCTTY;
    let flags = i32::try_from(flags.bits()).unwrap_or_default();
    let is_same = |file: &File| Ok::<_, io::Error>(Stamp::of(&file.metadata()?) == found.stamp);
    let read = || {
        let file = OpenOptions::new().read(true).custom_flags(flags).open(&found.real)?;
        if !is_same(&file)? {
            return Ok(None);
        }
        let mut bytes = Vec::new();
        (&file).take(limit.saturating_add(1)).read_to_end(&mut bytes)?;
        Ok(is_same(&file)?.then_some(bytes))
    };
    match read() {
        Ok(Some(bytes)) => Reading::Whole(bytes),
        Ok(None) => Reading::Changed,
        Err(error) if is_gone(&error) => Reading::Changed,
        Err(error) => Reading::Failed(reason(&error)),
    }
}

/// True if there is nothing at the path any more, or a link.
fn is_gone(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::NotFound || error.raw_os_error() == Some(rustix::io::Errno::LOOP.raw_os_error())
}
