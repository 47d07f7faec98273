//! For the tests of schemas: schema files out of strings, and configurations out of YAML.

use std::sync::Arc;

use crate::config::layer::{Entry, Layer};
use crate::config::merge::merge;
use crate::config::tree::{BlobId, File, Tree};
use crate::format::{self, Format, Limits};

use super::Set;
use super::instance::Instance;

/// The entries of a file of JSON.
pub(super) fn entries(text: &str) -> Vec<Entry> {
    format::json_map(text.as_bytes(), &Limits::default()).unwrap()
}

/// The set of the schema at `a.schema.json`, which is the first of the files.
pub(super) fn set(files: &[(&str, &str)]) -> Set {
    let mut tree = Tree::default();
    for (number, (path, text)) in files.iter().enumerate() {
        let blob = BlobId([u8::try_from(number).unwrap(); 20]);
        tree.files.insert(Arc::from(*path), File { blob, size: text.len() as u64 });
    }
    let read = |wanted: &str| {
        let (_, text) = files.iter().find(|(path, _)| *path == wanted)?;
        Some(format::json_map(text.as_bytes(), &Limits { file: 4 << 20, ..Limits::default() }))
    };
    Set::build(vec![Arc::from(files[0].0)], &tree, read)
}

/// What is wrong with a schema.
pub(super) fn broken(files: &[(&str, &str)]) -> Vec<String> {
    set(files).problems.iter().map(|problem| problem.to_string().replace("\nhint: ", " | ")).collect()
}

/// What layers, the lowest first, break of a schema.
pub(super) fn breaches(schema: &str, layers: &[&str]) -> Vec<String> {
    let set = set(&[("a.schema.json", schema)]);
    assert_eq!(set.problems, []);
    let layer = |(number, text): (usize, &&str)| {
        let body = format::read(Format::Yaml, text.as_bytes(), &Limits::default());
        assert!(!body.is_broken(), "{:?}", body.faults);
        Layer { path: Arc::from(format!("{number}.yml")), body: Arc::new(body), index: 0 }
    };
    let layers: Vec<Layer> = layers.iter().enumerate().map(layer).collect();
    let instance = Instance::of(&layers, merge(&layers));
    let schema = set.of(&["a.schema.json".to_owned()]).flat_map(|schema| schema.check(&instance)).collect::<Vec<_>>();
    let line = |problem: &crate::config::problem::Problem| {
        let (at, hint) = (problem.at, problem.hint.as_deref().unwrap_or_default());
        assert!(hint.starts_with("`a.schema.json` asks for it on line ") || problem.code == super::BROKEN, "{hint}");
        format!("{} {}:{}:{} {}", problem.code, problem.file, at.line, at.column, problem.message)
    };
    schema.iter().map(line).collect()
}
