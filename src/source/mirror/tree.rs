//! From a commit's tree objects to the list of its files: which entries are files, where links lead, what is left out.
//!
//! Nothing is recursive and everything is bounded, because the objects come from whoever may push. Links are resolved
//! among the objects of the commit; the file system of this machine is not involved, and no file is inflated.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use git2::{ErrorCode, ObjectType, Odb, Oid, Repository};

use crate::config::tree::{BlobId, File, Skipped, Tree};
use crate::source::name::{self, MAX_DEPTH, MAX_HOPS, MAX_PATH};

/// The longest target of a link that is followed, in bytes, and the most segments in it.
const MAX_TARGET: usize = 1024;
const MAX_SEGMENTS: usize = 64;

/// The bits of a mode that tell the kind; early versions of Git wrote odd permissions for files.
const KIND: i32 = 0o170_000;
const FILE: i32 = 0o100_000;
const FOLDER: i32 = 0o040_000;
const LINK: i32 = 0o120_000;
const SUBMODULE: i32 = 0o160_000;

/// Lists commits of one repository, and remembers the folders that it has seen.
pub(in crate::source) struct Walker {
    max_entries: usize,
    listings: HashMap<Oid, Arc<[Entry]>>,
    remembered: usize,
}

/// Why a commit cannot be listed; continues "commit … of … ".
#[derive(Debug)]
pub(in crate::source) enum WalkError {
    NoFolder(String),
    TooManyEntries(usize),
    TooDeep(String),
    Damaged(git2::Error),
}

/// One entry of a folder; a folder's entries are in byte order of their names.
#[derive(Debug, Clone)]
struct Entry {
    name: Vec<u8>,
    kind: Kind,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    File(File),
    Folder(Oid),
    Link(Oid),
    Unservable(&'static str),
}

/// A folder that is still to be listed.
struct Pending {
    id: Oid,
    /// The path that its files are listed under.
    path: String,
    /// The path where the commit has it; another one below a linked folder.
    real: String,
    depth: usize,
    /// The real paths of the folders whose links were followed to come here.
    crossed: Vec<String>,
}

/// What a link leads to, or why it leads nowhere.
enum Target {
    File(File),
    Folder(Oid, String),
    Nothing(&'static str),
}

impl Walker {
    pub(in crate::source) fn new(max_entries: usize) -> Self {
        Self { max_entries, listings: HashMap::new(), remembered: 0 }
    }

    /// The files below the folder `root` of the tree `top`.
    pub(in crate::source) fn walk(
        &mut self,
        repository: &Repository,
        top: Oid,
        root: &[Arc<str>],
    ) -> Result<Tree, WalkError> {
        // Another process may have added packs since the repository was opened.
        let objects = repository.odb()?;
        let mut walk =
            Walk { objects: Objects { repository, objects, walker: self }, root: top, tree: Tree::default() };
        if !root.is_empty()
            && let Some(Kind::File(file)) = walk.objects.find(top, name::OWN_FILE.as_bytes())?
        {
            walk.tree.top = Some(file);
        }
        for segment in root {
            walk.root = match walk.objects.find(walk.root, segment.as_bytes())? {
                Some(Kind::Folder(id)) => id,
                _ => return Err(WalkError::NoFolder(root.join("/"))),
            };
        }
        walk.run()?;
        Ok(walk.tree)
    }
}

struct Walk<'a> {
    objects: Objects<'a>,
    root: Oid,
    tree: Tree,
}

impl Walk<'_> {
    fn run(&mut self) -> Result<(), WalkError> {
        let mut seen = 0;
        let first = Pending { id: self.root, path: String::new(), real: String::new(), depth: 0, crossed: Vec::new() };
        let mut pending = vec![first];
        while let Some(folder) = pending.pop() {
            let entries = self.objects.list(folder.id)?;
            seen += entries.len();
            if seen > self.objects.walker.max_entries {
                return Err(WalkError::TooManyEntries(self.objects.walker.max_entries));
            }
            for entry in entries.iter() {
                pending.extend(self.enter(&folder, entry)?);
            }
        }
        self.tree.skipped.sort_by(|a, b| a.path.cmp(&b.path));
        Ok(())
    }

