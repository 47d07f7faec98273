//! Which commits changed the value of a key, decided from what each of them says, the newest first.
//!
//! A commit whose files cannot be read for an address never served it, so it changes nothing: what the one before it and
//! the one after it say is compared. Reading the commits is in `store/history.rs`.

use super::select;
use super::stars::{is_secret, starred};
use crate::config::address::Address;
use crate::config::interpolate::{Resolve, Resolver};
use crate::config::value::Value;
use crate::snapshot::Snapshot;

/// What a commit says of a key.
#[derive(Debug, Clone, PartialEq)]
pub enum State {
    /// Its value; `None`: there is no such key.
    Value(Option<Value>),
    /// A file that takes part cannot be read.
    Broken,
}

/// A commit that changed the value.
#[derive(Debug, Clone, PartialEq)]
pub struct Turn<C> {
    /// The commit.
    pub commit: C,
    /// The value before; `None`: there was no such key.
    pub from: Option<Value>,
    /// The value since; `None`: there is no such key any more.
    pub to: Option<Value>,
}

/// Finds the commits that changed a value among all that are shown to it.
#[derive(Debug)]
pub struct Turns<C> {
    /// The oldest commit so far that could be read, and its value.
    oldest: Option<(C, Option<Value>)>,
    /// Whether the last one shown cannot be read.
    is_broken: bool,
}

impl<C> Turn<C> {
    /// The same of the values at a key, secrets hidden.
    #[must_use]
    pub fn starred(self, key: &str) -> Self {
        let hide = |value: Option<Value>| value.map(|value| starred(key, value));
        Self { from: hide(self.from), to: hide(self.to), ..self }
    }

    /// The same with its secrets as plain text.
    #[must_use]
    pub fn revealed(self) -> Self {
        let reveal = |value: Option<Value>| value.map(|value| value.revealed());
        Self { from: reveal(self.from), to: reveal(self.to), ..self }
    }
}

impl<C> Default for Turns<C> {
    fn default() -> Self {
        Self { oldest: None, is_broken: false }
    }
}

impl<C> Turns<C> {
    /// Takes the next older commit. If its value differs, the one shown before it is a turn.
    pub fn see(&mut self, commit: C, state: State) -> Option<Turn<C>> {
        self.is_broken = state == State::Broken;
        let State::Value(value) = state else { return None };
        let (newer, to) = self.oldest.replace((commit, value.clone()))?;
        (to != value).then_some(Turn { commit: newer, from: value, to })
    }

    /// Takes the next older commit, which says the same as the one before.
    pub fn see_same(&mut self, commit: C) {
        match &mut self.oldest {
            Some((oldest, _)) if !self.is_broken => *oldest = commit,
            _ => {}
        }
    }

    /// Nothing is older: whoever brought the value is a turn.
    #[must_use]
    pub fn end(self) -> Option<Turn<C>> {
        let (commit, to) = self.oldest?;
        to.is_some().then_some(Turn { commit, from: None, to })
    }
}

/// What a snapshot says of a key, as it is served by default.
#[must_use]
pub fn state(snapshot: &Snapshot, address: &Address, key: &str) -> State {
    let Ok(selection) = select(snapshot, address) else { return State::Broken };
    let effective = selection.effective();
    let mut resolver = Resolver::new(&effective, &selection.layers, Resolve::Known).hiding(is_secret);
    State::Value(effective.get(key, |text, place| resolver.value(text, place)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::answer::compare::shown;

    /// The turns among commits that are given newest first: `1` a value, `-` no value, `!` a broken one, `=` the same.
    fn turns(states: &str, has_end: bool) -> String {
        let mut turns = Turns::default();
        let mut found = Vec::new();
        for (number, state) in states.chars().enumerate() {
            let state = match state {
                '-' => State::Value(None),
                '!' => State::Broken,
                '=' => {
                    turns.see_same(number);
                    continue;
                }
                value => State::Value(Some(Value::from(value.to_string().as_str()))),
            };
            found.extend(turns.see(number, state));
        }
        found.extend(has_end.then(|| turns.end()).flatten());
        let value = |value: &Option<Value>| value.as_ref().map_or("-".to_owned(), shown).replace('"', "");
        let turn = |turn: &Turn<usize>| format!("{}:{}{}", turn.commit, value(&turn.from), value(&turn.to));
        found.iter().map(turn).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn a_turn_is_the_oldest_commit_of_those_with_one_value() {
        assert_eq!(turns("2211", true), "1:12 3:-1");
        assert_eq!(turns("2=1=", true), "1:12 3:-1");
        assert_eq!(turns("21-1", true), "0:12 1:-1 2:1- 3:-1");
    }

    #[test]
    fn without_a_beginning_nobody_is_named_for_the_oldest_value() {
        assert_eq!(turns("21", false), "0:12");
        assert_eq!(turns("11", false), "");
        assert_eq!(turns("", true), "");
        assert_eq!(turns("--", true), "");
    }

    #[test]
    fn a_broken_commit_changes_nothing() {
        assert_eq!(turns("1!1", true), "2:-1");
        assert_eq!(turns("2!1", true), "0:12 2:-1");
        assert_eq!(turns("!!1", true), "2:-1");
        assert_eq!(turns("2=!=1", true), "1:12 4:-1");
    }
}
