//! Access tokens over HTTP: who gets what, on the routes of every protocol.

use std::path::Path;

use crate::harness::eventually;
use crate::harness::exchange::Exchange;
use crate::harness::folder::Folder;
use crate::harness::repo::Repo;
use crate::harness::server::{Server, layerd, run};

/// Every route but those that anybody may use, with a scope that opens it for the application `pay` in `dev`.
const ROUTES: [(&str, &str, &str); 27] = [
    ("GET", "/api/v1/config/pay", "read:pay/default"),
    ("GET", "/api/v1/config/pay/dev", "read:pay/dev"),
    ("GET", "/api/v1/explain/pay/dev", "read:pay/dev"),
    ("GET", "/api/v1/sources/pay/dev", "read:pay/dev"),
    ("GET", "/api/v1/diff/pay/dev?from=main", "read:pay/dev"),
    ("GET", "/api/v1/history/pay/dev?key=who", "history:pay"),
    ("GET", "/api/v1/applications", "status"),
    ("GET", "/api/v1/problems", "status"),
    ("GET", "/api/v1/status", "status"),
    ("POST", "/api/v1/refresh", "refresh"),
    ("POST", "/refresh", "refresh"),
    ("POST", "/actuator/refresh", "refresh"),
    ("GET", "/metrics", "metrics"),
    ("POST", "/api/v1/encrypt", "encrypt"),
    ("POST", "/api/v1/decrypt", "decrypt"),
    ("GET", "/pay-dev.json", "read:pay/dev"),
    ("GET", "/pay/dev", "read:pay/dev"),
    ("GET", "/pay/dev/main", "read:pay/dev"),
    ("GET", "/main/pay-dev.yml", "read:pay/dev"),
    ("GET", "/pay/dev/main/nginx.conf", "plain:pay/dev/nginx.conf"),
    ("GET", "/encrypt/status", "status"),
    ("GET", "/key", "status"),
    ("POST", "/encrypt", "encrypt"),
    ("POST", "/decrypt", "decrypt"),
    ("POST", "/encrypt/pay/dev", "encrypt"),
    ("POST", "/decrypt/pay/dev", "decrypt"),
    ("GET", "/encrypt/dev/main", "read:encrypt/dev"),
];

/// Makes a token in a file by the program itself.
fn token(file: &Path, scopes: &[&str]) -> String {
    let name = file.to_str().unwrap();
    let mut arguments = vec!["token", "new", "--name", "test", "--tokens", name];
    arguments.extend(scopes.iter().flat_map(|scope| ["--scope", scope]));
    let ran = run(&mut layerd(&arguments));
    assert_eq!(ran.code, Some(0), "{ran}");
    ran.stdout.trim().to_owned()
}

/// A repository of two applications, each with a canary.
fn repository() -> Repo {
    let repo = Repo::new();
    repo.file("application.yml", "shared: 1\n")
        .file("pay.yml", "who: canary-of-pay\n")
        .file("shop.yml", "who: canary-of-shop\nport: ${\n")
        .file("nginx.conf", "listen 80\n")
        .commit();
    repo
}

fn serve(repo: &Repo, tokens: &Path) -> Server {
    let launch = Server::launch(&["serve", "--git", repo.url()]);
    let server = launch.env("LAYERD_ACCESS__TOKENS_FILE", tokens.to_str().unwrap()).start();
    eventually("the server is ready", || server.get("/health/ready").status() == 200);
    server
}

fn ask(server: &Server, (method, path): (&str, &str), token: Option<&str>) -> Exchange {
    let bearer = token.map(|token| format!("Bearer {token}"));
    let mut headers = vec![("Content-Type", "text/plain")];
    headers.extend(bearer.as_deref().map(|bearer| ("Authorization", bearer)));
    server.send(method, path, &headers, if method == "POST" { b"x" } else { b"" })
}

#[test]
fn every_route_asks_who_is_there_and_for_its_own_scope() {
    let (folder, repo) = (Folder::new(), repository());
    let file = folder.path().join("tokens.yaml");
    let others = token(&file, &["read:other/*", "plain:other/*/nginx.conf", "history:other", "flags:other"]);
    let admin = token(&file, &["admin"]);
    let fitting: Vec<String> = ROUTES
        .iter()
        .map(|(_, path, scope)| {
            let reads = if path.contains("/history/") { vec!["read:pay/dev", scope] } else { vec![*scope] };
            token(&file, &reads)
        })
        .collect();
    let server = serve(&repo, &file);
    for ((method, path, scope), fitting) in ROUTES.into_iter().zip(&fitting) {
        let ask = |token: Option<&str>| ask(&server, (method, path), token);
        let refused = ask(None);
        assert_eq!(refused.status(), 401, "{method} {path}: {refused}");
        assert!(refused.header("www-authenticate").is_some_and(|told| told.contains("Bearer")), "{refused}");
        let forged = format!("{}0", &admin[..admin.len() - 1]);
        for wrong in ["x", &forged, "layerd_aaaaaaaa_00_00"] {
            assert_eq!(ask(Some(wrong)).status(), 401, "{method} {path} with {wrong}");
        }
        assert_eq!(ask(Some(&others)).status(), 403, "{method} {path} with the scopes of another application");
        for (who, token) in [(scope, fitting), ("admin", &admin)] {
            let status = ask(Some(token)).status();
            assert!(status != 401 && status != 403, "{method} {path} with {who}: {status}");
        }
    }
    for path in ["/health/live", "/health/ready", "/healthz", "/actuator/health"] {
        assert_eq!(server.get(path).status(), 200, "{path}");
    }
}

