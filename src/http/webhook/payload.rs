//! What a delivery is about: whether anything was pushed, and to which branches and tags.
//!
//! A delivery only says "look now": what changed is found out from the fetched commits, because hosts cut their lists.
//! So a payload that cannot be understood is a reason to look, not an error.

use std::collections::BTreeSet;

use axum::http::HeaderMap;
use serde::Deserialize;
use serde_json::json;

use super::host::Host;

/// What a delivery asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Delivery {
    /// A push to these branches and tags; none if the payload does not name any.
    Push(BTreeSet<String>),
    /// Something else, of which configuration has no part.
    Other,
}

/// The events after which branches or tags lead elsewhere.
const PUSHES: [&str; 12] = [
    "push",
    "create",
    "delete",
    "Push Hook",
    "Tag Push Hook",
    "System Hook",
    "repo:push",
    "repo:refs_changed",
    "pullrequest:fulfilled",
    "pr:merged",
    "git.push",
    "git.pullrequest.merged",
];

/// The members that hosts name what was pushed in.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Payload {
    r#ref: Option<String>,
    push: Option<Changes<Pushed>>,
    changes: Vec<Moved>,
    resource: Option<Resource>,
    #[serde(rename = "eventType")]
    event_type: Option<String>,
}

/// Bitbucket Cloud.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Changes<T> {
    changes: Vec<T>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Pushed {
    new: Option<Named>,
    old: Option<Named>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Named {
    name: String,
}

/// Bitbucket Data Center.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Moved {
    ref_id: String,
}

/// Azure DevOps.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Resource {
    ref_updates: Vec<Named>,
}

impl Delivery {
    /// What a believed delivery is about.
    pub(super) fn of(host: Host, headers: &HeaderMap, body: &[u8]) -> Self {
        let payload = read(headers, body);
        let event = host.event_headers().iter().find_map(|name| headers.get(*name)?.to_str().ok());
        let is_push = match event.or(payload.event_type.as_deref()) {
            // Gogs and others call the same event by the same word; hosts that name none send nothing but pushes.
            None => true,
            Some(event) => PUSHES.iter().any(|push| event.eq_ignore_ascii_case(push)),
        };
        if is_push { Self::Push(payload.labels()) } else { Self::Other }
    }
}

/// A push to a branch as a host would send it: the headers that name the event, and the body.
#[must_use]
pub fn sample(host: Host, branch: &str) -> (Vec<(&'static str, &'static str)>, String) {
    let name = format!("refs/heads/{branch}");
    let event = match host {
        Host::GitLab | Host::Gitee => "Push Hook",
        Host::Bitbucket => "repo:push",
        _ => "push",
    };
    let body = match host {
        Host::Bitbucket => json!({ "push": { "changes": [{ "new": { "type": "branch", "name": branch } }] } }),
        Host::Azure => json!({ "eventType": "git.push", "resource": { "refUpdates": [{ "name": name }] } }),
        _ => json!({ "ref": name, "commits": [] }),
    };
    (host.event_headers().iter().take(1).map(|header| (*header, event)).collect(), body.to_string())
}

/// The payload; an empty one if it is not understood. GitHub may send it as a field of a form.
fn read(headers: &HeaderMap, body: &[u8]) -> Payload {
    let media = headers.get("content-type").and_then(|value| value.to_str().ok()).unwrap_or_default();
    if media.starts_with("application/x-www-form-urlencoded") {
        let field = body.split(|byte| *byte == b'&').find_map(|field| field.strip_prefix(b"payload="));
        let spaced: Vec<u8> =
            field.unwrap_or_default().iter().map(|byte| if *byte == b'+' { b' ' } else { *byte }).collect();
        let decoded: Vec<u8> = percent_encoding::percent_decode(&spaced).collect();
        return serde_json::from_slice(&decoded).unwrap_or_default();
    }
    serde_json::from_slice(body).unwrap_or_default()
}

