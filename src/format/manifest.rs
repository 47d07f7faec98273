//! A configuration as a ConfigMap or a Secret of Kubernetes, with a key for each variable or with one file.
//!
//! What the API server would refuse is refused here with the key: names (RFC 1123), keys, and more than 1 MiB.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::config::value::{Map, Value};

use super::unwritable::Unwritable;
use super::variables::{Naming, Reveal, variables};
use super::{Format, flat, write, yaml};

/// The most bytes of all values together (`MaxSecretSize` in Kubernetes), and the most characters of a key or a name.
const LARGEST: usize = 1 << 20;
const LONGEST: usize = 253;

/// A ConfigMap or a Secret.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Manifest {
    /// Which of the two.
    pub kind: ManifestKind,
    /// `metadata.name`.
    pub name: Arc<str>,
    /// What is in it.
    pub content: ManifestContent,
}

/// The kinds of manifests.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ManifestKind {
    /// For what everybody may see.
    ConfigMap,
    /// For what not everybody may see.
    Secret,
}

/// What is in a manifest.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum ManifestContent {
    /// A key for each variable, for `envFrom`.
    Variables(Naming, Only),
    /// One key with the name of a file, for a volume.
    File(Arc<str>, Format),
}

/// Which values are taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Only {
    /// All; sealed ones only in a Secret.
    #[default]
    All,
    /// Those that are not sealed in the repository.
    Plain,
    /// Those that are.
    Sealed,
}

impl Manifest {
    /// Writes the manifest of a value found at `key`.
    pub(super) fn write(&self, value: &Value, key: Option<&str>, reveal: Reveal) -> Result<String, Unwritable> {
        let entries = match &self.content {
            ManifestContent::Variables(naming, only) => self.of_variables(value, key, naming, *only, reveal)?,
            ManifestContent::File(name, format) => vec![(name.to_string(), self.of_file(value, *format, reveal)?)],
        };
        let size: usize = entries.iter().map(|(_, text)| text.len()).sum();
        if size > LARGEST {
            let message = format!("the values have {size} bytes, more than the 1 MiB that Kubernetes takes");
            return Err(Unwritable::new(message, "ask for a part of the configuration (`key`)"));
        }
        let data = entries.into_iter().map(|(name, text)| (Arc::from(name), self.value(&text))).collect();
        let metadata = Map::from_iter([(Arc::from("name"), Value::from(&*self.name))]);
        let mut manifest = Map::from_iter([
            (Arc::from("apiVersion"), Value::from("v1")),
            (Arc::from("kind"), Value::from(self.kind.name())),
            (Arc::from("metadata"), Value::Map(metadata)),
        ]);
        if self.kind == ManifestKind::Secret {
            manifest.insert(Arc::from("type"), Value::from("Opaque"));
        }
        manifest.insert(Arc::from("data"), Value::Map(data));
        Ok(yaml::write(&Value::Map(manifest)))
    }

    fn of_variables(
        &self,
        value: &Value,
        key: Option<&str>,
        naming: &Naming,
        only: Only,
        reveal: Reveal,
    ) -> Result<Vec<(String, Arc<str>)>, Unwritable> {
        let mut taken = variables(value, key, naming, reveal)?;
        taken.retain(|variable| only == Only::All || variable.is_secret == (only == Only::Sealed));
        for variable in &taken {
            if !is_key(&variable.name) {
                let reason = "Kubernetes knows letters, digits, `-`, `_` and `.` in keys";
                return Err(Unwritable::name(&variable.key, &variable.name, reason));
            }
            if variable.text.contains('\0') {
                let reason = "no variable can hold its NUL character";
                return Err(Unwritable::value(&variable.key, self.kind.name(), reason));
            }
            if variable.is_secret {
                self.refuse_secret(&variable.key)?;
            }
        }
        Ok(taken.into_iter().map(|variable| (variable.name, variable.text)).collect())
    }

    fn of_file(&self, value: &Value, format: Format, reveal: Reveal) -> Result<Arc<str>, Unwritable> {
        let leaves = flat::flatten(value);
        let secret = leaves.iter().find(|(_, leaf)| matches!(leaf, Value::Secret(_)));
        if let Some((key, _)) = secret {
            self.refuse_secret(key)?;
        }
        let value = match reveal {
            Reveal::Plain => value.revealed(),
            Reveal::Sealed => value.sealed(),
        };
        Ok(Arc::from(write(format, &value, true)))
    }

    /// What is sealed in the repository does not become readable for all who may read a ConfigMap.
    fn refuse_secret(&self, key: &str) -> Result<(), Unwritable> {
        match self.kind {
            ManifestKind::Secret => Ok(()),
            ManifestKind::ConfigMap => Err(Unwritable::value(key, "a ConfigMap", "it is sealed in the repository")
                .with_hint("ask for the format secret, or leave sealed values out with `only=plain`")),
        }
    }

    fn value(&self, text: &str) -> Value {
        match self.kind {
            ManifestKind::ConfigMap => Value::from(text),
            ManifestKind::Secret => Value::from(STANDARD.encode(text).as_str()),
        }
    }
}

