//! Short ways to ask a server what tests of sources ask again and again.
//!
//! How requests are sent is in `server.rs`.

use std::time::{Duration, Instant};

use serde_json::Value;

use super::exchange::Exchange;
use super::server::Server;
use super::{becomes, eventually};

impl Server {
    /// The body at `/api/v1/config/` and this path.
    ///
    /// # Panics
    /// If the answer is not 200.
    pub(crate) fn config(&self, path: &str) -> String {
        let answer = self.get(&format!("/api/v1/config/{path}"));
        assert_eq!(answer.status(), 200, "{path}: {answer}");
        answer.text()
    }

    /// The status at `/api/v1/config/` and this path.
    pub(crate) fn config_status(&self, path: &str) -> u16 {
        self.get(&format!("/api/v1/config/{path}")).status()
    }

    /// Has the server fetch and waits for what it did.
    pub(crate) fn refresh(&self) -> Exchange {
        self.send("POST", "/api/v1/refresh", &[], b"")
    }

    /// What `/api/v1/status` says of the first source.
    pub(crate) fn source(&self) -> Value {
        self.get("/api/v1/status").json()["sources"][0].take()
    }

    /// How often stderr holds a text so far. Waits for the first time, because what a server writes arrives a moment after
    /// what it answers.
    pub(crate) fn told(&self, text: &str) -> usize {
        let mut count = 0;
        becomes(Duration::from_secs(5), &mut || {
            count = self.stderr().matches(text).count();
            count > 0
        });
        count
    }

    /// Waits until a configuration is this text, and says how long that took.
    pub(crate) fn becomes(&self, path: &str, text: &str) -> Duration {
        let begin = Instant::now();
        eventually(&format!("{path} is {text}"), || self.get(&format!("/api/v1/config/{path}")).text() == text);
        begin.elapsed()
    }
}

impl Exchange {
    /// The body without the id of the request, which differs each time.
    pub(crate) fn anonymous(&self) -> String {
        let text = self.text();
        match text.split_once(",\"request_id\":\"") {
            Some((before, id)) => format!("{before}{}", id.split_once('"').map_or(id, |(_, after)| after)),
            None => text,
        }
    }
}
