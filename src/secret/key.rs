//! A key of our own: 32 bytes with an id, and the text that people keep it in.
//!
//! The text is `layerdkey_` and 48 characters: the key and four bytes of checksum in base64url. The prefix lets
//! scanners find a key that was committed by mistake, the checksum tells a typing mistake from a wrong key.

use std::fmt;
use std::sync::Arc;

use argon2::{Algorithm, Argon2, Params, Version};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;
use zeroize::Zeroizing;

/// What the text of every key begins with.
pub const PREFIX: &str = "layerdkey_";

/// The keys that documentation and tests show. Everybody has them, so no server takes them.
pub const EXAMPLES: [&str; 1] = ["layerdkey_bGF5ZXJkIGV4YW1wbGUga2V5OiBuZXZlciB1c2UgaXS6bUmr"];

/// The fewest characters of a pass phrase.
pub const PASS_PHRASE: usize = 16;

/// The fewest different characters of a pass phrase.
const DIFFERENT: usize = 6;

/// Bytes of a key.
const KEY: usize = 32;

/// Bytes of the checksum in the text of a key.
const CHECKSUM: usize = 4;

/// Characters after [`PREFIX`].
const BODY: usize = (KEY + CHECKSUM) / 3 * 4;

/// The second choice of RFC 9106, section 4: KiB of memory, passes over it, lanes.
const ARGON2: (u32, u32, u32) = (64 * 1024, 3, 4);

/// The name of a key in sealed values and settings: 1 to 32 of `a`-`z`, `0`-`9` and `-`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyId(Arc<str>);

impl KeyId {
    /// Checks the grammar.
    ///
    /// # Errors
    /// [`KeyError::Id`] if it is empty, too long or has other characters.
    pub fn new(id: &str) -> Result<Self, KeyError> {
        let fits = id.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-'));
        if fits && (1..=32).contains(&id.len()) { Ok(Self(Arc::from(id))) } else { Err(KeyError::Id) }
    }

    /// The id as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for KeyId {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.0)
    }
}

/// 32 secret bytes, wiped when dropped. `Debug` prints `***`.
#[derive(Clone)]
pub struct Key(Zeroizing<[u8; KEY]>);

impl Key {
    /// A new key of random bytes, or bytes that were made by other means.
    ///
    /// # Errors
    /// If the bytes are no random ones, or an example.
    pub fn from_bytes(bytes: [u8; KEY]) -> Result<Self, KeyError> {
        Self(Zeroizing::new(bytes)).checked()
    }

    /// Reads the text of a key; one line end after it is no part of it.
    ///
    /// # Errors
    /// Says what is wrong with the text, and holds no part of it.
    pub fn from_text(text: &str) -> Result<Self, KeyError> {
        let text = without_line_end(text);
        if text.is_empty() {
            return Err(KeyError::Empty);
        }
        let body = text.strip_prefix(PREFIX).ok_or(KeyError::Prefix)?;
        if body.len() != BODY {
            return Err(KeyError::Length { found: body.chars().count() });
        }
        let mut bytes = Zeroizing::new([0; KEY + CHECKSUM]);
        URL_SAFE_NO_PAD.decode_slice(body, bytes.as_mut()).map_err(|_| KeyError::Alphabet)?;
        let (key, sum) = bytes.split_at(KEY);
        let mut secret = Zeroizing::new([0; KEY]);
        secret.copy_from_slice(key);
        if checksum(&secret) == sum { Self(secret).checked() } else { Err(KeyError::Checksum) }
    }

    /// The key that a pass phrase stands for under an id: argon2id version 0x13 with 64 MiB, 3 passes and 4 lanes; the
    /// salt is `layerd-pass-phrase/1:` and the id. One line end after the phrase is no part of it.
    ///
    /// Takes some tenths of a second and 64 MiB.
    ///
    /// # Errors
    /// If the phrase is short, or made of few characters.
    pub fn from_pass_phrase(phrase: &str, id: &KeyId) -> Result<Self, KeyError> {
        let phrase = without_line_end(phrase);
        if phrase.is_empty() {
            return Err(KeyError::Empty);
        }
        if let Some(reason) = weak_phrase(phrase) {
            return Err(KeyError::Phrase { reason });
        }
        let (memory, passes, lanes) = ARGON2;
        let parameters = Params::new(memory, passes, lanes, Some(KEY)).expect("the parameters are constants in range");
        let salt = format!("layerd-pass-phrase/1:{id}");
        let mut key = Zeroizing::new([0; KEY]);
        Argon2::new(Algorithm::Argon2id, Version::V0x13, parameters)
            .hash_password_into(phrase.as_bytes(), salt.as_bytes(), key.as_mut())
            .expect("salt and key have lengths that argon2 takes, and no phrase reaches 4 GiB");
        Self(key).checked()
    }

