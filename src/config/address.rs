//! What is asked for: application, profiles and label, checked once so that nothing after it needs to.
//!
//! Names are compared exactly and never become paths of the operating system. Whether a label exists is for the store.

use std::sync::Arc;

/// The profile that is asked when none is given.
pub const DEFAULT_PROFILE: &str = "default";

/// The file name that every service shares.
pub const SHARED: &str = "application";

/// The most profiles of one address.
pub const MAX_PROFILES: usize = 32;

/// The longest name of an application, a profile or a label, in bytes.
pub const MAX_NAME: usize = 512;

/// An application, its profiles and the label to read them from.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Address {
    /// The application (service).
    pub application: Arc<str>,
    /// The profiles in the order asked, each once, at least one.
    pub profiles: Vec<Arc<str>>,
    /// The branch, tag or full commit id; `None`: the default of the source.
    pub label: Option<Arc<str>>,
}

/// Why a text is no address.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{part} {reason}")]
pub struct AddressError {
    /// Which part is at fault: `application`, `profile` or `label`.
    pub part: &'static str,
    /// What is wrong with it.
    pub reason: &'static str,
}

impl Address {
    /// Checks the three parts of a question. `profiles` is a comma list; `None` asks for `default`, an empty label for
    /// the default label.
    ///
    /// # Errors
    /// Names the part that is empty, too long, `.` or `..`, or holds a slash, a backslash or a control character.
    pub fn parse(application: &str, profiles: Option<&str>, label: Option<&str>) -> Result<Self, AddressError> {
        check_name("application", application)?;
        let profiles = parse_profiles(profiles.unwrap_or(DEFAULT_PROFILE))?;
        let label = label.filter(|label| !label.is_empty()).map(parse_label).transpose()?;
        Ok(Self { application: Arc::from(application), profiles, label })
    }

    /// The profiles as a comma list.
    #[must_use]
    pub fn profile_list(&self) -> String {
        self.profiles.join(",")
    }
}

fn parse_profiles(list: &str) -> Result<Vec<Arc<str>>, AddressError> {
    let mut profiles: Vec<Arc<str>> = Vec::new();
    for name in list.split(',') {
        check_name("profile", name)?;
        if !profiles.iter().any(|known| **known == *name) {
            profiles.push(Arc::from(name));
        }
        if profiles.len() > MAX_PROFILES {
            return Err(AddressError { part: "profile", reason: "is one of more than 32" });
        }
    }
    Ok(profiles)
}

fn parse_label(label: &str) -> Result<Arc<str>, AddressError> {
    let reason = match label {
        label if label.len() > MAX_NAME => "is longer than 512 bytes",
        label if label.contains(is_unprintable) => "holds a control character",
        label => return Ok(Arc::from(label)),
    };
    Err(AddressError { part: "label", reason })
}

fn check_name(part: &'static str, name: &str) -> Result<(), AddressError> {
    let reason = match name {
        "" => "is empty",
        "." | ".." => "is a relative path",
        name if name.len() > MAX_NAME => "is longer than 512 bytes",
        name if name.contains(['/', '\\']) => "holds a slash or a backslash",
        name if name.contains(is_unprintable) => "holds a control character",
        _ => return Ok(()),
    };
    Err(AddressError { part, reason })
}

/// Control characters, line separators and the characters that reverse the direction of text: none of them can be told
/// apart in a log.
#[must_use]
pub fn is_unprintable(character: char) -> bool {
    character.is_control()
        || matches!(character, '\u{2028}' | '\u{2029}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(application: &str, profiles: &str, label: &str) -> String {
        Address::parse(application, Some(profiles), Some(label)).unwrap_err().to_string()
    }

    #[test]
    fn profiles_keep_their_order_and_count_once() {
        let address = Address::parse("app", Some("b,a,b"), None).unwrap();
        assert_eq!(address.profile_list(), "b,a");
        assert_eq!(Address::parse("app", None, Some("")).unwrap().profile_list(), "default");
        assert_eq!(Address::parse("app", None, Some("")).unwrap().label, None);
    }

    #[test]
    fn names_that_users_have_are_accepted() {
        for name in ["prod-eu", "a_b", "v1.2", "x+y", "u@h", "größe", "my app", "*", "~", "-x", "con", "(_)"] {
            assert!(Address::parse(name, Some(name), Some(name)).is_ok(), "{name}");
        }
    }

    #[test]
    fn names_that_could_mislead_are_refused_by_part() {
        assert_eq!(refusal("", "p", ""), "application is empty");
        assert_eq!(refusal("..", "p", ""), "application is a relative path");
        assert_eq!(refusal("a/b", "p", ""), "application holds a slash or a backslash");
        assert_eq!(refusal("a", "p,,q", ""), "profile is empty");
        assert_eq!(refusal("a", "p,..", ""), "profile is a relative path");
        assert_eq!(refusal("a", "p\\q", ""), "profile holds a slash or a backslash");
        assert_eq!(refusal("a\u{202e}b", "p", ""), "application holds a control character");
        assert_eq!(refusal("a", "p", "x\n"), "label holds a control character");
        assert_eq!(refusal("a", "p", &"x".repeat(513)), "label is longer than 512 bytes");
        let many: Vec<_> = (0..33).map(|number| number.to_string()).collect();
        assert_eq!(refusal("a", &many.join(","), ""), "profile is one of more than 32");
    }
}
