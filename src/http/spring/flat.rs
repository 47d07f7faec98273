//! `[/{label}]/{name}-{profiles}.yml`, `.yaml`, `.properties` and `.json`: the sources of a configuration in one.
//!
//! These answers have no regard for `Accept`. Under native semantics they are layerd's own spellings of the merged whole,
//! with defaults of placeholders taken.

use std::sync::Arc;

use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse as _, Response};

use crate::answer::environment::{Flat, FlatSpelling, OVERRIDES, spell_flat};
use crate::answer::{Spelled, Spelling};
use crate::config::address::Address;
use crate::config::interpolate::Resolve;
use crate::format::Format;
use crate::http::{App, refuse_path};

use super::asked::{Asked, Named};
use super::error::Failure;
use super::labels;
use super::labels::May;
use super::layers::{self, OfLabel};
use super::written::{Written, answered};

/// The extensions of the flat formats.
const EXTENSIONS: [(&str, Format); 4] =
    [("yml", Format::Yaml), ("yaml", Format::Yaml), ("properties", Format::Properties), ("json", Format::Json)];

/// `/{name}-{profiles}.{extension}`.
pub(super) async fn get_file(State(app): State<Arc<App>>, asked: Asked) -> Response {
    let [file] = asked.raw.as_slice() else { return refuse_path(&asked) };
    let answer = self::file(&app, &asked, None, file).await;
    asked.reply(answer)
}

/// True if the last segment of two can be no list of profiles, because it holds one of the extensions.
pub(super) fn is_file(segment: &str) -> bool {
    let is_word = |character: char| character.is_ascii_alphanumeric() || character == '_';
    segment.match_indices('.').any(|(dot, _)| {
        let (before, after) = (&segment[..dot], &segment[dot + 1..]);
        before.ends_with(is_word)
            && EXTENSIONS
                .iter()
                .any(|(extension, _)| after.strip_prefix(extension).is_some_and(|rest| !rest.starts_with(is_word)))
    })
}

/// True if the segments of a path are those of a flat format, or two that name an environment.
pub(super) fn is_matched(segments: &[String]) -> bool {
    match segments {
        [file] => split(file).is_some(),
        [first, last] => !first.is_empty() && !last.is_empty() && (!is_file(last) || split(last).is_some()),
        _ => false,
    }
}

/// The answer to `[/{label}]/{file}`.
pub(super) async fn file(app: &App, asked: &Asked, label: Option<&str>, file: &str) -> Result<Response, Failure> {
    let (name, profiles, format) = split(file).ok_or_else(Failure::no_path)?;
    let resolve = if asked.resolves_placeholders()? { Resolve::All } else { Resolve::Nothing };
    if name.is_empty() || profiles.is_empty() {
        return nothing(app, format);
    }
    let named = Named::parse(name, profiles, label)?;
    let labels = labels::choose(app, &May::Read(asked.caller()?), &named).await?;
    let spelled = match labels.last() {
        None => return nothing(app, format),
        Some(strongest) if strongest.is_of_spring() => of_spring(app, &labels, &named, (format, resolve))?,
        Some(strongest) => {
            let spelling = Spelling { notation: format.into(), resolve, pretty: false, key: None };
            app.store.answer(&strongest.chosen, &named.address, &spelling)?
        }
    };
    let Spelled { etag, is_secret, .. } = &*spelled;
    let written = Written { media_type: media_type(format), etag: Some(etag), is_secret: *is_secret };
    Ok(layers::tell_pins(answered(asked, spelled.body.clone(), &written), &labels))
}

fn of_spring(
    app: &App,
    labels: &[OfLabel],
    named: &Named,
    (format, resolve): (Format, Resolve),
) -> Result<Arc<Spelled>, Failure> {
    let (kind, format) = match (format, resolve) {
        (Format::Json, Resolve::Nothing) => ("spring-json-raw", Flat::Json),
        (Format::Json, _) => ("spring-json", Flat::Json),
        (Format::Yaml, Resolve::Nothing) => ("spring-yaml-raw", Flat::Yaml),
        (Format::Yaml, _) => ("spring-yaml", Flat::Yaml),
        (_, Resolve::Nothing) => ("spring-properties-raw", Flat::Properties),
        (_, _) => ("spring-properties", Flat::Properties),
    };
    let make = || {
        let environment = layers::whole(app, labels, &named.address)?;
        let has_sources = environment.sources.iter().any(|source| *source.file != *OVERRIDES);
        if !has_sources && !app.spring.accept_empty {
            return Err(Failure::nothing_found());
        }
        let (resolve, strip_document) = (resolve != Resolve::Nothing, app.spring.strip_document);
        Ok(spell_flat(&environment, FlatSpelling { format, resolve, strip_document })?)
    };
    match labels {
        [one] => {
            let address = Address { label: one.asked.clone(), ..named.address.clone() };
            app.store.keep((&one.chosen, &address), kind, make)
        }
        _ => make().map(Arc::new),
    }
}

/// What an application or a profile without a name has.
fn nothing(app: &App, format: Format) -> Result<Response, Failure> {
    if !app.spring.accept_empty {
        return Err(Failure::nothing_found());
    }
    let body = match format {
        Format::Yaml => "{}\n",
        Format::Json => "{}",
        _ => "",
    };
    Ok(([(header::CONTENT_TYPE, media_type(format))], body).into_response())
}

fn media_type(format: Format) -> &'static str {
    if format == Format::Json { "application/json" } else { "text/plain" }
}

/// The name, the profiles and the format of a file's name; the last hyphen parts the first two.
fn split(file: &str) -> Option<(&str, &str, Format)> {
    let (stem, extension) = file.rsplit_once('.')?;
    let (_, format) = EXTENSIONS.iter().find(|(known, _)| *known == extension)?;
    let (name, profiles) = stem.rsplit_once('-')?;
    Some((name, profiles, *format))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_hyphen_parts_name_and_profiles() {
        assert_eq!(split("my-shop-dev.yml"), Some(("my-shop", "dev", Format::Yaml)));
        assert_eq!(split("-dev.json"), Some(("", "dev", Format::Json)));
        assert_eq!(split("app-.yaml"), Some(("app", "", Format::Yaml)));
        assert_eq!(split("app-a.yml.json"), Some(("app", "a.yml", Format::Json)));
        for none in ["shop", "shop.yml", "shop-dev", "shop-dev.xml", "", "."] {
            assert_eq!(split(none), None, "{none}");
        }
    }

    #[test]
    fn a_segment_with_one_of_the_extensions_is_no_list_of_profiles() {
        for file in ["dev.yml", "a-b.json", "x.properties", "dev.yaml", "dev.yml-x", "a.yml.b"] {
            assert!(is_file(file), "{file}");
        }
        for profiles in ["dev.txt", "dev.ymlx", "v1.2", ".yml", "dev,yml"] {
            assert!(!is_file(profiles), "{profiles}");
        }
    }
}
