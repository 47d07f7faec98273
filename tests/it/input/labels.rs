//! Labels that look like options, revisions or commands (the rows B of the list of bad inputs), against one repository of
//! odd branches and tags: a label is the exact name of a branch or tag or a full commit id, and nothing else is one.
//!
//! Left to later capabilities: the scope `read-history` of B06 (access control), `feature(_)x` as a spelling of
//! `feature/x` (B11) and lists of labels (B12), which only Spring's routes read; here both are names like any other.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::Command;

use git2::{Oid, Repository};

use crate::harness::exchange::Exchange;
use crate::harness::folder::Folder;
use crate::harness::repo::Repo;
use crate::harness::server::{Launch, Server};
use crate::input::{IN_LABEL, MARKER, ask, encode, told};

/// A server of a repository, in whose `PATH` every program leaves a trace.
pub(crate) struct Place {
    pub(crate) repo: Repo,
    programs: Folder,
    pub(crate) server: Server,
}

impl Place {
    pub(crate) fn new(repo: Repo) -> Self {
        Self::launch(repo, |launch| launch)
    }

    pub(crate) fn launch(repo: Repo, prepare: impl FnOnce(Launch) -> Launch) -> Self {
        let programs = Folder::new();
        for name in ["git", "git-upload-pack", "sh", "bash", "ssh", "touch", "id", "cat", "ls"] {
            programs.file(name, &format!("#!/bin/sh\necho \"$0 $*\" >> {}/trace\n", programs.arg()));
            let path = programs.path().join(name);
            fs::set_permissions(path, fs::Permissions::from_mode(0o755)).expect("a file of ours can be made a program");
        }
        let launch = Server::launch(&["serve", "--git", repo.url()]).env("PATH", programs.arg());
        let server = prepare(launch).start();
        server.wait_ready();
        Self { repo, programs, server }
    }

    /// What the application `app` gets from a label, written as it is.
    pub(crate) fn told(&self, label: &str) -> String {
        told(&self.ask(label))
    }

    pub(crate) fn ask(&self, label: &str) -> Exchange {
        ask(&self.server, &format!("/api/v1/config/app?label={}", encode(label)))
    }

    /// Every route says of each of the labels that it does not exist.
    pub(crate) fn knows_none(&self, labels: &[&str]) {
        for label in labels {
            for route in IN_LABEL {
                let answer = told(&ask(&self.server, &route.replace("{}", &encode(label))));
                // What cannot be seen is escaped.
                let shown = label.replace('\u{200b}', "\\u{200b}");
                assert_eq!(answer, format!("404 unknown-label: there is no label `{shown}`"), "{route}");
            }
        }
        self.nothing_ran();
    }

    /// Each of the labels is served, under its own name, at the commit and with the document beside it.
    pub(crate) fn serves(&self, labels: &[(&str, &str, &str)]) {
        for (label, commit, document) in labels {
            let answer = self.ask(label);
            assert_eq!(told(&answer), format!("200 {document}"), "{label}");
            assert_eq!(answer.header("layerd-version"), Some(*commit), "{label}");
            assert_eq!(answer.header("layerd-label"), Some(*label));
            for route in IN_LABEL {
                let answer = ask(&self.server, &route.replace("{}", &encode(label)));
                assert_eq!((answer.status(), answer.header("layerd-version")), (200, Some(*commit)), "{route}");
            }
        }
        self.nothing_ran();
    }

    pub(crate) fn refresh(&self) {
        let refreshed = self.server.send("POST", "/api/v1/refresh", &[], b"");
        assert_eq!(refreshed.status(), 200, "{refreshed}");
    }

    pub(crate) fn nothing_ran(&self) {
        let trace = fs::read_to_string(self.programs.path().join("trace")).unwrap_or_default();
        assert_eq!(trace, "", "a program was started");
    }

    pub(crate) fn fetches(&self) -> String {
        let metrics = self.server.get("/metrics").text();
        let counter = metrics.lines().find(|line| line.starts_with("layerd_fetches_total"));
        counter.expect("fetches are counted").to_owned()
    }
}