    /// Takes one entry into the tree; a folder is returned to be listed later.
    fn enter(&mut self, folder: &Pending, entry: &Entry) -> Result<Option<Pending>, WalkError> {
        let name = match name::check(&entry.name) {
            Ok(name) if name::is_private(name) => return Ok(None),
            Ok(name) => name,
            Err(reason) => {
                self.skip(name::join(&folder.path, &String::from_utf8_lossy(&entry.name)), reason);
                return Ok(None);
            }
        };
        let path = name::join(&folder.path, name);
        if path.len() > MAX_PATH {
            self.skip(path.chars().take(80).collect(), "its path is longer than 1024 bytes");
            return Ok(None);
        }
        let (id, real, crossed) = match self.follow(folder, name, entry.kind)? {
            Target::File(file) => {
                self.add(path, file);
                return Ok(None);
            }
            Target::Nothing(reason) => {
                self.skip(path, reason);
                return Ok(None);
            }
            Target::Folder(id, real) if entry.kind == Kind::Folder(id) => (id, real, folder.crossed.clone()),
            Target::Folder(id, real) => {
                let mut crossed = folder.crossed.clone();
                crossed.push(folder.real.clone());
                if crossed.len() > MAX_HOPS || crossed.iter().any(|inner| name::encloses(&real, inner)) {
                    self.skip(path, "the link leads back to a folder that it is in, or through too many links");
                    return Ok(None);
                }
                (id, real, crossed)
            }
        };
        if folder.depth == MAX_DEPTH {
            return Err(WalkError::TooDeep(path));
        }
        Ok(Some(Pending { id, path, real, depth: folder.depth + 1, crossed }))
    }

    fn follow(&mut self, folder: &Pending, name: &str, kind: Kind) -> Result<Target, WalkError> {
        match kind {
            Kind::File(file) => Ok(Target::File(file)),
            Kind::Folder(id) => Ok(Target::Folder(id, name::join(&folder.real, name))),
            Kind::Unservable(reason) => Ok(Target::Nothing(reason)),
            Kind::Link(id) => self.resolve(&folder.real, id),
        }
    }

    /// Follows a link that stands in the folder `real`, never above the root.
    fn resolve(&mut self, real: &str, link: Oid) -> Result<Target, WalkError> {
        let mut place: Vec<(Vec<u8>, Oid)> = Vec::new();
        let mut steps: Vec<Vec<u8>> = Vec::new();
        if let Some(reason) = self.push_target(link, &mut steps)? {
            return Ok(Target::Nothing(reason));
        }
        steps.extend(real.split('/').rev().map(|step| step.as_bytes().to_vec()));
        let mut hops = 1;
        while let Some(step) = steps.pop() {
            let here = place.last().map_or(self.root, |(_, id)| *id);
            match step.as_slice() {
                b"" | b"." => continue,
                b".." if place.pop().is_none() => return Ok(Target::Nothing("the link leaves the root")),
                b".." => continue,
                _ => {}
            }
            match self.objects.find(here, &step)? {
                Some(Kind::Folder(id)) => place.push((step, id)),
                Some(Kind::File(file)) if steps.is_empty() => return Ok(Target::File(file)),
                Some(Kind::Link(_)) if hops == MAX_HOPS => {
                    return Ok(Target::Nothing("the link leads through more than 8 links"));
                }
                Some(Kind::Link(id)) => {
                    hops += 1;
                    if let Some(reason) = self.push_target(id, &mut steps)? {
                        return Ok(Target::Nothing(reason));
                    }
                }
                _ => return Ok(Target::Nothing("the link leads to nothing in this commit")),
            }
        }
        let real: Vec<_> = place.iter().map(|(name, _)| String::from_utf8_lossy(name)).collect();
        Ok(Target::Folder(place.last().map_or(self.root, |(_, id)| *id), real.join("/")))
    }

