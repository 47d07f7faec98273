//! An opened secret: text that is wiped when its last holder lets go, and that nothing prints by mistake.
//!
//! Opening is the business of `secret/`; here is only the type that values carry. Copies that an allocator or a socket
//! makes of what [`Plain::expose`] hands out are beyond it.

use std::fmt;
use std::sync::Arc;

use subtle::ConstantTimeEq as _;
use zeroize::Zeroizing;

/// An opened secret. Cheap to clone; there is no `Display` and no `Serialize`, and `Debug` prints `***`.
#[derive(Clone)]
pub struct Plain(Arc<Zeroizing<String>>);

impl Plain {
    /// Takes the text over without copying it.
    #[must_use]
    pub fn new(text: String) -> Self {
        Self(Arc::new(Zeroizing::new(text)))
    }

    /// The text itself. Whoever asks answers for where it goes.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

/// Takes as long for equal texts as for texts of one length that differ anywhere; lengths are no secret.
impl PartialEq for Plain {
    fn eq(&self, other: &Self) -> bool {
        self.expose().as_bytes().ct_eq(other.expose().as_bytes()).into()
    }
}

impl Eq for Plain {}

impl fmt::Debug for Plain {
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
        assert_lacks!(Plain: fmt::Display, fmt::LowerHex, serde::Serialize, std::ops::Deref, AsRef<str>);
        let nested = Some(vec![("password", Plain::new("hunter2".to_owned()))]);
        assert_eq!(format!("{nested:?}"), r#"Some([("password", ***)])"#);
        assert_eq!(format!("{:#?}", Plain::new(String::new())), "***");
    }

    #[test]
    fn a_clone_is_the_same_text() {
        let plain = Plain::new("hunter2".to_owned());
        let clone = plain.clone();
        assert_eq!(clone.expose().as_ptr(), plain.expose().as_ptr());
        assert_eq!(clone, plain);
        assert_eq!(plain, Plain::new("hunter2".to_owned()));
        assert!(["", "hunter", "hunter3", "hunter22"].iter().all(|text| plain != Plain::new((*text).to_owned())));
    }
}
