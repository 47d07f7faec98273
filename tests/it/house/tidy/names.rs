//! The names of types: each is a noun that the field uses, and means one thing in the whole program.
//!
//! A name that several public types share sends a reader who searches for it to the wrong one. Those that are shared
//! today are counted below, and the figures only go down: who renames one lowers its figure, and no name is added.

use std::collections::BTreeMap;

use super::rust::{Source, words};

/// Names that more than one public type has, with how many have it.
const SHARED: &[(&str, usize)] = &[
    ("Args", 21),
    ("Asked", 3),
    ("Body", 2),
    ("Bounds", 2),
    ("Context", 2),
    ("Document", 2),
    ("Entry", 2),
    ("Environment", 2),
    ("Failure", 3),
    ("Fault", 2),
    ("Files", 2),
    ("Fingerprint", 2),
    ("Flat", 2),
    ("Folder", 2),
    ("Form", 2),
    ("Format", 4),
    ("Found", 4),
    ("Given", 2),
    ("Handle", 2),
    ("Held", 2),
    ("Identity", 2),
    ("Key", 3),
    ("Keys", 2),
    ("Kind", 3),
    ("Limits", 5),
    ("Loaded", 2),
    ("Means", 2),
    ("Metrics", 2),
    ("Moved", 2),
    ("Name", 2),
    ("Names", 2),
    ("Opened", 3),
    ("Origin", 3),
    ("Outcome", 2),
    ("Part", 3),
    ("Pending", 2),
    ("Place", 5),
    ("Property", 2),
    ("Question", 3),
    ("Reach", 2),
    ("Refusal", 2),
    ("Resolve", 2),
    ("Route", 2),
    ("Rules", 3),
    ("Scope", 3),
    ("Settings", 7),
    ("Source", 2),
    ("Spelling", 2),
    ("Spot", 2),
    ("Stamp", 2),
    ("Step", 2),
    ("Tag", 2),
    ("Taken", 2),
    ("Target", 2),
    ("Tip", 2),
    ("Tokens", 3),
    ("Way", 2),
];

/// What introduces a type.
const KINDS: [&str; 4] = ["struct", "enum", "trait", "type"];

/// Each breach: a name that is shared by more types than recorded, or by fewer, which the record must follow.
pub(super) fn breaches(sources: &[Source]) -> Vec<String> {
    shared(sources, SHARED)
}

fn shared(sources: &[Source], recorded: &[(&str, usize)]) -> Vec<String> {
    let mut places: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for (name, place) in sources.iter().flat_map(public_types) {
        places.entry(name).or_default().push(place);
    }
    let recorded: BTreeMap<&str, usize> = recorded.iter().copied().collect();
    let allowed = |name: &str| recorded.get(name).copied().unwrap_or(1);
    let over = places.iter().filter(|(name, places)| places.len() > allowed(name)).map(|(name, places)| {
        let (count, most) = (places.len(), allowed(name));
        format!("{}: `{name}` names {count} public types, at most {most}: say which one it is", places.join(", "))
    });
    let counts = recorded.iter().map(|(name, figure)| (name, figure, places.get(name).map_or(0, Vec::len)));
    let under = counts.filter(|(_, figure, count)| count < figure).map(|(name, figure, count)| {
        format!("tests/it/house/tidy/names.rs: `{name}` is recorded with {figure}, and {count} are left: lower it")
    });
    over.chain(under).collect()
}

/// The names of the public types outside tests, with their places.
fn public_types(source: &Source) -> Vec<(&str, String)> {
    let starts = KINDS.iter().flat_map(|kind| words(&source.code, kind).map(move |at| (at, at + kind.len())));
    let public = starts.filter(|(at, _)| !source.is_test(*at) && is_public(&source.code[..*at]));
    let named = public.filter_map(|(at, end)| Some((name(source.code.get(end..)?)?, source.place(at))));
    named.collect()
}

/// Whether what stands before an item on its line makes it public, be it to its own room only.
fn is_public(before: &str) -> bool {
    let line = before.rsplit('\n').next().unwrap_or_default().trim();
    let visibility = line.strip_suffix("unsafe").unwrap_or(line).trim_end();
    visibility == "pub" || (visibility.starts_with("pub(") && visibility.ends_with(')'))
}

fn name(rest: &str) -> Option<&str> {
    let rest = rest.strip_prefix(' ')?;
    let end = rest.find(|letter: char| !letter.is_alphanumeric() && letter != '_').unwrap_or(rest.len());
    (end > 0).then(|| &rest[..end])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(recorded: &[(&str, usize)]) -> Vec<String> {
        let one = "pub struct Place;\npub(super) enum Kind {}\nstruct Limits;\n#[cfg(test)]\npub struct Kind;\n";
        let two = "// pub struct Kind\n    pub(in crate::a) type Place = u8;\npub trait Limits {}\n";
        shared(&[Source::parse("src/a.rs", one), Source::parse("src/b.rs", two)], recorded)
    }

    #[test]
    fn a_name_of_two_types_is_a_breach_unless_recorded() {
        let breach = "src/a.rs:1, src/b.rs:2: `Place` names 2 public types, at most 1: say which one it is";
        assert_eq!(told(&[]), [breach]);
        assert!(told(&[("Place", 2)]).is_empty());
    }

    #[test]
    fn a_figure_goes_down_with_what_it_counts() {
        let file = "tests/it/house/tidy/names.rs";
        assert_eq!(
            told(&[("Place", 3), ("Gone", 2)]),
            [
                format!("{file}: `Gone` is recorded with 2, and 0 are left: lower it"),
                format!("{file}: `Place` is recorded with 3, and 2 are left: lower it"),
            ]
        );
    }
}
