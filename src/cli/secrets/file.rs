//! A configuration file on disk: its place in the repository, its scalars, and edits of some of them in one step.
//!
//! An edit that would change anything else, or make a sealed value stand where it cannot open, leaves the file alone.

use std::collections::HashMap;
use std::fs::{self, Permissions};
use std::io::{self, Read as _, Write as _};
use std::ops::Range;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use crate::config::key;
use crate::config::layer::{Data, Entry, Node};
use crate::config::select::{Rank, SHARED};
use crate::format::splice::{self, Kind, SpliceError, Spot};
use crate::format::{self, Format, Limits};
use crate::secret::error::OpenError;
use crate::secret::place::{Context, Place, bound_key};
use crate::secret::sealed::Sealed;
use crate::settings::Environment;
use crate::source::regular;

use super::super::console::{Exit, Failure, plain};
use super::root::{self, Rules};

/// A configuration file.
pub(in crate::cli) struct ConfigFile {
    /// Path from the root of the repository.
    pub(in crate::cli) path: String,
    on_disk: PathBuf,
    rank: Rank,
    format: Format,
    limits: Limits,
    bytes: Vec<u8>,
}

/// A sealed value of a file, or what begins as one and why it is none.
pub(in crate::cli) type SealedSpot = (Spot, Result<Sealed, OpenError>);

/// A text to put in the place of a scalar.
pub(in crate::cli) struct Edit {
    pub(in crate::cli) spot: Spot,
    pub(in crate::cli) text: String,
    /// What a sealed text is bound to; `None` if it is a plain one.
    pub(in crate::cli) context: Option<Context>,
}

impl ConfigFile {
    /// The file that an argument names.
    pub(in crate::cli) fn named(
        name: &str,
        root: Option<&str>,
        rules: impl FnOnce(&Path) -> Result<Rules, Failure>,
        environment: &Environment,
    ) -> Result<Self, Failure> {
        let (mut root, mut path) = root::of_file(name, root, environment)?;
        let rules = rules(&root)?;
        if !rules.path.is_empty() {
            root = root.join(&rules.path);
            path = root::within(&root, name, environment)?;
        }
        match Self::read(&root, &path, &rules) {
            Some(Ok(file)) => Ok(file),
            Some(Err(error)) => Err(Failure::new(Exit::Usage, format!("`{}` cannot be read: {error}", plain(name)))),
            None => {
                let root = root.to_string_lossy();
                let message =
                    format!("`{}` in `{}` is a file that no application is answered from", plain(&path), plain(&root));
                Err(Failure::new(Exit::Usage, message)
                    .with_hint("if the root of the configuration is elsewhere, name it with --root DIR, and shared folders with --search-paths DIR"))
            }
        }
    }

    /// The file at a path from the root; `None` if no application is answered from it.
    pub(super) fn read(root: &Path, path: &str, rules: &Rules) -> Option<io::Result<Self>> {
        let (rank, format) = rules.files.reading(path)?;
        let (on_disk, limits) = (root.join(path), rules.files.limits);
        let mut bytes = Vec::new();
        // One byte more than the readers take, so that they can say that this is too much.
        let most = limits.file as u64 + 1;
        let read = regular::open(&on_disk).and_then(|file| file.take(most).read_to_end(&mut bytes));
        Some(read.map(|_| Self { path: path.to_owned(), on_disk, rank, format, limits, bytes }))
    }

    /// The place of the value at a key.
    pub(in crate::cli) fn place<'a>(&'a self, key: &'a str) -> Place<'a> {
        Place::of(&self.rank, key)
    }

    /// What the file is for.
    pub(super) const fn rank(&self) -> &Rank {
        &self.rank
    }

    /// True if the file is for all applications.
    pub(in crate::cli) fn is_shared(&self) -> bool {
        self.rank.name.strip_prefix(SHARED).is_some_and(|rest| rest.is_empty() || rest.starts_with('-'))
    }

    /// All scalars of the file.
    pub(in crate::cli) fn scalars(&self) -> Result<Vec<Spot>, Failure> {
        splice::scalars(self.format, &self.bytes, &self.limits).map_err(|error| self.failure(&error))
    }

    /// The scalars at a key.
    pub(in crate::cli) fn find(&self, key: &str) -> Result<Vec<Spot>, Failure> {
        splice::find(self.format, &self.bytes, key, &self.limits).map_err(|error| self.failure(&error))
    }

    /// The sealed values of the file.
    pub(in crate::cli) fn sealed(&self) -> Result<Vec<SealedSpot>, Failure> {
        let spots = self.scalars()?.into_iter();
        Ok(spots.filter_map(|spot| Sealed::parse(&spot.text).map(|sealed| (spot, sealed))).collect())
    }

