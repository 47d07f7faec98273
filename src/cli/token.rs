//! `layerd token`: makes, lists and revokes the access tokens of a file.
//!
//! The file holds hashes only, so a token is shown once, when it is made. It is replaced whole, so that a server that
//! reads it meanwhile sees the old or the new one.

use std::io::{ErrorKind, Write as _};
use std::path::{Path, PathBuf};

use clap::Subcommand;
use jiff::Timestamp;

use crate::access::Scope;
use crate::access::token::{LARGEST_FILE, NewToken, TokenFile, Tokens};
use crate::source::regular;

use super::console::{Console, Exit, Failure, plain};
use super::random;

/// The longest time until a token ends, in days.
const LONGEST: u32 = 3650;

/// Make, list and revoke access tokens
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  layerd token new --tokens tokens.yaml --name user-service --read 'user-service/*'
  layerd token new --tokens tokens.yaml --name ops --scope refresh --scope status --expires 90d
  layerd token list --tokens tokens.yaml
  layerd token revoke k3v9x2ab --tokens tokens.yaml

The server reads the file that `access.tokens-file` names, and takes over changes within seconds.")]
pub(super) struct Args {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Make a token and print it; only its hash is kept
    New(New),
    /// List the tokens with their scopes and expiry
    List(Of),
    /// Take a token out of the file, so that it ends at once
    Revoke(Revoke),
}

#[derive(Debug, clap::Args)]
struct Of {
    /// The file of tokens
    #[arg(long, value_name = "FILE")]
    tokens: PathBuf,
}

#[derive(Debug, clap::Args)]
struct New {
    #[command(flatten)]
    of: Of,
    /// Whom the token is for, as logs name it
    #[arg(long, value_name = "NAME")]
    name: String,
    /// Applications and profiles that it may read, such as 'pay-*/production' or 'pay/*@main'
    #[arg(long, value_name = "APP/PROFILE")]
    read: Vec<String>,
    /// A scope in full, such as 'refresh', 'plain:pay/*/nginx.conf' or 'deny read:pay/production'
    #[arg(long, value_name = "SCOPE")]
    scope: Vec<String>,
    /// Days until it ends, such as 90d, or `never`
    #[arg(long, value_name = "DAYS", default_value = "365d")]
    expires: String,
}

#[derive(Debug, clap::Args)]
struct Revoke {
    #[command(flatten)]
    of: Of,
    /// The id of the token, as `layerd token list` prints it
    #[arg(value_name = "ID")]
    id: String,
}

impl Args {
    pub(super) fn run(&self, console: &mut Console<'_>) -> Result<Exit, Failure> {
        match &self.verb {
            Verb::New(new) => new.run(console),
            Verb::List(of) => list(of, console),
            Verb::Revoke(revoke) => revoke.run(console),
        }
    }
}

impl New {
    fn run(&self, console: &mut Console<'_>) -> Result<Exit, Failure> {
        let scopes = self.scopes()?;
        let path = console.environment.directory.join(&self.of.tokens);
        let mut file = open(&path, &self.of.tokens)?.unwrap_or_default();
        let now = Timestamp::now();
        let expires = expiry(&self.expires, now)?;
        let token = loop {
            let token = NewToken::from_bytes(random::bytes()?, random::bytes()?);
            if !file.tokens.iter().any(|known| known.id == token.id) {
                break token;
            }
        };
        file.tokens.push(token.record(&self.name, scopes, now, expires));
        save(&path, &self.of.tokens, &file)?;
        console.print(&format!("{}\n", token.text.expose()))?;
        let ends = expires.map_or("never".to_owned(), |expires| expires.strftime("%F").to_string());
        console.say(&format!("the token `{}` ends: {ends}; it is not shown again\n", token.id));
        Ok(Exit::Done)
    }

    fn scopes(&self) -> Result<Vec<String>, Failure> {
        let read = self.read.iter().map(|read| format!("read:{read}"));
        let scopes: Vec<String> = read.chain(self.scope.iter().cloned()).collect();
        if scopes.is_empty() {
            let failure = Failure::new(Exit::Usage, "the token may do nothing: neither --read nor --scope is given");
            return Err(failure.with_hint("add --read 'user-service/*', for instance"));
        }
        for scope in &scopes {
            Scope::parse(scope)
                .map_err(|error| Failure::new(Exit::Usage, format!("the scope {error}")).with_hint(error.hint))?;
        }
        Ok(scopes)
    }
}

impl Revoke {
    fn run(&self, console: &mut Console<'_>) -> Result<Exit, Failure> {
        let path = console.environment.directory.join(&self.of.tokens);
        let mut file = open(&path, &self.of.tokens)?.ok_or_else(|| missing(&self.of.tokens))?;
        let before = file.tokens.len();
        file.tokens.retain(|token| token.id != self.id);
        if file.tokens.len() == before {
            let failure = Failure::new(Exit::No, format!("there is no token `{}`", plain(&self.id)));
            return Err(failure.with_hint("`layerd token list` prints the ids"));
        }
        save(&path, &self.of.tokens, &file)?;
        console.say(&format!("the token `{}` is revoked\n", plain(&self.id)));
        Ok(Exit::Done)
    }
}

