//! The decision: scopes on one side, an action on the other.

use std::fmt;
use std::ops::Deref;
use std::sync::Arc;

use crate::config::address::Address;

use super::scope::{Scope, Verb};

/// What an identity may do: scopes, of which one that denies beats all that allow.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Grants(Vec<Scope>);

/// What a request wants to do, with the names that the decision depends on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action<'a> {
    /// Read the merged configuration of an address from a label. Every profile must be allowed.
    Read {
        /// What is asked for.
        address: &'a Address,
        /// The label that answers, by its name; for an address without one, the default label.
        label: &'a str,
    },
    /// Read a file as it is.
    Plain {
        /// Of which application and profiles.
        address: &'a Address,
        /// Its path below the root.
        path: &'a str,
    },
    /// Evaluate a feature flag, or all of them.
    Flags {
        /// Of which application.
        application: &'a str,
        /// Which one; `None`: all of them.
        flag: Option<&'a str>,
    },
    /// Something about one application: `history`, `refresh`, `override`, `instances`.
    About(Verb, &'a str),
    /// Something about one key: `encrypt`, `decrypt`.
    WithKey(Verb, &'a str),
    /// Something that any scope of a verb allows, whatever it names; what comes back is narrowed by the caller.
    Any(Verb),
}

/// Whether an action is allowed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decision {
    /// It is.
    Allowed,
    /// It is not.
    Denied(Denial),
}

/// Why an action is denied; for the log and the audit log, never for the client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Denial {
    /// No scope allows it.
    NotGranted(Verb),
    /// This scope takes it away.
    TakenAway(Scope),
}

/// Something that access control has permitted. Only [`Grants`] make it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Permitted<T>(T);

impl Grants {
    /// Grants of these scopes.
    #[must_use]
    pub fn new(scopes: Vec<Scope>) -> Self {
        Self(scopes)
    }

    /// Grants of everything, for the server's own questions and for commands that work on files of the caller.
    #[must_use]
    pub fn everything() -> Self {
        let any = super::Pattern::any;
        Self(vec![Scope { denies: false, verb: Verb::Admin, subject: any(), detail: any(), label: None, path: None }])
    }

    /// These, but nothing of a verb.
    #[must_use]
    pub fn without(mut self, verb: Verb) -> Self {
        let any = super::Pattern::any;
        self.0.push(Scope { denies: true, verb, subject: any(), detail: any(), label: None, path: None });
        self
    }

    /// The scopes.
    #[must_use]
    pub fn scopes(&self) -> &[Scope] {
        &self.0
    }

    /// Decides about an action.
    #[must_use]
    pub fn decide(&self, action: Action<'_>) -> Decision {
        let denies = |scope: &&Scope| scope.denies && scope.touches(action);
        if let Some(scope) = self.0.iter().find(denies) {
            return Decision::Denied(Denial::TakenAway(scope.clone()));
        }
        match action.profiles() {
            // Each profile by itself, so that a list mixes nothing in that is not allowed.
            Some(profiles) if !profiles.iter().all(|profile| self.allows(action, Some(profile))) => {
                Decision::Denied(Denial::NotGranted(action.verb()))
            }
            None if !self.allows(action, None) => Decision::Denied(Denial::NotGranted(action.verb())),
            _ => Decision::Allowed,
        }
    }

    /// True if an action is allowed.
    #[must_use]
    pub fn may(&self, action: Action<'_>) -> bool {
        self.decide(action) == Decision::Allowed
    }

    /// True if everything that is read may be: no question about an address can be denied.
    #[must_use]
    pub fn reads_everything(&self) -> bool {
        let about = || self.0.iter().filter(|scope| scope.is_about(Verb::Read));
        about().any(|scope| !scope.denies && scope.is_unlimited()) && !about().any(|scope| scope.denies)
    }

    /// An address that may be read from a label.
    ///
    /// # Errors
    /// Why it may not.
    pub fn permit(&self, address: Address, label: &str) -> Result<Permitted<Address>, Denial> {
        match self.decide(Action::Read { address: &address, label }) {
            Decision::Allowed => Ok(Permitted(address)),
            Decision::Denied(denial) => Err(denial),
        }
    }

