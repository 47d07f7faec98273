//! Search locations of a Spring Cloud Config Server: what stands beside them does not exist, however it is asked for.

use std::fs;

use crate::harness::eventually;
use crate::harness::folder::Folder;
use crate::harness::server::Server;

/// What no answer may hold.
const SECRETS: [&str; 5] = ["pass-phrase", "key material", "outside: 1", "\"outside\"", "search-locations"];

fn start(folder: &Folder, locations: &str) -> Server {
    folder.file(
        "application.yml",
        &format!(
            "spring.profiles.active: native\nspring.cloud.config.server.native.search-locations: \"{locations}\"\n\
             encrypt.key: a-pass-phrase\noutside: 1\n"
        ),
    );
    Server::launch(&["serve", "--from-spring", "application.yml"]).within(folder.path()).start()
}

/// No answer at the target holds what must not be served.
fn check(server: &Server, target: &str) {
    let text = server.get(target).text();
    for secret in SECRETS {
        assert!(!text.contains(secret), "{target} answers with {secret}: {text}");
    }
}

/// A folder with two kinds of locations and with what must not be served.
fn world() -> Folder {
    let folder = Folder::new();
    folder
        .file("base/application.yml", "in: base\n")
        .file("base/note.txt", "a note")
        .file("apps/shop/shop.yml", "in: shop\n")
        .file("apps/shop/conf/deep.txt", "deep")
        .file("apps/application.yml", "outside: 1\n")
        .file("private/tls.pem", "key material")
        .file("private/private.yml", "outside: 1\n")
        .file("tls.pem", "key material");
    folder
        .symlink("base/up.yml", "../application.yml")
        .symlink("base/tls.pem", "../private/tls.pem")
        .symlink("base/private", "../private")
        .symlink("apps/shop/beside.yml", "../application.yml")
        .symlink("apps/shop/parent", "../..");
    folder
}

#[test]
fn what_stands_beside_the_locations_is_reached_by_no_request() {
    let folder = world();
    let server = start(&folder, "file:./base,optional:file:./apps/{application},file:./labels/{label}/x");
    assert!(server.get("/shop/default").text().contains("\"in\":\"shop\""), "{}", server.get("/shop/default"));
    assert_eq!(server.get("/shop/default/master/note.txt").text(), "a note");
    assert_eq!(server.get("/shop/default/master/conf/deep.txt").text(), "deep");
    assert_eq!(server.get("/other/default/master/conf/deep.txt").status(), 404, "it is of another application");
    let names = [
        "shop",
        "private",
        "application",
        "up",
        "beside",
        "..",
        ".",
        "%2e%2e",
        "..%2fprivate",
        "..(_)..(_)private",
        "(_)",
        "..(_)",
        ".(_)",
        "*",
        "**",
        "..(_)..(_)application",
        "shop(_)..(_)..(_)private",
        "apps",
        "base(_)private",
    ];
    let paths = [
        "private/tls.pem",
        "tls.pem",
        "../tls.pem",
        "../private/tls.pem",
        "%2e%2e/private/tls.pem",
        "..%2fprivate%2ftls.pem",
        "..(_)private(_)tls.pem",
        "application.yml",
        "../application.yml",
        "parent/tls.pem",
        "parent/private/tls.pem",
        "conf/../../../tls.pem",
        "/private/tls.pem",
        "up.yml",
        "apps/application.yml",
    ];
    let check = |target: &str| check(&server, target);
    for name in names {
        for target in ["/api/v1/config/", "/api/v1/sources/", "/api/v1/explain/"].map(|route| format!("{route}{name}"))
        {
            check(&target);
        }
        for label in ["", "/master", "/..", "/..(_)private", "/%2e%2e(_)..(_)private"] {
            check(&format!("/{name}/default{label}"));
            check(&format!("/{name}/{name}{label}"));
        }
        check(&format!("/{name}-default.properties"));
        check(&format!("/master/{name}-default.yml"));
        for path in paths {
            check(&format!("/{name}/default/master/{path}"));
            check(&format!("/shop/{name}/{name}/{path}"));
            check(&format!("/{name}/default/{path}?useDefaultLabel"));
        }
    }
}

#[test]
fn the_settings_of_the_server_are_not_served_from_a_location_of_their_own() {
    let folder = Folder::new();
    folder.file("shop.yml", "in: shop\n").symlink("alias.yml", "application.yml");
    let server = start(&folder, "file:.");
    let answer = server.get("/shop/default").text();
    assert!(answer.contains("\"in\":\"shop\"") && !answer.contains("pass-phrase"), "{answer}");
    for target in ["/alias/default", "/shop/default/master/application.yml", "/shop/default/master/alias.yml"] {
        assert!(!server.get(target).text().contains("pass-phrase"), "{target}");
    }
    let problems = server.get("/api/v1/problems").text();
    assert!(problems.contains("it belongs to the server itself"), "{problems}");
}

