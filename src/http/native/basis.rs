//! What answers a request about configuration, with a warning if nothing in the repository names what it asks for.

use std::sync::Arc;

use axum::http::HeaderValue;

use crate::access::Permitted;
use crate::config::address::Address;
use crate::http::App;
use crate::http::access::Caller;
use crate::http::error::Refusal;
use crate::store::meant::{Sight, UnknownNames};
use crate::store::{ChooseError, Chosen};

/// What was chosen for a request.
pub(in crate::http) struct Basis {
    /// The snapshots.
    pub(super) chosen: Chosen,
    /// Names of the request that nothing names.
    pub(super) unknown: Option<UnknownNames>,
}

impl App {
    /// What answers an address. A label that is not there is refused with those that are, as far as the caller may see them.
    pub(super) async fn find(&self, caller: &Caller, address: &Permitted<Address>) -> Result<Basis, Refusal> {
        let sees = |application: &Arc<str>, profile: &Arc<str>, label: &str| caller.sees(application, profile, label);
        match self.store.snapshot(address).await {
            Ok(chosen) => {
                let is_whole = caller.grants().reads_everything();
                let unknown = chosen.unknown(address, if is_whole { Sight::Whole } else { Sight::Part(&sees) });
                Ok(Basis { chosen, unknown })
            }
            Err(ChooseError::UnknownLabel(label)) => {
                let mut labels = self.store.labels_of(address).await;
                let is_seen = |label: &str| address.profiles.iter().all(|name| sees(&address.application, name, label));
                labels.retain(|label| is_seen(label));
                Err(Refusal::unknown_label(&label, &labels))
            }
            Err(error) => Err(error.into()),
        }
    }
}

impl Basis {
    /// The same if all names are known, or nobody minds.
    ///
    /// # Errors
    /// 404 with the nearest names.
    pub(super) fn strictly(self, is_strict: bool) -> Result<Self, Refusal> {
        match &self.unknown {
            Some(unknown) if is_strict => Err(Refusal::unknown_names(unknown)),
            _ => Ok(self),
        }
    }

    /// What the response warns of.
    pub(super) fn warning(&self) -> Option<HeaderValue> {
        HeaderValue::from_str(&self.unknown.as_ref()?.header()).ok()
    }
}

impl From<Chosen> for Basis {
    fn from(chosen: Chosen) -> Self {
        Self { chosen, unknown: None }
    }
}
