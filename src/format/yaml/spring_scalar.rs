//! What the text of a scalar means to SnakeYAML with Spring's settings: YAML 1.1, in which `yes` is true, `010` is eight
//! and `12:30` is 750. Timestamps stay text unless they are tagged.

use std::borrow::Cow;
use std::sync::Arc;

use base64::Engine as _;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use jiff::civil::DateTime;
use jiff::tz::Offset;

use crate::config::layer::Data;
use crate::config::problem::{Fault, Position};
use crate::config::value::{Foreign, Number};
use crate::format::{java, number};

use super::events::{Core, Tag};
use super::scalar::{is_null, mismatch, split_digits, unknown_tag, unsigned};

/// Base64 whose padding may be left out.
const LENIENT: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// The value of a scalar at `at`. `plain`: written without quotes.
///
/// # Errors
/// `unknown-tag`, `tag-mismatch`, `number-too-long`.
pub(super) fn resolve(text: &str, plain: bool, tag: Tag, at: Position) -> Result<Data, Fault> {
    match tag {
        Tag::Absent if plain => Ok(plain_value(text, at)?.unwrap_or_else(|| to_text(text))),
        Tag::Absent | Tag::Unresolved | Tag::Core(Core::Text) => Ok(to_text(text)),
        Tag::Core(core) => tagged_value(text, core, at)?.ok_or_else(|| mismatch(core, at)),
        Tag::Steering(_) | Tag::Unknown => Err(unknown_tag(at)),
    }
}

/// The text of a key: what is no text stands in brackets.
///
/// # Errors
/// `null-key`.
pub(super) fn key_text(data: &Data, at: Position) -> Result<Cow<'_, str>, Fault> {
    Ok(match data {
        Data::Text(text) => Cow::Borrowed(text),
        Data::Bool(value) => Cow::Owned(format!("[{value}]")),
        Data::Number(value) => Cow::Owned(format!("[{}]", java::number(value))),
        Data::Foreign(foreign) => Cow::Owned(format!("[{}]", foreign.text())),
        Data::Null | Data::List(_) | Data::Map(_) | Data::Secret(_) => {
            return Err(Fault::error("null-key", at, "a key cannot be null").with_hint("quote the key"));
        }
    })
}

/// True if a plain scalar with this text would be read as something other than text.
pub(in crate::format) fn is_special(text: &str) -> bool {
    let at = Position::default();
    // Digits that make no octal number are read as text, and quoted all the same.
    let is_digits =
        unsigned(text).starts_with(|first: char| first.is_ascii_digit()) && split_loose(unsigned(text)).1.is_empty();
    text == "<<" || is_digits || is_time(text) || !matches!(plain_value(text, at), Ok(None))
}

fn to_text(text: &str) -> Data {
    Data::Text(Arc::from(text))
}

fn plain_value(text: &str, at: Position) -> Result<Option<Data>, Fault> {
    if is_null(text) {
        return Ok(Some(Data::Null));
    }
    if let Some(value) = to_bool(text) {
        return Ok(Some(Data::Bool(value)));
    }
    if !text.starts_with(|first: char| first.is_ascii_digit() || matches!(first, '+' | '-' | '.')) {
        return Ok(None);
    }
    let number = match integer(text, at)? {
        Some(integer) => Some(integer),
        None => float(text, at)?,
    };
    Ok(number.map(Data::Number))
}

fn tagged_value(text: &str, core: Core, at: Position) -> Result<Option<Data>, Fault> {
    Ok(match core {
        Core::Integer => integer(text, at)?.map(Data::Number),
        Core::Float => match float(text, at)? {
            Some(float) => Some(Data::Number(float)),
            None if split_digits(unsigned(text)).1.is_empty() => {
                text.parse().ok().map(|value| Data::Number(Number::Float(value)))
            }
            None => None,
        },
        Core::Bool => to_bool(text).map(Data::Bool),
        Core::Null => Some(Data::Null),
        Core::Text => Some(to_text(text)),
        Core::Binary => bytes(text),
        Core::Timestamp => time(text),
        Core::List | Core::Map => None,
    })
}

fn to_bool(text: &str) -> Option<bool> {
    match text {
        "yes" | "Yes" | "YES" | "true" | "True" | "TRUE" | "on" | "On" | "ON" => Some(true),
        "no" | "No" | "NO" | "false" | "False" | "FALSE" | "off" | "Off" | "OFF" => Some(false),
        _ => None,
    }
}

