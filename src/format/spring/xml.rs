//! Properties as XML, in the form of `java.util.Properties`: a root with entries, each with the attribute `key`.

use std::sync::Arc;

use indexmap::IndexMap;
use roxmltree::{Document, Node, ParsingOptions};

use crate::config::key::Key;
use crate::config::layer::{self, Data, Entry};
use crate::config::problem::{Fault, Position};
use crate::format::{Limits, scan};

/// The code of the fault of a file that is XML of another kind, and no fault unless somebody asks for it.
pub(crate) const NO_PROPERTIES: &str = "no-properties";

/// The entries of the file as one document, which is there without any as well. Java does not tell where values stand.
///
/// # Errors
/// `syntax`, and those of `scan::text`.
pub(super) fn read(bytes: &[u8], limits: &Limits) -> Result<Vec<Vec<Entry>>, Fault> {
    let text = scan::text(bytes)?;
    let nodes_limit = u32::try_from(limits.nodes).unwrap_or(u32::MAX);
    let options = ParsingOptions { allow_dtd: true, nodes_limit, ..ParsingOptions::default() };
    let document = Document::parse_with_options(text, options).map_err(|error| {
        let at = Position::new(error.pos().row, error.pos().col);
        Fault::error("syntax", at, format!("the file is not well-formed XML: {error}"))
    })?;
    let root = document.root_element();
    if !root.has_tag_name("properties") {
        let fault = Fault::error(NO_PROPERTIES, place(&document, root), "the root element is not `properties`");
        return Err(fault.with_hint("write `<properties><entry key=\"…\">…</entry></properties>`"));
    }
    let mut entries: IndexMap<Arc<str>, Entry> = IndexMap::new();
    for element in root.children().filter(|child| child.has_tag_name("entry")) {
        let Some(key) = element.attribute("key") else {
            return Err(Fault::error("syntax", place(&document, element), "the entry has no attribute `key`"));
        };
        let (key, at): (Arc<str>, _) = (Arc::from(key), place(&document, element));
        let value: String = element.children().filter_map(|child| child.text()).collect();
        let node = layer::Node { data: Data::Text(Arc::from(value)), at: Position::default(), tag: None };
        entries.insert(Arc::clone(&key), Entry { key: Key::whole(key), at, node });
    }
    Ok(vec![entries.into_values().collect()])
}

fn place(document: &Document<'_>, node: Node<'_, '_>) -> Position {
    let place = document.text_pos_at(node.range().start);
    Position::new(place.row, place.col)
}
