//! A Git repository as a source: a bare mirror on this machine that fetches renew and that everything else reads.
//!
//! There is no work tree, and no text of a request ever reaches a resolver of revisions: labels are looked up in a list.
//! How the network is spoken to is in `fetch.rs`, how a commit becomes a tree in `walk.rs`.

use std::collections::{BTreeMap, HashMap};
use std::fs;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use globset::GlobSet;
use tracing::warn;

use super::fetch::rewritten::{Moved, Rewritten};
use super::fetch::verify::is_whole;
use super::fetch::worker::Worker;
use super::fetch::{self, Fetched, Limits, Request};
use super::mirror::generations::{Generations, Held};
use super::mirror::last_good;
use super::mirror::reader::MirrorReader;
use super::mirror::tree::{Walker, bytes};
use super::mirror::{Mirror, Stuck, digest};
use super::remote::credentials::Credentials;
use super::remote::tls_files::Files;
use super::remote::{Location, Remote};
use super::transport::ref_list::compile;
use super::{FetchError, LabelKind, Labels, ReadError, Reader, SetupError, Source, Tip, name};
use crate::config::tree::CommitId;

/// So many packs are as many places to search for each object; a new generation has one.
const MANY_PACKS: usize = 50;

/// While fetches fail in a way that a damaged mirror may be the reason for, it is read as a whole this often.
const SUSPICION: Duration = Duration::from_secs(600);

/// A mirror smaller than this is never made anew for its size.
const SMALL: u64 = 16 << 20;

/// The longest name of a source, in bytes; it becomes part of a folder's name.
const MAX_SOURCE_NAME: usize = 64;

/// What a Git source needs to know.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The name of the source: letters, digits, `.`, `_` and `-`.
    pub name: String,
    /// The repository.
    pub url: Remote,
    /// The label that is asked when a request names none; `None`: `main`, `master` or what the remote calls its default.
    pub label: Option<String>,
    /// Globs for the branches and tags that may be asked for; `*` crosses `/`. `["*"]` allows all.
    pub labels: Vec<String>,
    /// The sub-folder that is the root, `/` between segments; empty for the whole repository.
    pub path: String,
    /// What to log in with; the user and password of the URL count if this is `None`.
    pub credentials: Credentials,
    /// Keys and certificates.
    pub files: Files,
    /// How many commits of each label are fetched; `None` for all of them.
    pub depth: Option<u32>,
    /// Who fetches in a process of its own, which can be killed; `None` to fetch on the calling thread.
    pub worker: Option<Worker>,
    /// The folder that all mirrors are kept in. Made if it is missing, for this user alone.
    pub state: PathBuf,
    /// The most files and folders of one commit.
    pub max_files: usize,
    /// What one fetch may use up.
    pub limits: Limits,
}

/// A mirrored Git repository. Keeps its folder locked against other processes while it lives.
#[derive(Debug)]
pub struct GitSource {
    settings: Settings,
    allowed: GlobSet,
    root: Vec<Arc<str>>,
    generations: Generations,
    /// Held by the fetch that is at work.
    renewed: Mutex<Renewed>,
}

/// When the mirror was last made anew, so that it is not for a reason that lies elsewhere.
#[derive(Debug, Default)]
struct Renewed {
    /// What the remote had: once for each state of it, because if it is the remote that is damaged, no copy is better.
    state: Option<String>,
    /// How many packs there were when that failed.
    packs: usize,
    /// When the mirror was last read as a whole, if no fetch has succeeded since.
    looked_at: Option<Instant>,
}

impl GitSource {
    /// Takes possession of the source's mirror; fetches nothing.
    ///
    /// # Errors
    /// Names the setting that cannot be used, or the folder that another process uses.
    pub fn new(settings: Settings) -> Result<Self, SetupError> {
        check_source_name(&settings.name)?;
        check_access(&settings)?;
        let allowed = compile(&settings.labels).map_err(|error| SetupError::new("labels", error.to_string()))?;
        let root = name::parse_root(&settings.path)?;
        let generations = Generations::open(settings.state.join("mirrors").join(folder_name(&settings)))?;
        Ok(Self { settings, allowed, root, generations, renewed: Mutex::default() })
    }

