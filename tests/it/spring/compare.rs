//! When an answer is the one that was recorded: the rules of `tests/conformance/README.md`.

use indexmap::IndexMap;
use serde_json::Value as Json;
use serde_json::value::RawValue;

use crate::harness::exchange::Exchange;

/// Texts that differ from run to run, with what stands for them in the recording.
pub(super) type Masks = Vec<(String, String)>;

/// JSON with its numbers as they are written and the order of its keys.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Tree {
    Map(Vec<(String, Self)>),
    List(Vec<Self>),
    Text(String),
    /// A number, `true`, `false` or `null`.
    Word(String),
}

/// What is compared of an answer.
#[derive(Debug, PartialEq, Eq)]
struct View {
    status: u64,
    headers: Vec<(&'static str, Option<String>)>,
    body: Option<Tree>,
}

/// What is wrong with an answer, if anything is.
pub(super) fn difference(step: &Json, recorded: &Json, answer: &Exchange, masks: &Masks) -> Option<String> {
    let status = u64::from(answer.status());
    let request = recorded["request"].as_str().unwrap_or_default();
    let body = masks.iter().fold(answer.text(), |text, (found, stand_in)| text.replace(found, stand_in));
    if step["differs"].is_string() {
        let accepted = step["status"].as_array().is_none_or(|list| list.iter().any(|one| one.as_u64() == Some(status)));
        let contained = step["contains"].as_str().is_none_or(|text| body.contains(text));
        let wanted = || format!("{} holding {}", step["status"], step["contains"]);
        return (!accepted || !contained).then(|| format!("  {request}\n    want {}\n    got  {answer}", wanted()));
    }
    let only_status = step["compare"] == "status";
    let header = |name: &str| recorded["headers"][name].as_str().map(str::to_owned);
    let text = recorded["body"]
        .as_str()
        .map(str::to_owned)
        .unwrap_or_else(|| recorded["body_base64"].as_str().map(|text| format!("base64 {text}")).unwrap_or_default());
    let want = view(recorded["status"].as_u64().unwrap_or(0), header, &text, only_status);
    let given = match std::str::from_utf8(&answer.body) {
        Ok(_) => body,
        Err(_) => format!("base64 {}", super::case::to_base64(&answer.body)),
    };
    let got = view(status, |name| answer.header(name).map(str::to_owned), &given, only_status);
    (want != got).then(|| format!("  {request} {}\n    want {want:?}\n    got  {got:?}", step["headers"]))
}

fn view(status: u64, header: impl Fn(&str) -> Option<String>, body: &str, only_status: bool) -> View {
    let kind = header("content-type").filter(|_| !body.is_empty() || status < 400);
    let headers = |names: &[&'static str]| names.iter().map(|name| (*name, header(name))).collect::<Vec<_>>();
    if only_status {
        return View { status, headers: headers(&["content-type"]), body: None };
    }
    let tree = kind.filter(|kind| kind.contains("json")).and_then(|_| tree(body));
    match (tree, status >= 400) {
        (Some(Tree::Map(members)), true) => {
            let told = ["status", "error", "path", "description"];
            let members = members.into_iter().filter(|(name, _)| told.contains(&name.as_str())).collect();
            View { status, headers: headers(&["content-type", "allow"]), body: Some(Tree::Map(members)) }
        }
        (_, true) => View { status, headers: headers(&["allow"]), body: None },
        (tree, false) => {
            let body = tree.map_or_else(|| Tree::Text(body.to_owned()), environment);
            View { status, headers: headers(&["content-type", "allow", "content-disposition"]), body: Some(body) }
        }
    }
}

fn tree(text: &str) -> Option<Tree> {
    let text = text.trim();
    match text.bytes().next()? {
        b'{' => {
            let members: IndexMap<String, Box<RawValue>> = serde_json::from_str(text).ok()?;
            members
                .into_iter()
                .map(|(name, value)| Some((name, tree(value.get())?)))
                .collect::<Option<_>>()
                .map(Tree::Map)
        }
        b'[' => {
            let items: Vec<Box<RawValue>> = serde_json::from_str(text).ok()?;
            items.iter().map(|item| tree(item.get())).collect::<Option<_>>().map(Tree::List)
        }
        b'"' => serde_json::from_str(text).ok().map(Tree::Text),
        _ => Some(Tree::Word(text.to_owned())),
    }
}

/// The members of an environment have no order, and no more have the keys that Java keeps in a hash table.
fn environment(tree: Tree) -> Tree {
    let Tree::Map(mut members) = tree else { return tree };
    if !members.iter().any(|(name, _)| name == "propertySources") {
        return Tree::Map(members);
    }
    members.sort();
    for (_, sources) in members.iter_mut().filter(|(name, _)| name == "propertySources") {
        let Tree::List(sources) = sources else { continue };
        sources.iter_mut().for_each(source);
    }
    Tree::Map(members)
}

fn source(source: &mut Tree) {
    let Tree::Map(members) = source else { return };
    let mut is_hashed = false;
    for (member, value) in members {
        match value {
            Tree::Text(name) if member == "name" => {
                *name = plain_name(name);
                is_hashed = name == "overrides" || name.ends_with(".xml");
            }
            Tree::Map(keys) if member == "source" && is_hashed => keys.sort(),
            _ => {}
        }
    }
}

/// `<uri>/Config resource 'file [<clone>/a/b.yml' via location 'a/' (document #0)` is `<uri>/a/b.yml (document #0)`.
fn plain_name(name: &str) -> String {
    let plain = || {
        let (before, rest) = name.split_once("Config resource 'file [")?;
        let (file, rest) = rest.split_once("' via location '")?;
        let file = file.strip_suffix(']').unwrap_or(file);
        let (location, document) = rest.split_once('\'')?;
        if location.starts_with("file:") {
            return Some(format!("file:{file}{document}"));
        }
        Some(format!("{before}{location}{}{document}", file.rsplit('/').next()?))
    };
    plain().unwrap_or_else(|| name.to_owned())
}

#[test]
fn names_of_documents_are_compared_without_the_folder_of_a_clone() {
    let recorded = "u/Config resource 'file [/tmp/x/a/b.yml' via location 'a/' (document #1)";
    assert_eq!(plain_name(recorded), "u/a/b.yml (document #1)");
    let recorded = "Config resource 'file [/d/b.yml]' via location 'file:/d/' (document #0)";
    assert_eq!(plain_name(recorded), "file:/d/b.yml (document #0)");
    assert_eq!(plain_name("u/a.yml"), "u/a.yml");
}

#[test]
fn numbers_count_as_they_are_written_and_keys_in_their_order() {
    assert_ne!(tree("{\"a\":1.0E8}"), tree("{\"a\":100000000.0}"));
    assert_ne!(tree("{\"a\":1,\"b\":2}"), tree("{\"b\":2,\"a\":1}"));
    assert_eq!(tree("{\"a\": [1, \"\\u00e9\"]}"), tree("{\"a\":[1,\"é\"]}"));
}
