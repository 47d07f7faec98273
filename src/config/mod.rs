//! What configuration is: values, keys, files, addresses, layers, and the laws by which layers become one answer.
//!
//! Floor 0. Everything here is a value or a function of values: no file is opened, no clock is read, nothing is
//! logged, and no input makes it panic. Formats, protocols and Git live on higher floors.

pub mod address;
pub mod catalogue;
pub mod condition;
pub mod diff;
pub mod effective;
pub mod foreign;
pub mod growth;
pub mod interpolate;
pub(crate) mod joined;
pub mod key;
#[cfg(test)]
mod laws;
pub mod layer;
pub mod locations;
pub mod merge;
pub mod nearest;
pub mod problem;
pub mod secret_string;
pub mod select;
pub mod semantics;
pub mod steering;
pub mod target;
pub mod tree;
pub mod value;
