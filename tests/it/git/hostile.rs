//! Remotes that lie, hang, drip or never end: each costs one failed fetch with a reason, within its limits, and changes
//! nothing of what was fetched before.

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use layerd::source::REASONS;
use layerd::source::fetch::Pace;

use crate::harness::hostile::{Facts, Script, Step, begun, head, honest_list, line, list, packed, serve};
use crate::harness::repo::Repo;
use crate::harness::server::Server;
use crate::harness::worker::{Fetches, worker};

fn pack_of(repo: &Repo, tip: Option<&str>) -> Vec<u8> {
    let git = git2::Repository::open(repo.path()).unwrap();
    let mut builder = git.packbuilder().unwrap();
    match tip {
        Some(tip) => builder.insert_commit(git2::Oid::from_str(tip).unwrap()).unwrap(),
        None => builder.insert_object(git.blob(b"another file").unwrap(), None).unwrap(),
    }
    let mut pack = git2::Buf::new();
    builder.write_buf(&mut pack).unwrap();
    pack.to_vec()
}

fn facts() -> Arc<Facts> {
    let repo = Repo::new();
    let noise: String =
        (0..20_000_u32).map(|number| format!("k{}: {}\n", number, number.wrapping_mul(2_654_435_761))).collect();
    let commit = repo.file("app.yml", "a: 1").file("noise.yml", &noise).commit();
    let (pack, other_pack) = (pack_of(&repo, Some(&commit)), pack_of(&repo, None));
    Arc::new(Facts { commit, pack, other_pack })
}

/// Fetches from a server that follows a script, and says how that went.
fn told(script: Script, change: impl FnOnce(&mut Fetches)) -> String {
    let mut fetches = Fetches::new(&serve(&facts(), script), worker(Vec::new()));
    change(&mut fetches);
    let start = Instant::now();
    let told = fetches.told();
    let left = fetches.limits.time + Duration::from_secs(5);
    assert!(start.elapsed() < left, "{told}: {:?}", start.elapsed());
    assert!(!told.contains(|c: char| c.is_control() && c != '\n'), "{told:?}");
    let reason = told.split(": ").next().unwrap();
    assert!(told == "fetched" || REASONS.contains(&reason), "{told}");
    assert!(told == "fetched" || !is_complete(&fetches.mirror()), "{told}");
    told
}

fn is_complete(mirror: &Path) -> bool {
    mirror.join("labels").exists()
}

fn half(bytes: &[u8]) -> &[u8] {
    &bytes[..bytes.len() / 2]
}

#[test]
fn a_server_that_is_honest_is_believed() {
    assert_eq!(told(|facts| [honest_list(facts), packed(&facts.pack)], |_| {}), "fetched");
}

#[test]
fn bad_g02_a_server_that_hangs_anywhere_costs_the_time_limit_and_no_more() {
    let scripts: [Script; 6] = [
        |_| [vec![Step::Hang], Vec::new()],
        |_| [vec![Step::Send(b"HTTP/1.1 200 OK\r\nContent-".to_vec()), Step::Hang], Vec::new()],
        |_| [vec![head("advertisement"), Step::Hang], Vec::new()],
        |_| [vec![head("advertisement"), Step::Send(b"001e# service=git-up".to_vec()), Step::Hang], Vec::new()],
        |facts| [honest_list(facts), vec![Step::Hang]],
        |facts| {
            let mut steps = begun(half(&facts.pack));
            steps.push(Step::Hang);
            [honest_list(facts), steps]
        },
    ];
    for (number, script) in scripts.into_iter().enumerate() {
        let told = told(script, |fetches| fetches.limits.time = Duration::from_millis(400));
        assert_eq!(told, "timeout: `URL` was not fetched: the fetch took longer than its limit", "script {number}");
    }
}

#[test]
fn bad_g02_a_server_that_drips_costs_the_time_limit_and_no_more() {
    let scripts: [Script; 2] = [
        |_| {
            [
                vec![head("advertisement"), Step::Drip(b"001e# service=git".repeat(100), Duration::from_millis(30))],
                Vec::new(),
            ]
        },
        |facts| {
            let mut steps = begun(&facts.pack[..100]);
            let rest = [line([&[1], &facts.pack[100..50_000]].concat()), Vec::new()].concat();
            steps.push(Step::Drip(rest, Duration::from_millis(30)));
            [honest_list(facts), steps]
        },
    ];
    for script in scripts {
        let told = told(script, |fetches| fetches.limits.time = Duration::from_millis(400));
        assert_eq!(told, "timeout: `URL` was not fetched: the fetch took longer than its limit");
    }
}

