//! What the text of a scalar means: the core schema of YAML 1.2, core tags enforced, and the text of a key.
//!
//! `yes` is a text, `0123` is the integer 123 and `12:30` is a text. What steers a merge is not looked at here.

use std::borrow::Cow;
use std::sync::Arc;

use crate::config::layer::Data;
use crate::config::problem::{Fault, Position};
use crate::format::number;

use super::events::{Core, Tag};

/// The value of a scalar at `at`. `plain`: written without quotes.
///
/// # Errors
/// `unknown-tag`, `tag-mismatch`, `not-finite` and what is wrong with a number.
pub(super) fn resolve(text: &str, plain: bool, tag: Tag, at: Position) -> Result<Data, Fault> {
    match tag {
        Tag::Absent | Tag::Steering(_) if plain => plain_value(text, at),
        Tag::Absent | Tag::Steering(_) | Tag::Unresolved | Tag::Core(Core::Text) => Ok(to_text(text)),
        Tag::Core(Core::Binary | Core::Timestamp) | Tag::Unknown => Err(unknown_tag(at)),
        Tag::Core(core) => tagged_value(text, core, at),
    }
}

/// The fault of a tag that is neither of the core schema nor one of ours. Its name is not shown: `password: !x7` is
/// a tag to YAML.
pub(super) fn unknown_tag(at: Position) -> Fault {
    Fault::error("unknown-tag", at, "the tag before this value is unknown").with_hint(
        "use `!append`, `!prepend`, `!replace`, `!unset` or none, and quote a value that is to begin with `!`",
    )
}

/// The fault of a core tag before a value that it does not fit.
pub(super) fn mismatch(core: Core, at: Position) -> Fault {
    let (tag, wanted) = match core {
        Core::Text => ("!!str", "a text"),
        Core::Integer => ("!!int", "an integer"),
        Core::Float => ("!!float", "a number"),
        Core::Bool => ("!!bool", "`true` or `false`"),
        Core::Null => ("!!null", "null or nothing"),
        Core::List => ("!!seq", "a list"),
        Core::Map => ("!!map", "a map"),
        Core::Binary => ("!!binary", "base64"),
        Core::Timestamp => ("!!timestamp", "a date or a time"),
    };
    Fault::error("tag-mismatch", at, format!("the value after `{tag}` is not {wanted}")).with_hint("remove the tag")
}

/// The text of a key, spelled as the JSON answer spells the value that it is; `None` for a list or map.
pub(super) fn key_text(data: &Data) -> Option<Cow<'_, str>> {
    Some(match data {
        Data::Null => Cow::Borrowed("null"),
        Data::Bool(value) => Cow::Borrowed(if *value { "true" } else { "false" }),
        Data::Number(value) => Cow::Owned(value.to_string()),
        Data::Text(text) => Cow::Borrowed(text),
        // No reader makes secrets, and the core schema has nothing foreign.
        Data::List(_) | Data::Map(_) | Data::Secret(_) | Data::Foreign(_) => return None,
    })
}

fn plain_value(text: &str, at: Position) -> Result<Data, Fault> {
    if is_null(text) {
        return Ok(Data::Null);
    }
    if let Some(value) = to_bool(text) {
        return Ok(Data::Bool(value));
    }
    Ok(to_number(text, at)?.unwrap_or_else(|| to_text(text)))
}

fn tagged_value(text: &str, core: Core, at: Position) -> Result<Data, Fault> {
    let value = match core {
        Core::Integer if is_integer(text) => to_number(text, at)?,
        Core::Float if is_float(text) => Some(Data::Number(number::float(text, at)?)),
        Core::Float => to_number(text, at)?.filter(|_| not_finite(text).is_some()),
        Core::Bool => to_bool(text).map(Data::Bool),
        Core::Null => is_null(text).then_some(Data::Null),
        Core::Text => Some(to_text(text)),
        Core::Integer | Core::List | Core::Map | Core::Binary | Core::Timestamp => None,
    };
    value.ok_or_else(|| mismatch(core, at))
}

fn to_text(text: &str) -> Data {
    Data::Text(Arc::from(text))
}

pub(super) fn is_null(text: &str) -> bool {
    matches!(text, "" | "~" | "null" | "Null" | "NULL")
}

fn to_bool(text: &str) -> Option<bool> {
    match text {
        "true" | "True" | "TRUE" => Some(true),
        "false" | "False" | "FALSE" => Some(false),
        _ => None,
    }
}

fn to_number(text: &str, at: Position) -> Result<Option<Data>, Fault> {
    if !text.starts_with(|first: char| first.is_ascii_digit() || matches!(first, '+' | '-' | '.')) {
        return Ok(None);
    }
    let number = if let Some((base, digits)) = in_base(text) {
        number::in_base(base, digits, at)?
    } else if is_integer(text) {
        number::integer(text, at)?
    } else if is_float(text) {
        number::float(text, at)?
    } else if let Some(what) = not_finite(text) {
        return Err(Fault::error("not-finite", at, format!("{what} cannot be spelled in JSON and most other formats"))
            .with_hint("quote it if it is a text"));
    } else {
        return Ok(None);
    };
    Ok(Some(Data::Number(number)))
}

