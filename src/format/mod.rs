//! Bytes to documents and values to bytes, one file per format, both directions in it.
//!
//! Floor 1. A reader turns the bytes of one file into documents with the place of every leaf, or one fault that says
//! what is wrong and where; it never panics and never takes longer than its limits allow. A writer spells a value.

pub mod json;
pub mod manifest;
pub mod properties;
pub mod splice;
pub mod toml;
pub mod variables;
pub mod wish;
pub mod yaml;

mod build;
mod document;
mod escape;
#[cfg(test)]
mod fixtures;
pub(crate) mod flat;
pub(crate) mod java;
#[cfg(test)]
mod laws;
mod notation;
mod number;
#[cfg(test)]
mod samples;
mod scan;
pub mod spring;
mod token;
mod unwritable;

use crate::config::growth;
use crate::config::layer::{Body, Data, Entry};
use crate::config::problem::{Fault, Position};
use crate::config::value::Value;

pub use notation::Notation;
pub use unwritable::Unwritable;

/// A format of documents: each holds every configuration, and some can be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Format {
    /// `.yml`, `.yaml`.
    Yaml,
    /// `.json`.
    Json,
    /// `.properties`, as Java reads them.
    Properties,
    /// TOML 1.0; written only.
    Toml,
    /// Properties as XML; read only, and only under `semantics: spring`.
    Xml,
}

/// What the bytes of one configuration file may cost.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Limits {
    /// Bytes of one file.
    pub file: usize,
    /// Nesting of maps and lists.
    pub depth: usize,
    /// Values in one file, aliases expanded; the bytes that aliases add are held to 64 times as many.
    pub nodes: usize,
    /// Documents in one file.
    pub documents: usize,
    /// Bytes of an answer.
    pub answer: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { file: 1 << 20, depth: 64, nodes: 500_000, documents: 100, answer: growth::DEFAULT_LIMIT }
    }
}

/// What to do about a file that is nested too deep.
const NEST_LESS: &str = "nest less, or raise `limits.depth` in the settings of the server";

/// A document as its reader leaves it: number in the file, from 0, and top-level map.
pub(crate) type Raw = (u32, Vec<Entry>);

impl Format {
    /// The format of a configuration file, by the extension of its name; `None`: not a configuration file.
    #[must_use]
    pub fn of_extension(extension: &str) -> Option<Self> {
        match extension {
            "yml" | "yaml" => Some(Self::Yaml),
            "json" => Some(Self::Json),
            "properties" => Some(Self::Properties),
            "xml" => Some(Self::Xml),
            _ => None,
        }
    }

    /// The media type of an answer in this format.
    #[must_use]
    pub const fn media_type(self) -> &'static str {
        match self {
            Self::Json => "application/json",
            Self::Yaml => "application/yaml",
            Self::Toml => "application/toml",
            Self::Xml => "application/xml",
            Self::Properties => "text/plain;charset=UTF-8",
        }
    }
}

/// Reads the bytes of one file. What is wrong with them is in the faults of the body; with a fault of severity error
/// the body has no documents.
#[must_use]
pub fn read(format: Format, bytes: &[u8], limits: &Limits) -> Body {
    let documents = match format {
        _ if bytes.len() > limits.file => Err(too_large(bytes.len() as u64, limits)),
        Format::Yaml => yaml::read(bytes, limits),
        Format::Json => json::read(bytes, limits),
        Format::Properties => properties::read(bytes, limits),
        Format::Toml | Format::Xml => {
            Err(Fault::error("unreadable-format", Position::new(1, 1), "files of this format are not configuration"))
        }
    };
    documents.map_or_else(Body::broken, |documents| document::finish(documents, limits))
}

/// The map of a JSON file as it stands there, without what the keys of configuration files mean besides.
///
/// # Errors
/// What is wrong with the file.
pub fn json_map(bytes: &[u8], limits: &Limits) -> Result<Vec<Entry>, Fault> {
    if bytes.len() > limits.file {
        return Err(too_large(bytes.len() as u64, limits));
    }
    let documents = json::read(bytes, limits)?;
    let empty = || Fault::error("not-a-mapping", Position::new(1, 1), "there is nothing in the file");
    documents.into_iter().next().map(|(_, root)| root).ok_or_else(empty)
}

/// Calls `found` with the text and the value of every scalar of a YAML file that stands there without quotes and without
/// a tag, keys too. Says nothing about a file that is not YAML, or nothing more from where it ceases to be.
pub fn plain_scalars(bytes: &[u8], limits: &Limits, found: impl FnMut(&str, &Data, Position)) {
    yaml::plain_scalars(bytes, limits, found);
}

/// Reads the bytes of one file as Spring's loader does: each document as flat keys, in which nothing is a list or a map.
#[must_use]
pub fn read_spring(format: Format, bytes: &[u8], limits: &Limits) -> Body {
    match bytes.len() > limits.file {
        true => Body::broken(too_large(bytes.len() as u64, limits)),
        false => spring::read(format, bytes, limits).unwrap_or_else(Body::broken),
    }
}

/// The fault of a file of `size` bytes that is over the limit, for callers that know the size before the bytes.
#[must_use]
pub fn too_large(size: u64, limits: &Limits) -> Fault {
    let message = format!("the file has {size} bytes, more than the {} that `limits.file` allows", limits.file);
    Fault::error("file-too-large", Position::new(1, 1), message)
        .with_hint("split the file, or raise `limits.file` in the settings of the server")
}

/// The fault of a file whose bytes cannot be had, and of a folder that cannot be looked into.
#[must_use]
pub fn unreadable(reason: &str) -> Fault {
    Fault::error("unreadable", Position::new(1, 1), reason)
        .with_hint("let the user that runs the server read it, or list it under `ignore`")
}

/// Spells a value. `pretty` asks for line breaks where the format has a compact form as well (JSON).
///
/// Values other than a map are spelled bare in JSON and YAML; in the flat formats they have no key, so they are spelled
/// as the text alone, lists and maps as JSON.
#[must_use]
pub fn write(format: Format, value: &Value, pretty: bool) -> String {
    match format {
        Format::Json => json::write(value, pretty),
        Format::Yaml => yaml::write(value),
        // Nothing asks for XML, which can only be read.
        Format::Properties | Format::Xml => properties::write(value),
        Format::Toml => toml::write(value),
    }
}
