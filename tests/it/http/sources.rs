//! Several sources: which one answers, how joined ones come together, sources found at run time, and that a dead one
//! harms only its own.

use std::fs;
use std::path::Path;

use crate::harness::folder::Folder;
use crate::harness::git_http::{Behaviour, GitServer};
use crate::harness::repo::Repo;
use crate::harness::server::{Server, layerd, run};

/// Serves what a settings file says, without waiting for anything.
fn serve(folder: &Folder, settings: &str) -> Server {
    folder.file("layerd.yaml", settings);
    let path = folder.path().join("layerd.yaml");
    let state = folder.path().join("state");
    let settings = path.to_str().expect("the path is text");
    Server::launch(&["serve", "--settings", settings, "--state", state.to_str().expect("the path is text")]).start()
}

/// Copies a repository to where a server of many looks for it.
fn host(repo: &Repo, folder: &Path, name: &str) {
    let (from, to) = (Path::new(repo.url().trim_start_matches("file://")), folder.join(name));
    copy(from, &to);
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("a folder can be made");
    for entry in fs::read_dir(from).expect("the folder can be read") {
        let entry = entry.expect("the folder can be read");
        let target = to.join(entry.file_name());
        match entry.file_type().expect("the file can be looked at").is_dir() {
            true => copy(&entry.path(), &target),
            false => _ = fs::copy(entry.path(), target).expect("the file can be copied"),
        }
    }
}

