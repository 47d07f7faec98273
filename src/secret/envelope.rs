//! layerd's own sealed form: XChaCha20-Poly1305 over padded text, bound to its place.
//!
//! Bytes in, bytes out; the text around them is the business of `sealed`. A random nonce of 24 bytes needs no counter,
//! so every replica may seal. Lengths show in Git, hence the padding to steps of 32 bytes.

use chacha20poly1305::aead::{AeadInOut as _, KeyInit as _};
use chacha20poly1305::{Tag, XChaCha20Poly1305, XNonce};
use zeroize::Zeroizing;

use super::key::{Key, KeyId};
use super::place::{Context, Place, bound_key};
use crate::config::secret_string::SecretString;
use crate::config::target::Target;

/// A version of the envelope. They differ in what is authenticated, and in nothing else.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Version {
    /// Binds to `user-service` as one text, whether that is an application or one with a profile. Read, never written.
    One,
    /// Binds to application, profile and key as parts.
    Two,
}

impl Version {
    /// The digit in the envelope.
    pub(super) const fn digit(self) -> &'static str {
        match self {
            Self::One => "1",
            Self::Two => "2",
        }
    }
}

/// Bytes of the nonce, which stands first.
pub(super) const NONCE: usize = 24;

/// Bytes of the tag, which stands last.
const TAG: usize = 16;

/// The text is padded to a multiple of this many bytes.
const STEP: usize = 32;

/// The first byte of the padding; zeros follow (ISO/IEC 7816-4).
const MARK: u8 = 0x80;

/// Keep what is authenticated here apart from all that the same key might ever authenticate.
const DOMAIN_ONE: &str = "layerd-sealed/1";
const DOMAIN_TWO: &str = "layerd-sealed/2";

/// The name of the cipher, authenticated from version 2 on.
const CIPHER: &str = "xchacha20-poly1305";

/// True if so many bytes can be an envelope.
pub(super) const fn is_whole(length: usize) -> bool {
    length >= NONCE + STEP + TAG && (length - NONCE - TAG).is_multiple_of(STEP)
}

/// What is authenticated with the text; `None`: bound to an application where there is none.
pub(super) fn associated_data(version: Version, id: &KeyId, context: Context, place: &Place<'_>) -> Option<Vec<u8>> {
    match version {
        Version::One => data_of_one(id, context, place),
        Version::Two => data_of_two(id, context, place),
    }
}

fn data_of_two(id: &KeyId, context: Context, place: &Place<'_>) -> Option<Vec<u8>> {
    let key;
    let (kind, name, profile, key) = match context {
        Context::Prop => {
            key = bound_key(place.key);
            let (kind, name, profile) = place.target.map_or(("", "", ""), Target::parts);
            (kind, name, profile, key.as_str())
        }
        Context::App => {
            let (kind, name) = place.target?.without_profile();
            (kind, name, "", "")
        }
        Context::Any => ("", "", "", ""),
    };
    let version = Version::Two.digit();
    Some(joined(&[DOMAIN_TWO, version, CIPHER, id.as_str(), context.name(), kind, name, profile, key]))
}

fn data_of_one(id: &KeyId, context: Context, place: &Place<'_>) -> Option<Vec<u8>> {
    let key;
    let (scope, key) = match context {
        Context::Prop => {
            key = bound_key(place.key);
            (place.rank, key.as_str())
        }
        Context::App => (place.application?, ""),
        Context::Any => ("", ""),
    };
    Some(joined(&[DOMAIN_ONE, Version::One.digit(), id.as_str(), context.name(), scope, key]))
}

/// Each part behind its length, so that no two lists of parts are one text.
fn joined(parts: &[&str]) -> Vec<u8> {
    let mut data = Vec::new();
    for part in parts {
        data.extend_from_slice(&(part.len() as u64).to_be_bytes());
        data.extend_from_slice(part.as_bytes());
    }
    data
}

/// Nonce, sealed text, tag.
pub(super) fn seal(key: &Key, nonce: &[u8; NONCE], data: &[u8], plain: &str) -> Vec<u8> {
    let padded = padded_length(plain.len());
    let mut bytes = Vec::with_capacity(NONCE + padded + TAG); // no growth leaves plain text behind
    bytes.extend_from_slice(nonce);
    bytes.extend_from_slice(plain.as_bytes());
    bytes.push(MARK);
    bytes.resize(NONCE + padded, 0);
    let tag = cipher(key)
        .encrypt_inout_detached(&XNonce::from(*nonce), data, bytes.split_at_mut(NONCE).1.into())
        .expect("the cipher takes 256 GiB, and values are limited");
    bytes.extend_from_slice(&tag);
    bytes
}

