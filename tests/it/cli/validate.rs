//! `layerd validate` on folders whose name states the fault: the whole of what is printed, and that every format is one.
//!
//! A folder of `tests/fixtures/validate` holds the files and, in `expected.txt`, what is told of them. In those that begin
//! with `valid-` nothing is found.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use layerd::check::rules::RULES;
use serde_json::Value;

use crate::harness::folder::Folder;
use crate::harness::repo::Repo;
use crate::harness::server::{Ran, layerd, run};

fn fixtures() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/validate");
    let mut found: Vec<PathBuf> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    found.sort();
    assert!(found.len() > 30);
    found
}

fn validate(folder: &Path, args: &[&str]) -> Ran {
    run(layerd(&["validate"]).args(args).current_dir(folder))
}

fn json(ran: &Ran) -> Value {
    serde_json::from_str(&ran.stdout).unwrap_or_else(|error| panic!("{error}: {ran}"))
}

/// The findings of a run with `--format json` as `severity code file:line`.
fn findings(ran: &Ran) -> Vec<String> {
    let line = |found: &Value| {
        let text = |name: &str| found[name].as_str().unwrap().to_owned();
        format!("{} {} {}:{}", text("severity"), text("code"), text("file"), found["line"])
    };
    json(ran)["findings"].as_array().unwrap().iter().map(line).collect()
}

#[test]
fn each_fault_is_told_as_expected_and_lookalikes_are_not() {
    for folder in fixtures() {
        let ran = validate(&folder, &[]);
        let told = format!("{}{}exit {}\n", ran.stdout, ran.stderr, ran.code.unwrap());
        let expected = fs::read_to_string(folder.join("expected.txt")).unwrap();
        assert_eq!(told, expected, "{}", folder.display());
        let name = folder.file_name().unwrap().to_str().unwrap();
        assert_eq!(ran.stdout.is_empty(), name.starts_with("valid-"), "{name}");
    }
}

#[test]
fn json_has_the_shape_that_is_promised() {
    let folder = Folder::new();
    folder
        .file("application.yml", "a: on\n")
        .file("user/application-dev.yml", "b: ${c}\n")
        .file("order.yml", "# none\n");
    let ran = run(&mut layerd(&["validate", folder.arg(), "--format", "json"]));
    let expected = concat!(
        r#"{"findings":[{"code":"yaml-1-1","severity":"warning","file":"application.yml","line":1,"column":4,"message":"#,
        r#""YAML 1.1 reads `on` as true, YAML 1.2 and layerd as a text","hint":"quote it (`\"on\"`) if it is a text, or "#,
        r#"spell it so that both agree","applications":[{"application":"order","profiles":["default"]},{"application":"#,
        r#""user","profiles":["default","dev"]}]},{"code":"unanswered-placeholder","severity":"info","file":"#,
        r#""user/application-dev.yml","line":1,"column":4,"message":"nothing answers `${c}` and it has no default; it is "#,
        r#"served as it is written","hint":"set `c`, or write `${c:…}` with a default, unless the client is to fill it "#,
        r#"in","applications":[{"application":"user","profiles":["dev"]}]}],"summary":{"errors":0,"warnings":1,"#,
        r#""infos":1,"applications":2,"files":3}}"#,
        "\n"
    );
    assert_eq!((ran.code, ran.stdout.as_str()), (Some(0), expected));
    assert_eq!(ran.stderr, "0 errors, 1 warning, 1 info in 3 files of 2 applications\n");
}

#[test]
fn sarif_keeps_to_its_schema() {
    // One pattern of the published schema is no regular expression: it has a bracket too many.
    let schema = text("tests/fixtures/schemas/sarif-schema-2.1.0.json").replace("{2}]?$", "{2}$");
    let schema = jsonschema::validator_for(&serde_json::from_str(&schema).unwrap()).unwrap();
    assert!(!schema.is_valid(&serde_json::json!({ "version": "2.1.0" })));
    for folder in fixtures() {
        let sarif = json(&validate(&folder, &["--format", "sarif"]));
        let errors: Vec<String> = schema.iter_errors(&sarif).map(|error| error.to_string()).collect();
        assert!(errors.is_empty(), "{}: {errors:?}", folder.display());
        let results = sarif["runs"][0]["results"].as_array().unwrap().len();
        assert_eq!(results, findings(&validate(&folder, &["--format", "json"])).len());
    }
}

