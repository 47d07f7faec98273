//! What a refresh changed, for the people and programs that asked for it: labels, files, applications.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::answer::{self, Spelling};
use crate::config::address::Address;
use crate::config::problem::Problem;
use crate::config::tree::{CommitId, Tree};
use crate::snapshot::{OTHERS, Snapshot};
use crate::source::FetchError;

use super::table::{Loaded, Table};

/// What a refresh did.
#[derive(Debug, Clone)]
pub struct Outcome {
    /// The labels, as they are served now.
    pub labels: Vec<LabelChange>,
    /// Why the fetch failed or a label could not follow it, if so.
    pub error: Option<FetchError>,
    /// The default label is served as the source has it now.
    pub is_fresh: bool,
}

/// One label before and after a refresh.
#[derive(Debug, Clone)]
pub struct LabelChange {
    /// The name of the source.
    pub source: Arc<str>,
    /// The label.
    pub label: Arc<str>,
    /// The commit before; `None`: the label was not loaded.
    pub from: Option<CommitId>,
    /// The commit now; `None`: the label is gone.
    pub to: Option<CommitId>,
    /// The files that differ between the two, sorted.
    pub files: Vec<Arc<str>>,
    /// The applications whose answer differs, with the profiles for which it does, sorted.
    pub applications: Vec<(Arc<str>, Vec<Arc<str>>)>,
    /// How many addresses that the repository names are answered by an older commit now.
    pub pinned: usize,
    /// What is wrong with the files now.
    pub problems: Vec<Problem>,
    /// Why the label cannot follow the source, if it cannot.
    pub error: Option<Arc<str>>,
}

/// What changed between two tables of a source, a line for each label that is or was loaded, sorted by label.
#[must_use]
pub fn changes(source: &Arc<str>, before: &Table, after: &Table) -> Vec<LabelChange> {
    let labels: BTreeSet<&Arc<str>> =
        before.loaded.keys().chain(after.loaded.keys()).chain(after.stuck.keys()).collect();
    let evicted = |label: &Arc<str>| {
        !after.loaded.contains_key(label) && after.labels.tips.contains_key(label) && !after.stuck.contains_key(label)
    };
    let change = |label: &Arc<str>| LabelChange {
        error: after.stuck.get(label).cloned(),
        ..change(source, label, before.loaded.get(label), after.loaded.get(label))
    };
    labels.into_iter().filter(|label| !evicted(label)).map(change).collect()
}

fn change(source: &Arc<str>, label: &Arc<str>, before: Option<&Loaded>, after: Option<&Loaded>) -> LabelChange {
    let (from, to) = (before.map(|loaded| &*loaded.snapshot), after.map(|loaded| &*loaded.snapshot));
    let moved = from.map(|snapshot| snapshot.commit) != to.map(|snapshot| snapshot.commit);
    LabelChange {
        source: Arc::clone(source),
        label: Arc::clone(label),
        from: from.map(|snapshot| snapshot.commit),
        to: to.map(|snapshot| snapshot.commit),
        files: if moved { files(from, to) } else { Vec::new() },
        applications: if moved { applications(before, after) } else { Vec::new() },
        pinned: after.map_or(0, |loaded| loaded.pins.known().count()),
        problems: to.map(|snapshot| snapshot.problems.clone()).unwrap_or_default(),
        error: None,
    }
}

/// The paths at which two snapshots have different bytes.
fn files(from: Option<&Snapshot>, to: Option<&Snapshot>) -> Vec<Arc<str>> {
    let empty = Tree::default();
    let from = &from.map_or(&empty, |snapshot| &snapshot.tree).files;
    let to = &to.map_or(&empty, |snapshot| &snapshot.tree).files;
    let changed = from.iter().filter(|(path, file)| to.get(*path) != Some(file));
    let added = to.iter().filter(|(path, _)| !from.contains_key(*path));
    let mut paths: Vec<_> = changed.chain(added).map(|(path, _)| Arc::clone(path)).collect();
    paths.sort();
    paths
}

/// The known addresses whose answers differ, by application. Any other application is named if no known one is reached.
fn applications(from: Option<&Loaded>, to: Option<&Loaded>) -> Vec<(Arc<str>, Vec<Arc<str>>)> {
    let known = |loaded: Option<&Loaded>| -> Vec<(Arc<str>, Arc<str>)> {
        let of = |loaded: &Loaded| -> Vec<Address> {
            loaded.snapshot.known_addresses().chain(loaded.snapshot.other_addresses()).collect()
        };
        let addresses = loaded.into_iter().flat_map(of);
        addresses.map(|address| (address.application, Arc::clone(&address.profiles[0]))).collect()
    };
    let addresses: BTreeSet<_> = known(from).into_iter().chain(known(to)).collect();
    let mut applications: Vec<(Arc<str>, Vec<Arc<str>>)> = Vec::new();
    for (application, profile) in addresses {
        let address =
            Address { application: Arc::clone(&application), profiles: vec![Arc::clone(&profile)], label: None };
        if !differs(from, to, &address) {
            continue;
        }
        match applications.last_mut().filter(|(last, _)| *last == application) {
            Some((_, profiles)) => profiles.push(profile),
            None => applications.push((application, vec![profile])),
        }
    }
    if applications.len() > 1 {
        applications.retain(|(application, _)| **application != *OTHERS);
    }
    applications
}

