//! A watched folder in which something cannot be read: it harms whom it would answer, and nobody else.
//!
//! The calls of the C library fail by `harness/faults.rs`, because root may read every file; where permissions are the
//! point, the server gives up what root may.

use std::time::Duration;

use rustix::io::Errno;

use crate::harness::eventually;
use crate::harness::faults::Faults;
use crate::harness::folder::Folder;
use crate::harness::server::Server;

const SOON: Duration = Duration::from_millis(1500);

fn start(folder: &Folder, faults: &Faults) -> Server {
    let launch = Server::launch(&["serve", folder.arg()]);
    faults.variables().iter().fold(launch, |launch, (name, value)| launch.env(name, value)).start()
}

#[test]
fn a_file_that_cannot_be_read_at_the_start_harms_its_service_only() {
    for (call, error) in [("open", Errno::ACCESS), ("read", Errno::IO)] {
        let (folder, faults) = (Folder::new(), Faults::new());
        folder.file("good.yml", "a: 1").file("bad.yml", "b: 1");
        faults.fail(call, error, "/bad.yml$");
        let server = start(&folder, &faults);
        assert_eq!(server.config("good"), "{\"a\":1}");
        assert_eq!(server.get("/health/ready").status(), 200);
        let answer = server.get("/api/v1/config/bad");
        assert_eq!(answer.status(), 500, "{answer}");
        let text = answer.text();
        assert!(text.contains("\"bad.yml\"") && text.contains("it cannot be read") && text.contains("hint"), "{text}");
        let problems = server.get("/api/v1/problems").text();
        assert!(problems.contains("\"unreadable\"") && problems.contains("bad.yml"), "{problems}");
        folder.file("good.yml", "a: 2");
        assert!(server.becomes("good", "{\"a\":2}") < SOON);
        faults.recover();
        folder.file("bad.yml", "b: 2");
        server.becomes("bad", "{\"b\":2}");
    }
}

#[test]
fn a_file_that_can_no_longer_be_read_is_answered_as_it_last_was() {
    let (folder, faults) = (Folder::new(), Faults::new());
    folder.file("good.yml", "a: 1").file("bad.yml", "b: 1");
    let server = start(&folder, &faults);
    assert_eq!(server.config("bad"), "{\"b\":1}");
    faults.fail("open", Errno::ACCESS, "/bad.yml$");
    folder.file("bad.yml", "b: 2").file("good.yml", "a: 2");
    assert!(server.becomes("good", "{\"a\":2}") < SOON);
    let ask = || server.get("/api/v1/config/bad");
    eventually("the file is missed", || ask().header("layerd-pinned").is_some());
    assert_eq!(ask().text(), "{\"b\":1}");
    assert!(ask().header("layerd-pinned").unwrap().starts_with("bad.yml:1:1: it cannot be read"), "{}", ask());
}

#[test]
fn a_folder_that_cannot_be_looked_into_harms_its_service_only() {
    let (folder, faults) = (Folder::new(), Faults::new());
    folder.file("application.yml", "z: 0").file("good.yml", "a: 1").file("bad/application.yml", "b: 1");
    faults.fail("open", Errno::ACCESS, "/bad$");
    let server = start(&folder, &faults);
    assert_eq!(server.config("good"), "{\"z\":0,\"a\":1}");
    let answer = server.get("/api/v1/config/bad");
    assert!(
        answer.status() == 500 && answer.text().contains("it cannot be read"),
        "an answer without its files: {answer}"
    );
    assert_eq!(server.config("badly"), "{\"z\":0}");
    faults.recover();
    folder.file("good.yml", "a: 2");
    server.becomes("bad", "{\"z\":0,\"b\":1}");
    faults.fail("open", Errno::ACCESS, "/bad$");
    folder.file("good.yml", "a: 3");
    assert!(server.becomes("good", "{\"z\":0,\"a\":3}") < SOON);
    let ask = || server.get("/api/v1/config/bad");
    eventually("the folder is missed", || ask().header("layerd-pinned").is_some());
    assert_eq!(ask().text(), "{\"z\":0,\"b\":1}");
}

