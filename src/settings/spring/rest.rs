//! Keys of a Spring Cloud Config Server that no setting here stands for: without effect, or refused, and why.

/// What is done about a key that nothing reads.
pub(super) enum Rest {
    /// It has no effect, because of this.
    Idle(&'static str),
    /// Answers would change without it.
    Refused(&'static str),
}

/// Keys that have no effect, by how they begin in their uniform spelling, and why.
const IDLE: [(&str, &str); 14] = [
    ("spring.cloud.config.server.git.basedir", "mirrors live in the folder of `--state`"),
    ("spring.cloud.config.server.git.cloneonstart", "the repository is always fetched at the start"),
    ("spring.cloud.config.server.git.forcepull", "there is no work tree that could be in the way"),
    ("spring.cloud.config.server.git.deleteuntrackedbranches", "a deleted branch is gone with the next fetch"),
    ("spring.cloud.config.server.git.timeout", "no request waits for the remote; a fetch has `sources[].fetch-time`"),
    ("spring.cloud.config.server.git.order", "there is one back end"),
    ("spring.cloud.config.server.native.order", "there is one back end"),
    ("spring.cloud.config.server.git.ignorelocalsshsettings", "settings of the user's own SSH are never read"),
    ("spring.cloud.config.server.defaultapplicationname", "only back ends that are not there read it"),
    ("spring.cloud.config.server.defaultprofile", "only back ends that are not there read it"),
    ("spring.cloud.config.server.encrypt.plaintextencrypt", "sealed values in files that are sent as text stay sealed"),
    ("spring.cloud.config.server.bootstrap", "the server has no configuration of its own to fetch"),
    ("spring.cloud.config.server.failoncompositeerror", "there is one back end"),
    ("spring.cloud.config.server.health", "there is nothing to say about it"),
];

/// Groups that other parts of a Spring application read.
const ELSEWHERE: [&str; 6] = ["management.", "logging.", "spring.application.", "eureka.", "info.", "server."];

/// What is done about a key, in its uniform spelling, that nothing has read.
pub(super) fn rest_of(uniform: &str) -> Rest {
    if let Some((_, reason)) = IDLE.iter().find(|(begin, _)| uniform.starts_with(begin)) {
        return Rest::Idle(reason);
    }
    if uniform.starts_with("server.ssl.") || uniform.starts_with("server.servlet.") {
        return Rest::Refused("clients would not find the server where it was; put it behind a proxy that does this");
    }
    if uniform.starts_with("encrypt.") {
        return Rest::Refused("key stores and RSA keys are not available in this version");
    }
    if uniform.starts_with("spring.security.") {
        return Rest::Refused("whoever could not read would be able to; there are no logins in this version");
    }
    if uniform.starts_with("spring.cloud.config.server.") {
        return Rest::Refused("answers would differ without it");
    }
    match ELSEWHERE.iter().any(|begin| uniform.starts_with(begin)) {
        true => Rest::Idle("other parts of a Spring application read it"),
        false => Rest::Idle("nothing here reads it"),
    }
}
