//! How the keys of a configuration become the names of variables.

use std::sync::Arc;

use crate::config::key;

/// The most characters of a prefix: it stands before every name.
pub const LONGEST_PREFIX: usize = 64;

/// How keys become names.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct Naming {
    /// The form of the names.
    pub style: NameStyle,
    /// What stands before every name.
    pub prefix: Arc<str>,
}

/// The form of names, shown for `server.max-threads` and `hosts[0]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum NameStyle {
    /// `SERVER_MAXTHREADS`, `HOSTS_0`: what Spring Boot's relaxed binding reads.
    #[default]
    Relaxed,
    /// `SERVER_MAX_THREADS`, `HOSTS_0`.
    Upper,
    /// `SERVER__MAX_THREADS`, `HOSTS__0`: two underscores between levels, as ASP.NET Core, pydantic and dynaconf read.
    Nested,
    /// `server.max-threads`, `hosts[0]`: as the files have it.
    Dotted,
}

/// Every style with its name in `names=`.
pub const STYLES: [(&str, NameStyle); 4] = [
    ("relaxed", NameStyle::Relaxed),
    ("upper", NameStyle::Upper),
    ("nested", NameStyle::Nested),
    ("dotted", NameStyle::Dotted),
];

impl Naming {
    /// The name of the variable for a key path.
    pub(super) fn name(&self, path: &str) -> String {
        let stem = match self.style {
            NameStyle::Relaxed => relaxed(path),
            NameStyle::Upper => upper(path),
            NameStyle::Nested => nested(path),
            NameStyle::Dotted => path.to_owned(),
        };
        let mut name = format!("{}{stem}", self.prefix);
        let starts_wrong = name.is_empty() || name.starts_with(|first: char| first.is_ascii_digit());
        if self.style != NameStyle::Dotted && starts_wrong {
            name.insert(0, '_');
        }
        name
    }
}

/// Dashes removed, everything else that a name cannot hold a `_`.
fn relaxed(path: &str) -> String {
    upper_of(path, |character| if matches!(character, '-' | ']') { None } else { Some('_') })
}

fn upper(path: &str) -> String {
    upper_of(path, |character| if character == ']' { None } else { Some('_') })
}

fn nested(path: &str) -> String {
    let step = |step: &Arc<str>| upper_of_step(step, |_| Some('_'));
    match key::split(path) {
        Some(steps) => steps.iter().map(step).collect::<Vec<_>>().join("__"),
        None => upper(path),
    }
}

fn upper_of(path: &str, other: impl Fn(char) -> Option<char>) -> String {
    upper_of_step(path.strip_prefix('[').unwrap_or(path), other)
}

fn upper_of_step(text: &str, other: impl Fn(char) -> Option<char>) -> String {
    let sign = |character: char| match character {
        'a'..='z' | 'A'..='Z' | '0'..='9' => Some(character.to_ascii_uppercase()),
        _ => other(character),
    };
    text.chars().filter_map(sign).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(style: NameStyle, prefix: &str, path: &str) -> String {
        Naming { style, prefix: Arc::from(prefix) }.name(path)
    }

    #[test]
    fn keys_take_the_form_of_relaxed_binding() {
        let expected = [
            ("spring.datasource.url-x[0]", "SPRING_DATASOURCE_URLX_0"),
            ("map[a.b].c", "MAP_A_B_C"),
            ("[example.org]", "EXAMPLE_ORG"),
            ("list[0][1]", "LIST_0_1"),
            ("größe €", "GR__E__"),
            ("0day", "_0DAY"),
            ("a_b=c\n", "A_B_C_"),
            ("-", "_"),
        ];
        for (path, name) in expected {
            assert_eq!(named(NameStyle::Relaxed, "", path), name, "{path}");
        }
    }

    #[test]
    fn every_style_has_its_form() {
        let all = |path| STYLES.map(|(_, style)| named(style, "", path)).join(" ");
        assert_eq!(
            all("server.max-threads"),
            "SERVER_MAXTHREADS SERVER_MAX_THREADS SERVER__MAX_THREADS server.max-threads"
        );
        assert_eq!(all("hosts[0][1].a"), "HOSTS_0_1_A HOSTS_0_1_A HOSTS__0__1__A hosts[0][1].a");
        assert_eq!(all("map[a.b]"), "MAP_A_B MAP_A_B MAP__A_B map[a.b]");
        assert_eq!(all("a..b"), "A__B A__B A__B a..b");
    }

    #[test]
    fn a_prefix_stands_as_it_is_and_lets_digits_follow() {
        assert_eq!(named(NameStyle::Relaxed, "app_", "0day"), "app_0DAY");
        assert_eq!(named(NameStyle::Dotted, "app.", "0day"), "app.0day");
        assert_eq!(named(NameStyle::Dotted, "", "0day"), "0day");
    }
}
