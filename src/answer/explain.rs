//! Where every value of an answer comes from, and what it hides; secrets as stars, whether they are in plain text, were opened
//! or not.

use std::sync::Arc;

use crate::config::effective::{Hidden, Place};
use crate::config::growth::Growth;
use crate::config::interpolate::{Resolve, Resolver};
use crate::config::key;
use crate::config::layer::{Data, Origin};
use crate::config::nearest::nearest;
use crate::config::value::Value;

use super::stars::{is_secret, starred};
use super::{AnswerError, Selection};

/// One key of an answer.
#[derive(Debug, Clone, PartialEq)]
pub struct Explained {
    /// Dotted path with list indexes.
    pub key: String,
    /// The value as it is served.
    pub value: Value,
    /// The value as written, if placeholders made another one of it.
    pub written: Option<Value>,
    /// Where it stands.
    pub origin: Origin,
    /// Which of the joined snapshots it is from, counted from the strongest.
    pub part: usize,
    /// The values that it hides, highest precedence first.
    pub hides: Vec<HiddenValue>,
}

impl Explained {
    /// Puts its secrets in plain text.
    pub fn reveal(&mut self) {
        self.value = self.value.revealed();
        self.written = self.written.take().map(|written| written.revealed());
        self.hides.iter_mut().for_each(|hidden| hidden.value = hidden.value.revealed());
    }
}

/// A value that another one hides.
#[derive(Debug, Clone, PartialEq)]
pub struct HiddenValue {
    /// The value as written.
    pub value: Value,
    /// Where it stands.
    pub origin: Origin,
    /// Which of the joined snapshots it is from, counted from the strongest.
    pub part: usize,
}

/// Every key of a selection, or those at and below `only`, in the order of the answer.
///
/// # Errors
/// [`AnswerError::TooLarge`], and [`AnswerError::NoKey`] if nothing is at or below `only`.
pub fn explain(selection: &Selection, resolve: Resolve, only: Option<&str>) -> Result<Vec<Explained>, AnswerError> {
    let effective = selection.effective();
    effective.count_paths(&selection.layers, &mut Growth::new(selection.limit))?;
    let mut resolver = Resolver::new(&effective, &selection.layers, resolve).within(selection.limit).hiding(is_secret);
    let wanted = only.map(|path| key::split(path).unwrap_or_else(|| vec![path.into()]));
    let mut explained = Vec::new();
    for leaf in effective.leaves() {
        let below = |wanted: &Vec<_>| {
            key::split(&leaf.path).unwrap_or_else(|| vec![leaf.path.as_str().into()]).starts_with(wanted)
        };
        if !wanted.as_ref().is_none_or(below) {
            continue;
        }
        let value = starred(&leaf.path, resolved(leaf.data, leaf.place, &mut resolver));
        let written = starred(&leaf.path, leaf.data.to_value());
        let hides = leaf.hides.iter().rev().map(|hidden| hidden_value(&leaf.path, hidden, selection)).collect();
        explained.push(Explained {
            key: leaf.path,
            written: (written != value).then_some(written),
            value,
            origin: leaf.place.origin(&selection.layers),
            part: selection.part_of(leaf.place.layer),
            hides,
        });
    }
    resolver.result()?;
    match only.filter(|_| explained.is_empty()) {
        Some(key) => Err(AnswerError::no_key(key, selection)),
        None => Ok(explained),
    }
}

fn resolved(data: &Data, place: Place, resolver: &mut Resolver<'_>) -> Value {
    match data {
        Data::Text(text) => resolver.value(text, place),
        plain => plain.to_value(),
    }
}

fn hidden_value(path: &str, hidden: &Hidden, selection: &Selection) -> HiddenValue {
    let part = selection.part_of(hidden.place.layer);
    HiddenValue { value: starred(path, hidden.value.clone()), origin: hidden.place.origin(&selection.layers), part }
}

/// The keys of a selection that were probably meant by one that it does not have.
#[must_use]
pub fn near_keys(selection: &Selection, key: &str) -> Vec<Arc<str>> {
    let effective = selection.effective();
    // Where the paths alone would be too large to be told, nobody types one.
    let is_small = effective.count_paths(&selection.layers, &mut Growth::new(selection.limit)).is_ok();
    let leaves = if is_small { effective.leaves() } else { Vec::new() };
    let paths = leaves.iter().flat_map(|leaf| key::prefixes(&leaf.path));
    nearest(key, paths).into_iter().map(Arc::from).collect()
}
