//! Git over HTTP(S) for libgit2, which is built without a transport of its own: it speaks the protocol and asks this
//! file to carry the bytes, which the [`Channel`] of the fetch does.
//!
//! libgit2 names neither the fetch nor its limits when it asks, so the channel is handed over through the thread that
//! both run on. Here is the only `unsafe` of the crate.

use std::cell::RefCell;
use std::io::{self, Read, Write};
use std::sync::{Arc, OnceLock};

use git2::transport::{Service, SmartSubtransport, SmartSubtransportStream, Transport};

use super::FetchError;
use super::channel::{Body, Channel, no_repository};

thread_local! {
    /// The channel of the fetch that runs on this thread; libgit2 calls its transport on the thread of the fetch.
    static CURRENT: RefCell<Option<Arc<Channel>>> = const { RefCell::new(None) };
}

/// While it lives, libgit2's connections from this thread go through the channel that was entered.
pub(super) struct Entered;

impl Drop for Entered {
    fn drop(&mut self) {
        CURRENT.set(None);
    }
}

/// Sends libgit2's connections from this thread through `channel` until the guard is dropped.
pub(super) fn enter(channel: &Arc<Channel>) -> Result<Entered, git2::Error> {
    register()?;
    CURRENT.set(Some(Arc::clone(channel)));
    Ok(Entered)
}

/// Teaches libgit2 the schemes `http` and `https`, for which it is built without a transport of its own.
#[expect(unsafe_code, reason = "git2 marks the registration of a transport as unsafe, and has no other way in")]
fn register() -> Result<(), git2::Error> {
    static REGISTERED: OnceLock<bool> = OnceLock::new();
    let registered = REGISTERED.get_or_init(|| {
        // SAFETY: registering must not run while a transport is being created. Transports are created by `fetch` alone,
        // which comes through here first, and the lock keeps every other thread waiting until this one is done.
        let result = unsafe {
            git2::transport::register("http", subtransport)
                .and_then(|()| git2::transport::register("https", subtransport))
        };
        result.is_ok()
    });
    registered.then_some(()).ok_or_else(|| git2::Error::from_str("libgit2 takes no transport"))
}

fn subtransport(remote: &git2::Remote<'_>) -> Result<Transport, git2::Error> {
    let channel = CURRENT.with_borrow(Clone::clone);
    let channel = channel.ok_or_else(|| git2::Error::from_str("no fetch runs on this thread"))?;
    Transport::smart(remote, true, Subtransport { channel })
}

struct Subtransport {
    channel: Arc<Channel>,
}

impl SmartSubtransport for Subtransport {
    fn action(&self, _url: &str, service: Service) -> Result<Box<dyn SmartSubtransportStream>, git2::Error> {
        let channel = Arc::clone(&self.channel);
        match service {
            Service::UploadPackLs => Ok(Box::new(Advertisement { channel, lines: None, line: io::Cursor::default() })),
            Service::UploadPack => Ok(Box::new(Exchange { channel, question: Vec::new(), answer: None })),
            Service::ReceivePackLs | Service::ReceivePack => Err(git2::Error::from_str("nothing is ever pushed")),
        }
    }

    fn close(&self) -> Result<(), git2::Error> {
        Ok(())
    }
}

/// One question and its answer; what libgit2 writes is sent when it first reads.
struct Exchange {
    channel: Arc<Channel>,
    question: Vec<u8>,
    answer: Option<Body>,
}

impl Read for Exchange {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.answer.is_none() {
            match self.channel.exchange(std::mem::take(&mut self.question)) {
                Ok(body) => self.answer = Some(body),
                Err(error) => return self.channel.fail(error),
            }
        }
        self.answer.as_mut().map_or(Ok(0), |answer| answer.read(buffer))
    }
}

impl Write for Exchange {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.question.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The list of refs without those whose names are not UTF-8, at which the `git2` crate panics.
struct Advertisement {
    channel: Arc<Channel>,
    lines: Option<Body>,
    line: io::Cursor<Vec<u8>>,
}

impl Advertisement {
    fn next_line(&mut self) -> io::Result<Vec<u8>> {
        let lines = match &mut self.lines {
            Some(lines) => lines,
            None => match self.channel.advertisement() {
                Ok(body) => self.lines.insert(body),
                Err(error) => return self.channel.fail(error),
            },
        };
        loop {
            let mut line = Vec::new();
            lines.take(4).read_to_end(&mut line)?;
            if line.is_empty() {
                return Ok(line);
            }
            let length = std::str::from_utf8(&line).ok().and_then(|digits| usize::from_str_radix(digits, 16).ok());
            let Some(length) = length.filter(|_| line.len() == 4) else { return self.channel.fail(no_repository()) };
            let rest = length.saturating_sub(4);
            lines.take(u64::try_from(rest).unwrap_or(u64::MAX)).read_to_end(&mut line)?;
            if std::str::from_utf8(&line).is_ok() {
                return Ok(line);
            }
            if line.contains(&0) {
                // The first line also tells what the server can do, so it cannot be left out.
                let error = FetchError::new("protocol", "the name of the server's first ref is not UTF-8");
                return self.channel.fail(error);
            }
        }
    }
}

impl Read for Advertisement {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let mut read = self.line.read(buffer)?;
        if read == 0 {
            self.line = io::Cursor::new(self.next_line()?);
            read = self.line.read(buffer)?;
        }
        Ok(read)
    }
}

impl Write for Advertisement {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
