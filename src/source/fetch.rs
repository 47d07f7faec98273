//! One fetch: a remote and a mirror in, an up-to-date mirror or the reason why not out.
//!
//! A function of plain data, so that it can run anywhere, also in a process that is killed when it takes too long. It
//! fetches all branches and tags, follows rewritten history, and changes the mirror's labels in one step at the end.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use git2::{
    AutotagOption, Direction, ErrorClass, ErrorCode, FetchOptions, ObjectType, Oid, Progress, RemoteCallbacks,
    Repository, RepositoryOpenFlags,
};

use super::FetchError;
use super::channel::{Channel, too_large};
use super::credentials::Login;
use super::mirror::{Mirror, Record, digest};
use super::remote::{Location, Remote};
use super::transport;

const REFSPECS: [&str; 2] = ["+refs/heads/*:refs/heads/*", "+refs/tags/*:refs/tags/*"];

/// The most tags of tags that are followed to a commit.
const MAX_PEELS: usize = 8;

/// The longest text of a failure, in characters; servers may write into it.
const MAX_CAUSE: usize = 300;

/// The longest time that a fetch may be given, so that every deadline can be reckoned.
const MAX_TIME: Duration = Duration::from_secs(24 * 60 * 60);

/// What to fetch, and where to.
#[derive(Debug, Clone)]
pub struct Request {
    /// The repository to fetch from.
    pub remote: Remote,
    /// The folder of the mirror; made if it is missing. Only one fetch at a time may have it.
    pub mirror: PathBuf,
    /// What to log in with.
    pub login: Option<Login>,
    /// What the fetch may use up.
    pub limits: Limits,
}

/// What one fetch may use up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// From start to end.
    pub time: Duration,
    /// Bytes received.
    pub bytes: u64,
}

impl Default for Limits {
    /// One minute, because a fetch that takes longer is hanging more often than working; and 2 GiB, because that is a
    /// hundred times the largest repository of configuration that we know.
    fn default() -> Self {
        Self { time: Duration::from_secs(60), bytes: 2 << 30 }
    }
}

/// What a fetch did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fetched {
    /// False if the remote had nothing new and the mirror was left alone.
    pub changed: bool,
    /// Bytes received; 0 for a folder of this machine.
    pub received: u64,
}

/// Brings the mirror up to date.
///
/// # Errors
/// Why that failed. The mirror's labels are then as they were.
pub fn fetch(request: &Request) -> Result<Fetched, FetchError> {
    let deadline = Instant::now() + request.limits.time.min(MAX_TIME);
    run(request, deadline).map_err(|error| FetchError {
        message: format!("`{}` was not fetched: {}", request.remote, error.message),
        ..error
    })
}

fn run(request: &Request, deadline: Instant) -> Result<Fetched, FetchError> {
    let mirror = Mirror::new(request.mirror.clone());
    let repository = mirror.prepare().map_err(|error| storage(error.message()))?;
    // A damaged record is as good as none: everything is compared and written again.
    let known = mirror.record().unwrap_or_default();

    let meter = Meter { deadline, max_bytes: request.limits.bytes, failure: RefCell::default() };
    let (url, channel) = match request.remote.location() {
        Location::Http(url) => {
            let channel = Channel::new(url, request.login.clone(), deadline, request.limits.bytes)?;
            (url.as_str(), Some(channel))
        }
        Location::Folder(path) => {
            check_folder(path)?;
            (path.to_str().ok_or_else(|| FetchError::new("not-found", "its path is not UTF-8"))?, None)
        }
    };
    let advertised = exchange(&repository, url, channel.as_ref(), known.as_ref(), &meter).map_err(|error| {
        let failure = meter.failure.take().or_else(|| channel.as_ref().and_then(|channel| channel.take_failure()));
        failure.unwrap_or_else(|| explain(&error))
    })?;
    let received = channel.map_or(0, |channel| channel.received());
    if advertised.refs.is_empty() {
        return Err(FetchError::new("empty", "it has no branch and no tag"));
    }
    if known.is_some_and(|known| known.advertised == advertised.digest) {
        return Ok(Fetched { changed: false, received });
    }
    let tips = peel(&repository, &advertised.refs)?;
    let record = Record { advertised: advertised.digest, head: advertised.head, tips };
    mirror.commit(&advertised.refs, &record).map_err(|error| storage(&error.to_string()))?;
    Ok(Fetched { changed: true, received })
}

