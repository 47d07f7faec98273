//! A difference for programs, as `layerd diff --format json` and `GET /api/v1/diff` spell it.

use serde::Serialize;

use crate::answer::compare::{Group, Reached, Side, Unanswered};
use crate::config::foreign;
use crate::http::native::diff::Keys;

use super::Difference;

/// The whole output. Commits are full ids; files on disk have a digest of the same form.
#[derive(Serialize)]
struct Report<'a> {
    base: String,
    head: String,
    changes: Vec<Changed<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    unanswered: Vec<Broken<'a>>,
}

#[derive(Serialize)]
struct Changed<'a> {
    applications: Vec<Application<'a>>,
    #[serde(flatten)]
    keys: Keys<'a>,
}

#[derive(Serialize)]
struct Application<'a> {
    application: &'a str,
    profiles: Vec<&'a str>,
}

/// Applications without an answer on one side, because files that they need cannot be read.
#[derive(Serialize)]
struct Broken<'a> {
    side: &'static str,
    applications: Vec<Application<'a>>,
    problems: &'a [crate::config::problem::Problem],
}

/// One line of JSON.
pub(super) fn spell(difference: &Difference) -> String {
    let report = Report {
        base: difference.base.snapshot.commit.to_string(),
        head: difference.head.snapshot.commit.to_string(),
        changes: difference.comparison.groups.iter().map(changed).collect(),
        unanswered: difference.comparison.unanswered.iter().map(broken).collect(),
    };
    let json = serde_json::to_string(&report).expect("texts, numbers and JSON are always JSON");
    foreign::json(&format!("{json}\n")).into_owned()
}

fn changed(group: &Group) -> Changed<'_> {
    Changed { applications: applications(&group.reached), keys: Keys::new(&group.change) }
}

fn broken(unanswered: &Unanswered) -> Broken<'_> {
    Broken {
        side: match unanswered.side {
            Side::Base => "base",
            Side::Head => "head",
        },
        applications: applications(&unanswered.reached),
        problems: &unanswered.problems,
    }
}

fn applications(reached: &Reached) -> Vec<Application<'_>> {
    reached
        .iter()
        .map(|(application, profiles)| Application {
            application,
            profiles: profiles.iter().map(|profile| &**profile).collect(),
        })
        .collect()
}
