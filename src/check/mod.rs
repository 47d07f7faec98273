//! The rules of `validate`: a snapshot and the bytes of its files in, findings out.
//!
//! Floor 4, and pure: nothing is opened here and no thread is started. A [`Plan`] can be worked off in parts, on as many
//! threads as the caller has; [`check`] does all of it at once. The rules stand in three lists below, by what they look
//! at; what they may find is the table in `rules.rs`, how it is told is in `report/`.

pub mod change;
pub mod nothing;
pub mod page;
pub mod policy;
pub mod report;
pub mod rules;

mod applications;
mod backslashes;
mod copies;
mod facts;
mod foreign;
mod gather;
mod growth;
mod keys;
mod layers;
mod line_ends;
mod lookalikes;
mod lost;
mod names;
mod overrides;
mod placeholders;
mod policies;
mod profiles;
mod references;
mod schemas;
mod secrets;
mod semantics;
mod walk;
mod yaml11;

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use crate::answer::{self, Selection};
use crate::config::address::Address;
use crate::config::condition::Condition;
use crate::config::growth::TOO_LARGE;
use crate::config::layer::Body;
use crate::config::problem::{Fault, Position, Problem, Severity};
use crate::config::semantics::Semantics;
use crate::config::tree::BlobId;
use crate::format::{Format, Limits};
use crate::snapshot::{Parsed, Snapshot};

use facts::Facts;
use gather::Gathered;
use policy::Policy;

/// What a rule says about the bytes of one file that can be selected and can be read.
type OfText = fn(&Text<'_>, &mut Vec<Fault>);

/// What a rule says about a commit as a whole.
type OfSnapshot = fn(&Input<'_>, &mut Vec<Problem>);

/// What a rule says about the layers that come together for an address.
type OfSelection = fn(&Case<'_>, &mut Vec<Problem>);

const OF_TEXT: &[OfText] = &[
    line_ends::check,
    yaml11::check,
    lost::check,
    lookalikes::check,
    backslashes::check,
    references::check,
    secrets::check,
    foreign::check,
];
const OF_SNAPSHOT: &[OfSnapshot] = &[
    problems_of_files,
    nothing::check,
    foreign::files,
    foreign::filtered,
    names::check,
    profiles::check,
    applications::check,
    keys::check,
    policies::check,
    copies::check,
];
const OF_SELECTION: &[OfSelection] =
    &[growth::check, layers::check, placeholders::check, schemas::check, semantics::check, overrides::check];

/// The bytes of files, by blob. Of files that can be selected, those that are missing are not looked into.
pub type Texts = HashMap<BlobId, Vec<u8>>;

/// What is checked.
#[derive(Debug, Clone, Copy)]
pub struct Input<'a> {
    /// The commit.
    pub snapshot: &'a Snapshot,
    /// The bytes of its files.
    pub texts: &'a Texts,
    /// Paths of files that its tree does not list because no file of that kind is ever read.
    pub others: &'a [Arc<str>],
    /// Files that Git stores through a filter, each with the name of the filter.
    pub filtered: &'a [(Arc<str>, String)],
    /// What a file may cost.
    pub limits: &'a Limits,
    /// What the repository says about the rules.
    pub policy: &'a Policy,
    /// The commit before, if what a change breaks is looked for.
    pub before: Option<&'a Snapshot>,
}

/// Something that should be mended, or known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// Stable kebab-case name; each has an entry in `docs/problems.md`.
    pub code: &'static str,
    /// How much it matters, as the policy has it.
    pub severity: Severity,
    /// Path from the root of the repository.
    pub file: Arc<str>,
    /// Where the offending token begins.
    pub at: Position,
    /// One lower-case sentence without a final dot.
    pub message: String,
    /// What to do about it.
    pub hint: Option<String>,
    /// Whom it reaches, in order of their names; none if nobody is served the file.
    pub applications: Arc<[Reach]>,
    /// The column from which on its line is not to be shown, because a secret stands there in plain text.
    pub secret_from: Option<u32>,
}

/// An application that a finding reaches.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Reach {
    /// Its name.
    pub application: Arc<str>,
    /// The profiles for which it does, in order.
    pub profiles: Vec<Arc<str>>,
}

