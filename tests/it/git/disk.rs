//! Mirrors on disks that fail: what cannot be synced, written or read, and what a loss of power leaves.
//!
//! The calls of the C library fail by `harness/faults.rs`. Files that are spoilt in good health are in `git_mirror.rs`.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use layerd::source::Source as _;
use layerd::source::fetch::worker::Worker;
use layerd::source::git::GitSource;
use rustix::io::Errno;

use crate::harness::eventually;
use crate::harness::faults::Faults;
use crate::harness::folder::Folder;
use crate::harness::git_http::{Behaviour, GitServer};
use crate::harness::repo::Repo;
use crate::harness::server::Server;
use crate::harness::worker::{Fetches, StandIns, fetch};

/// A repository, and fetches from it by processes whose disk may fail.
struct World {
    repo: Repo,
    git: GitServer,
    faults: Faults,
    fetches: Fetches,
    _programs: StandIns,
}

impl World {
    fn new() -> Self {
        let repo = Repo::with(&[("app.yml", "v: 0")]);
        let git = GitServer::start(repo.path(), Behaviour::Serve);
        let (faults, programs) = (Faults::new(), StandIns::new());
        let variables: String =
            faults.variables().iter().map(|(name, value)| format!("export {name}='{value}'\n")).collect();
        let program = programs.script("layerd", &format!("{variables}exec {} \"$@\"", env!("CARGO_BIN_EXE_layerd")));
        let fetches = Fetches::new(&git.url("x"), Worker::new(program, [("PATH".into(), "/usr/bin:/bin".into())]));
        git.behave(Behaviour::Redirect("/x/".to_owned(), "/".to_owned()));
        Self { repo, git, faults, fetches, _programs: programs }
    }

    fn source(&self) -> GitSource {
        self.fetches.source(&["*"], None)
    }

    fn down(&self) {
        self.git.behave(Behaviour::Page("503 Service Unavailable", "text/plain", Vec::new()));
    }

    fn up(&self) {
        self.git.behave(Behaviour::Redirect("/x/".to_owned(), "/".to_owned()));
    }
}

/// The text of `app.yml` at the tip of `main`; empty if there is none that can be read.
fn served(source: &GitSource) -> String {
    let read = || {
        let tip = source.labels().ok()?.tips.get("main")?.commit;
        let mut reader = source.open().ok()?;
        let tree = reader.tree(tip).ok()?;
        String::from_utf8(reader.blob(tree.files["app.yml"].blob).ok()?).ok()
    };
    read().unwrap_or_default()
}

/// The first generation of the one mirror below a state folder.
fn first(state: &Path) -> PathBuf {
    let mirror = fs::read_dir(state.join("mirrors")).unwrap().next().unwrap().unwrap().path();
    mirror.join("gen-1")
}

fn packs(generation: &Path) -> BTreeSet<String> {
    let entries = fs::read_dir(generation.join("objects/pack")).unwrap();
    entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
}

/// The place of a line in a log that ends like this.
fn place(log: &[String], line: &str) -> usize {
    let found = log.iter().position(|logged| logged == line);
    found.unwrap_or_else(|| panic!("`{line}` is not in {log:#?}"))
}

#[test]
fn bad_g13_labels_are_named_only_after_all_that_they_lead_to_is_on_disk() {
    let world = World::new();
    let source = world.fetches.source(&["*"], Some(5));
    let mut known = BTreeSet::new();
    for round in 1..=3 {
        world.repo.file("app.yml", &format!("v: {round}")).commit();
        assert_eq!(fetch(&source), "fetched");
        let generation = first(&source.settings().state);
        let log = world.faults.log(&generation);
        let named = place(&log, "rename labels.new labels");
        let fresh: BTreeSet<String> = packs(&generation).difference(&known).cloned().collect();
        assert_eq!(fresh.len(), 2, "a pack and its index: {fresh:?}");
        let mut first = fresh.iter().map(|name| format!("objects/pack/{name}")).collect::<Vec<_>>();
        first.extend(["objects/pack", "labels.new"].map(str::to_owned));
        let parent = generation.parent().unwrap();
        let above = [parent, parent.parent().unwrap(), &source.settings().state].map(|path| path.display().to_string());
        if round == 1 {
            first.extend(["objects", ".", "HEAD", "config"].map(str::to_owned));
            first.extend(above);
        }
        for path in first {
            assert!(place(&log, &format!("fsync {path} -")) < named, "{path}: {log:#?}");
        }
        assert_eq!(log.last().unwrap(), "fsync . -", "the name is on disk as well: {log:#?}");
        let again = known.iter().filter(|name| log.contains(&format!("fsync objects/pack/{name} -"))).count();
        assert_eq!(again, 0, "what is on disk is not synced again");
        known = packs(&generation);
    }
}

