//! Git over SSH by the system's OpenSSH, which knows about keys, hosts, certificates and jumps what no copy of it here
//! would know: one `ssh` for one fetch, started without a shell, its questions refused, killed with the fetch.
//!
//! What may be asked of it is in `place.rs`; what the bytes mean is libgit2's business.

use std::io::{self, Read, Write};
use std::process::{Child, ChildStderr, ChildStdin, ChildStdout, Command, ExitStatus, Stdio};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::budget::Allowance;
use super::failure::printable;
use crate::source::FetchError;
use crate::source::private;
use crate::source::remote::ssh_address::Place;
use crate::source::remote::tls_files::{Files, check_regular};

/// The most that is kept of what `ssh` says, in bytes from the end.
const MAX_WORDS: usize = 4096;

/// How long an `ssh` that is of no use any more may take to say why, and to end.
const LAST_WORDS: Duration = Duration::from_millis(300);

/// The shortest time between two looks at the allowance.
const LOOK: Duration = Duration::from_millis(50);

const HINT_KEY: &str = "set sources[].credentials.ssh-key-file to a key that may read the repository";

const HINT_HOST: &str = "put the output of `ssh-keyscan HOST`, once compared with what the host publishes, into \
                         sources[].credentials.known-hosts-file";

/// The connection of one fetch.
pub(in crate::source) struct Ssh {
    place: Place,
    files: Files,
    allowance: Arc<Allowance>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    running: Option<Running>,
    failure: Option<FetchError>,
}

struct Running {
    child: Child,
    /// What it has said, once it has closed its standard error.
    words: Option<Receiver<String>>,
    /// Dropped to tell the guard of the allowance that it is not needed any more.
    _guard: Sender<()>,
}

impl Ssh {
    pub(in crate::source) fn new(place: &Place, files: &Files, allowance: Arc<Allowance>) -> Arc<Self> {
        let (place, files) = (place.clone(), files.clone());
        Arc::new(Self { place, files, allowance, state: Mutex::default() })
    }

    /// Starts `ssh`. The connection is made while the stream is read.
    pub(super) fn connect(self: &Arc<Self>) -> Result<Stream, FetchError> {
        if let Some(key) = &self.files.ssh_key {
            private::check(key).map_err(|unfit| unfit.of("the key for SSH"))?;
        }
        // One that is not there is OpenSSH's to report.
        if let Some(hosts) = self.files.known_hosts.as_deref().filter(|hosts| hosts.exists()) {
            check_regular(hosts, "the file of known hosts")?;
        }
        let mut child = self.command().spawn().map_err(|error| match error.kind() {
            io::ErrorKind::NotFound => FetchError::new("internal", "the program `ssh` is not installed")
                .with_hint("install the OpenSSH client, or use https://"),
            _ => FetchError::new("internal", format!("`ssh` cannot be started: {error}")),
        })?;
        let pipes = (child.stdin.take(), child.stdout.take(), child.stderr.take());
        let (guard, over) = mpsc::channel();
        let before = self.state().running.replace(Running { child, words: None, _guard: guard });
        if let Some(Running { mut child, .. }) = before {
            drop(child.kill());
            drop(child.wait());
        }
        let (Some(stdin), Some(stdout), Some(stderr)) = pipes else {
            return Err(FetchError::new("internal", "`ssh` has no pipes"));
        };
        let started = self.listen(stderr).and_then(|()| self.guard(over));
        started.map_err(|error| FetchError::new("internal", format!("no thread can be started: {error}")))?;
        Ok(Stream { ssh: Arc::clone(self), stdin, stdout })
    }

    fn command(&self) -> Command {
        let mut ssh = Command::new("ssh");
        for option in ["BatchMode=yes", "StrictHostKeyChecking=yes", "ConnectTimeout=10", "ServerAliveInterval=10"] {
            ssh.args(["-o", option]);
        }
        if let Some(key) = &self.files.ssh_key {
            ssh.arg("-i").arg(key).args(["-o", "IdentitiesOnly=yes"]);
        }
        if let Some(hosts) = &self.files.known_hosts {
            // Quoted, because the value is a list.
            ssh.arg("-o").arg(format!("UserKnownHostsFile=\"{}\"", hosts.display()));
        }
        if let Some(port) = self.place.port() {
            ssh.args(["-p", &port.to_string()]);
        }
        ssh.args(["--", &self.place.destination(), &self.place.command()]);
        ssh.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        ssh
    }

