//! Files that settings name and that never end: pipes, devices, folders. They are refused at once, with the reason.

use std::path::Path;
use std::process::Command;

use crate::harness::eventually;
use crate::harness::folder::Folder;
use crate::harness::repo::Repo;
use crate::harness::server::Server;

/// A pipe that nobody writes to, and a device that never ends.
fn endless(folder: &Folder) -> [String; 3] {
    let pipe = folder.path().join("pipe");
    assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    [pipe.to_str().unwrap().to_owned(), "/dev/zero".to_owned(), folder.arg().to_owned()]
}

#[test]
fn a_settings_file_that_never_ends_is_refused_at_once() {
    let folder = Folder::new();
    for file in endless(&folder) {
        for flag in ["--settings", "--from-spring"] {
            let ran = Server::launch(&["serve", flag, &file]).try_start().err().unwrap();
            assert!(ran.code == Some(78) && ran.stderr.contains("not a regular file"), "{flag} {file}: {ran}");
        }
        let launch = Server::launch(&["serve", "config-repo-example"]).env("LAYERD_ACCESS__TOKENS_FILE", &file);
        let ran = launch.try_start().err().unwrap();
        assert!(ran.code == Some(78) && ran.stderr.contains("not a regular file"), "tokens {file}: {ran}");
    }
}

#[test]
fn a_credential_that_never_ends_fails_the_fetch_at_once() {
    let (folder, repo) = (Folder::new(), Repo::with(&[("application.yml", "a: 1\n")]));
    repo.commit();
    for file in endless(&folder) {
        for name in ["PASSWORD_FILE", "CA_FILE", "CLIENT_CERT_FILE"] {
            let server = Server::launch(&["serve", "--git", "https://127.0.0.1:1/x.git"])
                .env(&format!("LAYERD_SOURCES__0__CREDENTIALS__{name}"), &file)
                .env("LAYERD_SOURCES__0__CREDENTIALS__USERNAME", "ann")
                .start();
            eventually("the fetch has failed", || last_error(&server).contains("not a regular file"));
            assert!(last_error(&server).contains(Path::new(&file).to_str().unwrap()), "{}", last_error(&server));
        }
    }
}

fn last_error(server: &Server) -> String {
    server.get("/api/v1/status").json()["sources"][0]["last_error"].as_str().unwrap_or_default().to_owned()
}
