//! Access tokens: their text, the hash that is kept of it, and the table that a file of them becomes.
//!
//! A token is `layerd_<id>_<secret>_<check>`: eight characters of id, 256 random bits and 32 bits of checksum, the last two
//! in hexadecimal digits. The prefix lets scanners find a token that was committed by mistake, the checksum tells a token
//! that was copied badly from a wrong one. Only the SHA-256 of the whole text is kept: the secret is random, so a slow hash
//! would protect nothing more.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;

use crate::config::secret_string::SecretString;

use super::grants::Grants;
use super::scope::Scope;

/// What the text of every token begins with.
pub const PREFIX: &str = "layerd_";

/// Characters of an id: a-z and 0-9.
pub const ID: usize = 8;

/// Bytes of the secret.
pub const SECRET: usize = 32;

/// Bytes of the largest file of tokens: some 40,000 of them.
pub const LARGEST_FILE: usize = 16 << 20;

/// Bytes of the checksum.
const CHECK: usize = 4;

/// The characters of an id.
const ALPHABET: &[u8; 36] = b"abcdefghijklmnopqrstuvwxyz0123456789";

/// A token that was just made; its text is shown once.
#[derive(Debug, Clone)]
pub struct NewToken {
    /// Its public id.
    pub id: String,
    /// The whole text.
    pub text: SecretString,
}

/// A token as the file keeps it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct TokenRecord {
    /// The public id, by which it is looked up and revoked.
    pub id: String,
    /// Whom it is for.
    pub name: String,
    /// The SHA-256 of its text, in hexadecimal digits.
    pub sha256: String,
    /// What it may do.
    pub scopes: Vec<String>,
    /// When it was made, RFC 3339.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub created: Option<jiff::Timestamp>,
    /// When it ends, RFC 3339; none: never.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires: Option<jiff::Timestamp>,
}

/// The file of tokens.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TokenFile {
    /// The tokens, in the order in which they were made.
    #[serde(default)]
    pub tokens: Vec<TokenRecord>,
}

/// What is wrong with a token in a file.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the token `{id}` {reason}")]
pub struct TokenFileError {
    /// Its id.
    pub id: String,
    /// What is wrong.
    pub reason: String,
    /// What to do.
    pub hint: String,
}

/// The tokens that a server accepts.
#[derive(Debug, Clone, Default)]
pub struct Tokens(HashMap<String, Known>);

#[derive(Debug, Clone)]
struct Known {
    name: Arc<str>,
    hash: [u8; 32],
    expires: Option<i64>,
    grants: Arc<Grants>,
}

/// Whom a token stands for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bearer {
    /// The name that it was made for.
    pub name: Arc<str>,
    /// What it may do.
    pub grants: Arc<Grants>,
}

/// Why a token is not accepted; for metrics and the audit log, never for the client.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum TokenFault {
    /// It is not the text of a token, or its checksum does not fit.
    Malformed,
    /// No token has this id, or the secret is another one.
    Unknown,
    /// It has ended.
    Expired,
}

impl TokenFault {
    /// The word for it in metrics.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Malformed => "malformed",
            Self::Unknown => "unknown",
            Self::Expired => "expired",
        }
    }
}

impl NewToken {
    /// A token of random bytes: [`ID`] of them become the id, [`SECRET`] the secret.
    #[must_use]
    pub fn from_bytes(id: [u8; ID], secret: [u8; SECRET]) -> Self {
        let id: String = id.iter().map(|byte| char::from(ALPHABET[usize::from(*byte) % ALPHABET.len()])).collect();
        let body = format!("{PREFIX}{id}_{}", Hex(&secret));
        let text = format!("{body}_{}", Hex(&checksum(&body)));
        Self { id, text: SecretString::new(text) }
    }

    /// How the file keeps it.
    #[must_use]
    pub fn record(
        &self,
        name: &str,
        scopes: Vec<String>,
        made: jiff::Timestamp,
        expires: Option<jiff::Timestamp>,
    ) -> TokenRecord {
        TokenRecord {
            id: self.id.clone(),
            name: name.to_owned(),
            sha256: Hex(&hash(self.text.expose())).to_string(),
            scopes,
            created: Some(made),
            expires,
        }
    }
}

impl TokenFile {
    /// Reads a file's text.
    ///
    /// # Errors
    /// Where the text is not a file of tokens.
    pub fn parse(text: &str) -> Result<Self, serde_yaml::Error> {
        if text.trim().is_empty() { Ok(Self::default()) } else { serde_yaml::from_str(text) }
    }
}

