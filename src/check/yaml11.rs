//! Values that YAML 1.1 and 1.2 read differently, where they stand without quotes.
//!
//! layerd reads YAML 1.2; SnakeYAML, PyYAML and most editors read 1.1. Words of one letter (`y`, `n`) are left alone: the
//! 1.1 specification lists them, and next to no reader obeys it there.

use crate::config::layer::Data;
use crate::config::problem::Fault;
use crate::format::{self, Format};

use super::Text;

/// Words that are booleans in YAML 1.1 alone, with what they say.
const WORDS: [(&str, bool); 4] = [("yes", true), ("on", true), ("no", false), ("off", false)];

/// The longest scalar that is looked at; nothing of interest is as long.
const LONGEST: usize = 64;

/// Adds a fault for each scalar that the two versions read differently.
pub(super) fn check(text: &Text<'_>, faults: &mut Vec<Fault>) {
    // Under Spring's semantics YAML is read as version 1.1.
    if text.format != Format::Yaml || text.semantics.is_spring() || !may_differ(text.bytes) {
        return;
    }
    format::plain_scalars(text.bytes, text.limits, |scalar, data, at| {
        if let Some(other) = in_yaml11(scalar) {
            let message = format!("YAML 1.1 reads `{scalar}` as {other}, YAML 1.2 and layerd as {}", in_yaml12(data));
            let hint = format!("quote it (`\"{scalar}\"`) if it is a text, or spell it so that both agree");
            faults.push(Fault::warning("yaml-1-1", at, message).with_hint(hint));
        }
    });
}

/// A quick look at the words of a file, so that few need to be read a second time.
fn may_differ(bytes: &[u8]) -> bool {
    let is_edge = |byte: &u8| matches!(byte, b' ' | b'\t' | b'\r' | b'\n' | b',' | b'[' | b']' | b'{' | b'}');
    bytes.split(is_edge).any(|word| {
        let word = word.strip_suffix(b":").unwrap_or(word);
        let first = word.first().copied().unwrap_or_default();
        let may = matches!(first, b'0'..=b'9' | b'+' | b'-' | b'.' | b'y' | b'Y' | b'n' | b'N' | b'o' | b'O');
        may && word.len() <= LONGEST && std::str::from_utf8(word).is_ok_and(|word| in_yaml11(word).is_some())
    })
}

/// What YAML 1.1 makes of a plain scalar, if that is something else than in YAML 1.2.
fn in_yaml11(text: &str) -> Option<String> {
    if text.len() > LONGEST {
        return None;
    }
    if let Some((_, value)) = WORDS.iter().find(|(word, _)| is_cased(text, word)) {
        return Some(value.to_string());
    }
    let (sign, digits) = match text.split_at_checked(1) {
        Some(("-", digits)) => ("-", digits),
        Some(("+", digits)) => ("", digits),
        _ => ("", text),
    };
    if !digits.starts_with(|first: char| first.is_ascii_digit()) {
        return None;
    }
    integer(sign, digits).or_else(|| is_date(text).then(|| "a date".to_owned()))
}

/// The three ways in which YAML 1.1 allows a word: `yes`, `Yes`, `YES`.
fn is_cased(text: &str, word: &str) -> bool {
    text.eq_ignore_ascii_case(word) && {
        let rest = &text[1..];
        rest == &word[1..] || text.bytes().all(|byte| byte.is_ascii_uppercase())
    }
}

fn integer(sign: &str, digits: &str) -> Option<String> {
    let number = |value: i128| Some(format!("the number {sign}{value}"));
    let bare = digits.replace('_', "");
    if let Some(octal) = digits.strip_prefix("0o") {
        let is_octal = !octal.is_empty() && octal.bytes().all(|byte| (b'0'..=b'7').contains(&byte));
        return is_octal.then(|| "a text".to_owned());
    }
    if let Some(binary) = bare.strip_prefix("0b") {
        return i128::from_str_radix(binary, 2).ok().filter(|_| is_digits(binary)).and_then(number);
    }
    if let Some(hex) = bare.strip_prefix("0x").filter(|_| digits.contains('_')) {
        return i128::from_str_radix(hex, 16).ok().filter(|value| *value >= 0).and_then(number);
    }
    if is_sexagesimal(digits) {
        let places = bare.split(':').map(|place| place.parse::<i128>().unwrap_or_default());
        return number(places.fold(0, |value, place| value.saturating_mul(60).saturating_add(place)));
    }
    if bare.len() > 1 && bare.starts_with('0') && is_digits(&bare) {
        return match i128::from_str_radix(&bare, 8) {
            Ok(value) if value < 8 && !digits.contains('_') => None,
            Ok(value) => number(value),
            Err(_) => Some("a text".to_owned()),
        };
    }
    let (whole, fraction) = bare.split_once('.').unwrap_or((&bare, ""));
    let is_number = is_digits(whole) && (fraction.is_empty() || is_digits(fraction));
    (digits.contains('_') && is_number).then(|| format!("the number {sign}{bare}"))
}

