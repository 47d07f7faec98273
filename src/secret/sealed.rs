//! The text of a sealed value: which texts are one, and what they say about themselves.
//!
//! `{cipher}X`, `<cipher>X` and `<cipher>X</cipher>` are equal. X is layerd's envelope,
//! `{v:2}{key:<id>}{ctx:prop|app|any}` and base64url without padding, or Spring's symmetric form, any number of
//! `{name:value}` and hexadecimal digits. What is inside is opened by a [`Keyring`](super::keyring::Keyring).

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};

use super::envelope::{self, Version};
use super::error::OpenError;
use super::key::KeyId;
use super::place::{Context, Place};
use super::spring;

/// What a sealed value begins with: the one form that Spring knows, and the one that is written.
pub const PREFIX: &str = "{cipher}";

/// The other way to begin one, which YAML need not quote.
const ELEMENT: &str = "<cipher>";

/// The most bytes of the text of a sealed value.
pub const LONGEST: usize = 256 * 1024;

/// The most bytes of text that are sealed; what comes of them fits [`LONGEST`] in either form.
pub const LONGEST_PLAIN: usize = 64 * 1024;

/// A sealed value, read as far as that goes without a key.
#[derive(Clone, PartialEq, Eq)]
pub struct Sealed(pub(super) Form);

#[derive(Clone, PartialEq, Eq)]
pub(super) enum Form {
    Envelope { version: Version, id: KeyId, context: Context, bytes: Vec<u8> },
    Spring { bytes: Vec<u8> },
}

impl Sealed {
    /// Reads a value of a file; `None`: it is not sealed.
    ///
    /// # Errors
    /// [`OpenError::Malformed`] and [`OpenError::Unsupported`]; neither holds a part of the text.
    #[must_use]
    pub fn parse(text: &str) -> Option<Result<Self, OpenError>> {
        let body = body(text)?;
        Some(if text.len() > LONGEST { malformed("it is longer than 256 KiB") } else { read(body) })
    }

    /// The id of the key that opens it; `None`: it is in Spring's form, which has one key.
    #[must_use]
    pub const fn id(&self) -> Option<&KeyId> {
        match &self.0 {
            Form::Envelope { id, .. } => Some(id),
            Form::Spring { .. } => None,
        }
    }

    /// The version of its envelope; `None`: it is in Spring's form.
    #[must_use]
    pub const fn version(&self) -> Option<Version> {
        match &self.0 {
            Form::Envelope { version, .. } => Some(*version),
            Form::Spring { .. } => None,
        }
    }

    /// The text that it is bound to at a place, if it opens as well where that text is read otherwise.
    #[must_use]
    pub fn doubtful_text<'a>(&self, place: &Place<'a>) -> Option<&'a str> {
        match self.version()? {
            Version::One => place.doubtful_text(self.context()?),
            Version::Two => None,
        }
    }

    /// What it says it is bound to; `None`: it is in Spring's form, which is bound to nothing.
    #[must_use]
    pub const fn context(&self) -> Option<Context> {
        match &self.0 {
            Form::Envelope { context, .. } => Some(*context),
            Form::Spring { .. } => None,
        }
    }
}

/// Tells the form and leaves the bytes out.
impl fmt::Debug for Sealed {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Form::Envelope { id, context, .. } => write!(out, "Sealed(key {id}, ctx {})", context.name()),
            Form::Spring { .. } => out.write_str("Sealed(spring)"),
        }
    }
}

/// True if the text is to be read by [`Sealed::parse`]. Costs a look at the first characters.
#[must_use]
pub fn is_sealed(text: &str) -> bool {
    text.starts_with(PREFIX) || text.starts_with(ELEMENT)
}

/// The text of an envelope.
pub(super) fn spell(id: &KeyId, context: Context, bytes: &[u8]) -> String {
    let body = URL_SAFE_NO_PAD.encode(bytes);
    format!("{PREFIX}{{v:{}}}{{key:{id}}}{{ctx:{}}}{body}", Version::Two.digit(), context.name())
}

fn body(text: &str) -> Option<&str> {
    text.strip_prefix(PREFIX).or_else(|| {
        let body = text.strip_prefix(ELEMENT)?;
        Some(body.strip_suffix("</cipher>").unwrap_or(body))
    })
}

fn read(body: &str) -> Result<Sealed, OpenError> {
    match body {
        "" => malformed("there is nothing in it"),
        _ if is_sealed(body) => malformed("it is sealed twice"),
        _ if body.starts_with("{v:") => read_envelope(body),
        _ => read_spring(body),
    }
}

