//! Where a command speaks to and listens: stdout for results, stderr for words about them, stdin for secrets; and how it
//! ends.

use std::fmt;
use std::io::{self, ErrorKind, Read, Write};

use crate::config::foreign;
use crate::settings::{Environment, Refusal};

/// Exit codes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Exit {
    /// Done and clean.
    Done = 0,
    /// The answer is no.
    No = 1,
    /// Wrong usage.
    Usage = 2,
    /// The server or the repository could not be reached.
    Unreachable = 3,
    /// Refused to start because of the settings.
    Settings = 78,
}

/// The streams of a command and what is around it.
pub(super) struct Console<'a> {
    pub(super) input: &'a mut dyn Read,
    pub(super) out: &'a mut dyn Write,
    pub(super) err: &'a mut dyn Write,
    /// True if stdout is a terminal.
    pub(super) is_terminal: bool,
    /// True if stderr is a terminal.
    pub(super) err_is_terminal: bool,
    /// True if stdin is a terminal.
    pub(super) input_is_terminal: bool,
    pub(super) environment: &'a Environment,
}

/// Why a command did not do what it was asked.
#[derive(Debug)]
pub(super) enum Failure {
    /// Something that the user can be told in a sentence.
    Told {
        /// The code to end with.
        exit: Exit,
        /// A lower-case sentence without a final dot, with the place in a file on a line of its own if there is one.
        message: String,
        /// What to do about it.
        hint: Option<String>,
    },
    /// Settings that are refused.
    Refused(Refusal),
    /// The result could not be written.
    Output(io::Error),
}

impl Failure {
    pub(super) fn new(exit: Exit, message: impl Into<String>) -> Self {
        Self::Told { exit, message: message.into(), hint: None }
    }

    pub(super) fn with_hint(mut self, advice: impl Into<String>) -> Self {
        if let Self::Told { hint, .. } = &mut self {
            *hint = Some(advice.into());
        }
        self
    }

    /// True if a server or repository could not be reached.
    pub(super) fn is_unreachable(&self) -> bool {
        matches!(self, Self::Told { exit: Exit::Unreachable, .. })
    }

    /// The same with advice, if there is any.
    pub(super) fn advised(self, advice: Option<String>) -> Self {
        match advice {
            Some(advice) => self.with_hint(advice),
            None => self,
        }
    }

    fn exit(&self) -> Exit {
        match self {
            Self::Told { exit, .. } => *exit,
            Self::Refused(_) => Exit::Settings,
            // Who closes a pipe early, such as `head`, has what it wanted.
            Self::Output(error) if error.kind() == ErrorKind::BrokenPipe => Exit::Done,
            Self::Output(_) => Exit::No,
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Told { message, hint, .. } => {
                writeln!(out, "error: {message}")?;
                hint.as_ref().map_or(Ok(()), |hint| writeln!(out, "hint: {hint}"))
            }
            Self::Refused(refusal) => writeln!(out, "{refusal}"),
            Self::Output(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
            Self::Output(error) => writeln!(out, "error: the result cannot be written: {error}"),
        }
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Self::Output(error)
    }
}

impl Console<'_> {
    /// Writes to stdout.
    pub(super) fn print(&mut self, text: &str) -> io::Result<()> {
        self.print_bytes(text.as_bytes())
    }

    /// Writes a line of JSON to stdout, hidden characters in it as escapes.
    pub(super) fn print_json(&mut self, text: &str) -> io::Result<()> {
        self.print(&format!("{}\n", foreign::json(text)))
    }

    /// Writes bytes to stdout as they are.
    pub(super) fn print_bytes(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.out.write_all(bytes)?;
        self.out.flush()
    }

    /// Writes to stderr, made fit for a terminal, whoever wrote what is in it; if that fails there is nobody left to tell.
    pub(super) fn say(&mut self, text: &str) {
        drop(self.err.write_all(foreign::message(text).as_bytes()));
    }

    /// The same of a text with styles, which are not escaped.
    pub(super) fn say_styled(&mut self, text: &str) {
        drop(self.err.write_all(foreign::without_logins(text).as_bytes()));
    }