fn is_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// `[1-9][0-9_]*(:[0-5]?[0-9])+`, so that `08:30` is none.
fn is_sexagesimal(digits: &str) -> bool {
    let mut places = digits.split(':');
    let first = places.next().unwrap_or_default();
    let is_place = |place: &str| is_digits(place) && (place.len() == 1 || (place.len() == 2 && place < "60"));
    digits.contains(':')
        && !first.starts_with(['0', '_'])
        && first.bytes().all(|byte| byte.is_ascii_digit() || byte == b'_')
        && places.all(is_place)
}

/// `2026-11-21`, with or without a time behind it.
fn is_date(text: &str) -> bool {
    let bytes = text.as_bytes();
    let is_day = bytes.len() >= 10
        && bytes[..10].iter().enumerate().all(|(at, byte)| match at {
            4 | 7 => *byte == b'-',
            _ => byte.is_ascii_digit(),
        });
    let time = bytes.get(10..).unwrap_or_default();
    let is_time = |byte: &u8| byte.is_ascii_digit() || b"Tt :.+-Zz".contains(byte);
    is_day && (time.is_empty() || (b"Tt ".contains(&time[0]) && time.contains(&b':') && time.iter().all(is_time)))
}

fn in_yaml12(data: &Data) -> String {
    match data {
        Data::Null => "null".to_owned(),
        Data::Bool(value) => value.to_string(),
        Data::Number(number) => format!("the number {number}"),
        Data::Text(_) | Data::List(_) | Data::Map(_) | Data::Secret(_) | Data::Foreign(_) => "a text".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::samples::report;

    fn other(text: &str) -> String {
        in_yaml11(text).unwrap_or_default()
    }

    #[test]
    fn each_is_told_with_what_both_versions_make_of_it() {
        let messages: Vec<String> =
            report(&[("user.yml", "a: [yes, 012, 12:30]\nno: 'on'\nb: !!str off\nc: |\n  yes\n")])
                .findings
                .into_iter()
                .map(|finding| format!("{}:{} {}", finding.at.line, finding.at.column, finding.message))
                .collect();
        let expected = [
            "1:5 YAML 1.1 reads `yes` as true, YAML 1.2 and layerd as a text",
            "1:10 YAML 1.1 reads `012` as the number 10, YAML 1.2 and layerd as the number 12",
            "1:15 YAML 1.1 reads `12:30` as the number 750, YAML 1.2 and layerd as a text",
            "2:1 YAML 1.1 reads `no` as false, YAML 1.2 and layerd as a text",
        ];
        assert_eq!(messages, expected);
    }

    #[test]
    fn what_only_one_version_takes_for_a_number_is_known() {
        let cases = [
            ("YES", "true"),
            ("Off", "false"),
            ("0o12", "a text"),
            ("-0b101", "the number -5"),
            ("0x_ff", "the number 255"),
            ("1_000", "the number 1000"),
            ("+1_000.5", "the number 1000.5"),
            ("010", "the number 8"),
            ("089", "a text"),
            ("1:20:30", "the number 4830"),
            ("2026-11-21", "a date"),
            ("2026-11-21T10:00:00Z", "a date"),
        ];
        for (text, expected) in cases {
            assert_eq!(other(text), expected, "{text}");
        }
    }

    #[test]
    fn what_both_read_alike_is_left_alone() {
        let alike = "yEs y n true null ~ 0 00 07 1 -1 12 1.5 1e3 0x1F 0x 0o8 0b2 0b 08:30 12:60 12:300 1:a 10.0.0.1 \
                     1_a _1 2026-1-1 2026-11-21x 2026-11-21T 1.2.3 12: :12 - + 1..2";
        for text in alike.split(' ') {
            assert_eq!(other(text), "", "{text}");
        }
        assert_eq!(other(&"1_".repeat(60)), "");
    }
}