fn read_envelope(body: &str) -> Result<Sealed, OpenError> {
    let Some((version, rest)) = named_group(body, "v") else { return malformed("its version is not closed by a }") };
    let version = match version {
        "1" => Version::One,
        "2" => Version::Two,
        _ if is_number(version) => return Err(OpenError::Unsupported { what: "a later version of the envelope" }),
        _ => return malformed("its version is no number"),
    };
    let Some((id, rest)) = named_group(rest, "key") else { return malformed("no {key:…} follows its version") };
    let Ok(id) = KeyId::new(id) else { return malformed("the id of its key is not 1 to 32 of a-z, 0-9 and -") };
    let Some((context, rest)) = named_group(rest, "ctx") else { return malformed("no {ctx:…} follows its key") };
    let Some(context) = Context::of_name(context) else { return malformed("its ctx is none of prop, app and any") };
    match URL_SAFE_NO_PAD.decode(rest) {
        Ok(bytes) if envelope::is_whole(bytes.len()) => Ok(Sealed(Form::Envelope { version, id, context, bytes })),
        Ok(_) => malformed("it is cut short, or something was added to it"),
        Err(_) if rest.contains(char::is_whitespace) => malformed("there is white space in it"),
        Err(_) => malformed("it is not base64url without padding, or it is cut short"),
    }
}

/// One block of text at the least follows the IV; a pass phrase has no ids, so what the groups say is passed over, as
/// Spring does.
fn read_spring(body: &str) -> Result<Sealed, OpenError> {
    let mut rest = body;
    while let Some((_, _, after)) = group(rest) {
        rest = after;
    }
    match spring::from_hex(rest) {
        Some(bytes) if bytes.len() >= 2 * spring::BLOCK && bytes.len().is_multiple_of(spring::BLOCK) => {
            Ok(Sealed(Form::Spring { bytes }))
        }
        Some(_) => malformed("it is cut short, or something was added to it"),
        None if is_rsa(rest) => Err(OpenError::Unsupported { what: "Spring's RSA form" }),
        None if rest.contains(char::is_whitespace) => malformed("there is white space in it"),
        None => malformed("it is neither an envelope nor hexadecimal digits"),
    }
}

/// What Spring's `RsaSecretEncryptor` writes: a length in two bytes, that many bytes of RSA, and the text under AES.
fn is_rsa(text: &str) -> bool {
    let bytes = STANDARD.decode(text).unwrap_or_default();
    let Some((length, rest)) = bytes.split_first_chunk() else { return false };
    let length = usize::from(u16::from_be_bytes(*length));
    (64..=1024).contains(&length) && rest.len() >= length + 2 * spring::BLOCK
}

/// `{name:value}` and what follows it.
fn group(text: &str) -> Option<(&str, &str, &str)> {
    let (inside, rest) = text.strip_prefix('{')?.split_once('}')?;
    let (name, value) = inside.split_once(':')?;
    (!inside.contains('{')).then_some((name, value, rest))
}

fn named_group<'a>(text: &'a str, wanted: &str) -> Option<(&'a str, &'a str)> {
    group(text).filter(|(name, ..)| *name == wanted).map(|(_, value, rest)| (value, rest))
}

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

