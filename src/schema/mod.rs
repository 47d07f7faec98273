//! JSON Schemas of a repository: which files they are, compiled once, and what an answer breaks of them.
//!
//! Floor 1, and pure: files come in parsed, through a function. A schema is read as JSON Schema 2020-12 and reaches files
//! of its own repository only. Which answers are checked, and what a breach means to a server, is decided above.

mod bounds;
mod bundle;
mod document;
mod exempt;
mod expansion;
pub mod instance;
mod keywords;
mod reference;
mod told;

use std::collections::BTreeMap;
use std::sync::Arc;

use jsonschema::{Draft, PatternOptions, Validator};
use serde_json::{Map, Value, json};

use crate::config::layer::Entry;
use crate::config::problem::{Fault, Position, Problem};
use crate::config::tree::{BlobId, Tree};

use bundle::Bundle;
use instance::Instance;

/// What is wrong with a schema itself.
pub const BROKEN: &str = "schema-broken";

/// A required key that is not there.
pub const MISSING_KEY: &str = "schema-missing-key";

/// A value that breaks a schema.
pub const VIOLATION: &str = "schema-violation";

/// Bytes that one regular expression may take when compiled; `\w` with its whole alphabet repeated 64 times fits.
const MAX_PATTERN: usize = 512 << 10;

/// The most errors of one schema that are told of one configuration: nobody reads more.
const MAX_TOLD: usize = 200;

/// What all schemas of a commit may cost together, in schemas inside of schemas. A commit is made ready in seconds.
const MAX_COST: usize = 500_000;

/// So many bytes of a compiled schema cost as much as a schema inside of it.
const BYTES: usize = 1024;

/// What the schemas of a repository are worth.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Mode {
    /// They are not looked at.
    Off,
    /// What breaks them is told, and served.
    #[default]
    Warn,
    /// What breaks them is not served.
    Enforce,
}

/// The map of a JSON file as it stands, or why it cannot be read; `None`: there is no such file.
pub type Contents = Option<Result<Vec<Entry>, Fault>>;

/// The schemas of a commit.
#[derive(Debug, Default)]
pub struct Set {
    /// By path, those that can be applied.
    schemas: BTreeMap<Arc<str>, Schema>,
    /// What is wrong with the others. As warnings: a broken schema is not applied, and nobody goes without an answer.
    pub problems: Vec<Problem>,
    /// Every file that was asked for, with its bytes if there is one.
    read: BTreeMap<Arc<str>, Option<BlobId>>,
    roots: Vec<Arc<str>>,
}

/// A compiled schema.
#[derive(Debug)]
pub struct Schema {
    path: Arc<str>,
    validator: Validator,
    bundle: Bundle,
}

impl Set {
    /// Reads and compiles the schemas at `roots`. `read` gives the contents of a file of the tree.
    pub fn build(roots: Vec<Arc<str>>, tree: &Tree, read: impl FnMut(&str) -> Contents) -> Self {
        Self::build_within(MAX_COST, roots, tree, read)
    }

    fn build_within(
        mut left: usize,
        roots: Vec<Arc<str>>,
        tree: &Tree,
        mut read: impl FnMut(&str) -> Contents,
    ) -> Self {
        let mut library = document::Library::new(&mut read);
        let mut set = Self::default();
        for path in &roots {
            match Schema::build(path, &mut library, &mut left) {
                Ok(schema) => drop(set.schemas.insert(Arc::clone(path), schema)),
                Err(problems) => set.problems.extend(problems),
            }
        }
        let blob = |path: Arc<str>| (Arc::clone(&path), tree.files.get(&path).map(|file| file.blob));
        set.read = library.asked().map(blob).collect();
        set.problems
            .sort_by(|one, other| (&one.file, one.at, &one.message).cmp(&(&other.file, other.at, &other.message)));
        set.problems.dedup();
        Self { roots, ..set }
    }

