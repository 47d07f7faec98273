//! What a change brings: the findings after it that were not there before.

use std::collections::HashMap;

use super::report::without_lines;
use super::{Finding, Report};

/// The report without the findings that `before` has too. Lines do not count, because they move; how often a finding is
/// made in a file does.
#[must_use]
pub fn brought(report: Report, before: &Report) -> Report {
    let mut known: HashMap<Identity, usize> = HashMap::new();
    for finding in &before.findings {
        *known.entry(identity(finding)).or_default() += 1;
    }
    let is_new = |finding: &Finding| match known.get_mut(&identity(finding)) {
        // What was not checked before either is still not checked.
        Some(_) if finding.code == "no-configuration" => true,
        Some(left) if *left > 0 => {
            *left -= 1;
            false
        }
        _ => true,
    };
    Report { findings: report.findings.into_iter().filter(is_new).collect(), ..report }
}

type Identity = (&'static str, String, String);

fn identity(finding: &Finding) -> Identity {
    (finding.code, finding.file.to_string(), without_lines(&finding.message))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::samples::report;

    #[test]
    fn only_what_is_new_is_left_wherever_the_rest_has_moved() {
        let before = report(&[("a.yml", "x: on\n")]);
        let after = report(&[("a.yml", "# moved\nx: on\ny: on\nz: off\n"), ("b.yml", "x: on\n")]);
        let left: Vec<String> = brought(after, &before)
            .findings
            .iter()
            .map(|finding| format!("{}:{}", finding.file, finding.at.line))
            .collect();
        assert_eq!(left, ["a.yml:3", "a.yml:4", "b.yml:1"]);
    }
}
