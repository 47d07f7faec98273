//! Settings files, variables and flags as users write them, and the whole text of what they get.

use std::path::PathBuf;

use super::*;
use crate::secret::key::{Key, KeyId};
use crate::snapshot::OnFailure;

const HOME: (&str, &str) = ("HOME", "/home/u");

fn environment(variables: &[(&str, &str)]) -> Environment {
    let variables = variables.iter().chain([&HOME]).map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    Environment { variables: variables.collect(), directory: PathBuf::from("/here") }
}

/// Loads as `layerd serve --settings conf/layerd.yaml` with these flags would.
fn load_all(file: &str, variables: &[(&str, &str)], flags: Flags) -> Result<Loaded, Refusal> {
    let flags = Flags { settings: Some("conf/layerd.yaml".to_owned()), ..flags };
    resolve(&flags, Some(file.as_bytes()), &environment(variables), Purpose::Serve, Inputs::default())
}

fn good(file: &str, variables: &[(&str, &str)], flags: Flags) -> Settings {
    load_all(file, variables, flags).unwrap_or_else(|refusal| panic!("{refusal}")).settings
}

fn refusal(file: &str) -> String {
    load_all(file, &[], Flags::default()).unwrap_err().to_string()
}

fn dir(name: &str) -> Flags {
    Flags::default().with("sources[].dir", name)
}

#[test]
fn defaults_are_those_of_the_parts() {
    let settings = good("", &[], dir("config-repo"));
    assert_eq!(settings.http, http::Settings::default());
    assert_eq!(settings.telemetry, telemetry::Settings::default());
    let limits =
        Limits { format: format::Limits::default(), files: 100_000, answers: 64 << 20, snapshots: 64, cold: 4 };
    assert_eq!(settings.limits, limits);
    assert_eq!(settings.semantics, Semantics::Native);
    assert_eq!(settings.secrets, SecretSettings::default());
    assert_eq!(settings.state, PathBuf::from("/home/u/.local/state/layerd"));
    let source = SourceSettings {
        name: "config".to_owned(),
        place: Place::Dir(PathBuf::from("/here/config-repo")),
        label: None,
        labels: vec!["*".to_owned()],
        path: String::new(),
        search_paths: SearchPaths::default(),
        search_paths_written: vec!["{application}".to_owned()],
        locations: Vec::new(),
        locations_only: false,
        ignore: Vec::new(),
        fixed: crate::snapshot::own::Fixed::default(),
        matches: vec!["*".to_owned()],
        joins_next: false,
        schemas: Mode::Warn,
        refresh: Duration::from_secs(30),
        depth: None,
        fetch_time: crate::source::fetch::Limits::default().time,
        fetch_size: crate::source::fetch::Limits::default().bytes,
        credentials: CredentialSettings::default(),
    };
    assert_eq!(settings.sources, [source]);
}

const EVERYTHING: &str = r#"
semantics: native
sources:
  - name: team
    git: https://git.example.org/team/config.git
    label: "1.0"
    labels: [main, "release/*"]
    path: config/
    search-paths: ["{application}", shared]
    ignore: ["charts/**"]
    match: ["*"]
    refresh: 1m30s
    credentials: { username: x, password-file: git-password }
secrets:
  keys: [{ id: new, file: keys/new }, { id: old, pass-phrase-file: /old }]
  encrypt-with: old
  on-failure: invalid
  decrypt: true
  spring: { key-file: spring, salt: 0Aff }
http: { listen: "[::]:8080", prefix: /config, insecure-open: true }
limits:
  file: 2MiB
  files: 5
  depth: 12
  nodes: 13
  documents: 14
  body: 15
  path: 16KiB
  headers: 17KiB
  header-time: 18s
  idle-time: 1h
  connections: 20
  watchers: 24
  answer: 21MiB
  answers: 1GiB
  snapshots: 22
  cold: 23
telemetry: { log: "info,layerd::source=debug", format: json }
state: ../state
webhooks: { secrets: [{ kind: github, secret-file: hook }] }
"#;

