//! What is checked is what is served: every address of every fixture repository, from a server over HTTP and from `layerd
//! render`, with settings in the repository, in the settings file, and in both.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::harness::folder::Folder;
use crate::harness::repo::Repo;
use crate::harness::server::{Ran, Server, layerd, run};

const READING: [(&str, &str); 2] = [
    ("native", "path: cfg\nsearch-paths: [shared, \"{application}\"]\nignore: [\"charts/**\"]\nschemas: enforce\n"),
    ("spring", "path: cfg\nsearch-paths: [shared, \"{application}\"]\nignore: [\"charts/**\"]\nschemas: \"off\"\n"),
];

/// Where the settings are.
#[derive(Debug, Clone, Copy)]
enum Said {
    Repository,
    SettingsFile,
    Both,
}

/// A fixture as the sub-folder of a repository, and the settings file of a server for it.
fn world(fixture: &str, (semantics, reading): (&str, &str), said: Said) -> Folder {
    let folder = Folder::new();
    copy(&Path::new(env!("CARGO_MANIFEST_DIR")).join(fixture), &folder.path().join("r/cfg"));
    folder.file("r/cfg/shared/application.yml", "shared: 1\n").file("r/cfg/charts/application.yml", "x: {{ y }}\n");
    folder.file("r/other/application.yml", "never: 1\n");
    if !matches!(said, Said::SettingsFile) {
        folder.file("r/.layerd.yaml", &format!("semantics: {semantics}\n{reading}"));
    }
    let source = match said {
        Said::Repository => String::new(),
        Said::SettingsFile | Said::Both => reading.lines().map(|line| format!("    {line}\n")).collect(),
    };
    let semantics = if source.is_empty() { String::new() } else { format!("semantics: {semantics}\n") };
    folder.file("layerd.yaml", &format!("{semantics}sources:\n  - dir: r\n{source}"));
    folder
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap().map(Result::unwrap) {
        let target = to.join(entry.file_name());
        match entry.file_type().unwrap().is_dir() {
            true => copy(&entry.path(), &target),
            false => drop(fs::copy(entry.path(), target).unwrap()),
        }
    }
}

fn render(folder: &Folder, application: &str, profile: &str) -> Ran {
    let args = ["render", application, profile, "--repo", "r", "--settings", "layerd.yaml"];
    run(layerd(&args).current_dir(folder.path()))
}

/// Every application with every profile, and one that nothing names.
fn addresses(server: &Server) -> Vec<(String, String)> {
    let listed = server.get("/api/v1/applications").json();
    let mut addresses = vec![("nobody".to_owned(), "default".to_owned())];
    for listed in listed["applications"].as_array().unwrap() {
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        let profiles = listed["profiles"].as_array().unwrap().iter().map(text);
        addresses.extend(profiles.map(|profile| (text(&listed["application"]), profile)));
    }
    addresses
}

fn fixtures() -> Vec<String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let folders = fs::read_dir(root.join("tests/fixtures/validate")).unwrap();
    let paths: Vec<PathBuf> = folders.map(|entry| entry.unwrap().path()).collect();
    let names = paths.iter().map(|path| path.file_name().unwrap().to_str().unwrap());
    let chosen = names.filter(|name| name.starts_with("valid-") || ["syntax", "schema-violation"].contains(name));
    let chosen = chosen.map(|name| format!("tests/fixtures/validate/{name}"));
    chosen.chain(["config-repo-example".to_owned()]).collect()
}

#[test]
fn every_address_of_every_fixture_is_served_and_rendered_alike() {
    let (mut compared, mut refused) = (0, 0);
    for fixture in fixtures() {
        let is_layout = fixture.contains("layout") || fixture == "config-repo-example";
        for reading in READING.into_iter().filter(|(semantics, _)| *semantics == "native" || is_layout) {
            let mut before: Option<Vec<(u16, String)>> = None;
            for said in [Said::Repository, Said::SettingsFile, Said::Both] {
                let folder = world(&fixture, reading, said);
                let server = Server::launch(&["serve", "--settings", "layerd.yaml"]).within(folder.path()).start();
                server.wait_ready();
                let mut answers = Vec::new();
                for (application, profile) in addresses(&server) {
                    let served = server.get(&format!("/api/v1/config/{application}/{profile}"));
                    let rendered = render(&folder, &application, &profile);
                    let about = format!("{fixture} {said:?} {application} {profile}: {served}\n{rendered}");
                    match served.status() {
                        200 => assert_eq!(rendered.stdout, format!("{}\n", served.text()), "{about}"),
                        status => assert!(rendered.code == Some(1) && [500, 503].contains(&status), "{about}"),
                    }
                    compared += 1;
                    refused += usize::from(served.status() != 200);
                    answers.push((served.status(), if served.status() == 200 { served.text() } else { String::new() }));
                }
                assert!(answers.len() > 1, "{fixture} {said:?}");
                if let Some(before) = &before {
                    assert_eq!(&answers, before, "{fixture} {reading:?} {said:?}");
                }
                before = Some(answers);
            }
        }
    }
    assert!(compared > 100 && refused > 0, "{compared} compared, {refused} refused");
}

