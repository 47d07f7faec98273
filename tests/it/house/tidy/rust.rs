//! Rust source reduced to what the checks need: code without comments and literals, and which lines are tests.
//!
//! Not a parser: it knows where comments, strings and braces begin and end, which is enough for formatted code.

use std::ops::Range;

use super::files::File;

/// A Rust file.
pub(super) struct Source {
    /// Path from the root of the repository.
    pub(super) path: String,
    /// The file as written.
    pub(super) text: String,
    /// The same with comments and the insides of literals blanked, byte for byte as long.
    pub(super) code: String,
    /// Byte ranges of items under `#[cfg(test)]`.
    tests: Vec<Range<usize>>,
}

/// Parses files that belong together; those that a file declares as a module for tests are tests as a whole.
pub(super) fn parse_all(files: impl IntoIterator<Item = File>) -> Vec<Source> {
    let files = files.into_iter().filter(|file| file.path.ends_with(".rs"));
    let mut sources: Vec<Source> = files.map(|file| Source::parse(&file.path, &file.text)).collect();
    let for_tests: Vec<String> = sources.iter().flat_map(Source::test_modules).collect();
    for source in &mut sources {
        let module = source.path.trim_end_matches(".rs").trim_end_matches("/mod");
        if for_tests.iter().any(|test| module == test || source.path.starts_with(&format!("{test}/"))) {
            source.tests.push(0..source.text.len());
        }
    }
    sources
}

impl Source {
    pub(super) fn parse(path: &str, text: &str) -> Self {
        let code = blank(text);
        let tests =
            if path.starts_with("tests/") { std::iter::once(0..text.len()).collect() } else { test_items(&code) };
        Self { path: path.to_owned(), text: text.to_owned(), code, tests }
    }

    /// True if the byte belongs to a test.
    pub(super) fn is_test(&self, at: usize) -> bool {
        self.tests.iter().any(|range| range.contains(&at))
    }

    /// `path:line` of a byte.
    pub(super) fn place(&self, at: usize) -> String {
        format!("{}:{}", self.path, self.line(at))
    }

    /// The line of a byte, from 1.
    pub(super) fn line(&self, at: usize) -> usize {
        self.code[..at].bytes().filter(|byte| *byte == b'\n').count() + 1
    }

    /// Lines outside tests, lines inside.
    pub(super) fn line_counts(&self) -> (usize, usize) {
        let starts = std::iter::once(0).chain(self.text.match_indices('\n').map(|(at, _)| at + 1));
        let (tests, rest): (Vec<usize>, Vec<usize>) =
            starts.filter(|at| *at < self.text.len()).partition(|at| self.is_test(*at));
        (rest.len(), tests.len())
    }

    /// The modules in files of their own that are declared for tests, as paths without extension.
    fn test_modules(&self) -> Vec<String> {
        let stem = self.path.trim_end_matches(".rs");
        let is_root = ["mod", "lib", "main"].iter().any(|name| stem.ends_with(&format!("/{name}")));
        let folder = if is_root { stem.rsplit_once('/').map_or("", |(folder, _)| folder) } else { stem };
        let items = self.tests.iter().map(|range| &self.code[range.clone()]);
        let declared = items.filter_map(|item| item.strip_suffix(';')?.rsplit_once("mod ").map(|(_, name)| name));
        declared.map(|name| format!("{folder}/{name}")).collect()
    }

    /// The name of the file or folder below `src/`: the top-level module.
    pub(super) fn module(&self) -> &str {
        let below = self.path.strip_prefix("src/").unwrap_or(&self.path);
        below.split('/').next().unwrap_or(below).trim_end_matches(".rs")
    }
}

/// Where a whole word stands in code; one that ends in `::` is a path of which that word is the first step.
pub(super) fn words<'a>(code: &'a str, word: &'a str) -> impl Iterator<Item = usize> + 'a {
    let is_part = |byte: Option<&u8>| byte.is_some_and(|byte| byte.is_ascii_alphanumeric() || *byte == b'_');
    code.match_indices(word).map(|(at, _)| at).filter(move |at| {
        let bytes = code.as_bytes();
        !is_part(at.checked_sub(1).and_then(|before| bytes.get(before)))
            && (word.ends_with("::") || !is_part(bytes.get(at + word.len())))
    })
}

/// The end of the item that begins at `start`: its last brace, or its semicolon if it has no body.
pub(super) fn item_end(code: &str, start: usize) -> usize {
    let (mut depth, mut brackets) = (0_usize, 0_usize);
    for (at, byte) in code.bytes().enumerate().skip(start) {
        match byte {
            b'(' | b'[' => brackets += 1,
            b')' | b']' => brackets = brackets.saturating_sub(1),
            b'{' => depth += 1,
            b'}' if depth <= 1 && brackets == 0 => return at + 1,
            b'}' => depth = depth.saturating_sub(1),
            b';' if depth == 0 && brackets == 0 => return at + 1,
            _ => {}
        }
    }
    code.len()
}

/// The ranges of the items under `#[cfg(test)]`, attribute included.
fn test_items(code: &str) -> Vec<Range<usize>> {
    let found = code.match_indices("#[cfg(test)]").map(|(at, attribute)| (at, at + attribute.len()));
    found.map(|(at, after)| at..item_end(code, skip_attributes(code, after))).collect()
}

fn skip_attributes(code: &str, from: usize) -> usize {
    let rest = code[from..].trim_start();
    let at = code.len() - rest.len();
    let is_attribute = rest.starts_with("#[");
    if is_attribute { skip_attributes(code, rest.find(']').map_or(code.len(), |end| at + end + 1)) } else { at }
}

