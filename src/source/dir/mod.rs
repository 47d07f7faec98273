//! A plain folder as a source, for development, tests, the quick start and mounted ConfigMaps.
//!
//! It has one label. Asking for the labels takes a capture: all configuration files of one moment, kept in memory, with
//! a digest in place of a commit id. The last few captures can be read, so that a reader never sees two states at once.
//! Other files than configuration are not part of it.

mod capture;
mod scan;
mod settle;
pub mod watch;

use std::collections::{HashMap, HashSet, VecDeque};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::{FetchError, LabelKind, Labels, ReadError, Reader, SetupError, Source, Tip, name, regular};
use crate::config::locations::Locations;
use crate::config::tree::{BlobId, CommitId, Tree};

use capture::{Capture, Means};
use scan::{Found, Scope, Survey, survey, unreadable};
use settle::Settling;
use watch::{Depth, Watch};

pub use settle::QUIET;

/// The label of a folder whose settings give none.
pub const DEFAULT_LABEL: &str = "main";

/// How many captures are kept: the one being served, the one being built, and a few for requests that still hold one.
const KEPT: usize = 4;

/// How often a capture is tried again when files change under it.
const ATTEMPTS: usize = 5;

/// How long a capture waits for files that are being written, if nothing else has changed.
const PATIENCE: Duration = Duration::from_secs(1);

/// How often it looks whether they still are.
const LOOK: Duration = Duration::from_millis(50);

/// What a folder needs to know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// The name of the source.
    pub name: String,
    /// The folder.
    pub path: PathBuf,
    /// The sub-folder that is the root, `/` between segments; empty for the whole folder.
    pub root: String,
    /// The one label; `None`: `main`.
    pub label: Option<String>,
    /// The most files and folders in it.
    pub max_files: usize,
    /// Files that are no configuration are listed as well, dot files among them.
    pub all_files: bool,
    /// The largest file that is read, in bytes. Larger ones are listed, and cannot be read.
    pub max_file_size: u64,
    /// What exists in the folder.
    pub locations: Locations,
    /// Files that are not served although they are in it, because they are the server's own.
    pub own_files: Vec<PathBuf>,
    /// How long a file that is written in place must have been quiet before it is read, usually [`QUIET`].
    pub quiet: Duration,
}

/// A folder.
#[derive(Debug)]
pub struct DirSource {
    settings: Settings,
    label: Arc<str>,
    /// The root.
    folder: PathBuf,
    captures: Arc<Mutex<Captures>>,
    settling: Arc<Settling>,
    /// Says of what the repository says about itself whether it needs files that are no configuration.
    wants_all_files: fn(&[u8]) -> bool,
}

/// The last few captures, the newest first.
type Captures = VecDeque<Arc<Capture>>;

/// Tells the folders that are served from others that take their place: path, device and number of each that is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity(Vec<Option<(PathBuf, u64, u64)>>);

/// What was found, and what of it is being written.
struct Looked {
    survey: Survey,
    held: HashSet<String>,
}

impl DirSource {
    /// A source for the folder, which need not exist yet.
    ///
    /// # Errors
    /// If the label is empty or the root is no path within the folder.
    pub fn new(settings: Settings) -> Result<Self, SetupError> {
        let label = settings.label.as_deref().unwrap_or(DEFAULT_LABEL);
        if label.is_empty() {
            return Err(SetupError::new("label", "the label of a folder cannot be empty"));
        }
        let mut folder = settings.path.clone();
        folder.extend(name::parse_root(&settings.root)?.iter().map(|segment| &**segment));
        let settling = Arc::new(Settling::new(settings.quiet));
        let (label, captures) = (Arc::from(label), Arc::default());
        Ok(Self { label, settings, folder, captures, settling, wants_all_files: |_| false })
    }

    /// The same, listing files that are no configuration as well if what the repository says about itself needs them.
    #[must_use]
    pub fn asking(self, wants_all_files: fn(&[u8]) -> bool) -> Self {
        Self { wants_all_files, ..self }
    }

    /// What the repository says about itself: in the root, and at the top of the folder if the root is below that.
    fn own(&self) -> [Option<Vec<u8>>; 2] {
        let folders = [Some(&self.folder), Some(&self.settings.path).filter(|_| self.folder != self.settings.path)];
        folders.map(|folder| {
            let path = folder?.join(name::OWN_FILE);
            let stamp = |path: &Path| std::fs::metadata(path).ok().map(|metadata| (metadata.dev(), metadata.ino()));
            let is_of_server = self.settings.own_files.iter().any(|own| stamp(own) == stamp(&path));
            (!is_of_server).then(|| regular::read_plain(&path, self.settings.max_file_size)).flatten()
        })
    }

