//! Formats that other programs read: what is written, and what the programs themselves make of it.

mod notations;
mod readers;