    /// The text that [`from_text`](Self::from_text) reads.
    #[must_use]
    pub fn to_text(&self) -> Zeroizing<String> {
        let mut bytes = Zeroizing::new([0; KEY + CHECKSUM]);
        bytes[..KEY].copy_from_slice(self.0.as_ref());
        bytes[KEY..].copy_from_slice(&checksum(&self.0));
        let body = Zeroizing::new(URL_SAFE_NO_PAD.encode(bytes.as_ref()));
        let mut text = Zeroizing::new(String::with_capacity(PREFIX.len() + BODY));
        text.push_str(PREFIX);
        text.push_str(&body);
        text
    }

    pub(super) fn bytes(&self) -> &[u8; KEY] {
        &self.0
    }

    fn checked(self) -> Result<Self, KeyError> {
        self.refuse_pattern()?;
        let text = self.to_text();
        let is_example = EXAMPLES.iter().any(|example| *example == text.as_str());
        if is_example { Err(KeyError::Example) } else { Ok(self) }
    }

    /// Random bytes are never periodic, and never a sequence of equal steps.
    fn refuse_pattern(&self) -> Result<(), KeyError> {
        let bytes = self.0.as_ref();
        if bytes.iter().all(|byte| *byte == 0) {
            return Err(KeyError::Zero);
        }
        let step = bytes[1].wrapping_sub(bytes[0]);
        let is_periodic = (1..=KEY / 2).any(|period| bytes[period..] == bytes[..KEY - period]);
        if is_periodic || bytes.windows(2).all(|pair| pair[1].wrapping_sub(pair[0]) == step) {
            return Err(KeyError::Pattern);
        }
        Ok(())
    }
}

impl PartialEq for Key {
    fn eq(&self, other: &Self) -> bool {
        self.0.ct_eq(other.0.as_ref()).into()
    }
}

impl Eq for Key {}

impl fmt::Debug for Key {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("***")
    }
}

/// Why a key is not taken. No part of the key is told.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// The id is not one.
    #[error("the id of a key is 1 to 32 of a-z, 0-9 and -")]
    Id,
    /// There is nothing.
    #[error("the key is empty")]
    Empty,
    /// The text begins otherwise.
    #[error("the text of a key begins with `{PREFIX}`")]
    Prefix,
    /// Characters were lost or added.
    #[error("the key has {found} characters after `{PREFIX}`, where {BODY} are expected")]
    Length {
        /// How many there are.
        found: usize,
    },
    /// A character is none of base64url.
    #[error("the key has a character that is none of A-Z, a-z, 0-9, - and _")]
    Alphabet,
    /// Characters were mistyped.
    #[error("the checksum of the key does not fit: a character of it was changed")]
    Checksum,
    /// All bytes are zero.
    #[error("all bytes of the key are zero")]
    Zero,
    /// The bytes repeat or count.
    #[error("the bytes of the key follow a pattern: they are not random")]
    Pattern,
    /// It is one of [`EXAMPLES`].
    #[error("the key is the example of the documentation, which everybody has")]
    Example,
    /// The pass phrase can be guessed.
    #[error("the pass phrase is too weak: {reason}")]
    Phrase {
        /// What is weak about it.
        reason: &'static str,
    },
    /// The salt of Spring's form is not what Spring takes.
    #[error("the salt is not an even number of hexadecimal digits")]
    Salt,
    /// Spring would take it for an RSA key.
    #[error("the pass phrase is a private RSA key, which is not supported")]
    Rsa,
}

/// What is weak about a pass phrase; `None` if nothing is.
pub(super) fn weak_phrase(phrase: &str) -> Option<&'static str> {
    let mut different: Vec<char> = Vec::with_capacity(DIFFERENT);
    for char in phrase.chars() {
        if different.len() < DIFFERENT && !different.contains(&char) {
            different.push(char);
        }
    }
    match phrase.chars().count() {
        0..PASS_PHRASE => Some("it has fewer than 16 characters"),
        _ if different.len() < DIFFERENT => Some("it has fewer than 6 different characters"),
        _ => None,
    }
}

/// Files end in a line end that nobody means; two of them are a mistake, and stay.
fn without_line_end(text: &str) -> &str {
    let text = text.strip_suffix('\n').unwrap_or(text);
    text.strip_suffix('\r').unwrap_or(text)
}

