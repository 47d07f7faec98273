//! One server, one truth: under either semantics every protocol gives the same values.

use crate::harness::folder::Folder;
use crate::harness::repo::Repo;
use crate::harness::server::{Server, layerd, run};

const FILES: [(&str, &str); 4] = [
    ("application.yml", "port: 1\nurl: http://h:${port}/\nlist: [a, b]\n"),
    ("application-dev.yml", "port: 2\nflag: yes\nlist: [c]\n"),
    ("user.yml", "port: 3\nlist: [d, e]\n"),
    ("user-dev.yml", "own: 012\n"),
];

fn serve(semantics: &str, repo: &Repo) -> Server {
    let server = Server::launch(&["serve", "--git", repo.url()]).env("LAYERD_SEMANTICS", semantics).start();
    server.wait_ready();
    server
}

#[test]
fn native_lets_the_service_win_and_spring_the_profile_in_every_protocol() {
    let repo = Repo::with(&FILES);
    let native = serve("native", &repo);
    let answered = r#"{"port":3,"url":"http://h:3/","list":["d","e"],"flag":"yes","own":12}"#;
    assert_eq!(native.config("user/dev"), answered);
    let environment = native.get("/user/dev").json();
    assert_eq!(environment["propertySources"][0]["source"]["port"], 3);
    assert_eq!(native.get("/user-dev.json").json()["port"], 3);

    let spring = serve("spring", &repo);
    let answered = r#"{"port":2,"url":"http://h:2/","flag":true,"own":10,"list":["c"]}"#;
    assert_eq!(spring.config("user/dev"), answered);
    assert_eq!(spring.config("user/dev?key=list[0]"), r#""c""#);
    assert_eq!(spring.config_status("user/dev?key=nothing"), 404);
    let environment = spring.get("/user/dev").json();
    let files: Vec<_> =
        environment["propertySources"].as_array().unwrap().iter().map(|source| &source["name"]).collect();
    let named = |file: &str| format!("{}/{file}", repo.url().trim_end_matches('/'));
    assert_eq!(files, ["user-dev.yml", "application-dev.yml", "user.yml", "application.yml"].map(named).each_ref());
    assert_eq!(spring.get("/user-dev.json").json()["port"], 2);
    let explained = spring.get("/api/v1/explain/user/dev?key=port").json();
    let told = (&explained["keys"][0]["value"], explained["keys"][0]["file"].as_str());
    assert_eq!(told, (&serde_json::json!(2), Some("application-dev.yml")));
}

#[test]
fn what_the_two_semantics_make_of_one_repository_is_told() {
    let folder = Folder::new();
    FILES.iter().for_each(|(path, text)| _ = folder.file(path, text));
    let ran = run(layerd(&["diff", "--semantics", "native..spring", "--exit-code"]).current_dir(folder.path()));
    let expected = "\
user (dev)
  ~ flag = \"yes\" -> true
    application-dev.yml:2:7
  ~ list = [\"d\",\"e\"] -> [\"c\"]
    application-dev.yml:3:8
  ~ own = 12 -> 10
    user-dev.yml:1:6
  ~ port = 3 -> 2
    application-dev.yml:1:7
  ~ url = \"http://h:3/\" -> \"http://h:2/\"
    application.yml:2:6

5 changes for 1 application
";
    let (head, told) = ran.stdout.split_once("\n\n").unwrap();
    assert!(head.starts_with("# native ") && head.contains(" -> spring "), "{ran}");
    assert_eq!((ran.code, told), (Some(1), expected), "{ran}");
}
