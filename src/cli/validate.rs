//! `layerd validate`: what a repository holds that is wrong or doubtful, for everyone whom it serves, as a build checks it.

use std::num::NonZeroUsize;
use std::path::{Component, Path};
use std::thread;
use std::time::Instant;

use clap::ValueEnum;

use crate::check::policy::{self, Policy};
use crate::check::report::{Count, github, human, json, junit, markdown, sarif};
use crate::check::{self, Input, Plan, Report, change, page};
use crate::config::foreign;
use crate::snapshot::Snapshot;

use super::console::{Console, Exit, Failure, plain};
use super::keys::KeyArgs;
use super::repo::files::{Material, Origin};

/// More threads than this gain nothing.
const MOST_THREADS: usize = 8;

/// Check a repository as CI does: every application with every profile that it names
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  layerd validate
  layerd validate config-repo --strict
  layerd validate --changed-since origin/main --format github
  layerd validate --explain never-selected
  layerd validate https://git.example.org/team/config.git --label release --format sarif

Rules are set, and places silenced, in `.layerd.yaml` in the repository, which also says how it is read.
Exit codes: 0 nothing wrong, 1 errors found (with --strict warnings too), 2 wrong usage, 3 repository not reached.")]
pub(super) struct Args {
    /// The folder, Git working tree or URL to check; of a folder the files as they are on disk
    #[arg(default_value = ".", value_name = "DIR-or-URL")]
    repo: String,
    /// Check this branch, tag or commit in the place of the files on disk
    #[arg(long)]
    label: Option<String>,
    /// How findings are printed
    #[arg(long, value_enum, default_value = "human")]
    format: Format,
    /// Print the page of a code, and check nothing
    #[arg(long, value_name = "CODE")]
    explain: Option<String>,
    /// With --format sarif: the address of docs/problems.md, for links to the pages of codes
    #[arg(long, value_name = "URL")]
    pages: Option<String>,
    /// With --format markdown: places are links that begin with this, such as https://github.com/team/config/blob/COMMIT
    #[arg(long, value_name = "URL")]
    link_base: Option<String>,
    /// Only what is found now and was not at this branch, tag or commit
    #[arg(long, value_name = "REF")]
    changed_since: Option<String>,
    /// Warnings fail too
    #[arg(long)]
    strict: bool,
    #[command(flatten)]
    keys: KeyArgs,
}

/// How findings are printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// With the lines of the files
    Human,
    Json,
    /// SARIF 2.1.0
    Sarif,
    /// JUnit XML
    Junit,
    /// Annotations of GitHub Actions
    Github,
    /// For a comment in a pull request, below the differences
    Markdown,
}

impl Args {
    pub(super) fn run(&self, console: &mut Console<'_>) -> Result<Exit, Failure> {
        if let Some(code) = &self.explain {
            console.print(&explained(code)?)?;
            return Ok(Exit::Done);
        }
        let started = Instant::now();
        let origin = Origin::open(&self.repo, self.keys.secrets(console.environment)?, console.environment)?;
        let material = origin.material(self.label.as_deref())?;
        let before = self.changed_since.as_deref().map(|before| origin.material(Some(before))).transpose()?;
        let mut report = checked(&material, before.as_ref().map(|before| &*before.snapshot));
        if let Some(before) = &before {
            report = change::brought(report, &checked(before, None));
        }
        let report = material.told_from_top(report);
        let seconds = started.elapsed().as_secs_f64();
        let prefix = prefix(&self.repo, &console.environment.directory, origin.root());
        console.print(&self.spell(&report, &material, (seconds, &prefix), console))?;
        let count = Count::of(&report);
        console.say(&summary(&report, count));
        let fails = count.errors > 0 || (self.strict && count.warnings > 0);
        Ok(if fails { Exit::No } else { Exit::Done })
    }

    fn spell(
        &self,
        report: &Report,
        material: &Material,
        (seconds, prefix): (f64, &str),
        console: &Console<'_>,
    ) -> String {
        match self.format {
            Format::Human => human::write(report, prefix, console.is_coloured(true), |path| material.text(path)),
            Format::Json => foreign::json(&json::write(report)).into_owned(),
            Format::Sarif => {
                let text = sarif::write(report, prefix, self.pages.as_deref(), |path| material.text(path));
                foreign::json(&text).into_owned()
            }
            Format::Junit => junit::write(report, prefix, self.strict, seconds),
            Format::Github => github::write(report, prefix),
            Format::Markdown => markdown::write(report, prefix, self.link_base.as_deref()),
        }
    }
}

