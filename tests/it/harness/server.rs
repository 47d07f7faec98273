//! The real binary as a child process: started on a free port, asked over plain sockets, ended by signals.
//!
//! Requests are written byte by byte, so that hostile targets and headers go out as they are. The child gets nothing of
//! the environment of the tests but `PATH`.

use std::fmt;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::sync::mpsc::{self, Receiver, Sender};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use rustix::thread::{CapabilitySet, remove_capability_from_bounding_set};
use tempfile::TempDir;

use super::exchange::Exchange;
use super::{PATIENCE, becomes, eventually};

/// How long a server that did not say where it listens may take to end by itself.
const GRACE: Duration = Duration::from_secs(2);

/// The binary with these arguments and nothing of the environment of the tests but `PATH`.
pub(crate) fn layerd(args: &[&str]) -> Command {
    scrubbed(env!("CARGO_BIN_EXE_layerd"), args)
}

fn scrubbed(program: &str, args: &[&str]) -> Command {
    let mut command = Command::new(program);
    let path = std::env::var_os("PATH").unwrap_or_default();
    command.args(args).env_clear().env("PATH", path).stdin(Stdio::null());
    command
}

/// Runs a command to its end and spells what came of it.
pub(crate) fn run(command: &mut Command) -> Ran {
    let output = command.output().expect("the command can be started");
    Ran::new(&output)
}

/// What a command that has ended left behind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Ran {
    /// The exit code; `None` if a signal ended it.
    pub(crate) code: Option<i32>,
    /// What it printed.
    pub(crate) stdout: String,
    /// What it said about it.
    pub(crate) stderr: String,
}

impl Ran {
    /// Of a command that has ended.
    pub(crate) fn new(output: &Output) -> Self {
        let text = |bytes| String::from_utf8_lossy(bytes).into_owned();
        Self { code: output.status.code(), stdout: text(&output.stdout), stderr: text(&output.stderr) }
    }
}

impl fmt::Display for Ran {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let code = self.code.map_or_else(|| "by a signal".to_owned(), |code| code.to_string());
        write!(out, "exit {code}\n--- stdout\n{}--- stderr\n{}", self.stdout, self.stderr)
    }
}

/// A server about to be started.
pub(crate) struct Launch {
    command: Command,
    state: TempDir,
    /// The permissions of files count for it, also if the tests run as root.
    is_bound: bool,
}

impl Launch {
    /// Adds a variable to the environment.
    pub(crate) fn env(mut self, name: &str, value: &str) -> Self {
        self.command.env(name, value);
        self
    }

    /// Runs it in a folder.
    pub(crate) fn within(mut self, folder: &Path) -> Self {
        self.command.current_dir(folder);
        self
    }

    /// Has the permissions of files count for it, although the tests may run as root.
    pub(crate) fn bound_by_permissions(mut self) -> Self {
        self.is_bound = true;
        self
    }

    /// Starts it and waits for its first line.
    ///
    /// # Panics
    /// If it ends or says nothing instead.
    pub(crate) fn start(self) -> Server {
        self.try_start().unwrap_or_else(|ran| panic!("the server did not start: {ran}"))
    }

    /// Starts it and waits for its first line; what it left behind if it ends instead.
    ///
    /// # Errors
    /// The exit code and words of a server that refused to start.
    pub(crate) fn try_start(mut self) -> Result<Server, Ran> {
        self.command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = if self.is_bound { spawn_bound(&mut self.command) } else { self.command.spawn() }
            .expect("the server can be started");
        let (sender, first_line) = mpsc::channel();
        let stdout = child.stdout.take().expect("stdout is piped");
        let stderr = child.stderr.take().expect("stderr is piped");
        let stdout = Collected::of(stdout, Some(sender));
        let stderr = Collected::of(stderr, None);
        let mut server = Server { child, address: String::new(), stdout, stderr, state: self.state };
        server.address = listening(&first_line).ok_or_else(|| server.ran())?;
        Ok(server)
    }
}

/// Spawns from a thread of its own, which has given up what root may do beyond permissions; the child inherits that.
fn spawn_bound(command: &mut Command) -> io::Result<Child> {
    let spawn = move || {
        if rustix::process::geteuid().is_root() {
            for capability in [CapabilitySet::DAC_OVERRIDE, CapabilitySet::DAC_READ_SEARCH] {
                remove_capability_from_bounding_set(capability)?;
            }
        }
        command.spawn()
    };
    thread::scope(|scope| scope.spawn(spawn).join().expect("it does not panic"))
}

/// A running server; killed with the value.
pub(crate) struct Server {
    child: Child,
    address: String,
    stdout: Collected,
    stderr: Collected,
    state: TempDir,
}

