//! The settings in force as a settings file again, each value with its origin as a comment.

use std::fmt::Write as _;

use super::found::Found;
use super::known::KNOWN;

/// YAML of every setting that has a value; secrets are stars. There is one source at most, or the settings would not be
/// in force.
pub(super) fn yaml(found: &Found) -> String {
    let mut out = String::new();
    let mut open: Vec<&str> = Vec::new();
    for known in KNOWN {
        let Some(given) = found.get(known.name, 0) else { continue };
        let mut groups: Vec<&str> = known.name.split('.').collect();
        let last = groups.pop().unwrap_or_default();
        let shared = open.iter().zip(&groups).take_while(|(one, other)| one == other).count();
        for depth in shared..groups.len() {
            let indent = " ".repeat(indent(&groups[..depth]));
            let _infallible = writeln!(out, "{indent}{}:", groups[depth].trim_end_matches("[]"));
        }
        let begins_item = shared < groups.len() && groups.last().is_some_and(|group| group.ends_with("[]"));
        let mark = if begins_item { "- " } else { "" };
        let indent = " ".repeat(indent(&groups) - mark.len());
        let _infallible = writeln!(out, "{indent}{mark}{last}: {}  # {}", given.value, given.origin);
        open = groups;
    }
    out
}

fn indent(groups: &[&str]) -> usize {
    groups.iter().map(|group| if group.ends_with("[]") { 4 } else { 2 }).sum()
}
