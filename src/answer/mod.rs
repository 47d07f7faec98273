//! A snapshot and an address become an answer: the one path that every protocol takes.
//!
//! Floor 3, and a pure function of the two. [`select`] is cheap and says which layers take part; [`spell`] merges,
//! interpolates and writes them. A caller keeps what `spell` made by the fingerprint of the selection.

pub mod compare;
pub mod environment;
mod explain;
pub mod history;
mod leaves;
mod schemas;
mod stars;
mod text;

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::sync::Arc;

use bytes::Bytes;
use sha2::{Digest, Sha256};

use crate::config::address::Address;
use crate::config::effective::Effective;
use crate::config::growth::{DEFAULT_LIMIT, Form, Growth, TooLarge};
use crate::config::interpolate::{Resolve, Resolver, interpolate};
use crate::config::layer::Layer;
use crate::config::merge::merge;
use crate::config::problem::{Fault, Position, Problem, Severity};
use crate::config::semantics::Semantics;
use crate::config::value::Value;
use crate::format::variables::{Reveal, Writing};
use crate::format::{Format, Notation, Unwritable};
use crate::schema::Mode;
use crate::snapshot::{Parsed, Snapshot, own};

use environment::Question;

pub use explain::{Explained, HiddenValue, explain, near_keys};
pub use leaves::flat_json;
pub use schemas::{faults, profiles, violations};
pub use stars::starred;
pub use text::{Filled, fill};

/// The layers that answer an address, lowest precedence first.
#[derive(Debug, Clone)]
pub struct Selection {
    /// By which rules they were selected, and are merged.
    pub semantics: Semantics,
    /// The layers.
    pub layers: Vec<Layer>,
    /// How many layers each joined snapshot has brought, those of the weakest first.
    pub parts: Vec<usize>,
    /// Equal for selections that give equal answers under every spelling.
    pub fingerprint: Fingerprint,
    /// Bytes that an answer may have.
    pub limit: usize,
}

/// A digest of the bytes of a selection's layers in their order.
pub type Fingerprint = [u8; 16];

/// How an answer is wanted.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Spelling {
    /// As which kind of text.
    pub notation: Notation,
    /// How far placeholders are resolved.
    pub resolve: Resolve,
    /// Line breaks where the format has a compact form.
    pub pretty: bool,
    /// Only what is at this dotted path.
    pub key: Option<Arc<str>>,
}

/// An answer ready to be sent.
#[derive(Debug, Clone)]
pub struct Spelled {
    /// The body.
    pub body: Bytes,
    /// The strong entity tag, in quotes: a digest of the spelling and the body, in which secrets are as they are sealed.
    pub etag: Arc<str>,
    /// There are opened secrets in the body.
    pub is_secret: bool,
    /// A sentence about what some readers of the body would read differently.
    pub warning: Option<Arc<str>>,
}

