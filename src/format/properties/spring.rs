//! `.properties` as Spring's loader reads them: bytes are ISO-8859-1, keys stay as written, `key[]` takes a comma list.

use std::sync::Arc;

use indexmap::IndexMap;

use crate::config::key::Key;
use crate::config::layer::{Data, Entry, Node};
use crate::config::problem::{Fault, Position};
use crate::format::{Limits, scan};

use super::read::{Cursor, End, Start, too_many_documents};

/// What a key ends with that has a list of values.
const LIST: &str = "[]";

/// The flat entries of each document that is not empty.
///
/// # Errors
/// `escape`, `too-many-documents`, `too-many-nodes`, and those of `scan::refuse_leftovers`.
pub(in crate::format) fn read_spring(bytes: &[u8], limits: &Limits) -> Result<Vec<Vec<Entry>>, Fault> {
    let text: String = bytes.iter().map(|byte| char::from(*byte)).collect();
    scan::refuse_leftovers(&text)?;
    let mut lines = Cursor::of_spring(&text);
    let mut reader = Reader { entries: IndexMap::new(), left: limits.nodes };
    let mut documents = Vec::new();
    loop {
        let start = lines.next_line();
        if start == Some(Start::Key) {
            reader.property(&mut lines)?;
            continue;
        }
        let root = std::mem::take(&mut reader.entries);
        if !root.is_empty() {
            if documents.len() == limits.documents {
                return Err(too_many_documents(lines.at(), limits));
            }
            documents.push(root.into_values().collect());
        }
        if start.is_none() {
            return Ok(documents);
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
    fn documents_are_split_and_empty_ones_do_not_count() {
        assert_eq!(read(b"#---\na=1\n!---\n\n#---\nb=\n"), ["a=\"1\" 2:3", "#", "b=\"\" 7:0", "#"]);
        assert_eq!(read_spring(b"a=\\u00zz", &Limits::default()).unwrap_err().code, "escape");
    }
}
