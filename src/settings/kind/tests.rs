//! Values of every kind as users write them, and what they are shown as or refused with.

use std::sync::Arc;

use super::*;
use crate::config::value::Number;
use crate::settings::table;

fn read(name: &str, text: &str) -> Result<String, String> {
    let row = table::find(name).unwrap();
    let value = row.read(&Data::Text(Arc::from(text)), Path::new("/base"));
    value.map(|value| value.shown).map_err(|reason| reason.message)
}

#[test]
fn numbers_stay_within_their_span() {
    assert_eq!(read("limits.depth", "128"), Ok("128".to_owned()));
    for bad in ["0", "129", "-1", "+", "", "1.5", "18446744073709551616"] {
        let expected = format!("is `{bad}`, but takes a number from 1 to 128");
        assert_eq!(read("limits.depth", bad), Err(expected));
    }
}

#[test]
fn addresses_need_a_port_and_no_look_up() {
    assert_eq!(read("http.listen", "localhost:80"), Ok("127.0.0.1:80".to_owned()));
    assert_eq!(read("http.listen", "[::1]:0"), Ok("'[::1]:0'".to_owned()));
    for bad in ["8888", ":8888", "example.org:80", "127.0.0.1", "127.0.0.1:65536", "localhost:x"] {
        assert_eq!(read("http.listen", bad), Err(format!("is `{bad}`, but takes an address and a port")));
    }
}

#[test]
fn prefixes_begin_with_a_slash_and_end_without() {
    for good in ["/config", "/a/b-c_d.e~f", ""] {
        assert!(read("http.prefix", good).is_ok(), "{good}");
    }
    for bad in ["config", "/config/", "/", "//", "/a//b", "/a b", "/..", "/{x}"] {
        let expected = format!("is `{bad}`, which is no path in front of others");
        assert_eq!(read("http.prefix", bad), Err(expected));
    }
}

#[test]
fn relative_paths_start_at_the_base_and_urls_do_not() {
    assert_eq!(read("state", "./a/../b"), Ok("/base/a/../b".to_owned()));
    assert_eq!(read("state", "/abs"), Ok("/abs".to_owned()));
    assert_eq!(read("sources[].git", "../repo"), Ok("/base/../repo".to_owned()));
    assert_eq!(read("sources[].git", "./a:b"), Ok("/base/a:b".to_owned()));
    assert_eq!(read("sources[].git", "git@host:team/x.git"), Ok("git@host:team/x.git".to_owned()));
    assert_eq!(read("sources[].git", "--upload-pack=x"), Err("is no address of a repository".to_owned()));
}

#[test]
fn passwords_in_urls_are_not_shown() {
    let shown = |url| read("sources[].git", url).unwrap();
    assert_eq!(shown("https://user:pa@ss@host/x@y"), "https://***@host/x@y");
    assert_eq!(shown("https://token@host"), "https://***@host");
    assert_eq!(shown("https://host/a@b"), "https://host/a@b");
    assert_eq!(shown("https://host/x?private_token=abc"), "https://host/x?***");
    assert_eq!(shown("user:pass@host:x"), "'***@host:x'");
    assert_eq!(shown("//user:pass@host/x"), "/***@host/x");
    assert_eq!(read("sources[].dir", "https://u:pw@h/x"), Ok("/base/https:/***@h/x".to_owned()));
    assert_eq!(read("sources[].label", "https://u:pw@h"), Ok("https://***@h".to_owned()));
    assert_eq!(read("sources[].label", "a\u{202e}b"), Ok("\"a\\u202eb\"".to_owned()));
}

#[test]
fn folders_in_a_repository_stay_in_it() {
    assert_eq!(read("sources[].path", "a/b/"), Ok("a/b/".to_owned()));
    for bad in ["../x", "/x", "a/../b", "a\\b"] {
        assert!(read("sources[].path", bad).is_err(), "{bad}");
    }
}

#[test]
fn names_of_sources_are_plain() {
    assert!(read("sources[].name", "team.a_b-1").is_ok());
    for bad in ["", "a/b", "a b", "é", &"x".repeat(65)] {
        assert!(read("sources[].name", bad).is_err(), "{bad}");
    }
}

#[test]
fn secrets_are_stars_wherever_they_are_printed() {
    let row = table::find("sources[].credentials.token").unwrap();
    let secret = row.read(&Data::Text(Arc::from("hunter2")), Path::new("/")).unwrap();
    assert_eq!((secret.shown.as_str(), secret.holds_secret), (r#""***""#, true));
    assert_eq!(format!("{secret:?}"), r#""***""#);
    let number = Data::Number(Number::Integer(12345));
    assert_eq!(row.read(&number, Path::new("/")).unwrap_err().message, "is something else, but takes text");
}
