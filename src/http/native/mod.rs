//! layerd's own protocol: the merged document, where its values come from, and what the repository holds.
//!
//! The contract is section "HTTP" of `docs/protocols.md`. What operators ask is in `ops.rs`.

mod basis;
pub mod diff;
pub(super) mod listing;
pub(super) mod seal;
pub(super) mod watch;

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};

use crate::answer::{self, AnswerError, Explained, HiddenValue, Spelled, Spelling};
use crate::config::address::Address;
use crate::config::interpolate::Resolve;
use crate::config::layer;
use crate::config::value::Value;
use crate::format::wish::Wish;
use crate::format::{self, Format};
use crate::store::refresh::now;
use crate::store::{Chosen, Part};

use super::access::{Caller, HoldsSecret};
use super::error::Refusal;
use super::etag::{accepted, client_has};
use super::query::Asking;
use super::wait::Wait;
use super::{App, Route, Scope};
use crate::access::Verb;
use basis::Basis;
use watch::{Seen, WatchRequest};

/// What a request for configuration may say besides its path.
const OF_CONFIG: [&str; 14] = [
    "label", "key", "format", "raw", "resolve", "strict", "pretty", "wait", "names", "prefix", "readers", "name",
    "file", "only",
];

/// The routes of this protocol.
pub(super) fn routes() -> Vec<Route> {
    vec![
        Route::get("/api/v1/config/{application}", Scope::Needs(Verb::Read), get_default).takes(&OF_CONFIG),
        Route::get("/api/v1/config/{application}/{profiles}", Scope::Needs(Verb::Read), get_config).takes(&OF_CONFIG),
        Route::get("/api/v1/explain/{application}/{profiles}", Scope::Needs(Verb::Read), explain_config)
            .takes(&["label", "key", "resolve", "strict"]),
        Route::get("/api/v1/sources/{application}/{profiles}", Scope::Needs(Verb::Read), list_sources)
            .takes(&["label", "strict"]),
    ]
}

pub(super) type Asked = (State<Arc<App>>, Caller, Asking<Parameters>, HeaderMap);

async fn get_default(Path(application): Path<String>, asked: Asked) -> Result<Response, Refusal> {
    config(&application, None, asked).await
}

async fn get_config(Path((application, profiles)): Path<(String, String)>, asked: Asked) -> Result<Response, Refusal> {
    config(&application, Some(&profiles), asked).await
}

async fn config(application: &str, profiles: Option<&str>, asked: Asked) -> Result<Response, Refusal> {
    let (State(app), caller, Asking(parameters), headers) = asked;
    let address = parameters.address(application, profiles)?;
    let spelling = parameters.spelling(&headers, &address)?;
    let wait = Wait::of(parameters.wait.as_deref(), &headers)?;
    // Who shows no tag has nothing that could be the same still, and is answered at once.
    let time = wait.time.filter(|_| headers.contains_key(header::IF_NONE_MATCH));
    let mut listener = time.map(|_| app.hub.listen(&address)).transpose()?;
    let watch = WatchRequest { app, caller, headers, address, spelling, is_strict: parameters.strict()? };
    let Seen { basis, spelled } = watch.changed(listener.as_mut(), time.unwrap_or_default()).await?;
    let spelt = Spelt { basis: &basis, media_type: watch.spelling.notation.media_type() };
    let mut response = spelt.answer(&spelled, &watch.headers);
    wait.confirm(response.headers_mut());
    Ok(response)
}

async fn explain_config(
    Path((application, profiles)): Path<(String, String)>,
    (State(app), caller, Asking(parameters), headers): Asked,
) -> Result<Response, Refusal> {
    let address = app.permit(&caller, parameters.address(&application, Some(&profiles))?)?;
    let resolve = parameters.resolve()?;
    let basis = app.find(&caller, &address).await?.strictly(parameters.strict()?)?;
    let body = explanation(&address, &basis.chosen, resolve, parameters.key.as_deref(), false)?;
    let spelled = answer::seal(Format::Json, body);
    Ok(Spelt { basis: &basis, media_type: "application/json" }.answer(&spelled, &headers))
}

/// The JSON that explains an address, with its secrets in plain text if `reveal`; the command line prints the same.
///
/// # Errors
/// If a file that takes part cannot be read, or nothing is at or below `key`.
pub fn explanation(
    address: &Address,
    chosen: &Chosen,
    resolve: Resolve,
    key: Option<&str>,
    reveal: bool,
) -> Result<String, AnswerError> {
    let mut keys = answer::explain(&chosen.select(address)?, resolve, key)?;
    if reveal {
        keys.iter_mut().for_each(Explained::reveal);
    }
    let parts: Vec<_> = chosen.parts().map(|part| Whence::new(part, chosen.is_joined())).collect();
    let about = About::new(address, chosen);
    let keys = keys.iter().map(|key| ExplainedKey::new(key, &parts)).collect();
    Ok(serde_json::to_string(&Explanation { about, keys }).expect("texts, numbers and JSON are always JSON"))
}

