//! Words that must not stand in the code: work left undone, checks switched off, short cuts.
//!
//! The words are put together from halves here, so that this file does not find itself.

use super::rust::{Source, words};

/// Not even in a comment, not even in a test.
const UNDONE: [&str; 5] = [
    concat!("TO", "DO"),
    concat!("FIX", "ME"),
    concat!("to", "do!"),
    concat!("unimple", "mented!"),
    concat!("#[ig", "nore"),
];

/// The one file that may hold an unsafe block, and holds exactly one.
const UNSAFE: &str = "src/source/transport/mod.rs";

/// Each breach with its place.
pub(super) fn breaches(sources: &[Source]) -> Vec<String> {
    sources.iter().flat_map(breaches_of).collect()
}

fn breaches_of(source: &Source) -> Vec<String> {
    let tell = |at, what: &str| format!("{}: {what}", source.place(at));
    let undone = UNDONE.iter().flat_map(|word| source.text.match_indices(word));
    let undone = undone.map(|(at, word)| tell(at, &format!("`{word}` is work left undone")));
    let unwraps = source.code.match_indices(".unwrap()").filter(|(at, _)| !source.is_test(*at));
    let unwraps = unwraps.map(|(at, _)| tell(at, "unwrap outside tests: `expect(\"why this holds\")`"));
    let allowed = words(&source.code, "allow").filter(|at| is_attribute(&source.code, *at));
    let allowed = allowed.map(|at| tell(at, "a bare allow: `#[expect(lint, reason = \"…\")]`"));
    undone.chain(unwraps).chain(allowed).chain(unsafe_blocks(source)).collect()
}

/// Tells the attribute from a method or function of that name.
fn is_attribute(code: &str, at: usize) -> bool {
    let opens = code[..at].trim_end().ends_with(['[', ',', '(']);
    opens && code[at..].starts_with("allow(")
}

fn unsafe_blocks(source: &Source) -> Vec<String> {
    let found: Vec<usize> = words(&source.code, "unsafe").collect();
    let expected = usize::from(source.path == UNSAFE);
    if found.len() == expected {
        return Vec::new();
    }
    vec![format!("{}: {} unsafe blocks, exactly {expected} expected", source.path, found.len())]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(path: &str, text: &str) -> Vec<String> {
        breaches(&[Source::parse(path, text)])
    }

    #[test]
    fn work_left_undone_is_told_wherever_it_hides() {
        for word in UNDONE {
            assert_eq!(
                told("tests/it/a.rs", &format!("//! A.\n// {word}\n")),
                [format!("tests/it/a.rs:2: `{word}` is work left undone")]
            );
        }
    }

    #[test]
    fn unwrap_is_for_tests() {
        let text = "fn a() {\n    b().unwrap();\n    \".unwrap()\";\n}\n#[cfg(test)]\nfn c() { d().unwrap() }\n";
        assert_eq!(told("src/a.rs", text), ["src/a.rs:2: unwrap outside tests: `expect(\"why this holds\")`"]);
    }

    #[test]
    fn lints_are_expected_not_allowed() {
        assert_eq!(told("src/a.rs", "#[allow(dead_code)]\nfn a() {}").len(), 1);
        assert_eq!(told("src/a.rs", "#![cfg_attr(test, allow(dead_code))]").len(), 1);
        assert!(
            told("src/a.rs", "#[expect(dead_code, reason = \"x\")]\nfn a() { list.allow(b); allow(c) }").is_empty()
        );
    }

    #[test]
    fn one_file_has_one_unsafe_block() {
        let block = "fn a() { unsafe { b() } }\n";
        assert_eq!(told("src/a.rs", block), ["src/a.rs: 1 unsafe blocks, exactly 0 expected"]);
        assert_eq!(told(UNSAFE, ""), ["src/source/transport/mod.rs: 0 unsafe blocks, exactly 1 expected"]);
        assert!(told(UNSAFE, block).is_empty());
    }
}
