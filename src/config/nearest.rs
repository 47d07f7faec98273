//! Which known names were probably meant by an unknown one: slips of the keyboard first, then parts of longer names.
//!
//! For hints alone: nothing is ever answered under another name than the one that was asked for.

use std::cmp::Reverse;
use std::collections::BTreeSet;
use std::sync::Arc;

use super::foreign;

/// The most names that a hint proposes.
pub const MOST: usize = 3;

/// The most names that are listed where none is near.
const LISTED: usize = 10;

/// The longest name that is compared, in bytes; nobody mistypes a longer one into one of ours.
const LONGEST: usize = 128;

/// The most known names that are looked at, so that a hint costs no more than the answer that it stands beside.
const LOOKED_AT: usize = 20_000;

/// What stands between the steps of a name.
const SEPARATORS: &[u8] = b".-_/[";

/// A name must be so long to count as a part of a longer one.
const SHORTEST_PART: usize = 3;

/// The known names that are most like `name`, the nearest first, at most [`MOST`].
#[must_use]
pub fn nearest<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> Vec<&'a str> {
    if name.len() > LONGEST {
        return Vec::new();
    }
    let name = name.to_lowercase();
    let known = known.into_iter().take(LOOKED_AT);
    let mut found: Vec<_> = known.filter_map(|known| Some((likeness(&name, known)?, known))).collect();
    found.sort_unstable();
    found.dedup();
    // A slip is a better guess than any number of names that hold the word.
    if found.first().is_some_and(|(likeness, _)| matches!(likeness, Likeness::Slip(_))) {
        found.retain(|(likeness, _)| matches!(likeness, Likeness::Slip(_)));
    }
    found.into_iter().take(MOST).map(|(_, known)| known).collect()
}

/// The names as a hint, or none if there are none: "did you mean `a` or `b`?"
#[must_use]
pub fn hint(names: &[impl AsRef<str>]) -> Option<String> {
    let (last, others) = names.split_last()?;
    let quoted: Vec<_> = others.iter().map(|name| format!("`{}`", name.as_ref())).collect();
    let before = if quoted.is_empty() { String::new() } else { format!("{} or ", quoted.join(", ")) };
    Some(format!("did you mean {before}`{}`?", last.as_ref()))
}

/// What there is in the place of a name that is not there: the names that were probably meant, and the first of all. `what`
/// is what they are, in the plural.
#[must_use]
pub fn among(name: &str, known: &BTreeSet<Arc<str>>, what: &str) -> Option<String> {
    let list = listed(known, what)?;
    let near = hint(&nearest(name, known.iter().map(|known| &**known)));
    Some(near.map_or_else(|| list.clone(), |near| format!("{near} {list}")))
}

/// The first of the names that there are, as a hint.
#[must_use]
pub fn listed(known: &BTreeSet<Arc<str>>, what: &str) -> Option<String> {
    let listed: Vec<_> = known.iter().take(LISTED).map(|name| format!("`{}`", foreign::line(name, LONGEST))).collect();
    Some(match (listed.as_slice(), known.len().saturating_sub(LISTED)) {
        ([], _) => return None,
        ([only], _) => format!("there is only {only}"),
        ([others @ .., last], 0) => format!("the {what} are {} and {last}", others.join(", ")),
        (_, more) => format!("the {what} are {} and {more} more", listed.join(", ")),
    })
}

/// How two names are alike, the most likely first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Likeness {
    /// So many characters were left out, put in, exchanged or swapped with their neighbour.
    Slip(usize),
    /// One is a part of the other; the longer the part, the better.
    Part(Reverse<usize>),
}

fn likeness(name: &str, known: &str) -> Option<Likeness> {
    let known = known.to_lowercase();
    let (one, other) = differing(name, &known);
    let length = one.chars().count();
    let tolerance = (length / 3).max(1);
    // Where whole steps were left out or put in, it was no slip.
    let is_near = length > 0 && !other.is_empty() && length.abs_diff(other.chars().count()) <= tolerance;
    if is_near || name == known {
        let slips = strsim::osa_distance(one, other);
        if slips <= tolerance {
            return Some(Likeness::Slip(slips));
        }
    }
    let (part, whole) = if name.len() < known.len() { (name, &*known) } else { (&*known, name) };
    (part.len() >= SHORTEST_PART && whole.contains(part)).then_some(Likeness::Part(Reverse(part.len())))
}

