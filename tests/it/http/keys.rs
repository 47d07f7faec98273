//! The keys of a running server: refused at the start, exchanged while it runs, and hidden from the rest of the machine.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use crate::harness::eventually;
use crate::harness::folder::Folder;
use crate::harness::repo::Repo;
use crate::harness::server::{Launch, Server};

/// A key that no documentation shows, and one with a character changed.
const KEY: &str = "layerdkey_BwgLEBcgKzhHWGuAl7DL6AcoS3CXwOsYR3ir4BdQi8hKwsvO";
const MISTYPED: &str = "layerdkey_BwgLEBcgKzhHWGuAl7DL6AcoS3CXwOsYR3ir4BdQi8hKwsvP";

const KEPT: &str = "the keys in force stay: ";

/// Puts a file of that mode in the place of another one.
fn put(folder: &Folder, name: &str, text: &str, mode: u32) {
    let path = folder.file("new", text).path().join("new");
    fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
    fs::rename(path, folder.path().join(name)).unwrap();
}

/// A server of the arguments with one key in the file `key` of the folder.
fn launch(args: &[&str], keys: &Folder) -> Launch {
    let file = keys.path().join("key");
    let server = Server::launch(args).env("LAYERD_SECRETS__KEYS__0__ID", "prod-2026a");
    server.env("LAYERD_SECRETS__KEYS__0__FILE", file.to_str().unwrap())
}

fn failures(server: &Server) -> u64 {
    let metrics = server.get("/metrics").text();
    let count = metrics.lines().find_map(|line| line.strip_prefix("layerd_key_reload_failures_total "));
    count.unwrap().parse().unwrap()
}

#[test]
fn a_key_file_that_others_can_read_ends_the_start_with_78() {
    let (config, keys) = (Folder::new(), Folder::new());
    put(&keys, "key", KEY, 0o644);
    let ran = launch(&["serve", config.arg()], &keys).try_start().err().unwrap();
    let expected = format!(
        "error: `secrets.keys[0].file`: `{}/key` can be read by others (mode 0644)\n\
         hint: `chmod 600` makes it private; in Kubernetes set `defaultMode: 0400` and, for a server that is not root, \
         `fsGroup`\n",
        keys.path().display()
    );
    assert_eq!((ran.code, ran.stdout.as_str(), ran.stderr), (Some(78), "", expected));
}

#[test]
fn a_key_that_is_exchanged_is_seen_and_one_that_cannot_be_read_changes_nothing() {
    let (config, keys) = (Folder::new(), Folder::new());
    config.file("application.yml", "a: 1\n");
    put(&keys, "key", KEY, 0o600);
    let server = launch(&["serve", config.arg()], &keys).start();
    server.wait_ready();
    assert_eq!(failures(&server), 0);
    put(&keys, "key", MISTYPED, 0o600);
    eventually("the bad key is seen", || server.stderr().matches(KEPT).count() == 1);
    server.signal("HUP");
    eventually("who asks is told again", || server.stderr().matches(KEPT).count() == 2);
    assert!(failures(&server) >= 2);
    assert_eq!(server.get("/api/v1/config/app").status(), 200);
    put(&keys, "key", KEY, 0o600);
    eventually("the good key is seen", || server.stderr().contains("the key files hold the keys in force again"));
    let told = server.stderr();
    assert!(!told.contains(&KEY[10..50]), "{told}");
}

#[test]
fn a_server_with_keys_leaves_no_core_dump_and_still_fetches() {
    let keys = Folder::new();
    put(&keys, "key", KEY, 0o600);
    let repo = Repo::with(&[("application.yml", "a: 1\n")]);
    repo.commit();
    let server = launch(&["serve", "--git", repo.url()], &keys).start();
    server.wait_ready();
    let limits = fs::read_to_string(format!("/proc/{}/limits", server.id())).unwrap();
    let core = limits.lines().find(|line| line.starts_with("Max core file size")).unwrap();
    assert_eq!(core.split_whitespace().collect::<Vec<_>>()[4..6], ["0", "0"]);
    assert!(!server.stderr().contains("cannot be"), "{}", server.stderr());
}
