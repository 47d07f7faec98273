//! Names of configuration keys: how a key written with dots and brackets becomes steps, and back.
//!
//! `logging.level.root` is three steps; `"[example.org]"` and the bracket in `map[example.org]` are one literal step
//! each. Two spellings with equal steps are one key. Walking a tree by steps is the business of its owner.

use std::fmt::Write as _;
use std::sync::Arc;

/// The most characters of a key that are told.
const SHOWN: usize = 200;

/// A key as a file writes it, with the steps that it stands for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Key {
    written: Arc<str>,
    /// Steps and canonical text of a key whose text is not itself its only step.
    split: Option<Arc<Split>>,
}

#[derive(Debug, PartialEq, Eq)]
struct Split {
    steps: Vec<Arc<str>>,
    canonical: Arc<str>,
}

impl Key {
    /// Reads a key as written in a file. Every text is a key: one that does not split cleanly is a single step.
    #[must_use]
    pub fn new(written: &str) -> Self {
        let written: Arc<str> = Arc::from(written);
        if !written.contains(['.', '[']) {
            return Self { written, split: None };
        }
        let steps = split(&written).unwrap_or_else(|| vec![Arc::clone(&written)]);
        let canonical = Arc::from(join(&steps));
        Self { written, split: Some(Arc::new(Split { steps, canonical })) }
    }

    /// A key that is taken as it stands, dots and brackets included, as one step.
    #[must_use]
    pub const fn whole(written: Arc<str>) -> Self {
        Self { written, split: None }
    }

    /// A key of exactly one step, whatever characters it holds.
    #[must_use]
    pub fn literal(step: &str) -> Self {
        Self::new(&spell(step))
    }

    /// The text as the file has it.
    #[must_use]
    pub fn written(&self) -> &Arc<str> {
        &self.written
    }

    /// The steps, at least one.
    #[must_use]
    pub fn steps(&self) -> &[Arc<str>] {
        self.split.as_ref().map_or(std::slice::from_ref(&self.written), |split| &split.steps)
    }

    /// The one spelling that all keys with these steps share.
    #[must_use]
    pub fn canonical(&self) -> &Arc<str> {
        self.split.as_ref().map_or(&self.written, |split| &split.canonical)
    }

    /// True if the key stands for several steps.
    #[must_use]
    pub fn is_dotted(&self) -> bool {
        self.steps().len() > 1
    }
}

/// The steps of a dotted path such as `servers[0].name` or `map[a.b]`; `None` if a step is empty or a bracket open.
#[must_use]
pub fn split(path: &str) -> Option<Vec<Arc<str>>> {
    let mut steps = Vec::new();
    let mut rest = path;
    loop {
        rest = match rest.strip_prefix('[') {
            Some(inside) => {
                let (literal, after) = inside.split_once(']')?;
                steps.push(Arc::from(literal));
                after
            }
            None => {
                let end = rest.find(['.', '[']).unwrap_or(rest.len());
                let (name, after) = rest.split_at(end);
                steps.push(Arc::from(name));
                after
            }
        };
        if steps.last().is_some_and(|step: &Arc<str>| step.is_empty()) {
            return None;
        }
        match rest.strip_prefix('.') {
            Some(after) => rest = after,
            None if rest.is_empty() => return Some(steps),
            None if rest.starts_with('[') => {}
            None => return None,
        }
    }
}

/// The path of everything that a path leads through, the whole path last: `a`, `a.b` and `a.b[0]` of `a.b[0]`.
pub fn prefixes(path: &str) -> impl Iterator<Item = &str> {
    let mut is_literal = false;
    let ends = path.char_indices().filter(move |(at, character)| {
        let ends = !is_literal && matches!(character, '.' | '[') && *at > 0;
        is_literal = *character == '[' || (is_literal && *character != ']');
        ends
    });
    ends.map(|(at, _)| &path[..at]).chain([path])
}

/// The canonical text of steps: dots between names, brackets around a step that holds a dot or a bracket.
#[must_use]
pub fn join(steps: &[Arc<str>]) -> String {
    steps.iter().fold(String::new(), |path, step| append(path, &spell(step)))
}

/// The first 200 characters of what [`join`] would make, without reading more of long steps.
#[must_use]
pub fn beginning(steps: &[&str]) -> String {
    let cut = |text: &str| text.char_indices().nth(SHOWN).map_or(text.len(), |(end, _)| end);
    let mut path = String::new();
    for step in steps {
        path = append(path, &spell(&step[..cut(step)]));
        if path.len() > SHOWN * 4 {
            break;
        }
    }
    path.truncate(cut(&path));
    path
}

/// `path` followed by a key as written: a dot in between unless the key begins with a bracket or the path is empty.
#[must_use]
pub fn append(mut path: String, written: &str) -> String {
    if !path.is_empty() && !written.starts_with('[') {
        path.push('.');
    }
    path.push_str(written);
    path
}

/// `path` followed by a list index.
#[must_use]
pub fn append_index(mut path: String, index: usize) -> String {
    write!(path, "[{index}]").expect("writing to a string cannot fail");
    path
}

fn spell(step: &str) -> String {
    if step.contains(['.', '[']) { format!("[{step}]") } else { step.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn steps(written: &str) -> Vec<String> {
        Key::new(written).steps().iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_path_leads_through_its_prefixes() {
        let of = |path| prefixes(path).collect::<Vec<_>>();
        assert_eq!(of("a"), ["a"]);
        assert_eq!(of("a.b[0].c"), ["a", "a.b", "a.b[0]", "a.b[0].c"]);
        assert_eq!(of("map[a.b].c"), ["map", "map[a.b]", "map[a.b].c"]);
        assert_eq!(of("[a.b]"), ["[a.b]"]);
        assert_eq!(of(""), [""]);
    }

    #[test]
    fn dots_and_brackets_make_steps() {
        assert_eq!(steps("logging.level.root"), ["logging", "level", "root"]);
        assert_eq!(steps("[example.org]"), ["example.org"]);
        assert_eq!(steps("map[a.b].c"), ["map", "a.b", "c"]);
        assert_eq!(steps("a.[b.c]"), ["a", "b.c"]);
        assert_eq!(steps("servers[0]"), ["servers", "0"]);
    }

    #[test]
    fn a_key_that_does_not_split_cleanly_is_one_step() {
        for odd in ["", ".", "a..b", ".a", "a.", "a[b", "[]", "a[]", "[a]b"] {
            assert_eq!(steps(odd), [odd], "{odd}");
        }
    }

    #[test]
    fn equal_steps_have_one_canonical_text() {
        assert_eq!(Key::new("[a].b").canonical(), Key::new("a.b").canonical());
        assert_eq!(Key::new("map.[x.y]").canonical().as_ref(), "map[x.y]");
        assert_eq!(Key::literal("x.y").steps().len(), 1);
        assert!(Key::new("a.b").is_dotted());
        assert!(!Key::new("[a.b]").is_dotted());
    }
}
