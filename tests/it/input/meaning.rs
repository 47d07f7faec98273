//! Files that look broken and are not (rows E14, E17 to E23, E27 and E29 of the list of bad inputs): what empty files,
//! several documents, odd scalars, odd keys and odd file names mean, as whole answers.
//!
//! Their broken twins are in `bad_e_values.rs`. The reading of YAML is that of its core schema 1.2.

use serde_json::json;

use crate::harness::folder::Folder;
use crate::harness::repo::Repo;
use crate::harness::server::Server;
use crate::input::{ask, encode, told};

/// Serves one file for each service, without a single problem, and compares the document of each.
fn means(files: &[(&str, &str, &str)]) {
    let folder = Folder::new();
    for (path, text, _) in files {
        folder.file(path, text);
    }
    let server = Server::start(&["serve", folder.arg()]);
    let answer = |path: &str| {
        let service = path.rsplit_once('.').map_or(path, |(service, _)| service);
        format!("{path}: {}", told(&ask(&server, &format!("/api/v1/config/{service}"))))
    };
    let answers: Vec<_> = files.iter().map(|(path, ..)| answer(path)).collect();
    let expected: Vec<_> = files.iter().map(|(path, _, expected)| format!("{path}: 200 {expected}")).collect();
    assert_eq!(answers, expected);
    assert_eq!(server.get("/api/v1/problems").json()["problems"], json!([]));
}

#[test]
fn bad_e14_files_that_hold_nothing_are_empty_layers() {
    means(&[
        ("empty.yml", "", "{}"),
        ("blank.yml", "\n  \n\n", "{}"),
        ("comments.yml", "# one\n# two\n", "{}"),
        ("marker.yml", "---\n", "{}"),
        ("markers.yml", "---\n---\n...\n", "{}"),
        ("null.yml", "null\n", "{}"),
        ("tilde.yml", "~\n", "{}"),
        ("braces.yml", "{}\n", "{}"),
        ("bom.yml", "\u{feff}", "{}"),
        ("braces_json.json", "{}", "{}"),
        ("null_json.json", "null", "{}"),
        ("empty_json.json", "", "{}"),
        ("flat.properties", "", "{}"),
        ("comment_flat.properties", "# one\n! two\n", "{}"),
    ]);
}

