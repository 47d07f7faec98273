//! `${key}` and `${key:default}`: placeholders between the values of one merged configuration.
//!
//! The only source of values is the configuration itself, never the environment of the server. What cannot be resolved
//! stays exactly as written, because it is often meant for the client's own environment.

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::Arc;

use super::effective::{Effective, Place};
use super::growth::{DEFAULT_LIMIT, TooLarge, bytes};
use super::joined::Joined;
use super::key;
use super::layer::{Data, Layer};
use super::problem::{Fault, Position, Problem};
use super::secret_string::SecretString;
use super::value::{Opened, STARS, Value};

/// How far placeholders are resolved.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Resolve {
    /// Those whose key exists.
    #[default]
    Known,
    /// Those whose key exists; of the others those with a default take it.
    All,
    /// None.
    Nothing,
}

/// How many values may lead to one another. With `NESTING` it bounds the stack that a hostile file can use.
const CHAIN: usize = 32;

/// How deep placeholders may stand in one another's keys and defaults.
const NESTING: usize = 8;

/// The most bytes that a value with placeholders may grow to.
pub(crate) const MAX_TEXT: usize = 64 * 1024;

/// How many bytes may be put together for each that an answer may have.
const WORK: usize = 4;

/// The merged document with its placeholders resolved, and a problem for each value that had to stay as written.
#[must_use]
pub fn interpolate(effective: &Effective, layers: &[Layer], resolve: Resolve) -> (Value, Vec<Problem>) {
    let mut resolver = Resolver::new(effective, layers, resolve);
    let value = effective.to_value(|text, place| resolver.value(text, place));
    (value, resolver.problems)
}

/// Resolves texts of one merged configuration; what it has resolved once it remembers.
pub struct Resolver<'a> {
    effective: &'a Effective,
    layers: &'a [Layer],
    resolve: Resolve,
    /// The resolved values of texts that placeholders named, by path.
    known: HashMap<String, Result<Resolved, Stop>>,
    /// The paths that are being resolved, outermost first.
    active: Vec<String>,
    /// A problem for each value that had to stay as written.
    pub problems: Vec<Problem>,
    /// Bytes that resolved values may have in all.
    limit: usize,
    /// Bytes that resolved values may still have.
    left: usize,
    /// Bytes that may still be put together, those that only lead to others included.
    work: usize,
    /// The largest of the resolved values.
    most: (usize, Place),
    /// What grew too large.
    too_large: Option<TooLarge>,
    /// Which texts at which paths are hidden in the values that placeholders bring them into.
    is_secret: Option<Guard>,
}

/// Says whether a text at a path is a secret.
pub type Guard = fn(&str, &str) -> bool;

/// A text after resolution.
#[derive(Clone)]
struct Resolved {
    value: Value,
    /// False if a placeholder in it, or in what it was made of, stayed as written.
    complete: bool,
    /// How many values it went through.
    height: usize,
}

/// Why a value stays as written.
#[derive(Clone)]
enum Stop {
    /// It leads to a circle of these paths.
    Cycle(Arc<str>),
    /// It goes through too many values.
    Chain,
    /// Its placeholders stand too deep in one another.
    Nesting,
    /// It grows too large.
    Size,
    /// The answer does.
    Answer,
}