#[test]
fn a_file_may_say_everything() {
    let loaded = load_all(EVERYTHING, &[], Flags::default()).unwrap_or_else(|refusal| panic!("{refusal}"));
    let expected = "\
semantics: native  # conf/layerd.yaml:2:12, also over `.layerd.yaml`
sources:
  - name: team  # conf/layerd.yaml:4:11
    git: https://git.example.org/team/config.git  # conf/layerd.yaml:5:10
    label: '1.0'  # conf/layerd.yaml:6:12
    labels: [\"main\", \"release/*\"]  # conf/layerd.yaml:7:13
    path: config/  # conf/layerd.yaml:8:11, also over `.layerd.yaml`
    search-paths: [\"{application}\", \"shared\"]  # conf/layerd.yaml:9:19, also over `.layerd.yaml`
    ignore: [\"charts/**\"]  # conf/layerd.yaml:10:13, also over `.layerd.yaml`
    match: [\"*\"]  # conf/layerd.yaml:11:12
    schemas: warn  # default
    refresh: 90s  # conf/layerd.yaml:12:14
    fetch-time: 1m  # default
    fetch-size: 2GiB  # default
    credentials:
      username: x  # conf/layerd.yaml:13:30
      password-file: /here/conf/git-password  # conf/layerd.yaml:13:48
http:
  listen: '[::]:8080'  # conf/layerd.yaml:20:17
  prefix: /config  # conf/layerd.yaml:20:38
  insecure-open: true  # conf/layerd.yaml:20:62
audit:
  stdout: false  # default
  on-failure: alert  # default
secrets:
  keys:
    - id: new  # conf/layerd.yaml:15:16
      file: /here/conf/keys/new  # conf/layerd.yaml:15:27
    - id: old  # conf/layerd.yaml:15:45
      pass-phrase-file: /old  # conf/layerd.yaml:15:68
  encrypt-with: old  # conf/layerd.yaml:16:17
  on-failure: invalid  # conf/layerd.yaml:17:15
  decrypt: true  # conf/layerd.yaml:18:12
  spring:
    key-file: /here/conf/spring  # conf/layerd.yaml:19:23
    salt: 0Aff  # conf/layerd.yaml:19:37
webhooks:
  secrets:
    - kind: github  # conf/layerd.yaml:40:31
      secret-file: /here/conf/hook  # conf/layerd.yaml:40:52
limits:
  file: 2MiB  # conf/layerd.yaml:22:9
  files: 5  # conf/layerd.yaml:23:10
  depth: 12  # conf/layerd.yaml:24:10
  nodes: 13  # conf/layerd.yaml:25:10
  documents: 14  # conf/layerd.yaml:26:14
  body: 15B  # conf/layerd.yaml:27:9
  path: 16KiB  # conf/layerd.yaml:28:9
  headers: 17KiB  # conf/layerd.yaml:29:12
  header-time: 18s  # conf/layerd.yaml:30:16
  idle-time: 1h  # conf/layerd.yaml:31:14
  connections: 20  # conf/layerd.yaml:32:16
  watchers: 24  # conf/layerd.yaml:33:13
  answer: 21MiB  # conf/layerd.yaml:34:11
  answers: 1GiB  # conf/layerd.yaml:35:12
  snapshots: 22  # conf/layerd.yaml:36:14
  cold: 23  # conf/layerd.yaml:37:9
telemetry:
  log: info,layerd::source=debug  # conf/layerd.yaml:38:19
  format: json  # conf/layerd.yaml:38:56
state: /here/conf/../state  # conf/layerd.yaml:39:8
";
    assert_eq!(loaded.to_yaml(), expected);
    let mut again = good(&loaded.to_yaml(), &[], Flags::default());
    // What is spelled out is set, also where it is a default.
    assert!(again.sources[0].fixed.schemas && !loaded.settings.sources[0].fixed.schemas);
    again.sources[0].fixed = loaded.settings.sources[0].fixed;
    assert_eq!(again, loaded.settings);
}

#[test]
fn a_later_giver_wins_and_is_named() {
    let file = "sources: [{ git: https://file/x, label: file }]\nhttp: { listen: 127.0.0.1:1 }\nlimits: { cold: 1 }\n";
    let variables = [
        ("LAYERD_HTTP__LISTEN", "127.0.0.1:2"),
        ("LAYERD_LABEL", "variable"),
        ("LAYERD_LIMITS__COLD", "2"),
        ("LAYERD_GIT_TOKEN", "hunter2"),
    ];
    let flags = Flags::default().with("http.listen", "127.0.0.1:3").with("state", "st");
    let loaded = load_all(file, &variables, flags).unwrap_or_else(|refusal| panic!("{refusal}"));
    let shown = loaded.to_yaml();
    let given: Vec<_> = shown.lines().map(str::trim).filter(|line| !line.ends_with("# default")).collect();
    assert_eq!(
        given,
        [
            "sources:",
            "git: https://file/x  # conf/layerd.yaml:1:18",
            "label: variable  # LAYERD_LABEL",
            "credentials:",
            r#"token: "***"  # LAYERD_GIT_TOKEN"#,
            "http:",
            "listen: 127.0.0.1:3  # --listen",
            "audit:",
            "secrets:",
            "spring:",
            "limits:",
            "cold: 2  # LAYERD_LIMITS__COLD",
            "telemetry:",
            "state: /here/st  # --state",
        ]
    );
    assert_eq!(loaded.settings.sources[0].credentials.token.as_ref().map(SecretString::expose), Some("hunter2"));
    assert!(!format!("{:?}", loaded.settings).contains("hunter2"));
}

#[test]
fn a_place_on_the_command_line_replaces_the_sources_of_the_file_but_not_the_token() {
    let file = "sources: [{ git: https://file/x, label: file, refresh: 5s }]";
    let token = [("LAYERD_GIT_TOKEN", "t"), ("LAYERD_GIT", "https://variable/x")];
    let flags = Flags::default().with("sources[].git", "https://flag/x");
    let source = good(file, &token, flags).sources.remove(0);
    assert_eq!(source.place, Place::Git("https://flag/x".to_owned()));
    assert_eq!((source.label, source.refresh), (None, Duration::from_secs(30)));
    assert_eq!(source.credentials.token.as_ref().map(SecretString::expose), Some("t"));

    let folder = good(file, &token, dir(".")).sources.remove(0);
    assert_eq!(folder.place, Place::Dir(PathBuf::from("/here")));
}

#[test]
fn a_variable_moves_a_source_of_the_file_and_keeps_the_rest_of_it() {
    let file = "sources: [{ dir: repo, search-paths: [shared], credentials: { token-file: t } }]";
    let variables = [("LAYERD_GIT", "https://variable/x"), ("LAYERD_GIT_TOKEN", "t")];
    let source = good(file, &variables, Flags::default()).sources.remove(0);
    assert_eq!(source.place, Place::Git("https://variable/x".to_owned()));
    assert_eq!(source.search_paths_written, ["shared"]);
    assert_eq!(source.credentials.token_file, None);
}

#[test]
fn nothing_given_is_what_an_empty_value_says() {
    let file = "sources: [{ dir: repo, label: , path: '', credentials: { token: '' } }]\nhttp:\nlimits: { cold: }\n";
    let settings = good(file, &[("LAYERD_LABEL", "")], Flags::default());
    assert_eq!(settings.sources[0].label, None);
    assert_eq!(settings.sources[0].credentials, CredentialSettings::default());
    assert_eq!(settings.limits.cold, 4);
}

#[test]
fn every_row_sets_a_member_of_what_is_built() {
    let loaded = load_all(EVERYTHING, &[], Flags::default()).unwrap_or_else(|refusal| panic!("{refusal}"));
    let lost: Vec<&str> = table::rows().filter(|row| !loaded.inputs.has_built(row)).map(|row| row.name).collect();
    assert_eq!(lost, [""; 0], "nothing reads what these set");
}

#[test]
fn dotted_keys_are_settings_too() {
    let settings = good("http.listen: 127.0.0.1:0\nlimits.cold: 9\n", &[], dir("x"));
    assert_eq!((settings.http.listen.port(), settings.limits.cold), (0, 9));
}

#[test]
fn all_mistakes_are_told_together_each_with_its_origin() {
    let file = r#"
semantics: summer
sources:
  - dir: repo
    serch-paths: [shared]
    search-paths: [ok, ../up]
    labels: main
    refresh: 500ms
    match: [user-*, /prod]
    join: next
    credentials: { token: a, token-file: b, ssh-key-fil: c }
htpp: { listen: 1 }
http: { listen: 0.0.0.0:80, insecure-open: yes }
limits: { depth: 129, file: 0, body: -1, answers: 99999999999999999999, header-time: 10 }
listen: 127.0.0.1:80
access: { jwt: [] }
telemetry: [json]
"#;
    let variables = [("LAYERD_LIMITS__COLD", "many"), ("LAYERD_HTTPS__LISTEN", "x")];
    let flags = Flags::default().with("state", "");
    let expected = "\
warning: LAYERD_HTTPS__LISTEN: `LAYERD_HTTPS__LISTEN` is no setting; it has no effect
hint: did you mean `LAYERD_HTTP__LISTEN`?
error: conf/layerd.yaml:2:12: `semantics` is `summer`, but takes `native` or `spring`
error: conf/layerd.yaml:5:5: `sources[0].serch-paths` is no setting
hint: did you mean `sources[0].search-paths`?
error: conf/layerd.yaml:6:24: `sources[0].search-paths` holds no search path: `../up` leaves the repository
error: conf/layerd.yaml:7:13: `sources[0].labels` is `main`, but takes a list
hint: write it as `[one, two]`
error: conf/layerd.yaml:8:14: `sources[0].refresh` is `500ms`, but takes a duration from 1s to 30d
hint: write it as `500ms`, `30s`, `1m30s` or `1h`
error: conf/layerd.yaml:9:21: `sources[0].match` holds `/prod` is no pattern: there is nothing before or after its `/`
error: conf/layerd.yaml:11:45: `sources[0].credentials.ssh-key-fil` is no setting
hint: did you mean `sources[0].credentials.ssh-key-file`?
error: conf/layerd.yaml:12:1: `htpp` is no setting
hint: did you mean `http`?
error: conf/layerd.yaml:13:44: `http.insecure-open` is `yes`, but takes `true` or `false`
error: conf/layerd.yaml:14:18: `limits.depth` is 129, but takes a number from 1 to 128
error: conf/layerd.yaml:14:29: `limits.file` is 0, but takes a size from 1B to 1GiB
hint: write it as `64KiB`, `1MiB` or a number of bytes
error: conf/layerd.yaml:14:38: `limits.body` is -1, but takes a size from 1B to 1GiB
hint: write it as `64KiB`, `1MiB` or a number of bytes
error: conf/layerd.yaml:14:51: `limits.answers` is 99999999999999999999, but takes a size from 1B to 1024GiB
hint: write it as `64KiB`, `1MiB` or a number of bytes
error: conf/layerd.yaml:14:86: `limits.header-time` is 10, but takes a duration from 1ms to 1h
hint: write it as `500ms`, `30s`, `1m30s` or `1h`
error: conf/layerd.yaml:15:1: `listen` is no setting
hint: did you mean `http.listen`?
error: conf/layerd.yaml:16:11: `access.jwt` is not available in this version
error: conf/layerd.yaml:17:12: `telemetry` takes a map of settings
error: LAYERD_LIMITS__COLD: `limits.cold` is `many`, but takes a number from 1 to 256
error: --state: `state` is empty, but takes a path
error: conf/layerd.yaml:11:42: `sources[0].credentials.token-file` is given beside `sources[0].credentials.token` (conf/layerd.yaml:11:27)
hint: keep one of the two
error: conf/layerd.yaml:10:11: `sources[0].join` has no source behind it to join
error: conf/layerd.yaml:13:17: `http.listen` is 0.0.0.0:80, which others can reach, without authentication and TLS
hint: if they may read everything, add `http: { insecure-open: true }` to the settings file, or `--insecure-open`";
    assert_eq!(load_all(file, &variables, flags).unwrap_err().to_string(), expected);
}

#[test]
fn no_source_at_all_says_how_to_name_one() {
    let expected = "error: there is no source to serve\nhint: run `layerd serve DIR` or `layerd serve --git URL`, \
                    or name one under `sources` in the settings file";
    assert_eq!(refusal(""), expected);
    assert_eq!(refusal("sources: []"), expected);
    let shown = resolve(&Flags::default(), None, &environment(&[]), Purpose::Show, Inputs::default());
    assert!(shown.is_ok_and(|loaded| loaded.settings.sources.is_empty()));
}

#[test]
fn a_source_without_a_place_or_a_name_of_its_own_is_a_mistake() {
    assert_eq!(
        refusal("sources:\n  - name: a\n  - dir: b\n"),
        "error: conf/layerd.yaml:2:5: `sources[0]` has neither `git` nor `dir`\n\
         hint: add `git:` with the URL of a repository, or `dir:` with a folder"
    );
    let second = load_all("sources: [{ dir: a }]", &[("LAYERD_SOURCES__1__GIT", "x")], Flags::default());
    assert_eq!(
        second.unwrap_err().to_string(),
        "error: LAYERD_SOURCES__1__GIT: `sources[1]` is called `config`, as `sources[0]` is\n\
         hint: give each source a `name` of its own"
    );
    assert_eq!(
        refusal("sources:\n  - { name: a, dir: b }\n  - { name: b }\n  - { name: a, dir: c, join: next }\n"),
        "error: conf/layerd.yaml:3:5: `sources[1]` has neither `git` nor `dir`\n\
         hint: add `git:` with the URL of a repository, or `dir:` with a folder\n\
         error: conf/layerd.yaml:4:13: `sources[2]` is called `a`, as `sources[0]` is\n\
         hint: give each source a `name` of its own\n\
         error: conf/layerd.yaml:4:30: `sources[2].join` has no source behind it to join"
    );
}

#[test]
fn two_places_given_in_one_way_are_a_mistake() {
    let both = dir("a").with("sources[].git", "https://h/x");
    assert_eq!(
        load_all("", &[], both).unwrap_err().to_string(),
        "error: DIR: `sources[0].dir` is given beside `sources[0].git` (--git)\nhint: keep one of the two"
    );
}

#[test]
fn shapes_that_are_no_settings_are_told_at_their_place() {
    assert_eq!(
        refusal("sources: { dir: a }"),
        "error: conf/layerd.yaml:1:10: `sources` takes a list\nhint: put `- ` before the first key of each item"
    );
    assert_eq!(refusal("sources: [a]"), "error: conf/layerd.yaml:1:11: `sources[0]` takes a map of settings");
    assert_eq!(
        refusal("sources: [{ dir: a }]\n---\nhttp: {}\n"),
        "error: conf/layerd.yaml:3:1: a settings file holds one document; a second one begins here"
    );
    assert_eq!(
        refusal("sources: [{ dir: a }]\nhttp: !replace { }\n"),
        "error: conf/layerd.yaml:2:16: `http` has a tag, which means nothing in settings"
    );
}

#[test]
fn a_file_that_is_no_yaml_is_told_with_line_and_column_and_nothing_else() {
    let told = refusal("http:\n\tlisten: x\n");
    assert!(told.starts_with("error: conf/layerd.yaml:2:1: "), "{told}");
    assert_eq!(told.matches("error: ").count(), 1, "{told}");
    let twice = refusal("http: {}\nhttp: {}\n");
    assert!(twice.starts_with("error: conf/layerd.yaml:2:1: the key `http` is given twice"), "{twice}");
}

#[test]
fn a_file_that_is_not_there_is_told_with_its_flag() {
    let flags = Flags { settings: Some("missing.yaml".to_owned()), ..Flags::default() };
    let told = load(&flags, &environment(&[]), Purpose::Serve).unwrap_err().to_string();
    assert_eq!(told, "error: --settings: `missing.yaml` cannot be read: No such file or directory (os error 2)");
}

#[test]
fn loopback_needs_no_permission_and_everything_else_does() {
    for fine in ["127.0.0.1:1", "127.9.9.9:1", "[::1]:1", "[::ffff:127.0.0.1]:1", "localhost:1"] {
        let flags = dir("x").with("http.listen", fine);
        assert!(load_all("", &[], flags).is_ok(), "{fine}");
    }
    for open in ["0.0.0.0:1", "[::]:1", "10.0.0.1:1", "[::ffff:10.0.0.1]:1"] {
        let closed = dir("x").with("http.listen", open);
        assert!(load_all("", &[], closed.clone()).is_err(), "{open}");
        assert!(load_all("", &[], closed.with("http.insecure-open", "true")).is_ok(), "{open}");
    }
}

#[test]
fn the_example_in_the_repository_is_a_settings_file() {
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/layerd.yaml");
    let flags = Flags { settings: Some(file.to_owned()), ..Flags::default() };
    let loaded = load(&flags, &environment(&[]), Purpose::Serve).unwrap_or_else(|refusal| panic!("{refusal}"));
    assert_eq!(loaded.settings.limits.cold, 4);
}

#[test]
fn no_debug_text_holds_a_password() {
    let flags = Flags::default().with("sources[].git", "https://u:hunter2@h/x");
    let variables = [("LAYERD_SOURCES__0__CREDENTIALS__PASSWORD", "hunter2")];
    let loaded = load_all("", &variables, flags).unwrap_or_else(|refusal| panic!("{refusal}"));
    let told = format!("{:?}\n{}", loaded.settings, loaded.to_yaml());
    assert!(!told.contains("hunter2"), "{told}");
    assert!(told.contains(r#"Git("https://***@h/x")"#), "{told}");
}

#[test]
fn several_sources_are_shown_as_a_file_that_says_the_same() {
    let file = "sources:\n  - { name: a, dir: a, match: [x], join: next, credentials: { username: u } }\n  - { name: b, dir: b }\n";
    let shown = load_all(file, &[], Flags::default()).unwrap().to_yaml();
    let again = load_all(&shown, &[], Flags::default()).unwrap_or_else(|refusal| panic!("{refusal}\n{shown}"));
    let without_origins = |text: &str| {
        text.lines().map(|line| line.split("  # ").next().unwrap_or_default().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(without_origins(&shown), without_origins(&again.to_yaml()));
    assert_eq!(again.settings.sources.len(), 2);
    assert!(again.settings.sources[0].joins_next && !again.settings.sources[1].joins_next);
    assert_eq!(again.settings.sources[1].credentials, CredentialSettings::default());
}

/// The text of a key that no documentation shows.
const KEY: &str = "layerdkey_BwgLEBcgKzhHWGuAl7DL6AcoS3CXwOsYR3ir4BdQi8hKwsvO";

fn secrets(file: &str, variables: &[(&str, &str)]) -> SecretSettings {
    good(file, variables, dir("x")).secrets
}

#[test]
fn keys_are_in_files_variables_and_pass_phrases() {
    let file =
        "secrets: { keys: [{ id: new, file: k/new }, { id: 'old', pass-phrase-file: /old }], on-failure: leave }";
    let variables = [
        ("LAYERD_SECRETS__KEYS__7__ID", "env"),
        ("LAYERD_SECRETS__KEYS__7__VALUE", KEY),
        ("LAYERD_SECRETS__ENCRYPT_WITH", "env"),
        ("LAYERD_SECRETS__DECRYPT", "true"),
        ("LAYERD_SECRETS__SPRING__KEY", "phrase"),
    ];
    let key = |index, id, place| KeySettings { index, id: KeyId::new(id).unwrap(), place };
    let expected = SecretSettings {
        keys: vec![
            key(0, "new", KeyPlace::File(PathBuf::from("/here/conf/k/new"))),
            key(1, "old", KeyPlace::PassPhraseFile(PathBuf::from("/old"))),
            key(7, "env", KeyPlace::Value(Key::from_text(KEY).unwrap())),
        ],
        encrypt_with: Some(KeyId::new("env").unwrap()),
        on_failure: OnFailure::Leave,
        decrypt: true,
        spring: Some(SpringSettings {
            phrase: PhrasePlace::Value(SecretString::new("phrase")),
            salt: "deadbeef".to_owned(),
        }),
    };
    assert_eq!(secrets(file, &variables), expected);
    let in_force = secrets("", &[]);
    assert_eq!((in_force.on_failure, in_force.decrypt, in_force.is_empty()), (OnFailure::Pin, false, true));
}

#[test]
fn a_variable_takes_the_place_of_the_key_of_the_file_and_is_starred() {
    let file = "secrets: { keys: [{ id: a, file: k }], spring: { key-file: s } }";
    let variables = [("LAYERD_SECRETS__KEYS__0__VALUE", KEY), ("LAYERD_SECRETS__SPRING__KEY", "hunter2")];
    let loaded = load_all(file, &variables, dir("x")).unwrap_or_else(|refusal| panic!("{refusal}"));
    assert_eq!(loaded.settings.secrets.keys[0].place, KeyPlace::Value(Key::from_text(KEY).unwrap()));
    let told = format!("{:?}\n{}", loaded.settings, loaded.to_yaml());
    assert!(!told.contains("layerdkey_") && !told.contains("hunter2"), "{told}");
    let expected = "\
secrets:
  keys:
    - id: a  # conf/layerd.yaml:1:25
      value: \"***\"  # LAYERD_SECRETS__KEYS__0__VALUE
  on-failure: pin  # default
  decrypt: false  # default
  spring:
    key: \"***\"  # LAYERD_SECRETS__SPRING__KEY
    salt: deadbeef  # default
";
    assert!(told.contains(expected), "{told}");
}

#[test]
fn all_mistakes_about_keys_are_told_together_each_with_its_origin() {
    let file = r#"
sources: [{ dir: x }]
secrets:
  keys:
    - { id: Prod_1, file: a }
    - { file: b }
    - { id: two }
    - { id: two, file: c, pass-phrase-file: d }
    - { id: 2026, file: c }
    - { id: three, file: b, value: 7 }
    - { id: four, fil: b, value: layerdkey_bGF5ZXJkIGV4YW1wbGUga2V5OiBuZXZlciB1c2UgaXS6bUmr }
  encrypt-with: 1/2
  on-failure: ignore
  decrypt: maybe
  spring: { key: a, key-file: b, salt: abc }
"#;
    let expected = "\
error: conf/layerd.yaml:5:13: `secrets.keys[0].id` is `Prod_1`, but takes up to 32 of `a`-`z`, `0`-`9` and `-`
error: conf/layerd.yaml:9:13: `secrets.keys[4].id` is 2026, but takes text
hint: put it in quotes
error: conf/layerd.yaml:10:36: `secrets.keys[5].value` is something else, but takes text
hint: put it in quotes
error: conf/layerd.yaml:11:19: `secrets.keys[6].fil` is no setting
hint: did you mean `secrets.keys[6].file`?
error: conf/layerd.yaml:11:34: `secrets.keys[6].value` cannot be used: the key is the example of the documentation, which everybody has
hint: make a key with `layerd keygen`
error: conf/layerd.yaml:12:17: `secrets.encrypt-with` is `1/2`, but takes up to 32 of `a`-`z`, `0`-`9` and `-`
error: conf/layerd.yaml:13:15: `secrets.on-failure` is `ignore`, but takes `pin`, `invalid` or `leave`
error: conf/layerd.yaml:14:12: `secrets.decrypt` is `maybe`, but takes `true` or `false`
error: conf/layerd.yaml:15:40: `secrets.spring.salt` is `abc`, but takes an even number of hexadecimal digits
hint: it is what Spring calls `encrypt.salt`
error: conf/layerd.yaml:6:7: `secrets.keys[1]` has no `id`
hint: add `id:`, such as `prod-2026a`; sealed values name their key by it
error: conf/layerd.yaml:7:7: `secrets.keys[2]` has none of `file`, `value` and `pass-phrase-file`
hint: add `file:` with the path of a key that `layerd keygen --out` has made
error: conf/layerd.yaml:8:45: `secrets.keys[3].pass-phrase-file` is given beside `secrets.keys[3].file` (conf/layerd.yaml:8:24)
hint: keep one of the two
error: conf/layerd.yaml:8:13: `secrets.keys[3].id` is the same as `secrets.keys[2].id`
hint: give each key an id of its own
error: conf/layerd.yaml:10:26: `secrets.keys[5].file` is the same as `secrets.keys[1].file`
hint: give each id a key of its own
error: conf/layerd.yaml:15:31: `secrets.spring.key-file` is given beside `secrets.spring.key` (conf/layerd.yaml:15:18)
hint: keep one of the two";
    assert_eq!(refusal(file), expected);
}

#[test]
fn the_key_that_seals_is_one_of_the_keys() {
    let told = |secrets: &str| refusal(&format!("sources: [{{ dir: x }}]\nsecrets: {secrets}"));
    assert_eq!(
        told("{ encrypt-with: a }"),
        "error: conf/layerd.yaml:2:26: `secrets.encrypt-with` is `a`, which is the `id` of no key\n\
         hint: add the key to `secrets.keys`"
    );
    assert_eq!(
        told("{ encrypt-with: a, keys: [{ id: b, file: b }, { id: c, file: c }] }"),
        "error: conf/layerd.yaml:2:26: `secrets.encrypt-with` is `a`, which is the `id` of no key\n\
         hint: the keys are `b`, `c`"
    );
    let lost =
        "error: conf/layerd.yaml:2:35: `secrets.keys` takes a list\nhint: put `- ` before the first key of each item";
    assert_eq!(told("{ encrypt-with: a, keys: { id: a } }"), lost);
    assert_eq!(
        told("{ keys: [{ id: a, value: layerdkey_x }] }"),
        "error: conf/layerd.yaml:2:35: `secrets.keys[0].value` cannot be used: the key has 1 characters after `layerdkey_`, \
         where 48 are expected\nhint: make a key with `layerd keygen`"
    );
}

#[test]
fn a_salt_without_a_pass_phrase_is_warned_of() {
    let loaded = load_all("secrets: { spring: { salt: 00 } }", &[], dir("x"));
    assert!(loaded.is_err(), "a number is no text");
    let loaded = load_all("secrets: { spring: { salt: '00' } }", &[], dir("x")).unwrap();
    assert_eq!(loaded.settings.secrets, SecretSettings::default());
    let told: Vec<_> = loaded.warnings.iter().map(ToString::to_string).collect();
    assert_eq!(told, ["conf/layerd.yaml:1:28: `secrets.spring.salt` has no effect without `secrets.spring.key`"]);
}

#[test]
fn a_settings_file_with_a_secret_that_others_can_read_is_warned_of() {
    use std::os::unix::fs::PermissionsExt as _;

    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("settings");
    let told = |flag: &str, content: &str, mode: u32| {
        std::fs::write(&path, content).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
        let name = Some(path.to_str().unwrap().to_owned());
        let flags = match flag {
            "--settings" => Flags { settings: name, ..Flags::default() },
            _ => Flags { from_spring: name, ..Flags::default() },
        };
        let loaded = load(&flags, &environment(&[]), Purpose::Serve).unwrap_or_else(|refusal| panic!("{refusal}"));
        let warnings: Vec<_> = loaded.warnings.iter().map(ToString::to_string).collect();
        warnings.join("\n").replace(path.to_str().unwrap(), "FILE")
    };
    let url = "sources: [{ git: 'https://x:y@h/x' }]";
    let token = "sources: [{ git: 'ssh://git@h/x', credentials: { token-file: /t } }]";
    let spring = "{ spring.cloud.config.server.git.uri: https://h/x, encrypt.key: a-phrase }";
    let hint = "hint: `chmod 600` makes it private; in Kubernetes set `defaultMode: 0400` and, for a server that is not root, \
                `fsGroup`";
    assert_eq!(
        told("--settings", url, 0o644),
        format!(
            "FILE:1:18: `sources[0].git` holds a secret, and the file `FILE` can be read by others (mode 0644)\n{hint}"
        )
    );
    assert_eq!(
        told("--from-spring", spring, 0o604),
        format!(
            "FILE:1:65: `secrets.spring.key` holds a secret, and the file `FILE` can be read by others (mode 0604)\n{hint}"
        )
    );
    let fine = [("--settings", url, 0o600), ("--settings", token, 0o644), ("--from-spring", spring, 0o600)];
    assert_eq!(fine.map(|(flag, content, mode)| told(flag, content, mode)), [""; 3]);
}
