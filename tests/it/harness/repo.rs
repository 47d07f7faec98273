//! A bare Git repository in a temporary folder, built commit by commit without a work tree.
//!
//! Trees are written object by object, so that names no Git client would create can be committed too. Author, dates and
//! messages are fixed: the same steps give the same commit ids on every machine.

use std::cell::{RefCell, RefMut};
use std::collections::{BTreeMap, HashMap};
use std::path::Path;

use git2::{ObjectType, Oid, Repository};
use tempfile::TempDir;

/// The first commit is made at this second (2026-01-01 00:00 UTC), each later one a minute after the one before.
const FIRST_SECOND: i64 = 1_767_225_600;

const FILE: &str = "100644";
const LINK: &str = "120000";
const SUBMODULE: &str = "160000";
const FOLDER: &str = "40000";

/// A repository that is deleted with the value. Edits gather on the current branch, at first `main`, until `commit`.
pub(crate) struct Repo {
    root: TempDir,
    git: Repository,
    state: RefCell<State>,
}

struct State {
    branch: String,
    files: Files,
    commits: HashMap<Oid, Files>,
    made: i64,
}

/// A folder: name to what has that name.
type Files = BTreeMap<Vec<u8>, Item>;

#[derive(Clone)]
enum Item {
    Leaf(&'static str, Oid),
    Folder(Files),
}

impl Repo {
    /// An empty repository whose remote HEAD is `main`.
    pub(crate) fn new() -> Self {
        let root = tempfile::tempdir().expect("a temporary folder can be made");
        let git = Repository::init_bare(root.path()).expect("a bare repository can be made");
        git.set_head("refs/heads/main").expect("HEAD can be set");
        let state = State { branch: "main".to_owned(), files: Files::new(), commits: HashMap::new(), made: 0 };
        Self { root, git, state: RefCell::new(state) }
    }

    /// A repository with one commit on `main` that has these files.
    pub(crate) fn with(files: &[(&str, &str)]) -> Self {
        let repo = Self::new();
        for (path, text) in files {
            repo.file(path, text);
        }
        repo.commit();
        repo
    }

    /// Writes a text file.
    pub(crate) fn file(&self, path: &str, text: &str) -> &Self {
        self.bytes(path, text.as_bytes())
    }

    /// Writes a file of any bytes.
    pub(crate) fn bytes(&self, path: &str, bytes: &[u8]) -> &Self {
        self.raw(&steps(path), bytes)
    }

    /// Writes a file whose path is exactly these steps, whatever they are: `..`, `.git`, a slash, no UTF-8.
    pub(crate) fn raw(&self, steps: &[&[u8]], bytes: &[u8]) -> &Self {
        self.put(steps, Item::Leaf(FILE, self.write(ObjectType::Blob, bytes)))
    }

    /// Makes a symbolic link.
    pub(crate) fn symlink(&self, path: &str, target: &str) -> &Self {
        self.put(&steps(path), Item::Leaf(LINK, self.write(ObjectType::Blob, target.as_bytes())))
    }

    /// Makes a submodule that points to a commit of some other repository.
    pub(crate) fn submodule(&self, path: &str, commit: &str) -> &Self {
        self.put(&steps(path), Item::Leaf(SUBMODULE, oid(commit)))
    }

    /// Deletes a file or a folder.
    pub(crate) fn delete(&self, path: &str) -> &Self {
        remove(&mut self.state().files, &steps(path));
        self
    }

    /// Commits the edits to the current branch, also if there are none; the id of the commit.
    pub(crate) fn commit(&self) -> String {
        let (files, made, branch) = {
            let state = self.state();
            (state.files.clone(), state.made, reference(&state.branch))
        };
        let tree = self.write_tree(&files);
        let parent = self.git.refname_to_id(&branch).map_or_else(|_| String::new(), |id| format!("parent {id}\n"));
        let who = signature(made);
        let text = format!("tree {tree}\n{parent}author {who}\ncommitter {who}\n\nChange {}\n", made + 1);
        let commit = self.write(ObjectType::Commit, text.as_bytes());
        self.point(&branch, commit);
        let mut state = self.state();
        state.made += 1;
        state.commits.insert(commit, files);
        commit.to_string()
    }

    /// Makes a branch at the current commit; the current branch stays what it is.
    pub(crate) fn branch(&self, name: &str) -> &Self {
        self.point(&reference(name), self.tip());
        self
    }

