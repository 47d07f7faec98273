//! `--show-secrets`: secrets as they are, for somebody at a terminal and for no log, file or comment.

use super::console::{Console, Exit, Failure};

/// Whether secrets are shown as they are.
#[derive(Debug, clap::Args)]
pub(super) struct ShowSecrets {
    /// Show secrets instead of stars; on a terminal only
    #[arg(long)]
    show_secrets: bool,
}

impl ShowSecrets {
    /// True if secrets are to be shown, which is refused where what is printed would be kept.
    pub(super) fn asked(&self, console: &Console<'_>) -> Result<bool, Failure> {
        if self.show_secrets && !console.is_terminal {
            let message =
                "--show-secrets is for a terminal, and stdout is not one: secrets would end up in a file or a log";
            return Err(Failure::new(Exit::Usage, message)
                .with_hint("leave it out, or read one value with `layerd render --raw KEY`"));
        }
        Ok(self.show_secrets)
    }

    /// Refuses the option where a server is asked, which shows them to nobody.
    pub(super) fn refuse_for_server(&self) -> Result<(), Failure> {
        match self.show_secrets {
            false => Ok(()),
            true => {
                Err(Failure::new(Exit::Usage, "--show-secrets is for a repository: a server returns stars for secrets")
                    .with_hint("name the repository with --repo, or read one value with `layerd get --raw KEY`"))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use git2::{IndexAddOption, Repository, Signature, Time};

    use crate::cli::testing::{Ran, run, run_on_terminal};

    /// A repository with a commit for each of these contents of `user.yml`.
    fn repository(contents: &[&str]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        let repository = Repository::init(folder.path()).unwrap();
        for content in contents {
            std::fs::write(folder.path().join("user.yml"), content).unwrap();
            let mut index = repository.index().unwrap();
            index.add_all(["*"], IndexAddOption::DEFAULT, None).unwrap();
            let tree = repository.find_tree(index.write_tree().unwrap()).unwrap();
            let author = Signature::new("Ann", "ann@example.org", &Time::new(1_700_000_000, 0)).unwrap();
            let parent = repository.head().ok().map(|head| head.peel_to_commit().unwrap());
            repository.commit(Some("HEAD"), &author, &author, "m", &tree, &parent.iter().collect::<Vec<_>>()).unwrap();
        }
        folder
    }

    fn all(folder: &Path, ask: impl Fn(&[&str]) -> Ran) -> [Ran; 3] {
        let repo = folder.to_str().unwrap();
        [
            ask(&["diff", "HEAD~1", "HEAD", "--repo", repo, "--show-secrets"]),
            ask(&["history", "user", "default", "db.password", "--repo", repo, "--show-secrets"]),
            ask(&["explain", "user", "--repo", repo, "--show-secrets"]),
        ]
    }

    #[test]
    fn a_terminal_is_shown_secrets_and_nothing_else_is() {
        let folder = repository(&["db.password: hunter2\n", "db.password: hunter3\nurl: u-${db.password}\n"]);
        let [diff, history, explain] = all(folder.path(), |args| run_on_terminal(args, &[("NO_COLOR", "1")]));
        assert!(diff.out.contains("~ db.password = \"hunter2\" -> \"hunter3\"\n"), "{}", diff.out);
        assert!(diff.out.contains("+ url = \"u-hunter3\"\n"), "{}", diff.out);
        assert!(history.out.contains("\"hunter2\" -> \"hunter3\"\n"), "{}", history.out);
        assert!(explain.out.contains("db.password = \"hunter3\"\n"), "{}", explain.out);
        let told = "error: --show-secrets is for a terminal, and stdout is not one: secrets would end up in a file or a log\n\
                    hint: leave it out, or read one value with `layerd render --raw KEY`\n";
        for ran in all(folder.path(), |args| run(args, &[])) {
            assert_eq!((ran.code, ran.out.as_str(), ran.err.as_str()), (2, "", told));
        }
    }

    #[test]
    fn a_server_is_not_asked_for_secrets() {
        for args in [&["explain", "user"][..], &["history", "user", "default", "a"]] {
            let ran = run_on_terminal(&[args, &["--show-secrets", "--server", "http://127.0.0.1:1"]].concat(), &[]);
            assert_eq!((ran.code, ran.out.as_str()), (2, ""));
            assert!(ran.err.contains("a server returns stars for secrets"), "{}", ran.err);
        }
    }
}
