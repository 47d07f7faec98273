//! `layerd completions`: the script that completes commands and flags in a shell.

use clap::CommandFactory as _;
use clap_complete::Shell;

use super::console::{Console, Exit, Failure};

/// Print the script that completes commands and flags in a shell
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  layerd completions bash > /etc/bash_completion.d/layerd
  layerd completions zsh > ~/.zfunc/_layerd
  layerd completions fish > ~/.config/fish/completions/layerd.fish")]
pub(super) struct Args {
    /// The shell
    #[arg(value_enum)]
    shell: Shell,
}

impl Args {
    pub(super) fn run(&self, console: &mut Console<'_>) -> Result<Exit, Failure> {
        let mut script = Vec::new();
        clap_complete::generate(self.shell, &mut super::Arguments::command(), "layerd", &mut script);
        console.print_bytes(&script)?;
        Ok(Exit::Done)
    }
}

#[cfg(test)]
mod tests {
    use crate::cli::testing::run;

    #[test]
    fn every_shell_gets_a_script_that_knows_the_commands() {
        for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
            let ran = run(&["completions", shell], &[]);
            assert_eq!((ran.code, ran.err.as_str()), (0, ""), "{shell}");
            for word in ["refresh", "explain", "insecure-open", "keygen", "rebind", "spring-salt"] {
                assert!(ran.out.contains(word), "{shell} does not know {word}");
            }
        }
    }
}
