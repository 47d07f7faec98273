//! What a change brings to whom: the command line against repositories, and the server between labels.

use std::process::Command;

use tempfile::TempDir;

use crate::harness::folder::Folder;
use crate::harness::repo::Repo;
use crate::harness::server::{Ran, Server, layerd, run};

/// A commit that is tagged `v1`, and on `main` one that changes a shared key and one of a service.
fn repo() -> (Repo, String, String) {
    let repo = Repo::new();
    repo.file("application.yml", "log: INFO\nhosts: [a, b]\n").file("application-eu.yml", "region: eu\n");
    repo.file("order.yml", "log: WARN\n").file("user.yml", "port: 1\nold: x\n");
    let first = repo.commit();
    repo.tag("v1");
    repo.file("application.yml", "log: DEBUG\nhosts: [a, c]\n").file("user.yml", "port: 1\nnew: {a|b: '`'}\n");
    let second = repo.commit();
    (repo, first, second)
}

fn diff(repo: &str, args: &[&str]) -> Ran {
    run(layerd(&["diff", "--repo", repo]).args(args))
}

fn printed(ran: &Ran) -> (Option<i32>, &str, &str) {
    (ran.code, &ran.stdout, &ran.stderr)
}

/// A clone with files beside it.
fn cloned(repo: &Repo) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    git2::Repository::clone(repo.url(), folder.path()).unwrap();
    folder
}