    /// Gathers what `ssh` says, so that it never waits for a reader.
    fn listen(&self, mut stderr: ChildStderr) -> io::Result<()> {
        let (told, heard) = mpsc::channel();
        std::thread::Builder::new().name("ssh words".to_owned()).spawn(move || {
            let (mut words, mut buffer) = (Vec::new(), [0; 1024]);
            while let Ok(read @ 1..) = stderr.read(&mut buffer) {
                words.extend_from_slice(&buffer[..read]);
                words.drain(..words.len().saturating_sub(MAX_WORDS));
            }
            drop(told.send(String::from_utf8_lossy(&words).into_owned()));
        })?;
        if let Some(running) = &mut self.state().running {
            running.words = Some(heard);
        }
        Ok(())
    }

    /// Ends `ssh` when time or patience is used up, since reading from it cannot be interrupted otherwise.
    fn guard(self: &Arc<Self>, over: mpsc::Receiver<()>) -> io::Result<()> {
        let (ssh, allowance) = (Arc::downgrade(self), Arc::clone(&self.allowance));
        let guard = std::thread::Builder::new().name("ssh guard".to_owned());
        guard.spawn(move || {
            while over.recv_timeout(allowance.patience().max(LOOK)) == Err(RecvTimeoutError::Timeout) {
                let (Err(error), Some(ssh)) = (allowance.check(0), ssh.upgrade()) else { continue };
                return ssh.fail(error);
            }
        })?;
        Ok(())
    }

    /// Remembers why the connection is of no use any more, and ends it.
    pub(super) fn fail(&self, error: FetchError) {
        let mut state = self.state();
        state.failure.get_or_insert(error);
        if let Some(running) = &mut state.running {
            drop(running.child.kill());
        }
    }

    /// Why the fetch failed, if it was the connection's doing.
    pub(super) fn take_failure(&self) -> Option<FetchError> {
        let running = {
            let mut state = self.state();
            if let Some(failure) = state.failure.take() {
                return Some(failure);
            }
            state.running.take()
        };
        let Running { mut child, words, _guard: guard } = running?;
        drop(guard);
        // It has closed its output, or libgit2 has lost interest in it; whichever it is, it has little more to say.
        let words = words.and_then(|words| words.recv_timeout(LAST_WORDS).ok()).unwrap_or_default();
        explain(end(&mut child)?, &words)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Ssh {
    fn drop(&mut self) {
        if let Some(mut running) = self.state().running.take() {
            drop(running.child.kill());
            drop(running.child.wait());
        }
    }
}

/// The exit code of a program that is about to end by itself; `None` if it is not.
fn end(child: &mut Child) -> Option<ExitStatus> {
    let until = Instant::now() + LAST_WORDS;
    while Instant::now() < until {
        match child.try_wait() {
            Ok(None) => std::thread::sleep(Duration::from_millis(5)),
            ended => return ended.ok().flatten(),
        }
    }
    drop(child.kill());
    drop(child.wait());
    None
}

/// The two directions of the connection.
pub(super) struct Stream {
    ssh: Arc<Ssh>,
    stdin: ChildStdin,
    stdout: ChildStdout,
}

impl Read for Stream {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        // Until the first byte it is `ssh` that is waited for, which has a time-out of its own for each host on the way.
        if self.ssh.allowance.received() > 0 {
            self.ssh.allowance.waits();
        }
        let read = self.stdout.read(buffer)?;
        self.ssh.allowance.got(read).map_err(|error| {
            self.ssh.fail(error);
            io::Error::other("the connection failed")
        })?;
        Ok(read)
    }
}

impl Write for Stream {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.stdin.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.stdin.flush()
    }
}

