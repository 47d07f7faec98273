//! Remotes over SSH: by a stand-in for `ssh` that runs `git-upload-pack` on this machine, and by the real one as far as
//! a port without a server carries it.

use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt as _;
use std::process::Command;
use std::time::Duration;

use layerd::source::Source as _;
use layerd::source::fetch::Pace;
use layerd::source::remote::tls_files::Files;

use crate::harness::repo::Repo;
use crate::harness::server::Server;
use crate::harness::worker::{Fetches, StandIns, fetch, is_alive, names, worker};

fn over_ssh(repo: &Repo, programs: &StandIns) -> Fetches {
    Fetches::new(&format!("git@host:{}", repo.url()), worker(programs.variables()))
}

#[test]
fn a_repository_is_served_over_ssh_and_followed() {
    let repo = Repo::with(&[("app.yml", "a: 1")]);
    let programs = StandIns::new();
    programs.ssh();
    let url = format!("ssh://git@host:2222{}", repo.url());
    let server = Server::launch(&["serve", "--git", &url]).env("PATH", &programs.path_variable()).start();
    server.wait_ready();
    assert_eq!(server.config("app"), "{\"a\":1}");
    repo.file("app.yml", "a: 2").commit();
    assert_eq!(server.refresh().status(), 200);
    assert_eq!(server.config("app"), "{\"a\":2}");
    assert_eq!(
        programs.read("arguments"),
        format!(
            "-o\nBatchMode=yes\n-o\nStrictHostKeyChecking=yes\n-o\nConnectTimeout=10\n-o\nServerAliveInterval=10\n\
             -p\n2222\n--\ngit@host\ngit-upload-pack '{}'\n",
            repo.url()
        )
    );
}

#[test]
fn ssh_gets_the_key_and_the_known_hosts_and_nothing_else_of_the_environment() {
    let repo = Repo::with(&[("app.yml", "a: 1")]);
    let programs = StandIns::new();
    programs.ssh();
    let (key, hosts) = (programs.at("key"), programs.at("known hosts"));
    fs::write(&key, "a key").unwrap();
    fs::set_permissions(&key, fs::Permissions::from_mode(0o600)).unwrap();
    let server = Server::launch(&["serve", "--git", &format!("git@host:{}", repo.url())])
        .env("PATH", &programs.path_variable())
        .env("LAYERD_SOURCES__0__CREDENTIALS__SSH_KEY_FILE", key.to_str().unwrap())
        .env("LAYERD_SOURCES__0__CREDENTIALS__KNOWN_HOSTS_FILE", hosts.to_str().unwrap())
        .env("SECRET_OF_THE_SERVER", "1")
        .env("LANG", "C.UTF-8")
        .env("https_proxy", "http://proxy.example:1")
        .start();
    server.wait_ready();
    let arguments = programs.read("arguments");
    let given =
        format!("-i\n{}\n-o\nIdentitiesOnly=yes\n-o\nUserKnownHostsFile=\"{}\"\n", key.display(), hosts.display());
    assert!(arguments.contains(&given), "{arguments}");
    let environment = programs.read("environment");
    let mut variables: Vec<&str> = environment.lines().filter_map(|line| line.split('=').next()).collect();
    variables.retain(|name| !["PWD", "OLDPWD", "SHLVL", "_"].contains(name)); // the shell's own
    variables.sort_unstable();
    assert_eq!(variables, ["LANG", "PATH", "https_proxy"]);
}

#[test]
fn a_path_with_quotes_and_spaces_is_one_path() {
    let repo = Repo::with(&[("app.yml", "a: 1")]);
    let programs = StandIns::new();
    programs.ssh();
    let odd = programs.at("it's; touch run; \"$(touch run)\" `touch run` !x");
    std::os::unix::fs::symlink(repo.path(), &odd).unwrap();
    let fetches = Fetches::new(&format!("host:{}", odd.display()), worker(programs.variables()));
    assert_eq!(fetches.told(), "fetched");
    assert!(!std::path::Path::new("run").exists(), "a shell took the path for a command");
}

