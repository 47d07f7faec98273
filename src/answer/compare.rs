//! Snapshot × Snapshot → what every application gets that it did not get before, one shared change told once.
//!
//! First the questions whose answers can differ, then the answers, then the groups. The middle part is the work, and any
//! part of the questions can be answered alone, so that callers may spread it over threads.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use super::environment::nested;
use super::stars::{is_secret, starred_changes};
use super::{AnswerError, Selection, select};
use crate::config::address::Address;
use crate::config::diff::{Flat, Given, KeyChanges, diff, flatten};
use crate::config::growth::Growth;
use crate::config::interpolate::{Resolve, Resolver};
use crate::config::key::{self, Key};
use crate::config::layer::Origin;
use crate::config::merge::merge;
use crate::config::problem::{Position, Problem};
use crate::config::select::EXTENSIONS;
use crate::config::semantics::Semantics;
use crate::config::value::Value;
use crate::format::{self, Format};
use crate::snapshot::{OTHERS, Snapshot};

/// Two addresses whose answers are compared, and how the pair is called.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Question {
    /// The application of both.
    pub application: Arc<str>,
    /// The profiles of both, or `a..b` if they differ.
    pub profiles: Arc<str>,
    base: Address,
    head: Address,
}

/// What came of a question.
#[derive(Debug, Clone)]
pub enum Outcome {
    /// Both sides have an answer.
    Change(KeyChanges),
    /// One side has none.
    Broken(Side, Vec<Problem>),
}

/// Which of the two.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Side {
    /// The first.
    Base,
    /// The second.
    Head,
}

/// Applications with the profiles concerned, both sorted.
pub type Reached = Vec<(Arc<str>, Vec<Arc<str>>)>;

/// What differs, every change once with those whom it reaches.
#[derive(Debug, Clone, Default)]
pub struct Comparison {
    /// The changes; those that reach the most come first.
    pub groups: Vec<Group>,
    /// Those that one side cannot answer.
    pub unanswered: Vec<Unanswered>,
}

impl Comparison {
    /// Puts its secrets in plain text.
    pub fn reveal(&mut self) {
        let reveal = |given: &mut Given| given.value = given.value.revealed();
        for change in self.groups.iter_mut().map(|group| &mut group.change) {
            change.added.values_mut().chain(change.removed.values_mut()).for_each(reveal);
            change.changed.values_mut().flat_map(|(from, to)| [from, to]).for_each(reveal);
        }
    }
}

/// Changes that reach exactly the same applications and profiles.
#[derive(Debug, Clone)]
pub struct Group {
    /// Whom they reach.
    pub reached: Reached,
    /// The keys. If a value is written in several places, the place is that of the first application.
    pub change: KeyChanges,
    /// For keys whose new value is written in several places: how many others there are.
    pub elsewhere: BTreeMap<Arc<str>, usize>,
}

/// Files that cannot be read, and those that need them.
#[derive(Debug, Clone)]
pub struct Unanswered {
    /// Which side has no answer.
    pub side: Side,
    /// What is wrong with the files.
    pub problems: Vec<Problem>,
    /// Whose answer it would be.
    pub reached: Reached,
}

/// Every application and profile that either snapshot names and whose files differ between the two.
#[must_use]
pub fn touched(base: &Snapshot, head: &Snapshot) -> Vec<Question> {
    let stems = touched_stems(base, head);
    if stems.is_empty() {
        return Vec::new();
    }
    let known = |snapshot: &Snapshot| -> Vec<(Arc<str>, Arc<str>)> {
        let addresses = snapshot.known_addresses().chain(snapshot.other_addresses());
        addresses.map(|address| (address.application, Arc::clone(&address.profiles[0]))).collect()
    };
    let known: BTreeSet<_> = known(base).into_iter().chain(known(head)).collect();
    let question = |(application, profile): (Arc<str>, Arc<str>)| {
        let address =
            Address { application: Arc::clone(&application), profiles: vec![Arc::clone(&profile)], label: None };
        let selected = head.stems(&address);
        let is_touched = selected.iter().any(|stem| stems.contains(stem.as_str()));
        is_touched.then(|| Question { application, profiles: profile, base: address.clone(), head: address })
    };
    known.into_iter().filter_map(question).collect()
}