#[test]
fn a_shared_change_is_told_once_with_those_whom_it_reaches() {
    let (repo, first, second) = repo();
    let expected = format!(
        "\
# v1 {} -> main {}

order, user (default, eu)
  ~ hosts = [\"a\",\"b\"] -> [\"a\",\"c\"]
    application.yml:2:8

user (default, eu)
  + new.a|b = \"`\"
    user.yml:2:12
  - old = \"x\"
  ~ log = \"INFO\" -> \"DEBUG\"
    application.yml:1:6

4 changes for 2 applications
",
        &first[..7],
        &second[..7]
    );
    assert_eq!(printed(&diff(repo.url(), &["v1", "main"])), (Some(0), expected.as_str(), ""));
    let none = format!("# main {0} -> HEAD {0}\nno application gets another configuration\n", &second[..7]);
    assert_eq!(printed(&diff(repo.url(), &["main", "--exit-code"])), (Some(0), none.as_str(), ""));
}

#[test]
fn programs_get_every_application_and_place() {
    let (repo, first, second) = repo();
    let both = "{\"application\":\"order\",\"profiles\":[\"default\",\"eu\"]},";
    let user = "{\"application\":\"user\",\"profiles\":[\"default\",\"eu\"]}";
    let expected = format!(
        "{{\"base\":\"{first}\",\"head\":\"{second}\",\"changes\":[\
         {{\"applications\":[{both}{user}],\"added\":{{}},\"removed\":{{}},\
         \"changed\":{{\"hosts\":{{\"from\":[\"a\",\"b\"],\"to\":[\"a\",\"c\"],\"file\":\"application.yml\",\"line\":2}}}}}},\
         {{\"applications\":[{user}],\
         \"added\":{{\"new.a|b\":{{\"to\":\"`\",\"file\":\"user.yml\",\"line\":2}}}},\
         \"removed\":{{\"old\":{{\"from\":\"x\"}}}},\
         \"changed\":{{\"log\":{{\"from\":\"INFO\",\"to\":\"DEBUG\",\"file\":\"application.yml\",\"line\":1}}}}}}]}}\n"
    );
    let ran = diff(repo.url(), &["v1", "main", "--format", "json", "--exit-code"]);
    assert_eq!(printed(&ran), (Some(1), expected.as_str(), ""));
}

#[test]
fn a_comment_for_a_pull_request_is_tables_without_foreign_markup() {
    let (repo, first, second) = repo();
    let expected = format!(
        "\
### Configuration

`v1` {} → `main` {}: **4 changes** for **2 applications**.

**`order`, `user`** (`default`, `eu`)

| | key | before | after | place |
|---|---|---|---|---|
| ✏️ | `hosts` | `[\"a\",\"b\"]` | `[\"a\",\"c\"]` | `application.yml:2` |

**`user`** (`default`, `eu`)

| | key | before | after | place |
|---|---|---|---|---|
| ➕ | <code>new&#46;a&#124;b</code> |  | <code>&#34;&#96;&#34;</code> | `user.yml:2` |
| ➖ | `old` | `\"x\"` |  |  |
| ✏️ | `log` | `\"INFO\"` | `\"DEBUG\"` | `application.yml:1` |
",
        &first[..7],
        &second[..7]
    );
    let ran = diff(repo.url(), &["v1", "main", "--format", "markdown"]);
    assert_eq!(printed(&ran), (Some(0), expected.as_str(), ""));
}

#[test]
fn a_comment_stays_short_enough_however_much_changes() {
    let repo = Repo::new();
    repo.file("application.yml", "a: 1\n");
    for number in 0..400 {
        repo.file(&format!("service-{number}.yml"), "x: 1\n");
    }
    repo.commit();
    repo.tag("v1").file("application.yml", "a: 2\n");
    for number in 0..400 {
        repo.file(&format!("service-{number}.yml"), &format!("x: {}\n", number + 2));
    }
    repo.commit();
    let text = diff(repo.url(), &["v1", "main", "--format", "markdown"]).stdout;
    let begin =
        "<details><summary><b>400 applications (<code>default</code>)</b></summary>\n\n`service-0`, `service-1`, ";
    assert!(text.contains(begin), "{}", &text[..500]);
    assert!(text.contains(" … and 100 more\n\n</details>\n\n| | key |"), "{}", &text[..9_000]);
    assert!(text.chars().count() <= 60_000 && text.contains("**`service-399`**"), "{}", text.len());
}

#[test]
fn files_on_disk_are_compared_with_what_git_calls_a_commit() {
    let (repo, ..) = repo();
    let clone = cloned(&repo);
    let at = clone.path().to_str().unwrap();
    std::fs::write(clone.path().join("order.yml"), "log: ERROR\n").unwrap();
    let told = |args: &[&str]| {
        let ran = diff(at, args);
        assert_eq!((ran.code, ran.stderr.as_str()), (Some(0), ""), "{args:?}");
        ran.stdout.split_once('\n').unwrap().1.to_owned()
    };
    let order =
        "\norder (default, eu)\n  ~ log = \"WARN\" -> \"ERROR\"\n    order.yml:1:6\n\n1 change for 1 application\n";
    assert_eq!(told(&["origin/main"]), order);
    assert_eq!(told(&["HEAD"]), order);
    assert!(told(&["HEAD~1"]).ends_with("\n5 changes for 2 applications\n"));
    assert!(told(&["v1", "HEAD"]).ends_with("\n4 changes for 2 applications\n"));
    let unknown = diff(at, &["origin/nope"]);
    let told = "error: there is no commit `origin/nope` in the repository\n\
                hint: the branches and tags are `main`, `origin/main` and `v1`\n";
    assert_eq!(printed(&unknown), (Some(2), "", told));
}

#[test]
fn a_shallow_clone_says_that_it_is_one() {
    let (repo, ..) = repo();
    let folder = tempfile::tempdir().unwrap();
    let from = format!("file://{}", repo.url());
    let mut git = Command::new("git");
    assert!(
        git.args(["clone", "-q", "--depth", "1", &from, "."]).current_dir(folder.path()).status().unwrap().success()
    );
    let ran = diff(folder.path().to_str().unwrap(), &["HEAD~1"]);
    let told = "error: there is no commit `HEAD~1` in the repository\n\
                hint: only a part of the history was fetched: fetch the rest with `git fetch --unshallow`\n";
    assert_eq!(printed(&ran), (Some(2), "", told));
}

#[test]
fn a_partial_clone_says_that_it_is_one() {
    let (repo, ..) = repo();
    let git = |folder: &std::path::Path, args: &[&str]| {
        assert!(Command::new("git").args(args).current_dir(folder).status().unwrap().success());
    };
    git(repo.path(), &["config", "uploadpack.allowFilter", "true"]);
    let (folder, from) = (tempfile::tempdir().unwrap(), format!("file://{}", repo.url()));
    git(folder.path(), &["clone", "-q", "--filter=blob:none", "--no-checkout", &from, "."]);
    let at = folder.path().to_str().unwrap();
    let render = || run(&mut layerd(&["render", "order", "--repo", at, "--label", "main"]));
    for ran in
        [diff(at, &["HEAD~1", "HEAD"]), run(&mut layerd(&["history", "order", "eu", "log", "--repo", at])), render()]
    {
        let is_told = ran.stderr.contains("partial clone") && ran.stderr.contains("git fetch --refetch --no-filter");
        assert!(ran.code != Some(0) && is_told && !ran.stderr.contains("cannot read header"), "{ran}");
    }
    git(folder.path(), &["fetch", "-q", "--refetch", "--no-filter"]);
    assert_eq!((diff(at, &["HEAD~1", "HEAD"]).code, render().code), (Some(0), Some(0)));
}

#[test]
fn two_profiles_are_compared_in_files_and_in_commits() {
    let folder = Folder::new();
    folder.file("application-a.yml", "x: 1\n").file("application-b.yml", "x: 2\n").file("user.yml", "y: 1\n");
    let ran = diff(folder.arg(), &["--profiles", "a..b", "--exit-code"]);
    let told = "\nuser (a..b)\n  ~ x = 1 -> 2\n    application-b.yml:1:4\n\n1 change for 1 application\n";
    assert!(ran.code == Some(1) && ran.stdout.ends_with(told), "{ran}");
    let commit = diff(folder.arg(), &["main"]);
    assert_eq!(
        (commit.code, commit.stderr.lines().next()),
        (Some(2), Some("error: there is no commit `main`: the folder is in no Git repository"))
    );
    let (repo, ..) = repo();
    let ran = diff(repo.url(), &["v1", "--profiles", "default..eu"]);
    assert!(ran.stdout.ends_with("\norder, user (default..eu)\n  + region = \"eu\"\n    application-eu.yml:1:9\n\n1 change for 2 applications\n"), "{ran}");
}

#[test]
fn a_file_that_breaks_is_told_and_counts_as_a_difference() {
    let (repo, ..) = repo();
    repo.file("order.yml", "log: [\n").commit();
    let ran = diff(repo.url(), &["main~1", "main", "--exit-code"]);
    let told = "\norder (default, eu)\n  ! gets no answer any more:\n    order.yml:1:6: a bracket is not closed\n";
    assert!(ran.code == Some(1) && ran.stdout.contains(told), "{ran}");
    let json = diff(repo.url(), &["main~1", "main", "--format", "json"]).stdout;
    assert!(
        json.contains("\"changes\":[],\"unanswered\":[{\"side\":\"head\",\"applications\":[{\"application\":\"order\"")
    );
    let markdown = diff(repo.url(), &["main~1", "main", "--format", "markdown"]).stdout;
    let told =
        "\n⚠️ No answer since the change: `order.yml:1:6: a bracket is not closed`\n\n**`order`** (`default`, `eu`)\n";
    assert!(markdown.contains(told), "{markdown}");
}

#[test]
fn a_server_tells_what_differs_between_two_labels() {
    let (repo, first, second) = repo();
    let server = Server::start(&["serve", "--git", repo.url()]);
    server.wait_ready();
    let body = format!(
        "{{\"application\":\"order\",\"profiles\":[\"eu\"],\"base\":\"{first}\",\"head\":\"{second}\",\
         \"added\":{{}},\"removed\":{{}},\
         \"changed\":{{\"hosts\":{{\"from\":[\"a\",\"b\"],\"to\":[\"a\",\"c\"],\"file\":\"application.yml\",\"line\":2}}}}}}"
    );
    let answer = server.get("/api/v1/diff/order/eu?from=v1");
    assert_eq!((answer.status(), answer.text()), (200, body.clone()));
    assert_eq!((answer.header("layerd-version"), answer.header("layerd-label")), (Some(&*second), Some("main")));
    assert_eq!(server.get(&format!("/api/v1/diff/order/eu?from={first}&to=main")).text(), body);
    let refused = |path: &str| {
        let answer = server.get(path);
        format!("{} {}", answer.status(), answer.json()["detail"].as_str().unwrap())
    };
    assert_eq!(refused("/api/v1/diff/order/eu"), "400 the parameter `from` is missing");
    assert_eq!(refused("/api/v1/diff/order/eu?from=HEAD~1"), "404 there is no label `HEAD~1`");
    assert_eq!(refused("/api/v1/diff/order/eu?from=v1&to=nope"), "404 there is no label `nope`");
}

#[test]
fn a_comment_names_new_applications_and_links_to_the_places() {
    let repo = Repo::with(&[("shop.yml", "a: 1\n"), ("old.yml", "a: 1\n")]);
    repo.file("shop.yml", "a: 2\n").delete("old.yml").file("a b.yml", "a: 1\n").commit();
    let base =
        ["main~1", "main", "--format", "markdown", "--link-base", "https://git.example.org/team/config/blob/main/"];
    let text = diff(repo.url(), &base).stdout;
    assert!(text.contains("\n**New:** `a b`\n\n**Removed:** `old`\n"), "{text}");
    assert!(text.contains("[`shop.yml:1`](https://git.example.org/team/config/blob/main/shop.yml#L1)"), "{text}");
    assert!(text.contains("[`a b.yml:1`](https://git.example.org/team/config/blob/main/a%20b.yml#L1)"), "{text}");
}
