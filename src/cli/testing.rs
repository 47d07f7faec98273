//! For the tests of commands: a command run on strings, and a server that gives one answer.

use std::ffi::OsString;
use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::thread::{self, JoinHandle};

use crate::settings::Environment;

use super::console::Console;
use super::run_on;

/// What a command left behind.
pub(super) struct Ran {
    pub(super) code: u8,
    pub(super) out: String,
    pub(super) err: String,
}

/// Runs a command with these variables and no others.
pub(super) fn run(args: &[&str], variables: &[(&str, &str)]) -> Ran {
    run_as(args, variables, b"", false)
}

/// Runs a command with these bytes on standard input.
pub(super) fn run_with_input(args: &[&str], variables: &[(&str, &str)], input: &[u8]) -> Ran {
    run_as(args, variables, input, false)
}

/// Runs a command as if both streams were a terminal.
pub(super) fn run_on_terminal(args: &[&str], variables: &[(&str, &str)]) -> Ran {
    run_as(args, variables, b"", true)
}

fn run_as(args: &[&str], variables: &[(&str, &str)], mut input: &[u8], is_terminal: bool) -> Ran {
    let variables = variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    let environment = Environment { variables, directory: "/here".into() };
    let (mut out, mut err) = (Vec::new(), Vec::new());
    let mut console = Console {
        input: &mut input,
        out: &mut out,
        err: &mut err,
        is_terminal,
        err_is_terminal: is_terminal,
        input_is_terminal: false,
        environment: &environment,
    };
    let args = std::iter::once("layerd").chain(args.iter().copied()).map(OsString::from);
    let code = run_on(args, &mut console);
    let text = |bytes| String::from_utf8(bytes).expect("commands print text");
    Ran { code, out: text(out), err: text(err) }
}

/// A whole answer.
pub(super) fn answer(status: &str, content_type: &str, body: &str) -> String {
    let length = body.len();
    format!(
        "HTTP/1.1 {status}\r\ncontent-type: {content_type}\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{body}"
    )
}

/// A server that answers one request.
pub(super) struct Stub {
    pub(super) url: String,
    served: JoinHandle<String>,
}

impl Stub {
    pub(super) fn new(answer: String) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port is free");
        let url = format!("http://{}", listener.local_addr().expect("it is bound"));
        let served = thread::spawn(move || {
            let (mut stream, _) = listener.accept().expect("somebody connects");
            let mut head = Vec::new();
            let mut chunk = [0; 4096];
            while !head.windows(4).any(|window| window == b"\r\n\r\n") {
                let read = stream.read(&mut chunk).expect("the request can be read");
                assert_ne!(read, 0, "the request broke off");
                head.extend_from_slice(&chunk[..read]);
            }
            stream.write_all(answer.as_bytes()).expect("the answer can be written");
            String::from_utf8(head).expect("the request is text")
        });
        Self { url, served }
    }

    /// The head of the request.
    pub(super) fn request(self) -> String {
        self.served.join().expect("the stub does not panic")
    }
}

/// The URL of a port on which nobody listens.
pub(super) fn silent_url() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port is free");
    format!("http://{}", listener.local_addr().expect("it is bound"))
}
