//! Mistakes planted one by one in a repository that is clean without them: each is found at its file and line, under its code.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

use serde_json::Value;

use crate::harness::folder::Folder;
use crate::harness::server::{Ran, layerd, run};

/// What nothing is found in.
const CLEAN: [(&str, &str); 7] = [
    ("application.yml", "logging: {level: {root: info}}\nserver: {port: 8080}\npool: {maximum-size: 5}\n"),
    ("application-production.yml", "logging: {level: {root: warn}}\n"),
    ("shop.yml", "db: {host: db.example.org, timeout: 5}\nurl: 'jdbc://${db.host}/shop'\nhosts: [a, b]\n"),
    ("shop-production.yml", "db: {host: db.production.example.org}\n"),
    ("shop-staging.yml", "db: {host: db.staging.example.org}\n"),
    ("mail/application.yml", "from: shop@example.org\n"),
    ("mail/application-production.yml", "from: shop@example.com\n"),
];

/// A file, what it says, and what is found: the code, and the file with the line.
const PLANTED: [(&str, &str, &str, &str); 44] = [
    ("shop-staging.yml", "a: [\n", "syntax", "shop-staging.yml:1"),
    ("shop-staging.yml", "a: 1\na: 2\n", "duplicate-key", "shop-staging.yml:2"),
    ("shop-staging.yml", "a: on\n", "yaml-1-1", "shop-staging.yml:1"),
    ("shop-staging.yml", "a: 1\nv: 1.10\n", "lost-spelling", "shop-staging.yml:2"),
    ("shop-staging.yml", "id: 0e12345\n", "lost-spelling", "shop-staging.yml:1"),
    ("shop-staging.yml", "color: #fff\n", "comment-cuts-value", "shop-staging.yml:1"),
    ("shop-staging.yml", "a: abc #def\n", "comment-cuts-value", "shop-staging.yml:1"),
    ("shop-staging.yml", "list:\n  -alpha\n", "glued-dash", "shop-staging.yml:2"),
    ("shop-staging.yml", "mine:\n  port:8080\n", "glued-colon", "shop-staging.yml:2"),
    ("shop-staging.yml", "code: &abc\n", "unused-anchor", "shop-staging.yml:1"),
    ("shop-staging.yml", "a: 1\n\u{a0}b: 2\n", "invisible-character", "shop-staging.yml:2"),
    ("shop-staging.yml", "a\u{200b}b: 1\n", "invisible-character", "shop-staging.yml:1"),
    ("shop-staging.yml", "a: \u{201c}x\u{201d}\n", "look-alike", "shop-staging.yml:1"),
    ("shop-staging.yml", "p\u{430}th: x\n", "look-alike", "shop-staging.yml:1"),
    ("shop-staging.yml", "a: ENC[AES256_GCM,data:x]\n", "sops-file", "shop-staging.yml:1"),
    ("shop-staging.yml", "a: ENC(abc)\n", "foreign-secret", "shop-staging.yml:1"),
    ("shop-staging.yml", "$ANSIBLE_VAULT;1.1;AES256\n61\n", "encrypted-file", "shop-staging.yml:1"),
    ("shop-staging.yml", "a: ${db.host\n", "placeholder-unclosed", "shop-staging.yml:1"),
    ("shop-staging.yml", "a: $PORT\n", "shell-variable", "shop-staging.yml:1"),
    ("shop-staging.yml", "a: ${env:HOME}\n", "placeholder-source", "shop-staging.yml:1"),
    ("shop-staging.yml", "a: ${no.such.key}\n", "unanswered-placeholder", "shop-staging.yml:1"),
    ("shop-staging.yml", "db: {timeuot: 9}\n", "key-typo", "shop-staging.yml:1"),
    ("shop-staging.yml", "pool: {maximun-sise: 9}\n", "key-typo", "shop-staging.yml:1"),
    ("shop-staging.yml", "x: 1\nnothing: !unset\n", "unset-nothing", "shop-staging.yml:2"),
    ("shop-staging.yml", "LOGGING_LEVEL_ROOT: debug\n", "environment-key", "shop-staging.yml:1"),
    ("shop-staging.yml", "db: fast\n", "value-over-map", "shop-staging.yml:1"),
    (
        "shop-staging.yml",
        "spring.config.activate.on-profile: dev\na: 1\n",
        "condition-contradiction",
        "shop-staging.yml:2",
    ),
    ("shop-staging.yml", "spring.config.activate.onProfile: dev\n", "condition-typo", "shop-staging.yml:1"),
    ("shop-staging.yml", "", "empty-file", "shop-staging.yml:1"),
    ("shop-staging.properties", "a=D:\\data\n", "backslash-dropped", "shop-staging.properties:1"),
    ("shop-staging.properties", "a=C:\\temp\n", "backslash-escape", "shop-staging.properties:1"),
    ("shop-staging.properties", "a=b  \n", "blank-at-end", "shop-staging.properties:1"),
    ("shop/application.yml", "hosts: [c]\n", "two-places", "shop/application.yml:1"),
    ("shop_production.yml", "a: 1\n", "application-and-profile", "shop_production.yml:1"),
    ("production-shop.yml", "a: 1\n", "application-and-profile", "production-shop.yml:1"),
    ("shpo-production.yml", "a: 1\n", "only-profile-files", "shpo-production.yml:1"),
    ("shpo.yml", "a: 1\n", "application-typo", "shpo.yml:1"),
    ("shop.ymal", "a: 1\n", "never-selected", "shop.ymal:1"),
    ("mail/production.yml", "a: 1\n", "never-selected", "mail/production.yml:1"),
    ("shop-staging.yml", "db: {timeout: soon}\n", "other-type", "shop-staging.yml:1"),
    ("shop-staging.yml", "db: {host: db.example.org}\n", "equal-value", "shop-staging.yml:1"),
    ("mail.yml", "spring.config.activate.on-profile: stagin\na: 1\n", "profile-typo", "mail.yml:2"),
    ("shop.yml.bak", "a: 1\n", "never-selected", "shop.yml.bak:1"),
    ("application-eu.yml", "a: ${b}\nb: ${a}\n", "placeholder-cycle", "application-eu.yml:1"),
];

