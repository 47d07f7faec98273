//! The files of a repository at one commit: path, content id and size. Nothing here reads a file.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

/// The id of a commit; for a plain folder, a digest of its files in the same form.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct CommitId(pub [u8; 20]);

/// The id of a file's bytes: Git's blob id, for plain folders as well.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct BlobId(pub [u8; 20]);

/// The files of one commit below the configured root, by path, in byte order of the paths.
#[derive(Debug, Clone, Default)]
pub struct Tree {
    /// Path from the root, `/` between segments, to file.
    pub files: BTreeMap<Arc<str>, File>,
    /// Entries that were seen and are not served, with the reason: links that leave the root, unusable names.
    pub skipped: Vec<Skipped>,
    /// Of the files, those whose bytes could not be read, and why. Only folders have any.
    pub unreadable: BTreeMap<Arc<str>, Arc<str>>,
    /// Folders that could not be looked into, and why: nobody knows which files are in them.
    pub closed: BTreeMap<Arc<str>, Arc<str>>,
    /// What the repository says about itself at its top, if the configured root is a folder below that.
    pub top: Option<File>,
}

/// One file of a tree.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct File {
    /// The id of its bytes.
    pub blob: BlobId,
    /// Its size in bytes.
    pub size: u64,
}

/// An entry of a tree that cannot be configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Skipped {
    /// Path from the root; bytes that are not UTF-8 are replaced.
    pub path: Arc<str>,
    /// Why, as a lower-case sentence without a final dot.
    pub reason: &'static str,
}

impl CommitId {
    /// The id written as 40 lower-case or upper-case hexadecimal digits; `None` for anything else.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        parse_hex(text).map(Self)
    }
}

fn parse_hex(text: &str) -> Option<[u8; 20]> {
    let digits = text.as_bytes();
    if digits.len() != 40 {
        return None;
    }
    let mut id = [0; 20];
    for (byte, pair) in id.iter_mut().zip(digits.chunks_exact(2)) {
        let high = char::from(pair[0]).to_digit(16)?;
        let low = char::from(pair[1]).to_digit(16)?;
        *byte = u8::try_from(high * 16 + low).ok()?;
    }
    Some(id)
}

fn write_hex(id: &[u8; 20], out: &mut fmt::Formatter<'_>) -> fmt::Result {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let mut text = [0; 40];
    for (pair, byte) in text.chunks_exact_mut(2).zip(id) {
        pair.copy_from_slice(&[DIGITS[usize::from(byte >> 4)], DIGITS[usize::from(byte & 15)]]);
    }
    out.write_str(std::str::from_utf8(&text).unwrap_or_default())
}

impl fmt::Display for CommitId {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_hex(&self.0, out)
    }
}

impl fmt::Display for BlobId {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_hex(&self.0, out)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_forty_hexadecimal_digits_are_an_id() {
        let text = "85e98d5a2f3b4c5d6e7f8091a2b3c4d5e6f70812";
        assert_eq!(CommitId::parse(text).unwrap().to_string(), text);
        assert_eq!(CommitId::parse(&text[..39]), None);
        assert_eq!(CommitId::parse(&text.replace('8', "g")), None);
        assert_eq!(CommitId::parse("é".repeat(20).as_str()), None);
    }
}