    /// The settings that the source was built from.
    #[must_use]
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// The file that says when the last fetch that succeeded ended.
    fn fetched(&self) -> PathBuf {
        self.generations.folder().join("fetched")
    }

    /// Whether there is or was a label `master`, which is remembered beyond this run and this generation of the mirror.
    fn had_master(&self, is_there: bool) -> bool {
        let mark = self.generations.folder().join("had-master");
        let had = mark.exists();
        if is_there && !had {
            // Lost if the disk is full: the next look writes it.
            drop(fs::write(mark, ""));
        }
        had || is_there
    }

    /// The kind and the label of a full name that the settings allow.
    fn split<'a>(&self, name: &'a str) -> Option<(LabelKind, &'a str)> {
        split(name).filter(|(_, label)| self.allowed.is_match(label))
    }

    fn unreadable(&self, held: &Held, cause: &str) -> ReadError {
        held.note_damage();
        ReadError(format!("the mirror of `{}` cannot be read: {cause}", self.settings.name))
    }

    /// Notes that the mirror is damaged if anything in it cannot be read: no fetch would go well on top of it.
    fn look_for_holes(&self, held: &Held, renewed: &mut Renewed) {
        if renewed.looked_at.is_some_and(|last| last.elapsed() < SUSPICION) {
            return;
        }
        renewed.looked_at = Some(Instant::now());
        let tips = held.mirror.record().ok().flatten().unwrap_or_default().tips;
        let deadline = Instant::now() + self.settings.limits.time;
        let can_be_read = held.mirror.read_through().is_ok();
        let whole = can_be_read && held.mirror.open().is_ok_and(|repository| is_whole(&repository, &tips, deadline));
        if held.mirror.is_complete() && !whole {
            held.note_damage();
        }
    }

    fn fetch_into(&self, mirror: &Mirror) -> Result<Fetched, FetchError> {
        let Settings { url, credentials, limits, files, labels, depth, .. } = &self.settings;
        let login = match credentials {
            Credentials::None => url.embedded().login()?,
            explicit => explicit.login()?,
        };
        let (remote, mirror) = (url.clone(), mirror.folder().to_owned());
        let (files, labels, depth, limits) = (files.clone(), labels.clone(), *depth, *limits);
        let root = self.root.iter().map(ToString::to_string).collect();
        let request = Request { remote, mirror, login, files, labels, root, depth, limits };
        let fetched = match &self.settings.worker {
            Some(worker) => worker.fetch(&request),
            None => fetch::fetch(&request),
        }?;
        // Lost if the disk is full or the process is killed: the age is then told from the fetch before.
        drop(fs::write(self.fetched(), jiff::Timestamp::now().as_second().to_string()));
        Ok(fetched)
    }

    /// Warns of labels that have nothing to do with what they were.
    fn tell(&self, rewritten: &Rewritten) {
        let (source, more) = (&*self.settings.name, rewritten.more);
        for Moved { name, from, to } in &rewritten.labels {
            let label = split(name).map_or(&**name, |(_, label)| label);
            warn!(source, label, from, to, "rewritten: the new history has nothing in common with the one before");
        }
        if more > 0 {
            warn!(source, more, "rewritten: more labels have nothing in common with what they were");
        }
        if rewritten.all {
            let url = self.settings.url.to_string();
            warn!(
                source,
                url, "every label was rewritten at once; unless that is meant, another repository answers here"
            );
        }
    }

    /// Fetches everything into a new generation, which then takes the place of the one that is in use.
    fn renew(&self, renewed: &mut Renewed) -> Result<Fetched, FetchError> {
        let mirror = self.generations.next();
        let fetched = self.fetch_into(&mirror)?;
        *renewed = Renewed { state: Some(advertised(&mirror)), ..Renewed::default() };
        Ok(fetched)
    }

    /// Makes a mirror anew that has become slow or fat, when there is nothing else to do. If that fails, this one still
    /// serves.
    fn slim(&self, held: &Held, is_idle: bool, renewed: &mut Renewed) {
        let weight = held.mirror.weight();
        let grown = held.mirror.first_bytes().is_some_and(|first| weight.bytes > first.saturating_mul(2).max(SMALL));
        // What a label that is stuck was last may be nowhere else.
        let has_stuck = held.mirror.record().ok().flatten().is_some_and(|record| !record.stuck.is_empty());
        let is_fat = (grown || weight.packs > MANY_PACKS) && !has_stuck;
        if is_fat && (is_idle || weight.packs > 2 * MANY_PACKS) && weight.packs > renewed.packs {
            let failed = self.renew(renewed).is_err();
            renewed.packs = if failed { weight.packs + MANY_PACKS / 2 } else { 0 };
        }
    }
}