/// A piece of a text.
enum Piece<'t> {
    Literal(&'t str),
    Placeholder { whole: &'t str, key: &'t str, default: Option<&'t str> },
}

impl<'a> Resolver<'a> {
    /// A resolver for the texts of `effective`, whose layers are needed to say where a problem is.
    #[must_use]
    pub fn new(effective: &'a Effective, layers: &'a [Layer], resolve: Resolve) -> Self {
        Self {
            effective,
            layers,
            resolve,
            known: HashMap::new(),
            active: Vec::new(),
            problems: Vec::new(),
            limit: DEFAULT_LIMIT,
            left: DEFAULT_LIMIT,
            work: DEFAULT_LIMIT * WORK,
            most: (0, Place { layer: 0, at: Position::default() }),
            too_large: None,
            is_secret: None,
        }
    }

    /// The same for values that are shown to people: a text that a secret is brought into is one.
    #[must_use]
    pub fn hiding(self, is_secret: Guard) -> Self {
        Self { is_secret: Some(is_secret), ..self }
    }

    /// The same with another limit to the bytes that all its values have; what is beyond stays as written.
    #[must_use]
    pub fn within(self, limit: usize) -> Self {
        Self { limit, left: limit, work: limit.saturating_mul(WORK), ..self }
    }

    /// What grew too large, if anything did.
    ///
    /// # Errors
    /// That.
    pub fn result(&self) -> Result<(), TooLarge> {
        self.too_large.clone().map_or(Ok(()), Err)
    }

    /// The value of a text that stands at `place`.
    pub fn value(&mut self, text: &Arc<str>, place: Place) -> Value {
        if self.resolve == Resolve::Nothing || !text.contains("${") {
            return Value::String(Arc::clone(text));
        }
        self.active.clear();
        if self.too_large.is_some() {
            return Value::String(Arc::clone(text));
        }
        let resolved = self.text(text, 0).and_then(|resolved| self.charge(&resolved.value, place).map(|()| resolved));
        match resolved {
            Ok(resolved) => resolved.value,
            Err(Stop::Answer) => {
                let (_, place) = self.most;
                let path = &self.layers[place.layer].path;
                let key = self.effective.key_at(place).unwrap_or_default();
                let error = TooLarge { key, limit: self.limit, place: Some((Arc::clone(path), place.at)) };
                self.problems.push(error.problem(path));
                self.too_large = Some(error);
                Value::String(Arc::clone(text))
            }
            Err(stop) => {
                let fault = stop.fault(place.at);
                self.problems.push(fault.in_file(&self.layers[place.layer].path));
                Value::String(Arc::clone(text))
            }
        }
    }

    fn charge(&mut self, value: &Value, place: Place) -> Result<(), Stop> {
        let bytes = bytes(value);
        if bytes > self.most.0 {
            self.most = (bytes, place);
        }
        self.left = self.left.checked_sub(bytes).ok_or(Stop::Answer)?;
        Ok(())
    }

    fn text(&mut self, text: &str, nesting: usize) -> Result<Resolved, Stop> {
        if text.len() > MAX_TEXT {
            return Err(Stop::Size);
        }
        if nesting > NESTING {
            return Err(Stop::Nesting);
        }
        let pieces = pieces(text);
        if let [Piece::Placeholder { whole, key, default }] = pieces[..] {
            return self.placeholder(whole, key, default, nesting);
        }
        let mut joined = Resolved { value: Value::Null, complete: true, height: 0 };
        let mut out = Joined::default();
        for piece in pieces {
            match piece {
                Piece::Literal(literal) => out.push_text(literal),
                Piece::Placeholder { whole, key, default } => {
                    let resolved = self.placeholder(whole, key, default, nesting)?;
                    out.push(&resolved.value, spelled);
                    joined.complete &= resolved.complete;
                    joined.height = joined.height.max(resolved.height);
                }
            }
            if out.len() > MAX_TEXT {
                return Err(Stop::Size);
            }
        }
        self.work = self.work.checked_sub(out.len()).ok_or(Stop::Answer)?;
        Ok(Resolved { value: out.into_value(), ..joined })
    }

    fn placeholder(&mut self, whole: &str, key: &str, default: Option<&str>, nesting: usize) -> Result<Resolved, Stop> {
        let stays = Resolved { value: Value::from(whole), complete: false, height: 0 };
        let key = match key.contains("${") {
            true => self.text(key, nesting + 1)?,
            false => Resolved { value: Value::from(key), complete: true, height: 0 },
        };
        // A secret names no key: which keys are there would tell what it is.
        if !key.complete || matches!(key.value, Value::Secret(_)) {
            return Ok(stays);
        }
        let path = spelled(&key.value);
        if let Some(found) = self.named(&path)? {
            return Ok(Resolved { height: found.height.max(key.height), ..found });
        }
        let (Resolve::All, Some(default)) = (self.resolve, default) else { return Ok(stays) };
        let resolved = self.text(default, nesting + 1)?;
        if !resolved.complete {
            return Ok(stays);
        }
        let value = match resolved.value {
            Value::Secret(_) => resolved.value,
            plain => Value::from(&*spelled(&plain)),
        };
        Ok(Resolved { value, ..resolved })
    }

    /// The resolved scalar at a path, hidden if it is a secret; `None` if there is none.
    fn named(&mut self, path: &str) -> Result<Option<Resolved>, Stop> {
        let mut found = self.found(path)?;
        if let (Some(is_secret), Some(resolved)) = (self.is_secret, &mut found) {
            let text = spelled(&resolved.value);
            if is_secret(path, &text) {
                let plain = SecretString::new(&*text);
                resolved.value = Value::Secret(Opened { sealed: Arc::from(STARS), plain });
            }
        }
        Ok(found)
    }

    fn found(&mut self, path: &str) -> Result<Option<Resolved>, Stop> {
        let Some((data, _)) = self.effective.scalar(path) else { return Ok(None) };
        let Data::Text(text) = data else {
            return Ok(Some(Resolved { value: data.to_value(), complete: true, height: 1 }));
        };
        if !text.contains("${") {
            return Ok(Some(Resolved { value: Value::String(Arc::clone(text)), complete: true, height: 1 }));
        }
        let path = key::split(path).map_or_else(|| path.to_owned(), |steps| key::join(&steps));
        let outcome = match self.known.get(&path) {
            Some(known) => known.clone(),
            None => self.enter(path, text),
        }?;
        if self.active.len() + outcome.height > CHAIN {
            return Err(Stop::Chain);
        }
        Ok(Some(outcome))
    }

    fn enter(&mut self, path: String, text: &str) -> Result<Resolved, Stop> {
        if let Some(start) = self.active.iter().position(|active| *active == path) {
            return Err(Stop::Cycle(Arc::from(self.active[start..].join("` → `"))));
        }
        if self.active.len() >= CHAIN {
            return Err(Stop::Chain);
        }
        self.active.push(path);
        let outcome = self.text(text, 0).map(|resolved| Resolved { height: resolved.height + 1, ..resolved });
        let path = self.active.pop().expect("it was pushed above");
        if !matches!(outcome, Err(Stop::Chain | Stop::Answer)) {
            self.known.insert(path, outcome.clone());
        }
        outcome
    }
}

impl Stop {
    fn fault(&self, at: super::problem::Position) -> Fault {
        match self {
            Self::Cycle(paths) => {
                let message = format!("the placeholder leads to a circle: `{paths}`; the value stays as written");
                Fault::error("placeholder-cycle", at, message).with_hint("give one of these keys a value of its own")
            }
            Self::Chain => Fault::error(
                "placeholder-chain",
                at,
                format!("the placeholder leads through more than {CHAIN} values; the value stays as written"),
            ),
            Self::Nesting => Fault::error(
                "placeholder-nesting",
                at,
                format!("placeholders stand more than {NESTING} deep in one another; the value stays as written"),
            ),
            Self::Size | Self::Answer => Fault::error(
                "placeholder-size",
                at,
                format!("the value grows beyond {MAX_TEXT} bytes; it stays as written"),
            ),
        }
    }
}

/// The key and the default of every placeholder of a text that stands in no other one, both as written.
pub fn placeholders(text: &str) -> impl Iterator<Item = (&str, Option<&str>)> {
    pieces(text).into_iter().filter_map(|piece| match piece {
        Piece::Placeholder { key, default, .. } => Some((key, default)),
        Piece::Literal(_) => None,
    })
}

/// A value as it is spelled inside text: numbers, booleans and null as in JSON.
fn spelled(value: &Value) -> Cow<'_, str> {
    match value {
        Value::String(text) => Cow::Borrowed(text),
        Value::Null => Cow::Borrowed("null"),
        Value::Bool(value) => Cow::Borrowed(if *value { "true" } else { "false" }),
        Value::Number(number) => Cow::Owned(number.to_string()),
        // No placeholder names a list or a map, and secrets go their own way.
        Value::Foreign(foreign) => Cow::Borrowed(foreign.text()),
        Value::List(_) | Value::Map(_) | Value::Secret(_) => Cow::Borrowed(""),
    }
}

