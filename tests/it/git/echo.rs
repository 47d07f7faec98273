//! Remotes that send back what was sent to them, or texts that steer a terminal: what is told of it is one harmless line.

use std::sync::Arc;

use crate::harness::hostile::{Facts, Script, Step, head, honest_list, line, list, serve};
use crate::harness::server::Server;

const PASSWORD: &str = "S3cret/p@ss word";

/// What a remote says: the password in three spellings, escapes, marks that cannot be seen, and no end.
fn words() -> String {
    let rest = "y".repeat(40_000);
    format!(
        "no \u{1b}[31m\u{202e}\u{200b} {PASSWORD} S3cret%2fp%40ss%20word eC1hY2Nlc3MtdG9rZW46UzNjcmV0L3BAc3Mgd29yZA== {rest}"
    )
}

#[test]
fn what_a_remote_says_is_told_in_one_line_without_what_was_sent() {
    let facts = || Arc::new(Facts { commit: "7".repeat(40), pack: Vec::new(), other_pack: Vec::new() });
    let scripts: [Script; 4] = [
        |_| [list(&[line(format!("ERR {}", words()))]), Vec::new()],
        |facts| [honest_list(facts), vec![head("result"), Step::Send(line(format!("ERR {}", words())))]],
        |facts| {
            let error = [b"\x03".to_vec(), words().into_bytes()].concat();
            [
                honest_list(facts),
                vec![head("result"), Step::Send([line("NAK\n"), line(error), b"0000".to_vec()].concat())],
            ]
        },
        |_| {
            let kind = format!("HTTP/1.1 200 OK\r\nContent-Type: text/{PASSWORD}\r\nConnection: close\r\n\r\n");
            [vec![Step::Send(kind.into_bytes())], Vec::new()]
        },
    ];
    for (number, script) in scripts.into_iter().enumerate() {
        let url = serve(&facts(), script);
        let server = Server::launch(&["serve", "--git", &url]).env("LAYERD_GIT_TOKEN", PASSWORD).start();
        let answer = server.refresh();
        assert_eq!(answer.status(), 502, "{number}: {answer}");
        let texts = [answer.text(), server.get("/api/v1/status").text(), server.stderr()];
        for text in texts {
            let small = text.to_lowercase();
            for secret in ["s3cret", "uznjcmv0", "p@ss", "%40ss", "\u{1b}", "\\u001b", "\u{202e}", "\u{200b}"] {
                assert!(!small.contains(secret), "{number} {secret:?}: {text}");
            }
            assert!(text.lines().all(|line| line.len() < 2500), "{number}: {text}");
        }
    }
}
