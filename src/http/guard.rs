//! What every request must pass, whatever its route: a target that means one thing only, one believable `Host`, and no
//! foreign page behind a change.
//!
//! A pure function of the head of a request. It allocates nothing unless it refuses or a path holds escapes, because it
//! runs before every answer. What names mean is for the routes; bodies are for `listen`.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use axum::http::header::{HOST, ORIGIN};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, Uri, Version};
use percent_encoding::percent_decode_str;

use crate::config::address::is_unprintable;

use super::error::Refusal;

/// The most segments of a path.
pub const MAX_SEGMENTS: usize = 64;

/// The methods that some route may know.
const METHODS: &str = "GET, HEAD, POST, PUT, DELETE, OPTIONS, PATCH";

/// What the guard needs to know of the settings.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rules {
    /// Bytes of a request target.
    pub path: usize,
    /// Only loopback names are believed as `Host`, because the listener can be reached by no other: a page that has
    /// its own name lead to this machine (DNS rebinding) is refused.
    pub loopback: bool,
}

/// Refuses a request that no route should see.
///
/// # Errors
/// 405 for a method that no route knows, 414 for a long target, 400 for an ambiguous target or `Host`, 421 for a
/// foreign `Host` on loopback, 403 for a change that a foreign page asks for.
pub fn check(parts: &Parts, rules: &Rules) -> Result<(), Refusal> {
    let changes = check_method(&parts.method)?;
    check_length(&parts.uri, rules)?;
    let host = check_host(parts, rules)?;
    check_form(&parts.uri, host)?;
    check_path(parts.uri.path())?;
    check_query(parts.uri.query().unwrap_or_default())?;
    if changes { check_origin(&parts.headers, host) } else { Ok(()) }
}

/// True if the method is one that changes something.
fn check_method(method: &Method) -> Result<bool, Refusal> {
    match *method {
        Method::GET | Method::HEAD | Method::OPTIONS => Ok(false),
        Method::POST | Method::PUT | Method::DELETE | Method::PATCH => Ok(true),
        _ => {
            let detail = "no resource of this server knows this method";
            Err(Refusal::new(StatusCode::METHOD_NOT_ALLOWED, "unknown-method", detail).allow(METHODS))
        }
    }
}

fn check_length(uri: &Uri, rules: &Rules) -> Result<(), Refusal> {
    let length = uri.path_and_query().map_or(0, |target| target.as_str().len());
    if length <= rules.path {
        return Ok(());
    }
    Err(too_long(format!(
        "the request target has {length} bytes, more than the {} that `limits.path` allows",
        rules.path
    )))
}

/// The refusal of a request target that is too long.
pub(super) fn too_long(detail: String) -> Refusal {
    Refusal::new(StatusCode::URI_TOO_LONG, "target-too-long", detail)
}

fn bad_request(code: &'static str, detail: &str) -> Refusal {
    Refusal::new(StatusCode::BAD_REQUEST, code, detail)
}

/// Only `/path?query`, or a whole URL of this very server as proxies send it.
fn check_form(uri: &Uri, host: &str) -> Result<(), Refusal> {
    let Some(authority) = uri.authority() else {
        let is_path = uri.path().starts_with('/');
        return is_path.then_some(()).ok_or_else(|| bad_request("invalid-target", "the request target is not a path"));
    };
    let scheme = uri.scheme_str().unwrap_or_default();
    if matches!(scheme, "http" | "https") && authority.as_str().eq_ignore_ascii_case(host) {
        return Ok(());
    }
    Err(bad_request("invalid-target", "the request target names another server than the `Host` header"))
}

fn check_path(path: &str) -> Result<(), Refusal> {
    let rest = path.strip_prefix('/').unwrap_or(path);
    if rest.is_empty() {
        return Ok(());
    }
    let is_own = path.contains("/api/v1/");
    for (index, segment) in rest.split('/').enumerate() {
        if index == MAX_SEGMENTS {
            return Err(too_long(format!("the path has more than {MAX_SEGMENTS} segments")));
        }
        if segment.is_empty() && !is_own {
            // What the other protocols say to that is for the router.
            continue;
        }
        check_segment(segment).map_err(|reason| bad_request("invalid-path", reason))?;
    }
    Ok(())
}

fn check_segment(segment: &str) -> Result<(), &'static str> {
    let plain = |byte: u8| byte.is_ascii_graphic() && byte != b'%' && byte != b'\\';
    if segment.bytes().all(plain) {
        return check_name(segment);
    }
    if !has_valid_escapes(segment) {
        return Err("the path holds a `%` that is not followed by two hexadecimal digits");
    }
    let decoded = percent_decode_str(segment).decode_utf8().map_err(|_| "the path is not UTF-8")?;
    if decoded.contains('\\') {
        return Err("the path holds a backslash");
    }
    if decoded.contains(is_unprintable) {
        return Err("the path holds a control character");
    }
    // An escaped slash is part of a name, such as a label's; it opens no way around the rules for whole segments.
    decoded.split('/').try_for_each(check_name)
}