    /// True if reading those roots out of that tree would make the same set.
    #[must_use]
    pub fn is_of(&self, roots: &[Arc<str>], tree: &Tree) -> bool {
        let is_same = |(path, blob): (&Arc<str>, &Option<BlobId>)| tree.files.get(path).map(|file| file.blob) == *blob;
        self.roots == roots && self.read.iter().all(is_same)
    }

    /// The schemas among those paths that can be applied.
    pub fn of<'a>(&'a self, paths: &'a [String]) -> impl Iterator<Item = &'a Schema> {
        paths.iter().filter_map(|path| self.schemas.get(path.as_str()))
    }

    /// True if a file has a part in a schema, broken or not.
    #[must_use]
    pub fn reads(&self, path: &str) -> bool {
        self.read.contains_key(path)
    }

    /// The files that have a part in a schema, and those that were missed.
    pub fn files(&self) -> impl Iterator<Item = &Arc<str>> {
        self.read.keys()
    }

    /// True if there is nothing to apply.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.schemas.is_empty()
    }
}

impl Schema {
    fn build(path: &Arc<str>, library: &mut document::Library<'_>, left: &mut usize) -> Result<Self, Vec<Problem>> {
        let bundle = Bundle::read(path, library)?;
        let cost = bundle.cost();
        *left = left.checked_sub(cost).ok_or_else(|| vec![too_many(path)])?;
        bounds::check_depth(&bundle).map_err(|problem| vec![problem])?;
        let bytes = expansion::bytes(&bundle, expansion::MAX_BYTES).map_err(|problem| vec![problem])?;
        *left = left.checked_sub((bytes / BYTES).saturating_sub(cost)).ok_or_else(|| vec![too_many(path)])?;
        let options = jsonschema::options()
            .with_draft(Draft::Draft202012)
            .with_pattern_options(PatternOptions::regex().size_limit(MAX_PATTERN).dfa_size_limit(MAX_PATTERN))
            .should_validate_formats(true)
            .offline();
        let validator = options.build(&bundle.value()).map_err(|error| vec![told::of_schema(&bundle, &error)])?;
        Ok(Self { path: Arc::clone(path), validator, bundle })
    }

    /// Path from the root of the repository.
    #[must_use]
    pub fn path(&self) -> &Arc<str> {
        &self.path
    }

    /// What a configuration breaks, as errors in the order of the schema. No text of a value is in them.
    #[must_use]
    pub fn check(&self, instance: &Instance<'_>) -> Vec<Problem> {
        if !bounds::is_affordable(&self.bundle.subs, instance.value()) {
            let message = "applying this schema takes too many steps; it is not applied";
            let fault = Fault::warning(BROKEN, Position::new(1, 1), message);
            return vec![fault.with_hint("refer to fewer schemas from within one another").in_file(&self.path)];
        }
        let errors = self.validator.iter_errors(instance.value());
        let errors = errors.filter(|error| exempt::stands(error, instance)).take(MAX_TOLD);
        errors.flat_map(|error| told::of_instance(&self.bundle, &error, instance)).collect()
    }
}

/// A schema for which nothing is left of what all may cost.
fn too_many(path: &Arc<str>) -> Problem {
    let message = "the schemas of the repository are too many; this one is not applied";
    let fault = Fault::warning(BROKEN, Position::new(1, 1), message);
    fault.with_hint("let schemas refer to less").in_file(path)
}

/// The only dialect that is read.
const DIALECT: &str = "https://json-schema.org/draft/2020-12/schema";

/// The one document that definitions make, of which the first is the whole.
fn envelope(definitions: Map<String, Value>) -> Value {
    let mut whole = json!({ "$schema": DIALECT, "$ref": "#/$defs/0" });
    whole["$defs"] = Value::Object(definitions);
    whole
}

#[cfg(test)]
mod hostile;
#[cfg(test)]
mod samples;
#[cfg(test)]
mod tests;
