//! The values of settings: the kinds there are, how each is read from a file, a variable or a flag, and how it is shown.
//!
//! Sizes and durations are in `unit.rs`. Whether values go together is for `build.rs`.

use std::fmt;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Component, Path, PathBuf};
use std::time::Duration;

use crate::config::foreign;
use crate::config::layer::Data;
use crate::config::problem::Position;
use crate::config::secret_string::SecretString;
use crate::config::select::SearchPaths;
use crate::config::value::Number as Digits;
use crate::secret::key::{self, Key};
use crate::store::patterns;
use crate::telemetry;

use super::origin::shown;
use super::unit;

/// What a setting takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// One of these words; and words that a later version will take.
    Choice(&'static [&'static str], &'static [&'static str]),
    /// Any text of one line.
    Text,
    /// The name of a source, which becomes part of a folder's name.
    Name,
    /// The address of a Git repository.
    Git,
    /// A folder of this machine.
    Folder,
    /// A file of this machine.
    File,
    /// A folder in a repository.
    Within,
    /// A password or token.
    Credential,
    /// The name of a key.
    KeyId,
    /// The text of a key.
    KeyText,
    /// Hexadecimal digits.
    Salt,
    /// `true` or `false`.
    Switch,
    /// An IP address and a port.
    Address,
    /// A path in front of all routes.
    Prefix,
    /// A number of bytes.
    Size(Span),
    /// A number of things.
    Number(Span),
    /// A duration; its span is in milliseconds.
    Time(Span),
    /// A list of globs.
    Globs,
    /// A list of patterns of addresses.
    Patterns,
    /// A list of search paths.
    Folders,
    /// What is logged.
    Directives,
}

/// The least and the most that a number may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Span {
    pub(super) least: u64,
    pub(super) most: u64,
}

/// The value of a setting.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    /// A word or text.
    Text(String),
    /// Texts in order.
    Texts(Vec<String>),
    /// The address of a Git repository; it may hold a password.
    Git(String),
    /// `true` or `false`.
    Switch(bool),
    /// A number of things.
    Number(u64),
    /// Bytes.
    Size(u64),
    /// A duration.
    Time(Duration),
    /// Where to listen.
    Address(SocketAddr),
    /// An absolute path, unless the working directory is not known.
    Path(PathBuf),
    /// A password or token.
    Secret(SecretString),
    /// A key that seals and opens values.
    Key(Key),
}

/// Why a value cannot be used, as what follows the name of its setting.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Reason {
    pub(super) message: String,
    pub(super) hint: Option<String>,
    /// The place of the item at fault, if it is one of a list.
    pub(super) at: Option<Position>,
}

impl<T: Into<String>> From<T> for Reason {
    fn from(message: T) -> Self {
        Self { message: message.into(), hint: None, at: None }
    }
}

impl Reason {
    fn with_hint(self, hint: impl Into<String>) -> Self {
        Self { hint: Some(hint.into()), ..self }
    }
}

impl Kind {
    /// True if the value is a list.
    pub(super) const fn is_list(self) -> bool {
        matches!(self, Self::Globs | Self::Folders | Self::Patterns)
    }

    /// Reads a value. Relative paths are relative to `base`.
    pub(super) fn read(self, data: &Data, base: &Path) -> Result<Value, Reason> {
        match self {
            Self::Size(span) => self.number(data, span, unit::size).map(Value::Size),
            Self::Number(span) => self.number(data, span, |text| text.parse().ok()).map(Value::Number),
            Self::Time(span) => self.number(data, span, unit::milliseconds).map(Duration::from_millis).map(Value::Time),
            Self::Switch => match data {
                Data::Bool(value) => Ok(Value::Switch(*value)),
                Data::Text(text) if matches!(&**text, "true" | "1") => Ok(Value::Switch(true)),
                Data::Text(text) if matches!(&**text, "false" | "0") => Ok(Value::Switch(false)),
                _ => Err(self.unlike(data)),
            },
            Self::Globs | Self::Folders | Self::Patterns => self.texts(data).map(Value::Texts),
            _ => match data {
                Data::Text(text) => self.text(text, base),
                _ => Err(self.unlike(data)),
            },
        }
    }

