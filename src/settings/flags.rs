//! What the command line says about settings: the flags that rows of the table have, and the file to read.

use std::collections::BTreeMap;
use std::sync::Arc;

use clap::{Arg, ArgAction, ArgMatches, Command};

use crate::config::layer::Data;

use super::Environment;
use super::inputs::{Inputs, Name};
use super::origin::Origin;
use super::row::{FlagSpec, Row};
use super::table;

const SETTINGS: &str = "--settings";
const FROM_SPRING: &str = "--from-spring";

/// The settings that name what is served; given here, they replace the sources of the file.
const SOURCE: [&str; 2] = ["sources[].git", "sources[].dir"];

/// What the command line says about settings.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Flags {
    /// `--settings`: the settings file.
    pub settings: Option<String>,
    /// `--from-spring`: the settings of a Spring Cloud Config Server, in the place of a settings file.
    pub from_spring: Option<String>,
    /// What flags and arguments give, by the name of the setting.
    pub given: BTreeMap<&'static str, String>,
}

impl Flags {
    /// Gives a setting that has a flag the value of that flag.
    #[must_use]
    pub fn with(mut self, setting: &'static str, text: impl Into<String>) -> Self {
        self.given.insert(setting, text.into());
        self
    }

    /// The file that is read, with the flag that names it.
    pub(super) fn file(&self) -> Option<(&str, &'static str)> {
        let settings = self.settings.as_deref().map(|name| (name, SETTINGS));
        settings.or(self.from_spring.as_deref().map(|name| (name, FROM_SPRING)))
    }

    /// True if a flag or argument names what is served.
    pub(super) fn name_a_source(&self) -> bool {
        SOURCE.iter().any(|name| self.given.contains_key(name))
    }

    pub(super) fn read(&self, environment: &Environment, inputs: &mut Inputs) {
        for (row, flag) in flags() {
            if let Some(text) = self.given.get(row.name) {
                let data = Data::Text(Arc::from(text.as_str()));
                inputs.give(Name { row, index: 0 }, &data, &environment.directory, &Origin::Flag(flag.spelled));
            }
        }
    }
}

fn flags() -> impl Iterator<Item = (&'static Row, FlagSpec)> {
    table::rows().filter_map(|row| Some((row, row.flag?)))
}

fn arg(flag: FlagSpec) -> Arg {
    let arg = Arg::new(flag.spelled).help(flag.help);
    let arg = match flag.spelled.strip_prefix("--") {
        Some(long) => arg.long(long),
        None => arg,
    };
    match flag.value {
        Some(value) => arg.value_name(value),
        None => arg.action(ArgAction::SetTrue),
    }
}

impl clap::Args for Flags {
    fn augment_args(command: Command) -> Command {
        let file = |spelled, help| arg(FlagSpec { spelled, value: Some("FILE"), help });
        let spring = file(FROM_SPRING, "The settings of a Spring Cloud Config Server, to answer as it does");
        let sources = flags().filter(|(row, _)| SOURCE.contains(&row.name)).map(|(_, flag)| flag.spelled);
        command
            .arg(file(SETTINGS, "The file with the settings of the server"))
            .arg(spring.conflicts_with_all(sources.chain([SETTINGS])))
            .args(flags().map(|(_, flag)| arg(flag)))
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

impl clap::FromArgMatches for Flags {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        let mut flags = Self::default();
        flags.update_from_arg_matches(matches)?;
        Ok(flags)
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        let text = |spelled: &str| matches.get_one::<String>(spelled).cloned();
        self.settings = text(SETTINGS);
        self.from_spring = text(FROM_SPRING);
        for (row, flag) in flags() {
            let given = match flag.value {
                Some(_) => text(flag.spelled),
                None => matches.get_flag(flag.spelled).then(|| "true".to_owned()),
            };
            self.given.extend(given.map(|text| (row.name, text)));
        }
        Ok(())
    }
}
