//! Characters that look like others, or like nothing: blanks that are no blanks, quotes that quote nothing, letters of two
//! alphabets in one word.

use crate::config::foreign;
use crate::config::problem::{Fault, Position};

use super::Text;
use super::walk::{Step, shown, texts, walk};

/// Opening and closing quotes of word processors.
const QUOTES: ([char; 6], [char; 6]) = (
    ['\u{201c}', '\u{201d}', '\u{201e}', '\u{2018}', '\u{2019}', '\u{ab}'],
    ['\u{201d}', '\u{201c}', '\u{2019}', '\u{2018}', '\u{bb}', '\u{201f}'],
);

/// Adds the keys and values that hold such characters.
pub(super) fn check(text: &Text<'_>, faults: &mut Vec<Fault>) {
    if text.bytes.is_ascii() {
        return;
    }
    walk(text.body, &mut |_, step| {
        if let Step::Key(entry) = step {
            faults.extend(in_key(entry.key.written(), entry.at));
        }
    });
    texts(text.body, |path, value, node| faults.extend(in_value(path, value, node.at)));
}

fn in_key(key: &str, at: Position) -> Option<Fault> {
    if let Some(found) = unseen(key) {
        let message = format!("the key `{}` holds {}", visible(key), name(found));
        return Some(
            Fault::warning("invisible-character", at, message).with_hint("type the key and its indentation anew"),
        );
    }
    let quote = key.chars().find(|letter| QUOTES.0.contains(letter) || QUOTES.1.contains(letter));
    let foreign = quote.or_else(|| mixed(key))?;
    let message = format!("the key `{}` holds {}, which looks like another character", shown(key), name(foreign));
    Some(Fault::warning("look-alike", at, message).with_hint("type the key anew"))
}

fn in_value(path: &str, value: &str, at: Position) -> Option<Fault> {
    let is_edge = |letter: Option<char>| letter.filter(|letter| is_unseen(*letter));
    let behind_colon = || {
        let (key, rest) = value.split_once(':')?;
        let is_key =
            !key.is_empty() && key.chars().all(|letter| letter.is_ascii_alphanumeric() || "-_.".contains(letter));
        is_edge(rest.chars().next()).filter(|_| is_key)
    };
    let found = is_edge(value.chars().next()).or_else(|| is_edge(value.chars().last())).or_else(behind_colon);
    if let Some(found) = found {
        let message = format!("the value of `{}` holds {} where a blank seems to be", shown(path), name(found));
        let hint = "type it anew, or write it as an escape in double quotes";
        return Some(Fault::warning("invisible-character", at, message).with_hint(hint));
    }
    let mut inner = value.chars();
    let (first, last) = (inner.next()?, inner.next_back()?);
    let is_quoted =
        QUOTES.0.contains(&first) && QUOTES.1.contains(&last) && !inner.any(|letter| QUOTES.0.contains(&letter));
    is_quoted.then(|| {
        let message = format!("the quotes around the value of `{}` are a part of it", shown(path));
        let hint = "write `\"` or `'`; if the quotes are meant, put such around them and silence this";
        Fault::warning("look-alike", at, message).with_hint(hint)
    })
}

/// A blank other than the usual one, or a character without width.
const fn is_unseen(letter: char) -> bool {
    matches!(
        letter,
        '\u{a0}' | '\u{ad}' | '\u{1680}' | '\u{2000}'..='\u{200f}' | '\u{2028}'..='\u{202f}' | '\u{205f}'..='\u{2064}' | '\u{3000}' | '\u{feff}'
    )
}

/// The first unseen character. Scripts that join letters need some of them between letters of their own.
fn unseen(key: &str) -> Option<char> {
    let letters: Vec<char> = key.chars().collect();
    let is_joined = |at: usize| {
        let is_own =
            |index: Option<usize>| index.and_then(|index| letters.get(index)).is_some_and(|near| !near.is_ascii());
        matches!(letters[at], '\u{200c}' | '\u{200d}') && is_own(at.checked_sub(1)) && is_own(Some(at + 1))
    };
    (0..letters.len()).find(|at| is_unseen(letters[*at]) && !is_joined(*at)).map(|at| letters[at])
}

/// A letter of another alphabet in a word that has Latin letters too.
fn mixed(key: &str) -> Option<char> {
    let is_other = |letter: char| matches!(letter, '\u{370}'..='\u{52f}' | '\u{ff01}'..='\u{ff5e}');
    let words = key.split(|letter: char| !letter.is_alphanumeric());
    let mut mixed = words.filter(|word| word.chars().any(|letter| letter.is_ascii_alphabetic()));
    mixed.find_map(|word| word.chars().find(|letter| is_other(*letter)))
}

fn name(letter: char) -> String {
    let name = match letter {
        '\u{a0}' => "a no-break space",
        '\u{200b}' => "a zero-width space",
        '\u{3000}' => "an ideographic space",
        '\u{feff}' => "a byte order mark",
        letter if is_unseen(letter) => "an invisible character",
        letter => return format!("`{letter}` (U+{:04X})", u32::from(letter)),
    };
    format!("{name} (U+{:04X})", u32::from(letter))
}

fn visible(key: &str) -> String {
    foreign::escaped(&shown(key), |letter| is_unseen(letter) || foreign::is_hidden(letter))
}

#[cfg(test)]
mod tests {
    use crate::check::samples::lines;

    fn found(text: &str) -> Vec<String> {
        let code = |line: &String| line.split(' ').take(2).collect::<Vec<_>>().join(" ").replace("user.yml:", "");
        lines(&[("user.yml", text)]).iter().map(code).collect()
    }

    #[test]
    fn what_looks_like_another_character_is_reported() {
        for (text, expected) in [
            ("server:\n\u{a0}\u{a0}port: 8080\n", "invisible-character 2:1"),
            ("server:\n  port:\u{a0}8080\n", "invisible-character 2:3"),
            ("server:\n  \u{200b}port: 1\n", "invisible-character 2:3"),
            ("a: x\u{a0}\n", "invisible-character 1:4"),
            ("name: \u{201c}shop\u{201d}\n", "look-alike 1:7"),
            ("\u{201c}name\u{201d}: x\n", "look-alike 1:1"),
            ("p\u{430}ssport: x\n", "look-alike 1:1"),
        ] {
            assert!(found(text).contains(&expected.to_owned()), "{text}: {:?}", found(text));
        }
    }

    #[test]
    fn other_languages_are_left_alone() {
        for text in [
            "größe: 10\u{a0}€\n",
            "имя: значение\n",
            "می\u{200c}خواهم: x\n",
            "a: er sagte \u{201e}ja\u{201c}\n",
            "a: \u{201c}a\u{201d} and \u{201c}b\u{201d}\n",
            "a: \"note :\u{a0}oui\"\n",
        ] {
            assert_eq!(found(text), [""; 0], "{text}");
        }
    }
}