    fn text(self, text: &str, base: &Path) -> Result<Value, Reason> {
        if text.contains(char::is_control) {
            return Err(Reason::from("holds a control character").with_hint("is there a line end too many?"));
        }
        match self {
            Self::Choice(_, later) if later.contains(&text) => {
                Err(format!("is `{text}`, which is not available in this version").into())
            }
            Self::Choice(words, _) if !words.contains(&text) => Err(self.unlike(&Data::Text(text.into()))),
            Self::Name if !is_name(text) => {
                let message = format!("is `{}`, but takes up to 64 letters, digits, `.`, `_` and `-`", shown(text));
                Err(message.into())
            }
            Self::Git if text.is_empty() || text.starts_with('-') => Err("is no address of a repository".into()),
            Self::Git => Ok(Value::Git(git(text, base))),
            Self::Folder | Self::File if text.is_empty() => Err("is empty, but takes a path".into()),
            Self::Folder | Self::File => Ok(Value::Path(resolve(base, text))),
            Self::Within if !is_within(text) => {
                let message = format!("is `{}`, which is not a folder below the root of the repository", shown(text));
                Err(message.into())
            }
            Self::Credential => Ok(Value::Secret(SecretString::new(text))),
            Self::KeyId if key::KeyId::new(text).is_err() => {
                Err(format!("is `{}`, but takes up to 32 of `a`-`z`, `0`-`9` and `-`", shown(text)).into())
            }
            Self::KeyText => Key::from_text(text).map(Value::Key).map_err(|error| {
                Reason::from(format!("cannot be used: {error}")).with_hint("make a key with `layerd keygen`")
            }),
            Self::Salt if !is_salt(text) => {
                let message = format!("is `{}`, but takes an even number of hexadecimal digits", shown(text));
                Err(Reason::from(message).with_hint("it is what Spring calls `encrypt.salt`"))
            }
            Self::Address => address(text).map(Value::Address).ok_or_else(|| self.unlike(&Data::Text(text.into()))),
            Self::Prefix if !is_prefix(text) => {
                Err(Reason::from(format!("is `{}`, which is no path in front of others", shown(text)))
                    .with_hint("write it as `/config`: a `/` before every name, none at the end"))
            }
            Self::Directives => match telemetry::check(text) {
                Ok(()) => Ok(Value::Text(text.to_owned())),
                Err(message) => {
                    Err(Reason::from(message).with_hint("write it as `info` or `info,layerd::source=debug`"))
                }
            },
            _ => Ok(Value::Text(text.to_owned())),
        }
    }

    fn texts(self, data: &Data) -> Result<Vec<String>, Reason> {
        let Data::List(items) = data else { return Err(self.unlike(data)) };
        let mut texts = Vec::with_capacity(items.len());
        for item in items {
            let fault = match &item.data {
                Data::Text(text) => {
                    texts.push(text.to_string());
                    self.fault_of_item(text)
                }
                other => Some(format!("holds {}, but takes texts", told(other))),
            };
            if let Some(message) = fault {
                return Err(Reason { at: Some(item.at), ..message.into() });
            }
        }
        Ok(texts)
    }

    fn fault_of_item(self, text: &str) -> Option<String> {
        match self {
            Self::Folders => SearchPaths::parse(&[text]).err().map(|error| format!("holds no search path: {error}")),
            _ if text.is_empty() => Some("holds an empty text".to_owned()),
            Self::Patterns => {
                patterns::Patterns::parse(&[text]).err().map(|error| format!("holds {}", shown(&error.to_string())))
            }
            _ => globset::Glob::new(text).err().map(|error| format!("holds no glob: {}", shown(&error.to_string()))),
        }
    }

    fn number(self, data: &Data, span: Span, read: impl Fn(&str) -> Option<u64>) -> Result<u64, Reason> {
        let number = match data {
            Data::Text(text) => read(text),
            // The text of a number alone is no duration.
            Data::Number(Digits::Integer(number)) => read(&number.to_string()),
            _ => None,
        };
        number.filter(|number| (span.least..=span.most).contains(number)).ok_or_else(|| self.unlike(data))
    }

    /// The reason for a value of another kind or beyond the span.
    fn unlike(self, data: &Data) -> Reason {
        let (expected, hint) = match self {
            Self::Choice(words, _) => (one_of(words), None),
            Self::Switch => ("`true` or `false`".to_owned(), None),
            Self::Address => ("an address and a port".to_owned(), Some("write it as `127.0.0.1:8888` or `[::1]:8888`")),
            Self::Number(span) => (format!("a number from {} to {}", span.least, span.most), None),
            Self::Size(span) => (
                format!("a size from {} to {}", unit::spell_size(span.least), unit::spell_size(span.most)),
                Some("write it as `64KiB`, `1MiB` or a number of bytes"),
            ),
            Self::Time(span) => {
                let [least, most] = [span.least, span.most].map(|time| unit::spell_time(Duration::from_millis(time)));
                (format!("a duration from {least} to {most}"), Some("write it as `500ms`, `30s`, `1m30s` or `1h`"))
            }
            Self::Globs | Self::Folders | Self::Patterns => ("a list".to_owned(), Some("write it as `[one, two]`")),
            _ if matches!(data, Data::Number(_) | Data::Bool(_)) => ("text".to_owned(), Some("put it in quotes")),
            _ => ("text".to_owned(), None),
        };
        let is =
            if matches!(self, Self::Credential | Self::KeyText) { "something else".to_owned() } else { told(data) };
        Reason { hint: hint.map(str::to_owned), ..format!("is {is}, but takes {expected}").into() }
    }
}

