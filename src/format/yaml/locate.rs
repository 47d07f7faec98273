//! Where each scalar of a YAML file stands in its bytes, and the spelling of a text that takes its place.
//!
//! The events are the reader's. What a scalar means, and under which key it is served, is not looked at here.

use std::collections::HashMap;
use std::ops::Range;

use crate::config::problem::{Fault, Position};
use crate::format::Limits;
use crate::format::token::{Kind, Token, Tokens};

use super::events::{Event, Events, What};
use super::quote;

const BLANKS: [char; 2] = [' ', '\t'];

/// The values of a file that the reader takes, by place; keys are not among them.
///
/// # Errors
/// Those of the events.
pub(in crate::format) fn locate(text: &str, limits: &Limits) -> Result<Tokens, Fault> {
    let mut events = Events::of(text, limits);
    let mut walk = Walk { text, past: 0, open: Vec::new(), found: Vec::new(), anchors: Anchors::default() };
    while let Some(event) = events.next()? {
        walk.take(event);
    }
    let Walk { found, anchors, .. } = walk;
    let name = |token: Token, id| Token { anchor: anchors.name(id), ..token };
    Ok(found.into_iter().map(|(at, token, id)| (at, name(token, id))).collect())
}

/// The text in quotes on one line, which is the same inside and outside of brackets.
pub(in crate::format) fn spell(text: &str) -> String {
    quote::in_quotes(text)
}

struct Walk<'a> {
    text: &'a str,
    /// Where the last scalar or alias ends.
    past: usize,
    /// The open lists and maps, outermost first.
    open: Vec<Frame>,
    /// The values so far, each with the innermost anchor that it stands below.
    found: Vec<(Position, Token, Option<usize>)>,
    anchors: Anchors,
}

/// A list or map that is still open.
struct Frame {
    is_map: bool,
    /// Where the key stands whose value comes next.
    key: Option<Position>,
    /// The innermost anchor that the list or map stands below, its own included.
    anchor: Option<usize>,
}

/// What a node is to the list or map around it.
enum Role {
    Key,
    /// A value, with the place of its key if it has one.
    Value(Option<Position>),
}

impl Walk<'_> {
    fn take(&mut self, event: Event<'_>) {
        match event.what {
            What::Begin | What::End => {}
            What::Close => {
                self.open.pop();
            }
            What::List(_) => self.open(&event, false),
            What::Map(_) => self.open(&event, true),
            What::Alias(id) => {
                self.role(event.at);
                self.past = event.range.end;
                let name = self.text[event.range].trim_start_matches('*');
                self.anchors.aliased.entry(id).or_insert_with(|| name.to_owned());
            }
            What::Scalar { plain, blank, .. } => {
                let anchor = self.anchor(event.anchor);
                let past = std::mem::replace(&mut self.past, event.range.end);
                let Role::Value(key) = self.role(event.at) else { return };
                let at = key.filter(|_| blank).unwrap_or(event.at);
                let offset = event.range.start;
                let token = match key {
                    _ if !blank => written(self.text, event.range, plain),
                    _ if event.anchor.is_some() || event.tag_at.is_some() => absent(self.text, offset, " "),
                    Some(_) => after_key(self.text, offset),
                    None => after_dash(self.text, past.min(offset)..offset),
                };
                self.found.push((at, token, anchor));
            }
        }
    }

    fn open(&mut self, event: &Event<'_>, is_map: bool) {
        let anchor = self.anchor(event.anchor);
        self.role(event.at);
        self.open.push(Frame { is_map, key: None, anchor });
    }

    /// The innermost anchor that a node stands below, which is its own if it has one.
    fn anchor(&mut self, own: Option<usize>) -> Option<usize> {
        let above = self.open.last().and_then(|frame| frame.anchor);
        if let Some(id) = own {
            self.anchors.above.insert(id, above);
        }
        own.or(above)
    }

    fn role(&mut self, at: Position) -> Role {
        match self.open.last_mut() {
            Some(map) if map.is_map && map.key.is_none() => {
                map.key = Some(at);
                Role::Key
            }
            Some(frame) => Role::Value(frame.key.take()),
            None => Role::Value(None),
        }
    }
}

