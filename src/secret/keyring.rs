//! The keys of a server or a command line: which one opens a value, and which one seals.
//!
//! Exactly one key is tried, the one that the value names. A ring never changes; new keys make a new ring.

use std::fmt;

use sha2::{Digest as _, Sha256};

use super::envelope::{self, NONCE, Version};
use super::error::{OpenError, SealError};
use super::key::{Key, KeyId};
use super::place::{Context, LONGEST_KEY, Place};
use super::sealed::{self, Form, LONGEST_PLAIN, Sealed};
use super::spring::{self, SpringKey};
use crate::config::secret_string::SecretString;
use crate::config::target::Target;

/// Keys by id, and Spring's.
#[derive(Debug, Default)]
pub struct Keyring {
    keys: Vec<(KeyId, Key)>,
    /// Where in `keys` the one is that seals; any place if there are none.
    seals: usize,
    spring: Option<SpringKey>,
}

impl Keyring {
    /// A ring of these keys, of which `encrypt_with` seals, or the first. Without any, nothing opens.
    ///
    /// # Errors
    /// If two have one id or equal bytes, or none has the id that is to seal.
    pub fn new(
        keys: Vec<(KeyId, Key)>,
        encrypt_with: Option<&KeyId>,
        spring: Option<SpringKey>,
    ) -> Result<Self, RingError> {
        for (at, (id, key)) in keys.iter().enumerate() {
            for (other, equal) in &keys[..at] {
                if id == other {
                    return Err(RingError::Twice { id: id.clone() });
                }
                if key == equal {
                    return Err(RingError::Equal { one: other.clone(), two: id.clone() });
                }
            }
        }
        let seals = encrypt_with.map_or(Ok(0), |wanted| {
            let found = keys.iter().position(|(id, _)| id == wanted);
            found.ok_or_else(|| RingError::NoSuchKey { id: wanted.clone() })
        })?;
        Ok(Self { keys, seals, spring })
    }

    /// True if nothing can be opened.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.keys.is_empty() && self.spring.is_none()
    }

    /// The ids of the keys, in the order in which they were given.
    pub fn ids(&self) -> impl Iterator<Item = &KeyId> {
        self.keys.iter().map(|(id, _)| id)
    }

    /// The id of the key that seals; `None` if there is no key.
    #[must_use]
    pub fn encrypts_with(&self) -> Option<&KeyId> {
        self.keys.get(self.seals).map(|(id, _)| id)
    }

    /// Spring's key, if there is one.
    #[must_use]
    pub const fn spring(&self) -> Option<&SpringKey> {
        self.spring.as_ref()
    }

    /// Opens a value. What is inside is text, even if it looks like a sealed value or a placeholder.
    ///
    /// # Errors
    /// Every [`OpenError`] but `Malformed` and `Unsupported`.
    pub fn open(&self, sealed: &Sealed, place: &Place<'_>) -> Result<SecretString, OpenError> {
        match &sealed.0 {
            Form::Envelope { version, id, context, bytes } => {
                self.open_envelope(*version, (id, *context, bytes), place)
            }
            Form::Spring { bytes } => {
                let key = self.spring.as_ref().ok_or(OpenError::NoKey { id: None })?;
                key.open(bytes).ok_or(OpenError::DoesNotOpen { id: None, context: None, is_in_doubt: false })
            }
        }
    }

    fn open_envelope(
        &self,
        version: Version,
        (id, context, bytes): (&KeyId, Context, &[u8]),
        place: &Place<'_>,
    ) -> Result<SecretString, OpenError> {
        if context == Context::Prop && place.key.len() > LONGEST_KEY {
            return Err(OpenError::Malformed { reason: "the path of its key is longer than 4096 bytes" });
        }
        if self.keys.is_empty() {
            return Err(OpenError::NoKey { id: Some(id.clone()) });
        }
        let named = self.keys.iter().find(|(known, _)| known == id);
        let (_, key) = named.ok_or_else(|| OpenError::UnknownKey { id: id.clone() })?;
        let data = envelope::associated_data(version, id, context, place);
        let data = data.ok_or_else(|| OpenError::NoApplication { id: id.clone() })?;
        let plain = envelope::open(key, &data, bytes);
        let is_in_doubt = version == Version::Two && place.target.is_some_and(Target::is_in_doubt);
        plain.ok_or_else(|| OpenError::DoesNotOpen { id: Some(id.clone()), context: Some(context), is_in_doubt })
    }

    /// The text of a sealed value for this place, under the key that seals. `nonce` is random, and never used again.
    ///
    /// # Errors
    /// Without a key, with too long a text, or to bind to an application that `place` does not name.
    pub fn seal(
        &self,
        plain: &str,
        context: Context,
        place: &Place<'_>,
        nonce: [u8; NONCE],
    ) -> Result<String, SealError> {
        let (id, key) = self.keys.get(self.seals).ok_or(SealError::NoKey)?;
        refuse_long(plain)?;
        if context == Context::Prop && place.key.len() > LONGEST_KEY {
            return Err(SealError::LongKey { limit: LONGEST_KEY });
        }
        let data = envelope::associated_data(Version::Two, id, context, place).ok_or(SealError::NoApplication)?;
        Ok(sealed::spell(id, context, &envelope::seal(key, &nonce, &data, plain)))
    }

    /// The text of a value sealed in Spring's form, which opens wherever it is copied. `iv` is random.
    ///
    /// # Errors
    /// Without Spring's key, or with too long a text.
    pub fn seal_for_spring(&self, plain: &str, iv: [u8; spring::BLOCK]) -> Result<String, SealError> {
        let key = self.spring.as_ref().ok_or(SealError::NoKey)?;
        refuse_long(plain)?;
        Ok(format!("{}{}", sealed::PREFIX, key.seal(plain, iv)))
    }

    /// Equal for rings that open the same values: the part of a key of a cache that stands for the ring.
    #[must_use]
    pub fn fingerprint(&self) -> Fingerprint {
        let mut keys: Vec<(&str, &[u8])> = self.keys.iter().map(|(id, key)| (id.as_str(), &key.bytes()[..])).collect();
        keys.sort_unstable_by_key(|(id, _)| *id);
        keys.extend(self.spring.iter().map(|key| ("", &key.bytes()[..]))); // no id is empty
        let mut hash = Sha256::new();
        hash.update(b"layerd-keyring/1");
        for (id, key) in keys {
            hash.update((id.len() as u64).to_be_bytes());
            hash.update(id);
            hash.update(key);
        }
        Fingerprint(hash.finalize().into())
    }
}

