//! Object storage: what is sent, by a scripted server; that it is right, by s3s-fs.

use crate::http::{Server, Step, answer};
use crate::peers;
use crate::{at, bucket, put, settings};
use chrono::{DateTime, Utc};
use finops::model::{FailureClass, Secret};
use finops::providers::s3::{Bucket, Encryption, Settings};
use sha2::{Digest, Sha256};
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;

const PDF: &[u8] = b"%PDF-1.7 an invoice";

fn sha256(content: &[u8]) -> String {
    Sha256::digest(content).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A real server goes by the real time.
fn now() -> DateTime<Utc> {
    #[expect(clippy::disallowed_methods, reason = "the peer has a clock of its own")]
    Utc::now()
}

fn error(status: &str, code: &str, message: &str) -> Step {
    let xml = format!("<?xml version=\"1.0\"?><Error><Code>{code}</Code><Message>{message}</Message></Error>");
    Step::Answer(answer(status, &[("content-type", "application/xml")], xml.as_bytes()))
}

#[test]
fn an_upload_says_what_it_is_and_is_signed_with_its_content() {
    let server = Server::start([Step::Answer(answer("200 OK", &[("etag", "\"1\"")], b""))]);
    let more = Settings {
        session_token: Some(Secret::new("canary-token".to_owned())),
        server_side_encryption: Some(Encryption::Aes256),
        storage_class: Some("STANDARD_IA".to_owned()),
        ..settings(&server.url(""))
    };
    let bucket = Bucket::new(more);
    let object = bucket.object_name("nord", "2026", "INV-1", &sha256(PDF));
    let receipt = bucket.put(&object, PDF, "application/pdf", at()).unwrap();
    assert_eq!(receipt.provider_ref, format!("s3://books/invoices/nord/2026/INV-1.{}.pdf", sha256(PDF)));
    assert_eq!((receipt.sha256, receipt.bytes), (sha256(PDF), 19));
    let seen = server.seen().remove(0);
    assert_eq!(seen.line, format!("PUT /books/{object} HTTP/1.1"));
    assert_eq!(seen.body, PDF);
    for (name, value) in [
        ("host", format!("127.0.0.1:{}", server.port()).as_str()),
        ("content-type", "application/pdf"),
        ("content-length", "19"),
        ("user-agent", concat!("finops/", env!("CARGO_PKG_VERSION"))),
        ("x-amz-content-sha256", &sha256(PDF)),
        ("x-amz-date", "20261121T080000Z"),
        ("x-amz-security-token", "canary-token"),
        ("x-amz-server-side-encryption", "AES256"),
        ("x-amz-storage-class", "STANDARD_IA"),
    ] {
        assert_eq!(seen.header(name), Some(value), "{name}");
    }
    let authorization = seen.header("authorization").unwrap();
    let signed = "SignedHeaders=content-type;host;x-amz-content-sha256;x-amz-date;x-amz-security-token;\
                  x-amz-server-side-encryption;x-amz-storage-class,";
    assert!(authorization.contains(signed), "{authorization}");
    assert!(authorization.starts_with("AWS4-HMAC-SHA256 Credential=AKIACANARY4711/20261121/us-east-1/s3/aws4_request,"));
}

#[test]
fn the_code_tells_more_than_the_status() {
    use FailureClass::{Broken, Deferred, Denied, Local, NoAnswer, Rejected, Throttled};
    for (status, code, class) in [
        ("403 Forbidden", "AccessDenied", Denied),
        ("403 Forbidden", "RequestTimeTooSkewed", Local),
        ("404 Not Found", "NoSuchBucket", Denied),
        ("400 Bad Request", "AuthorizationHeaderMalformed", Denied),
        ("400 Bad Request", "ExpiredToken", Denied),
        ("301 Moved Permanently", "PermanentRedirect", Denied),
        ("307 Temporary Redirect", "TemporaryRedirect", Deferred),
        ("400 Bad Request", "XAmzContentSHA256Mismatch", Broken),
        ("400 Bad Request", "BadDigest", Broken),
        ("400 Bad Request", "RequestTimeout", NoAnswer),
        ("503 Slow Down", "SlowDown", Throttled),
        ("503 Service Unavailable", "ServiceUnavailable", Broken),
        ("409 Conflict", "OperationAborted", Deferred),
        ("400 Bad Request", "EntityTooLarge", Rejected),
        ("500 Internal Server Error", "InternalError", Broken),
        ("501 Not Implemented", "NotImplemented", Rejected),
    ] {
        let server = Server::start([error(status, code, "Words.")]);
        let failure = put(&bucket(&server.url("")));
        assert_eq!(failure.class, class, "{failure:?}");
        assert!(failure.message.contains(&format!(": {code}: Words.")), "{failure:?}");
    }
}

/// A wrong endpoint may lead to something that says 200 to anything.
#[test]
fn what_is_no_object_storage_has_stored_nothing() {
    let server = Server::start([Step::Answer(answer("200 OK", &[("content-type", "text/html")], b"<html>Welcome</html>"))]);
    let failure = put(&bucket(&server.url("")));
    assert!(failure.class == FailureClass::Denied && failure.message.contains("check endpoint"), "{failure:?}");
}

#[test]
fn whether_an_object_is_there() {
    let server = Server::start([
        Step::Answer(b"HTTP/1.1 200 OK\r\ncontent-length: 12345\r\n\r\n".to_vec()),
        Step::Answer(answer("404 Not Found", &[], b"")),
        Step::Answer(answer("403 Forbidden", &[], b"")),
        Step::Answer(b"HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n".to_vec()),
    ]);
    let bucket = bucket(&server.url(""));
    let find = || bucket.find("a.pdf", at()).map_err(|failure| failure.class);
    assert_eq!(find(), Ok(Some(12345)));
    assert_eq!(find(), Ok(None));
    assert_eq!(find(), Err(FailureClass::Denied));
    assert_eq!(find(), Err(FailureClass::Broken), "a size that is not told");
    assert!(server.seen().iter().all(|seen| seen.line == "HEAD /books/a.pdf HTTP/1.1" && seen.body.is_empty()));
    assert_eq!(server.seen().iter().filter(|seen| seen.header("content-length").is_some()).count(), 0);
}

/// A refusal before the body was read must not get lost in the write that then fails.
#[test]
fn a_refusal_is_heard_before_the_body_is_through() {
    let denied = answer("403 Forbidden", &[("connection", "close")], b"<Error><Code>AccessDenied</Code></Error>");
    let server = Server::start([Step::AnswerEarly(denied)]);
    let failure = bucket(&server.url("")).put("a.pdf", &vec![7; 10_000_000], "application/pdf", at()).unwrap_err();
    // Which of the two it is, is a matter of the network's time; it is never taken for done.
    assert!(matches!(failure.class, FailureClass::Denied | FailureClass::NoAnswer), "{failure:?}");
}

const KEY: &str = "AKIAPEER";
const SECRET: &str = "peer-secret-4711";

fn peer_settings(port: u16) -> Settings {
    Settings {
        access_key_id: Secret::new(KEY.to_owned()),
        secret_access_key: Secret::new(SECRET.to_owned()),
        ..settings(&format!("http://127.0.0.1:{port}"))
    }
}

/// A server that holds the one bucket, and its folder; None when s3s-fs is not here.
fn peer() -> Option<(peers::Peer, tempfile::TempDir)> {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("books")).unwrap();
    Some((peers::s3(folder.path(), KEY, SECRET)?, folder))
}