impl Payload {
    fn labels(self) -> BTreeSet<String> {
        let cloud = self.push.into_iter().flat_map(|push| push.changes).flat_map(|pushed| [pushed.new, pushed.old]);
        let moved = self.changes.into_iter().map(|moved| moved.ref_id);
        let updated = self.resource.into_iter().flat_map(|resource| resource.ref_updates).map(|named| named.name);
        let names = self.r#ref.into_iter().chain(cloud.flatten().map(|named| named.name)).chain(moved).chain(updated);
        let short = |name: String| {
            let rest = name.strip_prefix("refs/heads/").or_else(|| name.strip_prefix("refs/tags/"));
            rest.map_or_else(|| name.clone(), str::to_owned)
        };
        names.filter(|name| !name.is_empty()).map(short).collect()
    }
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    fn of(host: Host, header: Option<(&'static str, &'static str)>, body: &str) -> Delivery {
        let headers = header.into_iter().map(|(name, value)| (name.parse().unwrap(), HeaderValue::from_static(value)));
        Delivery::of(host, &headers.collect(), body.as_bytes())
    }

    fn push(labels: &[&str]) -> Delivery {
        Delivery::Push(labels.iter().map(|label| (*label).to_owned()).collect())
    }

    #[test]
    fn every_host_names_what_was_pushed() {
        let push_to_main = r#"{"ref":"refs/heads/main","commits":[{"added":["a.yml"]}]}"#;
        for (host, header) in [
            (Host::GitHub, ("x-github-event", "push")),
            (Host::GitLab, ("x-gitlab-event", "Push Hook")),
            (Host::Gitea, ("x-gitea-event", "push")),
            (Host::Forgejo, ("x-forgejo-event", "push")),
            (Host::Gogs, ("x-gogs-event", "push")),
            (Host::Gitee, ("x-gitee-event", "Push Hook")),
        ] {
            assert_eq!(of(host, Some(header), push_to_main), push(&["main"]), "{host:?}");
        }
        assert_eq!(
            of(Host::GitLab, Some(("x-gitlab-event", "Tag Push Hook")), r#"{"ref":"refs/tags/v1"}"#),
            push(&["v1"])
        );
        let cloud = r#"{"push":{"changes":[{"new":{"name":"main"},"old":null},{"new":null,"old":{"name":"gone"}}]}}"#;
        assert_eq!(of(Host::Bitbucket, Some(("x-event-key", "repo:push")), cloud), push(&["gone", "main"]));
        let center = r#"{"changes":[{"refId":"refs/heads/feature/x","type":"UPDATE"}]}"#;
        assert_eq!(of(Host::Bitbucket, Some(("x-event-key", "repo:refs_changed")), center), push(&["feature/x"]));
        let azure = r#"{"eventType":"git.push","resource":{"refUpdates":[{"name":"refs/heads/main"}]}}"#;
        assert_eq!(of(Host::Azure, None, azure), push(&["main"]));
    }

    #[test]
    fn what_is_not_a_push_asks_for_nothing_and_what_is_not_understood_does() {
        assert_eq!(of(Host::GitHub, Some(("x-github-event", "ping")), r#"{"zen":"x"}"#), Delivery::Other);
        assert_eq!(of(Host::GitHub, Some(("x-github-event", "issues")), "{}"), Delivery::Other);
        assert_eq!(of(Host::Bitbucket, Some(("x-event-key", "diagnostics:ping")), "{}"), Delivery::Other);
        assert_eq!(of(Host::Azure, None, r#"{"eventType":"workitem.created"}"#), Delivery::Other);
        for body in ["", "[", r#"{"ref":7}"#, "null"] {
            assert_eq!(of(Host::Generic, None, body), push(&[]), "{body}");
        }
    }

    #[test]
    fn samples_are_pushes_to_their_branch() {
        for (name, host) in Host::ALL {
            let (headers, body) = sample(host, "release/1");
            let headers =
                headers.into_iter().map(|(name, value)| (name.parse().unwrap(), HeaderValue::from_static(value)));
            assert_eq!(Delivery::of(host, &headers.collect(), body.as_bytes()), push(&["release/1"]), "{name}");
        }
    }

    #[test]
    fn a_payload_in_a_form_is_read() {
        let form = "payload=%7B%22ref%22%3A+%22refs%2Fheads%2Fmain%22%7D&x=1";
        let headers =
            [("content-type".parse().unwrap(), HeaderValue::from_static("application/x-www-form-urlencoded"))];
        assert_eq!(Delivery::of(Host::GitHub, &headers.into_iter().collect(), form.as_bytes()), push(&["main"]));
    }
}