    /// The address of a file that may be read as it is.
    ///
    /// # Errors
    /// Why it may not.
    pub fn permit_plain(&self, address: Address, path: &str) -> Result<Permitted<Address>, Denial> {
        match self.decide(Action::Plain { address: &address, path }) {
            Decision::Allowed => Ok(Permitted(address)),
            Decision::Denied(denial) => Err(denial),
        }
    }

    fn allows(&self, action: Action<'_>, profile: Option<&str>) -> bool {
        self.0.iter().any(|scope| !scope.denies && scope.covers(action, profile))
    }
}

impl Action<'_> {
    /// The verb whose scopes decide.
    #[must_use]
    pub fn verb(&self) -> Verb {
        match self {
            Self::Read { .. } => Verb::Read,
            Self::Plain { .. } => Verb::Plain,
            Self::Flags { .. } => Verb::Flags,
            Self::About(verb, _) | Self::WithKey(verb, _) | Self::Any(verb) => *verb,
        }
    }

    fn profiles(&self) -> Option<&[Arc<str>]> {
        match self {
            Self::Read { address, .. } | Self::Plain { address, .. } => Some(&address.profiles),
            _ => None,
        }
    }
}

impl Scope {
    /// Whether an action has anything that the scope names: what a scope that denies is asked.
    fn touches(&self, action: Action<'_>) -> bool {
        match action {
            // One that denies a part of something does not deny the question; the answer is narrowed.
            Action::Any(verb) => self.is_about(verb) && self.is_unlimited(),
            Action::Flags { flag: None, .. } => self.covers(action, None) && self.detail.matches(""),
            _ => match action.profiles() {
                Some(profiles) => profiles.iter().any(|profile| self.covers(action, Some(profile))),
                None => self.covers(action, None),
            },
        }
    }

    /// Whether the scope names an action in one profile.
    fn covers(&self, action: Action<'_>, profile: Option<&str>) -> bool {
        if self.verb == Verb::Admin {
            return true;
        }
        let fits = |profile: Option<&str>| profile.is_none_or(|profile| self.detail.matches(profile));
        self.verb == action.verb()
            && match action {
                Action::Read { address, label } => {
                    let of_label = self.label.as_ref().is_none_or(|wanted| wanted.matches(label));
                    self.subject.matches(&address.application) && fits(profile) && of_label
                }
                Action::Plain { address, path } => {
                    let of_path = self.path.as_ref().is_some_and(|wanted| wanted.matches(path));
                    self.subject.matches(&address.application) && fits(profile) && of_path
                }
                Action::Flags { application, flag } => {
                    self.subject.matches(application) && flag.is_none_or(|flag| self.detail.matches(flag))
                }
                Action::About(_, name) | Action::WithKey(_, name) => self.subject.matches(name),
                Action::Any(_) => true,
            }
    }

    fn is_about(&self, verb: Verb) -> bool {
        self.verb == verb || self.verb == Verb::Admin
    }

    /// True if the scope is about everything that its verb can name.
    fn is_unlimited(&self) -> bool {
        let any = super::Pattern::any();
        self.subject == any && self.detail == any && self.label.is_none() && self.path.is_none()
    }
}

impl fmt::Display for Denial {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotGranted(verb) => write!(out, "no scope grants `{}` of this", verb.as_str()),
            Self::TakenAway(scope) => write!(out, "`{scope}` takes it away"),
        }
    }
}

