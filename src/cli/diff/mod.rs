//! `layerd diff`: what the applications of a repository get from one commit that they do not get from another.
//!
//! The comparison is made in `answer/compare.rs`; here are the arguments, and in the files below the three spellings.

mod human;
mod json;
mod markdown;

use std::collections::{BTreeSet, HashMap};

use clap::ValueEnum;

use crate::answer::compare::{Comparison, Reached, all, between, touched};
use crate::check::nothing;
use crate::config::address::Address;
use crate::config::semantics::Semantics;
use crate::store::compare::compare_all;

use super::console::{Console, Exit, Failure, plain};
use super::keys::KeyArgs;
use super::repo::Read;
use super::repo::commits::Commits;
use super::show_secrets::ShowSecrets;

/// Tell what changes for whom between two commits, or between two profiles
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  layerd diff main                          what the files here change
  layerd diff origin/main HEAD --exit-code  in CI: ends with 1 if anything changes for anybody
  layerd diff v1.0 v1.1 --repo https://git.example.org/team/config.git --format markdown
  layerd diff --profiles staging..production

In a repository of this machine, BASE and HEAD are what Git understands: main, v1.0, origin/main, HEAD~1, a commit id. Of a
URL, they are branches, tags and full commit ids. Ends with 1 only with --exit-code.")]
pub(super) struct Args {
    /// The commit to compare with
    #[arg(required_unless_present_any = ["profiles", "semantics"])]
    base: Option<String>,
    /// The commit that may bring a change [default: the files as they are, or of a URL its default branch]
    #[arg(conflicts_with = "profiles")]
    head: Option<String>,
    /// The folder, Git working tree or URL to read
    #[arg(long, value_name = "DIR-or-URL", default_value = ".")]
    repo: String,
    /// For people, for programs, or for a comment in a pull request
    #[arg(long, value_enum, default_value = "human")]
    format: Format,
    /// With --format markdown: places are links that begin with this, such as https://github.com/team/config/blob/COMMIT
    #[arg(long, value_name = "URL")]
    link_base: Option<String>,
    /// End with 1 if anything differs
    #[arg(long)]
    exit_code: bool,
    /// Compare two profiles of BASE, or of the files as they are, for every application
    #[arg(long, value_name = "A..B")]
    profiles: Option<String>,
    /// Compare what the two orders of layers make of BASE, or of the files as they are
    #[arg(long, value_name = "native..spring", value_parser = ["native..spring"], conflicts_with_all = ["profiles", "head"])]
    semantics: Option<String>,
    #[command(flatten)]
    secrets: ShowSecrets,
    #[command(flatten)]
    keys: KeyArgs,
}

/// How a difference is spelled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    Human,
    Json,
    Markdown,
}

/// A comparison and what was compared.
struct Difference {
    base: Read,
    head: Read,
    comparison: Comparison,
}

impl Args {
    pub(super) fn run(&self, console: &mut Console<'_>) -> Result<Exit, Failure> {
        let profiles = self.profiles.as_deref().map(parse_profiles).transpose()?;
        let reveal = self.secrets.asked(console)?;
        let mut commits = Commits::open(&self.repo, self.keys.secrets(console.environment)?, console.environment)?;
        let base = commits.read(self.base.as_deref())?;
        let mut difference = match profiles {
            Some((from, to)) => {
                let questions = between(&base.snapshot, &base.snapshot, &from.profiles, &to.profiles);
                let comparison = compare_all(&base.snapshot, &base.snapshot, &questions);
                Difference { head: base.clone(), base, comparison }
            }
            None if self.semantics.is_some() => {
                let (base, head) = (commits.under(&base, Semantics::Native)?, commits.under(&base, Semantics::Spring)?);
                let comparison = compare_all(&base.snapshot, &head.snapshot, &all(&base.snapshot, &head.snapshot));
                Difference { base, head, comparison }
            }
            None => {
                let head = commits.read(self.head.as_deref())?;
                let questions = touched(&base.snapshot, &head.snapshot);
                let comparison = compare_all(&base.snapshot, &head.snapshot, &questions);
                Difference { base, head, comparison }
            }
        };
        difference.is_of_something()?;
        if reveal {
            difference.comparison.reveal();
        }
        console.print(&match self.format {
            Format::Human => human::spell(&difference, console.is_coloured(true)),
            Format::Json => json::spell(&difference),
            Format::Markdown => {
                let base = self.link_base.as_deref().map(|base| commits.link(base, &difference.head.snapshot.own.root));
                markdown::spell(&difference, base.as_deref())
            }
        })?;
        let is_no = self.exit_code && !difference.is_empty();
        Ok(if is_no { Exit::No } else { Exit::Done })
    }
}

