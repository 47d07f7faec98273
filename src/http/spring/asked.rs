//! A request as Spring reads it: the segments of its path without matrix parameters, decoded once, and what it accepts.
//!
//! `(_)` in a name, a label or a path stands for a slash. Whatever climbs, or begins with a slash, is refused here; no
//! name ever becomes a path of the operating system. Whether a label exists is decided in `labels.rs`.

use std::convert::Infallible;
use std::sync::Arc;

use axum::extract::{FromRequestParts, OriginalUri};
use axum::http::header::{ACCEPT_CHARSET, CONTENT_TYPE, IF_MODIFIED_SINCE, IF_NONE_MATCH};
use axum::http::request::Parts;
use axum::http::{HeaderMap, Uri};
use axum::response::Response;
use percent_encoding::percent_decode_str;

use crate::config::address::{Address, MAX_NAME, MAX_PROFILES, is_unprintable};

use crate::http::access::Caller;

use super::accept::Accept;
use super::download::name_download;
use super::error::Failure;

/// A request of Spring's protocol.
#[derive(Debug)]
pub(in crate::http) struct Asked {
    /// The segments of the path below the prefix, decoded.
    pub(in crate::http) raw: Vec<String>,
    /// The path as sent.
    pub(super) path: String,
    /// The query as sent.
    query: String,
    /// What the client accepts.
    pub(super) accept: Accept,
    /// Those headers that a handler may ask for.
    pub(super) headers: HeaderMap,
    /// Who asks; `None` where no scope is needed.
    pub(super) caller: Option<Caller>,
}

/// The application, profiles and label of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Named {
    /// Which application and profiles.
    pub(super) address: Address,
    /// The profiles as asked, in one text.
    pub(super) profiles: String,
    /// The label as asked, slashes restored; it may be a comma list.
    pub(super) label: Option<String>,
}

impl<S: Sync> FromRequestParts<S> for Asked {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        let original = parts.extensions.get::<OriginalUri>().map_or(&parts.uri, |OriginalUri(uri)| uri);
        let path = original.path().to_owned();
        Ok(Self {
            raw: segments(&parts.uri),
            path,
            query: parts.uri.query().unwrap_or_default().to_owned(),
            accept: Accept::of(&parts.headers),
            headers: kept(&parts.headers),
            caller: parts.extensions.get().cloned(),
        })
    }
}

impl Asked {
    /// The answer, or the failure in the shape that the client accepts.
    pub(super) fn reply(&self, answer: Result<Response, Failure>) -> Response {
        let mut response = answer.unwrap_or_else(|failure| self.refuse(&failure));
        name_download(&mut response, &self.path);
        response
    }

    /// Who asks.
    ///
    /// # Errors
    /// If the route has no scope, which is a mistake of its table.
    pub(super) fn caller(&self) -> Result<&Caller, Failure> {
        self.caller.as_ref().ok_or_else(Failure::forbidden)
    }

    /// The segments, of which the first `names` are not empty.
    pub(super) fn named(&self, names: usize) -> Option<&[String]> {
        self.raw.iter().take(names).all(|segment| !segment.is_empty()).then_some(&*self.raw)
    }

    /// A failure in the shape that the client accepts.
    pub(super) fn refuse(&self, failure: &Failure) -> Response {
        failure.respond(&self.accept.error(), &self.path)
    }

    /// The value of a parameter of the query; empty if it is there without one.
    pub(super) fn parameter(&self, name: &str) -> Option<String> {
        let pairs = self.query.split('&').map(|pair| pair.split_once('=').unwrap_or((pair, "")));
        let value = pairs.into_iter().find(|(known, _)| *known == name)?.1.replace('+', " ");
        Some(percent_decode_str(&value).decode_utf8_lossy().into_owned())
    }

    /// Whether placeholders are resolved: they are, unless the client says no in one of Java's ways.
    pub(super) fn resolves_placeholders(&self) -> Result<bool, Failure> {
        let value = self.parameter("resolvePlaceholders").unwrap_or_default();
        match value.trim().to_ascii_lowercase().as_str() {
            "" | "true" | "on" | "yes" | "1" => Ok(true),
            "false" | "off" | "no" | "0" => Ok(false),
            _ => Err(Failure::bad("the parameter `resolvePlaceholders` is neither true nor false")),
        }
    }

    /// The file at a path of these segments.
    pub(super) fn file(segments: &[String]) -> Result<String, Failure> {
        let path = segments.join("/");
        if path.is_empty() || path.split('/').any(str::is_empty) {
            return Err(Failure::no_file());
        }
        slashed("path", &path)
    }
}

