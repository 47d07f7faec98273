//! Every setting there is, as one table: its name, what it takes, its default, and why.
//!
//! The table drives the reading of files and variables, the refusal of unknown names, `layerd settings`, its JSON
//! Schema and `docs/settings.md`. How a kind is read is in `value.rs`.

use super::value::Kind::{
    Address, Choice, Credential, Directives, File, Folder, Folders, Git, Globs, KeyId, KeyText, Name, Number, Patterns,
    Prefix, Salt, Size, Switch, Text, Time, Within,
};
use super::value::{Kind, Span, Value};

use std::path::Path;
use std::sync::Arc;

use crate::config::layer::{Data, Node};
use crate::config::problem::Position;

/// A setting.
#[derive(Debug)]
pub(super) struct Known {
    /// Dotted name; `[]` stands for the index of an item.
    pub(super) name: &'static str,
    /// What it takes.
    pub(super) kind: Kind,
    /// Its default, spelled as a settings file would; `None`: nothing, or what the machine suggests.
    pub(super) default: Option<&'static str>,
    /// What it means and why its default is what it is, in Markdown.
    pub(super) because: &'static str,
}

/// Names that other versions know and this one does not, with everything below them.
pub(super) const NOT_AVAILABLE: [&str; 5] =
    ["access.users", "access.jwt", "access.certificates", "access.roles", "limits.watchers"];

/// The lists of settings, whose items are told apart by their index.
pub(super) const LISTS: [&str; 2] = [SOURCES, KEYS];
pub(super) const SOURCES: &str = "sources[]";
pub(super) const KEYS: &str = "secrets.keys[]";

/// Short names of variables, for the settings that containers set most.
pub(super) const SHORT_VARIABLES: [(&str, &str); 4] = [
    ("LAYERD_GIT", "sources[].git"),
    ("LAYERD_LABEL", "sources[].label"),
    ("LAYERD_GIT_TOKEN", "sources[].credentials.token"),
    ("LAYERD_INSECURE_OPEN", "http.insecure-open"),
];

/// The setting of that name.
pub(super) fn find(name: &str) -> Option<&'static Known> {
    KNOWN.iter().find(|known| known.name == name)
}

/// True if settings have names that begin with this one.
pub(super) fn is_group(name: &str) -> bool {
    KNOWN.iter().any(|known| known.name.strip_prefix(name).is_some_and(|rest| rest.starts_with(['.', '['])))
}

/// The list that this is the name of.
pub(super) fn list(name: &str) -> Option<&'static str> {
    LISTS.into_iter().find(|list| list.strip_suffix("[]") == Some(name))
}

/// The list to whose items a setting belongs.
pub(super) fn list_of(name: &str) -> Option<&'static str> {
    LISTS.into_iter().find(|list| name.strip_prefix(list).is_some_and(|rest| rest.starts_with('.')))
}

/// The name of [`NOT_AVAILABLE`] that this name is or lies below.
pub(super) fn not_available(name: &str) -> Option<&'static str> {
    let covers =
        |absent: &&str| name.strip_prefix(*absent).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'));
    NOT_AVAILABLE.into_iter().find(covers)
}

/// The default of a setting that has one.
pub(super) fn default_of(known: &Known) -> Option<Value> {
    let text = known.default?;
    let item = |text: String| Node { data: Data::Text(Arc::from(text)), at: Position::default(), tag: None };
    let data = match serde_json::from_str::<Vec<String>>(text) {
        Ok(texts) => Data::List(texts.into_iter().map(item).collect()),
        Err(_) => Data::Text(Arc::from(text.trim_matches('"'))),
    };
    known.kind.read(&data, Path::new("")).ok()
}

const fn known(name: &'static str, kind: Kind, default: &'static str, because: &'static str) -> Known {
    Known { name, kind, default: Some(default), because }
}

const fn optional(name: &'static str, kind: Kind, because: &'static str) -> Known {
    Known { name, kind, default: None, because }
}

const fn size(most: u64) -> Kind {
    Size(Span { least: 1, most })
}

const fn number(most: u64) -> Kind {
    Number(Span { least: 1, most })
}

/// Times in milliseconds.
const fn time(least: u64, most: u64) -> Kind {
    Time(Span { least, most })
}

