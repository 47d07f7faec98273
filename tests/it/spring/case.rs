//! A case of the corpus: its repositories built commit by commit with the recorded ids, and a server with its settings.

use std::cell::RefCell;
use std::collections::{BTreeMap, HashMap};
use std::fs;
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use git2::build::TreeUpdateBuilder;
use git2::{FileMode, ObjectType, Oid, Repository, Signature, Time};
use serde_json::Value as Json;
use tempfile::TempDir;

use super::compare::Masks;
use crate::harness::exchange::Exchange;
use crate::harness::git_http::{Behaviour, GitServer};
use crate::harness::server::Server;

/// Commit number `n` of a case is made `n` minutes after this second (2026-01-01 00:00 UTC).
const EPOCH: i64 = 1_767_225_600;

/// What was written by hand and what was recorded.
pub(super) struct Case {
    pub(super) name: String,
    case: Json,
    recorded: Vec<Json>,
}

/// A server with the settings of a case, beside its repositories.
pub(super) struct Running {
    server: Server,
    repositories: RefCell<Repositories>,
    git: GitServer,
    prefix: String,
    kept: HashMap<String, String>,
}

impl Case {
    pub(super) fn read(folder: &Path) -> Self {
        let read = |name: &str| fs::read_to_string(folder.join(name)).unwrap();
        let name = folder.file_name().unwrap().to_str().unwrap().to_owned();
        let case = serde_yaml::from_str(&read("case.yml")).unwrap();
        Self { name, case, recorded: serde_json::from_str(&read("expected.json")).unwrap() }
    }

    /// The steps, each request with what was recorded for it.
    pub(super) fn walk(&self) -> impl Iterator<Item = (&Json, Option<&Json>)> {
        let mut recorded = self.recorded.iter();
        let steps = self.case["steps"].as_array().unwrap().iter();
        steps.map(move |step| (step, if step["commit"].is_object() { None } else { recorded.next() }))
    }
}

impl Running {
    pub(super) fn start(case: &Case) -> Self {
        let mut repositories = Repositories::new();
        for (name, commits) in case.case["repos"].as_object().into_iter().flatten() {
            commits.as_array().unwrap().iter().for_each(|commit| repositories.commit(name, commit));
        }
        let git = GitServer::start(&repositories.root.path().join("git"), Behaviour::Serve);
        let settings = case.case["settings"].to_string();
        let settings =
            masks(&repositories, &git).iter().fold(settings, |text, (found, mask)| text.replace(mask, found));
        let settings = settings.replace("{{repos}}", git.url("").trim_end_matches('/'));
        let file = repositories.root.path().join("application.yml");
        fs::write(&file, &settings).unwrap();
        let server = Server::start(&["serve", "--from-spring", file.to_str().unwrap()]);
        // It waits for the first fetch.
        server.get("/actuator/health");
        let server_settings = &case.case["settings"]["spring"]["cloud"]["config"]["server"];
        let prefix = server_settings["prefix"].as_str().unwrap_or_default().to_owned();
        Self { server, repositories: RefCell::new(repositories), git, prefix, kept: HashMap::new() }
    }

    /// Makes a commit and has the server fetch it.
    pub(super) fn commit(&self, step: &Json) {
        self.repositories.borrow_mut().commit(step["repo"].as_str().unwrap(), &step["commit"]);
        let refreshed = self.server.send("POST", &format!("{}/actuator/refresh", self.prefix), &[], b"");
        assert_eq!(refreshed.status(), 200, "{refreshed}");
    }

    /// Sends a request as it is written.
    pub(super) fn ask(&mut self, step: &Json) -> Exchange {
        let told = |text: &str| {
            self.kept.iter().fold(text.to_owned(), |text, (name, kept)| text.replace(&format!("{{{{{name}}}}}"), kept))
        };
        let request = told(step.as_str().or_else(|| step["request"].as_str()).unwrap());
        let (method, path) = request.split_once(' ').unwrap();
        let headers = step["headers"].as_object().into_iter().flatten();
        let headers: Vec<_> = headers.map(|(name, value)| (name.clone(), told(value.as_str().unwrap()))).collect();
        let headers: Vec<_> = headers.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        let body = match (&step["body"], &step["body_base64"]) {
            (Json::String(text), _) => told(text).into_bytes(),
            (_, Json::String(text)) => STANDARD.decode(text).unwrap(),
            _ => Vec::new(),
        };
        let answer = self.server.send(method, path, &headers, &body);
        if let Some(name) = step["capture"].as_str() {
            self.kept.insert(name.to_owned(), answer.text());
        }
        answer
    }

    pub(super) fn masks(&self) -> Masks {
        masks(&self.repositories.borrow(), &self.git)
    }
}

