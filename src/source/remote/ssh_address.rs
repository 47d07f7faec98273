//! The address of a repository behind SSH: user, host, port and path, checked so that none of them can become an option
//! of a program or a word of a shell.
//!
//! How the connection is made is in `transport/ssh.rs`; which schemes exist is for `remote/mod.rs`.

use std::fmt;

use percent_encoding::percent_decode_str;

use super::{RemoteError, refuse};

/// A repository behind SSH.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// As it was written; there is never a password in it.
    written: String,
    /// The user; `None`: whom the settings of OpenSSH name.
    user: Option<String>,
    /// A name, an address, or an alias that the settings of OpenSSH know.
    host: String,
    /// The port; `None`: 22, or what the settings of OpenSSH say.
    port: Option<u16>,
    /// The path on the host; one without `/` in front starts at the user's home.
    path: String,
}

impl Place {
    /// Parses `ssh://[user@]host[:port]/path`, given without its scheme.
    pub(super) fn of_url(written: &str, rest: &str) -> Result<Self, RemoteError> {
        let (authority, path) = rest.split_once('/').ok_or_else(|| refuse("names no path on the host"))?;
        let (user, host) = split_user(authority);
        let (host, port) = match host.strip_prefix('[') {
            Some(inner) => inner.split_once(']').ok_or_else(|| refuse("has a `[` without its `]`"))?,
            None => host.split_at(host.find(':').unwrap_or(host.len())),
        };
        let port = match port.strip_prefix(':') {
            None if port.is_empty() => None,
            Some("") => None,
            Some(port) => Some(port.parse().ok().filter(|port| *port > 0).ok_or_else(|| refuse("has no usable port"))?),
            None => return Err(refuse("has something between its host and its path")),
        };
        let user = user.map(decode).transpose()?;
        let path = decode(path)?;
        // As Git reads it: `/~user/x` is below a home, everything else below the root.
        let path = if path.starts_with('~') { path } else { format!("/{path}") };
        Self { written: written.to_owned(), user, host: host.to_owned(), port, path }.checked()
    }

    /// Parses `[user@]host:path`; `None` if the text is nothing of that kind.
    pub(super) fn of_scp(written: &str) -> Option<Result<Self, RemoteError>> {
        let before_path = written.split('/').next().filter(|before| before.contains(':'))?;
        let user_end = before_path.find(['@', ':', '[']).filter(|at| before_path[*at..].starts_with('@'));
        let (user, rest) = user_end.map_or((None, written), |at| (Some(&written[..at]), &written[at + 1..]));
        let (host, path) = match rest.strip_prefix('[') {
            Some(inner) => inner.split_once("]:")?,
            None => rest.split_once(':')?,
        };
        let (user, host, path) = (user.map(str::to_owned), host.to_owned(), path.to_owned());
        Some(Self { written: written.to_owned(), user, host, port: None, path }.checked())
    }

    fn checked(self) -> Result<Self, RemoteError> {
        let usual = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
        if self.user.as_ref().is_some_and(|user| user.contains(':')) {
            return Err(refuse("holds a password, which SSH does not take\nhint: set credentials.ssh-key-file"));
        }
        let is_word = |text: &str, also: &str| {
            !text.is_empty() && !text.starts_with('-') && text.chars().all(|c| usual(c) || also.contains(c))
        };
        if self.user.as_ref().is_some_and(|user| !is_word(user, "+@")) {
            return Err(refuse("names a user that begins with `-` or holds an unusual character"));
        }
        if !is_word(&self.host, ":") {
            return Err(refuse("names a host that is empty, begins with `-` or holds an unusual character"));
        }
        if matches!(&*self.path, "" | "/") || self.path.starts_with('-') || self.path.contains(char::is_control) {
            return Err(refuse("has a path that is empty, begins with `-` or holds a control character"));
        }
        Ok(self)
    }

    /// The port, if it is not left to OpenSSH.
    pub(in crate::source) fn port(&self) -> Option<u16> {
        self.port
    }

    /// The destination as `ssh` takes it; it never begins with `-`.
    pub(in crate::source) fn destination(&self) -> String {
        self.user.as_ref().map_or_else(|| self.host.clone(), |user| format!("{user}@{}", self.host))
    }

