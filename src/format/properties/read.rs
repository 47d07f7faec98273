//! The grammar of `.properties`: comments, continued lines, separators and escapes, as Java reads them, with the place
//! of every key and value. What the keys make of a document is decided in `assemble.rs`.

use std::ops::Range;
use std::str::Chars;

use crate::config::problem::{Fault, Position};
use crate::format::{Limits, Raw, scan};

use super::assemble::Assembly;

/// What Java skips around keys and separators.
pub(super) const BLANKS: [char; 3] = [' ', '\t', '\x0c'];

/// Reads the documents of a file; empty ones neither count nor come back.
///
/// # Errors
/// The faults of `scan::text`, `escape` for a `\u` that names no character, and those of `Assembly`.
pub(in crate::format) fn read(bytes: &[u8], limits: &Limits) -> Result<Vec<Raw>, Fault> {
    parse(scan::text(bytes)?, limits)
}

fn parse(text: &str, limits: &Limits) -> Result<Vec<Raw>, Fault> {
    let mut lines = Cursor::of(text);
    let mut assembly = Assembly::new(limits);
    let mut documents = Vec::new();
    loop {
        let start = lines.next_line();
        if start == Some(Start::Key) {
            let property = lines.property()?;
            assembly.add(&property.key, property.key_at, &property.value, property.at)?;
            continue;
        }
        if let Some(root) = assembly.take()? {
            let number = u32::try_from(documents.len()).unwrap_or(u32::MAX);
            if documents.len() == limits.documents {
                return Err(too_many_documents(root.first().map_or(lines.at, |entry| entry.at), limits));
            }
            documents.push((number, root));
        }
        if start.is_none() {
            return Ok(documents);
        }
    }
}

pub(super) fn too_many_documents(at: Position, limits: &Limits) -> Fault {
    Fault::error("too-many-documents", at, format!("the file has more than the {} documents allowed", limits.documents))
        .with_hint("split the file, or raise `limits.documents` in the settings of the server")
}

/// How a line begins that is neither blank nor a comment.
#[derive(PartialEq)]
pub(super) enum Start {
    /// With a key.
    Key,
    /// It splits documents, and has been read.
    Split,
}

/// One line with what continues it.
pub(super) struct Property {
    key: String,
    key_at: Position,
    value: String,
    /// Where the value begins; of an empty one, where the key does.
    pub(super) at: Position,
    /// Where the key ends, in bytes.
    pub(super) key_end: usize,
    /// The bytes of the value as written, with all that continues it.
    pub(super) range: Range<usize>,
}

/// Where a text ends, if the logical line does not end before.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum End {
    /// At a separator or a blank.
    Key,
    /// Nowhere.
    Line,
    /// At a comma.
    Item,
}

/// A place in the text; line ends of all three kinds are read as `\n`.
pub(super) struct Cursor<'a> {
    length: usize,
    rest: Chars<'a>,
    at: Position,
    /// An escape is as wide as the character that it stands for, as Spring counts.
    narrow_escapes: bool,
}

impl<'a> Cursor<'a> {
    pub(super) fn of(text: &'a str) -> Self {
        Self { length: text.len(), rest: text.chars(), at: Position::new(1, 1), narrow_escapes: false }
    }

    /// A cursor that counts columns as Spring does.
    pub(super) fn of_spring(text: &'a str) -> Self {
        Self { narrow_escapes: true, ..Self::of(text) }
    }

    pub(super) const fn at(&self) -> Position {
        self.at
    }

    pub(super) fn skip_blanks(&mut self) {
        while self.peek_joined().is_some_and(|character| BLANKS.contains(&character)) {
            self.bump();
        }
    }

    /// Skips one character, if it comes next on the logical line.
    pub(super) fn take(&mut self, wanted: char) -> bool {
        let is_next = self.peek_joined() == Some(wanted);
        if is_next {
            self.bump();
        }
        is_next
    }

    pub(super) fn is_at_end(&mut self) -> bool {
        self.peek_joined().is_none()
    }