impl Source for GitSource {
    fn fetch(&self) -> Result<(), FetchError> {
        let mut renewed = self.renewed.lock().unwrap_or_else(PoisonError::into_inner);
        let held = self.generations.hold();
        let may_renew =
            |renewed: &Renewed| held.is_damaged() && renewed.state.as_deref() != Some(&*advertised(&held.mirror));
        let mut fetched = if may_renew(&renewed) { self.renew(&mut renewed) } else { self.fetch_into(&held.mirror) };
        let is_suspect = match &fetched {
            Ok(fetched) => fetched.stuck > 0,
            Err(error) => matches!(error.reason, "protocol" | "storage" | "crashed"),
        };
        if is_suspect && !held.is_damaged() {
            self.look_for_holes(&held, &mut renewed);
            if may_renew(&renewed) {
                fetched = self.renew(&mut renewed);
            } else if let Ok(first) = &fetched {
                // What was wrong may have been here or on the way: these labels are asked for once more, alone.
                self.tell(&first.rewritten);
                fetched = self.fetch_into(&held.mirror);
            }
        }
        let fetched = fetched?;
        self.tell(&fetched.rewritten);
        renewed.looked_at = None;
        if !held.is_damaged() {
            self.slim(&held, !fetched.changed, &mut renewed);
        }
        drop(held);
        self.generations.sweep();
        Ok(())
    }

    fn labels(&self) -> Result<Labels, ReadError> {
        let held = self.generations.hold();
        let record = held.mirror.record().map_err(|error| self.unreadable(&held, &error.to_string()))?;
        let Some(record) = record else { return Ok(Labels::default()) };
        let mut tips = HashMap::with_capacity(record.tips.len());
        // Branches sort before tags, so that a tag finds the branch that hides it.
        for (name, commit) in &record.tips {
            let Some((kind, label)) = self.split(name) else { continue };
            tips.entry(Arc::from(label)).or_insert(Tip { commit: CommitId(bytes(*commit)), kind });
        }
        let mut stuck = BTreeMap::new();
        for (name, Stuck { reason, .. }) in &record.stuck {
            let Some((kind, label)) = self.split(name) else { continue };
            // A tag is hidden by a branch of its name.
            if kind == LabelKind::Branch || tips.get(label).is_none_or(|tip| tip.kind == LabelKind::Tag) {
                stuck.entry(Arc::from(label)).or_insert_with(|| Arc::from(&**reason));
            }
            if kind == LabelKind::Branch && tips.get(label).is_some_and(|tip| tip.kind == LabelKind::Tag) {
                tips.remove(label);
            }
        }
        let head = record.head.as_deref().and_then(split).map(|(_, label)| label);
        let head = head.and_then(|label| tips.get_key_value(label)).map(|(label, _)| Arc::clone(label));
        let had_master = self.had_master(tips.contains_key("master") || stuck.contains_key("master"));
        Ok(Labels { tips, head, stuck, had_master })
    }

