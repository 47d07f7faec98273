//! Roles: scopes under a name, so that users, claims and certificates share them.

use std::collections::BTreeMap;

use super::grants::Grants;
use super::scope::Scope;

/// The roles of the settings by name.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Roles(BTreeMap<String, Vec<Scope>>);

impl Roles {
    /// Roles with their scopes.
    #[must_use]
    pub fn new(roles: BTreeMap<String, Vec<Scope>>) -> Self {
        Self(roles)
    }

    /// The scopes of a role; `None` if it does not exist.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&[Scope]> {
        self.0.get(name).map(Vec::as_slice)
    }

    /// The names of the roles, in their order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }

    /// What somebody with these roles may do. A role that does not exist grants nothing.
    pub fn grants<'a>(&self, roles: impl IntoIterator<Item = &'a String>) -> Grants {
        let scopes = roles.into_iter().filter_map(|name| self.get(name)).flatten();
        Grants::new(scopes.cloned().collect())
    }
}

/// True if a text can be the name of a role: letters, digits, `-`, `_` and `.`.
#[must_use]
pub fn is_name(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::access::{Action, Verb};

    #[test]
    fn several_roles_grant_what_each_grants_and_deny_what_any_denies() {
        let scopes = |texts: &[&str]| texts.iter().map(|text| Scope::parse(text).unwrap()).collect::<Vec<_>>();
        let roles = Roles::new(BTreeMap::from([
            ("operator".to_owned(), scopes(&["status", "refresh"])),
            ("reader".to_owned(), scopes(&["metrics", "deny refresh"])),
        ]));
        let may = |names: &[&str], verb| {
            let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
            roles.grants(&names).may(Action::Any(verb))
        };
        assert!(may(&["operator"], Verb::Refresh) && may(&["operator", "reader"], Verb::Metrics));
        assert!(!may(&["operator", "reader"], Verb::Refresh));
        assert!(!may(&["nobody"], Verb::Status) && !may(&[], Verb::Status));
        assert!(is_name("pay-api_2.x") && !is_name("") && !is_name("a b") && !is_name("ä"));
    }
}