fn stored(folder: &Path, object: &str) -> Option<Vec<u8>> {
    std::fs::read(folder.join("books").join(object)).ok()
}

#[test]
fn a_real_server_takes_an_upload_once_and_again() {
    let Some((peer, folder)) = peer() else { return };
    let bucket = Bucket::new(peer_settings(peer.port));
    // A name with everything that must be escaped.
    for object in [bucket.object_name("nord", "2026", "INV-2026-000001", &sha256(PDF)), "a%2Fb/ä ö+~=&?#'()*.pdf".to_owned()] {
        assert_eq!(bucket.find(&object, now()), Ok(None));
        let first = bucket.put(&object, PDF, "application/pdf", now()).unwrap();
        assert_eq!(bucket.put(&object, PDF, "application/pdf", now()), Ok(first), "sending it again is harmless");
        assert_eq!(bucket.find(&object, now()), Ok(Some(19)));
        assert_eq!(stored(folder.path(), &object).as_deref(), Some(PDF));
    }
    let large = vec![0x25; 5_000_000];
    bucket.put("large.pdf", &large, "application/pdf", now()).unwrap();
    assert_eq!(bucket.find("large.pdf", now()), Ok(Some(5_000_000)));
    bucket.put("empty.pdf", b"", "application/pdf", now()).unwrap();
    assert_eq!(bucket.find("empty.pdf", now()), Ok(Some(0)));
}

