//! The command line against a running server and against repositories: what is printed where, and the exit code.

use std::time::Duration;

use crate::harness::folder::Folder;
use crate::harness::repo::Repo;
use crate::harness::server::{Ran, Server, layerd, run};

fn asked(server: &Server, args: &[&str]) -> Ran {
    run(layerd(args).env("LAYERD_URL", server.url()))
}

fn printed(ran: &Ran) -> (Option<i32>, &str, &str) {
    (ran.code, &ran.stdout, &ran.stderr)
}

#[test]
fn a_running_server_is_asked() {
    let folder = Folder::new();
    folder.file("application.yml", "a: 1\n").file("user.yml", "b: ${X:y}\nlist: [1]\n").file("broken.yml", "a: [\n");
    let server = Server::start(&["serve", folder.arg()]);
    assert_eq!(printed(&asked(&server, &["get", "user"])), (Some(0), "{\"a\":1,\"b\":\"${X:y}\",\"list\":[1]}\n", ""));
    let all = asked(&server, &["get", "user", "--format", "properties", "--resolve", "all"]);
    assert_eq!(printed(&all), (Some(0), "a=1\nb=y\nlist[0]=1\n", ""));
    assert_eq!(printed(&asked(&server, &["get", "user", "--key", "a"])), (Some(0), "1\n", ""));
    let absent = asked(&server, &["get", "user", "--key", "nope"]);
    assert_eq!(printed(&absent), (Some(1), "", "error: there is no key `nope`\n"));
    let unknown = asked(&server, &["get", "user", "--label", "nope"]);
    assert_eq!((unknown.code, unknown.stdout.as_str()), (Some(1), ""));
    let broken = asked(&server, &["get", "broken"]);
    let told = "error: a bracket is not closed\n  at broken.yml:1:4\n\
                hint: mend the file and commit it; answers that do not need the file are not touched\n";
    assert_eq!(printed(&broken), (Some(3), "", told));
    assert_eq!(printed(&asked(&server, &["health"])).0, Some(0));
}

#[test]
fn explain_prints_the_same_from_a_server_and_from_a_folder() {
    let folder = Folder::new();
    folder.file("application.yml", "a: 1\n").file("user.yml", "a: 2\n");
    let server = Server::start(&["serve", folder.arg()]);
    let served = asked(&server, &["explain", "user"]);
    let read = run(&mut layerd(&["explain", "user", "--repo", folder.arg()]));
    assert_eq!(served, read);
    assert!(served.stdout.ends_with("\na = 2\n  user.yml:1:4\n  hides 1 application.yml:1:4\n"), "{served}");
}

#[test]
fn refresh_prints_what_changed() {
    let repo = Repo::with(&[("user/application.yml", "a: 1\n")]);
    let first = repo.commit();
    let server = Server::start(&["serve", "--git", repo.url()]);
    server.wait_ready();
    let second = repo.file("user/application.yml", "a: 2\n").commit();
    let refreshed = asked(&server, &["refresh"]);
    assert_eq!(refreshed.code, Some(0), "{refreshed}");
    for part in [&first[..7], &second[..7], "user/application.yml", "user"] {
        assert!(refreshed.stdout.contains(part), "{part} is not in {refreshed}");
    }
}

#[test]
fn a_label_of_a_working_tree_is_rendered_from_its_history() {
    let repo = Repo::with(&[("user.yml", "a: 1\n")]);
    let first = repo.commit();
    repo.file("user.yml", "a: 2\n").commit();
    let rendered = |args: &[&str]| run(layerd(&["render", "user", "--repo", repo.url()]).args(args));
    assert_eq!(printed(&rendered(&[])), (Some(0), "{\"a\":2}\n", ""));
    assert_eq!(printed(&rendered(&["--label", &first])), (Some(0), "{\"a\":1}\n", ""));
    assert_eq!(printed(&rendered(&["--label", "nope"])).0, Some(1));
    assert_eq!(printed(&rendered(&["--label", &first[..9]])).0, Some(1));
}

#[test]
fn a_server_that_cannot_start_says_what_it_looked_for() {
    let wrong = run(&mut layerd(&["serve", "/nowhere", "--listen", "127.0.0.1:0"]));
    let told = "error: source `config`: `/nowhere` cannot be read: No such file or directory (os error 2)\n\
                hint: name the folder that holds `application.yml`, `SERVICE.yml` or `SERVICE/application.yml`\n";
    assert_eq!(printed(&wrong), (Some(78), "", told));
    let open = run(&mut layerd(&["serve", "/nowhere", "--listen", "0.0.0.0:0"]));
    assert_eq!(open.code, Some(78));
    assert!(open.stderr.contains("http: { insecure-open: true }"), "{open}");
    let folder = Folder::new();
    let taken = Server::start(&["serve", folder.arg()]);
    let refused = run(&mut layerd(&["serve", folder.arg(), "--listen", taken.address()]));
    assert_eq!(refused.code, Some(78));
    assert!(refused.stderr.contains(taken.address()), "{refused}");
}

#[test]
fn an_empty_folder_is_served_with_a_word_about_what_is_missing() {
    let folder = Folder::new();
    let server = Server::start(&["serve", folder.arg()]);
    assert_eq!(server.get("/api/v1/config/user").text(), "{}");
    assert_eq!(server.told("looked for `application.yml`, `SERVICE.yml` and `SERVICE/application.yml`"), 1);
}

#[test]
fn signals_end_the_server_cleanly_or_make_it_fetch() {
    let repo = Repo::with(&[("user.yml", "a: 1\n")]);
    repo.commit();
    let mut server = Server::start(&["serve", "--git", repo.url()]);
    server.wait_ready();
    repo.file("user.yml", "a: 2\n").commit();
    server.signal("HUP");
    crate::harness::eventually("the new commit is served", || server.get("/api/v1/config/user").text() == "{\"a\":2}");
    let begun = std::time::Instant::now();
    assert_eq!(server.terminate().code(), Some(0));
    assert!(begun.elapsed() < Duration::from_secs(5));
}

#[test]
fn a_server_beyond_loopback_must_be_wanted() {
    let folder = Folder::new();
    folder.file("user.yml", "a: 1\n");
    let server = Server::start(&["serve", folder.arg(), "--listen", "0.0.0.0:0", "--insecure-open"]);
    let answer = server.send("GET", "/api/v1/config/user", &[("Host", "config.example.org")], b"");
    assert_eq!((answer.status(), answer.text().as_str()), (200, "{\"a\":1}"));
}
