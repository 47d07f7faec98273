//! Users: people and programs with a name and a password.

use std::collections::HashMap;
use std::sync::Arc;

use super::grants::Grants;
use super::password::PasswordHash;

/// A user of the settings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct User {
    /// The name.
    pub name: Arc<str>,
    /// The hash of the password.
    pub hash: PasswordHash,
    /// What the user may do.
    pub grants: Arc<Grants>,
}

/// The users that a server accepts.
#[derive(Debug, Clone, Default)]
pub struct Users {
    by_name: HashMap<Arc<str>, User>,
    /// What the password of a name that does not exist is verified against, so that it takes as long as a wrong one.
    nobody: Option<PasswordHash>,
}

impl Users {
    /// These users, of which no two have one name.
    #[must_use]
    pub fn new(users: Vec<User>) -> Self {
        // The costliest hash of all, so that no user is told from nobody by the time that a wrong password takes.
        let nobody = users.iter().map(|user| &user.hash).max_by_key(|hash| hash.cost()).cloned();
        Self { by_name: users.into_iter().map(|user| (Arc::clone(&user.name), user)).collect(), nobody }
    }

    /// True if there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.by_name.is_empty()
    }

    /// The user of that name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&User> {
        self.by_name.get(name)
    }

    /// The user of that name, if the password is right. Takes as long for a name that does not exist, and costs what
    /// [`PasswordHash::verifies`] says.
    #[must_use]
    pub fn find(&self, name: &str, password: &str) -> Option<&User> {
        let user = self.by_name.get(name);
        let is_right = user.map_or(self.nobody.as_ref()?, |user| &user.hash).verifies(password);
        user.filter(|_| is_right)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::access::password::SALT;

    #[test]
    fn a_user_is_found_by_name_and_password_together() {
        let user = |name: &str, password: &str| User {
            name: Arc::from(name),
            hash: PasswordHash::of(password, &[1; SALT]),
            grants: Arc::default(),
        };
        let users = Users::new(vec![user("anna", "one"), user("bert", "two")]);
        let found = |name, password| users.find(name, password).map(|user| &*user.name);
        assert_eq!(found("anna", "one"), Some("anna"));
        assert_eq!(found("bert", "two"), Some("bert"));
        for (name, password) in [("anna", "two"), ("Anna", "one"), ("nobody", "two"), ("nobody", ""), ("", "")] {
            assert_eq!(found(name, password), None, "{name}:{password}");
        }
    }
}
