//! HTTPS: a certificate is verified by the system's roots, and nothing is sent to one that is not.

use crate::at;
use crate::webhook;
use finops::model::FailureClass;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};
use std::io::{Read, Write};
use std::net::TcpListener;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

/// An authority, and a certificate of it for 127.0.0.1 and another for a name that nobody calls.
const SCRIPT: &str = "set -e
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=test-authority -keyout ca.key -out ca.crt
for pair in server=IP:127.0.0.1 other=DNS:other.example; do
  name=${pair%%=*}
  openssl req -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -subj /CN=$name -keyout $name.key -out $name.csr
  printf 'subjectAltName=%s\\nbasicConstraints=CA:FALSE\\n' \"${pair#*=}\" > extensions
  openssl x509 -req -days 2 -in $name.csr -CA ca.crt -CAkey ca.key -CAcreateserial -extfile extensions -out $name.crt
done";

/// Answers 200 to every request; counts those that came through TLS.
fn start(folder: &Path, name: &str) -> (u16, Arc<AtomicU32>) {
    let chain = CertificateDer::pem_file_iter(folder.join(format!("{name}.crt"))).unwrap().map(Result::unwrap).collect();
    let key = PrivateKeyDer::from_pem_file(folder.join(format!("{name}.key"))).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    let config = Arc::new(builder.with_no_client_auth().with_single_cert(chain, key).unwrap());
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let requests = Arc::new(AtomicU32::new(0));
    let counted = Arc::clone(&requests);
    std::thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            let mut tls = StreamOwned::new(ServerConnection::new(Arc::clone(&config)).unwrap(), stream);
            let mut buffer = [0; 4096];
            if tls.read(&mut buffer).is_ok_and(|length| length > 0) {
                counted.fetch_add(1, Ordering::SeqCst);
                let _ = tls.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
            }
        }
    });
    (port, requests)
}

/// In a process of its own that trusts the authority: the same, and the rest of what the test says.
const CHILD: &str = "FINOPS_TEST_TLS_PORTS";

#[test]
fn a_certificate_is_verified() {
    #[expect(clippy::disallowed_methods, reason = "the child is told what to call")]
    if let Ok(ports) = std::env::var(CHILD) {
        let (good, other) = ports.split_once(' ').unwrap();
        let post = |port: &str| webhook(&format!("https://127.0.0.1:{port}/")).post("msg_1", b"{}", at());
        post(good).unwrap();
        let failure = post(other).unwrap_err();
        assert_eq!(failure.class, FailureClass::Unreachable, "{failure:?}");
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let mut openssl = Command::new("/bin/sh");
    openssl.args(["-c", SCRIPT]).current_dir(folder.path()).stdout(Stdio::null()).stderr(Stdio::null());
    assert!(openssl.status().unwrap().success(), "this test needs the program openssl");
    let (good, requests) = start(folder.path(), "server");
    let (other, requests_of_other) = start(folder.path(), "other");

    let failure = webhook(&format!("https://127.0.0.1:{good}/")).post("msg_1", b"{}", at()).unwrap_err();
    assert_eq!(failure.class, FailureClass::Unreachable, "{failure:?}");
    assert!(failure.message.contains("certificate"), "{failure:?}");
    assert_eq!(requests.load(Ordering::SeqCst), 0, "nothing was sent");

    let mut child = Command::new(std::env::current_exe().unwrap());
    child.args(["--exact", "tls::a_certificate_is_verified"]).env(CHILD, format!("{good} {other}"));
    let output = child.env("SSL_CERT_FILE", folder.path().join("ca.crt")).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
    assert_eq!((requests.load(Ordering::SeqCst), requests_of_other.load(Ordering::SeqCst)), (1, 0));
}

#[test]
fn a_server_without_tls_is_no_https() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let plain = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut hello = [0; 4096];
        let length = stream.read(&mut hello).unwrap();
        stream.write_all(b"HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n").unwrap();
        hello[..length].to_vec()
    });
    let failure = webhook(&format!("https://127.0.0.1:{port}/")).post("msg_1", b"{}", at()).unwrap_err();
    assert_eq!(failure.class, FailureClass::Unreachable, "{failure:?}");
    let hello = plain.join().unwrap();
    assert!(!hello.windows(4).any(|window| window == b"POST"), "nothing is told in plain");
}