    /// Goes to another branch, leaving edits that were not committed. The first commit of a new one has no parent.
    pub(crate) fn on(&self, branch: &str) -> &Self {
        branch.clone_into(&mut self.state().branch);
        self.reload();
        self
    }

    /// Sets a branch to a commit, as a forced push does.
    pub(crate) fn force(&self, branch: &str, commit: &str) -> &Self {
        self.point(&reference(branch), oid(commit));
        self.reload();
        self
    }

    /// Deletes a branch.
    pub(crate) fn delete_branch(&self, name: &str) -> &Self {
        let mut found = self.git.find_reference(&reference(name)).expect("a test deletes only branches that it made");
        found.delete().expect("a branch can be deleted");
        self
    }

    /// Sets a lightweight tag to the current commit.
    pub(crate) fn tag(&self, name: &str) -> &Self {
        self.point(&format!("refs/tags/{name}"), self.tip());
        self
    }

    /// Sets an annotated tag, which is an object of its own, to the current commit.
    pub(crate) fn annotated_tag(&self, name: &str) -> &Self {
        let who = signature(0);
        let text = format!("object {}\ntype commit\ntag {name}\ntagger {who}\n\nRelease {name}\n", self.tip());
        self.point(&format!("refs/tags/{name}"), self.write(ObjectType::Tag, text.as_bytes()));
        self
    }

    /// Sets the branch that the remote calls its default.
    pub(crate) fn head(&self, branch: &str) -> &Self {
        self.git.set_head(&reference(branch)).expect("HEAD can be set");
        self
    }

    /// Where the repository is, as `--git` takes it.
    pub(crate) fn url(&self) -> &str {
        self.path().to_str().expect("temporary folders have UTF-8 names")
    }

    /// Where the repository is.
    pub(crate) fn path(&self) -> &Path {
        self.root.path()
    }

    fn state(&self) -> RefMut<'_, State> {
        self.state.borrow_mut()
    }

    fn tip(&self) -> Oid {
        let branch = reference(&self.state().branch);
        self.git.refname_to_id(&branch).expect("the current branch has a commit")
    }

    /// Takes the files of the current branch as they are committed.
    fn reload(&self) {
        let mut state = self.state();
        let tip = self.git.refname_to_id(&reference(&state.branch)).ok();
        state.files = tip.and_then(|tip| state.commits.get(&tip).cloned()).unwrap_or_default();
    }

    fn put(&self, steps: &[&[u8]], item: Item) -> &Self {
        insert(&mut self.state().files, steps, item);
        self
    }

    fn point(&self, reference: &str, target: Oid) {
        self.git.reference(reference, target, true, "test").expect("a reference can be written");
    }

    fn write(&self, kind: ObjectType, bytes: &[u8]) -> Oid {
        let objects = self.git.odb().expect("the object store can be opened");
        objects.write(kind, bytes).expect("an object can be written")
    }

    /// Writes a folder and those in it. Git sorts folders as if their names ended in a slash.
    fn write_tree(&self, files: &Files) -> Oid {
        let mut entries: Vec<(Vec<u8>, &[u8], &str, Oid)> = files
            .iter()
            .map(|(name, item)| match item {
                Item::Leaf(mode, id) => (name.clone(), name.as_slice(), *mode, *id),
                Item::Folder(below) => ([name, &b"/"[..]].concat(), name.as_slice(), FOLDER, self.write_tree(below)),
            })
            .collect();
        entries.sort_by(|left, right| left.0.cmp(&right.0));
        let mut bytes = Vec::new();
        for (_, name, mode, id) in entries {
            bytes.extend([mode.as_bytes(), b" ", name, b"\0", id.as_bytes()].concat());
        }
        self.write(ObjectType::Tree, &bytes)
    }
}

fn insert(files: &mut Files, steps: &[&[u8]], item: Item) {
    let (first, rest) = steps.split_first().expect("a path has at least one step");
    if rest.is_empty() {
        files.insert(first.to_vec(), item);
        return;
    }
    let below = files.entry(first.to_vec()).or_insert_with(|| Item::Folder(Files::new()));
    if let Item::Leaf(..) = below {
        *below = Item::Folder(Files::new());
    }
    if let Item::Folder(below) = below {
        insert(below, rest, item);
    }
}

/// Removes what is at the path, and folders that this leaves empty.
fn remove(files: &mut Files, steps: &[&[u8]]) {
    let (first, rest) = steps.split_first().expect("a path has at least one step");
    let emptied = match files.get_mut(*first).expect("a test deletes only what it made") {
        Item::Folder(below) if !rest.is_empty() => {
            remove(below, rest);
            below.is_empty()
        }
        _ => true,
    };
    if emptied {
        files.remove(*first);
    }
}

