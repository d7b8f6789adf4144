//! TLS to Postgres: what was asked for is kept, and nothing falls back to plain text.

use crate::support::postgres::{self, Server};
use finops::store::{Db, Setup, StoreError, Target};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

/// A certificate for 127.0.0.1 by an authority of its own: `ca.crt`, `server.crt`, `server.key`.
fn certificates(folder: &Path) -> bool {
    let script = "set -e
      openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=test-authority -keyout ca.key -out ca.crt
      openssl req -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -subj /CN=127.0.0.1 -keyout server.key -out server.csr
      printf 'subjectAltName=IP:127.0.0.1\\nbasicConstraints=CA:FALSE\\n' > extensions
      openssl x509 -req -days 2 -in server.csr -CA ca.crt -CAkey ca.key -CAcreateserial -extfile extensions -out server.crt
      chmod 600 server.key; chmod 644 ca.crt";
    let mut command = Command::new("/bin/sh");
    command.args(["-c", script]).current_dir(folder).stdout(Stdio::null()).stderr(Stdio::null());
    command.status().is_ok_and(|status| status.success())
}

fn open(server: &Server, options: &str) -> Result<bool, StoreError> {
    let url = format!("{}?{options}", server.url("postgres"));
    let mut db = Db::open(Target::Postgres(&url), Duration::from_secs(5))?;
    const SQL: &str = "SELECT CAST(ssl AS TEXT) FROM pg_stat_ssl WHERE pid = pg_backend_pid()";
    db.read(|tx| tx.query_opt(SQL, &[], |row| row.string(0))).map(|ssl| ssl.as_deref() == Some("true"))
}

#[test]
fn a_certificate_is_verified_when_tls_is_asked_for() {
    let folder = tempfile::tempdir().unwrap();
    if !certificates(folder.path()) {
        return;
    }
    let copy = |to: &Path| {
        for file in ["server.crt", "server.key"] {
            std::fs::copy(folder.path().join(file), to.join(file)).unwrap();
        }
    };
    let settings = ["ssl=on", "ssl_cert_file=../server.crt", "ssl_key_file=../server.key"];
    let Some(server) = postgres::start(&settings, copy) else { return };
    let root = format!("sslrootcert={}", folder.path().join("ca.crt").display());
    for mode in ["require", "verify-ca", "verify-full"] {
        assert!(open(&server, &format!("sslmode={mode}&{root}")).unwrap(), "{mode} is encrypted");
        let refused = open(&server, &format!("sslmode={mode}"));
        assert!(matches!(refused, Err(StoreError::Connection(_))), "{mode} without the authority: {refused:?}");
    }
    assert!(!open(&server, "sslmode=disable").unwrap(), "plain only when told so");
    assert!(open(&server, "sslmode=require&sslrootcert=/nowhere.crt").is_err());
}

#[test]
fn a_server_without_tls_is_refused_and_never_told_in_plain() {
    let Some(server) = postgres::server() else { return };
    for mode in ["require", "verify-ca", "verify-full"] {
        let refused = open(server, &format!("sslmode={mode}"));
        assert!(matches!(refused, Err(StoreError::Setup(Setup::NoTls, _))), "{mode}: {refused:?}");
    }
    assert!(!open(server, "sslmode=prefer").unwrap());
}