fn check_name(name: &str) -> Result<(), &'static str> {
    match name {
        "" => Err("the path holds an empty segment: a double slash, or one at its end"),
        "." | ".." => Err("the path holds a relative segment"),
        _ => Ok(()),
    }
}

fn check_query(query: &str) -> Result<(), Refusal> {
    if !query.contains('%') {
        return Ok(());
    }
    let reason = if !has_valid_escapes(query) {
        "the query holds a `%` that is not followed by two hexadecimal digits"
    } else if percent_decode_str(query).decode_utf8().is_err() {
        "the query is not UTF-8"
    } else {
        return Ok(());
    };
    Err(bad_request("invalid-query", reason))
}

fn has_valid_escapes(text: &str) -> bool {
    let is_hex = |byte: Option<&u8>| byte.is_some_and(u8::is_ascii_hexdigit);
    text.split('%').skip(1).all(|rest| is_hex(rest.as_bytes().first()) && is_hex(rest.as_bytes().get(1)))
}

/// The one `Host` of the request; empty if it is HTTP/1.0 and has none.
fn check_host<'a>(parts: &'a Parts, rules: &Rules) -> Result<&'a str, Refusal> {
    let mut hosts = parts.headers.get_all(HOST).iter();
    let host = match (hosts.next(), hosts.next()) {
        (Some(host), None) => host.to_str().unwrap_or_default(),
        (None, _) if parts.version == Version::HTTP_10 => return Ok(""),
        (None, _) => return Err(bad_request("invalid-host", "the request has no `Host` header")),
        (Some(_), Some(_)) => return Err(bad_request("invalid-host", "the request has two `Host` headers")),
    };
    let Some(name) = host_name(host) else {
        return Err(bad_request("invalid-host", "the `Host` header is not a name or address with an optional port"));
    };
    if !rules.loopback || is_loopback(name) {
        return Ok(host);
    }
    let detail = "this server listens on loopback only, and the `Host` header does not name it";
    Err(Refusal::new(StatusCode::MISDIRECTED_REQUEST, "misdirected-request", detail)
        .hint("ask `localhost` or `127.0.0.1`, or let the server listen on another address"))
}

/// The name or address in `name[:port]`; `None` if the text is anything else.
fn host_name(host: &str) -> Option<&str> {
    let end = match host.strip_prefix('[') {
        Some(inside) => inside.find(']')? + 2,
        None => host.find(':').unwrap_or(host.len()),
    };
    let (name, port) = host.split_at(end);
    let is_port =
        port.is_empty() || port.strip_prefix(':').is_some_and(|port| port.bytes().all(|c| c.is_ascii_digit()));
    let is_name =
        |name: &str| name.bytes().all(|c| c.is_ascii_alphanumeric() || matches!(c, b'.' | b'-' | b'_' | b'~'));
    let is_valid = literal(name).map_or(!name.is_empty() && is_name(name), |address| address.is_some());
    (is_valid && is_port && port.len() <= 6).then_some(name)
}

/// What is in the brackets of `[address]`; `Some(None)` if that is no address.
fn literal(name: &str) -> Option<Option<Ipv6Addr>> {
    Some(name.strip_prefix('[')?.strip_suffix(']')?.parse().ok())
}

fn is_loopback(name: &str) -> bool {
    if name.eq_ignore_ascii_case("localhost") {
        return true;
    }
    let address = match literal(name) {
        Some(address) => address.map(IpAddr::V6),
        None => name.parse::<Ipv4Addr>().ok().map(IpAddr::V4),
    };
    address.is_some_and(|address| address.is_loopback())
}

