//! Builds the map of one document from a stream of keys, leaves, openings and closings, within the limits of a file.
//!
//! Shared by the formats that nest. What holds for every document is here: depth, number of values, a key given twice
//! and where a tag may stand; merge keys are in `map.rs`. The stack is our own, so that no nesting in a file can overflow the thread's.

mod map;

use std::collections::HashSet;

use crate::config::key::{self, Key};
use crate::config::layer::{Data, Entry, Node, Tag};
use crate::config::problem::{Fault, Position};
use crate::config::semantics::Semantics;

use super::{Limits, NEST_LESS, document};

use map::{Aliases, OpenMap, Pending};

/// A document in the making. Between documents it is empty; the number of values is counted over the whole file.
pub(super) struct Builder<'a> {
    limits: &'a Limits,
    semantics: Semantics,
    stack: Vec<Frame>,
    root: Option<Node>,
    values: usize,
    /// What comes next is what an alias stands for.
    of_alias: bool,
}

/// A list or map that is still open.
struct Frame {
    at: Position,
    tag: Option<Tag>,
    /// Below an item of a list, where values are taken or replaced as a whole and no tag steers anything.
    in_list: bool,
    content: Content,
}

enum Content {
    List {
        items: Vec<Node>,
        /// The value of a merge key: its items are maps to merge, not items of a list.
        of_merge: bool,
        /// The items that an alias has brought, if it is.
        of_aliases: HashSet<usize>,
    },
    Map(OpenMap),
}

impl<'a> Builder<'a> {
    pub(super) fn new(limits: &'a Limits, semantics: Semantics) -> Self {
        Self { limits, semantics, stack: Vec::new(), root: None, values: 0, of_alias: false }
    }

    /// The number of open lists and maps.
    pub(super) fn depth(&self) -> usize {
        self.stack.len()
    }

    /// True if the innermost map waits for a key.
    pub(super) fn expects_key(&self) -> bool {
        matches!(self.stack.last(), Some(Frame { content: Content::Map(map), .. }) if map.pending.is_none())
    }

    /// The place of the key whose value comes next.
    pub(super) fn key_place(&self) -> Option<Position> {
        match &self.innermost_map()?.pending {
            Some(Pending::Key(_, at) | Pending::Merge(at)) => Some(*at),
            None => None,
        }
    }

    /// The key of the innermost map whose value comes next.
    ///
    /// # Errors
    /// `duplicate-key`.
    pub(super) fn key(&mut self, written: &str, at: Position) -> Result<(), Fault> {
        let key = Key::new(written);
        let Some(map) = self.innermost_map() else { return Ok(()) };
        if let Some(first) = map.place(key.written()) {
            return Err(document::given_twice(&self.path(written), at, first));
        }
        self.expect(Pending::Key(key, at));
        Ok(())
    }

    /// Says whether what follows is what an alias stands for.
    pub(super) fn mark_alias(&mut self, of_alias: bool) {
        self.of_alias = of_alias;
    }

    /// A merge key, the value of which comes next. SnakeYAML takes several in a map.
    ///
    /// # Errors
    /// `duplicate-key`.
    pub(super) fn merge_key(&mut self, at: Position) -> Result<(), Fault> {
        if self.semantics == Semantics::Native
            && let Some(first) = self.innermost_map().and_then(OpenMap::merge_place)
        {
            return Err(document::given_twice(&self.path("<<"), at, first)
                .with_hint("merge several maps with one key: `<<: [*first, *second]`"));
        }
        self.expect(Pending::Merge(at));
        Ok(())
    }

    /// A scalar value.
    ///
    /// # Errors
    /// `too-many-nodes`, `misplaced-tag`, `merge-key`.
    pub(super) fn leaf(&mut self, data: Data, at: Position, tag: Option<Tag>) -> Result<(), Fault> {
        self.count(at)?;
        self.check_tag(tag, tag == Some(Tag::Unset) && data == Data::Null, at)?;
        self.place(Node { data, at, tag }, HashSet::new())
    }

    /// A list begins.
    ///
    /// # Errors
    /// `too-deep`, `too-many-nodes`, `misplaced-tag`.
    pub(super) fn open_list(&mut self, at: Position, tag: Option<Tag>) -> Result<(), Fault> {
        let of_merge = self.is_merging();
        let content = Content::List { items: Vec::new(), of_merge, of_aliases: HashSet::new() };
        self.open(content, at, tag, matches!(tag, Some(Tag::Append | Tag::Prepend)))
    }

    /// A map begins.
    ///
    /// # Errors
    /// `too-deep`, `too-many-nodes`, `misplaced-tag`.
    pub(super) fn open_map(&mut self, at: Position, tag: Option<Tag>) -> Result<(), Fault> {
        self.open(Content::Map(OpenMap::default()), at, tag, tag == Some(Tag::Replace))
    }

