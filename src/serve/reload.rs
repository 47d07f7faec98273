//! Exchanging the key ring while the server runs: on a signal, when a key file changes, and once a minute.
//!
//! A ring that cannot be made, or that is refused by whoever is to install it, changes nothing: the one in force stays, and
//! that is logged, counted and kept for the status. What installing means is not known here.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use prometheus_client::metrics::counter::Counter;
use prometheus_client::registry::Registry;
use tokio::sync::Notify;
use tracing::{error, info, warn};

use crate::secret::keyring::{Fingerprint, Keyring};
use crate::source::dir::watch::{self, Depth, Watch};

use crate::settings::keys::Loader;

/// Key files are looked at this often even if nothing tells of a change, because network file systems may not tell, and
/// because a ring that was refused may be welcome later.
const PERIOD: Duration = Duration::from_secs(60);

/// What the rest of the server has of the reloading: it can ask for it, and see how it stands. Clones are one handle.
#[derive(Debug, Clone, Default)]
pub struct Handle {
    /// Somebody asked for it, and wants to be told.
    asked: Arc<Notify>,
    /// Something changed.
    changed: Arc<Notify>,
    failures: Counter,
    fault: Arc<Mutex<Option<String>>>,
}

/// Makes a ring of the settings and puts it in the place of the one in force.
pub struct Reloader<Install> {
    loader: Loader,
    in_force: Fingerprint,
    install: Install,
    handle: Handle,
}

/// What came of a look at the key files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Looked {
    /// They make the ring that is in force.
    Same,
    /// A new ring is in force.
    Installed,
    /// The old ring stays, for this reason.
    Kept(String),
}

/// The folders that were watched, as they were then.
struct Watched {
    folders: Vec<Folder>,
    _guard: Option<Watch>,
}

/// A folder with its number, by which another one in its place is told from it.
type Folder = (PathBuf, u64, u64);

impl Handle {
    /// Adds the count of reloads that failed.
    pub fn register(&self, registry: &mut Registry) {
        let help = "Looks at the key files after which the keys in force had to stay";
        registry.register("layerd_key_reload_failures", help, self.failures.clone());
    }

    /// Has the key files looked at now, and the outcome logged.
    pub fn reload(&self) {
        self.asked.notify_one();
    }

    /// Why the keys in the files are not those in force; `None` if they are.
    #[must_use]
    pub fn fault(&self) -> Option<String> {
        self.fault.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Notes how it stands; true if that is another reason than before.
    fn note(&self, fault: Option<&str>) -> bool {
        let mut known = self.fault.lock().unwrap_or_else(PoisonError::into_inner);
        let is_new = known.as_deref() != fault;
        *known = fault.map(str::to_owned);
        is_new
    }
}

impl<Install: Fn(Keyring) -> Result<(), String>> Reloader<Install> {
    /// Goes on from the ring in force, which the loader has made. `install` puts another one in its place, or says why
    /// the one in force has to stay.
    pub fn new(loader: Loader, in_force: Fingerprint, install: Install, handle: Handle) -> Self {
        Self { loader, in_force, install, handle }
    }

    /// Looks at the key files, and installs what they make if it opens other values than the ring in force. A reason
    /// that stays is logged once, unless somebody asked.
    pub fn look(&mut self, is_asked: bool) -> Looked {
        let looked = self.exchange();
        let fault = if let Looked::Kept(reason) = &looked { Some(reason.as_str()) } else { None };
        let is_new = self.handle.note(fault);
        match &looked {
            Looked::Kept(reason) => {
                self.handle.failures.inc();
                if is_new || is_asked {
                    error!("the keys in force stay: {reason}");
                }
            }
            Looked::Installed => info!("new keys are in force"),
            Looked::Same if is_new => info!("the key files hold the keys in force again"),
            Looked::Same if is_asked => info!("the keys are those in force"),
            Looked::Same => {}
        }
        looked
    }

    fn exchange(&mut self) -> Looked {
        let ring = match self.loader.load() {
            Ok(ring) => ring,
            Err(error) => return Looked::Kept(error.to_string()),
        };
        let fingerprint = ring.fingerprint();
        if fingerprint == self.in_force {
            return Looked::Same;
        }
        match catch_unwind(AssertUnwindSafe(|| (self.install)(ring))) {
            Ok(Ok(())) => {
                self.in_force = fingerprint;
                Looked::Installed
            }
            Ok(Err(reason)) => Looked::Kept(reason),
            Err(_) => Looked::Kept("installing the new keys failed unexpectedly".to_owned()),
        }
    }

