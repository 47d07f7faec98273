//! The list of refs that a Git server sends first, line by line, before libgit2 reads it.
//!
//! Refs that are no branch or tag, that the settings do not allow, or whose names Git forbids are left out here, so that
//! they cost neither memory nor a download, whatever a server sends. So are names that are not UTF-8, at which the `git2`
//! crate panics, and repositories whose ids libgit2 cannot read are told by name.

use std::collections::HashSet;
use std::io::{self, Read};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use globset::{GlobBuilder, GlobSet, GlobSetBuilder};

use super::failure::{no_repository, repeats_secret};
use crate::source::FetchError;

/// The longest name of a branch or tag, in bytes; file systems of Git hosts take no longer ones.
const MAX_NAME: usize = 1024;

/// The digits of an id of SHA-1.
const DIGITS: usize = 40;

/// What stands in for the first name if that is left out: with it comes what the server can do. Git itself uses it for
/// repositories without refs.
const NO_NAME: &str = "capabilities^{}";

/// Which branches and tags are wanted.
#[derive(Debug, Default)]
pub(in crate::source) struct Wanted {
    /// `None` for all.
    labels: Option<Arc<GlobSet>>,
    /// The full names that count besides; `None` for all.
    only: Option<HashSet<String>>,
    /// True once something was left out for its label.
    hidden: AtomicBool,
}

impl Wanted {
    /// The branches and tags with a label that one of the globs allows.
    pub(in crate::source) fn new(labels: &[String]) -> Result<Self, globset::Error> {
        let all = labels.iter().any(|glob| glob == "*" || glob == "**");
        let labels = if all { None } else { Some(Arc::new(compile(labels)?)) };
        Ok(Self { labels, only: None, hidden: AtomicBool::new(false) })
    }

    /// The same for these full names alone.
    pub(in crate::source) fn only(&self, names: &[String]) -> Self {
        let only = Some(names.iter().cloned().collect());
        Self { labels: self.labels.clone(), only, hidden: AtomicBool::new(self.has_hidden()) }
    }

    /// True for branches and tags with an allowed label and a name that Git allows and that does not give away what was sent;
    /// a server may send others.
    pub(in crate::source) fn has(&self, name: &str) -> bool {
        let label = name.strip_prefix("refs/heads/").or_else(|| name.strip_prefix("refs/tags/"));
        let Some(label) =
            label.filter(|_| name.len() <= MAX_NAME && git2::Reference::is_valid_name(name) && !repeats_secret(name))
        else {
            return false;
        };
        let is_wanted = self.labels.as_ref().is_none_or(|labels| labels.is_match(label));
        self.hidden.fetch_or(!is_wanted, Ordering::Relaxed);
        is_wanted && self.only.as_ref().is_none_or(|only| only.contains(name))
    }

    /// True if there were branches or tags that the settings do not allow.
    pub(in crate::source) fn has_hidden(&self) -> bool {
        self.hidden.load(Ordering::Relaxed)
    }
}

/// Globs for labels; `*` crosses `/`.
pub(in crate::source) fn compile(globs: &[String]) -> Result<GlobSet, globset::Error> {
    let mut set = GlobSetBuilder::new();
    for glob in globs {
        set.add(GlobBuilder::new(glob).literal_separator(false).build()?);
    }
    set.build()
}

/// The failure of a repository whose ids this build of libgit2 cannot read.
pub(in crate::source) fn other_hash(name: &str) -> FetchError {
    FetchError::new("protocol", format!("its objects are named by `{name}`, and only SHA-1 is supported"))
        .with_hint("make a repository with --object-format=sha1; Git cannot convert one in place")
}

/// Reads the next line that is to be passed on, with its length in front; empty at the end.
pub(super) fn next_line(lines: &mut impl Read, wanted: &Wanted) -> Result<Vec<u8>, LineError> {
    loop {
        let mut line = Vec::new();
        lines.take(4).read_to_end(&mut line)?;
        if line.is_empty() {
            return Ok(line);
        }
        let length = std::str::from_utf8(&line).ok().filter(|digits| digits.bytes().all(|d| d.is_ascii_hexdigit()));
        let length = length.and_then(|digits| u64::from_str_radix(digits, 16).ok()).filter(|_| line.len() == 4);
        match length {
            Some(0) => return Ok(line),
            Some(length @ 5..) => drop(lines.take(length - 4).read_to_end(&mut line)?),
            // A line without content, or one of a version of the protocol that was not asked for.
            _ => return Err(no_repository().into()),
        }
        if let Some(line) = kept(line, wanted)? {
            return Ok(line);
        }
    }
}