    fn open(&self) -> Result<Box<dyn Reader>, ReadError> {
        let held = self.generations.hold();
        held.read_through().map_err(|error| self.unreadable(&held, &error.to_string()))?;
        let repository = held.mirror.open().map_err(|error| self.unreadable(&held, error.message()))?;
        let walker = Walker::new(self.settings.max_files);
        let (name, root) = (self.settings.name.clone(), self.root.clone());
        Ok(Box::new(MirrorReader { name, repository, root, walker, held }))
    }

    fn fetched_at(&self) -> Option<i64> {
        std::fs::read_to_string(self.fetched()).ok()?.parse().ok()
    }

    fn remember(&self, label: &str, commit: CommitId) {
        last_good::remember(self.generations.folder(), label, commit);
    }

    fn remembered(&self, label: &str) -> Option<CommitId> {
        last_good::read(self.generations.folder()).remove(label)
    }

    fn discard(&self) {
        drop(fs::remove_dir_all(self.generations.folder()));
    }
}

/// The kind and the label of a ref's full name.
fn split(name: &str) -> Option<(LabelKind, &str)> {
    let branch = name.strip_prefix("refs/heads/").map(|label| (LabelKind::Branch, label));
    branch.or_else(|| name.strip_prefix("refs/tags/").map(|label| (LabelKind::Tag, label)))
}

fn check_source_name(name: &str) -> Result<(), SetupError> {
    let usual = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
    match name {
        name if name.is_empty()
            || name.len() > MAX_SOURCE_NAME
            || name.starts_with('.')
            || !name.chars().all(usual) =>
        {
            let rule = "1 to 64 letters, digits, `.`, `_` or `-`, not beginning with `.`";
            Err(SetupError::new("name", format!("{name:?} is no name for a source\nhint: {rule}")))
        }
        _ => Ok(()),
    }
}

/// Refuses what means nothing for the kind of remote.
fn check_access(settings: &Settings) -> Result<(), SetupError> {
    let Settings { url, credentials, files, depth, .. } = settings;
    files.check(url)?;
    let refuse = |setting, message: &str| Err(SetupError::new(setting, message));
    match url.location() {
        Location::Ssh(_) if *credentials != Credentials::None => {
            refuse("credentials", "SSH takes a key, not a password or token\nhint: set credentials.ssh-key-file")
        }
        Location::Folder(_) if depth.is_some() => {
            refuse("depth", "is for remotes behind a network; from a folder of this machine all commits are taken")
        }
        _ => Ok(()),
    }
}

/// Readable for people, and different for each place, so that a new URL never continues an old mirror.
fn folder_name(settings: &Settings) -> String {
    let digest = digest(&settings.url.to_string());
    format!("{}-{}", settings.name, &digest[..12])
}