/// The page of a code.
fn explained(code: &str) -> Result<String, Failure> {
    page::of(code).ok_or_else(|| {
        let near = page::near(code);
        let failure = Failure::new(Exit::Usage, format!("there is no code `{}`", plain(code)));
        match near.is_empty() {
            true => failure.with_hint("the codes stand in brackets behind the severity, and in docs/problems.md"),
            false => failure.with_hint(format!("did you mean `{}`?", near.join("`, `"))),
        }
    })
}

/// Checks on as many threads as the machine has.
fn checked(material: &Material, before: Option<&Snapshot>) -> Report {
    let own = material.snapshot.own.bytes.as_deref().map(Policy::of_repository).unwrap_or_default();
    let policy = match (material.text(policy::FILE), material.snapshot.tree.files.get(policy::FILE)) {
        (Some(bytes), _) => Policy::read(bytes),
        (None, Some(file)) => Policy::too_large(file.size, &material.snapshot.limits),
        (None, None) => Policy::default(),
    };
    let policy = own.and(policy);
    let (snapshot, texts, limits) = (&*material.snapshot, &material.texts, &material.snapshot.limits);
    let plan = Plan::new(Input {
        snapshot,
        texts,
        others: &material.others,
        filtered: &material.filtered,
        limits,
        policy: &policy,
        before,
    });
    let count = thread::available_parallelism().map_or(1, NonZeroUsize::get).min(MOST_THREADS);
    let parts: Vec<check::Part> = thread::scope(|scope| {
        let threads: Vec<_> = (0..count)
            .map(|number| {
                scope.spawn({
                    let plan = &plan;
                    move || plan.part(number, count)
                })
            })
            .collect();
        threads.into_iter().map(|thread| thread.join().expect("rules do not panic")).collect()
    });
    plan.finish(parts)
}

/// What stands before the paths of a folder, so that they lead to the files from where the user is. `root` is the folder in
/// it that holds the configuration.
fn prefix(repo: &str, directory: &Path, root: &str) -> String {
    let path = if directory.join(repo).is_dir() { Path::new(repo).join(root) } else { root.into() };
    let segments = path.components().filter(|part| !matches!(part, Component::CurDir));
    let prefix = segments.collect::<std::path::PathBuf>().to_string_lossy().into_owned();
    if prefix.is_empty() || prefix.ends_with('/') { prefix } else { format!("{prefix}/") }
}

fn summary(report: &Report, count: Count) -> String {
    let many = |number: usize, noun: &str| format!("{number} {noun}{}", if number == 1 { "" } else { "s" });
    format!(
        "{}, {}, {} in {} of {}\n",
        many(count.errors, "error"),
        many(count.warnings, "warning"),
        many(count.infos, "info"),
        many(report.files, "file"),
        many(report.applications, "application")
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::testing::{run, run_on_terminal};

    #[test]
    fn the_example_repository_is_clean() {
        let repo = concat!(env!("CARGO_MANIFEST_DIR"), "/config-repo-example");
        let ran = run(&["validate", repo, "--strict"], &[]);
        let told = "0 errors, 0 warnings, 0 infos in 10 files of 3 applications\n";
        assert_eq!((ran.code, ran.out.as_str(), ran.err.as_str()), (0, "", told));
    }

    #[test]
    fn colours_are_for_terminals_without_no_color() {
        let repo = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/validate/duplicate-key");
        assert!(run_on_terminal(&["validate", repo], &[]).out.contains('\u{1b}'));
        assert!(!run_on_terminal(&["validate", repo], &[("NO_COLOR", "1")]).out.contains('\u{1b}'));
        assert!(!run_on_terminal(&["validate", repo, "--format", "github"], &[]).out.contains('\u{1b}'));
        assert!(!run(&["validate", repo], &[]).out.contains('\u{1b}'));
    }

    #[test]
    fn paths_lead_to_the_files_from_where_the_user_is() {
        let directory = Path::new(env!("CARGO_MANIFEST_DIR"));
        for (repo, expected) in [(".", ""), ("./", ""), ("src", "src/"), ("./src/cli/", "src/cli/"), ("../x/nope", "")]
        {
            assert_eq!(prefix(repo, directory, ""), expected, "{repo}");
        }
        assert_eq!(prefix("/", directory, ""), "/");
        assert_eq!(prefix("src", directory, "a/b"), "src/a/b/");
        assert_eq!(prefix("https://h/x", directory, "a"), "a/");
    }
}
