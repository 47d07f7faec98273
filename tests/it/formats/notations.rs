//! What users get in each notation, over HTTP and on the command line.

use crate::harness::folder::Folder;
use crate::harness::server::{Ran, Server, layerd, run};

fn printed(ran: &Ran) -> (Option<i32>, &str, &str) {
    (ran.code, &ran.stdout, &ran.stderr)
}

fn folder() -> Folder {
    let folder = Folder::new();
    folder.file("user.yml", "server: {port: 8080, max-threads: 4}\nhosts: [a, b c]\nmotto: it's \"x\"\n");
    folder
}

fn render(folder: &Folder, args: &[&str]) -> Ran {
    run(layerd(&["render", "user", "--repo", folder.arg()]).args(args))
}

#[test]
fn the_server_and_the_command_line_write_every_notation_alike() {
    let folder = folder();
    let server = Server::start(&["serve", folder.arg()]);
    let warning = "node --env-file and godotenv would read MOTTO differently";
    let expected = [
        (
            "format=env",
            "SERVER_PORT=8080\nSERVER_MAXTHREADS=4\nHOSTS_0=a\nHOSTS_1='b c'\nMOTTO=\"it's \\\"x\\\"\"\n",
            "text/plain;charset=UTF-8",
        ),
        (
            "format=env&readers=python,node,go&names=upper&prefix=APP_",
            "APP_SERVER_PORT=8080\nAPP_SERVER_MAX_THREADS=4\nAPP_HOSTS_0=a\nAPP_HOSTS_1='b c'\nAPP_MOTTO=it's \"x\"\n",
            "text/plain;charset=UTF-8",
        ),
        (
            "format=shell&names=nested",
            "export SERVER__PORT='8080'\nexport SERVER__MAX_THREADS='4'\nexport HOSTS__0='a'\nexport HOSTS__1='b c'\n\
             export MOTTO='it'\\''s \"x\"'\n",
            "text/plain;charset=UTF-8",
        ),
        (
            "format=docker&names=dotted",
            "server.port=8080\nserver.max-threads=4\nhosts[0]=a\nhosts[1]=b c\nmotto=it's \"x\"\n",
            "text/plain;charset=UTF-8",
        ),
        (
            "format=configmap&key=server",
            "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: user\ndata:\n  PORT: '8080'\n  MAXTHREADS: '4'\n",
            "application/yaml",
        ),
        (
            "format=secret&name=user-1&key=server.port",
            "apiVersion: v1\nkind: Secret\nmetadata:\n  name: user-1\ntype: Opaque\ndata:\n  PORT: ODA4MA==\n",
            "application/yaml",
        ),
        (
            "format=configmap&file=application.properties&key=server",
            "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: user\ndata:\n  application.properties: |\n    port=8080\n    \
             max-threads=4\n",
            "application/yaml",
        ),
    ];
    for (query, body, media_type) in expected {
        let answer = server.get(&format!("/api/v1/config/user?{query}"));
        assert_eq!((answer.status(), answer.header("content-type")), (200, Some(media_type)), "{query}");
        assert_eq!(answer.text(), body, "{query}");
        let warned = if query == "format=env" { Some(warning) } else { None };
        assert_eq!(answer.header("layerd-warning"), warned, "{query}");
        let args: Vec<String> = query.split('&').map(|parameter| format!("--{parameter}")).collect();
        let args: Vec<&str> = args.iter().map(String::as_str).collect();
        let told = warned.map_or(String::new(), |warning| format!("warning: {warning}\n"));
        assert_eq!(printed(&render(&folder, &args)), (Some(0), body, told.as_str()), "{query}");
        let got = run(layerd(&["get", "user", "--server", &server.url()]).args(&args));
        assert_eq!(printed(&got), (Some(0), body, told.as_str()), "{query}");
    }
}