#[test]
fn bad_e17_documents_of_a_file_take_part_one_by_one() {
    let folder = Folder::new();
    folder.file(
        "app.yml",
        "a: base\nb: base\n---\nspring:\n  config:\n    activate:\n      on-profile: dev | test\na: dev\n...\n---\n\
         spring.config.activate.on-profile: \"!dev\"\nb: other\n---\na: last\nspring.config.activate.on-profile: [x, y & z]\n",
    );
    folder.file("flat.properties", "a=base\n#---\nspring.config.activate.on-profile=dev\na=dev\n!---\nb=2\n");
    let server = Server::start(&["serve", folder.arg()]);
    for (target, expected) in [
        ("app", r#"{"a":"base","b":"other"}"#),
        ("app/dev", r#"{"a":"dev","b":"base"}"#),
        ("app/test", r#"{"a":"dev","b":"other"}"#),
        ("app/x", r#"{"a":"last","b":"other"}"#),
        ("app/y", r#"{"a":"base","b":"other"}"#),
        ("app/y,dev,z", r#"{"a":"last","b":"base"}"#),
        ("flat", r#"{"a":"base","b":"2"}"#),
        ("flat/dev", r#"{"a":"dev","b":"2"}"#),
    ] {
        assert_eq!(told(&ask(&server, &format!("/api/v1/config/{target}"))), format!("200 {expected}"), "{target}");
    }
    assert_eq!(server.get("/api/v1/problems").json()["problems"], json!([]));
}

#[test]
fn bad_e17_a_hundred_documents_are_not_too_many() {
    let text: String = (0..100).map(|number| format!("---\nk{number}: {number}\nlast: {number}\n")).collect();
    let folder = Folder::new();
    folder.file("app.yml", &text);
    let server = Server::start(&["serve", folder.arg()]);
    assert_eq!(told(&ask(&server, "/api/v1/config/app?key=last")), "200 99");
    assert_eq!(ask(&server, "/api/v1/config/app").json().as_object().unwrap().len(), 101);
}

#[test]
fn bad_e18_scalars_are_read_as_yaml_1_2_reads_them() {
    let table = [
        ("no", r#""no""#),
        ("off", r#""off""#),
        ("yes", r#""yes""#),
        ("On", r#""On""#),
        ("n", r#""n""#),
        ("y", r#""y""#),
        ("true", "true"),
        ("True", "true"),
        ("FALSE", "false"),
        ("tRue", r#""tRue""#),
        ("012", "12"),
        ("0o17", "15"),
        ("0o18", r#""0o18""#),
        ("0x1F", "31"),
        ("0b11", r#""0b11""#),
        ("1_000", r#""1_000""#),
        ("12:30:45", r#""12:30:45""#),
        ("2026-01-01", r#""2026-01-01""#),
        ("2026-01-01T00:00:00Z", r#""2026-01-01T00:00:00Z""#),
        ("~", "null"),
        ("null", "null"),
        ("Null", "null"),
        ("", "null"),
        ("nil", r#""nil""#),
        ("=", r#""=""#),
        ("+1", "1"),
        ("-0", "0"),
        ("1.", "1.0"),
        (".5", "0.5"),
        ("1e3", "1000.0"),
        ("1.50", "1.5"),
        ("+.5e1", "5.0"),
        ("1.2.3", r#""1.2.3""#),
        ("0x", r#""0x""#),
        ("1e", r#""1e""#),
        ("0.1", "0.1"),
        ("'1'", r#""1""#),
        ("\"true\"", r#""true""#),
        ("!!str 1", r#""1""#),
        ("!!int \"7\"", "7"),
        ("|\n  a\n  b", r#""a\nb\n""#),
        (">\n  a\n  b", r#""a b\n""#),
    ];
    let text: String =
        table.iter().enumerate().map(|(number, (written, _))| format!("k{number}: {written}\n")).collect();
    let folder = Folder::new();
    folder.file("app.yml", &text);
    let server = Server::start(&["serve", folder.arg()]);
    for (number, (written, expected)) in table.iter().enumerate() {
        assert_eq!(
            told(&ask(&server, &format!("/api/v1/config/app?key=k{number}"))),
            format!("200 {expected}"),
            "{written}"
        );
    }
}

#[test]
fn bad_e19_numbers_stay_exact_in_every_format() {
    let long = "123456789012345678901234567890";
    let text = format!("a: {long}\nb: -{long}\nc: 18446744073709551616\nd: 9007199254740993\ne: 0.1\nf: 1e308\n");
    let folder = Folder::new();
    folder.file("app.yml", &text).file("json.json", &format!("{{\"a\": {long}, \"b\": -{long}}}"));
    let server = Server::start(&["serve", folder.arg()]);
    let expected =
        format!(r#"{{"a":{long},"b":-{long},"c":18446744073709551616,"d":9007199254740993,"e":0.1,"f":1e+308}}"#);
    assert_eq!(told(&ask(&server, "/api/v1/config/app")), format!("200 {expected}"));
    assert_eq!(told(&ask(&server, "/api/v1/config/json")), format!(r#"200 {{"a":{long},"b":-{long}}}"#));
    let properties = server.get("/api/v1/config/app?format=properties").text();
    assert_eq!(
        properties,
        format!("a={long}\nb=-{long}\nc=18446744073709551616\nd=9007199254740993\ne=0.1\nf=1e+308\n")
    );
    let yaml = server.get("/api/v1/config/json?format=yaml").text();
    assert_eq!(yaml, format!("a: {long}\nb: -{long}\n"));
    let in_toml = |key: &str, sign: &str| {
        format!("# {key} is an integer of more than 64 bits, here as text\n{key} = \"{sign}{long}\"\n")
    };
    let toml = server.get("/api/v1/config/json?format=toml").text();
    assert_eq!(toml, format!("{}{}", in_toml("a", ""), in_toml("b", "-")));
    let explained = server.get("/api/v1/explain/app/default?key=a").text();
    assert!(explained.contains(&format!(r#""value":{long},"#)), "{explained}");
}

#[test]
fn bad_e20_keys_are_texts() {
    means(&[
        ("number.yml", "1: a\n2.50: b\n0x10: c\n", r#"{"1":"a","2.5":"b","16":"c"}"#),
        ("words.yml", "true: a\nnull: b\nno: d\n", r#"{"true":"a","null":"b","no":"d"}"#),
        ("date.yml", "2026-01-01: a\n", r#"{"2026-01-01":"a"}"#),
        ("empty.yml", "\"\": a\n", r#"{"":"a"}"#),
        (
            "prototype.yml",
            "__proto__: a\nconstructor: {prototype: b}\n",
            r#"{"__proto__":"a","constructor":{"prototype":"b"}}"#,
        ),
        ("dots.yml", "a.b.c: 1\n", r#"{"a.b.c":1}"#),
        ("index.yml", "a[0]: x\n", r#"{"a[0]":"x"}"#),
        ("literal.yml", "\"[a.b]\": 1\nc: {\"[d.e]\": 2}\n", r#"{"[a.b]":1,"c":{"[d.e]":2}}"#),
        ("spaces.yml", "? a key with spaces\n: 1\n\" b \": 2\n", r#"{"a key with spaces":1," b ":2}"#),
        ("json.json", "{\"\": 1, \"a b\": 2, \"__proto__\": 3}", r#"{"":1,"a b":2,"__proto__":3}"#),
    ]);
}

#[test]
fn bad_e21_layers_that_disagree_about_a_kind_are_grouped_in_any_way() {
    let folder = Folder::new();
    folder.file("application.yml", "a: {x: 1, y: 2}\nb: text\nc: [1, 2]\nd: {x: {y: 1}}\ne: {x: 1}\nf: 1\n");
    folder.file("application-p.yml", "a: text\nb: {x: 1}\nc: {x: 1}\nd: {x: [1]}\ne: [1]\nf: {x: 1}\n");
    folder.file("app.yml", "a: {z: 3}\nb: {y: 2}\nc: [3]\nd: {x: {z: 2}}\ne: {y: 2}\nf: [2]\n");
    let server = Server::start(&["serve", folder.arg()]);
    let config = |target: &str| told(&ask(&server, &format!("/api/v1/config/{target}")));
    assert_eq!(config("app/p"), r#"200 {"a":{"z":3},"b":{"x":1,"y":2},"c":[3],"d":{"x":{"z":2}},"e":{"y":2},"f":[2]}"#);
    assert_eq!(
        config("app"),
        r#"200 {"a":{"x":1,"y":2,"z":3},"b":{"y":2},"c":[3],"d":{"x":{"y":1,"z":2}},"e":{"x":1,"y":2},"f":[2]}"#
    );
    assert_eq!(config("other/p"), r#"200 {"a":"text","b":{"x":1},"c":{"x":1},"d":{"x":[1]},"e":[1],"f":{"x":1}}"#);
}

#[test]
fn bad_e22_merge_keys_are_applied() {
    means(&[
        ("own.yml", "base: &b {x: 1, y: 2}\na:\n  <<: *b\n  y: 3\n", r#"{"base":{"x":1,"y":2},"a":{"x":1,"y":3}}"#),
        ("above.yml", "base: &b {x: 1, y: 2}\na:\n  y: 3\n  <<: *b\n", r#"{"base":{"x":1,"y":2},"a":{"y":3,"x":1}}"#),
        (
            "list.yml",
            "one: &o {x: 1}\ntwo: &t {x: 2, y: 2}\na:\n  <<: [*o, *t]\n",
            r#"{"one":{"x":1},"two":{"x":2,"y":2},"a":{"x":1,"y":2}}"#,
        ),
        (
            "chain.yml",
            "one: &o {x: 1}\ntwo: &t {<<: *o, y: 2}\na: {<<: *t, z: 3}\n",
            r#"{"one":{"x":1},"two":{"x":1,"y":2},"a":{"x":1,"y":2,"z":3}}"#,
        ),
        ("inline.yml", "a:\n  <<: {x: 1}\n  y: 2\n", r#"{"a":{"x":1,"y":2}}"#),
        (
            "deep.yml",
            "base: &b {m: {x: 1}}\na:\n  <<: *b\n  m: {y: 2}\n",
            r#"{"base":{"m":{"x":1}},"a":{"m":{"y":2}}}"#,
        ),
        ("quoted.yml", "a:\n  \"<<\": {x: 1}\n", r#"{"a":{"<<":{"x":1}}}"#),
        ("root.yml", "base: &b {x: 1}\n<<: *b\n", r#"{"base":{"x":1},"x":1}"#),
    ]);
}

#[test]
fn bad_e23_properties_are_read_as_utf8_texts() {
    means(&[
        (
            "plain.properties",
            "a=1\nb: two words \nc\nd=\n= only\n",
            r#"{"a":"1","b":"two words ","c":"","d":"","":"only"}"#,
        ),
        ("continued.properties", "a=x\\\n   y\nb=end\\", r#"{"a":"xy","b":"end"}"#),
        (
            "escapes.properties",
            "a=\\u00e9\\t\\\\\\=\nb\\ c=\\#\nd=\\ud83d\\ude80\n",
            r##"{"a":"é\t\\=","b c":"#","d":"🚀"}"##,
        ),
        ("utf8.properties", "größe=größer 🚀\n", r#"{"größe":"größer 🚀"}"#),
        (
            "lists.properties",
            "a[1]=y\na[0]=x\nb[0].c=1\nb[0].d=2\nm[x.y]=1\n",
            r#"{"a":["x","y"],"b":[{"c":"1","d":"2"}],"m":{"[x.y]":"1"}}"#,
        ),
        ("levels.properties", "a.b.c=1\na.b.d=true\na.e=null\n", r#"{"a":{"b":{"c":"1","d":"true"},"e":"null"}}"#),
    ]);
}

#[test]
fn bad_e27_an_emptied_application_is_served_as_it_is() {
    let repo = Repo::with(&[
        ("application.yml", "shared: 1\n"),
        ("app/application.yml", "a: 1\nb: 2\n"),
        ("app/app-dev.yml", "c: 3\n"),
    ]);
    let server = Server::start(&["serve", "--git", repo.url()]);
    server.wait_ready();
    let config = || told(&ask(&server, "/api/v1/config/app/dev"));
    let refresh = || server.send("POST", "/api/v1/refresh", &[], b"").json()["labels"][0].clone();
    assert_eq!(config(), r#"200 {"shared":1,"a":1,"b":2,"c":3}"#);
    repo.file("app/application.yml", "# nothing is left\n").commit();
    assert_eq!(refresh()["problems"], json!([]));
    assert_eq!(config(), r#"200 {"shared":1,"c":3}"#);
    repo.delete("app").commit();
    let label = refresh();
    assert_eq!(label["files"], json!(["app/app-dev.yml", "app/application.yml"]));
    assert_eq!(label["applications"], json!([{"application": "app", "profiles": ["dev"]}]));
    assert_eq!(config(), r#"200 {"shared":1}"#);
    repo.delete("application.yml").commit();
    assert_eq!(refresh()["problems"], json!([]));
    assert_eq!(config(), "200 {}");
    assert_eq!(told(&ask(&server, "/health/ready")), r#"200 {"status":"ready"}"#);
}

#[test]
fn bad_e29_odd_names_of_files_are_literal_or_left_out() {
    let long = "l".repeat(251);
    let repo = Repo::new();
    repo.file("application.yml", "shared: 1\n");
    for name in ["con", "App", "app", &long, "größe", "a b", "ａｐｐ"] {
        repo.file(&format!("{name}.yml"), &format!("own: {name}\n"));
    }
    for name in [&b"caf\xe9.yml"[..], b"a\nb.yml", b"a\x1b[31m.yml", b"a\\b.yml", b"..", b".GIT"] {
        repo.raw(&[name], b"own: left out\n");
    }
    repo.raw(&[b"svc", b"a/b.yml"], b"own: left out\n")
        .raw(&[b"svc", b"application\n.yml"], b"own: left out\n")
        .commit();
    let server = Server::start(&["serve", "--git", repo.url()]);
    server.wait_ready();
    for name in ["con", "App", "app", &long, "größe", "a b", "ａｐｐ"] {
        let answer = told(&ask(&server, &format!("/api/v1/config/{}?strict=true", encode(name))));
        assert_eq!(answer, format!(r#"200 {{"shared":1,"own":"{name}"}}"#));
    }
    for name in ["APP", "caf\u{fffd}", "a", "svc", "CON"] {
        assert_eq!(told(&ask(&server, &format!("/api/v1/config/{}", encode(name)))), r#"200 {"shared":1}"#, "{name}");
    }
    let problems = ask(&server, "/api/v1/problems").json()["problems"].clone();
    let told: Vec<_> = problems
        .as_array()
        .unwrap()
        .iter()
        .map(|problem| format!("{}: {} {}", problem["file"], problem["severity"], problem["message"]))
        .collect();
    assert_eq!(
        told,
        [
            r#""a\nb.yml": "warning" "it is left out: its name holds a control character""#,
            r#""a\u001b[31m.yml": "warning" "it is left out: its name holds a control character""#,
            r#""a\\b.yml": "warning" "it is left out: its name holds a slash or a backslash""#,
            "\"caf\u{fffd}.yml\": \"warning\" \"it is left out: its name is not UTF-8\"",
        ]
    );
}
