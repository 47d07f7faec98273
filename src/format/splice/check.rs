//! Whether an edit did what it was to do and nothing else, judged by what is read before and after it.

use std::collections::HashMap;
use std::sync::Arc;

use crate::config::layer::{Body, Data, Entry, Node};
use crate::config::problem::{Fault, Position, Severity};

use super::{Edit, SpliceError};

/// Refuses a body in which anything differs from the one before but the values that were edited.
///
/// # Errors
/// [`SpliceError::Refused`].
pub(super) fn only_these_differ(before: &Body, after: &Body, edits: &[Edit<'_>]) -> Result<(), SpliceError> {
    let refused = |fault| {
        let key = if let [edit] = edits { Some(edit.spot.key.clone()) } else { None };
        Err(SpliceError::Refused { key, fault })
    };
    if let Some(fault) = after.faults.iter().find(|fault| fault.severity == Severity::Error) {
        return refused(fault.clone());
    }
    let texts: Texts<'_> = edits.iter().map(|edit| (edit.spot.at, edit.text)).collect();
    let same_number = before.documents.len() == after.documents.len();
    let differing = before.documents.iter().zip(&after.documents).find_map(|(old, new)| {
        if old.number != new.number || old.condition != new.condition {
            return Some(Position::new(1, 1));
        }
        differing_entry(&old.root, &new.root, &texts)
    });
    match differing {
        None if same_number => Ok(()),
        differing => {
            let at = differing.unwrap_or(Position::new(1, 1));
            let message = format!("what is read at line {} would change as well", at.line);
            refused(Fault::error("splice", at, message).with_hint("edit the file by hand"))
        }
    }
}

/// The texts by the place of the scalars that they replace. What an alias repeats has the place of the original.
type Texts<'a> = HashMap<Position, &'a str>;

fn differing_entry(old: &[Entry], new: &[Entry], texts: &Texts<'_>) -> Option<Position> {
    if old.len() != new.len() {
        return Some(old.first().or(new.first()).map_or(Position::new(1, 1), |entry| entry.at));
    }
    old.iter().zip(new).find_map(|(old, new)| {
        if old.key == new.key { differing_node(&old.node, &new.node, texts) } else { Some(old.at) }
    })
}

fn differing_node(old: &Node, new: &Node, texts: &Texts<'_>) -> Option<Position> {
    if old.tag != new.tag {
        return Some(old.at);
    }
    match (&old.data, &new.data) {
        (Data::Map(old), Data::Map(new)) => differing_entry(old, new, texts),
        (Data::List(old_items), Data::List(new_items)) if old_items.len() == new_items.len() => {
            old_items.iter().zip(new_items).find_map(|(old, new)| differing_node(old, new, texts))
        }
        (Data::Map(_) | Data::List(_), _) => Some(old.at),
        (data, new_data) => {
            let is_as_meant = match texts.get(&old.at) {
                Some(text) => *new_data == Data::Text(Arc::from(*text)),
                None => data == new_data,
            };
            (!is_as_meant).then_some(old.at)
        }
    }
}