fn one_of(words: &[&str]) -> String {
    let quoted: Vec<_> = words.iter().map(|word| format!("`{word}`")).collect();
    match quoted.split_last() {
        Some((last, rest)) if !rest.is_empty() => format!("{} or {last}", rest.join(", ")),
        _ => quoted.concat(),
    }
}

fn told(data: &Data) -> String {
    match data {
        Data::Null => "empty".to_owned(),
        Data::Bool(value) => value.to_string(),
        Data::Number(number) => shown(&number.to_string()),
        Data::Text(text) => format!("`{}`", shown(text)),
        Data::List(_) => "a list".to_owned(),
        Data::Map(_) => "a map".to_owned(),
        Data::Secret(_) => "a secret".to_owned(),
        Data::Foreign(_) => "bytes or a time".to_owned(),
    }
}

fn is_name(text: &str) -> bool {
    let is_fine = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
    (1..=64).contains(&text.len()) && text.bytes().all(is_fine)
}

fn is_salt(text: &str) -> bool {
    !text.is_empty() && text.len().is_multiple_of(2) && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

fn is_within(text: &str) -> bool {
    !text.starts_with('/') && !text.contains('\\') && !text.split('/').any(|segment| matches!(segment, "." | ".."))
}

fn is_prefix(text: &str) -> bool {
    let is_fine = |byte: u8| byte.is_ascii_alphanumeric() || b"._~-".contains(&byte);
    let is_segment =
        |segment: &str| !segment.is_empty() && segment != "." && segment != ".." && segment.bytes().all(is_fine);
    text.is_empty() || text.strip_prefix('/').is_some_and(|rest| rest.split('/').all(is_segment))
}

/// `localhost` is taken for the loopback address, so that no name has to be looked up.
fn address(text: &str) -> Option<SocketAddr> {
    let localhost = || text.strip_prefix("localhost:")?.parse().ok().map(|port| (Ipv4Addr::LOCALHOST, port).into());
    text.parse().ok().or_else(localhost)
}

/// A path becomes absolute; a URL, and what looks like `user@host:path`, stays as written.
fn git(text: &str, base: &Path) -> String {
    let is_path = text.find(':').is_none_or(|colon| text[..colon].contains('/'));
    match is_path {
        true => resolve(base, text).to_string_lossy().into_owned(),
        false => text.to_owned(),
    }
}

fn resolve(base: &Path, path: &str) -> PathBuf {
    base.join(path).components().filter(|part| *part != Component::CurDir).collect()
}

impl Value {
    /// True if it is a secret, or a URL that holds one.
    pub(super) fn holds_secret(&self) -> bool {
        match self {
            Self::Secret(_) | Self::Key(_) => true,
            // The user of an SSH address is no secret, and a password is not taken there.
            Self::Git(url) => {
                url.get(..4).is_some_and(|scheme| scheme.eq_ignore_ascii_case("http"))
                    && foreign::without_logins(url) != *url
            }
            _ => false,
        }
    }
}

/// The value as a settings file would have it, on one line; secrets and passwords in URLs as stars.
impl fmt::Display for Value {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) => out.write_str(&scalar(&foreign::without_logins(text))),
            Self::Texts(texts) => {
                let quoted: Vec<_> = texts.iter().map(|text| quoted(&foreign::without_logins(text))).collect();
                write!(out, "[{}]", quoted.join(", "))
            }
            Self::Git(url) => out.write_str(&scalar(&address_shown(url))),
            Self::Switch(value) => value.fmt(out),
            Self::Number(number) => number.fmt(out),
            Self::Size(bytes) => out.write_str(&unit::spell_size(*bytes)),
            Self::Time(time) => out.write_str(&unit::spell_time(*time)),
            Self::Address(address) => out.write_str(&scalar(&address.to_string())),
            Self::Path(path) => out.write_str(&scalar(&foreign::without_logins(&path.to_string_lossy()))),
            Self::Secret(_) | Self::Key(_) => out.write_str(r#""***""#),
        }
    }
}

/// The text as a YAML scalar of one line.
fn scalar(text: &str) -> String {
    match serde_yaml::to_string(text) {
        Ok(plain) if !plain.trim_end().contains(foreign::is_hidden) => plain.trim_end().to_owned(),
        _ => quoted(text),
    }
}

fn quoted(text: &str) -> String {
    foreign::json(&serde_json::Value::from(text).to_string()).into_owned()
}

