//! Repositories in memory and questions in one line, for the tests of this room.

use std::collections::HashMap;
use std::sync::Arc;

use sha1::{Digest as _, Sha1};

use super::{Environment, Question, environment};
use crate::answer::AnswerError;
use crate::config::locations::Locations;
use crate::config::semantics::Semantics;
use crate::config::tree::{BlobId, CommitId, File, Tree};
use crate::snapshot::{Bodies, Rules, Secrets, Snapshot};

/// A snapshot of files, with search paths.
pub(super) fn snapshot(files: &[(&str, &str)], paths: &[&str]) -> Snapshot {
    let blob = |text: &str| BlobId(Sha1::digest(text).into());
    let blobs: HashMap<BlobId, &str> = files.iter().map(|(_, text)| (blob(text), *text)).collect();
    let file = |text: &str| File { blob: blob(text), size: text.len() as u64 };
    let files = files.iter().map(|(path, text)| (Arc::from(*path), file(text))).collect();
    let tree = Tree { files, ..Tree::default() };
    let rules = Rules { semantics: Semantics::Spring, locations: Locations::new(paths), ..Rules::default() };
    let read = |id: BlobId| Ok::<_, ()>(blobs[&id].as_bytes().to_vec());
    let secrets = Secrets::default();
    Snapshot::build((CommitId([0; 20]), 0), tree, (&rules, &secrets), &mut Bodies::default(), read).unwrap()
}

/// The environment of comma lists of applications and profiles.
pub(super) fn ask(snapshot: &Snapshot, applications: &str, profiles: &str) -> Result<Environment, AnswerError> {
    let list = |names: &str| names.split(',').map(Arc::from).collect();
    let question = Question { applications: list(applications), profiles: list(profiles), label: Arc::from("main") };
    environment(snapshot, &question)
}

/// The names of the sources, strongest first; or what is wrong.
pub(super) fn sources(snapshot: &Snapshot, applications: &str, profiles: &str) -> String {
    match ask(snapshot, applications, profiles) {
        Err(error) => error.to_string(),
        Ok(environment) => {
            let name = |source: &super::PropertySource| match source.document {
                None => source.file.to_string(),
                Some(number) => format!("{}#{number}", source.file),
            };
            environment.sources.iter().map(name).collect::<Vec<_>>().join(" ")
        }
    }
}
