//! The accept loop: connections come in, each becomes a task that this loop owns, and at the end it waits for them.
//!
//! A loop of our own, because the stock one knows no limits of time or number. What happens on a connection is in
//! `connection.rs`, what happens to a request in `request.rs`; routes come from outside.

mod connection;
mod metrics;
mod request;
mod state;
mod stream;

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::http::StatusCode;
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::Semaphore;
use tokio::task::{JoinError, JoinSet};
use tokio::time::{Instant, sleep_until, timeout};
use tokio_util::sync::CancellationToken;
use tracing::{debug, error, warn};

use super::error::Refusal;
use super::guard::Rules;
use super::{Limits, REFRESH, Settings, webhook};

pub use metrics::ListenMetrics;
pub use request::RequestId;

/// Connections that the system may keep waiting until they are accepted.
const BACKLOG: u32 = 1024;

/// Connections over the limit that are told so at once; more are closed without a word.
const TURNED_AWAY: usize = 64;

/// The shortest and the longest pause after the system could not give us a connection.
const PAUSES: (Duration, Duration) = (Duration::from_millis(50), Duration::from_secs(1));

/// What all connections share.
#[derive(Debug)]
struct Server {
    router: Router,
    rules: Rules,
    limits: Limits,
    /// The paths whose POST means the same whatever its body is.
    bodiless: Vec<String>,
    /// What the paths of webhooks begin with, whose bodies are large.
    webhooks: String,
    /// KiB of such bodies that may be in memory at once.
    receiving: Arc<Semaphore>,
    metrics: ListenMetrics,
    /// KiB of large answers that may be on their way at once.
    sending: Arc<Semaphore>,
}

/// The paths of a refresh. Webhooks send whole push events there, which nobody reads.
const BODILESS: [&str; 4] = [REFRESH[0], REFRESH[1], REFRESH[2], webhook::MONITOR];

/// KiB of the bodies of webhooks in memory, whoever sends them: two of the largest, or thousands of the usual ones.
const RECEIVING: usize = 2 * (webhook::LARGEST >> 10);

/// KiB that all large answers on their way to slow clients may hold; those of other clients wait for none.
const SENDING: usize = 256 << 10;

impl Server {
    /// The bytes after which a request's line without an end is given up: a target, and room for method and version.
    fn longest_line(&self) -> usize {
        self.limits.path + 32
    }
}

/// Listens at `addr`; port 0 picks a free one. Call it within a Tokio runtime.
///
/// # Errors
/// If the address cannot be listened at; the text names it and says what to do.
pub fn bind(addr: SocketAddr) -> io::Result<TcpListener> {
    let listen = || {
        let socket = if addr.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
        // Connections of a server that has just stopped do not keep its successor from the port.
        socket.set_reuseaddr(true)?;
        socket.bind(addr)?;
        socket.listen(BACKLOG)
    };
    listen().map_err(|error| {
        let reason = match error.kind() {
            io::ErrorKind::AddrInUse => {
                "the port is taken\nhint: stop the program that listens there, or choose another port with `--listen`"
            }
            io::ErrorKind::PermissionDenied => {
                "permission denied\nhint: ports below 1024 are for privileged users; choose a higher one with `--listen`"
            }
            io::ErrorKind::AddrNotAvailable => {
                "this machine does not have that address\nhint: choose one that it has with `--listen`, such as 127.0.0.1"
            }
            _ => return io::Error::new(error.kind(), format!("cannot listen on {addr}: {error}")),
        };
        io::Error::new(error.kind(), format!("cannot listen on {addr}: {reason}"))
    })
}

