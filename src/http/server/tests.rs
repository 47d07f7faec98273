//! The listener over real sockets, with raw bytes, because most of what it must withstand no client library sends.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::routing::{get, post};
use prometheus_client::registry::Registry;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::sync::Notify;
use tokio::task::JoinSet;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use super::*;

const SHORT: Duration = Duration::from_millis(150);
const LONG: Duration = Duration::from_secs(60);

/// A server with every patience short, on a port of its own.
struct TestServer {
    addr: SocketAddr,
    metrics: ListenMetrics,
    shutdown: CancellationToken,
    task: JoinSet<()>,
    entered: Arc<Notify>,
    release: Arc<Notify>,
}

impl TestServer {
    fn start() -> Self {
        Self::with(|_| {}, LONG)
    }

    fn with(adapt: impl FnOnce(&mut Limits), drain: Duration) -> Self {
        let mut settings = Settings::default();
        settings.limits.header_time = SHORT;
        settings.limits.body = 100;
        adapt(&mut settings.limits);
        let (entered, release) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
        let slow = {
            let (entered, release) = (Arc::clone(&entered), Arc::clone(&release));
            move || async move {
                entered.notify_one();
                release.notified().await;
                "slow"
            }
        };
        let router = Router::new()
            .route("/", get(|| async { "root" }))
            .route("/echo/{name}", get(|body: Bytes| async move { body }).post(|body: Bytes| async move { body }))
            .route("/panic", get(|| async { panic!("on purpose") as &'static str }))
            .route("/large", get(|| async { vec![b'x'; 64 << 20] }))
            .route("/slow", post(slow.clone()).get(slow));
        let listener = bind(SocketAddr::from(([127, 0, 0, 1], 0))).unwrap();
        let (addr, metrics, shutdown) =
            (listener.local_addr().unwrap(), ListenMetrics::default(), CancellationToken::new());
        let mut task = JoinSet::new();
        let (counts, stop) = (metrics.clone(), shutdown.clone());
        task.spawn(async move { serve(listener, router, &settings, counts, stop, drain).await });
        Self { addr, metrics, shutdown, task, entered, release }
    }

    async fn connect(&self) -> Client {
        Client(TcpStream::connect(self.addr).await.unwrap())
    }

    /// What comes back for these bytes until the server closes.
    async fn exchange(&self, bytes: impl AsRef<[u8]>) -> String {
        let mut client = self.connect().await;
        client.send(bytes).await;
        client.rest().await
    }

    /// The status of the one response to these bytes, after which the server closes.
    async fn status(&self, bytes: impl AsRef<[u8]>) -> String {
        statuses(&self.exchange(bytes).await)
    }

    /// Waits until every connection has ended.
    async fn stopped(&mut self) {
        self.shutdown.cancel();
        timeout(LONG / 6, self.task.join_next()).await.expect("the server ends").unwrap().unwrap();
    }

    /// What was turned away until now, as `limit count`.
    async fn rejections(mut self) -> String {
        self.stopped().await;
        let lines = self.counts("layerd_limit_rejections_total{limit=\"");
        let short = lines.iter().map(|line| line[37..].replace("\"}", ""));
        short.collect::<Vec<_>>().join(", ")
    }

    fn counts(&self, name: &str) -> Vec<String> {
        let mut registry = Registry::default();
        self.metrics.register(&mut registry);
        let mut text = String::new();
        prometheus_client::encoding::text::encode(&mut text, &registry).unwrap();
        let mut lines: Vec<_> = text.lines().filter(|line| line.starts_with(name)).map(str::to_owned).collect();
        lines.sort();
        lines
    }
}

struct Client(TcpStream);

impl Client {
    async fn send(&mut self, bytes: impl AsRef<[u8]>) {
        // The server may have refused and closed before it read everything, which is what some tests are about.
        drop(self.0.write_all(bytes.as_ref()).await);
    }

    /// Everything until the server closes, without the `date` headers.
    async fn rest(&mut self) -> String {
        let mut text = Vec::new();
        let read = timeout(LONG / 6, self.0.read_to_end(&mut text)).await.expect("the server closes");
        drop(read);
        undated(&text)
    }

    /// Everything until `end` was read.
    async fn until(&mut self, end: &str) -> String {
        let mut text = Vec::new();
        let mut piece = [0; 1024];
        while !text.ends_with(end.as_bytes()) {
            let count = timeout(LONG / 6, self.0.read(&mut piece)).await.expect("an answer").unwrap();
            assert!(count > 0, "closed after {:?}", String::from_utf8_lossy(&text));
            text.extend_from_slice(&piece[..count]);
        }
        undated(&text)
    }
}

fn undated(text: &[u8]) -> String {
    let text = String::from_utf8_lossy(text);
    text.split_inclusive('\n').filter(|line| !line.starts_with("date: ")).collect()
}

/// The statuses of the responses in a text, joined by blanks.
fn statuses(text: &str) -> String {
    let found = text.match_indices("HTTP/1.1 ").map(|(at, _)| &text[at + 9..at + 12]);
    found.collect::<Vec<_>>().join(" ")
}

fn ask(line: &str) -> String {
    format!("{line} HTTP/1.1\r\nHost: localhost\r\nX-Request-Id: t\r\n")
}

fn get_of(target: &str) -> String {
    format!("{}Connection: close\r\n\r\n", ask(&format!("GET {target}")))
}

#[tokio::test]
async fn a_response_has_the_headers_that_all_share() {
    let server = TestServer::start();
    assert_eq!(
        server.exchange(get_of("/")).await,
        "HTTP/1.1 200 OK\r\ncontent-type: text/plain; charset=utf-8\r\ncontent-length: 4\r\n\
         x-content-type-options: nosniff\r\nx-request-id: t\r\nconnection: close\r\n\r\nroot"
    );
    assert_eq!(
        server.exchange(get_of("/").replace("GET", "HEAD")).await,
        "HTTP/1.1 200 OK\r\ncontent-type: text/plain; charset=utf-8\r\ncontent-length: 4\r\n\
         x-content-type-options: nosniff\r\nx-request-id: t\r\nconnection: close\r\n\r\n"
    );
}

#[tokio::test]
async fn a_refusal_carries_the_id_of_its_request() {
    let server = TestServer::start();
    let body = "{\"type\":\"about:blank\",\"title\":\"Bad Request\",\"status\":400,\
                \"detail\":\"the path holds a relative segment\",\"code\":\"invalid-path\",\"request_id\":\"t\"}";
    let head = format!(
        "HTTP/1.1 400 Bad Request\r\ncontent-type: application/problem+json\r\ncache-control: no-store\r\n\
         x-content-type-options: nosniff\r\nx-request-id: t\r\nconnection: close\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    assert_eq!(server.exchange(get_of("/..")).await, format!("{head}{body}"));
    assert_eq!(server.exchange(get_of("/..").replace("GET", "HEAD")).await, head);
}

#[tokio::test]
async fn a_request_id_that_could_do_harm_is_replaced() {
    let server = TestServer::start();
    let long = "x".repeat(65);
    for id in ["", "a b", "a\"b", "größe", "a%0d%0a", &*long] {
        let text = server.exchange(get_of("/").replace("X-Request-Id: t", &format!("X-Request-Id: {id}"))).await;
        let given = text.lines().find_map(|line| line.strip_prefix("x-request-id: ")).unwrap();
        assert_eq!(uuid::Uuid::parse_str(given).unwrap().get_version_num(), 7, "{id}");
    }
}

#[tokio::test]
async fn connections_that_send_too_little_are_closed() {
    let server = TestServer::with(|limits| limits.idle_time = LONG, LONG);
    assert_eq!(server.exchange("").await, "", "silence"); // C01
    assert_eq!(server.exchange("GET / HTTP/1.1\r\nHo").await, "", "half a head"); // C02
    assert_eq!(server.exchange("\r\n\r\n").await, "", "no head");
    server.exchange("PRI * HTTP/2.0\r\n\r\nSM").await; // C03
    server.exchange("PRI * HTTP/2.0\r\n").await;
    assert_eq!(server.status("POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\n\r\nab").await, "408"); // C12
    assert_eq!(server.rejections().await, "header-time 4");
}

#[tokio::test]
async fn a_head_that_drips_wins_no_time() {
    let server = TestServer::start();
    let (mut reader, mut writer) = TcpStream::connect(server.addr).await.unwrap().into_split();
    let mut drops = tokio::time::interval(SHORT / 10);
    let drip = async {
        loop {
            drops.tick().await;
            if writer.write_all(b"G").await.is_err() {
                std::future::pending::<()>().await;
            }
        }
    };
    let mut text = Vec::new();
    tokio::select! {
        () = drip => {}
        read = timeout(SHORT * 20, reader.read_to_end(&mut text)) => drop(read.expect("the server closes")),
    }
    assert_eq!(text, b"");
}

#[tokio::test]
async fn heads_that_are_too_large_are_431() {
    let server = TestServer::start();
    let many = |count: usize| (0..count).map(|number| format!("X-{number}: y\r\n")).collect::<String>();
    let head = "GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n";
    assert_eq!(server.status(format!("{head}{}\r\n", many(98))).await, "200");
    assert_eq!(server.status(format!("{head}{}\r\n", many(99))).await, "431"); // C06
    assert_eq!(server.status(format!("{head}X: {}\r\n\r\n", "x".repeat(64 << 10))).await, "431");
    assert_eq!(server.status(format!("{head}X: {}\r\n\r\n", "x".repeat(1 << 20))).await, "431");
    assert_eq!(server.rejections().await, "headers 3");
}

#[tokio::test]
async fn long_targets_are_414_however_long() {
    let server = TestServer::start(); // C07
    for length in [4096, 6 << 10, 8 << 10, 64 << 10, 1 << 20] {
        assert_eq!(server.status(get_of(&format!("/{}", "x".repeat(length)))).await, "414", "{length}");
    }
    assert_eq!(server.status(format!("GET /{}", "x".repeat(20_000))).await, "414", "a line without an end");
    assert_eq!(server.status(get_of(&format!("/echo/{}", "x".repeat(4000)))).await, "200");
    assert_eq!(server.rejections().await, "path 6");
}

#[tokio::test]
async fn what_is_not_http_is_refused() {
    let server = TestServer::start(); // C08, C09, C17, C26
    let host = "Host: localhost\r\nConnection: close\r\n\r\n";
    for (request, expected) in [
        ("nonsense\r\n\r\n".to_owned(), "400"),
        ("\0\0\0\r\n\r\n".to_owned(), "400"),
        (format!(" GET / HTTP/1.1\r\n{host}"), "400"),
        (format!("GET  / HTTP/1.1\r\n{host}"), "400"),
        (format!("GET /a b HTTP/1.1\r\n{host}"), "400"),
        (format!("GET / HTTP/1.2\r\n{host}"), "400"),
        (format!("GET / HTTP/3\r\n{host}"), "400"),
        (format!("GET / HTTP/1.1\r\nA B: c\r\n{host}"), "400"),
        (format!("GET / HTTP/1.1\r\nA: b\r\n c\r\n{host}"), "400"),
        (format!("get / HTTP/1.1\r\n{host}"), "405"),
        (format!("TRACE / HTTP/1.1\r\n{host}"), "405"),
        (format!("CONNECT localhost:80 HTTP/1.1\r\n{host}"), "405"),
        (format!("{} / HTTP/1.1\r\n{host}", "M".repeat(1024)), "405"),
        (format!("OPTIONS * HTTP/1.1\r\n{host}"), "400"),
        (format!("GET http://evil.example/ HTTP/1.1\r\n{host}"), "400"),
        (format!("GET http://localhost/ HTTP/1.1\r\n{host}"), "200"),
        ("GET / HTTP/1.1\r\nConnection: close\r\n\r\n".to_owned(), "400"),
        (format!("GET / HTTP/1.1\r\nHost: localhost\r\n{host}"), "400"),
        (format!("GET / HTTP/1.1\r\n{}", host.replace("localhost", "evil.example")), "421"),
    ] {
        assert_eq!(server.status(&request).await, expected, "{request:.60}");
    }
}

#[tokio::test]
async fn paths_that_climb_are_refused_on_the_wire() {
    let server = TestServer::start(); // A01 to A09 and A11 as a client that does not tidy them sends them
    for target in [
        "/../../../../etc/passwd",
        "/%2e%2e%2f",
        "/.%2e/",
        "/..\\",
        "/..%5c",
        "/a/..",
        "/%c0%ae%c0%af",
        "/%ed%a0%80",
        "/app%00.yml",
        "/%0d%0aSet-Cookie:%20a",
        "/%7f",
        "/%e2%80%ae",
        "/\\\\?\\",
        "file:///etc/passwd",
        "url:http://x",
        "http://x/",
        "/%ff%fe",
        "/%",
        "/\x01",
        "etc/passwd",
    ] {
        assert_eq!(server.status(get_of(target)).await, "400", "{target}");
    }
    assert_eq!(server.status(get_of("/..%252f")).await, "404", "decoded once");
}

#[tokio::test]
async fn bodies_that_are_too_large_are_413_before_they_are_read() {
    let server = TestServer::start(); // C10
    let post = ask("POST /echo/x");
    assert_eq!(server.status(format!("{post}Content-Length: 10000000000\r\n\r\n")).await, "413");
    assert_eq!(server.status(format!("{post}Content-Length: 101\r\n\r\n{}", "x".repeat(101))).await, "413");
    let chunk = format!("40\r\n{}\r\n", "x".repeat(64));
    assert_eq!(server.status(format!("{post}Transfer-Encoding: chunked\r\n\r\n{}", chunk.repeat(1000))).await, "413");
    let fits = format!("{post}Connection: close\r\nContent-Length: 100\r\n\r\n{}", "x".repeat(100));
    assert!(server.exchange(fits).await.ends_with(&format!("\r\n\r\n{}", "x".repeat(100))));
    let chunked = format!("{post}Transfer-Encoding: chunked\r\n\r\n{chunk}0\r\n\r\n");
    let text = server.exchange(chunked).await;
    assert!(text.contains("connection: close") && text.ends_with(&format!("\r\n\r\n{}", "x".repeat(64))), "{text}");
    assert_eq!(server.rejections().await, "body 3");
}

#[tokio::test]
async fn the_refusal_of_a_body_that_still_comes_is_not_lost() {
    let server = TestServer::start();
    let mut client = server.connect().await;
    client.send(format!("{}Content-Length: 500000\r\n\r\n{}", ask("POST /echo/x"), "x".repeat(500_000))).await;
    assert_eq!(statuses(&client.rest().await), "413");
}

#[tokio::test]
async fn lengths_that_can_be_read_in_two_ways_are_refused() {
    let server = TestServer::start(); // C11, C13, C15, C16
    let post = ask("POST /echo/x");
    for lengths in [
        "Content-Length: -1",
        "Content-Length: +5",
        "Content-Length: 5,5",
        "Content-Length: 0x5",
        "Content-Length: ",
        "Content-Length: 999999999999999999999999999999",
        "Content-Length: 4\r\nContent-Length: 5",
        "Content-Length: 5\r\nTransfer-Encoding: chunked",
        "Transfer-Encoding: chunked\r\ncontent-length: 5",
        "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked",
        "Transfer-Encoding: chunked, identity",
        "Transfer-Encoding: gzip, chunked",
        "Transfer-Encoding: xchunked",
        "Transfer-Encoding\t: chunked",
    ] {
        let request = format!("{post}{lengths}\r\n\r\n0\r\n\r\n{}", get_of("/"));
        assert_eq!(server.status(request).await, "400", "{lengths}");
    }
    let get = format!("{}Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n{}", ask("GET /"), get_of("/"));
    assert_eq!(server.status(get).await, "400", "a chunked GET");
    for size in ["ffffffffffffffff1", "-1", "x"] {
        let request = format!("{post}Transfer-Encoding: chunked\r\n\r\n{size}\r\nabc\r\n0\r\n\r\n{}", get_of("/"));
        assert_eq!(server.status(request).await, "400", "chunk size {size}");
    }
}

#[tokio::test]
async fn a_body_that_nobody_wants_does_not_disturb_the_next_request() {
    let server = TestServer::start(); // C14
    for method in ["GET", "HEAD"] {
        let first = format!("{}Content-Length: 5\r\n\r\nGET /", ask(&format!("{method} /")));
        let text = server.exchange(format!("{first}{}", get_of("/echo/x"))).await;
        assert_eq!(statuses(&text), "200 200", "{method}: {text}");
    }
}

#[tokio::test]
async fn pipelined_requests_are_answered_in_order() {
    let server = TestServer::start();
    let echo = |body: &str| format!("{}Content-Length: {}\r\n\r\n{body}", ask("POST /echo/x"), body.len());
    let text = server.exchange(echo("one") + &echo("two") + &ask("GET /none") + "\r\n" + &get_of("/")).await;
    assert_eq!(statuses(&text), "200 200 404 200");
    assert!(text.find("one") < text.find("two") && text.ends_with("\r\n\r\nroot"), "{text}");
}

#[tokio::test]
async fn upgrades_are_ignored() {
    let server = TestServer::start(); // C27
    for upgrade in ["h2c\r\nHTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA", "websocket"] {
        let mut client = server.connect().await;
        client.send(format!("{}Connection: Upgrade\r\nUpgrade: {upgrade}\r\n\r\n", ask("GET /"))).await;
        assert_eq!(statuses(&client.until("\r\n\r\nroot").await), "200");
        client.send(get_of("/")).await;
        assert_eq!(statuses(&client.rest().await), "200", "the connection goes on");
    }
}

#[tokio::test]
async fn resting_connections_have_more_time_than_heads() {
    let server = TestServer::with(|limits| limits.idle_time = SHORT * 4, LONG);
    let mut client = server.connect().await;
    for _ in 0..2 {
        client.send(ask("GET /") + "\r\n").await;
        client.until("\r\n\r\nroot").await;
        let early = timeout(SHORT * 2, client.0.readable()).await;
        assert!(early.is_err(), "closed after the time of heads");
    }
    assert_eq!(client.rest().await, "");
    assert_eq!(server.rejections().await, "idle-time 1");
}

#[tokio::test]
async fn a_client_that_does_not_read_is_cut() {
    let server = TestServer::with(|limits| limits.idle_time = SHORT, LONG);
    let mut client = server.connect().await;
    client.send(get_of("/large")).await;
    client.0.readable().await.unwrap();
    assert_eq!(server.rejections().await, "idle-time 1");
}

#[tokio::test]
async fn stopping_finishes_requests_and_closes_resting_connections() {
    let mut server = TestServer::start();
    let (mut resting, mut fresh) = (server.connect().await, server.connect().await);
    let mut busy = server.connect().await;
    resting.send(ask("GET /") + "\r\n").await;
    resting.until("root").await;
    busy.send(ask("POST /slow") + "Content-Length: 0\r\n\r\n").await;
    server.entered.notified().await;
    server.shutdown.cancel();
    assert_eq!(resting.rest().await, "");
    assert_eq!(fresh.rest().await, "");
    assert!(server.task.try_join_next().is_none(), "the slow request is waited for");
    server.release.notify_one();
    let text = busy.rest().await;
    assert!(text.contains("\r\nconnection: close\r\n") && text.ends_with("\r\n\r\nslow"), "{text}");
    let (addr, counts) = (server.addr, server.counts("layerd_http_"));
    server.stopped().await;
    assert!(TcpStream::connect(addr).await.is_err(), "nobody listens any more");
    assert!(counts.contains(&"layerd_http_requests_total{route=\"/slow\",status=\"2xx\"} 1".to_owned()), "{counts:?}");
}

#[tokio::test]
async fn stopping_waits_no_longer_than_it_may() {
    let mut server = TestServer::with(|_| {}, SHORT);
    let mut client = server.connect().await;
    client.send(ask("GET /slow") + "\r\n").await;
    server.entered.notified().await;
    server.stopped().await;
    assert_eq!(client.rest().await, "");
}

#[tokio::test]
async fn connections_over_the_limit_are_told_so() {
    let server = TestServer::with(|limits| (limits.connections, limits.header_time) = (2, LONG), LONG);
    let (mut first, mut second) = (server.connect().await, server.connect().await);
    for client in [&mut first, &mut second] {
        client.send(ask("GET /") + "\r\n").await;
        client.until("root").await;
    }
    assert_eq!(server.counts("layerd_http_connections"), ["layerd_http_connections 2"]);
    assert_eq!(statuses(&server.connect().await.rest().await), "503");
    first.send(get_of("/")).await;
    first.rest().await;
    let mut third = server.connect().await;
    third.send(get_of("/")).await;
    assert_eq!(statuses(&third.rest().await), "200", "a place is free again");
    drop(second);
    assert_eq!(server.rejections().await, "connections 1");
}

#[tokio::test]
async fn a_handler_that_panics_costs_only_its_own_request() {
    let server = TestServer::start();
    let text = server.exchange(ask("GET /panic") + "\r\n" + &get_of("/")).await;
    assert_eq!(statuses(&text), "500 200");
    assert!(text.contains("\"code\":\"internal-error\"") && text.contains("\"request_id\":\"t\"}"), "{text}");
    assert!(!text.contains("on purpose"), "{text}");
}

#[derive(Clone, Default)]
struct Log(Arc<std::sync::Mutex<Vec<u8>>>);

impl std::io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn the_log_names_each_request_without_its_query_and_without_tricks() {
    let log = Log::default();
    let writer = log.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::DEBUG)
        .with_ansi(false)
        .without_time()
        .with_target(false)
        .with_writer(move || writer.clone());
    let _guard = tracing::subscriber::set_default(subscriber.finish());
    let server = TestServer::start();
    let long = format!("/{}", "x".repeat(300));
    for target in ["/?token=geheim", "/panic?token=geheim", "/\u{202e}x", &long] {
        server.exchange(get_of(target)).await;
    }
    let text = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
    let lines: Vec<_> = text.lines().map(|line| line.split(" duration_us=").next().unwrap_or_default()).collect();
    let cut = format!("/{}…", "x".repeat(255));
    assert_eq!(
        lines,
        [
            "DEBUG request request_id=\"t\" method=\"GET\" path=\"/\" status=200",
            "ERROR a handler failed; this is a bug in layerd request_id=\"t\" panic=\"on purpose\"",
            " WARN request failed request_id=\"t\" method=\"GET\" path=\"/panic\" status=500",
            "DEBUG request request_id=\"t\" method=\"GET\" path=\"/\\\\u{202e}x\" status=400",
            &format!("DEBUG request request_id=\"t\" method=\"GET\" path=\"{cut}\" status=404"),
        ]
    );
}

#[tokio::test]
async fn requests_are_counted_by_route_and_class() {
    let server = TestServer::start();
    for target in ["/echo/a", "/echo/b", "/none/1", "/none/2", "/%", "/panic"] {
        server.exchange(get_of(target)).await;
    }
    let counts = server.counts("layerd_http_requests");
    let counts: Vec<_> = counts.iter().filter(|line| !line.ends_with(" 0")).collect();
    assert_eq!(
        counts,
        [
            "layerd_http_requests_total{route=\"/echo/{name}\",status=\"2xx\"} 2",
            "layerd_http_requests_total{route=\"/panic\",status=\"5xx\"} 1",
            "layerd_http_requests_total{route=\"other\",status=\"4xx\"} 3",
        ]
    );
    assert_eq!(server.counts("layerd_http_requests_in_flight"), ["layerd_http_requests_in_flight 0"]);
    let count = "layerd_http_request_duration_seconds_count{route=\"other\"";
    assert_eq!(server.counts(count), [format!("{count}}} 3")]);
}

impl Client {
    /// Tells the server that nothing more comes.
    async fn half_close(&mut self) {
        self.0.shutdown().await.unwrap();
    }
}

/// Waits until the server counts so many open connections.
async fn has_open(server: &TestServer, open: u64) {
    let wanted = vec![format!("layerd_http_connections {open}")];
    let counted = async {
        while server.counts("layerd_http_connections ") != wanted {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    timeout(LONG / 6, counted).await.expect("connections end");
}

#[tokio::test]
async fn a_client_that_sends_nothing_more_gets_its_answer() {
    let mut server = TestServer::start();
    for request in [get_of("/"), "POST /echo/a HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\n\r\nok".to_owned()] {
        let mut client = server.connect().await;
        client.send(&request).await;
        client.half_close().await;
        assert_eq!(statuses(&client.rest().await), "200", "{request}");
    }
    // Also if the answer takes its time, and the handler waits when the word comes.
    let mut client = server.connect().await;
    client.send("GET /slow HTTP/1.1\r\nHost: localhost\r\n\r\n").await;
    server.entered.notified().await;
    client.half_close().await;
    tokio::time::sleep(SHORT).await;
    server.release.notify_one();
    let answer = client.rest().await;
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n") && answer.ends_with("slow"), "{answer}");
    // A refused body and a head without an end are no reason to keep the connection.
    for request in ["POST /echo/a HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n\r\nhalf", "GET / HT", ""] {
        let mut client = server.connect().await;
        client.send(request).await;
        client.half_close().await;
        assert!(!client.rest().await.starts_with("HTTP/1.1 2"), "{request}");
    }
    has_open(&server, 0).await;
    server.stopped().await;
}

#[tokio::test]
async fn all_requests_that_were_sent_ahead_are_answered_after_a_half_close() {
    let server = TestServer::start();
    let mut client = server.connect().await;
    let one = |target: &str| format!("GET {target} HTTP/1.1\r\nHost: localhost\r\n\r\n");
    let ahead = [
        one("/"),
        one("/slow"),
        "POST /echo/a HTTP/1.1\r\nHost: localhost\r\nContent-Length: 4\r\n\r\nlast".to_owned(),
    ];
    client.send(ahead.concat()).await;
    client.half_close().await;
    server.entered.notified().await;
    server.release.notify_one();
    let answers = client.rest().await;
    assert_eq!(answers.matches("HTTP/1.1 200 OK").count(), 3, "{answers}");
    assert!(answers.ends_with("last"), "{answers}");
    has_open(&server, 0).await;
}

#[tokio::test]
async fn clients_that_vanish_leave_no_connection_behind() {
    let server = TestServer::start();
    for number in 0..40 {
        let mut client = server.connect().await;
        let target = ["/slow", "/large", "/", "/echo/a"][number % 4];
        client.send(format!("GET {target} HTTP/1.1\r\nHost: localhost\r\n\r\n")).await;
        if target == "/slow" {
            server.entered.notified().await;
        }
        if number % 8 > 3 {
            client.half_close().await;
        }
        drop(client);
        if target == "/slow" {
            server.release.notify_one();
        }
    }
    has_open(&server, 0).await;
    assert_eq!(server.counts("layerd_http_requests_in_flight"), ["layerd_http_requests_in_flight 0"]);
}

#[tokio::test]
async fn a_port_that_is_taken_is_named() {
    let first = bind(SocketAddr::from(([127, 0, 0, 1], 0))).unwrap();
    let addr = first.local_addr().unwrap();
    assert_eq!(
        bind(addr).unwrap_err().to_string(),
        format!(
            "cannot listen on {addr}: the port is taken\n\
             hint: stop the program that listens there, or choose another port with `--listen`"
        )
    );
}
