//! The settings of a Spring Cloud Config Server, taken over: `--from-spring application.yml`.
//!
//! An adapter. Keys are compared as Spring Boot does, so `searchPaths` is `search-paths`. Those that would change answers
//! or weaken protection here, and are not understood, are refused; those without effect are named, with the reason.

mod keys;
mod rest;
mod spelled;
#[cfg(test)]
mod tests;

use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

use crate::config::layer::Data;
use crate::config::problem::{Position, Severity};
use crate::format::{self, Format, Limits};
use crate::http::spring::{Health, Settings};
use crate::snapshot::OnFailure;
use crate::snapshot::own::Fixed;

use super::Environment;
use super::inputs::{Inputs, Name};
use super::origin::{Mistake, Origin};
use super::table;
use keys::Key;
use rest::{Rest, rest_of};

/// What the file says that settings of layerd's own do not.
#[derive(Debug, Default)]
pub(super) struct Taken {
    /// How Spring's clients are answered.
    pub(super) spring: Settings,
    /// The search paths, with Spring's placeholders and wildcards.
    pub(super) search_paths: Vec<String>,
    /// The folder that all search locations are below, if there are any: nothing else in it is served.
    pub(super) root: Option<PathBuf>,
    /// What becomes of sealed values that do not open, or of all.
    pub(super) on_failure: OnFailure,
}

impl Taken {
    /// Reads the file. Relative paths in it are relative to the folder that the server is started in, as Spring has it.
    pub(super) fn read(name: &str, bytes: &[u8], environment: &Environment, inputs: &mut Inputs) -> Self {
        let is_properties = Path::new(name).extension().is_some_and(|extension| extension == "properties");
        let format = if is_properties { Format::Properties } else { Format::Yaml };
        let body = format::read_spring(format, bytes, &Limits::default());
        let file: Arc<str> = Arc::from(name);
        let body = Arc::new(body);
        let read = keys::read(&file, &body, environment);
        let mut reader = Reader { file, directory: &environment.directory, keys: read.keys, active: "git", inputs };
        for fault in body.faults.iter().filter(|fault| fault.severity == Severity::Error) {
            let mistake = Mistake { hint: fault.hint.clone(), ..reader.mistake(fault.at, &fault.message) };
            reader.inputs.mistake(mistake);
        }
        for (at, message) in read.refused {
            reader.refuse(at, message);
        }
        let taken = reader.take();
        reader.tell_rest();
        taken
    }
}

impl Taken {
    /// Puts what settings of layerd's own do not say into those that were built.
    pub(super) fn put_into(self, settings: &mut super::Settings) {
        settings.spring = self.spring;
        settings.secrets.on_failure = self.on_failure;
        settings.secrets.decrypt |= settings.http.listen.ip().is_loopback();
        if let Some(source) = settings.sources.first_mut() {
            // What its settings leave out is as Spring has it, and no file of a repository changes that.
            source.fixed = Fixed { path: true, search_paths: true, ignore: true, semantics: true, schemas: true };
            source.locations = self.search_paths;
            source.locations_only = self.root.is_some_and(|root| source.place == super::Place::Dir(root));
        }
    }
}

struct Reader<'a> {
    file: Arc<str>,
    directory: &'a Path,
    keys: Vec<Key>,
    /// The section of the back end that is active.
    active: &'static str,
    inputs: &'a mut Inputs,
}

const SERVER: &str = "spring.cloud.config.server.";

