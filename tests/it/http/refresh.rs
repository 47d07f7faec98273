//! Freshness: what a refresh does, what it answers, and what sets one off.
//!
//! A remote that is down or wants a login is in `remote.rs`.

use std::fs;
use std::io::{Read, Write};

use crate::harness::eventually;
use crate::harness::exchange::Exchange;
use crate::harness::git_http::{Behaviour, GitServer};
use crate::harness::repo::Repo;
use crate::harness::server::Server;

/// The shared files and two services that most tests begin with.
const FILES: [(&str, &str); 5] = [
    ("application.yml", "shared: 1"),
    ("application-staging.yml", "staging: 1"),
    ("order.yml", "order: 1"),
    ("user/application.yml", "user: 1"),
    ("user/application-production.yml", "production: 1"),
];

fn serve(repo: &Repo) -> Server {
    let server = Server::start(&["serve", "--git", repo.url()]);
    server.wait_ready();
    server
}

/// The answer of a refresh that knows these labels.
fn refreshed(labels: &[String]) -> String {
    format!("{{\"labels\":[{}]}}", labels.join(","))
}

/// A label that moved; commits without quotes, `-` for none, files and `application:profile,profile` with spaces between.
fn moved(label: &str, from: &str, to: &str, files: &str, applications: &str) -> String {
    let id = |id: &str| if id == "-" { "null".to_owned() } else { format!("\"{id}\"") };
    let quoted = |list: &str, separator| {
        let items = list.split(separator).filter(|item| !item.is_empty()).map(|item| format!("\"{item}\""));
        items.collect::<Vec<_>>().join(",")
    };
    let applications = applications.split(' ').filter_map(|application| application.split_once(':'));
    let applications = applications
        .map(|(name, profiles)| format!("{{\"application\":\"{name}\",\"profiles\":[{}]}}", quoted(profiles, ',')));
    format!(
        "{{\"source\":\"config\",\"label\":\"{label}\",\"from\":{},\"to\":{},\"files\":[{}],\"applications\":[{}],\
         \"problems\":[]}}",
        id(from),
        id(to),
        quoted(files, ' '),
        applications.collect::<Vec<_>>().join(",")
    )
}

#[test]
fn a_refresh_answers_which_files_changed_and_whom_that_touches() {
    let repo = Repo::new();
    for (path, text) in FILES {
        repo.file(path, text);
    }
    let mut before = repo.commit();
    let server = serve(&repo);
    assert_eq!(server.refresh().text(), refreshed(&[moved("main", &before, &before, "", "")]));
    let mut refresh = |files: &str, applications: &str| {
        let after = repo.commit();
        assert_eq!(server.refresh().text(), refreshed(&[moved("main", &before, &after, files, applications)]));
        before = after;
    };
    repo.file("order.yml", "order: 2");
    refresh("order.yml", "order:default,staging");
    repo.file("application.yml", "shared: 2");
    refresh("application.yml", "order:default,staging user:default,production,staging");
    repo.file("user/application-production.yml", "production: 2");
    refresh("user/application-production.yml", "user:production");
    repo.file("application-staging.yml", "staging: 2");
    refresh("application-staging.yml", "order:staging user:staging");
    repo.file("order.yml", "# why\norder: 2");
    refresh("order.yml", "");
    repo.file("docs/notes.md", "words");
    refresh("docs/notes.md", "");
    repo.delete("order.yml").file("billing/application.yml", "billing: 1");
    refresh("billing/application.yml order.yml", "billing:default,staging order:default,staging");
    refresh("", "");
    assert_eq!(server.config("billing/staging"), "{\"shared\":2,\"staging\":2,\"billing\":1}");
    assert_eq!(server.config("order"), "{\"shared\":2}");
}

#[test]
fn a_refresh_is_one_exchange_under_each_of_its_names() {
    let repo = Repo::new();
    let commit = repo.file("app.yml", "a: 1").commit();
    let server = serve(&repo);
    let body = refreshed(&[moved("main", &commit, &commit, "", "")]);
    for path in ["/api/v1/refresh", "/refresh", "/actuator/refresh"] {
        assert_eq!(
            server.send("POST", path, &[], b"").to_string(),
            format!(
                "HTTP/1.1 200 OK\ncontent-type: application/json\ncache-control: no-store\ncontent-length: {}\n\
                 x-content-type-options: nosniff\nx-request-id: [id]\nconnection: close\ndate: [date]\n\n{body}",
                body.len()
            )
        );
    }
}

