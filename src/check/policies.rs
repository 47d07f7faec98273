//! The policies of a repository: what its own `.layerd.yaml` demands of keys and values, by profile.
//!
//! ```yaml
//! policies:
//!   - name: no-localhost
//!     keys: "**.url"              # a glob of flat keys: `*` stays within a step, `**` crosses steps
//!     profiles: [production]      # optional: globs; all profiles
//!     forbid: "*localhost*"       # one of: forbid, must-match (globs of values), unique
//!     message: production must not call localhost
//!     severity: error             # optional: error, warning or info
//! ```

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use globset::{GlobBuilder, GlobMatcher};

use crate::answer;
use crate::config::address::Address;
use crate::config::layer::{Data, Entry, Node};
use crate::config::problem::{Fault, Position, Problem, Severity};

use super::Input;
use super::walk::shown;

/// The most policies of a repository: each is compared with each value.
const MOST: usize = 200;

/// The members of a policy.
const MEMBERS: [&str; 8] = ["name", "keys", "profiles", "forbid", "must-match", "unique", "message", "severity"];

/// What a repository demands.
#[derive(Debug)]
pub(super) struct Demand {
    name: Arc<str>,
    keys: GlobMatcher,
    /// Empty: every profile.
    profiles: Vec<GlobMatcher>,
    kind: Kind,
    message: Option<Arc<str>>,
    severity: Severity,
}

#[derive(Debug)]
enum Kind {
    Forbid(GlobMatcher),
    Match(GlobMatcher),
    Unique,
}

/// Reads the list of policies; what is wrong in one is added to the faults, and it does not count.
pub(super) fn read(items: &[Node], faults: &mut Vec<Fault>) -> Vec<Demand> {
    let mut demands = Vec::new();
    for item in items {
        match (demand(item), demands.len() < MOST) {
            (Ok(demand), true) => demands.push(demand),
            (Ok(_), false) => {
                faults.push(Fault::error("check-invalid", item.at, "there are too many policies"));
                break;
            }
            (Err(fault), _) => faults.push(fault),
        }
    }
    demands
}

fn demand(item: &Node) -> Result<Demand, Fault> {
    let invalid = |at: Position, message: &str| Fault::error("check-invalid", at, message);
    let Data::Map(entries) = &item.data else { return Err(invalid(item.at, "a policy is a map")) };
    if let Some(entry) = entries.iter().find(|entry| !MEMBERS.contains(&&**entry.key.written())) {
        let message = format!("there is no member `{}` here", shown(entry.key.written()));
        let hint = format!("the members are `{}`", MEMBERS.join("`, `"));
        return Err(Fault::error("check-unknown-member", entry.at, message).with_hint(hint));
    }
    let member = |name: &str| entries.iter().find(|entry| **entry.key.written() == *name).map(|entry| &entry.node);
    let name = member("name").and_then(text).ok_or_else(|| invalid(item.at, "this policy has no `name`"))?;
    let keys = member("keys").ok_or_else(|| invalid(item.at, "this policy names no `keys`; `**` stands for all"))?;
    let keys = glob(keys, |text| text.replace(['.', '['], "/").replace(']', ""))?;
    let profiles = match member("profiles") {
        None => Vec::new(),
        Some(Node { data: Data::List(items), .. }) => {
            items.iter().map(|item| glob(item, str::to_owned)).collect::<Result<_, _>>()?
        }
        Some(node) => vec![glob(node, str::to_owned)?],
    };
    let severity = match member("severity").map(|node| (text(node), node.at)) {
        None => Severity::Error,
        Some((Some(text), at)) => match &*text {
            "error" => Severity::Error,
            "warning" => Severity::Warning,
            "info" => Severity::Info,
            _ => return Err(invalid(at, "a policy is `error`, `warning` or `info`")),
        },
        Some((None, at)) => return Err(invalid(at, "a policy is `error`, `warning` or `info`")),
    };
    let message = member("message").and_then(text);
    Ok(Demand { name, keys, profiles, kind: kind(entries, item.at)?, message, severity })
}

