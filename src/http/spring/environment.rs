//! `/{name}/{profiles}[/{label}]`: the sources of a configuration, strongest first, each with its flat keys.
//!
//! Under native semantics there is one source, the merged whole with its placeholders untouched, because what `!unset`
//! and the like do cannot be told as an overlay of sources.

use std::fmt::Write as _;
use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::State;
use axum::response::Response;

use crate::answer::environment::{Environment, SourcesSpelling, spell_sources};
use crate::answer::{self, AnswerError, Spelled};
use crate::config::address::{Address, DEFAULT_PROFILE};
use crate::http::{App, refuse_path};
use crate::store::Chosen;

use super::asked::{Asked, Named};
use super::error::Failure;
use super::labels::May;
use super::layers::{self, OfLabel};
use super::written::{Written, answered};
use super::{flat, labels, resource};

/// `/{name}/{profiles}`, or `/{label}/{file}`.
pub(super) async fn get_pair(State(app): State<Arc<App>>, asked: Asked) -> Response {
    let Some([name, profiles]) = asked.named(2) else { return refuse_path(&asked) };
    let answer = match flat::is_file(profiles) {
        true => flat::file(&app, &asked, Some(name), profiles).await,
        false => environment(&app, &asked, name, profiles, None).await,
    };
    asked.reply(answer)
}

/// `/{name}/{profiles}/{label}`, or `/{name}/{profiles}/{path}?useDefaultLabel`.
pub(super) async fn get_triple(State(app): State<Arc<App>>, asked: Asked) -> Response {
    let Some([name, profiles, label]) = asked.named(3) else { return refuse_path(&asked) };
    let answer = if asked.parameter("useDefaultLabel").is_some() {
        resource::resource(&app, &asked, &[name, profiles], None, std::slice::from_ref(label)).await
    } else if asked.accept.environment().is_none() {
        Err(Failure::no_file())
    } else {
        environment(&app, &asked, name, profiles, Some(label)).await
    };
    asked.reply(answer)
}

async fn environment(
    app: &App,
    asked: &Asked,
    name: &str,
    profiles: &str,
    label: Option<&str>,
) -> Result<Response, Failure> {
    let (media_type, with_origins) = asked.accept.environment().ok_or_else(Failure::not_acceptable)?;
    let named = Named::parse(name, profiles, label)?;
    let found = find(app, &May::Read(asked.caller()?), &named, with_origins).await?;
    Ok(respond(app, asked, (&named, &found), &media_type))
}

/// The parts of an environment.
pub(super) struct Found {
    /// What was chosen for each label.
    labels: Vec<OfLabel>,
    /// The sources of each, as members of a JSON list without its brackets, the strongest first.
    sources: Vec<Arc<Spelled>>,
}

/// Finds the sources of what is asked for.
pub(super) async fn find(app: &App, may: &May<'_>, named: &Named, with_origins: bool) -> Result<Found, Failure> {
    let labels = labels::choose(app, may, named).await?;
    let mut sources = Vec::with_capacity(labels.len() + 1);
    for label in labels.iter().rev() {
        sources.push(sources_of(app, label, &named.address, with_origins)?);
    }
    sources.retain(|spelled| !spelled.body.is_empty());
    if sources.is_empty() && !app.spring.accept_empty {
        return Err(Failure::nothing_found());
    }
    if let (Some(overrides), Some(first)) = (layers::overrides(app), labels.first()) {
        let environment = Environment::join([]).with_overrides(&overrides);
        sources.insert(0, Arc::new(spell(&environment, first, with_origins)?));
    }
    Ok(Found { labels, sources })
}

fn sources_of(app: &App, of: &OfLabel, address: &Address, with_origins: bool) -> Result<Arc<Spelled>, Failure> {
    let kind = if with_origins { "spring-origins" } else { "spring" };
    // Search paths may hold the label, so that one commit answers two of them in two ways.
    let address = &Address { label: of.asked.clone(), ..address.clone() };
    app.store.keep((&of.chosen, address), kind, || {
        if of.is_of_spring() {
            return Ok(spell(&of.environment(app, address)?, of, with_origins)?);
        }
        let body = answer::flat_json(&of.chosen.select(address)?, with_origins)?;
        let name = native_name(&of.chosen, address);
        Ok(body.map_text(|body| format!("{{\"name\":{},\"source\":{body}}}", json_text(&name))))
    })
}

