//! Texts that come from outside, made fit for a line of an answer, a log or a terminal.
//!
//! What steers a terminal, turns the direction of text or cannot be seen is escaped, what is long is cut, and what was sent
//! as a secret is starred. Whoever repeats a text of others calls this.

use std::borrow::Cow;
use std::fmt;

use super::address::is_unprintable;

/// What stands in the place of a secret.
const STARS: &str = "***";

/// The fewest characters of a secret for names that hold it to be left out; shorter ones are words that names have.
const TELLING: usize = 8;

/// True for characters that a reader does not see as they are.
#[must_use]
pub fn is_hidden(character: char) -> bool {
    is_unprintable(character)
        || matches!(character, '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}')
        || matches!(character, '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{feff}')
        || matches!(character, '\u{ffa0}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

/// At most so many characters of a text, the hidden ones escaped.
#[must_use]
pub fn line(text: &str, most: usize) -> Cow<'_, str> {
    let end = text.char_indices().nth(most).map(|(end, _)| end);
    let kept = &text[..end.unwrap_or(text.len())];
    if end.is_none() && !kept.contains(is_hidden) {
        return Cow::Borrowed(text);
    }
    let mut shown = escaped(kept, is_hidden);
    if end.is_some() {
        shown.push('…');
    }
    Cow::Owned(shown)
}

/// A text with its hidden characters escaped; its line ends stay.
#[must_use]
pub fn lines(text: &str) -> String {
    escaped(text, |character| character != '\n' && is_hidden(character))
}

fn escaped(text: &str, is_odd: impl Fn(char) -> bool) -> String {
    let mut shown = String::with_capacity(text.len() + 8);
    for character in text.chars() {
        if is_odd(character) {
            shown.extend(character.escape_default());
        } else {
            shown.push(character);
        }
    }
    shown
}

/// What was sent as a secret, in the spellings in which it may come back.
#[derive(Clone, Default)]
pub struct Sent(Vec<String>);

impl fmt::Debug for Sent {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(STARS)
    }
}

impl Sent {
    /// A user and a password, as Basic authentication and URLs spell them. The user alone is no secret.
    #[must_use]
    pub fn login(user: &str, password: &str) -> Self {
        let mut spellings = vec![
            base64(format!("{user}:{password}").as_bytes()),
            base64(password.as_bytes()),
            password.to_owned(),
            percent(password, |byte| byte.is_ascii_alphanumeric()),
            percent(password, |byte| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte)),
            percent(password, |byte| byte.is_ascii_graphic() && !b"%/:?#@[]".contains(&byte)),
            password.escape_default().to_string(),
        ];
        spellings.retain(|spelling| !spelling.is_empty());
        // The longest first, so that no rest of one is left.
        spellings.sort_by_key(|spelling| std::cmp::Reverse(spelling.len()));
        spellings.dedup();
        Self(spellings)
    }

    /// The text with stars wherever something that was sent stands in it, in capital or small letters.
    #[must_use]
    pub fn star(&self, text: &str) -> String {
        let mut text = text.to_owned();
        for spelling in &self.0 {
            let mut from = 0;
            while let Some(at) = find(&text[from..], spelling) {
                text.replace_range(from + at..from + at + spelling.len(), STARS);
                from += at + STARS.len();
            }
        }
        text
    }

    /// True if a name holds what was sent, and that is long enough for it to be no accident.
    #[must_use]
    pub fn is_in(&self, name: &str) -> bool {
        self.0.iter().any(|spelling| spelling.len() >= TELLING && find(name, spelling).is_some())
    }
}

/// Where a text is found, whatever its case.
fn find(text: &str, wanted: &str) -> Option<usize> {
    let found = |window: &[u8]| window.eq_ignore_ascii_case(wanted.as_bytes());
    let at = text.as_bytes().windows(wanted.len()).position(found)?;
    text.is_char_boundary(at).then_some(at)
}

fn percent(text: &str, is_plain: impl Fn(u8) -> bool) -> String {
    let mut spelled = String::new();
    for byte in text.bytes() {
        if is_plain(byte) { spelled.push(char::from(byte)) } else { spelled += &format!("%{byte:02X}") }
    }
    spelled
}

/// Base64 without the padding, in which alone its variants differ here.
fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut spelled = String::new();
    for chunk in bytes.chunks(3) {
        let bits =
            chunk.iter().enumerate().fold(0_usize, |bits, (at, byte)| bits | usize::from(*byte) << (16 - 8 * at));
        let digits = (0..=chunk.len()).map(|at| char::from(DIGITS[bits >> (18 - 6 * at) & 63]));
        spelled.extend(digits);
    }
    spelled
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_steers_or_hides_is_escaped_and_what_is_long_is_cut() {
        assert_eq!(line("größe 👍", 20), "größe 👍");
        assert_eq!(line("größe", 4), "größ…");
        assert_eq!(
            line("a\u{1b}[2J\r\nb\u{202e}c\u{200b}\u{feff}", 99),
            "a\\u{1b}[2J\\r\\nb\\u{202e}c\\u{200b}\\u{feff}"
        );
        assert_eq!(lines("a\nb\u{9b}\u{2066}"), "a\nb\\u{9b}\\u{2066}");
    }

    #[test]
    fn a_secret_is_starred_in_every_spelling() {
        let sent = Sent::login("user", "p@ss w/ü+1");
        assert_eq!(base64(b"user:p"), "dXNlcjpw");
        assert_eq!(base64(b"a"), "YQ");
        let basic = base64("user:p@ss w/ü+1".as_bytes());
        let texts = ["p@ss w/ü+1", "P@SS w/ü+1", &basic, "p%40ss%20w%2F%C3%BC%2B1", "p%40ss%20w%2f%c3%bc%2b1"];
        for text in texts {
            assert_eq!(sent.star(&format!("no: {text}; {text}!")), "no: ***; ***!", "{text}");
        }
        assert_eq!(sent.star("of user alone"), "of user alone");
        assert!(sent.is_in("refs/heads/P@ss w/ü+1") && !Sent::login("", "main").is_in("refs/heads/main"));
        assert_eq!((Sent::default().star("x"), Sent::login("", "*").star("a*b*")), ("x".into(), "a***b***".into()));
        assert_eq!(format!("{sent:?}"), "***");
    }
}
