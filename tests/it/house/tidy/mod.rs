//! The house kept in order: floors, cycles, budgets, words and pages, checked in milliseconds with the standard library.
//!
//! The tables are those of the design and the style page, as data; a breach is told as `file:line: what`. Every check is
//! itself tested on small strings beside it, because a check that cannot fail is none.

mod budgets;
mod circles;
mod files;
mod floors;
mod functions;
mod names;
mod pages;
mod rust;
mod words;

/// Fails with all breaches at once.
fn none(breaches: &[String]) {
    assert!(breaches.is_empty(), "{} breaches:\n{}", breaches.len(), breaches.join("\n"));
}

/// The Rust files of a folder of this repository, read once per test.
fn rust_files(folder: &str) -> Vec<rust::Source> {
    rust::parse_all(files::below(folder))
}

#[test]
fn modules_use_only_lower_floors() {
    none(&floors::breaches(&rust_files("src")));
}

#[test]
fn modules_form_no_cycle() {
    none(&floors::cycles(&rust_files("src")));
}

#[test]
fn files_of_a_room_form_no_circle() {
    none(&circles::inside_rooms(&rust_files("src")));
}

#[test]
fn files_and_functions_keep_their_budgets() {
    none(&budgets::breaches(&rust_files("src")));
}

#[test]
fn tests_are_neither_few_nor_many() {
    none(&budgets::ratio(&rust_files("src"), &rust_files("tests")));
}

#[test]
fn nothing_is_left_undone_or_waved_through() {
    let outside = ["tests", "benches"].into_iter().flat_map(rust_files);
    none(&words::breaches(&rust_files("src").into_iter().chain(outside).collect::<Vec<_>>()));
}

#[test]
fn a_name_means_one_type() {
    none(&names::breaches(&rust_files("src")));
}

#[test]
fn no_file_names_a_machine() {
    none(&pages::machine_paths(&files::below("")));
}

#[test]
fn links_between_pages_lead_somewhere() {
    none(&pages::dead_links(&files::below(""), |path| files::root().join(path).exists()));
}