#[test]
fn the_first_source_that_matches_answers_and_everything_else_is_told_of_all_of_them() {
    let (pay, rest) = (Repo::with(&[("pay.yml", "from: pay")]), Repo::with(&[("application.yml", "from: rest")]));
    let (pay_commit, rest_commit) = (pay.commit(), rest.file("user-dev.yml", "a: [").commit());
    let folder = Folder::new();
    let server = serve(
        &folder,
        &format!(
            "sources:\n  - {{ name: pay, git: '{}', match: [pay, 'pay-*/prod'] }}\n  - {{ name: rest, git: '{}' }}\n",
            pay.url(),
            rest.url()
        ),
    );
    server.wait_ready();
    assert_eq!(server.config("pay/dev"), r#"{"from":"pay"}"#);
    assert_eq!(server.config("pay-x/prod"), "{}");
    assert_eq!(server.config("pay-x/dev"), r#"{"from":"rest"}"#);
    assert_eq!(server.get("/api/v1/config/pay").header("layerd-version"), Some(&*pay_commit));
    assert_eq!(server.get("/api/v1/config/user").header("layerd-version"), Some(&*rest_commit));

    let applications = server.get("/api/v1/applications").json();
    assert_eq!(
        applications["applications"],
        serde_json::json!([
            {"application": "pay", "profiles": ["default"]},
            {"application": "user-dev", "profiles": ["default"]},
        ])
    );
    let problems = server.get("/api/v1/problems").json();
    let told = &problems["problems"][0];
    assert_eq!((told["source"].as_str(), told["file"].as_str()), (Some("rest"), Some("user-dev.yml")), "{problems}");
    let status = server.get("/api/v1/status").json();
    let names: Vec<_> = status["sources"].as_array().expect("a list").iter().map(|source| &source["source"]).collect();
    assert_eq!(names, ["pay", "rest"]);

    let pay_next = pay.file("pay.yml", "from: pay2").commit();
    let refreshed = server.refresh().json();
    let labels = refreshed["labels"].as_array().expect("a list");
    assert_eq!(labels[0]["source"], "pay");
    assert_eq!((labels[0]["to"].as_str(), labels[1]["to"].as_str()), (Some(&*pay_next), Some(&*rest_commit)));
    assert_eq!(server.config("pay/dev"), r#"{"from":"pay2"}"#);
}

#[test]
fn without_a_source_that_matches_it_is_404() {
    let repo = Repo::with(&[("application.yml", "a: 1")]);
    let folder = Folder::new();
    let server = serve(&folder, &format!("sources: [{{ git: '{}', match: ['user*'] }}]\n", repo.url()));
    server.wait_ready();
    assert_eq!(server.config("user-x/dev"), r#"{"a":1}"#);
    let answer = server.get("/api/v1/config/order/dev");
    assert_eq!(answer.status(), 404);
    let expected = r#"{"type":"about:blank","title":"Not Found","status":404,"detail":"no source is there for this application and these profiles","code":"no-source","hint":"the setting `sources[].match` says which source answers for which application""#;
    assert!(answer.text().starts_with(expected), "{answer}");
}

#[test]
fn joined_sources_answer_as_one_and_say_whence_each_value_comes() {
    let strong = Repo::with(&[("application.yml", "from: strong\nlist: [1]")]);
    let weak = Repo::with(&[("user-dev.yml", "from: weak\nonly: here")]);
    let (strong_commit, weak_commit) = (strong.commit(), weak.commit());
    let weak_side = weak.branch("side").on("side").file("user-dev.yml", "only: there").commit();
    let folder = Folder::new();
    let settings = format!(
        "sources:\n  - {{ name: strong, git: '{}', join: next }}\n  - {{ name: weak, git: '{}' }}\n",
        strong.url(),
        weak.url()
    );
    let server = serve(&folder, &settings);
    server.wait_ready();
    let answer = server.get("/api/v1/config/user/dev");
    assert_eq!(answer.text(), r#"{"from":"strong","only":"here","list":[1]}"#);
    assert_eq!(answer.header("layerd-version"), Some(&*format!("{strong_commit},{weak_commit}")));
    assert_eq!(server.config("user/dev?label=side"), r#"{"only":"there","from":"strong","list":[1]}"#);
    let versions = format!("{strong_commit},{weak_side}");
    assert_eq!(server.get("/api/v1/config/user/dev?label=side").header("layerd-version"), Some(&*versions));
    assert_eq!(server.config_status("user/dev?label=none"), 404);

    let explained = server.get("/api/v1/explain/user/dev?key=from").json();
    let expected = serde_json::json!({
        "key": "from", "value": "strong", "file": "application.yml", "line": 1, "column": 7, "document": 0,
        "commit": strong_commit, "source": "strong",
        "hides": [{"value": "weak", "file": "user-dev.yml", "line": 1, "column": 7, "document": 0, "source": "weak"}],
    });
    assert_eq!(explained["keys"][0], expected, "{explained}");
    let sources = server.get("/api/v1/sources/user/dev").json();
    let layers: Vec<_> = sources["sources"].as_array().expect("a list").iter().map(|layer| &layer["source"]).collect();
    assert_eq!(layers, ["weak", "strong"]);

    strong.file("application.yml", "from: newer").commit();
    server.refresh();
    assert_eq!(server.config("user/dev"), r#"{"from":"newer","only":"here"}"#);
}

#[test]
fn a_dead_source_harms_only_its_own() {
    let good = Repo::with(&[("application.yml", "a: 1")]);
    let folder = Folder::new();
    let settings = format!(
        "sources:\n  - {{ name: dead, git: 'http://127.0.0.1:1/x', match: [pay] }}\n  - {{ name: good, git: '{}' }}\n",
        good.url()
    );
    let server = serve(&folder, &settings);
    server.wait_ready();
    assert_eq!(server.config("user/dev"), r#"{"a":1}"#);
    let answer = server.get("/api/v1/config/pay/dev");
    assert_eq!((answer.status(), answer.header("retry-after")), (503, Some("5")), "{answer}");
    let refreshed = server.refresh();
    assert_eq!(refreshed.status(), 502, "{refreshed}");
    assert_eq!(refreshed.json()["labels"][0]["source"], "good");
    good.file("application.yml", "a: 2").commit();
    server.refresh();
    assert_eq!(server.config("user/dev"), r#"{"a":2}"#, "the good one has fetched all the same");
}

#[test]
fn a_name_in_the_path_of_the_url_finds_its_repository() {
    let (user, order) =
        (Repo::with(&[("application.yml", "of: user")]), Repo::with(&[("application.yml", "of: order")]));
    let (folder, hosted) = (Folder::new(), Folder::new());
    host(&user, hosted.path(), "user.git");
    host(&order, hosted.path(), "order.git");
    let remote = GitServer::start(hosted.path(), Behaviour::Serve);
    let settings = format!("sources: [{{ name: teams, git: '{}' }}]\n", remote.url("{application}.git"));
    let mut server = serve(&folder, &settings);
    server.wait_ready();
    assert_eq!(server.config("user/dev"), r#"{"of":"user"}"#);
    assert_eq!(server.config("order/dev"), r#"{"of":"order"}"#);
    let status = server.get("/api/v1/status").json();
    let names: Vec<_> = status["sources"].as_array().expect("a list").iter().map(|source| &source["source"]).collect();
    assert_eq!(names, ["teams:order.git", "teams:user.git"]);

    let absent = server.get("/api/v1/config/nobody/dev");
    assert_eq!((absent.status(), absent.json()["code"].as_str()), (404, Some("no-source")), "{absent}");
    remote.seen();
    assert_eq!(server.config_status("nobody/dev"), 404);
    assert_eq!(remote.seen(), [], "the failure is remembered");

    // With the remote gone, what was found once is found again after a restart.
    drop(server);
    remote.behave(Behaviour::Page("503 Service Unavailable", "text/plain", Vec::new()));
    server = serve(&folder, &settings);
    server.wait_ready();
    assert_eq!(server.config("user/dev"), r#"{"of":"user"}"#);
    let unknown = server.get("/api/v1/config/later/dev");
    assert_eq!((unknown.status(), unknown.json()["code"].as_str()), (503, Some("source-unavailable")), "{unknown}");
}

#[test]
fn bad_a23_a_request_reaches_no_host_but_that_of_the_settings() {
    let hosted = Folder::new();
    let (remote, decoy) =
        (GitServer::start(hosted.path(), Behaviour::Serve), GitServer::start(hosted.path(), Behaviour::Serve));
    let folder = Folder::new();
    let server = serve(&folder, &format!("sources: [{{ git: '{}' }}]\n", remote.url("{application}/{label}")));
    server.wait_ready();
    let authority = decoy.url("");
    let authority = authority.trim_start_matches("http://").trim_end_matches('/');
    for name in [
        format!("@{authority}"),
        format!("evil%23@{authority}"),
        format!("x%3F{authority}"),
        format!("%252e%252e%252f{authority}"),
        format!("x%20{authority}"),
    ] {
        let status = server.config_status(&format!("{name}/dev?label=..%2F..%2F..%2F{authority}"));
        assert!(matches!(status, 400 | 404), "{name}: {status}");
        let status = server.config_status(&format!("{name}/dev"));
        assert!(matches!(status, 400 | 404), "{name}: {status}");
    }
    assert_eq!(decoy.seen(), []);
    for seen in remote.seen() {
        assert!(!format!("{seen:?}").contains(".."), "{seen:?}");
    }
}

#[test]
fn a_placeholder_before_the_path_is_refused_at_the_start() {
    let folder = Folder::new();
    folder.file("layerd.yaml", "sources: [{ git: 'https://{application}.example.org/x' }]\n");
    let path = folder.path().join("layerd.yaml");
    let ran = run(&mut layerd(&["serve", "--settings", path.to_str().expect("the path is text")]));
    assert_eq!(ran.code, Some(78));
    assert!(ran.stderr.contains("has a placeholder before its path"), "{ran}");
}
