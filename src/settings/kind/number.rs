//! Numbers, sizes and durations, each within a span.

use std::marker::PhantomData;
use std::path::Path;
use std::time::Duration;

use serde_json::{Value as Json, json};

use crate::config::layer::Data;
use crate::config::value::Number;

use super::{Kind, ReadValue, Reason, unit};

/// A second, in milliseconds.
pub(in crate::settings) const SECOND: u64 = 1000;
/// An hour, in milliseconds.
pub(in crate::settings) const HOUR: u64 = 3600 * SECOND;
/// A day, in milliseconds.
pub(in crate::settings) const DAY: u64 = 24 * HOUR;
/// 2^20 bytes.
pub(in crate::settings) const MIB: u64 = 1 << 20;
/// 2^30 bytes.
pub(in crate::settings) const GIB: u64 = 1 << 30;

/// The least and the most that a number may be.
#[derive(Clone, Copy)]
struct Span {
    least: u64,
    most: u64,
}

impl Span {
    /// Reads a number with `parse`, also from the text of a number alone.
    fn read(self, data: &Data, parse: fn(&str) -> Option<u64>) -> Option<u64> {
        let number = match data {
            Data::Text(text) => parse(text),
            // The text of a number alone is no duration.
            Data::Number(Number::Integer(number)) => parse(&number.to_string()),
            _ => None,
        };
        number.filter(|number| (self.least..=self.most).contains(number))
    }
}

/// A number of things, from 1 on.
pub(in crate::settings) struct Amount<N> {
    span: Span,
    number: PhantomData<fn() -> N>,
}

/// A number of things, from 1 on.
pub(in crate::settings) const fn count<N>(most: u64) -> Amount<N> {
    Amount { span: Span { least: 1, most }, number: PhantomData }
}

impl<N: TryFrom<u64> + Clone + Send + Sync + 'static> Kind for Amount<N> {
    type Value = N;

    fn read(&self, data: &Data, _: &Path) -> Result<ReadValue<N>, Reason> {
        let Span { least, most } = self.span;
        let number = self.span.read(data, |text| text.parse().ok());
        let value = number.and_then(|number| Some(ReadValue::new(N::try_from(number).ok()?, number.to_string())));
        value.ok_or_else(|| Reason::unlike(data, &format!("a number from {least} to {most}")))
    }

    fn schema(&self) -> Json {
        json!({ "type": "integer", "minimum": self.span.least, "maximum": self.span.most })
    }
}

/// A number of bytes.
pub(in crate::settings) struct Size<N> {
    span: Span,
    number: PhantomData<fn() -> N>,
}

/// A number of bytes, from 1 on.
pub(in crate::settings) const fn size<N>(most: u64) -> Size<N> {
    Size { span: Span { least: 1, most }, number: PhantomData }
}

impl<N: TryFrom<u64> + Clone + Send + Sync + 'static> Kind for Size<N> {
    type Value = N;

    fn read(&self, data: &Data, _: &Path) -> Result<ReadValue<N>, Reason> {
        let number = self.span.read(data, unit::size);
        let value = number.and_then(|number| Some(ReadValue::new(N::try_from(number).ok()?, unit::spell_size(number))));
        value.ok_or_else(|| {
            let [least, most] = [self.span.least, self.span.most].map(unit::spell_size);
            Reason::unlike(data, &format!("a size from {least} to {most}"))
                .with_hint("write it as `64KiB`, `1MiB` or a number of bytes")
        })
    }

    fn schema(&self) -> Json {
        json!({
            "type": ["integer", "string"],
            "minimum": self.span.least,
            "maximum": self.span.most,
            "pattern": "^[0-9]+(B|KiB|MiB|GiB)?$",
        })
    }
}

/// A duration; its span is in milliseconds.
pub(in crate::settings) struct Time(Span);

/// A duration from `least` to `most` milliseconds.
pub(in crate::settings) const fn time(least: u64, most: u64) -> Time {
    Time(Span { least, most })
}

impl Kind for Time {
    type Value = Duration;

    fn read(&self, data: &Data, _: &Path) -> Result<ReadValue<Duration>, Reason> {
        let time = self.0.read(data, unit::milliseconds).map(Duration::from_millis);
        time.map(|time| ReadValue::new(time, unit::spell_time(time))).ok_or_else(|| {
            let [least, most] = [self.0.least, self.0.most].map(|time| unit::spell_time(Duration::from_millis(time)));
            Reason::unlike(data, &format!("a duration from {least} to {most}"))
                .with_hint("write it as `500ms`, `30s`, `1m30s` or `1h`")
        })
    }

    fn schema(&self) -> Json {
        json!({ "type": "string", "pattern": "^([0-9]+d)?([0-9]+h)?([0-9]+m)?([0-9]+s)?([0-9]+ms)?$", "minLength": 2 })
    }
}
