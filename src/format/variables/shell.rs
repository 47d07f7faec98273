//! `export NAME='text'` lines, for `eval "$(layerd get … --format shell)"` in any POSIX shell.

use super::super::unwritable::Unwritable;
use super::{NUL, Variable, readers};

const NOTATION: &str = "a line for a shell";

pub(super) fn line(Variable { name, key, text, .. }: &Variable) -> Result<String, Unwritable> {
    if !readers::is_identifier(name) {
        return Err(Unwritable::name(key, name, "a shell knows letters, digits and `_` in names, and no digit first"));
    }
    if readers::is_of_shell(name) {
        return Err(Unwritable::name(key, name, "a shell uses this variable itself"));
    }
    if text.contains('\0') {
        return Err(Unwritable::value(key, NOTATION, NUL));
    }
    Ok(format!("export {name}='{}'", text.replace('\'', r"'\''")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(name: &str, text: &str) -> String {
        let variable = Variable { name: name.into(), key: "a.b".into(), text: text.into(), is_secret: false };
        line(&variable).unwrap_or_else(|error| error.to_string())
    }

    #[test]
    fn quotes_hold_everything() {
        assert_eq!(told("A_B", "it's `id` $HOME\n\\"), "export A_B='it'\\''s `id` $HOME\n\\'");
        assert_eq!(told("A", ""), "export A=''");
    }

    #[test]
    fn what_would_change_the_shell_itself_is_refused() {
        assert_eq!(told("PATH", "/api"), "`a.b` cannot be named `PATH`: a shell uses this variable itself");
        assert!(told("a.b", "x").starts_with("`a.b` cannot be named `a.b`: a shell knows letters"));
        assert!(told("A;id", "x").starts_with("`a.b` cannot be named `A;id`"));
        assert_eq!(
            told("A", "x\0y"),
            "the value of `a.b` cannot be written as a line for a shell: no variable can hold its NUL character"
        );
    }
}
