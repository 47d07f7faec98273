//! Remotes that are down, empty or private, and mirrors that outlive them.
//!
//! What a refresh answers when all is well is in `refresh.rs`.

use std::fs;
use std::path::{Path, PathBuf};

use crate::harness::eventually;
use crate::harness::folder::Folder;
use crate::harness::git_http::{Behaviour, GitServer};
use crate::harness::repo::Repo;
use crate::harness::server::Server;

/// Base64 of `x-access-token:s3cr3t-t0ken`.
const TOKEN_SENT: &str = "Basic eC1hY2Nlc3MtdG9rZW46czNjcjN0LXQwa2Vu";

/// Base64 of `me:s3cr3t-t0ken`.
const PASSWORD_SENT: &str = "Basic bWU6czNjcjN0LXQwa2Vu";

fn down() -> Behaviour {
    Behaviour::Page("503 Service Unavailable", "text/plain", b"".to_vec())
}

/// A repository behind a server, and a folder for mirrors that outlives the servers that use it.
struct World {
    repo: Repo,
    git: GitServer,
    state: Folder,
}

impl World {
    fn new(behaviour: Behaviour) -> Self {
        let repo = Repo::with(&[("application.yml", "a: 1"), ("app.yml", "b: 2")]);
        let git = GitServer::start(repo.path(), behaviour);
        Self { repo, git, state: Folder::new() }
    }

    fn start(&self, variables: &[(&str, &str)]) -> Server {
        self.start_at(&self.git.url(""), variables)
    }

    fn start_at(&self, url: &str, variables: &[(&str, &str)]) -> Server {
        let launch = Server::launch(&["serve", "--git", url, "--state", self.state.arg()]);
        variables.iter().fold(launch, |launch, (name, value)| launch.env(name, value)).start()
    }

    /// The folder of the one mirror.
    fn mirror(&self) -> PathBuf {
        let mut mirrors = list(&self.state.path().join("mirrors"));
        mirrors.pop().expect("there is a mirror")
    }

    /// Loses everything that the mirror has.
    fn spoil(&self) {
        for generation in list(&self.mirror()).into_iter().filter(|path| path.is_dir()) {
            let objects = generation.join("objects");
            fs::remove_dir_all(&objects).expect("a mirror has objects");
            fs::create_dir_all(objects.join("pack")).expect("a folder in a temporary folder can be made");
        }
    }
}

fn list(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).expect("a folder of this test can be listed");
    entries.map(|entry| entry.expect("a folder of this test can be listed").path()).collect()
}

/// The files below a folder that hold a text.
fn files_with(text: &str, folder: &Path) -> Vec<PathBuf> {
    let (folders, files): (Vec<_>, Vec<_>) = list(folder).into_iter().partition(|path| path.is_dir());
    let holds = |path: &PathBuf| {
        let bytes = fs::read(path).expect("a file of this test can be read");
        bytes.windows(text.len()).any(|window| window == text.as_bytes())
    };
    let below = folders.iter().flat_map(|folder| files_with(text, folder));
    files.into_iter().filter(holds).chain(below).collect()
}

#[test]
fn a_repository_is_fetched_over_http_and_followed() {
    let world = World::new(Behaviour::Serve);
    let server = world.start(&[]);
    server.wait_ready();
    assert_eq!(server.config("app"), "{\"a\":1,\"b\":2}");
    world.repo.file("app.yml", "b: 3").commit();
    assert_eq!(server.refresh().status(), 200);
    assert_eq!(server.config("app"), "{\"a\":1,\"b\":3}");
    assert!(!fs::exists(world.mirror().join("gen-1/app.yml")).unwrap(), "there is a work tree");
}

#[test]
fn a_repository_is_fetched_from_a_file_url() {
    let world = World::new(Behaviour::Serve);
    let server = world.start_at(&format!("file://{}", world.repo.url()), &[]);
    server.wait_ready();
    assert_eq!(server.config("app"), "{\"a\":1,\"b\":2}");
}

