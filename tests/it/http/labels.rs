//! Labels: which names are answered, with which commit, and which are not.
//!
//! What a refresh does to them is in `refresh.rs`.

use crate::harness::repo::Repo;
use crate::harness::server::Server;

/// Serves the repository and waits until it is fetched.
fn serve(repo: &Repo) -> Server {
    serve_with(repo, &[])
}

fn serve_with(repo: &Repo, variables: &[(&str, &str)]) -> Server {
    let launch = Server::launch(&["serve", "--git", repo.url()]);
    let server = variables.iter().fold(launch, |launch, (name, value)| launch.env(name, value)).start();
    server.wait_ready();
    server
}

/// The label, the commit and the body of an answer that must be there.
fn answer(server: &Server, label: &str) -> (String, String, String) {
    let answer = server.get(&format!("/api/v1/config/app?label={label}"));
    assert_eq!(answer.status(), 200, "{label}: {answer}");
    let header = |name: &str| answer.header(name).expect("the answer has this header").to_owned();
    (header("layerd-label"), header("layerd-version"), answer.text())
}

fn assert_unknown(server: &Server, label: &str) {
    let answer = server.get(&format!("/api/v1/config/app?label={label}"));
    assert_eq!((answer.status(), answer.json()["code"].as_str()), (404, Some("unknown-label")), "{label}: {answer}");
}

#[test]
fn every_kind_of_label_is_answered_with_its_commit() {
    let repo = Repo::new();
    let first = repo.file("app.yml", "at: first").commit();
    repo.tag("v1").annotated_tag("v1.0").branch("feature/deep/er").branch("größe");
    let second = repo.file("app.yml", "at: second").commit();
    let side = repo.on("feature/deep/er").file("app.yml", "at: side").commit();
    let server = serve(&repo);
    let told =
        |label: &str, commit: &str, at: &str| (label.to_owned(), commit.to_owned(), format!("{{\"at\":\"{at}\"}}"));
    assert_eq!(answer(&server, "main"), told("main", &second, "second"));
    assert_eq!(answer(&server, ""), told("main", &second, "second"));
    assert_eq!(answer(&server, "v1"), told("v1", &first, "first"));
    assert_eq!(answer(&server, "v1.0"), told("v1.0", &first, "first"));
    assert_eq!(answer(&server, "feature/deep/er"), told("feature/deep/er", &side, "side"));
    assert_eq!(answer(&server, "feature%2Fdeep%2Fer"), told("feature/deep/er", &side, "side"));
    assert_eq!(answer(&server, "gr%C3%B6%C3%9Fe"), told("größe", &first, "first"));
    assert_eq!(answer(&server, &first), told(&first, &first, "first"));
    assert_eq!(answer(&server, &side), told(&side, &side, "side"));
    // Once more from memory.
    assert_eq!(answer(&server, &first), told(&first, &first, "first"));
    assert_eq!(answer(&server, "v1.0"), told("v1.0", &first, "first"));
}

#[test]
fn an_answer_says_which_commit_of_which_label_it_is_and_how_old() {
    let repo = Repo::with(&[("application.yml", "a: 1")]);
    let commit = repo.file("app.yml", "b: 2").commit();
    let server = serve(&repo);
    let mut answer = server.get("/api/v1/config/app/production");
    let age = answer.header("layerd-age").and_then(|age| age.parse::<u64>().ok()).expect("the age is a number");
    assert!(age < 30, "{answer}");
    for (name, value) in &mut answer.headers {
        match name.as_str() {
            "layerd-age" => "[age]".clone_into(value),
            "etag" => "[etag]".clone_into(value),
            _ => {}
        }
    }
    assert_eq!(
        answer.to_string(),
        format!(
            "HTTP/1.1 200 OK\n\
             content-type: application/json\n\
             etag: [etag]\n\
             cache-control: private, no-cache\n\
             vary: Authorization, Accept, Accept-Encoding\n\
             layerd-version: {commit}\n\
             layerd-label: main\n\
         layerd-warning: nothing in the repository names the profile `production`\n\
             layerd-age: [age]\n\
             content-length: 13\n\
             x-content-type-options: nosniff\n\
             x-request-id: [id]\n\
             connection: close\n\
             date: [date]\n\n\
             {{\"a\":1,\"b\":2}}"
        )
    );
}