/// Accepts connections and answers their requests by `router` until `shutdown`. Then requests that are being answered
/// are finished, connections that rest are closed, and after `drain` the remaining ones are cut. Returns when no
/// connection is left.
pub async fn serve(
    listener: TcpListener,
    router: Router,
    settings: &Settings,
    metrics: ListenMetrics,
    shutdown: CancellationToken,
    drain: Duration,
) {
    let loopback = listener.local_addr().unwrap_or(settings.listen).ip().is_loopback();
    let server = Arc::new(Server {
        router: router.layer(metrics::NoteRoute(metrics.clone())),
        rules: Rules { path: settings.limits.path, loopback },
        limits: settings.limits.clone(),
        bodiless: below(&settings.prefix, BODILESS).collect(),
        webhooks: below(&settings.prefix, [webhook::PATH]).collect(),
        receiving: Arc::new(Semaphore::new(RECEIVING)),
        metrics,
        sending: Arc::new(Semaphore::new(SENDING)),
    });
    let mut connections = JoinSet::new();
    let mut rest = Rest::default();
    loop {
        tokio::select! {
            () = shutdown.cancelled() => break,
            Some(ended) = connections.join_next() => tell(ended),
            accepted = accept(&listener, &mut rest) => {
                if let Some(stream) = accepted {
                    admit(stream, &server, &mut connections, &shutdown);
                }
            }
        }
    }
    drop(listener);
    finish(connections, drain).await;
}

/// Paths below a prefix.
fn below<const N: usize>(prefix: &str, paths: [&'static str; N]) -> impl Iterator<Item = String> {
    let prefix = prefix.trim_matches('/').to_owned();
    let slash = if prefix.is_empty() { "" } else { "/" };
    paths.into_iter().map(move |path| format!("{slash}{prefix}{path}"))
}

/// How long accepting rests after the system could not give a connection.
#[derive(Debug, Default)]
struct Rest {
    pause: Duration,
    until: Option<Instant>,
}

/// The next connection; `None` if the system could not give one. May be dropped and called again at any time.
async fn accept(listener: &TcpListener, rest: &mut Rest) -> Option<TcpStream> {
    if let Some(until) = rest.until {
        sleep_until(until).await;
    }
    match listener.accept().await {
        Ok((stream, _)) => {
            *rest = Rest::default();
            Some(stream)
        }
        // The client has gone before it was its turn; the next one can be taken at once.
        Err(error) if matches!(error.kind(), io::ErrorKind::ConnectionAborted | io::ErrorKind::ConnectionReset) => None,
        Err(error) => {
            if rest.until.is_none() {
                warn!(%error, "cannot accept connections for now; is the limit of open files too low?");
            }
            rest.pause = (rest.pause * 2).clamp(PAUSES.0, PAUSES.1);
            rest.until = Some(Instant::now() + rest.pause);
            None
        }
    }
}

fn admit(stream: TcpStream, server: &Arc<Server>, connections: &mut JoinSet<()>, shutdown: &CancellationToken) {
    if let Err(error) = stream.set_nodelay(true) {
        debug!(%error, "a connection was gone before it began");
        return;
    }
    let limit = server.limits.connections;
    while let Some(ended) = connections.try_join_next() {
        tell(ended);
    }
    if connections.len() < limit {
        connections.spawn(connection::serve(stream, Arc::clone(server), shutdown.child_token()));
        return;
    }
    server.metrics.reject("connections");
    if connections.len() < limit.saturating_add(TURNED_AWAY) {
        connections.spawn(async move {
            let detail = format!("the server has all the {limit} connections that `limits.connections` allows");
            let refusal = Refusal::new(StatusCode::SERVICE_UNAVAILABLE, "too-many-connections", detail);
            connection::refuse(stream, &refusal.retry_after(1)).await;
        });
    }
}

async fn finish(mut connections: JoinSet<()>, drain: Duration) {
    let all_ended = async {
        while let Some(ended) = connections.join_next().await {
            tell(ended);
        }
    };
    if timeout(drain, all_ended).await.is_err() {
        let (left, drain_s) = (connections.len(), drain.as_secs());
        warn!(left, drain_s, "connections that did not end in time are cut");
        connections.shutdown().await;
    }
}

fn tell(ended: Result<(), JoinError>) {
    if let Err(error) = ended {
        error!(%error, "a connection failed; this is a bug in layerd");
    }
}

#[cfg(test)]
mod tests;
