//! `.properties` as Spring's loader reads them: bytes are ISO-8859-1, keys stay as written, `key[]` takes a comma list.

use std::sync::Arc;

use indexmap::IndexMap;

use crate::config::key::Key;
use crate::config::layer::{Data, Entry, Node};
use crate::config::problem::{Fault, Position};
use crate::format::{Limits, scan};

use super::read::{BLANKS, Cursor, End, too_many_documents};

/// What a key ends with that has a list of values.
const LIST: &str = "[]";

/// The flat entries of each document that is not empty.
///
/// # Errors
/// `escape`, `too-many-documents`, `too-many-nodes`, and those of `scan::refuse_leftovers`.
pub(in crate::format) fn read_spring(bytes: &[u8], limits: &Limits) -> Result<Vec<Vec<Entry>>, Fault> {
    let text: String = bytes.iter().map(|byte| char::from(*byte)).collect();
    scan::refuse_leftovers(&text)?;
    let mut cursor = Cursor::of_spring(&text);
    let mut reader = Reader { entries: IndexMap::new(), left: limits.nodes };
    let mut documents: Vec<IndexMap<Arc<str>, Entry>> = Vec::new();
    let mut comment = None;
    while let Some(line) = next_line(&mut cursor, &mut comment) {
        match line {
            Line::Key => reader.property(&mut cursor)?,
            // A comment right below a separator takes it back.
            Line::Comment if reader.entries.is_empty() => reader.entries = documents.pop().unwrap_or_default(),
            Line::Comment => {}
            Line::Split => reader.end_document(&mut documents, &cursor, limits)?,
        }
    }
    reader.end_document(&mut documents, &cursor, limits)?;
    Ok(documents.into_iter().map(|document| document.into_values().collect()).collect())
}

/// What a line is that is not blank.
enum Line {
    /// It begins with a key, which has not been read.
    Key,
    Comment,
    /// It splits documents.
    Split,
}

/// Goes to the next line that is not blank. `comment`: what the line before begins with, if that is a comment: right
/// below one that begins alike, a separator is a comment as well.
fn next_line(cursor: &mut Cursor<'_>, comment: &mut Option<char>) -> Option<Line> {
    loop {
        cursor.skip(|character| BLANKS.contains(&character));
        let first = cursor.peek()?;
        let (line, now) = match first {
            '#' | '!' if *comment != Some(first) && cursor.is_split() => (Some(Line::Split), None),
            '#' | '!' => (Some(Line::Comment), Some(first)),
            // A continuation of nothing: what follows is a line of its own.
            '\n' => (None, None),
            '\\' if cursor.is_continued() => (None, None),
            _ => (Some(Line::Key), None),
        };
        *comment = now;
        match line {
            None => drop(cursor.bump()),
            Some(Line::Key) => return line,
            Some(_) => {
                cursor.skip(|character| character != '\n');
                cursor.bump();
                return line;
            }
        }
    }
}

struct Reader {
    /// A key that comes again keeps its place and takes the new value.
    entries: IndexMap<Arc<str>, Entry>,
    /// Values that the file may still have.
    left: usize,
}

impl Reader {
    /// Takes what was read as a document, unless there is nothing.
    fn end_document(
        &mut self,
        documents: &mut Vec<IndexMap<Arc<str>, Entry>>,
        cursor: &Cursor<'_>,
        limits: &Limits,
    ) -> Result<(), Fault> {
        if self.entries.is_empty() {
            return Ok(());
        }
        if documents.len() == limits.documents {
            return Err(too_many_documents(cursor.at(), limits));
        }
        documents.push(std::mem::take(&mut self.entries));
        Ok(())
    }