/// Sorts what `ssh`, or the program on the host, said when it failed; `None` if it did not fail by itself.
fn explain(status: ExitStatus, words: &str) -> Option<FetchError> {
    if status.success() || status.code().is_none() {
        return None;
    }
    let has = |needles: &[&str]| needles.iter().any(|needle| words.contains(needle));
    let last = words.lines().map(str::trim).rfind(|line| !line.is_empty()).unwrap_or("without a word");
    let told = |reason, what: &str| FetchError::new(reason, format!("{what}: {}", printable(last)));
    Some(if has(&["Host key verification failed", "HOST IDENTIFICATION HAS CHANGED", "host key is known"]) {
        told("auth", "the key of the host is not the one that is known").with_hint(HINT_HOST)
    } else if has(&["Permission denied", "Too many authentication failures", "Load key "]) {
        told("auth", "the host refused the login").with_hint(HINT_KEY)
    } else if has(&["does not appear to be a git repository", "not found", "does not exist", "No such file"]) {
        told("not-found", "there is no such repository").with_hint("check the path, and that the key may read it")
    } else if has(&["timed out", "Timeout, server"]) {
        told("timeout", "the host did not answer in time")
    } else if status.code() == Some(255) {
        told("unreachable", "no connection")
    } else {
        told("protocol", "the host ended the fetch")
    })
}

#[cfg(test)]
mod tests {
    use std::os::unix::process::ExitStatusExt as _;

    use super::*;
    use crate::source::transport::budget::Limits;

    fn told(code: i32, words: &str) -> String {
        let error = explain(ExitStatus::from_raw(code << 8), words);
        error.map_or_else(|| "-".to_owned(), |error| format!("{}: {}", error.reason, error.message))
    }

    #[test]
    fn what_openssh_says_is_sorted_by_whose_turn_it_is() {
        let changed = "@ WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED! @\r\nHost key verification failed.\r\n";
        assert_eq!(
            told(255, changed),
            "auth: the key of the host is not the one that is known: Host key verification failed.\n\
             hint: put the output of `ssh-keyscan HOST`, once compared with what the host publishes, into \
             sources[].credentials.known-hosts-file"
        );
        assert_eq!(
            told(255, "git@h: Permission denied (publickey).\r\n"),
            "auth: the host refused the login: git@h: Permission denied (publickey).\n\
             hint: set sources[].credentials.ssh-key-file to a key that may read the repository"
        );
        assert_eq!(
            told(255, "ssh: connect to host h port 22: Connection refused\n"),
            "unreachable: no connection: ssh: connect to host h port 22: Connection refused"
        );
        assert_eq!(
            told(255, "ssh: connect to host h port 22: Connection timed out\n\n"),
            "timeout: the host did not answer in time: ssh: connect to host h port 22: Connection timed out"
        );
        assert_eq!(
            told(128, "fatal: 'x' does not appear to be a git repository\n"),
            "not-found: there is no such repository: fatal: 'x' does not appear to be a git repository\n\
             hint: check the path, and that the key may read it"
        );
        assert_eq!(told(1, "\x1b[31mno\n"), "protocol: the host ended the fetch: \\u{1b}[31mno");
        assert_eq!(told(255, ""), "unreachable: no connection: without a word");
        assert_eq!(told(0, "Permission denied"), "-");
    }

    #[test]
    fn the_command_line_refuses_questions_and_keeps_the_destination_apart() {
        let place: crate::source::remote::Remote = "ssh://git@host:2222/it's".parse().unwrap();
        let crate::source::remote::Location::Ssh(place) = place.location() else { panic!("it is behind SSH") };
        let (key, hosts) = (Some("/k".into()), Some("/my hosts".into()));
        let files = Files { ssh_key: key, known_hosts: hosts, ..Files::default() };
        let command = Ssh::new(place, &files, Allowance::new(Limits::default())).command();
        let arguments: Vec<_> = command.get_args().map(|argument| argument.to_str().unwrap()).collect();
        assert_eq!(
            arguments.join("|"),
            "-o|BatchMode=yes|-o|StrictHostKeyChecking=yes|-o|ConnectTimeout=10|-o|ServerAliveInterval=10|-i|/k|\
             -o|IdentitiesOnly=yes|-o|UserKnownHostsFile=\"/my hosts\"|-p|2222|--|git@host|git-upload-pack '/it'\\''s'"
        );
    }
}