#[test]
fn a_real_server_refuses_what_is_not_signed_right() {
    let Some((peer, folder)) = peer() else { return };
    let right = || peer_settings(peer.port);
    let denied = |settings: Settings, at: DateTime<Utc>| {
        let bucket = Bucket::new(settings);
        let failure = bucket.put("a.pdf", PDF, "application/pdf", at).unwrap_err();
        assert!(!failure.message.contains(SECRET) && stored(folder.path(), "a.pdf").is_none(), "{failure:?}");
        failure
    };
    let wrong_secret = Settings { secret_access_key: Secret::new("canary".to_owned()), ..right() };
    let failure = denied(wrong_secret, now());
    assert!(failure.class == FailureClass::Denied && failure.message.contains("SignatureDoesNotMatch"), "{failure:?}");
    let unknown_key = Settings { access_key_id: Secret::new("AKIAUNKNOWN".to_owned()), ..right() };
    assert_eq!(denied(unknown_key, now()).class, FailureClass::Denied);
    let late = denied(right(), now() - chrono::TimeDelta::hours(1));
    assert!(late.class == FailureClass::Local && late.message.contains("clock"), "{late:?}");
}

/// Passes bytes on to a server, but changes one of them on the way there.
fn damaging_relay(to: u16) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let pump = |mut from: TcpStream, mut to: TcpStream, damage: bool| {
        let mut buffer = vec![0; 1 << 16];
        while let Ok(length @ 1..) = from.read(&mut buffer) {
            let bytes = &mut buffer[..length];
            if damage && let Some(start) = bytes.windows(PDF.len()).position(|window| window == PDF) {
                bytes[start + 10] ^= 1;
            }
            if to.write_all(bytes).is_err() {
                break;
            }
        }
        let _ = to.shutdown(std::net::Shutdown::Write);
    };
    std::thread::spawn(move || {
        for client in listener.incoming().map_while(Result::ok) {
            let server = TcpStream::connect(("127.0.0.1", to)).unwrap();
            let (back, answers) = (server.try_clone().unwrap(), client.try_clone().unwrap());
            std::thread::spawn(move || pump(client, server, true));
            std::thread::spawn(move || pump(back, answers, false));
        }
    });
    port
}

#[test]
fn a_real_server_refuses_what_was_damaged_on_its_way() {
    let Some((peer, folder)) = peer() else { return };
    let bucket = Bucket::new(peer_settings(damaging_relay(peer.port)));
    let failure = bucket.put("a.pdf", PDF, "application/pdf", now()).unwrap_err();
    assert_eq!(failure.class, FailureClass::Broken, "so that it is sent again: {failure:?}");
    assert_eq!(stored(folder.path(), "a.pdf"), None, "nothing is stored");
    // The relay harms nothing else.
    bucket.put("b.pdf", b"%PDF another", "application/pdf", now()).unwrap();
    assert_eq!(bucket.find("b.pdf", now()), Ok(Some(12)));
}
