//! What must be on disk before anything else may rely on it: the packs of a fetch before the list of labels, the list
//! before its name.
//!
//! libgit2 syncs nothing that it fetches. A file that cannot be synced counts as lost, for the system may have dropped
//! its bytes and say nothing the next time; so it is removed, and fetched again.

use std::collections::HashSet;
use std::fs::{self, File};
use std::io::{self, Write as _};
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

/// The file that names the packs which are known to be on disk, so that they need not be synced at every fetch. If it is
/// lost, they are once more.
const SETTLED: &str = "settled";

/// How many folders above a mirror may have been made for it.
const ABOVE: usize = 3;

/// Waits until everything in a mirror that labels rely on is on disk; for a mirror that `is_new` also where it is.
///
/// # Errors
/// If something is not; what that is has been removed if it was a pack.
pub(super) fn settle(mirror: &Path, is_new: bool) -> io::Result<()> {
    settle_packs(mirror)?;
    let files = if is_new { &["shallow", "HEAD", "config"][..] } else { &["shallow"] };
    for path in files.iter().map(|name| mirror.join(name)).filter(|path| path.is_file()) {
        File::open(path)?.sync_all()?;
    }
    if is_new {
        sync_folder(&mirror.join("objects"))?;
        sync_folder(mirror)?;
        // These may be of others, who have seen to them.
        mirror.ancestors().skip(1).take(ABOVE).for_each(|above| drop(sync_folder(above)));
    }
    Ok(())
}

fn settle_packs(mirror: &Path) -> io::Result<()> {
    let folder = mirror.join("objects/pack");
    let settled = fs::read_to_string(mirror.join(SETTLED)).unwrap_or_default();
    let settled: HashSet<&str> = settled.lines().collect();
    let mut lines = String::new();
    for entry in fs::read_dir(&folder)? {
        let path = entry?.path();
        let Some(name) = path.file_name().and_then(|name| name.to_str()) else { continue };
        let file = File::open(&path)?;
        let line = format!("{} {name}", file.metadata()?.ino());
        if !settled.contains(&*line) {
            file.sync_all().inspect_err(|_| lose(&path))?;
        }
        lines += &line;
        lines.push('\n');
    }
    sync_folder(&folder)?;
    fs::write(mirror.join(SETTLED), lines)
}

/// Removes one half of a pack and the other.
fn lose(half: &Path) {
    ["idx", "pack"].iter().for_each(|extension| drop(fs::remove_file(half.with_extension(extension))));
}

/// Gives a file of a folder new content, whole and for good.
///
/// # Errors
/// If that cannot be made sure of; the content before is then in its place again.
pub(super) fn replace(folder: &Path, name: &str, content: &str) -> io::Result<()> {
    let [place, fresh, before] = ["", ".new", ".old"].map(|ending| folder.join(format!("{name}{ending}")));
    let mut file = File::create(&fresh)?;
    file.write_all(content.as_bytes())?;
    file.sync_all()?;
    drop(fs::remove_file(&before));
    let was_there = place.exists();
    let is_kept = was_there && fs::hard_link(&place, &before).is_ok();
    fs::rename(&fresh, &place)?;
    let synced = sync_folder(folder);
    match synced.is_err() {
        true if is_kept => drop(fs::rename(&before, &place)),
        true if !was_there => drop(fs::remove_file(&place)),
        // On a file system without links the new content stays, which is no less true.
        true => {}
        false => drop(fs::remove_file(&before)),
    }
    synced
}

fn sync_folder(folder: &Path) -> io::Result<()> {
    match File::open(folder)?.sync_all() {
        // Some file systems have nothing to sync in a folder.
        Err(error) if matches!(error.kind(), io::ErrorKind::InvalidInput | io::ErrorKind::Unsupported) => Ok(()),
        synced => synced,
    }
}

/// Reads all bytes of the packs. libgit2 maps them into memory, where a fault of the disk is the end of the process; here
/// it is an error, and what was read stays in memory.
///
/// # Errors
/// If some cannot be read.
pub(super) fn read_through(mirror: &Path) -> io::Result<()> {
    for entry in fs::read_dir(mirror.join("objects/pack"))? {
        let path = entry?.path();
        if path.is_file() {
            io::copy(&mut File::open(path)?, &mut io::sink())?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mirror() -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir_all(folder.path().join("objects/pack")).unwrap();
        for name in ["pack-1.pack", "pack-1.idx"] {
            fs::write(folder.path().join("objects/pack").join(name), name).unwrap();
        }
        folder
    }

    #[test]
    fn packs_that_are_settled_are_remembered_by_name_and_place() {
        let folder = mirror();
        let settled = || fs::read_to_string(folder.path().join(SETTLED)).unwrap();
        settle(folder.path(), true).unwrap();
        let first = settled();
        assert_eq!(first.lines().count(), 2);
        settle(folder.path(), false).unwrap();
        assert_eq!(settled(), first);
        let pack = folder.path().join("objects/pack/pack-1.pack");
        fs::copy(&pack, pack.with_extension("new")).unwrap();
        fs::rename(pack.with_extension("new"), &pack).unwrap();
        fs::write(folder.path().join(SETTLED), b"\0\xff\0").unwrap();
        settle(folder.path(), false).unwrap();
        assert_ne!(settled(), first, "another file of the same name");
        settle(&folder.path().join("none"), false).unwrap_err();
    }

    #[test]
    fn both_halves_of_a_lost_pack_go() {
        let folder = mirror();
        lose(&folder.path().join("objects/pack/pack-1.idx"));
        assert_eq!(fs::read_dir(folder.path().join("objects/pack")).unwrap().count(), 0);
    }

    #[test]
    fn content_is_replaced_whole_and_nothing_is_left_beside_it() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("labels.old"), "of a killed process").unwrap();
        for content in ["one", "two"] {
            replace(folder.path(), "labels", content).unwrap();
            assert_eq!(fs::read_to_string(folder.path().join("labels")).unwrap(), content);
            assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
        }
        replace(&folder.path().join("none"), "labels", "x").unwrap_err();
    }

    #[test]
    fn packs_are_read_to_their_ends() {
        let folder = mirror();
        read_through(folder.path()).unwrap();
        fs::remove_dir_all(folder.path().join("objects")).unwrap();
        read_through(folder.path()).unwrap_err();
    }
}
