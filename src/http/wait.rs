//! How long a client lets the server wait for a change: `?wait=30s`, or `Prefer: wait=30` (RFC 7240).

use std::time::Duration;

use axum::http::{HeaderMap, HeaderName, HeaderValue};

use super::error::Refusal;

/// The longest wait; longer ones are cut to it without a word, as Consul does.
pub(super) const LONGEST: Duration = Duration::from_secs(10 * 60);

const PREFER: HeaderName = HeaderName::from_static("prefer");
const PREFERENCE_APPLIED: HeaderName = HeaderName::from_static("preference-applied");

/// What a request says about waiting.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Wait {
    /// At most so long; `None`: not at all.
    pub(super) time: Option<Duration>,
    /// The seconds of `Prefer`, which the response confirms.
    preferred: Option<u64>,
}

impl Wait {
    /// The wait of a parameter, else of the header.
    pub(super) fn of(parameter: Option<&str>, headers: &HeaderMap) -> Result<Self, Refusal> {
        if let Some(text) = parameter {
            let time = parse(text)
                .ok_or_else(|| Refusal::parameter("wait", text, "a time such as `30s` or `5m`, at most 10 minutes"))?;
            return Ok(Self { time: Some(time.min(LONGEST)), preferred: None });
        }
        // A preference that cannot be understood is ignored, as RFC 7240 has it.
        let preferred = headers.get_all(PREFER).iter().filter_map(|value| value.to_str().ok());
        let preferred = preferred.flat_map(|value| value.split(',')).find_map(|preference| {
            let (name, value) = preference.split_once('=')?;
            name.trim().eq_ignore_ascii_case("wait").then(|| value.trim().trim_matches('"').parse().ok())?
        });
        let time = preferred.map(|seconds| Duration::from_secs(seconds).min(LONGEST));
        Ok(Self { time, preferred })
    }

    /// Confirms a preference that was followed.
    pub(super) fn confirm(self, headers: &mut HeaderMap) {
        if let Some(value) = self.preferred.and_then(|seconds| HeaderValue::from_str(&format!("wait={seconds}")).ok()) {
            headers.insert(PREFERENCE_APPLIED, value);
        }
    }
}

/// A time as Go writes it (`30s`, `1h30m`, `60000ms`, `1.5s`), or a number of seconds; `None` if it is neither.
pub(super) fn parse(text: &str) -> Option<Duration> {
    if let Ok(seconds) = text.parse::<u64>() {
        return Some(Duration::from_secs(seconds));
    }
    let mut rest = text;
    let mut total = 0.0;
    while !rest.is_empty() {
        let digits = rest.find(|letter: char| !letter.is_ascii_digit() && letter != '.')?;
        let (number, behind) = rest.split_at(digits);
        let end = behind.find(|letter: char| letter.is_ascii_digit() || letter == '.').unwrap_or(behind.len());
        let (unit, behind) = behind.split_at(end);
        let seconds = match unit {
            "h" => 3_600.0,
            "m" => 60.0,
            "s" => 1.0,
            "ms" => 1e-3,
            "us" | "µs" | "μs" => 1e-6,
            "ns" => 1e-9,
            _ => return None,
        };
        total += number.parse::<f64>().ok()? * seconds;
        rest = behind;
    }
    (!text.is_empty()).then(|| Duration::try_from_secs_f64(total).ok())?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_as_go_writes_them_or_as_seconds() {
        let millis = |text| parse(text).map(|time| time.as_millis());
        for (text, expected) in [
            ("30s", 30_000),
            ("1h30m", 5_400_000),
            ("60000ms", 60_000),
            ("1.5s", 1_500),
            ("20ms", 20),
            ("0s", 0),
            ("7", 7_000),
            ("1500us", 1),
        ] {
            assert_eq!(millis(text), Some(expected), "{text}");
        }
        for text in ["", "s", "-1s", "1", "1x", "5m3", "1..2s", "ms", " 1s", "1e3s", "NaN", "99999999999999999999999h"]
        {
            assert_eq!(millis(text).filter(|_| text != "1"), None, "{text}");
        }
    }

    #[test]
    fn the_parameter_wins_over_the_header_and_both_are_cut() {
        let headers: HeaderMap =
            [(PREFER, HeaderValue::from_static("respond-async, wait=5")), (PREFER, HeaderValue::from_static("x"))]
                .into_iter()
                .collect();
        assert_eq!(Wait::of(Some("3s"), &headers).unwrap().time, Some(Duration::from_secs(3)));
        assert_eq!(Wait::of(Some("1h"), &headers).unwrap().time, Some(LONGEST));
        let wait = Wait::of(None, &headers).unwrap();
        assert_eq!(wait.time, Some(Duration::from_secs(5)));
        let mut response = HeaderMap::new();
        wait.confirm(&mut response);
        assert_eq!(response[PREFERENCE_APPLIED], "wait=5");
        assert_eq!(Wait::of(None, &HeaderMap::new()).unwrap(), Wait::default());
        assert!(Wait::of(Some("soon"), &headers).is_err());
    }
}
