//! Sealed values of a file, opened for the place that the file has: once, when a snapshot is built.
//!
//! Equal bytes in two places are opened apart, because most sealed values open in one place only. What becomes of a value
//! that does not open is a setting.

use std::sync::Arc;

use sha2::{Digest, Sha256};

use crate::config::key::{Key, append, append_index};
use crate::config::layer::{Body, Data, Document, Entry, Node};
use crate::config::problem::{Fault, Position};
use crate::config::secret_string::SecretString;
use crate::config::select::Rank;
use crate::config::semantics::Semantics;
use crate::config::value::Opened;
use crate::secret::error::OpenError;
use crate::secret::keyring::Keyring;
use crate::secret::place::Place;
use crate::secret::sealed::{self, Sealed};

/// What sealed values are opened with.
#[derive(Debug, Clone, Default)]
pub struct Secrets {
    /// The keys.
    pub ring: Arc<Keyring>,
    /// What becomes of a value that does not open.
    pub on_failure: OnFailure,
}

/// What becomes of a value that does not open.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum OnFailure {
    /// It is a fault of its file.
    #[default]
    Pin,
    /// Its key is served as `invalid.<key>` with the value `<n/a>`, as Spring does.
    Invalid,
    /// It is served as it is sealed, for clients that open it themselves.
    Leave,
    /// It is served without its `{cipher}`, as Spring does where invalid values keep their keys.
    Bare,
    /// Nothing is opened: every sealed value is served as it is, for clients that open it themselves.
    Sealed,
    /// Nobody is served: it is shown as an opened one is, and a fault of its file as far as it can be judged with the keys
    /// that are there. That there are none is none.
    Tell,
}

/// Equal for openings that give equal values: a digest of keys, place and setting.
pub type Stamp = [u8; 16];

/// What became of the sealed values of a file.
#[derive(Debug)]
pub struct Opening {
    /// The file as it was parsed.
    pub(super) sealed: Arc<Body>,
    /// The file with its values opened.
    pub(super) body: Arc<Body>,
    /// Equal for openings that give equal values of equal bytes.
    pub stamp: Stamp,
    /// How many values were opened.
    pub opened: usize,
    /// The values that were not.
    pub unopened: Vec<Unopened>,
}

/// A sealed value that did not open.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unopened {
    /// Dotted path with list indexes; of a very long one its beginning and its end.
    pub key: String,
    /// Where it stands.
    pub at: Position,
    /// Why.
    pub error: OpenError,
}

/// What is served in the place of a value that did not open, as Spring has it.
const NOT_AVAILABLE: &str = "<n/a>";

/// The most faults of one kind that are told of the sealed values of a file.
const TOLD: usize = 100;

/// The bytes of a long path that are shown, of its beginning and of its end.
const SHOWN: usize = 200;

/// True if a problem of that code is no fault of the file, but of the keys that this server has.
#[must_use]
pub fn is_about_keys(code: &str) -> bool {
    matches!(code, "keys-unavailable" | "cipher-unknown-key")
}

/// True if a problem of that code depends on the settings of this server: its keys and its limits.
#[must_use]
pub fn is_of_settings(code: &str) -> bool {
    is_about_keys(code) || matches!(code, "file-too-large" | "too-deep" | "too-many-documents" | "too-many-nodes")
}

/// True if there are sealed values in a body.
pub(super) fn is_sealed(body: &Body) -> bool {
    body.documents.iter().any(|document| document.root.iter().any(|entry| has_sealed(&entry.node)))
}

fn has_sealed(node: &Node) -> bool {
    match &node.data {
        Data::Text(text) => sealed::is_sealed(text),
        Data::List(items) => items.iter().any(has_sealed),
        Data::Map(entries) => entries.iter().any(|entry| has_sealed(&entry.node)),
        Data::Null | Data::Bool(_) | Data::Number(_) | Data::Secret(_) | Data::Foreign(_) => false,
    }
}

impl Secrets {
    /// Equal for keys and settings that open alike.
    pub(super) fn stamp(&self) -> Stamp {
        digest(&[self.ring.fingerprint().as_bytes(), &[self.on_failure as u8]])
    }
}

