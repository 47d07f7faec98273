//! Why a value could not be opened or sealed, told without a single character of what is inside.
//!
//! Reasons are texts of this program and names that passed the grammar of key ids, never parts of the value: these
//! errors go into logs, problems and answers.

use super::key::KeyId;
use super::place::Context;

/// Why a sealed value did not open.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OpenError {
    /// The text begins as a sealed value and is none.
    #[error("the sealed value is malformed: {reason}")]
    Malformed {
        /// What is wrong with it.
        reason: &'static str,
    },
    /// A sealed value as it may be, in a form or version that this program does not read.
    #[error("the sealed value is in a form that is not supported: {what}")]
    Unsupported {
        /// Which form.
        what: &'static str,
    },
    /// There are keys, and none has the id that the value names.
    #[error("the sealed value names key `{id}`, which is not among the keys")]
    UnknownKey {
        /// The id in the value.
        id: KeyId,
    },
    /// There is no key at all that could open values of its form.
    #[error("{}", no_key(id.as_ref()))]
    NoKey {
        /// The id in the value; `None`: it is in Spring's form.
        id: Option<KeyId>,
    },
    /// The key is there, and the value was sealed with another one, for another place, or has been changed since.
    #[error("the sealed value does not open with {}", key_name(id.as_ref()))]
    DoesNotOpen {
        /// The key that was tried; `None`: Spring's.
        id: Option<KeyId>,
        /// What the value says it is bound to; `None`: it is in Spring's form, which binds to nothing.
        context: Option<Context>,
        /// True if the name of the file can be read in two ways, so that only what was sealed for the file opens.
        is_in_doubt: bool,
    },
    /// The value is bound to an application, and stands where files are for all of them.
    #[error("the sealed value is bound to one application, and stands in a file for all of them")]
    NoApplication {
        /// The key that it names.
        id: KeyId,
    },
}

impl OpenError {
    /// Stable kebab-case name, such as `cipher-auth`.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Malformed { .. } => "cipher-malformed",
            Self::Unsupported { .. } => "cipher-unsupported",
            Self::UnknownKey { .. } => "cipher-unknown-key",
            Self::NoKey { .. } => "keys-unavailable",
            Self::DoesNotOpen { .. } => "cipher-auth",
            Self::NoApplication { .. } => "cipher-misplaced",
        }
    }

    /// True if the fault is in the bytes of the file, so that the commit before it may go on being served; false if it
    /// is in what this server was given, which every commit would suffer from.
    #[must_use]
    pub const fn pins(&self) -> bool {
        matches!(self, Self::Malformed { .. } | Self::DoesNotOpen { .. } | Self::NoApplication { .. })
    }

    /// What to do about it.
    #[must_use]
    pub const fn hint(&self) -> &'static str {
        match self {
            Self::Malformed { .. } => "seal the value again with `layerd encrypt`",
            Self::Unsupported { .. } => "seal the value again with `layerd encrypt`, or use a newer layerd",
            Self::UnknownKey { .. } => {
                "add the key to `secrets.keys`, or seal the value again with a key that is there"
            }
            Self::NoKey { id: Some(_) } => "set `secrets.keys`",
            Self::NoKey { id: None } => "set the pass phrase that Spring calls `encrypt.key`",
            Self::DoesNotOpen { context: Some(Context::Prop | Context::App), is_in_doubt: true, .. } => {
                "the name of this file can be read in two ways, so seal the value for the file: `layerd encrypt --in-place` \
                 or `--file`; if its key or file was renamed, run `layerd secrets rebind`"
            }
            Self::DoesNotOpen { context: Some(Context::Prop), .. } => {
                "if its key or file was renamed, run `layerd secrets rebind`; if it was copied, seal it again for this place"
            }
            Self::DoesNotOpen { context: Some(Context::App), .. } => {
                "if it was copied from another application, seal it again for this one"
            }
            Self::DoesNotOpen { context: Some(Context::Any), .. } => {
                "check that the key of that id is the one it was sealed with; if so, the value was changed: seal it again"
            }
            Self::DoesNotOpen { context: None, .. } => "check the pass phrase and the salt, or seal the value again",
            Self::NoApplication { .. } => "move it into a file of its application, or seal it for this key",
        }
    }
}

/// Why a value was not sealed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SealError {
    /// There is no key to seal with.
    #[error("there is no key to seal with")]
    NoKey,
    /// The text is longer than a sealed value may be.
    #[error("the value is longer than {limit} bytes")]
    TooLong {
        /// The most that is sealed, in bytes.
        limit: usize,
    },
    /// The path of the key is longer than one that a value is bound to.
    #[error("the path of the key is longer than {limit} bytes")]
    LongKey {
        /// The most, in bytes.
        limit: usize,
    },
    /// To be bound to an application, and no application was given.
    #[error("a value cannot be bound to an application where files are for all of them")]
    NoApplication,
}

fn no_key(id: Option<&KeyId>) -> String {
    match id {
        Some(id) => format!("the value is sealed with key `{id}`, and this server has no keys"),
        None => "the value is sealed in Spring's form, and this server has no pass phrase for it".to_owned(),
    }
}

fn key_name(id: Option<&KeyId>) -> String {
    id.map_or_else(|| "the pass phrase in Spring's form".to_owned(), |id| format!("key `{id}`"))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Code, whether it pins, and message of every reason.
    #[test]
    fn every_reason_has_a_code_a_sentence_and_a_hint() {
        let id = KeyId::new("prod-2026a").unwrap();
        let errors = [
            OpenError::Malformed { reason: "it is cut short" },
            OpenError::Unsupported { what: "version 2" },
            OpenError::UnknownKey { id: id.clone() },
            OpenError::NoKey { id: Some(id.clone()) },
            OpenError::NoKey { id: None },
            OpenError::DoesNotOpen { id: Some(id.clone()), context: Some(Context::Prop), is_in_doubt: false },
            OpenError::DoesNotOpen { id: None, context: None, is_in_doubt: true },
            OpenError::NoApplication { id },
        ];
        let told: Vec<String> =
            errors.iter().map(|error| format!("{} {} {error}", error.code(), error.pins())).collect();
        assert_eq!(
            told,
            [
                "cipher-malformed true the sealed value is malformed: it is cut short",
                "cipher-unsupported false the sealed value is in a form that is not supported: version 2",
                "cipher-unknown-key false the sealed value names key `prod-2026a`, which is not among the keys",
                "keys-unavailable false the value is sealed with key `prod-2026a`, and this server has no keys",
                "keys-unavailable false the value is sealed in Spring's form, and this server has no pass phrase for it",
                "cipher-auth true the sealed value does not open with key `prod-2026a`",
                "cipher-auth true the sealed value does not open with the pass phrase in Spring's form",
                "cipher-misplaced true the sealed value is bound to one application, and stands in a file for all of them",
            ]
        );
        assert!(errors.iter().all(|error| !error.hint().is_empty() && !error.hint().ends_with('.')));
    }
}
