//! The folder of a mirror: a bare repository for the objects, and beside them one file, `labels`, that says what the
//! remote had when it was last fetched.
//!
//! `labels` is replaced whole and last, so a fetch happened entirely or not at all, and a mirror without it was never
//! completed. `packed-refs` is written for libgit2, which tells the remote from it what the mirror already has.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs::{self, DirBuilder, File};
use std::io::{self, Write as _};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use git2::{Config, Oid, Repository, RepositoryInitOptions};
use sha2::{Digest, Sha256};

const HEADING: &str = "layerd labels 1";

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
    /// Full names of branches and tags to the commits that they lead to.
    pub(super) tips: BTreeMap<String, Oid>,
}

impl Mirror {
    pub(super) fn new(folder: PathBuf) -> Self {
        Self { folder }
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

    /// Opens the repository, making or mending it first if need be, and removes what an interrupted fetch left behind.
    pub(super) fn prepare(&self) -> Result<Repository, git2::Error> {
        if !self.is_complete() || self.open().is_err() {
            let mut options = RepositoryInitOptions::new();
            options.bare(true).mkpath(true).external_template(false);
            Repository::init_opts(&self.folder, &options)?;
            Config::open(&self.folder.join("config"))?.set_bool("core.fsyncObjectFiles", true)?;
        }
        remove_leftovers(&self.folder.join("objects/pack"))
            .map_err(|error| git2::Error::from_str(&error.to_string()))?;
        self.open()
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

    /// Makes a fetch visible in one step, after its objects have arrived. `refs` is everything that the remote
    /// advertised.
    pub(super) fn commit(&self, refs: &BTreeMap<String, Oid>, record: &Record) -> io::Result<()> {
        let mut packed = "# pack-refs with: sorted \n".to_owned();
        refs.iter().for_each(|(name, id)| push_line(&mut packed, id, name));
        self.replace("packed-refs", &packed)?;
        self.replace("labels", &record.to_text())
    }

    fn replace(&self, name: &str, content: &str) -> io::Result<()> {
        let fresh = self.folder.join(format!("{name}.new"));
        let mut file = File::create(&fresh)?;
        file.write_all(content.as_bytes())?;
        file.sync_all()?;
        fs::rename(&fresh, self.folder.join(name))?;
        File::open(&self.folder)?.sync_all()
    }
}

impl Record {
    fn to_text(&self) -> String {
        let head = self.head.as_deref().unwrap_or("-");
        let mut text = format!("{HEADING}\nadvertised {}\nhead {head}\n", self.advertised);
        self.tips.iter().for_each(|(name, commit)| push_line(&mut text, commit, name));
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
        let tips = lines.map(|line| {
            let (commit, name) = line.split_once(' ')?;
            Some((name.to_owned(), Oid::from_str(commit).ok()?))
        });
        Some(Self { advertised, head, tips: tips.collect::<Option<_>>()? })
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

/// Packs that were still being received when the process ended: up to the size of the repository, once per kill.
fn remove_leftovers(folder: &Path) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if !entry.file_name().as_encoded_bytes().starts_with(b"pack-") && entry.file_type()?.is_file() {
            fs::remove_file(entry.path())?;
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
        }
    }

    #[test]
    fn a_record_survives_the_disk() {
        let folder = tempfile::tempdir().unwrap();
        let mirror = Mirror::new(folder.path().join("gen-1"));
        assert_eq!(mirror.record().unwrap(), None);
        mirror.prepare().unwrap();
        assert!(!mirror.is_complete());
        for record in [record(), Record { head: None, tips: BTreeMap::new(), ..record() }] {
            mirror.commit(&record.tips, &record).unwrap();
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
        let repository = mirror.prepare().unwrap();
        let blob = repository.blob(b"kept").unwrap();
        mirror.commit(&BTreeMap::new(), &record()).unwrap();
        fs::remove_file(folder.path().join("gen-1/HEAD")).unwrap();
        let leftover = folder.path().join("gen-1/objects/pack/pack_git2_abc");
        fs::write(&leftover, "half").unwrap();
        assert!(mirror.prepare().unwrap().find_blob(blob).is_ok());
        assert!(!leftover.exists());
    }
}
