//! Asking a running server: where it is, one request, and what its refusal means for the exit code.

use std::io::{self, Read as _};
use std::time::Duration;

use reqwest::blocking::{Client, RequestBuilder, Response};
use reqwest::header::{ACCEPT, CONTENT_TYPE};
use reqwest::{Method, StatusCode, Url, redirect};
use serde::Deserialize;

use crate::settings::Environment;

use super::console::{Console, Exit, Failure, plain};

const DEFAULT_URL: &str = "http://127.0.0.1:8888";

/// How long connecting may take.
const CONNECT: Duration = Duration::from_secs(5);

/// The longest body that is read, in bytes; a merged configuration is far smaller.
const LONGEST: u64 = 256 << 20;

/// How many redirects are followed: from `http` to `https` and to a new path.
const REDIRECTS: usize = 3;

/// Which server is asked.
#[derive(Debug, clap::Args)]
pub(super) struct ServerArg {
    /// The server to ask [default: LAYERD_URL, else http://127.0.0.1:8888]
    #[arg(long, value_name = "URL")]
    pub(super) server: Option<String>,
}

/// A server to ask. The token of `LAYERD_TOKEN`, if there is one, goes with every request.
pub(super) struct Server {
    base: Url,
    token: Option<String>,
}

/// What a server answered.
pub(super) struct Reply {
    status: StatusCode,
    body: Vec<u8>,
    /// What the server warns of, a sentence each.
    warnings: Vec<String>,
}

/// The members of `application/problem+json` (RFC 9457) that are told.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Told {
    code: Option<String>,
    title: Option<String>,
    detail: Option<String>,
    hint: Option<String>,
    file: Option<String>,
    line: Option<u32>,
    column: Option<u32>,
}

