//! YAML, both directions: documents with positions out of bytes, and text out of values.
//!
//! Scalars follow the core schema of YAML 1.2. The parser of the syntax is known to two private modules only: one asks
//! it for events, the other explains its errors.

mod anchor;
mod events;
mod locate;
mod mistake;
mod plain;
mod quote;
mod read;
mod scalar;
mod write;

pub(super) use locate::{locate, spell};
pub(super) use plain::plain_scalars;
pub(super) use read::read;
pub(super) use write::write;
