//! Hostile paths, names and labels (the rows A and B of the list of bad inputs) on the routes of Spring's protocol: nothing
//! outside the repository is read, and every answer is an answer, 400, 404 or 406.
//!
//! The rows C are refused before any route; those whose headers only these routes read are here.

use crate::harness::folder::Folder;
use crate::harness::repo::Repo;
use crate::harness::server::Server;
use crate::input::labels;
use crate::input::paths::Place;
use crate::input::{LABEL_OF_SPRING, OF_SPRING, Untouched, ask_spring, encode};

/// A server with Spring's semantics, of a folder with secrets beside it and in it.
struct Spring {
    _outer: Folder,
    server: Server,
    untouched: Untouched,
}

impl Spring {
    fn new() -> Self {
        let outer = Folder::new();
        outer.file("served/application.yml", "shared: true\n").file("served/app.yml", "own: app\n");
        let canaries = ["canary.yml", "etc/passwd", "served/.git/config", "served/.ssh/id_rsa", "served/.env"];
        for path in canaries {
            outer.file(path, &format!("stolen: {}\n", crate::input::MARKER));
        }
        outer.symlink("served/link.yml", "../canary.yml").symlink("served/away", "..");
        let untouched = Untouched::watch(&canaries.map(|path| outer.path().join(path)), &outer.path().join("bell"));
        let served = outer.path().join("served");
        let settings = serde_json::json!({
            "spring": {"profiles": {"active": "native"}, "cloud": {"config": {"server": {"native": {
                "search-locations": [served, format!("{}/{{application}}", served.display()), format!("{}/{{profile}}", served.display())],
            }}}}},
        });
        outer.file("application.json.yml", &settings.to_string());
        let file = outer.path().join("application.json.yml");
        let server =
            Server::start(&["serve", "--from-spring", file.to_str().expect("temporary folders have UTF-8 names")]);
        Self { _outer: outer, server, untouched }
    }
}

/// Asks every route for every name, under both semantics.
fn try_all(names: &[&str], accepted: &[u16]) {
    let (native, spring) = (Place::new(), Spring::new());
    for target in names.iter().flat_map(|name| OF_SPRING.map(|route| route.replace("{}", name))) {
        for server in [&native.server, &spring.server] {
            let status = ask_spring(server, &target, &[]).status();
            assert!(accepted.contains(&status), "{target}: {status}");
        }
    }
    native.untouched.check();
    spring.untouched.check();
}

#[test]
fn bad_a_climbs_are_refused_on_every_route() {
    try_all(
        &[
            "../../../../etc/passwd",
            "../canary",
            "%2e%2e%2fcanary",
            ".%2e/canary.yml",
            "..%5ccanary",
            "a/../../canary",
            "..",
            "..;/x",
            "%00",
            "app%00.yml",
            "%0d%0aSet-Cookie:%20a",
            "%e2%80%ae",
            "%c0%ae%c0%af",
            "%ff%fe",
            "(_)etc(_)passwd",
            "..(_)..(_)etc(_)passwd",
            "%2fetc%2fpasswd",
            "%zz",
        ],
        &[400, 404],
    );
}

#[test]
fn bad_a_literal_oddities_are_names_of_nothing() {
    try_all(
        &[
            "..%252fcanary",
            "%25252e",
            "((_)_)",
            "a%23b",
            "a%3fb",
            ";x=1",
            "%ef%bc%8e%ef%bc%8e",
            "~",
            "--help",
            "con",
            "*",
            "${a}",
            "dev,,prod",
            "%2c",
            "a-b-c.json",
            "app.yml.json",
            "C:",
        ],
        &[200, 400, 404],
    );
}

#[test]
fn bad_a_files_of_programs_are_no_resources() {
    let (native, spring) = (Place::new(), Spring::new());
    for path in [
        ".git/config",
        ".git%2fconfig",
        ".GIT/config",
        ".env",
        ".env.yml",
        ".ssh/id_rsa",
        "away/canary.yml",
        "link.yml",
    ] {
        for server in [&native.server, &spring.server] {
            for target in [format!("/app/default/main/{path}"), format!("/app/default/{path}?useDefaultLabel=true")] {
                for accept in ["*/*", "application/octet-stream"] {
                    let exchange = ask_spring(server, &target, &[("Accept", accept)]);
                    assert_eq!(exchange.status(), 404, "{target}: {exchange}");
                }
            }
        }
    }
    native.untouched.check();
    spring.untouched.check();
}

#[test]
fn bad_a_long_names_and_many_profiles_are_refused() {
    let place = Place::new();
    let ask = |target: &str| ask_spring(&place.server, target, &[]).status();
    assert_eq!(ask(&format!("/app/{}", "x".repeat(600))), 400);
    assert_eq!(ask(&format!("/{}/default", "x".repeat(2100))), 400);
    assert_eq!(ask(&format!("/{}/default", "x".repeat(5000))), 414);
    let many: Vec<_> = (0..33).map(|number| number.to_string()).collect();
    assert_eq!(ask(&format!("/app/{}", many.join(","))), 400);
    assert_eq!(ask(&format!("/app/default/{}", ["main"; 9].join(","))), 400);
}

#[test]
fn bad_b_labels_are_exact_names() {
    let repo = Repo::with(&[("app.yml", "a: 1\n"), ("application.yml", "b: 1\n")]);
    let place = labels::Place::new(repo);
    let labels = [
        "--upload-pack=touch",
        "$(id)",
        "`id`",
        ";id",
        "|id",
        "HEAD",
        "HEAD~1",
        "main^",
        "main@{1}",
        ":/secret",
        "main:app.yml",
        "FETCH_HEAD",
        "refs(_)heads(_)main",
        "origin(_)main",
        "85e98d5",
        "5b0ba8d00000000000000000000000000000dead",
        "Main",
        "x.lock",
    ];
    for label in labels {
        for route in LABEL_OF_SPRING {
            let target = route.replace("{}", &encode(label));
            let status = ask_spring(&place.server, &target, &[]).status();
            // What is behind a semicolon is no part of a name for Spring, also if it is escaped.
            assert!(status == 404 || (status == 400 && label.contains(';')), "{target}: {status}");
        }
    }
    assert_eq!(ask_spring(&place.server, "/app/default/main", &[]).status(), 200);
}

#[test]
fn bad_c_headers_that_only_these_routes_read_are_read_within_bounds() {
    let place = Place::new();
    let nested = "(".repeat(5000);
    let tags = vec!["\"x\""; 1500].join(",");
    let qualities = vec!["a/b;q=0.1"; 900].join(",");
    for (name, value, expected) in [
        ("If-Modified-Since", nested.as_str(), 200),
        ("If-None-Match", &tags, 200),
        ("Accept", &qualities, 406),
        ("Accept", "application/json;q=1e999", 406),
        ("Accept", "/;;,", 406),
        ("Accept-Charset", "utf-8;q=0.9, *;q=0.1", 200),
    ] {
        let exchange = ask_spring(&place.server, "/app/default", &[(name, value)]);
        assert_eq!(exchange.status(), expected, "{name}: {exchange}");
        let file = ask_spring(&place.server, "/app/default/main/app.yml", &[(name, value)]);
        assert_eq!(file.status(), 200, "{name}: {file}");
    }
}
