//! The audit log of a running server: which requests have a line, what it says, and that the command verifies it.

use std::fs;

use layerd::access::token::{ID, NewToken, SECRET, TokenFile};
use layerd::config::select::Rank;
use layerd::secret::key::{Key, KeyId};
use layerd::secret::keyring::Keyring;
use layerd::secret::place::{Context, Place};
use serde_json::Value;

use crate::harness::eventually;
use crate::harness::folder::Folder;
use crate::harness::server::{Server, layerd, run};

const KEY: &str = "layerdkey_BwgLEBcgKzhHWGuAl7DL6AcoS3CXwOsYR3ir4BdQi8hKwsvO";

const CANARY: &str = "canary-5e1b77";

fn sealed(application: &str) -> String {
    let ring = Keyring::new(vec![(KeyId::new("one").unwrap(), Key::from_text(KEY).unwrap())], None, None).unwrap();
    let rank = Rank::named(application, None);
    ring.seal(CANARY, Context::Prop, &Place::of(&rank, "password"), [7; 24]).unwrap()
}

/// A folder with a server's configuration, key, tokens and settings, and the token of its operator.
fn prepare() -> (Folder, String) {
    let folder = Folder::new();
    folder.file("repo/pay.yml", &format!("password: '{}'\n", sealed("pay"))).file("repo/shop.yml", "a: 1\n");
    folder.private("key", KEY);
    let token = NewToken::from_bytes([1; ID], [1; SECRET]);
    let scopes = ["read:pay/*", "read:shop/*", "refresh", "encrypt"].map(str::to_owned).to_vec();
    let record = token.record("pay-service", scopes, "2026-01-01T00:00:00Z".parse().unwrap(), None);
    folder.private("tokens.yaml", &serde_json::to_string(&TokenFile { tokens: vec![record] }).unwrap());
    folder.private(
        "layerd.yaml",
        "sources: [ { dir: repo } ]\naccess: { tokens-file: tokens.yaml }\naudit: { file: audit.jsonl }\n\
         secrets: { keys: [ { id: one, file: key } ] }\n",
    );
    (folder, format!("Bearer {}", token.text.expose()))
}

fn lines(folder: &Folder) -> Vec<Value> {
    let text = fs::read_to_string(folder.path().join("audit.jsonl")).unwrap();
    assert!(!text.contains(CANARY) && !text.contains("layerd_"), "{text}");
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// The members of a line that a test can foresee, in one text.
fn told(line: &Value) -> String {
    let members = ["event", "decision", "identity", "kind", "method", "route", "application", "profiles", "label"];
    let text = |name: &&str| match &line[*name] {
        Value::String(text) => Some(text.clone()),
        Value::Array(items) => Some(items.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(",")),
        _ => None,
    };
    let members: Vec<_> = members.iter().filter_map(text).collect();
    format!("{} {}", members.join(" "), line["count"])
}

#[test]
fn reads_of_secrets_changes_and_refusals_have_a_line_each() {
    let (folder, token) = prepare();
    let settings = folder.path().join("layerd.yaml");
    let mut server = Server::launch(&["serve", "--settings", settings.to_str().unwrap()]).start();
    server.wait_ready();
    let ask = |method: &str, path: &str, token: &str| {
        let body: &[u8] = if method == "POST" { b"plain-text-of-nobody" } else { b"" };
        server.send(method, path, &[("Authorization", token), ("Content-Type", "text/plain")], body).status()
    };
    assert_eq!(ask("GET", "/api/v1/config/pay/dev,eu?key=password", &token), 200);
    for _ in 0..3 {
        assert_eq!(ask("GET", "/pay/dev", &token), 200);
    }
    assert_eq!(ask("GET", "/api/v1/config/shop", &token), 200, "without a secret it has no line");
    assert_eq!(ask("POST", "/api/v1/refresh", &token), 200);
    assert_eq!(ask("POST", "/api/v1/encrypt", &token), 200);
    assert_eq!(ask("GET", "/api/v1/config/other/dev", &token), 403);
    assert_eq!(ask("GET", "/api/v1/status", &token), 403);
    assert_eq!(ask("GET", "/api/v1/status", "Bearer guess"), 401);
    folder.private("tokens.yaml", "tokens: []");
    eventually("the token is gone", || ask("GET", "/api/v1/config/shop", &token) == 401);
    assert!(server.terminate().success());
    let lines = lines(&folder);
    let expected = [
        "started 1",
        "request allowed pay-service token GET /api/v1/config/{application}/{profiles} pay dev,eu main 1",
        "request allowed pay-service token GET /{name}/{profiles} pay dev main 1",
        "request allowed pay-service token POST /api/v1/refresh 1",
        "request allowed pay-service token POST /api/v1/encrypt 1",
        "request denied pay-service token GET /api/v1/config/{application}/{profiles} other dev main 1",
        "request denied pay-service token GET /api/v1/status 1",
        "request denied anonymous anonymous GET /api/v1/status 1",
        "tokens-changed 1",
        "request denied anonymous anonymous GET /api/v1/config/{application} 1",
        "request allowed pay-service token GET /{name}/{profiles} pay dev main 2",
        "stopped 1",
    ];
    let found: Vec<String> = lines.iter().map(told).collect();
    assert_eq!(found, expected);
    assert_eq!((&lines[1]["secrets"], &lines[1]["address"]), (&Value::from(true), &Value::from("127.0.0.1")));
    assert!(lines[1]["commit"].is_string() && lines[1]["request_id"].is_string(), "{}", lines[1]);
    assert_eq!(lines[4]["key"], "one");
    assert_eq!(lines[5]["reason"], "no scope grants `read` of this");
    assert_eq!(lines[7]["reason"], "malformed");
    assert_eq!(lines[8]["removed"].as_array().unwrap().len(), 1);
}

#[test]
fn the_command_verifies_a_log_and_names_the_line_behind_a_gap() {
    let (folder, _) = prepare();
    let settings = folder.path().join("layerd.yaml");
    for _ in 0..2 {
        let mut server = Server::launch(&["serve", "--settings", settings.to_str().unwrap()]).start();
        assert!(server.terminate().success());
    }
    let verify = || run(layerd(&["audit", "verify", "audit.jsonl"]).current_dir(folder.path()));
    let whole = verify();
    assert_eq!(whole.code, Some(0), "{whole}");
    assert!(whole.stdout.starts_with("4 lines from ") && whole.stdout.contains(": the chain is whole\n"), "{whole}");
    let path = folder.path().join("audit.jsonl");
    let text = fs::read_to_string(&path).unwrap();
    let kept: Vec<&str> = text.lines().enumerate().filter(|(index, _)| *index != 1).map(|(_, line)| line).collect();
    fs::write(&path, kept.join("\n") + "\n").unwrap();
    let cut = verify();
    assert_eq!(cut.code, Some(1), "{cut}");
    assert!(cut.stdout.starts_with("audit.jsonl:2: does not follow from the line before it\n3 lines"), "{cut}");
}

#[test]
fn a_log_that_cannot_be_opened_ends_the_start_with_78() {
    let (folder, _) = prepare();
    folder.file("audit.jsonl", "precious: data\n");
    let settings = folder.path().join("layerd.yaml");
    let ran = Server::launch(&["serve", "--settings", settings.to_str().unwrap()]).try_start().err().unwrap();
    assert_eq!(ran.code, Some(78), "{ran}");
    assert!(ran.stderr.contains("holds something that is not an audit log"), "{ran}");
    assert_eq!(fs::read_to_string(folder.path().join("audit.jsonl")).unwrap(), "precious: data\n");
}
