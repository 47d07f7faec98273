//! The life of files that cannot be served (the rows E of the list of bad inputs): committed, told with their place and a
//! hint, answered from the commit before, harmless to all other addresses, mended by the next commit.
//!
//! Faults of a text are in `bad_e_text.rs`, of a format in `bad_e_values.rs`, of size in `bad_e_size.rs`, and what files
//! mean in `bad_e_meaning.rs`. Left out: the guard
//! of E27 (there is no such setting), and the differential comparison of E26, which is no test of single files.

use serde_json::{Value, json};

use crate::harness::exchange::Exchange;
use crate::harness::repo::Repo;
use crate::harness::server::Server;
use crate::input::told;

/// Addresses whose files are never touched.
const BYSTANDERS: [&str; 6] = [
    "/api/v1/config/bystander",
    "/api/v1/config/bystander/production",
    "/api/v1/config/bystander?format=yaml",
    "/api/v1/config/bystander?format=properties",
    "/api/v1/config/nobody",
    "/api/v1/config/nobody/production?format=toml",
];

/// Files of which each is the only one of its service, and what is wrong with them.
#[derive(Default)]
pub(crate) struct Faults {
    files: Vec<Broken>,
}

struct Broken {
    path: &'static str,
    bytes: Vec<u8>,
    /// `line:column code: message`.
    expected: String,
    hint: &'static str,
}

impl Faults {
    pub(crate) fn new() -> Self {
        Self::default()
    }

    /// Adds a file, what must be said of it, as `line:column code: message`, and the hint.
    pub(crate) fn file(
        mut self,
        path: &'static str,
        bytes: impl Into<Vec<u8>>,
        expected: impl Into<String>,
        hint: &'static str,
    ) -> Self {
        self.files.push(Broken { path, bytes: bytes.into(), expected: expected.into(), hint });
        self
    }

    /// Commits all the files whole, then broken, then mended, and looks at every address at each step.
    pub(crate) fn check(mut self) {
        self.files.sort_by_key(|file| file.path);
        let repo = Repo::with(&[
            ("application.yml", "shared: 1\n"),
            ("application-production.yml", "production: true\n"),
            ("bystander.yml", "own: x\n"),
        ]);
        self.commit_whole(&repo, "good");
        let server = Server::start(&["serve", "--git", repo.url()]);
        server.wait_ready();
        self.all_are_served(&server, "good");
        let before = bystanders(&server);

        for file in &self.files {
            repo.bytes(file.path, &file.bytes);
        }
        repo.commit();
        // A tag never falls back to an older commit.
        repo.tag("broken");
        let refreshed = server.send("POST", "/api/v1/refresh", &[], b"").json();
        let label = &refreshed["labels"][0];
        assert_eq!(label["files"], json!(self.files.iter().map(|file| file.path).collect::<Vec<_>>()));
        self.all_are_told(&label["problems"]);
        self.all_are_told(&server.get("/api/v1/problems").json()["problems"]);
        self.files.iter().for_each(|file| file.is_refused(&server));
        self.files.iter().for_each(|file| file.is_pinned(&server));
        assert_eq!(bystanders(&server), before);
        let count = format!("layerd_problems{{source=\"config\"}} {}\n", self.files.len());
        assert!(server.get("/metrics").text().contains(&count), "{count}");
        assert_eq!(server.get("/api/v1/status").json()["sources"][0]["labels"][1]["errors"], self.files.len());

        self.commit_whole(&repo, "mended");
        let refreshed = server.send("POST", "/api/v1/refresh", &[], b"").json();
        let labels = refreshed["labels"].as_array().unwrap();
        let main = labels.iter().find(|label| label["label"] == "main").unwrap();
        assert_eq!(main["problems"], json!([]));
        assert_eq!(server.get("/api/v1/problems").json()["problems"], json!([]));
        self.all_are_served(&server, "mended");
        assert_eq!(bystanders(&server), before);
    }

    fn commit_whole(&self, repo: &Repo, was: &str) {
        for file in &self.files {
            let text = match file.path.rsplit_once('.') {
                Some((_, "json")) => format!("{{\"was\": \"{was}\"}}\n"),
                Some((_, "properties")) => format!("was={was}\n"),
                _ => format!("was: {was}\n"),
            };
            repo.file(file.path, &text);
        }
        repo.commit();
    }

