//! The `Accept` header as Spring reads it: which type an answer has, and which type an error has.
//!
//! Layerd's own reading is in `etag.rs`; Spring's echoes what was asked, parameters and all.

use std::cmp::Reverse;

use axum::http::{HeaderMap, header};

/// The media type of environments without origins.
pub(super) const JSON: &str = "application/json";

/// The media type of environments with origins.
pub(super) const V2: &str = "application/vnd.spring-cloud.config-server.v2+json";

/// The media type of files that are sent as they are.
pub(super) const BYTES: &str = "application/octet-stream";

/// The media types of health.
const HEALTH: [&str; 3] =
    ["application/vnd.spring-boot.actuator.v3+json", "application/vnd.spring-boot.actuator.v2+json", JSON];

/// What a client accepts, the best first.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Accept {
    ranges: Vec<Range>,
    /// The client says what it accepts.
    is_said: bool,
    /// The header cannot be read.
    is_garbled: bool,
}

#[derive(Debug, Clone, PartialEq)]
struct Range {
    /// In lower case.
    kind: String,
    subtype: String,
    /// The range as sent, without its quality.
    text: String,
}

/// The shape in which an error is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum ErrorShape {
    /// JSON under this media type.
    Json(String),
    /// A page for people.
    Page,
    /// No body, because the client takes neither.
    Empty,
}

impl Accept {
    /// Reads the headers of a request.
    pub(super) fn of(headers: &HeaderMap) -> Self {
        let values = headers.get_all(header::ACCEPT).iter().filter_map(|value| value.to_str().ok());
        let texts = values.flat_map(|value| value.split(',')).map(str::trim).filter(|text| !text.is_empty());
        let (mut ranges, mut is_garbled) = (Vec::new(), false);
        for text in texts {
            match range(text) {
                Some(range) => ranges.push(range),
                None => is_garbled = true,
            }
        }
        ranges.sort_by_key(|(quality, _)| Reverse(*quality));
        let is_said = is_garbled || !ranges.is_empty();
        let ranges = ranges.into_iter().filter(|(quality, _)| *quality > 0).map(|(_, range)| range).collect();
        Self { ranges, is_said, is_garbled }
    }

    /// The type of an environment and whether it has origins; `None` if none is accepted.
    pub(super) fn environment(&self) -> Option<(String, bool)> {
        self.choose(&[JSON, V2]).map(|text| {
            let with_origins = text.starts_with(V2);
            (text, with_origins)
        })
    }

    /// The type of an answer about health; `None` if none is accepted.
    pub(super) fn health(&self) -> Option<String> {
        self.choose(&HEALTH)
    }

    /// The first of some types that is accepted, spelled as it was asked for.
    fn choose(&self, produced: &[&str]) -> Option<String> {
        if self.is_garbled {
            return None;
        }
        if !self.is_said {
            return produced.first().map(|kind| (*kind).to_owned());
        }
        self.ranges.iter().find_map(|range| {
            let found = produced.iter().find(|kind| range.includes(kind))?;
            Some(if range.is_concrete() { range.text.clone() } else { (*found).to_owned() })
        })
    }

    /// The type of a file; `None` if it is wanted byte for byte.
    pub(super) fn resource(&self) -> Option<String> {
        if self.ranges.iter().any(|range| range.is_concrete() && range.includes(BYTES)) {
            return None;
        }
        let first = self.ranges.iter().find(|range| range.is_concrete()).filter(|_| !self.is_garbled);
        let anything = self.ranges.first().filter(|range| range.kind == "*");
        let kind = match (first, anything) {
            (Some(range), None) => range.text.clone(),
            _ => "text/plain".to_owned(),
        };
        Some(if kind.contains("json") || kind.contains(';') { kind } else { format!("{kind};charset=UTF-8") })
    }

    /// The shape of an error.
    pub(super) fn error(&self) -> ErrorShape {
        if self.is_garbled {
            return ErrorShape::Empty;
        }
        if !self.is_said {
            return ErrorShape::Json(JSON.to_owned());
        }
        let shape = self.ranges.iter().find_map(|range| match (range.kind.as_str(), range.subtype.as_str()) {
            ("text", "html") => Some(ErrorShape::Page),
            ("*" | "application", "*") | ("application", "*+json") => Some(ErrorShape::Json(JSON.to_owned())),
            ("application", subtype) if subtype == "json" || subtype.ends_with("+json") => {
                Some(ErrorShape::Json(range.text.clone()))
            }
            _ => None,
        });
        shape.unwrap_or(ErrorShape::Empty)
    }
}

