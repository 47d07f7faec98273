//! What the tests of bad input have in common: the routes that take names, what every answer must be whatever was asked,
//! and canaries that no answer may hold and nobody may open.
//!
//! The rows themselves are in this folder, one file for each kind of input.

mod broken;
mod endless;
mod growth;
mod labels;
mod meaning;
mod names;
mod paths;
mod refs;
mod size;
mod spring;
mod text;
mod values;

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, channel};

use notify::{Event, EventKind, RecommendedWatcher, RecursiveMode, Watcher, event::AccessKind};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

use crate::harness::PATIENCE;
use crate::harness::exchange::Exchange;
use crate::harness::server::Server;

/// Every route that takes a name in its path, with `{}` in place of the name.
pub(crate) const IN_PATH: [&str; 7] = [
    "/api/v1/config/{}",
    "/api/v1/config/{}/default",
    "/api/v1/config/app/{}",
    "/api/v1/explain/{}/default",
    "/api/v1/explain/app/{}",
    "/api/v1/sources/{}/default",
    "/api/v1/sources/app/{}",
];

/// Every route that takes a label, with `{}` in place of the label.
pub(crate) const IN_LABEL: [&str; 6] = [
    "/api/v1/config/app?label={}",
    "/api/v1/config/app/default?label={}",
    "/api/v1/explain/app/default?label={}",
    "/api/v1/sources/app/default?label={}",
    "/api/v1/applications?label={}",
    "/api/v1/problems?label={}",
];

/// Every route of Spring's protocol that takes a name in its path, with `{}` in place of the name.
pub(crate) const OF_SPRING: [&str; 13] = [
    "/{}",
    "/{}/default",
    "/app/{}",
    "/{}/default/main",
    "/app/{}/main",
    "/{}-default.yml",
    "/app-{}.json",
    "/main/{}-default.properties",
    "/{}/default/main/app.yml",
    "/app/{}/main/app.yml",
    "/app/default/main/{}",
    "/app/default/{}?useDefaultLabel",
    "/key/{}/default",
];

/// Every route of Spring's protocol that takes a label, with `{}` in place of the label.
pub(crate) const LABEL_OF_SPRING: [&str; 4] =
    ["/app/default/{}", "/{}/app-default.yml", "/app/default/{}/app.yml", "/app/default/main,{}"];

/// Asks a route of Spring's protocol for a target, and checks what must hold for any answer there: what is refused is
/// refused in one of its shapes or, before any route, in ours.
pub(crate) fn ask_spring(server: &Server, target: &str, headers: &[(&str, &str)]) -> Exchange {
    let exchange = server.send("GET", target, headers, b"");
    let status = exchange.status();
    assert!(matches!(status, 200 | 304 | 400 | 404 | 406 | 414), "{target}: {exchange}");
    assert!(!exchange.to_string().contains(MARKER), "{target}: {exchange}");
    let foreign = exchange.headers.iter().find(|(name, _)| !HEADERS.contains(&&*name.to_ascii_lowercase()));
    assert_eq!(foreign, None, "{target}: {exchange}");
    if status >= 400 && !exchange.body.is_empty() && headers.is_empty() && !target.starts_with("/key") {
        let body = exchange.json();
        assert_eq!(body["status"].as_u64(), Some(u64::from(status)), "{target}: {exchange}");
        let told = ["message", "detail"].iter().any(|member| body[member].is_string());
        let kind = exchange.header("content-type").unwrap_or_default();
        assert!(told && matches!(kind, "application/json" | "application/problem+json"), "{target}: {exchange}");
    }
    exchange
}

/// What stands in every file that no answer may hold.
pub(crate) const MARKER: &str = "canary-5d1f";

/// All headers that an answer may have, in lower case.
const HEADERS: [&str; 17] = [
    "allow",
    "cache-control",
    "connection",
    "content-disposition",
    "content-length",
    "content-type",
    "date",
    "etag",
    "last-modified",
    "layerd-age",
    "layerd-label",
    "layerd-version",
    "layerd-warning",
    "retry-after",
    "vary",
    "x-content-type-options",
    "x-request-id",
];

/// Asks for a target, written as it is, and checks what must hold for any answer to any question.
pub(crate) fn ask(server: &Server, target: &str) -> Exchange {
    calm(target, server.get(target))
}

