//! The command line: one file per command, and what all of them share.
//!
//! Floor 8. Results go to stdout, words about them to stderr. Only this floor knows exit codes. A command gets its
//! arguments and a `Console`; what it cannot do it returns as a `Failure`.

mod audit;
mod client;
mod completions;
mod console;
mod decrypt;
mod diff;
mod encrypt;
mod explain;
mod get;
mod health;
mod history;
mod input;
mod keygen;
mod keys;
mod place;
mod question;
mod random;
mod refresh;
mod render;
mod repo;
mod rotate;
mod sealing;
mod secrets;
mod serve;
mod settings;
mod settings_file;
mod show_secrets;
#[cfg(test)]
mod testing;
mod token;
mod user;
mod validate;
mod watch;
mod webhook_test;

use std::ffi::OsString;
use std::io::{self, IsTerminal as _, Write as _};

use clap::{Parser, Subcommand};

use crate::settings::Environment;
use crate::source::fetch::child;

use console::{Console, Exit, Failure};

/// Serves layered configuration from Git or a folder, and asks servers that do.
#[derive(Debug, Parser)]
#[command(name = "layerd", version, arg_required_else_help = true, after_help = EXAMPLES)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

const EXAMPLES: &str = "\
Examples:
  layerd serve config-repo                       serve a folder, watched for edits
  layerd serve --git https://git.example.org/team/config.git
  layerd get user-service production             ask a running server
  layerd explain user-service production --key server.port
  layerd validate config-repo                    check it as CI does

Exit codes: 0 done, 1 the answer is no, 2 wrong usage, 3 server or repository not reached, 78 refused settings.";

#[derive(Debug, Subcommand)]
enum Command {
    Serve(serve::Args),
    Get(get::Args),
    Render(render::Args),
    Watch(watch::WatchArgs),
    Explain(explain::Args),
    Validate(validate::Args),
    Diff(diff::Args),
    History(history::Args),
    Keygen(keygen::Args),
    Encrypt(encrypt::Args),
    Decrypt(decrypt::Args),
    Rotate(rotate::Args),
    Secrets(secrets::Args),
    Token(token::Args),
    User(user::UserArgs),
    Audit(audit::AuditArgs),
    Refresh(refresh::Args),
    WebhookTest(webhook_test::WebhookTestArgs),
    Settings(settings::Args),
    Health(health::Args),
    Completions(completions::Args),
}

/// Runs the command that the arguments name, the name of the program first, and returns its exit code.
#[must_use]
pub fn run(args: impl IntoIterator<Item = OsString>) -> u8 {
    let args: Vec<OsString> = args.into_iter().collect();
    if args.get(1).is_some_and(|command| command == child::COMMAND) {
        return fetch_child();
    }
    let environment = Environment::of_process();
    let (mut input, mut out, mut err) = (io::stdin(), io::stdout(), io::stderr());
    let mut console = Console {
        input_is_terminal: input.is_terminal(),
        is_terminal: out.is_terminal(),
        err_is_terminal: err.is_terminal(),
        input: &mut input,
        out: &mut out,
        err: &mut err,
        environment: &environment,
    };
    run_on(args, &mut console)
}

/// What the server starts to fetch; nobody else has a use for it, so it is in no help.
fn fetch_child() -> u8 {
    match child::run() {
        Ok(()) => Exit::Done as u8,
        Err(error) => {
            drop(writeln!(io::stderr(), "error: {error}"));
            Exit::Usage as u8
        }
    }
}

fn run_on(args: impl IntoIterator<Item = OsString>, console: &mut Console<'_>) -> u8 {
    let done = match Arguments::try_parse_from(args) {
        Ok(arguments) => arguments.command.run(console),
        Err(told) => tell(&told, console),
    };
    let exit = done.unwrap_or_else(|failure| console.fail(&failure));
    exit as u8
}

impl Command {
    fn run(&self, console: &mut Console<'_>) -> Result<Exit, Failure> {
        match self {
            Self::Serve(args) => args.run(console),
            Self::Token(args) => args.run(console),
            Self::User(args) => args.run(console),
            Self::Audit(args) => args.run(console),
            Self::Get(args) => args.run(console),
            Self::Render(args) => args.run(console),
            Self::Watch(args) => args.run(console),
            Self::Explain(args) => args.run(console),
            Self::Validate(args) => args.run(console),
            Self::Diff(args) => args.run(console),
            Self::History(args) => args.run(console),
            Self::Keygen(args) => args.run(console),
            Self::Encrypt(args) => args.run(console),
            Self::Decrypt(args) => args.run(console),
            Self::Rotate(args) => args.run(console),
            Self::Secrets(args) => args.run(console),
            Self::Refresh(args) => args.run(console),
            Self::WebhookTest(args) => args.run(console),
            Self::Settings(args) => args.run(console),
            Self::Health(args) => args.run(console),
            Self::Completions(args) => args.run(console),
        }
    }
}

/// Help and version are results; everything else that the parser says is about wrong usage.
fn tell(told: &clap::Error, console: &mut Console<'_>) -> Result<Exit, Failure> {
    let text = told.render();
    let is_result = !told.use_stderr();
    let spelled = if console.is_coloured(is_result) { text.ansi().to_string() } else { text.to_string() };
    if is_result {
        console.print(&spelled)?;
        return Ok(Exit::Done);
    }
    console.say_styled(&spelled);
    Ok(Exit::Usage)
}

#[cfg(test)]
mod tests {
    use super::testing::run;

    #[test]
    fn the_definitions_of_all_commands_hold_together() {
        use clap::CommandFactory as _;
        super::Arguments::command().debug_assert();
    }

    #[test]
    fn every_command_has_help_with_examples_on_stdout() {
        let commands = "serve|get|render|explain|validate|diff|history|keygen|encrypt|decrypt|rotate|secrets|secrets list|secrets audit|\
                        secrets migrate|secrets rebind|token|user|audit|refresh|settings|health|completions";
        for command in commands.split('|') {
            let words: Vec<&str> = command.split(' ').chain(["--help"]).collect();
            let ran = run(&words, &[]);
            assert_eq!((ran.code, ran.err.as_str()), (0, ""), "{command}");
            assert!(ran.out.contains("\nExamples:\n  layerd "), "{command}: {}", ran.out);
            assert!(ran.out.contains(&format!("Usage: layerd {command}")), "{command}: {}", ran.out);
            assert!(!ran.out.contains('\u{1b}'), "{command} is coloured");
        }
    }

    #[test]
    fn wrong_usage_is_told_on_stderr() {
        for args in [&[][..], &["nonsense"], &["get"], &["get", "a", "b", "c"], &["get", "a", "--format", "xml"]] {
            let ran = run(args, &[]);
            assert_eq!((ran.code, ran.out.as_str()), (2, ""), "{args:?}");
            assert!(!ran.err.is_empty(), "{args:?}");
        }
    }
}
