//! A plain folder as a source.

mod folder;
