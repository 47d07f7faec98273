//! Events that clients cause are told once a minute and cause: the first at once, then how many more there were.
//!
//! A client that asks thousands of times for what cannot be answered would else fill a disk, and hide what matters.

use std::fmt::{Debug, Write as _};
use std::mem;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tracing::callsite::Identifier;
use tracing::field::{Field, Visit};
use tracing::{Event, Level, Metadata, Subscriber, error, info, warn};
use tracing_subscriber::Layer;
use tracing_subscriber::layer::Context;

/// How often a cause is told.
const PERIOD: Duration = Duration::from_secs(60);

/// The causes that are told apart; all others count as one.
const MOST_CAUSES: usize = 64;

/// The modules whose events requests cause; panics are logged in the last one.
const OF_REQUESTS: [&str; 3] = ["layerd::http", "layerd::store::found", "layerd::telemetry"];

/// Where repetitions are told from, so that they are never counted themselves.
const TARGET: &str = "layerd::repeated";

/// The fields by which one event of a cause differs from the next.
const OF_ONE_EVENT: [&str; 2] = ["request_id", "duration_us"];

/// The longest text by which a cause is told.
const LONGEST: usize = 512;

/// Holds back events that repeat others. Clones share what they know.
#[derive(Debug, Clone, Default)]
pub(super) struct Repeats(Arc<Mutex<Vec<Cause>>>);

#[derive(Debug)]
struct Cause {
    /// Where the event is and what its fields are; `None`: any of which there was no room for.
    key: Option<(Identifier, String)>,
    level: Level,
    /// Since when they are counted.
    since: Instant,
    count: u64,
}

/// Events that were held back.
#[derive(Debug, PartialEq, Eq)]
struct Told {
    level: Level,
    text: String,
    count: u64,
}

impl Repeats {
    /// True if an event is the first of its cause in a while.
    fn admits(&self, event: &Event<'_>, now: Instant) -> bool {
        let metadata = event.metadata();
        if !is_of_request(metadata) {
            return true;
        }
        let mut text = Text::default();
        event.record(&mut text);
        self.is_first((metadata.callsite(), text.finished()), *metadata.level(), now)
    }

    fn is_first(&self, key: (Identifier, String), level: Level, now: Instant) -> bool {
        let mut causes = self.causes();
        let count = causes.len();
        let room = count < MOST_CAUSES;
        let known = causes.iter_mut().find(|cause| cause.key.as_ref().is_none_or(|known| *known == key));
        match known {
            Some(cause) if cause.key.is_some() || !room => {
                cause.count += 1;
                cause.level = cause.level.min(level);
                false
            }
            _ => {
                // The last place is for all others.
                let key = (count + 1 < MOST_CAUSES).then_some(key);
                causes.push(Cause { key, level, since: now, count: 0 });
                true
            }
        }
    }

    /// What has been held back for a minute. A cause of which nothing came in that time is forgotten.
    fn due(&self, now: Instant) -> Vec<Told> {
        let mut told = Vec::new();
        self.causes().retain_mut(|cause| {
            if now.saturating_duration_since(cause.since) < PERIOD {
                return true;
            }
            cause.since = now;
            let count = mem::take(&mut cause.count);
            if count > 0 {
                let text = cause.key.as_ref().map_or("others", |(_, text)| text).to_owned();
                told.push(Told { level: cause.level, text, count });
            }
            count > 0
        });
        told
    }

    /// Logs what has been held back for a minute.
    pub(super) fn tell(&self) {
        for Told { level, text, count } in self.due(Instant::now()) {
            match level {
                Level::ERROR => error!(target: TARGET, count, cause = text, "the same again"),
                Level::WARN => warn!(target: TARGET, count, cause = text, "the same again"),
                _ => info!(target: TARGET, count, cause = text, "the same again"),
            }
        }
    }

    fn causes(&self) -> MutexGuard<'_, Vec<Cause>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whoever turns on `debug` wants every line.
fn is_of_request(metadata: &Metadata<'_>) -> bool {
    let is_below = |module: &&str| {
        metadata.target().strip_prefix(*module).is_some_and(|rest| rest.is_empty() || rest.starts_with("::"))
    };
    *metadata.level() <= Level::INFO && OF_REQUESTS.iter().any(is_below)
}

impl<S: Subscriber> Layer<S> for Repeats {
    fn event_enabled(&self, event: &Event<'_>, _: Context<'_, S>) -> bool {
        self.admits(event, Instant::now())
    }
}

/// The message and the fields of an event on one line, without those that differ each time.
#[derive(Default)]
struct Text(String);

impl Text {
    fn finished(mut self) -> String {
        if self.0.len() > LONGEST {
            self.0.truncate(self.0.floor_char_boundary(LONGEST));
            self.0.push('…');
        }
        self.0
    }
}

impl Visit for Text {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        if OF_ONE_EVENT.contains(&field.name()) || self.0.len() > LONGEST {
            return;
        }
        let space = if self.0.is_empty() { "" } else { " " };
        match field.name() {
            "message" => drop(write!(self.0, "{space}{value:?}")),
            name => drop(write!(self.0, "{space}{name}={value:?}")),
        }
    }
}

