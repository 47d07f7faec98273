//! A row of the table of settings: one setting with everything that there is to know about it.
//!
//! The types meet in [`Typed`]: what the kind reads is what the setter takes. Behind it rows are all alike.

use std::any::{Any, TypeId};
use std::fmt;
use std::path::Path;
use std::sync::Arc;

use serde_json::Value as Json;

use crate::config::layer::{Data, Node};
use crate::config::problem::Position;

use super::Environment;
use super::kind::{Kind, ReadValue, Reason};

/// A setting.
pub(super) struct Row {
    /// Dotted name; `[]` stands for the index of an item.
    pub(super) name: &'static str,
    /// Its default, spelled as a settings file would; `None`: nothing, or what the machine suggests.
    pub(super) default: Option<&'static str>,
    /// What it means and why its default is what it is, in Markdown.
    pub(super) because: &'static str,
    /// The variable of its own that it has beside the one that its name makes.
    pub(super) variable: Option<&'static str>,
    /// The flag or argument that sets it.
    pub(super) flag: Option<FlagSpec>,
    /// The default that the machine suggests.
    pub(super) suggested: Option<fn(&Environment) -> String>,
    kind: &'static dyn Erased,
}

/// How the command line spells a setting.
#[derive(Debug, Clone, Copy)]
pub(super) struct FlagSpec {
    /// `--listen` for a flag, `DIR` for the argument.
    pub(super) spelled: &'static str,
    /// What its value is called in the help; `None`: it takes none, and is `true` where it is given.
    pub(super) value: Option<&'static str>,
    /// Its line of help.
    pub(super) help: &'static str,
}

/// A value that was read, ready to be set.
#[derive(Clone)]
pub(super) struct Assignment {
    /// The value as a settings file would have it, on one line, with stars for secrets.
    pub(super) shown: String,
    /// True if it is a secret, or a URL that holds one.
    pub(super) holds_secret: bool,
    apply: Arc<Apply>,
}

/// Sets a member of the part that a row belongs to.
type Apply = dyn Fn(&mut dyn Any) + Send + Sync;

impl fmt::Debug for Assignment {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.shown)
    }
}

impl Assignment {
    /// Sets the member. `part` is of the type that the row sets a member of.
    pub(super) fn apply(&self, part: &mut dyn Any) {
        (self.apply)(part);
    }
}

/// A setting with a default: its name, its kind, its default, its meaning with the reason, and its setter.
macro_rules! row {
    ($name:expr, $kind:expr, $default:expr, $because:expr, $set:expr $(,)?) => {
        $crate::settings::row::optional!($name, $kind, $because, $set).with_default($default)
    };
}

/// A setting without a default: its name, its kind, its meaning, and its setter.
macro_rules! optional {
    ($name:expr, $kind:expr, $because:expr, $set:expr $(,)?) => {
        $crate::settings::row::Row::new($name, $because, &$crate::settings::row::Typed { kind: $kind, set: $set })
    };
}

pub(super) use {optional, row};

impl Row {
    pub(super) const fn new(name: &'static str, because: &'static str, kind: &'static dyn Erased) -> Self {
        Self { name, default: None, because, variable: None, flag: None, suggested: None, kind }
    }

    /// Gives it a default.
    pub(super) const fn with_default(self, default: &'static str) -> Self {
        Self { default: Some(default), ..self }
    }

    /// Gives it a variable of its own, for the settings that containers set most.
    pub(super) const fn with_variable(self, variable: &'static str) -> Self {
        Self { variable: Some(variable), ..self }
    }

    /// Gives it a flag with a value.
    pub(super) const fn with_flag(self, spelled: &'static str, value: &'static str, help: &'static str) -> Self {
        Self { flag: Some(FlagSpec { spelled, value: Some(value), help }), ..self }
    }

    /// Gives it a flag without a value, which stands for `true`.
    pub(super) const fn with_switch(self, spelled: &'static str, help: &'static str) -> Self {
        Self { flag: Some(FlagSpec { spelled, value: None, help }), ..self }
    }

    /// Has the machine suggest its default.
    pub(super) const fn suggested_by(self, suggested: fn(&Environment) -> String) -> Self {
        Self { suggested: Some(suggested), ..self }
    }

    /// The list to whose items it belongs, with its `[]`.
    pub(super) fn list(&self) -> Option<&'static str> {
        self.name.find("[].").map(|at| &self.name[..at + 2])
    }

    /// The type that it sets a member of: one value of it for the whole, or one for each item of a list.
    pub(super) fn part(&self) -> TypeId {
        self.kind.part()
    }

    /// True if its value is a list.
    pub(super) fn is_list(&self) -> bool {
        self.kind.is_list()
    }

    /// True if what is given counts as nothing.
    pub(super) fn is_nothing(&self, data: &Data) -> bool {
        match data {
            Data::Null => true,
            Data::Text(text) => text.is_empty() && self.kind.takes_empty_for_nothing(),
            _ => false,
        }
    }

    /// Reads a value. Relative paths are relative to `base`.
    pub(super) fn read(&self, data: &Data, base: &Path) -> Result<Assignment, Reason> {
        self.kind.read(data, base)
    }

    /// The default, if it has one.
    pub(super) fn default_on(&self, environment: &Environment) -> Option<Assignment> {
        let data = match self.default {
            Some(text) => of_default(text),
            None => Data::Text(Arc::from(self.suggested?(environment))),
        };
        self.read(&data, Path::new("")).ok()
    }

    /// The JSON Schema of its value, without its default.
    pub(super) fn schema(&self) -> Json {
        self.kind.schema()
    }
}

/// A default as a reader of settings files would have it.
fn of_default(text: &str) -> Data {
    let item = |text: String| Node { data: Data::Text(Arc::from(text)), at: Position::default(), tag: None };
    match serde_json::from_str::<Vec<String>>(text) {
        Ok(texts) => Data::List(texts.into_iter().map(item).collect()),
        Err(_) => Data::Text(Arc::from(text.trim_matches('"'))),
    }
}

/// A kind with its setter, whatever their types.
pub(super) trait Erased: Send + Sync {
    fn part(&self) -> TypeId;
    fn is_list(&self) -> bool;
    fn takes_empty_for_nothing(&self) -> bool;
    fn read(&self, data: &Data, base: &Path) -> Result<Assignment, Reason>;
    fn schema(&self) -> Json;
}

/// A kind with the setter of one setting.
pub(super) struct Typed<K: Kind, P> {
    pub(super) kind: K,
    pub(super) set: fn(&mut P, K::Value),
}

impl<K: Kind, P: 'static> Erased for Typed<K, P> {
    fn part(&self) -> TypeId {
        TypeId::of::<P>()
    }

    fn is_list(&self) -> bool {
        K::IS_LIST
    }

    fn takes_empty_for_nothing(&self) -> bool {
        self.kind.takes_empty_for_nothing()
    }

    fn read(&self, data: &Data, base: &Path) -> Result<Assignment, Reason> {
        let ReadValue { value, shown, holds_secret } = self.kind.read(data, base)?;
        let set = self.set;
        let apply = move |part: &mut dyn Any| {
            let part = part.downcast_mut().expect("values are applied to the part of their row");
            set(part, value.clone());
        };
        Ok(Assignment { shown, holds_secret, apply: Arc::new(apply) })
    }

    fn schema(&self) -> Json {
        self.kind.schema()
    }
}
