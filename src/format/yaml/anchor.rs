//! Anchors and aliases: what stood below an anchor is remembered as a recording and played again at each alias.
//!
//! Playing instead of cloning means that every rule and limit sees an aliased value where it lands, and that a file
//! which would expand without end is refused after a bounded number of steps.

use std::collections::HashMap;
use std::ops::Range;

use crate::config::layer::{Data, Tag};
use crate::config::problem::{Fault, Position};

/// Keys and values that aliases may add to a file in any case.
const FREE_NODES: usize = 10_000;
/// How many times as many as the file writes out they may add, beyond [`FREE_NODES`].
const FACTOR: usize = 10;
/// Keys and values that aliases may never add to a file.
const MOST_NODES: usize = 100_000;

/// One step of building a document, resolved, with its place.
#[derive(Clone)]
pub(super) enum Step {
    /// A key or a scalar value. `merges`: a plain `<<`, which as a key is a merge key.
    Scalar { data: Data, merges: bool, tag: Option<Tag> },
    /// A list begins.
    List(Option<Tag>),
    /// A map begins.
    Map(Option<Tag>),
    /// The innermost list or map ends.
    Close,
    /// What the anchor with this number holds.
    Alias(usize),
}

/// The anchors of a document, and what aliases have cost the file.
#[derive(Default)]
pub(super) struct Anchors {
    recording: Vec<(Step, Position)>,
    /// Where the finished anchors are in the recording.
    ranges: HashMap<usize, Range<usize>>,
    /// Anchors of lists and maps that are still open: number, depth at which they stand, start in the recording.
    open: Vec<(usize, usize, usize)>,
    /// Keys and values that the file writes out.
    written: usize,
    budget: Budget,
}

/// What aliases have added to the file so far.
#[derive(Default)]
struct Budget {
    nodes: usize,
    bytes: usize,
    /// The alias at which the free ones were used up.
    exceeded_at: Option<Position>,
}

impl Step {
    fn is_node(&self) -> bool {
        matches!(self, Self::Scalar { .. } | Self::List(_) | Self::Map(_))
    }
}

impl Anchors {
    /// Forgets the anchors, which belong to one document. The costs stay, which belong to the file.
    pub(super) fn begin_document(&mut self) {
        self.recording.clear();
        self.ranges.clear();
        self.open.clear();
    }

    /// Counts a step of the file itself and remembers it if an anchor needs it. `depth`: lists and maps open before it.
    pub(super) fn record(&mut self, step: &Step, at: Position, anchor: Option<usize>, depth: usize) {
        self.written += usize::from(step.is_node());
        if anchor.is_none() && self.open.is_empty() {
            return;
        }
        let start = self.recording.len();
        self.recording.push((step.clone(), at));
        match (step, anchor) {
            (Step::List(_) | Step::Map(_), Some(id)) => self.open.push((id, depth, start)),
            (Step::Scalar { .. }, Some(id)) => {
                self.ranges.insert(id, start..start + 1);
            }
            (Step::Close, _) => {
                if let Some((id, _, start)) = self.open.pop_if(|(_, opened_at, _)| *opened_at + 1 == depth) {
                    self.ranges.insert(id, start..self.recording.len());
                }
            }
            _ => {}
        }
    }

    /// Calls `play` with the steps that an alias at `at` stands for, aliases among them replaced.
    ///
    /// # Errors
    /// `alias-cycle`, `alias-bomb`, and those of `play`.
    pub(super) fn expand(
        &mut self,
        id: usize,
        at: Position,
        most_bytes: usize,
        mut play: impl FnMut(Step, Position) -> Result<(), Fault>,
    ) -> Result<(), Fault> {
        let mut playing = vec![self.range(id, at)?];
        while let Some(range) = playing.last_mut() {
            let Some(index) = range.next() else {
                playing.pop();
                continue;
            };
            let (step, place) = &self.recording[index];
            if let Step::Alias(id) = step {
                playing.push(self.range(*id, at)?);
                continue;
            }
            self.budget.charge(step, at, most_bytes)?;
            play(step.clone(), *place).map_err(|fault| in_alias(fault, at))?;
        }
        Ok(())
    }

    /// Refuses a file of which aliases have made much more than it writes.
    ///
    /// # Errors
    /// `alias-bomb`.
    pub(super) fn finish(&self) -> Result<(), Fault> {
        match self.budget.exceeded_at {
            Some(at) if self.budget.nodes > self.written.saturating_mul(FACTOR) => Err(bomb(
                at,
                format!("aliases make {} keys and values of the {} that the file has", self.budget.nodes, self.written),
            )),
            _ => Ok(()),
        }
    }

    fn range(&self, id: usize, at: Position) -> Result<Range<usize>, Fault> {
        // The parser refuses an alias without an anchor, so one without a range stands inside of its own anchor.
        self.ranges.get(&id).cloned().ok_or_else(|| {
            Fault::error("alias-cycle", at, "the alias stands inside the value that it names")
                .with_hint("name another anchor, or quote a value that begins with `*`")
        })
    }
}

impl Budget {
    fn charge(&mut self, step: &Step, at: Position, most_bytes: usize) -> Result<(), Fault> {
        self.nodes += usize::from(step.is_node());
        if let Step::Scalar { data: Data::Text(text), .. } = step {
            self.bytes = self.bytes.saturating_add(text.len());
        }
        if self.nodes > FREE_NODES {
            self.exceeded_at.get_or_insert(at);
        }
        if self.nodes > MOST_NODES {
            return Err(bomb(at, format!("aliases add more than {MOST_NODES} keys and values to the file")));
        }
        if self.bytes > most_bytes {
            return Err(bomb(at, format!("aliases add more than {most_bytes} bytes to the file")));
        }
        Ok(())
    }
}

fn bomb(at: Position, message: String) -> Fault {
    Fault::error("alias-bomb", at, message).with_hint("write the values out, or share fewer of them")
}

/// A fault in a value that an alias brings stands at the alias: where the value was written, it was right.
fn in_alias(fault: Fault, at: Position) -> Fault {
    Fault { at, message: format!("{} (in the value of this alias)", fault.message), ..fault }
}
