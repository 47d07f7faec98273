//! A soak test: readers who never stop, commits and forced pushes, a remote that comes and goes, a server that is killed
//! and started with the remote down. No read fails, none mixes two commits or goes back in time, and in the end the last
//! commit is served.
//!
//! Twenty seconds in `cargo test`; `scripts/soak` runs ten minutes. The seed of its decisions is fixed.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, RwLock};
use std::thread;
use std::time::{Duration, Instant};

use crate::harness::eventually;
use crate::harness::exchange::Exchange;
use crate::harness::git_http::{Behaviour, GitServer};
use crate::harness::repo::Repo;
use crate::harness::server::Server;

const SERVICES: u64 = 10;
const READERS: u64 = 3;

/// What readers and the driver share.
struct World {
    server: RwLock<Option<Server>>,
    /// The stamp of every commit.
    stamps: Mutex<HashMap<String, u64>>,
    stop: AtomicBool,
    reads: AtomicU64,
    failed: AtomicU64,
    wrong: AtomicU64,
    told: Mutex<Vec<String>>,
}

impl World {
    fn tell(&self, count: &AtomicU64, what: String) {
        count.fetch_add(1, Ordering::Relaxed);
        self.told.lock().unwrap().push(what);
    }

    /// Reads until told to stop; waits only while the driver has taken the server away.
    fn read(&self, reader: u64) {
        let mut last = 0;
        let mut service = reader;
        while !self.stop.load(Ordering::Relaxed) {
            service = (service + 1) % SERVICES;
            let guard = self.server.read().unwrap();
            let Some(server) = guard.as_ref() else { continue };
            let answer = server.get(&format!("/api/v1/config/s{service}/p"));
            drop(guard);
            self.reads.fetch_add(1, Ordering::Relaxed);
            if answer.status() != 200 {
                self.tell(&self.failed, format!("{answer}"));
                continue;
            }
            last = self.check(&answer, last);
        }
    }

    /// The stamp of an answer, which must be that of its commit and not older than `last`.
    fn check(&self, answer: &Exchange, last: u64) -> u64 {
        let body = answer.json();
        let (shared, own) = (body["shared"].as_u64().unwrap_or(0), body["own"].as_u64().unwrap_or(1));
        let version = answer.header("layerd-version").unwrap_or_default();
        // The server may have fetched a commit before the driver had the time to write its stamp down.
        eventually("the commit is one of ours", || self.stamps.lock().unwrap().contains_key(version));
        let expected = self.stamps.lock().unwrap()[version];
        if (shared, own) != (expected, expected) || expected < last {
            self.tell(&self.wrong, format!("{version} is {expected}, after {last}, but says {shared} and {own}"));
        }
        expected
    }
}

/// Decides what happens next; the same seed decides alike.
struct Dice(u64);

impl Dice {
    fn below(&mut self, most: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % most
    }
}

struct Driver<'a> {
    world: &'a World,
    repo: Repo,
    remote: GitServer,
    state: tempfile::TempDir,
    stamp: u64,
    /// An old commit to which forced pushes go back, so that history is replaced.
    base: String,
    counts: [u64; 5],
}

