//! Requests per second of the real server beside two servers that only send the same bytes: a bare hyper one and an
//! axum one with a fixed body. The three are asked in turn in one run, because only their ratios mean anything here.
//!
//! `cargo bench --bench http` measures; with `-- --test` it asks each server once for a moment.

#![expect(clippy::print_stdout, reason = "figures and the address are what this program is for")]

use std::convert::Infallible;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use axum::Router;
use axum::http::{Response, header};
use bytes::Bytes;
use http_body_util::Full;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;

/// Connections that ask at once.
const CONNECTIONS: usize = 32;

const PATH: &str = "/api/v1/config/user-service/production";

/// The same configuration as Spring's clients ask for it; each is compared with `PATH`.
const SPRING: [&str; 4] = [
    "/user-service/production",
    "/user-service-production.yml",
    "/user-service-production.properties",
    "/user-service-production.json",
];

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    match arguments.get(1).map(String::as_str) {
        Some("serve-hyper") => stand_in(&arguments[2], true),
        Some("serve-axum") => stand_in(&arguments[2], false),
        _ => measure(arguments.iter().any(|argument| argument == "--test")),
    }
}

fn measure(short: bool) {
    let (rounds, time) = if short { (1, Duration::from_millis(100)) } else { (7, Duration::from_secs(2)) };
    let layerd = Server::layerd();
    let body = layerd.body();
    println!("{PATH}: {} bytes, {CONNECTIONS} connections, {rounds} rounds of {time:?} each", body.len());
    let servers = [
        ("hyper, fixed body", Server::stand_in("serve-hyper", &body)),
        ("axum, fixed body", Server::stand_in("serve-axum", &body)),
        ("layerd", layerd),
    ];
    let mut rates: Vec<Vec<f64>> = vec![Vec::new(); servers.len() + 1];
    let mut of_spring: Vec<Vec<f64>> = vec![Vec::new(); SPRING.len()];
    for _ in 0..rounds {
        for (index, (_, server)) in servers.iter().enumerate() {
            rates[index].push(server.rate(&server.request(""), time));
        }
        let unchanged = format!("If-None-Match: {}\r\n", servers[2].1.etag());
        rates[servers.len()].push(servers[2].1.rate(&servers[2].1.request(&unchanged), time));
        for (path, rates) in SPRING.iter().zip(&mut of_spring) {
            rates.push(servers[2].1.rate(&servers[2].1.request_for(path, ""), time));
        }
    }
    let names = servers.iter().map(|(name, _)| *name).chain(["layerd, 304"]);
    for (name, rates_of) in names.zip(&rates) {
        let ratio = median(rates_of.iter().zip(&rates[1]).map(|(rate, axum)| rate / axum).collect());
        println!("{name:20} {:>9.0} requests/s, {ratio:.2} of axum", median(rates_of.clone()));
    }
    for (path, rates_of) in SPRING.iter().zip(&of_spring) {
        let ratio = median(rates_of.iter().zip(&rates[2]).map(|(rate, native)| rate / native).collect());
        println!("{path:36} {:>9.0} requests/s, {ratio:.2} of layerd's own", median(rates_of.clone()));
    }
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// A server in a process of its own, stopped when it is dropped.
struct Server {
    process: Child,
    address: SocketAddr,
}

impl Server {
    fn layerd() -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_layerd"));
        command.args(["serve", "config-repo-example", "--listen", "127.0.0.1:0"]);
        Self::start(command.env("LAYERD_TELEMETRY__LOG", "warn"))
    }

    fn stand_in(kind: &str, body: &[u8]) -> Self {
        let this = std::env::current_exe().expect("this program has a path");
        Self::start(Command::new(this).args([kind, std::str::from_utf8(body).expect("JSON is UTF-8")]))
    }

    fn start(command: &mut Command) -> Self {
        let mut process = command.stdout(Stdio::piped()).spawn().expect("the server starts");
        let mut line = String::new();
        let output = process.stdout.take().expect("its output is piped");
        BufReader::new(output).read_line(&mut line).expect("it says where it listens");
        let address = line.trim().rsplit_once("http://").expect("it names an address").1;
        Self { process, address: address.parse().expect("the address is one") }
    }

    fn request(&self, headers: &str) -> Vec<u8> {
        self.request_for(PATH, headers)
    }

    fn request_for(&self, path: &str, headers: &str) -> Vec<u8> {
        format!("GET {path} HTTP/1.1\r\nHost: {}\r\n{headers}\r\n", self.address).into_bytes()
    }

    fn exchange(&self) -> (String, Vec<u8>) {
        let mut stream = TcpStream::connect(self.address).expect("the server accepts");
        stream.write_all(&self.request("Connection: close\r\n")).expect("the server reads");
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).expect("the server answers");
        let end = head_end(&answer).expect("the answer has a head");
        let head = String::from_utf8_lossy(&answer[..end]).into_owned();
        assert!(head.starts_with("HTTP/1.1 200"), "{head}");
        (head, answer[end..].to_vec())
    }

    fn body(&self) -> Vec<u8> {
        self.exchange().1
    }

    fn etag(&self) -> String {
        let head = self.exchange().0;
        let line = head.lines().find_map(|line| line.strip_prefix("etag: "));
        line.expect("the answer has a tag").to_owned()
    }

    /// Requests per second when every connection asks again as soon as it is answered.
    fn rate(&self, request: &[u8], time: Duration) -> f64 {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime starts");
        let begin = Instant::now();
        let until = begin + time;
        let answered: u64 = runtime.block_on(async {
            let mut asking = tokio::task::JoinSet::new();
            for _ in 0..CONNECTIONS {
                asking.spawn(ask(self.address, request.to_vec(), until));
            }
            asking.join_all().await.into_iter().sum()
        });
        answered as f64 / begin.elapsed().as_secs_f64()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.process.kill().expect("the process is ours");
        self.process.wait().expect("it was killed");
    }
}