/// What a remote has.
struct Advertised {
    refs: BTreeMap<String, Oid>,
    head: Option<String>,
    digest: String,
}

/// Asks what the remote has and, unless it is what is known, takes the objects that are missing.
fn exchange(
    repository: &Repository,
    url: &str,
    channel: Option<&Arc<Channel>>,
    known: Option<&Record>,
    meter: &Meter,
) -> Result<Advertised, git2::Error> {
    let _entered = channel.map(transport::enter).transpose()?;
    let mut remote = repository.remote_anonymous(url)?;
    let mut connection = remote.connect_auth(Direction::Fetch, Some(meter.callbacks()), None)?;
    let advertised = Advertised::read(&connection)?;
    if advertised.refs.is_empty() || known.is_some_and(|known| known.advertised == advertised.digest) {
        return Ok(advertised);
    }
    let mut options = FetchOptions::new();
    options.remote_callbacks(meter.callbacks()).download_tags(AutotagOption::None);
    connection.remote().download(&REFSPECS, Some(&mut options))?;
    Ok(advertised)
}

impl Advertised {
    fn read(connection: &git2::RemoteConnection<'_, '_, '_>) -> Result<Self, git2::Error> {
        let mut refs = BTreeMap::new();
        let mut head = None;
        for entry in connection.list()? {
            if entry.name() == "HEAD" {
                head = entry.symref_target().map(str::to_owned);
            } else if is_label(entry.name()) {
                refs.insert(entry.name().to_owned(), entry.oid());
            }
        }
        // Servers that do not say which branch HEAD is are asked for the branch with the commit of HEAD.
        let head = head.or_else(|| connection.default_branch().ok()?.as_str().ok().map(str::to_owned));
        let head = head.filter(|head| refs.contains_key(head));
        let list: String = refs.iter().map(|(name, id)| format!("{id} {name}\n")).collect();
        let digest = digest(&format!("{}\n{list}", head.as_deref().unwrap_or_default()));
        Ok(Self { refs, head, digest })
    }
}

/// True for branches and tags with a name that Git allows; a server may send others.
fn is_label(name: &str) -> bool {
    (name.starts_with("refs/heads/") || name.starts_with("refs/tags/")) && git2::Reference::is_valid_name(name)
}

/// The commits that the refs lead to; refs that lead to none are left out.
fn peel(repository: &Repository, refs: &BTreeMap<String, Oid>) -> Result<BTreeMap<String, Oid>, FetchError> {
    let mut tips = BTreeMap::new();
    for (name, id) in refs {
        let commit = peel_one(repository, *id).map_err(|error| match error.code() {
            ErrorCode::NotFound => FetchError::new("protocol", format!("the server has not sent `{name}`")),
            _ => explain(&error),
        })?;
        tips.extend(commit.map(|commit| (name.clone(), commit)));
    }
    Ok(tips)
}

fn peel_one(repository: &Repository, mut id: Oid) -> Result<Option<Oid>, git2::Error> {
    let objects = repository.odb()?;
    for _ in 0..=MAX_PEELS {
        match objects.read_header(id)?.1 {
            ObjectType::Commit => return Ok(Some(id)),
            ObjectType::Tag => id = repository.find_tag(id)?.target_id(),
            _ => return Ok(None),
        }
    }
    Ok(None)
}

/// Watches the limits of a fetch while libgit2 is at work.
struct Meter {
    deadline: Instant,
    max_bytes: u64,
    failure: RefCell<Option<FetchError>>,
}

