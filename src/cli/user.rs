//! `layerd user`: the hash of a password, for `access.users` of the settings.

use clap::Subcommand;

use crate::access::password::{LONGEST, PasswordHash};

use super::console::{Console, Exit, Failure};
use super::{input, random};

/// The shortest password that is hashed, in characters: NIST's minimum for passwords.
const SHORTEST: usize = 8;

/// Make hashes of passwords for users
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  layerd user hash
  pass show layerd/ops | layerd user hash

The hash goes into the settings, where a role says what the user may do:

  access:
    roles: { operator: [refresh, status, metrics] }
    users: [ { name: ops, password-hash: \"$argon2id$...\", roles: [operator] } ]")]
pub(super) struct UserArgs {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Print the argon2id hash of a password from standard input, or typed at the terminal
    Hash,
}

impl UserArgs {
    #[expect(clippy::unused_self, reason = "commands are all run alike, and there is one verb only")]
    pub(super) fn run(&self, console: &mut Console<'_>) -> Result<Exit, Failure> {
        let password = input::secret(console, "password")?;
        if password.chars().count() < SHORTEST {
            let failure = Failure::new(Exit::Usage, format!("the password has fewer than {SHORTEST} characters"));
            return Err(failure.with_hint("let a password manager make a long one"));
        }
        if password.len() > LONGEST {
            return Err(Failure::new(Exit::Usage, format!("the password is longer than {LONGEST} bytes")));
        }
        let hash = PasswordHash::of(&password, &random::bytes()?);
        console.print(&format!("{hash}\n"))?;
        Ok(Exit::Done)
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{run, run_with_input};
    use crate::access::password::PasswordHash;

    #[test]
    fn a_hash_verifies_the_password_and_is_another_one_each_time() {
        let made = |input: &[u8]| run_with_input(&["user", "hash"], &[], input);
        let [one, other] = [made(b"correct horse\n"), made(b"correct horse")];
        assert_eq!((one.code, one.err.as_str()), (0, ""));
        assert_ne!(one.out, other.out);
        for ran in [one, other] {
            assert!(PasswordHash::parse(ran.out.trim_end()).unwrap().verifies("correct horse"));
        }
    }

    #[test]
    fn a_password_that_is_short_or_endless_is_refused() {
        let ran = run_with_input(&["user", "hash"], &[], b"short\n");
        assert_eq!((ran.code, ran.out.as_str()), (2, ""));
        assert!(ran.err.starts_with("error: the password has fewer than 8 characters\n"), "{}", ran.err);
        assert_eq!(run_with_input(&["user", "hash"], &[], &[b'x'; 2000]).code, 2);
        assert_eq!(run(&["user"], &[]).code, 2);
    }
}
