//! `layerd secrets …`, and the repository folders and files that commands about sealed values read and edit.

mod audit;
pub(super) mod file;
pub(super) mod folder;
mod list;
mod migrate;
mod rebind;
pub(super) mod reseal;
pub(super) mod root;

use clap::{Subcommand, ValueEnum};

use super::console::{Console, Exit, Failure};

/// Look after the sealed values of a repository
#[derive(Debug, clap::Args)]
#[command(
    arg_required_else_help = true,
    after_help = "\
Examples:
  layerd secrets list --keys prod-2026a=prod.key
  layerd secrets audit config-repo
  layerd secrets migrate --spring-key-file encrypt.key --keys prod-2026a=prod.key
  layerd secrets rebind --key datasource=spring.datasource --keys prod-2026a=prod.key"
)]
pub(super) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    List(list::Args),
    Audit(audit::Args),
    Migrate(migrate::Args),
    Rebind(rebind::Args),
}

/// How findings are spelled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    Human,
    Json,
}

impl Args {
    pub(super) fn run(&self, console: &mut Console<'_>) -> Result<Exit, Failure> {
        match &self.command {
            Command::List(args) => args.run(console),
            Command::Audit(args) => args.run(console),
            Command::Migrate(args) => args.run(console),
            Command::Rebind(args) => args.run(console),
        }
    }
}