fn pieces(text: &str) -> Vec<Piece<'_>> {
    let mut pieces = Vec::new();
    let mut rest = text;
    while let Some(at) = rest.find("${") {
        let (before, from) = rest.split_at(at);
        if let Some(before) = before.strip_suffix('\\') {
            pieces.extend([Piece::Literal(before), Piece::Literal("${")]);
            rest = &from[2..];
            continue;
        }
        let Some((inside, after)) = closed(&from[2..]) else { break };
        let (key, default) = split_default(inside);
        let whole = &from[..from.len() - after.len()];
        if key.is_empty() || key.trim() != key {
            pieces.extend([Piece::Literal(before), Piece::Literal(whole)]);
        } else {
            pieces.extend((!before.is_empty()).then_some(Piece::Literal(before)));
            pieces.push(Piece::Placeholder { whole, key, default });
        }
        rest = after;
    }
    if !rest.is_empty() {
        pieces.push(Piece::Literal(rest));
    }
    pieces
}

/// Splits behind the brace that closes a placeholder whose inside begins with `text`.
fn closed(text: &str) -> Option<(&str, &str)> {
    let mut depth = 0;
    let bytes = text.as_bytes();
    for (at, byte) in bytes.iter().enumerate() {
        match byte {
            b'{' if at > 0 && bytes[at - 1] == b'$' => depth += 1,
            b'}' if depth == 0 => return Some((&text[..at], &text[at + 1..])),
            b'}' => depth -= 1,
            _ => {}
        }
    }
    None
}

