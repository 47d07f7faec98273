//! The mirror under bad luck: processes killed at any moment, files spoilt behind the server's back, folders lost.
//!
//! What holds throughout: an answer is right or 503, never 404 and never 500, and nobody has to repair anything.

use std::fs;
use std::hash::{BuildHasher as _, RandomState};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use layerd::config::tree::CommitId;
use layerd::source::Source as _;
use layerd::source::fetch::worker::Worker;
use layerd::source::git::GitSource;
use rustix::process::{Pid, Signal, kill_process_group};

use crate::harness::eventually;
use crate::harness::folder::Folder;
use crate::harness::git_http::{Behaviour, GitServer};
use crate::harness::repo::Repo;
use crate::harness::server::Server;
use crate::harness::worker::{Fetches, StandIns, fetch};

/// The text of `app.yml` at the tip of `main`, read from the mirror, if there is one.
fn served(source: &GitSource) -> Option<String> {
    let tip = source.labels().unwrap().tips.get("main")?.commit;
    Some(read(source, tip))
}

fn read(source: &GitSource, tip: CommitId) -> String {
    let mut reader = source.open().unwrap();
    let tree = reader.tree(tip).unwrap();
    // Every file, not only the one that is told.
    let texts = tree.files.iter().map(|(path, file)| (path.to_string(), reader.blob(file.blob).unwrap()));
    let mut texts = texts.collect::<Vec<_>>();
    texts.retain(|(path, _)| path == "app.yml");
    String::from_utf8(texts.remove(0).1).unwrap()
}

/// Up to so many microseconds, different each time.
fn up_to(micros: u64) -> Duration {
    Duration::from_micros(RandomState::new().hash_one(0) % micros)
}

#[test]
fn bad_g11_a_fetch_killed_at_any_moment_leaves_the_version_before_or_the_new_one() {
    let repo = Repo::with(&[("app.yml", "v: 0")]);
    let git = GitServer::start(repo.path(), Behaviour::Serve);
    let programs = StandIns::new();
    let program =
        programs.script("layerd", &format!("echo $$ > $here/process; exec {} \"$@\"", env!("CARGO_BIN_EXE_layerd")));
    let fetches = Fetches::new(&git.url(""), Worker::new(program, [("PATH".into(), "/usr/bin:/bin".into())]));
    let source = fetches.source(&["*"], None);
    assert_eq!(fetch(&source), "fetched");
    let (mut before, mut killed, mut late) = (0, 0, 0);
    for round in 1..=30 {
        let noise: String =
            (0..3000_u32).map(|line| format!("k{line}: {}\n", line.wrapping_mul(round * 7919))).collect();
        repo.file("noise.yml", &noise).file("app.yml", &format!("v: {round}")).commit();
        drop(fs::remove_file(programs.at("process")));
        thread::scope(|scope| {
            let fetching = scope.spawn(|| fetch(&source));
            let process = programs.process("process");
            thread::sleep(up_to(60_000));
            _ = kill_process_group(Pid::from_raw(process.try_into().unwrap()).unwrap(), Signal::KILL);
            let told = fetching.join().unwrap();
            assert!(told == "fetched" || told.starts_with("crashed: "), "{told}");
            killed += u32::from(told != "fetched");
        });
        let now = served(&source).unwrap();
        assert!(
            now == format!("v: {before}") || now == format!("v: {round}"),
            "{now} after {before}, in round {round}"
        );
        late += u32::from(now == format!("v: {round}"));
        if round % 3 == 0 {
            assert_eq!(fetch(&source), "fetched");
            assert_eq!(served(&source).unwrap(), format!("v: {round}"));
        }
        before = served(&source).unwrap().trim_start_matches("v: ").parse().unwrap();
    }
    assert!(killed >= 5, "{killed} of 30 were killed in time, {late} had succeeded");
    assert_eq!(fetch(&source), "fetched");
    let packs = fs::read_dir(source_folder(&source).join("objects/pack")).unwrap();
    let leftovers: Vec<PathBuf> = packs.map(|entry| entry.unwrap().path()).filter(|path| is_leftover(path)).collect();
    assert!(leftovers.is_empty(), "{leftovers:?}");
}