/// Base and digits of `0o17` and `0x1f`.
fn in_base(text: &str) -> Option<(u32, &str)> {
    let (base, digits) = match text.strip_prefix("0o") {
        Some(digits) => (8, digits),
        None => (16, text.strip_prefix("0x")?),
    };
    (!digits.is_empty() && digits.chars().all(|digit| digit.is_digit(base))).then_some((base, digits))
}

/// `[-+]?[0-9]+`, `0o[0-7]+` or `0x[0-9a-fA-F]+`.
fn is_integer(text: &str) -> bool {
    let (digits, rest) = split_digits(unsigned(text));
    in_base(text).is_some() || (!digits.is_empty() && rest.is_empty())
}

/// `[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?`.
fn is_float(text: &str) -> bool {
    let (whole, rest) = split_digits(unsigned(text));
    let (fraction, rest) = rest.strip_prefix('.').map_or(("", rest), split_digits);
    if whole.is_empty() && fraction.is_empty() {
        return false;
    }
    match rest.strip_prefix(['e', 'E']) {
        Some(exponent) => {
            let (digits, rest) = split_digits(unsigned(exponent));
            !digits.is_empty() && rest.is_empty()
        }
        None => rest.is_empty(),
    }
}

/// The name of the value that `.inf` or `.nan`, in the spellings of the core schema, stands for.
fn not_finite(text: &str) -> Option<&'static str> {
    match text {
        ".nan" | ".NaN" | ".NAN" => Some("not-a-number"),
        _ => matches!(unsigned(text), ".inf" | ".Inf" | ".INF").then_some("infinity"),
    }
}

pub(super) fn unsigned(text: &str) -> &str {
    text.strip_prefix(['-', '+']).unwrap_or(text)
}

pub(super) fn split_digits(text: &str) -> (&str, &str) {
    text.split_at(text.bytes().take_while(u8::is_ascii_digit).count())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str, plain: bool, tag: Tag) -> String {
        match resolve(text, plain, tag, Position::new(1, 1)) {
            Ok(Data::Text(text)) => format!("text {text}"),
            Ok(Data::Number(number)) => format!("number {number}"),
            Ok(other) => format!("{other:?}").to_lowercase(),
            Err(fault) => fault.code.to_owned(),
        }
    }

    #[test]
    fn plain_scalars_follow_the_core_schema() {
        for (text, expected) in [
            ("", "null"),
            ("~", "null"),
            ("Null", "null"),
            ("nULL", "text nULL"),
            ("True", "bool(true)"),
            ("FALSE", "bool(false)"),
            ("tRuE", "text tRuE"),
            ("yes", "text yes"),
            ("off", "text off"),
            ("0123", "number 123"),
            ("-0", "number 0"),
            ("+7", "number 7"),
            ("089", "number 89"),
            ("0o17", "number 15"),
            ("0x1F", "number 31"),
            ("-0x1F", "text -0x1F"),
            ("0o8", "text 0o8"),
            ("0x", "text 0x"),
            ("0b101", "text 0b101"),
            ("1_000", "text 1_000"),
            ("18446744073709551616", "number 18446744073709551616"),
            ("1e3", "number 1000.0"),
            ("1.", "number 1.0"),
            (".5", "number 0.5"),
            ("-1.5E-1", "number -0.15"),
            (".", "text ."),
            ("1e", "text 1e"),
            ("e3", "text e3"),
            ("-", "text -"),
            ("+.e1", "text +.e1"),
            ("1.2.3", "text 1.2.3"),
            ("12:30", "text 12:30"),
            ("2001-12-14", "text 2001-12-14"),
            ("inf", "text inf"),
            ("nan", "text nan"),
            (".inf", "not-finite"),
            ("-.INF", "not-finite"),
            (".NaN", "not-finite"),
            ("+.nan", "text +.nan"),
            ("1e400", "number-too-large"),
            ("١", "text ١"),
        ] {
            assert_eq!(shown(text, true, Tag::Absent), expected, "{text}");
        }
    }

    #[test]
    fn quoted_scalars_are_text() {
        for text in ["", "null", "true", "1", ".inf"] {
            assert_eq!(shown(text, false, Tag::Absent), format!("text {text}"));
            assert_eq!(shown(text, true, Tag::Unresolved), format!("text {text}"));
            assert_eq!(shown(text, true, Tag::Core(Core::Text)), format!("text {text}"));
        }
    }

    #[test]
    fn core_tags_are_enforced() {
        for (text, core, expected) in [
            ("12", Core::Integer, "number 12"),
            ("0x10", Core::Integer, "number 16"),
            ("1.5", Core::Integer, "tag-mismatch"),
            ("1", Core::Float, "number 1.0"),
            ("1e3", Core::Float, "number 1000.0"),
            (".inf", Core::Float, "not-finite"),
            ("0x10", Core::Float, "tag-mismatch"),
            ("x", Core::Float, "tag-mismatch"),
            ("true", Core::Bool, "bool(true)"),
            ("yes", Core::Bool, "tag-mismatch"),
            ("", Core::Null, "null"),
            ("x", Core::Null, "tag-mismatch"),
            ("x", Core::List, "tag-mismatch"),
            ("x", Core::Map, "tag-mismatch"),
        ] {
            assert_eq!(shown(text, false, Tag::Core(core)), expected, "{text}");
        }
    }
}
