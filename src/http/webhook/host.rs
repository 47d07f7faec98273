//! Which Git hosts send webhooks, and how each proves that a delivery is its own.
//!
//! Facts: the documentation of each host. A delivery is proved over its raw bytes and compared in constant time. Where a
//! host has a better proof and a worse one, only the better one counts: a wrong one is never made good by the other.

use axum::http::HeaderMap;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;
use subtle::ConstantTimeEq as _;

use crate::config::secret_string::SecretString;

/// How far the time of a signed delivery may be from ours, in seconds; as Standard Webhooks has it.
const TOLERANCE: i64 = 5 * 60;

/// The same for Gitee, whose signature covers nothing but the time: as its documentation has it.
const GITEE_TOLERANCE: i64 = 60 * 60;

/// A Git host.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Host {
    /// GitHub.
    GitHub,
    /// GitLab.
    GitLab,
    /// Gitea.
    Gitea,
    /// Forgejo.
    Forgejo,
    /// Gogs.
    Gogs,
    /// Bitbucket Cloud and Data Center.
    Bitbucket,
    /// Azure DevOps.
    Azure,
    /// Gitee.
    Gitee,
    /// Anything else.
    Generic,
}

/// Why a delivery is not believed. It is for the operator; a sender is not told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SignatureError {
    /// There is nothing that proves it.
    Missing,
    /// The proof is wrong, or there are two.
    Wrong,
    /// It was signed too long ago.
    Stale,
}

impl SignatureError {
    /// The reason as a word, for metrics and logs.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Missing => "unsigned",
            Self::Wrong => "wrong-signature",
            Self::Stale => "stale",
        }
    }
}

impl Host {
    /// Every host, by the name that paths and settings have for it.
    pub const ALL: [(&'static str, Self); 9] = [
        ("github", Self::GitHub),
        ("gitlab", Self::GitLab),
        ("gitea", Self::Gitea),
        ("forgejo", Self::Forgejo),
        ("gogs", Self::Gogs),
        ("bitbucket", Self::Bitbucket),
        ("azure", Self::Azure),
        ("gitee", Self::Gitee),
        ("generic", Self::Generic),
    ];

    /// The host of a name.
    #[must_use]
    pub fn of_name(name: &str) -> Option<Self> {
        Self::ALL.iter().find(|(known, _)| *known == name).map(|(_, host)| *host)
    }

    /// The name of the host.
    #[must_use]
    pub fn name(self) -> &'static str {
        Self::ALL.iter().find(|(_, host)| *host == self).map_or("generic", |(name, _)| name)
    }

    /// The headers that name an event, the best first.
    pub(super) const fn event_headers(self) -> &'static [&'static str] {
        match self {
            Self::GitHub => &["x-github-event"],
            Self::GitLab => &["x-gitlab-event"],
            Self::Gitea => &["x-gitea-event"],
            Self::Forgejo => &["x-forgejo-event", "x-gitea-event"],
            Self::Gogs => &["x-gogs-event"],
            Self::Bitbucket => &["x-event-key"],
            Self::Gitee => &["x-gitee-event", "x-git-oschina-event"],
            Self::Azure | Self::Generic => &[],
        }
    }

    /// The headers that tell one delivery from another, the best first.
    pub(super) const fn delivery_headers(self) -> &'static [&'static str] {
        match self {
            Self::GitHub => &["x-github-delivery"],
            Self::GitLab => &["idempotency-key", "x-gitlab-event-uuid", "webhook-id"],
            Self::Gitea => &["x-gitea-delivery"],
            Self::Forgejo => &["x-forgejo-delivery", "x-gitea-delivery"],
            Self::Gogs => &["x-gogs-delivery"],
            Self::Bitbucket => &["x-request-uuid", "x-request-id"],
            Self::Generic => &["webhook-id", "x-request-id"],
            Self::Azure | Self::Gitee => &[],
        }
    }

    /// Checks that a delivery comes from who knows one of the secrets. `now`: seconds since 1970.
    ///
    /// # Errors
    /// Why it cannot be believed.
    pub fn verify(
        self,
        (headers, query): (&HeaderMap, Option<&str>),
        body: &[u8],
        secrets: &[SecretString],
        now: i64,
    ) -> Result<(), SignatureError> {
        let proof = Proof { headers, body, secrets, now };
        match self {
            Self::GitHub => proof.hex("x-hub-signature-256", "sha256="),
            Self::GitLab => proof.standard().or_else_missing(|| proof.text("x-gitlab-token")),
            Self::Gitea => proof.hex("x-gitea-signature", "").or_else_missing(|| proof.github()),
            Self::Forgejo => proof
                .hex("x-forgejo-signature", "")
                .or_else_missing(|| proof.hex("x-gitea-signature", ""))
                .or_else_missing(|| proof.github()),
            Self::Gogs => proof.hex("x-gogs-signature", ""),
            Self::Bitbucket => proof.hex("x-hub-signature", "sha256=").or_else_missing(|| proof.authorization()),
            Self::Azure => proof.authorization().or_else_missing(|| proof.query(query)),
            Self::Gitee => proof.gitee(),
            Self::Generic => proof
                .standard()
                .or_else_missing(|| proof.github())
                .or_else_missing(|| proof.authorization())
                .or_else_missing(|| proof.query(query)),
        }
    }

    /// The headers that prove a delivery, as the host would send them.
    #[must_use]
    pub fn sign(self, body: &[u8], secret: &SecretString) -> Vec<(&'static str, String)> {
        let hex = || hex(&digest(secret.expose().as_bytes(), &[body]));
        match self {
            Self::GitHub | Self::Generic => vec![("x-hub-signature-256", format!("sha256={}", hex()))],
            Self::GitLab => vec![("x-gitlab-token", secret.expose().to_owned())],
            Self::Gitea => vec![("x-gitea-signature", hex())],
            Self::Forgejo => vec![("x-forgejo-signature", hex())],
            Self::Gogs => vec![("x-gogs-signature", hex())],
            Self::Bitbucket => vec![("x-hub-signature", format!("sha256={}", hex()))],
            Self::Azure => {
                vec![("authorization", format!("Basic {}", STANDARD.encode(format!("layerd:{}", secret.expose()))))]
            }
            Self::Gitee => vec![("x-gitee-token", secret.expose().to_owned())],
        }
    }
}

