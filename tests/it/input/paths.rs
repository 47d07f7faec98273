//! Hostile paths and names (the rows A of the list of bad inputs), each on every route that takes a name: nothing outside
//! the served folder is read, every answer is below 500, and nothing comes back raw.
//!
//! Left to later capabilities: the split of `/app-profile.yml` (A21, Spring's formats), plain resources (A20, and A19
//! beyond names), placeholders in the URL of a source (A23), Consul's keys (A24), and the tokens of A17 and A25 (access
//! control). `(_)` (A10) is a name like any other here, because only Spring's routes read it as a slash.

use crate::harness::folder::Folder;
use crate::harness::server::Server;
use crate::input::{IN_LABEL, IN_PATH, MARKER, Untouched, ask, ask_bytes, encode, told};

/// What an application gets that nothing in the folder names.
pub(crate) const SHARED: &str = r#"{"shared":true}"#;

/// What the application `app` gets.
pub(crate) const APP: &str = r#"{"shared":true,"own":"app"}"#;

/// A served folder among files that are none of anybody's business.
pub(crate) struct Place {
    _outer: Folder,
    pub(crate) server: Server,
    pub(crate) untouched: Untouched,
}

impl Place {
    pub(crate) fn new() -> Self {
        Self::with(&[])
    }

    /// A folder that has these files as well.
    pub(crate) fn with(files: &[(&str, &str)]) -> Self {
        let outer = Folder::new();
        outer.file("served/application.yml", "shared: true\n").file("served/app.yml", "own: app\n");
        for (path, text) in files {
            outer.file(&format!("served/{path}"), text);
        }
        let canaries = [
            "canary.yml",
            "application.yml",
            "default.yml",
            "etc/passwd",
            "served/.env",
            "served/.env.yml",
            "served/.git/config",
            "served/.git/application.yml",
            "served/.github/workflows/application.yml",
            "served/.ssh/id_rsa",
            "served/README.md",
        ];
        for path in canaries {
            outer.file(path, &format!("stolen: {MARKER}\n"));
        }
        outer.symlink("served/link.yml", "../canary.yml").symlink("served/away", "..");
        let untouched = Untouched::watch(&canaries.map(|path| outer.path().join(path)), &outer.path().join("bell"));
        let served = outer.path().join("served");
        let server = Server::start(&["serve", served.to_str().expect("temporary folders have UTF-8 names")]);
        Self { _outer: outer, server, untouched }
    }

    pub(crate) fn told(&self, target: &str) -> String {
        told(&ask(&self.server, target))
    }

    /// Every route refuses each of the names in its path with the same words.
    pub(crate) fn refuses(&self, names: &[&str], expected: &str) {
        for target in names.iter().flat_map(|name| IN_PATH.map(|route| route.replace("{}", name))) {
            assert_eq!(self.told(&target), expected, "{target}");
        }
        self.untouched.check();
    }

    /// Every route refuses each of the labels, already escaped, with the same words.
    pub(crate) fn refuses_labels(&self, labels: &[&str], expected: &str) {
        for target in labels.iter().flat_map(|label| IN_LABEL.map(|route| route.replace("{}", label))) {
            assert_eq!(self.told(&target), expected, "{target}");
        }
        self.untouched.check();
    }

    /// Every route takes each of the names, already escaped, for exactly the text beside it, and nothing has that name.
    pub(crate) fn takes_literally(&self, names: &[(&str, &str)]) {
        for (name, text) in names {
            assert_eq!(self.told(&format!("/api/v1/config/{name}")), format!("200 {SHARED}"));
            assert_eq!(self.told(&format!("/api/v1/config/{name}/default")), format!("200 {SHARED}"));
            assert_eq!(self.told(&format!("/api/v1/config/app/{name}")), format!("200 {APP}"));
            for route in ["explain", "sources"] {
                let of_application = ask(&self.server, &format!("/api/v1/{route}/{name}/default")).json();
                assert_eq!(of_application["application"], *text);
                let of_profile = ask(&self.server, &format!("/api/v1/{route}/app/{name}")).json();
                assert_eq!(of_profile["profiles"], serde_json::json!([text]));
            }
            // What cannot be seen is escaped.
            let shown = layerd::config::foreign::lines(text);
            let strict = self.told(&format!("/api/v1/config/{name}?strict=true"));
            assert_eq!(
                strict,
                format!("404 unknown-application: nothing in the repository names the application `{shown}`")
            );
            self.refuses_labels(&[&encode(text)], &format!("404 unknown-label: there is no label `{shown}`"));
            let key = self.told(&format!("/api/v1/config/app?key={}", encode(text)));
            assert_eq!(key, format!("404 unknown-key: there is no key `{shown}`"));
        }
    }
}