/// A repository whose `main` had a secret in its first commit and has none any more; the ids of the two commits.
fn with_history() -> (Repo, [String; 2]) {
    let repo = Repo::new();
    let old = repo.file("app.yml", &format!("password: {MARKER}\n")).commit();
    let new = repo.file("app.yml", "a: 1\n").commit();
    (repo, [old, new])
}

/// A ref of any name to any object.
pub(crate) fn point(repo: &Repo, name: &str, id: Oid) {
    let git = Repository::open(repo.path()).expect("the repository of a test can be opened");
    git.reference(name, id, true, "test").expect("a reference can be written");
}

#[test]
fn bad_b01_labels_that_look_like_options_are_unknown_and_start_nothing() {
    let place = Place::new(Repo::with(&[("app.yml", "a: 1\n")]));
    let touched = place.programs.path().join("pwned");
    let pack = format!("--upload-pack=touch {}", touched.display());
    place.knows_none(&[&pack, "--help", "-x", "--all", "--output=/tmp/x", "--exec=id", "-", "--", "-c core.pager=id"]);
    assert!(!touched.exists());
    let ran = Command::new(place.programs.path().join("git")).arg("rev-parse").status();
    assert!(ran.expect("the program that stands in for Git can be run").success());
    let trace = place.programs.read("trace");
    assert_eq!(trace, format!("{}/git rev-parse\n", place.programs.arg()), "a program leaves a trace");
}

