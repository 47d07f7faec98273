//! What a fetch proves itself with: where a password or token is kept, and the login that one fetch sends.
//!
//! Files are read at each fetch, so that a rotated secret is used without a restart. Nothing here prints a secret.

use std::fmt;
use std::path::{Path, PathBuf};

use crate::source::{FetchError, regular};

/// The user sent with a token that names no user. GitHub's installation tokens ask for exactly this one; GitHub, GitLab
/// and Gitea accept any user with a personal, project or group token. Services that want another, such as GitLab's
/// OAuth tokens (`oauth2`) or Bitbucket's (`x-token-auth`), are served by naming the user.
const TOKEN_USER: &str = "x-access-token";

/// The longest secret read from a file, in bytes; anything longer is not a password file.
const MAX_SECRET: u64 = 64 * 1024;

/// Text that prints as stars.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

/// Where the password or token of a source is kept.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Credentials {
    /// The remote is read without a login.
    #[default]
    None,
    /// The secret is in the settings or the environment.
    Value {
        /// The user; `None` for a token that needs none.
        username: Option<String>,
        /// The password or token.
        password: Secret,
    },
    /// The secret is in a file, which is read at each fetch; one line end at its end does not count.
    File {
        /// The user; `None` for a token that needs none.
        username: Option<String>,
        /// The file.
        path: PathBuf,
    },
}

/// A user and a password for one fetch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Login {
    /// The user.
    pub username: String,
    /// The password or token.
    pub password: Secret,
}

impl Secret {
    /// Wraps a secret text.
    #[must_use]
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text itself, for the wire only.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("***")
    }
}

impl Credentials {
    /// The login to use now; `None` if the remote is read without one.
    ///
    /// # Errors
    /// Reason `auth` if the file cannot be read, is empty or is not text.
    pub fn login(&self) -> Result<Option<Login>, FetchError> {
        let (username, password) = match self {
            Self::None => return Ok(None),
            Self::Value { username, password } => (username, password.clone()),
            Self::File { username, path } => (username, read(path)?),
        };
        let username = username.clone().unwrap_or_else(|| TOKEN_USER.to_owned());
        Ok(Some(Login { username, password }))
    }
}

fn read(path: &Path) -> Result<Secret, FetchError> {
    let refuse = |what: String| FetchError::new("auth", format!("the credentials file `{}` {what}", path.display()));
    let size = std::fs::metadata(path).map_err(|error| refuse(format!("cannot be read: {error}")))?.len();
    if size > MAX_SECRET {
        return Err(refuse(format!("holds {size} bytes, more than the {MAX_SECRET} of any password")));
    }
    let bytes = regular::read(path, MAX_SECRET).map_err(|error| refuse(format!("cannot be read: {error}")))?;
    let text = String::from_utf8(bytes).map_err(|_| refuse("is not UTF-8".to_owned()))?;
    let line = text.strip_suffix('\n').unwrap_or(&text);
    match line.strip_suffix('\r').unwrap_or(line) {
        "" => Err(refuse("is empty".to_owned())),
        secret => Ok(Secret::new(secret)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rotated_file_is_read_anew_without_its_line_end() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("token");
        let credentials = Credentials::File { username: None, path: path.clone() };
        for (content, expected) in [("first\n", "first"), ("second\r\n", "second"), (" third ", " third ")] {
            std::fs::write(&path, content).unwrap();
            let login = credentials.login().unwrap().unwrap();
            assert_eq!((login.username.as_str(), login.password.reveal()), ("x-access-token", expected));
        }
    }

    #[test]
    fn a_file_without_a_secret_is_refused_by_name() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("token");
        let credentials = Credentials::File { username: Some("u".to_owned()), path: path.clone() };
        let refusal = |credentials: &Credentials| {
            let error = credentials.login().unwrap_err();
            format!("{}: {}", error.reason, error.message.replace(path.to_str().unwrap(), "FILE"))
        };
        assert_eq!(
            refusal(&credentials),
            "auth: the credentials file `FILE` cannot be read: No such file or directory (os error 2)"
        );
        std::fs::write(&path, "\n").unwrap();
        assert_eq!(refusal(&credentials), "auth: the credentials file `FILE` is empty");
        std::fs::write(&path, vec![b'x'; 70_000]).unwrap();
        assert_eq!(
            refusal(&credentials),
            "auth: the credentials file `FILE` holds 70000 bytes, more than the 65536 of any password"
        );
    }

    #[test]
    fn secrets_print_as_stars() {
        let credentials = Credentials::Value { username: None, password: Secret::new("hunter2") };
        assert_eq!(format!("{credentials:?}"), "Value { username: None, password: *** }");
        let login = credentials.login().unwrap().unwrap();
        assert_eq!(format!("{login:?}"), r#"Login { username: "x-access-token", password: *** }"#);
    }
}
