//! Keys that clash where layers come together: a single value over a map, a map over a single value, values of two types,
//! a value over the same value, and two names of what frameworks with relaxed binding take for one property.
//!
//! What a layer takes away with `!unset` or `!replace` clashes with nothing: that was said on purpose.

use std::collections::HashMap;

use crate::config::problem::{Fault, Problem, Severity};

use super::Case;
use super::facts::{Fact, Facts, Kind};

/// The code of a value that changes nothing.
pub(super) const EQUAL: &str = "equal-value";

/// Adds what clashes in a selection.
pub(super) fn check(case: &Case<'_>, problems: &mut Vec<Problem>) {
    let mut stack = Stack { case, held: HashMap::new(), cleared: HashMap::new(), now: 0 };
    for (index, layer) in case.selection.layers.iter().enumerate() {
        for fact in case.facts.of(layer).into_iter().flat_map(|document| &document.keys) {
            stack.now += 1;
            stack.put(*fact, index, problems);
        }
    }
}

/// The layers up to where the walk has come.
struct Stack<'a> {
    case: &'a Case<'a>,
    /// What stands at a path, the layer that put it there, and when.
    held: HashMap<usize, (Fact, usize, usize)>,
    /// When a path and all below it were last taken away.
    cleared: HashMap<usize, usize>,
    now: usize,
}

impl Stack<'_> {
    fn put(&mut self, fact: Fact, layer: usize, problems: &mut Vec<Problem>) {
        let below = self.visible(fact.node);
        if fact.kind == Kind::Unset {
            self.cleared.insert(fact.node, self.now);
            return;
        }
        if below.is_none() {
            problems.extend(self.other_spelling(fact, layer));
        }
        match (below.map(|(below, _)| below.kind), fact.kind) {
            (Some(Kind::Map | Kind::NewMap), Kind::Scalar | Kind::List) => {
                problems.extend(self.told("value-over-map", fact, layer, below));
                self.cleared.insert(fact.node, self.now - 1);
            }
            (Some(Kind::Scalar | Kind::List), Kind::Map) if below.is_some_and(|(below, _)| !below.is_dotted) => {
                problems.extend(self.told("map-over-value", fact, layer, below));
            }
            (Some(Kind::Scalar), Kind::Scalar) => problems.extend(self.compared(fact, layer, below)),
            (_, Kind::NewMap) => _ = self.cleared.insert(fact.node, self.now - 1),
            // Merging keeps the map, and says so.
            (Some(Kind::Map | Kind::NewMap), Kind::Null) | (Some(_), Kind::Passed) => return,
            _ => {}
        }
        self.held.insert(fact.node, (fact, layer, self.now));
    }

    fn visible(&self, node: usize) -> Option<(Fact, usize)> {
        let (fact, layer, since) = self.held.get(&node)?;
        let is_gone = !self.cleared.is_empty()
            && self.case.facts.upwards(node).any(|above| self.cleared.get(&above).is_some_and(|when| when >= since));
        (!is_gone).then_some((*fact, *layer))
    }

    fn told(&self, code: &'static str, fact: Fact, layer: usize, below: Option<(Fact, usize)>) -> Option<Problem> {
        let (below, below_layer) = below?;
        let layers = &self.case.selection.layers;
        let path = shown(self.case.facts, fact.node);
        let (here, there, loss) = match (fact.kind, below.kind) {
            (Kind::Scalar, _) => ("a single value", "a map", "all keys of the map are gone"),
            (Kind::List, _) => ("a list", "a map", "all keys of the map are gone"),
            (_, Kind::List) => ("a map", "a list", "the list is gone"),
            _ => ("a map", "a single value", "the value is gone"),
        };
        let (file, line) = (&layers[below_layer].path, below.at.line);
        let message = format!("`{path}` is {here} here and {there} in `{file}` on line {line}; {loss}");
        let hint = "give the key the same kind of value in both files";
        Some(Fault::warning(code, fact.at, message).with_hint(hint).in_file(&layers[layer].path))
    }

    /// A single value over another one: of a type that does not fit, or the same once more.
    fn compared(&self, fact: Fact, layer: usize, below: Option<(Fact, usize)>) -> Option<Problem> {
        let (below, below_layer) = below?;
        let (here, there) = (fact.scalar?, below.scalar?);
        let layers = &self.case.selection.layers;
        let (path, file, line) = (shown(self.case.facts, fact.node), &layers[below_layer].path, below.at.line);
        if here == there {
            let message = format!("`{path}` has the value that it would have without this line");
            let hint = format!("delete the line, unless it is to stay when line {line} of `{file}` changes");
            let severity = Severity::Info;
            let fault = Fault { severity, ..Fault::warning(EQUAL, fact.at, message) };
            return Some(fault.with_hint(hint).in_file(&layers[layer].path));
        }
        // In a properties file everything is a text.
        let is_typed = [layer, below_layer].iter().all(|layer| !layers[*layer].path.ends_with(".properties"));
        (is_typed && !here.class.fits(there.class)).then(|| {
            let (here, there) = (here.class.name(), there.class.name());
            let message = format!("`{path}` is {here} here and {there} in `{file}` on line {line}");
            let hint = "give the key a value of the same type in both files";
            Fault::warning("other-type", fact.at, message).with_hint(hint).in_file(&layers[layer].path)
        })
    }

    fn other_spelling(&self, fact: Fact, layer: usize) -> Option<Problem> {
        let facts = self.case.facts;
        let other = facts.lookalikes(fact.node).find(|node| self.visible(*node).is_some())?;
        let (found, found_layer) = self.visible(other)?;
        let layers = &self.case.selection.layers;
        let place = match found_layer == layer {
            true => format!("on line {}", found.at.line),
            false => format!("in `{}` on line {}", layers[found_layer].path, found.at.line),
        };
        let (path, other) = (shown(facts, fact.node), facts.name(other));
        let message = format!("`{path}` and `{other}` {place} differ only in spelling; both are served");
        let hint =
            format!("spell it `{other}` here too: frameworks with relaxed binding take the two for one property");
        Some(Fault::warning("key-spelling", fact.at, message).with_hint(hint).in_file(&layers[layer].path))
    }
}