impl Server {
    /// Starts `layerd` with these arguments, on a free port and with a state folder of its own unless they say otherwise.
    ///
    /// # Panics
    /// If it does not start.
    pub(crate) fn start(args: &[&str]) -> Self {
        Self::launch(args).start()
    }

    /// Prepares what `start` starts.
    pub(crate) fn launch(args: &[&str]) -> Launch {
        Self::launch_command(layerd(args), args)
    }

    fn launch_command(mut command: Command, args: &[&str]) -> Launch {
        let state = tempfile::tempdir().expect("a temporary folder can be made");
        if !args.contains(&"--listen") {
            command.args(["--listen", "127.0.0.1:0"]);
        }
        if !args.contains(&"--state") {
            command.arg("--state").arg(state.path());
        }
        Launch { command, state, is_bound: false }
    }

    /// `127.0.0.1:PORT`.
    pub(crate) fn address(&self) -> &str {
        &self.address
    }

    /// `http://127.0.0.1:PORT`.
    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The folder that was given as `--state`, if the arguments gave none.
    pub(crate) fn state(&self) -> &Path {
        self.state.path()
    }

    /// Asks for a path, written as it is.
    pub(crate) fn get(&self, path: &str) -> Exchange {
        self.send("GET", path, &[], b"")
    }

    /// Sends a request with the headers that every client sends, unless `headers` has them, and waits for the answer.
    pub(crate) fn send(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Exchange {
        let length = body.len().to_string();
        let mut usual = vec![("Host", self.address.as_str()), ("Connection", "close")];
        if !body.is_empty() {
            usual.push(("Content-Length", &length));
        }
        usual.retain(|(name, _)| !headers.iter().any(|(given, _)| given.eq_ignore_ascii_case(name)));
        let mut request = format!("{method} {path} HTTP/1.1\r\n").into_bytes();
        for (name, value) in usual.iter().chain(headers) {
            request.extend(format!("{name}: {value}\r\n").bytes());
        }
        request.extend(b"\r\n");
        request.extend(body);
        self.send_bytes(&request)
    }

    /// Sends exactly these bytes and reads until the server closes the connection.
    pub(crate) fn send_bytes(&self, bytes: &[u8]) -> Exchange {
        let mut stream = self.connect();
        // A server that refuses early closes before it has read everything; its answer counts, not our failed write.
        drop(stream.write_all(bytes));
        let mut answer = Vec::new();
        drop(stream.read_to_end(&mut answer));
        Exchange::parse(&answer)
    }

    /// An open connection, for clients that dawdle.
    pub(crate) fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(&self.address).expect("the server accepts connections");
        stream.set_read_timeout(Some(PATIENCE)).expect("a socket takes a time-out");
        stream.set_write_timeout(Some(PATIENCE)).expect("a socket takes a time-out");
        stream
    }

    /// Waits until `/health/ready` is 200.
    ///
    /// # Panics
    /// If it never is.
    pub(crate) fn wait_ready(&self) -> &Self {
        eventually("/health/ready is 200", || self.get("/health/ready").status() == 200);
        self
    }

    /// What the server has written to stderr so far.
    pub(crate) fn stderr(&self) -> String {
        self.stderr.text()
    }

    /// The number of the process.
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Sends a signal, such as `HUP`.
    pub(crate) fn signal(&self, name: &str) {
        let sent = Command::new("sh").arg("-c").arg(format!("kill -{name} {}", self.child.id())).status();
        assert!(sent.expect("sh can be run").success(), "the server is gone");
    }

    /// Asks the server to end, and waits for that.
    pub(crate) fn terminate(&mut self) -> ExitStatus {
        self.signal("TERM");
        self.wait()
    }

    /// Waits for the end of a server that was told to stop.
    pub(crate) fn terminate_after_signal(&mut self) -> ExitStatus {
        self.wait()
    }

    /// Ends the server without asking, as a power cut does.
    pub(crate) fn kill(&mut self) -> ExitStatus {
        drop(self.child.kill());
        self.wait()
    }

    fn wait(&mut self) -> ExitStatus {
        let mut ended = None;
        eventually("the server ends", || {
            ended = self.child.try_wait().expect("a child can be waited for");
            ended.is_some()
        });
        ended.expect("eventually returns only when the child has ended")
    }

