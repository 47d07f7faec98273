//! Why a fetch failed, in words: the sentences that several of its parts say, each in one place.

use std::cell::RefCell;

use git2::ErrorClass;
use percent_encoding::percent_decode_str;
use reqwest::Url;

use crate::config::foreign::{self, Sent};
use crate::source::remote::credentials::Login;

use crate::source::FetchError;
use crate::source::remote::Remote;

/// The longest text of a failure, in characters; servers may write into it.
const MAX_CAUSE: usize = 300;

const NO_REPOSITORY: &str = "this is not a Git repository";

const HINT_URL: &str = "check the URL; a login page or a proxy may be answering in its place";

/// A failure with the remote's name in front.
pub(in crate::source) fn not_fetched(remote: &Remote, mut error: FetchError) -> FetchError {
    // Each part is one line already, whatever the remote has said, and a hint is our own.
    let remote = remote.to_string();
    error.message = starred(&format!("`{}` was not fetched: {}", foreign::without_logins(&remote), error.message));
    error
}

/// The failure of a fetch that took longer than it may.
pub(in crate::source) fn out_of_time() -> FetchError {
    FetchError::new("timeout", "the fetch took longer than its limit")
}

pub(in crate::source) fn storage(cause: &str) -> FetchError {
    FetchError::new("storage", format!("the mirror cannot be written: {}", printable(cause)))
}

/// What libgit2 says, sorted by whose fault it is.
pub(in crate::source) fn explain(error: &git2::Error) -> FetchError {
    match error.class() {
        ErrorClass::Os | ErrorClass::Filesystem => storage(error.message()),
        _ => FetchError::new("protocol", printable(error.message())),
    }
}

/// Text that may come from the server, made fit for a log.
pub(in crate::source) fn printable(text: &str) -> String {
    // Starred before it is cut, so that no part of a secret is left.
    foreign::line(foreign::without_logins(&starred(text)).trim(), MAX_CAUSE).into_owned()
}

thread_local! {
    /// What the fetch that runs on this thread has sent; libgit2 and the transports call back on it.
    static SENT: RefCell<Sent> = RefCell::default();
}

/// While it lives, what was sent is starred in failures that are told on this thread.
pub(in crate::source) struct Sending;

impl Drop for Sending {
    fn drop(&mut self) {
        SENT.take();
    }
}

/// Says what a fetch on this thread sends.
pub(in crate::source) fn sending(login: Option<&Login>) -> Sending {
    let login = login.map(|login| Sent::login(&login.username, login.password.expose())).unwrap_or_default();
    SENT.set(PROXIES.iter().filter_map(|name| proxy(&variable(name)?)).fold(login, Sent::and));
    Sending
}

#[expect(clippy::disallowed_methods, reason = "they are no settings of ours: the HTTP client reads them by itself")]
fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

/// The variables that name proxies; these get a password of their own.
const PROXIES: [&str; 6] = ["http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"];

/// What is sent to the proxy at an address; `None` if it wants no login.
fn proxy(address: &str) -> Option<Sent> {
    let address = if address.contains("://") { address.to_owned() } else { format!("http://{address}") };
    let url = Url::parse(&address).ok()?;
    let decoded = |text| percent_decode_str(text).decode_utf8_lossy().into_owned();
    Some(Sent::login(&decoded(url.username()), &decoded(url.password()?)))
}

/// The text with stars in the place of what was sent.
pub(in crate::source) fn starred(text: &str) -> String {
    SENT.with_borrow(|sent| sent.star(text))
}

/// True if a name of the remote's holds what was sent.
pub(in crate::source) fn repeats_secret(name: &str) -> bool {
    SENT.with_borrow(|sent| sent.is_in(name))
}

/// The failure of a fetch that received more than `max_bytes`.
pub(in crate::source) fn too_large(max_bytes: u64) -> FetchError {
    FetchError::new("storage", format!("the fetch is larger than the limit of {max_bytes} bytes"))
}

/// The failure of an answer that is no repository's.
pub(super) fn no_repository() -> FetchError {
    FetchError::new("protocol", NO_REPOSITORY).with_hint(HINT_URL)
}

/// The same of an answer whose content is of another kind, as its header says.
pub(super) fn other_content(kind: &str) -> FetchError {
    if kind.is_empty() {
        return no_repository();
    }
    FetchError::new("protocol", format!("{NO_REPOSITORY}: the server sent `{}`", printable(kind))).with_hint(HINT_URL)
}