fn clean() -> Folder {
    let folder = Folder::new();
    for (path, text) in CLEAN {
        folder.file(path, text);
    }
    folder
}

fn validate(folder: &Path, args: &[&str]) -> Ran {
    run(layerd(&["validate", "--format", "json"]).args(args).current_dir(folder))
}

fn findings(ran: &Ran) -> Vec<(String, String)> {
    let json: Value = serde_json::from_str(&ran.stdout).unwrap_or_else(|error| panic!("{error}: {ran}"));
    let found = json["findings"].as_array().unwrap().iter();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    found.map(|found| (text(&found["code"]), format!("{}:{}", text(&found["file"]), found["line"]))).collect()
}

#[test]
fn every_planted_mistake_is_found_where_it_is() {
    assert_eq!(findings(&validate(clean().path(), &["--strict"])), []);
    let mut missed = Vec::new();
    for (path, text, code, place) in PLANTED {
        let folder = clean();
        folder.file(path, text);
        let found = findings(&validate(folder.path(), &[]));
        if !found.contains(&(code.to_owned(), place.to_owned())) {
            missed.push(format!("{path} {text:?}: {code} at {place}, found {found:?}"));
        }
    }
    assert!(missed.is_empty(), "{}", missed.join("\n"));
    let codes: BTreeSet<&str> = PLANTED.iter().map(|(_, _, code, _)| *code).collect();
    assert!(codes.len() > 30);
}

#[test]
fn a_change_that_leaves_a_reference_without_its_key_is_an_error() {
    let folder = clean();
    let git = |args: &[&str]| {
        let who = ["-c", "user.name=A", "-c", "user.email=a@example.org", "-c", "init.defaultBranch=main"];
        assert!(Command::new("git").args(who).args(args).current_dir(folder.path()).output().unwrap().status.success());
    };
    folder.file("mail/application.yml", "from: shop@example.org\nport: ${server.port}\n");
    folder.file("shop-staging.yml", "port: ${server.port}\n");
    git(&["init", "--quiet"]);
    git(&["add", "."]);
    git(&["commit", "--quiet", "-m", "first"]);
    folder.file("application.yml", "logging: {level: {root: info}}\npool: {maximum-size: 5}\n");
    let ran = validate(folder.path(), &["--changed-since", "HEAD"]);
    let place = "mail/application.yml:2".to_owned();
    assert_eq!((ran.code, findings(&ran)), (Some(1), vec![("lost-reference".to_owned(), place)]), "{ran}");
    assert_eq!(validate(folder.path(), &[]).code, Some(0), "without a commit to compare with it is no error");
}

#[test]
fn the_page_of_a_code_is_printed() {
    let explain = |code: &str| run(&mut layerd(&["validate", "--explain", code]));
    let page = explain("never-selected");
    assert_eq!(page.code, Some(0));
    assert!(page.stdout.starts_with("warning[never-selected]: no request selects the file\n\nA warning."), "{page}");
    let wrong = explain("never-select");
    assert_eq!((wrong.code, wrong.stdout.as_str()), (Some(2), ""));
    assert_eq!(wrong.stderr, "error: there is no code `never-select`\nhint: did you mean `never-selected`?\n");
}

#[test]
fn what_git_would_store_is_what_is_checked() {
    let folder = clean();
    let git = |args: &[&str]| {
        assert!(Command::new("git").args(args).current_dir(folder.path()).output().unwrap().status.success());
    };
    git(&["init", "--quiet"]);
    folder.file(".gitignore", "shop-local.yml\nnode_modules/\n");
    folder
        .file("shop-local.yml", "a: [\n")
        .file("node_modules/x/application.yml", "a: 1\n")
        .file("shop-eu.yml", "a: [\n");
    assert_eq!(findings(&validate(folder.path(), &[])), [("syntax".to_owned(), "shop-eu.yml:1".to_owned())]);
    folder.file("shop-eu.yml", "eu: 1\n").file(".gitattributes", "shop-eu.yml filter=lfs\nshop.yml -filter\n");
    assert_eq!(findings(&validate(folder.path(), &[])), [("git-filter".to_owned(), "shop-eu.yml:1".to_owned())]);
    // What Git has is checked, even if it would ignore it.
    git(&["add", "--force", "shop-local.yml"]);
    let found = findings(&validate(folder.path(), &[]));
    assert!(found.contains(&("syntax".to_owned(), "shop-local.yml:1".to_owned())), "{found:?}");
}
