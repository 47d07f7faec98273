//! `layerd secrets audit`: values that stand in the open and look as if they should not. What they are is never told.

use serde::Serialize;

use crate::format::splice::Spot;
use crate::secret::sealed::{Sealed, is_sealed};
use crate::secret::suspicion::{is_silenced, suspicion};

use super::super::console::{Console, Exit, Failure, plain};
use super::super::settings_file::SettingsArgs;
use super::Format;
use super::file::ConfigFile;
use super::folder::FolderArgs;
use super::reseal::count;

/// Find values that look like secrets in plain text, and sealed ones that open in more than one place
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  layerd secrets audit
  layerd secrets audit config-repo --format json

Ends with 1 if there are any. A value sealed in version 1 is one of them if its application and profile can be read in two
ways; `layerd secrets rebind` renews it. Seal what is a secret with `layerd encrypt --in-place`, and change the secret as well, for
it stays in the history of the repository. What is none is silenced by a comment at the end of its line or alone on the
line before it:  # layerd: not a secret (it is public)")]
pub(in crate::cli) struct Args {
    #[command(flatten)]
    folder: FolderArgs,
    /// For people or for programs
    #[arg(long, value_enum, default_value = "human")]
    format: Format,
    #[command(flatten)]
    settings: SettingsArgs,
}

/// A value that looks like a secret, or a sealed one that opens where it should not.
#[derive(Debug, Serialize)]
struct Finding {
    file: String,
    line: u32,
    column: u32,
    key: String,
    reason: String,
}

impl Args {
    pub(in crate::cli) fn run(&self, console: &mut Console<'_>) -> Result<Exit, Failure> {
        let mut folder = self.folder.open(&self.settings, console)?;
        let (mut findings, mut doubtful) = (Vec::new(), 0);
        folder.each(console, &mut |file, _| {
            let text = file.text();
            let lines: Vec<&str> = text.lines().collect();
            for spot in file.scalars()? {
                let reason = match Sealed::parse(&spot.text) {
                    Some(sealed) => doubt(file, &spot, sealed.ok()),
                    None => suspicion(&spot.key, &spot.text)
                        .filter(|_| !is_silenced_at(&lines, spot.at.line))
                        .map(|reason| reason.to_string()),
                };
                let Some(reason) = reason else { continue };
                doubtful += usize::from(is_sealed(&spot.text));
                let (line, column) = (spot.at.line, spot.at.column);
                findings.push(Finding { file: file.path.clone(), line, column, key: spot.key, reason });
            }
            Ok(())
        })?;
        match self.format {
            Format::Human => console.print(&human(&findings))?,
            Format::Json => console.print_json(&serde_json::json!({ "findings": findings }).to_string())?,
        }
        if doubtful > 0 {
            let opens = if doubtful == 1 { "opens" } else { "open" };
            console.say(&format!("{} of version 1 {opens} in other places too\n", count(doubtful, "sealed value")));
        }
        match findings.len() - doubtful {
            0 => console.say("nothing looks like a secret in plain text\n"),
            number => console.say(&format!("{} like a secret in plain text\n", looks(number))),
        }
        if findings.is_empty() && !folder.is_partial { Ok(Exit::Done) } else { Ok(Exit::No) }
    }
}

/// What is wrong with a sealed value, as far as that shows without a key.
fn doubt(file: &ConfigFile, spot: &Spot, sealed: Option<Sealed>) -> Option<String> {
    let bound = sealed?.doubtful_text(&file.place(&spot.key))?;
    Some(format!(
        "it is sealed in version 1, which binds to `{bound}` as one text and opens where that is read otherwise: run \
         `layerd secrets rebind`"
    ))
}

/// Whether a comment silences a line, judged by that line and the one before it: a file is gone through once.
fn is_silenced_at(lines: &[&str], line: u32) -> bool {
    let index = usize::try_from(line).unwrap_or(usize::MAX).saturating_sub(1);
    let before = index.checked_sub(1).and_then(|before| lines.get(before)).unwrap_or(&"");
    let here = lines.get(index).unwrap_or(&"");
    is_silenced(&format!("{before}\n{here}"), 2)
}

fn looks(number: usize) -> String {
    format!("{} {}", count(number, "value"), if number == 1 { "looks" } else { "look" })
}

fn human(findings: &[Finding]) -> String {
    let lines = findings.iter().map(|Finding { file, line, column, key, reason }| {
        plain(&format!("{file}:{line}:{column}: {key}: {reason}\n"))
    });
    lines.collect()
}
