//! The files of `docs/ci.md` do what the page says: their commands are run where a build would run them.
//!
//! A line of a `run`, `script` or `entry` that begins with `layerd` is a command. It runs in a checkout of the example
//! repository whose `origin/main` and HEAD are told apart, with the variables that the service sets.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Command;

use layerd::config::select::Rank;
use layerd::secret::key::{Key, KeyId};
use layerd::secret::keyring::Keyring;
use layerd::secret::place::{Context, Place};
use serde_yaml::Value;

use crate::harness::folder::Folder;
use crate::harness::server::{Ran, run};

/// Where each file of `examples/ci` belongs in a configuration repository.
const FILES: [(&str, &str); 3] = [
    ("github-actions.yml", ".github/workflows/configuration.yml"),
    ("gitlab-ci.yml", ".gitlab-ci.yml"),
    ("pre-commit-config.yaml", ".pre-commit-config.yaml"),
];

fn text(path: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).unwrap()
}

/// The YAML blocks of a page whose first line names a path.
fn blocks(page: &str) -> Vec<(String, String)> {
    let blocks = page.split("```yaml\n# ").skip(1).filter_map(|rest| rest.split_once("\n```\n"));
    blocks.filter_map(|(block, _)| Some((block.split_once('\n')?.0.to_owned(), format!("# {block}\n")))).collect()
}

/// The commands of a file, in their order.
fn commands(file: &str) -> Vec<String> {
    fn gather(value: &Value, is_script: bool, found: &mut Vec<String>) {
        match value {
            Value::String(text) if is_script => {
                found.extend(text.lines().filter(|line| line.starts_with("layerd ")).map(str::to_owned));
            }
            Value::Sequence(items) => items.iter().for_each(|item| gather(item, is_script, found)),
            Value::Mapping(map) => {
                for (name, value) in map {
                    gather(value, matches!(name.as_str(), Some("run" | "script" | "entry")), found);
                }
            }
            _ => {}
        }
    }
    let mut found = Vec::new();
    let parsed =
        serde_yaml::from_str(&text(&format!("examples/ci/{file}"))).unwrap_or_else(|error| panic!("{file}: {error}"));
    gather(&parsed, false, &mut found);
    found
}

/// A checkout as a build finds it.
struct Checkout {
    folder: Folder,
    out: Folder,
}

impl Checkout {
    /// `origin/main` has the example and these files more; HEAD is the same.
    fn new(files: &[(&str, &str)]) -> Self {
        let checkout = Self { folder: Folder::copy_of("config-repo-example"), out: Folder::new() };
        checkout.git(&["init", "--quiet", "--initial-branch", "topic"]);
        checkout.commit(files).git(&["update-ref", "refs/remotes/origin/main", "HEAD"]);
        checkout
    }

    fn commit(&self, files: &[(&str, &str)]) -> &Self {
        self.edit(files).git(&["add", "--all"]);
        self.git(&["-c", "user.name=A", "-c", "user.email=a@example.org", "commit", "--quiet", "--message", "Change"]);
        self
    }

    fn edit(&self, files: &[(&str, &str)]) -> &Self {
        for (path, text) in files {
            self.folder.file(path, text);
        }
        self
    }

    fn git(&self, args: &[&str]) -> String {
        let ran = Command::new("git").args(args).current_dir(self.folder.path()).output().unwrap();
        assert!(ran.status.success(), "{args:?}: {}", String::from_utf8_lossy(&ran.stderr));
        String::from_utf8(ran.stdout).unwrap().trim().to_owned()
    }

    fn run(&self, command: &str) -> Ran {
        let program = Path::new(env!("CARGO_BIN_EXE_layerd")).parent().unwrap().to_str().unwrap();
        let path = std::env::var_os("PATH").unwrap_or_default();
        let mut shell = Command::new("bash");
        shell.args(["-e", "-c", command]).current_dir(self.folder.path()).env_clear();
        shell
            .env("PATH", format!("{program}:{}", path.display()))
            .env("HOME", self.out.path())
            .env("RUNNER_TEMP", self.out.path());
        shell.env("GITHUB_BASE_REF", "main").env("GITHUB_REPOSITORY", "team/config").env("GITHUB_SHA", "c0ffee");
        for (name, file) in [("GITHUB_STEP_SUMMARY", "summary.md"), ("GITHUB_OUTPUT", "output")] {
            shell.env(name, self.out.path().join(file));
        }
        // The root, for every branch here leaves the target at its only commit.
        shell.env("CI_MERGE_REQUEST_DIFF_BASE_SHA", self.git(&["rev-list", "--max-parents=0", "HEAD"]));
        run(&mut shell)
    }

