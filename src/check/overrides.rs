//! What a change does to keys that stand in several layers: an override that is left without its base, and lists that
//! lose items.
//!
//! Layers whose bytes are the same before and after are compared only where another one has changed.

use std::collections::HashMap;
use std::sync::Arc;

use crate::answer::{self, Selection};
use crate::config::layer::{Data, Entry, Layer, Node, Tag};
use crate::config::problem::{Fault, Position, Problem, Severity};
use crate::config::tree::BlobId;
use crate::snapshot::Snapshot;

use super::Case;

/// The code of an override that is left without what it overrides. One removed key is one finding.
pub(super) const WITHOUT_BASE: &str = "override-without-base";

/// Adds what the change did to an address.
pub(super) fn check(case: &Case<'_>, problems: &mut Vec<Problem>) {
    let Some(before) = case.before else { return };
    let Ok(old) = answer::select(before, case.address) else { return };
    if blobs(&old, before) == blobs(case.selection, case.snapshot) {
        return;
    }
    let mut paths = Paths::default();
    let (was, is) = (paths.setters(&old.layers), paths.setters(&case.selection.layers));
    for (key, now) in &is {
        let Some(then) = was.get(key) else { continue };
        problems.extend(without_base(&paths, *key, then, now));
        problems.extend(shorter_list(&paths, *key, then, now));
    }
}

/// The files of a selection with what is in them.
fn blobs<'a>(selection: &'a Selection, snapshot: &Snapshot) -> Vec<(&'a Arc<str>, usize, Option<BlobId>)> {
    let layers = selection.layers.iter();
    layers.map(|layer| (&layer.path, layer.index, snapshot.at_path(&layer.path).map(|file| file.blob))).collect()
}

/// A value or a list that a layer sets.
struct Setter<'a> {
    file: &'a Arc<str>,
    at: Position,
    node: &'a Node,
}

/// Keys as numbers. Steps are kept one by one, for a whole path would be as long as all names around it.
#[derive(Default)]
struct Paths {
    numbers: HashMap<(usize, Arc<str>), usize>,
    /// The parent and the last step of each number but 0, the root.
    steps: Vec<(usize, Arc<str>)>,
}

impl Paths {
    /// The values that the layers set, weak to strong, by the number of the key.
    fn setters<'a>(&mut self, layers: &'a [Layer]) -> HashMap<usize, Vec<Setter<'a>>> {
        let mut setters = HashMap::new();
        for layer in layers {
            self.entries(&layer.document().root, 0, &layer.path, &mut setters);
        }
        setters
    }

    fn entries<'a>(
        &mut self,
        entries: &'a [Entry],
        parent: usize,
        file: &'a Arc<str>,
        setters: &mut HashMap<usize, Vec<Setter<'a>>>,
    ) {
        for entry in entries {
            let key = entry.key.steps().iter().fold(parent, |parent, step| self.child(parent, step));
            match &entry.node.data {
                Data::Map(inner) if entry.node.tag != Some(Tag::Unset) => self.entries(inner, key, file, setters),
                _ => setters.entry(key).or_default().push(Setter { file, at: entry.at, node: &entry.node }),
            }
        }
    }

    fn child(&mut self, parent: usize, step: &Arc<str>) -> usize {
        *self.numbers.entry((parent, Arc::clone(step))).or_insert_with(|| {
            self.steps.push((parent, Arc::clone(step)));
            self.steps.len()
        })
    }

    /// The beginning of a key as users write it.
    fn shown(&self, key: usize) -> String {
        let upwards = std::iter::successors(Some(key), |key| Some(self.steps[key - 1].0).filter(|parent| *parent > 0));
        let mut steps: Vec<&str> = upwards.map(|key| &*self.steps[key - 1].1).collect();
        steps.reverse();
        super::walk::shown(&crate::config::key::beginning(&steps))
    }
}