    /// Reads the property that begins here.
    ///
    /// # Errors
    /// `escape`.
    pub(super) fn property(&mut self) -> Result<Property, Fault> {
        let key_at = self.at;
        let key = self.text(End::Key)?;
        let key_end = self.offset();
        self.separator();
        let (start, value_at) = (self.offset(), self.at);
        let value = self.text(End::Line)?;
        let at = if value.is_empty() { key_at } else { value_at };
        Ok(Property { key, key_at, value, at, key_end, range: start..self.offset() })
    }

    fn offset(&self) -> usize {
        self.length - self.rest.as_str().len()
    }

    pub(super) fn peek(&self) -> Option<char> {
        self.rest.clone().next().map(|character| if character == '\r' { '\n' } else { character })
    }

    pub(super) fn bump(&mut self) -> Option<char> {
        let character = self.rest.next()?;
        if character != '\n' && character != '\r' {
            self.at.column = self.at.column.saturating_add(1);
            return Some(character);
        }
        if character == '\r' && self.rest.as_str().starts_with('\n') {
            self.rest.next();
        }
        self.at = Position::new(self.at.line.saturating_add(1), 1);
        Some('\n')
    }

    pub(super) fn skip(&mut self, wanted: impl Fn(char) -> bool) {
        while self.peek().is_some_and(&wanted) {
            self.bump();
        }
    }

    /// Goes to the next line that is neither blank nor a comment; `None` at the end of the file.
    pub(super) fn next_line(&mut self) -> Option<Start> {
        loop {
            self.skip(|character| character == '\n' || BLANKS.contains(&character));
            match self.peek()? {
                '#' | '!' => {
                    let splits = self.is_split();
                    self.skip(|character| character != '\n');
                    if splits {
                        return Some(Start::Split);
                    }
                }
                // A continuation of nothing: what follows is a line of its own, and may be a comment.
                '\\' if self.is_continued() => {
                    self.bump();
                }
                _ => return Some(Start::Key),
            }
        }
    }

    /// True on a line that is exactly `#---` or `!---`, blanks after it aside.
    pub(super) fn is_split(&self) -> bool {
        let line = self.rest.as_str().split(['\n', '\r']).next().unwrap_or_default();
        self.at.column == 1 && line.get(1..).is_some_and(|line| line.trim_end_matches(BLANKS) == "---")
    }

    /// True on a backslash at the end of a line or of the file.
    pub(super) fn is_continued(&self) -> bool {
        let mut ahead = self.rest.clone();
        ahead.next() == Some('\\') && matches!(ahead.next(), None | Some('\n' | '\r'))
    }

    /// The next character of the logical line; `None` at its end.
    fn peek_joined(&mut self) -> Option<char> {
        while self.is_continued() {
            self.bump();
            self.bump();
            self.skip(|character| BLANKS.contains(&character));
        }
        self.peek().filter(|character| *character != '\n')
    }

    /// Skips what stands between key and value: blanks, and at most one `=` or `:`.
    pub(super) fn separator(&mut self) {
        let mut seen = false;
        while let Some(character) = self.peek_joined() {
            match character {
                '=' | ':' if !seen => seen = true,
                _ if BLANKS.contains(&character) => {}
                _ => return,
            }
            self.bump();
        }
    }

    /// What follows on the logical line without escapes, up to the end that is wanted.
    pub(super) fn text(&mut self, end: End) -> Result<String, Fault> {
        let mut text = String::new();
        while let Some(character) = self.peek_joined() {
            let ends = match end {
                End::Key => matches!(character, '=' | ':') || BLANKS.contains(&character),
                End::Line => false,
                End::Item => character == ',',
            };
            if ends {
                break;
            }
            let at = self.at;
            self.bump();
            if character != '\\' {
                text.push(character);
                continue;
            }
            text.push(self.escape(at)?);
            if self.narrow_escapes {
                self.at = Position::new(at.line, at.column.saturating_add(1));
            }
        }
        Ok(text)
    }

