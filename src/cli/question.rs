//! The arguments that several commands share: what is asked for, and how the answer is spelled.

use std::sync::Arc;

use clap::ValueEnum;

use crate::config::address::{Address, DEFAULT_PROFILE};
use crate::config::interpolate;
use crate::format::wish::{Misasked, Wish};
use crate::{answer, format};

use super::console::{Exit, Failure, plain};

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
    /// Print one value bare: no quotes, no line end unless on a terminal
    #[arg(long, value_name = "KEY", num_args = 0..=1, conflicts_with_all = ["format", "pretty"])]
    raw: Option<Option<String>>,
    /// Which placeholders `${key}` are filled in
    #[arg(long, value_enum, default_value = "known")]
    pub(super) resolve: Resolve,
    /// Break lines and indent (JSON)
    #[arg(long)]
    pub(super) pretty: bool,
    /// Names of variables for `server.max-threads`: SERVER_MAXTHREADS (relaxed), SERVER_MAX_THREADS (upper),
    /// SERVER__MAX_THREADS (nested) or as it is (dotted) [default: relaxed]
    #[arg(long, value_name = "STYLE", help_heading = VARIABLES)]
    names: Option<String>,
    /// Put this before the name of every variable
    #[arg(long, value_name = "TEXT", help_heading = VARIABLES)]
    prefix: Option<String>,
    /// With env, refuse what one of these programs would read differently: sh, python, node, compose, go, or all
    #[arg(long, value_name = "LIST", help_heading = VARIABLES)]
    readers: Option<String>,
    /// With configmap and secret, the name of the object [default: APPLICATION, or APPLICATION-PROFILES]
    #[arg(long, value_name = "NAME", help_heading = VARIABLES)]
    name: Option<String>,
    /// With configmap and secret, one file such as application.yml instead of a key for each variable
    #[arg(long, value_name = "FILE", help_heading = VARIABLES)]
    file: Option<String>,
    /// With configmap and secret, only values that are sealed in the repository, or only the others
    #[arg(long, value_name = "plain|sealed", help_heading = VARIABLES)]
    only: Option<String>,
}

const VARIABLES: &str = "Variables and manifests";

/// The formats of answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Format {
    Json,
    Yaml,
    /// As Java reads them
    Properties,
    Toml,
    /// A dotenv file
    Env,
    /// `export` lines for `eval`
    Shell,
    /// For `docker run --env-file`
    Docker,
    /// A ConfigMap of Kubernetes
    #[value(name = "configmap")]
    ConfigMap,
    /// A Secret of Kubernetes
    Secret,
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
    /// The key that is asked for, by whichever of the two options.
    pub(super) fn key(&self) -> Result<Option<&str>, Failure> {
        let raw = self.raw.as_ref().and_then(Option::as_deref);
        match (raw, self.key.as_deref(), self.is_raw()) {
            (Some(_), Some(_), _) => Err(Failure::new(Exit::Usage, "the key is given twice, by `--key` and `--raw`")),
            (None, None, true) => Err(Failure::new(Exit::Usage, "`--raw` prints one value, and no key is given")
                .with_hint("write `--raw server.port`")),
            (raw, key, _) => Ok(raw.or(key)),
        }
    }

    /// True if one bare value is asked for.
    pub(super) const fn is_raw(&self) -> bool {
        self.raw.is_some()
    }

    /// The spelling as the answering half of the crate takes it.
    pub(super) fn to_answer(&self, address: &Address) -> Result<answer::Spelling, Failure> {
        let wish = Wish {
            format: (!self.is_raw()).then(|| self.format.name()),
            raw: self.is_raw(),
            names: self.names.as_deref(),
            prefix: self.prefix.as_deref(),
            readers: self.readers.as_deref(),
            name: self.name.as_deref(),
            file: self.file.as_deref(),
            only: self.only.as_deref(),
        };
        Ok(answer::Spelling {
            notation: wish.notation(format::Format::Json, address).map_err(misasked)?,
            resolve: self.resolve.to_resolve(),
            pretty: self.pretty,
            key: self.key()?.map(Arc::from),
        })
    }

    /// The parameters of a query, without those that ask for what is the default.
    pub(super) fn query<'a>(&'a self, key: Option<&'a str>) -> Vec<(&'static str, &'a str)> {
        let mut query = Vec::new();
        query.extend(key.map(|key| ("key", key)));
        query.extend((self.format != Format::Json).then(|| ("format", self.format.name())));
        query.extend(self.is_raw().then_some(("raw", "true")));
        query.extend((self.resolve != Resolve::Known).then(|| ("resolve", self.resolve.name())));
        query.extend(self.pretty.then_some(("pretty", "true")));
        let others = [
            ("names", &self.names),
            ("prefix", &self.prefix),
            ("readers", &self.readers),
            ("name", &self.name),
            ("file", &self.file),
            ("only", &self.only),
        ];
        query.extend(others.into_iter().filter_map(|(name, value)| Some((name, value.as_deref()?))));
        query
    }
}

/// An option that cannot be what it is.
fn misasked(error: Misasked) -> Failure {
    let Misasked { parameter, value, expected } = error;
    match value {
        Some(value) => Failure::new(Exit::Usage, format!("`--{parameter}` cannot be `{}`", plain(&value)))
            .with_hint(format!("it is {expected}")),
        None => Failure::new(Exit::Usage, format!("`--{parameter}` is {expected}")),
    }
}

impl Format {
    /// The name in `--format` and `?format=`.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Json => "json",
            Self::Yaml => "yaml",
            Self::Properties => "properties",
            Self::Toml => "toml",
            Self::Env => "env",
            Self::Shell => "shell",
            Self::Docker => "docker",
            Self::ConfigMap => "configmap",
            Self::Secret => "secret",
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
    use crate::format::wish::FORMATS;

    #[test]
    fn names_on_the_command_line_are_those_of_the_query() {
        let formats: Vec<_> = Format::value_variants().iter().map(|format| format.name()).collect();
        assert_eq!(formats, FORMATS);
        for format in Format::value_variants() {
            assert_eq!(format.to_possible_value().unwrap().get_name(), format.name());
        }
        for resolve in Resolve::value_variants() {
            assert_eq!(resolve.to_possible_value().unwrap().get_name(), resolve.name());
        }
    }
}
