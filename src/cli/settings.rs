//! `layerd settings`: the settings in force with the origin of each, or the JSON Schema of the settings file.

use crate::settings::{Flags, Purpose, schema};

use super::console::{Console, Exit, Failure};
use super::serve::load;

/// Print the settings in force with the origin of each, secrets as stars
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  layerd settings --settings layerd.yaml
  LAYERD_HTTP__LISTEN=127.0.0.1:80 layerd settings config-repo
  layerd settings --schema > layerd.schema.json

Takes the flags of `layerd serve`. Ends with 78 if the settings would be refused.")]
pub(super) struct Args {
    #[command(flatten)]
    settings: Flags,
    /// Print the JSON Schema of the settings file instead
    #[arg(long)]
    schema: bool,
}

impl Args {
    pub(super) fn run(&self, console: &mut Console<'_>) -> Result<Exit, Failure> {
        let text = if self.schema {
            format!("{:#}\n", schema())
        } else {
            load(&self.settings, Purpose::Show, console)?.to_yaml()
        };
        console.print(&text)?;
        Ok(Exit::Done)
    }
}

#[cfg(test)]
mod tests {
    use crate::cli::testing::run;

    #[test]
    fn the_settings_in_force_are_shown_with_their_origins() {
        let variables = [("LAYERD_HTTP__LISTEN", "127.0.0.1:80"), ("LAYERD_GIT_TOKEN", "hunter2"), ("HOME", "/home/u")];
        let ran = run(&["settings", "--git", "https://me:pw@h/x", "--label", "main"], &variables);
        assert_eq!((ran.code, ran.err.as_str()), (0, ""));
        for line in [
            "semantics: native  # default\n",
            "  - name: config  # default\n",
            "    git: https://***@h/x  # --git\n",
            "    label: main  # --label\n",
            "      token: \"***\"  # LAYERD_GIT_TOKEN\n",
            "  listen: 127.0.0.1:80  # LAYERD_HTTP__LISTEN\n",
            "state: /home/u/.local/state/layerd  # default\n",
        ] {
            assert!(ran.out.contains(line), "{line}{}", ran.out);
        }
        assert!(!ran.out.contains("hunter2") && !ran.out.contains("pw"), "{}", ran.out);
    }

    #[test]
    fn defaults_are_shown_without_a_source() {
        let ran = run(&["settings"], &[]);
        assert_eq!((ran.code, ran.err.as_str()), (0, ""));
        assert!(ran.out.starts_with("semantics: native  # default\nhttp:\n  listen: 127.0.0.1:8888  # default\n"));
    }

    #[test]
    fn mistakes_end_with_78() {
        let ran = run(&["settings"], &[("LAYERD_ACCESS__TOKEN_FILE", "x")]);
        let told = "error: LAYERD_ACCESS__TOKEN_FILE: `LAYERD_ACCESS__TOKEN_FILE` is no setting; it has no effect\n\
                    hint: did you mean `LAYERD_ACCESS__TOKENS_FILE`?\n";
        assert_eq!((ran.code, ran.out.as_str(), ran.err.as_str()), (78, "", told));
    }

    #[test]
    fn the_schema_is_json() {
        let ran = run(&["settings", "--schema"], &[]);
        let schema: serde_json::Value = serde_json::from_str(&ran.out).unwrap();
        assert_eq!(schema["$schema"], "https://json-schema.org/draft/2020-12/schema");
    }
}
