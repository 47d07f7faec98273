//! Files by which a remote and this server prove to one another who they are: keys, certificates, known hosts.
//!
//! Only their paths are kept. They are read at each fetch, so that a renewed one is used without a restart.

use std::io;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::{Location, Remote};
use crate::source::{FetchError, SetupError, private, regular};

/// The longest file that is read, in bytes; the bundles that systems ship have a quarter of it.
const MAX_FILE: usize = 1 << 20;

/// The paths; what is `None` is left to the system.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Files {
    /// The private key for SSH.
    pub ssh_key: Option<PathBuf>,
    /// The host keys that SSH accepts, as `ssh-keyscan` prints them.
    pub known_hosts: Option<PathBuf>,
    /// The authorities that may vouch for an `https` remote, in PEM, in place of those of the system.
    pub ca: Option<PathBuf>,
    /// The certificate that this server shows, in PEM.
    pub client_cert: Option<PathBuf>,
    /// The key of that certificate, in PEM; `None` if it is in the same file.
    pub client_key: Option<PathBuf>,
}

impl Files {
    /// Refuses files that mean nothing for the remote, so that nobody believes in a protection that is not there.
    ///
    /// # Errors
    /// Names the setting.
    pub(in crate::source) fn check(&self, remote: &Remote) -> Result<(), SetupError> {
        let is_ssh = matches!(remote.location(), Location::Ssh(_));
        let is_https = matches!(remote.location(), Location::Http(url) if url.starts_with("https:"));
        let files = [
            ("credentials.ssh-key-file", &self.ssh_key, is_ssh, "SSH"),
            ("credentials.known-hosts-file", &self.known_hosts, is_ssh, "SSH"),
            ("credentials.ca-file", &self.ca, is_https, "https"),
            ("credentials.client-cert-file", &self.client_cert, is_https, "https"),
            ("credentials.client-key-file", &self.client_key, is_https, "https"),
        ];
        for (setting, path, applies, scheme) in files {
            let Some(path) = path else { continue };
            if !applies {
                let message = format!("is for a remote over {scheme}, which `{remote}` is not");
                return Err(SetupError::new(setting, message));
            }
            // OpenSSH would put something else in their place.
            if is_ssh && !path.to_str().is_some_and(|path| !path.contains(['"', '$', '%']) && path.starts_with('/')) {
                let message = format!("`{}` is not absolute, not UTF-8, or holds `\"`, `$` or `%`", path.display());
                return Err(SetupError::new(setting, message));
            }
        }
        if self.client_key.is_some() && self.client_cert.is_none() {
            let message = "is the key of a certificate that is not given\nhint: set credentials.client-cert-file";
            return Err(SetupError::new("credentials.client-key-file", message));
        }
        Ok(())
    }

    /// The authorities to trust, if they are not those of the system.
    pub(in crate::source) fn authorities(&self) -> Result<Option<Vec<u8>>, FetchError> {
        self.ca.as_deref().map(|path| read(path, "the file of authorities")).transpose()
    }

    /// The certificate to show and its key, if there is one.
    pub(in crate::source) fn identity(&self) -> Result<Option<Zeroizing<Vec<u8>>>, FetchError> {
        let Some(cert) = &self.client_cert else { return Ok(None) };
        let secret = |path, what| private::read_bytes(path, MAX_FILE).map_err(|unfit| unfit.of(what));
        // Without a key of its own the file of the certificate holds that as well.
        let Some(key) = &self.client_key else { return secret(cert, "the client certificate with its key").map(Some) };
        let key = secret(key, "the key of the client certificate")?;
        let mut pem = Zeroizing::new(read(cert, "the client certificate")?);
        pem.reserve_exact(key.len() + 1);
        pem.push(b'\n');
        pem.extend_from_slice(&key);
        Ok(Some(pem))
    }
}

fn read(path: &Path, what: &str) -> Result<Vec<u8>, FetchError> {
    regular::read(path, MAX_FILE as u64).map_err(|error| unreadable(path, what, &error))
}

