//! Runs a reader over the files of `tests/fixtures/<format>/{valid,invalid}` and compares all that it says about each
//! with the `.expected` file beside it. A new case is two files and no code; a failure prints the text to review.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use crate::config::layer::{Data, Entry, Node};
use crate::config::problem::Fault;

use super::{Limits, Raw};

/// What the invalid files have for a value, and no message may show.
const SECRET: &str = "s3cret";

type Reader = fn(&[u8], &Limits) -> Result<Vec<Raw>, Fault>;

/// Checks every file with one of the extensions below the folder of a format.
pub(super) fn check(format: &str, extension: &str, read: Reader) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(format);
    let mut wrong = String::new();
    for (kind, is_valid) in [("valid", true), ("invalid", false)] {
        for path in inputs(&folder.join(kind), extension) {
            let bytes = std::fs::read(&path).unwrap();
            let result = read(&bytes, &Limits::default());
            let said =
                if result.is_ok() == is_valid { render(&result) } else { format!("not {kind}:\n{}", render(&result)) };
            let expected = std::fs::read_to_string(path.with_extension("expected")).unwrap_or_default();
            assert!(is_valid || !said.contains(SECRET), "{} is told with the value in it:\n{said}", path.display());
            if said != expected {
                writeln!(wrong, "== {}\n-- expected\n{expected}-- said\n{said}", path.display()).unwrap();
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}

fn inputs(folder: &Path, extension: &str) -> Vec<PathBuf> {
    let mut paths: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.retain(|path| path.extension().is_some_and(|found| found == extension));
    paths.sort();
    assert!(!paths.is_empty(), "no fixtures in {}", folder.display());
    paths
}

/// All that a reader says: a line for each key, item and value with its place, or the fault.
pub(super) fn render(result: &Result<Vec<Raw>, Fault>) -> String {
    let mut out = String::new();
    match result {
        Ok(documents) => {
            for (number, root) in documents {
                writeln!(out, "document {number}").unwrap();
                render_entries(root, 1, &mut out);
            }
        }
        Err(fault) => {
            writeln!(out, "{}:{} {}: {}", fault.at.line, fault.at.column, fault.code, fault.message).unwrap();
            if let Some(hint) = &fault.hint {
                writeln!(out, "hint: {hint}").unwrap();
            }
        }
    }
    out
}

fn render_entries(entries: &[Entry], depth: usize, out: &mut String) {
    for entry in entries {
        let indentation = "  ".repeat(depth);
        write!(out, "{indentation}{}:{} {}:", entry.at.line, entry.at.column, entry.key.written().escape_debug())
            .unwrap();
        render_node(&entry.node, depth, out);
    }
}

fn render_node(node: &Node, depth: usize, out: &mut String) {
    let tag = node.tag.map_or(String::new(), |tag| format!("!{tag:?} ").to_lowercase());
    write!(out, " {}:{} {tag}", node.at.line, node.at.column).unwrap();
    match &node.data {
        Data::Null => writeln!(out, "null").unwrap(),
        Data::Bool(value) => writeln!(out, "{value}").unwrap(),
        Data::Number(value) => writeln!(out, "{value}").unwrap(),
        Data::Text(text) => writeln!(out, "{text:?}").unwrap(),
        Data::Secret(_) | Data::Foreign(_) => unreachable!("readers open nothing"),
        Data::Map(entries) => {
            writeln!(out, "map").unwrap();
            render_entries(entries, depth + 1, out);
        }
        Data::List(items) => {
            writeln!(out, "list").unwrap();
            for item in items {
                write!(out, "{}-", "  ".repeat(depth + 1)).unwrap();
                render_node(item, depth + 1, out);
            }
        }
    }
}