    /// Each command of a file that ended otherwise than with 0, with its exit code.
    fn refused(&self, file: &str) -> Vec<String> {
        let ran = commands(file).into_iter().map(|command| (self.run(&command), command));
        ran.filter(|(ran, _)| ran.code != Some(0))
            .map(|(ran, command)| format!("{} {command}", ran.code.unwrap()))
            .collect()
    }
}

/// The name of the application stays, because a placeholder of the shared file refers to it.
const GOOD: [(&str, &str); 1] =
    [("order-service/application.yml", "server: {port: 9082}\nspring.application.name: order-service\n")];
const BROKEN: [(&str, &str); 1] = [("order-service/application.yml", "server: {port: 9082\n")];
const SECRET: [(&str, &str); 1] =
    [("order-service/application.yml", "datasource.password: 'x8Kq2vLw'\nspring.application.name: order-service\n")];

const VALIDATE: [&str; 3] = [
    r#"layerd validate --changed-since "origin/$GITHUB_BASE_REF" --format github"#,
    r#"layerd validate --changed-since "$CI_MERGE_REQUEST_DIFF_BASE_SHA" --format junit > layerd.xml"#,
    "layerd validate --changed-since HEAD",
];

/// What HEAD, or for a hook the files on disk, bring.
fn changed(file: &str, before: &[(&str, &str)], change: &[(&str, &str)]) -> Checkout {
    let checkout = Checkout::new(before);
    if file == "pre-commit-config.yaml" {
        checkout.edit(change)
    } else {
        checkout.commit(change)
    };
    checkout
}

#[test]
fn the_page_shows_the_files_of_the_examples() {
    let blocks = blocks(&text("docs/ci.md"));
    let files: Vec<_> =
        FILES.iter().map(|(file, path)| ((*path).to_owned(), text(&format!("examples/ci/{file}")))).collect();
    assert_eq!(blocks, files);
}

#[test]
fn every_way_to_check_is_in_the_files() {
    assert_eq!(
        FILES.map(|(file, _)| commands(file).join("\n")),
        [
            [
                VALIDATE[0],
                "layerd validate --format github",
                "layerd secrets audit",
                r#"layerd diff "origin/$GITHUB_BASE_REF" HEAD --format markdown > "$RUNNER_TEMP/diff.md""#,
                r#"layerd validate --changed-since "origin/$GITHUB_BASE_REF" --format markdown >> "$RUNNER_TEMP/diff.md" || test $? -eq 1"#,
                r#"layerd validate --format sarif > "$RUNNER_TEMP/layerd.sarif" || test $? -eq 1"#,
            ]
            .join("\n"),
            [
                VALIDATE[1],
                "layerd validate",
                "layerd secrets audit",
                r#"layerd diff "$CI_MERGE_REQUEST_DIFF_BASE_SHA" HEAD --format markdown > layerd-diff.md"#,
                r#"layerd validate --changed-since "$CI_MERGE_REQUEST_DIFF_BASE_SHA" --format markdown >> layerd-diff.md || test $? -eq 1"#,
            ]
            .join("\n"),
            [VALIDATE[2], "layerd secrets audit"].join("\n"),
        ]
    );
}

#[test]
fn a_good_change_passes_and_is_told() {
    for (file, _) in FILES {
        let checkout = changed(file, &[], &GOOD);
        assert_eq!(checkout.refused(file), [""; 0], "{file}");
        let told = match file {
            "github-actions.yml" => checkout.out.read("diff.md"),
            "gitlab-ci.yml" => checkout.folder.read("layerd-diff.md"),
            _ => continue,
        };
        assert!(told.starts_with("### Configuration\n\n"), "{told}");
        assert!(
            told.contains("| ✏️ | `server.port` | `8082` | `9082` | `order-service/application.yml:1` |"),
            "{told}"
        );
    }
}

