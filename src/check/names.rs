//! Files that look like configuration and that no address selects, whatever it asks for.

use std::sync::Arc;

use crate::config::catalogue::candidate;
use crate::config::problem::{Fault, Position, Problem};
use crate::config::select::{EXTENSIONS, SHARED};
use crate::snapshot::Snapshot;

use super::Input;
use super::profiles::is_slip;

/// Extensions that people expect to be read, and that are not.
const OTHER_FORMATS: [&str; 6] = ["toml", "conf", "hocon", "ini", "xml", "env"];

/// Extensions of template tools, which stand behind another one.
const TEMPLATES: [&str; 5] = ["j2", "jinja2", "tmpl", "tpl", "template"];

/// Extensions of copies that somebody kept beside a file.
const COPIES: [&str; 6] = ["txt", "bak", "old", "orig", "save", "backup"];

/// Adds the files that nobody is served.
pub(super) fn check(input: &Input<'_>, problems: &mut Vec<Problem>) {
    if input.snapshot.is_empty() {
        // One problem says so, and where configuration was found.
        return;
    }
    for path in input.snapshot.tree.files.keys().chain(input.others) {
        if candidate(path, &input.snapshot.search_paths).is_none() && !input.snapshot.schemas.set.reads(path) {
            problems.extend(problem(path, input.snapshot));
        }
    }
}

fn problem(path: &Arc<str>, snapshot: &Snapshot) -> Option<Problem> {
    if path.starts_with('.') || path.contains("/.") {
        return None;
    }
    let (folder, file) = path.rsplit_once('/').unwrap_or(("", path));
    let (name, extension) = file.rsplit_once('.').filter(|(name, _)| !name.is_empty())?;
    let reason = match EXTENSIONS.contains(&extension) {
        true => misplaced(folder, file, name, snapshot)?,
        false => misspelled(path, name, extension, snapshot)?,
    };
    let (message, hint) = reason;
    Some(Fault::warning("never-selected", Position::new(1, 1), message).with_hint(hint).in_file(path))
}

/// A file of a format that is read, in a place or with a name that is not asked for.
fn misplaced(folder: &str, file: &str, name: &str, snapshot: &Snapshot) -> Option<(String, String)> {
    if file.ends_with(".schema.json") || name == "schema" {
        return None;
    }
    if let Some(service) = snapshot.search_paths.service_of(folder).filter(|name| snapshot.catalogue.names(name)) {
        let profile = profile_in(name, service, snapshot);
        let message =
            format!("no request selects this file: in the folder of `{service}` only `{SHARED}*` and `{service}*` are");
        let hint = match profile {
            Some(profile) => format!("if it is for the profile `{profile}`, call it `{SHARED}-{profile}`"),
            None => format!("call it `{SHARED}-PROFILE`, or move what is no configuration to a folder of its own"),
        };
        return Some((message, hint));
    }
    let is_shared = name == SHARED || name.strip_prefix(SHARED).is_some_and(|rest| rest.starts_with('-'));
    is_shared.then(|| {
        let message = format!("no request selects this file: the folder `{folder}` is not searched");
        (message, "move it, or name the folder in `search-paths` in the settings of the server".to_owned())
    })
}

/// The known profile that the name of a file speaks of.
fn profile_in<'a>(name: &'a str, service: &str, snapshot: &Snapshot) -> Option<&'a str> {
    let known = snapshot.catalogue.profiles(service);
    let ends = name.match_indices(['-', '_', '.']).map(|(at, _)| &name[at + 1..]);
    std::iter::once(name).chain(ends).find(|end| known.contains(*end))
}

/// A file whose name would be one of ours but for its extension.
fn misspelled(path: &str, name: &str, extension: &str, snapshot: &Snapshot) -> Option<(String, String)> {
    let lower = extension.to_lowercase();
    let is_meant = |known: &&&str| {
        **known == lower || is_swapped(&lower, known) || (!lower.ends_with('~') && is_slip(&lower, known))
    };
    let meant = EXTENSIONS.iter().find(is_meant);
    if let Some(meant) = meant {
        let renamed = format!("{}{meant}", &path[..path.len() - extension.len()]);
        candidate(&renamed, &snapshot.search_paths)?;
        let message = format!("no request selects this file: `.{extension}` is none of the extensions that are read");
        return Some((message, format!("call it `{renamed}`")));
    }
    let inner = &path[..path.len() - extension.len() - 1];
    let is_template = TEMPLATES.contains(&&*lower);
    if (is_template || COPIES.contains(&&*lower)) && candidate(inner, &snapshot.search_paths).is_some() {
        let message = format!("no request selects this file: `.{extension}` is none of the extensions that are read");
        let hint = match is_template {
            true => format!("call it `{inner}`; templates are not filled in by the server"),
            false => format!("call it `{inner}` if it counts, else delete it: the history of Git keeps old versions"),
        };
        return Some((message, hint));
    }
    let is_ours = name == SHARED || name.strip_prefix(SHARED).is_some_and(|rest| rest.starts_with('-'));
    (is_ours && OTHER_FORMATS.contains(&&*lower)).then(|| {
        let message = format!("no request selects this file: `.{extension}` is none of the formats that are read");
        (message, format!("write it as one of `.{}`", EXTENSIONS.join("`, `.")))
    })
}

/// True if the two have the same letters in another order: `ymal`, `jsno`.
fn is_swapped(one: &str, other: &str) -> bool {
    let letters = |text: &str| {
        let mut letters: Vec<char> = text.chars().collect();
        letters.sort_unstable();
        letters
    };
    one != other
        && one.len() == other.len()
        && one.chars().next() == other.chars().next()
        && letters(one) == letters(other)
}

#[cfg(test)]
mod tests {
    use crate::check::samples::lines;

    fn told(path: &str) -> Vec<String> {
        let files = [("application.yml", "a: 1\n"), ("user/application-prod.yml", "a: 1\n"), (path, "{}\n")];
        lines(&files).into_iter().filter(|line| line.contains(path)).collect()
    }

    #[test]
    fn files_that_nobody_is_served_are_told() {
        let folder = "no request selects this file: in the folder of `user` only `application*` and `user*` are ()";
        assert_eq!(told("user/prod.yml"), [format!("never-selected user/prod.yml:1:1 {folder}")]);
        assert_eq!(told("user/config_prod.json"), [format!("never-selected user/config_prod.json:1:1 {folder}")]);
        assert_eq!(
            told("user/config/application.yml"),
            [
                "never-selected user/config/application.yml:1:1 no request selects this file: the folder `user/config` is \
              not searched ()"
            ]
        );
        for path in [
            "application.YML",
            "user/application.ymal",
            "user.Properties",
            "application.toml",
            "application-prod.conf",
            "user.yamll",
            "user.yml.txt",
            "user/application.yml.j2",
            "user.yml.bak",
            "user.yml.orig",
        ] {
            assert_eq!(told(path).len(), 1, "{path}");
        }
    }

    #[test]
    fn files_of_others_are_left_alone() {
        let others = [
            "notes.yml.bak.gz",
            "user.yml~",
            "notes.txt",
            "readme.md",
            "docs/openapi.yml",
            ".github/application.yml",
            "user/.application.yml",
            "user/schema.json",
            "user/user.schema.json",
            "docker-compose.yml",
            "pyproject.toml",
            "scripts/deploy.YML",
            "Makefile",
        ];
        for path in others {
            assert_eq!(told(path), [""; 0], "{path}");
        }
    }
}
