//! How the files of a repository are read and ordered: by our own rules, or exactly by Spring's.
//!
//! A choice of the whole server. What each of the two means is written where it is done: the order in `select.rs`, what
//! a file says in `format/`.

/// How layers are ordered and values read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub enum Semantics {
    /// What is said about one service is stronger than what is said about all.
    #[default]
    Native,
    /// As Spring Cloud Config Server does it: sources of flat keys, what is said about a profile is strongest.
    Spring,
}