#[test]
fn a_resource_that_cannot_be_read_is_an_error_and_not_absent() {
    let (folder, faults) = (Folder::new(), Faults::new());
    folder.file("shop.yml", "a: 1").file("note.txt", "a note").file("closed/other.txt", "another");
    folder.file(
        "settings/s.yml",
        &format!(
            "{{spring.profiles.active: native, spring.cloud.config.server.native.search-locations: 'file:{}'}}",
            folder.arg()
        ),
    );
    faults.fail("open", Errno::ACCESS, "/note.txt$");
    let settings = folder.path().join("settings/s.yml");
    let launch = Server::launch(&["serve", "--from-spring", settings.to_str().unwrap()]);
    let server = faults.variables().iter().fold(launch, |launch, (name, value)| launch.env(name, value)).start();
    assert_eq!(server.get("/shop/default").status(), 200);
    assert_eq!(server.get("/shop/default/master/note.txt").status(), 500);
    assert_eq!(server.get("/shop/default/master/closed/other.txt").text(), "another");
    faults.fail("open", Errno::ACCESS, "/closed$");
    folder.file("shop.yml", "a: 2");
    server.becomes("shop", "{\"a\":2}");
    assert_eq!(server.get("/shop/default/master/note.txt").text(), "a note");
    assert_eq!(server.get("/shop/default/master/closed/other.txt").status(), 500);
    assert_eq!(server.get("/shop/default/master/closed/none.txt").status(), 500, "nobody knows");
    assert_eq!(server.get("/shop/default/master/none.txt").status(), 404);
}

#[test]
fn what_loses_its_permissions_alone_is_answered_as_it_last_was_and_keeps_nobody_out() {
    let folder = Folder::new();
    folder.file("good.yml", "a: 1").file("bad.yml", "b: 1").file("shut/application.yml", "c: 1");
    let server = Server::launch(&["serve", folder.arg()]).bound_by_permissions().start();
    let ask = |name: &str| server.get(&format!("/api/v1/config/{name}"));
    for (number, (path, name, mode, answer)) in
        [("bad.yml", "bad", 0o644, "{\"b\":1}"), ("shut", "shut", 0o755, "{\"c\":1}")].into_iter().enumerate()
    {
        assert_eq!(server.config(name), answer);
        folder.permit(path, 0);
        eventually("it is missed", || ask(name).header("layerd-pinned").is_some());
        assert_eq!((ask(name).status(), ask(name).text().as_str()), (200, answer));
        let problems = server.get("/api/v1/problems").json()["problems"].clone();
        let problem = problems.as_array().unwrap().iter().find(|problem| problem["code"] == "unreadable");
        let message = problem.unwrap_or_else(|| panic!("{problems}"))["message"].as_str().unwrap().to_owned();
        assert!(message.contains("Permission denied"), "{message}");
        folder.file("good.yml", &format!("a: 2{number}"));
        assert!(server.becomes("good", &format!("{{\"a\":2{number}}}")) < SOON);
        folder.permit(path, mode);
        eventually("it is there again", || ask(name).header("layerd-pinned").is_none());
        assert_eq!(ask(name).text(), answer);
    }
}

#[test]
fn what_may_not_be_read_at_the_start_harms_its_service_only() {
    let folder = Folder::new();
    folder.file("good.yml", "a: 1").file("bad.yml", "b: 1").file("shut/application.yml", "c: 1");
    folder.permit("bad.yml", 0).permit("shut", 0);
    let server = Server::launch(&["serve", folder.arg()]).bound_by_permissions().start();
    assert_eq!(server.config("good"), "{\"a\":1}");
    assert_eq!((server.config_status("bad"), server.config_status("shut")), (500, 500));
    folder.file("good.yml", "a: 2");
    assert!(server.becomes("good", "{\"a\":2}") < SOON);
    folder.permit("bad.yml", 0o600).permit("shut", 0o700);
    server.becomes("bad", "{\"b\":1}");
    server.becomes("shut", "{\"c\":1}");
    folder.file("shut/application.yml", "c: 2");
    assert!(server.becomes("shut", "{\"c\":2}") < SOON, "it is watched from then on");
}
