//! Environment files and manifests in the hands of those who really read them.
//!
//! `tests/clients/dotenv/install` puts the readers of Python and Go in place; those that are not there are left out, and
//! say so. Values are made to be nasty: quotes, dollars, backslashes and blanks in every combination.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use layerd::config::value::{Map, Value};
use layerd::format::Notation;
use layerd::format::manifest::{Manifest, ManifestContent, ManifestKind, Only};
use layerd::format::variables::{Dialect, NameStyle, Naming, Readers, Reveal};
use proptest::prelude::*;
use proptest::test_runner::Config;

type Values = BTreeMap<String, String>;

/// A program that reads a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Reader {
    Dash,
    Bash,
    Python,
    OlderPython,
    Node,
    Compose,
    Go,
    Docker,
    Kubernetes,
}

/// The readers of dotenv files and the name of each in `readers=`.
const DOTENV: [(Reader, &str); 7] = [
    (Reader::Dash, "sh"),
    (Reader::Bash, "sh"),
    (Reader::Python, "python"),
    (Reader::OlderPython, "python"),
    (Reader::Node, "node"),
    (Reader::Compose, "compose"),
    (Reader::Go, "go"),
];

/// Sets what the file says and prints it, NUL at the end of each.
const SOURCED: &str = "set -a; . \"$1\"; exec env -0";
const EVALUATED: &str = "eval \"$(cat \"$1\")\"; exec env -0";
const OF_NODE: &str = "process.stdout.write(JSON.stringify(process.env))";
const OF_PYTHON: &str = "import sys, json, dotenv; print(json.dumps(dotenv.dotenv_values(sys.argv[1])))";

impl Reader {
    /// What it finds in a file, other variables aside; `None` if it is not installed, which is told.
    fn read(self, file: &Path, way: &str) -> Option<Values> {
        let installed = Path::new(env!("CARGO_TARGET_TMPDIR")).with_file_name("clients");
        let readers = || Command::new(installed.join("readers"));
        let path = file.to_str().unwrap();
        let env_file = format!("--env-file={path}");
        let (mut command, args) = match self {
            Self::Dash => (Command::new("sh"), vec!["-c", way, "_", path]),
            Self::Bash => (Command::new("bash"), vec!["-c", way, "_", path]),
            Self::Python | Self::OlderPython => {
                (Command::new(installed.join("python/bin/python")), vec!["-c", OF_PYTHON, path])
            }
            Self::Node => (Command::new("node"), vec![&*env_file, "--eval", OF_NODE]),
            Self::Compose => (readers(), vec!["compose", path]),
            Self::Go => (readers(), vec!["godotenv", path]),
            Self::Docker => (readers(), vec!["docker", path]),
            Self::Kubernetes => (readers(), vec!["kubernetes", path]),
        };
        let programs = std::env::vars_os().find(|(name, _)| name == "PATH").map(|(_, path)| path).unwrap_or_default();
        command.args(args).env_clear().env("PATH", programs).env("HOME", "/home/of-test");
        let older = installed.join("python-dotenv-1.2.2");
        if self == Self::OlderPython {
            command.env("PYTHONPATH", &older);
        }
        let is_installed = self != Self::OlderPython || older.is_dir();
        let output = if is_installed { command.output().ok() } else { None };
        let Some(output) = output else {
            // Past the runner of the tests, which shows what is printed only if a test fails.
            drop(writeln!(std::io::stderr(), "skipped: {self:?} is not installed (tests/clients/dotenv/install)"));
            return None;
        };
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let context = || format!("{self:?} of {}: {}", file.display(), String::from_utf8_lossy(&output.stderr));
        assert!(output.status.success(), "{}", context());
        Some(match self {
            Self::Dash | Self::Bash => {
                text.split_terminator('\0').filter_map(|line| line.split_once('=')).map(owned).collect()
            }
            _ => serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {}", context())),
        })
    }
}

fn owned((name, value): (&str, &str)) -> (String, String) {
    (name.to_owned(), value.to_owned())
}

fn map(values: &Values) -> Value {
    Value::Map(values.iter().map(|(key, value)| (key.as_str().into(), Value::from(value.as_str()))).collect::<Map>())
}

/// The values that the notation can carry one by one, and all of them in one file.
fn written(notation: &Notation, values: &Values) -> (Values, tempfile::NamedTempFile) {
    let write = |values: &Values| notation.write(&map(values), None, false, Reveal::Plain);
    let one = |(key, value): (&String, &String)| write(&Values::from([(key.clone(), value.clone())])).is_ok();
    let carried: Values = values.iter().filter(|entry| one(*entry)).map(|(key, value)| owned((key, value))).collect();
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(write(&carried).unwrap().text.as_bytes()).unwrap();
    (carried, file)
}

/// Fails with the first value that a reader did not find as it was, and its line.
fn assert_read(reader: Reader, way: &str, (carried, file): &(Values, tempfile::NamedTempFile)) {
    let Some(found) = reader.read(file.path(), way) else { return };
    for (key, value) in carried {
        let text = std::fs::read_to_string(file.path()).unwrap();
        let line = text.lines().find(|line| line.contains(&format!("{key}="))).unwrap_or_default();
        assert_eq!(found.get(key), Some(value), "{reader:?} of {key}: {line}");
    }
}

