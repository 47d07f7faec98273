//! The arguments that several commands share: what is asked for, and how the answer is spelled.

use std::sync::Arc;

use clap::ValueEnum;

use crate::config::address::{Address, DEFAULT_PROFILE};
use crate::config::interpolate;
use crate::{answer, format};

use super::console::{Exit, Failure};

/// What is asked for.
#[derive(Debug, clap::Args)]
pub(super) struct Question {
    /// The application (service)
    pub(super) application: String,
    /// Profiles, separated by commas
    #[arg(default_value = DEFAULT_PROFILE)]
    pub(super) profiles: String,
    /// Branch, tag or full commit id [default: that of the source]
    #[arg(long)]
    pub(super) label: Option<String>,
}

/// How an answer is spelled.
#[derive(Debug, clap::Args)]
pub(super) struct Spelling {
    /// The format of the answer
    #[arg(long, value_enum, default_value = "json")]
    pub(super) format: Format,
    /// Only this key, such as `server.port`
    #[arg(long, value_name = "KEY")]
    pub(super) key: Option<String>,
    /// Which placeholders `${key}` are filled in
    #[arg(long, value_enum, default_value = "known")]
    pub(super) resolve: Resolve,
    /// Break lines and indent (JSON)
    #[arg(long)]
    pub(super) pretty: bool,
}

/// The formats of answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Format {
    Json,
    Yaml,
    /// As Java reads them
    Properties,
    /// `KEY="value"` lines
    Env,
    Toml,
}

/// Which placeholders are filled in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Resolve {
    /// Those whose key has a value
    Known,
    /// Those, and defaults for the others
    All,
    /// None
    False,
}

impl Question {
    /// The address that is asked for. A name that is none would lead to another path on the server.
    pub(super) fn address(&self) -> Result<Address, Failure> {
        Address::parse(&self.application, Some(&self.profiles), self.label.as_deref())
            .map_err(|error| Failure::new(Exit::Usage, error.to_string()))
    }

    /// The path of an answer of that kind.
    pub(super) fn path(&self, kind: &'static str) -> Result<[&str; 5], Failure> {
        self.address()?;
        Ok(["api", "v1", kind, &self.application, &self.profiles])
    }

    /// The label as a parameter of a query.
    pub(super) fn query(&self) -> Vec<(&'static str, &str)> {
        self.label.iter().map(|label| ("label", label.as_str())).collect()
    }
}

impl Spelling {
    /// The spelling as the answering half of the crate takes it.
    pub(super) fn to_answer(&self) -> answer::Spelling {
        answer::Spelling {
            format: self.format.to_format(),
            resolve: self.resolve.to_resolve(),
            pretty: self.pretty,
            key: self.key.as_deref().map(Arc::from),
        }
    }

    /// The parameters of a query, without those that ask for what is the default.
    pub(super) fn query(&self) -> Vec<(&'static str, &str)> {
        let mut query = Vec::new();
        query.extend(self.key.iter().map(|key| ("key", key.as_str())));
        query.extend((self.format != Format::Json).then(|| ("format", self.format.name())));
        query.extend((self.resolve != Resolve::Known).then(|| ("resolve", self.resolve.name())));
        query.extend(self.pretty.then_some(("pretty", "true")));
        query
    }
}

impl Format {
    const fn to_format(self) -> format::Format {
        match self {
            Self::Json => format::Format::Json,
            Self::Yaml => format::Format::Yaml,
            Self::Properties => format::Format::Properties,
            Self::Env => format::Format::Dotenv,
            Self::Toml => format::Format::Toml,
        }
    }

    /// The name in `--format` and `?format=`.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Json => "json",
            Self::Yaml => "yaml",
            Self::Properties => "properties",
            Self::Env => "env",
            Self::Toml => "toml",
        }
    }
}

impl Resolve {
    const fn to_resolve(self) -> interpolate::Resolve {
        match self {
            Self::Known => interpolate::Resolve::Known,
            Self::All => interpolate::Resolve::All,
            Self::False => interpolate::Resolve::Nothing,
        }
    }

    /// The name in `--resolve` and `?resolve=`.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Known => "known",
            Self::All => "all",
            Self::False => "false",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_on_the_command_line_are_those_of_the_query() {
        for format in Format::value_variants() {
            assert_eq!(format.to_possible_value().unwrap().get_name(), format.name());
            assert!(crate::format::Format::of_name(format.name()).is_some());
        }
        for resolve in Resolve::value_variants() {
            assert_eq!(resolve.to_possible_value().unwrap().get_name(), resolve.name());
        }
    }
}
