//! `NAME=text` lines of a dotenv file, in the quotes that the most readers read alike.
//!
//! There is no standard: in single quotes a backslash means something to some, in double quotes a dollar, without quotes
//! a hash. So each form of a text is held against what every reader makes of it (`readers.rs`). If readers are named, a
//! text is written in a form that all of them read, or refused. Otherwise one that all read, if there is one; else one
//! that a shell and Compose read, with a warning about the others.

use super::super::unwritable::{Unwritable, key_shown};
use super::readers::{self, Readers};
use super::{NUL, Variable, Writing, each};

/// So many names are in a warning.
const NAMES: usize = 5;

pub(super) fn write(variables: &[Variable], demanded: Option<Readers>) -> Result<Writing, Unwritable> {
    let mut differ = Differ::default();
    let mut last = String::new();
    let mut written = each(variables, |variable| {
        let (line, readers) = line(variable, demanded)?;
        if demanded.is_none() {
            differ.see(&variable.name, readers);
        }
        Ok(match line.ends_with(OPEN) {
            true => {
                last.push_str(&line);
                last.push('\n');
                None
            }
            false => Some(line),
        })
    })?;
    written.text.push_str(&last);
    written.warning = differ.warning(!last.is_empty());
    Ok(written)
}

/// How a line ends whose value godotenv and older versions of python-dotenv (1.2.2) take to go on until the next quote: such
/// lines stand last, where they hide no others.
const OPEN: &str = r#"\""#;

/// The line of a variable and who reads it.
fn line(variable: &Variable, demanded: Option<Readers>) -> Result<(String, Readers), Unwritable> {
    let Variable { name, key, text, .. } = variable;
    let takers = readers::of_name(name);
    // A name that no shell takes is not meant for one.
    let needed = demanded.unwrap_or(Readers::USUAL & (takers | Readers::COMPOSE));
    if !takers.holds(needed) {
        let reason = format!("{} would not take that name", needed - takers);
        return Err(Unwritable::name(key, name, &reason));
    }
    let mut best: Option<(String, Readers)> = None;
    for (form, readers) in forms(text) {
        let readers = readers & takers;
        if readers.holds(needed) && best.as_ref().is_none_or(|(_, best)| readers.count() > best.count()) {
            best = Some((form, readers));
        }
    }
    match best {
        Some((form, readers)) => Ok((format!("{name}={form}"), readers)),
        None if text.contains('\0') => Err(Unwritable::value(key, "dotenv", NUL)),
        None => Err(refusal(key, needed, text)),
    }
}

fn refusal(key: &str, needed: Readers, text: &str) -> Unwritable {
    let why = if text.contains('\r') { "it has a carriage return, and" } else { "with its quotes and backslashes," };
    let message = format!(
        "the value of `{}` cannot be written as dotenv: {why} no form of it is read alike by {needed}",
        key_shown(key)
    );
    Unwritable::new(
        message,
        "name only those who read the file (`readers`), or ask for the format shell, docker or json",
    )
}

/// The forms of a text with those who read each, the plainest first.
fn forms(text: &str) -> [(String, Readers); 3] {
    [
        (text.to_owned(), readers::of_bare(text)),
        (format!("'{text}'"), readers::of_single(text)),
        readers::in_double(text),
    ]
}

/// Which variables are read differently by whom.
#[derive(Default)]
struct Differ {
    names: Vec<String>,
    count: usize,
    readers: Option<Readers>,
}

impl Differ {
    fn see(&mut self, name: &str, readers: Readers) {
        let others = Readers::ALL - readers;
        if others.is_empty() {
            return;
        }
        self.count += 1;
        self.readers = Some(self.readers.unwrap_or(Readers::NONE) | others);
        if self.names.len() < NAMES {
            self.names.push(key_shown(name));
        }
    }