#[test]
fn with_the_remote_down_the_mirror_of_an_earlier_run_is_served_and_its_age_told() {
    let world = World::new(Behaviour::Serve);
    let commit = world.repo.file("app.yml", "b: 4").commit();
    let mut server = world.start(&[]);
    server.wait_ready();
    server.terminate();
    let marker = world.mirror().join("fetched");
    let fetched: u64 = fs::read_to_string(&marker).unwrap().parse().unwrap();
    fs::write(&marker, (fetched - 7200).to_string()).unwrap();
    world.git.behave(down());
    let server = world.start(&[]);
    let answer = server.get("/api/v1/config/app");
    assert_eq!((answer.status(), answer.text()), (200, "{\"a\":1,\"b\":4}".to_owned()), "{answer}");
    assert_eq!(answer.header("layerd-version"), Some(&*commit));
    let age: u64 = answer.header("layerd-age").unwrap().parse().unwrap();
    assert!((7200..7260).contains(&age), "{age}");
    assert_eq!(server.get("/health/ready").status(), 200);
    let error = format!(
        "`{}` was not fetched: the server answered 503 Service Unavailable",
        world.git.url("").trim_end_matches('/')
    );
    eventually("the error is in the status", || server.source()["last_error"].as_str() == Some(&error));
    let age = server.source()["age"].as_u64().unwrap();
    assert!((7200..7260).contains(&age), "{age}");
    assert_eq!(server.told("serving what is there already"), 1, "{}", server.stderr());
    world.git.behave(Behaviour::Serve);
    assert_eq!(server.refresh().status(), 200);
    assert!(server.get("/api/v1/config/app").header("layerd-age").unwrap().parse::<u64>().unwrap() < 60);
}

#[test]
fn without_a_mirror_the_server_is_not_ready_says_so_once_and_recovers_by_itself() {
    let world = World::new(down());
    let server = world.start(&[]);
    eventually("it has tried again", || server.source()["failures"].as_u64() >= Some(2));
    let told: Vec<_> = server.stderr().lines().filter(|line| line.contains("WARN")).map(str::to_owned).collect();
    assert_eq!(told.len(), 1, "{told:#?}");
    assert!(told[0].contains("there is nothing to serve until one succeeds"), "{told:#?}");
    assert_eq!(server.get("/health/live").status(), 200);
    for path in ["config/app", "config/app?label=main", "config/app?label=none", "explain/app/dev", "applications"] {
        let answer = server.get(&format!("/api/v1/{path}"));
        assert_eq!((answer.status(), answer.header("retry-after")), (503, Some("5")), "{path}: {answer}");
    }
    let ready = server.get("/health/ready");
    assert_eq!(
        (ready.status_line.as_str(), ready.header("retry-after"), ready.anonymous().as_str()),
        (
            "HTTP/1.1 503 Service Unavailable",
            Some("5"),
            "{\"type\":\"about:blank\",\"title\":\"Service Unavailable\",\"status\":503,\
             \"detail\":\"there is no configuration yet: the source `config` was not read so far\",\"code\":\"not-ready\"}"
        )
    );
    let refreshed = server.refresh();
    assert_eq!((refreshed.status(), refreshed.json()["labels"].to_string()), (502, "[]".to_owned()), "{refreshed}");
    assert_eq!(server.told("fetch failed"), 1, "{}", server.stderr());
    world.git.behave(Behaviour::Serve);
    server.wait_ready();
    assert_eq!(server.config("app"), "{\"a\":1,\"b\":2}");
    assert_eq!(server.told("fetching works again"), 1);
}

#[test]
fn the_first_fetch_that_succeeds_brings_a_label_from_nothing() {
    let world = World::new(Behaviour::Private(TOKEN_SENT.to_owned()));
    let commit = world.repo.file("app.yml", "b: 5").commit();
    world.repo.branch("unasked");
    let server = world.start(&[]);
    // After a refused login it takes a minute until the next fetch by itself.
    eventually("the login is refused", || server.source()["failures"].as_u64() >= Some(1));
    world.git.behave(Behaviour::Serve);
    assert_eq!(
        server.refresh().text(),
        format!(
            "{{\"labels\":[{{\"source\":\"config\",\"label\":\"main\",\"from\":null,\"to\":\"{commit}\",\
             \"files\":[\"app.yml\",\"application.yml\"],\
             \"applications\":[{{\"application\":\"app\",\"profiles\":[\"default\"]}}],\"problems\":[]}}]}}"
        )
    );
}

