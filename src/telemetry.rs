//! What the server says about itself on stderr: for people on a terminal, as JSON for machines.
//!
//! Floor 7. What is said stands beside what happens, everywhere; this file only decides what is shown and how. The
//! variable `RUST_LOG` has no effect: `telemetry.log` is the one setting.

use tracing_subscriber::EnvFilter;
use tracing_subscriber::util::{SubscriberInitExt, TryInitError};

/// The words that are a level by themselves.
const LEVELS: [&str; 6] = ["off", "error", "warn", "info", "debug", "trace"];

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
}

/// Sends what is logged in this process to stderr from now on. `is_terminal` and `no_color` are those of stderr.
///
/// # Errors
/// If the directives cannot be read or something else in the process logs already.
pub fn init(settings: &Settings, is_terminal: bool, no_color: bool) -> Result<(), InitError> {
    let filter = filter(&settings.log).map_err(InitError::Directives)?;
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    if is_human(settings.format, is_terminal) {
        builder.with_ansi(is_terminal && !no_color).with_target(false).finish().try_init()?;
    } else {
        builder.json().flatten_event(true).with_current_span(false).finish().try_init()?;
    }
    Ok(())
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
    fn auto_is_human_on_a_terminal_only() {
        let human = |format| [true, false].map(|is_terminal| is_human(format, is_terminal));
        assert_eq!(human(Format::Auto), [true, false]);
        assert_eq!(human(Format::Human), [true, true]);
        assert_eq!(human(Format::Json), [false, false]);
    }
}
