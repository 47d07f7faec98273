//! `layerd keygen`: a new random key, printed or written to a file that only its owner can read.

use std::io::{self, ErrorKind, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use crate::secret::key::Key;

use super::console::{Console, Exit, Failure, plain};
use super::random;

/// Make a new key for sealed values
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  layerd keygen --out prod-2026a.key
  layerd keygen | vault kv put secret/layerd key=-

The key seals and opens. Keep it out of the repository, and a copy of it where a lost machine does not take it along:
without the key nobody can open what it sealed.")]
pub(super) struct Args {
    /// Write the key to this new file, readable by its owner alone, instead of printing it
    #[arg(long, value_name = "FILE")]
    out: Option<String>,
}

impl Args {
    pub(super) fn run(&self, console: &mut Console<'_>) -> Result<Exit, Failure> {
        let mut text = new_key()?.to_text();
        text.push('\n');
        let Some(name) = &self.out else {
            console.print(&text)?;
            return Ok(Exit::Done);
        };
        write_new(&console.environment.directory.join(name), text.as_bytes()).map_err(|error| refused(name, &error))?;
        console.say(&format!("the key is in `{}`, readable by its owner alone\n", plain(name)));
        Ok(Exit::Done)
    }
}

fn new_key() -> Result<Key, Failure> {
    // That random bytes are refused as a pattern or an example never happens, and would be no reason to give up.
    loop {
        if let Ok(key) = Key::from_bytes(random::bytes()?) {
            return Ok(key);
        }
    }
}

/// Writes a file that must not be there yet.
fn write_new(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}

fn refused(name: &str, error: &io::Error) -> Failure {
    let name = plain(name);
    match error.kind() {
        ErrorKind::AlreadyExists => Failure::new(Exit::No, format!("`{name}` is there already"))
            .with_hint("name a new file; a key that is overwritten opens nothing any more"),
        _ => Failure::new(Exit::No, format!("`{name}` cannot be written: {error}")),
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::PermissionsExt as _;

    use crate::cli::testing::run;
    use crate::secret::key::Key;

    #[test]
    fn every_key_is_another_one() {
        let [one, two] = [(); 2].map(|()| run(&["keygen"], &[]));
        assert_eq!((one.code, one.err.as_str()), (0, ""));
        assert!(Key::from_text(&one.out).is_ok() && one.out.ends_with('\n'));
        assert_ne!(one.out, two.out);
    }

    #[test]
    fn a_key_file_is_for_its_owner_and_never_overwritten() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("prod.key");
        let name = path.to_str().unwrap();
        let ran = run(&["keygen", "--out", name], &[]);
        let told = format!("the key is in `{name}`, readable by its owner alone\n");
        assert_eq!((ran.code, ran.out.as_str(), ran.err), (0, "", told));
        let text = fs::read_to_string(&path).unwrap();
        assert!(Key::from_text(&text).is_ok());
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);

        let again = run(&["keygen", "--out", name], &[]);
        let told = format!(
            "error: `{name}` is there already\nhint: name a new file; a key that is overwritten opens nothing any more\n"
        );
        assert_eq!((again.code, again.out.as_str(), again.err), (1, "", told));
        assert_eq!(fs::read_to_string(&path).unwrap(), text);
    }

    #[test]
    fn a_file_that_cannot_be_written_is_told() {
        let ran = run(&["keygen", "--out", "/nowhere/at/all"], &[]);
        let told = "error: `/nowhere/at/all` cannot be written: No such file or directory (os error 2)\n";
        assert_eq!((ran.code, ran.out.as_str(), ran.err.as_str()), (1, "", told));
    }
}
