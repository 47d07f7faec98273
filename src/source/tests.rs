//! Repositories to test against, made object by object, so that they can hold what the Git program would refuse.

use std::path::PathBuf;

use git2::{ObjectType, Oid, Repository, Signature, Time};

use crate::config::tree::{CommitId, Tree};

pub(super) const FILE: &str = "100644";
pub(super) const LINK: &str = "120000";
pub(super) const FOLDER: &str = "40000";
pub(super) const SUBMODULE: &str = "160000";

/// A bare repository `config.git` in a folder of its own, with the branch `main` as its default.
pub(super) struct Origin {
    pub(super) folder: tempfile::TempDir,
    pub(super) repository: Repository,
}

impl Origin {
    pub(super) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let repository = Repository::init_bare(folder.path().join("config.git")).unwrap();
        repository.set_head("refs/heads/main").unwrap();
        Self { folder, repository }
    }

    pub(super) fn path(&self) -> PathBuf {
        self.folder.path().join("config.git")
    }

    pub(super) fn blob(&self, content: &str) -> Oid {
        self.repository.blob(content.as_bytes()).unwrap()
    }

    /// A folder with exactly these entries in exactly this order.
    pub(super) fn tree(&self, entries: &[(&str, &[u8], Oid)]) -> Oid {
        let mut bytes = Vec::new();
        for (mode, name, id) in entries {
            bytes.extend_from_slice(mode.as_bytes());
            bytes.push(b' ');
            bytes.extend_from_slice(name);
            bytes.push(0);
            bytes.extend_from_slice(id.as_bytes());
        }
        self.repository.odb().unwrap().write(ObjectType::Tree, &bytes).unwrap()
    }

    /// A commit of the tree whose parents are `parents`, on no branch.
    pub(super) fn commit_tree(&self, tree: Oid, parents: &[CommitId]) -> CommitId {
        let who = Signature::new("A", "a@example.org", &Time::new(1_700_000_000, 0)).unwrap();
        let tree = self.repository.find_tree(tree).unwrap();
        let parents: Vec<_> = parents.iter().map(|id| self.repository.find_commit(oid(*id)).unwrap()).collect();
        let parents: Vec<_> = parents.iter().collect();
        id(self.repository.commit(None, &who, &who, "x", &tree, &parents).unwrap())
    }

    /// A commit with one file in the root, which becomes the tip of `branch` and follows what was there.
    pub(super) fn commit(&self, branch: &str, file: &str, content: &str) -> CommitId {
        let tree = self.tree(&[(FILE, file.as_bytes(), self.blob(content))]);
        let name = format!("refs/heads/{branch}");
        let parent = self.repository.refname_to_id(&name).ok().map(id);
        let commit = self.commit_tree(tree, parent.as_slice());
        self.point(&name, oid(commit));
        commit
    }

    pub(super) fn point(&self, name: &str, id: Oid) {
        self.repository.reference(name, id, true, "").unwrap();
    }

    pub(super) fn delete(&self, name: &str) {
        self.repository.find_reference(name).unwrap().delete().unwrap();
    }

    /// An annotated tag object of whatever `target` is, without a ref.
    pub(super) fn annotate(&self, target: Oid) -> Oid {
        let who = Signature::new("A", "a@example.org", &Time::new(1_700_000_000, 0)).unwrap();
        let target = self.repository.find_object(target, None).unwrap();
        self.repository.tag_annotation_create("t", &target, &who, "m").unwrap()
    }
}

pub(super) fn oid(id: CommitId) -> Oid {
    Oid::from_bytes(&id.0).unwrap()
}

pub(super) fn id(oid: Oid) -> CommitId {
    CommitId(oid.as_bytes().try_into().unwrap())
}

/// The files of a tree and, after them, what it leaves out and why, one a line.
pub(super) fn listing(tree: &Tree) -> String {
    let files = tree.files.iter().map(|(path, file)| format!("{path} {}\n", file.size));
    let skipped = tree.skipped.iter().map(|skipped| format!("- {}: {}\n", skipped.path, skipped.reason));
    files.chain(skipped).collect()
}
