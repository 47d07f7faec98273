//! The connection of one fetch over HTTP(S): which requests a fetch makes, and the rules that they obey.
//!
//! It follows no redirect to another host, sends the login to no other place than the configured one, and ends when the
//! fetch has used up what it may. What the bytes mean is libgit2's business; how they reach it is in `transport.rs`.

use std::future::Future;
use std::io::{self, Read};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use reqwest::header::{CONTENT_TYPE, LOCATION};
use reqwest::{Certificate, Client, Identity, RequestBuilder, Response, StatusCode, Url};
use tokio::runtime::Runtime;

use super::budget::Allowance;
use super::failure::{no_repository, other_content, printable};
use super::retry_after::retry_after;
use crate::source::FetchError;
use crate::source::remote::credentials::Login;
use crate::source::remote::tls_files::Files;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// How long a server is left alone that was asked too often and does not say for how long it minds; GitHub asks for as much.
const SILENT_WISH: Duration = Duration::from_secs(60);

const MAX_REDIRECTS: usize = 3;

/// Some Git hosts answer the smart protocol only to programs whose name begins like this.
const USER_AGENT: &str = concat!("git/2.0 (layerd ", env!("CARGO_PKG_VERSION"), ")");

const HINT_AUTH: &str = "set sources[].credentials (token-file or username and password-file), or LAYERD_GIT_TOKEN";

const HINT_BUSY: &str = "the next fetch is put off for as long as the server asks, 10 minutes at most; a refresh that \
                         somebody asks for is not";

const HINT_RENEW: &str = "renew what sources[].credentials or LAYERD_GIT_TOKEN names; the user needs read access";

/// Makes aws-lc-rs the one provider of cryptography of the process. May be called any number of times.
pub fn install_crypto() {
    // An error means that a provider is there already, which is all that is wanted.
    rustls::crypto::aws_lc_rs::default_provider().install_default().ok();
}

/// The connection of one fetch.
pub(in crate::source) struct Channel {
    runtime: Runtime,
    client: Client,
    /// The repository's URL without final slash; moves along with a redirect on the same host.
    base: Mutex<String>,
    login: Option<Login>,
    allowance: Arc<Allowance>,
    failure: Mutex<Option<FetchError>>,
}

impl Channel {
    /// A channel to the repository at `url`, which has no final slash.
    pub(in crate::source) fn new(
        url: &str,
        login: Option<Login>,
        files: &Files,
        allowance: Arc<Allowance>,
    ) -> Result<Arc<Self>, FetchError> {
        install_crypto();
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(|error| FetchError::new("storage", format!("no connection can be opened: {error}")))?;
        let client = client(url, files)?;
        Ok(Arc::new(Self {
            runtime,
            client,
            base: Mutex::new(url.to_owned()),
            login,
            allowance,
            failure: Mutex::new(None),
        }))
    }

