//! Spring's symmetric form: AES-256-CBC under a key made from a pass phrase, as hexadecimal text.
//!
//! Read so that repositories can move as they are, written only for servers that stand in for Spring's: it has no tag,
//! so a changed value is found by luck alone, and it opens wherever it is copied. The RSA form is told, not read.

use std::fmt;
use std::fmt::Write as _;

use aes::Aes256;
use cbc::cipher::block_padding::Pkcs7;
use cbc::cipher::{BlockModeDecrypt as _, BlockModeEncrypt as _, KeyIvInit as _};
use cbc::{Decryptor, Encryptor};
use pbkdf2::pbkdf2_hmac_array;
use sha1::Sha1;
use zeroize::Zeroizing;

use super::key::{KeyError, weak_phrase};
use crate::config::secret_string::SecretString;

/// The salt where none is set: `encrypt.salt` of Spring Cloud Config.
pub const DEFAULT_SALT: &str = "deadbeef";

/// Bytes of a block, and of the IV that stands first.
pub(super) const BLOCK: usize = 16;

/// Rounds of PBKDF2 in Spring Security's `AesBytesEncryptor`. Few, and not ours to choose.
const ROUNDS: u32 = 1024;

/// The key that Spring makes of a pass phrase and a salt. `Debug` prints `***`.
pub struct SpringKey {
    key: Zeroizing<[u8; 32]>,
    weakness: Option<&'static str>,
    has_default_salt: bool,
}

impl SpringKey {
    /// Derives the key from `encrypt.key` and `encrypt.salt`, which is hexadecimal.
    ///
    /// # Errors
    /// If the phrase is empty or a private RSA key, or the salt is no hexadecimal text.
    pub fn new(phrase: &str, salt: &str) -> Result<Self, KeyError> {
        if phrase.is_empty() {
            return Err(KeyError::Empty);
        }
        if phrase.contains("RSA PRIVATE KEY") {
            return Err(KeyError::Rsa);
        }
        let bytes = from_hex(salt).filter(|bytes| !bytes.is_empty()).ok_or(KeyError::Salt)?;
        let key = Zeroizing::new(pbkdf2_hmac_array::<Sha1, 32>(phrase.as_bytes(), &bytes, ROUNDS));
        let has_default_salt = salt.eq_ignore_ascii_case(DEFAULT_SALT);
        Ok(Self { key, weakness: weak_phrase(phrase), has_default_salt })
    }

    /// What is weak about the pass phrase; such a phrase opens values, and seals none.
    #[must_use]
    pub const fn weakness(&self) -> Option<&'static str> {
        self.weakness
    }

    /// True if the salt is the one that every server has which sets none.
    #[must_use]
    pub const fn has_default_salt(&self) -> bool {
        self.has_default_salt
    }

    pub(super) fn bytes(&self) -> &[u8; 32] {
        &self.key
    }

    /// Lower-case hexadecimal text of IV and sealed text. The IV has to be random.
    pub(super) fn seal(&self, plain: &str, iv: [u8; BLOCK]) -> String {
        let length = plain.len();
        let padded = (length + 1).next_multiple_of(BLOCK);
        let mut bytes = Vec::with_capacity(BLOCK + padded); // no growth leaves plain text behind
        bytes.extend_from_slice(&iv);
        bytes.extend_from_slice(plain.as_bytes());
        bytes.resize(BLOCK + padded, 0);
        let cipher = Encryptor::<Aes256>::new((&*self.key).into(), &iv.into());
        cipher.encrypt_padded::<Pkcs7>(&mut bytes[BLOCK..], length).expect("there is room for the padding");
        to_hex(&bytes)
    }

    /// The text of IV and sealed text. Bad padding and bad UTF-8 are one answer: which of them it was would help to
    /// guess.
    pub(super) fn open(&self, bytes: &[u8]) -> Option<SecretString> {
        let (iv, sealed) = bytes.split_first_chunk::<BLOCK>()?;
        let mut text = Zeroizing::new(sealed.to_vec());
        let cipher = Decryptor::<Aes256>::new((&*self.key).into(), &(*iv).into());
        let plain = cipher.decrypt_padded::<Pkcs7>(&mut text).ok()?;
        Some(SecretString::new(std::str::from_utf8(plain).ok()?.to_owned()))
    }
}