    /// What the host is asked to run; the shell there sees the path as one word, whatever it holds.
    pub(in crate::source) fn command(&self) -> String {
        // `!` is quoted as well, because some shells on the other side look for it even between quotes.
        let path = self.path.replace('\'', "'\\''").replace('!', "'\\!'");
        format!("git-upload-pack '{path}'")
    }
}

impl fmt::Display for Place {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.written)
    }
}

fn split_user(authority: &str) -> (Option<&str>, &str) {
    authority.rsplit_once('@').map_or((None, authority), |(user, host)| (Some(user), host))
}

/// The text without percent-escapes.
pub(super) fn decode(text: &str) -> Result<String, RemoteError> {
    let decoded = percent_decode_str(text).decode_utf8().map_err(|_| refuse("holds escapes that are not UTF-8"))?;
    Ok(decoded.into_owned())
}

#[cfg(test)]
mod tests {
    use crate::source::remote::{Location, Remote};

    fn shown(text: &str) -> String {
        match text.parse::<Remote>() {
            Err(error) => error.to_string(),
            Ok(remote) => match remote.location() {
                Location::Ssh(place) => {
                    format!("{} {:?} {}", place.destination(), place.port().unwrap_or(22), place.command())
                }
                other => format!("{other:?}"),
            },
        }
    }

    #[test]
    fn both_spellings_name_the_same_places() {
        let cases = [
            ("git@example.org:team/config.git", "git@example.org 22 git-upload-pack 'team/config.git'"),
            ("git@example.org:/srv/config", "git@example.org 22 git-upload-pack '/srv/config'"),
            ("example.org:config", "example.org 22 git-upload-pack 'config'"),
            ("git@[::1]:a@b:c", "git@::1 22 git-upload-pack 'a@b:c'"),
            ("ssh://git@example.org:2222/srv/config", "git@example.org 2222 git-upload-pack '/srv/config'"),
            ("SSH://example.org/~me/config", "example.org 22 git-upload-pack '~me/config'"),
            ("git+ssh://a%2Bb@[fe80::1]:7/x%20y", "a+b@fe80::1 7 git-upload-pack '/x y'"),
            ("ssh+git://h:/x", "h 22 git-upload-pack '/x'"),
        ];
        for (text, expected) in cases {
            assert_eq!(shown(text), expected, "{text}");
        }
        assert_eq!("git@h:x".parse::<Remote>().unwrap().to_string(), "git@h:x");
    }

    #[test]
    fn a_path_is_one_word_for_the_shell_on_the_other_side() {
        assert_eq!(shown("h:a'; rm -rf ~; '"), r"h 22 git-upload-pack 'a'\''; rm -rf ~; '\'''");
        assert_eq!(shown("ssh://h/a%27$(id)!`x`"), r"h 22 git-upload-pack '/a'\''$(id)'\!'`x`'");
    }

    #[test]
    fn bad_f20_what_could_become_an_option_is_refused() {
        let host = "names a host that is empty, begins with `-` or holds an unusual character";
        let user = "names a user that begins with `-` or holds an unusual character";
        let path = "has a path that is empty, begins with `-` or holds a control character";
        let cases = [
            ("ssh://-oProxyCommand=id/x", host),
            ("ssh://git@-oProxyCommand=id/x", host),
            ("ssh:///x", host),
            ("ssh://a b/x", host),
            ("git@-x:y", host),
            ("ssh://-l@host/x", user),
            ("ssh://a%20b@host/x", user),
            ("ssh://@host/x", user),
            ("git@host:-x", path),
            ("git@host:", path),
            ("ssh://host/", path),
            ("ssh://host/a%0ab", path),
            ("ssh://host", "names no path on the host"),
            ("ssh://host:x/y", "has no usable port"),
            ("ssh://host:0/y", "has no usable port"),
            ("ssh://[::1/y", "has a `[` without its `]`"),
            ("ssh://[::1]x/y", "has something between its host and its path"),
            ("ssh://host/%ff", "holds escapes that are not UTF-8"),
            ("ssh://me:secret@host/x", "holds a password, which SSH does not take\nhint: set credentials.ssh-key-file"),
        ];
        for (text, reason) in cases {
            assert_eq!(shown(text), format!("the address of the repository {reason}"), "{text}");
        }
        assert!(shown("-oProxyCommand=x:y").contains("begins with `-`"));
    }
}