impl Named {
    /// Checks the names of a request. An empty name or profile is one that no file has.
    pub(super) fn parse(name: &str, profiles: &str, label: Option<&str>) -> Result<Self, Failure> {
        let application = slashed("name", name)?;
        let mut list: Vec<Arc<str>> = Vec::new();
        for profile in profiles.split(',') {
            check_profile(profile)?;
            if !list.iter().any(|known| **known == *profile) {
                list.push(Arc::from(profile));
            }
        }
        if list.len() > MAX_PROFILES {
            return Err(Failure::bad("there are more than 32 profiles"));
        }
        let label = label.map(|label| slashed("label", label)).transpose()?;
        let address = Address { application: Arc::from(application), profiles: list, label: None };
        Ok(Self { address, profiles: profiles.to_owned(), label })
    }
}

fn kept(headers: &HeaderMap) -> HeaderMap {
    let mut kept = HeaderMap::new();
    for name in [ACCEPT_CHARSET, CONTENT_TYPE, IF_NONE_MATCH, IF_MODIFIED_SINCE] {
        for value in headers.get_all(&name) {
            kept.append(&name, value.clone());
        }
    }
    kept
}

/// The segments of a path after its first slash, without matrix parameters, decoded once.
fn segments(uri: &Uri) -> Vec<String> {
    let path = uri.path().strip_prefix('/').unwrap_or(uri.path());
    let decode = |segment: &str| {
        let name = segment.split(';').next().unwrap_or_default();
        percent_decode_str(name).decode_utf8_lossy().into_owned()
    };
    path.split('/').map(decode).collect()
}

/// A name with its slashes restored, if it stays below the root.
fn slashed(part: &str, name: &str) -> Result<String, Failure> {
    let text = name.replace("(_)", "/");
    let reason = match text.as_str() {
        text if text.len() > 4 * MAX_NAME => "is too long",
        text if text.contains('\\') || text.contains(is_unprintable) => "holds a backslash or a control character",
        text if text.starts_with('/') => "begins with a slash",
        text if text.split('/').any(|step| matches!(step, "." | "..")) => "climbs",
        _ => return Ok(text),
    };
    Err(Failure::bad(&format!("the {part} {reason}")))
}

/// Profiles are words, as Spring has it from 5.0.3 on.
fn check_profile(profile: &str) -> Result<(), Failure> {
    let is_inner = |character: char| character.is_alphanumeric() || "-_.+@".contains(character);
    let ends_well = |end: Option<char>| end.is_some_and(char::is_alphanumeric);
    let reason = match profile {
        "" => "is empty",
        profile if profile.len() > MAX_NAME => "is longer than 512 bytes",
        profile if !profile.chars().all(is_inner) => {
            "holds something else than letters, digits, `-`, `_`, `.`, `+` and `@`"
        }
        profile if !ends_well(profile.chars().next()) || !ends_well(profile.chars().last()) => {
            "does not begin and end with a letter or digit"
        }
        _ => return Ok(()),
    };
    Err(Failure::bad(&format!("a profile {reason}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(name: &str, profiles: &str, label: &str) -> String {
        match Named::parse(name, profiles, Some(label)) {
            Ok(named) => format!("{} {} {:?}", named.address.application, named.address.profile_list(), named.label),
            Err(failure) => failure.message().to_owned(),
        }
    }

    #[test]
    fn names_are_read_as_spring_reads_them() {
        assert_eq!(parsed("team(_)shop", "dev,eu,dev", "feature(_)x"), "team/shop dev,eu Some(\"feature/x\")");
        assert_eq!(
            parsed("${a}, b", "größe,v1.2,a+b,u@h,a_b", "v1.0"),
            "${a}, b größe,v1.2,a+b,u@h,a_b Some(\"v1.0\")"
        );
    }

    #[test]
    fn names_that_climb_and_odd_profiles_are_refused() {
        let cases = [
            (("..", "x", "y"), "the name climbs"),
            (("..(_)x", "x", "y"), "the name climbs"),
            (("(_)etc(_)passwd", "x", "y"), "the name begins with a slash"),
            (("a", "x", "a(_)..(_)b"), "the label climbs"),
            (("a\\b", "x", "y"), "the name holds a backslash or a control character"),
            (("a\n", "x", "y"), "the name holds a backslash or a control character"),
            (("a", "dev,,x", "y"), "a profile is empty"),
            (("a", "..", "y"), "a profile does not begin and end with a letter or digit"),
            (("a", "-dev", "y"), "a profile does not begin and end with a letter or digit"),
        ];
        for ((name, profiles, label), expected) in cases {
            assert_eq!(parsed(name, profiles, label), expected);
        }
        let many: Vec<_> = (0..33).map(|number| number.to_string()).collect();
        assert_eq!(parsed("a", &many.join(","), "y"), "there are more than 32 profiles");
        assert_eq!(parsed(&"x".repeat(2049), "dev", "y"), "the name is too long");
    }

    #[test]
    fn segments_lose_matrix_parameters_and_are_decoded_once() {
        let uri = "/shop;x=1/a%252f;y/gr%C3%B6%C3%9Fe//".parse().unwrap();
        assert_eq!(segments(&uri), ["shop", "a%2f", "größe", "", ""]);
        let uri = "/..;/x".parse().unwrap();
        assert_eq!(segments(&uri), ["..", "x"]);
    }
}
