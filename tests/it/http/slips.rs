//! Typing errors in requests: none of them is answered as if it had been meant.

use crate::harness::exchange::Exchange;
use crate::harness::folder::Folder;
use crate::harness::repo::Repo;
use crate::harness::server::{Server, layerd, run};

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
        format!("{} / the parameters here are `label`, `key`, `resolve` and `strict`", unknown("format"))
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

/// Applications and profiles of files and of conditions, on two branches.
fn repository() -> Repo {
    let repo = Repo::with(&[
        ("application.yml", "a: {port: 1, pool: {size: 2}}\n---\nspring.config.activate.on-profile: night\nb: 1\n"),
        ("user-service.yml", "c: 1\n"),
        ("user-service-production.yml", "c: 2\n"),
        ("hidden.yml", "d: 1\n"),
    ]);
    repo.commit();
    repo.branch("next").on("next").file("user-service.yml", "c: 3\n").commit();
    repo
}

#[test]
fn a_name_that_nothing_names_is_warned_of_and_refused_only_if_the_client_is_strict() {
    let repo = repository();
    let server = Server::start(&["serve", "--git", repo.url()]);
    server.wait_ready();
    for kind in ["config", "explain", "sources"] {
        let path = |rest: &str| format!("/api/v1/{kind}/{rest}");
        let known = server.get(&path("user-service/production,night?strict=true"));
        assert_eq!((known.status(), known.header("layerd-warning")), (200, None), "{kind}");
        let warned = server.get(&path("usr-service/production"));
        let warning = "nothing in the repository names the application `usr-service`; did you mean `user-service`?";
        assert_eq!((warned.status(), warned.header("layerd-warning")), (200, Some(warning)), "{kind}");
        let etag = warned.header("etag").unwrap();
        let unchanged = server.send("GET", &path("usr-service/production"), &[("If-None-Match", etag)], b"");
        assert_eq!((unchanged.status(), unchanged.header("layerd-warning")), (304, Some(warning)), "{kind}");
        let refused = |rest: &str| told(&server.get(&path(rest)));
        assert_eq!(
            refused("usr-service/production?strict=true"),
            "404 unknown-application: nothing in the repository names the application `usr-service` / \
             did you mean `user-service`?"
        );
        assert_eq!(
            refused("user-service/prodution?strict"),
            "404 unknown-profile: nothing in the repository names the profile `prodution` / did you mean `production`?"
        );
        assert_eq!(
            refused("production/user-service?strict=1"),
            "404 unknown-application: nothing in the repository names the application `production` or the profile \
             `user-service` / did you mean `user-service/production`?"
        );
        assert_eq!(
            refused("zebra/default?strict=true"),
            "404 unknown-application: nothing in the repository names the application `zebra` / \
             the applications are `hidden` and `user-service`"
        );
    }
    for path in ["diff/user-service/prod-1?from=next", "history/user-service/prod-1?key=c"] {
        let warned = server.get(&format!("/api/v1/{path}"));
        assert!(warned.header("layerd-warning").is_some_and(|told| told.contains("`prod-1`")), "{warned}");
    }
    let spring = server.get("/usr-service/production");
    assert_eq!((spring.status(), spring.header("layerd-warning")), (200, None), "Spring sends no such header");
}

#[test]
fn an_application_of_which_one_label_knows_is_not_warned_of_in_a_diff() {
    let repo = repository();
    repo.on("next").file("new.yml", "a: 1\n").commit();
    let server = Server::start(&["serve", "--git", repo.url()]);
    server.wait_ready();
    let compared = server.get("/api/v1/diff/new/default?from=next&to=main");
    assert_eq!((compared.status(), compared.header("layerd-warning")), (200, None), "{compared}");
}

#[test]
fn an_older_commit_that_stands_in_does_not_make_names_unknown() {
    let repo = repository();
    let server = Server::start(&["serve", "--git", repo.url()]);
    server.wait_ready();
    repo.on("main").file("user-service.yml", "c: [\n").file("hidden-winter.yml", "x: 1\n").commit();
    server.send("POST", "/api/v1/refresh", &[], b"");
    let pinned = server.get("/api/v1/config/user-service/winter?strict=true");
    assert!(pinned.header("layerd-pinned").is_some(), "{pinned}");
    assert_eq!((pinned.status(), pinned.header("layerd-warning")), (200, None), "{pinned}");
}