/// The rules of the schema of Apache Ant's task: what an element may hold, in which order, and what it must say.
fn check_junit(text: &str) {
    let document = roxmltree::Document::parse(text).unwrap();
    let children = |node: roxmltree::Node<'_, '_>| {
        node.children()
            .filter(|node| node.is_element())
            .map(|node| node.tag_name().name().to_owned())
            .collect::<Vec<_>>()
    };
    assert_eq!(document.root_element().tag_name().name(), "testsuites");
    assert_eq!(children(document.root_element()), ["testsuite"]);
    let suite = document.root_element().first_element_child().unwrap();
    let names: Vec<String> = suite.attributes().map(|attribute| attribute.name().to_owned()).collect();
    let required = ["id", "package", "name", "timestamp", "hostname", "tests", "failures", "errors", "skipped", "time"];
    assert_eq!(names, required);
    assert!(suite.attribute("timestamp").is_some_and(|time| time.len() == 19 && time.as_bytes()[10] == b'T'), "{text}");
    let held = children(suite);
    let cases = &held[1..held.len() - 2];
    assert_eq!(
        (held[0].as_str(), &held[held.len() - 2..]),
        ("properties", &["system-out".into(), "system-err".into()][..])
    );
    assert!(!cases.is_empty() && cases.iter().all(|name| name == "testcase"));
    let count = |name: &str| suite.attribute(name).unwrap().parse::<usize>().unwrap();
    let with = |name: &str| suite.children().filter(|case| children(*case) == [name]).count();
    assert_eq!((count("tests"), count("failures"), count("skipped")), (cases.len(), with("failure"), with("skipped")));
    for case in suite.children().filter(|node| node.has_tag_name("testcase")) {
        assert!(["name", "classname", "time"].iter().all(|name| case.has_attribute(*name)), "{text}");
        assert!(children(case).len() <= 1, "{text}");
        let failure = case.first_element_child().filter(|node| node.has_tag_name("failure"));
        assert!(failure.is_none_or(|node| node.has_attribute("type") && node.has_attribute("message")), "{text}");
    }
}

#[test]
fn junit_keeps_to_its_schema() {
    for folder in fixtures() {
        let ran = validate(&folder, &["--format", "junit"]);
        check_junit(&ran.stdout);
        let fails = validate(&folder, &["--format", "junit", "--strict"]).stdout.contains("<failure ");
        assert_eq!(fails, validate(&folder, &["--strict"]).code == Some(1), "{}", folder.display());
    }
}

#[test]
fn annotations_lead_to_the_files_from_where_the_build_stands() {
    let folder = Folder::new();
    folder.file("config/a.yml", "a: [\n");
    let expected = "::error file=config/a.yml,line=1,col=4,title=syntax::a bracket is not closed\n";
    let ran = validate(folder.path(), &["./config/", "--format", "github"]);
    assert_eq!((ran.code, ran.stdout.as_str()), (Some(1), expected));
}

#[test]
fn only_what_a_change_brings_is_told() {
    let folder = Folder::new();
    let git = |args: &[&str]| {
        let who = ["-c", "user.name=A", "-c", "user.email=a@example.org", "-c", "init.defaultBranch=main"];
        let ran = Command::new("git").args(who).args(args).current_dir(folder.path()).output().unwrap();
        assert!(ran.status.success(), "{args:?}: {}", String::from_utf8_lossy(&ran.stderr));
    };
    folder.file("config/user.yml", "a: on\n").file("readme.md", "");
    git(&["init", "--quiet"]);
    git(&["add", "."]);
    git(&["commit", "--quiet", "-m", "first"]);
    folder.file("config/user.yml", "b: 1\na: on\nc: off\n");
    let since = |reference: &str| {
        validate(folder.path(), &["config", "--changed-since", reference, "--format", "json", "--strict"])
    };
    let on_disk = since("HEAD");
    assert_eq!((on_disk.code, findings(&on_disk)), (Some(1), vec!["warning yaml-1-1 user.yml:3".to_owned()]));
    git(&["commit", "--quiet", "-a", "-m", "second"]);
    assert_eq!(findings(&since("HEAD")), [""; 0]);
    assert_eq!(findings(&since("main~1")), ["warning yaml-1-1 user.yml:3"]);
    let at_first = validate(folder.path(), &["config", "--label", "HEAD~1", "--format", "json"]);
    assert_eq!(findings(&at_first), ["warning yaml-1-1 user.yml:1"]);
    let absent = since("nope");
    let told = "error: the repository has no revision `nope`\nhint: there is only `main`\n";
    assert_eq!((absent.code, absent.stderr.as_str()), (Some(3), told));
}

