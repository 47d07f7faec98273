//! Which commits changed a value: the same from the server, from a repository and from a clone of it.

use crate::harness::folder::Folder;
use crate::harness::repo::Repo;
use crate::harness::server::{Server, layerd, run};

/// Five commits, of which three change `pool.size` for `user` in `eu`.
fn repo() -> (Repo, Vec<String>) {
    let repo = Repo::new();
    let mut commits = vec![repo.file("application.yml", "pool: {size: 1}\n").file("user.yml", "a: 1\n").commit()];
    commits.push(repo.file("order.yml", "pool.size: 9\n").commit());
    commits.push(repo.file("user/application-eu.yml", "pool.size: 5\n").commit());
    commits.push(repo.file("application.yml", "pool: {size: 2}\n").commit());
    commits.push(repo.delete("user/application-eu.yml").commit());
    (repo, commits)
}

fn json(label: &str, commits: &[String]) -> String {
    let tip = &commits[4];
    let commit = |number: usize, values: &str| {
        format!(
            "{{\"id\":\"{}\",\"time\":\"2026-01-01T00:0{number}:00Z\",\"author\":\"Test Author <author@example.org>\",\
             \"subject\":\"Change {}\",{values}}}",
            commits[number],
            number + 1
        )
    };
    format!(
        "{{\"application\":\"user\",\"profiles\":[\"eu\"],\"label\":\"{label}\",\"version\":\"{tip}\",\"key\":\"pool.size\",\
         \"commits\":[{},{},{}],\"complete\":true}}",
        commit(4, "\"from\":5,\"to\":2"),
        commit(2, "\"from\":1,\"to\":5"),
        commit(0, "\"to\":1")
    )
}

#[test]
fn a_server_names_the_commits_that_changed_a_value() {
    let (repo, commits) = repo();
    let server = Server::start(&["serve", "--git", repo.url()]);
    server.wait_ready();
    let answer = server.get("/api/v1/history/user/eu?key=pool.size");
    assert_eq!((answer.status(), answer.text()), (200, json("main", &commits)));
    assert_eq!(answer.header("layerd-version"), Some(&*commits[4]));
    let label = format!("/api/v1/history/user/eu?key=pool.size&label={}&limit=1", commits[3]);
    let one = server.get(&label).json();
    assert_eq!((one["commits"].as_array().unwrap().len(), &one["complete"]), (1, &false.into()));
    assert_eq!(one["commits"][0]["id"], commits[2].as_str());
    let map = server.get("/api/v1/history/order/default?key=pool").json();
    assert_eq!((&map["commits"][0]["from"]["size"], &map["commits"][0]["to"]["size"]), (&1.into(), &9.into()));
    let refused = |path: &str| {
        let answer = server.get(path);
        format!("{} {}", answer.status(), answer.json()["code"].as_str().unwrap())
    };
    assert_eq!(refused("/api/v1/history/user/eu"), "400 missing-parameter");
    assert_eq!(refused("/api/v1/history/user/eu?key=a&limit=201"), "400 invalid-parameter");
    assert_eq!(refused("/api/v1/history/user/eu?key=a&label=HEAD"), "404 unknown-label");
    let never = server.get("/api/v1/history/user/eu?key=nope").json();
    assert_eq!((never["commits"].as_array().unwrap().len(), &never["complete"]), (0, &true.into()));
}

#[test]
fn the_command_line_tells_the_same_from_everywhere() {
    let (repo, commits) = repo();
    let history = |args: &[&str]| run(layerd(&["history", "user", "eu", "pool.size"]).args(args));
    let bare = history(&["--repo", repo.url(), "--format", "json"]);
    assert_eq!((bare.code, bare.stdout), (Some(0), json("HEAD", &commits) + "\n"));
    let clone = tempfile::tempdir().unwrap();
    git2::Repository::clone(repo.url(), clone.path()).unwrap();
    let at = clone.path().to_str().unwrap();
    let local = history(&["--repo", at, "--label", "origin/main", "--format", "json"]);
    assert_eq!((local.code, local.stdout), (Some(0), json("origin/main", &commits) + "\n"));
    let url = history(&["--repo", &format!("file://{}", repo.url()), "--format", "json"]);
    assert_eq!((url.code, url.stdout, url.stderr), (Some(0), json("main", &commits) + "\n", String::new()));
    let expected = format!(
        "\
# user eu, label main: pool.size
{} 2026-01-01T00:04:00Z Test Author <author@example.org>
  Change 5
  5 -> 2
older commits were not looked at
",
        &commits[4][..7]
    );
    let human = history(&["--repo", at, "--label", "main", "--limit", "1"]);
    assert_eq!((human.code, human.stdout.as_str(), human.stderr.as_str()), (Some(0), expected.as_str(), ""));
}

#[test]
fn a_folder_has_no_history() {
    let folder = Folder::new();
    folder.file("user.yml", "a: 1\n");
    let ran = run(&mut layerd(&["history", "user", "default", "a", "--repo", folder.arg()]));
    assert_eq!((ran.code, ran.stdout.as_str()), (Some(2), ""));
    assert!(ran.stderr.contains("the folder is in no Git repository"), "{ran}");
    let server = Server::start(&["serve", folder.arg()]);
    let answer = server.get("/api/v1/history/user/default?key=a");
    assert_eq!((answer.status(), answer.json()["code"].as_str()), (404, Some("no-history")));
    let asked = run(layerd(&["history", "user", "default", "a"]).env("LAYERD_URL", server.url()));
    let told = "error: the configuration comes from a folder, which has no history\n\
                hint: serve a Git repository to see which commits changed a key\n";
    assert_eq!((asked.code, asked.stderr.as_str()), (Some(1), told));
}