/// What the remote had when a mirror was fetched.
fn advertised(mirror: &Mirror) -> String {
    mirror.record().ok().flatten().unwrap_or_default().advertised
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;
    use std::path::Path;

    use super::*;
    use crate::config::secret_string::SecretString;
    use crate::config::tree::BlobId;
    use crate::source::git_http::{Behaviour, GitServer};
    use crate::source::tests::{FILE, FOLDER, Origin, id, listing, oid};

    fn settings(url: &str, state: &Path) -> Settings {
        Settings {
            name: "config".to_owned(),
            url: url.parse().unwrap(),
            label: None,
            labels: vec!["*".to_owned()],
            path: String::new(),
            credentials: Credentials::None,
            files: Files::default(),
            depth: None,
            worker: None,
            state: state.to_owned(),
            max_files: 100_000,
            limits: Limits::default(),
        }
    }

    fn source(origin: &Origin, change: impl FnOnce(&mut Settings)) -> GitSource {
        let mut settings = settings(origin.path().to_str().unwrap(), &origin.folder.path().join("state"));
        change(&mut settings);
        GitSource::new(settings).unwrap()
    }

    fn shown(labels: &Labels) -> String {
        let mut lines: Vec<_> = labels
            .tips
            .iter()
            .map(|(label, tip)| format!("{label} {:?} {}", tip.kind, &tip.commit.to_string()[..7]))
            .collect();
        lines.sort();
        format!("{}; default {}", lines.join(", "), labels.head.as_deref().unwrap_or("none"))
    }

    fn refusal(change: impl FnOnce(&mut Settings)) -> String {
        let folder = tempfile::tempdir().unwrap();
        let mut settings = settings("/srv/x", &folder.path().join("state"));
        change(&mut settings);
        let error = GitSource::new(settings).unwrap_err();
        error.to_string().replace(folder.path().to_str().unwrap(), "FOLDER")
    }

    #[test]
    fn a_branch_hides_a_tag_and_globs_hide_both() {
        let origin = Origin::new();
        let main = origin.commit("main", "a.yml", "a: 1");
        let side = origin.commit("feature/x", "a.yml", "a: 2");
        origin.point("refs/tags/main", oid(side));
        origin.point("refs/tags/v1", origin.annotate(oid(side)));
        let (first, second) = (&main.to_string()[..7], &side.to_string()[..7]);
        let all = source(&origin, |_| {});
        assert_eq!(all.labels().unwrap(), Labels::default());
        assert!(all.open().is_err());
        all.fetch().unwrap();
        assert_eq!(
            shown(&all.labels().unwrap()),
            format!("feature/x Branch {second}, main Branch {first}, v1 Tag {second}; default main")
        );
        drop(all);
        let some = source(&origin, |settings| settings.labels = vec!["f*x".to_owned(), "v?".to_owned()]);
        assert_eq!(shown(&some.labels().unwrap()), format!("feature/x Branch {second}, v1 Tag {second}; default none"));
    }

    #[test]
    fn a_commit_is_read_back_with_its_files_bytes_and_time() {
        let origin = Origin::new();
        let inner = origin.tree(&[(FILE, b"a.yml", origin.blob("a: 1"))]);
        let commit = origin.commit_tree(origin.tree(&[(FOLDER, b"config", inner)]), &[]);
        origin.point("refs/heads/main", oid(commit));
        let source = source(&origin, |settings| settings.path = "/config/".to_owned());
        source.fetch().unwrap();
        let mut reader = source.open().unwrap();
        for _ in 0..2 {
            let tree = reader.tree(commit).unwrap();
            assert_eq!(listing(&tree), "a.yml 4\n");
            assert_eq!(reader.blob(tree.files["a.yml"].blob).unwrap(), b"a: 1");
        }
        assert_eq!(reader.committed_at(commit).unwrap(), 1_700_000_000);
        let none = CommitId([7; 20]);
        let told = reader.tree(none).unwrap_err().to_string();
        assert!(told.starts_with(&format!("commit {none} of `config` cannot be read: ")), "{told}");
        assert!(reader.blob(BlobId([7; 20])).is_err());
    }

    #[test]
    fn a_commit_is_reachable_from_its_descendants_only() {
        let origin = Origin::new();
        let first = origin.commit("main", "a.yml", "a: 1");
        let second = origin.commit("main", "a.yml", "a: 2");
        let side = origin.commit("side", "a.yml", "a: 3");
        let source = source(&origin, |_| {});
        source.fetch().unwrap();
        let mut reader = source.open().unwrap();
        let mut reachable = |commit, tips: &[CommitId]| reader.is_reachable(commit, tips).unwrap();
        assert!(reachable(first, &[side, second]));
        assert!(reachable(second, &[second]));
        assert!(!reachable(second, &[first]));
        assert!(!reachable(first, &[side]));
        assert!(!reachable(first, &[]));
        assert!(!reachable(CommitId([7; 20]), &[second]));
        let blob = id(origin.blob("a: 1"));
        assert!(!reachable(blob, &[second]), "a blob is no commit");
    }

    #[test]
    fn commits_that_were_rewritten_away_stay_readable_but_are_not_reachable() {
        let origin = Origin::new();
        let old = origin.commit("main", "a.yml", "a: 1");
        let source = source(&origin, |_| {});
        source.fetch().unwrap();
        origin.delete("refs/heads/main");
        let new = origin.commit("main", "a.yml", "a: unrelated");
        source.fetch().unwrap();
        let mut reader = source.open().unwrap();
        assert!(reader.tree(old).is_ok());
        assert!(!reader.is_reachable(old, &[new]).unwrap());
    }

    #[test]
    fn the_login_comes_from_the_settings_else_from_the_url_and_is_stored_nowhere() {
        let origin = Origin::new();
        origin.commit("main", "a.yml", "a: 1");
        // Base64 of `me:secret`.
        let server = GitServer::start(origin.folder.path(), Behaviour::Private("Basic bWU6c2VjcmV0".to_owned()));
        let url = server.url("config.git").replace("://", "://me:secret@");
        let state = origin.folder.path().join("state");
        let source = GitSource::new(settings(&url, &state)).unwrap();
        source.fetch().unwrap();
        let shown = format!("{source:?}") + &std::fs::read_to_string(place(&source, 1).join("config")).unwrap();
        assert!(!shown.contains("secret"), "{shown}");
        drop(source);

        let token = origin.folder.path().join("token");
        std::fs::write(&token, "wrong").unwrap();
        std::fs::set_permissions(&token, std::fs::Permissions::from_mode(0o600)).unwrap();
        let credentials = Credentials::File { username: Some("me".to_owned()), path: token.clone() };
        let source = GitSource::new(Settings { credentials, ..settings(&url, &state) }).unwrap();
        let error = source.fetch().unwrap_err();
        assert_eq!(error.reason, "auth");
        assert!(!error.message.contains("wrong") && !error.message.contains("me:"), "{error}");
        std::fs::write(&token, "secret\n").unwrap();
        source.fetch().unwrap();
    }

    fn place(source: &GitSource, generation: u32) -> PathBuf {
        source.generations.folder().join(format!("gen-{generation}"))
    }

    /// Empties the object store of a mirror, as a full disk or a careless hand may.
    fn spoil(source: &GitSource) {
        let objects = source.generations.hold().mirror.folder().join("objects");
        fs::remove_dir_all(&objects).unwrap();
        fs::create_dir_all(objects.join("pack")).unwrap();
    }

    #[test]
    fn a_damaged_mirror_is_made_anew_once_that_shows() {
        let origin = Origin::new();
        let first = origin.commit("main", "a.yml", "a: 1");
        let source = source(&origin, |_| {});
        source.fetch().unwrap();
        spoil(&source);
        source.fetch().unwrap();
        let mut reader = source.open().unwrap();
        assert!(reader.is_reachable(CommitId([7; 20]), &[first]).is_err(), "holes were taken for an unknown commit");
        assert!(reader.tree(first).is_err());
        source.fetch().unwrap();
        assert_eq!(listing(&source.open().unwrap().tree(first).unwrap()), "a.yml 4\n");
        assert!(place(&source, 2).exists() && place(&source, 1).exists(), "somebody reads the old one");
        drop(reader);
        source.fetch().unwrap();
        assert!(place(&source, 2).exists() && !place(&source, 1).exists());
        assert!(!source.open().unwrap().is_reachable(CommitId([7; 20]), &[first]).unwrap());
    }

    #[test]
    fn a_damaged_mirror_on_top_of_which_no_fetch_goes_well_is_made_anew() {
        let origin = Origin::new();
        origin.commit("main", "a.yml", "a: 1");
        let source = source(&origin, |_| {});
        source.fetch().unwrap();
        spoil(&source);
        let second = origin.commit("main", "a.yml", "a: 2");
        source.fetch().unwrap();
        assert_eq!(listing(&source.open().unwrap().tree(second).unwrap()), "a.yml 4\n");
    }

    #[test]
    fn what_the_remote_itself_has_spoilt_is_not_fetched_for_ever() {
        let origin = Origin::new();
        let first = origin.commit("main", "a.yml", "a: 1");
        let source = source(&origin, |_| {});
        source.fetch().unwrap();
        for generation in [2, 2, 2] {
            source.open().unwrap().tree(CommitId([7; 20])).unwrap_err();
            source.fetch().unwrap();
            assert_eq!(source.generations.hold().number, generation);
        }
        assert!(source.open().unwrap().tree(first).is_ok());
    }

    #[test]
    fn a_mirror_of_many_packs_is_made_anew_when_nothing_else_is_to_be_done() {
        let origin = Origin::new();
        let source = source(&origin, |_| {});
        let mut tip = origin.commit("main", "a.yml", "a: 0");
        let old = tip;
        for number in 0..=MANY_PACKS {
            source.fetch().unwrap();
            tip = origin.commit("main", "a.yml", &format!("a: {number}"));
        }
        let mut reader = source.open().unwrap();
        source.fetch().unwrap();
        assert_eq!(source.generations.hold().number, 1);
        source.fetch().unwrap();
        assert_eq!(source.generations.hold().number, 2);
        assert_eq!(source.generations.hold().mirror.weight().packs, 1);
        assert!(reader.tree(old).is_ok() && place(&source, 1).exists(), "a reader lost its mirror");
        drop(reader);
        source.fetch().unwrap();
        assert!(!place(&source, 1).exists());
        assert_eq!(listing(&source.open().unwrap().tree(tip).unwrap()), "a.yml 5\n");
    }

    #[test]
    fn a_mirror_that_cannot_be_made_anew_serves_on() {
        let origin = Origin::new();
        let source = source(&origin, |_| {});
        origin.commit("main", "a.yml", "a: 0");
        source.fetch().unwrap();
        let held = source.generations.hold();
        for number in 0..MANY_PACKS {
            fs::write(held.mirror.folder().join(format!("objects/pack/pack-{number}.pack")), "").unwrap();
        }
        // Where the next generation would be, there is something that cannot be a folder.
        fs::write(place(&source, 2), "").unwrap();
        let mut renewed = Renewed::default();
        source.slim(&held, true, &mut renewed);
        assert_eq!(renewed.packs, MANY_PACKS + 1 + MANY_PACKS / 2);
        assert_eq!(source.generations.hold().number, 1);
    }

    #[test]
    fn a_folder_is_named_after_its_source_and_place() {
        let origin = Origin::new();
        let source = source(&origin, |_| {});
        let folder = source.generations.folder().file_name().unwrap().to_str().unwrap().to_owned();
        assert!(folder.starts_with("config-") && folder.len() == "config-".len() + 12, "{folder}");
    }

    #[test]
    fn settings_that_cannot_be_used_are_refused_by_name() {
        assert_eq!(
            refusal(|settings| settings.name = "../x".to_owned()),
            "name: \"../x\" is no name for a source\n\
             hint: 1 to 64 letters, digits, `.`, `_` or `-`, not beginning with `.`"
        );
        assert_eq!(
            refusal(|settings| settings.path = "a/../b".to_owned()),
            "path: \"a/../b\" cannot be: its name is a relative path"
        );
        assert_eq!(
            refusal(|settings| settings.depth = Some(1)),
            "depth: is for remotes behind a network; from a folder of this machine all commits are taken"
        );
        assert_eq!(
            refusal(|settings| {
                settings.url = "git@host:x".parse().unwrap();
                settings.credentials = Credentials::Value { username: None, password: SecretString::new("x") };
            }),
            "credentials: SSH takes a key, not a password or token\nhint: set credentials.ssh-key-file"
        );
        assert_eq!(
            refusal(|settings| settings.labels = vec!["[".to_owned()]),
            "labels: error parsing glob '[': unclosed character class; missing ']'"
        );
        assert_eq!(
            refusal(|settings| settings.state = PathBuf::from("/dev/null/x")),
            "state: the folder `/dev/null/x/mirrors/config-c0fdb79966be` cannot be used: Not a directory (os error 20)"
        );
    }
}