    /// The character that an escape stands for, whose backslash at `at` has been read.
    fn escape(&mut self, at: Position) -> Result<char, Fault> {
        Ok(match self.bump().unwrap_or('\\') {
            't' => '\t',
            'n' => '\n',
            'r' => '\r',
            'f' => '\x0c',
            'u' => return self.unicode(at),
            other => other,
        })
    }

    fn unicode(&mut self, at: Position) -> Result<char, Fault> {
        let first = self.four_digits(at)?;
        if let Some(character) = char::from_u32(first) {
            return Ok(character);
        }
        let lone = || {
            Fault::error("escape", at, format!("`\\u{first:04X}` is half of a surrogate pair, not a character"))
                .with_hint("write both halves one after the other, or the character itself")
        };
        if first >= 0xdc00 || self.peek_joined() != Some('\\') {
            return Err(lone());
        }
        let low_at = self.at;
        self.bump();
        if self.bump() != Some('u') {
            return Err(lone());
        }
        let second = self.four_digits(low_at)?;
        char::decode_utf16([first, second].map(|unit| u16::try_from(unit).unwrap_or_default()))
            .next()
            .and_then(Result::ok)
            .ok_or_else(lone)
    }

    fn four_digits(&mut self, at: Position) -> Result<u32, Fault> {
        let mut value = 0;
        for _ in 0..4 {
            let Some(digit) = self.peek_joined().and_then(|character| character.to_digit(16)) else {
                return Err(Fault::error("escape", at, "`\\u` takes four hexadecimal digits")
                    .with_hint("write a backslash in a value as `\\\\`"));
            };
            value = value * 16 + digit;
            self.bump();
        }
        Ok(value)
    }
}

#[cfg(test)]
mod tests {
    use std::fmt::Write as _;
    use std::path::Path;

    use proptest::prelude::*;

    use super::*;
    use crate::config::key;
    use crate::config::layer::{Data, Entry, Node, entries_to_map};
    use crate::config::value::Value;
    use crate::format::{Format, flat, samples, write};