#[test]
fn repositories_are_checked_at_a_label() {
    let repo = Repo::with(&[("user.yml", "a: 1\n")]);
    repo.branch("good").file("user.yml", "a: 1\na: 2\n").commit();
    for url in [repo.url().to_owned(), format!("file://{}", repo.url())] {
        let code = |args: &[&str]| run(layerd(&["validate", &url]).args(args)).code;
        assert_eq!(code(&[]), Some(1), "{url}");
        assert_eq!(code(&["--label", "good"]), Some(0), "{url}");
        assert_eq!(code(&["--changed-since", "main"]), Some(0), "{url}");
        assert_eq!(code(&["--changed-since", "good"]), Some(1), "{url}");
        assert_eq!(code(&["--label", "nope"]), Some(3), "{url}");
    }
}

#[test]
fn what_cannot_be_read_is_not_clean() {
    let folder = Folder::new();
    assert_eq!(validate(folder.path(), &["nowhere"]).code, Some(3));
    assert_eq!(validate(folder.path(), &["--changed-since", "main"]).code, Some(3));
    assert_eq!(validate(folder.path(), &["--format", "xml"]).code, Some(2));
    let nothing = validate(folder.path(), &["--format", "json"]);
    assert_eq!((nothing.code, findings(&nothing)), (Some(1), vec!["error no-configuration .:1".to_owned()]));
}

#[test]
fn files_over_the_limit_are_told_the_rules_too() {
    let folder = Folder::new();
    let large = "a: 1\n".repeat(300_000);
    folder.file("user.yml", &large).file(".layerd-check.yaml", &large);
    let ran = validate(folder.path(), &["--format", "json"]);
    assert_eq!(ran.code, Some(1));
    assert_eq!(findings(&ran), ["error file-too-large .layerd-check.yaml:1", "error file-too-large user.yml:1"]);
}

fn text(path: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).unwrap()
}

#[test]
fn every_code_has_an_entry_in_the_page_of_problems() {
    let page = text("docs/problems.md");
    let entries: Vec<&str> = page.lines().filter_map(|line| line.strip_prefix("### ")).collect();
    let listed: BTreeSet<&str> = entries.iter().map(|entry| entry.trim_matches('`')).collect();
    let known: BTreeSet<&str> = RULES.iter().map(|rule| rule.code).collect();
    assert_eq!(listed, known);
    assert_eq!(entries.len(), known.len(), "an entry stands twice");
}

/// Codes are given where a fault is made, so that the table could miss one.
#[test]
fn every_code_in_the_program_is_in_the_table() {
    fn walk(folder: &Path, codes: &mut BTreeSet<String>) {
        for path in fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
            if path.is_dir() {
                walk(&path, codes);
                continue;
            }
            let source = fs::read_to_string(path).unwrap();
            let source = source.split("#[cfg(test)]\nmod tests {").next().unwrap();
            for made in ["Fault::error(", "Fault::warning(", "self.warn(", "self.told(", "info("] {
                let after = source.split(made).skip(1).filter_map(|rest| rest.trim_start().strip_prefix('"'));
                codes.extend(after.filter_map(|rest| rest.split_once("\",")).map(|(code, _)| code.to_owned()));
            }
        }
    }
    let mut codes = BTreeSet::new();
    for folder in ["src/config", "src/format", "src/check"] {
        walk(&Path::new(env!("CARGO_MANIFEST_DIR")).join(folder), &mut codes);
    }
    // Why an edit in place is refused; nothing that a file holds.
    codes.remove("splice");
    let known: BTreeSet<String> = RULES.iter().map(|rule| rule.code.to_owned()).collect();
    assert!(codes.len() > 45, "{codes:?}");
    let unknown: Vec<&String> = codes.difference(&known).collect();
    assert!(unknown.is_empty(), "{unknown:?}");
}
