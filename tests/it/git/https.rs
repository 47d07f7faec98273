//! Remotes over HTTPS whose certificates come from an authority of one's own, and that want one in return.
//!
//! The certificates in `tests/fixtures/tls` are for these tests alone.

use std::fs;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use layerd::source::remote::tls_files::Files;
use layerd::source::transport::http::install_crypto;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig, ServerConnection, StreamOwned};
use std::os::unix::fs::PermissionsExt as _;

use crate::harness::git_http::{Behaviour, GitServer};
use crate::harness::repo::Repo;
use crate::harness::worker::{Fetches, worker};

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/tls").join(name)
}

/// A TLS server with a certificate of the fixtures in front of a Git server; its address.
fn tls(name: &str, git: &GitServer, wants_client: bool) -> String {
    install_crypto();
    let certs: Vec<_> =
        CertificateDer::pem_file_iter(fixture(&format!("{name}.pem"))).unwrap().map(Result::unwrap).collect();
    let key = PrivateKeyDer::from_pem_file(fixture(&format!("{name}.key"))).unwrap();
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_file(fixture("ca.pem")).unwrap()).unwrap();
    let config = ServerConfig::builder();
    let config = match wants_client {
        true => config.with_client_cert_verifier(WebPkiClientVerifier::builder(Arc::new(roots)).build().unwrap()),
        false => config.with_no_client_auth(),
    };
    let config = Arc::new(config.with_single_cert(certs, key).unwrap());
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("https://{}", listener.local_addr().unwrap());
    let behind = git.url("").trim_start_matches("http://").trim_end_matches('/').to_owned();
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let connection = ServerConnection::new(Arc::clone(&config)).unwrap();
            let behind = behind.clone();
            std::thread::spawn(move || forward(StreamOwned::new(connection, stream), &behind));
        }
    });
    url
}

/// Carries one request to the server behind and its answer back.
fn forward(mut stream: StreamOwned<ServerConnection, TcpStream>, behind: &str) -> Option<()> {
    let (mut request, mut byte) = (Vec::new(), [0]);
    while !request.ends_with(b"\r\n\r\n") {
        stream.read_exact(&mut byte).ok()?;
        request.push(byte[0]);
    }
    let head = String::from_utf8_lossy(&request).to_ascii_lowercase();
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")?.parse().ok()).unwrap_or(0);
    let mut body = vec![0; length];
    stream.read_exact(&mut body).ok()?;
    let mut plain = TcpStream::connect(behind).ok()?;
    plain.write_all(&[request, body].concat()).ok()?;
    let mut answer = Vec::new();
    plain.read_to_end(&mut answer).ok()?;
    stream.write_all(&answer).ok()?;
    stream.conn.send_close_notify();
    stream.flush().ok()
}

fn told(name: &str, wants_client: bool, files: Files) -> String {
    let repo = Repo::with(&[("app.yml", "a: 1")]);
    let git = GitServer::start(repo.path(), Behaviour::Serve);
    let mut fetches = Fetches::new(&tls(name, &git, wants_client), worker(Vec::new()));
    fetches.files = files;
    fetches.told()
}

fn trusting() -> Files {
    Files { ca: Some(fixture("ca.pem")), ..Files::default() }
}

#[test]
fn an_authority_of_ones_own_is_trusted_where_it_is_named() {
    assert_eq!(told("server", false, trusting()), "fetched");
}

#[test]
fn bad_g15_a_certificate_of_an_unknown_authority_or_for_another_name_is_refused() {
    let unknown = told("server", false, Files::default());
    assert!(unknown.starts_with("unreachable: `URL"), "{unknown}");
    let elsewhere = told("elsewhere", false, trusting());
    assert!(elsewhere.starts_with("unreachable: `URL"), "{elsewhere}");
    assert!(elsewhere.contains("certificate"), "{elsewhere}");
}

#[test]
fn a_certificate_is_shown_to_who_wants_one() {
    let folder = tempfile::tempdir().unwrap();
    let key = folder.path().join("client.key");
    fs::copy(fixture("client.key"), &key).unwrap();
    fs::set_permissions(&key, fs::Permissions::from_mode(0o600)).unwrap();
    let files = Files { client_cert: Some(fixture("client.pem")), client_key: Some(key.clone()), ..trusting() };
    assert_eq!(told("server", true, files.clone()), "fetched");
    let without = told("server", true, trusting());
    assert!(without.starts_with("unreachable: `URL"), "{without}");
    fs::set_permissions(&key, fs::Permissions::from_mode(0o644)).unwrap();
    assert!(told("server", true, files).contains("` can be read by others (mode 0644)"));
}

#[test]
fn files_that_hold_no_certificate_are_told() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x.pem");
    fs::write(&path, "nothing").unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    let no_authority = told("server", false, Files { ca: Some(path.clone()), ..Files::default() });
    let expected = "auth: `URL` was not fetched: the file of authorities holds no certificate";
    assert_eq!(no_authority, expected);
    let no_certificate = told("server", false, Files { client_cert: Some(path), ..trusting() });
    assert!(no_certificate.contains("the file of the client certificate cannot be used: "), "{no_certificate}");
}
