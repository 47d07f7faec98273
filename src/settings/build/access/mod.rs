//! Access control: roles, users and rules taken apart, with every mistake in them at its place.

mod role;
mod user;

use std::sync::Arc;

use crate::access::Roles;
use crate::settings::access::{AccessDraft, AccessSettings};
use crate::settings::inputs::Inputs;
use crate::settings::origin::Mistake;
use crate::settings::structure::{Mistakes, Piece, Structured};

const ROLES: &str = "access.roles";
const USERS: &str = "access.users";

/// Builds the settings; what is wrong with them is among the mistakes.
pub(super) fn build(inputs: &mut Inputs) -> AccessSettings {
    let AccessDraft { tokens_file, roles, users } = inputs.build(0);
    let mut mistakes = Mistakes::new();
    let roles = match piece(inputs, ROLES, roles.as_ref()) {
        Some(piece) => role::read(&piece, &mut mistakes),
        // A role is reported as missing only if all roles are known.
        None => (!inputs.is_refused(ROLES, 0)).then(Roles::default),
    };
    let users = piece(inputs, USERS, users.as_ref()).map(|piece| user::read(&piece, roles.as_ref(), &mut mistakes));
    inputs.mistakes.extend(mistakes);
    AccessSettings { tokens_file, users: users.unwrap_or_default() }
}

/// A whole structure as the first piece of itself.
fn piece<'a>(inputs: &Inputs, name: &'static str, value: Option<&'a Structured>) -> Option<Piece<'a>> {
    let origin = inputs.get(name, 0)?.origin.clone();
    Some(Piece { name: name.to_owned(), data: &value?.0, origin })
}

/// The roles that a list names; `roles` is `None` if not all of them are known.
fn named_roles(part: &Piece<'_>, roles: Option<&Roles>, mistakes: &mut Mistakes) -> Vec<String> {
    let mut names = Vec::new();
    for (name, item) in part.texts(mistakes) {
        if roles.is_some_and(|roles| roles.get(name).is_none()) {
            mistakes.push(unknown_role(name, &item, roles));
        }
        names.push(name.to_owned());
    }
    names
}

fn unknown_role(name: &str, item: &Piece<'_>, roles: Option<&Roles>) -> Mistake {
    let names: Vec<_> = roles.into_iter().flat_map(Roles::names).collect();
    let hint = match names.as_slice() {
        [] => format!("add it: `access: {{ roles: {{ {name}: [\"read:APPLICATION/PROFILE\"] }} }}`"),
        names => format!("the roles are `{}`", names.join("`, `")),
    };
    item.mistake(&format!("is `{name}`, which is not a role in `access.roles`")).with_hint(hint)
}

/// The name of a member that must be there.
fn required<'a>(
    part: &Piece<'_>,
    member: Option<&Piece<'a>>,
    name: &str,
    hint: &str,
    mistakes: &mut Mistakes,
) -> Option<&'a str> {
    match member {
        Some(member) => member.text(mistakes),
        None => {
            mistakes.push(part.mistake(&format!("has no `{name}`")).with_hint(hint));
            None
        }
    }
}

/// A name as the settings have it.
fn name(text: &str) -> Arc<str> {
    Arc::from(text)
}

#[cfg(test)]
mod tests;