/// The sources of an environment as members of a list. The tag is made of sealed texts, and is no help in guessing secrets.
fn spell(environment: &Environment, of: &OfLabel, origins: bool) -> Result<Spelled, AnswerError> {
    let text = |reveal| {
        let list = spell_sources(environment, SourcesSpelling { origins, reveal }, |source| of.name(source))?;
        let list = list.trim_start_matches('[').strip_suffix(']').map(str::to_owned);
        Ok::<_, AnswerError>(list.unwrap_or_default())
    };
    let is_secret = environment.has_secret();
    let sealed = text(false)?;
    let etag = answer::tag("", &sealed);
    Ok(Spelled { etag, body: Bytes::from(if is_secret { text(true)? } else { sealed }), is_secret, warning: None })
}

/// The one source of native semantics: a name with the extension and the profiles by which clients know their own.
fn native_name(chosen: &Chosen, address: &Address) -> String {
    let profiles = address.profiles.iter().filter(|profile| ***profile != *DEFAULT_PROFILE);
    let suffix: String = profiles.map(|profile| format!("-{profile}")).collect();
    format!("{}/{}{suffix}.yml", chosen.first.uri(), address.application)
}

impl Found {
    /// The commits, or what the settings have in their place.
    fn version(&self, app: &App) -> String {
        match &app.spring.version {
            Some(version) => version.to_string(),
            None => self.labels.iter().map(|label| label.chosen.version()).collect::<Vec<_>>().join(","),
        }
    }

    fn is_secret(&self) -> bool {
        self.sources.iter().any(|source| source.is_secret)
    }

    /// The names of the sources, strongest first.
    pub(super) fn names(&self) -> Vec<String> {
        let texts = self.sources.iter().filter_map(|source| std::str::from_utf8(&source.body).ok());
        let lists = texts.filter_map(|text| serde_json::from_str::<Vec<SourceName>>(&format!("[{text}]")).ok());
        lists.flatten().map(|source| source.name).collect()
    }
}

#[derive(serde::Deserialize)]
struct SourceName {
    name: String,
}

/// Everything but the sources differs from request to request, and is written around them.
fn respond(app: &App, asked: &Asked, (named, found): (&Named, &Found), media_type: &str) -> Response {
    let version = found.version(app);
    let mut head = String::with_capacity(256);
    let label = named.label.as_deref().map_or("null".to_owned(), json_text);
    let (name, profiles) = (json_text(&named.address.application), json_text(&named.profiles));
    write!(head, "{{\"name\":{name},\"profiles\":[{profiles}],\"label\":{label},\"version\":{},", json_text(&version))
        .expect("writing to a string cannot fail");
    // Folders have no state, as Spring has it.
    let state = if app.spring.folder_label.is_some() { "null" } else { "\"\"" };
    write!(head, "\"state\":{state},\"propertySources\":[").expect("writing to a string cannot fail");
    let etags: Vec<&str> = found.sources.iter().map(|source| &*source.etag).collect();
    let etag = answer::tag(media_type, &format!("{head}{}", etags.join(",")));
    let body = [head.as_bytes(), &joined(&found.sources), b"]}"].concat();
    let written = Written { media_type, etag: Some(&etag), is_secret: found.is_secret() };
    layers::tell_pins(answered(asked, Bytes::from(body), &written), &found.labels)
}

fn joined(sources: &[Arc<Spelled>]) -> Vec<u8> {
    let bodies: Vec<&[u8]> = sources.iter().map(|source| &*source.body).collect();
    bodies.join(&b","[..])
}

/// A text as JSON.
pub(super) fn json_text(text: &str) -> String {
    serde_json::to_string(text).expect("a text is always JSON")
}
