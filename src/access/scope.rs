//! One scope: something that an identity may do, or may not, as tokens, roles and rules write it.
//!
//! ```text
//! read:<application>[/<profile>][@<label>]      the merged configuration, watches, Consul's keys
//! plain:<application>/<profile>/<path>          files that are served as they are
//! flags:<application>[/<flag>]                  evaluation of feature flags
//! history[:<application>]  refresh[:<application>]  instances[:<application>]  override[:<application>]
//! encrypt[:<key>]  decrypt[:<key>]  status  metrics  admin
//! ```
//!
//! Before any of them, `deny ` takes away what another scope allows. `*` stands for characters of one segment, `(_)` for
//! a slash in the name of an application. `admin` is every one of them.

use std::fmt;

use super::pattern::Pattern;

/// What a scope is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Verb {
    /// Read merged configuration.
    Read,
    /// Read files that are served as they are.
    Plain,
    /// Evaluate feature flags.
    Flags,
    /// Ask for a fetch.
    Refresh,
    /// Seal values.
    Encrypt,
    /// Open sealed values.
    Decrypt,
    /// See earlier values, with the commits that changed them.
    History,
    /// Set and end overrides.
    Override,
    /// See and report instances.
    Instances,
    /// See what the server holds, without values.
    Status,
    /// Read the metrics.
    Metrics,
    /// All of them.
    Admin,
}

/// Every verb, in the order of the documentation.
const VERBS: [(&str, Verb); 12] = [
    ("read", Verb::Read),
    ("plain", Verb::Plain),
    ("flags", Verb::Flags),
    ("refresh", Verb::Refresh),
    ("encrypt", Verb::Encrypt),
    ("decrypt", Verb::Decrypt),
    ("history", Verb::History),
    ("override", Verb::Override),
    ("instances", Verb::Instances),
    ("status", Verb::Status),
    ("metrics", Verb::Metrics),
    ("admin", Verb::Admin),
];

/// What comes before a scope that takes away.
const DENY: &str = "deny ";

/// One scope.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scope {
    /// It takes away instead of granting.
    pub denies: bool,
    /// What it is about.
    pub verb: Verb,
    /// Which application, or for `encrypt` and `decrypt` which key.
    pub(super) subject: Pattern,
    /// Which profile; for `flags` which flag.
    pub(super) detail: Pattern,
    /// Which label, every one if there is none.
    pub(super) label: Option<Pattern>,
    /// Which path of `plain`, segment by segment; `**` at the end stands for all below.
    pub(super) path: Option<Pattern>,
}

/// Why a text is not a scope.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{scope}` {reason}")]
pub struct ScopeError {
    /// The text.
    pub scope: String,
    /// What is wrong with it.
    pub reason: String,
    /// What to write instead.
    pub hint: String,
}

impl Verb {
    /// The word of the verb.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        VERBS.iter().find(|(_, verb)| *verb == self).map_or("", |(word, _)| word)
    }

    fn of_word(word: &str) -> Option<Self> {
        VERBS.iter().find(|(known, _)| *known == word).map(|(_, verb)| *verb)
    }

    /// What may stand behind the verb's colon.
    fn grammar(self) -> &'static str {
        match self {
            Self::Read => "read:APPLICATION/PROFILE or read:APPLICATION/PROFILE@LABEL, such as read:pay-*/*@main",
            Self::Plain => "plain:APPLICATION/PROFILE/PATH, such as plain:pay/*/nginx.conf",
            Self::Flags => "flags:APPLICATION or flags:APPLICATION/FLAG",
            Self::Encrypt | Self::Decrypt => "the verb alone, or with the id of a key, such as encrypt:prod-2026a",
            Self::Refresh | Self::History | Self::Override | Self::Instances => {
                "the verb alone, or with an application, such as refresh:pay-*"
            }
            Self::Status | Self::Metrics | Self::Admin => "the verb alone",
        }
    }
}

impl Scope {
    /// Reads a scope.
    ///
    /// # Errors
    /// If the verb is unknown or what follows it does not fit; the error says what would.
    pub fn parse(text: &str) -> Result<Self, ScopeError> {
        let denied = text.strip_prefix(DENY);
        let body = denied.unwrap_or(text);
        let (word, rest) = body.split_once(':').map_or((body, None), |(word, rest)| (word, Some(rest)));
        let Some(verb) = Verb::of_word(word) else {
            let words: Vec<_> = VERBS.iter().map(|(word, _)| *word).collect();
            let reason = "does not begin with a verb that exists".to_owned();
            let hint = format!("the verbs are {}; `deny ` before one takes it away", words.join(", "));
            return Err(ScopeError { scope: text.to_owned(), reason, hint });
        };
        let fault = |reason: &str| ScopeError {
            scope: text.to_owned(),
            reason: reason.to_owned(),
            hint: format!("write {}", verb.grammar()),
        };
        let parts = Parts::split(verb, rest).map_err(fault)?;
        let pattern = |part: Option<String>, name: &str| match part {
            Some(part) => {
                Pattern::parse(&part).ok_or_else(|| fault(&format!("has an empty {name}, or one with blanks")))
            }
            None => Ok(Pattern::any()),
        };
        Ok(Self {
            denies: denied.is_some(),
            verb,
            subject: pattern(parts.subject, "name")?,
            detail: pattern(parts.detail, "second part")?,
            label: parts.label.map(|label| pattern(Some(label), "label")).transpose()?,
            path: parts.path.map(|path| pattern(Some(path), "path")).transpose()?,
        })
    }
}

