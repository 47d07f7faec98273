//! The functions of a Rust file outside its tests, and how long each is.
//!
//! A function's length is the number of lines from its `fn` to its closing brace.

use super::rust::{Source, item_end, words};

/// A function with a body.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Function {
    /// Its name.
    pub(super) name: String,
    /// `path:line`.
    pub(super) place: String,
    /// From `fn` to the closing brace, both included.
    pub(super) lines: usize,
}

/// The functions outside tests, in the order of the file.
pub(super) fn functions(source: &Source) -> Vec<Function> {
    words(&source.code, "fn").filter(|at| !source.is_test(*at)).filter_map(|at| function(source, at)).collect()
}

/// `None` for a function pointer's type or a declaration without a body.
fn function(source: &Source, at: usize) -> Option<Function> {
    let rest = source.code[at..].strip_prefix("fn ")?;
    let name: String = rest.chars().take_while(|letter| letter.is_alphanumeric() || *letter == '_').collect();
    let end = item_end(&source.code, at);
    let has_body = source.code[..end].ends_with('}') && !name.is_empty();
    let lines = source.line(end) - source.line(at) + 1;
    has_body.then(|| Function { name, place: source.place(at), lines })
}

#[test]
fn functions_are_measured_from_first_to_last_line() {
    let text = "trait A {\n    fn declared(&self);\n    fn b(\n        x: [u8; 2],\n    ) -> fn(u8) {\n        if x {\n        }\n    }\n}\n\
                fn c() {}\n#[cfg(test)]\nfn d() {}\n// fn e() {}\n";
    let found = functions(&Source::parse("src/a.rs", text));
    let told: Vec<(&str, &str, usize)> =
        found.iter().map(|found| (found.name.as_str(), found.place.as_str(), found.lines)).collect();
    assert_eq!(told, [("b", "src/a.rs:3", 6), ("c", "src/a.rs:10", 1)]);
}
