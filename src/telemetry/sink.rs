//! Where log lines go: a queue in memory, and a thread that empties it into stderr.
//!
//! Whoever logs waits for nothing and never learns of a failure. If stderr cannot be written, because its reader has gone
//! or does not read, or because the disk is full, lines are dropped and counted; how many is told when it can be written
//! again.

use std::collections::VecDeque;
use std::io::{self, Write};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use prometheus_client::metrics::counter::Counter;

use crate::config::foreign;

/// The bytes that may wait to be written.
const MOST_BYTES: usize = 1 << 20;

/// How often the thread looks up if nothing comes.
const TICK: Duration = Duration::from_secs(1);

/// Takes log lines. Clones share the queue.
#[derive(Debug, Clone)]
pub(super) struct Sink(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    queue: Mutex<Queue>,
    /// A line came into the queue.
    came: Condvar,
    /// The last line was written or given up.
    emptied: Condvar,
    dropped: Counter,
}

#[derive(Debug, Default)]
struct Queue {
    lines: VecDeque<Vec<u8>>,
    bytes: usize,
    /// How many were dropped without anybody having been told.
    untold: u64,
    /// The thread has a line in hand.
    is_writing: bool,
}

impl Sink {
    /// A sink that counts here what it drops.
    pub(super) fn new(dropped: Counter) -> Self {
        let (came, emptied) = (Condvar::new(), Condvar::new());
        Self(Arc::new(Shared { queue: Mutex::default(), came, emptied, dropped }))
    }

    /// Takes a line, made fit for a terminal whatever names are in it, or drops it if too much is waiting.
    pub(super) fn push(&self, line: &[u8]) {
        let line = String::from_utf8_lossy(line);
        let line = foreign::without_logins(&line);
        let line = foreign::json(&line);
        let mut queue = self.queue();
        if queue.bytes + line.len() > MOST_BYTES {
            queue.untold += 1;
            self.0.dropped.inc();
            return;
        }
        queue.bytes += line.len();
        queue.lines.push_back(line.into_owned().into_bytes());
        self.0.came.notify_one();
    }