/// Refuses what is not a regular file before it is named to OpenSSH, which would wait for a pipe as long as it may.
pub(in crate::source) fn check_regular(path: &Path, what: &str) -> Result<(), FetchError> {
    regular::open(path).map(drop).map_err(|error| unreadable(path, what, &error))
}

fn unreadable(path: &Path, what: &str, error: &io::Error) -> FetchError {
    FetchError::new("auth", format!("{what} `{}` cannot be read: {error}", path.display()))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    fn refusal(remote: &str, files: &Files) -> String {
        files.check(&remote.parse().unwrap()).map_or_else(|error| error.to_string(), |()| "fine".to_owned())
    }

    #[test]
    fn files_that_mean_nothing_for_the_remote_are_refused() {
        let at = |path: &str| Some(PathBuf::from(path));
        let ssh = Files { ssh_key: at("/k"), known_hosts: at("/h h"), ..Files::default() };
        assert_eq!(refusal("git@host:x", &ssh), "fine");
        assert_eq!(
            refusal("https://host/x", &ssh),
            "credentials.ssh-key-file: is for a remote over SSH, which `https://host/x` is not"
        );
        let tls = Files { ca: at("/ca"), client_cert: at("/c"), client_key: at("/k"), ..Files::default() };
        assert_eq!(refusal("https://host/x", &tls), "fine");
        assert_eq!(
            refusal("http://host/x", &tls),
            "credentials.ca-file: is for a remote over https, which `http://host/x` is not"
        );
        assert_eq!(
            refusal("https://host/x", &Files { client_cert: None, ..tls }),
            "credentials.client-key-file: is the key of a certificate that is not given\n\
             hint: set credentials.client-cert-file"
        );
        for path in ["relative", "/a\"b", "/%h", "/${HOME}/k"] {
            let told = refusal("git@host:x", &Files { ssh_key: at(path), ..Files::default() });
            assert!(told.starts_with("credentials.ssh-key-file: `"), "{told}");
        }
    }

    fn write(path: &Path, content: &[u8], mode: u32) {
        std::fs::write(path, content).unwrap();
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
    }

    #[test]
    fn a_file_with_a_key_that_others_may_read_is_refused_by_name() {
        let folder = tempfile::tempdir().unwrap();
        let (cert, key) = (folder.path().join("cert"), folder.path().join("key"));
        write(&cert, b"CERT", 0o644);
        write(&key, b"KEY", 0o604);
        let told = |client_key: Option<PathBuf>| {
            let files = Files { client_cert: Some(cert.clone()), client_key, ..Files::default() };
            let error = files.identity().unwrap_err();
            format!("{}: {}", error.reason, error.message.replace(folder.path().to_str().unwrap(), ""))
        };
        assert_eq!(
            told(Some(key)),
            "auth: the key of the client certificate `/key` can be read by others (mode 0604)\n\
             hint: `chmod 600` makes it private; in Kubernetes set `defaultMode: 0400` and, for a server that is not root, \
             `fsGroup`"
        );
        let told = told(None);
        let expected = "auth: the client certificate with its key `/cert` can be read by others (mode 0644)\n";
        assert!(told.starts_with(expected), "{told}");
    }

    #[test]
    fn a_certificate_and_its_key_are_read_anew_each_time() {
        let folder = tempfile::tempdir().unwrap();
        let (cert, key) = (folder.path().join("cert"), folder.path().join("key"));
        let files = Files { client_cert: Some(cert.clone()), client_key: Some(key.clone()), ..Files::default() };
        std::fs::write(&cert, "CERT").unwrap();
        write(&key, b"KEY", 0o600);
        assert_eq!(files.identity().unwrap().unwrap().as_slice(), b"CERT\nKEY");
        std::fs::write(&cert, "NEW").unwrap();
        assert_eq!(files.identity().unwrap().unwrap().as_slice(), b"NEW\nKEY");
        assert_eq!(files.authorities().unwrap(), None);
        std::fs::write(&cert, vec![b'x'; (1 << 20) + 1]).unwrap();
        assert!(files.identity().unwrap_err().message.ends_with("it has more than the 1048576 bytes that it may have"));
    }
}
