//! `.properties`, both directions: documents with positions out of bytes, and lines out of values.
//!
//! The grammar is that of `java.util.Properties`, down to its corners; what dots and brackets in keys mean is ours and
//! lives in `assemble.rs`, and Spring's `#---` lines split documents.

mod assemble;
mod locate;
mod read;
mod spring;
mod write;

pub(super) use locate::{locate, spell};
pub(super) use read::read;
pub(super) use spring::read_spring;
pub(super) use write::write;
