//! The settings in force as a settings file again, each value with its origin as a comment.

use std::fmt::Write as _;

use super::found::Found;
use super::known::{KNOWN, Known};

/// YAML of every setting that has a value; secrets are stars.
pub(super) fn yaml(found: &Found) -> String {
    let mut out = String::new();
    let mut open: Vec<&str> = Vec::new();
    let mut last_source = None;
    for (known, source) in in_order(found) {
        let Some(given) = found.get(known.name, source) else { continue };
        if last_source.replace(source) != Some(source) {
            // Another item of the list begins.
            open.retain(|group| !group.ends_with("[]"));
        }
        let mut groups: Vec<&str> = known.name.split('.').collect();
        let last = groups.pop().unwrap_or_default();
        let shared = open.iter().zip(&groups).take_while(|(one, other)| one == other).count();
        for depth in shared..groups.len() {
            let indent = " ".repeat(indent(&groups[..depth]));
            if !(groups[depth].ends_with("[]") && source > first(found)) {
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

/// The table, with the settings of sources once for each of them.
fn in_order(found: &Found) -> impl Iterator<Item = (&'static Known, usize)> {
    let is_of_source = |known: &&Known| known.name.starts_with("sources[]");
    let start = KNOWN.iter().position(|known| is_of_source(&known)).unwrap_or(KNOWN.len());
    let (before, rest) = KNOWN.split_at(start);
    let (of_sources, after) = rest.split_at(rest.iter().take_while(is_of_source).count());
    let sources = found.sources.keys().flat_map(move |index| of_sources.iter().map(move |known| (known, *index)));
    before.iter().map(|known| (known, 0)).chain(sources).chain(after.iter().map(|known| (known, 0)))
}

fn first(found: &Found) -> usize {
    found.sources.keys().next().copied().unwrap_or(0)
}

fn indent(groups: &[&str]) -> usize {
    groups.iter().map(|group| if group.ends_with("[]") { 4 } else { 2 }).sum()
}