/// A key that overrode another file's before the change, and overrides nothing after it.
fn without_base(paths: &Paths, key: usize, then: &[Setter<'_>], now: &[Setter<'_>]) -> Option<Problem> {
    let [left] = now else { return None };
    let strongest = then.last().filter(|setter| setter.file == left.file && then.len() > 1)?;
    let base = then.iter().rev().find(|setter| setter.file != strongest.file)?;
    if left.node.tag == Some(Tag::Unset) {
        return None;
    }
    let key = paths.shown(key);
    let message = format!("`{key}` overrides nothing any more: this change removes it from `{}`", base.file);
    let hint = format!("remove `{key}` here as well, or set it in `{}` again", base.file);
    Some(Fault::warning(WITHOUT_BASE, left.at, message).with_hint(hint).in_file(left.file))
}

/// A list that has fewer items than the one that was served before.
fn shorter_list(paths: &Paths, key: usize, then: &[Setter<'_>], now: &[Setter<'_>]) -> Option<Problem> {
    let (then, now) = (then.last()?, now.last()?);
    let (Data::List(old), Data::List(new)) = (&then.node.data, &now.node.data) else { return None };
    if new.len() >= old.len() || then.node.tag.is_some() || now.node.tag.is_some() {
        return None;
    }
    let (key, old, new) = (paths.shown(key), old.len(), new.len());
    let fault = if then.file == now.file {
        let message = format!("this change leaves {new} of {old} items of the list `{key}`");
        let severity = Severity::Info;
        Fault { severity, ..Fault::warning("list-items-removed", now.at, message) }
    } else {
        let message =
            format!("`{key}` has {new} items here and replaces the {old} of `{}`: lists are not merged", then.file);
        let hint =
            "write `!append` or `!prepend` before the list to add to the other, or repeat the items that are to stay";
        Fault::warning("list-shortened", now.at, message).with_hint(hint)
    };
    Some(fault.in_file(now.file))
}

#[cfg(test)]
mod tests {
    use crate::check::samples::{report_since, snapshot};

    fn since(before: &[(&str, &str)], after: &[(&str, &str)]) -> Vec<String> {
        let (before, _) = snapshot(before);
        let found = report_since(after, Some(&before)).findings;
        let codes = [super::WITHOUT_BASE, "list-shortened", "list-items-removed"];
        let found = found.iter().filter(|finding| codes.contains(&finding.code));
        found.map(|found| format!("{} {}:{} {}", found.code, found.file, found.at.line, found.message)).collect()
    }

    #[test]
    fn an_override_that_loses_its_base_is_one_finding_for_all_that_have_it() {
        let before = [
            ("application.yml", "db: {host: a, port: 1}\n"),
            ("mail.yml", "db.host: b\n"),
            ("shop.yml", "x: 1\ndb: {host: c}\n"),
        ];
        let after = [("application.yml", "db: {port: 1}\n"), before[1], before[2]];
        assert_eq!(
            since(&before, &after),
            ["override-without-base mail.yml:1 `db.host` overrides nothing any more: this change removes it from \
              `application.yml`; also set in `shop.yml` on line 2"]
        );
        let gone = [("application.yml", "db: {port: 1}\n"), ("mail.yml", "a: 1\n"), ("shop.yml", "x: 1\n")];
        assert_eq!(since(&before, &gone), [""; 0]);
        assert_eq!(since(&before, &before), [""; 0]);
    }

    #[test]
    fn a_list_that_loses_items_is_told_apart_by_whether_another_file_takes_over() {
        let before = [("application.yml", "hosts: [a, b, c]\n"), ("shop.yml", "x: 1\n")];
        let edited = [("application.yml", "hosts: [a, b]\n"), before[1]];
        assert_eq!(
            since(&before, &edited),
            ["list-items-removed application.yml:1 this change leaves 2 of 3 items of the list `hosts`"]
        );
        let replaced = [before[0], ("shop.yml", "x: 1\nhosts: [d]\n")];
        assert_eq!(
            since(&before, &replaced),
            [
                "list-shortened shop.yml:2 `hosts` has 1 items here and replaces the 3 of `application.yml`: lists are not \
              merged"
            ]
        );
        for own in ["hosts: !append [d]\n", "hosts: [d, e, f]\n", "hosts: !unset\n", "hosts: d\n"] {
            assert_eq!(since(&before, &[before[0], ("shop.yml", own)]), [""; 0], "{own}");
        }
    }
}
