//! A disk that fails where and when a test says so, for a process that is told to use it.
//!
//! The C library is given other calls, made from `tests/fixtures/faults.c` by the compiler that the crate needs anyway.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use tempfile::TempDir;

/// The disk, at first in good health.
pub(crate) struct Faults {
    folder: TempDir,
}

impl Faults {
    pub(crate) fn new() -> Self {
        Self { folder: tempfile::tempdir().expect("a temporary folder can be made") }
    }

    /// The variables that put it in front of a process.
    pub(crate) fn variables(&self) -> [(&'static str, String); 3] {
        [("LD_PRELOAD", library()), ("FAULTS", &self.at("faults")), ("FAULTS_LOG", &self.at("log"))]
            .map(|(name, path)| (name, path.to_str().expect("temporary folders have names in UTF-8").to_owned()))
    }

    /// From now on a call (`fsync`, `read`, `open` or `write`) fails with this error if its path holds this text, or ends
    /// with it if a `$` follows.
    pub(crate) fn fail(&self, call: &str, error: rustix::io::Errno, part: &str) {
        fs::write(self.at("faults"), format!("{call} {} {part}\n", error.raw_os_error())).expect("it can be written");
    }

    /// From now on all goes well.
    pub(crate) fn recover(&self) {
        drop(fs::remove_file(self.at("faults")));
    }

    /// The syncs, renamings and links since the last time, one a line, without the folder that they all are in.
    pub(crate) fn log(&self, folder: &Path) -> Vec<String> {
        let log = fs::read_to_string(self.at("log")).unwrap_or_default();
        drop(fs::remove_file(self.at("log")));
        let folder = folder.to_str().expect("temporary folders have names in UTF-8");
        log.lines().map(|line| line.replace(&format!("{folder}/"), "").replace(folder, ".")).collect()
    }

    fn at(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }
}

fn library() -> &'static PathBuf {
    static LIBRARY: OnceLock<PathBuf> = OnceLock::new();
    LIBRARY.get_or_init(|| {
        let place = Path::new(env!("CARGO_TARGET_TMPDIR")).join("faults.so");
        let fresh = place.with_extension(std::process::id().to_string());
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/faults.c");
        let made =
            Command::new("cc").args(["-shared", "-fPIC", "-O1", "-o"]).arg(&fresh).arg(source).arg("-ldl").status();
        assert!(made.expect("there is a C compiler").success(), "faults.c cannot be compiled");
        // In one step, for other runs of the tests may be using it.
        fs::rename(fresh, &place).expect("a file in this folder can be renamed");
        place
    })
}
