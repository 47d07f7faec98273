//! Entity tags and the formats that a client accepts: the two questions that decide how an answer is spelled.

use axum::http::{HeaderMap, header};

use crate::format::Format;

/// True if the client says that it has the answer with this strong tag already.
#[must_use]
pub fn client_has(headers: &HeaderMap, etag: &str) -> bool {
    headers
        .get_all(header::IF_NONE_MATCH)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .map(str::trim)
        .any(|tag| tag == "*" || tag.strip_prefix("W/").unwrap_or(tag) == etag)
}

/// The format that the `Accept` headers prefer among ours; JSON if they say nothing. `None` if they leave us nothing.
#[must_use]
pub fn accepted(headers: &HeaderMap) -> Option<Format> {
    let mut best: Option<(f32, u8, Format)> = None;
    let mut asked = false;
    for range in
        headers.get_all(header::ACCEPT).iter().filter_map(|value| value.to_str().ok()).flat_map(|v| v.split(','))
    {
        let mut parts = range.split(';').map(str::trim);
        let media = parts.next().unwrap_or_default();
        if media.is_empty() {
            continue;
        }
        asked = true;
        let quality = parts.find_map(|part| part.strip_prefix("q=")).map_or(1.0, |q| q.parse().unwrap_or(0.0));
        let Some((format, precision)) = format_of(media) else { continue };
        let better = best.is_none_or(|(q, p, _)| (quality, precision) > (q, p));
        if quality > 0.0 && better {
            best = Some((quality, precision, format));
        }
    }
    match best {
        Some((_, _, format)) => Some(format),
        None => (!asked).then_some(Format::Json),
    }
}

/// The format that a media range means, and how precisely it does.
fn format_of(media: &str) -> Option<(Format, u8)> {
    Some(match media.to_ascii_lowercase().as_str() {
        "*/*" => (Format::Json, 0),
        "application/*" => (Format::Json, 1),
        "application/json" => (Format::Json, 2),
        "application/yaml" | "application/x-yaml" | "text/yaml" | "text/x-yaml" => (Format::Yaml, 2),
        "application/toml" => (Format::Toml, 2),
        "text/plain" | "text/*" | "text/x-java-properties" => (Format::Properties, 2),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    fn headers(name: &header::HeaderName, values: &[&'static str]) -> HeaderMap {
        values.iter().map(|value| (name.clone(), HeaderValue::from_static(value))).collect()
    }

    #[test]
    fn a_tag_is_recognised_in_a_list_weak_or_as_a_star() {
        let has = |value| client_has(&headers(&header::IF_NONE_MATCH, &[value]), "\"a\"");
        assert!(has("\"a\""));
        assert!(has("\"b\", W/\"a\""));
        assert!(has("*"));
        assert!(!has("\"b\""));
        assert!(!has("a"));
    }

    #[test]
    fn the_preferred_format_of_those_we_have_is_taken() {
        let accept = |value| accepted(&headers(&header::ACCEPT, &[value]));
        assert_eq!(accepted(&HeaderMap::new()), Some(Format::Json));
        assert_eq!(accept("*/*"), Some(Format::Json));
        assert_eq!(accept("text/html, application/yaml;q=0.9, */*;q=0.8"), Some(Format::Yaml));
        assert_eq!(accept("application/yaml;q=0.1, application/json"), Some(Format::Json));
        assert_eq!(accept("*/*, application/toml"), Some(Format::Toml));
        assert_eq!(accept("text/plain"), Some(Format::Properties));
        assert_eq!(accept("image/png"), None);
        assert_eq!(accept("application/json;q=0"), None);
        assert_eq!(accept("application/json;q=1e999"), Some(Format::Json));
    }
}
