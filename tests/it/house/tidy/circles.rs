//! Circles inside rooms: of the files and folders that stand side by side in a folder, none uses itself by way of others.
//!
//! A folder counts as one with all that is in it. Its `mod.rs` is the table at which its files meet: they may use what is
//! in it and it may use them, so it makes no circle among them.

use std::collections::{BTreeMap, BTreeSet};

use super::floors::{members, reachable};
use super::rust::{Source, words};

/// A module as the names that lead to it from the root.
type Path = Vec<String>;

/// The members of circles, each as the path of its file or folder.
pub(super) fn inside_rooms(sources: &[Source]) -> Vec<String> {
    let modules: BTreeSet<Path> = sources.iter().map(own).collect();
    let mut folders: BTreeMap<Path, BTreeMap<String, BTreeSet<String>>> = BTreeMap::new();
    for source in sources {
        let user = own(source);
        for used in used(source).into_iter().filter_map(|path| module_of(path, &modules)) {
            let shared = user.iter().zip(&used).take_while(|(left, right)| left == right).count();
            if let (1.., Some(from), Some(to)) = (shared, user.get(shared), used.get(shared)) {
                let uses = folders.entry(user[..shared].to_vec()).or_default();
                uses.entry(from.clone()).or_default().insert(to.clone());
            }
        }
    }
    let circles = |(folder, uses): (&Path, &BTreeMap<String, BTreeSet<String>>)| {
        let on_circle = uses.keys().filter(|name| reachable(uses, name).contains(*name));
        on_circle.map(|name| format!("`{}/{name}` uses itself by way of its neighbours", folder.join("/"))).collect()
    };
    folders.iter().flat_map(circles as fn(_) -> Vec<String>).collect()
}

fn own(source: &Source) -> Path {
    let below = source.path.trim_start_matches("src/").trim_end_matches(".rs");
    below.split('/').filter(|name| *name != "mod").map(str::to_owned).collect()
}

/// The longest part of a path that is a module.
fn module_of(mut path: Path, modules: &BTreeSet<Path>) -> Option<Path> {
    while !path.is_empty() && !modules.contains(&path) {
        path.pop();
    }
    (!path.is_empty()).then_some(path)
}

/// Everything that a file names from the root or from a folder above, outside its tests.
fn used(source: &Source) -> Vec<Path> {
    let code = &source.code;
    let rooted = words(code, "crate").map(|at| (at, Path::new(), at + "crate".len()));
    let risen = words(code, "super").filter(|at| !code[..*at].ends_with("::")).map(|at| {
        let mut base = own(source);
        let mut end = at;
        while code[end..].trim_start_matches("::").starts_with("super") {
            end += code[end..].len() - code[end..].trim_start_matches("::").len() + "super".len();
            base.pop();
        }
        (at, base, end)
    });
    let live = rooted.chain(risen).filter(|(at, ..)| !source.is_test(*at));
    live.flat_map(|(_, base, end)| tails(&code[end..]).into_iter().map(move |tail| [base.clone(), tail].concat()))
        .collect()
}

/// The paths that go on after `::`, one or a group in braces.
fn tails(rest: &str) -> Vec<Path> {
    let Some(rest) = rest.strip_prefix("::") else { return vec![Path::new()] };
    if let Some(group) = rest.strip_prefix('{') {
        return members(group).iter().flat_map(|member| tails(&format!("::{member}"))).collect();
    }
    let end = rest.find(|letter: char| !letter.is_alphanumeric() && letter != '_').unwrap_or(rest.len());
    let name = rest[..end].to_owned();
    tails(&rest[end..]).into_iter().map(|tail| [vec![name.clone()], tail].concat()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(files: &[(&str, &str)]) -> Vec<String> {
        inside_rooms(&files.iter().map(|(path, text)| Source::parse(path, text)).collect::<Vec<_>>())
    }

    #[test]
    fn neighbours_that_use_each_other_are_told() {
        let told = ["`a/one` uses itself by way of its neighbours", "`a/two` uses itself by way of its neighbours"];
        assert_eq!(
            check(&[("src/a/one.rs", "use super::two::X;"), ("src/a/two.rs", "use super::{one, three};")]),
            told
        );
        assert_eq!(
            check(&[("src/a/one.rs", "use crate::a::{self, two::X};"), ("src/a/two.rs", "fn f() { super::one::g() }")]),
            told
        );
    }

    #[test]
    fn a_folder_counts_as_one() {
        let folder = [
            ("src/a/b/one.rs", "use super::super::c::X;"),
            ("src/a/c.rs", "use super::b::two::Y;"),
            ("src/a/b/two.rs", ""),
        ];
        assert_eq!(check(&folder).len(), 2);
        assert!(check(&folder[..2][..1]).is_empty());
    }

    #[test]
    fn the_table_of_a_folder_its_tests_and_rooms_are_no_circle() {
        assert!(check(&[("src/a/mod.rs", "use one::X;"), ("src/a/one.rs", "use super::Y;")]).is_empty());
        assert!(
            check(&[
                ("src/a/one.rs", "use super::two::X;"),
                ("src/a/two.rs", "#[cfg(test)]\nmod tests {\n    use crate::a::one::Y;\n}\n")
            ])
            .is_empty()
        );
        assert!(
            check(&[("src/a/one.rs", "use crate::b::two::X;"), ("src/b/two.rs", "use crate::a::one::Y;")]).is_empty()
        );
    }
}
