//! What only a merge shows: its own problems, placeholders that lead to a circle, and placeholders that nothing answers.

use std::collections::HashSet;

use crate::answer;
use crate::config::effective::{Effective, Place};
use crate::config::interpolate::{Resolve, Resolver, placeholders};
use crate::config::problem::{Fault, Problem};
use crate::config::value::Value;

use super::Case;

/// The code of a placeholder that a change left without its key.
pub(super) const LOST: &str = "lost-reference";

/// How deep defaults are followed into one another.
const NESTING: usize = 8;

/// What clients fill in themselves, whatever is configured.
const OF_CLIENTS: [&str; 1] = ["random."];

/// Adds the problems of the merged whole. Merges only what can have any.
pub(super) fn check(case: &Case<'_>, problems: &mut Vec<Problem>) {
    let documents = || case.selection.layers.iter().filter_map(|layer| case.facts.of(layer));
    let has_placeholders = documents().any(|document| document.has_placeholders);
    if !has_placeholders && !documents().any(|document| document.steers) {
        return;
    }
    let effective = case.selection.effective();
    problems.extend(effective.problems.iter().cloned());
    if !has_placeholders {
        return;
    }
    let mut resolver = Resolver::new(&effective, &case.selection.layers, Resolve::Known);
    let mut places = Vec::new();
    effective.to_value(|text, place| {
        if text.contains("${") {
            resolver.value(text, place);
            places.push((std::sync::Arc::clone(text), place));
        }
        Value::Null
    });
    problems.append(&mut resolver.problems);
    for (text, place) in places {
        unanswered(case, &effective, &text, place, problems);
    }
}

fn unanswered(case: &Case<'_>, effective: &Effective, text: &str, place: Place, problems: &mut Vec<Problem>) {
    let mut seen = HashSet::new();
    let mut open = vec![(text, 0)];
    while let Some((text, depth)) = open.pop() {
        for (key, default) in placeholders(text) {
            let is_open = !key.contains("${") && effective.scalar(key).is_none();
            match default {
                // What the key will be is known to no one yet.
                _ if key.contains("${") => open.extend((depth < NESTING).then_some((key, depth + 1))),
                Some(default) if is_open && depth < NESTING => open.push((default, depth + 1)),
                None if is_open && seen.insert(key) && !OF_CLIENTS.iter().any(|name| key.starts_with(name)) => {
                    let file = &case.selection.layers[place.layer].path;
                    let fault = lost(case, key, place).unwrap_or_else(|| fault(key, place));
                    problems.push(fault.in_file(file));
                }
                _ => {}
            }
        }
    }
}

/// The fault of a placeholder that the change left without its key. Its message is the same wherever the key is named.
fn lost(case: &Case<'_>, key: &str, place: Place) -> Option<Fault> {
    let before = answer::select(case.before?, case.address).ok()?;
    let effective = before.effective();
    let (_, was) = effective.scalar(key)?;
    let (shown, file) = (super::walk::shown(key), &before.layers[was.layer].path);
    let message =
        format!("`${{{shown}}}` resolved before this change and no longer does: `{shown}` was set in `{file}`");
    let hint = format!("set `{shown}` again, or change what refers to it in the same commit");
    Some(Fault::error(LOST, place.at, message).with_hint(hint))
}

fn fault(key: &str, place: Place) -> Fault {
    let shown: String = key.chars().take(200).collect();
    let message = format!("nothing answers `${{{shown}}}` and it has no default; it is served as it is written");
    let hint = format!("set `{shown}`, or write `${{{shown}:…}}` with a default, unless the client is to fill it in");
    Fault {
        severity: crate::config::problem::Severity::Info,
        ..Fault::warning("unanswered-placeholder", place.at, message)
    }
    .with_hint(hint)
}

#[cfg(test)]
mod tests {
    use crate::check::samples::{lines, report_since, snapshot};

    fn unanswered(text: &str) -> Vec<String> {
        let told = |line: String| line.split('`').nth(1).map(str::to_owned);
        lines(&[("user.yml", text)]).into_iter().filter_map(told).collect()
    }

    #[test]
    fn what_nothing_answers_is_told_where_it_stands() {
        assert_eq!(
            lines(&[
                ("application.yml", "a: <${x.y}>\nb: [1, '${x.y}']\n"),
                ("user.yml", "b: 1\n"),
                ("own.yml", "x.y: 1\n")
            ]),
            [
                "unanswered-placeholder application.yml:1:4 nothing answers `${x.y}` and it has no default; it is served as it \
              is written (user default)"
            ]
        );
        assert_eq!(unanswered("a: '${b}${c:${d}}${e:f}${g.${h}}'\n"), ["${b}", "${d}", "${h}"]);
    }

    #[test]
    fn what_is_answered_or_for_the_client_is_no_finding() {
        for text in
            ["a: ${b}\nb: 1\n", "a: ${b:}\n", "a: '\\${b}'\n", "a: ${random.uuid}\n", "a: ${b[0]}\nb: [1]\n", "a: $b\n"]
        {
            assert_eq!(unanswered(text), [""; 0], "{text}");
        }
    }

    #[test]
    fn circles_and_blank_keys_over_maps_are_told() {
        let files = [("application.yml", "a: ${b}\nb: ${a}\nc: {d: 1}\n"), ("user.yml", "c:\n")];
        let codes: Vec<String> =
            lines(&files).iter().map(|line| line.split(':').take(2).collect::<Vec<_>>().join(":")).collect();
        assert_eq!(
            codes,
            ["placeholder-cycle application.yml:1", "placeholder-cycle application.yml:2", "null-over-map user.yml:1"]
        );
    }

    #[test]
    fn a_key_that_a_change_removed_is_one_finding_for_all_who_refer_to_it() {
        let url = [("user.yml", "a: ${db.host}\n"), ("order.yml", "b: 1\na: x-${db.host}\nc: ${PORT}\n")];
        let (before, _) = snapshot(&[&url[..], &[("application.yml", "db.host: x\n")]].concat());
        let after = [&url[..], &[("application.yml", "z: 1\n")]].concat();
        let found = report_since(&after, Some(&before)).findings;
        let told: Vec<_> = found.iter().map(|found| (found.code, &*found.file, found.applications.len())).collect();
        assert_eq!(told, [("lost-reference", "order.yml", 2), ("unanswered-placeholder", "order.yml", 1)]);
        assert_eq!(
            found[0].message,
            "`${db.host}` resolved before this change and no longer does: `db.host` was set in `application.yml`; also \
             referred to in `user.yml` on line 1"
        );
    }
}