    /// Puts the segments of a link's target on top of `steps`, the first one last, or says why it is not followed.
    fn push_target(&self, link: Oid, steps: &mut Vec<Vec<u8>>) -> Result<Option<&'static str>, WalkError> {
        if self.objects.objects.read_header(link)?.0 > MAX_TARGET {
            return Ok(Some("the link's target is longer than 1024 bytes"));
        }
        let target = self.objects.objects.read(link)?;
        let segments: Vec<&[u8]> = target.data().split(|byte| *byte == b'/').collect();
        if target.data().starts_with(b"/") {
            return Ok(Some("the link is absolute"));
        }
        if segments.len() > MAX_SEGMENTS {
            return Ok(Some("the link's target has more than 64 segments"));
        }
        steps.extend(segments.iter().rev().map(|segment| segment.to_vec()));
        Ok(None)
    }

    fn add(&mut self, path: String, file: File) {
        if self.tree.files.contains_key(path.as_str()) {
            self.skip(path, "the folder has two entries of this name");
        } else {
            self.tree.files.insert(Arc::from(path), file);
        }
    }

    fn skip(&mut self, path: String, reason: &'static str) {
        self.tree.skipped.push(Skipped { path: Arc::from(path), reason });
    }
}

/// The folders of a repository, each read once.
struct Objects<'a> {
    repository: &'a Repository,
    objects: Odb<'a>,
    walker: &'a mut Walker,
}

impl Objects<'_> {
    fn list(&mut self, folder: Oid) -> Result<Arc<[Entry]>, WalkError> {
        if let Some(entries) = self.walker.listings.get(&folder) {
            return Ok(Arc::clone(entries));
        }
        let tree = self.repository.find_tree(folder)?;
        if tree.len() > self.walker.max_entries {
            return Err(WalkError::TooManyEntries(self.walker.max_entries));
        }
        let entries = tree.iter().map(|entry| self.read(&entry)).collect::<Result<Vec<_>, _>>();
        let mut entries = entries?;
        entries.sort_by(|a, b| a.name.cmp(&b.name));
        if self.walker.remembered > 2 * self.walker.max_entries {
            self.walker.listings.clear();
            self.walker.remembered = 0;
        }
        // The one is for the folder itself, so that empty folders count as well.
        self.walker.remembered += entries.len() + 1;
        let entries: Arc<[Entry]> = Arc::from(entries);
        self.walker.listings.insert(folder, Arc::clone(&entries));
        Ok(entries)
    }

    fn read(&self, entry: &git2::TreeEntry<'_>) -> Result<Entry, git2::Error> {
        let kind = match entry.filemode_raw() & KIND {
            FILE => match self.objects.read_header(entry.id())? {
                (size, ObjectType::Blob) => {
                    Kind::File(File { blob: BlobId(bytes(entry.id())), size: u64::try_from(size).unwrap_or(u64::MAX) })
                }
                _ => Kind::Unservable("it is no regular file"),
            },
            FOLDER => Kind::Folder(entry.id()),
            LINK => Kind::Link(entry.id()),
            SUBMODULE => Kind::Unservable("it is a submodule, and those are not fetched"),
            _ => Kind::Unservable("it is no regular file"),
        };
        Ok(Entry { name: entry.name_bytes().to_vec(), kind })
    }

    fn find(&mut self, folder: Oid, name: &[u8]) -> Result<Option<Kind>, WalkError> {
        let entries = self.list(folder)?;
        if name::check(name).is_err() {
            return Ok(None);
        }
        let found = entries.binary_search_by(|entry| entry.name.as_slice().cmp(name));
        Ok(found.ok().map(|index| entries[index].kind))
    }
}

impl From<git2::Error> for WalkError {
    fn from(error: git2::Error) -> Self {
        Self::Damaged(error)
    }
}

impl fmt::Display for WalkError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoFolder(path) => write!(out, "has no folder `{path}`\nhint: check the setting path of the source"),
            Self::TooManyEntries(limit) => {
                write!(out, "has more than {limit} files and folders\nhint: raise limits.files, or set path")
            }
            Self::TooDeep(path) => write!(out, "has more than {MAX_DEPTH} folders inside one another: `{path}`"),
            Self::Damaged(error) if error.code() == ErrorCode::NotFound => {
                write!(out, "is not whole in the mirror: {}", error.message())
            }
            Self::Damaged(error) => write!(out, "cannot be read: {}", error.message()),
        }
    }
}

