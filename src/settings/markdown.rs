//! The rows of `docs/settings.md` made of the table of settings, and the test that the page has exactly these.

use super::row::Row;
use super::table::rows;

fn line(row: &Row) -> String {
    let default = row.default.map(|default| format!("`{default}` ")).unwrap_or_default();
    format!("| `{}` | {default}| {} |", row.name, row.because)
}

#[test]
fn the_page_has_a_row_for_each_setting_with_its_default_and_reason() {
    let page = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/settings.md");
    let page = std::fs::read_to_string(page).expect("docs/settings.md is there");
    let lines: Vec<&str> = page.lines().filter(|line| line.starts_with("| `")).collect();
    let expected: Vec<String> = rows().map(line).collect();
    let missing: Vec<&String> = expected.iter().filter(|row| !lines.contains(&row.as_str())).collect();
    let unknown: Vec<&&str> = lines.iter().filter(|row| !expected.iter().any(|expected| expected == *row)).collect();
    assert!(missing.is_empty() && unknown.is_empty(), "missing:\n{missing:#?}\nnot in the table:\n{unknown:#?}");
    assert_eq!(lines.len(), expected.len(), "a row is there twice");
}
