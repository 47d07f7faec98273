//! What somebody asks for in a query or on a command line, read into a notation.

use std::sync::Arc;

use crate::config::address::{Address, DEFAULT_PROFILE};

use super::manifest::{Manifest, ManifestContent, ManifestKind, Only, is_key, is_name};
use super::notation::Notation;
use super::variables::{Dialect, LONGEST_PREFIX, NameStyle, Naming, Readers, STYLES};
use super::{Format, flat};

/// The names in `format=`.
pub const FORMATS: [&str; 9] = ["json", "yaml", "properties", "toml", "env", "shell", "docker", "configmap", "secret"];

/// The parameters that say how an answer is written, as they were given.
#[derive(Debug, Clone, Copy, Default)]
pub struct Wish<'a> {
    /// `format`.
    pub format: Option<&'a str>,
    /// `raw`.
    pub raw: bool,
    /// `names`.
    pub names: Option<&'a str>,
    /// `prefix`.
    pub prefix: Option<&'a str>,
    /// `readers`.
    pub readers: Option<&'a str>,
    /// `name`.
    pub name: Option<&'a str>,
    /// `file`.
    pub file: Option<&'a str>,
    /// `only`.
    pub only: Option<&'a str>,
}

/// A parameter that cannot be what it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Misasked {
    /// The parameter.
    pub parameter: &'static str,
    /// Its value, if the value is at fault.
    pub value: Option<String>,
    /// What it may be, or with what it goes.
    pub expected: String,
}

