//! Files that would cost too much (rows E01 to E09 of the list of bad inputs): too large, too deep, too many values, or
//! few bytes that stand for many. Each is refused by a limit, at once, and touches nobody else.
//!
//! What is done with each file is in `bad_e.rs`. The limits are the defaults of the settings `limits.*`.

use std::fs::{self, File};
use std::path::Path;

use git2::{Oid, Repository};

use crate::harness::folder::Folder;
use crate::harness::repo::Repo;
use crate::harness::server::Server;
use crate::input::broken::Faults;
use crate::input::{Untouched, told};

// What the hints say.
const NEST_LESS: &str = "nest less, or raise `limits.depth` in the settings of the server";
const SPLIT: &str = "split the file";
const SPLIT_OR_RAISE: &str = "split the file, or raise `limits.file` in the settings of the server";
const WRITE_OUT: &str = "write the values out, or share fewer of them";
const OTHER_ANCHOR: &str = "name another anchor, or quote a value that begins with `*`";
const DEFINE_ANCHOR: &str = "define it with `&name` further up, or quote a value that begins with `*`";
const SHORTEN_KEY: &str = "shorten the key, or put a literal part into brackets: `map[a.b.c]`";
const QUOTE_KEY: &str = "quote the key if it is a text";
const WRITE_MERGE: &str = "write `<<: *anchor`, or quote the key if it is not to merge";
const OUR_TAGS: &str =
    "use `!append`, `!prepend`, `!replace`, `!unset` or none, and quote a value that is to begin with `!`";
const NONE: &str = "";

/// `limits.file`.
const FILE: usize = 1 << 20;

#[test]
fn bad_e01_files_over_the_limit_are_not_parsed() {
    let one_over = format!("a: {}\n", "x".repeat(FILE - 3));
    let keys: String = (0..300_000).map(|number| format!("k{number}: 1\n")).collect();
    let long = format!("a: {}\n", "x".repeat(10 << 20));
    let values = format!("a: [{}1]\n", "1,".repeat(500_000));
    Faults::new()
        .file(
            "e01.yml",
            one_over,
            "1:1 file-too-large: the file has 1048577 bytes, more than the 1048576 that `limits.file` allows",
            SPLIT_OR_RAISE,
        )
        .file(
            "e01_keys.yml",
            keys,
            "1:1 file-too-large: the file has 3188890 bytes, more than the 1048576 that `limits.file` allows",
            SPLIT_OR_RAISE,
        )
        .file(
            "e01_scalar.yml",
            long.as_str(),
            "1:1 file-too-large: the file has 10485764 bytes, more than the 1048576 that `limits.file` allows",
            SPLIT_OR_RAISE,
        )
        .file(
            "e01_json.json",
            format!("{{\"a\": \"{long}\"}}"),
            "1:1 file-too-large: the file has 10485773 bytes, more than the 1048576 that `limits.file` allows",
            SPLIT_OR_RAISE,
        )
        .file(
            "e01_flat.properties",
            long,
            "1:1 file-too-large: the file has 10485764 bytes, more than the 1048576 that `limits.file` allows",
            SPLIT_OR_RAISE,
        )
        .file(
            "e01_values.yml",
            values,
            "1:1000001 too-many-nodes: the file has more values than the 500000 of `limits.nodes`",
            SPLIT,
        )
        .check();
}

#[test]
fn bad_e01_a_file_of_exactly_the_limit_is_served() {
    let text = "x".repeat(FILE - 4);
    let folder = Folder::new();
    folder.file("app.yml", &format!("a: {text}\n"));
    let server = Server::start(&["serve", folder.arg()]);
    assert!(told(&server.get("/api/v1/config/app")) == format!("200 {{\"a\":\"{text}\"}}"));
    assert_eq!(server.get("/api/v1/problems").json()["problems"], serde_json::json!([]));
}