impl Server {
    /// The server of the argument, else of the environment, else of this machine.
    pub(super) fn new(argument: Option<&str>, environment: &Environment) -> Result<Self, Failure> {
        let text = argument.or_else(|| environment.get("LAYERD_URL")).unwrap_or(DEFAULT_URL);
        let base = Url::parse(text).ok().filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host());
        let token = environment.get("LAYERD_TOKEN").map(str::to_owned);
        let refuse = || {
            let origin = if argument.is_some() { "the URL of the server" } else { "LAYERD_URL" };
            Failure::new(Exit::Usage, format!("{origin} is no http or https URL"))
                .with_hint(format!("write it as {DEFAULT_URL}"))
        };
        base.map(|base| Self { base, token }).ok_or_else(refuse)
    }

    /// Asks for a path, given as its segments.
    pub(super) fn get(&self, path: &[&str], query: &[(&str, &str)], time: Duration) -> Result<Reply, Failure> {
        self.send(Method::GET, path, query, time)
    }

    /// Posts nothing to a path, given as its segments.
    pub(super) fn post(&self, path: &[&str], query: &[(&str, &str)], time: Duration) -> Result<Reply, Failure> {
        self.send(Method::POST, path, query, time)
    }

    /// Posts a body with these headers, and without the token.
    pub(super) fn deliver(
        &self,
        path: &[&str],
        headers: &[(&'static str, String)],
        body: String,
        time: Duration,
    ) -> Result<Reply, Failure> {
        let request = self.client(time)?.post(self.url(path, &[])).header(CONTENT_TYPE, "application/json");
        let request = headers.iter().fold(request, |request, (name, value)| request.header(*name, value));
        self.read(request.body(body).send().map_err(|error| self.unreachable(error))?)
    }

    /// Opens a stream of events from the one after `last`. `silence`: how long it may bring nothing.
    pub(super) fn events(
        &self,
        path: &[&str],
        query: &[(&str, &str)],
        last: Option<&str>,
        silence: Duration,
    ) -> Result<impl io::Read + use<>, Failure> {
        let request = self.client(silence)?.get(self.url(path, query)).header(ACCEPT, "text/event-stream");
        let request = self.token.iter().fold(request, RequestBuilder::bearer_auth);
        let request = last.iter().fold(request, |request, last| request.header("last-event-id", *last));
        let response = request.send().map_err(|error| self.unreachable(error))?;
        if response.status().is_success() { Ok(response) } else { Err(self.read(response)?.failure(Some("watch {}"))) }
    }

    fn send(&self, method: Method, path: &[&str], query: &[(&str, &str)], time: Duration) -> Result<Reply, Failure> {
        let request = self.client(time)?.request(method, self.url(path, query));
        let request = self.token.iter().fold(request, RequestBuilder::bearer_auth);
        let response = request.send().map_err(|error| self.unreachable(error))?;
        self.read(response)
    }

    fn read(&self, response: Response) -> Result<Reply, Failure> {
        let status = response.status();
        let warnings = response.headers().get_all("layerd-warning").iter();
        let warnings = warnings.map(|warning| String::from_utf8_lossy(warning.as_bytes()).into_owned()).collect();
        let mut body = Vec::new();
        let read = response.take(LONGEST + 1).read_to_end(&mut body);
        match read {
            Ok(_) if body.len() as u64 <= LONGEST => Ok(Reply { status, body, warnings }),
            Ok(_) => Err(Failure::new(Exit::Unreachable, "the answer of the server is too long")),
            Err(error) => {
                let message = format!("the answer of {} broke off: {}", self.shown(), plain(&error.to_string()));
                Err(Failure::new(Exit::Unreachable, message))
            }
        }
    }

    fn client(&self, time: Duration) -> Result<Client, Failure> {
        // Somebody else in the process may have installed one; either will do.
        drop(rustls::crypto::aws_lc_rs::default_provider().install_default());
        let builder = Client::builder()
            .connect_timeout(CONNECT)
            .timeout(time)
            .redirect(redirect::Policy::limited(REDIRECTS))
            .user_agent(concat!("layerd/", env!("CARGO_PKG_VERSION")));
        let builder = match self.is_loopback() {
            // A proxy would look for this machine on its own. And in an image without root certificates, plain HTTP to
            // this machine must do, for health checks are made there.
            true if self.base.scheme() == "http" => builder.no_proxy().tls_certs_only([]),
            true => builder.no_proxy(),
            false => builder,
        };
        builder
            .build()
            .map_err(|error| Failure::new(Exit::Unreachable, format!("no client can be made: {}", cause(&error))))
    }

    fn is_loopback(&self) -> bool {
        let host = self.base.host_str().unwrap_or_default().trim_matches(['[', ']']);
        host == "localhost"
            || host.parse::<std::net::IpAddr>().is_ok_and(|address| address.to_canonical().is_loopback())
    }

    fn url(&self, path: &[&str], query: &[(&str, &str)]) -> Url {
        let mut url = self.base.clone();
        url.set_query(None);
        url.set_fragment(None);
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.pop_if_empty().extend(path);
        }
        if !query.is_empty() {
            url.query_pairs_mut().extend_pairs(query);
        }
        url
    }

    /// The address without a user and password.
    fn shown(&self) -> String {
        self.base.origin().ascii_serialization()
    }

    fn unreachable(&self, error: reqwest::Error) -> Failure {
        let error = error.without_url();
        let reason = if error.is_timeout() { "it took too long".to_owned() } else { cause(&error) };
        Failure::new(Exit::Unreachable, format!("{} cannot be reached: {reason}", self.shown()))
            .with_hint("start a server with `layerd serve`, or name one with `--server URL` or LAYERD_URL")
    }
}

/// A sentence in which an address, such as `user-service/production`, is written as the command that asks for it. Names hold no
/// slash, so that whatever has one is an address. `command` has `{}` in the place of the address.
pub(super) fn as_command(told: &str, command: &str) -> String {
    let Some((before, address, after)) = address_in(told) else { return told.to_owned() };
    let command = command.replacen("{}", &address.replacen('/', " ", 1), 1);
    format!("{before}`layerd {command}`{after}")
}

/// The text before the address that was probably meant, the address, and the text after it.
fn address_in(told: &str) -> Option<(&str, &str, &str)> {
    const QUESTION: &str = "did you mean ";
    let (before, rest) = told.split_at(told.find(QUESTION)? + QUESTION.len());
    let (address, after) = rest.strip_prefix('`')?.split_once('`')?;
    address.contains('/').then_some((before, address, after))
}

