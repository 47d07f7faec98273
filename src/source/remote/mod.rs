//! The address of a Git repository: parsed once, free of user and password, safe to show.
//!
//! Only the schemes named here are spoken; everything that a Git program would treat as an option, a helper or a shell
//! command is refused. Nothing here opens a connection.

pub mod credentials;
pub(in crate::source) mod ssh_address;
pub mod template;
pub mod tls_files;

use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use reqwest::Url;

use crate::config::secret_string::SecretString;
use credentials::Credentials;
use ssh_address::{Place, decode};

/// The names that Git knows SSH by.
const SSH: [&str; 3] = ["ssh", "git+ssh", "ssh+git"];

/// Where a Git repository is. Its text form never holds a user or a password.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Remote {
    location: Location,
    embedded: Credentials,
}

/// The kinds of place that can be fetched from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Location {
    /// An `http` or `https` URL without user, password, query, fragment and final slash.
    Http(String),
    /// A repository behind SSH.
    Ssh(Place),
    /// An absolute path of a work tree or a bare repository on this machine.
    Folder(PathBuf),
}

/// Why a text is no address of a repository. The text itself is not repeated, because it may hold a password.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct RemoteError(pub String);

impl Remote {
    /// The place itself.
    #[must_use]
    pub fn location(&self) -> &Location {
        &self.location
    }

    /// The user and password that were written into the URL.
    #[must_use]
    pub fn embedded(&self) -> &Credentials {
        &self.embedded
    }

    fn ssh(place: Place) -> Self {
        Self { location: Location::Ssh(place), embedded: Credentials::None }
    }

    fn folder(path: &Path) -> Result<Self, RemoteError> {
        let path = std::path::absolute(path).map_err(|error| refuse(format!("is no usable path: {error}")))?;
        Ok(Self { location: Location::Folder(path), embedded: Credentials::None })
    }
}

impl fmt::Display for Remote {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.location {
            Location::Http(url) => out.write_str(url),
            Location::Ssh(place) => place.fmt(out),
            Location::Folder(path) => path.display().fmt(out),
        }
    }
}

impl FromStr for Remote {
    type Err = RemoteError;

    /// Accepts `https://`, `http://`, `ssh://`, `user@host:path`, `file://`, an absolute path, and a relative path of a
    /// folder that exists.
    fn from_str(text: &str) -> Result<Self, RemoteError> {
        if text.is_empty() || text.starts_with('-') || text.contains(char::is_control) {
            return Err(refuse("is empty, begins with `-`, or holds a control character"));
        }
        match text.split_once("://") {
            Some((scheme, _)) if scheme.eq_ignore_ascii_case("http") || scheme.eq_ignore_ascii_case("https") => {
                parse_http(text)
            }
            Some((scheme, path)) if scheme.eq_ignore_ascii_case("file") => parse_file(path),
            Some((scheme, rest)) if SSH.iter().any(|ssh| scheme.eq_ignore_ascii_case(ssh)) => {
                Place::of_url(text, rest).map(Self::ssh)
            }
            Some((scheme, _)) => Err(refuse(format!(
                "has the scheme `{}`, which is not spoken\nhint: use https://",
                scheme.rsplit(':').next().unwrap_or_default()
            ))),
            None if text.starts_with('/') => Self::folder(Path::new(text)),
            None if Path::new(text).is_dir() && !is_helper(text) => Self::folder(Path::new(text)),
            None if is_helper(text) => Err(refuse("names a remote helper, which is never run")),
            None => Place::of_scp(text).map_or_else(
                || Err(refuse("is neither a URL nor a folder that exists\nhint: a URL begins with https://")),
                |place| place.map(Self::ssh),
            ),
        }
    }
}

pub(super) fn refuse(what: impl fmt::Display) -> RemoteError {
    RemoteError(format!("the address of the repository {what}"))
}

/// `name::address`, as Git runs a program `git-remote-name` for.
fn is_helper(text: &str) -> bool {
    let usual = |c: char| c.is_ascii_alphanumeric() || matches!(c, '+' | '.' | '-' | '_');
    text.split_once("::").is_some_and(|(name, _)| name.chars().all(usual))
}