/// Every application that either snapshot names, and any other one, with profiles `from` in the first and `to` in the second.
#[must_use]
pub fn between(base: &Snapshot, head: &Snapshot, from: &[Arc<str>], to: &[Arc<str>]) -> Vec<Question> {
    let others = Arc::from(OTHERS);
    let applications: BTreeSet<&Arc<str>> = [base, head]
        .into_iter()
        .flat_map(|snapshot| snapshot.catalogue.applications.keys())
        .chain(std::iter::once(&others))
        .collect();
    let profiles: Arc<str> = Arc::from(format!("{}..{}", from.join(","), to.join(",")));
    let address = |application: &Arc<str>, profiles: &[Arc<str>]| Address {
        application: Arc::clone(application),
        profiles: profiles.to_vec(),
        label: None,
    };
    let question = |application: &Arc<str>| Question {
        application: Arc::clone(application),
        profiles: Arc::clone(&profiles),
        base: address(application, from),
        head: address(application, to),
    };
    applications.into_iter().map(question).collect()
}

/// What came of each question.
#[must_use]
pub fn compare(base: &Snapshot, head: &Snapshot, questions: &[Question]) -> Vec<Outcome> {
    questions.iter().map(|question| outcome(base, head, question)).collect()
}

fn outcome(base: &Snapshot, head: &Snapshot, question: &Question) -> Outcome {
    match (select(base, &question.base), select(head, &question.head)) {
        (Ok(from), Ok(to)) => match change(&from, &to) {
            Ok(change) => Outcome::Change(change),
            Err(error) => Outcome::Broken(Side::Head, problems(error)),
        },
        (Err(from), Err(to)) if from == to => Outcome::Change(KeyChanges::default()),
        (_, Err(error)) => Outcome::Broken(Side::Head, problems(error)),
        (Err(error), Ok(_)) => Outcome::Broken(Side::Base, problems(error)),
    }
}

fn problems(error: AnswerError) -> Vec<Problem> {
    match error {
        AnswerError::Broken(problems) => problems,
        AnswerError::TooLarge(error) => vec![error.problem(&Arc::from(""))],
        AnswerError::NoKey { .. } | AnswerError::Unwritable(_) => Vec::new(),
    }
}

/// What differs between two selections as they are served by default, secrets hidden.
///
/// # Errors
/// [`AnswerError::TooLarge`].
pub fn change(base: &Selection, head: &Selection) -> Result<KeyChanges, AnswerError> {
    if base.fingerprint == head.fingerprint {
        return Ok(KeyChanges::default());
    }
    Ok(starred_changes(diff(&flat(base)?, &flat(head)?)))
}

fn flat(selection: &Selection) -> Result<Flat, AnswerError> {
    let effective = selection.effective();
    effective.count_paths(&selection.layers, &mut Growth::new(selection.limit))?;
    Ok(match selection.semantics {
        Semantics::Native => {
            let resolver = Resolver::new(&effective, &selection.layers, Resolve::Known).hiding(is_secret);
            flatten(&effective, &selection.layers, resolver)
        }
        Semantics::Spring => flat_of_spring(selection),
    })
}

/// The keys of the nested answer, so that both semantics can be compared; a list stands where its first item does.
fn flat_of_spring(selection: &Selection) -> Flat {
    let effective = selection.effective();
    let origins = effective.leaves().into_iter().map(|leaf| (leaf.path, leaf.place.origin(&selection.layers)));
    let origins: BTreeMap<String, Origin> = origins.collect();
    let layers = nested(selection);
    let merged = merge(&layers);
    let mut resolver = Resolver::new(&merged, &layers, Resolve::Known).hiding(is_secret);
    let nested = merged.to_value(|text, place| resolver.value(text, place));
    let mut entries = Vec::new();
    walk(&nested, String::new(), &mut |path, value| {
        let found = origins.range(path.clone()..).next().filter(|(leaf, _)| leaf.starts_with(&path));
        if let Some((_, origin)) = found {
            entries.push((Arc::from(path), Given { value: value.clone(), origin: origin.clone() }));
        }
    });
    Flat::of(entries)
}

fn walk(value: &Value, path: String, take: &mut impl FnMut(String, &Value)) {
    match value {
        Value::Map(map) if !map.is_empty() => {
            for (step, inner) in map {
                walk(inner, key::append(path.clone(), Key::literal(step).written()), take);
            }
        }
        _ => take(path, value),
    }
}

/// Every address that either snapshot names, for two readings of one commit.
#[must_use]
pub fn all(base: &Snapshot, head: &Snapshot) -> Vec<Question> {
    let known = base.known_addresses().chain(head.known_addresses());
    let known = known.chain(base.other_addresses()).chain(head.other_addresses());
    let known: BTreeSet<(Arc<str>, Arc<str>)> =
        known.map(|address| (address.application, Arc::clone(&address.profiles[0]))).collect();
    let question = |(application, profile): (Arc<str>, Arc<str>)| {
        let address =
            Address { application: Arc::clone(&application), profiles: vec![Arc::clone(&profile)], label: None };
        Question { application, profiles: profile, base: address.clone(), head: address }
    };
    known.into_iter().map(question).collect()
}