#[test]
fn rewritten_branches_and_moved_tags_are_followed() {
    let repo = Repo::new();
    let first = repo.file("app.yml", "at: first").commit();
    let second = repo.file("app.yml", "at: second").commit();
    repo.annotated_tag("v1");
    let server = serve(&repo);
    assert_eq!(server.config("app?label=v1"), "{\"at\":\"second\"}");
    repo.force("main", &first).tag("v1");
    assert_eq!(
        server.refresh().text(),
        refreshed(&[
            moved("main", &second, &first, "app.yml", "app:default"),
            moved("v1", &second, &first, "app.yml", "app:default")
        ])
    );
    assert_eq!(
        (server.config("app"), server.config("app?label=v1")),
        ("{\"at\":\"first\"}".into(), "{\"at\":\"first\"}".into())
    );
    let unrelated = repo.delete_branch("main").on("main").file("app.yml", "at: unrelated").commit();
    assert_eq!(
        server.refresh().text(),
        refreshed(&[moved("main", &first, &unrelated, "app.yml", "app:default"), moved("v1", &first, &first, "", "")])
    );
    assert_eq!(server.config("app"), "{\"at\":\"unrelated\"}");
}

#[test]
fn a_deleted_branch_is_told_once_and_then_unknown() {
    let repo = Repo::new();
    let main = repo.file("app.yml", "at: main").commit();
    let side = repo.on("side").file("app.yml", "at: side").commit();
    let server = serve(&repo);
    assert_eq!(server.config("app?label=side"), "{\"at\":\"side\"}");
    repo.delete_branch("side");
    let unmoved = moved("main", &main, &main, "", "");
    let gone = moved("side", &side, "-", "app.yml", "app:default");
    assert_eq!(server.refresh().text(), refreshed(&[unmoved.clone(), gone]));
    assert_eq!(server.config_status("app?label=side"), 404);
    assert_eq!(server.refresh().text(), refreshed(&[unmoved]));
    assert_eq!(server.told("the label is gone from the source"), 1, "{}", server.stderr());
}

#[test]
fn a_default_label_that_is_gone_is_served_on_with_an_alert_until_it_is_back() {
    let repo = Repo::new();
    let main = repo.file("app.yml", "at: main").commit();
    let other = repo.on("other").file("app.yml", "at: other").commit();
    repo.head("other");
    let server = serve(&repo);
    repo.delete_branch("main");
    for _ in 0..3 {
        assert_eq!(server.refresh().text(), refreshed(&[moved("main", &main, &main, "", "")]));
    }
    for path in ["app", "app?label=main", &format!("app?label={main}")] {
        assert_eq!(server.config(path), "{\"at\":\"main\"}", "{path}");
    }
    assert_eq!(server.config(&format!("app?label={other}")), "{\"at\":\"other\"}");
    let alert = "the default label is gone from the source";
    assert_eq!((server.told(alert), server.source()["default_label_vanished"].as_bool()), (1, Some(true)));
    let back = repo.on("main").file("app.yml", "at: back").commit();
    assert_eq!(server.refresh().text(), refreshed(&[moved("main", &main, &back, "app.yml", "app:default")]));
    assert_eq!(server.config("app"), "{\"at\":\"back\"}");
    assert_eq!((server.told(alert), server.source()["default_label_vanished"].as_bool()), (1, Some(false)));
    assert_eq!(server.told("the default label is there again"), 1);
}

#[test]
fn a_failed_fetch_is_502_with_the_labels_as_they_still_are() {
    let repo = Repo::new();
    let first = repo.file("app.yml", "a: 1").commit();
    let server = serve(&repo);
    let second = repo.file("app.yml", "a: 2").commit();
    let away = repo.path().with_extension("away");
    fs::rename(repo.path(), &away).unwrap();
    let failed = server.refresh();
    assert_eq!(failed.status_line, "HTTP/1.1 502 Bad Gateway");
    assert_eq!(failed.header("content-type"), Some("application/problem+json"));
    let mut members = failed.json();
    assert_eq!(
        members["labels"].take(),
        serde_json::from_str::<serde_json::Value>(&format!("[{}]", moved("main", &first, &first, "", ""))).unwrap()
    );
    assert_eq!(
        members["detail"].as_str().unwrap(),
        format!("`{}` was not fetched: there is no such folder", repo.url())
    );
    assert_eq!(server.refresh().status(), 502);
    assert_eq!(server.config("app"), "{\"a\":1}");
    let source = server.source();
    assert_eq!(source["last_error"], members["detail"]);
    assert!(source["failures"].as_u64() >= Some(2), "{source}");
    assert_eq!(server.get("/health/ready").status(), 200);
    fs::rename(&away, repo.path()).unwrap();
    // It may have recovered by itself already.
    let recovered = server.refresh();
    assert_eq!(recovered.status(), 200, "{recovered}");
    assert_eq!(recovered.json()["labels"][0]["to"].as_str(), Some(&*second));
    assert_eq!(server.config("app"), "{\"a\":2}");
    let source = server.source();
    assert_eq!((source["last_error"].is_null(), source["failures"].as_u64()), (true, Some(0)));
    assert_eq!((server.told("fetch failed"), server.told("fetching works again")), (1, 1), "{}", server.stderr());
}