#[test]
fn a_raw_value_is_printed_bare() {
    let folder = folder();
    let server = Server::start(&["serve", folder.arg()]);
    let answer = server.get("/api/v1/config/user?key=motto&raw");
    assert_eq!(
        (answer.text().as_str(), answer.header("content-type")),
        ("it's \"x\"", Some("text/plain;charset=UTF-8"))
    );
    for args in [&["--raw", "motto"][..], &["--key", "motto", "--raw"]] {
        assert_eq!(printed(&render(&folder, args)), (Some(0), "it's \"x\"", ""));
        let got = run(layerd(&["get", "user", "--server", &server.url()]).args(args));
        assert_eq!(printed(&got), (Some(0), "it's \"x\"", ""));
    }
    let no = "error: `server` is not one value, so it cannot be written raw\n\
              hint: name the key of one value, or ask for a format instead\n";
    assert_eq!(printed(&render(&folder, &["--raw", "server"])), (Some(1), "", no));
    assert_eq!(printed(&run(&mut layerd(&["get", "user", "--raw", "server", "--server", &server.url()]))).2, no);
    assert_eq!(render(&folder, &["--raw"]).code, Some(2));
    assert_eq!(render(&folder, &["--raw", "motto", "--key", "motto"]).code, Some(2));
    assert_eq!(server.get("/api/v1/config/user?raw&format=env&key=motto").status(), 400);
}

#[test]
fn two_keys_with_one_name_are_an_error_that_names_both() {
    let folder = Folder::new();
    folder.file("user.yml", "a-b: {c: 1}\nab_c: 2\nd: 3\n");
    let server = Server::start(&["serve", folder.arg()]);
    for format in ["env", "shell", "docker", "configmap", "secret"] {
        let told = "`a-b.c` and `ab_c` would both be named `AB_C`";
        let answer = server.get(&format!("/api/v1/config/user?format={format}"));
        assert_eq!(answer.status(), 422);
        let problem: serde_json::Value = serde_json::from_str(&answer.text()).unwrap();
        assert_eq!((&problem["code"], &problem["detail"]), (&"unwritable".into(), &told.into()));
        let ran = render(&folder, &["--format", format]);
        assert_eq!((ran.code, ran.stdout.as_str()), (Some(1), ""));
        assert!(ran.stderr.starts_with(&format!("error: {told}\nhint: rename one of them")), "{ran}");
        assert_eq!(render(&folder, &["--format", format, "--names", "upper"]).code, Some(0));
    }
}

#[test]
fn a_value_that_a_format_cannot_carry_is_an_error_without_the_value() {
    let folder = Folder::new();
    folder.file("user.yml", "text: \"line\\nhunter2\"\n");
    let ran = render(&folder, &["--format", "docker"]);
    let told = "error: the value of `text` cannot be written as a line for docker run --env-file: it has a line break, and \
                this file has no quotes\nhint: ask for the format json, yaml or secret, or change the value\n";
    assert_eq!(printed(&ran), (Some(1), "", told));
    assert_eq!(render(&folder, &["--format", "env"]).stdout, "TEXT='line\nhunter2'\n");
}

#[test]
fn options_that_mean_nothing_are_refused_with_what_they_are_for() {
    let folder = folder();
    let server = Server::start(&["serve", folder.arg()]);
    let expected = [
        ("names=upper", "`names` is for the formats env, shell, docker, configmap and secret"),
        ("format=shell&readers=sh", "`readers` is for the format env"),
        ("format=env&file=a.yml", "`file` is for the formats configmap and secret"),
        ("format=env&names=camel", "`names` cannot be `camel`"),
        ("format=env&readers=ruby", "`readers` cannot be `ruby`"),
        ("format=env&prefix=0-", "`prefix` cannot be `0-`"),
        ("format=secret&name=User", "`name` cannot be `User`"),
        ("format=secret&file=a.txt", "`file` cannot be `a.txt`"),
        ("format=secret&file=a.yml&prefix=A", "`prefix` is for a manifest of variables, without `file`"),
        ("format=configmap&only=some", "`only` cannot be `some`"),
        ("format=ini", "`format` cannot be `ini`"),
    ];
    for (query, told) in expected {
        let answer = server.get(&format!("/api/v1/config/user?{query}"));
        let problem: serde_json::Value = serde_json::from_str(&answer.text()).unwrap();
        assert_eq!(problem["detail"], format!("the parameter {told}"), "{query}");
        assert_eq!(answer.status(), 400);
        if query != "format=ini" {
            let args: Vec<String> = query.split('&').map(|parameter| format!("--{parameter}")).collect();
            let ran = render(&folder, &args.iter().map(String::as_str).collect::<Vec<_>>());
            assert_eq!(ran.code, Some(2), "{query}");
            assert!(ran.stderr.starts_with(&format!("error: `--{}\n", &told[1..])), "{ran}");
        }
    }
    let answer = server.get("/api/v1/config/My_User/eu?format=secret");
    let told = "the parameter `name` is needed: `My_User-eu` is not a valid name in Kubernetes";
    assert!(answer.text().contains(told), "{}", answer.text());
}
