//! Labels and the refs behind them (the rows B09 to B16 of the list of bad inputs): which ref a label names, which tags
//! lead to a commit, and what becomes of a label that goes away or may not be asked for.
//!
//! Which rows are left to later capabilities is said in `bad_b.rs`, whose server is used here.

use git2::{ObjectType, Oid, Repository};

use crate::harness::repo::Repo;
use crate::input::labels::{Place, point};
use crate::input::{MARKER, ask, told};

/// An annotated tag of any object.
fn annotate(repo: &Repo, id: Oid, kind: &str) -> Oid {
    let git = Repository::open(repo.path()).expect("the repository of a test can be opened");
    let text = format!("object {id}\ntype {kind}\ntag x\ntagger T <t@example.org> 0 +0000\n\nT\n");
    let objects = git.odb().expect("the object store can be opened");
    objects.write(ObjectType::Tag, text.as_bytes()).expect("an object can be written")
}

#[test]
fn bad_b09_a_branch_beats_a_tag_of_its_name() {
    let repo = Repo::with(&[("app.yml", "a: tagged\n")]);
    repo.tag("both").annotated_tag("main");
    let branch = repo.on("both").file("app.yml", "a: branch\n").commit();
    let main = repo.on("main").file("app.yml", "a: main\n").commit();
    let place = Place::new(repo);
    place.serves(&[("both", &branch, r#"{"a":"branch"}"#), ("main", &main, r#"{"a":"main"}"#)]);
    place.knows_none(&["tags/both", "refs/tags/both", "heads/both"]);
}

#[test]
fn bad_b10_tags_lead_to_a_commit_through_at_most_eight_tags() {
    let repo = Repo::new();
    let commit = repo.file("app.yml", "a: 1\n").commit();
    repo.tag("light").annotated_tag("annotated");
    let id = Oid::from_str(&commit).unwrap();
    let git = Repository::open(repo.path()).unwrap();
    let tree = git.find_commit(id).unwrap().tree_id();
    let blob = git.blob(format!("a: {MARKER}\n").as_bytes()).unwrap();
    let mut tag = annotate(&repo, id, "commit");
    for depth in 1..=50 {
        point(&repo, &format!("refs/tags/depth-{depth}"), tag);
        tag = annotate(&repo, tag, "tag");
    }
    point(&repo, "refs/tags/blob", blob);
    point(&repo, "refs/tags/tree", tree);
    point(&repo, "refs/tags/of-blob", annotate(&repo, blob, "blob"));
    point(&repo, "refs/tags/of-tree", annotate(&repo, tree, "tree"));
    let place = Place::new(repo);
    let served = ["light", "annotated", "depth-1", "depth-2", "depth-8"];
    place.serves(&served.map(|label| (label, commit.as_str(), r#"{"a":1}"#)));
    place.knows_none(&["depth-9", "depth-50", "blob", "tree", "of-blob", "of-tree"]);
}

#[test]
fn bad_b11_slashes_in_labels_confuse_no_prefix() {
    let repo = Repo::with(&[("app.yml", "a: main\n")]);
    let below = repo.on("feature/x").file("app.yml", "a: below\n").commit();
    let tagged = repo.on("topic").file("app.yml", "a: tagged\n").commit();
    repo.tag("topic/x");
    let topic = repo.file("app.yml", "a: topic\n").commit();
    let place = Place::new(repo);
    place.serves(&[("feature/x", &below, r#"{"a":"below"}"#)]);
    place.serves(&[("topic", &topic, r#"{"a":"topic"}"#), ("topic/x", &tagged, r#"{"a":"tagged"}"#)]);
    for label in ["feature/x", "feature%2Fx", "feature%2fx", "%66eature/x"] {
        let answer = told(&ask(&place.server, &format!("/api/v1/config/app?label={label}")));
        assert_eq!(answer, r#"200 {"a":"below"}"#);
    }
    place.knows_none(&[
        "feature",
        "feature/",
        "x",
        "feature/x/",
        "feature%2Fx",
        "feature(_)x",
        "feature\\x",
        "topic/",
        "topic/y",
    ]);
}

#[test]
fn bad_b12_a_list_of_labels_is_one_name() {
    let repo = Repo::with(&[("app.yml", "a: 1\n")]);
    let listed = repo.on("main,dev").file("app.yml", "a: listed\n").commit();
    let place = Place::new(repo);
    place.serves(&[("main,dev", &listed, r#"{"a":"listed"}"#)]);
    place.knows_none(&["main,nope", "dev,main", "main,", ",main", ","]);
    let twice = told(&ask(&place.server, "/api/v1/config/app?label=main&label=dev"));
    assert!(twice.starts_with("400 invalid-query: the query cannot be read: "), "{twice}");
}

#[test]
fn bad_b13_labels_are_compared_byte_by_byte() {
    let repo = Repo::with(&[("app.yml", "a: small\n")]);
    let (long, composed) = ("l".repeat(250), "caf\u{e9}");
    let large = repo.on("Main").file("app.yml", "a: large\n").commit();
    let emoji = repo.on("🚀/größe").file("app.yml", "a: emoji\n").commit();
    let lengthy = repo.on(&long).file("app.yml", "a: long\n").commit();
    let accent = repo.on(composed).file("app.yml", "a: accent\n").commit();
    let place = Place::new(repo);
    place.serves(&[("Main", &large, r#"{"a":"large"}"#), (&long, &lengthy, r#"{"a":"long"}"#)]);
    place.serves(&[("🚀/größe", &emoji, r#"{"a":"emoji"}"#), (composed, &accent, r#"{"a":"accent"}"#)]);
    assert_eq!(place.told("main"), r#"200 {"a":"small"}"#);
    place.knows_none(&["MAIN", "mAIN", "cafe\u{301}", "ｍain", "main\u{200b}", "🚀"]);
    assert_eq!(place.told(&long[1..]), format!("404 unknown-label: there is no label `{}…`", "l".repeat(200)));
    let of_length = |length: usize| place.told(&"x".repeat(length));
    assert_eq!(of_length(512), format!("404 unknown-label: there is no label `{}…`", "x".repeat(200)));
    assert_eq!(of_length(513), "400 invalid-address: label is longer than 512 bytes");
    assert_eq!(of_length(4_000), "400 invalid-address: label is longer than 512 bytes");
    assert_eq!(
        of_length(4_096),
        "414 target-too-long: the request target has 4121 bytes, more than the 4096 that `limits.path` allows"
    );
}

#[test]
fn bad_b14_a_flood_of_unknown_labels_fetches_nothing() {
    let place = Place::new(Repo::with(&[("app.yml", "a: 1\n")]));
    let before = place.fetches();
    let head = format!(" HTTP/1.1\r\nHost: {}\r\n", place.server.address());
    let requests: String = (0..2_000)
        .map(|number| {
            format!(
                "GET /api/v1/config/app?label=unknown-{number}{head}{}\r\n",
                if number == 1_999 { "Connection: close\r\n" } else { "" }
            )
        })
        .collect();
    let answers = String::from_utf8_lossy(&place.server.send_bytes(requests.as_bytes()).body).into_owned();
    // The head of the first answer is taken off as that of an exchange; the others are in its body.
    assert_eq!(answers.matches("HTTP/1.1 404 Not Found\r\n").count(), 1_999);
    assert_eq!(answers.matches("\"code\":\"unknown-label\"").count(), 2_000);
    assert!(answers.contains("there is no label `unknown-0`") && answers.contains("there is no label `unknown-1999`"));
    assert_eq!(place.fetches(), before);
    assert_eq!(place.told("main"), r#"200 {"a":1}"#);
}

#[test]
fn bad_b15_a_label_deleted_while_it_is_served_is_unknown_after_the_next_fetch() {
    let repo = Repo::with(&[("app.yml", "a: main\n")]);
    let doomed = repo.on("doomed").file("app.yml", "a: doomed\n").commit();
    let place = Place::new(repo);
    place.serves(&[("doomed", &doomed, r#"{"a":"doomed"}"#)]);
    place.repo.delete_branch("doomed");
    place.serves(&[("doomed", &doomed, r#"{"a":"doomed"}"#)]);
    place.refresh();
    place.knows_none(&["doomed", &doomed]);
    assert_eq!(place.told("main"), r#"200 {"a":"main"}"#);
}

#[test]
fn bad_b16_a_label_that_may_not_be_asked_for_is_like_one_that_does_not_exist() {
    let repo = Repo::with(&[("app.yml", "a: main\n")]);
    let open = repo.on("release/1").file("app.yml", "a: open\n").commit();
    let closed = repo.on("secret").file("app.yml", &format!("a: {MARKER}\n")).commit();
    repo.tag("v-secret");
    let place = Place::launch(repo, |launch| launch.env("LAYERD_SOURCES__0__LABELS", "main,release/*"));
    place.serves(&[("release/1", &open, r#"{"a":"open"}"#), (&open, &open, r#"{"a":"open"}"#)]);
    place.knows_none(&["secret", "v-secret", &closed, "release", "nowhere"]);
    let listed = ask(&place.server, "/api/v1/applications").json();
    assert_eq!(listed["labels"], serde_json::json!(["main", "release/1"]));
    let whole = |label: &str| place.ask(label).to_string().replace(label, "LABEL");
    let without_id = |text: String| {
        text.lines().map(|line| line.split(",\"request_id\"").next().unwrap_or(line).to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(without_id(whole("secret")), without_id(whole("nobody")));
}