    fn all_are_served(&self, server: &Server, was: &str) {
        for file in &self.files {
            let answer = server.get(&format!("/api/v1/config/{}", file.service()));
            assert_eq!(told(&answer), format!(r#"200 {{"shared":1,"was":"{was}"}}"#), "{}", file.path);
        }
    }

    fn all_are_told(&self, problems: &Value) {
        let told: Vec<_> = problems.as_array().into_iter().flatten().map(problem).collect();
        let expected: Vec<_> = self.files.iter().map(Broken::told).collect();
        assert_eq!(told, expected);
    }
}

impl Broken {
    fn service(&self) -> &str {
        self.path.split('.').next().unwrap_or_default()
    }

    /// The problem that the file is.
    fn told(&self) -> String {
        format!("{}:{}\n{}", self.path, self.expected, self.hint)
    }

    /// The service goes on being answered as before, and is told why.
    fn is_pinned(&self, server: &Server) {
        let answer = server.get(&format!("/api/v1/config/{}", self.service()));
        assert_eq!(told(&answer), r#"200 {"shared":1,"was":"good"}"#, "{}", self.path);
        let place = self.expected.split(' ').next().unwrap_or_default();
        let reason = answer.header("layerd-pinned").unwrap_or_default().to_owned();
        assert!(reason.starts_with(&format!("{}:{place}: ", self.path)), "{reason}");
    }

    /// Every address of the service is refused with the place of the fault, by every route.
    fn is_refused(&self, server: &Server) {
        let service = self.service();
        for target in [
            format!("config/{service}?label=broken"),
            format!("config/{service}/production?label=broken"),
            format!("config/{service}?format=yaml&label=broken"),
            format!("explain/{service}/default?label=broken"),
            format!("sources/{service}/default?label=broken"),
        ] {
            let answer = server.get(&format!("/api/v1/{target}"));
            assert_eq!(answer.status(), 500, "{target}: {answer}");
            assert_eq!(answer.header("content-type"), Some("application/problem+json"));
            let mut body = answer.json();
            assert_eq!(
                (body["code"].take(), body["title"].take()),
                (json!("broken-configuration"), json!("Internal Server Error"))
            );
            // The code of the fault itself is told by the list of problems.
            body["message"] = body["detail"].take();
            body["code"] = self.expected.split([' ', ':']).nth(2).into();
            body["severity"] = json!("error");
            if self.hint.is_empty() {
                // Who asks for one service is told what to do even where the fault itself has no advice.
                assert_eq!(
                    body["hint"].take(),
                    json!("mend the file and commit it; answers that do not need the file are not touched")
                );
            }
            assert_eq!(problem(&body), self.told());
        }
    }
}

/// A problem as `file:line:column code: message`, and the hint on a line of its own.
fn problem(problem: &Value) -> String {
    let text = |name: &str| problem[name].as_str().unwrap_or_default();
    assert_eq!(text("severity"), "error", "{problem}");
    let (line, column) = (&problem["line"], &problem["column"]);
    format!("{}:{line}:{column} {}: {}\n{}", text("file"), text("code"), text("message"), text("hint"))
}

/// What the addresses that nobody touches are told: bodies and tags, and that the server is ready.
fn bystanders(server: &Server) -> Vec<(String, Option<String>)> {
    let seen = |exchange: Exchange| {
        assert_eq!(exchange.status(), 200, "{exchange}");
        (exchange.text(), exchange.header("etag").map(str::to_owned))
    };
    BYSTANDERS.iter().chain(&["/health/ready"]).map(|target| seen(server.get(target))).collect()
}

#[test]
fn bad_e10_a_broken_shared_file_breaks_only_the_profile_that_it_is_for() {
    let files = [
        ("application.yml", "shared: 1\n"),
        ("application-dev.yml", "a: 1\n"),
        ("app.yml", "own: 2\n"),
        ("app/app-dev.yml", "dev: 3\n"),
    ];
    let repo = Repo::with(&files);
    let server = Server::start(&["serve", "--git", repo.url()]);
    server.wait_ready();
    let ask = |target: &str| server.get(&format!("/api/v1/config/{target}"));
    let (app, dev, other) = (ask("app"), ask("app/dev"), ask("other/test"));
    let same = |now: Exchange, before: &Exchange| {
        assert_eq!((told(&now), now.header("etag")), (told(before), before.header("etag")));
    };
    repo.file("application-dev.yml", "a: 1\na: 2\n").commit();
    server.send("POST", "/api/v1/refresh", &[], b"");
    same(ask("app/dev"), &dev);
    for target in ["app/dev", "other/dev", "nobody/test,dev"] {
        let reason = "application-dev.yml:2:1: the key `a` is given twice, first on line 1";
        assert_eq!(ask(target).header("layerd-pinned"), Some(reason), "{target}");
    }
    assert_eq!(ask("app").header("layerd-pinned"), None);
    same(ask("app"), &app);
    same(ask("other/test"), &other);

    repo.file("application-dev.yml", "").file("application.yml", "b: 1\nb: 2\n").file("app.yml", "own: [\n").commit();
    server.send("POST", "/api/v1/refresh", &[], b"");
    same(ask("app/dev"), &dev);
    same(ask("other/test"), &other);
    assert_eq!(server.get("/health/ready").status(), 200);
    repo.tag("broken");
    server.send("POST", "/api/v1/refresh", &[], b"");
    let both = ask("app/dev?label=broken").json();
    let files: Vec<_> = both["problems"].as_array().unwrap().iter().map(|problem| problem["file"].as_str()).collect();
    assert_eq!(files, [Some("application.yml"), Some("app.yml")]);
    assert_eq!(both["file"], "application.yml");

    repo.file("application.yml", "shared: 1\n")
        .file("app.yml", "own: 2\n")
        .file("application-dev.yml", "a: 1\n")
        .commit();
    server.send("POST", "/api/v1/refresh", &[], b"");
    same(ask("app"), &app);
    same(ask("app/dev"), &dev);
    same(ask("other/test"), &other);
}

#[test]
fn bad_e10_a_file_that_is_broken_from_the_first_commit_on_keeps_nobody_from_starting() {
    let repo = Repo::with(&[("application.yml", "shared: 1\n"), ("app.yml", "a: 1\na: 2\n")]);
    let server = Server::start(&["serve", "--git", repo.url()]);
    server.wait_ready();
    assert_eq!(
        told(&server.get("/api/v1/config/app")),
        "500 broken-configuration: the key `a` is given twice, first on line 1"
    );
    assert_eq!(told(&server.get("/api/v1/config/other")), r#"200 {"shared":1}"#);
    repo.file("app.yml", "a: 1\n").commit();
    server.send("POST", "/api/v1/refresh", &[], b"");
    assert_eq!(told(&server.get("/api/v1/config/app")), r#"200 {"shared":1,"a":1}"#);
}
