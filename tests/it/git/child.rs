//! The process that fetches: its limits, what it may know, and that it never outlives a fetch or a server.
//!
//! Its remotes are stand-ins for `ssh`, its misfortunes stand-ins for the program itself.

use std::ffi::OsString;
use std::fs;
use std::path::PathBuf;
use std::thread;
use std::time::{Duration, Instant};

use layerd::source::fetch::worker::Worker;

use crate::harness::eventually;
use crate::harness::git_http::{Behaviour, GitServer};
use crate::harness::repo::Repo;
use crate::harness::server::{Server, layerd, run};
use crate::harness::worker::{Fetches, StandIns, is_alive, worker};

/// An `ssh` that writes down its number and that of the process that started it, and never ends.
const HANGS: &str = "echo $PPID > $here/fetch; echo $$ > $here/ssh; exec sleep 1000";

/// A server whose fetch hangs, once it does, with the numbers of the two processes.
fn hanging(programs: &StandIns) -> (Server, [u32; 2]) {
    programs.script("ssh", HANGS);
    let server = Server::launch(&["serve", "--git", "git@host:x"]).env("PATH", &programs.path_variable()).start();
    let processes = ["fetch", "ssh"].map(|name| programs.process(name));
    assert!(processes.iter().all(|process| is_alive(*process)));
    (server, processes)
}

fn all_end(processes: [u32; 2]) {
    eventually("the processes of the fetch have ended", || !processes.iter().any(|process| is_alive(*process)));
}

#[test]
fn bad_g26_a_server_ends_at_once_although_a_fetch_hangs_and_takes_it_along() {
    let programs = StandIns::new();
    let (mut server, processes) = hanging(&programs);
    let start = Instant::now();
    assert_eq!(server.terminate().code(), Some(0));
    assert!(start.elapsed() < Duration::from_secs(5), "{:?}", start.elapsed());
    all_end(processes);
}

#[test]
fn bad_g11_a_server_that_is_killed_leaves_no_process_behind() {
    let programs = StandIns::new();
    let (mut server, processes) = hanging(&programs);
    server.kill();
    all_end(processes);
}

