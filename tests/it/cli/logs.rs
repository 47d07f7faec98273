//! What the server says about itself when nobody can hear it, and when clients make it say the same again and again.

use std::fs::{File, OpenOptions};
use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::os::unix::process::ExitStatusExt as _;
use std::process::{Child, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use crate::harness::folder::Folder;
use crate::harness::server::{Server, layerd, run};
use crate::harness::{PATIENCE, eventually};

const BROKEN: &str = "port: [\n";

/// A server whose streams are those of the test; killed with the value.
struct Deaf {
    child: Child,
    address: String,
    _folder: Folder,
}

impl Deaf {
    /// One whose service `pay` is broken, and that logs every request.
    fn start(stdout: Stdio, stderr: Stdio) -> Self {
        let folder = Folder::new();
        folder.file("application.yml", "log: INFO\n").file("pay.yml", BROKEN);
        let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
        let mut command = layerd(&["serve", folder.arg(), "--listen", &address]);
        command.env("LAYERD_TELEMETRY__LOG", "debug").stdout(stdout).stderr(stderr);
        let child = command.spawn().unwrap();
        let server = Self { child, address, _folder: folder };
        eventually("the server listens", || TcpStream::connect(&server.address).is_ok());
        server
    }

    /// The statuses of requests for one target, sent ahead on one connection.
    fn ask(&self, target: &str, times: usize) -> Vec<String> {
        let mut stream = TcpStream::connect(&self.address).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        let mut sender = stream.try_clone().unwrap();
        let request = format!("GET {target} HTTP/1.1\r\nHost: localhost\r\n\r\n");
        let sending = thread::spawn(move || {
            sender.write_all(request.repeat(times).as_bytes()).unwrap();
            sender.shutdown(std::net::Shutdown::Write).unwrap();
        });
        let mut text = String::new();
        stream.read_to_string(&mut text).expect("the server answers whether it is heard or not");
        sending.join().unwrap();
        text.match_indices("HTTP/1.1 ").map(|(at, _)| text[at + 9..at + 12].to_owned()).collect()
    }

    fn metrics(&self) -> String {
        let mut stream = TcpStream::connect(&self.address).unwrap();
        stream.write_all(b"GET /metrics HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").unwrap();
        let mut text = String::new();
        stream.read_to_string(&mut text).unwrap();
        text
    }

    fn dropped(&self) -> u64 {
        let metrics = self.metrics();
        let line = metrics.lines().find_map(|line| line.strip_prefix("layerd_log_lines_dropped_total "));
        line.expect("the metric is there").trim().parse().unwrap()
    }

    /// Ends it by a signal, and returns its exit code.
    fn stop(mut self) -> Option<i32> {
        let pid = rustix::process::Pid::from_child(&self.child);
        rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
        let until = Instant::now() + Duration::from_secs(10);
        while Instant::now() < until {
            if let Some(status) = self.child.try_wait().unwrap() {
                assert_eq!(status.signal(), None);
                return status.code();
            }
            thread::sleep(Duration::from_millis(10));
        }
        panic!("the server does not end");
    }
}

impl Drop for Deaf {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

fn full() -> File {
    OpenOptions::new().write(true).open("/dev/full").unwrap()
}

#[test]
fn a_log_that_nobody_reads_any_more_ends_nothing() {
    let mut server = Deaf::start(Stdio::piped(), Stdio::piped());
    drop((server.child.stdout.take(), server.child.stderr.take()));
    for (target, status) in [("/api/v1/config/pay", "500"), ("/api/v1/config/user", "200"), ("/%", "400")] {
        assert_eq!(server.ask(target, 50), vec![status; 50], "{target}");
    }
    eventually("lost lines are counted", || server.dropped() > 50);
    assert_eq!(server.stop(), Some(0));
}

#[test]
fn a_full_disk_below_both_streams_ends_nothing() {
    let server = Deaf::start(full().into(), full().into());
    assert_eq!(server.ask("/api/v1/config/pay", 50), vec!["500"; 50]);
    eventually("lost lines are counted", || server.dropped() > 50);
    assert_eq!(server.stop(), Some(0));
}

#[test]
fn a_log_whose_reader_sleeps_blocks_nothing_and_tells_what_is_missing() {
    let mut server = Deaf::start(Stdio::null(), Stdio::piped());
    // A pipe holds 64 KiB, and the server keeps 1 MiB.
    for _ in 0..6 {
        assert_eq!(server.ask("/api/v1/config/user", 2_000), vec!["200"; 2_000]);
    }
    let dropped = server.dropped();
    assert!(dropped > 0);
    let mut stderr = server.child.stderr.take().unwrap();
    let reading = thread::spawn(move || {
        let mut text = String::new();
        stderr.read_to_string(&mut text).unwrap();
        text
    });
    assert_eq!(server.ask("/api/v1/config/user", 1), ["200"]);
    assert_eq!(server.stop(), Some(0));
    let text = reading.join().unwrap();
    let lines: Vec<serde_json::Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let told: u64 = lines.iter().filter_map(|line| line["dropped"].as_u64()).sum();
    assert!(told >= dropped, "{told} of {dropped}");
    assert_eq!(lines.last().unwrap()["message"], "stopped");
}

#[test]
fn a_reader_that_sleeps_does_not_keep_the_server_from_ending() {
    let server = Deaf::start(Stdio::null(), Stdio::piped());
    assert_eq!(server.ask("/api/v1/config/user", 2_000), vec!["200"; 2_000]);
    assert_eq!(server.stop(), Some(0));
}

#[test]
fn requests_that_fail_alike_are_told_once_and_counted() {
    let folder = Folder::new();
    folder.file("application.yml", "log: INFO\n").file("pay.yml", BROKEN);
    let server = Server::start(&["serve", folder.arg()]);
    server.wait_ready();
    let before = server.stderr().len();
    for _ in 0..300 {
        assert_eq!(server.get("/api/v1/config/pay").status(), 500);
    }
    server.get("/pay/default");
    eventually("both causes are told", || server.told("request failed") == 2);
    assert!(server.stderr().len() - before < 1_000, "{}", server.stderr());
}

#[test]
fn commands_end_quietly_when_their_reader_has_enough() {
    let folder = Folder::new();
    folder.file("application.yml", "log: INFO\n").file("pay.yml", BROKEN);
    let commands: [&[&str]; 6] = [
        &["--help"],
        &["serve", "--help"],
        &["completions", "bash"],
        &["settings"],
        &["validate", folder.arg()],
        &["render", folder.arg(), "other"],
    ];
    for arguments in commands {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let mut child = layerd(arguments).stdout(writer).stderr(Stdio::piped()).spawn().unwrap();
        let mut stderr = String::new();
        child.stderr.take().unwrap().read_to_string(&mut stderr).unwrap();
        let code = child.wait().unwrap().code();
        assert!(matches!(code, Some(0..=3)) && !stderr.contains("panicked"), "{arguments:?}: {code:?} {stderr}");
        // And with nobody to hear words about it either.
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let code = layerd(arguments).stdout(writer.try_clone().unwrap()).stderr(writer).status().unwrap().code();
        assert!(matches!(code, Some(0..=3)), "{arguments:?}: {code:?}");
    }
    assert_eq!(run(&mut layerd(&["completions", "bash"])).code, Some(0));
}