#[test]
fn a_private_repository_names_the_setting_to_add() {
    let world = World::new(Behaviour::Private(TOKEN_SENT.to_owned()));
    let server = world.start(&[]);
    let hint = "set sources[].credentials (token-file or username and password-file), or LAYERD_GIT_TOKEN";
    let refreshed = server.refresh();
    assert_eq!((refreshed.status(), refreshed.json()["hint"].as_str()), (502, Some(hint)), "{refreshed}");
    assert!(server.source()["last_error"].as_str().is_some_and(|error| error.contains(hint)));
    assert_eq!((server.told("fetch failed"), server.told(hint)), (1, 1), "{}", server.stderr());
    assert_eq!(server.config_status("app"), 503);
}

#[test]
fn a_refused_login_is_told_apart_from_a_missing_one() {
    let world = World::new(Behaviour::Private(TOKEN_SENT.to_owned()));
    let server = world.start(&[("LAYERD_GIT_TOKEN", "wr0ng-t0ken")]);
    let refreshed = server.refresh();
    assert_eq!(
        refreshed.json()["hint"].as_str(),
        Some("renew what sources[].credentials or LAYERD_GIT_TOKEN names; the user needs read access"),
        "{refreshed}"
    );
    assert!(refreshed.json()["detail"].as_str().unwrap().ends_with("the server refused the login (401 Unauthorized)"));
    assert!(!(refreshed.text() + &server.stderr() + &server.get("/api/v1/status").text()).contains("wr0ng"));
}

#[test]
fn tokens_and_passwords_reach_the_remote_and_nobody_else() {
    let files = Folder::new();
    files.private("token", "s3cr3t-t0ken\n");
    let token = format!("{}/token", files.arg());
    let cases: [(&str, &[(&str, &str)]); 4] = [
        (TOKEN_SENT, &[("LAYERD_GIT_TOKEN", "s3cr3t-t0ken")]),
        (TOKEN_SENT, &[("LAYERD_SOURCES__0__CREDENTIALS__TOKEN_FILE", &token)]),
        (
            PASSWORD_SENT,
            &[
                ("LAYERD_SOURCES__0__CREDENTIALS__USERNAME", "me"),
                ("LAYERD_SOURCES__0__CREDENTIALS__PASSWORD_FILE", &token),
            ],
        ),
        (PASSWORD_SENT, &[]),
    ];
    for (sent, variables) in cases {
        let world = World::new(Behaviour::Private(sent.to_owned()));
        let url = world.git.url("");
        let url = if variables.is_empty() { url.replace("//", "//me:s3cr3t-t0ken@") } else { url };
        let server = world.start_at(url.trim_end_matches('/'), variables);
        server.wait_ready();
        assert!(world.git.seen().iter().all(|seen| seen.authorization.as_deref() == Some(sent)), "{variables:?}");
        let mut told = server.config("app");
        for behaviour in
            [down(), Behaviour::Private("other".to_owned()), Behaviour::Page("200 OK", "text/html", b"".to_vec())]
        {
            world.git.behave(behaviour);
            told += &server.refresh().text();
            told += &server.get("/api/v1/status").text();
        }
        told += &server.get("/metrics").text();
        told += &server.stderr();
        for secret in ["s3cr3t", "czNjcjN0"] {
            assert!(!told.contains(secret), "{variables:?}: {told}");
        }
        assert_eq!(files_with("s3cr3t", world.state.path()), [] as [PathBuf; 0], "{variables:?}");
    }
}

#[test]
fn an_empty_repository_is_not_ready_rather_than_unknown() {
    let repo = Repo::new();
    let server = Server::start(&["serve", "--git", repo.url()]);
    let refreshed = server.refresh();
    assert_eq!(refreshed.status(), 502);
    let told = format!("`{}` was not fetched: it has no branch and no tag", repo.url());
    assert_eq!(refreshed.json()["detail"].as_str(), Some(&*told));
    assert_eq!((server.config_status("app"), server.config_status("app?label=main")), (503, 503));
    repo.file("app.yml", "a: 1").commit();
    server.wait_ready();
    assert_eq!(server.config("app"), "{\"a\":1}");
}

