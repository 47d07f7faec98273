//! The folder of a mirror: a bare repository for the objects, and beside them one file, `labels`, that says what the
//! remote had when it was last fetched.
//!
//! `labels` is replaced whole and last, so a fetch happened entirely or not at all, and a mirror without it was never
//! completed. `packed-refs` is written for libgit2, which tells the remote from it what the mirror already has;
//! `first-bytes` tells how large the mirror once was, `writer` is the lock of whoever fetches. What must be on disk before
//! what is in `durable.rs`.

mod durable;
pub(super) mod generations;
pub mod history;
pub(super) mod last_good;
pub(super) mod reader;
pub(super) mod tree;

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs::{self, DirBuilder, File};
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use git2::{Config, Oid, Repository, RepositoryInitOptions};
use sha2::{Digest, Sha256};

use super::transport::failure::printable as clean;
use durable::{replace, settle};

const HEADING: &str = "layerd labels 1";

/// Stands before the names of labels that cannot follow; no name of a ref begins with it.
const STUCK: &str = "! ";

/// A mirror on disk, whether it exists yet or not.
#[derive(Debug, Clone)]
pub(super) struct Mirror {
    folder: PathBuf,
}

/// What a remote had at one moment.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Record {
    /// Digest of everything that the remote advertised, labels or not.
    pub(super) advertised: String,
    /// Full name of the remote's default branch.
    pub(super) head: Option<String>,
    /// Full names of branches and tags to the commits that they lead to; for those that are stuck, to the last good ones.
    pub(super) tips: BTreeMap<String, Oid>,
    /// Full names of branches and tags that cannot follow the remote.
    pub(super) stuck: BTreeMap<String, Stuck>,
}

/// A branch or tag that stays where it was, or is not there yet, because what the remote has cannot be taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Stuck {
    /// What the remote has.
    pub(super) id: Oid,
    /// Why that cannot be taken, in one line.
    pub(super) reason: String,
}

/// What a mirror takes on disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Weight {
    /// Packs, each of which a look-up may have to search.
    pub(super) packs: usize,
    /// Bytes of all files.
    pub(super) bytes: u64,
}

impl Mirror {
    pub(super) fn new(folder: PathBuf) -> Self {
        Self { folder }
    }

