//! Programs of others that stand in for the services that finops talks to. They know the protocols
//! independently of us, so they disagree where we are wrong. They listen on 127.0.0.1 only.

use std::io::Write;
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// The program named by `variable`, else the one in the path. None when it is not here, which is said
/// loudly, and is a failure when FINOPS_REQUIRE_PEERS asks for the whole.
pub fn find(variable: &str, program: &str, install: &str) -> Option<PathBuf> {
    #[expect(clippy::disallowed_methods, reason = "a test looks for programs where it is told to, and where the shell would")]
    let (named, path, required) =
        (std::env::var_os(variable), std::env::var_os("PATH").unwrap_or_default(), std::env::var_os("FINOPS_REQUIRE_PEERS"));
    let found = match named.filter(|named| !named.is_empty()).map(PathBuf::from) {
        Some(named) => {
            assert!(named.is_file(), "{variable} names {}, which is not there", named.display());
            Some(named)
        }
        None => std::env::split_paths(&path).map(|folder| folder.join(program)).find(|file| file.is_file()),
    };
    if found.is_none() {
        let text = format!("{program} is not here, so what it proves is NOT TESTED. {install}, or name it in {variable}");
        assert!(!required.is_some_and(|v| !v.is_empty() && v != "0"), "{text}");
        // Past the capture of the test harness.
        let _ = writeln!(std::io::stderr(), "\n*** {text} ***\n");
    }
    found
}

/// A running program, which ends with the test.
pub struct Peer {
    child: Child,
    pub port: u16,
}

impl Drop for Peer {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// s3s-fs: buckets are the folders in `root`.
pub fn s3(root: &Path, access_key: &str, secret_key: &str) -> Option<Peer> {
    let program = find("FINOPS_PEER_S3", "s3s-fs", "cargo install s3s-fs --version 0.14.1 --features binary --locked")?;
    // Another process may take the port between our look and the server's.
    for _ in 0..5 {
        let port = TcpListener::bind("127.0.0.1:0").and_then(|l| l.local_addr()).expect("a free port").port();
        let mut command = Command::new(&program);
        command.args([
            "--host",
            "127.0.0.1",
            "--port",
            &port.to_string(),
            "--access-key",
            access_key,
            "--secret-key",
            secret_key,
        ]);
        command.arg(root).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let mut peer = Peer { child: command.spawn().expect("s3s-fs starts"), port };
        let deadline = Instant::now() + Duration::from_secs(30);
        while Instant::now() < deadline && peer.child.try_wait().expect("its state").is_none() {
            if TcpStream::connect(("127.0.0.1", port)).is_ok() {
                return Some(peer);
            }
            std::thread::sleep(Duration::from_millis(20));
        }
    }
    panic!("s3s-fs does not answer");
}

/// A Python that has the package `standardwebhooks`.
pub fn python() -> Option<PathBuf> {
    let install = "python3 -m venv DIR && DIR/bin/pip install standardwebhooks==1.1.0";
    let python = find("FINOPS_PEER_PYTHON", "python-with-standardwebhooks", install)?;
    let works = Command::new(&python).args(["-c", "import standardwebhooks"]).status().is_ok_and(|status| status.success());
    assert!(works, "{} has no package standardwebhooks: {install}", python.display());
    Some(python)
}

/// emulate: Slack and Twilio as vercel-labs understands them, each on its port, with its own memory.
pub struct Emulate {
    _peer: Peer,
    pub slack: u16,
    pub twilio: u16,
}

/// What emulate knows an account of Twilio by, and the number that it has.
pub const TWILIO_ACCOUNT: &str = "AC00000000000000000000000000000000";
pub const TWILIO_TOKEN: &str = "twilio_test_auth_token";
pub const TWILIO_NUMBER: &str = "+15551234567";

pub fn emulate() -> Option<Emulate> {
    let program = find("FINOPS_PEER_EMULATE", "emulate", "npm install emulate@0.12.2 node@22 (node_modules/.bin/emulate)")?;
    for _ in 0..5 {
        // It takes two ports, one after the other.
        let first = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let port = first.local_addr().expect("its address").port();
        let Ok(second) = TcpListener::bind(("127.0.0.1", port.saturating_add(1))) else { continue };
        drop((first, second));
        let mut command = node(&program);
        command.args(["start", "-s", "slack,twilio", "--host", "127.0.0.1", "-p", &port.to_string()]);
        if let Some(peer) = launch(command, &[port, port + 1]) {
            return Some(Emulate { _peer: peer, slack: port, twilio: port + 1 });
        }
    }
    panic!("emulate does not answer");
}

/// Prism before another server: what does not fit a vendor's contract (OpenAPI) does not get there.
pub fn prism(contract: &Path, upstream: u16) -> Option<Peer> {
    let program = find("FINOPS_PEER_PRISM", "prism", "npm install @stoplight/prism-cli@5.14.2")?;
    for _ in 0..5 {
        let port = TcpListener::bind("127.0.0.1:0").and_then(|l| l.local_addr()).expect("a free port").port();
        let mut command = node(&program);
        command.args(["proxy", "-h", "127.0.0.1", "-p", &port.to_string(), "--errors"]).arg(contract);
        command.arg(format!("http://127.0.0.1:{upstream}"));
        if let Some(peer) = launch(command, &[port]) {
            return Some(peer);
        }
    }
    panic!("Prism does not answer");
}

/// A program of Node, which may need the Node that lies beside it.
fn node(program: &Path) -> Command {
    let mut path = program.parent().expect("a folder").as_os_str().to_owned();
    #[expect(clippy::disallowed_methods, reason = "a test looks for programs where the shell would")]
    if let Some(usual) = std::env::var_os("PATH") {
        path.push(":");
        path.push(usual);
    }
    let mut command = Command::new(program);
    command.env("PATH", &path).current_dir(std::env::temp_dir());
    command
}

/// Starts a program, and waits until it listens on these ports; none when it ended before.
fn launch(mut command: Command, ports: &[u16]) -> Option<Peer> {
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    let mut peer = Peer { child: command.spawn().expect("the program starts"), port: ports[0] };
    let deadline = Instant::now() + Duration::from_secs(60);
    while Instant::now() < deadline && peer.child.try_wait().expect("its state").is_none() {
        if ports.iter().all(|port| TcpStream::connect(("127.0.0.1", *port)).is_ok()) {
            return Some(peer);
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    None
}