async fn list_sources(
    Path((application, profiles)): Path<(String, String)>,
    (State(app), caller, Asking(parameters), headers): Asked,
) -> Result<Response, Refusal> {
    let address = app.permit(&caller, parameters.address(&application, Some(&profiles))?)?;
    let basis = app.find(&caller, &address).await?.strictly(parameters.strict()?)?;
    let chosen = &basis.chosen;
    let selection = chosen.select(&address)?;
    let parts: Vec<_> = chosen.parts().map(|part| Whence::new(part, chosen.is_joined())).collect();
    let layers = selection.layers.iter().enumerate();
    let sources = layers.map(|(index, layer)| SourceLayer::new(layer, &parts[selection.part_of(index)])).collect();
    Ok(json(&basis, &Sources { about: About::new(&address, chosen), sources }, &headers))
}

/// The parameters of this protocol's requests; each route says which of them it takes.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Parameters {
    label: Option<String>,
    key: Option<String>,
    format: Option<String>,
    resolve: Option<String>,
    strict: Option<String>,
    pretty: Option<String>,
    wait: Option<String>,
    raw: Option<String>,
    names: Option<String>,
    prefix: Option<String>,
    readers: Option<String>,
    name: Option<String>,
    file: Option<String>,
    only: Option<String>,
}

impl Parameters {
    fn address(&self, application: &str, profiles: Option<&str>) -> Result<Address, Refusal> {
        Ok(Address::parse(application, profiles, self.label.as_deref())?)
    }

    pub(super) fn label(&self) -> Result<Option<Arc<str>>, Refusal> {
        Ok(Address::parse("application", None, self.label.as_deref())?.label)
    }

    fn spelling(&self, headers: &HeaderMap, address: &Address) -> Result<Spelling, Refusal> {
        let raw = flag("raw", self.raw.as_ref())?;
        let otherwise = match self.format {
            None if !raw => accepted(headers).ok_or_else(Refusal::not_acceptable)?,
            _ => Format::Json,
        };
        let wish = Wish {
            format: self.format.as_deref(),
            raw,
            names: self.names.as_deref(),
            prefix: self.prefix.as_deref(),
            readers: self.readers.as_deref(),
            name: self.name.as_deref(),
            file: self.file.as_deref(),
            only: self.only.as_deref(),
        };
        Ok(Spelling {
            notation: wish.notation(otherwise, address)?,
            resolve: self.resolve()?,
            pretty: flag("pretty", self.pretty.as_ref())?,
            key: self.key.as_deref().map(Arc::from),
        })
    }

    fn resolve(&self) -> Result<Resolve, Refusal> {
        match self.resolve.as_deref() {
            None | Some("known") => Ok(Resolve::Known),
            Some("all") => Ok(Resolve::All),
            Some("false") => Ok(Resolve::Nothing),
            Some(other) => Err(Refusal::parameter("resolve", other, "known, all or false")),
        }
    }

    fn strict(&self) -> Result<bool, Refusal> {
        flag("strict", self.strict.as_ref())
    }
}

/// A parameter that is on when it is there, with or without `=true`.
fn flag(name: &'static str, value: Option<&String>) -> Result<bool, Refusal> {
    match value.map(String::as_str) {
        None | Some("false" | "0") => Ok(false),
        Some("" | "true" | "1") => Ok(true),
        Some(other) => Err(Refusal::parameter(name, other, "true or false")),
    }
}

/// What the headers of an answer are made of.
struct Spelt<'a> {
    basis: &'a Basis,
    media_type: &'static str,
}

impl Spelt<'_> {
    fn answer(&self, spelled: &Spelled, request: &HeaderMap) -> Response {
        let mut response = match client_has(request, &spelled.etag) {
            true => StatusCode::NOT_MODIFIED.into_response(),
            false => ([(header::CONTENT_TYPE, self.media_type)], spelled.body.clone()).into_response(),
        };
        if spelled.is_secret && response.status() != StatusCode::NOT_MODIFIED {
            response.extensions_mut().insert(HoldsSecret::of(std::iter::once(&self.basis.chosen)));
        }
        let headers = response.headers_mut();
        let chosen = &self.basis.chosen;
        let text = |text: &str| HeaderValue::from_str(text).ok();
        headers.extend(text(&spelled.etag).map(|value| (header::ETAG, value)));
        let caching = if spelled.is_secret { "private, no-store" } else { "private, no-cache" };
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(caching));
        headers.insert(header::VARY, HeaderValue::from_static("Authorization, Accept, Accept-Encoding"));
        let named = header::HeaderName::from_static;
        headers.extend(text(&chosen.version()).map(|value| (named("layerd-version"), value)));
        // Bytes beyond ASCII are legal in a branch's name and opaque in a header.
        let label = HeaderValue::from_bytes(chosen.first.label.as_bytes()).ok();
        headers.extend(label.map(|value| (named("layerd-label"), value)));
        headers.extend(chosen.pinned().and_then(|reason| text(&reason)).map(|value| (named("layerd-pinned"), value)));
        headers.extend(self.basis.warning().map(|value| (named("layerd-warning"), value)));
        headers.extend(chosen.age(now()).map(|age| (named("layerd-age"), HeaderValue::from(age))));
        if let Some(warning) = spelled.warning.as_deref().and_then(text) {
            headers.append(named("layerd-warning"), warning);
        }
        response
    }
}

