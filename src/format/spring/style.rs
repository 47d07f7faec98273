//! Which of its styles SnakeYAML's emitter takes for a text: plain where that reads back as the same text.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::format::yaml::is_special;

/// The styles of scalars that SnakeYAML's dumper uses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Style {
    Plain,
    Single,
    Double,
    Literal,
}

/// What the characters of a text allow.
#[derive(Default)]
struct Analysis {
    has_indicators: bool,
    has_specials: bool,
    leading_space: bool,
    leading_break: bool,
    trailing_space: bool,
    trailing_break: bool,
    break_space: bool,
    space_break: bool,
}

/// Characters that cannot begin a plain scalar.
const LEADING: &str = "#,[]{}&*!|>'\"%@`";

/// True for what ends a line in YAML 1.1, CR aside.
pub(super) const fn is_break(character: char) -> bool {
    matches!(character, '\n' | '\u{85}' | '\u{2028}' | '\u{2029}')
}

/// True if SnakeYAML would read the text back from a stream; any other is written as bytes.
pub(super) fn is_printable(text: &str) -> bool {
    text.chars().all(is_printable_char)
}

pub(super) const fn is_printable_char(character: char) -> bool {
    matches!(character, ' '..='~' | '\t' | '\n' | '\r' | '\u{85}' | '\u{a0}'..='\u{d7ff}' | '\u{e000}'..='\u{fffd}'
        | '\u{10000}'..='\u{10ffff}')
}

/// The bytes of a text in base64.
pub(super) fn base64(text: &str) -> String {
    STANDARD.encode(text)
}

/// The style of a text: literal if it has several lines and that is possible.
pub(super) fn of_text(text: &str) -> Style {
    if text.is_empty() {
        return Style::Single;
    }
    let analysis = Analysis::of(text);
    let is_multiline = text.contains(is_break);
    let is_awkward = analysis.space_break || analysis.has_specials;
    if !is_multiline && !is_awkward && analysis.allows_plain() && !is_special(text) {
        Style::Plain
    } else if is_multiline && !is_awkward && !analysis.trailing_space {
        Style::Literal
    } else if !is_awkward && !is_multiline {
        Style::Single
    } else {
        Style::Double
    }
}

impl Analysis {
    fn of(text: &str) -> Self {
        let characters: Vec<char> = text.chars().collect();
        let mut found = Self { has_indicators: text.starts_with("---") || text.starts_with("..."), ..Self::default() };
        let last = characters.len() - 1;
        // The emitter looks one character ahead, and back to whether the one before ended a line.
        let mut before: Option<char> = None;
        for (index, character) in characters.iter().copied().enumerate() {
            let is_followed = match characters.get(index + 1) {
                None => true,
                Some(next) => matches!(next, '\0' | ' ' | '\t') || (index > 0 && before.is_some_and(is_break)),
            };
            found.has_indicators |= if index == 0 {
                let next_ends =
                    characters.get(1).is_none_or(|next| matches!(next, '\0' | ' ' | '\t' | '\r') || is_break(*next));
                LEADING.contains(character) || (matches!(character, '?' | ':' | '-') && next_ends)
            } else {
                let is_preceded = before.is_none_or(|before| matches!(before, '\0' | ' ' | '\t') || is_break(before));
                (character == ':' && is_followed) || (character == '#' && is_preceded)
            };
            found.has_specials |= !is_printable_char(character) || matches!(character, '\t' | '\r');
            found.space(character, before, index == 0, index == last);
            before = Some(character);
        }
        found
    }

    fn space(&mut self, character: char, before: Option<char>, is_first: bool, is_last: bool) {
        if character == ' ' {
            self.leading_space |= is_first;
            self.trailing_space |= is_last;
            self.break_space |= before.is_some_and(is_break);
        } else if is_break(character) {
            self.leading_break |= is_first;
            self.trailing_break |= is_last;
            self.space_break |= before == Some(' ');
        }
    }

    const fn allows_plain(&self) -> bool {
        let has_edges = self.leading_space || self.leading_break || self.trailing_space || self.trailing_break;
        !has_edges && !self.break_space && !self.has_indicators
    }
}