/// True if an address is answered differently; one that is pinned is answered by its older commit.
fn differs(from: Option<&Loaded>, to: Option<&Loaded>, address: &Address) -> bool {
    let (Some(from), Some(to)) = (from, to) else { return true };
    let (from, to) = (from.for_address(address), to.for_address(address));
    match (answer::whole(&from, address), answer::whole(&to, address)) {
        (Ok(from), Ok(to)) if from.fingerprint == to.fingerprint => false,
        (Ok(from), Ok(to)) => {
            let spelled = |selection| answer::spell(selection, &Spelling::default()).map(|spelled| spelled.etag);
            spelled(&from) != spelled(&to)
        }
        (from, to) => from.err() != to.err(),
    }
}

#[cfg(test)]
mod tests {
    use super::super::fake::Fake;
    use super::*;

    /// What a commit of `files` on top of `base` changes on `main`: files, then applications with profiles.
    fn changed(base: &[(&str, &str)], files: &[(&str, &str)]) -> String {
        let fake = Fake::new();
        fake.commit("main", base);
        let live = fake.live(None, 64);
        live.advance().unwrap();
        fake.commit("main", files);
        let moved = live.advance().unwrap();
        let changes = changes(&live.settings.name, &moved.before, &moved.after);
        assert_eq!(changes.len(), 1);
        shown(&changes[0])
    }

    fn shown(change: &LabelChange) -> String {
        let id = |id: Option<CommitId>| id.map_or("-".to_owned(), |id| id.0[0].to_string());
        let applications = change.applications.iter().map(|(name, profiles)| format!("{name}({})", profiles.join(",")));
        let applications: Vec<_> = applications.collect();
        let (from, to) = (id(change.from), id(change.to));
        format!("{} {from}->{to} [{}] {}", change.label, change.files.join(" "), applications.join(" "))
    }

    const BASE: [(&str, &str); 5] = [
        ("application.yml", "shared: 1"),
        ("application-staging.yml", "staging: 1"),
        ("order.yml", "order: 1"),
        ("user/application.yml", "user: 1"),
        ("user/application-production.yml", "production: 1"),
    ];

    #[test]
    fn those_are_named_whose_answer_differs() {
        assert_eq!(changed(&BASE, &[("order.yml", "order: 2")]), "main 1->2 [order.yml] order(default,staging)");
        assert_eq!(
            changed(&BASE, &[("application.yml", "shared: 2")]),
            "main 1->2 [application.yml] order(default,staging) user(default,production,staging)"
        );
        assert_eq!(
            changed(&BASE, &[("user/application-production.yml", "production: 2")]),
            "main 1->2 [user/application-production.yml] user(production)"
        );
        assert_eq!(
            changed(&BASE, &[("application-staging.yml", "")]),
            "main 1->2 [application-staging.yml] order(staging) user(staging)"
        );
        assert_eq!(
            changed(&BASE, &[("new.yml", "new: 1"), ("order.yml", "")]),
            "main 1->2 [new.yml order.yml] new(default,staging) order(default,staging)"
        );
    }

    #[test]
    fn files_without_effect_touch_nobody() {
        assert_eq!(changed(&BASE, &[("order.yml", "# one\norder: 1")]), "main 1->2 [order.yml] ");
        assert_eq!(changed(&BASE, &[("README.md", "words")]), "main 1->2 [README.md] ");
        assert_eq!(changed(&BASE, &[]), "main 1->2 [] ");
        // What a layer above hides is no change for whom it is hidden.
        let hiding = [("user.yml", "shared: 9")];
        let base = [&BASE[..], &hiding].concat();
        assert_eq!(
            changed(&base, &[("application.yml", "shared: 2")]),
            "main 1->2 [application.yml] order(default,staging)"
        );
    }

    #[test]
    fn a_file_that_breaks_or_is_mended_touches_its_own() {
        assert_eq!(changed(&BASE, &[("order.yml", "a: [")]), "main 1->2 [order.yml] ", "it is answered as before");
        let broken = [("application.yml", "a: 1"), ("order.yml", "a: [")];
        assert_eq!(changed(&broken, &[("order.yml", "a: []")]), "main 1->2 [order.yml] order(default)");
        assert_eq!(
            changed(&broken, &[("application.yml", "a: 2")]),
            "main 1->2 [application.yml] any other application(default)"
        );
    }

    #[test]
    fn labels_come_and_go_and_those_that_nobody_asked_for_are_not_listed() {
        let fake = Fake::new();
        let live = fake.live(None, 3);
        let refresh = || {
            let moved = live.advance().unwrap();
            changes(&live.settings.name, &moved.before, &moved.after).iter().map(shown).collect::<Vec<_>>().join("\n")
        };
        assert_eq!(refresh(), "");
        fake.commit("main", &[("a.yml", "a: 1")]);
        fake.commit("side", &[("b.yml", "b: 1")]);
        fake.commit("unasked", &[("c.yml", "c: 1")]);
        assert_eq!(refresh(), "main -->1 [a.yml] a(default)");
        live.load(&Arc::from("side")).unwrap();
        assert_eq!(refresh(), "main 1->1 [] \nside 2->2 [] ");
        fake.delete("side");
        assert_eq!(refresh(), "main 1->1 [] \nside 2->- [b.yml] b(default)");
        assert_eq!(refresh(), "main 1->1 [] ");
    }
}