    /// Waits until everything is written or given up, at most so long.
    pub(super) fn flush(&self, patience: Duration) {
        let until = Instant::now() + patience;
        let mut queue = self.queue();
        while queue.is_writing || !queue.lines.is_empty() {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return;
            }
            queue = self.0.emptied.wait_timeout(queue, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// Writes what comes until `tick`, which is called at least once a second, says that it is enough. `notice` is the
    /// line that tells how many were dropped.
    pub(super) fn run(&self, mut out: impl Write, notice: impl Fn(u64) -> String, tick: impl Fn() -> bool) {
        let mut is_torn = false;
        while tick() {
            let Some((line, untold)) = self.next() else { continue };
            let written = write(&mut out, &mut is_torn, &line, (untold > 0).then(|| notice(untold)));
            let mut queue = self.queue();
            match written {
                Ok(()) => queue.untold -= untold,
                Err(_) => {
                    queue.untold += 1;
                    self.0.dropped.inc();
                }
            }
        }
    }

    /// The next line, and how many were dropped without anybody having been told; `None` if none came for a while.
    fn next(&self) -> Option<(Vec<u8>, u64)> {
        let mut queue = self.queue();
        queue.is_writing = false;
        if queue.lines.is_empty() {
            self.0.emptied.notify_all();
            let waited = self.0.came.wait_timeout_while(queue, TICK, |queue| queue.lines.is_empty());
            queue = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
        let line = queue.lines.pop_front()?;
        queue.bytes -= line.len();
        queue.is_writing = true;
        Some((line, queue.untold))
    }

    fn queue(&self) -> MutexGuard<'_, Queue> {
        self.0.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Writes a line behind a notice. If a part of one was written before an error, what comes next begins a line of its own.
fn write(out: &mut impl Write, is_torn: &mut bool, line: &[u8], notice: Option<String>) -> io::Result<()> {
    let mut text = Vec::with_capacity(line.len());
    text.extend(is_torn.then_some(b'\n'));
    text.extend(notice.into_iter().flat_map(String::into_bytes));
    text.extend_from_slice(line);
    let mut left = &*text;
    while !left.is_empty() {
        match out.write(left) {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(count) => {
                left = &left[count..];
                *is_torn = !left.is_empty();
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// One line being written; `tracing` hands it over whole.
impl Write for Sink {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        self.push(line);
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicBool, Ordering};
    use std::sync::mpsc::{Receiver, sync_channel};
    use std::thread;

    use super::*;

    /// Takes a few bytes at a time as long as it is in order.
    struct Narrow<'a> {
        text: &'a Mutex<Vec<u8>>,
        fails: &'a AtomicBool,
    }

    impl Write for Narrow<'_> {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            if self.fails.load(Ordering::SeqCst) {
                return Err(io::ErrorKind::StorageFull.into());
            }
            let count = bytes.len().min(7);
            self.text.lock().unwrap().extend_from_slice(&bytes[..count]);
            Ok(count)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    /// Does something while a sink is written into, and returns what was written.
    fn written(act: impl FnOnce(&Sink, &AtomicBool)) -> (String, u64) {
        let (text, fails, ends) = (Mutex::default(), AtomicBool::new(false), AtomicBool::new(false));
        let dropped = Counter::default();
        let sink = Sink::new(dropped.clone());
        thread::scope(|scope| {
            let out = Narrow { text: &text, fails: &fails };
            scope.spawn(|| sink.run(out, |dropped| format!("dropped {dropped}\n"), || !ends.load(Ordering::SeqCst)));
            act(&sink, &fails);
            sink.flush(Duration::from_secs(10));
            ends.store(true, Ordering::SeqCst);
            sink.push(b"end\n");
        });
        (String::from_utf8(text.into_inner().unwrap()).unwrap(), dropped.get())
    }

    #[test]
    fn names_in_a_line_steer_no_terminal_and_no_login_is_written() {
        let line = "{\"a\":\"x\u{202e}y\u{9b}z\",\"b\":\"`https://me:pw@h/x`\"}\n";
        let (text, _) = written(|sink, _| sink.push(line.as_bytes()));
        assert!(text.starts_with("{\"a\":\"x\\u202ey\\u009bz\",\"b\":\"`https://***@h/x`\"}\n"), "{text}");
    }

    #[test]
    fn lines_are_written_whole_and_in_their_order() {
        let (text, dropped) =
            written(|sink, _| (0..500).for_each(|number| sink.push(format!("line {number}\n").as_bytes())));
        let expected: String = (0..500).map(|number| format!("line {number}\n")).collect();
        assert!(text.starts_with(&expected), "{text}");
        assert_eq!(dropped, 0);
    }

    #[test]
    fn what_cannot_be_written_is_counted_and_told_when_it_can_be_again() {
        let (text, dropped) = written(|sink, fails| {
            sink.push(b"before\n");
            sink.flush(Duration::from_secs(10));
            fails.store(true, Ordering::SeqCst);
            (0..20).for_each(|_| sink.push(b"lost\n"));
            sink.flush(Duration::from_secs(10));
            fails.store(false, Ordering::SeqCst);
            sink.push(b"after\n");
            sink.push(b"last\n");
        });
        assert!(text.starts_with("before\ndropped 20\nafter\nlast\n"), "{text}");
        assert_eq!(dropped, 20);
    }

    /// Never takes anything until it is told to.
    struct Blocked(Receiver<()>);

    impl Write for Blocked {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            // An error: the test has ended.
            let _: Result<(), _> = self.0.recv();
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn who_does_not_read_holds_up_nobody_and_costs_no_more_memory_than_the_queue() {
        let (release, blocked) = sync_channel(0);
        let dropped = Counter::default();
        let sink = Sink::new(dropped.clone());
        let writer = sink.clone();
        let (told, notices) = sync_channel(10);
        let thread = thread::spawn(move || {
            let notice = |dropped| {
                told.send(dropped).unwrap();
                String::new()
            };
            writer.run(Blocked(blocked), notice, || writer.queue().lines.len() < 100_000);
        });
        let line = [b'x'; 1000];
        (0..5_000).for_each(|_| sink.push(&line));
        let began = Instant::now();
        sink.flush(Duration::from_millis(50));
        assert!(began.elapsed() < Duration::from_secs(5), "nobody waits for it");
        let (waiting, bytes) = {
            let queue = sink.queue();
            (queue.lines.len() as u64, queue.bytes)
        };
        assert!(bytes <= MOST_BYTES);
        // One may be in the hand of the thread.
        assert!((4_999..=5_000).contains(&(waiting + dropped.get())), "{waiting} {}", dropped.get());
        drop(release);
        assert_eq!(notices.recv_timeout(Duration::from_secs(10)).unwrap(), dropped.get());
        sink.flush(Duration::from_secs(10));
        assert_eq!(sink.queue().untold, 0);
        drop(thread);
    }

    #[test]
    fn a_line_that_was_torn_does_not_spoil_the_next_one() {
        let (mut out, mut is_torn) = (Cursor { text: Vec::new(), left: 4 }, false);
        assert!(write(&mut out, &mut is_torn, b"one line\n", None).is_err());
        out.left = 100;
        write(&mut out, &mut is_torn, b"two\n", Some("lost\n".to_owned())).unwrap();
        write(&mut out, &mut is_torn, b"three\n", None).unwrap();
        assert_eq!(String::from_utf8(out.text).unwrap(), "one \nlost\ntwo\nthree\n");
    }

    /// A disk with so much room.
    struct Cursor {
        text: Vec<u8>,
        left: usize,
    }

    impl Write for Cursor {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            let count = bytes.len().min(self.left);
            self.left -= count;
            self.text.extend_from_slice(&bytes[..count]);
            if count == 0 { Err(io::ErrorKind::StorageFull.into()) } else { Ok(count) }
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
}
