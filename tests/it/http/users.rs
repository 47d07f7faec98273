//! Users with passwords and roles over HTTP, as curl and Spring's clients send them.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use layerd::access::password::{PasswordHash, SALT};

use crate::harness::folder::Folder;
use crate::harness::server::{Launch, Server};

/// A server of a folder whose settings have this below `access`.
fn launch(folder: &Folder, access: &str) -> Launch {
    folder.file("repo/pay.yml", "who: pay\n").file("repo/shop.yml", "who: shop\n");
    let text = format!("sources: [ {{ dir: repo }} ]\naccess:\n{access}");
    folder.private("layerd.yaml", &text);
    Server::launch(&["serve", "--settings", folder.path().join("layerd.yaml").to_str().unwrap()])
}

fn hash(password: &str) -> String {
    PasswordHash::of(password, &[7; SALT]).to_string()
}

/// The status of a path for a name with a password.
fn status(server: &Server, path: &str, login: &str) -> u16 {
    let basic = format!("Basic {}", STANDARD.encode(login));
    server.send("GET", path, &[("Authorization", &basic)], b"").status()
}

#[test]
fn users_read_what_their_roles_grant_and_nothing_else() {
    let folder = Folder::new();
    let (anna, bert) = (hash("annas password"), hash("berts password"));
    let access = format!(
        "  roles: {{ pay: ['read:pay/*'], operator: [status] }}\n  users:\n  \
         - {{ name: anna, password-hash: '{anna}', roles: [pay] }}\n  \
         - {{ name: bert, password-hash: '{bert}', roles: [pay, operator] }}\n"
    );
    let server = launch(&folder, &access).start();
    server.wait_ready();
    for (login, path, expected) in [
        ("anna:annas password", "/api/v1/config/pay", 200),
        ("anna:annas password", "/pay/default", 200),
        ("anna:annas password", "/api/v1/config/shop", 403),
        ("anna:annas password", "/api/v1/status", 403),
        ("bert:berts password", "/api/v1/status", 200),
        ("anna:berts password", "/api/v1/config/pay", 401),
        ("nobody:annas password", "/api/v1/config/pay", 401),
        ("anna:", "/api/v1/config/pay", 401),
        (":annas password", "/api/v1/config/pay", 401),
    ] {
        assert_eq!(status(&server, path, login), expected, "{login} {path}");
    }
    assert_eq!(server.get("/api/v1/config/pay").status(), 401);
    let said = server.stderr();
    assert!(!said.contains("password") && !said.contains("argon2id"), "{said}");
}

#[test]
fn a_wrong_name_and_a_wrong_password_are_answered_alike() {
    let folder = Folder::new();
    let access = format!(
        "  roles: {{ pay: ['read:pay/*'] }}\n  users: [ {{ name: anna, password-hash: '{}', roles: [pay] }} ]\n",
        hash("annas password")
    );
    let server = launch(&folder, &access).start();
    let ask = |login: &str| {
        let basic = format!("Basic {}", STANDARD.encode(login));
        let refused = server.send("GET", "/api/v1/config/pay", &[("Authorization", &basic)], b"");
        let mut body = refused.json();
        body.as_object_mut().unwrap().remove("request_id");
        (refused.status(), body)
    };
    assert_eq!(ask("anna:a guess"), ask("nobody:a guess"));
    assert_eq!(ask("anna:a guess").0, 401);
}

#[test]
fn mistakes_in_roles_and_users_end_the_start_all_at_once() {
    let folder = Folder::new();
    let access = "  roles: { pay: ['raed:pay/*'] }\n  users:\n  - { name: anna, password-hash: in-clear-text, roles: [pay] }\n  \
                  - { name: bert, password-hash: '$2y$10$x', roles: [payy] }\n";
    let ran = launch(&folder, access).try_start().err().unwrap();
    assert_eq!(ran.code, Some(78), "{ran}");
    for expected in
        ["`raed:pay/*` does not begin with a verb", "users[0].password-hash", "users[1].password-hash", "`payy`"]
    {
        assert!(ran.stderr.contains(expected), "{expected}: {ran}");
    }
    assert!(!ran.stderr.contains("in-clear-text"), "{ran}");
}
