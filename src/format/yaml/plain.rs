//! The scalars of a YAML file that stand without quotes and without a tag: those whose meaning is a matter of schema.
//!
//! For whoever compares what the schemas of YAML 1.1 and 1.2 make of them. Aliases are not followed.

use crate::config::layer::Data;
use crate::config::problem::Position;
use crate::format::{Limits, scan};

use super::events::{Events, Tag, What};
use super::scalar;

/// Calls `found` with text, value and place of each, until the file ends or ceases to be YAML.
pub(in crate::format) fn plain_scalars(bytes: &[u8], limits: &Limits, mut found: impl FnMut(&str, &Data, Position)) {
    let Ok(text) = scan::text(bytes) else { return };
    let mut events = Events::of(text, limits);
    while let Ok(Some(event)) = events.next() {
        let What::Scalar { text, plain: true, blank: false, tag: Tag::Absent } = event.what else { continue };
        if let Ok(data) = scalar::resolve(&text, true, Tag::Absent, event.at) {
            found(&text, &data, event.at);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_has_neither_quotes_nor_tag_is_told() {
        let mut told = Vec::new();
        let text = "a: yes\nb: 'no'\nc: !!str on\nd: [1, \"2\", {e: 012}]\nf: |\n  off\ng:\nh: &x ~\ni: *x\n";
        plain_scalars(text.as_bytes(), &Limits::default(), |text, data, at| {
            if !matches!(data, Data::Text(_)) || text.len() > 1 {
                told.push(format!("{}:{} {text} {data:?}", at.line, at.column));
            }
        });
        let expected =
            ["1:4 yes Text(\"yes\")", "4:5 1 Number(Integer(1))", "4:17 012 Number(Integer(12))", "8:7 ~ Null"];
        assert_eq!(told, expected);
    }

    #[test]
    fn what_is_no_yaml_ends_the_list() {
        let mut count = 0;
        plain_scalars(b"a: 1\nb: [2", &Limits::default(), |_, _, _| count += 1);
        assert!(count <= 4);
        plain_scalars(b"\xff", &Limits::default(), |_, _, _| count = 100);
        assert!(count < 100);
    }
}
