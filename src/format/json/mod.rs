//! JSON, both directions: one document with positions out of bytes, and text out of values.

mod read;
mod write;

pub(super) use read::read;
pub(super) use write::write;
