//! Labels with objects that no Git program would write, or with names that are odd: each stays where it was, or is not
//! there, with its reason told; the others go on.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt as _;

use git2::{ObjectType, Oid, Repository};

use crate::harness::git_http::{Behaviour, GitServer};
use crate::harness::repo::Repo;
use crate::harness::server::Server;

/// The bytes of a tree object.
fn tree(entries: &[(&str, &str, Oid)]) -> Vec<u8> {
    entries
        .iter()
        .flat_map(|(mode, name, id)| [format!("{mode} {name}\0").as_bytes(), id.as_bytes()].concat())
        .collect()
}

fn nowhere() -> Oid {
    Oid::from_bytes(&[7; 20]).unwrap()
}

/// Kinds of tree that are wrong, made in a repository.
type Kind = (&'static str, fn(&Repository) -> Vec<u8>);

fn blob(git: &Repository) -> Oid {
    git.blob(b"a: bad").unwrap()
}

const KINDS: [Kind; 11] = [
    ("a mode that is none", |git| tree(&[("x", "app.yml", blob(git))])),
    ("a mode that is too large", |git| tree(&[("7777777777", "app.yml", blob(git))])),
    ("an empty name", |git| tree(&[("100644", "", blob(git))])),
    ("a file that is missing", |_| tree(&[("100644", "app.yml", nowhere())])),
    ("a folder that is missing", |_| tree(&[("40000", "app", nowhere())])),
    ("an id of zeros", |_| tree(&[("100644", "app.yml", Oid::ZERO_SHA1)])),
    ("a folder that is a file", |git| tree(&[("40000", "app", blob(git))])),
    ("a file that is a folder", |git| {
        let folder = git.odb().unwrap().write(ObjectType::Tree, &tree(&[("100644", "x.yml", blob(git))])).unwrap();
        tree(&[("100644", "app.yml", folder)])
    }),
    ("a file that is a commit", |git| tree(&[("100644", "app.yml", git.refname_to_id("refs/heads/main").unwrap())])),
    ("an entry that is cut", |git| tree(&[("100644", "app.yml", blob(git))])[..20].to_vec()),
    ("bytes that are no tree", |_| b"\xff\xff".to_vec()),
];

/// Makes a commit of a tree that may be anything, on a branch.
fn point(repo: &Repo, branch: &str, content: &[u8]) -> String {
    let git = Repository::open(repo.path()).unwrap();
    let objects = git.odb().unwrap();
    let tree = objects.write(ObjectType::Tree, content).unwrap();
    let name = format!("refs/heads/{branch}");
    let parent = git.refname_to_id(&name).map_or_else(|_| String::new(), |id| format!("parent {id}\n"));
    let commit = objects.write(ObjectType::Commit, &commit_of(tree, &parent)).unwrap();
    force(repo, branch, commit);
    commit.to_string()
}

/// The bytes of a commit object.
fn commit_of(tree: Oid, parent: &str) -> Vec<u8> {
    let who = "A <a@example.org> 1800000000 +0000";
    format!("tree {tree}\n{parent}author {who}\ncommitter {who}\n\nx\n").into_bytes()
}

/// Sets a branch as a file, which may say anything.
fn force(repo: &Repo, branch: &str, commit: Oid) {
    fs::write(repo.path().join("refs/heads").join(branch), format!("{commit}\n")).unwrap();
}

/// The two ways to a repository.
fn ways(repo: &Repo) -> [(Option<GitServer>, String); 2] {
    let git = GitServer::start(repo.path(), Behaviour::Serve);
    let url = git.url("");
    [(Some(git), url), (None, repo.url().to_owned())]
}

/// What the refresh tells of a label.
fn told(server: &Server, label: &str) -> (u16, String) {
    let answer = server.refresh();
    let labels = answer.json()["labels"].clone();
    let entry = labels.as_array().unwrap().iter().find(|entry| entry["label"] == label).cloned().unwrap_or_default();
    (answer.status(), entry["error"].as_str().unwrap_or_default().to_owned())
}

#[test]
fn a_malformed_object_in_a_branch_holds_up_that_branch_alone() {
    for (kind, make) in KINDS {
        let repo = Repo::with(&[("app.yml", "a: 1")]);
        repo.branch("side");
        for (_git, url) in ways(&repo) {
            repo.on("side").file("app.yml", "a: good").commit();
            let server = Server::start(&["serve", "--git", &url]);
            server.wait_ready();
            assert_eq!(server.config("app?label=side"), "{\"a\":\"good\"}", "{kind}");
            let good = Repository::open(repo.path()).unwrap().refname_to_id("refs/heads/side").unwrap();
            point(&repo, "side", &make(&Repository::open(repo.path()).unwrap()));
            let text = format!("a: {url}");
            repo.on("main").file("app.yml", &text).commit();
            let (status, error) = told(&server, "side");
            assert_eq!((status, error.is_empty()), (200, false), "{kind} {url}: {error}\n{}", server.stderr());
            assert_eq!(server.config("app"), format!("{{\"a\":\"{url}\"}}"), "{kind}");
            assert_eq!(server.config("app?label=side"), "{\"a\":\"good\"}", "{kind}");
            let source = server.source();
            assert_eq!(source["last_error"], serde_json::Value::Null, "{kind}");
            let known = serde_json::json!([{ "label": "side", "error": error }]);
            assert_eq!(source["stuck"], known, "{kind}");
            let problems = server.get("/api/v1/problems").json();
            let stuck = serde_json::json!([{ "source": "config", "label": "side", "error": error }]);
            assert_eq!((&problems["stuck"], &problems["problems"]), (&stuck, &serde_json::json!([])), "{kind}");
            assert!(server.get("/metrics").text().contains("layerd_stuck_labels{source=\"config\"} 1\n"), "{kind}");
            // Healed by a commit on top of it that is whole.
            force(&repo, "side", good);
            repo.on("side").file("app.yml", "a: healed").commit();
            assert_eq!(told(&server, "side"), (200, String::new()), "{kind}");
            assert_eq!(server.config("app?label=side"), "{\"a\":\"healed\"}", "{kind}");
            assert_eq!(server.source()["stuck"], serde_json::json!([]), "{kind}");
        }
    }
}

type Tip = (&'static str, ObjectType, fn(&Repository) -> Vec<u8>);

/// Objects in the place of a commit that are none, or lead to none.
const TIPS: [Tip; 8] = [
    ("words", ObjectType::Commit, |_| b"words".to_vec()),
    ("nothing", ObjectType::Commit, |_| Vec::new()),
    ("a tree that is missing", ObjectType::Commit, |_| commit_of(nowhere(), "")),
    ("a tree that is a file", ObjectType::Commit, |git| commit_of(blob(git), "")),
    ("a file", ObjectType::Blob, |_| b"a: 1".to_vec()),
    ("a tag that is none", ObjectType::Tag, |_| b"words".to_vec()),
    ("a tag of what is missing", ObjectType::Tag, |_| {
        format!("object {}\ntype commit\ntag v\ntagger A <a@example.org> 1 +0000\n\nx\n", nowhere()).into_bytes()
    }),
    ("a tag that lies", ObjectType::Tag, |git| {
        format!("object {}\ntype commit\ntag v\ntagger A <a@example.org> 1 +0000\n\nx\n", blob(git)).into_bytes()
    }),
];

#[test]
fn a_malformed_commit_or_tag_holds_up_that_label_alone() {
    for (kind, object, make) in TIPS {
        let repo = Repo::with(&[("app.yml", "a: 1")]);
        let git = Repository::open(repo.path()).unwrap();
        for (number, (_git, url)) in ways(&repo).into_iter().enumerate() {
            let good = git.refname_to_id("refs/heads/main").unwrap();
            for label in ["heads/side", "tags/v1"] {
                fs::write(repo.path().join("refs").join(label), format!("{good}\n")).unwrap();
            }
            let server = Server::start(&["serve", "--git", &url]);
            server.wait_ready();
            let before = server.config("app?label=side");
            assert_eq!(server.config("app?label=v1"), before, "{kind}");
            let bad = git.odb().unwrap().write(object, &make(&git)).unwrap();
            for label in ["heads/side", "tags/v1"] {
                fs::write(repo.path().join("refs").join(label), format!("{bad}\n")).unwrap();
            }
            repo.on("main").file("app.yml", &format!("a: new{number}")).commit();
            let answer = server.refresh();
            assert_eq!(answer.status(), 200, "{kind} {url}: {answer}\n{}", server.stderr());
            assert_eq!(server.config("app"), format!("{{\"a\":\"new{number}\"}}"), "{kind}");
            // A tag may be one of a file; a branch is always one of commits.
            let may_be = |label: &str| label == "v1" && kind == "a file";
            let stuck = server.get("/api/v1/problems").json()["stuck"].clone();
            for label in ["side", "v1"].into_iter().filter(|label| !may_be(label)) {
                assert_eq!(server.config(&format!("app?label={label}")), before, "{kind} {url}");
                let mut stuck = stuck.as_array().unwrap().iter().filter(|stuck| stuck["label"] == label);
                let error = stuck.next().map(|stuck| stuck["error"].as_str().unwrap().to_owned());
                assert!(error.is_some_and(|error| error.len() > 8), "{kind} {url} {label}");
            }
            for label in ["heads/side", "tags/v1"] {
                fs::write(repo.path().join("refs").join(label), format!("{good}\n")).unwrap();
            }
            assert_eq!(server.refresh().status(), 200, "{kind}");
            assert_eq!(server.source()["stuck"], serde_json::json!([]), "{kind}");
            assert_eq!(server.config("app?label=v1"), before, "{kind}");
        }
    }
}

#[test]
fn a_malformed_branch_survives_a_restart_and_a_new_one_is_not_served() {
    let repo = Repo::with(&[("app.yml", "a: 1")]);
    repo.branch("side");
    for (_git, url) in ways(&repo) {
        let state = tempfile::tempdir().unwrap();
        let state = state.path().to_str().unwrap();
        let start = || Server::start(&["serve", "--git", &url, "--state", state]);
        {
            let mut server = start();
            server.wait_ready();
            let good = Repository::open(repo.path()).unwrap().refname_to_id("refs/heads/side").unwrap();
            let bad = KINDS[2].1(&Repository::open(repo.path()).unwrap());
            // The default branch, and one that nobody had before.
            for branch in ["main", "new"] {
                point(&repo, branch, &bad);
            }
            let (status, error) = told(&server, "main");
            assert_eq!((status, error.is_empty()), (502, false), "{error}");
            assert_eq!(server.config("app"), "{\"a\":1}");
            force(&repo, "side", good);
            server.terminate();
        }
        let server = start();
        server.wait_ready();
        assert_eq!(server.refresh().status(), 502);
        assert_eq!((server.config("app"), server.config("app?label=side")), ("{\"a\":1}".into(), "{\"a\":1}".into()));
        let new = server.get("/api/v1/config/app?label=new");
        assert_eq!((new.status(), &new.json()["code"]), (503, &"label-unreadable".into()), "{new}");
        assert!(server.get("/app/default/new").status() >= 500);
        assert_eq!(server.config_status("app?label=nowhere"), 404);
        assert!(server.told("the label stays where it was, and holds up no other") >= 2, "{}", server.stderr());
        let side = Repository::open(repo.path()).unwrap().refname_to_id("refs/heads/side").unwrap();
        force(&repo, "main", side);
        force(&repo, "new", side);
        assert_eq!(server.refresh().status(), 200);
        assert_eq!(server.config("app?label=new"), "{\"a\":1}");
        repo.delete_branch("new");
    }
}

#[test]
fn a_repository_of_which_no_branch_is_whole_is_waited_for() {
    for number in [2, 3, 7] {
        let repo = Repo::new();
        let bad = KINDS[number].1(&Repository::open(repo.path()).unwrap());
        point(&repo, "main", &bad);
        point(&repo, "side", &bad);
        for (_git, url) in ways(&repo) {
            let server = Server::start(&["serve", "--git", &url]);
            let answer = server.refresh();
            assert_eq!(answer.status(), 502, "{answer}");
            assert_eq!(server.config_status("app"), 503);
            let good = Repo::with(&[("app.yml", "a: 1")]);
            let from = Repository::open(good.path()).unwrap();
            let tip = from.refname_to_id("refs/heads/main").unwrap();
            let git = Repository::open(repo.path()).unwrap();
            from.odb()
                .unwrap()
                .foreach(|id| {
                    let object = from.odb().unwrap();
                    let object = object.read(*id).unwrap();
                    git.odb().unwrap().write(object.kind(), object.data()).is_ok()
                })
                .unwrap();
            force(&repo, "main", tip);
            assert_eq!(server.refresh().status(), 200);
            assert_eq!(server.config("app"), "{\"a\":1}");
            point(&repo, "main", &bad);
        }
    }
}

#[test]
fn refs_with_odd_names_or_nonsense_in_them_hold_up_no_label() {
    let repo = Repo::with(&[("app.yml", "a: 1")]);
    let tip = Repository::open(repo.path()).unwrap().refname_to_id("refs/heads/main").unwrap();
    let heads = repo.path().join("refs/heads");
    let names: [&[u8]; 7] = [b"caf\xe9", b"a b", b"a..b", b"x.lock", b"\xe2\x80\xae", b"tilde~1", b"-dash"];
    for name in names {
        fs::write(heads.join(OsStr::from_bytes(name)), format!("{tip}\n")).unwrap();
    }
    let contents =
        ["", "nonsense\n", "ref: refs/heads/nowhere\n", "ref: refs/heads/loop\n", &format!("{}\n", nowhere())];
    for (number, content) in contents.iter().enumerate() {
        let name = if number == 3 { "loop".to_owned() } else { format!("bad{number}") };
        fs::write(heads.join(name), content).unwrap();
    }
    for (number, (_git, url)) in ways(&repo).into_iter().enumerate() {
        let server = Server::start(&["serve", "--git", &url]);
        server.wait_ready();
        repo.on("main").file("app.yml", &format!("a: new{number}")).commit();
        assert_eq!(server.refresh().status(), 200, "{}", server.stderr());
        assert_eq!(server.config("app"), format!("{{\"a\":\"new{number}\"}}"));
    }
    fs::write(repo.path().join("HEAD"), b"ref: refs/heads/caf\xe9\n").unwrap();
    for (number, (_git, url)) in ways(&repo).into_iter().enumerate() {
        let server = Server::start(&["serve", "--git", &url]);
        server.wait_ready();
        repo.on("main").file("app.yml", &format!("a: newer{number}")).commit();
        assert_eq!(server.refresh().status(), 200, "{}", server.stderr());
        assert_eq!(server.config("app"), format!("{{\"a\":\"newer{number}\"}}"));
    }
}

#[test]
fn many_malformed_branches_among_many_cost_few_attempts() {
    let repo = Repo::with(&[("app.yml", "a: 1")]);
    for number in 0..60 {
        repo.on("main").branch(&format!("b{number}"));
        repo.on(&format!("b{number}")).file("app.yml", &format!("a: of {number}")).commit();
    }
    for number in [7, 31, 59] {
        point(&repo, &format!("b{number}"), &KINDS[3].1(&Repository::open(repo.path()).unwrap()));
    }
    for (_git, url) in ways(&repo) {
        let server = Server::start(&["serve", "--git", &url]);
        server.wait_ready();
        assert_eq!(server.refresh().status(), 200);
        assert_eq!(server.config("app?label=b58"), "{\"a\":\"of 58\"}");
        let stuck = server.source()["stuck"].clone();
        let labels: Vec<_> = stuck.as_array().unwrap().iter().map(|stuck| stuck["label"].clone()).collect();
        assert_eq!(labels, ["b31", "b59", "b7"]);
    }
}

#[test]
fn master_stands_for_the_default_label_only_where_it_never_was_a_branch() {
    let repo = Repo::with(&[("app.yml", "a: 1")]);
    let git = GitServer::start(repo.path(), Behaviour::Serve);
    let state = tempfile::tempdir().unwrap();
    let state = state.path().to_str().unwrap();
    let start = || Server::start(&["serve", "--git", &git.url(""), "--state", state]);
    let status = |server: &Server| server.get("/app/default/master").status();
    let mut server = start();
    server.wait_ready();
    assert_eq!(status(&server), 200);
    repo.branch("master");
    server.refresh();
    assert_eq!(status(&server), 200);
    repo.delete_branch("master");
    server.refresh();
    assert_eq!((status(&server), server.get("/app/default/main").status()), (404, 200));
    server.terminate();
    let server = start();
    server.wait_ready();
    assert_eq!(status(&server), 404);
    repo.branch("master");
    server.refresh();
    assert_eq!(status(&server), 200);
}
