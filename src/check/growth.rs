//! Answers that grow beyond their limit, by placeholders or by long names above many keys.

use crate::config::problem::Problem;

use super::Case;

/// Adds the problem of an answer that cannot be given in every format, with the key that grows.
pub(super) fn check(case: &Case<'_>, problems: &mut Vec<Problem>) {
    let documents = || case.selection.layers.iter().filter_map(|layer| case.facts.of(layer));
    // No more than this can come of them, and most are far below.
    if documents().map(|document| document.bytes).fold(0, usize::saturating_add) > case.selection.limit {
        problems.extend(case.selection.too_large().map(|(error, file)| error.problem(&file)));
    }
}

#[cfg(test)]
mod tests {
    use crate::check::samples::lines;

    fn found(files: &[(&str, &str)]) -> Vec<String> {
        lines(files).into_iter().filter(|line| line.starts_with("answer-too-large")).collect()
    }

    #[test]
    fn placeholders_that_multiply_are_told_with_the_key() {
        let large = "x".repeat(60_000);
        let keys: String = (0..300).map(|at| format!("k{at}: ${{large}}\n")).collect();
        let told = found(&[("user.yml", &format!("large: {large}\n{keys}"))]);
        let message = "answer-too-large user.yml:2:5 the answer grows beyond the 16777216 bytes that `limits.answer` allows; \
                       most of it comes from `k0`";
        assert_eq!(told.len(), 1, "{told:?}");
        assert!(told[0].starts_with(message), "{told:?}");
        assert_eq!(found(&[("user.yml", &format!("large: {large}\na: ${{large}}\n"))]), [""; 0]);
    }

    #[test]
    fn a_long_name_above_many_keys_is_told() {
        let keys: String = (0..2_000).map(|at| format!("  k{at}: 1\n")).collect();
        let told = found(&[("user.yml", &format!("? {}\n:\n{keys}", "n".repeat(20_000)))]);
        assert_eq!(told.len(), 1, "{told:?}");
        assert!(told[0].contains("most of it comes from `"), "{told:?}");
    }
}