/// The anchors of a file, whose numbers are its own throughout its documents.
#[derive(Default)]
struct Anchors {
    /// The next anchor further out, of each.
    above: HashMap<usize, Option<usize>>,
    /// The names of those that an alias uses.
    aliased: HashMap<usize, String>,
}

impl Anchors {
    /// The name of the innermost anchor from `id` outwards that an alias uses.
    fn name(&self, id: Option<usize>) -> Option<String> {
        let outwards = std::iter::successors(id, |id| self.above.get(id).copied().flatten());
        outwards.into_iter().find_map(|id| self.aliased.get(&id).cloned())
    }
}

/// Where a value can be put that is not there: behind the colon of its key, or with a colon where there is none.
fn after_key(text: &str, offset: usize) -> Token {
    let rest = text[offset..].trim_start_matches(BLANKS);
    if rest.starts_with(':') {
        absent(text, text.len() - rest.len() + 1, " ")
    } else if rest.starts_with([',', '}', ']']) && !text[..offset].ends_with(':') {
        absent(text, offset, ": ")
    } else {
        absent(text, offset, " ")
    }
}

/// Where an item can be put that is not there: behind its dash, which is the last one outside of comments in a part of
/// the text that holds no other value.
fn after_dash(text: &str, part: Range<usize>) -> Token {
    let mut found = part.end;
    let mut start = part.start;
    for line in text[part].split_inclusive('\n') {
        let mut before = ' ';
        for (offset, character) in line.char_indices() {
            let is_alone = before.is_whitespace();
            match character {
                '#' if is_alone => break,
                '-' if is_alone && line[offset + 1..].chars().next().is_none_or(char::is_whitespace) => {
                    found = start + offset + 1;
                }
                _ => {}
            }
            before = character;
        }
        start += line.len();
    }
    // A comment keeps the blank before it.
    let rest = &text[found..];
    let blank = usize::from(rest.starts_with(' ') && !rest.starts_with(" #"));
    absent(text, found + blank, " ")
}

/// The place of a value that is not there; `lead` goes before it unless a blank stands there already.
fn absent(text: &str, offset: usize, lead: &'static str) -> Token {
    let lead = if text[..offset].ends_with(BLANKS) { lead.trim_start() } else { lead };
    Token { lead, ..Token::new(offset..offset, Kind::Absent) }
}

fn written(text: &str, range: Range<usize>, plain: bool) -> Token {
    let kind = match text.as_bytes().get(range.start) {
        _ if plain => Kind::Plain,
        Some(b'\'') => Kind::SingleQuoted,
        Some(b'|') => return block(text, range, Kind::Literal),
        Some(b'>') => return block(text, range, Kind::Folded),
        _ => Kind::DoubleQuoted,
    };
    Token::new(range, kind)
}

/// A block of lines: from its indicator to the end of its last line that is not blank. A comment beside the indicator
/// is no part of the value.
fn block(text: &str, range: Range<usize>, kind: Kind) -> Token {
    let start = range.start;
    let block = &text[range];
    let header = block.lines().next().unwrap_or_default().trim_end();
    let is_indicator = |character: char| matches!(character, '|' | '>' | '+' | '-' | '0'..='9');
    let comment = header.trim_start_matches(is_indicator);
    let mut length = header.len();
    let mut read = 0;
    for line in block.split_inclusive('\n') {
        if !line.trim_matches([' ', '\t', '\r', '\n']).is_empty() {
            length = read + line.trim_end_matches(['\r', '\n']).len();
        }
        read += line.len();
    }
    let keep = start + header.len() - comment.len()..start + header.len();
    Token { keep, ..Token::new(start..start + length, kind) }
}
