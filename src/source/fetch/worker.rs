//! Fetches in a process of their own: this same program, started anew for each fetch, killed when it takes too long or
//! too much, and with it everything that it has started.
//!
//! libgit2 reads what a remote sends; whatever that does to it (hang, abort, break its memory) happens over there. The
//! request with its secrets goes through a pipe, the environment is swept. What the process does is in `child.rs`.

use std::ffi::OsString;
use std::io::{self, Read, Write as _};
use std::os::unix::process::{CommandExt as _, ExitStatusExt as _};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStderr, ChildStdin, ChildStdout, Command, ExitStatus, Stdio};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process_group, waitid};

use super::child::{COMMAND, read_answer, spell};
use super::{Fetched, Request};
use crate::source::FetchError;
use crate::source::mirror::size_of;
use crate::source::transport::failure::{not_fetched, out_of_time, printable, sending, too_large};

/// How many fetches are at work at once, whatever the number of sources.
const AT_ONCE: usize = 4;

/// How often the size of the mirror is looked at.
const LOOK: Duration = Duration::from_millis(250);

/// How long a process that has closed its output may take to end.
const LAST_MOMENT: Duration = Duration::from_millis(500);

/// The most that is read of what the process says, in bytes.
const MAX_ANSWER: u64 = 64 * 1024;

/// The variables that the process gets: where programs and keys are, the language of messages, and proxies.
const PASSED_ON: [&str; 11] = [
    "PATH",
    "HOME",
    "LANG",
    "HTTPS_PROXY",
    "https_proxy",
    "HTTP_PROXY",
    "http_proxy",
    "ALL_PROXY",
    "all_proxy",
    "NO_PROXY",
    "no_proxy",
];

/// Starts processes that fetch. Clones share the limit of how many are at work at once.
#[derive(Debug, Clone)]
pub struct Worker {
    program: PathBuf,
    environment: Vec<(OsString, OsString)>,
    places: Arc<Places>,
}

impl Worker {
    /// A worker that starts `program`, which is `layerd`, with what it may have of this environment.
    #[must_use]
    pub fn new(program: PathBuf, environment: impl IntoIterator<Item = (OsString, OsString)>) -> Self {
        let passed_on = |(name, _): &(OsString, OsString)| PASSED_ON.iter().any(|passed_on| name == passed_on);
        let environment = environment.into_iter().filter(passed_on).collect();
        Self { program, environment, places: Arc::default() }
    }

    /// A worker that starts the running program, also if its file was replaced meanwhile.
    ///
    /// # Errors
    /// If the system does not say which program this is.
    pub fn of_this_program() -> io::Result<Self> {
        let same = Path::new("/proc/self/exe");
        let program = if same.exists() { same.to_owned() } else { std::env::current_exe()? };
        Ok(Self::new(program, std::env::vars_os()))
    }

    /// Fetches as [`super::fetch`] does, over there.
    ///
    /// # Errors
    /// Why that failed. The mirror's labels are then as they were.
    pub fn fetch(&self, request: &Request) -> Result<Fetched, FetchError> {
        let line = spell(request)?;
        let _sending = sending(request.login.as_ref());
        let _place = self.places.take();
        let started = self.start(line);
        let running = started.map_err(|error| {
            let message = format!("no process can be started for it: {error}");
            not_fetched(&request.remote, FetchError::new("internal", message))
        })?;
        running.watch(request)
    }

    fn start(&self, request: Vec<u8>) -> io::Result<Running> {
        let mut command = Command::new(&self.program);
        command
            .arg0("layerd")
            .arg(COMMAND)
            .env_clear()
            .envs(self.environment.iter().map(|(name, value)| (name, value)));
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).process_group(0);
        let mut child = command.spawn()?;
        let pipes = (child.stdin.take(), child.stdout.take(), child.stderr.take());
        let guard = Group(child);
        let (Some(stdin), Some(stdout), Some(stderr)) = pipes else {
            return Err(io::Error::other("there are no pipes"));
        };
        Ok(Running { group: guard, answer: converse(stdin, stdout, request)?, words: listen(stderr)? })
    }
}

/// Sends the request and reads the answer. The other direction stays open until then: its end is the signal to stop.
fn converse(mut stdin: ChildStdin, stdout: ChildStdout, request: Vec<u8>) -> io::Result<Receiver<Vec<u8>>> {
    let (told, answer) = mpsc::channel();
    std::thread::Builder::new().name("fetch answer".to_owned()).spawn(move || {
        // If it cannot be sent, nobody is there to answer, which is what is noticed.
        drop(stdin.write_all(&request));
        drop(told.send(read_some(stdout)));
    })?;
    Ok(answer)
}