#[test]
fn a_key_that_is_not_there_is_refused_with_the_nearest() {
    let repo = repository();
    let server = Server::start(&["serve", "--git", repo.url()]);
    server.wait_ready();
    let get = |path: &str| told(&server.get(path));
    for kind in ["config", "explain"] {
        for (key, hint) in [
            ("a.prot", "did you mean `a.port`?"),
            ("pool.size", "did you mean `a.pool.size`?"),
            ("a.pol", "did you mean `a.pool`?"),
            ("zebra", ""),
        ] {
            let expected = format!("404 unknown-key: there is no key `{key}` / {hint}");
            assert_eq!(get(&format!("/api/v1/{kind}/user-service/production?key={key}")), expected);
        }
    }
    let history = server.get("/api/v1/history/user-service/production?key=a.prot").json();
    assert_eq!(history["nearest"].to_string(), "[\"a.port\"]");
    assert!(server.get("/api/v1/history/user-service/production?key=a.port").json()["nearest"].is_null());
}

#[test]
fn a_label_that_is_not_there_is_refused_with_those_that_are() {
    let repo = repository();
    repo.on("main").tag("v1.0");
    let server = Server::start(&["serve", "--git", repo.url()]);
    server.wait_ready();
    let hint = "did you mean `next`? the labels are `main`, `next` and `v1.0`";
    for path in [
        "config/user-service/dev?label=nxet",
        "explain/user-service/dev?label=nxet",
        "sources/user-service/dev?label=nxet",
        "diff/user-service/dev?from=nxet",
        "history/user-service/dev?key=a&label=nxet",
    ] {
        let expected = format!("404 unknown-label: there is no label `nxet` / {hint}");
        assert_eq!(told(&server.get(&format!("/api/v1/{path}"))), expected, "{path}");
    }
}

#[test]
fn hints_name_nothing_that_the_token_may_not_read() {
    let (folder, repo) = (Folder::new(), repository());
    let file = folder.path().join("tokens.yaml");
    let made = ["token", "new", "--name", "t", "--tokens", file.to_str().unwrap(), "--scope"];
    let token = |scope: &str| run(&mut layerd(&[&made[..], &[scope]].concat())).stdout.trim().to_owned();
    let (narrow, wide) = (token("read:h*/*@main"), token("read:h*/*"));
    let launch = Server::launch(&["serve", "--git", repo.url()]);
    let server = launch.env("LAYERD_ACCESS__TOKENS_FILE", file.to_str().unwrap()).start();
    server.wait_ready();
    let ask = |token: &str, path: &str| {
        told(&server.send("GET", path, &[("Authorization", &format!("Bearer {token}"))], b""))
    };
    let path = "/api/v1/config/h-service/default?strict=true";
    assert!(ask(&narrow, path).ends_with("the application `h-service` / there is only `hidden`"));
    assert!(ask(&narrow, "/api/v1/config/hiden/default?strict=true").ends_with("/ did you mean `hidden`?"));
    // A label beyond the scope is refused before it is looked for.
    assert!(ask(&narrow, "/api/v1/config/hidden?label=nxet").starts_with("403 forbidden"));
    let all = "404 unknown-label: there is no label `nxet` / did you mean `next`? the labels are `main` and `next`";
    assert_eq!(ask(&wide, "/api/v1/config/hidden?label=nxet"), all);
    let some = token("read:h*/*@n*");
    crate::harness::eventually("the new token is known", || {
        !ask(&some, "/api/v1/config/hidden?label=next").starts_with("401")
    });
    let seen = ask(&some, "/api/v1/config/hidden?label=nxet");
    assert_eq!(seen, "404 unknown-label: there is no label `nxet` / did you mean `next`? there is only `next`");
}