/// The text, if `bytes` were sealed with this key and these data, and nothing was changed since.
pub(super) fn open(key: &Key, data: &[u8], bytes: &[u8]) -> Option<SecretString> {
    let (nonce, rest) = bytes.split_first_chunk::<NONCE>()?;
    let (sealed, tag) = rest.split_last_chunk::<TAG>()?;
    let mut text = Zeroizing::new(sealed.to_vec());
    let opened =
        cipher(key).decrypt_inout_detached(&XNonce::from(*nonce), data, text.as_mut_slice().into(), &Tag::from(*tag));
    opened.ok()?;
    let plain = std::str::from_utf8(unpadded(&text)?).ok()?;
    Some(SecretString::new(plain.to_owned()))
}

fn cipher(key: &Key) -> XChaCha20Poly1305 {
    XChaCha20Poly1305::new(key.bytes().into())
}

const fn padded_length(length: usize) -> usize {
    (length + 1).next_multiple_of(STEP)
}

/// The text before its padding; `None` if the padding is not the one that [`seal`] writes.
fn unpadded(text: &[u8]) -> Option<&[u8]> {
    let end = text.iter().rposition(|byte| *byte != 0)?;
    (text[end] == MARK && padded_length(end) == text.len()).then(|| &text[..end])
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLACE: Place<'static> = Place { rank: "shop-prod", application: Some("shop"), target: None, key: "a.b[0].c" };

    fn key(salt: u8) -> Key {
        Key::from_bytes(std::array::from_fn(|at| (at * at) as u8 ^ salt)).unwrap()
    }

    fn data(context: Context, place: &Place<'_>) -> Vec<u8> {
        associated_data(Version::One, &KeyId::new("prod").unwrap(), context, place).unwrap()
    }

    #[test]
    fn every_length_of_text_is_read_back() {
        let data = data(Context::Prop, &PLACE);
        for length in 0..100 {
            let plain = "\u{0}é\u{80}x".chars().cycle().take(length).collect::<String>();
            let sealed = seal(&key(1), &[9; NONCE], &data, &plain);
            assert!(is_whole(sealed.len()), "{length}");
            assert_eq!(open(&key(1), &data, &sealed).unwrap().expose(), plain);
        }
    }

    #[test]
    fn lengths_show_in_steps_only() {
        let length = |plain: usize| seal(&key(1), &[9; NONCE], b"", &"x".repeat(plain)).len() - NONCE - TAG;
        assert_eq!([0, 1, 31, 32, 63, 64].map(length), [32, 32, 32, 64, 64, 96]);
        let whole: Vec<usize> = (0..150).filter(|length| is_whole(*length)).collect();
        assert_eq!(whole, [72, 104, 136]);
    }

    #[test]
    fn data_are_bound_part_by_part() {
        let text = String::from_utf8(data(Context::Prop, &PLACE)).unwrap().replace("\0\0\0\0\0\0\0", "|");
        assert_eq!(text, "|\u{f}layerd-sealed/1|\u{1}1|\u{4}prod|\u{4}prop|\u{9}shop-prod|\u{7}a.b[].c");
        let shifted = Place { rank: "shop", key: "-proda.b[0].c", ..PLACE };
        assert_ne!(data(Context::Prop, &shifted), data(Context::Prop, &PLACE));
        let no_application = Place { application: None, ..PLACE };
        for version in [Version::One, Version::Two] {
            assert_eq!(associated_data(version, &KeyId::new("prod").unwrap(), Context::App, &no_application), None);
        }
    }

    #[test]
    fn authentic_text_with_other_padding_is_refused() {
        let nonce = [9; NONCE];
        let sealed = |text: &[u8]| {
            let mut bytes = [&nonce, text].concat();
            let tag = cipher(&key(1)).encrypt_inout_detached(&nonce.into(), b"", bytes.split_at_mut(NONCE).1.into());
            bytes.extend_from_slice(&tag.unwrap());
            bytes
        };
        let mut padded = [0; 64];
        padded[..4].copy_from_slice(b"text");
        assert!(open(&key(1), b"", &sealed(&padded)).is_none(), "no mark");
        padded[4] = MARK;
        assert!(open(&key(1), b"", &sealed(&padded)).is_none(), "a step too many");
        assert_eq!(open(&key(1), b"", &sealed(&padded[..32])).unwrap().expose(), "text");
        padded[0] = 0xff;
        assert!(open(&key(1), b"", &sealed(&padded[..32])).is_none(), "no UTF-8");
        assert!(open(&key(1), b"", &sealed(&[0; 32])).is_none(), "nothing but zeros");
        assert!(open(&key(1), b"", &sealed(b"")).is_none(), "nothing");
    }

    #[test]
    fn another_key_or_other_data_do_not_open() {
        let sealed = seal(&key(1), &[9; NONCE], b"data", "text");
        assert!(open(&key(1), b"data", &sealed).is_some());
        assert!(open(&key(2), b"data", &sealed).is_none());
        assert!(open(&key(1), b"date", &sealed).is_none());
    }
}
