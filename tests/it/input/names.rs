//! Odd names (the rows A13 to A25 of the list of bad inputs): those that users have are served, those that mislead are
//! refused, those that only look dangerous are literal, and none is taken for another.
//!
//! Which rows are left to later capabilities is said in `bad_a.rs`, whose served folder is used here.

use crate::input::paths::{APP, EMPTY, NOT_UTF8, Place, RELATIVE, SHARED};
use crate::input::{IN_LABEL, IN_PATH, ask, ask_bytes, encode, told};

#[test]
fn bad_a13_profile_lists_are_checked_element_by_element() {
    let place = Place::with(&[("app-dev.yml", "dev: 1\n"), ("app-prod.yml", "prod: 1\n")]);
    let refused = |profiles: &[&str], expected: &str| {
        for (profiles, route) in
            profiles.iter().flat_map(|profiles| ["config", "explain", "sources"].map(|r| (profiles, r)))
        {
            assert_eq!(
                place.told(&format!("/api/v1/{route}/app/{profiles}")),
                format!("400 invalid-address: {expected}")
            );
        }
    };
    refused(&["bar,..,foo", "dev,%2e%2e", "..,dev", "dev,.", "%2e,dev"], "profile is a relative path");
    refused(&[",", "dev,,prod", ",dev", "dev,", "dev%2c", "%2c"], "profile is empty");
    refused(&["dev,a%2fb", "a%2fcanary"], "profile holds a slash or a backslash");
    let list = |count: usize| (0..count).map(|number| number.to_string()).collect::<Vec<_>>().join(",");
    refused(&[&list(33), &list(1000)], "profile is one of more than 32");
    assert_eq!(place.told(&format!("/api/v1/config/app/{}", list(32))), format!("200 {APP}"));

    let both = |first: &str, second: &str| format!(r#"200 {{"shared":true,"own":"app","{first}":1,"{second}":1}}"#);
    assert_eq!(place.told("/api/v1/config/app/dev,prod"), both("dev", "prod"));
    assert_eq!(place.told("/api/v1/config/app/prod,dev,prod,prod"), both("prod", "dev"));
    assert_eq!(ask(&place.server, "/api/v1/sources/app/b,a,b,a").json()["profiles"], serde_json::json!(["b", "a"]));
    assert_eq!(
        place.told(&format!("/api/v1/config/app/{}", ["dev"; 500].join(","))),
        r#"200 {"shared":true,"own":"app","dev":1}"#
    );
}

#[test]
fn bad_a14_names_that_users_have_are_found() {
    let names = ["prod-eu", "a_b", "v1.2", "x+y", "u@h", "größe", "my app", "*", "{x}", "a(b)", "100%", "日本"];
    let files: Vec<_> =
        names.iter().flat_map(|name| [(format!("{name}.yml"), name), (format!("app-{name}.yml"), name)]).collect();
    let texts: Vec<_> = files.iter().map(|(path, name)| (path.as_str(), format!("found: \"{name}\"\n"))).collect();
    let place = Place::with(&texts.iter().map(|(path, text)| (*path, text.as_str())).collect::<Vec<_>>());
    for name in names {
        let escaped = encode(name);
        let own = place.told(&format!("/api/v1/config/{escaped}?strict=true"));
        assert_eq!(own, format!(r#"200 {{"shared":true,"found":"{name}"}}"#));
        let of_profile = place.told(&format!("/api/v1/config/app/{escaped}"));
        assert_eq!(of_profile, format!(r#"200 {{"shared":true,"own":"app","found":"{name}"}}"#));
    }
    assert_eq!(
        place.told("/api/v1/config/x+y"),
        r#"200 {"shared":true,"found":"x+y"}"#,
        "a plus is no space in a path"
    );
}

#[test]
fn bad_a15_odd_names_are_literal_but_for_empty_and_relative_ones() {
    let place = Place::new();
    place.refuses(&[".", "..", "%2e", "%2E%2e"], RELATIVE);
    place.refuses(&["%2f"], EMPTY);
    for route in &IN_PATH[1..] {
        assert_eq!(place.told(&route.replace("{}", "")), EMPTY, "{route}");
    }
    place.takes_literally(&[
        ("~", "~"),
        ("-x", "-x"),
        ("--help", "--help"),
        ("%20", " "),
        ("...", "..."),
        ("%20%20", "  "),
    ]);
    assert_eq!(place.told("/api/v1/config/app?label="), format!("200 {APP}"), "an empty label is the default one");
}

#[test]
fn bad_a16_long_targets_are_refused_before_they_are_read() {
    let place = Place::new();
    // Whether the line is known to be longer or how long it is depends on how its bytes arrive.
    let is_too_long = |target: &str| place.told(target).starts_with("414 target-too-long: the request target has ");
    for length in [8 << 10, 64 << 10] {
        let targets = IN_PATH.iter().chain(&IN_LABEL).map(|route| route.replace("{}", &"x".repeat(length)));
        for target in targets {
            assert!(is_too_long(&target), "{length}");
        }
    }
    assert!(is_too_long(&format!("/api/v1/config/{}", "%41".repeat(10_000))));
    assert_eq!(
        place.told(&format!("/{}", ["a"; 2_000].join("/"))),
        "414 target-too-long: the path has more than 64 segments"
    );
    let named = |length: usize| place.told(&format!("/api/v1/config/{}", "x".repeat(length)));
    assert_eq!(named(512), format!("200 {SHARED}"));
    assert_eq!(named(513), "400 invalid-address: application is longer than 512 bytes");
    assert_eq!(named(4000), "400 invalid-address: application is longer than 512 bytes");
    let profile = place.told(&format!("/api/v1/config/app/{}", "x".repeat(513)));
    assert_eq!(profile, "400 invalid-address: profile is longer than 512 bytes");
}

#[test]
fn bad_a17_twins_of_a_name_get_nothing_of_it() {
    let place = Place::with(&[("caf\u{e9}.yml", "own: composed\n")]);
    place.takes_literally(&[("App", "App"), ("APP", "APP"), ("app%20", "app "), ("%20app", " app"), ("app.", "app.")]);
    place.takes_literally(&[
        ("app%E2%80%8B", "app\u{200b}"),
        ("app%C2%AD", "app\u{ad}"),
        ("cafe%CC%81", "cafe\u{301}"),
    ]);
    place.takes_literally(&[("app.yml", "app.yml"), ("application.yml", "application.yml")]);
    assert_eq!(place.told("/api/v1/config/caf%C3%A9"), r#"200 {"shared":true,"own":"composed"}"#);
    assert_eq!(place.told("/api/v1/config/%61pp"), format!("200 {APP}"), "escaped letters are the same name");
}

#[test]
fn bad_a18_bytes_that_are_not_utf8_are_refused() {
    let place = Place::new();
    place.refuses(&["%ff%fe", "app%ff", "%80", "a%f8%88%80%80%80"], NOT_UTF8);
    place.refuses_labels(&["%ff%fe", "main%ff"], "400 invalid-query: the query is not UTF-8");
    for target in [&b"/api/v1/config/\xff\xfe"[..], b"/api/v1/config/app/\xc3", b"/api/v1/config/app?label=\xff"] {
        assert_eq!(told(&ask_bytes(&place.server, target)), "400 ");
    }
}

#[test]
fn bad_a19_dot_files_are_not_configuration() {
    let place = Place::new();
    for name in [".git", ".env", ".ssh", ".github", ".gitmodules", ".gitattributes"] {
        place.takes_literally(&[(name, name)]);
    }
    for name in [".git%2fconfig", ".github%2fworkflows%2fapplication", ".ssh%2fid_rsa"] {
        let expected = "400 invalid-address: application holds a slash or a backslash";
        assert_eq!(place.told(&format!("/api/v1/config/{name}")), expected);
    }
    let listed = ask(&place.server, "/api/v1/applications").json();
    assert_eq!(listed["applications"], serde_json::json!([{"application": "app", "profiles": ["default"]}]));
    place.untouched.check();
}

#[test]
fn bad_a22_names_of_devices_are_names() {
    let names = ["con", "nul", "aux", "prn", "com1", "lpt9", "dev", "stdin"];
    let files = names.map(|name| (format!("{name}.yml"), format!("own: {name}\n")));
    let place = Place::with(&files.each_ref().map(|(path, text)| (path.as_str(), text.as_str())));
    for name in names {
        let own = place.told(&format!("/api/v1/config/{name}?strict=true"));
        assert_eq!(own, format!(r#"200 {{"shared":true,"own":"{name}"}}"#));
    }
    place.takes_literally(&[("CON", "CON"), ("aux.yml", "aux.yml"), ("NUL", "NUL")]);
}

#[test]
fn bad_a25_applications_with_names_of_routes_shadow_nothing_and_are_not_shadowed() {
    let names = [
        "raw", "v1", "api", "actuator", "refresh", "encrypt", "monitor", "health", "healthz", "ui", "metrics", "config",
    ];
    let files = names.map(|name| (format!("{name}/application.yml"), format!("own: {name}\n")));
    let place = Place::with(&files.each_ref().map(|(path, text)| (path.as_str(), text.as_str())));
    for name in names {
        let expected = format!(r#"200 {{"shared":true,"own":"{name}"}}"#);
        assert_eq!(place.told(&format!("/api/v1/config/{name}?strict=true")), expected);
        assert_eq!(place.told(&format!("/api/v1/config/{name}/default")), expected);
    }
    assert_eq!(place.told("/health/live"), r#"200 {"status":"up"}"#);
    assert_eq!(place.told("/health/ready"), r#"200 {"status":"ready"}"#);
    assert_eq!(place.told("/healthz"), r#"200 {"status":"up"}"#);
    let metrics = place.server.get("/metrics");
    assert_eq!(metrics.header("content-type"), Some("application/openmetrics-text; version=1.0.0; charset=utf-8"));
    let labels = ask(&place.server, "/api/v1/applications").json()["labels"].clone();
    assert_eq!(labels, serde_json::json!(["main"]));
}
