//! One sealed value in two places, of which it can open in one only.
//!
//! Without keys nobody can tell which; with keys the value that does not open is reported as such.

use std::collections::HashMap;
use std::sync::Arc;

use crate::config::layer::Data;
use crate::config::problem::{Fault, Position, Problem};
use crate::config::select::Rank;
use crate::config::semantics::Semantics;
use crate::secret::place::{Context, bound_key};
use crate::secret::sealed::Sealed;

use super::Input;
use super::secrets::are_keys_given;
use super::walk::{Step, shown, walk};

/// What a sealed value is bound to, and where it was met first.
struct First {
    bound: String,
    key: String,
    file: Arc<str>,
    at: Position,
}

/// Adds the sealed values that were copied to where they are not bound to.
pub(super) fn check(input: &Input<'_>, problems: &mut Vec<Problem>) {
    if are_keys_given(input.snapshot) {
        return;
    }
    let mut known: HashMap<Arc<str>, First> = HashMap::new();
    for file in input.snapshot.selectable() {
        let (folder, name) = file.path.rsplit_once('/').unwrap_or(("", &file.path));
        let name = name.rsplit_once('.').map_or(name, |(name, _)| name);
        let rank = match input.snapshot.semantics {
            Semantics::Native => input.snapshot.search_paths.rank(folder, name),
            Semantics::Spring => Rank::for_spring(folder, name),
        };
        walk(&file.body, &mut |path, step| {
            let Step::Leaf(node) = step else { return };
            let text = match &node.data {
                Data::Text(text) => text,
                Data::Secret(opened) => &opened.sealed,
                _ => return,
            };
            let Some(bound) = bound(text, path, &rank) else { return };
            let Some(first) = known.get(text) else {
                let (key, file) = (shown(path), Arc::clone(&file.path));
                known.insert(Arc::clone(text), First { bound, key, file, at: node.at });
                return;
            };
            if first.bound == bound {
                return;
            }
            let First { key, file: other, at, .. } = first;
            let message = format!(
                "the sealed value of `{key}` in `{other}` on line {} stands here again, and opens in one of the two places only",
                at.line
            );
            let hint = "seal it anew for this place with `layerd encrypt`, or refer to the other key with `${…}`";
            problems.push(Fault::warning("cipher-copied", node.at, message).with_hint(hint).in_file(&file.path));
        });
    }
}

/// What a sealed value is bound to at a place; `None` if it opens anywhere, or is not sealed.
fn bound(text: &str, path: &str, rank: &Rank) -> Option<String> {
    let sealed = Sealed::parse(text)?.ok()?;
    match sealed.context()? {
        Context::Prop => Some(format!("{:?} {}", rank.target, bound_key(path))),
        Context::App => Some(rank.application.clone()),
        Context::Any => None,
    }
}

#[cfg(test)]
mod tests {
    use crate::check::samples::lines;

    const PROP: &str = "'{cipher}{v:2}{key:k}{ctx:prop}BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcH'";

    fn copies(files: &[(&str, &str)]) -> Vec<String> {
        lines(files).into_iter().filter(|line| line.starts_with("cipher-copied")).collect()
    }

    #[test]
    fn a_sealed_value_under_two_keys_is_reported_at_the_second() {
        let text = format!("a: {PROP}\nb: {PROP}\n");
        assert_eq!(
            copies(&[("user.yml", &text)]),
            [
                "cipher-copied user.yml:2:4 the sealed value of `a` in `user.yml` on line 1 stands here again, and opens in \
              one of the two places only (user default)"
            ]
        );
        let one = format!("a: {PROP}\n");
        assert_eq!(copies(&[("mail.yml", &one), ("user.yml", &one)]).len(), 1);
        assert_eq!(copies(&[("user.yml", &one), ("user-dev.yml", &one)]).len(), 1);
    }

    #[test]
    fn one_place_spelled_twice_and_values_that_open_anywhere_are_left_alone() {
        let one = format!("a: {PROP}\n");
        assert_eq!(copies(&[("user.yml", &one), ("user/application.yml", &one)]), [""; 0]);
        assert_eq!(copies(&[("user.yml", &format!("a: [{PROP}, {PROP}]\n"))]), [""; 0]);
        let any = one.replace("prop", "any");
        assert_eq!(copies(&[("user.yml", &any), ("mail.yml", &any)]), [""; 0]);
        let app = one.replace("prop", "app");
        assert_eq!(copies(&[("user.yml", &format!("{app}{}", app.replace("a:", "b:")))]), [""; 0]);
        assert_eq!(copies(&[("user.yml", &app), ("mail.yml", &app)]).len(), 1);
    }
}
