//! The keys of a Spring settings file with their values as Spring Boot has them: documents of profiles that are not active
//! left out, variables of the environment on top, placeholders filled in.

use std::sync::Arc;

use crate::answer::environment::{Environment as Sources, FlatError, Placeholders};
use crate::config::layer::{Body, Document, Entry};
use crate::config::problem::Position;
use crate::format;
use crate::settings::Environment;

/// Variables that Spring Boot would take for keys of a config server, by how they begin.
const OF_SERVER: [&str; 6] = [
    "SPRING_CLOUD_CONFIG_SERVER_",
    "SPRING_PROFILES_ACTIVE",
    "ENCRYPT_",
    "SERVER_PORT",
    "SERVER_ADDRESS",
    "SERVER_SERVLET_CONTEXT",
];

/// A key of the file with its value.
pub(super) struct Key {
    /// In lower case without hyphens.
    pub(super) uniform: String,
    pub(super) written: Arc<str>,
    pub(super) text: String,
    pub(super) at: Position,
    pub(super) is_taken: bool,
    /// A placeholder that nothing answers.
    pub(super) unanswered: Option<String>,
    /// It is a variable, in whose name nothing tells dots from hyphens.
    pub(super) is_variable: bool,
}

impl Key {
    fn new(entry: &Entry) -> Self {
        let text = format::flat::text(&entry.node.data.to_value());
        Self::of(Arc::clone(entry.key.written()), text, entry.node.at)
    }

    fn of(written: Arc<str>, text: String, at: Position) -> Self {
        let uniform = written.to_lowercase().replace(['-', '_'], "");
        Self { uniform, written, text, at, is_taken: false, unanswered: None, is_variable: false }
    }

    /// `ENCRYPT_KEY` as `encrypt.key`, `…_SEARCHPATHS_0` as an item.
    fn of_variable(name: &str, text: &str) -> Self {
        let mut uniform = name.to_lowercase().replace('_', ".");
        if let Some((list, index)) = uniform.rsplit_once('.')
            && !index.is_empty()
            && index.bytes().all(|byte| byte.is_ascii_digit())
        {
            uniform = format!("{list}[{index}]");
        }
        let key = Self::of(Arc::from(name), text.to_owned(), Position::default());
        Self { uniform, is_variable: true, ..key }
    }

    /// True if it is the key with this uniform name.
    pub(super) fn is(&self, uniform: &str) -> bool {
        match self.is_variable {
            true => without_dots(&self.uniform).eq(without_dots(uniform)),
            false => self.uniform == uniform,
        }
    }

    /// True if it is that key, or an item of that list.
    pub(super) fn is_item(&self, uniform: &str) -> bool {
        let list = self.uniform.split_once('[').filter(|(_, rest)| rest.ends_with(']')).map(|(list, _)| list);
        match (list, self.is_variable) {
            (Some(list), true) => without_dots(list).eq(without_dots(uniform)),
            (Some(list), false) => list == uniform,
            (None, _) => self.is(uniform),
        }
    }
}

fn without_dots(name: &str) -> impl Iterator<Item = char> + '_ {
    name.chars().filter(|character| *character != '.')
}

/// The keys of a file, and why some of it cannot be taken over.
pub(super) struct Keys {
    pub(super) keys: Vec<Key>,
    pub(super) refused: Vec<(Position, String)>,
}

/// The keys of the documents that take part, a later one in the place of an earlier one of the same name.
pub(super) fn read(name: &Arc<str>, body: &Arc<Body>, environment: &Environment) -> Keys {
    let mut all = Keys { keys: Vec::new(), refused: Vec::new() };
    let plain = |document: &Document| document.condition.is_none() && !document.steering.is_elsewhere;
    let variables = || environment.variables.iter().filter(|(_, value)| !value.is_empty());
    let sources = |taken: &[usize]| {
        let dotted = variables().map(|(name, value)| (name.to_lowercase().replace('_', "."), value.as_str()));
        let plain = variables().map(|(name, value)| (name.clone(), value.as_str()));
        Sources::of_file(name, body, taken, plain.chain(dotted).collect())
    };
    let with = |holds: &dyn Fn(&Document) -> bool| -> Vec<usize> {
        (0..body.documents.len()).filter(|index| holds(&body.documents[*index])).collect()
    };
    let first = with(&plain);
    let active = active(body, &first, &mut Placeholders::new(&sources(&first)), environment);
    let taken = with(&|document| {
        let condition = document.condition.as_ref();
        !document.steering.is_elsewhere && condition.is_none_or(|condition| condition.holds(&active))
    });
    let sources = sources(&taken);
    let mut placeholders = Placeholders::new(&sources);
    for document in body.documents.iter().filter(|document| document.steering.is_elsewhere) {
        let at = document.root.first().map_or_else(Position::default, |entry| entry.at);
        all.refused.push((at, "it is not known here whether this document of a cloud platform takes part".to_owned()));
    }
    for index in taken {
        all.add(body.documents[index].root.iter().map(Key::new).collect(), &mut placeholders);
    }
    let of_server = |(name, _): &(&String, &String)| OF_SERVER.iter().any(|begin| name.starts_with(begin));
    let given = variables().filter(of_server).map(|(name, value)| Key::of_variable(name, value));
    all.add(given.collect(), &mut placeholders);
    all
}

impl Keys {
    /// Adds the keys of one document. A list takes the place of one of the same name as a whole.
    fn add(&mut self, mut keys: Vec<Key>, placeholders: &mut Placeholders<'_>) {
        for key in &mut keys {
            match placeholders.fill(&key.text) {
                Ok(value) => key.text = format::flat::text(&value),
                Err(error @ FlatError::Circle(_)) => self.refused.push((key.at, error.to_string())),
                Err(error) => self.refused.push((key.at, format!("`{}`: {error}", key.written))),
            }
            key.unanswered = placeholders.take_unanswered();
        }
        fn list(key: &Key) -> &str {
            key.uniform.split('[').next().unwrap_or_default()
        }
        self.keys.retain(|known| {
            !keys.iter().any(|key| if key.is_variable { key.is_item(list(known)) } else { list(key) == list(known) })
        });
        self.keys.extend(keys);
    }
}

/// The profiles of the server itself.
fn active(
    body: &Body,
    taken: &[usize],
    placeholders: &mut Placeholders<'_>,
    environment: &Environment,
) -> Vec<Arc<str>> {
    let documents = || taken.iter().map(|index| &body.documents[*index]);
    let mut keys = Keys { keys: Vec::new(), refused: Vec::new() };
    for document in documents() {
        keys.add(document.root.iter().map(Key::new).collect(), placeholders);
    }
    let written = keys.keys.iter().filter(|key| key.is_item("spring.profiles.active")).map(|key| key.text.as_str());
    let texts: Vec<&str> = match environment.get("SPRING_PROFILES_ACTIVE") {
        Some(text) => vec![text],
        None => written.collect(),
    };
    let names = texts.iter().flat_map(|text| text.split(',')).map(str::trim).filter(|name| !name.is_empty());
    let mut active: Vec<Arc<str>> = names.map(Arc::from).collect();
    active.extend(documents().flat_map(|document| document.steering.include.iter().cloned()));
    for (name, members) in documents().flat_map(|document| &document.steering.groups) {
        if active.contains(name) {
            active.extend(members.iter().cloned());
        }
    }
    if active.is_empty() {
        active.push(Arc::from("default"));
    }
    active
}