#[test]
fn a_git_repository_says_itself_how_each_of_its_commits_is_read() {
    let repo = Repo::with(&[("application.yml", "a: 1\n"), ("cfg/application.yml", "a: 2\n")]);
    repo.file("cfg/common/application.yml", "c: 3\n");
    let before = repo.commit();
    repo.file(".layerd.yaml", "path: cfg\nsearch-paths: [common]\n").commit();
    let server = Server::start(&["serve", "--git", repo.url()]);
    server.wait_ready();
    let rendered = |label: &str| run(&mut layerd(&["render", "x", "--repo", repo.url(), "--label", label])).stdout;
    for (label, expected) in [("main", r#"{"a":2,"c":3}"#), (before.as_str(), r#"{"a":1}"#)] {
        assert_eq!(server.config(&format!("x?label={label}")), expected);
        assert_eq!(rendered(label), format!("{expected}\n"));
    }
    let history = server.get("/api/v1/history/x/default?key=a").json();
    let changes: Vec<_> = history["commits"]
        .as_array()
        .unwrap()
        .iter()
        .map(|commit| (commit["from"].clone(), commit["to"].clone()))
        .collect();
    assert_eq!(changes, [(1.into(), 2.into()), (Value::Null, 1.into())], "{history}");
    let compared = run(&mut layerd(&["diff", &before, "main", "--repo", repo.url()]));
    assert!(compared.stdout.contains("  ~ a = 1 -> 2\n"), "{compared}");
    // The server's own settings put the root below the file, which is heeded all the same.
    let folder = Folder::new();
    folder.file("layerd.yaml", &format!("sources: [{{ git: '{}', path: cfg }}]\n", repo.url()));
    let server = Server::launch(&["serve", "--settings", "layerd.yaml"]).within(folder.path()).start();
    server.wait_ready();
    assert_eq!(server.config("x"), r#"{"a":2,"c":3}"#);
}

#[test]
fn while_the_file_is_broken_the_last_commit_that_can_be_read_is_served() {
    let repo = Repo::with(&[("cfg/shop.yml", "a: 1\n"), (".layerd.yaml", "path: cfg\n")]);
    let good = repo.commit();
    let server = Server::start(&["serve", "--git", repo.url()]);
    server.wait_ready();
    repo.file("cfg/shop.yml", "a: 2\n").file(".layerd.yaml", "path: cfg\nserch-paths: [x]\n").commit();
    server.refresh();
    for address in ["shop/default", "nobody/eu"] {
        let answer = server.get(&format!("/api/v1/config/{address}"));
        assert_eq!((answer.status(), answer.header("layerd-version")), (200, Some(&*good)), "{answer}");
        let reason = "`serch-paths` is not a setting of a repository";
        assert!(answer.header("layerd-pinned").is_some_and(|told| told.contains(reason)), "{answer}");
    }
    assert_eq!(server.config("shop"), r#"{"a":1}"#);
    let problem = server.get("/api/v1/problems").json()["problems"][0].clone();
    assert_eq!((problem["file"].as_str(), problem["line"].as_u64()), (Some(".layerd.yaml"), Some(2)), "{problem}");
    let checked = run(&mut layerd(&["validate", repo.url(), "--label", "main"]));
    assert_eq!(checked.code, Some(1));
    assert!(checked.stdout.starts_with("error[repository-settings]: `serch-paths` is not"), "{checked}");
    assert!(checked.stdout.contains(".layerd.yaml:2:1\n"), "{checked}");
    // A server that has never seen the good commit finds it as well.
    let fresh = Server::start(&["serve", "--git", repo.url()]);
    fresh.wait_ready();
    assert_eq!(fresh.config("shop"), r#"{"a":1}"#);
    repo.file(".layerd.yaml", "path: cfg\n").commit();
    server.refresh();
    assert_eq!(server.config("shop"), r#"{"a":2}"#);
}

#[test]
fn a_folder_whose_file_is_broken_goes_on_as_it_was() {
    let folder = Folder::new();
    folder.file("cfg/shop.yml", "a: 1\n").file(".layerd.yaml", "path: cfg\n");
    let server = Server::start(&["serve", folder.arg()]);
    assert_eq!(server.config("shop"), r#"{"a":1}"#);
    folder.file(".layerd.yaml", "path: [\n").file("cfg/shop.yml", "a: 2\n");
    crate::harness::eventually("the problem is there", || {
        server.refresh();
        server.get("/api/v1/problems").text().contains(".layerd.yaml")
    });
    assert_eq!(server.config("shop"), r#"{"a":1}"#);
    assert_eq!(server.config("nobody"), "{}");
}

#[test]
fn the_settings_of_the_server_win_and_that_is_told() {
    let repo = Repo::with(&[("a/application.yml", "a: 1\n"), ("b/application.yml", "b: 1\n")]);
    repo.file(".layerd.yaml", "search-paths: [a]\nlimits: { file: 9MiB, depth: 8 }\n").commit();
    let folder = Folder::new();
    folder.file("layerd.yaml", &format!("sources: [{{ git: '{}', search-paths: [b] }}]\n", repo.url()));
    let server = Server::launch(&["serve", "--settings", "layerd.yaml"]).within(folder.path()).start();
    server.wait_ready();
    assert_eq!(server.config("x"), r#"{"b":1}"#);
    let status = server.get("/api/v1/status").json();
    let settings = &status["sources"][0]["labels"][0]["settings"];
    let expected = serde_json::json!({"in_force": ["limits"], "overridden": ["search-paths", "limits"]});
    assert_eq!(settings, &expected, "{status}");
    let told = "`search-paths` is set by the server as well, in another way, and the server wins";
    assert!(server.get("/api/v1/problems").text().contains(told));
    crate::harness::eventually("it is logged", || server.stderr().contains(told));
    let args = ["validate", repo.url(), "--label", "main", "--settings", "layerd.yaml", "--format", "json"];
    let checked = run(layerd(&args).current_dir(folder.path()));
    assert!(
        checked.stdout.contains(r#""code":"setting-overridden","severity":"info","file":".layerd.yaml","line":1"#),
        "{checked}"
    );
    let shown = run(layerd(&["settings", "--settings", "layerd.yaml"]).current_dir(folder.path()));
    assert!(shown.stdout.contains("search-paths: [\"b\"]  # layerd.yaml:1:"), "{shown}");
    assert!(shown.stdout.contains(", also over `.layerd.yaml`\n"), "{shown}");
}

#[test]
fn a_repository_narrows_what_is_served_and_widens_nothing() {
    let repo = Repo::with(&[("application.yml", "a: 1\n"), ("deep.yml", "a: {b: {c: {d: 1}}}\n")]);
    let lowered = "labels: [main, \"v*\"]\nlimits: { depth: 3 }\n";
    repo.file(".layerd.yaml", lowered).commit();
    repo.branch("next").tag("v1");
    let server = Server::start(&["serve", "--git", repo.url()]);
    server.wait_ready();
    assert_eq!(server.config_status("x?label=v1"), 200);
    assert_eq!(server.config_status("x?label=next"), 404);
    assert_eq!((server.config_status("x"), server.config_status("deep")), (200, 500));
    for wrong in ["path: ../r", "path: /etc", "search-paths: [\"../x\"]", "secrets: {}", "sources: []", "match: [x]"] {
        let folder = Folder::new();
        folder.file("application.yml", "a: 1\n").file(".layerd.yaml", &format!("{wrong}\n"));
        let checked = run(&mut layerd(&["validate", folder.arg(), "--format", "json"]));
        assert_eq!(checked.code, Some(1), "{wrong}: {checked}");
        assert!(checked.stdout.contains(r#""code":"repository-settings""#), "{wrong}: {checked}");
        let rendered = run(&mut layerd(&["render", "x", "--repo", folder.arg()]));
        assert_eq!((rendered.code, rendered.stdout.as_str()), (Some(1), ""), "{wrong}: {rendered}");
    }
}

#[test]
fn findings_lead_to_the_files_and_rules_may_stand_beside_the_settings() {
    let folder = Folder::new();
    folder.file("cfg/application.yml", "a: 1\nx: on\n").file("cfg/shop.yml", "b: [\n");
    folder.file(".layerd.yaml", "path: cfg\nseverities:\n  yaml-1-1: off\n");
    let checked = run(&mut layerd(&["validate", folder.arg()]));
    assert!(checked.stdout.contains(&format!(" --> {}/cfg/shop.yml:1:4\n  |\n1 | b: [\n", folder.arg())), "{checked}");
    assert!(!checked.stdout.contains("yaml-1-1"), "{checked}");
    // The old name goes on being read; where both say something, this file counts.
    folder.file("cfg/.layerd-check.yaml", "severities:\n  yaml-1-1: error\n  syntax: off\n");
    let checked = run(&mut layerd(&["validate", folder.arg()]));
    assert_eq!((checked.stdout.as_str(), checked.code), ("", Some(0)), "{checked}");
    let audited = run(&mut layerd(&["secrets", "audit", folder.arg()]));
    assert!(audited.stderr.contains("shop.yml"), "{audited}");
}
