//! Commands that read a repository by the settings of a server: with `--settings` they see what it serves.

use std::path::PathBuf;

use crate::harness::folder::Folder;
use crate::harness::repo::Repo;
use crate::harness::server::{Ran, Server, layerd, run};

/// A folder of configuration below `cfg`, beside a settings file.
fn folder(settings: &str) -> (Folder, PathBuf) {
    let folder = Folder::new();
    folder.file("r/cfg/application.yml", "a: 1\n").file("r/cfg/shared/application.yml", "s: 1\nt: yes\n");
    folder.file("r/cfg/shop/application.yml", "b: 1\n").file("r/cfg/charts/application.yml", "x: {{ y }}\n");
    folder.file("layerd.yaml", settings);
    let repository = folder.path().join("r");
    (folder, repository)
}

fn run_in(folder: &Folder, args: &[&str]) -> Ran {
    run(layerd(args).args(["--settings", "layerd.yaml"]).current_dir(folder.path()))
}

const SPRING: &str = "semantics: spring\nsources:\n  - { name: config, dir: ./r, path: cfg, search-paths: [shared, \"{application}\"], ignore: [\"charts/**\"] }\n";

#[test]
fn every_command_reads_a_repository_as_the_server_with_these_settings() {
    let (folder, _) = folder(SPRING);
    let server = Server::launch(&["serve", "--settings", "layerd.yaml"]).within(folder.path()).start();
    let served = server.config("shop");
    assert_eq!(served, r#"{"a":1,"s":1,"t":true,"b":1}"#);
    assert_eq!(run_in(&folder, &["render", "shop", "--repo", "r"]).stdout, format!("{served}\n"));
    // Also if the folder named is the root itself.
    assert_eq!(run_in(&folder, &["render", "shop", "--repo", "r/cfg"]).stdout, format!("{served}\n"));
    let explained = run_in(&folder, &["explain", "shop", "--repo", "r", "--key", "s"]);
    assert!(explained.stdout.ends_with("\ns = 1\n  shared/application.yml:1:4\n"), "{explained}");
    let clean = run_in(&folder, &["validate", "r"]);
    assert_eq!((clean.stdout.as_str(), clean.code), ("", Some(0)), "{clean}");
    folder.file("r/cfg/shared/application.yml", "password: [\n");
    let broken = run_in(&folder, &["validate", "r"]);
    let told = " --> r/cfg/shared/application.yml:1:11\n";
    assert!(broken.code == Some(1) && broken.stdout.contains(told) && broken.stdout.contains("shop"), "{broken}");
    folder.file("r/cfg/shared/application.yml", "password: hunter2-hunter2\n");
    let audited = run_in(&folder, &["secrets", "audit", "r"]);
    assert_eq!(audited.code, Some(1), "{audited}");
    assert!(audited.stdout.starts_with("shared/application.yml:1:11: password: "), "{audited}");
}

#[test]
fn values_are_sealed_for_the_place_that_the_settings_give_a_file() {
    let (folder, _) =
        folder(&format!("{SPRING}secrets: {{ keys: [ {{ id: one, file: one.key }} ] }}\n").replace("spring", "native"));
    assert_eq!(run(layerd(&["keygen", "--out", "one.key"]).current_dir(folder.path())).code, Some(0));
    folder.file("r/cfg/shared/application.yml", "s: secret\n");
    let sealed = run_in(&folder, &["encrypt", "--in-place", "--root", "r", "r/cfg/shared/application.yml", "s"]);
    assert_eq!((sealed.stdout.as_str(), sealed.code), ("shared/application.yml:1 s is sealed\n", Some(0)), "{sealed}");
    assert_eq!(run_in(&folder, &["render", "shop", "--repo", "r", "--key", "s"]).stdout, "\"secret\"\n");
    let listed = run_in(&folder, &["secrets", "list", "r"]);
    assert!(listed.stdout.starts_with("shared/application.yml:1:4: s  one  prop  opens\n"), "{listed}");
}

#[test]
fn keys_that_are_not_on_this_machine_keep_nothing_from_being_checked() {
    let (folder, _) = folder(
        "sources: [{ dir: r, path: cfg, search-paths: [shared], ignore: ['charts/**'] }]\nsecrets: { keys: [ { id: one, file: /run/secrets/nowhere } ] }\n",
    );
    let checked = run_in(&folder, &["validate", "r"]);
    assert_eq!(checked.code, Some(0), "{checked}");
    let sealing = run_in(&folder, &["secrets", "list", "r"]);
    assert_eq!(sealing.code, Some(78), "{sealing}");
}

#[test]
fn commits_are_compared_and_followed_by_the_settings() {
    let repo = Repo::with(&[("cfg/application.yml", "a: 1\n"), ("cfg/shared/application.yml", "s: 1\n")]);
    repo.file("cfg/shop/application.yml", "b: 1\n").commit();
    let before = repo.commit();
    repo.file("cfg/shared/application.yml", "s: 2\n").commit();
    let folder = Folder::new();
    let settings = format!("sources: [{{ git: '{}', path: cfg, search-paths: [shared] }}]\n", repo.url());
    folder.file("layerd.yaml", &settings);
    let compared = run_in(&folder, &["diff", &before, "main", "--repo", repo.url()]);
    assert!(
        compared.stdout.contains("shop (default)\n") && !compared.stdout.contains("shared (default)"),
        "{compared}"
    );
    let history = run_in(&folder, &["history", "shop", "default", "s", "--repo", repo.url()]);
    assert!(history.stdout.contains("  1 -> 2\n"), "{history}");
}

#[test]
fn the_source_of_a_repository_is_named_if_nothing_else_tells_which_it_is() {
    let (folder, _) = folder(
        "sources:\n  - { name: one, git: 'https://h/x', path: cfg, match: [x] }\n  - { name: two, git: 'https://h/y', path: cfg, search-paths: [shared], ignore: ['charts/**'] }\n",
    );
    let unclear = run_in(&folder, &["render", "shop", "--repo", "r"]);
    let told = "error: the settings read their sources in different ways, and it is not clear which one this is\n\
                hint: name it with --source; the sources are `one`, `two`\n";
    assert_eq!((unclear.code, unclear.stderr.as_str()), (Some(2), told));
    let named = run_in(&folder, &["render", "shop", "--repo", "r", "--source", "two", "--key", "s"]);
    assert_eq!(named.stdout, "1\n", "{named}");
    assert_eq!(run_in(&folder, &["render", "shop", "--repo", "r", "--source", "three"]).code, Some(2));
}
