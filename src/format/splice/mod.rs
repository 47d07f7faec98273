//! Edits of single scalars in place: where each stands in the bytes of a file, and the file with some of them replaced.
//!
//! Nothing else is spelled anew, so comments and layout survive. What came out is read again and compared with what was
//! meant; an edit that would change anything else is refused.

mod check;
#[cfg(test)]
mod corpus;
mod error;
mod spot;

use std::collections::HashMap;
use std::ops::Range;

use crate::config::key::Key;
use crate::config::layer::Body;
use crate::config::problem::Severity;

pub use super::token::Kind;
use super::{Format, Limits, json, properties, read, scan, yaml};

pub use error::SpliceError;
pub use spot::Spot;

use spot::{Scalars, is_collection};

/// Every scalar that a file writes out, in its order. What aliases and merge keys repeat is listed where it is written,
/// once; `spring.config.activate.on-profile`, which is no value, is not listed.
///
/// # Errors
/// [`SpliceError::Unreadable`].
pub fn scalars(format: Format, bytes: &[u8], limits: &Limits) -> Result<Vec<Spot>, SpliceError> {
    let mut spots = Reading::of(format, bytes, limits)?.scalars.spots;
    spots.sort_by_key(|spot| spot.range.start);
    Ok(spots)
}

/// The scalars at a key, one for each document that has it; the key may be spelled as any of layerd's answers spell it.
///
/// # Errors
/// [`SpliceError::Unreadable`], [`SpliceError::NoSuchKey`], [`SpliceError::NotScalar`], [`SpliceError::OfKey`], and
/// [`SpliceError::Elsewhere`] if in one of the documents an alias or a merge key brings the value.
pub fn find(format: Format, bytes: &[u8], key: &str, limits: &Limits) -> Result<Vec<Spot>, SpliceError> {
    let Reading { body, mut scalars } = Reading::of(format, bytes, limits)?;
    let wanted = Key::new(key);
    let is_wanted = |path: &str| Key::new(path).canonical() == wanted.canonical();
    if let Some((_, original)) = scalars.repeated.iter().find(|(path, _)| is_wanted(path)) {
        let spot = &scalars.spots[*original];
        let (anchor, written) = (spot.anchor.clone().unwrap_or_default(), spot.key.clone());
        return Err(SpliceError::Elsewhere { key: key.to_owned(), written, anchor, at: spot.at });
    }
    scalars.spots.retain(|spot| is_wanted(&spot.key));
    if !scalars.spots.is_empty() {
        return Ok(scalars.spots);
    }
    let key = key.to_owned();
    if scalars.of_keys.iter().any(|path| is_wanted(path)) {
        return Err(SpliceError::OfKey { key });
    }
    let exists = is_collection(&body.documents, &is_wanted);
    Err(if exists { SpliceError::NotScalar { key } } else { SpliceError::NoSuchKey { key } })
}

/// The file with the scalars at some ranges replaced by texts, each range that of a [`Spot`] of these very bytes.
///
/// # Errors
/// [`SpliceError::Unreadable`]; [`SpliceError::NoSpot`] for a range that is no scalar's or is given twice; and
/// [`SpliceError::Refused`] if anything but these scalars, and what aliases make of them, would be read differently.
pub fn splice(
    format: Format,
    bytes: &[u8],
    edits: &[(Range<usize>, &str)],
    limits: &Limits,
) -> Result<Vec<u8>, SpliceError> {
    let before = Reading::of(format, bytes, limits)?;
    let edits = before.edits(edits)?;
    let out = replace(format, bytes, &edits);
    check::only_these_differ(&before.body, &read(format, &out, limits), &edits)?;
    Ok(out)
}

/// A text for a scalar.
struct Edit<'a> {
    spot: &'a Spot,
    text: &'a str,
}

/// A file, read both for what it says and for where.
struct Reading {
    body: Body,
    scalars: Scalars,
}

impl Reading {
    fn of(format: Format, bytes: &[u8], limits: &Limits) -> Result<Self, SpliceError> {
        let body = read(format, bytes, limits);
        if let Some(fault) = body.faults.iter().find(|fault| fault.severity == Severity::Error) {
            return Err(SpliceError::Unreadable(fault.clone()));
        }
        let text = scan::text(bytes).map_err(SpliceError::Unreadable)?;
        let tokens = match format {
            Format::Yaml => yaml::locate(text, limits),
            Format::Properties => properties::locate(text),
            _ => Ok(json::locate(text)),
        };
        let tokens = tokens.map_err(SpliceError::Unreadable)?;
        let scalars = Scalars::of(&body.documents, tokens, bytes.len() - text.len());
        Ok(Self { body, scalars })
    }

