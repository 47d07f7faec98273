//! The budgets of the style page: how many names, how deep, how long, how many tests.
//!
//! Hard stops are told with their place; medians hold for the whole of `src/`, so that one long file among short ones
//! is possible and a habit of long ones is not.

use std::collections::BTreeSet;

use super::functions::{Function, functions};
use super::rust::Source;

const TOP_LEVEL_NAMES: usize = 20;
const FOLDERS_BELOW: usize = 2;
const FILE_LINES: usize = 400;
const FILE_LINES_MEDIAN: usize = 150;
const FUNCTION_LINES: usize = 70;
const FUNCTION_LINES_MEDIAN: usize = 10;
/// Test lines per hundred lines of code, once there is enough code to say.
const TESTS_PER_HUNDRED: std::ops::RangeInclusive<usize> = 60..=160;
const ENOUGH_CODE: usize = 3_000;

/// What is too many, too deep or too long, and files that do not say what they are.
pub(super) fn breaches(sources: &[Source]) -> Vec<String> {
    let functions: Vec<Function> = sources.iter().flat_map(functions).collect();
    let long = functions.iter().filter(|function| function.lines > FUNCTION_LINES).map(|function| {
        format!("{}: `{}` has {} lines, at most {FUNCTION_LINES}", function.place, function.name, function.lines)
    });
    let file_lines = sources.iter().map(|source| source.line_counts().0).collect();
    let function_lines = functions.iter().map(|function| function.lines).collect();
    let medians = [
        median_breach("files", file_lines, FILE_LINES_MEDIAN),
        median_breach("functions", function_lines, FUNCTION_LINES_MEDIAN),
        names_breach(sources),
    ];
    sources.iter().flat_map(file_breaches).chain(long).chain(medians.into_iter().flatten()).collect()
}

/// Whether tests and code are in proportion; the figure itself is printed for who asks with `--nocapture`.
#[expect(clippy::print_stdout, reason = "the test runner shows it only when asked")]
pub(super) fn ratio(code: &[Source], tests: &[Source]) -> Vec<String> {
    let counts = || code.iter().chain(tests).map(Source::line_counts);
    let code_lines: usize = counts().map(|(lines, _)| lines).sum();
    let test_lines: usize = counts().map(|(_, lines)| lines).sum();
    let per_hundred = test_lines * 100 / code_lines.max(1);
    let figure = format!("{test_lines} lines of tests for {code_lines} of code: {per_hundred} per hundred");
    println!("{figure}");
    let is_fine = code_lines < ENOUGH_CODE || TESTS_PER_HUNDRED.contains(&per_hundred);
    if is_fine { Vec::new() } else { vec![format!("{figure}, wanted {TESTS_PER_HUNDRED:?}")] }
}

fn file_breaches(source: &Source) -> Vec<String> {
    let path = &source.path;
    let (lines, _) = source.line_counts();
    let folders = path.split('/').count().saturating_sub(3);
    let checks = [
        (lines > FILE_LINES, format!("{path}: {lines} lines without tests, at most {FILE_LINES}")),
        (
            folders > FOLDERS_BELOW,
            format!("{path}: {folders} folders below its top-level name, at most {FOLDERS_BELOW}"),
        ),
        (
            !source.text.starts_with("//! "),
            format!("{path}:1: does not open with a paragraph that says what lives here"),
        ),
    ];
    checks.into_iter().filter_map(|(is_breach, told)| is_breach.then_some(told)).collect()
}

fn names_breach(sources: &[Source]) -> Option<String> {
    let names = sources.iter().map(Source::module).collect::<BTreeSet<_>>().len();
    (names > TOP_LEVEL_NAMES).then(|| format!("src: {names} top-level names, at most {TOP_LEVEL_NAMES}"))
}

fn median_breach(what: &str, mut lines: Vec<usize>, most: usize) -> Option<String> {
    lines.sort_unstable();
    let median = lines.get(lines.len() / 2).copied().unwrap_or(0);
    (median > most).then(|| format!("src: {what} have {median} lines in the median, at most {most}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(path: &str, lines: usize) -> Source {
        Source::parse(path, &format!("//! A file.\n{}", "x\n".repeat(lines - 1)))
    }

    #[test]
    fn long_files_deep_folders_and_missing_openings_are_told() {
        let sources = [
            source("src/a/b/c/d.rs", 1),
            source("src/a/b/c/d/e.rs", 1),
            source("src/a.rs", 401),
            source("src/b.rs", 400),
        ];
        assert_eq!(
            breaches(&sources),
            [
                "src/a/b/c/d/e.rs: 3 folders below its top-level name, at most 2",
                "src/a.rs: 401 lines without tests, at most 400",
                "src: files have 400 lines in the median, at most 150",
            ]
        );
        assert_eq!(
            breaches(&[Source::parse("src/a.rs", "fn a() {}\n")]),
            ["src/a.rs:1: does not open with a paragraph that says what lives here"]
        );
    }

    #[test]
    fn long_functions_are_told_one_by_one_and_in_the_median() {
        let function = |lines: usize| format!("fn a() {{\n{}}}\n", "x();\n".repeat(lines - 2));
        let told = |text: String| breaches(&[Source::parse("src/a.rs", &format!("//! A file.\n{text}"))]);
        assert_eq!(told(format!("{0}{0}{1}", function(3), function(71))), ["src/a.rs:8: `a` has 71 lines, at most 70"]);
        assert_eq!(told(function(11)), ["src: functions have 11 lines in the median, at most 10"]);
        assert!(told(function(10)).is_empty());
    }

    #[test]
    fn too_many_names_are_told() {
        let sources: Vec<Source> = (0..21).map(|number| source(&format!("src/m{number}/a.rs"), 1)).collect();
        assert_eq!(breaches(&sources), ["src: 21 top-level names, at most 20"]);
        assert!(breaches(&sources[1..]).is_empty());
    }

    #[test]
    fn few_and_many_tests_are_told_once_there_is_code() {
        let told = |code, tests| ratio(&[source("src/a.rs", code)], &[source("tests/it/a.rs", tests)]);
        assert_eq!(told(3_000, 1_000), ["1000 lines of tests for 3000 of code: 33 per hundred, wanted 60..=160"]);
        assert_eq!(told(3_000, 6_000).len(), 1);
        assert!(told(3_000, 3_000).is_empty());
        assert!(told(2_999, 1).is_empty());
    }
}
