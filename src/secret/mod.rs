//! Sealed values: how a secret stands in a repository, and what opens it.
//!
//! Floor 1. Texts, keys and places in; [`SecretString`](crate::config::secret_string::SecretString) or a reason out. Nothing
//! here opens a file, reads a clock or draws a random byte: keys come as texts, nonces as arguments. Where keys are kept, which
//! values are opened, and what happens to a value that does not open, is decided on higher floors.

pub mod envelope;
pub mod error;
pub mod key;
pub mod keyring;
pub mod place;
pub mod sealed;
pub mod spring;
pub mod suspicion;
#[cfg(test)]
mod tampering;
