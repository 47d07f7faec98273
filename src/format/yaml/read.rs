//! Documents with positions out of the events of a YAML file.
//!
//! One loop without recursion: an event becomes a resolved step, is remembered if an anchor needs it, and is put into
//! the document. Syntax, scalars, anchors and the shape of documents each have their own file.

use crate::config::layer::{self, Data, Node};
use crate::config::problem::{Fault, Position};
use crate::config::semantics::Semantics;
use crate::format::build::Builder;
use crate::format::{Limits, Raw, scan};

use super::anchor::{Anchors, Step};
use super::events::{Core, Event, Events, Tag, What};
use super::{lone_hyphen, scalar, spring_scalar};

/// Bytes that aliases may add to a file, for each value that `limits.nodes` allows.
const ALIAS_BYTES_PER_NODE: usize = 64;

/// The documents of a YAML file that are not empty, numbered from 0.
///
/// # Errors
/// The first fault of the file; none of its documents are served then.
pub(in crate::format) fn read(bytes: &[u8], limits: &Limits) -> Result<Vec<Raw>, Fault> {
    let mut documents: Vec<Raw> = Vec::new();
    load(scan::text(bytes)?, limits, Semantics::Native, None, |build| {
        if let Some(root) = build.finish()? {
            let number = u32::try_from(documents.len()).unwrap_or(u32::MAX);
            documents.push((number, root));
        }
        Ok(())
    })?;
    Ok(documents)
}

/// The documents of a YAML file as SnakeYAML reads them, whatever their roots are. A key that is no text stands in brackets.
///
/// # Errors
/// The first fault of the file.
pub(in crate::format) fn read_spring(bytes: &[u8], limits: &Limits) -> Result<Vec<Node>, Fault> {
    let mut roots = Vec::new();
    let text = scan::text_of_any_breaks(bytes)?;
    let (text, hyphen) = lone_hyphen::replaced(&text);
    load(&text, limits, Semantics::Spring, hyphen, |build| {
        roots.extend(build.take());
        Ok(())
    })
    .map_err(|fault| lone_hyphen::mended(fault, hyphen))?;
    Ok(roots)
}

/// Reads all documents, calling `finish` at the end of each.
fn load(
    text: &str,
    limits: &Limits,
    semantics: Semantics,
    hyphen: Option<char>,
    mut finish: impl FnMut(&mut Builder<'_>) -> Result<(), Fault>,
) -> Result<(), Fault> {
    let mut events = Events::of(text, limits);
    let mut loader =
        Loader { build: Builder::new(limits, semantics), anchors: Anchors::default(), limits, semantics, hyphen };
    let mut begun = 0;
    while let Some(event) = events.next()? {
        match event.what {
            What::Begin => {
                begun += 1;
                if begun > limits.documents {
                    return Err(too_many_documents(event.at, limits));
                }
                loader.anchors.begin_document();
            }
            What::End => finish(&mut loader.build)?,
            _ => loader.take(event)?,
        }
    }
    loader.anchors.finish()
}

fn too_many_documents(at: Position, limits: &Limits) -> Fault {
    let message = format!("the file has more documents than the {} of `limits.documents`", limits.documents);
    Fault::error("too-many-documents", at, message).with_hint("split the file")
}

struct Loader<'a> {
    build: Builder<'a>,
    anchors: Anchors,
    limits: &'a Limits,
    semantics: Semantics,
    /// What stands for a hyphen that is a value.
    hyphen: Option<char>,
}