fn masks(repositories: &Repositories, git: &GitServer) -> Masks {
    let of_repository = |name: &String| {
        let url = (git.url(&format!("{name}.git")), format!("{{{{repo:{name}}}}}"));
        let folder = repositories.folder(name).to_str().unwrap().to_owned();
        [url, (folder, format!("{{{{dir:{name}}}}}"))]
    };
    repositories.all.keys().flat_map(of_repository).collect()
}

pub(super) fn to_base64(bytes: &[u8]) -> String {
    STANDARD.encode(bytes)
}

/// The bare repositories of a case, each with a plain folder of its newest files.
struct Repositories {
    root: TempDir,
    all: HashMap<String, Repository>,
    made: i64,
}

impl Repositories {
    fn new() -> Self {
        Self { root: tempfile::tempdir().unwrap(), all: HashMap::new(), made: 0 }
    }

    fn folder(&self, name: &str) -> PathBuf {
        self.root.path().join("work").join(name)
    }

    fn commit(&mut self, name: &str, commit: &Json) {
        self.made += 1;
        let path = self.root.path().join("git").join(format!("{name}.git"));
        let repository = self.all.entry(name.to_owned()).or_insert_with(|| Repository::init_bare(path).unwrap());
        if let Some(branch) = commit["delete_branch"].as_str() {
            repository.find_reference(&reference(branch)).unwrap().delete().unwrap();
            return;
        }
        let branch = reference(commit["branch"].as_str().unwrap_or("main"));
        if repository.is_empty().unwrap() && repository.references().unwrap().count() == 0 {
            repository.set_head(&branch).unwrap();
        }
        let from = commit["from"].as_str().map(|from| repository.revparse_single(from).unwrap().id());
        let tip = repository.refname_to_id(&branch).ok();
        let parent = if commit["force"] == true { from } else { tip.or(from) };
        let made = make(repository, parent, commit, self.made);
        repository.reference(&branch, made, true, "").unwrap();
        self.write_folder(name, made);
    }

    /// Puts the files of a commit in the place of those in the folder, beside a file of Git that nobody may read.
    fn write_folder(&self, name: &str, commit: Oid) {
        let (folder, repository) = (self.folder(name), &self.all[name]);
        fs::create_dir_all(folder.join(".git")).unwrap();
        fs::write(folder.join(".git/config"), "[core]\n").unwrap();
        let tree = repository.find_commit(commit).unwrap().tree().unwrap();
        let mut checkout = git2::build::CheckoutBuilder::new();
        checkout.force().target_dir(&folder).update_index(false);
        repository.checkout_tree(tree.as_object(), Some(&mut checkout)).unwrap();
    }
}

fn make(repository: &Repository, parent: Option<Oid>, commit: &Json, number: i64) -> Oid {
    let parent = parent.map(|id| repository.find_commit(id).unwrap());
    let empty = || repository.find_tree(repository.treebuilder(None).unwrap().write().unwrap()).unwrap();
    let base = parent.as_ref().map_or_else(empty, |parent| parent.tree().unwrap());
    // The later of two ways to name a path counts, as on a disk; libgit2 takes no path twice.
    let mut edits: BTreeMap<String, Option<(Vec<u8>, FileMode)>> = BTreeMap::new();
    let texts = |member: &str| commit[member].as_object().cloned().unwrap_or_default();
    for (path, text) in texts("put") {
        edits.insert(path, Some((text.as_str().unwrap().as_bytes().to_vec(), FileMode::Blob)));
    }
    for (path, text) in texts("put_base64") {
        edits.insert(path, Some((STANDARD.decode(text.as_str().unwrap()).unwrap(), FileMode::Blob)));
    }
    for (path, target) in texts("symlink") {
        edits.insert(path, Some((target.as_str().unwrap().as_bytes().to_vec(), FileMode::Link)));
    }
    for path in commit["delete"].as_array().into_iter().flatten() {
        edits.insert(path.as_str().unwrap().to_owned(), None);
    }
    let mut update = TreeUpdateBuilder::new();
    for (path, edit) in edits {
        match edit {
            Some((bytes, mode)) => update.upsert(path, repository.blob(&bytes).unwrap(), mode),
            None => update.remove(path),
        };
    }
    let tree = repository.find_tree(update.create_updated(repository, &base).unwrap()).unwrap();
    let who = Signature::new("Fixture", "fixture@example.org", &Time::new(EPOCH + 60 * number, 0)).unwrap();
    let parents: Vec<_> = parent.iter().collect();
    let made = repository.commit(None, &who, &who, &format!("commit {number}\n"), &tree, &parents).unwrap();
    let object = repository.find_object(made, Some(ObjectType::Commit)).unwrap();
    if let Some(name) = commit["tag"].as_str() {
        repository.tag_lightweight(name, &object, true).unwrap();
    }
    if let Some(name) = commit["annotated_tag"].as_str() {
        repository.tag(name, &object, &who, name, true).unwrap();
    }
    made
}

fn reference(branch: &str) -> String {
    format!("refs/heads/{branch}")
}