/// The same for a target of any bytes.
pub(crate) fn ask_bytes(server: &Server, target: &[u8]) -> Exchange {
    let host = server.address();
    let rest = format!(" HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n");
    calm(&String::from_utf8_lossy(target), server.send_bytes(&[b"GET ", target, rest.as_bytes()].concat()))
}

/// Checks an answer: no fault of the server, nothing of a canary, nothing raw or foreign, and a refusal that explains
/// itself. Only what is no HTTP at all is refused without a word.
fn calm(target: &str, exchange: Exchange) -> Exchange {
    let status = exchange.status();
    assert!((200..500).contains(&status), "{target}: {exchange}");
    assert!(!exchange.to_string().contains(MARKER), "{target}: {exchange}");
    let values = exchange.headers.iter().map(|(_, value)| value.clone()).chain([exchange.text()]);
    assert!(!values.into_iter().any(|text| text.contains(is_raw)), "{target}: {exchange}");
    let foreign = exchange.headers.iter().find(|(name, _)| !HEADERS.contains(&&*name.to_ascii_lowercase()));
    assert_eq!(foreign, None, "{target}: {exchange}");
    if status >= 400 && !(status == 400 && exchange.body.is_empty()) {
        assert_eq!(exchange.header("content-type"), Some("application/problem+json"), "{target}: {exchange}");
        let body = exchange.json();
        assert_eq!((body["type"].as_str(), body["status"].as_u64()), (Some("about:blank"), Some(u64::from(status))));
        assert!(body["title"].is_string() && body["detail"].is_string() && body["code"].is_string(), "{exchange}");
    }
    exchange
}

/// Characters that a log or a terminal would obey.
fn is_raw(character: char) -> bool {
    character.is_control()
        || matches!(character, '\u{2028}' | '\u{2029}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// The answer in one line: its status, and its body or, for a refusal, the code and the sentence.
pub(crate) fn told(exchange: &Exchange) -> String {
    let status = exchange.status();
    if exchange.header("content-type") != Some("application/problem+json") {
        return format!("{status} {}", exchange.text());
    }
    let body = exchange.json();
    let text = |name: &str| body[name].as_str().unwrap_or_default().to_owned();
    format!("{status} {}: {}", text("code"), text("detail"))
}

/// The name with everything escaped but letters and digits.
pub(crate) fn encode(name: &str) -> String {
    utf8_percent_encode(name, NON_ALPHANUMERIC).to_string()
}

/// Files that nobody may open from now on.
pub(crate) struct Untouched {
    /// A file of the test's own, whose opening shows that all earlier ones would have been seen.
    bell: PathBuf,
    events: Receiver<notify::Result<Event>>,
    _watcher: RecommendedWatcher,
}

impl Untouched {
    /// Watches the files; `bell` is an empty one beside them that only the test opens.
    pub(crate) fn watch(files: &[PathBuf], bell: &Path) -> Self {
        File::create(bell).expect("a file in a temporary folder can be made");
        let (sender, events) = channel();
        let mut watcher = notify::recommended_watcher(sender).expect("files can be watched");
        for file in files.iter().map(PathBuf::as_path).chain([bell]) {
            watcher.watch(file, RecursiveMode::NonRecursive).expect("a canary can be watched");
        }
        Self { bell: bell.to_owned(), events, _watcher: watcher }
    }

    /// Fails if one of the files was opened since.
    pub(crate) fn check(&self) {
        drop(File::open(&self.bell).expect("the bell can be opened"));
        loop {
            let event = self.events.recv_timeout(PATIENCE).expect("the bell is heard").expect("watching goes on");
            if matches!(event.kind, EventKind::Access(AccessKind::Open(_))) {
                assert_eq!(event.paths, [self.bell.as_path()]);
                return;
            }
        }
    }
}

#[test]
#[should_panic(expected = "secret.yml")]
fn a_canary_that_was_opened_is_told() {
    let folder = crate::harness::folder::Folder::new();
    folder.file("secret.yml", "");
    let secret = folder.path().join("secret.yml");
    let untouched = Untouched::watch(std::slice::from_ref(&secret), &folder.path().join("bell"));
    drop(File::open(secret).unwrap());
    untouched.check();
}
