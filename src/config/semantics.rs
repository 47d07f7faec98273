//! How the files of a repository are read and ordered: by our own rules, or exactly by Spring's.
//!
//! A choice of the whole server. What each of the two means is written where it is done: the order in `select.rs`, what
//! a file says in `format/`.

use std::borrow::Cow;
use std::sync::Arc;

use super::address::Address;

/// How layers are ordered and values read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub enum Semantics {
    /// What is said about one service is stronger than what is said about all.
    #[default]
    Native,
    /// As Spring Cloud Config Server does it: sources of flat keys, what is said about a profile is strongest.
    Spring,
}

impl Semantics {
    /// True for Spring's.
    #[must_use]
    pub fn is_spring(self) -> bool {
        self == Self::Spring
    }

    /// The address as files are selected for it from a label. Spring's search paths may hold the label, also if nobody
    /// names one; for our own rules it makes no difference.
    #[must_use]
    pub fn address<'a>(self, address: &'a Address, label: &Arc<str>) -> Cow<'a, Address> {
        match self {
            Self::Spring if address.label.is_none() => {
                Cow::Owned(Address { label: Some(Arc::clone(label)), ..address.clone() })
            }
            Self::Native | Self::Spring => Cow::Borrowed(address),
        }
    }
}
