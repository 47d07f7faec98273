//! Where a sealed value stands, and how much of that it is bound to.
//!
//! Who may write to a repository but not open its secrets could copy a sealed password under a key that is shown to
//! everybody. A value bound to its place does not open there. What the place of a file is, its reader knows.

use crate::config::key::{append, join, split};
use crate::config::select::{Rank, SHARED};
use crate::config::target::Target;

/// The longest path of a key that a value is bound to, in bytes.
pub const LONGEST_KEY: usize = 4096;

/// What a sealed value is bound to, besides its key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Context {
    /// One configuration key in files of one rank; lists may be reordered. What a sealed value should be bound to.
    Prop,
    /// One application, under any key and profile.
    App,
    /// Nothing: it opens wherever it is copied.
    Any,
}

impl Context {
    /// Every context, strictest first.
    pub const ALL: [Self; 3] = [Self::Prop, Self::App, Self::Any];

    /// The name that the envelope and the command line give it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Prop => "prop",
            Self::App => "app",
            Self::Any => "any",
        }
    }

    /// The context of that name; `None` if there is none.
    #[must_use]
    pub fn of_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|context| context.name() == name)
    }
}

/// The place of one value in a repository.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place<'a> {
    /// What its file is for as one text, which version 1 binds to: `application`, `application-p`, `svc`, `svc-p`.
    pub rank: &'a str,
    /// The application whose file it is, which version 1 binds to; `None` if there is none.
    pub application: Option<&'a str>,
    /// What its file is for, part by part, which version 2 binds to; `None` if there is no file.
    pub target: Option<&'a Target>,
    /// The flattened path of the value, with list indexes or with `[]` for them: both name one place.
    pub key: &'a str,
}

impl<'a> Place<'a> {
    /// The place of a key in a file.
    #[must_use]
    pub fn of(rank: &'a Rank, key: &'a str) -> Self {
        Self { rank: &rank.name, application: Some(&rank.application), target: Some(&rank.target), key }
    }

    /// The text that a value of version 1 is bound to here, if there are other places with the same one.
    #[must_use]
    pub fn doubtful_text(&self, context: Context) -> Option<&'a str> {
        let text = match context {
            Context::Prop => self.rank,
            Context::App => self.application?,
            Context::Any => return None,
        };
        let is_elsewhere = match self.target? {
            Target::Application { name, .. } => name == SHARED,
            Target::File { path, .. } => path.contains('/'),
        };
        (text.contains('-') || is_elsewhere).then_some(text)
    }
}

/// The path that a value is bound to: `a.b[0].c` is `a.b[].c`, and all spellings with equal steps are one.
///
/// Without the indexes a list may grow and be sorted while its sealed elements stay as they are.
#[must_use]
pub fn bound_key(path: &str) -> String {
    let mut bound = String::new();
    let mut rest = path;
    while let Some((before, after)) = split_at_index(rest) {
        bound = append_canonical(bound, before);
        bound.push_str("[]");
        rest = after.strip_prefix('.').unwrap_or(after);
    }
    append_canonical(bound, rest)
}

fn append_canonical(bound: String, part: &str) -> String {
    match split(part) {
        Some(steps) => append(bound, &join(&steps)),
        None if part.is_empty() => bound,
        None => append(bound, part),
    }
}

/// What stands before and after the first list index, or the `[]` that is left of one.
fn split_at_index(path: &str) -> Option<(&str, &str)> {
    path.match_indices('[').find_map(|(at, bracket)| {
        let inside = &path[at + bracket.len()..];
        let after = inside.trim_start_matches(|char: char| char.is_ascii_digit());
        after.strip_prefix(']').map(|after| (&path[..at], after))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn list_indexes_are_left_out_of_the_bound_key() {
        let cases = [
            ("a.b[0].c", "a.b[].c"),
            ("a[12][3]", "a[][]"),
            ("[0].a", "[].a"),
            ("db.password", "db.password"),
            ("hosts[8080x]", "hosts.8080x"),
            ("a[0]b", "a[].b"),
            ("", ""),
        ];
        for (path, bound) in cases {
            assert_eq!(bound_key(path), bound, "{path}");
        }
    }

    #[test]
    fn spellings_with_equal_steps_are_bound_alike() {
        assert_eq!(bound_key("map.[x.y].z"), "map[x.y].z");
        assert_eq!(bound_key("map[x.y].z"), "map[x.y].z");
        assert_eq!(bound_key("map[0].[x.y]"), bound_key("map[7][x.y]"));
        assert_ne!(bound_key("ports.8080"), bound_key("ports.9090"), "a name of digits is no index");
    }

    #[test]
    fn a_bound_key_is_bound_to_itself() {
        for path in ["a.b[0].c", "[0][1]", "map.[x.y][3]", "a..b[0]", "[a[0]", "[]", "a[0", "[[[[1]"] {
            let bound = bound_key(path);
            assert_eq!(bound_key(&bound), bound, "{path}");
        }
    }

    #[test]
    fn contexts_are_found_by_their_names() {
        for context in Context::ALL {
            assert_eq!(Context::of_name(context.name()), Some(context));
        }
        assert_eq!(Context::of_name("Prop"), None);
    }
}
