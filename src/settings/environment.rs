//! The environment of the process: read once, in one place, and what its `LAYERD_*` variables say.
//!
//! `__` separates levels and list indexes, `_` stands for `-`. An empty variable is taken for one that is not set,
//! because that is what containers make of one. A list is one variable with commas or a variable for each item.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::config::layer::{Data, Node};
use crate::config::problem::Position;

use super::inputs::{Inputs, Name};
use super::nearest::nearest;
use super::origin::{Mistake, Origin, shown};
use super::table::{find, lists, not_available, rows};

const PREFIX: &str = "LAYERD_";

/// Variables of the client commands.
const OF_CLIENTS: [&str; 2] = ["LAYERD_URL", "LAYERD_TOKEN"];

/// What a process is told by whoever starts it, besides its arguments.
#[derive(Debug, Clone, Default)]
pub struct Environment {
    /// The variables by name.
    pub variables: BTreeMap<String, String>,
    /// The working directory, where relative paths of flags and variables start.
    pub directory: PathBuf,
}

impl Environment {
    /// The environment of this process. Variables that are not UTF-8 are left out.
    #[must_use]
    pub fn of_process() -> Self {
        let text = |(name, value): (std::ffi::OsString, std::ffi::OsString)| {
            Some((name.into_string().ok()?, value.into_string().ok()?))
        };
        Self {
            variables: std::env::vars_os().filter_map(text).collect(),
            directory: std::env::current_dir().unwrap_or_default(),
        }
    }

    /// The value of a variable that is set and not empty.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        self.variables.get(name).map(String::as_str).filter(|value| !value.is_empty())
    }

    /// The folder for what outlives a restart, if no setting names one.
    pub(super) fn state(&self) -> PathBuf {
        let folder = |name| self.get(name).map(Path::new).filter(|path| path.is_absolute());
        match (folder("XDG_STATE_HOME"), folder("HOME")) {
            (Some(state), _) => state.join("layerd"),
            (None, Some(home)) => home.join(".local/state/layerd"),
            (None, None) => PathBuf::from("/var/lib/layerd"),
        }
    }
}

/// What the name of a variable stands for.
struct Target {
    name: Name,
    /// The index of the item, if it is one of a list.
    item: Option<usize>,
}

/// The setting that an index and a row of the table stand for, and what was given as its items.
type Lists<'a> = BTreeMap<(usize, &'static str), (Name, BTreeMap<usize, (&'a str, &'a str)>)>;

