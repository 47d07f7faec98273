//! A plain folder as a source.

mod faults;
mod folder;
mod locations;
mod writers;
