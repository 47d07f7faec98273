//! Secrets that stand in a repository in plain text: served to those who read the service, and shown nowhere else.

use crate::harness::repo::Repo;
use crate::harness::server::{Server, layerd, run};

/// Parts of secrets, none of which may be seen.
const CANARIES: [&str; 6] = ["hunter2", "hunter3", "ghp_4Kq9", "77123", "inline9", "Secr3tPin"];

fn token(last: char) -> String {
    format!("ghp_4Kq9ZxT2vB7mN1cR5wL8yD3fJ6hP0sA{last}")
}

/// A repository in which every kind of secret is added, changed, taken away, overridden and referred to; the tag `v1` has
/// the secrets of before.
fn repo() -> Repo {
    let repo = Repo::new();
    let before = format!(
        "db: {{password: hunter2, user: u}}\nurl: jdbc:x://h?user=u&password=inline9a\nold: {}\ncommand: run ${{db.password}}\n\
         pins: {{password: 77123}}\nusers:\n  - {{name: ann, password: Secr3tPin1}}\nport: 1\n",
        token('a')
    );
    repo.file("application.yml", "db.password: hunter2shared\n").file("user.yml", &before).commit();
    repo.tag("v1");
    let after = format!(
        "db: {{password: hunter3, user: u2}}\nurl: jdbc:x://h?user=u&password=inline9b\nnew: {}\ncommand: run ${{db.password}}\n\
         pins: {{password: 771234}}\nusers:\n  - {{name: ann, password: Secr3tPin2}}\nport: 2\n",
        token('b')
    );
    repo.file("user.yml", &after).commit();
    repo
}

fn assert_hidden(what: &str, text: &str) {
    for canary in CANARIES {
        assert!(!text.contains(canary), "{what} shows {canary}: {text}");
    }
}

#[test]
fn no_spelling_of_a_difference_shows_them_and_each_tells_that_they_changed() {
    let repo = repo();
    let changed = ["db.password", "db.user", "url", "command", "pins.password", "users", "port"];
    for format in ["human", "json", "markdown"] {
        let ran = run(&mut layerd(&["diff", "v1", "main", "--repo", repo.url(), "--format", format]));
        assert_eq!(ran.code, Some(0), "{ran}");
        assert_hidden(format, &format!("{ran}"));
        for key in changed.iter().chain(&["old", "new"]) {
            assert!(ran.stdout.contains(key), "{key} is not in {ran}");
        }
    }
    let human = run(&mut layerd(&["diff", "v1", "main", "--repo", repo.url()])).stdout;
    for line in [
        "  ~ db.password = \"***\" -> \"***\"\n",
        "  ~ db.user = \"u\" -> \"u2\"\n",
        "  ~ command = \"***\" -> \"***\"\n",
        "  ~ users = [{\"name\":\"ann\",\"password\":\"***\"}] -> [{\"name\":\"ann\",\"password\":\"***\"}]\n",
        "  + new = \"***\"\n",
        "  - old = \"***\"\n",
        "  ~ port = 1 -> 2\n",
    ] {
        assert!(human.contains(line), "{line} is not in {human}");
    }
    let spring =
        run(&mut layerd(&["diff", "v1", "--semantics", "native..spring", "--repo", repo.url(), "--format", "json"]));
    assert_hidden("semantics", &format!("{spring}"));
}

#[test]
fn explanations_sources_histories_and_differences_of_a_server_do_not_show_them() {
    let repo = repo();
    let server = Server::start(&["serve", "--git", repo.url()]);
    server.wait_ready();
    assert!(server.config("user").contains("hunter3"), "who reads the service gets them");
    for target in [
        "diff/user/default?from=v1",
        "diff/user/default?from=v1&to=main",
        "history/user/default?key=db.password",
        "history/user/default?key=db",
        "history/user/default?key=command",
        "history/user/default?key=users",
        "explain/user/default",
        "explain/user/default?resolve=all",
        "explain/user/default?resolve=false",
        "sources/user/default",
    ] {
        let answer = server.get(&format!("/api/v1/{target}"));
        assert_eq!(answer.status(), 200, "{target}");
        assert_hidden(target, &answer.text());
        assert!(answer.text().contains("***"), "{target}: {}", answer.text());
    }
    let history: serde_json::Value =
        serde_json::from_str(&server.get("/api/v1/history/user/default?key=db.password").text()).unwrap();
    assert_eq!(history["commits"].as_array().unwrap().len(), 2, "a secret that changed is told: {history}");
    for args in [&["explain", "user"][..], &["history", "user", "default", "db.password"]] {
        for from in [["--server", &server.url()], ["--repo", repo.url()]] {
            let ran = run(layerd(args).args(from));
            assert_eq!(ran.code, Some(0), "{ran}");
            assert_hidden(args[0], &format!("{ran}"));
        }
    }
}