    /// The settings that the source was built from.
    #[must_use]
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// Which folders are at the paths of the settings now: others if links on the way to one were swapped, or if one was
    /// replaced. `None` if there is none.
    #[must_use]
    pub fn identity(&self) -> Option<Identity> {
        let identity = |folder: PathBuf| {
            let real = std::fs::canonicalize(folder).ok()?;
            let metadata = std::fs::symlink_metadata(&real).ok()?;
            Some((real, metadata.dev(), metadata.ino()))
        };
        let identities: Vec<_> = self.starts().map(identity).collect();
        identities.iter().any(Option::is_some).then_some(Identity(identities))
    }

    /// Calls `changed` on a thread of its own whenever something in the folder has changed, until the guard is dropped.
    /// It may be called without need, and network file systems may tell nothing: look once a minute as well. When another
    /// folder takes the place of this one, see [`DirSource::identity`], it takes a new watch.
    ///
    /// # Errors
    /// If the folder cannot be watched, for example because the system's limit of watches is used up.
    pub fn watch(&self, changed: impl Fn() + Send + 'static) -> Result<Watch, ReadError> {
        let settling = Arc::clone(&self.settling);
        let there: Vec<_> = self.starts().filter(|folder| folder.exists()).collect();
        let folders = if there.is_empty() { vec![self.folder.clone()] } else { there };
        watch::watch_closely(&folders, Depth::All, move |event| settling.hear(event), changed)
    }

    /// True if a file was being written when the folder was last read: then it must be read again soon.
    #[must_use]
    pub fn is_unsettled(&self) -> bool {
        self.settling.is_waiting()
    }

    /// The folders that are looked into.
    fn starts(&self) -> impl Iterator<Item = PathBuf> {
        let starts = self.settings.locations.starts();
        starts.into_iter().map(|start| if start.is_empty() { self.folder.clone() } else { self.folder.join(start) })
    }

    fn capture(&self) -> Result<Arc<Capture>, ReadError> {
        let known = self.newest();
        let mut unsteady = HashSet::new();
        for attempt in 0..=ATTEMPTS {
            let Looked { survey, mut held } = self.quiet(known.as_deref())?;
            if attempt == ATTEMPTS {
                held.extend(unsteady.iter().cloned());
            }
            let restless = held.iter().filter(|path| self.settling.is_restless(path)).cloned().collect();
            let (known, max_file_size) = (known.as_deref(), self.settings.max_file_size);
            let [_, top] = self.own();
            let means = Means { known, held: &held, restless: &restless, max_file_size, top: top.as_deref() };
            let capture = Capture::take(&survey, means);
            // Files that were swapped meanwhile would make a mixture of two states.
            let mut moved = difference(&survey, &self.survey()?);
            moved.extend(capture.torn.iter().cloned());
            moved.retain(|path| !held.contains(path));
            let had_files = known.is_some_and(|known| !known.tree.files.is_empty());
            if capture.tree.files.is_empty() && had_files && attempt == 0 {
                // A folder that is being deleted is empty before it is gone.
                std::thread::sleep(LOOK);
                continue;
            }
            if moved.is_empty() || attempt == ATTEMPTS {
                self.settling.keep(|path| held.contains(path) || moved.contains(path));
                return Ok(self.keep(capture));
            }
            unsteady.extend(moved);
        }
        unreachable!("the last attempt returns")
    }

    /// What there is, as soon as something in it may be read that was not, or nothing is being written any more; at the
    /// latest when it has taken too long.
    fn quiet(&self, known: Option<&Capture>) -> Result<Looked, ReadError> {
        let began = Instant::now();
        loop {
            let looking = Instant::now();
            let survey = self.survey()?;
            let now = jiff::Timestamp::now().as_nanosecond();
            let is_held = |found: &&Found| {
                let known = known.and_then(|known| known.taken.get(&found.path));
                !self.settling.is_settled(found, known, now)
            };
            let held: HashSet<String> = survey.found.iter().filter(is_held).map(|found| found.path.clone()).collect();
            let has_more = known.is_some_and(|known| !known.has_all_of(&survey, &held));
            if held.is_empty() || has_more || began.elapsed() >= PATIENCE {
                return Ok(Looked { survey, held });
            }
            // Of a large folder, looking takes long itself.
            std::thread::sleep(LOOK.max(5 * looking.elapsed()));
        }
    }

