//! Texts that come from outside, made fit for a line of an answer, a log or a terminal.
//!
//! What steers a terminal, turns the direction of text or cannot be seen is escaped, what is long is cut, and what was sent
//! as a secret is starred, as are users and passwords in addresses. Whoever repeats a text of others calls this.

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
        || matches!(character, '\u{ffa0}' | '\u{fff9}'..='\u{fffb}' | '\u{fffe}' | '\u{ffff}' | '\u{e0000}'..='\u{e007f}')
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

/// A message that may repeat texts of others and addresses: its hidden characters escaped, logins starred; its line ends
/// stay.
#[must_use]
pub fn message(text: &str) -> String {
    lines(&without_logins(text))
}

/// A line with a replacement for each hidden character, a blank for each tab, so that columns in it stay what they are.
#[must_use]
pub fn columns(text: &str) -> String {
    let shown = |character| match character {
        '\t' => ' ',
        character if is_hidden(character) => '\u{fffd}',
        character => character,
    };
    text.chars().map(shown).collect()
}

/// A finished JSON text, or a line of a log, with escapes of JSON for hidden characters beyond ASCII. Who reads the JSON gets
/// the same; within ASCII, who wrote it has seen to that.
#[must_use]
pub fn json(text: &str) -> Cow<'_, str> {
    let is_odd = |character: char| !character.is_ascii() && is_hidden(character);
    if text.is_ascii() || !text.contains(is_odd) {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len() + 8);
    for character in text.chars() {
        match is_odd(character) {
            true => character.encode_utf16(&mut [0; 2]).iter().for_each(|unit| shown += &format!("\\u{unit:04x}")),
            false => shown.push(character),
        }
    }
    Cow::Owned(shown)
}

/// A text with stars for the user and the password in each address in it, however badly that is written.
#[must_use]
pub fn without_logins(text: &str) -> Cow<'_, str> {
    if !text.contains('@') {
        return Cow::Borrowed(text);
    }
    let ends_word = |character: char| character.is_whitespace() || matches!(character, '"' | '`' | '<' | '>');
    let starred = text.split_inclusive(ends_word).fold(String::with_capacity(text.len()), |mut starred, mut word| {
        while let Some((login, rest)) = login(word) {
            starred.extend([&word[..login], STARS]);
            word = &word[rest..];
        }
        starred + word
    });
    Cow::Owned(starred)
}

/// Where the user and the password of the first address in a word begin, and where they end: at an `@`.
fn login(word: &str) -> Option<(usize, usize)> {
    let Some(at) = word.find("://") else {
        // No URL, or one that is written wrong: `user:password@host` is enough.
        let end = word.rfind('@')?;
        let start = word[..end].rfind('/').map_or(0, |slash| slash + 1);
        return word[start..end].contains(':').then_some((start, end));
    };
    let (scheme, start) = (&word[..at], at + 3);
    let rest = &word[start..];
    let (authority, beyond) = rest.split_at(rest.find(['/', '?', '#', '\\']).unwrap_or(rest.len()));
    let next = |from: usize| login(&word[from..]).map(|(start, end)| (from + start, from + end));
    match authority.rfind('@') {
        // Of SSH, the user alone is no secret.
        Some(end) if scheme.ends_with("ssh") && !authority[..end].contains(':') => next(start + end + 1),
        Some(end) => Some((start, start + end)),
        None => {
            let port = authority.rsplit_once(':').map_or("", |(_, port)| port);
            let is_port = authority.starts_with('[') || port.bytes().all(|byte| byte.is_ascii_digit());
            // A password that holds a slash.
            let end = beyond.rfind('@').filter(|_| !is_port);
            match end {
                Some(end) => Some((start, start + authority.len() + end)),
                None => beyond.contains("://").then(|| next(start + authority.len())).flatten(),
            }
        }
    }
}

/// A text with its odd characters escaped.
#[must_use]
pub fn escaped(text: &str, is_odd: impl Fn(char) -> bool) -> String {
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

    /// What was sent to one and to the other.
    #[must_use]
    pub fn and(mut self, other: Self) -> Self {
        self.0.extend(other.0);
        self.0.sort_by_key(|spelling| std::cmp::Reverse(spelling.len()));
        self
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
    fn columns_stay_and_json_is_the_same_for_who_reads_it() {
        assert_eq!(columns("a\t\u{202e}ü\u{1b}"), "a \u{fffd}ü\u{fffd}");
        let text = "\"a\u{202e}ü\u{9b}👍\u{e0041}\"";
        assert_eq!(json(text), "\"a\\u202eü\\u009b👍\\udb40\\udc41\"");
        assert_eq!(serde_json::from_str::<String>(&json(text)).unwrap(), text.trim_matches('"'));
        assert_eq!(message("a\u{9b}\nhttp://b:c@d"), "a\\u{9b}\nhttp://***@d");
    }

    #[test]
    fn logins_are_starred_wherever_an_address_stands() {
        let cases = [
            ("`https://user:pass@host/x` was not", "`https://***@host/x` was not"),
            ("https://token@host", "https://***@host"),
            ("https://user:pa@ss@host/x@y", "https://***@host/x@y"),
            ("https://user:pa/ss@host/x", "https://***@host/x"),
            ("https:\\\\user:pass@host", "***@host"),
            ("https:/user:pass@host/x", "https:/***@host/x"),
            ("/srv/https:/user:pass@host/x", "/srv/https:/***@host/x"),
            ("ssh://git:pass@host/x", "ssh://***@host/x"),
            ("user:pass@host:x", "***@host:x"),
            ("http://a:b@c,ssh://git@d,http://e:f@g", "http://***@c,ssh://git@d,http://***@g"),
            ("a \"http://b:c@d\" e", "a \"http://***@d\" e"),
        ];
        for (text, expected) in cases {
            assert_eq!(without_logins(text), expected, "{text}");
            assert_eq!(without_logins(expected), expected, "{text}");
        }
        for text in
            ["git@host:team/x", "ssh://git@host/x", "https://host:80/a@b", "https://[::1]:80/a@b", "a@b.c", "@:"]
        {
            assert_eq!(without_logins(text), text);
        }
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
        assert_eq!(Sent::login("", "ab").and(Sent::login("", "abc")).star("abcab"), "******");
        assert_eq!((Sent::default().star("x"), Sent::login("", "*").star("a*b*")), ("x".into(), "a***b***".into()));
        assert_eq!(format!("{sent:?}"), "***");
    }
}
