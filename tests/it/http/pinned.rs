//! Commits that break files: who goes on being answered by which older commit, where that is told, and what ends it.
//!
//! Histories of every shape are in the model test in `src/store/pin_model.rs`; here are the exchanges, restarts and keys.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use layerd::config::select::Rank;
use layerd::secret::key::{Key, KeyId};
use layerd::secret::keyring::Keyring;
use layerd::secret::place::{Context, Place};
use serde_json::json;

use crate::harness::eventually;
use crate::harness::exchange::Exchange;
use crate::harness::folder::Folder;
use crate::harness::repo::Repo;
use crate::harness::server::Server;

const BROKEN: &str = "port: [\n";
const REASON: &str = "user.yml:1:7: a bracket is not closed";
const KEY: &str = "layerdkey_BwgLEBcgKzhHWGuAl7DL6AcoS3CXwOsYR3ir4BdQi8hKwsvO";

/// A repository, and a folder for what servers and people keep.
struct World {
    repo: Repo,
    folder: Folder,
}

impl World {
    /// A shared file and two services in one commit.
    fn new() -> (Self, String) {
        let repo = Repo::new();
        repo.file("application.yml", "log: INFO\n").file("order.yml", "size: 1\n");
        let first = repo.file("user.yml", "port: 1\n").commit();
        (Self { repo, folder: Folder::new() }, first)
    }

    /// A server on the state that earlier ones have left.
    fn serve(&self, variables: &[(&str, &str)]) -> Server {
        let state = self.folder.path().join("state");
        let launch = Server::launch(&["serve", "--git", self.repo.url(), "--state", state.to_str().unwrap()]);
        let server = variables.iter().fold(launch, |launch, (name, value)| launch.env(name, value)).start();
        server.wait_ready();
        server
    }

    /// One that has the key, under an id.
    fn serve_with_key(&self, id: &str) -> Server {
        let file = self.folder.file("key", KEY).path().join("key");
        fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
        let file = file.to_str().unwrap();
        self.serve(&[("LAYERD_SECRETS__KEYS__0__ID", id), ("LAYERD_SECRETS__KEYS__0__FILE", file)])
    }

    /// Commits a text of `user.yml`.
    fn user(&self, text: &str) -> String {
        self.repo.file("user.yml", text).commit()
    }

    /// The same with the remote gone while something is done.
    fn while_down<T>(&self, action: impl FnOnce() -> T) -> T {
        let away = self.repo.path().with_extension("away");
        fs::rename(self.repo.path(), &away).unwrap();
        let done = action();
        fs::rename(away, self.repo.path()).unwrap();
        done
    }
}

/// A whole exchange without what differs each time.
fn whole(mut answer: Exchange) -> String {
    answer.headers.iter_mut().filter(|(name, _)| name == "etag").for_each(|(_, value)| "[etag]".clone_into(value));
    answer.to_string()
}

/// What is expected of it.
fn exchange(commit: &str, pinned: Option<&str>, body: &str) -> String {
    format!(
        "HTTP/1.1 200 OK\ncontent-type: application/json\netag: [etag]\ncache-control: private, no-cache\n\
         vary: Authorization, Accept, Accept-Encoding\nlayerd-version: {commit}\nlayerd-label: main\n{}\
         layerd-age: [age]\ncontent-length: {}\nx-content-type-options: nosniff\nx-request-id: [id]\n\
         connection: close\ndate: [date]\n\n{body}",
        pinned.map(|reason| format!("layerd-pinned: {reason}\n")).unwrap_or_default(),
        body.len()
    )
}

/// `commit body` of an answer about an application, with ` pinned` if it is; else `status code`.
fn told(server: &Server, path: &str) -> String {
    let answer = server.get(&format!("/api/v1/config/{path}"));
    if answer.status() != 200 {
        return format!("{} {}", answer.status(), answer.json()["code"].as_str().unwrap());
    }
    let pinned = if answer.header("layerd-pinned").is_some() { " pinned" } else { "" };
    format!("{} {}{pinned}", answer.header("layerd-version").unwrap(), answer.text())
}

