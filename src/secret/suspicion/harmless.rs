//! Values that are no secrets whatever their name is: empty, masked, sealed or hashed ones, placeholders, and those that
//! only say where the secret is.

use super::randomness::is_random;

/// How values begin that are sealed, hashed, kept in another store, or filled in by a template.
const BEGINNINGS: [&str; 30] = [
    "{cipher}",
    "<cipher>",
    "ENC[",
    "ENC(",
    "{bcrypt}",
    "{argon2",
    "{scrypt",
    "{pbkdf2",
    "{sha256}",
    "$2a$",
    "$2b$",
    "$2y$",
    "$argon2",
    "$5$",
    "$6$",
    "vault:",
    "op://",
    "sm://",
    "ref+",
    "arn:aws:",
    "secretsmanager:",
    "aws-secretsmanager:",
    "keyvault:",
    "@Microsoft.KeyVault(",
    "{{",
    "#{",
    "$(",
    "<%",
    "file:",
    "classpath:",
];

/// Pairs of signs around what somebody or something has yet to fill in.
const FRAMES: [(char, char); 3] = [('<', '>'), ('@', '@'), ('%', '%')];

/// Words that say there is nothing, or nothing to see.
const WORDS: [&str; 6] = ["redacted", "[redacted]", "null", "none", "n/a", "undefined"];

/// True for a value that is no secret.
pub(super) fn is_harmless(value: &str) -> bool {
    let is_mask = |character: char| matches!(character, '*' | '.' | '-' | '_' | '?' | '\u{2022}');
    let is_framed =
        |(open, close): (char, char)| value.strip_prefix(open).is_some_and(|rest| rest.trim_end().ends_with(close));
    value.chars().all(is_mask)
        || BEGINNINGS.iter().any(|beginning| value.starts_with(beginning))
        || FRAMES.into_iter().any(is_framed)
        || WORDS.iter().any(|word| value.eq_ignore_ascii_case(word))
        || is_variable(value)
}

/// True for a path, or an address without a password in it: where a secret is, not what it is.
pub(super) fn is_location(value: &str) -> bool {
    let has_drive = value.get(1..3) == Some(":\\");
    let is_path = ["/", "./", "../", "~/"].iter().any(|start| value.starts_with(start))
        && value.chars().all(|character| character.is_alphanumeric() || "/._-~".contains(character))
        && !value.split('/').any(is_random);
    has_drive || is_path || value.contains("://")
}

/// `$NAME`, which a shell fills in.
fn is_variable(value: &str) -> bool {
    value.strip_prefix('$').is_some_and(|name| {
        !name.is_empty()
            && name
                .chars()
                .all(|character| character.is_ascii_uppercase() || character.is_ascii_digit() || character == '_')
    })
}

/// The default of a value that is one placeholder; empty if it has none. `None` for any other value.
pub(super) fn default_of_placeholder(value: &str) -> Option<&str> {
    let inside = value.strip_prefix("${")?;
    if end_of_placeholder(inside)? + 1 != inside.len() {
        return None;
    }
    let inside = &inside[..inside.len() - 1];
    let key = inside.find([':', '{']).filter(|at| inside[*at..].starts_with(':'));
    Some(key.map_or("", |at| &inside[at + 1..]))
}

/// The value with `${}` in place of each placeholder.
pub(super) fn without_placeholders(value: &str) -> String {
    let mut out = String::with_capacity(value.len());
    let mut rest = value;
    while let Some((before, inside)) = rest.split_once("${") {
        let Some(end) = end_of_placeholder(inside) else { break };
        out.push_str(before);
        out.push_str("${}");
        rest = &inside[end + 1..];
    }
    out.push_str(rest);
    out
}

/// Where the `}` stands that ends a placeholder, of which `inside` is all that follows its `${`.
fn end_of_placeholder(inside: &str) -> Option<usize> {
    let mut open = 1_usize;
    inside.bytes().position(|byte| {
        match byte {
            b'{' => open += 1,
            b'}' => open -= 1,
            _ => {}
        }
        open == 0
    })
}