    fn survey(&self) -> Result<Survey, ReadError> {
        survey(&Scope {
            root: &self.folder,
            locations: &self.settings.locations,
            max_entries: self.settings.max_files,
            all_files: self.settings.all_files || self.own().iter().flatten().any(|own| (self.wants_all_files)(own)),
            own_files: &self.settings.own_files,
        })
    }

    fn newest(&self) -> Option<Arc<Capture>> {
        self.captures.lock().unwrap_or_else(PoisonError::into_inner).front().cloned()
    }

    /// Puts the capture first, in place of one with equal files.
    fn keep(&self, capture: Capture) -> Arc<Capture> {
        let capture = Arc::new(capture);
        let mut captures = self.captures.lock().unwrap_or_else(PoisonError::into_inner);
        captures.retain(|known| known.id != capture.id);
        captures.push_front(Arc::clone(&capture));
        captures.truncate(KEPT);
        capture
    }
}

impl Source for DirSource {
    fn fetch(&self) -> Result<(), FetchError> {
        let mut first = None;
        for path in self.starts() {
            match std::fs::read_dir(&path) {
                Ok(_) => return Ok(()),
                Err(error) => drop(first.get_or_insert((path, error))),
            }
        }
        let Some((path, error)) = first else { return Ok(()) };
        let reason = if error.kind() == io::ErrorKind::NotFound { "not-found" } else { "storage" };
        Err(FetchError::new(reason, unreadable(&path, &error).0))
    }

    fn labels(&self) -> Result<Labels, ReadError> {
        let tip = Tip { commit: self.capture()?.id, kind: LabelKind::Branch };
        Ok(Labels {
            tips: HashMap::from([(Arc::clone(&self.label), tip)]),
            head: Some(Arc::clone(&self.label)),
            ..Labels::default()
        })
    }

    fn open(&self) -> Result<Box<dyn Reader>, ReadError> {
        Ok(Box::new(DirReader { captures: Arc::clone(&self.captures) }))
    }
}

struct DirReader {
    captures: Arc<Mutex<Captures>>,
}

impl DirReader {
    fn find<T>(&self, what: impl Fn(&Arc<Capture>) -> Option<T>) -> Option<T> {
        self.captures.lock().unwrap_or_else(PoisonError::into_inner).iter().find_map(what)
    }

    fn state(&self, id: CommitId) -> Result<Arc<Capture>, ReadError> {
        let found = self.find(|capture| (capture.id == id).then(|| Arc::clone(capture)));
        found.ok_or_else(|| ReadError(format!("the state {id} of the folder is no longer kept")))
    }
}

impl Reader for DirReader {
    fn tree(&mut self, commit: CommitId) -> Result<Tree, ReadError> {
        Ok(self.state(commit)?.tree.clone())
    }

    fn blob(&mut self, blob: BlobId) -> Result<Vec<u8>, ReadError> {
        let found = self.find(|capture| capture.blobs.get(&blob).cloned());
        let gone = || format!("the file {blob} is too large or no longer kept");
        let why = || ReadError(self.find(|capture| capture.why_unread(blob)).unwrap_or_else(gone));
        Ok(found.ok_or_else(why)?.to_vec())
    }

    fn committed_at(&mut self, commit: CommitId) -> Result<i64, ReadError> {
        Ok(self.state(commit)?.newest)
    }

    fn is_reachable(&mut self, commit: CommitId, tips: &[CommitId]) -> Result<bool, ReadError> {
        Ok(tips.contains(&commit))
    }
}

/// The files that are not the same in two surveys.
fn difference(one: &Survey, other: &Survey) -> HashSet<String> {
    let by_path = |survey: &Survey| -> HashMap<String, Found> {
        survey.found.iter().map(|found| (found.path.clone(), found.clone())).collect()
    };
    let (one, other) = (by_path(one), by_path(other));
    let paths = one.keys().chain(other.keys());
    paths.filter(|path| one.get(*path) != other.get(*path)).cloned().collect()
}

