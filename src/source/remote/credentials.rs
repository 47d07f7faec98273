//! What a fetch proves itself with: where a password or token is kept, and the login that one fetch sends.
//!
//! Files are read at each fetch, so that a rotated secret is used without a restart. Nothing here prints a secret.

use std::path::{Path, PathBuf};

use crate::config::secret_string::SecretString;
use crate::source::{FetchError, private};

/// The user sent with a token that names no user. GitHub's installation tokens ask for exactly this one; GitHub, GitLab
/// and Gitea accept any user with a personal, project or group token. Services that want another, such as GitLab's
/// OAuth tokens (`oauth2`) or Bitbucket's (`x-token-auth`), are served by naming the user.
const TOKEN_USER: &str = "x-access-token";

/// The longest secret read from a file, in bytes; anything longer is not a password file.
const MAX_SECRET: usize = 64 * 1024;

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
        password: SecretString,
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
    pub password: SecretString,
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

fn read(path: &Path) -> Result<SecretString, FetchError> {
    let password = private::read_line(path, MAX_SECRET).map_err(|unfit| unfit.of("the credentials file"))?;
    if password.expose().is_empty() {
        return Err(FetchError::new("auth", format!("the credentials file `{}` is empty", path.display())));
    }
    Ok(password)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    fn write(path: &Path, content: &[u8], mode: u32) {
        std::fs::write(path, content).unwrap();
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
    }

    #[test]
    fn a_rotated_file_is_read_anew_without_its_line_end() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("token");
        let credentials = Credentials::File { username: None, path: path.clone() };
        for (content, expected) in [("first\n", "first"), ("second\r\n", "second"), (" third ", " third ")] {
            write(&path, content.as_bytes(), 0o600);
            let login = credentials.login().unwrap().unwrap();
            assert_eq!((login.username.as_str(), login.password.expose()), ("x-access-token", expected));
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
        write(&path, b"\n", 0o600);
        assert_eq!(refusal(&credentials), "auth: the credentials file `FILE` is empty");
        write(&path, &[b'x'; 70_000], 0o600);
        assert_eq!(
            refusal(&credentials),
            "auth: the credentials file `FILE` has more than the 65536 bytes that it may have"
        );
        write(&path, b"secret", 0o644);
        assert_eq!(
            refusal(&credentials),
            "auth: the credentials file `FILE` can be read by others (mode 0644)\n\
             hint: `chmod 600` makes it private; in Kubernetes set `defaultMode: 0400` and, for a server that is not root, \
             `fsGroup`"
        );
    }

    #[test]
    fn secrets_print_as_stars() {
        let credentials = Credentials::Value { username: None, password: SecretString::new("hunter2") };
        assert_eq!(format!("{credentials:?}"), "Value { username: None, password: *** }");
        let login = credentials.login().unwrap().unwrap();
        assert_eq!(format!("{login:?}"), r#"Login { username: "x-access-token", password: *** }"#);
    }
}