#[test]
fn a_location_that_is_made_later_is_served_from_then_on() {
    let folder = Folder::new();
    folder.file("base/shop.yml", "a: 1\n");
    let server = start(&folder, "file:./base,file:./later");
    assert_eq!(server.config("shop"), "{\"a\":1}");
    folder.file("later/shop.yml", "b: 2\n");
    server.becomes("shop", "{\"a\":1,\"b\":2}");
    fs::remove_dir_all(folder.path().join("later")).unwrap();
    eventually("it is gone", || server.config("shop") == "{\"a\":1}");
}

#[test]
fn locations_that_have_little_in_common_are_looked_into_alone() {
    let (one, two) = (Folder::new(), Folder::new());
    one.file(".x/conf/shop.yml", "in: one\n")
        .file(".x/conf/app-shop/app.yml", "in: folder\n")
        .file(".x/shop.yml", "outside: 1\n")
        .file(".x/.git/config", "key material")
        .file("shop.yml", "outside: 1\n")
        .file("tls.pem", "key material")
        .symlink(".x/conf/tls.pem", "../../tls.pem")
        .symlink(".x/conf/up.yml", "../shop.yml")
        .symlink(".x/conf/across.yml", two.path().join("y/application.yml").to_str().unwrap())
        .symlink(".x/conf/beside.yml", two.path().join("secret.yml").to_str().unwrap());
    two.file("y/application.yml", "of: two\n").file("y/note.txt", "a note").file("secret.yml", "outside: 1\n");
    // The temporary folders of the machine are all that the two have in common, or not even that.
    let locations = ["y", "later/{application}"].map(|path| two.path().join(path).display().to_string());
    let settings = Folder::new();
    let (first, [second, third]) = (one.path().join(".x/conf").display().to_string(), locations);
    let server =
        start(&settings, &format!("file:{first},file:{first}/app-{{application}},{second},optional:file:{third}"));
    let served = server.get("/shop/default").text();
    assert!(served.contains("\"in\":\"one\"") && served.contains("\"of\":\"two\""), "{served}");
    let folder = server.get("/app,shop/default").text();
    assert!(folder.contains("\"in\":\"folder\""), "{folder}");
    assert_eq!(server.get("/shop/default/master/note.txt").text(), "a note");
    assert!(server.get("/across/default").text().contains("\"of\":\"two\""), "a link to another location is followed");
    for folder in [&one, &two, &settings] {
        let whole = folder.arg().trim_start_matches('/');
        let (up, steps) = ("../".repeat(12), whole.replace('/', "(_)"));
        for file in ["tls.pem", "shop.yml", "secret.yml", "application.yml", ".x/.git/config", ".x/shop.yml"] {
            let spelled = file.replace('/', "(_)");
            let targets = [
                format!("/shop/default/master/{file}"),
                format!("/shop/default/master/{up}{whole}/{file}"),
                format!("/shop/default/master/{whole}/{file}"),
                format!("/shop/default/{steps}/{file}"),
                format!("/{steps}(_){spelled}/default"),
                format!("/{steps}/default/master/{file}"),
                format!("/..(_)..(_)..(_){steps}/default/master/{file}"),
            ];
            for target in targets {
                check(&server, &target);
            }
        }
    }
    for target in ["/up/default", "/beside/default", "/.x/default", "/shop/.x", "/shop/default/.x"] {
        check(&server, target);
    }
    two.file("later/shop/shop.yml", "and: later\n");
    let ask = || server.get("/shop/default").text();
    eventually("the third location is seen", || ask().contains("\"and\":\"later\""));
    assert!(!server.get("/other/default").text().contains("later"));
    let told = server.get("/api/v1/problems").text();
    assert!(told.contains("up.yml") && !told.contains("secret.yml"), "{told}");
}

#[test]
fn locations_that_are_no_folders_are_refused() {
    for location in
        ["classpath:/config", "optional:classpath:/x", "classpath*:x", "jar:file:/x", "https://h/x", "file:${NO}"]
    {
        let folder = Folder::new();
        let file = format!(
            "{{spring.profiles.active: native, spring.cloud.config.server.native.search-locations: '{location}'}}"
        );
        folder.file("s.yml", &file);
        let ran = Server::launch(&["serve", "--from-spring", "s.yml"]).within(folder.path()).try_start();
        let ran = ran.err().unwrap_or_else(|| panic!("{location} was served"));
        // A placeholder that nothing answers is refused by its own name, before the location is looked at.
        let named = location.strip_prefix("file:").unwrap_or(location);
        assert!(ran.code == Some(78) && ran.stderr.contains(named), "{location}: {ran}");
    }
}
