//! The real `ssh` and the real `sshd`: keys, known hosts, and what they say when something is wrong.
//!
//! What is left out on a machine without `sshd` is done by stand-ins in `git_ssh.rs`.

use layerd::source::remote::tls_files::Files;

use crate::harness::repo::Repo;
use crate::harness::server::Server;
use crate::harness::sshd::Sshd;
use crate::harness::worker::{Fetches, StandIns, worker};

/// Fetches over `sshd` with the right key and the right known hosts, unless changed.
fn told(sshd: &Sshd, path: &str, change: impl FnOnce(&mut Files)) -> String {
    let programs = StandIns::new(); // a folder that is home, with nothing in it
    let mut fetches = Fetches::new(&sshd.url(path), worker(programs.variables()));
    let (key, hosts) = (sshd.at("key"), sshd.known_hosts("host"));
    fetches.files = Files { ssh_key: Some(key), known_hosts: Some(hosts), ..Files::default() };
    change(&mut fetches.files);
    fetches.told()
}

#[test]
fn a_repository_behind_a_real_sshd_is_served_and_followed() {
    let Some(sshd) = Sshd::start() else { return };
    let repo = Repo::with(&[("app.yml", "a: 1")]);
    let server = Server::launch(&["serve", "--git", &sshd.url(repo.url())])
        .env("LAYERD_SOURCES__0__CREDENTIALS__SSH_KEY_FILE", sshd.at("key").to_str().unwrap())
        .env("LAYERD_SOURCES__0__CREDENTIALS__KNOWN_HOSTS_FILE", sshd.known_hosts("host").to_str().unwrap())
        .start();
    server.wait_ready();
    assert_eq!(server.config("app"), "{\"a\":1}");
    let noise: String = (0..50_000_u32).map(|key| format!("k{key}: {}\n", key.wrapping_mul(2_654_435_761))).collect();
    repo.file("noise.yml", &noise).file("app.yml", "a: 2").commit();
    assert_eq!(server.refresh().status(), 200);
    assert_eq!(server.config("app"), "{\"a\":2}");
}

#[test]
fn bad_g14_a_real_host_that_is_unknown_or_has_another_key_is_refused() {
    let Some(sshd) = Sshd::start() else { return };
    let repo = Repo::with(&[("app.yml", "a: 1")]);
    let refused = "auth: `URL` was not fetched: the key of the host is not the one that is known: \
                   Host key verification failed.\n\
                   hint: put the output of `ssh-keyscan HOST`, once compared with what the host publishes, into \
                   sources[].credentials.known-hosts-file";
    assert_eq!(told(&sshd, repo.url(), |files| files.known_hosts = Some(sshd.known_hosts("other"))), refused);
    assert_eq!(told(&sshd, repo.url(), |files| files.known_hosts = Some(sshd.at("none"))), refused);
    assert!(!sshd.at("none").exists(), "the host was written down as known");
    assert_eq!(told(&sshd, repo.url(), |_| {}), "fetched");
}

#[test]
fn bad_g04_a_real_host_that_does_not_know_the_key_refuses_it() {
    let Some(sshd) = Sshd::start() else { return };
    let repo = Repo::with(&[("app.yml", "a: 1")]);
    let told = told(&sshd, repo.url(), |files| files.ssh_key = Some(sshd.at("other")));
    assert!(told.starts_with("auth: `URL` was not fetched: the host refused the login: "), "{told}");
    assert!(told.contains("Permission denied (publickey)."), "{told}");
}

#[test]
fn a_path_that_a_real_host_does_not_have_is_told() {
    let Some(sshd) = Sshd::start() else { return };
    let told = told(&sshd, "/no/such 'repository'", |_| {});
    assert!(told.starts_with("not-found: `URL` was not fetched: there is no such repository: fatal: "), "{told}");
}