/// An answer about configuration that is not configuration itself.
pub(super) fn json(basis: &Basis, body: &impl Serialize, request: &HeaderMap) -> Response {
    match serde_json::to_string(body) {
        Ok(body) => {
            let spelled = answer::seal(Format::Json, body);
            Spelt { basis, media_type: "application/json" }.answer(&spelled, request)
        }
        Err(error) => Refusal::internal().logged(&error).into_response(),
    }
}

// ── what goes over the wire ──

#[derive(Serialize)]
struct About<'a> {
    application: &'a str,
    profiles: &'a [Arc<str>],
    label: &'a str,
    version: String,
}

/// The answer of `explain`.
#[derive(Serialize)]
struct Explanation<'a> {
    #[serde(flatten)]
    about: About<'a>,
    keys: Vec<ExplainedKey<'a>>,
}

/// One key with where its value comes from.
#[derive(Serialize)]
struct ExplainedKey<'a> {
    key: &'a str,
    value: Box<serde_json::value::RawValue>,
    #[serde(skip_serializing_if = "Option::is_none")]
    written: Option<Box<serde_json::value::RawValue>>,
    #[serde(flatten)]
    origin: &'a layer::Origin,
    #[serde(flatten)]
    whence: &'a Whence<'a>,
    hides: Vec<HiddenKey<'a>>,
}

#[derive(Serialize)]
struct HiddenKey<'a> {
    value: Box<serde_json::value::RawValue>,
    #[serde(flatten)]
    origin: &'a layer::Origin,
    #[serde(skip_serializing_if = "Option::is_none")]
    source: Option<&'a str>,
}

/// The snapshot that something comes from; its source is named if there are several.
#[derive(Serialize)]
struct Whence<'a> {
    commit: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    source: Option<&'a str>,
}

#[derive(Serialize)]
struct Sources<'a> {
    #[serde(flatten)]
    about: About<'a>,
    /// Lowest precedence first.
    sources: Vec<SourceLayer<'a>>,
}

#[derive(Serialize)]
struct SourceLayer<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    source: Option<&'a str>,
    file: &'a str,
    document: u32,
    values: Box<serde_json::value::RawValue>,
}

impl<'a> About<'a> {
    fn new(address: &'a Address, chosen: &'a Chosen) -> Self {
        let Address { application, profiles, .. } = address;
        Self { application, profiles, label: &chosen.first.label, version: chosen.version() }
    }
}

impl<'a> Whence<'a> {
    fn new(part: &'a Part, several: bool) -> Self {
        Self { commit: part.snapshot.commit.to_string(), source: several.then_some(part.source()) }
    }
}

impl<'a> ExplainedKey<'a> {
    fn new(explained: &'a Explained, parts: &'a [Whence<'a>]) -> Self {
        let hidden = |hidden: &'a HiddenValue| HiddenKey {
            value: raw(&hidden.value),
            origin: &hidden.origin,
            source: parts[hidden.part].source,
        };
        Self {
            key: &explained.key,
            value: raw(&explained.value),
            written: explained.written.as_ref().map(raw),
            origin: &explained.origin,
            whence: &parts[explained.part],
            hides: explained.hides.iter().map(hidden).collect(),
        }
    }
}

impl<'a> SourceLayer<'a> {
    fn new(layer: &'a layer::Layer, whence: &Whence<'a>) -> Self {
        let document = layer.document();
        let values = answer::starred("", Value::Map(layer::entries_to_map(&document.root)));
        Self { source: whence.source, file: &layer.path, document: document.number, values: raw(&values) }
    }
}

/// A value as JSON of our own writing, so that integers of any size stay exact.
fn raw(value: &Value) -> Box<serde_json::value::RawValue> {
    let text = format::write(Format::Json, value, false);
    serde_json::value::RawValue::from_string(text).unwrap_or_default()
}
