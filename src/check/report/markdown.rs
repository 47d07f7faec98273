//! The report as Markdown for the comment of a pull or merge request, and the pieces that such comments are made of.
//!
//! Whatever comes from a repository is written as code, so that it is neither markup nor a mention.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use crate::check::{Finding, Reach, Report};
use crate::config::foreign;
use crate::config::problem::Severity;

use super::Count;

/// The most characters of the report. Together with the differences, it fits one comment on GitHub: 65,536.
const MOST: usize = 10_000;

/// The most applications that are named for a finding, and the most characters of a message.
const NAMED: usize = 6;
const MESSAGE: usize = 500;

/// What a path in a link cannot hold as it is.
const PATH: &AsciiSet = &NON_ALPHANUMERIC.remove(b'/').remove(b'-').remove(b'_').remove(b'.').remove(b'~');

/// Spells a report: a heading, a sentence, and a list item for each finding, errors first. `prefix` stands before every
/// path; places are links below `link_base` if it is given.
#[must_use]
pub fn write(report: &Report, prefix: &str, link_base: Option<&str>) -> String {
    let count = Count::of(report);
    let many = |number: usize, noun: &str| format!("{number} {noun}{}", if number == 1 { "" } else { "s" });
    let counts = match report.findings.is_empty() {
        true => "✅ Nothing found".to_owned(),
        false => {
            let mark = if count.errors > 0 { "❌" } else { "⚠️" };
            let (errors, warnings) = (many(count.errors, "error"), many(count.warnings, "warning"));
            format!("{mark} **{errors}**, **{warnings}**, {}", many(count.infos, "note"))
        }
    };
    let checked = format!("{} of {}", many(report.files, "file"), many(report.applications, "application"));
    let mut page = Page::new(format!("### Validation\n\n{counts} in {checked}.\n"), MOST, "layerd validate");
    let mut findings: Vec<&Finding> = report.findings.iter().collect();
    findings.sort_by_key(|finding| std::cmp::Reverse(finding.severity));
    for (index, finding) in findings.into_iter().enumerate() {
        let first = if index == 0 { "\n" } else { "" };
        page.put(&format!("{first}{}", item(finding, prefix, link_base)));
    }
    page.end()
}

fn item(finding: &Finding, prefix: &str, link_base: Option<&str>) -> String {
    let mark = match finding.severity {
        Severity::Error => "❌",
        Severity::Warning => "⚠️",
        Severity::Info => "ℹ️",
    };
    let place = place(&format!("{prefix}{}", finding.file), finding.at.line, link_base);
    // Texts are cut before they are escaped, so that no entity is cut.
    let message = sentence(&foreign::line(&finding.message, MESSAGE));
    let reach = reached(&finding.applications);
    let hint = finding.hint.as_ref().map(|hint| format!("<br>hint: {}", sentence(&foreign::line(hint, MESSAGE))));
    format!("- {mark} {place} {message} ({}){reach}{}\n", code(finding.code), hint.unwrap_or_default())
}

fn reached(applications: &[Reach]) -> String {
    let one = |reach: &Reach| {
        let profiles: Vec<_> = reach.profiles.iter().take(NAMED).map(|profile| &**profile).collect();
        let more = if reach.profiles.len() > NAMED { ", …" } else { "" };
        format!("{} ({}{more})", code(&reach.application), code(&profiles.join(", ")))
    };
    let mut names: Vec<String> = applications.iter().take(NAMED).map(one).collect();
    if applications.len() > NAMED {
        names.push(format!("and {} more", applications.len() - NAMED));
    }
    if names.is_empty() { String::new() } else { format!(", reaches {}", names.join(", ")) }
}

/// A page of limited length: what does not fit is left out, counted and named at its end.
#[derive(Debug)]
pub(crate) struct Page {
    text: String,
    /// The most characters of the whole.
    most: usize,
    /// The command that shows all.
    command: &'static str,
    /// How many pieces found no room.
    left: usize,
}

impl Page {
    /// Room for the sentence about what was left out.
    const ROOM: usize = 200;

    /// Begins with a heading, which always fits.
    pub(crate) fn new(text: String, most: usize, command: &'static str) -> Self {
        Self { text, most, command, left: 0 }
    }

    /// Adds a piece, or counts it as left out.
    pub(crate) fn put(&mut self, piece: &str) {
        // What follows a piece that was left out would be read below the wrong heading.
        if self.left > 0 || self.text.chars().count() + piece.chars().count() > self.most - Self::ROOM {
            self.left += 1;
        } else {
            self.text.push_str(piece);
        }
    }

    /// The text, with how much is missing.
    pub(crate) fn end(mut self) -> String {
        if self.left > 0 {
            let more = format!("\n… and {} more; `{}` on the command line shows all.\n", self.left, self.command);
            self.text.push_str(&more);
        }
        self.text
    }
}

/// `file:line` as code, as a link to the line if there is something that links begin with.
pub(crate) fn place(file: &str, line: u32, link_base: Option<&str>) -> String {
    let place = code(&format!("{file}:{line}"));
    match link_base {
        Some(base) => format!("[{place}]({}/{}#L{line})", base.trim_end_matches('/'), utf8_percent_encode(file, PATH)),
        None => place,
    }
}

