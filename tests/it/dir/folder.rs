//! A plain folder as the source: edits arrive by themselves, and only what is in the folder is served.
//!
//! The folder of the tests themselves is `harness/folder.rs`.

use std::fs;
use std::process::Command;
use std::time::Duration;

use crate::harness::eventually;
use crate::harness::folder::Folder;
use crate::harness::server::Server;

/// An edit is served within a second; the rest is for a busy machine.
const SOON: Duration = Duration::from_millis(1500);

fn served(files: &[(&str, &str)]) -> (Folder, Server) {
    let folder = Folder::new();
    for (path, text) in files {
        folder.file(path, text);
    }
    let server = Server::start(&["serve", folder.arg()]);
    (folder, server)
}

/// Waits until the configuration is this, and not for long.
fn soon(server: &Server, path: &str, text: &str) {
    let took = server.becomes(path, text);
    assert!(took < SOON, "{path} took {took:?}");
}

#[test]
fn edits_arrive_within_a_second() {
    let (folder, server) = served(&[("application.yml", "a: 1"), ("app.yml", "b: 1")]);
    assert_eq!(server.config("app"), "{\"a\":1,\"b\":1}");
    folder.file("app.yml", "b: 2");
    soon(&server, "app", "{\"a\":1,\"b\":2}");
    folder.file("app-dev.yml", "c: 3");
    soon(&server, "app/dev", "{\"a\":1,\"b\":2,\"c\":3}");
    folder.file("deep/application.yml", "d: 4");
    soon(&server, "deep", "{\"a\":1,\"d\":4}");
    folder.file("deep/application.yml", "d: 5");
    soon(&server, "deep", "{\"a\":1,\"d\":5}");
    folder.delete("app.yml");
    soon(&server, "app", "{\"a\":1}");
    folder.delete("deep");
    soon(&server, "deep", "{\"a\":1}");
}

#[test]
fn a_file_that_is_saved_by_renaming_arrives() {
    let (folder, server) = served(&[("app.yml", "a: 1")]);
    for number in 2..4 {
        folder.file(".app.yml.swp", &format!("a: {number}"));
        fs::rename(folder.path().join(".app.yml.swp"), folder.path().join("app.yml")).unwrap();
        soon(&server, "app", &format!("{{\"a\":{number}}}"));
    }
}

#[test]
fn a_mounted_config_map_that_is_swapped_arrives() {
    let folder = Folder::new();
    folder.file("..2026_01/app.yml", "a: 1").file("..2026_01/other.yml", "b: 1");
    folder.symlink("..data", "..2026_01").symlink("app.yml", "..data/app.yml").symlink("other.yml", "..data/other.yml");
    let server = Server::start(&["serve", folder.arg()]);
    assert_eq!(server.config("app"), "{\"a\":1}");
    for number in 2..4 {
        let next = format!("..2026_0{number}");
        folder.file(&format!("{next}/app.yml"), &format!("a: {number}")).file(&format!("{next}/other.yml"), "b: 1");
        folder.symlink("..data", &next);
        folder.delete(&format!("..2026_0{}", number - 1));
        soon(&server, "app", &format!("{{\"a\":{number}}}"));
    }
    assert_eq!(server.get("/api/v1/applications").json()["applications"].as_array().map(Vec::len), Some(2));
}

#[test]
fn a_broken_edit_harms_its_service_only_and_is_mended() {
    let (folder, server) = served(&[("good.yml", "a: 1"), ("bad.yml", "b: 1")]);
    folder.file("bad.yml", "b: [1,\n");
    let ask = || server.get("/api/v1/config/bad");
    eventually("the broken file is seen", || ask().header("layerd-pinned").is_some());
    assert!(ask().header("layerd-pinned").unwrap().starts_with("bad.yml:"), "{}", ask());
    assert_eq!(ask().text(), "{\"b\":1}", "the last answer goes on being served");
    assert_eq!(server.config("good"), "{\"a\":1}");
    assert_eq!(server.get("/health/ready").status(), 200);
    folder.file("bad.yml", "b: [1]\n");
    soon(&server, "bad", "{\"b\":[1]}");
}

#[test]
fn what_is_outside_the_folder_does_not_exist() {
    let outside = Folder::new();
    outside.file("secret.yml", "secret: 1").file("inner/application.yml", "secret: 2");
    let (folder, server) = served(&[("application.yml", "a: 1")]);
    folder.symlink("app.yml", &format!("{}/secret.yml", outside.arg()));
    folder.symlink("inner", &format!("{}/inner", outside.arg()));
    folder
        .symlink("passwd.properties", "/etc/passwd")
        .symlink("loop.yml", "loop.yml")
        .symlink("dangling.yml", "none.yml");
    folder.file("within.yml", "b: 2").symlink("alias.yml", "within.yml");
    soon(&server, "alias", "{\"a\":1,\"b\":2}");
    for application in ["app", "inner", "passwd", "loop", "dangling", "..", "%2e%2e"] {
        let answer = server.get(&format!("/api/v1/config/{application}"));
        assert!(answer.status() != 200 || answer.text() == "{\"a\":1}", "{application}: {answer}");
    }
    let problems = server.get("/api/v1/problems").text();
    assert!(problems.contains("the link leaves the root"), "{problems}");
}