fn listen(stderr: ChildStderr) -> io::Result<Receiver<Vec<u8>>> {
    let (told, words) = mpsc::channel();
    std::thread::Builder::new().name("fetch words".to_owned()).spawn(move || drop(told.send(read_some(stderr))))?;
    Ok(words)
}

fn read_some(pipe: impl Read) -> Vec<u8> {
    let mut bytes = Vec::new();
    drop(pipe.take(MAX_ANSWER).read_to_end(&mut bytes));
    bytes
}

struct Running {
    group: Group,
    answer: Receiver<Vec<u8>>,
    words: Receiver<Vec<u8>>,
}

impl Running {
    /// Waits for the answer within the limits of the request.
    fn watch(mut self, request: &Request) -> Result<Fetched, FetchError> {
        let failed = |error| not_fetched(&request.remote, error);
        let deadline = Instant::now() + request.limits.time;
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            match self.answer.recv_timeout(left.min(LOOK)) {
                Ok(answer) => return read_answer(&answer).unwrap_or_else(|| Err(failed(self.explain(request)))),
                Err(RecvTimeoutError::Disconnected) => return Err(failed(self.explain(request))),
                Err(RecvTimeoutError::Timeout) if Instant::now() >= deadline => return Err(failed(out_of_time())),
                Err(RecvTimeoutError::Timeout) if size_of(&request.mirror) > request.limits.bytes => {
                    return Err(failed(too_large(request.limits.bytes)));
                }
                Err(RecvTimeoutError::Timeout) => {}
            }
        }
    }

    /// Why a process ended without an answer.
    fn explain(&mut self, request: &Request) -> FetchError {
        let words = self.words.recv_timeout(LAST_MOMENT).unwrap_or_default();
        let words = String::from_utf8_lossy(&words).into_owned();
        let last = words.lines().map(printable).rfind(|line| !line.is_empty()).unwrap_or_default();
        let said = if last.is_empty() { String::new() } else { format!(", saying: {last}") };
        let status = self.group.end();
        let signal = |signal: Signal| status.and_then(|status| status.signal()) == Some(signal.as_raw());
        if signal(Signal::XFSZ) {
            return too_large(request.limits.bytes);
        }
        if signal(Signal::XCPU) {
            return out_of_time();
        }
        let status = status.map_or_else(|| "did not end".to_owned(), |status| format!("ended with {status}"));
        FetchError::new("crashed", format!("the process that fetched it {status}{said}"))
            .with_hint("what was fetched before goes on being served; if it happens again, please report it")
    }
}

/// A process and all that it has started, which end with this value.
struct Group(Child);

impl Group {
    /// Waits a moment for the process to end by itself, and then ends everything; how it ended, if it did by itself.
    fn end(&mut self) -> Option<ExitStatus> {
        let until = Instant::now() + LAST_MOMENT;
        while !self.has_ended() && Instant::now() < until {
            std::thread::sleep(Duration::from_millis(5));
        }
        let by_itself = self.has_ended();
        self.kill();
        self.0.wait().ok().filter(|_| by_itself)
    }

    /// True if the process has ended; it stays to be waited for, so that its number, which is that of the group, goes to
    /// no other.
    fn has_ended(&self) -> bool {
        self.look().is_none_or(|has_ended| has_ended)
    }

    /// Whether the process has ended; `None` if it was waited for.
    fn look(&self) -> Option<bool> {
        let look = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
        waitid(WaitId::Pid(Pid::from_child(&self.0)), look).ok().map(|ended| ended.is_some())
    }

    /// Must not be called once the process was waited for.
    fn kill(&self) {
        _ = kill_process_group(Pid::from_child(&self.0), Signal::KILL);
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        if self.look().is_some() {
            self.kill();
            drop(self.0.wait());
        }
    }
}

/// Places for processes.
#[derive(Debug, Default)]
struct Places {
    taken: Mutex<usize>,
    freed: Condvar,
}

impl Places {
    fn take(&self) -> Place<'_> {
        let taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        let mut taken = self.freed.wait_while(taken, |taken| *taken >= AT_ONCE).unwrap_or_else(PoisonError::into_inner);
        *taken += 1;
        Place(self)
    }
}

struct Place<'a>(&'a Places);

impl Drop for Place<'_> {
    fn drop(&mut self) {
        *self.0.taken.lock().unwrap_or_else(PoisonError::into_inner) -= 1;
        self.0.freed.notify_one();
    }
}
