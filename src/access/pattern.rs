//! Names with `*`, as scopes and rules write them.
//!
//! `*` stands for any characters of one segment, none included, and never for a slash.

use std::fmt;
use std::sync::Arc;

/// A name in which `*` stands for any characters but a slash.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Pattern(Arc<str>);

impl Pattern {
    /// A pattern of a text that is not empty and has neither blanks nor control characters.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let is_sound =
            !text.is_empty() && !text.contains(|character: char| character.is_whitespace() || character.is_control());
        is_sound.then(|| Self(Arc::from(text)))
    }

    /// The pattern that every name of one segment matches.
    #[must_use]
    pub fn any() -> Self {
        Self(Arc::from("*"))
    }

    /// Whether a name matches. Time is linear in the name for each `*`.
    #[must_use]
    pub fn matches(&self, name: &str) -> bool {
        let (mut pattern, mut rest) = (self.0.as_bytes(), name.as_bytes());
        // Where to go on from if the characters taken by the last `*` were too few.
        let mut retry: Option<(&[u8], &[u8])> = None;
        loop {
            match (pattern.split_first(), rest.split_first()) {
                (None, None) => return true,
                (Some((b'*', after)), _) => {
                    retry = Some((after, rest));
                    pattern = after;
                    continue;
                }
                (Some((wanted, after)), Some((found, left))) if wanted == found => {
                    (pattern, rest) = (after, left);
                    continue;
                }
                _ => {}
            }
            match retry {
                Some((after, [first, left @ ..])) if *first != b'/' => {
                    retry = Some((after, left));
                    (pattern, rest) = (after, left);
                }
                _ => return false,
            }
        }
    }
}

impl fmt::Display for Pattern {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn matches(pattern: &str, name: &str) -> bool {
        Pattern::parse(pattern).unwrap().matches(name)
    }

    #[test]
    fn a_star_stands_for_any_characters_of_one_segment() {
        let cases = [
            ("pay", "pay", true),
            ("pay", "pays", false),
            ("pay", "Pay", false),
            ("pay-*", "pay-api", true),
            ("pay-*", "pay-", true),
            ("pay-*", "pay", false),
            ("pay*", "payments-admin", true),
            ("*", "", true),
            ("*", "größe", true),
            ("*", "team/shop", false),
            ("team/*", "team/shop", true),
            ("team/*", "team/shop/x", false),
            ("*-api", "a-api-b-api", true),
            ("a*b*c", "a-b-b-c", true),
            ("a*b*c", "acb", false),
            ("**", "x", true),
        ];
        for (pattern, name, expected) in cases {
            assert_eq!(matches(pattern, name), expected, "{pattern} {name}");
        }
    }

    #[test]
    fn empty_patterns_and_blanks_are_none() {
        for text in ["", " ", "a b", "a\n", "\u{7f}"] {
            assert_eq!(Pattern::parse(text), None, "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn a_pattern_made_of_a_name_matches_it(name in "[a-z*/]{1,12}", holes in proptest::collection::vec(0..12usize, 0..4)) {
            let mut pattern: Vec<char> = name.chars().collect();
            for hole in holes {
                if let Some(place) = pattern.get_mut(hole).filter(|character| **character != '/') {
                    *place = '*';
                }
            }
            let pattern: String = pattern.into_iter().collect();
            prop_assert!(matches(&pattern, &name));
        }

        #[test]
        fn a_star_never_crosses_a_slash(pattern in "[a-z*]{1,8}", name in "[a-z]{0,4}/[a-z]{0,4}") {
            prop_assert!(!matches(&pattern, &name));
        }
    }
}