    fn property(&mut self, line: &mut Cursor<'_>) -> Result<(), Fault> {
        let key = line.text(End::Key)?;
        line.separator();
        let Some(name) = key.strip_suffix(LIST) else {
            let at = line.at();
            let value = line.text(End::Line)?;
            return if key.is_empty() { Ok(()) } else { self.put(&key, &value, at) };
        };
        let mut index = 0;
        loop {
            line.skip_blanks();
            let at = line.at();
            let item = line.text(End::Item)?;
            self.put(&format!("{name}[{index}]"), &item, at)?;
            index += 1;
            // A comma at the end of the line opens no further item.
            if !line.take(',') || line.is_at_end() {
                return Ok(());
            }
        }
    }

    /// An empty value stands before the next line, as Spring counts.
    fn put(&mut self, key: &str, value: &str, at: Position) -> Result<(), Fault> {
        let at = if value.is_empty() { Position::new(at.line.saturating_add(1), 0) } else { at };
        self.left = self.left.checked_sub(1).ok_or_else(|| {
            Fault::error("too-many-nodes", at, "the file has more values than `limits.nodes` allows")
                .with_hint("split the file")
        })?;
        let key: Arc<str> = Arc::from(key);
        let node = Node { data: Data::Text(Arc::from(value)), at, tag: None };
        self.entries.insert(Arc::clone(&key), Entry { key: Key::whole(key), at, node });
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(bytes: &[u8]) -> Vec<String> {
        let documents = read_spring(bytes, &Limits::default()).unwrap();
        let told = |entry: &Entry| {
            let Data::Text(text) = &entry.node.data else { panic!("only text is read") };
            format!("{}={text:?} {}:{}", entry.key.written(), entry.node.at.line, entry.node.at.column)
        };
        documents.iter().flat_map(|entries| entries.iter().map(told).chain(["#".to_owned()])).collect()
    }

    #[test]
    fn bytes_are_latin_1_and_keys_stay_as_written() {
        assert_eq!(read(b"a.b[x]=Gr\xfc\xdfe\na=1\na=2\n=x\n"), ["a.b[x]=\"Grüße\" 1:8", "a=\"2\" 3:3", "#"]);
        assert_eq!(read("ü=1".as_bytes()), ["Ã¼=\"1\" 1:4", "#"]);
    }

    #[test]
    fn a_comma_list_is_trimmed_in_front_only() {
        assert_eq!(
            read(b"b[]=p,q , r,\nc[]=\nd[]=x\\,y\n"),
            ["b[0]=\"p\" 1:5", "b[1]=\"q \" 1:7", "b[2]=\"r\" 1:11", "c[0]=\"\" 3:0", "d[0]=\"x,y\" 3:5", "#"]
        );
    }

    #[test]
    fn a_comment_beside_a_separator_undoes_it() {
        for (split, count) in [
            ("a=1\n# c\n#---\nb=2", 1),
            ("a=1\n#\n#---\nb=2", 1),
            ("a=1\n! c\n#---\nb=2", 2),
            ("a=1\n# c\n\n#---\nb=2", 2),
            ("a=1\n# c\n \t\n#---\nb=2", 2),
            ("a=1\n#---\n# c\nb=2", 1),
            ("a=1\n#---\n! c\nb=2", 1),
            ("a=1\n#---\n\n  # c\nb=2", 1),
            ("a=1\n#---\nb=2\n# c\nd=3", 2),
            ("a=1\n!---\nb=2\n!---\n# c\nd=3", 2),
            ("# c\n#---\nb=2\r\n#---\r\nd=3", 2),
            ("a=1\n#---\n#---\nb=2", 2),
        ] {
            assert_eq!(read_spring(split.as_bytes(), &Limits::default()).unwrap().len(), count, "{split}");
        }
    }

    #[test]
    fn documents_are_split_and_empty_ones_do_not_count() {
        assert_eq!(read(b"#---\na=1\n!---\n\n#---\nb=\n"), ["a=\"1\" 2:3", "#", "b=\"\" 7:0", "#"]);
        assert_eq!(read_spring(b"a=\\u00zz", &Limits::default()).unwrap_err().code, "escape");
    }
}