/// Browsers say with every change which page asks for it. Programs say nothing and pass.
fn check_origin(headers: &HeaderMap, host: &str) -> Result<(), Refusal> {
    let is_cross_site = |value: &HeaderValue| value.as_bytes().eq_ignore_ascii_case(b"cross-site");
    let is_foreign = |origin: &HeaderValue| {
        let authority = origin.to_str().ok().and_then(|origin| origin.split_once("://"));
        !authority.is_some_and(|(_, authority)| authority.eq_ignore_ascii_case(host))
    };
    if headers.get_all("sec-fetch-site").iter().any(is_cross_site) || headers.get_all(ORIGIN).iter().any(is_foreign) {
        let detail = "a page of another site must not change anything here";
        return Err(Refusal::new(StatusCode::FORBIDDEN, "foreign-origin", detail)
            .hint("behind a proxy, let it pass the `Host` header on as the browser sent it"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const OPEN: Rules = Rules { path: 4096, loopback: false };
    const LOOPBACK: Rules = Rules { path: 4096, loopback: true };

    fn parts(method: &str, target: &str, headers: &[(&'static str, &str)]) -> Option<Parts> {
        let mut request = axum::http::Request::builder().method(method).uri(target);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        request.body(()).ok().map(|request| request.into_parts().0)
    }

    fn verdict(parts: &Parts, rules: &Rules) -> String {
        check(parts, rules)
            .map_or_else(|refusal| format!("{} {}", refusal.status().as_str(), refusal.code()), |()| "pass".to_owned())
    }

    /// What becomes of a GET of `target`; the parser's own refusals count as the 400 that they are on the wire.
    fn target(target: &str) -> String {
        let parts = parts("GET", target, &[("host", "config.example.org")]);
        parts.map_or_else(|| "400 invalid-path".to_owned(), |parts| verdict(&parts, &OPEN))
    }

    fn all(targets: &[&str], expected: &str) {
        for text in targets {
            assert_eq!(target(text), expected, "{text}");
        }
    }

    #[test]
    fn paths_that_climb_are_refused() {
        all(&["/../../../../etc/passwd", "/a/..", "/a/../b", "/./", "/a/./b", "/.."], "400 invalid-path"); // A01, A05
        all(&["/%2e%2e%2f", "/.%2e/x", "/%2E%2E/x", "/a/%2e%2e%2fb", "/a%2f..%2fb"], "400 invalid-path"); // A02
        all(&["/..\\x", "/..%5cx", "/%5c%5c"], "400 invalid-path"); // A04
        all(&["/%2fetc%2fpasswd", "/a%2f%2fb", "/\\\\?\\x"], "400 invalid-path"); // A11
        all(&["//api/v1/config/a", "/api/v1/config//a", "/x/api/v1/config/a/"], "400 invalid-path"); // A05
        all(&["/a//b", "//etc/passwd", "/a/", "/C:/"], "pass"); // A05: the router finds nothing there
    }

    #[test]
    fn escapes_are_decoded_exactly_once() {
        all(&["/..%252fx", "/..%25252ex", "/%25", "/a%252e%252e"], "pass"); // A03
        all(&["/%", "/%2", "/%zz", "/a%%20", "/x%2"], "400 invalid-path");
    }

    #[test]
    fn bytes_that_are_no_text_are_refused() {
        all(&["/%c0%ae%c0%af", "/%ed%a0%80", "/%ff%fe", "/%80"], "400 invalid-path"); // A06, A18
        all(&["/app%00.yml", "/..%00/x", "/%0d%0a", "/%09", "/%7f", "/%c2%85"], "400 invalid-path"); // A08, A09
        all(&["/%e2%80%a8", "/%e2%80%ae", "/a%e2%81%a6b"], "400 invalid-path"); // A09
    }

    #[test]
    fn names_that_only_look_dangerous_pass() {
        all(&["/%ef%bc%8e%ef%bc%8e", "/%e2%88%95", "/%e2%80%a4%e2%80%a4", "/%ef%bc%852e"], "pass"); // A07
        all(&["/(_)etc(_)passwd", "/((_)_)", "/%28_%29", "/(_)"], "pass"); // A10: the Spring routes look further
        all(&["/a;x=1", "/..;/x", "/a%23b", "/a%3fb"], "pass"); // A12
        all(&["/app/dev,,prod", "/app/,", "/app/dev,dev", "/app/bar,..,foo"], "pass"); // A13: the address looks further
        all(
            &["/~", "/-x", "/--help", "/%20", "/...", "/.git", "/gr%C3%B6%C3%9Fe", "/größe", "/feature%2Fx", "/"],
            "pass",
        );
    }

    #[test]
    fn whole_urls_pass_only_for_this_server() {
        all(&["http://config.example.org/a", "https://CONFIG.example.org/a?b"], "pass");
        all(
            &["http://evil.example/a", "http://config.example.org:81/a", "ftp://config.example.org/a"],
            "400 invalid-target",
        );
        all(&["*", "config.example.org:80"], "400 invalid-target");
        all(&["file:///etc/passwd", "url:http://x"], "400 invalid-path"); // A11: no request target at all
    }

    #[test]
    fn long_targets_are_refused_before_anything_is_read_from_them() {
        let long = |piece: &str, times: usize| target(&format!("/{}", piece.repeat(times)));
        assert_eq!(long("x", 4095), "pass");
        assert_eq!(long("x", 4096), "414 target-too-long"); // A16
        assert_eq!(long("%41", 10_000), "414 target-too-long");
        assert_eq!(long("a/", 2_000), "414 target-too-long");
        assert_eq!(target(&format!("/a{}", "/a".repeat(63))), "pass");
        assert_eq!(target(&format!("/a{}", "/a".repeat(64))), "414 target-too-long");
        assert_eq!(target(&format!("/?{}", "q".repeat(4096))), "414 target-too-long");
    }

    #[test]
    fn queries_must_be_text() {
        all(&["/?label=feature/x&key=a%20b", "/?", "/?a=%c3%a9", "/?a=../..&b=//"], "pass");
        all(&["/?a=%", "/?a=%z1", "/?a=%c0%ae"], "400 invalid-query");
    }

    #[test]
    fn methods_that_no_route_knows_are_405() {
        for method in ["GET", "HEAD", "OPTIONS", "POST", "PUT", "DELETE", "PATCH"] {
            assert_eq!(verdict(&parts(method, "/", &[("host", "a")]).unwrap(), &OPEN), "pass", "{method}");
        }
        for method in ["TRACE", "CONNECT", "PROPFIND", "get", &"X".repeat(1024)] {
            assert_eq!(
                verdict(&parts(method, "/", &[("host", "a")]).unwrap(), &OPEN),
                "405 unknown-method",
                "{method}"
            );
        }
    }

    #[test]
    fn one_well_formed_host_is_required() {
        for host in ["a", "a.example:80", "192.0.2.1:1", "[2001:db8::1]:8888", "[::1]", "a:", "a_b~c-d.e"] {
            assert_eq!(verdict(&parts("GET", "/", &[("host", host)]).unwrap(), &OPEN), "pass", "{host}");
        }
        for host in ["", "a/b", "a b", "u@a", "a:x", "a:123456", "[::1", "[x]", "[]", "::1", "a,b", "[::1]x", "a%20"] {
            assert_eq!(verdict(&parts("GET", "/", &[("host", host)]).unwrap(), &OPEN), "400 invalid-host", "{host}");
        }
        assert_eq!(verdict(&parts("GET", "/", &[]).unwrap(), &OPEN), "400 invalid-host");
        let two = parts("GET", "/", &[("host", "a"), ("host", "a")]).unwrap();
        assert_eq!(verdict(&two, &OPEN), "400 invalid-host");
        let mut old = parts("GET", "/", &[]).unwrap();
        old.version = Version::HTTP_10;
        assert_eq!(verdict(&old, &LOOPBACK), "pass");
    }

    #[test]
    fn a_loopback_listener_believes_loopback_names_only() {
        for host in ["localhost", "LocalHost:8888", "127.0.0.1:1", "127.9.9.9", "[::1]:80"] {
            assert_eq!(verdict(&parts("GET", "/", &[("host", host)]).unwrap(), &LOOPBACK), "pass", "{host}");
        }
        let foreign =
            ["evil.example", "127.0.0.1.evil.example", "localhost.evil.example", "192.0.2.1", "[2001:db8::1]"];
        for host in foreign.into_iter().chain(["127.1", "[::ffff:192.0.2.1]", "0x7f.1"]) {
            let verdict = verdict(&parts("GET", "/", &[("host", host)]).unwrap(), &LOOPBACK);
            assert_eq!(verdict, "421 misdirected-request", "{host}");
        }
    }

    #[test]
    fn changes_from_foreign_pages_are_refused() {
        let post = |method: &str, headers: &[(&'static str, &str)]| {
            let headers: Vec<_> = [("host", "a.example:8888")].iter().chain(headers).copied().collect();
            verdict(&parts(method, "/refresh", &headers).unwrap(), &OPEN)
        };
        assert_eq!(post("POST", &[]), "pass");
        assert_eq!(post("POST", &[("origin", "http://A.example:8888"), ("sec-fetch-site", "same-origin")]), "pass");
        for origin in [
            "null",
            "http://evil.example",
            "http://a.example",
            "http://a.example:8888.evil.example",
            "a.example:8888",
            "",
        ] {
            for method in ["POST", "PUT", "DELETE", "PATCH"] {
                assert_eq!(post(method, &[("origin", origin)]), "403 foreign-origin", "{method} {origin}");
            }
            assert_eq!(post("GET", &[("origin", origin)]), "pass", "{origin}");
        }
        assert_eq!(post("POST", &[("origin", "http://a.example:8888"), ("origin", "null")]), "403 foreign-origin");
        assert_eq!(post("POST", &[("sec-fetch-site", "cross-site")]), "403 foreign-origin");
    }
}
