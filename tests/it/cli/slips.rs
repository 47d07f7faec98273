//! Typing errors on the command line: each is told, with what was probably meant, from a server and from a repository alike.

use crate::harness::folder::Folder;
use crate::harness::repo::Repo;
use crate::harness::server::{Ran, Server, layerd, run};

/// What a command printed, whether a server was asked or a repository was read.
fn both(server: &Server, repo: &str, command: [&str; 2], args: &[&str]) -> Ran {
    let [of_server, of_repo] = command;
    let asked = run(layerd(&[&[of_server], args].concat()).env("LAYERD_URL", server.url()));
    let read = run(&mut layerd(&[&[of_repo], args, &["--repo", repo]].concat()));
    let neutral = |text: &str| text.replace("layerd render", "layerd get");
    assert_eq!(
        (read.code, neutral(&read.stdout), neutral(&read.stderr)),
        (asked.code, asked.stdout.clone(), asked.stderr.clone())
    );
    asked
}

fn printed(ran: &Ran) -> (Option<i32>, &str, &str) {
    (ran.code, &ran.stdout, &ran.stderr)
}

#[test]
fn names_that_nothing_names_are_told_with_the_command_that_was_meant() {
    let folder = Folder::new();
    folder
        .file("application.yml", "a: 1\n")
        .file("user-service.yml", "b: 2\n")
        .file("user-service-production.yml", "b: 3\n");
    let server = Server::start(&["serve", folder.arg()]);
    let get = |args: &[&str]| both(&server, folder.arg(), ["get", "render"], args);
    assert_eq!(printed(&get(&["user-service", "production", "--strict"])), (Some(0), "{\"a\":1,\"b\":3}\n", ""));
    let slip = "warning: nothing in the repository names the application `usr-service`; did you mean `user-service`?\n";
    assert_eq!(printed(&get(&["usr-service"])), (Some(0), "{\"a\":1}\n", slip));
    let swapped = "error: nothing in the repository names the application `production` or the profile `user-service`\n\
                   hint: did you mean `layerd get user-service production`?\n";
    assert_eq!(printed(&get(&["production", "user-service", "--strict"])), (Some(1), "", swapped));
    let profile = "error: nothing in the repository names the profile `prodution`\nhint: did you mean `production`?\n";
    assert_eq!(printed(&get(&["user-service", "prodution", "--strict"])), (Some(1), "", profile));
    let explained = both(&server, folder.arg(), ["explain"; 2], &["user-service-production"]);
    let glued = "warning: nothing in the repository names the application `user-service-production`; \
                 did you mean `layerd explain user-service production`?\n";
    assert_eq!((explained.code, explained.stderr.as_str()), (Some(0), glued));
    let refused = both(&server, folder.arg(), ["explain"; 2], &["zebra", "--strict"]);
    let told = "error: nothing in the repository names the application `zebra`\nhint: there is only `user-service`\n";
    assert_eq!(printed(&refused), (Some(1), "", told));
}

#[test]
fn a_key_that_is_not_there_is_told_with_the_nearest() {
    let repo = Repo::with(&[("user.yml", "server: {port: 1}\n")]);
    repo.commit();
    let server = Server::start(&["serve", "--git", repo.url()]);
    server.wait_ready();
    let told = "error: there is no key `server.prot`\nhint: did you mean `server.port`?\n";
    for command in [["get", "render"], ["explain", "explain"]] {
        let ran = both(&server, repo.url(), command, &["user", "--key", "server.prot"]);
        assert_eq!(printed(&ran), (Some(1), "", told), "{command:?}");
    }
    for place in [["--server", &server.url()], ["--repo", repo.url()]] {
        let history = run(layerd(&["history", "user", "default", "server.prot"]).args(place));
        assert_eq!(
            (history.code, history.stderr.as_str()),
            (Some(1), "hint: did you mean `server.port`?\n"),
            "{history}"
        );
    }
}

#[test]
fn a_branch_that_is_not_there_is_told_with_those_that_are() {
    let repo = Repo::with(&[("user.yml", "a: 1\n")]);
    repo.commit();
    repo.branch("next");
    let server = Server::start(&["serve", "--git", repo.url()]);
    server.wait_ready();
    let told = "error: there is no label `nxet`\nhint: did you mean `next`? the labels are `main` and `next`\n";
    for command in [["get", "render"], ["explain", "explain"]] {
        assert_eq!(printed(&both(&server, repo.url(), command, &["user", "--label", "nxet"])), (Some(1), "", told));
    }
    let hint = |args: &[&str]| {
        let ran = run(&mut layerd(args));
        assert!(ran.code.is_some_and(|code| code > 1) && ran.stdout.is_empty(), "{ran}");
        ran.stderr.lines().nth(1).unwrap_or_default().to_owned()
    };
    let expected = "hint: did you mean `next`? the branches and tags are `main` and `next`";
    assert_eq!(hint(&["diff", "nxet", "--repo", repo.url()]), expected);
    assert_eq!(hint(&["validate", repo.url(), "--label", "nxet"]), expected);
    assert_eq!(hint(&["history", "user", "default", "a", "--label", "nxet", "--repo", repo.url()]), expected);
}
