//! The text to seal in the body of a request: exactly what its sender meant, or a refusal where that cannot be known.
//!
//! `curl -d` calls every body a form, whether or not it is spelled as one. A body that reads alike either way is taken; one
//! that only an encoder makes is decoded; any other is refused, because a password sealed wrongly is found out too late.

use axum::http::{HeaderMap, header};
use percent_encoding::percent_decode_str;

/// Why the text of a body is not known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Unclear(pub(super) &'static str);

/// What is to be done about it.
pub(super) const HINT: &str = "send the value itself as `text/plain`, such as with \
    curl -H 'Content-Type: text/plain' --data-binary @-";

/// The media type without its parameters, in lower case; empty if there is none.
pub(super) fn media_type(headers: &HeaderMap) -> String {
    let value = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    value.split(';').next().unwrap_or_default().trim().to_ascii_lowercase()
}

/// True for the type that `curl -d` gives to every body.
pub(super) fn is_form(kind: &str) -> bool {
    kind == "application/x-www-form-urlencoded"
}

/// The text that a body stands for by its type.
pub(super) fn text(headers: &HeaderMap, body: &[u8]) -> Result<String, Unclear> {
    let text = std::str::from_utf8(body).map_err(|_| Unclear("the body is not UTF-8"))?;
    let kind = media_type(headers);
    if !text.is_ascii() && !is_utf8(headers) {
        return Err(Unclear("the Content-Type names another charset than UTF-8"));
    }
    match kind.as_str() {
        _ if text.is_empty() => Err(Unclear("the body is empty, and should be the value")),
        kind if is_form(kind) => of_form(text),
        kind if kind.starts_with("multipart/") => Err(Unclear("the body has several parts, and should be the value")),
        kind if is_json(kind) && text.trim_start().starts_with('"') => {
            Err(Unclear("the body is a JSON string, and its quotes may or may not be part of the value"))
        }
        _ => Ok(text.to_owned()),
    }
}

/// The text of a form without names: `%XX` and `+` decoded, if an encoder has spelled it.
fn of_form(text: &str) -> Result<String, Unclear> {
    let escapes = text.matches('%').count();
    let valid = text.match_indices('%').filter(|(at, _)| is_escape(&text.as_bytes()[*at..])).count();
    // A form of one name without a value is written with a `=` by some encoders.
    let name = if valid > 0 { text.strip_suffix('=').unwrap_or(text) } else { text };
    if name.contains(['&', '=']) {
        return Err(Unclear("the body is called a form, and a `&` or `=` in it may or may not be part of the value"));
    }
    if valid < escapes {
        return Err(Unclear("the body is called a form, and holds a `%` that no form would hold"));
    }
    if escapes == 0 && name.contains('+') {
        return Err(Unclear(
            "the body is called a form, in which a `+` stands for a blank, and may have been meant as it is",
        ));
    }
    let decoded = percent_decode_str(&name.replace('+', " ")).decode_utf8().map(std::borrow::Cow::into_owned);
    match decoded {
        Ok(text) if text.is_empty() => Err(Unclear("the body is empty, and should be the value")),
        Ok(text) => Ok(text),
        Err(_) => Err(Unclear("the body is a form whose text is not UTF-8")),
    }
}

fn is_escape(bytes: &[u8]) -> bool {
    bytes.get(1..3).is_some_and(|digits| digits.iter().all(u8::is_ascii_hexdigit))
}

fn is_json(kind: &str) -> bool {
    kind == "application/json" || kind.ends_with("+json")
}

/// True unless the type says that text beyond ASCII is spelled otherwise.
fn is_utf8(headers: &HeaderMap) -> bool {
    let value = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let charset = value.split(';').skip(1).find_map(|parameter| {
        let (name, value) = parameter.split_once('=')?;
        name.trim().eq_ignore_ascii_case("charset").then(|| value.trim().trim_matches('"'))
    });
    charset.is_none_or(|charset| ["utf-8", "utf8"].iter().any(|known| charset.eq_ignore_ascii_case(known)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(kind: &str, body: &[u8]) -> Result<String, &'static str> {
        let headers = HeaderMap::from_iter([(header::CONTENT_TYPE, kind.parse().unwrap())]);
        text(&headers, body).map_err(|Unclear(why)| why)
    }

    const FORM: &str = "application/x-www-form-urlencoded";

    #[test]
    fn what_an_encoder_spells_is_decoded_character_by_character() {
        for plain in
            ["a b%", "myp+ass/", "ü€🚀", "100%", "p/q:r", "x&y=z", "{cipher}", "line\nline", "=", "%41", " lead "]
        {
            let encoded: String =
                percent_encoding::utf8_percent_encode(plain, percent_encoding::NON_ALPHANUMERIC).to_string();
            assert_eq!(read(FORM, encoded.as_bytes()).as_deref(), Ok(plain), "{encoded}");
            assert_eq!(read(FORM, format!("{encoded}=").as_bytes()).as_deref(), Ok(plain), "{encoded}=");
            let plus = encoded.replace("%20", "+");
            if plus.contains('%') {
                assert_eq!(read(FORM, plus.as_bytes()).as_deref(), Ok(plain), "{plus}");
            }
        }
    }

    #[test]
    fn a_form_that_may_have_been_meant_as_it_is_is_refused() {
        for body in ["a+b", "a b&c", "a=b", "YWJj=", "YWI==", "100%", "50%zz%20", "=", "%ff", "%", "a&b%20c", "%3D=="] {
            assert!(read(FORM, body.as_bytes()).is_err(), "{body}");
            assert!(read(&format!("{FORM}; charset=UTF-8").to_uppercase(), body.as_bytes()).is_err(), "{body}");
            if body != "%ff" {
                assert_eq!(read("text/plain", body.as_bytes()).as_deref(), Ok(body));
            }
        }
        for body in ["secret", "0042", "1.10", "2024-01-01", "true", "ü", "{key:a}x", "a b\n"] {
            assert_eq!(read(FORM, body.as_bytes()).as_deref(), Ok(body));
        }
    }

    #[test]
    fn json_is_a_text_but_for_a_string_whose_quotes_are_in_doubt() {
        for body in ["{\"a\": 1}", "[\"a\"]", "0042", "{\"a\":{\"b\":\"}\"}}\n", "null"] {
            assert_eq!(read("application/json", body.as_bytes()).as_deref(), Ok(body));
        }
        for kind in ["application/json", "application/json;charset=utf-8", "application/problem+json"] {
            assert!(read(kind, b" \"x\"").is_err(), "{kind}");
        }
        assert_eq!(read("text/plain", b"\"x\"").as_deref(), Ok("\"x\""));
    }

    #[test]
    fn bytes_of_another_charset_and_parts_are_refused() {
        assert!(read("text/plain;charset=ISO-8859-1", "ü".as_bytes()).is_err());
        assert_eq!(read("text/plain;charset=ISO-8859-1", b"u").as_deref(), Ok("u"));
        assert_eq!(read("text/plain; Charset=\"utf-8\"", "ü=".as_bytes()).as_deref(), Ok("ü="));
        assert!(read("multipart/form-data; boundary=x", b"--x").is_err());
        assert_eq!(read("text/plain", b"\xff"), Err("the body is not UTF-8"));
        assert_eq!(read("text/plain", b""), Err("the body is empty, and should be the value"));
        assert_eq!(text(&HeaderMap::new(), b"x=+%").as_deref(), Ok("x=+%"));
    }
}