impl Meter {
    fn callbacks(&self) -> RemoteCallbacks<'_> {
        let mut callbacks = RemoteCallbacks::new();
        callbacks.transfer_progress(|progress: Progress<'_>| {
            self.allows(u64::try_from(progress.received_bytes()).unwrap_or(u64::MAX))
        });
        callbacks.sideband_progress(|_| self.allows(0));
        callbacks
    }

    fn allows(&self, received: u64) -> bool {
        let failure = if Instant::now() >= self.deadline {
            FetchError::new("timeout", "the fetch took longer than its limit")
        } else if received > self.max_bytes {
            too_large(self.max_bytes)
        } else {
            return true;
        };
        self.failure.borrow_mut().get_or_insert(failure);
        false
    }
}

/// Looks at a folder before libgit2 does, whose own words for what is wrong mislead, and at whose odd refs the `git2`
/// crate panics.
fn check_folder(path: &std::path::Path) -> Result<(), FetchError> {
    if !path.is_dir() {
        return Err(FetchError::new("not-found", "there is no such folder"));
    }
    let opened = Repository::open_ext(path, RepositoryOpenFlags::NO_SEARCH, std::iter::empty::<&std::ffi::OsStr>());
    let repository = opened.map_err(|error| match error.code() {
        ErrorCode::NotFound => FetchError::new("not-found", "this folder is not a Git repository"),
        ErrorCode::Owner => FetchError::new("auth", "this folder belongs to another user")
            .with_hint("give it to the user that layerd runs as, or list it in that user's Git setting safe.directory"),
        _ => storage(error.message()),
    })?;
    let references = repository.references().map_err(|error| storage(error.message()))?;
    match references.flatten().any(|reference| std::str::from_utf8(reference.name_bytes()).is_err()) {
        true => Err(FetchError::new("protocol", "it has a branch or tag whose name is not UTF-8")),
        false => Ok(()),
    }
}

fn storage(cause: &str) -> FetchError {
    FetchError::new("storage", format!("the mirror cannot be written: {}", printable(cause)))
}

/// What libgit2 says, sorted by whose fault it is.
fn explain(error: &git2::Error) -> FetchError {
    match error.class() {
        ErrorClass::Os | ErrorClass::Filesystem => storage(error.message()),
        _ => FetchError::new("protocol", printable(error.message())),
    }
}

