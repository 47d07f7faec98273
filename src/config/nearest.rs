//! Which known names were probably meant by an unknown one: slips of the keyboard first, then parts of longer names.
//!
//! For hints alone: nothing is ever answered under another name than the one that was asked for.

use std::cmp::Reverse;

/// The most names that a hint proposes.
pub const MOST: usize = 3;

/// The longest name that is compared, in bytes; nobody mistypes a longer one into one of ours.
const LONGEST: usize = 128;

/// The most known names that are looked at, so that a hint costs no more than the answer that it stands beside.
const LOOKED_AT: usize = 20_000;

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
    let tolerance = (name.chars().count() / 3).max(1);
    if name.len().abs_diff(known.len()) <= tolerance * char::MAX.len_utf8() {
        let slips = strsim::osa_distance(name, &known);
        if slips <= tolerance {
            return Some(Likeness::Slip(slips));
        }
    }
    let (part, whole) = if name.len() < known.len() { (name, &*known) } else { (&*known, name) };
    (part.len() >= SHORTEST_PART && whole.contains(part)).then_some(Likeness::Part(Reverse(part.len())))
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
        ] {
            assert_eq!(nearest(name, KNOWN).first(), Some(&expected), "{name}");
        }
        assert_eq!(nearest("cart", ["carts", "card", "cart2", "part", "cat"]), ["card", "cart2", "carts"]);
    }

    #[test]
    fn a_part_of_a_name_is_a_guess_where_there_is_no_slip() {
        assert_eq!(nearest("user", KNOWN), ["user-service"]);
        assert_eq!(nearest("service", KNOWN), ["order-service", "user-service"]);
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
    fn a_hint_is_a_question() {
        assert_eq!(hint(&["a"]).as_deref(), Some("did you mean `a`?"));
        assert_eq!(hint(&["a", "b"]).as_deref(), Some("did you mean `a` or `b`?"));
        assert_eq!(hint(&["a", "b", "c"]).as_deref(), Some("did you mean `a`, `b` or `c`?"));
    }
}