#[test]
fn nobody_sees_anything_of_an_application_that_is_not_his() {
    let (folder, repo) = (Folder::new(), repository());
    let file = folder.path().join("tokens.yaml");
    let pay = token(&file, &["read:pay/*", "plain:pay/*/nginx.conf", "history:pay", "status", "refresh", "metrics"]);
    let server = serve(&repo, &file);
    let see = |method: &str, path: &str| ask(&server, (method, path), Some(&pay));
    assert!(see("GET", "/api/v1/config/pay/dev").text().contains("canary-of-pay"));
    assert_eq!(see("GET", "/pay/dev/main/nginx.conf").text(), "listen 80\n");
    // What exists and what does not are refused alike.
    let [there, absent] = ["shop", "nowhere"].map(|name| {
        let path = format!("/api/v1/config/{name}/dev");
        let refused = see("GET", &path);
        let mut body = refused.json();
        body.as_object_mut().unwrap().remove("request_id");
        (refused.status(), body.to_string().replace(name, "NAME"))
    });
    assert_eq!(there, absent);
    for path in [
        "/api/v1/config/shop/dev",
        "/api/v1/explain/shop/dev",
        "/api/v1/sources/shop/dev",
        "/api/v1/diff/shop/dev?from=main",
        "/api/v1/history/shop/dev?key=who",
        "/shop/dev",
        "/shop-dev.yml",
        "/shop-dev.properties",
        "/main/shop-dev.json",
        "/pay/dev/main/shop.yml",
        "/pay/dev/shop.yml?useDefaultLabel",
        "/api/v1/config/pay%2F..%2Fshop/dev",
        "/shop;x=pay/dev",
    ] {
        let refused = see("GET", path);
        assert!(refused.status() >= 400, "{path}: {refused}");
        assert!(!refused.to_string().contains("canary-of-shop"), "{path}: {refused}");
    }
    for (method, path) in [
        ("GET", "/api/v1/applications"),
        ("GET", "/api/v1/problems"),
        ("GET", "/api/v1/status"),
        ("POST", "/api/v1/refresh"),
        ("GET", "/metrics"),
    ] {
        let told = see(method, path);
        assert_eq!(told.status(), 200, "{path}: {told}");
        assert!(!told.text().contains("shop"), "{path}: {told}");
    }
}

#[test]
fn a_label_that_is_not_granted_is_refused_under_every_name() {
    let (folder, repo) = (Folder::new(), repository());
    let commit = repo.branch("mine").on("mine").file("pay.yml", "who: canary-of-branch\n").commit();
    let file = folder.path().join("tokens.yaml");
    let token = token(&file, &["read:pay/*@main"]);
    let server = serve(&repo, &file);
    let status = |path: &str| ask(&server, ("GET", path), Some(&token)).status();
    assert_eq!(status("/api/v1/config/pay/dev"), 200, "the default label");
    assert_eq!(status("/api/v1/config/pay/dev?label=main"), 200);
    assert_eq!(status("/pay/dev"), 200);
    assert_eq!(status("/pay/dev/main"), 200);
    for path in [
        "/api/v1/config/pay/dev?label=mine".to_owned(),
        format!("/api/v1/config/pay/dev?label={commit}"),
        "/api/v1/diff/pay/dev?from=main&to=mine".to_owned(),
        "/api/v1/diff/pay/dev?from=mine".to_owned(),
        "/pay/dev/mine".to_owned(),
        "/pay/dev/main,mine".to_owned(),
        "/mine/pay-dev.yml".to_owned(),
        format!("/pay/dev/{commit}"),
    ] {
        assert_eq!(status(&path), 403, "{path}");
    }
}

#[test]
fn tokens_come_and_go_without_a_restart_and_a_broken_file_changes_nothing() {
    let (folder, repo) = (Folder::new(), repository());
    let file = folder.path().join("tokens.yaml");
    let first = token(&file, &["read:pay/*"]);
    let server = serve(&repo, &file);
    let status = |token: &str| ask(&server, ("GET", "/api/v1/config/pay"), Some(token)).status();
    assert_eq!(status(&first), 200);
    let second = token(&file, &["read:pay/*"]);
    eventually("a new token is known", || status(&second) == 200);
    let id = first.split('_').nth(1).unwrap();
    let revoked = run(&mut layerd(&["token", "revoke", id, "--tokens", file.to_str().unwrap()]));
    assert_eq!(revoked.code, Some(0), "{revoked}");
    eventually("the revoked token has ended", || status(&first) == 401);
    std::fs::write(&file, "tokens: [{id: x}]").unwrap();
    server.signal("HUP");
    eventually("the broken file is reported", || server.stderr().contains("the access tokens in force stay"));
    assert_eq!(status(&second), 200);
    assert!(!server.stderr().contains(&second));
}

#[test]
fn a_token_file_that_cannot_be_used_ends_the_start_with_every_mistake() {
    let folder = Folder::new();
    folder.private("tokens.yaml", "tokens:\n- {id: aaaaaaaa, name: x, sha256: zz, scopes: [raed:x]}\n");
    for (file, expected) in
        [("tokens.yaml", &["64 hexadecimal", "`raed:x`"][..]), ("absent", &["absent"]), (".", &["regular file"])]
    {
        let path = folder.path().join(file);
        let launch = Server::launch(&["serve", "config-repo-example"]);
        let ran = launch.env("LAYERD_ACCESS__TOKENS_FILE", path.to_str().unwrap()).try_start().err().unwrap();
        assert_eq!(ran.code, Some(78), "{ran}");
        assert!(expected.iter().all(|part| ran.stderr.contains(part)), "{ran}");
    }
}