impl Wish<'_> {
    /// The notation that is asked for; `otherwise` is that of no `format`.
    ///
    /// # Errors
    /// The first parameter that cannot be what it is.
    pub fn notation(&self, otherwise: Format, address: &Address) -> Result<Notation, Misasked> {
        if self.raw {
            refuse(self.format.map(|_| "format"), "another request: `raw` is a format of its own")?;
            self.refuse_for_variables("a format other than `raw`")?;
            return Ok(Notation::Raw);
        }
        match self.format {
            None => self.document(otherwise),
            Some("json") => self.document(Format::Json),
            Some("yaml" | "yml") => self.document(Format::Yaml),
            Some("properties") => self.document(Format::Properties),
            Some("toml") => self.document(Format::Toml),
            Some("env") => {
                let readers = self
                    .readers
                    .map(|text| Readers::parse(text).ok_or_else(|| Misasked::value("readers", text, Readers::KNOWN)));
                self.variables(Dialect::Dotenv(readers.transpose()?))
            }
            Some("shell") => self.variables_for_all(Dialect::Shell),
            Some("docker") => self.variables_for_all(Dialect::Docker),
            Some("configmap") => self.manifest(ManifestKind::ConfigMap, address),
            Some("secret") => self.manifest(ManifestKind::Secret, address),
            Some(other) => {
                let (last, others) = FORMATS.split_last().expect("there are formats");
                Err(Misasked::value("format", other, format!("{} or {last}", others.join(", "))))
            }
        }
    }

    fn document(&self, format: Format) -> Result<Notation, Misasked> {
        self.refuse_for_variables("the formats env, shell, docker, configmap and secret")?;
        Ok(Notation::Document(format))
    }

    fn variables(&self, dialect: Dialect) -> Result<Notation, Misasked> {
        self.refuse_for_manifests()?;
        Ok(Notation::Variables(dialect, self.naming()?))
    }

    fn variables_for_all(&self, dialect: Dialect) -> Result<Notation, Misasked> {
        self.refuse_readers()?;
        self.variables(dialect)
    }

    fn manifest(&self, kind: ManifestKind, address: &Address) -> Result<Notation, Misasked> {
        self.refuse_readers()?;
        let content = match self.file {
            None => ManifestContent::Variables(self.naming()?, self.only()?),
            Some(file) => {
                let odd = self.names.map(|_| "names").or(self.prefix.map(|_| "prefix")).or(self.only.map(|_| "only"));
                refuse(odd, "a manifest of variables, without `file`")?;
                let format = file.rsplit_once('.').and_then(|(_, extension)| of_file(extension));
                let format = format.filter(|_| is_key(file)).ok_or_else(|| {
                    Misasked::value("file", file, "a name with the extension yml, yaml, json, properties or toml")
                })?;
                ManifestContent::File(Arc::from(file), format)
            }
        };
        Ok(Notation::Manifest(Manifest { kind, name: self.manifest_name(address)?, content }))
    }

    fn manifest_name(&self, address: &Address) -> Result<Arc<str>, Misasked> {
        if let Some(name) = self.name {
            let expected = "a valid name in Kubernetes: lower-case letters, digits, `-` and `.`";
            return if is_name(name) { Ok(Arc::from(name)) } else { Err(Misasked::value("name", name, expected)) };
        }
        let profiles = address.profiles.iter().filter(|profile| ***profile != *DEFAULT_PROFILE);
        let parts: Vec<&str> = std::iter::once(&address.application).chain(profiles).map(|part| &**part).collect();
        let name = parts.join("-");
        if is_name(&name) {
            return Ok(Arc::from(name));
        }
        let expected = format!("needed: `{}` is not a valid name in Kubernetes", flat::shown(&name));
        Err(Misasked { parameter: "name", value: None, expected })
    }

    fn naming(&self) -> Result<Naming, Misasked> {
        let style = match self.names {
            None => NameStyle::default(),
            Some(text) => STYLES
                .iter()
                .find(|(name, _)| *name == text)
                .map(|(_, style)| *style)
                .ok_or_else(|| Misasked::value("names", text, STYLES.map(|(name, _)| name).join(", ")))?,
        };
        let prefix = self.prefix.unwrap_or_default();
        let is_sign = |byte: u8| byte.is_ascii_alphanumeric() || b"_.-".contains(&byte);
        let is_fine = prefix.len() <= LONGEST_PREFIX
            && prefix.bytes().all(is_sign)
            && !prefix.starts_with(|first: char| first.is_ascii_digit());
        if !is_fine {
            let expected = format!("at most {LONGEST_PREFIX} letters, digits, `_`, `.` and `-`, and no digit first");
            return Err(Misasked::value("prefix", prefix, expected));
        }
        Ok(Naming { style, prefix: Arc::from(prefix) })
    }

    fn only(&self) -> Result<Only, Misasked> {
        match self.only {
            None => Ok(Only::All),
            Some("plain") => Ok(Only::Plain),
            Some("sealed") => Ok(Only::Sealed),
            Some(other) => Err(Misasked::value("only", other, "plain or sealed")),
        }
    }

    fn refuse_for_variables(&self, goes_with: &str) -> Result<(), Misasked> {
        let named = self.names.map(|_| "names").or(self.prefix.map(|_| "prefix"));
        refuse(named, goes_with)?;
        self.refuse_readers()?;
        self.refuse_for_manifests()
    }

    fn refuse_readers(&self) -> Result<(), Misasked> {
        refuse(self.readers.map(|_| "readers"), "the format env")
    }

    fn refuse_for_manifests(&self) -> Result<(), Misasked> {
        let named = self.name.map(|_| "name").or(self.file.map(|_| "file")).or(self.only.map(|_| "only"));
        refuse(named, "the formats configmap and secret")
    }
}

/// Refuses a parameter that is there and goes with something else.
fn refuse(parameter: Option<&'static str>, goes_with: &str) -> Result<(), Misasked> {
    match parameter {
        None => Ok(()),
        Some(parameter) => Err(Misasked { parameter, value: None, expected: format!("for {goes_with}") }),
    }
}

/// The format of a file in a manifest.
fn of_file(extension: &str) -> Option<Format> {
    match extension {
        "toml" => Some(Format::Toml),
        other => Format::of_extension(other).filter(|format| *format != Format::Xml),
    }
}

impl Misasked {
    fn value(parameter: &'static str, value: &str, expected: impl Into<String>) -> Self {
        Self { parameter, value: Some(value.to_owned()), expected: expected.into() }
    }
}