/// True if the folder is a bare Git repository, which holds no file of configuration that a folder could serve.
#[must_use]
pub fn is_bare_repository(path: &Path) -> bool {
    path.join("HEAD").is_file() && path.join("objects").is_dir() && path.join("refs").is_dir()
}

#[cfg(test)]
mod tests {
    use std::fs::{self, File};
    use std::os::unix::fs::symlink;
    use std::sync::mpsc::{Receiver, channel};
    use std::time::Duration;

    use super::watch::QUIET;
    use super::*;
    use crate::config::tree;
    use crate::source::tests::{Origin, listing};

    struct Folder {
        folder: tempfile::TempDir,
        source: DirSource,
    }

    impl Folder {
        fn new() -> Self {
            let folder = tempfile::tempdir().unwrap();
            let settings = Settings {
                all_files: false,
                name: "config".to_owned(),
                path: folder.path().to_owned(),
                root: String::new(),
                label: None,
                max_files: 1000,
                max_file_size: 100,
                locations: Locations::default(),
                own_files: Vec::new(),
                quiet: Duration::ZERO,
            };
            Self { folder, source: DirSource::new(settings).unwrap() }
        }

        fn write(&self, name: &str, content: &str) {
            fs::write(self.folder.path().join(name), content).unwrap();
        }

        fn state(&self) -> CommitId {
            self.source.labels().unwrap().tips["main"].commit
        }

        /// All files of a state with their bytes.
        fn show(&self, state: CommitId) -> String {
            let mut reader = self.source.open().unwrap();
            let tree = reader.tree(state).unwrap();
            let mut bytes = |file: &tree::File| String::from_utf8(reader.blob(file.blob).unwrap()).unwrap();
            tree.files.iter().map(|(path, file)| format!("{path}={}\n", bytes(file))).collect()
        }

        fn watch(&self) -> (Watch, Receiver<()>) {
            let (sender, receiver) = channel();
            let watch = self.source.watch(move || sender.send(()).unwrap_or_default()).unwrap();
            (watch, receiver)
        }
    }

    #[test]
    fn equal_files_are_one_state_and_a_reader_sees_the_state_that_it_asks_for() {
        let folder = Folder::new();
        folder.write("a.yml", "a: 1");
        folder.write("b.json", "{}");
        let first = folder.state();
        assert_eq!(folder.state(), first);
        folder.write("a.yml", "a: 2");
        fs::remove_file(folder.folder.path().join("b.json")).unwrap();
        let second = folder.state();
        assert_ne!(second, first);
        assert_eq!(folder.show(first), "a.yml=a: 1\nb.json={}\n");
        assert_eq!(folder.show(second), "a.yml=a: 2\n");
        let labels = folder.source.labels().unwrap();
        assert_eq!(labels.head.as_deref(), Some("main"));
        let mut reader = folder.source.open().unwrap();
        assert!(reader.is_reachable(second, &[second]).unwrap() && !reader.is_reachable(first, &[second]).unwrap());
    }

    #[test]
    fn bytes_have_the_ids_that_git_gives_them() {
        let origin = Origin::new();
        let folder = Folder::new();
        folder.write("a.yml", "a: 1");
        let tree = folder.source.open().unwrap().tree(folder.state()).unwrap();
        assert_eq!(tree.files["a.yml"].blob.to_string(), origin.blob("a: 1").to_string());
    }

    #[test]
    fn only_the_last_few_states_are_kept() {
        let folder = Folder::new();
        let states: Vec<_> = (0..=KEPT)
            .map(|number| {
                folder.write("a.yml", &format!("a: {number}"));
                folder.state()
            })
            .collect();
        let mut reader = folder.source.open().unwrap();
        let told = reader.tree(states[0]).unwrap_err().to_string();
        assert_eq!(told, format!("the state {} of the folder is no longer kept", states[0]));
        assert!(states[1..].iter().all(|state| reader.tree(*state).is_ok()));
    }

    #[test]
    fn a_file_over_the_limit_is_listed_but_not_read() {
        let folder = Folder::new();
        folder.write("a.yml", &"x".repeat(101));
        let state = folder.state();
        let mut reader = folder.source.open().unwrap();
        let tree = reader.tree(state).unwrap();
        assert_eq!(listing(&tree), "a.yml 101\n");
        assert!(reader.blob(tree.files["a.yml"].blob).is_err());
        folder.write("a.yml", &"x".repeat(102));
        assert_ne!(folder.state(), state);
    }

