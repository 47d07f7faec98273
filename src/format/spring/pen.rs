//! The state of SnakeYAML's emitter while it writes: column, indentation, and where a line may be folded.

use super::style::{Style, is_break, is_printable_char};

/// Blanks per level.
const INDENT: usize = 2;

/// The column beyond which a line is folded at its next blank.
const WIDTH: usize = 80;

/// Writes one document.
pub(super) struct Pen {
    out: String,
    /// UTF-16 units since the start of the line, as far as the emitter counts them.
    column: usize,
    /// The indentation of the innermost collection; `None` before the first.
    indent: Option<usize>,
    /// The last thing written was white space.
    is_blank: bool,
    /// Nothing but indentation and indicators stands on the line.
    is_indention: bool,
}

impl Default for Pen {
    fn default() -> Self {
        Self { out: String::new(), column: 0, indent: None, is_blank: true, is_indention: true }
    }
}

impl Pen {
    /// The document, ended by a line break.
    pub(super) fn end(mut self) -> String {
        self.indent = None;
        self.indent();
        self.out
    }

    pub(super) const fn is_indented(&self) -> bool {
        self.is_indention
    }

    /// Begins a collection; what comes back ends it.
    pub(super) fn indent_more(&mut self, is_indentless: bool) -> Option<usize> {
        let outer = self.indent;
        self.indent = Some(match outer {
            None => 0,
            Some(indent) if is_indentless => indent,
            Some(indent) => indent + INDENT,
        });
        outer
    }

    pub(super) const fn indent_back(&mut self, outer: Option<usize>) {
        self.indent = outer;
    }

    /// Goes to the column of the collection, on a new line unless the line is still free.
    pub(super) fn indent(&mut self) {
        let indent = self.indent.unwrap_or(0);
        if !self.is_indention || self.column > indent || (self.column == indent && !self.is_blank) {
            self.line_break('\n');
        }
        if self.column < indent {
            self.is_blank = true;
            self.out.extend(std::iter::repeat_n(' ', indent - self.column));
            self.column = indent;
        }
    }

    pub(super) fn indicator(&mut self, text: &str, needs_blank: bool, is_blank: bool, is_indention: bool) {
        if !self.is_blank && needs_blank {
            self.push(' ');
        }
        self.is_blank = is_blank;
        self.is_indention &= is_indention;
        self.column += text.len();
        self.out.push_str(text);
    }

    /// Writes a scalar; that of a simple key is not folded.
    pub(super) fn scalar(&mut self, text: &str, style: Style, is_key: bool) {
        let outer = self.indent;
        self.indent = Some(outer.map_or(INDENT, |indent| indent + INDENT));
        let characters: Vec<char> = text.chars().collect();
        match style {
            Style::Plain => self.plain(&characters, !is_key),
            Style::Single => self.single(&characters, !is_key),
            Style::Double => self.double(&characters, !is_key),
            Style::Literal => self.literal(&characters),
        }
        self.indent = outer;
    }

    fn line_break(&mut self, character: char) {
        (self.is_blank, self.is_indention, self.column) = (true, true, 0);
        self.out.push(character);
    }

    fn push(&mut self, character: char) {
        self.column += character.len_utf16();
        self.out.push(character);
    }

    fn push_all(&mut self, characters: &[char]) {
        characters.iter().for_each(|character| self.push(*character));
    }

    /// Goes to a new line within a scalar.
    fn fold(&mut self) {
        self.indent();
        (self.is_blank, self.is_indention) = (false, false);
    }

    /// A text of one line.
    fn plain(&mut self, text: &[char], splits: bool) {
        if !self.is_blank {
            self.push(' ');
        }
        (self.is_blank, self.is_indention) = (false, false);
        for run in text.chunk_by(|one, other| (*one == ' ') == (*other == ' ')) {
            if *run == [' '] && self.column > WIDTH && splits {
                self.fold();
            } else {
                self.push_all(run);
            }
        }
    }