    /// What is left of a server that did not start.
    fn ran(&mut self) -> Ran {
        let ends = becomes(GRACE, &mut || self.child.try_wait().is_ok_and(|ended| ended.is_some()));
        let status = if ends { self.wait() } else { self.kill() };
        Ran { code: status.code(), stdout: self.stdout.finish(), stderr: self.stderr.finish() }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// The address in the first line; `None` if the server ends, is silent or says something else.
fn listening(first_line: &Receiver<String>) -> Option<String> {
    let line = first_line.recv_timeout(PATIENCE).ok()?;
    let address: SocketAddr = line.strip_prefix("listening on http://")?.strip_suffix('\n')?.parse().ok()?;
    Some(address.to_string())
}

/// What a pipe has carried so far, gathered by a thread so that the child never blocks on it.
struct Collected {
    text: Arc<Mutex<String>>,
    reader: Option<JoinHandle<()>>,
}

impl Collected {
    /// Gathers until the pipe closes, and hands over the first line, with its end, at once.
    fn of(pipe: impl Read + Send + 'static, mut first_line: Option<Sender<String>>) -> Self {
        let text = Arc::new(Mutex::new(String::new()));
        let shared = Arc::clone(&text);
        let reader = thread::spawn(move || {
            let mut pipe = BufReader::new(pipe);
            let mut line = Vec::new();
            while pipe.read_until(b'\n', &mut line).is_ok_and(|read| read > 0) {
                let piece = String::from_utf8_lossy(&line).into_owned();
                shared.lock().expect("no holder of this lock panics").push_str(&piece);
                first_line.take().into_iter().for_each(|sender| drop(sender.send(piece.clone())));
                line.clear();
            }
        });
        Self { text, reader: Some(reader) }
    }

    fn text(&self) -> String {
        self.text.lock().expect("no holder of this lock panics").clone()
    }

    /// Everything, once the pipe is closed.
    fn finish(&mut self) -> String {
        self.reader.take().into_iter().for_each(|reader| drop(reader.join()));
        self.text()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::TcpListener;

    /// A shell script in the place of the server; it sees `--listen` as `$1`.
    fn script(text: &str) -> Launch {
        Server::launch_command(scrubbed("sh", &["-c", text, "layerd"]), &[])
    }

    /// A listener that answers every request with 200 and the request itself.
    fn echo() -> String {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        thread::spawn(move || {
            for stream in listener.incoming() {
                let mut stream = stream.unwrap();
                let mut request = [0; 4096];
                let read = stream.read(&mut request).unwrap();
                stream.write_all(&[b"HTTP/1.1 200 OK\r\n\r\n", &request[..read]].concat()).unwrap();
            }
        });
        address
    }

    #[test]
    fn requests_go_out_as_written() {
        let address = echo();
        let server = script(&format!("echo 'listening on http://{address}'; exec sleep 60")).start();
        server.wait_ready();
        assert_eq!(server.url(), format!("http://{}", server.address()));
        assert_eq!(
            server.get("/a/../%2e").text(),
            format!("GET /a/../%2e HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n")
        );
        assert_eq!(
            server.send("POST", "/b", &[("host", "elsewhere")], b"xy").text(),
            "POST /b HTTP/1.1\r\nConnection: close\r\nContent-Length: 2\r\nhost: elsewhere\r\n\r\nxy"
        );
    }

    #[test]
    fn a_server_ends_when_asked_and_says_how() {
        let text = "trap 'echo bye >&2; exit 3' TERM; trap 'echo again >&2' HUP; echo 'listening on http://127.0.0.1:9'
                    while :; do sleep 0.01; done";
        let mut server = script(text).start();
        server.signal("HUP");
        eventually("the signal is seen", || server.stderr() == "again\n");
        assert_eq!(server.terminate().code(), Some(3));
        assert!(script(text).start().kill().code().is_none());
    }

    #[test]
    fn a_server_that_refuses_to_start_is_told_in_full() {
        let refused = script("echo \"$*\"; echo 'error: no' >&2; exit 78").try_start().map(|server| server.url());
        let ran = refused.unwrap_err();
        assert!(ran.to_string().starts_with("exit 78\n--- stdout\n--listen 127.0.0.1:0 --state /"), "{ran}");
        assert!(ran.to_string().ends_with("\n--- stderr\nerror: no\n"), "{ran}");
    }

    #[test]
    fn the_environment_of_the_tests_stays_outside() {
        let folder = tempfile::tempdir().unwrap();
        let launch = script("echo \"$(env | grep -c CARGO) $EXTRA $(pwd)\"; exit 1").env("EXTRA", "yes");
        let ran = launch.within(folder.path()).try_start().map(|server| server.state().to_owned()).unwrap_err();
        assert_eq!(ran.stdout, format!("0 yes {}\n", folder.path().canonicalize().unwrap().display()));
    }

    #[test]
    #[should_panic(expected = "the server did not start")]
    fn serving_a_folder_that_does_not_exist_does_not_start() {
        Server::start(&["serve", "no-such-folder"]);
    }

    #[test]
    fn a_command_runs_to_its_end() {
        assert_eq!(
            run(&mut scrubbed("sh", &["-c", "echo out; echo err >&2"])).to_string(),
            "exit 0\n--- stdout\nout\n--- stderr\nerr\n"
        );
    }
}