/// A second proof where the first is not there; never where it is wrong.
trait OrElseMissing {
    fn or_else_missing(self, other: impl FnOnce() -> Self) -> Self;
}

impl OrElseMissing for Result<(), SignatureError> {
    fn or_else_missing(self, other: impl FnOnce() -> Self) -> Self {
        if self == Err(SignatureError::Missing) { other() } else { self }
    }
}

struct Proof<'a> {
    headers: &'a HeaderMap,
    body: &'a [u8],
    secrets: &'a [SecretString],
    now: i64,
}

impl<'a> Proof<'a> {
    /// The value of a header that is there once.
    fn header(&self, name: &str) -> Result<&'a str, SignatureError> {
        let mut values = self.headers.get_all(name).iter();
        let value = values.next().ok_or(SignatureError::Missing)?;
        if values.next().is_some() {
            return Err(SignatureError::Wrong);
        }
        value.to_str().map(str::trim).map_err(|_| SignatureError::Wrong)
    }

    /// True for one of the secrets. All are tried, so that the time tells nothing.
    fn any(&self, is_right: impl Fn(&str) -> bool) -> Result<(), SignatureError> {
        let right = self.secrets.iter().filter(|secret| is_right(secret.expose())).count();
        if right > 0 { Ok(()) } else { Err(SignatureError::Wrong) }
    }

    fn github(&self) -> Result<(), SignatureError> {
        self.hex("x-hub-signature-256", "sha256=")
    }

    /// An HMAC of the body as hexadecimal digits.
    fn hex(&self, name: &str, prefix: &str) -> Result<(), SignatureError> {
        let value = self.header(name)?;
        let given = value.strip_prefix(prefix).ok_or(SignatureError::Wrong)?.to_ascii_lowercase();
        self.any(|secret| equal(hex(&digest(secret.as_bytes(), &[self.body])).as_bytes(), given.as_bytes()))
    }

    /// The secret itself.
    fn text(&self, name: &str) -> Result<(), SignatureError> {
        let given = self.header(name)?;
        self.any(|secret| equal(secret.as_bytes(), given.as_bytes()))
    }

    /// The secret as a bearer token, or as the password of Basic authentication.
    fn authorization(&self) -> Result<(), SignatureError> {
        let value = self.header("authorization")?;
        let (scheme, given) = value.split_once(' ').ok_or(SignatureError::Wrong)?;
        let given = given.trim();
        if scheme.eq_ignore_ascii_case("bearer") {
            return self.any(|secret| equal(secret.as_bytes(), given.as_bytes()));
        }
        let decoded = STANDARD.decode(given).map_err(|_| SignatureError::Wrong)?;
        let password = decoded.splitn(2, |byte| *byte == b':').nth(1).unwrap_or_default();
        self.any(|secret| scheme.eq_ignore_ascii_case("basic") && equal(secret.as_bytes(), password))
    }

    /// The secret as `?token=`, for hosts that can send nothing else.
    fn query(&self, query: Option<&str>) -> Result<(), SignatureError> {
        let given = query.ok_or(SignatureError::Missing)?;
        self.any(|secret| equal(secret.as_bytes(), given.as_bytes()))
    }

    /// Standard Webhooks: `v1,` and the HMAC of id, time and body in base64.
    fn standard(&self) -> Result<(), SignatureError> {
        let signatures = self.header("webhook-signature")?;
        let wrong = |_| SignatureError::Wrong;
        let (id, time) = (self.header("webhook-id").map_err(wrong)?, self.header("webhook-timestamp").map_err(wrong)?);
        self.is_recent(time.parse().map_err(|_| SignatureError::Wrong)?, TOLERANCE)?;
        let given: Vec<&str> = signatures.split(' ').filter_map(|text| text.strip_prefix("v1,")).collect();
        self.any(|secret| {
            let key = secret.strip_prefix("whsec_").and_then(|text| STANDARD.decode(text).ok());
            let key = key.unwrap_or_else(|| secret.as_bytes().to_vec());
            let parts = [id.as_bytes(), b".", time.as_bytes(), b".", self.body];
            let expected = STANDARD.encode(digest(&key, &parts));
            given.iter().filter(|given| equal(expected.as_bytes(), given.as_bytes())).count() > 0
        })
    }

    /// The secret itself, or the HMAC of the time and the secret, which does not cover the body.
    fn gitee(&self) -> Result<(), SignatureError> {
        let given = self.header("x-gitee-token")?;
        let Ok(time) = self.header("x-gitee-timestamp") else { return self.text("x-gitee-token") };
        let seconds = time.parse::<i64>().map_err(|_| SignatureError::Wrong)? / 1_000;
        let signed = self.any(|secret| {
            let parts = [time.as_bytes(), b"\n", secret.as_bytes()];
            equal(STANDARD.encode(digest(secret.as_bytes(), &parts)).as_bytes(), given.as_bytes())
        });
        match signed {
            Ok(()) => self.is_recent(seconds, GITEE_TOLERANCE),
            Err(_) => self.text("x-gitee-token"),
        }
    }

    fn is_recent(&self, time: i64, tolerance: i64) -> Result<(), SignatureError> {
        if self.now.abs_diff(time) <= tolerance.unsigned_abs() { Ok(()) } else { Err(SignatureError::Stale) }
    }
}

