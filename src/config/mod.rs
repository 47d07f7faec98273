//! What configuration is: values, keys, files, addresses, layers, and the laws by which layers become one answer.
//!
//! Floor 0. Everything here is a value or a function of values: no file is opened, no clock is read, nothing is
//! logged, and no input makes it panic. Formats, protocols and Git live on higher floors.

pub mod address;
pub mod condition;
pub mod key;
pub mod layer;
pub mod problem;
pub mod tree;
pub mod value;
