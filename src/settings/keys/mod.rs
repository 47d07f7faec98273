//! The key ring of the settings: files opened, pass phrases turned into keys, everything that is wrong told at once.
//!
//! How a file is read is in `source/private.rs`, how a ring takes the place of another while the server runs in
//! `serve/reload.rs`. Nothing here tells a part of a key.

use std::collections::HashMap;
use std::fmt;
use std::path::Path;

use sha2::{Digest as _, Sha256};

use crate::secret::key::{Key, KeyError, KeyId};
use crate::secret::keyring::Keyring;
use crate::secret::spring::SpringKey;
use crate::settings::{KeyPlace, KeySettings, PhrasePlace, SecretSettings, SpringSettings};
use crate::source::private::{self, Unfit};

/// The most bytes of a key or a pass phrase with all that belongs to its file.
pub const LONGEST_FILE: usize = 4096;

/// Makes rings of settings, again and again as their files change. It has no debug text, which would hold digests of pass
/// phrases.
pub struct Loader {
    settings: SecretSettings,
    /// Digests of pass phrases and the keys made of them, because making one takes a moment and 64 MiB.
    made: HashMap<KeyId, ([u8; 32], Key)>,
}

/// Why there is no ring: everything that is wrong, one after the other.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub struct LoadError {
    /// What is wrong; at least one thing.
    pub faults: Vec<Fault>,
}

/// What is wrong with one key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// A sentence that names the setting and the file.
    pub message: String,
    /// What to do about it, if there is one thing.
    pub hint: Option<&'static str>,
}

impl Loader {
    /// A loader for these settings, which has not looked at any file yet.
    #[must_use]
    pub fn new(settings: SecretSettings) -> Self {
        Self { settings, made: HashMap::new() }
    }

    /// The ring that the settings and their files make now. A new pass phrase takes some tenths of a second.
    ///
    /// # Errors
    /// If a key cannot be read or used, or two are the same.
    pub fn load(&mut self) -> Result<Keyring, LoadError> {
        let mut faults = Vec::new();
        let mut keys = Vec::with_capacity(self.settings.keys.len());
        for settings in &self.settings.keys {
            match key(settings, &mut self.made) {
                Ok(key) => keys.push((settings.id.clone(), key)),
                Err(fault) => faults.push(fault),
            }
        }
        let spring = self.settings.spring.as_ref().map(spring).transpose();
        let spring = spring.unwrap_or_else(|fault| {
            faults.push(fault);
            None
        });
        if !faults.is_empty() {
            return Err(LoadError { faults });
        }
        Keyring::new(keys, self.settings.encrypt_with.as_ref(), spring).map_err(|error| {
            let fault =
                Fault { message: format!("`secrets.keys`: {error}"), hint: Some("give each id a key of its own") };
            LoadError { faults: vec![fault] }
        })
    }

    /// The files that the ring is made of.
    pub fn files(&self) -> impl Iterator<Item = &Path> {
        let keys = self.settings.keys.iter().filter_map(|key| match &key.place {
            KeyPlace::File(path) | KeyPlace::PassPhraseFile(path) => Some(path.as_path()),
            KeyPlace::Value(_) => None,
        });
        let spring = self.settings.spring.iter().filter_map(|spring| match &spring.phrase {
            PhrasePlace::File(path) => Some(path.as_path()),
            PhrasePlace::Value(_) => None,
        });
        keys.chain(spring)
    }
}

/// What is weak about a ring although it opens values; there is nothing weak about a key of our own.
#[must_use]
pub fn weaknesses(ring: &Keyring) -> Vec<String> {
    let Some(spring) = ring.spring() else { return Vec::new() };
    let phrase = spring
        .weakness()
        .map(|reason| format!("the pass phrase in Spring's form is weak: {reason}; it opens values, and seals none"));
    let salt = spring.has_default_salt().then(|| {
        "the salt in Spring's form is the one that every server has which sets none; `layerd secrets migrate` seals \
         values anew in a form that needs none"
            .to_owned()
    });
    phrase.into_iter().chain(salt).collect()
}