fn equal(one: &[u8], other: &[u8]) -> bool {
    one.ct_eq(other).into()
}

/// HMAC-SHA256 of parts.
fn digest(key: &[u8], parts: &[&[u8]]) -> [u8; 32] {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes keys of any length");
    parts.iter().for_each(|part| mac.update(part));
    mac.finalize().into_bytes().into()
}

fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").expect("writing to a string cannot fail");
        text
    })
}

#[cfg(test)]
mod tests {
    use axum::http::{HeaderName, HeaderValue};

    use super::*;

    const NOW: i64 = 1_800_000_000;

    fn secrets(texts: &[&str]) -> Vec<SecretString> {
        texts.iter().map(|text| SecretString::new(*text)).collect()
    }

    fn headers(pairs: &[(&str, &str)]) -> HeaderMap {
        let pair = |(name, value): &(&str, &str)| {
            (HeaderName::from_bytes(name.as_bytes()).unwrap(), HeaderValue::from_str(value).unwrap())
        };
        pairs.iter().map(pair).collect()
    }

    fn verify(host: Host, pairs: &[(&str, &str)], body: &[u8], known: &[&str]) -> Result<(), SignatureError> {
        host.verify((&headers(pairs), None), body, &secrets(known), NOW)
    }

    #[test]
    fn the_example_of_github_is_believed_and_nothing_near_it() {
        let right = "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17";
        let (secret, body) = ("It's a Secret to Everybody", b"Hello, World!");
        let name = "x-hub-signature-256";
        assert_eq!(verify(Host::GitHub, &[(name, right)], body, &[secret]), Ok(()));
        assert_eq!(verify(Host::GitHub, &[(name, right)], body, &["other", secret]), Ok(()), "while one is rotated");
        assert_eq!(verify(Host::GitHub, &[(name, right)], b"Hello, World?", &[secret]), Err(SignatureError::Wrong));
        assert_eq!(verify(Host::GitHub, &[(name, right)], body, &["other"]), Err(SignatureError::Wrong));
        assert_eq!(verify(Host::GitHub, &[(name, right)], body, &[]), Err(SignatureError::Wrong));
        assert_eq!(verify(Host::GitHub, &[(name, &right[7..])], body, &[secret]), Err(SignatureError::Wrong));
        assert_eq!(verify(Host::GitHub, &[(name, right), (name, right)], body, &[secret]), Err(SignatureError::Wrong));
        assert_eq!(verify(Host::GitHub, &[], body, &[secret]), Err(SignatureError::Missing));
    }

