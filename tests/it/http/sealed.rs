//! Sealed values as a server answers them: open for those who read the service, hidden everywhere else.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use layerd::config::select::Rank;
use layerd::secret::key::{Key, KeyId};
use layerd::secret::keyring::Keyring;
use layerd::secret::place::{Context, Place};

use crate::harness::eventually;
use crate::harness::exchange::Exchange;
use crate::harness::folder::Folder;
use crate::harness::repo::Repo;
use crate::harness::server::{Launch, Server};

/// What must never be seen but in the answer that is for it.
const CANARY: &str = "canary-7c1f9e";

const KEY: &str = "layerdkey_BwgLEBcgKzhHWGuAl7DL6AcoS3CXwOsYR3ir4BdQi8hKwsvO";

fn ring() -> Keyring {
    Keyring::new(vec![(KeyId::new("one").unwrap(), Key::from_text(KEY).unwrap())], None, None).unwrap()
}

/// The canary sealed for a key of a rank.
fn sealed(rank: &str, key: &str) -> String {
    let rank = Rank::named(rank, None);
    let place = Place::of(&rank, key);
    ring().seal(CANARY, Context::Prop, &place, [7; 24]).unwrap()
}

fn launch(repo: &Repo, keys: &Folder) -> Launch {
    let file = keys.file("key", KEY).path().join("key");
    fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
    Server::launch(&["serve", "--git", repo.url()])
        .env("LAYERD_SECRETS__KEYS__0__ID", "one")
        .env("LAYERD_SECRETS__KEYS__0__FILE", file.to_str().unwrap())
}

fn serve(repo: &Repo, keys: &Folder) -> Server {
    let server = launch(repo, keys).start();
    server.wait_ready();
    server
}

fn repo() -> Repo {
    let user =
        format!("db: {{password: '{}', user: u}}\nurl: 'db://u:${{db.password}}@h'\n", sealed("user", "db.password"));
    Repo::with(&[("application.yml", "a: 1"), ("user.yml", &user), ("order.yml", "b: 2")])
}

fn post(server: &Server, target: &str, kind: &str, body: &str) -> Exchange {
    server.send("POST", target, &[("Content-Type", kind)], body.as_bytes())
}

#[test]
fn a_sealed_value_is_served_open_and_kept_out_of_caches() {
    let (repo, keys) = (repo(), Folder::new());
    let server = serve(&repo, &keys);
    let answer = server.get("/api/v1/config/user/dev");
    let url = format!("db://u:{CANARY}@h");
    assert_eq!(answer.json(), serde_json::json!({"a": 1, "db": {"password": CANARY, "user": "u"}, "url": url}));
    assert_eq!(answer.header("cache-control"), Some("private, no-store"));
    let again =
        server.send("GET", "/api/v1/config/user/dev", &[("If-None-Match", answer.header("etag").unwrap())], b"");
    assert_eq!((again.status(), again.header("cache-control")), (304, Some("private, no-store")));
    assert_eq!(server.get("/api/v1/config/order/dev").header("cache-control"), Some("private, no-cache"));
    for format in ["yaml", "properties", "env", "toml"] {
        let text = server.get(&format!("/api/v1/config/user/dev?format={format}")).text();
        assert_eq!(text.matches(CANARY).count(), 2, "{text}");
    }
}

#[test]
fn a_secret_is_seen_nowhere_but_in_its_answer() {
    let (repo, keys) = (repo(), Folder::new());
    let server = launch(&repo, &keys).env("LAYERD_TELEMETRY__LOG", "trace").start();
    server.wait_ready();
    assert!(server.config("user/dev").contains(CANARY));
    for path in
        ["explain/user/dev", "explain/user/dev?resolve=all", "sources/user/dev", "problems", "status", "applications"]
    {
        let answer = server.get(&format!("/api/v1/{path}"));
        assert!(answer.status() == 200 && !answer.to_string().contains(CANARY), "{path}: {answer}");
    }
    let explained = server.get("/api/v1/explain/user/dev?key=db.password").json();
    assert_eq!(explained["keys"][0]["value"], "***", "{explained}");
    let explained = server.get("/api/v1/explain/user/dev?key=url").json();
    let told = (explained["keys"][0]["value"].as_str(), explained["keys"][0]["written"].as_str());
    assert_eq!(told, (Some("***"), Some("db://u:${db.password}@h")));
    repo.file("user.yml", &format!("db.password: '{}'\nother: [\n", sealed("user", "db.password"))).commit();
    repo.tag("broken");
    server.refresh();
    assert!(!server.get("/api/v1/config/user/dev?label=broken").to_string().contains(CANARY));
    let pinned = server.get("/api/v1/config/user/dev");
    assert!(pinned.header("layerd-pinned").is_some_and(|reason| !reason.contains(CANARY)), "{pinned}");
    assert!(!server.get("/api/v1/problems").to_string().contains(CANARY));
    assert!(!server.get("/metrics").to_string().contains(CANARY));
    eventually("the log tells of the broken file", || server.stderr().contains("user.yml"));
    assert!(!server.stderr().contains(CANARY), "{}", server.stderr());
}

