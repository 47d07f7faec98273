//! Sealing and opening over HTTP, in layerd's own form. What clients of Spring send is in `spring/encrypt.rs`.
//!
//! The value is the body, so that it stands in no log of targets. Opening is off unless the settings say otherwise: who
//! may call it reads every secret.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::config::address::Address;
use crate::config::select::Rank;
use crate::secret::error::{OpenError, SealError};
use crate::secret::place::{Context, Place};
use crate::secret::sealed::Sealed;

use crate::access::{Action, Verb};
use crate::http::access::Caller;
use crate::http::error::Refusal;
use crate::http::query::Asking;
use crate::http::sealing_body::{self, Unclear};
use crate::http::{App, Route, Scope};

/// What names the place of a value.
const OF_PLACE: [&str; 5] = ["application", "profile", "key", "file", "context"];

/// The routes of this protocol.
pub(in crate::http) fn routes() -> Vec<Route> {
    vec![
        Route::post("/api/v1/encrypt", Scope::Needs(Verb::Encrypt), seal_value).takes(&OF_PLACE),
        Route::post("/api/v1/decrypt", Scope::Needs(Verb::Decrypt), open_value).takes(&OF_PLACE),
    ]
}

async fn seal_value(
    State(app): State<Arc<App>>,
    caller: Caller,
    Asking(place): Asking<Where>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, Refusal> {
    let (context, bound) = (place.context()?, place.bound(&app)?);
    if let Some(key) = app.store.secrets().ring.encrypts_with() {
        app.check(&caller, Action::WithKey(Verb::Encrypt, key.as_str()))?;
    }
    let text = sealing_body::text(&headers, &body).map(Zeroizing::new).map_err(|Unclear(detail)| {
        Refusal::new(StatusCode::BAD_REQUEST, "invalid-body", detail).hint(sealing_body::HINT)
    })?;
    let sealed = app.store.secrets().ring.seal(&text, context, &bound.place(), random()?)?;
    Ok(answer(&SealedValue { sealed: &sealed, context: context.name() }))
}

async fn open_value(
    State(app): State<Arc<App>>,
    caller: Caller,
    Asking(place): Asking<Where>,
    body: Bytes,
) -> Result<Response, Refusal> {
    if !caller.grants().may(Action::Any(Verb::Decrypt)) {
        return Err(decrypt_is_off());
    }
    let bound = place.bound(&app)?;
    let sealed = Sealed::parse(text(&body)?.trim_end_matches(['\r', '\n']));
    let not_sealed = || Refusal::new(StatusCode::BAD_REQUEST, "not-sealed", "the body is no sealed value");
    let plain = app.store.secrets().ring.open(&sealed.ok_or_else(not_sealed)??, &bound.place())?;
    Ok(answer(&OpenedValue { value: plain.expose() }))
}

/// 403: nobody may open values over HTTP here.
fn decrypt_is_off() -> Refusal {
    Refusal::new(StatusCode::FORBIDDEN, "decrypt-off", "this server opens no values for those who ask")
        .hint("open it where the key is, with `layerd decrypt`; or set `secrets.decrypt`")
}

fn text(body: &Bytes) -> Result<&str, Refusal> {
    let refuse = |detail: &str| Refusal::new(StatusCode::BAD_REQUEST, "invalid-body", detail);
    match std::str::from_utf8(body) {
        Ok("") => Err(refuse("the body is empty, and should be a sealed value")),
        Ok(text) => Ok(text),
        Err(_) => Err(refuse("the body is not UTF-8")),
    }
}

/// Bytes that nobody can foresee.
///
/// # Errors
/// If the system has none, which no healthy one ever says.
pub(in crate::http) fn random<const BYTES: usize>() -> Result<[u8; BYTES], Refusal> {
    let mut bytes = [0; BYTES];
    getrandom::fill(&mut bytes).map_err(|error| Refusal::internal().logged(&error))?;
    Ok(bytes)
}

fn answer(body: &impl Serialize) -> Response {
    ([(header::CACHE_CONTROL, "private, no-store")], axum::Json(body)).into_response()
}

/// The place that a value is for. Without a key the value is bound to the application, without that to nothing.
#[derive(Debug, Default, Deserialize)]
struct Where {
    application: Option<String>,
    profile: Option<String>,
    key: Option<String>,
    /// The path of the file from the root of the configuration, in the place of application and profile.
    file: Option<String>,
    context: Option<String>,
}

/// A place that owns its texts.
struct Bound {
    rank: Option<Rank>,
    key: String,
}

impl Where {
    fn context(&self) -> Result<Context, Refusal> {
        let given = self
            .context
            .as_deref()
            .map(|name| Context::of_name(name).ok_or_else(|| Refusal::parameter("context", name, "prop, app or any")));
        let natural = match (self.application.as_ref().or(self.file.as_ref()), &self.key) {
            (Some(_), Some(_)) => Context::Prop,
            (Some(_), None) => Context::App,
            (None, _) => Context::Any,
        };
        let context = given.unwrap_or(Ok(natural))?;
        let missing = |name: &str| {
            let detail = format!(
                "the parameter `{name}` is missing, and a value of context `{}` is bound to it",
                context.name()
            );
            Err(Refusal::new(StatusCode::BAD_REQUEST, "missing-parameter", detail))
        };
        match context {
            Context::Prop | Context::App if self.application.is_none() && self.file.is_none() => missing("application"),
            Context::Prop if self.key.is_none() => missing("key"),
            _ => Ok(context),
        }
    }

    fn bound(&self, app: &App) -> Result<Bound, Refusal> {
        let key = self.key.clone().unwrap_or_default();
        if let Some(file) = &self.file {
            if self.application.is_some() || self.profile.is_some() {
                return Err(Refusal::parameter("file", file, "without `application` and `profile`"));
            }
            return Ok(Bound { rank: Some(rank_of(app, file)?), key });
        }
        let Some(application) = &self.application else { return Ok(Bound { rank: None, key }) };
        // Checked as the names of every other request are.
        let address = Address::parse(application, self.profile.as_deref(), None)?;
        match &self.profile {
            Some(list) if address.profiles.len() > 1 => Err(Refusal::parameter("profile", list, "one profile")),
            profile => Ok(Bound { rank: Some(Rank::named(application, profile.as_deref())), key }),
        }
    }
}

/// What a file is for, if all sources take it for the same.
fn rank_of(app: &App, file: &str) -> Result<Rank, Refusal> {
    let refuse = |wanted| Refusal::parameter("file", file, wanted);
    let mut ranks: Vec<Rank> = Vec::new();
    for rank in app.store.ranks(file) {
        let rank = rank.ok_or_else(|| refuse("the path of a file that an application is answered from"))?;
        if !ranks.contains(&rank) {
            ranks.push(rank);
        }
    }
    match ranks.as_slice() {
        [rank] => Ok(rank.clone()),
        _ => Err(refuse("a file that all sources take for the same; seal it with `layerd encrypt --in-place`")),
    }
}

impl Bound {
    fn place(&self) -> Place<'_> {
        match &self.rank {
            Some(rank) => Place::of(rank, &self.key),
            None => Place { rank: "", application: None, target: None, key: &self.key },
        }
    }
}

impl From<SealError> for Refusal {
    fn from(error: SealError) -> Self {
        match error {
            SealError::NoKey => Self::new(StatusCode::NOT_FOUND, "no-key", error.to_string())
                .hint("set `secrets.keys`; `layerd keygen` makes a key"),
            SealError::TooLong { .. } => Self::new(StatusCode::PAYLOAD_TOO_LARGE, "value-too-long", error.to_string()),
            SealError::LongKey { .. } => Self::new(StatusCode::BAD_REQUEST, "invalid-parameter", error.to_string()),
            SealError::NoApplication => Self::new(StatusCode::BAD_REQUEST, "missing-parameter", error.to_string()),
        }
    }
}

impl From<OpenError> for Refusal {
    fn from(error: OpenError) -> Self {
        // One status for all of them, and of the value nothing.
        Self::new(StatusCode::BAD_REQUEST, error.code(), error.to_string()).hint(error.hint())
    }
}

// ── what goes over the wire ──

#[derive(Serialize)]
struct SealedValue<'a> {
    /// The text to commit.
    sealed: &'a str,
    context: &'a str,
}

#[derive(Serialize)]
struct OpenedValue<'a> {
    value: &'a str,
}
