//! The native protocol as clients see it: whole exchanges over a socket, every header included.

use crate::harness::exchange::Exchange;
use crate::harness::repo::Repo;
use crate::harness::server::Server;

/// A repository with every kind of layer, served.
fn server() -> (Server, String) {
    let repo = Repo::with(&[
        ("application.yml", "server: {port: 8080}\nname: ${app.title}\nhost: ${HOST:none}\napp: {title: shared}\n"),
        ("application-eu.yml", "region: eu\n"),
        ("user/application.yml", "server.port: 8081\napp: {title: User}\nbig: 18446744073709551616\nnothing:\n"),
        ("user/application-eu.yml", "server: {ssl: true}\nlist: [1, {a: b}]\n"),
        ("broken.yml", "a: 1\nb: [\n"),
        ("notes.txt", "not configuration\n"),
    ]);
    let commit = repo.commit();
    let server = Server::start(&["serve", "--git", repo.url()]);
    server.wait_ready();
    (server, commit)
}

fn code(exchange: &Exchange) -> String {
    let body = exchange.json();
    format!("{} {}", exchange.status(), body["code"].as_str().unwrap_or_default())
}

#[test]
fn an_answer_is_the_merged_document_with_its_version() {
    let (server, commit) = server();
    let expected = format!(
        "HTTP/1.1 200 OK\n\
         content-type: application/json\n\
         etag: \"e4cf0ad096e9a699ff506419cbebb953\"\n\
         cache-control: private, no-cache\n\
         vary: Authorization, Accept, Accept-Encoding\n\
         layerd-version: {commit}\n\
         layerd-label: main\n\
         layerd-age: [age]\n\
         content-length: 171\n\
         x-content-type-options: nosniff\n\
         x-request-id: [id]\n\
         connection: close\n\
         date: [date]\n\n\
         {{\"server\":{{\"port\":8081,\"ssl\":true}},\"name\":\"User\",\"host\":\"${{HOST:none}}\",\
         \"app\":{{\"title\":\"User\"}},\"region\":\"eu\",\"big\":18446744073709551616,\"nothing\":null,\
         \"list\":[1,{{\"a\":\"b\"}}]}}"
    );
    assert_eq!(server.get("/api/v1/config/user/eu").to_string(), expected);
}

#[test]
fn a_client_that_has_the_answer_is_told_so() {
    let (server, commit) = server();
    let etag = server.get("/api/v1/config/user/eu").header("etag").unwrap().to_owned();
    let unchanged = server.send("GET", "/api/v1/config/user/eu", &[("If-None-Match", &etag)], b"");
    let expected = format!(
        "HTTP/1.1 304 Not Modified\n\
         etag: {etag}\n\
         cache-control: private, no-cache\n\
         vary: Authorization, Accept, Accept-Encoding\n\
         layerd-version: {commit}\n\
         layerd-label: main\n\
         layerd-age: [age]\n\
         x-content-type-options: nosniff\n\
         x-request-id: [id]\n\
         connection: close\n\
         date: [date]\n\n"
    );
    assert_eq!(unchanged.to_string(), expected);
    let other_format = server.send("GET", "/api/v1/config/user/eu?format=yaml", &[("If-None-Match", &etag)], b"");
    assert_eq!(other_format.status(), 200);
}

#[test]
fn head_is_get_without_its_body() {
    let (server, _) = server();
    let get = server.get("/api/v1/config/user/eu").to_string();
    let head = server.send("HEAD", "/api/v1/config/user/eu", &[], b"").to_string();
    assert_eq!(head.trim_end(), get.split("\n\n").next().unwrap());
}

#[test]
fn the_format_is_asked_for_by_name_or_by_accept() {
    let (server, _) = server();
    let text = |query: &str| server.get(&format!("/api/v1/config/user/eu{query}")).text();
    let yaml = "server:\n  port: 8081\n  ssl: true\nname: User\nhost: ${HOST:none}\napp:\n  title: User\nregion: eu\n\
                big: 18446744073709551616\nnothing: null\nlist:\n  - 1\n  - a: b\n";
    assert_eq!(text("?format=yaml"), yaml);
    assert_eq!(
        text("?format=properties"),
        "server.port=8081\nserver.ssl=true\nname=User\nhost=${HOST:none}\napp.title=User\nregion=eu\n\
         big=18446744073709551616\nnothing=\nlist[0]=1\nlist[1].a=b\n"
    );
    assert_eq!(
        text("?format=env"),
        "SERVER_PORT=8081\nSERVER_SSL=true\nNAME=User\nHOST='${HOST:none}'\nAPP_TITLE=User\nREGION=eu\n\
         BIG=18446744073709551616\nNOTHING=\nLIST_0=1\nLIST_1_A=b\n"
    );
    let toml: toml::Table = text("?format=toml").parse().unwrap();
    assert_eq!(toml["server"]["port"].as_integer(), Some(8081));
    let accepting = |accept| {
        let answer = server.send("GET", "/api/v1/config/user/eu", &[("Accept", accept)], b"");
        format!("{} {}", answer.status(), answer.header("content-type").unwrap())
    };
    assert_eq!(accepting("application/yaml"), "200 application/yaml");
    assert_eq!(accepting("application/toml;q=0.5, */*;q=0.1"), "200 application/toml");
    assert_eq!(accepting("text/plain"), "200 text/plain;charset=UTF-8");
    assert_eq!(accepting("image/png"), "406 application/problem+json");
    assert!(text("?pretty").starts_with("{\n  \"server\": {\n    \"port\": 8081,"));
}

