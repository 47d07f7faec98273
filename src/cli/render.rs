//! `layerd render`: the answer that a server would give, without a server, from a folder or a repository.

use crate::answer;
use crate::snapshot::OnFailure;

use super::console::{Console, Exit, Failure};
use super::get;
use super::keys::KeyArgs;
use super::question::{Question, Spelling};
use super::repo::{failure, names, read};

/// Print the answer that a server would give, without a server
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  layerd render user-service production --repo .
  layerd render user-service --repo https://git.example.org/team/config.git --label main --format yaml
  layerd render user-service production --repo config-repo --key server.port
  layerd render user-service production --repo . --format configmap | kubectl apply -f -
  layerd render user-service production --repo . --keys prod-2026a=prod.key      sealed values opened
  layerd render user-service production --repo . --settings layerd.yaml          as the server with these settings reads it")]
pub(super) struct Args {
    #[command(flatten)]
    pub(super) question: Question,
    #[command(flatten)]
    pub(super) spelling: Spelling,
    /// The folder, Git working tree or URL to read
    #[arg(long, value_name = "DIR-or-URL")]
    pub(super) repo: String,
    /// Refuse an application or profile that nothing in the repository names
    #[arg(long)]
    strict: bool,
    #[command(flatten)]
    keys: KeyArgs,
}

impl Args {
    pub(super) fn run(&self, console: &mut Console<'_>) -> Result<Exit, Failure> {
        let address = self.question.address()?;
        let spelling = self.spelling.to_answer(&address)?;
        let reading = self.keys.reading(OnFailure::Pin, console.environment)?;
        let read = read(&self.repo, &address, reading, console.environment)?;
        names(&read, &address, self.strict, "render {}", console)?;
        let selection = answer::whole(&read.snapshot, &address).map_err(|error| failure(&error))?;
        let spelled = answer::spell(&selection, &spelling).map_err(|error| failure(&error))?;
        spelled.warning.iter().for_each(|warning| console.warn(warning));
        get::print_as(self.spelling.is_raw(), &spelled.body, console)
    }
}

#[cfg(test)]
mod tests {
    use crate::cli::testing::run;

    #[test]
    fn a_folder_is_rendered_as_it_is() {
        let repo = concat!(env!("CARGO_MANIFEST_DIR"), "/config-repo-example");
        let ran = run(&["render", "user-service", "production", "--repo", repo, "--key", "datasource.pool"], &[]);
        assert_eq!((ran.code, ran.out.as_str(), ran.err.as_str()), (0, "{\"size\":50,\"timeout\":\"3s\"}\n", ""));
        let ran = run(&["render", "user-service", "--repo", repo, "--key", "nope"], &[]);
        assert_eq!((ran.code, ran.err.as_str()), (1, "error: there is no key `nope`\n"));
    }

    #[test]
    fn values_of_a_folder_are_explained() {
        let repo = concat!(env!("CARGO_MANIFEST_DIR"), "/config-repo-example");
        let args = ["explain", "user-service", "production", "--repo", repo, "--key", "datasource.pool.size"];
        let expected = "datasource.pool.size = 50\n  user-service/application-production.yml:5:11\n  \
                        hides 10 user-service/application.yml:15:11\n";
        let ran = run(&args, &[]);
        let (about, keys) = ran.out.split_once('\n').unwrap();
        assert_eq!((ran.code, keys, ran.err.as_str()), (0, expected, ""));
        assert!(about.starts_with("# user-service production, label main, version "), "{about}");
    }

    #[test]
    fn what_cannot_be_read_ends_with_3() {
        let ran = run(&["render", "a", "--repo", "/nowhere/at/all"], &[]);
        assert_eq!((ran.code, ran.out.as_str()), (3, ""), "{}", ran.err);
    }
}
