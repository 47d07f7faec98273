//! Repositories that are legal and unusual: names that differ in case only, histories without a common root, none at all.
//!
//! What hostile servers send is in `git_hostile.rs`.

use crate::harness::eventually;
use crate::harness::git_http::{Behaviour, GitServer};
use crate::harness::repo::Repo;
use crate::harness::server::Server;

fn serve(repo: &Repo) -> (Server, GitServer) {
    let git = GitServer::start(repo.path(), Behaviour::Serve);
    (Server::start(&["serve", "--git", &git.url("")]), git)
}

#[test]
fn names_that_differ_in_case_only_are_different_names() {
    let repo = Repo::with(&[("app.yml", "a: small"), ("App.yml", "a: large")]);
    repo.branch("Main").branch("MAIN");
    repo.on("Main").file("app.yml", "a: of Main").commit();
    let (server, _git) = serve(&repo);
    server.wait_ready();
    assert_eq!(server.config("app"), "{\"a\":\"small\"}");
    assert_eq!(server.config("App"), "{\"a\":\"large\"}");
    assert_eq!(server.config("app?label=Main"), "{\"a\":\"of Main\"}");
    assert_eq!(server.config("app?label=MAIN"), "{\"a\":\"small\"}");
}

#[test]
fn a_branch_without_a_common_root_is_a_branch() {
    let repo = Repo::with(&[("app.yml", "a: 1")]);
    let first = repo.commit();
    let orphan = repo.on("gh-pages").file("app.yml", "a: elsewhere").commit();
    let (server, _git) = serve(&repo);
    server.wait_ready();
    assert_eq!(server.config("app?label=gh-pages"), "{\"a\":\"elsewhere\"}");
    assert_eq!(server.config(&format!("app?label={orphan}")), "{\"a\":\"elsewhere\"}");
    repo.delete_branch("gh-pages");
    server.refresh();
    assert_eq!(server.config_status(&format!("app?label={orphan}")), 404);
    assert_eq!(server.config(&format!("app?label={first}")), "{\"a\":1}");
}

/// Lines of the log that warn of rewritten history, from the word on.
fn rewritten(server: &Server) -> Vec<String> {
    let log = server.stderr();
    log.lines().filter_map(|line| line.split_once("rewritten").map(|(_, rest)| rest.to_owned())).collect()
}

#[test]
fn bad_f09_a_branch_forced_to_an_unrelated_history_is_served_and_told_once() {
    let repo = Repo::with(&[("app.yml", "a: 1")]);
    let before = repo.branch("side").commit();
    let (server, _git) = serve(&repo);
    server.wait_ready();
    repo.delete_branch("main");
    let after = repo.on("main").file("app.yml", "a: 2").commit();
    for _ in 0..2 {
        assert_eq!(server.refresh().status(), 200);
        assert_eq!(server.config("app"), "{\"a\":2}");
    }
    let told = rewritten(&server);
    assert_eq!(told.len(), 1, "{told:#?}");
    for word in ["nothing in common", "\"label\":\"main\"", &before, &after] {
        assert!(told[0].contains(word), "{word}: {told:?}");
    }
    // A force push that goes back to what is known is nothing to be told.
    for text in ["a: 3", "a: 4"] {
        repo.force("main", &after).file("app.yml", text).commit();
        assert_eq!(server.refresh().status(), 200);
    }
    assert_eq!((server.config("app"), rewritten(&server).len()), ("{\"a\":4}".to_owned(), 1));
}

#[test]
fn bad_g06_another_repository_at_the_url_is_served_and_told_and_a_page_is_refused() {
    let repo = Repo::with(&[("app.yml", "a: 1")]);
    let before = repo.branch("side").commit();
    let (server, git) = serve(&repo);
    server.wait_ready();
    git.behave(Behaviour::Page("200 OK", "text/html; charset=utf-8", b"<html>please log in</html>".to_vec()));
    let refused = server.refresh();
    let expected = "was not fetched: this is not a Git repository: the server sent `text/html`";
    assert_eq!((refused.status(), server.config("app")), (502, "{\"a\":1}".to_owned()));
    assert!(refused.json()["detail"].as_str().unwrap().ends_with(expected), "{refused}");

    let other = Repo::with(&[("app.yml", "a: other")]);
    let after = other.branch("side").file("app.yml", "a: another").commit();
    std::fs::rename(repo.path(), repo.path().with_extension("aside")).unwrap();
    std::fs::rename(other.path(), repo.path()).unwrap();
    git.behave(Behaviour::Serve);
    assert_eq!(server.refresh().status(), 200);
    assert_eq!(server.config("app"), "{\"a\":\"another\"}");
    let told = rewritten(&server);
    assert_eq!(told.len(), 3, "{told:#?}");
    assert!(told[0].contains(&before) && told[0].contains(&after), "{told:#?}");
    assert!(told[2].contains("unless that is meant, another repository answers here"), "{told:#?}");
    std::fs::remove_dir_all(repo.path().with_extension("aside")).unwrap();
}

#[test]
fn bad_f12_a_repository_without_a_commit_is_waited_for() {
    let repo = Repo::new();
    let (server, _git) = serve(&repo);
    eventually("the fetch is told", || !server.source()["last_error"].is_null());
    let told = server.refresh();
    assert_eq!(told.status(), 502);
    assert!(told.text().contains("it has no branch and no tag"), "{told}");
    assert_eq!(server.config_status("app"), 503);
    repo.file("app.yml", "a: 1").commit();
    assert_eq!(server.refresh().status(), 200);
    assert_eq!(server.config("app"), "{\"a\":1}");
}

#[test]
fn bad_f14_thousands_of_refs_that_are_not_allowed_cost_nothing() {
    let repo = Repo::with(&[("app.yml", "a: 1")]);
    let tip = repo.commit();
    let lines: String = (0..20_000).map(|number| format!("{tip} refs/heads/user/{number:05}\n")).collect();
    let lines = format!("# pack-refs with: peeled fully-peeled sorted \n{tip} refs/heads/main\n{lines}");
    std::fs::write(repo.path().join("packed-refs"), lines).unwrap();
    let git = GitServer::start(repo.path(), Behaviour::Serve);
    let server = Server::launch(&["serve", "--git", &git.url("")]).env("LAYERD_SOURCES__0__LABELS", "main").start();
    server.wait_ready();
    assert_eq!(server.config("app"), "{\"a\":1}");
    assert_eq!(server.config_status("app?label=user/00001"), 404);
    let mirror = std::fs::read_dir(server.state().join("mirrors")).unwrap().next().unwrap().unwrap().path();
    let labels = std::fs::read_to_string(mirror.join("gen-1/labels")).unwrap();
    assert_eq!(labels.lines().count(), 5, "{labels}");
}