#[test]
fn the_process_has_limits_a_group_of_its_own_and_no_secret_to_be_seen() {
    let programs = StandIns::new();
    programs.script("ssh", HANGS);
    let server = Server::launch(&["serve", "--git", "git@host:x"])
        .env("PATH", &programs.path_variable())
        .env("LAYERD_SOURCES__0__FETCH_SIZE", "64MiB")
        .env("SECRET_OF_THE_SERVER", "1")
        .start();
    let fetch = programs.process("fetch");
    programs.process("ssh");
    let of = |name: &str| fs::read_to_string(format!("/proc/{fetch}/{name}")).unwrap().replace('\0', " ");
    assert_eq!(of("cmdline"), "layerd fetch-child ");
    assert_eq!(of("comm"), "layerd-fetch\n");
    assert!(!of("environ").contains("SECRET"), "{}", of("environ"));
    let limits = of("limits");
    let limit = |name: &str| {
        let line = limits.lines().find(|line| line.starts_with(name)).unwrap();
        line[name.len()..].split_whitespace().take(2).map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(limit("Max core file size"), ["0", "0"]);
    assert_eq!(limit("Max file size"), ["67108864", "67108864"]);
    assert_eq!(limit("Max address space"), ["1140850688", "1140850688"]);
    assert_eq!(limit("Max cpu time"), ["125", "125"]);
    let group = of("stat").rsplit_once(") ").unwrap().1.split(' ').nth(2).unwrap().to_owned();
    assert_eq!(group, fetch.to_string());
    drop(server);
}

#[test]
fn a_login_reaches_the_remote_by_no_argument_and_no_variable() {
    let repo = Repo::with(&[("app.yml", "a: 1")]);
    // Base64 of `x-access-token:s3cr3t`.
    let git = GitServer::start(repo.path(), Behaviour::Private("Basic eC1hY2Nlc3MtdG9rZW46czNjcjN0".to_owned()));
    let programs = StandIns::new();
    // The program is started by a script that writes down what could be seen of it.
    let program = programs.script(
        "layerd",
        &format!(
            "env > $here/environment; echo \"$*\" > $here/arguments; exec {} \"$@\"",
            env!("CARGO_BIN_EXE_layerd")
        ),
    );
    let variables: Vec<(OsString, OsString)> = [("LAYERD_GIT_TOKEN", "s3cr3t"), ("PATH", "/usr/bin:/bin")]
        .map(|(name, value)| (name.into(), value.into()))
        .into();
    let fetches = Fetches::new(&git.url("").replace("://", "://s3cr3t@"), Worker::new(program, variables.clone()));
    let login = fetches.request().remote.embedded().login().unwrap();
    let request = layerd::source::fetch::Request { login, ..fetches.request() };
    Worker::new(programs.at("layerd"), variables).fetch(&request).unwrap();
    assert_eq!(programs.read("arguments"), "fetch-child\n");
    assert!(!programs.read("environment").contains("s3cr3t") && !programs.read("environment").contains("LAYERD"));
}

/// Fetches by a program that is this script.
fn by(script: &str, time: Duration) -> String {
    let programs = StandIns::new();
    let program = programs.script("program", script);
    let mut fetches = Fetches::new("git@host:x", Worker::new(program, [("PATH".into(), "/usr/bin:/bin".into())]));
    fetches.limits.time = time;
    fetches.told()
}

#[test]
fn bad_f16_a_process_that_dies_is_a_failed_fetch_with_a_reason() {
    let minute = Duration::from_secs(60);
    let hint = "\nhint: what was fetched before goes on being served; if it happens again, please report it";
    let crashed =
        |how: &str| format!("crashed: `URL` was not fetched: the process that fetched it ended with {how}{hint}");
    let cases = [
        ("kill -SEGV $$", crashed("signal: 11 (SIGSEGV)")),
        ("echo 'memory allocation of 9 bytes failed' >&2; kill -ABRT $$", {
            crashed("signal: 6 (SIGABRT), saying: memory allocation of 9 bytes failed")
        }),
        ("kill -KILL $$", crashed("signal: 9 (SIGKILL)")),
        ("exit 0", crashed("exit status: 0")),
        ("printf '{\"fetched\":{\"changed\":true,\"received\":1}}'; exit 1", crashed("exit status: 1")),
        ("echo nonsense; printf 'a \\033[31mb' >&2; exit 101", crashed("exit status: 101, saying: a \\u{1b}[31mb")),
    ];
    for (script, expected) in cases {
        assert_eq!(by(script, minute), expected, "{script}");
    }
    assert_eq!(by("kill -XCPU $$", minute), "timeout: `URL` was not fetched: the fetch took longer than its limit");
    let large = "storage: `URL` was not fetched: the fetch is larger than the limit of 2147483648 bytes";
    assert_eq!(by("kill -XFSZ $$", minute), large);
}

#[test]
fn bad_g29_a_process_that_cannot_be_started_is_a_failed_fetch() {
    let fetches = Fetches::new("git@host:x", Worker::new(PathBuf::from("/nowhere/layerd"), []));
    let told = fetches.told();
    let expected =
        "internal: `URL` was not fetched: no process can be started for it: No such file or directory (os error 2)";
    assert_eq!(told, expected);
}

#[test]
fn bad_g25_a_process_that_stands_still_is_killed_at_the_limit() {
    let late = "timeout: `URL` was not fetched: the fetch took longer than its limit";
    for script in ["kill -STOP $$", "exec sleep 1000", "while :; do :; done", "exec >&-; exec sleep 1000"] {
        let start = Instant::now();
        let told = by(script, Duration::from_millis(300));
        // One that closes its output has died, as far as anyone can tell.
        assert!(told == late || told.contains("did not end"), "{script}: {told}");
        assert!(start.elapsed() < Duration::from_secs(10), "{script}: {:?}", start.elapsed());
    }
}

#[test]
fn a_mirror_that_grows_beyond_its_limit_ends_the_fetch() {
    let programs = StandIns::new();
    let fetches = {
        let program =
            programs.script("program", "while read -r line; do :; done & echo $$ > $here/process; exec sleep 1000");
        let mut fetches = Fetches::new("git@host:x", Worker::new(program, [("PATH".into(), "/usr/bin:/bin".into())]));
        fetches.limits.bytes = 1000;
        fetches
    };
    fs::create_dir_all(fetches.mirror().join("objects/pack")).unwrap();
    fs::write(fetches.mirror().join("objects/pack/pack_git2_x"), vec![0; 2000]).unwrap();
    assert_eq!(fetches.told(), "storage: `URL` was not fetched: the fetch is larger than the limit of 1000 bytes");
    assert!(!is_alive(programs.process("process")));
}

#[test]
fn at_most_four_processes_are_at_work_at_once() {
    let programs = StandIns::new();
    let program = programs.script(
        "program",
        "echo + >> $here/log; echo x > $here/$$.at-work\n\
         while [ ! -e $here/go ]; do sleep 0.01; done; echo - >> $here/log; exit 1",
    );
    let worker = Worker::new(program, [("PATH".into(), "/usr/bin:/bin".into())]);
    let begun = || programs.read("log").matches('+').count();
    thread::scope(|scope| {
        for _ in 0..7 {
            let fetches = Fetches::new("git@host:x", worker.clone());
            scope.spawn(move || fetches.told());
        }
        eventually("four are at work", || begun() == 4);
        fs::write(programs.at("go"), "").unwrap();
    });
    let (mut now, mut most) = (0_usize, 0);
    for line in programs.read("log").lines() {
        now = if line == "+" { now + 1 } else { now - 1 };
        most = most.max(now);
    }
    assert_eq!((begun(), now), (7, 0));
    // The line of the one that ends is written a moment before its place is free.
    assert!(most <= 4, "{most} were at work at once");
}

#[test]
fn the_command_is_for_the_server_alone() {
    let ran = run(&mut layerd(&["fetch-child"]));
    assert_eq!(ran.to_string(), "exit 2\n--- stdout\n--- stderr\nerror: this command is for the server itself\n");
    assert!(!run(&mut layerd(&["--help"])).stdout.contains("fetch-child"));
}

#[test]
fn a_fetch_goes_through_the_proxy_of_the_environment_unless_the_host_is_excepted() {
    let repo = Repo::with(&[("app.yml", "a: 1")]);
    let git = GitServer::start(repo.path(), Behaviour::Serve);
    let page = Behaviour::Page("418 I'm a teapot", "text/plain", b"".to_vec());
    let proxy = GitServer::start(repo.path(), page);
    let variables = |no_proxy: &str| -> Vec<(OsString, OsString)> {
        let proxy = ("http_proxy".into(), proxy.url("").into());
        vec![proxy, ("NO_PROXY".into(), no_proxy.into())]
    };
    let through = Fetches::new(&git.url("config.git"), worker(variables("example.org")));
    assert_eq!(through.told(), "protocol: `URL` was not fetched: the server answered 418 I'm a teapot");
    let asked: Vec<String> = proxy.seen().into_iter().map(|seen| seen.line).collect();
    assert_eq!(asked, [format!("GET {}/info/refs?service=git-upload-pack", git.url("config.git"))]);
    assert_eq!(git.seen(), []);
    let around = Fetches::new(&git.url(""), worker(variables("127.0.0.1")));
    assert_eq!(around.told(), "fetched");
    assert_eq!(proxy.seen(), []);
}

#[test]
fn bad_g17_a_redirect_to_another_host_gets_nothing() {
    let repo = Repo::with(&[("app.yml", "a: 1")]);
    let decoy = GitServer::start(repo.path(), Behaviour::Serve);
    let away = Behaviour::Redirect("/".to_owned(), decoy.url(""));
    let git = GitServer::start(repo.path(), away);
    let told = Fetches::new(&git.url("x"), worker(Vec::new())).told();
    assert!(told.starts_with("protocol: `URL` was not fetched: the server redirects to `http://127.0.0.1:"), "{told}");
    assert_eq!(decoy.seen(), []);
}
