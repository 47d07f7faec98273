//! `layerd secrets list`: where each sealed value stands, what it is sealed with, and whether it opens there.

use std::collections::HashMap;
use std::fmt::Write as _;

use serde::Serialize;

use crate::format::splice::Spot;
use crate::secret::error::OpenError;
use crate::secret::keyring::Keyring;
use crate::secret::place::Context;
use crate::secret::sealed::Sealed;

use super::super::console::{Console, Exit, Failure, plain};
use super::super::keys::{KeyArgs, told};
use super::Format;
use super::file::ConfigFile;
use super::folder::FolderArgs;
use super::reseal::count;

/// How many copies are told of each value: enough to find them, and a text in a thousand places is not told a million times.
const COPIES: usize = 16;

/// List sealed values: where they are, under which key, whether they open
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  layerd secrets list
  layerd secrets list config-repo --keys prod-2026a=prod.key
  layerd secrets list --settings layerd.yaml --format json

Without keys it is not known what opens. Ends with 1 if a value is malformed, or does not open with the keys that were
named.")]
pub(in crate::cli) struct Args {
    #[command(flatten)]
    folder: FolderArgs,
    /// For people or for programs
    #[arg(long, value_enum, default_value = "human")]
    format: Format,
    #[command(flatten)]
    keys: KeyArgs,
}

/// A sealed value.
#[derive(Debug, Serialize)]
struct Listed {
    #[serde(flatten)]
    place: ListedPlace,
    /// The id of the key that it names; none in Spring's form.
    #[serde(rename = "sealed-with")]
    id: Option<String>,
    /// `prop`, `app`, `any`, `spring`; none if it is malformed.
    context: Option<&'static str>,
    /// Whether it opens; none if there are no keys to try.
    opens: Option<bool>,
    /// Why it does not open.
    reason: Option<String>,
    /// Where else the same sealed text stands, as far as that fits.
    copies: Vec<ListedPlace>,
}

/// Where a value stands.
#[derive(Debug, Clone, Serialize)]
struct ListedPlace {
    file: String,
    line: u32,
    column: u32,
    key: String,
}

impl Args {
    pub(in crate::cli) fn run(&self, console: &mut Console<'_>) -> Result<Exit, Failure> {
        let ring = self.keys.ring(None, console.environment)?;
        let mut folder = self.folder.open(&self.keys.settings, console)?;
        let (mut values, mut texts) = (Vec::new(), Vec::new());
        folder.each(console, &mut |file, _| {
            for (spot, sealed) in file.sealed()? {
                values.push(Listed::new(file, &spot, sealed, &ring));
                texts.push(spot.text);
            }
            Ok(())
        })?;
        find_copies(&mut values, &texts);
        match self.format {
            Format::Human => console.print(&human(&values))?,
            Format::Json => console.print_json(&serde_json::json!({ "values": values }).to_string())?,
        }
        console.say(&summary(&values));
        let is_fine = !folder.is_partial && values.iter().all(|value| value.opens != Some(false));
        Ok(if is_fine { Exit::Done } else { Exit::No })
    }
}

impl Listed {
    fn new(file: &ConfigFile, spot: &Spot, sealed: Result<Sealed, OpenError>, ring: &Keyring) -> Self {
        let about = sealed.as_ref().ok();
        let id = about.and_then(|sealed| sealed.id()).map(ToString::to_string);
        let context = about.map(|sealed| sealed.context().map_or("spring", Context::name));
        let opened = sealed.and_then(|sealed| ring.open(&sealed, &file.place(&spot.key)));
        let error = opened.err();
        let is_unknown = ring.is_empty() && matches!(error, Some(OpenError::NoKey { .. }));
        let opens = (!is_unknown).then_some(error.is_none());
        let reason = error.filter(|_| !is_unknown).map(|error| told(&error).0);
        let place =
            ListedPlace { file: file.path.clone(), line: spot.at.line, column: spot.at.column, key: spot.key.clone() };
        Self { place, id, context, opens, reason, copies: Vec::new() }
    }

    /// True if whoever may write to the repository can copy it to where they can read it.
    fn is_portable(&self) -> bool {
        matches!(self.context, Some("any" | "spring"))
    }
}

/// Tells each value where else its text stands.
fn find_copies(values: &mut [Listed], texts: &[String]) {
    let mut equal: HashMap<&str, Vec<usize>> = HashMap::new();
    for (index, text) in texts.iter().enumerate() {
        equal.entry(text).or_default().push(index);
    }
    for indexes in equal.into_values().filter(|indexes| indexes.len() > 1) {
        let places = indexes.iter().take(COPIES + 1);
        let places: Vec<ListedPlace> = places.map(|index| values[*index].place.clone()).collect();
        for (position, index) in indexes.iter().enumerate() {
            let others = places.iter().enumerate().filter(|(other, _)| *other != position);
            values[*index].copies = others.map(|(_, place)| place.clone()).take(COPIES).collect();
        }
    }
}

fn human(values: &[Listed]) -> String {
    let mut out = String::new();
    for value in values {
        let ListedPlace { file, line, column, key } = &value.place;
        let id = value.id.as_deref().unwrap_or("-");
        let context = value.context.unwrap_or("malformed");
        let opens = match value.opens {
            Some(true) => "opens",
            Some(false) => "does not open",
            None => "not tried",
        };
        let _infallible = writeln!(out, "{file}:{line}:{column}: {key}  {id}  {context}  {opens}");
        if let Some(reason) = &value.reason {
            let _infallible = writeln!(out, "  {reason}");
        }
        for ListedPlace { file, line, column, key } in &value.copies {
            let _infallible = writeln!(out, "  the same stands at {file}:{line}:{column}: {key}");
        }
    }
    plain(&out)
}

fn summary(values: &[Listed]) -> String {
    let number = |is: &dyn Fn(&Listed) -> bool| values.iter().filter(|value| is(value)).count();
    let mut out = count(values.len(), "sealed value");
    for (number, words) in [
        (number(&|value| value.opens == Some(false)), "not opening"),
        (number(&|value| !value.copies.is_empty()), "standing in several places"),
        (number(&|value| value.is_portable()), "opening wherever they are copied"),
    ] {
        if number > 0 {
            let _infallible = write!(out, ", {number} {words}");
        }
    }
    out.push('\n');
    out
}