    /// What `java.util.Properties` of Java 17 makes of a file.
    const JAVA: [(&str, &[(&str, &str)]); 62] = [
        ("a=1", &[("a", "1")]),
        ("a = 1 ", &[("a", "1 ")]),
        ("a : 1", &[("a", "1")]),
        ("a 1", &[("a", "1")]),
        ("a\t\u{c}=\t1", &[("a", "1")]),
        ("a==1", &[("a", "=1")]),
        ("a = = 1", &[("a", "= 1")]),
        ("a : = 1", &[("a", "= 1")]),
        ("a", &[("a", "")]),
        ("a=", &[("a", "")]),
        ("a:", &[("a", "")]),
        ("=1", &[("", "1")]),
        (" = 1", &[("", "1")]),
        ("  a=1", &[("a", "1")]),
        ("a=1\r\nb=2\rc=3\n\n\nd=4", &[("a", "1"), ("b", "2"), ("c", "3"), ("d", "4")]),
        ("# c\n! c\n  # c\na=1", &[("a", "1")]),
        ("a=#1", &[("a", "#1")]),
        ("a=1 # c", &[("a", "1 # c")]),
        ("# c \\\na=1", &[("a", "1")]),
        ("a#b=1", &[("a#b", "1")]),
        ("a!=1", &[("a!", "1")]),
        ("a=1\\\n   2", &[("a", "12")]),
        ("a=1\\\n  # 2", &[("a", "1# 2")]),
        ("a=1\\\r\n\t2", &[("a", "12")]),
        ("a=1\\\r2\\\n\n3=4", &[("a", "12"), ("3", "4")]),
        ("a=1\\\n   \nb=2", &[("a", "1"), ("b", "2")]),
        ("a\\\n  b=1", &[("ab", "1")]),
        ("a\\\n =1", &[("a", "1")]),
        ("a \\\n = \\\n 1", &[("a", "1")]),
        ("a=1\\", &[("a", "1")]),
        ("a=1\\\n", &[("a", "1")]),
        ("a=1\\\\\nb=2", &[("a", "1\\"), ("b", "2")]),
        ("a=1\\\\\\\n2", &[("a", "1\\2")]),
        ("\\\na=1", &[("a", "1")]),
        ("\\\n#a=1", &[]),
        ("  \\\n  a=1", &[("a", "1")]),
        ("a=\\\n\\\n\\\n1", &[("a", "1")]),
        ("a\\ b=1", &[("a b", "1")]),
        ("a\\=b\\:c=1", &[("a=b:c", "1")]),
        ("\\#a=1", &[("#a", "1")]),
        ("\\!a=1", &[("!a", "1")]),
        ("a=\\ 1", &[("a", " 1")]),
        ("a=\\t\\n\\r\\f|", &[("a", "\t\n\r\u{c}|")]),
        ("a=\\q\\\"\\'\\0\\x41", &[("a", "q\"'0x41")]),
        ("a=\\\\t", &[("a", "\\t")]),
        ("a=\\u0041\\u00e9\\u20AC", &[("a", "A\u{e9}\u{20ac}")]),
        ("a=\\uD83D\\uDE00", &[("a", "\u{1f600}")]),
        ("a=\\u00\\\n  41", &[("a", "A")]),
        ("a=\\\\u0041", &[("a", "\\u0041")]),
        ("\\u0061\\u003d=1", &[("a=", "1")]),
        ("a=\\u0020", &[("a", " ")]),
        ("a=\u{e9}\u{20ac}\u{1f600}", &[("a", "\u{e9}\u{20ac}\u{1f600}")]),
        ("a=\u{a0}x\u{a0}", &[("a", "\u{a0}x\u{a0}")]),
        ("\u{2028}a=1", &[("\u{2028}a", "1")]),
        ("a=x\u{85}y", &[("a", "x\u{85}y")]),
        ("a=\\\u{e9}", &[("a", "\u{e9}")]),
        ("a=\\\u{1f600}", &[("a", "\u{1f600}")]),
        ("a.b[0]=1", &[("a.b[0]", "1")]),
        ("a=1\n  \t \u{c}\n#\n!\nb", &[("a", "1"), ("b", "")]),
        ("a\\\\=1", &[("a\\", "1")]),
        ("a\\\\ 1", &[("a\\", "1")]),
        ("a\\\\\\=1", &[("a\\=1", "")]),
    ];

    fn plain(text: &str) -> Vec<(String, String)> {
        let documents = parse(text, &Limits::default()).unwrap();
        let leaves = documents.iter().map(|(_, root)| Value::Map(entries_to_map(root)));
        leaves.flat_map(|map| pairs(&map)).collect()
    }

    fn pairs(value: &Value) -> Vec<(String, String)> {
        flat::flatten(value).into_iter().map(|(path, leaf)| (path, flat::text(leaf))).collect()
    }

    #[test]
    fn awkward_lines_are_read_as_java_reads_them() {
        for (text, expected) in JAVA {
            let expected: Vec<_> =
                expected.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
            assert_eq!(plain(text), expected, "{text:?}");
        }
    }

    /// Every leaf with the place of its key and of its value; or the fault.
    fn told(bytes: &[u8], limits: &Limits) -> String {
        let mut out = String::new();
        match read(bytes, limits) {
            Ok(documents) => {
                for (number, root) in documents {
                    writeln!(out, "document {number}").unwrap();
                    tell_entries(&mut out, "", &root);
                }
            }
            Err(fault) => {
                let (at, hint) = (fault.at, fault.hint.unwrap_or_default());
                writeln!(out, "{}:{} {}: {}\nhint: {hint}", at.line, at.column, fault.code, fault.message).unwrap();
            }
        }
        out
    }

    fn tell_entries(out: &mut String, path: &str, entries: &[Entry]) {
        for entry in entries {
            tell(out, &key::append(path.to_owned(), entry.key.written()), entry.at, &entry.node);
        }
    }

