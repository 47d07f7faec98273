//! The report as commands of GitHub Actions: a line per finding, shown at the line of the file that it is about.
//!
//! Escapes as the runner undoes them: `%` and LF everywhere, `:` and `,` in properties as well.

use crate::check::{Finding, Report};
use crate::config::foreign;
use crate::config::problem::Severity;

/// Spells a report; `prefix` stands before every path.
#[must_use]
pub fn write(report: &Report, prefix: &str) -> String {
    report.findings.iter().map(|finding| one(finding, prefix)).collect()
}

fn one(finding: &Finding, prefix: &str) -> String {
    let level = match finding.severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Info => "notice",
    };
    let file = property(&format!("{prefix}{}", finding.file));
    let hint = finding.hint.as_ref().map(|hint| format!("\nhint: {hint}")).unwrap_or_default();
    let text = data(&format!("{}{hint}", finding.message));
    let (line, column) = (finding.at.line, finding.at.column);
    format!("::{level} file={file},line={line},col={column},title={}::{text}\n", property(finding.code))
}

fn data(text: &str) -> String {
    foreign::lines(text).replace('%', "%25").replace('\n', "%0A")
}

fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::samples;

    #[test]
    fn what_means_something_to_the_runner_is_escaped() {
        let report = samples::report(&[("100%,a:b.yml", "a: 12:30\n")]);
        let expected = "::warning file=config/100%25%2Ca%3Ab.yml,line=1,col=4,title=yaml-1-1::YAML 1.1 reads `12:30` as \
                        the number 750, YAML 1.2 and layerd as a text%0Ahint: quote it (`\"12:30\"`) if it is a text, or \
                        spell it so that both agree\n";
        assert_eq!(write(&report, "config/"), expected);
        assert_eq!(data("a\r\nb%\u{202e}"), "a\\r%0Ab%25\\u{202e}");
    }
}