/// Why a line could not be read: the connection, which has told its failure itself, or what stands in the line.
#[derive(Debug)]
pub(super) enum LineError {
    Connection(io::Error),
    Content(FetchError),
}

impl From<io::Error> for LineError {
    fn from(error: io::Error) -> Self {
        Self::Connection(error)
    }
}

impl From<FetchError> for LineError {
    fn from(error: FetchError) -> Self {
        Self::Content(error)
    }
}

/// The line as libgit2 shall see it; `None` if not at all.
fn kept(line: Vec<u8>, wanted: &Wanted) -> Result<Option<Vec<u8>>, FetchError> {
    let line = without_odd_words(line);
    let content = line.get(4..).unwrap_or_default();
    let (reference, abilities) = match content.iter().position(|byte| *byte == 0) {
        Some(at) => (&content[..at], Some(&content[at..])),
        None => (content.strip_suffix(b"\n").unwrap_or(content), None),
    };
    if let Some(format) = abilities.and_then(object_format) {
        return Err(other_hash(&format));
    }
    let digits = reference.iter().take_while(|byte| byte.is_ascii_hexdigit()).count();
    if digits < DIGITS || reference.get(digits) != Some(&b' ') {
        return Ok(Some(line)); // no ref: a comment, an error of the server, nonsense
    }
    if digits != DIGITS {
        return Err(other_hash("sha256"));
    }
    let name = std::str::from_utf8(&reference[DIGITS + 1..]).ok();
    if name.is_some_and(|name| name == "HEAD" || name == NO_NAME || wanted.has(name)) {
        return Ok(Some(line));
    }
    Ok(abilities.map(|abilities| {
        let rest = [&reference[..=DIGITS], NO_NAME.as_bytes(), abilities].concat();
        [format!("{:04x}", rest.len() + 4).as_bytes(), &rest].concat()
    }))
}

/// The line without what a server says of itself that is no text, such as an odd name of its default branch: the `git2`
/// crate panics at it.
fn without_odd_words(line: Vec<u8>) -> Vec<u8> {
    let Some(at) = line.iter().position(|byte| *byte == 0).filter(|_| std::str::from_utf8(&line).is_err()) else {
        return line;
    };
    let (reference, abilities) = (line.get(4..at).unwrap_or_default(), &line[at + 1..]);
    let words = abilities.split(|byte| *byte == b' ').filter(|word| std::str::from_utf8(word).is_ok());
    let words: Vec<&[u8]> = words.collect();
    let rest = [reference, &[0], &words.join(&b' ')].concat();
    [format!("{:04x}", rest.len() + 4).as_bytes(), &rest].concat()
}