fn shown(facts: &Facts, node: usize) -> String {
    facts.path(node).chars().take(200).collect()
}

#[cfg(test)]
mod tests {
    use crate::check::samples::lines;

    /// What clashes between a layer for everyone and one of `user`.
    fn clashes(shared: &str, own: &str) -> Vec<String> {
        lines(&[("application.yml", shared), ("user.yml", own)])
            .into_iter()
            .filter_map(|line| line.strip_suffix(" (user default)").map(str::to_owned))
            .filter(|line| !line.starts_with("yaml"))
            .collect()
    }

    fn codes(shared: &str, own: &str) -> Vec<String> {
        clashes(shared, own).iter().map(|line| line.split(':').take(2).collect::<Vec<_>>().join(":")).collect()
    }

    #[test]
    fn one_kind_over_another_is_told_with_both_places() {
        assert_eq!(
            clashes("a: {b: {c: 1}}\nd: 1\ne: [1]\n", "a: {b: 5}\nd: {x: 1}\ne: {x: 1}\n"),
            [
                "value-over-map user.yml:1:5 `a.b` is a single value here and a map in `application.yml` on line 1; all \
                 keys of the map are gone",
                "map-over-value user.yml:2:1 `d` is a map here and a single value in `application.yml` on line 2; the \
                 value is gone",
                "map-over-value user.yml:3:1 `e` is a map here and a list in `application.yml` on line 3; the list is gone",
            ]
        );
        assert_eq!(codes("a: {b: 1}", "a.b: {c: 1}"), ["map-over-value user.yml:1"]);
        assert_eq!(codes("a: {b: 1}", "a: [1]"), ["value-over-map user.yml:1"]);
    }

    #[test]
    fn what_was_said_on_purpose_is_no_clash() {
        for (shared, own) in [
            ("a: {b: 1}", "a: !unset"),
            ("a: 1", "a: !replace {b: 1}"),
            ("a:", "a: {b: 1}"),
            ("a: 1", "a:"),
            ("a: [1]", "a: 1"),
            ("log.org.hibernate: WARN", "log.org.hibernate.SQL: DEBUG"),
            ("log.org.hibernate: WARN", "log: {org: {hibernate: {SQL: DEBUG}}}"),
            ("HTTP_PROXY: a", "http_proxy: b"),
            ("a: {max-size: 1}", "a: !unset\nb: {maxSize: 1}"),
            ("a: {max-size: 1}", "a: !replace {maxSize: 1}"),
            ("a: {max-size: 1}", "b: {maxSize: 1}"),
        ] {
            assert_eq!(codes(shared, own), [""; 0], "{shared} / {own}");
        }
        let layers = [
            ("application.yml", "a: {b: 1}"),
            ("application-p.yml", "a: !unset"),
            ("user.yml", "a: 1"),
            ("user-q.yml", "# none"),
        ];
        let reached: Vec<String> =
            lines(&layers).iter().map(|line| line.rsplit_once(" (").unwrap().1.to_owned()).collect();
        assert_eq!(reached, ["user default+q)"]);
    }

    #[test]
    fn two_spellings_of_one_name_are_told_once() {
        assert_eq!(
            clashes("pool: {max-size: 1}", "pool: {maxSize: 2}\n"),
            ["key-spelling user.yml:1:8 `pool.maxSize` and `max-size` in `application.yml` on line 1 differ only in \
              spelling; both are served"]
        );
        assert_eq!(codes("# none", "my-app: {a: 1}\nmyApp: {a: 2}\n"), ["key-spelling user.yml:2"]);
        assert_eq!(codes("my-app.a: 1", "my_app.b: 2"), ["key-spelling user.yml:1"]);
    }
}