    fn warning(mut self, is_open: bool) -> Option<String> {
        let readers = self.readers?;
        let more = self.count - self.names.len();
        if more > 0 {
            self.names.push(format!("{more} more"));
        }
        let last = self.names.pop()?;
        let names = if self.names.is_empty() { last } else { format!("{} and {last}", self.names.join(", ")) };
        let refused = if is_open { ", or not the file at all" } else { "" };
        Some(format!("{readers} would read {names} differently{refused}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn variable(name: &str, text: &str) -> Variable {
        Variable { name: name.to_owned(), key: "a.b".to_owned(), text: text.into(), is_secret: false }
    }

    fn told(text: &str, readers: Option<&str>) -> String {
        let demanded = readers.map(|readers| Readers::parse(readers).unwrap());
        match write(&[variable("A", text)], demanded) {
            Ok(Writing { text, warning: None }) => text[2..text.len() - 1].to_owned(),
            Ok(Writing { text, warning: Some(warning) }) => format!("{} ({warning})", &text[2..text.len() - 1]),
            Err(error) => error.to_string(),
        }
    }

    #[test]
    fn a_text_that_all_read_alike_in_some_form_takes_it() {
        let expected = [
            ("", ""),
            ("jdbc:postgresql://db:5432/x", "jdbc:postgresql://db:5432/x"),
            ("a=b", "a=b"),
            ("two words", "'two words'"),
            ("~/x", "'~/x'"),
            ("#no comment", "'#no comment'"),
            ("$HOME `id` \\n \"q\"", "'$HOME `id` \\n \"q\"'"),
            ("${HOST:none}", "'${HOST:none}'"),
            ("it's", "\"it's\""),
            ("line one\nline two\t", "'line one\nline two\t'"),
            ("grün", "'grün'"),
            ("a;b&c|d>e<f(g)*?[h]!", "'a;b&c|d>e<f(g)*?[h]!'"),
        ];
        for (text, form) in expected {
            assert_eq!(told(text, None), form);
            assert_eq!(told(text, Some("all")), form);
        }
    }

    #[test]
    fn otherwise_a_shell_and_compose_read_it_and_the_others_are_named() {
        let expected = [
            ("it's \"x\"", r#""it's \"x\"""#, "node --env-file and godotenv"),
            (r"C:\data\", r#""C:\\data\\""#, "python-dotenv, node --env-file and godotenv"),
            ("it's $5", r#""it's \$5""#, "python-dotenv and node --env-file"),
            ("${HOME}", "'${HOME}'", "python-dotenv"),
            (r"a\\b", r"'a\\b'", "python-dotenv"),
        ];
        for (text, form, others) in expected {
            let refused = if text.ends_with('\\') { ", or not the file at all" } else { "" };
            assert_eq!(told(text, None), format!("{form} ({others} would read A differently{refused})"));
        }
    }

    #[test]
    fn those_who_are_named_read_it_or_it_is_refused() {
        assert_eq!(told("it's \"x\"", Some("python,node,compose,go")), "it's \"x\"");
        assert_eq!(told(r"C:\data\", Some("node,go")), r"C:\data\");
        assert_eq!(
            told("it's $5", Some("all")),
            "the value of `a.b` cannot be written as dotenv: with its quotes and backslashes, no form of it is read alike by \
             a shell, python-dotenv, node --env-file, Docker Compose and godotenv"
        );
        assert!(told("it's `x`", None).ends_with("read alike by a shell and Docker Compose"));
        assert!(told("a\rb", None).contains("it has a carriage return"));
        assert_eq!(told("a\rb", Some("sh")), "'a\rb'");
        assert!(told("a\0b", Some("sh")).ends_with("no variable can hold its NUL character"));
    }

    #[test]
    fn a_name_that_no_shell_takes_is_written_for_the_others() {
        let written = write(&[variable("a.b", "x"), variable("PATH", "/x")], None).unwrap();
        assert_eq!(written.text, "a.b=x\nPATH=/x\n");
        assert_eq!(written.warning.as_deref(), Some("a shell would read a.b and PATH differently"));
        assert!(
            write(&[variable("a b", "x")], None).unwrap_err().to_string().contains("Docker Compose would not take")
        );
        assert!(write(&[variable("a.b", "x")], Some(Readers::SHELL)).is_err());
    }

    #[test]
    fn what_some_read_past_its_end_stands_last() {
        let written = write(&[variable("A", r"x \"), variable("B", "'\""), variable("C", "1")], None).unwrap();
        assert_eq!(written.text, "B=\"'\\\"\"\nC=1\nA=\"x \\\\\"\n");
    }

    #[test]
    fn a_warning_names_a_few() {
        let all: Vec<_> = (0..7).map(|number| variable(&format!("A{number}"), "it's $5")).collect();
        let warning = write(&all, None).unwrap().warning.unwrap();
        assert!(warning.ends_with(" would read A0, A1, A2, A3, A4 and 2 more differently"), "{warning}");
    }
}
