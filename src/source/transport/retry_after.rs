//! The header `Retry-After` (RFC 9110, section 10.2.3): how long a server asks to be left alone.
//!
//! What is made of it is decided by whoever fetches again.

use std::time::Duration;

use jiff::Timestamp;
use jiff::fmt::rfc2822;
use reqwest::header::{DATE, HeaderMap, HeaderName, RETRY_AFTER};

/// The wait that an answer asks for; `None` if it asks for none that can be understood.
pub(super) fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let text = |name: HeaderName| headers.get(name)?.to_str().ok().map(str::trim);
    let wait = text(RETRY_AFTER)?;
    if !wait.is_empty() && wait.bytes().all(|byte| byte.is_ascii_digit()) {
        // More digits than fit are a very long time.
        return Some(Duration::from_secs(wait.parse().unwrap_or(u64::MAX)));
    }
    let until = moment(wait)?;
    // By the clock of the server that wrote both, if it says what time it is there.
    let now = text(DATE).and_then(moment).unwrap_or_else(Timestamp::now);
    Some(Duration::try_from(until.duration_since(now)).unwrap_or_default())
}

fn moment(date: &str) -> Option<Timestamp> {
    rfc2822::DateTimeParser::new().parse_timestamp(date).ok()
}

#[cfg(test)]
mod tests {
    use reqwest::header::HeaderValue;

    use super::*;

    fn seconds(headers: &[(HeaderName, &str)]) -> Option<u64> {
        let value = |text: &str| HeaderValue::from_str(text).unwrap();
        let headers = headers.iter().map(|(name, text)| (name.clone(), value(text))).collect();
        retry_after(&headers).map(|wait| wait.as_secs())
    }

    #[test]
    fn seconds_are_taken_as_they_are_and_nonsense_is_no_wish() {
        let cases = [
            ("120", Some(120)),
            (" 0 ", Some(0)),
            ("99999999999999999999999", Some(u64::MAX)),
            ("", None),
            ("-1", None),
            ("+5", None),
            ("1.5", None),
            ("soon", None),
            ("Sun, 06 Nov 1994 25:49:37 GMT", None),
        ];
        for (text, expected) in cases {
            assert_eq!(seconds(&[(RETRY_AFTER, text)]), expected, "{text:?}");
        }
        assert_eq!(seconds(&[(DATE, "Sun, 06 Nov 1994 08:49:37 GMT")]), None);
    }

    #[test]
    fn a_date_is_reckoned_by_the_clock_of_the_server() {
        let at = |date: &str, wait: &str| seconds(&[(DATE, date), (RETRY_AFTER, wait)]);
        assert_eq!(at("Sun, 06 Nov 1994 08:49:37 GMT", "Sun, 06 Nov 1994 08:51:07 GMT"), Some(90));
        assert_eq!(at("Sun, 06 Nov 1994 08:49:37 GMT", "Sun, 06 Nov 1994 08:49:30 GMT"), Some(0));
        // Without its clock by the one here, by which that is long ago.
        assert_eq!(seconds(&[(RETRY_AFTER, "Sun, 06 Nov 1994 08:51:07 GMT")]), Some(0));
        let soon = rfc2822::DateTimePrinter::new().timestamp_to_string(&(Timestamp::now() + Duration::from_secs(3600)));
        let wait = at("nonsense", &soon.unwrap()).unwrap();
        assert!((3590..=3600).contains(&wait), "{wait}");
    }
}
