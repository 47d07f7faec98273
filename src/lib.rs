//! layerd
pub mod config;
pub mod format;
pub mod source;