fn is_leftover(path: &Path) -> bool {
    !path.extension().is_some_and(|extension| extension == "pack" || extension == "idx")
}

fn source_folder(source: &GitSource) -> PathBuf {
    generation(&source.settings().state)
}

/// The generation in use of the one mirror below a state folder.
fn generation(state: &Path) -> PathBuf {
    let mirror = fs::read_dir(state.join("mirrors")).unwrap().next().unwrap().unwrap().path();
    let entries = fs::read_dir(mirror).unwrap().map(|entry| entry.unwrap().path());
    let complete = entries.filter(|path| path.join("labels").exists());
    complete.max().expect("there is a complete mirror")
}

/// A repository that can be taken away, and a state folder that outlives servers.
struct World {
    repo: Repo,
    git: GitServer,
    state: Folder,
}

impl World {
    fn new() -> Self {
        let repo = Repo::with(&[("app.yml", "a: 1")]);
        repo.file("more.yml", "b: 1").commit();
        let git = GitServer::start(repo.path(), Behaviour::Serve);
        Self { repo, git, state: Folder::new() }
    }

    fn start(&self) -> Server {
        Server::start(&["serve", "--git", &self.git.url(""), "--state", self.state.arg()])
    }

    fn down(&self) {
        self.git.behave(Behaviour::Page("503 Service Unavailable", "text/plain", Vec::new()));
    }

    fn up(&self) {
        self.git.behave(Behaviour::Serve);
    }

    /// The one file with this ending among the packs.
    fn pack(&self, extension: &str) -> PathBuf {
        let packs = fs::read_dir(generation(self.state.path()).join("objects/pack")).unwrap();
        let mut packs = packs.map(|entry| entry.unwrap().path());
        packs.find(|path| path.extension().is_some_and(|found| found == extension)).expect("there is a pack")
    }

    fn at(&self, name: &str) -> PathBuf {
        generation(self.state.path()).join(name)
    }
}

/// Asks, and insists on a right answer or 503.
fn right_or_later(server: &Server, label: &str) -> bool {
    let answer = server.get(&format!("/api/v1/config/app{label}"));
    match answer.status() {
        200 => assert_eq!(answer.text(), "{\"a\":1}"),
        status => assert_eq!(status, 503, "{answer}"),
    }
    answer.status() == 200
}

fn rewrite(path: &Path, change: impl FnOnce(&mut Vec<u8>)) {
    let mut bytes = fs::read(path).unwrap();
    change(&mut bytes);
    fs::remove_file(path).unwrap(); // packs are read-only
    fs::write(path, bytes).unwrap();
}

