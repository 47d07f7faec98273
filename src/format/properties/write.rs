//! Spells a value as `.properties`: one `path=value` line per leaf, escaped so that Java reads back what was there.

use std::fmt::Write as _;

use crate::config::value::Value;
use crate::format::flat;

/// Spells a value in UTF-8; null, `{}` and `[]` are `path=`.
pub(in crate::format) fn write(value: &Value) -> String {
    if !matches!(value, Value::Map(_)) {
        return flat::bare(value);
    }
    let mut out = String::new();
    for (path, leaf) in flat::flatten(value) {
        if path.is_empty() && matches!(leaf, Value::Map(_)) {
            continue;
        }
        path.chars().for_each(|character| push(&mut out, character, true));
        out.push('=');
        put_value(&mut out, &flat::text(leaf));
        out.push('\n');
    }
    out
}

/// Puts the text of a value, after its separator.
pub(super) fn put_value(out: &mut String, text: &str) {
    if text.starts_with(' ') {
        out.push('\\');
    }
    text.chars().for_each(|character| push(out, character, false));
}

fn push(out: &mut String, character: char, in_key: bool) {
    match character {
        '\\' => out.push_str("\\\\"),
        '\n' => out.push_str("\\n"),
        '\r' => out.push_str("\\r"),
        '\t' => out.push_str("\\t"),
        '\x0c' => out.push_str("\\f"),
        ' ' | '=' | ':' | '#' | '!' if in_key => out.extend(['\\', character]),
        '\u{2028}' | '\u{2029}' | '\u{feff}' => escape(out, character),
        _ if character.is_control() => escape(out, character),
        _ => out.push(character),
    }
}

fn escape(out: &mut String, character: char) {
    write!(out, "\\u{:04X}", u32::from(character)).expect("writing to a string cannot fail");
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::value::Map;
    use crate::format::samples;

    #[test]
    fn leaves_are_lines_in_order() {
        let json = r#"{"server":{"port":8080,"ssl":true},"b.c":[{"x":1.5},[null]],"map":{"[a.b]":"t"},"a":{},"l":[]}"#;
        let expected = "server.port=8080\nserver.ssl=true\nb.c[0].x=1.5\nb.c[1][0]=\nmap[a.b]=t\na=\nl=\n";
        assert_eq!(write(&samples::value(json)), expected);
    }

    #[test]
    fn only_what_java_would_misread_is_escaped() {
        let lines = [
            ("a b", "  x y  ", r"a\ b=\  x y  "),
            ("a=b:c", "=b:c", r"a\=b\:c==b:c"),
            ("#a!", "#x !", r"\#a\!=#x !"),
            (r"a\b", r"C:\temp", r"a\\b=C:\\temp"),
            ("a\tb\n", "\t\r\n\x0c", r"a\tb\n=\t\r\n\f"),
            ("é", "日本 😀", "é=日本 😀"),
            ("\u{feff}a", "\0\u{85}\u{2028}\u{2029}", r"\uFEFFa=\u0000\u0085\u2028\u2029"),
        ];
        for (key, value, expected) in lines {
            let map = Map::from_iter([(key.into(), value.into())]);
            assert_eq!(write(&Value::Map(map)), format!("{expected}\n"));
        }
    }

    #[test]
    fn a_value_without_key_is_its_text() {
        assert_eq!(write(&Value::from(" a=b\\")), " a=b\\\n");
        assert_eq!(write(&samples::value(r#"["a",{"b":1}]"#)), "[\"a\",{\"b\":1}]\n");
        assert_eq!(write(&Value::Map(Map::new())), "");
    }
}