impl fmt::Debug for SpringKey {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("***")
    }
}

/// The bytes of hexadecimal text in either case; `None` if it is none.
pub(super) fn from_hex(text: &str) -> Option<Vec<u8>> {
    let (pairs, rest) = text.as_bytes().as_chunks::<2>();
    let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    let bytes = pairs.iter().map(|[high, low]| Some(digit(*high)? << 4 | digit(*low)?));
    if rest.is_empty() { bytes.collect() } else { None }
}

fn to_hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        write!(text, "{byte:02x}").expect("writing to a string cannot fail");
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Pass phrase, sealed text and plain text of Spring Security's and Spring Cloud's own tests; the salt is the default.
    const VECTORS: [(&str, &str, &str); 4] = [
        ("password", "4b0febebd439db7ca77153cb254520c3b7232ac29355d07869433f1ecf55fe94", "value"),
        ("foo", "682bc583f4641835fa2db009355293665d2647dade3375c0ee201de2a49f7bda", "mysecret"),
        ("foo", "d1b2458ccede07c856ff952bd841638ff4dd12ed1d36812663c3c7262d57bf46", "SUPER SECRET"),
        ("mykey", "6defc102cd76752fcf4c78231ed82ead85133a09741d9a1442595b4800e2b3d1", "password"),
    ];

    fn key(phrase: &str) -> SpringKey {
        SpringKey::new(phrase, DEFAULT_SALT).unwrap()
    }

    #[test]
    fn what_spring_sealed_is_opened_and_sealed_alike() {
        for (phrase, sealed, plain) in VECTORS {
            let bytes = from_hex(&sealed.to_uppercase()).unwrap();
            assert_eq!(key(phrase).open(&bytes).unwrap().expose(), plain);
            assert_eq!(key(phrase).seal(plain, *bytes.first_chunk().unwrap()), sealed);
        }
    }

    #[test]
    fn every_length_of_text_is_read_back() {
        let key = SpringKey::new("päss", "0a").unwrap();
        for length in 0..70 {
            let plain = "\u{10}é".chars().cycle().take(length).collect::<String>();
            let sealed = from_hex(&key.seal(&plain, [7; 16])).unwrap();
            assert!(sealed.len().is_multiple_of(BLOCK));
            assert_eq!(key.open(&sealed).unwrap().expose(), plain);
        }
    }

    #[test]
    fn what_does_not_open_is_one_answer_whatever_is_wrong() {
        let (phrase, sealed, _) = VECTORS[0];
        let sealed = from_hex(sealed).unwrap();
        let key_of = key(phrase);
        for length in 0..sealed.len() {
            assert_eq!(key_of.open(&sealed[..length]), None, "{length}");
        }
        assert_eq!(key("passwort").open(&sealed), None);
        assert_eq!(SpringKey::new(phrase, "deadbeee").unwrap().open(&sealed), None);
        let mut not_text = sealed;
        not_text[0] ^= 0x80; // the IV goes straight into the first block of text
        assert_eq!(key_of.open(&not_text), None);
    }

    #[test]
    fn a_pass_phrase_that_spring_would_not_take_is_refused() {
        let refused = |phrase: &str, salt: &str| SpringKey::new(phrase, salt).unwrap_err();
        assert_eq!(refused("", DEFAULT_SALT), KeyError::Empty);
        assert_eq!(refused("-----BEGIN RSA PRIVATE KEY-----\n…", DEFAULT_SALT), KeyError::Rsa);
        for salt in ["", "abc", "xy", "de ad", "+1", "é"] {
            assert_eq!(refused("foo", salt), KeyError::Salt, "{salt}");
        }
    }

    #[test]
    fn weaknesses_are_known() {
        let strong = "correct horse battery staple";
        let weaknesses = |phrase: &str, salt: &str| {
            let key = SpringKey::new(phrase, salt).unwrap();
            (key.weakness(), key.has_default_salt())
        };
        assert_eq!(weaknesses("changeme", "DEADBEEF"), (Some("it has fewer than 16 characters"), true));
        assert_eq!(weaknesses(strong, "deadbeef00"), (None, false));
        assert_eq!(format!("{:?}", key(strong)), "***");
    }
}
