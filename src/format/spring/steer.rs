//! The keys by which a document steers Spring's loader, found among its flat keys by Spring's relaxed spelling.

use std::borrow::Cow;
use std::sync::Arc;

use crate::config::condition::Condition;
use crate::config::layer::{Data, Entry};
use crate::config::problem::Fault;
use crate::config::steering::Steering;

/// What every key of interest begins with, in either case.
const ROOT: &str = "spring";

/// Keys that say which profiles there are.
const OF_PROFILES: [&str; 3] = ["spring.profiles.include", "spring.profiles.active", "spring.profiles.default"];

/// The platform that a plain machine is.
const NO_PLATFORM: &str = "none";

/// When a document takes part, and what it says to the loader.
///
/// # Errors
/// `profile-expression`, and `legacy-key` for `spring.profiles`, which Spring has taken out of service.
pub(super) fn read(root: &[Entry]) -> Result<(Option<Condition>, Steering), Fault> {
    let mut condition: Option<Condition> = None;
    let mut steering = Steering::default();
    for entry in root.iter().filter(|entry| is_of_spring(entry.key.written())) {
        let key = uniform(entry.key.written());
        match without_index(&key) {
            "spring.profiles" => return Err(legacy(entry)),
            "spring.config.activate.onprofile" => {
                condition.get_or_insert_default().add(&text(&entry.node.data), entry.node.at)?;
            }
            "spring.config.activate.oncloudplatform" => {
                steering.is_elsewhere |= !text(&entry.node.data).eq_ignore_ascii_case(NO_PLATFORM);
            }
            "spring.profiles.include" => steering.include.extend(list(&entry.node.data)),
            "spring.config.import" => steering.imports.extend(list(&entry.node.data)),
            other => {
                let name = group_name(entry.key.written()).filter(|_| other.starts_with("spring.profiles.group"));
                if let Some(name) = name {
                    add_group(&mut steering, name, &entry.node.data);
                }
            }
        }
        if OF_PROFILES.contains(&without_index(&key)) && steering.forbidden.is_none() {
            steering.forbidden = Some((Arc::clone(entry.key.written()), entry.at));
        }
    }
    Ok((condition, steering))
}

fn is_of_spring(key: &str) -> bool {
    key.get(..ROOT.len()).is_some_and(|start| start.eq_ignore_ascii_case(ROOT))
}

/// The key as Spring compares it: lower case, without dashes and underscores.
fn uniform(key: &str) -> String {
    key.chars().filter(|character| !matches!(character, '-' | '_')).flat_map(char::to_lowercase).collect()
}

fn without_index(key: &str) -> &str {
    let name = key.strip_suffix(']').and_then(|key| key.rsplit_once('['));
    name.filter(|(_, index)| index.bytes().all(|byte| byte.is_ascii_digit())).map_or(key, |(name, _)| name)
}

/// The name of a group as it is written; profiles are compared with their case.
fn group_name(key: &str) -> Option<&str> {
    let rest = key.splitn(3, '.').nth(2)?;
    let rest = &rest[rest.find(['.', '['])?..];
    let name = without_index(rest.strip_prefix('.').unwrap_or(rest));
    Some(name.strip_prefix('[').and_then(|name| name.strip_suffix(']')).unwrap_or(name))
}

fn add_group(steering: &mut Steering, name: &str, data: &Data) {
    let members = list(data);
    match steering.groups.iter_mut().find(|(known, _)| **known == *name) {
        Some((_, known)) => known.extend(members),
        None => steering.groups.push((Arc::from(name), members.collect())),
    }
}

fn text(data: &Data) -> Cow<'_, str> {
    match data {
        Data::Text(text) => Cow::Borrowed(text),
        Data::Bool(value) => Cow::Owned(value.to_string()),
        Data::Number(number) => Cow::Owned(number.to_string()),
        _ => Cow::Borrowed(""),
    }
}

/// The members of a comma list.
fn list(data: &Data) -> impl Iterator<Item = Arc<str>> {
    let text = text(data).into_owned();
    let members: Vec<_> = text.split(',').map(str::trim).filter(|part| !part.is_empty()).map(Arc::from).collect();
    members.into_iter()
}

fn legacy(entry: &Entry) -> Fault {
    Fault::error("legacy-key", entry.at, "`spring.profiles` no longer says when a document takes part")
        .with_hint("write `spring.config.activate.on-profile`")
}