/// Patience for tests: a kilobyte every 300 ms, and all the time in the world.
fn impatient(fetches: &mut Fetches) {
    fetches.limits.pace = Pace { bytes: 1000, over: Duration::from_millis(300) };
}

#[test]
fn bad_g02_a_server_that_is_too_slow_is_given_up_long_before_the_time_limit() {
    let pause = Duration::from_millis(10);
    let list: Script = |_| {
        let drip = Step::Drip(b"001e# service=git-upload-pack\n0000".repeat(10), Duration::from_millis(10));
        [vec![head("advertisement"), drip], Vec::new()]
    };
    let pack: Script = |facts| {
        let mut steps = begun(&facts.pack[..5000]);
        let rest = line([&[1], &facts.pack[5000..50_000]].concat());
        steps.push(Step::Drip(rest, Duration::from_millis(10)));
        [honest_list(facts), steps]
    };
    for script in [list, pack] {
        let start = Instant::now();
        let told = told(script, impatient);
        let sent = told.strip_prefix("timeout: `URL` was not fetched: the remote is too slow: it sent ");
        let sent = sent.and_then(|rest| rest.strip_suffix(" bytes in 300ms, and 1000 are the least"));
        let sent: u128 = sent.unwrap_or_else(|| panic!("{told}")).parse().unwrap();
        assert!(sent < 1000 && start.elapsed() < Duration::from_secs(10), "{told}: {:?}", start.elapsed());
        assert!(sent <= start.elapsed().as_millis() / pause.as_millis() + 200, "{told}");
    }
    let silent = "timeout: `URL` was not fetched: the remote was silent for 300ms";
    assert_eq!(told(|facts| [honest_list(facts), vec![Step::Hang]], impatient), silent);
    assert_eq!(told(|_| [vec![head("advertisement"), Step::Hang], Vec::new()], impatient), silent);
}

#[test]
fn bad_g02_a_server_that_says_it_is_still_counting_is_not_too_slow() {
    let counting: Script = |facts| {
        let mut steps = vec![head("result"), Step::Send(line("NAK\n"))];
        steps.extend((0..30).map(|_| Step::Drip(line(b"\x02counting\n"), Duration::from_millis(3))));
        steps.extend(packed(&facts.pack).into_iter().skip(1).map(|step| match step {
            // The same without its first line, which has been sent.
            Step::Send(bytes) => Step::Send(bytes.strip_prefix(&*line("NAK\n")).map(<[u8]>::to_vec).unwrap_or(bytes)),
            other => other,
        }));
        [honest_list(facts), steps]
    };
    let start = Instant::now();
    let told = told(counting, impatient);
    assert_eq!(told, "fetched", "after {:?}", start.elapsed());
    assert!(start.elapsed() > Duration::from_millis(1000));
}

#[test]
fn bad_f16_a_connection_that_is_cut_is_no_fetch() {
    let scripts: [Script; 6] = [
        |_| [Vec::new(), Vec::new()],
        |_| [vec![Step::Send(b"HTTP/1.1 200".to_vec())], Vec::new()],
        |_| [vec![head("advertisement"), Step::Send(b"001e# service=git-upload-pack\n0000004a".to_vec())], Vec::new()],
        |facts| [honest_list(facts), Vec::new()],
        |facts| [honest_list(facts), begun(half(&facts.pack))],
        |facts| [honest_list(facts), vec![head("result"), Step::Send(line("NAK\n"))]],
    ];
    for (number, script) in scripts.into_iter().enumerate() {
        let told = told(script, |_| {});
        assert!(told.starts_with("unreachable: ") || told.starts_with("protocol: "), "script {number}: {told}");
    }
}

