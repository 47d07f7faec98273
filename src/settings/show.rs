//! The settings in force as a settings file again, each value with its origin as a comment.

use std::fmt::Write as _;

use super::inputs::Inputs;
use super::origin::Origin;
use super::row::Row;
use super::table::rows;

/// What a repository may say of itself, unless it is set here.
const OF_REPOSITORIES: [&str; 5] =
    ["semantics", "sources[].path", "sources[].search-paths", "sources[].ignore", "sources[].schemas"];

/// YAML of every setting that has a value; secrets are stars.
pub(super) fn yaml(inputs: &Inputs) -> String {
    let mut out = String::new();
    let mut open: Vec<&str> = Vec::new();
    let mut last_item = None;
    for (row, index) in in_order(inputs) {
        let Some(given) = inputs.get(row.name, index) else { continue };
        let item = row.list().map(|list| (list, index));
        let is_next = item.is_some_and(|(list, index)| inputs.indexes(list).first() != Some(&index));
        if last_item != item {
            let kept = open.iter().position(|group| group.ends_with("[]")).unwrap_or(open.len());
            open.truncate(kept);
        }
        last_item = item;
        let mut groups: Vec<&str> = row.name.split('.').collect();
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
        let wins = given.origin != Origin::Default && OF_REPOSITORIES.contains(&row.name);
        let wins = if wins { ", also over `.layerd.yaml`" } else { "" };
        let _infallible = writeln!(out, "{indent}{mark}{last}: {}  # {}{wins}", given.value.shown, given.origin);
        open = groups;
    }
    out
}

/// The table, with the settings of a list once for each of its items.
fn in_order(inputs: &Inputs) -> Vec<(&'static Row, usize)> {
    let rows: Vec<_> = rows().collect();
    let sections = rows.chunk_by(|one, other| one.list() == other.list());
    let in_section = |section: &[&'static Row]| -> Vec<_> {
        let indexes = section[0].list().map_or_else(|| vec![0], |list| inputs.indexes(list));
        indexes.into_iter().flat_map(|index| section.iter().map(move |row| (*row, index))).collect()
    };
    sections.flat_map(in_section).collect()
}

fn indent(groups: &[&str]) -> usize {
    groups.iter().map(|group| if group.ends_with("[]") { 4 } else { 2 }).sum()
}