impl Range {
    fn is_concrete(&self) -> bool {
        !self.subtype.starts_with('*')
    }

    fn includes(&self, produced: &str) -> bool {
        let Some((kind, subtype)) = produced.split_once('/') else { return false };
        let of_subtype = match self.subtype.strip_prefix("*+") {
            Some(suffix) => subtype.rsplit_once('+').is_some_and(|(_, of)| of == suffix),
            None => self.subtype == "*" || self.subtype == subtype,
        };
        (self.kind == "*" || self.kind == kind) && of_subtype
    }
}

/// A range with its quality in thousandths.
fn range(text: &str) -> Option<(u16, Range)> {
    let mut parts = text.split(';').map(str::trim);
    let (kind, subtype) = parts.next()?.split_once('/')?;
    let is_token = |token: &str| !token.is_empty() && token.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'/');
    if !is_token(kind) || !is_token(subtype) {
        return None;
    }
    let (mut quality, mut kept) = (1000, format!("{kind}/{subtype}"));
    for part in parts {
        match part.split_once('=') {
            Some((name, value)) if name.eq_ignore_ascii_case("q") => quality = thousandths(value.trim())?,
            _ => kept = format!("{kept};{part}"),
        }
    }
    let (kind, subtype) = (kind.to_ascii_lowercase(), subtype.to_ascii_lowercase());
    Some((quality, Range { kind, subtype, text: kept }))
}

fn thousandths(quality: &str) -> Option<u16> {
    let quality: f32 = quality.parse().ok()?;
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it is from 0 to 1000")]
    (0.0..=1.0).contains(&quality).then_some((quality * 1000.0) as u16)
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    fn accept(text: &'static str) -> Accept {
        Accept::of(&HeaderMap::from_iter([(header::ACCEPT, HeaderValue::from_static(text))]))
    }

    #[test]
    fn an_environment_has_the_type_that_is_asked_for_as_it_is_spelled() {
        let kind = |text| accept(text).environment();
        let json = |text: &str| Some((text.to_owned(), false));
        assert_eq!(Accept::default().environment(), json(JSON));
        for text in ["", "*/*", "application/*", "text/html, */*;q=0.8", "application/json, application/*+json"] {
            assert_eq!(kind(text), json(JSON), "{text}");
        }
        assert_eq!(kind("application/json;charset=UTF-8"), json("application/json;charset=UTF-8"));
        for text in
            [V2, "application/*+json", "application/json;q=0.5, application/vnd.spring-cloud.config-server.v2+json"]
        {
            assert_eq!(kind(text), Some((V2.to_owned(), true)), "{text}");
        }
        for text in
            ["text/plain", "application/xml", "nonsense", "application/json;q=0", "a/b/c", "application/json;q=x"]
        {
            assert_eq!(kind(text), None, "{text}");
        }
    }

    #[test]
    fn a_file_has_the_type_that_is_asked_for_and_else_plain_text() {
        let kind = |text| accept(text).resource();
        assert_eq!(kind("*/*").as_deref(), Some("text/plain;charset=UTF-8"));
        assert_eq!(kind("text/*, image/png").as_deref(), Some("image/png;charset=UTF-8"));
        assert_eq!(kind("text/html,*/*;q=0.8").as_deref(), Some("text/html;charset=UTF-8"));
        assert_eq!(kind("application/json").as_deref(), Some("application/json"));
        assert_eq!(kind("nonsense").as_deref(), Some("text/plain;charset=UTF-8"));
        assert_eq!(kind("text/plain, application/octet-stream;q=0.1"), None);
    }

    #[test]
    fn an_error_is_told_in_json_a_page_or_silence() {
        let json = |text: &str| ErrorShape::Json(text.to_owned());
        assert_eq!(accept("*/*").error(), json(JSON));
        assert_eq!(accept(V2).error(), json(V2));
        assert_eq!(accept("application/vnd.other+json").error(), json("application/vnd.other+json"));
        assert_eq!(accept("text/html,*/*;q=0.8").error(), ErrorShape::Page);
        assert_eq!(accept("text/plain").error(), ErrorShape::Empty);
        assert_eq!(accept("nonsense").error(), ErrorShape::Empty);
    }
}