#[test]
fn only_the_labels_that_are_allowed_come_over_the_wire() {
    let repo = Repo::with(&[("app.yml", "a: 1")]);
    repo.branch("release/1").tag("v1").tag("w1");
    let secret = repo.on("secret").file("app.yml", "a: secret").commit();
    let programs = StandIns::new();
    programs.ssh();
    let fetches = over_ssh(&repo, &programs);
    let source = fetches.source(&["release/*", "v?"], None);
    assert_eq!(fetch(&source), "fetched");
    assert_eq!(names(&source.labels().unwrap()), ["release/1", "v1"]);
    let all = layerd::config::tree::CommitId(git2::Oid::from_str(&secret).unwrap().as_bytes().try_into().unwrap());
    assert!(source.open().unwrap().tree(all).is_err(), "a commit that no allowed label leads to was fetched");
    drop(source);
    let source = fetches.source(&["*"], None);
    assert_eq!(fetch(&source), "fetched");
    assert_eq!(names(&source.labels().unwrap()), ["main", "release/1", "secret", "v1", "w1"]);
    assert!(source.open().unwrap().tree(all).is_ok());
}

#[test]
fn with_a_depth_older_commits_are_unknown_until_it_is_taken_back() {
    let repo = Repo::with(&[("app.yml", "a: 1")]);
    let id =
        |text: &str| layerd::config::tree::CommitId(git2::Oid::from_str(text).unwrap().as_bytes().try_into().unwrap());
    let old = id(&repo.commit());
    let tip = id(&repo.file("app.yml", "a: 2").commit());
    let programs = StandIns::new();
    programs.ssh();
    let fetches = over_ssh(&repo, &programs);
    let source = fetches.source(&["*"], Some(1));
    let knows =
        |source: &layerd::source::git::GitSource, tip| source.open().unwrap().is_reachable(old, &[tip]).unwrap();
    assert_eq!(fetch(&source), "fetched");
    assert!(source.open().unwrap().tree(tip).is_ok() && !knows(&source, tip));
    let next = id(&repo.file("app.yml", "a: 3").commit());
    assert_eq!(fetch(&source), "fetched");
    assert_eq!(source.labels().unwrap().tips["main"].commit, next);
    assert!(source.open().unwrap().tree(next).is_ok() && !knows(&source, next));
    drop(source);
    let source = fetches.source(&["*"], None);
    assert_eq!(fetch(&source), "fetched");
    assert!(knows(&source, next));
}

#[test]
fn bad_g14_a_host_that_is_not_the_known_one_is_refused_and_told() {
    let programs = StandIns::new();
    programs.script(
        "ssh",
        "printf 'No ED25519 host key is known for host\\r\\nHost key verification failed.\\r\\n' >&2; exit 255",
    );
    let fetches = Fetches::new("git@host:x", worker(programs.variables()));
    assert_eq!(
        fetches.told(),
        "auth: `URL` was not fetched: the key of the host is not the one that is known: Host key verification failed.\n\
         hint: put the output of `ssh-keyscan HOST`, once compared with what the host publishes, into \
         sources[].credentials.known-hosts-file"
    );
}

#[test]
fn bad_g04_a_refused_key_is_told_with_the_words_of_the_host() {
    let programs = StandIns::new();
    programs.script("ssh", "echo 'git@host: Permission denied (publickey).' >&2; exit 255");
    let fetches = Fetches::new("git@host:x", worker(programs.variables()));
    assert_eq!(
        fetches.told(),
        "auth: `URL` was not fetched: the host refused the login: git@host: Permission denied (publickey).\n\
         hint: set sources[].credentials.ssh-key-file to a key that may read the repository"
    );
}

#[test]
fn a_key_that_others_may_read_is_not_used() {
    let programs = StandIns::new();
    programs.ssh();
    fs::write(programs.at("key"), "a key").unwrap();
    fs::set_permissions(programs.at("key"), fs::Permissions::from_mode(0o644)).unwrap();
    let mut fetches = Fetches::new("git@host:x", worker(programs.variables()));
    fetches.files = Files { ssh_key: Some(programs.at("key")), ..Files::default() };
    let told = fetches.told();
    assert!(told.starts_with("auth: `URL` was not fetched: the key for SSH `"), "{told}");
    assert!(told.contains("` can be read by others (mode 0644)\nhint: `chmod 600`"), "{told}");
    assert_eq!(programs.read("arguments"), "");
}