/// All findings, with what was looked at.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Report {
    /// By file, place and code.
    pub findings: Vec<Finding>,
    /// How many applications the repository names.
    pub applications: usize,
    /// How many files can be selected.
    pub files: usize,
    /// When the commit was made, in seconds since 1970.
    pub committed_at: i64,
}

/// A file under its first path, for rules that look at bytes.
struct Text<'a> {
    format: Format,
    bytes: &'a [u8],
    body: &'a Body,
    limits: &'a Limits,
    semantics: Semantics,
}

/// The layers of one or more addresses, for rules that look at what comes together.
struct Case<'a> {
    selection: &'a Selection,
    facts: &'a Facts,
    snapshot: &'a Snapshot,
    application: &'a str,
    /// One of the addresses.
    address: &'a Address,
    /// The commit before the change.
    before: Option<&'a Snapshot>,
}

/// A check that can be worked off in parts.
pub struct Plan<'a> {
    input: Input<'a>,
    addresses: Vec<Address>,
    /// One file for each pair of bytes and format.
    files: Vec<&'a Parsed>,
    facts: Facts,
}

/// What makes two cases one: layers and schemas.
type Identity = (Vec<(usize, usize)>, Vec<usize>);

/// What one part found.
#[derive(Debug, Default)]
pub struct Part {
    /// Faults in bytes.
    faults: Vec<(BlobId, Format, Fault)>,
    /// Problems of selections, with the addresses that have them.
    problems: Gathered,
    /// The addresses that select a file, by its path.
    selected: HashMap<Arc<str>, Vec<u32>>,
}

/// Checks every application with every profile that the repository names.
#[must_use]
pub fn check(input: Input<'_>) -> Report {
    let plan = Plan::new(input);
    let part = plan.part(0, 1);
    plan.finish(vec![part])
}

impl<'a> Plan<'a> {
    /// Prepares what all parts need.
    #[must_use]
    pub fn new(input: Input<'a>) -> Self {
        let mut seen = HashSet::new();
        let files = input.snapshot.selectable().filter(|file| !file.body.is_broken());
        let files = files.filter(|file| seen.insert((file.blob, format_of(&file.path)))).collect();
        let addresses = addresses(input.snapshot);
        Self { input, addresses, files, facts: Facts::read(input.snapshot) }
    }

    /// Does the part with that number, from 0, of `count` about equal ones.
    #[must_use]
    pub fn part(&self, number: usize, count: usize) -> Part {
        let mut part = Part::default();
        for file in &self.files[share(self.files.len(), number, count)] {
            self.read(file, &mut part);
        }
        let mut known: HashMap<Identity, usize> = HashMap::new();
        let mut cases: Vec<(Selection, Vec<u32>)> = Vec::new();
        for index in share(self.addresses.len(), number, count) {
            let address = &self.addresses[index];
            let index = u32::try_from(index).unwrap_or(u32::MAX);
            for file in self.input.snapshot.files(address) {
                part.selected.entry(Arc::clone(&file.path)).or_default().push(index);
            }
            let Ok(selection) = answer::select(self.input.snapshot, address) else { continue };
            let case = *known.entry(self.identity(&selection, address)).or_insert(cases.len());
            match cases.get_mut(case) {
                Some((_, addresses)) => addresses.push(index),
                None => cases.push((selection, vec![index])),
            }
        }
        for (selection, addresses) in cases {
            self.compare(&selection, &addresses, &mut part);
        }
        part
    }

    /// Puts the parts together, with what concerns the repository as a whole.
    #[must_use]
    pub fn finish(&self, parts: Vec<Part>) -> Report {
        let mut problems = Vec::new();
        for rule in OF_SNAPSHOT {
            rule(&self.input, &mut problems);
        }
        let findings = gather::findings(self.input, &self.addresses, problems, parts);
        Report {
            findings,
            applications: self.input.snapshot.catalogue.applications.len(),
            files: self.input.snapshot.len(),
            committed_at: self.input.snapshot.committed_at,
        }
    }

