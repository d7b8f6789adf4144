//! No secret in what is told, even when the other side repeats all that it was sent.

use crate::http::{Server, Step, answer};
use crate::{WHSEC, at, settings, webhook};
use finops::model::Secret;
use finops::providers::s3::{Bucket, Settings};

#[test]
fn s3_may_repeat_the_keys_and_they_are_not_told() {
    let body = "<Error><Code>InvalidToken</Code><Message>AKIACANARY4711 with canary-secret-4711 and canary-token-4711: \
                https://s3.example/x?X-Amz-Signature=canary</Message></Error>";
    let plain = "AKIACANARY4711 canary-secret-4711 canary-token-4711 /x?sig=canary";
    for body in [body, plain] {
        let server = Server::start([Step::Answer(answer("400 Bad Request", &[], body.as_bytes()))]);
        let token = Some(Secret::new("canary-token-4711".to_owned()));
        let bucket = Bucket::new(Settings { session_token: token, ..settings(&server.url("")) });
        let failure = bucket.put("a.pdf", b"%PDF", "application/pdf", at()).unwrap_err();
        let told = format!("{failure:?} {bucket:?}").to_lowercase();
        assert!(!told.contains("canary") && told.contains("redacted"), "{told}");
    }
}

#[test]
fn s3_may_repeat_the_signature_and_it_is_not_told() {
    let server = Server::start([Step::Answer(answer("200 OK", &[("etag", "\"1\"")], b""))]);
    let bucket = Bucket::new(settings(&server.url("")));
    bucket.put("a.pdf", b"%PDF", "application/pdf", at()).unwrap();
    // The same request at the same time has the same signature.
    let authorization = server.seen()[0].header("authorization").unwrap().to_owned();
    server.then([Step::Answer(answer("400 Bad Request", &[], authorization.as_bytes()))]);
    let failure = bucket.put("a.pdf", b"%PDF", "application/pdf", at()).unwrap_err();
    let (_, signature) = authorization.split_once("Signature=").unwrap();
    assert!(!failure.message.contains(signature) && failure.message.contains("Signature=[redacted]"), "{failure:?}");
}

#[test]
fn a_receiver_may_repeat_the_request_and_it_is_not_told() {
    let server = Server::start([Step::CutAfter]);
    let hook = webhook(&server.url("secret-path/canary?token=canary"));
    assert!(!format!("{:?}", hook.post("msg_1", b"{}", at())).contains("canary"));
    let signature = server.seen()[0].header("webhook-signature").unwrap().to_owned();
    let url = server.url("secret-path/canary?token=canary");
    let body = format!("cannot POST /secret-path/canary?token=canary at {url} signed {signature}");
    server.then([Step::Answer(answer("404 Not Found", &[], body.as_bytes()))]);
    let failure = hook.post("msg_1", b"{}", at()).unwrap_err();
    let told = format!("{failure:?} {hook:?}");
    assert!(!told.contains("canary") && !told.contains(&signature[3..]) && !told.contains(&WHSEC[6..]), "{told}");
    assert!(failure.message.contains("cannot POST"), "{failure:?}");
}
