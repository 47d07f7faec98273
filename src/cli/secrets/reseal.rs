//! Sealed values of a folder sealed anew, file by file: what `rotate`, `migrate` and `rebind` have in common.
//!
//! A file is written whole or not at all. A value that does not open is told and stays as it is.

use crate::format::splice::Spot;
use crate::secret::error::OpenError;
use crate::secret::place::Context;
use crate::secret::sealed::Sealed;

use super::super::console::{Console, Exit, Failure, plain};
use super::super::keys::told;
use super::file::{ConfigFile, Edit};
use super::folder::Folder;

/// What becomes of one sealed value.
pub(in crate::cli) enum Fate {
    /// It is none of the values that are meant.
    Stays,
    /// This text takes its place.
    Anew(String, Context),
    /// It is meant, and does not open.
    Shut(OpenError),
}

/// How many there were.
#[derive(Debug, Default)]
pub(in crate::cli) struct Tally {
    pub(in crate::cli) values: usize,
    pub(in crate::cli) files: usize,
    pub(in crate::cli) shut: usize,
}

/// Decides about every sealed value of every file, and writes the files in which something changes.
pub(in crate::cli) fn reseal(
    folder: &mut Folder,
    console: &mut Console<'_>,
    is_told_by_value: bool,
    decide: &mut dyn FnMut(&ConfigFile, &Spot, &Sealed) -> Result<Fate, Failure>,
) -> Result<Tally, Failure> {
    let mut tally = Tally::default();
    folder.each(console, &mut |file, console| {
        let mut edits = Vec::new();
        for (spot, sealed) in file.sealed()? {
            let fate = match sealed {
                Ok(sealed) => decide(file, &spot, &sealed)?,
                Err(_) => Fate::Stays,
            };
            match fate {
                Fate::Stays => {}
                Fate::Anew(text, context) => edits.push(Edit { spot, text, context: Some(context) }),
                Fate::Shut(error) => {
                    tally.shut += 1;
                    console.fail(&shut(file, &spot, &error));
                }
            }
        }
        if edits.is_empty() {
            return Ok(());
        }
        file.rewrite(&edits)?;
        tally.files += 1;
        tally.values += edits.len();
        tell(file, &edits, is_told_by_value, console)
    })?;
    Ok(tally)
}

impl Tally {
    /// Says what was done, and how that ends.
    pub(in crate::cli) fn end(&self, folder: &Folder, console: &mut Console<'_>) -> Exit {
        let (values, files) = (count(self.values, "value"), count(self.files, "file"));
        console.say(&match self.shut {
            0 => format!("{values} sealed anew in {files}\n"),
            shut => format!("{values} sealed anew in {files}, {} left as they are\n", count(shut, "value")),
        });
        if self.shut == 0 && !folder.is_partial { Exit::Done } else { Exit::No }
    }
}

/// `1 value`, `2 values`.
pub(in crate::cli) fn count(number: usize, noun: &str) -> String {
    if number == 1 { format!("1 {noun}") } else { format!("{number} {noun}s") }
}

fn tell(file: &ConfigFile, edits: &[Edit], by_value: bool, console: &mut Console<'_>) -> Result<(), Failure> {
    if !by_value {
        return Ok(console.print(&plain(&format!("{}: {}\n", file.path, count(edits.len(), "value"))))?);
    }
    for Edit { spot, .. } in edits {
        console.print(&plain(&format!("{}:{}: {}\n", file.path, spot.at.line, spot.key)))?;
    }
    Ok(())
}

fn shut(file: &ConfigFile, spot: &Spot, error: &OpenError) -> Failure {
    let (message, hint) = told(error);
    let (line, column) = (spot.at.line, spot.at.column);
    let message = format!("`{}`: {message}\n  at {}:{line}:{column}", spot.key, file.path);
    Failure::new(Exit::No, plain(&message)).with_hint(hint)
}