/// The address of a repository with stars for user, password and query: tokens stand in all three.
pub(super) fn address_shown(url: &str) -> String {
    let shown = foreign::without_logins(url);
    match shown.split_once('?').filter(|_| shown.contains("://")) {
        Some((before, _)) => format!("{before}?***"),
        None => shown.into_owned(),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::settings::known;

    fn read(name: &str, text: &str) -> Result<String, String> {
        let kind = known::find(name).unwrap().kind;
        let value = kind.read(&Data::Text(Arc::from(text)), Path::new("/base"));
        value.map(|value| value.to_string()).map_err(|reason| reason.message)
    }

    #[test]
    fn numbers_stay_within_their_span() {
        assert_eq!(read("limits.depth", "128"), Ok("128".to_owned()));
        for bad in ["0", "129", "-1", "+", "", "1.5", "18446744073709551616"] {
            let expected = format!("is `{bad}`, but takes a number from 1 to 128");
            assert_eq!(read("limits.depth", bad), Err(expected));
        }
    }

    #[test]
    fn addresses_need_a_port_and_no_look_up() {
        assert_eq!(read("http.listen", "localhost:80"), Ok("127.0.0.1:80".to_owned()));
        assert_eq!(read("http.listen", "[::1]:0"), Ok("'[::1]:0'".to_owned()));
        for bad in ["8888", ":8888", "example.org:80", "127.0.0.1", "127.0.0.1:65536", "localhost:x"] {
            assert_eq!(read("http.listen", bad), Err(format!("is `{bad}`, but takes an address and a port")));
        }
    }

    #[test]
    fn prefixes_begin_with_a_slash_and_end_without() {
        for good in ["/config", "/a/b-c_d.e~f", ""] {
            assert!(read("http.prefix", good).is_ok(), "{good}");
        }
        for bad in ["config", "/config/", "/", "//", "/a//b", "/a b", "/..", "/{x}"] {
            let expected = format!("is `{bad}`, which is no path in front of others");
            assert_eq!(read("http.prefix", bad), Err(expected));
        }
    }

    #[test]
    fn relative_paths_start_at_the_base_and_urls_do_not() {
        assert_eq!(read("state", "./a/../b"), Ok("/base/a/../b".to_owned()));
        assert_eq!(read("state", "/abs"), Ok("/abs".to_owned()));
        assert_eq!(read("sources[].git", "../repo"), Ok("/base/../repo".to_owned()));
        assert_eq!(read("sources[].git", "./a:b"), Ok("/base/a:b".to_owned()));
        assert_eq!(read("sources[].git", "git@host:team/x.git"), Ok("git@host:team/x.git".to_owned()));
        assert_eq!(read("sources[].git", "--upload-pack=x"), Err("is no address of a repository".to_owned()));
    }

    #[test]
    fn passwords_in_urls_are_not_shown() {
        let shown = |url| read("sources[].git", url).unwrap();
        assert_eq!(shown("https://user:pa@ss@host/x@y"), "https://***@host/x@y");
        assert_eq!(shown("https://token@host"), "https://***@host");
        assert_eq!(shown("https://host/a@b"), "https://host/a@b");
        assert_eq!(shown("https://host/x?private_token=abc"), "https://host/x?***");
        assert_eq!(shown("user:pass@host:x"), "'***@host:x'");
        assert_eq!(shown("//user:pass@host/x"), "/***@host/x");
        assert_eq!(read("sources[].dir", "https://u:pw@h/x"), Ok("/base/https:/***@h/x".to_owned()));
        assert_eq!(read("sources[].label", "https://u:pw@h"), Ok("https://***@h".to_owned()));
        assert_eq!(read("sources[].label", "a\u{202e}b"), Ok("\"a\\u202eb\"".to_owned()));
    }

    #[test]
    fn folders_in_a_repository_stay_in_it() {
        assert_eq!(read("sources[].path", "a/b/"), Ok("a/b/".to_owned()));
        for bad in ["../x", "/x", "a/../b", "a\\b"] {
            assert!(read("sources[].path", bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn names_of_sources_are_plain() {
        assert!(read("sources[].name", "team.a_b-1").is_ok());
        for bad in ["", "a/b", "a b", "é", &"x".repeat(65)] {
            assert!(read("sources[].name", bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn secrets_are_stars_wherever_they_are_printed() {
        let secret = Value::Secret(SecretString::new("hunter2"));
        assert_eq!(secret.to_string(), r#""***""#);
        assert_eq!(format!("{secret:?}"), "Secret(***)");
        let kind = known::find("sources[].credentials.token").unwrap().kind;
        let number = Data::Number(Digits::Integer(12345));
        assert_eq!(kind.read(&number, Path::new("/")).unwrap_err().message, "is something else, but takes text");
    }

    #[test]
    fn every_default_is_a_value_of_its_kind() {
        for known in known::KNOWN.iter().filter(|known| known.default.is_some()) {
            assert_eq!(
                known::default_of(known).unwrap().to_string(),
                known.default.unwrap().replace(r#""""#, "''"),
                "{}",
                known.name
            );
        }
    }
}