#[test]
fn bad_b02_branches_named_like_options_are_served() {
    let repo = Repo::with(&[("app.yml", "a: 1\n")]);
    let dash = repo.on("-x").file("app.yml", "a: dash\n").commit();
    let all = repo.on("--all").file("app.yml", "a: all\n").commit();
    let place = Place::new(repo);
    place.serves(&[("-x", &dash, r#"{"a":"dash"}"#), ("--all", &all, r#"{"a":"all"}"#)]);
    place.knows_none(&["-y", "--al", "--all ", "x"]);
}

#[test]
fn bad_b03_labels_that_look_like_commands_are_names() {
    let repo = Repo::with(&[("app.yml", "a: 1\n")]);
    let names =
        ["weird;name", "$(id)", "`id`", "a|id", "a&id", "it's", "\"q\"", "<in>", "a'b\"c", "${IFS}", "%s%n", "x;touch"];
    let commits = names.map(|name| repo.on(name).file("app.yml", &format!("a: {}\n", name.len())).commit());
    let place = Place::new(repo);
    for (name, commit) in names.iter().zip(&commits) {
        place.serves(&[(name, commit, &format!(r#"{{"a":{}}}"#, name.len()))]);
    }
    place.knows_none(&[
        ";id", "|id", "$(id);", "'", "\"", "`", "name", "weird", "weird;", "main;id", "main|id", "main&", "$IFS",
    ]);
}

#[test]
fn bad_b04_names_that_no_ref_may_have_are_unknown() {
    let place = Place::new(Repo::with(&[("app.yml", "a: 1\n")]));
    place.knows_none(&[
        "refs/heads/../heads/main",
        "../../HEAD",
        "a//b",
        "/main",
        "main/",
        "main.",
        ".hidden",
        "x.lock",
        "x..y",
        "x~1",
        "x^",
        "x:y",
        "x?",
        "x*",
        "*",
        "m*",
        "[",
        "m[a]in",
        "\\",
        " ",
        "main ",
        " main",
        "@{",
        "@",
        "..",
        ".",
        "/",
        "//",
        "main//",
    ]);
}

#[test]
fn bad_b05_revision_expressions_reach_no_older_commit() {
    let (repo, [_, new]) = with_history();
    repo.tag("v1");
    let place = Place::new(repo);
    place.knows_none(&[
        "HEAD~1",
        "HEAD^",
        "HEAD^{/password}",
        "main~1",
        "main~",
        "main^",
        "main^0",
        "main^{}",
        "main^{commit}",
        "main^{tree}",
        "main@{1}",
        "main@{0}",
        "main@{yesterday}",
        "@{-1}",
        "@{u}",
        "@~1",
        ":/password",
        ":/Change 1",
        ":app.yml",
        "main:app.yml",
        "main:",
        "a..b",
        "main~1..main",
        "main...v1",
        "^main",
        "v1^{tree}",
        "v1~1",
        "v1^{/Change 1}",
        "main-1-g0",
        "v1-0-g1234567",
    ]);
    place.serves(&[("main", &new, r#"{"a":1}"#), ("v1", &new, r#"{"a":1}"#)]);
}

#[test]
fn bad_b06_only_full_ids_of_reachable_commits_are_labels() {
    let repo = Repo::new();
    let first = repo.file("app.yml", "a: 1\n").commit();
    let second = repo.file("app.yml", "a: 2\n").commit();
    let aside = repo.on("aside").file("app.yml", "a: aside\n").commit();
    let doomed = repo.on("main").file("app.yml", "a: doomed\n").commit();
    repo.annotated_tag("v3");
    let git = Repository::open(repo.path()).unwrap();
    let tree = git.find_commit(Oid::from_str(&first).unwrap()).unwrap().tree().unwrap();
    let blob = tree.get_name("app.yml").unwrap().id().to_string();
    let tag = git.refname_to_id("refs/tags/v3").unwrap().to_string();
    let place = Place::new(repo);
    place.serves(&[
        (&first, &first, r#"{"a":1}"#),
        (&second, &second, r#"{"a":2}"#),
        (&aside, &aside, r#"{"a":"aside"}"#),
        (&doomed, &doomed, r#"{"a":"doomed"}"#),
    ]);
    place.knows_none(&[
        &first[..7],
        &first[..39],
        &second[..4],
        &format!("{first}0"),
        &format!("{first}^{{}}"),
        &format!(" {first}"),
    ]);
    place.knows_none(&[&blob, &tree.id().to_string(), &tag, &"0".repeat(40), &"f".repeat(40), &"e".repeat(64)]);

    place.repo.force("main", &second).delete_branch("aside");
    git.find_reference("refs/tags/v3").unwrap().delete().unwrap();
    place.refresh();
    place.knows_none(&[&doomed, &aside, "v3", "aside"]);
    place.serves(&[(&first, &first, r#"{"a":1}"#), ("main", &second, r#"{"a":2}"#)]);
}

#[test]
fn bad_b07_revisions_that_once_kept_a_parser_busy_reach_none() {
    let place = Place::new(with_history().0);
    let repeated = ["^", "~", "^0", "~1", "@{", "^{", "}", ":/", "/", "[", "(", "*", "main^", "\\"]
        .map(|piece| piece.repeat(512 / piece.len()));
    place.knows_none(&[
        "~999999999",
        "main~999999999",
        "main~18446744073709551616",
        "main^4294967297",
        "@{99999999999999999999}",
    ]);
    for label in &repeated {
        let expected: String = label.chars().take(200).collect();
        assert_eq!(place.told(label), format!("404 unknown-label: there is no label `{expected}…`"));
    }
    for caret in ["^", "%5E"] {
        let huge = ask(&place.server, &format!("/api/v1/config/app?label={}", caret.repeat(10_000)));
        assert!(told(&huge).starts_with("414 target-too-long: "), "{huge}");
    }
    place.nothing_ran();
}

#[test]
fn bad_b08_other_names_of_a_ref_are_unknown() {
    let repo = with_history().0;
    repo.tag("v1");
    point(&repo, "refs/notes/commits", Oid::from_str(&repo.commit()).unwrap());
    point(&repo, "refs/pull/1/head", Oid::from_str(&repo.commit()).unwrap());
    let place = Place::new(repo);
    place.knows_none(&[
        "HEAD",
        "head",
        "FETCH_HEAD",
        "ORIG_HEAD",
        "MERGE_HEAD",
        "refs/heads/main",
        "heads/main",
        "refs/tags/v1",
        "tags/v1",
        "@",
        "remotes/origin/main",
        "origin/main",
        "refs/remotes/origin/main",
        "refs/pull/1/head",
        "pull/1/head",
        "notes/commits",
        "refs",
    ]);
}
