//! The page of a code: its entry in `docs/problems.md`, which is part of the program.

use super::profiles::is_slip;
use super::rules::{self, RULES};

/// The page of problems.
const PAGE: &str = include_str!("../../docs/problems.md");

/// The entry of a code, with its severity and title on the first line; `None` if there is no such code.
#[must_use]
pub fn of(code: &str) -> Option<String> {
    let rule = rules::find(code)?;
    let severity = rules::name(rule.severity);
    let entry = entry(code).unwrap_or_default().trim();
    Some(format!("{severity}[{code}]: {}\n\n{entry}\n", rule.title))
}

/// The codes that a wrong one may have been meant for: those that have a word of it, or almost its letters.
#[must_use]
pub fn near(code: &str) -> Vec<&'static str> {
    let words: Vec<&str> = code.split(['-', '_', ' ']).filter(|word| word.len() > 3).collect();
    let codes = || RULES.iter().map(|rule| rule.code);
    let slips: Vec<&str> = codes().filter(|known| is_slip(code, known) || known.starts_with(code)).collect();
    if !slips.is_empty() {
        return slips;
    }
    codes().filter(|known| words.iter().any(|word| known.contains(word))).take(5).collect()
}

fn entry(code: &str) -> Option<&'static str> {
    let (_, after) = PAGE.split_once(&format!("\n### `{code}`\n"))?;
    let end = after.find("\n### ").into_iter().chain(after.find("\n## ")).min().unwrap_or(after.len());
    Some(&after[..end])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_has_a_page_that_ends_before_the_next() {
        for rule in RULES {
            let page = of(rule.code).unwrap();
            let (title, text) = page.split_once("\n\n").unwrap();
            assert!(title.ends_with(rule.title) && text.len() > 40 && !text.contains("\n#"), "{page}");
        }
        assert_eq!(of("no-such-code"), None);
        assert_eq!(near("duplicate-keys"), ["duplicate-key"]);
        assert_eq!(near("x"), [""; 0]);
    }
}
