//! Spells a value as `KEY=value` lines that a POSIX shell can source and dotenv parsers can read. Nothing reads them
//! here.

use std::collections::HashMap;

use crate::config::value::Value;

use super::flat;

/// Spells a value; null, `{}` and `[]` are `KEY=`. Of several keys that one name stands for, the last counts, and a
/// comment names the others.
pub(super) fn write(value: &Value) -> String {
    if !matches!(value, Value::Map(_)) {
        return flat::bare(value);
    }
    let mut leaves = flat::flatten(value);
    leaves.retain(|(path, leaf)| !(path.is_empty() && matches!(leaf, Value::Map(_))));
    let names: Vec<String> = leaves.iter().map(|(path, _)| name(path)).collect();
    let mut places: HashMap<&str, Vec<usize>> = HashMap::new();
    for (place, name) in names.iter().enumerate() {
        places.entry(name).or_default().push(place);
    }
    let mut out = String::new();
    for (place, ((path, leaf), name)) in leaves.iter().zip(&names).enumerate() {
        let Some((last, hidden)) = places[name.as_str()].split_last() else { continue };
        if place == *last {
            for other in hidden {
                comment(&mut out, &format!("{name} is {}, not {}", flat::shown(path), flat::shown(&leaves[*other].0)));
            }
            put_line(&mut out, name, &flat::text(leaf));
        }
    }
    out
}

fn put_line(out: &mut String, name: &str, value: &str) {
    if value.contains('\0') {
        return comment(out, &format!("{name} is left out: no environment can hold its NUL character"));
    }
    out.push_str(name);
    out.push('=');
    out.push_str(&quote(value));
    out.push('\n');
}

fn comment(out: &mut String, text: &str) {
    out.push_str("# ");
    out.push_str(text);
    out.push('\n');
}

/// The name that Spring's relaxed binding gives a path: dashes removed, everything else that no name may hold a `_`.
fn name(path: &str) -> String {
    let path = path.strip_prefix('[').unwrap_or(path);
    let mut name = String::with_capacity(path.len());
    for character in path.chars() {
        match character {
            '-' | ']' => {}
            'a'..='z' | 'A'..='Z' | '0'..='9' => name.push(character.to_ascii_uppercase()),
            _ => name.push('_'),
        }
    }
    if name.is_empty() || name.starts_with(|first: char| first.is_ascii_digit()) {
        name.insert(0, '_');
    }
    name
}

/// A value as both a shell and a dotenv parser read it. Only text with an apostrophe and something that a shell would
/// expand needs the `'\''` of shells, which few dotenv parsers know.
fn quote(value: &str) -> String {
    let is_safe = |byte: u8| byte.is_ascii_alphanumeric() || b"_./:@%+,=-".contains(&byte);
    if value.bytes().all(is_safe) {
        value.to_owned()
    } else if value.contains('\'') && !value.contains(['"', '$', '`', '\\']) {
        format!("\"{value}\"")
    } else {
        format!("'{}'", value.replace('\'', r"'\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::value::{Map, Number};

    fn env(entries: &[(&str, Value)]) -> String {
        let map: Map = entries.iter().map(|(key, value)| ((*key).into(), value.clone())).collect();
        write(&Value::Map(map))
    }

    #[test]
    fn keys_take_the_form_of_relaxed_binding() {
        let named = [
            ("spring.datasource.url-x[0]", "SPRING_DATASOURCE_URLX_0"),
            ("map[a.b].c", "MAP_A_B_C"),
            ("[example.org]", "EXAMPLE_ORG"),
            ("list[0][1]", "LIST_0_1"),
            ("größe €", "GR__E__"),
            ("0day", "_0DAY"),
            ("a_b=c\n", "A_B_C_"),
            ("-", "_"),
        ];
        for (path, expected) in named {
            assert_eq!(name(path), expected, "{path}");
        }
    }

    /// Each of these lines was sourced by `dash` and gave its value back.
    #[test]
    fn values_are_quoted_as_little_as_a_shell_allows() {
        let quoted = [
            ("", ""),
            ("jdbc:postgresql://db:5432/x", "jdbc:postgresql://db:5432/x"),
            ("a=b", "a=b"),
            ("two words", "'two words'"),
            ("~/x", "'~/x'"),
            ("#no comment", "'#no comment'"),
            ("${HOME} `id` \\n \"q\"", "'${HOME} `id` \\n \"q\"'"),
            ("it's", "\"it's\""),
            ("it's $5", r"'it'\''s $5'"),
            ("line one\nline two\t", "'line one\nline two\t'"),
            ("grün", "'grün'"),
            ("a;b&c|d>e<f(g)*?[h]!", "'a;b&c|d>e<f(g)*?[h]!'"),
        ];
        for (value, expected) in quoted {
            assert_eq!(quote(value), expected);
        }
    }

    #[test]
    fn leaves_become_lines() {
        let list = Value::List(vec![Value::Bool(true), Value::Number(Number::Float(1.5))]);
        let text = env(&[("a", list), ("b", Value::Null), ("c", Value::Map(Map::new())), ("d", Value::List(vec![]))]);
        assert_eq!(text, "A_0=true\nA_1=1.5\nB=\nC=\nD=\n");
        assert_eq!(env(&[]), "");
        assert_eq!(write(&Value::from("it's")), "it's\n");
    }

    #[test]
    fn of_keys_with_one_name_the_last_counts() {
        let text = env(&[
            ("a.b", "1".into()),
            ("c", "2".into()),
            ("a_b", "3".into()),
            ("A.b\n", "4".into()),
            ("a-.b", "5".into()),
        ]);
        assert_eq!(text, "C=2\nA_B_=4\n# A_B is a-.b, not a.b\n# A_B is a-.b, not a_b\nA_B=5\n");
    }

    #[test]
    fn a_value_that_no_environment_can_hold_is_left_out() {
        assert_eq!(env(&[("a.b", "x\0y".into())]), "# A_B is left out: no environment can hold its NUL character\n");
    }
}