type Damage = (&'static str, fn(&World));

const DAMAGES: [Damage; 12] = [
    ("flipped bits in the pack", |world| {
        rewrite(&world.pack("pack"), |bytes| bytes.iter_mut().skip(12).step_by(7).for_each(|byte| *byte ^= 0x10));
    }),
    ("one flipped bit", |world| {
        rewrite(&world.pack("pack"), |bytes| {
            let middle = bytes.len() / 2;
            bytes[middle] ^= 1;
        });
    }),
    ("a truncated pack", |world| rewrite(&world.pack("pack"), |bytes| bytes.truncate(bytes.len() / 2))),
    ("an empty pack", |world| rewrite(&world.pack("pack"), Vec::clear)),
    ("a deleted pack", |world| fs::remove_file(world.pack("pack")).unwrap()),
    ("a truncated index", |world| rewrite(&world.pack("idx"), |bytes| bytes.truncate(bytes.len() / 2))),
    ("an empty list of labels", |world| rewrite(&world.at("labels"), Vec::clear)),
    ("a changed list of labels", |world| {
        rewrite(&world.at("labels"), |bytes| {
            let last = bytes.len() - 100;
            bytes[last] ^= 1;
        });
    }),
    ("empty refs", |world| rewrite(&world.at("packed-refs"), Vec::clear)),
    ("spoilt refs", |world| rewrite(&world.at("packed-refs"), |bytes| bytes.fill(b'x'))),
    ("a deleted HEAD", |world| fs::remove_file(world.at("HEAD")).unwrap()),
    ("no objects at all", |world| fs::remove_dir_all(world.at("objects")).unwrap()),
];

#[test]
fn bad_g09_a_damaged_mirror_is_never_a_wrong_answer_and_heals_when_the_remote_is_back() {
    thread::scope(|scope| {
        for half in DAMAGES.chunks(DAMAGES.len() / 3) {
            scope.spawn(move || half.iter().for_each(|(name, damage)| heals_after_a_restart(name, *damage)));
        }
    });
}

fn heals_after_a_restart(name: &str, damage: fn(&World)) {
    let world = World::new();
    let mut server = world.start();
    server.wait_ready();
    server.terminate();
    damage(&world);
    world.down();
    let server = world.start();
    for label in ["", "?label=main"] {
        right_or_later(&server, label);
    }
    assert_eq!(server.refresh().status(), 502, "{name}");
    right_or_later(&server, "");
    world.up();
    server.refresh();
    eventually(name, || right_or_later(&server, ""));
    world.repo.file("more.yml", "b: 2").commit();
    eventually(name, || server.refresh().status() == 200);
    assert_eq!(server.config("more"), "{\"b\":2}", "{name}");
    assert!(right_or_later(&server, ""), "{name}");
}

#[test]
fn bad_g09_a_mirror_that_is_damaged_while_it_is_served_is_replaced_without_anybody_noticing() {
    thread::scope(|scope| {
        for half in DAMAGES.chunks(DAMAGES.len() / 3) {
            scope.spawn(move || half.iter().for_each(|(name, damage)| heals_while_serving(name, *damage)));
        }
    });
}

fn heals_while_serving(name: &str, damage: fn(&World)) {
    let world = World::new();
    world.repo.branch("cold");
    let server = world.start();
    server.wait_ready();
    damage(&world);
    assert!(right_or_later(&server, ""), "{name}: what is in memory is served");
    world.repo.file("more.yml", "b: 2").commit();
    eventually(name, || {
        assert!(right_or_later(&server, ""), "{name}");
        server.refresh().status() == 200 && server.config_status("more") == 200
    });
    assert_eq!(server.config("more"), "{\"b\":2}", "{name}");
    // A label that was never read: from the mirror as it is now.
    eventually(name, || {
        server.refresh();
        right_or_later(&server, "?label=cold")
    });
}

#[test]
fn bad_g20_a_state_folder_that_is_deleted_while_it_is_used_is_made_again() {
    let world = World::new();
    let server = world.start();
    server.wait_ready();
    fs::remove_dir_all(world.state.path().join("mirrors")).unwrap();
    assert!(right_or_later(&server, ""));
    world.repo.file("more.yml", "b: 2").commit();
    eventually("the new commit is served", || {
        assert!(right_or_later(&server, ""));
        server.refresh();
        server.get("/api/v1/config/more").text() == "{\"b\":2}"
    });
}

#[test]
fn bad_g11_a_server_killed_again_and_again_while_it_fetches_serves_on_without_its_remote() {
    let world = World::new();
    let mut known = world.start();
    known.wait_ready();
    known.terminate();
    for round in 0..6 {
        world.up();
        world.repo.file("app.yml", &format!("a: 1 # {round}")).commit();
        let mut server = world.start();
        // It fetches at once; how far it comes is left to chance.
        thread::sleep(up_to(40_000));
        server.kill();
        world.down();
        let server = world.start();
        assert!(right_or_later(&server, ""), "round {round}");
    }
    world.up();
    let server = world.start();
    world.repo.file("more.yml", "b: 7").commit();
    server.refresh();
    assert_eq!(server.config("more"), "{\"b\":7}");
}

#[test]
fn bad_g07_a_mirror_that_cannot_be_written_costs_freshness_only() {
    let world = World::new();
    let server = world.start();
    server.wait_ready();
    // Works for every user, unlike taking away a permission: the place of the packs becomes a file.
    let packs = world.at("objects/pack");
    let aside = world.at("objects/aside");
    fs::rename(&packs, &aside).unwrap();
    fs::write(&packs, "").unwrap();
    world.repo.file("more.yml", "b: 2").commit();
    server.refresh();
    assert!(right_or_later(&server, ""));
    eventually("the mirror is made anew beside it", || {
        server.refresh();
        server.get("/api/v1/config/more").text() == "{\"b\":2}"
    });
}
