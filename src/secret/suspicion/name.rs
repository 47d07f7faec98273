//! What the name of a key says about its value. In English compounds the last word decides: an `api-key` is a key, a
//! `password-policy` is no password.

use crate::config::key;

use super::harmless::is_location;

/// What ends the name of a secret, its words run together, and what the secret is called; the longer of two first.
const TERMS: [(&str, &str); 29] = [
    ("password", PASSWORD),
    ("passwd", PASSWORD),
    ("passwort", PASSWORD),
    ("kennwort", PASSWORD),
    ("pwd", PASSWORD),
    ("passphrase", "pass phrase"),
    ("secretaccesskey", "secret key"),
    ("secretkey", "secret key"),
    ("secret", "secret"),
    ("token", "token"),
    ("apikey", "API key"),
    ("privatekey", "private key"),
    ("accesskey", "access key"),
    ("accountkey", "access key"),
    ("encryptkey", "key"),
    ("encryptionkey", "key"),
    ("decryptionkey", "key"),
    ("signingkey", "key"),
    ("signaturekey", "key"),
    ("masterkey", "key"),
    ("storagekey", "key"),
    ("sharedkey", "key"),
    ("sessionkey", "key"),
    ("authkey", "key"),
    ("hmackey", "key"),
    ("jwtkey", "key"),
    ("sshkey", "key"),
    ("deploykey", "key"),
    ("credential", "credential"),
];

const PASSWORD: &str = "password";

/// Short for a password, but only as a word of their own: `smtp.pass`, not `bypass`.
const SHORT: [&str; 3] = ["pass", "pw", "psk"];

/// Words behind the others that leave a secret one: `api-key.value`, `password-old`.
const SUFFIXES: [&str; 14] = [
    "value",
    "plain",
    "plaintext",
    "text",
    "raw",
    "base64",
    "b64",
    "hex",
    "old",
    "new",
    "current",
    "previous",
    "primary",
    "secondary",
];

/// Words before the others that make it something else: `existingSecret` is a name in Kubernetes, `next-token` a page.
const PREFIXES: [&str; 10] =
    ["existing", "pull", "next", "continuation", "delimiter", "separator", "stop", "pad", "max", "min"];

/// Maps whose keys are names of their secrets.
const MANY: [&str; 3] = ["passwords", "passphrases", "apikeys"];

/// Words that put a text before the eyes of people: `login.label.password`.
const SHOWN: [&str; 12] = [
    "message",
    "messages",
    "label",
    "labels",
    "i18n",
    "placeholder",
    "hint",
    "title",
    "description",
    "error",
    "errors",
    "tooltip",
];

/// Words that end the names of what is random and public.
const PUBLIC: [&str; 26] = [
    "id",
    "ids",
    "uuid",
    "guid",
    "hash",
    "digest",
    "checksum",
    "sha",
    "sha1",
    "sha256",
    "sha512",
    "md5",
    "fingerprint",
    "thumbprint",
    "commit",
    "revision",
    "version",
    "etag",
    "integrity",
    "certificate",
    "certificates",
    "cert",
    "certs",
    "jwk",
    "jwks",
    "modulus",
];

/// The least characters of a secret that is no password.
const LEAST: usize = 4;

/// The most words of one: more are a sentence about it.
const MOST_WORDS: usize = 4;

/// So many bytes at the end of a path are read: names say what they hold at their end, and a long one stands before many.
const READ: usize = 512;

/// A key path as words, in lower case.
pub(super) struct Name {
    /// Those of each step but the last, list indexes left out.
    parents: Vec<Vec<String>>,
    last: Vec<String>,
}

impl Name {
    pub(super) fn of(path: &str) -> Self {
        let path = end(path);
        let steps =
            key::split(path).map_or_else(|| vec![words(path)], |steps| steps.iter().map(|step| words(step)).collect());
        let mut parents: Vec<_> = steps.into_iter().filter(|step| step.iter().any(|word| !is_number(word))).collect();
        let last = parents.pop().unwrap_or_default();
        Self { parents, last }
    }