/// The kind of ids that a server says it uses, if it is not the one that is understood.
fn object_format(abilities: &[u8]) -> Option<String> {
    let text = String::from_utf8_lossy(abilities);
    let format = text.split([' ', '\0', '\n']).find_map(|word| word.strip_prefix("object-format="))?;
    let usual = |c: char| c.is_ascii_alphanumeric() || c == '-';
    (format != "sha1").then(|| format.chars().filter(|c| usual(*c)).take(16).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "0123456789012345678901234567890123456789";

    fn line(content: &[u8]) -> Vec<u8> {
        [format!("{:04x}", content.len() + 4).as_bytes(), content].concat()
    }

    /// What is passed on of these lines, one a line, NUL shown as `|`.
    fn passed(contents: &[&[u8]], labels: &[&str]) -> Result<String, String> {
        let wanted = Wanted::new(&labels.iter().map(|label| (*label).to_owned()).collect::<Vec<_>>()).unwrap();
        let sent = contents.iter().flat_map(|content| line(content)).chain(*b"0000").collect::<Vec<u8>>();
        let mut rest = &sent[..];
        let mut shown = String::new();
        loop {
            match next_line(&mut rest, &wanted) {
                Ok(line) if line == b"0000" => return Ok(shown),
                Ok(line) => {
                    let text = String::from_utf8(line[4..].to_vec()).unwrap().replace(ID, "ID").replace('\0', "|");
                    assert_eq!(line[..4], super::tests::line(&line[4..])[..4]);
                    shown += &(text.trim_end().to_owned() + "\n");
                }
                Err(LineError::Content(error)) => return Err(error.message),
                Err(LineError::Connection(error)) => panic!("{error}"),
            }
        }
    }

    fn of(name: &str) -> Vec<u8> {
        format!("{ID} {name}\n").into_bytes()
    }

    #[test]
    fn bad_f18_only_branches_and_tags_with_names_that_git_allows_are_passed_on() {
        let long = format!("refs/heads/{}", "x".repeat(60_000));
        let names = [
            "refs/heads/main",
            "refs/heads/../../x",
            "refs/heads/a\nb",
            "refs/heads/a b",
            "refs/heads/.lock",
            "refs/heads/x.lock",
            "refs/heads/-x",
            "refs/heads/",
            "refs/pull/7/head",
            "refs/replace/x",
            "refs/tags/v1",
            "refs/tags/v1^{}",
            &long,
        ];
        let mut lines: Vec<Vec<u8>> = vec![format!("{ID} HEAD\0side-band-64k\n").into_bytes()];
        lines.extend(names.iter().map(|name| of(name)));
        lines.push([ID.as_bytes(), b" refs/heads/caf\xe9\n"].concat());
        let lines: Vec<&[u8]> = lines.iter().map(Vec::as_slice).collect();
        assert_eq!(
            passed(&lines, &["*"]).unwrap(),
            "ID HEAD|side-band-64k\nID refs/heads/main\nID refs/heads/-x\nID refs/tags/v1\n"
        );
    }

    #[test]
    fn labels_that_are_not_allowed_are_not_even_listed() {
        let first = format!("{ID} refs/heads/secret\0ofs-delta\n").into_bytes();
        let names = ["refs/heads/main", "refs/heads/release/1", "refs/tags/v1", "refs/tags/w1"].map(of);
        let mut lines: Vec<&[u8]> = vec![b"# service=git-upload-pack\n", &first];
        lines.extend(names.iter().map(Vec::as_slice));
        assert_eq!(
            passed(&lines, &["main", "release/*", "v*"]).unwrap(),
            "# service=git-upload-pack\nID capabilities^{}|ofs-delta\nID refs/heads/main\nID refs/heads/release/1\n\
             ID refs/tags/v1\n"
        );
    }

    #[test]
    fn a_repository_of_sha_256_is_told_by_name() {
        let told = "its objects are named by `sha256`, and only SHA-1 is supported\n\
                    hint: make a repository with --object-format=sha1; Git cannot convert one in place";
        let zeros = format!("{} capabilities^{{}}\0agent=x object-format=sha256\n", "0".repeat(64));
        let long = format!("{} refs/heads/main\0agent=x\n", "0".repeat(64));
        for line in [zeros, long] {
            assert_eq!(passed(&[line.as_bytes()], &["*"]).unwrap_err(), told);
        }
        let sha1 = format!("{ID} HEAD\0object-format=sha1 agent=x\n");
        assert!(passed(&[sha1.as_bytes()], &["*"]).is_ok());
    }

    #[test]
    fn bad_g19_lengths_that_lie_are_no_repository() {
        let wanted = Wanted::default();
        for sent in ["0", "00x5", "+005a", "0001", "0004", "0003abc", "zzzz"] {
            let told = next_line(&mut sent.as_bytes(), &wanted);
            assert!(matches!(told, Err(LineError::Content(_))), "{sent}: {told:?}");
        }
        assert_eq!(next_line(&mut &b""[..], &wanted).unwrap(), b"");
        assert_eq!(
            next_line(&mut &b"0009ab"[..], &wanted).unwrap(),
            b"0009ab",
            "libgit2 tells that the rest is missing"
        );
    }

    #[test]
    fn nothing_that_is_allowed_is_told_apart_from_nothing_at_all() {
        let wanted = Wanted::new(&["x".to_owned()]).unwrap();
        assert!(!wanted.has("refs/pull/1/head") && wanted.has("refs/heads/x") && !wanted.has_hidden());
        assert!(!wanted.has("refs/heads/main") && wanted.has_hidden());
    }
}