impl Loader<'_> {
    fn take(&mut self, event: Event<'_>) -> Result<(), Fault> {
        let tag_at = event.tag_at;
        self.take_node(event).map_err(|fault| match (fault.code, tag_at) {
            ("unknown-tag" | "misplaced-tag", Some(at)) => Fault { at, ..fault },
            _ => fault,
        })
    }

    fn take_node(&mut self, event: Event<'_>) -> Result<(), Fault> {
        // SnakeYAML takes a value to begin with its tag or its anchor.
        let at = if self.semantics == Semantics::Spring { event.begins } else { event.at };
        let (step, at) = self.resolve(event.what, at)?;
        self.anchors.record(&step, at, event.anchor, self.build.depth());
        let semantics = self.semantics;
        let Step::Alias(id) = step else { return put(&mut self.build, step, at, semantics) };
        let is_key = self.build.expects_key();
        let most_bytes = self.limits.nodes.saturating_mul(ALIAS_BYTES_PER_NODE);
        self.build.mark_alias(true);
        let expanded = self.anchors.expand(id, at, most_bytes, |step, written_at| {
            put(&mut self.build, step, if is_key { at } else { written_at }, semantics)
        });
        self.build.mark_alias(false);
        expanded
    }

    fn resolve(&self, what: What<'_>, at: Position) -> Result<(Step, Position), Fault> {
        let is_spring = self.semantics == Semantics::Spring;
        Ok(match what {
            What::List(Tag::Steering(_)) | What::Map(Tag::Steering(_)) if is_spring => {
                return Err(scalar::unknown_tag(at));
            }
            What::Scalar { text, plain, tag, .. } if is_spring => {
                let text = lone_hyphen::restored(text, self.hyphen);
                let data = spring_scalar::resolve(&text, plain, tag, at)?;
                let merges = plain && tag == Tag::Absent && text == "<<";
                (Step::Scalar { data, merges, tag: None }, at)
            }
            What::Scalar { text, plain, blank, tag } => {
                let at = self.build.key_place().filter(|_| blank).unwrap_or(at);
                let data = scalar::resolve(&text, plain, tag, at)?;
                let merges = plain && tag == Tag::Absent && text == "<<";
                (Step::Scalar { data, merges, tag: steering(tag) }, at)
            }
            What::List(tag) => (Step::List(collection_tag(tag, Core::List, at)?), at),
            What::Map(tag) => (Step::Map(collection_tag(tag, Core::Map, at)?), at),
            What::Alias(id) => (Step::Alias(id), at),
            What::Begin | What::End | What::Close => (Step::Close, at),
        })
    }
}

fn put(build: &mut Builder<'_>, step: Step, at: Position, semantics: Semantics) -> Result<(), Fault> {
    if build.expects_key() {
        return match step {
            Step::Scalar { data, merges: false, .. } if semantics == Semantics::Spring => {
                build.key(&spring_scalar::key_text(&data, at)?, at)
            }
            Step::Scalar { data, merges, tag } => put_key(build, &data, merges, tag, at),
            Step::List(_) | Step::Map(_) => Err(complex_key(at)),
            Step::Close => build.close(),
            Step::Alias(_) => Ok(()),
        };
    }
    match step {
        Step::Scalar { data, tag, .. } => build.leaf(data, at, tag),
        Step::List(tag) => build.open_list(at, tag),
        Step::Map(tag) => build.open_map(at, tag),
        Step::Close => build.close(),
        Step::Alias(_) => Ok(()),
    }
}

fn put_key(
    build: &mut Builder<'_>,
    data: &Data,
    merges: bool,
    tag: Option<layer::Tag>,
    at: Position,
) -> Result<(), Fault> {
    if tag.is_some() {
        let fault = Fault::error("misplaced-tag", at, "a tag that steers a merge cannot stand before a key");
        return Err(fault.with_hint("put the tag before the value"));
    }
    if merges {
        return build.merge_key(at);
    }
    let text = scalar::key_text(data).ok_or_else(|| complex_key(at))?;
    build.key(&text, at)
}

fn complex_key(at: Position) -> Fault {
    Fault::error("complex-key", at, "a list or map cannot be a key").with_hint("quote the key if it is a text")
}

fn steering(tag: Tag) -> Option<layer::Tag> {
    match tag {
        Tag::Steering(tag) => Some(tag),
        Tag::Absent | Tag::Unresolved | Tag::Core(_) | Tag::Unknown => None,
    }
}