/// What stands behind the colon, taken apart.
#[derive(Default)]
struct Parts {
    subject: Option<String>,
    detail: Option<String>,
    label: Option<String>,
    path: Option<String>,
}

impl Parts {
    fn split(verb: Verb, rest: Option<&str>) -> Result<Self, &'static str> {
        let needs = matches!(verb, Verb::Read | Verb::Plain | Verb::Flags);
        let Some(rest) = rest else {
            return if needs { Err("does not name an application") } else { Ok(Self::default()) };
        };
        match verb {
            Verb::Status | Verb::Metrics | Verb::Admin => Err("has something behind the verb"),
            Verb::Read => {
                let (named, label) = rest.split_once('@').map_or((rest, None), |(named, label)| (named, Some(label)));
                let parts = Self::named(named)?;
                Ok(Self { label: label.map(str::to_owned), ..parts })
            }
            Verb::Plain => {
                let mut steps = rest.splitn(3, '/');
                let (subject, detail, path) = (steps.next(), steps.next(), steps.next());
                let (Some(subject), Some(detail), Some(path)) = (subject, detail, path) else {
                    return Err("does not name application, profile and path");
                };
                let path = Some(path.to_owned());
                Ok(Self { subject: Some(slashed(subject)), detail: Some(detail.to_owned()), path, label: None })
            }
            Verb::Flags => Self::named(rest),
            _ if rest.contains('/') => Err("has a slash, which the name of an application is written with as `(_)`"),
            _ => Ok(Self { subject: Some(slashed(rest)), ..Self::default() }),
        }
    }

    /// `NAME` or `NAME/DETAIL`.
    fn named(text: &str) -> Result<Self, &'static str> {
        let mut steps = text.split('/');
        let (subject, detail) = (steps.next().unwrap_or_default(), steps.next());
        if steps.next().is_some() {
            return Err("has more than two segments");
        }
        Ok(Self { subject: Some(slashed(subject)), detail: detail.map(str::to_owned), ..Self::default() })
    }
}

/// The name of an application with its slashes, which are written as Spring's clients write them.
fn slashed(name: &str) -> String {
    name.replace("(_)", "/")
}

impl fmt::Display for Scope {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let deny = if self.denies { DENY } else { "" };
        write!(formatter, "{deny}{}", self.verb.as_str())?;
        let subject = self.subject.to_string().replace('/', "(_)");
        match self.verb {
            Verb::Status | Verb::Metrics | Verb::Admin => Ok(()),
            Verb::Read | Verb::Flags => write!(formatter, ":{subject}/{}", self.detail),
            Verb::Plain => write!(formatter, ":{subject}/{}", self.detail),
            _ => write!(formatter, ":{subject}"),
        }?;
        if let Some(path) = &self.path {
            write!(formatter, "/{path}")?;
        }
        self.label.as_ref().map_or(Ok(()), |label| write!(formatter, "@{label}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> String {
        match Scope::parse(text) {
            Ok(scope) => scope.to_string(),
            Err(error) => format!("{error}; {}", error.hint),
        }
    }

    #[test]
    fn scopes_are_read_and_written_alike() {
        let cases = [
            ("read:user-service/*", "read:user-service/*"),
            ("read:user-service", "read:user-service/*"),
            ("read:pay-*/production@main", "read:pay-*/production@main"),
            ("read:pay/*@release/*", "read:pay/*@release/*"),
            ("read:team(_)shop/dev", "read:team(_)shop/dev"),
            ("deny read:pay/production", "deny read:pay/production"),
            ("plain:pay/*/nginx/site.conf", "plain:pay/*/nginx/site.conf"),
            ("flags:pay", "flags:pay/*"),
            ("flags:pay/new_checkout", "flags:pay/new_checkout"),
            ("refresh", "refresh:*"),
            ("refresh:pay-*", "refresh:pay-*"),
            ("encrypt:prod-2026a", "encrypt:prod-2026a"),
            ("history", "history:*"),
            ("status", "status"),
            ("admin", "admin"),
        ];
        for (text, expected) in cases {
            assert_eq!(read(text), expected);
            assert_eq!(read(expected), expected, "what is written can be read");
        }
    }

    #[test]
    fn what_is_no_scope_says_why_and_what_would_be() {
        let cases = [
            ("raed:pay/*", "does not begin with a verb that exists; the verbs are read, plain"),
            ("", "does not begin with a verb that exists"),
            ("deny", "does not begin with a verb that exists"),
            ("Read:pay/*", "does not begin with a verb that exists"),
            ("read", "does not name an application; write read:APPLICATION/PROFILE"),
            ("read:", "has an empty name"),
            ("read:/dev", "has an empty name"),
            ("read:pay/", "has an empty second part"),
            ("read:pay/dev@", "has an empty label"),
            ("read:pay/dev/x", "has more than two segments"),
            ("read:pay /dev", "has an empty name, or one with blanks"),
            ("plain:pay/dev", "does not name application, profile and path"),
            ("status:x", "has something behind the verb; write the verb alone"),
            ("refresh:a/b", "has a slash"),
            ("encrypt:", "has an empty name"),
        ];
        for (text, expected) in cases {
            let told = read(text);
            assert!(told.contains(expected), "{text}: {told}");
        }
    }
}
