//! Sealing with a nonce of the operating system, told as commands tell it.

use crate::secret::error::SealError;
use crate::secret::keyring::Keyring;
use crate::secret::place::{Context, Place};

use super::console::{Exit, Failure};
use super::keys::NAME_KEYS;
use super::random;

/// The text of a sealed value.
pub(super) fn seal(ring: &Keyring, plain: &str, context: Context, place: &Place<'_>) -> Result<String, Failure> {
    let sealed = ring.seal(plain, context, place, random::bytes()?);
    sealed.map_err(|error| {
        let failure = Failure::new(Exit::Usage, error.to_string());
        match error {
            SealError::NoKey => failure.with_hint(NAME_KEYS),
            SealError::TooLong { .. } => failure.with_hint("keep large files elsewhere, and seal what opens them"),
            SealError::LongKey { .. } | SealError::NoApplication => failure,
        }
    })
}
