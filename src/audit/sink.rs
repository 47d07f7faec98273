//! Where lines go: a file that is this process's alone, or standard output.

use std::fs::{File, OpenOptions};
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use rustix::fs::{FlockOperation, flock};

use super::AuditPlace;
use super::chain::{Chain, LineHash};

/// Bytes at the end of a file in which its last line is looked for.
const TAIL: u64 = 1 << 20;

/// Where lines go.
#[derive(Debug)]
pub(super) struct AuditSink {
    target: Target,
    /// The last line was perhaps cut off.
    is_torn: bool,
}

#[derive(Debug)]
enum Target {
    /// A file, open at its end, with its name.
    File(PathBuf, File),
    /// Standard output.
    Stdout,
}

impl AuditSink {
    /// Opens the place, and finds the end of the chain that is there.
    pub(super) fn open(place: &AuditPlace) -> io::Result<(Self, Option<Chain>)> {
        let (target, chain) = match place {
            AuditPlace::File(path) => {
                let (file, chain) = open(path)?;
                (Target::File(path.clone(), file), chain)
            }
            AuditPlace::Stdout => (Target::Stdout, None),
        };
        Ok((Self { target, is_torn: false }, chain))
    }

    /// Opens the file of that name anew, which may be another one by now.
    pub(super) fn reopen(&mut self) -> io::Result<()> {
        if let Target::File(path, file) = &mut self.target {
            // The lock of the old file goes with it, and this is the same file if nobody has moved it.
            let fresh = append(path)?;
            if !is_same(file, &fresh)? {
                lock(path, &fresh)?;
                *file = fresh;
            }
        }
        Ok(())
    }

    /// Has every write fail from now on.
    #[cfg(test)]
    pub(super) fn spoil(&mut self) {
        if let Target::File(path, file) = &mut self.target {
            *file = File::open(path).expect("the file is there");
        }
    }

    /// Writes a line and its end.
    pub(super) fn write(&mut self, line: &str) -> io::Result<()> {
        let begin = if self.is_torn { "\n" } else { "" };
        let line = format!("{begin}{line}\n");
        let written = match &mut self.target {
            Target::File(_, file) => file.write_all(line.as_bytes()),
            Target::Stdout => {
                let mut out = io::stdout().lock();
                out.write_all(line.as_bytes()).and_then(|()| out.flush())
            }
        };
        self.is_torn = written.is_err();
        written
    }
}

fn open(path: &Path) -> io::Result<(File, Option<Chain>)> {
    let mut file = append(path)?;
    lock(path, &file)?;
    let length = file.metadata()?.len();
    let mut tail = Vec::new();
    file.seek(SeekFrom::Start(length.saturating_sub(TAIL)))?;
    file.read_to_end(&mut tail)?;
    if tail.last().is_some_and(|byte| *byte != b'\n') {
        file.write_all(b"\n")?;
        tail.push(b'\n');
    }
    let chain = Chain::behind(&tail);
    if chain.is_none() && !tail.is_empty() {
        let detail = format!("`{}` holds something that is not an audit log", path.display());
        return Err(io::Error::new(io::ErrorKind::InvalidData, detail));
    }
    Ok((file, chain.or(Some(Chain { last: LineHash::none() }))))
}

fn append(path: &Path) -> io::Result<File> {
    let named =
        |error: io::Error| io::Error::new(error.kind(), format!("`{}` cannot be opened: {error}", path.display()));
    // Without `O_NONBLOCK` a pipe in its place would block for ever.
    let flags = i32::try_from(rustix::fs::OFlags::NONBLOCK.bits()).unwrap_or_default();
    let file = OpenOptions::new().append(true).create(true).read(true).mode(0o600).custom_flags(flags).open(path);
    let file = file.map_err(named)?;
    match file.metadata()?.is_file() {
        true => Ok(file),
        false => Err(named(io::Error::new(io::ErrorKind::InvalidInput, "it is not a regular file"))),
    }
}

/// Two processes that write one file would break the chain of both.
fn lock(path: &Path, file: &File) -> io::Result<()> {
    flock(file, FlockOperation::NonBlockingLockExclusive).map_err(|error| {
        let detail = format!("`{}` is written by another process: {error}", path.display());
        io::Error::new(io::ErrorKind::WouldBlock, detail)
    })
}

fn is_same(one: &File, other: &File) -> io::Result<bool> {
    use std::os::unix::fs::MetadataExt as _;
    let (one, other) = (one.metadata()?, other.metadata()?);
    Ok((one.dev(), one.ino()) == (other.dev(), other.ino()))
}
