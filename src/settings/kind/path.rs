//! Paths of this machine, and the addresses of repositories, which may be paths.

use std::path::{Component, Path, PathBuf};

use serde_json::{Value as Json, json};

use crate::config::foreign;
use crate::config::layer::Data;

use super::{Kind, ReadValue, Reason, line, scalar};

/// A file or folder of this machine; absolute unless the working directory is not known.
pub(in crate::settings) struct LocalPath;

impl Kind for LocalPath {
    type Value = PathBuf;

    fn read(&self, data: &Data, base: &Path) -> Result<ReadValue<PathBuf>, Reason> {
        let text = line(data)?;
        if text.is_empty() {
            return Err("is empty, but takes a path".into());
        }
        let path = resolve(base, text);
        let shown = path.to_string_lossy().into_owned();
        Ok(ReadValue::of_text(path, &shown))
    }

    fn schema(&self) -> Json {
        json!({ "type": "string" })
    }
}

/// The address of a Git repository: a URL, or a path. It may hold a user and a password.
pub(in crate::settings) struct GitUrl;

impl Kind for GitUrl {
    type Value = String;

    fn read(&self, data: &Data, base: &Path) -> Result<ReadValue<String>, Reason> {
        let text = line(data)?;
        if text.is_empty() || text.starts_with('-') {
            return Err("is no address of a repository".into());
        }
        let url = absolute(text, base);
        // The user of an SSH address is no secret, and a password is not taken there.
        let is_http = url.get(..4).is_some_and(|scheme| scheme.eq_ignore_ascii_case("http"));
        let holds_secret = is_http && foreign::without_logins(&url) != url;
        let shown = scalar(&address_shown(&url));
        Ok(ReadValue { value: url, shown, holds_secret })
    }

    fn schema(&self) -> Json {
        json!({ "type": "string" })
    }
}

/// A path becomes absolute; a URL, and what looks like `user@host:path`, stays as written.
fn absolute(text: &str, base: &Path) -> String {
    let is_path = text.find(':').is_none_or(|colon| text[..colon].contains('/'));
    if is_path { resolve(base, text).to_string_lossy().into_owned() } else { text.to_owned() }
}

fn resolve(base: &Path, path: &str) -> PathBuf {
    base.join(path).components().filter(|part| *part != Component::CurDir).collect()
}

/// The address of a repository with stars for user, password and query: tokens stand in all three.
pub(in crate::settings) fn address_shown(url: &str) -> String {
    let shown = foreign::without_logins(url);
    match shown.split_once('?').filter(|_| shown.contains("://")) {
        Some((before, _)) => format!("{before}?***"),
        None => shown.into_owned(),
    }
}
