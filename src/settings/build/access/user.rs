//! `access.users`: names with hashes of passwords and roles.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::access::Roles;
use crate::access::password::PasswordHash;
use crate::access::user::User;
use crate::settings::structure::{Mistakes, Piece};

use super::{name, named_roles, required};

/// The members of a user, all of which must be there.
const MEMBERS: [&str; 3] = ["name", "password-hash", "roles"];

/// What makes a hash.
const MAKE: &str = "`layerd user hash` makes one of a password";

/// Reads the users that have no mistake.
pub(super) fn read(part: &Piece<'_>, roles: Option<&Roles>, mistakes: &mut Mistakes) -> Vec<User> {
    let mut users = Vec::new();
    let mut names = BTreeSet::new();
    for item in part.items(mistakes) {
        let user = user(&item, roles, mistakes);
        if let Some(user) = user {
            if !names.insert(Arc::clone(&user.name)) {
                mistakes.push(item.mistake(&format!("has the name `{}`, as another user does", user.name)));
            }
            users.push(user);
        }
    }
    users
}

fn user(item: &Piece<'_>, roles: Option<&Roles>, mistakes: &mut Mistakes) -> Option<User> {
    let [named, hash, listed] = item.members(MEMBERS, mistakes);
    let of_user = required(item, named.as_ref(), "name", "add `name:`, as clients send it", mistakes);
    if let (Some(text), Some(part)) = (of_user, &named)
        && text.contains(':')
    {
        mistakes.push(part.mistake("holds a colon, which ends the name in Basic authentication"));
    }
    let text = required(item, hash.as_ref(), "password-hash", MAKE, mistakes);
    let hash = text.zip(hash).and_then(|(text, part)| match PasswordHash::parse(text) {
        Ok(hash) => Some(hash),
        Err(error) => {
            mistakes.push(part.mistake(&error.to_string()).with_hint(MAKE));
            None
        }
    });
    let listed = match listed {
        Some(listed) => named_roles(&listed, roles, mistakes),
        None => {
            mistakes.push(item.mistake("has no `roles`").with_hint("add `roles:` with names from `access.roles`"));
            Vec::new()
        }
    };
    let grants = Arc::new(roles?.grants(&listed));
    Some(User { name: name(of_user?), hash: hash?, grants })
}
