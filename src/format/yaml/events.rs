//! The syntax of YAML as a stream of events. The only module that knows which parser reads it.
//!
//! Positions are mended here where the parser's differ from what an editor shows, so that a swap of the parser is seen
//! nowhere else. What scalars and tags mean is not decided here.

use std::borrow::Cow;
use std::ops::Range;

use granit_parser::{Event as Parsed, Marker, Parser, ScalarStyle, Span, StrInput, StructureStyle, options};

use crate::config::layer;
use crate::config::problem::{Fault, Position};
use crate::format::{Limits, scan};

use super::mistake;

/// One event and its place.
pub(super) struct Event<'a> {
    pub(super) what: What<'a>,
    pub(super) at: Position,
    /// The anchor that stands before this node.
    pub(super) anchor: Option<usize>,
    /// Where the tag of this node begins.
    pub(super) tag_at: Option<Position>,
    /// The bytes of a scalar or alias as written, without tag and anchor. A block of lines begins with its `|` or `>`
    /// and may end with lines that are blank. Of anything else, where it begins.
    pub(super) range: Range<usize>,
    /// Where the node begins with its tag and its anchor, as far as they stand on its line.
    pub(super) begins: Position,
}

/// What the parser met.
pub(super) enum What<'a> {
    /// A document begins.
    Begin,
    /// A document ends.
    End,
    /// Text. `plain`: without quotes; `blank`: there is nothing at all, not even quotes.
    Scalar { text: Cow<'a, str>, plain: bool, blank: bool, tag: Tag },
    /// A list begins.
    List(Tag),
    /// A map begins.
    Map(Tag),
    /// The innermost list or map ends.
    Close,
    /// The node with that anchor, once more.
    Alias(usize),
}

/// A tag as written.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Tag {
    /// None.
    Absent,
    /// `!`: not to be resolved.
    Unresolved,
    /// One of the core schema.
    Core(Core),
    /// One of the four that steer a merge.
    Steering(layer::Tag),
    /// Any other.
    Unknown,
}

/// The tags of the core schema.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Core {
    Text,
    Integer,
    Float,
    Bool,
    Null,
    List,
    Map,
    /// `!!binary`, of YAML 1.1.
    Binary,
    /// `!!timestamp`, of YAML 1.1.
    Timestamp,
}

/// The events of a text.
pub(super) struct Events<'a> {
    text: &'a str,
    parser: Parser<'a, StrInput<'a>>,
    /// The open lists and maps, outermost first; true: a map.
    open: Vec<bool>,
    /// Where the last scalar or alias ends.
    past: usize,
}

impl<'a> Events<'a> {
    pub(super) fn of(text: &'a str, limits: &Limits) -> Self {
        // One more than our own limit, so that ours speaks first.
        let nesting = limits.depth.saturating_add(1);
        let options = options! { flow_nesting_limit: nesting, block_nesting_limit: nesting };
        Self { text, parser: Parser::new_from_str_with_options(text, options), open: Vec::new(), past: 0 }
    }

