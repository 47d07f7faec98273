//! JSON, both directions: one document with positions out of bytes, and text out of values.

mod locate;
mod read;
mod write;

pub(super) use locate::{locate, spell};
pub(super) use read::read;
pub(super) use write::write;
