//! One fetch: a remote and a mirror in, an up-to-date mirror or the reason why not out.
//!
//! A function of plain data, so that it can run anywhere, also in a process that is killed when it takes too long. It
//! fetches the branches and tags that are wanted, follows rewritten history, and changes the mirror's labels in one step
//! at the end. What the remote has is read in `refs.rs`, what has arrived is checked in `verify.rs`.

pub mod child;
mod exchange;
mod folder;
mod refs;
pub mod rewritten;
pub(super) mod verify;
pub mod worker;

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use git2::{Oid, Repository};
use serde::{Deserialize, Serialize};

use super::FetchError;
use super::mirror::{Mirror, Record, Stuck};
use super::remote::Remote;
use super::remote::credentials::Login;
use super::remote::tls_files::Files;
use super::transport::budget::Allowance;
pub use super::transport::budget::{Limits, Pace};
use super::transport::failure::{not_fetched, sending, storage};
use super::transport::ref_list::Wanted;
use exchange::{Exchange, Meter, connect, depth};
use refs::peel;
use rewritten::{Rewritten, rewritten};
use verify::Verifier;

/// What to fetch, and where to.
#[derive(Debug, Clone)]
pub struct Request {
    /// The repository to fetch from.
    pub remote: Remote,
    /// The folder of the mirror; made if it is missing. Fetches into the same one wait for one another.
    pub mirror: PathBuf,
    /// What to log in with.
    pub login: Option<Login>,
    /// Keys and certificates.
    pub files: Files,
    /// Globs for the branches and tags to fetch.
    pub labels: Vec<String>,
    /// The folders that lead to the configuration; what is malformed beside them does not matter.
    pub root: Vec<String>,
    /// How many commits of each label to fetch; `None` for all.
    pub depth: Option<u32>,
    /// What the fetch may use up.
    pub limits: Limits,
}

impl Request {
    /// A fetch of all branches and tags without a login.
    #[must_use]
    pub fn new(remote: Remote, mirror: PathBuf) -> Self {
        let (labels, limits) = (vec!["*".to_owned()], Limits::default());
        Self { remote, mirror, login: None, files: Files::default(), labels, root: Vec::new(), depth: None, limits }
    }
}

/// What a fetch did.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fetched {
    /// False if the remote had nothing new and the mirror was left alone.
    pub changed: bool,
    /// Bytes received; 0 for a folder of this machine.
    pub received: u64,
    /// Labels that lead to an unrelated history now.
    #[serde(default)]
    pub rewritten: Rewritten,
    /// How many labels could not be taken that were taken, or had not been tried, before.
    #[serde(default)]
    pub stuck: usize,
}

/// Brings the mirror up to date, and makes sure that everything its labels lead to has arrived.
///
/// # Errors
/// Why that failed. The mirror's labels are then as they were.
pub fn fetch(request: &Request) -> Result<Fetched, FetchError> {
    let allowance = Allowance::new(request.limits);
    let _sending = sending(request.login.as_ref());
    run(request, &allowance).map_err(|error| not_fetched(&request.remote, error))
}

fn run(request: &Request, allowance: &Arc<Allowance>) -> Result<Fetched, FetchError> {
    let wanted = Wanted::new(&request.labels).map_err(|error| FetchError::new("internal", error.to_string()))?;
    let mirror = Mirror::new(request.mirror.clone());
    let (repository, _lock) = mirror.prepare().map_err(|error| storage(error.message()))?;
    // A damaged record is as good as none: everything is compared and written again.
    let known = mirror.record().unwrap_or_default();

    let meter = Meter { allowance, failure: RefCell::default() };
    let way = connect(request, allowance)?;
    let exchange = Exchange {
        repository: &repository,
        way: &way,
        wanted: Arc::new(wanted),
        meter: &meter,
        depth: depth(request.depth, &repository),
    };
    let (advertised, mut stuck) = exchange.run(request.depth, known.as_ref(), &mirror)?;
    let received = allowance.received();
    if advertised.refs.is_empty() && !exchange.wanted.has_hidden() {
        return Err(FetchError::new("empty", "it has no branch and no tag"));
    }
    if known.as_ref().is_some_and(|known| known.has_nothing_new(&advertised.digest)) {
        return Ok(Fetched { received, ..Fetched::default() });
    }
    let before = known.as_ref().map(|known| known.tips.clone()).unwrap_or_default();
    let mut verifier = Verifier::new(&repository, &request.root, allowance.deadline);
    let mut tips = BTreeMap::new();
    for (name, id) in &advertised.refs {
        let taken = match stuck.remove(name) {
            Some(reason) => Err(reason),
            None => take(&repository, &mut verifier, (name, *id), before.get(name))?,
        };
        match taken {
            Ok(tip) => tips.extend(tip.map(|tip| (name.clone(), tip))),
            Err(reason) => {
                tips.extend(before.get(name).map(|tip| (name.clone(), *tip)));
                stuck.insert(name.clone(), reason);
            }
        }
    }
    if let Some(reason) = stuck.values().next().filter(|_| tips.is_empty()) {
        return Err(FetchError::new("protocol", reason));
    }
    let rewritten = rewritten(&repository, &before, &tips);
    let stuck = stuck.into_iter().map(|(name, reason)| (name.clone(), Stuck::new(advertised.refs[&name], &reason)));
    let record = Record { advertised: advertised.digest, head: advertised.head, tips, stuck: stuck.collect() };
    let new = |(name, now): &(&String, &Stuck)| known.as_ref().is_none_or(|known| known.stuck.get(*name) != Some(now));
    let fetched = Fetched { changed: true, received, rewritten, stuck: record.stuck.iter().filter(new).count() };
    if known.as_ref() == Some(&record) {
        return Ok(Fetched { changed: false, ..fetched });
    }
    mirror.commit(&record).map_err(|error| storage(&error.to_string()))?;
    Ok(fetched)
}

/// The commit that a ref leads to, all of which has arrived; or why this label alone cannot be taken.
fn take(
    repository: &Repository,
    verifier: &mut Verifier<'_>,
    (name, id): (&str, Oid),
    before: Option<&Oid>,
) -> Result<Result<Option<Oid>, String>, FetchError> {
    let checked = peel(repository, name, id).and_then(|tip| match tip {
        Some(tip) if before != Some(&tip) => verifier.check(name, tip).map(|()| Some(tip)),
        tip => Ok(tip),
    });
    match checked {
        Ok(tip) => Ok(Ok(tip)),
        Err(error) if error.reason == "protocol" => Ok(Err(error.message)),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::source::git_http::{Behaviour, GitServer};
    use crate::source::mirror::digest;
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
            Request::new(self.remote.clone(), self.folder.path().join("gen-1"))
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
        let folder = Local::of(origin.path().to_str().unwrap());
        assert!(folder.fetch());
        assert_eq!(folder.labels(), http.labels());
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
