//! Files and values that other secret tools encrypted: layerd does not open them, so a service would get the ciphertext.

use std::sync::Arc;

use crate::config::layer::Node;
use crate::config::problem::{Fault, Position, Problem};

use super::walk::{shown, texts};
use super::{Input, Text};

/// How whole files of a tool begin.
const FILES: [(&[u8], &str, &str); 5] = [
    (b"\0GITCRYPT\0", "git-crypt", "`git-crypt unlock` shows it on disk only: what is committed is what is served"),
    (b"$ANSIBLE_VAULT;", "ansible-vault", "decrypt it with `ansible-vault decrypt`"),
    (b"age-encryption.org/", "age", "decrypt it with `age --decrypt`"),
    (b"-----BEGIN AGE ENCRYPTED FILE-----", "age", "decrypt it with `age --decrypt`"),
    (b"-----BEGIN PGP MESSAGE-----", "PGP", "decrypt it with `gpg --decrypt`"),
];

/// How values of a tool begin and end.
const VALUES: [(&str, &str, &str); 6] = [
    ("ENC(", ")", "jasypt"),
    ("$ANSIBLE_VAULT;", "", "ansible-vault"),
    ("-----BEGIN AGE ENCRYPTED FILE-----", "", "age"),
    ("-----BEGIN PGP MESSAGE-----", "", "PGP"),
    ("vault:v", "", "the transit engine of Vault"),
    ("AQICAH", "", "AWS KMS"),
];

/// How a value that SOPS encrypted begins.
const SOPS: &str = "ENC[AES256_GCM,";

/// The first value of a tool in a file, and how many there are.
type Tally<'a> = (&'static str, &'a Node, String, usize);

/// Adds one fault for each tool whose values a file holds.
pub(super) fn check(text: &Text<'_>, faults: &mut Vec<Fault>) {
    let mut found: Vec<Tally<'_>> = Vec::new();
    texts(text.body, |path, value, node| {
        let Some(tool) = tool(value) else { return };
        match found.iter_mut().find(|(known, ..)| *known == tool) {
            Some((.., count)) => *count += 1,
            None => found.push((tool, node, shown(path), 1)),
        }
    });
    for (tool, node, path, count) in found {
        let others = match count {
            1 => String::new(),
            _ => format!(" (and {} more in this file)", count - 1),
        };
        if tool == "SOPS" {
            let message =
                format!("SOPS encrypted the value of `{path}`{others}; services would get `ENC[…]` in its place");
            let hint = "decrypt the file with `sops --decrypt` and encrypt the values with `layerd encrypt`";
            faults.push(Fault::error("sops-file", node.at, message).with_hint(hint));
        } else {
            let message = format!("the value of `{path}` is encrypted for {tool}{others}; it is served as it is");
            let hint = "encrypt it with `layerd encrypt`, or silence this if the services decrypt it themselves";
            faults.push(Fault::warning("foreign-secret", node.at, message).with_hint(hint));
        }
    }
}

/// The tool that encrypted a value.
pub(super) fn tool(value: &str) -> Option<&'static str> {
    let value = value.trim();
    if value.starts_with(SOPS) {
        return Some("SOPS");
    }
    let is_of = |(start, end, _): &&(&str, &str, &str)| {
        let inside = value.strip_prefix(start).and_then(|rest| rest.strip_suffix(end));
        inside.is_some_and(|inside| match *start {
            "vault:v" => inside.split_once(':').is_some_and(|(version, rest)| {
                version.bytes().all(|byte| byte.is_ascii_digit()) && !version.is_empty() && rest.len() > 20
            }),
            "AQICAH" => {
                inside.len() > 100 && inside.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+/=".contains(&byte))
            }
            _ => !inside.is_empty(),
        })
    };
    VALUES.iter().find(is_of).map(|(.., tool)| *tool)
}

