//! A difference as the text of a comment in a pull or merge request.
//!
//! Whatever comes from the repository stands in code, so that it is neither markup nor a mention, and the whole stays
//! below what GitHub takes for one comment.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::answer::compare::{Group, Reached, Side, Unanswered, items, shown};
use crate::check::report::markdown::{self, Page, code, tagged};
use crate::config::diff::Given;
use crate::config::value::Value;

use super::{Difference, Read, by_profiles, count, shortened};

/// The most characters of the whole. Together with the findings of `layerd validate`, it fits one comment on GitHub: 65,536.
const MOST: usize = 54_000;

/// The most applications named in a heading, the most in a list below it, the most characters of a value.
const HEADED: usize = 6;
const LISTED: usize = 300;
const VALUE: usize = 200;

/// A heading, a summary, and a table for each group of changes.
pub(super) fn spell(difference: &Difference, link_base: Option<&str>) -> String {
    let [(base, base_id), (head, head_id)] = difference.names();
    let (base, head) = (format!("{} {base_id}", code(&base)), format!("{} {head_id}", code(&head)));
    let compared = if base == head { base } else { format!("{base} → {head}") };
    let summary = match difference.is_empty() {
        true => "No application gets another configuration.".to_owned(),
        false => {
            let (keys, applications) = (difference.keys(), difference.applications());
            format!("**{}** for **{}**.", count(keys, "change"), count(applications, "application"))
        }
    };
    let title = format!("### Configuration\n\n{compared}: {summary}\n");
    let mut page = Page::new(title, MOST, "layerd diff");
    page.put(&came_and_went(difference));
    difference.comparison.unanswered.iter().for_each(|unanswered| page.put(&broken(unanswered)));
    for group in &difference.comparison.groups {
        let mut rows = rows(group, link_base);
        let rest = rows.split_off(1.min(rows.len()));
        let first = rows.into_iter().next().unwrap_or_default();
        // The heading goes with the first row: neither makes sense alone.
        page.put(&format!("\n{}{HEAD}{first}", heading(&group.reached)));
        rest.iter().for_each(|row| page.put(row));
    }
    page.end()
}

const HEAD: &str = "\n| | key | before | after | place |\n|---|---|---|---|---|\n";

fn heading(reached: &Reached) -> String {
    let mut out = String::new();
    for (profiles, applications) in by_profiles(reached) {
        let listed = |spell: fn(&str) -> String| profiles.split(", ").map(spell).collect::<Vec<_>>().join(", ");
        let names = |most: usize| applications.iter().take(most).map(|name| code(name)).collect::<Vec<_>>().join(", ");
        if applications.len() <= HEADED {
            out.push_str(&format!("\n**{}** ({})\n", names(HEADED), listed(code)));
            continue;
        }
        let more = applications.len().saturating_sub(LISTED);
        let more = if more > 0 { format!(" … and {more} more") } else { String::new() };
        // In HTML, backticks are text.
        let summary = format!("{} ({})", count(applications.len(), "application"), listed(tagged));
        let names = names(LISTED);
        out.push_str(&format!("\n<details><summary><b>{summary}</b></summary>\n\n{names}{more}\n\n</details>\n"));
    }
    out.trim_start().to_owned()
}

/// The applications that only one of the two commits names.
fn came_and_went(difference: &Difference) -> String {
    let names = |read: &Read| read.snapshot.catalogue.applications.keys().cloned().collect::<BTreeSet<_>>();
    let (base, head) = (names(&difference.base), names(&difference.head));
    let line = |word: &str, names: Vec<&Arc<str>>| {
        let shown = names.iter().take(LISTED).map(|name| code(name)).collect::<Vec<_>>().join(", ");
        let more = names.len().saturating_sub(LISTED);
        let more = if more > 0 { format!(" … and {more} more") } else { String::new() };
        if names.is_empty() { String::new() } else { format!("\n**{word}:** {shown}{more}\n") }
    };
    line("New", head.difference(&base).collect()) + &line("Removed", base.difference(&head).collect())
}

fn rows(Group { change, elsewhere, .. }: &Group, link_base: Option<&str>) -> Vec<String> {
    let place = |key: &str, given: &Given| {
        let more = elsewhere.get(key).map(|others| format!(" and {}", count(*others, "other")));
        let place = markdown::place(&given.origin.file, given.origin.at.line, link_base);
        format!("{place}{}", more.unwrap_or_default())
    };
    let row = |mark: &str, key: &str, from: &str, to: &str, place: &str| {
        format!("| {mark} | {} | {from} | {to} | {place} |\n", code(key))
    };
    let added = change.added.iter().map(|(key, to)| row("➕", key, "", &value(&to.value), &place(key, to)));
    let removed = change.removed.iter().map(|(key, from)| row("➖", key, &value(&from.value), "", ""));
    let changed = change.changed.iter().map(|(key, (from, to))| {
        let (old, new) = pair(&from.value, &to.value);
        row("✏️", key, &old, &new, &place(key, to))
    });
    added.chain(removed).chain(changed).collect()
}

/// The two values of a key; of long lists only the items that differ.
fn pair(from: &Value, to: &Value) -> (String, String) {
    let is_long = shown(from).len().max(shown(to).len()) > VALUE / 2;
    match items(from, to).filter(|_| is_long) {
        None => (value(from), value(to)),
        Some((gone, new)) => {
            let list = |sign: &str, items: &[String]| {
                let cut = |item: &String| format!("{sign} {}", code(&shortened(item, VALUE)));
                items.iter().take(HEADED).map(cut).collect::<Vec<_>>().join("<br>")
                    + if items.len() > HEADED { "<br>…" } else { "" }
            };
            (list("−", &gone), list("+", &new))
        }
    }
}

fn broken(Unanswered { side, problems, reached }: &Unanswered) -> String {
    let side = match side {
        Side::Base => "before",
        Side::Head => "since",
    };
    let heading = heading(reached);
    let first = problems.first().map(|problem| code(&shortened(&problem.to_string().replace('\n', " "), VALUE)));
    let more = problems.len().saturating_sub(1);
    let more = if more > 0 { format!(" and {}", count(more, "other problem")) } else { String::new() };
    format!("\n⚠️ No answer {side} the change: {}{more}\n\n{heading}", first.unwrap_or_default())
}

fn value(value: &Value) -> String {
    code(&shortened(&shown(value), VALUE))
}
