//! The rows of `telemetry`: what is logged, and how.

use crate::settings::kind::{Choice, Reason, Text, parsed};
use crate::settings::row::{Row, row};
use crate::telemetry::{self, Format};

pub(super) const ROWS: &[Row] = &[
    row!(
        "telemetry.log",
        directives(),
        "info",
        "A level (`error`, `warn`, `info`, `debug`, `trace`), or levels by part: `info,layerd::source=debug`.",
        |s: &mut telemetry::Settings, v| s.log = v,
    ),
    row!(
        "telemetry.format",
        Choice(&[("auto", Format::Auto), ("human", Format::Human), ("json", Format::Json)]),
        "auto",
        "`human` for people, `json` for machines. `auto` is human on a terminal and JSON elsewhere, because that is who reads there.",
        |s: &mut telemetry::Settings, v| s.format = v,
    ),
];

/// What is logged.
const fn directives() -> Text<String> {
    parsed(|text| match telemetry::check(text) {
        Ok(()) => Ok(text.to_owned()),
        Err(message) => Err(Reason::from(message).with_hint("write it as `info` or `info,layerd::source=debug`")),
    })
}
