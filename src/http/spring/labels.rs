//! Which commits answer a label: one, those of a comma list, or those of a stand-in for a label that is not there.
//!
//! Spring tries `master` where `main` is not. Clients that always ask for `master` get the default label where there is
//! no such branch. Whether a label may be asked for at all is decided in `store/`.

use std::sync::Arc;

use crate::access::Permitted;
use crate::config::address::Address;
use crate::http::App;
use crate::http::access::Caller;
use crate::store::{ChooseError, Chosen, Part};

use super::asked::Named;
use super::error::Failure;
use super::layers::OfLabel;

/// The most labels of one request; each may have to be read from the local copy.
const MAX_LABELS: usize = 8;

/// What somebody asks to read, and who it is.
pub(super) enum May<'a> {
    /// The merged configuration.
    Read(&'a Caller),
    /// The file at a path, as it is.
    Plain(&'a Caller, &'a str),
}

impl May<'_> {
    fn permit(&self, app: &App, address: Address) -> Result<Permitted<Address>, Failure> {
        let permitted = match self {
            Self::Read(caller) => app.permit(caller, address),
            Self::Plain(caller, path) => caller.permit_plain(&app.access, address, path),
        };
        permitted.map_err(|_| Failure::forbidden())
    }
}

/// What was chosen for each label of a list, in the order asked; for no label, for the default one.
pub(super) async fn choose(app: &App, may: &May<'_>, named: &Named) -> Result<Vec<OfLabel>, Failure> {
    let of_label = |chosen, asked: Option<&str>| OfLabel { chosen, asked: asked.map(Arc::from) };
    if app.spring.folder_label.is_some() {
        let chosen = choose_one(app, may, &named.address, None).await?;
        return Ok(vec![of_label(chosen, named.label.as_deref())]);
    }
    let Some(list) = &named.label else {
        return Ok(vec![of_label(choose_one(app, may, &named.address, None).await?, None)]);
    };
    let mut labels: Vec<&str> = list.split(',').collect();
    while labels.len() > 1 && labels.last().is_some_and(|label| label.is_empty()) {
        labels.pop();
    }
    if labels.len() > MAX_LABELS {
        return Err(Failure::bad("there are more than 8 labels"));
    }
    let skips = app.spring.skip_unknown_labels && labels.len() > 1;
    let (mut chosen, mut unknown) = (Vec::with_capacity(labels.len()), None);
    for label in labels {
        match choose_one(app, may, &named.address, Some(label)).await {
            Ok(one) => chosen.push(of_label(one, Some(label))),
            Err(failure) if skips && failure.is_absence() => unknown = Some(failure),
            Err(failure) => return Err(failure),
        }
    }
    unknown.filter(|_| chosen.is_empty()).map_or(Ok(chosen), Err)
}

async fn choose_one(app: &App, may: &May<'_>, address: &Address, label: Option<&str>) -> Result<Chosen, Failure> {
    let ask = async |label: Option<&str>| {
        let address = Address { label: label.map(Arc::from), ..address.clone() };
        let address = may.permit(app, address)?;
        app.store.snapshot(&address).await.map_err(|error| failure(app, error, label))
    };
    if label == Some("") {
        return Err(Failure::unknown_label(""));
    }
    match (ask(label).await, label) {
        (Err(failure), Some("main")) if app.spring.try_master && failure.is_absence() => {
            ask(Some("master")).await.map_err(|_| failure)
        }
        (Err(failure), Some("master")) if app.spring.try_master && failure.is_absence() => {
            // Where there was a branch of that name, whoever asks for it means that one, which is gone.
            match ask(None).await {
                Ok(chosen) if !chosen.parts().any(Part::had_master) => Ok(chosen),
                _ => Err(failure),
            }
        }
        (chosen, _) => chosen,
    }
}

/// A repository that was read and does not have its default label knows no other either; one that was not read so far may
/// have it yet.
fn failure(app: &App, error: ChooseError, label: Option<&str>) -> Failure {
    let ChooseError::NotReady(name) = &error else { return error.into() };
    let unknown = app.store.missing_label(name, label).map(|label| Failure::unknown_label(&label));
    unknown.unwrap_or_else(|| error.into())
}
