//! Arbitrary answers: whatever a server sends, the call ends, with a class, and nothing in the message
//! that could harm a terminal or a log.

use crate::http::{Server, Step};
use crate::{at, bucket, webhook};
use finops::model::Failure;
use proptest::prelude::*;

/// Heads and bodies that are nearly right reach further than noise does.
fn nearly_http() -> impl Strategy<Value = Vec<u8>> {
    let status = prop_oneof![Just("200".to_owned()), (0..1000_u32).prop_map(|n| format!("{n:03}")), "[0-9]{0,5}"];
    let header = prop_oneof![
        "retry-after: \\PC{0,20}",
        "(content-length|transfer-encoding|date|location|connection): [a-z0-9, ]{0,12}",
        "[a-zA-Z-]{1,8}: [ -~]{0,20}",
        "\\PC{0,20}",
    ];
    let xml = "(<Error>|<Code>|</Code>|<Message>|</Message>|AccessDenied|SlowDown|[a-z &;]{1,4}|\\PC){0,12}";
    let body = prop_oneof![any::<Vec<u8>>(), xml.prop_map(String::into_bytes)];
    (status, prop::collection::vec(header, 0..5), body).prop_map(|(status, headers, body)| {
        let mut bytes = format!("HTTP/1.1 {status} Thing\r\n{}\r\n\r\n", headers.join("\r\n")).into_bytes();
        bytes.extend(body);
        bytes
    })
}

fn fits(failure: &Failure) -> Result<(), TestCaseError> {
    let message = &failure.message;
    prop_assert!(message.starts_with("127.0.0.1 "), "{}", message);
    prop_assert!(!message.contains(char::is_control) && message.chars().count() < 400, "{}", message);
    prop_assert!(!message.contains("canary"), "{}", message);
    prop_assert!(failure.retry_after.is_none_or(|wait| (0..=86_400).contains(&wait.num_seconds())));
    Ok(())
}

/// The same bytes to each kind of call.
fn all_calls(bytes: &[u8]) -> Result<(), TestCaseError> {
    let server = Server::start((0..3).map(|_| Step::AnswerAndClose(bytes.to_vec())));
    let bucket = bucket(&server.url(""));
    if let Err(failure) = bucket.put("a.pdf", b"%PDF", "application/pdf", at()) {
        fits(&failure)?;
    }
    if let Err(failure) = bucket.find("a.pdf", at()) {
        fits(&failure)?;
    }
    if let Err(failure) = webhook(&server.url("canary")).post("msg_1", b"{}", at()) {
        fits(&failure)?;
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn noise_is_no_answer(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        all_calls(&bytes)?;
    }

    #[test]
    fn what_is_nearly_http_has_a_class(bytes in nearly_http()) {
        all_calls(&bytes)?;
    }
}
