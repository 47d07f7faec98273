//! Which source answers which address: the patterns of the settings, tried in their order.
//!
//! What a source holds plays no part here, only what was asked for.

use globset::{GlobBuilder, GlobMatcher};

use crate::config::address::Address;

/// The addresses that a source answers.
#[derive(Debug, Clone)]
pub struct Patterns {
    /// Empty: all of them.
    patterns: Vec<Pattern>,
}

#[derive(Debug, Clone)]
struct Pattern {
    application: GlobMatcher,
    /// `None`: any profile.
    profile: Option<GlobMatcher>,
}

/// Why a text is no pattern.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{pattern}` is no pattern: {reason}")]
pub struct PatternError {
    pattern: String,
    reason: String,
}

impl Patterns {
    /// Reads patterns of the form `application` or `application/profile`, in which `*` stands for any text.
    ///
    /// # Errors
    /// Names the pattern that cannot be read.
    pub fn parse<S: AsRef<str>>(patterns: &[S]) -> Result<Self, PatternError> {
        let parsed = patterns.iter().map(|pattern| Pattern::parse(pattern.as_ref())).collect::<Result<Vec<_>, _>>()?;
        // One that admits everything makes the others needless.
        let is_all = patterns.iter().any(|pattern| matches!(pattern.as_ref(), "*" | "*/*"));
        Ok(Self { patterns: if is_all { Vec::new() } else { parsed } })
    }

    /// True if the source answers the address: a pattern matches its application and one of its profiles.
    #[must_use]
    pub fn admit(&self, address: &Address) -> bool {
        self.patterns.is_empty() || self.patterns.iter().any(|pattern| pattern.admits(address))
    }
}

impl Pattern {
    fn parse(text: &str) -> Result<Self, PatternError> {
        let glob = |part: &str| {
            let built = GlobBuilder::new(part).literal_separator(false).build();
            let refuse = |reason: String| PatternError { pattern: text.to_owned(), reason };
            match part.is_empty() {
                true => Err(refuse("there is nothing before or after its `/`".to_owned())),
                false => built.map(|glob| glob.compile_matcher()).map_err(|error| refuse(error.kind().to_string())),
            }
        };
        Ok(match text.split_once('/') {
            Some((application, profile)) => Self { application: glob(application)?, profile: Some(glob(profile)?) },
            None => Self { application: glob(text)?, profile: None },
        })
    }

    fn admits(&self, address: &Address) -> bool {
        let of_profile = |glob: &GlobMatcher| address.profiles.iter().any(|profile| glob.is_match(&**profile));
        self.application.is_match(&*address.application) && self.profile.as_ref().is_none_or(of_profile)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_names_applications_and_if_it_has_a_slash_profiles() {
        let cases: [(&[&str], &str, &str, bool); 12] = [
            (&["*"], "user", "dev", true),
            (&["user"], "user", "dev", true),
            (&["user"], "user-service", "dev", false),
            (&["user*"], "user-service", "dev", true),
            (&["user/dev"], "user", "dev", true),
            (&["user/dev"], "user", "prod", false),
            (&["user/dev"], "user", "prod,dev", true),
            (&["*/prod*"], "order", "production", true),
            (&["*/prod"], "order", "production", false),
            (&["user", "order/*"], "order", "x", true),
            (&["user", "*/*"], "pay", "x", true),
            (&["team-{a,b}"], "team-b", "x", true),
        ];
        for (patterns, application, profiles, expected) in cases {
            let address = Address::parse(application, Some(profiles), None).unwrap();
            let admitted = Patterns::parse(patterns).unwrap().admit(&address);
            assert_eq!(admitted, expected, "{patterns:?} {application}/{profiles}");
        }
    }

    #[test]
    fn what_is_no_pattern_is_named() {
        let told = |pattern: &str| Patterns::parse(&["ok", pattern]).unwrap_err().to_string();
        assert_eq!(told("user/"), "`user/` is no pattern: there is nothing before or after its `/`");
        assert_eq!(told("/dev"), "`/dev` is no pattern: there is nothing before or after its `/`");
        assert_eq!(told("[x"), "`[x` is no pattern: unclosed character class; missing ']'");
    }
}