fn key(settings: &KeySettings, made: &mut HashMap<KeyId, ([u8; 32], Key)>) -> Result<Key, Fault> {
    let KeySettings { index, id, place } = settings;
    let (path, name) = match place {
        KeyPlace::Value(key) => return Ok(key.clone()),
        KeyPlace::File(path) => (path, "file"),
        KeyPlace::PassPhraseFile(path) => (path, "pass-phrase-file"),
    };
    let setting = format!("secrets.keys[{index}].{name}");
    let text = private::read(path, LONGEST_FILE).map_err(|unfit| unread(&setting, unfit))?;
    if matches!(place, KeyPlace::File(_)) {
        return Key::from_text(text.expose()).map_err(|error| unusable(&setting, path, &error));
    }
    let digest: [u8; 32] = Sha256::digest(text.expose().as_bytes()).into();
    if let Some((known, key)) = made.get(id)
        && *known == digest
    {
        return Ok(key.clone());
    }
    let key = Key::from_pass_phrase(text.expose(), id).map_err(|error| unusable(&setting, path, &error))?;
    made.insert(id.clone(), (digest, key.clone()));
    Ok(key)
}

fn spring(settings: &SpringSettings) -> Result<SpringKey, Fault> {
    let salt = settings.salt.as_str();
    match &settings.phrase {
        PhrasePlace::Value(phrase) => SpringKey::new(phrase.expose(), salt)
            .map_err(|error| Fault { message: format!("`secrets.spring.key` cannot be used: {error}"), hint: None }),
        PhrasePlace::File(path) => {
            let setting = "secrets.spring.key-file";
            let phrase = private::read_line(path, LONGEST_FILE).map_err(|unfit| unread(setting, unfit))?;
            SpringKey::new(phrase.expose(), salt).map_err(|error| unusable(setting, path, &error))
        }
    }
}

fn unread(setting: &str, Unfit { message, hint }: Unfit) -> Fault {
    Fault { message: format!("`{setting}`: {message}"), hint }
}

fn unusable(setting: &str, path: &Path, error: &KeyError) -> Fault {
    let hint = match error {
        KeyError::Phrase { .. } => Some("take a longer pass phrase, or a key that `layerd keygen --out` makes"),
        KeyError::Checksum | KeyError::Length { .. } | KeyError::Alphabet => Some("copy the key anew"),
        KeyError::Rsa => Some("seal the values anew with a key that `layerd keygen --out` makes"),
        KeyError::Salt | KeyError::Id | KeyError::Empty => None,
        _ => Some("make a key with `layerd keygen --out FILE`"),
    };
    Fault { message: format!("`{setting}`: `{}` cannot be used: {error}", path.display()), hint }
}

