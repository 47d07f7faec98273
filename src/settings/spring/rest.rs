//! Keys of a Spring Cloud Config Server that no setting here stands for: without effect, or refused, and why.

use crate::settings::nearest::nearest;

/// What is done about a key that nothing reads.
pub(super) enum Rest {
    /// It says what holds anyway.
    Same,
    /// It has no effect, because of this.
    Idle(String),
    /// Answers would change without it; with a hint.
    Refused(&'static str, Option<String>),
}

/// Keys that have no effect, by how they begin in their uniform spelling, and why.
const IDLE: [(&str, &str); 21] = [
    ("spring.cloud.config.server.git.basedir", "mirrors live in the folder of `--state`"),
    ("spring.cloud.config.server.git.cloneonstart", "the repository is always fetched at the start"),
    ("spring.cloud.config.server.git.forcepull", "there is no work tree that could be in the way"),
    ("spring.cloud.config.server.git.deleteuntrackedbranches", "a deleted branch is gone with the next fetch"),
    ("spring.cloud.config.server.git.timeout", "no request waits for the remote; a fetch has `sources[].fetch-time`"),
    ("spring.cloud.config.server.git.order", "there is one back end"),
    ("spring.cloud.config.server.native.order", "there is one back end"),
    ("spring.cloud.config.server.native.failonerror", "a folder that cannot be read is told in `/api/v1/problems`"),
    ("spring.cloud.config.server.git.ignorelocalsshsettings", "settings of the user's own SSH are never read"),
    ("spring.cloud.config.server.defaultapplicationname", "only back ends that are not there read it"),
    ("spring.cloud.config.server.defaultprofile", "only back ends that are not there read it"),
    ("spring.cloud.config.server.encrypt.plaintextencrypt", "sealed values in files that are sent as text stay sealed"),
    ("spring.cloud.config.server.bootstrap", "the server has no configuration of its own to fetch"),
    ("spring.cloud.config.server.failoncompositeerror", "there is one back end"),
    ("spring.cloud.config.server.health", "there is nothing to say about it"),
    ("encrypt.rsa.", "only pairs of keys read it"),
    ("encrypt.failonerror", "a key that cannot be read always ends the start"),
    ("server.servlet.session", "there are no sessions"),
    ("server.servlet.encoding", "answers are UTF-8"),
    ("server.servlet.applicationdisplayname", "nobody sees it"),
    ("spring.config.activate", "it says when its document takes part"),
];

/// The back ends, by the name of their section, and the profiles of the server that make them active.
pub(super) const BACK_ENDS: [(&str, &[&str]); 15] = [
    ("git", &["git"]),
    ("native", &["native"]),
    ("svn", &["subversion", "svn"]),
    ("vault", &["vault"]),
    ("jdbc", &["jdbc"]),
    ("redis", &["redis"]),
    ("mongodb", &["mongodb", "mongo"]),
    ("awss3", &["awss3"]),
    ("awsparamstore", &["awsparamstore"]),
    ("awssecretsmanager", &["awssecretsmanager"]),
    ("awscodecommit", &["awscodecommit"]),
    ("credhub", &["credhub"]),
    ("gcpsecretmanager", &["secretmanager", "gcpsecretmanager"]),
    ("azure", &["azure"]),
    ("composite", &["composite"]),
];

/// Keys that change nothing with one of these values.
const HARMLESS: [(&str, &[&str]); 9] = [
    ("spring.cloud.config.server.enabled", &["true"]),
    ("spring.cloud.config.server.git.skipsslvalidation", &["false"]),
    ("spring.cloud.config.server.git.stricthostkeychecking", &["true"]),
    ("spring.cloud.config.server.git.clonesubmodules", &["false"]),
    ("spring.cloud.config.server.git.reverselocationorder", &["false"]),
    ("spring.cloud.config.server.native.reverselocationorder", &["false"]),
    ("spring.cloud.config.server.reverselocationorder", &["false"]),
    ("server.ssl.enabled", &["false"]),
    ("server.http2.enabled", &["false"]),
];

/// Groups that other parts of a Spring application read.
const ELSEWHERE: [&str; 6] = ["management.", "logging.", "spring.application.", "eureka.", "info.", "server."];

/// Keys that are taken over, as they are usually written.
const TAKEN: [&str; 26] = [
    "spring.cloud.config.server.prefix",
    "spring.cloud.config.server.default-label",
    "spring.cloud.config.server.accept-empty",
    "spring.cloud.config.server.strip-document-from-yaml",
    "spring.cloud.config.server.overrides",
    "spring.cloud.config.server.health.repositories",
    "spring.cloud.config.server.encrypt.enabled",
    "spring.cloud.config.server.encrypt.prefix-invalid-properties",
    "spring.cloud.config.server.git.uri",
    "spring.cloud.config.server.git.username",
    "spring.cloud.config.server.git.password",
    "spring.cloud.config.server.git.private-key-file",
    "spring.cloud.config.server.git.known-hosts-file",
    "spring.cloud.config.server.git.search-paths",
    "spring.cloud.config.server.git.default-label",
    "spring.cloud.config.server.git.try-master-branch",
    "spring.cloud.config.server.git.continue-on-multiple-label-failure",
    "spring.cloud.config.server.git.refresh-rate",
    "spring.cloud.config.server.native.search-locations",
    "spring.cloud.config.server.native.add-label-locations",
    "spring.cloud.config.server.native.default-label",
    "spring.cloud.config.server.native.version",
    "encrypt.key",
    "encrypt.salt",
    "server.port",
    "server.address",
];

/// The section of a back end in a key: `git` of `spring.cloud.config.server.git.uri`.
fn section(uniform: &str) -> Option<&str> {
    let section = uniform.strip_prefix("spring.cloud.config.server.")?.split(['.', '[']).next()?;
    BACK_ENDS.iter().any(|(name, _)| *name == section).then_some(section)
}

fn tail(name: &str) -> &str {
    name.strip_prefix("spring.cloud.config.server.").unwrap_or(name)
}

/// The key that the name of a variable stands for, in which dots and hyphens are alike.
pub(super) fn of_variable(uniform: &str) -> &str {
    let known = IDLE.iter().map(|(key, _)| *key).chain(HARMLESS.iter().map(|(key, _)| *key));
    let plain = uniform.replace('.', "");
    known.into_iter().find(|key| key.replace('.', "") == plain).unwrap_or(uniform)
}

/// What is done about a key, in its uniform spelling, that nothing has read; `active` is the section of the back end.
pub(super) fn rest_of(uniform: &str, text: &str, active: &str, has_ssl: bool) -> Rest {
    if let Some(section) = section(uniform).filter(|section| *section != active) {
        return Rest::Idle(format!("the back end `{section}` is not active"));
    }
    if let Some((_, reason)) = IDLE.iter().find(|(begin, _)| uniform.starts_with(begin)) {
        return Rest::Idle((*reason).to_owned());
    }
    if let Some((_, values)) = HARMLESS.iter().find(|(key, _)| *key == uniform) {
        return match values.iter().any(|value| text.trim().eq_ignore_ascii_case(value)) {
            true => Rest::Same,
            false => Rest::Refused(reason(uniform), Some(format!("`{}` would be fine", values[0]))),
        };
    }
    if uniform.starts_with("server.ssl.") && !has_ssl {
        return Rest::Idle("TLS is off".to_owned());
    }
    if uniform.starts_with("spring.config.import") {
        return match text.trim().starts_with("optional:") {
            true => Rest::Idle("what it names is not read".to_owned()),
            false => Rest::Refused("what it names is not read", Some("put its keys into this file".to_owned())),
        };
    }
    let is_refused = ["server.ssl.", "server.servlet.", "spring.security.", "encrypt.", "spring.cloud.config.server."];
    if is_refused.iter().any(|begin| uniform.starts_with(begin)) {
        let near = nearest(tail(uniform), TAKEN.into_iter(), tail);
        return Rest::Refused(reason(uniform), near.map(|near| format!("did you mean `{near}`?")));
    }
    match ELSEWHERE.iter().any(|begin| uniform.starts_with(begin)) {
        true => Rest::Idle("other parts of a Spring application read it".to_owned()),
        false => Rest::Idle("nothing here reads it".to_owned()),
    }
}

fn reason(uniform: &str) -> &'static str {
    match uniform {
        _ if uniform.starts_with("server.ssl.") || uniform.starts_with("server.servlet.") => {
            "clients would not find the server where it was; put it behind a proxy that does this"
        }
        _ if uniform.starts_with("encrypt.") => "key stores and RSA keys are not available in this version",
        _ if uniform.starts_with("spring.security.") => {
            "whoever could not read would be able to; there are no logins in this version"
        }
        _ => "answers would differ without it",
    }
}
