//! The place that a value is sealed for, as the command line names it: an application and a key, and what of them counts.

use clap::ValueEnum;

use crate::config::address::Address;
use crate::config::select::SHARED;
use crate::secret::place::{self, Place};

use super::console::{Exit, Failure};

/// The place of a value that stands in no file yet.
#[derive(Debug, clap::Args)]
pub(super) struct PlaceArgs {
    /// The application in whose files the value will stand; `application` for files of all applications
    #[arg(long, value_name = "NAME")]
    application: Option<String>,
    /// The profile of the file, if it is for one
    #[arg(long, value_name = "NAME", requires = "application")]
    profile: Option<String>,
    /// The key of the value, such as `spring.datasource.password`
    #[arg(long, value_name = "KEY")]
    key: Option<String>,
}

/// What a value is bound to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Context {
    /// Its key, in files of one application and profile
    Prop,
    /// One application, under any key
    App,
    /// Nothing: it opens wherever it is copied
    Any,
}

/// The place itself.
pub(super) struct Spot {
    rank: String,
    application: String,
    key: String,
}

impl PlaceArgs {
    /// The place, if all of it is named that a value with that context is bound to.
    pub(super) fn spot(&self, context: place::Context) -> Result<Spot, Failure> {
        let needed: &[(&str, &Option<String>)] = match context {
            place::Context::Prop => &[("--application", &self.application), ("--key", &self.key)],
            place::Context::App => &[("--application", &self.application)],
            place::Context::Any => &[],
        };
        if let Some((flag, _)) = needed.iter().find(|(_, given)| given.is_none()) {
            let message = format!("a value of context `{}` is bound to its place: {flag} is missing", context.name());
            return Err(Failure::new(Exit::Usage, message)
                .with_hint("for example --application user-service --profile production --key datasource.password"));
        }
        let application = self.application.clone().unwrap_or_default();
        if self.application.is_some() {
            Address::parse(&application, self.profile.as_deref(), None)
                .map_err(|error| Failure::new(Exit::Usage, error.to_string()))?;
        }
        if context == place::Context::App && application == SHARED {
            return Err(Failure::new(Exit::Usage, "files of `application` are for all applications")
                .with_hint("leave --context out, so that the value is bound to its key"));
        }
        let rank =
            self.profile.as_ref().map_or_else(|| application.clone(), |profile| format!("{application}-{profile}"));
        Ok(Spot { rank, application, key: self.key.clone().unwrap_or_default() })
    }
}

impl Spot {
    /// The place as sealing takes it.
    pub(super) fn place(&self) -> Place<'_> {
        Place { rank: &self.rank, application: Some(&self.application), key: &self.key }
    }
}

impl Context {
    /// The context itself.
    pub(super) const fn to_context(self) -> place::Context {
        match self {
            Self::Prop => place::Context::Prop,
            Self::App => place::Context::App,
            Self::Any => place::Context::Any,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn contexts_have_the_names_of_the_envelope() {
        for context in Context::value_variants() {
            assert_eq!(context.to_possible_value().unwrap().get_name(), context.to_context().name());
        }
    }

    #[test]
    fn as_much_of_a_place_is_needed_as_a_value_is_bound_to() {
        let args = |application: Option<&str>, profile: Option<&str>, key: Option<&str>| PlaceArgs {
            application: application.map(str::to_owned),
            profile: profile.map(str::to_owned),
            key: key.map(str::to_owned),
        };
        let told = |args: &PlaceArgs, context| match args.spot(context) {
            Ok(spot) => format!("{} {} {}", spot.rank, spot.application, spot.key),
            Err(failure) => failure.to_string().lines().next().unwrap_or_default().to_owned(),
        };
        let [prop, app, any] = place::Context::ALL;
        let (none, whole) = (args(None, None, None), args(Some("user"), Some("dev"), Some("a.b")));
        assert_eq!(told(&whole, prop), "user-dev user a.b");
        assert_eq!(told(&args(Some("user"), None, None), app), "user user ");
        assert_eq!(told(&none, any), "  ");
        let missing = "error: a value of context `prop` is bound to its place: --key is missing";
        assert_eq!(told(&args(Some("user"), None, None), prop), missing);
        assert_eq!(told(&none, app), missing.replace("prop", "app").replace("--key", "--application"));
        let shared = args(Some("application"), None, Some("a"));
        assert_eq!(told(&shared, prop), "application application a");
        assert_eq!(told(&shared, app), "error: files of `application` are for all applications");
        assert!(told(&args(Some("a/b"), None, Some("a")), prop).starts_with("error: "));
    }
}