#[test]
fn a_broken_file_harms_only_its_own_addresses_and_is_told_by_the_refresh() {
    let repo = Repo::with(&FILES);
    let server = serve(&repo);
    repo.file("order.yml", "order: 1\norder: 2\n").commit();
    let answer = server.refresh().json();
    let label = &answer["labels"][0];
    assert_eq!(label["applications"], serde_json::json!([]), "who is pinned is answered as before");
    assert_eq!(
        (&label["problems"][0]["file"], &label["problems"][0]["line"], &label["problems"][0]["code"]),
        (&"order.yml".into(), &2.into(), &"duplicate-key".into()),
    );
    let order = server.get("/api/v1/config/order");
    assert_eq!(order.header("layerd-pinned"), Some("order.yml:2:1: the key `order` is given twice, first on line 1"));
    assert_eq!(server.config("user"), "{\"shared\":1,\"user\":1}");
    assert_eq!(server.config("unknown"), "{\"shared\":1}");
    assert_eq!(server.get("/health/ready").status(), 200);
    repo.file("order.yml", "order: 3").commit();
    server.refresh();
    assert_eq!(server.config("order"), "{\"shared\":1,\"order\":3}");
}

#[test]
fn a_label_that_cannot_be_read_any_more_holds_up_no_other() {
    let repo = Repo::with(&[("conf/app.yml", "a: 1")]);
    repo.branch("side");
    let server = Server::launch(&["serve", "--git", repo.url()]).env("LAYERD_SOURCES__0__PATH", "conf").start();
    server.wait_ready();
    assert_eq!(server.config("app?label=side"), "{\"a\":1}");
    let lost = repo.on("side").delete("conf/app.yml").file("elsewhere/app.yml", "a: 2").commit();
    repo.on("main").file("conf/app.yml", "a: 3").commit();
    let answer = server.refresh();
    assert_eq!(answer.status(), 200, "{answer}");
    assert_eq!(
        answer.json()["labels"][1]["error"].as_str().unwrap(),
        format!("commit {lost} of `config` has no folder `conf`; check the setting path of the source")
    );
    assert_eq!((server.config("app"), server.config("app?label=side")), ("{\"a\":3}".into(), "{\"a\":1}".into()));
    repo.on("side").file("conf/app.yml", "a: 4").commit();
    assert_eq!(server.refresh().status(), 200);
    assert_eq!(server.config("app?label=side"), "{\"a\":4}");
}

#[test]
fn thirty_refreshes_at_once_share_their_fetches() {
    let repo = Repo::with(&[("app.yml", "a: 1")]);
    let git = GitServer::start(repo.path(), Behaviour::Serve);
    let server = Server::start(&["serve", "--git", &git.url("")]);
    server.wait_ready();
    let commit = repo.file("app.yml", "a: 2").commit();
    git.seen();
    let request = format!("POST /api/v1/refresh HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n\r\n", server.address());
    let mut waiting: Vec<_> = (0..30).map(|_| server.connect()).collect();
    for stream in &mut waiting {
        stream.write_all(request.as_bytes()).unwrap();
    }
    for mut stream in waiting {
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).unwrap();
        let answer = Exchange::parse(&answer);
        assert_eq!(answer.json()["labels"][0]["to"].as_str(), Some(&*commit), "{answer}");
    }
    let fetches = git.seen().iter().filter(|seen| seen.line.starts_with("GET /info/refs")).count();
    assert!((1..=2).contains(&fetches), "{fetches} fetches");
}

