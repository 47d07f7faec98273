//! What the server says about itself on stderr: for people on a terminal, as JSON for machines.
//!
//! Floor 7. A line that cannot be written ends and blocks nothing (`sink.rs`), and what clients cause many times is told
//! once a minute (`repeats.rs`). What is said stands beside what happens, everywhere; this file only decides what is shown and how. The
//! variable `RUST_LOG` has no effect: `telemetry.log` is the one setting.

mod repeats;
mod sink;

use std::fs::File;
use std::os::fd::AsFd as _;
use std::time::Duration;
use std::{io, panic, thread};

use prometheus_client::metrics::counter::Counter;
use prometheus_client::registry::Registry;
use tracing::error;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::{SubscriberInitExt as _, TryInitError};

use repeats::Repeats;
use sink::Sink;

/// The words that are a level by themselves.
const LEVELS: [&str; 6] = ["off", "error", "warn", "info", "debug", "trace"];

/// How long the end of the program waits for log lines that are not written yet.
const LAST_LINES: Duration = Duration::from_secs(1);

/// What is logged, and how.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// A level, or levels by part: `info,layerd::source=debug`.
    pub log: String,
    /// How a line is spelled.
    pub format: Format,
}

/// How a log line is spelled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// For people on a terminal, else JSON.
    Auto,
    /// For people.
    Human,
    /// One JSON object a line.
    Json,
}

impl Default for Settings {
    fn default() -> Self {
        Self { log: "info".to_owned(), format: Format::Auto }
    }
}

/// Why logging could not begin.
#[derive(Debug, thiserror::Error)]
pub enum InitError {
    /// The directives of [`Settings::log`] cannot be read.
    #[error("`telemetry.log` {0}")]
    Directives(String),
    /// Somebody else in this process logs already.
    #[error(transparent)]
    Taken(#[from] TryInitError),
    /// There is no stderr, or no thread to write to it.
    #[error("logging cannot begin: {0}")]
    System(#[from] io::Error),
}

/// The logging of this process. When it is dropped, what was logged is written, if that can be done in a second.
#[derive(Debug)]
pub struct Telemetry {
    sink: Sink,
    dropped: Counter,
}

impl Telemetry {
    /// Adds its metrics to those of the server.
    pub fn register(&self, registry: &mut Registry) {
        let help = "Log lines that were dropped, because stderr could not be written or was not read";
        registry.register("layerd_log_lines_dropped", help, self.dropped.clone());
    }
}

impl Drop for Telemetry {
    fn drop(&mut self) {
        self.sink.flush(LAST_LINES);
    }
}

/// Sends what is logged in this process to stderr from now on. `is_terminal` and `no_color` are those of stderr.
///
/// # Errors
/// If the directives cannot be read or something else in the process logs already.
pub fn init(settings: &Settings, is_terminal: bool, no_color: bool) -> Result<Telemetry, InitError> {
    let filter = filter(&settings.log).map_err(InitError::Directives)?;
    // Not the standard library's, whose lock whoever is blocked in a write would hold.
    let stderr = File::from(io::stderr().as_fd().try_clone_to_owned()?);
    let (dropped, repeats, is_human) = (Counter::default(), Repeats::default(), is_human(settings.format, is_terminal));
    let sink = Sink::new(dropped.clone());
    let writer = sink.clone();
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(move || writer.clone());
    let builder = builder.log_internal_errors(false);
    if is_human {
        let builder = builder.with_ansi(is_terminal && !no_color).with_target(false);
        builder.finish().with(repeats.clone()).try_init()?;
    } else {
        let builder = builder.json().flatten_event(true).with_current_span(false);
        builder.finish().with(repeats.clone()).try_init()?;
    }
    log_panics();
    let writer = sink.clone();
    let tick = move || {
        repeats.tell();
        true
    };
    thread::Builder::new()
        .name("log".to_owned())
        .spawn(move || writer.run(stderr, |count| notice(count, is_human), tick))?;
    Ok(Telemetry { sink, dropped })
}

/// A panic is a line of the log like any other, and waits for stderr as little as they do.
fn log_panics() {
    panic::set_hook(Box::new(|told| {
        let place = told.location().map(ToString::to_string).unwrap_or_default();
        let text = told.payload_as_str().unwrap_or_default();
        error!(place, panic = text, "a thread panicked; this is a bug in layerd");
    }));
}

/// The line that tells how many lines are missing before the next one.
fn notice(count: u64, is_human: bool) -> String {
    let now = jiff::Timestamp::now();
    let message = "log lines were dropped, because standard error could not be written or was not read";
    if is_human {
        return format!("{now:.6}  WARN {message} dropped={count}\n");
    }
    format!(
        "{{\"timestamp\":\"{now:.6}\",\"level\":\"WARN\",\"message\":\"{message}\",\"dropped\":{count},\
         \"target\":\"layerd::telemetry\"}}\n"
    )
}

/// Checks the directives of [`Settings::log`].
///
/// # Errors
/// What is wrong with them, to stand behind their name.
pub fn check(directives: &str) -> Result<(), String> {
    filter(directives).map(drop)
}

/// A word alone would be read as the name of a part that logs everything, so that `inof` silenced all the others.
fn filter(directives: &str) -> Result<EnvFilter, String> {
    let directives: Vec<&str> = directives.split(',').map(str::trim).collect();
    for directive in &directives {
        let is_level = LEVELS.iter().any(|level| directive.eq_ignore_ascii_case(level));
        if !is_level && !directive.contains(['=', '[']) {
            return Err(format!("holds `{}`, which is no level", directive.escape_debug()));
        }
    }
    EnvFilter::builder().parse(directives.join(",")).map_err(|error| format!("cannot be read: {error}"))
}

fn is_human(format: Format, is_terminal: bool) -> bool {
    match format {
        Format::Auto => is_terminal,
        Format::Human => true,
        Format::Json => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_alone_and_by_part_are_directives() {
        for good in ["info", "WARN", "info,layerd::source=debug", "off, layerd=trace", "[request]=debug"] {
            assert_eq!(check(good), Ok(()), "{good}");
        }
    }

    #[test]
    fn a_misspelled_level_is_not_taken_for_the_name_of_a_part() {
        assert_eq!(check("inof").unwrap_err(), "holds `inof`, which is no level");
        assert_eq!(check("info,").unwrap_err(), "holds ``, which is no level");
        assert_eq!(check("").unwrap_err(), "holds ``, which is no level");
        assert_eq!(
            check("layerd=loud").unwrap_err(),
            "cannot be read: error parsing level filter: expected one of \"off\", \"error\", \"warn\", \"info\", \"debug\", \
             \"trace\", or a number 0-5"
        );
    }

    #[test]
    fn what_tells_of_dropped_lines_is_a_line_of_its_format() {
        let line: serde_json::Value = serde_json::from_str(&notice(7, false)).unwrap();
        assert_eq!((&line["dropped"], &line["level"]), (&7.into(), &"WARN".into()));
        assert!(notice(7, true).ends_with(" dropped=7\n"));
    }

    #[test]
    fn auto_is_human_on_a_terminal_only() {
        let human = |format| [true, false].map(|is_terminal| is_human(format, is_terminal));
        assert_eq!(human(Format::Auto), [true, false]);
        assert_eq!(human(Format::Human), [true, true]);
        assert_eq!(human(Format::Json), [false, false]);
    }
}