/// The value as JSON: the one way in which every spelling of a difference shows a value, and an item of a list.
#[must_use]
pub fn shown(value: &Value) -> String {
    format::write(Format::Json, value, false)
}

/// The items that only the first and only the second of two lists has, as JSON; `None` if they are not lists, or have the
/// same items in another order.
#[must_use]
pub fn items(from: &Value, to: &Value) -> Option<(Vec<String>, Vec<String>)> {
    let (Value::List(from), Value::List(to)) = (from, to) else { return None };
    let mut counts: HashMap<String, i64> = HashMap::new();
    from.iter().for_each(|item| *counts.entry(shown(item)).or_default() += 1);
    to.iter().for_each(|item| *counts.entry(shown(item)).or_default() -= 1);
    let mut only = |items: &[Value], sign: i64| -> Vec<String> {
        let mut left = |item: &String| {
            let count = counts.entry(item.clone()).or_default();
            let is_left = *count * sign > 0;
            *count -= if is_left { sign } else { 0 };
            is_left
        };
        items.iter().map(shown).filter(|item| left(item)).collect()
    };
    let (gone, new) = (only(from, 1), only(to, -1));
    (!gone.is_empty() || !new.is_empty()).then_some((gone, new))
}

/// The stems of the files that only one of the two has or that have other bytes.
fn touched_stems<'a>(base: &'a Snapshot, head: &'a Snapshot) -> HashSet<&'a str> {
    let (from, to) = (&base.tree.files, &head.tree.files);
    let changed = from.iter().filter(|(path, file)| to.get(*path) != Some(file));
    let added = to.iter().filter(|(path, _)| !from.contains_key(*path));
    changed.chain(added).filter_map(|(path, _)| stem(path)).collect()
}

fn stem(path: &str) -> Option<&str> {
    let (stem, extension) = path.rsplit_once('.')?;
    EXTENSIONS.contains(&extension).then_some(stem)
}

/// One key's change, equal for all whom it reaches.
#[derive(PartialEq, Eq, Hash)]
struct Item {
    key: Arc<str>,
    from: Option<String>,
    to: Option<String>,
}

/// Where an item is found: the questions, by number, and the places that its new value comes from.
struct Found<'a> {
    questions: Vec<usize>,
    from: Option<&'a Given>,
    to: Option<&'a Given>,
    places: HashSet<(&'a str, Position)>,
}

/// The keys that reach the same questions.
#[derive(Default)]
struct Gathered {
    change: KeyChanges,
    elsewhere: BTreeMap<Arc<str>, usize>,
}

/// The questions, by number, that the same broken files leave without an answer.
struct Needed<'a> {
    questions: Vec<usize>,
    problems: &'a [Problem],
}

/// Brings together what reaches the same applications and profiles.
#[must_use]
pub fn group(questions: &[Question], outcomes: &[Outcome]) -> Comparison {
    let mut items: HashMap<Item, Found<'_>> = HashMap::new();
    let mut broken: BTreeMap<(Side, String), Needed<'_>> = BTreeMap::new();
    for (number, outcome) in outcomes.iter().enumerate() {
        match outcome {
            Outcome::Change(change) => gather(number, change, &mut items),
            Outcome::Broken(side, problems) => {
                let told = problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n");
                broken
                    .entry((*side, told))
                    .or_insert_with(|| Needed { questions: Vec::new(), problems })
                    .questions
                    .push(number);
            }
        }
    }
    let mut groups: HashMap<Vec<usize>, Gathered> = HashMap::new();
    for (item, mut found) in items {
        name_known(questions, &mut found.questions);
        let Gathered { change, elsewhere } = groups.entry(found.questions).or_default();
        if found.places.len() > 1 {
            elsewhere.insert(Arc::clone(&item.key), found.places.len() - 1);
        }
        match (found.from.cloned(), found.to.cloned()) {
            (Some(from), Some(to)) => drop(change.changed.insert(item.key, (from, to))),
            (Some(from), None) => drop(change.removed.insert(item.key, from)),
            (None, Some(to)) => drop(change.added.insert(item.key, to)),
            (None, None) => {}
        }
    }
    let mut groups: Vec<_> = groups.into_iter().collect();
    groups.sort_by(|(one, _), (other, _)| other.len().cmp(&one.len()).then_with(|| one.cmp(other)));
    let groups = groups.into_iter();
    let group = |(numbers, Gathered { change, elsewhere }): (Vec<usize>, _)| Group {
        reached: reached(questions, &numbers),
        change,
        elsewhere,
    };
    let unanswered = broken.into_iter().map(|((side, _), Needed { questions: mut numbers, problems })| {
        name_known(questions, &mut numbers);
        Unanswered { side, problems: problems.to_vec(), reached: reached(questions, &numbers) }
    });
    Comparison { groups: groups.map(group).collect(), unanswered: unanswered.collect() }
}

