//! Files that are written slowly, in place, while they are served: no answer holds a half of one.

use std::fs::{self, File, OpenOptions};
use std::io::Write as _;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use crate::harness::folder::Folder;
use crate::harness::server::Server;

const SOON: Duration = Duration::from_millis(1500);

/// How many keys a whole file has.
const KEYS: usize = 12;

fn whole(number: usize) -> String {
    (0..KEYS).map(|key| format!("k{key}: {number}\n")).collect()
}

/// Writes the file line by line, the first lines at once after it was emptied.
fn write_slowly(path: &Path, number: usize, pause: Duration, reopens: bool) {
    let mut file = File::create(path).unwrap();
    for line in whole(number).lines() {
        if reopens {
            file = OpenOptions::new().append(true).open(path).unwrap();
        }
        writeln!(file, "{line}").unwrap();
        thread::sleep(pause);
    }
}

/// True for an answer with all keys, all from one writing.
fn is_whole(answer: &str) -> bool {
    let json: serde_json::Value = serde_json::from_str(answer).unwrap_or_default();
    let numbers: Vec<_> = json.as_object().into_iter().flat_map(|map| map.values()).collect();
    numbers.len() == KEYS && numbers.iter().all(|number| *number == numbers[0])
}

#[test]
fn no_answer_holds_half_of_a_file_that_is_written_slowly() {
    let folder = Folder::new();
    folder.file("app.yml", &whole(0)).file("other.yml", "a: 0");
    let server = Server::start(&["serve", folder.arg()]);
    let (done, asked) = (AtomicBool::new(false), AtomicUsize::new(0));
    thread::scope(|scope| {
        scope.spawn(|| {
            for number in 1..=3 {
                write_slowly(&folder.path().join("app.yml"), number, Duration::from_millis(60), false);
                write_slowly(&folder.path().join("app.yml"), 10 * number, Duration::from_millis(150), number == 2);
                // Every edit of another file is a reason to read the folder.
                folder.file("other.yml", &format!("a: {number}"));
            }
            done.store(true, Ordering::Relaxed);
        });
        while !done.load(Ordering::Relaxed) {
            let answer = server.config("app");
            assert!(is_whole(&answer), "after {} answers: {answer}", asked.fetch_add(0, Ordering::Relaxed));
            asked.fetch_add(1, Ordering::Relaxed);
            folder.file("noise.yml", &format!("n: {}", asked.load(Ordering::Relaxed)));
            thread::sleep(Duration::from_millis(5));
        }
    });
    assert!(asked.load(Ordering::Relaxed) > 200, "{asked:?} answers");
    let last = (0..KEYS).map(|key| format!("\"k{key}\":30")).collect::<Vec<_>>().join(",");
    server.becomes("app", &format!("{{{last}}}"));
}

#[test]
fn a_new_file_is_not_there_before_it_is_whole() {
    let folder = Folder::new();
    folder.file("application.yml", "a: 1");
    let server = Server::start(&["serve", folder.arg()]);
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(|| {
            write_slowly(&folder.path().join("app.yml"), 1, Duration::from_millis(100), false);
            done.store(true, Ordering::Relaxed);
        });
        while !done.load(Ordering::Relaxed) {
            let answer = server.config("app");
            assert_eq!(answer, "{\"a\":1}");
            thread::sleep(Duration::from_millis(10));
        }
    });
    let keys = (0..KEYS).map(|key| format!(",\"k{key}\":1")).collect::<String>();
    assert!(server.becomes("app", &format!("{{\"a\":1{keys}}}")) < SOON);
}

#[test]
fn a_file_that_is_never_quiet_keeps_its_content_and_keeps_nobody_out() {
    let folder = Folder::new();
    folder.file("app.yml", "b: 0\n").file("other.yml", "a: 0");
    let server = Server::start(&["serve", folder.arg()]);
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(|| {
            let mut file = OpenOptions::new().append(true).open(folder.path().join("app.yml")).unwrap();
            writeln!(file, "b2: 1").unwrap();
            while !done.load(Ordering::Relaxed) {
                writeln!(file, "# more").unwrap();
                thread::sleep(Duration::from_millis(30));
            }
        });
        for number in 1..=5 {
            thread::sleep(Duration::from_millis(300));
            folder.file("other.yml", &format!("a: {number}"));
            let took = server.becomes("other", &format!("{{\"a\":{number}}}"));
            assert_eq!(server.config("app"), "{\"b\":0}");
            if took >= SOON {
                done.store(true, Ordering::Relaxed);
            }
            assert!(took < SOON, "{took:?}");
        }
        done.store(true, Ordering::Relaxed);
    });
    server.becomes("app", "{\"b\":0,\"b2\":1}");
}

#[test]
fn a_file_that_is_moved_into_place_is_not_waited_for() {
    let folder = Folder::new();
    folder.file("app.yml", "a: 0");
    let server = Server::start(&["serve", folder.arg()]);
    let mut all = Vec::new();
    for number in 1..=8 {
        folder.file(".app.yml.new", &format!("a: {number}"));
        fs::rename(folder.path().join(".app.yml.new"), folder.path().join("app.yml")).unwrap();
        let began = Instant::now();
        while server.config("app") != format!("{{\"a\":{number}}}") {
            assert!(began.elapsed() < SOON);
            thread::sleep(Duration::from_millis(5));
        }
        all.push(began.elapsed());
    }
    all.sort();
    assert!(all[3] < Duration::from_millis(450), "the half of them took longer: {all:?}");
}