    /// Two selections with equal layers at equal paths have equal problems, if they keep to equal schemas.
    fn identity(&self, selection: &Selection, address: &Address) -> Identity {
        let path = |path: &Arc<str>| path.as_ptr() as usize;
        let layers = selection.layers.iter().map(|layer| (path(&layer.path), layer.index)).collect();
        let schemas = &self.input.snapshot.schemas;
        if schemas.set.is_empty() {
            return (layers, Vec::new());
        }
        let paths = self.input.snapshot.search_paths.schemas(&address.application);
        (layers, schemas.of(&paths).map(|schema| path(schema.path())).collect())
    }

    fn read(&self, file: &Parsed, part: &mut Part) {
        let (Some(bytes), Some(format)) = (self.input.texts.get(&file.blob), format_of(&file.path)) else { return };
        let (limits, semantics) = (self.input.limits, self.input.snapshot.semantics);
        let text = Text { format, bytes, body: &file.body, limits, semantics };
        let mut faults = Vec::new();
        for rule in OF_TEXT {
            rule(&text, &mut faults);
        }
        part.faults.extend(faults.into_iter().map(|fault| (file.blob, format, fault)));
    }

    fn compare(&self, selection: &Selection, addresses: &[u32], part: &mut Part) {
        let Some(first) = addresses.first() else { return };
        let address = &self.addresses[*first as usize];
        let (snapshot, before) = (self.input.snapshot, self.input.before);
        let application = &*address.application;
        let case = Case { selection, facts: &self.facts, snapshot, application, address, before };
        let mut problems = Vec::new();
        for rule in OF_SELECTION {
            rule(&case, &mut problems);
            if problems.iter().any(|problem| problem.code == TOO_LARGE) {
                // What else there is to say would take as much.
                break;
            }
        }
        for problem in problems {
            part.problems.add(problem, addresses);
        }
    }
}

/// Every known application, and any other one, with every profile that it is known to have, and with those that documents
/// in its files are for; by application, then profile.
fn addresses(snapshot: &Snapshot) -> Vec<Address> {
    let mut addresses: Vec<Address> = snapshot.known_addresses().chain(snapshot.other_addresses()).collect();
    let mut more = Vec::new();
    for known in addresses.chunk_by(|one, other| one.application == other.application) {
        let names = |address| {
            snapshot
                .files(address)
                .flat_map(|file| &file.body.documents)
                .filter_map(|document| document.condition.as_ref())
        };
        let named: BTreeSet<&Arc<str>> = known.iter().flat_map(names).flat_map(Condition::profiles).collect();
        let is_new = |profile: &&Arc<str>| !known.iter().any(|address| address.profiles[0] == **profile);
        let new = named
            .into_iter()
            .filter(is_new)
            .map(|profile| Address { profiles: vec![Arc::clone(profile)], ..known[0].clone() });
        more.extend(new);
    }
    if !more.is_empty() {
        addresses.append(&mut more);
        addresses.sort_by(|one, other| (&one.application, &one.profiles).cmp(&(&other.application, &other.profiles)));
    }
    addresses
}

fn share(length: usize, number: usize, count: usize) -> std::ops::Range<usize> {
    let edge = |number: usize| length * number / count;
    edge(number)..edge(number + 1)
}

fn format_of(path: &str) -> Option<Format> {
    Format::of_extension(path.rsplit_once('.')?.1)
}

fn problems_of_files(input: &Input<'_>, problems: &mut Vec<Problem>) {
    let is_told = secrets::are_keys_given(input.snapshot);
    let is_encrypted = |path: &str| {
        let bytes = input.snapshot.at_path(path).and_then(|file| input.texts.get(&file.blob));
        bytes.is_some_and(|bytes| foreign::of_file(bytes).is_some())
    };
    let found = input.snapshot.problems.iter().filter(|problem| is_told || problem.code != "keys-unavailable");
    let found = found.filter(|problem| problem.severity != Severity::Error || !is_encrypted(&problem.file));
    problems.extend(found.cloned());
}

#[cfg(test)]
mod laws;
#[cfg(test)]
mod samples;