/// The tool that encrypted a whole file, and the way out.
pub(super) fn of_file(bytes: &[u8]) -> Option<(&'static str, &'static str)> {
    FILES.iter().find(|(start, ..)| bytes.starts_with(start)).map(|(_, tool, hint)| (*tool, *hint))
}

/// Adds the files that are encrypted as a whole.
pub(super) fn files(input: &Input<'_>, problems: &mut Vec<Problem>) {
    for file in input.snapshot.selectable().filter(|file| file.body.is_broken()) {
        problems.extend(input.texts.get(&file.blob).and_then(|bytes| problem(bytes, &file.path)));
    }
}

/// Adds the files of which Git stores something else than what is on disk.
pub(super) fn filtered(input: &Input<'_>, problems: &mut Vec<Problem>) {
    for (path, filter) in input.filtered {
        let message =
            format!("Git stores this file through the filter `{}`, and the result is what is served", shown(filter));
        let hint = "check the commit with `--label HEAD`; take the file out of the filter in `.gitattributes`";
        problems.push(Fault::error("git-filter", Position::new(1, 1), message).with_hint(hint).in_file(path));
    }
}

fn problem(bytes: &[u8], path: &Arc<str>) -> Option<Problem> {
    let (tool, hint) = of_file(bytes)?;
    let message = format!("the file is encrypted with {tool} and cannot be read");
    let hint = format!("{hint}, and encrypt single values with `layerd encrypt`");
    Some(Fault::error("encrypted-file", Position::new(1, 1), message).with_hint(hint).in_file(path))
}

#[cfg(test)]
mod tests {
    use crate::check::samples::lines;

    fn found(path: &str, text: &str) -> Vec<String> {
        lines(&[(path, text)]).into_iter().filter(|line| !line.starts_with("plain-secret")).collect()
    }

    #[test]
    fn values_of_other_tools_are_named_once_a_file() {
        let sops = "db:\n  url: ENC[AES256_GCM,data:x,type:str]\n  user: ENC[AES256_GCM,data:y,type:str]\nsops:\n  version: 3\n";
        assert_eq!(
            found("user.yml", sops),
            ["sops-file user.yml:2:8 SOPS encrypted the value of `db.url` (and 1 more in this file); services would \
              get `ENC[…]` in its place (user default)"]
        );
        for (value, tool) in [
            ("ENC(abc==)", "jasypt"),
            ("vault:v1:8SDd3WHDOjf7mq69CyCqYjBXAiQQAVZRkFM13ok481zoCmHnSeDX9g==", "the transit engine of Vault"),
            ("|\n  -----BEGIN PGP MESSAGE-----\n  x", "PGP"),
            ("|\n  $ANSIBLE_VAULT;1.1;AES256\n  61", "ansible-vault"),
        ] {
            let found = found("user.yml", &format!("a: {value}\n"));
            assert_eq!(found.len(), 1, "{value}: {found:?}");
            assert!(found[0].starts_with("foreign-secret user.yml:1:4 ") && found[0].contains(tool), "{found:?}");
        }
    }

    #[test]
    fn files_that_are_encrypted_as_a_whole_are_named_as_that_alone() {
        for (bytes, tool) in [
            ("\0GITCRYPT\0xyz", "git-crypt"),
            ("$ANSIBLE_VAULT;1.1;AES256\n6162\n", "ansible-vault"),
            ("-----BEGIN AGE ENCRYPTED FILE-----\nabc\n", "age"),
        ] {
            let message = format!("the file is encrypted with {tool} and cannot be read (user default)");
            assert_eq!(found("user.yml", bytes), [format!("encrypted-file user.yml:1:1 {message}")]);
        }
    }

    #[test]
    fn values_that_only_begin_alike_are_left_alone() {
        for value in ["ENC", "ENC()", "vault:v1", "vault:version:2", "'vault://x'", "AQICAHx", "ENC[x]"] {
            assert_eq!(found("user.yml", &format!("a: {value}\n")), [""; 0], "{value}");
        }
    }
}
