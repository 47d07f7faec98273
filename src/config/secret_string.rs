//! A secret text, such as an opened value, a password or a token: it is wiped when its last holder lets go, and nothing
//! prints it by mistake.
//!
//! Opening is the business of `secret/`, reading files that of `source/private.rs`; here is only the type. Copies that an allocator or a socket
//! makes of what [`SecretString::expose`] hands out are beyond it.

use std::fmt;
use std::sync::Arc;

use subtle::ConstantTimeEq as _;
use zeroize::Zeroizing;

/// A secret text. Cheap to clone; there is no `Display` and no `Serialize`, and `Debug` prints `***`.
#[derive(Clone)]
pub struct SecretString(Arc<Zeroizing<String>>);

impl SecretString {
    /// Takes the text over; a `String` is not copied.
    #[must_use]
    pub fn new(text: impl Into<String>) -> Self {
        Self(Arc::new(Zeroizing::new(text.into())))
    }

    /// The text itself. Whoever asks answers for where it goes.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

/// Takes as long for equal texts as for texts of one length that differ anywhere; lengths are no secret.
impl PartialEq for SecretString {
    fn eq(&self, other: &Self) -> bool {
        self.expose().as_bytes().ct_eq(other.expose().as_bytes()).into()
    }
}

impl Eq for SecretString {}

impl fmt::Debug for SecretString {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("***")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Compiles only while `$type` has none of the traits: with one of them, `_` would have two answers.
    macro_rules! assert_lacks {
        ($type:ty: $($trait:path),+) => {
            $({
                trait Lacks<Answer> {
                    fn holds() {}
                }
                struct Has;
                impl<T: ?Sized> Lacks<()> for T {}
                impl<T: ?Sized + $trait> Lacks<Has> for T {}
                <$type as Lacks<_>>::holds();
            })+
        };
    }

    #[test]
    fn nothing_prints_or_serialises_an_opened_secret() {
        assert_lacks!(SecretString: fmt::Display, fmt::LowerHex, serde::Serialize, std::ops::Deref, AsRef<str>);
        let nested = Some(vec![("password", SecretString::new("hunter2".to_owned()))]);
        assert_eq!(format!("{nested:?}"), r#"Some([("password", ***)])"#);
        assert_eq!(format!("{:#?}", SecretString::new(String::new())), "***");
    }

    #[test]
    fn a_clone_is_the_same_text() {
        let plain = SecretString::new("hunter2".to_owned());
        let clone = plain.clone();
        assert_eq!(clone.expose().as_ptr(), plain.expose().as_ptr());
        assert_eq!(clone, plain);
        assert_eq!(plain, SecretString::new("hunter2".to_owned()));
        assert!(
            ["", "hunter", "hunter3", "hunter22"].iter().all(|text| plain != SecretString::new((*text).to_owned()))
        );
    }
}