    /// What the name calls the value, unless the value cannot be that.
    pub(super) fn secret(&self, value: &str) -> Option<&'static str> {
        let own = self.own();
        let called = own.or_else(|| self.of_many())?;
        let mut all = self.parents.iter().flatten().chain(&self.last);
        let is_shown = all.any(|word| SHOWN.contains(&word.as_str()));
        let is_flag = ["true", "false", "yes", "no", "on", "off"].iter().any(|flag| value.eq_ignore_ascii_case(flag));
        let says_its_name = words(value).concat() == self.last.concat();
        let fits = own == Some(PASSWORD)
            || (!is_number(value) && value.chars().count() >= LEAST && value.split_whitespace().count() <= MOST_WORDS);
        let is_none = is_shown || is_flag || says_its_name || value.contains("${}") || is_location(value);
        (fits && !is_none).then_some(called)
    }

    /// True if values of that name may be random and everybody may know them.
    pub(super) fn is_public(&self) -> bool {
        let ends_public = self.last.last().is_some_and(|word| PUBLIC.contains(&word.as_str()));
        ends_public || self.last.iter().any(|word| word == "public")
    }

    /// What the key itself is called; `encrypt.key` and `api-key.value` are called so by two steps.
    fn own(&self) -> Option<&'static str> {
        called(&self.last).or_else(|| {
            let goes_on = self.last == ["key"] || self.last.iter().all(|word| is_suffix(word));
            let joined = [self.parents.last()?.as_slice(), &self.last].concat();
            if goes_on { called(&joined) } else { None }
        })
    }

    /// What the map of several secrets is called, of which this is one: `passwords.alice`.
    fn of_many(&self) -> Option<&'static str> {
        let parent = self.parents.last()?;
        let is_many = MANY.iter().any(|many| parent.concat().ends_with(many));
        if is_many { called(parent) } else { None }
    }
}

/// What words call a secret with which they end.
fn called(words: &[String]) -> Option<&'static str> {
    let end = words.iter().rposition(|word| !is_suffix(word))?;
    let words = &words[..=end];
    if words.iter().any(|word| PREFIXES.contains(&word.as_str())) {
        return None;
    }
    let last = words[end].trim_end_matches(|digit: char| digit.is_ascii_digit());
    if SHORT.contains(&last) {
        return Some(PASSWORD);
    }
    let name = words.concat();
    let name = name.trim_end_matches(|digit: char| digit.is_ascii_digit());
    let one = name.strip_suffix('s').unwrap_or(name);
    TERMS.iter().find(|(term, _)| name.ends_with(term) || one.ends_with(term)).map(|(_, called)| *called)
}

fn is_suffix(word: &str) -> bool {
    is_number(word) || SUFFIXES.contains(&word)
}

fn is_number(text: &str) -> bool {
    text.contains(|digit: char| digit.is_ascii_digit())
        && text.bytes().all(|byte| byte.is_ascii_digit() || b".,+-_".contains(&byte))
}

/// True for the name of something inside of a value that is a secret, such as `Pwd` or `keyStorePassword`.
pub(super) fn is_secret(name: &str) -> bool {
    called(&words(name)).is_some()
}

/// `apiKey`, `api-key`, `API_KEY` and `api.key` are the same two words.
fn words(text: &str) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    let mut word = String::new();
    let mut previous = ' ';
    let mut characters = text.chars().peekable();
    while let Some(character) = characters.next() {
        let ends_capitals = previous.is_uppercase() && characters.peek().is_some_and(|next| next.is_lowercase());
        let begins =
            character.is_uppercase() && (previous.is_lowercase() || previous.is_ascii_digit() || ends_capitals);
        if begins || !character.is_alphanumeric() {
            words.push(std::mem::take(&mut word));
        }
        if character.is_alphanumeric() {
            word.extend(character.to_lowercase());
        }
        previous = character;
    }
    words.push(word);
    words.retain(|word| !word.is_empty());
    words
}

/// What is read of a path.
fn end(path: &str) -> &str {
    let from = (path.len().saturating_sub(READ)..=path.len()).find(|at| path.is_char_boundary(*at));
    from.map_or(path, |from| &path[from..])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_end_of_a_long_name_is_read() {
        let path = format!("{}.password", "ü".repeat(100_000));
        let name = Name::of(&path);
        assert!(name.parents.iter().flatten().map(String::len).sum::<usize>() <= READ);
        assert_eq!(name.secret("hunter2"), Some(PASSWORD));
    }
}
