//! What a command is told in secret: on standard input, or typed at a terminal that does not show it. Never an argument,
//! which every user of the machine can see.

use std::fs::File;
use std::io::{self, BufRead as _, BufReader, Read as _, Write as _};

use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcsetattr};
use zeroize::Zeroizing;

use crate::secret::sealed::LONGEST;

use super::console::{Console, Exit, Failure};

/// The text on standard input without one final line end; on a terminal it is asked for.
pub(super) fn secret(console: &mut Console<'_>, what: &str) -> Result<Zeroizing<String>, Failure> {
    let text = match console.input_is_terminal {
        true => typed(what).map_err(|error| unreadable(what, &error))?,
        false => piped(console, what)?,
    };
    let line = text.strip_suffix('\n').map_or(text.as_str(), |line| line.strip_suffix('\r').unwrap_or(line));
    match line {
        "" => Err(Failure::new(Exit::Usage, format!("there is no {what} on standard input")).with_hint(format!(
            "write it there: `layerd … < file`, or run the command at a terminal to type the {what}"
        ))),
        line => Ok(Zeroizing::new(line.to_owned())),
    }
}

fn piped(console: &mut Console<'_>, what: &str) -> Result<Zeroizing<String>, Failure> {
    let mut bytes = Zeroizing::new(Vec::with_capacity(LONGEST + 3)); // no growth leaves plain text behind
    let read = console.input.take(LONGEST as u64 + 3).read_to_end(&mut bytes);
    read.map_err(|error| unreadable(what, &error))?;
    if bytes.len() > LONGEST + 2 {
        return Err(Failure::new(Exit::Usage, format!("the {what} on standard input is longer than {LONGEST} bytes")));
    }
    let text = std::str::from_utf8(&bytes).map_err(|_| {
        Failure::new(Exit::Usage, format!("the {what} on standard input is not UTF-8 text"))
            .with_hint("spell bytes as text first, such as with base64")
    })?;
    Ok(Zeroizing::new(text.to_owned()))
}

/// A line typed at the terminal, whose echo is off meanwhile.
fn typed(what: &str) -> io::Result<Zeroizing<String>> {
    let mut terminal = File::options().read(true).write(true).open("/dev/tty")?;
    write!(terminal, "{what}: ")?;
    terminal.flush()?;
    let silence = Silence::over(&terminal)?;
    let mut line = Zeroizing::new(String::with_capacity(LONGEST));
    BufReader::new(terminal.try_clone()?).take(LONGEST as u64).read_line(&mut line)?;
    drop(silence);
    writeln!(terminal)?;
    Ok(line)
}

/// A terminal without echo, until this is dropped.
struct Silence<'a> {
    terminal: &'a File,
    before: Termios,
}

impl<'a> Silence<'a> {
    fn over(terminal: &'a File) -> io::Result<Self> {
        let before = tcgetattr(terminal)?;
        let mut silent = before.clone();
        silent.local_modes.remove(LocalModes::ECHO);
        tcsetattr(terminal, OptionalActions::Flush, &silent)?;
        Ok(Self { terminal, before })
    }
}

impl Drop for Silence<'_> {
    fn drop(&mut self) {
        // Nothing can be done about a terminal that has gone away.
        tcsetattr(self.terminal, OptionalActions::Flush, &self.before).ok();
    }
}

fn unreadable(what: &str, error: &io::Error) -> Failure {
    Failure::new(Exit::Usage, format!("the {what} cannot be read: {error}"))
}

#[cfg(test)]
mod tests {
    use super::super::testing::run_with_input;

    /// What `decrypt` says of its input before it looks at any key.
    fn told(input: &[u8]) -> (u8, String) {
        let ran = run_with_input(&["decrypt"], &[], input);
        assert_eq!(ran.out, "");
        (ran.code, ran.err)
    }

    #[test]
    fn nothing_on_standard_input_is_told() {
        let expected = "error: there is no sealed value on standard input\n\
                        hint: write it there: `layerd … < file`, or run the command at a terminal to type the sealed value\n";
        for input in [&b""[..], b"\n", b"\r\n"] {
            assert_eq!(told(input), (2, expected.to_owned()));
        }
    }

    #[test]
    fn bytes_that_are_no_text_are_refused() {
        let expected = "error: the sealed value on standard input is not UTF-8 text\n\
                        hint: spell bytes as text first, such as with base64\n";
        assert_eq!(told(b"\xff"), (2, expected.to_owned()));
    }

    #[test]
    fn an_endless_input_is_read_no_further_than_its_limit() {
        let expected = "error: the sealed value on standard input is longer than 262144 bytes\n";
        assert_eq!(told(&vec![b'x'; 1 << 20]), (2, expected.to_owned()));
    }
}
