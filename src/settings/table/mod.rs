//! Every setting there is, as one table: its name, what it takes, its default, why, and what it sets.
//!
//! The table drives the reading of files, variables and flags, the refusal of unknown names, `layerd settings`, its JSON
//! Schema and `docs/settings.md`. A new setting is a row in the file of its section and nothing else.

mod access;
mod audit;
mod general;
mod http;
mod limits;
mod secrets;
mod sources;
mod telemetry;
mod webhooks;

use super::row::Row;

/// Names that other versions know and this one does not, with everything below them.
pub(super) const NOT_AVAILABLE: [&str; 2] = ["access.jwt", "access.certificates"];

pub(super) const SOURCES: &str = "sources[]";
pub(super) const KEYS: &str = "secrets.keys[]";
pub(super) const WEBHOOKS: &str = "webhooks.secrets[]";

/// The sections of the table, in the order in which settings are shown.
const SECTIONS: [&[Row]; 10] = [
    general::SEMANTICS,
    sources::ROWS,
    http::ROWS,
    access::ROWS,
    audit::ROWS,
    secrets::ROWS,
    webhooks::ROWS,
    limits::ROWS,
    telemetry::ROWS,
    general::STATE,
];

/// The rows of the table, in the order in which settings are shown.
pub(super) fn rows() -> impl Iterator<Item = &'static Row> + Clone {
    SECTIONS.into_iter().flatten()
}

/// The setting of that name.
pub(super) fn find(name: &str) -> Option<&'static Row> {
    rows().find(|row| row.name == name)
}

/// True if settings have names that begin with this one.
pub(super) fn is_group(name: &str) -> bool {
    rows().any(|row| row.name.strip_prefix(name).is_some_and(|rest| rest.starts_with(['.', '['])))
}

/// The lists of settings, whose items are told apart by their index.
pub(super) fn lists() -> impl Iterator<Item = &'static str> {
    let mut last = None;
    rows().filter_map(Row::list).filter(move |list| last.replace(*list) != Some(*list))
}

/// The list that this is the name of.
pub(super) fn list(name: &str) -> Option<&'static str> {
    lists().find(|list| list.strip_suffix("[]") == Some(name))
}

/// The name of [`NOT_AVAILABLE`] that this name is or lies below.
pub(super) fn not_available(name: &str) -> Option<&'static str> {
    let covers =
        |absent: &&str| name.strip_prefix(*absent).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'));
    NOT_AVAILABLE.into_iter().find(covers)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_is_there_once_and_none_is_a_group_as_well() {
        let names: Vec<&str> = rows().map(|row| row.name).collect();
        for (index, name) in names.iter().enumerate() {
            assert!(!names[..index].contains(name), "{name}");
            assert!(!is_group(name), "{name}");
            assert_eq!(not_available(name), None);
        }
    }

    #[test]
    fn groups_are_what_names_begin_with() {
        for group in [
            "sources",
            "sources[]",
            "sources[].credentials",
            "http",
            "secrets",
            "secrets.keys[]",
            "limits",
            "telemetry",
        ] {
            assert!(is_group(group), "{group}");
        }
        assert!(!is_group("source"));
        assert!(!is_group("http.listen"));
    }

    #[test]
    fn what_other_versions_know_is_covered_with_all_below_it() {
        assert_eq!(not_available("access.jwt"), Some("access.jwt"));
        assert_eq!(not_available("accessx"), None);
    }

    #[test]
    fn the_rows_of_a_list_stand_together() {
        assert_eq!(lists().collect::<Vec<_>>(), [SOURCES, KEYS, WEBHOOKS]);
        assert_eq!(list("secrets.keys"), Some(KEYS));
        assert_eq!(list("secrets"), None);
        assert_eq!(find("sources[].git").and_then(Row::list), Some(SOURCES));
        assert_eq!(find("state").and_then(Row::list), None);
    }

    #[test]
    fn every_default_is_a_value_of_its_kind_as_it_is_shown() {
        for row in rows() {
            let shown = row.default_on(&super::super::Environment::default()).map(|default| default.shown);
            let expected = row.default.map(|text| text.replace(r#""""#, "''"));
            let suggested = row.suggested.map(|_| "/var/lib/layerd".to_owned());
            assert_eq!(shown, expected.or(suggested), "{}", row.name);
        }
    }
}