pub(crate) const RELATIVE: &str = "400 invalid-path: the path holds a relative segment";
pub(crate) const EMPTY: &str = "400 invalid-path: the path holds an empty segment: a double slash, or one at its end";
const BACKSLASH: &str = "400 invalid-path: the path holds a backslash";
const CONTROL: &str = "400 invalid-path: the path holds a control character";
pub(crate) const NOT_UTF8: &str = "400 invalid-path: the path is not UTF-8";

#[test]
fn bad_a01_a_raw_climb_is_refused_and_reads_nothing() {
    let place = Place::new();
    place.refuses(&["../../../../etc/passwd", "../canary", "../canary.yml", "x/../../canary"], RELATIVE);
    place.refuses_labels(&["../../../../etc/passwd"], "404 unknown-label: there is no label `../../../../etc/passwd`");
    assert_eq!(place.told("/api/v1/config/app?key=../../canary"), "404 unknown-key: there is no key `../../canary`");
    for application in ["link", "away", "canary"] {
        assert_eq!(place.told(&format!("/api/v1/config/{application}")), format!("200 {SHARED}"));
    }
    let problems = ask(&place.server, "/api/v1/problems").json();
    assert_eq!(
        problems["problems"],
        serde_json::json!([{
            "code": "left-out", "severity": "warning", "file": "link.yml", "line": 1, "column": 1,
            "message": "it is left out: the link leaves the root",
        }])
    );
    place.untouched.check();
}

#[test]
fn bad_a02_an_escaped_climb_is_refused() {
    let place = Place::new();
    place.refuses(&["%2e%2e%2fcanary", ".%2e/canary", "%2E%2E/canary", "%2e%2E%2Fserved%2f%2e%2e%2fcanary"], RELATIVE);
    place.refuses_labels(&["%2e%2e%2fcanary", "%2E%2E%2Fcanary"], "404 unknown-label: there is no label `../canary`");
}

#[test]
fn bad_a03_escapes_are_decoded_exactly_once() {
    Place::new().takes_literally(&[
        ("..%252fcanary", "..%2fcanary"),
        ("%252e%252e%252fcanary", "%2e%2e%2fcanary"),
        ("..%25252fcanary", "..%252fcanary"),
        ("%25252e%25252e", "%252e%252e"),
        ("a%25", "a%"),
    ]);
}

#[test]
fn bad_a04_a_backslash_is_refused() {
    let place = Place::new();
    place.refuses(&["..\\canary", "..%5ccanary", "%5c%5c", "a%5Cb"], BACKSLASH);
    place.refuses_labels(&["..%5ccanary"], "404 unknown-label: there is no label `..\\canary`");
}

#[test]
fn bad_a05_paths_are_not_normalised_in_silence() {
    let place = Place::new();
    place.refuses(&["./app", "app/./default", "app/../app", "app/.."], RELATIVE);
    place.refuses(&["app//default", "/app", "app/"], EMPTY);
    for target in ["/api/v1/./config/app", "/api/../api/v1/config/app", "/x/../health/live", "/health/live/."] {
        assert_eq!(place.told(target), RELATIVE, "{target}");
    }
    for target in ["//api/v1/config/app", "/api//v1/config/app", "/health/live/"] {
        assert_eq!(place.told(target), EMPTY, "{target}");
    }
}

#[test]
fn bad_a06_overlong_utf8_and_surrogates_are_refused() {
    let place = Place::new();
    let names = ["%c0%ae%c0%ae%c0%afcanary", "%c0%af", "%e0%80%ae", "%ed%a0%80", "%ed%b0%80"];
    place.refuses(&names, NOT_UTF8);
    place.refuses_labels(&names, "400 invalid-query: the query is not UTF-8");
}

#[test]
fn bad_a07_lookalikes_of_dots_slashes_and_percent_are_names() {
    let names = ["\u{ff0e}\u{ff0e}\u{ff0f}canary", "\u{2024}\u{2024}\u{2215}canary", "\u{ff05}2e\u{ff05}2e", "ａｐｐ"];
    let place = Place::new();
    for name in names {
        place.takes_literally(&[(&encode(name), name), (name, name)]);
    }
    place.untouched.check();
}

