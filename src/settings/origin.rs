//! Where a setting was given, and what is said about one that cannot be used.

use std::fmt;
use std::sync::Arc;

use crate::config::foreign;
use crate::config::problem::Position;

/// Where a value was given. The declared order is the precedence: a later one wins.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Origin {
    /// Nobody gave it.
    Default,
    /// The settings file, under the name that it was opened by.
    File(Arc<str>, Position),
    /// A variable of the environment.
    Variable(Arc<str>),
    /// A flag or argument of the command line.
    Flag(&'static str),
}

impl Origin {
    /// True if both are of one kind, so that neither wins over the other.
    #[must_use]
    pub fn is_level_with(&self, other: &Self) -> bool {
        std::mem::discriminant(self) == std::mem::discriminant(other)
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => out.write_str("default"),
            Self::File(file, at) => write!(out, "{file}:{}:{}", at.line, at.column),
            Self::Variable(name) => out.write_str(name),
            Self::Flag(name) => out.write_str(name),
        }
    }
}

/// Something wrong with the settings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mistake {
    /// Where it was given; `None`: nowhere, which is the mistake.
    pub origin: Option<Origin>,
    /// A lower-case sentence without a final dot.
    pub message: String,
    /// What to do about it.
    pub hint: Option<String>,
}

impl Mistake {
    pub(super) fn new(origin: &Origin, message: impl Into<String>) -> Self {
        Self { origin: Some(origin.clone()), message: message.into(), hint: None }
    }

    pub(super) fn with_hint(self, hint: impl Into<String>) -> Self {
        Self { hint: Some(hint.into()), ..self }
    }
}

impl fmt::Display for Mistake {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(origin) = &self.origin {
            write!(out, "{origin}: ")?;
        }
        out.write_str(&self.message)?;
        self.hint.as_ref().map_or(Ok(()), |hint| write!(out, "\nhint: {hint}"))
    }
}

/// Why there are no settings: everything that is wrong, not only the first thing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub struct Refusal {
    /// What is wrong, in the order in which settings are read.
    pub mistakes: Vec<Mistake>,
    /// What is probably not meant; it may explain a mistake.
    pub warnings: Vec<Mistake>,
}

impl fmt::Display for Refusal {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let warnings = self.warnings.iter().map(|warning| ("warning", warning));
        let mistakes = self.mistakes.iter().map(|mistake| ("error", mistake));
        for (index, (severity, mistake)) in warnings.chain(mistakes).enumerate() {
            let line_end = if index == 0 { "" } else { "\n" };
            write!(out, "{line_end}{severity}: {mistake}")?;
        }
        Ok(())
    }
}

/// A text of others as part of a sentence: short, and without characters that steer a terminal.
pub(super) fn shown(text: &str) -> String {
    const LONGEST: usize = 100;
    foreign::line(&foreign::without_logins(text), LONGEST).into_owned()
}