#[test]
fn bad_g08_what_cannot_be_synced_is_lost_and_fetched_again_and_no_label_moves() {
    let world = World::new();
    let source = world.source();
    let told = "storage: `URL` was not fetched: the mirror cannot be written: Input/output error (os error 5)";
    world.faults.fail("fsync", Errno::IO, "labels.new");
    assert_eq!(fetch(&source).replace(&world.git.url("x"), "URL"), told);
    let generation = first(&source.settings().state);
    assert!(!generation.join("labels").exists());
    for (round, part) in [".pack", ".idx", "objects/pack$", "labels.new", "gen-1$"].into_iter().enumerate() {
        world.faults.recover();
        assert_eq!(fetch(&source), "fetched");
        let (before, labels) = (packs(&generation), fs::read(generation.join("labels")).unwrap());
        let old = served(&source);
        world.repo.file("app.yml", &format!("v: of {part} {round}")).commit();
        world.faults.log(&generation);
        world.faults.fail("fsync", Errno::IO, part);
        for _ in 0..2 {
            assert_eq!(fetch(&source), told, "{part}");
            assert_eq!(fs::read(generation.join("labels")).unwrap(), labels, "{part}");
            assert_eq!(served(&source), old, "{part}");
        }
        if part.starts_with('.') {
            assert_eq!(packs(&generation), before, "a pack of which nobody knows stays: {part}");
        }
        world.faults.recover();
        assert_eq!(fetch(&source), "fetched", "{part}");
        assert_eq!(served(&source), format!("v: of {part} {round}"));
        let log = world.faults.log(&generation);
        for name in packs(&generation).difference(&before) {
            assert!(log.contains(&format!("fsync objects/pack/{name} -")), "{part}: {log:#?}");
        }
    }
}

#[test]
fn bad_g08_a_disk_that_becomes_read_only_costs_freshness_only() {
    let world = World::new();
    let source = world.source();
    assert_eq!(fetch(&source), "fetched");
    world.repo.file("app.yml", "v: 1").commit();
    world.faults.fail("write", Errno::ROFS, "/mirrors/");
    for _ in 0..2 {
        let told = fetch(&source);
        let expected = "storage: `URL` was not fetched: the mirror cannot be written: ";
        assert!(told.starts_with(expected) && told.contains("Read-only file system"), "{told}");
        assert_eq!(served(&source), "v: 0");
    }
    world.faults.recover();
    assert_eq!(fetch(&source), "fetched");
    assert_eq!(served(&source), "v: 1");
}

/// A server with a disk that may fail, over a state folder that has been served from before.
struct Served {
    repo: Repo,
    git: GitServer,
    state: Folder,
    faults: Faults,
}

impl Served {
    fn new() -> Self {
        let repo = Repo::with(&[("app.yml", "a: 1")]);
        let git = GitServer::start(repo.path(), Behaviour::Serve);
        let served = Self { repo, git, state: Folder::new(), faults: Faults::new() };
        served.start().wait_ready();
        served
    }

    fn start(&self) -> Server {
        let launch = Server::launch(&["serve", "--git", &self.git.url(""), "--state", self.state.arg()]);
        let variables = self.faults.variables();
        variables.iter().fold(launch, |launch, (name, value)| launch.env(name, value)).start()
    }

    fn down(&self) {
        self.git.behave(Behaviour::Page("503 Service Unavailable", "text/plain", Vec::new()));
    }
}

#[test]
fn bad_g08_a_server_starts_from_a_disk_that_is_read_only() {
    let served = Served::new();
    served.down();
    served.faults.fail("write", Errno::ROFS, "/mirrors/");
    let server = served.start();
    assert_eq!((server.config("app"), server.get("/health/ready").status()), ("{\"a\":1}".to_owned(), 200));
    assert_eq!(server.refresh().status(), 502);
    let second = Server::launch(&["serve", "--git", &served.git.url(""), "--state", served.state.arg()]).try_start();
    assert!(
        second.is_err_and(|ran| ran.stderr.contains("another layerd uses the folder")),
        "it is locked all the same"
    );
}

#[test]
fn bad_g08_a_disk_that_cannot_be_read_is_no_crash_and_no_404() {
    let served = Served::new();
    served.down();
    served.faults.fail("read", Errno::IO, ".pack$");
    let mut server = served.start();
    assert_eq!(server.config_status("app"), 503);
    assert_eq!((server.refresh().status(), server.config_status("app?label=main")), (502, 503));
    served.git.behave(Behaviour::Serve);
    // A new generation; the fault stays with the old one.
    served.faults.fail("read", Errno::IO, "gen-1/");
    eventually("the mirror is made anew", || server.refresh().status() == 200);
    assert_eq!(server.config("app"), "{\"a\":1}");
    assert_eq!(server.terminate().code(), Some(0));
}

