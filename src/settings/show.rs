//! The settings in force as a settings file again, each value with its origin as a comment.

use std::fmt::Write as _;

use super::inputs::Found;
use super::known::{KNOWN, Known, list_of};

/// YAML of every setting that has a value; secrets are stars.
pub(super) fn yaml(found: &Found) -> String {
    let mut out = String::new();
    let mut open: Vec<&str> = Vec::new();
    let mut last_item = None;
    for (known, index) in in_order(found) {
        let Some(given) = found.get(known.name, index) else { continue };
        let item = list_of(known.name).map(|list| (list, index));
        let is_next = item.is_some_and(|(list, index)| found.indexes(list).first() != Some(&index));
        if last_item != item {
            let kept = open.iter().position(|group| group.ends_with("[]")).unwrap_or(open.len());
            open.truncate(kept);
        }
        last_item = item;
        let mut groups: Vec<&str> = known.name.split('.').collect();
        let last = groups.pop().unwrap_or_default();
        let shared = open.iter().zip(&groups).take_while(|(one, other)| one == other).count();
        for depth in shared..groups.len() {
            let indent = " ".repeat(indent(&groups[..depth]));
            if !(groups[depth].ends_with("[]") && is_next) {
                let _infallible = writeln!(out, "{indent}{}:", groups[depth].trim_end_matches("[]"));
            }
        }
        let begins_item = shared < groups.len() && groups.last().is_some_and(|group| group.ends_with("[]"));
        let mark = if begins_item { "- " } else { "" };
        let indent = " ".repeat(indent(&groups) - mark.len());
        let _infallible = writeln!(out, "{indent}{mark}{last}: {}  # {}", given.value, given.origin);
        open = groups;
    }
    out
}

/// The table, with the settings of a list once for each of its items.
fn in_order(found: &Found) -> impl Iterator<Item = (&'static Known, usize)> {
    KNOWN.chunk_by(|one, other| list_of(one.name) == list_of(other.name)).flat_map(|known| {
        let indexes = list_of(known[0].name).map_or_else(|| vec![0], |list| found.indexes(list));
        indexes.into_iter().flat_map(move |index| known.iter().map(move |known| (known, index)))
    })
}

fn indent(groups: &[&str]) -> usize {
    groups.iter().map(|group| if group.ends_with("[]") { 4 } else { 2 }).sum()
}