/// A sign, then `0b101`, `0x1F`, `017`, `1_000` or `12:30`; underscores may stand behind the first character of each.
fn integer(text: &str, at: Position) -> Result<Option<Number>, Fault> {
    let negative = text.starts_with('-');
    let digits = unsigned(text);
    let bare = |digits: &str| digits.replace('_', "");
    let number = if let Some(digits) = digits.strip_prefix("0b") {
        in_base(2, &bare(digits), negative, at)?
    } else if let Some(digits) = digits.strip_prefix("0x") {
        in_base(16, &bare(digits), negative, at)?
    } else if digits == "0" {
        Some(Number::Integer(0))
    } else if let Some(digits) = digits.strip_prefix('0') {
        in_base(8, &bare(digits), negative, at)?
    } else if !digits.starts_with(|first: char| first.is_ascii_digit()) {
        None
    } else if let Some((first, rest)) = digits.split_once(':') {
        sexagesimal(&bare(first), rest, negative)
    } else if digits.bytes().all(|byte| byte.is_ascii_digit() || byte == b'_') {
        Some(signed(number::integer(&bare(digits), at)?, negative))
    } else {
        None
    };
    Ok(number)
}

fn in_base(base: u32, digits: &str, negative: bool, at: Position) -> Result<Option<Number>, Fault> {
    if digits.is_empty() || !digits.chars().all(|digit| digit.is_digit(base)) {
        return Ok(None);
    }
    Ok(Some(signed(number::in_base(base, digits, at)?, negative)))
}

fn signed(number: Number, negative: bool) -> Number {
    match (negative, number) {
        (false, number) => number,
        (true, number) => Number::integer(&format!("-{number}")).unwrap_or(number),
    }
}

/// Digits in the base of 60, added up in 32 bits as SnakeYAML does.
fn sexagesimal(first: &str, rest: &str, negative: bool) -> Option<Number> {
    let mut value: i32 = first.parse().ok()?;
    for part in rest.split(':') {
        value = value.wrapping_mul(60).wrapping_add(i32::from(base_60_digit(part)?));
    }
    Some(signed(Number::Integer(i64::from(value)), negative))
}

/// One digit in the base of 60, written in decimal.
fn base_60_digit(part: &str) -> Option<u8> {
    let digits = !part.is_empty() && part.len() <= 2 && part.bytes().all(|byte| byte.is_ascii_digit());
    part.parse().ok().filter(|digit: &u8| digits && *digit < 60)
}

/// `1.5`, `1.`, `.5`, `1e3`, `190:20:30.15`, `.inf` and `.nan`, with underscores behind the first digit.
fn float(text: &str, at: Position) -> Result<Option<Number>, Fault> {
    match text {
        ".nan" | ".NaN" | ".NAN" => return Ok(Some(Number::Float(f64::NAN))),
        _ if matches!(unsigned(text), ".inf" | ".Inf" | ".INF") => {
            let infinity = if text.starts_with('-') { f64::NEG_INFINITY } else { f64::INFINITY };
            return Ok(Some(Number::Float(infinity)));
        }
        _ => {}
    }
    if let Some((whole, fraction)) = unsigned(text).rsplit_once('.').filter(|(whole, _)| whole.contains(':')) {
        return Ok(sexagesimal_float(whole, fraction, text.starts_with('-')));
    }
    if !is_float(unsigned(text)) {
        return Ok(None);
    }
    number::refuse_long(text, at)?;
    Ok(text.replace('_', "").parse().ok().map(Number::Float))
}

fn is_float(text: &str) -> bool {
    let (whole, rest) = split_loose(text);
    let (fraction, rest) = rest.strip_prefix('.').map_or((None, rest), |rest| {
        let (fraction, rest) = split_loose(rest);
        (Some(fraction), rest)
    });
    let has_digits = match fraction {
        Some(fraction) if whole.is_empty() => fraction.starts_with(|first: char| first.is_ascii_digit()),
        _ => whole.starts_with(|first: char| first.is_ascii_digit()),
    };
    let has_end = match rest.strip_prefix(['e', 'E']) {
        Some(exponent) => {
            let (digits, rest) = split_digits(unsigned(exponent));
            !digits.is_empty() && rest.is_empty()
        }
        None => rest.is_empty() && fraction.is_some(),
    };
    has_digits && has_end
}

/// Digits and underscores at the start of a text, and the rest.
fn split_loose(text: &str) -> (&str, &str) {
    text.split_at(text.bytes().take_while(|byte| byte.is_ascii_digit() || *byte == b'_').count())
}