/// The faults as what follows `error: `.
impl fmt::Display for LoadError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, fault) in self.faults.iter().enumerate() {
            write!(out, "{}{fault}", if index == 0 { "" } else { "\nerror: " })?;
        }
        Ok(())
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.message)?;
        self.hint.map_or(Ok(()), |hint| write!(out, "\nhint: {hint}"))
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use std::fs;
    use std::os::unix::fs::PermissionsExt as _;
    use std::path::PathBuf;

    use super::*;
    use crate::config::secret_string::SecretString;
    use crate::secret::key::EXAMPLES;

    /// A folder of key files and the settings that name them.
    pub(crate) struct Folder {
        folder: tempfile::TempDir,
        pub(crate) settings: SecretSettings,
    }

    pub(crate) fn key_of(number: u8) -> String {
        let key = Key::from_bytes(std::array::from_fn(|at| (at * at) as u8 ^ number)).unwrap();
        key.to_text().to_string()
    }

    impl Folder {
        pub(crate) fn new() -> Self {
            Self { folder: tempfile::tempdir().unwrap(), settings: SecretSettings::default() }
        }

        pub(crate) fn path(&self, name: &str) -> PathBuf {
            self.folder.path().join(name)
        }

        pub(crate) fn write(&self, name: &str, content: &str) {
            self.write_mode(name, content, 0o600);
        }

        fn write_mode(&self, name: &str, content: &str, mode: u32) {
            fs::write(self.path(name), content).unwrap();
            fs::set_permissions(self.path(name), fs::Permissions::from_mode(mode)).unwrap();
        }

        fn add(&mut self, id: &str, place: KeyPlace) {
            let (index, id) = (self.settings.keys.len(), KeyId::new(id).unwrap());
            self.settings.keys.push(KeySettings { index, id, place });
        }

        /// A key in a file called like it.
        pub(crate) fn file(self, id: &str, content: &str) -> Self {
            self.write(id, content);
            self.named(id)
        }

        /// A key in a file called like it, which is there already.
        pub(crate) fn named(mut self, id: &str) -> Self {
            self.add(id, KeyPlace::File(self.path(id)));
            self
        }

        fn pass_phrase(mut self, id: &str, content: &str) -> Self {
            self.write(id, content);
            self.add(id, KeyPlace::PassPhraseFile(self.path(id)));
            self
        }

        fn spring(mut self, phrase: PhrasePlace) -> Self {
            self.settings.spring = Some(SpringSettings { phrase, salt: "deadbeef".to_owned() });
            self
        }

        fn load(&self) -> Result<Keyring, String> {
            let loaded = Loader::new(self.settings.clone()).load();
            loaded.map_err(|error| error.to_string().replace(&format!("{}/", self.folder.path().display()), ""))
        }

        fn refusal(&self) -> String {
            self.load().unwrap_err()
        }
    }

    #[test]
    fn keys_come_from_files_settings_and_pass_phrases() {
        let mut keys = Folder::new().file("a", &key_of(1)).file("b", &format!("{}\r\n", key_of(2)));
        keys.add("c", KeyPlace::Value(Key::from_text(&key_of(3)).unwrap()));
        let mut keys = keys.pass_phrase("d", "correct horse battery staple\n");
        keys.settings.encrypt_with = KeyId::new("c").ok();
        let ring = keys.load().unwrap();
        assert_eq!(ring.ids().map(KeyId::as_str).collect::<Vec<_>>(), ["a", "b", "c", "d"]);
        assert_eq!(ring.encrypts_with().map(KeyId::as_str), Some("c"));
        assert!(ring.spring().is_none() && weaknesses(&ring).is_empty());
        assert_eq!(keys.load().unwrap().fingerprint(), ring.fingerprint());
        assert!(Folder::new().load().unwrap().is_empty());
    }

    #[test]
    fn everything_that_is_wrong_with_key_files_is_told_at_once_with_setting_and_file() {
        let good = key_of(1);
        let zero = "layerdkey_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA8kvIH";
        let mut keys = Folder::new()
            .file("open", &good)
            .file("empty", "")
            .file("line-ends", &format!("{good}\n\n"))
            .file("raw", "0123456789abcdef0123456789abcdef")
            .file("short", &good[..good.len() - 1])
            .file("long", &format!("{good}A"))
            .file("zero", zero)
            .file("typo", &good.replace('A', "B"))
            .file("example", EXAMPLES[0])
            .pass_phrase("weak", "changeme")
            .spring(PhrasePlace::Value(SecretString::new("-----BEGIN RSA PRIVATE KEY-----")));
        keys.add("absent", KeyPlace::File(keys.path("absent")));
        keys.write_mode("open", &good, 0o644);
        let expected = "\
`secrets.keys[0].file`: `open` can be read by others (mode 0644)
hint: `chmod 600` makes it private; in Kubernetes set `defaultMode: 0400` and, for a server that is not root, `fsGroup`
error: `secrets.keys[1].file`: `empty` cannot be used: the key is empty
error: `secrets.keys[2].file`: `line-ends` cannot be used: the key has 49 characters after `layerdkey_`, where 48 are expected
hint: copy the key anew
error: `secrets.keys[3].file`: `raw` cannot be used: the text of a key begins with `layerdkey_`
hint: make a key with `layerd keygen --out FILE`
error: `secrets.keys[4].file`: `short` cannot be used: the key has 47 characters after `layerdkey_`, where 48 are expected
hint: copy the key anew
error: `secrets.keys[5].file`: `long` cannot be used: the key has 49 characters after `layerdkey_`, where 48 are expected
hint: copy the key anew
error: `secrets.keys[6].file`: `zero` cannot be used: all bytes of the key are zero
hint: make a key with `layerd keygen --out FILE`
error: `secrets.keys[7].file`: `typo` cannot be used: the checksum of the key does not fit: a character of it was changed
hint: copy the key anew
error: `secrets.keys[8].file`: `example` cannot be used: the key is the example of the documentation, which everybody has
hint: make a key with `layerd keygen --out FILE`
error: `secrets.keys[9].pass-phrase-file`: `weak` cannot be used: the pass phrase is too weak: it has fewer than 16 characters
hint: take a longer pass phrase, or a key that `layerd keygen --out` makes
error: `secrets.keys[10].file`: `absent` cannot be read: No such file or directory (os error 2)
error: `secrets.spring.key` cannot be used: the pass phrase is a private RSA key, which is not supported";
        assert_eq!(keys.refusal(), expected);
    }

    #[test]
    fn one_key_under_two_ids_is_refused_wherever_they_are_kept() {
        let mut keys = Folder::new().file("a", &key_of(1)).file("b", &key_of(2));
        keys.add("c", KeyPlace::Value(Key::from_text(&key_of(1)).unwrap()));
        let expected = "`secrets.keys`: the keys `a` and `c` are the same key\nhint: give each id a key of its own";
        assert_eq!(keys.refusal(), expected);
    }

    #[test]
    fn a_weak_pass_phrase_of_springs_opens_values_and_is_told() {
        let keys = Folder::new();
        keys.write("phrase", "changeme\n");
        let keys = keys.spring(PhrasePlace::Value(SecretString::new("changeme")));
        let ring = keys.load().unwrap();
        assert_eq!(
            weaknesses(&ring),
            [
                "the pass phrase in Spring's form is weak: it has fewer than 16 characters; it opens values, and seals none",
                "the salt in Spring's form is the one that every server has which sets none; `layerd secrets migrate` \
                 seals values anew in a form that needs none",
            ]
        );
        let path = keys.path("phrase");
        let in_file = keys.spring(PhrasePlace::File(path));
        assert_eq!(in_file.load().unwrap().fingerprint(), ring.fingerprint());
        in_file.write("phrase", "\n");
        let expected = "`secrets.spring.key-file`: `phrase` cannot be used: the key is empty";
        assert_eq!(in_file.refusal(), expected);
    }

    #[test]
    fn a_pass_phrase_is_turned_into_a_key_once_until_it_changes() {
        let keys = Folder::new().pass_phrase("a", "correct horse battery staple");
        let mut loader = Loader::new(keys.settings.clone());
        let first = loader.load().unwrap().fingerprint();
        let made = loader.made.clone();
        assert_eq!(loader.load().unwrap().fingerprint(), first);
        assert_eq!(loader.made, made);
        keys.write("a", "another horse battery staple");
        assert_ne!(loader.load().unwrap().fingerprint(), first);
        assert_ne!(loader.made, made);
        assert_eq!(loader.files().collect::<Vec<_>>(), [keys.path("a")]);
    }

    #[test]
    fn nothing_of_a_key_is_in_errors_and_debug_texts() {
        let text = key_of(1);
        let keys =
            Folder::new().file("a", &format!("{text}\n\n")).spring(PhrasePlace::Value(SecretString::new("hunter2")));
        let loaded = Loader::new(keys.settings.clone()).load();
        let told = format!("{loaded:?} {:?} {}", keys.settings, keys.refusal());
        assert!(!told.contains(&text[10..20]) && !told.contains("hunter2"), "{told}");
    }
}
