//! A difference for people at a terminal.

use crate::answer::compare::{Group, Reached, Side, Unanswered, items, shown};
use crate::cli::console::plain;
use crate::config::diff::Given;

use super::{Difference, by_profiles, count, shortened};

/// The most applications that are named, and the most characters of a value.
const NAMES: usize = 12;
const VALUE: usize = 120;

/// A line that says what was compared, then the changes with those whom they reach.
pub(super) fn spell(difference: &Difference, is_coloured: bool) -> String {
    let [(base, base_id), (head, head_id)] = difference.names();
    let colours = Colours(is_coloured);
    let mut out = colours.dim(&match base == head {
        true => format!("# {base} {base_id}"),
        false => format!("# {base} {base_id} -> {head} {head_id}"),
    });
    out.push('\n');
    if difference.is_empty() {
        out.push_str("no application gets another configuration\n");
        return out;
    }
    difference.comparison.groups.iter().for_each(|group| put_group(&mut out, group, colours));
    difference.comparison.unanswered.iter().for_each(|unanswered| put_unanswered(&mut out, unanswered, colours));
    let (keys, applications) = (difference.keys(), difference.applications());
    out.push_str(&format!("\n{} for {}\n", count(keys, "change"), count(applications, "application")));
    out
}

fn put_group(out: &mut String, Group { reached, change, elsewhere }: &Group, colours: Colours) {
    put_reached(out, reached);
    let place = |key: &str, given: &Given| {
        let more = elsewhere.get(key).map(|others| format!(" and {}", count(*others, "other place")));
        let place = format!("    {}{}", place(given), more.unwrap_or_default());
        colours.dim(&place)
    };
    for (key, to) in &change.added {
        let line = format!("  + {} = {}", plain(key), value(to));
        out.extend([colours.green(&line), "\n".to_owned(), place(key, to), "\n".to_owned()]);
    }
    for (key, from) in &change.removed {
        let line = format!("  - {} = {}", plain(key), value(from));
        out.extend([colours.red(&line), "\n".to_owned()]);
    }
    for (key, (from, to)) in &change.changed {
        let lists = items(&from.value, &to.value).filter(|_| shown(&to.value).len() > VALUE / 2);
        match lists {
            None => out.push_str(&format!("  ~ {} = {} -> {}\n", plain(key), value(from), value(to))),
            Some((gone, new)) => {
                out.push_str(&format!("  ~ {}: a list\n", plain(key)));
                gone.iter()
                    .for_each(|item| out.extend([colours.red(&format!("    - {}", cut(item))), "\n".to_owned()]));
                new.iter()
                    .for_each(|item| out.extend([colours.green(&format!("    + {}", cut(item))), "\n".to_owned()]));
            }
        }
        out.extend([place(key, to), "\n".to_owned()]);
    }
}

fn put_unanswered(out: &mut String, Unanswered { side, problems, reached }: &Unanswered, colours: Colours) {
    put_reached(out, reached);
    let sentence = match side {
        Side::Base => "  ! had no answer before:",
        Side::Head => "  ! gets no answer any more:",
    };
    out.extend([colours.red(sentence), "\n".to_owned()]);
    for problem in problems {
        out.push_str(&format!("    {}\n", plain(&problem.to_string())));
    }
}

/// The applications with their profiles, those with equal profiles on one line.
fn put_reached(out: &mut String, reached: &Reached) {
    out.push('\n');
    for (profiles, applications) in by_profiles(reached) {
        let named = applications.iter().take(NAMES).copied().collect::<Vec<_>>().join(", ");
        let more = applications.len().saturating_sub(NAMES);
        let more = if more > 0 { format!(" and {more} more") } else { String::new() };
        out.push_str(&plain(&format!("{named}{more} ({profiles})\n")));
    }
}

fn place(given: &Given) -> String {
    let at = given.origin.at;
    format!("{}:{}:{}", plain(&given.origin.file), at.line, at.column)
}

fn value(given: &Given) -> String {
    cut(&shown(&given.value))
}

fn cut(json: &str) -> String {
    plain(&shortened(json, VALUE))
}

/// Colours, or none.
#[derive(Clone, Copy)]
struct Colours(bool);

impl Colours {
    fn dim(self, text: &str) -> String {
        self.put("2", text)
    }

    fn red(self, text: &str) -> String {
        self.put("31", text)
    }

    fn green(self, text: &str) -> String {
        self.put("32", text)
    }

    fn put(self, code: &str, text: &str) -> String {
        if self.0 { format!("\u{1b}[{code}m{text}\u{1b}[0m") } else { text.to_owned() }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::sync::Arc;

    use super::*;
    use crate::config::diff::KeyChanges;
    use crate::config::layer::Origin;
    use crate::config::problem::Position;
    use crate::config::value::Value;

    fn given(value: Value) -> Given {
        Given { value, origin: Origin { file: Arc::from("a\u{1b}.yml"), at: Position::new(3, 5), document: 0 } }
    }

    fn told(group: &Group, is_coloured: bool) -> String {
        let mut out = String::new();
        put_group(&mut out, group, Colours(is_coloured));
        out
    }

    #[test]
    fn of_a_long_list_the_items_that_differ_are_told() {
        let list = |items: &[&str]| given(Value::List(items.iter().map(|item| Value::from(*item)).collect()));
        let (first, last) = ("x".repeat(40), "y".repeat(130));
        let changed = (list(&[&first, "old"]), list(&["new", &first, &last]));
        let reached = (0..14).map(|number| (Arc::from(format!("s{number}")), vec![Arc::from("eu")])).collect();
        let change = KeyChanges { changed: BTreeMap::from([(Arc::from("l"), changed)]), ..KeyChanges::default() };
        let group = Group { reached, change, elsewhere: BTreeMap::from([(Arc::from("l"), 2)]) };
        let expected = format!(
            "\ns0, s1, s2, s3, s4, s5, s6, s7, s8, s9, s10, s11 and 2 more (eu)\n  ~ l: a list\n    - \"old\"\n    \
             + \"new\"\n    + \"{}…\n    a\\u{{1b}}.yml:3:5 and 2 other places\n",
            "y".repeat(119)
        );
        assert_eq!(told(&group, false), expected);
    }

    #[test]
    fn colours_are_for_terminals() {
        let change =
            KeyChanges { removed: BTreeMap::from([(Arc::from("k"), given(Value::Null))]), ..KeyChanges::default() };
        let group = Group { reached: Vec::new(), change, elsewhere: BTreeMap::new() };
        assert_eq!(told(&group, true), "\n\u{1b}[31m  - k = null\u{1b}[0m\n");
        assert_eq!(told(&group, false), "\n  - k = null\n");
    }
}