impl Opening {
    /// Opens the sealed values of a file with that rank.
    pub(super) fn new(sealed: Arc<Body>, rank: &Rank, semantics: Semantics, secrets: &Secrets) -> Self {
        let mut opener = Opener {
            rank,
            secrets,
            path: String::new(),
            opened: 0,
            unopened: Vec::new(),
            doubtful: Vec::new(),
            invalid: Vec::new(),
        };
        let documents = sealed.documents.iter().map(|document| match semantics {
            Semantics::Native => opener.document(document),
            Semantics::Spring => opener.flat_document(document),
        });
        let documents = documents.collect();
        let unopened = opener.unopened.iter().filter_map(|unopened| unopened.fault(secrets.on_failure));
        let doubtful = opener.doubtful.iter().map(|(key, bound, at)| doubtful_fault(key, bound, *at));
        let mut faults = sealed.faults.clone();
        faults.extend(first_of(unopened, "do not open"));
        faults.extend(first_of(doubtful, "are of version 1 and open in other places too"));
        let is_broken = secrets.on_failure == OnFailure::Pin && !opener.unopened.is_empty();
        let body = Body { documents: if is_broken { Vec::new() } else { documents }, faults };
        let (kind, name, profile) = rank.target.parts();
        let place = [&*rank.name, &rank.application, kind, name, profile].join("\0");
        let stamp = digest(&[&secrets.stamp(), place.as_bytes()]);
        let Opener { opened, unopened, .. } = opener;
        Self { sealed, body: Arc::new(body), stamp, opened, unopened }
    }

    /// How many sealed values there are.
    #[must_use]
    pub fn tried(&self) -> usize {
        self.opened + self.unopened.len()
    }
}

impl Unopened {
    fn fault(&self, on_failure: OnFailure) -> Option<Fault> {
        let message = format!("`{}`: {}", self.key, self.error);
        let fault = match (on_failure, &self.error) {
            (OnFailure::Tell, OpenError::NoKey { .. }) => return None,
            (OnFailure::Invalid | OnFailure::Leave | OnFailure::Bare | OnFailure::Sealed, _)
            | (OnFailure::Tell, OpenError::UnknownKey { .. }) => Fault::warning(self.error.code(), self.at, message),
            (OnFailure::Pin | OnFailure::Tell, _) => Fault::error(self.error.code(), self.at, message),
        };
        Some(fault.with_hint(self.error.hint()))
    }
}

/// The first faults of a file, and one that counts the others: a file with thousands of them tells no more by all of them,
/// and would cost whoever reads it as many lines.
fn first_of(faults: impl Iterator<Item = Fault>, what: &str) -> Vec<Fault> {
    let mut faults = faults.fuse();
    let mut first: Vec<Fault> = faults.by_ref().take(TOLD).collect();
    if let Some(next) = faults.next() {
        let more = 1 + faults.count();
        let values = if more == 1 { "value" } else { "values" };
        first.push(Fault { message: format!("{more} more sealed {values} of this file {what}"), ..next });
    }
    first
}

fn doubtful_fault(key: &str, bound: &str, at: Position) -> Fault {
    let message = format!(
        "`{key}` is sealed in version 1, which binds to `{bound}` as one text: it opens as well where that is read otherwise"
    );
    Fault::warning("cipher-doubtful", at, message)
        .with_hint("seal it anew with `layerd secrets rebind`, which writes version 2")
}

/// A path as it is told: one of 100 kB, repeated for each of the values below it, would be more than the file.
fn shown(path: &str) -> String {
    if path.len() <= 2 * SHOWN {
        return path.to_owned();
    }
    let (head, tail) = (path.floor_char_boundary(SHOWN), path.ceil_char_boundary(path.len() - SHOWN));
    format!("{}…{}", &path[..head], &path[tail..])
}

struct Opener<'a> {
    rank: &'a Rank,
    secrets: &'a Secrets,
    /// The path of the node that is looked at.
    path: String,
    opened: usize,
    unopened: Vec<Unopened>,
    /// Values of version 1 that open in other places too: key, what they are bound to, and where they stand.
    doubtful: Vec<(String, String, Position)>,
    /// Keys of the document that are to be told as invalid.
    invalid: Vec<(String, Position)>,
}