    /// Tells a warning.
    pub(super) fn warn(&mut self, sentence: &str) {
        self.say(&format!("warning: {sentence}\n"));
    }

    /// Tells a failure and returns how to end.
    pub(super) fn fail(&mut self, failure: &Failure) -> Exit {
        let text = failure.to_string();
        if let Some(rest) = text.strip_prefix("error: ").filter(|_| self.is_coloured(false)) {
            self.say_styled("\u{1b}[1;31merror:\u{1b}[0m ");
            self.say(rest);
        } else {
            self.say(&text);
        }
        failure.exit()
    }

    /// Whether stdout, or else stderr, takes colours: on a terminal, unless `NO_COLOR` is set.
    pub(super) fn is_coloured(&self, stdout: bool) -> bool {
        let is_terminal = if stdout { self.is_terminal } else { self.err_is_terminal };
        is_terminal && !self.has_no_color()
    }

    /// True if the environment asks for no colours.
    pub(super) fn has_no_color(&self) -> bool {
        self.environment.get("NO_COLOR").is_some()
    }
}

/// A result with texts of others, without characters that steer a terminal; line ends stay.
pub(super) fn plain(text: &str) -> String {
    foreign::lines(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Closed(ErrorKind);

    impl Write for Closed {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(self.0.into())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    /// The exit code and words of a command whose stdout fails.
    fn printed(kind: ErrorKind, is_terminal: bool, variables: &[(&str, &str)]) -> (Exit, String) {
        said(is_terminal, variables, |console| Failure::from(console.print("x").unwrap_err()), kind)
    }

    /// The exit code and words of a command that fails.
    fn said(
        is_terminal: bool,
        variables: &[(&str, &str)],
        act: impl FnOnce(&mut Console<'_>) -> Failure,
        kind: ErrorKind,
    ) -> (Exit, String) {
        let variables = variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let environment = Environment { variables, ..Environment::default() };
        let (mut out, mut err) = (Closed(kind), Vec::new());
        let exit = {
            let mut console = Console {
                input: &mut io::empty(),
                out: &mut out,
                err: &mut err,
                is_terminal,
                err_is_terminal: is_terminal,
                input_is_terminal: false,
                environment: &environment,
            };
            let failure = act(&mut console);
            console.fail(&failure)
        };
        (exit, String::from_utf8(err).unwrap())
    }

    #[test]
    fn a_reader_that_has_enough_is_no_failure() {
        assert_eq!(printed(ErrorKind::BrokenPipe, false, &[]), (Exit::Done, String::new()));
        let full = "error: the result cannot be written: no storage space\n".to_owned();
        assert_eq!(printed(ErrorKind::StorageFull, false, &[]), (Exit::No, full));
    }

    #[test]
    fn colours_are_for_terminals_without_no_color() {
        let told = |is_terminal, variables: &[_]| printed(ErrorKind::StorageFull, is_terminal, variables).1;
        assert!(told(true, &[]).starts_with("\u{1b}[1;31merror:\u{1b}[0m the result"));
        assert!(told(true, &[("NO_COLOR", "1")]).starts_with("error: the result"));
        assert!(told(true, &[("NO_COLOR", "")]).starts_with('\u{1b}'));
    }

    #[test]
    fn texts_of_others_steer_no_terminal() {
        assert_eq!(plain("a\u{1b}[2Jb\r\nc\u{9b}"), "a\\u{1b}[2Jb\\r\nc\\u{9b}");
        let told = |is_terminal, failure| said(is_terminal, &[], |_| failure, ErrorKind::Other).1;
        let failure = || Failure::new(Exit::No, "a\u{1b}[2Jb https://me:pw@h/x").with_hint("c\u{202e}");
        assert_eq!(told(false, failure()), "error: a\\u{1b}[2Jb https://***@h/x\nhint: c\\u{202e}\n");
        assert!(told(true, failure()).starts_with("\u{1b}[1;31merror:\u{1b}[0m a\\u{1b}[2Jb"));
    }
}