/// A digest of the ids and keys of a ring. Compare it, keep things by it, and do not show it: where the key is made of a
/// weak pass phrase, it would tell whether a guess is right.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Fingerprint([u8; 32]);

impl Fingerprint {
    /// The digest.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Debug for Fingerprint {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("***")
    }
}

/// Why keys do not make a ring.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RingError {
    /// An id is given twice.
    #[error("there are two keys `{id}`")]
    Twice {
        /// The id.
        id: KeyId,
    },
    /// A key is given under two ids.
    #[error("the keys `{one}` and `{two}` are the same key")]
    Equal {
        /// The id that was given first.
        one: KeyId,
        /// The other id.
        two: KeyId,
    },
    /// The key that is to seal is not among them.
    #[error("there is no key `{id}` to encrypt with")]
    NoSuchKey {
        /// The id that was asked for.
        id: KeyId,
    },
}

const fn refuse_long(plain: &str) -> Result<(), SealError> {
    if plain.len() > LONGEST_PLAIN { Err(SealError::TooLong { limit: LONGEST_PLAIN }) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::super::spring::DEFAULT_SALT;
    use super::*;

    const PLACE: Place<'static> = Place { rank: "shop", application: Some("shop"), target: None, key: "db.password" };

    fn id(id: &str) -> KeyId {
        KeyId::new(id).unwrap()
    }

    fn key(name: &str, salt: u8) -> (KeyId, Key) {
        (id(name), Key::from_bytes(std::array::from_fn(|at| (at * at) as u8 ^ salt)).unwrap())
    }

    fn ring(keys: &[(&str, u8)], spring: Option<&str>) -> Keyring {
        let spring = spring.map(|phrase| SpringKey::new(phrase, DEFAULT_SALT).unwrap());
        Keyring::new(keys.iter().map(|(name, salt)| key(name, *salt)).collect(), None, spring).unwrap()
    }

    fn open(ring: &Keyring, text: &str) -> Result<String, String> {
        let opened = ring.open(&Sealed::parse(text).unwrap().unwrap(), &PLACE);
        opened.map(|plain| plain.expose().to_owned()).map_err(|error| error.to_string())
    }

    #[test]
    fn the_first_key_seals_unless_another_is_named() {
        let seal = |ring: &Keyring| ring.seal("text", Context::Any, &PLACE, [7; NONCE]).unwrap();
        let first = ring(&[("one", 1), ("two", 2)], None);
        assert!(seal(&first).starts_with("{cipher}{v:2}{key:one}{ctx:any}"));
        let second = Keyring::new(vec![key("one", 1), key("two", 2)], Some(&id("two")), None).unwrap();
        assert!(seal(&second).starts_with("{cipher}{v:2}{key:two}{ctx:any}"));
        assert_eq!(second.encrypts_with(), Some(&id("two")));
        assert_eq!(second.ids().map(KeyId::as_str).collect::<Vec<_>>(), ["one", "two"]);
        assert_eq!(open(&first, &seal(&second)), Ok("text".to_owned()));
        assert_eq!(format!("{second:?}").matches("***").count(), 2);
    }

    #[test]
    fn one_key_is_tried_the_named_one() {
        let sealed = ring(&[("one", 1)], None).seal("text", Context::Any, &PLACE, [7; NONCE]).unwrap();
        let told = |keys: &[(&str, u8)], spring| open(&ring(keys, spring), &sealed).unwrap_err();
        assert_eq!(told(&[("one", 2), ("two", 1)], None), "the sealed value does not open with key `one`");
        assert_eq!(told(&[("two", 1)], None), "the sealed value names key `one`, which is not among the keys");
        assert_eq!(told(&[], Some("foo")), "the value is sealed with key `one`, and this server has no keys");
    }

    #[test]
    fn springs_form_opens_with_springs_key_whatever_its_groups_say() {
        let sealed = "682bc583f4641835fa2db009355293665d2647dade3375c0ee201de2a49f7bda";
        let both = ring(&[("one", 1)], Some("foo"));
        assert_eq!(open(&both, &format!("{{cipher}}{sealed}")), Ok("mysecret".to_owned()));
        assert_eq!(open(&both, &format!("{{cipher}}{{key:one}}{sealed}")), Ok("mysecret".to_owned()));
        assert_eq!(
            open(&ring(&[], Some("bar")), &format!("{{cipher}}{sealed}")).unwrap_err(),
            "the sealed value does not open with the pass phrase in Spring's form"
        );
        assert_eq!(
            open(&ring(&[("one", 1)], None), &format!("{{cipher}}{sealed}")).unwrap_err(),
            "the value is sealed in Spring's form, and this server has no pass phrase for it"
        );
    }

    #[test]
    fn a_pass_phrase_seals_in_springs_form() {
        let seal = |phrase| ring(&[], phrase).seal_for_spring("text", [7; 16]);
        assert_eq!(seal(None), Err(SealError::NoKey));
        for phrase in ["foo", "correct horse battery staple"] {
            assert_eq!(open(&ring(&[], Some(phrase)), &seal(Some(phrase)).unwrap()), Ok("text".to_owned()));
        }
    }

    #[test]
    fn what_cannot_be_sealed_is_refused() {
        let one = ring(&[("one", 1)], Some("correct horse battery staple"));
        let shared = Place { application: None, ..PLACE };
        let seal = |ring: &Keyring, plain: &str| ring.seal(plain, Context::App, &shared, [7; NONCE]);
        assert_eq!(seal(&Keyring::default(), "text"), Err(SealError::NoKey));
        assert_eq!(seal(&one, "text"), Err(SealError::NoApplication));
        let long = "x".repeat(LONGEST_PLAIN + 1);
        let too_long = SealError::TooLong { limit: LONGEST_PLAIN };
        assert_eq!(seal(&one, &long), Err(too_long.clone()));
        assert_eq!(one.seal_for_spring(&long, [7; 16]), Err(too_long));
    }

    #[test]
    fn the_longest_text_that_is_sealed_is_read_back() {
        let one = ring(&[("one", 1)], Some("correct horse battery staple"));
        let long = "x".repeat(LONGEST_PLAIN);
        assert_eq!(open(&one, &one.seal(&long, Context::Prop, &PLACE, [7; NONCE]).unwrap()), Ok(long.clone()));
        assert_eq!(open(&one, &one.seal_for_spring(&long, [7; 16]).unwrap()), Ok(long));
    }

    #[test]
    fn keys_that_make_no_ring_are_refused_by_name() {
        let told = |keys, with: Option<&str>| Keyring::new(keys, with.map(id).as_ref(), None).unwrap_err().to_string();
        assert_eq!(told(vec![key("one", 1), key("one", 2)], None), "there are two keys `one`");
        let equal = vec![key("one", 1), key("two", 2), key("three", 1)];
        assert_eq!(told(equal, None), "the keys `one` and `three` are the same key");
        assert_eq!(told(vec![key("one", 1)], Some("two")), "there is no key `two` to encrypt with");
        assert_eq!(told(vec![], Some("two")), "there is no key `two` to encrypt with");
        assert!(Keyring::default().is_empty() && Keyring::default().encrypts_with().is_none());
    }

    #[test]
    fn rings_that_open_the_same_have_one_fingerprint() {
        let print = |keys: &[(&str, u8)], spring| ring(keys, spring).fingerprint();
        let two = print(&[("one", 1), ("two", 2)], None);
        assert_eq!(print(&[("two", 2), ("one", 1)], None), two);
        assert_eq!(format!("{two:?}"), "***");
        for other in [
            print(&[], None),
            print(&[], Some("foo")),
            print(&[("one", 1)], None),
            print(&[("one", 2), ("two", 1)], None),
            print(&[("one", 1), ("three", 2)], None),
            print(&[("one", 1), ("two", 2)], Some("foo")),
        ] {
            assert_ne!(other.as_bytes(), two.as_bytes());
        }
    }
}