impl Tokens {
    /// The tokens of a file.
    ///
    /// # Errors
    /// Everything that is wrong with them.
    pub fn new(file: &TokenFile) -> Result<Self, Vec<TokenFileError>> {
        let mut errors = Vec::new();
        let mut known = HashMap::new();
        for record in &file.tokens {
            match Known::new(record) {
                Ok(entry) => {
                    if known.insert(record.id.clone(), entry).is_some() {
                        errors.push(record.error("is in the file twice", "give every token an id of its own"));
                    }
                }
                Err(faults) => errors.extend(faults),
            }
        }
        if errors.is_empty() { Ok(Self(known)) } else { Err(errors) }
    }

    /// Whom a text stands for at `now`, in seconds since 1970. Takes as long for an id that is not known as for a wrong
    /// secret.
    ///
    /// # Errors
    /// Why it is not accepted.
    pub fn find(&self, text: &str, now: i64) -> Result<Bearer, TokenFault> {
        let id = id_of(text).ok_or(TokenFault::Malformed)?;
        let known = self.0.get(id);
        let expected = known.map_or([0; 32], |known| known.hash);
        let is_equal: bool = hash(text).ct_eq(&expected).into();
        let known = known.filter(|_| is_equal).ok_or(TokenFault::Unknown)?;
        if known.expires.is_some_and(|expires| expires <= now) {
            return Err(TokenFault::Expired);
        }
        Ok(Bearer { name: Arc::clone(&known.name), grants: Arc::clone(&known.grants) })
    }

    /// Their ids.
    pub fn ids(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }

    /// True if there is one with that id.
    #[must_use]
    pub fn has(&self, id: &str) -> bool {
        self.0.contains_key(id)
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// True if there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl Known {
    fn new(record: &TokenRecord) -> Result<Self, Vec<TokenFileError>> {
        let mut errors = Vec::new();
        let is_id = record.id.len() == ID && record.id.bytes().all(|byte| ALPHABET.contains(&byte));
        if !is_id {
            errors.push(
                record.error(
                    "does not have an id of eight characters a-z and 0-9",
                    "make tokens with `layerd token new`",
                ),
            );
        }
        let hash = unhex(&record.sha256);
        if hash.is_none() {
            errors.push(
                record.error("has a sha256 that is not 64 hexadecimal digits", "make tokens with `layerd token new`"),
            );
        }
        let mut scopes = Vec::new();
        for text in &record.scopes {
            match Scope::parse(text) {
                Ok(scope) => scopes.push(scope),
                Err(error) => {
                    errors.push(record.error(&format!("has a scope that cannot be read: {error}"), &error.hint));
                }
            }
        }
        match hash {
            Some(hash) if errors.is_empty() => Ok(Self {
                name: Arc::from(&*record.name),
                hash,
                expires: record.expires.map(jiff::Timestamp::as_second),
                grants: Arc::new(Grants::new(scopes)),
            }),
            _ => Err(errors),
        }
    }
}

impl TokenRecord {
    fn error(&self, reason: &str, hint: &str) -> TokenFileError {
        TokenFileError { id: self.id.clone(), reason: reason.to_owned(), hint: hint.to_owned() }
    }
}

/// The id of a token whose form and checksum fit.
fn id_of(text: &str) -> Option<&str> {
    let (body, check) = text.rsplit_once('_')?;
    let (id, secret) = body.strip_prefix(PREFIX)?.split_once('_')?;
    let fits = id.len() == ID && secret.len() == 2 * SECRET && check == Hex(&checksum(body)).to_string();
    fits.then_some(id)
}

fn hash(text: &str) -> [u8; 32] {
    Sha256::digest(text.as_bytes()).into()
}

fn checksum(body: &str) -> [u8; CHECK] {
    let [a, b, c, d, ..] = hash(body);
    [a, b, c, d]
}

/// Bytes as hexadecimal digits.
struct Hex<'a>(&'a [u8]);

impl fmt::Display for Hex<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(formatter, "{byte:02x}"))
    }
}

