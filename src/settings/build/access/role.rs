//! `access.roles`: lists of scopes by name.

use std::collections::BTreeMap;

use crate::access::{Roles, Scope, is_name};
use crate::settings::structure::{Mistakes, Piece};

/// Reads the roles; `None` if a mistake leaves out one of them.
pub(super) fn read(part: &Piece<'_>, mistakes: &mut Mistakes) -> Option<Roles> {
    let mut roles = BTreeMap::new();
    let mut is_whole = true;
    for (name, part) in part.entries(mistakes)? {
        if !is_name(name) {
            let mistake = part.mistake("is not the name of a role");
            mistakes.push(mistake.with_hint("names of roles are letters, digits, `-`, `_` and `.`"));
            is_whole = false;
        }
        roles.insert(name.to_owned(), scopes(&part, mistakes));
    }
    is_whole.then(|| Roles::new(roles))
}

/// The scopes of a list.
fn scopes(part: &Piece<'_>, mistakes: &mut Mistakes) -> Vec<Scope> {
    let mut scopes = Vec::new();
    for (text, item) in part.texts(mistakes) {
        match Scope::parse(text) {
            Ok(scope) => scopes.push(scope),
            Err(error) => mistakes.push(item.mistake(&format!("is not a scope: {error}")).with_hint(error.hint)),
        }
    }
    scopes
}
