//! Names with passwords: verified on threads that nobody waits for, few at a time, and remembered for a while.
//!
//! An argon2id hash costs tens of milliseconds and megabytes on purpose. Clients with Basic authentication send the
//! password with every request, so a right one is remembered under a keyed hash that is worth nothing outside of this
//! process. A wrong one is not, so that guesses stay as slow as they should be.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use quick_cache::sync::Cache;
use sha2::{Digest as _, Sha256};
use tokio::sync::Semaphore;

use crate::access::user::Users;
use crate::access::{Identity, IdentityKind};
use crate::config::secret_string::SecretString;

/// Passwords that are verified at once: half of a small machine.
const AT_ONCE: usize = 2;

/// Passwords that may wait to be verified, some two seconds of work.
const WAITING: usize = 64;

/// Right passwords that are remembered.
const REMEMBERED: usize = 10_000;

/// Seconds until a right password is verified anew.
const FRESH: i64 = 300;

/// The users with what is known of their passwords.
pub(super) struct Logins {
    users: Arc<Users>,
    /// Keys the hashes of what is remembered.
    key: [u8; 32],
    /// When each password was verified, by the hash of name and password.
    verified: Cache<[u8; 32], i64>,
    running: Arc<Semaphore>,
    waiting: AtomicUsize,
}

/// Why a name with a password is not accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum LoginFault {
    /// There is no such user, or the password is another one.
    Wrong,
    /// Too many passwords wait to be verified.
    Busy,
}

impl Logins {
    /// These users; `key` is random.
    pub(super) fn new(users: Users, key: [u8; 32]) -> Self {
        let (verified, running) = (Cache::new(REMEMBERED), Arc::new(Semaphore::new(AT_ONCE)));
        Self { users: Arc::new(users), key, verified, running, waiting: AtomicUsize::new(0) }
    }

    /// True if there are no users.
    pub(super) fn is_empty(&self) -> bool {
        self.users.is_empty()
    }

    /// The user behind a name with a password that was verified lately. Costs next to nothing.
    pub(super) fn remembered(&self, name: &str, password: &SecretString, now: i64) -> Option<Identity> {
        let verified = self.verified.get(&self.digest(name, password))?;
        // Also if the clock was set back.
        let is_fresh = (0..FRESH).contains(&(now - verified));
        self.users.get(name).filter(|_| is_fresh).map(identity)
    }

    /// The user behind a name with a password, which is verified. Takes as long whether the name exists or not.
    pub(super) async fn verify(&self, name: &str, password: &SecretString, now: i64) -> Result<Identity, LoginFault> {
        let permit = {
            let _waiting = Waiting::begin(&self.waiting).ok_or(LoginFault::Busy)?;
            Arc::clone(&self.running).acquire_owned().await.map_err(|_| LoginFault::Busy)?
        };
        let (users, asked, secret) = (Arc::clone(&self.users), name.to_owned(), password.clone());
        let found = tokio::task::spawn_blocking(move || {
            // As long as it runs, also if the client does not wait for it.
            let _permit = permit;
            users.find(&asked, secret.expose()).map(identity)
        });
        let identity = found.await.map_err(|_| LoginFault::Busy)?.ok_or(LoginFault::Wrong)?;
        self.verified.insert(self.digest(name, password), now);
        Ok(identity)
    }

    fn digest(&self, name: &str, password: &SecretString) -> [u8; 32] {
        let mut digest = Sha256::new_with_prefix(self.key);
        digest.update((name.len() as u64).to_be_bytes());
        digest.update(name);
        digest.update(password.expose());
        digest.finalize().into()
    }
}

fn identity(user: &crate::access::user::User) -> Identity {
    Identity { name: Arc::clone(&user.name), kind: IdentityKind::User, grants: Arc::clone(&user.grants) }
}

/// Counts one that waits for as long as it lives.
struct Waiting<'a>(&'a AtomicUsize);

impl<'a> Waiting<'a> {
    fn begin(waiting: &'a AtomicUsize) -> Option<Self> {
        let counted = Self(waiting);
        (waiting.fetch_add(1, Ordering::Relaxed) < WAITING).then_some(counted)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::access::password::{PasswordHash, SALT};
    use crate::access::user::User;

    const NOW: i64 = 1_780_000_000;

    fn logins() -> Logins {
        let hash = PasswordHash::of("secret", &[1; SALT]);
        let anna = User { name: Arc::from("anna"), hash, grants: Arc::default() };
        Logins::new(Users::new(vec![anna]), [3; 32])
    }

    #[tokio::test]
    async fn a_right_password_is_remembered_for_a_while_and_a_wrong_one_never() {
        let (logins, right, wrong) = (logins(), SecretString::new("secret"), SecretString::new("guess"));
        assert_eq!(logins.remembered("anna", &right, NOW), None);
        assert_eq!(logins.verify("anna", &wrong, NOW).await, Err(LoginFault::Wrong));
        assert_eq!(logins.verify("bert", &right, NOW).await, Err(LoginFault::Wrong));
        assert_eq!(&*logins.verify("anna", &right, NOW).await.unwrap().name, "anna");
        assert!(logins.remembered("anna", &right, NOW + FRESH - 1).is_some());
        assert_eq!(logins.remembered("anna", &right, NOW + FRESH), None);
        assert_eq!(logins.remembered("anna", &right, NOW - 1), None);
        assert_eq!(logins.remembered("anna", &wrong, NOW), None);
        assert_eq!(logins.remembered("annas", &SecretString::new("ecret"), NOW), None);
    }

    #[tokio::test]
    async fn more_than_may_wait_are_refused_at_once() {
        let (logins, right) = (logins(), SecretString::new("secret"));
        let held = logins.running.acquire_many(AT_ONCE as u32).await.unwrap();
        logins.waiting.store(WAITING, Ordering::Relaxed);
        assert_eq!(logins.verify("anna", &right, NOW).await, Err(LoginFault::Busy));
        assert_eq!(logins.waiting.load(Ordering::Relaxed), WAITING);
        logins.waiting.store(0, Ordering::Relaxed);
        drop(held);
        assert!(logins.verify("anna", &right, NOW).await.is_ok());
        assert_eq!(logins.waiting.load(Ordering::Relaxed), 0);
    }
}
