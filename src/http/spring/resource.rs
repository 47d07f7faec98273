//! `/{name}/{profiles}/{label}/{path}`: a file of the repository, as text with its placeholders filled or byte for byte.
//!
//! A path is looked up among those of the commit, so it can lead nowhere else. Which file answers: the first that is there
//! of all folders that are searched, and in each of all profiles, then without one.

use std::sync::Arc;

use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use jiff::Timestamp;
use jiff::fmt::rfc2822::DateTimeParser;

use crate::answer::environment::{Environment, Placeholders};
use crate::answer::{self, AnswerError, Filled};
use crate::config::address::{Address, DEFAULT_PROFILE};
use crate::config::problem::Problem;
use crate::config::tree::File;
use crate::config::value::Value;
use crate::format;
use crate::http::{App, refuse_path};
use crate::store::Part;

use super::accept::BYTES;
use super::asked::{Asked, Named};
use super::charset;
use super::error::Failure;
use super::labels;
use super::labels::May;
use super::layers::{self, OfLabel};
use super::written::{Written, answered};

/// The largest file that is sent.
const LARGEST: u64 = 16 << 20;

/// `/{name}/{profiles}/{label}/{path}`.
pub(super) async fn get_resource(State(app): State<Arc<App>>, asked: Asked) -> Response {
    let Some([name, profiles, label, path @ ..]) = asked.named(3) else { return refuse_path(&asked) };
    let mut answer = resource(&app, &asked, &[name, profiles], Some(label), path).await;
    if asked.parameter("useDefaultLabel").is_some_and(|value| value == "true") && is_absent(&answer) {
        // What clients in Go send, and mean: a path of several segments, and no label.
        answer = resource(&app, &asked, &[name, profiles], None, &asked.raw[2..]).await;
    }
    asked.reply(answer)
}

fn is_absent(answer: &Result<Response, Failure>) -> bool {
    answer.as_ref().is_err_and(Failure::is_absence)
}

/// The file at a path of some segments.
pub(super) async fn resource(
    app: &App,
    asked: &Asked,
    [name, profiles]: &[&String; 2],
    label: Option<&String>,
    path: &[String],
) -> Result<Response, Failure> {
    let resolves = asked.resolves_placeholders()?;
    let (path, kind) = (Asked::file(path)?, asked.accept.resource());
    let named = Named::parse(name, profiles, label.map(String::as_str))?;
    let all = labels::choose(app, &May::Plain(asked.caller()?, &path), &named).await.map_err(Failure::of_file)?;
    let found = all.iter().rev().find_map(|label| find(app, label, &named.address, &path).map(|found| (label, found)));
    if let Some(problem) = all.iter().rev().find_map(|label| unread(app, label, &named.address, &path, found.as_ref()))
    {
        return Err(AnswerError::Broken(vec![problem]).into());
    }
    let (label, (part, _, file)) = found.ok_or_else(Failure::no_file)?;
    if file.size > LARGEST {
        return Err(Failure::no_file());
    }
    let bytes = app.store.read(part, file.blob).await?;
    let Some(kind) = kind else {
        return Ok(layers::tell_pins(respond(asked, part, BYTES, (bytes, false)), &all));
    };
    let text = charset::text(&bytes, &asked.headers);
    let filled = match resolves && text.contains("${") {
        true if label.is_of_spring() => fill(&layers::whole(app, &all, &named.address)?, &text)?,
        true => answer::fill(&label.chosen.select(&named.address)?, &text)?,
        false => Filled { text, is_secret: false },
    };
    Ok(layers::tell_pins(respond(asked, part, &kind, (filled.text.into_bytes(), filled.is_secret)), &all))
}

fn fill(environment: &Environment, text: &str) -> Result<Filled, Failure> {
    Ok(match Placeholders::new(environment).fill(text)? {
        Value::Secret(secret) => Filled { text: secret.plain.expose().to_owned(), is_secret: true },
        Value::String(text) => Filled { text: text.to_string(), is_secret: false },
        other => Filled { text: format::flat::text(&other), is_secret: false },
    })
}

fn respond(asked: &Asked, part: &Part, kind: &str, (body, is_secret): (Vec<u8>, bool)) -> Response {
    let changed = part.snapshot.committed_at;
    let etag = (!is_secret).then(|| answer::tag_of_bytes(kind, &body));
    let mut response = match is_older(&asked.headers, changed) {
        true => StatusCode::NOT_MODIFIED.into_response(),
        false => answered(asked, body.into(), &Written { media_type: kind, etag: etag.as_deref(), is_secret }),
    };
    let time = Timestamp::from_second(changed).ok().map(|time| time.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string());
    let time = time.and_then(|time| HeaderValue::from_str(&time).ok());
    time.map(|time| response.headers_mut().insert(header::LAST_MODIFIED, time));
    response
}