    #[test]
    fn the_time_of_a_state_is_that_of_its_newest_file() {
        let folder = Folder::new();
        assert_eq!(folder.source.open().unwrap().committed_at(folder.state()).unwrap(), 0);
        folder.write("a.yml", "a: 1");
        let time = std::time::UNIX_EPOCH + Duration::from_secs(1_700_000_000);
        File::options().append(true).open(folder.folder.path().join("a.yml")).unwrap().set_modified(time).unwrap();
        let state = folder.state();
        assert_eq!(folder.source.open().unwrap().committed_at(state).unwrap(), 1_700_000_000);
    }

    #[test]
    fn a_root_outside_the_folder_is_refused() {
        let folder = Folder::new();
        let root = "a/../../b".to_owned();
        let refused = DirSource::new(Settings { root, ..folder.source.settings }).unwrap_err();
        assert_eq!(refused.to_string(), "path: \"a/../../b\" cannot be: its name is a relative path");
    }

    #[test]
    fn a_missing_folder_is_named() {
        let folder = Folder::new();
        let path = folder.folder.path().to_owned();
        fs::remove_dir(&path).unwrap();
        let error = folder.source.fetch().unwrap_err();
        let expected = format!("`{}` cannot be read: No such file or directory (os error 2)", path.display());
        assert_eq!((error.reason, error.message), ("not-found", expected.clone()));
        assert_eq!(folder.source.labels().unwrap_err().to_string(), expected);
        assert!(folder.source.watch(|| ()).is_err());
    }

    #[test]
    fn a_folder_is_told_from_one_that_takes_its_place() {
        let folder = Folder::new();
        let at = |name: &str| folder.folder.path().join(name);
        let (path, root) = (at("current"), "./config/".to_owned());
        let source = DirSource::new(Settings { path, root, ..folder.source.settings.clone() }).unwrap();
        assert_eq!(source.identity(), None);
        for release in ["v1/config", "v2/config"] {
            fs::create_dir_all(at(release)).unwrap();
        }
        symlink("v1", at("current")).unwrap();
        let first = source.identity().unwrap();
        folder.write("v1/config/a.yml", "a: 1");
        assert_eq!(source.identity(), Some(first.clone()));
        symlink("v2", at("next")).unwrap();
        fs::rename(at("next"), at("current")).unwrap();
        let second = source.identity().unwrap();
        assert_ne!(second, first);
        fs::create_dir(at("v2/fresh")).unwrap();
        fs::remove_dir(at("v2/config")).unwrap();
        fs::rename(at("v2/fresh"), at("v2/config")).unwrap();
        assert_ne!(source.identity(), Some(second));
    }

    #[test]
    fn a_swapped_config_map_is_told_and_reading_is_not() {
        let folder = Folder::new();
        let at = |name: &str| folder.folder.path().join(name);
        for (version, content) in [("..v1", "a: 1"), ("..v2", "a: 2")] {
            fs::create_dir(at(version)).unwrap();
            folder.write(&format!("{version}/app.yml"), content);
        }
        symlink("..v1", at("..data")).unwrap();
        symlink("..data/app.yml", at("app.yml")).unwrap();
        let (_watch, told) = folder.watch();
        assert_eq!(folder.show(folder.state()), "app.yml=a: 1\n");
        assert!(told.recv_timeout(3 * QUIET).is_err(), "reading alone told of a change");
        symlink("..v2", at("..data_tmp")).unwrap();
        fs::rename(at("..data_tmp"), at("..data")).unwrap();
        told.recv_timeout(Duration::from_secs(20)).unwrap();
        assert_eq!(folder.show(folder.state()), "app.yml=a: 2\n");
    }

    #[test]
    fn files_in_folders_made_later_are_told() {
        let folder = Folder::new();
        let (_watch, told) = folder.watch();
        fs::create_dir(folder.folder.path().join("sub")).unwrap();
        told.recv_timeout(Duration::from_secs(20)).unwrap();
        folder.write("sub/a.yml", "a: 1");
        told.recv_timeout(Duration::from_secs(20)).unwrap();
        assert_eq!(folder.show(folder.state()), "sub/a.yml=a: 1\n");
    }

    #[test]
    fn a_bare_repository_is_told_from_a_folder() {
        let origin = Origin::new();
        assert!(is_bare_repository(&origin.path()));
        assert!(!is_bare_repository(origin.folder.path()));
    }
}
