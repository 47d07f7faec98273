//! One connection from its first byte to its last: HTTP/1.1 upon it, and the deadlines that HTTP does not know.
//!
//! hyper reads and writes; this file only decides when a connection has rested, dawdled or been deaf for too long, and
//! passes the word on when the server stops.

use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;
use tokio::time::{Instant, sleep_until, timeout};
use tokio_util::sync::CancellationToken;
use tracing::debug;

use crate::http::error::Refusal;
use crate::http::guard;
use crate::http::peer::Peer;

use super::Server;
use super::request::answer;
use super::state::{LINGER, Link, Phase, Pulse};
use super::stream::{Wire, poll_discard};

/// The smallest buffer that hyper agrees to.
const SMALLEST_BUFFER: usize = 8 << 10;

/// How a connection ended.
enum Ending {
    /// As HTTP has it.
    Closed(hyper::Result<()>),
    /// It took too long in this phase.
    Late(Phase),
    /// The line of a request is too long to be read to its end.
    LongLine,
}

/// Serves a connection to its end. `stop` lets it finish what it is doing and close.
pub(super) async fn serve(stream: TcpStream, server: Arc<Server>, stop: CancellationToken) {
    let peer = stream.peer_addr().ok().map(|address| Peer { address: address.ip().to_canonical() });
    let link = Arc::new(Link { server, pulse: Pulse::new(), peer });
    let _open = Open::new(Arc::clone(&link.server));
    let io = TokioIo::new(Wire::new(stream, Arc::clone(&link)));
    let service = service_fn({
        let link = Arc::clone(&link);
        move |request| answer(Arc::clone(&link), request)
    });
    let mut connection = builder(&link.server).serve_connection(io, service);
    let mut stop = pin!(stop.cancelled());
    let mut alarm = pin!(sleep_until(Instant::now() + link.server.limits.header_time));
    let mut stopping = false;
    let ending = poll_fn(|context| {
        loop {
            if let Poll::Ready(result) = Pin::new(&mut connection).poll(context) {
                return Poll::Ready(Ending::Closed(result));
            }
            if link.pulse.has_long_line() {
                return Poll::Ready(Ending::LongLine);
            }
            // After the connection was polled, so that a request that has arrived is still answered.
            if !stopping && stop.as_mut().poll(context).is_ready() {
                stopping = true;
                Pin::new(&mut connection).graceful_shutdown();
                continue;
            }
            // The alarm may ring early, never late: it is set anew only when it rings or a shorter patience begins.
            let deadline = link.pulse.deadline(&link.server.limits);
            if let Some(deadline) = deadline.filter(|deadline| *deadline < alarm.deadline()) {
                alarm.as_mut().reset(deadline);
            }
            if alarm.as_mut().poll(context).is_pending() {
                return Poll::Pending;
            }
            let now = Instant::now();
            if deadline.is_some_and(|deadline| deadline <= now) {
                return Poll::Ready(Ending::Late(link.pulse.phase()));
            }
            alarm.as_mut().reset(deadline.unwrap_or(now + link.server.limits.idle_time.max(Duration::from_secs(1))));
        }
    })
    .await;
    book(&link.server, &ending);
    if matches!(ending, Ending::LongLine) {
        let limit = link.server.limits.path;
        let refusal = guard::too_long(format!("the request target has more than the {limit} bytes of `limits.path`"));
        refuse(connection.into_parts().io.into_inner().into_stream(), &refusal).await;
    }
}

fn builder(server: &Server) -> http1::Builder {
    let mut builder = http1::Builder::new();
    // hyper's own time limit for heads would also end idle connections; the deadlines above tell the two apart. More
    // than 100 headers are 431 by default, and saying so would cost an allocation for each request. Responses are not
    // gathered over pipelined requests, because that has no bound when the client does not read.
    let head = server.limits.headers + server.longest_line();
    // A client that says that it will send nothing more still waits for its answers.
    builder.half_close(true);
    builder.header_read_timeout(None).max_header_size(head).max_buf_size(head.max(SMALLEST_BUFFER));
    builder
}

fn book(server: &Server, ending: &Ending) {
    match ending {
        Ending::Closed(Ok(())) => {}
        Ending::Closed(Err(error)) => {
            if error.is_parse_too_large() {
                server.metrics.reject("headers");
            }
            debug!(%error, "a connection ended early");
        }
        Ending::Late(Phase::Fresh | Phase::Head) => server.metrics.reject("header-time"),
        Ending::Late(Phase::Busy | Phase::Idle) => server.metrics.reject("idle-time"),
        Ending::Late(Phase::Linger) => {}
        Ending::LongLine => server.metrics.reject("path"),
    }
}

/// Answers with a refusal whatever a connection may ask, and closes it. Takes no longer than [`LINGER`].
pub(super) async fn refuse(mut stream: TcpStream, refusal: &Refusal) {
    let work = async {
        if stream.write_all(&refusal.to_wire()).await.is_ok() && stream.shutdown().await.is_ok() {
            drop(poll_fn(|context| poll_discard(&mut stream, context)).await);
        }
    };
    // Who does not read the refusal is not waited for.
    drop(timeout(LINGER, work).await);
}

/// Keeps the gauge of open connections right, also when a connection is aborted.
struct Open(Arc<Server>);

impl Open {
    fn new(server: Arc<Server>) -> Self {
        server.metrics.connections().inc();
        Self(server)
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.0.metrics.connections().dec();
    }
}
