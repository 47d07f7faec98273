//! Edits of every scalar of every file in `tests/fixtures/splice`. Beside each stands `.spots`, all that is found in it,
//! and `.spliced`, what it is with all its scalars replaced; a failure prints the text to review.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use super::*;
use crate::config::layer::entries_to_map;

/// Texts that are awkward in one format or another.
const TEXTS: [&str; 12] = [
    "{cipher}{v:1}{key:prod}{ctx:prop}q83vASNFZ4mrze8",
    "",
    " x ",
    "it's",
    "\"\\",
    "a: b # c",
    "null",
    "=:#!",
    "a\nb\r\n\tc\n",
    "\u{0}\u{7f}\u{85}\u{2028}\u{feff}",
    "}],",
    "grün 😀",
];

fn files() -> Vec<(PathBuf, Format, Vec<u8>)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/splice");
    let mut paths: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    let known = |path: PathBuf| {
        let format = Format::of_extension(path.extension()?.to_str()?)?;
        let bytes = fs::read(&path).unwrap();
        Some((path, format, bytes))
    };
    let files: Vec<_> = paths.into_iter().filter_map(known).collect();
    assert!(files.len() > 15, "only {} files", files.len());
    files
}

fn beside(path: &Path, what: &str) -> PathBuf {
    let name = path.file_name().unwrap().to_str().unwrap();
    path.with_file_name(format!("{name}.{what}"))
}

fn spots(format: Format, bytes: &[u8]) -> Vec<Spot> {
    scalars(format, bytes, &Limits::default()).unwrap()
}

fn told(spots: &[Spot], bytes: &[u8]) -> String {
    let mut out = String::new();
    for spot in spots {
        let written = std::str::from_utf8(&bytes[spot.range.clone()]).unwrap();
        let (Spot { document, key, at, kind, .. }, text) = (spot, &spot.text);
        write!(out, "{document} {}:{} {key} {kind:?} {written:?}", at.line, at.column).unwrap();
        if text != written {
            write!(out, " {text:?}").unwrap();
        }
        spot.anchor.iter().for_each(|anchor| write!(out, " &{anchor}").unwrap());
        out.push('\n');
    }
    out
}

#[test]
fn every_scalar_is_found_with_its_key_and_its_bytes() {
    let mut wrong = String::new();
    for (path, format, bytes) in files() {
        let said = told(&spots(format, &bytes), &bytes);
        if said != fs::read_to_string(beside(&path, "spots")).unwrap_or_default() {
            write!(wrong, "== {}\n{said}", path.display()).unwrap();
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}

#[test]
fn all_scalars_replaced_at_once_leave_the_rest_of_the_file() {
    let mut wrong = String::new();
    for (path, format, bytes) in files() {
        let spots: Vec<_> = spots(format, &bytes).into_iter().filter(|spot| is_free(&path, spot)).collect();
        let texts: Vec<_> = (1..).map(|number| format!("new {number}")).take(spots.len()).collect();
        let edits: Vec<_> = spots.iter().zip(&texts).map(|(spot, text)| (spot.range.clone(), text.as_str())).collect();
        let out = String::from_utf8(splice(format, &bytes, &edits, &Limits::default()).unwrap()).unwrap();
        if out != fs::read_to_string(beside(&path, "spliced")).unwrap_or_default() {
            write!(wrong, "== {}\n{out}", path.display()).unwrap();
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}

#[test]
fn one_scalar_replaced_changes_its_bytes_and_no_other_value() {
    for (path, format, bytes) in files() {
        let before = spots(format, &bytes);
        for (index, spot) in before.iter().enumerate().filter(|(_, spot)| is_free(&path, spot)) {
            for text in TEXTS {
                let case = format!("{} {spot:?} {text:?}", path.display());
                let out = splice(format, &bytes, &[(spot.range.clone(), text)], &Limits::default());
                let out = out.unwrap_or_else(|error| panic!("{case}: {error}"));
                assert!(out.starts_with(&bytes[..spot.range.start]), "{case}");
                assert!(out.ends_with(&bytes[spot.range.end..]), "{case}");
                let mut after = spots(format, &out);
                assert_eq!((after[index].text.as_str(), after[index].is_text), (text, true), "{case}");
                after[index].text.clone_from(&spot.text);
                after[index].is_text = spot.is_text;
                let values = |spots: &[Spot]| -> Vec<_> {
                    spots
                        .iter()
                        .map(|spot| (spot.document, spot.key.clone(), spot.text.clone(), spot.is_text))
                        .collect()
                };
                assert_eq!(values(&after), values(&before), "{case}");
            }
        }
    }
}

/// False for the values that cannot be replaced by a text, each of which another test refuses.
fn is_free(path: &Path, spot: &Spot) -> bool {
    let tagged = path.ends_with("steering-tags.yml") && spot.key == "gone";
    !tagged
}

#[test]
fn a_value_put_back_gives_the_same_documents() {
    for (path, format, bytes) in files() {
        let values = |bytes: &[u8]| -> Vec<_> {
            let body = read(format, bytes, &Limits::default());
            body.documents.iter().map(|document| (document.number, entries_to_map(&document.root))).collect()
        };
        let spots = spots(format, &bytes);
        let texts = spots.iter().filter(|spot| spot.is_text);
        let edits: Vec<_> = texts.map(|spot| (spot.range.clone(), spot.text.as_str())).collect();
        let out = splice(format, &bytes, &edits, &Limits::default()).unwrap();
        assert_eq!(values(&out), values(&bytes), "{}", path.display());
    }
}