/// Text that may come from the server, made fit for a log.
fn printable(text: &str) -> String {
    text.trim().chars().take(MAX_CAUSE).map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::git_http::{Behaviour, GitServer};
    use crate::source::tests::{FILE, Origin, oid};

    struct Local {
        folder: tempfile::TempDir,
        remote: Remote,
    }

    impl Local {
        fn of(remote: &str) -> Self {
            Self { folder: tempfile::tempdir().unwrap(), remote: remote.parse().unwrap() }
        }

        fn request(&self) -> Request {
            let mirror = self.folder.path().join("gen-1");
            Request { remote: self.remote.clone(), mirror, login: None, limits: Limits::default() }
        }

        /// True if the fetch found something new.
        fn fetch(&self) -> bool {
            fetch(&self.request()).unwrap().changed
        }

        fn refusal(&self) -> String {
            let error = fetch(&self.request()).unwrap_err();
            format!("{}: {}", error.reason, error.message.replace(&self.remote.to_string(), "REMOTE"))
        }

        /// The labels of the mirror, one a line, with the first digits of their commits.
        fn labels(&self) -> String {
            let record = Mirror::new(self.request().mirror).record().unwrap().unwrap();
            let head = record.head.unwrap_or_default();
            record.tips.iter().fold(format!("HEAD {head}\n"), |text, (name, id)| text + &format!("{name} {id:.7}\n"))
        }
    }

    fn short(commit: crate::config::tree::CommitId) -> String {
        commit.to_string()[..7].to_owned()
    }

    #[test]
    fn a_path_a_file_url_and_http_bring_the_same_and_then_nothing_new() {
        let origin = Origin::new();
        let first = origin.commit("main", "a.yml", "a: 1");
        origin.point("refs/tags/v1", origin.annotate(oid(first)));
        let server = GitServer::start(origin.folder.path(), Behaviour::Serve);
        let path = origin.path().to_str().unwrap().to_owned();
        let places = [path.clone(), format!("file://{path}"), server.url("config.git"), server.url("config.git/")];
        let mirrors: Vec<_> = places.iter().map(|place| Local::of(place)).collect();
        for mirror in &mirrors {
            assert!(mirror.fetch());
            assert_eq!(
                mirror.labels(),
                format!("HEAD refs/heads/main\nrefs/heads/main {0}\nrefs/tags/v1 {0}\n", short(first))
            );
            assert!(!mirror.fetch());
        }
        let second = origin.commit("main", "a.yml", "a: 2");
        server.seen();
        for mirror in &mirrors {
            assert!(mirror.fetch());
            assert!(mirror.labels().contains(&format!("refs/heads/main {}\n", short(second))));
            assert!(!mirror.fetch());
        }
        let posts = server.seen().iter().filter(|seen| seen.line.starts_with("POST")).count();
        assert_eq!(posts, 2, "a fetch of nothing new asks for the list of refs only");
    }

    #[test]
    fn rewritten_branches_moved_tags_and_deletions_are_followed() {
        let origin = Origin::new();
        let server = GitServer::start(origin.folder.path(), Behaviour::Serve);
        let old = origin.commit("main", "a.yml", "a: 1");
        origin.commit("gone", "b.yml", "b: 1");
        origin.point("refs/tags/v1", oid(old));
        let mirrors = [Local::of(origin.path().to_str().unwrap()), Local::of(&server.url("config.git"))];
        mirrors.iter().for_each(|mirror| assert!(mirror.fetch()));

        origin.delete("refs/heads/main");
        let new = origin.commit("main", "a.yml", "a: unrelated");
        origin.point("refs/tags/v1", oid(new));
        origin.delete("refs/heads/gone");
        for mirror in &mirrors {
            assert!(mirror.fetch());
            assert_eq!(
                mirror.labels(),
                format!("HEAD refs/heads/main\nrefs/heads/main {0}\nrefs/tags/v1 {0}\n", short(new))
            );
        }
    }

    #[test]
    fn an_empty_remote_fails_and_removes_no_label() {
        let origin = Origin::new();
        let server = GitServer::start(origin.folder.path(), Behaviour::Serve);
        let mirrors = [Local::of(origin.path().to_str().unwrap()), Local::of(&server.url("config.git"))];
        let empty = "empty: `REMOTE` was not fetched: it has no branch and no tag";
        mirrors.iter().for_each(|mirror| assert_eq!(mirror.refusal(), empty));
        origin.commit("main", "a.yml", "a: 1");
        let full: Vec<_> = mirrors.iter().map(|mirror| (mirror.fetch(), mirror.labels())).collect();
        origin.delete("refs/heads/main");
        for (mirror, (_, labels)) in mirrors.iter().zip(full) {
            assert_eq!(mirror.refusal(), empty);
            assert_eq!(mirror.labels(), labels);
        }
    }

    #[test]
    fn tags_that_lead_to_no_commit_are_no_labels_and_still_cost_one_fetch() {
        let origin = Origin::new();
        let commit = oid(origin.commit("main", "a.yml", "a: 1"));
        let blob = origin.blob("x");
        origin.point("refs/tags/blob", blob);
        origin.point("refs/tags/tagged-blob", origin.annotate(blob));
        let mut deep = commit;
        for level in 1..=9 {
            deep = origin.annotate(deep);
            if level >= 8 {
                origin.point(&format!("refs/tags/deep-{level}"), deep);
            }
        }
        let mirror = Local::of(origin.path().to_str().unwrap());
        assert!(mirror.fetch());
        let expected = format!("HEAD refs/heads/main\nrefs/heads/main {commit:.7}\nrefs/tags/deep-8 {commit:.7}\n");
        assert_eq!(mirror.labels(), expected);
        assert!(!mirror.fetch());
    }

    #[test]
    fn a_default_branch_of_another_name_is_remembered_and_a_missing_one_is_not_invented() {
        let origin = Origin::new();
        origin.commit("trunk", "a.yml", "a: 1");
        let server = GitServer::start(origin.folder.path(), Behaviour::Serve);
        for place in [origin.path().to_str().unwrap().to_owned(), server.url("config.git")] {
            origin.repository.set_head("refs/heads/nowhere").unwrap();
            let mirror = Local::of(&place);
            mirror.fetch();
            assert!(mirror.labels().starts_with("HEAD \n"));
            origin.repository.set_head("refs/heads/trunk").unwrap();
            assert!(mirror.fetch());
            assert!(mirror.labels().starts_with("HEAD refs/heads/trunk\n"));
        }
    }

    #[test]
    fn refs_whose_names_are_not_utf_8_never_reach_the_list() {
        use std::os::unix::ffi::OsStrExt as _;
        let origin = Origin::new();
        let commit = origin.commit("main", "a.yml", "a: 1");
        let odd = origin.path().join("refs/tags").join(std::ffi::OsStr::from_bytes(b"caf\xe9"));
        std::fs::write(odd, format!("{commit}\n")).unwrap();
        let server = GitServer::start(origin.folder.path(), Behaviour::Serve);
        let http = Local::of(&server.url("config.git"));
        assert!(http.fetch());
        assert_eq!(http.labels(), format!("HEAD refs/heads/main\nrefs/heads/main {}\n", short(commit)));
        assert_eq!(
            Local::of(origin.path().to_str().unwrap()).refusal(),
            "protocol: `REMOTE` was not fetched: it has a branch or tag whose name is not UTF-8"
        );
    }

    #[test]
    fn a_folder_that_is_no_repository_is_told_from_one_that_is_missing() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(
            Local::of(folder.path().to_str().unwrap()).refusal(),
            "not-found: `REMOTE` was not fetched: this folder is not a Git repository"
        );
        assert_eq!(
            Local::of(folder.path().join("none").to_str().unwrap()).refusal(),
            "not-found: `REMOTE` was not fetched: there is no such folder"
        );
    }

    #[test]
    fn limits_of_time_and_size_end_a_fetch_and_change_nothing() {
        let origin = Origin::new();
        let server = GitServer::start(origin.folder.path(), Behaviour::Serve);
        // Two megabytes that do not compress.
        let noise: String = (0..35_000_u32).map(|number| digest(&number.to_string())).collect();
        let tree = origin.tree(&[(FILE, b"a.txt", origin.blob(&noise))]);
        origin.point("refs/heads/main", oid(origin.commit_tree(tree, &[])));
        for place in [origin.path().to_str().unwrap().to_owned(), server.url("config.git")] {
            let local = Local::of(&place);
            let refusal = |limits| fetch(&Request { limits, ..local.request() }).unwrap_err();
            let large = refusal(Limits { bytes: 100_000, ..Limits::default() });
            assert_eq!(
                (large.reason, large.message.replace(&local.remote.to_string(), "REMOTE").as_str()),
                ("storage", "`REMOTE` was not fetched: the fetch is larger than the limit of 100000 bytes")
            );
            assert_eq!(refusal(Limits { time: Duration::ZERO, ..Limits::default() }).reason, "timeout");
            assert!(!Mirror::new(local.request().mirror).is_complete());
            assert!(local.fetch());
        }
    }

    #[test]
    fn the_users_own_git_settings_do_not_reach_a_mirror() {
        let origin = Origin::new();
        origin.commit("main", "a.yml", "a: 1");
        let local = Local::of(origin.path().to_str().unwrap());
        local.fetch();
        let config = std::fs::read_to_string(local.request().mirror.join("config")).unwrap();
        assert!(!config.contains("remote") && !config.contains("url"), "{config}");
        let levels = Mirror::new(local.request().mirror).open().unwrap().config().unwrap();
        let mut entries = levels.entries(None).unwrap();
        while let Some(entry) = entries.next() {
            assert_eq!(entry.unwrap().level(), git2::ConfigLevel::Local);
        }
    }
}
