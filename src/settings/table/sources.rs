//! The rows of `sources`: where configuration comes from.

use crate::schema::Mode;
use crate::settings::kind::{
    Choice, Credential, DAY, GIB, GitUrl, HOUR, LocalPath, SECOND, count, free, globs, patterns, search_paths, size,
    source_name, time, within,
};
use crate::settings::row::{Row, optional, row};
use crate::settings::{Place, SourceSettings};

pub(super) const ROWS: &[Row] = &[
    row!(
        "sources[].name",
        source_name(),
        "config",
        "The name in metrics, logs and the status page.",
        |s: &mut SourceSettings, v| s.name = v,
    ),
    optional!(
        "sources[].git",
        GitUrl,
        "A Git repository: `http(s)://`, `ssh://`, `user@host:path`, `file://` or a path. Either this or `dir`. `{application}`, `{profile}` and `{label}` in its path stand for what is asked for: such sources are found when they are ([protocols.md](protocols.md#several-sources)).",
        |s: &mut SourceSettings, url| s.place = Place::Git(url),
    )
    .with_variable("LAYERD_GIT")
    .with_flag("--git", "URL", "The Git repository to serve"),
    optional!(
        "sources[].dir",
        LocalPath,
        "A folder, watched for edits. For development, and for mounted ConfigMaps.",
        |s: &mut SourceSettings, path| s.place = Place::Dir(path),
    )
    .with_flag("DIR", "DIR", "The folder to serve, watched for edits"),
    optional!(
        "sources[].label",
        free(),
        "The branch, tag or commit id that answers when a request names none. Without it `main`, else `master`, else what the remote calls its default, because that is where a reader would look.",
        |s: &mut SourceSettings, v| s.label = Some(v),
    )
    .with_variable("LAYERD_LABEL")
    .with_flag("--label", "LABEL", "The branch, tag or commit that answers when a request names none"),
    row!(
        "sources[].labels",
        globs(),
        r#"["*"]"#,
        "Branches and tags that may be asked for; `*` stands for any text, slashes included. All, because they are in the repository for a reason; narrow it where branches hold what not every reader may see.",
        |s: &mut SourceSettings, v| s.labels = v,
    ),
    row!(
        "sources[].path",
        within(),
        r#""""#,
        "The sub-folder that is the root, for configuration that lives beside other things.",
        |s: &mut SourceSettings, v| s.path = v,
    ),
    row!(
        "sources[].search-paths",
        search_paths(),
        r#"["{application}"]"#,
        "Folders that take part beside the root, weak to strong; `{application}` is the service's own.",
        |s: &mut SourceSettings, v| s.search_paths_written = v,
    ),
    row!(
        "sources[].ignore",
        globs(),
        "[]",
        "Paths of files that are not configuration although their names could be, such as `charts/**`.",
        |s: &mut SourceSettings, v| s.ignore = v,
    ),
    row!(
        "sources[].match",
        patterns(),
        r#"["*"]"#,
        "What the source answers for: `application` or `application/profile`, `*` stands for any text. Sources are tried in their order, and the first one that matches answers. All, because one source is the usual case.",
        |s: &mut SourceSettings, v| s.matches = v,
    ),
    optional!(
        "sources[].join",
        Choice(&[("next", true)]),
        "`next` lets the source behind this one take part in its answers where that matches too; this one wins. A part that does not know the label that is asked for takes part with its default.",
        |s: &mut SourceSettings, v| s.joins_next = v,
    ),
    row!(
        "sources[].schemas",
        Choice(&[("off", Mode::Off), ("warn", Mode::Warn), ("enforce", Mode::Enforce)]),
        "warn",
        "What the JSON Schemas of the repository are worth ([schemas.md](schemas.md)). `warn`: what breaks one is told, and served. `enforce`: it is not served. Warn, because a schema that is stricter than what is in use must not take a service down on the day it is added.",
        |s: &mut SourceSettings, v| s.schemas = v,
    ),
    row!(
        "sources[].refresh",
        time(SECOND, 30 * DAY),
        "30s",
        "How often Git is asked for changes. Short enough to wait for without a webhook, long enough for the remote to tolerate many servers.",
        |s: &mut SourceSettings, v| s.refresh = v,
    ),
    row!(
        "sources[].fetch-time",
        time(1, HOUR),
        "1m",
        "How long one fetch may take, because one that takes longer is hanging more often than working. It is then ended with everything that it has started, and what was fetched before goes on being served. A remote that sends less than 20 kB in 20 seconds of waiting, and no sign that it is at work, is given up sooner.",
        |s: &mut SourceSettings, v| s.fetch_time = v,
    ),
    row!(
        "sources[].fetch-size",
        size(1024 * GIB),
        "2GiB",
        "Bytes that one fetch may receive, and that the mirror may take on disk, because a remote must not be able to fill it.",
        |s: &mut SourceSettings, v| s.fetch_size = v,
    ),
    optional!(
        "sources[].depth",
        count(1_000_000),
        "How many commits of each label are fetched, for repositories with a long history. Without it all. Commit ids further back are then unknown (404), and nothing that needs them works; a folder of this machine has no use for it and refuses it.",
        |s: &mut SourceSettings, v| s.depth = Some(v),
    ),
    optional!(
        "sources[].credentials.username",
        free(),
        "The user for a private repository.",
        |s: &mut SourceSettings, v| s.credentials.username = Some(v),
    ),
    optional!(
        "sources[].credentials.password",
        Credential,
        "The password itself. For the environment; in a file that people read, `password-file` is the better place.",
        |s: &mut SourceSettings, v| s.credentials.password = Some(v),
    ),
    optional!(
        "sources[].credentials.password-file",
        LocalPath,
        "The file with the password; nobody else may read it ([security.md](security.md#keys)). A file, read again at every fetch, because it can be exchanged while the server runs and shows up in no process list.",
        |s: &mut SourceSettings, v| s.credentials.password_file = Some(v),
    ),
    optional!(
        "sources[].credentials.token",
        Credential,
        "A token, in the place of user and password; also `LAYERD_GIT_TOKEN`.",
        |s: &mut SourceSettings, v| s.credentials.token = Some(v),
    )
    .with_variable("LAYERD_GIT_TOKEN"),
    optional!(
        "sources[].credentials.token-file",
        LocalPath,
        "The file with a token, read again at every fetch; nobody else may read it.",
        |s: &mut SourceSettings, v| s.credentials.token_file = Some(v),
    ),
    optional!(
        "sources[].credentials.ssh-key-file",
        LocalPath,
        "The private key for SSH, without a passphrase, readable for nobody else. Without it OpenSSH uses the keys of the user that the server runs as.",
        |s: &mut SourceSettings, v| s.credentials.ssh_key_file = Some(v),
    ),
    optional!(
        "sources[].credentials.known-hosts-file",
        LocalPath,
        "The host keys that SSH accepts, as `ssh-keyscan` prints them. Without it those that the user and the system know. A host that is not known is never trusted.",
        |s: &mut SourceSettings, v| s.credentials.known_hosts_file = Some(v),
    ),
    optional!(
        "sources[].credentials.ca-file",
        LocalPath,
        "The authorities that may vouch for an `https` remote, in PEM, in place of those of the system.",
        |s: &mut SourceSettings, v| s.credentials.ca_file = Some(v),
    ),
    optional!(
        "sources[].credentials.client-cert-file",
        LocalPath,
        "The certificate that the server shows to an `https` remote, in PEM. Nobody else may read the file if it holds the key as well.",
        |s: &mut SourceSettings, v| s.credentials.client_cert_file = Some(v),
    ),
    optional!(
        "sources[].credentials.client-key-file",
        LocalPath,
        "The key of that certificate, in PEM, readable for nobody else. Without it the key is in the same file.",
        |s: &mut SourceSettings, v| s.credentials.client_key_file = Some(v),
    ),
];