/// Blanks comments and the insides of literals; line ends stay.
fn blank(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let end = skipped(bytes, at);
        if end > at {
            out.extend(bytes[at..end].iter().map(|byte| if *byte == b'\n' { b'\n' } else { b' ' }));
            at = end;
        } else {
            out.push(bytes[at]);
            at += 1;
        }
    }
    String::from_utf8(out).expect("only ASCII replaces whole characters")
}

/// The end of the comment or literal that begins at `at`; `at` itself if none does.
fn skipped(bytes: &[u8], at: usize) -> usize {
    let rest = &bytes[at..];
    let end = match rest {
        [b'/', b'/', ..] => find(rest, b"\n"),
        [b'/', b'*', ..] => block_comment(rest),
        [b'r', b'"' | b'#', ..] if !follows_name(bytes, at) => raw_string(rest),
        [b'"', ..] => quoted(rest, b'"'),
        [b'\'', ..] if is_char(rest) => quoted(rest, b'\''),
        _ => 0,
    };
    at + end
}

fn follows_name(bytes: &[u8], at: usize) -> bool {
    let before = at.checked_sub(1).map(|before| bytes[before]);
    // `br"…"` begins at its `b`; a name that ends in r is followed by no quote.
    before.is_some_and(|byte| byte != b'b' && (byte.is_ascii_alphanumeric() || byte == b'_'))
}

fn find(bytes: &[u8], wanted: &[u8]) -> usize {
    bytes.windows(wanted.len()).position(|window| window == wanted).unwrap_or(bytes.len())
}

fn block_comment(bytes: &[u8]) -> usize {
    let (mut depth, mut at) = (0, 0);
    while at < bytes.len() {
        match &bytes[at..] {
            [b'/', b'*', ..] => (depth, at) = (depth + 1, at + 2),
            [b'*', b'/', ..] if depth == 1 => return at + 2,
            [b'*', b'/', ..] => (depth, at) = (depth - 1, at + 2),
            _ => at += 1,
        }
    }
    at
}

fn raw_string(bytes: &[u8]) -> usize {
    let hashes = bytes[1..].iter().take_while(|byte| **byte == b'#').count();
    if bytes.get(1 + hashes) != Some(&b'"') {
        return 0; // a raw name, r#type
    }
    let end = [&b"\""[..], &vec![b'#'; hashes]].concat();
    let body = 2 + hashes;
    body + (find(&bytes[body..], &end) + end.len()).min(bytes.len() - body)
}

fn quoted(bytes: &[u8], quote: u8) -> usize {
    let mut at = 1;
    while at < bytes.len() && bytes[at] != quote {
        at += if bytes[at] == b'\\' { 2 } else { 1 };
    }
    (at + 1).min(bytes.len())
}

/// Tells `'a'` from the lifetime `'a`.
fn is_char(rest: &[u8]) -> bool {
    let after = String::from_utf8_lossy(&rest[1..rest.len().min(6)]).into_owned();
    let mut chars = after.chars();
    matches!((chars.next(), chars.next()), (Some('\\'), _) | (Some(_), Some('\'')))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_and_literals_are_blanked_and_lines_stay() {
        let text = "a(\"x // {\", 'y', '\\'', b'{', r#\"\"{\"#); // {\n/* { /* { */\n{ */ fn f<'a>(r: &'a str) {}\n\"é\\\"\"; r#type";
        let code = blank(text);
        let squeezed = code.split(' ').filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ");
        assert_eq!(squeezed, "a( , , , b , ); \n \n fn f<'a>(r: &'a str) {}\n ; r#type");
        assert_eq!(code.len(), text.len());
    }

    #[test]
    fn test_items_are_told_from_the_rest() {
        let text = "fn a() {}\n#[cfg(test)]\nmod b;\n\n#[cfg(test)]\n#[derive(X)]\nmod tests {\n    fn c() { [1; 2]; }\n}\nfn d() {}\n";
        let source = Source::parse("src/config/x.rs", text);
        let tests: Vec<usize> = (1..=10).filter(|line| is_test_line(&source, *line)).collect();
        assert_eq!(tests, [2, 3, 5, 6, 7, 8, 9]);
        assert_eq!(source.line_counts(), (3, 7));
        assert_eq!(source.module(), "config");
        assert_eq!(source.place(text.find("fn d").unwrap()), "src/config/x.rs:10");
    }

    #[test]
    fn files_declared_for_tests_are_tests() {
        let file = |path: &str, text: &str| File { path: path.to_owned(), text: text.to_owned() };
        let counts = |declaring: &str, declared: &str| {
            let text = "#[cfg(test)]\nmod testing;\nmod live;\n";
            let sources = parse_all([file(declaring, text), file(declared, "x\n"), file("src/a/live.rs", "x\n")]);
            sources.iter().map(Source::line_counts).collect::<Vec<_>>()
        };
        assert_eq!(counts("src/a/mod.rs", "src/a/testing.rs"), [(1, 2), (0, 1), (1, 0)]);
        assert_eq!(counts("src/a.rs", "src/a/testing/mod.rs"), [(1, 2), (0, 1), (1, 0)]);
        assert_eq!(counts("src/lib.rs", "src/testing/deep.rs"), [(1, 2), (0, 1), (1, 0)]);
        assert_eq!(counts("src/b.rs", "src/a/testing.rs"), [(1, 2), (1, 0), (1, 0)]);
    }

    fn is_test_line(source: &Source, line: usize) -> bool {
        let at = source.text.split_inclusive('\n').take(line - 1).map(str::len).sum();
        source.is_test(at)
    }

    #[test]
    fn words_are_whole() {
        assert_eq!(words("unsafe_code unsafe {unsafe}", "unsafe").collect::<Vec<_>>(), [12, 20]);
        assert_eq!(words("notify(); renotify::a; notify::b", "notify::").collect::<Vec<_>>(), [23]);
    }
}
