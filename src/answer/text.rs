//! Placeholders in a text that is no configuration, such as a template: filled from the merged whole.
//!
//! Each placeholder is resolved by itself, so that one that cannot be leaves all others as they should be.

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::Arc;

use crate::config::effective::Place;
use crate::config::interpolate::{Resolve, Resolver};
use crate::config::layer::{Body, Document, Layer};
use crate::config::problem::Position;
use crate::config::steering::Steering;
use crate::config::value::Value;
use crate::format::flat;

use super::{AnswerError, Selection};

/// What a placeholder begins with.
const OPEN: &str = "${";

/// A text with its placeholders filled.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Filled {
    /// The text.
    pub text: String,
    /// There are opened secrets in it.
    pub is_secret: bool,
}

/// Fills the placeholders of a text from a selection, defaults included; what cannot be filled stays. `\\${` becomes `${`.
///
/// # Errors
/// [`AnswerError::TooLarge`].
pub fn fill(selection: &Selection, text: &str) -> Result<Filled, AnswerError> {
    let effective = selection.effective();
    let layers =
        if selection.layers.is_empty() { Cow::Owned(vec![nobody()]) } else { Cow::Borrowed(&*selection.layers) };
    let mut resolver = Resolver::new(&effective, &layers, Resolve::All).within(selection.limit);
    let mut filled = Filled { text: String::with_capacity(text.len()), is_secret: false };
    let ends = ends(text);
    let mut at = 0;
    while let Some(start) = text[at..].find(OPEN).map(|start| at + start) {
        let literal = text[at..start].trim_end_matches('\\');
        filled.text.push_str(literal);
        let is_escaped = literal.len() < start - at;
        let Some(end) = ends.get(&start).filter(|_| !is_escaped) else {
            filled.text.push_str(OPEN);
            at = start + OPEN.len();
            continue;
        };
        filled.push(&resolver.value(&Arc::from(&text[start..*end]), Place { layer: 0, at: Position::default() }));
        at = *end;
    }
    filled.text.push_str(&text[at..]);
    resolver.result()?;
    Ok(filled)
}

impl Filled {
    fn push(&mut self, value: &Value) {
        match value {
            Value::Secret(secret) => {
                self.is_secret = true;
                self.text.push_str(secret.plain.expose());
            }
            value => self.text.push_str(&flat::text(value)),
        }
    }
}

/// Where each placeholder that has an end ends, those within it included.
fn ends(text: &str) -> HashMap<usize, usize> {
    let (mut ends, mut open) = (HashMap::new(), Vec::new());
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            b'$' if text[at..].starts_with(OPEN) => open.push(at),
            b'}' => ends.extend(open.pop().map(|start| (start, at + 1))),
            _ => {}
        }
    }
    ends
}

/// A layer for problems to name where there is none.
fn nobody() -> Layer {
    let document = Document { number: 0, root: Vec::new(), condition: None, steering: Steering::default() };
    let body = Body { documents: vec![document], faults: Vec::new() };
    Layer { path: Arc::from(""), body: Arc::new(body), index: 0 }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::{self, Format, Limits};

    fn filled(config: &str, text: &str) -> String {
        let body = Arc::new(format::read(Format::Yaml, config.as_bytes(), &Limits::default()));
        let layers: Vec<_> = (0..body.documents.len())
            .map(|index| Layer { path: Arc::from("a.yml"), body: Arc::clone(&body), index })
            .collect();
        let parts = vec![layers.len()];
        fill(
            &Selection {
                semantics: crate::config::semantics::Semantics::Native,
                layers,
                parts,
                limit: 16 << 20,
                fingerprint: Default::default(),
            },
            text,
        )
        .unwrap()
        .text
    }

    #[test]
    fn placeholders_are_filled_one_by_one_and_the_others_stay() {
        let config = "port: 80\nhost: h:${port}\non: true\nc: ${d}\nd: ${c}";
        assert_eq!(filled(config, "a ${host} ${port}${on} ${x:y:z} ${x:${port}} $x"), "a h:80 80true y:z 80 $x");
        assert_eq!(filled(config, "${missing} ${c} ${port"), "${missing} ${c} ${port");
        assert_eq!(filled(config, "\\${port} \\\\${port} x\\y"), "${port} ${port} x\\y");
        assert_eq!(filled("", "${a:b} ${a}"), "b ${a}");
    }

    #[test]
    fn a_text_of_nothing_but_openings_costs_no_more_than_its_length() {
        let text = "${".repeat(50_000);
        assert_eq!(filled("a: 1", &text), text);
    }
}
