//! A model test: random repositories, profiles and edits, answered by the crate and by a short reference function that
//! shares nothing with it. The number of cases is `PROPTEST_CASES` (`scripts/model-long` runs many).

use std::collections::BTreeMap;
use std::sync::Arc;

use layerd::answer::{Spelling, select, spell};
use layerd::config::address::Address;
use layerd::config::select::SearchPaths;
use layerd::config::tree::{BlobId, CommitId, File, Tree};
use layerd::snapshot::{Bodies, Rules, Secrets, Snapshot};
use proptest::prelude::*;

const FOLDERS: [&str; 4] = ["", "shared/", "svc/", "other/"];
const NAMES: [&str; 9] = [
    "application",
    "svc",
    "other",
    "application-p",
    "application-q",
    "svc-p",
    "svc-q",
    "svc-default",
    "application-default",
];
const EXTENSIONS: [&str; 3] = ["yml", "yaml", "json"];

/// A value of the model, with the tags that only files have.
#[derive(Debug, Clone, PartialEq)]
enum Value {
    Null,
    Number(u8),
    List(Vec<u8>),
    Map(Vec<(String, Self)>),
    Append(Vec<u8>),
    Prepend(Vec<u8>),
    Replace(Vec<(String, Self)>),
    Unset,
}

/// A document and the profile expression that it is for.
type Document = (Option<&'static str>, Vec<(String, Value)>);

/// The files of a repository, by path.
type Files = BTreeMap<String, Vec<Document>>;

// ── the reference: what the documentation says, as short as it can be said ──

fn answer(files: &Files, service: &str, profiles: &[&str]) -> Value {
    let mut selected: Vec<_> = files
        .iter()
        .filter_map(|(path, documents)| precedence(path, service, profiles).map(|order| (order, documents)))
        .collect();
    selected.sort_by_key(|(order, _)| *order);
    let mut merged = Vec::new();
    for (condition, entries) in selected.into_iter().flat_map(|(_, documents)| documents) {
        let holds = condition.is_none_or(|condition| match condition.strip_prefix('!') {
            Some(profile) => !profiles.contains(&profile),
            None => profiles.contains(&condition),
        });
        if holds {
            merge(&mut merged, entries);
        }
    }
    Value::Map(merged)
}

/// Rank, profile, place, kind and extension; `None` if the file is not selected.
fn precedence(path: &str, service: &str, profiles: &[&str]) -> Option<[usize; 5]> {
    let (stem, extension) = path.rsplit_once('.').unwrap();
    let (folder, name) = stem.rsplit_once('/').unwrap_or(("", stem));
    let place = ["", "shared", service].iter().position(|place| *place == folder)?;
    let (kind, rest) = [("application", 0), (service, 1)]
        .iter()
        .find_map(|(base, kind)| name.strip_prefix(base).map(|rest| (*kind, rest)))?;
    let profile = match rest.strip_prefix('-') {
        Some(profile) => 1 + profiles.iter().position(|asked| *asked == profile)?,
        None if rest.is_empty() => 0,
        None => return None,
    };
    let of_service = kind == 1 || place == 2;
    let rank = usize::from(of_service) * 2 + usize::from(profile > 0);
    Some([rank, profile, place, kind, EXTENSIONS.iter().position(|known| *known == extension)?])
}

fn merge(merged: &mut Vec<(String, Value)>, entries: &[(String, Value)]) {
    for (key, value) in entries {
        let at = merged.iter().position(|(known, _)| known == key);
        let below = at.map(|at| merged[at].1.clone());
        let new = match (value, below) {
            (Value::Unset, _) => {
                merged.retain(|(known, _)| known != key);
                continue;
            }
            (Value::Null, Some(map @ Value::Map(_))) => map,
            (Value::Append(items), Some(Value::List(below))) => Value::List([below, items.clone()].concat()),
            (Value::Prepend(items), Some(Value::List(below))) => Value::List([items.clone(), below].concat()),
            (Value::Append(items) | Value::Prepend(items), _) => Value::List(items.clone()),
            (Value::Map(entries), Some(Value::Map(mut below))) => {
                merge(&mut below, entries);
                Value::Map(below)
            }
            (Value::Map(entries) | Value::Replace(entries), below) => {
                let mut fresh = Vec::new();
                merge(&mut fresh, entries);
                let over_map = matches!(below, Some(Value::Map(_)));
                if fresh.is_empty() && !entries.is_empty() && !leaves_something(entries) && !over_map {
                    continue;
                }
                Value::Map(fresh)
            }
            (plain, _) => plain.clone(),
        };
        match at {
            Some(at) => merged[at].1 = new,
            None => merged.push((key.clone(), new)),
        }
    }
}

fn leaves_something(entries: &[(String, Value)]) -> bool {
    entries.iter().any(|(_, value)| match value {
        Value::Unset => false,
        Value::Map(inner) | Value::Replace(inner) => inner.is_empty() || leaves_something(inner),
        _ => true,
    })
}

// ── the crate ──

fn snapshot(files: &Files, bodies: &mut Bodies) -> Snapshot {
    let texts: BTreeMap<_, _> = files.iter().map(|(path, documents)| (path, text(path, documents))).collect();
    let blobs: BTreeMap<BlobId, &String> = texts.values().map(|text| (blob(text), text)).collect();
    let file = |text: &String| File { blob: blob(text), size: text.len() as u64 };
    let tree = Tree {
        files: texts.iter().map(|(path, text)| (Arc::from(path.as_str()), file(text))).collect(),
        ..Tree::default()
    };
    let rules = Rules { search_paths: SearchPaths::parse(&["shared"]).unwrap(), ..Rules::default() };
    let read = |id: BlobId| Ok::<_, ()>(blobs[&id].clone().into_bytes());
    Snapshot::build((CommitId([0; 20]), 0), tree, (&rules, &Secrets::default()), bodies, read).unwrap()
}

fn blob(text: &str) -> BlobId {
    let id = git2::Oid::hash_object(git2::ObjectType::Blob, text.as_bytes()).unwrap();
    BlobId(id.as_bytes().try_into().unwrap())
}

fn served(snapshot: &Snapshot, service: &str, profiles: &[&str]) -> String {
    let address = Address::parse(service, Some(&profiles.join(",")), None).unwrap();
    let selection = select(snapshot, &address).unwrap();
    let spelled = spell(&selection, &Spelling::default()).unwrap();
    String::from_utf8(spelled.body.to_vec()).unwrap()
}

fn text(path: &str, documents: &[Document]) -> String {
    let spelled = |(condition, entries): &Document| {
        let condition = condition.map(|condition| format!("\"spring.config.activate.on-profile\": \"{condition}\""));
        let entries = entries.iter().map(|(key, value)| format!("\"{key}\": {}", spell_value(value)));
        format!("{{{}}}\n", condition.into_iter().chain(entries).collect::<Vec<_>>().join(", "))
    };
    let documents: Vec<String> = documents.iter().map(spelled).collect();
    if path.ends_with(".json") { documents[0].clone() } else { documents.join("---\n") }
}

fn spell_value(value: &Value) -> String {
    let list = |items: &[u8]| format!("{items:?}");
    let map = |entries: &[(String, Value)]| {
        let entries = entries.iter().map(|(key, value)| format!("\"{key}\": {}", spell_value(value)));
        format!("{{{}}}", entries.collect::<Vec<_>>().join(", "))
    };
    match value {
        Value::Null => "null".to_owned(),
        Value::Number(number) => number.to_string(),
        Value::List(items) => list(items),
        Value::Map(entries) => map(entries),
        Value::Append(items) => format!("!append {}", list(items)),
        Value::Prepend(items) => format!("!prepend {}", list(items)),
        Value::Replace(entries) => format!("!replace {}", map(entries)),
        Value::Unset => "!unset".to_owned(),
    }
}

// ── random repositories and edits ──

fn json_of(value: &Value) -> String {
    spell_value(value).replace(", ", ",").replace(": ", ":")
}

fn value(tags: bool) -> impl Strategy<Value = Value> {
    let list = || prop::collection::vec(0_u8..4, 0..3);
    let plain = prop_oneof![
        Just(Value::Null),
        (0_u8..9).prop_map(Value::Number),
        list().prop_map(Value::List),
        Just(Value::Map(Vec::new()))
    ];
    let tagged = prop_oneof![list().prop_map(Value::Append), list().prop_map(Value::Prepend), Just(Value::Unset)];
    let leaf = if tags { prop_oneof![3 => plain, 1 => tagged].boxed() } else { plain.boxed() };
    leaf.prop_recursive(3, 12, 3, move |inner| {
        let map = prop::collection::btree_map("[a-d]", inner, 0..4);
        (map, prop::bool::weighted(if tags { 0.15 } else { 0.0 })).prop_map(|(map, replace)| {
            let entries = map.into_iter().collect();
            if replace { Value::Replace(entries) } else { Value::Map(entries) }
        })
    })
}

fn document(tags: bool) -> impl Strategy<Value = Document> {
    let condition = prop_oneof![5 => Just(None), 1 => Just(Some("p")), 1 => Just(Some("!q"))];
    (condition, prop::collection::btree_map("[a-d]", value(tags), 0..4).prop_map(|map| map.into_iter().collect()))
}

fn edit() -> impl Strategy<Value = (String, Option<Vec<Document>>)> {
    let path = (0..FOLDERS.len(), 0..NAMES.len(), 0..EXTENSIONS.len());
    path.prop_flat_map(|(folder, name, extension)| {
        let path = format!("{}{}.{}", FOLDERS[folder], NAMES[name], EXTENSIONS[extension]);
        let json = path.ends_with(".json");
        let documents = prop::collection::vec(document(!json), 1..if json { 2 } else { 3 });
        (Just(path), prop::option::weighted(0.85, documents))
    })
}

proptest! {
    #[test]
    fn answers_are_those_of_the_reference(edits in prop::collection::vec(edit(), 1..25)) {
        let mut files = Files::new();
        let mut bodies = Bodies::default();
        for (index, (path, documents)) in edits.into_iter().enumerate() {
            match documents {
                Some(documents) => drop(files.insert(path, documents)),
                None => drop(files.remove(&path)),
            }
            if index % 4 != 3 {
                continue;
            }
            let built = snapshot(&files, &mut bodies);
            let afresh = snapshot(&files, &mut Bodies::default());
            for (service, profiles) in [("svc", &["default"][..]), ("svc", &["p", "q"]), ("svc", &["q", "p"]), ("other", &["p"])] {
                let served = served(&built, service, profiles);
                prop_assert_eq!(&served, &json_of(&answer(&files, service, profiles)), "{} {:?} {:?}", service, profiles, files);
                prop_assert_eq!(served, self::served(&afresh, service, profiles));
            }
        }
    }
}