fn checksum(key: &[u8; KEY]) -> [u8; CHECKSUM] {
    let mut hash = Sha256::new();
    hash.update(b"layerd-key-checksum/1");
    hash.update(key);
    let digest = hash.finalize();
    std::array::from_fn(|at| digest[at])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key() -> Key {
        Key::from_bytes(std::array::from_fn(|at| (at * at + 7) as u8)).unwrap()
    }

    #[test]
    fn a_key_is_read_back_from_its_text() {
        let text = key().to_text();
        assert_eq!(text.as_str(), "layerdkey_BwgLEBcgKzhHWGuAl7DL6AcoS3CXwOsYR3ir4BdQi8hKwsvO");
        for end in ["", "\n", "\r\n"] {
            assert_eq!(Key::from_text(&format!("{}{end}", text.as_str())), Ok(key()));
        }
        assert_eq!(format!("{:?}", key()), "***");
    }

    #[test]
    fn a_key_with_any_character_changed_is_refused() {
        let text = key().to_text();
        for at in 0..text.len() {
            for other in ["A", "z", "0", "_", "=", " "].into_iter().filter(|other| text[at..=at] != **other) {
                let mut changed = text.to_string();
                changed.replace_range(at..=at, other);
                assert!(Key::from_text(&changed).is_err(), "{other} at {at}");
            }
        }
    }

    #[test]
    fn a_text_that_is_no_key_is_refused_with_its_reason() {
        let text = key().to_text();
        let text = text.as_str();
        let of_bytes = |bytes: [u8; 32]| Key(Zeroizing::new(bytes)).to_text().to_string();
        let cases = [
            (String::new(), "the key is empty"),
            ("\n".to_owned(), "the key is empty"),
            ("changeme".to_owned(), "the text of a key begins with `layerdkey_`"),
            (format!(" {text}"), "the text of a key begins with `layerdkey_`"),
            (PREFIX.to_owned(), "the key has 0 characters after `layerdkey_`, where 48 are expected"),
            (text[..57].to_owned(), "the key has 47 characters after `layerdkey_`, where 48 are expected"),
            (format!("{text}A"), "the key has 49 characters after `layerdkey_`, where 48 are expected"),
            (format!("{text}\n\n"), "the key has 49 characters after `layerdkey_`, where 48 are expected"),
            (text[..57].to_owned() + "+", "the key has a character that is none of A-Z, a-z, 0-9, - and _"),
            (text[..57].to_owned() + "A", "the checksum of the key does not fit: a character of it was changed"),
            (of_bytes([0; 32]), "all bytes of the key are zero"),
            (of_bytes([0x42; 32]), "the bytes of the key follow a pattern: they are not random"),
            (
                of_bytes(std::array::from_fn(|at| at as u8)),
                "the bytes of the key follow a pattern: they are not random",
            ),
            (
                of_bytes(*b"0123456789abcdef0123456789abcdef"),
                "the bytes of the key follow a pattern: they are not random",
            ),
            (EXAMPLES[0].to_owned(), "the key is the example of the documentation, which everybody has"),
        ];
        for (text, reason) in cases {
            assert_eq!(Key::from_text(&text).unwrap_err().to_string(), reason, "{text}");
        }
    }

    #[test]
    fn a_pass_phrase_gives_another_key_under_another_id() {
        let phrase = "correct horse battery staple";
        let [one, two] = ["prod", "prod-2"].map(|id| KeyId::new(id).unwrap());
        let key = Key::from_pass_phrase(&format!("{phrase}\n"), &one).unwrap();
        assert_eq!(key.to_text().as_str(), "layerdkey_fMv5X3-ChpLxzTf8nmyJpep74V1RiDVNoi71mSsokEJ2MEaz");
        assert_ne!(Key::from_pass_phrase(phrase, &two), Ok(key));
    }

    #[test]
    fn a_weak_pass_phrase_is_refused_with_its_reason() {
        let id = KeyId::new("prod").unwrap();
        let reason = |phrase: &str| Key::from_pass_phrase(phrase, &id).unwrap_err().to_string();
        assert_eq!(reason("\n"), "the key is empty");
        assert_eq!(reason("changeme"), "the pass phrase is too weak: it has fewer than 16 characters");
        assert_eq!(reason("passpasspasspass"), "the pass phrase is too weak: it has fewer than 6 different characters");
    }

    #[test]
    fn an_id_is_short_and_no_path() {
        assert!(["a", "prod-2026a", "-", &"k".repeat(32)].iter().all(|id| KeyId::new(id).is_ok()));
        for id in ["", &"k".repeat(33), &"k".repeat(1 << 20), "Prod", "a/b", "..", "a.b", "a b", "é", "a\n"] {
            assert_eq!(KeyId::new(id), Err(KeyError::Id));
        }
    }
}
