//! Messages: what is sent, by a scripted server; that it is right, by Standard Webhooks' own library.

use crate::http::{Seen, Server, Step, answer};
use crate::peers;
use crate::{WHSEC, at, webhook_of};
use finops::providers::webhook::message_id;
use std::io::Write;
use std::process::{Command, Stdio};

const OTHER: &str = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oDmvfKNRGMrqo=";

/// What a receiver gets.
fn sent(keys: &str, at: chrono::DateTime<chrono::Utc>) -> Seen {
    let server = Server::start([Step::Answer(answer("200 OK", &[], b""))]);
    let body = "{\"type\":\"job.completed\",\"note\":\"über\"}".as_bytes();
    let receipt = webhook_of(&server.url("hook?token=1"), keys, true).post(&message_id("acme", "k"), body, at).unwrap();
    assert_eq!((receipt.provider_ref, receipt.bytes), (message_id("acme", "k"), body.len() as u64));
    server.seen().remove(0)
}

#[test]
fn a_message_has_the_three_headers() {
    let seen = sent(WHSEC, at());
    assert_eq!(seen.line, "POST /hook?token=1 HTTP/1.1");
    assert_eq!(seen.header("webhook-id"), Some(message_id("acme", "k").as_str()));
    assert_eq!(seen.header("webhook-timestamp"), Some("1795248000"));
    assert!(seen.header("webhook-signature").unwrap().starts_with("v1,"));
    assert_eq!(seen.header("content-type"), Some("application/json"));
}

#[test]
fn an_id_that_could_be_misread_is_not_sent() {
    let server = Server::start([]);
    for id in ["", "a.b", "a b", "a\r\nx: y", "ä"] {
        assert!(webhook_of(&server.url(""), WHSEC, true).post(id, b"{}", at()).is_err(), "{id}");
    }
    assert_eq!(server.connections(), 0);
}

const VERIFY: &str = "
import json, sys
from standardwebhooks import Webhook, WebhookVerificationError
given = json.load(sys.stdin)
try:
    Webhook(given['secret']).verify(bytes(given['body']), given['headers'])
    print('verified')
except WebhookVerificationError as error:
    print('refused:', error)
";

/// What Standard Webhooks' library says of a message.
fn verify(python: &std::path::Path, secret: &str, seen: &Seen) -> String {
    let headers: serde_json::Map<_, _> = seen.headers.iter().map(|(k, v)| (k.clone(), v.as_str().into())).collect();
    let given = serde_json::json!({ "secret": secret, "body": seen.body, "headers": headers });
    let mut command = Command::new(python);
    let mut child =
        command.args(["-c", VERIFY]).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::inherit()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(given.to_string().as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success());
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

#[test]
fn the_standard_library_verifies_it() {
    let Some(python) = peers::python() else { return };
    #[expect(clippy::disallowed_methods, reason = "the library goes by the real time")]
    let now = chrono::Utc::now();
    let seen = sent(WHSEC, now);
    assert_eq!(verify(&python, WHSEC, &seen), "verified");
    assert!(verify(&python, OTHER, &seen).starts_with("refused:"));
    let mut altered = seen;
    altered.body[2] ^= 1;
    assert!(verify(&python, WHSEC, &altered).starts_with("refused:"));
    let old = sent(WHSEC, now - chrono::TimeDelta::minutes(10));
    assert!(verify(&python, WHSEC, &old).starts_with("refused:"));
    // While one key replaces the other, who has either can verify.
    let both = sent(&format!("{OTHER} {WHSEC}"), now);
    for key in [WHSEC, OTHER] {
        assert_eq!(verify(&python, key, &both), "verified");
    }
}