fn sexagesimal_float(whole: &str, fraction: &str, negative: bool) -> Option<Number> {
    let is_fraction = fraction.bytes().all(|byte| byte.is_ascii_digit() || byte == b'_');
    let mut parts = whole.split(':');
    let first = parts.next().filter(|first| first.starts_with(|digit: char| digit.is_ascii_digit()))?;
    let mut places = vec![first.replace('_', "").parse::<f64>().ok().filter(|_| is_fraction)?];
    for part in parts {
        places.push(f64::from(base_60_digit(part)?));
    }
    let seconds = format!("{}.{}", places.pop()?, fraction.replace('_', "")).parse::<f64>().ok()?;
    let (mut value, mut base) = (seconds, 60.0);
    for place in places.iter().rev() {
        value += place * base;
        base *= 60.0;
    }
    Some(Number::Float(if negative { -value } else { value }))
}

fn bytes(text: &str) -> Option<Data> {
    let bare: String = text.chars().filter(|character| !character.is_whitespace()).collect();
    let bytes = LENIENT.decode(bare).ok()?;
    let text = base64::engine::general_purpose::STANDARD.encode(bytes);
    Some(Data::Foreign(Foreign::Bytes(Arc::from(text))))
}

/// True for a text that SnakeYAML's own resolver takes for a time.
fn is_time(text: &str) -> bool {
    let Some((date, clock)) = split_time(text) else { return false };
    let is_short = |part: &str, most: usize| !part.is_empty() && part.len() <= most && is_digits(part);
    let parts: Vec<&str> = date.split('-').collect();
    let [year, month, day] = parts[..] else { return false };
    let exact = year.len() == 4 && is_digits(year) && month.len() == 2 && day.len() == 2;
    match clock {
        None => exact && is_digits(month) && is_digits(day),
        Some(clock) => {
            year.len() == 4 && is_digits(year) && is_short(month, 2) && is_short(day, 2) && clock_parts(clock).is_some()
        }
    }
}

/// Hours, minutes, seconds, the digits of the fraction, and the offset in minutes.
type Clock<'a> = (i8, i8, i8, &'a str, i32);

fn split_time(text: &str) -> Option<(&str, Option<&str>)> {
    if !text.starts_with(|first: char| first.is_ascii_digit()) {
        return None;
    }
    Some(match text.find(['T', 't', ' ', '\t']) {
        None => (text, None),
        Some(at) if matches!(text.as_bytes()[at], b'T' | b't') => (&text[..at], Some(&text[at + 1..])),
        Some(at) => (&text[..at], Some(text[at..].trim_start_matches([' ', '\t']))),
    })
}

fn clock_parts(clock: &str) -> Option<Clock<'_>> {
    let end = clock.find(|character: char| !character.is_ascii_digit() && character != ':').unwrap_or(clock.len());
    let (time, rest) = clock.split_at(end);
    let parts: Vec<&str> = time.split(':').collect();
    let [hours, minutes, seconds] = parts[..] else { return None };
    let is_clock = (1..=2).contains(&hours.len()) && minutes.len() == 2 && seconds.len() == 2;
    let (fraction, rest) = rest.strip_prefix('.').map_or(("", rest), split_digits);
    let zone = rest.trim_start_matches([' ', '\t']);
    let offset = match zone {
        "" if rest.is_empty() => 0,
        "Z" => 0,
        _ => {
            let sign = if zone.starts_with('-') { -1 } else { 1 };
            let offset = zone.strip_prefix(['+', '-'])?;
            let (hours, minutes) = offset.split_once(':').unwrap_or((offset, "00"));
            let fits = (1..=2).contains(&hours.len()) && minutes.len() == 2 && is_digits(hours) && is_digits(minutes);
            sign * (hours.parse::<i32>().ok().filter(|_| fits)? * 60 + minutes.parse::<i32>().ok()?)
        }
    };
    let part = |text: &str| text.parse().ok().filter(|_| is_clock && is_digits(text));
    Some((part(hours)?, part(minutes)?, part(seconds)?, fraction, offset))
}

fn is_digits(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_digit())
}