impl ManifestKind {
    const fn name(self) -> &'static str {
        match self {
            Self::ConfigMap => "ConfigMap",
            Self::Secret => "Secret",
        }
    }
}

/// True for a key of `data`, which is the name of a file as well.
#[must_use]
pub fn is_key(key: &str) -> bool {
    let is_sign = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    !key.is_empty() && key.len() <= LONGEST && key.bytes().all(is_sign) && key != "." && !key.starts_with("..")
}

/// True for the name of an object (a DNS subdomain as of RFC 1123).
#[must_use]
pub fn is_name(name: &str) -> bool {
    let is_sign = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let is_label = |label: &str| {
        let bytes = label.as_bytes();
        bytes.iter().all(|byte| is_sign(*byte) || *byte == b'-')
            && bytes.first().is_some_and(|byte| is_sign(*byte))
            && bytes.last().is_some_and(|byte| is_sign(*byte))
    };
    name.len() <= LONGEST && name.split('.').all(is_label)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::secret_string::SecretString;
    use crate::config::value::{Number, Opened};
    use crate::format::variables::NameStyle;

    fn value() -> Value {
        let secret = Opened { sealed: "{cipher}x".into(), plain: SecretString::new("hunter2") };
        Value::Map(Map::from_iter([
            ("port".into(), Value::Number(Number::Integer(8080))),
            ("ssl".into(), Value::Bool(true)),
            ("text".into(), Value::from("two\nlines: yes")),
            ("db".into(), Value::Map(Map::from_iter([("password".into(), Value::Secret(secret))]))),
        ]))
    }

    fn told(kind: ManifestKind, content: ManifestContent) -> String {
        let manifest = Manifest { kind, name: "user".into(), content };
        manifest.write(&value(), None, Reveal::Plain).unwrap_or_else(|error| format!("{error} ({})", error.hint()))
    }

    fn of(only: Only) -> ManifestContent {
        ManifestContent::Variables(Naming::default(), only)
    }

    #[test]
    fn a_config_map_holds_texts_and_no_sealed_value() {
        let expected = "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: user\ndata:\n  PORT: '8080'\n  SSL: 'true'\n  \
                        TEXT: |-\n    two\n    lines: yes\n";
        assert_eq!(told(ManifestKind::ConfigMap, of(Only::Plain)), expected);
        let refusal = "the value of `db.password` cannot be written as a ConfigMap: it is sealed in the repository (ask for the \
                       format secret, or leave sealed values out with `only=plain`)";
        assert_eq!(told(ManifestKind::ConfigMap, of(Only::All)), refusal);
        assert_eq!(told(ManifestKind::ConfigMap, ManifestContent::File("a.yml".into(), Format::Yaml)), refusal);
    }

    #[test]
    fn a_secret_holds_base64() {
        let expected =
            "apiVersion: v1\nkind: Secret\nmetadata:\n  name: user\ntype: Opaque\ndata:\n  DB_PASSWORD: aHVudGVyMg==\n";
        assert_eq!(told(ManifestKind::Secret, of(Only::Sealed)), expected);
        assert!(told(ManifestKind::Secret, of(Only::All)).contains("  PORT: ODA4MA==\n"));
        let file = told(ManifestKind::Secret, ManifestContent::File("app.properties".into(), Format::Properties));
        let encoded = STANDARD.encode("port=8080\nssl=true\ntext=two\\nlines: yes\ndb.password=hunter2\n");
        assert!(file.ends_with(&format!("data:\n  app.properties: {encoded}\n")), "{file}");
    }

    #[test]
    fn what_kubernetes_would_refuse_is_refused_with_the_key() {
        let dotted = Naming { style: NameStyle::Dotted, ..Naming::default() };
        let write = |value: Value| {
            let content = ManifestContent::Variables(dotted.clone(), Only::All);
            let manifest = Manifest { kind: ManifestKind::ConfigMap, name: "user".into(), content };
            manifest.write(&Value::Map(Map::from_iter([("a".into(), value)])), None, Reveal::Plain)
        };
        assert!(write("x".into()).is_ok());
        let told = |value| write(value).unwrap_err().to_string();
        assert!(told(Value::List(vec![Value::Null])).starts_with("`a[0]` cannot be named `a[0]`: Kubernetes knows"));
        assert!(told("\0".into()).contains("NUL"));
        assert!(told("x".repeat(LARGEST + 1).as_str().into()).contains("1048577 bytes"));
    }

    #[test]
    fn names_and_keys_are_those_of_kubernetes() {
        assert!(["user-service", "a.b-1", "0"].into_iter().all(is_name));
        assert!(!["", "-a", "a-", "a..b", "a_b", "A", "a/b", &"a".repeat(254)].into_iter().any(is_name));
        assert!(["A_B", "a.b-c", ".env"].into_iter().all(is_key));
        assert!(!["", ".", "..", "..a", "a b", "a[0]", "ü"].into_iter().any(is_key));
    }
}