#[test]
fn what_the_host_says_instead_of_git_is_told() {
    let programs = StandIns::new();
    let fetches = Fetches::new("git@host:no/such", worker(programs.variables()));
    let cases = [
        (
            "echo \"fatal: 'no/such' does not appear to be a git repository\" >&2; exit 128",
            "not-found: `URL` was not fetched: there is no such repository: \
             fatal: 'no/such' does not appear to be a git repository\n\
             hint: check the path, and that the key may read it",
        ),
        ("exit 1", "protocol: `URL` was not fetched: the host ended the fetch: without a word"),
        (
            "echo 'Welcome to host'",
            "protocol: `URL` was not fetched: this is not a Git repository\n\
             hint: check the URL; a login page or a proxy may be answering in its place",
        ),
        (
            "printf '003eERR access denied to \\033[31myou, this is not your place\\n'",
            "protocol: `URL` was not fetched: ",
        ),
    ];
    for (script, expected) in cases {
        programs.script("ssh", script);
        let told = fetches.told();
        assert!(told == expected || (expected.ends_with(": ") && told.starts_with(expected)), "{script}: {told}");
        assert!(!told.contains('\x1b'), "{told:?}");
    }
}

#[test]
fn without_an_ssh_program_that_is_said() {
    let programs = StandIns::new();
    let path = vec![("PATH".into(), programs.at("none").into())];
    assert_eq!(
        Fetches::new("git@host:x", worker(path)).told(),
        "internal: `URL` was not fetched: the program `ssh` is not installed\n\
         hint: install the OpenSSH client, or use https://"
    );
}

#[test]
fn bad_g03_an_ssh_that_hangs_ends_with_the_fetch_and_all_that_it_has_started() {
    let programs = StandIns::new();
    programs.script("ssh", "echo $$ > $here/ssh; sh -c \"echo \\$\\$ > $here/proxy; sleep 1000; :\"; :");
    let mut fetches = Fetches::new("git@host:x", worker(programs.variables()));
    fetches.limits.time = Duration::from_millis(1500);
    assert_eq!(fetches.told(), "timeout: `URL` was not fetched: the fetch took longer than its limit");
    for name in ["ssh", "proxy"] {
        let process = programs.process(name);
        crate::harness::eventually("it has ended", || !is_alive(process));
    }
}

#[test]
fn bad_g02_an_ssh_that_says_too_little_ends_long_before_the_time_limit() {
    let programs = StandIns::new();
    let first = "0034ffffffffffffffffffffffffffffffffffffffff refs/x\\n";
    let cases = [
        ("exec sleep 1000", "the remote was silent for 300ms"),
        ("printf fff0; while :; do printf .; sleep 0.05; done", "the remote is too slow: it sent "),
    ];
    for (then, expected) in cases {
        // The time that a login takes, to the first byte, is not counted.
        programs.script("ssh", &format!("echo $$ > $here/ssh; sleep 0.5; printf '{first}'; {then}"));
        let mut fetches = Fetches::new("git@host:x", worker(programs.variables()));
        fetches.limits.pace = Pace { bytes: 50, over: Duration::from_millis(300) };
        let told = fetches.told();
        assert!(told.starts_with(&format!("timeout: `URL` was not fetched: {expected}")), "{told}");
        let process = programs.process("ssh");
        crate::harness::eventually("it has ended", || !is_alive(process));
    }
}

#[test]
fn the_real_ssh_understands_what_it_is_told() {
    if Command::new("ssh").arg("-V").output().is_err() {
        return; // there is none on this machine
    }
    let programs = StandIns::new();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let mut fetches = Fetches::new(&format!("ssh://git@127.0.0.1:{port}/x"), worker(programs.variables()));
    fs::write(programs.at("key"), "no key").unwrap();
    fs::set_permissions(programs.at("key"), fs::Permissions::from_mode(0o600)).unwrap();
    let (key, hosts) = (programs.at("key"), programs.at("known hosts"));
    fetches.files = Files { ssh_key: Some(key), known_hosts: Some(hosts), ..Files::default() };
    // A port where nobody ever says a word: what ends it is the limit, not `ssh`, which would wait for ten seconds.
    fetches.limits.time = Duration::from_millis(300);
    assert_eq!(fetches.told(), "timeout: `URL` was not fetched: the fetch took longer than its limit");
    let closed = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = closed.local_addr().unwrap().port();
    drop(closed);
    let files = fetches.files.clone();
    fetches = Fetches::new(&format!("ssh://git@127.0.0.1:{port}/x"), worker(programs.variables()));
    fetches.files = files;
    let told = fetches.told();
    assert!(told.starts_with("unreachable: `URL` was not fetched: no connection: "), "{told}");
    assert!(told.contains("Connection refused"), "{told}");
}
