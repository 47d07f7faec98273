//! A configuration as variables: one name and one text for every leaf, and the forms in which programs read them.
//!
//! Two keys never share a name: which of them counted would be an accident.

mod docker;
mod dotenv;
mod names;
mod readers;
mod shell;

use std::collections::HashMap;
use std::sync::Arc;

use crate::config::key;
use crate::config::value::{Map, Value};

use super::flat;
use super::unwritable::{Unwritable, key_shown};

pub use names::{LONGEST_PREFIX, NameStyle, Naming, STYLES};
pub use readers::Readers;

/// The form in which variables are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Dialect {
    /// A dotenv file that these read; `None`: the usual ones, as well as can be.
    Dotenv(Option<Readers>),
    /// `export` lines for the `eval` of a POSIX shell.
    Shell,
    /// A file for `docker run --env-file`, which knows no quotes.
    Docker,
}

/// What is written for an opened secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reveal {
    /// Itself.
    Plain,
    /// As it is sealed in the repository.
    Sealed,
}

/// A leaf of the configuration as a variable.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Variable {
    /// Its name.
    pub(crate) name: String,
    /// The key, as messages show it.
    pub(crate) key: String,
    /// The text; null, `{}` and `[]` have an empty one.
    pub(crate) text: Arc<str>,
    /// The text holds an opened secret.
    pub(crate) is_secret: bool,
}

/// A text in a notation, and what is said about it besides.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Writing {
    /// The text.
    pub text: String,
    /// A sentence about what some readers read differently.
    pub warning: Option<String>,
}

/// The leaves of a configuration as variables.
///
/// A value that is no map, found at `key`, is named after the last step of the key.
pub(crate) fn variables(
    value: &Value,
    key: Option<&str>,
    naming: &Naming,
    reveal: Reveal,
) -> Result<Vec<Variable>, Unwritable> {
    let named;
    let value = match (value, key) {
        (Value::Map(_), _) | (_, None) => value,
        (value, Some(key)) => {
            let step = key::split(key).and_then(|steps| steps.last().cloned());
            named = Value::Map(Map::from_iter([(step.unwrap_or_else(|| Arc::from(key)), value.clone())]));
            &named
        }
    };
    let mut leaves = flat::flatten(value);
    leaves.retain(|(path, leaf)| !(path.is_empty() && matches!(leaf, Value::Map(_))));
    let variable = |(path, leaf): (String, &Value)| {
        let name = naming.name(&path);
        Variable { name, key: path, text: text(leaf, reveal), is_secret: matches!(leaf, Value::Secret(_)) }
    };
    let variables: Vec<_> = leaves.into_iter().map(variable).collect();
    refuse_clashes(&variables)?;
    Ok(variables)
}

fn text(leaf: &Value, reveal: Reveal) -> Arc<str> {
    match (leaf, reveal) {
        (Value::Secret(secret), Reveal::Plain) => Arc::from(secret.plain.expose()),
        (Value::Secret(secret), Reveal::Sealed) => Arc::clone(&secret.sealed),
        (Value::String(text), _) => Arc::clone(text),
        (leaf, _) => Arc::from(flat::text(leaf)),
    }
}

fn refuse_clashes(variables: &[Variable]) -> Result<(), Unwritable> {
    let mut seen: HashMap<&str, &str> = HashMap::new();
    let mut clashes = variables.iter().filter_map(|Variable { name, key, .. }| {
        let other = seen.insert(name, key)?;
        Some((other, key, name))
    });
    let Some((one, other, name)) = clashes.next() else { return Ok(()) };
    let message = format!("`{}` and `{}` would both be named `{}`", key_shown(one), key_shown(other), key_shown(name));
    let others = STYLES.map(|(name, _)| name).join(", ");
    let hint = format!("rename one of them, or choose other names (`names` is one of {others})");
    Err(Unwritable::new(message, hint).and(clashes.count()))
}

/// Writes variables, one after the other.
pub(super) fn write(dialect: Dialect, variables: &[Variable]) -> Result<Writing, Unwritable> {
    match dialect {
        Dialect::Dotenv(readers) => dotenv::write(variables, readers),
        Dialect::Shell => each(variables, |variable| shell::line(variable).map(Some)),
        Dialect::Docker => each(variables, |variable| docker::line(variable).map(Some)),
    }
}

/// The lines of all variables; what is wrong with the first one that has none, and how many more there are.
fn each<'a>(
    variables: &'a [Variable],
    mut line: impl FnMut(&'a Variable) -> Result<Option<String>, Unwritable>,
) -> Result<Writing, Unwritable> {
    let mut text = String::new();
    let mut faults = Vec::new();
    for variable in variables {
        match line(variable) {
            Ok(line) => line.iter().for_each(|line| text.extend([line, "\n"])),
            Err(fault) => faults.push(fault),
        }
    }
    let more = faults.len().saturating_sub(1);
    match faults.into_iter().next() {
        Some(fault) => Err(fault.and(more)),
        None => Ok(Writing { text, warning: None }),
    }
}

/// What is said of a value with a NUL character.
const NUL: &str = "no variable can hold its NUL character";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::value::Number;

    fn map(entries: &[(&str, Value)]) -> Value {
        Value::Map(entries.iter().map(|(key, value)| ((*key).into(), value.clone())).collect())
    }

    fn lines(value: &Value, key: Option<&str>) -> String {
        let variables = variables(value, key, &Naming::default(), Reveal::Plain).unwrap();
        variables.iter().map(|variable| format!("{}={} ", variable.name, variable.text)).collect()
    }

    #[test]
    fn every_leaf_is_a_variable() {
        let list = Value::List(vec![Value::Bool(true), Value::Number(Number::Float(1.5))]);
        let value = map(&[("a", list), ("b", Value::Null), ("c", Value::Map(Map::new())), ("d", Value::List(vec![]))]);
        assert_eq!(lines(&value, None), "A_0=true A_1=1.5 B= C= D= ");
        assert_eq!(lines(&map(&[]), None), "");
    }

    #[test]
    fn a_value_below_a_key_is_named_after_its_last_step() {
        assert_eq!(lines(&Value::from("x"), Some("server.host-name")), "HOSTNAME=x ");
        assert_eq!(lines(&Value::List(vec!["x".into()]), Some("map[a.b]")), "A_B_0=x ");
        assert_eq!(lines(&map(&[("port", "1".into())]), Some("server")), "PORT=1 ");
    }

    #[test]
    fn two_keys_with_one_name_are_refused_by_name() {
        let value = map(&[("a.b", "1".into()), ("c", "2".into()), ("a_b", "3".into()), ("a-.b\n", "4".into())]);
        let told = variables(&value, None, &Naming::default(), Reveal::Plain).unwrap_err();
        assert_eq!(told.to_string(), "`a.b` and `a_b` would both be named `A_B`");
        let three = map(&[("a.b", "1".into()), ("a-.b", "3".into()), ("a_b", "4".into())]);
        let told = variables(&three, None, &Naming::default(), Reveal::Plain).unwrap_err();
        assert_eq!(told.to_string(), "`a.b` and `a-.b` would both be named `A_B` (and 1 more)");
        let dotted = Naming { style: NameStyle::Dotted, ..Naming::default() };
        assert_eq!(variables(&three, None, &dotted, Reveal::Plain).unwrap().len(), 3);
    }
}
