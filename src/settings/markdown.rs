//! The rows of `docs/settings.md` made of the table of settings, and the test that the page has exactly these.

use super::known::{KNOWN, Known};

fn row(known: &Known) -> String {
    let default = known.default.map(|default| format!("`{default}` ")).unwrap_or_default();
    format!("| `{}` | {default}| {} |", known.name, known.because)
}

#[test]
fn the_page_has_a_row_for_each_setting_with_its_default_and_reason() {
    let page = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/settings.md");
    let page = std::fs::read_to_string(page).expect("docs/settings.md is there");
    let rows: Vec<&str> = page.lines().filter(|line| line.starts_with("| `")).collect();
    let expected: Vec<String> = KNOWN.iter().map(row).collect();
    let missing: Vec<&String> = expected.iter().filter(|row| !rows.contains(&row.as_str())).collect();
    let unknown: Vec<&&str> = rows.iter().filter(|row| !expected.iter().any(|expected| expected == *row)).collect();
    assert!(missing.is_empty() && unknown.is_empty(), "missing:\n{missing:#?}\nnot in the table:\n{unknown:#?}");
    assert_eq!(rows.len(), expected.len(), "a row is there twice");
}