impl Opener<'_> {
    fn document(&mut self, document: &Document) -> Document {
        let mut root = self.entries(&document.root);
        root.extend(self.invalid.drain(..).map(|(key, at)| {
            let key = Key::new(&append("invalid".to_owned(), &key));
            Entry { key, at, node: Node { data: Data::Text(Arc::from(NOT_AVAILABLE)), at, tag: None } }
        }));
        Document { root, ..document.clone() }
    }

    /// A document of flat keys: those whose values were sealed move to the end, as Spring has them, and lose their place.
    fn flat_document(&mut self, document: &Document) -> Document {
        let (mut root, mut moved) = (Vec::new(), Vec::new());
        for entry in &document.root {
            let Data::Text(text) = &entry.node.data else {
                root.push(entry.clone());
                continue;
            };
            let is_sealed = text.starts_with(sealed::PREFIX);
            let opened = if is_sealed { self.text(text, entry.key.written(), entry.node.at) } else { None };
            let is_bare = self.secrets.on_failure == OnFailure::Bare;
            let displaced = |key, data| {
                let node = Node { data, at: Position::default(), tag: None };
                Entry { key, at: Position::default(), node }
            };
            match opened {
                None if is_sealed => {
                    let key = Key::whole(Arc::from(format!("invalid.{}", entry.key.written())));
                    moved.push(displaced(key, Data::Text(Arc::from(NOT_AVAILABLE))));
                }
                Some(data) if is_bare || matches!(data, Data::Secret(_)) => {
                    moved.push(displaced(entry.key.clone(), data));
                }
                _ => root.push(entry.clone()),
            }
        }
        self.invalid.clear();
        root.append(&mut moved);
        Document { root, ..document.clone() }
    }

    fn entries(&mut self, entries: &[Entry]) -> Vec<Entry> {
        let opened = entries.iter().filter_map(|entry| {
            let node = self.below(&entry.node, |path| append(path, entry.key.canonical()))?;
            Some(Entry { key: entry.key.clone(), at: entry.at, node })
        });
        opened.collect()
    }

    /// The node at a step below the path. The path is made longer and cut again: copied for each node, one long name
    /// would cost as many times its length as there are nodes below it.
    fn below(&mut self, node: &Node, step: impl FnOnce(String) -> String) -> Option<Node> {
        let length = self.path.len();
        self.path = step(std::mem::take(&mut self.path));
        let opened = self.node(node);
        self.path.truncate(length);
        opened
    }

    /// The node at the path with its values opened; `None` if its key is to be told as invalid.
    fn node(&mut self, node: &Node) -> Option<Node> {
        let data = match &node.data {
            Data::Text(text) if sealed::is_sealed(text) => {
                let path = std::mem::take(&mut self.path);
                let opened = self.text(text, &path, node.at);
                self.path = path;
                opened?
            }
            Data::List(items) => {
                let null = |at| Node { data: Data::Null, at, tag: None };
                let items = items.iter().enumerate();
                let items = items.map(|(index, item)| {
                    self.below(item, |path| append_index(path, index)).unwrap_or_else(|| null(item.at))
                });
                Data::List(items.collect())
            }
            Data::Map(entries) => Data::Map(self.entries(entries)),
            Data::Null | Data::Text(_) | Data::Bool(_) | Data::Number(_) | Data::Secret(_) | Data::Foreign(_) => {
                node.data.clone()
            }
        };
        Some(Node { data, at: node.at, tag: node.tag })
    }

    fn text(&mut self, text: &Arc<str>, path: &str, at: Position) -> Option<Data> {
        let place = Place::of(self.rank, path);
        let opened = match Sealed::parse(text) {
            Some(_) if self.secrets.on_failure == OnFailure::Sealed => return Some(Data::Text(Arc::clone(text))),
            None => return Some(Data::Text(Arc::clone(text))),
            Some(sealed) => sealed.and_then(|sealed| {
                if let Some(bound) = sealed.doubtful_text(&place) {
                    self.doubtful.push((shown(path), bound.to_owned(), at));
                }
                self.secrets.ring.open(&sealed, &place)
            }),
        };
        match opened {
            Ok(plain) => {
                self.opened += 1;
                Some(Data::Secret(Opened { sealed: Arc::clone(text), plain }))
            }
            Err(error) => {
                self.unopened.push(Unopened { key: shown(path), at, error });
                match self.secrets.on_failure {
                    OnFailure::Invalid => {
                        self.invalid.push((path.to_owned(), at));
                        None
                    }
                    OnFailure::Sealed => Some(Data::Text(Arc::clone(text))),
                    OnFailure::Bare => Some(Data::Text(Arc::from(text.strip_prefix(sealed::PREFIX).unwrap_or(text)))),
                    OnFailure::Tell => {
                        let plain = SecretString::new(text.to_string());
                        Some(Data::Secret(Opened { sealed: Arc::clone(text), plain }))
                    }
                    OnFailure::Pin | OnFailure::Leave => Some(Data::Text(Arc::clone(text))),
                }
            }
        }
    }
}