#[test]
fn a_remote_whose_refs_are_gone_takes_no_label_away() {
    let world = World::new(Behaviour::Serve);
    world.repo.branch("side");
    let mut server = world.start(&[]);
    server.wait_ready();
    assert_eq!(server.config_status("app?label=side"), 200);
    world.repo.delete_branch("main").delete_branch("side");
    assert_eq!(server.refresh().status(), 502);
    let garbled = b"001e# service=git-upload-pack\n0000".to_vec();
    world.git.behave(Behaviour::Page("200 OK", "application/x-git-upload-pack-advertisement", garbled));
    assert_eq!(server.refresh().status(), 502);
    assert_eq!((server.config_status("app"), server.config_status("app?label=side")), (200, 200));
    server.terminate();
    let server = world.start(&[]);
    assert_eq!((server.config_status("app"), server.config_status("app?label=side")), (200, 200));
}

#[test]
fn a_second_server_on_one_state_folder_refuses_to_start() {
    let world = World::new(Behaviour::Serve);
    let mut first = world.start(&[]);
    first.wait_ready();
    let url = world.git.url("");
    let launch = Server::launch(&["serve", "--git", &url, "--state", world.state.arg()]);
    let refused = launch.try_start().map(|server| server.url()).unwrap_err();
    let told = format!("another layerd uses the folder `{}`", world.mirror().display());
    assert!(refused.stderr.contains(&told), "{refused}");
    assert_ne!(refused.code, Some(0));
    // A server that was killed leaves no lock behind.
    first.kill();
    assert_eq!(world.start(&[]).wait_ready().config_status("app"), 200);
}

#[test]
fn a_damaged_mirror_is_made_anew() {
    let world = World::new(Behaviour::Serve);
    world.start(&[]).wait_ready().config("app");
    world.spoil();
    let server = world.start(&[]);
    server.wait_ready();
    assert_eq!(server.config("app"), "{\"a\":1,\"b\":2}");
    assert_eq!(server.source()["last_error"], serde_json::Value::Null);
}

#[test]
fn a_damaged_mirror_is_503_and_never_404_while_the_remote_is_down() {
    let world = World::new(Behaviour::Serve);
    world.repo.branch("side");
    let commit = world.repo.file("app.yml", "b: 6").commit();
    world.start(&[]).wait_ready().config("app");
    world.spoil();
    world.git.behave(down());
    let server = world.start(&[]);
    for path in ["app", "app?label=main", "app?label=side", &format!("app?label={commit}"), "app?label=none"] {
        assert_eq!(server.config_status(path), 503, "{path}");
    }
    assert_eq!(server.get("/health/ready").status(), 503);
    world.git.behave(Behaviour::Serve);
    server.wait_ready();
    assert_eq!(server.config("app"), "{\"a\":1,\"b\":6}");
    assert_eq!(server.config("app?label=side"), "{\"a\":1,\"b\":2}");
    assert_eq!(server.config_status("app?label=none"), 404);
}

#[test]
fn a_mirror_that_is_damaged_while_it_is_served_is_mended_by_the_next_refresh() {
    let world = World::new(Behaviour::Serve);
    world.repo.on("side").file("app.yml", "c: 8").commit();
    let server = world.start(&[]);
    server.wait_ready();
    world.spoil();
    assert_eq!(server.config("app"), "{\"a\":1,\"b\":2}");
    assert_eq!(server.config_status("app?label=side"), 503);
    assert_eq!(server.refresh().status(), 200);
    assert_eq!(server.config("app?label=side"), "{\"c\":8}");
}

#[test]
fn another_repository_under_the_same_name_does_not_continue_the_mirror() {
    let world = World::new(Behaviour::Serve);
    world.start(&[]).wait_ready().config("app");
    let other = Repo::with(&[("app.yml", "c: 7")]);
    let server = world.start_at(other.url(), &[]);
    server.wait_ready();
    assert_eq!(server.config("app"), "{\"c\":7}");
}

#[test]
fn a_redirect_to_another_host_is_named_and_gets_no_login() {
    let world = World::new(Behaviour::Serve);
    let away = GitServer::start(world.repo.path(), Behaviour::Redirect("/".to_owned(), world.git.url("")));
    let server = world.start_at(&away.url("config.git"), &[("LAYERD_GIT_TOKEN", "s3cr3t-t0ken")]);
    let refreshed = server.refresh();
    let told = refreshed.json()["detail"].as_str().unwrap_or_default().to_owned();
    assert!(told.ends_with("which is not followed"), "{refreshed}");
    assert_eq!(world.git.seen(), []);
}