fn steps(path: &str) -> Vec<&[u8]> {
    path.split('/').map(str::as_bytes).collect()
}

fn reference(branch: &str) -> String {
    format!("refs/heads/{branch}")
}

fn oid(commit: &str) -> Oid {
    Oid::from_str(commit).expect("commit ids are 40 hexadecimal digits")
}

fn signature(made: i64) -> String {
    format!("Test Author <author@example.org> {} +0000", FIRST_SECOND + made * 60)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::Command;

    /// What the git command line says about the repository: it must accept what was built by hand.
    fn git(repo: &Repo, args: &[&str]) -> String {
        let output = Command::new("git").arg("-C").arg(repo.path()).args(args).output().unwrap();
        assert!(output.status.success(), "{output:?}");
        String::from_utf8(output.stdout).unwrap()
    }

    #[test]
    fn git_reads_what_was_committed() {
        let repo = Repo::with(&[("application.yml", "a: 1\n"), ("user-service/application.yml", "b: 2\n")]);
        repo.symlink("user-service.yml", "user-service/application.yml");
        repo.submodule("vendor", "1111111111111111111111111111111111111111").bytes("raw.bin", b"\xff").commit();
        assert_eq!(
            git(&repo, &["ls-tree", "-r", "main", "--format=%(objectmode) %(path)"]),
            "100644 application.yml\n100644 raw.bin\n120000 user-service.yml\n100644 user-service/application.yml\n\
             160000 vendor\n"
        );
        assert_eq!(git(&repo, &["log", "--format=%an %aI %s", "main"]).lines().count(), 2);
        git(&repo, &["fsck", "--strict"]);
    }

    #[test]
    fn the_same_steps_give_the_same_commit_id() {
        let build = || Repo::new().file("application.yml", "a: 1\n").commit();
        assert_eq!(build(), build());
        assert_eq!(build(), "a446d639e758cec9bb0a7a87744fe3e51bce5189");
    }

    #[test]
    fn a_deleted_file_takes_its_empty_folder_along() {
        let repo = Repo::with(&[("a/b/c.yml", ""), ("d.yml", "")]);
        repo.delete("a/b/c.yml").commit();
        assert_eq!(git(&repo, &["ls-tree", "--name-only", "main"]), "d.yml\n");
    }

    #[test]
    fn branches_tags_and_forced_pushes_move_as_told() {
        let repo = Repo::with(&[("a.yml", "1")]);
        let first = git(&repo, &["rev-parse", "main"]).trim().to_owned();
        repo.branch("release/1").tag("v1").annotated_tag("v1.0");
        repo.file("a.yml", "2").commit();
        assert_eq!(git(&repo, &["rev-parse", "release/1"]).trim(), first);
        assert_eq!(git(&repo, &["rev-parse", "v1.0^{commit}"]).trim(), first);
        assert_eq!(git(&repo, &["cat-file", "-t", "v1.0"]), "tag\n");
        repo.force("main", &first).file("b.yml", "3").commit();
        assert_eq!(git(&repo, &["show", "main:a.yml"]), "1");
        repo.on("orphan").file("c.yml", "").commit();
        assert_eq!(git(&repo, &["rev-list", "--count", "orphan"]), "1\n");
        repo.head("orphan").delete_branch("main").on("release/1");
        assert_eq!(
            git(&repo, &["for-each-ref", "--format=%(refname)", "refs/heads"]),
            "refs/heads/orphan\nrefs/heads/release/1\n"
        );
        assert_eq!(git(&repo, &["symbolic-ref", "HEAD"]), "refs/heads/orphan\n");
        assert!(repo.url().starts_with('/'));
    }

    #[test]
    fn names_that_no_client_would_create_can_be_committed() {
        let repo = Repo::new();
        repo.raw(&[b"..", b"application.yml"], b"a: 1").raw(&[b".git", b"config"], b"").raw(&[b"a/b"], b"");
        repo.raw(&[b"\xff.yml"], b"").commit();
        let tree = git(&repo, &["cat-file", "-p", "main^{tree}"]);
        let names: Vec<&str> = tree.lines().filter_map(|line| line.split('\t').nth(1)).collect();
        assert_eq!(names, ["..", ".git", "a/b", r#""\377.yml""#]);
    }
}
