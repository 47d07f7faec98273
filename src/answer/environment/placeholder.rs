//! `${key}` and `${key:default}` as Spring fills them in for the flat formats and for plain resources.
//!
//! Values come from the sources of the environment, the strongest first, and from nowhere else. What is not known keeps
//! its braces; a circle is the fault of the whole answer. Opened secrets are filled in like other texts.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};

use crate::config::joined::Joined;
use crate::config::layer::Data;
use crate::config::value::{Number, Opened, Value};
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
    /// The last key that nothing answered.
    unanswered: Option<String>,
}

/// A piece of a text.
enum Piece<'t> {
    Literal {
        /// Where it begins in the text.
        at: usize,
        text: &'t str,
    },
    /// What stands between `${` and `}`.
    Placeholder(&'t str),
}

impl<'e> Placeholders<'e> {
    /// Knows the values of an environment.
    #[must_use]
    pub fn new(environment: &'e Environment) -> Self {
        let mut values = HashMap::new();
        for property in environment.sources.iter().flat_map(|source| source.properties()) {
            values.entry(&**property.key).or_insert(property.data);
        }
        Self {
            values,
            known: HashMap::new(),
            active: HashSet::new(),
            depth: 0,
            left: environment.limit.min(MOST_BYTES),
            unanswered: None,
        }
    }

    /// A text with its placeholders filled in; a secret if a secret went into it. `\${` becomes `${`.
    ///
    /// # Errors
    /// [`FlatError::Circle`], [`FlatError::TooLarge`].
    pub fn fill(&mut self, text: &str) -> Result<Value, FlatError> {
        if !text.contains("${") {
            return Ok(Value::from(text));
        }
        let mut out = Joined::default();
        self.join(text, &mut out, Joined::push_text)?;
        Ok(out.into_value())
    }

    /// An opened secret with its placeholders filled in, which is as secret as it was.
    ///
    /// # Errors
    /// As for [`Self::fill`].
    pub fn fill_secret(&mut self, secret: &Opened) -> Result<Value, FlatError> {
        let plain = secret.plain.expose();
        if !plain.contains("${") {
            return Ok(Value::Secret(secret.clone()));
        }
        let mut out = Joined::default();
        out.push_sealed(&secret.sealed);
        self.join(plain, &mut out, Joined::push_hidden)?;
        Ok(out.into_value())
    }

    /// The key of a placeholder that has kept its braces since this was last asked.
    pub fn take_unanswered(&mut self) -> Option<String> {
        self.unanswered.take()
    }

    /// Adds a text with its placeholders filled in; `literal` adds what stands between them.
    fn join(&mut self, text: &str, out: &mut Joined, literal: fn(&mut Joined, &str)) -> Result<(), FlatError> {
        if self.depth >= CHAIN {
            return Err(FlatError::TooLarge);
        }
        self.depth += 1;
        for piece in pieces(text) {
            let length = out.len();
            match piece {
                Piece::Literal { text, .. } => literal(out, text),
                Piece::Placeholder(inner) => self.value(inner, out)?,
            }
            self.left = self.left.checked_sub(out.len() - length).ok_or(FlatError::TooLarge)?;
        }
        self.depth -= 1;
        Ok(())
    }

    /// Adds what a placeholder stands for. Of one that is not known and has no default the key is added, in its braces,
    /// with what is nested in it filled in.
    fn value(&mut self, inner: &str, out: &mut Joined) -> Result<(), FlatError> {
        let (key, default) = split(inner);
        // A key may hold a colon.
        if default.is_some()
            && !inner.contains("${")
            && let Some(value) = self.named(inner)?
        {
            out.push(&value, spelled);
            return Ok(());
        }
        match self.fill(&key)? {
            Value::Secret(key) => self.secretly_named(inner, &key, default, out),
            key => {
                let key = spelled(&key);
                match (self.named(&key)?, default) {
                    (Some(value), _) => out.push(&value, spelled),
                    (None, Some(default)) => self.join(default, out, Joined::push_text)?,
                    (None, None) => {
                        self.unanswered = Some(key.to_string());
                        out.push_text(&format!("${{{key}}}"));
                    }
                }
                Ok(())
            }
        }
    }

