//! A Git server over HTTP that means harm: for each request a test says which bytes go out, and whether it then hangs.
//!
//! Plain standard library. A server that behaves is in `git_http.rs`.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::time::Duration;

/// What goes out in answer to a request.
pub(crate) enum Step {
    /// These bytes.
    Send(Vec<u8>),
    /// Nothing, until the client gives up.
    Hang,
    /// One of these bytes after another, with a pause after each.
    Drip(Vec<u8>, Duration),
    /// These bytes again and again, until the client gives up.
    Endless(Vec<u8>),
}

/// The steps of the answer to `GET …/info/refs` and of the one to `POST …/git-upload-pack`.
pub(crate) type Script = fn(&Facts) -> [Vec<Step>; 2];

/// What a script can lie about.
pub(crate) struct Facts {
    /// The id of a commit.
    pub(crate) commit: String,
    /// A pack that holds that commit with all its files.
    pub(crate) pack: Vec<u8>,
    /// A pack that holds other objects only.
    pub(crate) other_pack: Vec<u8>,
}

/// Follows a script on a free port for as long as the process lives.
pub(crate) fn serve(facts: &Arc<Facts>, script: Script) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port can be had");
    let address: SocketAddr = listener.local_addr().expect("it is bound");
    let facts = Arc::clone(facts);
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let facts = Arc::clone(&facts);
            std::thread::spawn(move || answer(stream, script(&facts)));
        }
    });
    format!("http://{address}/x")
}

fn answer(stream: TcpStream, [list, pack]: [Vec<Step>; 2]) {
    let mut stream = BufReader::new(stream);
    let (mut line, mut length) = (String::new(), 0);
    let mut is_list = None;
    while stream.read_line(&mut line).is_ok_and(|read| read > 0) && !line.trim().is_empty() {
        is_list.get_or_insert(line.starts_with("GET"));
        let header = line.to_ascii_lowercase();
        length = header.strip_prefix("content-length: ").and_then(|text| text.trim().parse().ok()).unwrap_or(length);
        line.clear();
    }
    let Some(is_list) = is_list else { return };
    let mut body = vec![0; length];
    drop(stream.read_exact(&mut body));
    for step in if is_list { list } else { pack } {
        if follow(&mut stream, &step).is_err() {
            return;
        }
    }
}

fn follow(stream: &mut BufReader<TcpStream>, step: &Step) -> std::io::Result<()> {
    match step {
        Step::Send(bytes) => stream.get_mut().write_all(bytes),
        Step::Hang => stream.read_to_end(&mut Vec::new()).map(drop),
        Step::Drip(bytes, pause) => bytes.iter().try_for_each(|byte| {
            std::thread::sleep(*pause);
            stream.get_mut().write_all(&[*byte])
        }),
        Step::Endless(bytes) => loop {
            stream.get_mut().write_all(bytes)?;
        },
    }
}

/// A line with its length in front.
pub(crate) fn line(content: impl AsRef<[u8]>) -> Vec<u8> {
    let content = content.as_ref();
    [format!("{:04x}", content.len() + 4).as_bytes(), content].concat()
}

/// The head of an answer of the protocol's kind, whose body goes on until the connection closes.
pub(crate) fn head(kind: &str) -> Step {
    let kind = format!("application/x-git-upload-pack-{kind}");
    Step::Send(format!("HTTP/1.1 200 OK\r\nContent-Type: {kind}\r\nConnection: close\r\n\r\n").into_bytes())
}

/// A whole list of refs with these lines, the first of which gets what the server says it can.
pub(crate) fn list(lines: &[Vec<u8>]) -> Vec<Step> {
    let mut body = [line("# service=git-upload-pack\n"), b"0000".to_vec()].concat();
    for (number, text) in lines.iter().enumerate() {
        let abilities: &[u8] = if number == 0 { b"\0side-band-64k ofs-delta agent=hostile\n" } else { b"\n" };
        body.extend(line([text, abilities].concat()));
    }
    body.extend(b"0000");
    vec![head("advertisement"), Step::Send(body)]
}

/// The usual list: one branch at the commit.
pub(crate) fn honest_list(facts: &Facts) -> Vec<Step> {
    list(&[format!("{} refs/heads/main", facts.commit).into_bytes()])
}

/// The answer to a question for a pack, as if these bytes were all of it.
pub(crate) fn packed(bytes: &[u8]) -> Vec<Step> {
    let mut steps = begun(bytes);
    steps.push(Step::Send(b"0000".to_vec()));
    steps
}

/// The answer to a question for a pack, up to these bytes of it.
pub(crate) fn begun(bytes: &[u8]) -> Vec<Step> {
    let mut body = line("NAK\n");
    bytes.chunks(60_000).for_each(|chunk| body.extend(line([&[1], chunk].concat())));
    vec![head("result"), Step::Send(body)]
}
