//! For which profiles a document takes part: the expressions of `spring.config.activate.on-profile`.
//!
//! `production`, `!test`, `eu & (production | staging)`; several expressions mean "any of them". `&` and `|` side by
//! side without parentheses are a fault, as in Spring: its users read them both ways.

use std::sync::Arc;

use super::problem::{Fault, Position};

/// How deep parentheses and negations may nest.
const DEPTH: usize = 32;

/// Expressions of which one must hold; an empty list always holds.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Condition {
    any: Vec<Expression>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Expression {
    Profile(Arc<str>),
    Not(Box<Self>),
    All(Vec<Self>),
    Any(Vec<Self>),
}

impl Condition {
    /// Adds the comma-separated expressions of one text found at a place in a file.
    ///
    /// # Errors
    /// A fault at that place if the text is not an expression.
    pub fn add(&mut self, text: &str, at: Position) -> Result<(), Fault> {
        for part in text.split(',').map(str::trim).filter(|part| !part.is_empty()) {
            let parsed = Parser::new(part).expression(0, true).map_err(|reason| fault(part, at, reason))?;
            self.any.push(parsed);
        }
        Ok(())
    }

    /// True if it holds whatever the profiles are, because nothing is asked of them.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.any.is_empty()
    }

    /// True if a document with this condition takes part for these profiles.
    #[must_use]
    pub fn holds(&self, profiles: &[Arc<str>]) -> bool {
        self.any.is_empty() || self.any.iter().any(|expression| expression.holds(profiles))
    }
}

impl Condition {
    /// The profiles that the expressions name, negated ones too.
    pub fn profiles(&self) -> impl Iterator<Item = &Arc<str>> {
        let mut names = Vec::new();
        self.any.iter().for_each(|expression| expression.collect(&mut names));
        names.into_iter()
    }
}

impl Expression {
    fn collect<'a>(&'a self, names: &mut Vec<&'a Arc<str>>) {
        match self {
            Self::Profile(name) => names.push(name),
            Self::Not(inner) => inner.collect(names),
            Self::All(parts) | Self::Any(parts) => parts.iter().for_each(|part| part.collect(names)),
        }
    }

    fn holds(&self, profiles: &[Arc<str>]) -> bool {
        match self {
            Self::Profile(name) => profiles.contains(name),
            Self::Not(inner) => !inner.holds(profiles),
            Self::All(parts) => parts.iter().all(|part| part.holds(profiles)),
            Self::Any(parts) => parts.iter().any(|part| part.holds(profiles)),
        }
    }
}

struct Parser<'a> {
    rest: &'a str,
}

impl<'a> Parser<'a> {
    fn new(text: &'a str) -> Self {
        Self { rest: text }
    }

    /// Operands joined by one kind of operator, up to the closing parenthesis or, at the top, the end.
    fn expression(&mut self, depth: usize, top: bool) -> Result<Expression, &'static str> {
        let mut parts = vec![self.operand(depth)?];
        let mut operator = None;
        loop {
            match self.next_char() {
                None if top => break,
                Some(')') if !top => break,
                Some(found @ ('&' | '|')) => {
                    if operator.is_some_and(|operator| operator != found) {
                        return Err("`&` and `|` need parentheses");
                    }
                    operator = Some(found);
                    parts.push(self.operand(depth)?);
                }
                None => return Err("a parenthesis is not closed"),
                Some(_) => return Err("an operator is missing"),
            }
        }
        Ok(match operator {
            None => parts.swap_remove(0),
            Some('&') => Expression::All(parts),
            Some(_) => Expression::Any(parts),
        })
    }

    fn operand(&mut self, depth: usize) -> Result<Expression, &'static str> {
        if depth > DEPTH {
            return Err("it is nested too deeply");
        }
        self.rest = self.rest.trim_start();
        if let Some(rest) = self.rest.strip_prefix('!') {
            self.rest = rest;
            return Ok(Expression::Not(Box::new(self.operand(depth + 1)?)));
        }
        if let Some(rest) = self.rest.strip_prefix('(') {
            self.rest = rest;
            return self.expression(depth + 1, false);
        }
        let end = self.rest.find(['(', ')', '&', '|', '!']).unwrap_or(self.rest.len());
        let (name, rest) = self.rest.split_at(end);
        self.rest = rest;
        match name.trim() {
            "" => Err("a profile is missing"),
            name => Ok(Expression::Profile(Arc::from(name))),
        }
    }

    fn next_char(&mut self) -> Option<char> {
        self.rest = self.rest.trim_start();
        let found = self.rest.chars().next()?;
        self.rest = &self.rest[found.len_utf8()..];
        Some(found)
    }
}

fn fault(text: &str, at: Position, reason: &str) -> Fault {
    let shown: String = text.chars().take(80).collect();
    Fault::error("profile-expression", at, format!("`{shown}` is not a profile expression: {reason}"))
        .with_hint("write `a & (b | c)`, `!a`, or a list of expressions of which one must hold")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn holds(text: &str, profiles: &str) -> bool {
        let profiles: Vec<Arc<str>> = profiles.split(',').map(Arc::from).collect();
        let mut condition = Condition::default();
        condition.add(text, Position::default()).unwrap();
        condition.holds(&profiles)
    }

    fn refusal(text: &str) -> String {
        Condition::default().add(text, Position::default()).unwrap_err().message
    }

    #[test]
    fn expressions_hold_as_their_users_read_them() {
        assert!(holds("production", "staging,production"));
        assert!(!holds("production", "default"));
        assert!(holds("!production", "default"));
        assert!(holds("eu & (production | staging)", "staging,eu"));
        assert!(!holds("eu & (production | staging)", "eu"));
        assert!(holds("!(a & b)", "a"));
        assert!(holds("!!a", "a"));
    }

    #[test]
    fn a_comma_means_or_and_nothing_always_holds() {
        assert!(holds("a, b", "b"));
        assert!(!holds("a, b", "c"));
        assert!(holds("", "anything"));
    }

    #[test]
    fn what_is_not_an_expression_is_a_fault() {
        assert_eq!(refusal("a & b | c"), "`a & b | c` is not a profile expression: `&` and `|` need parentheses");
        assert_eq!(refusal("(a"), "`(a` is not a profile expression: a parenthesis is not closed");
        assert_eq!(refusal("a)"), "`a)` is not a profile expression: an operator is missing");
        assert_eq!(refusal("a &"), "`a &` is not a profile expression: a profile is missing");
        assert!(refusal(&"!".repeat(100_000)).ends_with("it is nested too deeply"));
        assert!(refusal(&"(".repeat(100_000)).ends_with("it is nested too deeply"));
    }
}