/// The innermost reason of an error, which is the one that helps.
fn cause(error: &reqwest::Error) -> String {
    let mut cause: &dyn std::error::Error = error;
    while let Some(source) = cause.source() {
        cause = source;
    }
    plain(&cause.to_string())
}

impl Reply {
    /// The body, if that is what was asked for. A warning about names goes to stderr, and a name that is refused is told, with
    /// the command that was probably meant: `command`, in which `{}` is the place of the address.
    pub(super) fn body_for(self, command: &str, console: &mut Console<'_>) -> Result<Vec<u8>, Failure> {
        self.warnings.iter().for_each(|warning| console.warn(&as_command(warning, command)));
        if self.status.is_success() { Ok(self.body) } else { Err(self.failure(Some(command))) }
    }

    /// The body, if that is what was asked for.
    pub(super) fn body(self) -> Result<Vec<u8>, Failure> {
        if self.status.is_success() { Ok(self.body) } else { Err(self.failure(None)) }
    }

    /// What the server says about a question that it does not answer, asked by a command.
    fn failure(&self, command: Option<&str>) -> Failure {
        let exit = match self.status {
            StatusCode::NOT_FOUND | StatusCode::UNPROCESSABLE_ENTITY => Exit::No,
            status if status.is_client_error() => Exit::Usage,
            _ => Exit::Unreachable,
        };
        let told: Told = serde_json::from_slice(&self.body).unwrap_or_default();
        let sentence = told.detail.or(told.title).unwrap_or_else(|| format!("the server answered {}", self.status));
        let mut message = plain(&sentence);
        if let Some(file) = told.file {
            let numbers = [told.line, told.column].into_iter().flatten().map(|number| format!(":{number}"));
            message = format!("{message}\n  at {}{}", plain(&file), numbers.collect::<String>());
        }
        let is_of_names = matches!(told.code.as_deref(), Some("unknown-application" | "unknown-profile"));
        let spell = |hint: String| match command.filter(|_| is_of_names) {
            Some(command) => plain(&as_command(&hint, command)),
            None => plain(&hint),
        };
        Failure::new(exit, message).advised(told.hint.map(spell))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn server(url: &str) -> Server {
        Server::new(Some(url), &Environment::default()).unwrap_or_else(|failure| panic!("{failure}"))
    }

    #[test]
    fn this_machine_is_asked_without_a_proxy() {
        for url in ["http://127.0.0.1:8888", "http://localhost", "http://[::1]:1", "http://[::ffff:127.0.0.1]"] {
            assert!(server(url).is_loopback(), "{url}");
        }
        for url in ["http://10.0.0.1", "https://localhost.example.org", "http://[::2]"] {
            assert!(!server(url).is_loopback(), "{url}");
        }
    }

    #[test]
    fn a_path_is_put_behind_that_of_the_server_and_nothing_else_of_its_url() {
        let url = |base: &str| server(base).url(&["a", "b c"], &[("key", "x&y")]).to_string();
        assert_eq!(url("http://h"), "http://h/a/b%20c?key=x%26y");
        assert_eq!(url("http://h/config"), "http://h/config/a/b%20c?key=x%26y");
        assert_eq!(url("http://h/config/?old=1#old"), "http://h/config/a/b%20c?key=x%26y");
    }

    #[test]
    fn an_address_that_was_meant_is_told_as_a_command() {
        let told = |hint: &str| as_command(hint, "history {} a.{}");
        assert_eq!(told("no; did you mean `user/prod,eu`?"), "no; did you mean `layerd history user prod,eu a.{}`?");
        for other in ["did you mean `user`?", "did you mean `a` or `b/c`?", "there is `a/b`", "did you mean a/b?", ""] {
            assert_eq!(told(other), other);
        }
    }

    #[test]
    fn what_is_shown_of_a_url_holds_no_password() {
        assert_eq!(server("https://me:hunter2@h:8443/config").shown(), "https://h:8443");
    }
}