/// How many addresses are pinned, as the status and the metric say.
fn count(server: &Server) -> (u64, Option<String>) {
    let pinned = server.source()["labels"][0]["pinned"].as_u64().unwrap();
    let metrics = server.get("/metrics").text();
    let line = metrics.lines().find_map(|line| line.strip_prefix("layerd_pinned_addresses{source=\"config\"} "));
    (pinned, line.map(str::to_owned))
}

fn sealed(id: &str, text: &str) -> String {
    let ring = Keyring::new(vec![(KeyId::new(id).unwrap(), Key::from_text(KEY).unwrap())], None, None).unwrap();
    let rank = Rank::named("user", None);
    let place = Place::of(&rank, "password");
    ring.seal(text, Context::Prop, &place, [7; 24]).unwrap()
}

#[test]
fn a_bad_commit_for_one_service_holds_that_one_and_lets_the_others_move_on() {
    let (world, first) = World::new();
    let server = world.serve(&[]);
    let user = r#"{"log":"INFO","port":1}"#;
    assert_eq!(whole(server.get("/api/v1/config/user")), exchange(&first, None, user));
    assert_eq!(count(&server), (0, Some("0".to_owned())));
    let second = world.repo.file("order.yml", "size: 2\n").file("user.yml", BROKEN).commit();
    server.refresh();
    let pinned = server.get("/api/v1/config/user");
    let etag = pinned.header("etag").unwrap().to_owned();
    assert_eq!(whole(pinned), exchange(&first, Some(REASON), user));
    let unchanged = server.send("GET", "/api/v1/config/user", &[("If-None-Match", &etag)], b"");
    let headers = (unchanged.header("layerd-version"), unchanged.header("layerd-pinned"));
    assert_eq!((unchanged.status(), headers), (304, (Some(&*first), Some(REASON))));
    let order = r#"{"log":"INFO","size":2}"#;
    assert_eq!(whole(server.get("/api/v1/config/order")), exchange(&second, None, order));
    let problems = server.get("/api/v1/problems").json();
    let expected = json!([{"source": "config", "application": "user", "profiles": ["default"], "commit": first, "reason": REASON}]);
    assert_eq!((&problems["pinned"], problems["version"].as_str()), (&expected, Some(&*second)));
    assert_eq!(problems["problems"][0]["code"], "syntax");
    assert_eq!(count(&server), (1, Some("1".to_owned())));
    let log = "addresses are answered by an older commit, because the new one breaks their files";
    assert_eq!(server.told(log), 1, "{}", server.stderr());
    for path in ["explain/user/default", "sources/user/default"] {
        let answer = server.get(&format!("/api/v1/{path}"));
        let headers = (answer.header("layerd-version"), answer.header("layerd-pinned"));
        assert_eq!((answer.status(), headers), (200, (Some(&*first), Some(REASON))), "{path}");
    }
}

