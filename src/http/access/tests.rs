//! Tests of who is behind which headers.

use axum::http::header::{AUTHORIZATION, WWW_AUTHENTICATE};
use axum::http::{HeaderName, HeaderValue};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::*;
use crate::access::password::{PasswordHash, SALT};
use crate::access::token::{ID, NewToken, SECRET, TokenFile};
use crate::audit::{AuditPlace, AuditSettings, OnAuditFailure};

fn token(seed: u8) -> NewToken {
    NewToken::from_bytes([seed; ID], [seed; SECRET])
}

fn access(scopes: &[&str]) -> Access {
    let scopes = scopes.iter().map(|scope| (*scope).to_owned()).collect();
    let made = "2026-01-01T00:00:00Z".parse().unwrap();
    let expires = Some("2027-01-01T00:00:00Z".parse().unwrap());
    let record = token(1).record("user-service", scopes, made, expires);
    let tokens = Tokens::new(&TokenFile { tokens: vec![record] }).unwrap();
    let hash = PasswordHash::of("secret", &[1; SALT]);
    let users = vec![User { name: Arc::from("anna"), hash, grants: Arc::default() }];
    Access::asking(Identities { tokens, users }, [7; 32])
}

const NOW: i64 = 1_780_000_000;

/// The name of the identity behind a header, or the status and the reason that was counted.
async fn identified(headers: &[(&str, &str)]) -> String {
    let access = access(&["status"]);
    let mut map = HeaderMap::new();
    for (name, value) in headers {
        map.append(HeaderName::from_bytes(name.as_bytes()).unwrap(), HeaderValue::from_str(value).unwrap());
    }
    match access.identify(&map, NOW).await {
        Ok(identity) => identity.name.to_string(),
        Err(refusal) => {
            let response = refusal.refusal.into_response();
            assert_eq!(response.headers()[WWW_AUTHENTICATE], CHALLENGE);
            let mut registry = Registry::default();
            access.register(&mut registry);
            let mut text = String::new();
            prometheus_client::encoding::text::encode(&mut text, &registry).unwrap();
            let reason = text.lines().find_map(|line| line.split("reason=\"").nth(1)?.split('"').next());
            format!("{} {}", response.status().as_u16(), reason.unwrap())
        }
    }
}

#[tokio::test]
async fn one_token_is_taken_in_every_way_that_clients_send_it() {
    let text = token(1).text.expose().to_owned();
    let basic = |user: &str| format!("Basic {}", STANDARD.encode(format!("{user}:{text}")));
    for (name, value) in [
        ("authorization", format!("Bearer {text}")),
        ("authorization", format!("bearer {text}")),
        ("authorization", basic("")),
        ("authorization", basic("user")),
        ("x-config-token", text.clone()),
        ("x-consul-token", text.clone()),
    ] {
        assert_eq!(identified(&[(name, &value)]).await, "user-service", "{name}: {value}");
    }
    assert_eq!(identified(&[("authorization", &basic("x")), ("x-config-token", &text)]).await, "user-service");
}

#[tokio::test]
async fn everything_else_is_401_with_its_reason_counted() {
    let (known, other) = (token(1).text.expose().to_owned(), token(2).text.expose().to_owned());
    let basic = |login: &str| format!("Basic {}", STANDARD.encode(login));
    let cases: [(&[(&str, &str)], &str); 11] = [
        (&[("authorization", &format!("Bearer {other}"))], "401 unknown"),
        (&[("x-config-token", "guess")], "401 malformed"),
        (&[("authorization", "Digest x")], "401 unknown-scheme"),
        (&[("authorization", "Basic ???")], "401 malformed"),
        (&[("x-config-token", &known), ("x-consul-token", &other)], "401 several-tokens"),
        (&[("authorization", "Basic Og==")], "anonymous"),
        (&[("authorization", &basic("anna:secret"))], "anna"),
        (&[("authorization", &basic("anna:guess"))], "401 wrong-password"),
        (&[("authorization", &basic("nobody:secret"))], "401 wrong-password"),
        (&[("authorization", &basic("anna:layerd_x"))], "401 malformed"),
        (&[], "anonymous"),
    ];
    for (headers, expected) in cases {
        assert_eq!(identified(headers).await, expected, "{headers:?}");
    }
}

#[tokio::test]
async fn a_token_that_has_ended_is_401() {
    let access = access(&["status"]);
    let mut headers = HeaderMap::new();
    headers.insert("x-config-token", HeaderValue::from_str(token(1).text.expose()).unwrap());
    let late = "2027-01-01T00:00:00Z".parse::<jiff::Timestamp>().unwrap().as_second();
    assert!(access.identify(&headers, late - 1).await.is_ok());
    assert_eq!(access.identify(&headers, late).await.unwrap_err().refusal.status(), StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn an_open_server_asks_nobody_and_opens_sealed_values_only_if_it_was_told_to() {
    for may_decrypt in [false, true] {
        let access = Access::open(may_decrypt);
        let mut headers = HeaderMap::new();
        headers.insert(AUTHORIZATION, HeaderValue::from_static("Bearer whatever"));
        let identity = access.identify(&headers, NOW).await.unwrap();
        assert!(identity.grants.may(Action::Any(Verb::Read)));
        assert_eq!(identity.grants.may(Action::WithKey(Verb::Decrypt, "a")), may_decrypt);
    }
}

/// The statuses of a read and of a refresh by an identity that may do both, if the audit log cannot be written.
async fn without_audit_log(on_failure: OnAuditFailure) -> [u16; 2] {
    let folder = tempfile::tempdir().unwrap();
    let settings = AuditSettings { place: AuditPlace::File(folder.path().join("audit")), on_failure };
    let (log, writer) = AuditLog::open(&settings).unwrap();
    // Nobody writes what the log is given.
    drop(writer);
    let access = Arc::new(Access::open(true).audited(Some(log)));
    let secret = async || {
        let mut response = "secret".into_response();
        response.extensions_mut().insert(HoldsSecret::default());
        response
    };
    let gate = |verb| axum::middleware::from_fn_with_state(Gate { access: Arc::clone(&access), verb }, check);
    let router = axum::Router::new()
        .route("/read", axum::routing::get(secret).layer(gate(Verb::Read)))
        .route("/refresh", axum::routing::post(async || "done").layer(gate(Verb::Refresh)));
    let ask = async |method: &str, path: &str| {
        let request = Request::builder().method(method).uri(path).body(axum::body::Body::empty()).unwrap();
        tower::ServiceExt::oneshot(router.clone(), request).await.unwrap().status().as_u16()
    };
    [ask("GET", "/read").await, ask("POST", "/refresh").await]
}

#[tokio::test]
async fn without_an_audit_log_changes_are_refused_and_reads_as_the_settings_say() {
    assert_eq!(without_audit_log(OnAuditFailure::Alert).await, [200, 503]);
    assert_eq!(without_audit_log(OnAuditFailure::Refuse).await, [503, 503]);
}