#[test]
fn a_change_that_breaks_a_service_is_refused_with_its_place() {
    for ((file, _), validate) in FILES.iter().zip(VALIDATE) {
        let checkout = changed(file, &[], &BROKEN);
        let whole = match *file {
            "github-actions.yml" => Some("1 layerd validate --format github"),
            "gitlab-ci.yml" => Some("1 layerd validate"),
            _ => None,
        };
        let audit = "1 layerd secrets audit".to_owned();
        let expected: Vec<String> =
            std::iter::once(format!("1 {validate}")).chain(whole.map(str::to_owned)).chain([audit]).collect();
        assert_eq!(checkout.refused(file), expected, "{file}");
        match *file {
            "github-actions.yml" => {
                let told = "::error file=order-service/application.yml,line=1,col=9,title=syntax::";
                assert!(checkout.run(validate).stdout.starts_with(told), "{}", checkout.run(validate));
                let sarif: serde_json::Value = serde_json::from_str(&checkout.out.read("layerd.sarif")).unwrap();
                assert_eq!(sarif["runs"][0]["results"][0]["ruleId"], "syntax");
                assert!(checkout.out.read("diff.md").contains("No answer since the change"));
            }
            "gitlab-ci.yml" => {
                let junit = checkout.folder.read("layerd.xml");
                assert!(junit.contains("<failure ") && junit.contains("order-service/application.yml"), "{junit}");
            }
            _ => {}
        }
    }
}

#[test]
fn what_was_broken_before_does_not_hold_up_a_good_change() {
    let old = [("old.yml", "a: [\n")];
    for ((file, _), validate) in FILES.iter().zip(VALIDATE) {
        let ran = changed(file, &old, &GOOD).run(validate);
        assert_eq!(ran.code, Some(0), "{file}: {ran}");
    }
}

#[test]
fn a_secret_in_plain_text_is_refused_and_not_repeated() {
    for (file, _) in FILES {
        let checkout = changed(file, &[], &SECRET);
        assert_eq!(checkout.refused(file), ["1 layerd secrets audit"], "{file}");
        let ran = checkout.run("layerd secrets audit");
        assert_eq!(ran.stdout, "order-service/application.yml:1:22: datasource.password: its name says password\n");
    }
}

/// What the step of the action runs, with its inputs.
fn action(checkout: &Checkout, inputs: &str) -> Ran {
    let action: Value = serde_yaml::from_str(&text("action.yml")).expect("action.yml is YAML");
    let steps = action["runs"]["steps"].as_sequence().expect("steps");
    let step = steps.iter().find(|step| step["id"] == "check").expect("the step of the check");
    let given = step["env"].as_mapping().expect("inputs as variables");
    assert_eq!(given.len(), 3, "FOLDER, BASE and STRICT");
    let root = env!("CARGO_MANIFEST_DIR");
    let script = step["run"].as_str().expect("a script");
    checkout.run(&format!("export GITHUB_ACTION_PATH={root} FOLDER=. BASE= STRICT=false {inputs}\n{script}"))
}

#[test]
fn the_action_comments_on_a_good_change_and_passes() {
    let checkout = changed("", &[], &GOOD);
    let ran = action(&checkout, "");
    assert_eq!(ran.code, Some(0), "{ran}");
    let comment = checkout.out.read("layerd.md");
    let row = "| ✏️ | `server.port` | `8082` | `9082` | [`order-service/application.yml:1`]\
               (https://github.com/team/config/blob/c0ffee/order-service/application.yml#L1) |";
    assert!(comment.starts_with("### Configuration\n\n") && comment.contains(row), "{comment}");
    let validation =
        "\n\n### Validation\n\n⚠️ **0 errors**, **1 warning**, 0 notes in 10 files of 3 applications.\n\n- ⚠️ ";
    assert!(comment.contains(validation), "{comment}");
    assert_eq!(checkout.out.read("summary.md"), comment);
    assert_eq!(checkout.out.read("output"), format!("sarif={}/layerd.sarif\n", checkout.out.path().display()));
    let sarif: serde_json::Value = serde_json::from_str(&checkout.out.read("layerd.sarif")).expect("SARIF is JSON");
    assert_eq!(sarif["version"], "2.1.0");
}

#[test]
fn the_action_refuses_what_breaks_a_service_and_names_it_first() {
    let checkout = changed("", &[], &BROKEN);
    let ran = action(&checkout, "");
    assert_eq!(ran.code, Some(1), "{ran}");
    assert!(ran.stdout.starts_with("::error file=order-service/application.yml,line=1,col=9,title=syntax::"), "{ran}");
    let comment = checkout.out.read("layerd.md");
    let (broken, validation) = comment.split_once("### Validation").expect("both parts");
    assert!(broken.contains("⚠️ No answer since the change: "), "{comment}");
    let item = "\n- ❌ [`order-service/application.yml:1`](https://github.com/team/config/blob/c0ffee/order-service/";
    assert!(validation.contains("❌ **1 error**, ") && validation.contains(item), "{comment}");
}