    fn single(&mut self, text: &[char], splits: bool) {
        self.indicator("'", true, false, false);
        let kind = |character: char| (character == ' ', is_break(character));
        let mut begin = 0;
        for run in text.chunk_by(|one, other| kind(*one) == kind(*other)) {
            let is_inside = begin > 0 && begin + run.len() < text.len();
            begin += run.len();
            if is_break(run[0]) {
                self.breaks(run);
            } else if *run == [' '] && self.column > WIDTH && splits && is_inside {
                self.indent();
            } else {
                for character in run {
                    self.push(*character);
                    if *character == '\'' {
                        self.push('\'');
                    }
                }
            }
        }
        self.indicator("'", false, false, false);
    }

    /// Line breaks within single quotes, where the first of several is doubled.
    fn breaks(&mut self, run: &[char]) {
        if run[0] == '\n' {
            self.line_break('\n');
        }
        run.iter().for_each(|character| self.line_break(*character));
        self.indent();
    }

    fn double(&mut self, text: &[char], splits: bool) {
        self.indicator("\"", true, false, false);
        // What has not been written yet, because it may have to go to the next line.
        let mut start = 0;
        for (end, character) in text.iter().copied().enumerate() {
            let needs_escape = matches!(character, '"' | '\\') || !matches!(character, ' '..='~');
            if needs_escape {
                self.push_all(&text[start..end]);
                escape(character).chars().for_each(|character| self.push(character));
                start = end + 1;
            }
            let is_gap = character == ' ' || start >= end;
            // After an escape, the emitter counts one column too few.
            let is_wide = self.column + end > WIDTH + start;
            if 0 < end && end + 1 < text.len() && is_gap && is_wide && splits {
                if start < end {
                    self.push_all(&text[start..end]);
                    start = end;
                }
                self.push('\\');
                self.fold();
                if text.get(start) == Some(&' ') {
                    self.push('\\');
                }
            }
        }
        self.push_all(&text[start.min(text.len())..]);
        self.indicator("\"", false, false, false);
    }

    /// The emitter does not count the columns of literal text.
    fn literal(&mut self, text: &[char]) {
        let mut header = "|".to_owned();
        if text.first().is_some_and(|first| is_break(*first) || *first == ' ') {
            header.push_str(&INDENT.to_string());
        }
        match text {
            [.., last] if !is_break(*last) => header.push('-'),
            [_] => header.push('+'),
            [.., before, _] if is_break(*before) => header.push('+'),
            _ => {}
        }
        self.indicator(&header, true, false, false);
        self.line_break('\n');
        let mut begins_line = true;
        for run in text.chunk_by(|one, other| is_break(*one) == is_break(*other)) {
            if is_break(run[0]) {
                run.iter().for_each(|character| self.line_break(*character));
                begins_line = true;
                continue;
            }
            if begins_line {
                self.indent();
            }
            self.out.extend(run);
            begins_line = false;
        }
    }
}

/// A character that is not written as itself, in double quotes.
fn escape(character: char) -> String {
    let short = match character {
        '\0' => '0',
        '\u{7}' => 'a',
        '\u{8}' => 'b',
        '\t' => 't',
        '\n' => 'n',
        '\u{b}' => 'v',
        '\u{c}' => 'f',
        '\r' => 'r',
        '\u{1b}' => 'e',
        '"' => '"',
        '\\' => '\\',
        '\u{85}' => 'N',
        '\u{a0}' => '_',
        '\u{2028}' => 'L',
        '\u{2029}' => 'P',
        _ if is_printable_char(character) && character != '\u{feff}' => return character.to_string(),
        _ if u32::from(character) <= 0xff => return format!("\\x{:02x}", u32::from(character)),
        _ => return format!("\\u{:04x}", u32::from(character)),
    };
    format!("\\{short}")
}