const SECOND: u64 = 1000;
const HOUR: u64 = 3600 * SECOND;
const DAY: u64 = 24 * HOUR;
const MIB: u64 = 1 << 20;
const GIB: u64 = 1 << 30;

/// The table, in the order in which settings are shown.
pub(super) const KNOWN: &[Known] = &[
    known(
        "semantics",
        Choice(&["native", "spring"], &[]),
        "native",
        "How layers are ordered and values read. Native ([layering.md](layering.md)): what is said about one service is stronger than what is said about all. Spring ([spring.md](spring.md)): as Spring Cloud Config Server does it; `--from-spring` sets it.",
    ),
    known("sources[].name", Name, "config", "The name in metrics, logs and the status page."),
    optional(
        "sources[].git",
        Git,
        "A Git repository: `http(s)://`, `ssh://`, `user@host:path`, `file://` or a path. Either this or `dir`. `{application}`, `{profile}` and `{label}` in its path stand for what is asked for: such sources are found when they are ([protocols.md](protocols.md#several-sources)).",
    ),
    optional("sources[].dir", Folder, "A folder, watched for edits. For development, and for mounted ConfigMaps."),
    optional(
        "sources[].label",
        Text,
        "The branch, tag or commit id that answers when a request names none. Without it `main`, else `master`, else what the remote calls its default, because that is where a reader would look.",
    ),
    known(
        "sources[].labels",
        Globs,
        r#"["*"]"#,
        "Branches and tags that may be asked for; `*` stands for any text, slashes included. All, because they are in the repository for a reason; narrow it where branches hold what not every reader may see.",
    ),
    known(
        "sources[].path",
        Within,
        r#""""#,
        "The sub-folder that is the root, for configuration that lives beside other things.",
    ),
    known(
        "sources[].search-paths",
        Folders,
        r#"["{application}"]"#,
        "Folders that take part beside the root, weak to strong; `{application}` is the service's own.",
    ),
    known(
        "sources[].ignore",
        Globs,
        "[]",
        "Paths of files that are not configuration although their names could be, such as `charts/**`.",
    ),
    known(
        "sources[].match",
        Patterns,
        r#"["*"]"#,
        "What the source answers for: `application` or `application/profile`, `*` stands for any text. Sources are tried in their order, and the first one that matches answers. All, because one source is the usual case.",
    ),
    optional(
        "sources[].join",
        Choice(&["next"], &[]),
        "`next` lets the source behind this one take part in its answers where that matches too; this one wins. A part that does not know the label that is asked for takes part with its default.",
    ),
    known(
        "sources[].schemas",
        Choice(&["off", "warn", "enforce"], &[]),
        "warn",
        "What the JSON Schemas of the repository are worth ([schemas.md](schemas.md)). `warn`: what breaks one is told, and served. `enforce`: it is not served. Warn, because a schema that is stricter than what is in use must not take a service down on the day it is added.",
    ),
    known(
        "sources[].refresh",
        time(SECOND, 30 * DAY),
        "30s",
        "How often Git is asked for changes. Short enough to wait for without a webhook, long enough for the remote to tolerate many servers.",
    ),
    known(
        "sources[].fetch-time",
        time(1, HOUR),
        "1m",
        "How long one fetch may take, because one that takes longer is hanging more often than working. It is then ended with everything that it has started, and what was fetched before goes on being served. A remote that sends less than 20 kB in 20 seconds of waiting, and no sign that it is at work, is given up sooner.",
    ),
    known(
        "sources[].fetch-size",
        size(1024 * GIB),
        "2GiB",
        "Bytes that one fetch may receive, and that the mirror may take on disk, because a remote must not be able to fill it.",
    ),
    optional(
        "sources[].depth",
        number(1_000_000),
        "How many commits of each label are fetched, for repositories with a long history. Without it all. Commit ids further back are then unknown (404), and nothing that needs them works; a folder of this machine has no use for it and refuses it.",
    ),
    optional("sources[].credentials.username", Text, "The user for a private repository."),
    optional(
        "sources[].credentials.password",
        Credential,
        "The password itself. For the environment; in a file that people read, `password-file` is the better place.",
    ),
    optional(
        "sources[].credentials.password-file",
        File,
        "The file with the password; nobody else may read it ([security.md](security.md#keys)). A file, read again at every fetch, because it can be exchanged while the server runs and shows up in no process list.",
    ),
    optional(
        "sources[].credentials.token",
        Credential,
        "A token, in the place of user and password; also `LAYERD_GIT_TOKEN`.",
    ),
    optional(
        "sources[].credentials.token-file",
        File,
        "The file with a token, read again at every fetch; nobody else may read it.",
    ),
    optional(
        "sources[].credentials.ssh-key-file",
        File,
        "The private key for SSH, without a passphrase, readable for nobody else. Without it OpenSSH uses the keys of the user that the server runs as.",
    ),
    optional(
        "sources[].credentials.known-hosts-file",
        File,
        "The host keys that SSH accepts, as `ssh-keyscan` prints them. Without it those that the user and the system know. A host that is not known is never trusted.",
    ),
    optional(
        "sources[].credentials.ca-file",
        File,
        "The authorities that may vouch for an `https` remote, in PEM, in place of those of the system.",
    ),
    optional(
        "sources[].credentials.client-cert-file",
        File,
        "The certificate that the server shows to an `https` remote, in PEM. Nobody else may read the file if it holds the key as well.",
    ),
    optional(
        "sources[].credentials.client-key-file",
        File,
        "The key of that certificate, in PEM, readable for nobody else. Without it the key is in the same file.",
    ),
    known(
        "http.listen",
        Address,
        "127.0.0.1:8888",
        "Address and port; port 0 picks a free one. Loopback, because there is no authentication by default. 8888, because that is where configuration servers are looked for.",
    ),
    known("http.prefix", Prefix, r#""""#, "A path in front of all others, for servers that share a host name."),
    optional(
        "access.tokens-file",
        File,
        "The file of access tokens, as `layerd token new` makes it; nobody else may read or change it ([security.md](security.md#access-tokens)). With it every request but those for health needs a token with a fitting scope; changes to the file are taken over within seconds.",
    ),
    known(
        "http.insecure-open",
        Switch,
        "false",
        "Allows to listen beyond loopback. A setting of its own, so that nobody does it by accident.",
    ),
    optional(
        "secrets.keys[].id",
        KeyId,
        "The name of the key in sealed values: up to 32 of `a`-`z`, `0`-`9` and `-`, such as `prod-2026a`. Exactly the key that a value names is tried, so that an id is never used for another key.",
    ),
    optional(
        "secrets.keys[].file",
        File,
        "The file with the key, as `layerd keygen --out` makes it; nobody else may read it ([security.md](security.md#keys)). A file, because it can be exchanged while the server runs and shows up in no process list. This, `value` or `pass-phrase-file`.",
    ),
    optional(
        "secrets.keys[].value",
        KeyText,
        "The key itself, `layerdkey_` and 48 characters. For the environment; in a file that people read, `file` is the better place.",
    ),
    optional(
        "secrets.keys[].pass-phrase-file",
        File,
        "The file with a pass phrase of at least 16 characters, of which argon2id makes the key. For people who must remember it; a random key is stronger.",
    ),
    optional(
        "secrets.encrypt-with",
        KeyId,
        "The id of the key that seals new values; the others only open. Without it the first key.",
    ),
    known(
        "secrets.on-failure",
        Choice(&["pin", "invalid", "leave"], &[]),
        "pin",
        "What is served where a sealed value does not open. `pin`: the services that hold it stay at the last commit at which it opened, because a weaker layer's password would otherwise win silently. `invalid`: `invalid.<key>` in its place, as Spring does. `leave`: the sealed text, for clients that open it themselves.",
    ),
    known(
        "secrets.decrypt",
        Switch,
        "false",
        "Lets `/decrypt` answer. Off, because whoever may ask it can read every secret of the repository; `layerd decrypt` opens values where the key is.",
    ),
    optional(
        "secrets.spring.key",
        Credential,
        "The pass phrase that Spring calls `encrypt.key`, to open what Spring sealed. For the environment; in a file that people read, `key-file` is the better place.",
    ),
    optional("secrets.spring.key-file", File, "The file with that pass phrase; nobody else may read it."),
    known(
        "secrets.spring.salt",
        Salt,
        "deadbeef",
        "What Spring calls `encrypt.salt`, an even number of hexadecimal digits. The default is Spring's, so that what it sealed opens here.",
    ),
    known("limits.file", size(GIB), "1MiB", "Bytes of one configuration file. Larger ones are data."),
    known("limits.files", number(10_000_000), "100000", "Files in one commit."),
    known("limits.depth", number(128), "64", "Nesting of maps and lists in one file."),
    known(
        "limits.nodes",
        number(100_000_000),
        "500000",
        "Values in one file, aliases expanded, because a few lines of aliases can stand for billions.",
    ),
    known("limits.documents", number(100_000), "100", "Documents in one file."),
    known("limits.body", size(GIB), "64KiB", "Bytes of a request's body. A refresh takes no notice of its own."),
    known("limits.path", size(MIB), "4KiB", "Bytes of a request's path and query."),
    known("limits.headers", size(16 * MIB), "16KiB", "Bytes of a request's headers."),
    known(
        "limits.header-time",
        time(1, HOUR),
        "10s",
        "From the first byte of a request to the last of its headers, because slow senders would hold connections for nothing.",
    ),
    known(
        "limits.idle-time",
        time(1, DAY),
        "75s",
        "A connection without a request. Longer than the minute after which proxies usually give up, so that they are the ones to close.",
    ),
    known("limits.connections", number(1_000_000), "20000", "Connections at once."),
    known(
        "limits.answer",
        size(GIB),
        "16MiB",
        "Bytes of one answer, counted while it is made, because placeholders and long names can make gigabytes of a small file.",
    ),
    known("limits.answers", size(1024 * GIB), "64MiB", "Memory for spelled answers, the least used ones are dropped."),
    known("limits.snapshots", number(100_000), "64", "Commits kept in memory."),
    known(
        "limits.cold",
        number(256),
        "4",
        "Requests that read the local mirror at once, for a label or a commit that is not in memory.",
    ),
    known(
        "telemetry.log",
        Directives,
        "info",
        "A level (`error`, `warn`, `info`, `debug`, `trace`), or levels by part: `info,layerd::source=debug`.",
    ),
    known(
        "telemetry.format",
        Choice(&["auto", "human", "json"], &[]),
        "auto",
        "`human` for people, `json` for machines. `auto` is human on a terminal and JSON elsewhere, because that is who reads there.",
    ),
    optional(
        "state",
        Folder,
        "The folder where mirrors live. Without it `layerd` below `$XDG_STATE_HOME` or `~/.local/state`, else `/var/lib/layerd`, because that is where programs keep what outlives a restart.",
    ),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_is_there_once_and_none_is_a_group_as_well() {
        for (index, known) in KNOWN.iter().enumerate() {
            assert!(KNOWN[..index].iter().all(|earlier| earlier.name != known.name), "{}", known.name);
            assert!(!is_group(known.name), "{}", known.name);
            assert_eq!(not_available(known.name), None);
        }
    }

    #[test]
    fn groups_are_what_names_begin_with() {
        for group in [
            "sources",
            "sources[]",
            "sources[].credentials",
            "http",
            "secrets",
            "secrets.keys[]",
            "limits",
            "telemetry",
        ] {
            assert!(is_group(group), "{group}");
        }
        assert!(!is_group("source"));
        assert!(!is_group("http.listen"));
    }

    #[test]
    fn what_other_versions_know_is_covered_with_all_below_it() {
        assert_eq!(not_available("access.users"), Some("access.users"));
        assert_eq!(not_available("limits.watchers"), Some("limits.watchers"));
        assert_eq!(not_available("accessx"), None);
    }

    #[test]
    fn every_index_is_that_of_a_known_list() {
        for known in KNOWN.iter().filter(|known| known.name.contains("[]")) {
            assert_eq!(list_of(known.name).map(str::len), known.name.find("[].").map(|at| at + 2), "{}", known.name);
        }
        assert_eq!(list("secrets.keys"), Some(KEYS));
        assert_eq!(list("secrets"), None);
        assert_eq!(list_of("sourcesx"), None);
    }
}