impl Reader<'_> {
    fn take(&mut self) -> Taken {
        let mut taken = Taken { on_failure: OnFailure::Invalid, ..Taken::default() };
        self.listen();
        let is_native = self.back_end();
        self.put("semantics", "spring", Position::default());
        self.prefix();
        if is_native {
            self.native(&mut taken);
        } else {
            self.git(&mut taken);
        }
        self.answers(&mut taken.spring);
        self.health(&mut taken.spring);
        self.secrets(&mut taken);
        taken
    }

    /// Spring listens at all addresses; without a login that must be meant, so the file alone does not open the door.
    fn listen(&mut self) {
        let port = match self.value("server.port") {
            Some((text, at)) if text.trim().parse::<u16>().is_err() => {
                let message = format!("`server.port` is `{text}`, which is no port");
                return self.refuse_with(at, message, "`8888` would be fine");
            }
            port => port.map_or_else(|| "8080".to_owned(), |(text, _)| text.trim().to_owned()),
        };
        let address = self.value("server.address").map_or_else(|| "127.0.0.1".to_owned(), |(text, _)| text);
        let address = if address.contains(':') && !address.starts_with('[') { format!("[{address}]") } else { address };
        self.put("http.listen", &format!("{address}:{port}"), Position::default());
    }

    fn git(&mut self, taken: &mut Taken) {
        let Some((uri, at)) = self.of_server("git.uri") else { return };
        self.put("sources[].git", &uri, at);
        taken.search_paths = self.list(&format!("{SERVER}git.searchpaths")).into_iter().map(|(path, _)| path).collect();
        self.give("git.username", "sources[].credentials.username");
        self.give("git.password", "sources[].credentials.password");
        self.give("git.privatekeyfile", "sources[].credentials.ssh-key-file");
        self.give("git.knownhostsfile", "sources[].credentials.known-hosts-file");
        let own = self.of_server("git.defaultlabel");
        let default = self.of_server("defaultlabel").or(own);
        taken.spring.try_master = self.switch("git.trymasterbranch", true);
        taken.spring.skip_unknown_labels = self.switch("git.continueonmultiplelabelfailure", false);
        // Without a label, layerd tries `main` and then `master` as well.
        match default {
            Some((label, at)) if label != "main" || !taken.spring.try_master => self.put("sources[].label", &label, at),
            None if !taken.spring.try_master => self.put("sources[].label", "main", Position::default()),
            _ => {}
        }
        self.refresh();
    }

    fn native(&mut self, taken: &mut Taken) {
        let locations = self.list(&format!("{SERVER}native.searchlocations"));
        let mut paths = Vec::with_capacity(locations.len());
        for (location, at) in &locations {
            match folder(location, self.directory) {
                Some(path) => paths.push(path),
                None => self.refuse(*at, format!("the search location `{location}` is no folder of this machine")),
            }
        }
        let Some(root) = common_root(&paths) else {
            let hint =
                "set `spring.cloud.config.server.native.search-locations` to folders, such as `file:/srv/config`";
            let mistake = self.mistake(Position::default(), "there is no folder to serve").with_hint(hint);
            return self.inputs.mistake(mistake);
        };
        let below = |path: &PathBuf| path.strip_prefix(&root).unwrap_or(path).to_string_lossy().into_owned();
        let mut folders: Vec<String> = paths.iter().map(below).collect();
        if self.switch("native.addlabellocations", true) {
            let labelled = folders.iter().map(|folder| format!("{folder}/{{label}}")).collect::<Vec<_>>();
            folders.extend(labelled);
        }
        taken.search_paths = folders;
        taken.root = Some(root.clone());
        let at = locations.first().map_or_else(Position::default, |(_, at)| *at);
        self.put("sources[].dir", &root.to_string_lossy(), at);
        let label = self.of_server("native.defaultlabel").map_or_else(|| "master".to_owned(), |(label, _)| label);
        let version = self.of_server("native.version").map(|(version, _)| Arc::from(version));
        taken.spring.folder_label = Some(Arc::from(label));
        taken.spring.version = version;
    }

    fn answers(&mut self, spring: &mut Settings) {
        spring.accept_empty = self.switch("acceptempty", true);
        spring.strip_document = self.switch("stripdocumentfromyaml", true);
        let prefix = format!("{SERVER}overrides.");
        for key in self.keys.iter_mut().filter(|key| key.uniform.starts_with(&prefix)) {
            key.is_taken = true;
            spring.overrides.push((Arc::from(&key.written[prefix.len()..]), Arc::from(key.text.as_str())));
        }
    }

    fn health(&mut self, spring: &mut Settings) {
        let details = self.value("management.endpoint.health.showdetails");
        if let Some((text, at)) = details {
            spring.health_details = text.eq_ignore_ascii_case("always");
            let is_known = ["always", "never", "when-authorized", "when_authorized"];
            if !is_known.contains(&text.to_ascii_lowercase().as_str()) {
                let message = format!("`management.endpoint.health.show-details` is `{text}`");
                self.refuse_with(at, message, "`always` and `never` would be fine");
            }
        }
        let prefix = format!("{SERVER}health.repositories.");
        let mut listed: Vec<(String, Health)> = Vec::new();
        for key in self.keys.iter_mut().filter(|key| key.uniform.starts_with(&prefix)) {
            let Some((name, member)) = key.uniform[prefix.len()..].split_once('.') else { continue };
            key.is_taken = true;
            let found = listed.iter().position(|(known, _)| known == name).unwrap_or_else(|| {
                let health = Health { name: Arc::from(name), profiles: Arc::from("default"), label: None };
                listed.push((name.to_owned(), health));
                listed.len() - 1
            });
            let (health, text) = (&mut listed[found].1, Arc::from(key.text.as_str()));
            match member {
                "name" => health.name = text,
                "profiles" => health.profiles = text,
                "label" => health.label = Some(text),
                _ => {}
            }
        }
        if !listed.is_empty() {
            spring.health = listed.into_iter().map(|(_, health)| health).collect();
        }
    }

    fn secrets(&mut self, taken: &mut Taken) {
        if let Some((key, at)) = self.value("encrypt.key") {
            match key.contains("-----BEGIN") {
                true => {
                    self.refuse(at, "`encrypt.key` is an RSA key, which is not available in this version".to_owned());
                }
                false => self.put("secrets.spring.key", &key, at),
            }
        }
        if let Some((salt, at)) = self.value("encrypt.salt") {
            self.put("secrets.spring.salt", &salt, at);
        }
        if !self.switch("encrypt.prefixinvalidproperties", true) {
            taken.on_failure = OnFailure::Bare;
        }
        if !self.switch("encrypt.enabled", true) {
            taken.on_failure = OnFailure::Sealed;
        }
    }

    /// What is left: refused or told.
    fn tell_rest(&mut self) {
        let without_ssl = |key: &Key| key.is("server.ssl.enabled") && key.text.trim().eq_ignore_ascii_case("false");
        let has_ssl = !self.keys.iter().any(without_ssl);
        let active = self.active;
        let rest = |key: &Key| {
            let uniform = if key.is_variable { rest::of_variable(&key.uniform) } else { &key.uniform };
            (rest_of(uniform, &key.text, active, has_ssl), Arc::clone(&key.written), key.at)
        };
        let rest: Vec<_> = self.keys.iter().filter(|key| !key.is_taken).map(rest).collect();
        for (rest, written, at) in rest {
            match rest {
                Rest::Same => {}
                Rest::Idle(reason) => {
                    let warning = self.mistake(at, format!("`{written}` has no effect: {reason}"));
                    self.inputs.warnings.push(warning);
                }
                Rest::Refused(reason, hint) => {
                    let mistake = self.mistake(at, format!("`{written}` is not available: {reason}"));
                    self.inputs.mistake(Mistake { hint, ..mistake });
                }
            }
        }
    }

    /// The value of a key in its uniform spelling; the last one counts.
    fn value(&mut self, uniform: &str) -> Option<(String, Position)> {
        self.take_keys(|key| key.is(uniform)).pop()
    }

    /// The values of some keys, which are taken. A placeholder that nothing answers is no value.
    fn take_keys(&mut self, is_wanted: impl Fn(&Key) -> bool) -> Vec<(String, Position)> {
        let (mut values, mut refused) = (Vec::new(), Vec::new());
        for key in self.keys.iter_mut().filter(|key| is_wanted(key)) {
            key.is_taken = true;
            match &key.unanswered {
                Some(name) => refused.push((key.at, Arc::clone(&key.written), name.clone())),
                None => values.push((key.text.clone(), key.at)),
            }
        }
        for (at, written, name) in refused {
            let message = format!("`{written}` has the placeholder `${{{name}}}`, which nothing answers");
            let hint = format!("set the variable `{name}`, or give a default: `${{{name}:…}}`");
            self.refuse_with(at, message, &hint);
        }
        values
    }

    fn of_server(&mut self, name: &str) -> Option<(String, Position)> {
        self.value(&format!("{SERVER}{name}"))
    }

    /// The items of a list, or of a comma list.
    fn list(&mut self, uniform: &str) -> Vec<(String, Position)> {
        let values = self.take_keys(|key| key.is_item(uniform));
        let split = |(text, at): &(String, Position)| -> Vec<_> {
            text.split(',').map(|item| (item.trim().to_owned(), *at)).collect()
        };
        let mut items: Vec<(String, Position)> = values.iter().flat_map(split).collect();
        items.retain(|(item, _)| !item.is_empty());
        items
    }

    fn switch(&mut self, name: &str, default: bool) -> bool {
        let Some((text, at)) = self.of_server(name) else { return default };
        match text.to_ascii_lowercase().as_str() {
            "true" | "on" | "yes" | "1" => true,
            "false" | "off" | "no" | "0" => false,
            _ => {
                self.refuse_with(at, format!("`{name}` is `{text}`"), "`true` and `false` would be fine");
                default
            }
        }
    }

    /// Gives a setting the value of a key of the server, if that is there.
    fn give(&mut self, name: &str, setting: &str) {
        if let Some((text, at)) = self.of_server(name) {
            self.put(setting, &text, at);
        }
    }

    fn put(&mut self, setting: &str, text: &str, at: Position) {
        let origin = Origin::File(Arc::clone(&self.file), at);
        let row = table::find(setting).expect("the names that are written here are in the table");
        self.inputs.give(Name { row, index: 0 }, &Data::Text(Arc::from(text)), self.directory, &origin);
    }

    fn refuse(&mut self, at: Position, message: String) {
        let mistake = self.mistake(at, message);
        self.inputs.mistake(mistake);
    }

    fn refuse_with(&mut self, at: Position, message: String, hint: &str) {
        let mistake = self.mistake(at, message).with_hint(hint);
        self.inputs.mistake(mistake);
    }

    fn mistake(&self, at: Position, message: impl Into<String>) -> Mistake {
        Mistake::new(&Origin::File(Arc::clone(&self.file), at), message)
    }
}