    /// As [`Self::value`] for a key with a secret in it: what it leads to tells the key, so that is a secret too.
    fn secretly_named(
        &mut self,
        inner: &str,
        key: &Opened,
        default: Option<&str>,
        out: &mut Joined,
    ) -> Result<(), FlatError> {
        out.push_sealed(&format!("${{{}}}", key.sealed));
        let name = key.plain.expose();
        let named = self.named(name).map_err(|error| match error {
            FlatError::Circle(_) => FlatError::Circle(inner.to_owned()),
            other => other,
        });
        match (named?, default) {
            (Some(value), _) => out.push(&value, spelled),
            (None, Some(default)) => self.join(default, out, Joined::push_text)?,
            (None, None) => {
                out.push_hidden("${");
                out.push_hidden(name);
                out.push_hidden("}");
            }
        }
        Ok(())
    }

    fn named(&mut self, key: &str) -> Result<Option<Value>, FlatError> {
        let Some((&key, &data)) = self.values.get_key_value(key) else { return Ok(None) };
        if let Some(known) = self.known.get(key) {
            return Ok(Some(known.clone()));
        }
        if matches!(data, Data::Text(_) | Data::Secret(_)) && !self.active.insert(key) {
            return Err(FlatError::Circle(key.to_owned()));
        }
        let value = match data {
            Data::Text(text) => self.fill(text)?,
            Data::Secret(secret) => self.fill_secret(secret)?,
            other => other.to_value(),
        };
        self.active.remove(key);
        self.known.insert(key, value.clone());
        Ok(Some(value))
    }
}

/// The key of a placeholder and its default, which begins at the first colon outside of the placeholders within it. `\:`
/// is a colon of the key.
fn split(inner: &str) -> (Cow<'_, str>, Option<&str>) {
    for piece in pieces(inner) {
        let Piece::Literal { at, text } = piece else { continue };
        let colons = text.match_indices(':').map(|(offset, _)| at + offset);
        if let Some(colon) = colons.into_iter().find(|colon| !inner[..*colon].ends_with('\\')) {
            return (unescaped(&inner[..colon]), Some(&inner[colon + 1..]));
        }
    }
    (unescaped(inner), None)
}

/// The default of a text that is one placeholder and nothing else.
pub(super) fn whole_default(text: &str) -> Option<&str> {
    match pieces(text).as_slice() {
        [Piece::Literal { text: "", .. }, Piece::Placeholder(inner), Piece::Literal { text: "", .. }] => split(inner).1,
        _ => None,
    }
}

fn unescaped(key: &str) -> Cow<'_, str> {
    if key.contains("\\:") { Cow::Owned(key.replace("\\:", ":")) } else { Cow::Borrowed(key) }
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
    let literal = |at: usize, end: usize| Piece::Literal { at, text: &text[at..end] };
    while let Some(offset) = text[from..].find("${") {
        let start = from + offset;
        from = start + 2;
        let escapes = text[done..start].bytes().rev().take_while(|byte| *byte == b'\\').take(2).count();
        if escapes > 0 {
            pieces.push(literal(done, start - escapes));
            done = start;
        } else if let Some(end) = ends.get(&(start + 1)) {
            pieces.push(literal(done, start));
            pieces.push(Piece::Placeholder(&text[start + 2..*end]));
            (done, from) = (end + 1, end + 1);
        }
    }
    pieces.push(literal(done, text.len()));
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
            ("${${name}} ${c${name}} ${c.${name}:z}", "1 ${ca} z"),
            ("${k:l} ${c:{x}}", "colon {x}"),
            ("\\${a} \\\\${a} \\\\\\${a} ${c:\\${a}}", "${a} ${a} \\${a} ${a}"),
            ("${${a} } ${a}} {${a}", "${1 } 1} {1"),
        ] {
            assert_eq!(filled(yaml, text), expected, "{text}");
        }
    }

    #[test]
    fn what_is_nested_in_a_key_is_filled_in_whether_or_not_anything_answers() {
        let yaml = "zone: north\ndock: {north: pier}\nowner: ann\n'a:b': colon\n";
        for (text, expected) in [
            ("${dock.${zone}} ${buoy.${zone}} ${buoy.${tide.${zone}}}", "pier ${buoy.north} ${buoy.${tide.north}}"),
            ("${buoy.${tide.${zone}:low}} ${buoy.\\${zone}}", "${buoy.low} ${buoy.${zone}}"),
            ("${m.${STAGE:dev}.url:http://h:1} ${q.${P:}.uri:amqp://u@h}", "http://h:1 amqp://u@h"),
            ("${x.${p:}y.${q:r}:z} ${x.${p:}y.${q:r}}", "z ${x.y.r}"),
            ("${${nothing:owner}} ${${nothing:nowhere}:other} ${buoy:${zone}:${owner}}", "ann other north:ann"),
            ("${a:b} ${a\\:b} ${a\\:c:d}", "colon colon d"),
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