impl Driver<'_> {
    fn commit(&mut self) -> String {
        self.stamp += 1;
        self.repo.file("application.yml", &format!("shared: {}\n", self.stamp));
        for service in 0..SERVICES {
            self.repo.file(&format!("s{service}.yml"), &format!("own: {}\n", self.stamp));
        }
        let commit = self.repo.commit();
        self.world.stamps.lock().unwrap().insert(commit.clone(), self.stamp);
        commit
    }

    fn start(&self, address: &str) -> Server {
        let name = self.repo.path().file_name().unwrap().to_str().unwrap().to_owned();
        let state = self.state.path().to_str().unwrap();
        let url = self.remote.url(&name);
        Server::launch(&["serve", "--git", &url, "--listen", address, "--state", state])
            .env("LAYERD_SOURCES__0__REFRESH", "1s")
            .env("LAYERD_SOURCES__0__FETCH_TIME", "2s")
            .start()
    }

    fn step(&mut self, dice: &mut Dice) {
        let choice = dice.below(20);
        let kind = match choice {
            0..=9 => 0,
            10..=12 => 1,
            13..=15 => 2,
            16 | 17 => 3,
            _ => 4,
        };
        self.counts[kind] += 1;
        match kind {
            0 => drop(self.commit()),
            1 => {
                // The new history is made on a branch of its own, so that `main` never points at the old base.
                self.repo.branch("next").force("next", &self.base).on("next");
                let commit = self.commit();
                self.repo.force("main", &commit).on("main");
            }
            2 => self.remote.behave(match dice.below(3) {
                0 => Behaviour::Hang,
                1 => Behaviour::Page("503 Service Unavailable", "text/plain", b"down".to_vec()),
                _ => Behaviour::Page("200 OK", "text/html", b"<html>log in</html>".to_vec()),
            }),
            3 => {
                self.remote.behave(Behaviour::Serve);
                let server = self.world.server.read().unwrap();
                server.as_ref().unwrap().send("POST", "/api/v1/refresh?wait=false", &[], b"");
            }
            _ => self.restart(dice.below(2) == 0),
        }
    }

    /// Kills the server and starts it again on the same port, half of the time with the remote down. What it answers from
    /// its first line on is checked like everything else.
    fn restart(&self, is_down: bool) {
        if is_down {
            self.remote.behave(Behaviour::Page("503 Service Unavailable", "text/plain", b"down".to_vec()));
        }
        let mut slot = self.world.server.write().unwrap();
        let mut old = slot.take().unwrap();
        let address = old.address().to_owned();
        old.kill();
        *slot = Some(self.start(&address));
    }
}

#[test]
#[expect(clippy::print_stdout, reason = "`scripts/soak` shows what happened")]
fn readers_notice_nothing() {
    let seconds = std::env::var_os("LAYERD_SOAK_SECONDS").and_then(|text| text.to_str()?.parse().ok()).unwrap_or(20);
    let world = World {
        server: RwLock::new(None),
        stamps: Mutex::default(),
        stop: AtomicBool::new(false),
        reads: AtomicU64::new(0),
        failed: AtomicU64::new(0),
        wrong: AtomicU64::new(0),
        told: Mutex::default(),
    };
    let repo = Repo::new();
    let remote = GitServer::start(repo.path().parent().unwrap(), Behaviour::Serve);
    let state = tempfile::tempdir().unwrap();
    let mut driver = Driver { world: &world, repo, remote, state, stamp: 0, base: String::new(), counts: [0; 5] };
    driver.commit();
    driver.base = world.stamps.lock().unwrap().keys().next().unwrap().clone();
    *world.server.write().unwrap() = Some(driver.start("127.0.0.1:0"));
    world.server.read().unwrap().as_ref().unwrap().wait_ready();
    thread::scope(|scope| {
        for reader in 0..READERS {
            let world = &world;
            scope.spawn(move || world.read(reader));
        }
        let (mut dice, until) = (Dice(0x9e37_79b9_7f4a_7c15), Instant::now() + Duration::from_secs(seconds));
        while Instant::now() < until {
            driver.step(&mut dice);
            thread::sleep(Duration::from_millis(100)); // the pace of the world, not a way to wait for something
        }
        driver.remote.behave(Behaviour::Serve);
        driver.commit();
        let last = driver.stamp;
        eventually("the last commit is served", || {
            let server = world.server.read().unwrap();
            server.as_ref().unwrap().get("/api/v1/config/s0/p").json()["own"].as_u64() == Some(last)
        });
        world.stop.store(true, Ordering::Relaxed);
    });
    let [commits, forced, outages, repairs, kills] = driver.counts;
    let (reads, failed, wrong) = (&world.reads, &world.failed, &world.wrong);
    let summary = format!(
        "{seconds} s: {commits} commits, {forced} forced pushes, {outages} outages, {repairs} repairs, {kills} kills; \
         {} reads, {} failed, {} wrong; the last commit is served",
        reads.load(Ordering::Relaxed),
        failed.load(Ordering::Relaxed),
        wrong.load(Ordering::Relaxed)
    );
    println!("{summary}");
    let told = world.told.lock().unwrap();
    assert!(told.is_empty(), "{summary}\n{}", told.iter().take(5).cloned().collect::<Vec<_>>().join("\n"));
}