const fn malformed<T>(reason: &'static str) -> Result<T, OpenError> {
    Err(OpenError::Malformed { reason })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 72 bytes, the fewest of an envelope.
    const BODY: &str =
        "BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcH";
    const HEX: &str = "4b0febebd439db7ca77153cb254520c3b7232ac29355d07869433f1ecf55fe94";

    fn told(text: &str) -> String {
        match Sealed::parse(text) {
            None => "not sealed".to_owned(),
            Some(Ok(sealed)) => format!("{sealed:?}"),
            Some(Err(error)) => format!("{}: {error}", error.code()),
        }
    }

    fn reason(body: &str) -> String {
        let told = told(&format!("{PREFIX}{body}"));
        told.strip_prefix("cipher-malformed: the sealed value is malformed: ").unwrap_or(&told).to_owned()
    }

    #[test]
    fn three_ways_to_begin_are_one() {
        for (body, form) in [
            (format!("{{v:1}}{{key:prod}}{{ctx:prop}}{BODY}"), "Sealed(key prod, ctx prop)"),
            (HEX.to_owned(), "Sealed(spring)"),
        ] {
            let sealed = Sealed::parse(&format!("{{cipher}}{body}"));
            assert_eq!(told(&format!("{{cipher}}{body}")), form);
            assert_eq!(Sealed::parse(&format!("<cipher>{body}")), sealed);
            assert_eq!(Sealed::parse(&format!("<cipher>{body}</cipher>")), sealed);
            assert!(told(&format!("{{cipher}}{body}</cipher>")).starts_with("cipher-malformed"));
        }
    }

    #[test]
    fn a_text_that_begins_otherwise_is_not_sealed() {
        for text in ["", "x", " {cipher}aa", "'{cipher}aa'", "{Cipher}aa", "{cipher", "cipher>", "{vault}:a#b"] {
            assert_eq!(told(text), "not sealed", "{text}");
            assert!(!is_sealed(text), "{text}");
        }
        assert!(is_sealed("{cipher}") && is_sealed("<cipher>"));
    }

    #[test]
    fn what_is_wrong_with_an_envelope_is_told() {
        let cases = [
            (String::new(), "there is nothing in it"),
            ("{v:1".to_owned(), "its version is not closed by a }"),
            (format!("{{v:one}}{{key:a}}{{ctx:any}}{BODY}"), "its version is no number"),
            (format!("{{v:1}}{BODY}"), "no {key:…} follows its version"),
            (format!("{{v:1}}{{ctx:any}}{{key:a}}{BODY}"), "no {key:…} follows its version"),
            (format!("{{v:1}}{{key:}}{{ctx:any}}{BODY}"), "the id of its key is not 1 to 32 of a-z, 0-9 and -"),
            (format!("{{v:1}}{{key:../a}}{{ctx:any}}{BODY}"), "the id of its key is not 1 to 32 of a-z, 0-9 and -"),
            (format!("{{v:1}}{{key:a}}{BODY}"), "no {ctx:…} follows its key"),
            (format!("{{v:1}}{{key:a}}{{ctx:all}}{BODY}"), "its ctx is none of prop, app and any"),
            ("{v:1}{key:a}{ctx:any}".to_owned(), "it is cut short, or something was added to it"),
            (format!("{{v:1}}{{key:a}}{{ctx:any}}{BODY}BwcH"), "it is cut short, or something was added to it"),
            (format!("{{v:1}}{{key:a}}{{ctx:any}}{BODY}\n"), "there is white space in it"),
        ];
        for (body, expected) in cases {
            assert_eq!(reason(&body), expected, "{body}");
        }
        let alphabet = "it is not base64url without padding, or it is cut short";
        let changes: [(usize, &str); 3] = [(95, "+"), (95, "="), (10, "é")];
        for (at, char) in changes {
            let changed = format!("{}{char}{}", &BODY[..at], &BODY[at + 1..]);
            assert_eq!(reason(&format!("{{v:1}}{{key:a}}{{ctx:any}}{changed}")), alphabet, "{char}");
        }
        // 104 bytes end in three characters, of which the last two bits say nothing and have to be zero.
        let ended = |end| format!("{{v:1}}{{key:a}}{{ctx:any}}{BODY}{}{end}", "BwcH".repeat(10) + "Bw");
        assert_eq!(reason(&ended("c")), "Sealed(key a, ctx any)");
        assert_eq!(reason(&ended("d")), alphabet);
    }

    #[test]
    fn what_is_wrong_with_springs_form_is_told() {
        let cut = "it is cut short, or something was added to it";
        for body in [&HEX[..32], &HEX[..62], &HEX[2..], "{key:a}", &format!("{HEX}aa")] {
            assert_eq!(reason(body), cut, "{body}");
        }
        let other = "it is neither an envelope nor hexadecimal digits";
        for body in ["secret", &HEX[1..], &HEX.replace('4', "g"), "{key}aa", "{a{b:c}aa", "{key:a", "{"] {
            assert_eq!(reason(body), other, "{body}");
        }
        assert_eq!(reason(&format!("{HEX} ")), "there is white space in it");
        assert_eq!(reason(&HEX.replace("7c", "7c\n")), "there is white space in it");
    }

    #[test]
    fn groups_before_springs_form_are_passed_over() {
        for groups in ["{key:prod}", "{key:a}{secret:b}", "{name:shop}{profiles:dev}", "{x:}", "{:}"] {
            assert_eq!(told(&format!("{PREFIX}{groups}{HEX}")), "Sealed(spring)", "{groups}");
        }
    }

    #[test]
    fn forms_that_are_not_read_are_told_from_broken_ones() {
        let rsa = |length: u8, bytes: usize| STANDARD.encode([&[length, 0], &vec![7; bytes][..]].concat());
        let unsupported = "cipher-unsupported: the sealed value is in a form that is not supported: ";
        assert_eq!(told(&format!("{PREFIX}{{key:a}}{}", rsa(1, 288))), format!("{unsupported}Spring's RSA form"));
        assert!(reason(&rsa(1, 287)).starts_with("it is neither"), "cut short");
        assert!(reason(&rsa(9, 999)).starts_with("it is neither"), "no length of RSA");
        assert_eq!(reason("{v:99}x"), format!("{unsupported}a later version of the envelope"));
    }

    #[test]
    fn nested_and_endless_texts_end_at_once() {
        assert_eq!(reason("{cipher}aa"), "it is sealed twice");
        assert_eq!(reason("<cipher>aa</cipher>"), "it is sealed twice");
        for part in ["{cipher}", "{key:a}", "{v:1}", "{a:", "{", "0", "é"] {
            assert_eq!(reason(&part.repeat((1 << 20) / part.len())), "it is longer than 256 KiB");
            let told = reason(&part.repeat((1 << 17) / part.len()));
            assert!(told.starts_with("it ") || told.starts_with("no ") || part == "0", "{told}");
        }
    }
}
