//! What looks like a reference to another value and is none: a placeholder without an end, variables of shells, and the
//! forms of other tools.

use crate::config::interpolate::placeholders;
use crate::config::layer::Node;
use crate::config::problem::Fault;

use super::walk::{shown, texts};
use super::{Text, foreign};

/// Adds the texts that refer to nothing.
pub(super) fn check(text: &Text<'_>, faults: &mut Vec<Fault>) {
    if !text.bytes.contains(&b'$') {
        return;
    }
    texts(text.body, |path, value, node| {
        if value.contains('$') && foreign::tool(value).is_none() {
            faults.extend(unclosed(path, value, node));
            faults.extend(of_other_tool(value, node));
            faults.extend(variable(value, node));
        }
    });
}

fn unclosed(path: &str, value: &str, node: &Node) -> Option<Fault> {
    let mut open = 0_usize;
    let mut rest = value;
    while let Some(at) = rest.find(['$', '}', '\\']) {
        let from = &rest[at..];
        let skip = match from {
            from if from.starts_with("\\$") => 2,
            from if from.starts_with("${") => {
                open += 1;
                2
            }
            from if from.starts_with('}') => {
                open = open.saturating_sub(1);
                1
            }
            _ => 1,
        };
        rest = &from[skip..];
    }
    (open > 0).then(|| {
        let message =
            format!("`${{` in the value of `{}` has no `}}`, so that it is served as it is written", shown(path));
        let hint = "close it with `}`, or write `\\${` if it is no placeholder";
        Fault::warning("placeholder-unclosed", node.at, message).with_hint(hint)
    })
}

/// `${env:NAME}` and the like, which other tools fill in and layerd takes for a key with a default.
fn of_other_tool(value: &str, node: &Node) -> Option<Fault> {
    let (source, name) = placeholders(value).find_map(|(key, default)| {
        let name = default?;
        let is_other = match key {
            "env" | "ENV" => name.len() > 1 && name.bytes().all(is_of_variable),
            "sys" | "sysprop" => name.contains('.') && !name.contains(' '),
            "ssm" | "vault" | "secret" | "aws" | "file" => name.contains('/') && !name.contains(' '),
            _ => false,
        };
        is_other.then_some((key, name))
    })?;
    let (source, name) = (shown(source), shown(name));
    let message =
        format!("`${{{source}:{name}}}` is the key `{source}` with the default `{name}`, not a value from `{source}`");
    let hint = match &*source {
        "env" | "ENV" => format!("write `${{{name}}}`: clients fill in what is not configured from their environment"),
        _ => "clients that know this form never see it in resolved answers; name a key, or silence this".to_owned(),
    };
    Some(Fault::warning("placeholder-source", node.at, message).with_hint(hint))
}

/// `$NAME` without braces.
fn variable(value: &str, node: &Node) -> Option<Fault> {
    let name = value.match_indices('$').find_map(|(at, _)| {
        let before = value[..at].chars().next_back();
        let rest = &value[at + 1..];
        let end = rest.bytes().position(|byte| !is_of_variable(byte)).unwrap_or(rest.len());
        let (name, after) = rest.split_at(end);
        let is_name = name.len() > 1 && name.starts_with(|first: char| first.is_ascii_uppercase());
        // Hashes of passwords are full of dollars and letters.
        let is_apart = before.is_none_or(|letter| !letter.is_ascii_alphanumeric() && !matches!(letter, '$' | '\\'));
        let is_whole = !after.starts_with(|next: char| next.is_ascii_alphanumeric() || next == '$');
        (is_name && is_apart && is_whole).then_some(name)
    })?;
    let name = shown(name);
    let message = format!("`${name}` is no placeholder and is served as it is written");
    let hint = format!("write `${{{name}}}` if it is to be filled in; if a shell is to do so, silence this");
    Some(Fault::warning("shell-variable", node.at, message).with_hint(hint))
}

const fn is_of_variable(byte: u8) -> bool {
    byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_'
}

#[cfg(test)]
mod tests {
    use crate::check::samples::lines;

    fn found(value: &str) -> Vec<String> {
        let code = |line: &String| line.split(' ').next().unwrap_or_default().to_owned();
        let text = format!("a: '{value}'\nb: 1\n");
        lines(&[("user.yml", &text)]).iter().map(code).filter(|code| code != "unanswered-placeholder").collect()
    }

    #[test]
    fn what_refers_to_nothing_is_reported() {
        for (value, expected) in [
            ("${b", "placeholder-unclosed"),
            ("http://${b:x", "placeholder-unclosed"),
            ("${b:${c}", "placeholder-unclosed"),
            ("$PORT", "shell-variable"),
            ("http://$HOST_NAME:80", "shell-variable"),
            ("${env:HOME}", "placeholder-source"),
            ("${sys:user.home}", "placeholder-source"),
            ("${vault:secret/db#password}", "placeholder-source"),
        ] {
            assert_eq!(found(value), [expected], "{value}");
        }
    }

    #[test]
    fn what_is_no_reference_is_left_alone() {
        for value in [
            "${b}",
            "${b:}",
            "{b}",
            "b}",
            "\\${b",
            "$",
            "$5",
            "$b",
            "US$ 5",
            "a$B",
            "$2a$10$N9qo8uLOickgx2ZMRZoMye",
            "$A",
            "^[A-Z]+$",
            "${env:dev}",
            "${file:x}",
            "$6$SALTSALT$HASH",
        ] {
            assert_eq!(found(value), [""; 0], "{value}");
        }
    }
}
