//! `${key}` and `${key:default}` as Spring fills them in for the flat formats and for plain resources.
//!
//! Values come from the sources of the environment, the strongest first, and from nowhere else. What is not known stays
//! as written; a circle is the fault of the whole answer.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};

use crate::config::joined::Joined;
use crate::config::layer::Data;
use crate::config::value::{Number, Value};
use crate::format::java;

use super::{Environment, FlatError};

/// How many values may lead to one another, placeholders within placeholders counted. It bounds the stack.
const CHAIN: usize = 96;

/// The most bytes that the placeholders of one answer may make.
const MOST_BYTES: usize = 16 << 20;

/// Fills in the placeholders of texts; what it has looked up once it remembers.
pub struct Placeholders<'e> {
    values: HashMap<&'e str, &'e Data>,
    known: HashMap<&'e str, Value>,
    active: HashSet<&'e str>,
    depth: usize,
    /// Bytes that may still be made.
    left: usize,
}

/// A piece of a text.
enum Piece<'t> {
    Literal(&'t str),
    /// Between `${` and `}`; `whole` with them.
    Placeholder {
        whole: &'t str,
        inner: &'t str,
    },
}

impl<'e> Placeholders<'e> {
    /// Knows the values of an environment.
    #[must_use]
    pub fn new(environment: &'e Environment) -> Self {
        let mut values = HashMap::new();
        for property in environment.sources.iter().flat_map(|source| source.properties()) {
            values.entry(&**property.key).or_insert(property.data);
        }
        Self { values, known: HashMap::new(), active: HashSet::new(), depth: 0, left: MOST_BYTES }
    }

    /// A text with its placeholders filled in; a secret if a secret went into it. `\${` becomes `${`.
    ///
    /// # Errors
    /// [`FlatError::Circle`], [`FlatError::TooLarge`].
    pub fn fill(&mut self, text: &str) -> Result<Value, FlatError> {
        if !text.contains("${") {
            return Ok(Value::from(text));
        }
        if self.depth >= CHAIN {
            return Err(FlatError::TooLarge);
        }
        self.depth += 1;
        let mut out = Joined::default();
        for piece in pieces(text) {
            let length = out.len();
            match piece {
                Piece::Literal(literal) => out.push_text(literal),
                Piece::Placeholder { whole, inner } => match self.value(inner)? {
                    None => out.push_text(whole),
                    Some(value) => out.push(&value, spelled),
                },
            }
            self.left = self.left.checked_sub(out.len() - length).ok_or(FlatError::TooLarge)?;
        }
        self.depth -= 1;
        Ok(out.into_value())
    }

    /// What a placeholder stands for; `None`: it is not known and has no default.
    fn value(&mut self, inner: &str) -> Result<Option<Value>, FlatError> {
        let filled = self.fill(inner)?;
        // A secret names no key: which keys are there would tell what it is.
        let Value::String(name) = &filled else { return Ok(None) };
        if let Some(value) = self.named(name)? {
            return Ok(Some(value));
        }
        let Some((key, _)) = name.split_once(':') else { return Ok(None) };
        if let Some(value) = self.named(key)? {
            return Ok(Some(value));
        }
        match inner.split_once(':') {
            Some((_, default)) => self.fill(default).map(Some),
            None => Ok(None),
        }
    }

    fn named(&mut self, key: &str) -> Result<Option<Value>, FlatError> {
        let Some((&key, &data)) = self.values.get_key_value(key) else { return Ok(None) };
        if let Some(known) = self.known.get(key) {
            return Ok(Some(known.clone()));
        }
        let value = match data {
            Data::Text(text) => {
                if !self.active.insert(key) {
                    return Err(FlatError::Circle(key.to_owned()));
                }
                let value = self.fill(text)?;
                self.active.remove(key);
                value
            }
            other => other.to_value(),
        };
        self.known.insert(key, value.clone());
        Ok(Some(value))
    }
}

/// A value as it is spelled inside text.
pub(super) fn spelled(value: &Value) -> Cow<'_, str> {
    match value {
        Value::Bool(value) => Cow::Owned(value.to_string()),
        Value::Number(number @ Number::Float(_)) => Cow::Owned(java::number(number)),
        Value::Number(number) => Cow::Owned(number.to_string()),
        Value::String(text) => Cow::Borrowed(text),
        Value::Foreign(foreign) => Cow::Borrowed(foreign.text()),
        Value::Null | Value::List(_) | Value::Map(_) | Value::Secret(_) => Cow::Borrowed(""),
    }
}