/// Reads the variables that begin with `LAYERD_`.
pub(super) fn read(environment: &Environment, inputs: &mut Inputs) {
    let mut taken: BTreeMap<(usize, &'static str), &str> = BTreeMap::new();
    let mut lists = Lists::new();
    let ours = environment.variables.range(PREFIX.to_owned()..).take_while(|(name, _)| name.starts_with(PREFIX));
    for (variable, value) in ours.filter(|(name, value)| !value.is_empty() && !OF_CLIENTS.contains(&name.as_str())) {
        let origin = Origin::Variable(Arc::from(variable.as_str()));
        let Some(Target { name, item }) = target(variable) else {
            unknown(variable, &origin, inputs);
            continue;
        };
        let key = (name.index, name.row.name);
        if let Some(index) = item {
            lists.entry(key).or_insert_with(|| (name, BTreeMap::new())).1.insert(index, (variable, value));
        }
        // The items of one list are one giving.
        let spelling = variable.trim_end_matches(|character: char| item.is_some() && character.is_ascii_digit());
        if let Some(other) = taken.insert(key, spelling).filter(|other| *other != spelling) {
            let other = other.trim_end_matches('_');
            inputs.mistake(
                Mistake::new(&origin, format!("`{name}` is given by `{other}` as well"))
                    .with_hint("keep one of the two"),
            );
        }
        if item.is_none() {
            inputs.give(name, &data(name, value), &environment.directory, &origin);
        }
    }
    for (name, items) in lists.into_values() {
        give_list(name, &items, environment, inputs);
    }
}

fn give_list(name: Name, items: &BTreeMap<usize, (&str, &str)>, environment: &Environment, inputs: &mut Inputs) {
    for (expected, (index, (variable, _))) in items.iter().enumerate() {
        if *index != expected {
            let origin = Origin::Variable(Arc::from(*variable));
            return inputs.mistake(Mistake::new(&origin, format!("`{name}` has no item {expected}")));
        }
    }
    let Some((first, _)) = items.values().next() else { return };
    let data = Data::List(items.values().map(|(_, value)| text(value)).collect());
    inputs.give(name, &data, &environment.directory, &Origin::Variable(Arc::from(*first)));
}

fn data(name: Name, value: &str) -> Data {
    if name.row.is_list() {
        Data::List(value.split(',').map(|item| text(item.trim())).collect())
    } else {
        Data::Text(Arc::from(value))
    }
}

fn text(value: &str) -> Node {
    Node { data: Data::Text(Arc::from(value)), at: Position::default(), tag: None }
}

fn unknown(variable: &str, origin: &Origin, inputs: &mut Inputs) {
    if let Some(absent) = not_available(&dotted(variable).0) {
        return inputs.mistake(Mistake::new(origin, format!("`{absent}` is not available in this version")));
    }
    let is_about_access = dotted(variable).0.starts_with("access.");
    let names: Vec<String> = rows().map(|row| spell(row.name, 0)).collect();
    let short = rows().filter_map(|row| row.variable).chain(OF_CLIENTS);
    let near = nearest(variable, names.iter().map(String::as_str).chain(short), |name| name);
    let warning = Mistake::new(origin, format!("`{}` is no setting; it has no effect", shown(variable)));
    let warning = match near {
        Some(near) => warning.with_hint(format!("did you mean `{near}`?")),
        None => warning,
    };
    // A slip there would leave a server open that was meant to be closed.
    if is_about_access { inputs.mistake(warning) } else { inputs.warnings.push(warning) }
}

fn target(variable: &str) -> Option<Target> {
    if let Some(row) = rows().find(|row| row.variable == Some(variable)) {
        return Some(Target { name: Name { row, index: 0 }, item: None });
    }
    let (name, index) = dotted(variable);
    let exactly = |name: &str, rest: &str| {
        let row = find(name)?;
        // What is not spelled as it should be is another variable.
        (spell(name, index) + rest == variable).then_some(Name { row, index })
    };
    if let Some(name) = exactly(&name, "") {
        return Some(Target { name, item: None });
    }
    let (list, item) = name.rsplit_once('.')?;
    let item = item.parse().ok().filter(|number: &usize| number.to_string() == item)?;
    let name = exactly(list, &format!("__{item}")).filter(|name| name.row.is_list())?;
    Some(Target { name, item: Some(item) })
}

/// The dotted name that a variable would have, and the index of the item of a list that it would belong to.
fn dotted(variable: &str) -> (String, usize) {
    let lower = variable.strip_prefix(PREFIX).unwrap_or(variable).to_ascii_lowercase();
    let dotted = lower.replace("__", ".").replace('_', "-");
    let of_item = lists().find_map(|list| {
        let rest = dotted.strip_prefix(list.trim_end_matches("[]"))?.strip_prefix('.')?;
        let (index, rest) = rest.split_once('.')?;
        Some((format!("{list}.{rest}"), index.parse().ok()?))
    });
    of_item.unwrap_or((dotted, 0))
}

/// The variable of a setting.
fn spell(name: &str, index: usize) -> String {
    let levels = name.replacen("[]", &format!(".{index}"), 1).replace('.', "__").replace('-', "_");
    format!("{PREFIX}{}", levels.to_ascii_uppercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_all(variables: &[(&str, &str)]) -> Inputs {
        let mut inputs = Inputs::default();
        let variables = variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        read(&Environment { variables, directory: PathBuf::from("/here") }, &mut inputs);
        inputs
    }

    fn value(variables: &[(&str, &str)], name: &str) -> String {
        let inputs = read_all(variables);
        let told: Vec<_> = inputs.mistakes.iter().chain(&inputs.warnings).map(ToString::to_string).collect();
        assert_eq!(told, [""; 0]);
        let given = inputs.get(find(name).unwrap().name, 0).unwrap();
        format!("{} # {}", given.value.shown, given.origin)
    }

    #[test]
    fn every_setting_has_a_variable_that_leads_back_to_it() {
        for row in rows() {
            let variable = spell(row.name, 3);
            let target = target(&variable).unwrap();
            let index = if row.name.contains("[]") { 3 } else { 0 };
            assert_eq!((target.name.row.name, target.name.index, target.item), (row.name, index, None));
        }
        assert_eq!(spell("secrets.keys[].file", 0), "LAYERD_SECRETS__KEYS__0__FILE");
        assert_eq!(spell("sources[].credentials.password-file", 0), "LAYERD_SOURCES__0__CREDENTIALS__PASSWORD_FILE");
    }

    #[test]
    fn short_forms_are_the_first_source_and_the_open_door() {
        assert_eq!(value(&[("LAYERD_GIT", "https://h/x")], "sources[].git"), "https://h/x # LAYERD_GIT");
        assert_eq!(value(&[("LAYERD_LABEL", "main")], "sources[].label"), "main # LAYERD_LABEL");
        assert_eq!(value(&[("LAYERD_GIT_TOKEN", "t")], "sources[].credentials.token"), r#""***" # LAYERD_GIT_TOKEN"#);
        assert_eq!(value(&[("LAYERD_INSECURE_OPEN", "1")], "http.insecure-open"), "true # LAYERD_INSECURE_OPEN");
    }

    #[test]
    fn lists_are_commas_or_indexes() {
        let whole = [("LAYERD_SOURCES__0__LABELS", "main, release/*")];
        assert_eq!(value(&whole, "sources[].labels"), r#"["main", "release/*"] # LAYERD_SOURCES__0__LABELS"#);
        let items = [("LAYERD_SOURCES__0__LABELS__0", "a,b"), ("LAYERD_SOURCES__0__LABELS__1", "c")];
        assert_eq!(value(&items, "sources[].labels"), r#"["a,b", "c"] # LAYERD_SOURCES__0__LABELS__0"#);
    }

    #[test]
    fn a_list_with_a_gap_or_given_in_two_ways_is_a_mistake() {
        let gap = read_all(&[("LAYERD_SOURCES__0__LABELS__0", "a"), ("LAYERD_SOURCES__0__LABELS__2", "b")]);
        assert_eq!(gap.mistakes[0].to_string(), "LAYERD_SOURCES__0__LABELS__2: `sources[0].labels` has no item 1");
        let both = read_all(&[("LAYERD_SOURCES__0__LABELS", "a"), ("LAYERD_SOURCES__0__LABELS__0", "b")]);
        assert_eq!(
            both.mistakes[0].to_string(),
            "LAYERD_SOURCES__0__LABELS__0: `sources[0].labels` is given by `LAYERD_SOURCES__0__LABELS` as well\n\
             hint: keep one of the two"
        );
        let short = read_all(&[("LAYERD_GIT", "a"), ("LAYERD_SOURCES__0__GIT", "b")]);
        assert_eq!(
            short.mistakes[0].to_string(),
            "LAYERD_SOURCES__0__GIT: `sources[0].git` is given by `LAYERD_GIT` as well\nhint: keep one of the two"
        );
    }

    #[test]
    fn unknown_variables_are_warned_of_and_those_of_clients_are_not() {
        let inputs = read_all(&[
            ("LAYERD_GITT", "x"),
            ("LAYERD_HTTP__LISEN", "x"),
            ("LAYERD_PORT_8888_TCP", "tcp://10.0.0.1:8888"),
            ("LAYERD_SOURCES__99999999999999999999__GIT", "x"),
            ("LAYERD_SOURCES__00__GIT", "x"),
            ("LAYERD_http__listen", "x"),
            ("LAYERD_STATE", ""),
            ("LAYERD_TOKEN", "x"),
            ("LAYERD_URL", "x"),
            ("LAYERDX", "x"),
        ]);
        let told: Vec<_> = inputs.warnings.iter().map(ToString::to_string).collect();
        assert_eq!(
            told,
            [
                "LAYERD_GITT: `LAYERD_GITT` is no setting; it has no effect\nhint: did you mean `LAYERD_GIT`?",
                "LAYERD_HTTP__LISEN: `LAYERD_HTTP__LISEN` is no setting; it has no effect\nhint: did you mean `LAYERD_HTTP__LISTEN`?",
                "LAYERD_PORT_8888_TCP: `LAYERD_PORT_8888_TCP` is no setting; it has no effect",
                "LAYERD_SOURCES__00__GIT: `LAYERD_SOURCES__00__GIT` is no setting; it has no effect\nhint: did you mean `LAYERD_SOURCES__0__GIT`?",
                "LAYERD_SOURCES__99999999999999999999__GIT: `LAYERD_SOURCES__99999999999999999999__GIT` is no setting; it has no effect",
                "LAYERD_http__listen: `LAYERD_http__listen` is no setting; it has no effect",
            ]
        );
        assert_eq!(inputs.mistakes, []);
    }

    #[test]
    fn what_only_later_versions_know_is_refused_and_not_passed_over() {
        let inputs = read_all(&[("LAYERD_ACCESS__JWT__0__ISSUER", "x")]);
        let told: Vec<_> = inputs.mistakes.iter().map(ToString::to_string).collect();
        assert_eq!(told, ["LAYERD_ACCESS__JWT__0__ISSUER: `access.jwt` is not available in this version",]);
    }

    #[test]
    fn the_state_lives_where_the_machine_says() {
        let state = |variables: &[(&str, &str)]| {
            let variables = variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
            Environment { variables, directory: PathBuf::new() }.state()
        };
        let home = ("HOME", "/home/u");
        assert_eq!(state(&[("XDG_STATE_HOME", "/x"), home]), Path::new("/x/layerd"));
        assert_eq!(state(&[("XDG_STATE_HOME", "relative"), home]), Path::new("/home/u/.local/state/layerd"));
        assert_eq!(state(&[("HOME", "")]), Path::new("/var/lib/layerd"));
    }
}
