//! The report for people: each finding with the line that it is about, whom it reaches, and what to do.

use annotate_snippets::renderer::DecorStyle;
use annotate_snippets::{AnnotationKind, Group, Level, Origin, Renderer, Snippet};

use crate::check::{Finding, Reach, Report};
use crate::config::foreign;
use crate::config::problem::{Position, Severity};
use crate::config::value::STARS;

/// So many applications are named; of the others it is said how many they are.
const NAMED: usize = 5;

/// So much of a line is shown around the place that matters.
const WIDTH: usize = 140;

/// Spells a report. `source` gives the bytes of a file by its path; `prefix` stands before every path.
#[must_use]
pub fn write<'a>(
    report: &Report,
    prefix: &str,
    is_coloured: bool,
    source: impl Fn(&str) -> Option<&'a [u8]>,
) -> String {
    let renderer = if is_coloured { Renderer::styled() } else { Renderer::plain() };
    let renderer = renderer.decor_style(DecorStyle::Ascii);
    let mut text = String::new();
    let mut lines = Lines::default();
    for finding in &report.findings {
        if lines.path != Some(&*finding.file) {
            lines = Lines::of(&finding.file, source(&finding.file));
        }
        text.push_str(&renderer.render(&[group(finding, prefix, &mut lines)]));
        text.push_str("\n\n");
    }
    text
}

/// The lines of a file, found once for all findings in it.
#[derive(Default)]
struct Lines<'a> {
    path: Option<&'a str>,
    lines: Vec<&'a [u8]>,
    /// The line that was asked for last, and its characters: there may be many findings in a long one.
    last: Option<(usize, Vec<char>)>,
    /// How many bytes were made characters.
    #[cfg(test)]
    read: usize,
}

impl<'a> Lines<'a> {
    fn of(path: &'a str, bytes: Option<&'a [u8]>) -> Self {
        let lines = bytes.map(|bytes| bytes.split(|byte| *byte == b'\n').collect()).unwrap_or_default();
        Self { path: Some(path), lines, ..Self::default() }
    }

    /// The characters of a line as they are shown.
    fn get(&mut self, index: usize) -> Option<&[char]> {
        if self.last.as_ref().is_none_or(|(last, _)| *last != index) {
            let line = self.lines.get(index)?;
            #[cfg(test)]
            {
                self.read += line.len();
            }
            let text = foreign::columns(String::from_utf8_lossy(line).trim_end().trim_start_matches('\u{feff}'));
            self.last = Some((index, text.chars().collect()));
        }
        self.last.as_ref().map(|(_, line)| line.as_slice())
    }
}

fn group<'a>(finding: &'a Finding, prefix: &str, lines: &mut Lines<'_>) -> Group<'a> {
    let level = match finding.severity {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
        Severity::Info => Level::INFO,
    };
    let path = plain(&format!("{prefix}{}", finding.file));
    let group = level.primary_title(plain(&finding.message)).id(finding.code);
    let group = match excerpt(lines, finding.at, finding.secret_from) {
        Some((line, at)) => group.element(
            Snippet::source(line)
                .line_start(finding.at.line as usize)
                .path(path)
                .annotation(AnnotationKind::Primary.span(at)),
        ),
        None => group.element(Origin::path(path).line(finding.at.line as usize)),
    };
    let reached = reached(&finding.applications);
    let group = match reached.is_empty() {
        true => group,
        false => group.element(Level::NOTE.message(plain(&reached))),
    };
    match &finding.hint {
        Some(hint) => group.element(Level::HELP.message(plain(hint))),
        None => group,
    }
}

