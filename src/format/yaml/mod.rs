//! YAML, both directions: documents with positions out of bytes, and text out of values.
//!
//! Scalars follow the core schema of YAML 1.2, or YAML 1.1 where Spring is to be matched. The parser of the syntax is known to two private modules only: one asks
//! it for events, the other explains its errors.

mod anchor;
mod events;
mod locate;
mod lone_hyphen;
mod mistake;
mod plain;
mod quote;
mod read;
mod scalar;
mod spring_scalar;
mod write;

pub(super) use locate::{locate, spell};
pub(super) use plain::plain_scalars;
pub(super) use read::{read, read_spring};
pub(super) use spring_scalar::is_special;
pub(super) use write::write;