#[test]
fn bad_a08_a_nul_is_refused_and_cuts_nothing_off() {
    let place = Place::new();
    place.refuses(&["app%00", "app%00.yml", "..%00%2fcanary", "%00"], CONTROL);
    place.refuses(&["..%00/canary"], CONTROL);
    place.refuses_labels(&["main%00", "%00"], "400 invalid-address: label holds a control character");
    for route in IN_PATH {
        let answer = ask_bytes(&place.server, route.replace("{}", "app\0").as_bytes());
        assert_eq!(told(&answer), "400 ", "{route}");
    }
}

#[test]
fn bad_a09_control_characters_are_refused_and_come_back_nowhere() {
    let place = Place::new();
    let bad = ["%0d%0aSet-Cookie:%20a=b", "a%09", "a%7f", "a%1b[31m", "a%c2%85", "a%c2%9b", "a%e2%80%a8", "a%e2%80%ae"];
    place.refuses(&bad, CONTROL);
    place.refuses_labels(&bad, "400 invalid-address: label holds a control character");
    for target in
        [&b"/api/v1/config/a\x01"[..], b"/api/v1/config/a\x7f", b"/api/v1/config/a\tb", b"/api/v1/config/a\rb"]
    {
        assert_eq!(told(&ask_bytes(&place.server, target)), "400 ");
    }
    let shown = r"\r\nSet-Cookie: a=b\u{202e}";
    let raw = "%0d%0aSet-Cookie:%20a=b%e2%80%ae";
    for (parameter, code) in [
        ("key", "404 unknown-key: there is no key"),
        ("format", "400 invalid-parameter: the parameter `format` cannot be"),
    ] {
        assert_eq!(place.told(&format!("/api/v1/config/app?{parameter}={raw}")), format!("{code} `{shown}`"));
    }
    let log = place.server.stderr();
    assert!(!log.contains(['\r', '\t', '\u{7f}', '\u{85}', '\u{9b}', '\u{2028}', '\u{202e}']), "{log}");
    assert!(!log.contains("[31m\n") && !log.contains("a\u{1b}[31m"), "{log}");
}

#[test]
fn bad_a10_a_slash_in_springs_spelling_is_a_name() {
    let place = Place::new();
    for name in ["(_)etc(_)passwd", "..(_)canary", "..(_)..(_)etc", "((_)_)", "(_)", "(_)(_)"] {
        place.takes_literally(&[(name, name), (&encode(name), name)]);
    }
    place.takes_literally(&[("%28_%29", "(_)")]);
    place.untouched.check();
}

#[test]
fn bad_a11_absolute_paths_and_urls_are_refused() {
    let place = Place::new();
    place
        .refuses(&["/etc/passwd", "//etc/passwd", "%2fetc%2fpasswd", "C:/", "file:///etc/passwd", "http://h/x"], EMPTY);
    place.refuses(&["%5c%5c%3f%5cC:", "C:%5c", "C:%5Ccanary"], BACKSLASH);
    for target in ["file:///etc/passwd", "url:http://h/", "C:/", "\\\\?\\C:\\canary", "etc/passwd"] {
        assert_eq!(told(&ask(&place.server, target)), "400 ", "{target}");
    }
    let other = place.told("http://other.example/api/v1/config/app");
    assert_eq!(other, "400 invalid-target: the request target names another server than the `Host` header");
    place.takes_literally(&[("C:", "C:"), ("url:http:", "url:http:")]);
}

#[test]
fn bad_a12_marks_of_urls_are_part_of_the_name_and_cut_nothing_off() {
    let place = Place::new();
    place.takes_literally(&[
        ("app;x=1", "app;x=1"),
        ("app;.yml", "app;.yml"),
        ("..;", "..;"),
        ("app%23x", "app#x"),
        ("app%23.yml", "app#.yml"),
        ("app%3fx", "app?x"),
        ("app%26x=1", "app&x=1"),
    ]);
    assert_eq!(place.told("/api/v1/config/..;/default"), format!("200 {SHARED}"));
    assert_eq!(place.told("/api/v1/config/app?key=own;x"), "404 unknown-key: there is no key `own;x`");
}