/// The line of a place, cut to what matters and up to a secret, and the bytes of the word that begins there;
/// `None` if there is no such line, or a secret stands before the place.
fn excerpt(lines: &mut Lines<'_>, at: Position, secret_from: Option<u32>) -> Option<(String, std::ops::Range<usize>)> {
    let line = lines.get(at.line.checked_sub(1)? as usize)?;
    let secret = secret_from.and_then(|column| column.checked_sub(1)).map_or(usize::MAX, |column| column as usize);
    let (line, stars) = if secret < line.len() { (&line[..secret], STARS) } else { (line, "") };
    let column = at.column.checked_sub(1)? as usize;
    if column > secret {
        return None;
    }
    // Columns stay what they are unless the line is too long to be shown.
    let skipped = if column > WIDTH { column - WIDTH / 2 } else { 0 };
    let before = line.get(skipped..).unwrap_or_default();
    let stars = stars.chars().skip(skipped.saturating_sub(line.len()));
    let shown: String = before.iter().copied().chain(stars).take(WIDTH).collect();
    let start = shown.char_indices().nth(column - skipped).map_or(shown.len(), |(at, _)| at);
    let word = shown[start..].find([' ', ',', ']', '}']).unwrap_or(shown.len() - start).max(1);
    let end = shown[start..].char_indices().map(|(at, letter)| at + letter.len_utf8()).find(|end| *end >= word);
    let end = start + end.unwrap_or(0);
    Some((shown, start..end))
}

fn reached(applications: &[Reach]) -> String {
    let one = |reach: &Reach| format!("{} ({})", reach.application, reach.profiles.join(", "));
    let mut names: Vec<String> = applications.iter().take(NAMED).map(one).collect();
    if applications.len() > NAMED {
        names.push(format!("and {} more", applications.len() - NAMED));
    }
    if names.is_empty() { String::new() } else { format!("reaches {}", names.join(", ")) }
}

/// A text of others on one line, without what steers a terminal.
fn plain(text: &str) -> String {
    foreign::line(text, usize::MAX).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::samples;

    #[test]
    fn a_finding_is_shown_with_its_line() {
        let text = "shop:\n  opening: 12:30 # \u{feff}\tx\n";
        let report = samples::report(&[("user.yml", text)]);
        let shown = write(&report, "config/", false, |_| Some(text.as_bytes()));
        let expected = "\
warning[yaml-1-1]: YAML 1.1 reads `12:30` as the number 750, YAML 1.2 and layerd as a text
 --> config/user.yml:2:12
  |
2 |   opening: 12:30 # \u{fffd} x
  |            ^^^^^
  |
  = note: reaches user (default)
  = help: quote it (`\"12:30\"`) if it is a text, or spell it so that both agree

";
        assert_eq!(shown, expected);
        assert!(write(&report, "", true, |_| None).contains('\u{1b}'));
    }

    #[test]
    fn a_place_beyond_the_text_is_shown_as_far_as_it_goes() {
        for (line, column) in [(1, 1), (1, 3), (1, 99), (2, 1), (9, 9), (0, 0)] {
            let found = excerpt(&mut Lines::of("", Some("aü".as_bytes())), Position::new(line, column), None);
            assert!(found.is_none_or(|(line, at)| line.get(at).is_some()), "{line}:{column}");
        }
        let text = "é".repeat(1_000);
        let mut lines = Lines::of("", Some(text.as_bytes()));
        let (line, at) = excerpt(&mut lines, Position::new(1, 900), None).unwrap();
        assert_eq!((line.chars().count(), at), (WIDTH, WIDTH..2 * WIDTH));
    }

    #[test]
    fn each_line_is_read_once_for_all_findings_in_it() {
        let text = "a: 1, ".repeat(1_000) + "\nb\n";
        let mut lines = Lines::of("", Some(text.as_bytes()));
        for column in 1..5_000 {
            assert!(excerpt(&mut lines, Position::new(1, column), None).is_some());
        }
        assert!(excerpt(&mut lines, Position::new(2, 1), None).is_some());
        assert_eq!((lines.read, lines.lines.len()), (6_001, 3));
    }

    #[test]
    fn many_applications_are_counted() {
        let reach = |number: usize| Reach { application: format!("s{number}").into(), profiles: vec!["p".into()] };
        let all: Vec<Reach> = (0..7).map(reach).collect();
        assert_eq!(reached(&all), "reaches s0 (p), s1 (p), s2 (p), s3 (p), s4 (p), and 2 more");
    }
}