#[test]
fn the_version_moves_with_the_label_even_if_the_content_does_not() {
    let repo = Repo::with(&[("app.yml", "a: 1")]);
    let server = serve(&repo);
    let before = server.get("/api/v1/config/app");
    let etag = before.header("etag").expect("it has one").to_owned();
    let commit = repo.file("README.md", "words").commit();
    server.refresh();
    let after = server.send("GET", "/api/v1/config/app", &[("If-None-Match", &etag)], b"");
    assert_eq!(after.status(), 304, "{after}");
    assert_eq!(after.header("layerd-version"), Some(&*commit));
    assert_ne!(before.header("layerd-version"), Some(&*commit));
}

#[test]
fn a_branch_beats_a_tag_of_its_name() {
    let repo = Repo::with(&[("app.yml", "at: tag")]);
    repo.tag("release").tag("main");
    repo.file("app.yml", "at: branch").commit();
    repo.branch("release");
    let server = serve(&repo);
    assert_eq!(server.config("app?label=release"), "{\"at\":\"branch\"}");
    assert_eq!(server.config("app"), "{\"at\":\"branch\"}");
    repo.delete_branch("release");
    server.refresh();
    assert_eq!(server.config("app?label=release"), "{\"at\":\"tag\"}");
}

#[test]
fn the_default_label_is_the_set_one_or_main_or_master_or_what_the_remote_says() {
    let repo = Repo::new();
    for branch in ["develop", "main", "master"] {
        repo.on(branch).file("app.yml", &format!("at: {branch}")).commit();
    }
    repo.head("develop");
    let default = |variables: &[(&str, &str)]| serve_with(&repo, variables).config("app");
    assert_eq!(default(&[("LAYERD_LABEL", "develop")]), "{\"at\":\"develop\"}");
    assert_eq!(default(&[]), "{\"at\":\"main\"}");
    repo.delete_branch("main");
    assert_eq!(default(&[]), "{\"at\":\"master\"}");
    repo.delete_branch("master");
    assert_eq!(default(&[]), "{\"at\":\"develop\"}");
}

#[test]
fn what_git_would_resolve_but_is_no_label_is_unknown() {
    let repo = Repo::with(&[("app.yml", "a: 1")]);
    let commit = repo.file("app.yml", "a: 2").commit();
    repo.tag("v1");
    let server = serve(&repo);
    let (short, longer) = (&commit[..12], format!("{commit}0"));
    let revisions =
        ["HEAD", "HEAD~1", "main~1", "main%5E", "main%5E%7B%7D", "@", "main@%7B1%7D", ":/Change", "v1~0", "-x"];
    let references =
        ["refs/heads/main", "heads/main", "refs/tags/v1", "tags/v1", "origin/main", "Main", "mai", "main/"];
    let ids = [short, &longer, "0123456789012345678901234567890123456789"];
    for label in revisions.iter().chain(&references).chain(&ids) {
        assert_unknown(&server, label);
    }
    let answer = server.get("/api/v1/config/app?label=refs/heads/main");
    assert_eq!(
        answer.anonymous(),
        "{\"type\":\"about:blank\",\"title\":\"Not Found\",\"status\":404,\
         \"detail\":\"there is no label `refs/heads/main`\",\"code\":\"unknown-label\",\
         \"hint\":\"did you mean `main`? the labels are `main` and `v1`\"}"
    );
    let head = server.send("HEAD", "/api/v1/config/app?label=HEAD", &[], b"");
    assert_eq!((head.status(), head.text()), (404, String::new()));
}

#[test]
fn objects_that_are_no_commits_are_unknown() {
    let repo = Repo::with(&[("app.yml", "a: 1")]);
    repo.annotated_tag("v1");
    let server = serve(&repo);
    let git = git2::Repository::open(repo.path()).unwrap();
    let commit = git.revparse_single("main").unwrap().peel_to_commit().unwrap();
    let blob = commit.tree().unwrap().get_name("app.yml").unwrap().id();
    for id in [commit.tree_id(), blob, git.refname_to_id("refs/tags/v1").unwrap()] {
        assert_unknown(&server, &id.to_string());
    }
}

#[test]
fn labels_that_the_settings_do_not_allow_are_as_unknown_as_their_commits() {
    let repo = Repo::with(&[("app.yml", "at: main")]);
    repo.branch("release/1/x").branch("feature").branch("release-2").tag("v1").tag("release/tag");
    let hidden = repo.on("feature").file("app.yml", "at: feature").commit();
    let server = serve_with(&repo, &[("LAYERD_SOURCES__0__LABELS", "main,release/*")]);
    for label in ["main", "release/1/x", "release/tag"] {
        assert_eq!(server.config(&format!("app?label={label}")), "{\"at\":\"main\"}", "{label}");
    }
    for label in ["feature", "release-2", "v1", "release/", &hidden] {
        assert_unknown(&server, label);
    }
    let listed = server.get("/api/v1/applications").json();
    assert_eq!(listed["labels"], serde_json::json!(["main", "release/1/x", "release/tag"]));
}

