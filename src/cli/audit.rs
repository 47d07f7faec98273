//! `layerd audit`: whether an audit log is whole.

use std::io::BufReader;
use std::path::PathBuf;

use clap::Subcommand;

use crate::audit::verify::Verified;
use crate::source::regular;

use super::console::{Console, Exit, Failure, plain};

/// The most gaps that are named.
const NAMED: usize = 20;

/// Check audit logs
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  layerd audit verify /var/log/layerd/audit.jsonl
  layerd audit verify audit.jsonl.2 audit.jsonl.1 audit.jsonl

Exit codes: 0 the chain is whole, 1 it has gaps, 3 a file cannot be read.")]
pub(super) struct AuditArgs {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Check that no line was changed, removed or inserted
    Verify(Files),
}

#[derive(Debug, clap::Args)]
struct Files {
    /// The files of the log, the oldest first
    #[arg(value_name = "FILE", required = true)]
    files: Vec<PathBuf>,
}

impl AuditArgs {
    pub(super) fn run(&self, console: &mut Console<'_>) -> Result<Exit, Failure> {
        let Verb::Verify(Files { files }) = &self.verb;
        let mut verified = Verified::default();
        for file in files {
            let name = plain(&file.to_string_lossy());
            let opened = regular::open(&console.environment.directory.join(file));
            let read = opened.and_then(|file| verified.read(&name, BufReader::new(file)));
            read.map_err(|error| Failure::new(Exit::Unreachable, format!("`{name}` cannot be read: {error}")))?;
        }
        console.print(&report(&verified))?;
        if verified.lines == 0 {
            return Err(Failure::new(Exit::No, "there is no line of an audit log"));
        }
        Ok(if verified.gaps.is_empty() { Exit::Done } else { Exit::No })
    }
}

fn report(verified: &Verified) -> String {
    let mut text = String::new();
    for gap in verified.gaps.iter().take(NAMED) {
        text += &format!("{}:{}: does not follow from the line before it\n", gap.file, gap.line);
    }
    if verified.gaps.len() > NAMED {
        text += &format!("and {} more\n", verified.gaps.len() - NAMED);
    }
    let lines = |count: u64| if count == 1 { "1 line".to_owned() } else { format!("{count} lines") };
    text += &lines(verified.lines);
    if let Some((first, last)) = verified.times {
        text += &format!(" from {first} to {last}");
    }
    if verified.torn > 0 {
        text += &format!(", {} cut off", lines(verified.torn));
    }
    text += match verified.gaps.len() {
        0 => ": the chain is whole\n",
        _ => ": the chain has gaps\n",
    };
    if let (false, Some(first)) = (verified.begins(), &verified.first) {
        text += &format!("the first line follows {first}, which is in none of these files\n");
    }
    if let Some(last) = &verified.last {
        text += &format!("the last line has the hash {last}\n");
    }
    text
}