    /// Where it is.
    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }

    /// True if a fetch has once succeeded.
    pub(super) fn is_complete(&self) -> bool {
        self.folder.join("labels").is_file()
    }

    /// Opens the repository of a mirror that was fetched before.
    pub(super) fn open(&self) -> Result<Repository, git2::Error> {
        git2::opts::strict_hash_verification(true);
        let repository = Repository::open_bare(&self.folder)?;
        // The user's own Git settings could send the URL elsewhere (`url.<base>.insteadOf`).
        repository.set_config(&Config::open(&self.folder.join("config"))?)?;
        Ok(repository)
    }

    /// Opens the repository for a fetch, making or mending it first if need be, and removes what an interrupted fetch left
    /// behind. Waits for another process that is still fetching into it; the next one waits for the lock to be dropped.
    pub(super) fn prepare(&self) -> Result<(Repository, File), git2::Error> {
        let told = |error: io::Error| git2::Error::from_str(&error.to_string());
        create_private(&self.folder).map_err(told)?;
        let lock = File::create(self.folder.join("writer")).map_err(told)?;
        lock.lock().map_err(told)?;
        if !self.is_complete() || self.open().is_err() {
            let mut options = RepositoryInitOptions::new();
            options.bare(true).mkpath(true).external_template(false);
            Repository::init_opts(&self.folder, &options)?;
        }
        remove_leftovers(&self.folder).map_err(told)?;
        Ok((self.open()?, lock))
    }

    /// Writes down for libgit2 what the mirror has, so that it need not be sent again.
    pub(super) fn tell_what_is_there(&self, tips: Option<&BTreeMap<String, Oid>>) -> io::Result<()> {
        let mut packed = "# pack-refs with: sorted \n".to_owned();
        tips.into_iter().flatten().for_each(|(name, id)| push_line(&mut packed, id, name));
        fs::write(self.folder.join("packed-refs"), packed)
    }

    /// Reads all bytes of the packs, so that a fault of the disk is an error here and not the end of the process there.
    pub(super) fn read_through(&self) -> io::Result<()> {
        durable::read_through(&self.folder)
    }

    /// How many packs there are, and how many bytes everything takes.
    pub(super) fn weight(&self) -> Weight {
        let packs = fs::read_dir(self.folder.join("objects/pack")).into_iter().flatten().flatten();
        let packs = packs.filter(|entry| entry.path().extension().is_some_and(|extension| extension == "pack")).count();
        Weight { packs, bytes: size_of(&self.folder) }
    }

    /// The bytes that everything took when the first fetch had ended; `None` if that is not known.
    pub(super) fn first_bytes(&self) -> Option<u64> {
        fs::read_to_string(self.folder.join("first-bytes")).ok()?.trim().parse().ok()
    }

    /// What the last successful fetch saw; `None` if there was none.
    ///
    /// # Errors
    /// If the file cannot be read or is damaged.
    pub(super) fn record(&self) -> io::Result<Option<Record>> {
        match fs::read_to_string(self.folder.join("labels")) {
            Ok(text) => Record::parse(&text).map(Some).ok_or_else(|| io::Error::other("the file `labels` is damaged")),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Makes a fetch visible in one step, after its objects have arrived.
    pub(super) fn commit(&self, record: &Record) -> io::Result<()> {
        let is_new = !self.is_complete();
        if is_new {
            fs::write(self.folder.join("first-bytes"), self.weight().bytes.to_string())?;
        }
        settle(&self.folder, is_new)?;
        replace(&self.folder, "labels", &record.to_text())
    }
}

impl Stuck {
    pub(super) fn new(id: Oid, reason: &str) -> Self {
        Self { id, reason: clean(reason) }
    }
}

impl Record {
    /// True if a remote has what it had, and nothing of that is to be tried again.
    pub(super) fn has_nothing_new(&self, advertised: &str) -> bool {
        self.advertised == advertised && self.stuck.is_empty()
    }

    fn to_text(&self) -> String {
        let head = self.head.as_deref().unwrap_or("-");
        let mut text = format!("{HEADING}\nadvertised {}\nhead {head}\n", self.advertised);
        self.tips.iter().for_each(|(name, commit)| push_line(&mut text, commit, name));
        for (name, Stuck { id, reason }) in &self.stuck {
            push_line(&mut text, id, &format!("{STUCK}{name} {reason}"));
        }
        let digest = digest(&text);
        text + "end " + &digest + "\n"
    }

    fn parse(text: &str) -> Option<Self> {
        let (body, end) = text.trim_end_matches('\n').rsplit_once('\n')?;
        let whole = &text[..=body.len()];
        if end.strip_prefix("end ")? != digest(whole) {
            return None;
        }
        let mut lines = body.lines();
        lines.next().filter(|line| *line == HEADING)?;
        let advertised = lines.next()?.strip_prefix("advertised ")?.to_owned();
        let head = Some(lines.next()?.strip_prefix("head ")?).filter(|head| *head != "-").map(str::to_owned);
        let (mut tips, mut stuck) = (BTreeMap::new(), BTreeMap::new());
        for line in lines {
            let (id, name) = line.split_once(' ')?;
            let id = Oid::from_str(id).ok()?;
            if let Some((name, reason)) = name.strip_prefix(STUCK).and_then(|rest| rest.split_once(' ')) {
                stuck.insert(name.to_owned(), Stuck { id, reason: reason.to_owned() });
            } else {
                tips.insert(name.to_owned(), id);
            }
        }
        Some(Self { advertised, head, tips, stuck })
    }
}

fn push_line(text: &mut String, id: &Oid, name: &str) {
    writeln!(text, "{id} {name}").expect("writing to a string cannot fail");
}

/// Sha-256 of a text in 64 hexadecimal digits.
pub(super) fn digest(text: &str) -> String {
    Sha256::digest(text.as_bytes()).iter().fold(String::new(), |mut hex, byte| {
        write!(hex, "{byte:02x}").expect("writing to a string cannot fail");
        hex
    })
}

/// Makes a folder, and those above it that are missing, that only this user may enter.
pub(super) fn create_private(folder: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(folder)
}

/// The bytes of all files below a folder; what vanishes meanwhile does not count.
pub(super) fn size_of(folder: &Path) -> u64 {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let sizes = entries.filter_map(|entry| {
        let metadata = entry.metadata().ok()?;
        Some(if metadata.is_dir() { size_of(&entry.path()) } else { metadata.len() })
    });
    sizes.sum()
}

/// Packs that were still being received when a process ended (up to the size of the repository, once per kill), packs
/// and indexes without the other half, and locks that nobody holds any more.
fn remove_leftovers(folder: &Path) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "lock" || extension == "new" || extension == "old")
            && path.is_file()
        {
            fs::remove_file(path)?;
        }
    }
    for entry in fs::read_dir(folder.join("objects/pack"))? {
        let path = entry?.path();
        let other_half = match path.extension().and_then(|extension| extension.to_str()) {
            Some("pack") => path.with_extension("idx"),
            Some("idx") => path.with_extension("pack"),
            _ => PathBuf::new(),
        };
        if path.is_file() && !other_half.is_file() {
            fs::remove_file(path)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record() -> Record {
        let commit = Oid::from_str("85e98d5a2f3b4c5d6e7f8091a2b3c4d5e6f70812").unwrap();
        Record {
            advertised: digest("x"),
            head: Some("refs/heads/main".to_owned()),
            tips: BTreeMap::from([("refs/heads/main".to_owned(), commit), ("refs/tags/v1".to_owned(), commit)]),
            stuck: BTreeMap::from([(
                "refs/heads/side".to_owned(),
                Stuck { id: commit, reason: "an object of it is malformed".to_owned() },
            )]),
        }
    }

    #[test]
    fn a_record_survives_the_disk() {
        let folder = tempfile::tempdir().unwrap();
        let mirror = Mirror::new(folder.path().join("gen-1"));
        assert_eq!(mirror.record().unwrap(), None);
        drop(mirror.prepare().unwrap());
        assert!(!mirror.is_complete());
        for record in [record(), Record { head: None, tips: BTreeMap::new(), stuck: BTreeMap::new(), ..record() }] {
            mirror.commit(&record).unwrap();
            assert_eq!(mirror.record().unwrap(), Some(record));
        }
        assert!(mirror.is_complete());
    }

    #[test]
    fn a_record_cut_or_changed_anywhere_is_damaged() {
        let text = record().to_text();
        assert_eq!(Record::parse(&text), Some(record()));
        for cut in 0..text.len() - 1 {
            assert_eq!(Record::parse(&text[..cut]), None, "cut at {cut}");
        }
        assert_eq!(Record::parse(&text.replace("85e98d5", "85e98d4")), None);
    }

    #[test]
    fn a_mirror_without_its_head_is_mended_and_leftovers_go() {
        let folder = tempfile::tempdir().unwrap();
        let mirror = Mirror::new(folder.path().join("gen-1"));
        let (repository, lock) = mirror.prepare().unwrap();
        let blob = repository.blob(b"kept").unwrap();
        drop((repository, lock));
        mirror.commit(&record()).unwrap();
        let at = |name: &str| folder.path().join("gen-1").join(name);
        fs::remove_file(at("HEAD")).unwrap();
        let leftovers =
            ["shallow.lock", "labels.new", "labels.old", "objects/pack/pack_git2_abc", "objects/pack/pack-1.pack"];
        leftovers.iter().for_each(|name| fs::write(at(name), "half").unwrap());
        let halves = ["objects/pack/pack-2.pack", "objects/pack/pack-2.idx"];
        halves.iter().for_each(|name| fs::write(at(name), "").unwrap());
        assert!(mirror.prepare().unwrap().0.find_blob(blob).is_ok());
        assert!(leftovers.iter().all(|name| !at(name).exists()) && halves.iter().all(|name| at(name).exists()));
    }

    #[test]
    fn a_mirror_knows_what_it_takes_and_once_took() {
        let folder = tempfile::tempdir().unwrap();
        let mirror = Mirror::new(folder.path().join("gen-1"));
        drop(mirror.prepare().unwrap());
        mirror.commit(&record()).unwrap();
        let before = mirror.weight();
        fs::write(folder.path().join("gen-1/objects/pack/pack-1.pack"), vec![0; 1000]).unwrap();
        mirror.commit(&record()).unwrap();
        let settled = fs::metadata(folder.path().join("gen-1/settled")).unwrap().len();
        assert_eq!(mirror.weight(), Weight { packs: 1, bytes: before.bytes + 1000 + settled });
        assert!(mirror.first_bytes().unwrap() <= before.bytes);
    }
}