fn list(of: &Of, console: &mut Console<'_>) -> Result<Exit, Failure> {
    let path = console.environment.directory.join(&of.tokens);
    let file = open(&path, &of.tokens)?.ok_or_else(|| missing(&of.tokens))?;
    let now = Timestamp::now();
    for token in &file.tokens {
        let ends = match token.expires {
            None => "never ends".to_owned(),
            Some(expires) if expires <= now => format!("ended {}", expires.strftime("%F")),
            Some(expires) => format!("ends {}", expires.strftime("%F")),
        };
        console.print(&format!("{}  {}  {ends}  {}\n", token.id, plain(&token.name), token.scopes.join(", ")))?;
    }
    Ok(Exit::Done)
}

/// When a token made now ends.
fn expiry(text: &str, now: Timestamp) -> Result<Option<Timestamp>, Failure> {
    if text == "never" {
        return Ok(None);
    }
    let days = text.strip_suffix('d').and_then(|days| days.parse::<u32>().ok());
    let days = days.filter(|days| (1..=LONGEST).contains(days)).ok_or_else(|| {
        Failure::new(Exit::Usage, format!("`--expires` cannot be `{}`", plain(text)))
            .with_hint("write a number of days from 1d to 3650d, or never")
    })?;
    Ok(now.checked_add(jiff::SignedDuration::from_hours(24 * i64::from(days))).ok())
}

/// The tokens of a file that is understood whole; `None` if there is no file.
fn open(path: &Path, name: &Path) -> Result<Option<TokenFile>, Failure> {
    let text = match regular::read(path, LARGEST_FILE as u64) {
        Ok(bytes) => String::from_utf8_lossy(&bytes).into_owned(),
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(Failure::new(Exit::No, format!("`{}` cannot be read: {error}", name.display()))),
    };
    let file = TokenFile::parse(&text)
        .map_err(|error| Failure::new(Exit::No, format!("`{}` is not a file of tokens: {error}", name.display())))?;
    Tokens::new(&file).map_err(|errors| {
        let told: Vec<_> = errors.iter().map(ToString::to_string).collect();
        Failure::new(Exit::No, format!("`{}`: {}", name.display(), told.join("; ")))
    })?;
    Ok(Some(file))
}

fn missing(name: &Path) -> Failure {
    Failure::new(Exit::No, format!("there is no file `{}`", name.display()))
        .with_hint("`layerd token new` makes it with the first token")
}

/// Replaces the file whole. It is readable by its owner alone, although it holds no secret that opens anything.
fn save(path: &Path, name: &Path, file: &TokenFile) -> Result<(), Failure> {
    let refused =
        |error: std::io::Error| Failure::new(Exit::No, format!("`{}` cannot be written: {error}", name.display()));
    let text = serde_yaml::to_string(file).map_err(|error| Failure::new(Exit::No, error.to_string()))?;
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    // Made with mode 0600.
    let mut new = tempfile::NamedTempFile::new_in(folder).map_err(refused)?;
    new.write_all(text.as_bytes()).and_then(|()| new.as_file().sync_all()).map_err(refused)?;
    new.persist(path).map(drop).map_err(|error| refused(error.error))
}

#[cfg(test)]
mod tests {
    use crate::access::token::{TokenFile, Tokens};
    use crate::cli::testing::run;

    #[test]
    fn a_token_is_made_listed_and_revoked() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("tokens.yaml");
        let file = path.to_str().unwrap();
        let made = run(&["token", "new", "--tokens", file, "--name", "user", "--read", "user-service/*"], &[]);
        assert_eq!(made.code, 0, "{}", made.err);
        let text = std::fs::read_to_string(&path).unwrap();
        assert!(!text.contains(made.out.trim()), "only the hash is kept");
        let tokens = Tokens::new(&TokenFile::parse(&text).unwrap()).unwrap();
        assert_eq!(&*tokens.find(made.out.trim(), jiff::Timestamp::now().as_second()).unwrap().name, "user");

        let listed = run(&["token", "list", "--tokens", file], &[]).out;
        let id = listed.split_whitespace().next().unwrap().to_owned();
        assert!(listed.contains("user  ends ") && listed.contains("read:user-service/*"), "{listed}");
        let revoked = run(&["token", "revoke", &id, "--tokens", file], &[]);
        assert_eq!((revoked.code, revoked.err), (0, format!("the token `{id}` is revoked\n")));
        assert_eq!(run(&["token", "list", "--tokens", file], &[]).out, "");
        assert_eq!(run(&["token", "revoke", &id, "--tokens", file], &[]).code, 1);
    }

    #[test]
    fn what_cannot_be_meant_is_refused_and_changes_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("tokens.yaml");
        let file = path.to_str().unwrap();
        let cases: [(&[&str], &str); 4] = [
            (&["--name", "x"], "neither --read nor --scope"),
            (&["--name", "x", "--scope", "raed:x"], "does not begin with a verb that exists"),
            (&["--name", "x", "--read", "a/b/c"], "has more than two segments"),
            (&["--name", "x", "--read", "a", "--expires", "1y"], "`--expires` cannot be `1y`"),
        ];
        for (arguments, expected) in cases {
            let ran = run(&[&["token", "new", "--tokens", file], arguments].concat(), &[]);
            assert_eq!(ran.code, 2, "{}", ran.err);
            assert!(ran.err.contains(expected), "{}", ran.err);
        }
        assert!(!path.exists());
        assert_eq!(run(&["token", "list", "--tokens", file], &[]).code, 1);
        std::fs::write(&path, "tokens: [{id: x}]").unwrap();
        assert_eq!(run(&["token", "new", "--tokens", file, "--name", "x", "--read", "a"], &[]).code, 1);
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "tokens: [{id: x}]");
    }
}
