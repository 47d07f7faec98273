//! The place that a value is sealed for, as the command line names it: an application and a key, and what of them counts.

use clap::ValueEnum;

use crate::config::address::Address;
use crate::config::select::{Rank, SHARED};
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
    /// The file in which the value will stand, by its path from the root, in the place of --application and --profile; it
    /// need not be there
    #[arg(long, value_name = "PATH", conflicts_with_all = ["application", "profile"])]
    file: Option<String>,
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
    rank: Option<Rank>,
    key: String,
}

impl PlaceArgs {
    /// The place, if all of it is named that a value with that context is bound to.
    pub(super) fn spot(
        &self,
        context: place::Context,
        rank_of: impl FnOnce(&str) -> Result<Rank, Failure>,
    ) -> Result<Spot, Failure> {
        let needed: &[(&str, &Option<String>)] = match context {
            place::Context::Prop => &[("--application", &self.application), ("--key", &self.key)],
            place::Context::App => &[("--application", &self.application)],
            place::Context::Any => &[],
        };
        let is_missing = |flag: &str| flag != "--application" || self.file.is_none();
        if let Some((flag, _)) = needed.iter().find(|(flag, given)| given.is_none() && is_missing(flag)) {
            let message = format!("a value of context `{}` is bound to its place: {flag} is missing", context.name());
            return Err(Failure::new(Exit::Usage, message)
                .with_hint("for example --application user-service --profile production --key datasource.password"));
        }
        let key = self.key.clone().unwrap_or_default();
        if let Some(file) = &self.file {
            return Ok(Spot { rank: Some(rank_of(file)?), key });
        }
        let Some(application) = &self.application else { return Ok(Spot { rank: None, key }) };
        let address = Address::parse(application, self.profile.as_deref(), None)
            .map_err(|error| Failure::new(Exit::Usage, error.to_string()))?;
        if address.profiles.len() > 1 {
            return Err(Failure::new(Exit::Usage, "--profile: a file is for one profile at most"));
        }
        if context == place::Context::App && application == SHARED {
            return Err(Failure::new(Exit::Usage, "files of `application` are for all applications")
                .with_hint("leave --context out, so that the value is bound to its key"));
        }
        Ok(Spot { rank: Some(Rank::named(application, self.profile.as_deref())), key })
    }
}

impl Spot {
    /// The place as sealing takes it.
    pub(super) fn place(&self) -> Place<'_> {
        match &self.rank {
            Some(rank) => Place::of(rank, &self.key),
            None => Place { rank: "", application: None, target: None, key: &self.key },
        }
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
            file: None,
            key: key.map(str::to_owned),
        };
        let told = |args: &PlaceArgs, context| match args.spot(context, |_| unreachable!("no file is named")) {
            Ok(spot) => {
                let (name, application) = spot.rank.map_or_else(Default::default, |rank| (rank.name, rank.application));
                format!("{name} {application} {}", spot.key)
            }
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
        let two = told(&args(Some("user"), Some("a,b"), Some("a")), prop);
        assert_eq!(two, "error: --profile: a file is for one profile at most");
    }
}
