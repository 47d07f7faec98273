//! Remotes that send back what was sent to them, or texts that steer a terminal: what is told of it is one harmless line.

use std::sync::Arc;

use crate::harness::hostile::{Facts, Script, Step, head, honest_list, line, list, serve};
use crate::harness::server::{Server, layerd, run};
use crate::harness::worker::StandIns;

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
        check(&number.to_string(), &server, &answer.text());
    }
}

/// Nothing that the server tells holds what was sent, or steers a terminal, or is long.
fn check(case: &str, server: &Server, answer: &str) {
    let texts = [answer.to_owned(), server.get("/api/v1/status").text(), server.stderr()];
    for text in texts {
        let small = text.to_lowercase();
        for secret in ["s3cret", "uznjcmv0", "p@ss", "%40ss", "\u{1b}", "\\u001b", "\u{202e}", "\u{200b}", "\u{9b}"] {
            assert!(!small.contains(secret), "{case} {secret:?}: {text}");
        }
        assert!(text.lines().all(|line| line.len() < 2500), "{case}: {text}");
    }
}

/// A redirect to there.
fn moved(target: &[u8]) -> Vec<Step> {
    let head = b"HTTP/1.1 302 Found\r\nConnection: close\r\nContent-Length: 0\r\nLocation: ".to_vec();
    vec![Step::Send([&head, target, b"\r\n\r\n"].concat())]
}

#[test]
fn where_a_remote_redirects_to_is_told_without_what_was_sent() {
    let facts = || Arc::new(Facts { commit: "7".repeat(40), pack: Vec::new(), other_pack: Vec::new() });
    let scripts: [(&str, Script); 8] = [
        ("in the host", |_| [moved(b"http://s3cret.example.org/x"), Vec::new()]),
        ("as a login", |_| [moved(b"http://me:S3cret%2Fp%40ss%20word@example.org/x"), Vec::new()]),
        ("in the scheme", |_| [moved(b"S3cret://example.org/x"), Vec::new()]),
        ("in the path", |_| [moved(format!("/{}", words().replace(' ', "+")).as_bytes()), Vec::new()]),
        ("as it is", |_| [moved(words().as_bytes()), Vec::new()]),
        ("marks", |_| [moved("http://a\u{202e}b\u{200b}c\u{9b}2J.example.org/\u{202e}".as_bytes()), Vec::new()]),
        ("escapes", |_| [moved(b"http://a%1b[31m%E2%80%AE.example.org/%1b[2J"), Vec::new()]),
        ("without end", |_| {
            [moved(format!("http://{}.org/{}", "h".repeat(20_000), "y".repeat(20_000)).as_bytes()), Vec::new()]
        }),
    ];
    for (case, script) in scripts {
        let url = serve(&facts(), script);
        let launch = Server::launch(&["serve", "--git", &url]).env("LAYERD_GIT_TOKEN", "S3cret");
        let server = launch.start();
        let answer = server.refresh();
        assert_eq!(answer.status(), 502, "{case}: {answer}");
        check(case, &server, &answer.text());
    }
}

#[test]
fn what_a_proxy_is_sent_is_told_by_nobody() {
    let facts = || Arc::new(Facts { commit: "7".repeat(40), pack: Vec::new(), other_pack: Vec::new() });
    let proxy = serve(&facts(), |_| {
        let kind = format!("HTTP/1.1 200 OK\r\nContent-Type: text/{PASSWORD}\r\nConnection: close\r\n\r\n");
        [vec![Step::Send(kind.into_bytes())], Vec::new()]
    });
    let proxy = proxy.replace("http://", "http://me:S3cret%2Fp%40ss%20word@");
    let server = Server::launch(&["serve", "--git", "http://git.invalid/x"]).env("http_proxy", &proxy).start();
    let answer = server.refresh();
    assert_eq!(answer.status(), 502, "{answer}");
    assert!(answer.text().contains("the server sent `text/***`"), "the proxy was not asked: {answer}");
    check("proxy", &server, &answer.text());
}

#[test]
fn what_ssh_says_is_told_in_one_line_without_what_steers_a_terminal() {
    let programs = StandIns::new();
    let marks = format!("no \u{1b}[31m\u{202e}\u{200b} {}", "z".repeat(2000));
    std::fs::write(programs.at("words"), format!("{}\n{marks}", "y".repeat(40_000))).unwrap();
    std::fs::write(programs.at("marks"), marks).unwrap();
    let scripts = [
        "cat $here/words >&2; exit 255",
        "(echo Permission denied; cat $here/words) >&2; exit 255",
        "cat $here/words >&2; exit 1",
        "printf '%04xERR ' 1012; head -c 1004 $here/marks",
    ];
    for script in scripts {
        programs.script("ssh", script);
        let launch = Server::launch(&["serve", "--git", "git@host:x"]).env("PATH", &programs.path_variable());
        let server = launch.start();
        let answer = server.refresh();
        assert_eq!(answer.status(), 502, "{script}: {answer}");
        assert!(answer.text().contains("no \\\\u{1b}[31m\\\\u{202e}\\\\u{200b} zzz"), "{script}: {answer}");
        check(script, &server, &answer.text());
    }
}

#[test]
fn a_password_in_an_address_is_told_by_nobody_however_that_is_written() {
    let (state, folder) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let addresses = [
        "https://user:hunter2@127.0.0.1:1/x",
        "https://user:hunter2@h/x?token=1",
        "ftp://user:hunter2@h/x",
        "ssh://git:hunter2@host/x",
        "git:hunter2@host.invalid:x",
        "HTTPS:user:hunter2@h.invalid/x",
        "https:/user:hunter2@h/x",
        "//user:hunter2@h/x",
        "https://user:hunter2@h:99999/x",
        "https://user:hunter2@h/{application",
        "https://user:hunter2@h/{application}",
    ];
    let state = state.path().to_str().unwrap();
    for address in addresses {
        let commands: [&[&str]; 8] = [
            &["settings", "--git", address],
            &["settings", address],
            &["settings", "--git", "https://h/x", "--label", address],
            &["settings", "--listen", address],
            &["serve", address, "--state", state, "--listen", "127.0.0.1:0"],
            &["validate", address],
            &["diff", address],
            &["render", "--repo", address, "app"],
        ];
        for command in commands {
            let ran = run(layerd(command).current_dir(folder.path()));
            assert!(!ran.to_string().contains("hunter2"), "{command:?}: {ran}");
        }
        let launch = Server::launch(&["serve", "--git", address]).within(folder.path());
        match launch.try_start() {
            Err(ran) => assert!(!ran.to_string().contains("hunter2"), "{address}: {ran}"),
            Ok(server) => {
                let texts = [server.refresh().text(), server.get("/api/v1/status").text(), server.stderr()];
                assert!(!texts.concat().contains("hunter2"), "{address}: {texts:?}");
            }
        }
    }
}