    /// Why the fetch failed, if it was the channel's doing.
    pub(super) fn take_failure(&self) -> Option<FetchError> {
        self.failure.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    fn base(&self) -> String {
        self.base.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Remembers the failure, of which libgit2 would keep only a text, and gives libgit2 an error.
    pub(super) fn fail<T>(&self, error: FetchError) -> io::Result<T> {
        self.failure.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(error);
        Err(io::Error::other("the connection failed"))
    }

    /// Waits for one step of the network, for as long as the fetch can afford.
    fn wait<T>(&self, step: impl Future<Output = reqwest::Result<T>>) -> Result<T, FetchError> {
        self.allowance.waits();
        let limited = async { tokio::time::timeout(self.allowance.patience(), step).await };
        match self.runtime.block_on(limited) {
            Ok(Ok(value)) => Ok(value),
            Ok(Err(error)) => Err(explain(&error)),
            Err(_) => Err(self.allowance.exhausted()),
        }
    }

    fn send(&self, request: RequestBuilder) -> Result<Response, FetchError> {
        let request = match &self.login {
            Some(login) => request.basic_auth(&login.username, Some(login.password.expose())),
            None => request,
        };
        self.allowance.is_patient_again();
        let response = self.wait(request.send())?;
        self.allowance.is_patient_again();
        Ok(response)
    }

    /// `GET <base>/info/refs`: the list of refs.
    pub(super) fn advertisement(self: &Arc<Self>) -> Result<Body, FetchError> {
        let mut url = format!("{}/info/refs?service=git-upload-pack", self.base());
        for _ in 0..=MAX_REDIRECTS {
            let response = self.send(self.client.get(&url))?;
            if !response.status().is_redirection() {
                return self.accept(response, "application/x-git-upload-pack-advertisement");
            }
            url = follow(&url, &response)?;
            let base = url.strip_suffix("/info/refs?service=git-upload-pack").ok_or_else(no_repository)?;
            base.clone_into(&mut self.base.lock().unwrap_or_else(PoisonError::into_inner));
        }
        Err(FetchError::new("protocol", "the server redirects without end"))
    }

    /// `POST <base>/git-upload-pack`: one round of the negotiation, answered by the pack in the last.
    pub(super) fn exchange(self: &Arc<Self>, question: Vec<u8>) -> Result<Body, FetchError> {
        let request = self
            .client
            .post(format!("{}/git-upload-pack", self.base()))
            .header(CONTENT_TYPE, "application/x-git-upload-pack-request")
            .body(question);
        let response = self.send(request)?;
        self.accept(response, "application/x-git-upload-pack-result")
    }

    fn accept(self: &Arc<Self>, response: Response, expected: &str) -> Result<Body, FetchError> {
        let status = response.status();
        let wish = retry_after(response.headers());
        let reason = match status {
            StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE => return Err(busy(status, wish)),
            // As GitHub answers who has asked too much of it.
            StatusCode::FORBIDDEN if wish.is_some() => return Err(busy(status, wish)),
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => return Err(self.refused(status)),
            StatusCode::NOT_FOUND | StatusCode::GONE => "not-found",
            status if status.is_server_error() => "unreachable",
            status if !status.is_success() => "protocol",
            _ => {
                let kind = response.headers().get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
                let kind = kind.split(';').next().unwrap_or_default().trim();
                return if kind == expected {
                    Ok(Body { channel: Arc::clone(self), response, chunk: Bytes::new() })
                } else {
                    Err(other_content(kind))
                };
            }
        };
        let error = FetchError::new(reason, format!("the server answered {status}"));
        Err(match (reason, &self.login) {
            ("not-found", None) => error.with_hint("check the URL; a private repository needs sources[].credentials"),
            ("not-found", Some(_)) => error.with_hint("check the URL, and that the credentials may read it"),
            _ => error,
        })
    }

    fn refused(&self, status: StatusCode) -> FetchError {
        match &self.login {
            None => FetchError::new("auth", format!("the server wants a login ({status})")).with_hint(HINT_AUTH),
            Some(_) => {
                FetchError::new("auth", format!("the server refused the login ({status})")).with_hint(HINT_RENEW)
            }
        }
    }
}

/// The failure of a server that could answer and does not want to now.
fn busy(status: StatusCode, wish: Option<Duration>) -> FetchError {
    let is_down = status == StatusCode::SERVICE_UNAVAILABLE;
    let reason = if is_down { "unavailable" } else { "rate-limited" };
    let retry_after = wish.or_else(|| (!is_down).then_some(SILENT_WISH));
    let error = FetchError { retry_after, ..FetchError::new(reason, format!("the server answered {status}")) };
    if wish.is_some() { error.with_hint(HINT_BUSY) } else { error }
}

fn client(url: &str, files: &Files) -> Result<Client, FetchError> {
    let mut client = Client::builder()
        .user_agent(USER_AGENT)
        .redirect(reqwest::redirect::Policy::none())
        .referer(false)
        .connect_timeout(CONNECT_TIMEOUT);
    let unusable = |what: &str, error: &reqwest::Error| {
        FetchError::new("auth", format!("the file {what} cannot be used: {}", root_cause(error)))
    };
    if !url.starts_with("https:") {
        // Plain HTTP never turns into TLS here, and must also work on a machine without any root certificate.
        client = client.tls_certs_only([]);
    } else if let Some(pem) = files.authorities()? {
        let authorities = Certificate::from_pem_bundle(&pem).map_err(|error| unusable("of authorities", &error))?;
        if authorities.is_empty() {
            return Err(FetchError::new("auth", "the file of authorities holds no certificate"));
        }
        client = client.tls_certs_only(authorities);
    }
    if let Some(pem) = files.identity()? {
        let identity = Identity::from_pem(&pem).map_err(|error| unusable("of the client certificate", &error))?;
        client = client.identity(identity);
    }
    client.build().map_err(|error| {
        FetchError::new("unreachable", format!("TLS cannot be used: {}", root_cause(&error)))
            .with_hint("install the ca-certificates of the system, or set sources[].credentials.ca-file")
    })
}

/// The body of a response, read as it arrives.
pub(super) struct Body {
    channel: Arc<Channel>,
    response: Response,
    chunk: Bytes,
}

impl Read for Body {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.chunk.is_empty() {
            match self.channel.wait(self.response.chunk()) {
                Ok(Some(chunk)) => self.chunk = chunk,
                Ok(None) => return Ok(0),
                Err(error) => return self.channel.fail(error),
            }
            if let Err(error) = self.channel.allowance.got(self.chunk.len()) {
                return self.channel.fail(error);
            }
        }
        let part = self.chunk.split_to(buffer.len().min(self.chunk.len()));
        buffer[..part.len()].copy_from_slice(&part);
        Ok(part.len())
    }
}

/// The target of a redirect, if it is on the same host.
fn follow(url: &str, response: &Response) -> Result<String, FetchError> {
    let from = Url::parse(url).map_err(|_| no_repository())?;
    let target = response.headers().get(LOCATION).and_then(|target| target.to_str().ok()).unwrap_or_default();
    let to = from.join(target).map_err(|_| no_repository())?;
    if to.origin() == from.origin() {
        return Ok(to.into());
    }
    let place = printable(&to.origin().ascii_serialization());
    Err(FetchError::new("protocol", format!("the server redirects to `{place}`, which is not followed"))
        .with_hint("if the repository has moved, set the new URL"))
}

fn explain(error: &reqwest::Error) -> FetchError {
    let cause = root_cause(error);
    match error {
        error if error.is_timeout() => FetchError::new("timeout", "the server could not be reached in time"),
        error if error.is_connect() => FetchError::new("unreachable", format!("no connection: {cause}")),
        _ => FetchError::new("unreachable", format!("the connection broke: {cause}")),
    }
}

/// The innermost cause; the outer ones repeat the URL.
fn root_cause(error: &reqwest::Error) -> String {
    let mut cause: &dyn std::error::Error = error;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    printable(&cause.to_string())
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;
    use std::time::{Duration, Instant};

    use crate::config::secret_string::SecretString;
    use crate::source::fetch::{Limits, Request, fetch};
    use crate::source::git_http::{Behaviour, GitServer};
    use crate::source::remote::credentials::Login;
    use crate::source::tests::Origin;

    /// Base64 of `me:secret`.
    const AUTHORIZATION: &str = "Basic bWU6c2VjcmV0";

    struct Outcome {
        told: String,
        took: Duration,
    }

    fn run(url: &str, password: Option<&str>, time: Duration) -> Outcome {
        let folder = tempfile::tempdir().unwrap();
        let login = password.map(|password| Login { username: "me".to_owned(), password: SecretString::new(password) });
        let limits = Limits { time, ..Limits::default() };
        let mirror = folder.path().join("gen-1");
        let request = Request { login, limits, ..Request::new(url.parse().unwrap(), mirror) };
        let start = Instant::now();
        let told = match fetch(&request) {
            Ok(_) => "fetched".to_owned(),
            Err(error) => format!("{}: {}", error.reason, error.message.replace(url, "URL")),
        };
        Outcome { told, took: start.elapsed() }
    }

    fn told(url: &str, password: Option<&str>) -> String {
        run(url, password, Duration::from_secs(30)).told
    }

    #[test]
    fn a_private_repository_wants_a_login_and_a_refused_one_is_told_apart() {
        let origin = Origin::new();
        origin.commit("main", "a.yml", "a: 1");
        let server = GitServer::start(origin.folder.path(), Behaviour::Private(AUTHORIZATION.to_owned()));
        let url = server.url("config.git");
        assert_eq!(
            told(&url, None),
            "auth: `URL` was not fetched: the server wants a login (401 Unauthorized)\n\
             hint: set sources[].credentials (token-file or username and password-file), or LAYERD_GIT_TOKEN"
        );
        assert_eq!(
            told(&url, Some("wrong")),
            "auth: `URL` was not fetched: the server refused the login (401 Unauthorized)\n\
             hint: renew what sources[].credentials or LAYERD_GIT_TOKEN names; the user needs read access"
        );
        assert_eq!(told(&url, Some("secret")), "fetched");
    }

    #[test]
    fn a_redirect_to_another_host_gets_no_request_at_all() {
        let origin = Origin::new();
        origin.commit("main", "a.yml", "a: 1");
        let decoy = GitServer::start(origin.folder.path(), Behaviour::Serve);
        let away = Behaviour::Redirect("/config.git".to_owned(), decoy.url("config.git"));
        let server = GitServer::start(origin.folder.path(), away);
        let place = decoy.url("");
        assert_eq!(
            told(&server.url("config.git"), Some("secret")),
            format!(
                "protocol: `URL` was not fetched: the server redirects to `{}`, which is not followed\n\
                 hint: if the repository has moved, set the new URL",
                place.trim_end_matches('/')
            )
        );
        assert_eq!(decoy.seen(), []);
    }

    #[test]
    fn a_redirect_on_the_same_host_is_followed_to_the_end_of_the_fetch() {
        let origin = Origin::new();
        origin.commit("main", "a.yml", "a: 1");
        let moved = Behaviour::Redirect("/old".to_owned(), "/config.git".to_owned());
        let server = GitServer::start(origin.folder.path(), moved);
        assert_eq!(told(&server.url("old"), Some("secret")), "fetched");
        let lines: Vec<_> = server.seen().into_iter().map(|seen| seen.line).collect();
        assert_eq!(
            lines,
            [
                "GET /old/info/refs?service=git-upload-pack",
                "GET /config.git/info/refs?service=git-upload-pack",
                "POST /config.git/git-upload-pack",
            ]
        );
        let around = Behaviour::Redirect("/a".to_owned(), "/a".to_owned());
        server.behave(around);
        assert_eq!(told(&server.url("a"), None), "protocol: `URL` was not fetched: the server redirects without end");
    }

    #[test]
    fn pages_that_are_no_repository_are_named_as_such() {
        let folder = tempfile::tempdir().unwrap();
        let none = "this is not a Git repository\n\
                    hint: check the URL; a login page or a proxy may be answering in its place";
        let list = "application/x-git-upload-pack-advertisement";
        let cases: [(&str, &str, &[u8], String); 7] = [
            (
                "200 OK",
                "text/html; charset=utf-8",
                b"<html>log in</html>",
                format!("protocol: {}", none.replace('\n', ": the server sent `text/html`\n")),
            ),
            ("200 OK", "", b"<html>log in</html>", format!("protocol: {none}")),
            ("200 OK", list, b"<html>", format!("protocol: {none}")),
            ("200 OK", list, b"0", format!("protocol: {none}")),
            (
                "503 Service Unavailable",
                "text/plain",
                b"",
                "unavailable: the server answered 503 Service Unavailable".to_owned(),
            ),
            ("418 I'm a teapot", "text/plain", b"", "protocol: the server answered 418 I'm a teapot".to_owned()),
            (
                "404 Not Found",
                "text/plain",
                b"",
                "not-found: the server answered 404 Not Found\n\
                 hint: check the URL; a private repository needs sources[].credentials"
                    .to_owned(),
            ),
        ];
        for (status, kind, body, expected) in cases {
            let server = GitServer::start(folder.path(), Behaviour::Page(status, kind, body.to_vec()));
            let expected = expected.replacen(": ", ": `URL` was not fetched: ", 1);
            assert_eq!(told(&server.url("x"), None), expected);
        }
    }

    #[test]
    fn bad_g05_who_asked_too_much_is_told_apart_from_who_may_not() {
        let folder = tempfile::tempdir().unwrap();
        let asked = |status, wish: &str| {
            let server = GitServer::start(folder.path(), Behaviour::Busy(status, wish.to_owned()));
            let request = Request::new(server.url("x").parse().unwrap(), folder.path().join("gen-1"));
            let error = fetch(&request).unwrap_err();
            (error.reason, error.retry_after.map(|wait| wait.as_secs()))
        };
        assert_eq!(asked("429 Too Many Requests", "7"), ("rate-limited", Some(7)));
        assert_eq!(asked("429 Too Many Requests", "?"), ("rate-limited", Some(60)));
        assert_eq!(asked("503 Service Unavailable", "7"), ("unavailable", Some(7)));
        assert_eq!(asked("503 Service Unavailable", "?"), ("unavailable", None));
        assert_eq!(asked("403 Forbidden", "7"), ("rate-limited", Some(7)));
        assert_eq!(asked("403 Forbidden", "?"), ("auth", None));
        assert_eq!(asked("502 Bad Gateway", "7"), ("unreachable", None));
    }

    #[test]
    fn a_server_that_lies_about_the_protocol_is_an_error_and_no_panic() {
        let folder = tempfile::tempdir().unwrap();
        let list = "application/x-git-upload-pack-advertisement";
        let first = "0044 0123456789012345678901234567890123456789 refs/heads/x";
        let bodies: [&[u8]; 6] = [
            b"",
            b"0000",
            b"001e# service=git-upload-pack\n0000",
            b"001e# service=git-upload-pack\n0000ffff",
            first.as_bytes(),
            b"001e# service=git-upload-pack\n00000010ERR \x1b[31mx\0\n",
        ];
        for body in bodies {
            let server = GitServer::start(folder.path(), Behaviour::Page("200 OK", list, body.to_vec()));
            let told = told(&server.url("x"), None);
            assert!(told.starts_with("protocol: ") || told.starts_with("empty: "), "{told}");
            assert!(!told.contains('\x1b'), "{told}");
        }
    }

    #[test]
    fn a_server_that_does_not_answer_costs_no_more_than_the_limit() {
        let folder = tempfile::tempdir().unwrap();
        let server = GitServer::start(folder.path(), Behaviour::Hang);
        let outcome = run(&server.url("x"), None, Duration::from_millis(200));
        assert_eq!(outcome.told, "timeout: `URL` was not fetched: the fetch took longer than its limit");
        assert!(outcome.took < Duration::from_secs(5), "{:?}", outcome.took);
    }

    #[test]
    fn a_closed_port_is_unreachable() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/x", listener.local_addr().unwrap());
        drop(listener);
        let tls = told(&url.replace("http:", "https:"), None);
        assert!(tls.starts_with("unreachable: `URL` was not fetched: "), "{tls}");
        assert_eq!(
            told(&url, None),
            "unreachable: `URL` was not fetched: no connection: Connection refused (os error 111)"
        );
    }
}