#[test]
fn a_later_good_commit_frees_what_was_held() {
    let (world, first) = World::new();
    let server = world.serve(&[]);
    world.user(BROKEN);
    server.refresh();
    world.repo.file("order.yml", "size: 2\n").commit();
    server.refresh();
    assert_eq!(told(&server, "user"), format!("{first} {} pinned", r#"{"log":"INFO","port":1}"#));
    let good = world.user("port: 2\n");
    let refreshed = server.refresh().json();
    assert_eq!(
        refreshed["labels"][0]["applications"],
        json!([{"application": "user", "profiles": ["default"]}]),
        "it is answered differently now: {refreshed}"
    );
    let body = r#"{"log":"INFO","port":2}"#;
    assert_eq!(whole(server.get("/api/v1/config/user")), exchange(&good, None, body));
    assert_eq!(server.get("/api/v1/problems").json()["pinned"], json!([]));
    assert_eq!(count(&server), (0, Some("0".to_owned())));
}

#[test]
fn a_restart_with_the_remote_down_decides_alike() {
    let (world, _) = World::new();
    let second = world.user("port: 2\n");
    world.user(BROKEN);
    let tip = world.repo.file("order.yml", "size: 2\n").commit();
    let mut server = world.serve(&[]);
    let answers = |server: &Server| ["user", "order", "anybody"].map(|name| told(server, name));
    let before = answers(&server);
    let expected = [
        format!("{second} {} pinned", r#"{"log":"INFO","port":2}"#),
        format!("{tip} {}", r#"{"log":"INFO","size":2}"#),
        format!("{tip} {}", r#"{"log":"INFO"}"#),
    ];
    assert_eq!(before, expected);
    server.terminate();
    world.while_down(|| {
        let restarted = world.serve(&[]);
        assert_eq!((answers(&restarted), count(&restarted).0), (before, 1));
    });
}

#[test]
fn an_unrelated_history_that_is_broken_keeps_what_was_last_good() {
    let (world, first) = World::new();
    let mut server = world.serve(&[]);
    world.repo.delete_branch("main").on("main").file("user.yml", BROKEN);
    let tip = world.repo.file("order.yml", "size: 9\n").commit();
    server.refresh();
    let expected = [format!("{first} {} pinned", r#"{"log":"INFO","port":1}"#), format!("{tip} {}", r#"{"size":9}"#)];
    let answers = |server: &Server| ["user", "order"].map(|name| told(server, name));
    assert_eq!(answers(&server), expected);
    server.terminate();
    let mut restarted = world.serve(&[]);
    assert_eq!(answers(&restarted), expected);
    restarted.terminate();
    world.while_down(|| assert_eq!(answers(&world.serve(&[])), expected));
}

#[test]
fn whoever_the_repository_does_not_name_is_held_by_a_broken_shared_file_too() {
    let (world, first) = World::new();
    let server = world.serve(&[]);
    let tip = world.repo.file("application.yml", "log: [\n").commit();
    server.refresh();
    for path in ["anybody", "anybody/dev,eu", "anybody"] {
        assert_eq!(told(&server, path), format!("{first} {} pinned", r#"{"log":"INFO"}"#), "{path}");
    }
    assert_eq!(count(&server).0, 2, "those that the repository names are counted");
    assert_eq!(told(&server, "anybody?strict=true"), "404 unknown-application");
    assert_eq!(told(&server, &format!("anybody?label={tip}")), "500 broken-configuration");
}

#[test]
fn tags_and_commit_ids_never_fall_back() {
    let (world, first) = World::new();
    let broken = world.user(BROKEN);
    world.repo.tag("v1").annotated_tag("v1.0").branch("release");
    let server = world.serve(&[]);
    for label in ["v1", "v1.0", &broken] {
        assert_eq!(told(&server, &format!("user?label={label}")), "500 broken-configuration", "{label}");
        assert!(told(&server, &format!("order?label={label}")).starts_with(&broken), "{label}");
    }
    for label in ["", "main", "release"] {
        let expected = format!("{first} {} pinned", r#"{"log":"INFO","port":1}"#);
        assert_eq!(told(&server, &format!("user?label={label}")), expected, "{label}");
    }
    let error = server.get(&format!("/api/v1/config/user?label={broken}")).json();
    let place = (error["file"].as_str(), error["line"].as_u64(), error["column"].as_u64());
    assert_eq!(place, (Some("user.yml"), Some(1), Some(7)));
}

#[test]
fn without_any_whole_commit_the_fault_is_the_answer() {
    let (repo, folder) = (Repo::with(&[("user.yml", BROKEN), ("order.yml", "size: 1\n")]), Folder::new());
    let world = World { repo, folder };
    let server = world.serve(&[]);
    let tip = world.repo.file("order.yml", "size: 2\n").commit();
    server.refresh();
    assert_eq!(told(&server, "user"), "500 broken-configuration");
    assert_eq!(told(&server, "order"), format!("{tip} {}", r#"{"size":2}"#));
    assert_eq!(count(&server).0, 0);
}

#[test]
fn a_sealed_value_that_does_not_open_holds_the_address_at_the_commit_before() {
    let (world, _) = World::new();
    let good = world.user(&format!("password: '{}'\n", sealed("one", "first")));
    let mut server = world.serve_with_key("one");
    world.user(&format!("user-name: '{}'\n", sealed("one", "moved")));
    server.refresh();
    let expected = format!("{good} {} pinned", r#"{"log":"INFO","password":"first"}"#);
    assert_eq!(told(&server, "user"), expected);
    let reason = "user.yml:1:12: `user-name`: the sealed value does not open with key `one`";
    let answer = server.get("/api/v1/config/user");
    let headers = (answer.header("layerd-pinned"), answer.header("cache-control"));
    assert_eq!(headers, (Some(reason), Some("private, no-store")));
    server.terminate();
    assert_eq!(told(&world.serve_with_key("one"), "user"), expected);
}

#[test]
fn a_key_that_is_missing_searches_no_history() {
    let (world, _) = World::new();
    let good = world.user(&format!("password: '{}'\n", sealed("one", "first")));
    let mut server = world.serve_with_key("one");
    let tip = world.user(&format!("password: '{}'\n", sealed("two", "second")));
    server.refresh();
    let body = r#"{"log":"INFO","password":"first"}"#;
    assert_eq!(told(&server, "user"), format!("{good} {body} pinned"), "what is in memory goes on being served");
    server.terminate();
    let mut restarted = world.serve_with_key("one");
    assert_eq!(told(&restarted, "user"), "503 keys-unavailable");
    assert!(told(&restarted, "order").starts_with(&tip));
    world.user(BROKEN);
    restarted.refresh();
    assert_eq!(
        told(&restarted, "user"),
        "500 broken-configuration",
        "the commit before would answer if there was its key"
    );
    world.user(&format!("password: '{}'\n", sealed("two", "second")));
    let tip = restarted.refresh().json()["labels"][0]["to"].as_str().unwrap().to_owned();
    restarted.terminate();
    let body = r#"{"log":"INFO","password":"second"}"#;
    assert_eq!(told(&world.serve_with_key("two"), "user"), format!("{tip} {body}"));
}

#[test]
fn a_commit_further_back_than_history_is_searched_is_found_by_being_the_last_good_one() {
    let (world, first) = World::new();
    let mut server = world.serve(&[]);
    world.user(BROKEN);
    for number in 0..210 {
        world.repo.file("order.yml", &format!("size: {number}\n")).commit();
    }
    let expected = format!("{first} {} pinned", r#"{"log":"INFO","port":1}"#);
    server.refresh();
    assert_eq!(told(&server, "user"), expected);
    server.terminate();
    assert_eq!(told(&world.serve(&[]), "user"), expected);
    let elsewhere = Server::start(&["serve", "--git", world.repo.url()]);
    elsewhere.wait_ready();
    assert_eq!(told(&elsewhere, "user"), "500 broken-configuration", "a server that never saw it finds none in reach");
}

#[test]
fn a_folder_goes_on_with_what_it_last_served_until_it_is_restarted() {
    let folder = Folder::new();
    folder.file("user.yml", "port: 1\n").file("order.yml", "size: 1\n");
    let server = Server::start(&["serve", folder.arg()]);
    server.wait_ready();
    folder.file("user.yml", BROKEN).file("order.yml", "size: 2\n");
    server.becomes("order", r#"{"size":2}"#);
    eventually("the broken file is read", || count(&server).0 == 1);
    assert!(told(&server, "user").ends_with(r#" {"port":1} pinned"#), "{}", told(&server, "user"));
    let restarted = Server::start(&["serve", folder.arg()]);
    restarted.wait_ready();
    assert_eq!(told(&restarted, "user"), "500 broken-configuration");
}

#[test]
fn a_service_whose_file_was_never_whole_gets_no_answer_that_looks_whole() {
    let (world, _) = World::new();
    let server = world.serve(&[]);
    let tip = world.repo.file("pay/application.yml", BROKEN).file("pay.txt", "port ${port}\n").commit();
    server.refresh();
    let paths = [
        "/api/v1/config/pay",
        "/api/v1/explain/pay/default",
        "/pay/default",
        "/pay/dev",
        "/pay-default.yml",
        "/pay-dev.properties",
    ];
    for path in paths.into_iter().chain(["/main/pay-default.json", "/pay/default/main/pay.txt"]) {
        let answer = server.get(path);
        assert_eq!((answer.status(), answer.header("layerd-pinned")), (500, None), "{path}: {}", answer.text());
        assert!(
            answer.text().contains("pay/application.yml:1:7") || answer.text().contains("\"line\":1"),
            "{}",
            answer.text()
        );
    }
    let error = server.get("/api/v1/config/pay").json();
    assert_eq!((error["file"].as_str(), error["line"].as_u64()), (Some("pay/application.yml"), Some(1)));
    assert_eq!(told(&server, "other"), format!("{tip} {}", r#"{"log":"INFO"}"#));
    assert_eq!(count(&server).0, 0);
    assert_eq!(server.get("/api/v1/problems").json()["pinned"], json!([]));
    // A profile that comes broken fails those who ask for it, and nobody else.
    let tip = world.repo.file("user-dev.yml", BROKEN).commit();
    server.refresh();
    assert_eq!(told(&server, "user/dev"), "500 broken-configuration");
    assert_eq!(told(&server, "user/eu"), format!("{tip} {}", r#"{"log":"INFO","port":1}"#));
}

#[test]
fn clients_of_spring_are_told_of_an_older_commit_in_the_same_header() {
    let (world, first) = World::new();
    world.repo.file("user.txt", "port ${port}\n").commit();
    let server = world.serve(&[]);
    world.user(BROKEN);
    server.refresh();
    for path in [
        "/user/default",
        "/user/default/main",
        "/user-default.yml",
        "/main/user-default.json",
        "/user/default/main/user.txt",
    ] {
        let answer = server.get(path);
        assert_eq!((answer.status(), answer.header("layerd-pinned")), (200, Some(REASON)), "{path}");
        if let Some(etag) = answer.header("etag") {
            let unchanged = server.send("GET", path, &[("If-None-Match", etag)], b"");
            assert_eq!((unchanged.status(), unchanged.header("layerd-pinned")), (304, Some(REASON)), "{path}");
        }
        let other = server.get(&path.replace("user", "order").replace("order.txt", "user.txt"));
        assert_eq!(other.header("layerd-pinned"), None, "{path}");
    }
    assert_ne!(
        server.get("/user/default").json()["version"].as_str(),
        Some(&*first),
        "the text file came after the first"
    );
}

#[test]
fn a_new_service_of_a_folder_that_is_broken_has_no_answer_either() {
    let folder = Folder::new();
    folder.file("application.yml", "log: INFO\n").file("order.yml", "size: 1\n");
    let server = Server::start(&["serve", folder.arg()]);
    server.wait_ready();
    folder.file("pay.yml", BROKEN).file("order.yml", "size: 2\n");
    server.becomes("order", r#"{"log":"INFO","size":2}"#);
    eventually("the broken file is read", || told(&server, "pay") == "500 broken-configuration");
    folder.file("pay.yml", "port: 1\n");
    server.becomes("pay", r#"{"log":"INFO","port":1}"#);
}
