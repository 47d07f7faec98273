//! Typing errors in requests: none of them is answered as if it had been meant.

use crate::harness::exchange::Exchange;
use crate::harness::repo::Repo;
use crate::harness::server::Server;

fn told(exchange: &Exchange) -> String {
    let body = exchange.json();
    let text = |name: &str| body[name].as_str().unwrap_or_default().to_owned();
    format!("{} {}: {} / {}", exchange.status(), text("code"), text("detail"), text("hint"))
}

#[test]
fn a_parameter_that_a_route_does_not_take_is_refused_with_the_nearest_one() {
    let repo = Repo::with(&[("user.yml", "a: 1\n")]);
    repo.commit();
    let server = Server::start(&["serve", "--git", repo.url()]);
    server.wait_ready();
    let get = |path: &str| told(&server.get(path));
    let unknown = |name: &str| format!("400 unknown-parameter: the parameter `{name}` is not known here");
    let meant = |name: &str, meant: &str| format!("{} / did you mean `{meant}`?", unknown(name));
    assert_eq!(get("/api/v1/config/user?lable=next"), meant("lable", "label"));
    assert_eq!(get("/api/v1/config/user/dev?label=main&Key=a"), meant("Key", "key"));
    assert_eq!(get("/api/v1/explain/user/dev?resolv=all"), meant("resolv", "resolve"));
    assert_eq!(get("/api/v1/diff/user/dev?form=main"), meant("form", "from"));
    assert_eq!(get("/api/v1/history/user/dev?key=a&limits=3"), meant("limits", "limit"));
    assert_eq!(
        get("/api/v1/explain/user/dev?format=yaml"),
        format!("{} / the parameters here are `label`, `key` and `resolve`", unknown("format"))
    );
    assert_eq!(get("/api/v1/status?x=1"), format!("{} / this path takes no parameters", unknown("x")));
    for path in ["applications", "problems", "sources/user/dev"] {
        assert_eq!(get(&format!("/api/v1/{path}?labl=main")), meant("labl", "label"), "{path}");
    }
    let refreshed = server.send("POST", "/api/v1/refresh?waite=false", &[], b"");
    assert_eq!(told(&refreshed), meant("waite", "wait"));
    let head = server.send("HEAD", "/api/v1/config/user?lable=next", &[], b"");
    assert_eq!((head.status(), head.text().as_str()), (400, ""));
}

#[test]
fn routes_of_others_and_of_probes_ignore_parameters_that_they_do_not_know() {
    let repo = Repo::with(&[("user.yml", "a: 1\n")]);
    repo.commit();
    let server = Server::start(&["serve", "--git", repo.url()]);
    server.wait_ready();
    for path in
        ["/user/dev", "/user-dev.yml", "/health/live", "/health/ready", "/healthz", "/metrics", "/actuator/health"]
    {
        assert_eq!(server.get(&format!("{path}?lable=next")).status(), 200, "{path}");
    }
    for path in ["/refresh", "/actuator/refresh"] {
        assert_eq!(server.send("POST", &format!("{path}?lable=next"), &[], b"").status(), 200, "{path}");
    }
}

#[test]
fn a_refresh_tells_of_the_label_that_was_asked_for() {
    let repo = Repo::with(&[("user.yml", "a: 1\n")]);
    repo.commit();
    repo.branch("next").file("user.yml", "a: 2\n").commit();
    let server = Server::start(&["serve", "--git", repo.url()]);
    server.wait_ready();
    server.get("/api/v1/config/user?label=next");
    let labels = |query: &str| {
        let body = server.send("POST", &format!("/api/v1/refresh{query}"), &[], b"").json();
        let labels = body["labels"].as_array().unwrap();
        labels.iter().map(|label| label["label"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(labels(""), ["main", "next"]);
    assert_eq!(labels("?label=next"), ["next"]);
    assert_eq!(labels("?label=nope"), [""; 0]);
}