fn collection_tag(tag: Tag, own: Core, at: Position) -> Result<Option<layer::Tag>, Fault> {
    match tag {
        Tag::Core(core) if core != own => Err(scalar::mismatch(core, at)),
        Tag::Unknown => Err(scalar::unknown_tag(at)),
        other => Ok(steering(other)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::fixtures;

    fn code(text: &str) -> &'static str {
        read(text.as_bytes(), &Limits::default()).map_or_else(|fault| fault.code, |_| "valid")
    }

    fn lines(line: impl Fn(usize) -> String, count: usize) -> String {
        (0..count).map(line).collect()
    }

    #[test]
    fn every_fixture_reads_as_expected() {
        fixtures::check("yaml", "yml", read);
    }

    #[test]
    fn deep_nesting_ends_at_the_limit() {
        assert_eq!(code(&"[".repeat(100_000)), "too-deep");
        assert_eq!(code(&format!("a: {}{}", "[".repeat(10_000), "]".repeat(10_000))), "too-deep");
        assert_eq!(code(&"{a: ".repeat(10_000)), "too-deep");
        assert_eq!(code(&"- ".repeat(100_000)), "too-deep");
        assert_eq!(code(&"? ".repeat(20_000)), "complex-key");
        assert_eq!(code(&": ".repeat(20_000)), "too-deep");
        assert_eq!(code(&lines(|depth| format!("{}k:\n", " ".repeat(depth)), 1_000)), "too-deep");
    }

    #[test]
    fn nesting_up_to_the_limit_is_read() {
        let nested = |depth: usize| format!("a: {}{}", "[".repeat(depth), "]".repeat(depth));
        assert_eq!((code(&nested(63)), code(&nested(64))), ("valid", "too-deep"));
        let limits = Limits { depth: 300, ..Limits::default() };
        assert!(read(nested(299).as_bytes(), &limits).is_ok());
    }

    #[test]
    fn many_keys_are_read_and_one_given_twice_is_found() {
        let keys = lines(|number| format!("key{number}: {number}\n"), 100_000);
        assert_eq!(code(&keys), "valid");
        assert_eq!(code(&format!("{keys}key7: again\n")), "duplicate-key");
    }

    #[test]
    fn values_are_counted_over_all_documents() {
        let limits = Limits { nodes: 6, ..Limits::default() };
        let code = |text: &str| read(text.as_bytes(), &limits).map_or_else(|fault| fault.code, |_| "valid");
        assert_eq!(code("a: [1, 2]\n---\nb: 1\n"), "valid");
        assert_eq!(code("a: [1, 2]\n---\nb: 1\nc: 2\n"), "too-many-nodes");
        assert_eq!(code("a: &a [1, 2]\nb: *a\n"), "too-many-nodes");
    }

    #[test]
    fn aliases_may_add_ten_thousand_nodes_and_then_ten_times_what_is_written() {
        let shared = |items: usize, aliases: usize| {
            let list = "x, ".repeat(items);
            format!("a: &a [{list}]\nb: [{}]\n", "*a, ".repeat(aliases))
        };
        assert_eq!(code(&shared(99, 100)), "valid");
        assert_eq!(code(&shared(99, 101)), "alias-bomb");
        assert_eq!(code(&shared(1_999, 10)), "valid");
        assert_eq!(code(&shared(1_999, 11)), "alias-bomb");
        assert_eq!(code(&shared(9_999, 10)), "valid");
        assert_eq!(code(&shared(9_999, 11)), "alias-bomb");
    }

    #[test]
    fn a_long_text_may_not_be_shared_without_end() {
        let text = format!("a: &a {}\nb: [{}]\n", "x".repeat(50_000), "*a, ".repeat(5_000));
        assert_eq!(code(&text), "alias-bomb");
    }

    #[test]
    fn a_chain_of_merges_is_refused_early() {
        let chain =
            lines(|number| format!("a{}: &a{} {{<<: *a{number}, k{number}: 1}}\n", number + 1, number + 1), 3_000);
        assert_eq!(code(&format!("a0: &a0 {{k: 1}}\n{chain}")), "too-deep");
    }

    #[test]
    fn anchors_alone_cost_nothing() {
        assert_eq!(code(&lines(|number| format!("k{number}: &a{number} [x]\n"), 50_000)), "valid");
        assert_eq!(code(&format!("a: &{} x\n", "n".repeat(900_000))), "valid");
        let nested = format!("a: {}{}", "&a [".repeat(60), "]".repeat(60));
        assert_eq!(code(&nested), "valid");
    }

    #[test]
    fn pairs_as_keys_of_pairs_are_refused() {
        assert_eq!(code(&format!("a: {}", "[? ".repeat(5_000))), "complex-key");
        assert_eq!(code(&"{[a: ".repeat(5_000)), "too-deep");
    }
}