#[test]
fn bad_f16_garbage_in_the_place_of_a_pack_is_no_fetch() {
    let scripts: [Script; 8] = [
        |facts| [honest_list(facts), packed(b"PACK\0\0\0\x02\0\0\0\x01 not what it seems")],
        |facts| [honest_list(facts), packed(b"PACK\0\0\0\x02\xff\xff\xff\xff")],
        // One object that claims to have 281 TB.
        |facts| {
            [
                honest_list(facts),
                packed(b"PACK\0\0\0\x02\0\0\0\x01\xbf\xff\xff\xff\xff\xff\x7f\x78\x9c\x03\0\0\0\0\x01"),
            ]
        },
        // A delta on something that is nowhere.
        |facts| [honest_list(facts), packed(b"PACK\0\0\0\x02\0\0\0\x01\x6f\x81\x00\x78\x9c\x03\0\0\0\0\x01")],
        |facts| {
            let mut spoilt = facts.pack.clone();
            let middle = spoilt.len() / 2;
            spoilt[middle] ^= 0x40;
            [honest_list(facts), packed(&spoilt)]
        },
        |facts| {
            let mut spoilt = facts.pack.clone();
            *spoilt.last_mut().unwrap() ^= 1;
            [honest_list(facts), packed(&spoilt)]
        },
        |facts| [honest_list(facts), packed(&[])],
        |facts| [honest_list(facts), vec![head("result"), Step::Send(b"<html>".to_vec())]],
    ];
    for (number, script) in scripts.into_iter().enumerate() {
        let told = told(script, |_| {});
        assert!(
            ["protocol", "storage", "crashed"].iter().any(|reason| told.starts_with(reason)),
            "script {number}: {told}"
        );
    }
}

#[test]
fn bad_f16_a_pack_without_what_was_promised_is_no_fetch() {
    let told = told(|facts| [honest_list(facts), packed(&facts.other_pack)], |_| {});
    assert!(told.starts_with("protocol: `URL` was not fetched: "), "{told}");
}

#[test]
fn bad_f15_a_pack_without_end_costs_the_size_limit_and_no_more() {
    let scripts: [Script; 3] = [
        |facts| {
            // An object whose content never ends: stored blocks of zlib, one after the other.
            let mut begin = begun(b"PACK\0\0\0\x02\0\0\0\x01\xbf\xff\xff\xff\x7f\x78\x01");
            begin.push(Step::Endless(line([&[1, 0, 0, 0x80, 0xff, 0x7f][..], &[7; 0x8000]].concat())));
            [honest_list(facts), begin]
        },
        |facts| {
            [
                honest_list(facts),
                vec![head("result"), Step::Send(line("NAK\n")), Step::Endless(line(b"\x02still counting\n"))],
            ]
        },
        |facts| {
            let refs = format!("{} refs/heads/x", facts.commit);
            [
                vec![
                    head("advertisement"),
                    Step::Send(b"001e# service=git-upload-pack\n0000".to_vec()),
                    Step::Endless(line(refs)),
                ],
                Vec::new(),
            ]
        },
    ];
    for (number, script) in scripts.into_iter().enumerate() {
        let told = told(script, |fetches| fetches.limits.bytes = 3_000_000);
        let large = "storage: `URL` was not fetched: the fetch is larger than the limit of 3000000 bytes";
        assert_eq!(told, large, "script {number}");
    }
}

#[test]
fn bad_g19_lines_that_lie_about_themselves_are_no_list() {
    let scripts: [Script; 8] = [
        |_| [vec![head("advertisement"), Step::Send(b"zzzz".to_vec())], Vec::new()],
        |_| [vec![head("advertisement"), Step::Send(b"0001".to_vec())], Vec::new()],
        |_| [vec![head("advertisement"), Step::Send(b"0004000400040004".to_vec())], Vec::new()],
        |_| [vec![head("advertisement"), Step::Send(b"fff0# service=git-upload-pack\n".to_vec())], Vec::new()],
        |_| [vec![head("advertisement"), Step::Send(line("ERR \x1b[2J\x07you are not welcome\n"))], Vec::new()],
        |facts| {
            [
                list(
                    &[format!("{} refs/heads/main\0symref=HEAD:refs/heads/../../x symref", facts.commit).into_bytes()],
                ),
                Vec::new(),
            ]
        },
        |_| [list(&[b"0123 refs/heads/main".to_vec()]), Vec::new()],
        |_| [list(&[b"0123456789012345678901234567890123456789".to_vec()]), Vec::new()],
    ];
    for (number, script) in scripts.into_iter().enumerate() {
        let told = told(script, |_| {});
        assert!(
            ["protocol", "empty", "unreachable"].iter().any(|reason| told.starts_with(reason)),
            "script {number}: {told}"
        );
    }
}