#[test]
fn a_pipe_in_the_folder_blocks_nothing() {
    let folder = Folder::new();
    folder.file("app.yml", "a: 1");
    let pipe = folder.path().join("pipe.yml");
    assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    let server = Server::start(&["serve", folder.arg()]);
    folder.symlink("linked.yml", "pipe.yml").file("app.yml", "a: 2");
    soon(&server, "app", "{\"a\":2}");
    assert_eq!((server.config("pipe"), server.config("linked")), ("{}".to_owned(), "{}".to_owned()));
}

#[test]
fn a_folder_that_is_replaced_whole_goes_on_being_watched() {
    let world = Folder::new();
    world.file("served/app.yml", "a: 1").file("fresh/app.yml", "a: 2");
    let at = |name: &str| world.path().join(name);
    let server = Server::start(&["serve", at("served").to_str().unwrap()]);
    fs::rename(at("served"), at("old")).unwrap();
    fs::rename(at("fresh"), at("served")).unwrap();
    server.becomes("app", "{\"a\":2}");
    world.file("served/app.yml", "a: 3");
    soon(&server, "app", "{\"a\":3}");
    world.delete("served");
    eventually("the folder is missed", || server.source()["last_error"].is_string());
    assert_eq!(server.config("app"), "{\"a\":3}");
    assert_eq!(server.refresh().status(), 502);
    world.file("served/app.yml", "a: 4");
    server.becomes("app", "{\"a\":4}");
    world.file("served/app.yml", "a: 5");
    soon(&server, "app", "{\"a\":5}");
}

#[test]
fn releases_that_are_switched_by_a_link_are_followed() {
    let world = Folder::new();
    world.file("v1/config/app.yml", "a: 1").file("v2/config/app.yml", "a: 2").symlink("current", "v1");
    let server = Server::start(&["serve", &format!("{}/current/config", world.arg())]);
    world.symlink("current", "v2");
    server.becomes("app", "{\"a\":2}");
    world.file("v2/config/app.yml", "a: 3");
    soon(&server, "app", "{\"a\":3}");
}

#[test]
fn a_sub_folder_search_paths_and_ignored_files_are_as_the_settings_say() {
    let folder = Folder::new();
    folder
        .file("application.yml", "outside: 1")
        .file("conf/application.yml", "a: 1")
        .file("conf/shared/app.yml", "b: 2");
    folder
        .file("conf/services/app/application.yml", "c: 3")
        .file("conf/app-dev.yml", "d: 4")
        .symlink("conf/up.yml", "../application.yml");
    let launch = Server::launch(&["serve", folder.arg()]).env("LAYERD_SOURCES__0__PATH", "conf");
    let launch = launch.env("LAYERD_SOURCES__0__SEARCH_PATHS", "shared,services/{application}");
    let server = launch.env("LAYERD_SOURCES__0__IGNORE", "*-dev.yml").start();
    assert_eq!(server.config("app/dev"), "{\"a\":1,\"b\":2,\"c\":3}");
    assert_eq!(server.config("up"), "{\"a\":1}");
    folder.file("conf/app-dev.yml", "d: 5").file("conf/services/app/application.yml", "c: 4");
    soon(&server, "app/dev", "{\"a\":1,\"b\":2,\"c\":4}");
}

#[test]
fn a_folder_has_one_label_and_states_instead_of_commits() {
    let (folder, server) = served(&[("app.yml", "a: 1")]);
    let before = server.get("/api/v1/config/app");
    let version = before.header("layerd-version").unwrap().to_owned();
    assert_eq!((before.header("layerd-label"), version.len()), (Some("main"), 40), "{before}");
    assert_eq!(server.config("app?label=main"), "{\"a\":1}");
    assert_eq!(server.config(&format!("app?label={version}")), "{\"a\":1}");
    assert_eq!(server.config_status("app?label=HEAD"), 404);
    folder.file("app.yml", "a: 2");
    soon(&server, "app", "{\"a\":2}");
    assert_ne!(server.get("/api/v1/config/app").header("layerd-version"), Some(&*version));
    assert_eq!(server.config_status(&format!("app?label={version}")), 404);
}

#[test]
fn a_refresh_of_a_folder_answers_what_it_found() {
    let (folder, server) = served(&[("app.yml", "a: 1")]);
    folder.file("app.yml", "a: 2");
    // The watch may come first.
    assert_eq!(server.refresh().status(), 200);
    assert_eq!(server.config("app"), "{\"a\":2}");
}
