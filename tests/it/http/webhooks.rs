//! Webhooks: signed deliveries of every host fetch at once, everything else is refused alike.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use layerd::config::secret_string::SecretString;
use layerd::http::webhook::host::Host;
use layerd::http::webhook::sample;

use crate::harness::eventually;
use crate::harness::exchange::Exchange;
use crate::harness::folder::Folder;
use crate::harness::repo::Repo;
use crate::harness::server::{Server, layerd, run};

const SECRET: &str = "a webhook secret";

/// A server that fetches once an hour by itself, and what it needs.
struct Served {
    repo: Repo,
    server: Server,
    folder: Folder,
}

impl Served {
    fn new() -> Self {
        let repo = Repo::with(&[("application.yml", "a: 1")]);
        let folder = Folder::new();
        let secret = folder.file("secret", SECRET).path().join("secret");
        fs::set_permissions(&secret, fs::Permissions::from_mode(0o600)).unwrap();
        let kinds: String = Host::ALL
            .iter()
            .map(|(name, _)| format!("  - {{ kind: {name}, secret-file: {} }}\n", secret.display()))
            .collect();
        let url = repo.url();
        let settings = format!("sources: [{{ git: {url}, refresh: 1h }}]\nwebhooks:\n  secrets:\n{kinds}");
        let settings = settings.replace("  - ", "    - ");
        folder.file("layerd.yaml", &settings);
        let settings = folder.path().join("layerd.yaml");
        let server = Server::start(&["serve", "--settings", settings.to_str().unwrap()]);
        server.wait_ready();
        Self { repo, server, folder }
    }

    fn deliver(&self, host: Host, body: &str, headers: &[(&str, &str)]) -> Exchange {
        self.server.send("POST", &format!("/api/v1/webhooks/{}", host.name()), headers, body.as_bytes())
    }

    fn fetches(&self) -> u64 {
        let text = self.server.get("/metrics").text();
        let line = text.lines().find(|line| line.starts_with("layerd_fetches_total{")).expect("it is counted");
        line.rsplit(' ').next().unwrap().parse().unwrap()
    }
}