fn time(text: &str) -> Option<Data> {
    let (date, clock) = split_time(text).filter(|_| is_time(text))?;
    let mut parts = date.split('-');
    let (year, month, day) = (parts.next()?.parse().ok()?, parts.next()?.parse().ok()?, parts.next()?.parse().ok()?);
    let (hours, minutes, seconds, fraction, offset) = clock.map_or(Some((0, 0, 0, "", 0)), clock_parts)?;
    let nanoseconds = format!("{fraction:0<9}").get(..9)?.parse().ok()?;
    let local = DateTime::new(year, month, day, hours, minutes, seconds, nanoseconds).ok()?;
    let instant = Offset::from_seconds(offset * 60).ok()?.to_timestamp(local).ok()?;
    let utc = Offset::UTC.to_datetime(instant);
    Some(Data::Foreign(Foreign::Time(Arc::from(utc.strftime("%Y-%m-%dT%H:%M:%S%.3fZ").to_string()))))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str, plain: bool, tag: Tag) -> String {
        match resolve(text, plain, tag, Position::new(1, 1)) {
            Ok(Data::Text(text)) => format!("text {text}"),
            Ok(Data::Number(number)) => format!("number {}", java::number(&number)),
            Ok(Data::Foreign(foreign)) => format!("foreign {}", foreign.text()),
            Ok(other) => format!("{other:?}").to_lowercase(),
            Err(fault) => fault.code.to_owned(),
        }
    }

    #[test]
    fn plain_scalars_follow_yaml_1_1() {
        for (text, expected) in [
            ("", "null"),
            ("~", "null"),
            ("nULL", "text nULL"),
            ("yes", "bool(true)"),
            ("OFF", "bool(false)"),
            ("yES", "text yES"),
            ("y", "text y"),
            ("010", "number 8"),
            ("-010", "number -8"),
            ("089", "text 089"),
            ("0o17", "text 0o17"),
            ("-0xff", "number -255"),
            ("0XFF", "text 0XFF"),
            ("0x_FF", "number 255"),
            ("0x", "text 0x"),
            ("0b1_01", "number 5"),
            ("1_000", "number 1000"),
            ("1_", "number 1"),
            ("_1", "text _1"),
            ("+5", "number 5"),
            ("-0", "number 0"),
            ("123456789012345678901234567890", "number 123456789012345678901234567890"),
            ("12:30:45", "number 45045"),
            ("-1:30", "number -90"),
            ("1:60", "text 1:60"),
            ("8080:80", "text 8080:80"),
            ("9999999999:00", "text 9999999999:00"),
            ("190:20:30.15", "number 685230.15"),
            ("1.", "number 1.0"),
            ("-.5", "number -0.5"),
            (".", "text ."),
            ("._", "text ._"),
            ("1e3", "number 1000.0"),
            ("1.0e+3", "number 1000.0"),
            ("1e", "text 1e"),
            ("1_000.5", "number 1000.5"),
            ("123e4567", "number Infinity"),
            ("-.INF", "number -Infinity"),
            (".NaN", "number NaN"),
            ("1.2.3", "text 1.2.3"),
            ("2024-02-29", "text 2024-02-29"),
            ("١", "text ١"),
        ] {
            assert_eq!(shown(text, true, Tag::Absent), expected, "{text}");
            assert_eq!(shown(text, false, Tag::Absent), format!("text {text}"));
            assert_eq!(shown(text, true, Tag::Core(Core::Text)), format!("text {text}"));
        }
        assert_eq!(shown(&format!("1{}", "0".repeat(2_000)), true, Tag::Absent), "number-too-long");
    }

    #[test]
    fn tags_of_yaml_1_1_are_enforced() {
        for (text, core, expected) in [
            ("12", Core::Integer, "number 12"),
            ("x", Core::Integer, "tag-mismatch"),
            ("5", Core::Float, "number 5.0"),
            ("yes", Core::Bool, "bool(true)"),
            ("x", Core::Null, "null"),
            ("aGVs bG8", Core::Binary, "foreign aGVsbG8="),
            ("&&", Core::Binary, "tag-mismatch"),
            ("2024-02-29", Core::Timestamp, "foreign 2024-02-29T00:00:00.000Z"),
            ("2024-2-9 1:02:03.5 +02:00", Core::Timestamp, "foreign 2024-02-08T23:02:03.500Z"),
            ("2024-02-09t01:02:03Z", Core::Timestamp, "foreign 2024-02-09T01:02:03.000Z"),
            ("2024-02-30", Core::Timestamp, "tag-mismatch"),
            ("now", Core::Timestamp, "tag-mismatch"),
            ("x", Core::List, "tag-mismatch"),
        ] {
            assert_eq!(shown(text, false, Tag::Core(core)), expected, "{text}");
        }
        assert_eq!(shown("x", true, Tag::Unknown), "unknown-tag");
        assert_eq!(shown("x", true, Tag::Steering(crate::config::layer::Tag::Unset)), "unknown-tag");
    }

    #[test]
    fn keys_that_are_no_text_stand_in_brackets() {
        let key = |text| {
            let data = resolve(text, true, Tag::Absent, Position::default()).unwrap();
            key_text(&data, Position::default()).map_or_else(|fault| fault.code.to_owned(), Cow::into_owned)
        };
        assert_eq!(["a", "1", "1.5", "off", "0x10", ""].map(key), ["a", "[1]", "[1.5]", "[false]", "[16]", "null-key"]);
    }
}