fn parse_http(text: &str) -> Result<Remote, RemoteError> {
    let mut url = Url::parse(text).map_err(|error| refuse(format!("is no URL: {error}")))?;
    if url.query().is_some() || url.fragment().is_some() {
        return Err(refuse("holds a `?` or a `#`\nhint: a token belongs into the credentials"));
    }
    let user = decode(url.username())?;
    let embedded = match url.password() {
        Some(password) => Credentials::Value {
            username: Some(user).filter(|user| !user.is_empty()),
            password: SecretString::new(decode(password)?),
        },
        // As Git hosts document it for scripts: a token alone, in the place of the user.
        None if !user.is_empty() => Credentials::Value { username: None, password: SecretString::new(user) },
        None => Credentials::None,
    };
    let cleared = url.set_username("").and_then(|()| url.set_password(None));
    cleared.map_err(|()| refuse("names no host"))?;
    Ok(Remote { location: Location::Http(url.as_str().trim_end_matches('/').to_owned()), embedded })
}

fn parse_file(path: &str) -> Result<Remote, RemoteError> {
    let path = path.strip_prefix("localhost").unwrap_or(path);
    if !path.starts_with('/') {
        return Err(refuse("is a file:// URL that does not go on with `/`\nhint: file:///absolute/path"));
    }
    let path = decode(path)?;
    if path.contains(char::is_control) {
        return Err(refuse("holds a control character"));
    }
    Remote::folder(Path::new(&path))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str) -> String {
        text.parse::<Remote>().map_or_else(|error| error.to_string(), |remote| remote.to_string())
    }

    #[test]
    fn urls_and_folders_are_accepted_in_one_spelling() {
        assert_eq!(shown("https://git.example.org/team/config.git/"), "https://git.example.org/team/config.git");
        assert_eq!(shown("HTTP://Git.Example.org:8080/x"), "http://git.example.org:8080/x");
        assert_eq!(shown("file:///srv/my%20config"), "/srv/my config");
        assert_eq!(shown("/srv/config"), "/srv/config");
        assert_eq!(shown("src"), std::env::current_dir().unwrap().join("src").to_str().unwrap());
    }

    #[test]
    fn the_user_and_password_of_a_url_are_taken_out_of_its_text() {
        let remote: Remote = "https://me:p%40ss@example.org/x".parse().unwrap();
        assert_eq!(
            format!("{remote:?}"),
            r#"Remote { location: Http("https://example.org/x"), embedded: Value { username: Some("me"), password: *** } }"#
        );
        assert_eq!(remote.embedded().login().unwrap().unwrap().password.expose(), "p@ss");
        let token: Remote = "https://ghp_abc@example.org/x".parse().unwrap();
        let login = token.embedded().login().unwrap().unwrap();
        assert_eq!((login.username.as_str(), login.password.expose()), ("x-access-token", "ghp_abc"));
    }

    #[test]
    fn addresses_that_a_git_program_would_run_are_refused() {
        let cases = [
            ("", "is empty, begins with `-`, or holds a control character"),
            ("--upload-pack=x", "is empty, begins with `-`, or holds a control character"),
            ("https://a/\nb", "is empty, begins with `-`, or holds a control character"),
            ("ext::sh -c id", "names a remote helper, which is never run"),
            ("ext::ftp://x", "has the scheme `ftp`, which is not spoken\nhint: use https://"),
            ("git://example.org/x", "has the scheme `git`, which is not spoken\nhint: use https://"),
            ("file://server/x", "is a file:// URL that does not go on with `/`\nhint: file:///absolute/path"),
            ("https://", "is no URL: empty host"),
            ("https://h/x?token=1", "holds a `?` or a `#`\nhint: a token belongs into the credentials"),
            ("no-such-folder", "is neither a URL nor a folder that exists\nhint: a URL begins with https://"),
        ];
        for (text, reason) in cases {
            assert_eq!(shown(text), format!("the address of the repository {reason}"), "{text}");
        }
    }
}
