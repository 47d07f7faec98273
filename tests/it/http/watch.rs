//! Waiting for changes: requests that are held, and streams of events.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpStream;
use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::harness::exchange::Exchange;
use crate::harness::repo::Repo;
use crate::harness::server::Server;

const WATCH: &str = "/api/v1/watch/user/production";
const CONFIG: &str = "/api/v1/config/user/production";

fn repo() -> Repo {
    Repo::with(&[
        ("application.yml", "shared: 1"),
        ("user.yml", "a: 1\nb: {c: 2}"),
        ("user-production.yml", "d: 3"),
        ("order.yml", "e: 4"),
    ])
}

fn serve(repo: &Repo) -> Server {
    let server = Server::start(&["serve", "--git", repo.url()]);
    server.wait_ready();
    server
}

/// Commits a file and has the server fetch it.
fn push(server: &Server, repo: &Repo, path: &str, text: &str) -> String {
    repo.file(path, text);
    let commit = repo.commit();
    assert_eq!(server.refresh().status(), 200);
    commit
}

/// Sends a request whose answer is yet to come, and waits until the server holds it.
fn held(server: &Server, path: &str, etag: &str) -> thread::JoinHandle<Exchange> {
    let address = server.address().to_owned();
    let request =
        format!("GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\nIf-None-Match: {etag}\r\n\r\n");
    let before = watchers(server);
    let mut stream = server.connect();
    let waiting = thread::spawn(move || {
        let mut answer = Vec::new();
        stream.write_all(request.as_bytes()).unwrap();
        std::io::Read::read_to_end(&mut stream, &mut answer).unwrap();
        Exchange::parse(&answer)
    });
    crate::harness::eventually("the request is held", || watchers(server) > before);
    waiting
}

/// How many wait, as the metrics have it.
fn watchers(server: &Server) -> u64 {
    let text = server.get("/metrics").text();
    let line = text.lines().find(|line| line.starts_with("layerd_watchers ")).expect("the gauge is there");
    line.rsplit(' ').next().unwrap().parse().unwrap()
}

fn etag(server: &Server, path: &str) -> String {
    server.get(path).header("etag").unwrap().to_owned()
}

/// A stream of events, read line by line.
struct Events(BufReader<TcpStream>);

impl Events {
    fn open(server: &Server, path: &str, last: Option<&str>) -> Self {
        let mut stream = server.connect();
        let last = last.map(|last| format!("Last-Event-ID: {last}\r\n")).unwrap_or_default();
        let address = server.address();
        write!(
            stream,
            "GET {path} HTTP/1.1\r\nHost: {address}\r\nAccept: text/event-stream\r\nConnection: close\r\n{last}\r\n"
        )
        .unwrap();
        let mut reader = BufReader::new(stream);
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            assert_ne!(reader.read_line(&mut head).unwrap(), 0, "{head}");
        }
        assert!(head.starts_with("HTTP/1.1 200 OK\r\n"), "{head}");
        let head = head.to_lowercase();
        for header in ["content-type: text/event-stream", "x-accel-buffering: no", "cache-control: private, no-cache"] {
            assert!(head.contains(header), "{head}");
        }
        Self(reader)
    }

    /// The name, the id and the data of the next event.
    fn next(&mut self) -> (String, String, Value) {
        let (mut name, mut id, mut data) = (String::new(), String::new(), Value::Null);
        loop {
            let mut line = String::new();
            assert_ne!(self.0.read_line(&mut line).unwrap(), 0, "the stream ended");
            let line = line.trim_end();
            match line.split_once(": ") {
                Some(("event", value)) => value.clone_into(&mut name),
                Some(("id", value)) => value.clone_into(&mut id),
                Some(("data", value)) => data = serde_json::from_str(value).unwrap(),
                Some(("retry", value)) => id = format!("{id} {value}"),
                _ => {}
            }
            // Lines of the chunked encoding lie between; an event ends with an empty one.
            if line.is_empty() && !name.is_empty() {
                return (name, id, data);
            }
        }
    }

    fn ends(mut self) {
        let mut rest = String::new();
        std::io::Read::read_to_string(&mut self.0, &mut rest).unwrap();
        assert!(!rest.contains("event:"), "{rest}");
    }
}