fn kind(entries: &[Entry], at: Position) -> Result<Kind, Fault> {
    let mut kinds = entries.iter().filter_map(|entry| match &**entry.key.written() {
        "forbid" => Some(glob(&entry.node, str::to_owned).map(Kind::Forbid)),
        "must-match" => Some(glob(&entry.node, str::to_owned).map(Kind::Match)),
        "unique" => Some(match entry.node.data {
            Data::Bool(true) => Ok(Kind::Unique),
            _ => Err(Fault::error("check-invalid", entry.node.at, "`unique` takes `true`")),
        }),
        _ => None,
    });
    match (kinds.next(), kinds.next()) {
        (Some(kind), None) => kind,
        _ => Err(Fault::error("check-invalid", at, "a policy has one of `forbid`, `must-match` and `unique`")),
    }
}

fn text(node: &Node) -> Option<Arc<str>> {
    match &node.data {
        Data::Text(text) if !text.trim().is_empty() => Some(Arc::clone(text)),
        _ => None,
    }
}

fn glob(node: &Node, spelled: impl Fn(&str) -> String) -> Result<GlobMatcher, Fault> {
    let written = match &node.data {
        Data::Text(text) => text.to_string(),
        Data::Number(number) => number.to_string(),
        Data::Bool(value) => value.to_string(),
        _ => return Err(Fault::error("check-invalid", node.at, "this takes a glob such as `*localhost*`")),
    };
    let spelled = spelled(&written);
    let is_path = spelled.contains('/') && !written.contains('/');
    let built = GlobBuilder::new(&spelled).literal_separator(is_path || written.contains("**")).build();
    built.map(|glob| glob.compile_matcher()).map_err(|_| Fault::error("check-invalid", node.at, "this is no glob"))
}

/// Adds the values that break a policy, each once, however many addresses have it.
pub(super) fn check(input: &Input<'_>, problems: &mut Vec<Problem>) {
    let demands = &input.policy.demands;
    if demands.is_empty() {
        return;
    }
    let mut seen = HashSet::new();
    let mut taken = HashMap::new();
    for address in super::addresses(input.snapshot) {
        let concerned = |demand: &&Demand| {
            demand.profiles.is_empty() || demand.profiles.iter().any(|glob| glob.is_match(&*address.profiles[0]))
        };
        let demands: Vec<(usize, &Demand)> =
            demands.iter().enumerate().filter(|(_, demand)| concerned(demand)).collect();
        if !demands.is_empty() {
            broken(input, &address, &demands, &mut taken, &mut |problem| {
                if seen.insert((Arc::clone(&problem.file), problem.at, problem.message.clone())) {
                    problems.push(problem);
                }
            });
        }
    }
}

/// Who has a value that must be unique: by policy, profile, key and value.
type Taken = HashMap<(usize, Arc<str>, String, String), (Arc<str>, Arc<str>, Position)>;