#[test]
fn bad_g19_side_bands_that_are_empty_or_unknown_are_no_fetch_for_ever() {
    let scripts: [Script; 3] = [
        |facts| {
            [
                honest_list(facts),
                vec![head("result"), Step::Send([line("NAK\n"), line(""), line(b"\x01"), line(b"\x02")].concat())],
            ]
        },
        |facts| [honest_list(facts), vec![head("result"), Step::Send([line("NAK\n"), line(b"\x09what")].concat())]],
        |facts| {
            [
                honest_list(facts),
                vec![head("result"), Step::Send([line("NAK\n"), line(b"\x03\x1b[31mout of order\n")].concat())],
            ]
        },
    ];
    for (number, script) in scripts.into_iter().enumerate() {
        let told = told(script, |_| {});
        assert!(told.starts_with("protocol: ") || told.starts_with("unreachable: "), "script {number}: {told}");
    }
}

#[test]
fn bad_f18_refs_with_names_that_climb_or_repeat_are_left_out() {
    let script: Script = |facts| {
        let names = [
            "HEAD",
            "refs/heads/../../x",
            "refs/heads/a\nb",
            "refs/heads/main",
            "refs/heads/main",
            "refs/heads/x\ty",
            "refs/../../etc/passwd",
            "/etc/passwd",
            "refs/heads/refs/heads/~1",
        ];
        let lines: Vec<Vec<u8>> = names.iter().map(|name| format!("{} {name}", facts.commit).into_bytes()).collect();
        [list(&lines), packed(&facts.pack)]
    };
    let fetches = Fetches::new(&serve(&facts(), script), worker(Vec::new()));
    assert_eq!(fetches.told(), "fetched");
    let labels = fs::read_to_string(fetches.mirror().join("labels")).unwrap();
    let names: Vec<&str> =
        labels.lines().skip(3).filter_map(|line| line.split_once(" refs/").map(|(_, name)| name)).collect();
    assert_eq!(names, ["heads/main"]);
}

#[test]
fn a_repository_of_sha_256_is_refused_by_name() {
    let script: Script = |_| {
        let first = format!("{} capabilities^{{}}\0object-format=sha256 agent=git/2.50", "0".repeat(64));
        [list(&[first.into_bytes()]), Vec::new()]
    };
    let expected = "protocol: `URL` was not fetched: its objects are named by `sha256`, and only SHA-1 is supported\n\
                    hint: make a repository with --object-format=sha1; Git cannot convert one in place";
    assert_eq!(told(script, |_| {}), expected);
    let folder = tempfile::tempdir().unwrap();
    let made = std::process::Command::new("git")
        .args(["init", "--quiet", "--bare", "--object-format=sha256"])
        .arg(folder.path())
        .status()
        .unwrap();
    assert!(made.success());
    assert_eq!(Fetches::new(folder.path().to_str().unwrap(), worker(Vec::new())).told(), expected);
}

#[test]
fn bad_f16_readers_notice_nothing_of_a_remote_that_turns_hostile() {
    let repo = Repo::with(&[("app.yml", "a: 1")]);
    let git = crate::harness::git_http::GitServer::start(repo.path(), crate::harness::git_http::Behaviour::Serve);
    let server = Server::launch(&["serve", "--git", &git.url("")]).env("LAYERD_SOURCES__0__FETCH_TIME", "1s").start();
    server.wait_ready();
    repo.file("app.yml", "a: 2").commit();
    git.behave(crate::harness::git_http::Behaviour::Hang);
    std::thread::scope(|scope| {
        let refresh = scope.spawn(|| server.refresh());
        let (mut slowest, mut asked) = (Duration::ZERO, 0);
        while !refresh.is_finished() {
            let start = Instant::now();
            assert_eq!(server.config("app"), "{\"a\":1}");
            slowest = slowest.max(start.elapsed());
            asked += 1;
        }
        let outcome = refresh.join().unwrap();
        assert_eq!(outcome.status(), 502, "{outcome}");
        assert!(outcome.text().contains("the fetch took longer than its limit"), "{outcome}");
        assert!(asked > 5 && slowest < Duration::from_millis(700), "{asked} requests, the slowest took {slowest:?}");
    });
    git.behave(crate::harness::git_http::Behaviour::Serve);
    crate::harness::eventually("fetching works again", || server.refresh().status() == 200);
    assert_eq!(server.config("app"), "{\"a\":2}");
}