/// The bytes of an object's id.
pub(in crate::source) fn bytes(id: Oid) -> [u8; 20] {
    id.as_bytes().try_into().expect("repositories of SHA-256 are not opened by this build of libgit2")
}

/// The id as libgit2 takes it.
pub(in crate::source) fn oid(id: [u8; 20]) -> Oid {
    Oid::from_bytes(&id).expect("an id of SHA-1 has twenty bytes")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::tests::{FILE, FOLDER, LINK, Origin, SUBMODULE, listing};

    fn walk(origin: &Origin, top: Oid, root: &[&str], max_entries: usize) -> String {
        let root: Vec<_> = root.iter().map(|segment| Arc::from(*segment)).collect();
        let walked = Walker::new(max_entries).walk(&origin.repository, top, &root);
        walked.map_or_else(|error| error.to_string(), |tree| listing(&tree))
    }

    #[test]
    fn files_are_listed_with_their_sizes_and_secrets_are_not() {
        let origin = Origin::new();
        let file = origin.blob("a: 1");
        let inner = origin.tree(&[(FILE, b".layerd-check.yaml", file), ("100755", b"b.yml", file)]);
        let top = origin.tree(&[
            (FILE, b".env", file),
            (FOLDER, b".github", inner),
            (FILE, b".layerd-check.yaml", file),
            (FOLDER, b"app", inner),
            ("100664", b"old.yml", file),
        ]);
        assert_eq!(
            walk(&origin, top, &[], 100),
            ".github/.layerd-check.yaml 4\n.github/b.yml 4\n.layerd-check.yaml 4\napp/.layerd-check.yaml 4\napp/b.yml 4\nold.yml 4\n"
        );
        assert_eq!(walk(&origin, top, &["app"], 100), ".layerd-check.yaml 4\nb.yml 4\n");
        assert_eq!(
            walk(&origin, top, &["app", "none"], 100),
            "has no folder `app/none`\nhint: check the setting path of the source"
        );
    }

    #[test]
    fn links_within_the_root_are_followed_and_others_are_not() {
        let origin = Origin::new();
        let file = origin.blob("a: 1");
        let link = |target: &str| origin.blob(target);
        let shared = origin.tree(&[
            (FILE, b"base.yml", file),
            (LINK, b"chain.yml", link("../alias.yml")),
            (LINK, b"up.yml", link("../../outside.yml")),
        ]);
        let root = origin.tree(&[
            (LINK, b"absolute.yml", link("/etc/passwd")),
            (LINK, b"alias.yml", link("./shared/../shared//base.yml")),
            (LINK, b"copy", link("shared")),
            (LINK, b"dangling.yml", link("shared/none.yml")),
            (LINK, b"file-as-folder.yml", link("alias.yml/x")),
            (LINK, b"git.yml", link(".git/config")),
            (LINK, b"self.yml", link("self.yml")),
            (FOLDER, b"shared", shared),
        ]);
        let top = origin.tree(&[(FILE, b"outside.yml", file), (FOLDER, b"root", root)]);
        assert_eq!(
            walk(&origin, top, &["root"], 100),
            "alias.yml 4\n\
             copy/base.yml 4\n\
             copy/chain.yml 4\n\
             shared/base.yml 4\n\
             shared/chain.yml 4\n\
             - absolute.yml: the link is absolute\n\
             - copy/up.yml: the link leaves the root\n\
             - dangling.yml: the link leads to nothing in this commit\n\
             - file-as-folder.yml: the link leads to nothing in this commit\n\
             - git.yml: the link leads to nothing in this commit\n\
             - self.yml: the link leads through more than 8 links\n\
             - shared/up.yml: the link leaves the root\n"
        );
    }

    #[test]
    fn linked_folders_that_hold_themselves_end() {
        let origin = Origin::new();
        let file = origin.blob("a: 1");
        let to = |target: &str| origin.blob(target);
        let a = origin.tree(&[(LINK, b"b", to("../b")), (FILE, b"x.yml", file)]);
        let b = origin.tree(&[(LINK, b"a", to("../a"))]);
        let top = origin.tree(&[(FOLDER, b"a", a), (FOLDER, b"b", b), (LINK, b"here", to("."))]);
        let back = "the link leads back to a folder that it is in, or through too many links";
        assert_eq!(
            walk(&origin, top, &[], 100),
            format!("a/x.yml 4\nb/a/x.yml 4\n- a/b/a: {back}\n- b/a/b: {back}\n- here: {back}\n")
        );
    }

    #[test]
    fn submodules_and_odd_names_are_left_out_with_a_reason() {
        let origin = Origin::new();
        let file = origin.blob("a: 1");
        let long = "l".repeat(1025);
        let top = origin.tree(&[
            (FILE, b"..", file),
            (FOLDER, b".GIT", origin.tree(&[(FILE, b"config", file)])),
            (FILE, b"a/b", file),
            (FILE, b"a\\b", file),
            (FILE, b"caf\xe9.yml", file),
            (FILE, long.as_bytes(), file),
            (SUBMODULE, b"module", file),
            (FILE, b"n\nl", file),
            (FILE, b"ok.yml", file),
            (FILE, b"ok.yml", origin.blob("twice")),
            ("10644", b"pipe", file),
        ]);
        assert_eq!(
            walk(&origin, top, &[], 100),
            format!(
                "ok.yml 4\n\
                 - ..: its name is a relative path\n\
                 - .GIT: nothing called .git is configuration\n\
                 - a/b: its name holds a slash or a backslash\n\
                 - a\\b: its name holds a slash or a backslash\n\
                 - caf\u{fffd}.yml: its name is not UTF-8\n\
                 - {}: its path is longer than 1024 bytes\n\
                 - module: it is a submodule, and those are not fetched\n\
                 - n\nl: its name holds a control character\n\
                 - ok.yml: the folder has two entries of this name\n\
                 - pipe: it is no regular file\n",
                "l".repeat(80)
            )
        );
    }

    #[test]
    fn bombs_of_folders_and_links_meet_a_limit() {
        let origin = Origin::new();
        let file = origin.blob("a: 1");
        let many = "has more than 1000 files and folders\nhint: raise limits.files, or set path";
        let mut doubled = origin.tree(&[(FILE, b"x.yml", file)]);
        let mut deep = doubled;
        for _ in 0..40 {
            doubled = origin.tree(&[(FOLDER, b"a", doubled), (FOLDER, b"b", doubled)]);
        }
        for _ in 0..70 {
            deep = origin.tree(&[(FOLDER, b"d", deep)]);
        }
        assert_eq!(walk(&origin, doubled, &[], 1000), many);
        let path = vec!["d"; 65].join("/");
        assert_eq!(walk(&origin, deep, &[], 1000), format!("has more than 64 folders inside one another: `{path}`"));
        let links: Vec<_> = (0..9).map(|level| origin.blob(&format!("../{}", level + 1))).collect();
        let folders: Vec<_> =
            links.iter().map(|link| origin.tree(&[(LINK, b"a", *link), (LINK, b"b", *link)])).collect();
        let names: Vec<_> = (0..9).map(|level| level.to_string()).collect();
        let entries: Vec<_> = names.iter().zip(&folders).map(|(name, id)| (FOLDER, name.as_bytes(), *id)).collect();
        assert_eq!(walk(&origin, origin.tree(&entries), &[], 1000), many);
    }

    #[test]
    fn a_commit_that_is_not_whole_is_an_error() {
        let origin = Origin::new();
        let gone = Oid::from_str("85e98d5a2f3b4c5d6e7f8091a2b3c4d5e6f70812").unwrap();
        for mode in [FILE, FOLDER, LINK] {
            let told = walk(&origin, origin.tree(&[(mode, b"a.yml", gone)]), &[], 100);
            assert!(told.starts_with("is not whole in the mirror: "), "{told}");
        }
        let nameless = origin.tree(&[(FILE, b"", origin.blob("a: 1"))]);
        assert_eq!(walk(&origin, nameless, &[], 100), "cannot be read: failed to parse tree: can't parse filename");
    }
}
