//! A Git server on loopback for tests: smart HTTP by Git's own `http-backend`, and ways to misbehave.
//!
//! Plain standard library, one thread a connection. It remembers every request, so that a test can tell what was sent
//! where.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex};

/// What the server does with a request.
#[derive(Clone)]
pub(crate) enum Behaviour {
    /// Serves the repositories below the folder.
    Serve,
    /// The same, but only with this value of the header `Authorization`.
    Private(String),
    /// Sends everything below the first path on to the place given second.
    Redirect(String, String),
    /// Answers everything with this status line, content type and body.
    Page(&'static str, &'static str, Vec<u8>),
    /// Answers everything with this status line and this value of the header `Retry-After`.
    Busy(&'static str, String),
    /// Takes the request and never answers.
    Hang,
}

/// A request as it arrived.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Seen {
    /// Method and target.
    pub(crate) line: String,
    /// The header `Authorization`.
    pub(crate) authorization: Option<String>,
}

/// A running server; its threads end with the process.
pub(crate) struct GitServer {
    address: SocketAddr,
    seen: Arc<Mutex<Vec<Seen>>>,
    behaviour: Arc<Mutex<Behaviour>>,
}

impl GitServer {
    /// Serves the repositories below `folder` on a free port.
    pub(crate) fn start(folder: &Path, behaviour: Behaviour) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port can be had");
        let address = listener.local_addr().expect("it is bound");
        let seen = Arc::new(Mutex::new(Vec::new()));
        let behaviour = Arc::new(Mutex::new(behaviour));
        let shared = (folder.to_path_buf(), Arc::clone(&seen), Arc::clone(&behaviour));
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (folder, seen, behaviour) = shared.clone();
                std::thread::spawn(move || serve(stream, &folder, &seen, &behaviour));
            }
        });
        Self { address, seen, behaviour }
    }

    /// The address of a path on the server.
    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}/{path}", self.address)
    }

    /// The requests so far, which are then forgotten.
    pub(crate) fn seen(&self) -> Vec<Seen> {
        std::mem::take(&mut self.seen.lock().expect("no holder of this lock panics"))
    }

    /// From now on does this.
    pub(crate) fn behave(&self, behaviour: Behaviour) {
        *self.behaviour.lock().expect("no holder of this lock panics") = behaviour;
    }
}

struct Request {
    method: String,
    target: String,
    content_type: String,
    authorization: Option<String>,
    body: Vec<u8>,
}

/// Reads one request; `None` if the peer has nothing (more) to ask.
fn read(stream: &mut BufReader<TcpStream>) -> Option<Request> {
    let mut line = String::new();
    stream.read_line(&mut line).ok()?;
    let mut words = line.split_whitespace();
    let (method, target) = (words.next()?.to_owned(), words.next()?.to_owned());
    let mut request = Request { method, target, content_type: String::new(), authorization: None, body: Vec::new() };
    let mut length = 0;
    loop {
        let mut header = String::new();
        stream.read_line(&mut header).ok()?;
        let Some((name, value)) = header.trim_end().split_once(": ") else { break };
        match name.to_ascii_lowercase().as_str() {
            "content-length" => length = value.parse().ok()?,
            "content-type" => request.content_type = value.to_owned(),
            "authorization" => request.authorization = Some(value.to_owned()),
            _ => {}
        }
    }
    request.body.resize(length, 0);
    stream.read_exact(&mut request.body).ok()?;
    Some(request)
}

fn serve(stream: TcpStream, folder: &Path, seen: &Mutex<Vec<Seen>>, behaviour: &Mutex<Behaviour>) {
    let mut stream = BufReader::new(stream);
    let Some(request) = read(&mut stream) else { return };
    let line = format!("{} {}", request.method, request.target);
    seen.lock()
        .expect("no holder of this lock panics")
        .push(Seen { line, authorization: request.authorization.clone() });
    let behaviour = behaviour.lock().expect("no holder of this lock panics").clone();
    let answer = match behaviour {
        Behaviour::Serve => backend(folder, &request),
        Behaviour::Private(expected) if request.authorization == Some(expected.clone()) => backend(folder, &request),
        Behaviour::Private(_) => answer("401 Unauthorized", "WWW-Authenticate: Basic realm=\"git\"\r\n", b""),
        Behaviour::Redirect(from, to) if request.target.starts_with(&from) => {
            answer("302 Found", &format!("Location: {}\r\n", request.target.replacen(&from, &to, 1)), b"")
        }
        Behaviour::Redirect(..) => backend(folder, &request),
        Behaviour::Page(status, kind, body) => answer(status, &format!("Content-Type: {kind}\r\n"), &body),
        Behaviour::Busy(status, wish) => answer(status, &format!("Retry-After: {wish}\r\n"), b""),
        Behaviour::Hang => {
            // Ends when the client gives up.
            stream.read_to_end(&mut Vec::new()).ok();
            return;
        }
    };
    stream.get_mut().write_all(&answer).ok();
}

fn answer(status: &str, headers: &str, body: &[u8]) -> Vec<u8> {
    let mut answer = format!("HTTP/1.1 {status}\r\n{headers}Connection: close\r\n").into_bytes();
    answer.extend_from_slice(format!("Content-Length: {}\r\n\r\n", body.len()).as_bytes());
    answer.extend_from_slice(body);
    answer
}

/// Runs Git's CGI program for the request.
fn backend(folder: &Path, request: &Request) -> Vec<u8> {
    let (path, query) = request.target.split_once('?').unwrap_or((&request.target, ""));
    let mut child = Command::new(exec_path().join("git-http-backend"))
        .env("GIT_PROJECT_ROOT", folder)
        .env("GIT_HTTP_EXPORT_ALL", "1")
        .env("PATH_INFO", path)
        .env("QUERY_STRING", query)
        .env("REQUEST_METHOD", &request.method)
        .env("CONTENT_TYPE", &request.content_type)
        .env("CONTENT_LENGTH", request.body.len().to_string())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("git is installed with its http-backend");
    child.stdin.take().expect("stdin is piped").write_all(&request.body).ok();
    let output = child.wait_with_output().expect("it can be waited for").stdout;
    let end = output.windows(4).position(|bytes| bytes == b"\r\n\r\n").expect("CGI answers begin with headers");
    let headers = String::from_utf8_lossy(&output[..end]).into_owned();
    let status = headers.lines().find_map(|line| line.strip_prefix("Status: ")).unwrap_or("200 OK");
    answer(status, &format!("{headers}\r\n"), &output[end + 4..])
}

fn exec_path() -> PathBuf {
    let output = Command::new("git").arg("--exec-path").output().expect("git is installed");
    PathBuf::from(String::from_utf8(output.stdout).expect("the path is text").trim())
}
