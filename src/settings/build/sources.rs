//! The sources: each in one place, with one secret, and a name of its own.

use crate::config::select::SearchPaths;
use crate::settings::inputs::Inputs;
use crate::settings::origin::{Mistake, Origin};
use crate::settings::table::SOURCES;
use crate::settings::{Purpose, SourceSettings};
use crate::snapshot::own::Fixed;

/// Where a source may be, of which it is in one.
const PLACES: [&str; 2] = ["sources[].git", "sources[].dir"];

/// The four places of a secret, of which a source has one.
const SECRETS: [&str; 4] = [
    "sources[].credentials.password",
    "sources[].credentials.password-file",
    "sources[].credentials.token",
    "sources[].credentials.token-file",
];

pub(super) fn build(inputs: &mut Inputs, purpose: Purpose) -> Vec<SourceSettings> {
    let mut indexes = inputs.indexes(SOURCES);
    if indexes.is_empty() {
        // A first one that nobody speaks of is looked for all the same, so that it is said to be missing.
        indexes.push(0);
    }
    let (mut sources, mut names): (Vec<SourceSettings>, Vec<(usize, String)>) = (Vec::new(), Vec::new());
    for index in &indexes {
        let has_place = has_place(inputs, *index, purpose);
        inputs.choose_latest(*index, &SECRETS);
        let source = source(inputs, *index);
        refuse_twin(inputs, &names, (*index, &source.name));
        names.push((*index, source.name.clone()));
        if has_place {
            sources.push(source);
        }
    }
    check_join(inputs, &indexes);
    sources
}

fn source(inputs: &mut Inputs, index: usize) -> SourceSettings {
    let mut source: SourceSettings = inputs.build(index);
    let is_set = |name: &'static str, index: usize| inputs.origin(name, index).is_some();
    source.fixed = Fixed {
        path: is_set("sources[].path", index),
        search_paths: is_set("sources[].search-paths", index),
        ignore: is_set("sources[].ignore", index),
        semantics: is_set("semantics", 0),
        schemas: is_set("sources[].schemas", index),
    };
    // Each of them was checked when it was read.
    source.search_paths = SearchPaths::parse(&source.search_paths_written).unwrap_or_default();
    // Spring searches the root alone where nothing else is said.
    if inputs.origin("sources[].search-paths", index).is_some() {
        source.locations.clone_from(&source.search_paths_written);
    }
    source
}

/// Whether it is said where a source is: of `git` and `dir` the one given later counts.
fn has_place(inputs: &mut Inputs, index: usize, purpose: Purpose) -> bool {
    if inputs.choose_latest(index, &PLACES).is_some() {
        return true;
    }
    if PLACES.iter().any(|name| inputs.is_refused(name, index)) || inputs.is_unread(SOURCES) {
        return false;
    }
    let begun = inputs.begun(SOURCES, index);
    match begun.filter(|origin| index > 0 || matches!(origin, Origin::File(..))).cloned() {
        Some(origin) => inputs.mistake(
            Mistake::new(&origin, format!("`sources[{index}]` has neither `git` nor `dir`"))
                .with_hint("add `git:` with the URL of a repository, or `dir:` with a folder"),
        ),
        None if purpose == Purpose::Serve => inputs.mistake(no_source()),
        None => {}
    }
    false
}

/// Two sources of one name could not be told apart.
fn refuse_twin(inputs: &mut Inputs, earlier: &[(usize, String)], (index, name): (usize, &str)) {
    let twin = earlier.iter().find(|(_, other)| other == name);
    let (Some((twin, _)), Some(begun)) = (twin, inputs.begun(SOURCES, index)) else { return };
    let origin = inputs.origin("sources[].name", index).unwrap_or(begun).clone();
    let message = format!("`sources[{index}]` is called `{name}`, as `sources[{twin}]` is");
    inputs.mistake(Mistake::new(&origin, message).with_hint("give each source a `name` of its own"));
}

/// The last source has none behind it to join.
fn check_join(inputs: &mut Inputs, indexes: &[usize]) {
    let last = indexes.last().and_then(|last| Some((last, inputs.origin("sources[].join", *last)?)));
    if let Some((last, origin)) = last {
        let mistake = Mistake::new(origin, format!("`sources[{last}].join` has no source behind it to join"));
        inputs.mistake(mistake);
    }
}

fn no_source() -> Mistake {
    let hint = "run `layerd serve DIR` or `layerd serve --git URL`, or name one under `sources` in the settings file";
    Mistake { origin: None, message: "there is no source to serve".to_owned(), hint: Some(hint.to_owned()) }
}
