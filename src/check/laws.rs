//! What holds whatever the files say: nothing panics, parts give what the whole gives, and each finding stands in the
//! table of rules.

use proptest::prelude::*;

use crate::format::Limits;

use super::policy::{self, Policy};
use super::report::{github, human, json, junit, sarif};
use super::samples::{report, snapshot};
use super::{Input, Plan, rules};

/// Lines that have something to do with one another.
fn text() -> impl Strategy<Value = String> {
    let line = prop::sample::select(vec![
        "a: 1\n",
        "a: {b: 1}\n",
        "a:\n",
        "a.b: ${c}\n",
        "a: !unset\n",
        "a: !replace {B: 2}\n",
        "c: ${a}\n",
        "C-: yes\n",
        "c_: [${a}, 012]\n",
        "d: |\n  \tx\r\n",
        "---\n",
        "\u{feff}",
        "\t",
        "spring.config.activate.on-profile: p\n",
        "silence: [{code: tab, files: '**', key: a}]\n",
        "severities: {yaml-1-1: off}\n",
        "\u{1b}[2J",
        "é: 12:30\n",
    ]);
    prop_oneof![prop::collection::vec(line, 0..6).prop_map(|lines| lines.concat()), ".{0,40}"]
}

fn path() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec![
        "application.yml",
        "application-p.yml",
        "user.yml",
        "user/application.yml",
        "user/p.yml",
        "user-p.properties",
        "user.json",
        policy::FILE,
        "x%,\u{7f}.yml",
        "user-pp.YML",
    ])
}

proptest! {
    #[test]
    fn parts_give_what_the_whole_gives(files in prop::collection::btree_map(path(), text(), 0..6), parts in 1_usize..5) {
        let files: Vec<(&str, &str)> = files.iter().map(|(path, text)| (*path, text.as_str())).collect();
        let whole = report(&files);
        let (snapshot, texts) = snapshot(&files);
        let policy = files.iter().find(|(path, _)| *path == policy::FILE);
        let policy = policy.map(|(_, text)| Policy::read(text.as_bytes())).unwrap_or_default();
        let limits = Limits::default();
        let plan = Plan::new(Input { snapshot: &snapshot, texts: &texts, others: &[],
 filtered: &[], limits: &limits, policy: &policy, before: None });
        prop_assert_eq!(&plan.finish((0..parts).rev().map(|number| plan.part(number, parts)).collect()), &whole);
        prop_assert!(whole.findings.iter().all(|finding| rules::find(finding.code).is_some()));
        let source = |path: &str| files.iter().find(|(known, _)| *known == path).map(|(_, text)| text.as_bytes());
        let shown = human::write(&whole, "", false, source);
        prop_assert!(!shown.contains(char::from(27)));
        prop_assert_eq!(github::write(&whole, "").lines().count(), whole.findings.len());
        prop_assert!(serde_json::from_str::<serde_json::Value>(&json::write(&whole)).is_ok());
        prop_assert!(serde_json::from_str::<serde_json::Value>(&sarif::write(&whole, "", None, source)).is_ok());
        prop_assert!(roxmltree::Document::parse(&junit::write(&whole, "", true, 0.5)).is_ok());
    }
}

#[test]
fn documents_for_a_profile_that_no_file_names_are_checked_too() {
    let files = [
        ("application.yml", "a: {b: 1}\n"),
        ("user.yml", "x: 1\n---\nspring.config.activate.on-profile: night | !day\na: 2\n"),
    ];
    let reached = &report(&files).findings[0].applications[0];
    assert_eq!(reached.profiles.iter().map(|profile| &**profile).collect::<Vec<_>>(), ["default", "night"]);
}