#[test]
fn bad_h01_a_value_that_does_not_open_fails_its_own_service_and_names_its_place() {
    let keys = Folder::new();
    let copied = format!("ui.banner: '{}'\n", sealed("user", "db.password"));
    let repo = Repo::with(&[("user.yml", &copied), ("order.yml", "b: 2")]);
    let server = serve(&repo, &keys);
    let answer = server.get("/api/v1/config/user/dev");
    let told = answer.json();
    assert_eq!((answer.status(), told["code"].as_str()), (500, Some("broken-configuration")), "{answer}");
    assert_eq!(
        (told["file"].as_str(), told["line"].as_u64(), told["column"].as_u64()),
        (Some("user.yml"), Some(1), Some(12))
    );
    assert_eq!(told["detail"], "`ui.banner`: the sealed value does not open with key `one`");
    assert!(!answer.to_string().contains(&sealed("user", "db.password")[30..]), "nothing of the value is told");
    assert_eq!(server.config("order/dev"), r#"{"b":2}"#);
}

#[test]
fn bad_h04_without_the_key_it_is_503_until_the_key_is_there() {
    let (repo, keys) = (repo(), Folder::new());
    let server = Server::launch(&["serve", "--git", repo.url()]).start();
    server.wait_ready();
    let answer = server.get("/api/v1/config/user/dev");
    assert_eq!((answer.status(), answer.header("retry-after")), (503, Some("5")), "{answer}");
    assert_eq!(answer.json()["code"], "keys-unavailable");
    assert_eq!(server.config("order/dev"), r#"{"a":1,"b":2}"#);
    drop(server);
    let server = launch(&repo, &keys).env("LAYERD_SECRETS__KEYS__0__ID", "other").start();
    server.wait_ready();
    let answer = server.get("/api/v1/config/user/dev");
    assert_eq!((answer.status(), answer.json()["problems"].is_null()), (503, true), "{answer}");
    assert_eq!(answer.json()["detail"], "`db.password`: the sealed value names key `one`, which is not among the keys");
}

#[test]
fn what_becomes_of_values_that_do_not_open_is_a_setting() {
    let repo = repo();
    for (on_failure, expected) in [
        (
            "leave",
            format!(
                r#"{{"a":1,"db":{{"password":"{0}","user":"u"}},"url":"db://u:{0}@h"}}"#,
                sealed("user", "db.password")
            ),
        ),
        (
            "invalid",
            r#"{"a":1,"db":{"user":"u"},"url":"db://u:${db.password}@h","invalid.db.password":"<n/a>"}"#.to_owned(),
        ),
    ] {
        let server =
            Server::launch(&["serve", "--git", repo.url()]).env("LAYERD_SECRETS__ON_FAILURE", on_failure).start();
        server.wait_ready();
        assert_eq!(server.config("user/dev"), expected, "{on_failure}");
    }
}

#[test]
fn bad_h14_a_key_that_would_close_what_is_open_is_not_taken() {
    let (repo, keys) = (repo(), Folder::new());
    let server = serve(&repo, &keys);
    let other = Key::from_bytes(std::array::from_fn(|at| u8::try_from(at * 7 % 251).unwrap() ^ 0x5a)).unwrap();
    keys.file("key", &other.to_text());
    let refused = "the keys in force stay: `db.password` in `user.yml` of the source `config` is open now and would not \
                   be with these keys";
    eventually("the other key is refused", || server.stderr().contains(refused));
    assert!(server.config("user/dev").contains(CANARY));
    repo.file("user.yml", "c: 3").commit();
    server.refresh();
    server.signal("HUP");
    eventually("now the other key closes nothing", || server.stderr().contains("new keys are in force"));
}

#[test]
fn values_are_sealed_for_those_who_ask_and_opened_only_if_the_settings_say_so() {
    let (repo, keys) = (repo(), Folder::new());
    let server = serve(&repo, &keys);
    let target = "/api/v1/encrypt?application=user&key=db.password";
    let answer = post(&server, target, "text/plain", CANARY);
    assert_eq!((answer.status(), answer.json()["context"].as_str()), (200, Some("prop")), "{answer}");
    assert_eq!(answer.header("cache-control"), Some("private, no-store"));
    let sealed = answer.json()["sealed"].as_str().unwrap().to_owned();
    assert!(
        sealed.starts_with("{cipher}{v:2}{key:one}{ctx:prop}")
            && sealed != super::sealed::sealed("user", "db.password")
    );
    repo.file("user.yml", &format!("db.password: '{sealed}'")).commit();
    server.refresh();
    assert_eq!(server.config("user/dev"), format!(r#"{{"a":1,"db.password":"{CANARY}"}}"#));
    let of_file = post(&server, "/api/v1/encrypt?file=user-service.yml&key=a", "text/plain", CANARY).json();
    let of_parts = post(&server, "/api/v1/encrypt?application=user&profile=service&key=a", "text/plain", CANARY).json();
    let line = |sealed: &serde_json::Value| format!("a: '{}'", sealed["sealed"].as_str().unwrap());
    repo.file("user-service.yml", &line(&of_file)).file("user/application-service.yml", &line(&of_parts)).commit();
    server.refresh();
    assert_eq!(server.config("user-service/dev"), format!(r#"{{"a":"{CANARY}"}}"#));
    assert!(server.config("user/service").contains(CANARY));
    repo.file("user-service.yml", &line(&of_parts)).commit();
    server.refresh();
    assert!(!server.stderr().contains(CANARY));
    for target in
        ["?file=docs/x.yml&key=a", "?file=user.yml&application=user&key=a", "?application=a&profile=b,c&key=a"]
    {
        let refused = post(&server, &format!("/api/v1/encrypt{target}"), "text/plain", "x").json();
        assert_eq!(refused["code"], "invalid-parameter", "{target}");
    }
    repo.delete("user-service.yml").delete("user").commit();
    server.refresh();
    let refused = post(&server, "/api/v1/decrypt?application=user&key=db.password", "text/plain", &sealed);
    assert_eq!((refused.status(), refused.json()["code"].as_str()), (403, Some("decrypt-off")), "{refused}");
    assert_eq!(post(&server, "/decrypt", "text/plain", &sealed).status(), 403);
    drop(server);
    let server = launch(&repo, &keys).env("LAYERD_SECRETS__DECRYPT", "true").start();
    server.wait_ready();
    let opened = post(&server, "/api/v1/decrypt?application=user&key=db.password", "text/plain", &sealed);
    assert_eq!(opened.json(), serde_json::json!({"value": CANARY}));
    let elsewhere = post(&server, "/api/v1/decrypt?application=user&key=ui.banner", "text/plain", &sealed);
    assert_eq!((elsewhere.status(), elsewhere.json()["code"].as_str()), (400, Some("cipher-auth")), "{elsewhere}");
    assert_eq!(post(&server, "/api/v1/decrypt", "text/plain", "plain").json()["code"], "not-sealed");
    assert_eq!(post(&server, "/api/v1/encrypt?context=prop", "text/plain", "x").json()["code"], "missing-parameter");
    assert_eq!(post(&server, "/api/v1/encrypt?context=all", "text/plain", "x").json()["code"], "invalid-parameter");
    assert_eq!(post(&server, "/api/v1/encrypt", "text/plain", "").json()["code"], "invalid-body");
    let form = "application/x-www-form-urlencoded";
    let encoded = post(&server, "/api/v1/encrypt", form, "a%3D100%25").json()["sealed"].as_str().unwrap().to_owned();
    assert_eq!(post(&server, "/api/v1/decrypt", "text/plain", &encoded).json()["value"], "a=100%");
    for (kind, body) in [(form, "a=100%"), (form, "a+b"), ("application/json", "\"x\""), ("multipart/form-data", "x")] {
        let refused = post(&server, "/api/v1/encrypt", kind, body).json();
        assert_eq!(refused["code"], "invalid-body", "{kind} {body}");
        assert!(refused["hint"].as_str().unwrap().contains("text/plain"), "{refused}");
    }
    let long = post(&server, "/api/v1/encrypt", "text/plain", &"x".repeat(70 << 10));
    assert_eq!(long.status(), 413);
}

#[test]
fn scripts_for_springs_encryption_endpoints_work() {
    let (repo, keys) = (repo(), Folder::new());
    let server = launch(&repo, &keys).env("LAYERD_SECRETS__DECRYPT", "true").start();
    server.wait_ready();
    assert_eq!(server.get("/encrypt/status").text(), r#"{"status":"OK"}"#);
    let key = server.get("/key");
    assert_eq!((key.status(), key.json()["description"].as_str()), (404, Some("No public key available")));
    let sealed = post(&server, "/encrypt", "text/plain", "mysecret");
    assert_eq!((sealed.status(), sealed.header("content-type")), (200, Some("text/plain;charset=UTF-8")), "{sealed}");
    assert!(sealed.text().starts_with("{v:2}{key:one}{ctx:any}"), "{sealed}");
    assert_eq!(post(&server, "/decrypt", "text/plain", &sealed.text()).text(), "mysecret");
    let form = post(&server, "/encrypt", "application/x-www-form-urlencoded", "my+secret%21=");
    assert_eq!(post(&server, "/decrypt", "application/x-www-form-urlencoded", &form.text()).text(), "my secret!");
    let json = r#"{"a": {"key": "x"}}"#;
    for (kind, body, plain) in [
        ("application/json", json, json),
        ("application/x-www-form-urlencoded", "x%26y%2B+z", "x&y+ z"),
        ("text/plain;charset=UTF-8", "ends=", "ends="),
        ("text/plain", "{plain}{key:a}0042", "{key:a}0042"),
    ] {
        let sealed = post(&server, "/encrypt", kind, body).text();
        assert_eq!(post(&server, "/decrypt", "text/plain", &sealed).text(), plain);
    }
    for (kind, body) in [
        ("application/json", "\"x\""),
        ("application/x-www-form-urlencoded", "a+b"),
        ("application/x-www-form-urlencoded", "a=b&c"),
        ("text/plain", "{key:a}x"),
    ] {
        let refused = post(&server, "/encrypt", kind, body);
        assert_eq!((refused.status(), refused.json()["status"].as_str()), (400, Some("INVALID")), "{body}");
    }
    let bound = post(&server, "/encrypt/user/dev", "text/plain", "mysecret").text();
    assert_eq!(post(&server, "/decrypt/user/prod", "text/plain", &bound).text(), "mysecret");
    let other = post(&server, "/decrypt/order/prod", "text/plain", &bound);
    let expected = r#"{"description":"Text not encrypted with this key","status":"INVALID"}"#;
    assert_eq!((other.status(), other.text().as_str()), (400, expected));
    assert_eq!(post(&server, "/decrypt", "text/plain", "deadbeef").status(), 400);
    drop(server);
    let spring = Server::launch(&["serve", "--git", repo.url()])
        .env("LAYERD_SECRETS__SPRING__KEY", "foo")
        .env("LAYERD_SECRETS__DECRYPT", "true")
        .start();
    spring.wait_ready();
    let vector = "682bc583f4641835fa2db009355293665d2647dade3375c0ee201de2a49f7bda";
    assert_eq!(post(&spring, "/decrypt", "text/plain", vector).text(), "mysecret");
    let sealed = post(&spring, "/encrypt", "text/plain", "{key:abc}mysecret").text();
    assert!(sealed.starts_with("{key:abc}") && sealed.len() == 9 + 64, "{sealed}");
    repo.file("order.yml", &format!("password: '{{cipher}}{vector}'")).commit();
    spring.refresh();
    assert_eq!(spring.config("order/dev"), r#"{"a":1,"password":"mysecret"}"#);
}
