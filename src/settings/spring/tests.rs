//! Settings of Spring Cloud Config Servers as teams have them, and what becomes of each key.

use std::path::PathBuf;

use crate::settings::inputs::Inputs;
use crate::settings::{Environment, Flags, Loaded, Purpose, Refusal, Settings, resolve};
use crate::snapshot::OnFailure;

fn load(file: &str, flags: Flags) -> Result<Loaded, Refusal> {
    load_with(file, flags, &[])
}

fn load_with(file: &str, flags: Flags, variables: &[(&str, &str)]) -> Result<Loaded, Refusal> {
    let flags = Flags { from_spring: Some("application.yml".to_owned()), ..flags };
    let variables = variables.iter().chain(&[("HOME", "/home/u")]);
    let environment = Environment {
        variables: variables.map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect(),
        directory: PathBuf::from("/here"),
    };
    resolve(&flags, Some(file.as_bytes()), &environment, Purpose::Serve, Inputs::default())
}

fn good(file: &str) -> Settings {
    load(file, Flags::default()).unwrap_or_else(|refusal| panic!("{refusal}")).settings
}

fn good_with(file: &str, variables: &[(&str, &str)]) -> Settings {
    load_with(file, Flags::default(), variables).unwrap_or_else(|refusal| panic!("{refusal}")).settings
}

fn told(file: &str) -> String {
    match load(file, Flags::default()) {
        Ok(loaded) => loaded.warnings.iter().map(|warning| format!("{warning}\n")).collect(),
        Err(refusal) => format!("{refusal}\n"),
    }
}

#[test]
fn a_git_back_end_is_taken_over_in_any_spelling() {
    let settings = good(
        "
server: {port: 8888}
encrypt: {key: foo, salt: c0ffee}
spring.cloud.config.server:
  prefix: /config
  accept-empty: false
  overrides: {a.b: 1, c: {d: x}}
  git:
    uri: https://git.example.org/config
    searchPaths: 'shared, {application}/{profile}'
    defaultLabel: develop
    refreshRate: 60
  health.repositories.orders: {name: orders, profiles: dev}
",
    );
    assert_eq!(settings.http.listen.to_string(), "127.0.0.1:8888");
    assert_eq!(settings.http.prefix, "/config");
    let source = &settings.sources[0];
    assert_eq!(source.locations, ["shared", "{application}/{profile}"]);
    assert_eq!((source.label.as_deref(), source.refresh.as_secs()), (Some("develop"), 60));
    let spring = &settings.spring;
    assert!(!spring.accept_empty && spring.try_master && spring.strip_document && !spring.health_details);
    let overrides: Vec<_> = spring.overrides.iter().map(|(key, text)| format!("{key}={text}")).collect();
    assert_eq!(overrides, ["a.b=1", "c.d=x"]);
    assert_eq!((&*spring.health[0].name, &*spring.health[0].profiles), ("orders", "dev"));
    assert_eq!(settings.secrets.spring.as_ref().map(|spring| spring.salt.as_str()), Some("c0ffee"));
    assert_eq!((settings.secrets.on_failure, settings.secrets.decrypt), (OnFailure::Invalid, true));
}