fn digest(parts: &[&[u8]]) -> Stamp {
    let mut digest = Sha256::new();
    parts.iter().for_each(|part| digest.update(part));
    let mut short = Stamp::default();
    short.copy_from_slice(&digest.finalize()[..16]);
    short
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::answer::{self, AnswerError, Spelling};
    use crate::config::address::Address;
    use crate::config::interpolate::Resolve;
    use crate::config::tree::{BlobId, CommitId, File, Tree};
    use crate::secret::key::{Key, KeyId};
    use crate::secret::place::Context;
    use crate::snapshot::{Bodies, Rules, Snapshot};

    /// A key made of a byte, and nonces of a counter.
    struct Vault(u8);

    impl Vault {
        fn ring(&self) -> Arc<Keyring> {
            let mut bytes = [0; 32];
            bytes.iter_mut().zip(0_u8..).for_each(|(byte, at)| *byte = self.0.wrapping_mul(31) ^ at.wrapping_mul(17));
            let key = (KeyId::new("one").unwrap(), Key::from_bytes(bytes).unwrap());
            Arc::new(Keyring::new(vec![key], None, None).unwrap())
        }

        fn secrets(&self, on_failure: OnFailure) -> Secrets {
            Secrets { ring: self.ring(), on_failure }
        }

        fn seal(&self, rank: &str, key: &str, plain: &str) -> String {
            let rank = Rank::named(rank, None);
            let place = Place::of(&rank, key);
            self.ring().seal(plain, Context::Prop, &place, [plain.len().try_into().unwrap_or(9); 24]).unwrap()
        }
    }

    fn build(files: &[(&str, String)], secrets: &Secrets, bodies: &mut Bodies) -> Snapshot {
        let blob = |text: &str| BlobId(sha2::Sha256::digest(text).as_slice()[..20].try_into().unwrap());
        let file = |text: &str| File { blob: blob(text), size: text.len() as u64 };
        let tree = Tree {
            files: files.iter().map(|(path, text)| (Arc::from(*path), file(text))).collect(),
            ..Tree::default()
        };
        let read = |id| {
            let text = files.iter().map(|(_, text)| text).find(|text| blob(text) == id);
            Ok::<_, ()>(text.unwrap().clone().into_bytes())
        };
        Snapshot::build((CommitId([1; 20]), 0), tree, (&Rules::default(), secrets), bodies, read).unwrap()
    }

    /// What `user` is answered, or the problems; opened secrets between `«»`.
    fn told(snapshot: &Snapshot) -> String {
        let address = Address::parse("user", None, None).unwrap();
        match answer::select(snapshot, &address) {
            Ok(selection) => {
                let spelled = answer::spell(&selection, &Spelling::default()).unwrap();
                let mark = if spelled.is_secret { "secret " } else { "" };
                format!("{mark}{}", String::from_utf8_lossy(&spelled.body))
            }
            Err(AnswerError::Broken(problems)) => problems.iter().map(|problem| format!("{problem}\n")).collect(),
            Err(error) => error.to_string(),
        }
    }

    #[test]
    fn sealed_values_are_served_open_in_maps_lists_and_under_dotted_keys() {
        let vault = Vault(1);
        let [a, b, c] =
            [("a.b", "one"), ("list[].x", "two"), ("d.e", "three")].map(|(key, text)| vault.seal("user", key, text));
        let text =
            format!("a: {{b: '{a}'}}\nlist: [{{x: '{b}'}}, plain]\nd.e: <cipher>{}</cipher>\n", &c["{cipher}".len()..]);
        let snapshot = build(&[("user.yml", text)], &vault.secrets(OnFailure::Pin), &mut Bodies::default());
        let expected = r#"secret {"a":{"b":"one"},"list":[{"x":"two"},"plain"],"d.e":"three"}"#;
        assert_eq!(told(&snapshot), expected);
        assert_eq!(snapshot.problems, []);
    }

    #[test]
    fn a_file_that_moves_to_the_folder_of_its_service_stays_open() {
        let vault = Vault(1);
        let text = format!("a: '{}'\n", vault.seal("user", "a", "x"));
        for path in ["user.yml", "user/application.yml", "user/user.yml"] {
            let snapshot = build(&[(path, text.clone())], &vault.secrets(OnFailure::Pin), &mut Bodies::default());
            assert_eq!(told(&snapshot), r#"secret {"a":"x"}"#, "{path}");
        }
    }

    #[test]
    fn bad_h08_a_value_copied_to_another_key_or_file_does_not_open() {
        let vault = Vault(1);
        let sealed = vault.seal("user", "db.password", "hunter2");
        let secrets = vault.secrets(OnFailure::Pin);
        let broken = |path: &str, text: String| told(&build(&[(path, text)], &secrets, &mut Bodies::default()));
        let hint = "hint: if its key or file was renamed, run `layerd secrets rebind`; if it was copied, seal it again for this place";
        assert_eq!(
            broken("user.yml", format!("ui.banner: '{sealed}'")),
            format!("user.yml:1:12: `ui.banner`: the sealed value does not open with key `one`\n{hint}\n")
        );
        assert_eq!(
            broken("application.yml", format!("db: {{password: '{sealed}'}}")),
            format!("application.yml:1:16: `db.password`: the sealed value does not open with key `one`\n{hint}\n")
        );
        let both = format!("a: &x '{sealed}'\ndb.password: *x\n");
        let snapshot = build(&[("user.yml", both)], &vault.secrets(OnFailure::Leave), &mut Bodies::default());
        assert_eq!(
            snapshot.openings().map(|(_, opening)| (opening.opened, opening.unopened.len())).collect::<Vec<_>>(),
            [(1, 1)]
        );
    }

    #[test]
    fn what_becomes_of_a_value_that_does_not_open_is_a_setting() {
        let (vault, other) = (Vault(1), Vault(2));
        let sealed = other.seal("user", "a.b", "x");
        let files = [
            ("application.yml", "a: {b: base}".to_owned()),
            ("user.yml", format!("a: {{b: '{sealed}', c: 1}}\nl: ['{sealed}']")),
        ];
        let told = |on_failure| told(&build(&files, &vault.secrets(on_failure), &mut Bodies::default()));
        assert_eq!(told(OnFailure::Leave), format!(r#"{{"a":{{"b":"{sealed}","c":1}},"l":["{sealed}"]}}"#));
        let invalid = r#"{"a":{"b":"base","c":1},"l":[null],"invalid.a.b":"<n/a>","invalid.l[0]":"<n/a>"}"#;
        assert_eq!(told(OnFailure::Invalid), invalid);
        assert!(
            told(OnFailure::Pin).starts_with("user.yml:1:8: `a.b`: the sealed value does not open with key `one`\n")
        );
    }

    #[test]
    fn what_is_only_told_is_hidden_and_a_fault_unless_it_is_the_key_that_is_missing() {
        let (vault, elsewhere) = (Vault(1), Vault(1).seal("user", "x", "x"));
        let told = |text: &str, ring: Arc<Keyring>| {
            let secrets = Secrets { ring, on_failure: OnFailure::Tell };
            let snapshot = build(&[("user.yml", text.to_owned())], &secrets, &mut Bodies::default());
            let problems = snapshot.problems.iter().map(|problem| format!("{:?} {}", problem.severity, problem.code));
            problems.collect::<Vec<_>>().join(" ")
        };
        let copied = format!("a: '{elsewhere}'");
        assert_eq!(told(&copied, vault.ring()), "Error cipher-auth");
        assert_eq!(told(&copied, Arc::default()), "");
        assert_eq!(told(&copied.replace("{key:one}", "{key:two}"), vault.ring()), "Warning cipher-unknown-key");
        assert_eq!(told("a: '{cipher}{v:1}{key:one}'", Arc::default()), "Error cipher-malformed");
        let secrets = Secrets { on_failure: OnFailure::Tell, ..Secrets::default() };
        let closed = format!("x: '{elsewhere}'\nurl: 'db:${{x}}'");
        let snapshot = build(&[("user.yml", closed)], &secrets, &mut Bodies::default());
        let selection = answer::select(&snapshot, &Address::parse("user", None, None).unwrap()).unwrap();
        let shown = crate::format::write(crate::format::Format::Json, &selection.value(Resolve::Known), false);
        assert_eq!(shown, r#"{"x":"***","url":"***"}"#);
    }

    #[test]
    fn without_the_key_it_is_no_fault_of_the_file() {
        let files = [("user.yml", format!("a: '{}'", Vault(1).seal("user", "a", "x")))];
        let snapshot = build(&files, &Secrets::default(), &mut Bodies::default());
        let codes: Vec<_> = snapshot.problems.iter().map(|problem| problem.code).collect();
        assert!(codes == ["keys-unavailable"] && codes.into_iter().all(is_about_keys), "{:?}", snapshot.problems);
    }

    #[test]
    fn what_a_placeholder_makes_of_a_secret_is_secret() {
        let vault = Vault(1);
        let sealed = vault.seal("user", "p", "hunter2");
        let text = format!(
            "p: '{sealed}'\nurl: 'db://u:${{p}}@h'\nsame: ${{p}}\nname: ${{${{p}}}}\nother: ${{x:${{p}}}}\nplain: a${{n}}\nn: 1\n"
        );
        let snapshot = build(&[("user.yml", text)], &vault.secrets(OnFailure::Pin), &mut Bodies::default());
        let selection = answer::select(&snapshot, &Address::parse("user", None, None).unwrap()).unwrap();
        let shown = |resolve| crate::format::write(crate::format::Format::Json, &selection.value(resolve), false);
        assert_eq!(
            shown(Resolve::All),
            r#"{"p":"***","url":"***","same":"***","name":"${${p}}","other":"***","plain":"a1","n":1}"#
        );
        let revealed =
            crate::format::write(crate::format::Format::Json, &selection.value(Resolve::All).revealed(), false);
        assert!(revealed.contains(r#""url":"db://u:hunter2@h","same":"hunter2""#), "{revealed}");
        let sealed_text =
            crate::format::write(crate::format::Format::Json, &selection.value(Resolve::All).sealed(), false);
        assert!(sealed_text.contains(&format!(r#""url":"db://u:{sealed}@h""#)), "{sealed_text}");
        let explained = format!("{:?}", answer::explain(&selection, Resolve::Known, None));
        assert!(!explained.contains("hunter2"), "{explained}");
    }

    #[test]
    fn bad_h18_opened_text_is_neither_opened_again_nor_searched_for_placeholders() {
        let vault = Vault(1);
        for plain in ["{cipher}abc", "${n}", "\"'}: {x"] {
            let text = format!("p: '{}'\nn: 1\n", vault.seal("user", "p", plain));
            let snapshot = build(&[("user.yml", text)], &vault.secrets(OnFailure::Pin), &mut Bodies::default());
            assert_eq!(told(&snapshot), format!("secret {}", serde_json::json!({"p": plain, "n": 1})));
        }
    }

    #[test]
    fn a_tag_tells_nothing_of_a_secret_and_changes_with_its_seal() {
        let vault = Vault(1);
        let etag = |plain: &str, nonce: u8| {
            let rank = Rank::named("user", None);
            let place = Place::of(&rank, "p");
            let sealed = vault.ring().seal(plain, Context::Prop, &place, [nonce; 24]).unwrap();
            let secrets = vault.secrets(OnFailure::Pin);
            let snapshot = build(&[("user.yml", format!("p: '{sealed}'"))], &secrets, &mut Bodies::default());
            let selection = answer::select(&snapshot, &Address::parse("user", None, None).unwrap()).unwrap();
            let spelled = answer::spell(&selection, &Spelling::default()).unwrap();
            let guess = answer::seal(crate::format::Format::Json, String::from_utf8(spelled.body.to_vec()).unwrap());
            assert_ne!(guess.etag, spelled.etag, "whoever guesses the body must not see that the guess is right");
            spelled.etag
        };
        assert_eq!(etag("a", 1), etag("a", 1));
        assert_ne!(etag("a", 1), etag("a", 2));
    }

    #[test]
    fn thousands_of_values_that_do_not_open_are_counted_and_cost_no_more_than_the_file() {
        let name = "n".repeat(100_000);
        let vault = Vault(1);
        for value in ["{cipher}x".to_owned(), vault.seal("user", "elsewhere", "x")] {
            let below: Vec<String> = (0..4_000).map(|number| format!("\"k{number}\": \"{value}\"")).collect();
            for on_failure in [OnFailure::Pin, OnFailure::Leave, OnFailure::Tell] {
                let files = [("user.json", format!("{{\"{name}\": {{{}}}}}", below.join(",")))];
                let snapshot = build(&files, &vault.secrets(on_failure), &mut Bodies::default());
                let messages: Vec<&str> = snapshot.problems.iter().map(|problem| problem.message.as_str()).collect();
                assert_eq!(messages.len(), TOLD + 1);
                assert_eq!(messages[TOLD], "3900 more sealed values of this file do not open");
                let (_, opening) = snapshot.openings().next().unwrap();
                assert_eq!((opening.opened, opening.unopened.len()), (0, 4_000));
                let told = messages.iter().map(|message| message.len());
                let kept = opening.unopened.iter().map(|unopened| unopened.key.len());
                assert!(
                    told.chain(kept).sum::<usize>() < 20 * files[0].1.len(),
                    "what is kept grows with the file only"
                );
            }
        }
    }

    #[test]
    fn a_value_of_version_1_that_opens_elsewhere_too_is_told() {
        let told = |path: &str, context: &str| {
            let value = format!("a: '{{cipher}}{{v:1}}{{key:one}}{{ctx:{context}}}{}'", "BwcH".repeat(24));
            let secrets = Secrets { on_failure: OnFailure::Tell, ..Secrets::default() };
            let snapshot = build(&[(path, value)], &secrets, &mut Bodies::default());
            snapshot.problems.iter().map(|problem| problem.code).collect::<Vec<_>>().join(" ")
        };
        for path in [
            "user-service.yml",
            "user-service/application.yml",
            "user/application-dev.yml",
            "application/application.yml",
        ] {
            assert_eq!(told(path, "prop"), "cipher-doubtful", "{path}");
            assert_eq!(told(path, "any"), "", "{path}");
        }
        for path in ["user.yml", "user/user.yml", "application.yml"] {
            assert_eq!(told(path, "prop") + &told(path, "app"), "", "{path}");
        }
        assert_eq!(told("user/application-dev.yml", "app"), "", "its application is beyond doubt");
        assert_eq!(told("user-dev.yml", "app"), "cipher-doubtful");
    }

    #[test]
    fn a_value_is_opened_once_however_many_commits_have_it() {
        let vault = Vault(1);
        let sealed = format!("p: '{}'", vault.seal("user", "p", "x"));
        let (mut bodies, secrets) = (Bodies::default(), vault.secrets(OnFailure::Pin));
        let first = build(&[("user.yml", sealed.clone())], &secrets, &mut bodies);
        let second = build(&[("user.yml", sealed.clone()), ("b.yml", "b: 1".to_owned())], &secrets, &mut bodies);
        assert_eq!((bodies.parsed, bodies.tried), (2, 1));
        let third = build(&[("user.yml", sealed.clone()), ("user/application.yml", sealed)], &secrets, &mut bodies);
        assert_eq!((bodies.parsed, bodies.tried), (2, 1), "two paths of one rank");
        let other = third.reopened(&Vault(2).secrets(OnFailure::Leave), &mut bodies);
        assert_eq!((bodies.parsed, bodies.tried), (2, 2), "other keys");
        assert_eq!(told(&first), told(&second));
        assert_ne!(told(&other), told(&first));
    }
}