#[test]
fn a_key_narrows_the_answer_to_a_value_or_a_sub_tree() {
    let (server, _) = server();
    let text = |key: &str| server.get(&format!("/api/v1/config/user/eu?key={key}")).text();
    assert_eq!(text("server"), r#"{"port":8081,"ssl":true}"#);
    assert_eq!(text("server.port"), "8081");
    assert_eq!(text("name"), r#""User""#);
    assert_eq!(text("nothing"), "null");
    assert_eq!(text("list[1].a"), r#""b""#);
    assert_eq!(text("list%5B1%5D&format=yaml"), "a: b\n");
    for absent in ["nope", "server.port.x", "list[2]", "list[-1]", "", "."] {
        let answer = server.get(&format!("/api/v1/config/user/eu?key={absent}"));
        assert_eq!(code(&answer), "404 unknown-key", "{absent}");
    }
}

#[test]
fn placeholders_are_resolved_as_far_as_asked() {
    let (server, _) = server();
    let host = |resolve: &str| server.get(&format!("/api/v1/config/user/eu?resolve={resolve}")).json()["host"].clone();
    let name = |resolve: &str| server.get(&format!("/api/v1/config/user/eu?resolve={resolve}")).json()["name"].clone();
    assert_eq!((host("known"), name("known")), ("${HOST:none}".into(), "User".into()));
    assert_eq!((host("all"), name("all")), ("none".into(), "User".into()));
    assert_eq!((host("false"), name("false")), ("${HOST:none}".into(), "${app.title}".into()));
}

#[test]
fn an_unknown_application_gets_the_shared_layers_unless_it_must_be_known() {
    let (server, _) = server();
    let shared = r#"{"server":{"port":8080},"name":"shared","host":"${HOST:none}","app":{"title":"shared"}}"#;
    assert_eq!(server.get("/api/v1/config/nobody").text(), shared);
    assert_eq!(server.get("/api/v1/config/nobody/default?strict=false").text(), shared);
    assert_eq!(code(&server.get("/api/v1/config/nobody?strict=true")), "404 unknown-application");
    assert_eq!(server.get("/api/v1/config/user?strict=true").status(), 200);
}

#[test]
fn parameters_that_mean_nothing_are_refused() {
    let (server, _) = server();
    for query in ["format=xml", "resolve=some", "strict=perhaps", "pretty=2"] {
        assert_eq!(code(&server.get(&format!("/api/v1/config/user?{query}"))), "400 invalid-parameter", "{query}");
    }
    assert_eq!(code(&server.get("/api/v1/config/user?label=a&label=b")), "400 invalid-query");
}

#[test]
fn a_broken_file_is_told_to_those_who_need_it() {
    let (server, _) = server();
    let expected = r#"HTTP/1.1 500 Internal Server Error
content-type: application/problem+json
cache-control: no-store
content-length: 280
x-content-type-options: nosniff
x-request-id: [id]
connection: close
date: [date]

{"type":"about:blank","title":"Internal Server Error","status":500,"detail":"a bracket is not closed","code":"broken-configuration","file":"broken.yml","line":2,"column":4,"hint":"mend the file and commit it; answers that do not need the file are not touched","request_id":"test"}"#;
    let broken = server.send("GET", "/api/v1/config/broken", &[("X-Request-Id", "test")], b"");
    assert_eq!(broken.to_string(), expected);
    assert_eq!(server.get("/health/ready").status(), 200);
}

#[test]
fn explain_says_where_each_value_stands_and_what_it_hides() {
    let (server, commit) = server();
    let explained = server.get("/api/v1/explain/user/eu?key=server").text();
    let expected = format!(
        "{{\"application\":\"user\",\"profiles\":[\"eu\"],\"label\":\"main\",\"version\":\"{commit}\",\"keys\":[\
         {{\"key\":\"server.port\",\"value\":8081,\"file\":\"user/application.yml\",\"line\":1,\"column\":14,\
         \"document\":0,\"commit\":\"{commit}\",\"hides\":[\
         {{\"value\":8080,\"file\":\"application.yml\",\"line\":1,\"column\":16,\"document\":0}}]}},\
         {{\"key\":\"server.ssl\",\"value\":true,\"file\":\"user/application-eu.yml\",\"line\":1,\"column\":15,\
         \"document\":0,\"commit\":\"{commit}\",\"hides\":[]}}]}}"
    );
    assert_eq!(explained, expected);
    let name = &server.get("/api/v1/explain/user/eu?key=name").json()["keys"][0];
    assert_eq!((&name["value"], &name["written"]), (&"User".into(), &"${app.title}".into()));
    assert_eq!(code(&server.get("/api/v1/explain/user/eu?key=nope")), "404 unknown-key");
    assert_eq!(code(&server.get("/api/v1/explain/broken/eu")), "500 broken-configuration");
}

#[test]
fn sources_are_the_layers_weakest_first() {
    let (server, _) = server();
    let sources = server.get("/api/v1/sources/user/eu").json();
    let files: Vec<_> =
        sources["sources"].as_array().unwrap().iter().map(|source| source["file"].as_str().unwrap()).collect();
    assert_eq!(files, ["application.yml", "application-eu.yml", "user/application.yml", "user/application-eu.yml"]);
    assert_eq!(sources["sources"][3]["values"].to_string(), r#"{"server":{"ssl":true},"list":[1,{"a":"b"}]}"#);
}

#[test]
fn applications_and_problems_are_listed() {
    let (server, commit) = server();
    let listed = server.get("/api/v1/applications").text();
    let expected = format!(
        "{{\"label\":\"main\",\"version\":\"{commit}\",\"applications\":[\
         {{\"application\":\"broken\",\"profiles\":[\"default\",\"eu\"]}},\
         {{\"application\":\"user\",\"profiles\":[\"default\",\"eu\"]}}],\"labels\":[\"main\"]}}"
    );
    assert_eq!(listed, expected);
    let problems = server.get("/api/v1/problems").json();
    let problem = &problems["problems"][0];
    assert_eq!(
        (&problem["file"], &problem["severity"], &problem["code"]),
        (&"broken.yml".into(), &"error".into(), &"syntax".into())
    );
    assert_eq!(problems["problems"].as_array().unwrap().len(), 1);
}

#[test]
fn every_path_and_method_that_is_none_has_a_problem_to_say_so() {
    let (server, _) = server();
    assert_eq!(code(&server.get("/api/v1/nothing")), "404 not-found");
    assert_eq!(code(&server.get("/api/v1/config")), "404 not-found");
    let wrong = server.send("POST", "/api/v1/config/user", &[], b"");
    assert_eq!((code(&wrong).as_str(), wrong.header("allow")), ("405 method-not-allowed", Some("GET,HEAD")));
    let wrong = server.send("GET", "/api/v1/refresh", &[], b"");
    assert_eq!((code(&wrong).as_str(), wrong.header("allow")), ("405 method-not-allowed", Some("POST")));
}

#[test]
fn health_and_metrics_answer_machines() {
    let (server, _) = server();
    assert_eq!(server.get("/health/live").text(), r#"{"status":"up"}"#);
    assert_eq!(server.get("/healthz").text(), r#"{"status":"up"}"#);
    assert_eq!(server.get("/health/ready").text(), r#"{"status":"ready"}"#);
    let metrics = server.get("/metrics").text();
    for line in [
        "layerd_ready 1",
        "layerd_problems{source=\"config\"} 1",
        "layerd_fetches_total{source=\"config\"} 1",
        "layerd_http_requests_total{route=\"/health/live\",status=\"2xx\"} 1",
    ] {
        assert!(metrics.lines().any(|found| found == line), "{line} is not in\n{metrics}");
    }
    assert!(metrics.contains("\nlayerd_snapshot_age_seconds{source=\"config\"} "), "{metrics}");
    assert!(metrics.ends_with("# EOF\n"));
}

#[test]
fn the_id_of_a_request_is_kept_or_made() {
    let (server, _) = server();
    let kept = server.send("GET", "/api/v1/nope", &[("X-Request-Id", "build-7.a")], b"");
    assert_eq!(kept.header("x-request-id"), Some("build-7.a"));
    assert_eq!(kept.json()["request_id"], "build-7.a");
    let made = server.send("GET", "/api/v1/nope", &[("X-Request-Id", "no spaces")], b"");
    assert_eq!(made.header("x-request-id").unwrap().len(), 36);
}