#[test]
fn a_hang_up_signal_fetches_at_once() {
    let repo = Repo::with(&[("app.yml", "a: 1")]);
    let server = serve(&repo);
    repo.file("app.yml", "a: 2").commit();
    server.signal("HUP");
    server.becomes("app", "{\"a\":2}");
}

#[test]
fn the_source_is_asked_again_and_again() {
    let repo = Repo::with(&[("app.yml", "a: 1")]);
    let server = Server::launch(&["serve", "--git", repo.url()]).env("LAYERD_SOURCES__0__REFRESH", "1s").start();
    server.wait_ready();
    for number in 2..4 {
        repo.file("app.yml", &format!("a: {number}")).commit();
        server.becomes("app", &format!("{{\"a\":{number}}}"));
    }
}

#[test]
fn a_refresh_need_not_be_waited_for() {
    let repo = Repo::with(&[("app.yml", "a: 1")]);
    let server = serve(&repo);
    repo.file("app.yml", "a: 2").commit();
    let answer = server.send("POST", "/api/v1/refresh?wait=false", &[], b"");
    assert_eq!((answer.status(), answer.text()), (202, "{\"labels\":[]}".to_owned()));
    server.becomes("app", "{\"a\":2}");
    assert_eq!(server.send("POST", "/api/v1/refresh?wait=maybe", &[], b"").status(), 400);
}

#[test]
fn answers_do_not_wait_for_a_fetch_that_hangs_and_neither_does_the_end() {
    let repo = Repo::with(&[("app.yml", "a: 1")]);
    repo.branch("side");
    let git = GitServer::start(repo.path(), Behaviour::Serve);
    let mut server = Server::start(&["serve", "--git", &git.url("")]);
    server.wait_ready();
    git.behave(Behaviour::Hang);
    git.seen();
    let mut waiting = server.connect();
    let request = format!("POST /refresh HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n\r\n", server.address());
    waiting.write_all(request.as_bytes()).unwrap();
    eventually("the fetch has begun", || !git.seen().is_empty());
    assert_eq!((server.config("app"), server.config("app?label=side")), ("{\"a\":1}".into(), "{\"a\":1}".into()));
    let begin = std::time::Instant::now();
    assert_eq!(server.terminate().code(), Some(0));
    assert!(begin.elapsed().as_secs() < 5, "{:?}", begin.elapsed());
    let mut answer = Vec::new();
    waiting.read_to_end(&mut answer).unwrap();
    let answer = Exchange::parse(&answer);
    assert_eq!(answer.status(), 503, "{answer}");
}

#[test]
fn a_refresh_takes_no_notice_of_a_body_of_any_size() {
    let repo = Repo::with(&[("app.yml", "a: 1")]);
    for prefix in ["", "/config"] {
        let server = Server::launch(&["serve", "--git", repo.url()]).env("LAYERD_HTTP__PREFIX", prefix).start();
        eventually("it is ready", || server.get(&format!("{prefix}/health/ready")).status() == 200);
        let event = vec![b'x'; 300_000];
        let told = |number| match prefix {
            "" => format!("{{\"a\":{number}}}"),
            prefix => format!("{{\"a\":\"{prefix}{number}\"}}"),
        };
        for (number, path) in ["/api/v1/refresh", "/refresh", "/actuator/refresh"].into_iter().enumerate() {
            repo.file("app.yml", &format!("a: {prefix}{number}")).commit();
            let answer = server.send("POST", &format!("{prefix}{path}"), &[("X-GitHub-Event", "push")], &event);
            assert_eq!(answer.status(), 200, "{prefix}{path}: {answer}");
            let served = server.get(&format!("{prefix}/api/v1/config/app")).text();
            assert_eq!(served, told(number), "{prefix}{path}");
        }
        for path in ["/api/v1/encrypt", "/encrypt", "/refreshed", "/app/default"] {
            let answer = server.send("POST", &format!("{prefix}{path}"), &[], &event);
            assert_eq!(answer.status(), 413, "{prefix}{path}: {answer}");
        }
    }
}

#[test]
fn a_body_that_is_not_read_ends_all_the_same() {
    let server = serve(&Repo::with(&[("app.yml", "a: 1")]));
    let mut client = server.connect();
    let head = format!("POST /refresh HTTP/1.1\r\nHost: {}\r\nContent-Length: 70000000\r\n\r\n", server.address());
    client.write_all(head.as_bytes()).unwrap();
    let mut answer = Vec::new();
    client.read_to_end(&mut answer).unwrap();
    assert_eq!(Exchange::parse(&answer).status(), 413);
}