    /// The innermost list or map ends.
    ///
    /// # Errors
    /// `merge-key`.
    pub(super) fn close(&mut self) -> Result<(), Fault> {
        let Some(Frame { at, tag, content, .. }) = self.stack.pop() else { return Ok(()) };
        let (data, items) = match content {
            Content::List { items, of_aliases, .. } => (Data::List(items), of_aliases),
            Content::Map(map) => (Data::Map(map.finish(self.semantics)), HashSet::new()),
        };
        self.place(Node { data, at, tag }, items)
    }

    /// Takes the document that has ended, whatever its root is; `None` if there is nothing in it.
    pub(super) fn take(&mut self) -> Option<Node> {
        self.root.take()
    }

    /// Takes the map of the document that has ended; `None` if the document is empty.
    ///
    /// # Errors
    /// `not-a-mapping`.
    pub(super) fn finish(&mut self) -> Result<Option<Vec<Entry>>, Fault> {
        match self.root.take() {
            None | Some(Node { data: Data::Null, .. }) => Ok(None),
            Some(Node { data: Data::Map(entries), .. }) => Ok(Some(entries)),
            Some(Node { at, .. }) => {
                Err(Fault::error("not-a-mapping", at, "the document is not a map of keys to values")
                    .with_hint("write `key: value`"))
            }
        }
    }

    fn open(&mut self, content: Content, at: Position, tag: Option<Tag>, fits: bool) -> Result<(), Fault> {
        self.count(at)?;
        if self.stack.len() >= self.limits.depth {
            let message = format!("maps and lists are nested deeper than the {} of `limits.depth`", self.limits.depth);
            return Err(Fault::error("too-deep", at, message).with_hint(NEST_LESS));
        }
        self.check_tag(tag, fits, at)?;
        let in_list = self.is_in_list();
        self.stack.push(Frame { at, tag, in_list, content });
        Ok(())
    }

    fn count(&mut self, at: Position) -> Result<(), Fault> {
        self.values += 1;
        if self.values <= self.limits.nodes {
            return Ok(());
        }
        let message = format!("the file has more values than the {} of `limits.nodes`", self.limits.nodes);
        Err(Fault::error("too-many-nodes", at, message).with_hint("split the file"))
    }

    fn check_tag(&self, tag: Option<Tag>, fits: bool, at: Position) -> Result<(), Fault> {
        let Some(tag) = tag else { return Ok(()) };
        let (name, wanted) = match tag {
            Tag::Append => ("!append", "a list"),
            Tag::Prepend => ("!prepend", "a list"),
            Tag::Replace => ("!replace", "a map"),
            Tag::Unset => ("!unset", "no value"),
        };
        let why = if self.stack.is_empty() {
            "cannot stand before the whole document".to_owned()
        } else if self.is_in_list() {
            "cannot stand inside a list".to_owned()
        } else if self.is_merging() || self.is_in_merge_list() {
            "cannot stand in the value of `<<`".to_owned()
        } else if !fits {
            format!("takes {wanted}")
        } else {
            return Ok(());
        };
        Err(Fault::error("misplaced-tag", at, format!("`{name}` {why}")).with_hint("remove the tag"))
    }

    /// Puts a finished value where it belongs.
    fn place(&mut self, node: Node, items_of_aliases: HashSet<usize>) -> Result<(), Fault> {
        let of_alias = self.of_alias;
        match self.stack.last_mut().map(|frame| &mut frame.content) {
            None => self.root = Some(node),
            Some(Content::List { items, of_merge, of_aliases }) => {
                if *of_merge && of_alias {
                    of_aliases.insert(items.len());
                }
                items.push(node);
            }
            Some(Content::Map(map)) => map.value(node, &Aliases { whole: of_alias, items: items_of_aliases })?,
        }
        Ok(())
    }

    fn expect(&mut self, pending: Pending) {
        if let Some(Frame { content: Content::Map(map), .. }) = self.stack.last_mut() {
            map.pending = Some(pending);
        }
    }

    fn innermost_map(&self) -> Option<&OpenMap> {
        match &self.stack.last()?.content {
            Content::Map(map) => Some(map),
            Content::List { .. } => None,
        }
    }

    fn is_merging(&self) -> bool {
        self.innermost_map().is_some_and(|map| matches!(map.pending, Some(Pending::Merge(_))))
    }

    fn is_in_merge_list(&self) -> bool {
        matches!(self.stack.last(), Some(Frame { content: Content::List { of_merge: true, .. }, .. }))
    }

    fn is_in_list(&self) -> bool {
        self.stack
            .last()
            .is_some_and(|frame| frame.in_list || matches!(frame.content, Content::List { of_merge: false, .. }))
    }

    /// The path of a key of the innermost map, for people.
    fn path(&self, written: &str) -> String {
        let parents = self.stack.iter().fold(String::new(), |path, frame| match &frame.content {
            Content::List { items, .. } => key::append_index(path, items.len()),
            Content::Map(map) => match &map.pending {
                Some(Pending::Key(key, _)) => key::append(path, key.written()),
                Some(Pending::Merge(_)) => key::append(path, "<<"),
                None => path,
            },
        });
        key::append(parents, written)
    }
}
