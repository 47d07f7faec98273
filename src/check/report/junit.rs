//! The report as JUnit XML, for systems that show tests: a case per finding, or one that passes if there is none.
//!
//! After the schema of Apache Ant's JUnit task. What does not make the check fail is a skipped case with its message.

use std::fmt::Write as _;

use crate::check::{Finding, Report};
use crate::config::foreign;
use crate::config::problem::Severity;

/// Spells a report; `prefix` stands before every path. `is_strict`: warnings fail too. `seconds`: how long the check took.
#[must_use]
pub fn write(report: &Report, prefix: &str, is_strict: bool, seconds: f64) -> String {
    let fails =
        |finding: &Finding| finding.severity == Severity::Error || (is_strict && finding.severity == Severity::Warning);
    let failures = report.findings.iter().filter(|finding| fails(finding)).count();
    let skipped = report.findings.len() - failures;
    let tests = report.findings.len().max(1);
    let time = jiff::Timestamp::from_second(report.committed_at).unwrap_or_default();
    let time = time.strftime("%Y-%m-%dT%H:%M:%S");
    let mut text = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites>\n<testsuite id=\"0\" package=\"layerd\" \
         name=\"layerd validate\" timestamp=\"{time}\" hostname=\"localhost\" tests=\"{tests}\" failures=\"{failures}\" \
         errors=\"0\" skipped=\"{skipped}\" time=\"{seconds:.3}\">\n<properties/>\n"
    );
    for finding in &report.findings {
        push(&mut text, finding, prefix, fails(finding));
    }
    if report.findings.is_empty() {
        let files = report.files;
        text.push_str(&format!(
            "<testcase classname=\"layerd\" name=\"nothing found in {files} files\" time=\"0\"/>\n"
        ));
    }
    text.push_str("<system-out/>\n<system-err/>\n</testsuite>\n</testsuites>\n");
    text
}

fn push(text: &mut String, finding: &Finding, prefix: &str, fails: bool) {
    let file = escape(&format!("{prefix}{}", finding.file));
    let (line, column, code, message) = (finding.at.line, finding.at.column, finding.code, escape(&finding.message));
    let hint = finding.hint.as_ref().map(|hint| escape(&format!("\nhint: {hint}"))).unwrap_or_default();
    let written = if fails {
        let place = format!("{file}:{line}:{column}: {message}{hint}");
        writeln!(
            text,
            "<testcase classname=\"{file}\" name=\"{code} {line}:{column}\" time=\"0\"><failure type=\"{code}\" \
             message=\"{message}\">{place}</failure></testcase>"
        )
    } else {
        writeln!(
            text,
            "<testcase classname=\"{file}\" name=\"{code} {line}:{column}\" time=\"0\"><skipped \
             message=\"{message}\"/></testcase>"
        )
    };
    written.expect("writing to a string cannot fail");
}

/// Text and attributes alike. XML 1.0 has no way to write most control characters.
fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for letter in foreign::lines(text).chars() {
        match letter {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\n' => out.push_str("&#10;"),
            letter => out.push(letter),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::samples;

    #[test]
    fn errors_fail_and_the_rest_is_skipped() {
        let report = samples::report(&[("a&b.yml", "a: on\n"), ("c.yml", "\"<\": 1\n\"<\": 2\n")]);
        let expected = "\
<?xml version=\"1.0\" encoding=\"UTF-8\"?>
<testsuites>
<testsuite id=\"0\" package=\"layerd\" name=\"layerd validate\" timestamp=\"2026-01-01T00:00:00\" hostname=\"localhost\" \
tests=\"2\" failures=\"1\" errors=\"0\" skipped=\"1\" time=\"0.250\">
<properties/>
<testcase classname=\"x/a&amp;b.yml\" name=\"yaml-1-1 1:4\" time=\"0\"><skipped message=\"YAML 1.1 reads `on` as true, \
YAML 1.2 and layerd as a text\"/></testcase>
<testcase classname=\"x/c.yml\" name=\"duplicate-key 2:1\" time=\"0\"><failure type=\"duplicate-key\" message=\"the key \
`&lt;` is given twice, first on line 1\">x/c.yml:2:1: the key `&lt;` is given twice, first on line 1&#10;hint: keep one \
of the two</failure></testcase>
<system-out/>
<system-err/>
</testsuite>
</testsuites>
";
        assert_eq!(write(&report, "x/", false, 0.25), expected);
        assert!(write(&report, "", true, 0.25).contains("failures=\"2\""));
    }

    #[test]
    fn nothing_found_is_a_case_that_passes() {
        let text = write(&samples::report(&[("a.yml", "a: 1\n")]), "", true, 0.25);
        assert!(
            text.contains("<testcase classname=\"layerd\" name=\"nothing found in 1 files\" time=\"0\"/>"),
            "{text}"
        );
        assert_eq!(escape("a\u{1b}\u{ffff}\t\u{202e}\"b\""), "a\\u{1b}\\u{ffff}\\t\\u{202e}&quot;b&quot;");
    }
}