    /// The next event; `None` at the end of the text.
    ///
    /// # Errors
    /// If the text is not YAML, or is YAML that was surely not meant, such as `{cipher}` without quotes.
    pub(super) fn next(&mut self) -> Result<Option<Event<'a>>, Fault> {
        loop {
            let Some(next) = self.parser.next_event() else { return Ok(None) };
            let (parsed, span) = next.map_err(|error| mistake::syntax(self.text, &error))?;
            if let Some(event) = self.event(parsed, &span)? {
                return Ok(Some(event));
            }
        }
    }

    fn event(&mut self, parsed: Parsed<'a>, span: &Span) -> Result<Option<Event<'a>>, Fault> {
        let anchor = parsed.anchor_id();
        let tag_at = span.tag_start().as_ref().map(to_position);
        let mut at = to_position(&span.start);
        let mut range = start(span)..start(span);
        let before = self.past;
        let what = match parsed {
            Parsed::DocumentStart(..) => What::Begin,
            Parsed::DocumentEnd => What::End,
            Parsed::Scalar(text, style, _, tag) => {
                let blank = style == ScalarStyle::Plain && span.is_empty();
                let text = match style {
                    ScalarStyle::Plain if blank => Cow::Borrowed(""),
                    ScalarStyle::Literal | ScalarStyle::Folded => {
                        if let Some((place, offset)) = self.indicator(&text, span) {
                            (at, range.start) = (place, offset);
                        }
                        self.without_added_newline(text, span)
                    }
                    _ => text,
                };
                range.end = end(span).max(range.start);
                self.past = range.end;
                What::Scalar { text, plain: style == ScalarStyle::Plain, blank, tag: to_tag(tag.as_deref()) }
            }
            Parsed::SequenceStart(style, _, tag) => {
                if style == StructureStyle::Block {
                    at = self.dash(span, at);
                    mistake::refuse_tab_before(self.text, start(span), at)?;
                }
                self.open.push(false);
                What::List(to_tag(tag.as_deref()))
            }
            Parsed::MappingStart(style, _, tag) => {
                match style {
                    StructureStyle::Block => mistake::refuse_tab_before(self.text, start(span), at)?,
                    StructureStyle::Flow => mistake::refuse_unquoted(self.text, start(span), at)?,
                }
                self.open.push(true);
                What::Map(to_tag(tag.as_deref()))
            }
            Parsed::SequenceEnd | Parsed::MappingEnd => {
                self.open.pop();
                What::Close
            }
            Parsed::Alias(id) => {
                range.end = end(span).max(range.start);
                self.past = range.end;
                What::Alias(id)
            }
            _ => return Ok(None),
        };
        let is_blank = matches!(what, What::Scalar { blank: true, .. });
        let begins = self.begins(span, anchor.is_some());
        let begins = begins.or_else(|| self.after_indicator(span, before).filter(|_| is_blank)).unwrap_or(at);
        Ok(Some(Event { what, at, anchor, tag_at, range, begins }))
    }

    /// The place of the tag or the anchor before a node; `None` if there is neither.
    fn begins(&self, span: &Span, is_anchored: bool) -> Option<Position> {
        let tag = span.tag_start();
        let first = tag.as_ref().unwrap_or(&span.start);
        let before = &self.text[..first.byte_offset().filter(|_| is_anchored).unwrap_or(0)];
        let name = before.trim_end_matches([' ', '\t']);
        let token = name.rfind([' ', '\t', '\n']).map_or(0, |blank| blank + 1);
        let anchor = name[token..].rfind('&').map(|at| before[token + at..].chars().count());
        match anchor.and_then(|back| u32::try_from(back).ok()) {
            Some(back) => {
                let at = to_position(first);
                Some(Position::new(at.line, at.column.saturating_sub(back).max(1)))
            }
            None => tag.as_ref().map(to_position),
        }
    }

    /// The place right after the last `:` or `-` that stands between a byte and a node, comments aside.
    fn after_indicator(&self, span: &Span, from: usize) -> Option<Position> {
        let start = start(span);
        let end = start + usize::from(self.text[start..].starts_with(':'));
        let mut found = None;
        let mut is_comment = false;
        for (offset, byte) in self.text.as_bytes().get(from..end)?.iter().enumerate() {
            match byte {
                b'\n' => is_comment = false,
                b'#' => is_comment = true,
                b':' | b'-' if !is_comment => found = Some(from + offset + 1),
                _ => {}
            }
        }
        let found = found?;
        let line_start = self.text[..found].rfind('\n').map_or(0, |newline| newline + 1);
        let newlines = self.text[found..end].bytes().filter(|byte| *byte == b'\n').count();
        let column = self.text[line_start..found].chars().count();
        Some(scan::at(span.start.line().saturating_sub(1 + newlines), column))
    }

    /// The parser places a list that is indented no deeper than its key after its first dash.
    fn dash(&self, span: &Span, at: Position) -> Position {
        let before = &self.text[..start(span)];
        match before.trim_end_matches([' ', '\t']).strip_suffix('-') {
            Some(head) if self.open.last() == Some(&true) => {
                let back = u32::try_from(before.len() - head.len()).unwrap_or(0);
                Position::new(at.line, at.column.saturating_sub(back).max(1))
            }
            _ => at,
        }
    }

    /// The parser places a block scalar where its text begins; people look for its `|` or `>`. Its place and offset,
    /// unless the parser gives it because there is no text.
    fn indicator(&self, text: &str, span: &Span) -> Option<(Position, usize)> {
        let start = start(span);
        if text.bytes().all(|byte| byte == b'\n') && self.text[start..].starts_with(['|', '>']) {
            return None;
        }
        let above = self.text[..start].trim_end();
        let line_start = above.rfind('\n').map_or(0, |newline| newline + 1);
        // What stands before on the line may hold such a sign as well, in quotes.
        let from = line_start.max(self.past.min(above.len()));
        let header = &above[from..];
        let (offset, _) = header.char_indices().find(|(offset, _)| is_block_header(&header[*offset..]))?;
        let column = above[line_start..from + offset].chars().count();
        let newlines = self.text[above.len()..start].bytes().filter(|byte| *byte == b'\n').count();
        Some((scan::at(span.start.line().saturating_sub(1 + newlines), column), from + offset))
    }

    /// The text of a block scalar that the end of the file cut off before its line break has none.
    fn without_added_newline(&self, text: Cow<'a, str>, span: &Span) -> Cow<'a, str> {
        let cut_off = span.end.byte_offset() == Some(self.text.len())
            && self.text.rsplit('\n').next().is_some_and(|last_line| !last_line.trim().is_empty());
        match text.strip_suffix('\n') {
            Some(bare) if cut_off => Cow::Owned(bare.to_owned()),
            _ => text,
        }
    }
}

fn to_position(marker: &Marker) -> Position {
    scan::at(marker.line().saturating_sub(1), marker.col())
}

fn start(span: &Span) -> usize {
    span.start.byte_offset().unwrap_or(0)
}

fn end(span: &Span) -> usize {
    span.end.byte_offset().unwrap_or(0)
}

/// True for `|` or `>` with its indicators, and nothing but a comment after them.
fn is_block_header(text: &str) -> bool {
    let Some(rest) = text.strip_prefix(['|', '>']) else { return false };
    let rest = rest.trim_start_matches(|character: char| matches!(character, '+' | '-') || character.is_ascii_digit());
    rest.is_empty() || (rest.starts_with([' ', '\t']) && rest.trim_start().starts_with('#'))
}

fn to_tag(tag: Option<&granit_parser::Tag>) -> Tag {
    let Some(tag) = tag else { return Tag::Absent };
    match (tag.core_suffix(), tag.parts()) {
        (Some("str"), _) => Tag::Core(Core::Text),
        (Some("int"), _) => Tag::Core(Core::Integer),
        (Some("float"), _) => Tag::Core(Core::Float),
        (Some("bool"), _) => Tag::Core(Core::Bool),
        (Some("null"), _) => Tag::Core(Core::Null),
        (Some("seq"), _) => Tag::Core(Core::List),
        (Some("map"), _) => Tag::Core(Core::Map),
        (_, ("tag:yaml.org,2002:", "binary")) => Tag::Core(Core::Binary),
        (_, ("tag:yaml.org,2002:", "timestamp")) => Tag::Core(Core::Timestamp),
        (_, ("", "!") | ("!", "")) => Tag::Unresolved,
        (_, ("!", "append") | ("", "!append")) => Tag::Steering(layer::Tag::Append),
        (_, ("!", "prepend") | ("", "!prepend")) => Tag::Steering(layer::Tag::Prepend),
        (_, ("!", "replace") | ("", "!replace")) => Tag::Steering(layer::Tag::Replace),
        (_, ("!", "unset") | ("", "!unset")) => Tag::Steering(layer::Tag::Unset),
        _ => Tag::Unknown,
    }
}