#[test]
fn a_request_is_held_until_its_answer_differs_and_no_longer() {
    let repo = repo();
    let server = serve(&repo);
    let tag = etag(&server, CONFIG);
    let waiting = held(&server, &format!("{CONFIG}?wait=60s"), &tag);
    push(&server, &repo, "order.yml", "e: 5");
    push(&server, &repo, "user-staging.yml", "d: 4");
    assert!(!waiting.is_finished(), "what others get wakes nobody");
    let commit = push(&server, &repo, "user.yml", "a: 2\nb: {c: 2}");
    let answer = waiting.join().unwrap();
    assert_eq!(answer.text(), r#"{"shared":1,"a":2,"b":{"c":2},"d":3}"#);
    assert_eq!(answer.header("layerd-version"), Some(commit.as_str()));
}

#[test]
fn without_a_change_the_wait_ends_with_304() {
    let repo = repo();
    let server = serve(&repo);
    let tag = etag(&server, CONFIG);
    let ask = |path: &str, headers: &[(&str, &str)]| {
        let began = Instant::now();
        let answer = server.send("GET", path, &[headers, &[("If-None-Match", tag.as_str())]].concat(), b"");
        assert_eq!((answer.status(), answer.header("etag")), (304, Some(tag.as_str())), "{answer}");
        (began.elapsed(), answer.header("preference-applied").map(str::to_owned))
    };
    assert!(ask(&format!("{CONFIG}?wait=300ms"), &[]).0 >= Duration::from_millis(300));
    assert!(ask(&format!("{WATCH}?wait=300ms"), &[]).0 >= Duration::from_millis(300));
    let (took, applied) = ask(CONFIG, &[("Prefer", "wait=1")]);
    assert!(took >= Duration::from_secs(1) && applied.as_deref() == Some("wait=1"));
    assert!(ask(CONFIG, &[]).0 < Duration::from_millis(300), "nobody asked to wait");
    let unconditional = server.get(&format!("{CONFIG}?wait=60s"));
    assert_eq!(unconditional.status(), 200, "who shows no tag is answered at once");
    let wrong = server.get(&format!("{CONFIG}?wait=soon"));
    assert_eq!((wrong.status(), wrong.json()["code"].as_str()), (400, Some("invalid-parameter")), "{wrong}");
}

#[test]
fn a_long_poll_says_which_keys_differ_from_the_version_that_the_client_has() {
    let repo = repo();
    let server = serve(&repo);
    let first = server.get(WATCH);
    assert_eq!(first.json()["added"], Value::Null, "nothing is known of what the client had: {first}");
    let tag = first.header("etag").unwrap().to_owned();
    assert_eq!(tag, etag(&server, CONFIG), "the same tag as that of the configuration");
    let waiting = held(&server, &format!("{WATCH}?wait=60s"), &tag);
    let commit = push(&server, &repo, "user.yml", "a: 2\nnew: x");
    let event = waiting.join().unwrap();
    let expected = json!({"application": "user", "profiles": ["production"], "label": "main", "version": commit,
        "etag": event.header("etag").unwrap(), "added": ["new"], "changed": ["a"], "removed": ["b.c"]});
    assert_eq!(event.json(), expected);
    push(&server, &repo, "user.yml", "a: 2\nnew: y");
    let headers = [("If-None-Match", tag.as_str())];
    let both = server.send("GET", &format!("{WATCH}?values=true"), &headers, b"").json();
    let told = (&both["added"], &both["changed"], &both["removed"], &both["values"]);
    let expected = (&json!(["new"]), &json!(["a"]), &json!(["b.c"]), &json!({"new": "y", "a": 2}));
    assert_eq!(told, expected, "over two commits");
}

#[test]
fn a_stream_begins_with_the_version_and_goes_on_with_what_differs() {
    let repo = repo();
    let server = serve(&repo);
    let mut events = Events::open(&server, WATCH, None);
    let (name, id, data) = events.next();
    assert_eq!((name.as_str(), &data["etag"], &data["added"]), ("current", &json!(id), &Value::Null));
    push(&server, &repo, "order.yml", "e: 5");
    let commit = push(&server, &repo, "application.yml", "shared: 2");
    let (name, second, data) = events.next();
    assert_eq!((name.as_str(), &data["version"], &data["changed"]), ("change", &json!(commit), &json!(["shared"])));
    assert_eq!(second, etag(&server, CONFIG));
}

#[test]
fn a_stream_resumes_where_it_was_at_any_replica() {
    let repo = repo();
    let (server, replica) = (serve(&repo), serve(&repo));
    let (_, old, _) = Events::open(&server, WATCH, None).next();
    push(&server, &repo, "user.yml", "a: 2\nb: {c: 2}");
    let (name, new, data) = Events::open(&server, WATCH, Some(&old)).next();
    assert_eq!((name.as_str(), &data["changed"]), ("change", &json!(["a"])), "it remembers what the client has");
    replica.refresh();
    let (name, id, data) = Events::open(&replica, WATCH, Some(&old)).next();
    assert_eq!((name.as_str(), &id, &data["changed"]), ("current", &new, &Value::Null), "it never saw the old version");
    let mut events = Events::open(&replica, WATCH, Some(&new));
    push(&replica, &repo, "user.yml", "a: 3\nb: {c: 2}");
    assert_eq!(events.next().0, "change", "nothing was sent for the version that the client has");
}

#[test]
fn a_revert_and_a_change_of_bytes_alone_tell_only_of_differences() {
    let repo = repo();
    let server = serve(&repo);
    let mut events = Events::open(&server, WATCH, None);
    let first = events.next().1;
    push(&server, &repo, "user.yml", "# a comment\na: 1\nb: {c: 2}");
    push(&server, &repo, "user.yml", "a: 7\nb: {c: 2}");
    let (_, _, data) = events.next();
    assert_eq!(data["changed"], json!(["a"]));
    push(&server, &repo, "user.yml", "a: 1\nb: {c: 2}");
    let (_, id, data) = events.next();
    assert_eq!((&data["changed"], id), (&json!(["a"]), first));
}

#[test]
fn at_a_drain_everyone_is_sent_away_with_a_time_to_come_back() {
    let repo = repo();
    let mut server = serve(&repo);
    let mut events = Events::open(&server, WATCH, None);
    let tag = events.next().1;
    let waiting = held(&server, &format!("{CONFIG}?wait=10m"), &tag);
    server.signal("TERM");
    let (name, retry, _) = events.next();
    let retry: u64 = retry.trim().parse().expect("milliseconds");
    assert!(name == "bye" && (500..=3_500).contains(&retry), "{name} {retry}");
    events.ends();
    assert_eq!(waiting.join().unwrap().status(), 304);
    assert!(server.terminate_after_signal().success());
}

#[test]
fn a_broken_commit_wakes_nobody_whom_it_pins() {
    let repo = repo();
    let server = serve(&repo);
    let mut events = Events::open(&server, WATCH, None);
    events.next();
    push(&server, &repo, "user.yml", "a: [");
    push(&server, &repo, "user.yml", "a: 9\nb: {c: 2}");
    let (name, _, data) = events.next();
    assert_eq!((name.as_str(), &data["changed"]), ("change", &json!(["a"])));
}

#[test]
fn a_label_that_goes_away_ends_its_streams_and_names_that_nothing_has_are_refused_first() {
    let repo = repo();
    repo.branch("next");
    let server = serve(&repo);
    let mut events = Events::open(&server, &format!("{WATCH}?label=next"), None);
    events.next();
    repo.delete_branch("next");
    server.refresh();
    events.ends();
    let headers = [("Accept", "text/event-stream")];
    let refused = server.send("GET", &format!("{WATCH}?label=nope"), &headers, b"");
    assert_eq!((refused.status(), refused.json()["code"].as_str()), (404, Some("unknown-label")), "{refused}");
}

#[test]
fn the_command_prints_changes_and_survives_a_restart_of_the_server() {
    let repo = repo();
    let mut server = serve(&repo);
    let url = server.url();
    let mut command = crate::harness::server::layerd(&["watch", "user", "production", "--server", &url]);
    command.stdout(std::process::Stdio::piped()).stderr(std::process::Stdio::null());
    let mut child = command.spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    crate::harness::eventually("it watches", || watchers(&server) == 1);
    push(&server, &repo, "user.yml", "a: 2\nb: {c: 2}");
    let line = lines.next().unwrap().unwrap();
    assert!(line.starts_with("main ") && line.ends_with(": ~a"), "{line}");
    let address = server.address().to_owned();
    server.terminate();
    repo.file("user.yml", "a: 3\nb: {c: 2}").commit();
    let server = Server::start(&["serve", "--git", repo.url(), "--listen", &address]);
    let line = lines.next().unwrap().unwrap();
    assert!(line.starts_with("main ") && line.contains("replaced"), "{line}");
    drop(server);
    child.kill().unwrap();
    child.wait().unwrap();
}
