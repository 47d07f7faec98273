//! Passwords of users: the argon2id hash that the settings keep of one, and what it costs to verify.
//!
//! Only argon2id is taken, in the form that every tool writes (`$argon2id$v=19$m=…,t=…,p=…$salt$hash`), and only with
//! parameters between a floor that keeps guessing slow and a ceiling that keeps verifying bounded. When and where a
//! password is verified is for `http`.

use std::fmt;

use argon2::password_hash::phc;
use argon2::{Algorithm, Argon2, Params, PasswordHasher as _, PasswordVerifier as _, Version};

/// Bytes of a salt.
pub const SALT: usize = 16;

/// The longest password that is verified, in bytes. Longer ones are wrong without a look, because hashing takes time for
/// each of them.
pub const LONGEST: usize = 1024;

/// KiB of memory, passes and lanes of the hashes that are made here: what OWASP recommends as a minimum for argon2id.
const COST: (u32, u32, u32) = (19 << 10, 2, 1);

/// The least memory in KiB that is accepted: OWASP's smallest recommendation for argon2id.
const LEAST_MEMORY: u32 = 7 << 10;

/// The most memory in KiB, passes and lanes that are accepted, so that one verification takes neither gigabytes nor minutes.
const MOST: (u32, u32, u32) = (256 << 10, 16, 16);

/// The argon2id hash of a password.
#[derive(Clone, PartialEq, Eq)]
pub struct PasswordHash(phc::PasswordHash);

/// Why a text is not the hash of a password.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PasswordHashError {
    /// It is no PHC string, or lacks salt or hash.
    #[error("is not a hash of a password")]
    Malformed,
    /// It is of another algorithm.
    #[error("is a hash of another algorithm than argon2id")]
    OtherAlgorithm,
    /// Guessing passwords would be cheap.
    #[error("is an argon2id hash with less than {LEAST_MEMORY} KiB of memory, which makes guessing cheap")]
    Weak,
    /// Verifying passwords would be too dear.
    #[error("is an argon2id hash with more than {} KiB of memory, {} passes or {} lanes", MOST.0, MOST.1, MOST.2)]
    Dear,
}

impl PasswordHash {
    /// Reads a hash.
    ///
    /// # Errors
    /// If it is not one of argon2id, or costs too little or too much.
    pub fn parse(text: &str) -> Result<Self, PasswordHashError> {
        let hash = phc::PasswordHash::new(text).map_err(|_| PasswordHashError::Malformed)?;
        if hash.algorithm != Algorithm::Argon2id.ident() {
            return Err(PasswordHashError::OtherAlgorithm);
        }
        let is_whole = hash.salt.is_some() && hash.hash.is_some();
        let is_known = hash.version.is_none_or(|version| Version::try_from(version).is_ok());
        let params = Params::try_from(&hash).ok().filter(|_| is_whole && is_known);
        let params = params.ok_or(PasswordHashError::Malformed)?;
        if params.m_cost() < LEAST_MEMORY {
            return Err(PasswordHashError::Weak);
        }
        let (memory, passes, lanes) = MOST;
        if params.m_cost() > memory || params.t_cost() > passes || params.p_cost() > lanes {
            return Err(PasswordHashError::Dear);
        }
        Ok(Self(hash))
    }

    /// The hash of a password with a random salt. Takes tens of milliseconds.
    ///
    /// # Panics
    /// Never: the parameters are constants that argon2 accepts.
    #[must_use]
    pub fn of(password: &str, salt: &[u8; SALT]) -> Self {
        let (memory, passes, lanes) = COST;
        let params = Params::new(memory, passes, lanes, None).expect("the parameters are within argon2's limits");
        let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
        Self(argon2.hash_password_with_salt(password.as_bytes(), salt).expect("salt and output have argon2's lengths"))
    }

    /// A measure for what verifying costs: memory times passes.
    #[must_use]
    pub fn cost(&self) -> u64 {
        Params::try_from(&self.0).map_or(0, |params| u64::from(params.m_cost()) * u64::from(params.t_cost()))
    }

    /// True if it is the hash of this password. Takes tens of milliseconds of one processor, and the memory that the hash
    /// names; not for threads that others wait for.
    #[must_use]
    pub fn verifies(&self, password: &str) -> bool {
        password.len() <= LONGEST && Argon2::default().verify_password(password.as_bytes(), &self.0).is_ok()
    }
}

impl fmt::Display for PasswordHash {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(out)
    }
}

impl fmt::Debug for PasswordHash {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("***")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hash_verifies_its_own_password_only() {
        let hash = PasswordHash::of(
            "größe 72 bytes and more are not cut, as other algorithms do: aaaaaaaaaaaaaaaaaaaa1",
            &[7; SALT],
        );
        let read = PasswordHash::parse(&hash.to_string()).unwrap();
        assert_eq!(read, hash);
        assert!(read.verifies("größe 72 bytes and more are not cut, as other algorithms do: aaaaaaaaaaaaaaaaaaaa1"));
        for wrong in ["größe 72 bytes and more are not cut, as other algorithms do: aaaaaaaaaaaaaaaaaaaa2", "", "größe"]
        {
            assert!(!read.verifies(wrong), "{wrong}");
        }
        assert!(!hash.verifies(&"x".repeat(LONGEST + 1)));
        assert_eq!(format!("{hash:?}"), "***");
    }

    #[test]
    fn hashes_of_other_tools_verify() {
        let made = Argon2::new(Algorithm::Argon2id, Version::V0x13, Params::new(1 << 14, 3, 2, Some(24)).unwrap());
        let text = made.hash_password_with_salt(b"secret", b"somesalt01234567").unwrap().to_string();
        assert!(text.starts_with("$argon2id$v=19$m=16384,t=3,p=2$"), "{text}");
        assert!(PasswordHash::parse(&text).unwrap().verifies("secret"));
    }

    #[test]
    fn what_is_no_fitting_hash_says_why() {
        use PasswordHashError::{Dear, Malformed, OtherAlgorithm, Weak};
        let salted =
            |params: &str| format!("$argon2id$v=19${params}$c29tZXNhbHQwMTIzNDU2Nw$aGFzaGhhc2hoYXNoaGFzaGhhc2hoYXNo");
        for (text, expected) in [
            ("", Malformed),
            ("secret", Malformed),
            ("$2a$10$N9qo8uLOickgx2ZMRZoMyeIjZAgcfl7p92ldGxad68LJZdL17lhWy", Malformed),
            ("$argon2id$v=19$m=19456,t=2,p=1$c29tZXNhbHQwMTIzNDU2Nw", Malformed),
            (&salted("m=19456,t=2,p=1").replace("v=19", "v=7"), Malformed),
            (&salted("m=19456,t=2,p=1").replace("argon2id", "argon2i"), OtherAlgorithm),
            (&salted("m=64,t=1,p=1"), Weak),
            (&salted("m=1048576,t=2,p=1"), Dear),
            (&salted("m=19456,t=99,p=1"), Dear),
        ] {
            assert_eq!(PasswordHash::parse(text).unwrap_err(), expected, "{text}");
        }
    }
}
