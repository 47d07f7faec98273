//! The pages and other files that are not code: no path of somebody's machine, no link that leads nowhere.
//!
//! What the pages say is checked elsewhere: console blocks are run, and the settings table is compared with the code.

use super::files::File;

/// Folders of machines on which this was written.
const MACHINE: [&str; 3] = [concat!("/wo", "rk/"), concat!("/tmp", "/wt"), concat!("/ro", "ot/")];

/// Files that name a folder of a machine.
pub(super) fn machine_paths(files: &[File]) -> Vec<String> {
    let lines = files
        .iter()
        .filter(|file| file.path != "Cargo.lock")
        .flat_map(|File { path, text }| text.lines().enumerate().map(move |(number, line)| (path, number + 1, line)));
    let found =
        lines.filter_map(|(path, line, text)| Some((path, line, MACHINE.iter().find(|name| text.contains(**name))?)));
    found.map(|(path, line, name)| format!("{path}:{line}: `{name}` is a folder of one machine")).collect()
}

/// Relative links in pages to what is not there.
pub(super) fn dead_links(files: &[File], exists: impl Fn(&str) -> bool) -> Vec<String> {
    let pages = files.iter().filter(|file| file.path.ends_with(".md"));
    let links = pages.flat_map(|page| links(&page.text).into_iter().map(move |(line, link)| (page, line, link)));
    let dead = links.filter(|(page, _, link)| target(&page.path, link).is_some_and(|target| !exists(&target)));
    dead.map(|(page, line, link)| format!("{}:{line}: `{link}` leads nowhere", page.path)).collect()
}

/// The links of a page with their lines, those in code left out.
fn links(text: &str) -> Vec<(usize, String)> {
    let mut is_code = false;
    let mut found = Vec::new();
    for (number, line) in text.lines().enumerate() {
        let is_fence = line.trim_start().starts_with("```");
        is_code ^= is_fence;
        if !is_code && !is_fence {
            let prose: Vec<&str> = line.split('`').step_by(2).collect();
            let rests = prose.join("``");
            let targets = rests.split("](").skip(1).filter_map(|rest| rest.split([')', ' ']).next());
            found.extend(targets.map(|target| (number + 1, target.to_owned())));
        }
    }
    found
}

/// Where a relative link leads, from the root; `None` for addresses and places in the same page.
fn target(page: &str, link: &str) -> Option<String> {
    let path = link.split('#').next().filter(|path| !path.is_empty() && !path.contains(':'))?;
    let folder = page.rsplit_once('/').map_or("", |(folder, _)| folder);
    Some(if folder.is_empty() { path.to_owned() } else { format!("{folder}/{path}") })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(path: &str, text: &str) -> File {
        File { path: path.to_owned(), text: text.to_owned() }
    }

    #[test]
    fn a_folder_of_one_machine_is_told() {
        let text = format!("a\nrun {}main/x\n", MACHINE[0]);
        let files = [file("README.md", &text), file("Cargo.lock", &text), file("a.rs", "network/ /tmp/x")];
        assert_eq!(machine_paths(&files), [format!("README.md:2: `{}` is a folder of one machine", MACHINE[0])]);
    }

    #[test]
    fn a_link_that_leads_nowhere_is_told() {
        let text = "[a](here.md) [b](gone.md#x) [c](#top) [d](https://example.org) `[e](code.md)`\n```\n[f](code.md)\n```\n![g](../here.png \"x\")\n";
        let exists = |path: &str| path.contains("here");
        assert_eq!(
            dead_links(&[file("docs/a.md", text), file("a.txt", text)], exists),
            ["docs/a.md:1: `gone.md#x` leads nowhere"]
        );
        assert!(dead_links(&[file("docs/a.md", text)], |path| path.starts_with("docs/")).is_empty());
    }
}
