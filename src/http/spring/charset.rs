//! `Accept-Charset` as Spring's clients use it: it names the charset in which a text file is stored. Answers are UTF-8.

use axum::http::{HeaderMap, header};
use encoding_rs::{Encoding, UTF_8, UTF_16BE, UTF_16LE};

/// The text of a file. One that is UTF-8 is read so, whatever was asked: that cannot be by chance.
pub(super) fn text(bytes: &[u8], headers: &HeaderMap) -> String {
    let asked = headers.get(header::ACCEPT_CHARSET).and_then(|value| value.to_str().ok()).and_then(encoding);
    let is_wide = |encoding| encoding == UTF_16LE || encoding == UTF_16BE;
    match (asked, std::str::from_utf8(bytes)) {
        // Wide letters of ASCII are UTF-8 as well, each with a zero beside it.
        (Some(asked), Ok(_)) if is_wide(asked) && bytes.contains(&0) => asked.decode(bytes).0.into_owned(),
        (_, Ok(text)) => text.to_owned(),
        (asked, Err(_)) => asked.unwrap_or(UTF_8).decode(bytes).0.into_owned(),
    }
}

/// The first charset of the header that is known and is not UTF-8. Java reads `UTF-16` without a mark as big-endian.
fn encoding(value: &str) -> Option<&'static Encoding> {
    let names = value.split(',').filter_map(|part| part.split(';').next()).map(str::trim);
    let known = names.filter_map(|name| match name.eq_ignore_ascii_case("utf-16") {
        true => Some(UTF_16BE),
        false => Encoding::for_label(name.as_bytes()),
    });
    known.into_iter().find(|encoding| *encoding != UTF_8)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(bytes: &[u8], charset: &str) -> String {
        text(bytes, &[(header::ACCEPT_CHARSET, charset.parse().unwrap())].into_iter().collect())
    }

    #[test]
    fn a_file_is_read_in_the_charset_that_is_named() {
        assert_eq!(read(b"gr\xfc\xdfe", "iso-8859-1"), "grüße");
        assert_eq!(read(b"\x80 \xfc", "windows-1252"), "€ ü");
        assert_eq!(read(b"\xa4", "ISO-8859-15"), "€");
        assert_eq!(read(b"\xc5\xe4\xd6\xc3", "GBK"), "配置");
        assert_eq!(read(b"\xff\xfea\0\xfc\0", "UTF-16"), "aü");
        assert_eq!(read(b"\0a\0b", "utf-16"), "ab");
        assert_eq!(read(b"a\0b\0", "utf-16le"), "ab");
    }

    #[test]
    fn a_file_of_utf_8_is_read_so_and_so_is_one_of_an_unknown_charset() {
        assert_eq!(read("grüße".as_bytes(), "iso-8859-1"), "grüße");
        assert_eq!(read("grüße €".as_bytes(), "utf-8;q=0.9, *;q=0.1"), "grüße €");
        assert_eq!(read(b"gr\xfc", "nonsense"), "gr\u{fffd}");
        assert_eq!(read(b"gr\xfc", "utf-8, iso-8859-1;q=0.5"), "grü");
    }
}