    /// The edits in the order of the file.
    fn edits<'a>(&'a self, wanted: &[(Range<usize>, &'a str)]) -> Result<Vec<Edit<'a>>, SpliceError> {
        // Two values that are both absent may have the same place between them; neither can be put there.
        let mut spots: HashMap<&Range<usize>, Option<&Spot>> = HashMap::new();
        for spot in &self.scalars.spots {
            spots.entry(&spot.range).and_modify(|taken| *taken = None).or_insert(Some(spot));
        }
        let mut edits = wanted
            .iter()
            .map(|(range, text)| match spots.remove(range).flatten() {
                Some(spot) => Ok(Edit { spot, text }),
                None => Err(SpliceError::NoSpot { range: range.clone() }),
            })
            .collect::<Result<Vec<_>, _>>()?;
        edits.sort_by_key(|edit| edit.spot.range.start);
        Ok(edits)
    }
}

fn replace(format: Format, bytes: &[u8], edits: &[Edit<'_>]) -> Vec<u8> {
    let added: usize = edits.iter().map(|edit| edit.text.len() + 8).sum();
    let mut out = Vec::with_capacity(bytes.len() + added);
    let mut done = 0;
    for Edit { spot, text } in edits {
        let spelled = match format {
            Format::Yaml => yaml::spell(text),
            Format::Properties => properties::spell(text),
            _ => json::spell(text),
        };
        out.extend_from_slice(&bytes[done..spot.range.start]);
        out.extend_from_slice(spot.lead.as_bytes());
        out.extend_from_slice(spelled.as_bytes());
        out.extend_from_slice(&bytes[spot.keep.clone()]);
        done = spot.range.end;
    }
    out.extend_from_slice(&bytes[done..]);
    out
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::config::layer::entries_to_map;
    use crate::config::value::Value;
    use crate::format::{flat, samples, write};

    fn yaml_find(text: &str, key: &str) -> String {
        match find(Format::Yaml, text.as_bytes(), key, &Limits::default()) {
            Ok(spots) => spots.iter().map(|spot| format!("{spot:?}\n")).collect(),
            Err(error) => error.to_string(),
        }
    }

    /// The file with the value at a key replaced by `x`, or why not.
    fn edited(text: &str, key: &str) -> String {
        let limits = Limits::default();
        let spots = find(Format::Yaml, text.as_bytes(), key, &limits);
        let edits = |spots: Vec<Spot>| -> Vec<_> { spots.into_iter().map(|spot| (spot.range, "x")).collect() };
        match spots.and_then(|spots| splice(Format::Yaml, text.as_bytes(), &edits(spots), &limits)) {
            Ok(out) => String::from_utf8(out).unwrap(),
            Err(error) => error.to_string(),
        }
    }

    #[test]
    fn a_key_is_found_in_each_document_and_by_each_spelling() {
        let text = "a.b: 1\n---\na:\n  b: 2\n  l: [3]\n---\nm: {'[x.y]': 4}\n";
        assert_eq!(yaml_find(text, "a.b"), "0 1:6 a.b 5..6 Plain None\n1 4:6 a.b 19..20 Plain None\n");
        assert_eq!(yaml_find(text, "a[b]"), yaml_find(text, "a.b"));
        assert_eq!(yaml_find(text, "a.l[0]"), "1 5:7 a.l[0] 27..28 Plain None\n");
        assert_eq!(yaml_find(text, "m[x.y]"), "2 7:14 m[x.y] 47..48 Plain None\n");
    }

    #[test]
    fn a_key_without_a_value_of_its_own_is_refused() {
        let text = "a:\n  b: {c: []}\n  d: 1\n";
        let no_value = "is a map or a list\nhint: name one value below it, such as";
        assert_eq!(yaml_find(text, "a.b"), format!("`a.b` {no_value} `a.b.name` or `a.b[0]`"));
        assert_eq!(yaml_find(text, "a.b.c"), format!("`a.b.c` {no_value} `a.b.c.name` or `a.b.c[0]`"));
        let no_key = "hint: name it with all its parents, such as `spring.datasource.password`";
        assert_eq!(yaml_find(text, "d"), format!("the file has no key `d`\n{no_key}"));
        assert_eq!(yaml_find("", ""), format!("the file has no key ``\n{no_key}"));
    }

    #[test]
    fn what_an_alias_or_a_merge_key_brings_is_edited_where_it_is_written() {
        let text = "base: &base\n  password: &p a\nprod:\n  <<: *base\n  other: *p\n";
        let elsewhere = |key: &str, anchor: &str| {
            format!(
                "`{key}` has its value through an alias of `&{anchor}`: it is written at `base.password`, line 2\n\
                 hint: edit `base.password`, which changes both, or write a value of its own at `{key}`"
            )
        };
        assert_eq!(yaml_find(text, "prod.password"), elsewhere("prod.password", "p"));
        assert_eq!(yaml_find(text, "prod.other"), elsewhere("prod.other", "p"));
        assert_eq!(yaml_find(&text.replace("*p", "b"), "prod.password"), elsewhere("prod.password", "base"));
        assert_eq!(edited(text, "base.password"), text.replace("&p a", "&p 'x'"));
        let of_key = "`b` repeats the text of a key through an alias\nhint: write a value of its own at `b`";
        assert_eq!(yaml_find("&k a: 1\nb: *k\n", "b"), of_key);
    }

    #[test]
    fn a_file_that_cannot_be_read_is_not_edited() {
        let expected =
            "line 1, column 4: an unquoted `{cipher}` begins a map, not a sealed value\nhint: quote it: '{cipher}...'";
        assert_eq!(edited("a: {cipher}x\n", "a"), expected);
        let error = scalars(Format::Toml, b"a = 1", &Limits::default()).unwrap_err();
        assert_eq!(error.to_string(), "line 1, column 1: files of this format are not configuration");
    }

    #[test]
    fn an_edit_that_a_tag_refuses_leaves_the_file_alone() {
        let refused = |message: &str| format!("the value of `a` cannot be replaced in place: {message}");
        let integer = "the value after `!!int` is not an integer\nhint: remove the tag";
        assert_eq!(edited("a: !!int 5\n", "a"), refused(integer));
        assert_eq!(edited("a: !unset\n", "a"), refused("`!unset` takes no value\nhint: remove the tag"));
    }

    #[test]
    fn an_edit_that_would_change_something_else_leaves_the_file_alone() {
        let by_hand = "hint: edit the file by hand";
        let key = "the value of `a` cannot be replaced in place: what is read at line 2 would change as well";
        assert_eq!(edited("a: &k b\n*k : c\n", "a"), format!("{key}\n{by_hand}"));
        assert!(edited("? a\n? b\n", "a").starts_with("the value of `a` cannot be replaced in place: "));
        assert!(edited("a:\n  ? b\n: c", "a.b").starts_with("the value of `a.b` cannot be replaced in place: "));
        assert!(edited("a:\n  ? b\n:", "a.b").starts_with("bytes 10 to 10 of the file are no scalar"));
    }

    #[test]
    fn an_activation_key_is_no_value() {
        let text = "spring.config.activate.on-profile: x\na: b\n";
        assert!(yaml_find(text, "spring.config.activate.on-profile").starts_with("the file has no key"));
        assert_eq!(edited(text, "a"), text.replace("a: b", "a: 'x'"));
    }

    #[test]
    fn a_range_that_is_no_scalar_or_comes_twice_is_refused() {
        let refused = |ranges: &[Range<usize>]| {
            let edits: Vec<_> = ranges.iter().map(|range| (range.clone(), "x")).collect();
            splice(Format::Json, b"{\"a\":1}", &edits, &Limits::default()).unwrap_err().to_string()
        };
        let message = "of the file are no scalar of it that can be edited, or one that is edited already";
        assert_eq!(refused(std::slice::from_ref(&(1..4))), format!("bytes 1 to 4 {message}"));
        assert_eq!(refused(&[5..6, 5..6]), format!("bytes 5 to 6 {message}"));
    }

    #[test]
    fn an_edited_file_may_not_outgrow_its_limit() {
        let limits = Limits { file: 8, ..Limits::default() };
        let error = splice(Format::Properties, b"a=1", &[(2..3, "1234567")], &limits).unwrap_err();
        let expected = "the value of `a` cannot be replaced in place: the file has 9 bytes, more than the 8 that \
                        `limits.file` allows\nhint: split the file, or raise `limits.file` in the settings of the server";
        assert_eq!(error.to_string(), expected);
    }

    #[test]
    fn a_value_is_not_shown_by_debug() {
        let spots = scalars(Format::Yaml, b"password: hunter2", &Limits::default()).unwrap();
        assert_eq!(format!("{spots:?}"), "[0 1:11 password 10..17 Plain None]");
    }

    #[test]
    fn thousands_of_edits_of_one_file_are_one_pass() {
        let text: String = (0..20_000).map(|number| format!("key{number}: &a{number} v # c\n")).collect();
        let spots = scalars(Format::Yaml, text.as_bytes(), &Limits::default()).unwrap();
        let edits: Vec<_> = spots.into_iter().map(|spot| (spot.range, "w")).collect();
        let out = splice(Format::Yaml, text.as_bytes(), &edits, &Limits::default()).unwrap();
        assert_eq!(String::from_utf8(out).unwrap(), text.replace(" v ", " 'w' "));
    }

    /// Puts a text at the leaf with that number, in order; the number that is left when there are fewer.
    fn set(value: &mut Value, number: usize, text: &str) -> usize {
        let inner: Vec<&mut Value> = match value {
            Value::Map(map) => map.values_mut().collect(),
            Value::List(items) => items.iter_mut().collect(),
            leaf if number == 0 => {
                *leaf = Value::from(text);
                return usize::MAX;
            }
            _ => return number - 1,
        };
        let set_next = |left, value| if left == usize::MAX { left } else { set(value, left, text) };
        inner.into_iter().fold(number, set_next)
    }

    proptest! {
        #[test]
        fn one_edit_of_a_generated_file_sets_one_leaf(
            value in samples::maps_with("[a-z]{1,3}|\\[[a-z.]{1,4}\\]|[0-9]{1,2}".boxed()),
            text in samples::texts(),
            chosen in any::<prop::sample::Index>(),
            layout in 0_usize..3,
        ) {
            let (format, pretty) = [(Format::Yaml, false), (Format::Json, false), (Format::Json, true)][layout];
            let source = write(format, &value, pretty);
            let limits = Limits::default();
            let spots = scalars(format, source.as_bytes(), &limits).unwrap_or_default();
            if spots.is_empty() {
                return Ok(());
            }
            let number = chosen.index(spots.len());
            let out = splice(format, source.as_bytes(), &[(spots[number].range.clone(), &text)], &limits).unwrap();
            let body = read(format, source.as_bytes(), &limits);
            let mut expected = Value::Map(entries_to_map(&body.documents[0].root));
            prop_assert_eq!(set(&mut expected, number, &text), usize::MAX);
            let after = Value::Map(entries_to_map(&read(format, &out, &limits).documents[0].root));
            prop_assert_eq!(after, expected);
        }

        #[test]
        fn one_edit_of_properties_sets_one_value(
            scraps in prop::collection::vec(prop::sample::select(&SCRAPS[..]), 0..40),
            text in samples::texts(),
            chosen in any::<prop::sample::Index>(),
        ) {
            let (source, limits) = (scraps.concat(), Limits::default());
            let mut expected = scalars(Format::Properties, source.as_bytes(), &limits).unwrap_or_default();
            if expected.is_empty() {
                return Ok(());
            }
            let number = chosen.index(expected.len());
            let spot = &mut expected[number];
            let edits = [(spot.range.clone(), text.as_str())];
            spot.text.clone_from(&text);
            let out = splice(Format::Properties, source.as_bytes(), &edits, &limits).unwrap();
            let told = |spots: Vec<Spot>| -> Vec<_> { spots.into_iter().map(|spot| (spot.key, spot.text)).collect() };
            let after = scalars(Format::Properties, &out, &limits).unwrap();
            prop_assert_eq!(told(after), told(expected));
        }

        #[test]
        fn an_edit_of_odd_yaml_does_what_it_says_or_nothing(
            scraps in prop::collection::vec(prop::sample::select(&YAML_SCRAPS[..]), 0..40),
            text in samples::texts(),
        ) {
            let (source, limits) = (scraps.concat(), Limits::default());
            let Ok(Reading { body, scalars: found }) = Reading::of(Format::Yaml, source.as_bytes(), &limits) else {
                return Ok(());
            };
            let roots = body.documents.iter().map(|document| Value::Map(entries_to_map(&document.root)));
            let is_scalar = |leaf: &Value| !matches!(leaf, Value::Map(_) | Value::List(_));
            let leaves = |root: &Value| flat::flatten(root).into_iter().filter(|(_, leaf)| is_scalar(leaf)).count();
            prop_assert_eq!(roots.map(|root| leaves(&root)).sum::<usize>(), found.spots.len() + found.repeated.len() + found.of_keys.len());
            for spot in found.spots {
                let edits = [(spot.range.clone(), text.as_str())];
                let Ok(out) = splice(Format::Yaml, source.as_bytes(), &edits, &limits) else { continue };
                let after = scalars(Format::Yaml, &out, &limits).unwrap();
                prop_assert!(after.iter().any(|found| found.key == spot.key && found.text == text));
            }
        }
    }

    /// What lines of `.properties` are made of.
    const SCRAPS: [&str; 17] = [
        "a", "b", "c.d", "e[0]", "=", ":", " ", "\t", "\n", "\n", "\r\n", "\\", "\\\n  ", "\\u0041", "# x", "#---\n",
        "é",
    ];

    /// What YAML is made of, in larger pieces than a text at random would have.
    const YAML_SCRAPS: [&str; 32] = [
        "a: ", "b: ", "c:", "d", "\"e\": ", "? f\n", ": ", "- ", "-\n", "\n", "\n", "\n  ", "\n  ", "\n    ", " # g\n",
        "[", "]", "{", "}", ", ", "'h'", "\"i\"", "|\n  ", ">-\n  ", "&j ", "*j", "*j : ", "<<: ", "!!str ", "! ",
        "---\n", "\r\n",
    ];
}