    #[test]
    fn a_wrong_proof_is_not_made_good_by_a_worse_one() {
        let sha1 = ("x-hub-signature", "sha1=0f1b9e5ec2a6b6f7c5b2d8f6c4a4c7c6a0a1d1e2");
        assert_eq!(verify(Host::GitHub, &[sha1], b"x", &["s"]), Err(SignatureError::Missing));
        let pairs = [("webhook-signature", "v1,AAAA"), ("webhook-id", "1"), ("webhook-timestamp", "1800000000")];
        let with_token = [pairs.as_slice(), &[("x-gitlab-token", "s")]].concat();
        assert_eq!(verify(Host::GitLab, &with_token, b"x", &["s"]), Err(SignatureError::Wrong));
        assert_eq!(verify(Host::GitLab, &[("x-gitlab-token", "s")], b"x", &["s"]), Ok(()));
    }

    #[test]
    fn each_host_believes_what_it_signs_and_no_other_byte() {
        let secret = SecretString::new("s3cret");
        for (name, host) in Host::ALL {
            let signed = host.sign(b"body", &secret);
            let pairs: Vec<(&str, &str)> = signed.iter().map(|(name, value)| (*name, value.as_str())).collect();
            assert_eq!(verify(host, &pairs, b"body", &["s3cret"]), Ok(()), "{name}");
            assert_eq!(verify(host, &pairs, b"body", &["s3creT"]), Err(SignatureError::Wrong), "{name}");
            let covers_body = !matches!(host, Host::GitLab | Host::Azure | Host::Gitee);
            assert_eq!(verify(host, &pairs, b"bodY", &["s3cret"]).is_err(), covers_body, "{name}");
            assert_eq!(Host::of_name(name), Some(host));
            assert_eq!(host.name(), name);
        }
    }

    #[test]
    fn standard_webhooks_are_believed_while_they_are_fresh() {
        let key = STANDARD.encode(b"0123456789");
        let secret = format!("whsec_{key}");
        let sign = |time: i64| {
            let parts: [&[u8]; 5] = [b"id-1", b".", &time.to_string().into_bytes(), b".", b"x"];
            format!("v1,AAAA v1,{}", STANDARD.encode(digest(b"0123456789", &parts)))
        };
        let check = |time: i64, signature: &str| {
            let time = time.to_string();
            let pairs =
                [("webhook-id", "id-1"), ("webhook-timestamp", time.as_str()), ("webhook-signature", signature)];
            verify(Host::Generic, &pairs, b"x", &[&secret])
        };
        assert_eq!(check(NOW - 299, &sign(NOW - 299)), Ok(()));
        assert_eq!(check(NOW - 301, &sign(NOW - 301)), Err(SignatureError::Stale));
        assert_eq!(check(NOW, &sign(NOW - 1)), Err(SignatureError::Wrong));
    }

    #[test]
    fn gitee_signs_a_time_and_basic_has_any_user() {
        let time = (NOW * 1_000).to_string();
        let signed = STANDARD.encode(digest(b"s", &[time.as_bytes(), b"\n", b"s"]));
        let check =
            |time: &str| verify(Host::Gitee, &[("x-gitee-token", &signed), ("x-gitee-timestamp", time)], b"", &["s"]);
        assert_eq!(check(&time), Ok(()));
        assert_eq!(check("1"), Err(SignatureError::Wrong));
        let basic = format!("Basic {}", STANDARD.encode("anybody:s:t"));
        assert_eq!(verify(Host::Azure, &[("authorization", &basic)], b"", &["s:t"]), Ok(()));
        assert_eq!(verify(Host::Azure, &[("authorization", "Digest x")], b"", &["s"]), Err(SignatureError::Wrong));
        assert_eq!(Host::Generic.verify((&HeaderMap::new(), Some("s")), b"", &secrets(&["s"]), NOW), Ok(()));
        assert_eq!(
            Host::GitHub.verify((&HeaderMap::new(), Some("s")), b"", &secrets(&["s"]), NOW),
            Err(SignatureError::Missing)
        );
    }
}