/// A sentence of layerd's own: what it quotes is code, and the rest, which may hold texts of others, has no markup.
fn sentence(text: &str) -> String {
    let escape = |text: &str| -> String {
        let entity = |character: char| match character.is_ascii_punctuation() && !",-()'.".contains(character) {
            true => format!("&#{};", u32::from(character)),
            false => character.to_string(),
        };
        // A dot within a word could make a link of it.
        text.chars().map(entity).collect::<String>().replace("www.", "www&#46;")
    };
    let parts = text.split('`').enumerate();
    parts.map(|(index, part)| if index % 2 == 0 { escape(part) } else { code(part) }).collect()
}

/// A text as code on one line, also in the cell of a table.
pub(crate) fn code(text: &str) -> String {
    let text = foreign::line(text, usize::MAX);
    if text.is_empty() {
        return String::new();
    }
    if !text.contains(['|', '`', '\\']) {
        return format!("`{text}`");
    }
    // A pipe ends a cell even in a code span, and what a backslash does depends on the reader.
    let entity = |character: char| match character.is_ascii_punctuation() {
        true => format!("&#{};", u32::from(character)),
        false => character.to_string(),
    };
    format!("<code>{}</code>", text.chars().map(entity).collect::<String>())
}

/// A text as code in HTML, where backticks are text.
pub(crate) fn tagged(text: &str) -> String {
    let text = foreign::line(text, usize::MAX);
    let escape = |character: char| match character.is_ascii_punctuation() && !"-_.".contains(character) {
        true => format!("&#{};", u32::from(character)),
        false => character.to_string(),
    };
    format!("<code>{}</code>", text.chars().map(escape).collect::<String>())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::samples;

    #[test]
    fn errors_come_first_each_with_its_place_code_and_hint() {
        let report = samples::report(&[("a b.yml", "a: on\n"), ("c.yml", "\"<\": 1\n\"<\": 2\n")]);
        let text = write(&report, "x/", Some("https://example.org/blob/1/"));
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(
            lines[..3],
            ["### Validation", "", "❌ **1 error**, **1 warning**, 0 notes in 2 files of 2 applications."]
        );
        assert!(
            lines[4]
                .starts_with("- ❌ [`x/c.yml:2`](https://example.org/blob/1/x/c.yml#L2) the key `<` is given twice"),
            "{}",
            lines[4]
        );
        assert!(lines[4].contains(" (`duplicate-key`), reaches `c` ("), "{}", lines[4]);
        assert!(
            lines[5].starts_with("- ⚠️ [`x/a b.yml:1`](https://example.org/blob/1/x/a%20b.yml#L1) "),
            "{}",
            lines[5]
        );
        assert!(lines[5].contains("<br>hint: "), "{}", lines[5]);
        assert_eq!(lines.len(), 6);
    }

    #[test]
    fn a_clean_report_says_what_was_checked() {
        let text = write(&samples::report(&[("a.yml", "a: 1\n")]), "", None);
        assert_eq!(text, "### Validation\n\n✅ Nothing found in 1 file of 1 application.\n");
    }

    #[test]
    fn very_many_findings_are_cut_and_counted() {
        let text: String = (0..1_000).map(|number| format!("key{number}: on\n")).collect();
        let text = write(&samples::report(&[("a.yml", &text)]), "", None);
        assert!(text.chars().count() <= MOST, "{}", text.len());
        assert!(
            text.ends_with(" more; `layerd validate` on the command line shows all.\n"),
            "{}",
            &text[text.len() - 90..]
        );
    }

    #[test]
    fn sentences_keep_what_they_quote_as_code_and_have_no_other_markup() {
        assert_eq!(sentence("`a|b` is not <b>, see @all."), "<code>a&#124;b</code> is not &#60;b&#62;, see &#64;all.");
        assert_eq!(sentence("see http://x and www.x"), "see http&#58;&#47;&#47;x and www&#46;x");
        assert_eq!(sentence("one ` is *open*"), "one ` is *open*`");
    }

    #[test]
    fn code_in_html_has_no_markup() {
        assert_eq!(tagged("eu-1"), "<code>eu-1</code>");
        assert_eq!(tagged("<b>`x`"), "<code>&#60;b&#62;&#96;x&#96;</code>");
    }

    #[test]
    fn nothing_from_a_repository_is_markup() {
        assert_eq!(code("a <b> @all *x*"), "`a <b> @all *x*`");
        assert_eq!(code("a|b"), "<code>a&#124;b</code>");
        assert_eq!(code("`x`\n@y"), "<code>&#96;x&#96;&#92;n&#64;y</code>");
        assert_eq!(code("a\\|b"), "<code>a&#92;&#124;b</code>");
    }

    #[test]
    fn a_page_never_grows_too_long_and_says_what_is_missing() {
        let mut page = Page::new(String::new(), 60_000, "layerd diff");
        (0..100).for_each(|_| page.put(&"ä".repeat(1_000)));
        page.put("short");
        let text = page.end();
        assert!(text.chars().count() <= 60_000);
        let end = "ä\n… and 42 more; `layerd diff` on the command line shows all.\n";
        assert!(text.ends_with(end), "{}", &text[text.len() - 90..]);
    }
}