fn dotenv(readers: Option<&str>) -> Notation {
    let readers = readers.map(|readers| Readers::parse(readers).unwrap());
    Notation::Variables(Dialect::Dotenv(readers), Naming::default())
}

/// Texts of what quotes, readers and shells give a meaning to.
fn nasty() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        6 => prop::sample::select(
            "'\"\\$`{}()#= \t\n!~;&|<>*?[]:-%,.@^+/aAnrtx017é🚀".chars().map(String::from).collect::<Vec<_>>()
        ),
        1 => prop::sample::select(
            ["\r", "\u{a0}", "\u{85}", "\u{2028}", "\u{feff}", "\u{1}", "\u{b}", "\u{1c}", "\u{7f}"].map(str::to_owned).to_vec()
        ),
        2 => prop::sample::select(
            [
                "${HOME}", "$HOME", "${A:-b}", "${A:b}", "$(id)", "`id`", "\\n", "\\\\", " #", "# ", "export ", "A=b", "''", "\"\"",
                "\\\"", "\\'", "\\$", "$$", "word", "\r\n",
            ]
            .map(str::to_owned)
            .to_vec()
        ),
    ];
    prop::collection::vec(piece, 0..10).prop_map(|pieces| pieces.concat())
}

fn many(values: impl Strategy<Value = String>) -> impl Strategy<Value = Values> {
    let numbered =
        |texts: Vec<String>| texts.into_iter().enumerate().map(|(n, text)| (format!("K{n}"), text)).collect();
    prop::collection::vec(values, 300).prop_map(numbered)
}

fn few() -> Config {
    Config { cases: 4, max_shrink_iters: 40, failure_persistence: None, ..Config::default() }
}

proptest! {
    #![proptest_config(few())]

    #[test]
    fn every_reader_finds_what_is_written_for_it(values in many(nasty())) {
        for readers in ["sh", "python", "node", "compose", "go", "python,node,compose,go", "all"] {
            let written = written(&dotenv(Some(readers)), &values);
            prop_assert!(written.0.len() > 20, "{readers} carries {} of 300 values", written.0.len());
            for (reader, name) in DOTENV {
                if readers == "all" || readers.split(',').any(|asked| asked == name) {
                    assert_read(reader, SOURCED, &written);
                }
            }
        }
    }

    #[test]
    fn without_readers_a_shell_and_compose_find_everything_and_all_do_if_nothing_is_warned_of(values in many(nasty())) {
        let usual = written(&dotenv(None), &values);
        for reader in [Reader::Dash, Reader::Bash, Reader::Compose] {
            assert_read(reader, SOURCED, &usual);
        }
        let warns = |text: &String| {
            let alone = Values::from([("K".to_owned(), text.clone())]);
            dotenv(None).write(&map(&alone), None, false, Reveal::Plain).map_or(true, |written| written.warning.is_some())
        };
        let alike: Values = values.iter().filter(|(_, text)| !warns(text)).map(|(key, text)| owned((key, text))).collect();
        let alike = written(&dotenv(None), &alike);
        DOTENV.iter().for_each(|(reader, _)| assert_read(*reader, SOURCED, &alike));
    }

    #[test]
    fn shells_evaluate_and_docker_and_kubernetes_read_what_is_written_for_them(values in many(nasty())) {
        let shell = written(&Notation::Variables(Dialect::Shell, Naming::default()), &values);
        prop_assert_eq!(shell.0.len(), values.len());
        assert_read(Reader::Dash, EVALUATED, &shell);
        assert_read(Reader::Bash, EVALUATED, &shell);
        assert_read(Reader::Docker, "", &written(&Notation::Variables(Dialect::Docker, Naming::default()), &values));
        for kind in [ManifestKind::ConfigMap, ManifestKind::Secret] {
            let content = ManifestContent::Variables(Naming::default(), Only::All);
            let manifest = Notation::Manifest(Manifest { kind, name: "user".into(), content });
            let manifest = written(&manifest, &values);
            prop_assert_eq!(manifest.0.len(), values.len());
            assert_read(Reader::Kubernetes, "", &manifest);
        }
    }

    #[test]
    fn readers_take_the_names_that_are_written_for_them(
        names in prop::collection::vec("[a-zA-Z0-9_.é:/@ #'-]{1,4}(\\[[0-9]\\])?", 200),
    ) {
        let values: Values = names.into_iter().map(|name| (name, "x".to_owned())).collect();
        let dotted = Naming { style: NameStyle::Dotted, ..Naming::default() };
        for (reader, name) in DOTENV {
            // A shell keeps some names for itself, and `env` prints others of its own.
            if name != "sh" {
                let readers = Readers::parse(name);
                assert_read(reader, SOURCED, &written(&Notation::Variables(Dialect::Dotenv(readers), dotted.clone()), &values));
            }
        }
        assert_read(Reader::Docker, "", &written(&Notation::Variables(Dialect::Docker, dotted), &values));
    }
}

/// The readers are looked for where the script puts them.
#[test]
fn the_script_that_installs_the_readers_is_there() {
    let script = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/clients/dotenv/install");
    let checked = Command::new("bash").arg("-n").arg(&script).status().unwrap();
    assert!(checked.success());
}