/// Splits at the first colon outside of nested placeholders.
fn split_default(inside: &str) -> (&str, Option<&str>) {
    let mut depth = 0;
    let bytes = inside.as_bytes();
    for (at, byte) in bytes.iter().enumerate() {
        match byte {
            b'{' if at > 0 && bytes[at - 1] == b'$' => depth += 1,
            b'}' if depth > 0 => depth -= 1,
            b':' if depth == 0 => return (&inside[..at], Some(&inside[at + 1..])),
            _ => {}
        }
    }
    (inside, None)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::merge::merge;
    use crate::format::{self, Format, Limits};

    fn resolved(text: &str, resolve: Resolve) -> (String, Vec<String>) {
        let body = Arc::new(format::read(Format::Yaml, text.as_bytes(), &Limits::default()));
        assert!(!body.is_broken(), "{:?}", body.faults);
        let layers = [Layer { path: Arc::from("x.yml"), body, index: 0 }];
        let (value, problems) = interpolate(&merge(&layers), &layers, resolve);
        let problems = problems.iter().map(|problem| format!("{}: {}", problem.at.line, problem.message)).collect();
        (format::write(Format::Json, &value, false), problems)
    }

    fn known(text: &str) -> String {
        resolved(text, Resolve::Known).0
    }

    fn all(text: &str) -> String {
        resolved(text, Resolve::All).0
    }

    #[test]
    fn what_exists_is_replaced_and_the_rest_stays_as_written() {
        assert_eq!(known("a: x\nb: <${a}>"), r#"{"a":"x","b":"<x>"}"#);
        assert_eq!(known("b: ${DB_HOST:localhost}/${no}"), r#"{"b":"${DB_HOST:localhost}/${no}"}"#);
        assert_eq!(known("a: x\nb: ${NO:${a}}"), r#"{"a":"x","b":"${NO:${a}}"}"#);
        assert_eq!(known("a: ${H:h}:1\nb: jdbc:${a}"), r#"{"a":"${H:h}:1","b":"jdbc:${H:h}:1"}"#);
        assert_eq!(resolved("a: x\nb: ${a}", Resolve::Nothing).0, r#"{"a":"x","b":"${a}"}"#);
    }

    #[test]
    fn all_takes_defaults_as_text() {
        assert_eq!(all("b: ${no:5}"), r#"{"b":"5"}"#);
        assert_eq!(all("a: 7\nb: ${no:${a}}"), r#"{"a":7,"b":"7"}"#);
        assert_eq!(all("b: ${no:}|${no:a:b}"), r#"{"b":"|a:b"}"#);
        assert_eq!(all("b: ${no}"), r#"{"b":"${no}"}"#);
        assert_eq!(all("b: ${no:${other}}"), r#"{"b":"${no:${other}}"}"#);
        assert_eq!(all("a: ${gone}\nb: ${no:${a}}"), r#"{"a":"${gone}","b":"${no:${a}}"}"#);
    }

    #[test]
    fn a_whole_placeholder_takes_the_type_of_its_target() {
        let text = "i: 1\nf: 1.50\nt: true\nn:\nvi: ${i}\nvt: ${t}\nvn: ${n}\nall: ${i} ${f} ${t} ${n}";
        let expected = r#"{"i":1,"f":1.5,"t":true,"n":null,"vi":1,"vt":true,"vn":null,"all":"1 1.5 true null"}"#;
        assert_eq!(known(text), expected);
        assert_eq!(
            known("m: {x: 1}\nl: [1, {y: 2}]\na: ${m}\nb: ${l}\nc: ${l[1].y}"),
            r#"{"m":{"x":1},"l":[1,{"y":2}],"a":"${m}","b":"${l}","c":2}"#
        );
    }

    #[test]
    fn keys_are_resolved_before_they_are_looked_up() {
        assert_eq!(known("env: dev\nhost.dev: h\na: ${host.${env}}"), r#"{"env":"dev","host.dev":"h","a":"h"}"#);
        assert_eq!(known("a: ${host.${no}:x}"), r#"{"a":"${host.${no}:x}"}"#);
        assert_eq!(all("a: ${host.${no:dev}:x}"), r#"{"a":"x"}"#);
    }

    #[test]
    fn what_is_no_placeholder_stays() {
        assert_eq!(known("a: x\nb: '\\${a} ${ a } ${} ${a'"), r#"{"a":"x","b":"${a} ${ a } ${} ${a"}"#);
        assert_eq!(known("a: x\nb: '$a $${a} {a}'"), r#"{"a":"x","b":"$a $x {a}"}"#);
    }

    #[test]
    fn a_circle_is_a_problem_of_every_value_that_leads_to_it() {
        let (value, problems) = resolved("a: ${b}\nb: 1${a}\nc: x${a}y\nd: fine", Resolve::Known);
        assert_eq!(value, r#"{"a":"${b}","b":"1${a}","c":"x${a}y","d":"fine"}"#);
        let lines: Vec<_> = problems.iter().map(|problem| &problem[..3]).collect();
        assert_eq!(lines, ["1: ", "2: ", "3: "]);
        assert_eq!(problems[0], "1: the placeholder leads to a circle: `b` → `a`; the value stays as written");
        assert_eq!(resolved("a: ${a}", Resolve::Known).0, r#"{"a":"${a}"}"#);
    }

    #[test]
    fn long_chains_and_growing_values_end() {
        let chain: String =
            (0..200).map(|n| format!("k{n}: ${{k{}}}\n", n + 1)).chain(["k200: end".to_owned()]).collect();
        let (value, problems) = resolved(&chain, Resolve::Known);
        assert!(value.contains(r#""k168":"end""#) && value.contains(r#""k167":"${k168}""#), "{value}");
        assert_eq!(problems.len(), 168);
        let double: String =
            (0..40).map(|n| format!("k{n}: ${{k{0}}}${{k{0}}}\n", n + 1)).chain(["k40: x".to_owned()]).collect();
        let (value, _) = resolved(&double, Resolve::Known);
        assert!(value.len() < 200_000 && value.contains(r#""k0":"${k1}${k1}""#), "{}", value.len());
        let nested = format!("a: '{}x{}'", "${k:".repeat(5_000), "}".repeat(5_000));
        assert_eq!(resolved(&nested, Resolve::All).1.len(), 1);
        let unclosed = format!("a: '{}'", "${".repeat(100_000));
        assert_eq!(resolved(&unclosed, Resolve::All).1.len(), 1);
    }

    #[test]
    fn the_order_of_resolution_makes_no_difference() {
        // `k0` is too far from the end whether or not the values behind it were resolved before.
        let chain: Vec<String> = (0..40).map(|n| format!("k{n}: ${{k{}}}", n + 1)).collect();
        let forward = resolved(&format!("{}\nk40: end", chain.join("\n")), Resolve::Known).1.len();
        let reversed: Vec<_> = chain.iter().rev().cloned().collect();
        assert_eq!(resolved(&format!("{}\nk40: end", reversed.join("\n")), Resolve::Known).1.len(), forward);
    }
}
