//! What the audit log is told of a request: noted on the way through the handler, written when its response is there.

use std::sync::{Arc, Mutex, PoisonError};

use axum::extract::{MatchedPath, Request};
use axum::http::{Method, StatusCode};
use axum::response::{IntoResponse as _, Response};

use crate::access::{Action, Denial, Identity, Verb};
use crate::audit::{AuditDecision, AuditEntry, AuditEvent, AuditLog, AuditRead};
use crate::config::address::Address;
use crate::http::error::Refusal;
use crate::http::peer::Peer;
use crate::http::server::RequestId;
use crate::store::Chosen;

/// Seconds until a request is sent again that could not be written down.
const UNWRITTEN: u32 = 5;

/// Marks a response whose body holds opened secrets.
#[derive(Debug, Clone, Default)]
pub(in crate::http) struct HoldsSecret {
    label: Option<Arc<str>>,
    commit: Option<String>,
}

impl HoldsSecret {
    /// Of what was chosen, in one list for each label.
    pub(in crate::http) fn of<'a>(chosen: impl Iterator<Item = &'a Chosen> + Clone) -> Self {
        let labels: Vec<&str> = chosen.clone().map(|chosen| &*chosen.first.label).collect();
        let commits: Vec<String> = chosen.map(Chosen::version).collect();
        Self { label: Some(Arc::from(labels.join(","))), commit: Some(commits.join(",")) }
    }
}

/// The head of a request, for the audit log.
#[derive(Debug, Clone)]
pub(super) struct Head {
    entry: AuditEntry,
    id: Option<RequestId>,
}

/// What a handler found out about its request.
#[derive(Debug, Default)]
pub(super) struct Trail(Mutex<Noted>);

#[derive(Debug, Default)]
struct Noted {
    read: AuditRead,
    denial: Option<String>,
}

impl Head {
    pub(super) fn of(request: &Request) -> Self {
        let extensions = request.extensions();
        let entry = AuditEntry {
            address: extensions.get::<Peer>().map(|peer| peer.address),
            method: Some(request.method().as_str().to_owned()),
            route: extensions.get::<MatchedPath>().map(|path| Arc::from(path.as_str())),
            ..AuditEntry::of(AuditEvent::Request)
        };
        Self { entry, id: extensions.get::<RequestId>().cloned() }
    }

    fn id(&self) -> Option<&str> {
        self.id.as_ref().map(RequestId::as_str)
    }

    fn decided(&self, who: (Arc<str>, &'static str), decision: AuditDecision, response: StatusCode) -> AuditEntry {
        let (identity, kind) = (Some(who.0), Some(who.1));
        AuditEntry { identity, kind, decision: Some(decision), status: Some(response.as_u16()), ..self.entry.clone() }
    }

    /// A request that was refused before any handler saw it.
    pub(super) fn denied(&self, log: &AuditLog, who: (Arc<str>, &'static str), reason: String, status: StatusCode) {
        let entry = AuditEntry { reason: Some(reason), ..self.decided(who, AuditDecision::Denied, status) };
        log.note(entry, self.id());
    }

    /// A request that changes something, before it does.
    pub(super) async fn begin(&self, log: &AuditLog, identity: &Identity) -> Result<(), Refusal> {
        let entry = AuditEntry { status: None, ..self.decided(of(identity), AuditDecision::Allowed, StatusCode::OK) };
        log.write(entry, self.id()).await.map_err(|_| unwritten())
    }

    /// A request that was answered; the response, or the refusal that takes its place.
    pub(super) async fn end(
        &self,
        log: &AuditLog,
        (identity, verb): (&Identity, Verb),
        trail: &Trail,
        response: Response,
    ) -> Response {
        let Noted { read, denial } = trail.take();
        let holds = response.extensions().get::<HoldsSecret>().cloned();
        let decision = if denial.is_some() { AuditDecision::Denied } else { AuditDecision::Allowed };
        let entry = AuditEntry { reason: denial, ..self.decided(of(identity), decision, response.status()) };
        let written = match (decision, holds) {
            (AuditDecision::Denied, _) => {
                log.note(AuditEntry { read, ..entry }, self.id());
                Ok(())
            }
            (_, Some(HoldsSecret { label, commit })) => {
                let read = AuditRead { label: label.or(read.label.clone()), commit, secrets: true, ..read };
                log.read(AuditEntry { read, ..entry }, self.id()).await
            }
            _ if opens(verb) && self.entry.method.as_deref() == Some(Method::POST.as_str()) => {
                log.write(AuditEntry { read, ..entry }, self.id()).await
            }
            _ => Ok(()),
        };
        written.map_or_else(|_| unwritten().into_response(), |()| response)
    }
}

impl Trail {
    /// Notes what is to be read, from which label.
    pub(super) fn reads(&self, address: &Address, label: Option<&Arc<str>>) {
        self.note(|noted| {
            noted.read.application = Some(Arc::clone(&address.application));
            noted.read.profiles.clone_from(&address.profiles);
            noted.read.label = label.cloned();
        });
    }

    /// Notes the key that is used.
    pub(super) fn acts(&self, action: Action<'_>) {
        match action {
            Action::WithKey(_, key) => self.note(|noted| noted.read.key = Some(key.to_owned())),
            Action::About(_, application) => self.note(|noted| noted.read.application = Some(Arc::from(application))),
            Action::Read { .. } | Action::Plain { .. } | Action::Flags { .. } | Action::Any(_) => {}
        }
    }

    /// Notes that something was denied.
    pub(super) fn denied(&self, denial: &Denial) {
        self.note(|noted| noted.denial = Some(denial.to_string()));
    }

    fn note(&self, note: impl FnOnce(&mut Noted)) {
        note(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner));
    }

    fn take(&self) -> Noted {
        std::mem::take(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// True if a verb changes something, so that its line must be there before it does.
pub(super) fn changes(verb: Verb) -> bool {
    matches!(verb, Verb::Refresh | Verb::Override)
}

/// True if a verb opens or seals values, so that nobody gets them without a line.
fn opens(verb: Verb) -> bool {
    matches!(verb, Verb::Encrypt | Verb::Decrypt)
}

/// Name and kind of an identity.
pub(super) fn of(identity: &Identity) -> (Arc<str>, &'static str) {
    (Arc::clone(&identity.name), identity.kind.as_str())
}

/// 503: what must be written down cannot be.
fn unwritten() -> Refusal {
    let detail = "the audit log cannot be written, so the request is refused";
    Refusal::new(StatusCode::SERVICE_UNAVAILABLE, "audit-unavailable", detail).retry_after(UNWRITTEN)
}
