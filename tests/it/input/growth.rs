//! Small files that would make gigabytes of an answer: each answer has a limit, on every route and in every command, and
//! the server keeps its memory.

use std::fs;

use crate::harness::exchange::Exchange;
use crate::harness::folder::Folder;
use crate::harness::repo::Repo;
use crate::harness::server::{Server, layerd, run};

/// Files of some KB that stand for hundreds of MB: by placeholders, or where names are written out.
fn files() -> [(&'static str, String); 4] {
    let keys = |begin: &str, value: &str| (0..3_000).map(|at| format!("{begin}k{at}: {value}\n")).collect::<String>();
    let large = format!("large: {}\n{}", "x".repeat(60_000), keys("", "${large}"));
    let joined = format!("large: {}\n{}", "x".repeat(60_000), keys("", "a${large}"));
    let long = format!("? {}\n:\n{}", "n".repeat(20_000), keys("  ", "1"));
    [("large.yml", large), ("joined.yml", joined), ("long.yml", long), ("fine.yml", "a: 1\n".to_owned())]
}

fn repo() -> Repo {
    let files = files();
    let repo = Repo::with(&files.each_ref().map(|(path, text)| (*path, text.as_str())));
    repo.commit();
    repo
}

/// The most memory that the server has had, in MiB.
fn peak(server: &Server) -> usize {
    let status = fs::read_to_string(format!("/proc/{}/status", server.id())).unwrap();
    let line = status.lines().find(|line| line.starts_with("VmHWM:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<usize>().unwrap() / 1024
}

fn assert_too_large(exchange: &Exchange, path: &str) {
    assert_eq!(exchange.status(), 500, "{path}: {}", exchange.text());
    let body = exchange.json();
    let text = body["detail"].as_str().or(body["message"].as_str()).unwrap();
    assert!(text.contains("`limits.answer`"), "{path}: {text}");
    assert!(text.contains("most of it comes from `k") || text.contains("from `nnn"), "{path}: {text}");
    assert_eq!(exchange.header("layerd-pinned"), None, "{path}");
}

#[test]
fn an_answer_that_would_be_gigabytes_is_an_error_that_names_the_key() {
    let repo = repo();
    let server = Server::start(&["serve", "--git", repo.url()]);
    server.wait_ready();
    for application in ["large", "joined"] {
        for route in ["config/A/x", "config/A/x?format=yaml", "config/A/x?format=properties", "explain/A/x"] {
            let path = format!("/api/v1/{}", route.replace('A', application));
            assert_too_large(&server.get(&path), &path);
            assert_eq!(server.send("HEAD", &path, &[], b"").status(), 500, "{path}");
        }
        for path in [format!("/{application}-x.json"), format!("/{application}-x.properties")] {
            assert_too_large(&server.get(&path), &path);
        }
    }
    for route in
        ["config/long/x?format=properties", "config/long/x?format=env", "config/long/x?format=toml", "explain/long/x"]
    {
        let path = format!("/api/v1/{route}");
        assert_too_large(&server.get(&path), &path);
    }
    assert_too_large(&server.get("/long/x"), "/long/x");
    let told = server.get("/api/v1/config/large/x").json();
    assert_eq!((&told["code"], &told["file"]), (&"answer-too-large".into(), &"large.yml".into()));
    assert_eq!((&told["key"], &told["line"]), (&"k0".into(), &2.into()));

    assert_eq!(server.get("/api/v1/config/long/x").status(), 200, "a name that is written once is no fault");
    assert_eq!(server.get("/api/v1/config/fine/x").text(), r#"{"a":1}"#);
    assert!(peak(&server) < 300, "{} MiB", peak(&server));
}

#[test]
fn the_limit_is_a_setting() {
    let repo = Repo::with(&[("a.yml", "a: abcdefghijklmnopqrst\nb: ${a}${a}\n")]);
    repo.commit();
    let folder = Folder::new();
    folder.file("layerd.yaml", &format!("sources: [{{name: x, git: '{}'}}]\nlimits: {{answer: 40B}}\n", repo.url()));
    let server = Server::start(&["serve", "--settings", folder.path().join("layerd.yaml").to_str().unwrap()]);
    server.wait_ready();
    let told = server.get("/api/v1/config/a/x").json();
    assert_eq!((&told["code"], &told["key"]), (&"answer-too-large".into(), &"b".into()));
}

#[test]
fn commands_say_the_same() {
    let folder = Folder::new();
    for (path, text) in files() {
        folder.file(path, &text);
    }
    let path = folder.path().to_str().unwrap();
    let told = run(&mut layerd(&["render", "--repo", path, "large"]));
    assert!(told.stderr.contains("most of it comes from `k0`"), "{}", told.stderr);
}

#[test]
fn many_keys_below_a_very_long_name_are_refused_soon() {
    let keys: String = (0..10_000).map(|at| format!("  k{at}: x\n")).collect();
    let folder = Folder::new();
    folder.file("long.yml", &format!("? {}\n:\n{keys}", "n".repeat(100_000)));
    let server = Server::start(&["serve", folder.path().to_str().unwrap()]);
    server.wait_ready();
    let path = "/api/v1/config/long/x?format=properties";
    let told = server.get(path);
    assert_too_large(&told, path);
    assert_eq!(told.json()["code"], "answer-too-large");
    assert!(peak(&server) < 300, "{} MiB", peak(&server));
}