async fn ask(address: SocketAddr, request: Vec<u8>, until: Instant) -> u64 {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let mut stream = tokio::net::TcpStream::connect(address).await.expect("the server accepts");
    stream.set_nodelay(true).expect("the option exists");
    let mut buffer = vec![0; 64 * 1024];
    let mut answered = 0;
    while Instant::now() < until {
        stream.write_all(&request).await.expect("the server reads");
        let mut filled = 0;
        loop {
            let read = stream.read(&mut buffer[filled..]).await.expect("the server answers");
            assert!(read > 0, "the server closed the connection");
            filled += read;
            if head_end(&buffer[..filled]).is_some_and(|end| filled >= end + length(&buffer[..end])) {
                break;
            }
        }
        answered += 1;
    }
    answered
}

fn head_end(bytes: &[u8]) -> Option<usize> {
    bytes.windows(4).position(|window| window == b"\r\n\r\n").map(|at| at + 4)
}

fn length(head: &[u8]) -> usize {
    let name = b"content-length: ";
    let Some(at) = head.windows(name.len()).position(|window| window == name) else { return 0 };
    let digits = head[at + name.len()..].iter().take_while(|byte| byte.is_ascii_digit());
    digits.fold(0, |length, digit| length * 10 + usize::from(digit - b'0'))
}

/// Serves a fixed body on a free port until it is killed.
fn stand_in(body: &str, bare: bool) {
    let body = Bytes::from(body.to_owned());
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime starts");
    runtime.block_on(async {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port is free");
        println!("listening on http://{}", listener.local_addr().expect("it is bound"));
        if bare { serve_hyper(listener, body).await } else { serve_axum(listener, body).await }
    });
}

async fn serve_axum(listener: TcpListener, body: Bytes) {
    let answer = move || std::future::ready(([(header::CONTENT_TYPE, "application/json")], body.clone()));
    let route = "/api/v1/config/{application}/{profiles}";
    axum::serve(listener, Router::new().route(route, axum::routing::get(answer))).await.expect("it never ends");
}

async fn serve_hyper(listener: TcpListener, body: Bytes) {
    let mut connections = tokio::task::JoinSet::new();
    loop {
        let (stream, _) = listener.accept().await.expect("the listener works");
        stream.set_nodelay(true).expect("the option exists");
        let body = body.clone();
        let answer = service_fn(move |_| {
            let response = Response::builder().header(header::CONTENT_TYPE, "application/json");
            let response = response.body(Full::new(body.clone())).expect("the header is legal");
            std::future::ready(Ok::<_, Infallible>(response))
        });
        connections.spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), answer));
    }
}
