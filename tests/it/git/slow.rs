//! Remotes that do not want to be asked now.
//!
//! What lies or hangs is in `git_hostile.rs`.

use crate::harness::eventually;
use crate::harness::git_http::{Behaviour, GitServer};
use crate::harness::repo::Repo;
use crate::harness::server::Server;
use crate::harness::worker::{Fetches, worker};

const HINT: &str = "the next fetch is put off for as long as the server asks, 10 minutes at most; a refresh that \
                    somebody asks for is not";

/// Seconds from now until the next fetch, as the status tells.
fn next_fetch(server: &Server) -> i64 {
    let at: jiff::Timestamp = server.source()["next_fetch"].as_str().unwrap().parse().unwrap();
    at.duration_since(jiff::Timestamp::now()).as_secs()
}

#[test]
fn bad_g05_a_remote_that_asks_for_a_pause_gets_it_and_an_operator_does_not_wait_for_it() {
    let repo = Repo::with(&[("app.yml", "a: 1")]);
    let git = GitServer::start(repo.path(), Behaviour::Serve);
    let server = Server::start(&["serve", "--git", &git.url("")]);
    server.wait_ready();
    repo.file("app.yml", "a: 2").commit();
    let soon = jiff::Timestamp::now() + std::time::Duration::from_secs(302);
    let soon = jiff::fmt::rfc2822::DateTimePrinter::new().timestamp_to_rfc9110_string(&soon).unwrap();
    let cases = [
        ("429 Too Many Requests", "120".to_owned(), "rate-limited", 110..=132),
        ("503 Service Unavailable", "86400".to_owned(), "unavailable", 590..=660),
        ("403 Forbidden", "200".to_owned(), "rate-limited", 190..=220),
        ("503 Service Unavailable", soon, "unavailable", 290..=332),
    ];
    for (status, wish, reason, expected) in cases {
        git.behave(Behaviour::Busy(status, wish));
        git.seen();
        let refreshed = server.refresh();
        assert_eq!((refreshed.status(), refreshed.json()["hint"].as_str()), (502, Some(HINT)), "{refreshed}");
        let told = format!("was not fetched: the server answered {status}");
        assert!(refreshed.json()["detail"].as_str().unwrap().ends_with(&told), "{refreshed}");
        assert_eq!(git.seen().len(), 1, "a refresh that somebody asks for does not wait");
        let next = next_fetch(&server);
        assert!(expected.contains(&next), "{status}: in {next} seconds");
        let metrics = server.get("/metrics").text();
        assert!(metrics.contains(&format!("reason=\"{reason}\"}}")), "{metrics}");
        assert_eq!(server.config("app"), "{\"a\":1}");
    }
    git.behave(Behaviour::Serve);
    assert_eq!(server.refresh().status(), 200);
    assert_eq!(server.config("app"), "{\"a\":2}");
    assert!(next_fetch(&server) <= 33, "the usual period counts again");
}

#[test]
fn bad_g05_a_wish_that_makes_no_sense_changes_nothing() {
    let repo = Repo::with(&[("app.yml", "a: 1")]);
    for wish in ["", "-7", "never", "0x10"] {
        let git = GitServer::start(repo.path(), Behaviour::Busy("503 Service Unavailable", wish.to_owned()));
        let fetches = Fetches::new(&git.url("x"), worker(Vec::new()));
        assert_eq!(fetches.told(), "unavailable: `URL` was not fetched: the server answered 503 Service Unavailable");
    }
    let git = GitServer::start(repo.path(), Behaviour::Busy("429 Too Many Requests", "x".to_owned()));
    let server = Server::start(&["serve", "--git", &git.url("")]);
    eventually("the refusal is told", || server.source()["failures"].as_u64() >= Some(1));
    assert!((50..=66).contains(&next_fetch(&server)), "who was asked too often is left alone for a minute");
}