#[test]
fn folders_are_served_from_the_deepest_one_that_holds_them_all() {
    let settings = good(
        "
spring.profiles.active: native
spring.cloud.config.server.native:
  search-locations: [file:/srv/config/base/, 'optional:file:/srv/config/{application}', file:///srv/config/x/../y]
  version: v1
",
    );
    let source = &settings.sources[0];
    assert_eq!(format!("{:?}", source.place), "Dir(\"/srv/config\")");
    assert_eq!(source.locations, ["base", "{application}", "y", "base/{label}", "{application}/{label}", "y/{label}"]);
    assert_eq!(settings.spring.version.as_deref(), Some("v1"));
    assert_eq!(settings.spring.folder_label.as_deref(), Some("master"));
    let refused =
        told("{spring.profiles.active: native, spring.cloud.config.server.native.search-locations: classpath:/x}");
    assert!(refused.contains("the search location `classpath:/x` is no folder of this machine"), "{refused}");
}

#[test]
fn keys_without_effect_are_named_with_the_reason() {
    let file = "
spring.cloud.config.server.git: {uri: https://h/x, clone-on-start: true, force-pull: true}
management.metrics.enabled: true
other.thing: 1
";
    let expected = "\
application.yml:2:68: `spring.cloud.config.server.git.clone-on-start` has no effect: the repository is always fetched at the start
application.yml:2:86: `spring.cloud.config.server.git.force-pull` has no effect: there is no work tree that could be in the way
application.yml:3:29: `management.metrics.enabled` has no effect: other parts of a Spring application read it
application.yml:4:14: `other.thing` has no effect: nothing here reads it
";
    assert_eq!(told(file), expected);
}

#[test]
fn what_would_change_answers_or_weaken_protection_is_refused() {
    let file = "
spring.profiles.active: vault
spring.cloud.config.server.git: {uri: https://h/x, skip-ssl-validation: true, repos.a.uri: https://h/a}
encrypt.key-store.location: file:/x.p12
server.ssl.enabled: true
spring.security.user.password: x
";
    let refused = told(file);
    for part in [
        "the profile `vault` of the server makes a back end active that is not there",
        "`spring.cloud.config.server.git.skip-ssl-validation` is not available",
        "`spring.cloud.config.server.git.repos.a.uri` is not available",
        "`encrypt.key-store.location` is not available: key stores and RSA keys",
        "`server.ssl.enabled` is not available",
        "`spring.security.user.password` is not available",
    ] {
        assert!(refused.contains(part), "{part} is not in\n{refused}");
    }
    assert!(told("server.port: 1").contains("there is no source to serve"));
    assert!(told("a: [").contains("application.yml:1:"));
}

#[test]
fn beyond_loopback_the_door_opens_only_when_that_is_meant() {
    let file = "{server.address: 0.0.0.0, spring.cloud.config.server.git.uri: https://h/x}";
    assert!(told(file).contains("which others can reach"), "{}", told(file));
    let meant = load(file, Flags::default().with("http.insecure-open", "true")).unwrap().settings;
    assert_eq!(meant.http.listen.to_string(), "0.0.0.0:8080");
    assert!(!meant.secrets.decrypt, "whoever may ask could read every secret");
}

#[test]
fn sealed_values_stay_sealed_or_bare_where_the_settings_say_so() {
    let with =
        |line: &str| good(&format!("spring.cloud.config.server: {{git.uri: https://h/x, {line}}}")).secrets.on_failure;
    assert_eq!(with("encrypt.enabled: false"), OnFailure::Sealed);
    assert_eq!(with("encrypt.prefix-invalid-properties: false"), OnFailure::Bare);
}

#[test]
fn placeholders_are_filled_in_from_variables_and_the_file_itself() {
    let file = "
own: {branch: dev, deep: '${STAGE:test}'}
server.port: ${PORT:8888}
encrypt.key: ${ENC}
spring.cloud.config.server:
  prefix: ${NO_PREFIX:/cfg}
  overrides: {who: '${WHO}', kept: '\\${WHO}', left: '${client.side}'}
  git: {uri: '${config.repo}', default-label: '${BRANCH:${own.branch}}', search-paths: '${own.deep},x', refresh-rate: '${RATE:60}'}
";
    let settings =
        good_with(file, &[("ENC", "secret"), ("CONFIG_REPO", "https://h/x"), ("WHO", "me"), ("STAGE", "eu")]);
    assert_eq!((settings.http.listen.port(), settings.http.prefix.as_str()), (8888, "/cfg"));
    let source = &settings.sources[0];
    assert_eq!(format!("{:?}", source.place), "Git(\"https://h/x\")");
    assert_eq!((source.label.as_deref(), source.refresh.as_secs()), (Some("dev"), 60));
    assert_eq!(source.locations, ["eu", "x"]);
    assert!(settings.secrets.spring.is_some());
    let overrides: Vec<_> = settings.spring.overrides.iter().map(|(_, text)| &**text).collect();
    assert_eq!(overrides, ["me", "${WHO}", "${client.side}"]);
}

#[test]
fn a_placeholder_that_nothing_answers_is_refused_by_name_where_it_counts() {
    let refused = told(
        "
logging.level.root: ${LOG_LEVEL}
encrypt.key: ${ENC}
spring.cloud.config.server.git: {uri: https://h/x, default-label: '${A:${B}}', password: '${PW}', username: '${x}'}
x: ${x}
",
    );
    for part in [
        "application.yml:3:14: `encrypt.key` has the placeholder `${ENC}`, which nothing answers",
        "hint: set the variable `ENC`, or give a default: `${ENC:…}`",
        "git.default-label` has the placeholder `${B}`",
        "git.password` has the placeholder `${PW}`",
        "the placeholder `${x}` leads back to itself",
    ] {
        assert!(refused.contains(part), "{part} is not in\n{refused}");
    }
    assert!(!refused.contains("LOG_LEVEL"), "{refused}");
}

#[test]
fn documents_take_part_for_the_profiles_of_the_server() {
    let file = "
spring.profiles.active: ${STAGE:test}
spring.cloud.config.server.git: {uri: https://h/x, default-label: one, search-paths: [a, b]}
---
spring.config.activate.on-profile: prod
spring.cloud.config.server.git: {default-label: two, search-paths: [c]}
---
spring.config.activate.on-profile: '!prod'
server.port: 9999
";
    let settings = good(file);
    assert_eq!((settings.sources[0].label.as_deref(), settings.http.listen.port()), (Some("one"), 9999));
    for variable in ["STAGE", "SPRING_PROFILES_ACTIVE"] {
        let settings = good_with(file, &[(variable, "prod,security")]);
        assert_eq!((settings.sources[0].label.as_deref(), settings.http.listen.port()), (Some("two"), 8080));
        assert_eq!(settings.sources[0].locations, ["c"]);
    }
    let cloud = format!("{file}---\nspring.config.activate.on-cloud-platform: kubernetes\nserver.port: 1\n");
    assert!(told(&cloud).contains("it is not known here whether this document of a cloud platform takes part"));
}

#[test]
fn variables_that_spring_boot_reads_win_over_the_file() {
    let file =
        "{server.port: 1, encrypt.key: a, spring.cloud.config.server.git: {uri: https://h/x, defaultLabel: one}}";
    let variables = [
        ("SERVER_PORT", "8888"),
        ("SPRING_CLOUD_CONFIG_SERVER_GIT_DEFAULT_LABEL", "two"),
        ("SPRING_CLOUD_CONFIG_SERVER_GIT_SEARCHPATHS_0", "p"),
        ("SPRING_CLOUD_CONFIG_SERVER_GIT_CLONE_ON_START", "true"),
    ];
    let settings = good_with(file, &variables);
    assert_eq!((settings.sources[0].label.as_deref(), settings.http.listen.port()), (Some("two"), 8888));
    assert_eq!(settings.sources[0].locations, ["p"]);
    let native = "spring.cloud.config.server: {git.uri: https://h/x, native.search-locations: file:/srv/a}";
    let settings = good_with(native, &[("SPRING_PROFILES_ACTIVE", "native")]);
    assert!(format!("{:?}", settings.sources[0].place).starts_with("Dir"));
}

#[test]
fn what_is_not_active_or_holds_anyway_does_not_end_the_start() {
    let with = |line: &str| told(&format!("spring.cloud.config.server.git.uri: https://h/x\n{line}\n"));
    for line in ["native.searchLocations: file:///x", "vault.host: v", "composite[0].type: git", "jdbc.sql: x"] {
        let told = with(&format!("spring.cloud.config.server.{line}"));
        assert!(told.contains("has no effect: the back end `") && !told.contains("error"), "{told}");
    }
    for line in [
        "spring.cloud.config.server.git.skipSslValidation: false",
        "spring.cloud.config.server.git.strict-host-key-checking: true",
        "spring.cloud.config.server.git.clone_submodules: FALSE",
        "server.ssl.enabled: false",
        "server.servlet.context-path: /",
        "spring.profiles.active: 'git, security, local'",
        "spring.cloud.config.server.enabled: true",
    ] {
        assert_eq!(with(line), "", "{line}");
    }
    let idle = with("server.ssl: {enabled: false, key-store: x}");
    assert!(idle.contains("`server.ssl.key-store` has no effect: TLS is off"), "{idle}");
    assert!(with("spring.profiles.active: git,native").contains("together are a composite"));
}

#[test]
fn a_refusal_says_what_would_be_fine_and_what_was_probably_meant() {
    let with = |line: &str| told(&format!("spring.cloud.config.server.git.uri: https://h/x\n{line}\n"));
    for (line, part) in [
        ("spring.cloud.config.server.git.skip-ssl-validation: true", "hint: `false` would be fine"),
        (
            "spring.cloud.config.server.git.serch-paths: a",
            "did you mean `spring.cloud.config.server.git.search-paths`?",
        ),
        ("encrypt.kye: a", "did you mean `encrypt.key`?"),
        ("spring.cloud.config.server.git.refresh-rate: often", "`git.refresh-rate` is `often`, which is no number"),
        ("spring.cloud.config.server.accept-empty: maybe", "`acceptempty` is `maybe`"),
        ("server.port: http", "`server.port` is `http`, which is no port"),
        ("management.endpoint.health.show-details: sometimes", "show-details` is `sometimes`"),
        ("spring.config.import: file:./more.yml", "put its keys into this file"),
    ] {
        let told = with(line);
        assert!(told.contains("error") && told.contains(part), "{part} is not in\n{told}");
    }
}

#[test]
fn a_prefix_may_be_written_in_every_way_that_spring_takes() {
    let prefix = |lines: &str| good(&format!("spring.cloud.config.server.git.uri: https://h/x\n{lines}")).http.prefix;
    for written in ["config", "/config", "/config/", "config/", "//config//"] {
        assert_eq!(prefix(&format!("spring.cloud.config.server.prefix: {written}")), "/config", "{written}");
        assert_eq!(prefix(&format!("server.servlet.contextPath: {written}")), "/config", "{written}");
    }
    assert_eq!(prefix("spring.cloud.config.server.prefix: /a/b\nserver.servlet.context-path: /c"), "/c/a/b");
    assert_eq!(prefix("spring.cloud.config.server.prefix: /\nserver.servlet.context-path: ''"), "");
}

#[test]
fn a_refresh_rate_of_less_than_nothing_is_told() {
    let with = |rate: i32| format!("spring.cloud.config.server.git: {{uri: https://h/x, refresh-rate: {rate}}}");
    assert!(told(&with(-1)).contains("`git.refresh-rate` is never"), "{}", told(&with(-1)));
    assert_eq!(good(&with(-1)).sources[0].refresh.as_secs(), 30 * 86_400);
    assert_eq!((told(&with(0)), good(&with(0)).sources[0].refresh.as_secs()), (String::new(), 30));
}