/// The folder of a search location, placeholders left in; `None` if it is none.
fn folder(location: &str, directory: &Path) -> Option<PathBuf> {
    let location = location.strip_prefix("optional:").unwrap_or(location);
    let path = location.strip_prefix("file:").unwrap_or(location);
    let path = path.strip_prefix("//").filter(|rest| rest.starts_with('/')).unwrap_or(path);
    // What is left of a scheme that is none of files: `classpath:`, `jar:file:`, `http://`.
    let scheme = path.split_once(':').filter(|(scheme, _)| !scheme.is_empty() && !scheme.contains(['/', '{', '.']));
    if scheme.is_some() || path.contains("${") {
        return None;
    }
    let mut folded = PathBuf::new();
    for component in directory.join(path).components() {
        match component {
            Component::CurDir => {}
            Component::ParentDir => drop(folded.pop()),
            component => folded.push(component),
        }
    }
    Some(folded)
}

/// The deepest folder without placeholders that holds all of these.
fn common_root(paths: &[PathBuf]) -> Option<PathBuf> {
    let plain = |path: &PathBuf| -> PathBuf {
        path.components()
            .take_while(|component| !component.as_os_str().to_string_lossy().contains(['{', '*']))
            .collect()
    };
    let mut root = plain(paths.first()?);
    for path in paths {
        while !path.starts_with(&root) {
            root.pop();
        }
    }
    Some(root)
}
