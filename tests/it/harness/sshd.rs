//! The `sshd` of the system on loopback: one process for each connection, with keys of its own and for this user alone.
//!
//! Stand-ins for the other side, `ssh`, are in `worker.rs`.

use std::fs;
use std::io::{self, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;

use tempfile::TempDir;

/// An SSH server that lets in who has the file `key`; its threads end with the process.
pub(crate) struct Sshd {
    folder: TempDir,
    address: SocketAddr,
    user: String,
}

impl Sshd {
    /// Starts one on a free port; `None`, with the reason printed, if there is no `sshd` on this machine.
    pub(crate) fn start() -> Option<Self> {
        let places = ["/usr/sbin/sshd", "/usr/local/sbin/sshd", "/usr/bin/sshd"].map(Path::new);
        let Some(program) = places.into_iter().find(|path| path.is_file()) else {
            // Past the runner of the tests, which shows what is printed only if a test fails.
            drop(writeln!(io::stderr(), "skipped: no sshd is installed (package openssh-server)"));
            return None;
        };
        // Where it locks itself in when it runs as root; the package leaves that to the start of the service.
        drop(fs::create_dir_all("/run/sshd"));
        let folder = tempfile::tempdir().expect("a temporary folder can be made");
        ["host", "key", "other"].iter().for_each(|name| generate(&folder.path().join(name)));
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port can be had");
        let address = listener.local_addr().expect("it is bound");
        let sshd = Self { folder, address, user: output("id", &["-un"]) };
        fs::write(sshd.at("settings"), sshd.settings()).expect("a temporary file can be written");
        let (program, settings) = (program.to_owned(), sshd.at("settings"));
        thread::spawn(move || {
            listener.incoming().flatten().for_each(|stream| serve(&program, &settings, stream));
        });
        Some(sshd)
    }

    fn settings(&self) -> String {
        let (host, key) = (self.at("host"), self.at("key.pub"));
        format!(
            "HostKey {}\nAuthorizedKeysFile {}\nAllowUsers {}\nPermitRootLogin prohibit-password\nStrictModes no\n\
             UsePAM no\nPasswordAuthentication no\nKbdInteractiveAuthentication no\nPidFile none\n",
            host.display(),
            key.display(),
            self.user
        )
    }

    /// The address of a path on this machine.
    pub(crate) fn url(&self, path: &str) -> String {
        format!("ssh://{}@{}{path}", self.user, self.address)
    }

    /// A file with this key of the host (`host`, or `other` for a wrong one) as the one that is known.
    pub(crate) fn known_hosts(&self, name: &str) -> PathBuf {
        let key = fs::read_to_string(self.at(&format!("{name}.pub"))).expect("it was generated");
        let path = self.at(&format!("known hosts of {name}"));
        let line = format!("[{}]:{} {key}", self.address.ip(), self.address.port());
        fs::write(&path, line).expect("a temporary file can be written");
        path
    }

    /// A file of its folder: `key` opens, `other` does not.
    pub(crate) fn at(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }
}

fn generate(path: &Path) {
    let made = Command::new("ssh-keygen").args(["-q", "-t", "ed25519", "-N", "", "-f"]).arg(path).status();
    assert!(made.expect("ssh-keygen is there where sshd is").success(), "no key can be made");
}

fn output(program: &str, arguments: &[&str]) -> String {
    let output = Command::new(program).args(arguments).output().expect("the system has it");
    String::from_utf8(output.stdout).expect("names are text").trim().to_owned()
}

/// One connection, on standard input and output of a process of its own.
fn serve(program: &Path, settings: &Path, stream: TcpStream) {
    let Ok(other) = stream.try_clone() else { return };
    let mut sshd = Command::new(program);
    sshd.arg("-i").arg("-f").arg(settings).stdin(OwnedFd::from(stream)).stdout(OwnedFd::from(other));
    if let Ok(mut running) = sshd.stderr(Stdio::null()).spawn() {
        thread::spawn(move || drop(running.wait()));
    }
}
