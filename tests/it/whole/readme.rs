//! The README does what it says: its console blocks are run, in order, and their output is compared.
//!
//! In a block marked `console` a line that begins with `$ ` is a command, and the lines below it are what it prints on
//! stdout; `...` stands for anything. A command that serves stays in the background until the next one takes its place.
//! Reading with curl is repeated until the answer is as told, since edits take a moment to arrive.

use std::process::Command;
use std::time::Duration;

use crate::harness::folder::Folder;
use crate::harness::server::{Ran, Server, run};
use crate::harness::{PATIENCE, becomes};

/// A command and what it should print.
#[derive(Debug, PartialEq, Eq)]
struct Step {
    line: usize,
    command: String,
    expected: String,
}

/// The commands of all console blocks of a page.
fn steps(page: &str) -> Vec<Step> {
    let mut steps: Vec<Step> = Vec::new();
    let mut is_console = false;
    for (number, line) in page.lines().enumerate() {
        if line.starts_with("```") {
            is_console = line == "```console";
        } else if let Some(command) = line.strip_prefix("$ ").filter(|_| is_console) {
            steps.push(Step { line: number + 1, command: command.to_owned(), expected: String::new() });
        } else if let Some(step) = steps.last_mut().filter(|_| is_console) {
            step.expected.extend([line, "\n"]);
        }
    }
    steps
}

/// True if `actual` is `expected`, where `...` in the latter stands for any text, also for none.
fn matches(expected: &str, actual: &str) -> bool {
    let mut pieces: Vec<&str> = expected.trim_end().split("...").map(|piece| piece.trim_matches('\n')).collect();
    let actual = actual.replace('\r', "");
    let last = pieces.pop().unwrap_or_default();
    let Some((first, middle)) = pieces.split_first() else { return actual.trim_end() == last };
    let Some(rest) = actual.trim_end().strip_prefix(first) else { return false };
    let rest = middle.iter().try_fold(rest, |rest, piece| Some(&rest[rest.find(piece)? + piece.len()..]));
    rest.is_some_and(|rest| rest.ends_with(last))
}

/// A terminal in a copy of what the README speaks about.
struct Session {
    folder: Folder,
    server: Option<Server>,
}

impl Session {
    fn new() -> Self {
        let folder = Folder::new();
        folder.copy_in("config-repo-example");
        Self { folder, server: None }
    }

    /// Does a step; what came of it if that is not what the page says.
    fn take(&mut self, step: &Step) -> Result<(), Ran> {
        match step.command.strip_prefix("cargo run -- serve ") {
            Some(arguments) => self.serve(arguments),
            None => self.compare(step),
        }
    }

    fn serve(&mut self, arguments: &str) -> Result<(), Ran> {
        self.server = None;
        let arguments: Vec<&str> = std::iter::once("serve").chain(arguments.split(' ')).collect();
        let server = Server::launch(&arguments).within(self.folder.path()).try_start()?;
        server.wait_ready();
        self.server = Some(server);
        Ok(())
    }

    fn compare(&self, step: &Step) -> Result<(), Ran> {
        let only_reads = step.command.starts_with("curl ") && !step.command.contains("--request");
        let patience = if only_reads { PATIENCE } else { Duration::ZERO };
        let mut ran = self.run(&step.command);
        let mut is_told = || {
            let is_told = ran.code == Some(0) && matches(&step.expected, &self.locally(&ran.stdout));
            if !is_told && only_reads {
                ran = self.run(&step.command);
            }
            is_told
        };
        if becomes(patience, &mut is_told) { Ok(()) } else { Err(ran) }
    }

    /// Runs a command with this build for `cargo run --` and the port of the running server for 8888.
    fn run(&self, command: &str) -> Ran {
        let program = env!("CARGO_BIN_EXE_layerd");
        let command =
            command.replace("cargo run --", &format!("'{program}'")).replace("localhost:8888", self.address());
        let mut shell = Command::new("sh");
        let path = std::env::var_os("PATH").unwrap_or_default();
        shell.arg("-c").arg(command).current_dir(self.folder.path());
        shell
            .env_clear()
            .env("PATH", path)
            .env("HOME", self.folder.path())
            .env("LAYERD_URL", format!("http://{}", self.address()));
        run(&mut shell)
    }

    fn address(&self) -> &str {
        self.server.as_ref().map_or("127.0.0.1:8888", Server::address)
    }

    /// The output as if the server listened where the README says.
    fn locally(&self, text: &str) -> String {
        text.replace(self.address(), "127.0.0.1:8888")
    }
}

/// Does the steps of a page in order.
///
/// # Panics
/// At the first that does not do what the page says.
fn follow(path: &str, page: &str) {
    let mut session = Session::new();
    for step in steps(page) {
        if let Err(ran) = session.take(&step) {
            panic!("{path}:{}: $ {}\nshould print\n{}\nbut ended with\n{ran}", step.line, step.command, step.expected);
        }
    }
}

#[test]
fn every_console_block_of_the_readme_does_what_it_says() {
    follow("README.md", include_str!("../../../README.md"));
}

#[test]
fn commands_see_the_example_repository_and_what_went_before() {
    follow("x.md", "```console\n$ echo hidden > x; cat x config-repo-example/shared/*\nhidden\n...\n```\n");
    follow("x.md", "```console\n$ echo 'http://127.0.0.1:8888'\nhttp://127.0.0.1:8888\n```\n```sh\n$ false\n```\n");
}

#[test]
#[should_panic(expected = "x.md:2: $ echo a; exit 3\nshould print\na\n\nbut ended with\nexit 3")]
fn a_command_that_fails_is_told_with_its_line() {
    follow("x.md", "```console\n$ echo a; exit 3\na\n```\n");
}

#[test]
fn only_console_blocks_hold_commands() {
    let page = "$ no\n```sh\n$ no\n```\n```console\n$ echo a\na\nb\n$ echo c\n```\ntext\n";
    let step =
        |line, command: &str, expected: &str| Step { line, command: command.to_owned(), expected: expected.to_owned() };
    assert_eq!(steps(page), [step(6, "echo a", "a\nb\n"), step(9, "echo c", "")]);
}

#[test]
fn dots_stand_for_anything_and_nothing_else_does() {
    assert!(matches("a\nb\n", "a\r\nb"));
    assert!(!matches("a", "a b"));
    assert!(matches("{\"a\":1,...}", "{\"a\":1,\"b\":{}}\n"));
    assert!(matches("...\nb=1\n...", "a=1\nb=1\nc=1"));
    assert!(!matches("...b=2...", "a=1\nb=1"));
    assert!(matches("a\n...\n", "a\n"));
    assert!(!matches("a...c...b", "a b"));
}
