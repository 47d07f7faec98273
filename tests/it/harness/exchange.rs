//! One HTTP exchange as it went over the wire, and its spelling for whole-text expectations.
//!
//! Read by hand rather than by a client library, which would tidy up the very things that tests look at. Sending is in
//! `server.rs`.

use std::fmt;

/// The answer to one request: every header, in the order sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Exchange {
    /// `HTTP/1.1 200 OK`; empty if the server closed the connection without an answer.
    pub(crate) status_line: String,
    /// Names as sent, with their values.
    pub(crate) headers: Vec<(String, String)>,
    /// The body, chunks joined.
    pub(crate) body: Vec<u8>,
}

impl Exchange {
    /// Reads the bytes of a connection from its first to its last.
    pub(crate) fn parse(bytes: &[u8]) -> Self {
        let (head, rest) = split(bytes, b"\r\n\r\n");
        let head = String::from_utf8_lossy(head);
        let mut lines = head.split("\r\n");
        let status_line = lines.next().unwrap_or_default().to_owned();
        let headers = lines.map(|line| line.split_once(':').unwrap_or((line, "")));
        let headers = headers.map(|(name, value)| (name.to_owned(), value.trim().to_owned())).collect();
        let mut exchange = Self { status_line, headers, body: rest.to_vec() };
        if exchange.header("transfer-encoding") == Some("chunked") {
            exchange.body = join_chunks(rest);
        }
        exchange
    }

    /// The status code; 0 if there was no answer.
    pub(crate) fn status(&self) -> u16 {
        self.status_line.split(' ').nth(1).and_then(|code| code.parse().ok()).unwrap_or(0)
    }

    /// The value of a header, if it was sent, by its name in lower case.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(found, _)| found.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }

    /// The body as text.
    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The body as JSON.
    ///
    /// # Panics
    /// If it is something else.
    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error} in the body of\n{self}"))
    }
}

impl fmt::Display for Exchange {
    /// The whole exchange; what differs from run to run by its nature is named instead of shown.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(out, "{}", self.status_line)?;
        for (name, value) in &self.headers {
            let value = match name.to_ascii_lowercase().as_str() {
                "date" => "[date]",
                "layerd-age" => "[age]",
                "x-request-id" => "[id]",
                _ => value,
            };
            writeln!(out, "{name}: {value}")?;
        }
        write!(out, "\n{}", self.text())
    }
}

/// What is before the first `separator` and what is after it.
fn split<'a>(bytes: &'a [u8], separator: &[u8]) -> (&'a [u8], &'a [u8]) {
    let at = bytes.windows(separator.len()).position(|window| window == separator);
    at.map_or((bytes, &[][..]), |at| (&bytes[..at], &bytes[at + separator.len()..]))
}

fn join_chunks(mut rest: &[u8]) -> Vec<u8> {
    let mut body = Vec::new();
    loop {
        let (size, after) = split(rest, b"\r\n");
        let size = usize::from_str_radix(&String::from_utf8_lossy(size), 16).unwrap_or(0).min(after.len());
        if size == 0 {
            return body;
        }
        body.extend(&after[..size]);
        rest = after.get(size + 2..).unwrap_or_default();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_exchange_is_spelled_whole_and_without_what_changes_from_run_to_run() {
        let exchange = Exchange::parse(
            b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nETag: \"1\"\r\nDate: Mon, 05 Jan 2026 08:00:00 GMT\r\n\
              x-request-id: 0198\r\n\r\n{\"a\":1}",
        );
        assert_eq!(
            exchange.to_string(),
            "HTTP/1.1 200 OK\ncontent-type: application/json\nETag: \"1\"\nDate: [date]\nx-request-id: [id]\n\n{\"a\":1}"
        );
        assert_eq!(exchange.status(), 200);
        assert_eq!(exchange.header("etag"), Some("\"1\""));
        assert_eq!(exchange.json()["a"], 1);
    }

    #[test]
    fn chunks_are_joined_also_when_the_last_is_cut_off() {
        let head = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
        let whole = Exchange::parse(format!("{head}3\r\nabc\r\n10\r\n0123456789abcdef\r\n0\r\n\r\n").as_bytes());
        assert_eq!(whole.text(), "abc0123456789abcdef");
        let cut = Exchange::parse(format!("{head}3\r\nabc\r\n10\r\n01234").as_bytes());
        assert_eq!(cut.text(), "abc01234");
    }

    #[test]
    fn a_connection_closed_without_an_answer_has_status_0() {
        assert_eq!(Exchange::parse(b"").status(), 0);
    }
}
