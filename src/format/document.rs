//! What is alike for every format once a reader has its documents: one path given twice under two spellings, the
//! activation key, and keys of Spring that have no effect here.

use std::collections::HashMap;
use std::sync::Arc;

use crate::config::condition::Condition;
use crate::config::key::{self, Key};
use crate::config::layer::{Body, Data, Document, Entry, Node};
use crate::config::problem::{Fault, Position};
use crate::config::steering::Steering;

use super::{Limits, NEST_LESS, Raw};

/// The key that says for which profiles a document takes part.
const ON_PROFILE: [&str; 4] = ["spring", "config", "activate", "on-profile"];

/// Keys that steer Spring's own loader; here they are served as data and do nothing else.
const WITHOUT_EFFECT: [&[&str]; 3] =
    [&["spring", "profiles", "include"], &["spring", "profiles", "group"], &["spring", "config", "import"]];

/// Makes a body of the documents that a reader found.
pub(super) fn finish(documents: Vec<Raw>, limits: &Limits) -> Body {
    let mut body = Body::default();
    for (number, root) in documents {
        match finish_one(number, root, limits, &mut body.faults) {
            Ok(document) => body.documents.push(document),
            Err(fault) => return Body::broken(fault),
        }
    }
    body
}

fn finish_one(
    number: u32,
    mut root: Vec<Entry>,
    limits: &Limits,
    warnings: &mut Vec<Fault>,
) -> Result<Document, Fault> {
    refuse_long_paths(&root, limits.depth)?;
    refuse_two_spellings(&root)?;
    let condition = take_condition(&mut root)?;
    for keys in WITHOUT_EFFECT {
        visit(&root, keys, &mut |entry| warnings.push(without_effect(keys, entry.at)));
    }
    Ok(Document { number, root, condition, steering: Steering::default() })
}

fn without_effect(keys: &[&str], at: Position) -> Fault {
    Fault::warning("no-effect", at, format!("`{}` has no effect under `semantics: native`", keys.join(".")))
        .with_hint("name the profiles in the request, or put the shared part into `application-{profile}.yml`")
}

/// Calls `found` with each entry whose path is exactly `path`, whatever way it is spelled.
fn visit(entries: &[Entry], path: &[&str], found: &mut dyn FnMut(&Entry)) {
    for entry in entries {
        let steps = entry.key.steps();
        if steps.len() > path.len() || !steps.iter().zip(path).all(|(step, wanted)| **step == **wanted) {
            continue;
        }
        match (&path[steps.len()..], &entry.node.data) {
            ([], _) => found(entry),
            (rest, Data::Map(inner)) => visit(inner, rest, found),
            _ => {}
        }
    }
}

fn take_condition(root: &mut Vec<Entry>) -> Result<Option<Condition>, Fault> {
    let mut taken = None;
    take(root, &ON_PROFILE, &mut taken);
    let Some(entry) = taken else { return Ok(None) };
    let mut condition = Condition::default();
    match &entry.node.data {
        Data::List(items) => items.iter().try_for_each(|item| add_expression(&mut condition, item))?,
        _ => add_expression(&mut condition, &entry.node)?,
    }
    Ok(Some(condition))
}

/// Takes the entry at `path` out of `entries`, and every map that it leaves empty.
fn take(entries: &mut Vec<Entry>, path: &[&str], taken: &mut Option<Entry>) {
    entries.retain_mut(|entry| {
        let steps = entry.key.steps();
        if taken.is_some()
            || steps.len() > path.len()
            || !steps.iter().zip(path).all(|(step, wanted)| **step == **wanted)
        {
            return true;
        }
        let rest = &path[steps.len()..];
        if rest.is_empty() {
            *taken = Some(entry.clone());
            return false;
        }
        let Data::Map(inner) = &mut entry.node.data else { return true };
        take(inner, rest, taken);
        taken.is_none() || !inner.is_empty()
    });
}

fn add_expression(condition: &mut Condition, node: &Node) -> Result<(), Fault> {
    match &node.data {
        Data::Null => Ok(()),
        Data::Text(text) => condition.add(text, node.at),
        Data::Bool(value) => condition.add(&value.to_string(), node.at),
        Data::Number(number) => condition.add(&number.to_string(), node.at),
        Data::List(_) | Data::Map(_) | Data::Secret(_) | Data::Foreign(_) => Err(Fault::error(
            "profile-expression",
            node.at,
            "`spring.config.activate.on-profile` takes an expression or a list of expressions",
        )),
    }
}

/// Refuses a path of more than `left` steps, however many of them one key spells with dots.
fn refuse_long_paths(entries: &[Entry], left: usize) -> Result<(), Fault> {
    for entry in entries {
        let Some(left) = left.checked_sub(entry.key.steps().len()) else {
            let message = "the path of this key has more steps than `limits.depth` allows";
            return Err(Fault::error("too-deep", entry.at, message).with_hint(NEST_LESS));
        };
        if let Data::Map(inner) = &entry.node.data {
            refuse_long_paths(inner, left)?;
        }
    }
    Ok(())
}

/// Refuses a path that one document gives both with dots and nested. Without dots or brackets the reader has already
/// refused equal keys.
fn refuse_two_spellings(root: &[Entry]) -> Result<(), Fault> {
    if any_key(root, &|key| key.written() != key.canonical() || key.is_dotted()) {
        let mut seen = HashMap::new();
        collect(root, "", &mut seen)?;
    }
    Ok(())
}

fn any_key(entries: &[Entry], wanted: &dyn Fn(&Key) -> bool) -> bool {
    entries
        .iter()
        .any(|entry| wanted(&entry.key) || matches!(&entry.node.data, Data::Map(inner) if any_key(inner, wanted)))
}

fn collect(entries: &[Entry], parent: &str, seen: &mut HashMap<Arc<str>, Position>) -> Result<(), Fault> {
    for entry in entries {
        let path: Arc<str> = Arc::from(key::append(parent.to_owned(), entry.key.canonical()));
        if let Some(first) = seen.insert(Arc::clone(&path), entry.at) {
            return Err(given_twice(&path, entry.at, first));
        }
        if let Data::Map(inner) = &entry.node.data {
            collect(inner, &path, seen)?;
        }
    }
    Ok(())
}

/// The fault of a key that stands a second time at `at`.
pub(super) fn given_twice(path: &str, at: Position, first: Position) -> Fault {
    let shown: String = path.chars().take(200).collect();
    Fault::error("duplicate-key", at, format!("the key `{shown}` is given twice, first on line {}", first.line))
        .with_hint("keep one of the two")
}