/// What is left of two names without the steps that they begin and end with alike: a slip is measured by the step in which it
/// was made, not by its neighbours.
fn differing<'a>(one: &'a str, other: &'a str) -> (&'a str, &'a str) {
    let alike = one.bytes().zip(other.bytes()).take_while(|(one, other)| one == other).count();
    let start = one.as_bytes()[..alike].iter().rposition(|byte| SEPARATORS.contains(byte)).map_or(0, |last| last + 1);
    let (one, other) = (&one[start..], &other[start..]);
    let alike = one.bytes().rev().zip(other.bytes().rev()).take_while(|(one, other)| one == other).count();
    let tail = &one.as_bytes()[one.len() - alike..];
    let end = tail.iter().position(|byte| SEPARATORS.contains(byte)).map_or(0, |first| alike - first);
    (&one[..one.len() - end], &other[..other.len() - end])
}

#[cfg(test)]
mod tests {
    use super::*;

    const KNOWN: [&str; 6] = ["user-service", "order-service", "mail", "production", "staging", "ui"];

    #[test]
    fn slips_are_found_the_nearest_first() {
        for (name, expected) in [
            ("usr-service", "user-service"),
            ("User_Service", "user-service"),
            ("prodcution", "production"),
            ("stagng", "staging"),
            ("iu", "ui"),
            ("UI", "ui"),
        ] {
            assert_eq!(nearest(name, KNOWN).first(), Some(&expected), "{name}");
        }
        assert_eq!(nearest("cart", ["carts", "card", "cart2", "part", "cat"]), ["card", "cart2", "carts"]);
    }

    #[test]
    fn a_slip_is_measured_by_its_own_step() {
        let keys = ["server.port", "datasource.username", "datasource.pool.size", "a[0].names"];
        assert_eq!(nearest("server.prot", keys), ["server.port"]);
        assert_eq!(nearest("sever.port", keys), ["server.port"]);
        assert_eq!(nearest("datasource.pol.size", keys), ["datasource.pool.size"]);
        assert_eq!(nearest("datasource.url", keys), [""; 0]);
        assert_eq!(nearest("port", keys), ["server.port"]);
        assert_eq!(nearest("größe.port", ["große.port", "klein.port"]), ["große.port"]);
        assert_eq!(nearest("cart-service", ["user-service", "card-service"]), ["card-service"]);
    }

    #[test]
    fn a_part_of_a_name_is_a_guess_where_there_is_no_slip() {
        assert_eq!(nearest("user", KNOWN), ["user-service"]);
        assert_eq!(nearest("service", KNOWN), ["order-service", "user-service"]);
        assert_eq!(nearest("user-service-v2", KNOWN), ["user-service"]);
        assert_eq!(nearest("mail-worker", KNOWN), ["mail"]);
        assert_eq!(nearest("mai", ["mailer", "mail"]), ["mail"]);
    }

    #[test]
    fn what_is_like_nothing_gets_no_hint() {
        assert_eq!(nearest("database", KNOWN), [""; 0]);
        assert_eq!(nearest("", KNOWN), [""; 0]);
        assert_eq!(nearest(&"user-service".repeat(100), KNOWN), [""; 0]);
        assert_eq!(hint(&nearest("database", KNOWN)), None);
    }

    #[test]
    fn what_there_is_is_listed_up_to_a_bound() {
        let told =
            |name: &str, known: &[&str]| among(name, &known.iter().map(|name| Arc::from(*name)).collect(), "labels");
        assert_eq!(told("x", &[]), None);
        assert_eq!(told("x", &["main"]).as_deref(), Some("there is only `main`"));
        assert_eq!(told("mian", &["main"]).as_deref(), Some("did you mean `main`? there is only `main`"));
        assert_eq!(told("x", &["main", "next", "v1"]).as_deref(), Some("the labels are `main`, `next` and `v1`"));
        let many: Vec<String> = (10..25).map(|number| format!("b{number}")).collect();
        let many: Vec<&str> = many.iter().map(String::as_str).collect();
        let expected = "the labels are `b10`, `b11`, `b12`, `b13`, `b14`, `b15`, `b16`, `b17`, `b18`, `b19` and 5 more";
        assert_eq!(told("x", &many).as_deref(), Some(expected));
    }

    #[test]
    fn a_hint_is_a_question() {
        assert_eq!(hint(&["a"]).as_deref(), Some("did you mean `a`?"));
        assert_eq!(hint(&["a", "b"]).as_deref(), Some("did you mean `a` or `b`?"));
        assert_eq!(hint(&["a", "b", "c"]).as_deref(), Some("did you mean `a`, `b` or `c`?"));
    }
}