#[test]
fn bad_g08_labels_that_cannot_be_read_leave_what_is_served_alone() {
    let served = Served::new();
    let server = served.start();
    server.wait_ready();
    served.faults.fail("read", Errno::IO, "/labels$");
    served.repo.file("app.yml", "a: 2").commit();
    served.down();
    assert_eq!(server.refresh().status(), 502);
    assert_eq!(server.config("app"), "{\"a\":1}");
    served.git.behave(Behaviour::Serve);
    served.faults.recover();
    eventually("it recovers", || server.refresh().status() == 200);
    assert_eq!(server.config("app"), "{\"a\":2}");
}

/// What a loss of power may do to a file that was not synced.
type Loss = (&'static str, fn(&Path));

const LOSSES: [Loss; 4] = [
    ("whole", |_| {}),
    ("missing", |path| fs::remove_file(path).unwrap()),
    ("truncated", |path| rewrite(path, |bytes| bytes.truncate(bytes.len() / 2))),
    ("zero-filled", |path| rewrite(path, |bytes| bytes.fill(0))),
];

fn rewrite(path: &Path, change: fn(&mut Vec<u8>)) {
    let mut bytes = fs::read(path).unwrap();
    change(&mut bytes);
    fs::remove_file(path).unwrap();
    fs::write(path, bytes).unwrap();
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap().map(Result::unwrap) {
        let target = to.join(entry.file_name());
        match entry.file_type().unwrap().is_dir() {
            true => copy(&entry.path(), &target),
            false => drop(fs::copy(entry.path(), target).unwrap()),
        }
    }
}

#[test]
fn bad_g13_a_loss_of_power_at_any_point_leaves_the_old_commit_or_the_new_and_heals() {
    let world = World::new();
    let source = world.source();
    assert_eq!(fetch(&source), "fetched");
    let generation = first(&source.settings().state);
    let (old_labels, old_packs) = (fs::read(generation.join("labels")).unwrap(), packs(&generation));
    world.repo.file("app.yml", "v: 1").commit();
    assert_eq!(fetch(&source), "fetched");
    let aside = tempfile::tempdir().unwrap();
    copy(&generation, aside.path());
    let fresh: Vec<String> = packs(&generation).difference(&old_packs).cloned().collect();
    let [index, pack] = [".idx", ".pack"].map(|end| fresh.iter().find(|name| name.ends_with(end)).unwrap());
    drop(source);
    for (lost_pack, lose_pack) in LOSSES {
        for (lost_index, lose_index) in LOSSES {
            for (lost_rest, lose_rest) in [LOSSES[0], LOSSES[3]] {
                for is_new in [false, true] {
                    let case = format!("pack {lost_pack}, index {lost_index}, rest {lost_rest}, labels new: {is_new}");
                    drop(fs::remove_dir_all(&generation));
                    copy(aside.path(), &generation);
                    lose_pack(&generation.join("objects/pack").join(pack));
                    lose_index(&generation.join("objects/pack").join(index));
                    // Nothing waits for these to be on disk.
                    ["packed-refs", "settled", "first-bytes"].iter().for_each(|name| lose_rest(&generation.join(name)));
                    if !is_new {
                        fs::write(generation.join("labels"), &old_labels).unwrap();
                    }
                    let source = world.source();
                    world.down();
                    let is_whole = lost_pack == "whole" && lost_index == "whole";
                    // Labels that are new before their pack is on disk cannot come about; even so nothing wrong is served.
                    let expected = match (is_new, is_whole) {
                        (false, _) => "v: 0",
                        (true, true) => "v: 1",
                        (true, false) => "",
                    };
                    assert_eq!(served(&source), expected, "{case}");
                    assert!(fetch(&source).starts_with("unavailable: "), "{case}");
                    assert_eq!(served(&source), expected, "{case}");
                    world.up();
                    // A mirror that proves damaged is made anew by the fetch after the one that finds out.
                    let told = fetch(&source);
                    assert!(told == "fetched" || fetch(&source) == "fetched", "{case}: {told}");
                    assert_eq!(served(&source), "v: 1", "{case}");
                    drop(source);
                    let mirror = generation.parent().unwrap();
                    drop(fs::remove_dir_all(mirror.join("gen-2")));
                }
            }
        }
    }
}