    /// What stands in the file at a scalar, character by character: the text that quotes and escapes stand for, and of
    /// anything else (`0042`, `1.10`, `True`) what is written, not the value that is read from it.
    pub(in crate::cli) fn written(&self, spot: &Spot) -> String {
        let written = self.bytes.get(spot.range.clone()).and_then(|bytes| std::str::from_utf8(bytes).ok());
        match written {
            Some(written) if !spot.is_text && matches!(spot.kind, Kind::Plain | Kind::JsonLiteral) => {
                written.to_owned()
            }
            _ => spot.text.clone(),
        }
    }

    /// The text of the file, as far as it is text.
    pub(super) fn text(&self) -> std::borrow::Cow<'_, str> {
        String::from_utf8_lossy(&self.bytes)
    }

    /// Writes the file with some scalars replaced, in one step.
    pub(in crate::cli) fn rewrite(&self, edits: &[Edit]) -> Result<(), Failure> {
        let texts: Vec<(Range<usize>, &str)> =
            edits.iter().map(|edit| (edit.spot.range.clone(), edit.text.as_str())).collect();
        let out =
            splice::splice(self.format, &self.bytes, &texts, &self.limits).map_err(|error| self.failure(&error))?;
        self.refuse_repeats(&out, edits)?;
        self.replace(&out)
            .map_err(|error| Failure::new(Exit::No, format!("`{}` cannot be written: {error}", plain(&self.path))))
    }

    /// Refuses what an alias or a merge key would repeat at a key where it does not open.
    fn refuse_repeats(&self, out: &[u8], edits: &[Edit]) -> Result<(), Failure> {
        let bound = edits.iter().filter(|edit| edit.context == Some(Context::Prop) && edit.spot.anchor.is_some());
        let bound: HashMap<&str, &Spot> = bound.map(|edit| (edit.text.as_str(), &edit.spot)).collect();
        if bound.is_empty() {
            return Ok(());
        }
        let mut repeated = None;
        let body = format::read(self.format, out, &self.limits);
        for document in &body.documents {
            visit(&document.root, "", &mut |path, text| {
                let spot = bound.get(text).filter(|spot| bound_key(&spot.key) != bound_key(path));
                repeated = repeated.take().or_else(|| spot.map(|spot| (path.to_owned(), spot.key.clone())));
            });
        }
        let Some((path, original)) = repeated else { return Ok(()) };
        let message = format!(
            "{}: `{path}` repeats `{original}` through an alias, and a value that is bound to one key does not open at the other",
            self.path
        );
        let hint = format!("write a value of its own at `{path}`, or bind it to the application with --context app");
        Err(Failure::new(Exit::No, plain(&message)).with_hint(plain(&hint)))
    }

    /// Puts a new file in the place of this one, with its mode.
    fn replace(&self, bytes: &[u8]) -> io::Result<()> {
        let folder = self.on_disk.parent().ok_or_else(|| io::Error::other("it is in no folder"))?;
        let mode = fs::metadata(&self.on_disk)?.permissions().mode() & 0o7777;
        let mut fresh = tempfile::Builder::new().prefix(".layerd-").tempfile_in(folder)?;
        fresh.write_all(bytes)?;
        fresh.as_file().set_permissions(Permissions::from_mode(mode))?;
        fresh.as_file().sync_all()?;
        if fs::read(&self.on_disk)? != self.bytes {
            return Err(io::Error::other("it was changed meanwhile"));
        }
        fresh.persist(&self.on_disk).map_err(|error| error.error)?;
        Ok(())
    }

    fn failure(&self, error: &SpliceError) -> Failure {
        let text = plain(&format!("{}: {error}", self.path));
        match text.split_once("\nhint: ") {
            Some((message, hint)) => Failure::new(Exit::No, message).with_hint(hint),
            None => Failure::new(Exit::No, text),
        }
    }
}

/// Calls `see` with the path and the text of every text in a document.
fn visit(entries: &[Entry], parent: &str, see: &mut dyn FnMut(&str, &str)) {
    for entry in entries {
        visit_node(&entry.node, &key::append(parent.to_owned(), entry.key.canonical()), see);
    }
}

fn visit_node(node: &Node, path: &str, see: &mut dyn FnMut(&str, &str)) {
    match &node.data {
        Data::Text(text) => see(path, text),
        Data::Map(entries) => visit(entries, path, see),
        Data::List(items) => {
            for (index, item) in items.iter().enumerate() {
                visit_node(item, &key::append_index(path.to_owned(), index), see);
            }
        }
        _ => {}
    }
}
