//! The bytes of a connection on their way between the socket and HTTP, and what they tell before HTTP does: that a head
//! begins, that its first line is endless, that the client does not read.
//!
//! Nothing is changed or parsed here. After a refusal the rest of what comes is thrown away for a moment.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

use super::state::{Link, Phase};

/// A socket that tells its connection's pulse what passes.
#[derive(Debug)]
pub(super) struct Wire {
    stream: TcpStream,
    link: Arc<Link>,
    /// Bytes of a request's line that has no end yet.
    line: Option<usize>,
    /// The head being received is worth keeping.
    keep: bool,
    closed: bool,
}

impl Wire {
    /// The wire of a connection.
    pub(super) fn new(stream: TcpStream, link: Arc<Link>) -> Self {
        Self { stream, link, line: None, keep: false, closed: false }
    }

    /// The socket.
    pub(super) fn into_stream(self) -> TcpStream {
        self.stream
    }

    fn received(&mut self, piece: &[u8]) {
        let pulse = &self.link.pulse;
        if pulse.begins_head() {
            self.line = Some(0);
            self.keep = !piece.starts_with(b"G") && !piece.starts_with(b"H");
        } else if pulse.phase() != Phase::Head {
            return;
        }
        if self.keep {
            pulse.keep_head(piece);
        }
        if let Some(length) = self.line {
            let length = length + piece.len();
            self.line = (!piece.contains(&b'\n')).then_some(length);
            if self.line.is_some() && length > self.link.server.longest_line() {
                pulse.set_long_line();
            }
        }
    }

    fn wrote(&self, written: Poll<io::Result<usize>>) -> Poll<io::Result<usize>> {
        self.link.pulse.wrote(written.is_ready());
        written
    }
}

impl AsyncRead for Wire {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.link.pulse.has_long_line() {
            // Whoever drives the connection sees this as well and takes it away from HTTP.
            return Poll::Pending;
        }
        let before = buffer.filled().len();
        ready!(Pin::new(&mut self.stream).poll_read(context, buffer))?;
        let piece = &buffer.filled()[before..];
        if !piece.is_empty() {
            self.received(piece);
        }
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Wire {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.wrote(written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(context, slices);
        self.wrote(written)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        if !self.closed {
            ready!(Pin::new(&mut self.stream).poll_shutdown(context))?;
            self.closed = true;
            if !self.link.pulse.begins_linger() {
                return Poll::Ready(Ok(()));
            }
        }
        poll_discard(&mut self.stream, context)
    }
}

/// Reads and throws away until the other side closes, fails, or has nothing more for the moment.
pub(super) fn poll_discard(stream: &mut TcpStream, context: &mut Context<'_>) -> Poll<io::Result<()>> {
    let mut scratch = [0; 2048];
    loop {
        let mut buffer = ReadBuf::new(&mut scratch);
        let read = ready!(Pin::new(&mut *stream).poll_read(context, &mut buffer));
        if read.is_err() || buffer.filled().is_empty() {
            return Poll::Ready(Ok(()));
        }
    }
}
