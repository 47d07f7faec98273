//! Tests of the settings of access control.

use crate::access::password::{PasswordHash, SALT};
use crate::access::{Action, Verb};
use crate::settings::inputs::Inputs;
use crate::settings::{Environment, Flags, Loaded, Purpose, resolve};

fn load(yaml: &str, variables: &[(&str, &str)]) -> Result<Loaded, String> {
    let variables = variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    let environment = Environment { variables, directory: "/base".into() };
    let flags = Flags { settings: Some("layerd.yaml".to_owned()), ..Flags::default() };
    let loaded = resolve(&flags, Some(yaml.as_bytes()), &environment, Purpose::Show, Inputs::default());
    loaded.map_err(|refusal| refusal.to_string())
}

fn hash() -> String {
    PasswordHash::of("secret", &[1; SALT]).to_string()
}

#[test]
fn users_have_what_their_roles_grant() {
    let yaml = format!(
        "access:\n  roles:\n    operator: [refresh, status]\n    reader: read:pay/*\n  users:\n  - {{ name: anna, \
         password-hash: \"{}\", roles: [operator, reader] }}\n",
        hash()
    );
    let loaded = load(&yaml, &[]).unwrap();
    let access = &loaded.settings.access;
    assert!(access.has_identities());
    let [anna] = access.users.as_slice() else { panic!("{access:?}") };
    assert_eq!(&*anna.name, "anna");
    assert!(anna.hash.verifies("secret"));
    for (verb, expected) in [(Verb::Refresh, true), (Verb::Status, true), (Verb::Read, true), (Verb::Metrics, false)] {
        assert_eq!(anna.grants.may(Action::Any(verb)), expected, "{verb:?}");
    }
    let shown = loaded.to_yaml();
    assert!(shown.contains("anna") && shown.contains("***") && !shown.contains("argon2id"), "{shown}");
}

#[test]
fn every_mistake_is_told_at_its_place() {
    let yaml = "\
access:
  roles:
    pay: [\"raed:pay/*\", status]
    'a b': [status]
  users:
  - { name: anna, password-hash: secret, roles: [pay] }
  - { nmae: bert, roles: [pay] }
  - { name: 'a:b', password-hash: 7 }
  jwt: 3
";
    let told = load(yaml, &[]).unwrap_err();
    for expected in [
        "layerd.yaml:3:11: `access.roles.pay[0]` is not a scope: `raed:pay/*` does not begin with a verb",
        "layerd.yaml:4:12: `access.roles.a b` is not the name of a role",
        "layerd.yaml:6:34: `access.users[0].password-hash` is not a hash of a password",
        "hint: `layerd user hash` makes one of a password",
        "layerd.yaml:7:13: `access.users[1].nmae` is not a setting\nhint: it takes `name`, `password-hash`, `roles`",
        "`access.users[1]` has no `name`",
        "`access.users[2].name` holds a colon",
        "`access.users[2].password-hash` takes a text",
        "`access.users[2]` has no `roles`",
    ] {
        assert!(told.contains(expected), "{expected}\nis not in\n{told}");
    }
}

#[test]
fn a_role_that_does_not_exist_is_refused() {
    let user = |roles: &str| {
        format!("access: {{ {roles} users: [ {{ name: a, password-hash: '{}', roles: [pey] }} ] }}", hash())
    };
    let told = load(&user("roles: { pay: [status] },"), &[]).unwrap_err();
    assert!(told.contains("is `pey`, which is not a role in `access.roles`\nhint: the roles are `pay`"), "{told}");
    let told = load(&user(""), &[]).unwrap_err();
    assert!(told.contains("hint: add it: `access: { roles: { pey:"), "{told}");
}

#[test]
fn a_variable_gives_a_structure_as_yaml_or_json() {
    let users = format!(r#"[{{"name": "anna", "password-hash": "{}", "roles": "ops"}}]"#, hash());
    let variables = [("LAYERD_ACCESS__ROLES", "{ops: [status]}"), ("LAYERD_ACCESS__USERS", users.as_str())];
    assert_eq!(load("", &variables).unwrap().settings.access.users.len(), 1);
    let told = load("", &[("LAYERD_ACCESS__ROLES", "{ops: [")]).unwrap_err();
    assert!(told.contains("LAYERD_ACCESS__ROLES: `access.roles` cannot be read as YAML or JSON"), "{told}");
}