#[cfg(test)]
mod tests {
    use tracing::callsite::{Callsite as _, DefaultCallsite};
    use tracing::subscriber::with_default;
    use tracing_subscriber::layer::SubscriberExt as _;

    use super::*;

    /// What is left of events once they went through.
    #[derive(Clone, Default)]
    struct Seen(Arc<Mutex<Vec<String>>>);

    impl<S: Subscriber> Layer<S> for Seen {
        fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
            let mut text = Text::default();
            event.record(&mut text);
            self.0.lock().unwrap().push(text.finished());
        }
    }

    /// The lines that events make, and the causes that are held back after them.
    fn seen(act: impl FnOnce()) -> (Vec<String>, Vec<(String, u64)>) {
        let (repeats, seen) = (Repeats::default(), Seen::default());
        let subscriber = tracing_subscriber::registry().with(seen.clone()).with(repeats.clone());
        with_default(subscriber, act);
        let later = Instant::now() + PERIOD;
        let told = repeats.due(later).into_iter().map(|told| (told.text, told.count)).collect();
        assert_eq!(repeats.due(later + PERIOD), [], "nothing came since");
        assert_eq!(repeats.causes().len(), 0, "so that the next one is told at once");
        (seen.0.lock().unwrap().clone(), told)
    }

    fn request(id: usize, path: &str) {
        warn!(target: "layerd::http::server", request_id = id, path, duration_us = id * 7, "request failed");
    }

    #[test]
    fn the_first_of_a_cause_is_told_at_once_and_the_others_are_counted() {
        let (lines, told) = seen(|| {
            for id in 0..5_000 {
                request(id, if id % 10 == 3 { "/order" } else { "/user" });
            }
        });
        let [user, order] = ["/user", "/order"].map(|path| format!("request failed path={path:?}"));
        assert_eq!(lines, [user.clone(), order.clone()]);
        assert_eq!(told, [(user, 4_499), (order, 499)]);
    }

    #[test]
    fn causes_that_clients_invent_take_bounded_room() {
        let (lines, told) = seen(|| (0..5_000).for_each(|id| request(id, &format!("/{id}{}", "x".repeat(4_000)))));
        assert_eq!(lines.len(), MOST_CAUSES);
        assert!(lines.iter().all(|line| line.len() <= LONGEST + 3));
        assert_eq!(told, [("others".to_owned(), 5_000 - MOST_CAUSES as u64)]);
    }

    #[test]
    fn what_no_request_causes_and_what_is_for_debugging_is_told_each_time() {
        let (lines, told) = seen(|| {
            for _ in 0..3 {
                warn!(target: "layerd::store::refresh", "fetch failed");
                warn!(target: "layerd::httpd", "of another module");
                tracing::debug!(target: "layerd::http::native", "request");
            }
        });
        assert_eq!((lines.len(), told.len()), (9, 0));
    }

    #[test]
    fn a_cause_that_goes_on_is_told_once_a_minute() {
        static CALLSITE: DefaultCallsite = {
            static METADATA: Metadata<'static> = tracing::metadata! {
                name: "test", target: "layerd::http", level: Level::WARN, fields: &[], callsite: &CALLSITE,
                kind: tracing::metadata::Kind::EVENT
            };
            DefaultCallsite::new(&METADATA)
        };
        let (repeats, start) = (Repeats::default(), Instant::now());
        let happens = |second| {
            let key = (CALLSITE.metadata().callsite(), "x".to_owned());
            repeats.is_first(key, Level::WARN, start + Duration::from_secs(second))
        };
        let told = |second| {
            let due = repeats.due(start + Duration::from_secs(second));
            due.into_iter().map(|told| told.count).collect::<Vec<_>>()
        };
        assert!(happens(0) && !happens(1) && !happens(59));
        assert_eq!(told(59), [0; 0]);
        assert_eq!(told(60), [2]);
        assert!(!happens(61), "it is told at the end of the next minute");
        assert_eq!(told(121), [1]);
        assert_eq!(told(181), [0; 0]);
        assert!(happens(182), "there was silence for a minute");
    }
}