#[test]
fn bad_e02_the_size_of_a_huge_file_is_known_before_its_bytes() {
    let folder = Folder::new();
    folder.file("application.yml", "shared: 1\n").file("huge.yml", "");
    let huge = folder.path().join("huge.yml");
    File::options().write(true).open(&huge).unwrap().set_len(1 << 30).unwrap();
    let outside = Folder::new();
    let untouched = Untouched::watch(&[huge], &outside.path().join("bell"));
    let server = Server::start(&["serve", folder.arg()]);
    let expected =
        "500 broken-configuration: the file has 1073741824 bytes, more than the 1048576 that `limits.file` allows";
    assert_eq!(told(&server.get("/api/v1/config/huge")), expected);
    assert_eq!(told(&server.get("/api/v1/config/other")), r#"200 {"shared":1}"#);
    untouched.check();
}

#[test]
fn bad_e02_a_blob_that_is_shorter_than_it_says_does_not_go_live() {
    let repo = Repo::with(&[("application.yml", "shared: 1\n")]);
    let server = Server::start(&["serve", "--git", repo.url()]);
    server.wait_ready();
    let before = server.get("/api/v1/config/app");
    let git = Repository::open(repo.path()).unwrap();
    let blob = write_blob_that_lies(repo.path());
    let main = git.find_reference("refs/heads/main").unwrap().peel_to_commit().unwrap();
    let mut tree = git.treebuilder(Some(&main.tree().unwrap())).unwrap();
    tree.insert("app.yml", blob, 0o100_644).unwrap();
    let tree = git.find_tree(tree.write().unwrap()).unwrap();
    let who = main.author();
    git.commit(Some("refs/heads/main"), &who, &who, "Lie", &tree, &[&main]).unwrap();
    let refreshed = server.send("POST", "/api/v1/refresh", &[], b"");
    assert_eq!((refreshed.status(), refreshed.json()["code"].as_str()), (502, Some("fetch-failed")), "{refreshed}");
    let after = server.get("/api/v1/config/app");
    assert_eq!(after.text(), before.text());
    for header in ["etag", "layerd-version"] {
        assert_eq!(after.header(header), before.header(header));
    }
    assert_eq!(told(&server.get("/health/ready")), r#"200 {"status":"ready"}"#);
}

/// A loose object whose header says 16 MiB and which holds five bytes, under an id that is not its digest.
fn write_blob_that_lies(repository: &Path) -> Oid {
    let text = b"blob 16777216\0a: 1\n";
    let length = u16::try_from(text.len()).expect("a short text").to_le_bytes();
    let (low, high) = text.iter().fold((1_u32, 0_u32), |(low, high), byte| {
        let low = (low + u32::from(*byte)) % 65_521;
        (low, (high + low) % 65_521)
    });
    // One block of deflate that is stored as it is, between the head and the checksum of zlib.
    let head = [0x78, 0x01, 0x01, length[0], length[1], !length[0], !length[1]];
    let bytes = [&head[..], text, &(high << 16 | low).to_be_bytes()].concat();
    let id = "5d1f".repeat(10);
    let folder = repository.join("objects").join(&id[..2]);
    fs::create_dir_all(&folder).expect("a folder of a repository can be made");
    fs::write(folder.join(&id[2..]), bytes).expect("a file of a repository can be written");
    Oid::from_str(&id).expect("forty hexadecimal digits")
}

/// Lists of `width` aliases of the list before, `depth` times.
fn laughs(width: usize, depth: usize) -> String {
    let mut text = "a0: &a0 [x]\n".to_owned();
    for level in 1..=depth {
        let below = vec![format!("*a{}", level - 1); width].join(", ");
        text += &format!("a{level}: &a{level} [{below}]\n");
    }
    text
}

#[test]
fn bad_e03_half_a_kilobyte_that_stands_for_billions() {
    let texts = format!("a: &a {}\nb: [{}]\n", "x".repeat(100_000), vec!["*a"; 50_000].join(","));
    Faults::new()
        .file(
            "e03.yml",
            laughs(8, 9),
            "7:10 alias-bomb: aliases add more than 100000 keys and values to the file",
            WRITE_OUT,
        )
        .file(
            "e03_maps.yml",
            laughs(9, 9).replace('[', "{k: [").replace(']', "]}"),
            "6:24 alias-bomb: aliases add more than 100000 keys and values to the file",
            WRITE_OUT,
        )
        .file("e03_bytes.yml", texts, "2:965 alias-bomb: aliases add more than 32000000 bytes to the file", WRITE_OUT)
        .check();
}

#[test]
fn bad_e04_a_third_of_a_kilobyte_that_stands_for_half_a_million() {
    Faults::new()
        .file(
            "e04.yml",
            laughs(9, 6),
            "6:40 alias-bomb: aliases add more than 100000 keys and values to the file",
            WRITE_OUT,
        )
        .check();
}

#[test]
fn bad_e05_nesting_beyond_the_limit_is_refused_before_it_is_read() {
    let block: String = (0..1_000).map(|depth| format!("{}a:\n", " ".repeat(depth))).collect();
    Faults::new()
        .file(
            "e05.yml",
            format!("a: {}{}\n", "[".repeat(10_000), "]".repeat(10_000)),
            "1:69 too-deep: maps and lists are nested deeper than `limits.depth` allows",
            NEST_LESS,
        )
        .file(
            "e05_maps.yml",
            format!("a: {}1{}\n", "{a: ".repeat(10_000), "}".repeat(10_000)),
            "1:256 too-deep: maps and lists are nested deeper than the 64 of `limits.depth`",
            NEST_LESS,
        )
        .file(
            "e05_block.yml",
            block,
            "65:65 too-deep: maps and lists are nested deeper than the 64 of `limits.depth`",
            NEST_LESS,
        )
        .file(
            "e05_dashes.yml",
            format!("a:\n  {}x\n", "- ".repeat(10_000)),
            "2:129 too-deep: maps and lists are nested deeper than the 64 of `limits.depth`",
            NEST_LESS,
        )
        .file(
            "e05_unclosed.yml",
            "[".repeat(100_000),
            "1:66 too-deep: maps and lists are nested deeper than `limits.depth` allows",
            NEST_LESS,
        )
        .file(
            "e05_braces.yml",
            "{".repeat(100_000),
            "1:66 too-deep: maps and lists are nested deeper than `limits.depth` allows",
            NEST_LESS,
        )
        .file("e05_questions.yml", "? ".repeat(50_000), "1:3 complex-key: a list or map cannot be a key", QUOTE_KEY)
        .file(
            "e05_json.json",
            format!("{}1{}", "{\"a\":".repeat(200), "}".repeat(200)),
            "1:321 too-deep: maps and lists are nested deeper than the 64 of `limits.depth`",
            NEST_LESS,
        )
        .file("e05_unclosed_json.json", "[".repeat(100_000), "1:100000 syntax: end of file while parsing a list", NONE)
        .file(
            "e05_flat.properties",
            format!("{}=1\n", vec!["a"; 10_000].join(".")),
            "1:1 too-deep: the key has more than the 64 levels that are allowed",
            SHORTEN_KEY,
        )
        .check();
}

#[test]
fn bad_e06_aliases_of_what_they_stand_in() {
    Faults::new()
        .file(
            "e06.yml",
            "a: &a [*a]\n",
            "1:8 alias-cycle: the alias stands inside the value that it names",
            OTHER_ANCHOR,
        )
        .file(
            "e06_map.yml",
            "a: &a\n  b: 1\n  c: *a\n",
            "3:6 alias-cycle: the alias stands inside the value that it names",
            OTHER_ANCHOR,
        )
        .file(
            "e06_merge.yml",
            "a: &a\n  <<: *a\n",
            "2:7 alias-cycle: the alias stands inside the value that it names",
            OTHER_ANCHOR,
        )
        .file(
            "e06_unknown.yml",
            "a: *b\nb: &b 1\n",
            "1:4 unknown-alias: an alias names an anchor that nothing above it in the document has",
            DEFINE_ANCHOR,
        )
        .check();
}

#[test]
fn bad_e07_long_chains_of_merge_keys() {
    let mut text = "m0: &m0 {k0: 1}\n".to_owned();
    for link in 1..3_000 {
        text += &format!("m{link}: &m{link}\n  <<: *m{}\n  k{link}: 1\n", link - 1);
    }
    let twice: String =
        (1..40).map(|link| format!("m{link}: &m{link} {{<<: [*m{0}, *m{0}], k{link}: 1}}\n", link - 1)).collect();
    Faults::new()
        .file("e07.yml", text, "189:7 too-deep: maps and lists are nested deeper than the 64 of `limits.depth` (in the value of this alias)", NEST_LESS)
        .file("e07_lists.yml", format!("m0: &m0 {{k0: 1}}\n{twice}"), "14:23 alias-bomb: aliases add more than 100000 keys and values to the file", WRITE_OUT)
        .file("e07_self.yml", "a: {<<: [1]}\n", "1:5 merge-key: `<<` takes a map or a list of maps", WRITE_MERGE)
        .check();
}

#[test]
fn bad_e08_pairs_of_flow_as_keys() {
    Faults::new()
        .file(
            "e08.yml",
            format!("a: {}1{}\n", "{? ".repeat(60), "}".repeat(60)),
            "1:7 complex-key: a list or map cannot be a key",
            QUOTE_KEY,
        )
        .file(
            "e08_deep.yml",
            format!("a: {}1{}\n", "[? ".repeat(20_000), "]".repeat(20_000)),
            "1:7 complex-key: a list or map cannot be a key",
            QUOTE_KEY,
        )
        .file(
            "e08_lists.yml",
            format!("a: {}x{}\n", "[".repeat(60), "]: 1".repeat(60)),
            "1:5 complex-key: a list or map cannot be a key",
            QUOTE_KEY,
        )
        .file(
            "e08_pairs.yml",
            format!("a: [{}]\n", "[a: b]: c, ".repeat(5_000)),
            "1:5 complex-key: a list or map cannot be a key",
            QUOTE_KEY,
        )
        .file(
            "e08_colons.yml",
            format!("a: {{{}}}\n", "a: ".repeat(20_000)),
            "1:9 syntax: while parsing a flow mapping, did not find expected ',' or '}'",
            NONE,
        )
        .check();
}

#[test]
fn bad_e09_anchors_and_collections_in_bulk() {
    let anchors: String = (0..50_000).map(|number| format!("k{number}: &a{number} 1\n")).collect();
    assert!(anchors.len() < FILE);
    Faults::new()
        .file(
            "e09_omap.yml",
            "a: !!omap\n  - b: 1\n",
            "1:4 unknown-tag: the tag before this value is unknown",
            OUR_TAGS,
        )
        .file("e09_set.yml", "a: !!set {b, c}\n", "1:4 unknown-tag: the tag before this value is unknown", OUR_TAGS)
        .file("e09_pairs.yml", "a: !!pairs [b: 1]\n", "1:4 unknown-tag: the tag before this value is unknown", OUR_TAGS)
        .file(
            "e09_binary.yml",
            "a: !!binary aGVsbG8=\n",
            "1:4 unknown-tag: the tag before this value is unknown",
            OUR_TAGS,
        )
        .file(
            "e09_name.yml",
            format!("a: &{} 1\nb: *x\n", "x".repeat(FILE / 2)),
            "2:4 unknown-alias: an alias names an anchor that nothing above it in the document has",
            DEFINE_ANCHOR,
        )
        .file(
            "e09_alias.yml",
            format!("a: *{}\n", "x".repeat(FILE / 2)),
            "1:4 unknown-alias: an alias names an anchor that nothing above it in the document has",
            DEFINE_ANCHOR,
        )
        .check();
    let folder = Folder::new();
    folder.file("app.yml", &anchors).file("long.yml", &format!("a: &{} 1\n", "x".repeat(FILE / 2)));
    let server = Server::start(&["serve", folder.arg()]);
    assert_eq!(told(&server.get("/api/v1/config/app?key=k49999")), "200 1");
    assert_eq!(told(&server.get("/api/v1/config/long")), r#"200 {"a":1}"#);
}
