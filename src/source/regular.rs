//! Files that settings name, such as passwords, certificates and settings themselves: regular files of a sane size only.
//!
//! A pipe or a device can hold up whoever opens it, and never ends. So a file is opened without waiting, judged once it is
//! open, and read up to a limit. Links are followed: Kubernetes mounts its files that way.

use std::fs::{File, OpenOptions};
use std::io::{self, ErrorKind, Read as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use rustix::fs::OFlags;

/// Reads a regular file of at most `most` bytes.
///
/// # Errors
/// If it cannot be opened or read, is a folder, a pipe, a socket or a device, or has more bytes.
pub fn read(path: &Path, most: u64) -> io::Result<Vec<u8>> {
    let file = open(path)?;
    let mut bytes = Vec::new();
    // One byte more, so that a file that grows meanwhile is seen to be too large as well.
    file.take(most + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > most {
        return Err(io::Error::new(
            ErrorKind::FileTooLarge,
            format!("it has more than the {most} bytes that it may have"),
        ));
    }
    Ok(bytes)
}

/// The first bytes of a file that is no link, one more than `most` if it has more; `None` if there is none, or it cannot be
/// read.
#[must_use]
pub fn read_plain(path: &Path, most: u64) -> Option<Vec<u8>> {
    if !std::fs::symlink_metadata(path).ok()?.is_file() {
        return None;
    }
    let mut bytes = Vec::new();
    open(path).ok()?.take(most.saturating_add(1)).read_to_end(&mut bytes).ok()?;
    Some(bytes)
}

/// Opens a regular file, without waiting for whoever may be at the other end of something else.
///
/// # Errors
/// If it cannot be opened or is not a regular file.
pub fn open(path: &Path) -> io::Result<File> {
    let file = open_without_waiting(path)?;
    if file.metadata()?.is_file() {
        return Ok(file);
    }
    Err(io::Error::new(ErrorKind::InvalidInput, "it is not a regular file"))
}

/// Opens whatever it is, for callers that judge it themselves.
///
/// # Errors
/// If it cannot be opened.
pub fn open_without_waiting(path: &Path) -> io::Result<File> {
    // A terminal that is opened by mistake must not become that of the process either.
    let flags = OFlags::NONBLOCK | OFlags::NOCTTY;
    OpenOptions::new().read(true).custom_flags(flags.bits().cast_signed()).open(path)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn refusal(path: &Path) -> String {
        read(path, 4).map_or_else(|error| error.to_string(), |bytes| format!("read {}", bytes.len()))
    }

    #[test]
    fn regular_files_are_read_up_to_their_limit_also_through_links() {
        let folder = tempfile::tempdir().unwrap();
        let (file, link) = (folder.path().join("file"), folder.path().join("link"));
        std::os::unix::fs::symlink(&file, &link).unwrap();
        fs::write(&file, "1234").unwrap();
        assert_eq!([refusal(&file), refusal(&link)], ["read 4", "read 4"]);
        fs::write(&file, "12345").unwrap();
        assert_eq!(refusal(&link), "it has more than the 4 bytes that it may have");
    }

    #[test]
    fn what_never_ends_or_waits_for_somebody_is_refused_at_once() {
        let folder = tempfile::tempdir().unwrap();
        let pipe = folder.path().join("pipe");
        let made = std::process::Command::new("mkfifo").arg(&pipe).status().unwrap();
        assert!(made.success());
        let socket = folder.path().join("socket");
        let _listener = std::os::unix::net::UnixListener::bind(&socket).unwrap();
        for path in [&pipe, folder.path(), Path::new("/dev/zero"), Path::new("/dev/tty")] {
            let told = refusal(path);
            assert!(
                told == "it is not a regular file" || told.contains("No such device"),
                "{}: {told}",
                path.display()
            );
        }
        assert!(refusal(&socket).contains("No such device"));
    }
}