#[test]
fn the_action_never_passes_what_it_could_not_check() {
    let checkout = changed("", &[], &GOOD);
    assert_eq!(action(&checkout, "BASE=origin/nowhere").code, Some(3));
    assert_eq!(action(&checkout, "FOLDER=nowhere").code, Some(3));
}

#[test]
fn the_action_links_to_the_files_of_a_folder() {
    let checkout = changed("", &[("config/application.yml", "a: 1\n")], &[("config/application.yml", "a: 2\n")]);
    let ran = action(&checkout, "FOLDER=config");
    assert_eq!(ran.code, Some(0), "{ran}");
    let link = "(https://github.com/team/config/blob/c0ffee/config/application.yml#L1)";
    assert!(checkout.out.read("layerd.md").contains(link), "{}", checkout.out.read("layerd.md"));
}

#[test]
fn the_hooks_refuse_what_breaks_a_service_and_secrets() {
    let hooks: Vec<Value> = serde_yaml::from_str(&text(".pre-commit-hooks.yaml")).expect("a list of hooks");
    for hook in &hooks {
        assert!(["rust", "system"].contains(&hook["language"].as_str().expect("a language")), "{hook:?}");
        assert_eq!(hook["pass_filenames"], false, "a repository is checked as a whole");
        let entry = hook["entry"].as_str().expect("a command");
        let bad = if entry.contains("audit") { &SECRET } else { &BROKEN };
        assert_eq!(changed("pre-commit-config.yaml", &[], &GOOD).run(entry).code, Some(0), "{entry}");
        assert_eq!(changed("pre-commit-config.yaml", &[], bad).run(entry).code, Some(1), "{entry}");
    }
    assert_eq!(hooks.len(), 4);
}

#[test]
fn sealed_values_are_told_as_stars_and_opened_only_with_keys() {
    let key = "layerdkey_BwgLEBcgKzhHWGuAl7DL6AcoS3CXwOsYR3ir4BdQi8hKwsvO";
    let ring = Keyring::new(vec![(KeyId::new("ci").unwrap(), Key::from_text(key).unwrap())], None, None).unwrap();
    let rank = Rank::named("order-service", None);
    let place = Place::of(&rank, "password");
    let sealed = ring.seal("x8Kq2vLw", Context::Prop, &place, [7; 24]).unwrap();
    let copied = format!("server.port: 8082\nother: '{sealed}'\nspring.application.name: order-service\n");
    let checkout = changed("", &[], &[("order-service/application.yml", &copied)]);
    assert_eq!(checkout.refused("github-actions.yml"), [""; 0], "there is no key to open it with");
    let told = checkout.out.read("diff.md");
    assert!(told.contains("| ➕ | `other` |  | `\"***\"` | `order-service/application.yml:2` |"), "{told}");
    assert!(!told.contains(&sealed[40..]), "{told}");
    let file = checkout.out.file("key", key).path().join("key");
    fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
    let ran = checkout.run(&format!("{} --keys ci={}", VALIDATE[0], file.display()));
    let told = "::error file=order-service/application.yml,line=2,col=8,title=cipher-auth::`other`: the sealed value does \
                not open with key `ci`";
    assert!(ran.code == Some(1) && ran.stdout.starts_with(told), "{ran}");
}

#[test]
fn a_commit_that_was_not_fetched_is_no_clean_answer() {
    let checkout = Checkout::new(&[]);
    checkout.git(&["update-ref", "-d", "refs/remotes/origin/main"]);
    let refused = |command: &str| {
        let ran = checkout.run(command);
        (ran.code, ran.stderr.lines().next().unwrap_or_default().to_owned())
    };
    let validate = refused(VALIDATE[0]);
    assert_eq!(validate, (Some(3), "error: the repository has no revision `origin/main`".to_owned()));
    let diff = refused(r#"layerd diff "origin/$GITHUB_BASE_REF" HEAD"#);
    assert_eq!(diff, (Some(2), "error: there is no commit `origin/main` in the repository".to_owned()));
}