#[test]
fn a_default_that_is_not_allowed_is_named_and_nothing_is_404() {
    let repo = Repo::with(&[("app.yml", "a: 1")]);
    let server = Server::launch(&["serve", "--git", repo.url()]).env("LAYERD_SOURCES__0__LABELS", "release/*").start();
    crate::harness::eventually("the mistake is told", || {
        server.source()["last_error"].as_str().is_some_and(|error| {
            error
                == "the source `config` has no label that the setting labels allows\n\
                      hint: set the label that answers when none is asked for"
        })
    });
    for path in ["app", "app?label=main", "app?label=none"] {
        assert_eq!(server.config_status(path), 503, "{path}");
    }
}

#[test]
fn a_commit_is_answered_only_while_a_label_leads_to_it() {
    let repo = Repo::new();
    let first = repo.file("app.yml", "at: first").commit();
    let rewritten = repo.file("app.yml", "at: rewritten").commit();
    repo.branch("side");
    let deleted = repo.on("side").file("app.yml", "at: deleted").commit();
    repo.on("main");
    let server = serve(&repo);
    for commit in [&first, &rewritten, &deleted] {
        assert_eq!(server.config_status(&format!("app?label={commit}")), 200);
    }
    repo.delete_branch("side").force("main", &first);
    repo.file("app.yml", "at: new").commit();
    server.refresh();
    assert_eq!(server.config(&format!("app?label={first}")), "{\"at\":\"first\"}");
    for commit in [&rewritten, &deleted] {
        assert_unknown(&server, commit);
    }
    repo.force("rescue", &deleted);
    server.refresh();
    for commit in [&rewritten, &deleted] {
        assert_eq!(server.config_status(&format!("app?label={commit}")), 200);
    }
}

#[test]
fn every_question_about_an_application_takes_a_label() {
    let repo = Repo::with(&[("app.yml", "at: main")]);
    repo.on("side").file("app.yml", "at: side").file("other.yml", "b: [").commit();
    let server = serve(&repo);
    for path in ["config/app", "explain/app/dev", "sources/app/dev"] {
        let [main, side] = ["", "side"].map(|label| server.get(&format!("/api/v1/{path}?label={label}")).text());
        assert!(main.contains("\"main\"") && !main.contains("side"), "{path}: {main}");
        assert!(side.contains("\"side\""), "{path}: {side}");
        assert_eq!(server.get(&format!("/api/v1/{path}?label=none")).status(), 404, "{path}");
    }
    for path in ["applications", "problems"] {
        let [main, side] = ["", "side"].map(|label| server.get(&format!("/api/v1/{path}?label={label}")).text());
        assert!(!main.contains("other"), "{path}: {main}");
        assert!(side.contains("other"), "{path}: {side}");
        assert_eq!(server.get(&format!("/api/v1/{path}?label=none")).status(), 404, "{path}");
    }
}

#[test]
fn a_label_is_loaded_when_it_is_asked_for_and_kept_fresh_from_then_on() {
    let repo = Repo::with(&[("app.yml", "at: main")]);
    repo.branch("asked").branch("unasked");
    let server = serve(&repo);
    let loaded = || {
        let labels = server.source()["labels"].take();
        labels.as_array().into_iter().flatten().map(|label| label["label"].to_string()).collect::<String>()
    };
    assert_eq!(loaded(), "\"main\"");
    assert_eq!(server.config("app?label=asked"), "{\"at\":\"main\"}");
    assert_eq!(loaded(), "\"asked\"\"main\"");
    repo.on("asked").file("app.yml", "at: asked").commit();
    repo.on("unasked").file("app.yml", "at: unasked").commit();
    let refreshed = server.refresh().json();
    let labels: Vec<_> = refreshed["labels"].as_array().unwrap().iter().map(|label| &label["label"]).collect();
    assert_eq!(labels, ["asked", "main"]);
    assert_eq!(server.config("app?label=asked"), "{\"at\":\"asked\"}");
    // Not loaded, and yet what the last fetch brought.
    assert_eq!(server.config("app?label=unasked"), "{\"at\":\"unasked\"}");
}
