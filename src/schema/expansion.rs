//! What compiling a schema takes, known before it is compiled: below `unevaluatedProperties` and `unevaluatedItems` the
//! compiler writes out every way that leads through references, so that two kilobytes can become gigabytes.

use std::collections::{HashMap, HashSet, VecDeque};

use crate::config::problem::{Fault, Problem};

use super::BROKEN;
use super::bundle::{Bundle, Sub};

/// The most bytes that one compiled schema takes, by this count.
pub(super) const MAX_BYTES: usize = 64 << 20;

/// The most schemas that are written out inside one another; each takes stack of whoever compiles.
const MAX_DEPTH: usize = 200;

/// What a compiled keyword takes besides its place and its value.
const KEYWORD: usize = 200;

/// About how many bytes compiling takes.
///
/// # Errors
/// A problem of the schema that is written out too often or too deep.
pub(super) fn bytes(bundle: &Bundle, limit: usize) -> Result<usize, Problem> {
    let mut count = Count {
        subs: &bundle.subs,
        places: HashMap::new(),
        compiled: HashSet::new(),
        open: VecDeque::new(),
        active: HashSet::new(),
        bytes: bundle.weight(),
        limit,
    };
    match count.all() {
        Ok(()) => Ok(count.bytes),
        Err(Excess { sub, is_deep }) => {
            let (path, at) = bundle.place_of(sub);
            let message = match is_deep {
                true => format!("more than {MAX_DEPTH} schemas stand inside one another when this one is written out"),
                false => format!("compiling the schema takes more than {} MiB from here on", limit >> 20),
            };
            let hint = "refer to fewer schemas from below `unevaluatedProperties` and `unevaluatedItems`, and from within \
                        one another";
            Err(Fault::warning(BROKEN, at, message).with_hint(hint).in_file(path))
        }
    }
}

/// Where counting stopped, and why.
struct Excess {
    sub: usize,
    is_deep: bool,
}

/// A place in the schema as it is written out.
#[derive(Clone, Copy)]
struct At {
    number: usize,
    length: usize,
    depth: usize,
}

/// Goes the way of the compiler, which compiles a schema once for each place and what is referred to once.
struct Count<'a> {
    subs: &'a [Sub],
    /// Numbers of the places, by the place around them and the schema.
    places: HashMap<(usize, usize), usize>,
    compiled: HashSet<(usize, usize)>,
    /// What was referred to and is not compiled yet.
    open: VecDeque<usize>,
    /// Those that are being written out.
    active: HashSet<usize>,
    bytes: usize,
    limit: usize,
}

/// Around the places that references lead to.
const NOWHERE: usize = usize::MAX;

impl Count<'_> {
    fn all(&mut self) -> Result<(), Excess> {
        self.open.push_back(0);
        while let Some(sub) = self.open.pop_front() {
            let number = self.place(NOWHERE, sub);
            self.compile(sub, At { number, length: self.subs[sub].pointer_length(), depth: 0 })?;
        }
        Ok(())
    }

    fn place(&mut self, around: usize, sub: usize) -> usize {
        let next = self.places.len();
        *self.places.entry((around, sub)).or_insert(next)
    }

    fn below(&mut self, at: At, sub: usize, length: usize) -> Result<At, Excess> {
        if at.depth >= MAX_DEPTH {
            return Err(Excess { sub, is_deep: true });
        }
        let number = self.place(at.number, sub);
        Ok(At { number, length: at.length + length + 1, depth: at.depth + 1 })
    }

    fn charge(&mut self, sub: usize, bytes: usize) -> Result<(), Excess> {
        self.bytes = self.bytes.saturating_add(bytes);
        if self.bytes > self.limit { Err(Excess { sub, is_deep: false }) } else { Ok(()) }
    }

    fn compile(&mut self, number: usize, at: At) -> Result<(), Excess> {
        if !self.compiled.insert((at.number, number)) {
            return Ok(());
        }
        let sub = &self.subs[number];
        self.charge(number, sub.keywords.saturating_add(1).saturating_mul(KEYWORD + at.length) + sub.weight)?;
        for part in &sub.parts {
            let place = self.below(at, part.sub, part.length)?;
            self.compile(part.sub, place)?;
        }
        self.open.extend(sub.refers.filter(|target| !self.places.contains_key(&(NOWHERE, *target))));
        (0..sub.unevaluated).try_for_each(|_| self.write_out(number, at))
    }

    /// What decides which members and items a schema has looked at.
    fn write_out(&mut self, number: usize, at: At) -> Result<(), Excess> {
        let sub = &self.subs[number];
        self.charge(number, KEYWORD + at.length + sub.weight)?;
        let is_first = self.active.insert(number);
        for part in &sub.parts {
            let place = self.below(at, part.sub, part.length)?;
            self.compile(part.sub, place)?;
            if part.is_same {
                self.write_out(part.sub, place)?;
            }
        }
        if let Some(target) = sub.refers
            && !self.active.contains(&target)
        {
            let place = At { depth: at.depth + 1, ..at };
            if place.depth > MAX_DEPTH {
                return Err(Excess { sub: target, is_deep: true });
            }
            self.write_out(target, place)?;
        }
        if is_first {
            self.active.remove(&number);
        }
        Ok(())
    }
}