    fn tell(out: &mut String, path: &str, at: Position, node: &Node) {
        match &node.data {
            Data::Map(entries) => tell_entries(out, path, entries),
            Data::List(items) => {
                for (index, item) in items.iter().enumerate() {
                    tell(out, &key::append_index(path.to_owned(), index), at, item);
                }
            }
            data => {
                let text = flat::text(&data.to_value());
                let (key, value) = (at, node.at);
                writeln!(out, "{}:{} {path} = {}:{} {text:?}", key.line, key.column, value.line, value.column).unwrap();
            }
        }
    }

    fn check_fixtures(folder: &str) {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/properties").join(folder);
        let mut seen = 0;
        for file in std::fs::read_dir(folder).unwrap() {
            let path = file.unwrap().path();
            if path.extension().is_some_and(|extension| extension == "properties") {
                let expected = std::fs::read_to_string(path.with_extension("expected")).unwrap_or_default();
                let actual = told(&std::fs::read(&path).unwrap(), &Limits::default());
                assert_eq!(actual, expected, "{}", path.display());
                seen += 1;
            }
        }
        assert!(seen > 10, "only {seen} fixtures");
    }

    #[test]
    fn valid_files_give_every_leaf_and_its_place() {
        check_fixtures("valid");
    }

    #[test]
    fn invalid_files_give_one_fault_at_its_place() {
        check_fixtures("invalid");
    }

    #[test]
    fn a_file_of_too_many_documents_is_refused_at_the_first_beyond_them() {
        let limits = Limits { documents: 2, ..Limits::default() };
        let expected = "8:1 too-many-documents: the file has more than the 2 documents allowed\n\
                        hint: split the file, or raise `limits.documents` in the settings of the server\n";
        assert_eq!(told(b"#---\na=1\n#---\n#---\nb=1\n#---\n\nc=1\n", &limits), expected);
        assert_eq!(told(b"#---\na=1\n#---\n#---\nb=1\n#---\n", &limits).matches("document").count(), 2);
    }

    #[test]
    fn values_in_all_documents_count_against_the_limit() {
        let limits = Limits { nodes: 3, ..Limits::default() };
        assert!(told(b"a=1\n#---\na=1\n#---\na.b=1\n", &limits).starts_with("5:1 too-many-nodes"));
    }

    #[test]
    fn hundreds_of_thousands_of_keys_take_no_more_than_their_share() {
        let limits = Limits { file: usize::MAX, ..Limits::default() };
        let keys: String = (0..300_000).map(|number| format!("k{number}=\n")).collect();
        let indexes: String = (0..300_000).rev().map(|number| format!("l[{number}]=\n")).collect();
        for text in [keys, indexes] {
            assert_eq!(parse(&text, &limits).unwrap().len(), 1);
        }
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(bytes: Vec<u8>) {
            drop(read(&bytes, &Limits::default()));
        }

        #[test]
        fn no_text_makes_it_panic(text in "([a-c.=: \t\r\n\\\\#!u0-9dDfé-]|\\[[0-3]\\]|\\\\u[dD][89cC]00|\n#---\n){0,40}") {
            drop(parse(&text, &Limits { nodes: 20, depth: 3, documents: 3, ..Limits::default() }));
        }

        #[test]
        fn what_is_written_is_read_back(map in samples::maps_with(keys())) {
            let text = write(Format::Properties, &map, false);
            let documents = read(text.as_bytes(), &Limits::default());
            prop_assert!(documents.is_ok(), "{:?}\n{}", documents, text);
            let read: Vec<_> = documents.unwrap().iter().flat_map(|(_, root)| pairs(&Value::Map(entries_to_map(root)))).collect();
            let wanted: Vec<_> = pairs(&map).into_iter().filter(|(path, _)| !path.is_empty()).collect();
            prop_assert_eq!(read, wanted, "{}", text);
        }
    }

    /// Keys of one step each; with others, two places in a value may have one path.
    fn keys() -> BoxedStrategy<String> {
        samples::texts().prop_map(|text| format!("k{}", text.replace(['.', '['], ""))).boxed()
    }
}