fn unhex(text: &str) -> Option<[u8; 32]> {
    let digits = text.as_bytes();
    if digits.len() != 64 || !digits.iter().all(u8::is_ascii_hexdigit) {
        return None;
    }
    let mut bytes = [0; 32];
    for (index, byte) in bytes.iter_mut().enumerate() {
        *byte = u8::from_str_radix(text.get(2 * index..2 * index + 2)?, 16).ok()?;
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::access::grants::Action;
    use crate::access::scope::Verb;

    fn token(seed: u8) -> NewToken {
        NewToken::from_bytes([seed; ID], [seed; SECRET])
    }

    fn record(seed: u8, scopes: &[&str]) -> TokenRecord {
        let scopes = scopes.iter().map(|scope| (*scope).to_owned()).collect();
        let expires = Some("2027-01-01T00:00:00Z".parse().unwrap());
        token(seed).record("user-service", scopes, "2026-01-01T00:00:00Z".parse().unwrap(), expires)
    }

    fn tokens(records: &[TokenRecord]) -> Result<Tokens, String> {
        let errors =
            |errors: Vec<TokenFileError>| errors.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ");
        Tokens::new(&TokenFile { tokens: records.to_vec() }).map_err(errors)
    }

    const NOW: i64 = 1_790_000_000;

    #[test]
    fn a_token_is_found_by_its_text_alone() {
        let tokens = tokens(&[record(1, &["status"]), record(2, &["metrics"])]).unwrap();
        let bearer = tokens.find(token(1).text.expose(), NOW).unwrap();
        assert_eq!(&*bearer.name, "user-service");
        assert!(bearer.grants.may(Action::Any(Verb::Status)));
        assert!(!bearer.grants.may(Action::Any(Verb::Metrics)));
        assert_eq!(tokens.find(token(3).text.expose(), NOW), Err(TokenFault::Unknown));
    }

    #[test]
    fn one_changed_character_is_malformed_and_a_secret_of_another_id_unknown() {
        let tokens = tokens(&[record(1, &["status"])]).unwrap();
        let text = token(1).text.expose().to_owned();
        for index in 0..text.len() {
            let mut changed = text.clone().into_bytes();
            changed[index] = if changed[index] == b'0' { b'1' } else { b'0' };
            assert_eq!(tokens.find(std::str::from_utf8(&changed).unwrap(), NOW), Err(TokenFault::Malformed), "{index}");
        }
        for text in ["", "layerd_", "layerd___", "Bearer x", &text[..text.len() - 1], &format!("{text}0")] {
            assert_eq!(tokens.find(text, NOW), Err(TokenFault::Malformed));
        }
        let forged = NewToken::from_bytes([1; ID], [9; SECRET]);
        assert_eq!(forged.id, token(1).id);
        assert_eq!(tokens.find(forged.text.expose(), NOW), Err(TokenFault::Unknown));
    }

    #[test]
    fn a_token_ends_at_the_second_it_says() {
        let tokens = tokens(&[record(1, &["status"])]).unwrap();
        let expires = "2027-01-01T00:00:00Z".parse::<jiff::Timestamp>().unwrap().as_second();
        assert!(tokens.find(token(1).text.expose(), expires - 1).is_ok());
        assert_eq!(tokens.find(token(1).text.expose(), expires), Err(TokenFault::Expired));
    }

    #[test]
    fn the_file_keeps_no_secret_and_reads_back_alike() {
        let file = TokenFile { tokens: vec![record(1, &["read:user-service/*", "deny read:user-service/dev"])] };
        let text = serde_yaml::to_string(&file).unwrap();
        assert!(!text.contains(&token(1).text.expose()[PREFIX.len() + ID + 1..]));
        assert_eq!(TokenFile::parse(&text).unwrap(), file);
        assert_eq!(TokenFile::parse("\n").unwrap(), TokenFile::default());
        assert!(TokenFile::parse("tokens: [{id: a, name: b, sha256: c, scopes: [], admin: true}]").is_err());
        assert!(!format!("{:?}", token(1)).contains("0101"));
    }

    #[test]
    fn all_that_is_wrong_is_reported_at_once() {
        let bad_scope = record(1, &["raed:x", "status:y"]);
        let bad_hash = TokenRecord { sha256: "zz".to_owned(), ..record(2, &[]) };
        let bad_id = TokenRecord { id: "NO".to_owned(), ..record(3, &[]) };
        let errors = tokens(&[bad_scope, bad_hash, bad_id, record(4, &[]), record(4, &[])]).unwrap_err();
        for expected in
            ["`raed:x`", "`status:y`", "not 64 hexadecimal", "`NO` does not have an id", "is in the file twice"]
        {
            assert!(errors.contains(expected), "{expected}: {errors}");
        }
    }
}
