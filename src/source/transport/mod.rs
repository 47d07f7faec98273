//! Git over HTTP(S) and SSH for libgit2, which is built without a transport of its own: it speaks the protocol and asks
//! this file to carry the bytes, which the `Carrier` of the fetch does.
//!
//! libgit2 names neither the fetch nor its limits when it asks, so the carrier is handed over through the thread that
//! both run on. Here is the only `unsafe` of the crate.

pub mod budget;
pub(super) mod failure;
pub mod http;
pub(super) mod ref_list;
mod retry_after;
pub(super) mod ssh;

use std::cell::RefCell;
use std::io::{self, Read, Write};
use std::sync::{Arc, OnceLock};

use git2::transport::{Service, SmartSubtransport, SmartSubtransportStream, Transport};

use super::FetchError;
use http::{Body, Channel};
use ref_list::{LineError, Wanted, next_line};
use ssh::{Ssh, Stream};

thread_local! {
    /// The fetch that runs on this thread; libgit2 calls its transport on the thread of the fetch.
    static CURRENT: RefCell<Option<Subtransport>> = const { RefCell::new(None) };
}

/// What carries the bytes of one fetch.
#[derive(Clone)]
pub(super) enum Carrier {
    /// HTTP or HTTPS.
    Http(Arc<Channel>),
    /// OpenSSH.
    Ssh(Arc<Ssh>),
}

impl Carrier {
    /// Why the fetch failed, if it was the connection's doing.
    pub(super) fn take_failure(&self) -> Option<FetchError> {
        match self {
            Self::Http(channel) => channel.take_failure(),
            Self::Ssh(ssh) => ssh.take_failure(),
        }
    }

    fn fail<T>(&self, error: FetchError) -> io::Result<T> {
        match self {
            Self::Http(channel) => channel.fail(error),
            Self::Ssh(ssh) => {
                ssh.fail(error);
                Err(io::Error::other("the connection failed"))
            }
        }
    }
}

/// While it lives, libgit2's connections from this thread go through the carrier that was entered.
pub(super) struct Entered;

impl Drop for Entered {
    fn drop(&mut self) {
        CURRENT.set(None);
    }
}

/// Sends libgit2's connections from this thread through `carrier`, and shows it the refs that are wanted, until the guard
/// is dropped.
pub(super) fn enter(carrier: &Carrier, wanted: &Arc<Wanted>) -> Result<Entered, git2::Error> {
    register()?;
    CURRENT.set(Some(Subtransport { carrier: carrier.clone(), wanted: Arc::clone(wanted) }));
    Ok(Entered)
}

/// Teaches libgit2 the schemes for which it is built without a transport of its own.
#[expect(unsafe_code, reason = "git2 marks the registration of a transport as unsafe, and has no other way in")]
fn register() -> Result<(), git2::Error> {
    static REGISTERED: OnceLock<bool> = OnceLock::new();
    let registered = REGISTERED.get_or_init(|| {
        // SAFETY: registering must not run while a transport is being created. Transports are created by `fetch` alone,
        // which comes through here first, and the lock keeps every other thread waiting until this one is done.
        let result = unsafe {
            git2::transport::register("http", subtransport)
                .and_then(|()| git2::transport::register("https", subtransport))
                .and_then(|()| git2::transport::register("ssh", subtransport))
        };
        result.is_ok()
    });
    registered.then_some(()).ok_or_else(|| git2::Error::from_str("libgit2 takes no transport"))
}

fn subtransport(remote: &git2::Remote<'_>) -> Result<Transport, git2::Error> {
    let current = CURRENT.with_borrow(Clone::clone);
    let current = current.ok_or_else(|| git2::Error::from_str("no fetch runs on this thread"))?;
    // One question and one answer at a time over HTTP, one stream in both directions over SSH.
    let by_question = matches!(current.carrier, Carrier::Http(_));
    Transport::smart(remote, by_question, current)
}

#[derive(Clone)]
struct Subtransport {
    carrier: Carrier,
    wanted: Arc<Wanted>,
}

impl SmartSubtransport for Subtransport {
    fn action(&self, _url: &str, service: Service) -> Result<Box<dyn SmartSubtransportStream>, git2::Error> {
        match (&self.carrier, service) {
            (Carrier::Http(channel), Service::UploadPackLs) => {
                Ok(Box::new(Advertisement::over_http(channel, &self.wanted)))
            }
            (Carrier::Http(channel), Service::UploadPack) => {
                Ok(Box::new(Exchange { channel: Arc::clone(channel), question: Vec::new(), answer: None }))
            }
            (Carrier::Ssh(ssh), Service::UploadPackLs | Service::UploadPack) => {
                let stream = ssh.connect().map_err(|error| {
                    ssh.fail(error);
                    git2::Error::from_str("the connection failed")
                })?;
                let (carrier, wanted) = (self.carrier.clone(), Arc::clone(&self.wanted));
                let (lines, line) = (Some(stream), io::Cursor::default());
                Ok(Box::new(Advertisement { carrier, wanted, lines, line, lists: 1 }))
            }
            (_, Service::ReceivePackLs | Service::ReceivePack) => Err(git2::Error::from_str("nothing is ever pushed")),
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

/// The list of refs as libgit2 shall see it, and after it, where the connection goes on, everything else as it comes.
struct Advertisement<R> {
    carrier: Carrier,
    wanted: Arc<Wanted>,
    /// `None` until it is first read.
    lines: Option<R>,
    line: io::Cursor<Vec<u8>>,
    /// How many more ends of a list there are to come.
    lists: u32,
}

impl Advertisement<Body> {
    fn over_http(channel: &Arc<Channel>, wanted: &Arc<Wanted>) -> Self {
        let (carrier, wanted) = (Carrier::Http(Arc::clone(channel)), Arc::clone(wanted));
        // Over HTTP the list proper comes after one that holds a comment only.
        Self { carrier, wanted, lines: None, line: io::Cursor::default(), lists: 2 }
    }
}

impl<R: Read> Advertisement<R> {
    fn next_line(&mut self) -> io::Result<Vec<u8>> {
        let Some(lines) = &mut self.lines else { return Ok(Vec::new()) };
        match next_line(lines, &self.wanted) {
            Ok(line) => {
                self.lists -= u32::from(line == b"0000");
                Ok(line)
            }
            Err(LineError::Connection(error)) => Err(error),
            Err(LineError::Content(error)) => self.carrier.fail(error),
        }
    }

    fn read_on(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.line.read(buffer)?;
        if read > 0 {
            return Ok(read);
        }
        if self.lists == 0 {
            return self.lines.as_mut().map_or(Ok(0), |lines| lines.read(buffer));
        }
        self.line = io::Cursor::new(self.next_line()?);
        self.line.read(buffer)
    }
}

impl Read for Advertisement<Body> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if let (None, Carrier::Http(channel)) = (&self.lines, &self.carrier) {
            self.lines = match channel.advertisement() {
                Ok(body) => Some(body),
                Err(error) => return channel.fail(error),
            };
        }
        self.read_on(buffer)
    }
}

impl Write for Advertisement<Body> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Read for Advertisement<Stream> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.read_on(buffer)
    }
}

impl Write for Advertisement<Stream> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.lines.as_mut().map_or(Ok(0), |stream| stream.write(bytes))
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
