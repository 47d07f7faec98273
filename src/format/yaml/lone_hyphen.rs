//! A hyphen alone between brackets, as in `[-, x]`: a value to SnakeYAML, a mistake to the parser that is used here.
//!
//! Before the text is parsed, another character takes the place of such hyphens, which the file does not have; in what
//! was read it becomes a hyphen again. Inside of quotes, comments and longer texts nothing else comes of it.

use std::borrow::Cow;

use crate::config::problem::Fault;

/// What may stand for a hyphen: characters that mean nothing to anybody.
const PRIVATE: std::ops::RangeInclusive<char> = '\u{f000}'..='\u{f0ff}';

/// The text with its lone hyphens replaced, and what stands for them; `None` if there are none.
pub(super) fn replaced(text: &str) -> (Cow<'_, str>, Option<char>) {
    let is_lone = |at: usize| {
        let (before, after) = (&text[..at], &text[at + 1..]);
        after.starts_with([',', ']', '}']) && before.ends_with(['[', '{', ',', ' ', '\t', '\n'])
    };
    let lone: Vec<usize> = text.match_indices('-').map(|(at, _)| at).filter(|at| is_lone(*at)).collect();
    let unused = || PRIVATE.into_iter().find(|character| !text.contains(*character));
    let Some(hyphen) = (!lone.is_empty()).then(unused).flatten() else { return (Cow::Borrowed(text), None) };
    let (mut out, mut done) = (String::with_capacity(text.len() + 2 * lone.len()), 0);
    for at in lone {
        out.push_str(&text[done..at]);
        out.push(hyphen);
        done = at + 1;
    }
    out.push_str(&text[done..]);
    (Cow::Owned(out), Some(hyphen))
}

/// A text that was read, with its hyphens.
pub(super) fn restored(text: Cow<'_, str>, hyphen: Option<char>) -> Cow<'_, str> {
    match hyphen {
        Some(hyphen) if text.contains(hyphen) => Cow::Owned(text.replace(hyphen, "-")),
        _ => text,
    }
}

/// A fault that quotes the text as it was written.
pub(super) fn mended(fault: Fault, hyphen: Option<char>) -> Fault {
    let Some(hyphen) = hyphen else { return fault };
    let mend = |text: String| text.replace(hyphen, "-");
    Fault { message: mend(fault.message), hint: fault.hint.map(mend), ..fault }
}