/// True if what the client has is as new as this, and it knows that by nothing but its time.
fn is_older(headers: &HeaderMap, changed: i64) -> bool {
    let since = headers.get(header::IF_MODIFIED_SINCE).and_then(|value| value.to_str().ok());
    // No date is longer than this; comments in one, which the format allows, may be.
    let since = since.filter(|since| since.len() <= 64 && !headers.contains_key(header::IF_NONE_MATCH));
    let since = since.and_then(|since| DateTimeParser::new().parse_timestamp(since).ok());
    since.is_some_and(|since| since.as_second() >= changed)
}

/// Why the file that answers cannot be read; or one that may be there, if none is known.
fn unread(
    app: &App,
    label: &OfLabel,
    address: &Address,
    path: &str,
    found: Option<&(&OfLabel, (&Part, String, File))>,
) -> Option<Problem> {
    if let Some((_, (part, path, _))) = found {
        return part.snapshot.unread(path);
    }
    let of_folder = |part: &Part, folder: &str| {
        let path = if folder.is_empty() { path.to_owned() } else { format!("{folder}/{path}") };
        part.snapshot.unread(&path)
    };
    label
        .chosen
        .parts()
        .find_map(|part| label.folders(app, address, part).into_iter().find_map(|folder| of_folder(part, &folder)))
}

/// The file that answers, with its path and the part that has it.
fn find<'a>(app: &App, label: &'a OfLabel, address: &Address, path: &str) -> Option<(&'a Part, String, File)> {
    let is_hidden = |step: &str| if label.is_of_spring() { is_private(step) } else { step.starts_with('.') };
    if path.split('/').any(is_hidden) {
        return None;
    }
    let variants = variants(path, &address.profiles);
    label.chosen.parts().find_map(|part| {
        label.folders(app, address, part).into_iter().find_map(|folder| {
            let below = |name: &String| if folder.is_empty() { name.clone() } else { format!("{folder}/{name}") };
            let files = &part.snapshot.tree.files;
            let mut paths = variants.iter().map(below);
            paths.find_map(|path| files.get(path.as_str()).copied().map(|file| (part, path, file)))
        })
    })
}

/// Files of Git, of secrets and of keys: nobody means them to be served, whatever else begins with a dot.
fn is_private(step: &str) -> bool {
    matches!(step, ".git" | ".ssh") || step.starts_with(".env")
}

/// The paths that stand for one, the best first.
fn variants(path: &str, profiles: &[Arc<str>]) -> Vec<String> {
    let name = path.rfind('/').map_or(0, |slash| slash + 1);
    let (stem, extension) = match path[name..].rfind('.') {
        Some(dot) => path.split_at(name + dot),
        None => (path, ""),
    };
    let of_profile = |profile: &Arc<str>| match &**profile {
        "" | DEFAULT_PROFILE => path.to_owned(),
        profile => format!("{stem}-{profile}{extension}"),
    };
    profiles.iter().map(of_profile).chain([path.to_owned()]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_has_variants_for_profiles_in_the_order_asked() {
        let all = |path, profiles: &[&str]| {
            let profiles: Vec<Arc<str>> = profiles.iter().map(|profile| Arc::from(*profile)).collect();
            variants(path, &profiles)
        };
        assert_eq!(
            all("a.b/nginx.conf", &["dev", "eu"]),
            ["a.b/nginx-dev.conf", "a.b/nginx-eu.conf", "a.b/nginx.conf"]
        );
        assert_eq!(all("a.b/Dockerfile", &["dev"]), ["a.b/Dockerfile-dev", "a.b/Dockerfile"]);
        assert_eq!(all("x.tar.gz", &["default"]), ["x.tar.gz", "x.tar.gz"]);
    }

    #[test]
    fn the_time_counts_only_for_clients_that_have_no_tag() {
        let older = |headers: &[(header::HeaderName, &str)]| {
            let headers = headers.iter().map(|(name, value)| (name.clone(), value.parse().unwrap()));
            is_older(&headers.collect(), 1_600_000_000)
        };
        let since = |text| (header::IF_MODIFIED_SINCE, text);
        assert!(older(&[since("Fri, 01 Jan 2100 00:00:00 GMT")]));
        assert!(!older(&[since("Fri, 01 Jan 2100 00:00:00 GMT"), (header::IF_NONE_MATCH, "\"x\"")]));
        assert!(!older(&[since("Thu, 01 Jan 2015 00:00:00 GMT")]));
        assert!(!older(&[since("yesterday")]));
    }
}