/// Why there is no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AnswerError {
    /// Files that take part cannot be read.
    #[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))]
    Broken(Vec<Problem>),
    /// The answer grows too large.
    #[error(transparent)]
    TooLarge(#[from] TooLarge),
    /// Nothing is at the key that was asked for.
    #[error("there is no key `{key}`")]
    NoKey {
        /// The key.
        key: Arc<str>,
        /// Those that were probably meant.
        near: Vec<Arc<str>>,
    },
    /// The notation that was asked for cannot carry it.
    #[error(transparent)]
    Unwritable(#[from] Unwritable),
}

impl AnswerError {
    /// That a selection has no such key.
    fn no_key(key: &str, selection: &Selection) -> Self {
        Self::NoKey { key: Arc::from(key), near: near_keys(selection, key) }
    }
}

impl Spelled {
    /// The same with something around its text. The tag stays: it stands for what was written around the text as well, if
    /// that is always the same for the same answer.
    #[must_use]
    pub fn map_text(mut self, around: impl FnOnce(&str) -> String) -> Self {
        self.body = Bytes::from(around(&String::from_utf8_lossy(&self.body)));
        self
    }
}

impl Default for Spelling {
    fn default() -> Self {
        Self { notation: Format::Json.into(), resolve: Resolve::Known, pretty: false, key: None }
    }
}

/// The layers that answer an address.
///
/// # Errors
/// [`AnswerError::Broken`] with what is wrong with the files that take part, if any of them cannot be read.
pub fn select(snapshot: &Snapshot, address: &Address) -> Result<Selection, AnswerError> {
    if snapshot.own.is_broken() {
        return Err(AnswerError::Broken(snapshot.own.faults()));
    }
    if snapshot.semantics == Semantics::Spring {
        return environment::environment(snapshot, &Question::of(address)).map(|environment| environment.selection());
    }
    let mut layers = Vec::new();
    let mut broken = Vec::new();
    let mut digest = Sha256::new();
    for file in snapshot.files(address) {
        if file.body.is_broken() {
            broken.extend(errors(file));
        }
        for (index, document) in file.body.documents.iter().enumerate() {
            if document.condition.as_ref().is_none_or(|condition| condition.holds(&address.profiles)) {
                digest.update(file.blob.0);
                // Equal bytes mean different things in different formats.
                digest.update(file.path.rsplit('.').next().unwrap_or_default());
                digest.update(document.number.to_be_bytes());
                // And sealed values in different places and with different keys.
                digest.update(file.opening.as_ref().map_or([0; 16], |opening| opening.stamp));
                layers.push(Layer { path: Arc::clone(&file.path), body: Arc::clone(&file.body), index });
            }
        }
    }
    if broken.is_empty() {
        let parts = vec![layers.len()];
        let (semantics, limit) = (Semantics::Native, snapshot.answer_limit);
        return Ok(Selection { semantics, layers, parts, fingerprint: shorten(&digest.finalize()), limit });
    }
    Err(AnswerError::Broken(broken))
}

/// The paths of the files that have a say in the answer to an address, whether they can be read or not.
#[must_use]
pub fn files(snapshot: &Snapshot, address: &Address) -> BTreeSet<Arc<str>> {
    let mut files: BTreeSet<Arc<str>> = match snapshot.semantics {
        Semantics::Native => snapshot.files(address).map(|file| Arc::clone(&file.path)).collect(),
        Semantics::Spring => environment::paths(snapshot, &Question::of(address)),
    };
    // A folder that could not be looked into is not a file that any commit has.
    files.retain(|path| !snapshot.tree.closed.contains_key(path));
    files
}

/// The layers that answer an address, if nothing is wrong with what they make together.
///
/// # Errors
/// As [`select`], and [`AnswerError::Broken`] with what [`faults`] finds.
pub fn whole(snapshot: &Snapshot, address: &Address) -> Result<Selection, AnswerError> {
    let selection = select(snapshot, address)?;
    let faults = faults(snapshot, address, &selection);
    if faults.is_empty() { Ok(selection) } else { Err(AnswerError::Broken(faults)) }
}

/// One selection of several, lowest precedence first, in which every layer of a later one is stronger than all of an
/// earlier one.
///
/// # Errors
/// [`AnswerError::Broken`] with what is wrong in any of them.
pub fn join(selections: impl Iterator<Item = Result<Selection, AnswerError>>) -> Result<Selection, AnswerError> {
    let (mut whole, mut broken) = (Vec::new(), Vec::new());
    for selection in selections {
        match selection {
            Ok(selection) => whole.push(selection),
            Err(AnswerError::Broken(problems)) => broken.extend(problems),
            Err(other) => return Err(other),
        }
    }
    if !broken.is_empty() {
        return Err(AnswerError::Broken(broken));
    }
    if whole.len() == 1 {
        return Ok(whole.swap_remove(0));
    }
    if whole.iter().any(|selection| selection.semantics != whole[0].semantics) {
        let message = "joined sources are not read by the same `semantics`, which their repositories set";
        let fault = Fault::error("repository-settings", Position::new(1, 1), message);
        let fault = fault.with_hint("set `semantics` in the settings of the server");
        return Err(AnswerError::Broken(vec![fault.in_file(&Arc::from(own::FILE))]));
    }
    let mut digest = Sha256::new();
    let semantics = whole.first().map_or(Semantics::Native, |first: &Selection| first.semantics);
    let limit = whole.iter().map(|selection| selection.limit).min().unwrap_or(DEFAULT_LIMIT);
    let (layers, parts, fingerprint) = (Vec::new(), Vec::new(), Fingerprint::default());
    let mut joined = Selection { semantics, layers, parts, fingerprint, limit };
    for selection in whole {
        digest.update(selection.fingerprint);
        joined.layers.extend(selection.layers);
        joined.parts.extend(selection.parts);
    }
    Ok(Selection { fingerprint: shorten(&digest.finalize()), ..joined })
}

fn errors(file: &Parsed) -> impl Iterator<Item = Problem> {
    let errors = file.body.faults.iter().filter(|fault| fault.severity == Severity::Error);
    errors.map(|fault| fault.in_file(&file.path))
}

impl Selection {
    /// Which of the joined snapshots, counted from the strongest, has brought a layer.
    #[must_use]
    pub fn part_of(&self, layer: usize) -> usize {
        let mut end = 0;
        let ends = self.parts.iter().map(|layers| {
            end += layers;
            end
        });
        let passed = ends.filter(|end| *end <= layer).count();
        self.parts.len().saturating_sub(passed + 1)
    }

    /// The layers merged.
    #[must_use]
    pub fn effective(&self) -> Effective {
        merge(&self.layers)
    }

    /// The merged document with its placeholders resolved.
    #[must_use]
    pub fn value(&self, resolve: Resolve) -> Value {
        interpolate(&self.effective(), &self.layers, resolve).0
    }

    /// What is doubtful about the merged whole: keys that clash between layers, placeholders that lead to a circle.
    #[must_use]
    pub fn problems(&self) -> Vec<Problem> {
        let mut effective = self.effective();
        let mut problems = std::mem::take(&mut effective.problems);
        let mut resolver = Resolver::new(&effective, &self.layers, Resolve::Known).within(self.limit);
        let value = effective.to_value(|text, place| resolver.value(text, place));
        problems.append(&mut resolver.problems);
        if resolver.result().is_ok()
            && let Some(layer) = self.layers.last()
            && let Err(error) = self.count(&effective, &value)
        {
            problems.push(error.problem(&layer.path));
        }
        problems
    }

    /// Why this cannot be answered in every format, if it cannot, and the strongest file.
    #[must_use]
    pub fn too_large(&self) -> Option<(TooLarge, Arc<str>)> {
        let effective = self.effective();
        let mut resolver = Resolver::new(&effective, &self.layers, Resolve::Known).within(self.limit);
        let value = effective.to_value(|text, place| resolver.value(text, place));
        let counted = resolver.result().and_then(|()| self.count(&effective, &value));
        let file = self.layers.last().map(|layer| Arc::clone(&layer.path)).unwrap_or_default();
        counted.err().map(|error| (error, file))
    }

    /// Counts the answer, nested and flat: whether all formats can be given.
    fn count(&self, effective: &Effective, value: &Value) -> Result<(), TooLarge> {
        Growth::new(self.limit).value(value, Form::Nested)?;
        effective.count_paths(&self.layers, &mut Growth::new(self.limit))?;
        Growth::new(self.limit).value(value, Form::Flat)
    }
}

/// Merges a selection and writes it as wanted.
///
/// # Errors
/// [`AnswerError::NoKey`] if the spelling asks for a key that is not there, [`AnswerError::Unwritable`] if its notation cannot
/// carry what is there.
pub fn spell(selection: &Selection, spelling: &Spelling) -> Result<Spelled, AnswerError> {
    let layers = match selection.semantics {
        Semantics::Native => Cow::Borrowed(&selection.layers),
        Semantics::Spring => Cow::Owned(environment::nested(selection)),
    };
    let effective = merge(&layers);
    let mut resolver = Resolver::new(&effective, &layers, spelling.resolve).within(selection.limit);
    let value = match &spelling.key {
        None => effective.to_value(|text, place| resolver.value(text, place)),
        Some(key) => effective
            .get(key, |text, place| resolver.value(text, place))
            .ok_or_else(|| AnswerError::no_key(key, selection))?,
    };
    resolver.result()?;
    let Spelling { notation, pretty, key, .. } = spelling;
    let form = if notation.is_flat() { Form::Flat } else { Form::Nested };
    Growth::new(selection.limit).value(&value, form)?;
    let write = |reveal| notation.write(&value, key.as_deref(), *pretty, reveal);
    let Writing { text, warning } = write(Reveal::Plain)?;
    let is_secret = value.has_secret();
    let etag = match is_secret {
        false => tag(notation.media_type(), &text),
        // Whoever sees the tag can not try guesses of a secret on it, and every replica makes the same.
        true => tag(notation.media_type(), &write(Reveal::Sealed)?.text),
    };
    Ok(Spelled { etag, body: Bytes::from(text), is_secret, warning: warning.map(Arc::from) })
}

/// A body with its entity tag.
#[must_use]
pub fn seal(format: Format, body: String) -> Spelled {
    Spelled { etag: etag(format, &body), body: Bytes::from(body), is_secret: false, warning: None }
}

/// What is wrong with a snapshot: the problems of its files, and those that show only when the layers of an address that
/// the repository names, or of any other application, come together. Merges every such address.
#[must_use]
pub fn all_problems(snapshot: &Snapshot) -> Vec<Problem> {
    let mut problems = snapshot.problems.clone();
    for address in snapshot.known_addresses() {
        let Ok(selection) = select(snapshot, &address) else { continue };
        problems.extend(selection.problems());
        problems.extend(schema_problems(snapshot, &address, &selection));
    }
    // What files for everyone leave to those of services is no breach of a schema.
    let others = snapshot.other_addresses().filter_map(|address| select(snapshot, &address).ok());
    problems.extend(others.flat_map(|selection| selection.problems()));
    problems.sort_by(|one, other| (&one.file, one.at, one.code).cmp(&(&other.file, other.at, other.code)));
    problems.dedup();
    problems
}

/// What an address breaks of the schemas: errors if that keeps its answer from being given.
fn schema_problems(snapshot: &Snapshot, address: &Address, selection: &Selection) -> Vec<Problem> {
    if snapshot.schemas.mode == Mode::Enforce {
        return faults(snapshot, address, selection);
    }
    let mut found = violations(snapshot, &address.application, selection);
    found.iter_mut().for_each(|problem| problem.severity = Severity::Warning);
    found
}

fn etag(format: Format, body: &str) -> Arc<str> {
    tag(format.media_type(), body)
}

/// The entity tag of a text under a media type, in quotes.
#[must_use]
pub fn tag(media_type: &str, body: &str) -> Arc<str> {
    tag_of_bytes(media_type, body.as_bytes())
}

/// The entity tag of bytes under a media type, in quotes.
#[must_use]
pub fn tag_of_bytes(media_type: &str, body: &[u8]) -> Arc<str> {
    let mut digest = Sha256::new();
    digest.update(media_type);
    digest.update([0]);
    digest.update(body);
    let digest: Fingerprint = shorten(&digest.finalize());
    let hex: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
    Arc::from(format!("\"{hex}\""))
}

fn shorten(digest: &[u8]) -> Fingerprint {
    let mut short = Fingerprint::default();
    short.copy_from_slice(&digest[..16]);
    short
}