/// Leaves any other application out of what reaches known ones.
fn name_known(questions: &[Question], numbers: &mut Vec<usize>) {
    let is_known = |number: &usize| *questions[*number].application != *OTHERS;
    if numbers.iter().any(is_known) {
        numbers.retain(is_known);
    }
}

fn gather<'a>(number: usize, change: &'a KeyChanges, items: &mut HashMap<Item, Found<'a>>) {
    let added = change.added.iter().map(|(key, to)| (key, None, Some(to)));
    let removed = change.removed.iter().map(|(key, from)| (key, Some(from), None));
    let changed = change.changed.iter().map(|(key, (from, to))| (key, Some(from), Some(to)));
    for (key, from, to) in added.chain(removed).chain(changed) {
        let text = |given: &Given| shown(&given.value);
        let item = Item { key: Arc::clone(key), from: from.map(text), to: to.map(text) };
        let found =
            items.entry(item).or_insert_with(|| Found { questions: Vec::new(), from, to, places: HashSet::new() });
        found.questions.push(number);
        found.places.extend(to.map(|to| (&*to.origin.file, to.origin.at)));
    }
}

fn reached(questions: &[Question], numbers: &[usize]) -> Reached {
    let mut reached: BTreeMap<Arc<str>, Vec<Arc<str>>> = BTreeMap::new();
    for question in numbers.iter().filter_map(|number| questions.get(*number)) {
        reached.entry(Arc::clone(&question.application)).or_default().push(Arc::clone(&question.profiles));
    }
    reached.into_iter().collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::tree::{BlobId, CommitId, File, Tree};
    use crate::snapshot::{Bodies, Rules, Secrets};

    fn snapshot(files: &[(&str, &str)]) -> Snapshot {
        let texts: HashSet<&str> = files.iter().map(|(_, text)| *text).collect();
        let id = |text: &str| {
            let mut id = [0; 20];
            let bytes = text.as_bytes();
            id[..bytes.len().min(19)].copy_from_slice(&bytes[..bytes.len().min(19)]);
            id[19] = u8::try_from(bytes.len()).unwrap();
            BlobId(id)
        };
        let file = |(path, text): &(&str, &str)| (Arc::from(*path), File { blob: id(text), size: text.len() as u64 });
        let tree = Tree { files: files.iter().map(file).collect(), ..Tree::default() };
        let read = |blob| texts.iter().find(|text| id(text) == blob).map(|text| text.as_bytes().to_vec()).ok_or(());
        let commit = (CommitId([1; 20]), 0);
        Snapshot::build(commit, tree, (&Rules::default(), &Secrets::default()), &mut Bodies::default(), read).unwrap()
    }

    fn told_of(comparison: &Comparison) -> String {
        let names = |reached: &Reached| {
            let name =
                |(application, profiles): &(Arc<str>, Vec<Arc<str>>)| format!("{application}({})", profiles.join(","));
            reached.iter().map(name).collect::<Vec<_>>().join(" ")
        };
        let mut told = String::new();
        for Group { reached, change, elsewhere } in &comparison.groups {
            let added = change.added.iter().map(|(key, to)| format!("  + {key} {}", shown(&to.value)));
            let removed = change.removed.iter().map(|(key, from)| format!("  - {key} {}", shown(&from.value)));
            let changed = change.changed.iter();
            let changed =
                changed.map(|(key, (from, to))| format!("  ~ {key} {} {}", shown(&from.value), shown(&to.value)));
            told.extend([names(reached), "\n".to_owned()]);
            for line in added.chain(removed).chain(changed) {
                let key = line.split(' ').nth(3).unwrap();
                let more = elsewhere.get(key).map_or(String::new(), |count| format!(" and {count} more"));
                told.extend([line, more, "\n".to_owned()]);
            }
        }
        for Unanswered { side, problems, reached } in &comparison.unanswered {
            told.extend([format!("{side:?} {}\n  {}\n", names(reached), problems[0])]);
        }
        told
    }

    fn told(base: &[(&str, &str)], head: &[(&str, &str)]) -> String {
        let (base, head) = (snapshot(base), snapshot(head));
        let questions = touched(&base, &head);
        told_of(&group(&questions, &compare(&base, &head, &questions)))
    }

    const BASE: [(&str, &str); 4] =
        [("application.yml", "a: 1"), ("application-eu.yml", "eu: 1"), ("order.yml", "o: 1"), ("user.yml", "u: 1")];

    #[test]
    fn a_shared_change_is_told_once_and_that_of_one_service_apart() {
        let head = [("application.yml", "a: 2"), ("application-eu.yml", "eu: 2"), ("order.yml", "o: 2"), BASE[3]];
        let expected = "\
order(default,eu) user(default,eu)
  ~ a 1 2
order(default,eu)
  ~ o 1 2
order(eu) user(eu)
  ~ eu 1 2
";
        assert_eq!(told(&BASE, &head), expected);
    }

    #[test]
    fn the_same_edit_in_many_files_is_one_change_with_many_places() {
        let head = [BASE[0], BASE[1], ("order.yml", "o: 1\nx: 1"), ("user.yml", "u: 1\n\nx: 1")];
        assert_eq!(told(&BASE, &head), "order(default,eu) user(default,eu)\n  + x 1 and 1 more\n");
    }

    #[test]
    fn those_for_whom_a_value_is_hidden_are_not_reached() {
        let base = [BASE[0], ("order.yml", "a: 9"), BASE[3]];
        let head = [("application.yml", "a: 2"), base[1], BASE[3]];
        assert_eq!(told(&base, &head), "user(default)\n  ~ a 1 2\n");
        assert_eq!(told(&BASE, &[BASE[0], BASE[1], ("order.yml", "o:   1"), BASE[3]]), "");
        assert_eq!(told(&BASE, &BASE), "");
    }

    #[test]
    fn services_and_profiles_come_and_go() {
        let head = [BASE[0], ("application-us.yml", "us: 1"), ("new.yml", "n: 1"), BASE[3]];
        let expected = "\
new(default,us)
  + n 1
new(us) user(us)
  + us 1
order(default,eu)
  - o 1
order(eu) user(eu)
  - eu 1
";
        assert_eq!(told(&BASE, &head), expected);
    }

    #[test]
    fn a_side_that_cannot_be_read_is_told() {
        let broken = [BASE[0], BASE[1], ("order.yml", "o: ["), BASE[3]];
        let (head, base) = (told(&BASE, &broken), told(&broken, &BASE));
        assert!(head.starts_with("Head order(default,eu)\n  order.yml:1:4: "), "{head}");
        assert!(base.starts_with("Base order(default,eu)\n  order.yml:1:4: "), "{base}");
        assert_eq!(told(&broken, &broken), "");
        let other = [("application.yml", "a: 2"), BASE[1], broken[2], BASE[3]];
        assert_eq!(told(&broken, &other), "user(default,eu)\n  ~ a 1 2\n", "what stays broken did not change");
    }

    #[test]
    fn two_profiles_are_compared_for_every_application() {
        let files = [&BASE[..], &[("user-eu.yml", "u: 2"), ("application-us.yml", "us: 1")]].concat();
        let snapshot = snapshot(&files);
        let questions = between(&snapshot, &snapshot, &[Arc::from("us")], &[Arc::from("eu")]);
        let expected = "\
order(us..eu) user(us..eu)
  + eu 1
  - us 1
user(us..eu)
  ~ u 1 2
";
        assert_eq!(told_of(&group(&questions, &compare(&snapshot, &snapshot, &questions))), expected);
    }

    #[test]
    fn of_two_lists_only_what_differs_is_told() {
        let list = |text: &str| Value::List(text.chars().map(|item| Value::from(item.to_string().as_str())).collect());
        let told = |from: &str, to: &str| {
            items(&list(from), &list(to))
                .map(|(gone, new)| format!("-{} +{}", gone.concat(), new.concat()).replace('"', ""))
        };
        assert_eq!(told("abc", "zacc").as_deref(), Some("-b +zc"));
        assert_eq!(told("aab", "ab").as_deref(), Some("-a +"));
        assert_eq!(told("", "a").as_deref(), Some("- +a"));
        assert_eq!((told("ab", "ba"), told("a", "a")), (None, None));
        assert_eq!(items(&list("a"), &Value::Null), None);
    }
}
