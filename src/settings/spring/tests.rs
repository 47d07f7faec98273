//! Settings of Spring Cloud Config Servers as teams have them, and what becomes of each key.

use std::path::PathBuf;

use crate::settings::found::Found;
use crate::settings::{Environment, Flags, Loaded, Purpose, Refusal, Settings, resolve};
use crate::snapshot::OnFailure;

fn load(file: &str, flags: Flags) -> Result<Loaded, Refusal> {
    let flags = Flags { from_spring: Some("application.yml".to_owned()), ..flags };
    let environment = Environment {
        variables: [("HOME".to_owned(), "/home/u".to_owned())].into(),
        directory: PathBuf::from("/here"),
    };
    resolve(&flags, Some(file.as_bytes()), &environment, Purpose::Serve, Found::default())
}

fn good(file: &str) -> Settings {
    load(file, Flags::default()).unwrap_or_else(|refusal| panic!("{refusal}")).settings
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
        "the profile `vault` of the server may stand for a back end that is not there",
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
    let meant = load(file, Flags { insecure_open: true, ..Flags::default() }).unwrap().settings;
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