/// The headers of a push, signed, and its body.
fn signed(host: Host, body: Option<&str>) -> (Vec<(&'static str, String)>, String) {
    let (event, text) = sample(host, "main");
    let text = body.map_or(text, str::to_owned);
    let event = event.into_iter().map(|(name, value)| (name, value.to_owned()));
    let headers = event.chain(host.sign(text.as_bytes(), &SecretString::new(SECRET))).collect();
    (headers, text)
}

fn borrowed<'a>(headers: &'a [(&'static str, String)]) -> Vec<(&'static str, &'a str)> {
    headers.iter().map(|(name, value)| (*name, value.as_str())).collect()
}

#[test]
fn a_signed_push_of_every_host_is_served_at_once() {
    let served = Served::new();
    for (number, (name, host)) in Host::ALL.into_iter().enumerate() {
        served.repo.file("application.yml", &format!("a: 1{number}")).commit();
        let (headers, body) = signed(host, None);
        let answer = served.deliver(host, &body, &borrowed(&headers));
        assert_eq!((answer.status(), answer.text().as_str()), (202, r#"{"labels":["main"]}"#), "{name}: {answer}");
        served.server.becomes("user", &format!(r#"{{"a":1{number}}}"#));
    }
}

#[test]
fn what_is_not_signed_is_refused_without_telling_why_and_fetches_nothing() {
    let served = Served::new();
    let before = served.fetches();
    let mut refusals = Vec::new();
    for (_, host) in Host::ALL {
        let (headers, body) = signed(host, None);
        let events: Vec<_> = headers.iter().filter(|(name, _)| name.contains("event")).cloned().collect();
        refusals.push(served.deliver(host, &body, &borrowed(&events)));
        let wrong: Vec<_> = headers.iter().map(|(name, value)| (*name, broken(value))).collect();
        refusals.push(served.deliver(host, &body, &borrowed(&wrong)));
        if !matches!(host, Host::GitLab | Host::Azure | Host::Gitee) {
            refusals.push(served.deliver(host, &body.replace("main", "maim"), &borrowed(&headers)));
        }
    }
    refusals.push(served.server.send("POST", "/api/v1/webhooks/sourceforge", &[], b"{}"));
    let texts: Vec<_> = refusals.iter().map(|refusal| (refusal.status(), refusal.anonymous())).collect();
    assert!(texts.iter().all(|text| *text == texts[0] && text.0 == 401), "{texts:#?}");
    assert_eq!(served.fetches(), before);
    assert!(served.server.get("/metrics").text().contains(r#"{host="github",result="wrong-signature"} 2"#));
}

/// A text with its last letter but one changed.
fn broken(text: &str) -> String {
    let mut bytes = text.as_bytes().to_vec();
    let at = bytes.len() - 4;
    bytes[at] = if bytes[at] == b'0' { b'1' } else { b'0' };
    String::from_utf8(bytes).unwrap()
}

#[test]
fn a_repeated_delivery_a_ping_and_a_large_push_are_accepted() {
    let served = Served::new();
    let before = served.fetches();
    let (mut headers, body) = signed(Host::GitHub, None);
    headers.push(("x-github-delivery", "72d3162e".to_owned()));
    assert_eq!(served.deliver(Host::GitHub, &body, &borrowed(&headers)).status(), 202);
    eventually("it fetches", || served.fetches() == before + 1);
    let again = served.deliver(Host::GitHub, &body, &borrowed(&headers));
    assert_eq!((again.status(), again.text().as_str()), (202, r#"{"labels":[]}"#));
    let (mut headers, body) = signed(Host::GitHub, Some(r#"{"zen":"x"}"#));
    headers[0].1 = "ping".to_owned();
    assert_eq!(served.deliver(Host::GitHub, &body, &borrowed(&headers)).status(), 202);
    assert_eq!(served.fetches(), before + 1, "neither is a reason to fetch");
    let large = format!(r#"{{"ref":"refs/heads/main","padding":"{}"}}"#, "x".repeat(5 << 20));
    let (headers, body) = signed(Host::GitHub, Some(&large));
    assert_eq!(served.deliver(Host::GitHub, &body, &borrowed(&headers)).status(), 202);
    let larger = "x".repeat(26 << 20);
    assert_eq!(served.deliver(Host::GitHub, &larger, &[]).status(), 413);
}

#[test]
fn the_monitor_of_spring_and_the_command_fetch_as_well() {
    let served = Served::new();
    served.repo.file("application.yml", "a: 2").commit();
    let headers = [("Content-Type", "application/x-www-form-urlencoded")];
    assert_eq!(served.server.send("POST", "/monitor", &headers, b"path=application").status(), 200);
    served.server.becomes("user", r#"{"a":2}"#);
    served.repo.file("application.yml", "a: 3").commit();
    let (url, secret) = (served.server.url(), served.folder.path().join("secret"));
    let args = ["webhook-test", "gitea", "--server", &url, "--secret-file", secret.to_str().unwrap()];
    let ran = run(&mut layerd(&args));
    assert_eq!((ran.code, ran.stdout.as_str()), (Some(0), "accepted: the server fetches `main` now\n"), "{ran}");
    served.server.becomes("user", r#"{"a":3}"#);
    served.folder.file("secret", "another");
    let ran = run(&mut layerd(&args));
    assert_eq!(ran.code, Some(2), "{ran}");
    served.server.signal("HUP");
    eventually("the new secret is in force", || run(&mut layerd(&args)).code == Some(0));
}

#[test]
fn secrets_that_cannot_be_read_end_the_start() {
    let folder = Folder::new();
    folder.file("application.yml", "a: 1");
    let start = |secret: &str| {
        let settings = format!("sources: [{{ dir: . }}]\nwebhooks: {{ secrets: [{secret}] }}\n");
        folder.file("layerd.yaml", &settings);
        let settings = folder.path().join("layerd.yaml");
        let started = Server::launch(&["serve", "--settings", settings.to_str().unwrap()]).try_start();
        started.err().map(|ran| (ran.code, ran.stderr)).expect("it does not start")
    };
    let (code, text) = start("{ kind: github, secret-file: nowhere }");
    assert!(code == Some(78) && text.contains("nowhere"), "{text}");
    let (code, text) = start("{ kind: sourceforge, secret: x }, { kind: github }");
    assert!(code == Some(78) && text.contains("`webhooks.secrets[0].kind`"), "{text}");
    assert!(text.contains("`webhooks.secrets[1]` has no `secret-file`"), "{text}");
}
