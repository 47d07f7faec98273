//! What a line of the audit log says, without its time and its place in the chain.

use std::net::IpAddr;
use std::sync::Arc;

use serde::Serialize;

/// What happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum AuditEvent {
    /// A request.
    Request,
    /// The server has begun to write.
    Started,
    /// The server has ended.
    Stopped,
    /// The file of access tokens was read anew.
    TokensChanged,
    /// The keys of sealed values were read anew.
    KeysChanged,
}

/// What was decided about a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum AuditDecision {
    /// It was permitted.
    Allowed,
    /// It was not.
    Denied,
}

/// One line of the audit log. There is no member that could hold a value, and a query is never part of one.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize)]
pub struct AuditEntry {
    /// What happened.
    pub event: AuditEvent,
    /// What was decided, of a request.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub decision: Option<AuditDecision>,
    /// Why a request was denied, or what has changed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The name of the identity, `anonymous` if there is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub identity: Option<Arc<str>>,
    /// How the identity was shown.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kind: Option<&'static str>,
    /// The address of the client.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub address: Option<IpAddr>,
    /// The method.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub method: Option<String>,
    /// The route, with the names of its parameters.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub route: Option<Arc<str>>,
    /// The status of the response.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// What was read, or would have been.
    #[serde(flatten)]
    pub read: AuditRead,
    /// The ids that were added, of tokens or keys.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub added: Vec<String>,
    /// The ids that were taken away.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub removed: Vec<String>,
}

/// What a request read, or would have read.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, Serialize)]
pub struct AuditRead {
    /// The application.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub application: Option<Arc<str>>,
    /// Its profiles.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub profiles: Vec<Arc<str>>,
    /// The label that answered, or that was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub label: Option<Arc<str>>,
    /// The commits that answered.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub commit: Option<String>,
    /// The id of the key that was used.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// The response holds an opened secret.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub secrets: bool,
}

impl AuditEntry {
    /// An entry that says only what happened.
    #[must_use]
    pub fn of(event: AuditEvent) -> Self {
        Self {
            event,
            decision: None,
            reason: None,
            identity: None,
            kind: None,
            address: None,
            method: None,
            route: None,
            status: None,
            read: AuditRead::default(),
            added: Vec::new(),
            removed: Vec::new(),
        }
    }
}