impl<T> Deref for Permitted<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn grants(scopes: &[&str]) -> Grants {
        Grants::new(scopes.iter().map(|scope| Scope::parse(scope).unwrap()).collect())
    }

    fn address(application: &str, profiles: &str) -> Address {
        Address::parse(application, Some(profiles), None).unwrap()
    }

    fn reads(scopes: &[&str], application: &str, profiles: &str, label: &str) -> bool {
        grants(scopes).permit(address(application, profiles), label).is_ok()
    }

    #[test]
    fn reading_takes_a_scope_for_every_profile_and_for_the_label() {
        let cases: [(&[&str], &str, &str, &str, bool); 14] = [
            (&[], "pay", "dev", "main", false),
            (&["read:pay"], "pay", "dev", "main", true),
            (&["read:pay/dev"], "pay", "dev", "main", true),
            (&["read:pay/dev"], "pay", "production", "main", false),
            (&["read:pay/dev"], "pay", "dev,production", "main", false),
            (&["read:pay/dev", "read:pay/production"], "pay", "dev,production", "main", true),
            (&["read:pay/*@main"], "pay", "dev", "my-branch", false),
            (&["read:pay/*@main"], "pay", "dev", "main", true),
            (&["read:pay/*", "deny read:pay/production"], "pay", "dev,production", "main", false),
            (&["read:pay/*", "deny read:pay/production"], "pay", "dev", "main", true),
            (&["read:pay*"], "payments-admin", "dev", "main", true),
            (&["read:pay"], "payments", "dev", "main", false),
            (&["admin"], "pay", "dev", "main", true),
            (&["status", "metrics", "refresh", "plain:pay/*/x"], "pay", "dev", "main", false),
        ];
        for (scopes, application, profiles, label, expected) in cases {
            assert_eq!(
                reads(scopes, application, profiles, label),
                expected,
                "{scopes:?} {application}/{profiles}@{label}"
            );
        }
    }

    #[test]
    fn other_actions_take_the_scope_of_their_verb() {
        let pay = address("pay", "dev");
        let cases: [(&[&str], Action<'_>, bool); 16] = [
            (&["read:pay/*"], Action::Plain { address: &pay, path: "nginx.conf" }, false),
            (&["plain:pay/*/nginx.conf"], Action::Plain { address: &pay, path: "nginx.conf" }, true),
            (&["plain:pay/*/*.conf"], Action::Plain { address: &pay, path: "a/nginx.conf" }, false),
            (&["plain:pay/prod/*"], Action::Plain { address: &pay, path: "nginx.conf" }, false),
            (&["flags:pay"], Action::Flags { application: "pay", flag: Some("x") }, true),
            (&["flags:pay/x"], Action::Flags { application: "pay", flag: Some("y") }, false),
            (&["flags:pay", "deny flags:pay/x"], Action::Flags { application: "pay", flag: Some("x") }, false),
            (&["flags:pay", "deny flags:pay/x"], Action::Flags { application: "pay", flag: None }, true),
            (&["refresh:pay"], Action::Any(Verb::Refresh), true),
            (&["refresh", "deny refresh:pay"], Action::Any(Verb::Refresh), true),
            (&["refresh", "deny refresh"], Action::Any(Verb::Refresh), false),
            (&["refresh:pay"], Action::About(Verb::Refresh, "shop"), false),
            (&["encrypt:a"], Action::WithKey(Verb::Encrypt, "b"), false),
            (&["encrypt:a"], Action::WithKey(Verb::Decrypt, "a"), false),
            (&["admin"], Action::WithKey(Verb::Decrypt, "a"), true),
            (&["admin", "deny decrypt"], Action::WithKey(Verb::Decrypt, "a"), false),
        ];
        for (scopes, action, expected) in cases {
            assert_eq!(grants(scopes).may(action), expected, "{scopes:?} {action:?}");
        }
    }

    fn scope() -> impl Strategy<Value = String> {
        let verbs = prop::sample::select(vec!["read:a", "read:a/x", "read:*/x@m", "read:b", "admin", "status"]);
        (prop::bool::ANY, verbs)
            .prop_map(|(denies, scope)| if denies { format!("deny {scope}") } else { scope.to_owned() })
    }

    proptest! {
        /// More scopes that deny never allow more; more that allow never deny.
        #[test]
        fn denying_takes_away_and_allowing_adds(
            scopes in prop::collection::vec(scope(), 0..5),
            more in scope(),
            application in "[ab]",
            profiles in "[xy](,[xy])?",
        ) {
            let texts: Vec<_> = scopes.iter().map(String::as_str).collect();
            let with: Vec<_> = texts.iter().copied().chain([more.as_str()]).collect();
            let (before, after) =
                (reads(&texts, &application, &profiles, "m"), reads(&with, &application, &profiles, "m"));
            if more.starts_with("deny ") {
                prop_assert!(before || !after);
            } else {
                prop_assert!(!before || after);
            }
        }

        #[test]
        fn the_order_of_scopes_does_not_matter(mut scopes in prop::collection::vec(scope(), 0..6), profiles in "[xy](,[xy])?") {
            let texts: Vec<_> = scopes.iter().map(String::as_str).collect();
            let before = reads(&texts, "a", &profiles, "m");
            scopes.reverse();
            let texts: Vec<_> = scopes.iter().map(String::as_str).collect();
            prop_assert_eq!(before, reads(&texts, "a", &profiles, "m"));
        }
    }
}