/// Splits a text at its outermost placeholders, in one pass over it and one over its braces.
fn pieces(text: &str) -> Vec<Piece<'_>> {
    let ends = closing_braces(text);
    let (mut pieces, mut done, mut from) = (Vec::new(), 0, 0);
    while let Some(offset) = text[from..].find("${") {
        let start = from + offset;
        from = start + 2;
        let escapes = text[done..start].bytes().rev().take_while(|byte| *byte == b'\\').take(2).count();
        if escapes > 0 {
            pieces.push(Piece::Literal(&text[done..start - escapes]));
            done = start;
        } else if let Some(end) = ends.get(&(start + 1)) {
            pieces.push(Piece::Literal(&text[done..start]));
            pieces.push(Piece::Placeholder { whole: &text[start..=*end], inner: &text[start + 2..*end] });
            (done, from) = (end + 1, end + 1);
        }
    }
    pieces.push(Piece::Literal(&text[done..]));
    pieces
}

/// Where the brace that opens at a place is closed.
fn closing_braces(text: &str) -> HashMap<usize, usize> {
    let (mut open, mut ends) = (Vec::new(), HashMap::new());
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            b'{' => open.push(at),
            b'}' => {
                if let Some(start) = open.pop() {
                    ends.insert(start, at);
                }
            }
            _ => {}
        }
    }
    ends
}

#[cfg(test)]
mod tests {
    use std::fmt::Write as _;

    use super::super::testing::{ask, snapshot};
    use super::*;

    /// A text filled in from `x.yml`.
    fn filled(yaml: &str, text: &str) -> String {
        let snapshot = snapshot(&[("x.yml", yaml)], &[]);
        let environment = ask(&snapshot, "x", "dev").unwrap();
        match Placeholders::new(&environment).fill(text) {
            Ok(value) => spelled(&value).into_owned(),
            Err(error) => error.to_string(),
        }
    }

    #[test]
    fn placeholders_are_filled_in_and_unknown_ones_stay() {
        let yaml = "a: 1\nb: 'x${a}'\nf: 1e10\nt: true\n'k:l': colon\nl: [p]\nn:\nname: a\n";
        for (text, expected) in [
            ("${a}${b}", "1x1"),
            ("${f} ${t} ${l[0]} [${n}]", "1.0E10 true p []"),
            ("${c} ${ a } $a #{a} ${a", "${c} ${ a } $a #{a} ${a"),
            ("${c:} ${c:d:e} ${c:${a}} ${c:${d}}", " d:e 1 ${d}"),
            ("${${name}} ${c${name}} ${c.${name}:z}", "1 ${c${name}} z"),
            ("${k:l} ${c:{x}}", "colon {x}"),
            ("\\${a} \\\\${a} \\\\\\${a} ${c:\\${a}}", "${a} ${a} \\${a} ${a}"),
            ("${${a} } ${a}} {${a}", "${${a} } 1} {1"),
        ] {
            assert_eq!(filled(yaml, text), expected, "{text}");
        }
    }

    #[test]
    fn circles_are_refused() {
        let yaml = "a: ${b}\nb: ${c:${a}}\nself: ${self:x}\n";
        assert_eq!(filled(yaml, "${a}"), "the placeholder `${a}` leads back to itself");
        assert_eq!(filled(yaml, "${self}"), "the placeholder `${self}` leads back to itself");
    }

    #[test]
    fn what_grows_without_end_is_refused() {
        let mut yaml = "k0: xxxxxxxxxx\n".to_owned();
        for number in 1..90 {
            let before = format!("${{k{}}}", number - 1);
            writeln!(yaml, "k{number}: {before}{before}").unwrap();
        }
        assert_eq!(filled(&yaml, "${k89}"), "the answer would grow too large");
        assert_eq!(filled(&yaml, "${k3}").len(), 80);
        let chain: String = (0..2_000).map(|number| format!("k{number}: ${{k{}}}\n", number + 1)).collect();
        assert_eq!(filled(&chain, "${k0}"), "the answer would grow too large");
        let deep = format!("{}{}", "${".repeat(100_000), "}".repeat(100_000));
        assert_eq!(filled("a: 1", &deep), "the answer would grow too large");
        assert_eq!(filled("a: 1", &"${".repeat(100_000)).len(), 200_000);
    }
}
