//! Bodies that are shared by all snapshots that hold them, found again by their bytes; and their opened forms, by bytes and
//! place.

use std::collections::HashMap;
use std::sync::{Arc, Weak};

use crate::config::layer::Body;
use crate::config::select::Rank;
use crate::config::semantics::Semantics;
use crate::config::tree::BlobId;
use crate::format::{Format, Limits};
use crate::schema::Set;

use super::open::{Opening, Secrets, Stamp, is_sealed};

/// The bodies that are in use somewhere, by the bytes that they were parsed from.
#[derive(Debug, Default)]
pub struct Bodies {
    known: HashMap<Reading, Known>,
    /// What was opened with the keys of [`Bodies::stamp`].
    openings: HashMap<(Reading, Rank), Weak<Opening>>,
    stamp: Stamp,
    /// The schemas of the commits that were made ready last.
    pub(super) schemas: Vec<Weak<Set>>,
    /// How many bodies were parsed since the start.
    pub parsed: u64,
    /// How many sealed values were tried since the start.
    pub tried: u64,
}

/// Bytes and how they are read, which the limits decide as well.
pub(super) type Reading = (BlobId, Format, Semantics, Limits);

#[derive(Debug)]
struct Known {
    body: Weak<Body>,
    is_sealed: bool,
}

impl Bodies {
    /// The body of these bytes, and whether there are sealed values in it.
    pub(super) fn find(&self, reading: Reading) -> Option<(Arc<Body>, bool)> {
        let known = self.known.get(&reading)?;
        Some((known.body.upgrade()?, known.is_sealed))
    }

    pub(super) fn add(&mut self, reading: Reading, body: Body) -> (Arc<Body>, bool) {
        self.parsed += 1;
        let (is_sealed, body) = (is_sealed(&body), Arc::new(body));
        self.known.insert(reading, Known { body: Arc::downgrade(&body), is_sealed });
        (body, is_sealed)
    }

    /// The body with its sealed values opened for a place, from memory if that was done before with the same keys.
    pub(super) fn open(&mut self, key: (Reading, Rank), body: Arc<Body>, secrets: &Secrets) -> Arc<Opening> {
        let stamp = secrets.stamp();
        if self.stamp != stamp {
            self.openings.clear();
            self.stamp = stamp;
        }
        if let Some(opening) = self.openings.get(&key).and_then(Weak::upgrade) {
            return opening;
        }
        let opening = Arc::new(Opening::new(body, &key.1, key.0.2, secrets));
        self.tried += opening.tried() as u64;
        self.openings.insert(key, Arc::downgrade(&opening));
        opening
    }

    /// Forgets bodies that no snapshot holds any more.
    pub fn forget_unused(&mut self) {
        self.known.retain(|_, known| known.body.strong_count() > 0);
        self.openings.retain(|_, opening| opening.strong_count() > 0);
        self.schemas.retain(|schemas| schemas.strong_count() > 0);
    }
}