    fn folders(&self) -> Vec<Folder> {
        use std::os::unix::fs::MetadataExt as _;

        // Both where the file is named and where links lead to, because either may be exchanged.
        let real = self.loader.files().filter_map(|file| std::fs::canonicalize(file).ok());
        let named = self.loader.files().map(PathBuf::from);
        let parents = named.chain(real).filter_map(|file| std::fs::canonicalize(file.parent()?).ok());
        let identify = |folder: PathBuf| {
            let metadata = std::fs::metadata(&folder).ok()?;
            Some((folder, metadata.dev(), metadata.ino()))
        };
        let mut folders: Vec<Folder> = parents.filter_map(identify).collect();
        folders.sort_unstable();
        folders.dedup();
        folders
    }
}

impl Watched {
    fn of(folders: Vec<Folder>, changed: &Arc<Notify>) -> Self {
        let paths: Vec<PathBuf> = folders.iter().map(|(path, ..)| path.clone()).collect();
        let told = Arc::clone(changed);
        let guard = watch::watch(&paths, Depth::Entries, move || told.notify_one());
        let guard = guard.inspect_err(|error| warn!("changes of key files are seen once a minute only: {error}"));
        Self { folders, _guard: guard.ok() }
    }
}

/// Looks at the key files whenever there is a reason to, until it is dropped.
pub async fn run<Install>(reloader: Reloader<Install>)
where
    Install: Fn(Keyring) -> Result<(), String> + Send + 'static,
{
    let handle = reloader.handle.clone();
    let (mut reloader, mut watched, mut is_asked) = (reloader, None::<Watched>, false);
    loop {
        let looked = tokio::task::spawn_blocking(move || {
            // Watched first, so that nothing happens unseen between the two.
            let folders = reloader.folders();
            if watched.as_ref().is_none_or(|watched| watched.folders != folders) {
                watched = Some(Watched::of(folders, &reloader.handle.changed));
            }
            reloader.look(is_asked);
            (reloader, watched)
        });
        let Ok(back) = looked.await else {
            return error!("the key files cannot be looked at any more");
        };
        (reloader, watched) = back;
        is_asked = tokio::select! {
            () = handle.asked.notified() => true,
            () = handle.changed.notified() => false,
            () = tokio::time::sleep(PERIOD) => false,
        };
    }
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;
    use std::fs;

    use super::*;
    use crate::settings::keys::tests::{Folder as KeyFolder, key_of};

    const PATIENCE: Duration = Duration::from_secs(20);

    /// A reloader of the key `a` in a file, which installs nothing in truth.
    fn start<Install>(keys: &KeyFolder, install: Install) -> (Reloader<Install>, Handle)
    where
        Install: Fn(Keyring) -> Result<(), String>,
    {
        let mut loader = Loader::new(keys.settings.clone());
        let (in_force, handle) = (loader.load().unwrap().fingerprint(), Handle::default());
        (Reloader::new(loader, in_force, install, handle.clone()), handle)
    }

    #[test]
    fn equal_keys_install_nothing_and_others_are_installed_once() {
        let keys = KeyFolder::new().file("a", &key_of(1));
        let installed = RefCell::new(Vec::new());
        let (mut reloader, handle) = start(&keys, |ring| {
            installed.borrow_mut().push(ring.fingerprint());
            Ok(())
        });
        assert_eq!(reloader.look(false), Looked::Same);
        keys.write("a", &format!("{}\n", key_of(1)));
        assert_eq!(reloader.look(true), Looked::Same);
        keys.write("a", &key_of(2));
        assert_eq!([reloader.look(false), reloader.look(false)], [Looked::Installed, Looked::Same]);
        let expected = Loader::new(keys.settings.clone()).load().unwrap().fingerprint();
        assert_eq!(*installed.borrow(), [expected]);
        assert_eq!((handle.failures.get(), handle.fault()), (0, None));
    }

    #[test]
    fn keys_that_cannot_be_read_leave_the_old_ones_in_force_until_they_can() {
        let keys = KeyFolder::new().file("a", &key_of(1));
        let (mut reloader, handle) = start(&keys, |_| panic!("nothing is to be installed"));
        let path = keys.path("a");
        fs::remove_file(&path).unwrap();
        let told = format!(
            "`secrets.keys[0].file`: `{}` cannot be read: No such file or directory (os error 2)",
            path.display()
        );
        assert_eq!(reloader.look(false), Looked::Kept(told.clone()));
        assert_eq!(handle.fault(), Some(told));
        keys.write("a", "layerdkey_x");
        let told = format!(
            "`secrets.keys[0].file`: `{}` cannot be used: the key has 1 characters after `layerdkey_`, where 48 are \
             expected\nhint: copy the key anew",
            path.display()
        );
        assert_eq!(reloader.look(false), Looked::Kept(told.clone()));
        assert_eq!((handle.failures.get(), handle.fault()), (2, Some(told)));
        keys.write("a", &key_of(1));
        assert_eq!(reloader.look(false), Looked::Same);
        assert_eq!((handle.failures.get(), handle.fault()), (2, None));
    }

    #[test]
    fn a_ring_that_would_close_what_is_open_is_offered_again_at_every_look() {
        let keys = KeyFolder::new().file("a", &key_of(1));
        let offers = RefCell::new(0);
        let (mut reloader, handle) = start(&keys, |_| {
            *offers.borrow_mut() += 1;
            if *offers.borrow() < 3 { Err("key `a` is in use".to_owned()) } else { Ok(()) }
        });
        keys.write("a", &key_of(2));
        let kept = || Looked::Kept("key `a` is in use".to_owned());
        assert_eq!([reloader.look(false), reloader.look(false)], [kept(), kept()]);
        assert_eq!((handle.failures.get(), handle.fault().as_deref()), (2, Some("key `a` is in use")));
        assert_eq!([reloader.look(false), reloader.look(false)], [Looked::Installed, Looked::Same]);
        assert_eq!((*offers.borrow(), handle.fault()), (3, None));
    }

    #[test]
    fn a_reason_is_new_once() {
        let handle = Handle::default();
        let reasons = [None, Some("one"), Some("one"), Some("two"), None, Some("two")];
        assert_eq!(reasons.map(|reason| handle.note(reason)), [false, true, false, true, true, true]);
    }

    #[test]
    fn an_installation_that_panics_leaves_the_old_ring_in_force() {
        let keys = KeyFolder::new().file("a", &key_of(1));
        let (mut reloader, _) = start(&keys, |_| panic!("as tests do"));
        keys.write("a", &key_of(2));
        let told = "installing the new keys failed unexpectedly".to_owned();
        assert_eq!(reloader.look(false), Looked::Kept(told));
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_key_file_that_changes_or_is_swapped_by_a_link_is_seen() {
        use std::os::unix::fs::symlink;

        let mut keys = KeyFolder::new();
        for (name, number) in [("..one", 1), ("..two", 2), ("..three", 3)] {
            fs::create_dir(keys.path(name)).unwrap();
            keys.write(&format!("{name}/a"), &key_of(number));
        }
        symlink("..one", keys.path("..data")).unwrap();
        symlink("..data/a", keys.path("a")).unwrap();
        keys = keys.named("a");
        let (sender, mut told) = tokio::sync::mpsc::unbounded_channel();
        let (reloader, handle) = start(&keys, move |ring| {
            sender.send(ring.fingerprint()).unwrap_or_default();
            Ok(())
        });
        let running = run(reloader);
        let changing = async {
            for name in ["..two", "..three"] {
                symlink(name, keys.path("..new")).unwrap();
                fs::rename(keys.path("..new"), keys.path("..data")).unwrap();
                handle.reload();
                told.recv().await.unwrap();
            }
            // The file that the links lead to, which is in another folder than at the start.
            keys.write("..three/a", &key_of(4));
            told.recv().await.unwrap();
            fs::remove_file(keys.path("..data")).unwrap();
            symlink("..one", keys.path("..data")).unwrap();
            told.recv().await.unwrap()
        };
        let last = tokio::time::timeout(PATIENCE, async {
            tokio::select! {
                () = running => unreachable!("it runs until it is dropped"),
                last = changing => last,
            }
        });
        let expected = Loader::new(keys.settings.clone()).load().unwrap().fingerprint();
        assert_eq!(last.await.unwrap(), expected);
    }
}