fn broken(
    input: &Input<'_>,
    address: &Address,
    demands: &[(usize, &Demand)],
    taken: &mut Taken,
    tell: &mut impl FnMut(Problem),
) {
    let Ok(selection) = answer::select(input.snapshot, address) else { return };
    let effective = selection.effective();
    for leaf in effective.leaves() {
        let path = leaf.path.replace(['.', '['], "/").replace(']', "");
        let mut concerned = demands.iter().filter(|(_, demand)| demand.keys.is_match(&path)).peekable();
        if concerned.peek().is_none() {
            continue;
        }
        // What an opened secret says is compared with nothing.
        let value = match leaf.data {
            Data::Text(text) => text.to_string(),
            Data::Number(number) => number.to_string(),
            Data::Bool(value) => value.to_string(),
            _ => continue,
        };
        let origin = leaf.place.origin(&selection.layers);
        for (number, demand) in concerned {
            let breach = match &demand.kind {
                Kind::Forbid(glob) => glob.is_match(&value).then(|| "has a value that is forbidden".to_owned()),
                Kind::Match(glob) => (!glob.is_match(&value)).then(|| "has a value that does not match".to_owned()),
                Kind::Unique => {
                    let key = (*number, Arc::clone(&address.profiles[0]), leaf.path.clone(), value.clone());
                    let holder = (Arc::clone(&address.application), Arc::clone(&origin.file), origin.at);
                    let (first, file, at) = taken.entry(key).or_insert(holder);
                    let is_other = *first != address.application && (&*file, *at) != (&origin.file, origin.at);
                    is_other.then(|| format!("has the same value as for `{first}` in `{file}`"))
                }
            };
            if let Some(breach) = breach {
                let said = demand.message.as_ref().map(|said| format!(": {}", shown(said))).unwrap_or_default();
                let message = format!("`{}` {breach}{said} (policy `{}`)", shown(&leaf.path), shown(&demand.name));
                let fault = Fault { severity: demand.severity, ..Fault::error("policy", origin.at, message) };
                tell(
                    fault.with_hint("the policies are in `.layerd.yaml` or `.layerd-check.yaml`").in_file(&origin.file),
                );
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::check::policy::FILE;
    use crate::check::samples::{lines, report};
    use crate::config::problem::Severity;

    const FILES: [(&str, &str); 4] = [
        ("application.yml", "db: {url: 'jdbc://localhost/x'}\nname: x\n"),
        ("shop-production.yml", "db: {url: 'jdbc://db/x'}\n"),
        ("shop.yml", "server: {port: 8080}\n"),
        ("mail.yml", "server: {port: 8080}\nname: Mail\n"),
    ];

    fn found(policy: &str) -> Vec<String> {
        lines(&[&FILES[..], &[(FILE, policy)]].concat())
    }

    #[test]
    fn a_value_is_forbidden_for_some_profiles() {
        let policy = "policies: [{name: no-localhost, keys: '**.url', profiles: [production], forbid: '*localhost*', message: no}]\n";
        assert_eq!(found(policy), [""; 0]);
        assert_eq!(
            found(&policy.replace("production", "def*")),
            [
                "policy application.yml:1:11 `db.url` has a value that is forbidden: no (policy `no-localhost`) (mail default, shop \
              default+production)"
            ]
        );
    }

    #[test]
    fn values_are_unique_among_applications() {
        assert_eq!(
            found("policies: [{name: ports, keys: server.port, unique: true, severity: warning}]\n"),
            [
                "policy shop.yml:1:16 `server.port` has the same value as for `mail` in `mail.yml` (policy `ports`) (shop \
              default+production)"
            ]
        );
    }

    #[test]
    fn values_must_match() {
        let policy = "policies: [{name: names, keys: name, must-match: '[a-z]*', severity: info}]\n";
        let found = report(&[&FILES[..], &[(FILE, policy)]].concat()).findings;
        let told: Vec<_> = found.iter().map(|found| (&*found.file, found.at.line, found.severity)).collect();
        assert_eq!(told, [("mail.yml", 2, Severity::Info)]);
    }

    #[test]
    fn mistakes_in_policies_are_reported() {
        for (policy, code) in [
            ("policies: {a: b}\n", "check-invalid"),
            ("policies: [5]\n", "check-invalid"),
            ("policies: [{keys: a, unique: true}]\n", "check-invalid"),
            ("policies: [{name: a, unique: true}]\n", "check-invalid"),
            ("policies: [{name: a, keys: a}]\n", "check-invalid"),
            ("policies: [{name: a, keys: a, unique: true, forbid: x}]\n", "check-invalid"),
            ("policies: [{name: a, keys: '{a', forbid: x}]\n", "check-invalid"),
            ("policies: [{name: a, keys: a, forbid: '['}]\n", "check-invalid"),
            ("policies: [{name: a, keys: a, unique: yes}]\n", "check-invalid"),
            ("policies: [{name: a, keys: a, unique: true, severity: off}]\n", "check-invalid"),
            ("policies: [{name: a, key: a, unique: true}]\n", "check-unknown-member"),
        ] {
            let found = found(policy);
            let codes: Vec<&str> = found.iter().filter_map(|line| line.split(' ').next()).collect();
            assert_eq!(codes, [code], "{policy}: {found:?}");
        }
    }
}