impl Difference {
    /// Refuses a comparison of nothing with nothing.
    fn is_of_something(&self) -> Result<(), Failure> {
        let (base, head) = (&self.base.snapshot, &self.head.snapshot);
        if !base.is_empty() || !head.is_empty() {
            return Ok(());
        }
        let paths = head.tree.files.keys().map(|path| &**path);
        let (message, hint) = nothing::told(paths, &head.search_paths, "diff BASE --repo");
        Err(Failure::new(Exit::No, plain(&message)).with_hint(plain(&hint)))
    }

    /// True if everybody gets the same from both, or as little.
    fn is_empty(&self) -> bool {
        self.comparison.groups.is_empty() && self.comparison.unanswered.is_empty()
    }

    /// How many keys differ, every one counted once for those whom its change reaches together.
    fn keys(&self) -> usize {
        self.comparison.groups.iter().map(|group| group.change.len()).sum()
    }

    /// How many applications get something else.
    fn applications(&self) -> usize {
        let reached = self.comparison.groups.iter().flat_map(|group| &group.reached);
        reached.map(|(application, _)| application).collect::<BTreeSet<_>>().len()
    }

    /// The two commits by the names that were asked for and the beginnings of their ids.
    fn names(&self) -> [(String, String); 2] {
        [&self.base, &self.head].map(|read| {
            let id = read.snapshot.commit.to_string();
            (plain(&read.label), id[..SHORT].to_owned())
        })
    }
}

/// How many characters of a commit id people are shown.
const SHORT: usize = 7;

/// A number with its noun.
fn count(number: usize, noun: &str) -> String {
    format!("{number} {noun}{}", if number == 1 { "" } else { "s" })
}

/// At most so many characters of a text, and a mark if there are more.
pub(super) fn shortened(text: &str, most: usize) -> String {
    match text.char_indices().nth(most) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

/// Applications with equal profiles together: the profiles, and the applications.
fn by_profiles(reached: &Reached) -> Vec<(String, Vec<&str>)> {
    let mut together: Vec<(String, Vec<&str>)> = Vec::new();
    let mut places = HashMap::new();
    for (application, profiles) in reached {
        let profiles = profiles.join(", ");
        let place = *places.entry(profiles.clone()).or_insert_with(|| {
            together.push((profiles, Vec::new()));
            together.len() - 1
        });
        together[place].1.push(application);
    }
    together
}

fn parse_profiles(text: &str) -> Result<(Address, Address), Failure> {
    let usage = |message: String| Failure::new(Exit::Usage, message).with_hint("write --profiles staging..production");
    let (from, to) =
        text.split_once("..").ok_or_else(|| usage(format!("`--profiles {text}` does not name two profiles")))?;
    // An application is part of every address; which one is asked for does not matter here.
    let parse = |list| Address::parse("application", Some(list), None).map_err(|error| usage(error.to_string()));
    Ok((parse(from)?, parse(to)?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::testing::run;

    #[test]
    fn wrong_usage_ends_with_two() {
        let tell = |args: &[&str]| {
            let ran = run(args, &[]);
            assert_eq!((ran.code, ran.out.as_str()), (2, ""), "{}", ran.err);
            ran.err
        };
        assert!(tell(&["diff"]).contains("<BASE>"));
        tell(&["diff", "a", "b", "--profiles", "a..b"]);
        tell(&["diff", "a", "b", "--semantics", "native..spring"]);
        assert_eq!(
            tell(&["diff", "--profiles", "a"]),
            "error: `--profiles a` does not name two profiles\nhint: write --profiles staging..production\n"
        );
        assert_eq!(
            tell(&["diff", "--profiles", "a.."]),
            "error: profile is empty\nhint: write --profiles staging..production\n"
        );
    }

    #[test]
    fn a_place_that_is_no_repository_ends_with_three() {
        let ran = run(&["diff", "main", "--repo", "/nowhere/at/all"], &[]);
        assert_eq!((ran.code, ran.out.as_str()), (3, ""), "{}", ran.err);
    }

    #[test]
    fn applications_with_equal_profiles_stand_together() {
        let reached = [("a", "x"), ("b", "y"), ("c", "x")].map(|(name, profile)| (name.into(), vec![profile.into()]));
        let reached = Vec::from(reached);
        assert_eq!(by_profiles(&reached), [("x".to_owned(), vec!["a", "c"]), ("y".to_owned(), vec!["b"])]);
        assert_eq!((count(1, "key"), count(2, "key")), ("1 key".to_owned(), "2 keys".to_owned()));
        assert_eq!((shortened("äöü", 2), shortened("äö", 2)), ("äö…".to_owned(), "äö".to_owned()));
    }
}
