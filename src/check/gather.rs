//! Many problems become few findings: equal ones are one, whoever has them, and the policy has its say.

use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use crate::answer;
use crate::config::address::Address;
use crate::config::problem::{Position, Problem};
use crate::config::tree::BlobId;
use crate::format::Format;
use crate::schema::MISSING_KEY;
use crate::snapshot::{OTHERS, Parsed, Snapshot};

use super::layers::EQUAL;
use super::overrides::WITHOUT_BASE;
use super::placeholders::LOST;
use super::{Finding, Input, Part, Reach, format_of, secrets};

/// What files for everyone may leave to the files of services: no problem if only applications without one have it.
const LEFT_TO_SERVICES: [&str; 3] = ["unanswered-placeholder", MISSING_KEY, "schema-violation"];

/// Problems that selections have, each once, with the numbers of the addresses that have it.
#[derive(Debug, Default)]
pub(super) struct Gathered {
    known: HashMap<Identity, usize>,
    problems: Vec<(Problem, Vec<u32>)>,
}

type Identity = (&'static str, Arc<str>, Position, String);

impl Gathered {
    pub(super) fn add(&mut self, problem: Problem, addresses: &[u32]) {
        let index = *self.known.entry(identity(&problem)).or_insert(self.problems.len());
        match self.problems.get_mut(index) {
            Some((_, reached)) => reached.extend(addresses),
            None => self.problems.push((problem, addresses.to_vec())),
        }
    }

    fn merge(&mut self, other: Self) {
        for (problem, addresses) in other.problems {
            self.add(problem, &addresses);
        }
    }
}

fn identity(problem: &Problem) -> Identity {
    (problem.code, Arc::clone(&problem.file), problem.at, problem.message.clone())
}

/// The findings of all parts and of the repository as a whole, in order.
pub(super) fn findings(
    input: Input<'_>,
    addresses: &[Address],
    of_snapshot: Vec<Problem>,
    parts: Vec<Part>,
) -> Vec<Finding> {
    let mut gathered = Gathered::default();
    let mut selected: HashMap<Arc<str>, Vec<u32>> = HashMap::new();
    let paths = paths(input.snapshot);
    let mut of_files = of_snapshot;
    for part in parts {
        gathered.merge(part.problems);
        for (path, found) in part.selected {
            selected.entry(path).or_default().extend(found);
        }
        for (blob, format, fault) in part.faults {
            let files = paths.get(&(blob, format)).into_iter().flatten();
            of_files.extend(files.map(|file| fault.in_file(&file.path)));
        }
    }
    of_files.extend(input.policy.problems.iter().cloned());
    let requests: HashMap<Arc<str>, usize> =
        selected.iter().map(|(path, found)| (Arc::clone(path), distinct(found.clone()).len())).collect();
    let mut reaches = Reaches { addresses, known: HashMap::new() };
    let mut found = of_paths(of_files, &mut selected, &mut reaches);
    let has_named = !input.snapshot.catalogue.applications.is_empty();
    found.extend(gathered.problems.into_iter().filter_map(|(problem, reached)| {
        // A line without effect for some is not without effect.
        if problem.code == EQUAL && requests.get(&problem.file) != Some(&distinct(reached.clone()).len()) {
            return None;
        }
        let reached = reaches.of(reached);
        let is_others = reached.first().is_some_and(|reach| *reach.application == *OTHERS);
        let is_theirs = has_named && is_others && LEFT_TO_SERVICES.contains(&problem.code);
        (!is_theirs).then(|| finding(named(problem, &reached), reached))
    }));
    join_causes(&mut found);
    // Before a policy takes any away: what is not told is not shown by others either.
    secrets::hide(&mut found);
    let mut findings = input.policy.apply(found, input.snapshot);
    findings.sort_by(order);
    findings
}

/// One key that a change removed is one finding, at the first place that refers to it, however many there are.
fn join_causes(found: &mut Vec<Finding>) {
    let is_of_cause = |finding: &Finding| [LOST, WITHOUT_BASE].contains(&finding.code);
    let (mut lost, others): (Vec<Finding>, Vec<Finding>) = found.drain(..).partition(is_of_cause);
    *found = others;
    lost.sort_by(|one, other| one.message.cmp(&other.message).then_with(|| order(one, other)));
    for same in lost.chunk_by(|one, other| one.message == other.message) {
        let mut first = same[0].clone();
        if same.len() > 1 {
            let mut reached: BTreeMap<Arc<str>, BTreeSet<Arc<str>>> = BTreeMap::new();
            for reach in same.iter().flat_map(|finding| &*finding.applications) {
                reached.entry(Arc::clone(&reach.application)).or_default().extend(reach.profiles.iter().cloned());
            }
            let reach = |(application, profiles): (_, BTreeSet<_>)| Reach {
                application,
                profiles: profiles.into_iter().collect(),
            };
            first.applications = reached.into_iter().map(reach).collect();
            let places: Vec<String> = same[1..]
                .iter()
                .take(3)
                .map(|finding| format!("`{}` on line {}", finding.file, finding.at.line))
                .collect();
            let more = same.len().saturating_sub(4);
            let more = if more > 0 { format!(" and {more} more") } else { String::new() };
            let what = if first.code == LOST { "also referred to in" } else { "also set in" };
            first.message = format!("{}; {what} {}{more}", first.message, places.join(", "));
        }
        found.push(first);
    }
}

/// What is wrong with files reaches everyone who selects them.
fn of_paths(
    problems: Vec<Problem>,
    selected: &mut HashMap<Arc<str>, Vec<u32>>,
    reaches: &mut Reaches<'_>,
) -> Vec<Finding> {
    let mut of_path: HashMap<Arc<str>, Arc<[Reach]>> = HashMap::new();
    let mut seen = HashSet::new();
    let problems = problems.into_iter().filter(|problem| seen.insert(identity(problem)));
    let found = problems.map(|problem| {
        let path = Arc::clone(&problem.file);
        let reached =
            of_path.entry(path).or_insert_with_key(|path| reaches.of(selected.remove(path).unwrap_or_default()));
        finding(problem, Arc::clone(reached))
    });
    found.collect()
}

/// A missing key is told with the profiles that lack it.
fn named(problem: Problem, reached: &[Reach]) -> Problem {
    if problem.code != MISSING_KEY {
        return problem;
    }
    let names: BTreeSet<&str> = reached.iter().flat_map(|reach| &reach.profiles).map(|name| &**name).collect();
    Problem { message: format!("{} for {}", problem.message, answer::profiles(names.into_iter())), ..problem }
}

fn finding(problem: Problem, applications: Arc<[Reach]>) -> Finding {
    let Problem { code, severity, file, at, message, hint } = problem;
    Finding { code, severity, file, at, message, hint, applications, secret_from: None }
}

/// By file, place and code.
fn order(one: &Finding, other: &Finding) -> Ordering {
    (&one.file, one.at, one.code, &one.message).cmp(&(&other.file, other.at, other.code, &other.message))
}

fn paths(snapshot: &Snapshot) -> HashMap<(BlobId, Format), Vec<&Parsed>> {
    let mut paths: HashMap<_, Vec<&Parsed>> = HashMap::new();
    for file in snapshot.selectable() {
        if let Some(format) = format_of(&file.path) {
            paths.entry((file.blob, format)).or_default().push(file);
        }
    }
    paths
}

/// Lists of applications. A file for everyone has many findings that reach all; they share one list.
struct Reaches<'a> {
    addresses: &'a [Address],
    known: HashMap<Vec<u32>, Arc<[Reach]>>,
}

impl Reaches<'_> {
    fn of(&mut self, reached: Vec<u32>) -> Arc<[Reach]> {
        let addresses = self.addresses;
        Arc::clone(self.known.entry(distinct(reached)).or_insert_with_key(|reached| list(reached, addresses).into()))
    }
}

fn distinct(mut numbers: Vec<u32>) -> Vec<u32> {
    numbers.sort_unstable();
    numbers.dedup();
    numbers
}

/// Addresses are numbered by application, then profile. Any other application is named if no known one is.
fn list(reached: &[u32], addresses: &[Address]) -> Vec<Reach> {
    let mut list: Vec<Reach> = Vec::new();
    for address in reached.iter().filter_map(|index| addresses.get(*index as usize)) {
        let profiles = address.profiles.iter().cloned();
        match list.last_mut() {
            Some(last) if last.application == address.application => last.profiles.extend(profiles),
            _ => list.push(Reach { application: Arc::clone(&address.application), profiles: profiles.collect() }),
        }
    }
    if list.len() > 1 {
        list.retain(|reach| *reach.application != *OTHERS);
    }
    list
}
